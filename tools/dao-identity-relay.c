/* dao-identity: commands that talk to the relay
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * protocol.md c, 1 to 10. The relay's word about keys is taken once, here, when the user says so; the
 * safety code is how users find out whether it was true.
 */
#include "dao-identity.h"
#include "dao-encoding.h"
#include "dao-json.h"
#include "dao-relay-body.h"

/* --- waiting for one asynchronous call --- */

typedef struct
{
  gboolean done;
  GAsyncResult *result;
} Wait;

static void
on_result (GObject * source, GAsyncResult * result, gpointer user_data)
{
  Wait *wait = user_data;

  wait->result = g_object_ref (result);
  wait->done = TRUE;
}

static GAsyncResult *
wait_for (Wait * wait)
{
  while (!wait->done)
    g_main_context_iteration (NULL, TRUE);
  return wait->result;
}

/* (transfer full); takes @body */
static json_t *
request (Session * session, const gchar * method, const gchar * path,
    json_t * body, GError ** error)
{
  Wait wait = { FALSE, NULL };
  json_t *answer;

  dao_relay_client_call_async (session->client, method, path, body, NULL,
      on_result, &wait);
  json_decref (body);
  answer = dao_relay_client_call_finish (session->client, wait_for (&wait),
      error);
  g_object_unref (wait.result);
  return answer;
}

gboolean
session_connect (Session * session, GError ** error)
{
  const gchar *url = session->options->relay != NULL ?
      session->options->relay : dao_identity_get_relay (session->identity);

  session->client = dao_relay_client_new (url, session->identity, error);
  return session->client != NULL;
}

/* --- register --- */

gboolean
command_register (Session * session, const gchar * alias, GError ** error)
{
  Options *options = session->options;
  const gchar *nickname = options->nickname != NULL ? options->nickname :
      dao_identity_get_nickname (session->identity);
  Wait wait = { FALSE, NULL };
  gboolean ok;

  dao_relay_client_register_async (session->client,
      nickname != NULL ? nickname : "gst-dao", NULL, on_result, &wait);
  ok = dao_relay_client_register_finish (session->client, wait_for (&wait),
      error);
  g_object_unref (wait.result);
  if (!ok || !dao_identity_save (session->identity, options->path, TRUE, error))
    return FALSE;
  print_line (json_pack ("{s:s, s:s, s:s, s:s}", "event", "registered",
          "alias", dao_identity_get_alias (session->identity), "uuid",
          dao_identity_get_uuid (session->identity), "relay",
          dao_identity_get_relay (session->identity)));
  return TRUE;
}

/* --- what the relay says of others --- */

/* Pins what an entry of users or friends says. */
static gboolean
pin_entry (Session * session, const gchar * alias, json_t * entry,
    const gchar * conversation_id, GError ** error)
{
  const gchar *ed25519 = dao_json_get_string (entry, "ed25519_public_key");
  const gchar *x25519 = dao_json_get_string (entry, "x25519_public_key");
  guint8 ed25519_public[32], x25519_public[32];

  if (g_strcmp0 (dao_json_get_string (entry, "alias_id"), alias) != 0
      || ed25519 == NULL || x25519 == NULL
      || !dao_base64_decode_exact (ed25519, ed25519_public, 32)
      || !dao_base64_decode_exact (x25519, x25519_public, 32)) {
    g_set_error (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_ANSWER,
        "The relay's entry of %s is malformed", alias);
    return FALSE;
  }
  return dao_contacts_pin (session->contacts, alias,
      dao_json_get_string (entry, "nickname"), ed25519_public, x25519_public,
      conversation_id, error) && session_save (session, error);
}

static json_t *
get_friends (Session * session, GError ** error)
{
  json_t *friends = request (session, "GET", DAO_PATH_FRIENDS, NULL, error);

  if (friends != NULL && !json_is_null (friends)
      && !json_is_array (friends)) {
    json_decref (friends);
    g_set_error_literal (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_ANSWER,
        "The relay's friends list is not an array");
    return NULL;
  }
  return friends;
}

/* (transfer none) */
static json_t *
find_friend (json_t * friends, const gchar * alias)
{
  json_t *entry;
  gsize i;

  json_array_foreach (friends, i, entry) {
    if (g_strcmp0 (dao_json_get_string (entry, "alias_id"), alias) == 0)
      return entry;
  }
  return NULL;
}

static gboolean
has_status (json_t * entry, const gchar * status)
{
  return g_strcmp0 (dao_json_get_string (entry, "status"), status) == 0;
}

static gboolean
is_received (json_t * entry)
{
  return g_strcmp0 (dao_json_get_string (entry, "direction"), "received") == 0;
}

/* --- add --- */

static gboolean
ask_for_friendship (Session * session, const gchar * alias, GError ** error)
{
  json_t *answer = request (session, "POST", DAO_PATH_FRIEND_REQUEST,
      dao_relay_body_friend_request (alias), error);

  if (answer != NULL)
    json_decref (answer);
  return answer != NULL;
}

