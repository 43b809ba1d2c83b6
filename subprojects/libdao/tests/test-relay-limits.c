/* gst-dao: tests of what a relay can make a client keep or do
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The relay here answers the API as the protocol says. Its WebSocket, and one path of its API, are bare
 * connections: the test writes the bytes, and reads only when it wants to.
 */
#include "dao-envelope.h"
#include "dao-relay-private.h"
#include "dao-relay-stream.h"
#include "dao-websocket-limit.h"
#include "standin-relay.h"

#include <string.h>

#define MNEMONIC "legal winner thank year wave sausage worth useful legal " \
    "winner thank yellow"
/* A relay that is not cut off after this much is not cut off. The buffers of the system take a part of it. */
#define MAX_FLOOD (64 * 1024 * 1024)
#define RAW_PATH "/api/v1/raw"
/* RFC 6455, 5.2 */
#define TEXT 0x1
#define CONTINUATION 0x0
#define PING 0x9
#define PONG 0xa
#define FIN 0x80

/* As standin_wait_until(), for what no source of the main loop tells: when the bare connection can be used. */
#define pump_until(condition) G_STMT_START { \
  StandinWait wait_; \
  standin_wait_begin (&wait_); \
  while (!(condition) && !wait_.expired) \
    g_main_context_iteration (NULL, FALSE); \
  standin_wait_end (&wait_); \
  g_assert_false (wait_.expired); \
} G_STMT_END

typedef struct
{
  Standin *standin;
  DaoIdentity *identity;
  DaoRelayClient *client;
  GIOStream *raw;               /* the relay's end of the newest bare connection */
  const gchar *upgrade;         /* answer to the upgrade; NULL = the right one */
  guint n_upgrades, online, offline, frames;
  GError *why;                  /* of the last offline */
  guint done;                   /* API calls */
  GError *error;
} Fixture;

static void
on_online (DaoRelayClient * client, Fixture * f)
{
  f->online++;
}

static void
on_offline (DaoRelayClient * client, GError * why, Fixture * f)
{
  f->offline++;
  g_clear_error (&f->why);
  f->why = g_error_copy (why);
}

static void
on_frame (DaoRelayClient * client, GBytes * frame, Fixture * f)
{
  f->frames++;
}

/* --- the relay's end --- */

static GPollableOutputStream *
raw_output (Fixture * f)
{
  return G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (f->raw));
}

/* FALSE when the connection takes no more at the moment, or is gone. */
static gboolean
raw_write_some (Fixture * f, const guint8 * data, gsize length, gsize * sent)
{
  gssize n = g_pollable_output_stream_write_nonblocking (raw_output (f),
      data + *sent, length - *sent, NULL, NULL);

  if (n <= 0)
    return FALSE;
  *sent += n;
  return TRUE;
}

static void
raw_write (Fixture * f, const void *data, gsize length)
{
  gsize sent = 0;

  pump_until ((raw_write_some (f, data, length, &sent), sent == length));
}

static gsize
raw_read_some (Fixture * f, guint8 * buffer, gsize length)
{
  gssize n = g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM
      (g_io_stream_get_input_stream (f->raw)), buffer, length, NULL, NULL);

  return MAX (n, 0);
}

static void
raw_close (Fixture * f)
{
  if (f->raw == NULL)
    return;
  g_io_stream_close (f->raw, NULL, NULL);
  g_clear_object (&f->raw);
}

static void
on_stolen (SoupServerMessage * message, gpointer user_data)
{
  Fixture *f = user_data;

  raw_close (f);
  f->raw = soup_server_message_steal_connection (message);
}

static gchar *
accept_of (const gchar * key)
{
  g_autofree gchar *both = g_strconcat (key,
      "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", NULL);
  g_autofree gchar *hex = g_compute_checksum_for_string (G_CHECKSUM_SHA1,
      both, -1);
  guint8 digest[20];
  guint i;

  for (i = 0; i < sizeof digest; i++)
    digest[i] = g_ascii_xdigit_value (hex[2 * i]) << 4
        | g_ascii_xdigit_value (hex[2 * i + 1]);
  return g_base64_encode (digest, sizeof digest);
}

