/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaocalluri.h"
#include "dao-identity.h"

/* Longer than any URI made of what is allowed: a 32-letter alias, three short
 * values and the URL of a relay. */
#define MAX_URI 2048

static gboolean
parse_boolean (const gchar * key, const gchar * value, gboolean * result,
    GError ** error)
{
  static const gchar *const names[2][4] = {
    {"false", "no", "0", "off"}, {"true", "yes", "1", "on"}
  };
  guint i, j;

  for (i = 0; i < 2; i++)
    for (j = 0; j < 4; j++)
      if (g_ascii_strcasecmp (value, names[i][j]) == 0) {
        *result = i;
        return TRUE;
      }
  g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_REFERENCE,
      "'%s' in a dao:// URI must be true or false", key);
  return FALSE;
}

static gboolean
parse_codec (const gchar * value, gint * codec, GError ** error)
{
  if (g_ascii_strcasecmp (value, "vp8") == 0)
    *codec = GST_DAO_VIDEO_CODEC_VP8;
  else if (g_ascii_strcasecmp (value, "vp9") == 0)
    *codec = GST_DAO_VIDEO_CODEC_VP9;
  else {
    g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_REFERENCE,
        "'codec' in a dao:// URI must be vp8 or vp9");
    return FALSE;
  }
  return TRUE;
}

static gboolean
parse_parameter (GstDaoCallUri * uri, const gchar * key, const gchar * value,
    GError ** error)
{
  gboolean video;

  if (g_str_equal (key, "audio"))
    return parse_boolean (key, value, &uri->audio, error);
  if (g_str_equal (key, "video")) {
    if (!parse_boolean (key, value, &video, error))
      return FALSE;
    uri->video = video;
    return TRUE;
  }
  if (g_str_equal (key, "codec"))
    return parse_codec (value, &uri->codec, error);
  if (g_str_equal (key, "relay")) {
    g_free (uri->relay);
    uri->relay = g_strdup (value);
    return TRUE;
  }
  g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_REFERENCE,
      "'%s' cannot be set by a dao:// URI", key);
  return FALSE;
}

static gboolean
parse_query (GstDaoCallUri * uri, const gchar * query, GError ** error)
{
  GUriParamsIter iter;
  GError *local = NULL;
  gchar *key, *value;
  gboolean ok = TRUE;

  if (!query || !*query)
    return TRUE;
  g_uri_params_iter_init (&iter, query, -1, "&", G_URI_PARAMS_NONE);
  while (ok && g_uri_params_iter_next (&iter, &key, &value, &local)) {
    ok = parse_parameter (uri, key, value, error);
    g_free (key);
    g_free (value);
  }
  if (local) {
    g_set_error_literal (error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI,
        local->message);
    g_error_free (local);
    return FALSE;
  }
  return ok;
}

static gboolean
parse (GstDaoCallUri * result, GUri * uri, GError ** error)
{
  const gchar *path = g_uri_get_path (uri);

  if (g_strcmp0 (g_uri_get_scheme (uri), "dao") != 0
      || !dao_alias_is_valid (g_uri_get_host (uri))
      || (path && *path && !g_str_equal (path, "/"))
      || g_uri_get_port (uri) != -1 || g_uri_get_userinfo (uri)
      || g_uri_get_fragment (uri)) {
    g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI,
        "A call is dao://ALIAS?audio=..&video=..&codec=..");
    return FALSE;
  }
  result->alias = g_strdup (g_uri_get_host (uri));
  return parse_query (result, g_uri_get_query (uri), error);
}

GstDaoCallUri *
gst_dao_call_uri_parse (const gchar * text, GError ** error)
{
  GstDaoCallUri *result;
  GError *local = NULL;
  GUri *uri = NULL;

  if (strlen (text) <= MAX_URI)
    uri = g_uri_parse (text, G_URI_FLAGS_ENCODED_QUERY, &local);
  if (!uri) {
    g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI, "%s",
        local ? local->message : "The URI is too long");
    g_clear_error (&local);
    return NULL;
  }
  result = g_new0 (GstDaoCallUri, 1);
  result->audio = TRUE;
  result->video = result->codec = -1;
  if (!parse (result, uri, error))
    g_clear_pointer (&result, gst_dao_call_uri_free);
  g_uri_unref (uri);
  return result;
}

void
gst_dao_call_uri_free (GstDaoCallUri * uri)
{
  g_free (uri->alias);
  g_free (uri->relay);
  g_free (uri);
}

gchar *
gst_dao_call_uri_to_string (const GstDaoCallUri * uri)
{
  GString *text = g_string_new (NULL);

  g_string_printf (text, "dao://%s?audio=%s", uri->alias,
      uri->audio ? "true" : "false");
  if (uri->video >= 0)
    g_string_append_printf (text, "&video=%s", uri->video ? "true" : "false");
  if (uri->codec >= 0)
    g_string_append_printf (text, "&codec=%s",
        uri->codec == GST_DAO_VIDEO_CODEC_VP9 ? "vp9" : "vp8");
  if (uri->relay) {
    g_string_append (text, "&relay=");
    g_string_append_uri_escaped (text, uri->relay, NULL, FALSE);
  }
  return g_string_free (text, FALSE);
}

static gboolean
same_url (const gchar * a, const gchar * b)
{
  gsize n = strlen (a), m = strlen (b);

  while (n > 0 && a[n - 1] == '/')
    n--;
  while (m > 0 && b[m - 1] == '/')
    m--;
  return n == m && memcmp (a, b, n) == 0;
}

gboolean
gst_dao_call_uri_check_relay (const gchar * relay, const gchar * path,
    GError ** error)
{
  DaoIdentity *identity = dao_identity_load (path, NULL);
  const gchar *own = identity ? dao_identity_get_relay (identity) : NULL;
  gboolean same = own && same_url (own, relay);

  if (!same)
    g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_REFERENCE,
        "The relay of a dao:// URI must be that of the identity");
  g_clear_pointer (&identity, dao_identity_unref);
  return same;
}
