/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaoice.h"
#include "dao-signal.h"

#include <gio/gio.h>
#include <nice/interfaces.h>
#include <sodium.h>
#include <string.h>

G_DEFINE_QUARK (gst-dao-ice-error-quark, gst_dao_ice_error)

/* --- servers --- */

/* host, host:port, [v6], [v6]:port; nothing that could smuggle more into the URL */
static gboolean
is_host_port (const gchar * text)
{
  const gchar *port;
  guint64 value;

  if (*text == '[') {
    const gchar *end = strchr (text, ']');
    gchar *host;
    gboolean ok;

    if (!end)
      return FALSE;
    host = g_strndup (text + 1, end - text - 1);
    ok = g_hostname_is_ip_address (host) && strchr (host, ':');
    g_free (host);
    if (!ok || (end[1] != '\0' && end[1] != ':'))
      return FALSE;
    port = end[1] == ':' ? end + 2 : NULL;
  } else {
    const gchar *c;

    for (c = text; *c && *c != ':'; c++)
      if (!g_ascii_isalnum (*c) && *c != '.' && *c != '-' && *c != '_')
        return FALSE;
    if (c == text || c - text > 253)
      return FALSE;
    port = *c == ':' ? c + 1 : NULL;
  }
  return !port || g_ascii_string_to_unsigned (port, 10, 1, 65535, &value,
      NULL);
}

/* What an ICE server URL says (RFC 7064, 7065) */
typedef struct
{
  gboolean turn, tls;
  gchar *host_port;
  const gchar *transport;       /* of turn */
} ServerUrl;

static const struct
{
  const gchar *scheme;
  gboolean turn, tls;
} schemes[] = {
  {"stun:", FALSE, FALSE},
  {"stuns:", FALSE, TRUE},
  {"turn:", TRUE, FALSE},
  {"turns:", TRUE, TRUE},
};

/* ?transport= is all that may follow, and only for TURN; a port of TLS is TCP (RFC 7065, 3.2). */
static gboolean
parse_transport (ServerUrl * parsed, const gchar * query)
{
  parsed->transport = parsed->tls ? "tcp" : "udp";
  if (!query)
    return TRUE;
  if (!parsed->turn || g_ascii_strncasecmp (query, "?transport=", 11) != 0)
    return FALSE;
  if (g_ascii_strcasecmp (query + 11, "tcp") == 0)
    parsed->transport = "tcp";
  else if (g_ascii_strcasecmp (query + 11, "udp") == 0)
    parsed->transport = "udp";
  else
    return FALSE;
  return TRUE;
}

static gboolean
parse_url (ServerUrl * parsed, const gchar * url)
{
  const gchar *query = strchr (url, '?');
  gsize length = query ? (gsize) (query - url) : strlen (url);
  guint i;

  memset (parsed, 0, sizeof (*parsed));
  for (i = 0; i < G_N_ELEMENTS (schemes); i++) {
    gsize skip = strlen (schemes[i].scheme);

    if (g_ascii_strncasecmp (url, schemes[i].scheme, skip) != 0)
      continue;
    parsed->turn = schemes[i].turn;
    parsed->tls = schemes[i].tls;
    parsed->host_port = g_strndup (url + skip, length - skip);
  }
  return parsed->host_port && is_host_port (parsed->host_port)
      && parse_transport (parsed, query);
}

/* What webrtcbin gets for it can be made; what may be missing is the credential, or TLS where libnice would speak
 * clear text. */
static gboolean
is_usable (const DaoIceServer * server, const ServerUrl * url,
    GstDaoTurnTls * tls, GError ** error)
{
  if (url->tls && (!url->turn || !tls || g_str_equal (url->transport, "udp"))) {
    g_set_error (error, GST_DAO_ICE_ERROR, GST_DAO_ICE_ERROR_UNSUPPORTED,
        "'%s' is not used: only TURN can go over TLS, and only by TCP",
        server->url);
    return FALSE;
  }
  if (url->turn && (!server->username || !server->credential)) {
    g_set_error (error, GST_DAO_ICE_ERROR, GST_DAO_ICE_ERROR_URL,
        "'%s' came without username or credential", server->url);
    return FALSE;
  }
  return TRUE;
}

/* Up to the port, if there is one: is_host_port() was true. */
static gsize
host_length (const gchar * host_port)
{
  return *host_port == '[' ? strcspn (host_port, "]") + 1 :
      strcspn (host_port, ":");
}

static GstDaoIceServer *
server_new (const DaoIceServer * server, const ServerUrl * url)
{
  GstDaoIceServer *made = g_new0 (GstDaoIceServer, 1);

  made->url = g_strdup (server->url);
  made->turn = url->turn;
  made->tcp = url->turn && g_str_equal (url->transport, "tcp");
  made->host = g_strndup (url->host_port, host_length (url->host_port));
  made->address = url->turn || url->host_port[strlen (made->host)] ?
      g_strdup (url->host_port) : g_strconcat (made->host, ":3478", NULL);
  if (url->turn) {
    made->username = g_strdup (server->username);
    made->credential = g_strdup (server->credential);
  }
  return made;
}

