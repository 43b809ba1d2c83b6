/* gst-dao: encrypts encoded frames
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
/**
 * SECTION:element-daoe2eeenc
 * @title: daoe2eeenc
 * @short_description: encrypts encoded frames, end to end
 *
 * Takes encoded frames, one a buffer, and gives each out as one encrypted
 * buffer: 8 bytes counter, ciphertext and 16 bytes tag of AES-256-GCM. The
 * ciphertext has caps of its own, so that no parser, decoder or payloader of
 * the codec can be plugged to it; `rtpdaopay` carries it over RTP.
 *
 * Without a key every frame is dropped: clear media never passes. Material
 * that any encryptor of the process has used before is refused with an ERROR,
 * since it would repeat (key, IV) pairs.
 *
 * At 80 % of `rekey-frames` or `rekey-bytes` the element message
 * `dao-rekey-needed` (frames, bytes: guint64) is posted, at 100 % frames are
 * dropped until there is another key. Keys of a call (`keys`) change by
 * themselves and need none of that.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=30 ! vp8enc deadline=1 ! daoe2eeenc key-material=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b ! fakesink
 * ]| Encrypts video.
 * |[
 * gst-launch-1.0 audiotestsrc num-buffers=50 ! opusenc ! daoe2eeenc key-material=100102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b ! daoe2eedec key-material=100102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b ! opusdec ! fakesink
 * ]| Encrypts audio and decrypts it again.
 *
 * Since: 0.1
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaoe2eeenc.h"

#include <gst/video/video.h>
#include <string.h>

GST_DEBUG_CATEGORY_STATIC (gst_dao_e2ee_enc_debug);
#define GST_CAT_DEFAULT gst_dao_e2ee_enc_debug

struct _GstDaoE2eeEnc
{
  GstDaoE2ee parent;

  /* object lock */
  guint64 rekey_frames;
  guint64 rekey_bytes;
  guint64 dropped_limit;
};

enum
{
  PROP_0,
  PROP_KEYS,
  PROP_REKEY_FRAMES,
  PROP_REKEY_BYTES,
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_DAO_E2EE_CLEAR_CAPS));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_DAO_E2EE_CIPHER_CAPS));

G_DEFINE_TYPE_WITH_CODE (GstDaoE2eeEnc, gst_dao_e2ee_enc, GST_TYPE_DAO_E2EE,
    GST_DEBUG_CATEGORY_INIT (gst_dao_e2ee_enc_debug, "daoe2eeenc", 0,
        "encryption of encoded frames"));
GST_ELEMENT_REGISTER_DEFINE (daoe2eeenc, "daoe2eeenc", GST_RANK_NONE,
    GST_TYPE_DAO_E2EE_ENC);

/* --- keys --- */

static GObject *
gst_dao_e2ee_enc_new_handle (GstDaoE2ee * base, const guint8 * material,
    DaoFrameFormat format, GError ** error)
{
  if (format == DAO_FRAME_FORMAT_V1)
    return (GObject *) dao_frame_sender_new_v1_material (material, error);
  return (GObject *) dao_frame_sender_new_sdk (material, error);
}

static void
apply_limits (GstDaoE2eeEnc * self, DaoFrameSender * sender)
{
  guint64 frames, bytes;

  GST_OBJECT_LOCK (self);
  frames = self->rekey_frames;
  bytes = self->rekey_bytes;
  GST_OBJECT_UNLOCK (self);
  dao_frame_sender_set_limits (sender, frames, bytes);
}

static gboolean
gst_dao_e2ee_enc_take_handle (GstDaoE2ee * base, GObject * handle,
    GError ** error)
{
  if (!dao_frame_sender_claim (DAO_FRAME_SENDER (handle), error))
    return FALSE;
  apply_limits (GST_DAO_E2EE_ENC (base), DAO_FRAME_SENDER (handle));
  return TRUE;
}

static DaoFrameFormat
gst_dao_e2ee_enc_get_format (GObject * handle)
{
  return dao_frame_sender_get_format (DAO_FRAME_SENDER (handle));
}

/* --- caps --- */

/* What of clear caps is worth knowing before a frame is decrypted; never streamheader or codec_data. */
static gboolean
gst_dao_e2ee_enc_set_caps (GstDaoE2ee * base, GstCaps * caps,
    GstDaoE2eeCodec codec)
{
  static const gchar *const fields[] = { "rate", "channels", "width",
    "height"
  };
  GstStructure *clear = gst_caps_get_structure (caps, 0);
  GstCaps *cipher = gst_dao_e2ee_codec_new_cipher_caps (codec);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (fields); i++) {
    gint value;

    if (gst_structure_get_int (clear, fields[i], &value))
      gst_caps_set_simple (cipher, fields[i], G_TYPE_INT, value, NULL);
  }
  GST_DEBUG_OBJECT (base, "output caps %" GST_PTR_FORMAT, cipher);
  i = gst_pad_push_event (gst_dao_e2ee_get_srcpad (base),
      gst_event_new_caps (cipher));
  gst_caps_unref (cipher);
  return i;
}

