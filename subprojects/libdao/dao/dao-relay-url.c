/* gst-dao: which relay URLs are acceptable
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What calls say is encrypted and signed end to end, but the token of the login
 * travels in clear text over plain http. So http is for one's own machine, and for
 * test networks whose address somebody wrote out in numbers.
 */
#include "dao-relay-private.h"

#include <gio/gio.h>
#include <string.h>

typedef enum { HOST_PUBLIC, HOST_PRIVATE, HOST_LOOPBACK } HostKind;

/* 10/8, 172.16/12, 192.168/16, 169.254/16, fc00::/7, fe80::/10, fec0::/10 */
static gboolean
address_is_private (GInetAddress * address)
{
  const guint8 *bytes = g_inet_address_to_bytes (address);

  if (g_inet_address_get_is_site_local (address)
      || g_inet_address_get_is_link_local (address))
    return TRUE;
  return g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6
      && (bytes[0] & 0xfe) == 0xfc;
}

static HostKind
host_kind (const gchar * host)
{
  g_autoptr (GInetAddress) address = NULL;

  /* RFC 6761, 6.3: this name is loopback wherever it is resolved. */
  if (g_ascii_strcasecmp (host, "localhost") == 0)
    return HOST_LOOPBACK;
  address = g_inet_address_new_from_string (host);
  if (address == NULL)
    return HOST_PUBLIC;
  if (g_inet_address_get_is_loopback (address))
    return HOST_LOOPBACK;
  return address_is_private (address) ? HOST_PRIVATE : HOST_PUBLIC;
}

static gboolean
check_scheme (GUri * uri, GError ** error)
{
  const gchar *scheme = g_uri_get_scheme (uri);
  const gchar *host = g_uri_get_host (uri);

  if (g_str_equal (scheme, "https"))
    return TRUE;
  if (!g_str_equal (scheme, "http")) {
    g_set_error (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_URL,
        "A relay URL begins with https://, not %s:", scheme);
    return FALSE;
  }
  switch (host_kind (host)) {
    case HOST_LOOPBACK:
      return TRUE;
    case HOST_PRIVATE:
      g_message ("Plain http to %s: the login token can be read on that "
          "network", host);
      return TRUE;
    default:
      g_set_error (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_URL,
          "Plain http to %s would show the login token to the network; use "
          "https (http is for localhost and for private addresses written as "
          "numbers)", host);
      return FALSE;
  }
}

/**
 * dao_relay_url_check:
 *
 * Returns: (transfer full): @url in the form that paths are appended to, or NULL
 *   with %DAO_RELAY_ERROR_URL
 */
gchar *
dao_relay_url_check (const gchar * url, GError ** error)
{
  g_autoptr (GUri) uri = NULL;
  g_autoptr (GError) detail = NULL;
  gchar *text;
  gsize length;

  uri = g_uri_parse (url, G_URI_FLAGS_HAS_PASSWORD, &detail);
  if (uri == NULL || g_uri_get_host (uri) == NULL
      || *g_uri_get_host (uri) == '\0') {
    g_set_error (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_URL,
        "Not a relay URL%s%s", detail ? ": " : "",
        detail ? detail->message : "");
    return NULL;
  }
  if (g_uri_get_userinfo (uri) != NULL || g_uri_get_query (uri) != NULL
      || g_uri_get_fragment (uri) != NULL) {
    g_set_error_literal (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_URL,
        "A relay URL has no user name, query or fragment");
    return NULL;
  }
  if (!check_scheme (uri, error))
    return NULL;

  text = g_uri_to_string (uri);
  for (length = strlen (text); length > 0 && text[length - 1] == '/'; length--)
    text[length - 1] = '\0';
  return text;
}
