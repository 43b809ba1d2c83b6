/* gst-dao: whole calls between two daosignaling elements over the real relay
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "callfixture.h"
#include "dao-account.h"
#include "dao-contacts.h"

#include <string.h>

#define AUDIO_IN "audiotestsrc is-live=true ! opusenc ! c.audio_sink "
#define VIDEO_IN "videotestsrc is-live=true ! " \
    "video/x-raw,width=320,height=240,framerate=15/1 ! vp8enc deadline=1 " \
    "cpu-used=8 keyframe-max-dist=30 ! c.video_sink "

/* With a preview, which only the end of its source can end */
#define AUDIO_TEE "audiotestsrc is-live=true ! opusenc ! tee name=t " \
    "t. ! queue ! c.audio_sink  t. ! queue ! fakesink async=false "

#define SINKS " c.audio_src ! fakesink async=false sync=false " \
    "c.video_src ! fakesink async=false sync=false "

/* @options: further properties; @media: launch text of local media */
static GstElement *
make_end (CallFixture * f, guint account, const gchar * options,
    const gchar * media)
{
  return call_parse ("daosignaling name=c identity=%s %s %s " SINKS,
      f->identity[account], options, media);
}

static GstElement *
make_caller (CallFixture * f, guint account, guint peer, const gchar * media)
{
  gchar *options = g_strdup_printf ("peer=%s", f->alias[peer]);
  GstElement *pipeline = make_end (f, account, options, media);

  g_free (options);
  return pipeline;
}

/* Plays and waits until a call would reach it. */
static void
play_callee (GstElement * callee)
{
  gst_element_set_state (callee, GST_STATE_PLAYING);
  call_wait_online (callee, 10);
}

static GstElement *
get_call (GstElement * pipeline)
{
  return gst_bin_get_by_name (GST_BIN (pipeline), "c");
}

static void
act (GstElement * pipeline, const gchar * action)
{
  GstElement *call = get_call (pipeline);
  gboolean ok = FALSE;

  g_signal_emit_by_name (call, action, &ok);
  g_assert_true (ok);
  gst_object_unref (call);
}

static void
assert_field (GstMessage * message, const gchar * field, const gchar * want)
{
  const GValue *value =
      gst_structure_get_value (gst_message_get_structure (message), field);
  gchar *text = gst_value_serialize (value);

  g_assert_cmpstr (text, ==, want);
  g_free (text);
}

/* --- good days --- */

