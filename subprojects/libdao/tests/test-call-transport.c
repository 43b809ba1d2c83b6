/* gst-dao: a call while its transport comes, goes and restarts
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * protocol.md f; webrtcbin.md 1, 2, 5; design, `leg`, `gen` and call_renegotiate.
 */
#include "call-sim.h"

/* --- watchdogs --- */

static void
test_disconnected_8s (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_callee (sim);
  /* the one restart is used up */
  sim_transport (sim, DAO_TRANSPORT_FAILED);
  sim_transport (sim, DAO_TRANSPORT_CONNECTED);
  sim_forget (sim);
  sim_transport (sim, DAO_TRANSPORT_DISCONNECTED);
  sim_advance (sim, 4000);
  sim_transport (sim, DAO_TRANSPORT_DISCONNECTED);      /* not anew */
  sim_advance (sim, 3999);
  sim_expect (sim, NULL);
  sim_advance (sim, 1);
  sim_expect (sim, "error disconnected", "send call_hangup alice IN1 (failed)",
      "close", "state ended (disconnected)", NULL);
}

static void
test_disconnected_is_forgiven (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_callee (sim);
  for (guint i = 0; i < 4; i++) {
    sim_transport (sim, DAO_TRANSPORT_DISCONNECTED);
    sim_advance (sim, 5000);
    sim_transport (sim, DAO_TRANSPORT_CONNECTED);
    dao_call_media_received (sim->call, sim->now);
  }
  sim_expect (sim, NULL);
  sim_transport (sim, DAO_TRANSPORT_DISCONNECTED);
  sim_transport (sim, DAO_TRANSPORT_CONNECTING);
  sim_expect (sim, "state connecting", NULL);
  sim_advance (sim, 14999);
  sim_expect (sim, NULL);
  sim_transport (sim, DAO_TRANSPORT_CONNECTED);
  sim_expect (sim, "state connected", NULL);
}

/* "connecting" for ever is no way around the 8 s. */
static void
test_connecting_is_bounded (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_callee (sim);
  sim_transport (sim, DAO_TRANSPORT_DISCONNECTED);
  for (guint i = 0; i < 14; i++) {
    sim_transport (sim, DAO_TRANSPORT_CONNECTING);
    sim_transport (sim, DAO_TRANSPORT_DISCONNECTED);
    sim_advance (sim, 1000);
  }
  sim_assert_state (sim, DAO_CALL_CONNECTING);
  sim_advance (sim, 1000);
  sim_assert_reason (sim, DAO_CALL_REASON_ICE_FAILED);
}

static void
test_media_watchdog (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  for (guint i = 0; i < 10; i++) {
    sim_advance (sim, 14000);
    dao_call_media_received (sim->call, sim->now);
  }
  sim_advance (sim, 14999);
  sim_expect (sim, NULL);
  sim_advance (sim, 1);
  sim_expect (sim, "error media-timeout",
      "send call_hangup alice OUT1 (timeout)", "close",
      "state ended (media-timeout)", NULL);
}

static void
test_bad_fingerprint (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_start (sim, "alice", "OUT1", FALSE);
  sim_answered (sim, "alice", "OUT1", 1);
  sim_forget (sim);
  sim_transport (sim, DAO_TRANSPORT_BAD_FINGERPRINT);
  sim_expect (sim, "error fingerprint", "send call_hangup alice OUT1 (failed)",
      "close", "state ended (fingerprint)", NULL);
  sim_transport (sim, DAO_TRANSPORT_CONNECTED);
  sim_expect (sim, NULL);
}

static void
test_closed (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  sim_transport (sim, DAO_TRANSPORT_CLOSED);
  sim_expect (sim, "close", "state ended (disconnected)", NULL);
}

static void
test_driver_fails (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  dao_call_fail (sim->call, DAO_CALL_REASON_SIGNALING, NULL, sim->now);
  sim_run (sim);
  sim_expect (sim, "error signaling", NULL);
  sim_offer (sim, "alice", "IN1", 1);
  sim_answer (sim);
  sim_forget (sim);
  dao_call_fail (sim->call, DAO_CALL_REASON_LOCAL_MEDIA, "no camera",
      sim->now);
  sim_run (sim);
  sim_expect (sim, "error local-media", "send call_hangup alice IN1 (failed)",
      "close", "state ended (local-media)", NULL);
  dao_call_fail (sim->call, DAO_CALL_REASON_INTERNAL, NULL, sim->now);
  sim_run (sim);
  sim_expect (sim, NULL);
}

/* --- restart --- */

