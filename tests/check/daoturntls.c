#define _GNU_SOURCE               /* memmem */
/* gst-dao: TURN over TLS: what goes out, who may come in, and whom it trusts
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gstdaoice.h"
#include "gstdaoturntls.h"
#include "testcerts.h"

#include <glib/gstdio.h>
#include <nice/agent.h>
#include <nice/interfaces.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_S 20               /* only a test that fails waits so long */

static gchar *certs;

/* --- a TLS server --- */

typedef struct
{
  GSocketListener *listener;
  guint16 port;
  GTlsCertificate *certificate;
  GThread *thread;
  GCancellable *stop;
  gint n_connections;           /* atomic: TCP */
  gint n_bytes;                 /* atomic: received over TLS */
  gboolean read;                /* and send back what comes */
} Server;

static void
echo (Server * server, GIOStream * stream)
{
  guint8 buffer[4096];
  gssize n;

  while ((n = g_input_stream_read (g_io_stream_get_input_stream (stream),
              buffer, sizeof buffer, server->stop, NULL)) > 0) {
    g_atomic_int_add (&server->n_bytes, n);
    if (!g_output_stream_write_all (g_io_stream_get_output_stream (stream),
            buffer, n, NULL, server->stop, NULL))
      break;
  }
}

/* One connection after the other */
static gpointer
serve (gpointer data)
{
  Server *server = data;
  GSocketConnection *connection;

  while ((connection = g_socket_listener_accept (server->listener, NULL,
              server->stop, NULL))) {
    GIOStream *tls = g_tls_server_connection_new (G_IO_STREAM (connection),
        server->certificate, NULL);
    GPollFD fd;

    g_atomic_int_inc (&server->n_connections);
    g_tls_connection_set_require_close_notify (G_TLS_CONNECTION (tls), FALSE);
    if (g_tls_connection_handshake (G_TLS_CONNECTION (tls), server->stop, NULL)) {
      if (server->read)
        echo (server, tls);
      else if (g_cancellable_make_pollfd (server->stop, &fd)) {
        g_poll (&fd, 1, WAIT_S * 1000);
        g_cancellable_release_fd (server->stop);
      }
    }
    g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
    g_object_unref (tls);
    g_object_unref (connection);
  }
  return NULL;
}

/* @name: of its certificate, see test_certs_write() */
static Server *
server_new (const gchar * name, gboolean read)
{
  Server *server = g_new0 (Server, 1);
  gchar *pem = g_strdup_printf ("%s/%s.pem", certs, name);
  gchar *key = g_strdup_printf ("%s/%s.key", certs, name);
  GError *error = NULL;

  server->certificate = g_tls_certificate_new_from_files (pem, key, &error);
  g_assert_no_error (error);
  server->listener = g_socket_listener_new ();
  server->port = g_socket_listener_add_any_inet_port (server->listener, NULL,
      &error);
  g_assert_no_error (error);
  server->stop = g_cancellable_new ();
  server->read = read;
  server->thread = g_thread_new ("server", serve, server);
  g_free (pem);
  g_free (key);
  return server;
}

static void
server_free (Server * server)
{
  g_cancellable_cancel (server->stop);
  g_thread_join (server->thread);
  g_socket_listener_close (server->listener);
  g_object_unref (server->listener);
  g_object_unref (server->certificate);
  g_object_unref (server->stop);
  g_free (server);
}

/* --- a forwarder and what it says --- */

typedef struct
{
  GstDaoTurnTls *tls;
  GAsyncQueue *refused;         /* texts */
  gint destroyed;
  gchar *address;
} Forwarder;

static void
on_refused (guint port, const gchar * reason, gpointer user_data)
{
  Forwarder *f = user_data;

  g_assert_cmpuint (port, ==, atoi (strrchr (f->address, ':') + 1));
  g_async_queue_push (f->refused, g_strdup (reason));
}

static void
on_destroyed (gpointer user_data)
{
  g_atomic_int_set (&((Forwarder *) user_data)->destroyed, TRUE);
}

/* @host: of the server; @ca: trust our authority */
static Forwarder *
forwarder_new (const gchar * host, guint16 port, gboolean ca)
{
  Forwarder *f = g_new0 (Forwarder, 1);
  gchar *ca_file = g_build_filename (certs, "ca.pem", NULL);
  gchar *host_port = g_strdup_printf ("%s:%u", host, port);
  GError *error = NULL;

  f->refused = g_async_queue_new_full (g_free);
  f->tls = gst_dao_turn_tls_new (ca ? ca_file : NULL, on_refused, f,
      on_destroyed);
  f->address = gst_dao_turn_tls_add (f->tls, host_port, &error);
  g_assert_no_error (error);
  /* [::1] on a host that has no IPv4 address but this one */
  g_assert_true (g_str_has_prefix (f->address, "127.0.0.1:")
      || g_str_has_prefix (f->address, "[::1]:"));
  g_assert_cmpuint (gst_dao_turn_tls_n_usable (f->tls), ==, 1);
  g_free (host_port);
  g_free (ca_file);
  return f;
}

