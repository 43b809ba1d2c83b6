/* gst-dao: TURN credentials of Cloudflare Realtime, kept for all accounts
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "relay-cloudflare.h"

#include "dao-json.h"

#include <sodium.h>
#include <string.h>

/* A credential is 128 characters, a URL 60. */
#define MAX_STRING 512

G_DEFINE_QUARK (relay-cloudflare-error-quark, relay_cloudflare_error)

struct _RelayCloudflare
{
  gint64 ttl_s;                 /* asked for */
  json_t *servers;              /* (nullable) */
  gint64 asked_s, expires_s;    /* of servers */
  gint64 retry_s;               /* not before, after a failure */
};

RelayCloudflare *
relay_cloudflare_new (gint64 answer_ttl_s)
{
  RelayCloudflare *cloudflare = g_new0 (RelayCloudflare, 1);

  cloudflare->ttl_s = answer_ttl_s + RELAY_CLOUDFLARE_FRESH_S
      + RELAY_CLOUDFLARE_SPARE_S;
  return cloudflare;
}

static void
drop_servers (RelayCloudflare * cloudflare)
{
  json_t *server;
  gsize i;

  json_array_foreach (cloudflare->servers, i, server) {
    const gchar *credential = dao_json_get_string (server, "credential");

    if (credential)
      sodium_memzero ((gchar *) credential, strlen (credential));
  }
  json_decref (cloudflare->servers);
  cloudflare->servers = NULL;
}

void
relay_cloudflare_free (RelayCloudflare * cloudflare)
{
  if (!cloudflare)
    return;
  drop_servers (cloudflare);
  g_free (cloudflare);
}

gchar *
relay_cloudflare_request_body (RelayCloudflare * cloudflare)
{
  return g_strdup_printf ("{\"ttl\":%" G_GINT64_FORMAT "}", cloudflare->ttl_s);
}

/* The clock may be set back: what seems to come from the future is not fresh. */
static gboolean
is_fresh (RelayCloudflare * cloudflare, gint64 now_s)
{
  return cloudflare->servers && now_s >= cloudflare->asked_s
      && now_s < cloudflare->asked_s + RELAY_CLOUDFLARE_FRESH_S;
}

gboolean
relay_cloudflare_wants (RelayCloudflare * cloudflare, gint64 now_s)
{
  return !is_fresh (cloudflare, now_s) && (now_s >= cloudflare->retry_s
      || now_s < cloudflare->retry_s - RELAY_CLOUDFLARE_RETRY_S);
}

json_t *
relay_cloudflare_servers (RelayCloudflare * cloudflare, gint64 now_s,
    gint64 * left_s)
{
  if (!cloudflare->servers || now_s < cloudflare->asked_s
      || now_s >= cloudflare->expires_s)
    return NULL;
  *left_s = cloudflare->expires_s - now_s;
  return cloudflare->servers;
}

/* --- answers --- */

/* Printable ASCII without blanks and quotes: it goes into our answers and into URLs. */
static gboolean
is_plain (const gchar * text)
{
  gsize i;

  for (i = 0; text[i]; i++)
    if (text[i] <= ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\\')
      return FALSE;
  return i > 0 && i <= MAX_STRING;
}

static gboolean
is_turn (const gchar * url)
{
  return g_str_has_prefix (url, "turn:") || g_str_has_prefix (url, "turns:");
}

static gboolean
add_url (json_t * urls, json_t * url, gboolean with_turn, gboolean * has_turn)
{
  const gchar *text = json_string_value (url);

  if (!text || !is_plain (text)
      || json_array_size (urls) >= RELAY_CLOUDFLARE_MAX_URLS)
    return FALSE;
  if (is_turn (text)) {
    if (!with_turn)
      return FALSE;
    *has_turn = TRUE;
  } else if (!g_str_has_prefix (text, "stun:")
      && !g_str_has_prefix (text, "stuns:")) {
    return FALSE;
  }
  json_array_append (urls, url);
  return TRUE;
}

/* One entry as we hand it out: urls always an array. */
static json_t *
normalise (json_t * entry, gboolean * has_turn)
{
  const gchar *username = dao_json_get_string (entry, "username");
  const gchar *credential = dao_json_get_string (entry, "credential");
  gboolean with_turn = username && credential && is_plain (username)
      && is_plain (credential);
  json_t *given = json_object_get (entry, "urls"), *url;
  json_t *urls = json_array ();
  gboolean ok = TRUE;
  gsize i;

  if (json_is_string (given))
    ok = add_url (urls, given, with_turn, has_turn);
  json_array_foreach (given, i, url)
      ok = ok && add_url (urls, url, with_turn, has_turn);
  if (!ok || json_array_size (urls) == 0) {
    json_decref (urls);
    return NULL;
  }
  return with_turn ? json_pack ("{s:o,s:s,s:s}", "urls", urls, "username",
      username, "credential", credential) : json_pack ("{s:o}", "urls", urls);
}

/* (transfer full): NULL when any of it is not as it should be, or there is no TURN server in it */
static json_t *
parse (json_t * root)
{
  json_t *given = json_object_get (root, "iceServers"), *entry;
  json_t *servers = json_array ();
  gboolean has_turn = FALSE, ok = TRUE;
  gsize i;

  if (json_is_object (given))
    ok = json_array_append_new (servers, normalise (given, &has_turn)) == 0;
  if (json_array_size (given) > RELAY_CLOUDFLARE_MAX_URLS)
    ok = FALSE;
  json_array_foreach (given, i, entry)
      ok = ok && json_array_append_new (servers, normalise (entry,
          &has_turn)) == 0;
  if (ok && has_turn)
    return servers;
  json_decref (servers);
  return NULL;
}

static json_t *
read_answer (guint status, const gchar * body, gsize length, GError ** error)
{
  json_t *root, *servers;

  if (status / 100 != 2) {
    g_set_error (error, RELAY_CLOUDFLARE_ERROR, RELAY_CLOUDFLARE_ERROR_STATUS,
        "HTTP status %u", status);
    return NULL;
  }
  root = length <= RELAY_CLOUDFLARE_MAX_BODY ? dao_json_parse (body, length,
      NULL) : NULL;
  servers = root ? parse (root) : NULL;
  json_decref (root);
  if (!servers)
    g_set_error_literal (error, RELAY_CLOUDFLARE_ERROR,
        RELAY_CLOUDFLARE_ERROR_FORMAT, "the answer names no TURN servers");
  return servers;
}

gboolean
relay_cloudflare_take (RelayCloudflare * cloudflare, guint status,
    const gchar * body, gsize length, gint64 asked_s, gint64 now_s,
    GError ** error)
{
  json_t *servers = status ? read_answer (status, body, length, error) : NULL;

  if (!servers) {
    cloudflare->retry_s = now_s + RELAY_CLOUDFLARE_RETRY_S;
    return FALSE;
  }
  drop_servers (cloudflare);
  cloudflare->servers = servers;
  cloudflare->asked_s = asked_s;
  cloudflare->expires_s = asked_s + cloudflare->ttl_s;
  cloudflare->retry_s = 0;
  return TRUE;
}