static void
test_caller_restarts (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  sim_transport (sim, DAO_TRANSPORT_FAILED);
  sim_expect (sim, "state connecting", "create-offer restart",
      "send call_offer alice OUT1", NULL);
  g_assert_cmpuint (sim_last_sent (sim, DAO_SIGNAL_OFFER)->gen, ==, 2);
  sim_answered (sim, "alice", "OUT1", 1);       /* to the first offer: old */
  sim_expect (sim, NULL);
  sim_answered (sim, "alice", "OUT1", 2);
  sim_expect (sim, "apply-answer", NULL);
  sim_transport (sim, DAO_TRANSPORT_CONNECTED);
  sim_expect (sim, "state connected", NULL);
  sim_transport (sim, DAO_TRANSPORT_FAILED);
  sim_expect (sim, "error ice-failed", "send call_hangup alice OUT1 (failed)",
      "close", "state ended (ice-failed)", NULL);
}

static void
test_restart_timeout (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  sim_transport (sim, DAO_TRANSPORT_DISCONNECTED);
  sim_advance (sim, 5499);
  sim_expect (sim, NULL);
  sim_advance (sim, 1);         /* silence: early restart */
  sim_expect (sim, "state connecting", "create-offer restart",
      "send call_offer alice OUT1", NULL);
  sim_answered (sim, "alice", "OUT1", 2);       /* signaling works */
  sim_expect (sim, "apply-answer", NULL);
  sim_advance (sim, 14999);     /* beyond the 8 s and the 15 s of media */
  sim_expect (sim, NULL);
  sim_advance (sim, 1);
  sim_expect (sim, "error ice-failed", "send call_hangup alice OUT1 (failed)",
      "close", "state ended (ice-failed)", NULL);
}

/* Neither media nor signaling: the 8 s are not made longer by trying. */
static void
test_restart_without_a_peer (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  sim_transport (sim, DAO_TRANSPORT_DISCONNECTED);
  sim_advance (sim, 5500);
  sim_forget (sim);
  sim_transport (sim, DAO_TRANSPORT_CONNECTING);        /* our own doing */
  sim_advance (sim, 2499);
  sim_expect (sim, NULL);
  sim_advance (sim, 1);
  sim_expect (sim, "error disconnected",
      "send call_hangup alice OUT1 (failed)", "close",
      "state ended (disconnected)", NULL);
}

/* ICE gives up its checks after 7 s; the path may come back after that. */
static void
test_failure_in_restart_waits (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  sim_transport (sim, DAO_TRANSPORT_FAILED);
  sim_forget (sim);
  sim_advance (sim, 7000);
  sim_transport (sim, DAO_TRANSPORT_FAILED);
  sim_advance (sim, 7999);
  sim_expect (sim, NULL);
  sim_advance (sim, 1);
  sim_assert_reason (sim, DAO_CALL_REASON_ICE_FAILED);
}

static void
test_callee_asks_for_restart (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);
  DaoSignal *offer = sim_signal (sim, DAO_SIGNAL_OFFER, "alice", "IN1");

  sim_connect_callee (sim);
  sim_transport (sim, DAO_TRANSPORT_FAILED);
  sim_expect (sim, "send call_renegotiate alice IN1", "state connecting", NULL);
  g_assert_cmpstr (sim_last_sent (sim, DAO_SIGNAL_RENEGOTIATE)->want, ==,
      "restart");
  offer->sdp = g_strdup (SIM_SDP_RESTART);
  offer->gen = 2;
  sim_receive (sim, offer);
  sim_expect (sim, "create-answer restart", "send call_answer alice IN1", NULL);
  sim_transport (sim, DAO_TRANSPORT_CONNECTED);
  sim_expect (sim, "state connected", NULL);
}

/* Peers without `ext`: no early restart, and a callee waits for the caller's. */
static void
test_restart_with_old_peer (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);
  DaoSignal *offer = sim_signal (sim, DAO_SIGNAL_OFFER, "alice", "IN1");

  offer->ext = 0;
  offer->sdp = g_strdup (SIM_SDP);
  sim_receive (sim, offer);
  sim_answer (sim);
  sim_transport (sim, DAO_TRANSPORT_CONNECTED);
  sim_forget (sim);
  sim_transport (sim, DAO_TRANSPORT_DISCONNECTED);
  sim_advance (sim, 7999);
  sim_expect (sim, NULL);
  sim_transport (sim, DAO_TRANSPORT_FAILED);
  sim_expect (sim, "state connecting", NULL);
  offer = sim_signal (sim, DAO_SIGNAL_OFFER, "alice", "IN1");
  offer->ext = 0;
  offer->sdp = g_strdup (SIM_SDP_RESTART);
  sim_receive (sim, offer);
  sim_expect (sim, "create-answer restart", "send call_answer alice IN1", NULL);
  sim_advance (sim, 15000);
  sim_assert_reason (sim, DAO_CALL_REASON_ICE_FAILED);
}

