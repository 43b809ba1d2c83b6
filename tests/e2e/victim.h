/* gst-dao: a daosignaling under attack
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Account 0 is the element, account 1 its hostile peer, account 2 somebody else. Local media flows from the
 * start. All waiting is fatal after 20 s.
 */
#pragma once

#include "hostilepeer.h"

G_BEGIN_DECLS

typedef struct
{
  CallFixture *fixture;
  gchar *options;
  HostilePeer *peer;
  GstElement *pipeline;
  GstElement *call;
  GQueue messages;              /* GstMessage*: element messages, warnings and errors */
  /* atomic; audio, video */
  gint webrtcbins;              /* made so far */
  gint alive;                   /* webrtcbins that are still there */
  gint clear_tracks, ciphers;   /* (de)payloaders of clear media, encryptors and decryptors made so far */
  gint sent[2];                 /* buffers at webrtcbin's sink pads */
  gint rtp_in, rtp_out;         /* RTP and RTCP at the socket that the fingerprint guard let through */
  gint video_in;                /* what came through the payload-type filter of it */
  gint frames[2];               /* at the source pads */
} Victim;

/* Not playing yet; the peer is online. @fixture: (transfer full); @options: properties of daosignaling */
Victim *victim_new (CallFixture * fixture, const gchar * options);
/* Plays and can be called. */
Victim *victim_callee_new (guint n_accounts, const gchar * options);
/* Calls the peer. */
Victim *victim_caller_new (const gchar * options);
void victim_free (Victim * v);
/* Another element in the place of the old one, not playing yet */
void victim_renew (Victim * v);
void victim_play (Victim * v);
/* READY and PLAYING: the next run, waiting for calls; nothing is left of the last one's */
void victim_play_again (Victim * v);
/* An action signal without arguments */
void victim_act (Victim * v, const gchar * action);

/* Handles what came since, also for the peer. */
void victim_pump (Victim * v);
/* (transfer full): the structure of the next message @name, with @field = @value if that is given */
GstStructure *victim_wait_message (Victim * v, const gchar * name,
    const gchar * field, const gchar * value);
void victim_wait_state (Victim * v, const gchar * state);
void victim_wait_end (Victim * v, const gchar * reason);
/* An ERROR whose debug string has @reason */
void victim_wait_error (Victim * v, const gchar * reason);
/* Some warning says so */
void victim_wait_warning (Victim * v, const gchar * text);
void victim_wait_count (Victim * v, gint * counter, gint n);
/* Gives what must not happen time to happen. */
void victim_observe (Victim * v);
/* Nothing was sent, received or played. */
void victim_assert_no_media (Victim * v);
/* Counts from 0 again; after READY */
void victim_reset_counts (Victim * v);

/* (transfer full): an offer of the peer's webrtcbin without the video */
gchar *victim_audio_only (const gchar * offer);
/* (transfer full): the victim's offer, with which the peer's call begins */
gchar *victim_take_offer (Victim * v);
/* The peer calls with real media, the victim answers by itself. (transfer full): the peer's offer */
gchar *victim_connect (Victim * v);

G_END_DECLS
