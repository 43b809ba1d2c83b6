/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/**
 * SECTION:element-daocallsrc
 * @title: daocallsrc
 * @short_description: A call: raw or encoded media in and out
 *
 * Places or answers an end-to-end encrypted 1:1 call. It is #daosignaling with
 * what makes it easy to use around it: the same properties, signals and messages,
 * and on its pads raw or encoded media.
 *
 * Local media (`audio_sink`, `video_sink`, on request) is encoded if it comes raw;
 * video then is kept within 720p at 30 frames a second. A medium without a linked
 * pad, or whose stream has ended, is sent as silence or as a black picture. When
 * all linked streams have ended the call is hung up. Local media that is not there
 * 6 s after the call began, or ends before it gave anything, is an ERROR, and the
 * call is hung up: a failed camera never makes an audio call of a video call. The
 * details of the message have a field `media-error`: `permission` (with
 * %GST_RESOURCE_ERROR_OPEN_READ: the device gave up, its own message says why),
 * `timeout` (%GST_RESOURCE_ERROR_READ) or `format` (%GST_STREAM_ERROR_FORMAT),
 * and a field `media`: `audio` or `video`.
 *
 * Received media (`audio_src`, `video_src`) leaves as the encoded frames if the
 * caps downstream name their codec, else decoded; a muxer never makes it
 * transcode. Pads that are not linked drop. The pads exist from the start, so that
 * they can be named in a pipeline string; those not linked by then are told again
 * by #GstElement::pad-added on the way to PAUSED.
 *
 * The end of a call is EOS on both source pads and then on the bus, also for a
 * medium that never came. From then on the sink pads return %GST_FLOW_EOS, so that
 * what feeds them ends, too, until the element went through READY. With
 * `end-pipeline` every other source of the pipeline ends as well.
 *
 * With `peer`, the call has video if `video_sink` was requested or `video_src` is
 * linked.
 *
 * ## Answer calls and record one
 * |[
 * gst-launch-1.0 -e daocallsrc name=c identity=bot.json auto-answer=true \
 *     c.video_src ! queue ! mux.  c.audio_src ! queue ! matroskamux name=mux ! filesink location=call.mkv
 * ]|
 * ## Place a call
 * |[
 * gst-launch-1.0 -e daocallsrc name=c identity=alice.json peer=u10000002 \
 *     videotestsrc is-live=true ! c.video_sink  audiotestsrc is-live=true ! c.audio_sink
 * ]|
 *
 * Since: 0.1
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaocallsrc.h"
#include "gstdaocallprops.h"
#include "gstdaocalluri.h"
#include "gstdaocallmedia.h"
#include "gstdaomediaout.h"

GST_DEBUG_CATEGORY_STATIC (gst_dao_call_src_debug);
#define GST_CAT_DEFAULT gst_dao_call_src_debug

#define PROP_END_PIPELINE GST_DAO_CALL_PROP_LAST

#define RAW_AUDIO_CAPS "audio/x-opus; audio/x-raw"
#define RAW_VIDEO_CAPS "video/x-vp8; video/x-vp9; video/x-raw"

static GstStaticPadTemplate templates[] = {
  GST_STATIC_PAD_TEMPLATE ("audio_sink", GST_PAD_SINK, GST_PAD_REQUEST,
      GST_STATIC_CAPS (RAW_AUDIO_CAPS)),
  GST_STATIC_PAD_TEMPLATE ("video_sink", GST_PAD_SINK, GST_PAD_REQUEST,
      GST_STATIC_CAPS (RAW_VIDEO_CAPS)),
  GST_STATIC_PAD_TEMPLATE ("audio_src", GST_PAD_SRC, GST_PAD_SOMETIMES,
      GST_STATIC_CAPS (RAW_AUDIO_CAPS)),
  GST_STATIC_PAD_TEMPLATE ("video_src", GST_PAD_SRC, GST_PAD_SOMETIMES,
      GST_STATIC_CAPS (RAW_VIDEO_CAPS)),
};

struct _GstDaoCallSrc
{
  GstBin parent;

  GstElement *signaling;        /* NULL: it is not installed */
  GstPad *src_pads[2];          /* by DaoMedia */
  GstDaoMediaOut *out[2];
  GstDaoCallMedia *media;       /* what is sent */

  /* under the object lock */
  GstDaoCallSettings settings;
  GstDaoCallUri *uri;
  gboolean end_pipeline;
  guint run;                    /* number of the last one */
};

