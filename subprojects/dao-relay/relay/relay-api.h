/* gst-dao: the relay's HTTP API
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * protocol.md section c, endpoints 1 to 11. A request in, a response out: no
 * sockets here, and the time comes with the request.
 */
#pragma once

#include "relay-auth.h"
#include "relay-hub.h"
#include "relay-ice.h"

G_BEGIN_DECLS

#define RELAY_MAX_BODY (16 * 1024)      /* the largest request, register, is below 1 KiB */
#define RELAY_MAX_NICKNAME 64   /* characters */
#define RELAY_MAX_FRIENDSHIPS 2000      /* of an account: the list is one answer, about 700 KB */
#define RELAY_MAX_LIMIT_KEYS 65536      /* buckets a limiter remembers: addresses or accounts */

typedef struct
{
  /* "429 above 10 registrations/IP/hour" (protocol.md c); burst 0 = no limit */
  RelayRate registrations;
  /* Failed logins of an address: each costs an Ed25519 check. */
  RelayRate login_failures;
  /* Challenges an address may ask for; each stores 100 bytes for 5 minutes. */
  RelayRate challenges;
  /* A request to a stranger shows up on his screen. */
  RelayRate friend_requests;
  /* Tickets, look-ups, lists and ice-config of one account; bounds tickets (30 s) and slows the reading out of aliases. */
  RelayRate requests;
  guint pow_difficulty;         /* hex digits, 1 to 5: clients give up after 10 million hashes */
} RelayApiLimits;

extern const RelayApiLimits relay_api_default_limits;

typedef struct
{
  const gchar *method;
  const gchar *path;            /* decoded, without query */
  const gchar *query;           /* "" if none */
  const gchar *authorization;   /* (nullable) the header */
  const gchar *ip;
  const gchar *body;
  gsize body_length;
  gint64 now_s;                 /* Unix time */
  gint64 now_us;                /* monotonic */
  gboolean resumed;             /* was left unanswered once, and the reason to wait is gone */
} RelayRequest;

typedef struct
{
  guint status;                 /* 0: not yet; ask again, resumed, when the ICE servers are ready */
  gchar *body;                  /* (transfer full): JSON */
} RelayResponse;

typedef struct _RelayApi RelayApi;

/* Keeps the pointers; the caller outlives it with them. */
RelayApi *relay_api_new (const RelayApiLimits * limits, RelayStore * store,
    RelayAuth * auth, RelayIce * ice, RelayHub * hub);
void relay_api_free (RelayApi * api);

void relay_api_handle (RelayApi * api, const RelayRequest * request,
    RelayResponse * response);

/* A {"error": @message} response. */
void relay_response_error (RelayResponse * response, guint status,
    const gchar * message);
void relay_response_clear (RelayResponse * response);

G_END_DECLS
