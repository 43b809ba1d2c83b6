/* gst-dao: tests of daocallsrc without a call: pads, what leaves by them, the end,
 * URIs. A stand-in takes the place of daosignaling.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <gst/app/gstappsink.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <glib/gstdio.h>

#include "callstandin.h"
#include "dao-identity.h"

#define VP8_CAPS "video/x-vp8,width=320,height=240,framerate=30/1"
#define OPUS_CAPS "audio/x-opus,rate=48000,channels=1,channel-mapping-family=0"
#define TIMEOUT (20 * GST_SECOND)

/* --- helpers --- */

/* (transfer full): the first key frame of an encoder */
static GstBuffer *
encode (DaoMedia media)
{
  GstHarness *h;
  GstBuffer *frame;

  if (media == DAO_MEDIA_VIDEO) {
    h = gst_harness_new_parse ("vp8enc deadline=1 cpu-used=8");
    gst_harness_set_src_caps_str (h, "video/x-raw,format=I420,width=320,"
        "height=240,framerate=30/1");
    gst_harness_push (h, gst_buffer_new_allocate (NULL, 320 * 240 * 3 / 2,
            NULL));
  } else {
    h = gst_harness_new_parse ("opusenc");
    gst_harness_set_src_caps_str (h,
        "audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=1");
    gst_harness_push (h, gst_buffer_new_allocate (NULL, 960 * 2 * 2, NULL));
  }
  gst_harness_push_event (h, gst_event_new_eos ());
  frame = gst_buffer_copy_deep (gst_harness_pull (h));
  GST_BUFFER_PTS (frame) = 0;
  GST_BUFFER_DTS (frame) = GST_CLOCK_TIME_NONE;
  gst_harness_teardown (h);
  return frame;
}

static GstElement *
play (const gchar * description, GstElement ** call, GstElement ** standin)
{
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (description, &error);

  fail_unless (error == NULL, "%s", error ? error->message : "");
  if (!GST_IS_PIPELINE (pipeline)) {
    /* one element alone comes without a pipeline */
    GstElement *element = pipeline;

    pipeline = gst_pipeline_new (NULL);
    gst_bin_add (GST_BIN (pipeline), element);
  }
  *call = gst_bin_get_by_name (GST_BIN (pipeline), "c");
  *standin = call_standin_get (*call);
  gst_object_unref (*call);
  assert_equals_int (gst_element_set_state (pipeline, GST_STATE_PAUSED),
      GST_STATE_CHANGE_NO_PREROLL);
  fail_unless (gst_element_set_state (pipeline,
          GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE);
  return pipeline;
}

static void
stop (GstElement * pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

static GstMessage *
wait_message (GstElement * pipeline, GstMessageType types)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message = gst_bus_timed_pop_filtered (bus, TIMEOUT,
      types | GST_MESSAGE_ERROR);

  gst_object_unref (bus);
  fail_unless (message != NULL);
  fail_unless (GST_MESSAGE_TYPE (message) & types, "%" GST_PTR_FORMAT,
      message);
  return message;
}

static void
assert_sample (GstElement * pipeline, const gchar * sink,
    const gchar * media_type)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), sink);
  GstSample *sample =
      gst_app_sink_try_pull_sample (GST_APP_SINK (element), TIMEOUT);

  fail_unless (sample != NULL);
  fail_unless (gst_structure_has_name (gst_caps_get_structure
          (gst_sample_get_caps (sample), 0), media_type), "%" GST_PTR_FORMAT,
      gst_sample_get_caps (sample));
  gst_sample_unref (sample);
  gst_object_unref (element);
}

/* --- pads --- */

GST_START_TEST (test_pads)
{
  GstElement *call = gst_element_factory_make ("daocallsrc", NULL);
  GstPad *pad, *other;

  /* a pipeline string names them before any state change */
  pad = gst_element_get_static_pad (call, "audio_src");
  other = gst_element_get_static_pad (call, "video_src");
  fail_unless (pad && other);
  gst_object_unref (pad);
  gst_object_unref (other);

  pad = gst_element_request_pad_simple (call, "video_sink");
  fail_unless_equals_string (GST_PAD_NAME (pad), "video_sink");
  fail_unless (gst_element_request_pad (call, GST_PAD_PAD_TEMPLATE (pad),
          NULL, NULL) == NULL);
  other = gst_element_request_pad_simple (call, "audio_sink");
  fail_unless (other != NULL);
  gst_element_release_request_pad (call, pad);
  gst_object_unref (pad);
  pad = gst_element_request_pad_simple (call, "video_sink");
  fail_unless (pad != NULL);
  gst_object_unref (pad);
  /* the last one is left to the element */
  gst_object_unref (other);
  gst_object_unref (call);
}

