/* gst-dao: fuzzes the life of a call with sequences of events
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The input is the choices of a walk like those of libdao's test-call-walk.c, which
 * says what must never happen. The simulated driver (call-sim.c) checks every action.
 */
#include "call-sim.h"
#include "dao-secret.h"
#include "fuzz.h"

#include <string.h>

/* With the calls below, fewer calls than a DaoCall remembers: what ended must not ring again. */
#define MAX_STEPS 200
#define MAX_STARTS 30

typedef struct
{
  Sim *sim;
  FuzzReader *reader;
  guint starts;
  DaoCallState state;           /* before the step */
  guint answers;
} Walk;

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_init ();
  dao_crypto_init ();
  return 0;
}

static guint
pick (Walk * walk, guint n)
{
  return fuzz_u8 (walk->reader) % n;
}

static gchar *
pick_text (Walk * walk, const gchar * const *texts, guint n)
{
  return g_strdup (texts[pick (walk, n)]);
}

#define PICK_TEXT(walk, texts) pick_text (walk, texts, G_N_ELEMENTS (texts))

static void
fill_signal (Walk * walk, DaoSignal * signal)
{
  static const gchar *const sdps[] = { SIM_SDP, SIM_SDP_VIDEO, SIM_SDP_RESTART,
    "", NULL, "v=0\r\n", "m=video "
  };
  static const gchar *const candidates[] = { "candidate:1", "bad", "", NULL };
  static const gchar *const wants[] = { "restart", "video", "leg", "", NULL };
  static const gchar *const reasons[] = { "busy", "declined", "timeout",
    "e2ee-required", "failed", NULL
  };
  guint8 bits = fuzz_u8 (walk->reader);

  signal->ext = (bits & 1) == 0;
  signal->gen = fuzz_u8 (walk->reader);
  if (bits & 2)
    signal->leg = fuzz_u8 (walk->reader);
  if (bits & 4) {
    signal->e2ee = TRUE;
    memset (signal->e2ee_pub, pick (walk, 3), 32);
  }
  signal->sdp = PICK_TEXT (walk, sdps);
  signal->candidate = PICK_TEXT (walk, candidates);
  signal->want = PICK_TEXT (walk, wants);
  signal->reason = PICK_TEXT (walk, reasons);
  if (bits & 8)
    signal->sdp_mid = g_strdup ("0");
  signal->sdp_mline_index = (gint) (bits >> 6) - 1;
}

/* What dao_signal_from_json() lets pass. */
static gboolean
is_complete (const DaoSignal * signal)
{
  switch (signal->type) {
    case DAO_SIGNAL_OFFER:
    case DAO_SIGNAL_ANSWER:
      return signal->sdp != NULL;
    case DAO_SIGNAL_ICE:
      return signal->candidate != NULL;
    case DAO_SIGNAL_RENEGOTIATE:
      return signal->want != NULL;
    default:
      return TRUE;
  }
}

static void
receive (Walk * walk)
{
  static const gchar *const peers[] = { "alice", "carol", "mallory" };
  static const DaoCallReason refusals[] = { DAO_CALL_REASON_CONTACT_CHANGED,
    DAO_CALL_REASON_UNKNOWN_CONTACT, DAO_CALL_REASON_UNVERIFIED
  };
  const gchar *current = dao_call_get_id (walk->sim->call);
  guint8 who = fuzz_u8 (walk->reader);
  g_autofree gchar *other = g_strdup_printf ("IN%u", who >> 2 & 3);
  DaoSignal *signal = sim_signal (walk->sim,
      pick (walk, DAO_SIGNAL_RENEGOTIATE + 1), peers[(who & 3) % 3],
      current != NULL && !(who & 0x80) ? current : other);

  fill_signal (walk, signal);
  if (!is_complete (signal))
    dao_signal_free (signal);
  else if (who & 0x40)
    sim_receive_refused (walk->sim, signal, refusals[pick (walk, 3)]);
  else
    sim_receive (walk->sim, signal);
}

