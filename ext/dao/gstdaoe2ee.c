/* gst-dao: what daoe2eeenc and daoe2eedec share: caps, keys, pads, statistics
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Not a GstBaseTransform: that proxies ALLOCATION and caps, and takes a frame
 * for something that has the size downstream wants.
 *
 * Threads: the key in use (`handle`) changes in the streaming thread only, or
 * before it starts. A property only leaves a new key for it (`pending`). So a
 * frame costs one look at an atomic, and a key never changes within a frame.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaoe2ee.h"

#include "gstdaoe2eekey.h"

#include "dao-secret.h"

GST_DEBUG_CATEGORY_STATIC (gst_dao_e2ee_debug);
#define GST_CAT_DEFAULT gst_dao_e2ee_debug

typedef enum
{
  PENDING_NOTHING,
  PENDING_NONE,                 /* from now on no key */
  PENDING_MATERIAL,
  PENDING_LOCATION,
  PENDING_HANDLE,
  PENDING_ERROR,                /* `key-material` was no key material */
} PendingKind;

typedef struct
{
  gint has_pending;             /* atomic: pending != PENDING_NOTHING */

  /* object lock */
  PendingKind pending;
  guint8 *pending_material;     /* dao_secret_new() */
  GObject *pending_handle;
  gchar *location;
  DaoFrameFormat format;
  guint64 frames;
  guint64 bytes;
  guint64 dropped;
  guint64 dropped_no_key;

  GstPad *sinkpad;
  GstPad *srcpad;

  /* streaming thread; handle also under the object lock */
  GObject *handle;
  gboolean failed;
  gboolean gap;                 /* a frame was dropped since take_gap() */
  GstDaoE2eeCodec codec;
} GstDaoE2eePrivate;

enum
{
  PROP_0,
  PROP_KEY_MATERIAL,
  PROP_KEY_LOCATION,
  PROP_FORMAT,
  PROP_STATS,
};

G_DEFINE_ABSTRACT_TYPE_WITH_CODE (GstDaoE2ee, gst_dao_e2ee, GST_TYPE_ELEMENT,
    G_ADD_PRIVATE (GstDaoE2ee);
    GST_DEBUG_CATEGORY_INIT (gst_dao_e2ee_debug, "daoe2ee", 0,
        "encryption of encoded frames, common part"));

#define PRIVATE(self) \
    ((GstDaoE2eePrivate *) gst_dao_e2ee_get_instance_private (self))

GType
gst_dao_e2ee_format_get_type (void)
{
  static const GEnumValue values[] = {
    {DAO_FRAME_FORMAT_SDK, "Counter, ciphertext and tag of the SDK", "sdk"},
    {DAO_FRAME_FORMAT_V1, "The same with flags and epoch in the counter",
        "v1"},
    {0, NULL, NULL},
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstDaoE2eeFormat",
            values));
  return type;
}

/* --- caps --- */

/* What @pad can do is what the peer of the other pad can, in the other dress. */
static void
answer_caps_query (GstDaoE2ee * self, GstPad * pad, GstQuery * query)
{
  GstDaoE2eePrivate *priv = PRIVATE (self);
  GstPad *other = pad == priv->sinkpad ? priv->srcpad : priv->sinkpad;
  GstCaps *other_template = gst_pad_get_pad_template_caps (other);
  GstCaps *peer, *result, *filter;

  peer = gst_pad_peer_query_caps (other, other_template);
  gst_caps_unref (other_template);
  result = gst_dao_e2ee_codec_map_caps (peer);
  gst_caps_unref (peer);

  gst_query_parse_caps (query, &filter);
  if (filter != NULL) {
    GstCaps *filtered = gst_caps_intersect_full (filter, result,
        GST_CAPS_INTERSECT_FIRST);

    gst_caps_unref (result);
    result = filtered;
  }
  gst_query_set_caps_result (query, result);
  gst_caps_unref (result);
}

