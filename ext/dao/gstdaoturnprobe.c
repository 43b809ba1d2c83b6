/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaoturnprobe.h"

#include <gst/gst.h>
#include <sodium.h>
#include <string.h>

#define DEFAULT_PORT 3478

/* A request over UDP is sent so often, and each time waited for so long. */
#define UDP_TRIES 4
#define UDP_WAIT_US (500 * G_TIME_SPAN_MILLISECOND)

#define STUN_HEADER 20
/* RFC 8656, 15 */
#define ALLOCATION_MISMATCH 437
#define WRONG_CREDENTIALS 441
#define UNSUPPORTED_TRANSPORT 442
#define QUOTA_REACHED 486
#define INSUFFICIENT_CAPACITY 508
#define FORBIDDEN 403

/* --- messages --- */

void
gst_dao_stun_try_init (GstDaoStunTry * stun_try, const gchar * username,
    const gchar * password)
{
  memset (stun_try, 0, sizeof (*stun_try));
  stun_try->username = username;
  stun_try->password = password;
  stun_agent_init (&stun_try->agent, STUN_ALL_KNOWN_ATTRIBUTES,
      STUN_COMPATIBILITY_RFC5389,
      username ? STUN_AGENT_USAGE_LONG_TERM_CREDENTIALS :
      STUN_AGENT_USAGE_IGNORE_CREDENTIALS);
}

static gsize
write_binding (GstDaoStunTry * t)
{
  StunMessage message;

  stun_agent_init_request (&t->agent, &message, t->request,
      sizeof t->request, STUN_BINDING);
  return stun_agent_finish_message (&t->agent, &message, NULL, 0);
}

gsize
gst_dao_stun_try_write (GstDaoStunTry * t)
{
  StunMessage message;

  if (!t->username)
    return write_binding (t);
  return stun_usage_turn_create (&t->agent, &message, t->request,
      sizeof t->request, t->challenged ? &t->challenge : NULL,
      STUN_USAGE_TURN_REQUEST_PORT_NORMAL, -1, -1, (uint8_t *) t->username,
      strlen (t->username), (uint8_t *) t->password, strlen (t->password),
      STUN_USAGE_TURN_COMPATIBILITY_RFC5766);
}

gsize
gst_dao_stun_try_write_release (GstDaoStunTry * t)
{
  StunMessage message;

  return stun_usage_turn_create_refresh (&t->agent, &message, t->request,
      sizeof t->request, t->challenged ? &t->challenge : NULL, 0,
      (uint8_t *) t->username, strlen (t->username),
      (uint8_t *) t->password, strlen (t->password),
      STUN_USAGE_TURN_COMPATIBILITY_RFC5766);
}

/* A realm and a nonce to sign with, for the first time */
static gboolean
is_challenge (GstDaoStunTry * t, const StunMessage * answer)
{
  uint16_t length;

  return t->username && !t->challenged && t->code == STUN_ERROR_UNAUTHORIZED
      && stun_message_find (answer, STUN_ATTRIBUTE_REALM, &length)
      && stun_message_find (answer, STUN_ATTRIBUTE_NONCE, &length);
}

static GstDaoStunVerdict
read_error (GstDaoStunTry * t, const StunMessage * answer)
{
  if (stun_message_find_error (answer, &t->code) !=
      STUN_MESSAGE_RETURN_SUCCESS)
    return GST_DAO_STUN_INVALID;
  if (!is_challenge (t, answer))
    return GST_DAO_STUN_REFUSED;
  memcpy (t->kept, answer->buffer, stun_message_length (answer));
  t->challenge = *answer;
  t->challenge.buffer = t->kept;
  t->challenge.buffer_len = sizeof t->kept;
  t->challenged = TRUE;
  t->code = 0;
  return GST_DAO_STUN_AGAIN;
}

static GstDaoStunVerdict
read_success (GstDaoStunTry * t, const StunMessage * answer)
{
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  StunAttribute name = t->username ? STUN_ATTRIBUTE_XOR_RELAYED_ADDRESS :
      STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS;

  if (stun_message_find_xor_addr (answer, name, &address, &length) ==
      STUN_MESSAGE_RETURN_SUCCESS)
    return GST_DAO_STUN_WORKS;
  length = sizeof address;
  return !t->username && stun_message_find_addr (answer,
      STUN_ATTRIBUTE_MAPPED_ADDRESS, &address, &length) ==
      STUN_MESSAGE_RETURN_SUCCESS ? GST_DAO_STUN_WORKS : GST_DAO_STUN_INVALID;
}

