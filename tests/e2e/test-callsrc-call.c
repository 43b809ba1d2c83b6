/* gst-dao: whole calls between daocallsrc elements over the real relay
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "callfixture.h"

#include <signal.h>
#include <string.h>

#define RAW_AUDIO "audiotestsrc is-live=true ! c.audio_sink "
#define RAW_VIDEO "videotestsrc is-live=true ! " \
    "video/x-raw,width=320,height=240,framerate=15/1 ! c.video_sink "
/* ANY downstream: decoded */
#define SINKS "c.audio_src ! fakesink name=a async=false sync=false " \
    "c.video_src ! fakesink name=v async=false sync=false "
#define RECORDER "c.video_src ! queue ! mux.  " \
    "c.audio_src ! queue ! matroskamux name=mux ! filesink location=%s "

/* The callee must be logged in before the caller's 15 s begin. */
static void
wait_online (void)
{
  g_usleep (500000);
}

static void
start_both (GstElement * callee, GstElement * caller)
{
  gst_element_set_state (callee, GST_STATE_PLAYING);
  wait_online ();
  gst_element_set_state (caller, GST_STATE_PLAYING);
  gst_message_unref (call_wait_state (caller, "connected", 20));
  gst_message_unref (call_wait_state (callee, "connected", 20));
}

static void
talk (GstElement * pipeline, guint reports)
{
  while (reports-- > 0)
    gst_message_unref (call_wait_message (pipeline, "dao-call-stats", 5));
}

static gboolean
has_field (GstMessage * message, const gchar * field)
{
  gboolean value = FALSE;

  gst_structure_get_boolean (gst_message_get_structure (message), field,
      &value);
  gst_message_unref (message);
  return value;
}

/* The recorder of the design: nothing to send, so silence and black leave it. It goes
 * on for 22 s, because peers end a call after 15 s without media. */
static void
test_record (void)
{
  CallFixture *f = call_fixture_new (2);
  gchar *file = call_fixture_path (f, "call.mkv");
  GstElement *callee, *caller;
  GstClockTime duration;
  guint video, audio;

  callee = call_parse ("daocallsrc name=c identity=%s auto-answer=true "
      RECORDER, f->identity[1], file);
  caller = call_parse ("daocallsrc name=c identity=%s peer=%s " SINKS
      RAW_AUDIO RAW_VIDEO, f->identity[0], f->alias[1]);
  start_both (callee, caller);
  talk (callee, 11);
  gst_element_send_event (caller, gst_event_new_eos ());
  call_wait_eos (caller, 10);
  call_wait_eos (callee, 10);
  call_stop (caller);
  call_stop (callee);
  call_probe_file (file, &video, &audio, &duration, NULL);
  g_assert_cmpuint (video, >, 280);
  g_assert_cmpuint (audio, >, 950);
  g_assert_cmpuint (duration, >, 20 * GST_SECOND);
  g_free (file);
  call_fixture_free (f);
}

static void
count_sample (GstElement * sink, GstBuffer * buffer, GstPad * pad, gint * n)
{
  GstCaps *caps = gst_pad_get_current_caps (pad);

  if (gst_structure_has_name (gst_caps_get_structure (caps, 0),
          GST_OBJECT_NAME (sink)[0] == 'a' ? "audio/x-raw" : "video/x-raw"))
    g_atomic_int_inc (n);
  gst_caps_unref (caps);
}

static void
count_raw (GstElement * pipeline, const gchar * name, gint * n)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), name);

  g_object_set (sink, "signal-handoffs", TRUE, NULL);
  g_signal_connect (sink, "handoff", G_CALLBACK (count_sample), n);
  gst_object_unref (sink);
}

/* Audio and video at the callee, then at the caller: a second of each or more. */
static const gint enough_raw[] = { 100, 25, 100, 25 };

static void
wait_for_raw (gint * n)
{
  gint64 deadline = g_get_monotonic_time () + 30 * G_TIME_SPAN_SECOND;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (enough_raw); i++) {
    while (g_atomic_int_get (&n[i]) <= enough_raw[i]
        && g_get_monotonic_time () < deadline)
      g_usleep (10000);
    g_assert_cmpint (g_atomic_int_get (&n[i]), >, enough_raw[i]);
  }
}

