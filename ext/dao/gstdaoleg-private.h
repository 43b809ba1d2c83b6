/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of a peer connection share
 *
 *   gstdaoleg.c          its life: guards, states, promises, teardown
 *   gstdaolegsdp.c       offers and answers
 *   gstdaolegservers.c   STUN and TURN servers, and why one is of no use
 *   gstdaolegice.c       candidates, and the pair in use
 *   gstdaolegrestart.c   ICE restart
 *   gstdaoleghold.c      candidates that can wait
 *   gstdaolegmedia.c     tracks, keys, codecs
 *   gstdaolegrtp.c       settings of rtpbin
 */
#pragma once

#define GST_USE_UNSTABLE_API

#include "gstdaoleg.h"
#include "gstdaodtlsflight.h"
#include "gstdaoptfilter.h"
#include "gstdaotrack.h"
#include "gstdaoturntls.h"

#include <gst/webrtc/webrtc.h>
#include <nice/agent.h>

G_BEGIN_DECLS

#define GST_DAO_NICE_STREAM 1   /* libnice numbers from 1; BUNDLE leaves one stream */

GST_DEBUG_CATEGORY_EXTERN (gst_dao_leg_debug);

struct _GstDaoLeg
{
  gint refs;
  GstDaoLegCallbacks callbacks;
  gpointer user_data;
  gboolean closed;

  GstBin *parent;
  GstBin *bin;
  GstElement *webrtc;
  GstDaoFingerprintGuard *guard;
  GstDaoPtFilter *pt_filter;
  GstDaoDtlsFlight *dtls_flight;
  GSource *dtls_repeat;         /* until the handshake is over */
  GSource *liveness;
  GSource *closing;             /* the peer closed DTLS; runs out soon */
  GstDaoTurnTls *turn_tls;
  guint n_turn;                 /* TURN servers that were not refused */
  GPtrArray *servers;           /* GstDaoIceServer: all that are used */
  gboolean probed;              /* those that gave nothing were asked why, or are being asked */
  GCancellable *probing;        /* that */
  GSource *probe_deadline;
  GPtrArray *held;              /* candidates of the peer that wait for @hold */
  GSource *hold;
  gboolean hold_over;
  GList *addresses;             /* gchar *: of this host, when the connection was made */
  gint64 renewal_us;            /* monotonic: when the credentials of the servers should be renewed */
  GObject *dtls;                /* GstWebRTCDTLSTransport, once connected */

  GstDaoLegConfig config;       /* its ICE servers are not kept */
  gboolean offerer;
  gchar step[64];               /* gst_dao_leg_step() */
  gboolean described;           /* a remote description was applied */
  GstDaoSdp local, remote;
  gboolean restarting;          /* our next description has the ICE credentials of a restart */
  gchar *old_ufrag, *old_pwd;   /* of before it */
  gint64 new_address_us;        /* monotonic: the peer checked from an address it had not told; 0 = never */
  GstElement *encryptors[2];    /* by DaoMedia; owned while not in the bin: one that was moved here */
  GstElement *filters[2];       /* by DaoMedia, owned by the bin */

  gboolean certificate_ok;
  gboolean peer_connected;
  gboolean reported_connected;

  GMutex lock;                  /* for the rest: streaming threads use it too */
  GCond drained;
  guint promises;
  GstDaoTrackCipher receive_cipher[2];
  GstDaoTrackCipher send_cipher[2];
  GstPad *key_request_pad;
  GstDaoCodec codec[2];
  GstDaoMediaSrc *src[2];
};

/* From a thread of webrtcbin to ours: runs @func unless the leg is closed by then. */
typedef struct
{
  GstDaoLeg *leg;
  void (*func) (GstDaoLeg * leg, gint value, gchar * text,
      GstWebRTCSessionDescription * description);
  gint value;
  gchar *text;
  GstWebRTCSessionDescription *description;
} GstDaoLegEvent;

