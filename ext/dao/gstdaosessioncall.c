/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaosession-private.h"
#include "gstdaothread.h"

#define GST_CAT_DEFAULT gst_dao_session_debug

/* protocol.md f: diagnostics every 2 s */
#define STATS_TICKS 4
/* Less than the queue in front of webrtcbin holds (gstdaotrack.c) */
#define SENDER_PATIENCE_US (G_TIME_SPAN_MILLISECOND * 900)

static void start_senders (GstDaoSession * session);

/* --- what is so --- */

static DaoCallKeys *
get_agreed_keys (GstDaoSession * session)
{
  DaoCallKeys *keys = dao_call_get_keys (session->call);

  return keys && dao_call_keys_is_agreed (keys) ? keys : NULL;
}

static guint64
count_verified (GstDaoSession * session)
{
  DaoCallKeys *keys = get_agreed_keys (session);
  guint64 n = 0;
  guint i;

  for (i = 0; keys && i < 2; i++)
    n += dao_frame_receiver_get_verified (dao_call_keys_get_receiver (keys,
            i));
  return n;
}

static GstClockTime
get_duration (GstDaoSession * session)
{
  gint64 end = session->ended_us ? session->ended_us :
      g_get_monotonic_time ();

  return session->connected_us ? (end - session->connected_us) * 1000 : 0;
}

static void
report_state (GstDaoSession * session, DaoCallState state,
    DaoCallReason reason)
{
  GstDaoSessionState report = {
    .state = state,
    .reason = reason,
    .call_id = dao_call_get_id (session->call),
    .peer = dao_call_get_peer (session->call),
    .is_video = dao_call_is_video (session->call),
    .e2ee = count_verified (session) > 0,
    .downgraded = dao_call_is_downgraded (session->call),
    .verified = dao_call_is_verified (session->call),
    .relayed = session->leg && gst_dao_leg_is_relayed (session->leg),
    .one_shot = session->one_shot,
    .duration = get_duration (session),
    .text = session->last_error,
  };

  session->was_video = report.is_video;
  session->callbacks.state (&report, session->user_data);
}

static void
report_stats (GstDaoSession * session)
{
  GstDaoTransportCounts c = { 0, };
  GstStructure *stats;
  GstClockTime duration = get_duration (session);

  if (session->leg)
    gst_dao_leg_get_counts (session->leg, &c);
  stats = gst_structure_new ("application/x-dao-call-stats",
      "packets-received", G_TYPE_UINT64, c.rtp_received,
      "packets-sent", G_TYPE_UINT64, c.rtp_sent,
      "bytes-received", G_TYPE_UINT64, c.bytes_received,
      "bytes-sent", G_TYPE_UINT64, c.bytes_sent,
      "packets-blocked", G_TYPE_UINT64, c.blocked,
      "frames-verified", G_TYPE_UINT64, count_verified (session),
      "frames-received-audio", G_TYPE_UINT64,
      gst_dao_media_src_get_buffers (session->src[DAO_MEDIA_AUDIO]),
      "frames-received-video", G_TYPE_UINT64,
      gst_dao_media_src_get_buffers (session->src[DAO_MEDIA_VIDEO]),
      "duration", G_TYPE_UINT64, duration, NULL);
  session->callbacks.stats (stats, session->user_data);
}

/* --- inbound media --- */

/* Once per contact and call: this contact does frame encryption. */
static void
note_e2ee (GstDaoSession * session)
{
  DaoContacts *contacts = dao_account_get_contacts (session->account);
  GError *error = NULL;

  session->e2ee_noted = TRUE;
  if (!dao_contacts_set_e2ee_seen (contacts,
          dao_call_get_peer (session->call), &error)
      || !dao_contacts_save (contacts, &error)) {
    GST_WARNING_OBJECT (session->bin, "%s", error->message);
    g_error_free (error);
  }
  report_state (session, dao_call_get_state (session->call),
      dao_call_get_reason (session->call));
}

gboolean
gst_dao_session_on_tick (gpointer data)
{
  GstDaoSession *session = data;
  DaoCallKeys *keys = get_agreed_keys (session);
  GstDaoTransportCounts counts;
  guint64 inbound, verified = count_verified (session);

  if (!session->leg)
    return G_SOURCE_CONTINUE;
  gst_dao_leg_get_counts (session->leg, &counts);
  inbound = keys
      && !session->callbacks.wants_ciphertext (DAO_MEDIA_AUDIO,
      session->user_data) ? verified : counts.rtp_received;
  if (inbound > session->last_inbound
      || !(gst_dao_leg_peer_sends (session->leg, DAO_MEDIA_AUDIO)
          || gst_dao_leg_peer_sends (session->leg, DAO_MEDIA_VIDEO)))
    dao_call_media_received (session->call, gst_dao_session_now_ms ());
  session->last_inbound = inbound;
  if (verified > 0 && !session->e2ee_noted)
    note_e2ee (session);
  if (++session->ticks % STATS_TICKS == 0)
    report_stats (session);
  gst_dao_session_run (session);
  return G_SOURCE_CONTINUE;
}

