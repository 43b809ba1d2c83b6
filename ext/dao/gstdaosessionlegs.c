/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The peer connections of a session: one carries the call; a second one may be
 * on its way to take over (our address changed, credentials run out). The pads of
 * the element, the keys and their counters stay.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaosession-private.h"

#include <sys/resource.h>
#include <unistd.h>

#define GST_CAT_DEFAULT gst_dao_session_debug

/* A new leg that is not connected by then is given up; the old one goes on. Credentials of 30 s are renewed 15 s
 * before their end: that leaves the time for a second try. */
#define NEXT_LEG_TIMEOUT_US (8 * G_TIME_SPAN_SECOND)
/* One connection takes 9 to 12 (webrtcbin.md, 8), more with many addresses. */
#define LEG_DESCRIPTORS 48
/* Not more often than this, whatever the addresses do */
#define LEG_INTERVAL_S 5

/* --- taking over --- */

static GstDaoLeg *
newest_leg (GstDaoSession * session)
{
  return session->next_leg ? session->next_leg : session->leg;
}

/* (nullable): what comes for a leg that was given up is nobody's */
static GstDaoLeg *
leg_of_number (GstDaoSession * session, guint number)
{
  if (session->next_leg && number == session->next_leg_number)
    return session->next_leg;
  return number == session->leg_number ? session->leg : NULL;
}

static void
warn (GstDaoSession * session, const gchar * format, const gchar * why)
{
  gchar *text = g_strdup_printf (format, why);

  session->callbacks.warning (DAO_CALL_REASON_NONE, text,
      session->user_data);
  g_free (text);
}

static void
drop_next_leg (GstDaoSession * session)
{
  if (session->next_leg)
    gst_dao_leg_close (g_steal_pointer (&session->next_leg));
}

/* The call goes on with the leg it has; if the reason for a new one is still there, another one follows. */
static void
give_up_next_leg (GstDaoSession * session, const gchar * why)
{
  GST_WARNING_OBJECT (session->bin, "leg %u is given up: %s",
      session->next_leg_number, why);
  warn (session, "A new connection was given up, the call stays on the old "
      "one: %s", why);
  drop_next_leg (session);
  dao_call_abandon_leg (session->call, session->next_leg_number,
      gst_dao_session_now_ms ());
}

/* The new connection is up. Its encryptors are those of the old one, because a
 * counter must never begin again. */
static void
switch_legs (GstDaoSession * session)
{
  GstDaoLeg *old = session->leg;
  guint i;

  GST_INFO_OBJECT (session->bin, "leg %u takes over", session->next_leg_number);
  for (i = 0; i < 2; i++) {
    session->callbacks.sender (session->run, i, GST_DAO_CODEC_NONE, NULL,
        session->user_data);
    gst_dao_leg_move_encryptor (old, session->next_leg, i);
    session->sending[i] = FALSE;
  }
  session->leg = g_steal_pointer (&session->next_leg);
  session->leg_number = session->next_leg_number;
  session->last_inbound = 0;
  gst_dao_leg_close (old);
  gst_dao_session_start_senders (session);
  gst_dao_leg_distribute_latency (session->leg);
  gst_dao_leg_request_key (session->leg);
}

/* --- what the peer connections say --- */

/* After an exchange within the call: media that was added starts, and what the peer
 * does not want (hold) stops. */
static void
update_media (GstDaoSession * session)
{
  guint i;

  if (!session->leg || session->senders_us == 0)
    return;
  gst_dao_session_start_senders (session);
  if (session->was_video != (gst_dao_leg_get_codec (session->leg,
              DAO_MEDIA_VIDEO) != GST_DAO_CODEC_NONE))
    gst_dao_session_report_state (session, dao_call_get_state (session->call),
        dao_call_get_reason (session->call));
  for (i = 0; i < 2; i++)
    session->callbacks.hold (i, !gst_dao_leg_peer_receives (session->leg, i),
        session->user_data);
}

static void
on_local_description (GstDaoLeg * leg, const gchar * sdp, gpointer user_data)
{
  GstDaoSession *session = user_data;

  dao_call_set_local_description (session->call, sdp,
      gst_dao_session_now_ms ());
  gst_dao_session_run (session);
  update_media (session);
}

static void
on_remote_applied (GstDaoLeg * leg, gpointer user_data)
{
  GstDaoSession *session = user_data;

  dao_call_remote_description_applied (session->call,
      gst_dao_session_now_ms ());
  gst_dao_session_run (session);
  update_media (session);
}

