/* gst-dao: who is online, and frames from one to the other
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "relay-hub.h"

#include <string.h>

const RelayHubLimits relay_hub_default_limits = {
  .frames = {400, 20},
  .bytes = {16. * RELAY_MAX_FRAME, 512. * 1024},
  .idle_us = RELAY_IDLE_US,
  .revoked_grace_us = RELAY_REVOKED_GRACE_US,
  .max_queue = RELAY_MAX_QUEUE,
};

/* An emptied queue keeps this much for the next frame and gives back more. */
#define QUEUE_KEEP 8192
#define WS_TEXT_FINAL 0x81      /* RFC 6455 5.2: FIN, opcode 1 */
#define WS_CLOSE_FINAL 0x88
#define WS_MAX_HEADER 10

/* The limits of an account that has gone offline: a reconnect is no way round them. */
typedef struct
{
  gint64 account;
  RelayBucket frames, bytes;
  gint64 heard_us;
} Departed;

/* By then every bucket is full again. */
#define DEPARTED_US (60 * G_USEC_PER_SEC)

struct _RelayHub
{
  RelayHubLimits limits;
  const RelayTransportOps *ops;
  GHashTable *by_alias;         /* alias -> RelaySocket, the one of its account */
  GHashTable *by_account;       /* &account -> RelaySocket */
  GHashTable *all;              /* also those that are being closed */
  GHashTable *departed;         /* &account -> Departed */
};

struct _RelaySocket
{
  RelayHub *hub;
  gpointer transport;
  gint64 account;
  gchar alias[RELAY_ALIAS_MAX + 1];
  guint8 token_hash[RELAY_TOKEN_HASH_SIZE];
  gboolean current;             /* in by_alias and by_account */

  guint8 *queue;                /* bytes [start, end) wait to be sent */
  gsize start, end, size;
  gint64 progress_us;           /* when the queue last moved, or began */

  RelayBucket frames, bytes;
  guint excess;
  gint64 heard_us;
  gint64 revoked_us;            /* 0 = token is valid */
  guint close_code;             /* 0 = open */
  gint64 close_us;
};

RelayHub *
relay_hub_new (const RelayHubLimits * limits, const RelayTransportOps * ops)
{
  RelayHub *hub = g_new0 (RelayHub, 1);

  hub->limits = *limits;
  hub->ops = ops;
  hub->by_alias = g_hash_table_new (g_str_hash, g_str_equal);
  hub->by_account = g_hash_table_new (g_int64_hash, g_int64_equal);
  hub->all = g_hash_table_new (NULL, NULL);
  hub->departed = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL,
      g_free);
  return hub;
}

void
relay_hub_free (RelayHub * hub)
{
  if (!hub)
    return;
  g_warn_if_fail (g_hash_table_size (hub->all) == 0);
  g_hash_table_unref (hub->by_alias);
  g_hash_table_unref (hub->by_account);
  g_hash_table_unref (hub->all);
  g_hash_table_unref (hub->departed);
  g_free (hub);
}

guint
relay_hub_n_sockets (RelayHub * hub)
{
  return g_hash_table_size (hub->all);
}

/* --- the queue --- */

static void
queue_drop (RelaySocket * socket)
{
  g_clear_pointer (&socket->queue, g_free);
  socket->start = socket->end = socket->size = 0;
}

/* Room for @length more bytes behind the end, or NULL if the reader is too far behind. */
static guint8 *
queue_grow (RelaySocket * socket, gsize length)
{
  gsize used = socket->end - socket->start;

  if (used + length > socket->hub->limits.max_queue)
    return NULL;
  if (socket->end + length > socket->size) {
    if (socket->start > 0) {
      memmove (socket->queue, socket->queue + socket->start, used);
      socket->start = 0;
      socket->end = used;
    }
    if (used + length > socket->size) {
      socket->size = MAX (2 * socket->size, used + length);
      socket->queue = g_realloc (socket->queue, socket->size);
    }
  }
  return socket->queue + socket->end;
}

static gsize
put_header (guint8 * out, guint8 first, gsize length)
{
  gsize n = length < 126 ? 2 : length < 65536 ? 4 : 10;

  out[0] = first;
  out[1] = n == 2 ? length : n == 4 ? 126 : 127;
  for (gsize i = 2; i < n; i++)
    out[i] = length >> (8 * (n - 1 - i));
  return n;
}

/* Makes room for a frame of @length bytes and writes its header. NULL: cut off, this socket reads too slowly. */
static guint8 *
queue_frame (RelaySocket * socket, guint8 first, gsize length, gint64 now_us)
{
  guint8 *out;
  gsize n;

  if (socket->close_code)
    return NULL;
  out = queue_grow (socket, WS_MAX_HEADER + length);
  if (!out) {
    /* no goaway: it would stand behind what is not being read */
    socket->close_code = RELAY_CLOSE_POLICY;
    socket->close_us = now_us;
    queue_drop (socket);
    socket->hub->ops->kill (socket->transport);
    return NULL;
  }
  if (socket->start == socket->end)
    socket->progress_us = now_us;
  n = put_header (out, first, length);
  socket->end += n + length;
  socket->hub->ops->wake (socket->transport);
  return out + n;
}

