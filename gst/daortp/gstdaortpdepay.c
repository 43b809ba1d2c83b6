/* gst-dao: RTP depayloader for encrypted frames
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
/**
 * SECTION:element-rtpdaodepay
 * @title: rtpdaodepay
 * @see_also: rtpdaopay, daoe2eedec
 *
 * Takes encrypted VP8, VP9 and Opus frames out of RTP packets: one buffer out is
 * one whole frame. The packets must come in order, as from rtpjitterbuffer;
 * packets that come late or twice are dropped.
 *
 * A video frame that misses a packet is dropped. The next one has
 * %GST_BUFFER_FLAG_DISCONT, and so has one whose PictureID shows that frames
 * before it never came. Asking the sender for a key frame is left to the
 * decryptor, which knows which frames need one. Lost packets go downstream as GAP
 * events.
 *
 * %GST_BUFFER_FLAG_DELTA_UNIT is set for VP9, whose descriptor says it. For VP8 it
 * stands in the encrypted part and the decryptor sets it.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 fakesrc num-buffers=30 format=time do-timestamp=true sizetype=fixed sizemax=3000 ! application/x-dao-e2ee,media=video,encoding-name=VP9 ! rtpdaopay ! rtpdaodepay ! fakesink
 * ]|
 * Splits frames of 3000 bytes into packets and puts them together again.
 * |[
 * gst-launch-1.0 fakesrc num-buffers=30 format=time do-timestamp=true sizetype=fixed sizemax=160 ! application/x-dao-e2ee,media=audio,encoding-name=OPUS ! rtpdaopay ! rtpdaodepay ! application/x-dao-e2ee,encoding-name=OPUS ! fakesink
 * ]|
 * The same for audio frames, one packet each.
 *
 * Since: 0.1
 */
#include "gstdaortpdepay.h"

#include <gst/base/gstadapter.h>
#include <gst/rtp/rtp.h>

#include "gstdaortpcaps.h"
#include "gstdaortpdescriptor.h"

GST_DEBUG_CATEGORY_STATIC (gst_dao_rtp_depay_debug);
#define GST_CAT_DEFAULT gst_dao_rtp_depay_debug

/* A sender that never ends a frame must not fill the memory. More than an
 * uncompressed picture of 1920x1080 (3.1 MB): no encoder makes a larger frame. */
#define MAX_FRAME_BYTES (4 * 1024 * 1024)
/* Every packet costs some hundred bytes besides its data. The largest frame in
 * packets of 512 bytes; nobody sends smaller ones but for the last of a frame. */
#define MAX_FRAME_PACKETS (MAX_FRAME_BYTES / 512)

struct _GstDaoRtpDepay
{
  GstRTPBaseDepayload parent;

  GstDaoRtpCodec codec;

  /* the frame that is being put together */
  GstAdapter *adapter;
  gboolean collecting;
  guint packets;
  guint32 rtp_time;
  GstClockTime pts;
  GstDaoRtpDescriptor first;    /* of its first packet */

  gboolean discont;             /* frames were lost before the next output */
  gboolean have_last;
  GstDaoRtpDescriptor last;     /* of the frame before */
  guint32 last_rtp_time;

  guint64 frames_dropped;       /* under the object lock */
};

enum
{
  PROP_0,
  PROP_FRAMES_DROPPED,
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_DAO_RTP_DEPAY_CAPS));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_DAO_RTP_CIPHERTEXT_CAPS));

G_DEFINE_FINAL_TYPE_WITH_CODE (GstDaoRtpDepay, gst_dao_rtp_depay,
    GST_TYPE_RTP_BASE_DEPAYLOAD,
    GST_DEBUG_CATEGORY_INIT (gst_dao_rtp_depay_debug, "rtpdaodepay", 0,
        "RTP depayloader for encrypted frames"));
GST_ELEMENT_REGISTER_DEFINE (rtpdaodepay, "rtpdaodepay", GST_RANK_NONE,
    GST_TYPE_DAO_RTP_DEPAY);