/* Candidates of before a restart are of no use after it; of after it, they wait for it. */
static void
test_candidates_over_a_restart (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);
  DaoSignal *offer = sim_signal (sim, DAO_SIGNAL_OFFER, "alice", "IN1");

  sim_connect_callee (sim);
  sim_ice (sim, "alice", "IN1", "candidate:1", 1);
  sim_expect (sim, "add candidate:1", NULL);
  sim_ice (sim, "alice", "IN1", "candidate:2", 2);
  sim_expect (sim, NULL);
  offer->sdp = g_strdup (SIM_SDP_RESTART);
  offer->gen = 2;
  sim_receive (sim, offer);
  sim_expect (sim, "create-answer restart", "add candidate:2",
      "send call_answer alice IN1", NULL);
  sim_ice (sim, "alice", "IN1", "candidate:old", 1);
  sim_expect (sim, NULL);
}

/* --- upgrade and legs --- */

static void
ask (Sim * sim, const gchar * from, const gchar * id, const gchar * want)
{
  DaoSignal *signal = sim_signal (sim, DAO_SIGNAL_RENEGOTIATE, from, id);

  signal->want = g_strdup (want);
  sim_receive (sim, signal);
}

static void
test_caller_adds_video (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  g_assert_true (dao_call_renegotiate (sim->call, "video", sim->now));
  sim_run (sim);
  sim_expect (sim, "create-offer video", "send call_offer alice OUT1", NULL);
  g_assert_true (dao_call_is_video (sim->call));
  sim_answered (sim, "alice", "OUT1", 2);
  sim_expect (sim, "apply-answer", NULL);
  g_assert_false (dao_call_renegotiate (sim->call, "video", sim->now));
  g_assert_false (dao_call_renegotiate (sim->call, "colour", sim->now));
  g_assert_false (dao_call_renegotiate (sim->call, NULL, sim->now));
}

static void
test_one_exchange_at_a_time (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  dao_call_renegotiate (sim->call, "video", sim->now);
  dao_call_renegotiate (sim->call, "leg", sim->now);
  sim_run (sim);
  sim_expect (sim, "create-offer video", "send call_offer alice OUT1", NULL);
  sim_answered (sim, "alice", "OUT1", 2);
  sim_expect (sim, "apply-answer", "create-offer video leg=1",
      "send call_offer alice OUT1", NULL);
  g_assert_cmpuint (sim_last_sent (sim, DAO_SIGNAL_OFFER)->leg, ==, 1);
}

/* The same towards us: the newest of what comes while we answer is answered next. */
static void
test_one_answer_at_a_time (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim->manual = TRUE;
  sim_offer (sim, "alice", "IN1", 1);
  sim_answer (sim);
  sim_forget (sim);
  sim_offer (sim, "alice", "IN1", 2);
  sim_offer (sim, "alice", "IN1", 4);
  sim_offer (sim, "alice", "IN1", 3);
  sim_expect (sim, NULL);
  sim_describe (sim, SIM_SDP);
  sim_expect (sim, "send call_answer alice IN1", "state connecting",
      "create-answer", NULL);
  g_assert_cmpuint (sim_last_sent (sim, DAO_SIGNAL_ANSWER)->gen, ==, 1);
  sim_describe (sim, SIM_SDP);
  sim_expect (sim, "send call_answer alice IN1", NULL);
  g_assert_cmpuint (sim_last_sent (sim, DAO_SIGNAL_ANSWER)->gen, ==, 4);
}

static void
test_callee_asks_for_video (void)
{
  g_autoptr (Sim) callee = sim_new (DAO_E2EE_AUTO);
  g_autoptr (Sim) caller = sim_new (DAO_E2EE_AUTO);

  sim_connect_callee (callee);
  g_assert_true (dao_call_renegotiate (callee->call, "video", callee->now));
  sim_run (callee);
  sim_expect (callee, "send call_renegotiate alice IN1", NULL);

  sim_connect_caller (caller);
  ask (caller, "carol", "OUT1", "video");
  ask (caller, "alice", "OUT0", "video");
  ask (caller, "alice", "OUT1", "money");
  sim_expect (caller, NULL);
  sim_advance (caller, 2000);
  ask (caller, "alice", "OUT1", "video");
  sim_expect (caller, "create-offer video", "send call_offer alice OUT1", NULL);
}

