/* gst-dao: ICE servers as the relay hands them out
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * protocol.md c.1. There is no fallback to anybody's STUN server here: what the
 * relay does not name is not used.
 */
#include "dao-ice-config.h"
#include "dao-json.h"

#include <sodium.h>
#include <string.h>

/* The answer of a relay with 8 servers is about 2 KB. */
#define MAX_TEXT (64 * 1024)
/* A TURN REST credential is 28 characters, Cloudflare's 128. */
#define MAX_STRING 512
/* Entries that are looked at, before the limit on servers that are kept. */
#define MAX_ENTRIES 64
/* An answer is believed for a day at most, whatever ttl it names. */
#define MAX_TTL_S (24 * 60 * 60)

G_DEFINE_QUARK (dao-ice-config-error-quark, dao_ice_config_error)

static void
wipe_and_free (gchar * text)
{
  if (text == NULL)
    return;
  sodium_memzero (text, strlen (text));
  g_free (text);
}

static void
server_free (DaoIceServer * server)
{
  g_free (server->url);
  wipe_and_free (server->username);
  wipe_and_free (server->credential);
  g_free (server);
}

static DaoIceServer *
server_new (const gchar * url, const gchar * username, const gchar * credential)
{
  DaoIceServer *server = g_new0 (DaoIceServer, 1);

  server->url = g_strdup (url);
  server->username = g_strdup (username);
  server->credential = g_strdup (credential);
  return server;
}

static DaoIceConfig *
config_new (void)
{
  DaoIceConfig *config = g_new0 (DaoIceConfig, 1);

  config->servers = g_ptr_array_new_with_free_func (
      (GDestroyNotify) server_free);
  return config;
}

void
dao_ice_config_free (DaoIceConfig * config)
{
  if (config == NULL)
    return;
  g_ptr_array_unref (config->servers);
  g_free (config);
}

DaoIceConfig *
dao_ice_config_copy (const DaoIceConfig * config)
{
  DaoIceConfig *copy = config_new ();
  guint i;

  copy->ttl_s = config->ttl_s;
  copy->asked_us = config->asked_us;
  copy->relay_only = config->relay_only;
  for (i = 0; i < config->servers->len; i++) {
    const DaoIceServer *s = g_ptr_array_index (config->servers, i);

    g_ptr_array_add (copy->servers,
        server_new (s->url, s->username, s->credential));
  }
  return copy;
}

/**
 * dao_ice_config_cache_seconds:
 *
 * A cached credential must still be good when a call begins: a minute before the
 * end (half the life of short ones) it is fetched again, and after 9 minutes
 * in any case, which is as long as the relay caches what it has from upstream.
 */
gint64
dao_ice_config_cache_seconds (gint64 ttl_s)
{
  if (ttl_s <= 0)
    return 0;
  return MIN (540, ttl_s - MIN (60, ttl_s / 2));
}

gint64
dao_ice_config_get_renewal_us (const DaoIceConfig * config)
{
  if (config->ttl_s <= 0)
    return G_MAXINT64;
  return config->asked_us
      + dao_ice_config_cache_seconds (config->ttl_s) * G_USEC_PER_SEC;
}

gint64
dao_ice_config_get_end_us (const DaoIceConfig * config)
{
  if (config->ttl_s <= 0)
    return G_MAXINT64;
  return config->asked_us + MIN (config->ttl_s, MAX_TTL_S) * G_USEC_PER_SEC;
}