static guint signals[GST_DAO_CALL_N_SIGNALS];

static void gst_dao_call_src_uri_handler_init (gpointer iface, gpointer data);

#define gst_dao_call_src_parent_class parent_class
G_DEFINE_FINAL_TYPE_WITH_CODE (GstDaoCallSrc, gst_dao_call_src, GST_TYPE_BIN,
    G_IMPLEMENT_INTERFACE (GST_TYPE_URI_HANDLER,
        gst_dao_call_src_uri_handler_init));
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (daocallsrc, "daocallsrc",
    GST_RANK_PRIMARY, GST_TYPE_DAO_CALL_SRC,
    GST_DEBUG_CATEGORY_INIT (gst_dao_call_src_debug, "daocallsrc", 0,
        "Calls with raw or encoded media"));

/* --- the call goes on --- */

static void
on_notify (GObject * signaling, GParamSpec * pspec, gpointer user_data)
{
  GstDaoCallSrc *self = user_data;
  GParamSpec *own = g_object_class_find_property (G_OBJECT_GET_CLASS (self),
      pspec->name);

  if (!own || (own->flags & G_PARAM_WRITABLE))
    return;
  if (g_str_equal (pspec->name, "call-state"))
    gst_dao_call_media_update (self->media);
  g_object_notify (G_OBJECT (self), pspec->name);
}

static void
on_incoming_call (GstElement * signaling, const gchar * alias,
    gboolean is_video, gpointer user_data)
{
  g_signal_emit (user_data, signals[GST_DAO_CALL_SIGNAL_INCOMING], 0, alias,
      is_video);
}

/* --- source pads --- */

static void
add_src_pad (GstDaoCallSrc * self, DaoMedia media)
{
  GstPadTemplate *templ = gst_static_pad_template_get (&templates[2 + media]);

  self->out[media] = gst_dao_media_out_new (GST_BIN (self), media, templ);
  self->src_pads[media] = gst_dao_media_out_get_pad (self->out[media]);
  gst_object_unref (templ);
  gst_element_add_pad (GST_ELEMENT (self), self->src_pads[media]);
}

static DaoMedia
media_of_pad (GstPad * pad)
{
  return g_str_has_prefix (GST_PAD_NAME (pad), "audio") ? DAO_MEDIA_AUDIO :
      DAO_MEDIA_VIDEO;
}

static void
connect_source (GstDaoCallSrc * self, DaoMedia media)
{
  GstPad *source = gst_element_get_static_pad (self->signaling,
      templates[2 + media].name_template);

  gst_dao_media_out_set_source (self->out[media], source);
  gst_object_unref (source);
}

static void
tell_src_pads (GstDaoCallSrc * self)
{
  guint i;

  for (i = 0; i < 2; i++)
    if (!gst_pad_is_linked (self->src_pads[i]))
      g_signal_emit_by_name (self, "pad-added", self->src_pads[i]);
  gst_element_no_more_pads (GST_ELEMENT (self));
}

/* --- sink pads --- */

static GstPad *
gst_dao_call_src_request_new_pad (GstElement * element,
    GstPadTemplate * templ, const gchar * name, const GstCaps * caps)
{
  GstDaoCallSrc *self = GST_DAO_CALL_SRC (element);
  DaoMedia media = g_str_equal (GST_PAD_TEMPLATE_NAME_TEMPLATE (templ),
      "audio_sink") ? DAO_MEDIA_AUDIO : DAO_MEDIA_VIDEO;
  GstPad *pad = self->media ? gst_dao_call_media_request_pad (self->media,
      media, templ) : NULL;

  if (!pad)
    return NULL;
  gst_pad_set_active (pad, TRUE);
  gst_element_add_pad (element, pad);
  return pad;
}

