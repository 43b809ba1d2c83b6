/* gst-dao: pinned contacts of one identity
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who may call is decided here and by local decisions only: the relay's list
 * can add contacts that wait for a decision and block contacts whose keys changed, no more.
 */
#include "dao-contacts-private.h"
#include "dao-secret.h"

#include <sodium.h>
#include <string.h>

G_DEFINE_QUARK (dao-contacts-error-quark, dao_contacts_error)

DaoContact *
dao_contact_new (const gchar * alias)
{
  DaoContact *contact = g_new0 (DaoContact, 1);

  contact->alias = g_strdup (alias);
  return contact;
}

void
dao_contact_free (DaoContact * contact)
{
  g_free (contact->alias);
  g_free (contact->nickname);
  g_free (contact->conversation_id);
  dao_secret_free (contact->session_key);
  g_free (contact);
}

void
dao_contacts_free (DaoContacts * contacts)
{
  if (contacts == NULL)
    return;
  g_hash_table_unref (contacts->by_alias);
  if (contacts->identity != NULL)
    dao_identity_unref (contacts->identity);
  g_free (contacts->path);
  g_free (contacts);
}

const DaoContact *
dao_contacts_lookup (DaoContacts * contacts, const gchar * alias)
{
  return alias ? g_hash_table_lookup (contacts->by_alias, alias) : NULL;
}

static gint
by_alias (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(const DaoContact * const *) a)->alias,
      (*(const DaoContact * const *) b)->alias);
}

GPtrArray *
dao_contacts_list (DaoContacts * contacts)
{
  GPtrArray *list = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer contact;

  g_hash_table_iter_init (&iter, contacts->by_alias);
  while (g_hash_table_iter_next (&iter, NULL, &contact))
    g_ptr_array_add (list, contact);
  g_ptr_array_sort (list, by_alias);
  return list;
}

static gboolean
is_own_alias (DaoContacts * contacts, const gchar * alias)
{
  return contacts->identity != NULL
      && g_strcmp0 (alias, dao_identity_get_alias (contacts->identity)) == 0;
}

/* The pinned contact of that name, or NULL with UNKNOWN */
static DaoContact *
lookup_pinned (DaoContacts * contacts, const gchar * alias, GError ** error)
{
  DaoContact *contact = g_hash_table_lookup (contacts->by_alias, alias);

  if (contact != NULL && contact->pinned)
    return contact;
  g_set_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_UNKNOWN,
      contact != NULL ? "contact %s was not accepted here; accept it first" :
      "there is no contact %s", alias);
  return NULL;
}

static gboolean
refuse_changed (const DaoContact * contact, GError ** error)
{
  if (contact->trust != DAO_TRUST_CHANGED)
    return FALSE;
  g_set_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_CHANGED,
      "the keys of %s changed; compare the safety code and accept it again",
      contact->alias);
  return TRUE;
}

const DaoContact *
dao_contacts_get_callable (DaoContacts * contacts, const gchar * alias,
    DaoTrust min_trust, GError ** error)
{
  const DaoContact *contact;

  g_return_val_if_fail (alias != NULL, NULL);
  if (is_own_alias (contacts, alias)) {
    g_set_error_literal (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_SELF,
        "this is our own alias");
    return NULL;
  }
  contact = lookup_pinned (contacts, alias, error);
  if (contact == NULL || refuse_changed (contact, error))
    return NULL;
  if (contact->session_key == NULL) {
    g_set_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_UNKNOWN,
        "%s has not accepted the friendship yet", alias);
    return NULL;
  }
  if (min_trust == DAO_TRUST_VERIFIED && contact->trust != DAO_TRUST_VERIFIED) {
    g_set_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_UNVERIFIED,
        "the safety code of %s was not compared yet", alias);
    return NULL;
  }
  return contact;
}

gboolean
dao_contacts_check_names (const gchar * alias, const gchar * nickname,
    const gchar * conversation_id, GError ** error)
{
  if (dao_alias_is_valid (alias)
      && (nickname == NULL || strlen (nickname) <= DAO_CONTACTS_MAX_NAME)
      && (conversation_id == NULL
          || strlen (conversation_id) <= DAO_CONTACTS_MAX_NAME))
    return TRUE;
  g_set_error_literal (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_LIMIT,
      "an alias, nickname or conversation id is too long or malformed");
  return FALSE;
}

static gboolean
keys_are_sound (DaoContacts * contacts, const guint8 * ed25519_public,
    const guint8 * x25519_public)
{
  guint8 scratch[32];
  gboolean ok;

  /* Whether a key is a low-order point does not depend on the private key; any will do. */
  static const guint8 any_private[32] = { 1 };

  dao_crypto_init ();
  ok = crypto_core_ed25519_is_valid_point (ed25519_public) == 1
      && crypto_scalarmult (scratch, any_private, x25519_public) == 0;
  sodium_memzero (scratch, sizeof scratch);
  return ok;
}

