/* gst-dao: what the files of the relay client share
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 *   dao-relay-client.c   the object, register, ice-config
 *   dao-relay-url.c      which relay URLs are acceptable
 *   dao-relay-http.c     one bounded request, JSON in and out
 *   dao-relay-login.c    challenge, signature, token; requests that need it
 *   dao-relay-socket.c   the WebSocket: ticket, heartbeat, back-off, goaway
 *   dao-relay-upgrade.c  the request that becomes a WebSocket
 *   dao-relay-stream.c   the connection it runs on, with bounds
 *   dao-relay-linger.c   a WebSocket on its way out
 */
#pragma once

#include "dao-relay-client.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* protocol.md d; tests make them short or long */
typedef struct
{
  guint backoff_unit_ms;        /* 1000: the delay after the first failure */
  guint goaway_ms;              /* 500: delay after a goaway that allows to come back */
  guint replaced_cooldown_ms;   /* 30000: a second new_device_login within it is final */
  guint revoked_window_ms;      /* 600000: the fourth jwt_revoked within it is final */
  guint ping_ms;                /* 25000 */
  guint request_ms;             /* 30000: one HTTP request from start to end */
  guint settle_ms;              /* 100: after a change of the network, others may follow */
  guint probe_ms;               /* 3000: an open WebSocket that a change left whole answers within that */
} DaoRelayTiming;

#define DAO_RELAY_MAX_LOGINS 3  /* protocol.md c: attempts after which a refused login is final */

/* A read or write that stands still this long fails; requests have their own deadline. */
#define DAO_RELAY_IO_TIMEOUT_S 20
#define DAO_RELAY_USER_AGENT "gst-dao"

typedef struct _DaoRelaySocket DaoRelaySocket;

struct _DaoRelayClient
{
  GObject parent;

  gchar *url;                   /* no slash at its end */
  DaoIdentity *identity;
  GMainContext *context;
  SoupSession *session;
  GQueue requests;              /* under way, see dao-relay-http.c */
  DaoRelayTiming timing;

  gchar *token;                 /* wiped; NULL = log in first */
  guint64 token_serial;         /* counts logins: which token a 401 was about */
  GQueue login_waiters;         /* GTask*: one login at a time serves all */

  DaoIceConfig *ice_config[2];  /* by relay_only */

  DaoRelaySocket *socket;
};

enum
{
  DAO_RELAY_SIGNAL_LOGGED_IN,
  DAO_RELAY_SIGNAL_ONLINE,
  DAO_RELAY_SIGNAL_OFFLINE,
  DAO_RELAY_SIGNAL_FAILED,
  DAO_RELAY_SIGNAL_FRAME,
  DAO_RELAY_N_SIGNALS
};

extern guint dao_relay_signals[DAO_RELAY_N_SIGNALS];

/* tests */
DaoRelayTiming *dao_relay_client_get_timing (DaoRelayClient * client);

gchar *dao_relay_url_check (const gchar * url, GError ** error);
void dao_relay_wipe (gchar ** text);
/* Overwrites a string inside a JSON value that held a secret. */
void dao_relay_wipe_json (json_t * object, const gchar * name);

/* Sockets and requests that this thread's context still has to bring to their end. */
extern _Thread_local guint dao_relay_n_pending;

/* --- dao-relay-http.c --- */
typedef struct
{
  guint status;
  json_t *json;                 /* json_null() for an empty body */
} DaoRelayAnswer;

void dao_relay_answer_free (DaoRelayAnswer * answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DaoRelayAnswer, dao_relay_answer_free)
gboolean dao_relay_answer_is_success (DaoRelayAnswer * answer);
/* The status and the body's `error` as DAO_RELAY_ERROR_HTTP */
GError *dao_relay_answer_to_error (DaoRelayAnswer * answer);
/* Of another network: requests fail as unreachable, connections kept for later ones are closed. */
void dao_relay_http_abort (DaoRelayClient * client);

void dao_relay_http_async (DaoRelayClient * client, const gchar * method,
    const gchar * path, json_t * body, const gchar * token,
    GCancellable * cancellable, GAsyncReadyCallback callback,
    gpointer user_data);
/* Any status is an answer; an error is: unreachable, too long, not JSON, cancelled. */
DaoRelayAnswer *dao_relay_http_finish (DaoRelayClient * client,
    GAsyncResult * result, GError ** error);

/* --- dao-relay-login.c --- */
void dao_relay_login_async (DaoRelayClient * client,
    GAsyncReadyCallback callback, gpointer user_data);
gboolean dao_relay_login_finish (DaoRelayClient * client,
    GAsyncResult * result, GError ** error);
void dao_relay_forget_token (DaoRelayClient * client);
gboolean dao_relay_uuid_is_valid (const gchar * uuid);

/* --- dao-relay-socket.c --- */
DaoRelaySocket *dao_relay_socket_new (DaoRelayClient * client);
void dao_relay_socket_free (DaoRelaySocket * socket);
void dao_relay_socket_start (DaoRelaySocket * socket);
void dao_relay_socket_stop (DaoRelaySocket * socket);
gboolean dao_relay_socket_is_open (DaoRelaySocket * socket);
gboolean dao_relay_socket_send (DaoRelaySocket * socket, const gchar * text,
    GError ** error);
/* A DaoNetworkFunc; tests call it, too. */
void dao_relay_socket_network_changed (gboolean more, gpointer socket);

/* --- dao-relay-upgrade.c --- */
void dao_relay_upgrade_async (DaoRelayClient * client, const gchar * path,
    GCancellable * cancellable, GAsyncReadyCallback callback,
    gpointer user_data);
/* (transfer full): a DaoRelayStream; refused: DAO_RELAY_ERROR_HTTP with the status */
GIOStream *dao_relay_upgrade_finish (DaoRelayClient * client,
    GAsyncResult * result, GError ** error);

/* --- dao-relay-linger.c --- */
void dao_relay_linger (SoupWebsocketConnection * ws, gushort code,
    GMainContext * context);

G_END_DECLS