GST_END_TEST;

static void
on_pad_added (GstElement * call, GstPad * pad, GString * log)
{
  g_string_append_printf (log, "%s ", GST_PAD_NAME (pad));
}

static void
on_no_more_pads (GstElement * call, GString * log)
{
  g_string_append (log, "done ");
}

GST_START_TEST (test_pads_are_told_on_the_way_to_paused)
{
  GstElement *call = gst_element_factory_make ("daocallsrc", NULL);
  GString *log = g_string_new (NULL);

  g_signal_connect (call, "pad-added", G_CALLBACK (on_pad_added), log);
  g_signal_connect (call, "no-more-pads", G_CALLBACK (on_no_more_pads), log);
  gst_element_set_state (call, GST_STATE_READY);
  fail_unless_equals_string (log->str, "");
  gst_element_set_state (call, GST_STATE_PAUSED);
  fail_unless_equals_string (log->str, "audio_src video_src done ");
  gst_element_set_state (call, GST_STATE_NULL);
  gst_object_unref (call);
  g_string_free (log, TRUE);
}

GST_END_TEST;

static const gchar *
peer_pad_name (GstElement * queue)
{
  static gchar name[32];
  GstPad *src = gst_element_get_static_pad (queue, "src");
  GstPad *peer = gst_pad_get_peer (src);

  fail_unless (peer != NULL);
  g_strlcpy (name, GST_PAD_NAME (peer), sizeof (name));
  gst_object_unref (peer);
  gst_object_unref (src);
  return name;
}

/* 'queue ! mux.' asks the muxer for a pad by the caps that the queue can see */
GST_START_TEST (test_recorder_line_links)
{
  GstElement *pipeline = gst_parse_launch ("daocallsrc name=c "
      "c.video_src ! queue name=v ! mux.  "
      "c.audio_src ! queue name=a ! matroskamux name=mux ! fakesink", NULL);
  GstElement *v = gst_bin_get_by_name (GST_BIN (pipeline), "v");
  GstElement *a = gst_bin_get_by_name (GST_BIN (pipeline), "a");

  fail_unless_equals_string (peer_pad_name (v), "video_0");
  fail_unless_equals_string (peer_pad_name (a), "audio_0");
  gst_object_unref (v);
  gst_object_unref (a);
  gst_object_unref (pipeline);
}

GST_END_TEST;

GST_START_TEST (test_no_preroll_and_live)
{
  GstElement *call = gst_element_factory_make ("daocallsrc", NULL);
  GstQuery *query = gst_query_new_latency ();
  GstPad *pad = gst_element_get_static_pad (call, "audio_src");
  GstClockTime min;
  gboolean live;

  g_object_set (call, "latency", 120, NULL);
  assert_equals_int (gst_element_set_state (call, GST_STATE_PAUSED),
      GST_STATE_CHANGE_NO_PREROLL);
  fail_unless (gst_element_query (call, query));
  gst_query_parse_latency (query, &live, &min, NULL);
  fail_unless (live);
  assert_equals_uint64 (min, 120 * GST_MSECOND);
  gst_query_unref (query);

  query = gst_query_new_latency ();
  fail_unless (gst_pad_query (pad, query));
  gst_query_parse_latency (query, &live, &min, NULL);
  fail_unless (live && min == 120 * GST_MSECOND);
  gst_query_unref (query);
  gst_object_unref (pad);
  gst_element_set_state (call, GST_STATE_PLAYING);
  assert_equals_int (gst_element_set_state (call, GST_STATE_PAUSED),
      GST_STATE_CHANGE_NO_PREROLL);
  gst_element_set_state (call, GST_STATE_NULL);
  fail_unless (GST_OBJECT_FLAG_IS_SET (call, GST_ELEMENT_FLAG_SINK));
  fail_unless (GST_OBJECT_FLAG_IS_SET (call, GST_ELEMENT_FLAG_SOURCE));
  gst_object_unref (call);
}

GST_END_TEST;

