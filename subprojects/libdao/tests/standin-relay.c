/* gst-dao: a relay small enough to misbehave on demand
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "standin-relay.h"
#include "dao-encoding.h"
#include "dao-relay-client.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

typedef struct
{
  guint remaining;              /* 0 = for ever */
  gboolean forever;
  guint status;
  gchar *body;
} Override;

static void
override_free (gpointer data)
{
  Override *override = data;

  g_free (override->body);
  g_free (override);
}

static gchar *
random_text (guint bytes)
{
  g_autofree guint8 *data = g_malloc (bytes);

  randombytes_buf (data, bytes);
  return dao_hex_encode (data, bytes);
}

/* --- users --- */

static json_t *
user_by_alias (Standin * standin, const gchar * alias)
{
  GHashTableIter iter;
  gpointer user;

  g_hash_table_iter_init (&iter, standin->users);
  while (g_hash_table_iter_next (&iter, NULL, &user)) {
    if (g_strcmp0 (json_string_value (json_object_get (user, "alias_id")),
            alias) == 0)
      return user;
  }
  return NULL;
}

static json_t *
user_by_key (Standin * standin, const gchar * ed25519)
{
  GHashTableIter iter;
  gpointer user;

  g_hash_table_iter_init (&iter, standin->users);
  while (g_hash_table_iter_next (&iter, NULL, &user)) {
    if (g_strcmp0 (json_string_value (json_object_get (user,
                    "ed25519_public_key")), ed25519) == 0)
      return user;
  }
  return NULL;
}

static const gchar *
member (json_t * object, const gchar * name)
{
  const gchar *text = json_string_value (json_object_get (object, name));

  return text != NULL ? text : "";
}

static json_t *
add_user (Standin * standin, const gchar * alias, const gchar * nickname,
    const gchar * ed25519, const gchar * x25519)
{
  g_autofree gchar *uuid = g_uuid_string_random ();
  json_t *user = json_pack ("{s:s, s:s, s:s, s:s, s:s}", "uuid", uuid,
      "alias_id", alias, "nickname", nickname, "ed25519_public_key", ed25519,
      "x25519_public_key", x25519);

  g_hash_table_insert (standin->users, g_strdup (uuid), user);
  return user;
}

const gchar *
standin_add_user (Standin * standin, const gchar * alias,
    const guint8 * ed25519, const guint8 * x25519)
{
  g_autofree gchar *e = dao_base64_encode (ed25519, 32);
  g_autofree gchar *x = dao_base64_encode (x25519, 32);

  return member (add_user (standin, alias, alias, e, x), "uuid");
}

void
standin_set_key (Standin * standin, const gchar * alias, const gchar * name,
    const guint8 * key)
{
  g_autofree gchar *text = dao_base64_encode (key, 32);

  json_object_set_new (user_by_alias (standin, alias), name,
      json_string (text));
}

void
standin_befriend (Standin * standin, const gchar * alias_a,
    const gchar * alias_b, const gchar * conversation_id)
{
  json_array_append_new (standin->friendships,
      json_pack ("{s:i, s:s, s:s, s:s, s:s}", "id",
          (int) json_array_size (standin->friendships) + 1, "from",
          member (user_by_alias (standin, alias_a), "uuid"), "to",
          member (user_by_alias (standin, alias_b), "uuid"), "status",
          "accepted", "conversation_id", conversation_id));
}

/* --- endpoints: each returns the answer and sets the status --- */

typedef struct
{
  Standin *standin;
  const gchar *path;
  json_t *body;
  const gchar *uuid;            /* of the token; NULL = none or a bad one */
  guint status;
} Exchange;

typedef json_t *(*Endpoint) (Exchange * exchange);

static json_t *
problem (Exchange * exchange, guint status, const gchar * text)
{
  exchange->status = status;
  return json_pack ("{s:s}", "error", text);
}

static json_t *
pow_challenge (Exchange * exchange)
{
  Standin *standin = exchange->standin;
  g_autofree gchar *challenge = random_text (16);

  g_hash_table_replace (standin->challenges, g_strdup (challenge),
      g_strdup ("pow"));
  return json_pack ("{s:s, s:i, s:i}", "challenge_string", challenge,
      "difficulty", (int) standin->difficulty, "expires_in", 300);
}