GstDaoLeg *gst_dao_leg_ref (GstDaoLeg * leg);
void gst_dao_leg_unref (GstDaoLeg * leg);
/* Until g_signal_handlers_disconnect_by_data (@object, @leg) @callback has a reference to the leg. */
void gst_dao_leg_connect (GstDaoLeg * leg, gpointer object,
    const gchar * signal, GCallback callback);
/* A numbered step of setting up was reached (gstdaoleg.c): for the log, and for the error if it is the last. */
void gst_dao_leg_step (GstDaoLeg * leg, guint number, const gchar * what);
/* The call cannot go on: tells the owner, and the log. */
void gst_dao_leg_fail (GstDaoLeg * leg, DaoCallReason reason,
    const gchar * format, ...) G_GNUC_PRINTF (3, 4);

GstDaoLegEvent *gst_dao_leg_event_new (GstDaoLeg * leg, gpointer func);
void gst_dao_leg_event_post (GstDaoLegEvent * event);
/* Emits @action; @done (leg, failed, error text, description) runs on our thread. */
void gst_dao_leg_request (GstDaoLeg * leg, const gchar * action,
    GstWebRTCSessionDescription * description, gpointer done);

/* gstdaolegservers.c */
/* Servers and settings of the agent, before the first description. FALSE when there is no way for media. */
gboolean gst_dao_leg_configure_ice (GstDaoLeg * leg,
    const GstDaoLegConfig * config, GError ** error);
gboolean gst_dao_leg_has_turn (GstDaoLeg * leg);
/* The agent has asked all servers: those that gave nothing are asked why, and named with the reason. */
void gst_dao_leg_on_gathered (GstDaoLeg * leg, gint value, gchar * text,
    GstWebRTCSessionDescription * unused);
void gst_dao_leg_end_probes (GstDaoLeg * leg);

/* gstdaolegice.c */
/* Gives the allocations back, which would else count against the account's quota for ten minutes. Waits for the
 * servers: on a worker, before NULL. */
void gst_dao_leg_release_relays (GstDaoLeg * leg);
NiceAgent *gst_dao_leg_get_agent (GstDaoLeg * leg);     /* (transfer full) (nullable) */
void gst_dao_leg_on_candidate (GstDaoLeg * leg, gint mline, gchar * text,
    GstWebRTCSessionDescription * unused);
/* Types, not addresses: who reads logs need not know them. */
void gst_dao_leg_log_pair (GstDaoLeg * leg);

/* gstdaolegrestart.c */
/* Notes when the peer checks from an address that it had not told; to be undone before the leg can go. */
void gst_dao_leg_watch_addresses (GstDaoLeg * leg);
void gst_dao_leg_unwatch_addresses (GstDaoLeg * leg);
/* New checks, and new credentials in our next description */
void gst_dao_leg_restart_agent (GstDaoLeg * leg);
/* (transfer full): @sdp with the credentials of the restart */
gchar *gst_dao_leg_write_credentials (GstDaoLeg * leg, const gchar * sdp);
/* The agent keeps its sockets over a restart and so emits no candidates anew. */
void gst_dao_leg_send_candidates_again (GstDaoLeg * leg);

/* gstdaoleghold.c */
/* TRUE: this candidate of the peer was taken, and will be added in a moment. @line: of
 * gst_dao_ice_rebuild_candidate() */
gboolean gst_dao_leg_hold_candidate (GstDaoLeg * leg, gint mline,
    const gchar * line);
void gst_dao_leg_end_hold (GstDaoLeg * leg);

/* gstdaolegrtp.c */
/* @rtpbin: of a webrtcbin that has no sessions yet */
void gst_dao_leg_configure_rtp (GstBin * rtpbin);

/* gstdaolegmedia.c */
/* Both descriptions are known: what may flow, and under which payload types. */
void gst_dao_leg_adopt_codecs (GstDaoLeg * leg);
/* Handler of webrtcbin's "pad-added", on a streaming thread */
void gst_dao_leg_on_pad_added (GstElement * webrtc, GstPad * pad,
    gpointer user_data);

G_END_DECLS
