/* gst-dao: the ICE servers the relay hands out
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * protocol.md c.1. Three back ends, the first that has something: Cloudflare
 * Realtime TURN, a TURN server with a shared secret, STUN servers. None: an empty
 * list, and never anybody's servers that the operator did not name.
 */
#pragma once

#include <glib.h>
#include <jansson.h>

G_BEGIN_DECLS

/* Life of a TURN credential (protocol.md c.1). */
#define RELAY_ICE_TTL_S 600
/* Clients keep 8 servers (libnice's limit for TURN). */
#define RELAY_ICE_MAX_URLS 8

typedef struct _RelayIce RelayIce;
typedef struct uv_loop_s uv_loop_t;     /* libuv's */

/* As they are in the environment: each may be NULL or "". */
typedef struct
{
  const gchar *turn_host;       /* HOST, HOST:PORT or turn: and turns: URLs, separated by commas or blanks */
  const gchar *turn_secret;     /* shared with it (coturn's use-auth-secret) */
  const gchar *turn_ttl;        /* life of a credential in seconds */
  const gchar *stun_urls;       /* stun: URLs, separated by commas or blanks, for when there is no TURN */
  const gchar *cf_key_id;       /* Cloudflare Realtime TURN */
  const gchar *cf_api_token;
  const gchar *cf_base_url;     /* in place of Cloudflare's; http: for this host only */
  const gchar *cf_ca_file;      /* authorities for it in place of the system's */
} RelayIceSettings;

/* TURN_HOST, TURN_SECRET, TURN_TTL, STUN_URLS, CF_TURN_KEY_ID, CF_TURN_API_TOKEN, CF_TURN_BASE_URL, CF_TURN_CA_FILE */
void relay_ice_settings_from_environment (RelayIceSettings * settings);

/**
 * relay_ice_new:
 *
 * What goes together must be set together, and what is malformed is an error, which names the variable but no
 * secret: a relay that silently hands out nothing breaks calls later.
 */
RelayIce *relay_ice_new (const RelayIceSettings * settings, GError ** error);
void relay_ice_free (RelayIce * ice);

/**
 * relay_ice_start:
 * @ready: after relay_ice_must_wait() said TRUE: it would say FALSE now
 *
 * Without it nothing is fetched. relay_ice_stop() before the loop ends; what is under way ends soon then.
 */
void relay_ice_start (RelayIce * ice, uv_loop_t * loop,
    void (*ready) (gpointer user_data), gpointer user_data);
void relay_ice_stop (RelayIce * ice);

/* Is a better answer on its way? Asks for it when it is time to. It comes, or fails, within seconds. */
gboolean relay_ice_must_wait (RelayIce * ice, gint64 now_s);

/**
 * relay_ice_config:
 * @alias: whose credential it becomes
 * @relay_only: the request had mode=relay
 *
 * {ttl, ice_transport_policy, ice_servers} of protocol.md c.1; `urls` is always an array, ttl no longer than the
 * credential is good. Of a shared secret the credential is the TURN REST one: username "<expiry>:<alias>",
 * credential base64 (HMAC-SHA1 (secret, username)). (transfer full)
 */
json_t *relay_ice_config (RelayIce * ice, const gchar * alias,
    gboolean relay_only, gint64 now_s);

G_END_DECLS
