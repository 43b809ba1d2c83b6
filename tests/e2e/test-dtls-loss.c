/* gst-dao: a call whose DTLS handshake loses packets
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What OpenSSL itself sends of a handshake, on whichever of its timers, is lost: between the ends comes only what the
 * peer connection sends again. Without that there is no call.
 */
#include "callfixture.h"

#define AUDIO_IN "audiotestsrc is-live=true ! opusenc ! c.audio_sink "
#define SINKS "c.audio_src ! fakesink async=false sync=false " \
    "c.video_src ! fakesink async=false sync=false "

static GstPadProbeReturn
lose_handshake (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  gint *lost = user_data;
  guint8 first;

  if (gst_buffer_extract (buffer, 0, &first, 1) != 1
      || (first != 20 && first != 22))
    return GST_PAD_PROBE_OK;
  g_atomic_int_inc (lost);
  return GST_PAD_PROBE_DROP;
}

static void
on_transport_element (GstBin * webrtc, GstBin * sub_bin, GstElement * element,
    gpointer lost)
{
  GstElementFactory *factory = gst_element_get_factory (element);
  GstPad *pad;

  if (!factory || !g_str_equal (GST_OBJECT_NAME (factory), "nicesink"))
    return;
  pad = gst_element_get_static_pad (element, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, lose_handshake, lost,
      NULL);
  gst_object_unref (pad);
}

/* Behind what the product itself watches with: a handler of the same object that is connected later */
static void
on_deep_element_added (GstBin * bin, GstBin * sub_bin, GstElement * element,
    gpointer lost)
{
  GstElementFactory *factory = gst_element_get_factory (element);

  if (factory && g_str_equal (GST_OBJECT_NAME (factory), "webrtcbin"))
    g_signal_connect (element, "deep-element-added",
        G_CALLBACK (on_transport_element), lost);
}

static void
test_every_flight_lost (void)
{
  CallFixture *f = call_fixture_new (2);
  GstElement *callee = call_parse ("daosignaling name=c identity=%s "
      "auto-answer=true " AUDIO_IN SINKS, f->identity[1]);
  GstElement *caller = call_parse ("daosignaling name=c identity=%s peer=%s "
      AUDIO_IN SINKS, f->identity[0], f->alias[1]);
  /* peer connections are taken down after the call */
  static gint lost[2];

  g_signal_connect (caller, "deep-element-added",
      G_CALLBACK (on_deep_element_added), &lost[0]);
  g_signal_connect (callee, "deep-element-added",
      G_CALLBACK (on_deep_element_added), &lost[1]);
  gst_element_set_state (callee, GST_STATE_PLAYING);
  call_wait_online (callee, 10);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  gst_message_unref (call_wait_state (caller, "connected", 20));
  gst_message_unref (call_wait_state (callee, "connected", 20));
  gst_message_unref (call_wait_message (callee, "dao-call-stats", 5));
  g_test_message ("lost %d and %d packets", lost[0], lost[1]);
  g_assert_cmpint (lost[0], >, 0);
  g_assert_cmpint (lost[1], >, 0);
  call_stop (caller);
  call_stop (callee);
  call_fixture_free (f);
}

int
main (int argc, char **argv)
{
  call_test_init (&argc, &argv);
  g_test_add_func ("/dtls-loss/every-flight-lost", test_every_flight_lost);
  return g_test_run ();
}
