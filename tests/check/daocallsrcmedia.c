/* gst-dao: tests of what daocallsrc sends: encoding, silence and black, failures.
 * A stand-in takes the place of daosignaling.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/check/gsttestclock.h>
#include <gst/video/video.h>

#include "callstandin.h"

#define TIMEOUT (20 * GST_SECOND)
#define CAMERA "videotestsrc is-live=true ! video/x-raw,width=320,height=240," \
    "framerate=30/1 ! c.video_sink "
#define MICROPHONE "audiotestsrc is-live=true ! c.audio_sink "

typedef struct
{
  GstElement *pipeline;
  GstElement *call;
  GstElement *standin;
  GstClock *clock;              /* only if asked for */
} Fixture;

static void
start_with_clock (Fixture * f, const gchar * line, GstClock * clock)
{
  GError *error = NULL;
  GstElement *element = gst_parse_launch (line, &error);

  fail_unless (error == NULL, "%s", error ? error->message : "");
  f->pipeline = element;
  f->clock = clock;
  if (!GST_IS_PIPELINE (element)) {
    f->pipeline = gst_pipeline_new (NULL);
    gst_bin_add (GST_BIN (f->pipeline), element);
  }
  if (clock)
    gst_pipeline_use_clock (GST_PIPELINE (f->pipeline), clock);
  f->call = gst_bin_get_by_name (GST_BIN (f->pipeline), "c");
  f->standin = call_standin_get (f->call);
  gst_object_unref (f->call);
  fail_unless (gst_element_set_state (f->pipeline,
          GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE);
}

static void
start (Fixture * f, const gchar * line)
{
  start_with_clock (f, line, NULL);
}

static void
stop (Fixture * f)
{
  gst_element_set_state (f->pipeline, GST_STATE_NULL);
  gst_object_unref (f->pipeline);
  gst_clear_object (&f->clock);
}

static void
connect_call (Fixture * f, gboolean video, const gchar * codec)
{
  call_standin_set_video (f->standin, video);
  call_standin_set_state (f->standin, DAO_CALL_CONNECTING);
  if (codec)
    call_standin_agree (f->standin, codec);
  call_standin_set_state (f->standin, DAO_CALL_CONNECTED);
}

static void
assert_sent (Fixture * f, DaoMedia media, const gchar * media_type)
{
  GstCaps *caps;

  gst_buffer_unref (call_standin_pull (f->standin, media));
  caps = call_standin_get_caps (f->standin, media);
  fail_unless (gst_structure_has_name (gst_caps_get_structure (caps, 0),
          media_type), "%" GST_PTR_FORMAT, caps);
  gst_caps_unref (caps);
}

/* (transfer full): the details of the error. An element upstream that is refused may
 * post an error of its own, too, before or after. */
static GstStructure *
wait_error (Fixture * f, GQuark domain, gint code)
{
  GstBus *bus = gst_element_get_bus (f->pipeline);
  GstMessage *message = NULL;
  const GstStructure *details;
  GstStructure *copy;
  GError *error;

  do {
    gst_clear_message (&message);
    message = gst_bus_timed_pop_filtered (bus, TIMEOUT, GST_MESSAGE_ERROR);
    fail_unless (message != NULL);
  } while (GST_MESSAGE_SRC (message) != GST_OBJECT (f->call));
  gst_message_parse_error (message, &error, NULL);
  fail_unless (g_error_matches (error, domain, code), "%s", error->message);
  gst_message_parse_error_details (message, &details);
  copy = gst_structure_copy (details);
  g_error_free (error);
  gst_message_unref (message);
  gst_object_unref (bus);
  return copy;
}

static void
assert_media_error (Fixture * f, GQuark domain, gint code,
    const gchar * reason, const gchar * media)
{
  GstStructure *details = wait_error (f, domain, code);

  fail_unless_equals_string (gst_structure_get_string (details,
          "media-error"), reason);
  fail_unless_equals_string (gst_structure_get_string (details, "media"),
      media);
  gst_structure_free (details);
  /* it never goes on as an audio call */
  call_standin_wait_log (f->standin, "dao-local-media-failed ");
}

static void
assert_no_error (Fixture * f)
{
  GstBus *bus = gst_element_get_bus (f->pipeline);
  GstMessage *message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  GError *error = NULL;
  gchar *debug = NULL;

  if (message)
    gst_message_parse_error (message, &error, &debug);
  fail_unless (message == NULL, "%s (%s)", error ? error->message : "", debug);
  gst_object_unref (bus);
}

/* The mean brightness of a decoded frame */
static guint
get_luma (GstHarness * decoder, GstBuffer * frame)
{
  GstBuffer *picture;
  GstCaps *caps;
  GstVideoInfo info;
  GstVideoFrame map;
  guint64 sum = 0;
  gint x, y;

  fail_unless_equals_int (gst_harness_push (decoder, frame), GST_FLOW_OK);
  picture = gst_harness_pull (decoder);
  caps = gst_pad_get_current_caps (decoder->sinkpad);
  fail_unless (gst_video_info_from_caps (&info, caps));
  fail_unless (gst_video_frame_map (&map, &info, picture, GST_MAP_READ));
  for (y = 0; y < info.height; y++)
    for (x = 0; x < info.width; x++)
      sum += GST_VIDEO_FRAME_COMP_DATA (&map, 0)[y *
          GST_VIDEO_FRAME_COMP_STRIDE (&map, 0) + x];
  gst_video_frame_unmap (&map);
  gst_caps_unref (caps);
  gst_buffer_unref (picture);
  return sum / (info.width * info.height);
}

static GstHarness *
new_decoder (Fixture * f)
{
  GstHarness *h = gst_harness_new ("vp8dec");
  GstCaps *caps = call_standin_get_caps (f->standin, DAO_MEDIA_VIDEO);

  gst_harness_set_src_caps (h, caps);
  return h;
}

/* --- what stands in --- */

GST_START_TEST (test_silence_and_black)
{
  Fixture f;
  GstHarness *decoder;
  GstBuffer *buffer;

  start (&f, "daocallsrc name=c");
  connect_call (&f, TRUE, "video/x-vp8");
  assert_sent (&f, DAO_MEDIA_AUDIO, "audio/x-opus");
  buffer = call_standin_pull (f.standin, DAO_MEDIA_VIDEO);
  decoder = new_decoder (&f);
  fail_unless (get_luma (decoder, buffer) <= 18);
  gst_harness_teardown (decoder);
  stop (&f);
}

GST_END_TEST;

/* at least one black frame a second: the clock counts, not our patience */
GST_START_TEST (test_black_comes_every_second)
{
  Fixture f;
  GstClockTime last = GST_CLOCK_TIME_NONE;
  guint i;

  start (&f, "daocallsrc name=c");
  connect_call (&f, TRUE, "video/x-vp8");
  for (i = 0; i < 4; i++) {
    GstBuffer *buffer = call_standin_pull (f.standin, DAO_MEDIA_VIDEO);

    if (i > 0)
      fail_unless (GST_BUFFER_PTS (buffer) - last <= GST_SECOND);
    last = GST_BUFFER_PTS (buffer);
    gst_buffer_unref (buffer);
  }
  stop (&f);
}

GST_END_TEST;

GST_START_TEST (test_black_has_the_codec_of_the_call)
{
  Fixture f;

  start (&f, "daocallsrc name=c");
  connect_call (&f, TRUE, "video/x-vp9");
  assert_sent (&f, DAO_MEDIA_VIDEO, "video/x-vp9");
  stop (&f);
}

GST_END_TEST;

GST_START_TEST (test_audio_call_sends_no_video)
{
  Fixture f;
  guint i;

  start (&f, "daocallsrc name=c " CAMERA);
  connect_call (&f, FALSE, NULL);
  for (i = 0; i < 20; i++)
    assert_sent (&f, DAO_MEDIA_AUDIO, "audio/x-opus");
  assert_equals_int (call_standin_count (f.standin, DAO_MEDIA_VIDEO), 0);
  assert_no_error (&f);
  stop (&f);
}

GST_END_TEST;

static GstPadProbeReturn
count_buffer (GstPad * pad, GstPadProbeInfo * info, gpointer count)
{
  g_atomic_int_inc ((gint *) count);
  return GST_PAD_PROBE_OK;
}

/* Waits until @n more frames have come in by the pad. */
static void
wait_input (Fixture * f, const gchar * name, gint n)
{
  GstPad *pad = gst_element_get_static_pad (f->call, name);
  GstPad *peer = gst_pad_get_peer (pad);
  gint count = 0, tries;
  gulong probe = gst_pad_add_probe (peer, GST_PAD_PROBE_TYPE_BUFFER,
      count_buffer, &count, NULL);

  for (tries = 0; g_atomic_int_get (&count) < n && tries < 2000; tries++)
    g_usleep (10000);
  gst_pad_remove_probe (peer, probe);
  fail_unless (count >= n);
  gst_object_unref (peer);
  gst_object_unref (pad);
}

GST_START_TEST (test_nothing_is_sent_before_the_call_is_connected)
{
  Fixture f;

  start (&f, "daocallsrc name=c " CAMERA MICROPHONE);
  call_standin_set_video (f.standin, TRUE);
  call_standin_set_state (f.standin, DAO_CALL_RINGING);
  call_standin_set_state (f.standin, DAO_CALL_CONNECTING);
  wait_input (&f, "video_sink", 5);
  wait_input (&f, "audio_sink", 5);
  assert_equals_int (call_standin_count (f.standin, DAO_MEDIA_VIDEO), 0);
  assert_equals_int (call_standin_count (f.standin, DAO_MEDIA_AUDIO), 0);
  call_standin_agree (f.standin, "video/x-vp8");
  call_standin_set_state (f.standin, DAO_CALL_CONNECTED);
  assert_sent (&f, DAO_MEDIA_VIDEO, "video/x-vp8");
  assert_sent (&f, DAO_MEDIA_AUDIO, "audio/x-opus");
  stop (&f);
}

GST_END_TEST;

/* --- which calls have video --- */

GST_START_TEST (test_placed_call_has_video_if_wanted)
{
  static const struct
  {
    const gchar *line;
    gboolean video;
  } cases[] = {
    {"daocallsrc name=c peer=bob", FALSE},
    {"daocallsrc name=c peer=bob " MICROPHONE, FALSE},
    {"daocallsrc name=c peer=bob " CAMERA, TRUE},
    {"daocallsrc name=c peer=bob c.video_src ! fakesink async=false", TRUE},
    {"daocallsrc name=c peer=bob c.audio_src ! fakesink async=false", FALSE},
    /* who waits for a call takes what comes */
    {"daocallsrc name=c", TRUE},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    Fixture f;

    start (&f, cases[i].line);
    fail_unless (call_standin_has_sink (f.standin, DAO_MEDIA_AUDIO));
    fail_unless (call_standin_has_sink (f.standin,
            DAO_MEDIA_VIDEO) == cases[i].video, "%s", cases[i].line);
    stop (&f);
  }
}

GST_END_TEST;

GST_START_TEST (test_call_action_can_add_video)
{
  Fixture f;
  gboolean done;

  start (&f, "daocallsrc name=c peer=bob");
  g_signal_emit_by_name (f.call, "call", "carol", TRUE, TRUE, &done);
  fail_unless (call_standin_has_sink (f.standin, DAO_MEDIA_VIDEO));
  stop (&f);
}

GST_END_TEST;

/* --- encoding --- */

GST_START_TEST (test_raw_is_encoded_for_the_call)
{
  static const gchar *codecs[] = { "video/x-vp8", "video/x-vp9" };
  guint i;

  for (i = 0; i < 2; i++) {
    Fixture f;
    GstBuffer *buffer;

    start (&f, "daocallsrc name=c " CAMERA MICROPHONE);
    connect_call (&f, TRUE, codecs[i]);
    buffer = call_standin_pull (f.standin, DAO_MEDIA_VIDEO);
    fail_if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT));
    gst_buffer_unref (buffer);
    assert_sent (&f, DAO_MEDIA_VIDEO, codecs[i]);
    assert_sent (&f, DAO_MEDIA_AUDIO, "audio/x-opus");
    stop (&f);
  }
}

