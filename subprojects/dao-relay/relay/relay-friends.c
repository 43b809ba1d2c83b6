/* gst-dao: the relay's HTTP API: friends
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * protocol.md section c, endpoints 6 to 9. A friendship is asked for by one
 * account and answered by the other; two accounts have at most one.
 */
#include "relay-api-private.h"

#include "dao-json.h"

#include <string.h>

static const gchar *const status_names[] =
    { "pending", "accepted", "rejected" };

typedef struct
{
  json_t *list;
  gint64 account;
} ListContext;

static void
append_friend (const RelayFriendship * friendship, const RelayAccount * peer,
    gpointer user_data)
{
  ListContext *context = user_data;
  g_autofree gchar *created = relay_time_text (friendship->created_s);

  json_array_append_new (context->list,
      json_pack ("{s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}",
          "friendship_id", (json_int_t) friendship->id,
          "alias_id", peer->alias, "nickname", peer->nickname,
          "status", status_names[friendship->status],
          "direction", friendship->requester == context->account ?
          "sent" : "received",
          "conversation_id", friendship->conversation_id,
          "x25519_public_key", peer->x25519,
          "ed25519_public_key", peer->ed25519, "created_at", created));
}

void
relay_friends_list (RelayApi * api, const RelayCall * call,
    RelayResponse * response)
{
  ListContext context = { json_array (), call->account.id };
  g_autoptr (GError) error = NULL;

  if (api->store->each_friendship (api->store, call->account.id,
          append_friend, &context, &error)) {
    relay_response_json (response, 200, context.list);
    return;
  }
  json_decref (context.list);
  relay_response_store_failed (response, error);
}

static void
answer_id (RelayResponse * response, const RelayFriendship * friendship)
{
  relay_response_json (response, 200, json_pack ("{s:I}", "friendship_id",
          (json_int_t) friendship->id));
}

static gboolean
lists_have_room (RelayApi * api, gint64 a, gint64 b)
{
  gint64 n_a = 0, n_b = 0;

  return api->store->count_friendships (api->store, a, &n_a, NULL)
      && api->store->count_friendships (api->store, b, &n_b, NULL)
      && MAX (n_a, n_b) < RELAY_MAX_FRIENDSHIPS;
}

/* @friendship is new or one the caller itself had rejected. */
static void
put_request (RelayApi * api, const RelayCall * call,
    RelayFriendship * friendship, gint64 peer, RelayResponse * response)
{
  g_autoptr (GError) error = NULL;

  if (friendship->id == 0
      && !lists_have_room (api, call->account.id, peer)) {
    relay_response_error (response, 409, "too many friends");
    return;
  }
  friendship->requester = call->account.id;
  friendship->recipient = peer;
  friendship->status = RELAY_PENDING;
  friendship->created_s = call->request->now_s;
  if (!api->store->put_friendship (api->store, friendship, &error)) {
    relay_response_store_failed (response, error);
    return;
  }
  relay_hub_notify (api->hub, peer, "friend_request", call->account.alias,
      call->request->now_us);
  answer_id (response, friendship);
}

static gboolean
find_peer (RelayApi * api, const RelayCall * call, RelayAccount * peer,
    RelayResponse * response)
{
  json_t *body = relay_request_object (call->request, response);
  const gchar *alias;
  gboolean found = FALSE;

  if (!body)
    return FALSE;
  alias = dao_json_get_string (body, "to_alias_id");
  if (!alias || !relay_alias_is_valid (alias, strlen (alias)))
    relay_response_error (response, 400, "to_alias_id is not an alias");
  else if (strcmp (alias, call->account.alias) == 0)
    relay_response_error (response, 400, "that is you");
  else if (!api->store->find_account (api->store, RELAY_BY_ALIAS, alias, peer,
          NULL))
    relay_response_error (response, 404, "no such user");
  else
    found = TRUE;
  json_decref (body);
  return found;
}

void
relay_friends_request (RelayApi * api, const RelayCall * call,
    RelayResponse * response)
{
  g_auto (RelayAccount) peer = { 0 };
  g_auto (RelayFriendship) friendship = { 0 };

  if (!relay_limiter_take (api->friend_requests, call->account.alias,
          call->request->now_us)) {
    relay_response_error (response, 429, "too many friend requests");
    return;
  }
  if (!find_peer (api, call, &peer, response))
    return;
  /* Asking again changes nothing: not a pending or accepted friendship, nor the other's rejection. */
  if (api->store->find_friendship (api->store, call->account.id, peer.id,
          &friendship, NULL)
      && !(friendship.status == RELAY_REJECTED
          && friendship.recipient == call->account.id))
    answer_id (response, &friendship);
  else
    put_request (api, call, &friendship, peer.id, response);
}

/* The friendship of the path if the caller is the one who was asked; what is none of his business does not exist. */
static gboolean
find_received (RelayApi * api, const RelayCall * call,
    RelayFriendship * friendship, RelayResponse * response)
{
  guint64 id;

  if (!g_ascii_string_to_unsigned (call->argument, 10, 1, G_MAXINT64, &id,
          NULL)
      || !api->store->get_friendship (api->store, (gint64) id, friendship,
          NULL)
      || (friendship->requester != call->account.id
          && friendship->recipient != call->account.id)) {
    relay_response_error (response, 404, "no such friend request");
    return FALSE;
  }
  if (friendship->recipient != call->account.id) {
    relay_response_error (response, 403, "only who was asked can answer");
    return FALSE;
  }
  return TRUE;
}

void
relay_friends_accept (RelayApi * api, const RelayCall * call,
    RelayResponse * response)
{
  g_auto (RelayFriendship) friendship = { 0 };
  g_autoptr (GError) error = NULL;

  if (!find_received (api, call, &friendship, response))
    return;
  if (friendship.status != RELAY_ACCEPTED) {
    g_autofree gchar *uuid = relay_uuid_new ();

    friendship.status = RELAY_ACCEPTED;
    g_free (friendship.conversation_id);
    friendship.conversation_id = g_strconcat ("conv_", uuid, NULL);
    if (!api->store->put_friendship (api->store, &friendship, &error)) {
      relay_response_store_failed (response, error);
      return;
    }
    relay_hub_notify (api->hub, friendship.requester, "friend_accepted",
        call->account.alias, call->request->now_us);
  }
  relay_response_json (response, 200, json_pack ("{s:s}", "conversation_id",
          friendship.conversation_id));
}

void
relay_friends_reject (RelayApi * api, const RelayCall * call,
    RelayResponse * response)
{
  g_auto (RelayFriendship) friendship = { 0 };
  g_autoptr (GError) error = NULL;

  if (!find_received (api, call, &friendship, response))
    return;
  if (friendship.status == RELAY_ACCEPTED) {
    relay_response_error (response, 409, "already accepted");
    return;
  }
  friendship.status = RELAY_REJECTED;
  if (!api->store->put_friendship (api->store, &friendship, &error))
    relay_response_store_failed (response, error);
  else
    relay_response_json (response, 200, json_object ());
}
