/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_DAO_SIGNALING (gst_dao_signaling_get_type ())
G_DECLARE_FINAL_TYPE (GstDaoSignaling, gst_dao_signaling, GST, DAO_SIGNALING,
    GstBin)

GST_ELEMENT_REGISTER_DECLARE (daosignaling);

G_END_DECLS
