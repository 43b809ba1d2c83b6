/* gst-dao: the listening socket
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#define _GNU_SOURCE             /* accept4() */

#include "relay-listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Accepted in one go before others have a turn. */
#define ACCEPT_BATCH 256
/* Out of descriptors: the listening socket stays readable, so wait instead of spinning. */
#define ACCEPT_PAUSE_MS 100

struct _RelayListener
{
  gint fd;
  gchar *url;
  uv_poll_t poll;
  uv_timer_t pause;
  guint handles;                /* still open in the loop */
  RelayAcceptFunc func;
  gpointer user_data;
};

static gboolean
split_address (const gchar * text, gchar ** host, gchar ** port,
    GError ** error)
{
  const gchar *colon = strrchr (text, ':');
  guint64 number;

  if (!colon || colon == text
      || !g_ascii_string_to_unsigned (colon + 1, 10, 0, 65535, &number, NULL)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "\"%s\" is not HOST:PORT", text);
    return FALSE;
  }
  if (text[0] == '[' && colon[-1] == ']')
    *host = g_strndup (text + 1, colon - text - 2);
  else
    *host = g_strndup (text, colon - text);
  *port = g_strdup (colon + 1);
  return TRUE;
}

static gchar *
bound_url (gint fd)
{
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  gchar host[NI_MAXHOST], port[NI_MAXSERV];

  if (getsockname (fd, (struct sockaddr *) &address, &length) < 0
      || getnameinfo ((struct sockaddr *) &address, length, host, sizeof host,
          port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return NULL;
  return g_strdup_printf (address.ss_family == AF_INET6 ?
      "http://[%s]:%s" : "http://%s:%s", host, port);
}

static gint
open_socket (const gchar * host, const gchar * port, gint backlog,
    GError ** error)
{
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
    .ai_flags = AI_PASSIVE | AI_NUMERICSERV
  };
  struct addrinfo *list = NULL;
  gint fd = -1, one = 1, result = getaddrinfo (host, port, &hints, &list);

  if (result != 0) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", host,
        gai_strerror (result));
    return -1;
  }
  fd = socket (list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0
      || setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0
      || bind (fd, list->ai_addr, list->ai_addrlen) < 0
      || listen (fd, backlog) < 0) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
        "%s:%s: %s", host, port, g_strerror (errno));
    if (fd >= 0)
      close (fd);
    fd = -1;
  }
  freeaddrinfo (list);
  return fd;
}

static void
accept_one (RelayListener * listener, gint fd,
    const struct sockaddr_storage *address)
{
  gchar ip[INET6_ADDRSTRLEN] = "?";
  gint one = 1;

  if (address->ss_family == AF_INET)
    inet_ntop (AF_INET, &((const struct sockaddr_in *) address)->sin_addr, ip,
        sizeof ip);
  else
    inet_ntop (AF_INET6, &((const struct sockaddr_in6 *) address)->sin6_addr,
        ip, sizeof ip);
  /* signals are small and somebody waits for each */
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  listener->func (fd, ip, listener->user_data);
}

static void start_polling (RelayListener * listener);

static void
pause_over (uv_timer_t * timer)
{
  start_polling (timer->data);
}

static void
on_readable (uv_poll_t * poll, int status, int events)
{
  RelayListener *listener = poll->data;

  for (gint i = 0; i < ACCEPT_BATCH; i++) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    gint fd = accept4 (listener->fd, (struct sockaddr *) &address, &length,
        SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
      accept_one (listener, fd, &address);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS
        || errno == ENOMEM) {
      uv_poll_stop (&listener->poll);
      uv_timer_start (&listener->pause, pause_over, ACCEPT_PAUSE_MS, 0);
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return;                   /* EAGAIN: all done */
    }
  }
}

static void
start_polling (RelayListener * listener)
{
  uv_poll_start (&listener->poll, UV_READABLE, on_readable);
}

RelayListener *
relay_listener_new (uv_loop_t * loop, const gchar * listen_on, gint backlog,
    RelayAcceptFunc func, gpointer user_data, GError ** error)
{
  g_autofree gchar *host = NULL;
  g_autofree gchar *port = NULL;
  RelayListener *listener;
  gint fd;

  if (!split_address (listen_on, &host, &port, error))
    return NULL;
  fd = open_socket (host, port, backlog, error);
  if (fd < 0)
    return NULL;
  listener = g_new0 (RelayListener, 1);
  listener->fd = fd;
  listener->url = bound_url (fd);
  listener->func = func;
  listener->user_data = user_data;
  uv_poll_init (loop, &listener->poll, fd);
  uv_timer_init (loop, &listener->pause);
  listener->poll.data = listener->pause.data = listener;
  listener->handles = 2;
  start_polling (listener);
  return listener;
}

const gchar *
relay_listener_get_url (RelayListener * listener)
{
  return listener->url;
}

static void
handle_closed (uv_handle_t * handle)
{
  RelayListener *listener = handle->data;

  if (--listener->handles > 0)
    return;
  close (listener->fd);
  g_free (listener->url);
  g_free (listener);
}

void
relay_listener_close (RelayListener * listener)
{
  uv_close ((uv_handle_t *) & listener->poll, handle_closed);
  uv_close ((uv_handle_t *) & listener->pause, handle_closed);
}