/* both sides raw in and out; the callee hangs up */
static void
call_raw (const gchar * options, gboolean e2ee)
{
  CallFixture *f = call_fixture_new (2);
  gint n[4] = { 0, };
  GstElement *callee, *caller;
  GstElement *c;
  gboolean done;

  callee = call_parse ("daocallsrc name=c identity=%s auto-answer=true %s "
      SINKS RAW_AUDIO RAW_VIDEO, f->identity[1], options);
  caller = call_parse ("daocallsrc name=c identity=%s peer=%s %s " SINKS
      RAW_AUDIO RAW_VIDEO, f->identity[0], f->alias[1], options);
  count_raw (callee, "a", &n[0]);
  count_raw (callee, "v", &n[1]);
  count_raw (caller, "a", &n[2]);
  count_raw (caller, "v", &n[3]);
  start_both (callee, caller);
  talk (callee, 1);
  wait_for_raw (n);
  c = gst_bin_get_by_name (GST_BIN (callee), "c");
  g_signal_emit_by_name (c, "hangup", &done);
  gst_object_unref (c);
  g_assert_cmpint (has_field (call_wait_message (caller, "dao-call-ended",
              10), "e2ee"), ==, e2ee);
  call_wait_eos (callee, 10);
  call_wait_eos (caller, 10);
  call_stop (caller);
  call_stop (callee);
  call_fixture_free (f);
}

static void
test_raw (void)
{
  call_raw ("", TRUE);
}

static void
test_raw_vp9 (void)
{
  call_raw ("video-codec=vp9", TRUE);
}

static void
test_raw_without_e2ee (void)
{
  call_raw ("e2ee=off", FALSE);
}

/* no video in the call: the recorder's video pad ends, and the file is finished */
static void
test_audio_only (void)
{
  CallFixture *f = call_fixture_new (2);
  gchar *file = call_fixture_path (f, "call.mkv");
  GstElement *callee, *caller, *probe;

  callee = call_parse ("daocallsrc name=c identity=%s auto-answer=true "
      RECORDER, f->identity[1], file);
  caller = call_parse ("daocallsrc name=c identity=%s peer=%s "
      "c.audio_src ! fakesink async=false " RAW_AUDIO, f->identity[0],
      f->alias[1]);
  gst_element_set_state (callee, GST_STATE_PLAYING);
  wait_online ();
  gst_element_set_state (caller, GST_STATE_PLAYING);
  g_assert_false (has_field (call_wait_state (caller, "connected", 20),
          "is-video"));
  talk (callee, 2);
  gst_element_send_event (callee, gst_event_new_eos ());
  call_wait_eos (callee, 10);
  call_wait_eos (caller, 10);
  call_stop (caller);
  call_stop (callee);
  probe = call_parse ("filesrc location=%s ! matroskademux ! audio/x-opus ! "
      "fakesink", file);
  gst_element_set_state (probe, GST_STATE_PLAYING);
  call_wait_eos (probe, 10);
  call_stop (probe);
  g_free (file);
  call_fixture_free (f);
}

/* A file is held until the call is connected and then played from its start, in
 * step with the clock; when it ends, the call does, too. */
