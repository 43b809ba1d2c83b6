/* gst-dao: the proof of work of a registration
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * protocol.md c, "PoW": the smallest i = 0, 1, 2, ... for which the lower-case
 * hex of SHA-256 (challenge || decimal (i)) begins with `difficulty` zeros. The
 * unit is hex digits, not bits (h.35).
 */
#include "dao-relay-client.h"

#include <sodium.h>
#include <string.h>

/* protocol.md c: clients of the protocol give up here, so a relay asks for
 * no more than 5 digits in practice. */
#define POW_LIMIT 10000000
/* A falsy difficulty means this one. */
#define POW_DEFAULT_DIFFICULTY 4
/* 64 hex digits is all that SHA-256 has. */
#define POW_MAX_DIFFICULTY (2 * crypto_hash_sha256_BYTES)
/* Hashes between two looks at the cancellable: about a millisecond. */
#define POW_CANCEL_STRIDE 4096

static gboolean
has_leading_zeros (const guint8 * hash, guint digits)
{
  guint i;

  for (i = 0; i < digits / 2; i++) {
    if (hash[i] != 0)
      return FALSE;
  }
  return digits % 2 == 0 || (hash[digits / 2] & 0xf0) == 0;
}

/* @prefix has absorbed the challenge already, so each try hashes the digits only. */
static gboolean
try_nonce (const crypto_hash_sha256_state * prefix, const gchar * nonce,
    guint difficulty)
{
  crypto_hash_sha256_state state = *prefix;
  guint8 hash[crypto_hash_sha256_BYTES];

  crypto_hash_sha256_update (&state, (const guint8 *) nonce, strlen (nonce));
  crypto_hash_sha256_final (&state, hash);
  return has_leading_zeros (hash, difficulty);
}

static void
absorb_challenge (crypto_hash_sha256_state * state, const gchar * challenge)
{
  crypto_hash_sha256_init (state);
  crypto_hash_sha256_update (state, (const guint8 *) challenge,
      strlen (challenge));
}

/**
 * dao_pow_solve:
 * @challenge: the challenge_string as received, UTF-8
 * @difficulty: leading zero hex digits; 0 means 4
 * @cancellable: (nullable): ends the search early
 *
 * Blocks for up to some seconds: call it on a worker.
 *
 * Returns: (transfer full): the decimal nonce, or NULL with
 *   %DAO_RELAY_ERROR_POW or %G_IO_ERROR_CANCELLED
 */
gchar *
dao_pow_solve (const gchar * challenge, guint difficulty,
    GCancellable * cancellable, GError ** error)
{
  crypto_hash_sha256_state prefix;
  gchar nonce[16];
  guint i;

  g_return_val_if_fail (challenge != NULL, NULL);

  if (difficulty == 0)
    difficulty = POW_DEFAULT_DIFFICULTY;
  if (difficulty > POW_MAX_DIFFICULTY) {
    g_set_error (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_POW,
        "The relay asks for a proof of work that cannot exist (%u hex digits)",
        difficulty);
    return NULL;
  }

  absorb_challenge (&prefix, challenge);
  for (i = 0; i < POW_LIMIT; i++) {
    if (i % POW_CANCEL_STRIDE == 0
        && g_cancellable_set_error_if_cancelled (cancellable, error))
      return NULL;
    g_snprintf (nonce, sizeof (nonce), "%u", i);
    if (try_nonce (&prefix, nonce, difficulty))
      return g_strdup (nonce);
  }

  g_set_error (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_POW,
      "No proof of work of difficulty %u within %d tries", difficulty,
      POW_LIMIT);
  return NULL;
}

/* The only spelling a solver emits: digits, no sign, no leading zero, below the limit. */
static gboolean
is_plain_decimal (const gchar * nonce)
{
  gsize i;

  for (i = 0; nonce[i] != '\0'; i++) {
    if (i == 7 || !g_ascii_isdigit (nonce[i]))
      return FALSE;
  }
  return i > 0 && (nonce[0] != '0' || i == 1);
}

/**
 * dao_pow_check:
 *
 * Returns: whether @nonce is a solution; any solution will do, not only the smallest
 */
gboolean
dao_pow_check (const gchar * challenge, guint difficulty, const gchar * nonce)
{
  crypto_hash_sha256_state prefix;

  g_return_val_if_fail (challenge != NULL, FALSE);

  if (nonce == NULL || !is_plain_decimal (nonce))
    return FALSE;
  if (difficulty == 0)
    difficulty = POW_DEFAULT_DIFFICULTY;
  if (difficulty > POW_MAX_DIFFICULTY)
    return FALSE;
  absorb_challenge (&prefix, challenge);
  return try_nonce (&prefix, nonce, difficulty);
}
