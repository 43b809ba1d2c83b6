/* gst-dao: tests of rtpdaopay, and of both elements together
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Descriptors: RFC 7741 (VP8), RFC 9628 (VP9). Opus: RFC 7587.
 */
#include "rtpdaohelpers.h"

#define TWCC "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
#define MID GST_RTP_HDREXT_BASE "sdes:mid"

/* --- payloader --- */

static void
assert_packet (GstBuffer * packet, guint16 seq, guint32 time, gboolean marker,
    const guint8 * descriptor, gsize descriptor_size)
{
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;

  fail_unless (packet != NULL);
  fail_unless (gst_buffer_get_size (packet) <= MTU);
  fail_unless (gst_rtp_buffer_map (packet, GST_MAP_READ, &rtp));
  assert_equals_int (gst_rtp_buffer_get_seq (&rtp), seq);
  assert_equals_int (gst_rtp_buffer_get_timestamp (&rtp), time);
  assert_equals_int (gst_rtp_buffer_get_payload_type (&rtp), 96);
  assert_equals_int (gst_rtp_buffer_get_ssrc (&rtp), 0x01020304);
  assert_equals_int (gst_rtp_buffer_get_marker (&rtp), marker);
  fail_unless (gst_rtp_buffer_get_payload_len (&rtp) > descriptor_size);
  fail_unless (memcmp (gst_rtp_buffer_get_payload (&rtp), descriptor,
          descriptor_size) == 0);
  gst_rtp_buffer_unmap (&rtp);
}

GST_START_TEST (test_pay_vp8_descriptor)
{
  GPtrArray *packets = make_packets (VP8_CAPS, 0x7ffe, 3, 3000);
  /* X, S on the first only; I; PictureID 15 bits, +1 a frame, modulo 2^15 */
  const guint8 expected[9][4] = {
    {0x90, 0x80, 0xff, 0xfe}, {0x80, 0x80, 0xff, 0xfe}, {0x80, 0x80, 0xff, 0xfe},
    {0x90, 0x80, 0xff, 0xff}, {0x80, 0x80, 0xff, 0xff}, {0x80, 0x80, 0xff, 0xff},
    {0x90, 0x80, 0x80, 0x00}, {0x80, 0x80, 0x80, 0x00}, {0x80, 0x80, 0x80, 0x00},
  };
  guint i;

  assert_equals_int (packets->len, 9);
  for (i = 0; i < 9; i++)
    assert_packet (g_ptr_array_index (packets, i), 1000 + i, i / 3 * 1800,
        i % 3 == 2, expected[i], 4);
  g_ptr_array_unref (packets);
}

GST_END_TEST;

GST_START_TEST (test_pay_vp9_descriptor)
{
  GPtrArray *packets = make_packets (VP9_CAPS, 0x0123, 2, 3000);
  GPtrArray *single = make_packets (VP9_CAPS, 0, 1, 100);
  /* I|B, I, I|E of a key frame; the same with P of a delta frame */
  const guint8 expected[6][3] = {
    {0x88, 0x81, 0x23}, {0x80, 0x81, 0x23}, {0x84, 0x81, 0x23},
    {0xc8, 0x81, 0x24}, {0xc0, 0x81, 0x24}, {0xc4, 0x81, 0x24},
  };
  const guint8 whole[3] = { 0x8c, 0x80, 0x00 };
  guint i;

  assert_equals_int (packets->len, 6);
  for (i = 0; i < 6; i++)
    assert_packet (g_ptr_array_index (packets, i), 1000 + i, i / 3 * 1800,
        i % 3 == 2, expected[i], 3);
  assert_equals_int (single->len, 1);
  assert_packet (g_ptr_array_index (single, 0), 1000, 0, TRUE, whole, 3);
  g_ptr_array_unref (packets);
  g_ptr_array_unref (single);
}

GST_END_TEST;

GST_START_TEST (test_pay_opus_is_one_packet)
{
  GPtrArray *packets = make_packets (OPUS_CAPS, -1, 2, 160);
  guint8 start[8];
  guint i;

  assert_equals_int (packets->len, 2);
  for (i = 0; i < 2; i++) {
    GstBuffer *packet = g_ptr_array_index (packets, i);
    GstBuffer *frame = new_frame (160, i, FALSE);

    gst_buffer_extract (frame, 0, start, sizeof (start));
    assert_packet (packet, 1000 + i, i * 960, FALSE, start, sizeof (start));
    assert_equals_int (gst_buffer_get_size (packet), 12 + 160);
    gst_buffer_unref (frame);
  }
  g_ptr_array_unref (packets);
}

