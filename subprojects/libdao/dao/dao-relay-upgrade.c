/* gst-dao: the request that becomes a WebSocket
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * RFC 6455, 4.1. Written out here because libsoup 3.2 does not give away the connection of a message, and the WebSocket
 * must run on one with bounds (dao-relay-stream.h). It asks for no extension (a small frame must not
 * inflate beyond our limit, and ciphertext does not compress anyway), follows no redirect and answers no
 * challenge: anything but a 101 is a refusal.
 */
#include "dao-relay-private.h"
#include "dao-relay-stream.h"

#include <sodium.h>
#include <string.h>

/* The answer up to its empty line: what libsoup allows for other answers is 64 KB. */
#define MAX_ANSWER (16 * 1024)
#define KEY_BYTES 16
/* RFC 6455, 1.3 */
#define ACCEPT_SUFFIX "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

typedef struct
{
  gchar *request;               /* wiped: it has the ticket */
  gchar *accept;                /* what the relay has to make of our key */
  GSocketConnection *connection;
  GString *answer;
} Upgrade;

static void
upgrade_free (Upgrade * upgrade)
{
  dao_relay_n_pending--;
  dao_relay_wipe (&upgrade->request);
  g_free (upgrade->accept);
  g_clear_object (&upgrade->connection);
  g_string_free (upgrade->answer, TRUE);
  g_free (upgrade);
}

/* --- the request --- */

static gchar *
new_key (void)
{
  guint8 random[KEY_BYTES];

  randombytes_buf (random, sizeof random);
  return g_base64_encode (random, sizeof random);
}

static gchar *
accept_of (const gchar * key)
{
  g_autoptr (GChecksum) sha1 = g_checksum_new (G_CHECKSUM_SHA1);
  guint8 digest[20];
  gsize length = sizeof digest;

  g_checksum_update (sha1, (const guchar *) key, -1);
  g_checksum_update (sha1, (const guchar *) ACCEPT_SUFFIX, -1);
  g_checksum_get_digest (sha1, digest, &length);
  return g_base64_encode (digest, length);
}

static gchar *
host_header (GUri * uri)
{
  const gchar *host = g_uri_get_host (uri);
  g_autofree gchar *ascii = g_hostname_to_ascii (host);
  const gchar *name = ascii != NULL ? ascii : host;
  g_autofree gchar *bracketed = strchr (name, ':') != NULL ?
      g_strdup_printf ("[%s]", name) : g_strdup (name);

  if (g_uri_get_port (uri) < 0)
    return g_steal_pointer (&bracketed);
  return g_strdup_printf ("%s:%d", bracketed, g_uri_get_port (uri));
}

/* @path: below the base URL, which may have a path of its own */
static void
write_request (Upgrade * upgrade, const gchar * url, const gchar * path)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_ENCODED, NULL);
  g_autofree gchar *host = host_header (uri);
  g_autofree gchar *key = new_key ();

  upgrade->accept = accept_of (key);
  upgrade->request = g_strconcat ("GET ", g_uri_get_path (uri), path,
      " HTTP/1.1\r\n" "Host: ", host, "\r\n"
      "Upgrade: websocket\r\n" "Connection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\n" "Sec-WebSocket-Key: ", key, "\r\n"
      "User-Agent: " DAO_RELAY_USER_AGENT "\r\n\r\n", NULL);
}

/* --- the answer --- */

static gboolean
answer_is_complete (const GString * answer)
{
  return answer->len >= 4
      && memcmp (answer->str + answer->len - 4, "\r\n\r\n", 4) == 0;
}

static gboolean
headers_accept (SoupMessageHeaders * headers, const gchar * accept)
{
  return soup_message_headers_header_equals (headers, "Upgrade", "websocket")
      && soup_message_headers_header_contains (headers, "Connection", "Upgrade")
      && g_strcmp0 (soup_message_headers_get_one (headers,
          "Sec-WebSocket-Accept"), accept) == 0
      && soup_message_headers_get_one (headers,
      "Sec-WebSocket-Extensions") == NULL
      && soup_message_headers_get_one (headers,
      "Sec-WebSocket-Protocol") == NULL;
}

static gboolean
check_answer (Upgrade * upgrade, GError ** error)
{
  g_autoptr (SoupMessageHeaders) headers =
      soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  GString *answer = upgrade->answer;
  guint status = 0;

  /* Without the empty line */
  if (!answer_is_complete (answer)
      || !soup_headers_parse_response (answer->str, answer->len - 2, headers,
          NULL, &status, NULL)) {
    g_set_error (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_ANSWER,
        "The relay's answer to the WebSocket request is no HTTP of up to %d "
        "bytes", MAX_ANSWER);
    return FALSE;
  }
  if (status != SOUP_STATUS_SWITCHING_PROTOCOLS) {
    g_set_error (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_HTTP,
        "HTTP %u: the relay refuses the WebSocket", status);
    return FALSE;
  }
  if (!headers_accept (headers, upgrade->accept)) {
    g_set_error_literal (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_ANSWER,
        "The relay's answer to the WebSocket request does not fit it");
    return FALSE;
  }
  return TRUE;
}

/* --- the way there --- */

