/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Order of work (numbered steps in the log, category daoleg):
 *
 *   offering                          answering
 *   1 sink pads with caps             1 read, check and rebuild the offer
 *   2 create-offer                    2 set-remote-description
 *   3 set-local-description           3 sink pads of the offered sections
 *   4 read, check, rebuild the answer 4 create-answer, check it
 *   5 set-remote-description          5 set-local-description
 *   6 ICE, DTLS, certificate, media   6 the same
 *
 * webrtcbin's callbacks come from its own threads and only post.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaoleg.h"
#include "gstdaoice.h"
#include "gstdaoptfilter.h"
#include "gstdaothread.h"
#include "gstdaotrack.h"

#define GST_USE_UNSTABLE_API
#include <gst/video/video.h>
#include <gst/webrtc/webrtc.h>
#include <nice/agent.h>

GST_DEBUG_CATEGORY_STATIC (gst_dao_leg_debug);
#define GST_CAT_DEFAULT gst_dao_leg_debug

/* Payload types we offer; any of 96 to 127 would do, these are Chromium's. */
#define OFFER_PT_OPUS 111
#define OFFER_PT_VP8 96
#define OFFER_PT_VP9 98
#define OFFER_TWCC_ID 3

/* No packet of any kind for this long is "disconnected": audio comes every 20 ms. */
#define SILENCE_US (G_TIME_SPAN_SECOND)
#define LIVENESS_INTERVAL_MS 250
/* How long a worker waits for webrtcbin to answer its promises before NULL: going
 * to NULL in the middle of one leaks file descriptors (webrtcbin.md, 7). */
#define DRAIN_US (G_TIME_SPAN_SECOND)

struct _GstDaoLeg
{
  gint refs;
  GstDaoLegCallbacks callbacks;
  gpointer user_data;
  gboolean closed;

  GstBin *parent;
  GstBin *bin;
  GstElement *webrtc;
  GstDaoFingerprintGuard *guard;
  GstDaoPtFilter *pt_filter;
  GSource *liveness;

  GstDaoLegConfig config;       /* its ICE servers are not kept */
  gboolean offerer;
  gboolean described;           /* a remote description was applied */
  GstDaoSdp local, remote;
  gboolean restarting;          /* our next description has new ICE credentials */
  GstElement *filters[2];       /* by DaoMedia, owned by the bin */

  gboolean certificate_ok;
  gboolean peer_connected;
  gboolean reported_connected;

  GMutex lock;                  /* for the rest: streaming threads use it too */
  GCond drained;
  guint promises;
  GstDaoTrackCipher receive_cipher[2];
  GstDaoTrackCipher send_cipher[2];
  GstPad *key_request_pad;
  GstDaoCodec codec[2];
  GstDaoMediaSrc *src[2];
};

static GstDaoLeg *
leg_ref (GstDaoLeg * leg)
{
  g_atomic_int_inc (&leg->refs);
  return leg;
}

static void
leg_unref (GstDaoLeg * leg)
{
  guint i;

  if (!g_atomic_int_dec_and_test (&leg->refs))
    return;
  for (i = 0; i < 2; i++) {
    g_clear_object (&leg->receive_cipher[i].keys);
    g_clear_object (&leg->send_cipher[i].keys);
    g_clear_pointer (&leg->src[i], gst_dao_media_src_unref);
  }
  gst_clear_object (&leg->key_request_pad);
  g_clear_pointer (&leg->guard, gst_dao_fingerprint_guard_unref);
  g_clear_pointer (&leg->pt_filter, gst_dao_pt_filter_unref);
  gst_clear_object (&leg->webrtc);
  gst_clear_object (&leg->bin);
  g_mutex_clear (&leg->lock);
  g_cond_clear (&leg->drained);
  g_free (leg);
}

static void
fail (GstDaoLeg * leg, DaoCallReason reason, const gchar * format, ...)
    G_GNUC_PRINTF (3, 4);

static void
fail (GstDaoLeg * leg, DaoCallReason reason, const gchar * format, ...)
{
  va_list args;
  gchar *text;

  if (leg->closed)
    return;
  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  GST_WARNING_OBJECT (leg->bin, "%s", text);
  GST_DEBUG_BIN_TO_DOT_FILE_WITH_TS (leg->bin, GST_DEBUG_GRAPH_SHOW_STATES |
      GST_DEBUG_GRAPH_SHOW_CAPS_DETAILS, "daoleg-failed");
  leg->callbacks.failed (leg, reason, text, leg->user_data);
  g_free (text);
}

/* --- from webrtcbin's threads to ours --- */

typedef struct
{
  GstDaoLeg *leg;
  void (*func) (GstDaoLeg * leg, gint value, gchar * text,
      GstWebRTCSessionDescription * description);
  gint value;
  gchar *text;
  GstWebRTCSessionDescription *description;
} Event;