static void
test_requests_are_rare (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);
  guint gen = 1;

  sim_connect_caller (sim);
  for (guint i = 0; i < 100; i++) {
    ask (sim, "alice", "OUT1", "leg");
    if (sim_count_sent (sim, DAO_SIGNAL_OFFER) > gen) {
      DaoSignal *answer = sim_signal (sim, DAO_SIGNAL_ANSWER, "alice", "OUT1");

      answer->sdp = g_strdup (SIM_SDP);
      answer->leg = gen;
      answer->gen = ++gen;
      sim_receive (sim, answer);
    }
    if (i < 4)                  /* less than 2 s since the first */
      g_assert_cmpuint (gen, ==, 2);
    sim_advance (sim, 500);
    dao_call_media_received (sim->call, sim->now);
  }
  /* 8, and one for each 10 s of these 50 */
  g_assert_cmpuint (sim_count_sent (sim, DAO_SIGNAL_OFFER), ==, 1 + 8 + 4);
  sim_assert_state (sim, DAO_CALL_CONNECTED);
}

static void
answer_leg (Sim * sim, guint leg, guint gen)
{
  DaoSignal *answer = sim_signal (sim, DAO_SIGNAL_ANSWER, "alice", "OUT1");

  answer->sdp = g_strdup (SIM_SDP);
  answer->leg = leg;
  answer->gen = gen;
  sim_receive (sim, answer);
}

static DaoSignal *
leg_offer (Sim * sim, const gchar * id, guint leg, guint gen)
{
  DaoSignal *offer = sim_signal (sim, DAO_SIGNAL_OFFER, "alice", id);

  offer->sdp = g_strdup (SIM_SDP);
  offer->leg = leg;
  offer->gen = gen;
  return offer;
}

static void
offer_leg (Sim * sim, guint leg, guint gen)
{
  sim_receive (sim, leg_offer (sim, "IN1", leg, gen));
}

static void
run_renegotiate (Sim * sim, const gchar * want)
{
  g_assert_true (dao_call_renegotiate (sim->call, want, sim->now));
  sim_run (sim);
}

static void
abandon_leg (Sim * sim, guint leg)
{
  dao_call_abandon_leg (sim->call, leg, sim->now);
  sim_run (sim);
}

/* Both sides find at the same time that their credentials end: one new leg serves both. */
static void
test_both_want_a_leg (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  run_renegotiate (sim, "leg");
  ask (sim, "alice", "OUT1", "leg");
  answer_leg (sim, 1, 2);
  sim_expect (sim, "create-offer leg=1", "send call_offer alice OUT1",
      "send call_offer alice OUT1", "apply-answer leg=1", NULL);
}

/* The peer was away when we offered a restart, and comes back with another address. */
static void
test_leg_in_an_unanswered_restart (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  sim_transport (sim, DAO_TRANSPORT_FAILED);
  sim_forget (sim);
  ask (sim, "alice", "OUT1", "leg");
  sim_expect (sim, "create-offer leg=1", "send call_offer alice OUT1", NULL);
  answer_leg (sim, 0, 2);       /* late: that exchange is over */
  sim_expect (sim, NULL);
  answer_leg (sim, 1, 3);
  sim_transport (sim, DAO_TRANSPORT_CONNECTED);
  sim_expect (sim, "apply-answer leg=1", "state connected", NULL);
}

/* A restart that is still being made is not taken back: its offer would pass for that of the leg. */
static void
test_leg_before_the_offer_of_a_restart (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  sim->manual = TRUE;
  sim_transport (sim, DAO_TRANSPORT_FAILED);
  sim_forget (sim);
  ask (sim, "alice", "OUT1", "leg");
  sim_expect (sim, NULL);
  sim_describe (sim, SIM_SDP_RESTART);
  answer_leg (sim, 0, 2);
  sim_expect (sim, "send call_offer alice OUT1", "apply-answer",
      "create-offer leg=1", NULL);
}

/* Silence and another address are two reasons: both requests of the same moment are obeyed. */
static void
test_restart_and_leg_at_once (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  ask (sim, "alice", "OUT1", "restart");
  answer_leg (sim, 0, 2);
  sim_forget (sim);
  ask (sim, "alice", "OUT1", "restart");
  sim_expect (sim, NULL);
  ask (sim, "alice", "OUT1", "leg");
  sim_expect (sim, "create-offer leg=1", "send call_offer alice OUT1", NULL);
}

