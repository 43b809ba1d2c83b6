/* gst-dao: a call whose own address changes, in a network namespace of its own
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#define _GNU_SOURCE
#include "callfixture.h"
#include "seal-watch.h"

#include <sched.h>
#include <stdlib.h>

#define AUDIO_IN "audiotestsrc is-live=true ! opusenc ! c.audio_sink "
#define VIDEO_IN "videotestsrc is-live=true ! " \
    "video/x-raw,width=320,height=240,framerate=15/1 ! vp8enc deadline=1 " \
    "cpu-used=8 keyframe-max-dist=30 ! c.video_sink "

static void
ip (const gchar * arguments)
{
  gchar *command = g_strconcat ("ip ", arguments, NULL);

  if (system (command) != 0)
    g_error ("'%s' failed", command);
  g_free (command);
}

typedef struct
{
  GstClockTime last;
  GstClockTime widest;
  guint frames;
} Gaps;

static GstPadProbeReturn
measure_gap (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  Gaps *gaps = user_data;
  GstClockTime pts = GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info));

  if (gaps->frames++ > 0) {
    g_assert_cmpuint (pts, >=, gaps->last);
    gaps->widest = MAX (gaps->widest, pts - gaps->last);
  }
  gaps->last = pts;
  return GST_PAD_PROBE_OK;
}

/* Running time goes on over the change, on the same pads and in one file. */
static void
test_address_changes (void)
{
  CallFixture *f = call_fixture_new (2);
  gchar *file = call_fixture_path (f, "call.mkv");
  GstElement *callee = call_parse ("daosignaling name=c identity=%s "
      "auto-answer=true c.audio_src ! queue ! matroskamux name=mux ! "
      "filesink location=%s c.video_src ! queue ! mux. " AUDIO_IN VIDEO_IN,
      f->identity[1], file);
  GstElement *caller = call_parse ("daosignaling name=c identity=%s peer=%s "
      AUDIO_IN VIDEO_IN "c.audio_src ! fakesink async=false sync=false "
      "c.video_src ! fakesink async=false sync=false", f->identity[0],
      f->alias[1]);
  GstElement *call = gst_bin_get_by_name (GST_BIN (callee), "c");
  GstPad *pad = gst_element_get_static_pad (call, "audio_src");
  Gaps gaps = { 0, };
  guint i, video, audio, before;
  GstClockTime duration;

  gst_element_set_state (callee, GST_STATE_PLAYING);
  call_wait_online (callee, 10);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  gst_message_unref (call_wait_state (callee, "connected", 20));
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, measure_gap, &gaps, NULL);
  for (i = 0; i < 2; i++)
    gst_message_unref (call_wait_message (callee, "dao-call-stats", 5));

  ip ("addr add 10.99.0.2/24 dev dao0");
  ip ("addr del 10.99.0.1/24 dev dao0");
  before = gaps.frames;
  for (i = 0; i < 5; i++)
    gst_message_unref (call_wait_message (callee, "dao-call-stats", 5));
  g_test_message ("%u frames after the change, widest gap %" GST_TIME_FORMAT,
      gaps.frames - before, GST_TIME_ARGS (gaps.widest));
  g_assert_cmpuint (gaps.frames, >, before + 200);
  /* The old address goes when the new one is there: there is no outage, and the gap is less than a second. */
  g_assert_cmpuint (gaps.widest, <, GST_SECOND);

  gst_element_send_event (caller, gst_event_new_eos ());
  call_wait_eos (caller, 10);
  call_wait_eos (callee, 10);
  gst_object_unref (pad);
  gst_object_unref (call);
  call_stop (caller);
  call_stop (callee);
  call_probe_file (file, &video, &audio, &duration, NULL);
  g_test_message ("recorded %u pictures, %" GST_TIME_FORMAT, video,
      GST_TIME_ARGS (duration));
  g_assert_cmpuint (video, >, 130);
  g_assert_cmpuint (duration, >, 12 * GST_SECOND);
  g_assert_cmpuint (seal_watch_frames (), >, 1000);
  g_assert_cmpuint (seal_watch_repeats (), ==, 0);
  g_free (file);
  call_fixture_free (f);
}

int
main (int argc, char **argv)
{
  if (unshare (CLONE_NEWNET) != 0) {
    g_printerr ("network namespaces are not permitted here\n");
    return 1;
  }
  ip ("link set lo up");
  ip ("link add dao0 type veth peer name dao1");
  ip ("link set dao1 up");
  ip ("addr add 10.99.0.1/24 dev dao0");
  ip ("link set dao0 up");
  call_test_init (&argc, &argv);
  g_test_add_func ("/leg/address-changes", test_address_changes);
  return g_test_run ();
}
