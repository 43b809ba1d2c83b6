/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The payload-type filter: RTP of sections that were not agreed never reaches
 * webrtcbin's demuxers (rejected media crashes 1.22: webrtcbin.md, 11)
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _GstDaoPtFilter GstDaoPtFilter;

/* @rtpbin: of a webrtcbin without sessions yet. Refcounted: probes hold references. */
GstDaoPtFilter *gst_dao_pt_filter_new (GstElement * rtpbin);
void gst_dao_pt_filter_unref (GstDaoPtFilter * filter);
/* Nothing passes until it is allowed. Any thread. */
void gst_dao_pt_filter_allow (GstDaoPtFilter * filter, guint pt);
guint64 gst_dao_pt_filter_get_dropped (GstDaoPtFilter * filter);

G_END_DECLS
