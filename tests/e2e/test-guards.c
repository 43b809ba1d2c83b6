/* gst-dao: a daosignaling against a contact that means harm
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Account 0 is the element, account 1 its hostile peer, account 2 somebody else.
 */
#include "victim.h"
#include "daosdp-text.h"

#include <string.h>

/* --- certificates --- */

/* The digest of another certificate */
static gchar *
alter_fingerprints (const gchar * sdp)
{
  GString *out = g_string_new (sdp);
  static const gchar start[] = "a=fingerprint:sha-256 ";
  gchar *at = out->str;
  guint n = 0;

  for (; (at = strstr (at, start)); n++) {
    at += strlen (start);
    *at = *at == '0' ? '1' : '0';
  }
  g_assert_cmpuint (n, >, 0);
  return g_string_free (out, FALSE);
}

static void
test_fingerprint_swap_answer (void)
{
  Victim *v = victim_caller_new ("");
  gchar *offer = victim_take_offer (v), *answer, *altered;

  hostile_start_media (v->peer);
  answer = hostile_create_answer (v->peer, offer);
  altered = alter_fingerprints (answer);
  hostile_send_answer (v->peer, altered);
  victim_wait_error (v, "fingerprint");
  victim_observe (v);
  victim_assert_no_media (v);
  g_free (offer);
  g_free (answer);
  g_free (altered);
  victim_free (v);
}

static void
test_fingerprint_swap_offer (void)
{
  Victim *v = victim_callee_new (2, "auto-answer=true");
  gchar *offer, *altered;
  DaoSignal *answer;

  hostile_start_media (v->peer);
  offer = hostile_create_offer (v->peer);
  altered = alter_fingerprints (offer);
  hostile_send_offer (v->peer, altered);
  answer = hostile_wait (v->peer, DAO_SIGNAL_ANSWER);
  hostile_apply_answer (v->peer, answer->sdp);
  victim_wait_end (v, "fingerprint");
  victim_observe (v);
  victim_assert_no_media (v);
  dao_signal_free (answer);
  g_free (offer);
  g_free (altered);
  victim_free (v);
}

/* --- descriptions --- */

/* Media that was never agreed can crash the demultiplexers of webrtcbin 1.22. */
static void
test_rejected_video_sent_anyway (void)
{
  Victim *v = victim_caller_new ("");
  gchar *offer = victim_take_offer (v), *answer, *no_port, *lie;

  hostile_start_media (v->peer);
  answer = hostile_create_answer (v->peer, offer);
  no_port = hostile_replace (answer, "m=video 9", "m=video 0");
  lie = hostile_replace (no_port, "BUNDLE audio0 video1", "BUNDLE audio0");
  hostile_send_answer (v->peer, lie);
  victim_wait_state (v, "connected");
  victim_wait_count (v, &v->frames[0], 100);
  victim_wait_count (v, &v->peer->video_sent, 30);
  g_assert_cmpint (g_atomic_int_get (&v->video_in), ==, 0);
  g_assert_cmpint (g_atomic_int_get (&v->frames[1]), ==, 0);
  hostile_send_end (v->peer, NULL);
  victim_wait_end (v, "remote-hangup");
  g_free (offer);
  g_free (answer);
  g_free (no_port);
  g_free (lie);
  victim_free (v);
}

static gchar *
swap_mids (const gchar * sdp)
{
  gchar *audio = hostile_replace (sdp, "a=mid:audio0", "a=mid:X");
  gchar *video = hostile_replace (audio, "a=mid:video1", "a=mid:audio0");
  gchar *swapped = hostile_replace (video, "a=mid:X", "a=mid:video1");

  g_free (audio);
  g_free (video);
  return swapped;
}

static gchar *
reorder (const gchar * sdp)
{
  const gchar *audio = strstr (sdp, "m=audio"), *video =
      strstr (sdp, "m=video");

  return g_strdup_printf ("%.*s%s%.*s", (gint) (audio - sdp), sdp, video,
      (gint) (video - audio), audio);
}

static gchar *
change_pt (const gchar * sdp)
{
  gchar *line = hostile_replace (sdp, "SAVPF 96", "SAVPF 100");
  gchar *changed = hostile_replace (line, ":96 ", ":100 ");

  g_free (line);
  return changed;
}