/* Length, and no control character: these strings end up in URLs and in STUN attributes. */
static gboolean
check_string (const gchar * text, GError ** error)
{
  const guchar *p;

  if (strlen (text) > MAX_STRING) {
    g_set_error (error, DAO_ICE_CONFIG_ERROR, DAO_ICE_CONFIG_ERROR_LIMIT,
        "A string of the ICE configuration is longer than %d bytes",
        MAX_STRING);
    return FALSE;
  }
  for (p = (const guchar *) text; *p; p++) {
    if (*p < 0x20 || *p == 0x7f) {
      g_set_error_literal (error, DAO_ICE_CONFIG_ERROR,
          DAO_ICE_CONFIG_ERROR_FORMAT,
          "A control character in the ICE configuration");
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
is_turn (const gchar * url)
{
  return g_ascii_strncasecmp (url, "turn:", 5) == 0
      || g_ascii_strncasecmp (url, "turns:", 6) == 0;
}

static gboolean
is_stun (const gchar * url)
{
  return g_ascii_strncasecmp (url, "stun:", 5) == 0
      || g_ascii_strncasecmp (url, "stuns:", 6) == 0;
}

/* A URL of a scheme we do not know, and TURN without credentials, is passed over: newer
 * relays may name servers that we cannot use. */
static gboolean
add_url (DaoIceConfig * config, const gchar * url, const gchar * username,
    const gchar * credential, GError ** error)
{
  if (!check_string (url, error))
    return FALSE;
  if (config->servers->len >= DAO_ICE_CONFIG_MAX_SERVERS)
    return TRUE;
  if (is_stun (url))
    g_ptr_array_add (config->servers, server_new (url, NULL, NULL));
  else if (is_turn (url) && username != NULL && credential != NULL)
    g_ptr_array_add (config->servers, server_new (url, username, credential));
  return TRUE;
}

/* (nullable) string member; FALSE for another type than string or null */
static gboolean
optional_string (json_t * object, const gchar * name, const gchar ** value,
    GError ** error)
{
  json_t *member = json_object_get (object, name);

  *value = NULL;
  if (member == NULL || json_is_null (member))
    return TRUE;
  if (!json_is_string (member)) {
    g_set_error (error, DAO_ICE_CONFIG_ERROR, DAO_ICE_CONFIG_ERROR_FORMAT,
        "`%s` of an ICE server is not a string", name);
    return FALSE;
  }
  *value = json_string_value (member);
  return check_string (*value, error);
}

/* The first of @names that @object has; older APIs name things otherwise. */
static json_t *
get_any (json_t * object, const gchar * const *names)
{
  json_t *member = NULL;

  for (; *names && member == NULL; names++)
    member = json_object_get (object, *names);
  return member;
}

static gboolean
parse_server (DaoIceConfig * config, json_t * entry, GError ** error)
{
  static const gchar *const names[] = { "urls", "uris", "url", NULL };
  json_t *urls = get_any (entry, names), *url;
  const gchar *username, *credential;
  gsize i;

  if (!json_is_string (urls) && !json_is_array (urls)) {
    g_set_error_literal (error, DAO_ICE_CONFIG_ERROR,
        DAO_ICE_CONFIG_ERROR_FORMAT, "An ICE server without `urls`");
    return FALSE;
  }
  if (!optional_string (entry, "username", &username, error)
      || !optional_string (entry, json_object_get (entry, "credential") ?
          "credential" : "password", &credential, error))
    return FALSE;
  if (json_is_string (urls))
    return add_url (config, json_string_value (urls), username, credential,
        error);

  if (json_array_size (urls) > MAX_ENTRIES) {
    g_set_error_literal (error, DAO_ICE_CONFIG_ERROR,
        DAO_ICE_CONFIG_ERROR_LIMIT, "Too many URLs in one ICE server");
    return FALSE;
  }
  json_array_foreach (urls, i, url) {
    if (!json_is_string (url)) {
      g_set_error_literal (error, DAO_ICE_CONFIG_ERROR,
          DAO_ICE_CONFIG_ERROR_FORMAT, "A URL of an ICE server is no string");
      return FALSE;
    }
    if (!add_url (config, json_string_value (url), username, credential, error))
      return FALSE;
  }
  return TRUE;
}

/* Absent means "all". A policy we do not know must not become the permissive one. */
static gboolean
parse_policy (DaoIceConfig * config, json_t * root, GError ** error)
{
  json_t *policy = json_object_get (root, "ice_transport_policy");

  if (policy == NULL || json_is_null (policy))
    return TRUE;
  if (g_strcmp0 (json_string_value (policy), "all") == 0)
    return TRUE;
  if (g_strcmp0 (json_string_value (policy), "relay") == 0) {
    config->relay_only = TRUE;
    return TRUE;
  }
  g_set_error_literal (error, DAO_ICE_CONFIG_ERROR,
      DAO_ICE_CONFIG_ERROR_FORMAT, "Unknown ice_transport_policy");
  return FALSE;
}

/* Seconds, as a number or (Twilio) as a string of digits; anything else means: do not cache. */
static gint64
parse_ttl (json_t * root)
{
  const gchar *text = dao_json_get_string (root, "ttl");
  gint64 ttl_s = 0;

  if (text != NULL)
    g_ascii_string_to_signed (text, 10, 0, G_MAXINT64, &ttl_s, NULL);
  else if (!dao_json_get_int (root, "ttl", &ttl_s))
    ttl_s = 0;
  return MAX (ttl_s, 0);
}

/* (transfer none): what holds the servers: an array, or the one server itself */
static json_t *
find_servers (json_t * root)
{
  static const gchar *const names[] = { "ice_servers", "iceServers", NULL };
  json_t *servers = get_any (root, names);

  if (json_is_array (servers) || json_is_object (servers))
    return servers;
  if (json_array_size (root) > 0 || json_is_array (json_object_get (root,
              "uris")))
    return root;
  return NULL;
}

static gboolean
parse_root (DaoIceConfig * config, json_t * root, GError ** error)
{
  json_t *servers = find_servers (root), *entry;
  gsize i;

  if (servers == NULL) {
    g_set_error_literal (error, DAO_ICE_CONFIG_ERROR,
        DAO_ICE_CONFIG_ERROR_FORMAT, "No `ice_servers` in the answer");
    return FALSE;
  }
  if (json_array_size (servers) > MAX_ENTRIES) {
    g_set_error_literal (error, DAO_ICE_CONFIG_ERROR,
        DAO_ICE_CONFIG_ERROR_LIMIT, "Too many ICE servers");
    return FALSE;
  }
  config->ttl_s = parse_ttl (root);
  if (!parse_policy (config, root, error))
    return FALSE;
  if (json_is_object (servers))
    return parse_server (config, servers, error);
  json_array_foreach (servers, i, entry) {
    if (!parse_server (config, entry, error))
      return FALSE;
  }
  return TRUE;
}

/**
 * dao_ice_config_from_json:
 * @root: (transfer none): the parsed answer
 *
 * Returns: (transfer full): the configuration, or NULL with %DAO_ICE_CONFIG_ERROR
 */
DaoIceConfig *
dao_ice_config_from_json (json_t * root, GError ** error)
{
  g_autoptr (DaoIceConfig) config = config_new ();

  if (!parse_root (config, root, error))
    return NULL;
  return g_steal_pointer (&config);
}

DaoIceConfig *
dao_ice_config_parse (const gchar * json, gsize length, GError ** error)
{
  DaoIceConfig *config;
  json_t *root;

  if (length > MAX_TEXT) {
    g_set_error_literal (error, DAO_ICE_CONFIG_ERROR,
        DAO_ICE_CONFIG_ERROR_LIMIT, "The ICE configuration is too long");
    return NULL;
  }
  root = dao_json_parse (json, length, error);
  if (root == NULL)
    return NULL;
  config = dao_ice_config_from_json (root, error);
  json_decref (root);
  return config;
}
