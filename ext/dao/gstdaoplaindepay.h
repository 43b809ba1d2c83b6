/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GStreamer's own depayloaders, for calls without frame encryption. Those of VP8 and VP9 (1.22) collect packets until
 * one has the marker: a sender that never ends a frame would fill the memory. rtpdaodepay has this
 * bound itself.
 */
#pragma once

#include "gstdaosdp.h"

G_BEGIN_DECLS

/* As rtpdaodepay: more than an uncompressed picture of 1920x1080 */
#define GST_DAO_FRAME_MAX_BYTES (4 * 1024 * 1024)
/* Every packet costs some hundred bytes besides its data. */
#define GST_DAO_FRAME_MAX_PACKETS (GST_DAO_FRAME_MAX_BYTES / 512)

/**
 * gst_dao_plain_depay_new:
 *
 * For video it begins with a key frame and asks for one when it needs one. The packet that makes a frame
 * too large is dropped; the depayloader takes the gap for a loss and lets go of what it has.
 *
 * Returns: (transfer floating) (nullable): the depayloader, or NULL if its plugin is missing
 */
GstElement *gst_dao_plain_depay_new (GstDaoCodec codec);

G_END_DECLS
