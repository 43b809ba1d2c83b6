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

/* As the providers document their answers (names and secrets made up) */
static const struct
{
  const gchar *provider, *json;
  gint64 ttl_s;
  const gchar *urls[DAO_ICE_CONFIG_MAX_SERVERS + 1];
  const gchar *username, *credential;   /* of the last */
} providers[] = {
  {"Cloudflare", "{\"iceServers\":[{\"urls\":[\"stun:stun.cloudflare.com:3478\","
        "\"stun:stun.cloudflare.com:53\"]},{\"urls\":["
        "\"turn:turn.cloudflare.com:3478?transport=udp\","
        "\"turn:turn.cloudflare.com:80?transport=tcp\","
        "\"turns:turn.cloudflare.com:443?transport=tcp\"],"
        "\"username\":\"g0b2\",\"credential\":\"c9ae\"}]}", 0,
      {"stun:stun.cloudflare.com:3478", "stun:stun.cloudflare.com:53",
            "turn:turn.cloudflare.com:3478?transport=udp",
            "turn:turn.cloudflare.com:80?transport=tcp",
          "turns:turn.cloudflare.com:443?transport=tcp"}, "g0b2", "c9ae"},
  {"Cloudflare, the older call", "{\"iceServers\":{\"urls\":["
        "\"stun:stun.cloudflare.com:3478\","
        "\"turn:turn.cloudflare.com:3478?transport=udp\"],"
        "\"username\":\"g0b2\",\"credential\":\"c9ae\"}}", 0,
      {"stun:stun.cloudflare.com:3478",
          "turn:turn.cloudflare.com:3478?transport=udp"}, "g0b2", "c9ae"},
  {"Twilio", "{\"account_sid\":\"AC0\",\"date_created\":\"Fri, 01 May 2020\","
        "\"ice_servers\":[{\"url\":\"stun:global.stun.twilio.com:3478\","
        "\"urls\":\"stun:global.stun.twilio.com:3478\"},{\"credential\":"
        "\"5SR2x8mZK1lTFJW3NVgLGw6UM9C0dja4jI/Hdw3xr+w=\",\"url\":"
        "\"turn:global.turn.twilio.com:3478?transport=udp\",\"urls\":"
        "\"turn:global.turn.twilio.com:3478?transport=udp\",\"username\":"
        "\"cda92e5006c7810494639fc466ecc80182cef8183fdf400f84c4126f3b59d0bb\"}],"
        "\"password\":\"5SR2\",\"ttl\":\"86400\",\"username\":\"cda9\"}", 86400,
      {"stun:global.stun.twilio.com:3478",
          "turn:global.turn.twilio.com:3478?transport=udp"},
        "cda92e5006c7810494639fc466ecc80182cef8183fdf400f84c4126f3b59d0bb",
      "5SR2x8mZK1lTFJW3NVgLGw6UM9C0dja4jI/Hdw3xr+w="},
  {"Metered", "[{\"urls\":\"stun:stun.relay.metered.ca:80\"},{\"urls\":"
        "\"turn:global.relay.metered.ca:80\",\"username\":\"b8a1\","
        "\"credential\":\"KdLz\"},{\"urls\":"
        "\"turns:global.relay.metered.ca:443?transport=tcp\",\"username\":"
        "\"b8a1\",\"credential\":\"KdLz\"}]", 0,
      {"stun:stun.relay.metered.ca:80", "turn:global.relay.metered.ca:80",
          "turns:global.relay.metered.ca:443?transport=tcp"}, "b8a1", "KdLz"},
  {"coturn behind dao-relay", "{\"ttl\":600,\"ice_transport_policy\":\"all\","
        "\"ice_servers\":[{\"urls\":[\"stun:turn.example\"]},{\"urls\":["
        "\"turn:turn.example?transport=udp\",\"turns:turn.example:443\"],"
        "\"username\":\"1800000600:u1\",\"credential\":\"wBd/J+Q=\"}]}", 600,
      {"stun:turn.example", "turn:turn.example?transport=udp",
          "turns:turn.example:443"}, "1800000600:u1", "wBd/J+Q="},
  {"TURN REST draft", "{\"username\":\"12334939:mbzrxpgjys\",\"password\":"
        "\"adfsaflsjfldssia\",\"ttl\":86400,\"uris\":["
        "\"turn:1.2.3.4:9991?transport=udp\",\"turns:1.2.3.4:443\"]}", 86400,
      {"turn:1.2.3.4:9991?transport=udp", "turns:1.2.3.4:443"},
      "12334939:mbzrxpgjys", "adfsaflsjfldssia"},
};

static void
test_providers (void)
{
  guint i, k;

  for (i = 0; i < G_N_ELEMENTS (providers); i++) {
    g_autoptr (DaoIceConfig) config = parse (providers[i].json);

    g_test_message ("%s", providers[i].provider);
    g_assert_cmpint (config->ttl_s, ==, providers[i].ttl_s);
    for (k = 0; providers[i].urls[k]; k++)
      g_assert_cmpstr (server (config, k)->url, ==, providers[i].urls[k]);
    g_assert_cmpuint (config->servers->len, ==, k);
    g_assert_cmpstr (server (config, k - 1)->username, ==,
        providers[i].username);
    g_assert_cmpstr (server (config, k - 1)->credential, ==,
        providers[i].credential);
  }
}

static void
test_ttl (void)
{
  static const struct
  {
    const gchar *json;
    gint64 ttl_s;
  } table[] = {
    {"600", 600}, {"\"600\"", 600}, {"0", 0}, {"-1", 0}, {"\"-1\"", 0},
    {"\"x\"", 0}, {"\"\"", 0}, {"null", 0}, {"true", 0}, {"[600]", 0},
    {"1.5", 0}, {"\"99999999999999999999\"", 0},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (table); i++) {
    g_autofree gchar *json = g_strdup_printf ("{\"ice_servers\":[],"
        "\"ttl\":%s}", table[i].json);
    g_autoptr (DaoIceConfig) config = parse (json);

    g_assert_cmpint (config->ttl_s, ==, table[i].ttl_s);
  }
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
    "[]", "null", "{}", "{\"ice_servers\":{}}", "{\"ice_servers\":1}",
    "{\"uris\":\"turn:a\"}", "{\"ice_servers\":[1]}",
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

/* When credentials are renewed, and when they are worth nothing any more */
static void
test_life (void)
{
  static const struct
  {
    gint64 ttl_s, renewal_s, end_s;
  } table[] = {
    {600, 540, 600}, {30, 15, 30}, {10, 5, 10}, {3600, 540, 3600},
    {G_MAXINT64, 540, 86400},
  };
  DaoIceConfig config = {.asked_us = 7 };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (table); i++) {
    config.ttl_s = table[i].ttl_s;
    g_assert_cmpint (dao_ice_config_get_renewal_us (&config), ==,
        7 + table[i].renewal_s * G_USEC_PER_SEC);
    g_assert_cmpint (dao_ice_config_get_end_us (&config), ==,
        7 + table[i].end_s * G_USEC_PER_SEC);
  }
  config.ttl_s = 0;             /* nobody says when */
  g_assert_cmpint (dao_ice_config_get_renewal_us (&config), ==, G_MAXINT64);
  g_assert_cmpint (dao_ice_config_get_end_us (&config), ==, G_MAXINT64);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ice-config/life", test_life);
  g_test_add_func ("/ice-config/array-and-string", test_array_and_string);
  g_test_add_func ("/ice-config/providers", test_providers);
  g_test_add_func ("/ice-config/ttl", test_ttl);
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
