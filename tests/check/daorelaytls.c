/* gst-dao: tests of the relay client over TLS
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The server has a certificate made on the spot and answers nothing but an upgrade to a WebSocket.
 */
#include "dao-relay-private.h"
#include "testcerts.h"

#include <glib/gstdio.h>
#include <string.h>

/* GIO shakes hands in threads of a pool, which are there at exit; from what GnuTLS keeps in them LeakSanitizer (GCC 12)
 * computes an address that does not exist, and dies of it. */
const gchar *__asan_default_options (void);

const gchar *
__asan_default_options (void)
{
  return "intercept_tls_get_addr=0";
}

#define MNEMONIC "legal winner thank year wave sausage worth useful legal " \
    "winner thank yellow"
#define PATIENCE_S 20

static gchar *certs;            /* directory */

typedef struct
{
  GTlsCertificate *certificate;
  GSocketService *service;
  GIOStream *connection;        /* the newest, TLS */
  gchar *protocol;              /* what ALPN agreed on */
  GString *request;
  guint8 buffer[4096];
  DaoIdentity *identity;
  DaoRelayClient *client;
  gboolean done;
  GIOStream *stream;            /* of the last upgrade */
  GError *error;                /* of the last request */
} Bed;

/* --- the server --- */

static void
answer_upgrade (Bed * bed)
{
  static const gchar name[] = "Sec-WebSocket-Key: ";
  gchar *start = strstr (bed->request->str, name) + strlen (name);
  g_autofree gchar *key = g_strndup (start, strcspn (start, "\r"));
  g_autoptr (GChecksum) sha1 = g_checksum_new (G_CHECKSUM_SHA1);
  g_autofree gchar *accept = NULL, *answer = NULL;
  guint8 digest[20];
  gsize length = sizeof digest;

  g_checksum_update (sha1, (const guchar *) key, -1);
  g_checksum_update (sha1, (const guchar *)
      "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", -1);
  g_checksum_get_digest (sha1, digest, &length);
  accept = g_base64_encode (digest, length);
  answer = g_strdup_printf ("HTTP/1.1 101 Switching Protocols\r\n"
      "Upgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: %s\r\n\r\nMORE", accept);
  g_output_stream_write_all (g_io_stream_get_output_stream (bed->connection),
      answer, strlen (answer), NULL, NULL, NULL);
}

static void
on_read (GObject * source, GAsyncResult * result, gpointer user_data)
{
  Bed *bed = user_data;
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, NULL);

  if (n <= 0)
    return;
  g_string_append_len (bed->request, (const gchar *) bed->buffer, n);
  if (strstr (bed->request->str, "\r\n\r\n")
      && strstr (bed->request->str, "Sec-WebSocket-Key"))
    answer_upgrade (bed);
  else
    g_io_stream_close (bed->connection, NULL, NULL);
}

static void
on_handshaked (GObject * source, GAsyncResult * result, gpointer user_data)
{
  GTlsConnection *tls = G_TLS_CONNECTION (source);
  Bed *bed = user_data;

  if (!g_tls_connection_handshake_finish (tls, result, NULL))
    return;
  bed->protocol = g_strdup (g_tls_connection_get_negotiated_protocol (tls));
  g_input_stream_read_async (g_io_stream_get_input_stream (bed->connection),
      bed->buffer, sizeof bed->buffer, G_PRIORITY_DEFAULT, NULL, on_read, bed);
}

static gboolean
on_incoming (GSocketService * service, GSocketConnection * connection,
    GObject * unused, gpointer user_data)
{
  static const gchar *const protocols[] = { "h2", "http/1.1", NULL };
  Bed *bed = user_data;

  g_clear_object (&bed->connection);
  bed->connection = g_tls_server_connection_new (G_IO_STREAM (connection),
      bed->certificate, NULL);
  g_tls_connection_set_advertised_protocols (G_TLS_CONNECTION
      (bed->connection), protocols);
  g_tls_connection_handshake_async (G_TLS_CONNECTION (bed->connection),
      G_PRIORITY_DEFAULT, NULL, on_handshaked, bed);
  return TRUE;
}

/* @name: of the server's certificate, see testcerts.h */
static Bed *
bed_new (const gchar * name)
{
  Bed *bed = g_new0 (Bed, 1);
  GError *error = NULL;
  g_autofree gchar *pem = NULL, *key = NULL, *ca = NULL, *url = NULL;
  g_autofree gchar *pem_name = g_strconcat (name, ".pem", NULL);
  g_autofree gchar *key_name = g_strconcat (name, ".key", NULL);
  g_autoptr (GTlsDatabase) database = NULL;
  guint16 port;

  pem = g_build_filename (certs, pem_name, NULL);
  key = g_build_filename (certs, key_name, NULL);
  ca = g_build_filename (certs, "ca.pem", NULL);
  bed->certificate = g_tls_certificate_new_from_files (pem, key, &error);
  g_assert_no_error (error);
  bed->request = g_string_new (NULL);
  bed->service = g_socket_service_new ();
  port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER
      (bed->service), NULL, &error);
  g_assert_no_error (error);
  g_signal_connect (bed->service, "incoming", G_CALLBACK (on_incoming), bed);
  url = g_strdup_printf ("https://localhost:%u", port);
  bed->identity = dao_identity_new_from_mnemonic (MNEMONIC, NULL);
  dao_identity_set_alias (bed->identity, "alice");
  dao_identity_set_uuid (bed->identity,
      "11111111-1111-1111-1111-111111111111");
  bed->client = dao_relay_client_new (url, bed->identity, &error);
  g_assert_no_error (error);
  database = g_tls_file_database_new (ca, &error);
  g_assert_no_error (error);
  soup_session_set_tls_database (bed->client->session, database);
  return bed;
}

