/* gst-dao: one end of a whole call, with the media that passes it counted
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "callfixture.h"

G_BEGIN_DECLS

typedef struct
{
  CallFixture *fixture;
  const gchar *alias;
  GstElement *pipeline;
  GstElement *call;
  GQueue messages;              /* GstMessage*: element messages, warnings and errors not looked at yet */
  /* atomic */
  gint webrtcbins;
  gint rtp_in, rtp_out;         /* packets that the fingerprint guard let through */
  gint frames;                  /* of audio, at the source pad */
  gint widest_ms;               /* between the times of two such frames that follow each other */
  GstClockTime last;
} CallEnd;

/* daosignaling of that account, with tones and no pictures; @options are its properties. */
CallEnd *call_end_new (CallFixture * fixture, guint account,
    const gchar * options, ...) G_GNUC_PRINTF (3, 4);
void call_end_free (CallEnd * end);
void call_end_play (CallEnd * end);
/* Plays and waits until calls reach it. */
void call_end_play_online (CallEnd * end);
/* The next run */
void call_end_play_again (CallEnd * end);
void call_end_act (CallEnd * end, const gchar * action);

/* (transfer full): the next message @name, with @field = @value (as gst_value_serialize says) if that is given. Others before
 * it are passed over. Fatal after 20 s. */
GstStructure *call_end_wait (CallEnd * end, const gchar * name,
    const gchar * field, const gchar * value);
void call_end_wait_state (CallEnd * end, const gchar * state);
void call_end_wait_online (CallEnd * end, gboolean online);
/* The call is over, for that reason, and it was with @peer. */
void call_end_wait_end (CallEnd * end, const gchar * reason,
    const gchar * peer);
/* Nobody said that it is over: the packets stopped, or the media. Which clock is first depends on its rate. */
void call_end_wait_lost (CallEnd * end, const gchar * peer);
/* An ERROR, or a WARNING, that says @text */
void call_end_wait_error (CallEnd * end, const gchar * text);
void call_end_wait_warning (CallEnd * end, const gchar * text);
/* Connected with @peer, and frames of @peer verify */
void call_end_wait_talk (CallEnd * end, const gchar * peer);
/* Until @counter has grown by @n */
void call_end_wait_more (gint * counter, gint n);
/* Was there none among what is not looked at yet? */
gboolean call_end_has_state (CallEnd * end, const gchar * state);
/* Neither RTP nor frames, in or out */
void call_end_assert_no_media (CallEnd * end);

G_END_DECLS
