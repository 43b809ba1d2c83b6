/* gst-dao: what the first bytes of an encoded frame say
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "gstdaoe2eecodec.h"

G_BEGIN_DECLS

typedef struct
{
  gboolean key;
  guint width;                  /* pixels, of a key frame; else 0 */
  guint height;
} GstDaoFrameInfo;

/**
 * gst_dao_frame_info_parse:
 * @codec: VP8 or VP9
 * @data: a whole encoded frame, from anywhere
 *
 * VP8: RFC 6386, section 9.1. VP9: bitstream specification, section 6.2
 * (uncompressed header), profiles 0 to 3. A VP9 frame that only shows an
 * existing one counts as a delta frame: it needs what was decoded before.
 *
 * Returns: FALSE when @data is no frame of @codec
 */
gboolean gst_dao_frame_info_parse (GstDaoE2eeCodec codec, const guint8 * data,
    gsize size, GstDaoFrameInfo * info);

G_END_DECLS
