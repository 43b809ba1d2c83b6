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

#include "gstdaoleg-private.h"
#include "gstdaoice.h"
#include "gstdaothread.h"

GST_DEBUG_CATEGORY (gst_dao_leg_debug);
#define GST_CAT_DEFAULT gst_dao_leg_debug

/* No packet of any kind for this long is "disconnected": audio comes every 20 ms. */
#define SILENCE_US (G_TIME_SPAN_SECOND)
/* From a peer on hold there is RTCP only, at most every 5 s (RFC 3550, 6.2). */
#define HOLD_SILENCE_US (G_TIME_SPAN_SECOND * 8)
#define LIVENESS_INTERVAL_MS 250
/* How late a flight of DTLS may be repeated */
#define DTLS_REPEAT_INTERVAL_MS 50
/* Who hangs up closes its peer connection in the same moment. Its signed hangup says more, and comes over the relay:
 * it has this long. */
#define CLOSED_GRACE_MS 1000
/* How long a worker waits for webrtcbin to answer its promises before NULL: going
 * to NULL in the middle of one leaks file descriptors (webrtcbin.md, 7). */
#define DRAIN_US (G_TIME_SPAN_SECOND)

GstDaoLeg *
gst_dao_leg_ref (GstDaoLeg * leg)
{
  g_atomic_int_inc (&leg->refs);
  return leg;
}

void
gst_dao_leg_unref (GstDaoLeg * leg)
{
  guint i;

  if (!g_atomic_int_dec_and_test (&leg->refs))
    return;
  for (i = 0; i < 2; i++) {
    g_clear_object (&leg->receive_cipher[i].keys);
    g_clear_object (&leg->send_cipher[i].keys);
    if (leg->encryptors[i] && !GST_OBJECT_PARENT (leg->encryptors[i])) {
      gst_element_set_state (leg->encryptors[i], GST_STATE_NULL);
      gst_object_unref (leg->encryptors[i]);
    }
    g_clear_pointer (&leg->src[i], gst_dao_media_src_unref);
  }
  gst_clear_object (&leg->key_request_pad);
  g_clear_pointer (&leg->guard, gst_dao_fingerprint_guard_unref);
  g_clear_pointer (&leg->pt_filter, gst_dao_pt_filter_unref);
  g_clear_pointer (&leg->dtls_flight, gst_dao_dtls_flight_unref);
  g_clear_object (&leg->dtls);
  gst_clear_object (&leg->webrtc);
  gst_clear_object (&leg->bin);
  g_ptr_array_unref (leg->servers);
  g_list_free_full (leg->addresses, g_free);
  g_free (leg->old_ufrag);
  g_free (leg->old_pwd);
  g_mutex_clear (&leg->lock);
  g_cond_clear (&leg->drained);
  g_free (leg);
}

void
gst_dao_leg_step (GstDaoLeg * leg, guint number, const gchar * what)
{
  const gchar *role = leg->offerer ? "offering" : "answering";

  GST_INFO_OBJECT (leg->bin, "%s, step %u: %s", role, number, what);
  g_snprintf (leg->step, sizeof (leg->step), "%s, step %u: %s", role, number,
      what);
}

const gchar *
gst_dao_leg_get_step (GstDaoLeg * leg)
{
  return leg->step;
}

void
gst_dao_leg_dump (GstDaoLeg * leg)
{
  GST_DEBUG_BIN_TO_DOT_FILE_WITH_TS (leg->bin, GST_DEBUG_GRAPH_SHOW_STATES |
      GST_DEBUG_GRAPH_SHOW_CAPS_DETAILS, "daoleg-failed");
}

void
gst_dao_leg_fail (GstDaoLeg * leg, DaoCallReason reason,
    const gchar * format, ...)
{
  va_list args;
  gchar *text;

  if (leg->closed)
    return;
  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  GST_WARNING_OBJECT (leg->bin, "%s", text);
  leg->callbacks.failed (leg, reason, text, leg->user_data);
  g_free (text);
}

/* --- from webrtcbin's threads to ours --- */


static void
event_run (gpointer data, gpointer user_data)
{
  GstDaoLegEvent *event = data;

  if (!event->leg->closed)
    event->func (event->leg, event->value, event->text, event->description);
}

static void
event_free (gpointer data)
{
  GstDaoLegEvent *event = data;

  g_clear_pointer (&event->description, gst_webrtc_session_description_free);
  gst_dao_leg_unref (event->leg);
  g_free (event->text);
  g_free (event);
}

