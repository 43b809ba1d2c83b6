/* gst-dao: tests of rtpdaodepay: descriptors of others, loss, bad input
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Descriptors: RFC 7741 (VP8), RFC 9628 (VP9).
 */
#include "gst/daortp/gstdaortpdescriptor.h"
#include "rtpdaohelpers.h"

/* --- descriptors --- */

typedef struct
{
  const gchar *what;
  gboolean vp9;
  guint8 data[24];
  gsize size;
  gboolean start, end, delta;
  gint picture_id;              /* -1: none */
} DescriptorCase;

static const DescriptorCase descriptors[] = {
  {"VP8, 1 byte", FALSE, {0x10}, 1, TRUE, FALSE, FALSE, -1},
  {"VP8, partition 1 is no start", FALSE, {0x11}, 1, FALSE, FALSE, FALSE, -1},
  {"VP8, non-reference", FALSE, {0x30}, 1, TRUE, FALSE, FALSE, -1},
  {"VP8, empty extension", FALSE, {0x90, 0x00}, 2, TRUE, FALSE, FALSE, -1},
  {"VP8, 7 bits", FALSE, {0x90, 0x80, 0x7f}, 3, TRUE, FALSE, FALSE, 0x7f},
  {"VP8, 15 bits", FALSE, {0x80, 0x80, 0x81, 0x02}, 4, FALSE, FALSE, FALSE, 0x102},
  {"VP8, L", FALSE, {0x90, 0x40, 0x05}, 3, TRUE, FALSE, FALSE, -1},
  {"VP8, T", FALSE, {0x90, 0x20, 0x40}, 3, TRUE, FALSE, FALSE, -1},
  {"VP8, K", FALSE, {0x90, 0x10, 0x1f}, 3, TRUE, FALSE, FALSE, -1},
  {"VP8, all", FALSE, {0x90, 0xf0, 0xff, 0xff, 0x05, 0x5f}, 6, TRUE, FALSE, FALSE, 0x7fff},
  {"VP9, bare", TRUE, {0x08}, 1, TRUE, FALSE, FALSE, -1},
  {"VP9, delta, 7 bits", TRUE, {0xcc, 0x11}, 2, TRUE, TRUE, TRUE, 0x11},
  {"VP9, Chromium delta", TRUE, {0xdd, 0x80, 0x01, 0x02}, 4, TRUE, TRUE, TRUE, 1},
  {"VP9, Chromium key with SS", TRUE, {0x9b, 0x80, 0x01, 0x18, 0x01, 0x40, 0x00, 0xf0, 0x01, 0x04, 0x01}, 11, TRUE, FALSE, FALSE, 1},
  {"VP9, flexible key has no references", TRUE, {0x91, 0x80, 0x01}, 3, FALSE, FALSE, FALSE, 1},
  {"VP9, three references", TRUE, {0xd9, 0x80, 0x01, 0x03, 0x05, 0x06}, 6, TRUE, FALSE, TRUE, 1},
  {"VP9, layers with TL0PICIDX", TRUE, {0xa8, 0x81, 0x00, 0x20, 0x07}, 5, TRUE, FALSE, FALSE, 0x100},
  {"VP9, layers, flexible", TRUE, {0xb8, 0x81, 0x00, 0x20}, 4, TRUE, FALSE, FALSE, 0x100},
  {"VP9, upper spatial layer of a key picture", TRUE, {0xa8, 0x05, 0x03, 0x00}, 4, TRUE, FALSE, TRUE, 5},
  {"VP9, SS without Y and G", TRUE, {0x8a, 0x05, 0x00}, 3, TRUE, FALSE, FALSE, 5},
  {"VP9, SS of three layers", TRUE, {0x8a, 0x05, 0x50, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6}, 15, TRUE, FALSE, FALSE, 5},
  {"VP9, SS with 0 pictures", TRUE, {0x8a, 0x05, 0x08, 0x00}, 4, TRUE, FALSE, FALSE, 5},
};

