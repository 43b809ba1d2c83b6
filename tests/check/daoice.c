/* gst-dao: servers and candidates of ICE
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gstdaoice.h"

#include "dao-signal.h"
#include <string.h>

/* --- a peer's candidates --- */

#define START "candidate:1467250027 1 udp 2122260223 "

static void
test_remote_candidates (void)
{
  static const struct
  {
    const gchar *candidate, *rebuilt;
  } table[] = {
    {START "192.168.7.21 46243 typ host generation 0 network-id 1",
        "candidate:1467250027 1 UDP 2122260223 192.168.7.21 46243 typ host"},
    {"candidate:a/+9 1 UDP 1 2001:db8::1 9 typ host",
        "candidate:a/+9 1 UDP 1 2001:db8::1 9 typ host"},
    {START "203.0.113.9 4000 typ srflx raddr 192.168.7.21 rport 46243",
        "candidate:1467250027 1 UDP 2122260223 203.0.113.9 4000 typ srflx"},
    {START "203.0.113.9 4000 typ relay raddr evil.example rport x",
        "candidate:1467250027 1 UDP 2122260223 203.0.113.9 4000 typ relay"},
    {START "127.0.0.1 4000 typ host",
        "candidate:1467250027 1 UDP 2122260223 127.0.0.1 4000 typ host"},
    /* the end of candidates, and what webrtcbin would take for it */
    {"", NULL},
    {"candidate", NULL},
    {"a=" START "192.168.7.21 46243 typ host", NULL},
    {"end-of-candidates", NULL},
    {"garbage", NULL},
    {"candidate:", NULL},
    {"candidate: 1 udp 1 192.168.7.21 1 typ host", NULL},
    {"candidate:foundation-is-not-alphanumeric 1 udp 1 10.0.0.1 1 typ host",
        NULL},
    {"candidate:123456789012345678901234567890123 1 udp 1 10.0.0.1 1 typ host",
        NULL},
    /* names are never resolved */
    {START "3f2a7c6e-1b0d-4a7e-9e0a-6f1d2c3b4a5f.local 46243 typ host", NULL},
    {START "evil.example 46243 typ host", NULL},
    {START "localhost 46243 typ host", NULL},
    {START "127.1 46243 typ host", NULL},
    {START "fe80::1%eth0 46243 typ host", NULL},
    /* nobody's address, everybody's address */
    {START "0.0.0.0 46243 typ host", NULL},
    {START ":: 46243 typ host", NULL},
    {START "224.0.0.251 5353 typ host", NULL},
    {START "ff02::fb 5353 typ host", NULL},
    {START "255.255.255.255 46243 typ host", NULL},
    {START "10.0.0.1 0 typ host", NULL},
    {START "10.0.0.1 00 typ host", NULL},
    {START "10.0.0.1 65536 typ host", NULL},
    {START "10.0.0.1 -1 typ host", NULL},
    {"candidate:1 2 udp 1 10.0.0.1 1 typ host", NULL},
    {"candidate:1 0 udp 1 10.0.0.1 1 typ host", NULL},
    {"candidate:1 1 udp 4294967296 10.0.0.1 1 typ host", NULL},
    {"candidate:1 1 tcp 1 10.0.0.1 9 typ host tcptype active", NULL},
    {"candidate:1 1 udp 1 10.0.0.1 1 typ", NULL},
    {"candidate:1 1 udp 1 10.0.0.1 1 typ star", NULL},
    {"candidate:1 1 udp 1 10.0.0.1 1 type host", NULL},
    {START "10.0.0.1 1 typ host\r\na=candidate:2", NULL},
    {START "10.0.0.1 1 typ host\na=x", NULL},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (table); i++) {
    gchar *rebuilt = gst_dao_ice_rebuild_candidate (table[i].candidate);

    g_test_message ("%s", table[i].candidate);
    g_assert_cmpstr (rebuilt, ==, table[i].rebuilt);
    g_free (rebuilt);
  }
}

