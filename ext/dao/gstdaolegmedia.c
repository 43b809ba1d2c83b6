/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaoleg-private.h"

#include <gst/video/video.h>

#define GST_CAT_DEFAULT gst_dao_leg_debug

/* --- keys and codecs: read by streaming threads --- */

void
gst_dao_leg_set_keys (GstDaoLeg * leg, DaoCallKeys * keys)
{
  guint i;

  g_mutex_lock (&leg->lock);
  for (i = 0; i < 2; i++) {
    if (!keys)
      continue;
    if (!leg->config.ciphertext_in[i])
      g_set_object (&leg->send_cipher[i].keys,
          G_OBJECT (dao_call_keys_get_sender (keys, i)));
    if (!leg->config.ciphertext_out[i])
      g_set_object (&leg->receive_cipher[i].keys,
          G_OBJECT (dao_call_keys_get_receiver (keys, i)));
  }
  g_mutex_unlock (&leg->lock);
}

GstDaoCodec
gst_dao_leg_get_codec (GstDaoLeg * leg, DaoMedia media)
{
  GstDaoCodec codec;

  g_mutex_lock (&leg->lock);
  codec = leg->codec[media];
  g_mutex_unlock (&leg->lock);
  return codec;
}

/* Both descriptions are known: what may flow, and under which payload types. */
void
gst_dao_leg_adopt_codecs (GstDaoLeg * leg)
{
  const GstDaoSdp *answer = leg->offerer ? &leg->remote : &leg->local;
  guint i;

  for (i = 0; i < answer->n_media; i++) {
    const GstDaoSdpMedia *m = &answer->media[i];

    if (!m->accepted)
      continue;
    g_mutex_lock (&leg->lock);
    leg->codec[m->media] = m->codec;
    g_mutex_unlock (&leg->lock);
    gst_dao_pt_filter_allow (leg->pt_filter, m->pt);
    if (m->rtx_pt != -1)
      gst_dao_pt_filter_allow (leg->pt_filter, m->rtx_pt);
  }
}

/* --- received media --- */

static GstDaoCodec
codec_of_pad (GstPad * pad)
{
  GstCaps *caps = gst_pad_get_current_caps (pad);
  const gchar *name = NULL;
  GstDaoCodec codec = GST_DAO_CODEC_NONE;

  if (!caps)
    caps = gst_pad_query_caps (pad, NULL);
  if (!gst_caps_is_empty (caps) && !gst_caps_is_any (caps))
    name = gst_structure_get_string (gst_caps_get_structure (caps, 0),
        "encoding-name");
  if (g_strcmp0 (name, "OPUS") == 0)
    codec = GST_DAO_CODEC_OPUS;
  else if (g_strcmp0 (name, "VP8") == 0)
    codec = GST_DAO_CODEC_VP8;
  else if (g_strcmp0 (name, "VP9") == 0)
    codec = GST_DAO_CODEC_VP9;
  gst_caps_unref (caps);
  return codec;
}

static void
drop_media (GstDaoLeg * leg, GstPad * pad)
{
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);
  GstPad *sink_pad;

  g_object_set (sink, "sync", FALSE, "async", FALSE, NULL);
  gst_bin_add (leg->bin, sink);
  gst_element_sync_state_with_parent (sink);
  sink_pad = gst_element_get_static_pad (sink, "sink");
  gst_pad_link (pad, sink_pad);
  gst_object_unref (sink_pad);
}

static void
on_unusable_media (GstDaoLeg * leg, gint value, gchar * text,
    GstWebRTCSessionDescription * unused)
{
  gst_dao_leg_fail (leg, DAO_CALL_REASON_INTERNAL, "Received media cannot be used: %s",
      text);
}

/* On a streaming thread of webrtcbin. Pads are told apart by codec: names and
 * transceivers of 1.22 can be those of another medium. */
