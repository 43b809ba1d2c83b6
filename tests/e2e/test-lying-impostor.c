/* gst-dao: a relay that puts somebody else between Alice and Bob
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * His keys are good, he signs what he says, and the relay says that they are Alice's and Bob's. What protects is
 * that both have pinned each other's keys before; where they have not, the safety codes tell.
 */
#include "impostor.h"
#include "accountwatch.h"

typedef struct
{
  Stage *s;
  Impostor *impostor;
} Plot;

static void
plot (Plot * p)
{
  p->s = stage_new (2);
  p->impostor = impostor_new (p->s);
}

static void
plot_end (Plot * p)
{
  stage_free (p->s);
  impostor_free (p->impostor);
}

static void
take_over_both (Plot * p)
{
  impostor_take_over (p->impostor, 0, "call_");
  impostor_take_over (p->impostor, 1, "call_");
}

/* --- who knows nobody but him --- */

/* They accept the keys that the relay shows first. */
static void
trust_impostor (Plot * p, const gchar * alice, const gchar * bob)
{
  Stage *s = p->s;
  guint i;

  stage_leave (&s->alice);
  stage_leave (&s->bob);
  for (i = 0; i < 2; i++) {
    forget_contacts (s, i);
    impostor_show_keys (p->impostor, i);
    accept_shown (s, i, !i);
  }
  take_over_both (p);
  stage_enter_alice (s, alice);
  stage_enter_bob (s, bob);
}

/* Without keys of the call: all that the others of this file are refused works, so they are not refused for a mistake of his. */
static void
test_trusted (void)
{
  Plot p;
  gchar *hers, *his;

  plot (&p);
  trust_impostor (&p, "e2ee=off", "e2ee=off");
  hers = safety_code (p.s, 0, 1);
  his = safety_code (p.s, 1, 0);
  g_assert_cmpstr (hers, !=, his);
  call_end_play_online (p.s->bob);
  call_end_play (p.s->alice);
  call_end_wait_state (p.s->alice, "connected");
  call_end_wait_state (p.s->bob, "connected");
  stage_expect_more (p.s);
  stage_hang_up (p.s);
  g_assert_cmpuint (impostor_read (p.impostor), >, 3);
  g_assert_cmpuint (impostor_made_up (p.impostor), ==, 0);
  g_free (hers);
  g_free (his);
  plot_end (&p);
}

/* The keys of a call come of the session key, too, and are bound to who signs: who only reads signals and passes them on gives neither side the other's frames. */
static void
test_trusted_with_keys_of_the_call (void)
{
  Plot p;

  plot (&p);
  trust_impostor (&p, "e2ee=required", "e2ee=required");
  call_end_play_online (p.s->bob);
  call_end_play (p.s->alice);
  call_end_wait_state (p.s->alice, "connected");
  account_watch_set_rate (FAST);
  call_end_wait_end (p.s->alice, "media-timeout", stage_name_of (p.s, 1));
  g_assert_cmpint (g_atomic_int_get (&p.s->alice->frames), ==, 0);
  g_assert_cmpint (g_atomic_int_get (&p.s->bob->frames), ==, 0);
  plot_end (&p);
}

/* Nobody compared codes, and that is asked for. */
static void
test_trusted_but_not_verified (void)
{
  Plot p;

  plot (&p);
  trust_impostor (&p, "min-trust=verified", "");
  call_end_play_online (p.s->bob);
  call_end_play (p.s->alice);
  stage_expect_failure (p.s, "unverified");
  g_assert_cmpuint (lying_relay_count (p.s->relay, "call_", NULL), ==, 0);
  plot_end (&p);
}

/* Nobody accepted him: the relay alone makes no contact. */
static void
test_pending (void)
{
  Plot p;
  guint i;

  plot (&p);
  stage_leave (&p.s->alice);
  forget_contacts (p.s, 0);
  for (i = 0; i < 2; i++)
    impostor_show_keys (p.impostor, i);
  take_over_both (&p);
  stage_enter_alice (p.s, "");
  call_end_play_online (p.s->bob);
  call_end_play (p.s->alice);
  stage_expect_failure (p.s, "unknown-contact");
  g_assert_cmpuint (lying_relay_count (p.s->relay, "call_", NULL), ==, 0);
  plot_end (&p);
}

