/* gst-dao: certificates for tests of TLS, made on the spot
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "testcerts.h"

#include <glib/gstdio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define DAY (24 * 60 * 60)
#define OURSELVES "DNS:localhost,IP:127.0.0.1,IP:::1"

static const struct
{
  const gchar *name, *hosts;
  gboolean known;               /* is its authority the one of ca.pem? */
  glong from, until;            /* seconds from now */
} servers[] = {
  {"good", OURSELVES, TRUE, -DAY, DAY},
  {"other", "DNS:other.example", TRUE, -DAY, DAY},
  {"expired", OURSELVES, TRUE, -2 * DAY, -DAY},
  {"future", OURSELVES, TRUE, DAY, 2 * DAY},
  {"stranger", OURSELVES, FALSE, -DAY, DAY},
};

static void
add_extension (X509 * certificate, int nid, const gchar * value)
{
  X509_EXTENSION *extension = X509V3_EXT_conf_nid (NULL, NULL, nid, value);

  g_assert_nonnull (extension);
  X509_add_ext (certificate, extension, -1);
  X509_EXTENSION_free (extension);
}

static X509 *
make_certificate (const gchar * name, EVP_PKEY * key, X509 * issuer,
    EVP_PKEY * issuer_key, glong from, glong until)
{
  static glong serial = 0;
  X509 *certificate = X509_new ();
  X509_NAME *subject = X509_get_subject_name (certificate);

  X509_set_version (certificate, 2);
  ASN1_INTEGER_set (X509_get_serialNumber (certificate), ++serial);
  X509_gmtime_adj (X509_getm_notBefore (certificate), from);
  X509_gmtime_adj (X509_getm_notAfter (certificate), until);
  X509_NAME_add_entry_by_txt (subject, "CN", MBSTRING_ASC,
      (const guchar *) name, -1, -1, 0);
  X509_set_issuer_name (certificate,
      X509_get_subject_name (issuer ? issuer : certificate));
  X509_set_pubkey (certificate, key);
  return certificate;
}

static void
write_certificate (const gchar * dir, const gchar * name, X509 * certificate,
    EVP_PKEY * key)
{
  gchar *base = g_build_filename (dir, name, NULL);
  gchar *pem = g_strconcat (base, ".pem", NULL);
  gchar *key_file = g_strconcat (base, ".key", NULL);
  FILE *file = g_fopen (pem, "w");

  g_assert_nonnull (file);
  PEM_write_X509 (file, certificate);
  fclose (file);
  file = g_fopen (key_file, "w");
  g_assert_nonnull (file);
  PEM_write_PrivateKey (file, key, NULL, NULL, 0, NULL, NULL);
  fclose (file);
  g_free (base);
  g_free (pem);
  g_free (key_file);
}

static X509 *
make_authority (const gchar * name, EVP_PKEY * key)
{
  X509 *ca = make_certificate (name, key, NULL, key, -30 * DAY, 30 * DAY);

  add_extension (ca, NID_basic_constraints, "critical,CA:TRUE");
  add_extension (ca, NID_key_usage, "critical,keyCertSign");
  X509_sign (ca, key, EVP_sha256 ());
  return ca;
}

void
test_certs_write (const gchar * dir)
{
  EVP_PKEY *ca_key = EVP_EC_gen ("P-256"), *unknown_key = EVP_EC_gen ("P-256");
  X509 *ca = make_authority ("Test authority", ca_key);
  X509 *unknown = make_authority ("Nobody's authority", unknown_key);
  guint i;

  write_certificate (dir, "ca", ca, ca_key);
  for (i = 0; i < G_N_ELEMENTS (servers); i++) {
    EVP_PKEY *key = EVP_EC_gen ("P-256");
    EVP_PKEY *signer = servers[i].known ? ca_key : unknown_key;
    X509 *server = make_certificate (servers[i].name, key,
        servers[i].known ? ca : unknown, signer, servers[i].from,
        servers[i].until);

    add_extension (server, NID_subject_alt_name, servers[i].hosts);
    X509_sign (server, signer, EVP_sha256 ());
    write_certificate (dir, servers[i].name, server, key);
    X509_free (server);
    EVP_PKEY_free (key);
  }
  X509_free (ca);
  X509_free (unknown);
  EVP_PKEY_free (ca_key);
  EVP_PKEY_free (unknown_key);
}

static void
remove_pair (const gchar * dir, const gchar * name)
{
  static const gchar *const ends[] = { "pem", "key" };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (ends); i++) {
    gchar *path = g_strdup_printf ("%s/%s.%s", dir, name, ends[i]);

    g_unlink (path);
    g_free (path);
  }
}

void
test_certs_remove (const gchar * dir)
{
  guint i;

  remove_pair (dir, "ca");
  for (i = 0; i < G_N_ELEMENTS (servers); i++)
    remove_pair (dir, servers[i].name);
}
