/* gst-dao: the life of one 1:1 call, without I/O
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 *                +----------------- idle ------------------+
 *          start |                                         | offer: INCOMING
 *                v           glare, higher alias           v
 *             calling -----------------------------> ringing
 *                | answer                                  | our answer is sent
 *                +-------------> connecting <--------------+
 *                                 |      ^
 *                       transport |      | restart
 *                                 v      |
 *                               connected
 *
 *   From each of them: hangup (either side hung up), rejected (either side
 *   declined), ended (timers, failures). The next call leaves through idle.
 *
 * The whole table is docs/call-states.md.
 */
#include "dao-call-private.h"

#include <sodium.h>
#include <string.h>

/* --- settings --- */

static DaoCallSettings *
settings_new (const DaoCallConfig * config)
{
  DaoCallSettings *settings = g_new0 (DaoCallSettings, 1);

  settings->own_alias = g_strdup (config->own_alias ? config->own_alias : "");
  if (config->own_ed25519 != NULL)
    memcpy (settings->own_ed25519, config->own_ed25519,
        sizeof settings->own_ed25519);
  settings->e2ee = config->e2ee;
  settings->min_trust = config->min_trust;
  settings->auto_answer = config->auto_answer;
  settings->allow = g_strdupv ((gchar **) config->allow);
  return settings;
}

static void
settings_clear (DaoCallSettings * settings)
{
  g_free (settings->own_alias);
  g_strfreev (settings->allow);
  memset (settings, 0, sizeof *settings);
}

static void
settings_free (DaoCallSettings * settings)
{
  settings_clear (settings);
  g_free (settings);
}

static void
use_next_settings (DaoCall * call)
{
  if (call->next_settings == NULL || dao_call_is_active (call))
    return;
  settings_clear (&call->settings);
  call->settings = *call->next_settings;
  g_clear_pointer (&call->next_settings, g_free);
}

void
dao_call_set_config (DaoCall * call, const DaoCallConfig * config)
{
  g_clear_pointer (&call->next_settings, settings_free);
  call->next_settings = settings_new (config);
  use_next_settings (call);
}

/* --- life --- */

DaoCall *
dao_call_new (const DaoCallConfig * config)
{
  DaoCall *call = g_new0 (DaoCall, 1);

  if (sodium_init () < 0)
    g_error ("libsodium cannot be used");
  g_queue_init (&call->remote_candidates);
  g_queue_init (&call->local_candidates);
  g_queue_init (&call->open_leg);
  g_queue_init (&call->early);
  g_queue_init (&call->outbox);
  g_queue_init (&call->actions);
  g_queue_init (&call->ended);
  call->heard = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  call->online = TRUE;
  call->session_key = sodium_malloc (32);
  call->recall_key = sodium_malloc (32);
  if (call->session_key == NULL || call->recall_key == NULL)
    g_error ("no locked memory for a session key");
  dao_call_clear_timers (call);
  dao_call_set_config (call, config);
  return call;
}

void
dao_call_free (DaoCall * call)
{
  if (call == NULL)
    return;
  dao_call_wipe (call);
  dao_call_forget_recall (call);
  sodium_free (call->session_key);
  sodium_free (call->recall_key);
  g_queue_clear_full (&call->early, (GDestroyNotify) dao_call_entry_free);
  g_queue_clear_full (&call->outbox, (GDestroyNotify) dao_call_entry_free);
  g_queue_clear_full (&call->actions, (GDestroyNotify) dao_call_action_free);
  g_queue_clear_full (&call->ended, g_free);
  g_hash_table_unref (call->heard);
  settings_clear (&call->settings);
  g_clear_pointer (&call->next_settings, settings_free);
  g_free (call->next_id);
  g_free (call->id);
  g_free (call->peer);
  g_free (call);
}

/* What must not outlive a call: keys, candidates, exchanges, clocks. */
void
dao_call_wipe (DaoCall * call)
{
  g_clear_pointer (&call->keys, dao_call_keys_free);
  sodium_memzero (call->session_key, 32);
  dao_negotiation_clear (&call->negotiation);
  g_clear_pointer (&call->offer_sdp, g_free);
  g_queue_clear_full (&call->remote_candidates,
      (GDestroyNotify) dao_signal_free);
  g_queue_clear_full (&call->local_candidates,
      (GDestroyNotify) dao_signal_free);
  dao_call_close_leg (call);
  g_hash_table_remove_all (call->heard);
  dao_call_clear_timers (call);
  call->consent = call->offer_left = FALSE;
  call->remote_applied = call->local_ready = FALSE;
  call->ever_connected = call->restarting = FALSE;
  call->own_e2ee = call->peer_e2ee = FALSE;
  memset (call->last_request_ms, 0, sizeof call->last_request_ms);
  call->restarts = call->requests = call->candidates_total = 0;
  call->allowed_ms = 0;
}

