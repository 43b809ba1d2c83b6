/* gst-dao: RTP payloader for encrypted frames
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
/**
 * SECTION:element-rtpdaopay
 * @title: rtpdaopay
 * @see_also: rtpdaodepay, daoe2eeenc
 *
 * Puts encrypted VP8, VP9 and Opus frames into RTP packets: one buffer in is one
 * frame. Stock payloaders look into the frame and so cannot carry ciphertext.
 *
 * Video frames are split so that no packet is larger than #GstRTPBasePayload:mtu,
 * RTP header, payload descriptor and header extensions included. The descriptors
 * are those that browsers send: the first packet of a frame starts it, the RTP
 * marker ends it, and the PictureID has 15 bits, begins at a random number and
 * counts frames. A VP9 frame is marked as depending on others if its buffer has
 * %GST_BUFFER_FLAG_DELTA_UNIT.
 *
 * RFC 7587 knows no fragments of an Opus packet, so an audio frame is always one
 * packet. One that does not fit into the MTU is dropped and counted: as IP
 * fragments it would not arrive on many networks, and nobody would know why. The
 * largest frame of standard Opus is 1275 bytes; encrypted it fits the default MTU.
 *
 * Header extensions (extmap-N in the caps downstream) are written by the base
 * class.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 fakesrc num-buffers=30 format=time do-timestamp=true sizetype=fixed sizemax=3000 ! application/x-dao-e2ee,media=video,encoding-name=VP8 ! rtpdaopay ! rtpdaodepay ! fakesink
 * ]|
 * Splits frames of 3000 bytes into packets and puts them together again.
 * |[
 * gst-launch-1.0 fakesrc num-buffers=30 format=time do-timestamp=true sizetype=fixed sizemax=160 ! application/x-dao-e2ee,media=audio,encoding-name=OPUS,rate=48000,channels=2 ! rtpdaopay pt=111 ! fakesink
 * ]|
 * Sends audio frames, one packet each.
 *
 * Since: 0.1
 */
#include "gstdaortppay.h"

#include <gst/rtp/rtp.h>

#include "gstdaortpcaps.h"
#include "gstdaortpdescriptor.h"

GST_DEBUG_CATEGORY_STATIC (gst_dao_rtp_pay_debug);
#define GST_CAT_DEFAULT gst_dao_rtp_pay_debug

#define DEFAULT_PICTURE_ID_OFFSET -1

/* RFC 8285: four bytes in front of all extensions, one in front of each */
#define EXTENSION_HEADER_SIZE 4
#define EXTENSION_MAX_SIZE 16   /* of an element with a one-byte header */

struct _GstDaoRtpPay
{
  GstRTPBasePayload parent;

  GstDaoRtpCodec codec;
  guint extension_size;         /* room that header extensions take */
  guint picture_id;             /* of the next frame */

  /* under the object lock */
  gint picture_id_offset;
  guint64 frames_dropped;
};

enum
{
  PROP_0,
  PROP_PICTURE_ID_OFFSET,
  PROP_FRAMES_DROPPED,
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_DAO_RTP_CIPHERTEXT_CAPS));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_DAO_RTP_CAPS));

G_DEFINE_FINAL_TYPE_WITH_CODE (GstDaoRtpPay, gst_dao_rtp_pay,
    GST_TYPE_RTP_BASE_PAYLOAD,
    GST_DEBUG_CATEGORY_INIT (gst_dao_rtp_pay_debug, "rtpdaopay", 0,
        "RTP payloader for encrypted frames"));
GST_ELEMENT_REGISTER_DEFINE (rtpdaopay, "rtpdaopay", GST_RANK_NONE,
    GST_TYPE_DAO_RTP_PAY);

/* Bytes of the content of an extension that is known here, else the most. */
static guint
extension_content_size (const gchar * uri)
{
  static const struct
  {
    const gchar *uri;
    guint size;
  } known[] = {
    {GST_RTP_HDREXT_BASE "ssrc-audio-level", 1},
    {"http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", 3},
    {"http://www.ietf.org/id/"
          "draft-holmer-rmcat-transport-wide-cc-extensions-01", 2},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (known); i++) {
    if (g_strcmp0 (uri, known[i].uri) == 0)
      return known[i].size;
  }

  return EXTENSION_MAX_SIZE;
}

/* The base class adds extensions to packets that are already cut to size, so room
 * for them has to be left here. */
