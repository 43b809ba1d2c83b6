/* gst-dao: attacks on a call by a contact, by another contact, and by who carries or keeps the signals
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * S9 to S20, as docs/security.md numbers them; S1 to S7 are in test-consent.c, what concerns SDP, certificates and frame
 * encryption in test-guards.c.
 */
#include "accountclock.h"
#include "usage.h"
#include "victim.h"
#include "daosdp-text.h"

#include <string.h>

#define LATER_MS (10 * 60 * 1000)       /* all that is remembered of signals is forgotten */

static void
ring (Victim * v)
{
  hostile_send_offer (v->peer, chromium_offer);
  victim_wait_state (v, "ringing");
}

/* No hangup before this one counted: it would have been "remote-hangup". */
static void
assert_still_rings (Victim * v)
{
  hostile_send_end (v->peer, "timeout");
  victim_wait_end (v, "ring-timeout");
}

/* Nothing rang before this call does. */
static void
assert_rings_next (Victim * v)
{
  GstStructure *ringing;

  hostile_new_call (v->peer);
  hostile_send_offer (v->peer, chromium_offer);
  ringing = victim_wait_message (v, "dao-call-state", "state", "ringing");
  g_assert_cmpstr (gst_structure_get_string (ringing, "call-id"), ==,
      v->peer->call_id);
  gst_structure_free (ringing);
  assert_still_rings (v);
}

/* --- S9, S10: other contacts, other calls --- */

static HostilePeer *
new_foreigner (Victim * v)
{
  HostilePeer *foreigner = hostile_new (v->fixture, 2, 0);

  g_free (foreigner->call_id);
  foreigner->call_id = g_strdup (v->peer->call_id);
  return foreigner;
}

static void
test_foreign_signals (void)
{
  Victim *v = victim_callee_new (3, "");
  HostilePeer *foreigner;

  ring (v);
  foreigner = new_foreigner (v);
  hostile_send_end (foreigner, NULL);
  hostile_send (foreigner, hostile_signal (foreigner, DAO_SIGNAL_REJECT));
  hostile_send_answer (foreigner, chromium_offer);
  hostile_flush (foreigner);
  g_assert_cmpint (g_atomic_int_get (&v->webrtcbins), ==, 0);
  assert_still_rings (v);
  hostile_free (foreigner);
  victim_free (v);
}

static void
test_hangup_of_the_call_before (void)
{
  Victim *v = victim_callee_new (2, "");
  gchar *before;

  ring (v);
  before = g_strdup (v->peer->call_id);
  assert_still_rings (v);
  victim_play_again (v);
  hostile_new_call (v->peer);
  ring (v);
  {
    DaoSignal *hangup = hostile_signal (v->peer, DAO_SIGNAL_HANGUP);

    g_free (hangup->call_id);
    hangup->call_id = before;
    hostile_send (v->peer, hangup);
  }
  assert_still_rings (v);
  victim_free (v);
}

static void
test_busy (void)
{
  Victim *v = victim_callee_new (3, "auto-answer=true");
  HostilePeer *foreigner;
  DaoSignal *reject;

  g_free (victim_connect (v));
  foreigner = new_foreigner (v);
  hostile_send_offer (foreigner, chromium_offer);
  reject = hostile_wait (foreigner, DAO_SIGNAL_REJECT);
  g_assert_cmpstr (reject->reason, ==, "busy");
  dao_signal_free (reject);
  victim_wait_count (v, &v->frames[0], g_atomic_int_get (&v->frames[0]) + 20);
  hostile_send_end (v->peer, NULL);
  victim_wait_end (v, "remote-hangup");
  hostile_free (foreigner);
  victim_free (v);
}

