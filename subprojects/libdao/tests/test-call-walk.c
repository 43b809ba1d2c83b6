/* gst-dao: 10,000 random walks through a call; what must never happen, does not
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The seeds are fixed. The simulated driver checks every action (call-sim.c):
 * no keys, offer, answer or candidate before consent, one ring a call, a peer
 * connection is closed before a call is over.
 */
#include "call-sim.h"

#include <string.h>

#define WALKS 10000
#define STEPS 40

/* Steps that ended in each state: a walk that never gets there proves nothing. */
static guint visited[DAO_CALL_ENDED + 1];

typedef struct
{
  Sim *sim;
  GRand *rand;
  DaoE2eePolicy policy;
  guint calls;
  DaoCallState state;           /* before the step */
  guint answers;                /* sent before the step */
} Walk;

static guint
pick (Walk * walk, guint n)
{
  return g_rand_int_range (walk->rand, 0, n);
}

static void
random_start (Walk * walk)
{
  static const gchar *const peers[] = { "alice", "carol", "nobody" };
  g_autofree gchar *id = g_strdup_printf ("OUT%u", walk->calls++);

  sim_start (walk->sim, peers[pick (walk, 3)], id, pick (walk, 2));
}

static void
random_signal (Walk * walk)
{
  static const gchar *const peers[] =
      { "alice", "alice", "carol", "mallory" };
  static const gchar *const wants[] = { "restart", "video", "leg", "" };
  static const gchar *const sdps[] =
      { SIM_SDP, SIM_SDP_VIDEO, SIM_SDP_RESTART, "" };
  const gchar *current = dao_call_get_id (walk->sim->call);
  g_autofree gchar *other = g_strdup_printf ("IN%u", pick (walk, 6));
  static const DaoSignalType types[] = { DAO_SIGNAL_OFFER, DAO_SIGNAL_OFFER,
    DAO_SIGNAL_ANSWER, DAO_SIGNAL_ANSWER, DAO_SIGNAL_ICE, DAO_SIGNAL_ICE,
    DAO_SIGNAL_RENEGOTIATE, DAO_SIGNAL_RENEGOTIATE, DAO_SIGNAL_INVITE,
    DAO_SIGNAL_HANGUP, DAO_SIGNAL_REJECT
  };
  DaoSignal *signal = sim_signal (walk->sim,
      types[pick (walk, G_N_ELEMENTS (types))], peers[pick (walk, 4)],
      current != NULL && pick (walk, 3) > 0 ? current : other);

  signal->ext = pick (walk, 4) > 0;
  signal->gen = pick (walk, 4);
  signal->leg = pick (walk, 8) == 0;
  signal->sdp = g_strdup (sdps[pick (walk, 4)]);
  signal->candidate = g_strdup (pick (walk, 4) ? "candidate:1" : "bad");
  signal->want = g_strdup (wants[pick (walk, 4)]);
  if (pick (walk, 20) == 0) {
    signal->e2ee = TRUE;
    memset (signal->e2ee_pub, 9 + pick (walk, 2), 32);
  }
  if (pick (walk, 10) == 0)
    sim_receive_refused (walk->sim, signal, DAO_CALL_REASON_CONTACT_CHANGED);
  else
    sim_receive (walk->sim, signal);
}

static void
random_local (Walk * walk)
{
  Sim *sim = walk->sim;

  switch (pick (walk, 8)) {
    case 0:
      sim_hangup (sim);
      break;
    case 1:
      dao_call_reject (sim->call, sim->now);
      break;
    case 2:
      dao_call_fail (sim->call, DAO_CALL_REASON_INTERNAL, NULL, sim->now);
      break;
    case 3:
      dao_call_renegotiate (sim->call, pick (walk, 2) ? "video" : "restart",
          sim->now);
      break;
    case 4:
      sim_candidate (sim, "candidate:1");
      break;
    case 5:
      dao_call_media_received (sim->call, sim->now);
      break;
    case 6:
      sim_online (sim, pick (walk, 3) > 0);
      break;
    case 7:
      dao_call_remote_description_applied (sim->call, sim->now);
      break;
  }
  sim_run (sim);
}

