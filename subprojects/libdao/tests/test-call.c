/* gst-dao: the life of a call, from both sides, on a simulated clock
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "call-sim.h"

#include <string.h>

/* --- caller --- */

static void
test_caller_happy_path (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_start (sim, "alice", "OUT1", TRUE);
  sim_expect (sim, "state calling", "create-offer video",
      "send call_offer alice OUT1", NULL);
  g_assert_true (dao_call_is_video (sim->call));
  g_assert_cmpint (dao_call_get_role (sim->call), ==, DAO_ROLE_CALLER);

  sim_answered (sim, "alice", "OUT1", 1);
  sim_expect (sim, "keys", "apply-answer", "state connecting", NULL);
  sim_transport (sim, DAO_TRANSPORT_CONNECTING);
  sim_transport (sim, DAO_TRANSPORT_CONNECTED);
  sim_expect (sim, "state connected", NULL);
  g_assert_true (sim_hangup (sim));
  sim_expect (sim, "send call_hangup alice OUT1", "close",
      "state hangup (local-hangup)", NULL);
  g_assert_cmpint (dao_call_get_deadline (sim->call), ==, -1);
}

static void
test_offer_says_what_we_are (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);
  const DaoSignal *offer;

  sim_start (sim, "alice", "OUT1", FALSE);
  offer = sim_last_sent (sim, DAO_SIGNAL_OFFER);
  g_assert_cmpstr (offer->from, ==, "bob");
  g_assert_cmpstr (offer->to, ==, "alice");
  g_assert_cmpuint (offer->ext, ==, 1);
  g_assert_cmpuint (offer->leg, ==, 0);
  g_assert_cmpuint (offer->gen, ==, 1);
  g_assert_true (offer->e2ee);
  g_assert_cmpstr (offer->sdp, ==, SIM_SDP);
}

static void
test_random_call_id (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_start (sim, "alice", NULL, FALSE);
  g_assert_true (g_uuid_string_is_valid (dao_call_get_id (sim->call)));
}

static void
test_answer_timeout (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim->manual = TRUE;
  sim_start (sim, "alice", "OUT1", FALSE);
  sim_advance (sim, 5000);      /* media and ICE servers take their time */
  sim_describe (sim, SIM_SDP);
  sim_forget (sim);
  sim_advance (sim, 14999);
  sim_expect (sim, NULL);
  sim_advance (sim, 1);
  sim_expect (sim, "error no-answer", "send call_hangup alice OUT1 (timeout)",
      "close", "state ended (no-answer)", NULL);
}

static void
test_offer_never_made (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim->manual = TRUE;
  sim_start (sim, "alice", "OUT1", FALSE);
  sim_forget (sim);
  sim_advance (sim, 60000);
  sim_expect (sim, "error internal", "close", "state ended (internal)", NULL);
}

static void
check_reject (const gchar * wire, const gchar * line)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_start (sim, "alice", "OUT1", FALSE);
  sim_forget (sim);
  sim_end (sim, DAO_SIGNAL_REJECT, "alice", "OUT1", wire);
  sim_expect (sim, "close", line, NULL);
}

static void
test_reject_reasons (void)
{
  check_reject (NULL, "state rejected (declined)");
  check_reject ("declined", "state rejected (declined)");
  check_reject ("something new", "state rejected (declined)");
  check_reject ("busy", "state rejected (busy)");
  check_reject ("timeout", "state rejected (no-answer)");
  check_reject ("e2ee-required", "state rejected (e2ee-required)");
  check_reject ("failed", "state rejected (remote-failed)");
}

static void
check_remote_hangup (const gchar * wire, const gchar * line)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_callee (sim);
  sim_end (sim, DAO_SIGNAL_HANGUP, "alice", "IN1", wire);
  sim_expect (sim, "close", line, NULL);
}

static void
test_hangup_reasons (void)
{
  check_remote_hangup (NULL, "state hangup (remote-hangup)");
  check_remote_hangup ("timeout", "state hangup (remote-hangup)");
  check_remote_hangup ("failed", "state hangup (remote-failed)");
  check_remote_hangup ("e2ee-required", "state hangup (e2ee-required)");
}

