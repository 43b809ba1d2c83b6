/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One sink pad of daosignaling: takes encoded frames all the time, and hands them
 * to a peer connection while there is one
 */
#pragma once

#include <gst/gst.h>
#include "gstdaosession.h"

G_BEGIN_DECLS

#define GST_TYPE_DAO_MEDIA_SINK (gst_dao_media_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstDaoMediaSink, gst_dao_media_sink, GST,
    DAO_MEDIA_SINK, GstPad)

/* Runs on the streaming thread when EOS arrives at the pad. */
typedef void (*GstDaoMediaSinkEos) (GstDaoMediaSink * sink,
    gpointer user_data);

GstDaoMediaSink *gst_dao_media_sink_new (GstPadTemplate * templ,
    DaoMedia media, GstDaoMediaSinkEos eos, gpointer user_data);

/* What can be sent: by the pad's caps, else by what its peer can make. */
void gst_dao_media_sink_describe (GstDaoMediaSink * sink,
    GstDaoLocalMedia * local);
GstCaps *gst_dao_media_sink_get_frame_caps (GstDaoMediaSink * sink,
    GstDaoCodec codec);
/* A new run: nothing goes to the peer connection of another one, which may still be there. */
void gst_dao_media_sink_begin_run (GstDaoMediaSink * sink, guint run);
/* The call of this run is over: what feeds the pad is told to end. */
void gst_dao_media_sink_end_run (GstDaoMediaSink * sink);
/* @appsrc: (nullable): where frames of @codec go from now on, in this run; asks upstream for a key frame */
void gst_dao_media_sink_set_sender (GstDaoMediaSink * sink, guint run,
    GstDaoCodec codec, GstElement * appsrc);
/* Goes on with a key frame. */
void gst_dao_media_sink_resume (GstDaoMediaSink * sink);
/* Nothing is sent while the peer does not want it. */
void gst_dao_media_sink_set_held (GstDaoMediaSink * sink, gboolean held);
void gst_dao_media_sink_set_muted (GstDaoMediaSink * sink, gboolean muted);
gboolean gst_dao_media_sink_is_eos (GstDaoMediaSink * sink);

/* What is assumed of a medium without a pad: any codec, nothing to send */
void gst_dao_media_describe_any (DaoMedia media, GstDaoLocalMedia * local);
GstCaps *gst_dao_media_default_caps (GstDaoCodec codec);

G_END_DECLS
