/* gst-dao: what hostile peers, and the user whom they call, do in a random sequence
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "hostilesteps.h"
#include "daosdp-text.h"
#include "hostilesdp.h"

#include <string.h>

guint
hostile_pick (Hostile * h, guint n)
{
  return g_rand_int_range (h->rand, 0, n);
}

static const gchar *
pick_string (Hostile * h, GPtrArray * strings)
{
  return strings->pdata[hostile_pick (h, strings->len)];
}

/* --- what the user of the element sees --- */

static void
take_message (Hostile * h, GstMessage * message)
{
  const GstStructure *s = gst_message_get_structure (message);

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING) {
    h->warnings++;
  } else if (gst_structure_has_name (s, "dao-call-state")) {
    g_free (h->state);
    g_free (h->reason);
    h->state = g_strdup (gst_structure_get_string (s, "state"));
    h->reason = g_strdup (gst_structure_get_string (s, "reason"));
    if (h->verbose)
      g_print ("#   victim: %s (%s)\n", h->state, h->reason);
  } else if (gst_structure_has_name (s, "dao-incoming-call")) {
    gst_structure_get_boolean (s, "is-video", &h->rings_video);
  }
}

/* What the victim says is what the peers go on with. */
static void
take_signals (Hostile * h)
{
  guint i;

  for (i = 0; i < 2; i++) {
    DaoSignal *signal;

    while ((signal = g_queue_pop_head (&h->peers[i]->received))) {
      if (h->verbose)
        g_print ("#   to peer %u: %s\n", i,
            dao_signal_type_to_string (signal->type));
      g_ptr_array_add (h->ids, g_strdup (signal->call_id));
      if (signal->sdp)
        g_ptr_array_add (h->descriptions, g_strdup (signal->sdp));
      if (signal->type == DAO_SIGNAL_OFFER && i == 0) {
        g_free (h->peers[0]->call_id);
        h->peers[0]->call_id = g_strdup (signal->call_id);
        h->peers[0]->gen = signal->gen;
      }
      dao_signal_free (signal);
    }
  }
}

void
hostile_look (Hostile * h, guint timeout_ms)
{
  GstBus *bus = gst_element_get_bus (h->v->pipeline);
  GstMessage *message;

  hostile_pump (h->peers[0], timeout_ms);
  while ((message = gst_bus_pop_filtered (bus,
              GST_MESSAGE_ELEMENT | GST_MESSAGE_WARNING))) {
    take_message (h, message);
    gst_message_unref (message);
  }
  gst_object_unref (bus);
  if (!h->spoil)
    take_signals (h);
}

void
hostile_finish (Hostile * h)
{
  hostile_flush (h->peers[0]);
  hostile_flush (h->peers[1]);
  hostile_look (h, 0);
}

static gboolean
rings (Hostile * h)
{
  return g_strcmp0 (h->state, "ringing") == 0;
}

/* --- sending --- */

/* @inner: (transfer full) */
static void
send_json (Hostile * h, json_t * inner)
{
  gchar *frame = hostile_seal (h->now, inner, NULL, NULL);

  if (!dao_relay_client_is_online (h->now->client)) {
    g_free (frame);
    return;
  }
  hostile_send_frame (h->now, frame);
  g_ptr_array_add (h->sent, frame);
}

static void
send_signal (Hostile * h, DaoSignal * signal)
{
  send_json (h, dao_signal_to_json (signal));
  dao_signal_free (signal);
}

/* Mostly of the call that there is */
static DaoSignal *
make_signal (Hostile * h, DaoSignalType type)
{
  DaoSignal *signal = hostile_signal (h->now, type);

  if (hostile_pick (h, 6) == 0) {
    g_free (signal->call_id);
    signal->call_id = g_strdup (pick_string (h, h->ids));
  }
  if (hostile_pick (h, 8) == 0)
    signal->gen = hostile_pick (h, 2) ? signal->gen + 1 : hostile_pick (h, 65536);
  if (hostile_pick (h, 12) == 0)
    signal->leg = hostile_pick (h, 2) ? signal->leg + 1 : hostile_pick (h, 65536);
  if (hostile_pick (h, 12) == 0)
    signal->ext = 0;
  return signal;
}

