/* gst-dao: whole calls with a new key for every other frame, over a bad network
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The simulation of the same is libdao's test-rekey.c. Here the epochs go through
 * all of a call: payloaders, retransmission, jitter buffers.
 */
#include "badlink.h"
#include "callfixture.h"
#include "seal-watch.h"

#define AUDIO_IN "audiotestsrc is-live=true samplesperbuffer=441 ! opusenc " \
    "frame-size=%s ! c.audio_sink "
#define VIDEO_IN "videotestsrc is-live=true ! " \
    "video/x-raw,width=160,height=120,framerate=30/1 ! vp8enc deadline=1 " \
    "cpu-used=8 keyframe-max-dist=30 ! c.video_sink "
#define SINKS " c.audio_src ! fakesink async=false sync=false " \
    "c.video_src ! fakesink async=false sync=false "

#define DELAY_MS 200
#define JITTER_MS 20
/* Enough for the delay and one retransmission */
#define LATENCY "latency=700 "

typedef struct
{
  CallFixture *fixture;
  BadLink *link;
  GstElement *caller, *callee;
  GMutex lock;
  GPtrArray *encryptors, *decryptors;
} Call;

/* --- */

/* An epoch ends at 80 % of the limit: two frames, so that a counter that stood still
 * would repeat a pair. */
static void
on_element (GstBin * bin, GstBin * sub_bin, GstElement * element, Call * call)
{
  GstElementFactory *factory = gst_element_get_factory (element);
  const gchar *name = factory ? GST_OBJECT_NAME (factory) : "";

  g_mutex_lock (&call->lock);
  if (g_str_equal (name, "daoe2eeenc")) {
    g_object_set (element, "rekey-frames", (guint64) 3, NULL);
    g_ptr_array_add (call->encryptors, gst_object_ref (element));
  } else if (g_str_equal (name, "daoe2eedec")) {
    g_ptr_array_add (call->decryptors, gst_object_ref (element));
  }
  g_mutex_unlock (&call->lock);
}

static GstElement *
make_end (Call * call, guint account, const gchar * options,
    const gchar * frame_size, const gchar * video)
{
  gchar *audio = g_strdup_printf (AUDIO_IN, frame_size);
  GstElement *end = call_parse ("daosignaling name=c identity=%s " LATENCY
      "%s " SINKS "%s %s", call->fixture->identity[account], options, audio,
      video);

  g_signal_connect (end, "deep-element-added", G_CALLBACK (on_element), call);
  bad_link_attach (call->link, end);
  g_free (audio);
  return end;
}

static void
start_call (Call * call, const gchar * frame_size, const gchar * video)
{
  gchar *options;

  seal_watch_reset ();
  g_mutex_init (&call->lock);
  call->encryptors = g_ptr_array_new_with_free_func (gst_object_unref);
  call->decryptors = g_ptr_array_new_with_free_func (gst_object_unref);
  call->fixture = call_fixture_new (2);
  call->link = bad_link_new ();
  bad_link_set (call->link, 0, DELAY_MS, JITTER_MS);
  options = g_strdup_printf ("peer=%s", call->fixture->alias[1]);
  call->callee = make_end (call, 1, "auto-answer=true", frame_size, video);
  call->caller = make_end (call, 0, options, frame_size, video);
  g_free (options);
  gst_element_set_state (call->callee, GST_STATE_PLAYING);
  call_wait_online (call->callee, 10);
  gst_element_set_state (call->caller, GST_STATE_PLAYING);
  gst_message_unref (call_wait_state (call->callee, "connected", 20));
  gst_message_unref (call_wait_state (call->caller, "connected", 20));
}

static void
end_call (Call * call)
{
  call_stop (call->caller);
  call_stop (call->callee);
  bad_link_free (call->link);
  g_ptr_array_unref (call->encryptors);
  g_ptr_array_unref (call->decryptors);
  g_mutex_clear (&call->lock);
  call_fixture_free (call->fixture);
}

/* The sum over all decryptors */
static guint64
count (Call * call, const gchar * field)
{
  guint64 sum = 0;
  guint i;

  g_mutex_lock (&call->lock);
  for (i = 0; i < call->decryptors->len; i++) {
    GstStructure *stats = NULL;
    guint64 value = 0;

    g_object_get (g_ptr_array_index (call->decryptors, i), "stats", &stats,
        NULL);
    g_assert_true (gst_structure_get_uint64 (stats, field, &value));
    sum += value;
    gst_structure_free (stats);
  }
  g_mutex_unlock (&call->lock);
  return sum;
}

