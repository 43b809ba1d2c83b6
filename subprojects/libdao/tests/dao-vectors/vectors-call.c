/* gst-dao: vectors of the call's state machine
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A driver without network or media plays the steps of a case on a clock of
 * its own: descriptions are ready at once, every contact that speaks is known.
 */
#include "dao-vectors.h"

#include "dao-call.h"

#include <string.h>

#define OWN_ALIAS "alice"

typedef struct
{
  DaoCall *call;
  gint64 now;
  json_t *case_;
  gboolean held;                /* an operation runs beside the next step: descriptions wait */
  gchar *held_sdp;
  guint calls;                  /* started here: OUT1, OUT2, ... */

  json_t *sent;
  json_t *candidates;
  gchar *answer_from;           /* whose description was applied */
  gchar *incoming_alias;
  gboolean incoming_video;
  guint incoming_count;
  guint restarts;
  gboolean error;
  gint64 state_at;              /* when the state last changed */
} Driver;

/* --- the driver --- */

static void
note_sent (Driver * driver, const DaoSignal * signal)
{
  if (signal->type == DAO_SIGNAL_ICE)
    return;
  json_array_append_new (driver->sent, json_pack ("{s:s, s:s, s:s, s:s*}",
          "type", dao_signal_type_to_string (signal->type), "to", signal->to,
          "call_id", signal->call_id, "reason", signal->reason));
}

/* Test descriptions say who made them in their session name. */
static gchar *
sdp_author (const gchar * sdp)
{
  const gchar *name = strstr (sdp, "s=");

  return name ? g_strndup (name + 2, strcspn (name + 2, "\r\n")) : NULL;
}

static gchar *
make_sdp (const gchar * author, gboolean video)
{
  return g_strdup_printf ("v=0\r\ns=%s\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n%s",
      author, video ? "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" : "");
}

static void run_actions (Driver * driver);

static void
describe (Driver * driver, gboolean video)
{
  gchar *sdp = make_sdp (OWN_ALIAS, video);

  if (driver->held) {
    g_free (driver->held_sdp);
    driver->held_sdp = sdp;
    return;
  }
  dao_call_set_local_description (driver->call, sdp, driver->now);
  g_free (sdp);
}

static void
note_remote (Driver * driver, const gchar * sdp)
{
  g_free (driver->answer_from);
  driver->answer_from = sdp_author (sdp);
  dao_call_remote_description_applied (driver->call, driver->now);
}

static void
run_action (Driver * driver, DaoCallAction * action)
{
  switch (action->type) {
    case DAO_CALL_ACTION_STATE:
      driver->state_at = driver->now;
      break;
    case DAO_CALL_ACTION_INCOMING:
      driver->incoming_count++;
      driver->incoming_video = action->video;
      g_free (driver->incoming_alias);
      driver->incoming_alias = g_strdup (dao_call_get_peer (driver->call));
      break;
    case DAO_CALL_ACTION_CREATE_OFFER:
      driver->restarts += action->restart ? 1 : 0;
      describe (driver, action->video);
      break;
    case DAO_CALL_ACTION_CREATE_ANSWER:
      note_remote (driver, action->sdp);
      describe (driver, action->video);
      break;
    case DAO_CALL_ACTION_APPLY_ANSWER:
      note_remote (driver, action->sdp);
      break;
    case DAO_CALL_ACTION_ADD_CANDIDATE:
      json_array_append_new (driver->candidates,
          json_string (action->signal->candidate));
      break;
    case DAO_CALL_ACTION_SEND:
      note_sent (driver, action->signal);
      break;
    case DAO_CALL_ACTION_ERROR:
      driver->error = TRUE;
      break;
    case DAO_CALL_ACTION_KEYS:
    case DAO_CALL_ACTION_CLOSE:
      break;
  }
}

static void
run_actions (Driver * driver)
{
  DaoCallAction *action;

  while ((action = dao_call_pop_action (driver->call)) != NULL) {
    run_action (driver, action);
    dao_call_action_free (action);
  }
}

