/* gst-dao: a relay that misbehaves, between the accounts of a test and the real one
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Passes everything on, HTTP and WebSocket, and writes down what it saw; what it was told to do to some of it is a
 * lie. It runs on a thread of its own. All functions are for the thread of the test.
 */
#pragma once

#include "callfixture.h"

#include <jansson.h>

G_BEGIN_DECLS

typedef struct _LyingRelay LyingRelay;

typedef enum
{
  LIE_DROP,                     /* a frame is gone, a request is never answered */
  LIE_HOLD,                     /* until lying_relay_release() */
  LIE_DELAY,                    /* by .ms */
  LIE_REPEAT,                   /* a frame comes twice */
  LIE_REWRITE,                  /* a frame becomes what .rewrite makes of it */
  LIE_RELABEL,                  /* members of the clear frame become those of .text, a JSON object */
  LIE_ANSWER,                   /* a request gets .status and .text (nullable) */
  LIE_EDIT,                     /* .edit changes the true answer of a request */
} LieKind;

typedef void (*LieEdit) (json_t * answer, gpointer user_data);
/* (transfer full) */
typedef gchar *(*LieRewrite) (const gchar * frame, gpointer user_data);

typedef struct
{
  LieKind kind;
  /* The type of a frame ("call_offer"; "call_" = all of a call), or how a request begins ("GET /api/v1/friends",
   * "GET /ws" = the handshake) */
  const gchar *what;
  const gchar *from;            /* alias that sends it; NULL = all */
  guint skip;                   /* so many are told no lie */
  guint times;                  /* then so many are; 0 = all */
  guint ms;
  guint status;
  const gchar *text;
  LieEdit edit;                 /* on the thread of the relay, as the next */
  LieRewrite rewrite;
  gpointer user_data;
} Lie;

/* Knows the accounts of @fixture; its relay may be killed meanwhile. */
LyingRelay *lying_relay_new (CallFixture * fixture);
void lying_relay_free (LyingRelay * relay);
const gchar *lying_relay_url (LyingRelay * relay);

/* --- lies --- */

/* The lie told last goes first; a frame or request meets one lie at most. */
void lying_relay_tell (LyingRelay * relay, const Lie * lie);
/* Forgets all lies. What is held stays so. */
void lying_relay_be_honest (LyingRelay * relay);
/* Sends on what is held. */
void lying_relay_release (LyingRelay * relay, gboolean last_first);

/* A frame to @alias that nobody sent */
void lying_relay_inject (LyingRelay * relay, const gchar * alias,
    const gchar * text);
void lying_relay_goaway (LyingRelay * relay, const gchar * alias,
    const gchar * reason);
/* Drops the connection of @alias; NULL = of all. */
void lying_relay_cut (LyingRelay * relay, const gchar * alias);

/* The network is gone: nothing is read, nothing is refused. Then only lying_relay_thaw() may be called,
 * and what looks at the record. */
void lying_relay_freeze (LyingRelay * relay);
/* The same, after a close frame to @alias: its socket is closing for as long as this lasts. */
void lying_relay_freeze_closing (LyingRelay * relay, const gchar * alias);
void lying_relay_thaw (LyingRelay * relay);

/* --- the record: frames and requests as the clients sent them --- */

guint lying_relay_count (LyingRelay * relay, const gchar * what,
    const gchar * from);
/* The @n-th, from 0 (transfer full): the frame, or the body of the request. Waits for it; fatal after 15 s. */
gchar *lying_relay_get (LyingRelay * relay, const gchar * what,
    const gchar * from, guint n);
/* When it came: monotonic, us */
gint64 lying_relay_time (LyingRelay * relay, const gchar * what,
    const gchar * from, guint n);
/* Whether a connection of @alias is open */
gboolean lying_relay_is_connected (LyingRelay * relay, const gchar * alias);

G_END_DECLS
