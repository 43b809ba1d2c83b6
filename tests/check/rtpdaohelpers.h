/* gst-dao: what the tests of rtpdaopay and rtpdaodepay share
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/rtp/rtp.h>

#define MTU 1200
#define VP8_CAPS "application/x-dao-e2ee,media=(string)video,encoding-name=(string)VP8"
#define VP9_CAPS "application/x-dao-e2ee,media=(string)video,encoding-name=(string)VP9"
#define OPUS_CAPS "application/x-dao-e2ee,media=(string)audio,encoding-name=(string)OPUS,rate=48000,channels=2"

static inline const gchar *
rtp_caps (const gchar * name)
{
  if (g_str_equal (name, "OPUS"))
    return "application/x-rtp,media=audio,clock-rate=48000,encoding-name=OPUS";
  if (g_str_equal (name, "VP9"))
    return "application/x-rtp,media=video,clock-rate=90000,encoding-name=VP9";
  return "application/x-rtp,media=video,clock-rate=90000,encoding-name=VP8";
}

static inline GstHarness *
new_pay (const gchar * caps, gint picture_id)
{
  GstHarness *h = gst_harness_new ("rtpdaopay");

  g_object_set (h->element, "mtu", MTU, "pt", 96, "ssrc", 0x01020304u,
      "seqnum-offset", 1000, "timestamp-offset", 0u,
      "picture-id-offset", picture_id, NULL);
  /* the offset is read on the way to PAUSED; the harness is already there */
  gst_element_set_state (h->element, GST_STATE_READY);
  gst_element_set_state (h->element, GST_STATE_PLAYING);
  gst_harness_set_src_caps_str (h, caps);
  return h;
}

static inline GstHarness *
new_depay (const gchar * name)
{
  GstHarness *h = gst_harness_new ("rtpdaodepay");

  gst_harness_set_src_caps_str (h, rtp_caps (name));
  return h;
}

/* the content tells frames and places in a frame apart */
static inline GstBuffer *
new_frame (gsize size, guint index, gboolean delta)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);
  GstMapInfo map;
  gsize i;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (i = 0; i < size; i++)
    map.data[i] = (index * 37 + i * 7 + (i >> 8)) & 0xff;
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = index * 20 * GST_MSECOND;
  if (delta)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  return buffer;
}

static inline void
assert_frame (GstBuffer * buffer, gsize size, guint index)
{
  GstBuffer *expected = new_frame (size, index, FALSE);
  GstMapInfo map;

  fail_unless (buffer != NULL);
  assert_equals_int (gst_buffer_get_size (buffer), size);
  gst_buffer_map (expected, &map, GST_MAP_READ);
  fail_unless (gst_buffer_memcmp (buffer, 0, map.data, map.size) == 0);
  gst_buffer_unmap (expected, &map);
  gst_buffer_unref (expected);
}

/* the packets of @count frames of @size bytes, the first frame is a key frame */
static inline GPtrArray *
make_packets (const gchar * caps, gint picture_id, guint count, gsize size)
{
  GstHarness *h = new_pay (caps, picture_id);
  GPtrArray *packets =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  GstBuffer *packet;
  guint i;

  for (i = 0; i < count; i++)
    assert_equals_int (gst_harness_push (h, new_frame (size, i, i > 0)),
        GST_FLOW_OK);
  while ((packet = gst_harness_try_pull (h)) != NULL)
    g_ptr_array_add (packets, packet);

  gst_harness_teardown (h);
  return packets;
}

static inline GstFlowReturn
push_packet (GstHarness * h, GPtrArray * packets, guint i)
{
  return gst_harness_push (h, gst_buffer_copy (g_ptr_array_index (packets,
              i)));
}

static inline GstBuffer *
new_rtp (guint16 seq, guint32 time, gboolean marker, const guint8 * payload,
    gsize size)
{
  GstBuffer *buffer = gst_rtp_buffer_new_allocate (size, 0, 0);
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;

  gst_rtp_buffer_map (buffer, GST_MAP_READWRITE, &rtp);
  gst_rtp_buffer_set_seq (&rtp, seq);
  gst_rtp_buffer_set_timestamp (&rtp, time);
  gst_rtp_buffer_set_marker (&rtp, marker);
  gst_rtp_buffer_set_payload_type (&rtp, 96);
  gst_rtp_buffer_set_ssrc (&rtp, 7);
  if (size > 0)
    memcpy (gst_rtp_buffer_get_payload (&rtp), payload, size);
  gst_rtp_buffer_unmap (&rtp);
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (time, GST_SECOND, 90000);
  return buffer;
}

#define push_rtp(h, seq, time, marker, ...) G_STMT_START { \
    const guint8 bytes[] = { __VA_ARGS__ }; \
    assert_equals_int (gst_harness_push (h, new_rtp (seq, time, marker, bytes, \
                sizeof (bytes))), GST_FLOW_OK); \
  } G_STMT_END

static inline void
assert_output (GstHarness * h, guint8 first_byte, gsize size, gboolean discont)
{
  GstBuffer *buffer = gst_harness_try_pull (h);
  guint8 byte = 0;

  fail_unless (buffer != NULL);
  gst_buffer_extract (buffer, 0, &byte, 1);
  assert_equals_int_hex (byte, first_byte);
  assert_equals_int (gst_buffer_get_size (buffer), size);
  assert_equals_int (! !GST_BUFFER_IS_DISCONT (buffer), discont);
  gst_buffer_unref (buffer);
}

static inline void
assert_no_output (GstHarness * h)
{
  fail_unless (gst_harness_try_pull (h) == NULL);
}

static inline guint64
frames_dropped (GstHarness * h)
{
  guint64 dropped;

  g_object_get (h->element, "frames-dropped", &dropped, NULL);
  return dropped;
}
