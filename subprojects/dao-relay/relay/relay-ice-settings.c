/* gst-dao: what the environment says about ICE servers, read and checked
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "relay-ice-settings.h"

#include <gio/gio.h>
#include <string.h>

/* Credentials for less than a connection takes are no use, for more than a day a risk. */
#define MIN_TTL_S 10
#define MAX_TTL_S 86400

void
relay_ice_settings_from_environment (RelayIceSettings * settings)
{
  *settings = (RelayIceSettings) {
  .turn_host = g_getenv ("TURN_HOST"),.turn_secret =
        g_getenv ("TURN_SECRET"),.turn_ttl = g_getenv ("TURN_TTL"),.stun_urls =
        g_getenv ("STUN_URLS"),.cf_key_id = g_getenv ("CF_TURN_KEY_ID"),
        .cf_api_token = g_getenv ("CF_TURN_API_TOKEN"),.cf_base_url =
        g_getenv ("CF_TURN_BASE_URL"),.cf_ca_file =
        g_getenv ("CF_TURN_CA_FILE"),};
}

static gboolean
is_port (const gchar * text)
{
  return g_ascii_string_to_unsigned (text, 10, 1, 65535, NULL, NULL);
}

gboolean
relay_ice_is_host (const gchar * text)
{
  gsize length;

  if (*text == '[') {
    g_autofree gchar *host = NULL;
    const gchar *end = strchr (text, ']');

    if (!end)
      return FALSE;
    host = g_strndup (text + 1, end - text - 1);
    return g_hostname_is_ip_address (host) && strchr (host, ':')
        && (end[1] == '\0' || (end[1] == ':' && is_port (end + 2)));
  }
  length = strspn (text, "abcdefghijklmnopqrstuvwxyz"
      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
  return length > 0 && length <= 253
      && (text[length] == '\0' || (text[length] == ':'
          && is_port (text + length + 1)));
}

/* --- TURN_HOST --- */

/* turn: and turns: URLs as they are; TLS has no other transport than TCP. */
static gboolean
is_turn_url (const gchar * url)
{
  gboolean tls = g_str_has_prefix (url, "turns:");
  g_auto (GStrv) parts = NULL;

  if (!tls && !g_str_has_prefix (url, "turn:"))
    return FALSE;
  parts = g_strsplit (strchr (url, ':') + 1, "?", 2);
  return parts[0] && relay_ice_is_host (parts[0])
      && (!parts[1] || g_str_equal (parts[1], "transport=tcp")
      || (!tls && g_str_equal (parts[1], "transport=udp")));
}

gchar **
relay_ice_parse_turn_hosts (const gchar * text, GError ** error)
{
  g_auto (GStrv) words = g_strsplit_set (text, ", \t", -1);
  g_autoptr (GPtrArray) urls = g_ptr_array_new_with_free_func (g_free);

  for (gchar ** w = words; *w; w++) {
    if (!**w)
      continue;
    if (is_turn_url (*w)) {
      g_ptr_array_add (urls, g_strdup (*w));
    } else if (relay_ice_is_host (*w)) {
      g_ptr_array_add (urls, g_strdup_printf ("turn:%s?transport=udp", *w));
      g_ptr_array_add (urls, g_strdup_printf ("turn:%s?transport=tcp", *w));
    } else {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
          "TURN_HOST: HOST, HOST:PORT or turn: and turns: URLs, not \"%s\"",
          *w);
      return NULL;
    }
  }
  if (urls->len > RELAY_ICE_MAX_URLS) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "TURN_HOST: clients use no more than %d URLs, and a HOST is two",
        RELAY_ICE_MAX_URLS);
    return NULL;
  }
  g_ptr_array_add (urls, NULL);
  return (gchar **) g_ptr_array_free (g_steal_pointer (&urls), FALSE);
}

gchar **
relay_ice_stun_of_turn (gchar ** turn_urls)
{
  g_autoptr (GPtrArray) urls = g_ptr_array_new_with_free_func (g_free);
  guint n = g_strv_length (turn_urls);

  for (gchar ** t = turn_urls; *t; t++) {
    g_autofree gchar *url = NULL;

    if (!g_str_has_prefix (*t, "turn:")
        || g_str_has_suffix (*t, "?transport=tcp"))
      continue;
    url = g_strdup_printf ("stun:%.*s", (int) strcspn (*t + 5, "?"), *t + 5);
    /* TURN servers before STUN servers, where there is no room for both */
    if (n + urls->len < RELAY_ICE_MAX_URLS
        && !g_ptr_array_find_with_equal_func (urls, url, g_str_equal, NULL))
      g_ptr_array_add (urls, g_steal_pointer (&url));
  }
  g_ptr_array_add (urls, NULL);
  return (gchar **) g_ptr_array_free (g_steal_pointer (&urls), FALSE);
}

/* --- the others --- */

gchar **
relay_ice_parse_stun_urls (const gchar * text, GError ** error)
{
  g_auto (GStrv) words = g_strsplit_set (text, ", \t", -1);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  guint n = 0;

  for (gchar ** w = words; *w; w++) {
    if (!**w)
      continue;
    if (!g_str_has_prefix (*w, "stun:") || !relay_ice_is_host (*w + 5)
        || ++n > RELAY_ICE_MAX_URLS) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
          "STUN_URLS: at most %d stun:HOST[:PORT] URLs, not \"%s\"",
          RELAY_ICE_MAX_URLS, *w);
      return NULL;
    }
    g_strv_builder_add (builder, *w);
  }
  return g_strv_builder_end (builder);
}

static gboolean
is_this_host (const gchar * host)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);

  return address ? g_inet_address_get_is_loopback (address) :
      g_str_equal (host, "localhost");
}

gchar *
relay_ice_parse_base_url (const gchar * text, GError ** error)
{
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);
  const gchar *scheme = uri ? g_uri_get_scheme (uri) : "";
  gsize length = strlen (text);

  /* The token goes there: in clear text it leaves this host for nobody. */
  if (!uri || !g_uri_get_host (uri) || !*g_uri_get_host (uri)
      || g_uri_get_query (uri) || g_uri_get_fragment (uri)
      || g_uri_get_userinfo (uri) || !(g_str_equal (scheme, "https")
          || (g_str_equal (scheme, "http")
              && is_this_host (g_uri_get_host (uri))))) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "CF_TURN_BASE_URL: an https: URL (http: to this host only)");
    return NULL;
  }
  while (length > 0 && text[length - 1] == '/')
    length--;
  return g_strndup (text, length);
}

gboolean
relay_ice_parse_ttl (const gchar * text, gint64 * ttl_s, GError ** error)
{
  guint64 value = RELAY_ICE_TTL_S;

  if (*text && !g_ascii_string_to_unsigned (text, 10, MIN_TTL_S, MAX_TTL_S,
          &value, NULL)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "TURN_TTL: seconds, %d to %d", MIN_TTL_S, MAX_TTL_S);
    return FALSE;
  }
  *ttl_s = (gint64) value;
  return TRUE;
}