/* A leg that comes to nothing leaves the call as it was, and is followed by another. */
static void
test_caller_gives_up_a_leg (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  sim->manual = TRUE;
  run_renegotiate (sim, "leg");
  dao_call_local_candidate (sim->call, "candidate:1", "0", 0, sim->now);
  abandon_leg (sim, 1);         /* before there is an offer */
  sim_describe (sim, SIM_SDP);
  sim_expect (sim, "create-offer leg=1", NULL);
  sim->manual = FALSE;
  run_renegotiate (sim, "leg");
  abandon_leg (sim, 1);         /* that is over */
  answer_leg (sim, 1, 2);
  sim_expect (sim, "create-offer leg=2", "send call_offer alice OUT1", NULL);
  answer_leg (sim, 2, 3);
  abandon_leg (sim, 2);         /* it did not connect */
  run_renegotiate (sim, "video");
  sim_expect (sim, "apply-answer leg=2", "create-offer video leg=3",
      "send call_offer alice OUT1", NULL);
  sim_assert_state (sim, DAO_CALL_CONNECTED);
}

static void
test_callee_gives_up_a_leg (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_callee (sim);
  sim->manual = TRUE;
  offer_leg (sim, 1, 2);
  offer_leg (sim, 2, 3);        /* waits */
  abandon_leg (sim, 1);
  sim_expect (sim, "create-answer leg=1", "create-answer leg=2", NULL);
  abandon_leg (sim, 2);
  sim_describe (sim, SIM_SDP);
  sim_expect (sim, NULL);
  sim->manual = FALSE;
  offer_leg (sim, 3, 4);
  sim_expect (sim, "create-answer leg=3", "send call_answer alice IN1", NULL);
  sim_assert_state (sim, DAO_CALL_CONNECTED);
}

/* Nobody answers: that must not be the last change of the call. */
static void
test_unanswered_leg_is_followed_by_another (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  run_renegotiate (sim, "leg");
  sim_forget (sim);
  sim_advance (sim, 10000);
  dao_call_media_received (sim->call, sim->now);
  sim_advance (sim, 5000);
  dao_call_media_received (sim->call, sim->now);
  run_renegotiate (sim, "leg");
  sim_expect (sim, "error no-answer", "create-offer leg=2",
      "send call_offer alice OUT1", NULL);
}

/* Credentials of 30 s are renewed each 15 s, at either side's wish, for hours. */
static void
test_legs_for_hours (void)
{
  enum { HOURS = 4, INTERVAL_MS = 15000, LEGS = HOURS * 3600000 / INTERVAL_MS };
  g_autoptr (Sim) caller = sim_new (DAO_E2EE_AUTO);
  g_autoptr (Sim) callee = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (caller);
  sim_connect_callee (callee);
  for (guint leg = 1; leg <= LEGS; leg++) {
    sim_forget (caller);
    sim_forget (callee);
    for (guint i = 0; i < 2; i++) {
      Sim *sim = i ? callee : caller;

      sim_advance (sim, INTERVAL_MS / 2);
      dao_call_media_received (sim->call, sim->now);
      sim_advance (sim, INTERVAL_MS / 2);
      dao_call_media_received (sim->call, sim->now);
    }
    ask (caller, "alice", "OUT1", "leg");
    answer_leg (caller, leg, leg + 1);
    g_assert_cmpuint (sim_last_sent (caller, DAO_SIGNAL_OFFER)->leg, ==, leg);
    offer_leg (callee, leg, leg + 1);
    g_assert_cmpuint (sim_last_sent (callee, DAO_SIGNAL_ANSWER)->leg, ==, leg);
    for (guint i = 0; i < 10; i++) {
      DaoSignal *candidate = sim_signal (callee, DAO_SIGNAL_ICE, "alice",
          "IN1");

      candidate->candidate = g_strdup_printf ("candidate:%u", i);
      candidate->leg = leg;
      candidate->gen = leg + 1;
      sim_forget (callee);
      sim_receive (callee, candidate);
      g_assert_cmpuint (callee->lines->len, ==, 1);
    }
  }
}

/* --- a leg is said again to who was away --- */

static void
reconnect (Sim * sim)
{
  sim_online (sim, FALSE);
  sim_online (sim, TRUE);
}

static void
leg_candidate (Sim * sim, const gchar * id, const gchar * candidate)
{
  DaoSignal *signal = sim_signal (sim, DAO_SIGNAL_ICE, "alice", id);

  signal->candidate = g_strdup (candidate);
  signal->leg = 1;
  signal->gen = 2;
  sim_receive (sim, signal);
}

/* Up to an open leg 1 with two candidates */
static Sim *
new_open_leg (void)
{
  Sim *sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  run_renegotiate (sim, "leg");
  sim_candidate (sim, "candidate:1");
  sim_candidate (sim, "candidate:2");
  sim_forget (sim);
  return sim;
}

