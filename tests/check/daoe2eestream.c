/* gst-dao: tests of caps, events and queries of daoe2eeenc and daoe2eedec
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "daoe2ee-util.h"

#include <gst/video/video.h>

static void
assert_caps (GstCaps * caps, const gchar * expected)
{
  GstCaps *want = gst_caps_from_string (expected);
  gchar *text = gst_caps_to_string (caps);

  fail_unless (gst_caps_is_equal (caps, want), "%s", text);
  g_free (text);
  gst_caps_unref (want);
}

static void
assert_current_caps (GstHarness * h, const gchar * expected)
{
  GstCaps *caps = gst_pad_get_current_caps (h->sinkpad);

  fail_unless (caps != NULL);
  assert_caps (caps, expected);
  gst_caps_unref (caps);
}

/* --- caps --- */

/* What is known goes along; stream headers would be clear text about the stream. */
GST_START_TEST (test_caps_enc)
{
  static const gchar *const pairs[][2] = {
    {"video/x-vp8, width=(int)640, height=(int)480, framerate=30/1, "
          "profile=(string)0, streamheader=(buffer)< 0102 >",
        CIPHER_VP8 ", width=(int)640, height=(int)480"},
    {"video/x-vp9", CIPHER_VP9},
    {"audio/x-opus, rate=(int)48000, channels=(int)1, "
          "channel-mapping-family=(int)0, stream-count=(int)1, "
          "streamheader=(buffer)< 4f707573, 4f707573 >, "
          "codec_data=(buffer)0102",
        CIPHER_OPUS ", rate=(int)48000, channels=(int)1"},
  };
  guint i;

  /* without a key: an offer needs caps before there is one */
  for (i = 0; i < G_N_ELEMENTS (pairs); i++) {
    GstHarness *enc = new_enc (NULL, pairs[i][0]);

    assert_current_caps (enc, pairs[i][1]);
    gst_harness_teardown (enc);
  }
}

GST_END_TEST;

GST_START_TEST (test_caps_opus_dec)
{
  static const gchar *const pairs[][2] = {
    {CIPHER_OPUS, "audio/x-opus, rate=(int)48000, channels=(int)2, "
          "channel-mapping-family=(int)0"},
    {CIPHER_OPUS ", rate=(int)16000, channels=(int)1",
        "audio/x-opus, rate=(int)48000, channels=(int)1, "
          "channel-mapping-family=(int)0"},
    {CIPHER_OPUS ", channels=(int)200", "audio/x-opus, rate=(int)48000, "
          "channels=(int)2, channel-mapping-family=(int)0"},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (pairs); i++) {
    GstHarness *dec = new_dec (NULL, pairs[i][0]);

    assert_current_caps (dec, pairs[i][1]);
    gst_harness_teardown (dec);
  }
}

GST_END_TEST;

/* A muxer gets the size of the frame that verified, not of the network's word for it. */
GST_START_TEST (test_caps_video_dec)
{
  g_autofree gchar *hex = new_hex ();
  GstHarness *enc = new_enc (hex, VP8_CAPS);
  GstHarness *dec = new_dec (hex, CIPHER_VP8 ", width=(int)1, "
      "height=(int)1");
  guint i;

  fail_if (gst_pad_has_current_caps (dec->sinkpad));
  push_ok (dec, encrypt (enc, vp8_delta ()));
  push_ok (dec, opus_frame (0));
  fail_if (gst_pad_has_current_caps (dec->sinkpad));

  for (i = 0; i < 2; i++) {
    push_ok (dec, encrypt (enc, vp8_key (320 << i, 240 << i)));
    gst_buffer_unref (gst_harness_pull (dec));
    assert_current_caps (dec, i == 0 ?
        "video/x-vp8, width=(int)320, height=(int)240" :
        "video/x-vp8, width=(int)640, height=(int)480");
    push_ok (dec, encrypt (enc, vp8_delta ()));
    gst_buffer_unref (gst_harness_pull (dec));
  }

  /* the scaling bits above the 14 of each are no part of it */
  push_ok (dec, encrypt (enc, vp8_key (0x4000 | 176, 0x8000 | 144)));
  gst_buffer_unref (gst_harness_pull (dec));
  assert_current_caps (dec, "video/x-vp8, width=(int)176, height=(int)144");
  gst_harness_teardown (enc);
  gst_harness_teardown (dec);
}

GST_END_TEST;