static void
wait_destroyed (Forwarder * f)
{
  gint64 deadline = g_get_monotonic_time () + WAIT_S * G_USEC_PER_SEC;

  while (!g_atomic_int_get (&f->destroyed)
      && g_get_monotonic_time () < deadline)
    g_usleep (1000);
  g_assert_true (g_atomic_int_get (&f->destroyed));
}

static void
forwarder_free (Forwarder * f)
{
  if (f->tls)
    gst_dao_turn_tls_close (f->tls);
  wait_destroyed (f);
  g_async_queue_unref (f->refused);
  g_free (f->address);
  g_free (f);
}

static GSocketConnection *
connect_to (const gchar * address)
{
  GSocketClient *client = g_socket_client_new ();
  GError *error = NULL;
  GSocketConnection *connection;

  g_socket_client_set_timeout (client, WAIT_S);
  connection = g_socket_client_connect_to_host (client, address, 0, NULL,
      &error);
  g_assert_no_error (error);
  g_object_unref (client);
  return connection;
}

static void
send_all (GSocketConnection * c, const guint8 * data, gsize length)
{
  GError *error = NULL;

  g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (c)),
      data, length, NULL, NULL, &error);
  g_assert_no_error (error);
}

static void
read_all (GSocketConnection * c, guint8 * data, gsize length)
{
  GError *error = NULL;
  gsize n;

  g_input_stream_read_all (g_io_stream_get_input_stream (G_IO_STREAM (c)),
      data, length, &n, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (n, ==, length);
}

/* The other side has closed; what it had sent before is gone. */
static void
wait_end (GSocketConnection * c)
{
  guint8 buffer[4096];
  GError *error = NULL;

  while (g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM (c)),
          buffer, sizeof buffer, NULL, &error) > 0);
  g_assert_false (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT));
  g_clear_error (&error);
}

/* --- the wire --- */

static const guint8 stun_allocate[] = { 0x00, 0x03, 0x00, 0x08, 0x21, 0x12,
  0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x00, 0x19, 0x00, 0x04,
  0x11, 0, 0, 0
};

static void
test_both_ways (void)
{
  Server *server = server_new ("good", TRUE);
  Forwarder *f = forwarder_new ("localhost", server->port, TRUE);
  GSocketConnection *c = connect_to (f->address);
  guint8 block[1000], back[1000];
  guint i, k;

  for (i = 0; i < 1000; i++) {
    for (k = 0; k < sizeof block; k++)
      block[k] = i * 7 + k;
    send_all (c, block, sizeof block);
    read_all (c, back, sizeof back);
    g_assert_cmpmem (block, sizeof block, back, sizeof back);
  }
  g_assert_cmpint (g_atomic_int_get (&server->n_bytes), ==, 1000000);
  g_object_unref (c);
  forwarder_free (f);
  server_free (server);
}

/* libnice itself, with a server that only listens: what comes is a ClientHello, and no STUN in clear. */
static void
test_guard_first_bytes_are_a_client_hello (void)
{
  GSocketListener *listener = g_socket_listener_new ();
  guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);
  Forwarder *f = forwarder_new ("127.0.0.1", port, TRUE);
  NiceAgent *agent = nice_agent_new (g_main_context_default (),
      NICE_COMPATIBILITY_RFC5245);
  guint stream = nice_agent_add_stream (agent, 1), got = 0;
  GList *ips = nice_interfaces_get_local_ips (FALSE);
  NiceAddress loopback;
  GSocketConnection *c;
  guint8 bytes[200];
  GError *error = NULL;

  /* as gst_dao_ice_configure() does on a host without any other address */
  if (!ips) {
    nice_address_init (&loopback);
    nice_address_set_from_string (&loopback, "127.0.0.1");
    nice_agent_add_local_address (agent, &loopback);
  }
  nice_agent_set_relay_info (agent, stream, 1,
      *f->address == '[' ? "::1" : "127.0.0.1",
      atoi (strrchr (f->address, ':') + 1), "u", "p",
      NICE_RELAY_TYPE_TURN_TCP);
  g_assert_true (nice_agent_gather_candidates (agent, stream));
  while (g_main_context_iteration (NULL, FALSE));
  c = g_socket_listener_accept (listener, NULL, NULL, &error);
  g_assert_no_error (error);
  while (got < sizeof bytes) {
    gssize n = g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM
            (c)), bytes + got, sizeof bytes - got, NULL, &error);

    g_assert_no_error (error);
    g_assert_cmpint (n, >, 0);
    got += n;
  }
  /* a TLS record of type handshake with a ClientHello */
  g_assert_cmphex (bytes[0], ==, 0x16);
  g_assert_cmphex (bytes[1], ==, 0x03);
  g_assert_cmphex (bytes[5], ==, 0x01);
  g_assert_null (memmem (bytes, sizeof bytes, stun_allocate + 4, 4));
  g_list_free_full (ips, g_free);
  g_object_unref (c);
  g_object_unref (agent);
  forwarder_free (f);
  g_socket_listener_close (listener);
  g_object_unref (listener);
}

