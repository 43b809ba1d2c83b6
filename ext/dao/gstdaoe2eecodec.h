/* gst-dao: the codecs of a call, in clear and encrypted caps
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef enum
{
  GST_DAO_E2EE_CODEC_NONE,
  GST_DAO_E2EE_CODEC_VP8,
  GST_DAO_E2EE_CODEC_VP9,
  GST_DAO_E2EE_CODEC_OPUS,
} GstDaoE2eeCodec;

#define GST_DAO_E2EE_CLEAR_CAPS "video/x-vp8; video/x-vp9; audio/x-opus"

/* One encrypted frame a buffer. Not the codec's name: nothing may plug a decoder or a parser to it. */
#define GST_DAO_E2EE_CIPHER_NAME "application/x-dao-e2ee"
#define GST_DAO_E2EE_CIPHER_CAPS \
    GST_DAO_E2EE_CIPHER_NAME ", media=(string)video, " \
    "encoding-name=(string){ VP8, VP9 }; " \
    GST_DAO_E2EE_CIPHER_NAME ", media=(string)audio, " \
    "encoding-name=(string)OPUS"

/* (transfer full); NULL for GST_DAO_E2EE_CODEC_NONE */
GstCaps *gst_dao_e2ee_codec_new_clear_caps (GstDaoE2eeCodec codec);
GstCaps *gst_dao_e2ee_codec_new_cipher_caps (GstDaoE2eeCodec codec);
/* Of fixed caps of either side. */
GstDaoE2eeCodec gst_dao_e2ee_codec_from_caps (GstCaps * caps);

/**
 * gst_dao_e2ee_codec_map_caps:
 * @caps: what a peer can do, clear or encrypted
 *
 * Sizes and rates are only known from a frame or a caps event, so they are no
 * condition.
 *
 * Returns: (transfer full): the same codecs in the other dress
 */
GstCaps *gst_dao_e2ee_codec_map_caps (GstCaps * caps);

G_END_DECLS