typedef struct
{
  const gchar *path;
  gchar *(*change) (const gchar * sdp);
  const gchar *why;             /* ours, not webrtcbin's */
} Reoffer;

static const Reoffer reoffers[] = {
  {"/guard/reoffer/swapped-mids", swap_mids, "reordered or relabelled"},
  {"/guard/reoffer/reordered", reorder, "reordered or relabelled"},
  {"/guard/reoffer/payload-type", change_pt, "payload types changed"},
  {"/attack/S17-reoffer-with-other-fingerprint", alter_fingerprints, "fingerprint changed"},
};

/* A second offer of the call; the first two can abort webrtcbin 1.22. */
static void
test_reoffer (gconstpointer data)
{
  const Reoffer *reoffer = data;
  Victim *v = victim_callee_new (2, "auto-answer=true");
  gchar *offer = victim_connect (v);
  gchar *changed = reoffer->change (offer);

  v->peer->gen++;
  hostile_send_offer (v->peer, changed);
  victim_wait_warning (v, reoffer->why);
  victim_wait_end (v, "bad-sdp");
  g_free (offer);
  g_free (changed);
  victim_free (v);
}

static void
test_sdp_garbage (void)
{
  static const struct
  {
    const gchar *from, *to;
  } attacks[] = {
    {"v=0", "garbage"},
    {"m=video 9 UDP/TLS/RTP/SAVPF", "m=application 9 UDP/DTLS/SCTP"},
    {"a=group:BUNDLE 0 1\r\n", ""},
    {"sha-256 " FP_A, "sha-1 " SHA1},
    {"a=mid:1", "a=mid:0"},
    {"opus/48000/2", "PCMU/8000"},
    {"a=ice-ufrag:SecretUf", "a=ice-ufrag:"},
    {"a=rtcp-rsize", "m=video 9 UDP/TLS/RTP/SAVPF 96"},
  };
  Victim *v = victim_callee_new (2, "auto-answer=true");
  guint i;

  for (i = 0; i < G_N_ELEMENTS (attacks); i++) {
    gchar *sdp = hostile_replace (chromium_offer, attacks[i].from,
        attacks[i].to);

    hostile_new_call (v->peer);
    hostile_send_offer (v->peer, sdp);
    g_test_message ("%s", attacks[i].to);
    victim_wait_end (v, "bad-sdp");
    gst_element_set_state (v->pipeline, GST_STATE_READY);
    victim_play (v);
    /* the new run waits for calls */
    gst_structure_free (victim_wait_message (v, "dao-account", NULL, NULL));
    g_free (sdp);
  }
  victim_assert_no_media (v);
  victim_free (v);
}

/* --- candidates --- */

typedef struct
{
  GstElement *hostile;          /* whose candidates do not count */
  gint given, bad;
} CandidateWatch;

static gboolean
on_add_candidate (GSignalInvocationHint * hint, guint n,
    const GValue * values, gpointer data)
{
  CandidateWatch *watch = data;
  const gchar *text = g_value_get_string (&values[2]);

  if (g_value_get_object (&values[0]) == watch->hostile)
    return TRUE;
  g_atomic_int_inc (&watch->given);
  if (!text || !g_regex_match_simple ("^candidate:[0-9A-Za-z+/]{1,32} 1 UDP "
          "[0-9]+ [0-9a-f.:]+ [0-9]+ typ (host|srflx|prflx|relay)$", text, 0,
          0)) {
    g_test_message ("webrtcbin gets '%s'", text);
    g_atomic_int_inc (&watch->bad);
  }
  return TRUE;
}

