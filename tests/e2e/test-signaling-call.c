/* gst-dao: whole calls between two daosignaling elements over the real relay
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "callfixture.h"

#define AUDIO_IN "audiotestsrc is-live=true ! opusenc ! c.audio_sink "
#define VIDEO_IN "videotestsrc is-live=true ! " \
    "video/x-raw,width=320,height=240,framerate=15/1 ! vp8enc deadline=1 " \
    "cpu-used=8 keyframe-max-dist=30 ! c.video_sink "

static GstElement *
make_caller (CallFixture * f, const gchar * media)
{
  return call_parse ("daosignaling name=c identity=%s peer=%s "
      "%s c.audio_src ! fakesink async=false sync=false "
      "c.video_src ! fakesink async=false sync=false", f->identity[0],
      f->alias[1], media);
}

static void
test_record_call (void)
{
  CallFixture *f = call_fixture_new (2);
  gchar *file = call_fixture_path (f, "call.mkv");
  GstElement *callee, *caller;
  guint video, audio;
  GstClockTime duration;
  gchar *caps;

  callee = call_parse ("daosignaling name=c identity=%s auto-answer=true "
      "c.audio_src ! queue ! matroskamux name=mux ! filesink location=%s "
      "c.video_src ! queue ! mux. " AUDIO_IN VIDEO_IN, f->identity[1], file);
  caller = make_caller (f, AUDIO_IN VIDEO_IN);
  gst_element_set_state (callee, GST_STATE_PLAYING);
  g_usleep (500000);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  gst_message_unref (call_wait_state (caller, "connected", 20));
  gst_message_unref (call_wait_state (callee, "connected", 20));
  gst_message_unref (call_wait_message (callee, "dao-call-stats", 5));
  gst_message_unref (call_wait_message (callee, "dao-call-stats", 5));
  gst_message_unref (call_wait_message (callee, "dao-call-stats", 5));
  gst_element_send_event (caller, gst_event_new_eos ());
  call_wait_eos (caller, 10);
  call_wait_eos (callee, 10);
  call_stop (caller);
  call_stop (callee);
  call_probe_file (file, &video, &audio, &duration, &caps);
  g_test_message ("%u video and %u audio frames, %" GST_TIME_FORMAT ", %s",
      video, audio, GST_TIME_ARGS (duration), caps);
  g_assert_cmpuint (video, >, 30);
  g_assert_cmpuint (audio, >, 100);
  g_free (caps);
  g_free (file);
  call_fixture_free (f);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/call/record", test_record_call);
  return g_test_run ();
}