GST_END_TEST;

/* daosignaling offers the codec of encoded media and no other */
GST_START_TEST (test_encoded_passes_and_shows_its_codec)
{
  Fixture f;
  GstPad *pad;
  GstCaps *caps;

  start (&f, "daocallsrc name=c videotestsrc is-live=true ! "
      "video/x-raw,width=320,height=240 ! vp9enc deadline=1 ! c.video_sink");
  pad = gst_element_get_static_pad (f.standin, "video_sink");
  caps = gst_pad_peer_query_caps (pad, NULL);
  fail_unless (gst_structure_has_name (gst_caps_get_structure (caps, 0),
          "video/x-vp9"), "%" GST_PTR_FORMAT, caps);
  gst_caps_unref (caps);
  gst_object_unref (pad);
  connect_call (&f, TRUE, "video/x-vp9");
  assert_sent (&f, DAO_MEDIA_VIDEO, "video/x-vp9");
  stop (&f);
}

GST_END_TEST;

GST_START_TEST (test_picture_is_kept_within_720p30)
{
  static const struct
  {
    const gchar *in;
    gint width, height;
  } cases[] = {
    {"width=1920,height=1080,framerate=60/1", 1280, 720},
    {"width=1080,height=1920,framerate=60/1", 720, 1280},
    {"width=1600,height=1200,framerate=15/1", 960, 720},
    {"width=640,height=480,framerate=30/1", 640, 480},
    {"width=321,height=241,framerate=30/1", 320, 240},
    {"width=720,height=576,framerate=25/1,pixel-aspect-ratio=16/15", 768, 576},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    gchar *line = g_strdup_printf ("daocallsrc name=c videotestsrc "
        "is-live=true ! video/x-raw,%s ! c.video_sink", cases[i].in);
    GstCaps *caps;
    gint width, height, n = 0, d = 1;
    Fixture f;

    start (&f, line);
    connect_call (&f, TRUE, "video/x-vp8");
    gst_buffer_unref (call_standin_pull (f.standin, DAO_MEDIA_VIDEO));
    caps = call_standin_get_caps (f.standin, DAO_MEDIA_VIDEO);
    gst_structure_get (gst_caps_get_structure (caps, 0), "width", G_TYPE_INT,
        &width, "height", G_TYPE_INT, &height, "framerate",
        GST_TYPE_FRACTION, &n, &d, NULL);
    assert_equals_int (width, cases[i].width);
    assert_equals_int (height, cases[i].height);
    fail_unless (n <= 30 * d, "%d/%d", n, d);
    gst_caps_unref (caps);
    g_free (line);
    stop (&f);
  }
}