static void
test_candidate_garbage (void)
{
  static const gchar *const garbage[] = {
    "", "end", "candidate:", "candidate:1 1 udp 1 evil.example 9 typ host",
    "candidate:1 1 udp 2122260223 3f2a7c6e-1b0d.local 9 typ host",
    "candidate:1 1 tcp 1 10.0.0.1 9 typ host tcptype active",
    "candidate:1 1 udp 1 224.0.0.251 5353 typ host",
    "candidate:1 2 udp 1 10.0.0.1 99 typ host",
    "a=candidate:1 1 udp 1 10.0.0.1 9 typ host",
    "candidate:1 1 udp 1 192.0.2.1 9 typ relay raddr evil.local rport 0",
  };
  Victim *v = victim_callee_new (2, "auto-answer=true");
  CandidateWatch watch = { NULL, };
  guint i, signal_id;
  gulong hook;

  hostile_start_media (v->peer);
  watch.hostile = v->peer->webrtc;
  signal_id = g_signal_lookup ("add-ice-candidate",
      G_OBJECT_TYPE (v->peer->webrtc));
  hook = g_signal_add_emission_hook (signal_id, 0, on_add_candidate, &watch,
      NULL);
  for (i = 0; i < G_N_ELEMENTS (garbage); i++)
    hostile_send_candidate (v->peer, garbage[i]);
  {
    gchar *offer = hostile_create_offer (v->peer);
    DaoSignal *answer;

    hostile_send_offer (v->peer, offer);
    for (i = 0; i < G_N_ELEMENTS (garbage); i++)
      hostile_send_candidate (v->peer, garbage[i]);
    answer = hostile_wait (v->peer, DAO_SIGNAL_ANSWER);
    hostile_apply_answer (v->peer, answer->sdp);
    dao_signal_free (answer);
    g_free (offer);
  }
  victim_wait_state (v, "connected");
  for (i = 0; i < G_N_ELEMENTS (garbage); i++)
    hostile_send_candidate (v->peer, garbage[i]);
  victim_wait_count (v, &v->frames[0], 50);
  hostile_send_end (v->peer, NULL);
  victim_wait_end (v, "remote-hangup");
  g_signal_remove_emission_hook (signal_id, hook);
  g_assert_cmpint (watch.given, >, 0);
  g_assert_cmpint (watch.bad, ==, 0);
  victim_free (v);
}

/* --- signals that are not what they seem --- */

static void
ring (Victim * v)
{
  hostile_send_offer (v->peer, chromium_offer);
  victim_wait_state (v, "ringing");
}

/* None of the hangups before counted: they would have been "remote-hangup". */
static void
assert_still_rings (Victim * v)
{
  hostile_send_end (v->peer, "timeout");
  victim_wait_end (v, "ring-timeout");
  victim_free (v);
}

static json_t *
hangup_with (Victim * v, const gchar * field, const gchar * value)
{
  DaoSignal *signal = hostile_signal (v->peer, DAO_SIGNAL_HANGUP);
  json_t *inner = dao_signal_to_json (signal);

  if (field)
    json_object_set_new (inner, field, json_string (value));
  dao_signal_free (signal);
  return inner;
}

/* Another contact signs as the one that calls. */
static void
test_wrong_from (void)
{
  Victim *v = victim_callee_new (3, "");
  HostilePeer *other = hostile_new (v->fixture, 2, 0);

  ring (v);
  hostile_send_json (other, hangup_with (v, NULL, NULL), NULL, NULL);
  hostile_send_json (other, hangup_with (v, NULL, NULL), "from", other->alias);
  hostile_flush (other);
  assert_still_rings (v);
  hostile_free (other);
}

static void
test_wrong_to (void)
{
  Victim *v = victim_callee_new (3, "");

  ring (v);
  hostile_send_json (v->peer, hangup_with (v, "to", v->fixture->alias[2]),
      NULL, NULL);
  assert_still_rings (v);
}

static void
test_wrong_call_id (void)
{
  static const gchar other[] = "00000000-0000-4000-8000-000000000000";
  Victim *v = victim_callee_new (2, "");

  ring (v);
  /* another call; the clear copy says so, or says ours; ours in a frame of another */
  hostile_send_json (v->peer, hangup_with (v, "call_id", other), NULL, NULL);
  hostile_send_json (v->peer, hangup_with (v, "call_id", other), "call_id",
      v->peer->call_id);
  hostile_send_json (v->peer, hangup_with (v, NULL, NULL), "call_id", other);
  assert_still_rings (v);
}

static void
test_type_mismatch (void)
{
  Victim *v = victim_callee_new (2, "");

  ring (v);
  hostile_send_json (v->peer, hangup_with (v, NULL, NULL), "type",
      "call_ice");
  hostile_send_json (v->peer, hangup_with (v, "type", "call_ice"), "type",
      "call_hangup");
  assert_still_rings (v);
}