static void
gst_dao_call_src_release_pad (GstElement * element, GstPad * pad)
{
  GstDaoCallSrc *self = GST_DAO_CALL_SRC (element);

  gst_pad_set_active (pad, FALSE);
  gst_dao_call_media_release_pad (self->media, media_of_pad (pad));
  gst_element_remove_pad (element, pad);
}

/* --- runs --- */

static void
start_run (GstDaoCallSrc * self)
{
  GstDaoVideoCodec codec;
  gboolean video = gst_pad_is_linked (self->src_pads[DAO_MEDIA_VIDEO])
      || gst_dao_call_media_is_linked (self->media, DAO_MEDIA_VIDEO);

  GST_OBJECT_LOCK (self);
  codec = self->settings.video_codec;
  if (self->uri && self->uri->video >= 0)
    video = self->uri->video;
  /* What an answered call has, its offer says. */
  video |= self->settings.peer == NULL;
  self->run++;
  GST_OBJECT_UNLOCK (self);
  gst_dao_call_media_start_run (self->media, video, codec);
}

static void
end_run (GstDaoCallSrc * self)
{
  gst_dao_call_media_end_run (self->media);
  gst_dao_media_out_reset (self->out[DAO_MEDIA_AUDIO]);
  gst_dao_media_out_reset (self->out[DAO_MEDIA_VIDEO]);
}

/* Of what is around us. (transfer full) */
static GstObject *
outermost (GstDaoCallSrc * self)
{
  GstObject *object = gst_object_ref (self), *parent;

  while ((parent = gst_object_get_parent (object))) {
    gst_object_unref (object);
    object = parent;
  }
  return object;
}

/* On a thread of its own: who sends an event waits for the state changes of who gets it. In the meantime another run may
 * have begun. */
static void
end_pipeline (GstElement * element, gpointer run)
{
  GstDaoCallSrc *self = GST_DAO_CALL_SRC (element);
  GstObject *pipeline;
  gboolean same;

  GST_OBJECT_LOCK (self);
  same = self->run == GPOINTER_TO_UINT (run)
      && GST_STATE (self) > GST_STATE_READY;
  GST_OBJECT_UNLOCK (self);
  if (!same)
    return;
  pipeline = outermost (self);
  GST_INFO_OBJECT (self, "the call is over: EOS for %" GST_PTR_FORMAT,
      pipeline);
  gst_element_send_event (GST_ELEMENT (pipeline), gst_event_new_eos ());
  gst_object_unref (pipeline);
}

static void
finish_run (GstDaoCallSrc * self)
{
  gboolean end;
  guint run;

  gst_dao_call_media_finish_run (self->media);
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_eos (GST_OBJECT (self)));
  GST_OBJECT_LOCK (self);
  end = self->end_pipeline;
  run = self->run;
  GST_OBJECT_UNLOCK (self);
  if (end)
    gst_element_call_async (GST_ELEMENT (self), end_pipeline,
        GUINT_TO_POINTER (run), NULL);
}

/* --- bin --- */

static void
gst_dao_call_src_handle_message (GstBin * bin, GstMessage * message)
{
  GstDaoCallSrc *self = GST_DAO_CALL_SRC (bin);
  gboolean of_call = GST_MESSAGE_SRC (message) == (GstObject *) self->signaling;

  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_EOS:
      /* daosignaling has pushed EOS on both pads before it says so. */
      gst_message_unref (message);
      if (of_call)
        finish_run (self);
      return;
    case GST_MESSAGE_ELEMENT:
      if (!of_call)
        break;
      gst_element_post_message (GST_ELEMENT (self),
          gst_message_new_element (GST_OBJECT (self),
              gst_structure_copy (gst_message_get_structure (message))));
      gst_message_unref (message);
      return;
    case GST_MESSAGE_ERROR:
      if (!gst_dao_call_media_handle_error (self->media, message))
        break;
      gst_message_unref (message);
      return;
    default:
      break;
  }
  GST_BIN_CLASS (parent_class)->handle_message (bin, message);
}

