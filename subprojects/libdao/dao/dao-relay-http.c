/* gst-dao: one bounded HTTP request, JSON in and out
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * protocol.md c. Bounded in time (the whole request, not only each read), in size
 * and in where it may go: redirects are not followed, since they would carry the token
 * along. libsoup bounds the headers of an answer (64 KB) in HTTP/1.1, not in HTTP/2, which we therefore do not speak.
 */
#include "dao-relay-private.h"
#include "dao-json.h"

#include <sodium.h>
#include <string.h>

/* The largest answer is the friends list: 400 bytes an entry, 2,000 friends. */
#define MAX_ANSWER (1024 * 1024)
#define READ_CHUNK (16 * 1024)
/* 1xx answers before the real one (RFC 9110, 15.2): libsoup reads any number of them, in one go. */
#define MAX_INTERIM 8
/* What we repeat of an `error` text the relay sent. */
#define MAX_ERROR_TEXT 200

typedef struct
{
  SoupMessage *message;
  GByteArray *body;
  GInputStream *stream;
  GCancellable *cancellable;    /* ours: of the caller and of the deadline */
  GCancellable *outer;
  gulong outer_id;
  GSource *deadline;
  gboolean timed_out;
  gboolean aborted;
  DaoRelayClient *client;       /* (nullable): has us in its list */
  guint interim;
} Request;

_Thread_local guint dao_relay_n_pending;

static void
request_free (Request * request)
{
  dao_relay_n_pending--;
  if (request->client != NULL)
    g_queue_remove (&request->client->requests, request);
  g_clear_object (&request->client);
  if (request->outer != NULL) {
    g_cancellable_disconnect (request->outer, request->outer_id);
    g_object_unref (request->outer);
  }
  if (request->deadline != NULL) {
    g_source_destroy (request->deadline);
    g_source_unref (request->deadline);
  }
  if (request->body != NULL) {
    if (request->body->len > 0)
      sodium_memzero (request->body->data, request->body->len);
    g_byte_array_unref (request->body);
  }
  g_clear_object (&request->stream);
  if (request->message != NULL)
    g_signal_handlers_disconnect_by_data (request->message, request);
  g_clear_object (&request->message);
  g_clear_object (&request->cancellable);
  g_free (request);
}

void
dao_relay_answer_free (DaoRelayAnswer * answer)
{
  if (answer == NULL)
    return;
  json_decref (answer->json);
  g_free (answer);
}

gboolean
dao_relay_answer_is_success (DaoRelayAnswer * answer)
{
  return answer->status >= 200 && answer->status < 300;
}

/* The relay's words may reach a terminal or a log: printable ASCII, one line, bounded. */
static gchar *
printable (const gchar * text)
{
  GString *out = g_string_new (NULL);
  const gchar *p;

  for (p = text; *p != '\0' && out->len < MAX_ERROR_TEXT; p++)
    g_string_append_c (out, g_ascii_isprint (*p) ? *p : '?');
  return g_string_free (out, FALSE);
}

GError *
dao_relay_answer_to_error (DaoRelayAnswer * answer)
{
  const gchar *text = dao_json_get_string (answer->json, "error");
  g_autofree gchar *clean = printable (text != NULL ? text : "no reason given");

  return g_error_new (DAO_RELAY_ERROR, DAO_RELAY_ERROR_HTTP, "HTTP %u: %s",
      answer->status, clean);
}

guint
dao_relay_error_get_status (const GError * error)
{
  if (!g_error_matches (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_HTTP)
      || !g_str_has_prefix (error->message, "HTTP "))
    return 0;
  return (guint) g_ascii_strtoull (error->message + 5, NULL, 10);
}

/* libsoup's, GIO's and TLS errors become one of ours with the host in it; a cancelled
 * request stays cancelled. */