static void
on_local_candidate (GstDaoLeg * leg, const gchar * candidate,
    const gchar * mid, gint mline_index, gpointer user_data)
{
  GstDaoSession *session = user_data;

  if (leg != newest_leg (session))
    return;
  dao_call_local_candidate (session->call, candidate, mid, mline_index,
      gst_dao_session_now_ms ());
  gst_dao_session_run (session);
}

static void
on_transport (GstDaoLeg * leg, DaoTransportEvent event, gpointer user_data)
{
  GstDaoSession *session = user_data;

  if (event == DAO_TRANSPORT_BAD_FINGERPRINT)
    /* of either: somebody else is at the other end */ ;
  else if (leg == session->next_leg && event == DAO_TRANSPORT_CONNECTED)
    switch_legs (session);
  else if (session->next_leg)
    return;                     /* the old one is on its way out, the new one not in yet */
  dao_call_transport (session->call, event, gst_dao_session_now_ms ());
  gst_dao_session_run (session);
}

static void
on_leg_failed (GstDaoLeg * leg, DaoCallReason reason, const gchar * text,
    gpointer user_data)
{
  GstDaoSession *session = user_data;

  if (leg == session->next_leg)
    give_up_next_leg (session, text);
  else
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

/* GLib aborts the process when a thread of libnice gets no descriptor. */
static gboolean
has_free_descriptors (void)
{
  struct rlimit limit;
  int lowest = dup (STDERR_FILENO);

  if (lowest < 0)
    return FALSE;
  close (lowest);
  return getrlimit (RLIMIT_NOFILE, &limit) != 0
      || (rlim_t) lowest + LEG_DESCRIPTORS < limit.rlim_cur;
}

static GstDaoLeg *
make_leg (GstDaoSession * session, gboolean offer, GError ** error)
{
  GstDaoLegConfig config = {
    .latency_ms = session->settings.latency,
    .relay_only = session->settings.always_relay
        || session->relay_only,
    .ice = session->ice,
    .ca_file = session->settings.ca_file,
    .run = session->run,
  };
  GstDaoLocalMedia local;
  GstDaoLeg *leg;
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
  if (!has_free_descriptors ()) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES,
        "This process has too many files open for another call: raise its "
        "limit (ulimit -n)");
    return NULL;
  }
  leg = gst_dao_leg_new (session->bin, &config, &leg_callbacks, session,
      error);
  if (leg && gst_dao_session_get_keys (session))
    gst_dao_leg_set_keys (leg, gst_dao_session_get_keys (session));
  return leg;
}

static GstDaoLeg *
make_first_leg (GstDaoSession * session, guint number, gboolean offer)
{
  GError *error = NULL;

  session->leg_number = number;
  session->leg = make_leg (session, offer, &error);
  if (!session->leg) {
    dao_call_fail (session->call, DAO_CALL_REASON_INTERNAL, error->message,
        gst_dao_session_now_ms ());
    g_error_free (error);
  }
  return session->leg;
}

static GstDaoLeg *
make_next_leg (GstDaoSession * session, guint number, gboolean offer)
{
  GError *error = NULL;

  drop_next_leg (session);      /* a newer one replaces it */
  GST_INFO_OBJECT (session->bin, "leg %u is to take over from leg %u", number,
      session->leg_number);
  session->next_leg_number = number;
  session->next_leg_us = g_get_monotonic_time ();
  session->next_leg = make_leg (session, offer, &error);
  if (!session->next_leg) {
    give_up_next_leg (session, error->message);
    g_error_free (error);
  }
  return session->next_leg;
}

/* (transfer none) (nullable): the connection of that number, made when it is a new one */
static GstDaoLeg *
get_or_make_leg (GstDaoSession * session, guint number, gboolean offer)
{
  if (!session->leg)
    return make_first_leg (session, number, offer);
  return leg_of_number (session, number) ? leg_of_number (session, number) :
      make_next_leg (session, number, offer);
}

static void
describe (GstDaoSession * session, DaoCallAction * action)
{
  gboolean offer = action->type == DAO_CALL_ACTION_CREATE_OFFER;
  GstDaoLeg *leg = get_or_make_leg (session, action->leg, offer);

  if (!leg)
    return;
  if (offer)
    gst_dao_leg_create_offer (leg, action->restart, action->video);
  else
    gst_dao_leg_create_answer (leg, action->sdp);
}