static void
clear_frame (GstDaoRtpDepay * self)
{
  gst_adapter_clear (self->adapter);
  self->collecting = FALSE;
  self->packets = 0;
}

static void
reset (GstDaoRtpDepay * self)
{
  clear_frame (self);
  self->discont = FALSE;
  self->have_last = FALSE;
}

/* The frame that is being put together will never be whole. */
static void
drop_frame (GstDaoRtpDepay * self, const gchar * why)
{
  if (self->collecting) {
    GST_DEBUG_OBJECT (self, "dropping a frame: %s", why);
    GST_OBJECT_LOCK (self);
    self->frames_dropped++;
    GST_OBJECT_UNLOCK (self);
  }

  clear_frame (self);
  self->discont = TRUE;
}

static gboolean
gst_dao_rtp_depay_set_caps (GstRTPBaseDepayload * base, GstCaps * caps)
{
  GstDaoRtpDepay *self = GST_DAO_RTP_DEPAY (base);
  gboolean audio;
  GstCaps *out;
  gboolean ret;
  GstDaoRtpCodec codec = gst_dao_rtp_codec_from_caps (caps);

  if (codec == GST_DAO_RTP_CODEC_NONE)
    return FALSE;
  if (codec != self->codec)
    reset (self);
  self->codec = codec;

  audio = codec == GST_DAO_RTP_CODEC_OPUS;
  base->clock_rate = audio ? 48000 : 90000;
  out = gst_caps_new_simple ("application/x-dao-e2ee",
      "media", G_TYPE_STRING, audio ? "audio" : "video",
      "encoding-name", G_TYPE_STRING,
      audio ? "OPUS" : codec == GST_DAO_RTP_CODEC_VP8 ? "VP8" : "VP9", NULL);
  /* RTP always says two channels; how many there are is known after decryption */
  if (audio)
    gst_caps_set_simple (out, "rate", G_TYPE_INT, 48000, NULL);

  ret = gst_pad_set_caps (GST_RTP_BASE_DEPAYLOAD_SRCPAD (base), out);
  gst_caps_unref (out);
  return ret;
}

/* Do the PictureIDs say that frames are missing before the one that begins? The
 * layers of a VP9 picture share one PictureID and one timestamp. */
static gboolean
is_picture_missing (GstDaoRtpDepay * self, const GstDaoRtpDescriptor * next,
    guint32 rtp_time)
{
  guint mask, distance;

  if (!self->have_last || !self->last.has_picture_id || !next->has_picture_id)
    return FALSE;

  /* a sender may go over from 7 to 15 bits */
  mask = MIN (self->last.picture_id_mask, next->picture_id_mask);
  distance = (next->picture_id - self->last.picture_id) & mask;
  if (distance == 0)
    return rtp_time != self->last_rtp_time;
  return distance != 1;
}

static void
start_frame (GstDaoRtpDepay * self, GstRTPBuffer * rtp,
    const GstDaoRtpDescriptor * descriptor)
{
  guint32 rtp_time = gst_rtp_buffer_get_timestamp (rtp);

  if (is_picture_missing (self, descriptor, rtp_time)) {
    GST_DEBUG_OBJECT (self, "PictureID %u follows %u", descriptor->picture_id,
        self->last.picture_id);
    self->discont = TRUE;
  }

  self->collecting = TRUE;
  self->packets = 0;
  self->rtp_time = rtp_time;
  self->pts = GST_BUFFER_PTS (rtp->buffer);
  self->first = *descriptor;

  self->have_last = TRUE;
  self->last = *descriptor;
  self->last_rtp_time = rtp_time;
}

