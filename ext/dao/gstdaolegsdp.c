/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaoleg-private.h"

#define GST_CAT_DEFAULT gst_dao_leg_debug

/* Payload types we offer; any of 96 to 127 would do, these are Chromium's. */
#define OFFER_PT_OPUS 111
#define OFFER_PT_VP8 96
#define OFFER_PT_VP9 98
#define OFFER_TWCC_ID 3

static GstWebRTCSessionDescription *
description_new (GstWebRTCSDPType type, const GstDaoSdp * sdp)
{
  gchar *text = gst_dao_sdp_to_text (sdp);
  GstSDPMessage *message = NULL;

  gst_sdp_message_new_from_text (text, &message);
  g_free (text);
  return gst_webrtc_session_description_new (type, message);
}

/* --- describing ourselves --- */

static gboolean
describe (GstDaoLeg * leg, gint mline, const GstDaoSdpMedia * media)
{
  GError *error = NULL;

  leg->filters[media->media] = gst_dao_send_track_describe (leg->bin,
      leg->webrtc, mline, media, &error);
  if (error)
    gst_dao_leg_fail (leg, DAO_CALL_REASON_INTERNAL, "%s", error->message);
  g_clear_error (&error);
  return leg->filters[media->media] != NULL;
}

static void
on_local_set (GstDaoLeg * leg, gint failed, gchar * text,
    GstWebRTCSessionDescription * description)
{
  if (failed)
    gst_dao_leg_fail (leg, DAO_CALL_REASON_INTERNAL, "webrtcbin refuses its own SDP: %s",
        text);
  else
    gst_dao_leg_step (leg, leg->offerer ? 3 : 5, leg->offerer ?
        "own offer is set" : "own answer is set");
}

static void
set_local (GstDaoLeg * leg, GstWebRTCSDPType type, const gchar * sdp)
{
  GstWebRTCSessionDescription *description;
  GstSDPMessage *message = NULL;

  gst_sdp_message_new_from_text (sdp, &message);
  description = gst_webrtc_session_description_new (type, message);
  gst_dao_leg_request (leg, "set-local-description", description, on_local_set);
  gst_webrtc_session_description_free (description);
}

/* Reads our own description back: what webrtcbin wrote is what we send. */
static void
on_described (GstDaoLeg * leg, gint failed, gchar * text,
    GstWebRTCSessionDescription * description)
{
  GError *error = NULL;
  gchar *made, *sdp, *wire;

  if (failed || !description) {
    gst_dao_leg_fail (leg, DAO_CALL_REASON_INTERNAL, "webrtcbin makes no SDP: %s",
        text ? text : "no reply");
    return;
  }
  made = gst_sdp_message_as_text (description->sdp);
  sdp = leg->restarting ? gst_dao_leg_write_credentials (leg, made) : g_strdup (made);
  g_free (made);
  gst_dao_leg_step (leg, leg->offerer ? 2 : 4, leg->offerer ? "offer made" :
      "answer made");
  if (!gst_dao_sdp_parse (sdp, leg->offerer, leg->config.codecs,
          leg->config.prefer, &leg->local, &error)
      || !gst_dao_sdp_check_own (&leg->local, &error)
      || (!leg->offerer && !gst_dao_sdp_check_answer (&leg->remote,
              &leg->local, &error))) {
    gst_dao_leg_fail (leg, DAO_CALL_REASON_INTERNAL, "Our own SDP is not as meant: %s",
        error->message);
    g_error_free (error);
  } else {
    if (!leg->offerer)
      gst_dao_leg_adopt_codecs (leg);
    wire = gst_dao_sdp_strip_candidates (sdp);
    if (!leg->offerer) {
      gchar *answer = gst_dao_sdp_answer_directions (wire, &leg->remote);

      g_free (wire);
      wire = answer;
    }
    set_local (leg, description->type, sdp);
    leg->callbacks.local_description (leg, wire, leg->user_data);
    g_free (wire);
    if (leg->restarting && !leg->closed)
      gst_dao_leg_send_candidates_again (leg);
    leg->restarting = FALSE;
  }
  g_free (sdp);
}

