/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaosession.h"
#include "gstdaoleg.h"
#include "gstdaothread.h"
#include "dao-account.h"

GST_DEBUG_CATEGORY_STATIC (gst_dao_session_debug);
#define GST_CAT_DEFAULT gst_dao_session_debug

/* Login and WebSocket; then a one-shot call says that the relay is not there. */
#define ONLINE_TIMEOUT_MS 15000
#define TICK_MS 500
/* protocol.md f: diagnostics every 2 s */
#define STATS_TICKS 4

struct _GstDaoSession
{
  gint refs;
  GstBin *bin;
  GstDaoMediaSrc *src[2];
  GstDaoCallSettings settings;
  GstDaoSessionCallbacks callbacks;
  gpointer user_data;
  GDestroyNotify user_data_free;
  gboolean closed;

  /* signaling thread only */
  DaoAccount *account;
  DaoAccountSlot *slot;
  DaoCall *call;
  GstDaoLeg *leg;
  GSource *timer;
  GSource *tick;
  guint ticks;

  gchar *pending_peer;          /* to be called once online */
  gboolean pending_audio, pending_video;
  GSource *online_timeout;
  gboolean one_shot;

  DaoCallAction *waiting_for_ice;       /* CREATE_OFFER or CREATE_ANSWER */
  GCancellable *ice_request;
  DaoIceConfig *ice;

  gboolean running_actions;
  gboolean senders_started;
  gint64 connected_us;
  gint64 ended_us;
  guint64 last_inbound;
  gboolean e2ee_noted;
  gboolean run_over;
  gboolean waiting;             /* this run waits for a call */
  gchar *last_error;
};

static void run (GstDaoSession * session);

static gint64
now_ms (void)
{
  return g_get_monotonic_time () / 1000;
}

static GstDaoSession *
session_ref (GstDaoSession * session)
{
  g_atomic_int_inc (&session->refs);
  return session;
}

static void
session_unref (gpointer data)
{
  GstDaoSession *session = data;

  if (!g_atomic_int_dec_and_test (&session->refs))
    return;
  gst_dao_call_settings_clear (&session->settings);
  gst_dao_media_src_unref (session->src[0]);
  gst_dao_media_src_unref (session->src[1]);
  g_free (session->last_error);
  g_free (session->pending_peer);
  g_free (session);
}

static void
clear_source (GSource ** source)
{
  if (*source)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

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

static gboolean
on_tick (gpointer data)
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
  if (inbound > session->last_inbound)
    dao_call_media_received (session->call, now_ms ());
  session->last_inbound = inbound;
  if (verified > 0 && !session->e2ee_noted)
    note_e2ee (session);
  if (++session->ticks % STATS_TICKS == 0)
    report_stats (session);
  run (session);
  return G_SOURCE_CONTINUE;
}

/* --- callbacks of the leg --- */

static void
on_local_description (GstDaoLeg * leg, const gchar * sdp, gpointer user_data)
{
  GstDaoSession *session = user_data;

  dao_call_set_local_description (session->call, sdp, now_ms ());
  run (session);
}

static void
on_remote_applied (GstDaoLeg * leg, gpointer user_data)
{
  GstDaoSession *session = user_data;

  dao_call_remote_description_applied (session->call, now_ms ());
  run (session);
}

static void
on_local_candidate (GstDaoLeg * leg, const gchar * candidate,
    const gchar * mid, gint mline_index, gpointer user_data)
{
  GstDaoSession *session = user_data;

  dao_call_local_candidate (session->call, candidate, mid, mline_index,
      now_ms ());
  run (session);
}

static void
on_transport (GstDaoLeg * leg, DaoTransportEvent event, gpointer user_data)
{
  GstDaoSession *session = user_data;

  dao_call_transport (session->call, event, now_ms ());
  run (session);
}

static void
set_last_error (GstDaoSession * session, const gchar * text)
{
  g_free (session->last_error);
  session->last_error = g_strdup (text);
}

