/* gst-dao: walks every cell of docs/call-states.md
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The page is the table: "## call: STATE" starts one, "| event | what |" is a
 * cell. An event that a table does not name must be ignored there.
 *
 * test-call-table PAGE        checks the page
 * test-call-table --print     writes what the code does, in the page's form
 */
#include "call-sim.h"
#include "../dao/dao-call-private.h"

#include <string.h>

/* --- states --- */

static void
to_idle (Sim * sim)
{
}

static void
to_calling (Sim * sim)
{
  sim_start (sim, "alice", "ID", FALSE);
}

static void
to_calling_unsent (Sim * sim)
{
  sim->manual = TRUE;
  to_calling (sim);
}

static void
to_ringing (Sim * sim)
{
  sim_offer (sim, "alice", "ID", 1);
}

static void
to_answering (Sim * sim)
{
  to_ringing (sim);
  sim->manual = TRUE;
  sim_answer (sim);
}

static void
to_connecting_caller (Sim * sim)
{
  to_calling (sim);
  sim_answered (sim, "alice", "ID", 1);
}

static void
to_connecting_callee (Sim * sim)
{
  to_ringing (sim);
  sim_answer (sim);
}

static void
to_connected_caller (Sim * sim)
{
  to_connecting_caller (sim);
  sim_transport (sim, DAO_TRANSPORT_CONNECTED);
}

static void
to_connected_callee (Sim * sim)
{
  to_connecting_callee (sim);
  sim_transport (sim, DAO_TRANSPORT_CONNECTED);
}

static void
to_silent_caller (Sim * sim)
{
  to_connected_caller (sim);
  sim_transport (sim, DAO_TRANSPORT_DISCONNECTED);
}

static void
to_silent_callee (Sim * sim)
{
  to_connected_callee (sim);
  sim_transport (sim, DAO_TRANSPORT_DISCONNECTED);
}

static void
to_offering (Sim * sim)
{
  to_connected_caller (sim);
  g_assert_true (dao_call_renegotiate (sim->call, "leg", sim->now));
  sim_run (sim);
}

static void
to_leg_answered (Sim * sim)
{
  DaoSignal *offer = sim_signal (sim, DAO_SIGNAL_OFFER, "alice", "ID");

  to_connected_callee (sim);
  offer->sdp = g_strdup (SIM_SDP);
  offer->leg = 1;
  offer->gen = 2;
  sim_receive (sim, offer);
}

static void
to_restarting_caller (Sim * sim)
{
  to_connected_caller (sim);
  sim_transport (sim, DAO_TRANSPORT_FAILED);
}

static void
to_restarting_callee (Sim * sim)
{
  to_connected_callee (sim);
  sim_transport (sim, DAO_TRANSPORT_FAILED);
}

/* Its request waits. */
static void
to_restarting_callee_away (Sim * sim)
{
  to_connected_callee (sim);
  sim_online (sim, FALSE);
  sim_transport (sim, DAO_TRANSPORT_FAILED);
}

static void
to_hangup (Sim * sim)
{
  to_connected_caller (sim);
  sim_hangup (sim);
}

/* and the hangup waits */
static void
to_hangup_away (Sim * sim)
{
  to_connected_caller (sim);
  sim_online (sim, FALSE);
  sim_hangup (sim);
}

static void
to_rejected (Sim * sim)
{
  to_calling (sim);
  sim_end (sim, DAO_SIGNAL_REJECT, "alice", "ID", NULL);
}

static void
to_ended (Sim * sim)
{
  to_calling (sim);
  sim_advance (sim, DAO_CALL_ANSWER_TIMEOUT_MS);
}