/* A friendship that is there already needs no request; what it says is shown to the contacts. */
static gboolean
look_at_friends (Session * session, const gchar * alias, gboolean * exists,
    GError ** error)
{
  json_t *friends = get_friends (session, error), *entry;
  gboolean ok;

  if (friends == NULL)
    return FALSE;
  entry = find_friend (friends, alias);
  *exists = entry != NULL && !has_status (entry, "rejected");
  ok = dao_account_observe_friends (session->contacts, friends, error)
      && session_save (session, error);
  json_decref (friends);
  return ok;
}

gboolean
command_add (Session * session, const gchar * alias, GError ** error)
{
  g_autofree gchar *path = dao_relay_path_user (alias);
  json_t *user = request (session, "GET", path, NULL, error);
  gboolean exists, ok;

  if (user == NULL)
    return FALSE;
  ok = pin_entry (session, alias, user, NULL, error);
  json_decref (user);
  if (!ok || !look_at_friends (session, alias, &exists, error))
    return FALSE;
  if (!exists && !ask_for_friendship (session, alias, error))
    return FALSE;
  print_line (contact_line ("added", session,
          dao_contacts_lookup (session->contacts, alias)));
  return TRUE;
}

/* --- accept --- */

/* (transfer full): the conversation id */
static gchar *
accept_request (Session * session, const gchar * alias, json_t * entry,
    GError ** error)
{
  g_autofree gchar *path = NULL, *id = NULL;
  gint64 friendship_id;
  json_t *answer;

  if (!dao_json_get_int (entry, "friendship_id", &friendship_id)) {
    g_set_error_literal (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_ANSWER,
        "The relay's friend request has no friendship_id");
    return NULL;
  }
  path = dao_relay_path_accept (friendship_id);
  answer = request (session, "PUT", path, NULL, error);
  if (answer == NULL)
    return NULL;
  id = g_strdup (dao_json_get_string (answer, "conversation_id"));
  json_decref (answer);
  if (id == NULL || *id == '\0') {
    g_set_error (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_ANSWER,
        "The relay's answer for %s has no conversation_id", alias);
    return NULL;
  }
  return g_steal_pointer (&id);
}

static gboolean
accept_entry (Session * session, const gchar * alias, json_t * entry,
    GError ** error)
{
  g_autofree gchar *conversation_id = NULL;

  /* Accepted before: this is about keys that changed. */
  if (entry != NULL && has_status (entry, "accepted"))
    return pin_entry (session, alias, entry, dao_json_get_string (entry,
            "conversation_id"), error);
  if (entry == NULL || !has_status (entry, "pending")
      || !is_received (entry)) {
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_UNKNOWN,
        entry != NULL && has_status (entry, "pending") ?
        "%s has not answered our friend request yet" :
        "There is no friend request of %s", alias);
    return FALSE;
  }
  /* Keys that must not be pinned are found before the other side is told yes. */
  if (!pin_entry (session, alias, entry, NULL, error))
    return FALSE;
  conversation_id = accept_request (session, alias, entry, error);
  return conversation_id != NULL
      && pin_entry (session, alias, entry, conversation_id, error);
}

gboolean
command_accept (Session * session, const gchar * alias, GError ** error)
{
  json_t *friends = get_friends (session, error);
  gboolean ok;

  if (friends == NULL)
    return FALSE;
  ok = accept_entry (session, alias, find_friend (friends, alias), error);
  json_decref (friends);
  if (ok)
    print_line (contact_line ("accepted", session,
            dao_contacts_lookup (session->contacts, alias)));
  return ok;
}

/* --- list --- */

static void
print_requests (json_t * friends)
{
  json_t *entry;
  gsize i;

  json_array_foreach (friends, i, entry) {
    const gchar *alias = dao_json_get_string (entry, "alias_id");
    const gchar *nickname = dao_json_get_string (entry, "nickname");

    if (has_status (entry, "pending") && is_received (entry)
        && dao_alias_is_valid (alias))
      print_line (json_pack ("{s:s, s:s, s:s}", "event", "request", "alias",
              alias, "nickname", nickname ? nickname : ""));
  }
}

gboolean
command_list (Session * session, const gchar * alias, GError ** error)
{
  g_autoptr (GPtrArray) list = NULL;
  json_t *friends = NULL;
  gboolean ok = TRUE;
  guint i;

  if (session->client != NULL) {
    friends = get_friends (session, error);
    ok = friends != NULL
        && dao_account_observe_friends (session->contacts, friends, error)
        && session_save (session, error);
  }
  list = dao_contacts_list (session->contacts);
  for (i = 0; ok && i < list->len; i++)
    print_line (contact_line ("contact", session,
            g_ptr_array_index (list, i)));
  if (ok && friends != NULL)
    print_requests (friends);
  if (friends != NULL)
    json_decref (friends);
  return ok;
}