static void
test_long_candidate (void)
{
  GString *text = g_string_new (START "10.0.0.1 1 typ host");

  while (text->len <= DAO_SIGNAL_MAX_CANDIDATE)
    g_string_append (text, " generation 0");
  g_assert_null (gst_dao_ice_rebuild_candidate (text->str));
  g_string_free (text, TRUE);
}

/* --- our candidates --- */

static void
test_local_candidates (void)
{
  static const struct
  {
    const gchar *candidate, *always, *relay_only;
  } table[] = {
    {START "192.168.7.21 4000 typ host", START "192.168.7.21 4000 typ host",
        NULL},
    {START "203.0.113.9 4000 typ srflx raddr 192.168.7.21 rport 4001",
        START "203.0.113.9 4000 typ srflx raddr 192.168.7.21 rport 4001",
        NULL},
    {START "198.51.100.1 5000 typ relay raddr 192.168.7.21 rport 4001",
        START "198.51.100.1 5000 typ relay raddr 0.0.0.0 rport 0",
        START "198.51.100.1 5000 typ relay raddr 0.0.0.0 rport 0"},
    {START "2001:db8::9 5000 typ relay generation 0 rport 4 raddr 2001:db8::1",
        START "2001:db8::9 5000 typ relay generation 0 rport 0 raddr ::",
        START "2001:db8::9 5000 typ relay generation 0 rport 0 raddr ::"},
    {START "198.51.100.1 5000 typ relay", START "198.51.100.1 5000 typ relay",
        START "198.51.100.1 5000 typ relay"},
    {"", NULL, NULL},
    {"nonsense", NULL, NULL},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (table); i++) {
    gchar *always = gst_dao_ice_filter_local (table[i].candidate, FALSE);
    gchar *relay_only = gst_dao_ice_filter_local (table[i].candidate, TRUE);

    g_assert_cmpstr (always, ==, table[i].always);
    g_assert_cmpstr (relay_only, ==, table[i].relay_only);
    g_free (always);
    g_free (relay_only);
  }
}

/* --- servers --- */