/* --- raw or encoded --- */

GST_START_TEST (test_what_leaves)
{
  static const struct
  {
    DaoMedia media;
    const gchar *sink;
    const gchar *expected;
  } cases[] = {
    /* ANY names no codec */
    {DAO_MEDIA_VIDEO, "appsink name=s async=false", "video/x-raw"},
    {DAO_MEDIA_AUDIO, "appsink name=s async=false", "audio/x-raw"},
    {DAO_MEDIA_VIDEO, "queue ! appsink name=s async=false", "video/x-raw"},
    {DAO_MEDIA_VIDEO, "appsink name=s async=false caps=video/x-raw",
        "video/x-raw"},
    {DAO_MEDIA_VIDEO, "appsink name=s async=false caps=video/x-vp8",
        "video/x-vp8"},
    {DAO_MEDIA_VIDEO,
          "queue ! appsink name=s async=false caps=\"video/x-raw;video/x-vp8\"",
        "video/x-vp8"},
    /* names another codec: then raw */
    {DAO_MEDIA_VIDEO,
          "appsink name=s async=false caps=\"video/x-vp9;video/x-raw\"",
        "video/x-raw"},
    {DAO_MEDIA_AUDIO,
          "appsink name=s async=false caps=\"audio/x-raw;audio/x-opus\"",
        "audio/x-opus"},
    {DAO_MEDIA_AUDIO, "audioconvert ! appsink name=s async=false",
        "audio/x-raw"},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    gboolean audio = cases[i].media == DAO_MEDIA_AUDIO;
    gchar *line = g_strdup_printf ("daocallsrc name=c c.%s_src ! %s",
        audio ? "audio" : "video", cases[i].sink);
    GstElement *call, *standin, *pipeline = play (line, &call, &standin);

    call_standin_set_caps (standin, cases[i].media,
        audio ? OPUS_CAPS : VP8_CAPS);
    assert_equals_int (call_standin_push (standin, cases[i].media,
            encode (cases[i].media)), GST_FLOW_OK);
    assert_sample (pipeline, "s", cases[i].expected);
    stop (pipeline);
    g_free (line);
  }
}

GST_END_TEST;

GST_START_TEST (test_recorder_does_not_transcode)
{
  GstElement *call, *standin;
  GstElement *pipeline = play ("daocallsrc name=c "
      "c.video_src ! queue ! mux.  "
      "c.audio_src ! queue ! matroskamux name=mux ! fakesink async=false",
      &call, &standin);
  GstIterator *iterator;
  GValue item = G_VALUE_INIT;

  call_standin_set_caps (standin, DAO_MEDIA_VIDEO, VP8_CAPS);
  call_standin_set_caps (standin, DAO_MEDIA_AUDIO, OPUS_CAPS);
  call_standin_push (standin, DAO_MEDIA_VIDEO, encode (DAO_MEDIA_VIDEO));
  call_standin_push (standin, DAO_MEDIA_AUDIO, encode (DAO_MEDIA_AUDIO));
  iterator = gst_bin_iterate_recurse (GST_BIN (call));
  while (gst_iterator_next (iterator, &item) == GST_ITERATOR_OK) {
    fail_if (gst_element_factory_list_is_type (gst_element_get_factory
            (g_value_get_object (&item)), GST_ELEMENT_FACTORY_TYPE_DECODER |
            GST_ELEMENT_FACTORY_TYPE_ENCODER));
    g_value_reset (&item);
  }
  gst_iterator_free (iterator);
  stop (pipeline);
}

GST_END_TEST;

/* a new peer connection may bring another codec */
GST_START_TEST (test_raw_survives_a_new_codec)
{
  GstElement *call, *standin;
  GstElement *pipeline = play ("daocallsrc name=c "
      "c.video_src ! appsink name=s async=false", &call, &standin);

  call_standin_set_caps (standin, DAO_MEDIA_VIDEO,
      "video/x-vp9,width=320,height=240");
  call_standin_set_caps (standin, DAO_MEDIA_VIDEO, VP8_CAPS);
  call_standin_push (standin, DAO_MEDIA_VIDEO, encode (DAO_MEDIA_VIDEO));
  assert_sample (pipeline, "s", "video/x-raw");
  stop (pipeline);
}

GST_END_TEST;