/* Another codec in mid-stream. */
GST_START_TEST (test_caps_renegotiation)
{
  g_autofree gchar *hex = new_hex ();
  GstHarness *enc = new_enc (hex, VP8_CAPS);
  GstHarness *dec = new_dec (hex, CIPHER_VP8);
  static const guint8 vp9_key[] = { 0x82, 0x49, 0x83, 0x42, 0x40, 0x0b, 0xf0,
    0x08, 0x70, 0
  };

  push_ok (dec, encrypt (enc, vp8_key (320, 240)));
  gst_buffer_unref (gst_harness_pull (dec));

  gst_harness_set_src_caps_str (enc, VP9_CAPS);
  assert_current_caps (enc, CIPHER_VP9);
  gst_harness_set_src_caps_str (dec, CIPHER_VP9);
  assert_current_caps (dec, "video/x-vp8, width=(int)320, height=(int)240");
  push_ok (dec, encrypt (enc, gst_buffer_new_memdup ("\x86\x00", 2)));
  fail_unless (gst_harness_try_pull (dec) == NULL);     /* a delta frame of nothing */
  push_ok (dec, encrypt (enc, gst_buffer_new_memdup (vp9_key,
              sizeof (vp9_key))));
  gst_buffer_unref (gst_harness_pull (dec));
  assert_current_caps (dec, "video/x-vp9, width=(int)192, height=(int)136");

  gst_harness_set_src_caps_str (enc, OPUS_CAPS);
  gst_harness_set_src_caps_str (dec, CIPHER_OPUS);
  push_ok (dec, encrypt (enc, opus_frame (7)));
  gst_buffer_unref (gst_harness_pull (dec));
  assert_current_caps (dec, OPUS_CAPS);
  gst_harness_teardown (enc);
  gst_harness_teardown (dec);
}

GST_END_TEST;

static GstCaps *
query_caps (const gchar * element, const gchar * pad, const gchar * peer_caps,
    const gchar * filter)
{
  gboolean sink = g_str_equal (pad, "sink");
  GstHarness *h = gst_harness_new (element);
  GstPad *own = gst_element_get_static_pad (h->element, pad);
  GstCaps *filter_caps = filter ? gst_caps_from_string (filter) : NULL;
  GstCaps *result;

  if (sink)
    gst_harness_set_sink_caps_str (h, peer_caps);
  else
    gst_harness_set_src_caps_str (h, peer_caps);
  result = gst_pad_query_caps (own, filter_caps);
  gst_clear_caps (&filter_caps);
  gst_object_unref (own);
  gst_harness_teardown (h);
  return result;
}

/* Each pad can do what the peer of the other one can, in the other dress. */
GST_START_TEST (test_caps_query)
{
  static const struct
  {
    const gchar *element, *pad, *peer, *filter, *expected;
  } cases[] = {
    {"daoe2eeenc", "sink", CIPHER_VP9, NULL, "video/x-vp9"},
    {"daoe2eeenc", "sink", CIPHER_VP8 "; " CIPHER_OPUS, NULL,
        "video/x-vp8; audio/x-opus"},
    {"daoe2eeenc", "sink", "application/x-dao-e2ee, media=(string)video",
          NULL, "video/x-vp8; video/x-vp9"},
    {"daoe2eeenc", "sink", "ANY", NULL,
        "video/x-vp8; video/x-vp9; audio/x-opus"},
    {"daoe2eeenc", "sink", "ANY", "video/x-vp8, width=(int)8",
        "video/x-vp8, width=(int)8"},
    {"daoe2eeenc", "sink", "video/x-vp8", NULL, "EMPTY"},
    {"daoe2eeenc", "src", OPUS_CAPS, NULL, CIPHER_OPUS},
    {"daoe2eedec", "sink", "video/x-vp8, width=(int)16", NULL, CIPHER_VP8},
    {"daoe2eedec", "src", CIPHER_VP8, NULL, "video/x-vp8"},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstCaps *caps = query_caps (cases[i].element, cases[i].pad,
        cases[i].peer, cases[i].filter);

    assert_caps (caps, cases[i].expected);
    gst_caps_unref (caps);
  }
}

GST_END_TEST;

