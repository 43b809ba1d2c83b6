/* gst-dao: decrypts encoded frames
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
/**
 * SECTION:element-daoe2eedec
 * @title: daoe2eedec
 * @short_description: verifies and decrypts encoded frames, end to end
 *
 * The other end of `daoe2eeenc`. Frames that do not verify, that were seen
 * before, or that come without a key here, are dropped and counted in `stats`.
 *
 * What stands in a decrypted frame replaces what the network said about it:
 * DELTA_UNIT is set from the frame itself, and the width and height of the
 * output caps are those of the last key frame, so video caps appear with the
 * first key frame. Opus caps have what a muxer without stream headers needs.
 *
 * A delta frame after a loss (a DISCONT buffer) and before the first key
 * frame is of no use: it is dropped, and a key frame is asked for upstream, at
 * most every 500 ms, until one comes. `gate=false` lets such frames pass.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=30 ! vp8enc deadline=1 ! daoe2eeenc key-material=200102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b ! daoe2eedec key-material=200102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b ! vp8dec ! fakesink
 * ]| Decrypts and decodes video.
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=30 ! vp9enc deadline=1 cpu-used=8 ! daoe2eeenc key-material=300102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b ! daoe2eedec key-material=300102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b ! matroskamux ! fakesink
 * ]| Decrypts video into a file format without decoding it.
 *
 * Since: 0.1
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaoe2eedec.h"

#include "gstdaoframeinfo.h"

#include <gst/video/video.h>

GST_DEBUG_CATEGORY_STATIC (gst_dao_e2ee_dec_debug);
#define GST_CAT_DEFAULT gst_dao_e2ee_dec_debug

#define DEFAULT_GATE TRUE

/* A key frame costs bandwidth, and the peer's encoder limits itself to the same pace. */
#define KEY_REQUEST_INTERVAL (500 * GST_MSECOND)

/* RTP knows Opus only as "opus/48000/2" (RFC 7587). */
#define OPUS_RATE 48000
#define OPUS_CHANNELS 2

struct _GstDaoE2eeDec
{
  GstDaoE2ee parent;

  /* object lock */
  gboolean gate;
  GstClockTime last_authenticated;
  guint64 dropped_auth;
  guint64 dropped_replay;
  guint64 dropped_short;
  guint64 dropped_flags;
  guint64 dropped_epoch;
  guint64 dropped_malformed;
  guint64 dropped_gated;
  guint64 key_requests;

  /* streaming thread */
  GstCaps *cipher_caps;         /* of the sink pad */
  gboolean caps_sent;           /* output caps for cipher_caps' codec are out, and what follows caps */
  guint width;                  /* in the output caps; 0 = unknown */
  guint height;
  gboolean need_key;
  gboolean discont;             /* something is missing before the next output */
  GstClockTime last_request;
};

enum
{
  PROP_0,
  PROP_KEYS,
  PROP_GATE,
  PROP_LAST_AUTHENTICATED,
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_DAO_E2EE_CIPHER_CAPS));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_DAO_E2EE_CLEAR_CAPS));

G_DEFINE_TYPE_WITH_CODE (GstDaoE2eeDec, gst_dao_e2ee_dec, GST_TYPE_DAO_E2EE,
    GST_DEBUG_CATEGORY_INIT (gst_dao_e2ee_dec_debug, "daoe2eedec", 0,
        "decryption of encoded frames"));
GST_ELEMENT_REGISTER_DEFINE (daoe2eedec, "daoe2eedec", GST_RANK_NONE,
    GST_TYPE_DAO_E2EE_DEC);

/* --- keys --- */

static void
tell_codec (GObject * handle, GstDaoE2eeCodec codec)
{
  if (handle != NULL)
    dao_frame_receiver_set_vp8 (DAO_FRAME_RECEIVER (handle),
        codec == GST_DAO_E2EE_CODEC_VP8);
}

static GObject *
gst_dao_e2ee_dec_new_handle (GstDaoE2ee * base, const guint8 * material,
    DaoFrameFormat format, GError ** error)
{
  if (format == DAO_FRAME_FORMAT_V1)
    return (GObject *) dao_frame_receiver_new_v1_material (material);
  return (GObject *) dao_frame_receiver_new_sdk (material);
}

static gboolean
gst_dao_e2ee_dec_take_handle (GstDaoE2ee * base, GObject * handle,
    GError ** error)
{
  GstDaoE2eeCodec codec = gst_dao_e2ee_get_codec (base);

  /* The handle may still serve another element, which knows the codec. */
  if (codec != GST_DAO_E2EE_CODEC_NONE)
    tell_codec (handle, codec);
  return TRUE;
}