static gboolean
pow_is_solved (Standin * standin, const gchar * nonce)
{
  GHashTableIter iter;
  gpointer challenge, kind;

  g_hash_table_iter_init (&iter, standin->challenges);
  while (g_hash_table_iter_next (&iter, &challenge, &kind)) {
    if (g_str_equal (kind, "pow")
        && dao_pow_check (challenge, standin->difficulty, nonce)) {
      g_hash_table_iter_remove (&iter);
      return TRUE;
    }
  }
  return FALSE;
}

static json_t *
register_user (Exchange * exchange)
{
  Standin *standin = exchange->standin;
  const gchar *ed25519 = member (exchange->body, "ed25519_public_key");
  g_autofree gchar *alias = NULL;
  json_t *user;

  if (!pow_is_solved (standin, member (exchange->body, "pow_nonce")))
    return problem (exchange, 400, "bad proof of work");
  user = user_by_key (standin, ed25519);
  if (user != NULL) {
    exchange->status = 409;
    return json_pack ("{s:s, s:s, s:s}", "error", "exists", "uuid",
        member (user, "uuid"), "alias_id", member (user, "alias_id"));
  }
  alias = g_strdup_printf ("u%08u",
      10000001 + g_hash_table_size (standin->users));
  user = add_user (standin, alias, member (exchange->body, "nickname"),
      ed25519, member (exchange->body, "x25519_public_key"));
  exchange->status = 201;
  return json_pack ("{s:s, s:s}", "uuid", member (user, "uuid"), "alias_id",
      alias);
}

static json_t *
auth_challenge (Exchange * exchange)
{
  Standin *standin = exchange->standin;
  g_autofree gchar *challenge = standin->challenge != NULL ?
      g_strdup (standin->challenge) : random_text (32);
  const gchar *uuid = member (exchange->body, "user_uuid");

  if (!g_hash_table_contains (standin->users, uuid))
    return problem (exchange, 404, "no such user");
  g_hash_table_replace (standin->challenges, g_strdup (challenge),
      g_strdup (uuid));
  return json_pack ("{s:s, s:s}", "challenge", challenge, "expires_at",
      "2099-01-01T00:00:00Z");
}

static gboolean
signature_is_good (json_t * user, const gchar * challenge,
    const gchar * signature)
{
  guint8 key[32], bytes[64];

  return dao_base64_decode_exact (member (user, "ed25519_public_key"), key, 32)
      && dao_base64_decode_exact (signature, bytes, 64)
      && crypto_sign_verify_detached (bytes, (const guint8 *) challenge,
      strlen (challenge), key) == 0;
}

static gboolean
belongs_to (gpointer token, gpointer uuid, gpointer wanted)
{
  return g_str_equal (uuid, wanted);
}

static json_t *
auth_verify (Exchange * exchange)
{
  Standin *standin = exchange->standin;
  const gchar *uuid = member (exchange->body, "user_uuid");
  const gchar *challenge = member (exchange->body, "challenge");
  g_autofree gchar *token = NULL;

  if (g_strcmp0 (g_hash_table_lookup (standin->challenges, challenge),
          uuid) != 0
      || !signature_is_good (g_hash_table_lookup (standin->users, uuid),
          challenge, member (exchange->body, "signature")))
    return problem (exchange, 401, "bad signature");
  g_hash_table_remove (standin->challenges, challenge);
  g_hash_table_foreach_remove (standin->tokens, belongs_to, (gpointer) uuid);
  token = random_text (24);
  g_hash_table_replace (standin->tokens, g_strdup (token), g_strdup (uuid));
  return json_pack ("{s:s, s:i}", "token", token, "expires_in", 86400);
}

static json_t *
ws_ticket (Exchange * exchange)
{
  /* Characters that must be escaped in a URL: protocol.md c.2, 6 asks relays not to, clients must cope. */
  g_autofree gchar *random = random_text (16);
  g_autofree gchar *ticket = g_strconcat (random, "+/=&", NULL);

  g_hash_table_replace (exchange->standin->tickets, g_strdup (ticket),
      g_strdup (exchange->uuid));
  return json_pack ("{s:s}", "ticket", ticket);
}

