/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The SDP guard: what a peer's SDP may say, and the SDP rebuilt from just that
 *
 * webrtcbin 1.22 can be crashed by reordered or relabelled m-lines and answers
 * silently wrong to much else, so no text of a peer ever reaches it: an SDP is
 * read into this model, checked, and written anew.
 */
#pragma once

#include "gstdaofingerprint.h"
#include "dao-frame.h"

G_BEGIN_DECLS

#define GST_DAO_SDP_ERROR (gst_dao_sdp_error_quark ())
GQuark gst_dao_sdp_error_quark (void);

typedef enum
{
  GST_DAO_SDP_ERROR_SYNTAX,
  GST_DAO_SDP_ERROR_LIMIT,
  GST_DAO_SDP_ERROR_MEDIA,      /* m-lines we cannot serve */
  GST_DAO_SDP_ERROR_CODEC,      /* no codec we have (or may use) in a section */
  GST_DAO_SDP_ERROR_SECURITY,   /* fingerprint, ICE credentials, setup */
  GST_DAO_SDP_ERROR_MISMATCH,   /* does not fit the description before it */
} GstDaoSdpError;

/* One audio and one video section: design, "one track a label and direction" */
#define GST_DAO_SDP_MAX_MEDIA 2
#define GST_DAO_SDP_MAX_MID 32
#define GST_DAO_SDP_MAX_ICE 256 /* RFC 8839: ufrag and pwd have at most 256 characters */

typedef enum
{
  GST_DAO_CODEC_NONE = 0,
  GST_DAO_CODEC_OPUS = 1 << 0,
  GST_DAO_CODEC_VP8 = 1 << 1,
  GST_DAO_CODEC_VP9 = 1 << 2,
} GstDaoCodec;

const gchar *gst_dao_codec_encoding_name (GstDaoCodec codec);   /* "VP8", ... as in RTP caps */
const gchar *gst_dao_codec_media_type (GstDaoCodec codec);      /* "video/x-vp8", ... */

const gchar *gst_dao_codec_rtpmap (GstDaoCodec codec);  /* "VP8/90000", ... as in a=rtpmap */

/* Header extension with which browsers get bandwidth feedback (media.md, 3) */
#define GST_DAO_TWCC_URI \
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

typedef enum
{
  GST_DAO_SETUP_ACTPASS,
  GST_DAO_SETUP_ACTIVE,
  GST_DAO_SETUP_PASSIVE,
} GstDaoSetup;

typedef struct
{
  DaoMedia media;
  gchar mid[GST_DAO_SDP_MAX_MID + 1];
  gboolean accepted;            /* the port is not 0 */
  gboolean sends;               /* direction, seen from who wrote the SDP */
  gboolean receives;
  GstDaoCodec codec;
  gint pt;
  gint rtx_pt;                  /* -1 = none */
  gint twcc_id;                 /* header extension id of transport-wide-cc, 0 = none */
  guint32 ssrc;                 /* 0 = not given */
  guint32 rtx_ssrc;
} GstDaoSdpMedia;

typedef struct
{
  gboolean is_offer;
  guint64 session_id;
  guint64 session_version;
  guint n_media;
  GstDaoSdpMedia media[GST_DAO_SDP_MAX_MEDIA];
  GstDaoFingerprint fingerprint;
  gchar ufrag[GST_DAO_SDP_MAX_ICE + 1];
  gchar pwd[GST_DAO_SDP_MAX_ICE + 1];
  GstDaoSetup setup;
} GstDaoSdp;

/**
 * gst_dao_sdp_parse:
 * @text: SDP of a peer, or of webrtcbin
 * @codecs: bits of GstDaoCodec we may use
 * @prefer: the video codec to take when several are offered
 *
 * Reads and checks one description by itself.
 */
gboolean gst_dao_sdp_parse (const gchar * text, gboolean is_offer,
    guint codecs, GstDaoCodec prefer, GstDaoSdp * sdp, GError ** error);

/* Does @answer answer @offer: sections, mids, codecs, payload types, setup? */
gboolean gst_dao_sdp_check_answer (const GstDaoSdp * offer,
    const GstDaoSdp * answer, GError ** error);
/* May @next follow @previous of the same author in one peer connection? */
gboolean gst_dao_sdp_check_next (const GstDaoSdp * previous,
    const GstDaoSdp * next, GError ** error);
/**
 * gst_dao_sdp_keep_setup:
 * @offer: of the peer, in a peer connection that stands
 * @previous: what the peer said before
 * @own: what we said before
 *
 * An offer within a call leaves the DTLS roles open again, but they cannot change (RFC 8842, 5.5), and webrtcbin would
 * choose anew: writes the peer's role into @offer.
 */
void gst_dao_sdp_keep_setup (GstDaoSdp * offer, const GstDaoSdp * previous,
    const GstDaoSdp * own);
/* Is our own answer what we meant: every accepted section sendrecv with a codec? */
gboolean gst_dao_sdp_check_own (const GstDaoSdp * sdp, GError ** error);

/* The SDP for webrtcbin: every accepted section is sendrecv there. (transfer full) */
gchar *gst_dao_sdp_to_text (const GstDaoSdp * sdp);

const GstDaoSdpMedia *gst_dao_sdp_find (const GstDaoSdp * sdp,
    DaoMedia media);

/**
 * gst_dao_sdp_answer_directions:
 * @text: our answer, in which every accepted section is sendrecv
 *
 * webrtcbin 1.22 cannot change a direction, so it is told sendrecv always; on the wire
 * each section says what @offer allows (RFC 3264, 6.1). (transfer full)
 */
gchar *gst_dao_sdp_answer_directions (const gchar * text,
    const GstDaoSdp * offer);

/* Our own SDP for the wire: without candidates (they trickle), which would also
 * tell addresses. (transfer full) */
gchar *gst_dao_sdp_strip_candidates (const gchar * text);

G_END_DECLS
