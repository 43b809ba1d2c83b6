/* gst-dao: a relay that misbehaves: WebSockets and their frames
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "lyingrelay-private.h"

#define MAX_FRAME (1024 * 1024)

/* --- what goes on later --- */

static void send_up (LyingRelay * relay, const gchar * alias,
    const gchar * text);

void
lying_relay_go_on (Held * held)
{
  if (held->exchange)
    lying_relay_forward (held->exchange);
  else
    send_up (held->relay, held->alias, held->text);
  g_free (held->alias);
  g_free (held->text);
  g_free (held);
}

void
lying_relay_held_free (gpointer data)
{
  Held *held = data;

  g_clear_pointer (&held->exchange, lying_relay_exchange_free);
  g_free (held->alias);
  g_free (held->text);
  g_free (held);
}

static gboolean
on_later (gpointer held)
{
  lying_relay_go_on (held);
  return G_SOURCE_REMOVE;
}

void
lying_relay_hold (LyingRelay * relay, const Lie * lie, const gchar * alias,
    const gchar * text, Exchange * exchange)
{
  Held *held = g_new0 (Held, 1);
  GSource *source;

  held->relay = relay;
  held->alias = g_strdup (alias);
  held->text = g_strdup (text);
  held->exchange = exchange;
  if (lie->kind == LIE_HOLD) {
    g_queue_push_tail (&relay->held, held);
    return;
  }
  source = g_timeout_source_new (lie->ms);
  g_source_set_callback (source, on_later, held, NULL);
  g_source_attach (source, relay->context);
  g_source_unref (source);
}

/* --- frames --- */