static DaoFrameFormat
gst_dao_e2ee_dec_get_format (GObject * handle)
{
  return dao_frame_receiver_get_format (DAO_FRAME_RECEIVER (handle));
}

/* --- caps and events --- */

static gboolean
push_sticky_event (GstPad * pad, GstEvent ** event, gpointer user_data)
{
  GstPad *srcpad = user_data;

  if (GST_EVENT_TYPE (*event) > GST_EVENT_CAPS
      && GST_EVENT_TYPE (*event) != GST_EVENT_EOS)
    gst_pad_push_event (srcpad, gst_event_ref (*event));
  return TRUE;
}

/* SEGMENT and what else comes after CAPS waits on the sink pad for it. */
static void
release_sticky_events (GstDaoE2eeDec * self)
{
  gst_pad_sticky_events_foreach (gst_dao_e2ee_get_sinkpad (GST_DAO_E2EE
          (self)), push_sticky_event,
      gst_dao_e2ee_get_srcpad (GST_DAO_E2EE (self)));
}

static gboolean
push_caps (GstDaoE2eeDec * self, GstCaps * caps)
{
  gboolean ok;

  GST_DEBUG_OBJECT (self, "output caps %" GST_PTR_FORMAT, caps);
  ok = gst_pad_push_event (gst_dao_e2ee_get_srcpad (GST_DAO_E2EE (self)),
      gst_event_new_caps (caps));
  gst_caps_unref (caps);
  if (!self->caps_sent)
    release_sticky_events (self);
  self->caps_sent = TRUE;
  return ok;
}

/* matroskamux takes Opus without stream headers only with all of these. */
static gboolean
push_opus_caps (GstDaoE2eeDec * self)
{
  GstCaps *caps = gst_dao_e2ee_codec_new_clear_caps (GST_DAO_E2EE_CODEC_OPUS);
  gint channels = OPUS_CHANNELS;

  gst_structure_get_int (gst_caps_get_structure (self->cipher_caps, 0),
      "channels", &channels);
  gst_caps_set_simple (caps, "rate", G_TYPE_INT, OPUS_RATE, "channels",
      G_TYPE_INT, CLAMP (channels, 1, OPUS_CHANNELS),
      "channel-mapping-family", G_TYPE_INT, 0, NULL);
  return push_caps (self, caps);
}

/* @info: of a frame that verified */
static gboolean
push_video_caps (GstDaoE2eeDec * self, const GstDaoFrameInfo * info)
{
  GstDaoE2eeCodec codec = gst_dao_e2ee_get_codec (GST_DAO_E2EE (self));
  GstCaps *caps;

  if (self->caps_sent && (!info->key || (info->width == self->width
              && info->height == self->height)))
    return TRUE;

  caps = gst_dao_e2ee_codec_new_clear_caps (codec);
  /* An ungated delta frame that comes first has no size. */
  if (info->key)
    gst_caps_set_simple (caps, "width", G_TYPE_INT, (gint) info->width,
        "height", G_TYPE_INT, (gint) info->height, NULL);
  self->width = info->width;
  self->height = info->height;
  return push_caps (self, caps);
}

static gboolean
gst_dao_e2ee_dec_set_caps (GstDaoE2ee * base, GstCaps * caps,
    GstDaoE2eeCodec codec)
{
  GstDaoE2eeDec *self = GST_DAO_E2EE_DEC (base);
  gboolean same = self->cipher_caps != NULL
      && gst_dao_e2ee_codec_from_caps (self->cipher_caps) == codec;

  gst_caps_replace (&self->cipher_caps, caps);
  tell_codec (gst_dao_e2ee_get_handle (base), codec);
  if (codec == GST_DAO_E2EE_CODEC_OPUS)
    return push_opus_caps (self);

  /* The size that counts stands in the key frames. */
  if (!same) {
    self->caps_sent = FALSE;
    self->need_key = TRUE;
    self->width = self->height = 0;
  }
  return TRUE;
}

static void
reset_stream (GstDaoE2eeDec * self)
{
  self->need_key = TRUE;
  self->discont = FALSE;
  self->last_request = GST_CLOCK_TIME_NONE;
}

static gboolean
gst_dao_e2ee_dec_sink_event (GstDaoE2ee * base, GstEvent * event)
{
  GstDaoE2eeDec *self = GST_DAO_E2EE_DEC (base);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      break;
    case GST_EVENT_FLUSH_STOP:
      reset_stream (self);
      break;
    case GST_EVENT_EOS:
      if (!self->caps_sent)
        release_sticky_events (self);
      break;
    case GST_EVENT_GAP:
      if (!self->caps_sent) {
        gst_event_unref (event);
        return TRUE;
      }
      break;
    default:
      /* release_sticky_events() finds it on the sink pad */
      if (GST_EVENT_IS_STICKY (event) && !self->caps_sent) {
        gst_event_unref (event);
        return TRUE;
      }
      break;
  }
  return gst_pad_event_default (gst_dao_e2ee_get_sinkpad (base),
      GST_OBJECT (self), event);
}

