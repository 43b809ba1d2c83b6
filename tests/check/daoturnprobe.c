/* gst-dao: what is read from the answers of STUN and TURN servers, and what is told of those that give none
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gstdaoturnprobe.h"

#include <arpa/inet.h>
#include <string.h>

#define USER "1700000000:u1"
#define PASSWORD "not/a+secret="
#define REALM "dao"

/* --- the other side --- */

static StunDefaultValidaterData account[] = {
  {(uint8_t *) USER, sizeof USER - 1, (uint8_t *) PASSWORD, sizeof PASSWORD - 1},
  {NULL, 0, NULL, 0}
};

typedef struct
{
  StunAgent agent;
  StunMessage request;
  StunValidationStatus status;
  guint8 kept[GST_DAO_STUN_MAX_MESSAGE], answer[GST_DAO_STUN_MAX_MESSAGE];
} Turn;

static void
turn_init (Turn * turn, StunAgentUsageFlags flags)
{
  stun_agent_init (&turn->agent, STUN_ALL_KNOWN_ATTRIBUTES,
      STUN_COMPATIBILITY_RFC5389, flags);
}

static void
turn_take (Turn * turn, const guint8 * request, gsize length)
{
  memcpy (turn->kept, request, length);
  turn->status = stun_agent_validate (&turn->agent, &turn->request,
      turn->kept, length, stun_agent_default_validater, account);
}

static gsize
answer_error (Turn * turn, gint code, const gchar * realm)
{
  StunMessage answer;

  /* not signed, so that any may be given to any request */
  turn->request.key = NULL;
  g_assert_true (stun_agent_init_error (&turn->agent, &answer, turn->answer,
          sizeof turn->answer, &turn->request, code));
  if (realm) {
    stun_message_append_string (&answer, STUN_ATTRIBUTE_REALM, realm);
    stun_message_append_string (&answer, STUN_ATTRIBUTE_NONCE, "nonce");
  }
  return stun_agent_finish_message (&turn->agent, &answer, NULL, 0);
}

static gsize
answer_success (Turn * turn, StunAttribute name, gboolean sign)
{
  struct sockaddr_in address = {.sin_family = AF_INET,.sin_port = htons (9) };
  const gchar *key = sign ? PASSWORD : NULL;
  StunMessage answer;

  address.sin_addr.s_addr = htonl (0xc6120402);
  if (!sign)
    turn->request.key = NULL;
  g_assert_true (stun_agent_init_response (&turn->agent, &answer,
          turn->answer, sizeof turn->answer, &turn->request));
  if (name == STUN_ATTRIBUTE_MAPPED_ADDRESS)
    stun_message_append_addr (&answer, name, (struct sockaddr *) &address,
        sizeof address);
  else if (name)
    stun_message_append_xor_addr (&answer, name,
        (struct sockaddr_storage *) &address, sizeof address);
  return stun_agent_finish_message (&turn->agent, &answer, (uint8_t *) key,
      key ? strlen (key) : 0);
}

/* A try whose first request was answered by the challenge, and whose second is with @turn */
static void
go_to_signed (GstDaoStunTry * t, Turn * turn)
{
  gsize length;

  gst_dao_stun_try_init (t, USER, PASSWORD);
  turn_init (turn, STUN_AGENT_USAGE_LONG_TERM_CREDENTIALS);
  turn_take (turn, t->request, gst_dao_stun_try_write (t));
  g_assert_cmpint (turn->status, ==, STUN_VALIDATION_UNAUTHORIZED_BAD_REQUEST);
  length = answer_error (turn, STUN_ERROR_UNAUTHORIZED, REALM);
  g_assert_cmpint (gst_dao_stun_try_read (t, turn->answer, length), ==,
      GST_DAO_STUN_AGAIN);
  turn_take (turn, t->request, gst_dao_stun_try_write (t));
  g_assert_cmpint (turn->status, ==, STUN_VALIDATION_SUCCESS);
}

/* --- answers --- */

