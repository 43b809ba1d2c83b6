/* gst-dao: the pads of daosignaling, without a call
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gstdaomediasink.h"
#include "gstdaomediasrc.h"

#include <gst/app/app.h>
#include <glib/gstdio.h>
#include <string.h>

#define CIPHER_OPUS "application/x-dao-e2ee,media=audio,encoding-name=OPUS"
#define CIPHER_VP8 "application/x-dao-e2ee,media=video,encoding-name=VP8"
#define OPUS "audio/x-opus,rate=48000,channels=2,channel-mapping-family=0"

/* --- sink pad --- */

typedef struct
{
  GstElement *element;          /* that the pad belongs to */
  GstDaoMediaSink *sink;
  GstPad *src;                  /* feeds it */
  GstElement *pipeline, *appsrc, *appsink;      /* the peer connection */
  guint run;
  guint eos;
} Sink;

static void
on_eos (GstDaoMediaSink * sink, gpointer user_data)
{
  ((Sink *) user_data)->eos++;
}

static void
push_caps (Sink * s, const gchar * text)
{
  GstCaps *caps = gst_caps_from_string (text);

  gst_pad_push_event (s->src, gst_event_new_caps (caps));
  gst_caps_unref (caps);
}

static void
sink_set_up (Sink * s, DaoMedia media, const gchar * caps, guint64 start)
{
  GstPadTemplate *templ = gst_pad_template_new ("media_sink", GST_PAD_SINK,
      GST_PAD_REQUEST, GST_CAPS_ANY);
  GstSegment segment;

  memset (s, 0, sizeof (*s));
  s->element = gst_object_ref_sink (gst_bin_new (NULL));
  s->sink = gst_dao_media_sink_new (templ, media, on_eos, s);
  gst_object_unref (templ);
  gst_pad_set_active (GST_PAD (s->sink), TRUE);
  gst_element_add_pad (s->element, GST_PAD (s->sink));
  s->src = gst_object_ref_sink (gst_pad_new ("src", GST_PAD_SRC));
  gst_pad_set_active (s->src, TRUE);
  gst_pad_link (s->src, GST_PAD (s->sink));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = start;
  gst_pad_push_event (s->src, gst_event_new_stream_start ("x"));
  push_caps (s, caps);
  gst_pad_push_event (s->src, gst_event_new_segment (&segment));

  s->pipeline = gst_parse_launch ("appsrc name=i format=time ! "
      "appsink name=o sync=false async=false", NULL);
  s->appsrc = gst_bin_get_by_name (GST_BIN (s->pipeline), "i");
  s->appsink = gst_bin_get_by_name (GST_BIN (s->pipeline), "o");
  gst_element_set_state (s->pipeline, GST_STATE_PLAYING);
}

static void
sink_tear_down (Sink * s)
{
  gst_dao_media_sink_set_sender (s->sink, s->run, GST_DAO_CODEC_NONE, NULL);
  gst_element_set_state (s->pipeline, GST_STATE_NULL);
  gst_object_unref (s->appsrc);
  gst_object_unref (s->appsink);
  gst_object_unref (s->pipeline);
  gst_pad_set_active (s->src, FALSE);
  gst_object_unref (s->src);
  gst_object_unref (s->element);
}

static void
sink_begin_run (Sink * s)
{
  gst_dao_media_sink_begin_run (s->sink, ++s->run);
}

static GstFlowReturn
push (Sink * s, const gchar * data, GstClockTime pts, gboolean delta)
{
  GstBuffer *buffer = gst_buffer_new_memdup (data, strlen (data));

  GST_BUFFER_PTS (buffer) = pts;
  if (delta)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  return gst_pad_push (s->src, buffer);
}

/* What came through first of what was pushed since */
static void
assert_sent (Sink * s, const gchar * data, gsize size, GstClockTime pts)
{
  GstSample *sample = gst_app_sink_pull_sample (GST_APP_SINK (s->appsink));
  GstBuffer *buffer = gst_sample_get_buffer (sample);

  g_assert_cmpuint (gst_buffer_get_size (buffer), ==, size);
  g_assert_cmpint (gst_buffer_memcmp (buffer, 0, data, size), ==, 0);
  g_assert_cmpuint (GST_BUFFER_PTS (buffer), ==, pts);
  gst_sample_unref (sample);
}

