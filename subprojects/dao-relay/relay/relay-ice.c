/* gst-dao: the ICE servers the relay hands out
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "relay-ice-settings.h"

#include "dao-turn-rest.h"
#include "relay-cloudflare.h"
#include "relay-fetch.h"

#include <gio/gio.h>
#include <sodium.h>
#include <string.h>

struct _RelayIce
{
  gint64 ttl_s;

  gchar **turn_urls;            /* NULL without a TURN server of our own */
  gchar **turn_stun_urls;
  gchar *turn_secret;
  gchar **stun_urls;

  RelayCloudflare *cloudflare;  /* NULL without a key */
  gchar *cf_url;                /* up to the name of the call */
  gchar *cf_token;
  gchar *cf_ca_file;
  gboolean cf_older;            /* the older call is the one that exists */

  uv_loop_t *loop;              /* NULL = nothing is fetched */
  RelayFetch *fetch;            /* under way */
  gint64 asked_s;
  void (*ready) (gpointer user_data);
  gpointer user_data;
};

/* --- settings --- */

static void
wipe_and_free (gchar * secret)
{
  if (secret)
    sodium_memzero (secret, strlen (secret));
  g_free (secret);
}

static gboolean
is_set (const gchar * text)
{
  return text && *text;
}

static gboolean
set_turn (RelayIce * ice, const RelayIceSettings * s, GError ** error)
{
  if (is_set (s->turn_host) != is_set (s->turn_secret)) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "TURN_HOST and TURN_SECRET must both be set");
    return FALSE;
  }
  if (!is_set (s->turn_host))
    return TRUE;
  ice->turn_secret = g_strdup (s->turn_secret);
  ice->turn_urls = relay_ice_parse_turn_hosts (s->turn_host, error);
  if (!ice->turn_urls)
    return FALSE;
  ice->turn_stun_urls = relay_ice_stun_of_turn (ice->turn_urls);
  return TRUE;
}

/* What goes into a URL and into a header, nothing else */
static gboolean
is_word (const gchar * text)
{
  return strspn (text, "abcdefghijklmnopqrstuvwxyz"
      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/=") == strlen (text);
}

static gboolean
set_cloudflare (RelayIce * ice, const RelayIceSettings * s, GError ** error)
{
  g_autofree gchar *base = NULL;

  if (is_set (s->cf_key_id) != is_set (s->cf_api_token)) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "CF_TURN_KEY_ID and CF_TURN_API_TOKEN must both be set");
    return FALSE;
  }
  if (!is_set (s->cf_key_id))
    return TRUE;
  base = relay_ice_parse_base_url (is_set (s->cf_base_url) ? s->cf_base_url :
      RELAY_CLOUDFLARE_BASE_URL, error);
  if (!base)
    return FALSE;
  if (!is_word (s->cf_key_id) || strpbrk (s->cf_key_id, "/.")
      || !is_word (s->cf_api_token)) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "CF_TURN_KEY_ID or CF_TURN_API_TOKEN has characters that cannot be");
    return FALSE;
  }
  ice->cf_url = g_strdup_printf ("%s/v1/turn/keys/%s/credentials/", base,
      s->cf_key_id);
  ice->cf_token = g_strdup (s->cf_api_token);
  ice->cf_ca_file = is_set (s->cf_ca_file) ? g_strdup (s->cf_ca_file) : NULL;
  ice->cloudflare = relay_cloudflare_new (ice->ttl_s);
  return TRUE;
}

RelayIce *
relay_ice_new (const RelayIceSettings * s, GError ** error)
{
  RelayIce *ice = g_new0 (RelayIce, 1);

  if (relay_ice_parse_ttl (s->turn_ttl ? s->turn_ttl : "", &ice->ttl_s, error)
      && set_turn (ice, s, error) && set_cloudflare (ice, s, error)
      && (ice->stun_urls = relay_ice_parse_stun_urls (s->stun_urls ?
              s->stun_urls : "", error)))
    return ice;
  relay_ice_free (ice);
  return NULL;
}

void
relay_ice_free (RelayIce * ice)
{
  if (!ice)
    return;
  g_assert (!ice->fetch);
  relay_cloudflare_free (ice->cloudflare);
  wipe_and_free (ice->cf_token);
  wipe_and_free (ice->turn_secret);
  g_free (ice->cf_url);
  g_free (ice->cf_ca_file);
  g_strfreev (ice->turn_urls);
  g_strfreev (ice->turn_stun_urls);
  g_strfreev (ice->stun_urls);
  g_free (ice);
}

/* --- fetching --- */

static void on_fetched (guint status, const gchar * body, gsize length,
    const gchar * why, gpointer user_data);