GST_START_TEST (test_accept_caps)
{
  static const struct
  {
    const gchar *element, *caps;
    gboolean accepted;
  } cases[] = {
    {"daoe2eeenc", VP8_CAPS, TRUE},
    {"daoe2eeenc", OPUS_CAPS, TRUE},
    {"daoe2eeenc", "video/x-h264", FALSE},
    {"daoe2eeenc", "video/x-raw, width=(int)8", FALSE},
    {"daoe2eeenc", CIPHER_VP8, FALSE},
    {"daoe2eedec", CIPHER_VP8 ", width=(int)8", TRUE},
    {"daoe2eedec", VP8_CAPS, FALSE},
    {"daoe2eedec", "application/x-dao-e2ee", FALSE},
    {"daoe2eedec", "application/x-dao-e2ee, media=(string)audio, "
          "encoding-name=(string)VP8", FALSE},
    {"daoe2eedec", "application/x-dao-e2ee, media=(string)video, "
          "encoding-name=(string)H264", FALSE},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstElement *element = gst_element_factory_make (cases[i].element, NULL);
    GstPad *pad = gst_element_get_static_pad (element, "sink");
    GstCaps *caps = gst_caps_from_string (cases[i].caps);

    fail_unless_equals_int (gst_pad_query_accept_caps (pad, caps),
        cases[i].accepted);
    gst_caps_unref (caps);
    gst_object_unref (pad);
    gst_object_unref (element);
  }
}

GST_END_TEST;

/* The pool and the metas of downstream are for its frames, not for ours. */
GST_START_TEST (test_allocation_is_not_proxied)
{
  GstHarness *both[] = { new_enc (NULL, VP8_CAPS), new_dec (NULL,
        CIPHER_OPUS)
  };
  guint i;

  for (i = 0; i < 2; i++) {
    GstCaps *caps = gst_caps_from_string (VP8_CAPS);
    GstQuery *query = gst_query_new_allocation (caps, TRUE);

    gst_harness_add_propose_allocation_meta (both[i],
        GST_VIDEO_META_API_TYPE, NULL);
    fail_if (gst_pad_peer_query (both[i]->srcpad, query));
    gst_query_unref (query);
    gst_caps_unref (caps);
    gst_harness_teardown (both[i]);
  }
}

GST_END_TEST;

/* --- events --- */

static GstEvent *
next_event (GstHarness * h, GstEventType type)
{
  GstEvent *event;

  while ((event = gst_harness_try_pull_event (h)) != NULL) {
    if (GST_EVENT_TYPE (event) == type)
      return event;
    gst_event_unref (event);
  }
  return NULL;
}

static void
push_segment (GstHarness * h, GstClockTime start)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = segment.position = start;
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
}

GST_START_TEST (test_no_caps_no_frames)
{
  GstHarness *enc = gst_harness_new ("daoe2eeenc");

  gst_harness_push_event (enc, gst_event_new_stream_start ("x"));
  push_segment (enc, 0);
  fail_unless_equals_int (gst_harness_push (enc, opus_frame (0)),
      GST_FLOW_NOT_NEGOTIATED);
  gst_harness_teardown (enc);
}

GST_END_TEST;

