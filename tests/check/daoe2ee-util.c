/* gst-dao: helpers of the tests of daoe2eeenc and daoe2eedec
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "daoe2ee-util.h"

#include <gst/video/video.h>
#include <sodium.h>

#include "dao-encoding.h"

/* --- frames that look like the codec's --- */

/* RFC 6386, 9.1: tag, start code, width and height */
GstBuffer *
vp8_key (guint width, guint height)
{
  guint8 head[] = { 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, width & 0xff,
    width >> 8, height & 0xff, height >> 8, 1, 2, 3
  };

  return gst_buffer_new_memdup (head, sizeof (head));
}

GstBuffer *
vp8_delta (void)
{
  static const guint8 head[] = { 0x11, 0x02, 0x00, 4, 5, 6 };
  GstBuffer *buffer = gst_buffer_new_memdup (head, sizeof (head));

  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  return buffer;
}

GstBuffer *
opus_frame (guint8 value)
{
  guint8 frame[160];

  memset (frame, value, sizeof (frame));
  return gst_buffer_new_memdup (frame, sizeof (frame));
}

GstBuffer *
with_pts (GstBuffer * buffer, GstClockTime pts)
{
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = 20 * GST_MSECOND;
  return buffer;
}

/* --- keys: every test has its own, the process remembers them --- */

gchar *
new_hex (void)
{
  guint8 material[DAO_FRAME_MATERIAL_SIZE];

  randombytes_buf (material, sizeof (material));
  return dao_hex_encode (material, sizeof (material));
}

GstHarness *
new_enc (const gchar * hex, const gchar * caps)
{
  GstHarness *h = gst_harness_new ("daoe2eeenc");

  if (hex != NULL)
    g_object_set (h->element, "key-material", hex, NULL);
  gst_harness_set_src_caps_str (h, caps);
  return h;
}

GstHarness *
new_dec (const gchar * hex, const gchar * caps)
{
  GstHarness *h = gst_harness_new ("daoe2eedec");

  if (hex != NULL)
    g_object_set (h->element, "key-material", hex, NULL);
  gst_harness_set_src_caps_str (h, caps);
  return h;
}

/* Watches an element that is in no pipeline. */
GstBus *
watch (GstHarness * h)
{
  GstBus *bus = gst_bus_new ();

  gst_element_set_bus (h->element, bus);
  return bus;
}

void
unwatch (GstHarness * h, GstBus * bus)
{
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
}

void
assert_error (GstBus * bus, gint code)
{
  GstMessage *message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  GError *error;
  gchar *debug;

  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, &debug);
  fail_unless (g_error_matches (error, GST_RESOURCE_ERROR, code),
      "%s", error->message);
  g_error_free (error);
  g_free (debug);
  gst_message_unref (message);
}

guint64
stat_of (GstHarness * h, const gchar * name)
{
  GstStructure *stats;
  guint64 value;

  g_object_get (h->element, "stats", &stats, NULL);
  fail_unless (gst_structure_get_uint64 (stats, name, &value), name);
  gst_structure_free (stats);
  return value;
}

void
assert_buffer (GstBuffer * buffer, GstBuffer * expected)
{
  GstMapInfo map;

  fail_unless (buffer != NULL);
  gst_buffer_map (expected, &map, GST_MAP_READ);
  fail_unless_equals_int (gst_buffer_get_size (buffer), map.size);
  fail_unless_equals_int (gst_buffer_memcmp (buffer, 0, map.data, map.size),
      0);
  gst_buffer_unmap (expected, &map);
}

/* The frame, encrypted. */
GstBuffer *
encrypt (GstHarness * enc, GstBuffer * clear)
{
  GstBuffer *out;

  fail_unless_equals_int (gst_harness_push (enc, clear), GST_FLOW_OK);
  out = gst_harness_try_pull (enc);
  fail_unless (out != NULL);
  return out;
}

void
push_ok (GstHarness * h, GstBuffer * buffer)
{
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
}

guint
key_requests (GstHarness * h)
{
  GstEvent *event;
  guint count = 0;

  while ((event = gst_harness_try_pull_upstream_event (h)) != NULL) {
    gboolean all_headers = TRUE;

    if (gst_video_event_is_force_key_unit (event)) {
      fail_unless (gst_video_event_parse_upstream_force_key_unit (event, NULL,
              &all_headers, NULL));
      fail_if (all_headers);
      count++;
    }
    gst_event_unref (event);
  }
  return count;
}
