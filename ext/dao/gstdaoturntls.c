/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * All forwarding of the process runs on one thread of its own: media must not
 * wait for signaling, nor signaling for media. What is in flight is one buffer
 * of GIO a direction (8 KiB); a side that does not read stops the other.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaoturntls.h"

#include <dirent.h>
#include <gst/gst.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nice/interfaces.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

GST_DEBUG_CATEGORY_STATIC (turn_tls_debug);
#define GST_CAT_DEFAULT turn_tls_debug

/* TCP connection and TLS handshake together. The agent gives an allocation up after 8 s. */
#define PATIENCE_MS 8000

#define BACKLOG GST_DAO_TURN_TLS_MAX_LINKS

struct _GstDaoTurnTls
{
  gint refs;
  gint closed;                  /* atomic */
  gint usable;                  /* atomic */
  gchar *ca_file;
  GTlsDatabase *extra;          /* of ca_file */
  guint patience_ms;            /* atomic */
  GCancellable *cancellable;    /* ends every connection */
  GPtrArray *servers;           /* of the thread that adds and closes */
  GstDaoTurnTlsFunc failed;
  gpointer user_data;
  GDestroyNotify destroy;
};

typedef struct
{
  gint refs;
  GstDaoTurnTls *tls;
  gchar *name;                  /* turns:HOST:PORT */
  GNetworkAddress *address;
  guint port;                   /* of listener */
  GSource *accept;              /* only for its destruction */
  /* on the forwarder's thread */
  GSocket *listener;
  guint n_links;
  gboolean reported;
} Server;

/* One connection of the agent and its TLS connection */
typedef struct
{
  Server *server;
  GSocketConnection *local, *tcp;
  GIOStream *tls;
  GCancellable *cancellable;
  gulong cancelled_id;
  GSource *timeout;
  gboolean timed_out;
  GTlsCertificateFlags errors;
} Link;

/* --- the thread --- */

static gpointer
run_loop (gpointer context)
{
  GMainLoop *loop = g_main_loop_new (context, FALSE);

  g_main_context_push_thread_default (context);
  g_main_loop_run (loop);
  return NULL;
}

static GMainContext *
get_context (void)
{
  static gsize context = 0;

  if (g_once_init_enter (&context)) {
    GMainContext *made = g_main_context_new ();

    GST_DEBUG_CATEGORY_INIT (turn_tls_debug, "daoturntls", 0, "TURN over TLS");
    g_thread_unref (g_thread_new ("dao-turn-tls", run_loop, made));
    g_once_init_leave (&context, (gsize) made);
  }
  return (GMainContext *) context;
}

/* --- life --- */

GstDaoTurnTls *
gst_dao_turn_tls_new (const gchar * ca_file, GstDaoTurnTlsFunc failed,
    gpointer user_data, GDestroyNotify destroy)
{
  GstDaoTurnTls *tls = g_new0 (GstDaoTurnTls, 1);

  tls->refs = 1;
  tls->ca_file = g_strdup (ca_file);
  tls->patience_ms = PATIENCE_MS;
  tls->cancellable = g_cancellable_new ();
  tls->servers = g_ptr_array_new ();
  tls->failed = failed;
  tls->user_data = user_data;
  tls->destroy = destroy;
  return tls;
}

void
gst_dao_turn_tls_set_patience (GstDaoTurnTls * tls, guint ms)
{
  g_atomic_int_set (&tls->patience_ms, ms);
}

static void
tls_unref (GstDaoTurnTls * tls)
{
  if (!g_atomic_int_dec_and_test (&tls->refs))
    return;
  if (tls->destroy)
    tls->destroy (tls->user_data);
  g_clear_object (&tls->extra);
  g_object_unref (tls->cancellable);
  g_ptr_array_unref (tls->servers);
  g_free (tls->ca_file);
  g_free (tls);
}

static Server *
server_ref (Server * server)
{
  g_atomic_int_inc (&server->refs);
  return server;
}

static void
server_unref (gpointer data)
{
  Server *server = data;

  if (!g_atomic_int_dec_and_test (&server->refs))
    return;
  g_object_unref (server->listener);    /* and closes it */
  g_object_unref (server->address);
  g_source_unref (server->accept);
  g_free (server->name);
  tls_unref (server->tls);
  g_free (server);
}