/* NULL if there is nothing in it */
static GstBuffer *
finish_frame (GstDaoRtpDepay * self)
{
  gsize size = gst_adapter_available (self->adapter);
  GstBuffer *frame;

  if (size == 0) {
    drop_frame (self, "empty");
    return NULL;
  }

  frame = gst_buffer_make_writable (gst_adapter_take_buffer (self->adapter,
          size));
  /* those of the packet say nothing about the frame */
  GST_BUFFER_FLAG_UNSET (frame, GST_BUFFER_FLAG_DISCONT |
      GST_BUFFER_FLAG_MARKER | GST_BUFFER_FLAG_DELTA_UNIT);
  GST_BUFFER_PTS (frame) = self->pts;
  GST_BUFFER_DTS (frame) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_DURATION (frame) = GST_CLOCK_TIME_NONE;
  if (self->first.delta)
    GST_BUFFER_FLAG_SET (frame, GST_BUFFER_FLAG_DELTA_UNIT);
  if (self->discont)
    GST_BUFFER_FLAG_SET (frame, GST_BUFFER_FLAG_DISCONT);

  self->discont = FALSE;
  clear_frame (self);
  return frame;
}

static gboolean
parse_descriptor (GstDaoRtpDepay * self, GstRTPBuffer * rtp,
    GstDaoRtpDescriptor * descriptor)
{
  const guint8 *payload = gst_rtp_buffer_get_payload (rtp);
  guint size = gst_rtp_buffer_get_payload_len (rtp);

  if (self->codec == GST_DAO_RTP_CODEC_VP8)
    return gst_dao_rtp_vp8_descriptor_parse (payload, size, descriptor);
  return gst_dao_rtp_vp9_descriptor_parse (payload, size, descriptor);
}

/* Does the packet go on with the frame that is being put together? The packets are
 * without a gap here; only a sender that breaks the rules gets a FALSE. */
static gboolean
continues_frame (GstDaoRtpDepay * self, guint32 rtp_time,
    const GstDaoRtpDescriptor * descriptor)
{
  return rtp_time == self->rtp_time &&
      descriptor->has_picture_id == self->first.has_picture_id &&
      descriptor->picture_id == self->first.picture_id;
}

/* A frame begins while another one has not ended. No packet is missing between
 * them, so the earlier one is whole if the time has moved on: its sender just sets
 * no marker. */
static void
end_frame_without_marker (GstDaoRtpDepay * self, guint32 rtp_time)
{
  GstBuffer *frame;

  if (rtp_time == self->rtp_time) {
    drop_frame (self, "it begins twice");
    return;
  }

  frame = finish_frame (self);
  if (frame != NULL)
    gst_rtp_base_depayload_push (GST_RTP_BASE_DEPAYLOAD (self), frame);
}

static gboolean
append_packet (GstDaoRtpDepay * self, GstRTPBuffer * rtp, gsize header)
{
  gsize size = gst_rtp_buffer_get_payload_len (rtp) - header;

  if (size == 0)
    return TRUE;
  if (gst_adapter_available (self->adapter) + size > MAX_FRAME_BYTES ||
      self->packets == MAX_FRAME_PACKETS)
    return FALSE;

  self->packets++;
  gst_adapter_push (self->adapter,
      gst_rtp_buffer_get_payload_subbuffer (rtp, header, size));
  return TRUE;
}

static GstBuffer *
process_video (GstDaoRtpDepay * self, GstRTPBuffer * rtp)
{
  GstDaoRtpDescriptor descriptor;
  guint32 rtp_time = gst_rtp_buffer_get_timestamp (rtp);

  if (gst_rtp_buffer_get_payload_len (rtp) == 0)
    return NULL;                /* padding, sent to probe the bandwidth */

  if (!parse_descriptor (self, rtp, &descriptor)) {
    drop_frame (self, "malformed descriptor");
    return NULL;
  }

  if (descriptor.start) {
    if (self->collecting)
      end_frame_without_marker (self, rtp_time);
    start_frame (self, rtp, &descriptor);
  } else if (!self->collecting) {
    GST_DEBUG_OBJECT (self, "skipping the rest of a frame");
    self->discont = TRUE;
    return NULL;
  } else if (!continues_frame (self, rtp_time, &descriptor)) {
    drop_frame (self, "it has no end");
    return NULL;
  }

  if (!append_packet (self, rtp, descriptor.size)) {
    drop_frame (self, "too large");
    return NULL;
  }

  if (descriptor.end || gst_rtp_buffer_get_marker (rtp))
    return finish_frame (self);
  return NULL;
}