/* --- key frames --- */

static GstClockTime
get_time (GstDaoE2eeDec * self)
{
  GstClock *clock = gst_element_get_clock (GST_ELEMENT (self));
  GstClockTime time;

  if (clock == NULL)
    return gst_util_get_timestamp ();
  time = gst_clock_get_time (clock);
  gst_object_unref (clock);
  return time;
}

static void
request_key_frame (GstDaoE2eeDec * self)
{
  GstClockTime now = get_time (self);
  guint64 count;

  /* A time in the future is of another clock. */
  if (GST_CLOCK_TIME_IS_VALID (self->last_request)
      && now >= self->last_request
      && now - self->last_request < KEY_REQUEST_INTERVAL)
    return;
  self->last_request = now;

  GST_OBJECT_LOCK (self);
  count = self->key_requests++;
  GST_OBJECT_UNLOCK (self);
  GST_DEBUG_OBJECT (self, "asking for a key frame");
  /* all-headers FALSE becomes PLI, TRUE would become FIR */
  gst_pad_push_event (gst_dao_e2ee_get_sinkpad (GST_DAO_E2EE (self)),
      gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE, FALSE,
          count));
}

/* Returns: whether a verified frame may go out */
static gboolean
pass_gate (GstDaoE2eeDec * self, gboolean key)
{
  gboolean gate;

  if (key) {
    self->need_key = FALSE;
    self->last_request = GST_CLOCK_TIME_NONE;
    return TRUE;
  }
  if (!self->need_key)
    return TRUE;

  request_key_frame (self);
  GST_OBJECT_LOCK (self);
  gate = self->gate;
  GST_OBJECT_UNLOCK (self);
  return !gate;
}

/* --- frames --- */

static GstFlowReturn
drop (GstDaoE2eeDec * self, guint64 * why, GstBuffer * frame)
{
  gst_dao_e2ee_count_drop (GST_DAO_E2EE (self), why);
  gst_buffer_unref (frame);
  return GST_FLOW_OK;
}

static GstFlowReturn
drop_unverified (GstDaoE2eeDec * self, DaoFrameResult result,
    GstBuffer * frame)
{
  GST_LOG_OBJECT (self, "frame dropped: %s",
      dao_frame_result_to_string (result));
  switch (result) {
    case DAO_FRAME_SHORT:
      return drop (self, &self->dropped_short, frame);
    case DAO_FRAME_REPLAY:
      return drop (self, &self->dropped_replay, frame);
    case DAO_FRAME_FLAGS:
      return drop (self, &self->dropped_flags, frame);
    case DAO_FRAME_EPOCH_AHEAD:
    case DAO_FRAME_EPOCH_OLD:
      return drop (self, &self->dropped_epoch, frame);
    default:
      return drop (self, &self->dropped_auth, frame);
  }
}

/* Decrypts in the frame's own memory: nobody else holds it. What does not verify is dropped by the caller. */
static DaoFrameResult
open_in_place (DaoFrameReceiver * receiver, gint64 now_ms, GstBuffer * frame,
    GstDaoE2eeCodec codec, GstDaoFrameInfo * info, gboolean * parsed)
{
  DaoFrameResult result = DAO_FRAME_AUTH;
  GstMapInfo map;

  if (!gst_buffer_map (frame, &map, GST_MAP_READWRITE))
    return result;
  result = dao_frame_receiver_open (receiver, now_ms, map.data, map.size,
      map.data + DAO_FRAME_HEADER_SIZE);
  if (result == DAO_FRAME_OK)
    *parsed = gst_dao_frame_info_parse (codec,
        map.data + DAO_FRAME_HEADER_SIZE, map.size - DAO_FRAME_OVERHEAD,
        info);
  gst_buffer_unmap (frame, &map);
  if (result == DAO_FRAME_OK)
    gst_buffer_resize (frame, DAO_FRAME_HEADER_SIZE,
        map.size - DAO_FRAME_OVERHEAD);
  return result;
}