static void
test_record_call (void)
{
  CallFixture *f = call_fixture_new (2);
  gchar *file = call_fixture_path (f, "call.mkv");
  GstElement *callee, *caller;
  GstMessage *ended;
  guint video, audio;
  GstClockTime duration;
  gchar *caps;
  guint i;

  callee = call_parse ("daosignaling name=c identity=%s auto-answer=true "
      "c.audio_src ! queue ! matroskamux name=mux ! filesink location=%s "
      "c.video_src ! queue ! mux. " AUDIO_IN VIDEO_IN, f->identity[1], file);
  caller = make_caller (f, 0, 1, AUDIO_IN VIDEO_IN);
  play_callee (callee);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  gst_message_unref (call_wait_state (caller, "connected", 20));
  gst_message_unref (call_wait_state (callee, "connected", 20));
  for (i = 0; i < 3; i++)
    gst_message_unref (call_wait_message (callee, "dao-call-stats", 5));
  gst_element_send_event (caller, gst_event_new_eos ());
  ended = call_wait_message (caller, "dao-call-ended", 5);
  assert_field (ended, "reason", "local-hangup");
  assert_field (ended, "e2ee", "true");
  gst_message_unref (ended);
  call_wait_eos (caller, 10);
  ended = call_wait_message (callee, "dao-call-ended", 5);
  assert_field (ended, "reason", "remote-hangup");
  assert_field (ended, "e2ee", "true");
  gst_message_unref (ended);
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

typedef struct
{
  gint in_null;                 /* atomic */
  gint late;                    /* atomic: notifications since then */
} Silence;

static void
on_notify (GObject * call, GParamSpec * pspec, gpointer user_data)
{
  Silence *silence = user_data;

  if (g_atomic_int_get (&silence->in_null))
    g_atomic_int_inc (&silence->late);
}

/* The application drops what its handlers use once the element is in NULL, while the hangup is still on its way. */
static void
test_guard_silent_in_null (void)
{
  CallFixture *f = call_fixture_new (2);
  Silence silence = { 0, };
  guint i;

  for (i = 0; i < 20; i++) {
    GstElement *callee = make_end (f, 1, "", AUDIO_IN);
    GstElement *caller = make_caller (f, 0, 1, AUDIO_IN);
    GstElement *call = get_call (caller);

    play_callee (callee);
    g_signal_connect (call, "notify", G_CALLBACK (on_notify), &silence);
    gst_element_set_state (caller, GST_STATE_PLAYING);
    gst_message_unref (call_wait_message (callee, "dao-incoming-call", 10));
    /* as a program does that ends */
    gst_element_set_state (caller, GST_STATE_NULL);
    g_atomic_int_set (&silence.in_null, TRUE);
    gst_object_unref (caller);
    gst_message_unref (call_wait_state (callee, "hangup", 10));
    g_assert_cmpint (g_atomic_int_get (&silence.late), ==, 0);
    g_signal_handlers_disconnect_by_data (call, &silence);
    g_atomic_int_set (&silence.in_null, FALSE);
    gst_object_unref (call);
    call_stop (callee);
  }
  call_fixture_free (f);
}

static gint
is_of_factory (gconstpointer item, gconstpointer name)
{
  GstElementFactory *factory =
      gst_element_get_factory (g_value_get_object (item));

  return factory && g_str_equal (GST_OBJECT_NAME (factory), name) ? 0 : 1;
}

/* (transfer full) */
static GstElement *
find_element (GstElement * pipeline, const gchar * factory)
{
  GstIterator *it = gst_bin_iterate_recurse (GST_BIN (pipeline));
  GValue item = G_VALUE_INIT;
  GstElement *element;

  g_assert_true (gst_iterator_find_custom (it, is_of_factory, &item,
          (gpointer) factory));
  element = g_value_dup_object (&item);
  g_value_unset (&item);
  gst_iterator_free (it);
  return element;
}

/* A peer connection leaves the element before it has stopped, and what still runs in it needs its clock. */
static void
test_guard_clock_to_the_end (void)
{
  CallFixture *f = call_fixture_new (2);
  GstElement *callee = make_end (f, 1, "auto-answer=true", AUDIO_IN);
  GstElement *caller = make_caller (f, 0, 1, AUDIO_IN);
  GstElement *session, *webrtc;
  GstObject *leg;
  GstClock *clock;

  play_callee (callee);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  gst_message_unref (call_wait_state (caller, "connected", 20));
  session = find_element (caller, "rtpsession");
  webrtc = find_element (caller, "webrtcbin");
  /* so that it is not taken apart */
  leg = gst_object_get_parent (GST_OBJECT (webrtc));
  act (caller, "hangup");
  call_wait_eos (caller, 10);
  clock = gst_element_get_clock (session);
  g_assert_nonnull (clock);
  gst_object_unref (clock);
  gst_object_unref (session);
  call_stop (caller);
  gst_element_set_state (GST_ELEMENT (leg), GST_STATE_NULL);
  gst_object_unref (webrtc);
  gst_object_unref (leg);
  call_stop (callee);
  call_fixture_free (f);
}

static void
test_audio_only (void)
{
  CallFixture *f = call_fixture_new (2);
  GstElement *callee = make_end (f, 1, "auto-answer=true", AUDIO_TEE);
  GstElement *caller = make_caller (f, 0, 1, AUDIO_TEE);
  GstElement *call = get_call (callee);
  GstMessage *state;
  gboolean is_video = TRUE;

  play_callee (callee);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  state = call_wait_state (callee, "connected", 20);
  assert_field (state, "is-video", "false");
  gst_message_unref (state);
  g_object_get (call, "is-video", &is_video, NULL);
  g_assert_false (is_video);
  gst_message_unref (call_wait_message (caller, "dao-call-stats", 5));
  act (callee, "hangup");
  call_wait_eos (callee, 10);
  call_wait_eos (caller, 10);
  gst_object_unref (call);
  call_stop (caller);
  call_stop (callee);
  call_fixture_free (f);
}

static void
test_plain_call (void)
{
  CallFixture *f = call_fixture_new (2);
  GstElement *callee = make_end (f, 1, "auto-answer=true e2ee=off",
      AUDIO_IN VIDEO_IN);
  GstElement *caller = make_caller (f, 0, 1, AUDIO_IN VIDEO_IN);
  GstElement *call = get_call (callee);
  GstMessage *state;
  GstStructure *stats = NULL;
  guint64 audio = 0, video = 0;

  play_callee (callee);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  state = call_wait_state (callee, "connected", 20);
  gst_message_unref (state);
  gst_message_unref (call_wait_message (callee, "dao-call-stats", 5));
  gst_message_unref (call_wait_message (callee, "dao-call-stats", 5));
  g_object_get (call, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "frames-received-audio",
          &audio));
  g_assert_true (gst_structure_get_uint64 (stats, "frames-received-video",
          &video));
  gst_structure_free (stats);
  g_assert_cmpuint (audio, >, 20);
  g_assert_cmpuint (video, >, 5);
  act (caller, "hangup");
  state = call_wait_message (caller, "dao-call-ended", 5);
  assert_field (state, "e2ee", "false");
  gst_message_unref (state);
  call_wait_eos (callee, 10);
  gst_object_unref (call);
  call_stop (caller);
  call_stop (callee);
  call_fixture_free (f);
}

