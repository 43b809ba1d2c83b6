/* gst-dao: a contact that speaks the protocol with valid keys and means harm
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "hostilepeer.h"
#include "accountclock.h"
#include "dao-account.h"

#define GST_USE_UNSTABLE_API
#include <gst/webrtc/webrtc.h>
#include <nice/interfaces.h>

#define PATIENCE_US (15 * G_TIME_SPAN_SECOND)

/* --- signaling --- */

static void
on_frame (DaoRelayClient * client, GBytes * text, HostilePeer * peer)
{
  gsize length;
  const gchar *frame = g_bytes_get_data (text, &length);
  DaoSignal *signal = dao_envelope_open (frame, length, peer->alias,
      peer->contacts, peer->replay, account_clock_now (), NULL);

  if (!signal)
    return;
  if (signal->type == DAO_SIGNAL_ICE)
    g_queue_push_tail (&peer->early, signal);
  else
    g_queue_push_tail (&peer->received, signal);
}

HostilePeer *
hostile_new (CallFixture * fixture, guint account, guint victim)
{
  HostilePeer *peer = g_new0 (HostilePeer, 1);
  gchar *contacts = dao_account_contacts_path (fixture->identity[account]);
  GError *error = NULL;

  peer->identity = dao_identity_load (fixture->identity[account], &error);
  g_assert_no_error (error);
  peer->contacts = dao_contacts_load (contacts, peer->identity, &error);
  g_assert_no_error (error);
  peer->replay = dao_replay_guard_new ();
  peer->alias = fixture->alias[account];
  peer->victim = fixture->alias[victim];
  peer->candidates = g_async_queue_new_full (g_free);
  peer->client = dao_relay_client_new (fixture->url, peer->identity, &error);
  g_assert_no_error (error);
  g_signal_connect (peer->client, "frame", G_CALLBACK (on_frame), peer);
  dao_relay_client_connect (peer->client);
  hostile_new_call (peer);
  while (!dao_relay_client_is_online (peer->client))
    g_main_context_iteration (NULL, TRUE);
  g_free (contacts);
  return peer;
}

void
hostile_free (HostilePeer * peer)
{
  hostile_stop_media (peer);
  g_signal_handlers_disconnect_by_data (peer->client, peer);
  dao_relay_client_disconnect (peer->client);
  g_object_unref (peer->client);
  dao_relay_drain (2000);
  g_queue_clear_full (&peer->received, (GDestroyNotify) dao_signal_free);
  g_queue_clear_full (&peer->early, (GDestroyNotify) dao_signal_free);
  g_async_queue_unref (peer->candidates);
  dao_replay_guard_free (peer->replay);
  dao_contacts_free (peer->contacts);
  dao_identity_unref (peer->identity);
  g_free (peer->call_id);
  g_free (peer);
}

void
hostile_new_call (HostilePeer * peer)
{
  g_free (peer->call_id);
  peer->call_id = g_uuid_string_random ();
  peer->gen = 1;
  peer->leg = 0;
}

void
hostile_announce (HostilePeer * peer, guint8 fill)
{
  peer->e2ee = TRUE;
  memset (peer->e2ee_pub, fill, 32);
}

DaoSignal *
hostile_signal (HostilePeer * peer, DaoSignalType type)
{
  DaoSignal *signal = dao_signal_new (type, peer->alias, peer->victim,
      peer->call_id);

  signal->ext = 1;
  signal->gen = peer->gen;
  signal->leg = peer->leg;
  if (type == DAO_SIGNAL_OFFER || type == DAO_SIGNAL_ANSWER) {
    signal->e2ee = peer->e2ee;
    memcpy (signal->e2ee_pub, peer->e2ee_pub, 32);
  }
  return signal;
}

gchar *
hostile_seal (HostilePeer * peer, json_t * inner, const gchar * outer_field,
    const gchar * outer_value)
{
  const DaoContact *victim = dao_contacts_lookup (peer->contacts,
      peer->victim);
  GError *error = NULL;
  gchar *frame = dao_envelope_seal (inner,
      json_string_value (json_object_get (inner, "to")),
      dao_identity_get_ed25519_secret (peer->identity), victim->session_key,
      account_clock_now () + peer->skew_ms, NULL, NULL, &error);
  json_t *outer;
  gchar *text, *result;

  g_assert_no_error (error);
  outer = json_loads (frame, 0, NULL);
  json_object_set_new (outer, "to", json_string (peer->victim));
  if (outer_field) {
    g_assert_nonnull (json_object_get (outer, outer_field));
    json_object_set_new (outer, outer_field, json_string (outer_value));
  }
  text = json_dumps (outer, JSON_COMPACT);
  result = g_strdup (text);
  free (text);
  json_decref (outer);
  g_free (frame);
  json_decref (inner);
  return result;
}

