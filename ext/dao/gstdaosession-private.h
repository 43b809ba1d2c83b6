/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of a session share
 *
 *   gstdaosession.c      requests of the element, account, start and end of runs
 *   gstdaosessioncall.c  carries out what the call wants, reports
 *   gstdaosessionlegs.c  peer connections: making, switching, senders
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
  GstDaoLeg *leg;               /* carries the call */
  guint leg_number;
  GstDaoLeg *next_leg;          /* will, once it is connected */
  guint next_leg_number;
  gint64 next_leg_us;           /* when it was made */
  gint64 leg_wanted_us;         /* when a new one was asked for last */
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
  gboolean relay_only;          /* the relay's policy: the strictest of this call */

  gboolean running_actions;
  gboolean was_video;           /* as reported last */
  gboolean rang_with_video;     /* what the application was told before it answered */
  gboolean video_consent;       /* we placed or took a call with video, or added it ourselves */
  gint64 video_asked_ms;        /* when we added it, until it is agreed on; 0 = not */
  gboolean relayed;             /* as known last */
  gboolean sending[2];          /* by DaoMedia */
  gint64 senders_us;            /* when they were started; 0 = not */
  gint64 connected_us;
  gint64 ended_us;
  guint64 last_inbound;
  gboolean e2ee_noted;
  gboolean running;             /* between start and stop */
  guint run;                    /* its number is the element's */
  gboolean run_over;
  gchar *account_failure;       /* why the account gave up; NULL = it did not */
  gboolean waiting;             /* this run waits for a call */
  gchar *last_error;
  gchar step[64];               /* of the peer connection, also when it is closed */
};

gint64 gst_dao_session_now_ms (void);
void gst_dao_session_set_last_error (GstDaoSession * session,
    const gchar * text);

/* Carries out what the call wants; what it starts may feed the call and run this again. */
void gst_dao_session_run (GstDaoSession * session);
void gst_dao_session_note_step (GstDaoSession * session);
/* Tells `finished`, once what was sent before is on the wire */
void gst_dao_session_finish_run (GstDaoSession * session);
#define GST_DAO_SESSION_TICK_MS 500
/* GSourceFunc: watches inbound media, reports stats */
gboolean gst_dao_session_on_tick (gpointer session);


/* gstdaosessioncall.c */
/* (transfer none) (nullable): the keys, once both sides have agreed */
DaoCallKeys *gst_dao_session_get_keys (GstDaoSession * session);
void gst_dao_session_report_state (GstDaoSession * session,
    DaoCallState state, DaoCallReason reason);
void gst_dao_session_report_stats (GstDaoSession * session);

/* gstdaosessionlegs.c */
/* CREATE_OFFER or CREATE_ANSWER. @action: (transfer full) */
void gst_dao_session_describe (GstDaoSession * session,
    DaoCallAction * action);
void gst_dao_session_apply_answer (GstDaoSession * session,
    const DaoCallAction * action);
void gst_dao_session_add_candidate (GstDaoSession * session,
    const DaoSignal * signal);
void gst_dao_session_close_legs (GstDaoSession * session);
/* Of all media that are agreed and do not flow yet */
void gst_dao_session_start_senders (GstDaoSession * session);
/* Our own video goes out, too; asks for a section for it if there is none. */
gboolean gst_dao_session_consent_to_video (GstDaoSession * session);
/* Takes that back where nothing came of it within the time for an answer. Needs a leg. */
void gst_dao_session_expire_video_consent (GstDaoSession * session);
/* What waited was dropped from the front: begin with a key frame. */
void gst_dao_session_resume_senders (GstDaoSession * session);
/* Now and then: does the call need a new peer connection? */
void gst_dao_session_check_legs (GstDaoSession * session);

G_END_DECLS
