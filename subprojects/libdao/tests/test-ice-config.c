/* gst-dao: tests of the ICE configuration (protocol.md c.1)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-ice-config.h"
#include "dao-json.h"

#include <string.h>

static DaoIceConfig *
parse (const gchar * json)
{
  g_autoptr (GError) error = NULL;
  DaoIceConfig *config = dao_ice_config_parse (json, strlen (json), &error);

  g_assert_no_error (error);
  g_assert_nonnull (config);
  return config;
}

static void
refuse (const gchar * json, GQuark domain, gint code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (dao_ice_config_parse (json, strlen (json), &error));
  g_assert_error (error, domain, code);
}

static const DaoIceServer *
server (DaoIceConfig * config, guint i)
{
  g_assert_cmpuint (i, <, config->servers->len);
  return g_ptr_array_index (config->servers, i);
}

static void
test_array_and_string (void)
{
  g_autoptr (DaoIceConfig) config = parse ("{\"ttl\":600,"
      "\"ice_transport_policy\":\"all\",\"ice_servers\":["
      "{\"urls\":[\"stun:a:1\",\"turn:b:2?transport=udp\"],"
      "\"username\":\"u\",\"credential\":\"c\"},"
      "{\"urls\":\"turns:d:5349\",\"username\":\"v\",\"credential\":\"w\"}]}");

  g_assert_cmpint (config->ttl_s, ==, 600);
  g_assert_false (config->relay_only);
  g_assert_cmpuint (config->servers->len, ==, 3);
  g_assert_cmpstr (server (config, 0)->url, ==, "stun:a:1");
  g_assert_null (server (config, 0)->username);
  g_assert_cmpstr (server (config, 1)->url, ==, "turn:b:2?transport=udp");
  g_assert_cmpstr (server (config, 1)->credential, ==, "c");
  g_assert_cmpstr (server (config, 2)->username, ==, "v");
}

static void
test_copy (void)
{
  g_autoptr (DaoIceConfig) config = parse ("{\"ttl\":9,"
      "\"ice_transport_policy\":\"relay\",\"ice_servers\":[{\"urls\":"
      "\"turn:b\",\"username\":\"u\",\"credential\":\"c\"}]}");
  g_autoptr (DaoIceConfig) copy = dao_ice_config_copy (config);

  g_assert_true (copy->relay_only);
  g_assert_cmpint (copy->ttl_s, ==, 9);
  g_assert_cmpstr (server (copy, 0)->credential, ==, "c");
  g_assert_true (server (copy, 0)->credential !=
      server (config, 0)->credential);
}

static void
test_defaults (void)
{
  g_autoptr (DaoIceConfig) config = parse ("{\"ice_servers\":[]}");
  g_autoptr (DaoIceConfig) negative = parse ("{\"ice_servers\":[],\"ttl\":-5}");

  g_assert_cmpint (config->ttl_s, ==, 0);
  g_assert_false (config->relay_only);
  g_assert_cmpint (negative->ttl_s, ==, 0);
}

static void
test_unknown_servers_are_passed_over (void)
{
  g_autoptr (DaoIceConfig) config = parse ("{\"ice_servers\":["
      "{\"urls\":[\"http://x\",\"quic:y\",\"turn:no-credentials\","
      "\"stun:z\"]}]}");

  g_assert_cmpuint (config->servers->len, ==, 1);
  g_assert_cmpstr (server (config, 0)->url, ==, "stun:z");
}

static void
test_at_most_eight (void)
{
  g_autoptr (DaoIceConfig) config = parse ("{\"ice_servers\":[{\"urls\":["
      "\"stun:0\",\"stun:1\",\"stun:2\",\"stun:3\",\"stun:4\",\"stun:5\","
      "\"stun:6\",\"stun:7\",\"stun:8\",\"stun:9\"]}]}");

  g_assert_cmpuint (config->servers->len, ==, DAO_ICE_CONFIG_MAX_SERVERS);
  g_assert_cmpstr (server (config, 7)->url, ==, "stun:7");
}

/* A policy we do not understand must not become "all": it would show our addresses. */
static void
test_guard_unknown_policy_is_refused (void)
{
  refuse ("{\"ice_servers\":[],\"ice_transport_policy\":\"relay-tls\"}",
      DAO_ICE_CONFIG_ERROR, DAO_ICE_CONFIG_ERROR_FORMAT);
  refuse ("{\"ice_servers\":[],\"ice_transport_policy\":1}",
      DAO_ICE_CONFIG_ERROR, DAO_ICE_CONFIG_ERROR_FORMAT);
}

