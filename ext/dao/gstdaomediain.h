/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Local media of one kind: from a sink pad of daocallsrc to daosignaling, encoded
 * if it comes raw, and silence or a black picture while there is none
 */
#pragma once

#include <gst/gst.h>
#include "dao-frame.h"
#include "gstdaosdp.h"

G_BEGIN_DECLS

typedef struct _GstDaoMediaIn GstDaoMediaIn;

typedef enum
{
  GST_DAO_MEDIA_IN_PERMISSION,  /* the stream ended before its first frame */
  GST_DAO_MEDIA_IN_TIMEOUT,     /* nothing came in time */
  GST_DAO_MEDIA_IN_FORMAT,      /* cannot be encoded, or not with the call's codec */
  GST_DAO_MEDIA_IN_PLUGIN,      /* an encoder is not installed */
} GstDaoMediaInFailure;

typedef struct
{
  /* from a streaming thread or a worker */
  void (*failed) (DaoMedia media, GstDaoMediaInFailure failure,
      const gchar * debug, gpointer user_data);
  /* the local stream has ended; streaming thread */
  void (*eos) (DaoMedia media, gpointer user_data);
} GstDaoMediaInCallbacks;

/* @bin: gets the elements and outlives the object */
GstDaoMediaIn *gst_dao_media_in_new (GstBin * bin, DaoMedia media,
    const GstDaoMediaInCallbacks * callbacks, gpointer user_data);
void gst_dao_media_in_free (GstDaoMediaIn * in);

/* (transfer floating): a ghost pad to be added to the bin; one at a time */
GstPad *gst_dao_media_in_request_pad (GstDaoMediaIn * in,
    GstPadTemplate * templ);
/* The pad has been deactivated and is about to go. */
void gst_dao_media_in_release_pad (GstDaoMediaIn * in);
gboolean gst_dao_media_in_is_linked (GstDaoMediaIn * in);

/**
 * gst_dao_media_in_prepare:
 * @target: (transfer none) (nullable): daosignaling's pad of this medium; NULL when
 *     the run is over and nothing flows
 * @preferred: what a call of ours would offer
 *
 * A run begins or ends.
 */
void gst_dao_media_in_prepare (GstDaoMediaIn * in, GstPad * target,
    GstDaoCodec preferred);

/* The call has this medium and is connected: send, once @target names one codec. May start elements; any thread but
 * a streaming one. */
void gst_dao_media_in_open (GstDaoMediaIn * in);
/* A medium that ended is replaced by silence or black. */
void gst_dao_media_in_fill (GstDaoMediaIn * in);
/* The call is over. */
void gst_dao_media_in_close (GstDaoMediaIn * in);
/* So is the run: what feeds the pad is told to end. Until a new one begins */
void gst_dao_media_in_set_over (GstDaoMediaIn * in, gboolean over);

/* Video only: black takes the place of the picture, in the codec and size of what comes.
 * (Silence is daosignaling's: there is one audio codec.) */
void gst_dao_media_in_set_muted (GstDaoMediaIn * in, gboolean muted);

gboolean gst_dao_media_in_is_eos (GstDaoMediaIn * in);
/* A linked pad whose stream ended before it gave anything */
gboolean gst_dao_media_in_has_failed (GstDaoMediaIn * in);
/* A linked pad that gave neither a frame nor, with @caps, word of what will come */
gboolean gst_dao_media_in_is_silent (GstDaoMediaIn * in, gboolean caps);

G_END_DECLS