static void
test_file (void)
{
  CallFixture *f = call_fixture_new (2);
  gchar *sent = call_fixture_path (f, "sent.mkv");
  gchar *recorded = call_fixture_path (f, "call.mkv");
  GstElement *writer = call_parse ("matroskamux name=mux ! filesink "
      "location=%s  videotestsrc num-buffers=60 ! video/x-raw,width=320,"
      "height=240,framerate=20/1 ! vp8enc deadline=1 ! mux. audiotestsrc "
      "num-buffers=150 samplesperbuffer=960 ! audio/x-raw,rate=48000 ! "
      "opusenc ! mux.", sent);
  GstElement *callee = call_parse ("daocallsrc name=c identity=%s "
      "auto-answer=true c.video_src ! queue ! mux. c.audio_src ! queue ! "
      "matroskamux name=mux ! filesink location=%s", f->identity[1], recorded);
  GstElement *caller = call_parse ("daocallsrc name=c identity=%s peer=%s "
      "filesrc location=%s ! matroskademux name=d  d.video_0 ! queue ! "
      "c.video_sink  d.audio_0 ! queue ! c.audio_sink", f->identity[0],
      f->alias[1], sent);
  guint video, audio;
  GstClockTime duration;

  gst_element_set_state (writer, GST_STATE_PLAYING);
  call_wait_eos (writer, 30);
  call_stop (writer);
  gst_element_set_state (callee, GST_STATE_PLAYING);
  call_wait_online (callee, 10);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  call_wait_eos (caller, 20);
  call_wait_eos (callee, 10);
  call_stop (caller);
  call_stop (callee);
  call_probe_file (recorded, &video, &audio, &duration, NULL);
  g_test_message ("%u video frames, %u audio frames", video, audio);
  g_assert_cmpuint (video, ==, 60);
  g_assert_cmpuint (audio, >=, 149);
  g_assert_cmpuint (duration, >, 2700 * GST_MSECOND);
  g_assert_cmpuint (duration, <, 3300 * GST_MSECOND);
  g_free (sent);
  g_free (recorded);
  call_fixture_free (f);
}

/* Peer connections end on a worker, a moment later. Idle threads of pools come and go. */
static void
assert_settles (guint (*count) (void), guint limit)
{
  gint64 deadline = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;

  while (count () > limit && g_get_monotonic_time () < deadline) {
    g_thread_pool_stop_unused_threads ();
    g_usleep (100000);
  }
  g_assert_cmpuint (count (), <=, limit);
}

/* READY and PLAYING again is the next call, 20 times, and nothing is left of the one before. */
static void
test_again (void)
{
  CallFixture *f = call_fixture_new (2);
  GstElement *ends[2];
  guint i, k, threads = 0, fds = 0, pads[2] = { 0, 0 };

  ends[0] = call_parse ("daocallsrc name=c identity=%s auto-answer=true " SINKS
      RAW_AUDIO, f->identity[1]);
  ends[1] = call_parse ("daocallsrc name=c identity=%s peer=%s " SINKS
      RAW_AUDIO RAW_VIDEO, f->identity[0], f->alias[1]);
  for (i = 0; i < 20; i++) {
    start_both (ends[0], ends[1]);
    if (i < 2)
      talk (ends[1], 1);
    gst_element_send_event (ends[i % 2], gst_event_new_eos ());
    for (k = 0; k < 2; k++)
      call_wait_eos (ends[1 - k], 10);
    for (k = 0; k < 2; k++)
      gst_element_set_state (ends[1 - k], GST_STATE_READY);
    if (i == 1) {
      /* The first calls make what the process keeps. */
      g_usleep (2 * G_USEC_PER_SEC);
      g_thread_pool_stop_unused_threads ();
      g_usleep (G_USEC_PER_SEC / 2);
      threads = call_count_threads ();
      fds = call_count_fds ();
      for (k = 0; k < 2; k++)
        pads[k] = call_count_pads (ends[k]);
    }
  }
  assert_settles (call_count_threads, threads);
  assert_settles (call_count_fds, fds);
  for (k = 0; k < 2; k++) {
    g_assert_cmpuint (call_count_pads (ends[k]), ==, pads[k]);
    call_stop (ends[k]);
  }
  call_fixture_free (f);
}

/* --- gst-launch-1.0 --- */

/* The system's does not load plugins built with AddressSanitizer. */
#ifdef __SANITIZE_ADDRESS__
#define CAN_LAUNCH FALSE
#else
#define CAN_LAUNCH TRUE
#endif

/* @log: a file that gets its bus messages */
static GSubprocess *
launch (const gchar * log, const gchar * format, ...)
{
  GError *error = NULL;
  GSubprocess *process;
  va_list args;
  gchar *line, *command;

  va_start (args, format);
  line = g_strdup_vprintf (format, args);
  va_end (args);
  command = g_strdup_printf ("exec gst-launch-1.0 -m -e %s > %s", line, log);
  process = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, "/bin/sh",
      "-c", command, NULL);
  g_assert_no_error (error);
  g_free (command);
  g_free (line);
  return process;
}

