/* gst-dao: seal and open a signed call frame (crypto_v 2)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "dao-contacts.h"
#include "dao-signal.h"

G_BEGIN_DECLS

#define DAO_ENVELOPE_ERROR (dao_envelope_error_quark ())
GQuark dao_envelope_error_quark (void);

/* One code a check of protocol.md e.5, in its order. */
typedef enum
{
  DAO_ENVELOPE_ERROR_TYPE,
  DAO_ENVELOPE_ERROR_HEADER,    /* from, to, call_id, crypto_v */
  DAO_ENVELOPE_ERROR_PAYLOAD,
  DAO_ENVELOPE_ERROR_UNKNOWN_PEER,
  DAO_ENVELOPE_ERROR_DECRYPT,
  DAO_ENVELOPE_ERROR_JSON,
  DAO_ENVELOPE_ERROR_FIELDS,    /* _sig, _ts, _nonce missing or malformed */
  DAO_ENVELOPE_ERROR_TIME,
  DAO_ENVELOPE_ERROR_REPLAY,
  DAO_ENVELOPE_ERROR_SIGNATURE,
  DAO_ENVELOPE_ERROR_FROM,
  DAO_ENVELOPE_ERROR_TO,
  DAO_ENVELOPE_ERROR_CALL_ID,
  DAO_ENVELOPE_ERROR_TYPE_MISMATCH,
} DaoEnvelopeError;

#define DAO_ENVELOPE_MAX_FRAME (256 * 1024)     /* one WebSocket text frame; the relay refuses more */
#define DAO_ENVELOPE_WINDOW_MS 60000    /* protocol.md e.5 step 8: accepted at exactly 60000 */

/* Remembers (peer, nonce) for 5 minutes; full = frames are dropped (e.5). */
typedef struct _DaoReplayGuard DaoReplayGuard;
DaoReplayGuard *dao_replay_guard_new (void);
void dao_replay_guard_free (DaoReplayGuard * guard);

/**
 * dao_envelope_open:
 * @frame: the received JSON text
 * @own_alias: our alias; a signed `to` that differs is dropped
 * @now_ms: wall clock, ms since the epoch
 * @inner: (out) (optional) (transfer full): the verified inner object
 *
 * Checks in the strict order of protocol.md e.5. A nonce is recorded only
 * after the signature verified.
 *
 * Returns: (transfer full): the verified signal, or NULL with @error
 */
DaoSignal *dao_envelope_open (const gchar * frame, gsize length,
    const gchar * own_alias, DaoContacts * contacts, DaoReplayGuard * guard,
    gint64 now_ms, GError ** error);

/**
 * dao_envelope_seal:
 * @inner: (transfer none): fields of the signal without _ts, _nonce, _sig
 * @ed25519_secret: 64 bytes, libsodium secret key
 * @session_key: 32 bytes
 * @sig_nonce: 16 bytes for `_nonce`, or NULL for random
 * @aes_nonce: 12 bytes, or NULL for random (always NULL outside of tests)
 *
 * Returns: (transfer full): the JSON text of the frame, or NULL with @error
 */
gchar *dao_envelope_seal (json_t * inner, const gchar * to,
    const guint8 * ed25519_secret, const guint8 * session_key, gint64 now_ms,
    const guint8 * sig_nonce, const guint8 * aes_nonce, GError ** error);

G_END_DECLS
