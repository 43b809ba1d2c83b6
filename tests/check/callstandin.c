/* gst-dao: an element in the place of daosignaling, which the test drives
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "callstandin.h"

#include <gst/check/gstcheck.h>

#define TYPE_CALL_STANDIN (call_standin_get_type ())
G_DECLARE_FINAL_TYPE (CallStandin, call_standin, CALL, STANDIN, GstElement)

struct _CallStandin
{
  GstElement parent;

  GMutex lock;
  GCond cond;
  GHashTable *values;           /* name -> GValue of each property */
  GstPad *src[2];
  GstPad *sink[2];
  GQueue frames[2];
  guint count[2];
  GstCaps *agreed;
  GString *log;
};

static GstStaticPadTemplate templates[] = {
  GST_STATIC_PAD_TEMPLATE ("audio_sink", GST_PAD_SINK, GST_PAD_REQUEST,
      GST_STATIC_CAPS ("audio/x-opus")),
  GST_STATIC_PAD_TEMPLATE ("video_sink", GST_PAD_SINK, GST_PAD_REQUEST,
      GST_STATIC_CAPS ("video/x-vp8; video/x-vp9")),
  GST_STATIC_PAD_TEMPLATE ("audio_src", GST_PAD_SRC, GST_PAD_ALWAYS,
      GST_STATIC_CAPS ("audio/x-opus")),
  GST_STATIC_PAD_TEMPLATE ("video_src", GST_PAD_SRC, GST_PAD_ALWAYS,
      GST_STATIC_CAPS ("video/x-vp8; video/x-vp9")),
};

G_DEFINE_FINAL_TYPE (CallStandin, call_standin, GST_TYPE_ELEMENT);

static void
add_to_log (CallStandin * self, const gchar * format, ...)
{
  va_list args;

  va_start (args, format);
  g_mutex_lock (&self->lock);
  g_string_append_vprintf (self->log, format, args);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  va_end (args);
}

/* --- pads --- */

static GstFlowReturn
sink_chain (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  CallStandin *self = CALL_STANDIN (parent);
  guint media = pad == self->sink[DAO_MEDIA_VIDEO];

  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->frames[media], buffer);
  self->count[media]++;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  return GST_FLOW_OK;
}

static gboolean
sink_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    add_to_log (CALL_STANDIN (parent), "%s-eos ", GST_PAD_NAME (pad));
  gst_event_unref (event);
  return TRUE;
}

static gboolean
sink_query (GstPad * pad, GstObject * parent, GstQuery * query)
{
  CallStandin *self = CALL_STANDIN (parent);
  GstCaps *filter, *caps, *templ;

  if (GST_QUERY_TYPE (query) != GST_QUERY_CAPS)
    return gst_pad_query_default (pad, parent, query);
  gst_query_parse_caps (query, &filter);
  templ = gst_pad_get_pad_template_caps (pad);
  caps = gst_caps_ref (templ);
  if (self->agreed && gst_caps_can_intersect (templ, self->agreed))
    gst_caps_take (&caps, gst_caps_intersect (templ, self->agreed));
  if (filter)
    gst_caps_take (&caps, gst_caps_intersect (filter, caps));
  gst_query_set_caps_result (query, caps);
  gst_caps_unref (caps);
  gst_caps_unref (templ);
  return TRUE;
}

static GstPad *
call_standin_request_new_pad (GstElement * element, GstPadTemplate * templ,
    const gchar * name, const GstCaps * caps)
{
  CallStandin *self = CALL_STANDIN (element);
  guint media = g_str_has_prefix (GST_PAD_TEMPLATE_NAME_TEMPLATE (templ),
      "video");
  GstPad *pad = gst_pad_new_from_template (templ,
      GST_PAD_TEMPLATE_NAME_TEMPLATE (templ));

  fail_unless (self->sink[media] == NULL);
  gst_pad_set_chain_function (pad, sink_chain);
  gst_pad_set_event_function (pad, sink_event);
  gst_pad_set_query_function (pad, sink_query);
  gst_pad_set_active (pad, TRUE);
  self->sink[media] = pad;
  gst_element_add_pad (element, pad);
  return pad;
}