static void
event_run (gpointer data, gpointer user_data)
{
  Event *event = data;

  if (!event->leg->closed)
    event->func (event->leg, event->value, event->text, event->description);
}

static void
event_free (gpointer data)
{
  Event *event = data;

  g_clear_pointer (&event->description, gst_webrtc_session_description_free);
  leg_unref (event->leg);
  g_free (event->text);
  g_free (event);
}

static Event *
event_new (GstDaoLeg * leg, gpointer func)
{
  Event *event = g_new0 (Event, 1);

  event->leg = leg_ref (leg);
  event->func = func;
  return event;
}

static void
event_post (Event * event)
{
  gst_dao_thread_post (event_run, event, event_free);
}

/* --- promises --- */

static void
on_promise (GstPromise * promise, gpointer user_data)
{
  Event *event = user_data;
  GstDaoLeg *leg = event->leg;
  const GstStructure *reply = NULL;
  GError *error = NULL;

  if (gst_promise_wait (promise) == GST_PROMISE_RESULT_REPLIED)
    reply = gst_promise_get_reply (promise);
  if (reply && gst_structure_has_field (reply, "error"))
    gst_structure_get (reply, "error", G_TYPE_ERROR, &error, NULL);
  else if (reply && gst_structure_has_field (reply, "offer"))
    gst_structure_get (reply, "offer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION,
        &event->description, NULL);
  else if (reply && gst_structure_has_field (reply, "answer"))
    gst_structure_get (reply, "answer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION,
        &event->description, NULL);
  if (error) {
    event->value = TRUE;
    event->text = g_strdup (error->message);
    g_error_free (error);
  }
  g_mutex_lock (&leg->lock);
  leg->promises--;
  g_cond_broadcast (&leg->drained);
  g_mutex_unlock (&leg->lock);
  event_post (event);
}

/* Emits @action; @done (leg, failed, error text, description) runs on our thread. */
static void
request (GstDaoLeg * leg, const gchar * action,
    GstWebRTCSessionDescription * description, gpointer done)
{
  GstPromise *promise = gst_promise_new_with_change_func (on_promise,
      event_new (leg, done), NULL);

  g_mutex_lock (&leg->lock);
  leg->promises++;
  g_mutex_unlock (&leg->lock);
  g_signal_emit_by_name (leg->webrtc, action, description, promise);
  gst_promise_unref (promise);
}

static GstWebRTCSessionDescription *
description_new (GstWebRTCSDPType type, const GstDaoSdp * sdp)
{
  gchar *text = gst_dao_sdp_to_text (sdp);
  GstSDPMessage *message = NULL;

  gst_sdp_message_new_from_text (text, &message);
  g_free (text);
  return gst_webrtc_session_description_new (type, message);
}

/* --- keys and codecs: read by streaming threads --- */

void
gst_dao_leg_set_keys (GstDaoLeg * leg, DaoCallKeys * keys)
{
  guint i;

  g_mutex_lock (&leg->lock);
  for (i = 0; i < 2; i++) {
    if (!keys)
      continue;
    if (!leg->config.ciphertext_in[i])
      g_set_object (&leg->send_cipher[i].keys,
          G_OBJECT (dao_call_keys_get_sender (keys, i)));
    if (!leg->config.ciphertext_out[i])
      g_set_object (&leg->receive_cipher[i].keys,
          G_OBJECT (dao_call_keys_get_receiver (keys, i)));
  }
  g_mutex_unlock (&leg->lock);
}

GstDaoCodec
gst_dao_leg_get_codec (GstDaoLeg * leg, DaoMedia media)
{
  GstDaoCodec codec;

  g_mutex_lock (&leg->lock);
  codec = leg->codec[media];
  g_mutex_unlock (&leg->lock);
  return codec;
}

/* Both descriptions are known: what may flow, and under which payload types. */
static void
adopt_codecs (GstDaoLeg * leg)
{
  const GstDaoSdp *answer = leg->offerer ? &leg->remote : &leg->local;
  guint i;

  for (i = 0; i < answer->n_media; i++) {
    const GstDaoSdpMedia *m = &answer->media[i];

    if (!m->accepted)
      continue;
    g_mutex_lock (&leg->lock);
    leg->codec[m->media] = m->codec;
    g_mutex_unlock (&leg->lock);
    gst_dao_pt_filter_allow (leg->pt_filter, m->pt);
    if (m->rtx_pt != -1)
      gst_dao_pt_filter_allow (leg->pt_filter, m->rtx_pt);
  }
}

/* --- received media --- */