static void
on_incoming (GstElement * call, const gchar * peer, gboolean is_video,
    gpointer action)
{
  gboolean ok;

  g_assert_true (is_video);
  g_signal_emit_by_name (call, action, &ok);
}

static void
test_answer_by_signal (void)
{
  CallFixture *f = call_fixture_new (2);
  GstElement *callee = make_end (f, 1, "", AUDIO_IN VIDEO_IN);
  GstElement *caller = make_caller (f, 0, 1, AUDIO_IN VIDEO_IN);
  GstElement *call = get_call (callee);

  g_signal_connect (call, "incoming-call", G_CALLBACK (on_incoming),
      (gpointer) "answer");
  play_callee (callee);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  gst_message_unref (call_wait_message (callee, "dao-incoming-call", 10));
  gst_message_unref (call_wait_state (callee, "connected", 20));
  gst_message_unref (call_wait_state (caller, "connected", 20));
  gst_element_send_event (callee, gst_event_new_eos ());
  call_wait_eos (callee, 10);
  call_wait_eos (caller, 10);
  gst_object_unref (call);
  call_stop (caller);
  call_stop (callee);
  call_fixture_free (f);
}

static guint64
count_video (GstElement * pipeline)
{
  GstMessage *stats = call_wait_message (pipeline, "dao-call-stats", 5);
  guint64 video = 0;

  gst_structure_get_uint64 (gst_message_get_structure (stats),
      "frames-received-video", &video);
  gst_message_unref (stats);
  return video;
}

static void
wait_video (GstElement * pipeline)
{
  guint tries;

  for (tries = 0; tries < 6; tries++)
    if (count_video (pipeline) >= 10)
      return;
  g_error ("no video");
}

/* An audio call becomes a video call, asked for by either side. Who did not ask sees
 * the other's picture, but its own is not switched on from afar. */
static void
test_add_video (gconstpointer by_callee)
{
  CallFixture *f = call_fixture_new (2);
  GstElement *callee = make_end (f, 1, "auto-answer=true", AUDIO_IN VIDEO_IN);
  GstElement *caller = make_end (f, 0, "", AUDIO_IN VIDEO_IN);
  GstElement *call = get_call (caller);
  GstElement *asking, *other;
  gboolean ok;

  play_callee (callee);
  play_callee (caller);
  g_signal_emit_by_name (call, "call", f->alias[1], TRUE, FALSE, &ok);
  gst_message_unref (call_wait_state (callee, "connected", 20));
  gst_message_unref (call_wait_message (caller, "dao-call-stats", 5));
  asking = GPOINTER_TO_INT (by_callee) ? callee : caller;
  other = GPOINTER_TO_INT (by_callee) ? caller : callee;
  act (asking, "add-video");
  wait_video (other);
  count_video (asking);
  g_assert_cmpuint (count_video (asking), ==, 0);
  act (other, "add-video");
  wait_video (asking);
  act (caller, "hangup");
  call_wait_eos (callee, 10);
  gst_object_unref (call);
  call_stop (caller);
  call_stop (callee);
  call_fixture_free (f);
}

