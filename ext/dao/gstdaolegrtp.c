/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What rtpbin and its sessions have to be told
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaoleg-private.h"

#define GST_CAT_DEFAULT gst_dao_leg_debug

/* Two media and their retransmissions. Each SSRC is a thread and elements of ours, and
 * a peer may invent as many as it likes. */
#define MAX_STREAMS 4

/* Lost packets show as gaps; to expect each packet at a time asks for many that
 * are only late. */
static void
on_jitterbuffer (GstElement * rtpbin, GstElement * jitterbuffer,
    guint session, guint ssrc, gpointer unused)
{
  g_object_set (jitterbuffer, "rtx-next-seqnum", FALSE, NULL);
}

/* From the bandwidth follows how often RTCP may be sent, and between two regular packets
 * only one more goes out early (RFC 4585, 3.5.3): with rtpsession's own estimate that is once
 * a second, and most requests for lost packets expired in its queue. With this it is once in
 * 100 ms, for at most 40 kbit/s. At 200 ms of round trip and 2 % loss all of 300 pictures came
 * instead of 219 to 265. */
#define RTCP_SESSION_BANDWIDTH 800000.0 /* bit/s */

/* --- clock rates --- */

/* rtpsession needs the clock rate of an SSRC for its first sender report, and webrtcbin's rtpfunnel strips the SSRC from the
 * caps that would tell it. So it asks webrtcbin in the middle of a walk over its table of sources, for which it lets go of
 * its lock, and when another source joins meanwhile GLib is critical ("version == hash_table->version": 1 call in 25). So the
 * first packet of each SSRC is preceded by its caps, which go no further. */
#define ANNOUNCED "dao-announced"

typedef struct
{
  guint32 known[MAX_STREAMS];
  guint n_known;
} Announcer;

static gboolean
is_known (const Announcer * announcer, guint32 ssrc)
{
  guint i;

  for (i = 0; i < announcer->n_known; i++)
    if (announcer->known[i] == ssrc)
      return TRUE;
  return FALSE;
}

static void
announce (GstPad * pad, guint pt, guint32 ssrc)
{
  GstElement *session = gst_pad_get_parent_element (pad);
  GstCaps *mapped = NULL, *caps;

  if (!session)
    return;
  g_signal_emit_by_name (session, "request-pt-map", pt, &mapped);
  /* A payload type of retransmission has no caps of its own, and we retransmit video only. */
  caps = mapped ? gst_caps_copy (mapped) : gst_caps_new_simple
      ("application/x-rtp", "clock-rate", G_TYPE_INT, 90000, NULL);
  gst_caps_set_simple (caps, "ssrc", G_TYPE_UINT, ssrc, "payload", G_TYPE_INT,
      pt, ANNOUNCED, G_TYPE_BOOLEAN, TRUE, NULL);
  GST_DEBUG_OBJECT (session, "announcing %" GST_PTR_FORMAT, caps);
  gst_pad_send_event (pad, gst_event_new_caps (caps));
  gst_caps_unref (caps);
  gst_clear_caps (&mapped);
  gst_object_unref (session);
}

static void
look_at (GstPad * pad, GstBuffer * packet, Announcer * announcer)
{
  guint8 header[12];            /* RFC 3550, 5.1 */
  guint32 ssrc;

  if (announcer->n_known == MAX_STREAMS
      || gst_buffer_extract (packet, 0, header, 12) != 12)
    return;
  ssrc = GST_READ_UINT32_BE (header + 8);
  if (is_known (announcer, ssrc))
    return;
  announcer->known[announcer->n_known++] = ssrc;
  announce (pad, header[1] & 0x7f, ssrc);
}

/* On the streaming thread, with the pad's stream lock */
static GstPadProbeReturn
on_packet (GstPad * pad, GstPadProbeInfo * info, gpointer announcer)
{
  guint i;

  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    look_at (pad, GST_PAD_PROBE_INFO_BUFFER (info), announcer);
  } else {
    GstBufferList *list = GST_PAD_PROBE_INFO_BUFFER_LIST (info);

    for (i = 0; i < gst_buffer_list_length (list); i++)
      look_at (pad, gst_buffer_list_get (list, i), announcer);
  }
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
stop_announcement (GstPad * pad, GstPadProbeInfo * info, gpointer unused)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  GstCaps *caps;

  if (GST_EVENT_TYPE (event) != GST_EVENT_CAPS)
    return GST_PAD_PROBE_OK;
  gst_event_parse_caps (event, &caps);
  return gst_structure_has_field (gst_caps_get_structure (caps, 0),
      ANNOUNCED) ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

static void
on_session_pad (GstElement * session, GstPad * pad, gpointer unused)
{
  if (g_str_equal (GST_OBJECT_NAME (pad), "send_rtp_sink"))
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER |
        GST_PAD_PROBE_TYPE_BUFFER_LIST, on_packet, g_new0 (Announcer, 1),
        g_free);
  else if (g_str_equal (GST_OBJECT_NAME (pad), "send_rtp_src"))
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
        stop_announcement, NULL, NULL);
}

/* --- rtpbin --- */

static void
on_rtpbin_child (GstBin * rtpbin, GstElement * element, gpointer unused)
{
  GstElementFactory *factory = gst_element_get_factory (element);

  if (!factory || !g_str_equal (GST_OBJECT_NAME (factory), "rtpsession"))
    return;
  g_object_set (element, "bandwidth", RTCP_SESSION_BANDWIDTH, NULL);
  g_signal_connect (element, "pad-added", G_CALLBACK (on_session_pad), NULL);
}

void
gst_dao_leg_configure_rtp (GstBin * rtpbin)
{
  g_object_set (rtpbin, "max-streams", MAX_STREAMS, NULL);
  g_signal_connect (rtpbin, "element-added", G_CALLBACK (on_rtpbin_child),
      NULL);
  g_signal_connect (rtpbin, "new-jitterbuffer", G_CALLBACK (on_jitterbuffer),
      NULL);
}