static void
release_held (Driver * driver)
{
  gchar *sdp = g_steal_pointer (&driver->held_sdp);

  driver->held = FALSE;
  if (sdp == NULL)
    return;
  dao_call_set_local_description (driver->call, sdp, driver->now);
  g_free (sdp);
  run_actions (driver);
}

static void
advance (Driver * driver, gint64 ms)
{
  gint64 end = driver->now + ms;
  gint64 due;

  while ((due = dao_call_get_deadline (driver->call)) >= 0 && due <= end) {
    driver->now = due;
    dao_call_advance (driver->call, due);
    run_actions (driver);
  }
  driver->now = end;
}

/* --- steps --- */

/* Known are the friends of these scenarios and all who speak in this one. */
static gboolean
is_known (Driver * driver, const gchar * alias)
{
  static const gchar *const friends[] = { "bob", "carol", "dave", NULL };
  json_t *step;
  size_t i;

  json_array_foreach (json_object_get (driver->case_, "steps"), i, step) {
    const gchar *from =
        json_string_value (json_object_get (json_object_get (step, "rx"),
            "from"));

    if (g_strcmp0 (from, alias) == 0)
      return TRUE;
  }
  return g_strv_contains (friends, alias);
}

static DaoContact *
make_contact (Driver * driver, const gchar * alias)
{
  DaoContact *contact;

  if (!is_known (driver, alias))
    return NULL;
  contact = g_new0 (DaoContact, 1);
  contact->alias = g_strdup (alias);
  contact->pinned = TRUE;
  contact->session_key = g_malloc0 (32);
  return contact;
}

static void
free_contact (DaoContact * contact)
{
  if (contact == NULL)
    return;
  g_free (contact->alias);
  g_free (contact->session_key);
  g_free (contact);
}

static gboolean
do_call (Driver * driver, json_t * step, GString * why)
{
  const gchar *peer = dao_vector_need_string (step, "peer", why);
  gboolean video = json_is_true (json_object_get (step, "video"));
  DaoContact *contact;
  gchar *id;

  if (peer == NULL)
    return FALSE;
  contact = make_contact (driver, peer);
  id = g_strdup_printf ("OUT%u", driver->calls + 1);
  dao_call_set_next_id (driver->call, id);
  if (dao_call_start (driver->call, peer, contact, DAO_CALL_REASON_NONE, TRUE,
          video, driver->now))
    driver->calls++;
  g_free (id);
  free_contact (contact);
  return TRUE;
}

static gboolean
run_do (Driver * driver, json_t * step, const gchar * what, GString * why)
{
  /* Descriptions that this operation makes come only after the next step. */
  gboolean concurrent = json_is_true (json_object_get (step, "concurrent"));

  driver->held = driver->held || concurrent;
  if (g_strcmp0 (what, "call") == 0) {
    if (!do_call (driver, step, why))
      return FALSE;
  } else if (g_strcmp0 (what, "answer") == 0) {
    dao_call_answer (driver->call, driver->now);
  } else if (g_strcmp0 (what, "reject") == 0) {
    dao_call_reject (driver->call, driver->now);
  } else if (g_strcmp0 (what, "hangup") == 0) {
    dao_call_hangup (driver->call, driver->now);
  } else {
    g_string_append_printf (why, "unknown operation %s; ", what);
    return FALSE;
  }
  run_actions (driver);
  if (!concurrent)
    release_held (driver);
  return TRUE;
}

static void
fill_signal (DaoSignal * signal, json_t * rx)
{
  const gchar *candidate = json_string_value (json_object_get (rx, "cand"));
  const gchar *reason = json_string_value (json_object_get (rx, "reason"));

  if (signal->type == DAO_SIGNAL_OFFER || signal->type == DAO_SIGNAL_ANSWER)
    signal->sdp = make_sdp (signal->from,
        json_is_true (json_object_get (rx, "video")));
  if (signal->type == DAO_SIGNAL_ICE) {
    signal->candidate = g_strdup_printf ("candidate:%s", candidate ? candidate
        : "1");
    signal->sdp_mid = g_strdup ("0");
    signal->sdp_mline_index = 0;
  }
  signal->reason = g_strdup (reason);
}