void
hostile_send_frame (HostilePeer * peer, const gchar * text)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_US;
  GError *error = NULL;

  /* What was sent before may have to leave first. */
  while (!dao_relay_client_send (peer->client, text, &error)
      && g_error_matches (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_LIMIT)
      && g_get_monotonic_time () < deadline) {
    g_clear_error (&error);
    hostile_pump (peer, 10);
  }
  g_assert_no_error (error);
}

void
hostile_send_json (HostilePeer * peer, json_t * inner,
    const gchar * outer_field, const gchar * outer_value)
{
  gchar *frame = hostile_seal (peer, inner, outer_field, outer_value);

  hostile_send_frame (peer, frame);
  g_free (frame);
}

/* A last frame that nobody can open marks the place. */
void
hostile_flush (HostilePeer * peer)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_US;
  gchar *mark = g_uuid_string_random ();
  gchar *frame = g_strdup_printf ("{\"type\":\"call_hangup\",\"to\":\"%s\","
      "\"from\":\"%s\",\"call_id\":\"%s\",\"crypto_v\":2,"
      "\"payload\":\"AAAA\"}", peer->victim, peer->alias, mark);

  account_clock_expect_frame (mark);
  hostile_send_frame (peer, frame);
  while (!account_clock_frame_arrived ()) {
    if (g_get_monotonic_time () > deadline)
      g_error ("what %s sent does not arrive", peer->alias);
    hostile_pump (peer, 1);
  }
  g_free (frame);
  g_free (mark);
}

void
hostile_send (HostilePeer * peer, DaoSignal * signal)
{
  hostile_send_json (peer, dao_signal_to_json (signal), NULL, NULL);
  dao_signal_free (signal);
}

void
hostile_send_offer (HostilePeer * peer, const gchar * sdp)
{
  DaoSignal *signal = hostile_signal (peer, DAO_SIGNAL_OFFER);

  signal->sdp = g_strdup (sdp);
  hostile_send (peer, signal);
}

void
hostile_send_answer (HostilePeer * peer, const gchar * sdp)
{
  DaoSignal *signal = hostile_signal (peer, DAO_SIGNAL_ANSWER);

  signal->sdp = g_strdup (sdp);
  hostile_send (peer, signal);
}

void
hostile_send_candidate (HostilePeer * peer, const gchar * candidate)
{
  DaoSignal *signal = hostile_signal (peer, DAO_SIGNAL_ICE);

  signal->candidate = g_strdup (candidate);
  signal->sdp_mline_index = 0;
  hostile_send (peer, signal);
}

void
hostile_send_end (HostilePeer * peer, const gchar * reason)
{
  DaoSignal *signal = hostile_signal (peer, DAO_SIGNAL_HANGUP);

  signal->reason = g_strdup (reason);
  hostile_send (peer, signal);
}

/* Candidates go both ways once there are descriptions. */
static void
trickle (HostilePeer * peer)
{
  gchar *candidate;
  DaoSignal *signal;

  while ((candidate = g_async_queue_try_pop (peer->candidates))) {
    hostile_send_candidate (peer, candidate);
    g_free (candidate);
  }
  while (peer->remote_set && (signal = g_queue_pop_head (&peer->early))) {
    if (signal->candidate && *signal->candidate
        && g_strcmp0 (signal->call_id, peer->call_id) == 0)
      g_signal_emit_by_name (peer->webrtc, "add-ice-candidate",
          MAX (signal->sdp_mline_index, 0), signal->candidate);
    dao_signal_free (signal);
  }
}

static gboolean
on_timeout (gpointer done)
{
  *(gboolean *) done = TRUE;
  return G_SOURCE_REMOVE;
}

