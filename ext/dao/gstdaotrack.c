/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaotrack.h"
#include "gstdaoplaindepay.h"

#include <gst/app/gstappsrc.h>
#include <gst/video/video.h>

/* Fits an IPv6 path with TURN, SRTP and header extensions around it. */
#define RTP_MTU 1200
/* What may wait for webrtcbin; older frames are dropped, a call is live. */
#define SEND_QUEUE_TIME GST_SECOND

/* @element: (transfer floating) (nullable) */
static GstElement *
add (GstBin * bin, GstElement * element, const gchar * name, GError ** error)
{
  if (!element) {
    g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN,
        "The element '%s' is missing: install its GStreamer plugin", name);
    return NULL;
  }
  gst_bin_add (bin, element);
  return element;
}

static GstElement *
make (GstBin * bin, const gchar * factory, GError ** error)
{
  return add (bin, gst_element_factory_make (factory, NULL), factory, error);
}

static gboolean
link_all (GError ** error, GstElement * first, ...)
{
  GstElement *next;
  va_list args;
  gboolean ok = TRUE;

  va_start (args, first);
  while (ok && (next = va_arg (args, GstElement *))) {
    ok = gst_element_link (first, next);
    if (!ok)
      g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_NEGOTIATION,
          "'%s' does not link to '%s'", GST_OBJECT_NAME (first),
          GST_OBJECT_NAME (next));
    first = next;
  }
  va_end (args);
  return ok;
}

static const gchar *
plain_payloader (GstDaoCodec codec)
{
  switch (codec) {
    case GST_DAO_CODEC_VP8:
      return "rtpvp8pay";
    case GST_DAO_CODEC_VP9:
      return "rtpvp9pay";
    default:
      return "rtpopuspay";
  }
}

/* --- sending --- */

static GstCaps *
rtp_caps (const GstDaoSdpMedia * media, guint32 ssrc)
{
  gboolean audio = media->media == DAO_MEDIA_AUDIO;
  GstCaps *caps = gst_caps_new_simple ("application/x-rtp",
      "media", G_TYPE_STRING, audio ? "audio" : "video",
      "encoding-name", G_TYPE_STRING,
      gst_dao_codec_encoding_name (media->codec),
      "payload", G_TYPE_INT, media->pt,
      "clock-rate", G_TYPE_INT, audio ? 48000 : 90000,
      "ssrc", G_TYPE_UINT, ssrc, NULL);

  if (audio)
    gst_caps_set_simple (caps, "encoding-params", G_TYPE_STRING, "2", NULL);
  if (media->twcc_id) {
    gchar *name = g_strdup_printf ("extmap-%d", media->twcc_id);

    gst_caps_set_simple (caps, name, G_TYPE_STRING, GST_DAO_TWCC_URI, NULL);
    g_free (name);
  }
  return caps;
}

/* webrtcbin reads codec, payload type and SSRC from the caps of its sink pad. */
static void
announce_caps (GstElement * filter, GstCaps * caps)
{
  GstPad *pad = gst_element_get_static_pad (filter, "sink");
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_send_event (pad, gst_event_new_stream_start (GST_OBJECT_NAME
          (filter)));
  gst_pad_send_event (pad, gst_event_new_caps (caps));
  gst_pad_send_event (pad, gst_event_new_segment (&segment));
  gst_object_unref (pad);
}

static void
request_retransmission (GstPad * webrtc_pad)
{
  GObject *transceiver = NULL;

  g_object_get (webrtc_pad, "transceiver", &transceiver, NULL);
  if (transceiver)
    g_object_set (transceiver, "do-nack", TRUE, NULL);
  g_clear_object (&transceiver);
}

GstElement *
gst_dao_send_track_describe (GstBin * bin, GstElement * webrtc, gint mline,
    const GstDaoSdpMedia * media, GError ** error)
{
  gchar *name = mline < 0 ? g_strdup ("sink_%u") :
      g_strdup_printf ("sink_%d", mline);
  GstPad *sink = gst_element_request_pad_simple (webrtc, name);
  GstElement *filter = sink ? make (bin, "capsfilter", error) : NULL;
  GstPad *src;
  GstCaps *caps;

  g_free (name);
  if (!sink)
    g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_PAD,
        "webrtcbin gives no sink pad");
  if (!filter) {
    gst_clear_object (&sink);
    return NULL;
  }
  caps = rtp_caps (media, g_random_int_range (1, G_MAXINT32));
  g_object_set (filter, "caps", caps, NULL);
  src = gst_element_get_static_pad (filter, "src");
  gst_pad_link (src, sink);
  gst_object_unref (src);
  /* Chromium refuses retransmission of audio in an offer (media.md, 3). */
  if (media->media == DAO_MEDIA_VIDEO)
    request_retransmission (sink);
  gst_object_unref (sink);
  gst_element_sync_state_with_parent (filter);
  announce_caps (filter, caps);
  gst_caps_unref (caps);
  return filter;
}

