/* gst-dao: a daosignaling against a contact that means harm
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Account 0 is the element, account 1 its hostile peer, account 2 somebody else.
 */
#include "hostilepeer.h"
#include "daosdp-text.h"

#include <string.h>

#define PATIENCE_US (20 * G_TIME_SPAN_SECOND)
/* How long what must not happen gets to happen: a call connects within 0.3 s here. */
#define OBSERVE_MS 1500

typedef struct
{
  CallFixture *fixture;
  HostilePeer *peer;
  GstElement *pipeline;
  GstElement *call;
  GQueue messages;              /* GstMessage*: element messages and errors */
  /* atomic */
  gint webrtcbins;
  gint rtp_in, rtp_out;         /* what the guard let through */
  gint video_in;                /* what came through the payload-type filter of it */
  gint frames[2];               /* audio, video at the source pads */
} Victim;

/* --- the element under attack --- */

static GstPadProbeReturn
count_rtp (GstPad * pad, GstPadProbeInfo * info, gpointer counter)
{
  g_atomic_int_add ((gint *) counter, hostile_count_rtp (info, -1));
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
count_video (GstPad * pad, GstPadProbeInfo * info, gpointer counter)
{
  g_atomic_int_add ((gint *) counter, hostile_count_rtp (info,
          HOSTILE_VIDEO_PT));
  return GST_PAD_PROBE_OK;
}

static void
on_rtpbin_pad (GstElement * rtpbin, GstPad * pad, Victim * v)
{
  if (g_str_has_prefix (GST_OBJECT_NAME (pad), "recv_rtp_sink_"))
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER |
        GST_PAD_PROBE_TYPE_BUFFER_LIST, count_video, &v->video_in, NULL);
}

static void
on_element (GstBin * bin, GstBin * sub_bin, GstElement * element, Victim * v)
{
  GstElementFactory *factory = gst_element_get_factory (element);
  const gchar *name = factory ? GST_OBJECT_NAME (factory) : "";
  gboolean in = g_str_equal (name, "nicesrc");
  GstPad *pad;

  if (g_str_equal (name, "webrtcbin"))
    g_atomic_int_inc (&v->webrtcbins);
  if (g_str_equal (name, "rtpbin"))
    g_signal_connect (element, "pad-added", G_CALLBACK (on_rtpbin_pad), v);
  if (!in && !g_str_equal (name, "nicesink"))
    return;
  pad = gst_element_get_static_pad (element, in ? "src" : "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER |
      GST_PAD_PROBE_TYPE_BUFFER_LIST, count_rtp,
      in ? &v->rtp_in : &v->rtp_out, NULL);
  gst_object_unref (pad);
}

static void
on_frame (GstElement * sink, GstBuffer * buffer, GstPad * pad, gint * n)
{
  g_atomic_int_inc (n);
}

static void
count_frames (Victim * v, const gchar * name, gint * n)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (v->pipeline), name);

  g_signal_connect (sink, "handoff", G_CALLBACK (on_frame), n);
  gst_object_unref (sink);
}

static void
pump (Victim * v)
{
  GstBus *bus = gst_element_get_bus (v->pipeline);
  GstMessage *message;

  hostile_pump (v->peer, 10);
  while ((message = gst_bus_pop_filtered (bus,
              GST_MESSAGE_ELEMENT | GST_MESSAGE_WARNING |
              GST_MESSAGE_ERROR)))
    g_queue_push_tail (&v->messages, message);
  gst_object_unref (bus);
}

/* (transfer full): the structure of the next message @name, with @field = @value if that is given */
static GstStructure *
wait_message (Victim * v, const gchar * name, const gchar * field,
    const gchar * value)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_US;

  while (g_get_monotonic_time () < deadline) {
    GstMessage *message = g_queue_pop_head (&v->messages);
    const GstStructure *s = message ? gst_message_get_structure (message) :
        NULL;
    GstStructure *found = NULL;

    if (s && gst_structure_has_name (s, name) && (!field || g_strcmp0
            (gst_structure_get_string (s, field), value) == 0))
      found = gst_structure_copy (s);
    if (message)
      gst_message_unref (message);
    else
      pump (v);
    if (found)
      return found;
  }
  g_error ("no %s (%s) in time", name, value ? value : "any");
}