static void
return_failure (GTask * task, GError * error)
{
  Request *request = g_task_get_task_data (task);
  DaoRelayClient *client = g_task_get_source_object (task);

  if (request->timed_out) {
    g_task_return_new_error (task, DAO_RELAY_ERROR,
        DAO_RELAY_ERROR_UNREACHABLE, "%s did not answer within %u s",
        client->url, client->timing.request_ms / 1000);
    g_error_free (error);
  } else if (request->aborted) {
    g_task_return_new_error (task, DAO_RELAY_ERROR,
        DAO_RELAY_ERROR_UNREACHABLE,
        "The network changed before %s had answered", client->url);
    g_error_free (error);
  } else if (request->interim > MAX_INTERIM) {
    g_task_return_new_error (task, DAO_RELAY_ERROR, DAO_RELAY_ERROR_LIMIT,
        "%s sends more than %d interim answers", client->url, MAX_INTERIM);
    g_error_free (error);
  } else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_task_return_error (task, error);
  } else if (error->domain == G_TLS_ERROR) {
    g_task_return_new_error (task, DAO_RELAY_ERROR,
        DAO_RELAY_ERROR_UNREACHABLE,
        "The certificate of %s is not accepted: %s", client->url,
        error->message);
    g_error_free (error);
  } else {
    g_task_return_new_error (task, DAO_RELAY_ERROR,
        DAO_RELAY_ERROR_UNREACHABLE, "Cannot reach %s: %s", client->url,
        error->message);
    g_error_free (error);
  }
}

/* An error page of a proxy is no JSON; there the status says it all. */
static void
return_answer (GTask * task)
{
  Request *request = g_task_get_task_data (task);
  g_autoptr (DaoRelayAnswer) answer = g_new0 (DaoRelayAnswer, 1);
  g_autoptr (GError) error = NULL;

  answer->status = soup_message_get_status (request->message);
  if (request->body->len == 0)
    answer->json = json_null ();
  else
    answer->json = dao_json_parse ((const gchar *) request->body->data,
        request->body->len, &error);
  if (answer->json == NULL && !dao_relay_answer_is_success (answer))
    answer->json = json_null ();
  if (answer->json == NULL) {
    g_task_return_new_error (task, DAO_RELAY_ERROR, DAO_RELAY_ERROR_ANSWER,
        "The relay's answer is not JSON: %s", error->message);
    return;
  }
  g_task_return_pointer (task, g_steal_pointer (&answer),
      (GDestroyNotify) dao_relay_answer_free);
}

static void
on_chunk (GObject * source, GAsyncResult * result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Request *request = g_task_get_task_data (task);
  g_autoptr (GBytes) chunk = NULL;
  GError *error = NULL;

  chunk = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result,
      &error);
  if (chunk == NULL) {
    return_failure (task, error);
    return;
  }
  if (g_bytes_get_size (chunk) == 0) {
    return_answer (task);
    return;
  }
  if (request->body->len + g_bytes_get_size (chunk) > MAX_ANSWER) {
    g_task_return_new_error (task, DAO_RELAY_ERROR, DAO_RELAY_ERROR_LIMIT,
        "The relay's answer is longer than %d bytes", MAX_ANSWER);
    return;
  }
  g_byte_array_append (request->body, g_bytes_get_data (chunk, NULL),
      g_bytes_get_size (chunk));
  g_input_stream_read_bytes_async (request->stream, READ_CHUNK,
      G_PRIORITY_DEFAULT, request->cancellable, on_chunk,
      g_steal_pointer (&task));
}

static void
on_headers (GObject * source, GAsyncResult * result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Request *request = g_task_get_task_data (task);
  GError *error = NULL;

  request->stream = soup_session_send_finish (SOUP_SESSION (source), result,
      &error);
  if (request->stream == NULL) {
    return_failure (task, error);
    return;
  }
  g_input_stream_read_bytes_async (request->stream, READ_CHUNK,
      G_PRIORITY_DEFAULT, request->cancellable, on_chunk,
      g_steal_pointer (&task));
}

static void
on_interim (SoupMessage * message, gpointer user_data)
{
  Request *request = user_data;

  if (++request->interim > MAX_INTERIM)
    g_cancellable_cancel (request->cancellable);
}

static void
on_network_event (SoupMessage * message, GSocketClientEvent event,
    GIOStream * connection, gpointer user_data)
{
  static const gchar *const protocols[] = { "http/1.1", NULL };

  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING)
    g_tls_connection_set_advertised_protocols (G_TLS_CONNECTION (connection),
        protocols);
}

