/* gst-dao: session keys and safety codes (protocol.md b)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-contacts.h"
#include "dao-encoding.h"
#include "dao-secret.h"

#include <sodium.h>
#include <string.h>

#define SESSION_INFO "securechat-session-v1"
#define CODE_BYTES 30
#define CODE_GROUP 4

gboolean
dao_session_key_derive (const guint8 * x25519_private,
    const guint8 * x25519_public, const gchar * conversation_id,
    guint8 * session_key, GError ** error)
{
  guint8 shared[32], salt[32], prk[32];

  dao_crypto_init ();
  /* Fails for an all-zero result, which a low-order key gives. */
  if (crypto_scalarmult (shared, x25519_private, x25519_public) != 0) {
    sodium_memzero (shared, sizeof shared);
    g_set_error_literal (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_KEY,
        "the X25519 key of the contact is a low-order point");
    return FALSE;
  }
  crypto_hash_sha256 (salt, (const guint8 *) conversation_id,
      strlen (conversation_id));
  dao_hkdf_extract (salt, sizeof salt, shared, sizeof shared, prk);
  dao_hkdf_expand (prk, (const guint8 *) SESSION_INFO,
      sizeof SESSION_INFO - 1, session_key, 32);
  sodium_memzero (shared, sizeof shared);
  sodium_memzero (prk, sizeof prk);
  return TRUE;
}

gchar *
dao_safety_code (const guint8 * x25519_a, const guint8 * x25519_b)
{
  gboolean a_first = memcmp (x25519_a, x25519_b, 32) <= 0;
  crypto_hash_sha256_state state;
  g_autofree gchar *hex = NULL;
  guint8 hash[32];
  GString *code;
  guint i;

  crypto_hash_sha256_init (&state);
  crypto_hash_sha256_update (&state, a_first ? x25519_a : x25519_b, 32);
  crypto_hash_sha256_update (&state, a_first ? x25519_b : x25519_a, 32);
  crypto_hash_sha256_final (&state, hash);
  hex = dao_hex_encode (hash, CODE_BYTES);
  code = g_string_new (NULL);
  for (i = 0; i < 2 * CODE_BYTES; i += CODE_GROUP) {
    if (i > 0)
      g_string_append_c (code, ' ');
    g_string_append_len (code, hex + i, CODE_GROUP);
  }
  return g_string_free (code, FALSE);
}