GstDaoStunVerdict
gst_dao_stun_try_read (GstDaoStunTry * t, const guint8 * data, gsize length)
{
  StunMessage answer;

  if (length > GST_DAO_STUN_MAX_MESSAGE)
    return GST_DAO_STUN_UNRELATED;
  switch (stun_agent_validate (&t->agent, &answer, data, length, NULL, NULL)) {
    case STUN_VALIDATION_SUCCESS:
      break;
    case STUN_VALIDATION_UNAUTHORIZED:
      /* Not signed with our credential: that may be just what is wrong. */
      if (stun_message_get_class (&answer) == STUN_ERROR)
        break;
      return GST_DAO_STUN_INVALID;
    case STUN_VALIDATION_UNAUTHORIZED_BAD_REQUEST:
    case STUN_VALIDATION_UNKNOWN_ATTRIBUTE:
      return GST_DAO_STUN_INVALID;
    default:
      return GST_DAO_STUN_UNRELATED;
  }
  switch (stun_message_get_class (&answer)) {
    case STUN_RESPONSE:
      return read_success (t, &answer);
    case STUN_ERROR:
      return read_error (t, &answer);
    default:
      return GST_DAO_STUN_UNRELATED;
  }
}

/* --- reasons --- */

gchar *
gst_dao_stun_reason (gint code)
{
  static const struct
  {
    gint code;
    const gchar *reason;
  } table[] = {
    {STUN_ERROR_TRY_ALTERNATE, "it names another server instead"},
    {STUN_ERROR_UNAUTHORIZED, "it refused the credential"},
    {FORBIDDEN, "it forbids this account a relay address"},
    {ALLOCATION_MISMATCH, "it already has an allocation from this port"},
    {STUN_ERROR_STALE_NONCE, "it refused the credential as too old"},
    {WRONG_CREDENTIALS, "it refused the credential"},
    {UNSUPPORTED_TRANSPORT, "it does not relay UDP"},
    {QUOTA_REACHED, "this account has too many relay addresses there"},
    {INSUFFICIENT_CAPACITY, "it has no relay address left"},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (table); i++)
    if (table[i].code == code)
      return g_strdup_printf ("%s (%d)", table[i].reason, code);
  return g_strdup_printf ("it refused the request (%d)", code);
}

static gchar *
reason_of_error (const GError * error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    return g_strdup ("it did not answer");
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    return g_strdup ("nothing listens there (connection refused)");
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED))
    return g_strdup ("it closed the connection");
  return g_strdup (error->message);
}

static gchar *
reason_of_verdict (const GstDaoStunTry * t, GstDaoStunVerdict verdict)
{
  switch (verdict) {
    case GST_DAO_STUN_WORKS:
      return NULL;
    case GST_DAO_STUN_REFUSED:
      return gst_dao_stun_reason (t->code);
    default:
      return g_strdup_printf ("its answers are not those of a %s server",
          t->username ? "TURN" : "STUN");
  }
}

/* --- the network --- */

typedef struct
{
  GstDaoStunTry stun_try;
  gboolean tcp;
  GSocketConnection *connection;
  GCancellable *cancellable;
  guint8 answer[GST_DAO_STUN_MAX_MESSAGE];
} Probe;

static gboolean
send_request (Probe * p, gsize length, GError ** error)
{
  GOutputStream *out =
      g_io_stream_get_output_stream (G_IO_STREAM (p->connection));

  return g_output_stream_write_all (out, p->stun_try.request, length, NULL,
      p->cancellable, error);
}

/* The next message, cut off if it is longer than any of ours; over TCP it says its own length (RFC 8656, 3.1). */
static gssize
receive_message (Probe * p, GError ** error)
{
  GInputStream *in =
      g_io_stream_get_input_stream (G_IO_STREAM (p->connection));
  gsize length, got;

  if (!p->tcp)
    return g_socket_receive (g_socket_connection_get_socket (p->connection),
        (gchar *) p->answer, sizeof p->answer, p->cancellable, error);
  if (!g_input_stream_read_all (in, p->answer, STUN_HEADER, &got,
          p->cancellable, error))
    return -1;
  length = GST_READ_UINT16_BE (p->answer + 2);
  if (got == STUN_HEADER && STUN_HEADER + length <= sizeof p->answer) {
    if (!g_input_stream_read_all (in, p->answer + STUN_HEADER, length, &got,
            p->cancellable, error))
      return -1;
    got += STUN_HEADER;
  }
  if (got == 0)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "closed");
  return got > 0 ? (gssize) got : -1;
}