static void
test_works (void)
{
  GstDaoStunTry t;
  Turn turn;
  gsize length;

  go_to_signed (&t, &turn);
  length = answer_success (&turn, STUN_ATTRIBUTE_XOR_RELAYED_ADDRESS, TRUE);
  g_assert_cmpint (gst_dao_stun_try_read (&t, turn.answer, length), ==,
      GST_DAO_STUN_WORKS);
  turn_take (&turn, t.request, gst_dao_stun_try_write_release (&t));
  g_assert_cmpint (turn.status, ==, STUN_VALIDATION_SUCCESS);
  g_assert_cmpint (stun_message_get_method (&turn.request), ==, STUN_REFRESH);
}

static void
test_binding (void)
{
  static const StunAttribute names[] =
      { STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, STUN_ATTRIBUTE_MAPPED_ADDRESS };
  GstDaoStunTry t;
  Turn turn;
  gsize length;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (names); i++) {
    gst_dao_stun_try_init (&t, NULL, NULL);
    turn_init (&turn, STUN_AGENT_USAGE_IGNORE_CREDENTIALS);
    turn_take (&turn, t.request, gst_dao_stun_try_write (&t));
    g_assert_cmpint (stun_message_get_method (&turn.request), ==,
        STUN_BINDING);
    length = answer_success (&turn, names[i], FALSE);
    g_assert_cmpint (gst_dao_stun_try_read (&t, turn.answer, length), ==,
        GST_DAO_STUN_WORKS);
  }
  /* a refusal, and an answer without an address */
  gst_dao_stun_try_init (&t, NULL, NULL);
  turn_take (&turn, t.request, gst_dao_stun_try_write (&t));
  length = answer_error (&turn, STUN_ERROR_UNAUTHORIZED, REALM);
  g_assert_cmpint (gst_dao_stun_try_read (&t, turn.answer, length), ==,
      GST_DAO_STUN_REFUSED);
  gst_dao_stun_try_init (&t, NULL, NULL);
  turn_take (&turn, t.request, gst_dao_stun_try_write (&t));
  length = answer_success (&turn, 0, FALSE);
  g_assert_cmpint (gst_dao_stun_try_read (&t, turn.answer, length), ==,
      GST_DAO_STUN_INVALID);
}

static void
test_reasons (void)
{
  static const struct
  {
    gint code;
    const gchar *reason;
  } table[] = {
    {300, "it names another server instead (300)"},
    {400, "it refused the request (400)"},
    {401, "it refused the credential (401)"},
    {403, "it forbids this account a relay address (403)"},
    {437, "it already has an allocation from this port (437)"},
    {438, "it refused the credential as too old (438)"},
    {441, "it refused the credential (441)"},
    {442, "it does not relay UDP (442)"},
    {486, "this account has too many relay addresses there (486)"},
    {500, "it refused the request (500)"},
    {508, "it has no relay address left (508)"},
    {699, "it refused the request (699)"},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (table); i++) {
    GstDaoStunTry t;
    Turn turn;
    gsize length;
    gchar *reason;

    go_to_signed (&t, &turn);
    length = answer_error (&turn, table[i].code, REALM);
    g_assert_cmpint (gst_dao_stun_try_read (&t, turn.answer, length), ==,
        GST_DAO_STUN_REFUSED);
    reason = gst_dao_stun_reason (t.code);
    g_assert_cmpstr (reason, ==, table[i].reason);
    g_free (reason);
  }
}

/* What must not be taken for a relay address, nor asked for again and again */
static void
test_guard_bad_answers (void)
{
  GstDaoStunTry t;
  Turn turn;
  gsize length;

  /* no realm to sign with */
  gst_dao_stun_try_init (&t, USER, PASSWORD);
  turn_init (&turn, STUN_AGENT_USAGE_LONG_TERM_CREDENTIALS);
  turn_take (&turn, t.request, gst_dao_stun_try_write (&t));
  length = answer_error (&turn, STUN_ERROR_UNAUTHORIZED, NULL);
  g_assert_cmpint (gst_dao_stun_try_read (&t, turn.answer, length), ==,
      GST_DAO_STUN_REFUSED);
  /* the same answer twice; a second challenge */
  g_assert_cmpint (gst_dao_stun_try_read (&t, turn.answer, length), ==,
      GST_DAO_STUN_UNRELATED);
  go_to_signed (&t, &turn);
  length = answer_error (&turn, STUN_ERROR_UNAUTHORIZED, "another");
  g_assert_cmpint (gst_dao_stun_try_read (&t, turn.answer, length), ==,
      GST_DAO_STUN_REFUSED);
  /* not signed; no relay address in it */
  go_to_signed (&t, &turn);
  length = answer_success (&turn, STUN_ATTRIBUTE_XOR_RELAYED_ADDRESS, FALSE);
  g_assert_cmpint (gst_dao_stun_try_read (&t, turn.answer, length), ==,
      GST_DAO_STUN_INVALID);
  go_to_signed (&t, &turn);
  length = answer_success (&turn, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, TRUE);
  g_assert_cmpint (gst_dao_stun_try_read (&t, turn.answer, length), ==,
      GST_DAO_STUN_INVALID);
  /* our own request, come back */
  go_to_signed (&t, &turn);
  length = gst_dao_stun_try_write (&t);
  g_assert_cmpint (gst_dao_stun_try_read (&t, t.request, length), !=,
      GST_DAO_STUN_WORKS);
}