static gboolean
parse (const DescriptorCase * c, gsize size, GstDaoRtpDescriptor * descriptor)
{
  /* the exact length on the heap: AddressSanitizer sees a read behind the end */
  guint8 *data = g_memdup2 (c->data, size);
  gboolean ret = c->vp9 ?
      gst_dao_rtp_vp9_descriptor_parse (data, size, descriptor) :
      gst_dao_rtp_vp8_descriptor_parse (data, size, descriptor);

  g_free (data);
  return ret;
}

GST_START_TEST (test_descriptors)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (descriptors); i++) {
    const DescriptorCase *c = &descriptors[i];
    GstDaoRtpDescriptor d;

    fail_unless (parse (c, c->size, &d), "%s", c->what);
    fail_unless_equals_int (d.size, c->size);
    fail_unless (! !d.start == c->start, "%s", c->what);
    fail_unless (! !d.end == c->end, "%s", c->what);
    fail_unless (! !d.delta == c->delta, "%s", c->what);
    fail_unless (! !d.has_picture_id == (c->picture_id >= 0), "%s", c->what);
    if (c->picture_id >= 0)
      fail_unless_equals_int (d.picture_id, c->picture_id);
  }
}

GST_END_TEST;

/* guard: a descriptor is never read behind the end of the packet */
GST_START_TEST (test_descriptors_truncated)
{
  guint i;
  gsize size;

  for (i = 0; i < G_N_ELEMENTS (descriptors); i++) {
    for (size = 0; size < descriptors[i].size; size++) {
      GstDaoRtpDescriptor d;

      fail_if (parse (&descriptors[i], size, &d), "%s, %u bytes",
          descriptors[i].what, (guint) size);
    }
  }
}

GST_END_TEST;

GST_START_TEST (test_descriptors_malformed)
{
  static const DescriptorCase cases[] = {
    {"four references", TRUE, {0xd9, 0x80, 0x01, 0x03, 0x05, 0x07, 0x08}, 7},
    {"flexible without PictureID", TRUE, {0x18, 0x00}, 2},
    {"SS of 8 layers, one byte short", TRUE, {0x0a, 0xf0}, 2 + 31 > 24 ? 24 : 33},
    {"SS of 255 pictures", TRUE, {0x0a, 0x08, 0xff}, 24},
    {"SS, references of a picture missing", TRUE, {0x0a, 0x08, 0x01, 0x0c, 0x01}, 5},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstDaoRtpDescriptor d;

    fail_if (parse (&cases[i], cases[i].size, &d), "%s", cases[i].what);
  }
}

GST_END_TEST;

/* --- loss --- */

/* Five frames of three packets; one packet is lost. */
static void
lose_one (const gchar * caps, const gchar * name, guint lost)
{
  GPtrArray *packets = make_packets (caps, 0x7ffe, 5, 3000);
  GstHarness *h = new_depay (name);
  guint i, lost_frame = lost / 3;

  assert_equals_int (packets->len, 15);
  for (i = 0; i < packets->len; i++) {
    if (i != lost)
      assert_equals_int (push_packet (h, packets, i), GST_FLOW_OK);
  }

  for (i = 0; i < 5; i++) {
    GstBuffer *frame;

    if (i == lost_frame)
      continue;
    frame = gst_harness_try_pull (h);
    assert_frame (frame, 3000, i);
    if (i > 0)
      assert_equals_int (! !GST_BUFFER_IS_DISCONT (frame), i == lost_frame + 1);
    gst_buffer_unref (frame);
  }
  assert_no_output (h);
  gst_harness_teardown (h);
  g_ptr_array_unref (packets);
}

GST_START_TEST (test_loss_at_every_position)
{
  guint i;

  for (i = 0; i < 15; i++) {
    lose_one (VP8_CAPS, "VP8", i);
    lose_one (VP9_CAPS, "VP9", i);
  }
}

GST_END_TEST;

