/* gst-dao: whatever the caller does, nothing of ours starts before we answer, and only what we agreed to
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Attacks S1 to S7, as docs/security.md numbers them. Each runs at random moments, under several seeds.
 */
#include "victim.h"
#include "dao-call.h"
#include "daosdp-text.h"

#include <dlfcn.h>
#include <string.h>

#define SEEDS 4
#define STEPS 12
#define MAX_PAUSE_MS 25

/* --- what a caller may try while it rings --- */

static gchar *
with_candidate (const gchar * sdp)
{
  return hostile_replace (sdp, "a=mid:audio0", "a=candidate:1 1 UDP "
      "2122260223 127.0.0.1 40000 typ host\r\na=mid:audio0");
}

/* A later generation, as an application would fetch fresher SDP */
static void
refresh (Victim * v, const gchar * offer, GRand * rand)
{
  v->peer->gen++;
  hostile_send_offer (v->peer, offer);
}

static void
smuggle_candidate (Victim * v, const gchar * offer, GRand * rand)
{
  gchar *sdp = with_candidate (offer);

  refresh (v, sdp, rand);
  g_free (sdp);
}

static void
send_candidate (Victim * v, const gchar * offer, GRand * rand)
{
  hostile_send_candidate (v->peer,
      "candidate:1 1 UDP 2122260223 127.0.0.1 40000 typ host");
}

static void
answer_own_offer (Victim * v, const gchar * offer, GRand * rand)
{
  hostile_send_answer (v->peer, offer);
}

static void
ask_for (Victim * v, const gchar * want)
{
  DaoSignal *signal = hostile_signal (v->peer, DAO_SIGNAL_RENEGOTIATE);

  signal->want = g_strdup (want);
  hostile_send (v->peer, signal);
}

static void
ask_for_video (Victim * v, const gchar * offer, GRand * rand)
{
  ask_for (v, "video");
}

static void
offer_data_channel (Victim * v, const gchar * offer, GRand * rand)
{
  gchar *sdp = g_strconcat (offer, "m=application 9 UDP/DTLS/SCTP "
      "webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:data2\r\n"
      "a=sctp-port:5000\r\n", NULL);

  refresh (v, sdp, rand);
  g_free (sdp);
}

static void
offer_without_video (Victim * v, const gchar * offer, GRand * rand)
{
  gchar *sdp = victim_audio_only (offer);

  refresh (v, sdp, rand);
  g_free (sdp);
}

static void
announce_keys (Victim * v, const gchar * offer, GRand * rand)
{
  v->peer->gen++;
  hostile_send_offer (v->peer, offer);
  hostile_send_answer (v->peer, offer);
}

/* Of every type but those that end a call; also of calls and legs that there are not */
static void
send_any (Victim * v, const gchar * offer, GRand * rand)
{
  DaoSignal *signal = hostile_signal (v->peer, g_rand_int_range (rand, 0,
          DAO_SIGNAL_RENEGOTIATE + 1));

  if (signal->type == DAO_SIGNAL_HANGUP || signal->type == DAO_SIGNAL_REJECT) {
    g_free (signal->call_id);
    signal->call_id = g_uuid_string_random ();
    signal->reason = g_strdup ("failed");
  }
  if (signal->type == DAO_SIGNAL_OFFER || signal->type == DAO_SIGNAL_ANSWER)
    signal->sdp = g_strdup (offer);
  if (signal->type == DAO_SIGNAL_ICE)
    signal->candidate = g_strdup ("candidate:1 1 UDP 1 127.0.0.1 9 typ host");
  if (signal->type == DAO_SIGNAL_RENEGOTIATE)
    signal->want = g_strdup (g_rand_boolean (rand) ? "restart" : "leg");
  if (signal->type == DAO_SIGNAL_INVITE)
    signal->mode = g_strdup ("video");
  signal->gen += g_rand_int_range (rand, 0, 3);
  signal->leg = g_rand_int_range (rand, 0, 2);
  hostile_send (v->peer, signal);
}

typedef void (*Step) (Victim * v, const gchar * offer, GRand * rand);

typedef struct
{
  const gchar *path;
  gboolean encrypted;
  Step steps[8];
} Attack;

static const Attack attacks[] = {
  {"/attack/S1-second-offer-while-ringing", FALSE,
      {refresh, ask_for_video, offer_without_video}},
  {"/attack/S2-answer-of-the-caller", FALSE, {answer_own_offer}},
  {"/attack/S3-candidates-while-ringing", FALSE,
      {smuggle_candidate, send_candidate}},
  {"/attack/S4-video-and-data-while-ringing", FALSE,
      {offer_data_channel, smuggle_candidate, send_candidate,
            ask_for_video}},
  {"/attack/S5-random-schedules", FALSE,
      {refresh, smuggle_candidate, send_candidate, answer_own_offer,
            ask_for_video, offer_data_channel, offer_without_video,
            send_any}},
  {"/attack/S6-every-type-while-ringing", FALSE, {send_any}},
  {"/attack/S7-no-keys-before-the-answer", TRUE,
      {announce_keys, send_any, answer_own_offer}},
};