static gboolean
check_relay (GstDaoCallSrc * self, const GstDaoCallUri * uri, GError ** error)
{
  gchar *path;
  gboolean ok;

  if (!uri->relay)
    return TRUE;
  GST_OBJECT_LOCK (self);
  path = gst_dao_call_settings_identity_path (&self->settings);
  GST_OBJECT_UNLOCK (self);
  ok = gst_dao_call_uri_check_relay (uri->relay, path, error);
  g_free (path);
  return ok;
}

/* The identity may be another one than when the URI was set. */
static gboolean
check_uri (GstDaoCallSrc * self)
{
  GError *error = NULL;

  if (!self->uri || check_relay (self, self->uri, &error))
    return TRUE;
  GST_ELEMENT_ERROR (self, RESOURCE, NOT_AUTHORIZED, ("%s", error->message),
      (NULL));
  g_error_free (error);
  return FALSE;
}

static gboolean
check_installation (GstDaoCallSrc * self)
{
  if (!self->signaling)
    GST_ELEMENT_ERROR (self, CORE, MISSING_PLUGIN,
        ("The element 'daosignaling' is missing"), (NULL));
  return self->signaling != NULL;
}

static GstStateChangeReturn
gst_dao_call_src_change_state (GstElement * element,
    GstStateChange transition)
{
  GstDaoCallSrc *self = GST_DAO_CALL_SRC (element);
  GstStateChangeReturn ret;

  if (transition == GST_STATE_CHANGE_NULL_TO_READY
      && (!check_installation (self) || !check_uri (self)))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    start_run (self);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    gst_dao_call_media_stop_watch (self->media);
  ret = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    end_run (self);
  if (ret == GST_STATE_CHANGE_FAILURE)
    return ret;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    tell_src_pads (self);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED
      || transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    ret = GST_STATE_CHANGE_NO_PREROLL;
  return ret;
}

/* gst-launch-1.0 -e: hang up, then EOS comes by the source pads */
static gboolean
gst_dao_call_src_send_event (GstElement * element, GstEvent * event)
{
  GstDaoCallSrc *self = GST_DAO_CALL_SRC (element);

  if (GST_EVENT_TYPE (event) != GST_EVENT_EOS || !self->signaling)
    return GST_ELEMENT_CLASS (parent_class)->send_event (element, event);
  return gst_element_send_event (self->signaling, event);
}

static gboolean
gst_dao_call_src_query (GstElement * element, GstQuery * query)
{
  GstDaoCallSrc *self = GST_DAO_CALL_SRC (element);
  guint latency;

  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return GST_ELEMENT_CLASS (parent_class)->query (element, query);
  GST_OBJECT_LOCK (self);
  latency = self->settings.latency;
  GST_OBJECT_UNLOCK (self);
  gst_query_set_latency (query, TRUE, latency * GST_MSECOND,
      GST_CLOCK_TIME_NONE);
  return TRUE;
}

/* --- actions --- */

static gboolean
action_call (GstElement * element, const gchar * alias, gboolean audio,
    gboolean video)
{
  GstDaoCallSrc *self = GST_DAO_CALL_SRC (element);
  gboolean done = FALSE;

  if (!self->signaling)
    return FALSE;
  if (video)
    gst_dao_call_media_want_video (self->media);
  g_signal_emit_by_name (self->signaling, "call", alias, audio, video, &done);
  return done;
}

