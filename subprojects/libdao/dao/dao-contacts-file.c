/* gst-dao: the contacts file
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * {"version":1,"contacts":[{"alias","nickname","conversation_id","ed25519_public_key","x25519_public_key",
 * "trust","pinned","e2ee_seen"}]}, mode 0600. Session keys are not stored, they follow from the rest.
 */
#include "dao-contacts-private.h"
#include "dao-encoding.h"
#include "dao-file.h"
#include "dao-json.h"
#include "dao-secret.h"

#include <stdlib.h>
#include <string.h>

#define FILE_VERSION 1
/* DAO_CONTACTS_MAX contacts of ordinary names take about 1.5 MiB */
#define MAX_FILE DAO_JSON_MAX_LENGTH

static const gchar *const trust_names[] = {
  [DAO_TRUST_UNVERIFIED] = "unverified",
  [DAO_TRUST_VERIFIED] = "verified",
  [DAO_TRUST_CHANGED] = "changed",
};

static gboolean
parse_trust (const gchar * name, DaoTrust * trust)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (trust_names); i++) {
    if (g_strcmp0 (name, trust_names[i]) == 0) {
      *trust = i;
      return TRUE;
    }
  }
  return FALSE;
}

static gboolean
load_contact (DaoContacts * contacts, json_t * entry)
{
  const gchar *alias = dao_json_get_string (entry, "alias");
  const gchar *nickname = dao_json_get_string (entry, "nickname");
  const gchar *conversation = dao_json_get_string (entry, "conversation_id");
  guint8 ed25519[32], x25519[32];
  DaoContact *contact;
  DaoTrust trust;

  if (!dao_contacts_check_names (alias, nickname, conversation, NULL)
      || dao_contacts_lookup (contacts, alias) != NULL
      || g_hash_table_size (contacts->by_alias) >= DAO_CONTACTS_MAX
      || !parse_trust (dao_json_get_string (entry, "trust"), &trust)
      || !json_is_boolean (json_object_get (entry, "pinned"))
      || !json_is_boolean (json_object_get (entry, "e2ee_seen"))
      || !dao_base64_decode_exact (dao_json_get_string (entry,
              "ed25519_public_key"), ed25519, 32)
      || !dao_base64_decode_exact (dao_json_get_string (entry,
              "x25519_public_key"), x25519, 32)
      || !dao_contacts_check_keys (contacts, alias, ed25519, x25519, FALSE,
          NULL))
    return FALSE;
  contact = dao_contact_new (alias);
  contact->nickname = g_strdup (nickname);
  contact->conversation_id = g_strdup (conversation);
  memcpy (contact->ed25519_public, ed25519, 32);
  memcpy (contact->x25519_public, x25519, 32);
  contact->trust = trust;
  contact->pinned = json_is_true (json_object_get (entry, "pinned"));
  contact->e2ee_seen = json_is_true (json_object_get (entry, "e2ee_seen"));
  g_hash_table_insert (contacts->by_alias, contact->alias, contact);
  return dao_contact_update_session (contacts, contact, NULL);
}

static gboolean
load_text (DaoContacts * contacts, const gchar * text, gsize length)
{
  json_t *root = dao_json_parse (text, length, NULL);
  json_t *list = json_object_get (root, "contacts");
  gboolean ok;
  gint64 version;
  size_t i;

  ok = json_is_array (list) && dao_json_get_int (root, "version", &version)
      && version == FILE_VERSION;
  /* One bad entry and the file is not what we wrote: guessing whom to trust is no option. */
  for (i = 0; ok && i < json_array_size (list); i++)
    ok = load_contact (contacts, json_array_get (list, i));
  json_decref (root);
  return ok;
}

static gboolean
load_file (DaoContacts * contacts, GError ** error)
{
  GError *file_error = NULL;
  gsize length;
  gchar *text;
  gboolean ok;

  text = dao_file_read_private (contacts->path, MAX_FILE, &length,
      &file_error);
  if (text == NULL) {
    ok = g_error_matches (file_error, DAO_FILE_ERROR, DAO_FILE_ERROR_MISSING);
    if (!ok)
      g_set_error_literal (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_FILE,
          file_error->message);
    g_error_free (file_error);
    return ok;
  }
  ok = load_text (contacts, text, length);
  dao_secret_free (text);
  if (!ok)
    g_set_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_FILE,
        "%s: is no contacts file of this account", contacts->path);
  return ok;
}

DaoContacts *
dao_contacts_load (const gchar * path, DaoIdentity * identity, GError ** error)
{
  DaoContacts *contacts = g_new0 (DaoContacts, 1);

  contacts->path = g_strdup (path);
  contacts->identity = identity ? dao_identity_ref (identity) : NULL;
  contacts->by_alias = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
      (GDestroyNotify) dao_contact_free);
  if (path != NULL && !load_file (contacts, error)) {
    dao_contacts_free (contacts);
    return NULL;
  }
  return contacts;
}

static json_t *
key_to_json (const guint8 * key)
{
  g_autofree gchar *text = dao_base64_encode (key, 32);

  return json_string (text);
}

static json_t *
contact_to_json (const DaoContact * contact)
{
  json_t *entry = json_object ();

  json_object_set_new (entry, "alias", json_string (contact->alias));
  if (contact->nickname != NULL)
    json_object_set_new (entry, "nickname", json_string (contact->nickname));
  if (contact->conversation_id != NULL)
    json_object_set_new (entry, "conversation_id",
        json_string (contact->conversation_id));
  json_object_set_new (entry, "ed25519_public_key",
      key_to_json (contact->ed25519_public));
  json_object_set_new (entry, "x25519_public_key",
      key_to_json (contact->x25519_public));
  json_object_set_new (entry, "trust", json_string (trust_names[contact->
              trust]));
  json_object_set_new (entry, "pinned", json_boolean (contact->pinned));
  json_object_set_new (entry, "e2ee_seen", json_boolean (contact->e2ee_seen));
  return entry;
}

gboolean
dao_contacts_save (DaoContacts * contacts, GError ** error)
{
  g_autoptr (GPtrArray) sorted = NULL;
  GError *file_error = NULL;
  json_t *root, *list;
  gboolean ok;
  gchar *text;
  guint i;

  if (contacts->path == NULL)
    return TRUE;
  sorted = dao_contacts_list (contacts);
  list = json_array ();
  for (i = 0; i < sorted->len; i++)
    json_array_append_new (list,
        contact_to_json (g_ptr_array_index (sorted, i)));
  root = json_object ();
  json_object_set_new (root, "version", json_integer (FILE_VERSION));
  json_object_set_new (root, "contacts", list);
  text = json_dumps (root, JSON_INDENT (2));
  json_decref (root);
  ok = text != NULL && dao_file_write_private (contacts->path, text,
      strlen (text), TRUE, &file_error);
  free (text);
  if (!ok) {
    g_set_error_literal (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_FILE,
        file_error ? file_error->message : "a name is no valid UTF-8");
    g_clear_error (&file_error);
  }
  return ok;
}
