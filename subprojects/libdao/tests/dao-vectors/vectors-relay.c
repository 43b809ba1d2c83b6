/* gst-dao: vectors of the group "relay"
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * protocol.md c: proof of work and login. The transcript has a file of its own.
 */
#include "dao-vectors.h"
#include "dao-encoding.h"
#include "dao-identity.h"
#include "dao-json.h"
#include "dao-relay-body.h"
#include "dao-relay-client.h"
#include "vectors-transcript.h"

#include <sodium.h>
#include <string.h>

static gboolean
run_pow (json_t * case_, GString * why)
{
  const gchar *challenge =
      dao_vector_need_string (case_, "challenge_string", why);
  const gchar *nonce = dao_vector_need_string (case_, "pow_nonce", why);
  guint8 hash[crypto_hash_sha256_BYTES];
  g_autofree gchar *solved = NULL, *text = NULL;
  g_autoptr (GError) error = NULL;
  gint64 difficulty, effective;

  if (challenge == NULL || nonce == NULL
      || !dao_vector_need_int (case_, "difficulty", &difficulty, why)
      || !dao_vector_need_int (case_, "effective_difficulty", &effective, why))
    return FALSE;
  solved = dao_pow_solve (challenge, (guint) difficulty, NULL, &error);
  if (solved == NULL) {
    g_string_append (why, error->message);
    return FALSE;
  }
  text = g_strconcat (challenge, nonce, NULL);
  crypto_hash_sha256 (hash, (const guint8 *) text, strlen (text));
  if (!dao_vector_same_string ("pow_nonce", solved, nonce, why)
      || !dao_vector_same_hex (case_, "sha256_hex", hash, sizeof (hash), why))
    return FALSE;
  if (dao_pow_check (challenge, (guint) difficulty, nonce)
      && dao_pow_check (challenge, (guint) effective, nonce))
    return TRUE;
  g_string_append (why, "our own check refuses the nonce");
  return FALSE;
}

/* The body we would send, member for member that of the case. */
static gboolean
same_verify_body (json_t * case_, const gchar * challenge,
    const gchar * signature, GString * why)
{
  const gchar *text = dao_vector_need_string (case_, "verify_request_body",
      why);
  g_autofree gchar *want = NULL, *got = NULL;
  json_t *theirs, *ours;
  const gchar *uuid;

  if (text == NULL)
    return FALSE;
  theirs = dao_json_parse (text, strlen (text), NULL);
  uuid = dao_json_get_string (theirs, "user_uuid");
  if (uuid == NULL) {
    g_string_append (why, "verify_request_body: no user_uuid");
    json_decref (theirs);
    return FALSE;
  }
  ours = dao_relay_body_auth_verify (uuid, challenge, signature);
  want = dao_json_canonical (theirs, NULL);
  got = dao_json_canonical (ours, NULL);
  json_decref (theirs);
  json_decref (ours);
  return dao_vector_same_string ("verify_request_body", got, want, why);
}

static gboolean
run_auth_challenge (json_t * case_, GString * why)
{
  const gchar *challenge = dao_vector_need_string (case_, "challenge", why);
  const gchar *want = dao_vector_need_string (case_, "signature_b64", why);
  guint8 seed[32], public[32], secret[64], signature[64];
  g_autofree gchar *got = NULL;
  g_autoptr (GError) error = NULL;

  if (challenge == NULL || want == NULL
      || !dao_vector_need_hex_exact (case_, "ed25519_private_hex", seed, 32,
          why))
    return FALSE;
  crypto_sign_seed_keypair (public, secret, seed);
  got = dao_challenge_sign (secret, challenge, &error);
  if (got == NULL) {
    g_string_append (why, error->message);
    return FALSE;
  }
  return dao_vector_same_hex (case_, "ed25519_public_hex", public, 32, why)
      && dao_vector_same_hex (case_, "signed_bytes_hex",
      (const guint8 *) challenge, strlen (challenge), why)
      && dao_vector_same_string ("signature_b64", got, want, why)
      && dao_base64_decode_exact (got, signature, 64)
      && dao_vector_same_hex (case_, "signature_hex", signature, 64, why)
      && same_verify_body (case_, challenge, got, why);
}

const DaoVectorHandler dao_vectors_relay[] = {
  {"pow", run_pow},
  {"auth_challenge", run_auth_challenge},
  {"http_ws_transcript", dao_vectors_run_transcript},
  {NULL, NULL},
};
