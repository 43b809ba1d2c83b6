/* gst-dao: what a WebSocket server may send us (RFC 6455, 5)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-websocket-limit.h"
#include "dao-relay-client.h"

#include <string.h>

/* RFC 6455, 5.2 */
#define FIN 0x80
#define OPCODE 0x0f
#define CONTROL 0x08
#define MASKED 0x80
#define LENGTH 0x7f
#define OPCODE_PING 0x9
#define LENGTH_16 126
#define LENGTH_64 127
/* A client's frame: two bytes and the mask (5.3) */
#define PONG_HEADER 6

void
dao_websocket_limit_init (DaoWebsocketLimit * limit, gsize max_message)
{
  memset (limit, 0, sizeof *limit);
  limit->max_message = max_message;
}

static guint
header_length (const DaoWebsocketLimit * limit)
{
  if (limit->n_header < 2)
    return 2;
  switch (limit->header[1] & LENGTH) {
    case LENGTH_16:
      return 4;
    case LENGTH_64:
      return 10;
    default:
      return 2;
  }
}

static guint64
payload_length (const DaoWebsocketLimit * limit)
{
  guint n = header_length (limit), i;
  guint64 length = 0;

  if (n == 2)
    return limit->header[1] & LENGTH;
  for (i = 2; i < n; i++)
    length = length << 8 | limit->header[i];
  return length;
}

static gboolean
refuse (GError ** error, const gchar * why)
{
  g_set_error (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_LIMIT,
      "The relay sends %s", why);
  return FALSE;
}

static gboolean
take_control_frame (DaoWebsocketLimit * limit, gsize * pongs, GError ** error)
{
  if (limit->payload_left > DAO_WEBSOCKET_MAX_CONTROL)
    return refuse (error, "a control frame of more than 125 bytes");
  if ((limit->header[0] & OPCODE) == OPCODE_PING)
    *pongs += PONG_HEADER + limit->payload_left;
  return TRUE;
}

static gboolean
take_fragment (DaoWebsocketLimit * limit, GError ** error)
{
  /* In this order nothing overflows, whatever 64 bits of length say. */
  if (limit->payload_left > limit->max_message - limit->message) {
    g_set_error (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_LIMIT,
        "The relay sends a message of more than %" G_GSIZE_FORMAT " bytes",
        limit->max_message);
    return FALSE;
  }
  if (++limit->fragments > DAO_WEBSOCKET_MAX_FRAGMENTS)
    return refuse (error, "a message in too many fragments");
  limit->message += limit->payload_left;
  if (limit->header[0] & FIN)
    limit->message = limit->fragments = 0;
  return TRUE;
}

static gboolean
take_header (DaoWebsocketLimit * limit, gsize * pongs, GError ** error)
{
  /* Its mask would be taken for a header. libsoup refuses it, too. */
  if (limit->header[1] & MASKED)
    return refuse (error, "a masked frame");
  limit->payload_left = payload_length (limit);
  limit->n_header = 0;
  if (limit->header[0] & CONTROL)
    return take_control_frame (limit, pongs, error);
  return take_fragment (limit, error);
}

gboolean
dao_websocket_limit_take (DaoWebsocketLimit * limit, const guint8 * data,
    gsize length, gsize * pongs, GError ** error)
{
  while (length > 0) {
    gsize skip = MIN (length, limit->payload_left);

    data += skip;
    length -= skip;
    limit->payload_left -= skip;
    if (length == 0)
      break;
    limit->header[limit->n_header++] = *data++;
    length--;
    if (limit->n_header == header_length (limit)
        && !take_header (limit, pongs, error))
      return FALSE;
  }
  return TRUE;
}