void
gst_dao_leg_on_pad_added (GstElement * webrtc, GstPad * pad, gpointer user_data)
{
  GstDaoLeg *leg = user_data;
  GstDaoCodec codec;
  DaoMedia media;
  GstDaoTrackCipher cipher = { NULL, FALSE };
  GError *error = NULL;
  GstPad *tap = NULL;
  gboolean agreed;

  if (GST_PAD_DIRECTION (pad) != GST_PAD_SRC)
    return;
  codec = codec_of_pad (pad);
  media = codec == GST_DAO_CODEC_OPUS ? DAO_MEDIA_AUDIO : DAO_MEDIA_VIDEO;
  g_mutex_lock (&leg->lock);
  agreed = codec != GST_DAO_CODEC_NONE && leg->codec[media] == codec;
  cipher.ciphertext = leg->config.ciphertext_out[media];
  if (leg->receive_cipher[media].keys)
    cipher.keys = g_object_ref (leg->receive_cipher[media].keys);
  g_mutex_unlock (&leg->lock);

  GST_INFO_OBJECT (webrtc, "6: media appears on %s: %s", GST_OBJECT_NAME (pad),
      agreed ? gst_dao_codec_encoding_name (codec) : "not agreed, dropped");
  if (agreed)
    tap = gst_dao_receive_track_start (leg->bin, pad, codec, &cipher,
        leg->src[media], leg->config.run, &error);
  if (!tap)
    drop_media (leg, pad);
  if (error) {
    GstDaoLegEvent *event = gst_dao_leg_event_new (leg, on_unusable_media);

    event->text = g_strdup (error->message);
    gst_dao_leg_event_post (event);
    g_error_free (error);
  }
  if (tap && media == DAO_MEDIA_VIDEO) {
    g_mutex_lock (&leg->lock);
    gst_object_replace ((GstObject **) & leg->key_request_pad,
        GST_OBJECT (tap));
    g_mutex_unlock (&leg->lock);
  }
  gst_clear_object (&tap);
  g_clear_object (&cipher.keys);
}

void
gst_dao_leg_request_key (GstDaoLeg * leg)
{
  GstPad *pad;

  g_mutex_lock (&leg->lock);
  pad = leg->key_request_pad ? gst_object_ref (leg->key_request_pad) : NULL;
  g_mutex_unlock (&leg->lock);
  if (pad)
    gst_pad_push_event (pad,
        gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE,
            FALSE, 0));
  gst_clear_object (&pad);
}

/* --- sending --- */

GstElement *
gst_dao_leg_start_sender (GstDaoLeg * leg, DaoMedia media, GstCaps * caps,
    GstPad * force_key, GError ** error)
{
  const GstDaoSdp *offer = leg->offerer ? &leg->local : &leg->remote;
  const GstDaoSdpMedia *agreed = gst_dao_sdp_find (offer, media);
  GstDaoTrackCipher cipher;

  if (gst_dao_leg_get_codec (leg, media) == GST_DAO_CODEC_NONE || !agreed
      || !leg->filters[media])
    return NULL;
  cipher = leg->send_cipher[media];
  cipher.ciphertext = leg->config.ciphertext_in[media];
  return gst_dao_send_track_start (leg->bin, leg->filters[media], agreed,
      &cipher, caps, force_key, &leg->encryptors[media], error);
}

void
gst_dao_leg_move_encryptor (GstDaoLeg * from, GstDaoLeg * to, DaoMedia media)
{
  GstElement *encryptor = g_steal_pointer (&from->encryptors[media]);

  if (encryptor)
    to->encryptors[media] = gst_dao_send_track_take_encryptor (encryptor);
}

/* rtpsession needs it to relate RTP time to the clock, for the peer's lip sync. */
void
gst_dao_leg_distribute_latency (GstDaoLeg * leg)
{
  gst_bin_recalculate_latency (leg->bin);
}

gboolean
gst_dao_leg_peer_receives (GstDaoLeg * leg, DaoMedia media)
{
  const GstDaoSdpMedia *m = gst_dao_sdp_find (&leg->remote, media);

  return m && m->accepted && m->receives;
}

gboolean
gst_dao_leg_peer_sends (GstDaoLeg * leg, DaoMedia media)
{
  const GstDaoSdpMedia *m = gst_dao_sdp_find (&leg->remote, media);

  return m && m->accepted && m->sends;
}