void
gst_dao_ice_server_free (GstDaoIceServer * server)
{
  if (server->credential)
    sodium_memzero (server->credential, strlen (server->credential));
  g_free (server->credential);
  g_free (server->username);
  g_free (server->address);
  g_free (server->host);
  g_free (server->url);
  g_free (server);
}

/* webrtcbin is to speak with the forwarder instead. */
static gboolean
forward (GstDaoIceServer * server, GstDaoTurnTls * tls, GError ** error)
{
  gchar *forwarder = gst_dao_turn_tls_add (tls, server->address, error);

  if (!forwarder) {
    g_prefix_error (error, "'%s': ", server->url);
    return FALSE;
  }
  g_free (server->address);
  server->address = forwarder;
  server->forwarder = g_ascii_strtoull (strrchr (forwarder, ':') + 1, NULL, 10);
  return TRUE;
}

/* (transfer full) (nullable): a server that can be used */
static GstDaoIceServer *
read_server (const DaoIceServer * server, GstDaoTurnTls * tls,
    GError ** error)
{
  GstDaoIceServer *made = NULL;
  ServerUrl url;

  if (!parse_url (&url, server->url))
    g_set_error (error, GST_DAO_ICE_ERROR, GST_DAO_ICE_ERROR_URL,
        "'%s' is no ICE server URL", server->url);
  else if (is_usable (server, &url, tls, error))
    made = server_new (server, &url);
  if (made && url.tls && !forward (made, tls, error))
    g_clear_pointer (&made, gst_dao_ice_server_free);
  g_free (url.host_port);
  return made;
}

static gchar *
map_turn (const GstDaoIceServer * server)
{
  gchar *user = g_uri_escape_string (server->username, NULL, FALSE);
  gchar *password = g_uri_escape_string (server->credential, NULL, FALSE);
  gchar *url = g_strdup_printf ("turn://%s:%s@%s?transport=%s", user,
      password, server->address, server->tcp ? "tcp" : "udp");

  g_free (user);
  sodium_memzero (password, strlen (password));
  g_free (password);
  return url;
}

/* (transfer full): webrtcbin's form of it */
static gchar *
write_url (const GstDaoIceServer * server)
{
  return server->turn ? map_turn (server) :
      g_strconcat ("stun://", server->address, NULL);
}

gchar *
gst_dao_ice_map_url (const DaoIceServer * server, gboolean * is_turn,
    GError ** error)
{
  GstDaoIceServer *made = read_server (server, NULL, error);
  gchar *url = made ? write_url (made) : NULL;

  *is_turn = made && made->turn;
  g_clear_pointer (&made, gst_dao_ice_server_free);
  return url;
}

/* webrtcbin uses one STUN server, the last it is told of. */
static void
forget_stun (GPtrArray * used)
{
  guint i;

  for (i = 0; i < used->len; i++) {
    GstDaoIceServer *server = used->pdata[i];

    if (!server->turn) {
      g_ptr_array_remove_index (used, i);
      return;
    }
  }
}

static gboolean
add_server (GstElement * webrtc, GPtrArray * used, GstDaoIceServer * server)
{
  gchar *url = write_url (server);
  gboolean added = TRUE;

  if (server->turn) {
    g_signal_emit_by_name (webrtc, "add-turn-server", url, &added);
  } else {
    forget_stun (used);
    g_object_set (webrtc, "stun-server", url, NULL);
  }
  sodium_memzero (url, strlen (url));   /* holds the credential */
  g_free (url);
  if (added)
    g_ptr_array_add (used, server);
  return added;
}

static gboolean
use_server (GstElement * webrtc, const DaoIceServer * named,
    GstDaoTurnTls * tls, GPtrArray * used, GError ** error)
{
  GstDaoIceServer *server = read_server (named, tls, error);

  if (!server)
    return FALSE;
  if (add_server (webrtc, used, server))
    return TRUE;
  gst_dao_ice_server_free (server);
  g_set_error (error, GST_DAO_ICE_ERROR, GST_DAO_ICE_ERROR_URL,
      "'%s' was refused by webrtcbin", named->url);
  return FALSE;
}

static gboolean
host_has_address (void)
{
  GList *ips = nice_interfaces_get_local_ips (FALSE);
  gboolean any = ips != NULL;

  g_list_free_full (ips, g_free);
  return any;
}

static void
configure_agent (GstElement * webrtc)
{
  GObject *ice = NULL, *agent = NULL;

  g_object_get (webrtc, "ice-agent", &ice, NULL);
  g_object_get (ice, "agent", &agent, NULL);
  g_object_set (agent, "upnp", FALSE, "ice-tcp", FALSE,
      "keepalive-conncheck", TRUE, NULL);
  if (!host_has_address ()) {
    gboolean ok;

    g_signal_emit_by_name (ice, "add-local-ip-address", "127.0.0.1", &ok);
  }
  g_object_unref (agent);
  g_object_unref (ice);
}

