/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_DAO_CALL_SRC (gst_dao_call_src_get_type ())
G_DECLARE_FINAL_TYPE (GstDaoCallSrc, gst_dao_call_src, GST, DAO_CALL_SRC,
    GstBin)

GST_ELEMENT_REGISTER_DECLARE (daocallsrc);

G_END_DECLS