static gboolean
gst_dao_e2ee_query (GstPad * pad, GstObject * parent, GstQuery * query)
{
  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_CAPS:
      answer_caps_query (GST_DAO_E2EE (parent), pad, query);
      return TRUE;
    case GST_QUERY_ALLOCATION:
      /* The other side has frames of another size. */
      return FALSE;
    default:
      return gst_pad_query_default (pad, parent, query);
  }
}

/* --- keys --- */

GParamSpec *
gst_dao_e2ee_keys_param_spec (GType type)
{
  return g_param_spec_object ("keys", "Keys",
      "Key handle of a call, which signaling hands over", type,
      G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
}

/* Object lock held. Takes over @material and @handle. */
static void
set_pending (GstDaoE2ee * self, PendingKind kind, guint8 * material,
    GObject * handle)
{
  GstDaoE2eePrivate *priv = PRIVATE (self);

  dao_secret_free (priv->pending_material);
  g_clear_object (&priv->pending_handle);
  priv->pending = kind;
  priv->pending_material = material;
  priv->pending_handle = handle;
  g_atomic_int_set (&priv->has_pending, kind != PENDING_NOTHING);
}

void
gst_dao_e2ee_set_keys (GstDaoE2ee * self, GObject * handle)
{
  GST_OBJECT_LOCK (self);
  set_pending (self, handle ? PENDING_HANDLE : PENDING_NONE, NULL,
      handle ? g_object_ref (handle) : NULL);
  GST_OBJECT_UNLOCK (self);
}

static void
set_key_material (GstDaoE2ee * self, const gchar * hex)
{
  guint8 *material = NULL;
  PendingKind kind = PENDING_NONE;

  if (hex != NULL) {
    material = dao_secret_new (DAO_FRAME_MATERIAL_SIZE);
    kind = gst_dao_e2ee_key_from_hex (hex, material, NULL)
        ? PENDING_MATERIAL : PENDING_ERROR;
  }
  GST_OBJECT_LOCK (self);
  set_pending (self, kind, material, NULL);
  GST_OBJECT_UNLOCK (self);
}

static void
set_key_location (GstDaoE2ee * self, const gchar * location)
{
  GstDaoE2eePrivate *priv = PRIVATE (self);

  GST_OBJECT_LOCK (self);
  g_free (priv->location);
  priv->location = g_strdup (location);
  set_pending (self, location ? PENDING_LOCATION : PENDING_NONE, NULL, NULL);
  GST_OBJECT_UNLOCK (self);
}

/* Returns: (transfer full): the handle that was left for us; NULL without @error for "no key" */
static GObject *
make_handle (GstDaoE2ee * self, PendingKind kind, guint8 * material,
    GObject * handle, const gchar * location, DaoFrameFormat format,
    GError ** error)
{
  GstDaoE2eeClass *klass = GST_DAO_E2EE_GET_CLASS (self);
  guint8 *read = NULL;
  GObject *made = NULL;

  switch (kind) {
    case PENDING_HANDLE:
      return g_object_ref (handle);
    case PENDING_MATERIAL:
      return klass->new_handle (self, material, format, error);
    case PENDING_LOCATION:
      read = dao_secret_new (DAO_FRAME_MATERIAL_SIZE);
      if (gst_dao_e2ee_key_from_file (location, read, error))
        made = klass->new_handle (self, read, format, error);
      dao_secret_free (read);
      return made;
    case PENDING_ERROR:
      gst_dao_e2ee_key_from_hex ("", material, error);
      return NULL;
    default:
      return NULL;
  }
}

GstFlowReturn
gst_dao_e2ee_fail (GstDaoE2ee * self, const GError * error)
{
  GstDaoE2eePrivate *priv = PRIVATE (self);

  priv->failed = TRUE;
  if (g_error_matches (error, DAO_FRAME_ERROR, DAO_FRAME_ERROR_REUSED)
      || g_error_matches (error, DAO_FRAME_ERROR, DAO_FRAME_ERROR_CLAIMED))
    GST_ELEMENT_ERROR (self, RESOURCE, BUSY, ("%s.", error->message),
        ("nothing is sent without a key of its own"));
  else if (g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND, ("%s.", error->message),
        (NULL));
  else if (error->domain == G_FILE_ERROR)
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ, ("%s.", error->message),
        (NULL));
  else
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, ("%s.", error->message),
        (NULL));
  return GST_FLOW_ERROR;
}