static const struct
{
  const gchar *name;
  void (*enter) (Sim * sim);
  DaoCallState state;
  enum
  { WITHOUT_EXT = 1, AWAY = 2, GOES_AWAY = 4 } how;
} states[] = {
  {"idle", to_idle, DAO_CALL_IDLE},
  {"calling, offer not made", to_calling_unsent, DAO_CALL_CALLING},
  {"calling", to_calling, DAO_CALL_CALLING},
  {"ringing", to_ringing, DAO_CALL_RINGING},
  {"ringing, answering", to_answering, DAO_CALL_RINGING},
  {"connecting, caller", to_connecting_caller, DAO_CALL_CONNECTING},
  {"connecting, callee", to_connecting_callee, DAO_CALL_CONNECTING},
  {"connected, caller", to_connected_caller, DAO_CALL_CONNECTED},
  {"connected, callee", to_connected_callee, DAO_CALL_CONNECTED},
  {"connected, offering", to_offering, DAO_CALL_CONNECTED},
  {"connected, new leg answered", to_leg_answered, DAO_CALL_CONNECTED},
  {"silent, caller", to_silent_caller, DAO_CALL_CONNECTED},
  {"silent, callee", to_silent_callee, DAO_CALL_CONNECTED},
  {"restarting, caller", to_restarting_caller, DAO_CALL_CONNECTING},
  {"restarting, callee", to_restarting_callee, DAO_CALL_CONNECTING},
  {"hangup", to_hangup, DAO_CALL_HANGUP},
  {"rejected", to_rejected, DAO_CALL_REJECTED},
  {"ended", to_ended, DAO_CALL_ENDED},

  {"calling, peer without ext", to_calling, DAO_CALL_CALLING, WITHOUT_EXT},
  {"ringing, peer without ext", to_ringing, DAO_CALL_RINGING, WITHOUT_EXT},
  {"ringing, answering, peer without ext", to_answering, DAO_CALL_RINGING,
      WITHOUT_EXT},
  {"connecting, caller, peer without ext", to_connecting_caller,
      DAO_CALL_CONNECTING, WITHOUT_EXT},
  {"connecting, callee, peer without ext", to_connecting_callee,
      DAO_CALL_CONNECTING, WITHOUT_EXT},
  {"connected, caller, peer without ext", to_connected_caller,
      DAO_CALL_CONNECTED, WITHOUT_EXT},
  {"connected, callee, peer without ext", to_connected_callee,
      DAO_CALL_CONNECTED, WITHOUT_EXT},
  {"silent, caller, peer without ext", to_silent_caller, DAO_CALL_CONNECTED,
      WITHOUT_EXT},
  {"silent, callee, peer without ext", to_silent_callee, DAO_CALL_CONNECTED,
      WITHOUT_EXT},
  {"restarting, caller, peer without ext", to_restarting_caller,
      DAO_CALL_CONNECTING, WITHOUT_EXT},
  {"restarting, callee, peer without ext", to_restarting_callee,
      DAO_CALL_CONNECTING, WITHOUT_EXT},

  {"calling, relay away", to_calling, DAO_CALL_CALLING, AWAY},
  {"calling, relay went away", to_calling, DAO_CALL_CALLING, GOES_AWAY},
  {"ringing, relay went away", to_ringing, DAO_CALL_RINGING, GOES_AWAY},
  {"connecting, callee, relay away", to_connecting_callee,
      DAO_CALL_CONNECTING, AWAY},
  {"connected, caller, relay went away", to_connected_caller,
      DAO_CALL_CONNECTED, GOES_AWAY},
  {"connected, callee, relay went away", to_connected_callee,
      DAO_CALL_CONNECTED, GOES_AWAY},
  {"connected, offering, relay went away", to_offering, DAO_CALL_CONNECTED,
      GOES_AWAY},
  {"silent, caller, relay went away", to_silent_caller, DAO_CALL_CONNECTED,
      GOES_AWAY},
  {"restarting, callee, relay away", to_restarting_callee_away,
      DAO_CALL_CONNECTING},
  {"hangup, relay away", to_hangup_away, DAO_CALL_HANGUP},
};

/* --- events --- */

/* Who sends it and of which call. */
static const struct
{
  const gchar *name;
  const gchar *from;
  const gchar *id;
} origins[] = {
  {"from the peer", "alice", "ID"},
  {"from the peer, new call_id", "alice", "NEW"},
  {"from the peer, ended call_id", "alice", "OLD"},
  {"from another contact", "carol", "ID"},
  {"from a stranger", "mallory", "ID"},
};

static DaoSignal *
typical_signal (Sim * sim, DaoSignalType type, const gchar * from,
    const gchar * id)
{
  DaoSignal *signal = sim_signal (sim, type, from, id);

  /* the next offer, the answer that is waited for */
  if (signal->ext)
    signal->gen = type == DAO_SIGNAL_OFFER ? 2 :
        MAX (sim->call->negotiation.gen, 1);
  if (type == DAO_SIGNAL_OFFER || type == DAO_SIGNAL_ANSWER)
    signal->sdp = g_strdup (SIM_SDP);
  if (type == DAO_SIGNAL_ICE) {
    signal->candidate = g_strdup ("candidate:1");
    signal->sdp_mid = g_strdup ("0");
  }
  if (type == DAO_SIGNAL_RENEGOTIATE)
    signal->want = g_strdup ("video");
  if (!signal->ext)
    return signal;
  signal->leg = sim->call->negotiation.leg;
  if (type == DAO_SIGNAL_ICE) {
    signal->leg = sim->call->negotiation.remote_leg;
    signal->gen = MAX (sim->call->negotiation.remote_gen, 1);
  }
  return signal;
}