static void
link_free (Link * link)
{
  if (link->cancelled_id)
    g_cancellable_disconnect (link->server->tls->cancellable,
        link->cancelled_id);
  if (link->timeout) {
    g_source_destroy (link->timeout);
    g_source_unref (link->timeout);
  }
  g_socket_close (g_socket_connection_get_socket (link->local), NULL);
  if (link->tcp)
    g_socket_close (g_socket_connection_get_socket (link->tcp), NULL);
  g_clear_object (&link->tls);
  g_clear_object (&link->tcp);
  g_object_unref (link->local);
  g_object_unref (link->cancellable);
  link->server->n_links--;
  server_unref (link->server);
  g_free (link);
}

/* --- why not --- */

static const gchar *
certificate_reason (GTlsCertificateFlags errors)
{
  if (errors & G_TLS_CERTIFICATE_BAD_IDENTITY)
    return "its certificate is for another host";
  if (errors & G_TLS_CERTIFICATE_REVOKED)
    return "its certificate was revoked";
  if (errors & G_TLS_CERTIFICATE_EXPIRED)
    return "its certificate has expired";
  if (errors & G_TLS_CERTIFICATE_NOT_ACTIVATED)
    return "its certificate is not valid yet";
  if (errors & G_TLS_CERTIFICATE_UNKNOWN_CA)
    return "its certificate is not from a trusted authority";
  if (errors & G_TLS_CERTIFICATE_INSECURE)
    return "its certificate is insecure";
  return "its certificate was refused";
}

static void
link_failed (Link * link, const GError * error)
{
  Server *server = link->server;
  const gchar *reason = link->timed_out ? "no answer in time" :
      link->errors ? certificate_reason (link->errors) : error->message;

  if (g_atomic_int_get (&server->tls->closed))
    return;
  GST_WARNING ("%s: %s", server->name, reason);
  if (!server->reported) {
    server->reported = TRUE;
    g_atomic_int_dec_and_test (&server->tls->usable);
    server->tls->failed (server->port, reason, server->tls->user_data);
  }
}

/* --- one connection, in the order in which it comes up --- */

static gboolean
on_timeout (gpointer data)
{
  Link *link = data;

  link->timed_out = TRUE;
  g_cancellable_cancel (link->cancellable);
  return G_SOURCE_REMOVE;
}

static void
on_ended (GObject * source, GAsyncResult * result, gpointer data)
{
  Link *link = data;
  GError *error = NULL;

  g_io_stream_splice_finish (result, &error);
  GST_DEBUG ("%s: connection ended: %s", link->server->name,
      error ? error->message : "closed");
  g_clear_error (&error);
  link_free (link);
}

static void
on_handshake (GObject * source, GAsyncResult * result, gpointer data)
{
  Link *link = data;
  GError *error = NULL;

  if (!g_tls_connection_handshake_finish (G_TLS_CONNECTION (source), result,
          &error)) {
    link_failed (link, error);
    g_error_free (error);
    link_free (link);
    return;
  }
  g_source_destroy (link->timeout);
  GST_DEBUG ("%s: connected", link->server->name);
  g_io_stream_splice_async (G_IO_STREAM (link->local), link->tls,
      G_IO_STREAM_SPLICE_NONE, G_PRIORITY_DEFAULT, link->cancellable,
      on_ended, link);
}

/* The system does not trust it: do the authorities of the extra file? They must find nothing
 * wrong with it at all. */
static gboolean
on_accept_certificate (GTlsConnection * connection,
    GTlsCertificate * certificate, GTlsCertificateFlags errors, Link * link)
{
  GTlsDatabase *extra = link->server->tls->extra;

  if (extra)
    errors = g_tls_database_verify_chain (extra, certificate,
        G_TLS_DATABASE_PURPOSE_AUTHENTICATE_SERVER,
        G_SOCKET_CONNECTABLE (link->server->address), NULL,
        G_TLS_DATABASE_VERIFY_NONE, NULL, NULL);
  link->errors = errors;
  return errors == 0;
}

static void
set_no_delay (GSocketConnection * connection)
{
  g_socket_set_option (g_socket_connection_get_socket (connection),
      IPPROTO_TCP, TCP_NODELAY, 1, NULL);
}

