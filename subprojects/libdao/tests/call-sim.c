/* gst-dao: a simulated driver for tests of dao-call
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "call-sim.h"

#include <sodium.h>
#include <stdarg.h>
#include <string.h>

static const gchar *const aliases[] = { "alice", "carol", "dave" };

static DaoContact *
contact_new (const gchar * alias, guint8 seed)
{
  DaoContact *contact = g_new0 (DaoContact, 1);

  contact->alias = g_strdup (alias);
  contact->conversation_id = g_strdup ("conversation");
  contact->pinned = TRUE;
  contact->session_key = g_malloc0 (32);
  memset (contact->ed25519_public, seed, 32);
  return contact;
}

Sim *
sim_new_full (const gchar * own_alias, const DaoCallConfig * config)
{
  Sim *sim = g_new0 (Sim, 1);
  DaoCallConfig own = *config;

  own.own_alias = own_alias;
  sim->call = dao_call_new (&own);
  sim->now = 1000;
  sim->lines = g_ptr_array_new_with_free_func (g_free);
  g_queue_init (&sim->sent);
  for (guint i = 0; i < G_N_ELEMENTS (aliases); i++)
    sim->contacts[i] = contact_new (aliases[i], i + 1);
  sim->rung = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return sim;
}

Sim *
sim_new (DaoE2eePolicy e2ee)
{
  const DaoCallConfig config = {.e2ee = e2ee };

  return sim_new_full ("bob", &config);
}

void
sim_free (Sim * sim)
{
  dao_call_free (sim->call);
  g_ptr_array_unref (sim->lines);
  g_queue_clear_full (&sim->sent, (GDestroyNotify) dao_signal_free);
  for (guint i = 0; i < G_N_ELEMENTS (aliases); i++) {
    g_free (sim->contacts[i]->alias);
    g_free (sim->contacts[i]->conversation_id);
    g_free (sim->contacts[i]->session_key);
    g_free (sim->contacts[i]);
  }
  g_hash_table_unref (sim->rung);
  g_free (sim);
}

DaoContact *
sim_contact (Sim * sim, const gchar * alias)
{
  for (guint i = 0; i < G_N_ELEMENTS (aliases); i++)
    if (g_str_equal (aliases[i], alias))
      return sim->contacts[i];
  return NULL;
}

/* --- actions --- */

static gchar *
describe_media (const gchar * what, const DaoCallAction * action)
{
  GString *s = g_string_new (what);

  if (action->video)
    g_string_append (s, " video");
  if (action->restart)
    g_string_append (s, " restart");
  if (action->leg > 0)
    g_string_append_printf (s, " leg=%u", action->leg);
  return g_string_free (s, FALSE);
}

static gchar *
describe_action (const DaoCallAction * action)
{
  const DaoSignal *signal = action->signal;

  switch (action->type) {
    case DAO_CALL_ACTION_STATE:
      return g_strdup_printf (action->reason ? "state %s (%s)" : "state %s",
          dao_call_state_to_string (action->state),
          dao_call_reason_to_string (action->reason));
    case DAO_CALL_ACTION_INCOMING:
      return describe_media ("incoming", action);
    case DAO_CALL_ACTION_CREATE_OFFER:
      return describe_media ("create-offer", action);
    case DAO_CALL_ACTION_CREATE_ANSWER:
      return describe_media ("create-answer", action);
    case DAO_CALL_ACTION_APPLY_ANSWER:
      return describe_media ("apply-answer", action);
    case DAO_CALL_ACTION_ADD_CANDIDATE:
      return g_strdup_printf ("add %s", signal->candidate);
    case DAO_CALL_ACTION_SEND:
      return g_strdup_printf (signal->reason ? "send %s %s %s (%s)" :
          "send %s %s %s", dao_signal_type_to_string (signal->type),
          signal->to, signal->call_id, signal->reason);
    case DAO_CALL_ACTION_KEYS:
      return g_strdup ("keys");
    case DAO_CALL_ACTION_ERROR:
      g_assert_nonnull (action->text);
      return g_strdup_printf ("error %s",
          dao_call_reason_to_string (action->reason));
    case DAO_CALL_ACTION_CLOSE:
      return g_strdup ("close");
  }
  g_assert_not_reached ();
}

