/* gst-dao: the WebSocket to the relay
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * protocol.md d: a ticket before every connect, text frames, a ping every 25 s, back-off
 * with jitter that ends when the network is back, goaway. Whoever connects once stays
 * connected until it disconnects or the relay says something final.
 *
 * Emissions come last in every function: their handlers may stop the socket or drop the
 * client.
 */
#include "dao-relay-private.h"
#include "dao-envelope.h"
#include "dao-json.h"
#include "dao-network-watch.h"
#include "dao-relay-body.h"
#include "dao-relay-stream.h"

#include <string.h>

/* A ticket is a random string or a short JWT; it travels in a URL. */
#define MAX_TICKET 2048
/* What we repeat of a goaway's reason. */
#define MAX_REASON 64
/* protocol.md d: re-authenticate at most 3 times */
#define MAX_REVOCATIONS 3

struct _DaoRelaySocket
{
  DaoRelayClient *client;       /* owns us */
  gboolean wanted;
  guint generation;             /* callbacks of older attempts are void */
  GCancellable *attempt;        /* the attempt under way */
  GSource *timer;               /* next attempt, the deadline of this one, or of a probe */
  GSource *ping;
  GSource *network;             /* (nullable): watches it, while wanted */
  SoupWebsocketConnection *ws;  /* only while open */
  gushort close_code;           /* what we close it with */
  guint failures;               /* n of the back-off */
  guint refused;                /* refused logins in a row */
  gint64 heard_at;              /* monotonic, us */
  gint64 replaced_at;           /* last new_device_login, 0 = never */
  guint revocations;
  gint64 revoked_since;
};

/* One attempt's callback data. */
typedef struct
{
  DaoRelayClient *client;
  guint generation;
} Attempt;

static void begin_attempt (DaoRelaySocket * self);
static void end_probe (DaoRelaySocket * self);

guint
dao_relay_backoff_ms (guint attempt, gdouble jitter)
{
  /* 2^5 s is beyond the cap already; larger shifts would overflow. */
  guint delay = attempt >= 5 ? 30000 : MIN (1000u << attempt, 30000u);

  return (guint) (delay * jitter);
}

/* --- timers --- */

