/* gst-dao: the real coturn on loopback, for whole calls through it
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "turnserver.h"

#include <glib/gstdio.h>
#include <string.h>

/* Its start takes 0.1 s, with sanitizers beside it more. */
#define START_S 20

static guint16
free_port (void)
{
  GSocketListener *listener = g_socket_listener_new ();
  GError *error = NULL;
  guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, &error);

  g_assert_no_error (error);
  g_socket_listener_close (listener);
  g_object_unref (listener);
  return port;
}

static gboolean
is_listening (guint16 port)
{
  GSocketClient *client = g_socket_client_new ();
  GSocketConnection *connection = g_socket_client_connect_to_host (client,
      "127.0.0.1", port, NULL, NULL);
  gboolean listening = connection != NULL;

  g_clear_object (&connection);
  g_object_unref (client);
  return listening;
}

static gchar *
make_config (TurnServer * server, const gchar * certificate,
    const gchar * key)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "listening-ip=127.0.0.1\n"
      "relay-ip=127.0.0.1\nallow-loopback-peers\nno-cli\n"
      "no-udp\nno-tcp\nno-dtls\nno-tcp-relay\ntls-listening-port=%u\n"
      "cert=%s\npkey=%s\nuse-auth-secret\nstatic-auth-secret="
      TURN_SERVER_SECRET "\nrealm=dao\nfingerprint\nverbose\nsimple-log\n"
      "userdb=%s/db\npidfile=%s/pid\nlog-file=%s/log\n", server->port,
      certificate, key, server->dir, server->dir, server->dir);
  return g_string_free (text, FALSE);
}

TurnServer *
turn_server_new (const gchar * certificate, const gchar * key)
{
  TurnServer *server = g_new0 (TurnServer, 1);
  gint64 deadline = g_get_monotonic_time () + START_S * G_USEC_PER_SEC;
  GSubprocessLauncher *launcher = g_subprocess_launcher_new
      (G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  gchar *config, *path;
  GError *error = NULL;

  server->dir = g_dir_make_tmp ("dao-turn-XXXXXX", &error);
  g_assert_no_error (error);
  server->port = free_port ();
  config = make_config (server, certificate, key);
  path = g_build_filename (server->dir, "turnserver.conf", NULL);
  g_file_set_contents (path, config, -1, &error);
  g_assert_no_error (error);
  /* the end of the test, however it comes, is its end */
  server->process = g_subprocess_launcher_spawn (launcher, &error,
      "setpriv", "--pdeathsig", "KILL", "turnserver", "-c", path, NULL);
  g_assert_no_error (error);
  while (!is_listening (server->port)) {
    if (g_get_monotonic_time () > deadline)
      g_error ("turnserver does not listen");
    g_usleep (20000);
  }
  g_object_unref (launcher);
  g_free (config);
  g_free (path);
  return server;
}

static guint
count_in_log (TurnServer * server, const gchar * text)
{
  gchar *path = g_build_filename (server->dir, "log", NULL);
  gchar *log = NULL, *at;
  guint n = 0;

  g_file_get_contents (path, &log, NULL, NULL);
  for (at = log; at && (at = strstr (at, text)); at++)
    n++;
  g_free (log);
  g_free (path);
  return n;
}

guint
turn_server_count_allocations (TurnServer * server)
{
  return count_in_log (server, "ALLOCATE processed, success");
}

guint
turn_server_count_releases (TurnServer * server)
{
  return count_in_log (server, "lifetime=0");
}

void
turn_server_free (TurnServer * server)
{
  GDir *dir = g_dir_open (server->dir, 0, NULL);
  const gchar *name;

  g_subprocess_force_exit (server->process);
  g_subprocess_wait (server->process, NULL, NULL);
  while ((name = g_dir_read_name (dir))) {
    gchar *path = g_build_filename (server->dir, name, NULL);

    g_unlink (path);
    g_free (path);
  }
  g_dir_close (dir);
  g_rmdir (server->dir);
  g_object_unref (server->process);
  g_free (server->dir);
  g_free (server);
}