static void
test_server_urls (void)
{
  static const struct
  {
    const gchar *url, *mapped;
    gint code;
  } table[] = {
    {"stun:stun.example", "stun://stun.example:3478"},
    {"stun:stun.example:19302", "stun://stun.example:19302"},
    {"stun:[2001:db8::1]", "stun://[2001:db8::1]:3478"},
    {"stun:[2001:db8::1]:5", "stun://[2001:db8::1]:5"},
    {"turn:turn.example:3478",
        "turn://17%3Abob:a%2Fb%2Bc%3D@turn.example:3478?transport=udp"},
    {"stun:stun_1.lan", "stun://stun_1.lan:3478"},
    {"turn:turn.example?transport=tcp",
        "turn://17%3Abob:a%2Fb%2Bc%3D@turn.example?transport=tcp"},
    {"turn:[2001:db8::1]:443?transport=udp",
        "turn://17%3Abob:a%2Fb%2Bc%3D@[2001:db8::1]:443?transport=udp"},
    {"TURN:turn.example?Transport=TCP",
        "turn://17%3Abob:a%2Fb%2Bc%3D@turn.example?transport=tcp"},
    {"turns:turn.example:5349", NULL, GST_DAO_ICE_ERROR_UNSUPPORTED},
    {"turns:turn.example?transport=udp", NULL, GST_DAO_ICE_ERROR_UNSUPPORTED},
    {"turns:turn.example?transport=tls", NULL, GST_DAO_ICE_ERROR_URL},
    {"turns:a b", NULL, GST_DAO_ICE_ERROR_URL},
    {"stuns:turn.example:5349", NULL, GST_DAO_ICE_ERROR_UNSUPPORTED},
    {"stun:", NULL, GST_DAO_ICE_ERROR_URL},
    {"http:turn.example", NULL, GST_DAO_ICE_ERROR_URL},
    {"", NULL, GST_DAO_ICE_ERROR_URL},
    {"stun:a?transport=udp", NULL, GST_DAO_ICE_ERROR_URL},
    {"turn:a?transport=tls", NULL, GST_DAO_ICE_ERROR_URL},
    {"turn:a?transport=udp&x=1", NULL, GST_DAO_ICE_ERROR_URL},
    {"turn:user:pw@a", NULL, GST_DAO_ICE_ERROR_URL},
    {"turn://a", NULL, GST_DAO_ICE_ERROR_URL},
    {"turn:a:0", NULL, GST_DAO_ICE_ERROR_URL},
    {"turn:a:65536", NULL, GST_DAO_ICE_ERROR_URL},
    {"turn:a:", NULL, GST_DAO_ICE_ERROR_URL},
    {"turn:a b", NULL, GST_DAO_ICE_ERROR_URL},
    {"turn:[::1", NULL, GST_DAO_ICE_ERROR_URL},
    {"turn:[1.2.3.4]", NULL, GST_DAO_ICE_ERROR_URL},
    {"turn:[::1]x", NULL, GST_DAO_ICE_ERROR_URL},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (table); i++) {
    DaoIceServer server = { (gchar *) table[i].url, (gchar *) "17:bob",
      (gchar *) "a/b+c="
    };
    gboolean is_turn;
    GError *error = NULL;
    gchar *mapped = gst_dao_ice_map_url (&server, &is_turn, &error);

    g_test_message ("%s", table[i].url);
    g_assert_cmpstr (mapped, ==, table[i].mapped);
    if (table[i].mapped)
      g_assert_no_error (error);
    else
      g_assert_error (error, GST_DAO_ICE_ERROR, table[i].code);
    /* a secret is in no message */
    g_assert_true (!error || !strstr (error->message, "a/b+c="));
    g_clear_error (&error);
    g_free (mapped);
  }
}

static void
test_turn_without_credential (void)
{
  DaoIceServer server = { (gchar *) "turn:turn.example", NULL, NULL };
  gboolean is_turn;
  GError *error = NULL;

  g_assert_null (gst_dao_ice_map_url (&server, &is_turn, &error));
  g_assert_error (error, GST_DAO_ICE_ERROR, GST_DAO_ICE_ERROR_URL);
  g_error_free (error);
}

/* --- the agent --- */

static DaoIceConfig *
make_config (const gchar * json)
{
  GError *error = NULL;
  DaoIceConfig *config = dao_ice_config_parse (json, strlen (json), &error);

  g_assert_no_error (error);
  return config;
}

static GPtrArray *
new_servers (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify)
      gst_dao_ice_server_free);
}

static guint
count_turn (GPtrArray * used)
{
  guint i, n = 0;

  for (i = 0; i < used->len; i++)
    n += ((GstDaoIceServer *) used->pdata[i])->turn;
  return n;
}

