/* gst-dao: fuzzes the identity file
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What loads is saved and loads again as the same identity.
 */
#include "dao-identity.h"
#include "dao-secret.h"
#include "fuzz.h"

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_init ();
  dao_crypto_init ();
  return 0;
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
