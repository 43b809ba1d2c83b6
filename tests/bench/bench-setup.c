/* gst-dao: from "call" to the first decoded frame of the remote video
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Ours: two daosignaling elements, real relay, signed signaling, encrypted frames;
 * both accounts are online. The peer: two bare webrtcbins that hand each other
 * their descriptions within the process. Same media, same jitter buffer, taken in
 * turns; the ratio is that of the medians.
 */
#include "callfixture.h"

#define GST_USE_UNSTABLE_API
#include <gst/webrtc/webrtc.h>
#include <stdlib.h>

#define ROUNDS 11
#define LATENCY 50
#define MEDIA(audio, video) \
    "audiotestsrc is-live=true ! opusenc ! " audio \
    "videotestsrc is-live=true ! video/x-raw,width=640,height=360," \
    "framerate=30/1 ! vp8enc deadline=1 cpu-used=8 target-bitrate=1000000 " \
    "keyframe-max-dist=60 ! " video

static GMutex lock;
static GCond cond;
static gint64 first_frame;

static GstPadProbeReturn
on_decoded (GstPad * pad, GstPadProbeInfo * info, gpointer unused)
{
  g_mutex_lock (&lock);
  if (!first_frame)
    first_frame = g_get_monotonic_time ();
  g_cond_signal (&cond);
  g_mutex_unlock (&lock);
  return GST_PAD_PROBE_REMOVE;
}

static void
watch_decoder (GstElement * decoder)
{
  GstPad *pad = gst_element_get_static_pad (decoder, "src");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_decoded, NULL, NULL);
  gst_object_unref (pad);
}

static gdouble
wait_first_frame (gint64 start)
{
  gint64 deadline = start + 20 * G_USEC_PER_SEC;

  g_mutex_lock (&lock);
  while (!first_frame)
    if (!g_cond_wait_until (&cond, &lock, deadline))
      g_error ("no remote video");
  g_mutex_unlock (&lock);
  return (first_frame - start) / 1000.0;
}

/* --- ours --- */

static gdouble
time_ours (CallFixture * f)
{
  GstElement *callee = call_parse ("daosignaling name=c identity=%s "
      "auto-answer=true latency=%d " MEDIA ("c.audio_sink ", "c.video_sink ")
      "c.audio_src ! fakesink async=false c.video_src ! fakesink async=false",
      f->identity[1], LATENCY);
  GstElement *caller = call_parse ("daosignaling name=c identity=%s "
      "latency=%d " MEDIA ("c.audio_sink ", "c.video_sink ")
      "c.audio_src ! fakesink async=false "
      "c.video_src ! vp8dec name=dec ! fakesink async=false sync=false",
      f->identity[0], LATENCY);
  GstElement *decoder = gst_bin_get_by_name (GST_BIN (caller), "dec");
  GstElement *call = gst_bin_get_by_name (GST_BIN (caller), "c");
  gboolean ok;
  gint64 start;
  gdouble ms;

  first_frame = 0;
  watch_decoder (decoder);
  gst_element_set_state (callee, GST_STATE_PLAYING);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  call_wait_online (callee, 10);
  call_wait_online (caller, 10);
  g_usleep (300000);            /* the encoders run, as they do for the peer */
  start = g_get_monotonic_time ();
  g_signal_emit_by_name (call, "call", f->alias[1], TRUE, TRUE, &ok);
  ms = wait_first_frame (start);
  g_signal_emit_by_name (call, "hangup", &ok);
  call_wait_eos (callee, 10);
  gst_object_unref (decoder);
  gst_object_unref (call);
  call_stop (caller);
  call_stop (callee);
  return ms;
}

/* --- the peer --- */

typedef struct
{
  GstElement *pipeline[2];
  GstElement *webrtc[2];
} Bare;

static void
on_bare_candidate (GstElement * webrtc, guint mline, gchar * candidate,
    GstElement * other)
{
  g_signal_emit_by_name (other, "add-ice-candidate", mline, candidate);
}

static void
describe_both (Bare * bare, guint from, GstPromise * promise,
    const gchar * name)
{
  GstWebRTCSessionDescription *description = NULL;

  gst_structure_get (gst_promise_get_reply (promise), name,
      GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &description, NULL);
  g_signal_emit_by_name (bare->webrtc[from], "set-local-description",
      description, NULL);
  g_signal_emit_by_name (bare->webrtc[!from], "set-remote-description",
      description, NULL);
  gst_webrtc_session_description_free (description);
  gst_promise_unref (promise);
}

static void
on_bare_answer (GstPromise * promise, gpointer bare)
{
  describe_both (bare, 1, promise, "answer");
}

static void
on_bare_offer (GstPromise * promise, gpointer user_data)
{
  Bare *bare = user_data;

  describe_both (bare, 0, promise, "offer");
  g_signal_emit_by_name (bare->webrtc[1], "create-answer", NULL,
      gst_promise_new_with_change_func (on_bare_answer, bare, NULL));
}

