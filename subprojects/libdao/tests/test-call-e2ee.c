/* gst-dao: frame encryption of a call: consent, policies, downgrade
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Design, "Frame encryption of a call"; field.md S7, S18.
 */
#include "call-sim.h"

#include <string.h>

/* An offer or answer of alice that announces frame encryption. */
static DaoSignal *
e2ee_signal (Sim * sim, DaoSignalType type, const gchar * id, guint gen,
    const guint8 * pub)
{
  DaoSignal *signal = sim_signal (sim, type, "alice", id);

  signal->sdp = g_strdup (SIM_SDP);
  signal->gen = gen;
  signal->e2ee = TRUE;
  memcpy (signal->e2ee_pub, pub, 32);
  return signal;
}

typedef struct
{
  DaoCallKeys *keys;
  const guint8 *pub;
} Ephemeral;

static void
ephemeral_init (Ephemeral * e, DaoRole role)
{
  e->keys = dao_call_keys_new (role);
  e->pub = dao_call_keys_get_public (e->keys);
}

static void
ephemeral_clear (Ephemeral * e)
{
  dao_call_keys_free (e->keys);
}

static Sim *
sim_new_verified (DaoE2eePolicy e2ee)
{
  const DaoCallConfig config = {.e2ee = e2ee,.min_trust = DAO_TRUST_VERIFIED };
  Sim *sim = sim_new_full ("bob", &config);

  sim_contact (sim, "alice")->trust = DAO_TRUST_VERIFIED;
  return sim;
}

/* --- when there are keys --- */

static void
test_S7_media_keys_only_after_consent (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);
  Ephemeral peer;

  ephemeral_init (&peer, DAO_ROLE_CALLER);
  sim_receive (sim, e2ee_signal (sim, DAO_SIGNAL_OFFER, "IN1", 1, peer.pub));
  sim_expect (sim, "incoming", "state ringing", NULL);
  g_assert_null (dao_call_get_keys (sim->call));
  sim_answer (sim);
  sim_expect (sim, "keys", "create-answer", "send call_answer alice IN1",
      "state connecting", NULL);
  g_assert_nonnull (dao_call_get_keys (sim->call));
  /* the driver can still say what the call had; with the last action they go */
  dao_call_hangup (sim->call, sim->now);
  g_assert_nonnull (dao_call_get_keys (sim->call));
  sim_run (sim);
  g_assert_null (dao_call_get_keys (sim->call));
  ephemeral_clear (&peer);
}

/* The caller has none before the answer. */
static void
test_S7_media_keys_only_after_answer (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);
  Ephemeral peer;

  ephemeral_init (&peer, DAO_ROLE_CALLEE);
  sim_start (sim, "alice", "OUT1", FALSE);
  g_assert_null (dao_call_get_keys (sim->call));
  sim_receive (sim, e2ee_signal (sim, DAO_SIGNAL_ANSWER, "OUT1", 1, peer.pub));
  g_assert_nonnull (dao_call_get_keys (sim->call));
  ephemeral_clear (&peer);
}

/* --- policies and downgrade --- */

static void
test_S18_e2ee_required_as_callee (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_REQUIRED);

  sim_offer (sim, "alice", "IN1", 1);
  sim_expect (sim, "error e2ee-required",
      "send call_reject alice IN1 (e2ee-required)", NULL);
  sim_assert_state (sim, DAO_CALL_IDLE);
}

static void
test_S18_e2ee_required_as_caller (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_REQUIRED);

  sim_start (sim, "alice", "OUT1", FALSE);
  sim_forget (sim);
  sim_answered (sim, "alice", "OUT1", 1);
  sim_expect (sim, "error e2ee-required",
      "send call_hangup alice OUT1 (e2ee-required)", "close",
      "state ended (e2ee-required)", NULL);
}

static void
test_e2ee_off (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_OFF);
  Ephemeral peer;

  ephemeral_init (&peer, DAO_ROLE_CALLER);
  sim_receive (sim, e2ee_signal (sim, DAO_SIGNAL_OFFER, "IN1", 1, peer.pub));
  sim_answer (sim);
  g_assert_false (sim_last_sent (sim, DAO_SIGNAL_ANSWER)->e2ee);
  g_assert_null (dao_call_get_keys (sim->call));
  ephemeral_clear (&peer);
}