/* A video call whose video never comes: the sound is recorded, and the end is told. */
static void
test_record_without_video (void)
{
  CallFixture *f = call_fixture_new (2);
  gchar *file = call_fixture_path (f, "call.mkv");
  GstElement *callee = call_parse ("daosignaling name=c identity=%s "
      "auto-answer=true c.audio_src ! queue ! matroskamux name=mux ! "
      "filesink location=%s c.video_src ! queue ! mux. " AUDIO_IN,
      f->identity[1], file);
  GstElement *caller = make_caller (f, 0, 1, AUDIO_IN "videotestsrc "
      "is-live=true ! vp8enc deadline=1 ! valve drop=true ! c.video_sink ");
  GstElement *probe;

  play_callee (callee);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  gst_message_unref (call_wait_state (callee, "connected", 20));
  gst_message_unref (call_wait_message (callee, "dao-call-stats", 5));
  gst_message_unref (call_wait_message (callee, "dao-call-stats", 5));
  gst_message_unref (call_wait_message (callee, "dao-call-stats", 5));
  act (callee, "hangup");
  call_wait_eos (callee, 10);
  call_wait_eos (caller, 10);
  call_stop (caller);
  call_stop (callee);
  probe = call_parse ("filesrc location=%s ! matroskademux ! opusdec ! "
      "fakesink sync=false", file);
  gst_element_set_state (probe, GST_STATE_PLAYING);
  call_wait_eos (probe, 10);
  call_stop (probe);
  g_free (file);
  call_fixture_free (f);
}

static GstPadProbeReturn
measure_lateness (GstPad * pad, GstPadProbeInfo * info, gpointer late)
{
  GstElement *element = gst_pad_get_parent_element (pad);

  *(GstClockTimeDiff *) late =
      GST_CLOCK_DIFF (GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info)),
      gst_element_get_current_running_time (element));
  gst_object_unref (element);
  return GST_PAD_PROBE_OK;
}

/* A pause does not shift the times of what is received. */
static void
test_pause (void)
{
  CallFixture *f = call_fixture_new (2);
  GstElement *callee = make_end (f, 1, "auto-answer=true", AUDIO_IN);
  GstElement *caller = make_caller (f, 0, 1, AUDIO_IN);
  GstElement *call = get_call (callee);
  GstPad *pad = gst_element_get_static_pad (call, "audio_src");
  GstClockTimeDiff late = G_MAXINT64;

  play_callee (callee);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  gst_message_unref (call_wait_state (callee, "connected", 20));
  gst_message_unref (call_wait_message (callee, "dao-call-stats", 5));
  gst_element_set_state (callee, GST_STATE_PAUSED);
  g_usleep (2 * G_USEC_PER_SEC);
  gst_element_set_state (callee, GST_STATE_PLAYING);
  gst_message_unref (call_wait_message (callee, "dao-call-stats", 5));
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, measure_lateness, &late,
      NULL);
  gst_message_unref (call_wait_message (callee, "dao-call-stats", 5));
  g_assert_cmpint (ABS (late), <, GST_SECOND);
  act (caller, "hangup");
  call_wait_eos (callee, 10);
  gst_object_unref (pad);
  gst_object_unref (call);
  call_stop (caller);
  call_stop (callee);
  call_fixture_free (f);
}

/* --- calls that do not come about --- */

static void
expect_error (GstElement * caller, guint seconds, const gchar * reason)
{
  gchar *text = call_wait_error (caller, seconds);

  g_test_message ("%s", text);
  g_assert_nonnull (strstr (text, reason));
  g_free (text);
}

static void
test_rejected (void)
{
  CallFixture *f = call_fixture_new (2);
  GstElement *callee = make_end (f, 1, "", AUDIO_IN VIDEO_IN);
  GstElement *caller = make_caller (f, 0, 1, AUDIO_IN VIDEO_IN);
  GstElement *call = get_call (callee);

  g_signal_connect (call, "incoming-call", G_CALLBACK (on_incoming),
      (gpointer) "reject");
  play_callee (callee);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  expect_error (caller, 10, "declined");
  call_wait_eos (callee, 10);
  gst_object_unref (call);
  call_stop (caller);
  call_stop (callee);
  call_fixture_free (f);
}

static void
test_no_answer (void)
{
  CallFixture *f = call_fixture_new (2);
  GstElement *callee = make_end (f, 1, "", AUDIO_IN);
  GstElement *caller = make_caller (f, 0, 1, AUDIO_IN);

  play_callee (callee);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  gst_message_unref (call_wait_state (callee, "ringing", 10));
  expect_error (caller, 17, "no-answer");
  /* The hangup of the caller ends the ringing. */
  call_wait_eos (callee, 5);
  call_stop (caller);
  call_stop (callee);
  call_fixture_free (f);
}

