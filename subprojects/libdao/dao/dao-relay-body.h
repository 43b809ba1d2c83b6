/* gst-dao: what our requests look like
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Paths and bodies of protocol.md c and d, in one place so that the client, the programs and the
 * vectors agree. Bodies and paths are (transfer full).
 */
#pragma once

#include "dao-identity.h"

#include <jansson.h>

G_BEGIN_DECLS

#define DAO_PATH_POW_CHALLENGE "/api/v1/pow/challenge"
#define DAO_PATH_REGISTER "/api/v1/register"
#define DAO_PATH_AUTH_CHALLENGE "/api/v1/auth/challenge"
#define DAO_PATH_AUTH_VERIFY "/api/v1/auth/verify"
#define DAO_PATH_WS_TICKET "/api/v1/ws/ticket"
#define DAO_PATH_FRIENDS "/api/v1/friends"
#define DAO_PATH_FRIEND_REQUEST "/api/v1/friends/request"
#define DAO_PATH_ICE_CONFIG "/api/v1/calls/ice-config"

gchar *dao_relay_path_user (const gchar * alias);
gchar *dao_relay_path_accept (gint64 friendship_id);
gchar *dao_relay_path_ice_config (gboolean relay_only);
/* The WebSocket's; the ticket is the only credential that ever stands in a URL. */
gchar *dao_relay_path_socket (const gchar * uuid, const gchar * ticket);

json_t *dao_relay_body_register (DaoIdentity * identity,
    const gchar * nickname, const gchar * pow_nonce);
json_t *dao_relay_body_auth_challenge (const gchar * uuid);
json_t *dao_relay_body_auth_verify (const gchar * uuid,
    const gchar * challenge, const gchar * signature);
json_t *dao_relay_body_friend_request (const gchar * alias);

G_END_DECLS
