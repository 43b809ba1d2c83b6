/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/**
 * SECTION:element-daosignaling
 * @title: daosignaling
 * @short_description: One end-to-end encrypted call, encoded frames in and out
 *
 * Places or answers a 1:1 call of the DaoMessage protocol: signed signaling over
 * a blind relay, one webrtcbin inside, frames encrypted by the keys of the call.
 * It takes and gives encoded frames (VP8, VP9, Opus); #daocallsrc adds
 * encoders, decoders and what stands in for missing media.
 *
 * One run in PLAYING is one call. When the call is over, EOS goes out on all
 * source pads and then to the bus, and the sink pads return %GST_FLOW_EOS, so that
 * what feeds them ends, too, until the element went through READY.
 *
 * ## Place a call
 * |[
 * gst-launch-1.0 -e daosignaling name=c identity=alice.json peer=u10000002 \
 *     audiotestsrc is-live=true ! opusenc ! c.audio_sink \
 *     videotestsrc is-live=true ! vp8enc deadline=1 ! c.video_sink
 * ]|
 * ## Answer and record one
 * |[
 * gst-launch-1.0 -e daosignaling name=c identity=bob.json auto-answer=true \
 *     c.audio_src ! queue ! matroskamux name=mux ! filesink location=call.mkv \
 *     c.video_src ! queue ! mux.
 * ]|
 *
 * Since: 0.1
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaosignaling-private.h"
#include "gstdaoleg.h"
#include "gstdaothread.h"

#include <gst/video/video.h>

GST_DEBUG_CATEGORY (gst_dao_signaling_debug);
#define GST_CAT_DEFAULT gst_dao_signaling_debug

#define AUDIO_CAPS "audio/x-opus; " \
    "application/x-dao-e2ee, media=(string)audio, encoding-name=(string)OPUS"
#define VIDEO_CAPS "video/x-vp8; video/x-vp9; " \
    "application/x-dao-e2ee, media=(string)video, " \
    "encoding-name=(string){ VP8, VP9 }"

static GstStaticPadTemplate templates[] = {
  GST_STATIC_PAD_TEMPLATE ("audio_sink", GST_PAD_SINK, GST_PAD_REQUEST,
      GST_STATIC_CAPS (AUDIO_CAPS)),
  GST_STATIC_PAD_TEMPLATE ("video_sink", GST_PAD_SINK, GST_PAD_REQUEST,
      GST_STATIC_CAPS (VIDEO_CAPS)),
  GST_STATIC_PAD_TEMPLATE ("audio_src", GST_PAD_SRC, GST_PAD_ALWAYS,
      GST_STATIC_CAPS (AUDIO_CAPS)),
  GST_STATIC_PAD_TEMPLATE ("video_src", GST_PAD_SRC, GST_PAD_ALWAYS,
      GST_STATIC_CAPS (VIDEO_CAPS)),
};


guint gst_dao_signaling_signals[GST_DAO_CALL_N_SIGNALS];

#define gst_dao_signaling_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstDaoSignaling, gst_dao_signaling, GST_TYPE_BIN);
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (daosignaling, "daosignaling",
    GST_RANK_NONE, GST_TYPE_DAO_SIGNALING,
    GST_DEBUG_CATEGORY_INIT (gst_dao_signaling_debug, "daosignaling", 0,
        "Encrypted calls"));

/* (transfer full) (nullable): the session of now. Requests come from any thread,
 * and state changes may end it meanwhile. */
static GstDaoSession *
get_session (GstDaoSignaling * self)
{
  GstDaoSession *session;

  GST_OBJECT_LOCK (self);
  session = self->session ? gst_dao_session_ref (self->session) : NULL;
  GST_OBJECT_UNLOCK (self);
  return session;
}

/* For requests without arguments; FALSE without a session */
static gboolean
request (GstDaoSignaling * self, void (*func) (GstDaoSession * session))
{
  GstDaoSession *session = get_session (self);

  if (!session)
    return FALSE;
  func (session);
  gst_dao_session_unref (session);
  return TRUE;
}

/* --- source pads --- */

static gboolean
src_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  GstDaoSignaling *self = GST_DAO_SIGNALING (parent);

  if (gst_video_event_is_force_key_unit (event))
    request (self, gst_dao_session_request_key);
  gst_event_unref (event);
  return TRUE;
}