GstDaoLegEvent *
gst_dao_leg_event_new (GstDaoLeg * leg, gpointer func)
{
  GstDaoLegEvent *event = g_new0 (GstDaoLegEvent, 1);

  event->leg = gst_dao_leg_ref (leg);
  event->func = func;
  return event;
}

void
gst_dao_leg_event_post (GstDaoLegEvent * event)
{
  gst_dao_thread_post (event_run, event, event_free);
}

/* --- promises --- */

static void
on_promise (GstPromise * promise, gpointer user_data)
{
  GstDaoLegEvent *event = user_data;
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
  gst_dao_leg_event_post (event);
}

/* Emits @action; @done (leg, failed, error text, description) runs on our thread. */
void
gst_dao_leg_request (GstDaoLeg * leg, const gchar * action,
    GstWebRTCSessionDescription * description, gpointer done)
{
  GstPromise *promise = gst_promise_new_with_change_func (on_promise,
      gst_dao_leg_event_new (leg, done), NULL);

  g_mutex_lock (&leg->lock);
  leg->promises++;
  g_mutex_unlock (&leg->lock);
  g_signal_emit_by_name (leg->webrtc, action, description, promise);
  gst_promise_unref (promise);
}

/* --- candidates and states: only posts --- */

static void
post_candidate (GstElement * webrtc, guint mline, const gchar * candidate,
    GstDaoLeg * leg)
{
  GstDaoLegEvent *event = gst_dao_leg_event_new (leg, gst_dao_leg_on_candidate);

  event->value = mline;
  event->text = g_strdup (candidate);
  gst_dao_leg_event_post (event);
}

static void
post_gathering_state (GstElement * webrtc, GParamSpec * pspec,
    GstDaoLeg * leg)
{
  GstWebRTCICEGatheringState state;

  g_object_get (webrtc, "ice-gathering-state", &state, NULL);
  if (state == GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE)
    gst_dao_leg_event_post (gst_dao_leg_event_new (leg,
            gst_dao_leg_on_gathered));
}

static void
leg_unref_closure (gpointer data, GClosure * closure)
{
  gst_dao_leg_unref (data);
}

void
gst_dao_leg_connect (GstDaoLeg * leg, gpointer object, const gchar * signal,
    GCallback callback)
{
  g_signal_connect_data (object, signal, callback, gst_dao_leg_ref (leg),
      leg_unref_closure, 0);
}

/* (transfer full) (nullable) */
static GstWebRTCDTLSTransport *
get_dtls (GObject * transceiver)
{
  GstWebRTCRTPReceiver *receiver = NULL;
  GstWebRTCDTLSTransport *dtls = NULL;

  g_object_get (transceiver, "receiver", &receiver, NULL);
  if (receiver)
    g_object_get (receiver, "transport", &dtls, NULL);
  gst_clear_object (&receiver);
  return dtls;
}

static gboolean
report_closed (gpointer data)
{
  GstDaoLeg *leg = data;

  g_clear_pointer (&leg->closing, g_source_unref);
  leg->callbacks.transport (leg, DAO_TRANSPORT_CLOSED, leg->user_data);
  return G_SOURCE_REMOVE;
}

static void
on_dtls_closed (GstDaoLeg * leg, gint value, gchar * text,
    GstWebRTCSessionDescription * unused)
{
  GST_INFO_OBJECT (leg->bin, "the peer closed DTLS");
  if (!leg->closing)
    leg->closing = gst_dao_thread_add_timeout (CLOSED_GRACE_MS, report_closed,
        leg);
}

static void
post_dtls_state (GObject * dtls, GParamSpec * pspec, GstDaoLeg * leg)
{
  GstWebRTCDTLSTransportState state;

  g_object_get (dtls, "state", &state, NULL);
  if (state == GST_WEBRTC_DTLS_TRANSPORT_STATE_CLOSED)
    gst_dao_leg_event_post (gst_dao_leg_event_new (leg, on_dtls_closed));
}

/* A browser that closes its peer connection says so in DTLS, and in nothing else. */
static void
watch_dtls (GstDaoLeg * leg)
{
  GObject *transceiver = NULL;

  if (leg->dtls)
    return;
  g_signal_emit_by_name (leg->webrtc, "get-transceiver", 0, &transceiver);
  leg->dtls = transceiver ? G_OBJECT (get_dtls (transceiver)) : NULL;
  if (leg->dtls)
    gst_dao_leg_connect (leg, leg->dtls, "notify::state",
        G_CALLBACK (post_dtls_state));
  g_clear_object (&transceiver);
}