static void
test_recall (void)
{
  Victim *v = victim_callee_new (2, "");
  gchar *before;

  ring (v);
  before = g_strdup (v->peer->call_id);
  hostile_new_call (v->peer);
  hostile_send_offer (v->peer, chromium_offer);
  victim_wait_end (v, "remote-hangup");
  victim_play_again (v);
  /* The first one cannot be taken up again. */
  g_free (v->peer->call_id);
  v->peer->call_id = before;
  v->peer->gen = 7;
  hostile_send_offer (v->peer, chromium_offer);
  hostile_flush (v->peer);
  assert_rings_next (v);
  victim_free (v);
}

/* --- S11, S12, S14: answers that are late, or two --- */

static void
test_answer_after_the_end (void)
{
  Victim *v = victim_caller_new ("");
  gchar *offer = victim_take_offer (v), *answer;

  hostile_start_media (v->peer);
  answer = hostile_create_answer (v->peer, offer);
  victim_act (v, "hangup");
  dao_signal_free (hostile_wait (v->peer, DAO_SIGNAL_HANGUP));
  hostile_send_answer (v->peer, answer);
  victim_wait_end (v, "local-hangup");
  hostile_flush (v->peer);
  victim_observe (v);
  victim_assert_no_media (v);
  g_free (offer);
  g_free (answer);
  victim_free (v);
}

static void
assert_no_more (HostilePeer * peer, DaoSignalType type)
{
  DaoSignal *signal;

  hostile_flush (peer);
  hostile_pump (peer, 200);
  while ((signal = g_queue_pop_head (&peer->received))) {
    g_assert_cmpint (signal->type, !=, type);
    dao_signal_free (signal);
  }
}

/* The first answer has just made the peer connection, and is far from being sent. */
static void
answer_meanwhile (GstBin * bin, GstBin * sub_bin, GstElement * element,
    Victim * v)
{
  GstElementFactory *factory = gst_element_get_factory (element);

  if (factory && g_str_equal (GST_OBJECT_NAME (factory), "webrtcbin"))
    victim_act (v, "answer");
}

static void
test_user_answers_twice (void)
{
  Victim *v = victim_callee_new (2, "");
  DaoSignal *answer;
  gchar *offer;

  g_signal_connect (v->pipeline, "deep-element-added",
      G_CALLBACK (answer_meanwhile), v);
  hostile_start_media (v->peer);
  offer = hostile_create_offer (v->peer);
  hostile_send_offer (v->peer, offer);
  victim_wait_state (v, "ringing");
  victim_act (v, "answer");
  /* seen, and harmless */
  victim_wait_warning (v, "being answered already");
  answer = hostile_wait (v->peer, DAO_SIGNAL_ANSWER);
  victim_act (v, "answer");
  hostile_apply_answer (v->peer, answer->sdp);
  dao_signal_free (answer);
  victim_wait_state (v, "connected");
  victim_act (v, "answer");
  assert_no_more (v->peer, DAO_SIGNAL_ANSWER);
  g_assert_cmpint (g_atomic_int_get (&v->webrtcbins), ==, 1);
  victim_wait_count (v, &v->frames[0], 20);
  hostile_send_end (v->peer, NULL);
  victim_wait_end (v, "remote-hangup");
  g_free (offer);
  victim_free (v);
}

static void
test_second_answer (void)
{
  Victim *v = victim_caller_new ("");
  gchar *offer = victim_take_offer (v), *answer;

  hostile_start_media (v->peer);
  answer = hostile_create_answer (v->peer, offer);
  hostile_send_answer (v->peer, answer);
  /* of another device: it would end the call, or go to another certificate */
  hostile_send_answer (v->peer, chromium_offer);
  victim_wait_state (v, "connected");
  hostile_send_answer (v->peer, chromium_offer);
  hostile_flush (v->peer);
  victim_wait_count (v, &v->frames[0], g_atomic_int_get (&v->frames[0]) + 20);
  hostile_send_end (v->peer, NULL);
  victim_wait_end (v, "remote-hangup");
  g_free (offer);
  g_free (answer);
  victim_free (v);
}

/* --- S13: candidates --- */