static void
bed_free (Bed * bed)
{
  g_clear_object (&bed->stream);
  g_socket_service_stop (bed->service);
  g_socket_listener_close (G_SOCKET_LISTENER (bed->service));
  if (bed->connection)
    g_io_stream_close (bed->connection, NULL, NULL);
  g_assert_true (dao_relay_drain (5000));
  while (g_main_context_iteration (NULL, FALSE));
  g_clear_object (&bed->connection);
  g_object_unref (bed->service);
  g_object_unref (bed->certificate);
  g_object_unref (bed->client);
  dao_identity_unref (bed->identity);
  g_string_free (bed->request, TRUE);
  g_clear_error (&bed->error);
  g_free (bed->protocol);
  g_free (bed);
}

/* --- the client --- */

static gboolean
on_timeout (gpointer expired)
{
  *(gboolean *) expired = TRUE;
  return G_SOURCE_REMOVE;
}

static void
wait_until_done (Bed * bed)
{
  gboolean expired = FALSE;
  guint id = g_timeout_add_seconds (PATIENCE_S, on_timeout, &expired);

  while (!bed->done && !expired)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (bed->done);
  g_source_remove (id);
}

static void
on_upgraded (GObject * source, GAsyncResult * result, gpointer user_data)
{
  Bed *bed = user_data;

  bed->stream = dao_relay_upgrade_finish (bed->client, result, &bed->error);
  bed->done = TRUE;
}

static void
upgrade (Bed * bed)
{
  dao_relay_upgrade_async (bed->client, "/ws?ticket=hush", NULL, on_upgraded,
      bed);
  wait_until_done (bed);
}

static void
on_called (GObject * source, GAsyncResult * result, gpointer user_data)
{
  Bed *bed = user_data;

  g_assert_null (dao_relay_client_call_finish (bed->client, result,
          &bed->error));
  bed->done = TRUE;
}

static void
call (Bed * bed)
{
  dao_relay_client_call_async (bed->client, "GET", "/api/v1/friends", NULL,
      NULL, on_called, bed);
  wait_until_done (bed);
}

static void
test_upgrade (void)
{
  Bed *bed = bed_new ("good");
  GPollableInputStream *input;
  gchar more[8] = { 0, };
  gssize n;

  upgrade (bed);
  g_assert_no_error (bed->error);
  g_assert_true (g_str_has_prefix (bed->request->str,
          "GET /ws?ticket=hush HTTP/1.1\r\nHost: localhost:"));
  /* What came with the answer is the WebSocket's first byte. */
  input = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (bed->stream));
  while ((n = g_pollable_input_stream_read_nonblocking (input, more,
              sizeof more, NULL, NULL)) <= 0)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpmem (more, n, "MORE", 4);
  bed_free (bed);
}

static const gchar *const bad[] = { "stranger", "other", "expired", "future" };

static void
assert_refused (Bed * bed)
{
  g_assert_error (bed->error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_UNREACHABLE);
  g_assert_nonnull (strstr (bed->error->message,
          "The certificate of https://localhost:"));
  /* Neither ticket nor token left. */
  g_assert_cmpuint (bed->request->len, ==, 0);
}

static void
test_guard_certificate_of_the_socket (void)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (bad); i++) {
    Bed *bed = bed_new (bad[i]);

    upgrade (bed);
    g_assert_null (bed->stream);
    assert_refused (bed);
    bed_free (bed);
  }
}

static void
test_guard_certificate_of_the_api (void)
{
  Bed *bed = bed_new ("stranger");

  call (bed);
  assert_refused (bed);
  bed_free (bed);
}

/* The server would rather speak HTTP/2, whose headers libsoup does not bound. */
static void
test_guard_no_http2 (void)
{
  Bed *bed = bed_new ("good");

  call (bed);
  g_assert_error (bed->error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_UNREACHABLE);
  g_assert_cmpstr (bed->protocol, ==, "http/1.1");
  g_assert_true (g_str_has_prefix (bed->request->str, "POST /api/v1/auth/"));
  bed_free (bed);
}

int
main (int argc, char **argv)
{
  int failed;

  g_test_init (&argc, &argv, NULL);
  certs = g_dir_make_tmp ("dao-tls-XXXXXX", NULL);
  test_certs_write (certs);
  g_test_add_func ("/relay-tls/upgrade", test_upgrade);
  g_test_add_func ("/relay-tls/guard-certificate-of-the-socket",
      test_guard_certificate_of_the_socket);
  g_test_add_func ("/relay-tls/guard-certificate-of-the-api",
      test_guard_certificate_of_the_api);
  g_test_add_func ("/relay-tls/guard-no-http2", test_guard_no_http2);
  failed = g_test_run ();
  test_certs_remove (certs);
  g_rmdir (certs);
  g_free (certs);
  return failed;
}