static json_t *
get_user (Exchange * exchange)
{
  json_t *user = user_by_alias (exchange->standin,
      exchange->path + strlen ("/api/v1/users/"));

  if (user == NULL)
    return problem (exchange, 404, "no such user");
  return json_pack ("{s:s, s:s, s:s, s:s}", "alias_id",
      member (user, "alias_id"), "nickname", member (user, "nickname"),
      "x25519_public_key", member (user, "x25519_public_key"),
      "ed25519_public_key", member (user, "ed25519_public_key"));
}

static json_t *
get_friends (Exchange * exchange)
{
  json_t *list = json_array (), *friendship;
  gsize i;

  json_array_foreach (exchange->standin->friendships, i, friendship) {
    gboolean sent = g_str_equal (member (friendship, "from"), exchange->uuid);
    json_t *other;

    if (!sent && !g_str_equal (member (friendship, "to"), exchange->uuid))
      continue;
    other = g_hash_table_lookup (exchange->standin->users,
        member (friendship, sent ? "to" : "from"));
    json_array_append_new (list,
        json_pack ("{s:O, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
            "friendship_id", json_object_get (friendship, "id"), "alias_id",
            member (other, "alias_id"), "nickname", member (other, "nickname"),
            "status", member (friendship, "status"), "direction",
            sent ? "sent" : "received", "conversation_id",
            member (friendship, "conversation_id"), "x25519_public_key",
            member (other, "x25519_public_key"), "ed25519_public_key",
            member (other, "ed25519_public_key"), "created_at",
            "2026-01-01T00:00:00Z"));
  }
  return list;
}

static json_t *
request_friend (Exchange * exchange)
{
  Standin *standin = exchange->standin;
  json_t *to = user_by_alias (standin, member (exchange->body, "to_alias_id"));

  if (to == NULL)
    return problem (exchange, 404, "no such user");
  json_array_append_new (standin->friendships,
      json_pack ("{s:i, s:s, s:s, s:s, s:s}", "id",
          (int) json_array_size (standin->friendships) + 1, "from",
          exchange->uuid, "to", member (to, "uuid"), "status", "pending",
          "conversation_id", ""));
  return json_pack ("{s:i}", "friendship_id",
      (int) json_array_size (standin->friendships));
}

static json_t *
accept_friend (Exchange * exchange)
{
  guint id = (guint) strtoul (exchange->path + strlen ("/api/v1/friends/"),
      NULL, 10);
  json_t *friendship = json_array_get (exchange->standin->friendships, id - 1);
  g_autofree gchar *conversation = NULL;

  if (friendship == NULL
      || !g_str_equal (member (friendship, "to"), exchange->uuid)
      || !g_str_has_suffix (exchange->path, "/accept"))
    return problem (exchange, 404, "no such friendship");
  conversation = g_strdup_printf ("conv_%u", id);
  json_object_set_new (friendship, "status", json_string ("accepted"));
  json_object_set_new (friendship, "conversation_id",
      json_string (conversation));
  return json_pack ("{s:s}", "conversation_id", conversation);
}

static json_t *
ice_config (Exchange * exchange)
{
  return json_loads (exchange->standin->ice_config, 0, NULL);
}

static const struct
{
  const gchar *name;
  gboolean prefix;
  gboolean needs_token;
  Endpoint run;
} endpoints[] = {
  {"POST /api/v1/pow/challenge", FALSE, FALSE, pow_challenge},
  {"POST /api/v1/register", FALSE, FALSE, register_user},
  {"POST /api/v1/auth/challenge", FALSE, FALSE, auth_challenge},
  {"POST /api/v1/auth/verify", FALSE, FALSE, auth_verify},
  {"POST /api/v1/ws/ticket", FALSE, TRUE, ws_ticket},
  {"GET /api/v1/users/", TRUE, TRUE, get_user},
  {"GET /api/v1/friends", FALSE, TRUE, get_friends},
  {"POST /api/v1/friends/request", FALSE, TRUE, request_friend},
  {"PUT /api/v1/friends/", TRUE, TRUE, accept_friend},
  {"GET /api/v1/calls/ice-config", FALSE, TRUE, ice_config},
};

/* --- HTTP --- */

