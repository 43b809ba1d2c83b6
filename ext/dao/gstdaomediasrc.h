/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One source pad of daosignaling: an unbroken stream in running time, whatever
 * peer connection feeds it
 */
#pragma once

#include <gst/gst.h>
#include "dao-frame.h"

G_BEGIN_DECLS

/* Refcounted; feeding functions are called from one streaming thread at a time. */
typedef struct _GstDaoMediaSrc GstDaoMediaSrc;

/* @pad: (transfer none): an element's source pad */
GstDaoMediaSrc *gst_dao_media_src_new (GstPad * pad, DaoMedia media);
GstDaoMediaSrc *gst_dao_media_src_ref (GstDaoMediaSrc * src);
void gst_dao_media_src_unref (GstDaoMediaSrc * src);

DaoMedia gst_dao_media_src_get_media (GstDaoMediaSrc * src);
/* A new run: stream-start is due again, and data may flow after an EOS; only that of this run. */
void gst_dao_media_src_begin_run (GstDaoMediaSrc * src, guint run);

/**
 * gst_dao_media_src_push:
 * @run: in which the peer connection was made; one that is torn down may still have frames
 * @segment: the segment of @buffer's times
 * @base_time: of the elements that made it
 * @buffer: (transfer full):
 *
 * Pushes in running time. An unlinked pad, one after EOS or one in another run drops and returns OK.
 */
GstFlowReturn gst_dao_media_src_push (GstDaoMediaSrc * src, guint run,
    const GstSegment * segment, GstClockTime base_time, GstBuffer * buffer);
void gst_dao_media_src_set_caps (GstDaoMediaSrc * src, guint run,
    GstCaps * caps);
void gst_dao_media_src_gap (GstDaoMediaSrc * src, guint run,
    const GstSegment * segment, GstClockTime base_time, GstEvent * gap);
/**
 * gst_dao_media_src_eos:
 * @over: nothing may come any more in this run. Else a medium that comes after all begins a new
 *   stream; what is downstream may refuse it (sinks do after EOS), then it is dropped.
 *
 * May block downstream: never on the signaling thread. Sent once.
 */
void gst_dao_media_src_eos (GstDaoMediaSrc * src, gboolean over);

gboolean gst_dao_media_src_is_eos (GstDaoMediaSrc * src);
guint64 gst_dao_media_src_get_buffers (GstDaoMediaSrc * src);

G_END_DECLS
