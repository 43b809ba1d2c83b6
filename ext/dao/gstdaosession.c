/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaosession-private.h"
#include "gstdaothread.h"

GST_DEBUG_CATEGORY (gst_dao_session_debug);
#define GST_CAT_DEFAULT gst_dao_session_debug

/* Login and WebSocket; then a one-shot call says that the relay is not there. */
#define ONLINE_TIMEOUT_MS 15000

gint64
gst_dao_session_now_ms (void)
{
  return g_get_monotonic_time () / 1000;
}

GstDaoSession *
gst_dao_session_ref (GstDaoSession * session)
{
  g_atomic_int_inc (&session->refs);
  return session;
}

void
gst_dao_session_unref (gpointer data)
{
  GstDaoSession *session = data;

  if (!g_atomic_int_dec_and_test (&session->refs))
    return;
  gst_dao_call_settings_clear (&session->settings);
  gst_dao_media_src_unref (session->src[0]);
  gst_dao_media_src_unref (session->src[1]);
  g_free (session->last_error);
  g_free (session->pending_peer);
  g_free (session->account_failure);
  g_free (session);
}

void
gst_dao_session_set_last_error (GstDaoSession * session, const gchar * text)
{
  g_free (session->last_error);
  session->last_error = g_strdup (text);
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
  gst_dao_session_set_last_error (session, error->message);
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
  DaoCallState state;
  const DaoContact *contact = get_callable (session, signal->from, &refusal);

  GST_DEBUG_OBJECT (session->bin, "%s of %s for call %s",
      dao_signal_type_to_string (signal->type), signal->from, signal->call_id);
  dao_call_receive (session->call, signal, contact, refusal,
      gst_dao_session_now_ms ());
  gst_dao_session_run (session);
  state = dao_call_get_state (session->call);
  /* The account took the slot for this offer; one that was refused without
   * ringing leaves the run as it was: waiting. */
  if (!session->run_over && session->waiting
      && (state == DAO_CALL_IDLE || dao_call_state_is_terminal (state)))
    dao_account_slot_set_waiting (session->slot, TRUE);
}

/* A local action that this state, or this peer, does not allow: harmless, but visible. */
static void
warn_not_now (GstDaoSession * session, const gchar * what)
{
  gchar *text = g_strdup_printf ("'%s' means nothing while the call is %s",
      what, dao_call_state_to_string (dao_call_get_state (session->call)));

  session->callbacks.warning (DAO_CALL_REASON_NONE, text,
      session->user_data);
  g_free (text);
}

static gboolean
add_video (GstDaoSession * session)
{
  if (gst_dao_session_consent_to_video (session))
    return TRUE;
  if (dao_call_get_state (session->call) != DAO_CALL_CONNECTED
      || dao_call_peer_has_ext (session->call))
    return FALSE;
  session->callbacks.warning (DAO_CALL_REASON_NONE, "The other side takes "
      "another offer for another call: only it can add video to this one",
      session->user_data);
  return TRUE;
}

static void
start_pending_call (GstDaoSession * session)
{
  DaoCallReason refusal;
  gchar *peer = g_steal_pointer (&session->pending_peer);
  const DaoContact *contact;

  gst_dao_clear_source (&session->online_timeout);
  contact = get_callable (session, peer, &refusal);
  if (!dao_call_start (session->call, peer, contact, refusal,
          session->pending_audio, session->pending_video, gst_dao_session_now_ms ()))
    warn_not_now (session, "call");
  g_free (peer);
  gst_dao_session_run (session);
}

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
    gst_dao_session_set_last_error (session, why->message);
  report_online (session, why);
  /* The login may have changed our alias. */
  if (online)
    configure_call (session);
  dao_call_set_online (session->call, online, gst_dao_session_now_ms ());
  if (online && session->pending_peer)
    start_pending_call (session);
  else
    gst_dao_session_run (session);
}

static void
on_account_failed (DaoAccountSlot * slot, const GError * why,
    gpointer user_data)
{
  GstDaoSession *session = user_data;

  gst_dao_clear_source (&session->online_timeout);
  g_clear_pointer (&session->pending_peer, g_free);
  g_free (session->account_failure);
  session->account_failure = g_strdup (why->message);
  /* Media that flows does not need the relay. */
  if (dao_call_get_state (session->call) == DAO_CALL_CONNECTED)
    session->callbacks.warning (DAO_CALL_REASON_SIGNALING, why->message,
        session->user_data);
  else
    session->callbacks.failed (DAO_CALL_REASON_SIGNALING, why->message,
        session->user_data);
}

static const DaoAccountCallbacks account_callbacks = {
  on_signal, on_online, on_account_failed
};

/* --- requests of the element, on the signaling thread --- */

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
        dao_account_is_online (session->account), gst_dao_session_now_ms ());
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

  gst_dao_clear_source (&session->online_timeout);
  g_clear_pointer (&session->pending_peer, g_free);
  if (session->one_shot) {
    session->callbacks.failed (DAO_CALL_REASON_SIGNALING, text,
        session->user_data);
  } else {
    session->callbacks.warning (DAO_CALL_REASON_SIGNALING, text,
        session->user_data);
    gst_dao_session_finish_run (session);
  }
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
  REQUEST_KEY, ADD_VIDEO, CLOSE } Verb;

static const gchar *const verb_names[] = { "open", "start", "stop", "update",
  "call", "answer", "reject", "hangup", "finish", "fail", "request-key",
  "add-video", "close"
};