GST_START_TEST (test_unlinked_pad_drops)
{
  GstElement *call, *standin, *sink;
  GstElement *pipeline = play ("daocallsrc name=c", &call, &standin);
  GstPad *pad, *peer;
  guint i;

  call_standin_set_caps (standin, DAO_MEDIA_VIDEO, VP8_CAPS);
  /* daosignaling takes NOT_LINKED for OK; nothing of ours makes it worse */
  for (i = 0; i < 3; i++)
    assert_equals_int (call_standin_push (standin, DAO_MEDIA_VIDEO,
            encode (DAO_MEDIA_VIDEO)), GST_FLOW_NOT_LINKED);

  /* linked in the middle of the call */
  sink = gst_element_factory_make ("appsink", "s");
  g_object_set (sink, "async", FALSE, NULL);
  gst_bin_add (GST_BIN (pipeline), sink);
  gst_element_sync_state_with_parent (sink);
  fail_unless (gst_element_link_pads (call, "video_src", sink, "sink"));
  assert_equals_int (call_standin_push (standin, DAO_MEDIA_VIDEO,
          encode (DAO_MEDIA_VIDEO)), GST_FLOW_OK);
  assert_sample (pipeline, "s", "video/x-raw");

  /* and unlinked again */
  pad = gst_element_get_static_pad (call, "video_src");
  peer = gst_pad_get_peer (pad);
  gst_pad_unlink (pad, peer);
  gst_object_unref (peer);
  gst_object_unref (pad);
  for (i = 0; i < 3; i++) {
    GstFlowReturn ret = call_standin_push (standin, DAO_MEDIA_VIDEO,
        encode (DAO_MEDIA_VIDEO));

    fail_unless (ret == GST_FLOW_OK || ret == GST_FLOW_NOT_LINKED);
  }
  stop (pipeline);
}

GST_END_TEST;

/* --- the end --- */

GST_START_TEST (test_end_of_call_is_eos)
{
  GstElement *call, *standin;
  GstElement *pipeline = play ("daocallsrc name=c "
      "c.video_src ! fakesink async=false  c.audio_src ! fakesink async=false",
      &call, &standin);

  call_standin_set_caps (standin, DAO_MEDIA_VIDEO, VP8_CAPS);
  call_standin_push (standin, DAO_MEDIA_VIDEO, encode (DAO_MEDIA_VIDEO));
  call_standin_end (standin);
  gst_message_unref (wait_message (pipeline, GST_MESSAGE_EOS));
  stop (pipeline);
}

GST_END_TEST;

GST_START_TEST (test_our_eos_message_comes_once_and_from_us)
{
  GstElement *call = gst_element_factory_make ("daocallsrc", NULL);
  GstElement *standin = call_standin_get (call);
  GstBus *bus = gst_bus_new ();
  GstMessage *message;

  gst_element_set_bus (call, bus);
  gst_element_set_state (call, GST_STATE_PLAYING);
  call_standin_end (standin);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_EOS);
  fail_unless (message != NULL);
  fail_unless (GST_MESSAGE_SRC (message) == GST_OBJECT (call));
  gst_message_unref (message);
  fail_unless (gst_bus_pop_filtered (bus, GST_MESSAGE_EOS) == NULL);
  gst_element_set_state (call, GST_STATE_NULL);
  gst_element_set_bus (call, NULL);
  gst_object_unref (bus);
  gst_object_unref (call);
}

GST_END_TEST;

/* a muxer waits for every pad: what never came must end, too */
GST_START_TEST (test_medium_that_never_came_gets_eos)
{
  GstElement *call, *standin;
  GstElement *pipeline = play ("daocallsrc name=c "
      "c.video_src ! queue ! mux.  "
      "c.audio_src ! queue ! matroskamux name=mux ! fakesink name=f async=false",
      &call, &standin);

  call_standin_set_caps (standin, DAO_MEDIA_AUDIO, OPUS_CAPS);
  call_standin_push (standin, DAO_MEDIA_AUDIO, encode (DAO_MEDIA_AUDIO));
  call_standin_end (standin);
  gst_message_unref (wait_message (pipeline, GST_MESSAGE_EOS));
  stop (pipeline);
}

GST_END_TEST;

