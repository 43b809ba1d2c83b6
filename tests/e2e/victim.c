/* gst-dao: a daosignaling under attack
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "victim.h"

#include <string.h>

#define PATIENCE_US (20 * G_TIME_SPAN_SECOND)
/* How long what must not happen gets to happen: a call connects within 0.3 s here. */
#define OBSERVE_MS 1500

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

/* Frames that are about to leave, whether ICE and DTLS are through or not */
static GstPadProbeReturn
count_sent (GstPad * pad, GstPadProbeInfo * info, gpointer counters)
{
  GstCaps *caps = gst_pad_get_current_caps (pad);
  gboolean video = caps && g_strcmp0 (gst_structure_get_string
      (gst_caps_get_structure (caps, 0), "media"), "video") == 0;

  gst_clear_caps (&caps);
  g_atomic_int_inc ((gint *) counters + (video ? 1 : 0));
  return GST_PAD_PROBE_OK;
}

static void
on_webrtcbin_pad (GstElement * webrtcbin, GstPad * pad, Victim * v)
{
  if (GST_PAD_IS_SINK (pad))
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER |
        GST_PAD_PROBE_TYPE_BUFFER_LIST, count_sent, v->sent, NULL);
}

/* The pipeline hears of an element before webrtcbin does, so a probe that is added at once would see packets before
 * the element's own probes stop them. Those are there by the time of the first packet. */
static GstPadProbeReturn
count_from_now (GstPad * pad, GstPadProbeInfo * info, gpointer counter)
{
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER |
      GST_PAD_PROBE_TYPE_BUFFER_LIST, count_rtp, counter, NULL);
  return GST_PAD_PROBE_REMOVE;
}

static void
watch_socket (GstElement * element, const gchar * pad_name, gint * counter)
{
  GstPad *pad = gst_element_get_static_pad (element, pad_name);

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER |
      GST_PAD_PROBE_TYPE_BUFFER_LIST, count_from_now, counter, NULL);
  gst_object_unref (pad);
}

static void
on_webrtcbin_gone (gpointer alive, GObject * webrtcbin)
{
  g_atomic_int_add ((gint *) alive, -1);
}

static void
on_element (GstBin * bin, GstBin * sub_bin, GstElement * element, Victim * v)
{
  static const gchar *const clear[] = { "rtpopuspay", "rtpvp8pay",
    "rtpvp9pay", "rtpopusdepay", "rtpvp8depay", "rtpvp9depay", NULL
  };
  static const gchar *const ciphers[] = { "daoe2eeenc", "daoe2eedec", NULL };
  GstElementFactory *factory = gst_element_get_factory (element);
  const gchar *name = factory ? GST_OBJECT_NAME (factory) : "";

  if (g_str_equal (name, "webrtcbin")) {
    g_atomic_int_inc (&v->webrtcbins);
    g_atomic_int_inc (&v->alive);
    g_object_weak_ref (G_OBJECT (element), on_webrtcbin_gone, &v->alive);
    g_signal_connect (element, "pad-added", G_CALLBACK (on_webrtcbin_pad), v);
  } else if (g_str_equal (name, "rtpbin")) {
    g_signal_connect (element, "pad-added", G_CALLBACK (on_rtpbin_pad), v);
  } else if (g_str_equal (name, "nicesrc")) {
    watch_socket (element, "src", &v->rtp_in);
  } else if (g_str_equal (name, "nicesink")) {
    watch_socket (element, "sink", &v->rtp_out);
  } else if (g_strv_contains (clear, name)) {
    g_atomic_int_inc (&v->clear_tracks);
  } else if (g_strv_contains (ciphers, name)) {
    g_atomic_int_inc (&v->ciphers);
  }
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

void
victim_pump (Victim * v)
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

GstStructure *
victim_wait_message (Victim * v, const gchar * name, const gchar * field,
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
      victim_pump (v);
    if (found)
      return found;
  }
  g_error ("no %s (%s) in time", name, value ? value : "any");
}

void
victim_wait_state (Victim * v, const gchar * state)
{
  gst_structure_free (victim_wait_message (v, "dao-call-state", "state", state));
}

void
victim_wait_end (Victim * v, const gchar * reason)
{
  GstStructure *end = victim_wait_message (v, "dao-call-ended", NULL, NULL);

  g_assert_cmpstr (gst_structure_get_string (end, "reason"), ==, reason);
  gst_structure_free (end);
}

void
victim_wait_error (Victim * v, const gchar * reason)
{
  GstStructure *s = victim_wait_message (v, "GstMessageError", NULL, NULL);
  const gchar *debug = gst_structure_get_string (s, "debug");

  g_test_message ("%s", debug);
  g_assert_nonnull (strstr (debug, reason));
  gst_structure_free (s);
}

void
victim_wait_warning (Victim * v, const gchar * text)
{
  gboolean found = FALSE;

  while (!found) {
    GstStructure *s = victim_wait_message (v, "GstMessageWarning", NULL, NULL);
    GError *warning = NULL;

    gst_structure_get (s, "gerror", G_TYPE_ERROR, &warning, NULL);
    found = strstr (warning->message, text) != NULL;
    g_test_message ("%s", warning->message);
    g_error_free (warning);
    gst_structure_free (s);
  }
}

void
victim_wait_count (Victim * v, gint * counter, gint n)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_US;

  while (g_atomic_int_get (counter) < n) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    victim_pump (v);
  }
}

static void
forget_messages (Victim * v)
{
  g_queue_clear_full (&v->messages, (GDestroyNotify) gst_message_unref);
}

/* Peer connections are torn down on a thread of their own, and messages that nobody took hold elements of them.
 * The next call must not have begun: it has one, too. */