static void
send_text (SoupWebsocketConnection * ws, const gchar * text)
{
  if (ws && soup_websocket_connection_get_state (ws) ==
      SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_send_text (ws, text);
}

static void
send_up (LyingRelay * relay, const gchar * alias, const gchar * text)
{
  Line *line = g_hash_table_lookup (relay->lines, alias);

  if (line && line->upstream)
    send_text (line->upstream, text);
  else if (line)
    g_queue_push_tail (&line->early, g_strdup (text));
}

void
lying_relay_send_down (LyingRelay * relay, const gchar * alias, const gchar * text)
{
  Line *line = g_hash_table_lookup (relay->lines, alias);

  if (line)
    send_text (line->client, text);
}

/* Past the real relay, which would put its own `from` on it. */
static void
relabel (LyingRelay * relay, const gchar * text, const gchar * members)
{
  json_t *frame = json_loads (text, 0, NULL);
  json_t *lies = json_loads (members, 0, NULL);
  gchar *out;

  g_assert_nonnull (lies);
  json_object_update (frame, lies);
  out = json_dumps (frame, JSON_COMPACT);
  lying_relay_send_down (relay, lying_relay_member (frame, "to"), out);
  free (out);
  json_decref (lies);
  json_decref (frame);
}

static void
rewrite (LyingRelay * relay, const Lie * lie, const gchar * alias,
    const gchar * text)
{
  gchar *other = lie->rewrite (text, lie->user_data);

  send_up (relay, alias, other);
  g_free (other);
}

static void
lie_about_frame (LyingRelay * relay, const Lie * lie, const gchar * alias,
    const gchar * text)
{
  switch (lie->kind) {
    case LIE_DROP:
      break;
    case LIE_HOLD:
    case LIE_DELAY:
      lying_relay_hold (relay, lie, alias, text, NULL);
      break;
    case LIE_REPEAT:
      send_up (relay, alias, text);
      send_up (relay, alias, text);
      break;
    case LIE_REWRITE:
      rewrite (relay, lie, alias, text);
      break;
    case LIE_RELABEL:
      relabel (relay, text, lie->text);
      break;
    default:
      g_error ("not a lie about frames");
  }
}

static void
on_client_frame (SoupWebsocketConnection * ws, gint type, GBytes * message,
    gpointer user_data)
{
  Line *line = user_data;
  gsize length;
  const gchar *data = g_bytes_get_data (message, &length);
  gchar *text = g_strndup (data, length);
  json_t *frame = json_loads (text, 0, NULL);
  const Lie *lie;

  lying_relay_write_down (line->relay, lying_relay_member (frame, "type"), line->alias, text);
  lie = lying_relay_find_lie (line->relay, lying_relay_member (frame, "type"), line->alias);
  if (lie)
    lie_about_frame (line->relay, lie, line->alias, text);
  else
    send_up (line->relay, line->alias, text);
  json_decref (frame);
  g_free (text);
}

static void
on_upstream_frame (SoupWebsocketConnection * ws, gint type, GBytes * message,
    gpointer user_data)
{
  Line *line = user_data;
  gsize length;
  const gchar *data = g_bytes_get_data (message, &length);
  gchar *text = g_strndup (data, length);

  send_text (line->client, text);
  g_free (text);
}

/* --- connections --- */

static void
drop_ws (SoupWebsocketConnection ** ws, Line * line)
{
  if (!*ws)
    return;
  g_signal_handlers_disconnect_by_data (*ws, line);
  g_io_stream_close (soup_websocket_connection_get_io_stream (*ws), NULL,
      NULL);
  g_clear_object (ws);
}

/* When one side is gone, so is the other. */
void
lying_relay_line_end (Line * line)
{
  LyingRelay *relay = line->relay;

  drop_ws (&line->client, line);
  drop_ws (&line->upstream, line);
  g_queue_clear_full (&line->early, g_free);
  g_mutex_lock (&relay->lock);
  if (g_hash_table_lookup (relay->lines, line->alias) == line)
    g_hash_table_remove (relay->lines, line->alias);
  g_cond_broadcast (&relay->changed);
  g_mutex_unlock (&relay->lock);
}

void
lying_relay_line_free (gpointer data)
{
  Line *line = data;

  g_free (line->alias);
  g_free (line);
}

static void
on_closed (SoupWebsocketConnection * ws, gpointer line)
{
  lying_relay_line_end (line);
}

static void
watch (SoupWebsocketConnection * ws, Line * line, gpointer on_frame)
{
  soup_websocket_connection_set_max_incoming_payload_size (ws, MAX_FRAME);
  g_signal_connect (ws, "message", G_CALLBACK (on_frame), line);
  g_signal_connect (ws, "closed", G_CALLBACK (on_closed), line);
}

static void
on_upstream (GObject * source, GAsyncResult * result, gpointer user_data)
{
  Line *line = user_data;
  SoupWebsocketConnection *ws = soup_session_websocket_connect_finish
      (SOUP_SESSION (source), result, NULL);
  gchar *text;

  if (!ws || !line->client) {
    g_clear_object (&ws);
    lying_relay_line_end (line);
    return;
  }
  line->upstream = ws;
  watch (ws, line, on_upstream_frame);
  while ((text = g_queue_pop_head (&line->early))) {
    send_text (ws, text);
    g_free (text);
  }
}

/* (transfer full): the same path and query at the real relay */
gchar *
lying_relay_upstream_url (LyingRelay * relay, GUri * uri)
{
  const gchar *query = g_uri_get_query (uri);

  return g_strconcat (relay->upstream, g_uri_get_path (uri),
      query ? "?" : NULL, query, NULL);
}

/* (transfer none) (nullable) */
const gchar *
lying_relay_alias_of_query (LyingRelay * relay, GHashTable * query)
{
  const gchar *uuid =
      query ? g_hash_table_lookup (query, "user_uuid") : NULL;

  return uuid ? g_hash_table_lookup (relay->aliases, uuid) : NULL;
}

void
lying_relay_on_websocket (SoupServer * server, SoupServerMessage * message,
    const char *path, SoupWebsocketConnection * ws, gpointer user_data)
{
  LyingRelay *relay = user_data;
  GUri *uri = soup_server_message_get_uri (message);
  GHashTable *query = g_uri_parse_params (g_uri_get_query (uri), -1, "&", 0,
      NULL);
  gchar *url = lying_relay_upstream_url (relay, uri);
  SoupMessage *up = soup_message_new ("GET", url);
  Line *line = g_new0 (Line, 1);

  line->relay = relay;
  line->alias = g_strdup (lying_relay_alias_of_query (relay, query));
  line->client = g_object_ref (ws);
  g_ptr_array_add (relay->all_lines, line);
  watch (ws, line, on_client_frame);
  g_mutex_lock (&relay->lock);
  g_hash_table_replace (relay->lines, line->alias, line);
  g_cond_broadcast (&relay->changed);
  g_mutex_unlock (&relay->lock);
  soup_session_websocket_connect_async (relay->session, up, NULL, NULL,
      G_PRIORITY_DEFAULT, NULL, on_upstream, line);
  g_object_unref (up);
  g_free (url);
  g_hash_table_unref (query);
}

