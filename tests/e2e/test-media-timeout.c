/* gst-dao: media that stops in a call without frame encryption
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where frames are encrypted, those that verify count (test-rekey.c); here it is packets of RTP. Control packets go on,
 * so the peer connection stays up: else the call would end as disconnected, after 8 s. The clock of the calls runs faster.
 */
#include "accountwatch.h"
#include "lyingstage.h"

#define RATE 5
/* Some 20 s for the call, at 50 frames a second */
#define LONG_FRAMES (20 * 50 / RATE)

static gint quiet;                /* atomic: the end that is watched sends no RTP */

/* RFC 5761, 4: control packets are told from media by the second byte. These do not decrypt, but they arrive. */
static gboolean
turn_into_control (GstBuffer ** buffer, guint i, gpointer unused)
{
  static const guint8 receiver_report = 201;
  guint8 header[2];

  if (gst_buffer_extract (*buffer, 0, header, 2) == 2 && header[0] >= 128
      && header[0] <= 191 && !(header[1] >= 192 && header[1] <= 223)) {
    *buffer = gst_buffer_make_writable (*buffer);
    gst_buffer_fill (*buffer, 1, &receiver_report, 1);
  }
  return TRUE;
}

static GstPadProbeReturn
on_packet (GstPad * pad, GstPadProbeInfo * info, gpointer unused)
{
  if (!g_atomic_int_get (&quiet))
    return GST_PAD_PROBE_OK;
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
    info->data = gst_buffer_list_make_writable (info->data);
    gst_buffer_list_foreach (info->data, turn_into_control, NULL);
  } else {
    turn_into_control ((GstBuffer **) & info->data, 0, NULL);
  }
  return GST_PAD_PROBE_OK;
}

static void
on_element (GstBin * bin, GstBin * sub_bin, GstElement * element,
    gpointer unused)
{
  GstElementFactory *factory = gst_element_get_factory (element);
  GstPad *pad;

  if (!factory || !g_str_equal (GST_OBJECT_NAME (factory), "nicesink"))
    return;
  pad = gst_element_get_static_pad (element, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER |
      GST_PAD_PROBE_TYPE_BUFFER_LIST, on_packet, NULL, NULL);
  gst_object_unref (pad);
}

static void
watch (CallEnd * end)
{
  g_atomic_int_set (&quiet, FALSE);
  g_signal_connect (end->pipeline, "deep-element-added",
      G_CALLBACK (on_element), NULL);
}

static Stage *
call_without_e2ee (gboolean callee_goes_quiet)
{
  Stage *s = stage_new (2);

  stage_leave (&s->alice);
  stage_leave (&s->bob);
  stage_enter_alice (s, "e2ee=off");
  stage_enter_bob (s, "e2ee=off");
  watch (callee_goes_quiet ? s->bob : s->alice);
  call_end_play_online (s->bob);
  call_end_play (s->alice);
  call_end_wait_state (s->bob, "connected");
  call_end_wait_state (s->alice, "connected");
  stage_expect_more (s);
  return s;
}

/* Who hears nothing ends the call, and says so to the other. */
static void
expect_timeout (CallEnd * hears, CallEnd * silent)
{
  gint64 start = g_get_monotonic_time ();
  gint packets;

  g_atomic_int_set (&quiet, TRUE);
  packets = g_atomic_int_get (&hears->rtp_in);
  call_end_wait_end (hears, "media-timeout", silent->alias);
  g_assert_cmpint (g_get_monotonic_time () - start, >=,
      14 * G_TIME_SPAN_SECOND / RATE);
  /* They did arrive. */
  g_assert_cmpint (g_atomic_int_get (&hears->rtp_in), >, packets + 20);
  call_end_wait_end (silent, "remote-hangup", hears->alias);
}

static void
test_caller_is_not_heard (void)
{
  Stage *s = call_without_e2ee (FALSE);

  account_watch_set_rate (RATE);
  /* With packets it goes on. */
  call_end_wait_more (&s->bob->frames, LONG_FRAMES);
  stage_expect_more (s);
  expect_timeout (s->bob, s->alice);
  stage_free (s);
}

static void
test_callee_is_not_heard (void)
{
  Stage *s = call_without_e2ee (TRUE);

  account_watch_set_rate (RATE);
  expect_timeout (s->alice, s->bob);
  stage_free (s);
}

int
main (int argc, char **argv)
{
  call_test_init (&argc, &argv);
  g_test_add_func ("/media-timeout/clear/caller-is-not-heard",
      test_caller_is_not_heard);
  g_test_add_func ("/media-timeout/clear/callee-is-not-heard",
      test_callee_is_not_heard);
  return g_test_run ();
}