static const gchar *
uuid_of_token (Standin * standin, SoupServerMessage * message)
{
  const gchar *value =
      soup_message_headers_get_one (soup_server_message_get_request_headers
      (message), "Authorization");

  if (value == NULL || !g_str_has_prefix (value, "Bearer "))
    return NULL;
  return g_hash_table_lookup (standin->tokens, value + strlen ("Bearer "));
}

static json_t *
run_endpoint (Exchange * exchange, const gchar * name)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (endpoints); i++) {
    if (endpoints[i].prefix ? !g_str_has_prefix (name, endpoints[i].name) :
        !g_str_equal (name, endpoints[i].name))
      continue;
    if (endpoints[i].needs_token && exchange->uuid == NULL)
      return problem (exchange, 401, "token");
    return endpoints[i].run (exchange);
  }
  return problem (exchange, 404, "no such endpoint");
}

static gboolean
run_override (Standin * standin, const gchar * name,
    SoupServerMessage * message)
{
  Override *override = g_hash_table_lookup (standin->overrides, name);

  if (override == NULL || (!override->forever && override->remaining == 0))
    return FALSE;
  if (!override->forever)
    override->remaining--;
  soup_server_message_set_status (message, override->status, NULL);
  /* A redirect leads somewhere that would answer. */
  if (override->status >= 300 && override->status < 400)
    soup_message_headers_replace (soup_server_message_get_response_headers
        (message), "Location", "/api/v1/calls/ice-config");
  if (override->body != NULL)
    soup_server_message_set_response (message, "application/json",
        SOUP_MEMORY_COPY, override->body, strlen (override->body));
  return TRUE;
}

static void
count (Standin * standin, const gchar * name)
{
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (standin->counts, name));

  g_hash_table_replace (standin->counts, g_strdup (name),
      GUINT_TO_POINTER (n + 1));
}

static void
on_request (SoupServer * server, SoupServerMessage * message,
    const char *path, GHashTable * query, gpointer user_data)
{
  Standin *standin = user_data;
  g_autofree gchar *name = g_strdup_printf ("%s %s",
      soup_server_message_get_method (message), path);
  SoupMessageBody *body = soup_server_message_get_request_body (message);
  Exchange exchange = { standin, path, NULL, NULL, 200 };
  json_t *answer;
  gchar *text;

  g_ptr_array_add (standin->urls,
      g_uri_to_string (soup_server_message_get_uri (message)));
  count (standin, name);
  if (run_override (standin, name, message))
    return;
  exchange.body = body->length > 0 ? json_loadb (body->data, body->length, 0,
      NULL) : json_null ();
  exchange.uuid = uuid_of_token (standin, message);
  answer = run_endpoint (&exchange, name);
  text = json_dumps (answer, JSON_COMPACT | JSON_ENCODE_ANY);
  soup_server_message_set_status (message, exchange.status, NULL);
  soup_server_message_set_response (message, "application/json",
      SOUP_MEMORY_COPY, text, strlen (text));
  free (text);
  json_decref (answer);
  json_decref (exchange.body);
}

/* --- WebSocket --- */

static void
on_early_ws (SoupServer * server, SoupServerMessage * message,
    const char *path, GHashTable * query, gpointer user_data)
{
  Standin *standin = user_data;
  const gchar *ticket = query ? g_hash_table_lookup (query, "ticket") : NULL;
  const gchar *uuid = query ? g_hash_table_lookup (query, "user_uuid") : NULL;
  SoupMessageHeaders *headers =
      soup_server_message_get_request_headers (message);

  g_ptr_array_add (standin->urls,
      g_uri_to_string (soup_server_message_get_uri (message)));
  if (soup_message_headers_get_one (headers, "Sec-WebSocket-Extensions"))
    standin->n_deflate++;
  if (ticket == NULL || uuid == NULL
      || g_strcmp0 (g_hash_table_lookup (standin->tickets, ticket),
          uuid) != 0) {
    standin->n_bad_tickets++;
    soup_server_message_set_status (message, 401, NULL);
    return;
  }
  g_hash_table_remove (standin->tickets, ticket);
}

static gpointer
uuid_of_socket (Standin * standin, SoupWebsocketConnection * ws)
{
  GHashTableIter iter;
  gpointer uuid, value;

  g_hash_table_iter_init (&iter, standin->sockets);
  while (g_hash_table_iter_next (&iter, &uuid, &value)) {
    if (value == ws)
      return uuid;
  }
  return NULL;
}