static gboolean
src_query (GstPad * pad, GstObject * parent, GstQuery * query)
{
  GstDaoSignaling *self = GST_DAO_SIGNALING (parent);
  guint latency;

  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return gst_pad_query_default (pad, parent, query);
  GST_OBJECT_LOCK (self);
  latency = self->settings.latency;
  GST_OBJECT_UNLOCK (self);
  /* The jitter buffer is in front of us, so frames are that late already. */
  gst_query_set_latency (query, TRUE, latency * GST_MSECOND,
      GST_CLOCK_TIME_NONE);
  return TRUE;
}

/* Made with the element: a launch line names them before any state change, and
 * a muxer picks its pad by their caps (docs/elements.md). */
static void
make_source (GstDaoSignaling * self, DaoMedia media)
{
  GstPadTemplate *templ =
      gst_static_pad_template_get (&templates[2 + media]);
  GstPad *pad = gst_pad_new_from_template (templ,
      GST_PAD_TEMPLATE_NAME_TEMPLATE (templ));

  gst_object_unref (templ);
  gst_pad_set_event_function (pad, src_event);
  gst_pad_set_query_function (pad, src_query);
  gst_element_add_pad (GST_ELEMENT (self), pad);
  self->src_pads[media] = pad;
  self->src[media] = gst_dao_media_src_new (pad, media);
}

/* --- sink pads --- */

/* When all local media has ended there is nothing more to say: hang up. */
static void
on_sink_eos (GstDaoMediaSink * sink, gpointer user_data)
{
  GstDaoSignaling *self = user_data;
  gboolean all = TRUE;
  guint i;

  for (i = 0; i < 2; i++) {
    GstDaoMediaSink *other = gst_dao_signaling_get_sink (self, i);

    if (other && gst_pad_is_linked (GST_PAD (other)))
      all &= gst_dao_media_sink_is_eos (other);
    gst_clear_object (&other);
  }
  if (all)
    request (self, gst_dao_session_finish);
}

static GstPad *
gst_dao_signaling_request_new_pad (GstElement * element,
    GstPadTemplate * templ, const gchar * name, const GstCaps * caps)
{
  GstDaoSignaling *self = GST_DAO_SIGNALING (element);
  DaoMedia media = g_str_equal (GST_PAD_TEMPLATE_NAME_TEMPLATE (templ),
      "audio_sink") ? DAO_MEDIA_AUDIO : DAO_MEDIA_VIDEO;
  GstDaoMediaSink *sink = gst_dao_media_sink_new (templ, media, on_sink_eos,
      self);

  GST_OBJECT_LOCK (self);
  if (self->sinks[media]) {
    GST_OBJECT_UNLOCK (self);
    gst_object_unref (gst_object_ref_sink (sink));
    return NULL;
  }
  self->sinks[media] = sink;
  gst_dao_media_sink_set_muted (sink, media == DAO_MEDIA_AUDIO ?
      self->settings.mute_audio : self->settings.mute_video);
  gst_dao_media_sink_begin_run (sink, self->run);
  if (self->over)
    gst_dao_media_sink_end_run (sink);
  GST_OBJECT_UNLOCK (self);
  gst_pad_set_active (GST_PAD (sink), TRUE);
  gst_element_add_pad (element, GST_PAD (sink));
  return GST_PAD (sink);
}

static void
gst_dao_signaling_release_pad (GstElement * element, GstPad * pad)
{
  GstDaoSignaling *self = GST_DAO_SIGNALING (element);
  guint i;

  GST_OBJECT_LOCK (self);
  for (i = 0; i < 2; i++)
    if ((GstPad *) self->sinks[i] == pad)
      self->sinks[i] = NULL;
  GST_OBJECT_UNLOCK (self);
  gst_element_remove_pad (element, pad);
}

/* --- bin --- */

