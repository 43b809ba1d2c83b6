/* gst-dao: fuzzes what a relay says to its client, from the login to the last byte of the WebSocket
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The first line is what the client wants: c(onnect), f(riends) or i(ce-config). Each of the others answers its next request:
 *
 *   =          as a relay that means well does
 *   200 BODY   with that status and body
 *   !          with all that follows instead of HTTP, as it is
 *
 * and the request for the WebSocket also so:
 *
 *   ~          accepted; each line that follows is a text frame
 *   #          accepted; all that follows goes over the connection as it is
 *
 * When there are no more lines, 404. Whatever it says: no signal gets signed, the identity keeps its keys, what is handed on is
 * a JSON object for somebody else, errors can be printed, and there is an end.
 */
#include "dao-relay-private.h"
#include "dao-encoding.h"
#include "dao-envelope.h"
#include "dao-json.h"
#include "dao-relay-body.h"
#include "dao-secret.h"
#include "fuzz.h"

#include <string.h>

#define UUID "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
#define ALIAS "alice"
#define MAX_SIZE (64 * 1024)   /* the socket takes it without waiting */
/* A client that asks on and on is a finding. */
#define MAX_REQUESTS 64

/* The relay's end of a connection. libsoup's server leaks what is taken from it, so this is by hand. */
typedef struct
{
  GSocket *socket;
  GSource *source;
  GString *in;                  /* of a request that is not complete */
  gboolean bare;                /* HTTP is over */
} End;

static GSocket *listener;
static gchar *url;

/* of the input */
static FuzzReader reader;
static DaoIdentity *identity;
static guint n_requests;
static gboolean over;
static GPtrArray *ends;

/* --- the relay's answers --- */

static json_t *
own_account (void)
{
  g_autofree gchar *ed25519 =
      dao_base64_encode (dao_identity_get_ed25519_public (identity), 32);
  g_autofree gchar *x25519 =
      dao_base64_encode (dao_identity_get_x25519_public (identity), 32);

  return json_pack ("{s:s, s:s, s:s, s:s}", "alias_id", ALIAS, "uuid", UUID,
      "ed25519_public_key", ed25519, "x25519_public_key", x25519);
}

static gchar *
right_answer (const gchar * path)
{
  json_t *user;
  gchar *text;

  if (g_str_equal (path, DAO_PATH_AUTH_CHALLENGE))
    return g_strdup ("{\"challenge\":\"f00d\"}");
  if (g_str_equal (path, DAO_PATH_AUTH_VERIFY))
    return g_strdup ("{\"token\":\"secret-token\"}");
  if (g_str_equal (path, DAO_PATH_WS_TICKET))
    return g_strdup ("{\"ticket\":\"t\"}");
  if (g_str_equal (path, DAO_PATH_ICE_CONFIG))
    return g_strdup ("{\"iceServers\":[{\"urls\":[\"stun:192.0.2.1\"]}],"
        "\"ttl\":600}");
  if (!g_str_has_prefix (path, "/api/v1/users/"))
    return g_strdup ("[]");
  user = own_account ();
  text = json_dumps (user, 0);
  json_decref (user);
  return text;
}

/* Design, extensions: the relay gets no signal signed. */
static void
check_request (const gchar * path, const gchar * body)
{
  json_t *sent;
  const gchar *challenge;

  g_assert_cmpuint (++n_requests, <=, MAX_REQUESTS);
  if (!g_str_equal (path, DAO_PATH_AUTH_VERIFY))
    return;
  sent = dao_json_parse (body, strlen (body), NULL);
  challenge = dao_json_get_string (sent, "challenge");
  g_assert_nonnull (challenge);
  g_assert_cmpuint (strlen (challenge), <=, 512);
  g_assert_cmpint (*challenge, !=, '{');
  json_decref (sent);
}

/* RFC 6455, 1.3 */
static void
append_handshake (GString * answer, const gchar * key)
{
  g_autofree gchar *both = g_strconcat (key,
      "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", NULL);
  g_autoptr (GChecksum) sha1 = g_checksum_new (G_CHECKSUM_SHA1);
  g_autofree gchar *accept = NULL;
  guint8 digest[20];
  gsize length = sizeof digest;

  g_checksum_update (sha1, (const guchar *) both, -1);
  g_checksum_get_digest (sha1, digest, &length);
  accept = g_base64_encode (digest, length);
  g_string_append_printf (answer, "HTTP/1.1 101 Switching Protocols\r\n"
      "Upgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: %s\r\n\r\n", accept);
}

/* RFC 6455, 5.2: text, not masked */
static void
append_frames (GString * answer)
{
  gchar *line;

  while ((line = fuzz_line (&reader)) != NULL) {
    gsize length = strlen (line);

    g_string_append_c (answer, (gchar) 0x81);
    if (length < 126) {
      g_string_append_c (answer, (gchar) length);
    } else {
      g_string_append_c (answer, 126);
      g_string_append_c (answer, (gchar) (length >> 8));
      g_string_append_c (answer, (gchar) length);
    }
    g_string_append_len (answer, line, length);
    g_free (line);
  }
}

