/* gst-dao: the ICE servers the relay hands out
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "relay-ice.h"

#include "dao-turn-rest.h"

#include <gio/gio.h>
#include <sodium.h>
#include <string.h>

/* Clients keep few servers (libnice 8 TURN servers); the environment is a line, not a list. */
#define MAX_STUN_URLS 8

struct _RelayIce
{
  gchar *turn_host;
  gchar *turn_secret;
  gchar **stun_urls;
};

/* host, host:port, [v6] or [v6]:port, as it goes into a turn: URL (RFC 7065) */
static gboolean
is_host (const gchar * text)
{
  return *text && strspn (text, "abcdefghijklmnopqrstuvwxyz"
      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") == strlen (text);
}

static gboolean
split_stun_urls (RelayIce * ice, const gchar * text, GError ** error)
{
  g_auto (GStrv) words = g_strsplit_set (text, ", \t", -1);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  guint n = 0;

  for (gchar ** w = words; *w; w++) {
    if (!**w)
      continue;
    if (!g_str_has_prefix (*w, "stun:") || !is_host (*w + 5)
        || ++n > MAX_STUN_URLS) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
          "STUN_URLS: at most %d stun:HOST[:PORT] URLs, not \"%s\"",
          MAX_STUN_URLS, *w);
      return FALSE;
    }
    g_strv_builder_add (builder, *w);
  }
  ice->stun_urls = g_strv_builder_end (builder);
  return TRUE;
}

RelayIce *
relay_ice_new (const gchar * turn_host, const gchar * turn_secret,
    const gchar * stun_urls, GError ** error)
{
  RelayIce *ice = g_new0 (RelayIce, 1);
  gboolean has_host = turn_host && *turn_host;
  gboolean has_secret = turn_secret && *turn_secret;

  if (has_host != has_secret || (has_host && !is_host (turn_host))) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "TURN_HOST (HOST[:PORT]) and TURN_SECRET must both be set");
    goto failed;
  }
  if (has_host) {
    ice->turn_host = g_strdup (turn_host);
    ice->turn_secret = g_strdup (turn_secret);
  }
  if (!split_stun_urls (ice, stun_urls ? stun_urls : "", error))
    goto failed;
  return ice;

failed:
  relay_ice_free (ice);
  return NULL;
}

void
relay_ice_free (RelayIce * ice)
{
  if (!ice)
    return;
  if (ice->turn_secret)
    sodium_memzero (ice->turn_secret, strlen (ice->turn_secret));
  g_free (ice->turn_secret);
  g_free (ice->turn_host);
  g_strfreev (ice->stun_urls);
  g_free (ice);
}

static json_t *
turn_server (RelayIce * ice, const gchar * alias, gint64 now_s)
{
  g_autofree gchar *username = NULL;
  g_autofree gchar *credential = NULL;
  g_autofree gchar *udp = NULL;
  g_autofree gchar *tcp = NULL;
  json_t *server;

  username = dao_turn_rest_username (now_s + RELAY_ICE_TTL_S, alias);
  credential = dao_turn_rest_credential (ice->turn_secret, username);
  udp = g_strdup_printf ("turn:%s?transport=udp", ice->turn_host);
  tcp = g_strdup_printf ("turn:%s?transport=tcp", ice->turn_host);
  server = json_pack ("{s:[s,s],s:s,s:s}", "urls", udp, tcp,
      "username", username, "credential", credential);
  sodium_memzero (credential, strlen (credential));
  return server;
}

json_t *
relay_ice_config (RelayIce * ice, const gchar * alias, gboolean relay_only,
    gint64 now_s)
{
  json_t *servers = json_array ();

  if (ice->turn_host) {
    if (!relay_only)
      json_array_append_new (servers,
          json_pack ("{s:[s+]}", "urls", "stun:", ice->turn_host));
    json_array_append_new (servers, turn_server (ice, alias, now_s));
  } else {
    for (gchar ** url = ice->stun_urls; *url; url++)
      json_array_append_new (servers, json_pack ("{s:[s]}", "urls", *url));
  }
  return json_pack ("{s:i,s:s,s:o}", "ttl", RELAY_ICE_TTL_S,
      "ice_transport_policy", relay_only ? "relay" : "all",
      "ice_servers", servers);
}