GST_START_TEST (test_loss_of_audio)
{
  GPtrArray *packets = make_packets (OPUS_CAPS, -1, 4, 160);
  GstHarness *h = new_depay ("OPUS");
  GstBuffer *frame;

  push_packet (h, packets, 0);
  push_packet (h, packets, 2);
  push_packet (h, packets, 3);
  gst_buffer_unref (gst_harness_try_pull (h));
  frame = gst_harness_try_pull (h);
  assert_frame (frame, 160, 2);
  fail_unless (GST_BUFFER_IS_DISCONT (frame));
  gst_buffer_unref (frame);
  frame = gst_harness_try_pull (h);
  fail_if (GST_BUFFER_IS_DISCONT (frame));
  gst_buffer_unref (frame);
  gst_harness_teardown (h);
  g_ptr_array_unref (packets);
}

GST_END_TEST;

GST_START_TEST (test_sequence_numbers_wrap)
{
  GstHarness *h = new_depay ("VP8");

  push_rtp (h, 65534, 0, FALSE, 0x90, 0x80, 0xff, 0xff, 1);
  push_rtp (h, 65535, 0, TRUE, 0x80, 0x80, 0xff, 0xff, 2);
  push_rtp (h, 0, 3000, FALSE, 0x90, 0x80, 0x80, 0x00, 3);
  push_rtp (h, 1, 3000, TRUE, 0x80, 0x80, 0x80, 0x00, 4);
  gst_buffer_unref (gst_harness_try_pull (h));
  assert_output (h, 3, 2, FALSE);
  assert_no_output (h);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_picture_id_gap_is_discont)
{
  GstHarness *h = new_depay ("VP8");

  push_rtp (h, 1, 0, TRUE, 0x90, 0x80, 0xff, 0xfe, 1);
  push_rtp (h, 2, 3000, TRUE, 0x90, 0x80, 0xff, 0xff, 2);
  push_rtp (h, 3, 6000, TRUE, 0x90, 0x80, 0x80, 0x00, 3);       /* wraps: no gap */
  push_rtp (h, 4, 9000, TRUE, 0x90, 0x80, 0x80, 0x02, 4);       /* 1 is missing */
  push_rtp (h, 5, 12000, TRUE, 0x90, 0x80, 0x03, 5);    /* 7 bits: no gap */
  push_rtp (h, 6, 15000, TRUE, 0x90, 0x80, 0x05, 6);    /* 4 is missing */
  push_rtp (h, 7, 18000, TRUE, 0x90, 0x80, 0x05, 7);    /* stands still */
  push_rtp (h, 8, 21000, TRUE, 0x10, 8);        /* none: nothing to say */

  gst_buffer_unref (gst_harness_try_pull (h));
  assert_output (h, 2, 1, FALSE);
  assert_output (h, 3, 1, FALSE);
  assert_output (h, 4, 1, TRUE);
  assert_output (h, 5, 1, FALSE);
  assert_output (h, 6, 1, TRUE);
  assert_output (h, 7, 1, TRUE);
  assert_output (h, 8, 1, FALSE);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* every layer of a VP9 picture is a frame that was encrypted on its own */
GST_START_TEST (test_vp9_layers_are_frames)
{
  GstHarness *h = new_depay ("VP9");
  GstBuffer *frame;

  push_rtp (h, 1, 0, FALSE, 0xbc, 0x05, 0x00, 1);
  push_rtp (h, 2, 0, TRUE, 0xbc, 0x05, 0x03, 2);
  frame = gst_harness_try_pull (h);
  fail_if (GST_BUFFER_FLAG_IS_SET (frame, GST_BUFFER_FLAG_DELTA_UNIT));
  gst_buffer_unref (frame);
  frame = gst_harness_try_pull (h);
  fail_unless (GST_BUFFER_FLAG_IS_SET (frame, GST_BUFFER_FLAG_DELTA_UNIT));
  fail_if (GST_BUFFER_IS_DISCONT (frame));
  gst_buffer_unref (frame);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_duplicates_and_late_packets_are_dropped)
{
  GPtrArray *packets = make_packets (VP8_CAPS, 0, 2, 3000);
  GstHarness *h = new_depay ("VP8");
  static const guint order[] = { 0, 1, 1, 2, 0, 4, 3, 5 };
  GstBuffer *frame;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (order); i++)
    assert_equals_int (push_packet (h, packets, order[i]), GST_FLOW_OK);
  frame = gst_harness_try_pull (h);
  assert_frame (frame, 3000, 0);
  gst_buffer_unref (frame);
  assert_no_output (h);
  gst_harness_teardown (h);
  g_ptr_array_unref (packets);
}