/* Invariants of any sequence. */
static void
check_action (Sim * sim, const DaoCallAction * action)
{
  switch (action->type) {
    case DAO_CALL_ACTION_CREATE_ANSWER:
      g_assert_true (sim->consent);
      g_assert_nonnull (action->sdp);
      sim->has_pc = TRUE;
      break;
    case DAO_CALL_ACTION_CREATE_OFFER:
      g_assert_true (sim->consent);
      sim->has_pc = TRUE;
      break;
    case DAO_CALL_ACTION_APPLY_ANSWER:
    case DAO_CALL_ACTION_ADD_CANDIDATE:
      g_assert_true (sim->has_pc);
      break;
    case DAO_CALL_ACTION_KEYS:
      g_assert_true (sim->consent);
      break;
    case DAO_CALL_ACTION_INCOMING:
      /* fails when it was there */
      g_assert_true (g_hash_table_add (sim->rung,
              g_strconcat (dao_call_get_peer (sim->call), "\n",
                  dao_call_get_id (sim->call), NULL)));
      g_assert_false (sim->has_pc);
      sim->consent = sim->auto_consent;
      break;
    case DAO_CALL_ACTION_SEND:
      if (action->signal->type == DAO_SIGNAL_ANSWER)
        g_assert_true (sim->consent);
      g_assert_cmpuint (action->signal->ext, ==, 1);
      g_assert_nonnull (action->signal->to);
      break;
    case DAO_CALL_ACTION_CLOSE:
      sim->has_pc = FALSE;
      break;
    case DAO_CALL_ACTION_STATE:
      if (dao_call_state_is_terminal (action->state)) {
        g_assert_false (sim->has_pc);
        sim->consent = FALSE;
      }
      break;
    default:
      break;
  }
}

/* Each peer connection describes itself: video and restart show in the SDP. */
static void
serve_action (Sim * sim, DaoCallAction * action)
{
  switch (action->type) {
    case DAO_CALL_ACTION_CREATE_ANSWER:
      dao_call_remote_description_applied (sim->call, sim->now);
      dao_call_set_local_description (sim->call, SIM_SDP, sim->now);
      break;
    case DAO_CALL_ACTION_CREATE_OFFER:
      dao_call_set_local_description (sim->call,
          action->video ? SIM_SDP_VIDEO : SIM_SDP, sim->now);
      break;
    case DAO_CALL_ACTION_APPLY_ANSWER:
      dao_call_remote_description_applied (sim->call, sim->now);
      break;
    default:
      break;
  }
}

void
sim_run (Sim * sim)
{
  DaoCallAction *action;

  while ((action = dao_call_pop_action (sim->call)) != NULL) {
    check_action (sim, action);
    g_ptr_array_add (sim->lines, describe_action (action));
    if (action->type == DAO_CALL_ACTION_SEND)
      g_queue_push_tail (&sim->sent, dao_signal_copy (action->signal));
    if (!sim->manual)
      serve_action (sim, action);
    dao_call_action_free (action);
  }
}

gchar *
sim_take_lines (Sim * sim, const gchar * separator)
{
  GString *all = g_string_new (NULL);

  for (guint i = 0; i < sim->lines->len; i++)
    g_string_append_printf (all, "%s%s", i > 0 ? separator : "",
        (gchar *) sim->lines->pdata[i]);
  g_ptr_array_set_size (sim->lines, 0);
  return g_string_free (all, FALSE);
}

void
sim_forget (Sim * sim)
{
  g_ptr_array_set_size (sim->lines, 0);
}

void
sim_expect (Sim * sim, ...)
{
  g_autofree gchar *got = sim_take_lines (sim, "\n");
  GString *want = g_string_new (NULL);
  const gchar *line;
  va_list args;

  va_start (args, sim);
  while ((line = va_arg (args, const gchar *)) != NULL)
      g_string_append_printf (want, "%s%s", want->len > 0 ? "\n" : "", line);
  va_end (args);
  g_assert_cmpstr (got, ==, want->str);
  g_string_free (want, TRUE);
}

const DaoSignal *
sim_last_sent (Sim * sim, DaoSignalType type)
{
  for (GList * l = sim->sent.tail; l != NULL; l = l->prev)
    if (((DaoSignal *) l->data)->type == type)
      return l->data;
  return NULL;
}

guint
sim_count_sent (Sim * sim, DaoSignalType type)
{
  guint n = 0;

  for (GList * l = sim->sent.head; l != NULL; l = l->next)
    n += ((DaoSignal *) l->data)->type == type;
  return n;
}

/* --- events --- */

gboolean
sim_start (Sim * sim, const gchar * peer, const gchar * id, gboolean video)
{
  gboolean active = dao_call_get_id (sim->call) != NULL
      && !dao_call_state_is_terminal (dao_call_get_state (sim->call));
  gboolean done;

  dao_call_set_next_id (sim->call, id);
  if (!active)
    sim->consent = TRUE;
  done = dao_call_start (sim->call, peer, sim_contact (sim, peer),
      DAO_CALL_REASON_NONE, TRUE, video, sim->now);
  g_assert_true (done == !active);
  sim_run (sim);
  return done;
}