static GstDaoCodec
codec_of_pad (GstPad * pad)
{
  GstCaps *caps = gst_pad_get_current_caps (pad);
  const gchar *name = NULL;
  GstDaoCodec codec = GST_DAO_CODEC_NONE;

  if (!caps)
    caps = gst_pad_query_caps (pad, NULL);
  if (!gst_caps_is_empty (caps) && !gst_caps_is_any (caps))
    name = gst_structure_get_string (gst_caps_get_structure (caps, 0),
        "encoding-name");
  if (g_strcmp0 (name, "OPUS") == 0)
    codec = GST_DAO_CODEC_OPUS;
  else if (g_strcmp0 (name, "VP8") == 0)
    codec = GST_DAO_CODEC_VP8;
  else if (g_strcmp0 (name, "VP9") == 0)
    codec = GST_DAO_CODEC_VP9;
  gst_caps_unref (caps);
  return codec;
}

static void
drop_media (GstDaoLeg * leg, GstPad * pad)
{
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);
  GstPad *sink_pad;

  g_object_set (sink, "sync", FALSE, "async", FALSE, NULL);
  gst_bin_add (leg->bin, sink);
  gst_element_sync_state_with_parent (sink);
  sink_pad = gst_element_get_static_pad (sink, "sink");
  gst_pad_link (pad, sink_pad);
  gst_object_unref (sink_pad);
}

static void
on_unusable_media (GstDaoLeg * leg, gint value, gchar * text,
    GstWebRTCSessionDescription * unused)
{
  fail (leg, DAO_CALL_REASON_INTERNAL, "Received media cannot be used: %s",
      text);
}

/* On a streaming thread of webrtcbin. Pads are told apart by codec: names and
 * transceivers of 1.22 can be those of another medium. */
static void
on_pad_added (GstElement * webrtc, GstPad * pad, gpointer user_data)
{
  GstDaoLeg *leg = user_data;
  GstDaoCodec codec;
  DaoMedia media;
  GstDaoTrackCipher cipher = { NULL, FALSE };
  GError *error = NULL;
  GstPad *tap = NULL;
  gboolean agreed;

  if (GST_PAD_DIRECTION (pad) != GST_PAD_SRC)
    return;
  codec = codec_of_pad (pad);
  media = codec == GST_DAO_CODEC_OPUS ? DAO_MEDIA_AUDIO : DAO_MEDIA_VIDEO;
  g_mutex_lock (&leg->lock);
  agreed = codec != GST_DAO_CODEC_NONE && leg->codec[media] == codec;
  cipher.ciphertext = leg->config.ciphertext_out[media];
  if (leg->receive_cipher[media].keys)
    cipher.keys = g_object_ref (leg->receive_cipher[media].keys);
  g_mutex_unlock (&leg->lock);

  GST_INFO_OBJECT (webrtc, "6: media appears on %s: %s", GST_OBJECT_NAME (pad),
      agreed ? gst_dao_codec_encoding_name (codec) : "not agreed, dropped");
  if (agreed)
    tap = gst_dao_receive_track_start (leg->bin, pad, codec, &cipher,
        leg->src[media], &error);
  if (!tap)
    drop_media (leg, pad);
  if (error) {
    Event *event = event_new (leg, on_unusable_media);

    event->text = g_strdup (error->message);
    event_post (event);
    g_error_free (error);
  }
  if (tap && media == DAO_MEDIA_VIDEO) {
    g_mutex_lock (&leg->lock);
    gst_object_replace ((GstObject **) & leg->key_request_pad,
        GST_OBJECT (tap));
    g_mutex_unlock (&leg->lock);
  }
  gst_clear_object (&tap);
  g_clear_object (&cipher.keys);
}

void
gst_dao_leg_request_key (GstDaoLeg * leg)
{
  GstPad *pad;

  g_mutex_lock (&leg->lock);
  pad = leg->key_request_pad ? gst_object_ref (leg->key_request_pad) : NULL;
  g_mutex_unlock (&leg->lock);
  if (pad)
    gst_pad_push_event (pad,
        gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE,
            FALSE, 0));
  gst_clear_object (&pad);
}

/* --- candidates and states --- */

static void
on_candidate (GstDaoLeg * leg, gint mline, gchar * text,
    GstWebRTCSessionDescription * unused)
{
  const gchar *line = g_str_has_prefix (text, "a=") ? text + 2 : text;
  gchar *filtered =
      gst_dao_ice_filter_local (line, leg->config.relay_only);

  if (filtered && mline >= 0 && mline < (gint) leg->local.n_media)
    leg->callbacks.candidate (leg, filtered, leg->local.media[mline].mid,
        mline, leg->user_data);
  g_free (filtered);
}

static void
post_candidate (GstElement * webrtc, guint mline, const gchar * candidate,
    GstDaoLeg * leg)
{
  Event *event = event_new (leg, on_candidate);

  event->value = mline;
  event->text = g_strdup (candidate);
  event_post (event);
}

