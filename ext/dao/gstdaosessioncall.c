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
/* webrtcbin.md, 9: less than what a muxer's queue holds is lost on no one */
#define MISSING_MEDIA_US (5 * G_TIME_SPAN_SECOND)
/* Less than the queue in front of webrtcbin holds (gstdaotrack.c) */
#define SENDER_PATIENCE_US (G_TIME_SPAN_MILLISECOND * 900)

/* --- what is so --- */

DaoCallKeys *
gst_dao_session_get_keys (GstDaoSession * session)
{
  DaoCallKeys *keys = dao_call_get_keys (session->call);

  return keys && dao_call_keys_is_agreed (keys) ? keys : NULL;
}

static guint64
count_verified (GstDaoSession * session)
{
  DaoCallKeys *keys = gst_dao_session_get_keys (session);
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

void
gst_dao_session_note_step (GstDaoSession * session)
{
  if (session->leg)
    g_strlcpy (session->step, gst_dao_leg_get_step (session->leg),
        sizeof (session->step));
}

void
gst_dao_session_report_state (GstDaoSession * session, DaoCallState state,
    DaoCallReason reason)
{
  GstDaoSessionState report;

  gst_dao_session_note_step (session);
  if (session->leg)
    session->relayed = gst_dao_leg_is_relayed (session->leg);
  report = (GstDaoSessionState) {
    .state = state,
    .reason = reason,
    .call_id = dao_call_get_id (session->call),
    .peer = dao_call_get_peer (session->call),
    .is_video = dao_call_is_video (session->call),
    .e2ee = count_verified (session) > 0,
    .downgraded = dao_call_is_downgraded (session->call),
    .verified = dao_call_is_verified (session->call),
    .relayed = session->relayed,
    .one_shot = session->one_shot,
    .duration = get_duration (session),
    .text = session->last_error,
    .step = session->step,
    .run = session->run,
  };

  /* An answer may have refused it. */
  if (state == DAO_CALL_CONNECTED && session->leg)
    report.is_video = gst_dao_leg_get_codec (session->leg,
        DAO_MEDIA_VIDEO) != GST_DAO_CODEC_NONE;
  session->was_video = report.is_video;
  if (dao_call_state_is_terminal (state))
    GST_INFO ("call %s is over: %s, last step: %s",
        report.call_id ? report.call_id : "-",
        dao_call_reason_to_string (reason),
        *session->step ? session->step : "none");
  session->callbacks.state (&report, session->user_data);
}

void
gst_dao_session_report_stats (GstDaoSession * session)
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
  gst_dao_session_report_state (session, dao_call_get_state (session->call),
      dao_call_get_reason (session->call));
}

/* A muxer waits for every pad: what does not come says so. */
static void
end_missing_media (GstDaoSession * session)
{
  guint i;

  if (session->connected_us == 0
      || g_get_monotonic_time () - session->connected_us < MISSING_MEDIA_US)
    return;
  for (i = 0; i < 2; i++)
    if (gst_dao_media_src_get_buffers (session->src[i]) == 0
        && !gst_dao_media_src_is_eos (session->src[i]))
      session->callbacks.missing (session->run, i, session->user_data);
}

gboolean
gst_dao_session_on_tick (gpointer data)
{
  GstDaoSession *session = data;
  DaoCallKeys *keys = gst_dao_session_get_keys (session);
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
  end_missing_media (session);
  gst_dao_session_expire_video_consent (session);
  if (verified > 0 && !session->e2ee_noted)
    note_e2ee (session);
  if (++session->ticks % STATS_TICKS == 0)
    gst_dao_session_report_stats (session);
  gst_dao_session_run (session);
  gst_dao_session_check_legs (session);
  return G_SOURCE_CONTINUE;
}

/* --- the end of a run --- */

static gboolean
tell_finished (gpointer data)
{
  GstDaoSession *session = data;

  if (!session->closed && session->run_over)
    session->callbacks.finished (session->run, session->user_data);
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

/* An offer that is refreshed while it rings may bring video; who answered an audio call did not agree to that. */
static gboolean
agreed_to_video (GstDaoSession * session)
{
  return dao_call_is_video (session->call)
      && (dao_call_get_role (session->call) == DAO_ROLE_CALLER
      || session->rang_with_video);
}

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
    session->relayed = FALSE;
    session->e2ee_noted = FALSE;
    session->video_asked_ms = 0;
    g_clear_pointer (&session->last_error, g_free);
    session->step[0] = 0;
  }
  if (state == DAO_CALL_CALLING || (state == DAO_CALL_CONNECTING
          && session->senders_us == 0))
    session->video_consent = agreed_to_video (session);
  /* Both have agreed by now. What is ready when the certificate has been checked
   * goes out at once; until then the guard lets nothing pass. */
  if (state == DAO_CALL_CONNECTING && session->senders_us == 0)
    gst_dao_session_start_senders (session);
  if (state == DAO_CALL_CONNECTED) {
    if (session->connected_us == 0)
      session->connected_us = g_get_monotonic_time ();
    if (g_get_monotonic_time () - session->senders_us > SENDER_PATIENCE_US)
      gst_dao_session_resume_senders (session);
    if (session->leg)
      gst_dao_leg_distribute_latency (session->leg);
  }
  gst_dao_session_report_state (session, state, reason);
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
  if (session->leg)
    gst_dao_leg_dump (session->leg);
  session->callbacks.warning (action->reason, action->text,
      session->user_data);
}

/* Frames that somebody wants as ciphertext must be ciphertext. */
static void
on_keys (GstDaoSession * session)
{
  DaoCallKeys *keys = gst_dao_session_get_keys (session);

  if (session->leg)
    gst_dao_leg_set_keys (session->leg, keys);
  if (!keys && session->settings.e2ee != DAO_E2EE_OFF
      && (session->callbacks.wants_ciphertext (DAO_MEDIA_AUDIO,
              session->user_data)
          || session->callbacks.wants_ciphertext (DAO_MEDIA_VIDEO,
              session->user_data)))
    dao_call_fail (session->call, DAO_CALL_REASON_E2EE_REQUIRED,
        "Encrypted frames are wanted downstream, but the other side does not "
        "encrypt them", gst_dao_session_now_ms ());
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
      session->rang_with_video = action->video;
      if (session->running && !session->run_over)
        session->callbacks.incoming (dao_call_get_peer (session->call),
            action->video, session->user_data);
      else if (!dao_call_reject (session->call, gst_dao_session_now_ms ()))
        /* One run is one call: a recall comes too late, and must not be answered. */
        dao_call_hangup (session->call, gst_dao_session_now_ms ());
      break;
    case DAO_CALL_ACTION_CREATE_OFFER:
    case DAO_CALL_ACTION_CREATE_ANSWER:
      gst_dao_session_describe (session, action);
      return;
    case DAO_CALL_ACTION_APPLY_ANSWER:
      gst_dao_session_apply_answer (session, action);
      break;
    case DAO_CALL_ACTION_ADD_CANDIDATE:
      gst_dao_session_add_candidate (session, action->signal);
      break;
    case DAO_CALL_ACTION_SEND:
      send_signal (session, action->signal);
      break;
    case DAO_CALL_ACTION_KEYS:
      on_keys (session);
      break;
    case DAO_CALL_ACTION_ERROR:
      on_call_error (session, action);
      break;
    case DAO_CALL_ACTION_CLOSE:
      gst_dao_session_close_legs (session);
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
