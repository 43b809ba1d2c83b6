/* gst-dao: a relay that misbehaves: requests
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "lyingrelay-private.h"
#include "dao-json.h"

#include <string.h>

/* --- requests --- */

void
lying_relay_exchange_free (Exchange * exchange)
{
  g_object_unref (exchange->message);
  g_free (exchange->name);
  g_free (exchange->alias);
  g_free (exchange->uuid);
  g_free (exchange);
}

static void
answer (Exchange * exchange, guint status, const gchar * text, gsize length)
{
  soup_server_message_set_status (exchange->message, status, NULL);
  if (text)
    soup_server_message_set_response (exchange->message, "application/json",
        SOUP_MEMORY_COPY, text, length);
}

/* Which account a token is of is told by the login. */
static void
learn_token (Exchange * exchange, const gchar * text, gsize length)
{
  LyingRelay *relay = exchange->relay;
  json_t *root = json_loadb (text, length, 0, NULL);

  if (exchange->uuid && *lying_relay_member (root, "token"))
    g_hash_table_replace (relay->tokens, g_strdup (lying_relay_member (root, "token")),
        g_strdup (g_hash_table_lookup (relay->aliases, exchange->uuid)));
  json_decref (root);
}

static void
answer_edited (Exchange * exchange, guint status, const gchar * text,
    gsize length)
{
  const Lie *lie = exchange->lie;
  json_t *root = json_loadb (text, length, JSON_DECODE_ANY, NULL);
  gchar *out;

  lie->edit (root, lie->user_data);
  out = json_dumps (root, JSON_COMPACT | JSON_ENCODE_ANY);
  answer (exchange, status, out, strlen (out));
  free (out);
  json_decref (root);
}

static void
on_answer (GObject * source, GAsyncResult * result, gpointer user_data)
{
  Exchange *exchange = user_data;
  SoupSession *session = SOUP_SESSION (source);
  GBytes *body = soup_session_send_and_read_finish (session, result, NULL);
  SoupMessage *message = soup_session_get_async_result_message (session,
      result);
  guint status = soup_message_get_status (message);

  if (!body || status == 0) {
    answer (exchange, SOUP_STATUS_BAD_GATEWAY, NULL, 0);
  } else {
    gsize length;
    const gchar *text = g_bytes_get_data (body, &length);

    learn_token (exchange, text, length);
    if (exchange->lie && exchange->lie->kind == LIE_EDIT)
      answer_edited (exchange, status, text, length);
    else
      answer (exchange, status, text, length);
  }
  g_clear_pointer (&body, g_bytes_unref);
  soup_server_message_unpause (exchange->message);
  lying_relay_exchange_free (exchange);
}

void
lying_relay_forward (Exchange * exchange)
{
  static const gchar *const copied[] = { "Authorization", "Content-Type" };
  SoupMessageHeaders *from =
      soup_server_message_get_request_headers (exchange->message);
  SoupMessageBody *body =
      soup_server_message_get_request_body (exchange->message);
  gchar *url = lying_relay_upstream_url (exchange->relay,
      soup_server_message_get_uri (exchange->message));
  SoupMessage *up = soup_message_new (soup_server_message_get_method
      (exchange->message), url);
  GBytes *bytes = g_bytes_new (body->data, body->length);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (copied); i++) {
    const gchar *value = soup_message_headers_get_one (from, copied[i]);

    if (value)
      soup_message_headers_replace (soup_message_get_request_headers (up),
          copied[i], value);
  }
  if (body->length > 0)
    soup_message_set_request_body_from_bytes (up, "application/json", bytes);
  soup_session_send_and_read_async (exchange->relay->session, up,
      G_PRIORITY_DEFAULT, NULL, on_answer, exchange);
  g_bytes_unref (bytes);
  g_object_unref (up);
  g_free (url);
}

static const gchar *
alias_of_request (LyingRelay * relay, SoupServerMessage * message)
{
  const gchar *value = soup_message_headers_get_one
      (soup_server_message_get_request_headers (message), "Authorization");

  return value && g_str_has_prefix (value, "Bearer ") ?
      g_hash_table_lookup (relay->tokens, value + strlen ("Bearer ")) : NULL;
}

static Exchange *
exchange_new (LyingRelay * relay, SoupServerMessage * message,
    const gchar * path, GHashTable * query)
{
  SoupMessageBody *body = soup_server_message_get_request_body (message);
  json_t *root = body->length > 0 ?
      json_loadb (body->data, body->length, 0, NULL) : NULL;
  const gchar *uuid = dao_json_get_string (root, "user_uuid");
  Exchange *exchange = g_new0 (Exchange, 1);
  const gchar *alias;

  exchange->relay = relay;
  exchange->message = g_object_ref (message);
  exchange->name = g_strdup_printf ("%s %s",
      soup_server_message_get_method (message), path);
  exchange->uuid = g_strdup (uuid);
  alias = uuid ? g_hash_table_lookup (relay->aliases, uuid) :
      g_str_equal (path, "/ws") ? lying_relay_alias_of_query (relay, query) :
      alias_of_request (relay, message);
  exchange->alias = g_strdup (alias);
  json_decref (root);
  return exchange;
}

static void
note_request (Exchange * exchange)
{
  SoupMessageBody *body =
      soup_server_message_get_request_body (exchange->message);
  gchar *text = g_strndup (body->data ? body->data : "", body->length);

  lying_relay_write_down (exchange->relay, exchange->name, exchange->alias, text);
  exchange->lie = lying_relay_find_lie (exchange->relay, exchange->name,
      exchange->alias);
  g_free (text);
}

void
lying_relay_on_request (SoupServer * server, SoupServerMessage * message,
    const char *path, GHashTable * query, gpointer user_data)
{
  Exchange *exchange = exchange_new (user_data, message, path, query);
  const Lie *lie;

  note_request (exchange);
  lie = exchange->lie ? exchange->lie : NULL;
  if (lie && lie->kind == LIE_ANSWER) {
    answer (exchange, lie->status, lie->text,
        lie->text ? strlen (lie->text) : 0);
    lying_relay_exchange_free (exchange);
    return;
  }
  soup_server_message_pause (message);
  if (!lie || lie->kind == LIE_EDIT)
    lying_relay_forward (exchange);
  else if (lie->kind == LIE_DROP)
    lying_relay_exchange_free (exchange);
  else
    lying_relay_hold (exchange->relay, lie, exchange->alias, NULL, exchange);
}

/* The handshake of a WebSocket: honest, or refused. */
void
lying_relay_on_handshake (SoupServer * server, SoupServerMessage * message,
    const char *path, GHashTable * query, gpointer user_data)
{
  Exchange *exchange = exchange_new (user_data, message, path, query);

  note_request (exchange);
  if (exchange->lie)
    answer (exchange, exchange->lie->status, NULL, 0);
  else if (!exchange->alias)
    answer (exchange, SOUP_STATUS_UNAUTHORIZED, NULL, 0);
  lying_relay_exchange_free (exchange);
}