void
gst_dao_leg_create_offer (GstDaoLeg * leg, gboolean restart,
    gboolean with_video)
{
  GstDaoSdpMedia audio = {.media = DAO_MEDIA_AUDIO,.codec =
        GST_DAO_CODEC_OPUS,.pt = OFFER_PT_OPUS
  };
  GstDaoSdpMedia video = {.media = DAO_MEDIA_VIDEO,.codec =
        leg->config.prefer,.twcc_id = OFFER_TWCC_ID
  };

  leg->offerer = TRUE;
  if (restart)
    gst_dao_leg_restart_agent (leg);
  video.pt = video.codec == GST_DAO_CODEC_VP9 ? OFFER_PT_VP9 : OFFER_PT_VP8;
  gst_dao_leg_step (leg, 1, with_video ? "audio and video" : "audio");
  if ((!leg->filters[DAO_MEDIA_AUDIO] && !describe (leg, -1, &audio))
      || (with_video && !leg->filters[DAO_MEDIA_VIDEO]
          && !describe (leg, -1, &video)))
    return;
  gst_dao_leg_request (leg, "create-offer", NULL, on_described);
}

/* --- the peer's description --- */

static gboolean
read_remote (GstDaoLeg * leg, const gchar * text, gboolean is_offer)
{
  GError *error = NULL;
  GstDaoSdp sdp;
  gboolean ok = gst_dao_sdp_parse (text, is_offer, leg->config.codecs,
      leg->config.prefer, &sdp, &error)
      && (!leg->described
      || gst_dao_sdp_check_next (&leg->remote, &sdp, &error))
      && (is_offer || gst_dao_sdp_check_answer (&leg->local, &sdp, &error));

  if (!ok) {
    gst_dao_leg_fail (leg, DAO_CALL_REASON_BAD_SDP, "The peer's %s cannot be used: %s",
        is_offer ? "offer" : "answer", error->message);
    g_error_free (error);
    return FALSE;
  }
  leg->remote = sdp;
  gst_dao_fingerprint_guard_expect (leg->guard, &sdp.fingerprint);
  return TRUE;
}

static void
on_answer_applied (GstDaoLeg * leg, gint failed, gchar * text,
    GstWebRTCSessionDescription * description)
{
  if (failed) {
    gst_dao_leg_fail (leg, DAO_CALL_REASON_BAD_SDP, "webrtcbin refuses the answer: %s",
        text);
    return;
  }
  gst_dao_leg_step (leg, 5, "answer applied");
  leg->described = TRUE;
  leg->callbacks.remote_applied (leg, leg->user_data);
}

void
gst_dao_leg_apply_answer (GstDaoLeg * leg, const gchar * answer)
{
  GstWebRTCSessionDescription *description;

  gst_dao_leg_step (leg, 4, "answer received");
  if (!read_remote (leg, answer, FALSE))
    return;
  gst_dao_leg_adopt_codecs (leg);
  description = description_new (GST_WEBRTC_SDP_TYPE_ANSWER, &leg->remote);
  gst_dao_leg_request (leg, "set-remote-description", description, on_answer_applied);
  gst_webrtc_session_description_free (description);
}

static void
on_offer_applied (GstDaoLeg * leg, gint failed, gchar * text,
    GstWebRTCSessionDescription * description)
{
  guint i;

  if (failed) {
    gst_dao_leg_fail (leg, DAO_CALL_REASON_BAD_SDP, "webrtcbin refuses the offer: %s",
        text);
    return;
  }
  gst_dao_leg_step (leg, 2, "offer applied");
  for (i = 0; i < leg->remote.n_media; i++)
    if (leg->remote.media[i].accepted
        && !leg->filters[leg->remote.media[i].media]
        && !describe (leg, i, &leg->remote.media[i]))
      return;
  gst_dao_leg_step (leg, 3, "tracks described");
  leg->described = TRUE;
  leg->callbacks.remote_applied (leg, leg->user_data);
  gst_dao_leg_request (leg, "create-answer", NULL, on_described);
}

void
gst_dao_leg_create_answer (GstDaoLeg * leg, const gchar * offer)
{
  GstWebRTCSessionDescription *description;
  GstDaoSdp previous = leg->remote;

  leg->offerer = FALSE;
  gst_dao_leg_step (leg, 1, "offer received");
  if (!read_remote (leg, offer, TRUE))
    return;
  if (leg->described)
    gst_dao_sdp_keep_setup (&leg->remote, &previous, &leg->local);
  /* RFC 8839, 4.4.1.1.1: new credentials are a restart; ours must be new, too */
  if (leg->described && !g_str_equal (previous.ufrag, leg->remote.ufrag))
    gst_dao_leg_restart_agent (leg);
  description = description_new (GST_WEBRTC_SDP_TYPE_OFFER, &leg->remote);
  gst_dao_leg_request (leg, "set-remote-description", description, on_offer_applied);
  gst_webrtc_session_description_free (description);
}