static const gchar *const local_events[] = {
  "start", "start, refused contact", "answer", "reject", "hangup", "fail",
  "renegotiate video", "renegotiate restart", "renegotiate leg",
  "give the leg up", "local description", "remote description applied",
  "local candidate", "media", "offline", "online",
};

/* "refused" = FALSE and nothing changed */
static gboolean
run_local (Sim * sim, const gchar * event)
{
  DaoCall *call = sim->call;
  gboolean done = TRUE;

  if (g_str_has_prefix (event, "start")) {
    gboolean refused = strchr (event, ',') != NULL;

    dao_call_set_next_id (call, "NEW");
    sim->consent = sim->consent || !dao_call_is_active (call);
    done = dao_call_start (call, "alice",
        refused ? NULL : sim_contact (sim, "alice"),
        refused ? DAO_CALL_REASON_CONTACT_CHANGED : DAO_CALL_REASON_NONE,
        TRUE, FALSE, sim->now);
  } else if (g_str_equal (event, "answer")) {
    sim->consent = TRUE;
    done = dao_call_answer (call, sim->now);
  } else if (g_str_equal (event, "reject")) {
    done = dao_call_reject (call, sim->now);
  } else if (g_str_equal (event, "hangup")) {
    done = dao_call_hangup (call, sim->now);
  } else if (g_str_equal (event, "fail")) {
    dao_call_fail (call, DAO_CALL_REASON_LOCAL_MEDIA, NULL, sim->now);
  } else if (g_str_has_prefix (event, "renegotiate ")) {
    done = dao_call_renegotiate (call, event + strlen ("renegotiate "),
        sim->now);
  } else if (g_str_equal (event, "give the leg up")) {
    dao_call_abandon_leg (call, call->negotiation.leg, sim->now);
  } else if (g_str_equal (event, "local description")) {
    dao_call_set_local_description (call, SIM_SDP, sim->now);
  } else if (g_str_equal (event, "remote description applied")) {
    dao_call_remote_description_applied (call, sim->now);
  } else if (g_str_equal (event, "local candidate")) {
    dao_call_local_candidate (call, "candidate:1", "0", 0, sim->now);
  } else if (g_str_equal (event, "media")) {
    dao_call_media_received (call, sim->now);
  } else if (g_str_has_suffix (event, "line")) {
    dao_call_set_online (call, g_str_equal (event, "online"), sim->now);
  }
  return done;
}

static const gchar *const timer_names[] = {
  [DAO_CALL_TIMER_OFFER] = "60 s without an offer",
  [DAO_CALL_TIMER_ANSWER] = "15 s without an answer",
  [DAO_CALL_TIMER_RING] = "60 s of ringing",
  [DAO_CALL_TIMER_CONNECT] = "30 s without a connection",
  [DAO_CALL_TIMER_SILENCE] = "5.5 s of silence",
  [DAO_CALL_TIMER_DISCONNECTED] = "8 s disconnected",
  [DAO_CALL_TIMER_RESTART] = "15 s without the restart",
  [DAO_CALL_TIMER_MEDIA] = "15 s without media",
  [DAO_CALL_TIMER_RENEGOTIATION] = "15 s without a new answer",
};

/* Only this timer, if it runs here. */
static void
run_timer (Sim * sim, DaoCallTimer timer)
{
  gint64 due = sim->call->timers[timer];

  if (due < 0)
    return;
  dao_call_clear_timers (sim->call);
  dao_call_set_timer (sim->call, timer, due);
  sim->now = due;
  dao_call_advance (sim->call, due);
}

static const gchar *const transport_names[] = {
  [DAO_TRANSPORT_CONNECTING] = "transport connecting",
  [DAO_TRANSPORT_CONNECTED] = "transport connected",
  [DAO_TRANSPORT_DISCONNECTED] = "transport disconnected",
  [DAO_TRANSPORT_FAILED] = "transport failed",
  [DAO_TRANSPORT_CLOSED] = "transport closed",
  [DAO_TRANSPORT_BAD_FINGERPRINT] = "transport bad fingerprint",
};

/* --- cells --- */