static void
on_bare_pad (GstElement * webrtc, GstPad * pad, gpointer user_data)
{
  GstElement *pipeline = user_data;
  GstCaps *caps;
  GstElement *sink;
  GstPad *sink_pad;
  GError *error = NULL;

  if (GST_PAD_IS_SINK (pad))
    return;
  caps = gst_pad_get_current_caps (pad);
  sink = gst_parse_bin_from_description (g_strcmp0 (gst_structure_get_string
          (gst_caps_get_structure (caps, 0), "encoding-name"), "VP8") == 0 ?
      "rtpvp8depay ! vp8dec name=dec ! fakesink async=false sync=false" :
      "fakesink async=false sync=false", TRUE, &error);
  g_assert_no_error (error);
  if (gst_bin_get_by_name (GST_BIN (sink), "dec")) {
    GstElement *decoder = gst_bin_get_by_name (GST_BIN (sink), "dec");

    watch_decoder (decoder);
    gst_object_unref (decoder);
    gst_object_unref (decoder);
  }
  gst_bin_add (GST_BIN (pipeline), sink);
  gst_element_sync_state_with_parent (sink);
  sink_pad = gst_element_get_static_pad (sink, "sink");
  gst_pad_link (pad, sink_pad);
  gst_object_unref (sink_pad);
  gst_caps_unref (caps);
}

#define BARE "webrtcbin name=c bundle-policy=max-bundle latency=%d " \
    MEDIA ("rtpopuspay pt=111 ! application/x-rtp,media=audio," \
    "encoding-name=OPUS,payload=111 ! queue ! c. ", "rtpvp8pay pt=96 " \
    "picture-id-mode=15-bit ! application/x-rtp,media=video," \
    "encoding-name=VP8,payload=96 ! queue ! c. ")

static gdouble
time_bare (void)
{
  Bare bare;
  gint64 start;
  gdouble ms;
  guint i;

  first_frame = 0;
  for (i = 0; i < 2; i++) {
    GObject *ice = NULL, *agent = NULL;

    bare.pipeline[i] = call_parse (BARE, LATENCY);
    bare.webrtc[i] = gst_bin_get_by_name (GST_BIN (bare.pipeline[i]), "c");
    g_object_get (bare.webrtc[i], "ice-agent", &ice, NULL);
    g_object_get (ice, "agent", &agent, NULL);
    /* as fast as it gets: the same settings of the agent as ours */
    g_object_set (agent, "upnp", FALSE, "ice-tcp", FALSE, NULL);
    g_object_unref (agent);
    g_object_unref (ice);
  }
  g_signal_connect (bare.webrtc[0], "pad-added", G_CALLBACK (on_bare_pad),
      bare.pipeline[0]);
  for (i = 0; i < 2; i++)
    g_signal_connect (bare.webrtc[i], "on-ice-candidate",
        G_CALLBACK (on_bare_candidate), bare.webrtc[!i]);
  for (i = 0; i < 2; i++)
    gst_element_set_state (bare.pipeline[i], GST_STATE_PLAYING);
  g_usleep (300000);            /* caps are on all pads */
  start = g_get_monotonic_time ();
  g_signal_emit_by_name (bare.webrtc[0], "create-offer", NULL,
      gst_promise_new_with_change_func (on_bare_offer, &bare, NULL));
  ms = wait_first_frame (start);
  for (i = 0; i < 2; i++) {
    gst_object_unref (bare.webrtc[i]);
    call_stop (bare.pipeline[i]);
  }
  return ms;
}

static int
compare (const void *a, const void *b)
{
  return *(const gdouble *) a < *(const gdouble *) b ? -1 : 1;
}

int
main (int argc, char **argv)
{
  gdouble ours[ROUNDS], bare[ROUNDS];
  CallFixture *f;
  guint i;

  gst_init (&argc, &argv);
  f = call_fixture_new (2);
  time_ours (f);
  time_bare ();
  for (i = 0; i < ROUNDS; i++) {
    ours[i] = time_ours (f);
    bare[i] = time_bare ();
  }
  qsort (ours, ROUNDS, sizeof (gdouble), compare);
  qsort (bare, ROUNDS, sizeof (gdouble), compare);
  g_print ("first remote video frame, %d ms jitter buffer: daosignaling with "
      "relay %.0f ms (%.0f to %.0f), bare webrtcbin %.0f ms (%.0f to %.0f), "
      "ratio %.2f\n", LATENCY, ours[ROUNDS / 2], ours[0], ours[ROUNDS - 1],
      bare[ROUNDS / 2], bare[0], bare[ROUNDS - 1],
      ours[ROUNDS / 2] / bare[ROUNDS / 2]);
  call_fixture_free (f);
  return ours[ROUNDS / 2] > 1.3 * bare[ROUNDS / 2];
}