#define STALE "198.51.100.77"

static gboolean
on_add_candidate (GSignalInvocationHint * hint, guint n,
    const GValue * values, gpointer stale)
{
  const gchar *text = g_value_get_string (&values[2]);

  if (text && strstr (text, STALE))
    g_atomic_int_inc ((gint *) stale);
  return TRUE;
}

static void
send_stale (HostilePeer * peer)
{
  hostile_send_candidate (peer, "candidate:1 1 UDP 1 " STALE " 9 typ host");
}

static void
test_stale_candidates (void)
{
  Victim *v = victim_callee_new (3, "");
  HostilePeer *foreigner;
  gint stale = 0;
  guint signal_id;
  gulong hook;
  gchar *before, *next;

  hostile_start_media (v->peer);
  signal_id = g_signal_lookup ("add-ice-candidate",
      G_OBJECT_TYPE (v->peer->webrtc));
  hook = g_signal_add_emission_hook (signal_id, 0, on_add_candidate, &stale,
      NULL);
  ring (v);
  send_stale (v->peer);
  assert_still_rings (v);
  send_stale (v->peer);
  victim_play_again (v);
  before = g_strdup (v->peer->call_id);
  g_object_set (v->call, "auto-answer", TRUE, NULL);

  hostile_new_call (v->peer);
  next = g_strdup (v->peer->call_id);
  foreigner = new_foreigner (v);
  send_stale (foreigner);       /* before its offer, of the call_id that comes */
  hostile_flush (foreigner);
  {
    gchar *offer = hostile_create_offer (v->peer);
    DaoSignal *answer;

    hostile_send_offer (v->peer, offer);
    answer = hostile_wait (v->peer, DAO_SIGNAL_ANSWER);
    hostile_apply_answer (v->peer, answer->sdp);
    dao_signal_free (answer);
    g_free (offer);
  }
  victim_wait_state (v, "connected");
  send_stale (foreigner);
  hostile_flush (foreigner);
  g_free (v->peer->call_id);
  v->peer->call_id = before;
  send_stale (v->peer);
  hostile_flush (v->peer);
  g_assert_cmpint (g_atomic_int_get (&stale), ==, 0);
  /* The same of this call does arrive. */
  g_free (v->peer->call_id);
  v->peer->call_id = next;
  send_stale (v->peer);
  victim_wait_count (v, &stale, 1);
  hostile_send_end (v->peer, NULL);
  victim_wait_end (v, "remote-hangup");
  g_signal_remove_emission_hook (signal_id, hook);
  hostile_free (foreigner);
  victim_free (v);
}

/* --- S15, S16: old signals, wrong clocks --- */

/* What was recorded is sent again: at once, after the call, and to a new element. */
static void
test_replay (void)
{
  Victim *v = victim_callee_new (2, "");
  DaoSignal *signal = hostile_signal (v->peer, DAO_SIGNAL_OFFER);
  gchar *frame;

  signal->sdp = g_strdup (chromium_offer);
  frame = hostile_seal (v->peer, dao_signal_to_json (signal), NULL, NULL);
  dao_signal_free (signal);
  hostile_send_frame (v->peer, frame);
  victim_wait_state (v, "ringing");
  hostile_send_frame (v->peer, frame);
  assert_still_rings (v);

  victim_play_again (v);
  hostile_send_frame (v->peer, frame);
  hostile_flush (v->peer);
  assert_rings_next (v);

  victim_renew (v);
  victim_play_again (v);
  hostile_send_frame (v->peer, frame);
  hostile_flush (v->peer);
  assert_rings_next (v);
  g_free (frame);
  victim_free (v);
}