/* --- contacts --- */

/* Changes the victim's contacts file: @trust NULL takes the contact out. */
static void
edit_contact (CallFixture * f, const gchar * alias, const gchar * trust)
{
  gchar *path = call_fixture_path (f, "person0.contacts.json");
  json_t *root = json_load_file (path, 0, NULL);
  json_t *list = json_object_get (root, "contacts"), *entry = NULL;
  gsize i;

  json_array_foreach (list, i, entry)
    if (g_strcmp0 (json_string_value (json_object_get (entry, "alias")),
          alias) == 0)
      break;
  g_assert_cmpuint (i, <, json_array_size (list));
  if (trust)
    json_object_set_new (entry, "trust", json_string (trust));
  else
    json_array_remove (list, i);
  g_assert_cmpint (json_dump_file (root, path, 0), ==, 0);
  json_decref (root);
  g_free (path);
}

/* The peer's call does not ring, that of account 2 does. */
static void
assert_only_friend_rings (Victim * v)
{
  HostilePeer *friend = hostile_new (v->fixture, 2, 0);
  GstStructure *incoming;

  hostile_send_offer (v->peer, chromium_offer);
  victim_observe (v);
  hostile_send_offer (friend, chromium_offer);
  incoming = victim_wait_message (v, "dao-incoming-call", NULL, NULL);
  g_assert_cmpstr (gst_structure_get_string (incoming, "peer"), ==,
      v->fixture->alias[2]);
  gst_structure_free (incoming);
  hostile_send_end (friend, "timeout");
  victim_wait_end (v, "ring-timeout");
  hostile_free (friend);
}

static void
test_unknown_contact (void)
{
  CallFixture *f = call_fixture_new (3);
  Victim *v;

  edit_contact (f, f->alias[1], NULL);
  v = victim_new (f, "");
  victim_play (v);
  call_wait_online (v->pipeline, 10);
  assert_only_friend_rings (v);
  victim_free (v);
}

static void
test_changed_contact (void)
{
  CallFixture *f = call_fixture_new (3);
  Victim *v;
  DaoSignal *reject;

  edit_contact (f, f->alias[1], "changed");
  v = victim_new (f, "auto-answer=false");
  victim_play (v);
  call_wait_online (v->pipeline, 10);
  assert_only_friend_rings (v);
  reject = hostile_wait (v->peer, DAO_SIGNAL_REJECT);
  g_assert_cmpstr (reject->reason, ==, "declined");
  dao_signal_free (reject);
  victim_free (v);
}

static void
test_changed_contact_is_not_called (void)
{
  CallFixture *f = call_fixture_new (2);
  gchar *options = g_strdup_printf ("peer=%s", f->alias[1]);
  Victim *v;

  edit_contact (f, f->alias[1], "changed");
  v = victim_new (f, options);
  victim_play (v);
  victim_wait_error (v, "contact-changed");
  g_assert_true (g_queue_is_empty (&v->peer->received));
  g_free (options);
  victim_free (v);
}

/* --- frame encryption --- */

static void
test_downgrade_answer (void)
{
  Victim *v = victim_caller_new ("e2ee=required");
  gchar *offer = victim_take_offer (v), *answer;

  hostile_start_media (v->peer);
  answer = hostile_create_answer (v->peer, offer);
  hostile_send_answer (v->peer, answer);
  victim_wait_error (v, "e2ee-required");
  victim_assert_no_media (v);
  g_free (offer);
  g_free (answer);
  victim_free (v);
}

static void
test_downgrade_offer (void)
{
  Victim *v = victim_callee_new (2, "e2ee=required auto-answer=true");
  DaoSignal *reject;

  hostile_send_offer (v->peer, chromium_offer);
  reject = hostile_wait (v->peer, DAO_SIGNAL_REJECT);
  g_assert_cmpstr (reject->reason, ==, "e2ee-required");
  g_assert_cmpint (g_atomic_int_get (&v->webrtcbins), ==, 0);
  dao_signal_free (reject);
  victim_free (v);
}