/* A frame that someone else looks at as well: the clear one gets memory of its own. */
static DaoFrameResult
open_copy (DaoFrameReceiver * receiver, gint64 now_ms, GstBuffer ** frame,
    GstDaoE2eeCodec codec, GstDaoFrameInfo * info, gboolean * parsed)
{
  DaoFrameResult result = DAO_FRAME_AUTH;
  GstBuffer *clear;
  GstMapInfo in, out;
  gsize size;

  if (!gst_buffer_map (*frame, &in, GST_MAP_READ))
    return result;
  /* one byte at least: an empty frame maps to no address */
  size = in.size > DAO_FRAME_OVERHEAD ? in.size - DAO_FRAME_OVERHEAD : 0;
  clear = gst_buffer_new_allocate (NULL, MAX (size, 1), NULL);
  gst_buffer_map (clear, &out, GST_MAP_WRITE);
  result = dao_frame_receiver_open (receiver, now_ms, in.data, in.size,
      out.data);
  if (result == DAO_FRAME_OK)
    *parsed = gst_dao_frame_info_parse (codec, out.data, size, info);
  gst_buffer_unmap (clear, &out);
  gst_buffer_unmap (*frame, &in);

  if (result != DAO_FRAME_OK) {
    gst_buffer_unref (clear);
    return result;
  }
  gst_buffer_set_size (clear, size);
  gst_buffer_copy_into (clear, *frame, GST_BUFFER_COPY_METADATA, 0, -1);
  gst_buffer_unref (*frame);
  *frame = clear;
  return result;
}

/* Returns: the counter of the reason why a verified frame must not go out, NULL if it may */
static guint64 *
refuse_video (GstDaoE2eeDec * self, const GstDaoFrameInfo * info,
    gboolean parsed)
{
  if (!parsed) {
    /* What refers to it cannot be shown either. */
    self->need_key = TRUE;
    return &self->dropped_malformed;
  }
  return pass_gate (self, info->key) ? NULL : &self->dropped_gated;
}

/* The frame itself says what it is, not who carried it. */
static void
set_frame_type (GstBuffer * frame, gboolean key)
{
  if (key)
    GST_BUFFER_FLAG_UNSET (frame, GST_BUFFER_FLAG_DELTA_UNIT);
  else
    GST_BUFFER_FLAG_SET (frame, GST_BUFFER_FLAG_DELTA_UNIT);
}

static GstFlowReturn
refused_caps (GstDaoE2eeDec * self, GstBuffer * frame)
{
  GstPad *srcpad = gst_dao_e2ee_get_srcpad (GST_DAO_E2EE (self));

  gst_buffer_unref (frame);
  return GST_PAD_IS_FLUSHING (srcpad) ? GST_FLOW_FLUSHING
      : GST_FLOW_NOT_NEGOTIATED;
}

static GstFlowReturn
gst_dao_e2ee_dec_process (GstDaoE2ee * base, GstBuffer * frame)
{
  GstDaoE2eeDec *self = GST_DAO_E2EE_DEC (base);
  DaoFrameReceiver *receiver =
      (DaoFrameReceiver *) gst_dao_e2ee_get_handle (base);
  GstDaoE2eeCodec codec = gst_dao_e2ee_get_codec (base);
  gint64 now_us = g_get_monotonic_time ();
  GstDaoFrameInfo info = { FALSE, 0, 0 };
  gboolean parsed = FALSE;
  DaoFrameResult result;

  /* Loss is a fact about the stream, whether or not this frame verifies. */
  if (GST_BUFFER_FLAG_IS_SET (frame, GST_BUFFER_FLAG_DISCONT)) {
    self->need_key = TRUE;
    self->discont = TRUE;
  }

  if (gst_buffer_is_writable (frame))
    result = open_in_place (receiver, now_us / 1000, frame, codec, &info,
        &parsed);
  else
    result = open_copy (receiver, now_us / 1000, &frame, codec, &info,
        &parsed);
  if (G_UNLIKELY (result != DAO_FRAME_OK))
    return drop_unverified (self, result, frame);

  GST_OBJECT_LOCK (self);
  gst_dao_e2ee_count_frame (base, gst_buffer_get_size (frame));
  self->last_authenticated = now_us * GST_USECOND;
  GST_OBJECT_UNLOCK (self);

  if (codec == GST_DAO_E2EE_CODEC_OPUS) {
    set_frame_type (frame, TRUE);
  } else {
    guint64 *why = refuse_video (self, &info, parsed);

    if (why != NULL) {
      self->discont = TRUE;
      return drop (self, why, frame);
    }
    if (!push_video_caps (self, &info))
      return refused_caps (self, frame);
    set_frame_type (frame, info.key);
  }
  if (self->discont)
    GST_BUFFER_FLAG_SET (frame, GST_BUFFER_FLAG_DISCONT);
  self->discont = FALSE;
  return gst_pad_push (gst_dao_e2ee_get_srcpad (base), frame);
}