/* What feeds the pad is told to end, and may begin again in the next run. */
static void
test_sink_over (void)
{
  Sink s;

  sink_set_up (&s, DAO_MEDIA_AUDIO, OPUS, 0);
  gst_dao_media_sink_set_sender (s.sink, s.run, GST_DAO_CODEC_OPUS, s.appsrc);
  gst_dao_media_sink_end_run (s.sink);
  g_assert_cmpint (push (&s, "one", 0, FALSE), ==, GST_FLOW_EOS);
  sink_begin_run (&s);
  gst_dao_media_sink_set_sender (s.sink, s.run, GST_DAO_CODEC_OPUS, s.appsrc);
  g_assert_cmpint (push (&s, "two", 5, FALSE), ==, GST_FLOW_OK);
  assert_sent (&s, "two", 3, 5);
  sink_tear_down (&s);
}

/* A call that was ended by READY goes on for a moment on the signaling thread: nothing of the next run is for its peer. */
static void
test_sink_guard_other_run (void)
{
  Sink s;

  sink_set_up (&s, DAO_MEDIA_AUDIO, OPUS, 0);
  gst_dao_media_sink_set_sender (s.sink, s.run, GST_DAO_CODEC_OPUS, s.appsrc);
  sink_begin_run (&s);
  g_assert_cmpint (push (&s, "one", 0, FALSE), ==, GST_FLOW_OK);
  gst_dao_media_sink_set_sender (s.sink, s.run - 1, GST_DAO_CODEC_OPUS,
      s.appsrc);
  g_assert_cmpint (push (&s, "two", 1, FALSE), ==, GST_FLOW_OK);
  gst_dao_media_sink_set_sender (s.sink, s.run, GST_DAO_CODEC_OPUS, s.appsrc);
  gst_dao_media_sink_set_sender (s.sink, s.run - 1, GST_DAO_CODEC_NONE, NULL);
  g_assert_cmpint (push (&s, "three", 2, FALSE), ==, GST_FLOW_OK);
  assert_sent (&s, "three", 5, 2);
  sink_tear_down (&s);
}

static void
test_sink_without_call (void)
{
  Sink s;

  sink_set_up (&s, DAO_MEDIA_AUDIO, OPUS, 0);
  g_assert_cmpint (push (&s, "one", 0, FALSE), ==, GST_FLOW_OK);
  gst_dao_media_sink_set_sender (s.sink, s.run, GST_DAO_CODEC_OPUS, s.appsrc);
  push (&s, "two", 5, FALSE);
  assert_sent (&s, "two", 3, 5);
  gst_dao_media_sink_set_sender (s.sink, s.run, GST_DAO_CODEC_NONE, NULL);
  g_assert_cmpint (push (&s, "three", 0, FALSE), ==, GST_FLOW_OK);
  gst_dao_media_sink_set_sender (s.sink, s.run, GST_DAO_CODEC_OPUS, s.appsrc);
  push (&s, "four", 9, FALSE);
  assert_sent (&s, "four", 4, 9);
  sink_tear_down (&s);
}

/* Running time goes to the call; video begins with a key frame. */
static void
test_sink_key_frame_first (void)
{
  Sink s;

  sink_set_up (&s, DAO_MEDIA_VIDEO, "video/x-vp8", 1000);
  push (&s, "key before", 1000, FALSE);
  gst_dao_media_sink_set_sender (s.sink, s.run, GST_DAO_CODEC_VP8, s.appsrc);
  push (&s, "delta", 1001, TRUE);
  push (&s, "key", 1002, FALSE);
  push (&s, "delta2", 1003, TRUE);
  assert_sent (&s, "key", 3, 2);
  assert_sent (&s, "delta2", 6, 3);
  sink_tear_down (&s);
}

static void
test_sink_muted_audio_is_silence (void)
{
  Sink s;

  sink_set_up (&s, DAO_MEDIA_AUDIO, OPUS, 0);
  gst_dao_media_sink_set_sender (s.sink, s.run, GST_DAO_CODEC_OPUS, s.appsrc);
  gst_dao_media_sink_set_muted (s.sink, TRUE);
  push (&s, "secret", 7, FALSE);
  assert_sent (&s, "\xf8\xff\xfe", 3, 7);
  gst_dao_media_sink_set_muted (s.sink, FALSE);
  push (&s, "heard", 8, FALSE);
  assert_sent (&s, "heard", 5, 8);
  sink_tear_down (&s);
}

