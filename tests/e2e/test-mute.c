/* gst-dao: mute, as the other side hears and sees it
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "callfixture.h"

#include <math.h>

/* A tone and a white picture, so that silence and black are something else */
#define TONE "audiotestsrc is-live=true "
#define WHITE "videotestsrc is-live=true pattern=white ! " \
    "video/x-raw,width=320,height=240,framerate=15/1 "
/* No key frame by itself: what comes back must have asked for one. */
#define VP8 "! vp8enc deadline=1 cpu-used=8 keyframe-max-dist=3000 "
#define VP9 "! vp9enc deadline=1 cpu-used=8 lag-in-frames=0 keyframe-max-dist=3000 "

/* The jitter buffer, an encoder that starts, and a machine that is slow under a
 * sanitizer. Without those it is a few hundred ms. */
#define LATENCY "latency=50 "
#define PATIENCE_MS 3000
/* So long it must last. */
#define HOLD_MS 700

#define SILENT_RMS 10
#define LOUD_RMS 1000
#define BLACK_LUMA 20
#define BRIGHT_LUMA 200

typedef struct
{
  CallFixture *fixture;
  GstElement *sender, *receiver;
  GstElement *call;             /* of sender */
  gint rms, luma;               /* atomic, of the last frame */
  gint n_audio, n_video;        /* atomic */
  gint width;
} Call;

/* --- what the other side gets --- */

static void
on_sound (GstElement * sink, GstBuffer * buffer, GstPad * pad, Call * call)
{
  GstMapInfo map;
  const gint16 *samples;
  gdouble sum = 0;
  gsize i, n;

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  samples = (const gint16 *) map.data;
  n = map.size / 2;
  for (i = 0; i < n; i++)
    sum += (gdouble) samples[i] * samples[i];
  gst_buffer_unmap (buffer, &map);
  g_atomic_int_set (&call->rms, n ? (gint) sqrt (sum / n) : 0);
  g_atomic_int_inc (&call->n_audio);
}

static void
on_picture (GstElement * sink, GstBuffer * buffer, GstPad * pad, Call * call)
{
  GstCaps *caps = gst_pad_get_current_caps (pad);
  GstMapInfo map;
  guint64 sum = 0;
  gsize i;

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  for (i = 0; i < map.size; i++)
    sum += map.data[i];
  g_atomic_int_set (&call->luma, (gint) (sum / MAX (map.size, 1)));
  gst_buffer_unmap (buffer, &map);
  gst_structure_get_int (gst_caps_get_structure (caps, 0), "width",
      &call->width);
  gst_caps_unref (caps);
  g_atomic_int_inc (&call->n_video);
}

/* --- a call --- */

static void
connect_sink (Call * call, const gchar * name, GCallback callback)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (call->receiver), name);

  g_signal_connect (sink, "handoff", callback, call);
  gst_object_unref (sink);
}

static void
start_call (Call * call, const gchar * element, const gchar * options,
    const gchar * media)
{
  call->fixture = call_fixture_new (2);
  call->receiver = call_parse ("daocallsrc name=c identity=%s " LATENCY
      "auto-answer=true c.audio_src ! audioconvert ! "
      "audio/x-raw,format=S16LE,channels=1 ! fakesink name=a sync=false "
      "async=false signal-handoffs=true c.video_src ! videoconvert ! "
      "video/x-raw,format=GRAY8 ! fakesink name=v sync=false async=false "
      "signal-handoffs=true", call->fixture->identity[1]);
  call->sender = call_parse ("%s name=c identity=%s peer=%s %s %s", element,
      call->fixture->identity[0], call->fixture->alias[1], options, media);
  call->call = gst_bin_get_by_name (GST_BIN (call->sender), "c");
  connect_sink (call, "a", G_CALLBACK (on_sound));
  connect_sink (call, "v", G_CALLBACK (on_picture));
  gst_element_set_state (call->receiver, GST_STATE_PLAYING);
  call_wait_online (call->receiver, 10);
  gst_element_set_state (call->sender, GST_STATE_PLAYING);
  gst_message_unref (call_wait_state (call->receiver, "connected", 20));
}

static void
end_call (Call * call)
{
  GstMessage *ended;
  gboolean ok, e2ee = FALSE;

  g_signal_emit_by_name (call->call, "hangup", &ok);
  ended = call_wait_message (call->receiver, "dao-call-ended", 10);
  gst_structure_get_boolean (gst_message_get_structure (ended), "e2ee",
      &e2ee);
  g_assert_true (e2ee);
  gst_message_unref (ended);
  gst_object_unref (call->call);
  call_stop (call->sender);
  call_stop (call->receiver);
  call_fixture_free (call->fixture);
}

static guint64
count_verified (Call * call)
{
  GstMessage *message = call_wait_message (call->receiver, "dao-call-stats",
      10);
  guint64 verified = 0;

  gst_structure_get_uint64 (gst_message_get_structure (message),
      "frames-verified", &verified);
  gst_message_unref (message);
  return verified;
}

static gboolean
is_silent (Call * call)
{
  return g_atomic_int_get (&call->rms) < SILENT_RMS;
}

static gboolean
is_loud (Call * call)
{
  return g_atomic_int_get (&call->rms) > LOUD_RMS;
}

static gboolean
is_black (Call * call)
{
  return g_atomic_int_get (&call->luma) < BLACK_LUMA;
}

static gboolean
is_bright (Call * call)
{
  return g_atomic_int_get (&call->luma) > BRIGHT_LUMA;
}

