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

/* protocol.md e.5: longer than the 120 s in which one frame can be accepted */
#define DAO_REPLAY_MEMORY_MS 300000
/* The relay lets an account send 120 messages a minute, so 5 minutes of one peer are 600. */
#define DAO_REPLAY_MAX_PER_PEER 2048
#define DAO_REPLAY_MAX 65536

DaoReplayGuard *dao_replay_guard_new (void);
void dao_replay_guard_free (DaoReplayGuard * guard);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DaoReplayGuard, dao_replay_guard_free)

/* Whether the nonce was used; case of the hex digits does not matter. */
gboolean dao_replay_guard_seen (DaoReplayGuard * guard, const gchar * peer,
    const gchar * nonce, gint64 now_ms);
/* FALSE: full, or used before. Only for nonces of verified signals. */
gboolean dao_replay_guard_record (DaoReplayGuard * guard, const gchar * peer,
    const gchar * nonce, gint64 now_ms);

/**
 * dao_envelope_verify:
 *
 * All of dao_envelope_open() but the reading of the signal's own fields.
 *
 * Returns: (transfer full): the verified inner object, or NULL with @error of DAO_ENVELOPE_ERROR
 */
json_t *dao_envelope_verify (const gchar * frame, gsize length,
    const gchar * own_alias, DaoContacts * contacts, DaoReplayGuard * guard,
    gint64 now_ms, GError ** error);

/**
 * dao_envelope_open:
 * @frame: the received JSON text
 * @own_alias: our alias; a signed `to` that differs is dropped
 * @now_ms: wall clock, ms since the epoch
 *
 * Checks in the strict order of protocol.md e.5. A nonce is recorded only
 * after the signature verified. A contact that is not pinned is an unknown peer. A contact
 * whose keys changed is verified with its pinned keys: whether calls are allowed is
 * for dao_contacts_get_callable().
 *
 * Returns: (transfer full): the verified signal, or NULL with @error of DAO_ENVELOPE_ERROR, or of
 * DAO_SIGNAL_ERROR for a genuine signal with fields we do not accept
 */
DaoSignal *dao_envelope_open (const gchar * frame, gsize length,
    const gchar * own_alias, DaoContacts * contacts, DaoReplayGuard * guard,
    gint64 now_ms, GError ** error);

/**
 * dao_envelope_sign:
 * @fields: (transfer none): a signal without _ts, _nonce, _sig
 * @sig_nonce: 16 bytes
 * @canonical: (out) (optional) (transfer full): the text that was signed
 *
 * protocol.md e.3, steps 1 and 2.
 *
 * Returns: (transfer full): the fields with _ts, _nonce and _sig, or NULL with @error
 */
json_t *dao_envelope_sign (json_t * fields, const guint8 * ed25519_secret,
    gint64 now_ms, const guint8 * sig_nonce, gchar ** canonical,
    GError ** error);

/**
 * dao_envelope_seal:
 * @inner: (transfer none): fields of the signal without _ts, _nonce, _sig
 * @ed25519_secret: 64 bytes, libsodium secret key
 * @session_key: 32 bytes
 * @now_ms: wall clock, ms since the epoch
 * @sig_nonce: 16 bytes for `_nonce`, or NULL for random
 * @aes_nonce: 12 bytes, or NULL for random (always NULL outside of tests)
 *
 * The plaintext is the canonical text with `_sig`. `type`, `from` and `call_id` of the envelope are
 * those of @inner, which must have them. Nothing is ever sent without a session key.
 *
 * Returns: (transfer full): the JSON text of the frame, or NULL with @error
 */
gchar *dao_envelope_seal (json_t * inner, const gchar * to,
    const guint8 * ed25519_secret, const guint8 * session_key, gint64 now_ms,
    const guint8 * sig_nonce, const guint8 * aes_nonce, GError ** error);

G_END_DECLS
