/* gst-dao: GStreamer's depayloaders, and frames that never end
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gstdaoplaindepay.h"

#include <gst/check/gstharness.h>
#include <gst/rtp/rtp.h>
#include <string.h>

typedef struct
{
  GstDaoCodec codec;
  const gchar *caps;
  guint8 first, next, last;     /* payload descriptors of one byte */
  guint8 frame;                 /* byte 0 of a key frame */
} Codec;

/* RFC 7741, 4.2: S; RFC 9628, 4.2: B and E */
static const Codec vp8 = { GST_DAO_CODEC_VP8, "application/x-rtp,media=video,"
      "clock-rate=90000,encoding-name=VP8,payload=96", 0x10, 0x00, 0x00, 0x00 };
static const Codec vp9 = { GST_DAO_CODEC_VP9, "application/x-rtp,media=video,"
      "clock-rate=90000,encoding-name=VP9,payload=98", 0x08, 0x00, 0x04, 0x82 };

/* What the depayloader has of what it was given */
static gint packets_alive;
static guint max_alive;

static void
packet_gone (gpointer unused, GstMiniObject * packet)
{
  packets_alive--;
}

static void
push_packet (GstHarness * h, guint n, guint8 descriptor, guint8 data,
    gsize size, gboolean marker)
{
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  GstBuffer *packet = gst_rtp_buffer_new_allocate (size, 0, 0);
  guint8 *payload;

  gst_rtp_buffer_map (packet, GST_MAP_WRITE, &rtp);
  gst_rtp_buffer_set_seq (&rtp, n);
  gst_rtp_buffer_set_timestamp (&rtp, 3000);
  gst_rtp_buffer_set_ssrc (&rtp, 7);
  gst_rtp_buffer_set_payload_type (&rtp, 96);
  gst_rtp_buffer_set_marker (&rtp, marker);
  payload = gst_rtp_buffer_get_payload (&rtp);
  memset (payload, 0, size);
  payload[0] = descriptor;
  payload[1] = data;
  gst_rtp_buffer_unmap (&rtp);
  packets_alive++;
  /* The payload is what lives on: a part of this memory. */
  gst_mini_object_weak_ref (GST_MINI_OBJECT (gst_buffer_peek_memory (packet,
              gst_buffer_n_memory (packet) - 1)), packet_gone, NULL);
  gst_harness_push (h, packet);
  max_alive = MAX (max_alive, (guint) packets_alive);
}

static GstHarness *
start (const Codec * codec)
{
  GstElement *depay = gst_dao_plain_depay_new (codec->codec);
  GstHarness *h = gst_harness_new_with_element (depay, "sink", "src");

  gst_object_unref (depay);
  packets_alive = max_alive = 0;
  gst_harness_set_src_caps_str (h, codec->caps);
  return h;
}

static void
never_ends (const Codec * codec, gsize size, guint limit)
{
  GstHarness *h = start (codec);
  guint i;

  push_packet (h, 0, codec->first, codec->frame, size, FALSE);
  for (i = 1; i < 4 * limit; i++)
    push_packet (h, i, codec->next, 1, size, FALSE);
  g_assert_cmpuint (max_alive, <=, limit + 1);
  g_assert_cmpuint (max_alive, >=, limit - limit / 10);
  g_assert_cmpuint (gst_harness_buffers_received (h), ==, 0);
  /* A frame that ends comes through all the same. */
  push_packet (h, i++, codec->first, codec->frame, 100, FALSE);
  push_packet (h, i++, codec->last, 1, 100, TRUE);
  push_packet (h, i++, codec->first, codec->frame, 100, FALSE);
  push_packet (h, i++, codec->last, 1, 100, TRUE);
  g_assert_cmpuint (gst_harness_buffers_received (h), >=, 1);
  gst_harness_teardown (h);
}

static void
test_guard_endless_frame (gconstpointer codec)
{
  never_ends (codec, 1200, GST_DAO_FRAME_MAX_BYTES / 1212);
}

static void
test_guard_endless_small_packets (gconstpointer codec)
{
  never_ends (codec, 3, GST_DAO_FRAME_MAX_PACKETS);
}

/* Markers end frames: any number of them is fine. */
static void
test_frames_that_end (void)
{
  GstHarness *h = start (&vp8);
  guint i, n = 2 * GST_DAO_FRAME_MAX_PACKETS;

  for (i = 0; i < n; i++)
    push_packet (h, i, i % 2 ? vp8.last : vp8.first, vp8.frame, 100, i % 2);
  g_assert_cmpuint (gst_harness_buffers_received (h), ==, n / 2);
  gst_harness_teardown (h);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/plain-depay/guard-endless-frame/vp8", &vp8,
      test_guard_endless_frame);
  g_test_add_data_func ("/plain-depay/guard-endless-frame/vp9", &vp9,
      test_guard_endless_frame);
  g_test_add_data_func ("/plain-depay/guard-endless-small-packets", &vp8,
      test_guard_endless_small_packets);
  g_test_add_func ("/plain-depay/frames-that-end", test_frames_that_end);
  return g_test_run ();
}
