/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of a session share
 *
 *   gstdaosession.c      requests of the element, account, start and end of runs
 *   gstdaosessioncall.c  carries out what the call wants, with a peer connection
 */
#pragma once

#include "gstdaosession.h"
#include "gstdaoleg.h"
#include "dao-account.h"

G_BEGIN_DECLS

GST_DEBUG_CATEGORY_EXTERN (gst_dao_session_debug);

struct _GstDaoSession
{
  gint refs;
  GstBin *bin;
  GstDaoMediaSrc *src[2];
  GstDaoCallSettings settings;
  GstDaoSessionCallbacks callbacks;
  gpointer user_data;
  GDestroyNotify user_data_free;
  gboolean closed;

  /* signaling thread only */
  DaoAccount *account;
  DaoAccountSlot *slot;
  DaoCall *call;
  GstDaoLeg *leg;
  GSource *timer;
  GSource *tick;
  guint ticks;

  gchar *pending_peer;          /* to be called once online */
  gboolean pending_audio, pending_video;
  GSource *online_timeout;
  gboolean one_shot;

  DaoCallAction *waiting_for_ice;       /* CREATE_OFFER or CREATE_ANSWER */
  GCancellable *ice_request;
  DaoIceConfig *ice;

  gboolean running_actions;
  gboolean was_video;           /* as reported last */
  gboolean sending[2];          /* by DaoMedia */
  gint64 senders_us;            /* when they were started; 0 = not */
  gint64 connected_us;
  gint64 ended_us;
  guint64 last_inbound;
  gboolean e2ee_noted;
  gboolean run_over;
  gboolean waiting;             /* this run waits for a call */
  gchar *last_error;
};

gint64 gst_dao_session_now_ms (void);
GstDaoSession *gst_dao_session_ref (GstDaoSession * session);
void gst_dao_session_unref (gpointer session);
void gst_dao_session_set_last_error (GstDaoSession * session,
    const gchar * text);
void gst_dao_clear_source (GSource ** source);

/* Carries out what the call wants; what it starts may feed the call and run this again. */
void gst_dao_session_run (GstDaoSession * session);
/* Tells `finished`, once what was sent before is on the wire */
void gst_dao_session_finish_run (GstDaoSession * session);
#define GST_DAO_SESSION_TICK_MS 500
/* GSourceFunc: watches inbound media, reports stats */
gboolean gst_dao_session_on_tick (gpointer session);

G_END_DECLS