GST_END_TEST;

GST_START_TEST (test_muted_picture_is_black)
{
  Fixture f;
  GstHarness *decoder = NULL;
  GstClockTime last = 0;
  guint i, luma = 0;

  start (&f, "daocallsrc name=c mute-video=true "
      "videotestsrc is-live=true pattern=white ! "
      "video/x-raw,width=320,height=240,framerate=30/1 ! c.video_sink");
  connect_call (&f, TRUE, "video/x-vp8");
  for (i = 0; i < 3; i++) {
    GstBuffer *buffer = call_standin_pull (f.standin, DAO_MEDIA_VIDEO);

    if (i == 0)
      decoder = new_decoder (&f);
    /* the camera gives 30 a second */
    else
      fail_unless (GST_BUFFER_PTS (buffer) - last >= 450 * GST_MSECOND);
    last = GST_BUFFER_PTS (buffer);
    fail_unless (get_luma (decoder, buffer) <= 18);
  }
  /* live: the picture comes back */
  g_object_set (f.call, "mute-video", FALSE, NULL);
  for (i = 0; i < 60 && luma < 200; i++)
    luma = get_luma (decoder, call_standin_pull (f.standin, DAO_MEDIA_VIDEO));
  fail_unless (luma >= 200);
  gst_harness_teardown (decoder);
  stop (&f);
}

