/* gst-dao: a relay that is slow on purpose, and one that changes the order
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A signal is good for a minute (protocol.md e.5). Within that a late one does what it says if the call still waits for it;
 * after that it is dropped, whatever it says.
 */
#include "lyingstage.h"
#include "accountwatch.h"

/* Releases what is held when everybody's clock has gone on by so much. */
static void
release_after (Stage * s, gint64 ms)
{
  account_watch_set_skew (s->alice->alias, ms);
  account_watch_set_skew (s->bob->alias, ms);
  lying_relay_release (s->relay, FALSE);
}

static void
wait_unrouted (CallEnd * end, guint64 n)
{
  gint64 deadline = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;

  while (account_watch_unrouted (end->alias) < n) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (5000);
  }
}

/* At least so many were too late: what else was under way when the clock went on is, too. */
static void
wait_late (CallEnd * end, guint64 n)
{
  gint64 deadline = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;

  while (account_watch_dropped (end->alias, DAO_ENVELOPE_ERROR_TIME) < n) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (5000);
  }
}

/* --- offers --- */

/* The offer arrives when Bob's clock has gone on by so much. */
static void
delay_offer (Stage * s, gint64 ms)
{
  stage_tell (s, (Lie) {LIE_HOLD, "call_offer", .times = 1});
  call_end_play_online (s->bob);
  call_end_play (s->alice);
  g_free (lying_relay_get (s->relay, "call_offer", NULL, 0));
  account_watch_set_skew (s->bob->alias, ms);
  lying_relay_release (s->relay, FALSE);
}

static void
test_offer_within_a_minute (void)
{
  Stage *s = stage_new (2);

  delay_offer (s, 58 * 1000);
  stage_expect_talk (s);
  stage_hang_up (s);
  stage_free (s);
}

static void
test_offer_over_a_minute (void)
{
  Stage *s = stage_new (2);

  account_watch_set_rate (FAST);
  delay_offer (s, 61 * 1000);
  stage_expect_failure (s, "no-answer");
  g_assert_false (call_end_has_state (s->bob, "ringing"));
  g_assert_cmpuint (account_watch_dropped (s->bob->alias,
          DAO_ENVELOPE_ERROR_TIME), >, 0);
  stage_free (s);
}

/* --- answers --- */

static void
hold_answer (Stage * s)
{
  stage_tell (s, (Lie) {LIE_HOLD, "call_answer", .times = 1});
  call_end_play_online (s->bob);
  call_end_play (s->alice);
  g_free (lying_relay_get (s->relay, "call_answer", NULL, 0));
  call_end_wait_state (s->bob, "connecting");
}

static void
test_answer_within_a_minute (void)
{
  Stage *s = stage_new (2);

  hold_answer (s);
  release_after (s, 58 * 1000);
  stage_expect_talk (s);
  stage_hang_up (s);
  stage_free (s);
}

static void
test_answer_over_a_minute (void)
{
  Stage *s = stage_new (2);

  hold_answer (s);
  release_after (s, 61 * 1000);
  wait_late (s->alice, 1);
  account_watch_set_rate (FAST);
  stage_expect_failure (s, "no-answer");
  call_end_wait_end (s->bob, "remote-hangup", stage_name_of (s, 0));
  stage_free (s);
}

/* Still good, but her 15 s are over: it revives nothing (protocol.md f). */
static void
test_answer_after_the_end (void)
{
  Stage *s = stage_new (2);

  hold_answer (s);
  account_watch_set_rate (FAST);
  stage_expect_failure (s, "no-answer");
  call_end_wait_end (s->bob, "remote-hangup", stage_name_of (s, 0));
  lying_relay_release (s->relay, FALSE);
  wait_unrouted (s->alice, 1);
  stage_observe ();
  g_assert_false (call_end_has_state (s->alice, "connecting"));
  call_end_assert_no_media (s->alice);
  call_end_assert_no_media (s->bob);
  stage_free (s);
}

/* --- candidates --- */

static void
hold_candidates (Stage * s)
{
  stage_tell (s, (Lie) {LIE_HOLD, "call_ice"});
  call_end_play_online (s->bob);
  call_end_play (s->alice);
  call_end_wait_state (s->alice, "connecting");
  g_free (lying_relay_get (s->relay, "call_ice", stage_name_of (s, 0), 0));
  g_free (lying_relay_get (s->relay, "call_ice", stage_name_of (s, 1), 0));
  stage_observe ();
  g_assert_false (call_end_has_state (s->alice, "connected"));
  lying_relay_be_honest (s->relay);
}

static void
test_candidates_within_a_minute (void)
{
  Stage *s = stage_new (2);

  hold_candidates (s);
  release_after (s, 58 * 1000);
  stage_expect_talk (s);
  stage_hang_up (s);
  stage_free (s);
}

