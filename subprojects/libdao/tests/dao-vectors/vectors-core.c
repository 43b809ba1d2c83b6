/* gst-dao: vectors of keys, JSON, signals and TURN credentials
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-vectors.h"
#include "vectors-core.h"

#include "dao-contacts.h"
#include "dao-encoding.h"
#include "dao-identity.h"
#include "dao-json.h"
#include "dao-mnemonic.h"
#include "dao-signal.h"
#include "dao-turn-rest.h"

#include <sodium.h>
#include <string.h>

/* --- identity --- */

static gboolean
is_present (json_t * object, const gchar * name)
{
  return json_object_get (object, name) != NULL;
}

static gboolean
same_b64 (json_t * case_, const gchar * name, const guint8 * got, gsize length,
    GString * why)
{
  g_autofree gchar *text = dao_base64_encode (got, length);
  const gchar *want = dao_vector_need_string (case_, name, why);

  return want != NULL && dao_vector_same_string (name, text, want, why);
}

/* One step: "master" or an index without and with the hardened bit. */
static gboolean
run_chain_step (json_t * step, gboolean first, const guint8 * seed,
    DaoChainNode * node, GString * why)
{
  gint64 index;

  if (first) {
    const gchar *name = dao_vector_need_string (step, "index", why);

    if (name == NULL || !dao_vector_same_string ("index", name, "master", why))
      return FALSE;
    dao_chain_master (seed, node);
  } else {
    guint8 ser[4];
    guint32 want;

    if (!dao_vector_need_int (step, "index", &index, why)
        || !dao_vector_need_hex_exact (step, "index_ser_hex", ser, 4, why))
      return FALSE;
    memcpy (&want, ser, 4);
    if (!dao_vector_same_int ("index_ser", (guint32) index | 0x80000000u,
            GUINT32_FROM_BE (want), why))
      return FALSE;
    dao_chain_child (node, (guint32) index, node);
  }
  return dao_vector_same_hex (step, "il_hex", node->il, 32, why)
      && dao_vector_same_hex (step, "ir_hex", node->ir, 32, why);
}