GST_END_TEST;

/* --- the local streams end --- */

GST_START_TEST (test_ended_stream_is_replaced)
{
  Fixture f;
  guint i;

  start (&f, "daocallsrc name=c " CAMERA
      "audiotestsrc is-live=true num-buffers=10 ! c.audio_sink");
  connect_call (&f, TRUE, "video/x-vp8");
  /* ten buffers are a fifth of a second; then silence */
  for (i = 0; i < 40; i++)
    assert_sent (&f, DAO_MEDIA_AUDIO, "audio/x-opus");
  fail_unless_equals_string (call_standin_get_log (f.standin), "");
  assert_no_error (&f);
  stop (&f);
}

GST_END_TEST;

GST_START_TEST (test_end_of_all_streams_hangs_up)
{
  Fixture f;

  start (&f, "daocallsrc name=c "
      "videotestsrc is-live=true num-buffers=5 ! c.video_sink "
      "audiotestsrc is-live=true num-buffers=10 ! c.audio_sink");
  connect_call (&f, TRUE, "video/x-vp8");
  call_standin_wait_log (f.standin, "eos ");
  assert_no_error (&f);
  stop (&f);
}

GST_END_TEST;

/* --- failures --- */

static void
assert_timeout (const gchar * line, const gchar * media, DaoCallState state)
{
  GstTestClock *clock = GST_TEST_CLOCK (gst_test_clock_new ());
  GstClockID id = NULL;
  Fixture f;

  start_with_clock (&f, line, GST_CLOCK (gst_object_ref (clock)));
  call_standin_set_video (f.standin, TRUE);
  call_standin_set_state (f.standin, state);
  gst_test_clock_wait_for_next_pending_id (clock, &id);
  gst_clock_id_unref (id);
  gst_test_clock_advance_time (clock, 6 * GST_SECOND - 1);
  assert_no_error (&f);
  gst_test_clock_advance_time (clock, 1);
  while ((id = gst_test_clock_process_next_clock_id (clock)))
    gst_clock_id_unref (id);
  assert_media_error (&f, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
      "timeout", media);
  stop (&f);
  gst_object_unref (clock);
}