static void
test_busy (void)
{
  CallFixture *f = call_fixture_new (3);
  GstElement *callee = make_end (f, 1, "auto-answer=true", AUDIO_IN);
  GstElement *caller = make_caller (f, 0, 1, AUDIO_IN);
  GstElement *third = make_caller (f, 2, 1, AUDIO_IN);

  play_callee (callee);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  gst_message_unref (call_wait_state (callee, "connected", 20));
  gst_element_set_state (third, GST_STATE_PLAYING);
  expect_error (third, 10, "busy");
  call_stop (third);
  /* and the first call goes on */
  gst_message_unref (call_wait_message (callee, "dao-call-stats", 5));
  act (caller, "hangup");
  call_wait_eos (callee, 10);
  call_stop (caller);
  call_stop (callee);
  call_fixture_free (f);
}

static void
verify_contact (CallFixture * f, guint account, guint contact)
{
  DaoIdentity *identity = dao_identity_load (f->identity[account], NULL);
  gchar *path = dao_account_contacts_path (f->identity[account]);
  GError *error = NULL;
  DaoContacts *contacts = dao_contacts_load (path, identity, &error);

  g_assert_no_error (error);
  g_assert_true (dao_contacts_set_verified (contacts, f->alias[contact], TRUE,
          &error));
  g_assert_true (dao_contacts_save (contacts, &error));
  dao_contacts_free (contacts);
  dao_identity_unref (identity);
  g_free (path);
}

static void
assert_counted (const GstStructure * record, const gchar * field)
{
  guint64 count = 0;

  g_assert_true (gst_structure_get_uint64 (record, field, &count));
  g_assert_cmpuint (count, >, 0);
}

/* What is left of a call when it is over */
static void
assert_record (GstMessage * ended, const gchar * peer)
{
  const GstStructure *record = gst_message_get_structure (ended);
  GDateTime *at = g_date_time_new_from_iso8601 (gst_structure_get_string
      (record, "ended-at"), NULL);
  GDateTime *now = g_date_time_new_now_utc ();

  g_assert_nonnull (at);
  g_assert_cmpint (ABS (g_date_time_difference (now, at)), <,
      20 * G_TIME_SPAN_SECOND);
  g_assert_cmpstr (gst_structure_get_string (record, "peer"), ==, peer);
  assert_counted (record, "duration");
  assert_counted (record, "bytes-sent");
  assert_counted (record, "bytes-received");
  g_date_time_unref (now);
  g_date_time_unref (at);
}

/* Who was not verified does not get through; then he is. */
static void
test_min_trust (void)
{
  static const gchar options[] = "auto-answer=true min-trust=verified";
  CallFixture *f = call_fixture_new (2);
  GstElement *callee = make_end (f, 1, options, AUDIO_IN);
  GstElement *caller = make_caller (f, 0, 1, AUDIO_IN);
  GstElement *call;
  GstMessage *message;
  gchar *alias;
  guint64 duration;

  play_callee (callee);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  expect_error (caller, 10, "declined");
  call_stop (caller);
  call_stop (callee);

  verify_contact (f, 1, 0);
  callee = make_end (f, 1, options, AUDIO_IN);
  caller = make_caller (f, 0, 1, AUDIO_IN);
  play_callee (callee);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  message = call_wait_state (callee, "connected", 20);
  assert_field (message, "verified", "true");
  gst_message_unref (message);
  message = call_wait_state (caller, "connected", 20);
  assert_field (message, "verified", "false");
  gst_message_unref (message);
  gst_message_unref (call_wait_message (callee, "dao-call-stats", 5));
  gst_message_unref (call_wait_message (callee, "dao-call-stats", 5));
  call = get_call (callee);
  g_object_get (call, "remote-alias", &alias, "duration", &duration, NULL);
  g_assert_cmpstr (alias, ==, f->alias[0]);
  g_assert_cmpuint (duration, >, 1 * GST_SECOND);
  act (caller, "hangup");
  message = call_wait_message (callee, "dao-call-ended", 5);
  assert_record (message, f->alias[0]);
  gst_message_unref (message);
  g_free (alias);
  gst_object_unref (call);
  call_stop (caller);
  call_stop (callee);
  call_fixture_free (f);
}

