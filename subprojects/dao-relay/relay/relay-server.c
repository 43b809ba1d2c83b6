/* gst-dao: HTTP and WebSocket connections, by libwebsockets on libuv
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "relay-api-private.h"
#include "relay-connection.h"
#include "relay-listener.h"

#include <gio/gio.h>
#include <sys/resource.h>
#include <unistd.h>

/* A WebSocket keeps a buffer of this size, and reads so much at once: a few frames of signaling. Half of it halves
 * the frames a second under load, twice as much gains nothing. */
#define RX_BUFFER 8192
#define SWEEP_MS 1000
#define SHUTDOWN_POLL_MS 20

struct _RelayServer
{
  RelayShared shared;
  RelayListener *listener;
  gchar *url;
  struct lws_vhost *vhost;
  uv_timer_t timer;             /* sweeps; at the end, waits for goaways to be taken */
  uv_check_t check;             /* after what came in was handled: flush */
  uv_prepare_t prepare;         /* and after timers */
  gint64 shutdown_ms;           /* 0 = running */
};

static const struct lws_protocols protocols[] = {
  {.name = "dao",.callback = relay_connection_callback,
      .rx_buffer_size = RX_BUFFER,.tx_packet_size = 65536},
  {0}
};

guint
relay_raise_fd_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) < 0)
    return 1024;
  /* also down: the tables of libwebsockets are as long as the limit */
  limit.rlim_cur = MIN (limit.rlim_max, RELAY_MAX_FDS);
  setrlimit (RLIMIT_NOFILE, &limit);
  return (guint) limit.rlim_cur;
}

static void
wake_transport (gpointer transport)
{
  RelayConnection *connection = lws_get_opaque_user_data (transport);

  if (connection)
    relay_connection_wake (connection);
}

static void
kill_transport (gpointer transport)
{
  relay_wsi_kill (transport);
}

const RelayTransportOps relay_server_transport =
    { wake_transport, kill_transport };

static void
accepted (gint fd, const gchar * ip, gpointer user_data)
{
  RelayServer *server = user_data;
  RelayShared *shared = &server->shared;
  lws_sock_file_fd_type socket = {.sockfd = fd };
  gchar key[RELAY_IP_SIZE];
  struct lws *wsi;

  relay_ip_key (ip, key);
  if (shared->n_connections >= shared->max_connections
      || !relay_limiter_take (shared->connects, key,
          (gint64) uv_now (shared->loop) * 1000)) {
    close (fd);
    return;
  }
  wsi = lws_adopt_descriptor_vhost (server->vhost,
      LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP, socket, NULL, NULL);
  if (wsi)                      /* else it has closed the socket */
    lws_set_opaque_user_data (wsi, relay_connection_new (shared, ip));
}

/* Only what concerns the operator, and never a URL: those carry tickets. */
static void
log_line (int level, const char *line)
{
  g_printerr ("libwebsockets: %s", line);
}

static gboolean
create_context (RelayServer * server, GError ** error)
{
  void *loops[] = { server->shared.loop };
  struct lws_context_creation_info info = {
    .port = CONTEXT_PORT_NO_LISTEN_SERVER,
    .protocols = protocols,
    .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
    .foreign_loops = loops,
    .pt_serv_buf_size = 65536,
    .timeout_secs = RELAY_HEADER_TIMEOUT_S,
    .keepalive_timeout = RELAY_KEEPALIVE_S,
    .gid = -1,
    .uid = -1,
    .pcontext = &server->shared.context,
  };

  lws_set_log_level (LLL_ERR, log_line);
  server->shared.context = lws_create_context (&info);
  if (server->shared.context)
    server->vhost = lws_create_vhost (server->shared.context, &info);
  if (server->vhost)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
      "libwebsockets cannot start (is its libuv plugin installed?)");
  return FALSE;
}

static void
destroy_context (RelayServer * server)
{
  if (server->shared.context)
    lws_context_destroy (server->shared.context);
}

static void
on_check (uv_check_t * check)
{
  relay_shared_flush (&((RelayServer *) check->data)->shared);
}

