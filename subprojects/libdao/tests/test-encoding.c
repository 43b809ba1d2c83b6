/* gst-dao: hex, base64, HKDF, AES-GCM
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-encoding.h"

#include <string.h>

static void
test_hex (void)
{
  static const gchar *const bad[] = {
    "", "0", "000", "00000", "0g00", "00 0", " 000", "0x00", "00-1",
  };
  const guint8 bytes[] = { 0x00, 0xff, 0x1a };
  g_autofree gchar *hex = dao_hex_encode (bytes, 3);
  guint8 out[3];
  guint i;

  g_assert_cmpstr (hex, ==, "00ff1a");
  g_assert_true (dao_hex_decode ("00FF1a", out, 3));
  g_assert_cmpmem (out, 3, bytes, 3);
  for (i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (dao_hex_decode (bad[i], out, 2));
  g_assert_false (dao_hex_decode (NULL, out, 2));
}

static void
test_base64_strict (void)
{
  static const struct
  {
    const gchar *text;
    const gchar *bytes;         /* NULL = refused */
  } cases[] = {
    {"", ""}, {"Zg==", "f"}, {"Zm8=", "fo"}, {"Zm9v", "foo"}, {"+/+/", "\xfb\xff\xbf"},
    {"Zg", NULL}, {"Zg=", NULL}, {"Zg===", NULL}, {"Zh==", NULL},
    {"Zm9=", NULL}, {"Zm9v\n", NULL}, {"\nZm9v", NULL}, {"Zm 9v", NULL},
    {"Zm9v====", NULL}, {"-_-_", NULL}, {"Zg==Zg==", NULL}, {"=", NULL},
    {"A", NULL}, {"Zm9vA", NULL}, {"Zm9v\xc3\xa9", NULL},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    gsize length = 99;
    g_autofree guint8 *data = dao_base64_decode (cases[i].text, &length);

    if (cases[i].bytes == NULL) {
      g_assert_null (data);
    } else {
      g_autofree gchar *back = NULL;

      g_assert_nonnull (data);
      g_assert_cmpmem (data, length, cases[i].bytes, strlen (cases[i].bytes));
      back = dao_base64_encode (data, length);
      g_assert_cmpstr (back, ==, cases[i].text);
    }
  }
}

static void
test_base64_exact (void)
{
  guint8 out[3];

  g_assert_true (dao_base64_decode_exact ("Zm9v", out, 3));
  g_assert_false (dao_base64_decode_exact ("Zm8=", out, 3));
  g_assert_false (dao_base64_decode_exact ("Zm9vZg==", out, 3));
  g_assert_false (dao_base64_decode_exact ("Zm9v\n", out, 3));
  g_assert_false (dao_base64_decode_exact (NULL, out, 3));
}

/* RFC 5869, test cases 1 and 2 (2 needs three blocks) */
static void
test_hkdf_rfc5869 (void)
{
  guint8 ikm[80], salt[80], info[80], prk[32], okm[82], want[82];
  guint i;

  memset (ikm, 0x0b, 22);
  for (i = 0; i < 13; i++)
    salt[i] = i;
  for (i = 0; i < 10; i++)
    info[i] = 0xf0 + i;
  dao_hkdf_extract (salt, 13, ikm, 22, prk);
  g_assert_true (dao_hex_decode
      ("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
          want, 32));
  g_assert_cmpmem (prk, 32, want, 32);
  dao_hkdf_expand (prk, info, 10, okm, 42);
  g_assert_true (dao_hex_decode
      ("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
          "34007208d5b887185865", want, 42));
  g_assert_cmpmem (okm, 42, want, 42);

  for (i = 0; i < 80; i++) {
    ikm[i] = i;
    salt[i] = 0x60 + i;
    info[i] = 0xb0 + i;
  }
  dao_hkdf_extract (salt, 80, ikm, 80, prk);
  dao_hkdf_expand (prk, info, 80, okm, 82);
  g_assert_true (dao_hex_decode
      ("b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
          "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
          "cc30c58179ec3e87c14c01d5c1f3434f1d87", want, 82));
  g_assert_cmpmem (okm, 82, want, 82);
}

static void
test_aes_gcm (void)
{
  guint8 key[32] = { 1 }, iv[12] = { 2 }, sealed[5 + 16], plain[5], tag[16];
  guint i;

  g_assert_true (dao_aes_gcm_seal (key, iv, (const guint8 *) "hello", 5,
          sealed));
  g_assert_true (dao_aes_gcm_open (key, iv, sealed, sizeof sealed, plain));
  g_assert_cmpmem (plain, 5, "hello", 5);
  for (i = 0; i < sizeof sealed; i++) {
    sealed[i] ^= 0x10;
    memset (plain, 0xee, sizeof plain);
    g_assert_false (dao_aes_gcm_open (key, iv, sealed, sizeof sealed, plain));
    g_assert_cmpmem (plain, 5, "\0\0\0\0\0", 5);        /* nothing unverified */
    sealed[i] ^= 0x10;
  }
  g_assert_false (dao_aes_gcm_open (key, iv, sealed, 15, plain));
  g_assert_true (dao_aes_gcm_seal (key, iv, NULL, 0, tag));
  g_assert_true (dao_aes_gcm_open (key, iv, tag, 16, plain));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/encoding/hex", test_hex);
  g_test_add_func ("/encoding/base64-strict", test_base64_strict);
  g_test_add_func ("/encoding/base64-exact", test_base64_exact);
  g_test_add_func ("/encoding/hkdf-rfc5869", test_hkdf_rfc5869);
  g_test_add_func ("/encoding/aes-gcm", test_aes_gcm);
  return g_test_run ();
}