/* A key with which anybody knows the secret (RFC 7748, 6.1) */
static void
test_low_order_key (void)
{
  Victim *v = victim_caller_new ("");
  gchar *offer = victim_take_offer (v), *answer;

  hostile_announce (v->peer, 0);
  hostile_start_media (v->peer);
  answer = hostile_create_answer (v->peer, offer);
  hostile_send_answer (v->peer, answer);
  victim_wait_error (v, "e2ee-downgrade");
  victim_assert_no_media (v);
  g_free (offer);
  g_free (answer);
  victim_free (v);
}

/* Half-way: without encryption, or with another key */
static void
test_downgrade_reoffer (gconstpointer data)
{
  gboolean strip = GPOINTER_TO_INT (data);
  Victim *v = victim_callee_new (2, "auto-answer=true");
  DaoSignal *answer;

  hostile_announce (v->peer, 9);
  hostile_send_offer (v->peer, chromium_offer);
  answer = hostile_wait (v->peer, DAO_SIGNAL_ANSWER);
  g_assert_true (answer->e2ee);
  dao_signal_free (answer);
  v->peer->gen++;
  if (strip)
    v->peer->e2ee = FALSE;
  else
    hostile_announce (v->peer, 10);
  hostile_send_offer (v->peer, chromium_offer);
  victim_wait_end (v, "e2ee-downgrade");
  victim_assert_no_media (v);
  victim_free (v);
}

/* Encryption was agreed; frames without it arrive and go nowhere. */
static void
test_clear_frames (void)
{
  Victim *v = victim_callee_new (2, "auto-answer=true");
  gboolean e2ee = TRUE;
  GstStructure *end;

  hostile_announce (v->peer, 9);
  g_free (victim_connect (v));
  victim_wait_count (v, &v->rtp_in, 200);
  hostile_send_end (v->peer, NULL);
  end = victim_wait_message (v, "dao-call-ended", NULL, NULL);
  gst_structure_get_boolean (end, "e2ee", &e2ee);
  g_assert_false (e2ee);
  gst_structure_free (end);
  g_assert_cmpint (g_atomic_int_get (&v->frames[0]), ==, 0);
  g_assert_cmpint (g_atomic_int_get (&v->frames[1]), ==, 0);
  victim_free (v);
}

int
main (int argc, char **argv)
{
  guint i;

  call_test_init (&argc, &argv);
  g_test_add_func ("/attack/S17-fingerprint-swap/answer",
      test_fingerprint_swap_answer);
  g_test_add_func ("/attack/S17-fingerprint-swap/offer",
      test_fingerprint_swap_offer);
  g_test_add_func ("/guard/rejected-video-sent-anyway",
      test_rejected_video_sent_anyway);
  for (i = 0; i < G_N_ELEMENTS (reoffers); i++)
    g_test_add_data_func (reoffers[i].path, &reoffers[i], test_reoffer);
  g_test_add_func ("/guard/sdp-garbage", test_sdp_garbage);
  g_test_add_func ("/guard/candidate-garbage", test_candidate_garbage);
  g_test_add_func ("/attack/S9-wrong-from", test_wrong_from);
  g_test_add_func ("/attack/S15-for-somebody-else", test_wrong_to);
  g_test_add_func ("/attack/S9-other-call-id", test_wrong_call_id);
  g_test_add_func ("/attack/S8-relabelled", test_type_mismatch);
  g_test_add_func ("/attack/S20-unknown-contact", test_unknown_contact);
  g_test_add_func ("/attack/S20-changed-contact", test_changed_contact);
  g_test_add_func ("/attack/S20-changed-contact-is-not-called",
      test_changed_contact_is_not_called);
  g_test_add_func ("/attack/S18-downgrade/answer", test_downgrade_answer);
  g_test_add_func ("/attack/S18-downgrade/offer", test_downgrade_offer);
  g_test_add_func ("/attack/S18-downgrade/low-order-key", test_low_order_key);
  g_test_add_data_func ("/attack/S18-downgrade/reoffer-strips",
      GINT_TO_POINTER (TRUE), test_downgrade_reoffer);
  g_test_add_data_func ("/attack/S18-downgrade/reoffer-other-key",
      GINT_TO_POINTER (FALSE), test_downgrade_reoffer);
  g_test_add_func ("/attack/S18-clear-frames", test_clear_frames);
  return g_test_run ();
}