/* Until the answer of a victim that is only just starting comes; to who hears nothing of it the frame is lost. */
static void
send_until_answered (HostilePeer * peer, const gchar * frame)
{
  gint64 deadline = g_get_monotonic_time () + 20 * G_TIME_SPAN_SECOND;
  gboolean answered = FALSE;
  DaoSignal *signal;

  while (!answered) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    hostile_send_frame (peer, frame);
    hostile_pump (peer, 200);
    while ((signal = g_queue_pop_head (&peer->received))) {
      answered |= signal->type == DAO_SIGNAL_ANSWER;
      dao_signal_free (signal);
    }
  }
}

/* Another process, which has no memory but the account's files. The first one had no time to write anything at its end. */
static void
test_replay_after_a_restart (void)
{
  Victim *v = victim_new (call_fixture_new (2), "");
  DaoSignal *signal = hostile_signal (v->peer, DAO_SIGNAL_OFFER);
  gchar *text = g_strdup_printf ("daosignaling name=c identity=%s "
      "auto-answer=true audiotestsrc is-live=true ! opusenc ! c.audio_sink",
      v->fixture->identity[0]);
  GError *error = NULL;
  GSubprocess *first;
  gchar *frame;

  signal->sdp = g_strdup (chromium_offer);
  frame = hostile_seal (v->peer, dao_signal_to_json (signal), NULL, NULL);
  dao_signal_free (signal);
  first = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error,
      g_getenv ("RUN_PIPELINE"), text, NULL);
  g_assert_no_error (error);
  send_until_answered (v->peer, frame);
  g_subprocess_force_exit (first);
  g_subprocess_wait (first, NULL, NULL);

  victim_play (v);
  call_wait_online (v->pipeline, 10);
  hostile_send_frame (v->peer, frame);
  hostile_flush (v->peer);
  assert_rings_next (v);
  g_object_unref (first);
  g_free (text);
  g_free (frame);
  victim_free (v);
}

/* @data: by how many seconds the victim's clock is wrong */
static void
test_clock_skew (gconstpointer data)
{
  gint64 skew_ms = 1000 * (gint64) GPOINTER_TO_INT (data);
  gboolean too_much = ABS (skew_ms) > 60000;
  CallFixture *f = call_fixture_new (2);
  Victim *v;

  account_clock_stop (account_clock_now ());
  account_clock_set_skew (f->identity[0], skew_ms);
  v = victim_new (f, too_much ? "" : "auto-answer=true");
  victim_play (v);
  call_wait_online (v->pipeline, 10);
  if (too_much) {
    hostile_send_offer (v->peer, chromium_offer);
    hostile_flush (v->peer);
    /* It is the clock and nothing else. */
    account_clock_set_skew (f->identity[0], 0);
    assert_rings_next (v);
  } else {
    g_free (victim_connect (v));
    victim_wait_count (v, &v->frames[0], 20);
    victim_wait_count (v, &v->peer->rtp_received, 20);
    hostile_send_end (v->peer, NULL);
    victim_wait_end (v, "remote-hangup");
  }
  victim_free (v);
}

/* --- S19: limits --- */

#define CANDIDATES 3000            /* more than the 2048 nonces that are remembered of a peer */
#define SECTIONS 1000
/* Of one call: 256, and 32 more in each 10 s (docs/call-states.md), of which it lasts a minute at most */
#define MAX_CANDIDATES (256 + 6 * 32)
#define FLOOD "198.51.100.78"
/* What 4 calls of 64 candidates, and 2048 nonces take, with room; without limits it would be 3 times that. */
#define MAX_MORE_BYTES (1024 * 1024)

/* As long as they may be, of calls that may still come. @peak: when all have come */
static void
flood_candidates (Victim * v, Usage * peak)
{
  gchar *tail = g_strnfill (DAO_SIGNAL_MAX_CANDIDATE - 64, 'x');
  gchar *candidate = g_strconcat ("candidate:1 1 UDP 1 127.0.0.1 9 typ host ",
      tail, NULL);
  guint i;

  for (i = 0; i < CANDIDATES; i++) {
    hostile_send_candidate (v->peer, candidate);
    if (i % 500 == 0) {
      hostile_flush (v->peer);
      hostile_new_call (v->peer);
    }
  }
  hostile_flush (v->peer);
  usage_measure (peak);
  account_clock_stop (account_clock_now () + LATER_MS);
  g_free (candidate);
  g_free (tail);
}

