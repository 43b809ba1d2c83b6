/* gst-dao: fuzzes the identity file
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What loads has the keys of the phrase that a JSON parser finds there, is saved, and
 * loads again as the same identity.
 */
#include "dao-identity.h"
#include "dao-json.h"
#include "dao-secret.h"
#include "fuzz.h"

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_init ();
  dao_crypto_init ();
  return 0;
}

static void
check_phrase (DaoIdentity * identity, const guint8 * data, gsize size)
{
  json_t *root = dao_json_parse ((const gchar *) data, size, NULL);
  const gchar *phrase = dao_json_get_string (root, "mnemonic");
  g_autoptr (DaoIdentity) other = NULL;

  g_assert_nonnull (phrase);
  other = dao_identity_new_from_mnemonic (phrase, NULL);
  g_assert_nonnull (other);
  g_assert_cmpmem (dao_identity_get_ed25519_secret (identity), 64,
      dao_identity_get_ed25519_secret (other), 64);
  json_decref (root);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  const gchar *path = fuzz_private_file (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (DaoIdentity) identity = dao_identity_load (path, &error);
  g_autoptr (DaoIdentity) again = NULL;

  g_assert_true ((identity != NULL) == (error == NULL));
  if (identity == NULL)
    return 0;
  check_phrase (identity, data, size);
  g_assert_true (dao_identity_save (identity, path, TRUE, &error));
  again = dao_identity_load (path, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (dao_identity_get_x25519_private (identity), 32,
      dao_identity_get_x25519_private (again), 32);
  g_assert_cmpmem (dao_identity_get_ed25519_secret (identity), 64,
      dao_identity_get_ed25519_secret (again), 64);
  g_assert_cmpstr (dao_identity_get_alias (identity), ==,
      dao_identity_get_alias (again));
  g_assert_cmpstr (dao_identity_get_uuid (identity), ==,
      dao_identity_get_uuid (again));
  g_assert_cmpstr (dao_identity_get_relay (identity), ==,
      dao_identity_get_relay (again));
  g_assert_cmpstr (dao_identity_get_nickname (identity), ==,
      dao_identity_get_nickname (again));
  return 0;
}