static void
report_connected (GstDaoLeg * leg)
{
  if (!leg->peer_connected || !leg->certificate_ok || leg->reported_connected)
    return;
  GST_INFO_OBJECT (leg->bin, "6: connected");
  leg->reported_connected = TRUE;
  leg->callbacks.transport (leg, DAO_TRANSPORT_CONNECTED, leg->user_data);
}

static void
on_connection_state (GstDaoLeg * leg, gint value, gchar * text,
    GstWebRTCSessionDescription * unused)
{
  switch ((GstWebRTCPeerConnectionState) value) {
    case GST_WEBRTC_PEER_CONNECTION_STATE_CONNECTED:
      leg->peer_connected = TRUE;
      report_connected (leg);
      break;
    case GST_WEBRTC_PEER_CONNECTION_STATE_FAILED:
      leg->peer_connected = leg->reported_connected = FALSE;
      leg->callbacks.transport (leg, DAO_TRANSPORT_FAILED, leg->user_data);
      break;
    case GST_WEBRTC_PEER_CONNECTION_STATE_CONNECTING:
      leg->callbacks.transport (leg, DAO_TRANSPORT_CONNECTING, leg->user_data);
      break;
    default:
      break;
  }
}

static void
post_connection_state (GstElement * webrtc, GParamSpec * pspec,
    GstDaoLeg * leg)
{
  Event *event = event_new (leg, on_connection_state);

  g_object_get (webrtc, "connection-state", &event->value, NULL);
  event_post (event);
}

static void
on_certificate (GstDaoLeg * leg, gint matches, gchar * text,
    GstWebRTCSessionDescription * unused)
{
  leg->certificate_ok = matches;
  if (matches)
    report_connected (leg);
  else
    leg->callbacks.transport (leg, DAO_TRANSPORT_BAD_FINGERPRINT,
        leg->user_data);
}

static void
post_certificate (GstDaoFingerprintGuard * guard, gboolean matches,
    gpointer user_data)
{
  Event *event = event_new (user_data, on_certificate);

  event->value = matches;
  event_post (event);
}

/* webrtcbin never reports that a peer is gone (webrtcbin.md, 5). */
static gboolean
check_liveness (gpointer data)
{
  GstDaoLeg *leg = data;
  GstDaoTransportCounts counts;
  gboolean silent;

  if (leg->closed || !leg->peer_connected)
    return G_SOURCE_CONTINUE;
  gst_dao_fingerprint_guard_get_counts (leg->guard, &counts);
  silent = g_get_monotonic_time () - counts.last_received_us > SILENCE_US;
  if (silent && leg->reported_connected) {
    GST_INFO_OBJECT (leg->bin, "no packet for a second");
    leg->reported_connected = FALSE;
    leg->callbacks.transport (leg, DAO_TRANSPORT_DISCONNECTED, leg->user_data);
  } else if (!silent) {
    report_connected (leg);
  }
  return G_SOURCE_CONTINUE;
}

void
gst_dao_leg_get_counts (GstDaoLeg * leg, GstDaoTransportCounts * counts)
{
  gst_dao_fingerprint_guard_get_counts (leg->guard, counts);
}

static NiceAgent *
get_agent (GstDaoLeg * leg)
{
  GObject *ice = NULL;
  NiceAgent *agent = NULL;

  g_object_get (leg->webrtc, "ice-agent", &ice, NULL);
  if (ice)
    g_object_get (ice, "agent", &agent, NULL);
  g_clear_object (&ice);
  return agent;
}

gboolean
gst_dao_leg_is_relayed (GstDaoLeg * leg)
{
  NiceAgent *agent = get_agent (leg);
  NiceCandidate *local, *remote;
  gboolean relayed = FALSE;

  /* libnice numbers streams from 1, and BUNDLE leaves just one */
  if (agent && nice_agent_get_selected_pair (agent, 1, 1, &local, &remote))
    relayed = local->type == NICE_CANDIDATE_TYPE_RELAYED
        || remote->type == NICE_CANDIDATE_TYPE_RELAYED;
  g_clear_object (&agent);
  return relayed;
}

/* --- ICE restart: webrtcbin has none, so at the agent (webrtcbin.md, 1) --- */

#define NICE_STREAM 1           /* libnice numbers from 1; BUNDLE leaves one stream */

static void
restart_agent (GstDaoLeg * leg)
{
  NiceAgent *agent = get_agent (leg);

  GST_INFO_OBJECT (leg->bin, "restarting ICE");
  if (agent)
    nice_agent_restart (agent);
  leg->restarting = TRUE;
  leg->reported_connected = FALSE;
  g_clear_object (&agent);
}