static const gchar *
watch_of (DaoCall * call)
{
  static gchar text[64];

  g_snprintf (text, sizeof text, "%d %d %d",
      dao_call_timer_runs (call, DAO_CALL_TIMER_DISCONNECTED),
      dao_call_timer_runs (call, DAO_CALL_TIMER_MEDIA),
      dao_call_timer_runs (call, DAO_CALL_TIMER_RENEGOTIATION));
  return text;
}

static void
append_signal (GString * text, const DaoSignal * signal)
{
  g_string_append_printf (text, signal->reason ? "%s%s %s %s (%s)" :
      "%s%s %s %s", text->len > 0 ? ", " : "",
      dao_signal_type_to_string (signal->type), signal->to,
      signal->call_id, signal->reason);
}

/* What leaves when the relay is back */
static gchar *
waiting (DaoCall * call)
{
  GString *text = g_string_new (NULL);

  for (GList * l = call->outbox.head; l != NULL; l = l->next)
    append_signal (text, ((DaoCallEntry *) l->data)->signal);
  for (GList * l = call->open_leg.head; !call->online && l; l = l->next)
    append_signal (text, l->data);
  return g_string_free (text, FALSE);
}

typedef struct
{
  const gchar *state;
  gchar *event;
  gchar *cell;
} Cell;

static void
cell_free (Cell * cell)
{
  g_free (cell->event);
  g_free (cell->cell);
  g_free (cell);
}

static void
enter (Sim * sim, guint state)
{
  dao_call_remember_ended (sim->call, "alice", "OLD");
  sim->without_ext = states[state].how == WITHOUT_EXT;
  if (states[state].how == AWAY)
    sim_online (sim, FALSE);
  states[state].enter (sim);
  if (states[state].how == GOES_AWAY)
    sim_online (sim, FALSE);
  g_assert_cmpint (dao_call_get_state (sim->call), ==, states[state].state);
  sim_forget (sim);
}

/* No action came of it: what did? */
static const gchar *
name_silence (Sim * sim, gboolean done, guint64 ignored, const gchar * watch)
{
  if (!done)
    return "refused";
  if (dao_call_get_ignored (sim->call) > ignored)
    return "-";
  return strcmp (watch, watch_of (sim->call)) == 0 ? "kept" : "clocks change";
}

/* Enters the state, lets @fire happen, and says in words what came of it. */
typedef gboolean (*Fire) (Sim * sim, guint i, guint j);

static Cell *
make_cell (guint state, gchar * event, Fire fire, guint i, guint j)
{
  Cell *cell = g_new0 (Cell, 1);
  Sim *sim = sim_new (DAO_E2EE_AUTO);
  guint64 ignored;
  gboolean done;
  g_autofree gchar *watch = NULL;
  g_autofree gchar *waited = NULL;
  g_autofree gchar *waits = NULL;
  g_autofree gchar *lines = NULL;

  enter (sim, state);
  ignored = dao_call_get_ignored (sim->call);
  watch = g_strdup (watch_of (sim->call));
  waited = waiting (sim->call);
  sim->manual = TRUE;
  done = fire (sim, i, j);
  sim_run (sim);

  lines = sim_take_lines (sim, "; ");
  waits = waiting (sim->call);
  cell->state = states[state].name;
  cell->event = event;
  if (strcmp (waits, waited) != 0 && *waits != '\0')
    cell->cell = g_strdup_printf ("%s%swaiting: %s", lines, *lines ? "; " : "",
        waits);
  else if (*lines != '\0')
    cell->cell = g_steal_pointer (&lines);
  else
    cell->cell = g_strdup (name_silence (sim, done, ignored, watch));
  sim_free (sim);
  return cell;
}

static gboolean
fire_signal (Sim * sim, guint type, guint origin)
{
  DaoSignal *signal = typical_signal (sim, type, origins[origin].from,
      origins[origin].id);

  dao_call_receive (sim->call, signal, sim_contact (sim, signal->from),
      DAO_CALL_REASON_NONE, sim->now);
  dao_signal_free (signal);
  return TRUE;
}

static gboolean
fire_local (Sim * sim, guint i, guint j)
{
  return run_local (sim, local_events[i]);
}

static gboolean
fire_timer (Sim * sim, guint timer, guint j)
{
  run_timer (sim, timer);
  return TRUE;
}

static gboolean
fire_transport (Sim * sim, guint event, guint j)
{
  dao_call_transport (sim->call, event, sim->now);
  return TRUE;
}