/* It becomes so, and while frames go on coming it stays so. */
static void
expect (Call * call, gboolean (*is) (Call *), const gchar * what, gint * n,
    guint per_second)
{
  gint64 start = g_get_monotonic_time ();
  gint before;

  while (!is (call)) {
    g_assert_cmpint (g_get_monotonic_time () - start, <, PATIENCE_MS * 1000);
    g_usleep (5000);
  }
  g_test_message ("%s after %d ms", what,
      (gint) ((g_get_monotonic_time () - start) / 1000));
  before = g_atomic_int_get (n);
  start = g_get_monotonic_time ();
  while (g_get_monotonic_time () - start < HOLD_MS * 1000) {
    g_assert_true (is (call));
    g_usleep (5000);
  }
  g_assert_cmpint (g_atomic_int_get (n) - before, >=,
      (gint) (per_second * HOLD_MS / 1000));
}

static void
mute (Call * call, const gchar * property, gboolean muted)
{
  g_object_set (call->call, property, muted, NULL);
}

/* Twice: it is reversible, and the way back is one, too. */
#define ROUNDS 2

static void
check_audio (Call * call)
{
  guint i;

  for (i = 0; i < ROUNDS; i++) {
    expect (call, is_loud, "tone", &call->n_audio, 20);
    mute (call, "mute-audio", TRUE);
    expect (call, is_silent, "silence", &call->n_audio, 20);
    mute (call, "mute-audio", FALSE);
  }
  expect (call, is_loud, "tone", &call->n_audio, 20);
}

static void
check_video (Call * call)
{
  gint width = 0;
  guint64 verified;
  guint i;

  for (i = 0; i < ROUNDS; i++) {
    expect (call, is_bright, "picture", &call->n_video, 5);
    width = call->width;
    mute (call, "mute-video", TRUE);
    expect (call, is_black, "black", &call->n_video, 1);
    g_assert_cmpint (call->width, ==, width);
    /* and they are still encrypted frames */
    if (i == 1) {
      verified = count_verified (call);
      g_assert_cmpuint (count_verified (call), >, verified);
      g_assert_true (is_black (call));
    }
    mute (call, "mute-video", FALSE);
  }
  expect (call, is_bright, "picture", &call->n_video, 5);
}

/* --- */

static void
test_audio (void)
{
  Call call = { NULL, };

  start_call (&call, "daocallsrc", "", TONE "! c.audio_sink");
  check_audio (&call);
  end_call (&call);
}

static void
test_video (gconstpointer media)
{
  Call call = { NULL, };

  start_call (&call, "daocallsrc", "", media);
  check_video (&call);
  end_call (&call);
}

/* Muted before the call: nothing of the picture is ever seen. */
static void
test_muted_from_the_start (gconstpointer media)
{
  Call call = { NULL, };

  call.luma = call.rms = 0;
  start_call (&call, "daocallsrc", "mute-audio=true mute-video=true", media);
  while (g_atomic_int_get (&call.n_video) < 2
      || g_atomic_int_get (&call.n_audio) < 20) {
    g_assert_true (is_black (&call) && is_silent (&call));
    g_usleep (5000);
  }
  mute (&call, "mute-audio", FALSE);
  mute (&call, "mute-video", FALSE);
  expect (&call, is_loud, "tone", &call.n_audio, 20);
  expect (&call, is_bright, "picture", &call.n_video, 5);
  end_call (&call);
}

static GstPadProbeReturn
count_key_requests (GstPad * pad, GstPadProbeInfo * info, gpointer n)
{
  if (gst_event_has_name (GST_PAD_PROBE_INFO_EVENT (info),
          "GstForceKeyUnit"))
    g_atomic_int_inc ((gint *) n);
  return GST_PAD_PROBE_OK;
}

/* daosignaling makes no pictures: their frames stop, silence is sent. What comes
 * back needs a key frame, which is asked for: the encoder makes none by itself. */
static void
test_signaling (void)
{
  Call call = { NULL, };
  gint frames, requests = 0;
  GstPad *pad;

  start_call (&call, "daosignaling", "", TONE "! opusenc ! c.audio_sink "
      WHITE VP8 "! c.video_sink");
  expect (&call, is_bright, "picture", &call.n_video, 5);
  check_audio (&call);
  mute (&call, "mute-video", TRUE);
  /* what is on its way arrives */
  g_usleep (HOLD_MS * 1000);
  frames = g_atomic_int_get (&call.n_video);
  g_usleep (HOLD_MS * 1000);
  g_assert_cmpint (g_atomic_int_get (&call.n_video), ==, frames);
  pad = gst_element_get_static_pad (call.call, "video_sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM,
      count_key_requests, &requests, NULL);
  mute (&call, "mute-video", FALSE);
  g_assert_cmpint (g_atomic_int_get (&requests), ==, 1);
  gst_object_unref (pad);
  while (g_atomic_int_get (&call.n_video) < frames + 10)
    g_usleep (5000);
  expect (&call, is_bright, "picture", &call.n_video, 5);
  end_call (&call);
}

int
main (int argc, char **argv)
{
  static const gchar raw[] = TONE "! c.audio_sink " WHITE "! c.video_sink";
  static const gchar vp8[] = TONE "! opusenc ! c.audio_sink "
      WHITE VP8 "! c.video_sink";
  static const gchar vp9[] = TONE "! opusenc ! c.audio_sink "
      WHITE VP9 "! c.video_sink";

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mute/audio", test_audio);
  g_test_add_data_func ("/mute/video/raw", raw, test_video);
  g_test_add_data_func ("/mute/video/vp8", vp8, test_video);
  g_test_add_data_func ("/mute/video/vp9", vp9, test_video);
  g_test_add_data_func ("/mute/from-the-start/raw", raw,
      test_muted_from_the_start);
  g_test_add_data_func ("/mute/from-the-start/encoded", vp8,
      test_muted_from_the_start);
  g_test_add_func ("/mute/signaling", test_signaling);
  return g_test_run ();
}