GST_END_TEST;

GST_START_TEST (test_pay_opus_too_large_is_dropped)
{
  GstHarness *h = new_pay (OPUS_CAPS, -1);
  GstBus *bus = gst_bus_new ();
  GstMessage *message;

  gst_element_set_bus (h->element, bus);
  assert_equals_int (gst_harness_push (h, new_frame (MTU - 12, 0, FALSE)),
      GST_FLOW_OK);
  assert_equals_int (gst_harness_push (h, new_frame (MTU - 11, 1, FALSE)),
      GST_FLOW_OK);
  assert_equals_int (gst_harness_buffers_received (h), 1);
  assert_equals_int (frames_dropped (h), 1);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING);
  fail_unless (message != NULL);
  gst_message_unref (message);

  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* (transfer full): the next event of that type; others before it are passed over */
static GstEvent *
pull_event (GstHarness * h, GstEventType type)
{
  GstEvent *event;

  while ((event = gst_harness_try_pull_event (h))
      && GST_EVENT_TYPE (event) != type)
    gst_event_unref (event);
  fail_unless (event != NULL, "no %s", gst_event_type_get_name (type));
  return event;
}

/* Nothing is kept over a flush, and both numbers go on: the peer sees one stream. */
GST_START_TEST (test_pay_flush)
{
  const guint8 second[] = { 0x90, 0x80, 0x80, 0x06 };
  GstHarness *h = new_pay (VP8_CAPS, 5);
  GstSegment segment;
  GstBuffer *packet;

  gst_harness_push (h, new_frame (100, 0, FALSE));
  gst_buffer_unref (gst_harness_pull (h));
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_start ()));
  assert_equals_int (gst_harness_push (h, new_frame (100, 1, TRUE)),
      GST_FLOW_FLUSHING);
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_stop (TRUE)));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  assert_equals_int (gst_harness_push (h, new_frame (100, 2, TRUE)),
      GST_FLOW_OK);
  packet = gst_harness_pull (h);
  assert_packet (packet, 1001, 3600, TRUE, second, sizeof (second));
  gst_buffer_unref (packet);
  gst_event_unref (pull_event (h, GST_EVENT_FLUSH_START));
  gst_event_unref (pull_event (h, GST_EVENT_FLUSH_STOP));
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_pay_gap_and_eos)
{
  GstHarness *h = new_pay (OPUS_CAPS, -1);
  GstClockTime start, duration;
  GstEvent *gap;

  gst_harness_push (h, new_frame (100, 0, FALSE));
  fail_unless (gst_harness_push_event (h, gst_event_new_gap (20 * GST_MSECOND,
              40 * GST_MSECOND)));
  gst_harness_push (h, new_frame (100, 3, FALSE));
  assert_equals_int (gst_harness_buffers_received (h), 2);
  gap = pull_event (h, GST_EVENT_GAP);
  gst_event_parse_gap (gap, &start, &duration);
  assert_equals_uint64 (start, 20 * GST_MSECOND);
  assert_equals_uint64 (duration, 40 * GST_MSECOND);
  gst_event_unref (gap);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  gst_event_unref (pull_event (h, GST_EVENT_EOS));
  assert_equals_int (gst_harness_push (h, new_frame (100, 4, FALSE)),
      GST_FLOW_EOS);
  gst_harness_teardown (h);
}

GST_END_TEST;

static void
assert_encoding (GstHarness * h, const gchar * name)
{
  GstCaps *caps = gst_pad_get_current_caps (h->sinkpad);

  fail_unless_equals_string (gst_structure_get_string (gst_caps_get_structure
          (caps, 0), "encoding-name"), name);
  gst_caps_unref (caps);
}

/* From one codec to another in the middle: the descriptor is the new one's, the sequence numbers go on. */
GST_START_TEST (test_pay_renegotiation)
{
  const guint8 vp8[] = { 0x90, 0x80, 0x80, 0x05 };
  const guint8 vp9[] = { 0x8c, 0x80, 0x06 };
  GstHarness *h = new_pay (VP8_CAPS, 5);
  GstBuffer *packet;

  gst_harness_push (h, new_frame (100, 0, FALSE));
  packet = gst_harness_pull (h);
  assert_packet (packet, 1000, 0, TRUE, vp8, sizeof (vp8));
  gst_buffer_unref (packet);
  assert_encoding (h, "VP8");
  gst_harness_set_src_caps_str (h, VP9_CAPS);
  gst_harness_push (h, new_frame (100, 1, FALSE));
  packet = gst_harness_pull (h);
  assert_packet (packet, 1001, 1800, TRUE, vp9, sizeof (vp9));
  gst_buffer_unref (packet);
  assert_encoding (h, "VP9");
  gst_harness_teardown (h);
}