static void
on_connected (GObject * source, GAsyncResult * result, gpointer data)
{
  Link *link = data;
  GError *error = NULL;

  link->tcp = g_socket_client_connect_finish (G_SOCKET_CLIENT (source),
      result, &error);
  if (link->tcp) {
    set_no_delay (link->tcp);
    link->tls = g_tls_client_connection_new (G_IO_STREAM (link->tcp),
        G_SOCKET_CONNECTABLE (link->server->address), &error);
  }
  if (!link->tls) {
    link_failed (link, error);
    g_error_free (error);
    link_free (link);
    return;
  }
  /* TURN tells by itself where its messages end. */
  g_tls_connection_set_require_close_notify (G_TLS_CONNECTION (link->tls),
      FALSE);
  g_signal_connect (link->tls, "accept-certificate",
      G_CALLBACK (on_accept_certificate), link);
  g_tls_connection_handshake_async (G_TLS_CONNECTION (link->tls),
      G_PRIORITY_DEFAULT, link->cancellable, on_handshake, link);
}

static void
cancel_too (GCancellable * cancellable, GCancellable * of_link)
{
  g_cancellable_cancel (of_link);
}

static void
link_start (Server * server, GSocket * socket)
{
  Link *link = g_new0 (Link, 1);
  GSocketClient *client = g_socket_client_new ();

  link->server = server_ref (server);
  server->n_links++;
  link->local = g_socket_connection_factory_create_connection (socket);
  set_no_delay (link->local);
  link->cancellable = g_cancellable_new ();
  link->timeout = g_timeout_source_new (g_atomic_int_get (&server->tls->patience_ms));
  g_source_set_callback (link->timeout, on_timeout, link, NULL);
  g_source_attach (link->timeout, get_context ());
  g_socket_client_connect_async (client,
      G_SOCKET_CONNECTABLE (server->address), link->cancellable,
      on_connected, link);
  /* at once if closed by now */
  link->cancelled_id = g_cancellable_connect (server->tls->cancellable,
      G_CALLBACK (cancel_too), g_object_ref (link->cancellable),
      g_object_unref);
  g_object_unref (client);
}

/* --- who may connect --- */

typedef struct
{
  struct sockaddr_storage address;
  socklen_t length;
} Name;

static gboolean
get_name (gint fd, int (*func) (int, struct sockaddr *, socklen_t *),
    Name * name)
{
  memset (name, 0, sizeof (*name));
  name->length = sizeof name->address;
  return func (fd, (struct sockaddr *) &name->address, &name->length) == 0
      && (name->address.ss_family == AF_INET
      || name->address.ss_family == AF_INET6);
}

static gboolean
same_name (const Name * a, const Name * b)
{
  return a->length == b->length
      && memcmp (&a->address, &b->address, a->length) == 0;
}

/* Is the other end of this connection a socket of our own process? Other users and programs of this
 * host reach loopback too; no two sockets of a host have the same pair of addresses. */
static gboolean
is_own_connection (GSocket * socket)
{
  gint fd = g_socket_get_fd (socket);
  Name here, there, name;
  struct dirent *entry;
  gboolean found = FALSE;
  DIR *fds = opendir ("/proc/self/fd");

  if (fds && get_name (fd, getsockname, &here)
      && get_name (fd, getpeername, &there)) {
    while (!found && (entry = readdir (fds))) {
      gint other = atoi (entry->d_name);

      found = g_ascii_isdigit (*entry->d_name)
          && get_name (other, getsockname, &name) && same_name (&name, &there)
          && get_name (other, getpeername, &name) && same_name (&name, &here);
    }
  }
  if (fds)
    closedir (fds);
  return found;
}

static gboolean
on_incoming (GSocket * listener, GIOCondition condition, gpointer data)
{
  Server *server = data;
  GSocket *socket = g_socket_accept (listener, NULL, NULL);

  if (!socket)
    return G_SOURCE_CONTINUE;
  if (!is_own_connection (socket))
    GST_WARNING ("%s: refused a connection of another process", server->name);
  else if (server->n_links >= GST_DAO_TURN_TLS_MAX_LINKS)
    GST_WARNING ("%s: refused one connection too many", server->name);
  else
    link_start (server, socket);
  g_object_unref (socket);
  return G_SOURCE_CONTINUE;
}

/* --- servers --- */