/* (transfer full): @sdp with the agent's credentials of now */
static gchar *
write_credentials (GstDaoLeg * leg, const gchar * sdp)
{
  NiceAgent *agent = get_agent (leg);
  gchar *ufrag = NULL, *pwd = NULL;
  gchar **lines = g_strsplit (sdp, "\r\n", -1);
  gchar *written;
  guint i;

  if (agent && nice_agent_get_local_credentials (agent, NICE_STREAM, &ufrag,
          &pwd))
    for (i = 0; lines[i]; i++) {
      gboolean is_ufrag = g_str_has_prefix (lines[i], "a=ice-ufrag:");

      if (!is_ufrag && !g_str_has_prefix (lines[i], "a=ice-pwd:"))
        continue;
      g_free (lines[i]);
      lines[i] = g_strconcat (is_ufrag ? "a=ice-ufrag:" : "a=ice-pwd:",
          is_ufrag ? ufrag : pwd, NULL);
    }
  written = g_strjoinv ("\r\n", lines);
  g_strfreev (lines);
  g_free (ufrag);
  g_free (pwd);
  g_clear_object (&agent);
  return written;
}

/* The agent keeps its sockets and so emits no candidates anew. */
static void
send_candidates_again (GstDaoLeg * leg)
{
  NiceAgent *agent = get_agent (leg);
  GSList *list = agent ? nice_agent_get_local_candidates (agent, NICE_STREAM,
      NICE_COMPONENT_TYPE_RTP) : NULL;
  GSList *l;

  for (l = list; l; l = l->next) {
    gchar *text = nice_agent_generate_local_candidate_sdp (agent, l->data);

    on_candidate (leg, 0, text, NULL);
    g_free (text);
  }
  g_slist_free_full (list, (GDestroyNotify) nice_candidate_free);
  g_clear_object (&agent);
}

/* --- describing ourselves --- */

static gboolean
describe (GstDaoLeg * leg, gint mline, const GstDaoSdpMedia * media)
{
  GError *error = NULL;

  leg->filters[media->media] = gst_dao_send_track_describe (leg->bin,
      leg->webrtc, mline, media, &error);
  if (error)
    fail (leg, DAO_CALL_REASON_INTERNAL, "%s", error->message);
  g_clear_error (&error);
  return leg->filters[media->media] != NULL;
}

static void
on_local_set (GstDaoLeg * leg, gint failed, gchar * text,
    GstWebRTCSessionDescription * description)
{
  GST_INFO_OBJECT (leg->bin, "%d: own %s is set", leg->offerer ? 3 : 5,
      leg->offerer ? "offer" : "answer");
  if (failed)
    fail (leg, DAO_CALL_REASON_INTERNAL, "webrtcbin refuses its own SDP: %s",
        text);
}

static void
set_local (GstDaoLeg * leg, GstWebRTCSDPType type, const gchar * sdp)
{
  GstWebRTCSessionDescription *description;
  GstSDPMessage *message = NULL;

  gst_sdp_message_new_from_text (sdp, &message);
  description = gst_webrtc_session_description_new (type, message);
  request (leg, "set-local-description", description, on_local_set);
  gst_webrtc_session_description_free (description);
}

/* Reads our own description back: what webrtcbin wrote is what we send. */
static void
on_described (GstDaoLeg * leg, gint failed, gchar * text,
    GstWebRTCSessionDescription * description)
{
  GError *error = NULL;
  gchar *made, *sdp, *wire;

  if (failed || !description) {
    fail (leg, DAO_CALL_REASON_INTERNAL, "webrtcbin makes no SDP: %s",
        text ? text : "no reply");
    return;
  }
  made = gst_sdp_message_as_text (description->sdp);
  sdp = leg->restarting ? write_credentials (leg, made) : g_strdup (made);
  g_free (made);
  GST_INFO_OBJECT (leg->bin, "%d: %s made", leg->offerer ? 2 : 4,
      leg->offerer ? "offer" : "answer");
  GST_LOG_OBJECT (leg->bin, "%s", sdp);
  if (!gst_dao_sdp_parse (sdp, leg->offerer, leg->config.codecs,
          leg->config.prefer, &leg->local, &error)
      || !gst_dao_sdp_check_own (&leg->local, &error)
      || (!leg->offerer && !gst_dao_sdp_check_answer (&leg->remote,
              &leg->local, &error))) {
    fail (leg, DAO_CALL_REASON_INTERNAL, "Our own SDP is not as meant: %s",
        error->message);
    g_error_free (error);
  } else {
    if (!leg->offerer)
      adopt_codecs (leg);
    wire = gst_dao_sdp_strip_candidates (sdp);
    set_local (leg, description->type, sdp);
    leg->callbacks.local_description (leg, wire, leg->user_data);
    g_free (wire);
    if (leg->restarting && !leg->closed)
      send_candidates_again (leg);
    leg->restarting = FALSE;
  }
  g_free (sdp);
}