static void
test_sink_muted_video_stops (void)
{
  Sink s;

  sink_set_up (&s, DAO_MEDIA_VIDEO, "video/x-vp8", 0);
  gst_dao_media_sink_set_sender (s.sink, s.run, GST_DAO_CODEC_VP8, s.appsrc);
  gst_dao_media_sink_set_muted (s.sink, TRUE);
  push (&s, "secret", 1, FALSE);
  gst_dao_media_sink_set_muted (s.sink, FALSE);
  push (&s, "delta", 2, TRUE);
  push (&s, "key", 3, FALSE);
  assert_sent (&s, "key", 3, 3);
  sink_tear_down (&s);
}

/* Clear silence has no place among encrypted frames. */
static void
test_sink_muted_ciphertext_stops (void)
{
  Sink s;

  sink_set_up (&s, DAO_MEDIA_AUDIO, CIPHER_OPUS, 0);
  gst_dao_media_sink_set_sender (s.sink, s.run, GST_DAO_CODEC_OPUS, s.appsrc);
  gst_dao_media_sink_set_muted (s.sink, TRUE);
  push (&s, "secret", 1, FALSE);
  gst_dao_media_sink_set_muted (s.sink, FALSE);
  push (&s, "heard", 2, FALSE);
  assert_sent (&s, "heard", 5, 2);
  sink_tear_down (&s);
}

static void
test_sink_describe (void)
{
  GstDaoLocalMedia local;
  GstCaps *caps;
  Sink s;

  sink_set_up (&s, DAO_MEDIA_VIDEO, "video/x-vp9", 0);
  gst_dao_media_sink_describe (s.sink, &local);
  g_assert_cmpuint (local.codecs, ==, GST_DAO_CODEC_VP9);
  g_assert_false (local.ciphertext);
  push_caps (&s, CIPHER_VP8);
  gst_dao_media_sink_describe (s.sink, &local);
  g_assert_cmpuint (local.codecs, ==, GST_DAO_CODEC_VP8);
  g_assert_true (local.ciphertext);
  /* agreed: no other codec any more */
  gst_dao_media_sink_set_sender (s.sink, s.run, GST_DAO_CODEC_VP8, s.appsrc);
  caps = gst_caps_from_string ("video/x-vp9");
  g_assert_false (gst_pad_send_event (GST_PAD (s.sink),
          gst_event_new_caps (caps)));
  g_assert_false (gst_pad_query_accept_caps (GST_PAD (s.sink), caps));
  gst_caps_unref (caps);
  caps = gst_caps_from_string ("video/x-vp8");
  g_assert_true (gst_pad_query_accept_caps (GST_PAD (s.sink), caps));
  gst_caps_unref (caps);
  sink_tear_down (&s);
}

static void
test_sink_eos (void)
{
  Sink s;

  sink_set_up (&s, DAO_MEDIA_AUDIO, OPUS, 0);
  g_assert_false (gst_dao_media_sink_is_eos (s.sink));
  gst_pad_push_event (s.src, gst_event_new_eos ());
  g_assert_true (gst_dao_media_sink_is_eos (s.sink));
  g_assert_cmpuint (s.eos, ==, 1);
  gst_pad_push_event (s.src, gst_event_new_stream_start ("again"));
  g_assert_false (gst_dao_media_sink_is_eos (s.sink));
  sink_tear_down (&s);
}

/* --- source pad --- */

typedef struct
{
  GstElement *element;
  GstPad *pad, *peer;
  GstDaoMediaSrc *src;
  GString *log;                 /* what arrived, one letter each */
  guint run;
  GstClockTime pts;
  gboolean discont;
} Source;

static GstFlowReturn
source_chain (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  Source *s = gst_pad_get_element_private (pad);

  g_string_append_c (s->log, 'b');
  s->pts = GST_BUFFER_PTS (buffer);
  s->discont = GST_BUFFER_IS_DISCONT (buffer);
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static gboolean
source_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  Source *s = gst_pad_get_element_private (pad);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      g_string_append_c (s->log, 's');
      break;
    case GST_EVENT_CAPS:
      g_string_append_c (s->log, 'c');
      break;
    case GST_EVENT_SEGMENT:
      g_string_append_c (s->log, 'g');
      break;
    case GST_EVENT_GAP:
      g_string_append_c (s->log, '_');
      break;
    case GST_EVENT_EOS:
      g_string_append_c (s->log, 'e');
      break;
    default:
      break;
  }
  gst_event_unref (event);
  return TRUE;
}

