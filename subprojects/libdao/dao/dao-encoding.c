/* gst-dao: hex and strict base64
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-encoding.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

#define GCM_TAG 16
/* EVP counts in int; envelopes are far smaller. */
#define GCM_MAX (1 << 30)

gchar *
dao_hex_encode (const guint8 * data, gsize length)
{
  gchar *hex = g_malloc (length * 2 + 1);

  sodium_bin2hex (hex, length * 2 + 1, data, length);
  return hex;
}

gboolean
dao_hex_decode (const gchar * hex, guint8 * data, gsize length)
{
  gsize i;

  if (hex == NULL || strlen (hex) != length * 2)
    return FALSE;
  for (i = 0; i < length; i++) {
    gint high = g_ascii_xdigit_value (hex[2 * i]);
    gint low = g_ascii_xdigit_value (hex[2 * i + 1]);

    if (high < 0 || low < 0)
      return FALSE;
    data[i] = (guint8) (high << 4 | low);
  }
  return TRUE;
}

guint8 *
dao_base64_decode (const gchar * text, gsize * length)
{
  gsize text_length, decoded;
  guint8 *data;

  if (text == NULL)
    return NULL;
  text_length = strlen (text);
  data = g_malloc (text_length / 4 * 3 + 3);
  /* libsodium wants exact padding and zero trailing bits, and with no set of characters to
   * ignore it stops at the first foreign one, so `decoded` and the end must both fit. */
  if (sodium_base642bin (data, text_length / 4 * 3 + 3, text, text_length,
          NULL, &decoded, NULL, sodium_base64_VARIANT_ORIGINAL) != 0) {
    g_free (data);
    return NULL;
  }
  *length = decoded;
  return data;
}

gboolean
dao_base64_decode_exact (const gchar * text, guint8 * data, gsize length)
{
  gsize decoded;

  if (text == NULL)
    return FALSE;
  return sodium_base642bin (data, length, text, strlen (text), NULL, &decoded,
      NULL, sodium_base64_VARIANT_ORIGINAL) == 0 && decoded == length;
}

gchar *
dao_base64_encode (const guint8 * data, gsize length)
{
  gsize size = sodium_base64_encoded_len (length,
      sodium_base64_VARIANT_ORIGINAL);
  gchar *text = g_malloc (size);

  sodium_bin2base64 (text, size, data, length, sodium_base64_VARIANT_ORIGINAL);
  return text;
}

static void
hmac_sha256 (const guint8 * key, gsize key_length, const guint8 * a,
    gsize a_length, const guint8 * b, gsize b_length, const guint8 * c,
    gsize c_length, guint8 * out)
{
  crypto_auth_hmacsha256_state state;

  crypto_auth_hmacsha256_init (&state, key, key_length);
  if (a_length > 0)
    crypto_auth_hmacsha256_update (&state, a, a_length);
  if (b_length > 0)
    crypto_auth_hmacsha256_update (&state, b, b_length);
  if (c_length > 0)
    crypto_auth_hmacsha256_update (&state, c, c_length);
  crypto_auth_hmacsha256_final (&state, out);
  sodium_memzero (&state, sizeof state);
}

void
dao_hkdf_extract (const guint8 * salt, gsize salt_length, const guint8 * ikm,
    gsize ikm_length, guint8 * prk32)
{
  hmac_sha256 (salt, salt_length, ikm, ikm_length, NULL, 0, NULL, 0, prk32);
}

void
dao_hkdf_expand (const guint8 * prk32, const guint8 * info, gsize info_length,
    guint8 * okm, gsize okm_length)
{
  guint8 block[32];
  guint8 counter = 0;
  gsize done = 0;

  g_return_if_fail (okm_length <= 255 * sizeof block);  /* RFC 5869, 2.3 */
  while (done < okm_length) {
    gsize n = MIN (sizeof block, okm_length - done);

    counter++;
    hmac_sha256 (prk32, 32, block, done > 0 ? sizeof block : 0, info,
        info_length, &counter, 1, block);
    memcpy (okm + done, block, n);
    done += n;
  }
  sodium_memzero (block, sizeof block);
}

/* Threads that still use OpenSSL when a program exits (webrtcbin's, or one that
 * makes a certificate) must not find it cleaned up. Before any first use. */
static void __attribute__ ((constructor))
keep_openssl_at_exit (void)
{
  OPENSSL_init_crypto (OPENSSL_INIT_NO_ATEXIT, NULL);
}

gboolean
dao_aes_gcm_seal (const guint8 * key32, const guint8 * iv12,
    const guint8 * plain, gsize length, guint8 * out)
{
  EVP_CIPHER_CTX *ctx;
  gint n = 0;
  gboolean ok;

  if (length > GCM_MAX)
    return FALSE;
  ctx = EVP_CIPHER_CTX_new ();
  ok = ctx != NULL
      && EVP_EncryptInit_ex (ctx, EVP_aes_256_gcm (), NULL, key32, iv12) == 1
      && (length == 0
      || EVP_EncryptUpdate (ctx, out, &n, plain, (gint) length) == 1)
      && EVP_EncryptFinal_ex (ctx, out + n, &n) == 1
      && EVP_CIPHER_CTX_ctrl (ctx, EVP_CTRL_GCM_GET_TAG, GCM_TAG,
      out + length) == 1;
  EVP_CIPHER_CTX_free (ctx);
  return ok;
}

gboolean
dao_aes_gcm_open (const guint8 * key32, const guint8 * iv12,
    const guint8 * sealed, gsize length, guint8 * out)
{
  EVP_CIPHER_CTX *ctx;
  gint n = 0;
  gboolean ok;

  if (length < GCM_TAG || length > GCM_MAX)
    return FALSE;
  length -= GCM_TAG;
  ctx = EVP_CIPHER_CTX_new ();
  ok = ctx != NULL
      && EVP_DecryptInit_ex (ctx, EVP_aes_256_gcm (), NULL, key32, iv12) == 1
      && (length == 0
      || EVP_DecryptUpdate (ctx, out, &n, sealed, (gint) length) == 1)
      && EVP_CIPHER_CTX_ctrl (ctx, EVP_CTRL_GCM_SET_TAG, GCM_TAG,
      (void *) (sealed + length)) == 1
      && EVP_DecryptFinal_ex (ctx, out + n, &n) == 1;
  EVP_CIPHER_CTX_free (ctx);
  /* What failed to verify must not be looked at. */
  if (!ok && length > 0)
    sodium_memzero (out, length);
  return ok;
}