static guint
extension_size_from_caps (GstCaps * caps)
{
  GstStructure *s = gst_caps_get_structure (caps, 0);
  guint size = 0;
  gint i;

  for (i = 0; i < gst_structure_n_fields (s); i++) {
    const gchar *name = gst_structure_nth_field_name (s, i);

    if (g_str_has_prefix (name, "extmap-"))
      size += 1 + extension_content_size (gst_structure_get_string (s, name));
  }

  return size == 0 ? 0 : GST_ROUND_UP_4 (EXTENSION_HEADER_SIZE + size);
}

static void
update_extension_size (GstDaoRtpPay * self)
{
  GstCaps *caps =
      gst_pad_get_current_caps (GST_RTP_BASE_PAYLOAD_SRCPAD (self));

  self->extension_size = 0;
  if (caps != NULL) {
    self->extension_size = extension_size_from_caps (caps);
    gst_caps_unref (caps);
  }
}

static gboolean
gst_dao_rtp_pay_set_caps (GstRTPBasePayload * base, GstCaps * caps)
{
  GstDaoRtpPay *self = GST_DAO_RTP_PAY (base);
  gboolean ret;

  self->codec = gst_dao_rtp_codec_from_caps (caps);
  switch (self->codec) {
    case GST_DAO_RTP_CODEC_VP8:
      gst_rtp_base_payload_set_options (base, "video", TRUE, "VP8", 90000);
      break;
    case GST_DAO_RTP_CODEC_VP9:
      gst_rtp_base_payload_set_options (base, "video", TRUE, "VP9", 90000);
      break;
    case GST_DAO_RTP_CODEC_OPUS:
      gst_rtp_base_payload_set_options (base, "audio", TRUE, "OPUS", 48000);
      break;
    default:
      return FALSE;
  }

  /* RFC 7587 section 7: always "opus/48000/2", whatever the frames hold */
  if (self->codec == GST_DAO_RTP_CODEC_OPUS)
    ret = gst_rtp_base_payload_set_outcaps (base, "encoding-params",
        G_TYPE_STRING, "2", NULL);
  else
    ret = gst_rtp_base_payload_set_outcaps (base, NULL);

  update_extension_size (self);
  return ret;
}