/* Puts the key that a property left into use: in the streaming thread, or before there is one. */
static gboolean
install_pending_key (GstDaoE2ee * self)
{
  GstDaoE2eePrivate *priv = PRIVATE (self);
  GstDaoE2eeClass *klass = GST_DAO_E2EE_GET_CLASS (self);
  GError *error = NULL;
  GObject *handle, *old;
  GObject *pending_handle;
  guint8 *material;
  PendingKind kind;
  DaoFrameFormat format;
  gchar *location;

  GST_OBJECT_LOCK (self);
  kind = priv->pending;
  material = g_steal_pointer (&priv->pending_material);
  pending_handle = g_steal_pointer (&priv->pending_handle);
  location = g_strdup (priv->location);
  format = priv->format;
  set_pending (self, PENDING_NOTHING, NULL, NULL);
  GST_OBJECT_UNLOCK (self);

  if (kind == PENDING_NOTHING)
    return !priv->failed;
  if (kind == PENDING_HANDLE && pending_handle == priv->handle) {
    g_object_unref (pending_handle);
    g_free (location);
    return !priv->failed;
  }

  handle = make_handle (self, kind, material, pending_handle, location,
      format, &error);
  if (handle != NULL && !klass->take_handle (self, handle, &error))
    g_clear_object (&handle);
  dao_secret_free (material);
  g_clear_object (&pending_handle);
  g_free (location);

  GST_OBJECT_LOCK (self);
  old = priv->handle;
  priv->handle = handle;
  GST_OBJECT_UNLOCK (self);
  g_clear_object (&old);

  priv->failed = FALSE;
  if (error != NULL) {
    gst_dao_e2ee_fail (self, error);
    g_error_free (error);
    return FALSE;
  }
  GST_INFO_OBJECT (self, handle ? "has a key" : "has no key");
  return TRUE;
}

/* --- streaming --- */

GstPad *
gst_dao_e2ee_get_sinkpad (GstDaoE2ee * self)
{
  return PRIVATE (self)->sinkpad;
}

GstPad *
gst_dao_e2ee_get_srcpad (GstDaoE2ee * self)
{
  return PRIVATE (self)->srcpad;
}

GstDaoE2eeCodec
gst_dao_e2ee_get_codec (GstDaoE2ee * self)
{
  return PRIVATE (self)->codec;
}

GObject *
gst_dao_e2ee_get_handle (GstDaoE2ee * self)
{
  return PRIVATE (self)->handle;
}

void
gst_dao_e2ee_count_frame (GstDaoE2ee * self, gsize payload)
{
  GstDaoE2eePrivate *priv = PRIVATE (self);

  priv->frames++;
  priv->bytes += payload;
}

gboolean
gst_dao_e2ee_take_gap (GstDaoE2ee * self)
{
  GstDaoE2eePrivate *priv = PRIVATE (self);
  gboolean gap = priv->gap;

  priv->gap = FALSE;
  return gap;
}

void
gst_dao_e2ee_count_drop (GstDaoE2ee * self, guint64 * why)
{
  PRIVATE (self)->gap = TRUE;
  GST_OBJECT_LOCK (self);
  PRIVATE (self)->dropped++;
  if (why != NULL)
    (*why)++;
  GST_OBJECT_UNLOCK (self);
}