static void
wait_gone (Victim * v)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_US;

  while (g_atomic_int_get (&v->alive) > 0) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    if (v->pipeline)
      victim_pump (v);
    else
      hostile_pump (v->peer, 10);
    forget_messages (v);
  }
}

void
victim_observe (Victim * v)
{
  gint64 end = g_get_monotonic_time () + OBSERVE_MS * 1000;

  while (g_get_monotonic_time () < end)
    victim_pump (v);
}

void
victim_assert_no_media (Victim * v)
{
  g_assert_cmpint (g_atomic_int_get (&v->rtp_in), ==, 0);
  g_assert_cmpint (g_atomic_int_get (&v->rtp_out), ==, 0);
  g_assert_cmpint (g_atomic_int_get (&v->frames[0]), ==, 0);
  g_assert_cmpint (g_atomic_int_get (&v->frames[1]), ==, 0);
  /* and what the other end saw of it */
  g_assert_cmpint (g_atomic_int_get (&v->peer->rtp_received), ==, 0);
}

void
victim_reset_counts (Victim * v)
{
  gint *counts[] = { &v->webrtcbins, &v->clear_tracks, &v->ciphers,
    &v->sent[0], &v->sent[1], &v->rtp_in, &v->rtp_out, &v->video_in,
    &v->frames[0], &v->frames[1], &v->peer->rtp_received
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (counts); i++)
    g_atomic_int_set (counts[i], 0);
}

void
victim_play (Victim * v)
{
  gst_element_set_state (v->pipeline, GST_STATE_PLAYING);
}

void
victim_play_again (Victim * v)
{
  gboolean online = FALSE;

  gst_element_set_state (v->pipeline, GST_STATE_READY);
  wait_gone (v);
  forget_messages (v);
  victim_play (v);
  while (!online) {
    GstStructure *s = victim_wait_message (v, "dao-account", NULL, NULL);

    gst_structure_get_boolean (s, "online", &online);
    gst_structure_free (s);
  }
}

void
victim_act (Victim * v, const gchar * action)
{
  gboolean ok;

  g_signal_emit_by_name (v->call, action, &ok);
}

static void
make_pipeline (Victim * v)
{
  v->pipeline = call_parse ("daosignaling name=c identity=%s %s "
      "audiotestsrc is-live=true ! opusenc ! c.audio_sink "
      "videotestsrc is-live=true ! "
      "video/x-raw,width=160,height=120,framerate=15/1 ! vp8enc deadline=1 "
      "cpu-used=8 keyframe-max-dist=15 ! c.video_sink "
      "c.audio_src ! fakesink name=a async=false sync=false "
      "signal-handoffs=true "
      "c.video_src ! fakesink name=v async=false sync=false "
      "signal-handoffs=true", v->fixture->identity[0], v->options);
  v->call = gst_bin_get_by_name (GST_BIN (v->pipeline), "c");
  g_signal_connect (v->pipeline, "deep-element-added",
      G_CALLBACK (on_element), v);
  count_frames (v, "a", &v->frames[0]);
  count_frames (v, "v", &v->frames[1]);
}

static void
drop_pipeline (Victim * v)
{
  gst_clear_object (&v->call);
  call_stop (g_steal_pointer (&v->pipeline));
  wait_gone (v);
}

Victim *
victim_new (CallFixture * f, const gchar * options)
{
  Victim *v = g_new0 (Victim, 1);

  v->fixture = f;
  v->options = g_strdup (options);
  v->peer = hostile_new (f, 1, 0);
  make_pipeline (v);
  return v;
}

void
victim_renew (Victim * v)
{
  drop_pipeline (v);
  make_pipeline (v);
}

Victim *
victim_callee_new (guint n_accounts, const gchar * options)
{
  Victim *v = victim_new (call_fixture_new (n_accounts), options);

  victim_play (v);
  call_wait_online (v->pipeline, 10);
  return v;
}

Victim *
victim_caller_new (const gchar * options)
{
  CallFixture *f = call_fixture_new (2);
  gchar *text = g_strdup_printf ("peer=%s %s", f->alias[1], options);
  Victim *v = victim_new (f, text);

  victim_play (v);
  g_free (text);
  return v;
}

void
victim_free (Victim * v)
{
  CallFixture *f = v->fixture;

  drop_pipeline (v);
  hostile_free (v->peer);
  forget_messages (v);
  call_fixture_free (f);
  g_free (v->options);
  g_free (v);
}

gchar *
victim_audio_only (const gchar * offer)
{
  gchar *audio = g_strndup (offer, strstr (offer, "m=video") - offer);
  gchar *result = hostile_replace (audio, "BUNDLE audio0 video1",
      "BUNDLE audio0");

  g_free (audio);
  return result;
}

gchar *
victim_take_offer (Victim * v)
{
  DaoSignal *signal = hostile_wait (v->peer, DAO_SIGNAL_OFFER);
  gchar *sdp = g_steal_pointer (&signal->sdp);

  g_free (v->peer->call_id);
  v->peer->call_id = g_strdup (signal->call_id);
  dao_signal_free (signal);
  return sdp;
}

gchar *
victim_connect (Victim * v)
{
  gchar *offer;
  DaoSignal *answer;

  hostile_start_media (v->peer);
  offer = hostile_create_offer (v->peer);
  hostile_send_offer (v->peer, offer);
  answer = hostile_wait (v->peer, DAO_SIGNAL_ANSWER);
  hostile_apply_answer (v->peer, answer->sdp);
  dao_signal_free (answer);
  victim_wait_state (v, "connected");
  return offer;
}