/* --- whom it trusts --- */

/* A message that reached the server would be back; instead the connection ends and the reason is told. */
static void
expect_refusal (const gchar * certificate, const gchar * host, gboolean ca,
    const gchar * reason)
{
  Server *server = server_new (certificate, TRUE);
  Forwarder *f = forwarder_new (host, server->port, ca);
  GSocketConnection *c = connect_to (f->address);
  gchar *text;

  send_all (c, stun_allocate, sizeof stun_allocate);
  wait_end (c);
  text = g_async_queue_timeout_pop (f->refused, WAIT_S * G_USEC_PER_SEC);
  g_assert_nonnull (text);
  g_test_message ("%s", text);
  g_assert_nonnull (strstr (text, reason));
  g_assert_cmpint (g_atomic_int_get (&server->n_bytes), ==, 0);
  g_assert_cmpuint (gst_dao_turn_tls_n_usable (f->tls), ==, 0);
  g_object_unref (c);
  forwarder_free (f);
  server_free (server);
  g_free (text);
}

static void
test_guard_unknown_authority (void)
{
  expect_refusal ("stranger", "localhost", TRUE,
      "not from a trusted authority");
  expect_refusal ("good", "localhost", FALSE, "not from a trusted authority");
}

static void
test_guard_other_host (void)
{
  expect_refusal ("other", "localhost", TRUE, "for another host");
  expect_refusal ("other", "127.0.0.1", TRUE, "for another host");
}

static void
test_guard_time (void)
{
  expect_refusal ("expired", "localhost", TRUE, "has expired");
  expect_refusal ("future", "localhost", TRUE, "not valid yet");
}

static void
test_no_server (void)
{
  GSocketListener *listener = g_socket_listener_new ();
  guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);
  Forwarder *f = forwarder_new ("127.0.0.1", port, TRUE);
  GSocketConnection *c;
  gchar *text;

  g_socket_listener_close (listener);
  g_object_unref (listener);
  c = connect_to (f->address);
  wait_end (c);
  text = g_async_queue_timeout_pop (f->refused, WAIT_S * G_USEC_PER_SEC);
  g_assert_nonnull (strstr (text, "refused"));
  g_free (text);
  g_object_unref (c);
  forwarder_free (f);
}

/* A server without TLS, and one that says nothing */
static void
test_no_tls (void)
{
  GSocketListener *listener = g_socket_listener_new ();
  guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);
  Forwarder *f = forwarder_new ("127.0.0.1", port, TRUE);
  GSocketConnection *clear = connect_to (f->address);
  GSocketConnection *silent = connect_to (f->address);
  GSocketConnection *a = g_socket_listener_accept (listener, NULL, NULL, NULL);
  GSocketConnection *b = g_socket_listener_accept (listener, NULL, NULL, NULL);
  gchar *text;

  send_all (a, stun_allocate, sizeof stun_allocate);
  wait_end (clear);
  wait_end (silent);
  /* told once a server, however many connections it refuses */
  text = g_async_queue_pop (f->refused);
  g_assert_null (g_async_queue_try_pop (f->refused));
  g_assert_cmpuint (gst_dao_turn_tls_n_usable (f->tls), ==, 0);
  g_free (text);
  g_object_unref (a);
  g_object_unref (b);
  g_object_unref (clear);
  g_object_unref (silent);
  forwarder_free (f);
  g_socket_listener_close (listener);
  g_object_unref (listener);
}

