/* gst-dao: what the environment says about ICE servers, read and checked
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "relay-ice.h"

G_BEGIN_DECLS

#define RELAY_CLOUDFLARE_BASE_URL "https://rtc.live.cloudflare.com"

/* HOST, HOST:PORT, [V6] or [V6]:PORT, as it goes into a URL (RFC 7065) */
gboolean relay_ice_is_host (const gchar * text);

/* Each (transfer full), or NULL with @error, which names the variable and no secret */
gchar **relay_ice_parse_turn_hosts (const gchar * text, GError ** error);
gchar **relay_ice_parse_stun_urls (const gchar * text, GError ** error);
/* The stun: URLs that go with turn: URLs: every TURN server is one. Those for TLS or TCP alone are left out. */
gchar **relay_ice_stun_of_turn (gchar ** turn_urls);
/* Of the credentials of a key: https:, or http: to this host; without a slash at its end */
gchar *relay_ice_parse_base_url (const gchar * text, GError ** error);
gboolean relay_ice_parse_ttl (const gchar * text, gint64 * ttl_s,
    GError ** error);

G_END_DECLS