static void
check_start_refused (DaoTrust trust, DaoTrust min_trust, const gchar * error,
    const gchar * state)
{
  const DaoCallConfig config = {.min_trust = min_trust };
  g_autoptr (Sim) sim = sim_new_full ("bob", &config);

  sim_contact (sim, "alice")->trust = trust;
  sim_start (sim, "alice", "OUT1", FALSE);
  sim_expect (sim, error, "close", state, NULL);
}

static void
test_start_refused (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_start (sim, "nobody", "OUT1", FALSE);
  sim_expect (sim, "error unknown-contact", "close",
      "state ended (unknown-contact)", NULL);
  sim_start (sim, "bob", "OUT2", FALSE);        /* ourselves */
  sim_expect (sim, "state idle", "error unknown-contact", "close",
      "state ended (unknown-contact)", NULL);
  check_start_refused (DAO_TRUST_CHANGED, DAO_TRUST_UNVERIFIED,
      "error contact-changed", "state ended (contact-changed)");
  check_start_refused (DAO_TRUST_UNVERIFIED, DAO_TRUST_VERIFIED,
      "error unverified", "state ended (unverified)");
}

static void
test_next_call_leaves_through_idle (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  sim_hangup (sim);
  sim_forget (sim);
  sim_start (sim, "carol", "OUT2", FALSE);
  sim_expect (sim, "state idle", "state calling", "create-offer",
      "send call_offer carol OUT2", NULL);
  sim_hangup (sim);
  sim_forget (sim);
  sim_offer (sim, "alice", "IN9", 1);
  sim_expect (sim, "state idle", "incoming", "state ringing", NULL);
}

/* --- callee --- */

static void
test_callee_happy_path (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);
  DaoSignal *offer = sim_signal (sim, DAO_SIGNAL_OFFER, "alice", "IN1");

  offer->sdp = g_strdup (SIM_SDP_VIDEO);
  offer->gen = 7;
  sim_receive (sim, offer);
  sim_expect (sim, "incoming video", "state ringing", NULL);
  g_assert_true (sim_answer (sim));
  sim_expect (sim, "keys", "create-answer video", "send call_answer alice IN1",
      "state connecting", NULL);
  g_assert_cmpuint (sim_last_sent (sim, DAO_SIGNAL_ANSWER)->gen, ==, 7);
  sim_transport (sim, DAO_TRANSPORT_CONNECTED);
  sim_expect (sim, "state connected", NULL);
  sim_end (sim, DAO_SIGNAL_HANGUP, "alice", "IN1", NULL);
  sim_expect (sim, "close", "state hangup (remote-hangup)", NULL);
}

static void
test_callee_rejects (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_offer (sim, "alice", "IN1", 1);
  sim_forget (sim);
  g_assert_true (dao_call_reject (sim->call, sim->now));
  sim_run (sim);
  sim_expect (sim, "send call_reject alice IN1 (declined)", "close",
      "state rejected (local-reject)", NULL);
  g_assert_false (dao_call_reject (sim->call, sim->now));
}

static void
test_hangup_while_ringing (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_offer (sim, "alice", "IN1", 1);
  sim_forget (sim);
  g_assert_true (sim_hangup (sim));
  sim_expect (sim, "send call_hangup alice IN1", "close",
      "state hangup (local-hangup)", NULL);
}

static void
test_ring_timeout (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_offer (sim, "alice", "IN1", 1);
  sim_forget (sim);
  sim_advance (sim, 59999);
  sim_expect (sim, NULL);
  sim_advance (sim, 1);
  sim_expect (sim, "send call_reject alice IN1 (timeout)", "close",
      "state ended (ring-timeout)", NULL);
}

static void
test_missed_call (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_offer (sim, "alice", "IN1", 1);
  sim_forget (sim);
  sim_end (sim, DAO_SIGNAL_HANGUP, "alice", "IN1", "timeout");
  sim_expect (sim, "close", "state hangup (ring-timeout)", NULL);
  g_assert_false (sim_answer (sim));
  sim_expect (sim, NULL);
}

static void
test_connect_timeout (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_offer (sim, "alice", "IN1", 1);
  sim_answer (sim);
  sim_forget (sim);
  /* webrtcbin.md 5: failed during setup is not final */
  sim_advance (sim, 10000);
  sim_transport (sim, DAO_TRANSPORT_FAILED);
  sim_expect (sim, NULL);
  sim_advance (sim, 20000);
  sim_expect (sim, "error connect-timeout",
      "send call_hangup alice IN1 (timeout)", "close",
      "state ended (connect-timeout)", NULL);
}