/* --- callbacks of the leg --- */

/* After an exchange within the call: media that was added starts, and what the peer
 * does not want (hold) stops. */
static void
update_media (GstDaoSession * session)
{
  guint i;

  if (!session->leg || session->senders_us == 0)
    return;
  start_senders (session);
  if (session->was_video != dao_call_is_video (session->call))
    report_state (session, dao_call_get_state (session->call),
        dao_call_get_reason (session->call));
  for (i = 0; i < 2; i++)
    session->callbacks.hold (i, !gst_dao_leg_peer_receives (session->leg, i),
        session->user_data);
}

static void
on_local_description (GstDaoLeg * leg, const gchar * sdp, gpointer user_data)
{
  GstDaoSession *session = user_data;

  dao_call_set_local_description (session->call, sdp, gst_dao_session_now_ms ());
  gst_dao_session_run (session);
  update_media (session);
}

static void
on_remote_applied (GstDaoLeg * leg, gpointer user_data)
{
  GstDaoSession *session = user_data;

  dao_call_remote_description_applied (session->call, gst_dao_session_now_ms ());
  gst_dao_session_run (session);
  update_media (session);
}

static void
on_local_candidate (GstDaoLeg * leg, const gchar * candidate,
    const gchar * mid, gint mline_index, gpointer user_data)
{
  GstDaoSession *session = user_data;

  dao_call_local_candidate (session->call, candidate, mid, mline_index,
      gst_dao_session_now_ms ());
  gst_dao_session_run (session);
}

static void
on_transport (GstDaoLeg * leg, DaoTransportEvent event, gpointer user_data)
{
  GstDaoSession *session = user_data;

  dao_call_transport (session->call, event, gst_dao_session_now_ms ());
  gst_dao_session_run (session);
}

static void
on_leg_failed (GstDaoLeg * leg, DaoCallReason reason, const gchar * text,
    gpointer user_data)
{
  GstDaoSession *session = user_data;

  dao_call_fail (session->call, reason, text, gst_dao_session_now_ms ());
  gst_dao_session_run (session);
}

static void
on_leg_warning (GstDaoLeg * leg, const gchar * text, gpointer user_data)
{
  GstDaoSession *session = user_data;

  session->callbacks.warning (DAO_CALL_REASON_NONE, text,
      session->user_data);
}

static const GstDaoLegCallbacks leg_callbacks = {
  on_local_description, on_remote_applied, on_local_candidate, on_transport,
  on_leg_failed, on_leg_warning
};

/* --- making the peer connection --- */

static GstDaoCodec
preferred_video (GstDaoSession * session, gboolean offer, guint codecs)
{
  /* An answer takes VP9 if it can: its frame types survive encryption. */
  gboolean vp9 = offer ?
      session->settings.video_codec == GST_DAO_VIDEO_CODEC_VP9 : TRUE;

  if (!(codecs & GST_DAO_CODEC_VP8))
    vp9 = TRUE;
  else if (!(codecs & GST_DAO_CODEC_VP9))
    vp9 = FALSE;
  return vp9 ? GST_DAO_CODEC_VP9 : GST_DAO_CODEC_VP8;
}

static gboolean
make_leg (GstDaoSession * session, gboolean offer)
{
  GstDaoLegConfig config = {
    .latency_ms = session->settings.latency,
    .relay_only = session->settings.always_relay
        || (session->ice && session->ice->relay_only),
    .ice = session->ice,
    .ca_file = session->settings.ca_file,
  };
  GstDaoLocalMedia local;
  GError *error = NULL;
  guint i;

  for (i = 0; i < 2; i++) {
    session->callbacks.describe_local (i, &local, session->user_data);
    config.codecs |= local.codecs;
    config.ciphertext_in[i] = local.ciphertext;
    config.ciphertext_out[i] =
        session->callbacks.wants_ciphertext (i, session->user_data);
    config.src[i] = session->src[i];
  }
  config.prefer = preferred_video (session, offer, config.codecs);
  session->leg = gst_dao_leg_new (session->bin, &config, &leg_callbacks,
      session, &error);
  if (!session->leg) {
    dao_call_fail (session->call, DAO_CALL_REASON_INTERNAL, error->message,
        gst_dao_session_now_ms ());
    g_error_free (error);
    return FALSE;
  }
  if (get_agreed_keys (session))
    gst_dao_leg_set_keys (session->leg, get_agreed_keys (session));
  return TRUE;
}

