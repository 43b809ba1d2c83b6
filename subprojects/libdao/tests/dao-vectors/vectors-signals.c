/* gst-dao: vectors of signed signals and of the envelopes around them
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "vectors-core.h"

#include "dao-contacts.h"
#include "dao-encoding.h"
#include "dao-envelope.h"
#include "dao-json.h"

#include <sodium.h>
#include <string.h>

/* libsodium's 64-byte secret key from member @private_name, and its public half checked */
static gboolean
need_signing_key (json_t * case_, const gchar * private_name,
    const gchar * public_name, guint8 * public_key, guint8 * secret,
    GString * why)
{
  guint8 seed[32];

  if (!dao_vector_need_hex_exact (case_, private_name, seed, 32, why))
    return FALSE;
  crypto_sign_seed_keypair (public_key, secret, seed);
  return dao_vector_same_hex (case_, public_name, public_key, 32, why);
}

static gboolean
same_signature_of (json_t * object, const gchar * name, const gchar * text,
    const guint8 * secret, GString * why)
{
  guint8 signature[64];

  crypto_sign_detached (signature, NULL, (const guint8 *) text, strlen (text),
      secret);
  return dao_vector_same_hex (object, name, signature, 64, why);
}

/* --- signed_signals --- */

/* The old rule's text is not ours to make, but its signature is the same function. */
static gboolean
check_legacy (json_t * case_, const guint8 * secret, GString * why)
{
  json_t *legacy = json_object_get (case_, "legacy_1_0_14");
  const gchar *text;

  if (legacy == NULL)
    return TRUE;
  text = dao_vector_need_string (legacy, "canonical", why);
  return text != NULL
      && same_signature_of (legacy, "sig_hex", text, secret, why);
}

static gboolean
check_signed (json_t * case_, json_t * payload, gint64 now_ms,
    const guint8 * nonce, const guint8 * secret, GString * why)
{
  const gchar *want = dao_vector_need_string (case_, "canonical", why);
  const gchar *want_json = dao_vector_need_string (case_, "signed_json", why);
  const gchar *want_sig = dao_vector_need_string (case_, "sig_hex", why);
  g_autofree gchar *canonical = NULL;
  g_autofree gchar *text = NULL;
  json_t *signed_json;
  gboolean ok;

  signed_json = dao_envelope_sign (payload, secret, now_ms, nonce, &canonical,
      NULL);
  if (signed_json == NULL || want == NULL || want_json == NULL
      || want_sig == NULL) {
    g_string_append (why, "not signed; ");
    json_decref (signed_json);
    return FALSE;
  }
  text = dao_json_canonical (signed_json, NULL);
  ok = dao_vector_same_string ("canonical", canonical, want, why)
      && dao_vector_same_hex (case_, "canonical_utf8_hex",
      (const guint8 *) canonical, strlen (canonical), why)
      && dao_vector_same_string ("sig_hex", dao_json_get_string (signed_json,
          "_sig"), want_sig, why)
      && dao_vector_same_string ("signed_json", text, want_json, why);
  json_decref (signed_json);
  return ok;
}

gboolean
dao_vector_run_signed_signal (json_t * case_, GString * why)
{
  const gchar *text = dao_vector_need_string (case_, "payload_json", why);
  guint8 public_key[32], secret[64], nonce[16];
  json_t *payload;
  gint64 now_ms;
  gboolean ok;

  if (text == NULL || !dao_vector_need_int (case_, "now_ms", &now_ms, why)
      || !dao_vector_need_hex_exact (case_, "nonce_hex", nonce, 16, why)
      || !need_signing_key (case_, "ed25519_private_hex",
          "ed25519_public_hex", public_key, secret, why))
    return FALSE;
  payload = dao_json_parse (text, strlen (text), NULL);
  if (!json_is_object (payload)) {
    g_string_append (why, "payload_json: no object; ");
    json_decref (payload);
    return FALSE;
  }
  ok = check_signed (case_, payload, now_ms, nonce, secret, why)
      && check_legacy (case_, secret, why);
  json_decref (payload);
  return ok;
}

/* --- envelopes --- */

typedef struct
{
  const gchar *type;
  const gchar *from;
  const gchar *to;
  const gchar *call_id;
  const gchar *canonical;
  const gchar *plain;
  const gchar *payload;
  const gchar *envelope;
  gint64 now_ms;
  guint8 session_key[32];
  guint8 sig_nonce[16];
  guint8 aes_nonce[12];
  guint8 public_key[32];
  guint8 secret[64];
  gboolean strict;              /* whether we must accept it */
} EnvelopeCase;