static void
start (Walk * walk)
{
  static const gchar *const peers[] = { "alice", "carol", "nobody" };
  g_autofree gchar *id = g_strdup_printf ("OUT%u", walk->starts);

  if (walk->starts++ < MAX_STARTS)
    sim_start (walk->sim, peers[pick (walk, 3)], id, pick (walk, 2));
}

static void
set_config (Walk * walk)
{
  DaoCallConfig config = {.own_alias = "bob",.e2ee = pick (walk, 3),
    .min_trust = pick (walk, 2)
  };

  dao_call_set_config (walk->sim->call, &config);
}

static void
local (Walk * walk)
{
  static const gchar *const wants[] = { "restart", "video", "leg" };
  Sim *sim = walk->sim;

  switch (pick (walk, 10)) {
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
      dao_call_renegotiate (sim->call, wants[pick (walk, 3)], sim->now);
      break;
    case 4:
      sim_candidate (sim, pick (walk, 2) ? "candidate:1" : "");
      break;
    case 5:
      dao_call_media_received (sim->call, sim->now);
      break;
    case 6:
      sim_online (sim, pick (walk, 2));
      break;
    case 7:
      dao_call_remote_description_applied (sim->call, sim->now);
      break;
    case 8:
      sim->contacts[pick (walk, 3)]->trust = pick (walk, 3);
      break;
    case 9:
      set_config (walk);
      break;
  }
  sim_run (sim);
}

static void
step (Walk * walk)
{
  Sim *sim = walk->sim;

  switch (pick (walk, 8)) {
    case 0:
      start (walk);
      break;
    case 1:
      sim_answer (sim);
      break;
    case 2:
      sim_transport (sim, pick (walk, DAO_TRANSPORT_BAD_FINGERPRINT + 1));
      break;
    case 3:
      sim_advance (sim, fuzz_u16 (walk->reader) % 20000);
      break;
    case 4:
      local (walk);
      break;
    case 5:
      sim_describe (sim, pick (walk, 2) ? SIM_SDP_VIDEO : SIM_SDP);
      break;
    default:
      receive (walk);
      break;
  }
}

static void
check_step (Walk * walk)
{
  Sim *sim = walk->sim;
  DaoCallState state = dao_call_get_state (sim->call);

  if (state == DAO_CALL_RINGING && walk->state == DAO_CALL_RINGING)
    g_assert_cmpuint (sim_count_sent (sim, DAO_SIGNAL_ANSWER), ==,
        walk->answers);
  g_assert_true ((dao_call_get_id (sim->call) == NULL) ==
      (state == DAO_CALL_IDLE));
  if (state == DAO_CALL_IDLE || dao_call_state_is_terminal (state)) {
    g_assert_cmpint (dao_call_get_deadline (sim->call), ==, -1);
    g_assert_null (dao_call_get_keys (sim->call));
    g_assert_false (sim->has_pc);
  } else {
    g_assert_cmpint (dao_call_get_deadline (sim->call), >, 0);
  }
  if (state == DAO_CALL_RINGING && !sim->consent)
    g_assert_null (dao_call_get_keys (sim->call));
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  FuzzReader reader = { data, size };
  Walk walk = {.reader = &reader };
  DaoCallState state;

  walk.sim = sim_new (pick (&walk, 3));
  walk.sim->manual = pick (&walk, 2);
  for (guint i = 0; i < MAX_STEPS && reader.size > 0; i++) {
    walk.state = dao_call_get_state (walk.sim->call);
    walk.answers = sim_count_sent (walk.sim, DAO_SIGNAL_ANSWER);
    step (&walk);
    check_step (&walk);
  }
  sim_advance (walk.sim, 1000000);
  state = dao_call_get_state (walk.sim->call);
  g_assert_true (state == DAO_CALL_IDLE || dao_call_state_is_terminal (state));
  sim_free (walk.sim);
  return 0;
}
