/* gst-dao: what a call must never do, one test a guard
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Names begin with the id of the attack in docs/security.md; frame encryption is in test-call-e2ee.c.
 */
#include "call-sim.h"

/* --- whose signal, which call --- */

static void
test_S9_foreign_hangup (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);
  guint64 before;

  sim_connect_caller (sim);
  before = dao_call_get_ignored (sim->call);
  sim_end (sim, DAO_SIGNAL_HANGUP, "carol", "OUT1", NULL);
  sim_end (sim, DAO_SIGNAL_REJECT, "carol", "OUT1", NULL);
  sim_expect (sim, NULL);
  sim_assert_state (sim, DAO_CALL_CONNECTED);
  g_assert_cmpuint (dao_call_get_ignored (sim->call), ==, before + 2);
}

static void
test_S9_wrong_call_id (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_callee (sim);
  sim_end (sim, DAO_SIGNAL_HANGUP, "alice", "IN0", NULL);
  sim_end (sim, DAO_SIGNAL_REJECT, "alice", "IN0", NULL);
  sim_answered (sim, "alice", "IN0", 1);
  sim_expect (sim, NULL);
  sim_assert_state (sim, DAO_CALL_CONNECTED);
}

static void
test_wrong_recipient (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);
  DaoSignal *signal = sim_signal (sim, DAO_SIGNAL_OFFER, "alice", "IN1");

  signal->sdp = g_strdup (SIM_SDP);
  g_free (signal->to);
  signal->to = g_strdup ("carol");
  sim_receive (sim, signal);
  sim_expect (sim, NULL);

  /* with e2ee it must be there */
  signal = sim_signal (sim, DAO_SIGNAL_OFFER, "alice", "IN1");
  signal->sdp = g_strdup (SIM_SDP);
  signal->e2ee = TRUE;
  g_clear_pointer (&signal->to, g_free);
  sim_receive (sim, signal);
  sim_expect (sim, NULL);
}

static void
test_S2_answer_from_third_party (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_start (sim, "alice", "OUT1", FALSE);
  sim_forget (sim);
  sim_answered (sim, "carol", "OUT1", 1);
  sim_expect (sim, NULL);
  sim_answered (sim, "alice", "OUT1", 1);
  sim_expect (sim, "keys", "apply-answer", "state connecting", NULL);
}

/* "connect" sent by the caller */
static void
test_S2_answer_from_caller (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_offer (sim, "alice", "IN1", 1);
  sim_forget (sim);
  sim_answered (sim, "alice", "IN1", 1);
  sim_expect (sim, NULL);
  sim_assert_state (sim, DAO_CALL_RINGING);
}

static void
test_S14_double_answer (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_start (sim, "alice", "OUT1", FALSE);
  sim_answered (sim, "alice", "OUT1", 1);
  sim_forget (sim);
  sim_answered (sim, "alice", "OUT1", 1);
  sim_transport (sim, DAO_TRANSPORT_CONNECTED);
  sim_answered (sim, "alice", "OUT1", 1);
  sim_expect (sim, "state connected", NULL);
}

static void
test_S12_answer_while_answering (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim->manual = TRUE;
  sim_offer (sim, "alice", "IN1", 1);
  g_assert_true (sim_answer (sim));
  sim_forget (sim);
  g_assert_false (sim_answer (sim));
  sim_expect (sim, "error none", NULL);
  sim_describe (sim, SIM_SDP);
  sim_expect (sim, "send call_answer alice IN1", "state connecting", NULL);
  sim_describe (sim, SIM_SDP);
  sim_expect (sim, NULL);
}

/* An answer cannot be to an offer that nobody has seen. */
static void
test_answer_before_offer (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim->manual = TRUE;
  sim_start (sim, "alice", "OUT1", FALSE);
  sim_forget (sim);
  sim_answered (sim, "alice", "OUT1", 1);
  sim_expect (sim, NULL);
  sim_online (sim, FALSE);
  sim_describe (sim, SIM_SDP);
  sim_answered (sim, "alice", "OUT1", 1);
  sim_expect (sim, NULL);
}

static void
test_S11_late_answer (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_start (sim, "alice", "OUT1", FALSE);
  sim_forget (sim);
  sim_advance (sim, 15000);
  sim_expect (sim, "error no-answer", "send call_hangup alice OUT1 (timeout)",
      "close", "state ended (no-answer)", NULL);
  sim_answered (sim, "alice", "OUT1", 1);
  sim_expect (sim, NULL);
  sim_assert_state (sim, DAO_CALL_ENDED);
}

