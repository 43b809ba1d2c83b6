/* gst-dao: a relay small enough to misbehave on demand
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The endpoints of protocol.md c with the answers of http_ws_transcript, on loopback and on the
 * thread-default context, so that one thread runs both sides of a test. A test can replace the answer of
 * any endpoint, push frames to a client and look at all it did.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <libsoup/soup.h>

G_BEGIN_DECLS

typedef struct
{
  SoupServer *server;
  gchar *url;
  guint difficulty;             /* of the proof of work */
  gboolean silent;              /* no JSON pong */
  gchar *challenge;             /* of the next logins; NULL = random */
  gchar *ice_config;            /* answer of ice-config */

  GHashTable *users;            /* uuid -> json_t user */
  GHashTable *challenges;       /* challenge -> uuid */
  GHashTable *tokens;           /* token -> uuid */
  GHashTable *tickets;          /* ticket -> uuid */
  GHashTable *sockets;          /* uuid -> SoupWebsocketConnection */
  json_t *friendships;          /* array of {id, from, to (uuids), status, conversation_id} */

  GHashTable *overrides;        /* "METHOD /path" -> Override */
  GHashTable *counts;           /* "METHOD /path" -> number of requests */
  GPtrArray *urls;              /* every request's path and query */
  GPtrArray *frames;            /* every text frame of a client */
  guint n_opened;               /* WebSockets */
  guint n_deflate;              /* handshakes that offered an extension */
  guint n_bad_tickets;
} Standin;

Standin *standin_new (void);
void standin_free (Standin * standin);

/* The next @times requests (0 = all) are answered by this; @body NULL = empty. */
void standin_override (Standin * standin, const gchar * method_and_path,
    guint times, guint status, const gchar * body);
void standin_restore (Standin * standin, const gchar * method_and_path);
guint standin_count (Standin * standin, const gchar * method_and_path);

/* Registers without HTTP; returns the uuid (transfer none). */
const gchar *standin_add_user (Standin * standin, const gchar * alias,
    const guint8 * ed25519, const guint8 * x25519);
void standin_befriend (Standin * standin, const gchar * alias_a,
    const gchar * alias_b, const gchar * conversation_id);
/* Replaces a key in what the relay tells others. */
void standin_set_key (Standin * standin, const gchar * alias,
    const gchar * name, const guint8 * key);

gboolean standin_is_connected (Standin * standin, const gchar * alias);
void standin_push (Standin * standin, const gchar * alias, const gchar * text);
void standin_close_socket (Standin * standin, const gchar * alias);
void standin_revoke_tokens (Standin * standin);
/* The last frame a client sent whose type is @type, parsed; NULL if none. (transfer full) */
json_t *standin_last_frame (Standin * standin, const gchar * type);
guint standin_count_frames (Standin * standin, const gchar * type);

/* Runs the default main context until the condition holds; a test that waits 20 s has failed. */
typedef struct
{
  GSource *watchdog;
  gboolean expired;
} StandinWait;
void standin_wait_begin (StandinWait * wait);
void standin_wait_end (StandinWait * wait);
void standin_settle (void);     /* until nothing is left to dispatch */

#define standin_wait_until(condition) G_STMT_START { \
  StandinWait wait_; \
  standin_wait_begin (&wait_); \
  while (!(condition) && !wait_.expired) \
    g_main_context_iteration (NULL, TRUE); \
  standin_wait_end (&wait_); \
  g_assert_true (condition); \
} G_STMT_END

G_END_DECLS
