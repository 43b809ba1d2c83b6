/* gst-dao: one connection: HTTP requests, then perhaps a WebSocket
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "relay-server.h"

#include <libwebsockets.h>

G_BEGIN_DECLS

#define RELAY_IP_SIZE 48        /* INET6_ADDRSTRLEN and room for "/64" */
#define RELAY_MAX_PATH 256
#define RELAY_MAX_QUERY 512
#define RELAY_MAX_AUTHORIZATION 256

/* What all connections of a server share. */
typedef struct
{
  RelayServerOptions options;
  uv_loop_t *loop;
  struct lws_context *context;
  RelayApi *api;
  RelayAuth *auth;
  RelayStore *store;
  RelayHub *hub;
  RelayLimiter *connects;
  guint n_connections, max_connections;
  GPtrArray *awake;             /* connections with something to send */
  GPtrArray *waiting;           /* connections whose request waits for ICE servers */
} RelayShared;

typedef struct _RelayConnection RelayConnection;

RelayConnection *relay_connection_new (RelayShared * shared,
    const gchar * ip);
void relay_connection_free (RelayConnection * connection);

/* Its socket has something to send: goes out with the next relay_shared_flush(). */
void relay_connection_wake (RelayConnection * connection);

/* Once the loop has handed out what came in: one write a reader, however many frames it got, and no waiting for a
 * "writable" event that would cost three system calls. */
void relay_shared_flush (RelayShared * shared);

/* The ICE servers are there: requests that waited for them are answered. */
void relay_shared_resume (RelayShared * shared);

/* Closes a connection from outside its callbacks. */
void relay_wsi_kill (struct lws *wsi);

/* The one callback of libwebsockets (lws_callback_function). */
gint relay_connection_callback (struct lws *wsi,
    enum lws_callback_reasons reason, void *user, void *in, size_t length);

/* How limits count an address: an IPv4 one by itself, an IPv6 one by its /64. */
void relay_ip_key (const gchar * ip, gchar * key);

G_END_DECLS
