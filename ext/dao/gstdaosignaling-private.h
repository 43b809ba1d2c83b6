/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of daosignaling share
 *
 *   gstdaosignaling.c      the element: pads, states, properties, actions
 *   gstdaosignalinghost.c  what its session tells it, on the signaling thread
 */
#pragma once

#include "gstdaosignaling.h"
#include "gstdaocallprops.h"
#include "gstdaomediasink.h"
#include "gstdaosession.h"

G_BEGIN_DECLS

GST_DEBUG_CATEGORY_EXTERN (gst_dao_signaling_debug);

struct _GstDaoSignaling
{
  GstBin parent;

  GstPad *src_pads[2];          /* by DaoMedia */
  GstDaoMediaSrc *src[2];

  /* under the object lock */
  GstDaoSession *session;       /* READY and above */
  GstDaoCallSettings settings;
  GstDaoMediaSink *sinks[2];    /* by DaoMedia, owned as pads */
  DaoCallState state;
  gchar *call_id;
  gchar *remote_alias;
  gboolean is_video;
  GstClockTime connected_at;    /* monotonic; NONE unless connected */
  GstClockTime duration;
  GstStructure *stats;
  gboolean playing;             /* a run is on: its end is still to be told */
  guint run;                    /* counts runs, so that the end of one does not end the next */
  gboolean over;                /* its end has come, and READY has not yet */
  guint ending;                 /* streams of the run that still have to end */

  /* Held while the application is told something. Recursive, because it may answer with any call. */
  GRecMutex telling;
  gboolean silent;              /* in NULL: under the lock `telling` */
};

extern guint gst_dao_signaling_signals[GST_DAO_CALL_N_SIGNALS];
extern const GstDaoSessionCallbacks gst_dao_signaling_callbacks;

/**
 * gst_dao_signaling_begin_telling:
 *
 * Before a message, signal or notification for the application from a thread of ours, which goes on when the element is in
 * NULL and its parent perhaps gone. gst_dao_signaling_end_telling() comes after it, if and only if this returned TRUE; the
 * step to NULL waits for it.
 *
 * Returns: FALSE if nothing may be told any more
 */
gboolean gst_dao_signaling_begin_telling (GstDaoSignaling * self);
void gst_dao_signaling_end_telling (GstDaoSignaling * self);

/* (transfer full) (nullable) */
GstDaoMediaSink *gst_dao_signaling_get_sink (GstDaoSignaling * self,
    DaoMedia media);
/* From now on pads take and give what belongs to this run, and nothing that a call before it has left. */
void gst_dao_signaling_begin_run (GstDaoSignaling * self);

G_END_DECLS