/* Every answer with one byte changed, and every beginning of one */
static void
test_guard_broken_answers (void)
{
  gsize length = 1, i;
  guint bit;

  for (i = 0; i < length; i++) {
    for (bit = 0; bit <= 8; bit++) {
      guint8 broken[GST_DAO_STUN_MAX_MESSAGE];
      GstDaoStunTry t;
      Turn turn;

      go_to_signed (&t, &turn);
      length = answer_success (&turn, STUN_ATTRIBUTE_XOR_RELAYED_ADDRESS,
          TRUE);
      memcpy (broken, turn.answer, length);
      if (bit < 8)
        broken[i] ^= 1 << bit;
      g_assert_cmpint (gst_dao_stun_try_read (&t, broken, bit < 8 ? length :
              i), !=, GST_DAO_STUN_WORKS);
    }
  }
  g_assert_cmpuint (length, >, 40);
}

/* The same of a challenge, and noise: any verdict will do, and what is asked next fits. */
static void
test_broken_challenges (void)
{
  GRand *random = g_rand_new_with_seed (11);
  guint i;

  for (i = 0; i < 20000; i++) {
    guint8 broken[GST_DAO_STUN_MAX_MESSAGE];
    GstDaoStunTry t;
    Turn turn;
    gsize length, at;

    gst_dao_stun_try_init (&t, USER, PASSWORD);
    turn_init (&turn, STUN_AGENT_USAGE_LONG_TERM_CREDENTIALS);
    turn_take (&turn, t.request, gst_dao_stun_try_write (&t));
    length = answer_error (&turn, STUN_ERROR_UNAUTHORIZED, REALM);
    memcpy (broken, turn.answer, length);
    for (at = 0; at < 1 + i % 3; at++)
      broken[g_rand_int_range (random, 0, i % 7 ? length : 24)] =
          g_rand_int (random);
    if (gst_dao_stun_try_read (&t, broken, length) == GST_DAO_STUN_AGAIN)
      g_assert_cmpuint (gst_dao_stun_try_write (&t), <=, sizeof t.request);
  }
  g_rand_free (random);
}

static void
test_long_credential (void)
{
  gchar *user = g_strnfill (GST_DAO_STUN_MAX_MESSAGE, 'u');
  GstDaoStunTry t;
  Turn turn;
  gsize length;

  gst_dao_stun_try_init (&t, user, PASSWORD);
  turn_init (&turn, STUN_AGENT_USAGE_LONG_TERM_CREDENTIALS);
  turn_take (&turn, t.request, gst_dao_stun_try_write (&t));
  length = answer_error (&turn, STUN_ERROR_UNAUTHORIZED, REALM);
  g_assert_cmpint (gst_dao_stun_try_read (&t, turn.answer, length), ==,
      GST_DAO_STUN_AGAIN);
  g_assert_cmpuint (gst_dao_stun_try_write (&t), ==, 0);
  g_free (user);
}

/* --- servers --- */

typedef enum
{ SILENT, CLOSES, NO_STUN, WORKS, REFUSES } Kind;

/* One client's */
typedef struct
{
  Kind kind;
  gint code;
  gboolean tcp;
  GSocket *socket;
  GThread *thread;
  GCancellable *stop;
  gint released;                /* atomic */
  gchar *address;
} Server;