static void
on_upgrade (SoupServer * server, SoupServerMessage * message,
    const char *path, GHashTable * query, gpointer user_data)
{
  Fixture *f = user_data;
  SoupMessageHeaders *request =
      soup_server_message_get_request_headers (message);
  g_autofree gchar *accept = accept_of (soup_message_headers_get_one (request,
          "Sec-WebSocket-Key"));
  g_autofree gchar *right = g_strdup_printf ("HTTP/1.1 101 Fine\r\n"
      "Upgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n"
      "Sec-WebSocket-Accept: %s\r\n\r\n", accept);
  const gchar *answer = f->upgrade != NULL ? f->upgrade : right;

  f->n_upgrades++;
  on_stolen (message, f);
  raw_write (f, answer, strlen (answer));
}

static void
on_raw (SoupServer * server, SoupServerMessage * message,
    const char *path, GHashTable * query, gpointer user_data)
{
  on_stolen (message, user_data);
}

/* --- set up --- */

static void
set_up (Fixture * f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  const gchar *uuid;

  f->standin = standin_new ();
  soup_server_remove_handler (f->standin->server, "/ws");
  soup_server_add_handler (f->standin->server, "/ws", on_upgrade, f, NULL);
  soup_server_add_handler (f->standin->server, RAW_PATH, on_raw, f, NULL);
  f->identity = dao_identity_new_from_mnemonic (MNEMONIC, NULL);
  uuid = standin_add_user (f->standin, "alice",
      dao_identity_get_ed25519_public (f->identity),
      dao_identity_get_x25519_public (f->identity));
  dao_identity_set_uuid (f->identity, uuid);
  dao_identity_set_alias (f->identity, "alice");
  f->client = dao_relay_client_new (f->standin->url, f->identity, &error);
  g_assert_no_error (error);
  dao_relay_client_get_timing (f->client)->backoff_unit_ms = 2;
  g_signal_connect (f->client, "online", G_CALLBACK (on_online), f);
  g_signal_connect (f->client, "offline", G_CALLBACK (on_offline), f);
  g_signal_connect (f->client, "frame", G_CALLBACK (on_frame), f);
}

static void
tear_down (Fixture * f, gconstpointer data)
{
  g_signal_handlers_disconnect_by_data (f->client, f);
  dao_relay_client_disconnect (f->client);
  raw_close (f);
  g_assert_true (dao_relay_drain (5000));
  standin_settle ();
  g_assert_finalize_object (f->client);
  dao_identity_unref (f->identity);
  standin_free (f->standin);
  standin_settle ();
  g_clear_error (&f->why);
  g_clear_error (&f->error);
}

static void
go_online (Fixture * f)
{
  guint before = f->online;

  dao_relay_client_connect (f->client);
  standin_wait_until (f->online > before);
}

/* --- frames --- */

static GByteArray *
frame_new (guint8 first, gsize length)
{
  GByteArray *frame = g_byte_array_new ();
  guint8 header[10] = { first };
  gsize n = 2, i;

  if (length < 126) {
    header[1] = length;
  } else {
    n = length < 65536 ? 4 : 10;
    header[1] = n == 4 ? 126 : 127;
    for (i = 2; i < n; i++)
      header[i] = (guint64) length >> 8 * (n - 1 - i);
  }
  g_byte_array_append (frame, header, n);
  g_byte_array_set_size (frame, n + length);
  memset (frame->data + n, ' ', length);
  return frame;
}

static void
add_frame (GByteArray * bytes, guint8 first, gsize length)
{
  g_autoptr (GByteArray) frame = frame_new (first, length);

  g_byte_array_append (bytes, frame->data, frame->len);
}