typedef struct
{
  GstDaoSession *session;
  Verb verb;
  GstDaoCallSettings settings;
  gchar *text;
  gboolean audio, video;
  guint run;
  DaoCallReason reason;
} Request;

static void
request_free (gpointer data)
{
  Request *request = data;

  gst_dao_call_settings_clear (&request->settings);
  gst_dao_session_unref (request->session);
  g_free (request->text);
  g_free (request);
}

/* No call any more in this gst_dao_session_run; one in progress is hung up and tells by itself. */
static void
finish (GstDaoSession * session)
{
  DaoCallState state = dao_call_get_state (session->call);

  wait_for_call (session, FALSE);
  gst_dao_clear_source (&session->online_timeout);
  g_clear_pointer (&session->pending_peer, g_free);
  if (state == DAO_CALL_IDLE || dao_call_state_is_terminal (state))
    gst_dao_session_finish_run (session);
  else
    dao_call_hangup (session->call, gst_dao_session_now_ms ());
}

static void
fail (GstDaoSession * session, DaoCallReason reason, const gchar * text)
{
  DaoCallState state = dao_call_get_state (session->call);

  dao_call_fail (session->call, reason, text, gst_dao_session_now_ms ());
  /* Without its media the run has no call, now or later. */
  if (reason == DAO_CALL_REASON_LOCAL_MEDIA
      && (state == DAO_CALL_IDLE || dao_call_state_is_terminal (state)))
    finish (session);
}

static void
start_run (GstDaoSession * session, gboolean video)
{
  session->running = TRUE;
  session->run_over = FALSE;
  /* An account that gave up tries again when it is asked for again. */
  if (session->account_failure)
    dao_relay_client_connect (dao_account_get_client (session->account));
  g_clear_pointer (&session->account_failure, g_free);
  configure_call (session);
  session->one_shot = session->settings.peer != NULL;
  if (!session->tick)
    session->tick = gst_dao_thread_add_timeout (GST_DAO_SESSION_TICK_MS,
        gst_dao_session_on_tick, session);
  if (session->settings.peer)
    place_call (session, session->settings.peer, TRUE, video);
  else
    wait_for_call (session, TRUE);
  report_online (session, NULL);
}

static void
stop_run (GstDaoSession * session)
{
  session->running = FALSE;
  wait_for_call (session, FALSE);
  gst_dao_clear_source (&session->online_timeout);
  gst_dao_clear_source (&session->tick);
  g_clear_pointer (&session->pending_peer, g_free);
  dao_call_hangup (session->call, gst_dao_session_now_ms ());
  gst_dao_session_run (session);
}

static void
close_session (GstDaoSession * session)
{
  if (session->slot)
    stop_run (session);
  session->closed = TRUE;
  gst_dao_clear_source (&session->timer);
  if (session->slot)
    dao_account_remove_slot (g_steal_pointer (&session->slot));
  g_clear_pointer (&session->call, dao_call_free);
  g_clear_pointer (&session->account, dao_account_close);
  g_clear_pointer (&session->ice, dao_ice_config_free);
  if (session->user_data_free)
    session->user_data_free (session->user_data);
  gst_dao_session_unref (session);
}

static void
do_request (gpointer data, gpointer user_data)
{
  Request *request = data;
  GstDaoSession *session = request->session;
  gboolean ok = TRUE;

  if (request->verb == START || request->verb == UPDATE)
    gst_dao_call_settings_copy (&session->settings, &request->settings);
  if (request->verb == START)
    session->run = request->run;
  if (request->verb == OPEN)
    open_account (session);
  else if (request->verb == CLOSE)
    close_session (session);
  /* Without an account there is no call, but the end of the run is still told. */
  if (request->verb == FINISH && !session->closed && !session->account)
    gst_dao_session_finish_run (session);
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
      ok = session->running && !session->run_over;
      if (ok)
        place_call (session, request->text, request->audio, request->video);
      break;
    case ANSWER:
      ok = dao_call_answer (session->call, gst_dao_session_now_ms ());
      break;
    case REJECT:
      ok = dao_call_reject (session->call, gst_dao_session_now_ms ());
      break;
    case HANGUP:
      ok = dao_call_hangup (session->call, gst_dao_session_now_ms ());
      break;
    case FINISH:
      finish (session);
      break;
    case FAIL:
      fail (session, request->reason, request->text);
      break;
    case ADD_VIDEO:
      ok = add_video (session);
      break;
    case REQUEST_KEY:
      if (session->leg)
        gst_dao_leg_request_key (session->leg);
      break;
    default:
      break;
  }
  gst_dao_session_run (session);
  if (!ok)
    warn_not_now (session, verb_names[request->verb]);
}

static Request *
request_new (GstDaoSession * session, Verb verb)
{
  Request *request = g_new0 (Request, 1);

  request->session = gst_dao_session_ref (session);
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
    const GstDaoCallSettings * settings, gboolean video, guint run)
{
  Request *request = request_new (session, verb);

  gst_dao_call_settings_copy (&request->settings, settings);
  request->video = video;
  request->run = run;
  request_post (request);
}

void
gst_dao_session_start (GstDaoSession * session,
    const GstDaoCallSettings * settings, gboolean video, guint run)
{
  post_settings (session, START, settings, video, run);
}

void
gst_dao_session_update (GstDaoSession * session,
    const GstDaoCallSettings * settings)
{
  post_settings (session, UPDATE, settings, FALSE, 0);
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
gst_dao_session_add_video (GstDaoSession * session)
{
  request_post (request_new (session, ADD_VIDEO));
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