/* --- steps of the peers --- */

static void
step_offer (Hostile * h)
{
  DaoSignal *signal;

  if (hostile_pick (h, 3) == 0)
    h->now->gen++;
  signal = make_signal (h, DAO_SIGNAL_OFFER);
  signal->sdp = hostile_change_sdp (h->rand, pick_string (h,
          h->descriptions));
  h->agreed |= h->auto_answer[h->now == h->peers[1]];
  h->agreed_video |= h->auto_answer[h->now == h->peers[1]];
  send_signal (h, signal);
}

/* Right in every way but for what came before it */
static void
step_good_offer (Hostile * h)
{
  DaoSignal *signal = hostile_signal (h->now, DAO_SIGNAL_OFFER);

  signal->sdp = g_strdup (pick_string (h, h->descriptions));
  h->agreed |= h->auto_answer[h->now == h->peers[1]];
  h->agreed_video |= h->auto_answer[h->now == h->peers[1]];
  send_signal (h, signal);
}

static void
step_answer (Hostile * h)
{
  DaoSignal *signal = make_signal (h, DAO_SIGNAL_ANSWER);

  signal->sdp = hostile_change_sdp (h->rand, pick_string (h,
          h->descriptions));
  send_signal (h, signal);
}

static void
step_candidates (Hostile * h)
{
  guint i, n = hostile_pick (h, 20) == 0 ? 300 : hostile_pick (h, 4) + 1;

  for (i = 0; i < n; i++) {
    DaoSignal *signal = make_signal (h, DAO_SIGNAL_ICE);

    signal->candidate = hostile_random_candidate (h->rand);
    if (strlen (signal->candidate) > DAO_SIGNAL_MAX_CANDIDATE && hostile_pick (h, 2))
      signal->candidate[DAO_SIGNAL_MAX_CANDIDATE] = '\0';
    signal->sdp_mid = hostile_pick (h, 2) ? hostile_random_text (h->rand, 80) :
        g_strdup (hostile_pick (h, 2) ? "0" : "video1");
    signal->sdp_mline_index = hostile_pick (h, 3) ? (gint) hostile_pick (h, 3) :
        (gint) hostile_pick (h, 70000) - 1;
    send_signal (h, signal);
  }
}

static void
step_end (Hostile * h)
{
  static const gchar *const reasons[] = { NULL, "busy", "declined", "timeout",
    "e2ee-required", "failed", "?"
  };
  DaoSignal *signal = make_signal (h, hostile_pick (h, 2) ? DAO_SIGNAL_HANGUP :
      DAO_SIGNAL_REJECT);

  signal->reason = g_strdup (reasons[hostile_pick (h, G_N_ELEMENTS (reasons))]);
  send_signal (h, signal);
  if (hostile_pick (h, 2))
    hostile_new_call (h->now);
}

static void
step_ask (Hostile * h)
{
  static const gchar *const wants[] = { "video", "restart", "leg", "camera" };
  DaoSignal *signal = make_signal (h, hostile_pick (h, 4) ? DAO_SIGNAL_RENEGOTIATE :
      DAO_SIGNAL_INVITE);

  if (signal->type == DAO_SIGNAL_INVITE)
    signal->mode = g_strdup ("video");
  else
    signal->want = g_strdup (wants[hostile_pick (h, G_N_ELEMENTS (wants))]);
  send_signal (h, signal);
}

void
hostile_step_new_call (Hostile * h)
{
  hostile_new_call (h->now);
  g_ptr_array_add (h->ids, g_strdup (h->now->call_id));
}