static void
test_S15_ended_id_not_revived (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_offer (sim, "alice", "IN1", 1);
  sim_end (sim, DAO_SIGNAL_HANGUP, "alice", "IN1", NULL);
  sim_forget (sim);
  sim_offer (sim, "alice", "IN1", 2);
  sim_expect (sim, NULL);
  sim_assert_state (sim, DAO_CALL_HANGUP);
  /* the same id of someone else is another call */
  sim_offer (sim, "carol", "IN1", 1);
  sim_expect (sim, "state idle", "incoming", "state ringing", NULL);
}

/* --- consent --- */

static void
test_S3_no_peer_connection_before_consent (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_offer (sim, "alice", "IN1", 1);
  sim_expect (sim, "incoming", "state ringing", NULL);
  sim_offer (sim, "alice", "IN1", 2);
  sim_ice (sim, "alice", "IN1", "candidate:1", 2);
  sim_answered (sim, "alice", "IN1", 1);
  sim_describe (sim, SIM_SDP);
  sim_candidate (sim, "candidate:local");
  dao_call_remote_description_applied (sim->call, sim->now);
  sim_transport (sim, DAO_TRANSPORT_CONNECTED);
  sim_expect (sim, NULL);
  sim_assert_state (sim, DAO_CALL_RINGING);
}

/* Hung up before the driver got to answering: it must not begin. */
static void
test_nothing_is_made_after_the_end (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);
  DaoSignal *offer = sim_signal (sim, DAO_SIGNAL_OFFER, "alice", "IN1");

  offer->sdp = g_strdup (SIM_SDP);
  dao_call_receive (sim->call, offer, sim_contact (sim, "alice"),
      DAO_CALL_REASON_NONE, sim->now);
  dao_signal_free (offer);
  dao_call_answer (sim->call, sim->now);
  dao_call_hangup (sim->call, sim->now);
  sim_run (sim);
  sim_expect (sim, "incoming", "state ringing",
      "send call_hangup alice IN1", "close",
      "state hangup (local-hangup)", NULL);
}

static void
test_S1_refresh_while_ringing (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);
  DaoSignal *again = sim_signal (sim, DAO_SIGNAL_OFFER, "alice", "IN1");

  again->sdp = g_strdup (SIM_SDP_VIDEO);
  again->gen = 2;
  sim_offer (sim, "alice", "IN1", 1);
  sim_receive (sim, again);
  sim_expect (sim, "incoming", "state ringing", NULL);
  sim_answer (sim);
  sim_expect (sim, "keys", "create-answer video", "send call_answer alice IN1",
      "state connecting", NULL);
  g_assert_cmpuint (sim_last_sent (sim, DAO_SIGNAL_ANSWER)->gen, ==, 2);
}

/* --- candidates --- */

static void
test_S13_stale_candidates (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_offer (sim, "alice", "IN1", 1);
  sim_ice (sim, "alice", "IN1", "candidate:old", 1);
  sim_ice (sim, "alice", "IN2", "candidate:other", 1);
  sim_end (sim, DAO_SIGNAL_HANGUP, "alice", "IN1", NULL);
  sim_ice (sim, "alice", "IN1", "candidate:late", 1);
  sim_ice (sim, "carol", "IN3", "candidate:foreign and early", 1);
  sim_offer (sim, "alice", "IN3", 1);
  sim_ice (sim, "carol", "IN3", "candidate:foreign", 1);
  sim_forget (sim);
  sim_answer (sim);
  sim_expect (sim, "keys", "create-answer", "send call_answer alice IN3",
      "state connecting", NULL);
}

static void
test_S19_candidate_flood (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  for (guint i = 0; i < 10000; i++)
    sim_ice (sim, "alice", "IN1", "candidate:1", 1);
  g_assert_cmpuint (dao_call_get_ignored (sim->call), ==,
      10000 - DAO_CALL_MAX_CANDIDATES);
  sim_offer (sim, "alice", "IN1", 1);
  for (guint i = 0; i < 10000; i++)
    sim_ice (sim, "alice", "IN1", "candidate:1", 1);
  sim_forget (sim);
  sim_answer (sim);
  g_assert_cmpuint (sim->lines->len, ==, DAO_CALL_MAX_CANDIDATES + 4);
  for (guint i = 0; i < 10000; i++)
    sim_ice (sim, "alice", "IN1", "candidate:1", 1);
  g_assert_cmpuint (sim->lines->len, <=, 256 + 4);
}

/* webrtcbin.md 4: other text would mean the end of candidates */
static void
test_candidate_text (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_callee (sim);
  sim_ice (sim, "alice", "IN1", "hello", 1);
  sim_ice (sim, "alice", "IN1", NULL, 1);
  sim_expect (sim, NULL);
  sim_ice (sim, "alice", "IN1", "a=candidate:1", 1);
  sim_expect (sim, "add a=candidate:1", NULL);
}

/* --- busy, glare, recall --- */