static gboolean
need_envelope_case (json_t * case_, EnvelopeCase * c, GString * why)
{
  json_t *accepted = dao_vector_need_object (case_, "accepted_by", why);

  c->type = dao_vector_need_string (case_, "type", why);
  c->from = dao_vector_need_string (case_, "from", why);
  c->to = dao_vector_need_string (case_, "to", why);
  c->call_id = dao_vector_need_string (case_, "call_id", why);
  c->canonical = dao_vector_need_string (case_, "canonical", why);
  c->plain = dao_vector_need_string (case_, "inner_plaintext", why);
  c->payload = dao_vector_need_string (case_, "payload_b64", why);
  c->envelope = dao_vector_need_string (case_, "envelope", why);
  return c->type && c->from && c->to && c->call_id && c->canonical && c->plain
      && c->payload && c->envelope && accepted
      && dao_vector_need_int (case_, "now_ms", &c->now_ms, why)
      && dao_vector_need_bool (accepted, "strict", &c->strict, why)
      && dao_vector_need_hex_exact (case_, "session_key_hex", c->session_key,
      32, why)
      && dao_vector_need_hex_exact (case_, "sig_nonce_hex", c->sig_nonce, 16,
      why)
      && dao_vector_need_hex_exact (case_, "aes_nonce_hex", c->aes_nonce, 12,
      why)
      && need_signing_key (case_, "sender_ed25519_private_hex",
      "sender_ed25519_public_hex", c->public_key, c->secret, why);
}

/* payload_b64 from the plaintext and back */
static gboolean
check_payload (const EnvelopeCase * c, GString * why)
{
  gsize length = strlen (c->plain);
  g_autofree guint8 *sealed = g_malloc (12 + length + 16);
  g_autofree guint8 *opened = g_malloc (length + 1);
  g_autofree gchar *base64 = NULL;

  memcpy (sealed, c->aes_nonce, 12);
  if (!dao_aes_gcm_seal (c->session_key, c->aes_nonce,
          (const guint8 *) c->plain, length, sealed + 12)
      || !dao_aes_gcm_open (c->session_key, sealed, sealed + 12, length + 16,
          opened)) {
    g_string_append (why, "cipher failed; ");
    return FALSE;
  }
  base64 = dao_base64_encode (sealed, 12 + length + 16);
  return dao_vector_same_string ("payload_b64", base64, c->payload, why)
      && dao_vector_same_bytes ("inner_plaintext", opened, length,
      (const guint8 *) c->plain, length, why);
}

/* The clear fields of the frame */
static gboolean
check_clear (const EnvelopeCase * c, GString * why)
{
  json_t *frame = dao_json_parse (c->envelope, strlen (c->envelope), NULL);
  gboolean ok;

  ok = dao_vector_same_string ("envelope.type",
      dao_json_get_string (frame, "type"), c->type, why)
      && dao_vector_same_string ("envelope.from",
      dao_json_get_string (frame, "from"), c->from, why)
      && dao_vector_same_string ("envelope.to",
      dao_json_get_string (frame, "to"), c->to, why)
      && dao_vector_same_string ("envelope.call_id",
      dao_json_get_string (frame, "call_id"), c->call_id, why)
      && dao_vector_same_string ("envelope.payload",
      dao_json_get_string (frame, "payload"), c->payload, why);
  json_decref (frame);
  return ok;
}

static DaoContacts *
contacts_of_case (const EnvelopeCase * c)
{
  DaoContacts *contacts = dao_contacts_load (NULL, NULL, NULL);

  dao_contacts_add_for_test (contacts, c->from, c->public_key,
      c->session_key);
  return contacts;
}

/* A receiver that never saw the nonce, 50 ms later */
static gboolean
accepts (const EnvelopeCase * c, const gchar * frame)
{
  g_autoptr (DaoContacts) contacts = contacts_of_case (c);
  g_autoptr (DaoReplayGuard) guard = dao_replay_guard_new ();
  g_autoptr (DaoSignal) signal = NULL;

  signal = dao_envelope_open (frame, strlen (frame), c->to, contacts, guard,
      c->now_ms + 50, NULL);
  return signal != NULL && g_str_equal (signal->from, c->from)
      && g_str_equal (signal->call_id, c->call_id)
      && g_str_equal (dao_signal_type_to_string (signal->type), c->type);
}