static void
call_standin_release_pad (GstElement * element, GstPad * pad)
{
  CallStandin *self = CALL_STANDIN (element);
  guint i;

  for (i = 0; i < 2; i++)
    if (self->sink[i] == pad)
      self->sink[i] = NULL;
  gst_element_remove_pad (element, pad);
}

/* --- element --- */

static GstStateChangeReturn
call_standin_change_state (GstElement * element, GstStateChange transition)
{
  GstStateChangeReturn ret =
      GST_ELEMENT_CLASS (call_standin_parent_class)->change_state (element,
      transition);

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED
      || transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    ret = GST_STATE_CHANGE_NO_PREROLL;
  return ret;
}

static gboolean
call_standin_send_event (GstElement * element, GstEvent * event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    add_to_log (CALL_STANDIN (element), "eos ");
  else if (GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_DOWNSTREAM)
    add_to_log (CALL_STANDIN (element), "%s ",
        gst_structure_get_name (gst_event_get_structure (event)));
  gst_event_unref (event);
  return TRUE;
}

static gboolean
action_call (GstElement * element, const gchar * alias, gboolean audio,
    gboolean video)
{
  add_to_log (CALL_STANDIN (element), "call(%s,%d,%d) ", alias, audio, video);
  return TRUE;
}

#define ACTION(name) \
static gboolean \
action_##name (GstElement * element) \
{ \
  add_to_log (CALL_STANDIN (element), #name " "); \
  return TRUE; \
}
ACTION (answer);
ACTION (reject);
ACTION (hangup);

/* --- properties: those of daocallsrc, just stored --- */

static void
call_standin_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  CallStandin *self = CALL_STANDIN (object);
  GValue *copy = g_new0 (GValue, 1);

  g_value_init (copy, G_VALUE_TYPE (value));
  g_value_copy (value, copy);
  g_mutex_lock (&self->lock);
  g_hash_table_replace (self->values, g_strdup (pspec->name), copy);
  g_mutex_unlock (&self->lock);
}

static void
call_standin_get_property (GObject * object, guint prop_id, GValue * value,
    GParamSpec * pspec)
{
  CallStandin *self = CALL_STANDIN (object);
  GValue *stored;

  g_mutex_lock (&self->lock);
  stored = g_hash_table_lookup (self->values, pspec->name);
  if (stored)
    g_value_copy (stored, value);
  else
    g_param_value_set_default (pspec, value);
  g_mutex_unlock (&self->lock);
}

static GParamSpec *
copy_pspec (GParamSpec * from)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  GType type = G_PARAM_SPEC_VALUE_TYPE (from);

  /* All writable here: the test writes what daosignaling would find out. */
  if (type == G_TYPE_STRING)
    return g_param_spec_string (from->name, from->name, from->name, NULL,
        flags);
  if (type == G_TYPE_BOOLEAN)
    return g_param_spec_boolean (from->name, from->name, from->name, FALSE,
        flags);
  if (type == G_TYPE_UINT)
    return g_param_spec_uint (from->name, from->name, from->name, 0,
        G_MAXUINT, 200, flags);
  if (type == G_TYPE_UINT64)
    return g_param_spec_uint64 (from->name, from->name, from->name, 0,
        G_MAXUINT64, 0, flags);
  if (G_TYPE_IS_ENUM (type))
    return g_param_spec_enum (from->name, from->name, from->name, type,
        ((GParamSpecEnum *) from)->default_value, flags);
  return g_param_spec_boxed (from->name, from->name, from->name, type, flags);
}