static void
append_rest (GString * answer)
{
  g_string_append_len (answer, (const gchar *) reader.data, reader.size);
  reader.size = 0;
}

static void
append_json (GString * answer, guint64 status, const gchar * body)
{
  g_string_append_printf (answer, "HTTP/1.1 %u So\r\n"
      "Content-Type: application/json\r\nContent-Length: %u\r\n\r\n%s",
      (guint) CLAMP (status, 200, 599), (guint) strlen (body), body);
}

/* TRUE: after it there is no more HTTP. */
static gboolean
append_answer (GString * answer, const gchar * path, const gchar * key)
{
  g_autofree gchar *line = fuzz_line (&reader);
  const gchar *body;

  if (line == NULL) {
    append_json (answer, 404, "{\"error\":\"no more\"}");
  } else if (*line == '!') {
    append_rest (answer);
    return TRUE;
  } else if (key != NULL && (*line == '~' || *line == '#')) {
    append_handshake (answer, key);
    if (*line == '~')
      append_frames (answer);
    else
      append_rest (answer);
    return TRUE;
  } else if (*line == '=') {
    g_autofree gchar *right = right_answer (path);

    append_json (answer, 200, right);
  } else {
    body = strchr (line, ' ');
    append_json (answer, g_ascii_strtoull (line, NULL, 10),
        body != NULL ? body + 1 : "");
  }
  return FALSE;
}

/* --- the relay's connections --- */

static void
end_free (End * end)
{
  g_source_destroy (end->source);
  g_source_unref (end->source);
  g_socket_close (end->socket, NULL);
  g_object_unref (end->socket);
  g_string_free (end->in, TRUE);
  g_free (end);
}

/* The value of a header as libsoup and we write it; (transfer full) (nullable) */
static gchar *
get_header (const gchar * head, const gchar * name)
{
  const gchar *at = strstr (head, name);

  return at ? g_strndup (at + strlen (name), strcspn (at + strlen (name),
          "\r")) : NULL;
}

static void
answer_request (End * end, const gchar * head, const gchar * body)
{
  g_autofree gchar *key = get_header (head, "\r\nSec-WebSocket-Key: ");
  const gchar *path = strchr (head, ' ') + 1;
  g_autofree gchar *name = g_strndup (path, strcspn (path, " ?"));
  GString *answer = g_string_new (NULL);
  gsize sent = 0;
  gssize n = 1;

  check_request (name, body);
  end->bare = append_answer (answer, name, key);
  while (sent < answer->len && n > 0) {
    n = g_socket_send (end->socket, answer->str + sent, answer->len - sent,
        NULL, NULL);
    sent += MAX (n, 0);
  }
  /* The client sees an end, and may still write. */
  if (end->bare)
    g_socket_shutdown (end->socket, FALSE, TRUE, NULL);
  g_string_free (answer, TRUE);
}

static void
take_requests (End * end)
{
  const gchar *empty_line;

  while (!end->bare && (empty_line = strstr (end->in->str, "\r\n\r\n"))) {
    gsize length = empty_line + 4 - end->in->str;
    g_autofree gchar *head = g_strndup (end->in->str, length);
    g_autofree gchar *size = get_header (head, "\r\nContent-Length: ");
    gsize n = size != NULL ? g_ascii_strtoull (size, NULL, 10) : 0;
    g_autofree gchar *body = NULL;

    if (end->in->len < length + n)
      return;
    body = g_strndup (end->in->str + length, n);
    g_string_erase (end->in, 0, length + n);
    answer_request (end, head, body);
  }
}

static gboolean
on_readable (GSocket * socket, GIOCondition condition, gpointer user_data)
{
  End *end = user_data;
  gchar bytes[4096];
  gssize n = g_socket_receive (socket, bytes, sizeof bytes, NULL, NULL);

  if (n <= 0)
    return G_SOURCE_REMOVE;
  if (!end->bare)
    g_string_append_len (end->in, bytes, n);
  take_requests (end);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_connection (GSocket * socket, GIOCondition condition, gpointer unused)
{
  End *end = g_new0 (End, 1);

  end->socket = g_socket_accept (socket, NULL, NULL);
  end->in = g_string_new (NULL);
  end->source = g_socket_create_source (end->socket, G_IO_IN, NULL);
  g_source_set_callback (end->source, G_SOURCE_FUNC (on_readable), end, NULL);
  g_source_attach (end->source, NULL);
  g_ptr_array_add (ends, end);
  return G_SOURCE_CONTINUE;
}

static void
listen_on_loopback (void)
{
  g_autoptr (GInetAddress) loopback =
      g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any_port = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) address = NULL;
  GSource *source;

  listener = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
      G_SOCKET_PROTOCOL_DEFAULT, NULL);
  if (!g_socket_bind (listener, any_port, FALSE, NULL)
      || !g_socket_listen (listener, NULL))
    g_error ("no port to listen on");
  address = g_socket_get_local_address (listener, NULL);
  url = g_strdup_printf ("http://127.0.0.1:%u", g_inet_socket_address_get_port
      (G_INET_SOCKET_ADDRESS (address)));
  source = g_socket_create_source (listener, G_IO_IN, NULL);
  g_source_set_callback (source, G_SOURCE_FUNC (on_connection), NULL, NULL);
  g_source_attach (source, NULL);
  g_source_unref (source);
}

