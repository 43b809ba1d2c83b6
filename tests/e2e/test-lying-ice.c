/* gst-dao: ICE servers of a relay that means no good
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What such an answer may look like is in test-lying-answers.c; here somebody listens where it points to.
 */
#define _GNU_SOURCE             /* memmem() */
#include "lyingstage.h"

#include <string.h>

/* STUN (RFC 8489, 5): two bits 0 and the magic cookie */
#define STUN_HEADER 20
static const guint8 magic_cookie[] = { 0x21, 0x12, 0xa4, 0x42 };

#define SECRET "correct horse battery staple"

/* A host of somebody's that answers nothing. What came waits in the socket until it is looked at. */
typedef struct
{
  GSocket *socket;
  guint port;
  guint packets;
} Trap;

static void
trap_set (Trap * trap)
{
  GInetAddress *loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  GSocketAddress *address = g_inet_socket_address_new (loopback, 0);
  GError *error = NULL;

  trap->packets = 0;
  trap->socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM,
      G_SOCKET_PROTOCOL_UDP, &error);
  g_assert_no_error (error);
  g_socket_set_blocking (trap->socket, FALSE);
  g_socket_bind (trap->socket, address, FALSE, &error);
  g_assert_no_error (error);
  g_object_unref (address);
  g_object_unref (loopback);
  address = g_socket_get_local_address (trap->socket, NULL);
  trap->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));
  g_object_unref (address);
}

/* Requests of ICE and nothing else: no media, no credential */
static void
trap_look (Trap * trap)
{
  gchar data[2048];
  gssize n;

  while ((n = g_socket_receive (trap->socket, data, sizeof (data), NULL,
              NULL)) > 0) {
    trap->packets++;
    g_assert_cmpint (n, >=, STUN_HEADER);
    g_assert_cmpuint ((guint8) data[0] & 0xc0, ==, 0);
    g_assert_cmpmem (data + 4, 4, magic_cookie, 4);
    g_assert_null (memmem (data, n, SECRET, strlen (SECRET)));
  }
}

static void
trap_wait (Trap * trap)
{
  gint64 deadline = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;

  while (trap->packets == 0) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (5000);
    trap_look (trap);
  }
}

typedef struct
{
  Stage *s;
  Trap stun, turn;
} Ambush;

/* Alice is sent to both, Bob to nobody. */
static void
lay_ambush (Ambush * a, const gchar * policy)
{
  gchar *answer;

  a->s = stage_new (2);
  trap_set (&a->stun);
  trap_set (&a->turn);
  answer = g_strdup_printf ("{\"ttl\":600,\"ice_transport_policy\":\"%s\","
      "\"ice_servers\":[{\"urls\":[\"stun:127.0.0.1:%u\"]},"
      "{\"urls\":[\"turn:127.0.0.1:%u?transport=udp\"],\"username\":\"u\","
      "\"credential\":\"" SECRET "\"}]}", policy, a->stun.port, a->turn.port);
  stage_tell (a->s, (Lie) {
      LIE_ANSWER, ICE_CONFIG, stage_name_of (a->s, 0), .status = 200, .text =
      answer});
  g_free (answer);
}

static void
ambush_end (Ambush * a)
{
  trap_look (&a->stun);
  trap_look (&a->turn);
  g_object_unref (a->stun.socket);
  g_object_unref (a->turn.socket);
  stage_free (a->s);
}

/* They learn that there is a call and from where; the call goes its own way. */
static void
test_third_party (void)
{
  Ambush a;

  lay_ambush (&a, "all");
  stage_call (a.s);
  stage_expect_more (a.s);
  trap_wait (&a.stun);
  trap_wait (&a.turn);
  stage_hang_up (a.s);
  ambush_end (&a);
}

/* Where only a TURN server may see our address, no STUN server is asked for it. */
static void
test_relay_only (gconstpointer options)
{
  Ambush a;

  lay_ambush (&a, options ? "all" : "relay");
  if (options) {
    stage_leave (&a.s->alice);
    stage_enter_alice (a.s, options);
  }
  call_end_play_online (a.s->bob);
  call_end_play (a.s->alice);
  trap_wait (&a.turn);
  stage_expect_failure (a.s, "ice-failed");
  trap_look (&a.stun);
  g_assert_cmpuint (a.stun.packets, ==, 0);
  ambush_end (&a);
}

int
main (int argc, char **argv)
{
  call_test_init (&argc, &argv);
  g_test_add_func ("/lying-relay/trap/third-party", test_third_party);
  g_test_add_data_func ("/lying-relay/trap/policy-relay", NULL,
      test_relay_only);
  g_test_add_data_func ("/lying-relay/trap/always-relay", "always-relay=true",
      test_relay_only);
  return g_test_run ();
}