static void
check_auto_answer (const gchar * const *allow, DaoTrust min_trust,
    DaoTrust trust, const gchar * second_line)
{
  const DaoCallConfig config = {.auto_answer = TRUE,.allow = allow,
    .min_trust = min_trust
  };
  g_autoptr (Sim) sim = sim_new_full ("bob", &config);

  sim->auto_consent = TRUE;
  sim_contact (sim, "alice")->trust = trust;
  sim_offer (sim, "alice", "IN1", 1);
  g_assert_cmpuint (sim->lines->len, >, 1);
  g_assert_cmpstr (sim->lines->pdata[sim->lines->len - 1], ==, second_line);
}

/* field.md S20 */
static void
test_auto_answer (void)
{
  const gchar *alice[] = { "dave", "alice", NULL };
  const gchar *carol[] = { "carol", NULL };
  const gchar *none[] = { NULL };

  check_auto_answer (NULL, DAO_TRUST_UNVERIFIED, DAO_TRUST_UNVERIFIED,
      "state connecting");
  check_auto_answer (none, DAO_TRUST_UNVERIFIED, DAO_TRUST_UNVERIFIED,
      "state connecting");
  check_auto_answer (alice, DAO_TRUST_UNVERIFIED, DAO_TRUST_UNVERIFIED,
      "state connecting");
  check_auto_answer (carol, DAO_TRUST_UNVERIFIED, DAO_TRUST_UNVERIFIED,
      "state ringing");
  check_auto_answer (NULL, DAO_TRUST_VERIFIED, DAO_TRUST_VERIFIED,
      "state connecting");
  check_auto_answer (NULL, DAO_TRUST_VERIFIED, DAO_TRUST_UNVERIFIED,
      "send call_reject alice IN1 (declined)");
  check_auto_answer (NULL, DAO_TRUST_UNVERIFIED, DAO_TRUST_CHANGED,
      "send call_reject alice IN1 (declined)");
}

static void
test_config_counts_from_the_next_call (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_OFF);
  const DaoCallConfig config = {.own_alias = "bob",.e2ee = DAO_E2EE_REQUIRED };

  sim_start (sim, "alice", "OUT1", FALSE);
  dao_call_set_config (sim->call, &config);
  sim_answered (sim, "alice", "OUT1", 1);
  sim_assert_state (sim, DAO_CALL_CONNECTING);
  sim_hangup (sim);
  sim_start (sim, "alice", "OUT2", FALSE);
  g_assert_true (sim_last_sent (sim, DAO_SIGNAL_OFFER)->e2ee);
}

/* --- candidates --- */

static void
test_local_candidates_wait_for_the_description (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim->manual = TRUE;
  sim_start (sim, "alice", "OUT1", FALSE);
  sim_forget (sim);
  sim_candidate (sim, "candidate:1");
  sim_expect (sim, NULL);
  sim_describe (sim, SIM_SDP);
  sim_expect (sim, "send call_offer alice OUT1", "send call_ice alice OUT1",
      NULL);
  sim_candidate (sim, "candidate:2");
  sim_expect (sim, "send call_ice alice OUT1", NULL);
  g_assert_cmpuint (sim_last_sent (sim, DAO_SIGNAL_ICE)->gen, ==, 1);
}

static void
test_remote_candidates_wait_for_the_description (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim->manual = TRUE;
  sim_ice (sim, "alice", "IN1", "candidate:early", 1);
  sim_offer (sim, "alice", "IN1", 1);
  sim_ice (sim, "alice", "IN1", "candidate:ringing", 1);
  sim_expect (sim, "incoming", "state ringing", NULL);
  sim_answer (sim);
  sim_ice (sim, "alice", "IN1", "candidate:answering", 1);
  sim_expect (sim, "keys", "create-answer", NULL);
  dao_call_remote_description_applied (sim->call, sim->now);
  sim_run (sim);
  sim_expect (sim, "add candidate:early", "add candidate:ringing",
      "add candidate:answering", NULL);
  sim_ice (sim, "alice", "IN1", "", 1);
  sim_expect (sim, "add ", NULL);
}

