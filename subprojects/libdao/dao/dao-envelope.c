/* gst-dao: seal and open a signed call frame (crypto_v 2)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-envelope.h"
#include "dao-encoding.h"
#include "dao-json.h"
#include "dao-secret.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define CRYPTO_V 2
#define IV_BYTES 12
#define TAG_BYTES 16
#define SIG_BYTES crypto_sign_BYTES
#define NONCE_BYTES 16

G_DEFINE_QUARK (dao-envelope-error-quark, dao_envelope_error)

static gboolean
drop (GError ** error, DaoEnvelopeError code, const gchar * why)
{
  g_set_error_literal (error, DAO_ENVELOPE_ERROR, code, why);
  return FALSE;
}

/* --- opening, one function a group of checks of protocol.md e.5 --- */

/* The clear envelope; the strings belong to the parsed frame. */
typedef struct
{
  const gchar *type;
  const gchar *from;
  const gchar *call_id;
  const gchar *payload;
} Header;

static gboolean
is_empty (const gchar * text)
{
  return text == NULL || *text == '\0';
}

/* Steps 1 to 3 but for the base64. The clear `to` and `from` are the relay's
 * words; what counts is compared with the signed fields below. */
static gboolean
read_header (json_t * frame, Header * header, GError ** error)
{
  json_t *crypto_v = json_object_get (frame, "crypto_v");
  DaoSignalType type;

  header->type = dao_json_get_string (frame, "type");
  header->from = dao_json_get_string (frame, "from");
  header->call_id = dao_json_get_string (frame, "call_id");
  header->payload = dao_json_get_string (frame, "payload");
  if (!dao_signal_type_from_string (header->type, &type))
    return drop (error, DAO_ENVELOPE_ERROR_TYPE, "type is no call signal");
  if (is_empty (header->from))
    return drop (error, DAO_ENVELOPE_ERROR_HEADER, "from is missing");
  if (crypto_v != NULL && (!json_is_number (crypto_v)
          || json_number_value (crypto_v) != CRYPTO_V))
    return drop (error, DAO_ENVELOPE_ERROR_HEADER, "crypto_v is not 2");
  if (is_empty (header->call_id))
    return drop (error, DAO_ENVELOPE_ERROR_HEADER, "call_id is missing");
  if (is_empty (header->payload))
    return drop (error, DAO_ENVELOPE_ERROR_PAYLOAD, "payload is missing");
  return TRUE;
}

/* The contact of the sender; pending ones are strangers. */
static const DaoContact *
find_peer (DaoContacts * contacts, const gchar * from, GError ** error)
{
  const DaoContact *peer = dao_contacts_lookup (contacts, from);

  if (peer != NULL && peer->pinned && peer->session_key != NULL)
    return peer;
  drop (error, DAO_ENVELOPE_ERROR_UNKNOWN_PEER, "no session with the sender");
  return NULL;
}

/* Steps 3 to 5: the parsed plaintext */
static json_t *
decrypt_inner (const gchar * payload, const guint8 * session_key,
    GError ** error)
{
  g_autofree guint8 *sealed = NULL;
  gchar *plain;
  gsize length;
  json_t *inner = NULL;

  sealed = dao_base64_decode (payload, &length);
  if (sealed == NULL || length < IV_BYTES + TAG_BYTES) {
    drop (error, DAO_ENVELOPE_ERROR_PAYLOAD,
        "payload is no base64 of 28 bytes or more");
    return NULL;
  }
  length -= IV_BYTES + TAG_BYTES;
  plain = g_malloc (length + 1);
  if (!dao_aes_gcm_open (session_key, sealed, sealed + IV_BYTES,
          length + TAG_BYTES, (guint8 *) plain)) {
    drop (error, DAO_ENVELOPE_ERROR_DECRYPT, "payload does not decrypt");
  } else {
    inner = dao_json_parse (plain, length, NULL);
    if (!json_is_object (inner)) {
      json_decref (inner);
      inner = NULL;
      drop (error, DAO_ENVELOPE_ERROR_JSON, "inside is no strict JSON object");
    }
  }
  sodium_memzero (plain, length);
  g_free (plain);
  return inner;
}

static gboolean
has_signing_key (const DaoContact * peer)
{
  return !sodium_is_zero (peer->ed25519_public, sizeof peer->ed25519_public);
}

/* Steps 7 and 8 */
static gboolean
check_fields (json_t * inner, guint8 * signature, gint64 now_ms,
    GError ** error)
{
  const gchar *nonce = dao_json_get_string (inner, "_nonce");
  guint8 scratch[NONCE_BYTES];
  gint64 ts;

  if (!dao_hex_decode (dao_json_get_string (inner, "_sig"), signature,
          SIG_BYTES))
    return drop (error, DAO_ENVELOPE_ERROR_FIELDS,
        "_sig is not 128 hex digits");
  if (!dao_json_get_int (inner, "_ts", &ts))
    return drop (error, DAO_ENVELOPE_ERROR_FIELDS, "_ts is no integer");
  if (!dao_hex_decode (nonce, scratch, sizeof scratch))
    return drop (error, DAO_ENVELOPE_ERROR_FIELDS,
        "_nonce is not 32 hex digits");
  if (ts < now_ms - DAO_ENVELOPE_WINDOW_MS
      || ts > now_ms + DAO_ENVELOPE_WINDOW_MS)
    return drop (error, DAO_ENVELOPE_ERROR_TIME,
        "_ts is more than 60 s from our clock");
  return TRUE;
}