/* --- frames --- */

/* OpusHead and OpusTags of a demuxer: no decoder of RTP expects them as a frame */
static gboolean
is_opus_header (GstBuffer * frame)
{
  return GST_BUFFER_FLAG_IS_SET (frame, GST_BUFFER_FLAG_HEADER)
      && (gst_buffer_memcmp (frame, 0, "OpusHead", 8) == 0
      || gst_buffer_memcmp (frame, 0, "OpusTags", 8) == 0);
}

static void
post_rekey_needed (GstDaoE2eeEnc * self, DaoFrameSender * sender)
{
  guint64 frames, bytes;

  dao_frame_sender_get_position (sender, NULL, &frames, &bytes);
  GST_INFO_OBJECT (self, "new key needed");
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self),
          gst_structure_new ("dao-rekey-needed", "frames", G_TYPE_UINT64,
              frames, "bytes", G_TYPE_UINT64, bytes, NULL)));
}

/* @memory becomes the content of @frame, in @frame itself if nobody else holds it: that saves a new buffer and a copy
 * of its metadata for each frame. */
static GstBuffer *
with_memory (GstBuffer * frame, GstMemory * memory)
{
  GstBuffer *out;

  if (gst_buffer_is_writable (frame)) {
    gst_buffer_replace_all_memory (frame, memory);
    return frame;
  }
  out = gst_buffer_new ();
  gst_buffer_copy_into (out, frame, GST_BUFFER_COPY_METADATA, 0, -1);
  gst_buffer_append_memory (out, memory);
  gst_buffer_unref (frame);
  return out;
}

static GstFlowReturn
cannot_seal (GstDaoE2eeEnc * self, DaoFrameResult result, GstBuffer * frame)
{
  GError *error;
  GstFlowReturn flow;

  gst_buffer_unref (frame);
  gst_dao_e2ee_count_drop (GST_DAO_E2EE (self),
      result == DAO_FRAME_LIMIT ? &self->dropped_limit : NULL);
  if (result == DAO_FRAME_LIMIT) {
    GST_LOG_OBJECT (self, "key used up, frame dropped");
    return GST_FLOW_OK;
  }
  error = g_error_new_literal (DAO_FRAME_ERROR, DAO_FRAME_ERROR_REUSED,
      "A frame could not be encrypted, or its key has been used before");
  flow = gst_dao_e2ee_fail (GST_DAO_E2EE (self), error);
  g_error_free (error);
  return flow;
}

/* The frames before the key came are lost to the peer: save it the round trip of asking for a key frame. */
static void
resume_after_drop (GstDaoE2eeEnc * self, GstBuffer * frame)
{
  if (GST_BUFFER_FLAG_IS_SET (frame, GST_BUFFER_FLAG_DELTA_UNIT))
    gst_pad_push_event (gst_dao_e2ee_get_sinkpad (GST_DAO_E2EE (self)),
        gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE,
            FALSE, 0));
  GST_BUFFER_FLAG_SET (frame, GST_BUFFER_FLAG_DISCONT);
}

static GstFlowReturn
gst_dao_e2ee_enc_process (GstDaoE2ee * base, GstBuffer * frame)
{
  GstDaoE2eeEnc *self = GST_DAO_E2EE_ENC (base);
  DaoFrameSender *sender = (DaoFrameSender *) gst_dao_e2ee_get_handle (base);
  GstDaoE2eeCodec codec = gst_dao_e2ee_get_codec (base);
  /* Browsers read this bit as the VP8 frame type, and then repair losses right. */
  gboolean delta = codec == GST_DAO_E2EE_CODEC_VP8
      && GST_BUFFER_FLAG_IS_SET (frame, GST_BUFFER_FLAG_DELTA_UNIT);
  gboolean rekey_needed = FALSE;
  DaoFrameResult result = DAO_FRAME_FAILED;
  GstMapInfo in, out;
  GstMemory *memory;
  gsize size;

  if (G_UNLIKELY (codec == GST_DAO_E2EE_CODEC_OPUS && is_opus_header (frame))) {
    gst_buffer_unref (frame);
    return GST_FLOW_OK;
  }

  if (!gst_buffer_map (frame, &in, GST_MAP_READ))
    return cannot_seal (self, DAO_FRAME_FAILED, frame);
  size = in.size;
  memory = gst_allocator_alloc (NULL, size + DAO_FRAME_OVERHEAD, NULL);
  if (memory != NULL && gst_memory_map (memory, &out, GST_MAP_WRITE)) {
    result = dao_frame_sender_seal (sender, delta, in.data, size, out.data,
        &rekey_needed);
    gst_memory_unmap (memory, &out);
  }
  gst_buffer_unmap (frame, &in);

  if (G_UNLIKELY (rekey_needed))
    post_rekey_needed (self, sender);
  if (G_UNLIKELY (result != DAO_FRAME_OK)) {
    g_clear_pointer (&memory, gst_memory_unref);
    return cannot_seal (self, result, frame);
  }

  frame = with_memory (frame, memory);
  if (G_UNLIKELY (gst_dao_e2ee_take_gap (base)))
    resume_after_drop (self, frame);
  GST_OBJECT_LOCK (self);
  gst_dao_e2ee_count_frame (base, size);
  GST_OBJECT_UNLOCK (self);
  return gst_pad_push (gst_dao_e2ee_get_srcpad (base), frame);
}