static void
test_S10_busy (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  sim_offer (sim, "carol", "IN2", 1);
  sim_expect (sim, "send call_reject carol IN2 (busy)", NULL);
  sim_offer (sim, "carol", "OUT1", 1);  /* even with our call_id */
  sim_expect (sim, "send call_reject carol OUT1 (busy)", NULL);
  sim_assert_state (sim, DAO_CALL_CONNECTED);
  g_assert_cmpstr (dao_call_get_peer (sim->call), ==, "alice");
}

/* "bob" < "carol": our call stands */
static void
test_S10_glare_lower_keeps (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_start (sim, "carol", "OUT1", FALSE);
  sim_forget (sim);
  sim_offer (sim, "carol", "IN1", 1);
  sim_expect (sim, NULL);
  sim_answered (sim, "carol", "OUT1", 1);
  sim_assert_state (sim, DAO_CALL_CONNECTING);
}

/* "bob" > "alice": hers rings */
static void
test_S10_glare_higher_gives_way (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_start (sim, "alice", "OUT1", FALSE);
  sim_forget (sim);
  sim_offer (sim, "alice", "IN1", 1);
  sim_expect (sim, "close", "incoming", "state ringing (glare)", NULL);
  sim_answered (sim, "alice", "OUT1", 1);
  sim_advance (sim, 15000);
  sim_expect (sim, NULL);
  sim_answer (sim);
  sim_assert_state (sim, DAO_CALL_CONNECTING);
  g_assert_cmpint (dao_call_get_role (sim->call), ==, DAO_ROLE_CALLEE);
}

/* Nothing of the abandoned call may still leave. */
static void
test_S10_glare_before_the_offer_left (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_online (sim, FALSE);
  sim_start (sim, "alice", "OUT1", FALSE);
  sim_forget (sim);
  sim_offer (sim, "alice", "IN1", 1);
  sim_expect (sim, "close", "incoming", "state ringing (glare)", NULL);
  sim_online (sim, TRUE);
  sim_expect (sim, NULL);
}

/* Both ends of a glare come to one call. */
static void
test_S10_glare_converges (void)
{
  const DaoCallConfig config = {.e2ee = DAO_E2EE_AUTO };
  g_autoptr (Sim) bob = sim_new (DAO_E2EE_AUTO);
  DaoCallConfig alice_config = config;
  DaoCall *alice;
  DaoCallAction *action;
  DaoContact contact = *sim_contact (bob, "alice");

  alice_config.own_alias = "alice";
  alice = dao_call_new (&alice_config);
  contact.alias = (gchar *) "bob";
  dao_call_set_next_id (alice, "A1");
  dao_call_start (alice, "bob", &contact, DAO_CALL_REASON_NONE, TRUE, FALSE, 0);
  dao_call_set_local_description (alice, SIM_SDP, 0);
  sim_start (bob, "alice", "B1", FALSE);
  dao_call_receive (alice, sim_last_sent (bob, DAO_SIGNAL_OFFER), &contact,
      DAO_CALL_REASON_NONE, 1);
  while ((action = dao_call_pop_action (alice)) != NULL) {
    if (action->type == DAO_CALL_ACTION_SEND)
      sim_receive (bob, g_steal_pointer (&action->signal));
    dao_call_action_free (action);
  }
  sim_answer (bob);
  dao_call_receive (alice, sim_last_sent (bob, DAO_SIGNAL_ANSWER), &contact,
      DAO_CALL_REASON_NONE, 2);
  g_assert_cmpint (dao_call_get_state (alice), ==, DAO_CALL_CONNECTING);
  g_assert_cmpstr (dao_call_get_id (alice), ==, "A1");
  sim_assert_state (bob, DAO_CALL_CONNECTING);
  g_assert_cmpstr (dao_call_get_id (bob->call), ==, "A1");
  dao_call_free (alice);
}

static void
test_S10_recall_replaces (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_callee (sim);
  sim_offer (sim, "alice", "IN2", 1);
  sim_expect (sim, "close", "state ended (remote-hangup)", "state idle",
      "incoming", "state ringing", NULL);
  sim_end (sim, DAO_SIGNAL_HANGUP, "alice", "IN1", NULL);
  sim_expect (sim, NULL);
  g_assert_cmpstr (dao_call_get_id (sim->call), ==, "IN2");
}