static gboolean
on_deadline (gpointer user_data)
{
  Request *request = user_data;

  request->timed_out = TRUE;
  g_cancellable_cancel (request->cancellable);
  return G_SOURCE_REMOVE;
}

static void
on_outer_cancelled (GCancellable * outer, gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
}

static void
request_bound (Request * request, DaoRelayClient * client,
    GCancellable * cancellable)
{
  request->cancellable = g_cancellable_new ();
  if (cancellable != NULL) {
    request->outer = g_object_ref (cancellable);
    request->outer_id = g_cancellable_connect (cancellable,
        G_CALLBACK (on_outer_cancelled), g_object_ref (request->cancellable),
        g_object_unref);
  }
  g_signal_connect (request->message, "got-informational",
      G_CALLBACK (on_interim), request);
  g_signal_connect (request->message, "network-event",
      G_CALLBACK (on_network_event), request);
  request->deadline = g_timeout_source_new (client->timing.request_ms);
  g_source_set_callback (request->deadline, on_deadline, request, NULL);
  g_source_attach (request->deadline, client->context);
  request->client = g_object_ref (client);
  g_queue_push_tail (&client->requests, request);
}

static void
set_body (SoupMessage * message, json_t * body)
{
  g_autoptr (GBytes) bytes = NULL;
  gchar *text = json_dumps (body, JSON_COMPACT);

  bytes = g_bytes_new_with_free_func (text, strlen (text), free, text);
  soup_message_set_request_body_from_bytes (message, "application/json",
      bytes);
}

static void
set_token (SoupMessage * message, const gchar * token)
{
  gchar *value = g_strconcat ("Bearer ", token, NULL);

  soup_message_headers_replace (soup_message_get_request_headers (message),
      "Authorization", value);
  dao_relay_wipe (&value);
}

/*
 * @path: below the base URL, percent-encoded by the caller
 * @token: (nullable): for the Authorization header; it is never part of a URL
 */
void
dao_relay_http_async (DaoRelayClient * client, const gchar * method,
    const gchar * path, json_t * body, const gchar * token,
    GCancellable * cancellable, GAsyncReadyCallback callback,
    gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (client, cancellable, callback,
      user_data);
  g_autofree gchar *url = g_strconcat (client->url, path, NULL);
  Request *request = g_new0 (Request, 1);

  dao_relay_n_pending++;
  g_task_set_source_tag (task, dao_relay_http_async);
  /* The caller's cancellable acts through ours; the answer itself must not be lost to it. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, request, (GDestroyNotify) request_free);
  request->body = g_byte_array_new ();
  request->message = *path == '/' ? soup_message_new (method, url) : NULL;
  if (request->message == NULL) {
    g_task_return_new_error (task, DAO_RELAY_ERROR, DAO_RELAY_ERROR_URL,
        "Not a request this relay can get: %s %s", method, path);
    return;
  }
  soup_message_add_flags (request->message, SOUP_MESSAGE_NO_REDIRECT);
  /* A 401 is ours to handle. */
  soup_message_disable_feature (request->message, SOUP_TYPE_AUTH_MANAGER);
  if (body != NULL)
    set_body (request->message, body);
  if (token != NULL)
    set_token (request->message, token);
  request_bound (request, client, cancellable);
  soup_session_send_async (client->session, request->message,
      G_PRIORITY_DEFAULT, request->cancellable, on_headers,
      g_steal_pointer (&task));
}

static void
abort_request (gpointer data, gpointer user_data)
{
  Request *request = data;

  if (!g_cancellable_is_cancelled (request->cancellable)) {
    request->aborted = TRUE;
    g_cancellable_cancel (request->cancellable);
  }
}

void
dao_relay_http_abort (DaoRelayClient * client)
{
  g_queue_foreach (&client->requests, abort_request, NULL);
  soup_session_abort (client->session);
}

DaoRelayAnswer *
dao_relay_http_finish (DaoRelayClient * client, GAsyncResult * result,
    GError ** error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