gboolean
gst_dao_ice_configure (GstElement * webrtc, const DaoIceConfig * config,
    gboolean relay_only, GstDaoTurnTls * tls, GPtrArray * used,
    GPtrArray * skipped, GError ** error)
{
  gboolean turn = FALSE;
  guint i;

  configure_agent (webrtc);
  if (relay_only)
    gst_util_set_object_arg (G_OBJECT (webrtc), "ice-transport-policy",
        "relay");
  for (i = 0; config && i < config->servers->len; i++) {
    GError *why = NULL;

    if (!use_server (webrtc, config->servers->pdata[i], tls, used, &why))
      g_ptr_array_add (skipped, why);
  }
  for (i = 0; i < used->len; i++)
    turn |= ((GstDaoIceServer *) used->pdata[i])->turn;
  if (relay_only && !turn) {
    g_set_error (error, GST_DAO_ICE_ERROR, GST_DAO_ICE_ERROR_NO_RELAY,
        "media may go through a TURN server only, but the relay named none "
        "that can be used");
    return FALSE;
  }
  return TRUE;
}

/* --- candidates --- */

enum
{ FOUNDATION, COMPONENT, TRANSPORT, PRIORITY, ADDRESS, PORT, TYP, TYPE, N_FIELDS };

/* The fields of RFC 8839, 5.1; NULL when malformed. */
static gchar **
split_candidate (const gchar * candidate)
{
  gchar **f;
  guint64 value;

  if (strlen (candidate) > DAO_SIGNAL_MAX_CANDIDATE
      || !g_str_has_prefix (candidate, "candidate:")
      || strpbrk (candidate, "\r\n"))
    return NULL;
  f = g_strsplit (candidate + strlen ("candidate:"), " ", -1);
  if (g_strv_length (f) >= N_FIELDS && *f[FOUNDATION]
      && strlen (f[FOUNDATION]) <= 32
      && g_ascii_string_to_unsigned (f[COMPONENT], 10, 1, 256, &value, NULL)
      && g_ascii_string_to_unsigned (f[PRIORITY], 10, 0, G_MAXUINT32, &value,
          NULL)
      && g_ascii_string_to_unsigned (f[PORT], 10, 0, 65535, &value, NULL)
      && g_str_equal (f[TYP], "typ"))
    return f;
  g_strfreev (f);
  return NULL;
}

/* ice-char of RFC 8839, 5.1 */
static gboolean
is_foundation (const gchar * text)
{
  const gchar *c;

  for (c = text; *c; c++)
    if (!g_ascii_isalnum (*c) && *c != '+' && *c != '/')
      return FALSE;
  return c != text;
}

/* One host: checks sent to a group would reach machines that are nobody's peer. */
static gboolean
is_unicast (const gchar * text)
{
  GInetAddress *address = g_inet_address_new_from_string (text);
  gboolean ok = address && !g_inet_address_get_is_any (address)
      && !g_inet_address_get_is_multicast (address)
      && !g_str_equal (text, "255.255.255.255");

  g_clear_object (&address);
  return ok;
}

gchar *
gst_dao_ice_rebuild_candidate (const gchar * candidate)
{
  static const gchar *const types[] =
      { "host", "srflx", "prflx", "relay", NULL };
  gchar **f = split_candidate (candidate);
  gchar *line = NULL;
  guint priority, port;

  if (!f)
    return NULL;
  priority = g_ascii_strtoull (f[PRIORITY], NULL, 10);
  port = g_ascii_strtoull (f[PORT], NULL, 10);
  if (is_foundation (f[FOUNDATION])
      && g_str_equal (f[COMPONENT], "1")
      && g_ascii_strcasecmp (f[TRANSPORT], "udp") == 0
      && is_unicast (f[ADDRESS]) && port != 0
      && g_strv_contains ((const gchar * const *) types, f[TYPE]))
    line = g_strdup_printf ("candidate:%s 1 UDP %u %s %u typ %s",
        f[FOUNDATION], priority, f[ADDRESS], port, f[TYPE]);
  g_strfreev (f);
  return line;
}

gchar *
gst_dao_ice_filter_local (const gchar * candidate, gboolean relay_only)
{
  gchar **f = split_candidate (candidate);
  gboolean relay;
  gchar *filtered = NULL;
  guint i;

  if (!f)
    return NULL;
  relay = g_str_equal (f[TYPE], "relay");
  if (relay || !relay_only) {
    for (i = N_FIELDS; relay && f[i] && f[i + 1]; i += 2) {
      const gchar *blank = g_str_equal (f[i], "raddr") ?
          (strchr (f[i + 1], ':') ? "::" : "0.0.0.0") :
          g_str_equal (f[i], "rport") ? "0" : NULL;

      if (blank) {
        g_free (f[i + 1]);
        f[i + 1] = g_strdup (blank);
      }
    }
    filtered = g_strjoinv (" ", f);
  }
  g_strfreev (f);
  if (filtered) {
    gchar *line = g_strconcat ("candidate:", filtered, NULL);

    g_free (filtered);
    return line;
  }
  return NULL;
}
