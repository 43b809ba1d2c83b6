/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaoplaindepay.h"

/* RFC 3550, 5.1: the first bit of the second byte */
#define MARKER 0x80

/* Of the frame that is being collected; only the streaming thread looks. */
typedef struct
{
  gsize bytes;
  guint packets;
} Frame;

static gboolean
fits (Frame * frame, GstBuffer * packet)
{
  guint8 second = 0;

  frame->bytes += gst_buffer_get_size (packet);
  frame->packets++;
  if (frame->bytes > GST_DAO_FRAME_MAX_BYTES
      || frame->packets > GST_DAO_FRAME_MAX_PACKETS) {
    frame->bytes = frame->packets = 0;
    return FALSE;
  }
  if (gst_buffer_extract (packet, 1, &second, 1) == 1 && second & MARKER)
    frame->bytes = frame->packets = 0;
  return TRUE;
}

static gboolean
filter_list_item (GstBuffer ** packet, guint index, gpointer frame)
{
  if (!fits (frame, *packet))
    gst_clear_buffer (packet);
  return TRUE;
}

static GstPadProbeReturn
on_packet (GstPad * pad, GstPadProbeInfo * info, gpointer frame)
{
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
    GstBufferList *list =
        gst_buffer_list_make_writable (GST_PAD_PROBE_INFO_BUFFER_LIST (info));

    gst_buffer_list_foreach (list, filter_list_item, frame);
    GST_PAD_PROBE_INFO_DATA (info) = list;
    return gst_buffer_list_length (list) ? GST_PAD_PROBE_OK :
        GST_PAD_PROBE_DROP;
  }
  return fits (frame, GST_PAD_PROBE_INFO_BUFFER (info)) ? GST_PAD_PROBE_OK :
      GST_PAD_PROBE_DROP;
}

static const gchar *
factory_name (GstDaoCodec codec)
{
  switch (codec) {
    case GST_DAO_CODEC_VP8:
      return "rtpvp8depay";
    case GST_DAO_CODEC_VP9:
      return "rtpvp9depay";
    default:
      return "rtpopusdepay";
  }
}

GstElement *
gst_dao_plain_depay_new (GstDaoCodec codec)
{
  GstElement *depay = gst_element_factory_make (factory_name (codec), NULL);
  GstPad *sink;

  if (!depay || codec == GST_DAO_CODEC_OPUS)
    return depay;
  /* What the decryptor does for encrypted frames */
  g_object_set (depay, "request-keyframe", TRUE, "wait-for-keyframe", TRUE,
      NULL);
  sink = gst_element_get_static_pad (depay, "sink");
  gst_pad_add_probe (sink,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, on_packet,
      g_new0 (Frame, 1), g_free);
  gst_object_unref (sink);
  return depay;
}