static gboolean
load_ca_file (GstDaoTurnTls * tls, GError ** error)
{
  if (tls->ca_file && !tls->extra)
    tls->extra = g_tls_file_database_new (tls->ca_file, error);
  return !tls->ca_file || tls->extra;
}

/* The agent pairs server and local address of one family only: IPv4, unless this host has none. */
static GInetAddress *
choose_loopback (void)
{
  GList *ips = nice_interfaces_get_local_ips (FALSE), *l;
  gboolean v4 = ips == NULL;

  for (l = ips; l; l = l->next)
    v4 |= strchr (l->data, ':') == NULL;
  g_list_free_full (ips, g_free);
  return g_inet_address_new_loopback (v4 ? G_SOCKET_FAMILY_IPV4 :
      G_SOCKET_FAMILY_IPV6);
}

static GSocket *
listen_on_loopback (GError ** error)
{
  GInetAddress *loopback = choose_loopback ();
  GSocketAddress *address = g_inet_socket_address_new (loopback, 0);
  GSocket *socket = g_socket_new (g_inet_address_get_family (loopback),
      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);

  if (socket) {
    g_socket_set_blocking (socket, FALSE);
    g_socket_set_listen_backlog (socket, BACKLOG);
    if (!g_socket_bind (socket, address, FALSE, error)
        || !g_socket_listen (socket, error))
      g_clear_object (&socket);
  }
  g_object_unref (address);
  g_object_unref (loopback);
  return socket;
}

static gchar *
get_own_name (GSocket * socket, GError ** error)
{
  GSocketAddress *address = g_socket_get_local_address (socket, error);
  gchar *name = NULL;

  if (address)
    name = g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (address));
  g_clear_object (&address);
  return name;
}

gchar *
gst_dao_turn_tls_add (GstDaoTurnTls * tls, const gchar * host_port,
    GError ** error)
{
  GMainContext *context = get_context ();
  GSocketConnectable *address = NULL;
  GSocket *listener = NULL;
  gchar *name = NULL;
  Server *server;

  if (!load_ca_file (tls, error)
      || !(address = g_network_address_parse (host_port,
              GST_DAO_TURN_TLS_PORT, error))
      || !(listener = listen_on_loopback (error))
      || !(name = get_own_name (listener, error))) {
    g_clear_object (&address);
    g_clear_object (&listener);
    return NULL;
  }
  server = g_new0 (Server, 1);
  server->refs = 1;
  g_atomic_int_inc (&tls->refs);
  g_atomic_int_inc (&tls->usable);
  server->tls = tls;
  server->name = g_strconcat ("turns:", host_port, NULL);
  server->address = G_NETWORK_ADDRESS (address);
  server->listener = listener;
  server->port = g_ascii_strtoull (strrchr (name, ':') + 1, NULL, 10);
  server->accept = g_socket_create_source (listener, G_IO_IN, NULL);
  g_source_set_callback (server->accept, (GSourceFunc) (void *) on_incoming,
      server, server_unref);
  g_ptr_array_add (tls->servers, server);
  GST_DEBUG ("%s: by way of %s", server->name, name);
  g_source_attach (server->accept, context);
  return name;
}

guint
gst_dao_turn_tls_n_usable (GstDaoTurnTls * tls)
{
  return g_atomic_int_get (&tls->usable);
}

/* On the forwarder's thread, where nobody accepts any more */
static gboolean
close_listener (gpointer data)
{
  g_socket_close (((Server *) data)->listener, NULL);
  return G_SOURCE_REMOVE;
}

void
gst_dao_turn_tls_stop_listening (GstDaoTurnTls * tls)
{
  guint i;

  for (i = 0; i < tls->servers->len; i++) {
    Server *server = server_ref (tls->servers->pdata[i]);

    g_source_destroy (server->accept);  /* and the reference that goes with it */
    g_main_context_invoke_full (get_context (), G_PRIORITY_DEFAULT,
        close_listener, server, server_unref);
  }
  g_ptr_array_set_size (tls->servers, 0);
}

void
gst_dao_turn_tls_close (GstDaoTurnTls * tls)
{
  g_atomic_int_set (&tls->closed, TRUE);
  g_cancellable_cancel (tls->cancellable);
  gst_dao_turn_tls_stop_listening (tls);
  tls_unref (tls);
}