static GstPadProbeReturn
forward_key_request (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);

  if (gst_video_event_is_force_key_unit (event))
    gst_pad_push_event (GST_PAD (user_data), gst_event_ref (event));
  return GST_PAD_PROBE_OK;
}

static GstElement *
make_appsrc (GstBin * bin, GstCaps * caps, GstPad * force_key,
    GError ** error)
{
  GstElement *appsrc = make (bin, "appsrc", error);
  GstPad *pad;

  if (!appsrc)
    return NULL;
  g_object_set (appsrc, "is-live", TRUE, "format", GST_FORMAT_TIME,
      "caps", caps, "max-buffers", (guint64) 0, "max-bytes", (guint64) 0,
      "max-time", (guint64) SEND_QUEUE_TIME, "leaky-type",
      GST_APP_LEAKY_TYPE_DOWNSTREAM, NULL);
  if (force_key) {
    pad = gst_element_get_static_pad (appsrc, "src");
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM,
        forward_key_request, gst_object_ref (force_key), gst_object_unref);
    gst_object_unref (pad);
  }
  return appsrc;
}

static void
configure_payloader (GstElement * pay, GstElement * filter,
    const GstDaoSdpMedia * media)
{
  GstCaps *caps = NULL;
  guint ssrc = 0;

  g_object_get (filter, "caps", &caps, NULL);
  gst_structure_get_uint (gst_caps_get_structure (caps, 0), "ssrc", &ssrc);
  gst_caps_unref (caps);
  g_object_set (pay, "pt", media->pt, "ssrc", ssrc, "mtu", RTP_MTU, NULL);
  /* Without a PictureID browsers cannot see a lost frame (media.md, 2). */
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (pay),
          "picture-id-mode"))
    gst_util_set_object_arg (G_OBJECT (pay), "picture-id-mode", "15-bit");
}

GstElement *
gst_dao_send_track_start (GstBin * bin, GstElement * filter,
    const GstDaoSdpMedia * media, const GstDaoTrackCipher * cipher,
    GstCaps * frame_caps, GstPad * force_key, GstElement ** encryptor,
    GError ** error)
{
  gboolean opaque = cipher->keys || cipher->ciphertext;
  GstElement *appsrc = make_appsrc (bin, frame_caps, force_key, error);
  GstElement *enc = *encryptor, *pay;
  gboolean linked;

  if (!appsrc)
    return NULL;
  if (enc) {
    gst_bin_add (bin, enc);
    gst_object_unref (enc);
  } else if (cipher->keys) {
    if (!(enc = make (bin, "daoe2eeenc", error)))
      return NULL;
    g_object_set (enc, "keys", cipher->keys, NULL);
  }
  *encryptor = enc;
  pay = make (bin, opaque ? "rtpdaopay" : plain_payloader (media->codec),
      error);
  if (!pay)
    return NULL;
  configure_payloader (pay, filter, media);
  if (enc) {
    linked = link_all (error, appsrc, enc, pay, filter, NULL);
  } else {
    linked = link_all (error, appsrc, pay, filter, NULL);
  }
  if (!linked)
    return NULL;
  gst_element_sync_state_with_parent (pay);
  if (enc)
    gst_element_sync_state_with_parent (enc);
  gst_element_sync_state_with_parent (appsrc);
  return gst_object_ref (appsrc);
}

GstElement *
gst_dao_send_track_take_encryptor (GstElement * encryptor)
{
  GstObject *bin = gst_object_get_parent (GST_OBJECT (encryptor));
  GstPad *sink = gst_element_get_static_pad (encryptor, "sink");
  GstPad *src = gst_element_get_static_pad (encryptor, "src");
  GstPad *feeding = gst_pad_get_peer (sink), *fed = gst_pad_get_peer (src);
  GstElement *appsrc = gst_pad_get_parent_element (feeding);

  /* Its thread may wait in webrtcbin: the flush lets it go. */
  gst_pad_push_event (src, gst_event_new_flush_start ());
  gst_element_set_locked_state (appsrc, TRUE);
  gst_element_set_state (appsrc, GST_STATE_NULL);
  gst_pad_unlink (feeding, sink);
  gst_pad_unlink (src, fed);
  gst_pad_push_event (src, gst_event_new_flush_stop (FALSE));
  gst_object_ref (encryptor);
  gst_bin_remove (GST_BIN (bin), encryptor);
  gst_object_unref (appsrc);
  gst_object_unref (feeding);
  gst_object_unref (fed);
  gst_object_unref (sink);
  gst_object_unref (src);
  gst_object_unref (bin);
  return encryptor;
}