/* Signed by our rule the fields of every generation make a frame that we accept; where the
 * producer's rule is ours, text and signature are the producer's too. */
static gboolean
check_seal (json_t * case_, const EnvelopeCase * c, json_t * inner,
    GString * why)
{
  g_autofree gchar *canonical = NULL;
  g_autofree gchar *frame = NULL;
  json_t *signed_inner;
  gboolean ok;

  json_object_del (inner, "_ts");
  json_object_del (inner, "_nonce");
  json_object_del (inner, "_sig");
  signed_inner = dao_envelope_sign (inner, c->secret, c->now_ms, c->sig_nonce,
      &canonical, NULL);
  ok = signed_inner != NULL && dao_vector_same_int ("canonical is ours",
      g_str_equal (canonical, c->canonical), c->strict, why);
  if (ok && c->strict)
    ok = dao_vector_same_string ("sig_hex",
        dao_json_get_string (signed_inner, "_sig"),
        dao_json_get_string (case_, "sig_hex"), why);
  json_decref (signed_inner);
  frame = dao_envelope_seal (inner, c->to, c->secret, c->session_key,
      c->now_ms, c->sig_nonce, c->aes_nonce, NULL);
  return ok && frame != NULL
      && dao_vector_same_int ("own frame accepted", accepts (c, frame), TRUE,
      why);
}

gboolean
dao_vector_run_envelope (json_t * case_, GString * why)
{
  EnvelopeCase c;
  json_t *inner;
  gboolean ok;

  if (!need_envelope_case (case_, &c, why)
      || !same_signature_of (case_, "sig_hex", c.canonical, c.secret, why)
      || !check_payload (&c, why) || !check_clear (&c, why)
      || !dao_vector_same_int ("accepted_by.strict", accepts (&c, c.envelope),
          c.strict, why))
    return FALSE;
  inner = dao_json_parse (c.plain, strlen (c.plain), NULL);
  ok = json_is_object (inner) && dao_vector_same_string ("inner _sig",
      dao_json_get_string (inner, "_sig"), dao_json_get_string (case_,
          "sig_hex"), why) && check_seal (case_, &c, inner, why);
  json_decref (inner);
  if (!ok && why->len == 0)
    g_string_append (why, "inner_plaintext cannot be signed again; ");
  return ok;
}

/* --- envelope_verdicts --- */

/* The names of strict_reason and the check of ours that must have failed */
static const struct
{
  const gchar *name;
  DaoEnvelopeError code;
} reasons[] = {
  {"type", DAO_ENVELOPE_ERROR_TYPE},
  {"from_missing", DAO_ENVELOPE_ERROR_HEADER},
  {"crypto_v", DAO_ENVELOPE_ERROR_HEADER},
  {"call_id_missing", DAO_ENVELOPE_ERROR_HEADER},
  {"payload_missing", DAO_ENVELOPE_ERROR_PAYLOAD},
  {"base64", DAO_ENVELOPE_ERROR_PAYLOAD},
  {"short", DAO_ENVELOPE_ERROR_PAYLOAD},
  {"no_session", DAO_ENVELOPE_ERROR_UNKNOWN_PEER},
  {"no_pubkey", DAO_ENVELOPE_ERROR_UNKNOWN_PEER},
  {"decrypt", DAO_ENVELOPE_ERROR_DECRYPT},
  {"inner_json", DAO_ENVELOPE_ERROR_JSON},
  {"sig_format", DAO_ENVELOPE_ERROR_FIELDS},
  {"nonce_format", DAO_ENVELOPE_ERROR_FIELDS},
  {"nonce_replay", DAO_ENVELOPE_ERROR_REPLAY},
  {"signature", DAO_ENVELOPE_ERROR_SIGNATURE},
  {"inner_from", DAO_ENVELOPE_ERROR_FROM},
  {"call_id_mismatch", DAO_ENVELOPE_ERROR_CALL_ID},
  {"type_mismatch", DAO_ENVELOPE_ERROR_TYPE_MISMATCH},
};