static GstFlowReturn
gst_dao_e2ee_chain (GstPad * pad, GstObject * parent, GstBuffer * frame)
{
  GstDaoE2ee *self = GST_DAO_E2EE (parent);
  GstDaoE2eePrivate *priv = PRIVATE (self);
  GstFlowReturn flow = GST_FLOW_OK;

  if (G_UNLIKELY (g_atomic_int_get (&priv->has_pending)))
    install_pending_key (self);

  if (G_LIKELY (priv->handle != NULL && !priv->failed
          && priv->codec != GST_DAO_E2EE_CODEC_NONE))
    return GST_DAO_E2EE_GET_CLASS (self)->process (self, frame);

  if (priv->codec == GST_DAO_E2EE_CODEC_NONE)
    flow = GST_FLOW_NOT_NEGOTIATED;
  else if (priv->failed)
    flow = GST_FLOW_ERROR;
  gst_dao_e2ee_count_drop (self, priv->failed ? NULL : &priv->dropped_no_key);
  gst_buffer_unref (frame);
  return flow;
}

static gboolean
gst_dao_e2ee_sink_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  GstDaoE2ee *self = GST_DAO_E2EE (parent);
  GstDaoE2eePrivate *priv = PRIVATE (self);
  GstDaoE2eeClass *klass = GST_DAO_E2EE_GET_CLASS (self);

  if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS) {
    GstCaps *caps;
    gboolean ok;

    gst_event_parse_caps (event, &caps);
    priv->codec = gst_dao_e2ee_codec_from_caps (caps);
    ok = priv->codec != GST_DAO_E2EE_CODEC_NONE
        && klass->set_caps (self, caps, priv->codec);
    gst_event_unref (event);
    return ok;
  }
  if (klass->sink_event != NULL)
    return klass->sink_event (self, event);
  return gst_pad_event_default (pad, parent, event);
}

static GstStateChangeReturn
gst_dao_e2ee_change_state (GstElement * element, GstStateChange transition)
{
  GstDaoE2ee *self = GST_DAO_E2EE (element);
  GstDaoE2eeClass *klass = GST_DAO_E2EE_GET_CLASS (self);

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    PRIVATE (self)->codec = GST_DAO_E2EE_CODEC_NONE;
    PRIVATE (self)->gap = FALSE;
    if (klass->start != NULL)
      klass->start (self);
    /* A bad key is better told now than with the first frame. */
    if (!install_pending_key (self))
      return GST_STATE_CHANGE_FAILURE;
  }
  return GST_ELEMENT_CLASS (gst_dao_e2ee_parent_class)->change_state (element,
      transition);
}

/* --- object --- */

static GstStructure *
make_stats (GstDaoE2ee * self)
{
  GstDaoE2eePrivate *priv = PRIVATE (self);
  GstDaoE2eeClass *klass = GST_DAO_E2EE_GET_CLASS (self);
  GstStructure *stats;

  GST_OBJECT_LOCK (self);
  stats = gst_structure_new ("application/x-dao-e2ee-stats",
      "frames", G_TYPE_UINT64, priv->frames,
      "bytes", G_TYPE_UINT64, priv->bytes,
      "dropped", G_TYPE_UINT64, priv->dropped,
      "dropped-no-key", G_TYPE_UINT64, priv->dropped_no_key, NULL);
  if (klass->fill_stats != NULL)
    klass->fill_stats (self, stats);
  GST_OBJECT_UNLOCK (self);
  return stats;
}

/* That of the key in use; before there is one, that of the next key-material. */
static DaoFrameFormat
get_format (GstDaoE2ee * self)
{
  GstDaoE2eePrivate *priv = PRIVATE (self);
  DaoFrameFormat format;

  GST_OBJECT_LOCK (self);
  format = priv->handle != NULL
      ? GST_DAO_E2EE_GET_CLASS (self)->get_format (priv->handle)
      : priv->format;
  GST_OBJECT_UNLOCK (self);
  return format;
}

