/* gst-dao: whole calls between daocallsrc elements over the real relay
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "callfixture.h"

#define RAW_AUDIO "audiotestsrc is-live=true ! c.audio_sink "
#define RAW_VIDEO "videotestsrc is-live=true ! " \
    "video/x-raw,width=320,height=240,framerate=15/1 ! c.video_sink "

#define SINKS "c.audio_src ! fakesink async=false sync=false " \
    "c.video_src ! fakesink async=false sync=false "

static void
start_both (GstElement * callee, GstElement * caller)
{
  gst_element_set_state (callee, GST_STATE_PLAYING);
  g_usleep (500000);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  gst_message_unref (call_wait_state (caller, "connected", 20));
  gst_message_unref (call_wait_state (callee, "connected", 20));
}

/* the recorder of the design: nothing to send, so silence and black leave it */
static void
test_record (void)
{
  CallFixture *f = call_fixture_new (2);
  gchar *file = call_fixture_path (f, "call.mkv");
  GstElement *callee, *caller;
  guint video, audio, i;
  GstClockTime duration;
  gchar *caps;

  callee = call_parse ("daocallsrc name=c identity=%s auto-answer=true "
      "c.video_src ! queue ! mux.  "
      "c.audio_src ! queue ! matroskamux name=mux ! filesink location=%s",
      f->identity[1], file);
  caller = call_parse ("daocallsrc name=c identity=%s peer=%s " SINKS
      RAW_AUDIO RAW_VIDEO, f->identity[0], f->alias[1]);
  start_both (callee, caller);
  for (i = 0; i < 3; i++)
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
  g_test_add_func ("/callsrc/record", test_record);
  return g_test_run ();
}