gsize
relay_socket_peek (RelaySocket * socket, const guint8 ** data)
{
  /* an empty queue has no memory, and NULL plus 0 is undefined in C */
  *data = socket->queue ? socket->queue + socket->start : NULL;
  return socket->end - socket->start;
}

/* Header and payload, as put_header() wrote it */
static gsize
frame_length (const guint8 * frame)
{
  gsize n = frame[1] < 126 ? 2 : frame[1] == 126 ? 4 : 10, length = 0;

  if (n == 2)
    return n + frame[1];
  for (gsize i = 2; i < n; i++)
    length = length << 8 | frame[i];
  return n + length;
}

gsize
relay_socket_peek_frames (RelaySocket * socket, gsize max, const guint8 ** data)
{
  gsize waiting = relay_socket_peek (socket, data), length = 0;

  while (length < waiting) {
    gsize next = length + frame_length (*data + length);

    if (length > 0 && next > max)
      break;
    length = next;
  }
  return length;
}

void
relay_socket_consume (RelaySocket * socket, gsize length, gint64 now_us)
{
  g_return_if_fail (length <= socket->end - socket->start);
  socket->start += length;
  socket->progress_us = now_us;
  if (socket->start < socket->end)
    return;
  socket->start = socket->end = 0;
  if (socket->size > QUEUE_KEEP)
    queue_drop (socket);
}

gboolean
relay_socket_is_closing (RelaySocket * socket)
{
  return socket->close_code != 0;
}

guint
relay_socket_close_code (RelaySocket * socket)
{
  return socket->close_code ? socket->close_code : RELAY_CLOSE_NORMAL;
}

/* --- coming and going --- */

static void
send_text (RelaySocket * socket, const gchar * text, gint64 now_us)
{
  gsize length = strlen (text);
  guint8 *out = queue_frame (socket, WS_TEXT_FINAL, length, now_us);

  if (out)
    memcpy (out, text, length);
}

/* No longer the account's socket. */
static void
retire (RelaySocket * socket)
{
  Departed *departed;

  if (!socket->current)
    return;
  departed = g_new0 (Departed, 1);
  departed->account = socket->account;
  departed->frames = socket->frames;
  departed->bytes = socket->bytes;
  departed->heard_us = socket->heard_us;
  g_hash_table_replace (socket->hub->departed, &departed->account, departed);
  g_hash_table_remove (socket->hub->by_alias, socket->alias);
  g_hash_table_remove (socket->hub->by_account, &socket->account);
  socket->current = FALSE;
}

/* What is queued, a goaway and a close frame still go out. */
static void
close_socket (RelaySocket * socket, guint code, const gchar * goaway,
    gint64 now_us)
{
  guint8 *out;

  retire (socket);
  if (socket->close_code)
    return;
  if (goaway) {
    /* nested for the clients of today, on top for the others (protocol.md d) */
    g_autofree gchar *text =
        g_strdup_printf ("{\"type\":\"goaway\",\"reason\":\"%s\","
        "\"payload\":{\"reason\":\"%s\"}}", goaway, goaway);
    send_text (socket, text, now_us);
  }
  out = queue_frame (socket, WS_CLOSE_FINAL, 2, now_us);
  if (!out)
    return;                     /* cut off: it had not even read so far */
  out[0] = code >> 8;
  out[1] = code;
  socket->close_code = code;
  socket->close_us = now_us;
}

/* Misbehaved: the transport closes now. Returns what relay_socket_receive() does. */
static gboolean
refuse (RelaySocket * socket, guint code, gint64 now_us)
{
  retire (socket);
  queue_drop (socket);
  socket->close_code = code;
  socket->close_us = now_us;
  return FALSE;
}

RelaySocket *
relay_hub_attach (RelayHub * hub, const RelayAccount * account,
    const guint8 * token_hash, gpointer transport, gint64 now_us)
{
  RelaySocket *socket = g_new0 (RelaySocket, 1);
  RelaySocket *old = g_hash_table_lookup (hub->by_account, &account->id);
  Departed *departed;

  if (old) {
    gboolean same = memcmp (old->token_hash, token_hash,
        RELAY_TOKEN_HASH_SIZE) == 0;

    close_socket (old, same ? RELAY_CLOSE_NORMAL : RELAY_CLOSE_POLICY,
        same ? NULL : "new_device_login", now_us);
  }
  socket->hub = hub;
  socket->transport = transport;
  socket->account = account->id;
  g_strlcpy (socket->alias, account->alias, sizeof socket->alias);
  memcpy (socket->token_hash, token_hash, RELAY_TOKEN_HASH_SIZE);
  socket->heard_us = now_us;
  socket->current = TRUE;
  departed = g_hash_table_lookup (hub->departed, &account->id);
  if (departed) {
    socket->frames = departed->frames;
    socket->bytes = departed->bytes;
  }
  g_hash_table_insert (hub->by_alias, socket->alias, socket);
  g_hash_table_insert (hub->by_account, &socket->account, socket);
  g_hash_table_add (hub->all, socket);
  return socket;
}