static void
fetch (RelayIce * ice)
{
  g_autofree gchar *url = g_strconcat (ice->cf_url,
      ice->cf_older ? "generate" : "generate-ice-servers", NULL);
  g_autofree gchar *body = relay_cloudflare_request_body (ice->cloudflare);

  ice->fetch = relay_fetch_post (ice->loop, url, ice->cf_token, body,
      ice->cf_ca_file, RELAY_CLOUDFLARE_MAX_BODY, on_fetched, ice);
}

static void
on_fetched (guint status, const gchar * body, gsize length,
    const gchar * why, gpointer user_data)
{
  RelayIce *ice = user_data;
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  g_autoptr (GError) error = NULL;

  ice->fetch = NULL;
  if (!ice->loop)               /* stopped */
    return;
  if (status == 404 && !ice->cf_older) {
    ice->cf_older = TRUE;
    fetch (ice);
    return;
  }
  if (!relay_cloudflare_take (ice->cloudflare, status, body, length,
          ice->asked_s, now_s, &error)) {
    ice->cf_older = FALSE;
    g_warning ("Cloudflare gave no TURN credentials: %s",
        why ? why : error->message);
  }
  if (ice->ready)
    ice->ready (ice->user_data);
}

void
relay_ice_start (RelayIce * ice, uv_loop_t * loop,
    void (*ready) (gpointer user_data), gpointer user_data)
{
  ice->loop = loop;
  ice->ready = ready;
  ice->user_data = user_data;
}

void
relay_ice_stop (RelayIce * ice)
{
  ice->loop = NULL;
  if (ice->fetch)
    relay_fetch_cancel (ice->fetch);
}

gboolean
relay_ice_must_wait (RelayIce * ice, gint64 now_s)
{
  if (!ice->fetch && ice->cloudflare && ice->loop
      && relay_cloudflare_wants (ice->cloudflare, now_s)) {
    ice->asked_s = now_s;
    fetch (ice);
  }
  return ice->fetch != NULL;
}

/* --- answers --- */

static json_t *
string_array (gchar ** strings)
{
  json_t *array = json_array ();

  for (gchar ** s = strings; *s; s++)
    json_array_append_new (array, json_string (*s));
  return array;
}

static void
add_stun (json_t * servers, gchar ** urls)
{
  for (gchar ** url = urls; *url; url++)
    json_array_append_new (servers, json_pack ("{s:[s]}", "urls", *url));
}

static json_t *
turn_server (RelayIce * ice, const gchar * alias, gint64 now_s)
{
  g_autofree gchar *username = NULL;
  g_autofree gchar *credential = NULL;
  json_t *server;

  username = dao_turn_rest_username (now_s + ice->ttl_s, alias);
  credential = dao_turn_rest_credential (ice->turn_secret, username);
  server = json_pack ("{s:o,s:s,s:s}", "urls", string_array (ice->turn_urls),
      "username", username, "credential", credential);
  sodium_memzero (credential, strlen (credential));
  return server;
}

/* Where only TURN is used, STUN servers would only learn who calls. */
static void
add_cloudflare (json_t * servers, json_t * given, gboolean relay_only)
{
  json_t *server;
  gsize i;

  json_array_foreach (given, i, server) {
    json_t *copy = json_copy (server), *urls = json_array (), *url;
    gsize k;

    json_array_foreach (json_object_get (server, "urls"), k, url) {
      if (!relay_only || g_str_has_prefix (json_string_value (url), "turn"))
        json_array_append (urls, url);
    }
    if (json_array_size (urls) > 0)
      json_array_append (servers, copy);
    json_object_set_new (copy, "urls", urls);
    json_decref (copy);
  }
}

json_t *
relay_ice_config (RelayIce * ice, const gchar * alias, gboolean relay_only,
    gint64 now_s)
{
  json_t *servers = json_array (), *given;
  gint64 left_s = ice->ttl_s;

  if (ice->cloudflare
      && (given = relay_cloudflare_servers (ice->cloudflare, now_s,
              &left_s))) {
    add_cloudflare (servers, given, relay_only);
  } else if (ice->turn_urls) {
    if (!relay_only)
      add_stun (servers, ice->turn_stun_urls);
    json_array_append_new (servers, turn_server (ice, alias, now_s));
  } else {
    add_stun (servers, ice->stun_urls);
  }
  return json_pack ("{s:I,s:s,s:o}", "ttl",
      (json_int_t) MIN (ice->ttl_s, left_s), "ice_transport_policy",
      relay_only ? "relay" : "all", "ice_servers", servers);
}