/* While the driver is told of the old call's end, the getters are of the old call. */
static void
test_S10_recall_tells_the_end_first (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);
  DaoSignal *offer = sim_signal (sim, DAO_SIGNAL_OFFER, "alice", "IN2");
  DaoCallAction *action;

  offer->sdp = g_strdup (SIM_SDP);
  sim_connect_callee (sim);
  dao_call_receive (sim->call, offer, sim_contact (sim, "alice"),
      DAO_CALL_REASON_NONE, sim->now);
  dao_signal_free (offer);
  for (guint i = 0; i < 2; i++) {
    action = dao_call_pop_action (sim->call);
    g_assert_cmpint (action->type, ==, i == 0 ? DAO_CALL_ACTION_CLOSE :
        DAO_CALL_ACTION_STATE);
    g_assert_cmpstr (dao_call_get_id (sim->call), ==, "IN1");
    sim_assert_state (sim, DAO_CALL_ENDED);
    dao_call_action_free (action);
  }
  sim->has_pc = FALSE;
  sim_run (sim);
  sim_expect (sim, "state idle", "incoming", "state ringing", NULL);
  g_assert_cmpstr (dao_call_get_id (sim->call), ==, "IN2");
}

/* --- contacts --- */

static DaoSignal *
plain_offer (Sim * sim, const gchar * from, const gchar * id)
{
  DaoSignal *signal = sim_signal (sim, DAO_SIGNAL_OFFER, from, id);

  signal->sdp = g_strdup (SIM_SDP);
  signal->gen = 1;
  return signal;
}

static void
test_S20_unknown_contact (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_receive_refused (sim, plain_offer (sim, "mallory", "IN1"),
      DAO_CALL_REASON_UNKNOWN_CONTACT);
  sim_receive (sim, plain_offer (sim, "mallory", "IN1"));
  sim_contact (sim, "alice")->pinned = FALSE;
  sim_receive (sim, plain_offer (sim, "alice", "IN1"));
  sim_expect (sim, NULL);
  sim_assert_state (sim, DAO_CALL_IDLE);
}

static void
test_call_to_ourselves (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);
  DaoContact contact = *sim_contact (sim, "alice");

  contact.alias = (gchar *) "bob";
  dao_call_start (sim->call, "bob", &contact, DAO_CALL_REASON_NONE, TRUE,
      FALSE, sim->now);
  sim_run (sim);
  sim_expect (sim, "error unknown-contact", "close",
      "state ended (unknown-contact)", NULL);
}

static void
test_S20_changed_contact (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_receive_refused (sim, plain_offer (sim, "alice", "IN1"),
      DAO_CALL_REASON_CONTACT_CHANGED);
  sim_expect (sim, "error contact-changed",
      "send call_reject alice IN1 (declined)", NULL);
  sim_contact (sim, "alice")->trust = DAO_TRUST_CHANGED;
  sim_offer (sim, "alice", "IN2", 1);
  sim_expect (sim, "error contact-changed",
      "send call_reject alice IN2 (declined)", NULL);
  sim_assert_state (sim, DAO_CALL_IDLE);
}

static void
test_S20_contact_changes_before_the_answer (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_start (sim, "alice", "OUT1", FALSE);
  sim_forget (sim);
  sim_contact (sim, "alice")->trust = DAO_TRUST_CHANGED;
  sim_answered (sim, "alice", "OUT1", 1);
  sim_expect (sim, "error contact-changed",
      "send call_hangup alice OUT1 (declined)", "close",
      "state ended (contact-changed)", NULL);
}

static void
test_S20_unverified_contact (void)
{
  const DaoCallConfig config = {.min_trust = DAO_TRUST_VERIFIED };
  g_autoptr (Sim) sim = sim_new_full ("bob", &config);

  sim_contact (sim, "alice")->trust = DAO_TRUST_VERIFIED;
  sim_offer (sim, "carol", "IN1", 1);
  sim_expect (sim, "error unverified",
      "send call_reject carol IN1 (declined)", NULL);
  sim_offer (sim, "alice", "IN1", 1);
  g_assert_true (dao_call_is_verified (sim->call));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/call/guards/" #name, test_##name)
  ADD (S9_foreign_hangup);
  ADD (S9_wrong_call_id);
  ADD (wrong_recipient);
  ADD (S2_answer_from_third_party);
  ADD (S2_answer_from_caller);
  ADD (S14_double_answer);
  ADD (S12_answer_while_answering);
  ADD (answer_before_offer);
  ADD (S11_late_answer);
  ADD (S15_ended_id_not_revived);
  ADD (S3_no_peer_connection_before_consent);
  ADD (nothing_is_made_after_the_end);
  ADD (S1_refresh_while_ringing);
  ADD (call_to_ourselves);
  ADD (S13_stale_candidates);
  ADD (S19_candidate_flood);
  ADD (candidate_text);
  ADD (S10_busy);
  ADD (S10_glare_lower_keeps);
  ADD (S10_glare_higher_gives_way);
  ADD (S10_glare_before_the_offer_left);
  ADD (S10_glare_converges);
  ADD (S10_recall_replaces);
  ADD (S10_recall_tells_the_end_first);
  ADD (S20_unknown_contact);
  ADD (S20_changed_contact);
  ADD (S20_contact_changes_before_the_answer);
  ADD (S20_unverified_contact);
  return g_test_run ();
}