static gboolean
run_rx (Driver * driver, json_t * rx, GString * why)
{
  const gchar *name = dao_vector_need_string (rx, "type", why);
  const gchar *from = dao_vector_need_string (rx, "from", why);
  const gchar *id = dao_vector_need_string (rx, "call_id", why);
  DaoSignalType type;
  DaoContact *contact;
  DaoSignal *signal;

  if (name == NULL || from == NULL || id == NULL)
    return FALSE;
  /* The envelope drops a type that it does not know. */
  if (!dao_signal_type_from_string (name, &type))
    return TRUE;
  signal = dao_signal_new (type, from, NULL, id);
  fill_signal (signal, rx);
  contact = make_contact (driver, from);
  dao_call_receive (driver->call, signal, contact, DAO_CALL_REASON_NONE,
      driver->now);
  free_contact (contact);
  dao_signal_free (signal);
  run_actions (driver);
  return TRUE;
}

static gboolean
run_pc (Driver * driver, const gchar * name, GString * why)
{
  static const struct
  {
    const gchar *name;
    DaoTransportEvent event;
  } events[] = {
    {"connecting", DAO_TRANSPORT_CONNECTING},
    {"connected", DAO_TRANSPORT_CONNECTED},
    {"disconnected", DAO_TRANSPORT_DISCONNECTED},
    {"failed", DAO_TRANSPORT_FAILED},
    {"closed", DAO_TRANSPORT_CLOSED},
  };

  for (guint i = 0; i < G_N_ELEMENTS (events); i++) {
    if (g_strcmp0 (events[i].name, name) == 0) {
      dao_call_transport (driver->call, events[i].event, driver->now);
      run_actions (driver);
      return TRUE;
    }
  }
  g_string_append_printf (why, "unknown pc state %s; ", name);
  return FALSE;
}

static gboolean
run_step (Driver * driver, json_t * step, GString * why)
{
  json_t *value;
  gint64 ms;

  if ((value = json_object_get (step, "do")) != NULL)
    return run_do (driver, step, json_string_value (value), why);
  if ((value = json_object_get (step, "rx")) != NULL)
    return run_rx (driver, value, why);
  if ((value = json_object_get (step, "pc")) != NULL)
    return run_pc (driver, json_string_value (value), why);
  if (json_object_get (step, "advance_ms") == NULL) {
    g_string_append (why, "unknown step; ");
    return FALSE;
  }
  if (!dao_vector_need_int (step, "advance_ms", &ms, why))
    return FALSE;
  advance (driver, ms);
  return TRUE;
}

/* --- what is required --- */

static gboolean
one_of (json_t * names, const gchar * name)
{
  json_t *item;
  size_t i;

  json_array_foreach (names, i, item)
    if (g_strcmp0 (json_string_value (item), name) == 0)
    return TRUE;
  return FALSE;
}

/* Exact frames in order; of a frame, what the case names. */
static gboolean
same_frames (json_t * got, json_t * want)
{
  size_t i;
  json_t *frame;

  if (!json_is_array (want) || json_array_size (got) != json_array_size (want))
    return FALSE;
  json_array_foreach (want, i, frame) {
    const char *name;
    json_t *value;

    json_object_foreach (frame, name, value)
      if (!json_equal (value, json_object_get (json_array_get (got, i), name)))
      return FALSE;
  }
  return TRUE;
}

static gboolean
check_pair (json_t * want, const gchar * first, const gchar * second)
{
  return json_is_array (want) && json_array_size (want) == 2
      && g_strcmp0 (json_string_value (json_array_get (want, 0)), first) == 0
      && g_strcmp0 (json_string_value (json_array_get (want, 1)), second) == 0;
}

