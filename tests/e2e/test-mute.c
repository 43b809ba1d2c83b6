/* gst-dao: mute, as the other side hears and sees it
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "callfixture.h"

#include <gst/check/gstharness.h>
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
/* At the sender it is counted by frames: so many may be under way to the encryptor. */
#define FEW_FRAMES 5
/* Of what is encrypted: a pause of ours has 3 bytes, a tone 100 and more. */
#define SILENT_BYTES 10
/* Black comes twice a second. */
#define MAX_BLACK (2 * HOLD_MS / 1000 + 2)

#define BLACK_LUMA 20
#define BRIGHT_LUMA 200

/* Frames of a medium as they come to the encryptor, since the property was set */
typedef struct
{
  GMutex lock;
  GstHarness *decoder;
  gint n, wrong;                /* how many, and which was the last that shows what it should not */
  gboolean muted;
} Tap;

typedef struct
{
  CallFixture *fixture;
  GstElement *sender, *receiver;
  GstElement *call;             /* of sender */
  gint rms, luma;               /* atomic, of the last frame */
  gint n_audio, n_video;        /* atomic */
  gint width;
  Tap audio, video;
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

/* --- what is encrypted --- */

static gint
get_luma (GstBuffer * buffer)
{
  GstMapInfo map;
  guint64 sum = 0;
  gsize i, n;

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  n = map.size * 2 / 3;         /* I420 */
  for (i = 0; i < n; i++)
    sum += map.data[i];
  gst_buffer_unmap (buffer, &map);
  return sum / MAX (n, 1);
}

static GstHarness *
new_decoder (GstCaps * caps)
{
  gboolean vp9 = gst_structure_has_name (gst_caps_get_structure (caps, 0),
      "video/x-vp9");
  GstHarness *decoder = gst_harness_new (vp9 ? "vp9dec" : "vp8dec");

  gst_harness_set_src_caps_str (decoder, vp9 ? "video/x-vp9,framerate=15/1" :
      "video/x-vp8,framerate=15/1");
  return decoder;
}

/* Does it say or show anything? */
static gboolean
is_revealing (Tap * tap, GstPad * pad, GstBuffer * buffer)
{
  GstCaps *caps = gst_pad_get_current_caps (pad);
  gint luma = 0;

  if (g_str_has_prefix (gst_structure_get_name (gst_caps_get_structure (caps,
                  0)), "audio/")) {
    gst_caps_unref (caps);
    return gst_buffer_get_size (buffer) > SILENT_BYTES;
  }
  if (!tap->decoder)
    tap->decoder = new_decoder (caps);
  gst_caps_unref (caps);
  gst_harness_push (tap->decoder, gst_buffer_copy (buffer));
  while ((buffer = gst_harness_try_pull (tap->decoder))) {
    luma = get_luma (buffer);
    gst_buffer_unref (buffer);
  }
  return luma > BLACK_LUMA;
}

static GstPadProbeReturn
on_clear_frame (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  Tap *tap = user_data;
  gboolean revealing = is_revealing (tap, pad,
      GST_PAD_PROBE_INFO_BUFFER (info));

  g_mutex_lock (&tap->lock);
  tap->n++;
  if (revealing == tap->muted)
    tap->wrong = tap->n;
  g_mutex_unlock (&tap->lock);
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
on_caps (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  Call *call = user_data;
  GstCaps *caps;

  if (GST_EVENT_TYPE (event) != GST_EVENT_CAPS)
    return GST_PAD_PROBE_OK;
  gst_event_parse_caps (event, &caps);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_clear_frame,
      gst_structure_has_name (gst_caps_get_structure (caps, 0),
          "audio/x-opus") ? &call->audio : &call->video, NULL);
  return GST_PAD_PROBE_REMOVE;
}

static void
on_element (GstBin * bin, GstBin * sub_bin, GstElement * element, Call * call)
{
  GstElementFactory *factory = gst_element_get_factory (element);
  GstPad *pad;

  if (!factory || !g_str_equal (GST_OBJECT_NAME (factory), "daoe2eeenc"))
    return;
  pad = gst_element_get_static_pad (element, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_caps, call,
      NULL);
  gst_object_unref (pad);
}

static void
tap_clear (Tap * tap)
{
  if (tap->decoder)
    gst_harness_teardown (tap->decoder);
}

/* From now on frames are as the property says, but for a few. */
static void
tap_begin (Tap * tap, gboolean muted)
{
  g_mutex_lock (&tap->lock);
  tap->n = tap->wrong = 0;
  tap->muted = muted;
  g_mutex_unlock (&tap->lock);
}

static void
tap_check (Tap * tap)
{
  g_mutex_lock (&tap->lock);
  g_test_message ("the last wrong one of %d frames was number %d", tap->n,
      tap->wrong);
  g_assert_cmpint (tap->n, >, 0);
  g_assert_cmpint (tap->wrong, <=, FEW_FRAMES);
  g_mutex_unlock (&tap->lock);
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
  g_signal_connect (call->sender, "deep-element-added",
      G_CALLBACK (on_element), call);
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
  tap_clear (&call->audio);
  tap_clear (&call->video);
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
  tap_begin (g_str_equal (property, "mute-audio") ? &call->audio :
      &call->video, muted);
}

/* Black comes at a low rate, both here and there. */
static void
expect_black (Call * call)
{
  gint n, before;

  expect (call, is_black, "black", &call->n_video, 1);
  tap_check (&call->video);
  before = g_atomic_int_get (&call->n_video);
  tap_begin (&call->video, TRUE);
  g_usleep (HOLD_MS * 1000);
  g_mutex_lock (&call->video.lock);
  n = call->video.n;
  g_mutex_unlock (&call->video.lock);
  g_assert_cmpint (n, <=, MAX_BLACK);
  g_assert_cmpint (g_atomic_int_get (&call->n_video) - before, <=, MAX_BLACK);
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
    tap_check (&call->audio);
    mute (call, "mute-audio", FALSE);
  }
  expect (call, is_loud, "tone", &call->n_audio, 20);
  tap_check (&call->audio);
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
    expect_black (call);
    g_assert_cmpint (call->width, ==, width);
    /* and they are still encrypted frames */
    if (i == 1) {
      verified = count_verified (call);
      g_assert_cmpuint (count_verified (call), >, verified);
      g_assert_true (is_black (call));
    }
    tap_check (&call->video);
    mute (call, "mute-video", FALSE);
  }
  expect (call, is_bright, "picture", &call->n_video, 5);
  tap_check (&call->video);
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

  call_test_init (&argc, &argv);
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
