/* gst-dao: HTTP and WebSocket of one account at one relay
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lives on one GMainContext: create, use and free it there (thread-default).
 */
#pragma once

#include "dao-ice-config.h"
#include "dao-identity.h"

#include <gio/gio.h>
#include <jansson.h>

G_BEGIN_DECLS

#define DAO_RELAY_ERROR (dao_relay_error_quark ())
GQuark dao_relay_error_quark (void);

typedef enum
{
  DAO_RELAY_ERROR_URL,
  DAO_RELAY_ERROR_UNREACHABLE,
  DAO_RELAY_ERROR_HTTP,         /* a status that is no success; text has status and body's `error` */
  DAO_RELAY_ERROR_ANSWER,       /* 2xx, but not what the protocol says */
  DAO_RELAY_ERROR_AUTH,         /* login refused */
  DAO_RELAY_ERROR_POW,          /* no solution within the limit */
  DAO_RELAY_ERROR_EXISTS,       /* 409: the key is registered */
  DAO_RELAY_ERROR_REPLACED,     /* goaway new_device_login */
  DAO_RELAY_ERROR_OFFLINE,      /* sending without an open WebSocket */
  DAO_RELAY_ERROR_GOAWAY,       /* goaway with another reason; the text names it */
  DAO_RELAY_ERROR_LIMIT,        /* more than we accept of the relay, or than may be sent to it */
} DaoRelayError;

#define DAO_TYPE_RELAY_CLIENT (dao_relay_client_get_type ())
G_DECLARE_FINAL_TYPE (DaoRelayClient, dao_relay_client, DAO, RELAY_CLIENT,
    GObject)

/**
 * DaoRelayClient signals:
 *   "logged-in" ()                 a login is done; alias and X25519 key of the identity may be others since
 *   "online" ()                    the WebSocket is open
 *   "offline" (GError *why)        it closed, or an attempt to open it failed; the client tries again by
 *                                  itself (back-off of protocol.md d)
 *   "failed" (GError *why)         it will not try again (auth refused 3 times, replaced by another
 *                                  device, a goaway we do not know) until dao_relay_client_connect()
 *   "frame" (GBytes *text)         a text frame, a JSON object, that is not ping/pong/goaway
 *
 * All are emitted from the main context, never from inside a function of this file.
 */

/**
 * dao_relay_client_new:
 * @url: base URL of the relay. https, or http for loopback hosts and for private or link-local
 *   addresses written as numbers (a warning is logged: on that wire the token can be read). Other
 *   plain http, user names, queries and fragments in it are %DAO_RELAY_ERROR_URL.
 * @identity: (transfer none): gets a reference; alias, uuid and relay are updated by register and login
 *
 * Returns: (transfer full): the client
 */
DaoRelayClient *dao_relay_client_new (const gchar * url,
    DaoIdentity * identity, GError ** error);

/* --- one-shot HTTP calls (GAsync; need a login where the protocol does, done by itself) --- */

const gchar *dao_relay_client_get_url (DaoRelayClient * client);

/* Register (with proof of work on a worker), fill alias, uuid and relay of the identity. A 409 with uuid and alias is a success. */
void dao_relay_client_register_async (DaoRelayClient * client,
    const gchar * nickname, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data);
gboolean dao_relay_client_register_finish (DaoRelayClient * client,
    GAsyncResult * result, GError ** error);

/**
 * dao_relay_client_call_async:
 * @method: "GET", "POST", "PUT"
 * @path: below the base URL, e.g. "/api/v1/friends"
 * @body: (nullable) (transfer none): JSON body
 *
 * An authenticated request: logs in first when there is no token, and once more after a 401.
 */
void dao_relay_client_call_async (DaoRelayClient * client,
    const gchar * method, const gchar * path, json_t * body,
    GCancellable * cancellable, GAsyncReadyCallback callback,
    gpointer user_data);
/* (transfer full): the parsed answer (json_null() for an empty body) */
json_t *dao_relay_client_call_finish (DaoRelayClient * client,
    GAsyncResult * result, GError ** error);

/* Cached as dao_ice_config_cache_seconds says, per mode, and what is in the cache serves unless it is older than
 * @max_age_s. When asking anew fails, what there is serves until its ttl is over. */
#define DAO_ICE_CONFIG_ANY_AGE G_MAXINT64
void dao_relay_client_ice_config_async (DaoRelayClient * client,
    gboolean relay_only, gint64 max_age_s, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data);
DaoIceConfig *dao_relay_client_ice_config_finish (DaoRelayClient * client,
    GAsyncResult * result, GError ** error);

/* --- the WebSocket --- */
void dao_relay_client_connect (DaoRelayClient * client);        /* login, ticket, socket; keeps it open */
void dao_relay_client_disconnect (DaoRelayClient * client);     /* closes, stops reconnecting */
gboolean dao_relay_client_is_online (DaoRelayClient * client);
gboolean dao_relay_client_send (DaoRelayClient * client, const gchar * text,
    GError ** error);

/**
 * dao_relay_drain:
 *
 * A socket that was closed lives on for up to 2 s until what was queued on it (a hangup, say) is out and the
 * relay has confirmed, and a request until it is answered or cancelled. Call this at the end of a thread that runs such
 * a context, outside of any callback: iterates the thread-default context until all of that is over.
 *
 * Returns: FALSE if @timeout_ms passed first
 */
gboolean dao_relay_drain (guint timeout_ms);

/* The status in a DAO_RELAY_ERROR_HTTP ("HTTP 404: ..."), else 0. */
guint dao_relay_error_get_status (const GError * error);

/* min (1000 * 2^n, 30000) * @jitter, ms; @jitter in [0.7, 1.0) (protocol.md d) */
guint dao_relay_backoff_ms (guint attempt, gdouble jitter);

/* protocol.md c, PoW: decimal nonce (transfer full) or NULL with POW */
gchar *dao_pow_solve (const gchar * challenge, guint difficulty,
    GCancellable * cancellable, GError ** error);
gboolean dao_pow_check (const gchar * challenge, guint difficulty,
    const gchar * nonce);

G_END_DECLS
