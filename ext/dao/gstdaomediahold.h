/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A stream that is not live (a file) waits at its first frame until its call is connected, then is paced by the clock:
 * it is played into the call from its start.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _GstDaoMediaHold GstDaoMediaHold;

/* @bin: has the clock and outlives the object
 * @entry: (transfer none): an identity that the stream runs through */
GstDaoMediaHold *gst_dao_media_hold_new (GstBin * bin, GstElement * entry);
void gst_dao_media_hold_free (GstDaoMediaHold * hold);

/* From its next frame on a stream waits, unless it is live. Once for each run */
void gst_dao_media_hold_begin (GstDaoMediaHold * hold);
/* What waited begins now, in running time. */
void gst_dao_media_hold_release (GstDaoMediaHold * hold);
/* What waited goes on as it is: nobody wants it any more. */
void gst_dao_media_hold_drop (GstDaoMediaHold * hold);

G_END_DECLS