static void
test_leg_is_repeated_while_it_is_open (void)
{
  g_autoptr (Sim) sim = new_open_leg ();
  GList *l;

  ask (sim, "alice", "OUT1", "leg");    /* the peer is back */
  sim_expect (sim, "send call_offer alice OUT1", "send call_ice alice OUT1",
      "send call_ice alice OUT1", NULL);
  reconnect (sim);              /* we are back */
  sim_expect (sim, "send call_offer alice OUT1", "send call_ice alice OUT1",
      "send call_ice alice OUT1", NULL);
  /* as it was, in the order in which it was */
  l = sim->sent.tail;
  for (guint i = 0; i < 3; i++, l = l->prev) {
    const DaoSignal *signal = l->data, *original = l->prev->prev->prev->data;

    g_assert_cmpuint (signal->leg, ==, 1);
    g_assert_cmpuint (signal->gen, ==, 2);
    g_assert_cmpstr (signal->sdp, ==, original->sdp);
    g_assert_cmpstr (signal->candidate, ==, original->candidate);
  }
  answer_leg (sim, 1, 2);
  sim_forget (sim);
  reconnect (sim);              /* that offer has its answer */
  sim_expect (sim, "send call_ice alice OUT1", "send call_ice alice OUT1", NULL);
  answer_leg (sim, 1, 2);
  sim_expect (sim, NULL);
  sim_transport (sim, DAO_TRANSPORT_CONNECTED);
  reconnect (sim);
  sim_expect (sim, NULL);
}

/* The peer has its offer, and asks for something else. */
static void
test_answered_leg_gives_way (void)
{
  g_autoptr (Sim) sim = new_open_leg ();

  answer_leg (sim, 1, 2);
  sim_forget (sim);
  ask (sim, "alice", "OUT1", "leg");
  sim_expect (sim, "create-offer leg=2", "send call_offer alice OUT1", NULL);
  reconnect (sim);
  sim_expect (sim, "send call_offer alice OUT1", NULL);
}

/* What is said while we are away leaves once. */
static void
test_leg_waits_for_the_relay (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  sim_online (sim, FALSE);
  run_renegotiate (sim, "leg");
  sim_candidate (sim, "candidate:1");
  ask (sim, "alice", "OUT1", "leg");
  sim_expect (sim, "create-offer leg=1", NULL);
  sim_online (sim, TRUE);
  sim_expect (sim, "send call_offer alice OUT1", "send call_ice alice OUT1",
      NULL);
  sim_online (sim, TRUE);
  sim_expect (sim, NULL);
}

/* The leg that is to be replaced comes and goes while the new one is not described yet. */
static void
test_old_leg_does_not_close_the_new_one (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  sim->manual = TRUE;
  run_renegotiate (sim, "leg");
  sim_transport (sim, DAO_TRANSPORT_CONNECTED);
  sim_describe (sim, SIM_SDP);
  sim_forget (sim);
  reconnect (sim);
  sim_expect (sim, "send call_offer alice OUT1", NULL);
}

static void
test_leg_is_not_repeated_after_its_end (void)
{
  g_autoptr (Sim) given_up = new_open_leg ();
  g_autoptr (Sim) timed_out = new_open_leg ();
  g_autoptr (Sim) hung_up = new_open_leg ();

  abandon_leg (given_up, 1);
  reconnect (given_up);
  sim_expect (given_up, NULL);

  sim_advance (timed_out, 14999);
  sim_expect (timed_out, NULL);
  sim_transport (timed_out, DAO_TRANSPORT_CONNECTING);  /* another 15 s */
  sim_advance (timed_out, 1);
  sim_forget (timed_out);
  reconnect (timed_out);
  sim_expect (timed_out, NULL);

  sim_hangup (hung_up);
  sim_forget (hung_up);
  reconnect (hung_up);
  sim_expect (hung_up, NULL);
}

static void
test_repeats_are_limited (void)
{
  g_autoptr (Sim) sim = new_open_leg ();

  for (guint i = 0; i < 200; i++)
    sim_candidate (sim, "candidate:n");
  sim_forget (sim);
  reconnect (sim);
  g_assert_cmpuint (sim->lines->len, ==, 1 + DAO_CALL_MAX_CANDIDATES);
  for (guint i = 0; i < 7; i++) {
    ask (sim, "alice", "OUT1", "leg");
    sim_advance (sim, 2000);
  }
  g_assert_cmpuint (sim_count_sent (sim, DAO_SIGNAL_OFFER), ==, 1 + 2 + 4);
  /* the next leg has its own */
  answer_leg (sim, 1, 2);
  sim_transport (sim, DAO_TRANSPORT_CONNECTED);
  run_renegotiate (sim, "leg");
  sim_forget (sim);
  ask (sim, "alice", "OUT1", "leg");
  sim_expect (sim, "send call_offer alice OUT1", NULL);
}