static void
forward (Standin * standin, SoupWebsocketConnection * ws, json_t * frame)
{
  const gchar *uuid = uuid_of_socket (standin, ws);
  json_t *sender = uuid ? g_hash_table_lookup (standin->users, uuid) : NULL;
  gchar *text;

  if (sender == NULL || !g_str_has_prefix (member (frame, "type"), "call_")
      || user_by_alias (standin, member (frame, "to")) == NULL)
    return;
  json_object_set_new (frame, "from",
      json_string (member (sender, "alias_id")));
  text = json_dumps (frame, JSON_COMPACT);
  if (standin_is_connected (standin, member (frame, "to")))
    standin_push (standin, member (frame, "to"), text);
  free (text);
}

static void
on_ws_message (SoupWebsocketConnection * ws, gint type, GBytes * message,
    gpointer user_data)
{
  Standin *standin = user_data;
  gsize length;
  const gchar *text = g_bytes_get_data (message, &length);
  json_t *frame = json_loadb (text, length, 0, NULL);

  g_assert_cmpint (type, ==, SOUP_WEBSOCKET_DATA_TEXT);
  g_ptr_array_add (standin->frames, g_strndup (text, length));
  if (g_str_equal (member (frame, "type"), "ping") && !standin->silent)
    soup_websocket_connection_send_text (ws, "{\"type\":\"pong\"}");
  forward (standin, ws, frame);
  json_decref (frame);
}

static void
on_ws_closed (SoupWebsocketConnection * ws, gpointer user_data)
{
  Standin *standin = user_data;
  gpointer uuid = uuid_of_socket (standin, ws);

  if (uuid != NULL)
    g_hash_table_remove (standin->sockets, uuid);
}

static void
on_ws (SoupServer * server, SoupServerMessage * message, const char *path,
    SoupWebsocketConnection * ws, gpointer user_data)
{
  Standin *standin = user_data;
  g_autoptr (GHashTable) query =
      g_uri_parse_params (g_uri_get_query (soup_server_message_get_uri
          (message)), -1, "&", 0, NULL);
  const gchar *uuid = g_hash_table_lookup (query, "user_uuid");

  standin->n_opened++;
  soup_websocket_connection_set_max_incoming_payload_size (ws, 1024 * 1024);
  g_signal_connect (ws, "message", G_CALLBACK (on_ws_message), standin);
  g_signal_connect (ws, "closed", G_CALLBACK (on_ws_closed), standin);
  g_hash_table_replace (standin->sockets, g_strdup (uuid), g_object_ref (ws));
}

static SoupWebsocketConnection *
socket_of (Standin * standin, const gchar * alias)
{
  json_t *user = user_by_alias (standin, alias);

  return user ? g_hash_table_lookup (standin->sockets,
      member (user, "uuid")) : NULL;
}

gboolean
standin_is_connected (Standin * standin, const gchar * alias)
{
  return socket_of (standin, alias) != NULL;
}

void
standin_push (Standin * standin, const gchar * alias, const gchar * text)
{
  SoupWebsocketConnection *ws = socket_of (standin, alias);

  g_assert_nonnull (ws);
  soup_websocket_connection_send_text (ws, text);
}

void
standin_close_socket (Standin * standin, const gchar * alias)
{
  SoupWebsocketConnection *ws = socket_of (standin, alias);

  g_assert_nonnull (ws);
  soup_websocket_connection_close (ws, SOUP_WEBSOCKET_CLOSE_GOING_AWAY, NULL);
}

void
standin_revoke_tokens (Standin * standin)
{
  g_hash_table_remove_all (standin->tokens);
}

json_t *
standin_last_frame (Standin * standin, const gchar * type)
{
  guint i;

  for (i = standin->frames->len; i-- > 0;) {
    json_t *frame = json_loads (g_ptr_array_index (standin->frames, i), 0,
        NULL);

    if (g_str_equal (member (frame, "type"), type))
      return frame;
    json_decref (frame);
  }
  return NULL;
}

