/* gst-dao: fuzzes the contacts file
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What loads is saved and loads again with the same keys and the same trust.
 */
#include "dao-contacts.h"
#include "dao-secret.h"
#include "fuzz.h"

static DaoIdentity *identity;

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_init ();
  dao_crypto_init ();
  identity = dao_identity_new_from_mnemonic ("abandon abandon abandon abandon"
      " abandon abandon abandon abandon abandon abandon abandon about", NULL);
  g_assert_nonnull (identity);
  dao_identity_set_alias (identity, "u10000009");
  return 0;
}

static void
check_same (const DaoContact * a, const DaoContact * b)
{
  g_assert_cmpstr (a->alias, ==, b->alias);
  g_assert_cmpstr (a->nickname, ==, b->nickname);
  g_assert_cmpstr (a->conversation_id, ==, b->conversation_id);
  g_assert_cmpmem (a->ed25519_public, 32, b->ed25519_public, 32);
  g_assert_cmpmem (a->x25519_public, 32, b->x25519_public, 32);
  g_assert_cmpint (a->trust, ==, b->trust);
  g_assert_cmpint (a->pinned, ==, b->pinned);
  g_assert_cmpint (a->e2ee_seen, ==, b->e2ee_seen);
  g_assert_true ((a->session_key == NULL) == (b->session_key == NULL));
  g_assert_true ((a->session_key == NULL) == (a->conversation_id == NULL));
}

static void
check_contact (DaoContacts * contacts, const DaoContact * contact)
{
  const DaoContact *callable = dao_contacts_get_callable (contacts,
      contact->alias, DAO_TRUST_UNVERIFIED, NULL);

  g_assert_true (callable == NULL || (contact->pinned
          && contact->trust != DAO_TRUST_CHANGED));
  g_assert_cmpstr (contact->alias, !=, "u10000009");
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  const gchar *path = fuzz_private_file (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (DaoContacts) contacts = dao_contacts_load (path, identity, &error);
  g_autoptr (DaoContacts) again = NULL;
  g_autoptr (GPtrArray) list = NULL;

  g_assert_true ((contacts != NULL) == (error == NULL));
  if (contacts == NULL)
    return 0;
  g_assert_true (dao_contacts_save (contacts, &error));
  again = dao_contacts_load (path, identity, &error);
  g_assert_no_error (error);
  list = dao_contacts_list (contacts);
  for (guint i = 0; i < list->len; i++) {
    const DaoContact *contact = g_ptr_array_index (list, i);

    check_contact (contacts, contact);
    check_same (contact, dao_contacts_lookup (again, contact->alias));
  }
  return 0;
}
