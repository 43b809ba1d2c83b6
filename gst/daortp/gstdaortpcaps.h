/* gst-dao: the two sides of the payloaders
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* One encrypted frame a buffer. The name is not that of the codec, so that no
 * decoder, parser or clear payloader is ever plugged to ciphertext. */
#define GST_DAO_RTP_CIPHERTEXT_CAPS \
    "application/x-dao-e2ee, media=(string)video, " \
    "encoding-name=(string){ VP8, VP9 }; " \
    "application/x-dao-e2ee, media=(string)audio, encoding-name=(string)OPUS"

#define GST_DAO_RTP_CAPS \
    "application/x-rtp, media=(string)video, clock-rate=(int)90000, " \
    "payload=(int)[ 0, 127 ], encoding-name=(string){ VP8, VP9 }; " \
    "application/x-rtp, media=(string)audio, clock-rate=(int)48000, " \
    "payload=(int)[ 0, 127 ], encoding-name=(string)OPUS"

/* what a payloader of another make may leave out */
#define GST_DAO_RTP_DEPAY_CAPS \
    "application/x-rtp, media=(string)video, clock-rate=(int)90000, " \
    "encoding-name=(string){ VP8, VP9 }; " \
    "application/x-rtp, media=(string)audio, clock-rate=(int)48000, " \
    "encoding-name=(string)OPUS"

typedef enum
{
  GST_DAO_RTP_CODEC_NONE,
  GST_DAO_RTP_CODEC_VP8,
  GST_DAO_RTP_CODEC_VP9,
  GST_DAO_RTP_CODEC_OPUS,
} GstDaoRtpCodec;

/**
 * gst_dao_rtp_codec_from_caps:
 * @caps: fixed caps of either side
 *
 * Returns: the codec that the encoding-name stands for.
 */
static inline GstDaoRtpCodec
gst_dao_rtp_codec_from_caps (GstCaps * caps)
{
  const gchar *name =
      gst_structure_get_string (gst_caps_get_structure (caps, 0),
      "encoding-name");

  if (g_strcmp0 (name, "VP8") == 0)
    return GST_DAO_RTP_CODEC_VP8;
  if (g_strcmp0 (name, "VP9") == 0)
    return GST_DAO_RTP_CODEC_VP9;
  if (g_strcmp0 (name, "OPUS") == 0)
    return GST_DAO_RTP_CODEC_OPUS;
  return GST_DAO_RTP_CODEC_NONE;
}

G_END_DECLS