/* --- the client --- */

static void
check_error (const GError * error)
{
  const gchar *p;

  g_assert_cmpuint (strlen (error->message), <, 1024);
  for (p = error->message; *p != '\0'; p++)
    g_assert_true (g_ascii_isprint (*p));
}

static void
on_end (DaoRelayClient * client, const GError * why, gpointer unused)
{
  check_error (why);
  over = TRUE;
}

static void
on_frame (DaoRelayClient * client, GBytes * frame, gpointer unused)
{
  static const gchar *const ours[] = { "ping", "pong", "goaway", NULL };
  gsize length;
  const gchar *text = g_bytes_get_data (frame, &length);
  json_t *json = dao_json_parse (text, length, NULL);
  const gchar *type = dao_json_get_string (json, "type");

  g_assert_cmpuint (length, <=, DAO_ENVELOPE_MAX_FRAME);
  g_assert_nonnull (type);
  g_assert_false (g_strv_contains (ours, type));
  json_decref (json);
}

static void
on_friends (GObject * client, GAsyncResult * result, gpointer unused)
{
  g_autoptr (GError) error = NULL;
  json_t *answer = dao_relay_client_call_finish (DAO_RELAY_CLIENT (client),
      result, &error);

  g_assert_true ((answer == NULL) == (error != NULL));
  if (error != NULL)
    check_error (error);
  json_decref (answer);
  over = TRUE;
}

static void
on_ice_config (GObject * client, GAsyncResult * result, gpointer unused)
{
  g_autoptr (GError) error = NULL;
  DaoIceConfig *config =
      dao_relay_client_ice_config_finish (DAO_RELAY_CLIENT (client), result,
      &error);

  g_assert_true ((config == NULL) == (error != NULL));
  if (error != NULL)
    check_error (error);
  dao_ice_config_free (config);
  over = TRUE;
}

static void
ask (DaoRelayClient * client, gchar what)
{
  if (what == 'f')
    dao_relay_client_call_async (client, "GET", DAO_PATH_FRIENDS, NULL, NULL,
        on_friends, NULL);
  else if (what == 'i')
    dao_relay_client_ice_config_async (client, FALSE, DAO_ICE_CONFIG_ANY_AGE,
        NULL, on_ice_config, NULL);
  else
    dao_relay_client_connect (client);
}

static void
check_identity (const guint8 * ed25519)
{
  g_assert_cmpmem (dao_identity_get_ed25519_public (identity), 32, ed25519,
      32);
  g_assert_cmpstr (dao_identity_get_uuid (identity), ==, UUID);
  g_assert_true (dao_alias_is_valid (dao_identity_get_alias (identity)));
}

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_init ();
  dao_crypto_init ();
  listen_on_loopback ();
  return 0;
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  DaoRelayClient *client;
  g_autofree gchar *what = NULL;
  guint8 ed25519[32];

  reader = (FuzzReader) { data, size };
  what = fuzz_line (&reader);
  if (what == NULL || size > MAX_SIZE)
    return 0;
  n_requests = 0;
  over = FALSE;
  ends = g_ptr_array_new_with_free_func ((GDestroyNotify) end_free);
  identity = dao_identity_new_from_mnemonic ("abandon abandon abandon abandon"
      " abandon abandon abandon abandon abandon abandon abandon about", NULL);
  dao_identity_set_alias (identity, ALIAS);
  dao_identity_set_uuid (identity, UUID);
  memcpy (ed25519, dao_identity_get_ed25519_public (identity), 32);
  client = dao_relay_client_new (url, identity, NULL);
  g_signal_connect (client, "offline", G_CALLBACK (on_end), NULL);
  g_signal_connect (client, "failed", G_CALLBACK (on_end), NULL);
  g_signal_connect (client, "frame", G_CALLBACK (on_frame), NULL);
  ask (client, *what);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
  dao_relay_client_disconnect (client);
  g_ptr_array_set_size (ends, 0);
  g_assert_true (dao_relay_drain (5000));
  check_identity (ed25519);
  g_assert_finalize_object (client);
  dao_identity_unref (identity);
  while (g_main_context_iteration (NULL, FALSE));
  g_ptr_array_unref (ends);
  return 0;
}