/* Takes `_sig` out of @inner: what stays is what was signed. */
static gboolean
signature_is_valid (json_t * inner, const guint8 * signature,
    const guint8 * ed25519_public)
{
  g_autofree gchar *canonical = NULL;

  json_object_del (inner, "_sig");
  canonical = dao_json_canonical (inner, NULL);
  return canonical != NULL && crypto_sign_verify_detached (signature,
      (const guint8 *) canonical, strlen (canonical), ed25519_public) == 0;
}

/* Steps 9 and 10. The nonce is burnt only by who can sign. */
static gboolean
check_signature (json_t * inner, const guint8 * signature,
    const DaoContact * peer, DaoReplayGuard * guard, gint64 now_ms,
    GError ** error)
{
  const gchar *nonce = dao_json_get_string (inner, "_nonce");

  if (dao_replay_guard_seen (guard, peer->alias, nonce, now_ms))
    return drop (error, DAO_ENVELOPE_ERROR_REPLAY, "_nonce was used before");
  if (!signature_is_valid (inner, signature, peer->ed25519_public))
    return drop (error, DAO_ENVELOPE_ERROR_SIGNATURE,
        "the signature is not the contact's");
  if (!dao_replay_guard_record (guard, peer->alias, nonce, now_ms))
    return drop (error, DAO_ENVELOPE_ERROR_REPLAY,
        "too many signals to remember");
  return TRUE;
}

/* Steps 11 to 13 and the design's signed `to` */
static gboolean
check_bindings (json_t * inner, const Header * header,
    const gchar * own_alias, GError ** error)
{
  json_t *to = json_object_get (inner, "to");

  if (g_strcmp0 (dao_json_get_string (inner, "from"), header->from) != 0)
    return drop (error, DAO_ENVELOPE_ERROR_FROM,
        "signed and clear sender differ");
  if (to != NULL && (!json_is_string (to)
          || g_strcmp0 (json_string_value (to), own_alias) != 0))
    return drop (error, DAO_ENVELOPE_ERROR_TO, "signed for someone else");
  if (g_strcmp0 (dao_json_get_string (inner, "call_id"), header->call_id) != 0)
    return drop (error, DAO_ENVELOPE_ERROR_CALL_ID,
        "signed and clear call_id differ");
  if (g_strcmp0 (dao_json_get_string (inner, "type"), header->type) != 0)
    return drop (error, DAO_ENVELOPE_ERROR_TYPE_MISMATCH,
        "signed and clear type differ");
  return TRUE;
}

static json_t *
verify_frame (json_t * frame, const gchar * own_alias,
    DaoContacts * contacts, DaoReplayGuard * guard, gint64 now_ms,
    GError ** error)
{
  guint8 signature[SIG_BYTES];
  const DaoContact *peer;
  Header header;
  json_t *inner;

  if (!read_header (frame, &header, error))
    return NULL;
  peer = find_peer (contacts, header.from, error);
  if (peer == NULL)
    return NULL;
  inner = decrypt_inner (header.payload, peer->session_key, error);
  if (inner == NULL)
    return NULL;
  if (!has_signing_key (peer)) {
    drop (error, DAO_ENVELOPE_ERROR_UNKNOWN_PEER,
        "no signing key of the sender");
  } else if (check_fields (inner, signature, now_ms, error)
      && check_signature (inner, signature, peer, guard, now_ms, error)
      && check_bindings (inner, &header, own_alias, error)) {
    return inner;
  }
  json_decref (inner);
  return NULL;
}

json_t *
dao_envelope_verify (const gchar * frame, gsize length,
    const gchar * own_alias, DaoContacts * contacts, DaoReplayGuard * guard,
    gint64 now_ms, GError ** error)
{
  json_t *root, *inner = NULL;

  g_return_val_if_fail (frame != NULL && own_alias != NULL, NULL);
  g_return_val_if_fail (contacts != NULL && guard != NULL, NULL);
  dao_crypto_init ();
  if (length > DAO_ENVELOPE_MAX_FRAME) {
    drop (error, DAO_ENVELOPE_ERROR_HEADER, "the frame is too long");
    return NULL;
  }
  root = dao_json_parse (frame, length, NULL);
  if (json_is_object (root))
    inner = verify_frame (root, own_alias, contacts, guard, now_ms, error);
  else
    drop (error, DAO_ENVELOPE_ERROR_HEADER, "the frame is no JSON object");
  json_decref (root);
  return inner;
}

DaoSignal *
dao_envelope_open (const gchar * frame, gsize length,
    const gchar * own_alias, DaoContacts * contacts, DaoReplayGuard * guard,
    gint64 now_ms, GError ** error)
{
  DaoSignal *signal;
  json_t *inner;

  inner = dao_envelope_verify (frame, length, own_alias, contacts, guard,
      now_ms, error);
  if (inner == NULL)
    return NULL;
  signal = dao_signal_from_json (inner, error);
  json_decref (inner);
  return signal;
}