static void
install_properties (GObjectClass * klass)
{
  GstElementFactory *factory = gst_element_factory_find ("daocallsrc");
  GstElementFactory *loaded;
  GObjectClass *model;
  GParamSpec **specs;
  guint i, n;

  loaded = GST_ELEMENT_FACTORY (gst_plugin_feature_load (GST_PLUGIN_FEATURE
          (factory)));
  model = g_type_class_ref (gst_element_factory_get_element_type (loaded));
  specs = g_object_class_list_properties (model, &n);
  for (i = 0; i < n; i++)
    if (specs[i]->owner_type == G_OBJECT_CLASS_TYPE (model))
      g_object_class_install_property (klass, i + 1, copy_pspec (specs[i]));
  g_free (specs);
  g_type_class_unref (model);
  gst_object_unref (loaded);
  gst_object_unref (factory);
}

static void
free_value (gpointer data)
{
  g_value_unset (data);
  g_free (data);
}

static void
call_standin_finalize (GObject * object)
{
  CallStandin *self = CALL_STANDIN (object);
  guint i;

  for (i = 0; i < 2; i++)
    g_queue_clear_full (&self->frames[i], (GDestroyNotify) gst_buffer_unref);
  g_hash_table_unref (self->values);
  gst_clear_caps (&self->agreed);
  g_string_free (self->log, TRUE);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  G_OBJECT_CLASS (call_standin_parent_class)->finalize (object);
}

static void
call_standin_class_init (CallStandinClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GType type = G_TYPE_FROM_CLASS (klass);
  const GSignalFlags flags = G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION;
  guint i;

  object_class->set_property = call_standin_set_property;
  object_class->get_property = call_standin_get_property;
  object_class->finalize = call_standin_finalize;
  install_properties (object_class);
  g_signal_new_class_handler ("call", type, flags, G_CALLBACK (action_call),
      NULL, NULL, NULL, G_TYPE_BOOLEAN, 3, G_TYPE_STRING, G_TYPE_BOOLEAN,
      G_TYPE_BOOLEAN);
  g_signal_new_class_handler ("answer", type, flags,
      G_CALLBACK (action_answer), NULL, NULL, NULL, G_TYPE_BOOLEAN, 0);
  g_signal_new_class_handler ("reject", type, flags,
      G_CALLBACK (action_reject), NULL, NULL, NULL, G_TYPE_BOOLEAN, 0);
  g_signal_new_class_handler ("hangup", type, flags,
      G_CALLBACK (action_hangup), NULL, NULL, NULL, G_TYPE_BOOLEAN, 0);
  g_signal_new ("incoming-call", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
      NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_BOOLEAN);

  element_class->change_state = call_standin_change_state;
  element_class->send_event = call_standin_send_event;
  element_class->request_new_pad = call_standin_request_new_pad;
  element_class->release_pad = call_standin_release_pad;
  for (i = 0; i < G_N_ELEMENTS (templates); i++)
    gst_element_class_add_static_pad_template (element_class, &templates[i]);
  gst_element_class_set_static_metadata (element_class, "Stand-in",
      "Source/Sink/Network", "Stands in for daosignaling", "gst-dao");
}

static void
call_standin_init (CallStandin * self)
{
  guint i;

  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  self->log = g_string_new (NULL);
  self->values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      free_value);
  for (i = 0; i < 2; i++) {
    g_queue_init (&self->frames[i]);
    self->src[i] = gst_pad_new_from_static_template (&templates[2 + i],
        templates[2 + i].name_template);
    gst_element_add_pad (GST_ELEMENT (self), self->src[i]);
  }
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SOURCE | GST_ELEMENT_FLAG_SINK);
}

/* --- what the tests call --- */

void
call_standin_register (void)
{
  gst_element_register (NULL, "daosignaling", GST_RANK_NONE,
      TYPE_CALL_STANDIN);
}

GstElement *
call_standin_get (GstElement * callsrc)
{
  GstElement *standin = gst_bin_get_by_name (GST_BIN (callsrc), "signaling");

  fail_unless (CALL_IS_STANDIN (standin));
  gst_object_unref (standin);
  return standin;
}