static gboolean
check_one (Driver * driver, const gchar * name, json_t * want)
{
  DaoCallState state = dao_call_get_state (driver->call);

  if (g_str_equal (name, "final_state"))
    return one_of (want, dao_call_state_to_string (state));
  if (g_str_equal (name, "sent"))
    return same_frames (driver->sent, want);
  if (g_str_equal (name, "error"))
    return json_is_boolean (want) && driver->error == json_is_true (want);
  if (g_str_equal (name, "at_ms"))
    return json_is_integer (want)
        && driver->state_at == json_integer_value (want);
  if (g_str_equal (name, "incoming"))
    return check_pair (want, driver->incoming_alias,
        driver->incoming_video ? "video" : "audio");
  if (g_str_equal (name, "incoming_count"))
    return json_is_integer (want)
        && driver->incoming_count == json_integer_value (want);
  if (g_str_equal (name, "current"))
    return check_pair (want, dao_call_get_peer (driver->call),
        dao_call_get_id (driver->call));
  if (g_str_equal (name, "candidates_applied"))
    return json_equal (want, driver->candidates);
  if (g_str_equal (name, "remote_description_from"))
    return g_strcmp0 (json_string_value (want), driver->answer_from) == 0;
  if (g_str_equal (name, "ice_restarts"))
    return json_is_integer (want)
        && driver->restarts == json_integer_value (want);
  return FALSE;                 /* a column we do not know */
}

static void
describe_driver (Driver * driver, GString * why)
{
  gchar *sent = json_dumps (driver->sent, JSON_COMPACT);
  gchar *candidates = json_dumps (driver->candidates, JSON_COMPACT);

  g_string_append_printf (why, "got state %s at %" G_GINT64_FORMAT
      ", sent %s, candidates %s, remote %s, incoming %u (%s), restarts %u, "
      "error %d; ",
      dao_call_state_to_string (dao_call_get_state (driver->call)),
      driver->state_at, sent, candidates,
      driver->answer_from ? driver->answer_from : "-", driver->incoming_count,
      driver->incoming_alias ? driver->incoming_alias : "-", driver->restarts,
      driver->error);
  free (sent);
  free (candidates);
}

static gboolean
check_required (Driver * driver, json_t * required, GString * why)
{
  gboolean passed = TRUE;
  const char *name;
  json_t *want;

  if (json_object_get (required, "final_state") == NULL) {
    g_string_append (why, "required.final_state is missing; ");
    return FALSE;
  }
  json_object_foreach (required, name, want) {
    if (!check_one (driver, name, want)) {
      g_string_append_printf (why, "required.%s differs; ", name);
      passed = FALSE;
    }
  }
  if (!passed)
    describe_driver (driver, why);
  return passed;
}

static gboolean
run_state_machine (json_t * case_, GString * why)
{
  const DaoCallConfig config = {.own_alias = OWN_ALIAS,.e2ee = DAO_E2EE_AUTO };
  json_t *steps = dao_vector_need_array (case_, "steps", why);
  json_t *required = dao_vector_need_object (case_, "required", why);
  Driver driver = {.case_ = case_ };
  gboolean passed = steps != NULL && required != NULL;
  json_t *step;
  size_t i;

  driver.call = dao_call_new (&config);
  driver.sent = json_array ();
  driver.candidates = json_array ();
  for (i = 0; passed && i < json_array_size (steps); i++) {
    step = json_array_get (steps, i);
    passed = run_step (&driver, step, why);
  }
  release_held (&driver);
  passed = passed && check_required (&driver, required, why);

  dao_call_free (driver.call);
  json_decref (driver.sent);
  json_decref (driver.candidates);
  g_free (driver.answer_from);
  g_free (driver.incoming_alias);
  g_free (driver.held_sdp);
  return passed;
}

const DaoVectorHandler dao_vectors_call[] = {
  {"state_machine", run_state_machine},
  {NULL, NULL}
};