static void
test_configure (void)
{
  DaoIceConfig *config = make_config ("{\"ttl\":600,\"ice_transport_policy\":"
      "\"all\",\"ice_servers\":[{\"urls\":[\"stun:127.0.0.1:3478\"]},{\"urls\":"
      "[\"turns:127.0.0.1:5349\",\"turn:127.0.0.1:3478\"],\"username\":\"u:1\","
      "\"credential\":\"p/=\"}]}");
  GPtrArray *skipped =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  GPtrArray *used = new_servers ();
  GstElement *webrtc =
      gst_object_ref_sink (gst_element_factory_make ("webrtcbin", NULL));
  GObject *ice, *agent;
  gboolean upnp = TRUE, tcp = TRUE, keepalive = FALSE;
  GError *error = NULL;
  gint policy = -1;

  gst_dao_ice_configure (webrtc, config, TRUE, NULL, used, skipped, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (skipped->len, ==, 1);
  g_assert_error ((GError *) skipped->pdata[0], GST_DAO_ICE_ERROR,
      GST_DAO_ICE_ERROR_UNSUPPORTED);
  g_object_get (webrtc, "ice-agent", &ice, "ice-transport-policy", &policy,
      NULL);
  g_assert_cmpint (policy, ==, 1);
  g_object_get (ice, "agent", &agent, NULL);
  g_object_get (agent, "upnp", &upnp, "ice-tcp", &tcp, "keepalive-conncheck",
      &keepalive, NULL);
  g_assert_false (upnp);
  g_assert_false (tcp);
  g_assert_true (keepalive);
  g_object_unref (agent);
  g_object_unref (ice);
  gst_object_unref (webrtc);
  g_ptr_array_unref (used);
  g_ptr_array_unref (skipped);
  dao_ice_config_free (config);
}

static void
ignore_refusal (guint port, const gchar * reason, gpointer user_data)
{
}

/* A turns: server counts as one, and webrtcbin gets an address on loopback for it. */
static void
test_configure_tls (void)
{
  DaoIceConfig *config = make_config ("{\"ttl\":600,\"ice_servers\":[{\"urls\":"
      "[\"turns:turn.example:443?transport=tcp\",\"turns:[2001:db8::1]\","
      "\"turns:turn.example?transport=udp\",\"turns:turn.example:0\"],"
      "\"username\":\"u:1\",\"credential\":\"p/=\"}]}");
  GPtrArray *skipped =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  GPtrArray *used = new_servers ();
  GstElement *webrtc =
      gst_object_ref_sink (gst_element_factory_make ("webrtcbin", NULL));
  GstDaoTurnTls *tls = gst_dao_turn_tls_new (NULL, ignore_refusal, NULL, NULL);
  GError *error = NULL;

  g_assert_true (gst_dao_ice_configure (webrtc, config, TRUE, tls, used,
          skipped, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (count_turn (used), ==, 2);
  g_assert_cmpuint (gst_dao_turn_tls_n_usable (tls), ==, 2);
  g_assert_cmpuint (skipped->len, ==, 2);
  g_assert_error ((GError *) skipped->pdata[0], GST_DAO_ICE_ERROR,
      GST_DAO_ICE_ERROR_UNSUPPORTED);
  g_assert_error ((GError *) skipped->pdata[1], GST_DAO_ICE_ERROR,
      GST_DAO_ICE_ERROR_URL);
  gst_dao_turn_tls_close (tls);
  gst_object_unref (webrtc);
  g_ptr_array_unref (used);
  g_ptr_array_unref (skipped);
  dao_ice_config_free (config);
}

/* --- what webrtcbin gets --- */

#define CREDENTIAL "\"username\":\"17:u/1\",\"credential\":\"p+=\""
#define TURN_OF "turn://17%3Au%2F1:p%2B%3D@"

/* The answers of providers, with `urls` as a string and as an array, or both `url` and `urls` */
static const struct
{
  const gchar *json, *stun;
  /* NULL in it: the forwarder of a turns: server */
  const gchar *turn[4];
  guint n_turn;
} providers[] = {
  /* Cloudflare */
  {"{\"iceServers\":[{\"urls\":[\"stun:stun.cloudflare.com:3478\"]},{\"urls\":["
        "\"turn:turn.cloudflare.com:3478?transport=udp\","
        "\"turn:turn.cloudflare.com:80?transport=tcp\","
        "\"turns:turn.cloudflare.com:443?transport=tcp\"]," CREDENTIAL "}]}",
        "stun://stun.cloudflare.com:3478",
        {TURN_OF "turn.cloudflare.com:3478?transport=udp",
          TURN_OF "turn.cloudflare.com:80?transport=tcp", NULL}, 3},
  {"{\"iceServers\":{\"urls\":\"turn:turn.cloudflare.com\"," CREDENTIAL "}}",
        NULL, {TURN_OF "turn.cloudflare.com?transport=udp"}, 1},
  /* Twilio */
  {"{\"ice_servers\":[{\"url\":\"stun:global.stun.twilio.com:3478\",\"urls\":"
        "\"stun:global.stun.twilio.com:3478\"},{\"url\":"
        "\"turn:global.turn.twilio.com:3478?transport=udp\",\"urls\":"
        "\"turn:global.turn.twilio.com:3478?transport=udp\"," CREDENTIAL
        "},{\"urls\":[\"turn:global.turn.twilio.com:443?transport=tcp\"],"
        CREDENTIAL "}],\"ttl\":\"86400\"}",
        "stun://global.stun.twilio.com:3478",
        {TURN_OF "global.turn.twilio.com:3478?transport=udp",
          TURN_OF "global.turn.twilio.com:443?transport=tcp"}, 2},
  /* Metered */
  {"[{\"urls\":\"stun:stun.relay.metered.ca:80\"},{\"urls\":"
        "\"turn:global.relay.metered.ca:80\"," CREDENTIAL "},{\"urls\":"
        "[\"turns:global.relay.metered.ca:443?transport=tcp\"]," CREDENTIAL
        "}]", "stun://stun.relay.metered.ca:80",
        {TURN_OF "global.relay.metered.ca:80?transport=udp", NULL}, 2},
  /* coturn, behind dao-relay */
  {"{\"ttl\":600,\"ice_servers\":[{\"urls\":[\"stun:turn.example\"]},"
        "{\"urls\":[\"turn:turn.example?transport=udp\","
        "\"turn:[2001:db8::1]:443?transport=tcp\",\"turns:[2001:db8::1]\"],"
        CREDENTIAL "}]}", "stun://turn.example:3478",
        {TURN_OF "turn.example?transport=udp",
          TURN_OF "[2001:db8::1]:443?transport=tcp", NULL}, 3},
  {"{\"ttl\":600,\"ice_servers\":[{\"urls\":\"turns:turn.example\"," CREDENTIAL
        "}]}", NULL, {NULL}, 1},
};

static gboolean
on_add_turn_server (GstElement * webrtc, const gchar * url, GPtrArray * turn)
{
  g_ptr_array_add (turn, g_strdup (url));
  return TRUE;
}

static void
expect_url (const gchar * url, const gchar * expected)
{
  g_test_message ("%s", url);
  if (expected) {
    g_assert_cmpstr (url, ==, expected);
  } else {
    g_assert_true (g_str_has_prefix (url, TURN_OF "127.0.0.1:")
        || g_str_has_prefix (url, TURN_OF "[::1]:"));
    g_assert_true (g_str_has_suffix (url, "?transport=tcp"));
  }
}

static void
test_providers (void)
{
  guint i, k;

  for (i = 0; i < G_N_ELEMENTS (providers); i++) {
    DaoIceConfig *config = make_config (providers[i].json);
    GstElement *webrtc =
        gst_object_ref_sink (gst_element_factory_make ("webrtcbin", NULL));
    GPtrArray *turn = g_ptr_array_new_with_free_func (g_free);
    GPtrArray *used = new_servers (), *skipped = g_ptr_array_new ();
    GstDaoTurnTls *tls =
        gst_dao_turn_tls_new (NULL, ignore_refusal, NULL, NULL);
    gchar *stun = NULL;

    g_signal_connect (webrtc, "add-turn-server",
        G_CALLBACK (on_add_turn_server), turn);
    g_assert_true (gst_dao_ice_configure (webrtc, config, FALSE, tls, used,
            skipped, NULL));
    g_object_get (webrtc, "stun-server", &stun, NULL);
    g_assert_cmpstr (stun, ==, providers[i].stun);
    g_assert_cmpuint (turn->len, ==, providers[i].n_turn);
    for (k = 0; k < turn->len; k++)
      expect_url (turn->pdata[k], providers[i].turn[k]);
    g_assert_cmpuint (count_turn (used), ==, providers[i].n_turn);
    g_assert_cmpuint (used->len - count_turn (used), ==,
        providers[i].stun != NULL);
    g_assert_cmpuint (skipped->len, ==, 0);
    gst_dao_turn_tls_close (tls);
    gst_object_unref (webrtc);
    g_ptr_array_unref (turn);
    g_ptr_array_unref (used);
    g_ptr_array_unref (skipped);
    dao_ice_config_free (config);
    g_free (stun);
  }
}

/* webrtcbin uses one STUN server. */
static void
test_several_stun_servers (void)
{
  DaoIceConfig *config = make_config ("[{\"urls\":[\"stun:a.example\","
      "\"stun:[2001:db8::1]:5\"]}]");
  GstElement *webrtc =
      gst_object_ref_sink (gst_element_factory_make ("webrtcbin", NULL));
  GPtrArray *used = new_servers (), *skipped = g_ptr_array_new ();
  GstDaoIceServer *server;

  g_assert_true (gst_dao_ice_configure (webrtc, config, FALSE, NULL, used,
          skipped, NULL));
  g_assert_cmpuint (used->len, ==, 1);
  server = used->pdata[0];
  g_assert_cmpstr (server->url, ==, "stun:[2001:db8::1]:5");
  g_assert_cmpstr (server->host, ==, "[2001:db8::1]");
  g_assert_cmpstr (server->address, ==, "[2001:db8::1]:5");
  g_assert_false (server->turn);
  gst_object_unref (webrtc);
  g_ptr_array_unref (used);
  g_ptr_array_unref (skipped);
  dao_ice_config_free (config);
}

static void
test_relay_only_without_turn (void)
{
  DaoIceConfig *config = make_config ("{\"ttl\":600,\"ice_transport_policy\":"
      "\"relay\",\"ice_servers\":[{\"urls\":[\"stun:127.0.0.1:3478\"]},{\"urls\":"
      "[\"turns:127.0.0.1:5349\"],\"username\":\"u\",\"credential\":\"p\"}]}");
  GPtrArray *skipped =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  GPtrArray *used = new_servers ();
  GstElement *webrtc =
      gst_object_ref_sink (gst_element_factory_make ("webrtcbin", NULL));
  GError *error = NULL;

  g_assert_false (gst_dao_ice_configure (webrtc, config, TRUE, NULL, used, skipped,
          &error));
  g_assert_error (error, GST_DAO_ICE_ERROR, GST_DAO_ICE_ERROR_NO_RELAY);
  g_clear_error (&error);
  g_assert_false (gst_dao_ice_configure (webrtc, NULL, TRUE, NULL, used, skipped,
          &error));
  g_assert_error (error, GST_DAO_ICE_ERROR, GST_DAO_ICE_ERROR_NO_RELAY);
  g_clear_error (&error);
  g_assert_true (gst_dao_ice_configure (webrtc, NULL, FALSE, NULL, used, skipped,
          &error));
  gst_object_unref (webrtc);
  g_ptr_array_unref (used);
  g_ptr_array_unref (skipped);
  dao_ice_config_free (config);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ice/remote-candidates", test_remote_candidates);
  g_test_add_func ("/ice/long-candidate", test_long_candidate);
  g_test_add_func ("/ice/local-candidates", test_local_candidates);
  g_test_add_func ("/ice/server-urls", test_server_urls);
  g_test_add_func ("/ice/turn-without-credential",
      test_turn_without_credential);
  g_test_add_func ("/ice/configure", test_configure);
  g_test_add_func ("/ice/configure-tls", test_configure_tls);
  g_test_add_func ("/ice/providers", test_providers);
  g_test_add_func ("/ice/several-stun-servers", test_several_stun_servers);
  g_test_add_func ("/ice/relay-only-without-turn",
      test_relay_only_without_turn);
  return g_test_run ();
}