static void
send_frame (Fixture * f, guint8 first, gsize length)
{
  g_autoptr (GByteArray) frame = frame_new (first, length);

  raw_write (f, frame->data, frame->len);
}

/* Writes the text or frame again and again, until @done. */
static void
flood_with (Fixture * f, const void *data, gsize length, const guint * done)
{
  g_autoptr (GByteArray) block = g_byte_array_new ();
  gsize sent = 0, total = 0;

  while (block->len < 16 * 1024)
    g_byte_array_append (block, data, length);
  while (!*done) {
    gsize before = sent;

    if (raw_write_some (f, block->data, block->len, &sent)) {
      total += sent - before;
      sent %= block->len;
      g_assert_cmpuint (total, <, MAX_FLOOD);
    }
    g_main_context_iteration (NULL, FALSE);
  }
}

static void
flood (Fixture * f, guint8 first, gsize length)
{
  g_autoptr (GByteArray) frame = frame_new (first, length);

  flood_with (f, frame->data, frame->len, &f->offline);
}

static void
assert_cut_off (Fixture * f, const gchar * reason)
{
  standin_wait_until (f->offline >= 1);
  g_assert_error (f->why, DAO_RELAY_ERROR, DAO_RELAY_ERROR_LIMIT);
  g_assert_nonnull (strstr (f->why->message, reason));
  g_assert_cmpuint (f->frames, ==, 0);
  /* It is not the end: the next connection is a new one. */
  standin_wait_until (f->online == 2);
}

/* --- messages --- */

static void
test_guard_endless_message (Fixture * f, gconstpointer data)
{
  go_online (f);
  send_frame (f, TEXT, 1000);
  flood (f, CONTINUATION, 1000);
  assert_cut_off (f, "a message of more than 262144 bytes");
}

static void
test_guard_endless_empty_fragments (Fixture * f, gconstpointer data)
{
  go_online (f);
  send_frame (f, TEXT, 10);
  flood (f, CONTINUATION, 0);
  assert_cut_off (f, "a message in too many fragments");
}

/* Nothing is left unread here, so the close frame must arrive: 1009, too big (RFC 6455, 7.4.1). */
static void
test_guard_close_code (Fixture * f, gconstpointer data)
{
  g_autoptr (GByteArray) second = frame_new (CONTINUATION, 100 * 1024);
  guint8 close[8] = { 0 };
  gsize n = 0;

  go_online (f);
  send_frame (f, TEXT, 200 * 1024);
  raw_write (f, second->data, 10);
  standin_wait_until (f->offline == 1);
  g_assert_error (f->why, DAO_RELAY_ERROR, DAO_RELAY_ERROR_LIMIT);
  /* Header, mask and the code under it */
  pump_until ((n += raw_read_some (f, close + n, sizeof close - n),
          n == sizeof close));
  g_assert_cmphex (close[0], ==, 0x88);
  g_assert_cmphex (close[1], ==, 0x82);
  g_assert_cmpuint ((close[6] ^ close[2]) << 8 | (close[7] ^ close[3]), ==,
      SOUP_WEBSOCKET_CLOSE_TOO_BIG);
}

/* What fits arrives, in whatever pieces, and what came before does not count. */
static void
test_fragments_that_fit (Fixture * f, gconstpointer data)
{
  static const gchar *pieces[] = { "{\"type\":", "\"msg\"", "}" };
  guint round, i;

  go_online (f);
  for (round = 1; round <= 3; round++) {
    send_frame (f, TEXT, 0);
    send_frame (f, FIN | PING, 125);
    send_frame (f, CONTINUATION, DAO_ENVELOPE_MAX_FRAME - 16);
    for (i = 0; i < G_N_ELEMENTS (pieces); i++) {
      gboolean last = i + 1 == G_N_ELEMENTS (pieces);
      guint8 header[2] = { last ? FIN : 0, strlen (pieces[i]) };

      raw_write (f, header, 2);
      raw_write (f, pieces[i], strlen (pieces[i]));
      send_frame (f, FIN | PONG, 3);
    }
    standin_wait_until (f->frames == round || f->offline > 0);
    g_assert_cmpuint (f->offline, ==, 0);
  }
}