static gboolean
share_a_key (const guint8 * ed25519_a, const guint8 * x25519_a,
    const guint8 * ed25519_b, const guint8 * x25519_b)
{
  return memcmp (ed25519_a, ed25519_b, 32) == 0
      || memcmp (x25519_a, x25519_b, 32) == 0;
}

gboolean
dao_contacts_check_keys (DaoContacts * contacts, const gchar * alias,
    const guint8 * ed25519_public, const guint8 * x25519_public,
    gboolean pinned_only, GError ** error)
{
  DaoIdentity *own = contacts->identity;
  GHashTableIter iter;
  gpointer value;

  if (is_own_alias (contacts, alias) || (own != NULL
          && share_a_key (ed25519_public, x25519_public,
              dao_identity_get_ed25519_public (own),
              dao_identity_get_x25519_public (own)))) {
    g_set_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_SELF,
        "%s is ourselves: our alias or our keys", alias);
    return FALSE;
  }
  if (!keys_are_sound (contacts, ed25519_public, x25519_public)) {
    g_set_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_KEY,
        "a public key of %s is malformed or of low order", alias);
    return FALSE;
  }
  g_hash_table_iter_init (&iter, contacts->by_alias);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    DaoContact *other = value;

    if (strcmp (other->alias, alias) != 0 && (other->pinned || !pinned_only)
        && share_a_key (ed25519_public, x25519_public, other->ed25519_public,
            other->x25519_public)) {
      g_set_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_DUPLICATE,
          "%s has a key of %s", alias, other->alias);
      return FALSE;
    }
  }
  return TRUE;
}

gboolean
dao_contact_update_session (DaoContacts * contacts, DaoContact * contact,
    GError ** error)
{
  g_clear_pointer (&contact->session_key, dao_secret_free);
  if (contact->conversation_id == NULL || contacts->identity == NULL)
    return TRUE;
  contact->session_key = dao_secret_new (32);
  if (dao_session_key_derive (dao_identity_get_x25519_private
          (contacts->identity), contact->x25519_public,
          contact->conversation_id, contact->session_key, error))
    return TRUE;
  g_clear_pointer (&contact->session_key, dao_secret_free);
  return FALSE;
}

gboolean
dao_contacts_update_sessions (DaoContacts * contacts, GError ** error)
{
  GHashTableIter iter;
  gpointer contact;

  g_hash_table_iter_init (&iter, contacts->by_alias);
  while (g_hash_table_iter_next (&iter, NULL, &contact))
    if (!dao_contact_update_session (contacts, contact, error))
      return FALSE;
  return TRUE;
}

static gboolean
has_keys (const DaoContact * contact, const guint8 * ed25519_public,
    const guint8 * x25519_public)
{
  return memcmp (contact->ed25519_public, ed25519_public, 32) == 0
      && memcmp (contact->x25519_public, x25519_public, 32) == 0;
}

/* The contact of that name, made when missing; NULL when there are too many. */
static DaoContact *
ensure (DaoContacts * contacts, const gchar * alias, GError ** error)
{
  DaoContact *contact = g_hash_table_lookup (contacts->by_alias, alias);

  if (contact != NULL)
    return contact;
  if (g_hash_table_size (contacts->by_alias) >= DAO_CONTACTS_MAX) {
    g_set_error_literal (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_LIMIT,
        "too many contacts");
    return NULL;
  }
  contact = dao_contact_new (alias);
  g_hash_table_insert (contacts->by_alias, contact->alias, contact);
  return contact;
}

/* NULL and "" (the relay's "not yet") keep what there is. @value may be *member itself. */
static void
update_string (gchar ** member, const gchar * value)
{
  gchar *old = *member;

  if (value == NULL || *value == '\0')
    return;
  *member = g_strdup (value);
  g_free (old);
}

static gboolean
set_contact (DaoContacts * contacts, DaoContact * contact,
    const gchar * nickname, const guint8 * ed25519_public,
    const guint8 * x25519_public, const gchar * conversation_id,
    GError ** error)
{
  update_string (&contact->nickname, nickname);
  update_string (&contact->conversation_id, conversation_id);
  memcpy (contact->ed25519_public, ed25519_public, 32);
  memcpy (contact->x25519_public, x25519_public, 32);
  return dao_contact_update_session (contacts, contact, error);
}

typedef struct
{
  const gchar *alias;
  const guint8 *ed25519_public;
  const guint8 *x25519_public;
} Claim;