/* --- outbox --- */

static void
test_offline_offer_waits (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_online (sim, FALSE);
  sim_start (sim, "alice", "OUT1", FALSE);
  sim_candidate (sim, "candidate:1");
  sim_expect (sim, "state calling", "create-offer", NULL);
  sim_advance (sim, 20000);
  sim_online (sim, TRUE);
  sim_expect (sim, "send call_offer alice OUT1", "send call_ice alice OUT1",
      NULL);
  /* the 15 s begin now */
  sim_advance (sim, 14999);
  sim_assert_state (sim, DAO_CALL_CALLING);
  sim_advance (sim, 1);
  sim_assert_reason (sim, DAO_CALL_REASON_NO_ANSWER);
}

static void
test_offline_offer_gives_up (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_online (sim, FALSE);
  sim_start (sim, "alice", "OUT1", FALSE);
  sim_forget (sim);
  sim_advance (sim, 60000);
  sim_expect (sim, "error signaling", "close", "state ended (signaling)", NULL);
  sim_online (sim, TRUE);
  sim_expect (sim, NULL);
}

static void
test_offline_hangup_is_sent_later (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  sim_online (sim, FALSE);
  sim_candidate (sim, "candidate:late");
  sim_hangup (sim);
  sim_expect (sim, "close", "state hangup (local-hangup)", NULL);
  sim_advance (sim, 60000);
  sim_online (sim, TRUE);
  sim_expect (sim, "send call_hangup alice OUT1", NULL);
  sim_online (sim, FALSE);
  sim_online (sim, TRUE);
  sim_expect (sim, NULL);
}

static void
test_offline_hangup_grows_old (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  sim_online (sim, FALSE);
  sim_hangup (sim);
  sim_forget (sim);
  sim_advance (sim, 60001);
  sim_online (sim, TRUE);
  sim_expect (sim, NULL);
}

static void
test_unsent_call_needs_no_hangup (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_online (sim, FALSE);
  sim_start (sim, "alice", "OUT1", FALSE);
  sim_hangup (sim);
  sim_forget (sim);
  sim_online (sim, TRUE);
  sim_expect (sim, NULL);
}

static void
test_outbox_is_bounded (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  sim_online (sim, FALSE);
  for (guint i = 0; i < 1000; i++)
    sim_candidate (sim, "candidate:1");
  sim_online (sim, TRUE);
  g_assert_cmpuint (sim_count_sent (sim, DAO_SIGNAL_ICE), ==,
      DAO_CALL_MAX_CANDIDATES);
}

static void
test_names (void)
{
  for (guint i = 0; i <= DAO_CALL_ENDED; i++)
    for (guint j = 0; j < i; j++)
      g_assert_cmpstr (dao_call_state_to_string (i), !=,
          dao_call_state_to_string (j));
  for (guint i = 0; i <= DAO_CALL_REASON_REMOTE_FAILED; i++) {
    g_assert_cmpuint (strlen (dao_call_reason_to_text (i)), >, 0);
    for (guint j = 0; j < i; j++)
      g_assert_cmpstr (dao_call_reason_to_string (i), !=,
          dao_call_reason_to_string (j));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/call/" #name, test_##name)
  ADD (caller_happy_path);
  ADD (offer_says_what_we_are);
  ADD (random_call_id);
  ADD (answer_timeout);
  ADD (offer_never_made);
  ADD (reject_reasons);
  ADD (hangup_reasons);
  ADD (start_refused);
  ADD (next_call_leaves_through_idle);
  ADD (callee_happy_path);
  ADD (callee_rejects);
  ADD (hangup_while_ringing);
  ADD (ring_timeout);
  ADD (missed_call);
  ADD (connect_timeout);
  ADD (auto_answer);
  ADD (config_counts_from_the_next_call);
  ADD (local_candidates_wait_for_the_description);
  ADD (remote_candidates_wait_for_the_description);
  ADD (offline_offer_waits);
  ADD (offline_offer_gives_up);
  ADD (offline_hangup_is_sent_later);
  ADD (offline_hangup_grows_old);
  ADD (unsent_call_needs_no_hangup);
  ADD (outbox_is_bounded);
  ADD (names);
  return g_test_run ();
}