static gsize
server_answer (Server * s, Turn * turn, const guint8 * request, gsize length)
{
  turn_take (turn, request, length);
  if (stun_message_get_method (&turn->request) == STUN_REFRESH) {
    g_atomic_int_set (&s->released,
        turn->status == STUN_VALIDATION_SUCCESS ? 1 : -1);
    return 0;
  }
  if (stun_message_get_method (&turn->request) == STUN_BINDING)
    return answer_success (turn, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, FALSE);
  if (!stun_message_has_attribute (&turn->request, STUN_ATTRIBUTE_USERNAME))
    return answer_error (turn, STUN_ERROR_UNAUTHORIZED, REALM);
  return s->kind == REFUSES ? answer_error (turn, s->code, REALM) :
      answer_success (turn, STUN_ATTRIBUTE_XOR_RELAYED_ADDRESS, TRUE);
}

static void
serve (Server * s, GSocket * socket)
{
  static const gchar http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
  guint8 request[GST_DAO_STUN_MAX_MESSAGE];
  GSocketAddress *from;
  Turn turn;
  gssize length;

  turn_init (&turn, STUN_AGENT_USAGE_LONG_TERM_CREDENTIALS);
  while ((length = g_socket_receive_from (socket, &from, (gchar *) request,
              sizeof request, s->stop, NULL)) > 0) {
    gsize size = s->kind == NO_STUN || s->kind == SILENT ? 0 :
        server_answer (s, &turn, request, length);

    if (s->kind == NO_STUN)
      g_socket_send_to (socket, from, http, sizeof http - 1, NULL, NULL);
    if (size)
      g_socket_send_to (socket, from, (gchar *) turn.answer, size, NULL,
          NULL);
    g_clear_object (&from);
  }
}

static gpointer
server_run (gpointer data)
{
  Server *s = data;

  if (s->tcp) {
    GSocket *socket = g_socket_accept (s->socket, s->stop, NULL);

    if (socket && s->kind != CLOSES)
      serve (s, socket);
    g_clear_object (&socket);
  } else {
    serve (s, s->socket);
  }
  return NULL;
}

static Server *
server_new (Kind kind, gint code, gboolean tcp)
{
  Server *s = g_new0 (Server, 1);
  GInetAddress *loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  GSocketAddress *any = g_inet_socket_address_new (loopback, 0), *name;

  s->kind = kind;
  s->code = code;
  s->tcp = tcp;
  s->stop = g_cancellable_new ();
  s->socket = g_socket_new (G_SOCKET_FAMILY_IPV4, tcp ? G_SOCKET_TYPE_STREAM :
      G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);
  g_assert_true (g_socket_bind (s->socket, any, FALSE, NULL));
  g_assert_true (!tcp || g_socket_listen (s->socket, NULL));
  name = g_socket_get_local_address (s->socket, NULL);
  s->address = g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (name));
  s->thread = g_thread_new ("server", server_run, s);
  g_object_unref (name);
  g_object_unref (any);
  g_object_unref (loopback);
  return s;
}

static void
server_free (Server * s)
{
  g_cancellable_cancel (s->stop);
  g_thread_join (s->thread);
  g_object_unref (s->socket);
  g_object_unref (s->stop);
  g_free (s->address);
  g_free (s);
}

static void
expect (Kind kind, gint code, gboolean tcp, gboolean turn,
    const gchar * reason)
{
  Server *s = server_new (kind, code, tcp);
  GCancellable *cancellable = g_cancellable_new ();
  gchar *told = gst_dao_turn_probe (s->address, tcp, turn ? USER : NULL,
      turn ? PASSWORD : NULL, NULL, cancellable);

  g_assert_cmpstr (told, ==, reason);
  server_free (s);
  g_object_unref (cancellable);
  g_free (told);
}