static void
report_connected (GstDaoLeg * leg)
{
  if (!leg->peer_connected || !leg->certificate_ok || leg->reported_connected)
    return;
  gst_dao_leg_step (leg, 6, "connected");
  gst_dao_leg_log_pair (leg);
  leg->reported_connected = TRUE;
  watch_dtls (leg);
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
      GST_INFO_OBJECT (leg->bin, "ICE failed");
      leg->peer_connected = leg->reported_connected = FALSE;
      leg->callbacks.transport (leg, DAO_TRANSPORT_FAILED, leg->user_data);
      break;
    case GST_WEBRTC_PEER_CONNECTION_STATE_CONNECTING:
      leg->peer_connected = leg->reported_connected = FALSE;
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
  GstDaoLegEvent *event = gst_dao_leg_event_new (leg, on_connection_state);

  g_object_get (webrtc, "connection-state", &event->value, NULL);
  gst_dao_leg_event_post (event);
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
  GstDaoLegEvent *event = gst_dao_leg_event_new (user_data, on_certificate);

  event->value = matches;
  gst_dao_leg_event_post (event);
}

/* webrtcbin never reports that a peer is gone (webrtcbin.md, 5). */
static gboolean
check_liveness (gpointer data)
{
  GstDaoLeg *leg = data;
  GstDaoTransportCounts counts;
  gint64 patience;
  gboolean silent;

  if (leg->closed || !leg->peer_connected)
    return G_SOURCE_CONTINUE;
  gst_dao_fingerprint_guard_get_counts (leg->guard, &counts);
  patience = gst_dao_leg_peer_sends (leg, DAO_MEDIA_AUDIO)
      || gst_dao_leg_peer_sends (leg, DAO_MEDIA_VIDEO) ? SILENCE_US :
      HOLD_SILENCE_US;
  silent = g_get_monotonic_time () - counts.last_received_us > patience;
  if (silent && leg->reported_connected) {
    GST_INFO_OBJECT (leg->bin, "no packet for a second");
    leg->reported_connected = FALSE;
    leg->callbacks.transport (leg, DAO_TRANSPORT_DISCONNECTED, leg->user_data);
  } else if (!silent) {
    report_connected (leg);
  }
  return G_SOURCE_CONTINUE;
}

/* Not through the sink: that would wait where a TURN server takes TCP only. */
static gboolean
repeat_dtls_flight (gpointer data)
{
  GstDaoLeg *leg = data;
  GPtrArray *due = gst_dao_dtls_flight_get_due (leg->dtls_flight,
      g_get_monotonic_time ());
  NiceAgent *agent = due ? gst_dao_leg_get_agent (leg) : NULL;
  guint i;

  for (i = 0; agent && i < due->len; i++) {
    GBytes *packet = g_ptr_array_index (due, i);

    nice_agent_send (agent, GST_DAO_NICE_STREAM, NICE_COMPONENT_TYPE_RTP,
        g_bytes_get_size (packet), g_bytes_get_data (packet, NULL));
  }
  if (due)
    GST_DEBUG_OBJECT (leg->bin, "repeated %u packets of DTLS", due->len);
  g_clear_pointer (&due, g_ptr_array_unref);
  g_clear_object (&agent);
  return gst_dao_dtls_flight_is_over (leg->dtls_flight) ? G_SOURCE_REMOVE :
      G_SOURCE_CONTINUE;
}

void
gst_dao_leg_get_counts (GstDaoLeg * leg, GstDaoTransportCounts * counts)
{
  gst_dao_fingerprint_guard_get_counts (leg->guard, counts);
}

/* --- life --- */

/* Its bin leaves the parent before it has stopped, and so would lose its clock: rtpsession, which may still be
 * reading feedback on another thread, is critical without one. */
typedef GstBin GstDaoLegBin;
typedef GstBinClass GstDaoLegBinClass;

G_DEFINE_TYPE (GstDaoLegBin, gst_dao_leg_bin, GST_TYPE_BIN);

static gboolean
gst_dao_leg_bin_set_clock (GstElement * element, GstClock * clock)
{
  return clock == NULL || GST_ELEMENT_CLASS
      (gst_dao_leg_bin_parent_class)->set_clock (element, clock);
}

static void
gst_dao_leg_bin_class_init (GstDaoLegBinClass * klass)
{
  GST_ELEMENT_CLASS (klass)->set_clock = gst_dao_leg_bin_set_clock;
}

static void
gst_dao_leg_bin_init (GstDaoLegBin * bin)
{
}

