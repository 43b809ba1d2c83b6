/* gst-dao: what the relay's friends list tells an account
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * protocol.md c, 6. The list can add contacts that wait for a decision here, fill in a conversation id
 * and show that keys changed; it can do nothing else (dao-contacts.h).
 */
#include "dao-account-private.h"
#include "dao-encoding.h"
#include "dao-json.h"
#include "dao-relay-body.h"

static const gchar *
non_empty (const gchar * text)
{
  return text != NULL && *text != '\0' ? text : NULL;
}

static void
observe_entry (DaoContacts * contacts, json_t * entry)
{
  const gchar *alias = dao_json_get_string (entry, "alias_id");
  const gchar *status = dao_json_get_string (entry, "status");
  const gchar *ed25519 = dao_json_get_string (entry, "ed25519_public_key");
  const gchar *x25519 = dao_json_get_string (entry, "x25519_public_key");
  gboolean accepted = g_strcmp0 (status, "accepted") == 0;
  guint8 ed25519_public[32], x25519_public[32];
  g_autoptr (GError) error = NULL;

  if (alias == NULL || ed25519 == NULL || x25519 == NULL)
    return;
  /* Requests of strangers stay with the relay until somebody here accepts them. */
  if (!accepted && dao_contacts_lookup (contacts, alias) == NULL)
    return;
  if (!dao_base64_decode_exact (ed25519, ed25519_public, 32)
      || !dao_base64_decode_exact (x25519, x25519_public, 32))
    return;
  if (!dao_contacts_observe (contacts, alias,
          dao_json_get_string (entry, "nickname"), ed25519_public,
          x25519_public, accepted ?
          non_empty (dao_json_get_string (entry, "conversation_id")) : NULL,
          &error))
    g_message ("An entry of the friends list is not taken: %s",
        error->message);
}

gboolean
dao_account_observe_friends (DaoContacts * contacts, json_t * friends,
    GError ** error)
{
  json_t *entry;
  gsize i;

  /* A relay may say null for an empty list. */
  if (json_is_null (friends))
    return TRUE;
  if (!json_is_array (friends)) {
    g_set_error_literal (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_ANSWER,
        "The relay's friends list is not an array");
    return FALSE;
  }
  json_array_foreach (friends, i, entry)
      observe_entry (contacts, entry);
  return TRUE;
}

static void
on_friends (GObject * source, GAsyncResult * result, gpointer user_data)
{
  DaoAccount *account = user_data;
  g_autoptr (GError) error = NULL;
  json_t *friends;

  account->refreshing = FALSE;
  friends = dao_relay_client_call_finish (DAO_RELAY_CLIENT (source), result,
      &error);
  if (account->opens > 0) {
    if (friends == NULL
        || !dao_account_observe_friends (account->contacts, friends, &error)
        || !dao_contacts_save (account->contacts, &error))
      g_message ("The friends list was not updated: %s", error->message);
    if (account->refresh_again)
      dao_account_refresh_friends (account);
    /* With the contacts we have, calls are possible all the same. */
    dao_account_went_online (account);
  }
  if (friends != NULL)
    json_decref (friends);
  dao_account_unref (account);
}

void
dao_account_refresh_friends (DaoAccount * account)
{
  account->refresh_again = account->refreshing;
  if (account->refreshing)
    return;
  account->refreshing = TRUE;
  dao_relay_client_call_async (account->client, "GET", DAO_PATH_FRIENDS,
      NULL, NULL, on_friends, dao_account_ref (account));
}