static void
wait_state (Victim * v, const gchar * state)
{
  gst_structure_free (wait_message (v, "dao-call-state", "state", state));
}

static void
wait_end (Victim * v, const gchar * reason)
{
  GstStructure *end = wait_message (v, "dao-call-ended", NULL, NULL);

  g_assert_cmpstr (gst_structure_get_string (end, "reason"), ==, reason);
  gst_structure_free (end);
}

static void
wait_error (Victim * v, const gchar * reason)
{
  GstStructure *s = wait_message (v, "GstMessageError", NULL, NULL);
  const gchar *debug = gst_structure_get_string (s, "debug");

  g_test_message ("%s", debug);
  g_assert_nonnull (strstr (debug, reason));
  gst_structure_free (s);
}

/* Some warning says so */
static void
wait_warning (Victim * v, const gchar * text)
{
  gboolean found = FALSE;

  while (!found) {
    GstStructure *s = wait_message (v, "GstMessageWarning", NULL, NULL);
    GError *warning = NULL;

    gst_structure_get (s, "gerror", G_TYPE_ERROR, &warning, NULL);
    found = strstr (warning->message, text) != NULL;
    g_test_message ("%s", warning->message);
    g_error_free (warning);
    gst_structure_free (s);
  }
}

static void
wait_count (Victim * v, gint * counter, gint n)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_US;

  while (g_atomic_int_get (counter) < n) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    pump (v);
  }
}

static void
observe (Victim * v)
{
  gint64 end = g_get_monotonic_time () + OBSERVE_MS * 1000;

  while (g_get_monotonic_time () < end)
    pump (v);
}

static void
assert_no_rtp (Victim * v)
{
  g_assert_cmpint (g_atomic_int_get (&v->rtp_in), ==, 0);
  g_assert_cmpint (g_atomic_int_get (&v->rtp_out), ==, 0);
  g_assert_cmpint (g_atomic_int_get (&v->frames[0]), ==, 0);
  g_assert_cmpint (g_atomic_int_get (&v->frames[1]), ==, 0);
  /* and what the other end saw of it */
  g_assert_cmpint (g_atomic_int_get (&v->peer->rtp_received), ==, 0);
}

static void
play (Victim * v)
{
  gst_element_set_state (v->pipeline, GST_STATE_PLAYING);
}

/* The peer is online before the victim plays. */
static Victim *
victim_new (CallFixture * f, const gchar * options)
{
  Victim *v = g_new0 (Victim, 1);

  v->fixture = f;
  v->peer = hostile_new (f, 1, 0);
  v->pipeline = call_parse ("daosignaling name=c identity=%s %s "
      "audiotestsrc is-live=true ! opusenc ! c.audio_sink "
      "videotestsrc is-live=true ! "
      "video/x-raw,width=160,height=120,framerate=15/1 ! vp8enc deadline=1 "
      "cpu-used=8 keyframe-max-dist=15 ! c.video_sink "
      "c.audio_src ! fakesink name=a async=false sync=false "
      "signal-handoffs=true "
      "c.video_src ! fakesink name=v async=false sync=false "
      "signal-handoffs=true", f->identity[0], options);
  v->call = gst_bin_get_by_name (GST_BIN (v->pipeline), "c");
  g_signal_connect (v->pipeline, "deep-element-added",
      G_CALLBACK (on_element), v);
  count_frames (v, "a", &v->frames[0]);
  count_frames (v, "v", &v->frames[1]);
  return v;
}

/* Plays and can be called. */
static Victim *
callee_new (guint n_accounts, const gchar * options)
{
  Victim *v = victim_new (call_fixture_new (n_accounts), options);

  play (v);
  call_wait_online (v->pipeline, 10);
  return v;
}

/* Calls the peer. */
static Victim *
caller_new (const gchar * options)
{
  CallFixture *f = call_fixture_new (2);
  gchar *text = g_strdup_printf ("peer=%s %s", f->alias[1], options);
  Victim *v = victim_new (f, text);

  play (v);
  g_free (text);
  return v;
}

static void
victim_free (Victim * v)
{
  CallFixture *f = v->fixture;

  gst_object_unref (v->call);
  call_stop (v->pipeline);
  hostile_free (v->peer);
  g_queue_clear_full (&v->messages, (GDestroyNotify) gst_message_unref);
  call_fixture_free (f);
  g_free (v);
}