static GPtrArray *
all_cells (void)
{
  GPtrArray *cells = g_ptr_array_new_with_free_func ((GDestroyNotify)
      cell_free);

  for (guint s = 0; s < G_N_ELEMENTS (states); s++) {
    for (guint t = DAO_SIGNAL_OFFER; t <= DAO_SIGNAL_RENEGOTIATE; t++)
      for (guint o = 0; o < G_N_ELEMENTS (origins); o++)
        g_ptr_array_add (cells, make_cell (s, g_strdup_printf ("%s %s",
                    dao_signal_type_to_string (t), origins[o].name),
                fire_signal, t, o));
    for (guint i = 0; i < G_N_ELEMENTS (local_events); i++)
      g_ptr_array_add (cells, make_cell (s, g_strdup (local_events[i]),
              fire_local, i, 0));
    for (guint i = 0; i < DAO_CALL_N_TIMERS; i++)
      g_ptr_array_add (cells, make_cell (s, g_strdup (timer_names[i]),
              fire_timer, i, 0));
    for (guint i = 0; i < G_N_ELEMENTS (transport_names); i++)
      g_ptr_array_add (cells, make_cell (s, g_strdup (transport_names[i]),
              fire_transport, i, 0));
  }
  return cells;
}

/* Not in the page: ignored and refused, and what neither does nor changes anything. */
static gboolean
is_silent (const Cell * cell)
{
  return g_str_equal (cell->cell, "-") || g_str_equal (cell->cell, "refused")
      || (g_str_equal (cell->cell, "kept")
      && !g_str_has_prefix (cell->event, "call_"));
}

static void
print_cells (void)
{
  GPtrArray *cells = all_cells ();
  const gchar *state = NULL;

  for (guint i = 0; i < cells->len; i++) {
    Cell *cell = cells->pdata[i];

    if (cell->state != state)
      g_print ("\n## call: %s\n\n| event | what happens |\n|---|---|\n",
          cell->state);
    state = cell->state;
    if (!is_silent (cell))
      g_print ("| %s | %s |\n", cell->event, cell->cell);
  }
  g_ptr_array_unref (cells);
}

/* --- the page --- */

/* "STATE\nEVENT" -> cell */
static GHashTable *
read_page (const gchar * path)
{
  GHashTable *page = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      g_free);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = NULL;
  g_autofree gchar *state = NULL;
  g_auto (GStrv) lines = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    if (g_str_has_prefix (lines[i], "## ")) {
      g_clear_pointer (&state, g_free);
      if (g_str_has_prefix (lines[i], "## call: "))
        state = g_strdup (lines[i] + strlen ("## call: "));
    } else if (state != NULL && g_str_has_prefix (lines[i], "| ")
        && !g_str_has_prefix (lines[i], "| event")) {
      g_auto (GStrv) parts = g_strsplit (lines[i], "|", -1);

      g_assert_cmpuint (g_strv_length (parts), ==, 4);
      g_assert_true (g_hash_table_insert (page, g_strdup_printf ("%s\n%s",
                  state, g_strstrip (parts[1])),
              g_strdup (g_strstrip (parts[2]))));
    }
  }
  return page;
}

static void
test_every_cell (gconstpointer path)
{
  GHashTable *page;
  GPtrArray *cells;

  /* the page of the documentation: docs/call-states.md */
  g_assert_nonnull (path);
  page = read_page (path);
  cells = all_cells ();

  for (guint i = 0; i < cells->len; i++) {
    Cell *cell = cells->pdata[i];
    g_autofree gchar *key = g_strdup_printf ("%s\n%s", cell->state,
        cell->event);
    const gchar *want = g_hash_table_lookup (page, key);

    if (want == NULL && is_silent (cell))
      continue;
    if (g_strcmp0 (want, cell->cell) != 0) {
      g_test_message ("%s, %s: the page says \"%s\", the call does \"%s\"",
          cell->state, cell->event, want ? want : "nothing", cell->cell);
      g_test_fail ();
    }
    g_hash_table_remove (page, key);
  }
  /* nothing in the page that is no cell */
  g_assert_cmpuint (g_hash_table_size (page), ==, 0);
  g_assert_cmpuint (cells->len, ==, G_N_ELEMENTS (states) * (7 *
          G_N_ELEMENTS (origins) + G_N_ELEMENTS (local_events)
          + DAO_CALL_N_TIMERS + G_N_ELEMENTS (transport_names)));
  g_hash_table_unref (page);
  g_ptr_array_unref (cells);
}

int
main (int argc, char **argv)
{
  if (argc == 2 && g_str_equal (argv[1], "--print")) {
    print_cells ();
    return 0;
  }
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/call/table/S6-every-cell",
      argc == 2 ? argv[1] : NULL, test_every_cell);
  return g_test_run ();
}