#define SIMPLE_ACTION(name) \
static gboolean \
action_##name (GstElement * element) \
{ \
  GstDaoCallSrc *self = GST_DAO_CALL_SRC (element); \
  gboolean done = FALSE; \
  \
  if (self->signaling) \
    g_signal_emit_by_name (self->signaling, #name, &done); \
  return done; \
}

SIMPLE_ACTION (answer);
SIMPLE_ACTION (reject);
SIMPLE_ACTION (hangup);
SIMPLE_ACTION (add_video);

/* --- URI handler --- */

static GstURIType
uri_get_type (GType type)
{
  return GST_URI_SRC;
}

static const gchar *const *
uri_get_protocols (GType type)
{
  static const gchar *const protocols[] = { "dao", NULL };

  return protocols;
}

static gchar *
uri_get_uri (GstURIHandler * handler)
{
  GstDaoCallSrc *self = GST_DAO_CALL_SRC (handler);
  gchar *text;

  GST_OBJECT_LOCK (self);
  text = self->uri ? gst_dao_call_uri_to_string (self->uri) : NULL;
  GST_OBJECT_UNLOCK (self);
  return text;
}

static void
apply_uri (GstDaoCallSrc * self, const GstDaoCallUri * uri)
{
  g_object_set (self, "peer", uri->alias, "mute-audio", !uri->audio, NULL);
  if (uri->codec >= 0)
    g_object_set (self, "video-codec", uri->codec, NULL);
}

static gboolean
uri_set_uri (GstURIHandler * handler, const gchar * text, GError ** error)
{
  GstDaoCallSrc *self = GST_DAO_CALL_SRC (handler);
  GstDaoCallUri *uri = gst_dao_call_uri_parse (text, error), *old;

  if (!uri)
    return FALSE;
  if (GST_STATE (self) > GST_STATE_READY) {
    g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_STATE,
        "The URI can only be changed between calls");
    gst_dao_call_uri_free (uri);
    return FALSE;
  }
  if (!check_relay (self, uri, error)) {
    gst_dao_call_uri_free (uri);
    return FALSE;
  }
  apply_uri (self, uri);
  GST_OBJECT_LOCK (self);
  old = self->uri;
  self->uri = uri;
  GST_OBJECT_UNLOCK (self);
  g_clear_pointer (&old, gst_dao_call_uri_free);
  return TRUE;
}

static void
gst_dao_call_src_uri_handler_init (gpointer iface, gpointer data)
{
  GstURIHandlerInterface *handler = iface;

  handler->get_type = uri_get_type;
  handler->get_protocols = uri_get_protocols;
  handler->get_uri = uri_get_uri;
  handler->set_uri = uri_set_uri;
}

/* --- object --- */

static void
gst_dao_call_src_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstDaoCallSrc *self = GST_DAO_CALL_SRC (object);
  gboolean known;

  GST_OBJECT_LOCK (self);
  known = gst_dao_call_settings_set (&self->settings, prop_id, value);
  if (prop_id == PROP_END_PIPELINE)
    self->end_pipeline = g_value_get_boolean (value);
  GST_OBJECT_UNLOCK (self);
  if (prop_id == PROP_END_PIPELINE)
    return;
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  else if (self->media && prop_id == GST_DAO_CALL_PROP_MUTE_VIDEO)
    gst_dao_call_media_set_video_muted (self->media,
        g_value_get_boolean (value));
  else if (self->signaling)
    g_object_set_property (G_OBJECT (self->signaling), pspec->name, value);
}

static void
gst_dao_call_src_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec)
{
  GstDaoCallSrc *self = GST_DAO_CALL_SRC (object);
  gboolean known;

  GST_OBJECT_LOCK (self);
  known = gst_dao_call_settings_get (&self->settings, prop_id, value);
  if (prop_id == PROP_END_PIPELINE)
    g_value_set_boolean (value, self->end_pipeline);
  known |= prop_id == PROP_END_PIPELINE;
  GST_OBJECT_UNLOCK (self);
  if (!known && self->signaling)
    g_object_get_property (G_OBJECT (self->signaling), pspec->name, value);
}

