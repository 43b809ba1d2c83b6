/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * All that daocallsrc sends: both media, from the state of the call
 */
#pragma once

#include "gstdaocallprops.h"
#include "dao-frame.h"

G_BEGIN_DECLS

typedef struct _GstDaoCallMedia GstDaoCallMedia;

/* @bin: gets the elements and posts the errors; both outlive the object */
GstDaoCallMedia *gst_dao_call_media_new (GstBin * bin,
    GstElement * signaling);
void gst_dao_call_media_free (GstDaoCallMedia * media);

/* (transfer floating) (nullable): a sink pad to be added to the bin */
GstPad *gst_dao_call_media_request_pad (GstDaoCallMedia * media,
    DaoMedia which, GstPadTemplate * templ);
/* The pad is inactive and about to go. */
void gst_dao_call_media_release_pad (GstDaoCallMedia * media,
    DaoMedia which);
gboolean gst_dao_call_media_is_linked (GstDaoCallMedia * media,
    DaoMedia which);

/**
 * gst_dao_call_media_start_run:
 * @video: a call that is placed at once has video
 * @codec: that such a call offers
 */
void gst_dao_call_media_start_run (GstDaoCallMedia * media, gboolean video,
    GstDaoVideoCodec codec);
/* A call with video is about to be placed in this run. */
void gst_dao_call_media_want_video (GstDaoCallMedia * media);
/* The end of the run has been told: what feeds our pads is to end, too. */
void gst_dao_call_media_finish_run (GstDaoCallMedia * media);
/* Nothing is watched any more; before the elements stop. */
void gst_dao_call_media_stop_watch (GstDaoCallMedia * media);
/* After the elements have stopped. */
void gst_dao_call_media_end_run (GstDaoCallMedia * media);

/* The call's state has changed. Does not wait. */
void gst_dao_call_media_update (GstDaoCallMedia * media);
void gst_dao_call_media_set_video_muted (GstDaoCallMedia * media,
    gboolean muted);

/* TRUE: @message was an error of our elements; ours was posted in its place. */
gboolean gst_dao_call_media_handle_error (GstDaoCallMedia * media,
    GstMessage * message);

G_END_DECLS