static gboolean
reason_fits (const gchar * reason, const GError * error, GString * why)
{
  gboolean known = FALSE, fits = FALSE;
  guint i;

  /* "ts" names a missing one and one outside of the window */
  if (g_str_equal (reason, "ts")) {
    known = TRUE;
    fits = error->code == DAO_ENVELOPE_ERROR_FIELDS
        || error->code == DAO_ENVELOPE_ERROR_TIME;
  }
  for (i = 0; i < G_N_ELEMENTS (reasons); i++) {
    if (g_str_equal (reason, reasons[i].name)) {
      known = TRUE;
      fits = error->code == (gint) reasons[i].code;
    }
  }
  /* The verdict is the law; a name for its reason that we do not know says nothing more. */
  if (fits || !known)
    return TRUE;
  g_string_append_printf (why, "strict_reason: got \"%s\", want %s; ",
      error->message, reason);
  return FALSE;
}

static gboolean
check_verdict (const gchar * expected, const gchar * reason, json_t * inner,
    const GError * error, GString * why)
{
  if (g_str_equal (expected, "either"))
    return TRUE;
  if (!dao_vector_same_string ("verdict", inner ? "accept" : "drop", expected,
          why)) {
    g_string_append (why, error ? error->message : "");
    return FALSE;
  }
  return inner != NULL || reason == NULL || reason_fits (reason, error, why);
}

static gboolean
run_step (json_t * step, const gchar * own_alias, DaoContacts * contacts,
    DaoReplayGuard * guard, const gchar * expected, const gchar * reason,
    GString * why)
{
  const gchar *frame = dao_vector_need_string (step, "frame", why);
  g_autoptr (GError) error = NULL;
  json_t *inner;
  gint64 now_ms;
  gboolean ok;

  if (frame == NULL || !dao_vector_need_int (step, "now_ms", &now_ms, why))
    return FALSE;
  inner = dao_envelope_verify (frame, strlen (frame), own_alias, contacts,
      guard, now_ms, &error);
  ok = check_verdict (expected, reason, inner, error, why);
  json_decref (inner);
  return ok;
}

static gboolean
add_peers (json_t * case_, DaoContacts * contacts, GString * why)
{
  json_t *peers = dao_vector_need_array (case_, "peers", why), *peer;
  size_t i;

  if (peers == NULL)
    return FALSE;
  json_array_foreach (peers, i, peer) {
    const gchar *alias = dao_vector_need_string (peer, "alias", why);
    json_t *key = json_object_get (peer, "ed25519_public_hex");
    guint8 session[32], ed25519[32];

    if (alias == NULL
        || !dao_vector_need_hex_exact (peer, "session_key_hex", session, 32,
            why))
      return FALSE;
    if (key != NULL && !json_is_null (key) && json_string_length (key) > 0) {
      if (!dao_vector_need_hex_exact (peer, "ed25519_public_hex", ed25519, 32,
              why))
        return FALSE;
      dao_contacts_add_for_test (contacts, alias, ed25519, session);
    } else {
      dao_contacts_add_for_test (contacts, alias, NULL, session);
    }
  }
  return TRUE;
}

gboolean
dao_vector_run_envelope_verdict (json_t * case_, GString * why)
{
  g_autoptr (DaoContacts) contacts = dao_contacts_load (NULL, NULL, NULL);
  g_autoptr (DaoReplayGuard) guard = dao_replay_guard_new ();
  const gchar *own_alias = dao_vector_need_string (case_, "my_alias", why);
  json_t *steps = dao_vector_need_array (case_, "steps", why);
  json_t *expected = dao_vector_need_array (case_, "expected", why);
  json_t *reasons_ = dao_vector_need_array (case_, "strict_reason", why);
  size_t i;

  if (own_alias == NULL || steps == NULL || expected == NULL
      || reasons_ == NULL || !add_peers (case_, contacts, why))
    return FALSE;
  if (json_array_size (steps) == 0
      || json_array_size (steps) != json_array_size (expected)
      || json_array_size (steps) != json_array_size (reasons_)) {
    g_string_append (why, "steps, expected, strict_reason: lengths differ; ");
    return FALSE;
  }
  for (i = 0; i < json_array_size (steps); i++) {
    const gchar *verdict = json_string_value (json_array_get (expected, i));

    if (verdict == NULL || !run_step (json_array_get (steps, i), own_alias,
            contacts, guard, verdict,
            json_string_value (json_array_get (reasons_, i)), why)) {
      g_string_append_printf (why, " (step %u); ", (guint) i);
      return FALSE;
    }
  }
  return TRUE;
}