/* A contact that encrypted before and now does not: said, or refused for verified contacts only. */
static void
test_S18_downgrade_reported (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_start (sim, "alice", "OUT1", FALSE);
  sim_answered (sim, "alice", "OUT1", 1);
  g_assert_false (dao_call_is_downgraded (sim->call));
  sim_hangup (sim);
  sim_contact (sim, "alice")->e2ee_seen = TRUE;
  sim_start (sim, "alice", "OUT2", FALSE);
  sim_answered (sim, "alice", "OUT2", 1);
  g_assert_true (dao_call_is_downgraded (sim->call));
  sim_assert_state (sim, DAO_CALL_CONNECTING);
  sim_hangup (sim);
  sim_offer (sim, "alice", "IN1", 1);
  sim_answer (sim);
  g_assert_true (dao_call_is_downgraded (sim->call));
}

static void
test_S18_downgrade_refused (void)
{
  g_autoptr (Sim) sim = sim_new_verified (DAO_E2EE_AUTO);

  sim_contact (sim, "alice")->e2ee_seen = TRUE;
  sim_offer (sim, "alice", "IN1", 1);
  sim_expect (sim, "error e2ee-downgrade",
      "send call_reject alice IN1 (e2ee-required)", NULL);
  sim_start (sim, "alice", "OUT1", FALSE);
  sim_forget (sim);
  sim_answered (sim, "alice", "OUT1", 1);
  sim_expect (sim, "error e2ee-downgrade",
      "send call_hangup alice OUT1 (e2ee-required)", "close",
      "state ended (e2ee-downgrade)", NULL);
}

static void
check_downgraded_offer (gboolean e2ee, const guint8 * pub, const guint8 * other,
    guint stage)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);
  DaoSignal *again = e2ee_signal (sim, DAO_SIGNAL_OFFER, "IN1", 2, other);

  again->e2ee = e2ee;
  sim_receive (sim, e2ee_signal (sim, DAO_SIGNAL_OFFER, "IN1", 1, pub));
  if (stage > 0)
    sim_answer (sim);
  if (stage > 1)
    sim_transport (sim, DAO_TRANSPORT_CONNECTED);
  sim_forget (sim);
  sim_receive (sim, again);
  sim_expect (sim, "error e2ee-downgrade", stage == 0 ?
      "send call_reject alice IN1 (e2ee-required)" :
      "send call_hangup alice IN1 (e2ee-required)", "close",
      "state ended (e2ee-downgrade)", NULL);
}

/* S18: every later offer says the same e2ee and the same e2ee_pub */
static void
test_S18_downgrade (void)
{
  Ephemeral peer, other;

  ephemeral_init (&peer, DAO_ROLE_CALLER);
  ephemeral_init (&other, DAO_ROLE_CALLER);
  for (guint stage = 0; stage < 3; stage++) {
    check_downgraded_offer (FALSE, peer.pub, peer.pub, stage);
    check_downgraded_offer (TRUE, peer.pub, other.pub, stage);
  }
  ephemeral_clear (&peer);
  ephemeral_clear (&other);
}

static void
check_downgraded_answer (gboolean e2ee, const guint8 * pub,
    const guint8 * other)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);
  DaoSignal *again = e2ee_signal (sim, DAO_SIGNAL_ANSWER, "OUT1", 2, other);

  again->e2ee = e2ee;
  sim_start (sim, "alice", "OUT1", FALSE);
  sim_receive (sim, e2ee_signal (sim, DAO_SIGNAL_ANSWER, "OUT1", 1, pub));
  sim_transport (sim, DAO_TRANSPORT_CONNECTED);
  g_assert_true (dao_call_renegotiate (sim->call, "video", sim->now));
  sim_run (sim);
  sim_forget (sim);
  sim_receive (sim, again);
  sim_expect (sim, "error e2ee-downgrade",
      "send call_hangup alice OUT1 (e2ee-required)", "close",
      "state ended (e2ee-downgrade)", NULL);
}