/* --- who knows the other's true keys --- */

/* @data: the accounts that are shown his keys, one bit each */
static void
test_changed_for_alice (gconstpointer data)
{
  guint shown = GPOINTER_TO_UINT (data), i;
  Plot p;

  plot (&p);
  for (i = 0; i < 2; i++)
    if (shown & 1 << i)
      impostor_show_keys (p.impostor, i);
  take_over_both (&p);
  call_end_play_online (p.s->bob);
  call_end_play (p.s->alice);
  stage_expect_failure (p.s, "contact-changed");
  g_assert_cmpuint (lying_relay_count (p.s->relay, "call_", NULL), ==, 0);
  plot_end (&p);
}

/* What comes in Alice's name is not even opened, whether the relay shows Bob the keys of who sealed it or not. */
static void
test_offer (gconstpointer shown)
{
  Plot p;
  guint n;

  plot (&p);
  if (shown)
    impostor_show_keys (p.impostor, 1);
  impostor_take_over (p.impostor, 0, "call_");
  account_watch_set_rate (FAST);
  call_end_play_online (p.s->bob);
  call_end_play (p.s->alice);
  stage_expect_failure (p.s, "no-answer");
  g_assert_false (call_end_has_state (p.s->bob, "ringing"));
  n = lying_relay_count (p.s->relay, "call_", stage_name_of (p.s, 0));
  g_assert_cmpuint (impostor_read (p.impostor), ==, 0);
  g_assert_cmpuint (impostor_made_up (p.impostor), ==, n);
  stage_wait_dropped (p.s->bob, DAO_ENVELOPE_ERROR_DECRYPT, n);
  plot_end (&p);
}

/* Bob has Alice's offer and answers it; what she gets instead is not his. */
static void
test_answer (void)
{
  Plot p;

  plot (&p);
  impostor_take_over (p.impostor, 1, "call_answer");
  account_watch_set_rate (FAST);
  call_end_play_online (p.s->bob);
  call_end_play (p.s->alice);
  stage_expect_failure (p.s, "no-answer");
  call_end_wait_end (p.s->bob, "remote-hangup", stage_name_of (p.s, 0));
  g_assert_cmpuint (impostor_made_up (p.impostor), ==, 1);
  stage_wait_dropped (p.s->alice, DAO_ENVELOPE_ERROR_DECRYPT, 1);
  plot_end (&p);
}

/* He cannot end it either. */
static void
test_in_a_call (void)
{
  Plot p;

  plot (&p);
  stage_call (p.s);
  take_over_both (&p);
  call_end_act (p.s->alice, "hangup");
  call_end_wait_end (p.s->alice, "local-hangup", stage_name_of (p.s, 1));
  stage_wait_dropped (p.s->bob, DAO_ENVELOPE_ERROR_DECRYPT, 1);
  account_watch_set_rate (FAST);
  call_end_wait_lost (p.s->bob, stage_name_of (p.s, 0));
  plot_end (&p);
}

#define PATH "/lying-relay/impostor/"

int
main (int argc, char **argv)
{
  call_test_init (&argc, &argv);
  g_test_add_func (PATH "trusted", test_trusted);
  g_test_add_func (PATH "trusted-with-keys-of-the-call",
      test_trusted_with_keys_of_the_call);
  g_test_add_func (PATH "trusted-but-not-verified",
      test_trusted_but_not_verified);
  g_test_add_func (PATH "pending", test_pending);
  g_test_add_data_func (PATH "changed-for-caller", GUINT_TO_POINTER (1),
      test_changed_for_alice);
  g_test_add_data_func (PATH "changed-for-both", GUINT_TO_POINTER (3),
      test_changed_for_alice);
  g_test_add_data_func (PATH "offer", NULL, test_offer);
  g_test_add_data_func (PATH "offer-and-changed-for-callee", "shown",
      test_offer);
  g_test_add_func (PATH "answer", test_answer);
  g_test_add_func (PATH "in-a-call", test_in_a_call);
  return g_test_run ();
}