gboolean
sim_answer (Sim * sim)
{
  gboolean done;

  if (dao_call_get_state (sim->call) == DAO_CALL_RINGING)
    sim->consent = TRUE;
  done = dao_call_answer (sim->call, sim->now);
  sim_run (sim);
  return done;
}

gboolean
sim_hangup (Sim * sim)
{
  gboolean done = dao_call_hangup (sim->call, sim->now);

  sim_run (sim);
  return done;
}

void
sim_transport (Sim * sim, DaoTransportEvent event)
{
  dao_call_transport (sim->call, event, sim->now);
  sim_run (sim);
}

void
sim_online (Sim * sim, gboolean online)
{
  dao_call_set_online (sim->call, online, sim->now);
  sim_run (sim);
}

void
sim_describe (Sim * sim, const gchar * sdp)
{
  dao_call_set_local_description (sim->call, sdp, sim->now);
  sim_run (sim);
}

void
sim_candidate (Sim * sim, const gchar * candidate)
{
  dao_call_local_candidate (sim->call, candidate, "0", 0, sim->now);
  sim_run (sim);
}

void
sim_advance (Sim * sim, gint64 ms)
{
  gint64 end = sim->now + ms;
  gint64 due;

  while ((due = dao_call_get_deadline (sim->call)) >= 0 && due <= end) {
    sim->now = MAX (sim->now, due);
    dao_call_advance (sim->call, sim->now);
    sim_run (sim);
  }
  sim->now = end;
}

DaoSignal *
sim_signal (Sim * sim, DaoSignalType type, const gchar * from,
    const gchar * id)
{
  DaoSignal *signal = dao_signal_new (type, from,
      sim->without_ext ? NULL : "bob", id);

  signal->ext = sim->without_ext ? 0 : 1;
  return signal;
}

void
sim_receive (Sim * sim, DaoSignal * signal)
{
  dao_call_receive (sim->call, signal, sim_contact (sim, signal->from),
      DAO_CALL_REASON_NONE, sim->now);
  dao_signal_free (signal);
  sim_run (sim);
}

void
sim_receive_refused (Sim * sim, DaoSignal * signal, DaoCallReason refusal)
{
  dao_call_receive (sim->call, signal, NULL, refusal, sim->now);
  dao_signal_free (signal);
  sim_run (sim);
}

static void
receive_sdp (Sim * sim, DaoSignalType type, const gchar * from,
    const gchar * id, guint gen)
{
  DaoSignal *signal = sim_signal (sim, type, from, id);

  signal->sdp = g_strdup (SIM_SDP);
  signal->gen = gen;
  sim_receive (sim, signal);
}

void
sim_offer (Sim * sim, const gchar * from, const gchar * id, guint gen)
{
  receive_sdp (sim, DAO_SIGNAL_OFFER, from, id, gen);
}

void
sim_answered (Sim * sim, const gchar * from, const gchar * id, guint gen)
{
  receive_sdp (sim, DAO_SIGNAL_ANSWER, from, id, gen);
}

void
sim_end (Sim * sim, DaoSignalType type, const gchar * from, const gchar * id,
    const gchar * reason)
{
  DaoSignal *signal = sim_signal (sim, type, from, id);

  signal->reason = g_strdup (reason);
  sim_receive (sim, signal);
}

void
sim_ice (Sim * sim, const gchar * from, const gchar * id,
    const gchar * candidate, guint gen)
{
  DaoSignal *signal = sim_signal (sim, DAO_SIGNAL_ICE, from, id);

  signal->candidate = g_strdup (candidate);
  signal->sdp_mid = g_strdup ("0");
  signal->sdp_mline_index = 0;
  signal->gen = gen;
  sim_receive (sim, signal);
}

void
sim_connect_caller (Sim * sim)
{
  sim_start (sim, "alice", "OUT1", FALSE);
  sim_answered (sim, "alice", "OUT1", 1);
  sim_transport (sim, DAO_TRANSPORT_CONNECTED);
  sim_assert_state (sim, DAO_CALL_CONNECTED);
  sim_forget (sim);
}

void
sim_connect_callee (Sim * sim)
{
  sim_offer (sim, "alice", "IN1", 1);
  sim_answer (sim);
  sim_transport (sim, DAO_TRANSPORT_CONNECTED);
  sim_assert_state (sim, DAO_CALL_CONNECTED);
  sim_forget (sim);
}
