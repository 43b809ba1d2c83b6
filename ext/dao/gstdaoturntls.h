/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * TURN over TLS (turns:, RFC 7065) for one call
 *
 * libnice 0.1.21 sends clear text to the TLS port of a TURN server (webrtcbin.md, 4). So it is given
 * an address on loopback instead, and what it sends there goes on over TLS: one listener a server,
 * one TLS connection for each connection of the agent.
 *
 *   agent --TCP, loopback--> listener ==TLS, certificate checked==> TURN server
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _GstDaoTurnTls GstDaoTurnTls;

/* RFC 7065, 3.2 */
#define GST_DAO_TURN_TLS_PORT 5349

/* libnice opens one connection a server for each address of this host; beyond this it is not libnice. */
#define GST_DAO_TURN_TLS_MAX_LINKS 16

/**
 * GstDaoTurnTlsFunc:
 * @port: of the address that gst_dao_turn_tls_add() returned
 * @reason: to be read after the name of the server
 *
 * The server cannot be used. Once a server, on the forwarder's own thread: must only post.
 */
typedef void (*GstDaoTurnTlsFunc) (guint port, const gchar * reason,
    gpointer user_data);

/**
 * gst_dao_turn_tls_new:
 * @ca_file: (nullable): PEM file of certificate authorities that are trusted besides the system's
 * @destroy: frees @user_data once no @failed can come any more, on any thread
 *
 * Returns: (transfer full): close with gst_dao_turn_tls_close()
 */
GstDaoTurnTls *gst_dao_turn_tls_new (const gchar * ca_file,
    GstDaoTurnTlsFunc failed, gpointer user_data, GDestroyNotify destroy);

/* How long connections from now on may take to come up, handshake included, in milliseconds; 8000 at first */
void gst_dao_turn_tls_set_patience (GstDaoTurnTls * tls, guint ms);

/**
 * gst_dao_turn_tls_add:
 * @host_port: HOST, HOST:PORT, [V6] or [V6]:PORT of a server; without a port, 5349
 *
 * Starts listening. Nothing is sent to the server before the agent connects.
 *
 * Returns: (transfer full): "ADDRESS:PORT" on loopback, to be given to the agent as a TURN server over
 *   TCP; NULL with a %G_IO_ERROR or %G_TLS_ERROR, also when the CA file cannot be read
 */
gchar *gst_dao_turn_tls_add (GstDaoTurnTls * tls, const gchar * host_port,
    GError ** error);

/**
 * gst_dao_turn_tls_stop_listening:
 *
 * The agent has made its connections: they go on, and no other is taken from now on. On the thread that adds.
 */
void gst_dao_turn_tls_stop_listening (GstDaoTurnTls * tls);

/* Servers added whose certificate or connection was not refused so far. Any thread. */
guint gst_dao_turn_tls_n_usable (GstDaoTurnTls * tls);

/* Ends all listeners and connections and drops the reference. Never blocks, any thread. */
void gst_dao_turn_tls_close (GstDaoTurnTls * tls);

G_END_DECLS