static void
source_set_up (Source * s, gboolean linked)
{
  memset (s, 0, sizeof (*s));
  s->log = g_string_new (NULL);
  s->element = gst_object_ref_sink (gst_bin_new (NULL));
  s->pad = gst_pad_new ("audio_src", GST_PAD_SRC);
  gst_pad_set_active (s->pad, TRUE);
  gst_element_add_pad (s->element, s->pad);
  s->peer = gst_object_ref_sink (gst_pad_new ("sink", GST_PAD_SINK));
  gst_pad_set_element_private (s->peer, s);
  gst_pad_set_chain_function (s->peer, source_chain);
  gst_pad_set_event_function (s->peer, source_event);
  gst_pad_set_active (s->peer, TRUE);
  if (linked)
    gst_pad_link (s->pad, s->peer);
  s->src = gst_dao_media_src_new (s->pad, DAO_MEDIA_AUDIO);
}

static void
source_tear_down (Source * s)
{
  gst_dao_media_src_unref (s->src);
  gst_object_unref (s->element);
  gst_object_unref (s->peer);
  g_string_free (s->log, TRUE);
}

static GstFlowReturn
source_push (Source * s, GstClockTime start, GstClockTime pts)
{
  GstBuffer *buffer = gst_buffer_new_memdup ("x", 1);
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = start;
  GST_BUFFER_PTS (buffer) = pts;
  return gst_dao_media_src_push (s->src, s->run, &segment, 0, buffer);
}

static void
source_caps (Source * s)
{
  GstCaps *caps = gst_caps_from_string (OPUS);

  gst_dao_media_src_set_caps (s->src, s->run, caps);
  gst_caps_unref (caps);
}

static void
source_gap (Source * s)
{
  GstEvent *gap = gst_event_new_gap (1, 2);
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_dao_media_src_gap (s->src, s->run, &segment, 0, gap);
  gst_event_unref (gap);
}

/* One stream of running time, whatever peer connection feeds it */
static void
test_source_stream (void)
{
  Source s;

  source_set_up (&s, TRUE);
  source_gap (&s);
  source_caps (&s);
  g_assert_cmpint (source_push (&s, 1000, 1007), ==, GST_FLOW_OK);
  g_assert_cmpuint (s.pts, ==, 7);
  g_assert_true (s.discont);
  source_gap (&s);
  g_assert_cmpint (source_push (&s, 0, 9), ==, GST_FLOW_OK);
  g_assert_cmpuint (s.pts, ==, 9);
  g_assert_false (s.discont);
  gst_dao_media_src_eos (s.src, TRUE);
  gst_dao_media_src_eos (s.src, TRUE);
  g_assert_cmpint (source_push (&s, 0, 10), ==, GST_FLOW_OK);
  source_caps (&s);
  source_gap (&s);
  g_assert_cmpstr (s.log->str, ==, "scgb_be");
  g_assert_cmpuint (gst_dao_media_src_get_buffers (s.src), ==, 2);
  source_tear_down (&s);
}

/* Its peer connection is being torn down: nothing of it is for the file of the next call. */
static void
test_source_guard_other_run (void)
{
  Source s;

  source_set_up (&s, TRUE);
  source_caps (&s);
  source_push (&s, 0, 1);
  gst_dao_media_src_begin_run (s.src, s.run + 1);
  source_caps (&s);
  source_push (&s, 0, 2);
  source_gap (&s);
  g_assert_cmpuint (gst_dao_media_src_get_buffers (s.src), ==, 0);
  s.run++;
  source_caps (&s);
  source_push (&s, 0, 3);
  s.run--;
  source_gap (&s);
  g_assert_cmpstr (s.log->str, ==, "scgbscgb");
  source_tear_down (&s);
}

static void
test_source_nothing_came (void)
{
  Source s;

  source_set_up (&s, TRUE);
  gst_dao_media_src_eos (s.src, TRUE);
  g_assert_cmpstr (s.log->str, ==, "se");
  source_tear_down (&s);
}

/* A medium that was taken for missing: a sink takes it after a flush. */
static void
test_source_late (void)
{
  Source s;

  source_set_up (&s, TRUE);
  gst_dao_media_src_eos (s.src, FALSE);
  source_caps (&s);
  g_assert_cmpint (source_push (&s, 0, 1), ==, GST_FLOW_OK);
  g_assert_cmpuint (gst_dao_media_src_get_buffers (s.src), ==, 1);
  g_assert_true (g_str_has_suffix (s.log->str, "b"));
  source_tear_down (&s);
}