static void
assert_nothing_started (Victim * v)
{
  g_assert_cmpint (g_atomic_int_get (&v->webrtcbins), ==, 0);
  g_assert_cmpint (g_atomic_int_get (&v->ciphers), ==, 0);
  g_assert_cmpint (g_atomic_int_get (&v->sent[0]), ==, 0);
  g_assert_cmpint (g_atomic_int_get (&v->sent[1]), ==, 0);
  victim_assert_no_media (v);
}

static void
attack (Victim * v, const Attack * attack, const gchar * offer, GRand * rand)
{
  guint i, n_steps = 0;

  while (n_steps < G_N_ELEMENTS (attack->steps) && attack->steps[n_steps])
    n_steps++;
  for (i = 0; i < STEPS; i++) {
    attack->steps[g_rand_int_range (rand, 0, n_steps)] (v, offer, rand);
    hostile_pump (v->peer, g_rand_int_range (rand, 0, MAX_PAUSE_MS));
    assert_nothing_started (v);
  }
  hostile_flush (v->peer);
  assert_nothing_started (v);
}

/* It rings all the time, and when we answer it is a call like any other. */
static void
answer_and_talk (Victim * v, const gchar * offer)
{
  DaoSignal *answer;

  refresh (v, offer, NULL);
  hostile_flush (v->peer);
  assert_nothing_started (v);
  victim_act (v, "answer");
  answer = hostile_wait (v->peer, DAO_SIGNAL_ANSWER);
  hostile_apply_answer (v->peer, answer->sdp);
  dao_signal_free (answer);
  victim_wait_state (v, "connected");
  victim_wait_count (v, &v->sent[0], 5);
  victim_wait_count (v, &v->rtp_out, 5);
  victim_wait_count (v, &v->peer->rtp_received, 5);
}

static void
test_attack (gconstpointer data)
{
  const Attack *which = data;
  Victim *v = victim_callee_new (2, "");
  guint32 seed;

  if (which->encrypted)
    hostile_announce (v->peer, 9);
  for (seed = 1; seed <= SEEDS; seed++) {
    GRand *rand = g_rand_new_with_seed (seed);
    gchar *offer;

    g_test_message ("seed %u", seed);
    hostile_new_call (v->peer);
    hostile_start_media (v->peer);
    offer = hostile_create_offer (v->peer);
    hostile_send_offer (v->peer, offer);
    victim_wait_state (v, "ringing");
    attack (v, which, offer, rand);
    answer_and_talk (v, offer);
    if (which->encrypted)
      g_assert_cmpint (g_atomic_int_get (&v->ciphers), >, 0);
    hostile_send_end (v->peer, NULL);
    victim_wait_end (v, "remote-hangup");
    victim_play_again (v);
    hostile_stop_media (v->peer);
    victim_reset_counts (v);
    g_free (offer);
    g_rand_free (rand);
  }
  victim_free (v);
}

/* --- what we agreed to --- */

/* It rang as one kind of call and is offered as the other when we answer. @data: it rang with video */
static void
test_other_media_than_it_rang_with (gconstpointer data)
{
  gboolean with_video = GPOINTER_TO_INT (data), is_video = !with_video;
  Victim *v = victim_callee_new (2, "");
  gchar *offer, *audio;
  GstStructure *incoming;

  hostile_start_media (v->peer);
  offer = hostile_create_offer (v->peer);
  audio = victim_audio_only (offer);
  hostile_send_offer (v->peer, with_video ? offer : audio);
  incoming = victim_wait_message (v, "dao-incoming-call", NULL, NULL);
  gst_structure_get_boolean (incoming, "is-video", &is_video);
  g_assert_cmpint (is_video, ==, with_video);
  gst_structure_free (incoming);
  answer_and_talk (v, offer);
  if (with_video) {
    victim_wait_count (v, &v->sent[1], 5);
  } else {
    victim_wait_count (v, &v->frames[1], 5);    /* theirs is there */
    victim_observe (v);
    g_assert_cmpint (g_atomic_int_get (&v->sent[1]), ==, 0);
  }
  g_free (offer);
  g_free (audio);
  victim_free (v);
}

static void
invite (Victim * v)
{
  DaoSignal *signal = hostile_signal (v->peer, DAO_SIGNAL_INVITE);

  signal->mode = g_strdup ("video");
  hostile_send (v->peer, signal);
}