/* --- sealing --- */

json_t *
dao_envelope_sign (json_t * fields, const guint8 * ed25519_secret,
    gint64 now_ms, const guint8 * sig_nonce, gchar ** canonical,
    GError ** error)
{
  g_autofree gchar *nonce = dao_hex_encode (sig_nonce, NONCE_BYTES);
  g_autofree gchar *text = NULL;
  g_autofree gchar *hex = NULL;
  guint8 signature[SIG_BYTES];
  json_t *inner = json_copy (fields);

  json_object_set_new (inner, "_ts", json_integer (now_ms));
  json_object_set_new (inner, "_nonce", json_string (nonce));
  json_object_del (inner, "_sig");
  text = dao_json_canonical (inner, error);
  if (text == NULL) {
    json_decref (inner);
    return NULL;
  }
  crypto_sign_detached (signature, NULL, (const guint8 *) text, strlen (text),
      ed25519_secret);
  hex = dao_hex_encode (signature, sizeof signature);
  json_object_set_new (inner, "_sig", json_string (hex));
  if (canonical != NULL)
    *canonical = g_steal_pointer (&text);
  return inner;
}

/* base64 (iv || ciphertext || tag) */
static gchar *
encrypt_payload (const gchar * plain, const guint8 * session_key,
    const guint8 * aes_nonce)
{
  gsize length = strlen (plain);
  g_autofree guint8 *sealed = g_malloc (IV_BYTES + length + TAG_BYTES);

  if (aes_nonce != NULL)
    memcpy (sealed, aes_nonce, IV_BYTES);
  else
    randombytes_buf (sealed, IV_BYTES);
  if (!dao_aes_gcm_seal (session_key, sealed, (const guint8 *) plain, length,
          sealed + IV_BYTES))
    return NULL;
  return dao_base64_encode (sealed, IV_BYTES + length + TAG_BYTES);
}

static gchar *
print_frame (json_t * inner, const gchar * to, const gchar * payload)
{
  static const gchar *const copied[] = { "type", "from", "call_id" };
  json_t *frame = json_object ();
  gchar *text, *result;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (copied); i++)
    json_object_set (frame, copied[i], json_object_get (inner, copied[i]));
  json_object_set_new (frame, "to", json_string (to));
  json_object_set_new (frame, "crypto_v", json_integer (CRYPTO_V));
  json_object_set_new (frame, "payload", json_string (payload));
  text = json_dumps (frame, JSON_COMPACT);
  json_decref (frame);
  result = g_strdup (text);
  free (text);
  return result;
}

static gboolean
can_be_sealed (json_t * inner, const gchar * to, GError ** error)
{
  const gchar *signed_to = dao_json_get_string (inner, "to");
  DaoSignalType type;

  if (!dao_signal_type_from_string (dao_json_get_string (inner, "type"),
          &type))
    return drop (error, DAO_ENVELOPE_ERROR_TYPE, "type is no call signal");
  if (is_empty (dao_json_get_string (inner, "from")) || is_empty (to)
      || is_empty (dao_json_get_string (inner, "call_id")))
    return drop (error, DAO_ENVELOPE_ERROR_HEADER,
        "from, to or call_id is missing");
  if (signed_to != NULL && strcmp (signed_to, to) != 0)
    return drop (error, DAO_ENVELOPE_ERROR_TO, "signed for someone else");
  return TRUE;
}

gchar *
dao_envelope_seal (json_t * inner, const gchar * to,
    const guint8 * ed25519_secret, const guint8 * session_key, gint64 now_ms,
    const guint8 * sig_nonce, const guint8 * aes_nonce, GError ** error)
{
  guint8 random_nonce[NONCE_BYTES];
  g_autofree gchar *plain = NULL;
  g_autofree gchar *payload = NULL;
  gchar *frame = NULL;
  json_t *signed_inner;

  dao_crypto_init ();
  if (session_key == NULL) {
    drop (error, DAO_ENVELOPE_ERROR_UNKNOWN_PEER, "no session key");
    return NULL;
  }
  if (!can_be_sealed (inner, to, error))
    return NULL;
  if (sig_nonce == NULL) {
    randombytes_buf (random_nonce, sizeof random_nonce);
    sig_nonce = random_nonce;
  }
  signed_inner = dao_envelope_sign (inner, ed25519_secret, now_ms, sig_nonce,
      NULL, error);
  if (signed_inner == NULL)
    return NULL;
  plain = dao_json_canonical (signed_inner, error);
  if (plain != NULL)
    payload = encrypt_payload (plain, session_key, aes_nonce);
  if (payload != NULL)
    frame = print_frame (inner, to, payload);
  json_decref (signed_inner);
  if (frame != NULL && strlen (frame) <= DAO_ENVELOPE_MAX_FRAME)
    return frame;
  g_free (frame);
  if (error == NULL || *error == NULL)
    drop (error, DAO_ENVELOPE_ERROR_PAYLOAD, "the signal is too long to send");
  return NULL;
}