/* The clock of a call is the real one: so long is it talked at this quality. */
static void
talk (Call * call, guint loss, guint seconds)
{
  guint64 frames = count (call, "frames");

  bad_link_set (call->link, loss, DELAY_MS, JITTER_MS);
  g_usleep (seconds * G_USEC_PER_SEC);
  g_test_message ("%u %% loss: %" G_GUINT64_FORMAT " epochs so far, %"
      G_GUINT64_FORMAT " frames came", loss, seal_watch_epochs (),
      count (call, "frames") - frames);
  if (loss < 100)
    g_assert_cmpuint (count (call, "frames") - frames, >, 50 * seconds);
}

static void
assert_nothing_lost_by_key (Call * call)
{
  static const gchar *const reasons[] = { "dropped-auth", "dropped-epoch",
    "dropped-replay", "dropped-flags", "dropped-short", "dropped-no-key"
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (reasons); i++) {
    g_test_message ("%s: %" G_GUINT64_FORMAT, reasons[i], count (call,
            reasons[i]));
    g_assert_cmpuint (count (call, reasons[i]), ==, 0);
  }
}

/* Of all tracks, directions, peer connections and epochs of the process */
static void
assert_no_pair_twice (Call * call)
{
  g_test_message ("%" G_GUINT64_FORMAT " frames in %" G_GUINT64_FORMAT
      " epochs", seal_watch_frames (), seal_watch_epochs ());
  g_assert_cmpuint (seal_watch_repeats (), ==, 0);
}

static void
test_without_loss_of_frames (void)
{
  Call call = { NULL, };
  guint64 frames;

  start_call (&call, "5", VIDEO_IN);
  talk (&call, 0, 3);
  talk (&call, 2, 4);
  talk (&call, 5, 4);
  /* more than 4 epochs, fewer than 256: 100 a second for sound */
  talk (&call, 100, 2);
  frames = count (&call, "frames");
  talk (&call, 2, 3);
  g_assert_cmpuint (count (&call, "frames"), >, frames);
  g_assert_cmpuint (call.encryptors->len, ==, 4);
  g_assert_cmpuint (call.decryptors->len, ==, 4);
  g_assert_cmpuint (seal_watch_epochs (), >, 2000);
  assert_no_pair_twice (&call);
  assert_nothing_lost_by_key (&call);
  end_call (&call);
}

/* More than 256 epochs in an outage: no key of ours leads there any more. That is said
 * by the count, and the call ends like any other in which nothing arrives. */
static void
test_too_far_ahead (void)
{
  Call call = { NULL, };
  GstElement *ends[2];
  guint timeouts = 0, i;
  guint64 frames;

  start_call (&call, "5", "");
  ends[0] = call.callee;
  ends[1] = call.caller;
  talk (&call, 0, 2);
  g_assert_cmpuint (count (&call, "dropped-epoch"), ==, 0);
  talk (&call, 100, 4);
  frames = count (&call, "frames");
  bad_link_set (call.link, 0, DELAY_MS, JITTER_MS);
  /* Neither end can read the other; whose clock is first tells the other, or both at once. */
  for (i = 0; i < 2; i++) {
    GstMessage *ended = call_wait_message (ends[i], "dao-call-ended", 20);
    const gchar *reason = gst_structure_get_string
        (gst_message_get_structure (ended), "reason");

    if (g_str_equal (reason, "media-timeout"))
      timeouts++;
    else
      g_assert_cmpstr (reason, ==, "remote-hangup");
    gst_message_unref (ended);
  }
  g_assert_cmpuint (timeouts, >, 0);
  g_assert_cmpuint (count (&call, "frames"), ==, frames);
  g_assert_cmpuint (count (&call, "dropped-epoch"), >, 500);
  g_assert_cmpuint (count (&call, "dropped-auth"), ==, 0);
  assert_no_pair_twice (&call);
  end_call (&call);
}

int
main (int argc, char **argv)
{
  call_test_init (&argc, &argv);
  g_test_add_func ("/rekey/without-loss-of-frames",
      test_without_loss_of_frames);
  g_test_add_func ("/rekey/too-far-ahead", test_too_far_ahead);
  return g_test_run ();
}