/* --- object --- */

static void
gst_dao_e2ee_dec_fill_stats (GstDaoE2ee * base, GstStructure * stats)
{
  GstDaoE2eeDec *self = GST_DAO_E2EE_DEC (base);

  gst_structure_set (stats,
      "dropped-auth", G_TYPE_UINT64, self->dropped_auth,
      "dropped-replay", G_TYPE_UINT64, self->dropped_replay,
      "dropped-short", G_TYPE_UINT64, self->dropped_short,
      "dropped-flags", G_TYPE_UINT64, self->dropped_flags,
      "dropped-epoch", G_TYPE_UINT64, self->dropped_epoch,
      "dropped-malformed", G_TYPE_UINT64, self->dropped_malformed,
      "dropped-gated", G_TYPE_UINT64, self->dropped_gated,
      "key-requests", G_TYPE_UINT64, self->key_requests, NULL);
}

static void
gst_dao_e2ee_dec_start (GstDaoE2ee * base)
{
  GstDaoE2eeDec *self = GST_DAO_E2EE_DEC (base);

  gst_caps_replace (&self->cipher_caps, NULL);
  self->caps_sent = FALSE;
  self->width = self->height = 0;
  reset_stream (self);
}

static void
gst_dao_e2ee_dec_set_property (GObject * object, guint id,
    const GValue * value, GParamSpec * pspec)
{
  GstDaoE2eeDec *self = GST_DAO_E2EE_DEC (object);

  switch (id) {
    case PROP_KEYS:
      gst_dao_e2ee_set_keys (GST_DAO_E2EE (self), g_value_get_object (value));
      break;
    case PROP_GATE:
      GST_OBJECT_LOCK (self);
      self->gate = g_value_get_boolean (value);
      GST_OBJECT_UNLOCK (self);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
gst_dao_e2ee_dec_get_property (GObject * object, guint id, GValue * value,
    GParamSpec * pspec)
{
  GstDaoE2eeDec *self = GST_DAO_E2EE_DEC (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_GATE:
      g_value_set_boolean (value, self->gate);
      break;
    case PROP_LAST_AUTHENTICATED:
      g_value_set_uint64 (value, self->last_authenticated);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_dao_e2ee_dec_finalize (GObject * object)
{
  gst_caps_replace (&GST_DAO_E2EE_DEC (object)->cipher_caps, NULL);
  G_OBJECT_CLASS (gst_dao_e2ee_dec_parent_class)->finalize (object);
}

static void
gst_dao_e2ee_dec_class_init (GstDaoE2eeDecClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstDaoE2eeClass *base_class = GST_DAO_E2EE_CLASS (klass);

  object_class->set_property = gst_dao_e2ee_dec_set_property;
  object_class->get_property = gst_dao_e2ee_dec_get_property;
  object_class->finalize = gst_dao_e2ee_dec_finalize;
  base_class->new_handle = gst_dao_e2ee_dec_new_handle;
  base_class->take_handle = gst_dao_e2ee_dec_take_handle;
  base_class->get_format = gst_dao_e2ee_dec_get_format;
  base_class->set_caps = gst_dao_e2ee_dec_set_caps;
  base_class->process = gst_dao_e2ee_dec_process;
  base_class->sink_event = gst_dao_e2ee_dec_sink_event;
  base_class->fill_stats = gst_dao_e2ee_dec_fill_stats;
  base_class->start = gst_dao_e2ee_dec_start;

  g_object_class_install_property (object_class, PROP_KEYS,
      gst_dao_e2ee_keys_param_spec (DAO_TYPE_FRAME_RECEIVER));
  g_object_class_install_property (object_class, PROP_GATE,
      g_param_spec_boolean ("gate", "Gate",
          "Drop delta frames from a loss until the next key frame",
          DEFAULT_GATE, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
  g_object_class_install_property (object_class, PROP_LAST_AUTHENTICATED,
      g_param_spec_uint64 ("last-authenticated", "Last authenticated",
          "Monotonic time (ns) of the last frame that verified; "
          "GST_CLOCK_TIME_NONE: none yet", 0, G_MAXUINT64,
          GST_CLOCK_TIME_NONE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "End-to-end frame decryptor", "Codec/Decryptor",
      "Verifies and decrypts frames of AES-256-GCM", "gst-dao authors");
}

static void
gst_dao_e2ee_dec_init (GstDaoE2eeDec * self)
{
  self->gate = DEFAULT_GATE;
  self->last_authenticated = GST_CLOCK_TIME_NONE;
  reset_stream (self);
}