/* gst-launch-1.0 -e */
GST_START_TEST (test_send_event_eos_hangs_up)
{
  GstElement *call, *standin;
  GstElement *pipeline = play ("daocallsrc name=c "
      "c.audio_src ! fakesink async=false", &call, &standin);

  fail_unless (gst_element_send_event (pipeline, gst_event_new_eos ()));
  fail_unless_equals_string (call_standin_get_log (standin), "eos ");
  call_standin_end (standin);
  gst_message_unref (wait_message (pipeline, GST_MESSAGE_EOS));
  stop (pipeline);
}

GST_END_TEST;

/* --- what it shares with daosignaling --- */

static void
on_incoming (GstElement * call, const gchar * alias, gboolean video,
    GString * log)
{
  g_string_append_printf (log, "incoming(%s,%d) ", alias, video);
}

static void
on_notify (GstElement * call, GParamSpec * pspec, GString * log)
{
  g_string_append_printf (log, "%s ", pspec->name);
}

GST_START_TEST (test_properties_and_signals)
{
  GstElement *call = gst_element_factory_make ("daocallsrc", NULL);
  GstElement *standin = call_standin_get (call);
  GString *log = g_string_new (NULL);
  gchar *allow, *text;
  guint latency;
  gint state;
  gboolean done;

  g_object_set (call, "peer", "bob", "latency", 77, "allow",
      "bob, carol", NULL);
  g_object_get (standin, "peer", &text, "latency", &latency, "allow", &allow,
      NULL);
  fail_unless_equals_string (text, "bob");
  assert_equals_int (latency, 77);
  fail_unless_equals_string (allow, "bob, carol");
  g_free (allow);
  g_free (text);

  g_signal_connect (call, "notify::call-state", G_CALLBACK (on_notify), log);
  g_signal_connect (call, "incoming-call", G_CALLBACK (on_incoming), log);
  call_standin_set_state (standin, DAO_CALL_RINGING);
  g_signal_emit_by_name (standin, "incoming-call", "bob", TRUE);
  fail_unless_equals_string (log->str, "call-state incoming(bob,1) ");
  g_object_get (call, "call-state", &state, NULL);
  assert_equals_int (state, DAO_CALL_RINGING);

  g_signal_emit_by_name (call, "answer", &done);
  fail_unless (done);
  g_signal_emit_by_name (call, "reject", &done);
  g_signal_emit_by_name (call, "hangup", &done);
  g_signal_emit_by_name (call, "call", "carol", TRUE, FALSE, &done);
  fail_unless_equals_string (call_standin_get_log (standin),
      "answer reject hangup call(carol,1,0) ");
  g_string_free (log, TRUE);
  gst_object_unref (call);
}

GST_END_TEST;

GST_START_TEST (test_messages_come_from_us)
{
  GstElement *call, *standin;
  GstElement *pipeline = play ("daocallsrc name=c", &call, &standin);
  GstMessage *message;

  gst_element_post_message (standin,
      gst_message_new_element (GST_OBJECT (standin),
          gst_structure_new_empty ("dao-call-ended")));
  message = wait_message (pipeline, GST_MESSAGE_ELEMENT);
  fail_unless (gst_message_has_name (message, "dao-call-ended"));
  fail_unless (GST_MESSAGE_SRC (message) == GST_OBJECT (call));
  gst_message_unref (message);
  stop (pipeline);
}

GST_END_TEST;

/* --- URIs --- */

GST_START_TEST (test_uri)
{
  GstElement *call = gst_element_make_from_uri (GST_URI_SRC,
      "dao://u10000002?audio=false&video=true&codec=vp9", NULL, NULL);
  gchar *peer, *uri;
  gint codec;
  gboolean muted;

  fail_unless (call != NULL);
  g_object_get (call, "peer", &peer, "video-codec", &codec, "mute-audio",
      &muted, NULL);
  fail_unless_equals_string (peer, "u10000002");
  assert_equals_int (codec, 1);
  fail_unless (muted);
  uri = gst_uri_handler_get_uri (GST_URI_HANDLER (call));
  fail_unless_equals_string (uri,
      "dao://u10000002?audio=false&video=true&codec=vp9");
  g_free (uri);
  g_free (peer);
  gst_object_unref (call);
}

GST_END_TEST;