void
hostile_pump (HostilePeer * peer, guint timeout_ms)
{
  gboolean done = FALSE;
  guint id = timeout_ms ? g_timeout_add (timeout_ms, on_timeout, &done) : 0;

  g_main_context_iteration (NULL, timeout_ms > 0);
  while (g_main_context_iteration (NULL, FALSE));
  if (id && !done)
    g_source_remove (id);
  if (peer->pipeline)
    trickle (peer);
}

DaoSignal *
hostile_wait (HostilePeer * peer, DaoSignalType type)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_US;

  while (g_get_monotonic_time () < deadline) {
    DaoSignal *signal = g_queue_pop_head (&peer->received);

    if (signal && signal->type == type)
      return signal;
    if (signal)
      dao_signal_free (signal);
    else
      hostile_pump (peer, 10);
  }
  g_error ("no %s of the victim in time", dao_signal_type_to_string (type));
}

/* --- media --- */

guint
hostile_count_rtp (GstPadProbeInfo * info, gint pt)
{
  GstBufferList *list = info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST ?
      GST_PAD_PROBE_INFO_BUFFER_LIST (info) : NULL;
  guint i, count = 0, n = list ? gst_buffer_list_length (list) : 1;

  for (i = 0; i < n; i++) {
    GstBuffer *buffer = list ? gst_buffer_list_get (list, i) :
        GST_PAD_PROBE_INFO_BUFFER (info);
    guint8 header[2] = { 0, };

    gst_buffer_extract (buffer, 0, header, 2);
    if (header[0] >= 128 && header[0] <= 191)
      count += pt < 0 || (header[1] & 0x7f) == pt;
  }
  return count;
}

static GstPadProbeReturn
count_received (GstPad * pad, GstPadProbeInfo * info, gpointer counter)
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
on_element (GstBin * bin, GstBin * sub_bin, GstElement * element,
    HostilePeer * peer)
{
  const gchar *name = GST_OBJECT_NAME (gst_element_get_factory (element) ?
      (gpointer) gst_element_get_factory (element) : (gpointer) element);
  gboolean in = g_str_equal (name, "nicesrc");
  GstPad *pad;

  if (!in && !g_str_equal (name, "nicesink"))
    return;
  pad = gst_element_get_static_pad (element, in ? "src" : "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER |
      GST_PAD_PROBE_TYPE_BUFFER_LIST, in ? count_received : count_video,
      in ? &peer->rtp_received : &peer->video_sent, NULL);
  gst_object_unref (pad);
}

static void
on_candidate (GstElement * webrtc, guint mline, const gchar * candidate,
    HostilePeer * peer)
{
  g_async_queue_push (peer->candidates, g_strdup (candidate));
}

static void
on_ready (GstElement * webrtc, HostilePeer * peer)
{
  g_atomic_int_set (&peer->ready, 1);
}

static void
on_pad (GstElement * webrtc, GstPad * pad, HostilePeer * peer)
{
  GstElement *sink;
  GstPad *sink_pad;

  if (GST_PAD_DIRECTION (pad) != GST_PAD_SRC)
    return;
  sink = gst_element_factory_make ("fakesink", NULL);
  g_object_set (sink, "async", FALSE, "sync", FALSE, NULL);
  gst_bin_add (GST_BIN (peer->pipeline), sink);
  gst_element_sync_state_with_parent (sink);
  sink_pad = gst_element_get_static_pad (sink, "sink");
  gst_pad_link (pad, sink_pad);
  gst_object_unref (sink_pad);
}

static void
use_loopback (GstElement * webrtc)
{
  GList *ips = nice_interfaces_get_local_ips (FALSE);
  GObject *ice, *agent;
  gboolean ok;

  g_object_get (webrtc, "ice-agent", &ice, NULL);
  g_object_get (ice, "agent", &agent, NULL);
  g_object_set (agent, "upnp", FALSE, "ice-tcp", FALSE, NULL);
  if (!ips)
    g_signal_emit_by_name (ice, "add-local-ip-address", "127.0.0.1", &ok);
  g_list_free_full (ips, g_free);
  g_object_unref (agent);
  g_object_unref (ice);
}