GST_END_TEST;

/* --- events --- */

GST_START_TEST (test_lost_packets_become_gaps)
{
  GPtrArray *packets = make_packets (OPUS_CAPS, -1, 1, 160);
  GstHarness *h = new_depay ("OPUS");
  GstEvent *event;
  gboolean found = FALSE;

  push_packet (h, packets, 0);
  gst_harness_push_event (h, gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM,
          gst_structure_new ("GstRTPPacketLost", "seqnum", G_TYPE_UINT, 1001,
              "timestamp", G_TYPE_UINT64, 20 * GST_MSECOND, "duration",
              G_TYPE_UINT64, 20 * GST_MSECOND, NULL)));
  while ((event = gst_harness_try_pull_event (h)) != NULL) {
    if (GST_EVENT_TYPE (event) == GST_EVENT_GAP) {
      GstClockTime time, duration;

      gst_event_parse_gap (event, &time, &duration);
      assert_equals_uint64 (time, 20 * GST_MSECOND);
      assert_equals_uint64 (duration, 20 * GST_MSECOND);
      found = TRUE;
    }
    gst_event_unref (event);
  }
  fail_unless (found);
  gst_harness_teardown (h);
  g_ptr_array_unref (packets);
}

GST_END_TEST;

GST_START_TEST (test_flush)
{
  GPtrArray *packets = make_packets (VP8_CAPS, 0, 2, 3000);
  GstHarness *h = new_depay ("VP8");
  GstSegment segment;
  GstBuffer *frame;
  guint i;

  push_packet (h, packets, 0);
  push_packet (h, packets, 1);
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  push_packet (h, packets, 2);
  for (i = 3; i < 6; i++)
    push_packet (h, packets, i);

  frame = gst_harness_try_pull (h);
  assert_frame (frame, 3000, 1);
  gst_buffer_unref (frame);
  assert_no_output (h);
  gst_harness_teardown (h);
  g_ptr_array_unref (packets);
}

GST_END_TEST;

GST_START_TEST (test_eos_drops_the_rest)
{
  GPtrArray *packets = make_packets (VP8_CAPS, 0, 1, 3000);
  GstHarness *h = new_depay ("VP8");
  GstEvent *event;
  gboolean eos = FALSE;

  push_packet (h, packets, 0);
  gst_harness_push_event (h, gst_event_new_eos ());
  assert_no_output (h);
  assert_equals_int (frames_dropped (h), 1);
  while ((event = gst_harness_try_pull_event (h)) != NULL) {
    eos |= GST_EVENT_TYPE (event) == GST_EVENT_EOS;
    gst_event_unref (event);
  }
  fail_unless (eos);
  gst_harness_teardown (h);
  g_ptr_array_unref (packets);
}

GST_END_TEST;

/* --- bad input --- */