static GstElement *
source_link_element (Source * s, const gchar * factory, const gchar * pad)
{
  GstElement *element = gst_object_ref_sink (gst_element_factory_make (factory,
          NULL));
  GstPad *sink = gst_element_get_static_pad (element, pad);

  if (!sink)
    sink = gst_element_request_pad_simple (element, pad);
  g_assert_cmpint (gst_pad_link (s->pad, sink), ==, GST_PAD_LINK_OK);
  gst_object_unref (sink);
  return element;
}

/* What joins streams has begun without it, even if no other pad is used: there is no flush, and nothing comes. */
static void
test_source_late_into_a_muxer (void)
{
  GstElement *muxer;
  Source s;

  source_set_up (&s, FALSE);
  muxer = source_link_element (&s, "matroskamux", "audio_%u");
  gst_element_set_state (muxer, GST_STATE_PLAYING);
  gst_dao_media_src_eos (s.src, FALSE);
  source_caps (&s);
  g_assert_cmpint (source_push (&s, 0, 1), ==, GST_FLOW_OK);
  g_assert_cmpuint (gst_dao_media_src_get_buffers (s.src), ==, 0);
  gst_element_set_state (muxer, GST_STATE_NULL);
  gst_object_unref (muxer);
  source_tear_down (&s);
}

/* A flush would empty the file. */
static void
test_guard_file_is_never_emptied (void)
{
  gchar *path = NULL, *content;
  GstElement *file;
  gsize length;
  Source s;

  g_close (g_file_open_tmp ("dao-media-XXXXXX", &path, NULL), NULL);
  source_set_up (&s, FALSE);
  file = source_link_element (&s, "filesink", "sink");
  g_object_set (file, "location", path, "sync", FALSE, "async", FALSE, NULL);
  gst_element_set_state (file, GST_STATE_PLAYING);
  source_caps (&s);
  g_assert_cmpint (source_push (&s, 0, 1), ==, GST_FLOW_OK);
  g_assert_cmpint (source_push (&s, 0, 2), ==, GST_FLOW_OK);
  gst_dao_media_src_eos (s.src, FALSE);
  g_assert_cmpint (source_push (&s, 0, 3), ==, GST_FLOW_OK);
  gst_element_set_state (file, GST_STATE_NULL);
  g_assert_true (g_file_get_contents (path, &content, &length, NULL));
  g_assert_cmpuint (length, ==, 2);
  g_remove (path);
  g_free (content);
  g_free (path);
  gst_object_unref (file);
  source_tear_down (&s);
}

/* NOT_LINKED of one pad would end the whole bundle. */
static void
test_source_unlinked (void)
{
  Source s;

  source_set_up (&s, FALSE);
  source_caps (&s);
  g_assert_cmpint (source_push (&s, 0, 1), ==, GST_FLOW_OK);
  source_tear_down (&s);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/sink/without-call", test_sink_without_call);
  g_test_add_func ("/media/sink/key-frame-first", test_sink_key_frame_first);
  g_test_add_func ("/media/sink/muted-audio-is-silence",
      test_sink_muted_audio_is_silence);
  g_test_add_func ("/media/sink/muted-video-stops",
      test_sink_muted_video_stops);
  g_test_add_func ("/media/sink/muted-ciphertext-stops",
      test_sink_muted_ciphertext_stops);
  g_test_add_func ("/media/sink/describe", test_sink_describe);
  g_test_add_func ("/media/sink/eos", test_sink_eos);
  g_test_add_func ("/media/sink/over", test_sink_over);
  g_test_add_func ("/media/sink/guard-other-run", test_sink_guard_other_run);
  g_test_add_func ("/media/source/stream", test_source_stream);
  g_test_add_func ("/media/source/guard-other-run", test_source_guard_other_run);
  g_test_add_func ("/media/source/nothing-came", test_source_nothing_came);
  g_test_add_func ("/media/source/late", test_source_late);
  g_test_add_func ("/media/source/late-into-a-muxer", test_source_late_into_a_muxer);
  g_test_add_func ("/media/source/guard-file-is-never-emptied", test_guard_file_is_never_emptied);
  g_test_add_func ("/media/source/unlinked", test_source_unlinked);
  return g_test_run ();
}
