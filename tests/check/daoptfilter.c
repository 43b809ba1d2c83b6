/* gst-dao: the payload-type filter
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gstdaoptfilter.h"

typedef struct
{
  GstElement *rtpbin;           /* all that matters of one: its pads */
  GstDaoPtFilter *filter;
  guint passed;
} Fixture;

static GstFlowReturn
count (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  ++*(guint *) gst_pad_get_element_private (pad);
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static GstFlowReturn
count_list (GstPad * pad, GstObject * parent, GstBufferList * list)
{
  *(guint *) gst_pad_get_element_private (pad) +=
      gst_buffer_list_length (list);
  gst_buffer_list_unref (list);
  return GST_FLOW_OK;
}

static GstPad *
add_pad (Fixture * f, const gchar * name)
{
  GstPad *pad = gst_pad_new (name, GST_PAD_SINK);
  GstSegment segment;

  gst_pad_set_element_private (pad, &f->passed);
  gst_pad_set_chain_function (pad, count);
  gst_pad_set_chain_list_function (pad, count_list);
  gst_pad_set_active (pad, TRUE);
  gst_element_add_pad (f->rtpbin, pad);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_send_event (pad, gst_event_new_stream_start (name));
  gst_pad_send_event (pad, gst_event_new_segment (&segment));
  return pad;
}

static void
set_up (Fixture * f)
{
  f->rtpbin = gst_object_ref_sink (gst_bin_new (NULL));
  f->filter = gst_dao_pt_filter_new (f->rtpbin);
  f->passed = 0;
}

static void
tear_down (Fixture * f)
{
  gst_object_unref (f->rtpbin);
  gst_dao_pt_filter_unref (f->filter);
}

static GstBuffer *
packet (guint8 second)
{
  guint8 data[12] = { 0x80, second };

  return gst_buffer_new_memdup (data, sizeof (data));
}

static gboolean
passes (Fixture * f, GstPad * pad, GstBuffer * buffer)
{
  guint before = f->passed;

  gst_pad_chain (pad, buffer);
  return f->passed > before;
}

static void
test_only_what_is_allowed (void)
{
  Fixture f;
  GstPad *pad, *second;
  guint pt;

  set_up (&f);
  pad = add_pad (&f, "recv_rtp_sink_0");
  for (pt = 0; pt < 128; pt++)
    g_assert_false (passes (&f, pad, packet (pt)));
  g_assert_cmpuint (gst_dao_pt_filter_get_dropped (f.filter), ==, 128);
  gst_dao_pt_filter_allow (f.filter, 111);
  gst_dao_pt_filter_allow (f.filter, 0);
  gst_dao_pt_filter_allow (f.filter, 63);
  /* no payload type at all */
  gst_dao_pt_filter_allow (f.filter, 128);
  gst_dao_pt_filter_allow (f.filter, 111 + 128);
  /* every session, whenever it comes */
  second = add_pad (&f, "recv_rtp_sink_1");
  for (pt = 0; pt < 256; pt++) {
    gboolean ok = (pt & 0x7f) == 111 || (pt & 0x7f) == 0 || (pt & 0x7f) == 63;

    g_assert_cmpint (passes (&f, pad, packet (pt)), ==, ok);
    g_assert_cmpint (passes (&f, second, packet (pt)), ==, ok);
  }
  tear_down (&f);
}

static void
test_short_packets (void)
{
  Fixture f;
  GstPad *pad;

  set_up (&f);
  pad = add_pad (&f, "recv_rtp_sink_0");
  gst_dao_pt_filter_allow (f.filter, 0);
  g_assert_false (passes (&f, pad, gst_buffer_new ()));
  g_assert_false (passes (&f, pad, gst_buffer_new_memdup ("\x80", 1)));
  tear_down (&f);
}

/* A list of up to 15 in each packet, and rtpsession remembers all. */
static void
test_guard_contributing_sources (void)
{
  Fixture f;
  GstPad *pad;
  guint n;

  set_up (&f);
  pad = add_pad (&f, "recv_rtp_sink_0");
  gst_dao_pt_filter_allow (f.filter, 111);
  for (n = 0; n < 16; n++) {
    GstBuffer *buffer = packet (111);

    /* padding and extension bits are others */
    gst_buffer_memset (buffer, 0, 0xb0 | n, 1);
    g_assert_cmpint (passes (&f, pad, buffer), ==, n == 0);
  }
  tear_down (&f);
}

/* RTCP has no payload type of RTP's. */
static void
test_rtcp_passes (void)
{
  Fixture f;

  set_up (&f);
  g_assert_true (passes (&f, add_pad (&f, "recv_rtcp_sink_0"), packet (200)));
  tear_down (&f);
}

static void
test_buffer_lists (void)
{
  static const guint8 pts[] = { 111, 96, 111 | 0x80, 97, 97 };
  Fixture f;
  GstPad *pad;
  GstBufferList *list = gst_buffer_list_new ();
  guint i;

  set_up (&f);
  pad = add_pad (&f, "recv_rtp_sink_0");
  gst_dao_pt_filter_allow (f.filter, 111);
  for (i = 0; i < G_N_ELEMENTS (pts); i++)
    gst_buffer_list_add (list, packet (pts[i]));
  gst_pad_chain_list (pad, list);
  g_assert_cmpuint (f.passed, ==, 2);
  g_assert_cmpuint (gst_dao_pt_filter_get_dropped (f.filter), ==, 3);
  list = gst_buffer_list_new ();
  gst_buffer_list_add (list, packet (96));
  gst_pad_chain_list (pad, list);
  g_assert_cmpuint (f.passed, ==, 2);
  tear_down (&f);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pt-filter/only-what-is-allowed",
      test_only_what_is_allowed);
  g_test_add_func ("/pt-filter/guard-contributing-sources",
      test_guard_contributing_sources);
  g_test_add_func ("/pt-filter/short-packets", test_short_packets);
  g_test_add_func ("/pt-filter/rtcp-passes", test_rtcp_passes);
  g_test_add_func ("/pt-filter/buffer-lists", test_buffer_lists);
  return g_test_run ();
}