static void
ask_for_leg (GstDaoSession * session)
{
  GST_INFO_OBJECT (session->bin, "asking for a new leg");
  dao_call_renegotiate (session->call, "leg", gst_dao_session_now_ms ());
}

/* Of a call that has a connection, the old configuration stays: its policy, and its servers if a connection is wanted
 * for another reason than their credentials. */
static void
on_no_ice_config (GstDaoSession * session, const GError * error)
{
  if (session->leg) {
    warn (session, "The relay gave no new ICE servers (%s)", error->message);
    return;
  }
  g_clear_pointer (&session->ice, dao_ice_config_free);
  if (error->domain == DAO_ICE_CONFIG_ERROR) {
    /* A policy that we do not understand must not become the permissive one. */
    dao_call_fail (session->call, DAO_CALL_REASON_SIGNALING, error->message,
        gst_dao_session_now_ms ());
    gst_dao_session_run (session);
  } else {
    warn (session, session->settings.always_relay ?
        "The relay gave no ICE servers (%s)" :
        "The relay gave no ICE servers (%s); "
        "the call can only use direct paths", error->message);
  }
}

/* Is what the relay gave any better than what the call has? */
static gboolean
is_renewed (GstDaoSession * session)
{
  return session->leg && session->ice
      && dao_ice_config_get_renewal_us (session->ice) >
      g_get_monotonic_time ();
}

static void
on_ice_config (GObject * source, GAsyncResult * result, gpointer user_data)
{
  GstDaoSession *session = user_data;
  GError *error = NULL;
  DaoIceConfig *ice = dao_relay_client_ice_config_finish (DAO_RELAY_CLIENT
      (source), result, &error);

  if (session->closed
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_clear_error (&error);
    g_clear_pointer (&ice, dao_ice_config_free);
    gst_dao_session_unref (session);
    return;
  }
  g_clear_object (&session->ice_request);
  if (ice) {
    g_clear_pointer (&session->ice, dao_ice_config_free);
    session->ice = ice;
    /* For the whole call: a later answer may make it stricter, but not let out addresses that were hidden so far. */
    session->relay_only = ice->relay_only || (session->leg
        && session->relay_only);
  } else {
    on_no_ice_config (session, error);
    g_error_free (error);
  }
  if (session->waiting_for_ice) {
    DaoCallAction *action = g_steal_pointer (&session->waiting_for_ice);

    describe (session, action);
    dao_call_action_free (action);
  } else if (is_renewed (session)) {
    ask_for_leg (session);
  }
  gst_dao_session_run (session);
  gst_dao_session_unref (session);
}

static void
request_ice_config (GstDaoSession * session, gint64 max_age_s)
{
  if (session->ice_request)
    return;
  session->ice_request = g_cancellable_new ();
  dao_relay_client_ice_config_async (dao_account_get_client (session->account),
      session->settings.always_relay, max_age_s, session->ice_request,
      on_ice_config, gst_dao_session_ref (session));
}

void
gst_dao_session_describe (GstDaoSession * session, DaoCallAction * action)
{
  if (session->leg && action->leg == session->leg_number) {
    describe (session, action);
    dao_call_action_free (action);
    return;
  }
  g_clear_pointer (&session->waiting_for_ice, dao_call_action_free);
  session->waiting_for_ice = action;
  /* A connection that takes over gets new credentials, whichever side asked for it: else the other side's end a
   * moment later. */
  request_ice_config (session, session->leg ? LEG_INTERVAL_S :
      DAO_ICE_CONFIG_ANY_AGE);
}

void
gst_dao_session_close_legs (GstDaoSession * session)
{
  guint i;

  if (session->ice_request)
    g_cancellable_cancel (session->ice_request);
  g_clear_object (&session->ice_request);
  g_clear_pointer (&session->waiting_for_ice, dao_call_action_free);
  for (i = 0; i < 2; i++)
    session->callbacks.sender (session->run, i, GST_DAO_CODEC_NONE, NULL,
        session->user_data);
  if (session->next_leg)
    gst_dao_leg_close (g_steal_pointer (&session->next_leg));
  gst_dao_session_note_step (session);
  if (session->leg) {
    gst_dao_session_report_stats (session);
    gst_dao_leg_close (g_steal_pointer (&session->leg));
  }
  session->senders_us = 0;
  session->sending[DAO_MEDIA_AUDIO] = session->sending[DAO_MEDIA_VIDEO] = FALSE;
}