/* Peer connections come and go inside; only we say when the call is over. */
static void
gst_dao_signaling_handle_message (GstBin * bin, GstMessage * message)
{
  GstDaoSignaling *self = GST_DAO_SIGNALING (bin);
  GstDaoSession *session;
  GError *error = NULL;
  gchar *text;

  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_EOS:
    case GST_MESSAGE_ASYNC_START:
    case GST_MESSAGE_ASYNC_DONE:
    case GST_MESSAGE_LATENCY:
      gst_message_unref (message);
      return;
    case GST_MESSAGE_ERROR:
      gst_message_parse_error (message, &error, NULL);
      text = g_strdup_printf ("%s: %s", GST_MESSAGE_SRC_NAME (message),
          error->message);
      if ((session = get_session (self))) {
        gst_dao_session_fail (session, DAO_CALL_REASON_INTERNAL, text);
        gst_dao_session_unref (session);
      }
      g_free (text);
      g_error_free (error);
      gst_message_unref (message);
      return;
    default:
      GST_BIN_CLASS (parent_class)->handle_message (bin, message);
  }
}

gboolean
gst_dao_signaling_begin_telling (GstDaoSignaling * self)
{
  g_rec_mutex_lock (&self->telling);
  if (!self->silent)
    return TRUE;
  g_rec_mutex_unlock (&self->telling);
  return FALSE;
}

void
gst_dao_signaling_end_telling (GstDaoSignaling * self)
{
  g_rec_mutex_unlock (&self->telling);
}

static void
set_silent (GstDaoSignaling * self, gboolean silent)
{
  g_rec_mutex_lock (&self->telling);
  self->silent = silent;
  g_rec_mutex_unlock (&self->telling);
}

/* The bus of an element calls into its parent, which nobody keeps alive for us once
 * we are in NULL. The state-changed message of that step is the parent's own doing. */
static gboolean
gst_dao_signaling_post_message (GstElement * element, GstMessage * message)
{
  GstDaoSignaling *self = GST_DAO_SIGNALING (element);
  gboolean posted;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_STATE_CHANGED
      && GST_MESSAGE_SRC (message) == GST_OBJECT (self))
    return GST_ELEMENT_CLASS (parent_class)->post_message (element, message);
  if (!gst_dao_signaling_begin_telling (self)) {
    gst_message_unref (message);
    return FALSE;
  }
  posted = GST_ELEMENT_CLASS (parent_class)->post_message (element, message);
  gst_dao_signaling_end_telling (self);
  return posted;
}

static void
start (GstDaoSignaling * self)
{
  GstDaoCallSettings settings = { 0, };
  gboolean video;
  guint run;

  GST_OBJECT_LOCK (self);
  gst_dao_call_settings_copy (&settings, &self->settings);
  video = self->sinks[DAO_MEDIA_VIDEO] != NULL;
  self->playing = TRUE;
  run = self->run;
  GST_OBJECT_UNLOCK (self);
  gst_dao_session_start (self->session, &settings, video, run);
  gst_dao_call_settings_clear (&settings);
}

static void
warm_up (gpointer data, gpointer user_data)
{
  gst_dao_leg_warm_up ();
}

static void
open_session (GstDaoSignaling * self)
{
  static gsize warm = 0;
  GstDaoCallSettings settings = { 0, };
  GstDaoSession *session;

  if (g_once_init_enter (&warm)) {
    gst_dao_thread_run_worker (warm_up, NULL);
    g_once_init_leave (&warm, 1);
  }
  GST_OBJECT_LOCK (self);
  gst_dao_call_settings_copy (&settings, &self->settings);
  GST_OBJECT_UNLOCK (self);
  session = gst_dao_session_new (GST_BIN (self), self->src, &settings,
      &gst_dao_signaling_callbacks, gst_object_ref (self), gst_object_unref);
  gst_dao_call_settings_clear (&settings);
  GST_OBJECT_LOCK (self);
  self->session = session;
  GST_OBJECT_UNLOCK (self);
}