/* Waits for @n reports of a connected call, one every 2 s. */
static void
wait_reports (const gchar * log, guint n)
{
  gint64 end = g_get_monotonic_time () + 40 * G_TIME_SPAN_SECOND;
  guint found = 0;

  while (found < n) {
    gchar *text = NULL, *at;

    g_assert_cmpint (g_get_monotonic_time (), <, end);
    g_usleep (100000);
    g_file_get_contents (log, &text, NULL, NULL);
    found = 0;
    for (at = text; at && (at = strstr (at, "dao-call-stats")); at++)
      found++;
    g_free (text);
  }
}

/* Until it is removed, as it always is: the process may have been killed by another hand. */
static gboolean
on_late (gpointer process)
{
  g_subprocess_send_signal (process, SIGKILL);
  return G_SOURCE_CONTINUE;
}

static void
on_exited (GObject * process, GAsyncResult * result, gpointer done)
{
  g_subprocess_wait_finish (G_SUBPROCESS (process), result, NULL);
  *(gboolean *) done = TRUE;
}

/* TRUE: it ended by itself, and well */
static gboolean
wait_exit (GSubprocess * process, guint seconds)
{
  guint timeout = g_timeout_add_seconds (seconds, on_late, process);
  gboolean done = FALSE, well;

  g_subprocess_wait_async (process, NULL, on_exited, &done);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
  well = g_subprocess_get_if_exited (process)
      && g_subprocess_get_exit_status (process) == 0;
  g_source_remove (timeout);
  g_object_unref (process);
  return well;
}

typedef enum
{ CTRL_C, PEER_HANGS_UP, PEER_IS_KILLED } End;

/* A preview of what is sent, and a second file of it */
#define TEES "audiotestsrc is-live=true ! tee name=t  t. ! queue ! c.audio_sink " \
    "t. ! queue ! fakesink  videotestsrc is-live=true ! " \
    "video/x-raw,width=320,height=240,framerate=15/1 ! tee name=s " \
    "s. ! queue ! c.video_sink  s. ! queue ! fakesink " \
    "s. ! queue ! jpegenc ! avimux ! filesink location=%s "

typedef struct
{
  gchar *file, *log;
  GSubprocess *recorder, *caller;
} Recording;

/* Of a call between two accounts, the first of which is @account.
 * @other_sinks: other chains of the line, after properties of daocallsrc if any */
static void
start_recording (CallFixture * f, Recording * r, guint account,
    const gchar * other_sinks)
{
  gchar *name = g_strdup_printf ("call%u.mkv", account);

  r->file = call_fixture_path (f, name);
  r->log = g_strconcat (r->file, ".log", NULL);
  r->recorder = launch (r->log, "daocallsrc name=c identity=%s "
      "auto-answer=true %s " RECORDER, f->identity[account + 1], other_sinks,
      r->file);
  wait_online ();
  r->caller = launch ("/dev/null", "daocallsrc name=c identity=%s peer=%s "
      SINKS RAW_AUDIO RAW_VIDEO, f->identity[account], f->alias[account + 1]);
  g_free (name);
}

static void
end_recording (Recording * r, End end)
{
  if (end == CTRL_C)
    g_subprocess_send_signal (r->recorder, SIGINT);
  else
    g_subprocess_send_signal (r->caller, end == PEER_IS_KILLED ? SIGKILL :
        SIGINT);
}

static void
finish_recording (Recording * r, End end)
{
  GstClockTime duration;
  guint video, audio;

  /* a peer that is killed is missed after 15 s without media */
  g_assert_true (wait_exit (r->recorder, end == PEER_IS_KILLED ? 40 : 10));
  g_assert_cmpint (wait_exit (r->caller, 10), ==, end != PEER_IS_KILLED);
  call_probe_file (r->file, &video, &audio, &duration, NULL);
  g_test_message ("%u video, %u audio, %" GST_TIME_FORMAT, video, audio,
      GST_TIME_ARGS (duration));
  g_assert_cmpuint (video, >, 30);
  g_assert_cmpuint (audio, >, 100);
  g_assert_cmpuint (duration, >, 2 * GST_SECOND);
  g_free (r->log);
  g_free (r->file);
}

