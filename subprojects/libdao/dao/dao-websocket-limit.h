/* gst-dao: what a WebSocket server may send us (RFC 6455, 5)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads the headers of frames as their bytes go by, and keeps none of them. It says no where the other side would
 * make us keep more than a message of the size we accept; whether frames are right otherwise is for
 * libsoup to say.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A frame has 10 bytes in front of its payload at most; a server's frames have no mask. */
#define DAO_WEBSOCKET_MAX_HEADER 10
/* RFC 6455, 5.5: the payload of a control frame */
#define DAO_WEBSOCKET_MAX_CONTROL 125
/* Fragments of one message. A relay that forwards 256 KB in pieces of one TCP segment sends 180. */
#define DAO_WEBSOCKET_MAX_FRAGMENTS 1024

typedef struct
{
  gsize max_message;            /* bytes of payload, over all fragments */
  guint8 header[DAO_WEBSOCKET_MAX_HEADER];
  guint n_header;               /* what there is of it */
  guint64 payload_left;         /* of the frame at hand */
  gsize message;                /* payload of the message so far */
  guint fragments;
} DaoWebsocketLimit;

void dao_websocket_limit_init (DaoWebsocketLimit * limit, gsize max_message);

/**
 * dao_websocket_limit_take:
 * @data: (array length=length): the next bytes of the stream, cut anywhere
 * @pongs: (inout): grows by the bytes of the pongs that the pings in @data ask for
 *
 * Returns: FALSE with %DAO_RELAY_ERROR_LIMIT if the connection must end; do not call it again then
 */
gboolean dao_websocket_limit_take (DaoWebsocketLimit * limit,
    const guint8 * data, gsize length, gsize * pongs, GError ** error);

G_END_DECLS