/* --- receiving --- */

typedef struct
{
  GstDaoMediaSrc *src;
  guint run;
  GstSegment segment;
  GstElement *last;             /* whose pad it is linked to; not owned */
} Tap;

static GstFlowReturn
tap_chain (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  Tap *tap = gst_pad_get_element_private (pad);

  return gst_dao_media_src_push (tap->src, tap->run, &tap->segment,
      gst_element_get_base_time (tap->last), buffer);
}

static gboolean
tap_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  Tap *tap = gst_pad_get_element_private (pad);
  GstCaps *caps;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      gst_dao_media_src_set_caps (tap->src, tap->run, caps);
      break;
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment (event, &tap->segment);
      break;
    case GST_EVENT_GAP:
      gst_dao_media_src_gap (tap->src, tap->run, &tap->segment,
          gst_element_get_base_time (tap->last), event);
      break;
    default:
      /* EOS and flushes of one peer connection do not end the stream. */
      break;
  }
  gst_event_unref (event);
  return TRUE;
}

static gboolean
tap_query (GstPad * pad, GstObject * parent, GstQuery * query)
{
  GstCaps *filter;

  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_ACCEPT_CAPS:
      gst_query_set_accept_caps_result (query, TRUE);
      return TRUE;
    case GST_QUERY_CAPS:
      gst_query_parse_caps (query, &filter);
      if (filter)
        gst_query_set_caps_result (query, filter);
      else
        gst_query_set_caps_result (query, GST_CAPS_ANY);
      return TRUE;
    default:
      return FALSE;
  }
}

static void
tap_free (gpointer data)
{
  Tap *tap = data;

  gst_dao_media_src_unref (tap->src);
  g_free (tap);
}

/* A pad of nobody's: the end of the peer connection's elements. It lives as long
 * as the element whose source pad it is linked to. */
static GstPad *
make_tap (GstElement * last, GstDaoMediaSrc * src, guint run)
{
  GstPad *pad = gst_pad_new ("tap", GST_PAD_SINK);
  GstPad *last_src = gst_element_get_static_pad (last, "src");
  Tap *tap = g_new0 (Tap, 1);

  tap->src = gst_dao_media_src_ref (src);
  tap->run = run;
  tap->last = last;
  gst_segment_init (&tap->segment, GST_FORMAT_UNDEFINED);
  gst_object_ref_sink (pad);
  gst_pad_set_element_private (pad, tap);
  g_object_set_data_full (G_OBJECT (pad), "tap", tap, tap_free);
  gst_pad_set_chain_function (pad, tap_chain);
  gst_pad_set_event_function (pad, tap_event);
  gst_pad_set_query_function (pad, tap_query);
  gst_pad_set_active (pad, TRUE);
  gst_pad_link_full (last_src, pad, GST_PAD_LINK_CHECK_NOTHING);
  g_object_set_data_full (G_OBJECT (last), "tap", gst_object_ref (pad),
      gst_object_unref);
  gst_object_unref (last_src);
  return pad;
}

GstPad *
gst_dao_receive_track_start (GstBin * bin, GstPad * pad, GstDaoCodec codec,
    const GstDaoTrackCipher * cipher, GstDaoMediaSrc * src, guint run,
    GError ** error)
{
  gboolean opaque = cipher->keys || cipher->ciphertext;
  GstElement *depay = opaque ? make (bin, "rtpdaodepay", error) :
      add (bin, gst_dao_plain_depay_new (codec),
      gst_dao_codec_encoding_name (codec), error);
  GstElement *last = depay;
  GstPad *depay_sink, *tap;

  if (!depay)
    return NULL;
  if (cipher->keys) {
    last = make (bin, "daoe2eedec", error);
    if (!last)
      return NULL;
    g_object_set (last, "keys", cipher->keys, NULL);
    if (!link_all (error, depay, last, NULL))
      return NULL;
  }
  tap = make_tap (last, src, run);
  if (last != depay)
    gst_element_sync_state_with_parent (last);
  gst_element_sync_state_with_parent (depay);
  depay_sink = gst_element_get_static_pad (depay, "sink");
  if (gst_pad_link (pad, depay_sink) != GST_PAD_LINK_OK) {
    g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_NEGOTIATION,
        "received media does not link to '%s'", GST_OBJECT_NAME (depay));
    g_clear_pointer (&tap, gst_object_unref);
  }
  gst_object_unref (depay_sink);
  return tap;
}