/* --- control frames --- */

static void
test_guard_long_control_frame (Fixture * f, gconstpointer data)
{
  go_online (f);
  send_frame (f, FIN | PING, 126);
  assert_cut_off (f, "a control frame of more than 125 bytes");
}

/* Each ping makes an answer that waits until the relay reads, which it never does. */
static void
test_guard_ping_flood (Fixture * f, gconstpointer data)
{
  go_online (f);
  flood (f, FIN | PING, 125);
  assert_cut_off (f, "does not read");
}

/* Any number of pings is fine for a relay that reads the answers. */
static void
test_pings_that_are_read (Fixture * f, gconstpointer data)
{
  g_autoptr (GByteArray) frame = frame_new (FIN | PING, 125);
  gsize total = 0, pongs = 0, sent = 0;
  guint8 buffer[16384];

  go_online (f);
  while (pongs < 3 * DAO_RELAY_MAX_UNSENT) {
    if (total < 4 * DAO_RELAY_MAX_UNSENT
        && raw_write_some (f, frame->data, frame->len, &sent)) {
      total += sent == frame->len ? frame->len : 0;
      sent %= frame->len;
    }
    pongs += raw_read_some (f, buffer, sizeof buffer);
    g_main_context_iteration (NULL, FALSE);
    g_assert_cmpuint (f->offline, ==, 0);
  }
}

/* --- what we send --- */

static void
test_guard_unsent (Fixture * f, gconstpointer data)
{
  g_autofree gchar *text = g_strnfill (200 * 1024, ' ');
  g_autoptr (GError) error = NULL;
  guint8 buffer[65536];
  gsize total = 0;

  go_online (f);
  while (dao_relay_client_send (f->client, text, &error)) {
    total += strlen (text);
    g_assert_cmpuint (total, <, MAX_FLOOD);
    standin_settle ();
  }
  g_assert_error (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_LIMIT);
  g_assert_cmpuint (f->offline, ==, 0);
  /* Once the relay reads, it goes on. */
  pump_until ((raw_read_some (f, buffer, sizeof buffer),
          dao_relay_client_send (f->client, text, NULL)));
}

/* --- whose turn it is --- */

static void
test_guard_main_loop_has_its_turn (void)
{
  g_autoptr (GByteArray) frames = g_byte_array_new ();
  g_autoptr (GInputStream) in = NULL;
  g_autoptr (GOutputStream) out = g_memory_output_stream_new_resizable ();
  g_autoptr (GIOStream) base = NULL;
  g_autoptr (GIOStream) stream = NULL;
  GPollableInputStream *input;
  guint8 buffer[1024];
  gsize turn;

  while (frames->len < 4 * DAO_ENVELOPE_MAX_FRAME)
    add_frame (frames, FIN | TEXT, 14);
  in = g_memory_input_stream_new_from_data (frames->data, frames->len, NULL);
  base = g_simple_io_stream_new (in, out);
  stream = dao_relay_stream_new (base);
  input = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (stream));
  for (turn = 0; turn < 3; turn++) {
    g_autoptr (GSource) source = NULL;
    g_autoptr (GError) error = NULL;
    gsize read = 0;
    gssize n;

    while ((n = g_pollable_input_stream_read_nonblocking (input, buffer,
                sizeof buffer, NULL, &error)) > 0)
      read += n;
    g_assert_cmpuint (read, ==, DAO_ENVELOPE_MAX_FRAME);
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
    /* There is more, and whoever polls gets it. */
    g_assert_true (g_pollable_input_stream_is_readable (input));
    source = g_pollable_input_stream_create_source (input, NULL);
  }
}