static void
gst_dao_call_src_dispose (GObject * object)
{
  GstDaoCallSrc *self = GST_DAO_CALL_SRC (object);
  GstElement *element = GST_ELEMENT (object);
  guint i;

  if (self->signaling)
    g_signal_handlers_disconnect_by_data (self->signaling, self);
  /* while the elements behind the pads are still there */
  while (element->sinkpads)
    gst_element_release_request_pad (element, element->sinkpads->data);
  g_clear_pointer (&self->media, gst_dao_call_media_free);
  for (i = 0; i < 2; i++)
    g_clear_pointer (&self->out[i], gst_dao_media_out_free);
  self->signaling = NULL;
  G_OBJECT_CLASS (parent_class)->dispose (object);
}

static void
gst_dao_call_src_finalize (GObject * object)
{
  GstDaoCallSrc *self = GST_DAO_CALL_SRC (object);

  gst_dao_call_settings_clear (&self->settings);
  g_clear_pointer (&self->uri, gst_dao_call_uri_free);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_dao_call_src_class_init (GstDaoCallSrcClass * klass)
{
  static const GstDaoCallMethods methods =
      { action_call, action_answer, action_reject, action_hangup,
    action_add_video
  };
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  guint i;

  object_class->set_property = gst_dao_call_src_set_property;
  object_class->get_property = gst_dao_call_src_get_property;
  object_class->dispose = gst_dao_call_src_dispose;
  object_class->finalize = gst_dao_call_src_finalize;
  gst_dao_call_props_install (object_class, &methods, signals);
  g_object_class_install_property (object_class, PROP_END_PIPELINE,
      g_param_spec_boolean ("end-pipeline", "End the pipeline",
          "When the call is over, end every source of the whole pipeline, as "
          "gst-launch-1.0 -e does on Ctrl-C", FALSE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));

  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_dao_call_src_change_state);
  element_class->send_event = GST_DEBUG_FUNCPTR (gst_dao_call_src_send_event);
  element_class->query = GST_DEBUG_FUNCPTR (gst_dao_call_src_query);
  element_class->request_new_pad =
      GST_DEBUG_FUNCPTR (gst_dao_call_src_request_new_pad);
  element_class->release_pad =
      GST_DEBUG_FUNCPTR (gst_dao_call_src_release_pad);
  GST_BIN_CLASS (klass)->handle_message =
      GST_DEBUG_FUNCPTR (gst_dao_call_src_handle_message);
  gst_element_class_set_static_metadata (element_class,
      "Call with raw or encoded media", "Source/Sink/Network",
      "Places or answers an end-to-end encrypted call", "gst-dao");
  for (i = 0; i < G_N_ELEMENTS (templates); i++)
    gst_element_class_add_static_pad_template (element_class, &templates[i]);
}

static void
gst_dao_call_src_init (GstDaoCallSrc * self)
{
  gst_dao_call_settings_init (&self->settings);
  /* What is inside must not make us what it is: EOS would never be posted. */
  gst_bin_set_suppressed_flags (GST_BIN (self),
      GST_ELEMENT_FLAG_SOURCE | GST_ELEMENT_FLAG_SINK);
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SOURCE | GST_ELEMENT_FLAG_SINK);

  add_src_pad (self, DAO_MEDIA_AUDIO);
  add_src_pad (self, DAO_MEDIA_VIDEO);
  self->signaling = gst_element_factory_make ("daosignaling", "signaling");
  if (!self->signaling)
    return;
  self->media = gst_dao_call_media_new (GST_BIN (self), self->signaling);
  gst_bin_add (GST_BIN (self), self->signaling);
  connect_source (self, DAO_MEDIA_AUDIO);
  connect_source (self, DAO_MEDIA_VIDEO);
  g_signal_connect (self->signaling, "notify", G_CALLBACK (on_notify), self);
  g_signal_connect (self->signaling, "incoming-call",
      G_CALLBACK (on_incoming_call), self);
}