/* Who is not on the list rings; who is, is answered. */
static void
test_allow (void)
{
  CallFixture *f = call_fixture_new (3);
  gchar *options = g_strdup_printf ("auto-answer=true allow=\"nobody, %s\"",
      f->alias[2]);
  GstElement *callee = make_end (f, 1, options, AUDIO_IN);
  GstElement *stranger = make_caller (f, 0, 1, AUDIO_IN);
  GstElement *friend = make_caller (f, 2, 1, AUDIO_IN);

  play_callee (callee);
  gst_element_set_state (stranger, GST_STATE_PLAYING);
  gst_message_unref (call_wait_state (callee, "ringing", 10));
  g_usleep (500000);
  call_stop (stranger);
  call_wait_eos (callee, 5);    /* never connected: a missed call */
  gst_element_set_state (callee, GST_STATE_READY);
  play_callee (callee);
  gst_element_set_state (friend, GST_STATE_PLAYING);
  gst_message_unref (call_wait_state (callee, "connected", 20));
  act (friend, "hangup");
  call_wait_eos (callee, 10);
  call_stop (friend);
  call_stop (callee);
  g_free (options);
  call_fixture_free (f);
}

static void
test_unknown_contact (void)
{
  CallFixture *f = call_fixture_new (1);
  GstElement *caller = make_end (f, 0, "peer=nobody", AUDIO_IN);

  gst_element_set_state (caller, GST_STATE_PLAYING);
  expect_error (caller, 10, "unknown-contact");
  call_stop (caller);
  call_fixture_free (f);
}

static void
test_no_identity (void)
{
  GstElement *caller = call_parse ("daosignaling name=c "
      "identity=/nowhere/x.json peer=bob" SINKS);
  gchar *text;

  gst_element_set_state (caller, GST_STATE_PLAYING);
  text = call_wait_error (caller, 5);
  g_assert_nonnull (strstr (text, "/nowhere/x.json"));
  g_free (text);
  /* and whoever asks for the end gets it */
  gst_element_send_event (caller, gst_event_new_eos ());
  call_wait_eos (caller, 5);
  call_stop (caller);
}

/* EOS without a call: an element that waits ends at once. */
static void
test_eos_while_waiting (void)
{
  CallFixture *f = call_fixture_new (1);
  GstElement *callee = make_end (f, 0, "auto-answer=true", AUDIO_IN);

  gst_element_set_state (callee, GST_STATE_PLAYING);
  gst_element_send_event (callee, gst_event_new_eos ());
  call_wait_eos (callee, 5);
  call_stop (callee);
  call_fixture_free (f);
}

/* --- peers that vanish --- */

static void
test_peer_killed (void)
{
  CallFixture *f = call_fixture_new (2);
  gchar *file = call_fixture_path (f, "call.mkv");
  GstElement *callee = call_parse ("daosignaling name=c identity=%s "
      "auto-answer=true c.audio_src ! queue ! matroskamux name=mux ! "
      "filesink location=%s c.video_src ! queue ! mux. " AUDIO_IN VIDEO_IN
      "audiotestsrc is-live=true ! fakesink async=false", f->identity[1], file);
  gchar *text = g_strdup_printf ("daosignaling name=c identity=%s peer=%s "
      AUDIO_IN VIDEO_IN, f->identity[0], f->alias[1]);
  GError *error = NULL;
  GSubprocess *caller;
  guint video, audio;
  GstClockTime duration;
  GstMessage *ended;

  play_callee (callee);
  caller = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error,
      g_getenv ("RUN_PIPELINE"), text, NULL);
  g_assert_no_error (error);
  gst_message_unref (call_wait_state (callee, "connected", 20));
  gst_message_unref (call_wait_message (callee, "dao-call-stats", 5));
  gst_message_unref (call_wait_message (callee, "dao-call-stats", 5));
  g_subprocess_force_exit (caller);
  g_subprocess_wait (caller, NULL, NULL);
  /* 1 s of silence and the 8 s of the protocol */
  ended = call_wait_message (callee, "dao-call-ended", 20);
  assert_field (ended, "state", "ended");
  gst_message_unref (ended);
  gst_element_send_event (callee, gst_event_new_eos ());
  call_wait_eos (callee, 5);
  call_stop (callee);
  call_probe_file (file, &video, &audio, &duration, NULL);
  g_assert_cmpuint (video, >, 15);
  g_assert_cmpuint (audio, >, 50);
  g_object_unref (caller);
  g_free (text);
  g_free (file);
  call_fixture_free (f);
}

