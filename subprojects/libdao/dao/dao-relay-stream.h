/* gst-dao: the connection a WebSocket runs on, with bounds
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libsoup's WebSocket (3.2) keeps without limit what a message of many fragments adds up to and what it has still to
 * send, and reads for as long as there is something to read. This stream stands between it and the
 * connection:
 *
 *   in    a message, over all its fragments, is bounded (dao-websocket-limit.h): else the read fails;
 *         after so many bytes the main loop gets its turn
 *   out   what waits to be sent is bounded, the answers to pings among it
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define DAO_TYPE_RELAY_STREAM (dao_relay_stream_get_type ())
G_DECLARE_FINAL_TYPE (DaoRelayStream, dao_relay_stream, DAO, RELAY_STREAM,
    GIOStream)

/* What may wait for a relay that does not read: all signals of a call, several times over */
#define DAO_RELAY_MAX_UNSENT (1024 * 1024)

/**
 * dao_relay_stream_new:
 * @base: (transfer none): the connection after the WebSocket handshake; its streams are pollable
 *
 * Reading fails with %DAO_RELAY_ERROR_LIMIT when the relay goes beyond a bound.
 *
 * Returns: (transfer full): the stream; closing it closes @base
 */
GIOStream *dao_relay_stream_new (GIOStream * base);

/**
 * dao_relay_stream_reserve:
 * @length: bytes of payload of a frame that is to be sent
 *
 * Returns: FALSE with %DAO_RELAY_ERROR_LIMIT if too much waits to be sent already
 */
gboolean dao_relay_stream_reserve (DaoRelayStream * stream, gsize length,
    GError ** error);

/* (transfer none) */
GIOStream *dao_relay_stream_get_base (DaoRelayStream * stream);

G_END_DECLS