static void
test_S18_downgrade_in_answer (void)
{
  Ephemeral peer, other;

  ephemeral_init (&peer, DAO_ROLE_CALLEE);
  ephemeral_init (&other, DAO_ROLE_CALLEE);
  check_downgraded_answer (FALSE, peer.pub, peer.pub);
  check_downgraded_answer (TRUE, peer.pub, other.pub);
  ephemeral_clear (&peer);
  ephemeral_clear (&other);
}

static void
test_S18_low_order_key (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);
  const guint8 zero[32] = { 0 };

  sim_receive (sim, e2ee_signal (sim, DAO_SIGNAL_OFFER, "IN1", 1, zero));
  sim_forget (sim);
  sim_answer (sim);
  sim_expect (sim, "error e2ee-downgrade",
      "send call_reject alice IN1 (e2ee-required)", "close",
      "state ended (e2ee-downgrade)", NULL);
  sim_start (sim, "alice", "OUT1", FALSE);
  sim_forget (sim);
  sim_receive (sim, e2ee_signal (sim, DAO_SIGNAL_ANSWER, "OUT1", 1, zero));
  sim_expect (sim, "error e2ee-downgrade",
      "send call_hangup alice OUT1 (e2ee-required)", "close",
      "state ended (e2ee-downgrade)", NULL);
}

/* Two calls agree, and repeat what they announced. */
static void
test_e2ee_agreement (void)
{
  const guint8 alice_ed[32] = { 1 }, bob_ed[32] = { 2 };
  DaoCallConfig config = {.own_ed25519 = bob_ed };
  g_autoptr (Sim) bob = sim_new_full ("bob", &config);
  DaoContact contact = *sim_contact (bob, "alice");
  guint8 a[32], b[32];
  DaoCall *alice;
  const DaoSignal *offer;
  DaoSignal *answer;

  config.own_alias = "alice";
  config.own_ed25519 = alice_ed;
  alice = dao_call_new (&config);
  memcpy (sim_contact (bob, "alice")->ed25519_public, alice_ed, 32);
  memcpy (contact.ed25519_public, bob_ed, 32);
  sim_start (bob, "alice", "OUT1", FALSE);
  offer = sim_last_sent (bob, DAO_SIGNAL_OFFER);
  dao_call_receive (alice, offer, &contact, DAO_CALL_REASON_NONE, 0);
  dao_call_answer (alice, 0);
  answer = sim_signal (bob, DAO_SIGNAL_ANSWER, "alice", "OUT1");
  dao_call_set_local_description (alice, SIM_SDP, 0);
  for (DaoCallAction * action; (action = dao_call_pop_action (alice)) != NULL;
      dao_call_action_free (action)) {
    if (action->type == DAO_CALL_ACTION_SEND) {
      dao_signal_free (answer);
      answer = g_steal_pointer (&action->signal);
    }
  }
  sim_receive (bob, answer);
  g_assert_true (dao_call_keys_peek_secret (dao_call_get_keys (alice), a));
  g_assert_true (dao_call_keys_peek_secret (dao_call_get_keys (bob->call), b));
  g_assert_cmpmem (a, 32, b, 32);

  sim_transport (bob, DAO_TRANSPORT_CONNECTED);
  sim_transport (bob, DAO_TRANSPORT_FAILED);
  g_assert_cmpuint (sim_count_sent (bob, DAO_SIGNAL_OFFER), ==, 2);
  dao_call_receive (alice, sim_last_sent (bob, DAO_SIGNAL_OFFER), &contact,
      DAO_CALL_REASON_NONE, 1);
  g_assert_cmpint (dao_call_get_state (alice), ==, DAO_CALL_CONNECTING);
  dao_call_free (alice);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/call/e2ee/" #name, test_##name)
  ADD (S7_media_keys_only_after_consent);
  ADD (S7_media_keys_only_after_answer);
  ADD (S18_e2ee_required_as_callee);
  ADD (S18_e2ee_required_as_caller);
  ADD (e2ee_off);
  ADD (S18_downgrade_reported);
  ADD (S18_downgrade_refused);
  ADD (S18_downgrade);
  ADD (S18_downgrade_in_answer);
  ADD (S18_low_order_key);
  ADD (e2ee_agreement);
  return g_test_run ();
}