/* What downstream can take decides what may come in. */
static GstCaps *
gst_dao_rtp_pay_get_caps (GstRTPBasePayload * base, GstPad * pad,
    GstCaps * filter)
{
  GstCaps *rtp, *result, *template;
  guint i;

  rtp = gst_pad_get_pad_template_caps (base->srcpad);
  result = gst_pad_peer_query_caps (base->srcpad, rtp);
  gst_caps_unref (rtp);

  rtp = gst_caps_make_writable (result);
  result = gst_caps_new_empty ();
  for (i = 0; i < gst_caps_get_size (rtp); i++) {
    GstStructure *in = gst_caps_get_structure (rtp, i);
    GstStructure *out = gst_structure_new_empty ("application/x-dao-e2ee");
    const GValue *value;

    if ((value = gst_structure_get_value (in, "media")) != NULL)
      gst_structure_set_value (out, "media", value);
    if ((value = gst_structure_get_value (in, "encoding-name")) != NULL)
      gst_structure_set_value (out, "encoding-name", value);
    result = gst_caps_merge_structure (result, out);
  }
  gst_caps_unref (rtp);

  template = gst_pad_get_pad_template_caps (base->sinkpad);
  rtp = gst_caps_intersect_full (template, result, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref (template);
  gst_caps_unref (result);
  if (filter == NULL)
    return rtp;

  result = gst_caps_intersect_full (filter, rtp, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref (rtp);
  return result;
}

static void
start_picture_ids (GstDaoRtpPay * self)
{
  gint offset;

  GST_OBJECT_LOCK (self);
  offset = self->picture_id_offset;
  GST_OBJECT_UNLOCK (self);

  self->picture_id = offset < 0 ?
      g_random_int () & GST_DAO_RTP_PICTURE_ID_MASK : (guint) offset;
}

/* takes ownership of @buffer */
static void
drop_frame (GstDaoRtpPay * self, GstBuffer * buffer)
{
  GST_OBJECT_LOCK (self);
  self->frames_dropped++;
  GST_OBJECT_UNLOCK (self);
  gst_buffer_unref (buffer);
}

/* Bytes of a frame that one packet holds besides @descriptor_size; 0 if none. */
static guint
get_room (GstDaoRtpPay * self, GstBuffer * buffer, guint descriptor_size)
{
  GstRTPBasePayload *base = GST_RTP_BASE_PAYLOAD (self);
  guint overhead =
      gst_rtp_buffer_calc_header_len (gst_rtp_base_payload_get_source_count
      (base, buffer)) + self->extension_size + descriptor_size;
  guint mtu = GST_RTP_BASE_PAYLOAD_MTU (base);

  return mtu > overhead ? mtu - overhead : 0;
}

/* A packet without the frame's data: the header and room for the descriptor. */
static GstBuffer *
make_packet (GstDaoRtpPay * self, GstBuffer * frame, guint descriptor_size)
{
  GstBuffer *packet =
      gst_rtp_base_payload_allocate_output_buffer (GST_RTP_BASE_PAYLOAD (self),
      descriptor_size, 0, 0);

  GST_BUFFER_PTS (packet) = GST_BUFFER_PTS (frame);
  GST_BUFFER_DTS (packet) = GST_BUFFER_DTS (frame);
  return packet;
}

static void
write_descriptor (GstDaoRtpPay * self, GstBuffer * packet, gboolean first,
    gboolean last, gboolean delta)
{
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  guint8 *descriptor;

  gst_rtp_buffer_map (packet, GST_MAP_READWRITE, &rtp);
  descriptor = gst_rtp_buffer_get_payload (&rtp);
  if (self->codec == GST_DAO_RTP_CODEC_VP8)
    gst_dao_rtp_vp8_descriptor_write (descriptor, first, self->picture_id);
  else
    gst_dao_rtp_vp9_descriptor_write (descriptor, first, last, delta,
        self->picture_id);
  gst_rtp_buffer_set_marker (&rtp, last);
  gst_rtp_buffer_unmap (&rtp);
}

/* The data is not copied, the packet shares it. */
static GstBuffer *
append_data (GstBuffer * packet, GstBuffer * frame, gsize offset, gsize size)
{
  return gst_buffer_append (packet,
      gst_buffer_copy_region (frame, GST_BUFFER_COPY_MEMORY, offset, size));
}

/* takes ownership of @buffer */
static GstFlowReturn
push_video (GstDaoRtpPay * self, GstBuffer * buffer)
{
  guint descriptor_size = self->codec == GST_DAO_RTP_CODEC_VP8 ?
      GST_DAO_RTP_VP8_DESCRIPTOR_SIZE : GST_DAO_RTP_VP9_DESCRIPTOR_SIZE;
  guint room = get_room (self, buffer, descriptor_size);
  gboolean delta = GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  gsize size = gst_buffer_get_size (buffer), offset = 0;
  GstBufferList *list;

  if (room == 0) {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, (NULL),
        ("An mtu of %u leaves no room for data",
            GST_RTP_BASE_PAYLOAD_MTU (self)));
    gst_buffer_unref (buffer);
    return GST_FLOW_ERROR;
  }

  list = gst_buffer_list_new_sized ((size + room - 1) / room);
  while (offset < size) {
    gsize part = MIN (room, size - offset);
    gboolean first = offset == 0, last = offset + part == size;
    GstBuffer *packet = make_packet (self, buffer, descriptor_size);

    write_descriptor (self, packet, first, last, delta);
    packet = append_data (packet, buffer, offset, part);
    if (delta)
      GST_BUFFER_FLAG_SET (packet, GST_BUFFER_FLAG_DELTA_UNIT);
    if (last)
      GST_BUFFER_FLAG_SET (packet, GST_BUFFER_FLAG_MARKER);
    if (first && GST_BUFFER_IS_DISCONT (buffer))
      GST_BUFFER_FLAG_SET (packet, GST_BUFFER_FLAG_DISCONT);
    gst_buffer_list_add (list, packet);
    offset += part;
  }
  gst_buffer_unref (buffer);

  self->picture_id = (self->picture_id + 1) & GST_DAO_RTP_PICTURE_ID_MASK;
  return gst_rtp_base_payload_push_list (GST_RTP_BASE_PAYLOAD (self), list);
}

/* takes ownership of @buffer */
static GstFlowReturn
push_audio (GstDaoRtpPay * self, GstBuffer * buffer)
{
  gsize size = gst_buffer_get_size (buffer);
  guint room = get_room (self, buffer, 0);
  GstBuffer *packet;

  if (size > room) {
    GST_ELEMENT_WARNING (self, STREAM, ENCODE, (NULL),
        ("Dropped an audio frame of %" G_GSIZE_FORMAT " bytes: only %u fit "
            "into one packet", size, room));
    drop_frame (self, buffer);
    return GST_FLOW_OK;
  }

  packet = append_data (make_packet (self, buffer, 0), buffer, 0, size);
  GST_BUFFER_DURATION (packet) = GST_BUFFER_DURATION (buffer);
  if (GST_BUFFER_IS_DISCONT (buffer))
    GST_BUFFER_FLAG_SET (packet, GST_BUFFER_FLAG_DISCONT);
  gst_buffer_unref (buffer);

  return gst_rtp_base_payload_push (GST_RTP_BASE_PAYLOAD (self), packet);
}

static GstFlowReturn
gst_dao_rtp_pay_handle_buffer (GstRTPBasePayload * base, GstBuffer * buffer)
{
  GstDaoRtpPay *self = GST_DAO_RTP_PAY (base);

  if (gst_buffer_get_size (buffer) == 0) {
    GST_DEBUG_OBJECT (self, "dropping an empty frame");
    drop_frame (self, buffer);
    return GST_FLOW_OK;
  }

  if (self->codec == GST_DAO_RTP_CODEC_OPUS)
    return push_audio (self, buffer);
  return push_video (self, buffer);
}

static GstStateChangeReturn
gst_dao_rtp_pay_change_state (GstElement * element, GstStateChange transition)
{
  GstDaoRtpPay *self = GST_DAO_RTP_PAY (element);

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    start_picture_ids (self);

  return GST_ELEMENT_CLASS (gst_dao_rtp_pay_parent_class)->change_state
      (element, transition);
}

static void
gst_dao_rtp_pay_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstDaoRtpPay *self = GST_DAO_RTP_PAY (object);

  switch (prop_id) {
    case PROP_PICTURE_ID_OFFSET:
      GST_OBJECT_LOCK (self);
      self->picture_id_offset = g_value_get_int (value);
      GST_OBJECT_UNLOCK (self);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
}

static void
gst_dao_rtp_pay_get_property (GObject * object, guint prop_id, GValue * value,
    GParamSpec * pspec)
{
  GstDaoRtpPay *self = GST_DAO_RTP_PAY (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_PICTURE_ID_OFFSET:
      g_value_set_int (value, self->picture_id_offset);
      break;
    case PROP_FRAMES_DROPPED:
      g_value_set_uint64 (value, self->frames_dropped);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_dao_rtp_pay_class_init (GstDaoRtpPayClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstRTPBasePayloadClass *base_class = GST_RTP_BASE_PAYLOAD_CLASS (klass);

  object_class->set_property = gst_dao_rtp_pay_set_property;
  object_class->get_property = gst_dao_rtp_pay_get_property;

  /**
   * GstDaoRtpPay:picture-id-offset:
   *
   * The PictureID of the first video frame, -1 for a random one. Read when the
   * element goes to PAUSED.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_PICTURE_ID_OFFSET,
      g_param_spec_int ("picture-id-offset", "PictureID offset",
          "PictureID of the first video frame (-1 = random)",
          -1, GST_DAO_RTP_PICTURE_ID_MASK, DEFAULT_PICTURE_ID_OFFSET,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));

  /**
   * GstDaoRtpPay:frames-dropped:
   *
   * Frames that were empty, and audio frames that do not fit into one packet.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_FRAMES_DROPPED,
      g_param_spec_uint64 ("frames-dropped", "Frames dropped",
          "Frames that were empty, and audio frames larger than one packet",
          0, G_MAXUINT64, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "RTP payloader for encrypted frames", "Codec/Payloader/Network/RTP",
      "Puts end-to-end encrypted VP8, VP9 and Opus frames into RTP packets",
      "gst-dao");

  element_class->change_state = gst_dao_rtp_pay_change_state;
  base_class->get_caps = gst_dao_rtp_pay_get_caps;
  base_class->set_caps = gst_dao_rtp_pay_set_caps;
  base_class->handle_buffer = gst_dao_rtp_pay_handle_buffer;
}

static void
gst_dao_rtp_pay_init (GstDaoRtpPay * self)
{
  self->picture_id_offset = DEFAULT_PICTURE_ID_OFFSET;
}
