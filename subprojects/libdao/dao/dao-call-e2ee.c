/* gst-dao: agreeing on frame encryption within a call
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Design, "Frame encryption of a call" and "extensions to the signed signaling".
 */
#include "dao-call-private.h"

#include <string.h>

gboolean
dao_call_e2ee_allows (DaoCall * call, gboolean peer_e2ee, gboolean e2ee_seen,
    DaoCallReason * reason)
{
  const DaoCallSettings *settings = &call->settings;

  if (peer_e2ee || settings->e2ee == DAO_E2EE_OFF)
    return TRUE;
  if (settings->e2ee == DAO_E2EE_REQUIRED) {
    *reason = DAO_CALL_REASON_E2EE_REQUIRED;
    return FALSE;
  }
  if (e2ee_seen && settings->min_trust == DAO_TRUST_VERIFIED) {
    *reason = DAO_CALL_REASON_E2EE_DOWNGRADE;
    return FALSE;
  }
  return TRUE;
}

/* What the peer's first offer or answer said. */
void
dao_call_e2ee_remember (DaoCall * call, const DaoSignal * signal)
{
  call->peer_e2ee = signal->e2ee;
  if (signal->e2ee)
    memcpy (call->peer_pub, signal->e2ee_pub, sizeof call->peer_pub);
}

gboolean
dao_call_e2ee_repeats (DaoCall * call, const DaoSignal * signal)
{
  if (!!signal->e2ee != !!call->peer_e2ee)
    return FALSE;
  return !signal->e2ee || memcmp (signal->e2ee_pub, call->peer_pub,
      sizeof call->peer_pub) == 0;
}

/* Our ephemeral: the caller's with the call_id, the callee's at accept. */
void
dao_call_e2ee_announce (DaoCall * call)
{
  if (call->settings.e2ee == DAO_E2EE_OFF)
    return;
  if (call->role == DAO_ROLE_CALLEE && !call->peer_e2ee)
    return;
  call->keys = dao_call_keys_new (call->role);
  call->own_e2ee = TRUE;
  memcpy (call->own_pub, dao_call_keys_get_public (call->keys),
      sizeof call->own_pub);
}

static gboolean
agree (DaoCall * call)
{
  gboolean is_caller = call->role == DAO_ROLE_CALLER;
  const gchar *own = call->settings.own_alias;
  const guint8 *own_key = call->settings.own_ed25519;
  DaoCallTranscript transcript = {
    .call_id = call->id,
    .caller_alias = is_caller ? own : call->peer,
    .callee_alias = is_caller ? call->peer : own,
    .caller_ed25519 = is_caller ? own_key : call->peer_ed25519,
    .callee_ed25519 = is_caller ? call->peer_ed25519 : own_key,
    .session_key = call->session_key,
  };
  GError *error = NULL;

  if (dao_call_keys_agree (call->keys, &transcript, call->peer_pub, &error))
    return TRUE;
  g_debug ("call %s: %s", call->id, error->message);
  g_clear_error (&error);
  return FALSE;
}

gboolean
dao_call_e2ee_settle (DaoCall * call)
{
  if (call->keys != NULL && call->peer_e2ee) {
    if (!agree (call))
      return FALSE;
  } else {
    g_clear_pointer (&call->keys, dao_call_keys_free);
    call->downgraded = call->e2ee_seen;
  }
  dao_call_push (call, DAO_CALL_ACTION_KEYS);
  return TRUE;
}

/* Every offer and answer of the call says the same. */
void
dao_call_e2ee_fill (DaoCall * call, DaoSignal * signal)
{
  signal->e2ee = call->own_e2ee;
  if (call->own_e2ee)
    memcpy (signal->e2ee_pub, call->own_pub, sizeof signal->e2ee_pub);
}