static void
record_by_launch (End end, const gchar * other_sinks)
{
  CallFixture *f = call_fixture_new (2);
  Recording r;

  start_recording (f, &r, 0, other_sinks);
  wait_reports (r.log, 2);
  end_recording (&r, end);
  finish_recording (&r, end);
  call_fixture_free (f);
}

static void
test_launch_ctrl_c (void)
{
  record_by_launch (CTRL_C, "");
}

static void
test_launch_peer_hangs_up (void)
{
  record_by_launch (PEER_HANGS_UP, "");
}

/* AVI ends with its index. */
static void
assert_preview_finished (const gchar * path)
{
  gchar *data;
  gsize size, i;
  gboolean found = FALSE;

  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  for (i = 0; i + 4 < size; i++)
    found |= memcmp (data + i, "idx1", 4) == 0;
  g_assert_true (found);
  g_free (data);
}

/* The other sinks end with the call because their source does. */
static void
test_launch_peer_hangs_up_tee (void)
{
  CallFixture *f = call_fixture_new (2);
  gchar *preview = call_fixture_path (f, "preview.avi");
  gchar *tees = g_strdup_printf (TEES, preview);
  Recording r;

  start_recording (f, &r, 0, tees);
  wait_reports (r.log, 2);
  end_recording (&r, PEER_HANGS_UP);
  finish_recording (&r, PEER_HANGS_UP);
  assert_preview_finished (preview);
  g_free (tees);
  g_free (preview);
  call_fixture_free (f);
}

/* At once without and with other sinks: it is a long wait. */
static void
test_launch_peer_killed (void)
{
  CallFixture *f = call_fixture_new (4);
  gchar *preview = call_fixture_path (f, "preview.avi");
  gchar *tees = g_strdup_printf (TEES, preview);
  Recording r[2];
  guint i;

  start_recording (f, &r[0], 0, "");
  start_recording (f, &r[1], 2, tees);
  for (i = 0; i < 2; i++)
    wait_reports (r[i].log, 2);
  for (i = 0; i < 2; i++)
    end_recording (&r[i], PEER_IS_KILLED);
  for (i = 0; i < 2; i++)
    finish_recording (&r[i], PEER_IS_KILLED);
  assert_preview_finished (preview);
  g_free (tees);
  g_free (preview);
  call_fixture_free (f);
}

/* They have nothing to do with the call. */
static void
test_launch_with_other_sinks (void)
{
  record_by_launch (CTRL_C, "videotestsrc is-live=true ! fakesink ");
}

static void
test_launch_end_pipeline (void)
{
  record_by_launch (PEER_HANGS_UP,
      "end-pipeline=true videotestsrc is-live=true ! fakesink "
      "audiotestsrc ! fakesink sync=true ");
}

int
main (int argc, char **argv)
{
  call_test_init (&argc, &argv);
  g_test_add_func ("/callsrc/record", test_record);
  g_test_add_func ("/callsrc/raw", test_raw);
  g_test_add_func ("/callsrc/raw-vp9", test_raw_vp9);
  g_test_add_func ("/callsrc/raw-without-e2ee", test_raw_without_e2ee);
  g_test_add_func ("/callsrc/audio-only", test_audio_only);
  g_test_add_func ("/callsrc/file", test_file);
  g_test_add_func ("/callsrc/again", test_again);
  if (CAN_LAUNCH) {
    g_test_add_func ("/callsrc/launch/ctrl-c", test_launch_ctrl_c);
    g_test_add_func ("/callsrc/launch/peer-hangs-up",
        test_launch_peer_hangs_up);
    g_test_add_func ("/callsrc/launch/peer-hangs-up-tee",
        test_launch_peer_hangs_up_tee);
    g_test_add_func ("/callsrc/launch/peer-killed", test_launch_peer_killed);
    g_test_add_func ("/callsrc/launch/other-sinks",
        test_launch_with_other_sinks);
    g_test_add_func ("/callsrc/launch/end-pipeline", test_launch_end_pipeline);
  }
  return g_test_run ();
}
