/* gst-dao: what the files of the lying relay share
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 *   lyingrelay.c        lies, record, what the test says; the thread
 *   lyingrelayframes.c  WebSockets and their frames
 *   lyingrelayhttp.c    requests
 */
#pragma once

#include "lyingrelay.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* A lie, and how often it was asked for */
typedef struct
{
  Lie lie;                      /* its strings are ours */
  guint met;
} Told;

typedef struct
{
  gchar *what, *from, *text;
  gint64 us;
} Entry;

/* A client and its way to the real relay */
typedef struct
{
  LyingRelay *relay;
  gchar *alias;
  SoupWebsocketConnection *client, *upstream;
  GQueue early;                 /* gchar*: frames before the way up was open */
} Line;

/* A request on its way */
typedef struct
{
  LyingRelay *relay;
  SoupServerMessage *message;
  gchar *name, *alias, *uuid;
  const Lie *lie;               /* (nullable) */
} Exchange;

/* A frame, or a request, that goes on later */
typedef struct
{
  LyingRelay *relay;
  gchar *alias, *text;
  Exchange *exchange;
} Held;

struct _LyingRelay
{
  gchar *upstream, *url;
  GHashTable *aliases;          /* uuid -> alias */
  GThread *thread;
  GMainContext *context;
  GMainLoop *loop;

  /* under the lock */
  GMutex lock;
  GCond changed;
  GQueue lies;                  /* Told*, the last one first */
  GPtrArray *record;            /* Entry* */
  GHashTable *lines;            /* alias -> Line; changed by the thread of the relay only */
  gboolean frozen;

  /* the thread of the relay only */
  SoupServer *server;
  SoupSession *session;
  GHashTable *tokens;           /* token -> alias */
  GQueue held;                  /* Held* */

  GPtrArray *all_lies, *all_lines;      /* freed in the end */
};

/* "" when there is no such string */
const gchar *lying_relay_member (json_t * object, const gchar * name);
void lying_relay_write_down (LyingRelay * relay, const gchar * what,
    const gchar * from, const gchar * text);
/* (transfer none) (nullable) */
const Lie *lying_relay_find_lie (LyingRelay * relay, const gchar * what,
    const gchar * from);

/* --- on the thread of the relay --- */

/* lyingrelayframes.c. Takes @exchange: a frame, or a request, that goes on later, as @lie says */
void lying_relay_hold (LyingRelay * relay, const Lie * lie,
    const gchar * alias, const gchar * text, Exchange * exchange);
void lying_relay_go_on (Held * held);
void lying_relay_held_free (gpointer held);
void lying_relay_send_down (LyingRelay * relay, const gchar * alias,
    const gchar * text);
void lying_relay_line_end (Line * line);
void lying_relay_line_free (gpointer line);
/* (transfer full): the same path and query at the real relay */
gchar *lying_relay_upstream_url (LyingRelay * relay, GUri * uri);
/* (transfer none) (nullable) */
const gchar *lying_relay_alias_of_query (LyingRelay * relay,
    GHashTable * query);
void lying_relay_on_websocket (SoupServer * server,
    SoupServerMessage * message, const char *path,
    SoupWebsocketConnection * ws, gpointer relay);

/* lyingrelayhttp.c */
void lying_relay_forward (Exchange * exchange);
void lying_relay_exchange_free (Exchange * exchange);
void lying_relay_on_request (SoupServer * server, SoupServerMessage * message,
    const char *path, GHashTable * query, gpointer relay);
void lying_relay_on_handshake (SoupServer * server,
    SoupServerMessage * message, const char *path, GHashTable * query,
    gpointer relay);

G_END_DECLS