static GstBuffer *
process_audio (GstDaoRtpDepay * self, GstRTPBuffer * rtp)
{
  GstBuffer *frame;

  if (gst_rtp_buffer_get_payload_len (rtp) == 0)
    return NULL;

  frame = gst_buffer_make_writable (gst_rtp_buffer_get_payload_buffer (rtp));
  GST_BUFFER_FLAG_UNSET (frame, GST_BUFFER_FLAG_MARKER |
      GST_BUFFER_FLAG_DELTA_UNIT);
  return frame;
}

static GstBuffer *
gst_dao_rtp_depay_process (GstRTPBaseDepayload * base, GstRTPBuffer * rtp)
{
  GstDaoRtpDepay *self = GST_DAO_RTP_DEPAY (base);

  if (self->codec == GST_DAO_RTP_CODEC_OPUS)
    return process_audio (self, rtp);

  /* the base class has found a gap in the sequence numbers or another sender */
  if (GST_BUFFER_IS_DISCONT (rtp->buffer))
    drop_frame (self, "lost packets");
  return process_video (self, rtp);
}

static gboolean
gst_dao_rtp_depay_handle_event (GstRTPBaseDepayload * base, GstEvent * event)
{
  GstDaoRtpDepay *self = GST_DAO_RTP_DEPAY (base);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_STOP:
      reset (self);
      break;
    case GST_EVENT_EOS:
      if (self->collecting)
        drop_frame (self, "the stream ends");
      break;
    default:
      break;
  }

  return GST_RTP_BASE_DEPAYLOAD_CLASS (gst_dao_rtp_depay_parent_class)->
      handle_event (base, event);
}

static GstStateChangeReturn
gst_dao_rtp_depay_change_state (GstElement * element,
    GstStateChange transition)
{
  GstStateChangeReturn ret =
      GST_ELEMENT_CLASS (gst_dao_rtp_depay_parent_class)->change_state (element,
      transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    reset (GST_DAO_RTP_DEPAY (element));

  return ret;
}

static void
gst_dao_rtp_depay_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec)
{
  GstDaoRtpDepay *self = GST_DAO_RTP_DEPAY (object);

  switch (prop_id) {
    case PROP_FRAMES_DROPPED:
      GST_OBJECT_LOCK (self);
      g_value_set_uint64 (value, self->frames_dropped);
      GST_OBJECT_UNLOCK (self);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
}

static void
gst_dao_rtp_depay_finalize (GObject * object)
{
  GstDaoRtpDepay *self = GST_DAO_RTP_DEPAY (object);

  g_object_unref (self->adapter);
  G_OBJECT_CLASS (gst_dao_rtp_depay_parent_class)->finalize (object);
}

static void
gst_dao_rtp_depay_class_init (GstDaoRtpDepayClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstRTPBaseDepayloadClass *base_class = GST_RTP_BASE_DEPAYLOAD_CLASS (klass);

  object_class->get_property = gst_dao_rtp_depay_get_property;
  object_class->finalize = gst_dao_rtp_depay_finalize;

  /**
   * GstDaoRtpDepay:frames-dropped:
   *
   * Video frames of which a part came, but not the whole.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_FRAMES_DROPPED,
      g_param_spec_uint64 ("frames-dropped", "Frames dropped",
          "Video frames of which a part came, but not the whole",
          0, G_MAXUINT64, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "RTP depayloader for encrypted frames", "Codec/Depayloader/Network/RTP",
      "Takes end-to-end encrypted VP8, VP9 and Opus frames out of RTP packets",
      "gst-dao");

  element_class->change_state = gst_dao_rtp_depay_change_state;
  base_class->set_caps = gst_dao_rtp_depay_set_caps;
  base_class->handle_event = gst_dao_rtp_depay_handle_event;
  base_class->process_rtp_packet = gst_dao_rtp_depay_process;
}

static void
gst_dao_rtp_depay_init (GstDaoRtpDepay * self)
{
  self->adapter = gst_adapter_new ();
}