/* The victim's offer, with which the peer's call begins (transfer full) */
static gchar *
take_offer (Victim * v)
{
  DaoSignal *signal = hostile_wait (v->peer, DAO_SIGNAL_OFFER);
  gchar *sdp = g_steal_pointer (&signal->sdp);

  g_free (v->peer->call_id);
  v->peer->call_id = g_strdup (signal->call_id);
  dao_signal_free (signal);
  return sdp;
}

/* The peer calls, the victim answers by itself. (transfer full): the peer's offer */
static gchar *
connect_call (Victim * v)
{
  gchar *offer;
  DaoSignal *answer;

  hostile_start_media (v->peer);
  offer = hostile_create_offer (v->peer);
  hostile_send_offer (v->peer, offer);
  answer = hostile_wait (v->peer, DAO_SIGNAL_ANSWER);
  hostile_apply_answer (v->peer, answer->sdp);
  dao_signal_free (answer);
  wait_state (v, "connected");
  return offer;
}

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
  Victim *v = caller_new ("");
  gchar *offer = take_offer (v), *answer, *altered;

  hostile_start_media (v->peer);
  answer = hostile_create_answer (v->peer, offer);
  altered = alter_fingerprints (answer);
  hostile_send_answer (v->peer, altered);
  wait_error (v, "fingerprint");
  observe (v);
  assert_no_rtp (v);
  g_free (offer);
  g_free (answer);
  g_free (altered);
  victim_free (v);
}

static void
test_fingerprint_swap_offer (void)
{
  Victim *v = callee_new (2, "auto-answer=true");
  gchar *offer, *altered;
  DaoSignal *answer;

  hostile_start_media (v->peer);
  offer = hostile_create_offer (v->peer);
  altered = alter_fingerprints (offer);
  hostile_send_offer (v->peer, altered);
  answer = hostile_wait (v->peer, DAO_SIGNAL_ANSWER);
  hostile_apply_answer (v->peer, answer->sdp);
  wait_end (v, "fingerprint");
  observe (v);
  assert_no_rtp (v);
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
  Victim *v = caller_new ("");
  gchar *offer = take_offer (v), *answer, *no_port, *lie;

  hostile_start_media (v->peer);
  answer = hostile_create_answer (v->peer, offer);
  no_port = hostile_replace (answer, "m=video 9", "m=video 0");
  lie = hostile_replace (no_port, "BUNDLE audio0 video1", "BUNDLE audio0");
  hostile_send_answer (v->peer, lie);
  wait_state (v, "connected");
  wait_count (v, &v->frames[0], 100);
  wait_count (v, &v->peer->video_sent, 30);
  g_assert_cmpint (g_atomic_int_get (&v->video_in), ==, 0);
  g_assert_cmpint (g_atomic_int_get (&v->frames[1]), ==, 0);
  hostile_send_end (v->peer, NULL);
  wait_end (v, "remote-hangup");
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
  {"/guard/reoffer/fingerprint", alter_fingerprints, "fingerprint changed"},
};

/* A second offer of the call; the first two can abort webrtcbin 1.22. */
static void
test_reoffer (gconstpointer data)
{
  const Reoffer *reoffer = data;
  Victim *v = callee_new (2, "auto-answer=true");
  gchar *offer = connect_call (v);
  gchar *changed = reoffer->change (offer);

  v->peer->gen++;
  hostile_send_offer (v->peer, changed);
  wait_warning (v, reoffer->why);
  wait_end (v, "bad-sdp");
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
  Victim *v = callee_new (2, "auto-answer=true");
  guint i;

  for (i = 0; i < G_N_ELEMENTS (attacks); i++) {
    gchar *sdp = hostile_replace (chromium_offer, attacks[i].from,
        attacks[i].to);

    hostile_new_call (v->peer);
    hostile_send_offer (v->peer, sdp);
    g_test_message ("%s", attacks[i].to);
    wait_end (v, "bad-sdp");
    gst_element_set_state (v->pipeline, GST_STATE_READY);
    play (v);
    /* the new run waits for calls */
    gst_structure_free (wait_message (v, "dao-account", NULL, NULL));
    g_free (sdp);
  }
  assert_no_rtp (v);
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
  Victim *v = callee_new (2, "auto-answer=true");
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
  wait_state (v, "connected");
  for (i = 0; i < G_N_ELEMENTS (garbage); i++)
    hostile_send_candidate (v->peer, garbage[i]);
  wait_count (v, &v->frames[0], 50);
  hostile_send_end (v->peer, NULL);
  wait_end (v, "remote-hangup");
  g_signal_remove_emission_hook (signal_id, hook);
  g_assert_cmpint (watch.given, >, 0);
  g_assert_cmpint (watch.bad, ==, 0);
  victim_free (v);
}