/* The whole chain; @last gets its last node and @parent the one before. */
static gboolean
run_chain (json_t * case_, const gchar * name, const guint8 * seed,
    DaoChainNode * parent, DaoChainNode * last, GString * why)
{
  json_t *steps = dao_vector_need_array (case_, name, why);
  size_t i;

  if (steps == NULL || json_array_size (steps) < 2) {
    g_string_append_printf (why, "%s: too short; ", name);
    return FALSE;
  }
  for (i = 0; i < json_array_size (steps); i++) {
    *parent = *last;
    if (!run_chain_step (json_array_get (steps, i), i == 0, seed, last, why)) {
      g_string_append_printf (why, "(%s, step %u); ", name, (guint) i);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
same_x25519 (json_t * case_, const gchar * prefix, const guint8 * private_key,
    GString * why)
{
  g_autofree gchar *private_name = g_strconcat (prefix, "_private_hex", NULL);
  g_autofree gchar *public_name = g_strconcat (prefix, "_public_hex", NULL);
  g_autofree gchar *base64_name = g_strconcat (prefix, "_public_b64", NULL);
  guint8 public_key[32];

  crypto_scalarmult_base (public_key, private_key);
  return dao_vector_same_hex (case_, private_name, private_key, 32, why)
      && dao_vector_same_hex (case_, public_name, public_key, 32, why)
      && same_b64 (case_, base64_name, public_key, 32, why);
}

/* Seed, chains and keys by the parts below the identity: these also hold for
 * phrases that we do not accept (24 words). */
static gboolean
run_derivation (json_t * case_, const gchar * mnemonic, GString * why)
{
  guint8 seed[DAO_MNEMONIC_SEED], public_key[32], secret[64];
  DaoChainNode parent, ed25519 = { {0} }, x25519 = { {0} }, android;
  json_t *last;
  gint64 index;

  dao_mnemonic_seed (mnemonic, seed);
  if (!dao_vector_same_hex (case_, "seed_hex", seed, sizeof seed, why)
      || !run_chain (case_, "ed25519_derivation", seed, &parent, &ed25519, why))
    return FALSE;
  crypto_sign_seed_keypair (public_key, secret, ed25519.il);
  if (!dao_vector_same_hex (case_, "ed25519_private_hex", ed25519.il, 32, why)
      || !dao_vector_same_hex (case_, "ed25519_public_hex", public_key, 32, why)
      || !same_b64 (case_, "ed25519_public_b64", public_key, 32, why))
    return FALSE;
  if (!run_chain (case_, "x25519_derivation", seed, &parent, &x25519, why)
      || !same_x25519 (case_, "x25519", x25519.il, why))
    return FALSE;
  last = dao_vector_need_object (case_, "x25519_android_derivation_last", why);
  if (last == NULL || !dao_vector_need_int (last, "index", &index, why))
    return FALSE;
  android = parent;
  return run_chain_step (last, FALSE, seed, &android, why)
      && same_x25519 (case_, "x25519_android", android.il, why);
}

/* What the identity itself gives, with each of the two X25519 keys registered. */
static gboolean
run_identity_keys (json_t * case_, DaoIdentity * identity, GString * why)
{
  static const gchar *const names[] = { "x25519", "x25519_android" };
  guint i;

  if (!dao_vector_same_hex (case_, "ed25519_public_hex",
          dao_identity_get_ed25519_public (identity), 32, why)
      || !dao_vector_same_hex (case_, "ed25519_private_hex",
          dao_identity_get_ed25519_secret (identity), 32, why)
      || !dao_vector_same_hex (case_, "x25519_public_hex",
          dao_identity_get_x25519_public (identity), 32, why))
    return FALSE;
  for (i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree gchar *name = g_strconcat (names[i], "_public_hex", NULL);
    guint8 registered[32];

    if (!dao_vector_need_hex_exact (case_, name, registered, 32, why))
      return FALSE;
    if (!dao_identity_select_x25519 (identity, registered, NULL)) {
      g_string_append_printf (why, "%s: not selected; ", name);
      return FALSE;
    }
    if (!same_x25519 (case_, names[i],
            dao_identity_get_x25519_private (identity), why))
      return FALSE;
  }
  return TRUE;
}

static gboolean
run_entropy (json_t * case_, const gchar * mnemonic, GString * why)
{
  gchar normalised[DAO_MNEMONIC_SIZE], phrase[DAO_MNEMONIC_SIZE];
  guint8 entropy[DAO_MNEMONIC_ENTROPY];

  if (!dao_mnemonic_normalise (mnemonic, normalised, entropy)) {
    g_string_append (why, "phrase refused; ");
    return FALSE;
  }
  dao_mnemonic_from_entropy (entropy, phrase);
  return dao_vector_same_hex (case_, "entropy_hex", entropy, sizeof entropy,
      why) && dao_vector_same_string ("phrase", phrase, normalised, why);
}

static gboolean
run_identity (json_t * case_, GString * why)
{
  const gchar *mnemonic = dao_vector_need_string (case_, "mnemonic", why);
  g_autoptr (DaoIdentity) identity = NULL;
  gboolean valid_ts, valid_android, derived = is_present (case_, "seed_hex");

  if (mnemonic == NULL
      || !dao_vector_need_bool (case_, "valid_ts", &valid_ts, why)
      || !dao_vector_need_bool (case_, "valid_android", &valid_android, why))
    return FALSE;
  /* Our rule is the Android one: protocol.md a.1 [R]. */
  identity = dao_identity_new_from_mnemonic (mnemonic, NULL);
  if (!dao_vector_same_int ("valid", identity != NULL, valid_android, why))
    return FALSE;
  /* Every phrase the SDK takes comes with its keys. */
  if (!derived && !valid_ts)
    return TRUE;
  if (!run_derivation (case_, mnemonic, why))
    return FALSE;
  return identity == NULL || (run_entropy (case_, mnemonic, why)
      && run_identity_keys (case_, identity, why));
}

/* --- session --- */

static gboolean
check_pair (json_t * case_, const guint8 * private_key,
    const guint8 * public_key, GString * why)
{
  const gchar *conversation;
  guint8 shared[32], session[32];

  if (crypto_scalarmult (shared, private_key, public_key) != 0) {
    g_string_append (why, "shared secret refused; ");
    return FALSE;
  }
  if (!dao_vector_same_hex (case_, "shared_hex", shared, 32, why))
    return FALSE;
  if (!is_present (case_, "conversation_id")
      && !is_present (case_, "session_key_hex"))
    return TRUE;
  conversation = dao_vector_need_string (case_, "conversation_id", why);
  if (conversation == NULL
      || !dao_session_key_derive (private_key, public_key, conversation,
          session, NULL)) {
    g_string_append (why, "no session key; ");
    return FALSE;
  }
  return dao_vector_same_hex (case_, "session_key_hex", session, 32, why)
      && same_b64 (case_, "session_key_b64", session, 32, why);
}

static gboolean
check_salt (json_t * case_, GString * why)
{
  const gchar *conversation = dao_vector_need_string (case_,
      "conversation_id", why);
  const gchar *info = dao_vector_need_string (case_, "info", why);
  guint8 salt[32];

  if (conversation == NULL || info == NULL)
    return FALSE;
  crypto_hash_sha256 (salt, (const guint8 *) conversation,
      strlen (conversation));
  return dao_vector_same_hex (case_, "conversation_id_utf8_hex",
      (const guint8 *) conversation, strlen (conversation), why)
      && dao_vector_same_hex (case_, "salt_hex", salt, 32, why)
      && dao_vector_same_string ("info", info, "securechat-session-v1", why);
}

static gboolean
check_code (json_t * case_, const gchar * name, const guint8 * x,
    const guint8 * y, GString * why)
{
  const gchar *want = dao_vector_need_string (case_, name, why);
  g_autofree gchar *code = dao_safety_code (x, y);
  g_auto (GStrv) groups = g_strsplit (code, " ", -1);
  g_autofree gchar *joined = g_strjoinv ("", groups);

  return want != NULL && dao_vector_same_string (name, joined, want, why);
}

static gboolean
check_public (json_t * case_, const gchar * name, const guint8 * private_key,
    GString * why)
{
  guint8 public_key[32];

  crypto_scalarmult_base (public_key, private_key);
  return dao_vector_same_hex (case_, name, public_key, 32, why);
}

static gboolean
run_session (json_t * case_, GString * why)
{
  const gchar *expect = dao_vector_need_string (case_, "expect", why);
  const gchar *key = dao_vector_need_string (case_, "b_public_hex", why);
  guint8 a[32], b[32], a_public[32], b_public[32], session[32];

  if (expect == NULL || key == NULL
      || !dao_vector_need_hex_exact (case_, "a_private_hex", a, 32, why))
    return FALSE;
  if (g_str_equal (expect, "error")) {
    const gchar *conversation = json_string_value (json_object_get (case_,
            "conversation_id"));

    /* Of another length it is no key at all. */
    if (!dao_hex_decode (key, b_public, 32))
      return TRUE;
    if (!dao_session_key_derive (a, b_public, conversation ? conversation :
            "c", session, NULL))
      return TRUE;
    g_string_append (why, "accepted; ");
    return FALSE;
  }
  if (!dao_vector_same_string ("expect", expect, "ok", why)
      || !dao_vector_need_hex_exact (case_, "b_public_hex", b_public, 32, why)
      || !check_pair (case_, a, b_public, why))
    return FALSE;
  if (!is_present (case_, "conversation_id"))
    return TRUE;                /* a case about the shared secret only */
  return dao_vector_need_hex_exact (case_, "b_private_hex", b, 32, why)
      && dao_vector_need_hex_exact (case_, "a_public_hex", a_public, 32, why)
      && check_public (case_, "a_public_hex", a, why)
      && check_public (case_, "b_public_hex", b, why)
      && check_salt (case_, why)
      && check_pair (case_, b, a_public, why)
      && check_code (case_, "security_code", a_public, b_public, why)
      && check_code (case_, "security_code_reverse", b_public, a_public, why);
}

/* --- canonical_json --- */

static gboolean
run_canonical_json (json_t * case_, GString * why)
{
  json_t *input = json_object_get (case_, "input_json");
  const gchar *want = dao_vector_need_string (case_, "canonical", why);
  gboolean may_reject = json_is_true (json_object_get (case_, "may_reject"));
  g_autofree gchar *canonical = NULL;
  guint8 hash[32];
  json_t *value;

  if (want == NULL || dao_vector_need_string (case_, "input_json", why) == NULL)
    return FALSE;
  value = dao_json_parse (json_string_value (input),
      json_string_length (input), NULL);
  if (value != NULL)
    canonical = dao_json_canonical (value, NULL);
  json_decref (value);
  if (canonical == NULL) {
    if (!may_reject)
      g_string_append (why, "rejected; ");
    return may_reject;
  }
  crypto_hash_sha256 (hash, (const guint8 *) canonical, strlen (canonical));
  return dao_vector_same_string ("canonical", canonical, want, why)
      && dao_vector_same_hex (case_, "canonical_utf8_hex",
      (const guint8 *) canonical, strlen (canonical), why)
      && dao_vector_same_hex (case_, "canonical_sha256", hash, 32, why);
}

/* --- candidate_normalise --- */

/* NULL and "" both mean that there is no mid. */
static gboolean
same_mid (json_t * want, const gchar * got, GString * why)
{
  const gchar *text = json_string_value (want);

  if (want == NULL) {
    g_string_append (why, "sdp_mid: missing; ");
    return FALSE;
  }
  return dao_vector_same_string ("sdp_mid", got,
      text != NULL && *text != '\0' ? text : NULL, why);
}

static gboolean
same_candidate (json_t * want, const DaoSignal * got, GString * why)
{
  json_t *mline = json_object_get (want, "sdp_mline_index");
  json_t *end = json_object_get (want, "end_of_candidates");
  const gchar *candidate = dao_vector_need_string (want, "candidate", why);

  if (candidate == NULL || mline == NULL) {
    g_string_append (why, "normalised: incomplete; ");
    return FALSE;
  }
  if (end != NULL && !dao_vector_same_int ("end_of_candidates",
          *got->candidate == '\0', json_is_true (end), why))
    return FALSE;
  return dao_vector_same_string ("candidate", got->candidate, candidate, why)
      && same_mid (json_object_get (want, "sdp_mid"), got->sdp_mid, why)
      && dao_vector_same_int ("sdp_mline_index", got->sdp_mline_index,
      json_is_null (mline) ? -1 : (gint64) json_number_value (mline), why);
}

static gboolean
run_candidate_normalise (json_t * case_, GString * why)
{
  json_t *fields = dao_vector_need_object (case_, "signed_fields", why);
  json_t *want = json_object_get (case_, "normalised");
  g_autoptr (DaoSignal) signal = NULL;
  json_t *inner;

  if (fields == NULL)
    return FALSE;
  if (!json_is_object (want) && !json_is_null (want)) {
    g_string_append (why, "normalised: missing; ");
    return FALSE;
  }
  inner = json_copy (fields);
  json_object_set_new (inner, "type", json_string ("call_ice"));
  json_object_set_new (inner, "from", json_string ("u10000001"));
  json_object_set_new (inner, "call_id", json_string ("c"));
  signal = dao_signal_from_json (inner, NULL);
  json_decref (inner);
  if (json_is_null (want))
    return dao_vector_same_int ("accepted", signal != NULL, FALSE, why);
  if (signal == NULL) {
    g_string_append (why, "ignored; ");
    return FALSE;
  }
  return same_candidate (want, signal, why);
}

/* --- sdp_video_detect, turn_rest --- */

static gboolean
run_sdp_video_detect (json_t * case_, GString * why)
{
  const gchar *sdp = dao_vector_need_string (case_, "sdp", why);
  gboolean want;

  return sdp != NULL && dao_vector_need_bool (case_, "is_video", &want, why)
      && dao_vector_same_int ("is_video", dao_sdp_is_video (sdp), want, why);
}

static gboolean
run_turn_rest (json_t * case_, GString * why)
{
  const gchar *secret = dao_vector_need_string (case_, "secret", why);
  const gchar *user = dao_vector_need_string (case_, "user_id", why);
  const gchar *want_name = dao_vector_need_string (case_, "username", why);
  const gchar *want = dao_vector_need_string (case_, "credential_b64", why);
  g_autofree gchar *username = NULL;
  g_autofree gchar *credential = NULL;
  gint64 expiry;

  if (!dao_vector_need_int (case_, "expiry_unix_s", &expiry, why)
      || secret == NULL || user == NULL || want_name == NULL || want == NULL)
    return FALSE;
  username = dao_turn_rest_username (expiry, user);
  credential = dao_turn_rest_credential (secret, username);
  return dao_vector_same_string ("username", username, want_name, why)
      && dao_vector_same_string ("credential_b64", credential, want, why);
}

const DaoVectorHandler dao_vectors_core[] = {
  {"identity", run_identity},
  {"session", run_session},
  {"canonical_json", run_canonical_json},
  {"signed_signals", dao_vector_run_signed_signal},
  {"envelopes", dao_vector_run_envelope},
  {"envelope_verdicts", dao_vector_run_envelope_verdict},
  {"candidate_normalise", run_candidate_normalise},
  {"sdp_video_detect", run_sdp_video_detect},
  {"turn_rest", run_turn_rest},
  {NULL, NULL},
};