static void
on_prepare (uv_prepare_t * prepare)
{
  relay_shared_flush (&((RelayServer *) prepare->data)->shared);
}

static void
on_ice_ready (gpointer server)
{
  relay_shared_resume (&((RelayServer *) server)->shared);
}

static void
open_handles (RelayServer * server)
{
  uv_loop_t *loop = server->shared.loop;

  uv_timer_init (loop, &server->timer);
  uv_check_init (loop, &server->check);
  uv_prepare_init (loop, &server->prepare);
  server->timer.data = server->check.data = server->prepare.data = server;
  uv_check_start (&server->check, on_check);
  uv_prepare_start (&server->prepare, on_prepare);
}

static void
close_handles (RelayServer * server)
{
  if (uv_is_closing ((uv_handle_t *) & server->timer))
    return;
  uv_close ((uv_handle_t *) & server->timer, NULL);
  uv_close ((uv_handle_t *) & server->check, NULL);
  uv_close ((uv_handle_t *) & server->prepare, NULL);
}

static void
on_timer (uv_timer_t * timer)
{
  RelayServer *server = timer->data;
  RelayShared *shared = &server->shared;
  gint64 now_ms = (gint64) uv_now (shared->loop);

  if (server->shutdown_ms == 0) {
    relay_hub_sweep (shared->hub, now_ms * 1000);
    relay_auth_sweep (shared->auth, g_get_real_time () / G_USEC_PER_SEC);
  } else if (relay_hub_n_sockets (shared->hub) == 0
      || now_ms - server->shutdown_ms > RELAY_SHUTDOWN_MS) {
    close_handles (server);
    destroy_context (server);
  }
}

RelayServer *
relay_server_new (uv_loop_t * loop, const gchar * listen_on,
    const RelayServerOptions * options, RelayApi * api, RelayAuth * auth,
    RelayStore * store, RelayHub * hub, GError ** error)
{
  RelayServer *server = g_new0 (RelayServer, 1);
  guint fds = relay_raise_fd_limit ();

  server->shared = (RelayShared) {
  .options = *options,.loop = loop,.api = api,.auth = auth,.store =
        store,.hub = hub,.connects = relay_limiter_new (options->connects,
        RELAY_MAX_LIMIT_KEYS),.max_connections =
        fds > 2 * RELAY_SPARE_FDS ? fds - RELAY_SPARE_FDS : fds / 2};
  server->shared.awake = g_ptr_array_new ();
  server->shared.waiting = g_ptr_array_new ();
  open_handles (server);
  server->listener = relay_listener_new (loop, listen_on, RELAY_BACKLOG,
      accepted, server, error);
  if (!server->listener || !create_context (server, error)) {
    g_clear_pointer (&server->listener, relay_listener_close);
    close_handles (server);
    destroy_context (server);
    uv_run (loop, UV_RUN_DEFAULT);
    relay_server_free (server);
    return NULL;
  }
  server->url = g_strdup (relay_listener_get_url (server->listener));
  uv_timer_start (&server->timer, on_timer, SWEEP_MS, SWEEP_MS);
  relay_ice_start (server->shared.api->ice, loop, on_ice_ready, server);
  return server;
}

const gchar *
relay_server_get_url (RelayServer * server)
{
  return server->url;
}

void
relay_server_shutdown (RelayServer * server)
{
  if (server->shutdown_ms != 0)
    return;
  server->shutdown_ms = MAX ((gint64) uv_now (server->shared.loop), 1);
  g_clear_pointer (&server->listener, relay_listener_close);
  relay_ice_stop (server->shared.api->ice);
  relay_hub_shutdown (server->shared.hub, server->shutdown_ms * 1000);
  uv_timer_start (&server->timer, on_timer, 0, SHUTDOWN_POLL_MS);
}

void
relay_server_free (RelayServer * server)
{
  /* with a foreign loop the first destroy only starts it; pcontext is NULL once it is complete */
  destroy_context (server);
  relay_limiter_free (server->shared.connects);
  g_ptr_array_unref (server->shared.awake);
  g_ptr_array_unref (server->shared.waiting);
  g_free (server->url);
  g_free (server);
}