GST_START_TEST (test_frames_of_careless_senders)
{
  GstHarness *h = new_depay ("VP8");

  push_rtp (h, 1, 0, TRUE, 0x90, 0x80, 0x01, 1);
  gst_buffer_unref (gst_harness_try_pull (h));
  /* no marker: the next frame ends it */
  push_rtp (h, 2, 3000, FALSE, 0x90, 0x80, 0x02, 2);
  push_rtp (h, 3, 3000, FALSE, 0x80, 0x80, 0x02, 2);
  push_rtp (h, 4, 6000, TRUE, 0x90, 0x80, 0x03, 3);
  assert_output (h, 2, 2, FALSE);
  assert_output (h, 3, 1, FALSE);
  /* begins twice at one time: the first half never ended */
  push_rtp (h, 5, 9000, FALSE, 0x90, 0x80, 0x04, 4);
  push_rtp (h, 6, 9000, TRUE, 0x90, 0x80, 0x05, 5);
  assert_output (h, 5, 1, TRUE);
  /* goes on at another time, or with another PictureID */
  push_rtp (h, 7, 12000, FALSE, 0x90, 0x80, 0x06, 6);
  push_rtp (h, 8, 15000, TRUE, 0x80, 0x80, 0x06, 6);
  push_rtp (h, 9, 18000, FALSE, 0x90, 0x80, 0x07, 7);
  push_rtp (h, 10, 18000, TRUE, 0x80, 0x80, 0x08, 7);
  assert_no_output (h);
  push_rtp (h, 11, 21000, TRUE, 0x90, 0x80, 0x08, 8);
  assert_output (h, 8, 1, TRUE);
  assert_equals_int (frames_dropped (h), 3);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_empty_and_malformed_packets)
{
  GstHarness *h = new_depay ("VP9");
  GstBuffer *padded;
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;

  push_rtp (h, 1, 0, TRUE, 0x8c, 0x01, 1);
  gst_buffer_unref (gst_harness_try_pull (h));
  /* nothing but padding, in the middle of a frame: harmless */
  push_rtp (h, 2, 3000, FALSE, 0xc8, 0x02, 2);
  assert_equals_int (gst_harness_push (h, new_rtp (3, 3000, FALSE, NULL, 0)),
      GST_FLOW_OK);
  padded = gst_rtp_buffer_new_allocate (3, 9, 0);
  gst_rtp_buffer_map (padded, GST_MAP_READWRITE, &rtp);
  gst_rtp_buffer_set_seq (&rtp, 4);
  gst_rtp_buffer_set_timestamp (&rtp, 3000);
  gst_rtp_buffer_set_marker (&rtp, TRUE);
  gst_rtp_buffer_set_ssrc (&rtp, 7);
  memcpy (gst_rtp_buffer_get_payload (&rtp), "\xc4\x02\x02", 3);
  gst_rtp_buffer_unmap (&rtp);
  gst_harness_push (h, padded);
  assert_output (h, 2, 2, FALSE);
  /* a descriptor and nothing behind it */
  push_rtp (h, 5, 6000, TRUE, 0xcc, 0x03);
  assert_no_output (h);
  push_rtp (h, 6, 9000, TRUE, 0xcc, 0x04, 4);
  assert_output (h, 4, 1, TRUE);
  /* a descriptor that does not fit spoils the frame */
  push_rtp (h, 7, 12000, FALSE, 0xc8, 0x05, 5);
  push_rtp (h, 8, 12000, FALSE, 0x80);
  push_rtp (h, 9, 12000, TRUE, 0xc4, 0x05, 5);
  assert_no_output (h);
  push_rtp (h, 10, 15000, TRUE, 0xcc, 0x06, 6);
  assert_output (h, 6, 1, TRUE);
  assert_equals_int (frames_dropped (h), 2);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_empty_audio_packet)
{
  GstHarness *h = new_depay ("OPUS");

  assert_equals_int (gst_harness_push (h, new_rtp (1, 0, FALSE, NULL, 0)),
      GST_FLOW_OK);
  assert_no_output (h);
  push_rtp (h, 2, 960, FALSE, 9);
  gst_buffer_unref (gst_harness_try_pull (h));
  gst_harness_teardown (h);
}

GST_END_TEST;