static void
test_malformed (void)
{
  static const gchar *bad[] = {
    "[]", "null", "{}", "{\"ice_servers\":{}}", "{\"ice_servers\":[1]}",
    "{\"ice_servers\":[{}]}", "{\"ice_servers\":[{\"urls\":[1]}]}",
    "{\"ice_servers\":[{\"urls\":\"stun:a\\r\\nb\"}]}",
    "{\"ice_servers\":[{\"urls\":\"turn:a\",\"username\":1}]}",
    "{\"ice_servers\":[{\"urls\":\"turn:a\",\"username\":\"u\\u0001\"}]}",
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (bad); i++)
    refuse (bad[i], DAO_ICE_CONFIG_ERROR, DAO_ICE_CONFIG_ERROR_FORMAT);
  refuse ("{\"ice_servers\":[", DAO_JSON_ERROR, DAO_JSON_ERROR_SYNTAX);
}

static void
test_limits (void)
{
  g_autoptr (GString) text = g_string_new ("{\"ice_servers\":[");
  g_autofree gchar *name = g_strnfill (513, 'a');
  g_autofree gchar *url = g_strdup_printf ("{\"ice_servers\":[{\"urls\":"
      "\"stun:%s\"}]}", name);
  g_autofree gchar *huge = g_strnfill (70000, ' ');
  guint i;

  for (i = 0; i < 65; i++)
    g_string_append (text, i ? ",{\"urls\":\"stun:a\"}" :
        "{\"urls\":\"stun:a\"}");
  g_string_append (text, "]}");
  refuse (text->str, DAO_ICE_CONFIG_ERROR, DAO_ICE_CONFIG_ERROR_LIMIT);
  refuse (url, DAO_ICE_CONFIG_ERROR, DAO_ICE_CONFIG_ERROR_LIMIT);
  refuse (huge, DAO_ICE_CONFIG_ERROR, DAO_ICE_CONFIG_ERROR_LIMIT);
}

static void
test_cache_seconds (void)
{
  g_assert_cmpint (dao_ice_config_cache_seconds (600), ==, 540);
  g_assert_cmpint (dao_ice_config_cache_seconds (86400), ==, 540);
  g_assert_cmpint (dao_ice_config_cache_seconds (300), ==, 240);
  g_assert_cmpint (dao_ice_config_cache_seconds (60), ==, 30);
  g_assert_cmpint (dao_ice_config_cache_seconds (1), ==, 1);
  g_assert_cmpint (dao_ice_config_cache_seconds (0), ==, 0);
  g_assert_cmpint (dao_ice_config_cache_seconds (-7), ==, 0);
  g_assert_cmpint (dao_ice_config_cache_seconds (G_MAXINT64), ==, 540);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ice-config/array-and-string", test_array_and_string);
  g_test_add_func ("/ice-config/copy", test_copy);
  g_test_add_func ("/ice-config/defaults", test_defaults);
  g_test_add_func ("/ice-config/unknown-servers-are-passed-over",
      test_unknown_servers_are_passed_over);
  g_test_add_func ("/ice-config/at-most-eight", test_at_most_eight);
  g_test_add_func ("/ice-config/guard-unknown-policy-is-refused",
      test_guard_unknown_policy_is_refused);
  g_test_add_func ("/ice-config/malformed", test_malformed);
  g_test_add_func ("/ice-config/limits", test_limits);
  g_test_add_func ("/ice-config/cache-seconds", test_cache_seconds);
  return g_test_run ();
}