guint
standin_count_frames (Standin * standin, const gchar * type)
{
  guint i, n = 0;

  for (i = 0; i < standin->frames->len; i++) {
    json_t *frame = json_loads (g_ptr_array_index (standin->frames, i), 0,
        NULL);

    n += g_str_equal (member (frame, "type"), type);
    json_decref (frame);
  }
  return n;
}

/* --- life --- */

void
standin_override (Standin * standin, const gchar * method_and_path,
    guint times, guint status, const gchar * body)
{
  Override *override = g_new0 (Override, 1);

  override->remaining = times;
  override->forever = times == 0;
  override->status = status;
  override->body = g_strdup (body);
  g_hash_table_replace (standin->overrides, g_strdup (method_and_path),
      override);
}

void
standin_restore (Standin * standin, const gchar * method_and_path)
{
  g_hash_table_remove (standin->overrides, method_and_path);
}

guint
standin_count (Standin * standin, const gchar * method_and_path)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (standin->counts,
          method_and_path));
}

static GHashTable *
string_table (GDestroyNotify free_value)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_value);
}

Standin *
standin_new (void)
{
  Standin *standin = g_new0 (Standin, 1);
  g_autoptr (GError) error = NULL;
  GSList *uris;

  standin->difficulty = 3;
  standin->ice_config = g_strdup ("{\"ttl\":600,\"ice_transport_policy\":"
      "\"all\",\"ice_servers\":[{\"urls\":[\"stun:127.0.0.1:3478\"]}]}");
  standin->users = string_table ((GDestroyNotify) json_decref);
  standin->challenges = string_table (g_free);
  standin->tokens = string_table (g_free);
  standin->tickets = string_table (g_free);
  standin->sockets = string_table (g_object_unref);
  standin->overrides = string_table (override_free);
  standin->counts = string_table (NULL);
  standin->friendships = json_array ();
  standin->urls = g_ptr_array_new_with_free_func (g_free);
  standin->frames = g_ptr_array_new_with_free_func (g_free);

  standin->server = soup_server_new (NULL, NULL);
  soup_server_add_early_handler (standin->server, "/ws", on_early_ws, standin,
      NULL);
  soup_server_add_websocket_handler (standin->server, "/ws", NULL, NULL,
      on_ws, standin, NULL);
  soup_server_add_handler (standin->server, "/api", on_request, standin, NULL);
  soup_server_listen_local (standin->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY,
      &error);
  g_assert_no_error (error);
  uris = soup_server_get_uris (standin->server);
  standin->url = g_strdup_printf ("http://127.0.0.1:%d",
      g_uri_get_port (uris->data));
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
  return standin;
}

static void
drop_socket (gpointer uuid, gpointer ws, gpointer standin)
{
  g_signal_handlers_disconnect_by_data (ws, standin);
}

void
standin_free (Standin * standin)
{
  g_hash_table_foreach (standin->sockets, drop_socket, standin);
  soup_server_disconnect (standin->server);
  g_object_unref (standin->server);
  g_hash_table_unref (standin->users);
  g_hash_table_unref (standin->challenges);
  g_hash_table_unref (standin->tokens);
  g_hash_table_unref (standin->tickets);
  g_hash_table_unref (standin->sockets);
  g_hash_table_unref (standin->overrides);
  g_hash_table_unref (standin->counts);
  json_decref (standin->friendships);
  g_ptr_array_unref (standin->urls);
  g_ptr_array_unref (standin->frames);
  g_free (standin->challenge);
  g_free (standin->ice_config);
  g_free (standin->url);
  g_free (standin);
}

/* --- waiting --- */

static gboolean
on_watchdog (gpointer user_data)
{
  StandinWait *wait = user_data;

  wait->expired = TRUE;
  return G_SOURCE_REMOVE;
}

void
standin_wait_begin (StandinWait * wait)
{
  wait->expired = FALSE;
  wait->watchdog = g_timeout_source_new_seconds (20);
  g_source_set_callback (wait->watchdog, on_watchdog, wait, NULL);
  g_source_attach (wait->watchdog, NULL);
}

void
standin_wait_end (StandinWait * wait)
{
  g_source_destroy (wait->watchdog);
  g_source_unref (wait->watchdog);
}

void
standin_settle (void)
{
  while (g_main_context_iteration (NULL, FALSE));
}