/* guard: a URI from anywhere cannot choose the identity or the relay */
GST_START_TEST (test_uri_refused)
{
  static const gchar *uris[] = {
    "dao://", "dao://UPPER", "dao://x", "dao:bob", "dao://bob/path",
    "dao://bob:80", "dao://me@bob", "dao://bob#top", "dao://bob?video=maybe",
    "dao://bob?codec=h264", "dao://bob?identity=/tmp/other.json",
    "dao://bob?auto-answer=true", "dao://bob?e2ee=off",
    "dao://bob?relay=https://evil.example", "http://bob",
  };
  GstElement *call = gst_element_factory_make ("daocallsrc", NULL);
  GString *text;
  gchar *peer;
  guint i;

  g_object_set (call, "identity", "/nonexistent/identity.json", NULL);
  for (i = 0; i < G_N_ELEMENTS (uris); i++)
    fail_if (gst_uri_handler_set_uri (GST_URI_HANDLER (call), uris[i], NULL),
        "%s", uris[i]);
  text = g_string_new ("dao://bob?relay=");
  while (text->len < 5000)
    g_string_append_c (text, 'a');
  fail_if (gst_uri_handler_set_uri (GST_URI_HANDLER (call), text->str, NULL));
  g_object_get (call, "peer", &peer, NULL);
  fail_unless (peer == NULL);
  g_string_free (text, TRUE);
  gst_object_unref (call);
}

GST_END_TEST;

static void
save_identity (const gchar * path, const gchar * relay)
{
  gchar *mnemonic = dao_identity_generate_mnemonic ();
  DaoIdentity *identity = dao_identity_new_from_mnemonic (mnemonic, NULL);

  dao_identity_set_alias (identity, "u10000001");
  dao_identity_set_relay (identity, relay);
  fail_unless (dao_identity_save (identity, path, TRUE, NULL));
  dao_identity_unref (identity);
  dao_identity_free_mnemonic (mnemonic);
}

/* guard: the relay of a URI is that of the identity, or nothing */
GST_START_TEST (test_uri_relay)
{
  GstElement *call = gst_element_factory_make ("daocallsrc", NULL);
  gchar *dir = g_dir_make_tmp ("dao-uri-XXXXXX", NULL);
  gchar *path = g_build_filename (dir, "identity.json", NULL);
  GstURIHandler *handler = GST_URI_HANDLER (call);

  save_identity (path, "https://relay.example");
  g_object_set (call, "identity", path, NULL);
  fail_unless (gst_uri_handler_set_uri (handler,
          "dao://bob?relay=https%3A%2F%2Frelay.example%2F", NULL));
  fail_if (gst_uri_handler_set_uri (handler,
          "dao://bob?relay=https%3A%2F%2Frelay.example.evil", NULL));
  assert_equals_int (gst_element_set_state (call, GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state (call, GST_STATE_NULL);

  /* the identity behind it may change afterwards */
  save_identity (path, "https://other.example");
  assert_equals_int (gst_element_set_state (call, GST_STATE_READY),
      GST_STATE_CHANGE_FAILURE);
  gst_element_set_state (call, GST_STATE_NULL);
  g_remove (path);
  g_rmdir (dir);
  g_free (path);
  g_free (dir);
  gst_object_unref (call);
}

GST_END_TEST;

static Suite *
daocallsrc_suite (void)
{
  Suite *suite = suite_create ("daocallsrc");
  TCase *tcase = tcase_create ("general");

  call_standin_register ();
  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_pads);
  tcase_add_test (tcase, test_pads_are_told_on_the_way_to_paused);
  tcase_add_test (tcase, test_recorder_line_links);
  tcase_add_test (tcase, test_no_preroll_and_live);
  tcase_add_test (tcase, test_what_leaves);
  tcase_add_test (tcase, test_recorder_does_not_transcode);
  tcase_add_test (tcase, test_raw_survives_a_new_codec);
  tcase_add_test (tcase, test_unlinked_pad_drops);
  tcase_add_test (tcase, test_end_of_call_is_eos);
  tcase_add_test (tcase, test_our_eos_message_comes_once_and_from_us);
  tcase_add_test (tcase, test_medium_that_never_came_gets_eos);
  tcase_add_test (tcase, test_send_event_eos_hangs_up);
  tcase_add_test (tcase, test_properties_and_signals);
  tcase_add_test (tcase, test_messages_come_from_us);
  tcase_add_test (tcase, test_uri);
  tcase_add_test (tcase, test_uri_refused);
  tcase_add_test (tcase, test_uri_relay);
  return suite;
}

GST_CHECK_MAIN (daocallsrc);