/* --- the reader of frame headers --- */

static gboolean
take_in_pieces (const GByteArray * bytes, gsize max_message, gsize piece,
    gsize * pongs)
{
  DaoWebsocketLimit limit;
  gsize at;

  *pongs = 0;
  dao_websocket_limit_init (&limit, max_message);
  for (at = 0; at < bytes->len; at += piece) {
    if (!dao_websocket_limit_take (&limit, bytes->data + at,
            MIN (piece, bytes->len - at), pongs, NULL))
      return FALSE;
  }
  return TRUE;
}

/* However the stream is cut, the verdict is the same. */
static void
test_frames_cut_anywhere (void)
{
  g_autoptr (GByteArray) fits = g_byte_array_new ();
  g_autoptr (GByteArray) over = g_byte_array_new ();
  gsize piece, pongs;

  add_frame (fits, TEXT, 100);
  add_frame (fits, FIN | PING, 125);
  add_frame (fits, CONTINUATION, 300);
  add_frame (fits, FIN | PONG, 0);
  add_frame (fits, FIN | CONTINUATION, 69600);
  add_frame (fits, FIN | TEXT, 70000);
  add_frame (fits, FIN | PING, 4);
  g_byte_array_append (over, fits->data, fits->len);
  add_frame (over, TEXT, 1);
  add_frame (over, FIN | CONTINUATION, 70000);
  for (piece = 1; piece < 300; piece++) {
    g_assert_true (take_in_pieces (fits, 70000, piece, &pongs));
    g_assert_cmpuint (pongs, ==, 6 + 125 + 6 + 4);
    g_assert_false (take_in_pieces (over, 70000, piece, &pongs));
  }
}

static void
test_guard_frame_headers (void)
{
  static const struct
  {
    guint8 bytes[16];
    gsize length;
  } cases[] = {
    {{FIN | TEXT, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 10},
    {{FIN | TEXT, 127, 0, 0, 0, 0, 0, 1, 0, 1}, 10},
    {{CONTINUATION, 126, 0xff, 0xff}, 4},
    {{TEXT, 1, ' ', FIN | CONTINUATION, 127, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xff, 0xff, 0xff}, 13},
    {{FIN | TEXT, 0x80}, 2},
    {{FIN | PING, 126, 0, 126}, 4},
    {{FIN | 0xf, 127, 0, 0, 0, 0, 0, 0, 0, 126}, 10},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GByteArray) bytes = g_byte_array_new ();
    gsize pongs;

    g_byte_array_append (bytes, cases[i].bytes, cases[i].length);
    g_assert_false (take_in_pieces (bytes, 1000, 1, &pongs));
  }
}

/* --- the upgrade --- */