void
relay_hub_detach (RelaySocket * socket)
{
  retire (socket);
  g_hash_table_remove (socket->hub->all, socket);
  queue_drop (socket);
  g_free (socket);
}

/* --- frames --- */

static gboolean
within_limits (RelaySocket * socket, gsize length, gint64 now_us)
{
  const RelayHubLimits *limits = &socket->hub->limits;

  if (relay_bucket_take (&socket->frames, &limits->frames, now_us, 1)
      && relay_bucket_take (&socket->bytes, &limits->bytes, now_us, length)) {
    socket->excess = 0;
    return TRUE;
  }
  socket->excess++;
  return FALSE;
}

static void
forward (RelayHub * hub, const RelayRoute * route, const gchar * frame,
    gsize length, gint64 now_us)
{
  RelaySocket *to = g_hash_table_lookup (hub->by_alias, route->to);
  guint8 *out;

  if (!to)
    return;                     /* offline: silently nothing */
  out = queue_frame (to, WS_TEXT_FINAL, relay_route_length (route, length),
      now_us);
  if (out)
    relay_route_write (route, frame, length, out);
}

gboolean
relay_socket_receive (RelaySocket * socket, const gchar * frame, gsize length,
    gint64 now_us)
{
  RelayRoute route;

  socket->heard_us = now_us;
  if (socket->close_code)
    return TRUE;                /* it is on its way out; what it still says goes nowhere */
  if (length > RELAY_MAX_FRAME)
    return refuse (socket, RELAY_CLOSE_TOO_BIG, now_us);
  if (!within_limits (socket, length, now_us))
    return socket->excess <= RELAY_MAX_EXCESS
        || refuse (socket, RELAY_CLOSE_POLICY, now_us);
  relay_route_parse (frame, length, socket->alias, &route);
  if (route.kind == RELAY_ROUTE_CALL)
    forward (socket->hub, &route, frame, length, now_us);
  else if (route.kind == RELAY_ROUTE_PING)
    send_text (socket, "{\"type\":\"pong\"}", now_us);
  return TRUE;
}

void
relay_hub_notify (RelayHub * hub, gint64 account, const gchar * type,
    const gchar * from, gint64 now_us)
{
  RelaySocket *socket = g_hash_table_lookup (hub->by_account, &account);
  g_autofree gchar *text = NULL;

  if (!socket)
    return;
  text = g_strdup_printf ("{\"type\":\"%s\",\"from\":\"%s\"}", type, from);
  send_text (socket, text, now_us);
}

/* --- time --- */

void
relay_hub_revoke (RelayHub * hub, gint64 account, const guint8 * token_hash,
    gint64 now_us)
{
  RelaySocket *socket = g_hash_table_lookup (hub->by_account, &account);

  if (socket && socket->revoked_us == 0
      && memcmp (socket->token_hash, token_hash, RELAY_TOKEN_HASH_SIZE) != 0)
    socket->revoked_us = now_us;
}

void
relay_hub_shutdown (RelayHub * hub, gint64 now_us)
{
  g_autoptr (GList) sockets = g_hash_table_get_keys (hub->all);

  for (GList * l = sockets; l; l = l->next)
    close_socket (l->data, RELAY_CLOSE_GOING_AWAY, "server_shutdown", now_us);
}

static void
sweep_socket (RelaySocket * socket, gint64 now_us)
{
  RelayHub *hub = socket->hub;
  gboolean waiting = socket->start < socket->end;

  if (socket->close_code ? now_us - socket->close_us > RELAY_CLOSE_FLUSH_US :
      waiting && now_us - socket->progress_us > RELAY_STALL_US) {
    retire (socket);
    hub->ops->kill (socket->transport);
  } else if (socket->close_code) {
    return;
  } else if (now_us - socket->heard_us > hub->limits.idle_us) {
    close_socket (socket, RELAY_CLOSE_NORMAL, NULL, now_us);
  } else if (socket->revoked_us
      && now_us - socket->revoked_us > hub->limits.revoked_grace_us) {
    close_socket (socket, RELAY_CLOSE_POLICY, "jwt_revoked", now_us);
  }
}

static gboolean
is_long_gone (gpointer key, gpointer value, gpointer now_us)
{
  return *(gint64 *) now_us - ((Departed *) value)->heard_us > DEPARTED_US;
}

void
relay_hub_sweep (RelayHub * hub, gint64 now_us)
{
  g_autoptr (GList) sockets = g_hash_table_get_keys (hub->all);

  g_hash_table_foreach_remove (hub->departed, is_long_gone, &now_us);

  for (GList * l = sockets; l; l = l->next)
    sweep_socket (l->data, now_us);
}