static gboolean
build (GstDaoLeg * leg, const GstDaoLegConfig * config, GError ** error)
{
  GObject *rtpbin;

  leg->bin = gst_object_ref_sink (g_object_new (gst_dao_leg_bin_get_type (),
          NULL));
  leg->webrtc = gst_element_factory_make ("webrtcbin", NULL);
  if (!leg->webrtc) {
    g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN,
        "The element 'webrtcbin' is missing: install gstreamer1.0-plugins-bad "
        "and gstreamer1.0-nice");
    return FALSE;
  }
  gst_object_ref_sink (leg->webrtc);
  g_object_set (leg->webrtc, "latency", config->latency_ms, NULL);
  gst_util_set_object_arg (G_OBJECT (leg->webrtc), "bundle-policy",
      "max-bundle");
  leg->guard = gst_dao_fingerprint_guard_new (GST_BIN (leg->webrtc),
      post_certificate, leg);
  leg->dtls_flight = gst_dao_dtls_flight_new ();
  gst_dao_dtls_flight_watch (leg->dtls_flight, GST_BIN (leg->webrtc));
  rtpbin = G_OBJECT (gst_bin_get_by_name (GST_BIN (leg->webrtc), "rtpbin"));
  leg->pt_filter = gst_dao_pt_filter_new (GST_ELEMENT (rtpbin));
  gst_dao_leg_configure_rtp (GST_BIN (rtpbin));
  gst_object_unref (rtpbin);
  return gst_dao_leg_configure_ice (leg, config, error);
}

static void
connect_signals (GstDaoLeg * leg)
{
  const struct
  {
    const gchar *signal;
    GCallback callback;
  } handlers[] = {
    {"pad-added", G_CALLBACK (gst_dao_leg_on_pad_added)},
    {"on-ice-candidate", G_CALLBACK (post_candidate)},
    {"notify::ice-gathering-state", G_CALLBACK (post_gathering_state)},
    {"notify::connection-state", G_CALLBACK (post_connection_state)},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (handlers); i++)
    gst_dao_leg_connect (leg, leg->webrtc, handlers[i].signal,
        handlers[i].callback);
  gst_dao_leg_watch_addresses (leg);
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
  leg->servers = g_ptr_array_new_with_free_func ((GDestroyNotify)
      gst_dao_ice_server_free);
  g_mutex_init (&leg->lock);
  g_cond_init (&leg->drained);
  leg->callbacks = *callbacks;
  leg->user_data = user_data;
  leg->parent = parent;
  leg->config = *config;
  leg->config.ice = NULL;
  leg->config.ca_file = NULL;
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
  leg->dtls_repeat = gst_dao_thread_add_timeout (DTLS_REPEAT_INTERVAL_MS,
      repeat_dtls_flight, leg);
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
      GstWebRTCDTLSTransport *dtls =
          get_dtls (g_array_index (transceivers, GObject *, i));
      GObject *ice = NULL;

      if (dtls)
        g_object_get (dtls, "transport", &ice, NULL);
      if (ice && g_str_has_prefix (G_OBJECT_TYPE_NAME (child),
              "TransportReceiveBin"))
        g_signal_handlers_disconnect_matched (ice, G_SIGNAL_MATCH_DATA, 0, 0,
            NULL, NULL, child);
      g_clear_object (&ice);
      gst_clear_object (&dtls);
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
  guint i;

  wait_for_promises (leg);
  if (leg->webrtc) {
    gst_dao_leg_release_relays (leg);
    silence_receive_bins (leg->webrtc);
  }
  /* Those in the bin go with it. */
  for (i = 0; i < 2; i++)
    if (leg->encryptors[i] && GST_OBJECT_PARENT (leg->encryptors[i]))
      leg->encryptors[i] = NULL;
  gst_element_set_state (GST_ELEMENT (leg->bin), GST_STATE_NULL);
  GST_DEBUG_OBJECT (leg->bin, "torn down");
  gst_dao_leg_unref (leg);
}

void
gst_dao_leg_close (GstDaoLeg * leg)
{
  leg->closed = TRUE;
  gst_dao_clear_source (&leg->liveness);
  gst_dao_clear_source (&leg->dtls_repeat);
  gst_dao_leg_end_hold (leg);
  gst_dao_leg_end_probes (leg);
  gst_dao_clear_source (&leg->closing);
  if (leg->guard)
    gst_dao_fingerprint_guard_close (leg->guard);
  if (leg->webrtc) {
    g_signal_handlers_disconnect_by_data (leg->webrtc, leg);
    gst_dao_leg_unwatch_addresses (leg);
  }
  if (leg->dtls)
    g_signal_handlers_disconnect_by_data (leg->dtls, leg);
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
