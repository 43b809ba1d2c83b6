/* gst-dao: what hostile peers, and the user whom they call, do in a random sequence
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "hostilespoil.h"
#include "victim.h"

G_BEGIN_DECLS

typedef struct
{
  CallFixture *fixture;
  Victim *v;
  HostilePeer *peers[2];        /* the one that is called; another contact */
  GRand *rand;
  guint32 seed;
  guint done, connected;        /* sequences; of them with a real connection */
  gboolean verbose;
  gint progress, over;          /* atomic, for the watchdog */

  /* of the sequence */
  HostilePeer *now;             /* whose turn it is */
  HostileSpoil *spoil;
  gboolean caller;              /* the victim is */
  gboolean auto_answer[2];      /* whose calls */
  gboolean required;            /* frame encryption */
  gboolean agreed, agreed_video;        /* the user, so far */
  gboolean rings_video;         /* what the user was told */
  gchar *state, *reason;        /* (nullable): what the user was told last */
  guint warnings;
  GPtrArray *sent;              /* gchar*: frames of either peer, to be sent again */
  GPtrArray *descriptions;      /* gchar*: SDP to begin with */
  GPtrArray *ids;               /* gchar*: of calls */
} Hostile;

/* Takes what the user was told and what the peers got; waits up to @timeout_ms for more. */
void hostile_look (Hostile * h, guint timeout_ms);
/* All that was sent has been dealt with. */
void hostile_finish (Hostile * h);
/* 0 to @n - 1 */
guint hostile_pick (Hostile * h, guint n);

/* Any step, of any of them */
void hostile_step (Hostile * h);
/* h->now begins another call. */
void hostile_step_new_call (Hostile * h);
/* h->now announces frame encryption, another key of it, one of low order, or none. */
void hostile_step_encryption (Hostile * h);

G_END_DECLS