/* A peer that lost the call and calls again: this run had its call. */
static void
test_no_recall_after_the_end (void)
{
  CallFixture *f = call_fixture_new (2);
  GstElement *callee = make_end (f, 1, "auto-answer=true", AUDIO_IN);
  gchar *text = g_strdup_printf ("daosignaling name=c identity=%s peer=%s "
      AUDIO_IN, f->identity[0], f->alias[1]);
  GError *error = NULL;
  GSubprocess *caller = NULL;
  GstBus *bus = gst_element_get_bus (callee);
  GstMessage *message;
  guint i;

  play_callee (callee);
  for (i = 0; i < 2; i++) {
    caller = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error,
        g_getenv ("RUN_PIPELINE"), text, NULL);
    g_assert_no_error (error);
    if (i == 0) {
      gst_message_unref (call_wait_state (callee, "connected", 20));
      g_subprocess_force_exit (caller);
      g_subprocess_wait (caller, NULL, NULL);
      g_object_unref (caller);
    }
  }
  call_wait_eos (callee, 15);
  g_subprocess_wait (caller, NULL, NULL);       /* was refused */
  while ((message = gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT))) {
    const GstStructure *s = gst_message_get_structure (message);

    g_assert_cmpstr (gst_structure_get_string (s, "state"), !=, "connecting");
    gst_message_unref (message);
  }
  gst_object_unref (bus);
  g_object_unref (caller);
  g_free (text);
  call_stop (callee);
  call_fixture_free (f);
}

/* --- many --- */

static void
one_call (GstElement * caller, GstElement * callee)
{
  play_callee (callee);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  gst_message_unref (call_wait_state (callee, "connected", 20));
  gst_message_unref (call_wait_state (caller, "connected", 20));
  act (caller, "hangup");
  call_wait_eos (caller, 10);
  call_wait_eos (callee, 10);
}

/* A call that is refused leaves the element waiting for the next one, in a later run, too. */
static void
test_refused_then_called (void)
{
  CallFixture *f = call_fixture_new (3);
  GstElement *callee = make_end (f, 1, "auto-answer=true e2ee=required",
      AUDIO_IN);
  GstElement *caller = make_caller (f, 0, 1, AUDIO_IN);
  gchar *plain = g_strdup_printf ("peer=%s e2ee=off", f->alias[1]);
  GstElement *old = make_end (f, 2, plain, AUDIO_IN);

  one_call (caller, callee);
  gst_element_set_state (caller, GST_STATE_READY);
  gst_element_set_state (callee, GST_STATE_READY);
  play_callee (callee);
  gst_element_set_state (old, GST_STATE_PLAYING);
  expect_error (old, 10, "e2ee-required");
  call_stop (old);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  gst_message_unref (call_wait_state (callee, "connected", 20));
  act (caller, "hangup");
  call_wait_eos (callee, 10);
  call_stop (caller);
  call_stop (callee);
  g_free (plain);
  call_fixture_free (f);
}

/* Teardown runs on workers: what is left is counted once they are through. */
static void
assert_settles (guint (*count) (void), guint limit)
{
  gint64 deadline = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;

  while (count () > limit && g_get_monotonic_time () < deadline)
    g_usleep (50000);
  g_assert_cmpuint (count (), <=, limit);
}