void
gst_dao_leg_create_offer (GstDaoLeg * leg, gboolean restart)
{
  GstDaoSdpMedia audio = {.media = DAO_MEDIA_AUDIO,.codec =
        GST_DAO_CODEC_OPUS,.pt = OFFER_PT_OPUS
  };
  GstDaoSdpMedia video = {.media = DAO_MEDIA_VIDEO,.codec =
        leg->config.prefer,.twcc_id = OFFER_TWCC_ID
  };

  leg->offerer = TRUE;
  if (restart)
    restart_agent (leg);
  video.pt = video.codec == GST_DAO_CODEC_VP9 ? OFFER_PT_VP9 : OFFER_PT_VP8;
  GST_INFO_OBJECT (leg->bin, "1: offering audio%s",
      leg->config.video ? " and video" : "");
  if ((!leg->filters[DAO_MEDIA_AUDIO] && !describe (leg, -1, &audio))
      || (leg->config.video && !leg->filters[DAO_MEDIA_VIDEO]
          && !describe (leg, -1, &video)))
    return;
  request (leg, "create-offer", NULL, on_described);
}

/* --- the peer's description --- */

static gboolean
read_remote (GstDaoLeg * leg, const gchar * text, gboolean is_offer)
{
  GError *error = NULL;
  GstDaoSdp sdp;
  gboolean ok = gst_dao_sdp_parse (text, is_offer, leg->config.codecs,
      leg->config.prefer, &sdp, &error)
      && (!leg->described
      || gst_dao_sdp_check_next (&leg->remote, &sdp, &error))
      && (is_offer || gst_dao_sdp_check_answer (&leg->local, &sdp, &error));

  if (!ok) {
    fail (leg, DAO_CALL_REASON_BAD_SDP, "The peer's %s cannot be used: %s",
        is_offer ? "offer" : "answer", error->message);
    g_error_free (error);
    return FALSE;
  }
  leg->remote = sdp;
  gst_dao_fingerprint_guard_expect (leg->guard, &sdp.fingerprint);
  return TRUE;
}

static void
on_answer_applied (GstDaoLeg * leg, gint failed, gchar * text,
    GstWebRTCSessionDescription * description)
{
  if (failed) {
    fail (leg, DAO_CALL_REASON_BAD_SDP, "webrtcbin refuses the answer: %s",
        text);
    return;
  }
  GST_INFO_OBJECT (leg->bin, "5: answer applied");
  leg->described = TRUE;
  leg->callbacks.remote_applied (leg, leg->user_data);
}

void
gst_dao_leg_apply_answer (GstDaoLeg * leg, const gchar * answer)
{
  GstWebRTCSessionDescription *description;

  GST_INFO_OBJECT (leg->bin, "4: answer received");
  if (!read_remote (leg, answer, FALSE))
    return;
  adopt_codecs (leg);
  description = description_new (GST_WEBRTC_SDP_TYPE_ANSWER, &leg->remote);
  request (leg, "set-remote-description", description, on_answer_applied);
  gst_webrtc_session_description_free (description);
}

static void
on_offer_applied (GstDaoLeg * leg, gint failed, gchar * text,
    GstWebRTCSessionDescription * description)
{
  guint i;

  if (failed) {
    fail (leg, DAO_CALL_REASON_BAD_SDP, "webrtcbin refuses the offer: %s",
        text);
    return;
  }
  GST_INFO_OBJECT (leg->bin, "2: offer applied");
  for (i = 0; i < leg->remote.n_media; i++)
    if (leg->remote.media[i].accepted
        && !leg->filters[leg->remote.media[i].media]
        && !describe (leg, i, &leg->remote.media[i]))
      return;
  GST_INFO_OBJECT (leg->bin, "3: tracks described");
  leg->described = TRUE;
  leg->callbacks.remote_applied (leg, leg->user_data);
  request (leg, "create-answer", NULL, on_described);
}

void
gst_dao_leg_create_answer (GstDaoLeg * leg, const gchar * offer)
{
  GstWebRTCSessionDescription *description;
  gchar old_ufrag[GST_DAO_SDP_MAX_ICE + 1];

  GST_INFO_OBJECT (leg->bin, "1: offer received");
  leg->offerer = FALSE;
  g_strlcpy (old_ufrag, leg->remote.ufrag, sizeof (old_ufrag));
  if (!read_remote (leg, offer, TRUE))
    return;
  /* RFC 8839, 4.4.1.1.1: new credentials are a restart; ours must be new, too */
  if (leg->described && !g_str_equal (old_ufrag, leg->remote.ufrag))
    restart_agent (leg);
  description = description_new (GST_WEBRTC_SDP_TYPE_OFFER, &leg->remote);
  request (leg, "set-remote-description", description, on_offer_applied);
  gst_webrtc_session_description_free (description);
}