/* what is no RTP at all does not stop the stream */
GST_START_TEST (test_garbage)
{
  GstHarness *h = new_depay ("VP8");
  GRand *rand = g_rand_new_with_seed (1);
  guint i, j;

  for (i = 0; i < 2000; i++) {
    gsize size = g_rand_int_range (rand, 0, 40);
    guint8 *data = g_malloc (size + 1);

    for (j = 0; j < size; j++)
      data[j] = g_rand_int (rand) & 0xff;
    if (i % 2 && size > 0)
      data[0] = 0x80 | (data[0] & 0x3f);        /* version 2 */
    assert_equals_int (gst_harness_push (h, gst_buffer_new_wrapped (data,
                size)), GST_FLOW_OK);
  }
  g_rand_free (rand);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* guard: a frame without an end does not fill the memory */
GST_START_TEST (test_frame_size_is_bounded)
{
  GstHarness *h = new_depay ("VP8");
  guint8 *payload = g_malloc0 (1400);
  guint i, bytes = 0;

  payload[0] = 0x10;
  for (i = 0; bytes <= 5 * 1024 * 1024; i++) {
    gst_harness_push (h, new_rtp (i, 0, FALSE, payload, 1400));
    payload[0] = 0x00;
    bytes += 1399;
  }
  gst_harness_push (h, new_rtp (i++, 0, TRUE, payload, 1400));
  assert_no_output (h);
  assert_equals_int (frames_dropped (h), 1);
  /* and the next one comes */
  push_rtp (h, i, 3000, TRUE, 0x10, 1);
  assert_output (h, 1, 1, TRUE);
  g_free (payload);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* guard: nor do many packets of one byte */
GST_START_TEST (test_packets_of_a_frame_are_bounded)
{
  GstHarness *h = new_depay ("VP8");
  guint i;

  push_rtp (h, 0, 0, FALSE, 0x10, 1);
  for (i = 1; i < 10000; i++)
    push_rtp (h, i, 0, FALSE, 0x00, 1);
  push_rtp (h, i, 0, TRUE, 0x00, 1);
  assert_no_output (h);
  assert_equals_int (frames_dropped (h), 1);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_new_sender_is_discont)
{
  GstHarness *h = new_depay ("VP8");
  GstBuffer *packet;
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  const guint8 payload[] = { 0x90, 0x80, 0x02, 2 };

  push_rtp (h, 1, 0, TRUE, 0x90, 0x80, 0x01, 1);
  gst_buffer_unref (gst_harness_try_pull (h));
  packet = new_rtp (2, 3000, TRUE, payload, sizeof (payload));
  gst_rtp_buffer_map (packet, GST_MAP_READWRITE, &rtp);
  gst_rtp_buffer_set_ssrc (&rtp, 8);
  gst_rtp_buffer_unmap (&rtp);
  gst_harness_push (h, packet);
  assert_output (h, 2, 1, TRUE);
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
rtpdaodepay_suite (void)
{
  Suite *suite = suite_create ("rtpdaodepay");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_descriptors);
  tcase_add_test (tcase, test_descriptors_truncated);
  tcase_add_test (tcase, test_descriptors_malformed);
  tcase_add_test (tcase, test_loss_at_every_position);
  tcase_add_test (tcase, test_loss_of_audio);
  tcase_add_test (tcase, test_sequence_numbers_wrap);
  tcase_add_test (tcase, test_picture_id_gap_is_discont);
  tcase_add_test (tcase, test_vp9_layers_are_frames);
  tcase_add_test (tcase, test_duplicates_and_late_packets_are_dropped);
  tcase_add_test (tcase, test_lost_packets_become_gaps);
  tcase_add_test (tcase, test_flush);
  tcase_add_test (tcase, test_eos_drops_the_rest);
  tcase_add_test (tcase, test_frames_of_careless_senders);
  tcase_add_test (tcase, test_empty_and_malformed_packets);
  tcase_add_test (tcase, test_empty_audio_packet);
  tcase_add_test (tcase, test_garbage);
  tcase_add_test (tcase, test_frame_size_is_bounded);
  tcase_add_test (tcase, test_packets_of_a_frame_are_bounded);
  tcase_add_test (tcase, test_new_sender_is_discont);
  return suite;
}

GST_CHECK_MAIN (rtpdaodepay);