gboolean
dao_call_is_active (DaoCall * call)
{
  return call->state != DAO_CALL_IDLE
      && !dao_call_state_is_terminal (call->state);
}

void
dao_call_change_state (DaoCall * call, DaoCallState state,
    DaoCallReason reason)
{
  DaoCallAction *action = dao_call_push (call, DAO_CALL_ACTION_STATE);

  call->state = state;
  call->reason = reason;
  action->state = state;
  action->reason = reason;
}

void
dao_call_begin (DaoCall * call, DaoRole role, const gchar * peer,
    const gchar * id, const DaoContact * contact)
{
  dao_call_wipe (call);
  if (dao_call_state_is_terminal (call->state))
    dao_call_change_state (call, DAO_CALL_IDLE, DAO_CALL_REASON_NONE);
  call->reason = DAO_CALL_REASON_NONE;
  call->role = role;
  g_free (call->peer);
  call->peer = g_strdup (peer);
  g_free (call->id);
  call->id = g_strdup (id);
  call->downgraded = call->verified = call->e2ee_seen = FALSE;
  if (contact != NULL) {
    call->verified = contact->trust == DAO_TRUST_VERIFIED;
    call->e2ee_seen = contact->e2ee_seen;
    memcpy (call->peer_ed25519, contact->ed25519_public,
        sizeof call->peer_ed25519);
    memcpy (call->session_key, contact->session_key, 32);
  }
  dao_negotiation_init (&call->negotiation, role);
}

static gchar *
ended_key (const gchar * peer, const gchar * id)
{
  return g_strconcat (peer, "\n", id, NULL);
}

void
dao_call_remember_ended (DaoCall * call, const gchar * peer, const gchar * id)
{
  g_queue_push_tail (&call->ended, ended_key (peer, id));
  if (g_queue_get_length (&call->ended) > DAO_CALL_MAX_ENDED)
    g_free (g_queue_pop_head (&call->ended));
}

gboolean
dao_call_is_ended_id (DaoCall * call, const gchar * peer, const gchar * id)
{
  gchar *key = ended_key (peer, id);
  gboolean found = g_queue_find_custom (&call->ended, key,
      (GCompareFunc) strcmp) != NULL;

  g_free (key);
  return found;
}

/* `reason` of hangup and reject (design, extensions). */
static const gchar *
wire_reason (DaoCallReason reason)
{
  switch (reason) {
    case DAO_CALL_REASON_LOCAL_HANGUP:
      return NULL;
    case DAO_CALL_REASON_LOCAL_REJECT:
    case DAO_CALL_REASON_CONTACT_CHANGED:
    case DAO_CALL_REASON_UNVERIFIED:
      return "declined";
    case DAO_CALL_REASON_NO_ANSWER:
    case DAO_CALL_REASON_RING_TIMEOUT:
    case DAO_CALL_REASON_CONNECT_TIMEOUT:
    case DAO_CALL_REASON_MEDIA_TIMEOUT:
      return "timeout";
    case DAO_CALL_REASON_E2EE_REQUIRED:
    case DAO_CALL_REASON_E2EE_DOWNGRADE:
      return "e2ee-required";
    default:
      return "failed";
  }
}

/* A ringing callee rejects; a caller whose offer never left has nobody to tell. */
static void
notify_peer (DaoCall * call, DaoCallReason reason, gint64 now_ms)
{
  /* hangup() sends call_hangup in every state, as the SDK does (protocol.md e.7) */
  gboolean ringing = call->role == DAO_ROLE_CALLEE
      && call->state == DAO_CALL_RINGING
      && reason != DAO_CALL_REASON_LOCAL_HANGUP;
  DaoSignal *signal;

  if (call->role == DAO_ROLE_CALLER && !call->offer_left)
    return;
  signal = dao_call_new_signal (call, ringing ? DAO_SIGNAL_REJECT :
      DAO_SIGNAL_HANGUP);
  signal->reason = g_strdup (wire_reason (reason));
  dao_call_send (call, signal, now_ms);
}

void
dao_call_finish (DaoCall * call, DaoCallState state, DaoCallReason reason,
    gboolean notify, const gchar * text, gint64 now_ms)
{
  DaoCallKeys *keys;

  dao_call_drop_media_actions (call);
  dao_call_prune_outbox (call, TRUE);
  if (text != NULL)
    dao_call_push_error (call, reason, text);
  if (notify)
    notify_peer (call, reason, now_ms);
  dao_call_remember_ended (call, call->peer, call->id);
  /* The keys go with the last action: until then the driver may say what the call had. */
  keys = g_steal_pointer (&call->keys);
  dao_call_wipe (call);
  call->keys = keys;
  dao_call_push (call, DAO_CALL_ACTION_CLOSE);
  dao_call_change_state (call, state, reason);
  use_next_settings (call);
}

