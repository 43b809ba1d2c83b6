/* gst-dao: Alice and Bob, with a relay between them that may lie
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "lyingstage.h"
#include "accountwatch.h"

/* What must not happen gets so long to happen. */
#define OBSERVE_US (300 * G_TIME_SPAN_MILLISECOND)

const gchar *
stage_name_of (Stage * s, guint account)
{
  return s->f->alias[account];
}

void
stage_enter_alice (Stage * s, const gchar * options)
{
  s->alice = call_end_new (s->f, 0, "relay=%s peer=%s %s",
      lying_relay_url (s->relay), stage_name_of (s, 1), options);
}

void
stage_enter_bob (Stage * s, const gchar * options)
{
  s->bob = call_end_new (s->f, 1, "relay=%s auto-answer=true %s",
      lying_relay_url (s->relay), options);
}

Stage *
stage_new (guint n_accounts)
{
  Stage *s = g_new0 (Stage, 1);

  s->f = call_fixture_new (n_accounts);
  s->relay = lying_relay_new (s->f);
  stage_enter_alice (s, "");
  stage_enter_bob (s, "");
  return s;
}

void
stage_leave (CallEnd ** end)
{
  g_clear_pointer (end, call_end_free);
}

void
stage_free (Stage * s)
{
  stage_leave (&s->alice);
  stage_leave (&s->bob);
  lying_relay_free (s->relay);
  call_fixture_free (s->f);
  account_watch_set_rate (1);
  account_watch_set_timing (NULL);
  g_free (s);
}

/* Each hears the other. */
void
stage_expect_talk (Stage * s)
{
  call_end_wait_talk (s->alice, s->bob->alias);
  call_end_wait_talk (s->bob, s->alice->alias);
}

void
stage_call (Stage * s)
{
  call_end_play_online (s->bob);
  call_end_play (s->alice);
  stage_expect_talk (s);
}

void
stage_hang_up (Stage * s)
{
  call_end_act (s->alice, "hangup");
  call_end_wait_end (s->alice, "local-hangup", s->bob->alias);
  call_end_wait_end (s->bob, "remote-hangup", s->alice->alias);
}

/* The next call of the same two */
void
stage_call_again (Stage * s)
{
  call_end_play_again (s->bob);
  call_end_play_again (s->alice);
  stage_expect_talk (s);
}

void
stage_observe (void)
{
  g_usleep (OBSERVE_US);
}

void
stage_tell (Stage * s, Lie lie)
{
  lying_relay_tell (s->relay, &lie);
}

/* In the end: frames come on the thread of the relay. */
void
stage_wait_dropped (CallEnd * end, DaoEnvelopeError why, guint64 n)
{
  gint64 deadline = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;

  while (account_watch_dropped (end->alias, why) < n
      && g_get_monotonic_time () < deadline)
    g_usleep (5000);
  g_assert_cmpuint (account_watch_dropped (end->alias, why), ==, n);
}

/* Alice's call came to nothing, for that reason; nobody was heard. */
void
stage_expect_failure (Stage * s, const gchar * reason)
{
  call_end_wait_end (s->alice, reason, stage_name_of (s, 1));
  call_end_assert_no_media (s->alice);
  call_end_assert_no_media (s->bob);
}

/* It goes on. */
void
stage_expect_more (Stage * s)
{
  call_end_wait_more (&s->alice->frames, 10);
  call_end_wait_more (&s->bob->frames, 10);
  g_assert_false (call_end_has_state (s->alice, "ended"));
  g_assert_false (call_end_has_state (s->bob, "ended"));
}