static void
count_incoming (GstElement * call, const gchar * peer, gboolean video,
    gint * n)
{
  g_atomic_int_inc (n);
}

/* Android sends it beside the offer. Before, after, while we answer and in the call: it rings once, and for the offer. */
static void
test_invite_around_the_offer (void)
{
  Victim *v = victim_callee_new (2, "");
  gint incoming = 0;
  gchar *offer;

  g_signal_connect (v->call, "incoming-call", G_CALLBACK (count_incoming),
      &incoming);
  hostile_start_media (v->peer);
  offer = hostile_create_offer (v->peer);
  invite (v);
  hostile_flush (v->peer);
  g_assert_cmpint (g_atomic_int_get (&incoming), ==, 0);
  hostile_send_offer (v->peer, offer);
  invite (v);
  victim_wait_state (v, "ringing");
  invite (v);
  hostile_flush (v->peer);
  assert_nothing_started (v);
  answer_and_talk (v, offer);
  invite (v);
  hostile_flush (v->peer);
  victim_wait_count (v, &v->frames[0], g_atomic_int_get (&v->frames[0]) + 10);
  hostile_send_end (v->peer, NULL);
  victim_wait_end (v, "remote-hangup");
  g_assert_cmpint (g_atomic_int_get (&incoming), ==, 1);
  g_free (offer);
  victim_free (v);
}

/* --- the call before --- */

static GMutex hangup_lock;
static GCond hangup_changed;
static gboolean hold_hangup;

static void
set_hold_hangup (gboolean hold)
{
  g_mutex_lock (&hangup_lock);
  hold_hangup = hold;
  g_cond_broadcast (&hangup_changed);
  g_mutex_unlock (&hangup_lock);
}

/* In the place of libdao's. On the signaling thread: READY ends a call by it. */
gboolean
dao_call_hangup (DaoCall * call, gint64 now_ms)
{
  gboolean (*real) (DaoCall *, gint64) = dlsym (RTLD_NEXT, "dao_call_hangup");

  g_mutex_lock (&hangup_lock);
  while (hold_hangup)
    g_cond_wait (&hangup_changed, &hangup_lock);
  g_mutex_unlock (&hangup_lock);
  return real (call, now_ms);
}

static GstPadProbeReturn
count_local (GstPad * pad, GstPadProbeInfo * info, gpointer n)
{
  g_atomic_int_inc ((gint *) n);
  return GST_PAD_PROBE_OK;
}

/* The element is in its next run while the signaling thread has not yet ended the call of the last one. */
static void
test_guard_next_run (void)
{
  static const gchar *const pads[] = { "audio_sink", "video_sink" };
  Victim *v = victim_callee_new (2, "auto-answer=true");
  gchar *offer = victim_connect (v);
  gint local[2] = { 0, 0 };
  guint i;

  for (i = 0; i < 2; i++)
    victim_wait_count (v, &v->sent[i], 5);
  set_hold_hangup (TRUE);
  gst_element_set_state (v->pipeline, GST_STATE_READY);
  victim_observe (v);
  victim_reset_counts (v);
  for (i = 0; i < 2; i++) {
    GstPad *pad = gst_element_get_static_pad (v->call, pads[i]);

    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, count_local, &local[i],
        NULL);
    gst_object_unref (pad);
  }
  victim_play (v);
  for (i = 0; i < 2; i++)
    victim_wait_count (v, &local[i], 5);
  g_assert_cmpint (g_atomic_int_get (&v->alive), ==, 1);
  set_hold_hangup (FALSE);
  victim_play_again (v);
  for (i = 0; i < 2; i++) {
    g_assert_cmpint (g_atomic_int_get (&v->sent[i]), ==, 0);
    g_assert_cmpint (g_atomic_int_get (&v->frames[i]), ==, 0);
  }
  hostile_stop_media (v->peer);
  g_free (offer);
  victim_free (v);
}

int
main (int argc, char **argv)
{
  guint i;

  call_test_init (&argc, &argv);
  for (i = 0; i < G_N_ELEMENTS (attacks); i++)
    g_test_add_data_func (attacks[i].path, &attacks[i], test_attack);
  g_test_add_data_func ("/attack/S1-refreshed-with-video",
      GINT_TO_POINTER (FALSE), test_other_media_than_it_rang_with);
  g_test_add_data_func ("/attack/S1-rang-with-video", GINT_TO_POINTER (TRUE),
      test_other_media_than_it_rang_with);
  g_test_add_func ("/attack/S6-invite-around-the-offer",
      test_invite_around_the_offer);
  g_test_add_func ("/call/guard-next-run", test_guard_next_run);
  return g_test_run ();
}