/* appsrc without data is a camera that gives nothing */
GST_START_TEST (test_silent_camera_is_an_error)
{
  assert_timeout ("daocallsrc name=c peer=bob appsrc ! video/x-raw ! c.video_sink",
      "video", DAO_CALL_CALLING);
  assert_timeout ("daocallsrc name=c appsrc ! video/x-raw ! c.video_sink",
      "video", DAO_CALL_CONNECTING);
  assert_timeout ("daocallsrc name=c appsrc ! audio/x-raw ! c.audio_sink",
      "audio", DAO_CALL_CONNECTED);
}

GST_END_TEST;

/* The row of a state in docs/call-states.md, "local media" (transfer full) */
static gchar *
read_cell (DaoCallState state)
{
  gchar *text, *cell;
  gchar *row = g_strdup_printf ("\n| %s | ", dao_call_state_to_string (state));
  const gchar *at;

  fail_unless (g_file_get_contents (CALL_STATES_PAGE, &text, NULL, NULL));
  at = strstr (text, "\n## local media: nothing in 6 s\n");
  at = at ? strstr (at, row) : NULL;
  fail_unless (at != NULL, "no row of '%s'", row);
  at += strlen (row);
  cell = g_strndup (at, strcspn (at, "|") - 1);
  g_free (row);
  g_free (text);
  return cell;
}