static void
describe (GstDaoSession * session, DaoCallAction * action)
{
  gboolean offer = action->type == DAO_CALL_ACTION_CREATE_OFFER;

  if (!session->leg && !make_leg (session, offer))
    return;
  if (offer)
    gst_dao_leg_create_offer (session->leg, action->restart, action->video);
  else
    gst_dao_leg_create_answer (session->leg, action->sdp);
}

static void
on_ice_config (GObject * source, GAsyncResult * result, gpointer user_data)
{
  GstDaoSession *session = user_data;
  GError *error = NULL;
  DaoIceConfig *ice = dao_relay_client_ice_config_finish (DAO_RELAY_CLIENT
      (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_error_free (error);
    gst_dao_session_unref (session);
    return;
  }
  g_clear_object (&session->ice_request);
  g_clear_pointer (&session->ice, dao_ice_config_free);
  session->ice = ice;
  if (error) {
    gchar *text = g_strdup_printf ("The relay gave no ICE servers (%s); "
        "the call can only use direct paths", error->message);

    session->callbacks.warning (DAO_CALL_REASON_SIGNALING, text,
        session->user_data);
    g_free (text);
    g_error_free (error);
  }
  if (session->waiting_for_ice) {
    DaoCallAction *action = g_steal_pointer (&session->waiting_for_ice);

    describe (session, action);
    dao_call_action_free (action);
    gst_dao_session_run (session);
  }
  gst_dao_session_unref (session);
}

/* @action: (transfer full): waits for the ICE servers, which are mostly cached */
static void
describe_with_ice (GstDaoSession * session, DaoCallAction * action)
{
  if (session->leg) {
    describe (session, action);
    dao_call_action_free (action);
    return;
  }
  g_clear_pointer (&session->waiting_for_ice, dao_call_action_free);
  session->waiting_for_ice = action;
  if (session->ice_request)
    return;
  session->ice_request = g_cancellable_new ();
  dao_relay_client_ice_config_async (dao_account_get_client (session->account),
      session->settings.always_relay, session->ice_request, on_ice_config,
      gst_dao_session_ref (session));
}

static void
close_leg (GstDaoSession * session)
{
  guint i;

  if (session->ice_request)
    g_cancellable_cancel (session->ice_request);
  g_clear_object (&session->ice_request);
  g_clear_pointer (&session->waiting_for_ice, dao_call_action_free);
  for (i = 0; i < 2; i++)
    session->callbacks.sender (i, GST_DAO_CODEC_NONE, NULL,
        session->user_data);
  if (session->leg) {
    report_stats (session);
    gst_dao_leg_close (g_steal_pointer (&session->leg));
  }
  session->senders_us = 0;
  session->sending[DAO_MEDIA_AUDIO] = session->sending[DAO_MEDIA_VIDEO] = FALSE;
}

static void
start_senders (GstDaoSession * session)
{
  guint i;

  if (!session->leg)
    return;
  if (session->senders_us == 0)
    session->senders_us = g_get_monotonic_time ();
  for (i = 0; i < 2; i++) {
    GstDaoCodec codec = gst_dao_leg_get_codec (session->leg, i);
    GError *error = NULL;
    GstElement *appsrc = NULL;
    GstCaps *caps;
    GstPad *pad;

    if (codec == GST_DAO_CODEC_NONE || session->sending[i])
      continue;
    caps = session->callbacks.frame_caps (i, codec, session->user_data);
    pad = session->callbacks.force_key_pad (i, session->user_data);
    appsrc = gst_dao_leg_start_sender (session->leg, i, caps, pad, &error);
    session->sending[i] = appsrc != NULL;
    if (appsrc)
      session->callbacks.sender (i, codec, appsrc, session->user_data);
    else if (error)
      dao_call_fail (session->call, DAO_CALL_REASON_INTERNAL, error->message,
          gst_dao_session_now_ms ());
    g_clear_error (&error);
    gst_clear_object (&appsrc);
    gst_clear_object (&pad);
    gst_caps_unref (caps);
  }
}

/* What waited was dropped from the front: begin with a key frame. */
static void
start_senders_afresh (GstDaoSession * session)
{
  guint i;

  for (i = 0; i < 2; i++)
    session->callbacks.resume (i, session->user_data);
}

/* --- the end of a run --- */

static gboolean
tell_finished (gpointer data)
{
  GstDaoSession *session = data;

  if (!session->closed && session->run_over)
    session->callbacks.finished (session->user_data);
  return G_SOURCE_REMOVE;
}

/* With low priority, so that a hangup is on the wire before the application
 * hears of the end and perhaps exits. */
void
gst_dao_session_finish_run (GstDaoSession * session)
{
  GSource *source = g_idle_source_new ();

  session->run_over = TRUE;
  g_source_set_priority (source, G_PRIORITY_LOW);
  g_source_set_callback (source, tell_finished, gst_dao_session_ref (session),
      gst_dao_session_unref);
  g_source_attach (source, gst_dao_thread_context ());
  g_source_unref (source);
}

/* --- actions of the call --- */

static void
on_state (GstDaoSession * session, DaoCallState state, DaoCallReason reason)
{
  GST_INFO_OBJECT (session->bin, "call %s with %s: %s (%s)",
      dao_call_get_id (session->call), dao_call_get_peer (session->call),
      dao_call_state_to_string (state), dao_call_reason_to_string (reason));
  if (dao_call_state_is_terminal (state)) {
    session->ended_us = g_get_monotonic_time ();
    dao_account_slot_bind (session->slot, NULL, NULL);
  } else if (state != DAO_CALL_IDLE) {
    dao_account_slot_bind (session->slot, dao_call_get_peer (session->call),
        dao_call_get_id (session->call));
  }
  if (state == DAO_CALL_CALLING || state == DAO_CALL_RINGING) {
    session->connected_us = session->ended_us = 0;
    session->last_inbound = 0;
    session->e2ee_noted = FALSE;
    g_clear_pointer (&session->last_error, g_free);
  }
  /* Both have agreed by now. What is ready when the certificate has been checked
   * goes out at once; until then the guard lets nothing pass. */
  if (state == DAO_CALL_CONNECTING && session->senders_us == 0)
    start_senders (session);
  if (state == DAO_CALL_CONNECTED) {
    if (session->connected_us == 0)
      session->connected_us = g_get_monotonic_time ();
    if (g_get_monotonic_time () - session->senders_us > SENDER_PATIENCE_US)
      start_senders_afresh (session);
    if (session->leg)
      gst_dao_leg_distribute_latency (session->leg);
  }
  report_state (session, state, reason);
  if (dao_call_state_is_terminal (state))
    gst_dao_session_finish_run (session);
}

static void
send_signal (GstDaoSession * session, const DaoSignal * signal)
{
  GError *error = NULL;

  if (!dao_account_send (session->account, signal, &error)) {
    GST_WARNING_OBJECT (session->bin, "%s to %s was not sent: %s",
        dao_signal_type_to_string (signal->type), signal->to, error->message);
    g_error_free (error);
  }
}

static void
on_call_error (GstDaoSession * session, DaoCallAction * action)
{
  gst_dao_session_set_last_error (session, action->text);
  session->callbacks.warning (action->reason, action->text,
      session->user_data);
}

/* @action: (transfer full) */
static void
do_action (GstDaoSession * session, DaoCallAction * action)
{
  switch (action->type) {
    case DAO_CALL_ACTION_STATE:
      on_state (session, action->state, action->reason);
      break;
    case DAO_CALL_ACTION_INCOMING:
      session->callbacks.incoming (dao_call_get_peer (session->call),
          action->video, session->user_data);
      break;
    case DAO_CALL_ACTION_CREATE_OFFER:
    case DAO_CALL_ACTION_CREATE_ANSWER:
      describe_with_ice (session, action);
      return;
    case DAO_CALL_ACTION_APPLY_ANSWER:
      if (session->leg)
        gst_dao_leg_apply_answer (session->leg, action->sdp);
      break;
    case DAO_CALL_ACTION_ADD_CANDIDATE:
      if (session->leg)
        gst_dao_leg_add_candidate (session->leg, action->signal->candidate,
            action->signal->sdp_mid, action->signal->sdp_mline_index);
      break;
    case DAO_CALL_ACTION_SEND:
      send_signal (session, action->signal);
      break;
    case DAO_CALL_ACTION_KEYS:
      if (session->leg)
        gst_dao_leg_set_keys (session->leg, get_agreed_keys (session));
      break;
    case DAO_CALL_ACTION_ERROR:
      on_call_error (session, action);
      break;
    case DAO_CALL_ACTION_CLOSE:
      close_leg (session);
      break;
  }
  dao_call_action_free (action);
}

static gboolean
on_deadline (gpointer data)
{
  GstDaoSession *session = data;

  dao_call_advance (session->call, gst_dao_session_now_ms ());
  gst_dao_session_run (session);
  return G_SOURCE_REMOVE;
}

static void
arm_timer (GstDaoSession * session)
{
  gint64 deadline = dao_call_get_deadline (session->call);

  gst_dao_clear_source (&session->timer);
  if (deadline >= 0)
    session->timer =
        gst_dao_thread_add_timeout (MAX (deadline - gst_dao_session_now_ms (), 0),
        on_deadline, session);
}

/* Carries out what the call wants; handlers may feed it and call this again. */
void
gst_dao_session_run (GstDaoSession * session)
{
  DaoCallAction *action;

  if (session->running_actions)
    return;
  session->running_actions = TRUE;
  while ((action = dao_call_pop_action (session->call)))
    do_action (session, action);
  session->running_actions = FALSE;
  if (!session->closed)
    arm_timer (session);
}