static void
test_twenty_calls_one_element (void)
{
  CallFixture *f = call_fixture_new (2);
  GstElement *ends[] = { make_end (f, 1, "auto-answer=true", AUDIO_IN),
    make_caller (f, 0, 1, AUDIO_IN)
  };
  guint i, k, threads = 0, fds = 0, pads[2] = { 0, 0 };

  for (i = 0; i < 20; i++) {
    one_call (ends[1], ends[0]);
    for (k = 0; k < 2; k++)
      gst_element_set_state (ends[k], GST_STATE_READY);
    if (i == 1) {
      /* The first calls make what the process keeps: pools, registries. */
      g_usleep (2 * G_USEC_PER_SEC);
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

static void
test_twenty_calls_one_element_each (void)
{
  CallFixture *f = call_fixture_new (2);
  guint i, threads = 0, fds = 0;

  for (i = 0; i < 20; i++) {
    GstElement *callee = make_end (f, 1, "auto-answer=true", AUDIO_IN);
    GstElement *caller = make_caller (f, 0, 1, AUDIO_IN);

    one_call (caller, callee);
    call_stop (caller);
    call_stop (callee);
    if (i == 1) {
      g_usleep (2 * G_USEC_PER_SEC);
      threads = call_count_threads ();
      fds = call_count_fds ();
    }
  }
  assert_settles (call_count_threads, threads);
  assert_settles (call_count_fds, fds);
  call_fixture_free (f);
}

static void
test_two_calls_in_one_pipeline (void)
{
  CallFixture *f = call_fixture_new (4);
  GstElement *callees = call_parse ("daosignaling name=c identity=%s "
      "auto-answer=true " AUDIO_IN SINKS "daosignaling name=d identity=%s "
      "auto-answer=true audiotestsrc is-live=true ! opusenc ! d.audio_sink "
      "d.audio_src ! fakesink async=false sync=false", f->identity[2],
      f->identity[3]);
  GstElement *first = make_caller (f, 0, 2, AUDIO_IN);
  GstElement *second = make_caller (f, 1, 3, AUDIO_IN);
  GstMessage *stats[2] = { NULL, NULL };
  guint i;

  play_callee (callees);
  g_usleep (G_USEC_PER_SEC);
  gst_element_set_state (first, GST_STATE_PLAYING);
  gst_element_set_state (second, GST_STATE_PLAYING);
  gst_message_unref (call_wait_state (first, "connected", 20));
  gst_message_unref (call_wait_state (second, "connected", 20));
  /* Each has keys of its own: frames of both verify. */
  while (!stats[0] || !stats[1]) {
    GstMessage *message = call_wait_message (callees, "dao-call-stats", 5);
    guint64 verified = 0;

    i = g_str_equal (GST_MESSAGE_SRC_NAME (message), "c") ? 0 : 1;
    gst_structure_get_uint64 (gst_message_get_structure (message),
        "frames-verified", &verified);
    if (verified > 20)
      gst_message_take (&stats[i], gst_message_ref (message));
    gst_message_unref (message);
  }
  act (first, "hangup");
  call_wait_eos (first, 10);
  act (second, "hangup");
  call_wait_eos (second, 10);
  call_wait_eos (callees, 10);
  for (i = 0; i < 2; i++)
    gst_message_unref (stats[i]);
  call_stop (first);
  call_stop (second);
  call_stop (callees);
  call_fixture_free (f);
}

int
main (int argc, char **argv)
{
  call_test_init (&argc, &argv);
  g_test_add_func ("/call/record", test_record_call);
  g_test_add_func ("/call/audio-only", test_audio_only);
  g_test_add_func ("/call/plain", test_plain_call);
  g_test_add_func ("/call/answer-by-signal", test_answer_by_signal);
  g_test_add_data_func ("/call/add-video/caller", GINT_TO_POINTER (FALSE),
      test_add_video);
  g_test_add_data_func ("/call/add-video/callee", GINT_TO_POINTER (TRUE),
      test_add_video);
  g_test_add_func ("/call/record-without-video", test_record_without_video);
  g_test_add_func ("/call/pause", test_pause);
  g_test_add_func ("/call/guard-silent-in-null", test_guard_silent_in_null);
  g_test_add_func ("/call/guard-clock-to-the-end",
      test_guard_clock_to_the_end);
  g_test_add_func ("/call/rejected", test_rejected);
  g_test_add_func ("/call/min-trust", test_min_trust);
  g_test_add_func ("/call/no-answer", test_no_answer);
  g_test_add_func ("/call/busy", test_busy);
  g_test_add_func ("/call/allow", test_allow);
  g_test_add_func ("/call/unknown-contact", test_unknown_contact);
  g_test_add_func ("/call/no-identity", test_no_identity);
  g_test_add_func ("/call/eos-while-waiting", test_eos_while_waiting);
  g_test_add_func ("/call/peer-killed", test_peer_killed);
  g_test_add_func ("/call/no-recall-after-the-end",
      test_no_recall_after_the_end);
  g_test_add_func ("/call/refused-then-called", test_refused_then_called);
  g_test_add_func ("/call/twenty-through-one-element",
      test_twenty_calls_one_element);
  g_test_add_func ("/call/twenty-elements",
      test_twenty_calls_one_element_each);
  g_test_add_func ("/call/two-in-one-pipeline",
      test_two_calls_in_one_pipeline);
  return g_test_run ();
}