static const gchar *
watch_state (DaoCallState state)
{
  GstTestClock *clock = GST_TEST_CLOCK (gst_test_clock_new ());
  gboolean over = dao_call_state_is_terminal (state);
  const gchar *cell = "nothing";
  GstMessage *message;
  GstClockID id;
  GstBus *bus;
  Fixture f;

  start_with_clock (&f, "daocallsrc name=c appsrc ! audio/x-raw ! c.audio_sink",
      GST_CLOCK (gst_object_ref (clock)));
  /* with a clock that runs already */
  if (over)
    call_standin_set_state (f.standin, DAO_CALL_CONNECTED);
  call_standin_set_state (f.standin, state);
  gst_test_clock_advance_time (clock, 6 * GST_SECOND);
  while ((id = gst_test_clock_process_next_clock_id (clock)))
    gst_clock_id_unref (id);
  bus = gst_element_get_bus (f.pipeline);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  if (message) {
    call_standin_wait_log (f.standin, "dao-local-media-failed ");
    cell = "error timeout; hangup";
    gst_message_unref (message);
  }
  gst_object_unref (bus);
  stop (&f);
  gst_object_unref (clock);
  return cell;
}

GST_START_TEST (test_every_cell_of_the_local_media_timer)
{
  DaoCallState state;

  for (state = DAO_CALL_IDLE; state <= DAO_CALL_ENDED; state++) {
    gchar *cell = read_cell (state);

    fail_unless_equals_string (watch_state (state), cell);
    g_free (cell);
  }
}

GST_END_TEST;

GST_START_TEST (test_camera_that_ends_at_once_is_an_error)
{
  Fixture f;
  GstElement *appsrc;
  GstFlowReturn ret;

  start (&f, "daocallsrc name=c peer=bob appsrc name=s ! video/x-raw ! c.video_sink");
  call_standin_set_state (f.standin, DAO_CALL_CALLING);
  appsrc = gst_bin_get_by_name (GST_BIN (f.pipeline), "s");
  g_signal_emit_by_name (appsrc, "end-of-stream", &ret);
  gst_object_unref (appsrc);
  assert_media_error (&f, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ,
      "permission", "video");
  stop (&f);
}

GST_END_TEST;

GST_START_TEST (test_wrong_codec_is_an_error)
{
  Fixture f;

  start (&f, "daocallsrc name=c videotestsrc is-live=true ! "
      "video/x-raw,width=320,height=240 ! vp8enc deadline=1 ! c.video_sink");
  connect_call (&f, TRUE, "video/x-vp9");
  assert_media_error (&f, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "format",
      "video");
  stop (&f);
}

GST_END_TEST;

/* --- runs --- */

GST_START_TEST (test_runs_leave_nothing_behind)
{
  Fixture f;
  guint i, children;

  start (&f, "daocallsrc name=c " CAMERA MICROPHONE
      " c.video_src ! fakesink async=false c.audio_src ! fakesink async=false");
  gst_element_set_state (f.pipeline, GST_STATE_READY);
  children = GST_BIN_NUMCHILDREN (f.call);
  for (i = 0; i < 5; i++) {
    gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
    connect_call (&f, TRUE, i % 2 ? "video/x-vp9" : "video/x-vp8");
    assert_sent (&f, DAO_MEDIA_VIDEO, i % 2 ? "video/x-vp9" : "video/x-vp8");
    call_standin_set_state (f.standin, DAO_CALL_HANGUP);
    gst_element_set_state (f.pipeline, GST_STATE_READY);
    assert_equals_int (GST_BIN_NUMCHILDREN (f.call), children);
    assert_equals_int (GST_ELEMENT (f.call)->numpads, 4);
    assert_equals_int (f.standin->numsinkpads, 0);
    call_standin_clear (f.standin);
  }
  assert_no_error (&f);
  stop (&f);
}

GST_END_TEST;

/* --- the run is over --- */

static gboolean
answer_live (GstPad * pad, GstObject * parent, GstQuery * query)
{
  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return gst_pad_query_default (pad, parent, query);
  gst_query_set_latency (query, TRUE, 0, GST_CLOCK_TIME_NONE);
  return TRUE;
}

/* A live source that sees what its pushes return */
static GstPad *
new_source (Fixture * f, const gchar * sink)
{
  GstPad *src = gst_object_ref_sink (gst_pad_new (NULL, GST_PAD_SRC));
  GstPad *pad = gst_element_request_pad_simple (f->call, sink);

  gst_pad_set_query_function (src, answer_live);
  fail_unless (gst_pad_link (src, pad) == GST_PAD_LINK_OK);
  gst_object_unref (pad);
  return src;
}