/* --- object --- */

static void
gst_dao_e2ee_enc_fill_stats (GstDaoE2ee * base, GstStructure * stats)
{
  DaoFrameSender *sender = (DaoFrameSender *) gst_dao_e2ee_get_handle (base);
  guint32 epoch = 0;

  if (sender != NULL)
    dao_frame_sender_get_position (sender, &epoch, NULL, NULL);
  gst_structure_set (stats, "dropped-limit", G_TYPE_UINT64,
      GST_DAO_E2EE_ENC (base)->dropped_limit, "epoch", G_TYPE_UINT, epoch,
      NULL);
}

static void
set_limit (GstDaoE2eeEnc * self, guint64 * limit, guint64 value)
{
  GObject *handle;

  GST_OBJECT_LOCK (self);
  *limit = value;
  handle = gst_dao_e2ee_get_handle (GST_DAO_E2EE (self));
  if (handle != NULL)
    g_object_ref (handle);
  GST_OBJECT_UNLOCK (self);

  if (handle != NULL) {
    apply_limits (self, DAO_FRAME_SENDER (handle));
    g_object_unref (handle);
  }
}

static void
gst_dao_e2ee_enc_set_property (GObject * object, guint id,
    const GValue * value, GParamSpec * pspec)
{
  GstDaoE2eeEnc *self = GST_DAO_E2EE_ENC (object);

  switch (id) {
    case PROP_KEYS:
      gst_dao_e2ee_set_keys (GST_DAO_E2EE (self), g_value_get_object (value));
      break;
    case PROP_REKEY_FRAMES:
      set_limit (self, &self->rekey_frames, g_value_get_uint64 (value));
      break;
    case PROP_REKEY_BYTES:
      set_limit (self, &self->rekey_bytes, g_value_get_uint64 (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
gst_dao_e2ee_enc_get_property (GObject * object, guint id, GValue * value,
    GParamSpec * pspec)
{
  GstDaoE2eeEnc *self = GST_DAO_E2EE_ENC (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_REKEY_FRAMES:
      g_value_set_uint64 (value, self->rekey_frames);
      break;
    case PROP_REKEY_BYTES:
      g_value_set_uint64 (value, self->rekey_bytes);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_dao_e2ee_enc_class_init (GstDaoE2eeEncClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstDaoE2eeClass *base_class = GST_DAO_E2EE_CLASS (klass);

  object_class->set_property = gst_dao_e2ee_enc_set_property;
  object_class->get_property = gst_dao_e2ee_enc_get_property;
  base_class->new_handle = gst_dao_e2ee_enc_new_handle;
  base_class->take_handle = gst_dao_e2ee_enc_take_handle;
  base_class->get_format = gst_dao_e2ee_enc_get_format;
  base_class->set_caps = gst_dao_e2ee_enc_set_caps;
  base_class->process = gst_dao_e2ee_enc_process;
  base_class->fill_stats = gst_dao_e2ee_enc_fill_stats;

  g_object_class_install_property (object_class, PROP_KEYS,
      gst_dao_e2ee_keys_param_spec (DAO_TYPE_FRAME_SENDER));
  g_object_class_install_property (object_class, PROP_REKEY_FRAMES,
      g_param_spec_uint64 ("rekey-frames", "Rekey frames",
          "Frames a key may encrypt", 1, DAO_FRAME_MAX_FRAMES,
          DAO_FRAME_MAX_FRAMES, G_PARAM_READWRITE | G_PARAM_CONSTRUCT |
          G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  g_object_class_install_property (object_class, PROP_REKEY_BYTES,
      g_param_spec_uint64 ("rekey-bytes", "Rekey bytes",
          "Bytes (ciphertext and tags) a key may encrypt", 1,
          DAO_FRAME_MAX_BYTES, DAO_FRAME_MAX_BYTES, G_PARAM_READWRITE |
          G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "End-to-end frame encryptor", "Codec/Encryptor",
      "Encrypts encoded frames with AES-256-GCM",
      "gst-dao authors");
}

static void
gst_dao_e2ee_enc_init (GstDaoE2eeEnc * self)
{
}