void
gst_dao_leg_add_candidate (GstDaoLeg * leg, const gchar * candidate,
    const gchar * mid, gint mline_index)
{
  guint i;
  gint mline = mline_index;
  gchar *line = gst_dao_ice_rebuild_candidate (candidate);

  for (i = 0; mid && i < leg->remote.n_media; i++)
    if (g_str_equal (leg->remote.media[i].mid, mid))
      mline = i;
  /* End of candidates ("") changes nothing for us: our own timers decide. */
  if (line && mline >= 0 && mline < (gint) leg->remote.n_media
      && leg->remote.media[mline].accepted)
    g_signal_emit_by_name (leg->webrtc, "add-ice-candidate", mline, line);
  else
    GST_DEBUG_OBJECT (leg->bin, "candidate ignored: %s", candidate);
  g_free (line);
}

/* --- sending --- */

GstElement *
gst_dao_leg_start_sender (GstDaoLeg * leg, DaoMedia media, GstCaps * caps,
    GstPad * force_key, GError ** error)
{
  const GstDaoSdp *offer = leg->offerer ? &leg->local : &leg->remote;
  const GstDaoSdpMedia *agreed = gst_dao_sdp_find (offer, media);
  GstDaoTrackCipher cipher;

  if (gst_dao_leg_get_codec (leg, media) == GST_DAO_CODEC_NONE || !agreed
      || !leg->filters[media])
    return NULL;
  cipher = leg->send_cipher[media];
  cipher.ciphertext = leg->config.ciphertext_in[media];
  return gst_dao_send_track_start (leg->bin, leg->filters[media], agreed,
      &cipher, caps, force_key, error);
}

/* rtpsession needs it to relate RTP time to the clock, for the peer's lip sync. */
void
gst_dao_leg_distribute_latency (GstDaoLeg * leg)
{
  gst_bin_recalculate_latency (leg->bin);
}

/* --- life --- */

static gboolean
build (GstDaoLeg * leg, const GstDaoLegConfig * config, GError ** error)
{
  GPtrArray *skipped = g_ptr_array_new_with_free_func ((GDestroyNotify)
      g_error_free);
  GObject *rtpbin;
  gboolean ok;
  guint i;

  leg->bin = gst_object_ref_sink (gst_bin_new (NULL));
  leg->webrtc = gst_element_factory_make ("webrtcbin", NULL);
  if (!leg->webrtc) {
    g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN,
        "The element 'webrtcbin' is missing: install gstreamer1.0-plugins-bad "
        "and gstreamer1.0-nice");
    g_ptr_array_unref (skipped);
    return FALSE;
  }
  gst_object_ref_sink (leg->webrtc);
  g_object_set (leg->webrtc, "latency", config->latency_ms, NULL);
  gst_util_set_object_arg (G_OBJECT (leg->webrtc), "bundle-policy",
      "max-bundle");
  leg->guard = gst_dao_fingerprint_guard_new (GST_BIN (leg->webrtc),
      post_certificate, leg);
  rtpbin = G_OBJECT (gst_bin_get_by_name (GST_BIN (leg->webrtc), "rtpbin"));
  leg->pt_filter = gst_dao_pt_filter_new (GST_ELEMENT (rtpbin));
  gst_object_unref (rtpbin);
  ok = gst_dao_ice_configure (leg->webrtc, config->ice, config->relay_only,
      skipped, error);
  for (i = 0; i < skipped->len; i++)
    leg->callbacks.warning (leg, ((GError *) g_ptr_array_index (skipped,
                i))->message, leg->user_data);
  g_ptr_array_unref (skipped);
  return ok;
}

static void
leg_unref_closure (gpointer data, GClosure * closure)
{
  leg_unref (data);
}

static void
connect_signals (GstDaoLeg * leg)
{
  const struct
  {
    const gchar *signal;
    GCallback callback;
  } handlers[] = {
    {"pad-added", G_CALLBACK (on_pad_added)},
    {"on-ice-candidate", G_CALLBACK (post_candidate)},
    {"notify::connection-state", G_CALLBACK (post_connection_state)},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (handlers); i++)
    g_signal_connect_data (leg->webrtc, handlers[i].signal,
        handlers[i].callback, leg_ref (leg), leg_unref_closure, 0);
}