/* Through both, in order: nothing overtakes, nothing is lost. */
GST_START_TEST (test_events_pass)
{
  g_autofree gchar *hex = new_hex ();
  GstHarness *both[] = { new_enc (hex, OPUS_CAPS), new_dec (hex,
        CIPHER_OPUS)
  };
  guint i;

  for (i = 0; i < 2; i++) {
    GstHarness *h = both[i];
    GstEvent *event;

    push_segment (h, 5 * GST_SECOND);
    gst_harness_push_event (h, gst_event_new_tag (gst_tag_list_new
            (GST_TAG_TITLE, "x", NULL)));
    gst_harness_push_event (h, gst_event_new_gap (GST_SECOND,
            20 * GST_MSECOND));
    gst_harness_push_event (h, gst_event_new_eos ());
    fail_unless ((event = next_event (h, GST_EVENT_STREAM_START)));
    gst_event_unref (event);
    fail_unless ((event = next_event (h, GST_EVENT_CAPS)));
    gst_event_unref (event);
    while ((event = next_event (h, GST_EVENT_SEGMENT)) != NULL) {
      const GstSegment *segment;
      gboolean ours;

      gst_event_parse_segment (event, &segment);
      ours = segment->start == 5 * GST_SECOND;
      gst_event_unref (event);
      if (ours)
        break;
    }
    fail_unless ((event = next_event (h, GST_EVENT_TAG)));
    gst_event_unref (event);
    fail_unless ((event = next_event (h, GST_EVENT_GAP)));
    gst_event_unref (event);
    fail_unless ((event = next_event (h, GST_EVENT_EOS)));
    gst_event_unref (event);
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

/* Video caps come with the first key frame; what has to follow caps waits for them. */
GST_START_TEST (test_events_wait_for_video_caps)
{
  g_autofree gchar *hex = new_hex ();
  GstHarness *enc = new_enc (hex, VP8_CAPS);
  GstHarness *dec = new_dec (hex, CIPHER_VP8);
  static const GstEventType order[] = { GST_EVENT_CAPS, GST_EVENT_SEGMENT,
    GST_EVENT_TAG
  };
  GstEvent *event;
  guint i;

  push_segment (dec, GST_SECOND);
  gst_harness_push_event (dec, gst_event_new_tag (gst_tag_list_new
          (GST_TAG_TITLE, "x", NULL)));
  gst_harness_push_event (dec, gst_event_new_gap (0, GST_SECOND));
  event = gst_harness_try_pull_event (dec);
  fail_unless_equals_int (GST_EVENT_TYPE (event), GST_EVENT_STREAM_START);
  gst_event_unref (event);
  fail_unless (gst_harness_try_pull_event (dec) == NULL);

  push_ok (dec, encrypt (enc, vp8_key (320, 240)));
  for (i = 0; i < G_N_ELEMENTS (order); i++) {
    event = gst_harness_try_pull_event (dec);
    fail_unless (event != NULL);
    fail_unless_equals_int (GST_EVENT_TYPE (event), order[i]);
    gst_event_unref (event);
  }
  fail_unless (gst_harness_try_pull_event (dec) == NULL);
  gst_harness_teardown (enc);
  gst_harness_teardown (dec);
}

GST_END_TEST;

/* No frame ever verified: EOS comes all the same. */
GST_START_TEST (test_eos_without_caps)
{
  GstHarness *dec = new_dec (NULL, CIPHER_VP8);
  GstEvent *event;

  push_ok (dec, opus_frame (1));
  gst_harness_push_event (dec, gst_event_new_eos ());
  fail_unless ((event = next_event (dec, GST_EVENT_SEGMENT)));
  gst_event_unref (event);
  fail_unless ((event = next_event (dec, GST_EVENT_EOS)));
  gst_event_unref (event);
  gst_harness_teardown (dec);
}

GST_END_TEST;

/* A flush loses frames, so the gate closes; but what was seen stays seen. */
GST_START_TEST (test_flush)
{
  g_autofree gchar *hex = new_hex ();
  GstHarness *enc = new_enc (hex, VP8_CAPS);
  GstHarness *dec = new_dec (hex, CIPHER_VP8);
  GstBuffer *key = encrypt (enc, vp8_key (320, 240));
  GstEvent *event;

  push_ok (dec, gst_buffer_copy_deep (key));
  gst_buffer_unref (gst_harness_pull (dec));
  gst_harness_push_event (dec, gst_event_new_flush_start ());
  gst_harness_push_event (dec, gst_event_new_flush_stop (TRUE));
  fail_unless ((event = next_event (dec, GST_EVENT_FLUSH_START)));
  gst_event_unref (event);
  fail_unless ((event = next_event (dec, GST_EVENT_FLUSH_STOP)));
  gst_event_unref (event);
  push_segment (dec, 0);
  fail_unless ((event = next_event (dec, GST_EVENT_SEGMENT)));
  gst_event_unref (event);

  push_ok (dec, key);
  fail_unless_equals_uint64 (stat_of (dec, "dropped-replay"), 1);
  push_ok (dec, encrypt (enc, vp8_delta ()));
  fail_unless (gst_harness_try_pull (dec) == NULL);
  fail_unless_equals_int (key_requests (dec), 1);
  push_ok (dec, encrypt (enc, vp8_key (320, 240)));
  gst_buffer_unref (gst_harness_pull (dec));

  /* the encryptor's counter goes on, too */
  gst_harness_push_event (enc, gst_event_new_flush_start ());
  gst_harness_push_event (enc, gst_event_new_flush_stop (TRUE));
  push_segment (enc, 0);
  push_ok (dec, encrypt (enc, vp8_delta ()));
  gst_buffer_unref (gst_harness_pull (dec));
  gst_harness_teardown (enc);
  gst_harness_teardown (dec);
}

GST_END_TEST;

/* PLI and FIR arrive as force-key-unit and have to reach the encoder. */
GST_START_TEST (test_upstream_events_pass)
{
  GstHarness *both[] = { new_enc (NULL, VP8_CAPS), new_dec (NULL,
        CIPHER_VP8)
  };
  guint i;

  for (i = 0; i < 2; i++) {
    GstEvent *event;

    fail_unless_equals_int (key_requests (both[i]), 0);
    gst_harness_push_upstream_event (both[i],
        gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE,
            FALSE, 3));
    fail_unless_equals_int (key_requests (both[i]), 1);
    gst_harness_push_upstream_event (both[i], gst_event_new_qos
        (GST_QOS_TYPE_UNDERFLOW, 1.0, 0, 0));
    event = gst_harness_try_pull_upstream_event (both[i]);
    while (event != NULL && GST_EVENT_TYPE (event) != GST_EVENT_QOS) {
      gst_event_unref (event);
      event = gst_harness_try_pull_upstream_event (both[i]);
    }
    fail_unless (event != NULL);
    gst_event_unref (event);
    gst_harness_teardown (both[i]);
  }
}

GST_END_TEST;

GST_START_TEST (test_latency_passes)
{
  GstHarness *enc = new_enc (NULL, VP8_CAPS);

  gst_harness_set_upstream_latency (enc, 30 * GST_MSECOND);
  fail_unless_equals_uint64 (gst_harness_query_latency (enc),
      30 * GST_MSECOND);
  gst_harness_teardown (enc);
}

GST_END_TEST;

/* Ogg demuxers send OpusHead and OpusTags as buffers; an RTP receiver would take them for sound. */
GST_START_TEST (test_opus_headers_are_not_sent)
{
  g_autofree gchar *hex = new_hex ();
  GstHarness *enc = new_enc (hex, OPUS_CAPS);
  GstBuffer *header = gst_buffer_new_memdup ("OpusHead\1\2", 10);

  GST_BUFFER_FLAG_SET (header, GST_BUFFER_FLAG_HEADER);
  push_ok (enc, header);
  fail_unless (gst_harness_try_pull (enc) == NULL);
  gst_buffer_unref (encrypt (enc, opus_frame (1)));
  gst_harness_teardown (enc);
}

GST_END_TEST;

/* --- documentation --- */

/* Runs the launch lines of the element's documentation. */
static void
run_launch_lines (const gchar * source)
{
  static const gchar prefix[] = " * gst-launch-1.0 ";
  g_autofree gchar *path = g_build_filename (SOURCE_DIR, source, NULL);
  g_autofree gchar *text = NULL;
  g_auto (GStrv) lines = NULL;
  guint i, count = 0;

  fail_unless (g_file_get_contents (path, &text, NULL, NULL));
  lines = g_strsplit (text, "\n", -1);
  for (i = 0; lines[i] != NULL; i++) {
    GError *error = NULL;
    GstElement *pipeline;
    GstMessage *message;
    GstBus *bus;

    if (!g_str_has_prefix (lines[i], prefix))
      continue;
    pipeline = gst_parse_launch (lines[i] + strlen (prefix), &error);
    fail_unless (error == NULL, "%s", error ? error->message : "");
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    bus = gst_element_get_bus (pipeline);
    message = gst_bus_timed_pop_filtered (bus, 30 * GST_SECOND,
        GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_unless (message != NULL);
    fail_unless_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_EOS);
    gst_message_unref (message);
    gst_object_unref (bus);
    gst_element_set_state (pipeline, GST_STATE_NULL);
    gst_object_unref (pipeline);
    count++;
  }
  fail_unless_equals_int (count, 2);
}

GST_START_TEST (test_launch_lines)
{
  run_launch_lines ("gstdaoe2eeenc.c");
  run_launch_lines ("gstdaoe2eedec.c");
}

GST_END_TEST;

static Suite *
daoe2eestream_suite (void)
{
  Suite *suite = suite_create ("daoe2eestream");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_caps_enc);
  tcase_add_test (tc, test_caps_opus_dec);
  tcase_add_test (tc, test_caps_video_dec);
  tcase_add_test (tc, test_caps_renegotiation);
  tcase_add_test (tc, test_no_caps_no_frames);
  tcase_add_test (tc, test_caps_query);
  tcase_add_test (tc, test_accept_caps);
  tcase_add_test (tc, test_allocation_is_not_proxied);
  tcase_add_test (tc, test_events_pass);
  tcase_add_test (tc, test_events_wait_for_video_caps);
  tcase_add_test (tc, test_eos_without_caps);
  tcase_add_test (tc, test_flush);
  tcase_add_test (tc, test_upstream_events_pass);
  tcase_add_test (tc, test_latency_passes);
  tcase_add_test (tc, test_opus_headers_are_not_sent);
  tcase_add_test (tc, test_launch_lines);
  return suite;
}

GST_CHECK_MAIN (daoe2eestream);