/* --- consent --- */

/* field.md S1 to S5: whatever the caller does, nothing starts before we answer. */
static void
test_no_media_before_consent (void)
{
  Victim *v = callee_new (2, "");
  gchar *offer, *smuggled;
  guint i;

  hostile_start_media (v->peer);
  offer = hostile_create_offer (v->peer);
  smuggled = hostile_replace (offer, "a=mid:audio0", "a=candidate:1 1 UDP "
      "2122260223 127.0.0.1 40000 typ host\r\na=mid:audio0");
  hostile_send_offer (v->peer, smuggled);
  wait_state (v, "ringing");
  for (i = 0; i < 3; i++) {
    DaoSignal *signal;

    v->peer->gen++;
    hostile_send_offer (v->peer, smuggled);
    hostile_send_answer (v->peer, smuggled);
    hostile_send_candidate (v->peer,
        "candidate:1 1 UDP 2122260223 127.0.0.1 40000 typ host");
    signal = hostile_signal (v->peer, DAO_SIGNAL_RENEGOTIATE);
    signal->want = g_strdup ("video");
    hostile_send (v->peer, signal);
  }
  observe (v);
  g_assert_cmpint (g_atomic_int_get (&v->webrtcbins), ==, 0);
  assert_no_rtp (v);
  /* It still rings: only now it ends. */
  hostile_send_end (v->peer, "timeout");
  wait_end (v, "ring-timeout");
  g_assert_cmpint (g_atomic_int_get (&v->webrtcbins), ==, 0);
  g_free (offer);
  g_free (smuggled);
  victim_free (v);
}

/* --- signals that are not what they seem --- */

static void
ring (Victim * v)
{
  hostile_send_offer (v->peer, chromium_offer);
  wait_state (v, "ringing");
}