GstDaoLeg *
gst_dao_leg_new (GstBin * parent, const GstDaoLegConfig * config,
    const GstDaoLegCallbacks * callbacks, gpointer user_data, GError ** error)
{
  static gsize debug_init = 0;
  GstDaoLeg *leg = g_new0 (GstDaoLeg, 1);
  guint i;

  if (g_once_init_enter (&debug_init)) {
    GST_DEBUG_CATEGORY_INIT (gst_dao_leg_debug, "daoleg", 0,
        "Peer connections of calls");
    g_once_init_leave (&debug_init, 1);
  }
  leg->refs = 1;
  g_mutex_init (&leg->lock);
  g_cond_init (&leg->drained);
  leg->callbacks = *callbacks;
  leg->user_data = user_data;
  leg->parent = parent;
  leg->config = *config;
  leg->config.ice = NULL;
  for (i = 0; i < 2; i++)
    leg->src[i] = gst_dao_media_src_ref (config->src[i]);

  if (!build (leg, config, error)) {
    gst_dao_leg_close (leg);
    return NULL;
  }
  connect_signals (leg);
  gst_bin_add (leg->bin, leg->webrtc);
  gst_element_set_locked_state (GST_ELEMENT (leg->bin), TRUE);
  gst_bin_add (parent, GST_ELEMENT (leg->bin));
  gst_element_set_state (GST_ELEMENT (leg->bin), GST_STATE_PLAYING);
  leg->liveness = gst_dao_thread_add_timeout (LIVENESS_INTERVAL_MS,
      check_liveness, leg);
  return leg;
}

static void
wait_for_promises (GstDaoLeg * leg)
{
  gint64 deadline = g_get_monotonic_time () + DRAIN_US;

  g_mutex_lock (&leg->lock);
  while (leg->promises > 0
      && g_cond_wait_until (&leg->drained, &leg->lock, deadline));
  g_mutex_unlock (&leg->lock);
}

/* An ICE state change after READY would make the receive bin block its pad anew
 * and keep itself alive for ever. */
static void
silence_receive_bins (GstElement * webrtc)
{
  GstIterator *it = gst_bin_iterate_elements (GST_BIN (webrtc));
  GValue item = G_VALUE_INIT;
  GArray *transceivers = NULL;
  guint i;

  g_signal_emit_by_name (webrtc, "get-transceivers", &transceivers);
  while (gst_iterator_next (it, &item) == GST_ITERATOR_OK) {
    GObject *child = g_value_get_object (&item);

    for (i = 0; transceivers && i < transceivers->len; i++) {
      GObject *transceiver = g_array_index (transceivers, GObject *, i);
      GstWebRTCRTPReceiver *receiver = NULL;
      GstWebRTCDTLSTransport *dtls = NULL;
      GObject *ice = NULL;

      g_object_get (transceiver, "receiver", &receiver, NULL);
      if (receiver)
        g_object_get (receiver, "transport", &dtls, NULL);
      if (dtls)
        g_object_get (dtls, "transport", &ice, NULL);
      if (ice && g_str_has_prefix (G_OBJECT_TYPE_NAME (child),
              "TransportReceiveBin"))
        g_signal_handlers_disconnect_matched (ice, G_SIGNAL_MATCH_DATA, 0, 0,
            NULL, NULL, child);
      g_clear_object (&ice);
      gst_clear_object (&dtls);
      gst_clear_object (&receiver);
    }
    g_value_reset (&item);
  }
  g_value_unset (&item);
  gst_iterator_free (it);
  if (transceivers)
    g_array_unref (transceivers);
}

static void
tear_down (gpointer data, gpointer user_data)
{
  GstDaoLeg *leg = data;

  wait_for_promises (leg);
  if (leg->webrtc)
    silence_receive_bins (leg->webrtc);
  gst_element_set_state (GST_ELEMENT (leg->bin), GST_STATE_NULL);
  GST_DEBUG_OBJECT (leg->bin, "torn down");
  leg_unref (leg);
}

void
gst_dao_leg_close (GstDaoLeg * leg)
{
  leg->closed = TRUE;
  if (leg->liveness) {
    g_source_destroy (leg->liveness);
    g_clear_pointer (&leg->liveness, g_source_unref);
  }
  if (leg->guard)
    gst_dao_fingerprint_guard_close (leg->guard);
  if (leg->webrtc) {
    g_signal_handlers_disconnect_by_func (leg->webrtc, on_pad_added, leg);
    g_signal_handlers_disconnect_by_func (leg->webrtc, post_candidate, leg);
    g_signal_handlers_disconnect_by_func (leg->webrtc, post_connection_state,
        leg);
  }
  if (GST_OBJECT_PARENT (leg->bin))
    gst_bin_remove (leg->parent, GST_ELEMENT (leg->bin));
  gst_dao_thread_run_worker (tear_down, leg);
}

void
gst_dao_leg_warm_up (void)
{
  GstElement *dtls = gst_element_factory_make ("dtlsdec", NULL);

  if (dtls)
    gst_object_unref (gst_object_ref_sink (dtls));
}
