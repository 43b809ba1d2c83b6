/* gst-dao: HTTP and WebSocket connections, by libwebsockets on libuv
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "relay-api.h"

#include <uv.h>

G_BEGIN_DECLS

/* The kernel's queue of connections not yet accepted: a relay that comes back is met by all clients at once.
 * (Capped by net.core.somaxconn, 4096 on Linux.) */
#define RELAY_BACKLOG 4096
/* libwebsockets allocates its tables for every descriptor the process may have; 65,536 cost 1 MB. */
#define RELAY_MAX_FDS 65536
/* Kept free for SQLite, the loop, and what comes. */
#define RELAY_SPARE_FDS 64
#define RELAY_HEADER_TIMEOUT_S 20       /* for a request's headers, and as long again for its body */
#define RELAY_KEEPALIVE_S 60
#define RELAY_SHUTDOWN_MS 2000  /* for goaways to be taken; then the rest is cut */

typedef struct
{
  gboolean trust_proxy;         /* the client's address is the last one of X-Forwarded-For */
  gboolean token_in_url;        /* /ws?token= is accepted: old clients; the token ends up in proxies' logs */
  RelayRate connects;           /* of an address */
} RelayServerOptions;

/* A storm of 2,000 reconnects from one NAT or proxy is served at once; a flood that goes on is not. */
#define RELAY_CONNECTS_DEFAULT ((RelayRate) { 4096, 200 })

typedef struct _RelayServer RelayServer;

/* What libwebsockets calls for a socket of a hub made with relay_server_transport. */
extern const RelayTransportOps relay_server_transport;

/**
 * relay_server_new:
 * @listen_on: HOST:PORT, [HOST]:PORT; port 0 picks one
 *
 * Listens when it returns. Keeps the pointers.
 */
RelayServer *relay_server_new (uv_loop_t * loop, const gchar * listen_on,
    const RelayServerOptions * options, RelayApi * api, RelayAuth * auth,
    RelayStore * store, RelayHub * hub, GError ** error);

/* "http://HOST:PORT" as bound. */
const gchar *relay_server_get_url (RelayServer * server);

/* No more connections, goaway to all, then everything closes and the loop runs out of handles. Idempotent. */
void relay_server_shutdown (RelayServer * server);

/* After the loop has run out. */
void relay_server_free (RelayServer * server);

/* Raises the soft limit of descriptors; returns what it is now. */
guint relay_raise_fd_limit (void);

G_END_DECLS