static void
clear_source (GSource ** source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
set_timer (DaoRelaySocket * self, guint ms, GSourceFunc callback)
{
  clear_source (&self->timer);
  self->timer = g_timeout_source_new (ms);
  g_source_set_callback (self->timer, callback, self, NULL);
  g_source_attach (self->timer, self->client->context);
}

/* Back to nothing: no attempt, no timer, no open socket. */
static void
reset (DaoRelaySocket * self)
{
  self->generation++;
  clear_source (&self->timer);
  clear_source (&self->ping);
  if (self->attempt != NULL) {
    g_cancellable_cancel (self->attempt);
    g_clear_object (&self->attempt);
  }
  if (self->ws != NULL) {
    SoupWebsocketConnection *ws = g_steal_pointer (&self->ws);

    g_signal_handlers_disconnect_by_data (ws, self);
    dao_relay_linger (ws, self->close_code, self->client->context);
  }
}

static gboolean
on_retry (gpointer user_data)
{
  begin_attempt (user_data);
  return G_SOURCE_REMOVE;
}

/* --- the ways down. @why is taken. --- */

static void
emit_error (DaoRelaySocket * self, guint signal, GError * why)
{
  DaoRelayClient *client = g_object_ref (self->client);

  g_signal_emit (client, dao_relay_signals[signal], 0, why);
  g_error_free (why);
  g_object_unref (client);
}

static void
give_up (DaoRelaySocket * self, GError * why)
{
  reset (self);
  self->wanted = FALSE;
  clear_source (&self->network);
  emit_error (self, DAO_RELAY_SIGNAL_FAILED, why);
}

static void
try_again_in (DaoRelaySocket * self, guint ms, GError * why)
{
  reset (self);
  set_timer (self, ms, on_retry);
  emit_error (self, DAO_RELAY_SIGNAL_OFFLINE, why);
}

static void
try_again (DaoRelaySocket * self, GError * why)
{
  guint ms = dao_relay_backoff_ms (self->failures++,
      g_random_double_range (0.7, 1.0));

  try_again_in (self,
      (guint) ((guint64) ms * self->client->timing.backoff_unit_ms / 1000),
      why);
}

static void
attempt_failed (DaoRelaySocket * self, GError * why)
{
  /* Our own check said no (another account's alias, a challenge that must not be signed): asking
   * again does not make it better. */
  if (why->domain == DAO_IDENTITY_ERROR
      || dao_identity_get_uuid (self->client->identity) == NULL) {
    give_up (self, why);
    return;
  }
  if (g_error_matches (why, DAO_RELAY_ERROR, DAO_RELAY_ERROR_AUTH)
      && ++self->refused >= DAO_RELAY_MAX_LOGINS) {
    give_up (self, why);
    return;
  }
  try_again (self, why);
}

/* --- goaway (protocol.md d) --- */

static gboolean
is_replaced_again (DaoRelaySocket * self)
{
  gint64 now = g_get_monotonic_time ();
  gint64 cooldown = self->client->timing.replaced_cooldown_ms * 1000LL;
  gboolean again = self->replaced_at != 0
      && now - self->replaced_at < cooldown;

  self->replaced_at = now;
  return again;
}

static gboolean
is_revoked_too_often (DaoRelaySocket * self)
{
  gint64 now = g_get_monotonic_time ();
  gint64 window = self->client->timing.revoked_window_ms * 1000LL;

  if (self->revocations == 0 || now - self->revoked_since > window) {
    self->revocations = 0;
    self->revoked_since = now;
  }
  return ++self->revocations > MAX_REVOCATIONS;
}

static gchar *
goaway_reason (json_t * frame)
{
  const gchar *reason;
  gchar *copy, *p;

  reason = dao_json_get_string (json_object_get (frame, "payload"), "reason");
  if (reason == NULL)
    reason = dao_json_get_string (frame, "reason");
  copy = g_strndup (reason != NULL ? reason : "", MAX_REASON);
  for (p = copy; *p != '\0'; p++) {
    if (!g_ascii_isgraph (*p))
      *p = '?';
  }
  return copy;
}

static void
on_goaway (DaoRelaySocket * self, json_t * frame)
{
  g_autofree gchar *reason = goaway_reason (frame);
  guint soon = self->client->timing.goaway_ms;

  if (g_str_equal (reason, "server_shutdown")
      || g_str_equal (reason, "network_reset")) {
    try_again_in (self, soon, g_error_new (DAO_RELAY_ERROR,
            DAO_RELAY_ERROR_GOAWAY, "The relay goes away: %s", reason));
  } else if (g_str_equal (reason, "new_device_login")) {
    GError *why = g_error_new_literal (DAO_RELAY_ERROR,
        DAO_RELAY_ERROR_REPLACED, "Another device logged in to this account");

    if (is_replaced_again (self))
      give_up (self, why);
    else
      try_again_in (self, soon, why);
  } else if (g_str_equal (reason, "jwt_revoked")) {
    GError *why = g_error_new_literal (DAO_RELAY_ERROR, DAO_RELAY_ERROR_AUTH,
        "The relay revoked the login");

    dao_relay_forget_token (self->client);
    if (is_revoked_too_often (self))
      give_up (self, why);
    else
      try_again_in (self, soon, why);
  } else {
    give_up (self, g_error_new (DAO_RELAY_ERROR, DAO_RELAY_ERROR_GOAWAY,
            "The relay sends us away: %s", reason));
  }
}

/* --- an open socket --- */

static void
on_message (SoupWebsocketConnection * ws, gint type, GBytes * message,
    gpointer user_data)
{
  DaoRelaySocket *self = user_data;
  g_autoptr (GError) error = NULL;
  const gchar *name;
  gsize length;
  const gchar *text = g_bytes_get_data (message, &length);
  json_t *frame;

  self->heard_at = g_get_monotonic_time ();
  end_probe (self);
  if (type != SOUP_WEBSOCKET_DATA_TEXT || length > DAO_ENVELOPE_MAX_FRAME)
    return;
  frame = dao_json_parse (text, length, &error);
  name = dao_json_get_string (frame, "type");
  if (name == NULL) {
    g_debug ("dropped a frame without a type%s%s", error ? ": " : "",
        error ? error->message : "");
  } else if (g_str_equal (name, "goaway")) {
    on_goaway (self, frame);
  } else if (!g_str_equal (name, "ping") && !g_str_equal (name, "pong")) {
    DaoRelayClient *client = g_object_ref (self->client);

    g_signal_emit (client, dao_relay_signals[DAO_RELAY_SIGNAL_FRAME], 0,
        message);
    g_object_unref (client);
  }
  if (frame != NULL)
    json_decref (frame);
}

static void
on_pong (SoupWebsocketConnection * ws, GBytes * payload, gpointer user_data)
{
  DaoRelaySocket *self = user_data;

  self->heard_at = g_get_monotonic_time ();
  end_probe (self);
}

/* What the relay sent is not to be had, or the line broke. libsoup would go on reading until the relay has
 * answered its close frame. */
static void
on_error (SoupWebsocketConnection * ws, GError * cause, gpointer user_data)
{
  DaoRelaySocket *self = user_data;
  gboolean limit = g_error_matches (cause, DAO_RELAY_ERROR,
      DAO_RELAY_ERROR_LIMIT);

  if (limit)
    self->close_code = SOUP_WEBSOCKET_CLOSE_TOO_BIG;
  else if (cause->domain == SOUP_WEBSOCKET_ERROR)
    self->close_code = cause->code;
  try_again (self, g_error_new (DAO_RELAY_ERROR,
          limit ? DAO_RELAY_ERROR_LIMIT : DAO_RELAY_ERROR_UNREACHABLE,
          "The connection to the relay is given up: %s", cause->message));
}

static void
on_closed (SoupWebsocketConnection * ws, gpointer user_data)
{
  DaoRelaySocket *self = user_data;

  try_again (self, g_error_new (DAO_RELAY_ERROR, DAO_RELAY_ERROR_UNREACHABLE,
          "The connection to the relay closed (code %u)",
          soup_websocket_connection_get_close_code (ws)));
}

/* The relay need not answer our JSON ping, but every WebSocket answers the protocol's own (RFC 6455, 5.5.2), which
 * libsoup sends at the same pace. Silence over two of them is a dead line that TCP would notice after minutes. */
static gboolean
on_ping (gpointer user_data)
{
  DaoRelaySocket *self = user_data;
  gint64 silent = g_get_monotonic_time () - self->heard_at;

  if (silent > self->client->timing.ping_ms * 2500LL) {
    try_again (self, g_error_new_literal (DAO_RELAY_ERROR,
            DAO_RELAY_ERROR_UNREACHABLE, "The relay has gone silent"));
    return G_SOURCE_REMOVE;
  }
  dao_relay_socket_send (self, "{\"type\":\"ping\"}", NULL);
  return G_SOURCE_CONTINUE;
}

static void
opened (DaoRelaySocket * self, GIOStream * stream)
{
  DaoRelayClient *client = g_object_ref (self->client);
  g_autoptr (GUri) uri = g_uri_parse (client->url, G_URI_FLAGS_NONE, NULL);
  SoupWebsocketConnection *ws = soup_websocket_connection_new (stream, uri,
      SOUP_WEBSOCKET_CONNECTION_CLIENT, NULL, NULL, NULL);

  clear_source (&self->timer);
  g_clear_object (&self->attempt);
  self->ws = ws;
  self->close_code = SOUP_WEBSOCKET_CLOSE_NORMAL;
  self->failures = 0;
  self->heard_at = g_get_monotonic_time ();
  soup_websocket_connection_set_max_incoming_payload_size (ws,
      DAO_ENVELOPE_MAX_FRAME);
  soup_websocket_connection_set_keepalive_interval (ws,
      client->timing.ping_ms / 1000);
  g_signal_connect (ws, "message", G_CALLBACK (on_message), self);
  g_signal_connect (ws, "pong", G_CALLBACK (on_pong), self);
  g_signal_connect (ws, "error", G_CALLBACK (on_error), self);
  g_signal_connect (ws, "closed", G_CALLBACK (on_closed), self);

  self->ping = g_timeout_source_new (client->timing.ping_ms);
  g_source_set_callback (self->ping, on_ping, self, NULL);
  g_source_attach (self->ping, client->context);
  g_signal_emit (client, dao_relay_signals[DAO_RELAY_SIGNAL_ONLINE], 0);
  g_object_unref (client);
}

/* --- an attempt: ticket, then upgrade --- */

static Attempt *
attempt_new (DaoRelaySocket * self)
{
  Attempt *attempt = g_new0 (Attempt, 1);

  attempt->client = g_object_ref (self->client);
  attempt->generation = self->generation;
  return attempt;
}

static void
attempt_free (Attempt * attempt)
{
  g_object_unref (attempt->client);
  g_free (attempt);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Attempt, attempt_free)

/* The socket this attempt is for, or NULL if it has moved on. */
static DaoRelaySocket *
attempt_socket (Attempt * attempt)
{
  DaoRelaySocket *self = attempt->client->socket;

  return attempt->generation == self->generation ? self : NULL;
}

static void
on_upgraded (GObject * source, GAsyncResult * result, gpointer user_data)
{
  g_autoptr (Attempt) attempt = user_data;
  g_autoptr (GIOStream) stream = NULL;
  GError *error = NULL;
  DaoRelaySocket *self;

  stream = dao_relay_upgrade_finish (DAO_RELAY_CLIENT (source), result, &error);
  self = attempt_socket (attempt);
  if (self == NULL)
    g_clear_error (&error);
  else if (stream == NULL)
    attempt_failed (self, error);
  else
    opened (self, stream);
}

static gboolean
ticket_is_valid (const gchar * ticket)
{
  return ticket != NULL && *ticket != '\0' && strlen (ticket) <= MAX_TICKET;
}

static void
start_upgrade (DaoRelaySocket * self, const gchar * ticket)
{
  gchar *path = dao_relay_path_socket (dao_identity_get_uuid
      (self->client->identity), ticket);

  dao_relay_upgrade_async (self->client, path, self->attempt, on_upgraded,
      attempt_new (self));
  dao_relay_wipe (&path);
}

static void
on_ticket (GObject * source, GAsyncResult * result, gpointer user_data)
{
  g_autoptr (Attempt) attempt = user_data;
  DaoRelaySocket *self = attempt_socket (attempt);
  GError *error = NULL;
  json_t *answer;

  answer = dao_relay_client_call_finish (DAO_RELAY_CLIENT (source), result,
      &error);
  if (self == NULL) {
    g_clear_error (&error);
  } else if (answer == NULL) {
    attempt_failed (self, error);
  } else if (!ticket_is_valid (dao_json_get_string (answer, "ticket"))) {
    attempt_failed (self, g_error_new_literal (DAO_RELAY_ERROR,
            DAO_RELAY_ERROR_ANSWER, "The relay's answer has no ticket"));
  } else {
    self->refused = 0;
    start_upgrade (self, dao_json_get_string (answer, "ticket"));
  }
  if (answer != NULL) {
    dao_relay_wipe_json (answer, "ticket");
    json_decref (answer);
  }
}

static gboolean
on_attempt_deadline (gpointer user_data)
{
  DaoRelaySocket *self = user_data;

  attempt_failed (self, g_error_new (DAO_RELAY_ERROR,
          DAO_RELAY_ERROR_UNREACHABLE, "%s does not answer",
          self->client->url));
  return G_SOURCE_REMOVE;
}

static void
begin_attempt (DaoRelaySocket * self)
{
  json_t *body = json_object ();

  reset (self);
  self->attempt = g_cancellable_new ();
  /* Login, ticket and upgrade are up to six requests with deadlines of their own; the upgrade has none. */
  set_timer (self, self->client->timing.request_ms * 3, on_attempt_deadline);
  dao_relay_client_call_async (self->client, "POST", DAO_PATH_WS_TICKET, body,
      self->attempt, on_ticket, attempt_new (self));
  json_decref (body);
}

/* --- the network changes --- */

/* What is under way over a network that is no more would hold up what comes next. */
static void
begin_anew (DaoRelaySocket * self, const gchar * why)
{
  gboolean open = self->ws != NULL;

  reset (self);
  dao_relay_http_abort (self->client);
  self->failures = 0;
  set_timer (self, self->client->timing.settle_ms, on_retry);
  if (open)
    emit_error (self, DAO_RELAY_SIGNAL_OFFLINE, g_error_new
        (DAO_RELAY_ERROR, DAO_RELAY_ERROR_UNREACHABLE,
            "The network changed: %s", why));
}

static gboolean
on_probe_deadline (gpointer user_data)
{
  DaoRelaySocket *self = user_data;

  begin_anew (self, "the relay does not answer any more");
  return G_SOURCE_REMOVE;
}

/* After an outage TCP may wait for half a minute before it tries again, and a call that comes in would be missed. */
static void
probe (DaoRelaySocket * self)
{
  soup_websocket_connection_set_keepalive_interval (self->ws, 1);
  set_timer (self, self->client->timing.probe_ms, on_probe_deadline);
}

static void
end_probe (DaoRelaySocket * self)
{
  if (self->timer == NULL)
    return;
  clear_source (&self->timer);
  soup_websocket_connection_set_keepalive_interval (self->ws,
      self->client->timing.ping_ms / 1000);
}

void
dao_relay_socket_network_changed (gboolean more, gpointer user_data)
{
  DaoRelaySocket *self = user_data;

  if (self->ws != NULL
      && dao_network_lost_address (G_SOCKET_CONNECTION
          (dao_relay_stream_get_base (DAO_RELAY_STREAM
                  (soup_websocket_connection_get_io_stream (self->ws))))))
    begin_anew (self, "our address is gone");
  else if (self->ws == NULL)
    begin_anew (self, NULL);
  else if (more)
    probe (self);
}

static void
watch_network (DaoRelaySocket * self, gboolean watch)
{
  clear_source (&self->network);
  if (watch)
    self->network = dao_network_watch_new (self->client->context,
        dao_relay_socket_network_changed, self);
}

/* --- what the client uses --- */

DaoRelaySocket *
dao_relay_socket_new (DaoRelayClient * client)
{
  DaoRelaySocket *self = g_new0 (DaoRelaySocket, 1);

  self->client = client;
  return self;
}

void
dao_relay_socket_free (DaoRelaySocket * self)
{
  watch_network (self, FALSE);
  reset (self);
  g_free (self);
}

void
dao_relay_socket_start (DaoRelaySocket * self)
{
  if (self->wanted)
    return;
  self->wanted = TRUE;
  self->failures = 0;
  self->refused = 0;
  self->replaced_at = 0;
  self->revocations = 0;
  watch_network (self, TRUE);
  begin_attempt (self);
}

void
dao_relay_socket_stop (DaoRelaySocket * self)
{
  self->wanted = FALSE;
  watch_network (self, FALSE);
  reset (self);
}

gboolean
dao_relay_socket_is_open (DaoRelaySocket * self)
{
  return self->ws != NULL && soup_websocket_connection_get_state (self->ws)
      == SOUP_WEBSOCKET_STATE_OPEN;
}

gboolean
dao_relay_socket_send (DaoRelaySocket * self, const gchar * text,
    GError ** error)
{
  if (!dao_relay_socket_is_open (self)) {
    g_set_error_literal (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_OFFLINE,
        "Not connected to the relay");
    return FALSE;
  }
  if (strlen (text) > DAO_ENVELOPE_MAX_FRAME) {
    g_set_error (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_LIMIT,
        "A frame of more than %d bytes is not sent", DAO_ENVELOPE_MAX_FRAME);
    return FALSE;
  }
  if (!dao_relay_stream_reserve (DAO_RELAY_STREAM
          (soup_websocket_connection_get_io_stream (self->ws)), strlen (text),
          error))
    return FALSE;
  soup_websocket_connection_send_text (self->ws, text);
  return TRUE;
}