static void
random_step (Walk * walk)
{
  Sim *sim = walk->sim;

  switch (pick (walk, 10)) {
    case 0:
      random_start (walk);
      break;
    case 1:
      sim_answer (sim);
      break;
    case 2:
      sim_transport (sim, pick (walk, 2) ? DAO_TRANSPORT_CONNECTED :
          pick (walk, DAO_TRANSPORT_BAD_FINGERPRINT + 1));
      break;
    case 3:
      sim_advance (sim, pick (walk, 20000));
      break;
    case 4:
      random_local (walk);
      break;
    case 5:
      sim_describe (sim, SIM_SDP);
      break;
    default:
      random_signal (walk);
      break;
  }
}

static void
check_step (Walk * walk)
{
  Sim *sim = walk->sim;
  DaoCallState state = dao_call_get_state (sim->call);

  visited[state]++;
  /* with its answer a call leaves ringing */
  if (state == DAO_CALL_RINGING && walk->state == DAO_CALL_RINGING)
    g_assert_cmpuint (sim_count_sent (sim, DAO_SIGNAL_ANSWER), ==,
        walk->answers);
  g_assert_true ((dao_call_get_id (sim->call) == NULL) ==
      (state == DAO_CALL_IDLE));
  /* no clock runs in a call that is over */
  if (state == DAO_CALL_IDLE || dao_call_state_is_terminal (state)) {
    g_assert_cmpint (dao_call_get_deadline (sim->call), ==, -1);
    g_assert_null (dao_call_get_keys (sim->call));
    g_assert_false (sim->has_pc);
  } else {
    /* and none is without a clock: every wait ends */
    g_assert_cmpint (dao_call_get_deadline (sim->call), >, 0);
  }
  if (state == DAO_CALL_RINGING && !sim->consent)
    g_assert_null (dao_call_get_keys (sim->call));
}

static void
walk_once (guint32 seed)
{
  Walk walk = {.rand = g_rand_new_with_seed (seed) };

  walk.policy = pick (&walk, 3);
  walk.sim = sim_new (walk.policy);
  /* half of them begin in the middle of a call */
  if (seed % 4 == 0 && walk.policy != DAO_E2EE_REQUIRED)
    sim_connect_caller (walk.sim);
  else if (seed % 4 == 1 && walk.policy != DAO_E2EE_REQUIRED)
    sim_connect_callee (walk.sim);
  walk.sim->manual = pick (&walk, 3) == 0;
  for (guint i = 0; i < STEPS; i++) {
    walk.state = dao_call_get_state (walk.sim->call);
    walk.answers = sim_count_sent (walk.sim, DAO_SIGNAL_ANSWER);
    random_step (&walk);
    check_step (&walk);
  }
  /* left alone, every call ends by itself */
  sim_advance (walk.sim, 1000000);
  walk.state = dao_call_get_state (walk.sim->call);
  g_assert_true (walk.state == DAO_CALL_IDLE
      || dao_call_state_is_terminal (walk.state));
  sim_free (walk.sim);
  g_rand_free (walk.rand);
}

/* Ignored signals are said at debug level; 400,000 steps say much. */
static void
drop_debug (const gchar * domain, GLogLevelFlags level, const gchar * message,
    gpointer user_data)
{
}

static void
test_walks (void)
{
  g_log_set_handler ("dao", G_LOG_LEVEL_DEBUG, drop_debug, NULL);
  for (guint32 seed = 1; seed <= WALKS; seed++)
    walk_once (seed);
  for (guint i = 0; i < G_N_ELEMENTS (visited); i++) {
    g_test_message ("%s: %u steps", dao_call_state_to_string (i), visited[i]);
    g_assert_cmpuint (visited[i], >, WALKS / 4);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/call/walk", test_walks);
  return g_test_run ();
}