static void
test_candidates_over_a_minute (void)
{
  Stage *s = stage_new (2);
  guint hers, his;

  hold_candidates (s);
  hers = lying_relay_count (s->relay, "call_ice", stage_name_of (s, 0));
  his = lying_relay_count (s->relay, "call_ice", stage_name_of (s, 1));
  release_after (s, 61 * 1000);
  wait_late (s->bob, hers);
  wait_late (s->alice, his);
  /* each by its own clock */
  stage_tell (s, (Lie) {LIE_DROP, "call_hangup"});
  account_watch_set_rate (FAST);
  stage_expect_failure (s, "connect-timeout");
  call_end_wait_end (s->bob, "connect-timeout", stage_name_of (s, 0));
  stage_free (s);
}

/* --- hangups --- */

static void
hold_hangup (Stage * s)
{
  stage_tell (s, (Lie) {LIE_HOLD, "call_hangup", .times = 1});
  stage_call (s);
  call_end_act (s->alice, "hangup");
  call_end_wait_end (s->alice, "local-hangup", stage_name_of (s, 1));
  g_free (lying_relay_get (s->relay, "call_hangup", stage_name_of (s, 0), 0));
}

static void
test_hangup_within_a_minute (void)
{
  Stage *s = stage_new (2);

  hold_hangup (s);
  release_after (s, 58 * 1000);
  call_end_wait_end (s->bob, "remote-hangup", stage_name_of (s, 0));
  stage_free (s);
}

static void
test_hangup_over_a_minute (void)
{
  Stage *s = stage_new (2);

  hold_hangup (s);
  release_after (s, 61 * 1000);
  wait_late (s->bob, 1);
  account_watch_set_rate (FAST);
  call_end_wait_lost (s->bob, stage_name_of (s, 0));
  stage_free (s);
}

/* It comes when the two are in their next call: it is not of that one. */
static void
test_hangup_in_the_next_call (void)
{
  Stage *s = stage_new (2);

  hold_hangup (s);
  account_watch_set_rate (FAST);
  call_end_wait_lost (s->bob, stage_name_of (s, 0));
  account_watch_set_rate (1);
  stage_call_again (s);
  lying_relay_release (s->relay, FALSE);
  wait_unrouted (s->bob, 1);
  stage_expect_more (s);
  stage_hang_up (s);
  stage_free (s);
}

/* --- out of order --- */

/* Nothing of a call arrives until it is over for Alice: then, the end first. */
static void
test_reorder_hangup_first (void)
{
  Stage *s = stage_new (2);
  guint n;

  stage_tell (s, (Lie) {LIE_HOLD, "call_", stage_name_of (s, 0)});
  call_end_play_online (s->bob);
  call_end_play (s->alice);
  g_free (lying_relay_get (s->relay, "call_offer", NULL, 0));
  call_end_act (s->alice, "hangup");
  g_free (lying_relay_get (s->relay, "call_hangup", NULL, 0));
  n = lying_relay_count (s->relay, "call_", stage_name_of (s, 0));
  lying_relay_release (s->relay, TRUE);
  while (account_watch_unrouted (s->bob->alias) < n)
    g_usleep (5000);
  g_assert_false (call_end_has_state (s->bob, "ringing"));
  stage_expect_failure (s, "local-hangup");
  stage_free (s);
}

/* Candidates before their offer: nothing is lost. */
static void
test_reorder_candidates_first (void)
{
  Stage *s = stage_new (2);

  stage_tell (s, (Lie) {LIE_HOLD, "call_", stage_name_of (s, 0)});
  call_end_play_online (s->bob);
  call_end_play (s->alice);
  g_free (lying_relay_get (s->relay, "call_ice", stage_name_of (s, 0), 0));
  lying_relay_be_honest (s->relay);
  lying_relay_release (s->relay, TRUE);
  stage_expect_talk (s);
  stage_hang_up (s);
  stage_free (s);
}

#define ADD(name, func) g_test_add_func ("/lying-relay/" name, func)

int
main (int argc, char **argv)
{
  call_test_init (&argc, &argv);
  ADD ("delay/offer-within-a-minute", test_offer_within_a_minute);
  ADD ("delay/offer-over-a-minute", test_offer_over_a_minute);
  ADD ("delay/answer-within-a-minute", test_answer_within_a_minute);
  ADD ("delay/answer-over-a-minute", test_answer_over_a_minute);
  ADD ("delay/answer-after-the-end", test_answer_after_the_end);
  ADD ("delay/candidates-within-a-minute", test_candidates_within_a_minute);
  ADD ("delay/candidates-over-a-minute", test_candidates_over_a_minute);
  ADD ("delay/hangup-within-a-minute", test_hangup_within_a_minute);
  ADD ("delay/hangup-over-a-minute", test_hangup_over_a_minute);
  ADD ("delay/hangup-in-the-next-call", test_hangup_in_the_next_call);
  ADD ("reorder/hangup-first", test_reorder_hangup_first);
  ADD ("reorder/candidates-first", test_reorder_candidates_first);
  return g_test_run ();
}