void
gst_dao_session_start_senders (GstDaoSession * session)
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
    /* The peer may add video of its own; ours is not switched on by it. */
    if (i == DAO_MEDIA_VIDEO && !session->video_consent)
      continue;
    caps = session->callbacks.frame_caps (i, codec, session->user_data);
    pad = session->callbacks.force_key_pad (i, session->user_data);
    appsrc = gst_dao_leg_start_sender (session->leg, i, caps, pad, &error);
    session->sending[i] = appsrc != NULL;
    if (appsrc)
      session->callbacks.sender (session->run, i, codec, appsrc,
          session->user_data);
    else if (error)
      dao_call_fail (session->call, DAO_CALL_REASON_INTERNAL, error->message,
          gst_dao_session_now_ms ());
    g_clear_error (&error);
    gst_clear_object (&appsrc);
    gst_clear_object (&pad);
    gst_caps_unref (caps);
  }
}

gboolean
gst_dao_session_consent_to_video (GstDaoSession * session)
{
  gboolean coming, asked;

  if (!session->leg)
    return FALSE;
  if (gst_dao_leg_get_codec (session->leg, DAO_MEDIA_VIDEO) !=
      GST_DAO_CODEC_NONE) {
    session->video_consent = TRUE;
    gst_dao_session_start_senders (session);
    return TRUE;
  }
  coming = dao_call_is_video (session->call);
  asked = dao_call_renegotiate (session->call, "video",
      gst_dao_session_now_ms ());
  /* Nobody waits for the consent that comes to nothing: it must not switch our camera on when the peer adds
   * its video much later. */
  if (coming || asked) {
    session->video_consent = TRUE;
    session->video_asked_ms = gst_dao_session_now_ms ();
  }
  return asked;
}

void
gst_dao_session_expire_video_consent (GstDaoSession * session)
{
  gboolean agreed;

  if (session->video_asked_ms == 0)
    return;
  agreed = gst_dao_leg_get_codec (session->leg, DAO_MEDIA_VIDEO) !=
      GST_DAO_CODEC_NONE;
  if (!agreed && gst_dao_session_now_ms () - session->video_asked_ms <
      DAO_CALL_ANSWER_TIMEOUT_MS)
    return;
  session->video_asked_ms = 0;
  if (agreed)
    return;
  session->video_consent = FALSE;
  session->callbacks.warning (DAO_CALL_REASON_NO_ANSWER,
      "The other side did not take the video that was added",
      session->user_data);
}

void
gst_dao_session_resume_senders (GstDaoSession * session)
{
  guint i;

  for (i = 0; i < 2; i++)
    session->callbacks.resume (i, session->user_data);
}

void
gst_dao_session_apply_answer (GstDaoSession * session,
    const DaoCallAction * action)
{
  GstDaoLeg *leg = leg_of_number (session, action->leg);

  if (leg)
    gst_dao_leg_apply_answer (leg, action->sdp);
}

void
gst_dao_session_add_candidate (GstDaoSession * session,
    const DaoSignal * signal)
{
  GstDaoLeg *leg = leg_of_number (session, signal->leg);

  if (leg)
    gst_dao_leg_add_candidate (leg, signal->candidate, signal->sdp_mid,
        signal->sdp_mline_index);
}

/* --- when a new one is due --- */

void
gst_dao_session_check_legs (GstDaoSession * session)
{
  gint64 now = g_get_monotonic_time ();

  if (session->next_leg && now - session->next_leg_us > NEXT_LEG_TIMEOUT_US)
    give_up_next_leg (session, "it did not connect");
  if (!session->next_leg && !session->ice_request && session->leg
      && session->connected_us != 0
      && now - session->leg_wanted_us >= LEG_INTERVAL_S * G_USEC_PER_SEC) {
    if (gst_dao_leg_lost_address (session->leg)) {
      session->leg_wanted_us = now;
      ask_for_leg (session);
    } else if (gst_dao_leg_credentials_end (session->leg)) {
      /* First the new ones: without them a new connection would be for nothing. */
      session->leg_wanted_us = now;
      request_ice_config (session, DAO_ICE_CONFIG_ANY_AGE);
    }
  }
  gst_dao_session_run (session);
}