static GstStateChangeReturn
gst_dao_signaling_change_state (GstElement * element,
    GstStateChange transition)
{
  GstDaoSignaling *self = GST_DAO_SIGNALING (element);
  GstStateChangeReturn ret;
  GstDaoSession *session;

  switch (transition) {
    case GST_STATE_CHANGE_NULL_TO_READY:
      set_silent (self, FALSE);
      open_session (self);
      break;
    case GST_STATE_CHANGE_READY_TO_PAUSED:
      gst_dao_signaling_begin_run (self);
      break;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
      GST_OBJECT_LOCK (self);
      self->playing = FALSE;
      self->run++;
      GST_OBJECT_UNLOCK (self);
      gst_dao_session_stop (self->session);
      break;
    default:
      break;
  }
  ret = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
  if (ret == GST_STATE_CHANGE_FAILURE)
    return ret;
  switch (transition) {
    case GST_STATE_CHANGE_READY_TO_PAUSED:
    case GST_STATE_CHANGE_PLAYING_TO_PAUSED:
      ret = GST_STATE_CHANGE_NO_PREROLL;
      break;
    case GST_STATE_CHANGE_PAUSED_TO_PLAYING:
      start (self);
      break;
    case GST_STATE_CHANGE_READY_TO_NULL:
      GST_OBJECT_LOCK (self);
      session = g_steal_pointer (&self->session);
      GST_OBJECT_UNLOCK (self);
      gst_dao_session_close (session);
      set_silent (self, TRUE);
      break;
    default:
      break;
  }
  return ret;
}

static void
fail_by_local_media (GstDaoSession * session)
{
  gst_dao_session_fail (session, DAO_CALL_REASON_LOCAL_MEDIA, NULL);
}

/* gst-launch-1.0 -e: hang up, then EOS on our source pads */
static gboolean
gst_dao_signaling_send_event (GstElement * element, GstEvent * event)
{
  GstDaoSignaling *self = GST_DAO_SIGNALING (element);

  if (gst_event_has_name (event, GST_DAO_EVENT_LOCAL_MEDIA_FAILED)) {
    gst_event_unref (event);
    return request (self, fail_by_local_media);
  }
  if (GST_EVENT_TYPE (event) != GST_EVENT_EOS)
    return GST_ELEMENT_CLASS (parent_class)->send_event (element, event);
  gst_event_unref (event);
  return request (self, gst_dao_session_finish);
}

/* --- actions --- */

static gboolean
action_call (GstElement * element, const gchar * alias, gboolean audio,
    gboolean video)
{
  GstDaoSession *session = get_session (GST_DAO_SIGNALING (element));

  if (session && alias)
    gst_dao_session_call (session, alias, audio, video);
  if (session)
    gst_dao_session_unref (session);
  return session && alias;
}

