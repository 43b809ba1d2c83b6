/* gst-dao: what the files of the HTTP API share
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "relay-api.h"

G_BEGIN_DECLS

#define RELAY_MAX_ARGUMENT 64

struct _RelayApi
{
  RelayStore *store;
  RelayAuth *auth;
  RelayIce *ice;
  RelayHub *hub;
  RelayLimiter *registrations;
  RelayLimiter *login_failures;
  RelayLimiter *challenges;
  RelayLimiter *friend_requests;
  RelayLimiter *requests;
  guint pow_difficulty;
};

/* A request of a logged-in account. */
typedef struct
{
  const RelayRequest *request;
  RelayAccount account;
  guint8 token_hash[RELAY_TOKEN_HASH_SIZE];
  gchar argument[RELAY_MAX_ARGUMENT];   /* the id or alias in the path */
} RelayCall;

gboolean relay_api_authenticate (RelayApi * api, const gchar * authorization,
    gint64 now_s, RelayAccount * account, guint8 * hash);
json_t *relay_request_object (const RelayRequest * request,
    RelayResponse * response);
void relay_response_json (RelayResponse * response, guint status,
    json_t * body);     /* takes @body */
void relay_response_store_failed (RelayResponse * response, GError * error);
gchar *relay_time_text (gint64 unix_s);

/* relay-friends.c */
void relay_friends_list (RelayApi * api, const RelayCall * call,
    RelayResponse * response);
void relay_friends_request (RelayApi * api, const RelayCall * call,
    RelayResponse * response);
void relay_friends_accept (RelayApi * api, const RelayCall * call,
    RelayResponse * response);
void relay_friends_reject (RelayApi * api, const RelayCall * call,
    RelayResponse * response);

G_END_DECLS