/* None of the hangups before counted: they would have been "remote-hangup". */
static void
assert_still_rings (Victim * v)
{
  hostile_send_end (v->peer, "timeout");
  wait_end (v, "ring-timeout");
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

static void
test_wrong_from (void)
{
  Victim *v = callee_new (3, "");

  ring (v);
  hostile_send_json (v->peer, hangup_with (v, "from", v->fixture->alias[2]),
      NULL, NULL);
  hostile_send_json (v->peer, hangup_with (v, "from", v->fixture->alias[2]),
      "from", v->peer->alias);
  assert_still_rings (v);
}

static void
test_wrong_to (void)
{
  Victim *v = callee_new (3, "");

  ring (v);
  hostile_send_json (v->peer, hangup_with (v, "to", v->fixture->alias[2]),
      NULL, NULL);
  assert_still_rings (v);
}

static void
test_wrong_call_id (void)
{
  static const gchar other[] = "00000000-0000-4000-8000-000000000000";
  Victim *v = callee_new (2, "");

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
  Victim *v = callee_new (2, "");

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
  observe (v);
  hostile_send_offer (friend, chromium_offer);
  incoming = wait_message (v, "dao-incoming-call", NULL, NULL);
  g_assert_cmpstr (gst_structure_get_string (incoming, "peer"), ==,
      v->fixture->alias[2]);
  gst_structure_free (incoming);
  hostile_send_end (friend, "timeout");
  wait_end (v, "ring-timeout");
  hostile_free (friend);
}

static void
test_unknown_contact (void)
{
  CallFixture *f = call_fixture_new (3);
  Victim *v;

  edit_contact (f, f->alias[1], NULL);
  v = victim_new (f, "");
  play (v);
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
  play (v);
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
  play (v);
  wait_error (v, "contact-changed");
  g_assert_true (g_queue_is_empty (&v->peer->received));
  g_free (options);
  victim_free (v);
}

/* --- frame encryption --- */

static void
announce (HostilePeer * peer, guint8 fill)
{
  peer->e2ee = TRUE;
  memset (peer->e2ee_pub, fill, 32);
}

static void
test_downgrade_answer (void)
{
  Victim *v = caller_new ("e2ee=required");
  gchar *offer = take_offer (v), *answer;

  hostile_start_media (v->peer);
  answer = hostile_create_answer (v->peer, offer);
  hostile_send_answer (v->peer, answer);
  wait_error (v, "e2ee-required");
  assert_no_rtp (v);
  g_free (offer);
  g_free (answer);
  victim_free (v);
}

static void
test_downgrade_offer (void)
{
  Victim *v = callee_new (2, "e2ee=required auto-answer=true");
  DaoSignal *reject;

  hostile_send_offer (v->peer, chromium_offer);
  reject = hostile_wait (v->peer, DAO_SIGNAL_REJECT);
  g_assert_cmpstr (reject->reason, ==, "e2ee-required");
  g_assert_cmpint (g_atomic_int_get (&v->webrtcbins), ==, 0);
  dao_signal_free (reject);
  victim_free (v);
}

/* Half-way: without encryption, or with another key */
static void
test_downgrade_reoffer (gconstpointer data)
{
  gboolean strip = GPOINTER_TO_INT (data);
  Victim *v = callee_new (2, "auto-answer=true");
  DaoSignal *answer;

  announce (v->peer, 9);
  hostile_send_offer (v->peer, chromium_offer);
  answer = hostile_wait (v->peer, DAO_SIGNAL_ANSWER);
  g_assert_true (answer->e2ee);
  dao_signal_free (answer);
  v->peer->gen++;
  if (strip)
    v->peer->e2ee = FALSE;
  else
    announce (v->peer, 10);
  hostile_send_offer (v->peer, chromium_offer);
  wait_end (v, "e2ee-downgrade");
  assert_no_rtp (v);
  victim_free (v);
}

/* Encryption was agreed; frames without it arrive and go nowhere. */
static void
test_clear_frames (void)
{
  Victim *v = callee_new (2, "auto-answer=true");
  gboolean e2ee = TRUE;
  GstStructure *end;

  announce (v->peer, 9);
  g_free (connect_call (v));
  wait_count (v, &v->rtp_in, 200);
  hostile_send_end (v->peer, NULL);
  end = wait_message (v, "dao-call-ended", NULL, NULL);
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

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/guard/fingerprint-swap/answer",
      test_fingerprint_swap_answer);
  g_test_add_func ("/guard/fingerprint-swap/offer",
      test_fingerprint_swap_offer);
  g_test_add_func ("/guard/rejected-video-sent-anyway",
      test_rejected_video_sent_anyway);
  for (i = 0; i < G_N_ELEMENTS (reoffers); i++)
    g_test_add_data_func (reoffers[i].path, &reoffers[i], test_reoffer);
  g_test_add_func ("/guard/sdp-garbage", test_sdp_garbage);
  g_test_add_func ("/guard/candidate-garbage", test_candidate_garbage);
  g_test_add_func ("/guard/no-media-before-consent",
      test_no_media_before_consent);
  g_test_add_func ("/guard/wrong-from", test_wrong_from);
  g_test_add_func ("/guard/wrong-to", test_wrong_to);
  g_test_add_func ("/guard/wrong-call-id", test_wrong_call_id);
  g_test_add_func ("/guard/type-mismatch", test_type_mismatch);
  g_test_add_func ("/guard/unknown-contact", test_unknown_contact);
  g_test_add_func ("/guard/changed-contact/calls", test_changed_contact);
  g_test_add_func ("/guard/changed-contact/is-not-called",
      test_changed_contact_is_not_called);
  g_test_add_func ("/guard/downgrade/answer", test_downgrade_answer);
  g_test_add_func ("/guard/downgrade/offer", test_downgrade_offer);
  g_test_add_data_func ("/guard/downgrade/reoffer-strips",
      GINT_TO_POINTER (TRUE), test_downgrade_reoffer);
  g_test_add_data_func ("/guard/downgrade/reoffer-other-key",
      GINT_TO_POINTER (FALSE), test_downgrade_reoffer);
  g_test_add_func ("/guard/clear-frames", test_clear_frames);
  return g_test_run ();
}