static void
test_bad_ca_file (void)
{
  Forwarder f = { NULL };
  GError *error = NULL;

  f.tls = gst_dao_turn_tls_new ("/nowhere/ca.pem", on_refused, &f, NULL);
  g_assert_null (gst_dao_turn_tls_add (f.tls, "localhost", &error));
  g_assert_nonnull (strstr (error->message, "/nowhere/ca.pem"));
  g_assert_cmpuint (gst_dao_turn_tls_n_usable (f.tls), ==, 0);
  g_error_free (error);
  gst_dao_turn_tls_close (f.tls);
}

/* --- who may come in --- */

/* Another process of this very user: its connection is closed, and nothing goes to the server. */
static void
test_guard_other_processes_are_refused (void)
{
  Server *server = server_new ("good", TRUE);
  Forwarder *f = forwarder_new ("localhost", server->port, TRUE);
  const gchar *port = strrchr (f->address, ':') + 1;
  gchar *script = g_strdup_printf ("exec 3<>/dev/tcp/127.0.0.1/%s && "
      "echo connected && { echo hello >&3; timeout 10 cat <&3; }", port);
  const gchar *argv[] = { "bash", "-c", script, NULL };
  gchar *output = NULL;
  GError *error = NULL;
  GSocketConnection *c;
  guint8 back[5];

  g_spawn_sync (NULL, (gchar **) argv, NULL, G_SPAWN_SEARCH_PATH
      | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &output, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (output, ==, "connected\n");
  g_assert_cmpint (g_atomic_int_get (&server->n_connections), ==, 0);
  /* and our own still passes */
  c = connect_to (f->address);
  send_all (c, (const guint8 *) "again", 5);
  read_all (c, back, 5);
  g_object_unref (c);
  g_free (output);
  g_free (script);
  forwarder_free (f);
  server_free (server);
}

/* Once the agent has its connections, nobody gets another, not even from this process. */
static void
test_guard_no_more_connections (void)
{
  Server *server = server_new ("good", TRUE);
  Forwarder *f = forwarder_new ("localhost", server->port, TRUE);
  GSocketConnection *c = connect_to (f->address), *late = NULL;
  GSocketClient *client = g_socket_client_new ();
  gint64 deadline = g_get_monotonic_time () + WAIT_S * G_USEC_PER_SEC;
  guint8 back[5];

  send_all (c, (const guint8 *) "first", 5);
  read_all (c, back, 5);
  gst_dao_turn_tls_stop_listening (f->tls);
  while ((late = g_socket_client_connect_to_host (client, f->address, 0, NULL,
              NULL)) && g_get_monotonic_time () < deadline)
    g_clear_object (&late);
  g_assert_null (late);
  g_assert_cmpint (g_atomic_int_get (&server->n_connections), ==, 1);
  /* what is there goes on */
  send_all (c, (const guint8 *) "again", 5);
  read_all (c, back, 5);
  g_assert_cmpmem (back, 5, "again", 5);
  gst_dao_turn_tls_stop_listening (f->tls);
  g_object_unref (client);
  g_object_unref (c);
  forwarder_free (f);
  server_free (server);
}

static void
test_guard_number_of_connections (void)
{
  GSocketListener *listener = g_socket_listener_new ();
  guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);
  Forwarder *f = forwarder_new ("127.0.0.1", port, TRUE);
  GSocketConnection *c[GST_DAO_TURN_TLS_MAX_LINKS + 1];
  GSocketConnection *s[GST_DAO_TURN_TLS_MAX_LINKS];
  guint i;

  /* The server never answers, and all of them may take long to come. */
  gst_dao_turn_tls_set_patience (f->tls, G_MAXINT);
  for (i = 0; i < GST_DAO_TURN_TLS_MAX_LINKS; i++) {
    c[i] = connect_to (f->address);
    s[i] = g_socket_listener_accept (listener, NULL, NULL, NULL);
  }
  c[i] = connect_to (f->address);
  wait_end (c[i]);
  g_object_unref (c[i]);
  /* not because all were ended */
  g_assert_null (g_async_queue_try_pop (f->refused));
  for (i = 0; i < GST_DAO_TURN_TLS_MAX_LINKS; i++) {
    g_object_unref (c[i]);
    g_object_unref (s[i]);
  }
  forwarder_free (f);
  g_socket_listener_close (listener);
  g_object_unref (listener);
}

static void
test_only_on_loopback (void)
{
  Forwarder *f = forwarder_new ("localhost", 1, TRUE);
  GList *ips = nice_interfaces_get_local_ips (FALSE), *l;

  for (l = ips; l; l = l->next) {
    GSocketClient *client = g_socket_client_new ();
    gchar *other;

    if (strchr (l->data, ':')) {
      g_object_unref (client);
      continue;
    }
    other = g_strconcat (l->data, strrchr (f->address, ':'), NULL);
    g_assert_null (g_socket_client_connect_to_host (client, other, 0, NULL,
            NULL));
    g_free (other);
    g_object_unref (client);
  }
  g_list_free_full (ips, g_free);
  forwarder_free (f);
}