static void
start_source (GstPad * src, const gchar * caps_text)
{
  GstCaps *caps = gst_caps_from_string (caps_text);
  GstSegment segment;

  gst_pad_set_active (src, FALSE);
  gst_pad_set_active (src, TRUE);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (src, gst_event_new_stream_start ("x"));
  gst_pad_push_event (src, gst_event_new_caps (caps));
  gst_pad_push_event (src, gst_event_new_segment (&segment));
  gst_caps_unref (caps);
}

static GstFlowReturn
push_zeros (GstPad * src, gsize size, GstClockTime pts)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);

  gst_buffer_memset (buffer, 0, 0, size);
  GST_BUFFER_PTS (buffer) = pts;
  return gst_pad_push (src, buffer);
}

/* Nothing else could end a source behind a tee: its other branches would go on for ever. */
GST_START_TEST (test_sources_end_with_the_run)
{
  Fixture f;
  GstPad *sound, *picture;
  guint i;

  start (&f, "daocallsrc name=c");
  sound = new_source (&f, "audio_sink");
  picture = new_source (&f, "video_sink");
  for (i = 0; i < 2; i++) {
    gst_element_set_state (f.pipeline, GST_STATE_READY);
    gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
    start_source (sound, "audio/x-raw,format=S16LE,layout=interleaved,"
        "rate=48000,channels=1");
    start_source (picture, "video/x-raw,format=I420,width=32,height=32,"
        "framerate=30/1");
    /* while it waits for a call */
    assert_equals_int (push_zeros (sound, 1920, 0), GST_FLOW_OK);
    assert_equals_int (push_zeros (picture, 1536, 0), GST_FLOW_OK);
    connect_call (&f, FALSE, NULL);
    assert_equals_int (push_zeros (sound, 1920, 20 * GST_MSECOND),
        GST_FLOW_OK);
    assert_equals_int (push_zeros (picture, 1536, 20 * GST_MSECOND),
        GST_FLOW_OK);
    call_standin_set_state (f.standin, DAO_CALL_HANGUP);
    call_standin_end (f.standin);
    assert_equals_int (push_zeros (sound, 1920, 40 * GST_MSECOND),
        GST_FLOW_EOS);
    /* also the medium that the call did not have */
    assert_equals_int (push_zeros (picture, 1536, 40 * GST_MSECOND),
        GST_FLOW_EOS);
  }
  assert_no_error (&f);
  stop (&f);
  gst_object_unref (sound);
  gst_object_unref (picture);
}

GST_END_TEST;

static void
assert_pipeline_ends (Fixture * f)
{
  GstBus *bus = gst_element_get_bus (f->pipeline);
  GstMessage *message = gst_bus_timed_pop_filtered (bus, TIMEOUT,
      GST_MESSAGE_EOS | GST_MESSAGE_ERROR);

  fail_unless (message && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS,
      "%" GST_PTR_FORMAT, message);
  gst_message_unref (message);
  gst_object_unref (bus);
}

/* The preview of what is sent, and a file that is held for a call that is refused */
GST_START_TEST (test_other_branches_end_with_the_run)
{
  static const gchar *const lines[] = {
    "daocallsrc name=c audiotestsrc is-live=true ! tee name=t "
        "t. ! queue ! c.audio_sink  t. ! queue ! fakesink "
        "videotestsrc is-live=true ! tee name=s "
        "s. ! queue ! c.video_sink  s. ! queue ! fakesink",
    "daocallsrc name=c audiotestsrc ! opusenc ! tee name=t "
        "t. ! queue ! c.audio_sink  t. ! queue ! fakesink sync=false "
        "videotestsrc ! vp8enc deadline=1 ! tee name=s "
        "s. ! queue ! c.video_sink  s. ! queue ! fakesink sync=false",
  };
  guint i, k;

  for (i = 0; i < G_N_ELEMENTS (lines); i++) {
    Fixture f;

    start (&f, lines[i]);
    for (k = 0; k < 2; k++) {
      if (i == 0) {
        connect_call (&f, TRUE, "video/x-vp8");
        assert_sent (&f, DAO_MEDIA_VIDEO, "video/x-vp8");
      }
      call_standin_set_state (f.standin, i == 0 ? DAO_CALL_HANGUP :
          DAO_CALL_REJECTED);
      call_standin_end (f.standin);
      assert_pipeline_ends (&f);
      call_standin_clear (f.standin);
      /* the next run has its sources again */
      gst_element_set_state (f.pipeline, GST_STATE_READY);
      gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
    }
    stop (&f);
  }
}

