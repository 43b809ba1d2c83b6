/* gst-dao: DTLS flights that are sent again
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * First bytes are those of RFC 7983: 22 a handshake record, 20 change_cipher_spec, 21 an alert, 128 to 191 media, 0 STUN.
 */
#include "gstdaodtlsflight.h"

#define MS G_TIME_SPAN_MILLISECOND

static GstBuffer *
packet (guint8 first, guint8 mark)
{
  guint8 data[40] = { first, mark };

  return gst_buffer_new_memdup (data, sizeof (data));
}

static void
sent (GstDaoDtlsFlight * flight, guint8 first, guint8 mark, gint64 now)
{
  GstBuffer *buffer = packet (first, mark);

  gst_dao_dtls_flight_sent (flight, buffer, now);
  gst_buffer_unref (buffer);
}

static void
received (GstDaoDtlsFlight * flight, guint8 first)
{
  GstBuffer *buffer = packet (first, 0);

  gst_dao_dtls_flight_received (flight, buffer);
  gst_buffer_unref (buffer);
}

/* The marks of what is due, as a text: "12" is the packets marked '1' and '2' */
static gchar *
due (GstDaoDtlsFlight * flight, gint64 now)
{
  GPtrArray *packets = gst_dao_dtls_flight_get_due (flight, now);
  GString *marks = g_string_new (NULL);
  guint i;

  for (i = 0; packets && i < packets->len; i++) {
    gsize size;
    const gchar *data = g_bytes_get_data (g_ptr_array_index (packets, i),
        &size);

    g_assert_cmpuint (size, ==, 40);
    g_string_append_c (marks, data[1]);
  }
  g_clear_pointer (&packets, g_ptr_array_unref);
  return g_string_free (marks, FALSE);
}

#define assert_due(flight, now, marks) G_STMT_START { \
  gchar *_due = due (flight, now); \
  g_assert_cmpstr (_due, ==, marks); \
  g_free (_due); \
} G_STMT_END

static void
test_whole_flight_in_order (void)
{
  GstDaoDtlsFlight *flight = gst_dao_dtls_flight_new ();

  sent (flight, 22, '1', 0);
  sent (flight, 20, '2', 1 * MS);
  sent (flight, 22, '3', 2 * MS);
  assert_due (flight, 99 * MS, "");
  assert_due (flight, 100 * MS, "123");
  assert_due (flight, 101 * MS, "");
  gst_dao_dtls_flight_unref (flight);
}

/* Twice as long each time, and then OpenSSL alone */
static void
test_backs_off (void)
{
  static const gint64 due_ms[] = { 100, 300, 700, 1500, 3100 };
  GstDaoDtlsFlight *flight = gst_dao_dtls_flight_new ();
  guint i;

  sent (flight, 22, '1', 0);
  for (i = 0; i < G_N_ELEMENTS (due_ms); i++) {
    assert_due (flight, (due_ms[i] - 1) * MS, "");
    assert_due (flight, due_ms[i] * MS, "1");
  }
  assert_due (flight, 3600 * G_TIME_SPAN_SECOND, "");
  gst_dao_dtls_flight_unref (flight);
}

/* What we answer takes the place of what we said before; half an answer of the peer changes nothing. */
static void
test_next_flight (void)
{
  GstDaoDtlsFlight *flight = gst_dao_dtls_flight_new ();

  sent (flight, 22, '1', 0);
  received (flight, 22);
  assert_due (flight, 100 * MS, "1");
  sent (flight, 22, '2', 110 * MS);
  sent (flight, 22, '3', 111 * MS);
  assert_due (flight, 209 * MS, "");
  assert_due (flight, 210 * MS, "23");
  gst_dao_dtls_flight_unref (flight);
}

/* OpenSSL's own timer: the same flight anew, not in addition */
static void
test_openssl_repeats (void)
{
  GstDaoDtlsFlight *flight = gst_dao_dtls_flight_new ();

  sent (flight, 22, '1', 0);
  sent (flight, 22, '2', 1000 * MS);
  assert_due (flight, 1100 * MS, "2");
  gst_dao_dtls_flight_unref (flight);
}

static void
test_media_ends_it (void)
{
  GstDaoDtlsFlight *flight = gst_dao_dtls_flight_new ();

  /* of an older connection, perhaps */
  received (flight, 128);
  g_assert_false (gst_dao_dtls_flight_is_over (flight));
  sent (flight, 22, '1', 0);
  received (flight, 191);
  g_assert_true (gst_dao_dtls_flight_is_over (flight));
  assert_due (flight, 100 * MS, "");
  sent (flight, 22, '2', 200 * MS);
  assert_due (flight, 300 * MS, "");
  gst_dao_dtls_flight_unref (flight);
}

static void
test_only_handshakes (void)
{
  static const guint8 others[] = { 0, 1, 19, 21, 23, 63, 64, 127, 128, 191, 192 };
  GstDaoDtlsFlight *flight = gst_dao_dtls_flight_new ();
  GstBuffer *empty = gst_buffer_new ();
  guint i;

  for (i = 0; i < G_N_ELEMENTS (others); i++)
    sent (flight, others[i], 'x', i * MS);
  gst_dao_dtls_flight_sent (flight, empty, 0);
  gst_dao_dtls_flight_received (flight, empty);
  gst_buffer_unref (empty);
  assert_due (flight, 200 * MS, "");
  gst_dao_dtls_flight_unref (flight);
}

static void
test_guard_bounded (void)
{
  GstDaoDtlsFlight *flight = gst_dao_dtls_flight_new ();
  GstBuffer *huge = gst_buffer_new_allocate (NULL, 4096, NULL);
  guint i;

  gst_buffer_memset (huge, 0, 22, 4096);
  gst_dao_dtls_flight_sent (flight, huge, 0);
  gst_buffer_unref (huge);
  for (i = 0; i < 1000; i++)
    sent (flight, 22, 'a', 0);
  assert_due (flight, 100 * MS, "aaaaaaaaaaaaaaaa");
  gst_dao_dtls_flight_unref (flight);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dtls-flight/whole-flight-in-order",
      test_whole_flight_in_order);
  g_test_add_func ("/dtls-flight/backs-off", test_backs_off);
  g_test_add_func ("/dtls-flight/next-flight", test_next_flight);
  g_test_add_func ("/dtls-flight/openssl-repeats", test_openssl_repeats);
  g_test_add_func ("/dtls-flight/media-ends-it", test_media_ends_it);
  g_test_add_func ("/dtls-flight/only-handshakes", test_only_handshakes);
  g_test_add_func ("/dtls-flight/guard-bounded", test_guard_bounded);
  return g_test_run ();
}
