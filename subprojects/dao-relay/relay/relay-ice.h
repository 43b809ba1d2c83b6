/* gst-dao: the ICE servers the relay hands out
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>
#include <jansson.h>

G_BEGIN_DECLS

/* Life of a TURN credential (protocol.md c.1). */
#define RELAY_ICE_TTL_S 600

typedef struct _RelayIce RelayIce;

/**
 * relay_ice_new:
 * @turn_host: (nullable): host or host:port of a TURN server (coturn with use-auth-secret)
 * @turn_secret: (nullable): the secret shared with it
 * @stun_urls: (nullable): stun: URLs, separated by commas or blanks, for when there is no TURN server
 *
 * The environment's TURN_HOST, TURN_SECRET and STUN_URLS. Host and secret go together; one without the other, or
 * something that is no host or no stun: URL, is an error: a relay that silently hands out nothing breaks calls later.
 */
RelayIce *relay_ice_new (const gchar * turn_host, const gchar * turn_secret,
    const gchar * stun_urls, GError ** error);
void relay_ice_free (RelayIce * ice);

/**
 * relay_ice_config:
 * @alias: whose credential it becomes
 * @relay_only: the request had mode=relay
 *
 * {ttl, ice_transport_policy, ice_servers} of protocol.md c.1; `urls` is always an array. The credential is the TURN REST
 * one: username "<expiry>:<alias>", credential base64 (HMAC-SHA1 (secret, username)). (transfer full)
 */
json_t *relay_ice_config (RelayIce * ice, const gchar * alias,
    gboolean relay_only, gint64 now_s);

G_END_DECLS