static void
test_guard_upgrade_answers (Fixture * f, gconstpointer data)
{
  static const struct
  {
    const gchar *answer;
    gint code;
  } cases[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", DAO_RELAY_ERROR_HTTP},
    {"HTTP/1.1 302 Found\r\nLocation: /api\r\n\r\n", DAO_RELAY_ERROR_HTTP},
    {"HTTP/1.1 100 Continue\r\n\r\n", DAO_RELAY_ERROR_HTTP},
    {"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        DAO_RELAY_ERROR_ANSWER},
    {"HTTP/1.1 101 Switching\r\n\r\n", DAO_RELAY_ERROR_ANSWER},
    {"\r\n\r\n", DAO_RELAY_ERROR_ANSWER},
    {"SSH-2.0-OpenSSH_9.2\r\n\r\n", DAO_RELAY_ERROR_ANSWER},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    f->upgrade = cases[i].answer;
    f->offline = 0;
    dao_relay_client_connect (f->client);
    standin_wait_until (f->offline == 1);
    dao_relay_client_disconnect (f->client);
    g_assert_error (f->why, DAO_RELAY_ERROR, cases[i].code);
  }
  g_assert_cmpuint (f->online, ==, 0);
  f->upgrade = NULL;
  go_online (f);
}

static void
test_guard_endless_upgrade_answer (Fixture * f, gconstpointer data)
{
  static const gchar line[] = "X-Filler: more\r\n";

  f->upgrade = "HTTP/1.1 101 Switching\r\n";
  dao_relay_client_connect (f->client);
  standin_wait_until (f->n_upgrades == 1);
  flood_with (f, line, strlen (line), &f->offline);
  g_assert_error (f->why, DAO_RELAY_ERROR, DAO_RELAY_ERROR_ANSWER);
}

/* --- the API --- */

static void
on_called (GObject * source, GAsyncResult * result, gpointer user_data)
{
  Fixture *f = user_data;
  json_t *answer = dao_relay_client_call_finish (f->client, result, &f->error);

  json_decref (answer);
  f->done++;
}

/* Answers a request with @head and then @line again and again until the client has had enough. */
static void
flood_request (Fixture * f, const gchar * head, const gchar * line)
{
  raw_close (f);
  f->done = 0;
  g_clear_error (&f->error);
  dao_relay_client_call_async (f->client, "GET", RAW_PATH, NULL, NULL,
      on_called, f);
  standin_wait_until (f->raw != NULL);
  raw_write (f, head, strlen (head));
  flood_with (f, line, strlen (line), &f->done);
}

static void
test_guard_endless_headers (Fixture * f, gconstpointer data)
{
  flood_request (f, "HTTP/1.1 200 OK\r\n", "X-Filler: more and more\r\n");
  g_assert_error (f->error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_UNREACHABLE);
  flood_request (f, "HTTP/1.1 200 OK\r\nX-Filler: ", "more and more and more");
  g_assert_error (f->error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_UNREACHABLE);
}

static void
test_guard_interim_answers (Fixture * f, gconstpointer data)
{
  flood_request (f, "HTTP/1.1 100 Continue\r\n\r\n",
      "HTTP/1.1 102 Processing\r\n\r\n");
  g_assert_error (f->error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_LIMIT);
}

static void
test_guard_endless_body (Fixture * f, gconstpointer data)
{
  flood_request (f, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      "10\r\n                \r\n");
  g_assert_error (f->error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_LIMIT);
  flood_request (f, "HTTP/1.1 500 No\r\nConnection: close\r\n\r\n",
      "                ");
  g_assert_error (f->error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_LIMIT);
}

#define ADD(name, func) \
  g_test_add ("/relay-limits/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("guard-endless-message", test_guard_endless_message);
  ADD ("guard-endless-empty-fragments", test_guard_endless_empty_fragments);
  ADD ("guard-close-code", test_guard_close_code);
  ADD ("fragments-that-fit", test_fragments_that_fit);
  ADD ("guard-long-control-frame", test_guard_long_control_frame);
  ADD ("guard-ping-flood", test_guard_ping_flood);
  ADD ("pings-that-are-read", test_pings_that_are_read);
  ADD ("guard-unsent", test_guard_unsent);
  g_test_add_func ("/relay-limits/guard-main-loop-has-its-turn",
      test_guard_main_loop_has_its_turn);
  g_test_add_func ("/relay-limits/frames-cut-anywhere",
      test_frames_cut_anywhere);
  g_test_add_func ("/relay-limits/guard-frame-headers",
      test_guard_frame_headers);
  ADD ("guard-upgrade-answers", test_guard_upgrade_answers);
  ADD ("guard-endless-upgrade-answer", test_guard_endless_upgrade_answer);
  ADD ("guard-endless-headers", test_guard_endless_headers);
  ADD ("guard-interim-answers", test_guard_interim_answers);
  ADD ("guard-endless-body", test_guard_endless_body);
  return g_test_run ();
}
