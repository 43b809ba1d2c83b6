/* gst-dao: ICE servers as the relay hands them out
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>
#include <jansson.h>

G_BEGIN_DECLS

#define DAO_ICE_CONFIG_ERROR (dao_ice_config_error_quark ())
GQuark dao_ice_config_error_quark (void);
typedef enum { DAO_ICE_CONFIG_ERROR_FORMAT, DAO_ICE_CONFIG_ERROR_LIMIT } DaoIceConfigError;

#define DAO_ICE_CONFIG_MAX_SERVERS 8    /* libnice keeps at most 8 TURN servers */

typedef struct
{
  gchar *url;                   /* as received: stun:, turn:, turns: */
  gchar *username;              /* NULL for stun */
  gchar *credential;
} DaoIceServer;

typedef struct
{
  gint64 ttl_s;                 /* 0 = do not cache */
  gint64 asked_us;              /* monotonic: from when ttl_s counts; set by the relay client */
  gboolean relay_only;          /* ice_transport_policy is "relay" */
  GPtrArray *servers;           /* DaoIceServer*; one entry a URL */
} DaoIceConfig;

/**
 * dao_ice_config_parse:
 *
 * protocol.md c.1, and the other forms in which providers give iceServers: `iceServers`, an array by itself, one
 * server instead of an array, `url`, and the {username, password, ttl, uris} of the TURN REST draft; a ttl in digits.
 * `urls` may be a string or an array. URLs of unknown schemes and
 * TURN servers without credentials are passed over, and so is what comes after
 * DAO_ICE_CONFIG_MAX_SERVERS.
 *
 * Returns: (transfer full): the configuration, or NULL with DAO_ICE_CONFIG_ERROR or
 *   DAO_JSON_ERROR
 */
DaoIceConfig *dao_ice_config_parse (const gchar * json, gsize length,
    GError ** error);
/* The same of a parsed answer (transfer none). */
DaoIceConfig *dao_ice_config_from_json (json_t * root, GError ** error);
DaoIceConfig *dao_ice_config_copy (const DaoIceConfig * config);
void dao_ice_config_free (DaoIceConfig * config);       /* wipes credentials */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DaoIceConfig, dao_ice_config_free)

/* min (540 s, ttl - min (60 s, ttl / 2)); 0 for ttl <= 0 */
gint64 dao_ice_config_cache_seconds (gint64 ttl_s);

/* Monotonic time in us: from then on it is asked for anew. G_MAXINT64 when it came without a ttl, and so without an
 * end that is known. */
gint64 dao_ice_config_get_renewal_us (const DaoIceConfig * config);
/* The same: its credentials are good until then. An answer is believed for a day at most, whatever ttl it names. */
gint64 dao_ice_config_get_end_us (const DaoIceConfig * config);

G_END_DECLS