static void
offer_sections (Victim * v)
{
  GString *sdp = g_string_new (chromium_offer);
  guint i;

  for (i = 0; i < SECTIONS; i++)
    g_string_append_printf (sdp, "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
        "a=mid:%u\r\n", i + 2);
  hostile_new_call (v->peer);
  hostile_send_offer (v->peer, sdp->str);
  victim_wait_state (v, "ringing");
  victim_act (v, "answer");
  victim_wait_end (v, "bad-sdp");
  victim_play_again (v);
  g_string_free (sdp, TRUE);
}

static void
send_long_offer (Victim * v)
{
  gchar *tail = g_strnfill (150 * 1024, 'x');
  gchar *sdp = g_strconcat (chromium_offer, "a=", tail, "\r\n", NULL);

  hostile_send_offer (v->peer, sdp);
  hostile_flush (v->peer);
  g_free (sdp);
  g_free (tail);
}

/* Signed, and with a number that is none of ours */
static void
send_json (Victim * v, const gchar * field, json_t * value)
{
  DaoSignal *signal;
  json_t *inner;

  hostile_new_call (v->peer);
  signal = hostile_signal (v->peer, DAO_SIGNAL_OFFER);
  signal->sdp = g_strdup (chromium_offer);
  inner = dao_signal_to_json (signal);
  json_object_set_new (inner, field, value);
  hostile_send_json (v->peer, inner, NULL, NULL);
  hostile_flush (v->peer);
  dao_signal_free (signal);
}

static void
attack_limits (Victim * v, Usage * peak)
{
  flood_candidates (v, peak);
  offer_sections (v);
  hostile_new_call (v->peer);
  send_long_offer (v);
  send_json (v, "gen", json_real (1e12));
  send_json (v, "gen", json_real (1e300));
  send_json (v, "gen", json_integer (65536));
  assert_rings_next (v);
  victim_play_again (v);
}

static void
test_limits (void)
{
  Victim *v = victim_callee_new (2, "");
  Usage before, peak, after;

  account_clock_stop (account_clock_now ());
  attack_limits (v, &peak);
  usage_settle (&before, NULL);
  attack_limits (v, &peak);
  usage_settle (&after, &before);
  usage_print (&before, "before");
  usage_print (&peak, "with all candidates");
  usage_print (&after, "after");
  g_assert_cmpint (peak.bytes, <, before.bytes + MAX_MORE_BYTES);
  g_assert_cmpuint (after.fds, <=, before.fds);
  g_assert_cmpuint (after.threads, <=, before.threads);
  g_assert_cmpint (after.bytes, <, before.bytes + MAX_MORE_BYTES);
  victim_free (v);
}

static gboolean
count_candidate (GSignalInvocationHint * hint, guint n,
    const GValue * values, gpointer added)
{
  if (g_strrstr (g_value_get_string (&values[2]), FLOOD))
    g_atomic_int_inc ((gint *) added);
  return TRUE;
}

/* In a call, each to another port */
static void
flood_call (Victim * v)
{
  guint i;

  for (i = 0; i < CANDIDATES; i++) {
    gchar *candidate = g_strdup_printf ("candidate:%u 1 UDP 1 " FLOOD
        " %u typ host", i, 1024 + i);

    hostile_send_candidate (v->peer, candidate);
    g_free (candidate);
    if (i % 100 == 0)
      hostile_pump (v->peer, 0);
  }
  hostile_flush (v->peer);
}

