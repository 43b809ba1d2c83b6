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

/* A custom event that daocallsrc sends to the element: what feeds it has failed, which ends the call. */
#define GST_DAO_EVENT_LOCAL_MEDIA_FAILED "dao-local-media-failed"

G_END_DECLS
