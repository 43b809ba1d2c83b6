/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Drives one call for an element: account, call logic and peer connection
 *
 * The functions may be called from any thread and only post; the callbacks come on
 * the signaling thread and must not wait.
 */
#pragma once

#include "gstdaocallprops.h"
#include "gstdaomediasrc.h"
#include "gstdaosdp.h"

G_BEGIN_DECLS

typedef struct _GstDaoSession GstDaoSession;

/* What a change of state says; strings are borrowed. */
typedef struct
{
  DaoCallState state;
  DaoCallReason reason;
  const gchar *call_id;
  const gchar *peer;
  gboolean is_video;
  gboolean e2ee;                /* an inbound frame has verified */
  gboolean downgraded;
  gboolean verified;
  gboolean relayed;
  gboolean one_shot;            /* the call of the `peer` property */
  GstClockTime duration;
  const gchar *text;            /* of the last error, or NULL */
  const gchar *step;            /* last step of setting up; "" if there was none */
  guint run;                    /* of gst_dao_session_start() */
} GstDaoSessionState;

/* Local media as it is now */
typedef struct
{
  guint codecs;                 /* bits of GstDaoCodec that can be sent */
  gboolean ciphertext;          /* frames come encrypted by somebody else */
} GstDaoLocalMedia;

typedef struct
{
  void (*state) (const GstDaoSessionState * state, gpointer user_data);
  /* whether calls can come and go; @why (nullable): why not */
  void (*online) (const gchar * alias, gboolean online, const gchar * why,
      gpointer user_data);
  void (*incoming) (const gchar * peer, gboolean video, gpointer user_data);
  /* worth telling, the call goes on */
  void (*warning) (DaoCallReason reason, const gchar * text,
      gpointer user_data);
  /* no call is possible: identity, relay, login */
  void (*failed) (DaoCallReason reason, const gchar * text,
      gpointer user_data);
  /* the run is over: its call ended, or gst_dao_session_finish() found none */
  void (*finished) (guint run, gpointer user_data);
  void (*describe_local) (DaoMedia media, GstDaoLocalMedia * local,
      gpointer user_data);
  /* received frames of @media are wanted as ciphertext */
  gboolean (*wants_ciphertext) (DaoMedia media, gpointer user_data);
  /* caps of the frames that will be sent with @codec (transfer full) */
  GstCaps *(*frame_caps) (DaoMedia media, GstDaoCodec codec,
      gpointer user_data);
  GstPad *(*force_key_pad) (DaoMedia media, gpointer user_data);        /* (transfer full) (nullable) */
  /* (nullable) @appsrc: where frames of @run go from now on */
  void (*sender) (guint run, DaoMedia media, GstDaoCodec codec, GstElement * appsrc,
      gpointer user_data);
  /* nothing of @media came within 5 s of the connection */
  void (*missing) (guint run, DaoMedia media, gpointer user_data);
  /* frames of @media were lost on the way: go on with a key frame */
  void (*resume) (DaoMedia media, gpointer user_data);
  /* the peer does not want @media for now, or again */
  void (*hold) (DaoMedia media, gboolean held, gpointer user_data);
  void (*stats) (GstStructure * stats, gpointer user_data);     /* (transfer full) */
} GstDaoSessionCallbacks;

/**
 * gst_dao_session_new:
 * @bin: gets the peer connections; must outlive the session's close
 * @src: by DaoMedia, where received frames go
 * @user_data_free: runs on the signaling thread after gst_dao_session_close()
 *
 * Opens the account of @settings and keeps it connected.
 */
GstDaoSession *gst_dao_session_new (GstBin * bin, GstDaoMediaSrc ** src,
    const GstDaoCallSettings * settings,
    const GstDaoSessionCallbacks * callbacks, gpointer user_data,
    GDestroyNotify user_data_free);
GstDaoSession *gst_dao_session_ref (GstDaoSession * session);
void gst_dao_session_unref (gpointer session);
/* Ends a call, closes the account, drops the reference. */
void gst_dao_session_close (GstDaoSession * session);

/* A run begins: calls settings->peer, or waits for a call. @video: with video. */
void gst_dao_session_start (GstDaoSession * session,
    const GstDaoCallSettings * settings, gboolean video, guint run);
/* The run is over: hangs up, takes no more calls. */
void gst_dao_session_stop (GstDaoSession * session);
void gst_dao_session_update (GstDaoSession * session,
    const GstDaoCallSettings * settings);

void gst_dao_session_call (GstDaoSession * session, const gchar * alias,
    gboolean audio, gboolean video);
/* Makes the audio call a video call, or asks the caller to. */
void gst_dao_session_add_video (GstDaoSession * session);
void gst_dao_session_answer (GstDaoSession * session);
void gst_dao_session_reject (GstDaoSession * session);
void gst_dao_session_hangup (GstDaoSession * session);
/* Hangs up if there is a call, takes no other, then calls `finished`. */
void gst_dao_session_finish (GstDaoSession * session);
void gst_dao_session_fail (GstDaoSession * session, DaoCallReason reason,
    const gchar * text);
/* Asks the peer for a key frame of its video. */
void gst_dao_session_request_key (GstDaoSession * session);

G_END_DECLS
