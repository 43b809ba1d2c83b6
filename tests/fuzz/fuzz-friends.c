/* gst-dao: fuzzes the friends list of a relay that means no good
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whatever it says: pinned keys stay, nobody becomes callable by it, and the contacts
 * it leaves behind can be written and loaded again.
 */
#include "dao-account.h"
#include "dao-json.h"
#include "dao-secret.h"
#include "fuzz.h"

#include <sodium.h>
#include <string.h>

static DaoIdentity *identity;
static guint8 keys[2][2][32];   /* [bob, carol][Ed25519, X25519] */

/* The relay's answer, as dao-account-friends.c takes it. */
gboolean dao_account_observe_friends (DaoContacts * contacts,
    json_t * friends, GError ** error);

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_init ();
  dao_crypto_init ();
  identity = dao_identity_new_from_mnemonic ("abandon abandon abandon abandon"
      " abandon abandon abandon abandon abandon abandon abandon about", NULL);
  dao_identity_set_alias (identity, "alice");
  for (guint i = 0; i < 2; i++) {
    guint8 seed[32] = { 0, i + 1 };        /* X25519 looks past the lowest bits */
    guint8 secret[crypto_sign_SECRETKEYBYTES];

    crypto_sign_seed_keypair (keys[i][0], secret, seed);
    crypto_scalarmult_base (keys[i][1], seed);
  }
  return 0;
}

static DaoContacts *
contacts_new (void)
{
  static const gchar empty[] = "{\"version\":1,\"contacts\":[]}";
  const gchar *path = fuzz_private_file ((const guint8 *) empty,
      strlen (empty));
  DaoContacts *contacts = dao_contacts_load (path, identity, NULL);

  g_assert_true (dao_contacts_pin (contacts, "bob", NULL, keys[0][0],
          keys[0][1], NULL, NULL));
  g_assert_true (dao_contacts_pin (contacts, "carol", "C", keys[1][0],
          keys[1][1], "conversation", NULL));
  g_assert_true (dao_contacts_set_verified (contacts, "carol", TRUE, NULL));
  return contacts;
}

static void
check_pinned (DaoContacts * contacts, guint i, const gchar * alias)
{
  const DaoContact *contact = dao_contacts_lookup (contacts, alias);

  g_assert_nonnull (contact);
  g_assert_true (contact->pinned);
  g_assert_cmpmem (contact->ed25519_public, 32, keys[i][0], 32);
  g_assert_cmpmem (contact->x25519_public, 32, keys[i][1], 32);
  g_assert_cmpint (contact->trust, !=, i == 0 ? DAO_TRUST_VERIFIED :
      DAO_TRUST_UNVERIFIED);
}

static void
check_contacts (DaoContacts * contacts)
{
  g_autoptr (GPtrArray) list = dao_contacts_list (contacts);

  check_pinned (contacts, 0, "bob");
  check_pinned (contacts, 1, "carol");
  g_assert_cmpstr (dao_contacts_lookup (contacts, "carol")->conversation_id,
      ==, "conversation");
  g_assert_null (dao_contacts_lookup (contacts, "alice"));
  for (guint i = 0; i < list->len; i++) {
    const DaoContact *contact = g_ptr_array_index (list, i);

    if (g_str_equal (contact->alias, "bob")
        || g_str_equal (contact->alias, "carol"))
      continue;
    g_assert_false (contact->pinned);
    g_assert_null (dao_contacts_get_callable (contacts, contact->alias,
            DAO_TRUST_UNVERIFIED, NULL));
  }
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  json_t *friends = dao_json_parse ((const gchar *) data, size, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (DaoContacts) contacts = NULL;
  g_autoptr (DaoContacts) again = NULL;

  if (friends == NULL)
    return 0;
  contacts = contacts_new ();
  dao_account_observe_friends (contacts, friends, NULL);
  check_contacts (contacts);
  g_assert_true (dao_contacts_save (contacts, &error));
  again = dao_contacts_load (fuzz_path (), identity, &error);
  g_assert_no_error (error);
  check_contacts (again);
  json_decref (friends);
  return 0;
}