/* Which candidates were there is forgotten with the call, and when there are too many of them. */
static void
test_candidates_are_forgotten (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_callee (sim);
  offer_leg (sim, 1, 2);
  for (guint i = 0; i <= 256; i++) {
    g_autofree gchar *candidate = g_strdup_printf ("candidate:%u", i);

    leg_candidate (sim, "IN1", candidate);
    if (i % 32 == 31) {
      sim_advance (sim, 10000);
      dao_call_media_received (sim->call, sim->now);
    }
  }
  sim_forget (sim);
  leg_candidate (sim, "IN1", "candidate:256");
  sim_expect (sim, NULL);
  leg_candidate (sim, "IN1", "candidate:0");
  sim_expect (sim, "add candidate:0", NULL);

  sim_hangup (sim);
  sim_offer (sim, "alice", "IN2", 1);
  sim_answer (sim);
  sim_forget (sim);
  sim_receive (sim, leg_offer (sim, "IN2", 1, 2));
  leg_candidate (sim, "IN2", "candidate:0");
  sim_expect (sim, "create-answer leg=1", "send call_answer alice IN2",
      "add candidate:0", NULL);
}

static void
test_repeated_offer_of_a_leg (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);
  guint64 ignored;

  sim_connect_callee (sim);
  ignored = dao_call_get_ignored (sim->call);
  sim->manual = TRUE;
  offer_leg (sim, 1, 2);
  leg_candidate (sim, "IN1", "candidate:far");
  offer_leg (sim, 1, 2);        /* is being answered */
  leg_candidate (sim, "IN1", "candidate:far");
  sim_expect (sim, "create-answer leg=1", NULL);
  dao_call_remote_description_applied (sim->call, sim->now);
  sim_describe (sim, SIM_SDP);
  sim_candidate (sim, "candidate:near");
  sim_expect (sim, "add candidate:far", "send call_answer alice IN1",
      "send call_ice alice IN1", NULL);
  offer_leg (sim, 1, 2);
  leg_candidate (sim, "IN1", "candidate:far");
  sim_expect (sim, "send call_answer alice IN1", "send call_ice alice IN1",
      NULL);
  g_assert_cmpuint (sim_last_sent (sim, DAO_SIGNAL_ANSWER)->leg, ==, 1);
  g_assert_cmpuint (sim_last_sent (sim, DAO_SIGNAL_ANSWER)->gen, ==, 2);
  /* of the copies, only the candidates */
  g_assert_cmpuint (dao_call_get_ignored (sim->call), ==, ignored + 2);
  offer_leg (sim, 1, 1);        /* no copy */
  offer_leg (sim, 0, 2);
  sim_expect (sim, NULL);
  for (guint i = 0; i < 100; i++)
    offer_leg (sim, 1, 2);
  g_assert_cmpuint (sim_count_sent (sim, DAO_SIGNAL_ANSWER), ==, 1 + 1 + 4);
  sim_forget (sim);
  reconnect (sim);              /* that is ours */
  sim_expect (sim, "send call_answer alice IN1", "send call_ice alice IN1",
      NULL);
  sim_transport (sim, DAO_TRANSPORT_CONNECTED);
  offer_leg (sim, 1, 2);
  reconnect (sim);
  sim_expect (sim, NULL);
  sim_assert_state (sim, DAO_CALL_CONNECTED);
}

/* Only legs are said again: not other changes of a call, and nothing to those who would take it for another call. */
static void
test_nothing_else_is_repeated (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);
  g_autoptr (Sim) old = sim_new (DAO_E2EE_AUTO);
  DaoSignal *answer = sim_signal (old, DAO_SIGNAL_ANSWER, "alice", "OUT1");

  sim_connect_caller (sim);
  run_renegotiate (sim, "video");
  sim_candidate (sim, "candidate:1");
  sim_forget (sim);
  reconnect (sim);
  ask (sim, "alice", "OUT1", "leg");
  sim_expect (sim, NULL);

  answer->ext = 0;
  answer->sdp = g_strdup (SIM_SDP);
  sim_start (old, "alice", "OUT1", FALSE);
  sim_candidate (old, "candidate:1");
  sim_forget (old);
  reconnect (old);
  sim_expect (old, NULL);
  sim_receive (old, answer);
  sim_transport (old, DAO_TRANSPORT_CONNECTED);
  sim_transport (old, DAO_TRANSPORT_FAILED);
  sim_candidate (old, "candidate:2");
  sim_forget (old);
  reconnect (old);
  sim_expect (old, NULL);
}