/* Waits @wait_us for the answer; -1 = for ever. UNRELATED with G_IO_ERROR_TIMED_OUT when none came */
static GstDaoStunVerdict
wait_for_answer (Probe * p, gint64 wait_us, GError ** error)
{
  GSocket *socket = g_socket_connection_get_socket (p->connection);
  gint64 end_us = g_get_monotonic_time () + wait_us;
  GstDaoStunVerdict verdict = GST_DAO_STUN_UNRELATED;

  while (verdict == GST_DAO_STUN_UNRELATED) {
    gssize length;

    if (wait_us >= 0 && !g_socket_condition_timed_wait (socket, G_IO_IN,
            MAX (end_us - g_get_monotonic_time (), 0), p->cancellable, error))
      return verdict;
    length = receive_message (p, error);
    if (length < 0)
      return verdict;
    verdict = gst_dao_stun_try_read (&p->stun_try, p->answer, length);
    /* Where packets are lost none of another's comes: this is no STUN, and has no end that is known. */
    if (p->tcp && verdict == GST_DAO_STUN_UNRELATED)
      verdict = GST_DAO_STUN_INVALID;
  }
  return verdict;
}

/* Sends what is in the request until an answer comes. */
static GstDaoStunVerdict
ask (Probe * p, gsize length, GError ** error)
{
  GstDaoStunVerdict verdict = GST_DAO_STUN_UNRELATED;
  guint i;

  for (i = 0; i < (p->tcp ? 1 : UDP_TRIES); i++) {
    g_clear_error (error);
    if (!send_request (p, length, error))
      return verdict;
    verdict = wait_for_answer (p, p->tcp ? -1 : UDP_WAIT_US, error);
    if (!g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
      return verdict;
  }
  return verdict;
}

static gchar *
ask_all (Probe * p)
{
  GstDaoStunVerdict verdict = GST_DAO_STUN_AGAIN;
  GError *error = NULL;
  gchar *reason;

  while (verdict == GST_DAO_STUN_AGAIN) {
    gsize length = gst_dao_stun_try_write (&p->stun_try);

    if (length == 0)
      return g_strdup ("its credential is too long");
    verdict = ask (p, length, &error);
  }
  reason = error ? reason_of_error (error) :
      reason_of_verdict (&p->stun_try, verdict);
  g_clear_error (&error);
  if (!reason && p->stun_try.username)
    send_request (p, gst_dao_stun_try_write_release (&p->stun_try), NULL);
  return reason;
}

static gboolean
is_among (GSocketConnection * connection, GPtrArray * gave)
{
  GSocketAddress *remote =
      g_socket_connection_get_remote_address (connection, NULL);
  gboolean found = FALSE;
  guint i;

  for (i = 0; gave && remote && i < gave->len; i++)
    found |= g_inet_address_equal (gave->pdata[i],
        g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote)));
  g_clear_object (&remote);
  return found;
}

gchar *
gst_dao_turn_probe (const gchar * address, gboolean tcp,
    const gchar * username, const gchar * password, GPtrArray * gave,
    GCancellable * cancellable)
{
  GSocketClient *client = g_socket_client_new ();
  Probe *p = g_new0 (Probe, 1);
  GError *error = NULL;
  gchar *reason = NULL;

  gst_dao_stun_try_init (&p->stun_try, username, password);
  p->tcp = tcp;
  p->cancellable = cancellable;
  g_socket_client_set_enable_proxy (client, FALSE);
  if (!tcp) {
    g_socket_client_set_socket_type (client, G_SOCKET_TYPE_DATAGRAM);
    g_socket_client_set_protocol (client, G_SOCKET_PROTOCOL_UDP);
  }
  p->connection = g_socket_client_connect_to_host (client, address,
      DEFAULT_PORT, cancellable, &error);
  if (!p->connection)
    reason = reason_of_error (error);
  else if (!is_among (p->connection, gave))
    reason = ask_all (p);
  g_clear_error (&error);
  g_clear_object (&p->connection);
  g_object_unref (client);
  /* keys of the requests */
  sodium_memzero (p, sizeof (*p));
  g_free (p);
  return reason;
}