static void
on_leg_failed (GstDaoLeg * leg, DaoCallReason reason, const gchar * text,
    gpointer user_data)
{
  GstDaoSession *session = user_data;

  dao_call_fail (session->call, reason, text, now_ms ());
  run (session);
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
    .video = dao_call_is_video (session->call),
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
        now_ms ());
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
    gst_dao_leg_create_offer (session->leg, action->restart);
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
    session_unref (session);
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
    run (session);
  }
  session_unref (session);
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
      session_ref (session));
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
  session->senders_started = FALSE;
}

static void
start_senders (GstDaoSession * session)
{
  guint i;

  for (i = 0; i < 2; i++) {
    GstDaoCodec codec = gst_dao_leg_get_codec (session->leg, i);
    GError *error = NULL;
    GstElement *appsrc = NULL;
    GstCaps *caps;
    GstPad *pad;

    if (codec == GST_DAO_CODEC_NONE)
      continue;
    caps = session->callbacks.frame_caps (i, codec, session->user_data);
    pad = session->callbacks.force_key_pad (i, session->user_data);
    appsrc = gst_dao_leg_start_sender (session->leg, i, caps, pad, &error);
    if (appsrc)
      session->callbacks.sender (i, codec, appsrc, session->user_data);
    else if (error)
      dao_call_fail (session->call, DAO_CALL_REASON_INTERNAL, error->message,
          now_ms ());
    g_clear_error (&error);
    gst_clear_object (&appsrc);
    gst_clear_object (&pad);
    gst_caps_unref (caps);
  }
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
static void
finish_run (GstDaoSession * session)
{
  GSource *source = g_idle_source_new ();

  session->run_over = TRUE;
  g_source_set_priority (source, G_PRIORITY_LOW);
  g_source_set_callback (source, tell_finished, session_ref (session),
      session_unref);
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
  if (state == DAO_CALL_CONNECTED) {
    if (session->connected_us == 0)
      session->connected_us = g_get_monotonic_time ();
    if (session->leg && !session->senders_started) {
      session->senders_started = TRUE;
      start_senders (session);
      gst_dao_leg_distribute_latency (session->leg);
    }
  }
  report_state (session, state, reason);
  if (dao_call_state_is_terminal (state))
    finish_run (session);
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
  set_last_error (session, action->text);
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

  dao_call_advance (session->call, now_ms ());
  run (session);
  return G_SOURCE_REMOVE;
}

static void
arm_timer (GstDaoSession * session)
{
  gint64 deadline = dao_call_get_deadline (session->call);

  clear_source (&session->timer);
  if (deadline >= 0)
    session->timer =
        gst_dao_thread_add_timeout (MAX (deadline - now_ms (), 0),
        on_deadline, session);
}

/* Carries out what the call wants; handlers may feed it and call this again. */
static void
run (GstDaoSession * session)
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

/* --- callbacks of the account --- */

/* (nullable): the contact if calls with it are allowed, else why not */
static const DaoContact *
get_callable (GstDaoSession * session, const gchar * alias,
    DaoCallReason * refusal)
{
  GError *error = NULL;
  const DaoContact *contact =
      dao_contacts_get_callable (dao_account_get_contacts (session->account),
      alias, session->settings.min_trust, &error);

  *refusal = DAO_CALL_REASON_NONE;
  if (contact)
    return contact;
  GST_WARNING_OBJECT (session->bin, "no call with %s: %s", alias,
      error->message);
  set_last_error (session, error->message);
  if (g_error_matches (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_CHANGED))
    *refusal = DAO_CALL_REASON_CONTACT_CHANGED;
  else if (g_error_matches (error, DAO_CONTACTS_ERROR,
          DAO_CONTACTS_ERROR_UNKNOWN))
    *refusal = DAO_CALL_REASON_UNKNOWN_CONTACT;
  else
    *refusal = DAO_CALL_REASON_UNVERIFIED;
  g_error_free (error);
  return NULL;
}

static void
on_signal (DaoAccountSlot * slot, const DaoSignal * signal,
    gpointer user_data)
{
  GstDaoSession *session = user_data;
  DaoCallReason refusal;
  const DaoContact *contact = get_callable (session, signal->from, &refusal);

  GST_DEBUG_OBJECT (session->bin, "%s of %s for call %s",
      dao_signal_type_to_string (signal->type), signal->from, signal->call_id);
  dao_call_receive (session->call, signal, contact, refusal, now_ms ());
  run (session);
  /* The account took the slot for this offer; one that was refused without
   * ringing leaves the run as it was: waiting. */
  if (!session->run_over && session->waiting
      && dao_call_get_state (session->call) == DAO_CALL_IDLE)
    dao_account_slot_set_waiting (session->slot, TRUE);
}

/* A local action that this state does not allow: harmless, but visible. */
static void
warn_not_now (GstDaoSession * session, const gchar * what)
{
  gchar *text = g_strdup_printf ("'%s' means nothing while the call is %s",
      what, dao_call_state_to_string (dao_call_get_state (session->call)));

  session->callbacks.warning (DAO_CALL_REASON_NONE, text,
      session->user_data);
  g_free (text);
}

static void
start_pending_call (GstDaoSession * session)
{
  DaoCallReason refusal;
  gchar *peer = g_steal_pointer (&session->pending_peer);
  const DaoContact *contact;

  clear_source (&session->online_timeout);
  contact = get_callable (session, peer, &refusal);
  if (!dao_call_start (session->call, peer, contact, refusal,
          session->pending_audio, session->pending_video, now_ms ()))
    warn_not_now (session, "call");
  g_free (peer);
  run (session);
}

static void
report_online (GstDaoSession * session, const GError * why)
{
  session->callbacks.online (dao_account_get_alias (session->account),
      dao_account_is_online (session->account), why ? why->message : NULL,
      session->user_data);
}

static void
on_online (DaoAccountSlot * slot, gboolean online, const GError * why,
    gpointer user_data)
{
  GstDaoSession *session = user_data;

  GST_INFO_OBJECT (session->bin, "%s%s%s", online ? "online" : "offline",
      why ? ": " : "", why ? why->message : "");
  if (why)
    set_last_error (session, why->message);
  report_online (session, why);
  dao_call_set_online (session->call, online, now_ms ());
  if (online && session->pending_peer)
    start_pending_call (session);
  else
    run (session);
}

static void
on_account_failed (DaoAccountSlot * slot, const GError * why,
    gpointer user_data)
{
  GstDaoSession *session = user_data;

  clear_source (&session->online_timeout);
  g_clear_pointer (&session->pending_peer, g_free);
  session->callbacks.failed (DAO_CALL_REASON_SIGNALING, why->message,
      session->user_data);
}

static const DaoAccountCallbacks account_callbacks = {
  on_signal, on_online, on_account_failed
};

/* --- requests of the element, on the signaling thread --- */

static void
configure_call (GstDaoSession * session)
{
  DaoCallConfig config = {
    .own_alias = dao_account_get_alias (session->account),
    .own_ed25519 =
        dao_identity_get_ed25519_public (dao_account_get_identity
        (session->account)),
    .e2ee = session->settings.e2ee,
    .min_trust = session->settings.min_trust,
    .auto_answer = session->settings.auto_answer,
    .allow = (const gchar * const *) session->settings.allow,
  };

  if (session->call)
    dao_call_set_config (session->call, &config);
  else
    session->call = dao_call_new (&config);
}

static void
open_account (GstDaoSession * session)
{
  gchar *path = gst_dao_call_settings_identity_path (&session->settings);
  GError *error = NULL;

  session->account = dao_account_open (path, session->settings.relay, &error);
  if (!session->account) {
    session->callbacks.failed (DAO_CALL_REASON_SIGNALING, error->message,
        session->user_data);
    g_error_free (error);
  } else if (!dao_account_get_alias (session->account)) {
    gchar *text = g_strdup_printf ("The identity '%s' is not registered: "
        "run 'dao-identity register'", path);

    session->callbacks.failed (DAO_CALL_REASON_SIGNALING, text,
        session->user_data);
    g_free (text);
    g_clear_pointer (&session->account, dao_account_close);
  } else {
    configure_call (session);
    session->slot = dao_account_add_slot (session->account,
        &account_callbacks, session);
    dao_call_set_online (session->call,
        dao_account_is_online (session->account), now_ms ());
  }
  g_free (path);
}

static gboolean
on_online_timeout (gpointer data)
{
  GstDaoSession *session = data;
  gchar *text = g_strdup_printf ("The relay was not reached within %d s%s%s",
      ONLINE_TIMEOUT_MS / 1000, session->last_error ? ": " : "",
      session->last_error ? session->last_error : "");

  clear_source (&session->online_timeout);
  g_clear_pointer (&session->pending_peer, g_free);
  session->callbacks.failed (DAO_CALL_REASON_SIGNALING, text,
      session->user_data);
  g_free (text);
  return G_SOURCE_REMOVE;
}

static void
wait_for_call (GstDaoSession * session, gboolean wait)
{
  session->waiting = wait;
  dao_account_slot_set_waiting (session->slot, wait);
}

static void
place_call (GstDaoSession * session, const gchar * peer, gboolean audio,
    gboolean video)
{
  g_free (session->pending_peer);
  session->pending_peer = g_strdup (peer);
  session->pending_audio = audio;
  session->pending_video = video;
  wait_for_call (session, FALSE);
  if (dao_account_is_online (session->account))
    start_pending_call (session);
  else if (!session->online_timeout)
    session->online_timeout = gst_dao_thread_add_timeout (ONLINE_TIMEOUT_MS,
        on_online_timeout, session);
}

/* --- from any thread to the signaling thread --- */

typedef enum
{ OPEN, START, STOP, UPDATE, CALL, ANSWER, REJECT, HANGUP, FINISH, FAIL,
  REQUEST_KEY, CLOSE } Verb;

static const gchar *const verb_names[] = { "open", "start", "stop", "update",
  "call", "answer", "reject", "hangup", "finish", "fail", "request-key",
  "close"
};

typedef struct
{
  GstDaoSession *session;
  Verb verb;
  GstDaoCallSettings settings;
  gchar *text;
  gboolean audio, video;
  DaoCallReason reason;
} Request;

static void
request_free (gpointer data)
{
  Request *request = data;

  gst_dao_call_settings_clear (&request->settings);
  session_unref (request->session);
  g_free (request->text);
  g_free (request);
}

/* No call any more in this run; one in progress is hung up and tells by itself. */
static void
finish (GstDaoSession * session)
{
  DaoCallState state = dao_call_get_state (session->call);

  wait_for_call (session, FALSE);
  clear_source (&session->online_timeout);
  g_clear_pointer (&session->pending_peer, g_free);
  if (state == DAO_CALL_IDLE || dao_call_state_is_terminal (state))
    finish_run (session);
  else
    dao_call_hangup (session->call, now_ms ());
}

static void
start_run (GstDaoSession * session, gboolean video)
{
  session->run_over = FALSE;
  configure_call (session);
  session->one_shot = session->settings.peer != NULL;
  if (!session->tick)
    session->tick = gst_dao_thread_add_timeout (TICK_MS, on_tick, session);
  if (session->settings.peer)
    place_call (session, session->settings.peer, TRUE, video);
  else
    wait_for_call (session, TRUE);
  report_online (session, NULL);
}

static void
stop_run (GstDaoSession * session)
{
  wait_for_call (session, FALSE);
  clear_source (&session->online_timeout);
  clear_source (&session->tick);
  g_clear_pointer (&session->pending_peer, g_free);
  dao_call_hangup (session->call, now_ms ());
  run (session);
}

static void
close_session (GstDaoSession * session)
{
  if (session->slot)
    stop_run (session);
  session->closed = TRUE;
  clear_source (&session->timer);
  if (session->slot)
    dao_account_remove_slot (g_steal_pointer (&session->slot));
  g_clear_pointer (&session->call, dao_call_free);
  g_clear_pointer (&session->account, dao_account_close);
  g_clear_pointer (&session->ice, dao_ice_config_free);
  if (session->user_data_free)
    session->user_data_free (session->user_data);
  session_unref (session);
}

static void
do_request (gpointer data, gpointer user_data)
{
  Request *request = data;
  GstDaoSession *session = request->session;
  gboolean ok = TRUE;

  if (request->verb == START || request->verb == UPDATE)
    gst_dao_call_settings_copy (&session->settings, &request->settings);
  if (request->verb == OPEN)
    open_account (session);
  else if (request->verb == CLOSE)
    close_session (session);
  if (request->verb == OPEN || session->closed || !session->account)
    return;

  switch (request->verb) {
    case START:
      start_run (session, request->video);
      break;
    case STOP:
      stop_run (session);
      break;
    case UPDATE:
      configure_call (session);
      break;
    case CALL:
      place_call (session, request->text, request->audio, request->video);
      break;
    case ANSWER:
      ok = dao_call_answer (session->call, now_ms ());
      break;
    case REJECT:
      ok = dao_call_reject (session->call, now_ms ());
      break;
    case HANGUP:
      ok = dao_call_hangup (session->call, now_ms ());
      break;
    case FINISH:
      finish (session);
      break;
    case FAIL:
      dao_call_fail (session->call, request->reason, request->text, now_ms ());
      break;
    case REQUEST_KEY:
      if (session->leg)
        gst_dao_leg_request_key (session->leg);
      break;
    default:
      break;
  }
  run (session);
  if (!ok)
    warn_not_now (session, verb_names[request->verb]);
}

static Request *
request_new (GstDaoSession * session, Verb verb)
{
  Request *request = g_new0 (Request, 1);

  request->session = session_ref (session);
  request->verb = verb;
  return request;
}

static void
request_post (Request * request)
{
  gst_dao_thread_post (do_request, request, request_free);
}

GstDaoSession *
gst_dao_session_new (GstBin * bin, GstDaoMediaSrc ** src,
    const GstDaoCallSettings * settings,
    const GstDaoSessionCallbacks * callbacks, gpointer user_data,
    GDestroyNotify user_data_free)
{
  static gsize debug_init = 0;
  GstDaoSession *session = g_new0 (GstDaoSession, 1);

  if (g_once_init_enter (&debug_init)) {
    GST_DEBUG_CATEGORY_INIT (gst_dao_session_debug, "daosession", 0,
        "Calls: account, call logic, peer connection");
    g_once_init_leave (&debug_init, 1);
  }
  session->refs = 1;
  session->bin = bin;
  session->src[0] = gst_dao_media_src_ref (src[0]);
  session->src[1] = gst_dao_media_src_ref (src[1]);
  gst_dao_call_settings_copy (&session->settings, settings);
  session->callbacks = *callbacks;
  session->user_data = user_data;
  session->user_data_free = user_data_free;
  request_post (request_new (session, OPEN));
  return session;
}

void
gst_dao_session_close (GstDaoSession * session)
{
  request_post (request_new (session, CLOSE));
}

static void
post_settings (GstDaoSession * session, Verb verb,
    const GstDaoCallSettings * settings, gboolean video)
{
  Request *request = request_new (session, verb);

  gst_dao_call_settings_copy (&request->settings, settings);
  request->video = video;
  request_post (request);
}

void
gst_dao_session_start (GstDaoSession * session,
    const GstDaoCallSettings * settings, gboolean video)
{
  post_settings (session, START, settings, video);
}

void
gst_dao_session_update (GstDaoSession * session,
    const GstDaoCallSettings * settings)
{
  post_settings (session, UPDATE, settings, FALSE);
}

void
gst_dao_session_stop (GstDaoSession * session)
{
  request_post (request_new (session, STOP));
}

void
gst_dao_session_call (GstDaoSession * session, const gchar * alias,
    gboolean audio, gboolean video)
{
  Request *request = request_new (session, CALL);

  request->text = g_strdup (alias);
  request->audio = audio;
  request->video = video;
  request_post (request);
}

void
gst_dao_session_answer (GstDaoSession * session)
{
  request_post (request_new (session, ANSWER));
}

void
gst_dao_session_reject (GstDaoSession * session)
{
  request_post (request_new (session, REJECT));
}

void
gst_dao_session_hangup (GstDaoSession * session)
{
  request_post (request_new (session, HANGUP));
}

void
gst_dao_session_finish (GstDaoSession * session)
{
  request_post (request_new (session, FINISH));
}

void
gst_dao_session_fail (GstDaoSession * session, DaoCallReason reason,
    const gchar * text)
{
  Request *request = request_new (session, FAIL);

  request->reason = reason;
  request->text = g_strdup (text);
  request_post (request);
}

void
gst_dao_session_request_key (GstDaoSession * session)
{
  request_post (request_new (session, REQUEST_KEY));
}