static void
test_callee_may_not_offer (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  sim_offer (sim, "alice", "OUT1", 2);
  sim_expect (sim, NULL);
}

static void
test_old_generation_of_offer (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);
  DaoSignal *offer = sim_signal (sim, DAO_SIGNAL_OFFER, "alice", "IN1");

  sim_connect_callee (sim);
  sim_offer (sim, "alice", "IN1", 1);
  sim_expect (sim, NULL);
  offer->sdp = g_strdup (SIM_SDP);
  offer->leg = 1;
  offer->gen = 2;
  sim_receive (sim, offer);
  sim_expect (sim, "create-answer leg=1", "send call_answer alice IN1", NULL);
  sim_offer (sim, "alice", "IN1", 3);   /* leg 0 is over */
  sim_expect (sim, NULL);
}

static void
test_unanswered_upgrade (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);

  sim_connect_caller (sim);
  dao_call_renegotiate (sim->call, "video", sim->now);
  sim_run (sim);
  sim_forget (sim);
  sim_advance (sim, 10000);
  dao_call_media_received (sim->call, sim->now);
  sim_advance (sim, 5000);
  sim_expect (sim, "error no-answer", NULL);
  sim_assert_state (sim, DAO_CALL_CONNECTED);
}

static void
test_no_renegotiation_with_old_peer (void)
{
  g_autoptr (Sim) sim = sim_new (DAO_E2EE_AUTO);
  DaoSignal *answer = sim_signal (sim, DAO_SIGNAL_ANSWER, "alice", "OUT1");

  answer->ext = 0;
  answer->sdp = g_strdup (SIM_SDP);
  sim_start (sim, "alice", "OUT1", FALSE);
  sim_receive (sim, answer);
  sim_transport (sim, DAO_TRANSPORT_CONNECTED);
  g_assert_false (dao_call_renegotiate (sim->call, "video", sim->now));
  ask (sim, "alice", "OUT1", "video");
  sim_forget (sim);
  /* but it may offer to us, and a failure is worth a try */
  answer = sim_signal (sim, DAO_SIGNAL_OFFER, "alice", "OUT1");
  answer->ext = 0;
  answer->sdp = g_strdup (SIM_SDP_VIDEO);
  sim_receive (sim, answer);
  sim_expect (sim, "create-answer video", "send call_answer alice OUT1", NULL);
  sim_transport (sim, DAO_TRANSPORT_FAILED);
  sim_expect (sim, "state connecting", "create-offer video restart",
      "send call_offer alice OUT1", NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/call/transport/" #name, test_##name)
  ADD (disconnected_8s);
  ADD (disconnected_is_forgiven);
  ADD (connecting_is_bounded);
  ADD (media_watchdog);
  ADD (bad_fingerprint);
  ADD (closed);
  ADD (driver_fails);
  ADD (caller_restarts);
  ADD (restart_timeout);
  ADD (restart_without_a_peer);
  ADD (failure_in_restart_waits);
  ADD (callee_asks_for_restart);
  ADD (restart_with_old_peer);
  ADD (candidates_over_a_restart);
  ADD (caller_adds_video);
  ADD (one_exchange_at_a_time);
  ADD (one_answer_at_a_time);
  ADD (callee_asks_for_video);
  ADD (requests_are_rare);
  ADD (both_want_a_leg);
  ADD (leg_in_an_unanswered_restart);
  ADD (leg_before_the_offer_of_a_restart);
  ADD (restart_and_leg_at_once);
  ADD (caller_gives_up_a_leg);
  ADD (callee_gives_up_a_leg);
  ADD (unanswered_leg_is_followed_by_another);
  ADD (legs_for_hours);
  ADD (leg_is_repeated_while_it_is_open);
  ADD (answered_leg_gives_way);
  ADD (leg_waits_for_the_relay);
  ADD (old_leg_does_not_close_the_new_one);
  ADD (leg_is_not_repeated_after_its_end);
  ADD (repeats_are_limited);
  ADD (candidates_are_forgotten);
  ADD (repeated_offer_of_a_leg);
  ADD (nothing_else_is_repeated);
  ADD (callee_may_not_offer);
  ADD (old_generation_of_offer);
  ADD (unanswered_upgrade);
  ADD (no_renegotiation_with_old_peer);
  return g_test_run ();
}