static void
gst_dao_e2ee_set_property (GObject * object, guint id, const GValue * value,
    GParamSpec * pspec)
{
  GstDaoE2ee *self = GST_DAO_E2EE (object);

  switch (id) {
    case PROP_KEY_MATERIAL:
      set_key_material (self, g_value_get_string (value));
      break;
    case PROP_KEY_LOCATION:
      set_key_location (self, g_value_get_string (value));
      break;
    case PROP_FORMAT:
      GST_OBJECT_LOCK (self);
      PRIVATE (self)->format = g_value_get_enum (value);
      GST_OBJECT_UNLOCK (self);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
gst_dao_e2ee_get_property (GObject * object, guint id, GValue * value,
    GParamSpec * pspec)
{
  GstDaoE2ee *self = GST_DAO_E2EE (object);

  switch (id) {
    case PROP_KEY_LOCATION:
      GST_OBJECT_LOCK (self);
      g_value_set_string (value, PRIVATE (self)->location);
      GST_OBJECT_UNLOCK (self);
      break;
    case PROP_FORMAT:
      g_value_set_enum (value, get_format (self));
      break;
    case PROP_STATS:
      g_value_take_boxed (value, make_stats (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
gst_dao_e2ee_finalize (GObject * object)
{
  GstDaoE2eePrivate *priv = PRIVATE (GST_DAO_E2EE (object));

  dao_secret_free (priv->pending_material);
  g_clear_object (&priv->pending_handle);
  g_clear_object (&priv->handle);
  g_free (priv->location);
  G_OBJECT_CLASS (gst_dao_e2ee_parent_class)->finalize (object);
}

static void
gst_dao_e2ee_constructed (GObject * object)
{
  GstDaoE2ee *self = GST_DAO_E2EE (object);
  GstDaoE2eePrivate *priv = PRIVATE (self);
  GstElementClass *klass = GST_ELEMENT_GET_CLASS (self);

  G_OBJECT_CLASS (gst_dao_e2ee_parent_class)->constructed (object);

  priv->sinkpad = gst_pad_new_from_template
      (gst_element_class_get_pad_template (klass, "sink"), "sink");
  gst_pad_set_chain_function (priv->sinkpad, gst_dao_e2ee_chain);
  gst_pad_set_event_function (priv->sinkpad, gst_dao_e2ee_sink_event);
  gst_pad_set_query_function (priv->sinkpad, gst_dao_e2ee_query);
  GST_PAD_SET_ACCEPT_TEMPLATE (priv->sinkpad);
  gst_element_add_pad (GST_ELEMENT (self), priv->sinkpad);

  /* Upstream events, force-key-unit above all, pass by the default handler. */
  priv->srcpad = gst_pad_new_from_template
      (gst_element_class_get_pad_template (klass, "src"), "src");
  gst_pad_set_query_function (priv->srcpad, gst_dao_e2ee_query);
  gst_element_add_pad (GST_ELEMENT (self), priv->srcpad);
}

static void
gst_dao_e2ee_class_init (GstDaoE2eeClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = gst_dao_e2ee_set_property;
  object_class->get_property = gst_dao_e2ee_get_property;
  object_class->constructed = gst_dao_e2ee_constructed;
  object_class->finalize = gst_dao_e2ee_finalize;
  GST_ELEMENT_CLASS (klass)->change_state = gst_dao_e2ee_change_state;

  g_object_class_install_property (object_class, PROP_KEY_MATERIAL,
      g_param_spec_string ("key-material", "Key material",
          "88 hex digits: 32 bytes of key, 12 of IV. For tests: it shows in "
          "the process list, key-location does not", NULL,
          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
  g_object_class_install_property (object_class, PROP_KEY_LOCATION,
      g_param_spec_string ("key-location", "Key location",
          "File with the key material: 88 hex digits or 44 bytes, mode 0600",
          NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
  g_object_class_install_property (object_class, PROP_FORMAT,
      g_param_spec_enum ("format", "Format",
          "Frame format of key-material and key-location; `keys` bring "
          "their own", GST_TYPE_DAO_E2EE_FORMAT, DAO_FRAME_FORMAT_SDK,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Frames and payload bytes that went through, and what was dropped",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  gst_type_mark_as_plugin_api (GST_TYPE_DAO_E2EE_FORMAT, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_DAO_E2EE, 0);
}

static void
gst_dao_e2ee_init (GstDaoE2ee * self)
{
}