static gboolean
is_rival (gpointer key, gpointer value, gpointer user_data)
{
  DaoContact *contact = value;
  Claim *claim = user_data;

  return !contact->pinned && strcmp (contact->alias, claim->alias) != 0
      && share_a_key (contact->ed25519_public, contact->x25519_public,
      claim->ed25519_public, claim->x25519_public);
}

gboolean
dao_contacts_pin (DaoContacts * contacts, const gchar * alias,
    const gchar * nickname, const guint8 * ed25519_public,
    const guint8 * x25519_public, const gchar * conversation_id,
    GError ** error)
{
  Claim claim = { alias, ed25519_public, x25519_public };
  DaoContact *contact;

  if (!dao_contacts_check_names (alias, nickname, conversation_id, error)
      || !dao_contacts_check_keys (contacts, alias, ed25519_public,
          x25519_public, TRUE, error))
    return FALSE;
  /* The relay must not block an accept by listing the same keys under another name. */
  g_hash_table_foreach_remove (contacts->by_alias, is_rival, &claim);
  contact = ensure (contacts, alias, error);
  if (contact == NULL)
    return FALSE;
  if (!contact->pinned || contact->trust == DAO_TRUST_CHANGED
      || !has_keys (contact, ed25519_public, x25519_public))
    contact->trust = DAO_TRUST_UNVERIFIED;
  contact->pinned = TRUE;
  return set_contact (contacts, contact, nickname, ed25519_public,
      x25519_public, conversation_id, error);
}

/* A pinned contact: its keys stay, whatever the relay says. */
static gboolean
observe_pinned (DaoContacts * contacts, DaoContact * contact,
    const guint8 * ed25519_public, const guint8 * x25519_public,
    const gchar * conversation_id, GError ** error)
{
  if (!has_keys (contact, ed25519_public, x25519_public)) {
    contact->trust = DAO_TRUST_CHANGED;
    return TRUE;
  }
  if (contact->conversation_id != NULL || conversation_id == NULL
      || *conversation_id == '\0')
    return TRUE;
  contact->conversation_id = g_strdup (conversation_id);
  return dao_contact_update_session (contacts, contact, error);
}

gboolean
dao_contacts_observe (DaoContacts * contacts, const gchar * alias,
    const gchar * nickname, const guint8 * ed25519_public,
    const guint8 * x25519_public, const gchar * conversation_id,
    GError ** error)
{
  DaoContact *contact;

  if (!dao_contacts_check_names (alias, nickname, conversation_id, error))
    return FALSE;
  contact = g_hash_table_lookup (contacts->by_alias, alias);
  if (contact != NULL && contact->pinned)
    return observe_pinned (contacts, contact, ed25519_public, x25519_public,
        conversation_id, error);
  if (!dao_contacts_check_keys (contacts, alias, ed25519_public,
          x25519_public, FALSE, error))
    return FALSE;
  contact = ensure (contacts, alias, error);
  return contact != NULL && set_contact (contacts, contact, nickname,
      ed25519_public, x25519_public, conversation_id, error);
}

gboolean
dao_contacts_set_verified (DaoContacts * contacts, const gchar * alias,
    gboolean verified, GError ** error)
{
  DaoContact *contact = lookup_pinned (contacts, alias, error);

  if (contact == NULL || refuse_changed (contact, error))
    return FALSE;
  contact->trust = verified ? DAO_TRUST_VERIFIED : DAO_TRUST_UNVERIFIED;
  return TRUE;
}

gboolean
dao_contacts_set_e2ee_seen (DaoContacts * contacts, const gchar * alias,
    GError ** error)
{
  DaoContact *contact = lookup_pinned (contacts, alias, error);

  if (contact == NULL)
    return FALSE;
  contact->e2ee_seen = TRUE;
  return TRUE;
}

gchar *
dao_contacts_safety_code (DaoContacts * contacts, const gchar * alias,
    GError ** error)
{
  const DaoContact *contact = dao_contacts_lookup (contacts, alias);

  if (contact == NULL || contacts->identity == NULL) {
    g_set_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_UNKNOWN,
        "there is no contact %s", alias ? alias : "");
    return NULL;
  }
  return dao_safety_code (dao_identity_get_x25519_public (contacts->identity),
      contact->x25519_public);
}

void
dao_contacts_add_for_test (DaoContacts * contacts, const gchar * alias,
    const guint8 * ed25519_public, const guint8 * session_key)
{
  DaoContact *contact = dao_contact_new (alias);

  if (ed25519_public != NULL)
    memcpy (contact->ed25519_public, ed25519_public, 32);
  contact->session_key = dao_secret_dup (session_key, 32);
  contact->pinned = TRUE;
  g_hash_table_replace (contacts->by_alias, contact->alias, contact);
}
