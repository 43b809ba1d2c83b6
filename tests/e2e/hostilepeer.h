/* gst-dao: a contact that speaks the protocol with valid keys and means harm
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Signs and seals whatever it is told, and drives a bare webrtcbin. Everything happens on the main
 * thread; hostile_pump() is what makes it live. Its clock is that of accountclock.h.
 */
#pragma once

#include "callfixture.h"
#include "dao-envelope.h"
#include "dao-relay-client.h"

G_BEGIN_DECLS

/* Of daosignaling's offers too */
#define HOSTILE_VIDEO_PT 96

typedef struct
{
  DaoIdentity *identity;
  DaoContacts *contacts;
  DaoReplayGuard *replay;
  DaoRelayClient *client;
  const gchar *alias;
  const gchar *victim;
  gchar *call_id;
  GQueue received;              /* DaoSignal*, candidates are not among them */

  gboolean e2ee;                /* announce frame encryption */
  guint8 e2ee_pub[32];
  guint gen, leg;
  gint64 skew_ms;               /* of the time in what it signs */

  GstElement *pipeline;
  GstElement *webrtc;
  gint ready;                   /* webrtcbin can describe itself */
  gboolean remote_set;
  GAsyncQueue *candidates;      /* own ones: gchar* */
  GQueue early;                 /* DaoSignal*: the victim's, before its description */
  gint rtp_received, video_sent;        /* at its own sockets; atomic */
} HostilePeer;

HostilePeer *hostile_new (CallFixture * fixture, guint account,
    guint victim);
void hostile_free (HostilePeer * peer);

/* Handles what came since; waits up to @timeout_ms for more. */
void hostile_pump (HostilePeer * peer, guint timeout_ms);
/* (transfer full): the next signal of that type, others before it are dropped; fatal after 15 s */
DaoSignal *hostile_wait (HostilePeer * peer, DaoSignalType type);

/* (transfer full): a signal of the current call with all the right fields */
DaoSignal *hostile_signal (HostilePeer * peer, DaoSignalType type);
/* @signal: (transfer full) */
void hostile_send (HostilePeer * peer, DaoSignal * signal);
/* @inner: (transfer full): signed as it is; @outer_field (nullable) of the clear copy is then overwritten. The
 * frame goes to the victim in any case. */
void hostile_send_json (HostilePeer * peer, json_t * inner,
    const gchar * outer_field, const gchar * outer_value);
/* The same, but only the text (transfer full) */
gchar *hostile_seal (HostilePeer * peer, json_t * inner,
    const gchar * outer_field, const gchar * outer_value);
void hostile_send_frame (HostilePeer * peer, const gchar * text);
/* Waits until the victim has dealt with all that was sent to it; fatal after 15 s */
void hostile_flush (HostilePeer * peer);
void hostile_send_offer (HostilePeer * peer, const gchar * sdp);
void hostile_send_answer (HostilePeer * peer, const gchar * sdp);
void hostile_send_candidate (HostilePeer * peer, const gchar * candidate);
void hostile_send_end (HostilePeer * peer, const gchar * reason);
void hostile_new_call (HostilePeer * peer);
/* Offers and answers carry a key for frame encryption from now on, of 32 bytes @fill. */
void hostile_announce (HostilePeer * peer, guint8 fill);

/* Starts its media and webrtcbin. */
void hostile_start_media (HostilePeer * peer);
void hostile_stop_media (HostilePeer * peer);
/* (transfer full): SDP of webrtcbin, set as local description */
gchar *hostile_create_offer (HostilePeer * peer);
gchar *hostile_create_answer (HostilePeer * peer, const gchar * offer);
void hostile_apply_answer (HostilePeer * peer, const gchar * answer);

/* How many packets are RTP or RTCP; @pt >= 0: RTP of that payload type, which SRTP leaves readable */
guint hostile_count_rtp (GstPadProbeInfo * info, gint pt);

/* (transfer full): @text with every @from replaced; fatal when there is none */
gchar *hostile_replace (const gchar * text, const gchar * from,
    const gchar * to);

G_END_DECLS