void
hostile_start_media (HostilePeer * peer)
{
  /* Payload types of daosignaling's own offers, so that it can also answer. */
  peer->pipeline = call_parse ("webrtcbin name=w bundle-policy=max-bundle "
      "audiotestsrc is-live=true ! opusenc ! rtpopuspay pt=111 ! "
      "application/x-rtp,media=audio,encoding-name=OPUS,payload=111 ! w. "
      "videotestsrc is-live=true ! "
      "video/x-raw,width=160,height=120,framerate=15/1 ! vp8enc deadline=1 "
      "cpu-used=8 keyframe-max-dist=15 ! rtpvp8pay pt=96 ! "
      "application/x-rtp,media=video,encoding-name=VP8,payload=96 ! w.");
  peer->webrtc = gst_bin_get_by_name (GST_BIN (peer->pipeline), "w");
  use_loopback (peer->webrtc);
  g_signal_connect (peer->pipeline, "deep-element-added",
      G_CALLBACK (on_element), peer);
  g_signal_connect (peer->webrtc, "on-ice-candidate",
      G_CALLBACK (on_candidate), peer);
  g_signal_connect (peer->webrtc, "on-negotiation-needed",
      G_CALLBACK (on_ready), peer);
  g_signal_connect (peer->webrtc, "pad-added", G_CALLBACK (on_pad), peer);
  gst_element_set_state (peer->pipeline, GST_STATE_PLAYING);
  while (!g_atomic_int_get (&peer->ready))
    hostile_pump (peer, 10);
}

void
hostile_stop_media (HostilePeer * peer)
{
  gchar *candidate;

  /* until it has stopped, a pad may still come */
  if (peer->pipeline)
    call_stop (peer->pipeline);
  peer->pipeline = NULL;
  gst_clear_object (&peer->webrtc);
  while ((candidate = g_async_queue_try_pop (peer->candidates)))
    g_free (candidate);
  g_queue_clear_full (&peer->early, (GDestroyNotify) dao_signal_free);
  peer->ready = peer->remote_set = FALSE;
}

static void
set_description (HostilePeer * peer, const gchar * action,
    GstWebRTCSDPType type, const gchar * text)
{
  GstPromise *promise = gst_promise_new ();
  GstWebRTCSessionDescription *description;
  GstSDPMessage *message;

  g_assert_cmpint (gst_sdp_message_new_from_text (text, &message), ==,
      GST_SDP_OK);
  description = gst_webrtc_session_description_new (type, message);
  g_signal_emit_by_name (peer->webrtc, action, description, promise);
  gst_promise_wait (promise);
  gst_promise_unref (promise);
  gst_webrtc_session_description_free (description);
}

/* @what: "offer" or "answer" */
static gchar *
describe (HostilePeer * peer, const gchar * what, GstWebRTCSDPType type)
{
  GstPromise *promise = gst_promise_new ();
  GstWebRTCSessionDescription *description = NULL;
  gchar *action = g_strdup_printf ("create-%s", what);
  gchar *text;

  g_signal_emit_by_name (peer->webrtc, action, NULL, promise);
  gst_promise_wait (promise);
  gst_structure_get (gst_promise_get_reply (promise), what,
      GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &description, NULL);
  g_assert_nonnull (description);
  text = gst_sdp_message_as_text (description->sdp);
  gst_webrtc_session_description_free (description);
  gst_promise_unref (promise);
  g_free (action);
  set_description (peer, "set-local-description", type, text);
  return text;
}

gchar *
hostile_create_offer (HostilePeer * peer)
{
  return describe (peer, "offer", GST_WEBRTC_SDP_TYPE_OFFER);
}

gchar *
hostile_create_answer (HostilePeer * peer, const gchar * offer)
{
  set_description (peer, "set-remote-description", GST_WEBRTC_SDP_TYPE_OFFER,
      offer);
  peer->remote_set = TRUE;
  return describe (peer, "answer", GST_WEBRTC_SDP_TYPE_ANSWER);
}

void
hostile_apply_answer (HostilePeer * peer, const gchar * answer)
{
  set_description (peer, "set-remote-description",
      GST_WEBRTC_SDP_TYPE_ANSWER, answer);
  peer->remote_set = TRUE;
}

gchar *
hostile_replace (const gchar * text, const gchar * from, const gchar * to)
{
  gchar **parts = g_strsplit (text, from, -1);
  gchar *result;

  if (g_strv_length (parts) < 2)
    g_error ("no '%s' in\n%s", from, text);
  result = g_strjoinv (to, parts);
  g_strfreev (parts);
  return result;
}