/* --- the end --- */

static void
test_close_ends_all (void)
{
  Server *server = server_new ("good", TRUE);
  Forwarder *f = forwarder_new ("localhost", server->port, TRUE);
  GSocketConnection *c = connect_to (f->address);
  GSocketClient *client = g_socket_client_new ();
  guint8 back[sizeof stun_allocate];

  send_all (c, stun_allocate, sizeof stun_allocate);
  read_all (c, back, sizeof back);
  gst_dao_turn_tls_close (g_steal_pointer (&f->tls));
  wait_end (c);
  wait_destroyed (f);
  g_assert_null (g_socket_client_connect_to_host (client, f->address, 0, NULL,
          NULL));
  g_assert_null (g_async_queue_try_pop (f->refused));
  g_object_unref (client);
  g_object_unref (c);
  forwarder_free (f);
  server_free (server);
}

static void
test_server_ends (void)
{
  Server *server = server_new ("good", TRUE);
  Forwarder *f = forwarder_new ("localhost", server->port, TRUE);
  GSocketConnection *c = connect_to (f->address);
  guint8 back[sizeof stun_allocate];

  send_all (c, stun_allocate, sizeof stun_allocate);
  read_all (c, back, sizeof back);
  server_free (server);
  wait_end (c);
  /* It could be used: that is no refusal. */
  g_assert_null (g_async_queue_try_pop (f->refused));
  g_assert_cmpuint (gst_dao_turn_tls_n_usable (f->tls), ==, 1);
  g_object_unref (c);
  forwarder_free (f);
}

/* A server that does not read: what we hold for it is bounded by buffers of GIO and of the kernel. */
static void
test_guard_bounded (void)
{
  Server *server = server_new ("good", FALSE);
  Forwarder *f = forwarder_new ("localhost", server->port, TRUE);
  GSocketConnection *c = connect_to (f->address);
  GSocket *socket = g_socket_connection_get_socket (c);
  guint8 block[65536] = { 0 };
  gsize sent = 0;

  g_socket_set_timeout (socket, 0);
  while (g_socket_condition_timed_wait (socket, G_IO_OUT,
          2 * G_USEC_PER_SEC, NULL, NULL)) {
    gssize n = g_socket_send_with_blocking (socket, (gchar *) block,
        sizeof block, FALSE, NULL, NULL);

    if (n > 0)
      sent += n;
    g_assert_cmpuint (sent, <, 64 * 1024 * 1024);
  }
  g_test_message ("%" G_GSIZE_FORMAT " bytes until it blocked", sent);
  g_object_unref (c);
  forwarder_free (f);
  server_free (server);
}

int
main (int argc, char **argv)
{
  gint result;

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  certs = g_dir_make_tmp ("dao-certs-XXXXXX", NULL);
  test_certs_write (certs);
  g_test_add_func ("/turn-tls/both-ways", test_both_ways);
  g_test_add_func ("/turn-tls/guard-first-bytes-are-a-client-hello",
      test_guard_first_bytes_are_a_client_hello);
  g_test_add_func ("/turn-tls/guard-unknown-authority",
      test_guard_unknown_authority);
  g_test_add_func ("/turn-tls/guard-other-host", test_guard_other_host);
  g_test_add_func ("/turn-tls/guard-time", test_guard_time);
  g_test_add_func ("/turn-tls/no-server", test_no_server);
  g_test_add_func ("/turn-tls/no-tls", test_no_tls);
  g_test_add_func ("/turn-tls/bad-ca-file", test_bad_ca_file);
  g_test_add_func ("/turn-tls/guard-other-processes-are-refused",
      test_guard_other_processes_are_refused);
  g_test_add_func ("/turn-tls/guard-no-more-connections",
      test_guard_no_more_connections);
  g_test_add_func ("/turn-tls/guard-number-of-connections",
      test_guard_number_of_connections);
  g_test_add_func ("/turn-tls/only-on-loopback", test_only_on_loopback);
  g_test_add_func ("/turn-tls/close-ends-all", test_close_ends_all);
  g_test_add_func ("/turn-tls/server-ends", test_server_ends);
  g_test_add_func ("/turn-tls/guard-bounded", test_guard_bounded);
  result = g_test_run ();
  test_certs_remove (certs);
  g_rmdir (certs);
  g_free (certs);
  return result;
}