/* A nonce that was used: of this call, or of one before it */
static void
step_again (Hostile * h)
{
  guint i;

  if (h->sent->len == 0 || !dao_relay_client_is_online (h->now->client))
    return;
  i = hostile_pick (h, h->sent->len);
  hostile_send_frame (h->now, h->sent->pdata[i]);
}

void
hostile_step_encryption (Hostile * h)
{
  guint i;

  h->now->e2ee = hostile_pick (h, 4) != 0;
  for (i = 0; i < 32; i++)
    h->now->e2ee_pub[i] = hostile_pick (h, 256);
  if (hostile_pick (h, 4) == 0)
    memset (h->now->e2ee_pub, hostile_pick (h, 2), 32);
}

static json_t *
random_json (Hostile * h, guint depth)
{
  static const double numbers[] = { 0, -1, 0.5, 1e12, 1e300, 65536,
    9007199254740993.0, -4294967296.0
  };
  json_t *value;
  gchar *text;
  guint i;

  switch (depth > 40 ? hostile_pick (h, 4) : hostile_pick (h, 6)) {
    case 0:
      return json_null ();
    case 1:
      return json_boolean (hostile_pick (h, 2));
    case 2:
      return json_real (numbers[hostile_pick (h, G_N_ELEMENTS (numbers))]);
    case 3:
      text = hostile_random_text (h->rand, hostile_pick (h, 10) ? 40 : 20000);
      value = json_string (text);
      g_free (text);
      return value;
    case 4:
      value = json_array ();
      for (i = hostile_pick (h, 3) + 1; i > 0; i--)
        json_array_append_new (value, random_json (h, depth + 1));
      return value;
    default:
      value = json_object ();
      json_object_set_new (value, "candidate", random_json (h, depth + 1));
      return value;
  }
}

/* Signed and sealed, but the fields are not what they should be. */
static void
step_fields (Hostile * h)
{
  static const gchar *const fields[] = { "type", "from", "to", "call_id",
    "sdp", "sdp_type", "mode", "candidate", "sdp_mid", "sdp_mline", "ext",
    "e2ee", "e2ee_pub", "leg", "gen", "reason", "want", "extra"
  };
  DaoSignal *signal = make_signal (h, hostile_pick (h, DAO_SIGNAL_RENEGOTIATE + 1));
  json_t *inner;
  guint i;

  if (signal->type == DAO_SIGNAL_OFFER || signal->type == DAO_SIGNAL_ANSWER)
    signal->sdp = g_strdup (chromium_offer);
  if (signal->type == DAO_SIGNAL_ICE)
    signal->candidate = g_strdup ("candidate:1 1 UDP 1 127.0.0.1 9 typ host");
  if (signal->type == DAO_SIGNAL_OFFER) {
    h->agreed |= h->auto_answer[h->now == h->peers[1]];
    h->agreed_video |= h->auto_answer[h->now == h->peers[1]];
  }
  inner = dao_signal_to_json (signal);
  dao_signal_free (signal);
  for (i = hostile_pick (h, 3) + 1; i > 0; i--) {
    /* The envelope needs these four to be made at all. */
    guint field = 4 + hostile_pick (h, G_N_ELEMENTS (fields) - 4);

    json_object_set_new (inner, fields[field], random_json (h, 0));
  }
  if (hostile_pick (h, 6) == 0)
    json_object_set_new (inner, "from",
        json_string (h->fixture->alias[hostile_pick (h, 3)]));
  send_json (h, inner);
}

