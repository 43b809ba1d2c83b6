/* gst-dao: who is online, and frames from one to the other
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Knows no network: a transport (the server, or a test) owns the connection,
 * hands frames in, and fetches the bytes to send when it can send.
 */
#pragma once

#include "relay-limits.h"
#include "relay-store.h"

G_BEGIN_DECLS

#define RELAY_MAX_FRAME (256 * 1024)    /* an offer with every candidate is below 64 KiB, base64 and sealed */
#define RELAY_MAX_QUEUE (1024 * 1024)   /* four of the largest frames; who is further behind has gone */
#define RELAY_STALL_US (30 * G_USEC_PER_SEC)    /* nothing taken for so long: gone, too */
#define RELAY_IDLE_US (120 * G_USEC_PER_SEC)    /* clients ping every 25 or 30 s; four misses (protocol.md h.24: >= 90 s) */
/* The device that logged in anew gets this long to open its socket, so that the other one hears "new_device_login" and
 * stays away, and not "jwt_revoked", upon which both would log in again and again. protocol.md c allows 30 s. */
#define RELAY_REVOKED_GRACE_US (10 * G_USEC_PER_SEC)
#define RELAY_CLOSE_FLUSH_US (5 * G_USEC_PER_SEC)       /* for the peer to take a goaway and answer a close frame */
/* So many frames over the limit and it is no longer a slip but a flood. */
#define RELAY_MAX_EXCESS 2000

/* WebSocket close codes (RFC 6455 7.4.1) */
#define RELAY_CLOSE_NORMAL 1000
#define RELAY_CLOSE_GOING_AWAY 1001
#define RELAY_CLOSE_POLICY 1008
#define RELAY_CLOSE_TOO_BIG 1009

typedef struct
{
  /* Frames a user may send. The documented 120 a minute are for messages; trickled candidates come in bursts of 20 to 60 a
   * call, and a recorder has many calls on one account: so a burst of 400 and 20 a second. */
  RelayRate frames;
  /* And their bytes: a burst of 16 of the largest frames, then 512 KiB/s. */
  RelayRate bytes;
  gint64 idle_us;
  gint64 revoked_grace_us;
  gsize max_queue;
} RelayHubLimits;

extern const RelayHubLimits relay_hub_default_limits;

typedef struct _RelayHub RelayHub;
typedef struct _RelaySocket RelaySocket;

typedef struct
{
  void (*wake) (gpointer transport);    /* there is something to send, or to close */
  void (*kill) (gpointer transport);    /* cut the connection now, from outside its callbacks */
} RelayTransportOps;

RelayHub *relay_hub_new (const RelayHubLimits * limits,
    const RelayTransportOps * ops);
void relay_hub_free (RelayHub * hub);

/**
 * relay_hub_attach:
 * @account: id, uuid and alias are copied
 *
 * The account's socket from now on. One it had goes: with goaway "new_device_login" if it logged in with another token,
 * silently after a reconnect with the same one (protocol.md c).
 */
RelaySocket *relay_hub_attach (RelayHub * hub, const RelayAccount * account,
    const guint8 * token_hash, gpointer transport, gint64 now_us);
void relay_hub_detach (RelaySocket * socket);   /* the connection is gone; frees */

/* A whole text message came. FALSE: close the connection now (relay_socket_close_code() says how). */
gboolean relay_socket_receive (RelaySocket * socket, const gchar * frame,
    gsize length, gint64 now_us);

/* WebSocket frames, ready for the wire. */
gsize relay_socket_peek (RelaySocket * socket, const guint8 ** data);
/* The same, but only whole frames of together at most @max bytes, or one that is longer. */
gsize relay_socket_peek_frames (RelaySocket * socket, gsize max,
    const guint8 ** data);
void relay_socket_consume (RelaySocket * socket, gsize length, gint64 now_us);
gboolean relay_socket_is_closing (RelaySocket * socket);
guint relay_socket_close_code (RelaySocket * socket);

/* Sends {"type": @type, "from": @from} to @account if it is online. */
void relay_hub_notify (RelayHub * hub, gint64 account, const gchar * type,
    const gchar * from, gint64 now_us);

/* @account logged in anew: a socket with an older token gets goaway "jwt_revoked" when the grace is over. */
void relay_hub_revoke (RelayHub * hub, gint64 account,
    const guint8 * token_hash, gint64 now_us);

/* goaway "server_shutdown" and a close frame to all. */
void relay_hub_shutdown (RelayHub * hub, gint64 now_us);

/* Once a second: idle, stalled and revoked sockets. */
void relay_hub_sweep (RelayHub * hub, gint64 now_us);
guint relay_hub_n_sockets (RelayHub * hub);

G_END_DECLS