/* The call that is on goes on, and takes of them what docs/call-states.md says. */
static void
test_limits_in_a_call (void)
{
  Victim *v = victim_callee_new (2, "auto-answer=true");
  gchar *call_id, *offer;
  Usage before, after;
  gint added = 0;
  guint signal_id;
  gulong hook;

  account_clock_stop (account_clock_now ());
  offer = victim_connect (v);
  signal_id = g_signal_lookup ("add-ice-candidate",
      G_OBJECT_TYPE (v->peer->webrtc));
  hook = g_signal_add_emission_hook (signal_id, 0, count_candidate, &added,
      NULL);
  victim_wait_count (v, &v->frames[0], 20);
  usage_measure (&before);
  flood_call (v);
  /* They filled the memory of nonces, too. */
  account_clock_stop (account_clock_now () + LATER_MS);
  v->peer->gen++;
  send_long_offer (v);
  hostile_flush (v->peer);
  victim_wait_count (v, &v->frames[0], g_atomic_int_get (&v->frames[0]) + 20);
  victim_wait_count (v, &v->peer->rtp_received,
      g_atomic_int_get (&v->peer->rtp_received) + 20);
  usage_measure (&after);
  usage_print (&before, "before");
  usage_print (&after, "after");
  g_test_message ("%d candidates were taken", g_atomic_int_get (&added));
  g_assert_cmpint (g_atomic_int_get (&added), >, 0);
  g_assert_cmpint (g_atomic_int_get (&added), <=, MAX_CANDIDATES);
  g_assert_cmpint (after.bytes, <, before.bytes + MAX_MORE_BYTES);
  call_id = g_strdup (v->peer->call_id);
  hostile_send_end (v->peer, NULL);
  victim_wait_end (v, "remote-hangup");
  g_assert_cmpstr (v->peer->call_id, ==, call_id);
  g_signal_remove_emission_hook (signal_id, hook);
  g_free (call_id);
  g_free (offer);
  victim_free (v);
}

/* --- S20: an element that answers by itself --- */

static void
test_not_allowed (void)
{
  CallFixture *f = call_fixture_new (3);
  gchar *options = g_strdup_printf ("auto-answer=true allow=%s", f->alias[2]);
  Victim *v = victim_new (f, options);

  victim_play (v);
  call_wait_online (v->pipeline, 10);
  ring (v);
  hostile_flush (v->peer);
  g_assert_cmpint (g_atomic_int_get (&v->webrtcbins), ==, 0);
  assert_still_rings (v);
  g_free (options);
  victim_free (v);
}

int
main (int argc, char **argv)
{
  static const gint skews[] = { -61, -60, -59, 59, 60, 61 };
  guint i;

  call_test_init (&argc, &argv);
  g_test_add_func ("/attack/S9-foreign-signals", test_foreign_signals);
  g_test_add_func ("/attack/S9-hangup-of-the-call-before",
      test_hangup_of_the_call_before);
  g_test_add_func ("/attack/S10-busy", test_busy);
  g_test_add_func ("/attack/S10-recall", test_recall);
  g_test_add_func ("/attack/S11-answer-after-the-end",
      test_answer_after_the_end);
  g_test_add_func ("/attack/S12-user-answers-twice", test_user_answers_twice);
  g_test_add_func ("/attack/S13-stale-candidates", test_stale_candidates);
  g_test_add_func ("/attack/S14-second-answer", test_second_answer);
  g_test_add_func ("/attack/S15-replay", test_replay);
  g_test_add_func ("/attack/S15-replay-after-a-restart",
      test_replay_after_a_restart);
  for (i = 0; i < G_N_ELEMENTS (skews); i++) {
    gchar *path = g_strdup_printf ("/attack/S16-clock-skew/%+d", skews[i]);

    g_test_add_data_func (path, GINT_TO_POINTER (skews[i]), test_clock_skew);
    g_free (path);
  }
  g_test_add_func ("/attack/S19-limits", test_limits);
  g_test_add_func ("/attack/S19-limits-in-a-call", test_limits_in_a_call);
  g_test_add_func ("/attack/S20-not-allowed", test_not_allowed);
  return g_test_run ();
}