/* --- local actions --- */

gboolean
dao_call_vet_contact (DaoCall * call, const DaoContact * contact,
    DaoCallReason * refusal)
{
  if (contact == NULL) {
    if (*refusal == DAO_CALL_REASON_NONE)
      *refusal = DAO_CALL_REASON_UNKNOWN_CONTACT;
    return FALSE;
  }
  if (!contact->pinned || contact->session_key == NULL)
    *refusal = DAO_CALL_REASON_UNKNOWN_CONTACT;
  else if (contact->trust == DAO_TRUST_CHANGED)
    *refusal = DAO_CALL_REASON_CONTACT_CHANGED;
  else if (call->settings.min_trust == DAO_TRUST_VERIFIED
      && contact->trust != DAO_TRUST_VERIFIED)
    *refusal = DAO_CALL_REASON_UNVERIFIED;
  else
    return TRUE;
  return FALSE;
}

/* UUIDv4 (RFC 4122, 4.4) */
static gchar *
random_id (void)
{
  guint8 b[16];

  randombytes_buf (b, sizeof b);
  b[6] = (b[6] & 0x0f) | 0x40;
  b[8] = (b[8] & 0x3f) | 0x80;
  return g_strdup_printf ("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
      "%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5], b[6],
      b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static void
start_calling (DaoCall * call, gint64 now_ms)
{
  DaoCallAction *action;

  call->consent = TRUE;
  dao_call_e2ee_announce (call);
  dao_call_change_state (call, DAO_CALL_CALLING, DAO_CALL_REASON_NONE);
  dao_negotiation_first_offer (&call->negotiation);
  dao_call_set_timer (call, DAO_CALL_TIMER_OFFER,
      now_ms + DAO_CALL_OFFER_TIMEOUT_MS);
  action = dao_call_push (call, DAO_CALL_ACTION_CREATE_OFFER);
  action->video = call->video;
}

gboolean
dao_call_start (DaoCall * call, const gchar * peer,
    const DaoContact * contact, DaoCallReason refusal, gboolean audio,
    gboolean video, gint64 now_ms)
{
  gchar *id;

  if (dao_call_is_active (call) || peer == NULL)
    return FALSE;
  use_next_settings (call);
  if (g_strcmp0 (peer, call->settings.own_alias) == 0)
    contact = NULL;
  if (!dao_call_vet_contact (call, contact, &refusal))
    contact = NULL;

  dao_call_forget_recall (call);
  id = call->next_id ? g_steal_pointer (&call->next_id) : random_id ();
  dao_call_begin (call, DAO_ROLE_CALLER, peer, id, contact);
  g_free (id);
  g_queue_clear_full (&call->early, (GDestroyNotify) dao_call_entry_free);
  call->audio = audio;
  call->video = video;
  if (contact == NULL)
    dao_call_finish (call, DAO_CALL_ENDED, refusal, FALSE,
        dao_call_reason_to_text (refusal), now_ms);
  else
    start_calling (call, now_ms);
  return TRUE;
}

/* Consent is given: now, and not before, there are keys and a peer connection. */
void
dao_call_accept (DaoCall * call, gint64 now_ms)
{
  DaoCallAction *action;

  call->consent = TRUE;
  dao_call_clear_timer (call, DAO_CALL_TIMER_RING);
  dao_call_set_timer (call, DAO_CALL_TIMER_CONNECT,
      now_ms + DAO_CALL_CONNECT_TIMEOUT_MS);
  dao_call_e2ee_announce (call);
  if (!dao_call_e2ee_settle (call)) {
    dao_call_finish (call, DAO_CALL_ENDED, DAO_CALL_REASON_E2EE_DOWNGRADE,
        TRUE, "The other side sent an encryption key that is not safe to use.",
        now_ms);
    return;
  }
  dao_negotiation_begin_answer (&call->negotiation);
  dao_negotiation_remote_description (&call->negotiation, call->offer_sdp);
  action = dao_call_push (call, DAO_CALL_ACTION_CREATE_ANSWER);
  action->sdp = g_steal_pointer (&call->offer_sdp);
  action->video = call->video;
  action->leg = call->negotiation.leg;
}

gboolean
dao_call_answer (DaoCall * call, gint64 now_ms)
{
  if (call->state != DAO_CALL_RINGING)
    return FALSE;
  if (call->consent) {
    dao_call_push_error (call, DAO_CALL_REASON_NONE,
        "The call is being answered already.");
    return FALSE;
  }
  dao_call_accept (call, now_ms);
  return TRUE;
}

gboolean
dao_call_reject (DaoCall * call, gint64 now_ms)
{
  if (call->state != DAO_CALL_RINGING)
    return FALSE;
  dao_call_finish (call, DAO_CALL_REJECTED, DAO_CALL_REASON_LOCAL_REJECT,
      TRUE, NULL, now_ms);
  return TRUE;
}

gboolean
dao_call_hangup (DaoCall * call, gint64 now_ms)
{
  if (!dao_call_is_active (call))
    return FALSE;
  dao_call_finish (call, DAO_CALL_HANGUP, DAO_CALL_REASON_LOCAL_HANGUP, TRUE,
      NULL, now_ms);
  return TRUE;
}

void
dao_call_fail (DaoCall * call, DaoCallReason reason, const gchar * text,
    gint64 now_ms)
{
  if (text == NULL)
    text = dao_call_reason_to_text (reason);
  if (dao_call_is_active (call))
    dao_call_finish (call, DAO_CALL_ENDED, reason, TRUE, text, now_ms);
  else if (call->state == DAO_CALL_IDLE)
    dao_call_push_error (call, reason, text);
}

static guint
wants_from_string (const gchar * want)
{
  if (g_strcmp0 (want, "video") == 0)
    return DAO_NEGOTIATION_WANT_VIDEO;
  if (g_strcmp0 (want, "leg") == 0)
    return DAO_NEGOTIATION_WANT_LEG;
  return 0;
}

/* Who asks for a new leg (an address changed) did not get the restart that we offered while it was away, or has no
 * use for it; its answer may never come. */
static void
abandon_open_restart (DaoCall * call, gint64 now_ms)
{
  const DaoNegotiation *open = &call->negotiation;

  if (call->restarting && open->state == DAO_NEGOTIATION_HAVE_LOCAL_OFFER
      && open->handed_out && !open->makes_leg)
    dao_call_abandon_exchange (call, now_ms);
}

gboolean
dao_call_renegotiate (DaoCall * call, const gchar * want, gint64 now_ms)
{
  guint wants = wants_from_string (want);
  DaoSignal *signal;

  if (call->state != DAO_CALL_CONNECTING && call->state != DAO_CALL_CONNECTED)
    return FALSE;
  /* Peers without `ext` take a second offer for a second call. */
  if (!call->negotiation.established || !call->negotiation.ext)
    return FALSE;
  if (g_strcmp0 (want, "restart") == 0)
    return dao_call_restart (call, now_ms);
  if (wants == 0 || (wants == DAO_NEGOTIATION_WANT_VIDEO && call->video))
    return FALSE;

  if (call->role == DAO_ROLE_CALLER) {
    if (wants == DAO_NEGOTIATION_WANT_LEG)
      abandon_open_restart (call, now_ms);
    dao_negotiation_request (&call->negotiation, wants);
    dao_call_offer_if_due (call, now_ms);
  } else {
    signal = dao_call_new_signal (call, DAO_SIGNAL_RENEGOTIATE);
    signal->want = g_strdup (want);
    dao_call_send (call, signal, now_ms);
  }
  return TRUE;
}

void
dao_call_abandon_leg (DaoCall * call, guint leg, gint64 now_ms)
{
  if ((call->state == DAO_CALL_CONNECTING || call->state == DAO_CALL_CONNECTED)
      && call->negotiation.leg == leg)
    dao_call_abandon_exchange (call, now_ms);
}

/* --- what is so --- */

DaoCallState
dao_call_get_state (DaoCall * call)
{
  return call->state;
}

DaoCallReason
dao_call_get_reason (DaoCall * call)
{
  return call->reason;
}

DaoRole
dao_call_get_role (DaoCall * call)
{
  return call->role;
}

const gchar *
dao_call_get_id (DaoCall * call)
{
  return call->state == DAO_CALL_IDLE ? NULL : call->id;
}

const gchar *
dao_call_get_peer (DaoCall * call)
{
  return call->state == DAO_CALL_IDLE ? NULL : call->peer;
}

gboolean
dao_call_is_video (DaoCall * call)
{
  return call->video;
}

gboolean
dao_call_wants_audio (DaoCall * call)
{
  return call->audio;
}

gboolean
dao_call_peer_has_ext (DaoCall * call)
{
  return call->negotiation.ext;
}

gboolean
dao_call_is_verified (DaoCall * call)
{
  return call->verified;
}

gboolean
dao_call_is_downgraded (DaoCall * call)
{
  return call->downgraded;
}

/* Unsettled keys are nobody's business: no handle exists before consent. */
DaoCallKeys *
dao_call_get_keys (DaoCall * call)
{
  if (call->keys == NULL || !dao_call_keys_is_agreed (call->keys))
    return NULL;
  return call->keys;
}

guint64
dao_call_get_ignored (DaoCall * call)
{
  return call->ignored;
}

void
dao_call_set_next_id (DaoCall * call, const gchar * call_id)
{
  g_free (call->next_id);
  call->next_id = g_strdup (call_id);
}