static void
fail (GTask * task, GError * error)
{
  DaoRelayClient *client = g_task_get_source_object (task);

  if (error->domain == G_TLS_ERROR)
    g_task_return_new_error (task, DAO_RELAY_ERROR,
        DAO_RELAY_ERROR_UNREACHABLE,
        "The certificate of %s is not accepted: %s", client->url,
        error->message);
  else
    g_task_return_new_error (task, DAO_RELAY_ERROR,
        DAO_RELAY_ERROR_UNREACHABLE, "Cannot open the WebSocket of %s: %s",
        client->url, error->message);
  g_error_free (error);
}

static void
finish_answer (GTask * task)
{
  Upgrade *upgrade = g_task_get_task_data (task);
  GError *error = NULL;

  if (!check_answer (upgrade, &error)) {
    g_task_return_error (task, error);
    return;
  }
  /* From here on silence is for the heartbeat to notice. */
  g_socket_set_timeout (g_socket_connection_get_socket (upgrade->connection),
      0);
  g_task_return_pointer (task,
      dao_relay_stream_new (G_IO_STREAM (upgrade->connection)),
      g_object_unref);
}

/* Byte by byte: what follows the empty line is the WebSocket's. */
static gboolean
on_readable (GObject * source, gpointer user_data)
{
  GTask *task = user_data;
  Upgrade *upgrade = g_task_get_task_data (task);
  GError *error = NULL;

  while (upgrade->answer->len < MAX_ANSWER
      && !answer_is_complete (upgrade->answer)) {
    gchar byte;
    gssize n = g_pollable_input_stream_read_nonblocking
        (G_POLLABLE_INPUT_STREAM (source), &byte, 1,
        g_task_get_cancellable (task), &error);

    if (n < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
      g_error_free (error);
      return G_SOURCE_CONTINUE;
    }
    if (n < 0) {
      fail (task, error);
      return G_SOURCE_REMOVE;
    }
    if (n == 0)
      break;
    g_string_append_c (upgrade->answer, byte);
  }
  finish_answer (task);
  return G_SOURCE_REMOVE;
}

static void
on_request_written (GObject * source, GAsyncResult * result,
    gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Upgrade *upgrade = g_task_get_task_data (task);
  g_autoptr (GSource) readable = NULL;
  GError *error = NULL;

  if (!g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result,
          NULL, &error)) {
    fail (task, error);
    return;
  }
  readable = g_pollable_input_stream_create_source (G_POLLABLE_INPUT_STREAM
      (g_io_stream_get_input_stream (G_IO_STREAM (upgrade->connection))),
      g_task_get_cancellable (task));
  g_task_attach_source (task, readable, G_SOURCE_FUNC (on_readable));
}

static void
on_connected (GObject * source, GAsyncResult * result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Upgrade *upgrade = g_task_get_task_data (task);
  GCancellable *cancellable = g_task_get_cancellable (task);
  GError *error = NULL;

  upgrade->connection = g_socket_client_connect_to_uri_finish
      (G_SOCKET_CLIENT (source), result, &error);
  if (upgrade->connection == NULL) {
    fail (task, error);
    return;
  }
  g_output_stream_write_all_async (g_io_stream_get_output_stream (G_IO_STREAM
          (upgrade->connection)), upgrade->request, strlen (upgrade->request),
      G_PRIORITY_DEFAULT, cancellable, on_request_written,
      g_steal_pointer (&task));
}

/* Whom to trust is the session's business (tests have authorities of their own). */
static void
on_event (GSocketClient * socket_client, GSocketClientEvent event,
    GSocketConnectable * connectable, GIOStream * connection,
    gpointer user_data)
{
  SoupSession *session = user_data;

  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING)
    g_tls_connection_set_database (G_TLS_CONNECTION (connection),
        soup_session_get_tls_database (session));
}

/*
 * @path: below the base URL, percent-encoded by the caller; with the ticket
 */
void
dao_relay_upgrade_async (DaoRelayClient * client, const gchar * path,
    GCancellable * cancellable, GAsyncReadyCallback callback,
    gpointer user_data)
{
  GTask *task = g_task_new (client, cancellable, callback, user_data);
  g_autoptr (GSocketClient) socket_client = g_socket_client_new ();
  gboolean tls = g_str_has_prefix (client->url, "https:");
  Upgrade *upgrade = g_new0 (Upgrade, 1);

  dao_relay_n_pending++;
  g_task_set_source_tag (task, dao_relay_upgrade_async);
  g_task_set_task_data (task, upgrade, (GDestroyNotify) upgrade_free);
  upgrade->answer = g_string_new (NULL);
  write_request (upgrade, client->url, path);
  g_socket_client_set_timeout (socket_client, DAO_RELAY_IO_TIMEOUT_S);
  g_socket_client_set_tls (socket_client, tls);
  g_signal_connect_object (socket_client, "event", G_CALLBACK (on_event),
      client->session, 0);
  g_socket_client_connect_to_uri_async (socket_client, client->url,
      tls ? 443 : 80, cancellable, on_connected, task);
}

GIOStream *
dao_relay_upgrade_finish (DaoRelayClient * client, GAsyncResult * result,
    GError ** error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