static void
test_servers (void)
{
  gboolean tcp;

  for (tcp = FALSE; tcp <= TRUE; tcp++) {
    expect (WORKS, 0, tcp, TRUE, NULL);
    expect (REFUSES, 401, tcp, TRUE, "it refused the credential (401)");
    expect (REFUSES, 438, tcp, TRUE, "it refused the credential as too old (438)");
    expect (REFUSES, 486, tcp, TRUE,
        "this account has too many relay addresses there (486)");
  }
  expect (WORKS, 0, FALSE, FALSE, NULL);
  expect (SILENT, 0, FALSE, TRUE, "it did not answer");
  expect (SILENT, 0, FALSE, FALSE, "it did not answer");
  /* anybody can send us that */
  expect (NO_STUN, 0, FALSE, TRUE, "it did not answer");
  expect (NO_STUN, 0, TRUE, TRUE, "its answers are not those of a TURN server");
  expect (CLOSES, 0, TRUE, TRUE, "it closed the connection");
}

static void
test_gives_the_allocation_back (void)
{
  Server *s = server_new (WORKS, 0, FALSE);
  gint64 deadline = g_get_monotonic_time () + 5 * G_USEC_PER_SEC;

  g_assert_null (gst_dao_turn_probe (s->address, FALSE, USER, PASSWORD, NULL,
          NULL));
  while (!g_atomic_int_get (&s->released)
      && g_get_monotonic_time () < deadline)
    g_usleep (1000);
  g_assert_cmpint (g_atomic_int_get (&s->released), ==, 1);
  server_free (s);
}

static void
test_nothing_listens (void)
{
  gboolean tcp;

  for (tcp = FALSE; tcp <= TRUE; tcp++) {
    Server *s = server_new (CLOSES, 0, tcp);
    gchar *address = g_strdup (s->address), *told;

    server_free (s);
    told = gst_dao_turn_probe (address, tcp, USER, PASSWORD, NULL, NULL);
    g_assert_cmpstr (told, ==,
        "nothing listens there (connection refused)");
    g_free (told);
    g_free (address);
  }
}

static gpointer
cancel_soon (gpointer cancellable)
{
  g_usleep (50000);
  g_cancellable_cancel (cancellable);
  return NULL;
}

/* Over TCP a silent server has as long as the caller gives it. */
static void
test_cancelled (void)
{
  Server *s = server_new (SILENT, 0, TRUE);
  GCancellable *cancellable = g_cancellable_new ();
  GThread *thread = g_thread_new ("cancel", cancel_soon, cancellable);
  gchar *told = gst_dao_turn_probe (s->address, TRUE, USER, PASSWORD, NULL,
      cancellable);

  g_assert_cmpstr (told, ==, "it did not answer");
  g_thread_join (thread);
  g_object_unref (cancellable);
  server_free (s);
  g_free (told);
}

/* A server that gave something is known by its address, whatever its name: it is not asked. */
static void
test_one_that_gave (void)
{
  Server *s = server_new (REFUSES, 401, FALSE);
  gchar *by_name = g_strconcat ("localhost", strrchr (s->address, ':'), NULL);
  GPtrArray *gave = g_ptr_array_new_with_free_func (g_object_unref);

  g_ptr_array_add (gave, g_inet_address_new_from_string ("127.0.0.1"));
  g_ptr_array_add (gave, g_inet_address_new_from_string ("::1"));
  g_assert_null (gst_dao_turn_probe (by_name, FALSE, USER, PASSWORD, gave,
          NULL));
  g_ptr_array_unref (gave);
  server_free (s);
  g_free (by_name);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/turn-probe/works", test_works);
  g_test_add_func ("/turn-probe/binding", test_binding);
  g_test_add_func ("/turn-probe/reasons", test_reasons);
  g_test_add_func ("/turn-probe/guard-bad-answers", test_guard_bad_answers);
  g_test_add_func ("/turn-probe/guard-broken-answers",
      test_guard_broken_answers);
  g_test_add_func ("/turn-probe/broken-challenges", test_broken_challenges);
  g_test_add_func ("/turn-probe/long-credential", test_long_credential);
  g_test_add_func ("/turn-probe/servers", test_servers);
  g_test_add_func ("/turn-probe/gives-the-allocation-back",
      test_gives_the_allocation_back);
  g_test_add_func ("/turn-probe/nothing-listens", test_nothing_listens);
  g_test_add_func ("/turn-probe/cancelled", test_cancelled);
  g_test_add_func ("/turn-probe/one-that-gave", test_one_that_gave);
  return g_test_run ();
}