GST_END_TEST;

/* a pad that is requested in the middle of a call takes over from silence */
GST_START_TEST (test_late_microphone)
{
  Fixture f;
  GstElement *source;
  GstPad *sink, *src;
  GstBuffer *buffer;
  gsize size;

  start (&f, "daocallsrc name=c");
  connect_call (&f, FALSE, NULL);
  assert_sent (&f, DAO_MEDIA_AUDIO, "audio/x-opus");
  source = gst_element_factory_make ("audiotestsrc", NULL);
  g_object_set (source, "is-live", TRUE, NULL);
  gst_bin_add (GST_BIN (f.pipeline), source);
  sink = gst_element_request_pad_simple (f.call, "audio_sink");
  src = gst_element_get_static_pad (source, "src");
  fail_unless (gst_pad_link (src, sink) == GST_PAD_LINK_OK);
  gst_element_sync_state_with_parent (source);
  /* silence is small; a tone of opusenc is not */
  do {
    buffer = call_standin_pull (f.standin, DAO_MEDIA_AUDIO);
    size = gst_buffer_get_size (buffer);
    gst_buffer_unref (buffer);
  } while (size < 50);

  /* and goes again: first it stops, because a source that is not linked any more posts an error */
  gst_element_set_state (source, GST_STATE_NULL);
  gst_pad_unlink (src, sink);
  gst_element_release_request_pad (f.call, sink);
  call_standin_clear (f.standin);
  assert_sent (&f, DAO_MEDIA_AUDIO, "audio/x-opus");
  assert_no_error (&f);
  gst_object_unref (sink);
  gst_object_unref (src);
  stop (&f);
}

GST_END_TEST;

static Suite *
daocallsrcmedia_suite (void)
{
  Suite *suite = suite_create ("daocallsrcmedia");
  TCase *tcase = tcase_create ("general");

  call_standin_register ();
  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_silence_and_black);
  tcase_add_test (tcase, test_black_comes_every_second);
  tcase_add_test (tcase, test_black_has_the_codec_of_the_call);
  tcase_add_test (tcase, test_audio_call_sends_no_video);
  tcase_add_test (tcase, test_nothing_is_sent_before_the_call_is_connected);
  tcase_add_test (tcase, test_placed_call_has_video_if_wanted);
  tcase_add_test (tcase, test_call_action_can_add_video);
  tcase_add_test (tcase, test_raw_is_encoded_for_the_call);
  tcase_add_test (tcase, test_encoded_passes_and_shows_its_codec);
  tcase_add_test (tcase, test_picture_is_kept_within_720p30);
  tcase_add_test (tcase, test_muted_picture_is_black);
  tcase_add_test (tcase, test_ended_stream_is_replaced);
  tcase_add_test (tcase, test_end_of_all_streams_hangs_up);
  tcase_add_test (tcase, test_silent_camera_is_an_error);
  tcase_add_test (tcase, test_every_cell_of_the_local_media_timer);
  tcase_add_test (tcase, test_camera_that_ends_at_once_is_an_error);
  tcase_add_test (tcase, test_wrong_codec_is_an_error);
  tcase_add_test (tcase, test_runs_leave_nothing_behind);
  tcase_add_test (tcase, test_sources_end_with_the_run);
  tcase_add_test (tcase, test_other_branches_end_with_the_run);
  tcase_add_test (tcase, test_late_microphone);
  return suite;
}

GST_CHECK_MAIN (daocallsrcmedia);