GST_END_TEST;

/* and back */
GST_START_TEST (test_depay_renegotiation)
{
  static const struct
  {
    const gchar *name, *caps;
  } codecs[] = { {"VP8", VP8_CAPS}, {"VP9", VP9_CAPS}, {"VP8", VP8_CAPS} };
  GstHarness *pay = new_pay (VP8_CAPS, 5);
  GstHarness *depay = new_depay ("VP8");
  GstBuffer *buffer;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (codecs); i++) {
    gst_harness_set_src_caps_str (pay, codecs[i].caps);
    gst_harness_set_src_caps_str (depay, rtp_caps (codecs[i].name));
    gst_harness_push (pay, new_frame (3000, i, FALSE));
    while ((buffer = gst_harness_try_pull (pay)))
      gst_harness_push (depay, buffer);
    buffer = gst_harness_try_pull (depay);
    assert_frame (buffer, 3000, i);
    gst_buffer_unref (buffer);
    assert_encoding (depay, codecs[i].name);
  }
  gst_harness_teardown (pay);
  gst_harness_teardown (depay);
}

GST_END_TEST;

GST_START_TEST (test_pay_caps)
{
  static const gchar *in[] = { VP8_CAPS, VP9_CAPS, OPUS_CAPS };
  static const gchar *expected[] = {
    "application/x-rtp,media=video,clock-rate=90000,encoding-name=VP8,payload=96,ssrc=(uint)16909060",
    "application/x-rtp,media=video,clock-rate=90000,encoding-name=VP9,payload=96,ssrc=(uint)16909060",
    "application/x-rtp,media=audio,clock-rate=48000,encoding-name=OPUS,encoding-params=(string)2,payload=96,ssrc=(uint)16909060",
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (in); i++) {
    GstHarness *h = new_pay (in[i], 0);
    GstCaps *caps, *subset = gst_caps_from_string (expected[i]);

    gst_harness_push (h, new_frame (10, 0, FALSE));
    caps = gst_pad_get_current_caps (h->sinkpad);
    fail_unless (gst_caps_is_subset (caps, subset), "%" GST_PTR_FORMAT, caps);
    gst_caps_unref (caps);
    gst_caps_unref (subset);
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

/* what stands behind the payloader decides what may come in */
GST_START_TEST (test_pay_sink_caps_follow_downstream)
{
  GstHarness *h = gst_harness_new ("rtpdaopay");
  GstPad *sink = gst_element_get_static_pad (h->element, "sink");
  GstCaps *caps, *expected = gst_caps_from_string (VP9_CAPS);

  gst_harness_set_sink_caps_str (h,
      "application/x-rtp,media=video,encoding-name=VP9,payload=98,clock-rate=90000");
  caps = gst_pad_query_caps (sink, NULL);
  fail_unless (gst_caps_is_equal (caps, expected), "%" GST_PTR_FORMAT, caps);
  gst_caps_unref (caps);
  gst_caps_unref (expected);
  gst_object_unref (sink);
  gst_harness_teardown (h);
}

GST_END_TEST;

static guint
count_extensions (GstBuffer * packet)
{
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  gpointer data;
  guint size, id, found = 0;

  fail_unless (gst_rtp_buffer_map (packet, GST_MAP_READ, &rtp));
  for (id = 1; id < 15; id++) {
    if (gst_rtp_buffer_get_extension_onebyte_header (&rtp, id, 0, &data, &size))
      found++;
  }
  gst_rtp_buffer_unmap (&rtp);
  return found;
}

GST_START_TEST (test_pay_header_extensions)
{
  GstHarness *h = gst_harness_new ("rtpdaopay");
  GstHarness *depay = new_depay ("VP8");
  GstBuffer *packet;
  GstRTPHeaderExtension *mid = gst_rtp_header_extension_create_from_uri (MID);
  gsize largest = 0;
  guint n = 0;

  g_object_set (h->element, "mtu", MTU, NULL);
  gst_rtp_header_extension_set_id (mid, 4);
  g_object_set (mid, "mid", "video0", NULL);
  g_signal_emit_by_name (h->element, "add-extension", mid);
  gst_harness_set_caps_str (h, VP8_CAPS, "application/x-rtp,media=video,"
      "encoding-name=VP8,payload=96,clock-rate=90000,"
      "extmap-3=(string)" TWCC ",extmap-4=(string)" MID);
  gst_harness_push (h, new_frame (3000, 0, FALSE));

  while ((packet = gst_harness_try_pull (h)) != NULL) {
    assert_equals_int (count_extensions (packet), 2);
    largest = MAX (largest, gst_buffer_get_size (packet));
    gst_harness_push (depay, packet);
    n++;
  }
  assert_equals_int (n, 3);
  /* the extensions are part of the packet */
  fail_unless (largest <= MTU && largest > MTU - 16);
  packet = gst_harness_try_pull (depay);
  assert_frame (packet, 3000, 0);
  gst_buffer_unref (packet);
  gst_object_unref (mid);
  gst_harness_teardown (h);
  gst_harness_teardown (depay);
}

GST_END_TEST;

GST_START_TEST (test_pay_mtu_without_room_is_an_error)
{
  GstHarness *h = gst_harness_new ("rtpdaopay");

  g_object_set (h->element, "mtu", 28, NULL);
  gst_harness_set_caps_str (h, VP8_CAPS, "application/x-rtp,media=video,"
      "encoding-name=VP8,payload=96,clock-rate=90000,extmap-3=(string)" TWCC
      ",extmap-4=(string)" MID);
  assert_equals_int (gst_harness_push (h, new_frame (100, 0, FALSE)),
      GST_FLOW_ERROR);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_key_unit_requests_pass)
{
  static const gchar *elements[] = { "rtpdaopay", "rtpdaodepay" };
  guint i;

  for (i = 0; i < 2; i++) {
    GstHarness *h = i == 0 ? new_pay (VP8_CAPS, 0) : new_depay ("VP8");
    GstEvent *event;

    gst_harness_push_upstream_event (h,
        gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM,
            gst_structure_new_empty ("GstForceKeyUnit")));
    while ((event = gst_harness_try_pull_upstream_event (h)) != NULL) {
      gboolean found = gst_event_has_name (event, "GstForceKeyUnit");

      gst_event_unref (event);
      if (found)
        break;
    }
    fail_unless (event != NULL, "%s", elements[i]);
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

/* --- round trip --- */

static void
round_trip (const gchar * caps, const gchar * name, gsize size)
{
  GPtrArray *packets = make_packets (caps, 0x7fff, 2, size);
  GstHarness *h = new_depay (name);
  guint i;

  if (size == 0)
    assert_equals_int (packets->len, 0);
  for (i = 0; i < packets->len; i++)
    assert_equals_int (push_packet (h, packets, i), GST_FLOW_OK);

  for (i = 0; i < 2 && size > 0; i++) {
    GstBuffer *frame = gst_harness_try_pull (h);

    assert_frame (frame, size, i);
    assert_equals_uint64 (GST_BUFFER_PTS (frame), i * 20 * GST_MSECOND);
    /* VP8 keeps it in the ciphertext, Opus has none */
    assert_equals_int (! !GST_BUFFER_FLAG_IS_SET (frame,
            GST_BUFFER_FLAG_DELTA_UNIT), g_str_equal (name, "VP9") && i == 1);
    fail_if (GST_BUFFER_FLAG_IS_SET (frame, GST_BUFFER_FLAG_MARKER));
    if (i == 1)
      fail_if (GST_BUFFER_IS_DISCONT (frame));
    gst_buffer_unref (frame);
  }
  assert_no_output (h);
  assert_equals_int (frames_dropped (h), 0);
  gst_harness_teardown (h);
  g_ptr_array_unref (packets);
}

GST_START_TEST (test_round_trip)
{
  static const gsize sizes[] = { 0, 1, 2, 24, 25, 160, 1183, 1184, 1185, 1186,
    1187, 1188, 1189, 1199, 1200, 1201, 2367, 2368, 2369, 2370, 2371, 3551,
    3552, 3553, 3599, 3600, 3601, 100000
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (sizes); i++) {
    round_trip (VP8_CAPS, "VP8", sizes[i]);
    round_trip (VP9_CAPS, "VP9", sizes[i]);
    if (sizes[i] <= MTU - 12)
      round_trip (OPUS_CAPS, "OPUS", sizes[i]);
  }
}

GST_END_TEST;

/* 1184 = 1200 - 12 - 4 bytes of a VP8 frame fill a packet, one more needs another */
GST_START_TEST (test_split_is_tight)
{
  static const struct
  {
    const gchar *caps;
    gsize size;
    guint packets;
  } cases[] = {
    {VP8_CAPS, 1184, 1}, {VP8_CAPS, 1185, 2}, {VP8_CAPS, 2368, 2},
    {VP8_CAPS, 2369, 3}, {VP9_CAPS, 1185, 1}, {VP9_CAPS, 1186, 2},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    GPtrArray *packets = make_packets (cases[i].caps, 0, 1, cases[i].size);

    assert_equals_int (packets->len, cases[i].packets);
    g_ptr_array_unref (packets);
  }
}

GST_END_TEST;

GST_START_TEST (test_depay_caps)
{
  static const gchar *names[] = { "VP8", "VP9", "OPUS" };
  static const gchar *expected[] = { VP8_CAPS, VP9_CAPS,
    "application/x-dao-e2ee,media=audio,encoding-name=OPUS,rate=48000"
  };
  guint i;

  for (i = 0; i < 3; i++) {
    GstHarness *h = new_depay (names[i]);
    GstCaps *caps = gst_pad_get_current_caps (h->sinkpad);
    GstCaps *wanted = gst_caps_from_string (expected[i]);

    fail_unless (gst_caps_is_equal (caps, wanted), "%" GST_PTR_FORMAT, caps);
    gst_caps_unref (caps);
    gst_caps_unref (wanted);
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

/* the lines of the elements' documentation */
GST_START_TEST (test_launch_lines)
{
  static const gchar *lines[] = {
    "fakesrc num-buffers=30 format=time do-timestamp=true sizetype=fixed sizemax=3000 ! "
        "application/x-dao-e2ee,media=video,encoding-name=VP8 ! rtpdaopay ! rtpdaodepay ! fakesink",
    "fakesrc num-buffers=30 format=time do-timestamp=true sizetype=fixed sizemax=160 ! "
        "application/x-dao-e2ee,media=audio,encoding-name=OPUS,rate=48000,channels=2 ! rtpdaopay pt=111 ! fakesink",
    "fakesrc num-buffers=30 format=time do-timestamp=true sizetype=fixed sizemax=3000 ! "
        "application/x-dao-e2ee,media=video,encoding-name=VP9 ! rtpdaopay ! rtpdaodepay ! fakesink",
    "fakesrc num-buffers=30 format=time do-timestamp=true sizetype=fixed sizemax=160 ! "
        "application/x-dao-e2ee,media=audio,encoding-name=OPUS ! rtpdaopay ! rtpdaodepay ! "
        "application/x-dao-e2ee,encoding-name=OPUS ! fakesink",
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (lines); i++) {
    GError *error = NULL;
    GstElement *pipeline = gst_parse_launch (lines[i], &error);
    GstBus *bus = gst_element_get_bus (pipeline);
    GstMessage *message;

    fail_unless (error == NULL);
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    message = gst_bus_timed_pop_filtered (bus, 30 * GST_SECOND,
        GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_unless (message != NULL);
    assert_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_EOS);
    gst_message_unref (message);
    gst_element_set_state (pipeline, GST_STATE_NULL);
    gst_object_unref (bus);
    gst_object_unref (pipeline);
  }
}

GST_END_TEST;

static Suite *
rtpdao_suite (void)
{
  Suite *suite = suite_create ("rtpdao");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_pay_vp8_descriptor);
  tcase_add_test (tcase, test_pay_vp9_descriptor);
  tcase_add_test (tcase, test_pay_opus_is_one_packet);
  tcase_add_test (tcase, test_pay_opus_too_large_is_dropped);
  tcase_add_test (tcase, test_pay_flush);
  tcase_add_test (tcase, test_pay_gap_and_eos);
  tcase_add_test (tcase, test_pay_renegotiation);
  tcase_add_test (tcase, test_depay_renegotiation);
  tcase_add_test (tcase, test_pay_caps);
  tcase_add_test (tcase, test_pay_sink_caps_follow_downstream);
  tcase_add_test (tcase, test_pay_header_extensions);
  tcase_add_test (tcase, test_pay_mtu_without_room_is_an_error);
  tcase_add_test (tcase, test_key_unit_requests_pass);
  tcase_add_test (tcase, test_round_trip);
  tcase_add_test (tcase, test_split_is_tight);
  tcase_add_test (tcase, test_depay_caps);
  tcase_add_test (tcase, test_launch_lines);
  return suite;
}

GST_CHECK_MAIN (rtpdao);