void
call_standin_set_state (GstElement * standin, DaoCallState state)
{
  g_object_set (standin, "call-state", state, NULL);
}

void
call_standin_set_video (GstElement * standin, gboolean is_video)
{
  g_object_set (standin, "is-video", is_video, NULL);
}

void
call_standin_agree (GstElement * standin, const gchar * media_type)
{
  CallStandin *self = CALL_STANDIN (standin);

  gst_caps_take (&self->agreed, gst_caps_from_string (media_type));
}

void
call_standin_set_caps (GstElement * standin, DaoMedia media,
    const gchar * caps)
{
  GstPad *pad = CALL_STANDIN (standin)->src[media];
  GstCaps *c = gst_caps_from_string (caps);
  GstSegment segment;

  gst_pad_push_event (pad, gst_event_new_stream_start ("standin"));
  gst_pad_push_event (pad, gst_event_new_caps (c));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (pad, gst_event_new_segment (&segment));
  gst_caps_unref (c);
}

GstFlowReturn
call_standin_push (GstElement * standin, DaoMedia media, GstBuffer * buffer)
{
  return gst_pad_push (CALL_STANDIN (standin)->src[media], buffer);
}

void
call_standin_end (GstElement * standin)
{
  CallStandin *self = CALL_STANDIN (standin);
  guint i;

  for (i = 0; i < 2; i++) {
    gst_pad_push_event (self->src[i], gst_event_new_stream_start ("standin"));
    gst_pad_push_event (self->src[i], gst_event_new_eos ());
  }
  gst_element_post_message (standin,
      gst_message_new_eos (GST_OBJECT (standin)));
}

GstBuffer *
call_standin_pull (GstElement * standin, DaoMedia media)
{
  CallStandin *self = CALL_STANDIN (standin);
  gint64 end = g_get_monotonic_time () + 20 * G_TIME_SPAN_SECOND;
  GstBuffer *buffer;

  g_mutex_lock (&self->lock);
  while (!(buffer = g_queue_pop_head (&self->frames[media])))
    if (!g_cond_wait_until (&self->cond, &self->lock, end))
      break;
  g_mutex_unlock (&self->lock);
  fail_unless (buffer != NULL, "no frame came");
  return buffer;
}

guint
call_standin_count (GstElement * standin, DaoMedia media)
{
  CallStandin *self = CALL_STANDIN (standin);
  guint count;

  g_mutex_lock (&self->lock);
  count = self->count[media];
  g_mutex_unlock (&self->lock);
  return count;
}

void
call_standin_clear (GstElement * standin)
{
  CallStandin *self = CALL_STANDIN (standin);
  guint i;

  g_mutex_lock (&self->lock);
  for (i = 0; i < 2; i++) {
    g_queue_clear_full (&self->frames[i], (GDestroyNotify) gst_buffer_unref);
    self->count[i] = 0;
  }
  g_mutex_unlock (&self->lock);
}

GstCaps *
call_standin_get_caps (GstElement * standin, DaoMedia media)
{
  GstPad *pad = CALL_STANDIN (standin)->sink[media];

  return pad ? gst_pad_get_current_caps (pad) : NULL;
}

gboolean
call_standin_has_sink (GstElement * standin, DaoMedia media)
{
  return CALL_STANDIN (standin)->sink[media] != NULL;
}

const gchar *
call_standin_get_log (GstElement * standin)
{
  return CALL_STANDIN (standin)->log->str;
}

void
call_standin_wait_log (GstElement * standin, const gchar * text)
{
  CallStandin *self = CALL_STANDIN (standin);
  gint64 end = g_get_monotonic_time () + 20 * G_TIME_SPAN_SECOND;
  gboolean found;

  g_mutex_lock (&self->lock);
  while (!(found = strstr (self->log->str, text) != NULL))
    if (!g_cond_wait_until (&self->cond, &self->lock, end))
      break;
  g_mutex_unlock (&self->lock);
  fail_unless (found, "'%s' is not in '%s'", text, self->log->str);
}