#define SIMPLE_ACTION(name) \
static gboolean \
action_##name (GstElement * element) \
{ \
  return request (GST_DAO_SIGNALING (element), gst_dao_session_##name); \
}

SIMPLE_ACTION (answer);
SIMPLE_ACTION (reject);
SIMPLE_ACTION (hangup);
SIMPLE_ACTION (add_video);

/* --- object --- */

static void
apply_live_settings (GstDaoSignaling * self, guint prop_id)
{
  GstDaoCallSettings settings = { 0, };
  GstDaoSession *session;
  GstDaoMediaSink *sink;
  gboolean muted[2];

  GST_OBJECT_LOCK (self);
  gst_dao_call_settings_copy (&settings, &self->settings);
  muted[DAO_MEDIA_AUDIO] = self->settings.mute_audio;
  muted[DAO_MEDIA_VIDEO] = self->settings.mute_video;
  GST_OBJECT_UNLOCK (self);
  if (prop_id == GST_DAO_CALL_PROP_MUTE_AUDIO
      || prop_id == GST_DAO_CALL_PROP_MUTE_VIDEO) {
    DaoMedia media = prop_id == GST_DAO_CALL_PROP_MUTE_AUDIO ?
        DAO_MEDIA_AUDIO : DAO_MEDIA_VIDEO;

    if ((sink = gst_dao_signaling_get_sink (self, media)))
      gst_dao_media_sink_set_muted (sink, muted[media]);
    gst_clear_object (&sink);
  } else if ((session = get_session (self))) {
    gst_dao_session_update (session, &settings);
    gst_dao_session_unref (session);
  }
  gst_dao_call_settings_clear (&settings);
}

static void
gst_dao_signaling_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstDaoSignaling *self = GST_DAO_SIGNALING (object);
  gboolean known;

  GST_OBJECT_LOCK (self);
  known = gst_dao_call_settings_set (&self->settings, prop_id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  else
    apply_live_settings (self, prop_id);
}

static void
get_state_property (GstDaoSignaling * self, guint prop_id, GValue * value)
{
  switch (prop_id) {
    case GST_DAO_CALL_PROP_CALL_STATE:
      g_value_set_enum (value, self->state);
      break;
    case GST_DAO_CALL_PROP_CALL_ID:
      g_value_set_string (value, self->call_id);
      break;
    case GST_DAO_CALL_PROP_REMOTE_ALIAS:
      g_value_set_string (value, self->remote_alias);
      break;
    case GST_DAO_CALL_PROP_IS_VIDEO:
      g_value_set_boolean (value, self->is_video);
      break;
    case GST_DAO_CALL_PROP_DURATION:
      g_value_set_uint64 (value, GST_CLOCK_TIME_IS_VALID (self->connected_at) ?
          gst_util_get_timestamp () - self->connected_at : self->duration);
      break;
    case GST_DAO_CALL_PROP_STATS:
      g_value_set_boxed (value, self->stats);
      break;
    default:
      break;
  }
}

static void
gst_dao_signaling_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec)
{
  GstDaoSignaling *self = GST_DAO_SIGNALING (object);

  GST_OBJECT_LOCK (self);
  if (!gst_dao_call_settings_get (&self->settings, prop_id, value))
    get_state_property (self, prop_id, value);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_dao_signaling_finalize (GObject * object)
{
  GstDaoSignaling *self = GST_DAO_SIGNALING (object);

  gst_dao_call_settings_clear (&self->settings);
  g_clear_pointer (&self->stats, gst_structure_free);
  gst_dao_media_src_unref (self->src[DAO_MEDIA_AUDIO]);
  gst_dao_media_src_unref (self->src[DAO_MEDIA_VIDEO]);
  g_free (self->call_id);
  g_free (self->remote_alias);
  g_rec_mutex_clear (&self->telling);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_dao_signaling_class_init (GstDaoSignalingClass * klass)
{
  static const GstDaoCallMethods methods =
      { action_call, action_answer, action_reject, action_hangup,
    action_add_video
  };
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  guint i;

  object_class->set_property = gst_dao_signaling_set_property;
  object_class->get_property = gst_dao_signaling_get_property;
  object_class->finalize = gst_dao_signaling_finalize;
  gst_dao_call_props_install (object_class, &methods,
      gst_dao_signaling_signals);

  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_dao_signaling_change_state);
  element_class->send_event = GST_DEBUG_FUNCPTR (gst_dao_signaling_send_event);
  element_class->post_message =
      GST_DEBUG_FUNCPTR (gst_dao_signaling_post_message);
  element_class->request_new_pad =
      GST_DEBUG_FUNCPTR (gst_dao_signaling_request_new_pad);
  element_class->release_pad =
      GST_DEBUG_FUNCPTR (gst_dao_signaling_release_pad);
  GST_BIN_CLASS (klass)->handle_message =
      GST_DEBUG_FUNCPTR (gst_dao_signaling_handle_message);
  gst_element_class_set_static_metadata (element_class,
      "End-to-end encrypted call", "Source/Sink/Network",
      "Places or answers a call: signed signaling, WebRTC, encrypted frames",
      "gst-dao");
  for (i = 0; i < G_N_ELEMENTS (templates); i++)
    gst_element_class_add_static_pad_template (element_class, &templates[i]);
  gst_type_mark_as_plugin_api (gst_dao_e2ee_policy_get_type (), 0);
  gst_type_mark_as_plugin_api (gst_dao_min_trust_get_type (), 0);
  gst_type_mark_as_plugin_api (gst_dao_video_codec_get_type (), 0);
  gst_type_mark_as_plugin_api (gst_dao_call_state_get_type (), 0);
}

static void
gst_dao_signaling_init (GstDaoSignaling * self)
{
  gst_dao_call_settings_init (&self->settings);
  g_rec_mutex_init (&self->telling);
  make_source (self, DAO_MEDIA_AUDIO);
  make_source (self, DAO_MEDIA_VIDEO);
  self->connected_at = GST_CLOCK_TIME_NONE;
  /* webrtcbin inside must not make us what it is: EOS would never be posted. */
  gst_bin_set_suppressed_flags (GST_BIN (self),
      GST_ELEMENT_FLAG_SOURCE | GST_ELEMENT_FLAG_SINK);
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SOURCE | GST_ELEMENT_FLAG_SINK);
}