/* Whatever the relay lets through that is no signal */
static void
step_no_signal (Hostile * h)
{
  static const gchar *const types[] = { "call_offer", "call_hangup",
    "call_nothing", "call_ice"
  };
  gchar *noise = hostile_random_text (h->rand, 4000);
  gchar *base64 = g_base64_encode ((const guchar *) noise, strlen (noise));
  gchar *frame = g_strdup_printf ("{\"type\":\"%s\",\"to\":\"%s\","
      "\"call_id\":\"%s\",\"crypto_v\":%u,\"payload\":\"%s\"}",
      types[hostile_pick (h, G_N_ELEMENTS (types))], h->now->victim, h->now->call_id,
      hostile_pick (h, 3) + 1, base64);

  if (dao_relay_client_is_online (h->now->client))
    hostile_send_frame (h->now, frame);
  g_free (frame);
  g_free (base64);
  g_free (noise);
}

static void
step_skew (Hostile * h)
{
  static const gint64 skews[] = { 0, 0, 59000, -59000, 61000, -61000 };

  h->now->skew_ms = skews[hostile_pick (h, G_N_ELEMENTS (skews))];
}

static void
step_spoil (Hostile * h)
{
  if (h->spoil)
    hostile_spoil_set (h->spoil, hostile_pick (h, 8));
  hostile_look (h, 20);
}

/* --- steps of the user --- */

static void
step_user_answers (Hostile * h)
{
  guint warnings;

  hostile_finish (h);
  if (rings (h)) {
    h->agreed = TRUE;
    h->agreed_video |= h->rings_video;
  }
  warnings = h->warnings;
  victim_act (h->v, "answer");
  /* Without a ring this says yes to nothing, and the call that rings next is not answered. */
  while (!h->agreed && h->warnings == warnings)
    hostile_look (h, 1);
}

static void
step_user_acts (Hostile * h)
{
  static const gchar *const actions[] = { "hangup", "reject", "add-video" };
  guint action = hostile_pick (h, G_N_ELEMENTS (actions));

  /* It is for a call that there is; without one it must not count later. */
  if (action == 2 && h->agreed)
    h->agreed_video = TRUE;
  victim_act (h->v, actions[action]);
}

static void
step_user_mutes (Hostile * h)
{
  g_object_set (h->v->call, hostile_pick (h, 2) ? "mute-audio" : "mute-video",
      hostile_pick (h, 2), NULL);
}

/* While there is one already, or instead of waiting */
static void
step_user_calls (Hostile * h)
{
  gboolean ok;

  h->caller = h->agreed = h->agreed_video = TRUE;
  g_signal_emit_by_name (h->v->call, "call", h->fixture->alias[1 + hostile_pick (h,
              2)], TRUE, hostile_pick (h, 2), &ok);
}

static void
step_wait (Hostile * h)
{
  hostile_look (h, hostile_pick (h, 30) + 1);
}

static const struct
{
  const gchar *name;
  void (*run) (Hostile * h);
  guint weight;
} steps[] = {
  {"offer", step_offer, 16},
  {"good offer", step_good_offer, 10},
  {"answer", step_answer, 12},
  {"candidates", step_candidates, 12},
  {"end", step_end, 5},
  {"ask", step_ask, 8},
  {"new call", hostile_step_new_call, 3},
  {"again", step_again, 6},
  {"encryption", hostile_step_encryption, 4},
  {"fields", step_fields, 8},
  {"no signal", step_no_signal, 3},
  {"skew", step_skew, 2},
  {"spoil", step_spoil, 6},
  {"user answers", step_user_answers, 10},
  {"user acts", step_user_acts, 3},
  {"user mutes", step_user_mutes, 3},
  {"user calls", step_user_calls, 1},
  {"wait", step_wait, 6},
};

void
hostile_step (Hostile * h)
{
  guint i, total = 0, at;

  for (i = 0; i < G_N_ELEMENTS (steps); i++)
    total += steps[i].weight;
  at = hostile_pick (h, total);
  for (i = 0; at >= steps[i].weight; i++)
    at -= steps[i].weight;
  h->now = h->peers[hostile_pick (h, 6) == 0];
  if (h->verbose)
    g_print ("# %s of peer %u\n", steps[i].name, h->now == h->peers[1]);
  steps[i].run (h);
}
