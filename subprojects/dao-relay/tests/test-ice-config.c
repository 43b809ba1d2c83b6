/* gst-dao: ice-config as accounts get it, with a clock of our own and a stand-in for Cloudflare
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "relay-api.h"
#include "relay-cloudflare.h"

#include "dao-secret.h"

#include <gio/gio.h>
#include <string.h>
#include <uv.h>

/* Asked for with the life of an answer, nine minutes of cache and a minute more */
#define LIFE_S 1200
#define STUN_AND_TURN "{\"iceServers\":[{\"urls\":[\"stun:cf\"]},{\"urls\":[\"stun:cf:53\"," \
    "\"turn:cf\",\"turns:cf\"],\"username\":\"u\",\"credential\":\"c\"}]}"

/* --- the stand-in --- */

typedef struct
{
  GSocketService *service;
  gchar *url;
  gint working;                 /* atomic */
  gint asked;                   /* atomic */
} Cloudflare;

static gboolean
on_request (GThreadedSocketService * service, GSocketConnection * connection,
    GObject * source, Cloudflare * cf)
{
  gboolean ok = g_atomic_int_get (&cf->working);
  const gchar *body = ok ? STUN_AND_TURN : "{}";
  g_autofree gchar *answer = g_strdup_printf ("HTTP/1.1 %s\r\n"
      "Content-Length: %u\r\nConnection: close\r\n\r\n%s",
      ok ? "201 Created" : "503 Service Unavailable", (guint) strlen (body),
      body);
  gchar request[4096];

  g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM
          (connection)), request, sizeof request, NULL, NULL);
  g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM
          (connection)), answer, strlen (answer), NULL, NULL, NULL);
  g_atomic_int_inc (&cf->asked);
  return TRUE;
}

/* Its service takes connections on a loop of its own. */
static gpointer
cloudflare_run (gpointer loop)
{
  g_main_loop_run (loop);
  return NULL;
}

static void
cloudflare_init (Cloudflare * cf)
{
  guint16 port;

  cf->service = g_threaded_socket_service_new (4);
  port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (cf->service),
      NULL, NULL);
  cf->url = g_strdup_printf ("http://127.0.0.1:%u", port);
  cf->working = TRUE;
  g_signal_connect (cf->service, "run", G_CALLBACK (on_request), cf);
}

/* --- the relay --- */

typedef struct
{
  Cloudflare cf;
  RelayStore *store;
  RelayAuth *auth;
  RelayIce *ice;
  RelayHub *hub;
  RelayApi *api;
  uv_loop_t loop;
  gboolean ready;
  gchar *authorization[2];
  gint64 start_s;
} World;

static void
ignore (gpointer transport)
{
}

static const RelayTransportOps ops = { ignore, ignore };

static void
on_ready (gpointer user_data)
{
  ((World *) user_data)->ready = TRUE;
}

static void
add_account (World * w, guint i)
{
  RelayAccount account = { 0 };
  g_autofree gchar *token = NULL;

  g_snprintf (account.alias, sizeof account.alias, "u1000000%u", i);
  g_snprintf (account.uuid, sizeof account.uuid,
      "3f2504e0-4f89-41d3-9a0c-0305e82c330%u", i);
  g_snprintf (account.ed25519, sizeof account.ed25519, "%043u=", i);
  g_snprintf (account.x25519, sizeof account.x25519, "%043u=", i);
  account.nickname = g_strdup (account.alias);
  g_assert_true (w->store->add_account (w->store, &account, NULL));
  token = relay_auth_token_new (w->store, account.id, w->start_s, NULL);
  w->authorization[i] = g_strconcat ("Bearer ", token, NULL);
  relay_account_clear (&account);
}

/* @settings: NULL in it are not set; Cloudflare is if @with_cloudflare. */
static World *
world_new (RelayIceSettings settings, gboolean with_cloudflare,
    guint max_requests)
{
  World *w = g_new0 (World, 1);
  RelayApiLimits limits = relay_api_default_limits;
  g_autoptr (GError) error = NULL;

  w->start_s = g_get_real_time () / G_USEC_PER_SEC;
  cloudflare_init (&w->cf);
  if (with_cloudflare) {
    settings.cf_key_id = "key";
    settings.cf_api_token = "token";
    settings.cf_base_url = w->cf.url;
  }
  limits.requests = (RelayRate) { max_requests, max_requests / 60. };
  w->store = relay_store_sqlite_open (":memory:", NULL);
  w->auth = relay_auth_new ();
  w->ice = relay_ice_new (&settings, &error);
  g_assert_no_error (error);
  w->hub = relay_hub_new (&relay_hub_default_limits, &ops);
  w->api = relay_api_new (&limits, w->store, w->auth, w->ice, w->hub);
  uv_loop_init (&w->loop);
  relay_ice_start (w->ice, &w->loop, on_ready, w);
  add_account (w, 0);
  add_account (w, 1);
  return w;
}

static void
world_free (World * w)
{
  relay_ice_stop (w->ice);
  uv_run (&w->loop, UV_RUN_DEFAULT);
  g_assert_cmpint (uv_loop_close (&w->loop), ==, 0);
  relay_api_free (w->api);
  relay_hub_free (w->hub);
  relay_ice_free (w->ice);
  relay_auth_free (w->auth);
  relay_store_free (w->store);
  g_socket_service_stop (w->cf.service);
  g_object_unref (w->cf.service);
  g_free (w->cf.url);
  g_free (w->authorization[0]);
  g_free (w->authorization[1]);
  g_free (w);
}

static guint
request (World * w, guint account, const gchar * query, gint64 after_s,
    json_t ** answer)
{
  RelayRequest r = {.method = "GET",.path = "/api/v1/calls/ice-config",.query =
        query,.authorization = w->authorization[account],.ip = "192.0.2.1",
    .body = "",.now_s = w->start_s + after_s,.now_us =
        (1 + after_s) * G_USEC_PER_SEC
  };
  RelayResponse response = { 0 };
  guint status;

  w->ready = FALSE;
  relay_api_handle (w->api, &r, &response);
  if (response.status == 0) {
    while (!w->ready)
      uv_run (&w->loop, UV_RUN_ONCE);
    r.resumed = TRUE;
    relay_api_handle (w->api, &r, &response);
  }
  status = response.status;
  *answer = json_loads (response.body, 0, NULL);
  relay_response_clear (&response);
  return status;
}

/* What @account gets so many seconds after the start: all URLs in their order, and for how long */
static void
expect (World * w, guint account, const gchar * query, gint64 after_s,
    const gchar * policy, gint64 ttl_s, const gchar * urls)
{
  g_autoptr (GString) got = g_string_new (NULL);
  json_t *answer, *server, *url;
  gsize i, k;

  g_assert_cmpuint (request (w, account, query, after_s, &answer), ==, 200);
  json_array_foreach (json_object_get (answer, "ice_servers"), i, server) {
    json_array_foreach (json_object_get (server, "urls"), k, url) {
      g_string_append_printf (got, "%s%s", got->len ? " " : "",
          json_string_value (url));
      g_assert_cmpint (g_str_has_prefix (json_string_value (url), "turn"), <=,
          json_object_get (server, "credential") != NULL);
    }
  }
  g_assert_cmpstr (got->str, ==, urls);
  g_assert_cmpstr (json_string_value (json_object_get (answer,
              "ice_transport_policy")), ==, policy);
  g_assert_cmpint (json_integer_value (json_object_get (answer, "ttl")), ==,
      ttl_s);
  json_decref (answer);
}

#define OF_CLOUDFLARE "stun:cf stun:cf:53 turn:cf turns:cf"
#define OF_TURN "stun:t turn:t?transport=udp turn:t?transport=tcp"
static const RelayIceSettings turn = {.turn_host = "t",.turn_secret = "s" };
static const RelayIceSettings stun = {.stun_urls = "stun:a stun:b" };

/* --- tests --- */

/* Cloudflare is away from when its answer is no longer fresh: that goes on while it is valid, for what is left of
 * its life, down to its last second; then the next back end serves. */
static void
test_stale (void)
{
  World *w = world_new (turn, TRUE, 1000);

  expect (w, 0, "", 0, "all", 600, OF_CLOUDFLARE);
  expect (w, 1, "", 539, "all", 600, OF_CLOUDFLARE);
  g_assert_cmpint (g_atomic_int_get (&w->cf.asked), ==, 1);
  g_atomic_int_set (&w->cf.working, FALSE);
  expect (w, 0, "", 540, "all", 600, OF_CLOUDFLARE);
  g_assert_cmpint (g_atomic_int_get (&w->cf.asked), >, 1);
  expect (w, 1, "", 600, "all", 600, OF_CLOUDFLARE);
  expect (w, 0, "", 601, "all", 599, OF_CLOUDFLARE);
  expect (w, 0, "mode=relay", 1000, "relay", 200, "turn:cf turns:cf");
  expect (w, 0, "", LIFE_S - 1, "all", 1, OF_CLOUDFLARE);
  expect (w, 0, "", LIFE_S, "all", 600, OF_TURN);
  expect (w, 1, "mode=relay", LIFE_S + 60, "relay", 600,
      "turn:t?transport=udp turn:t?transport=tcp");
  /* and it comes back */
  g_atomic_int_set (&w->cf.working, TRUE);
  expect (w, 0, "", LIFE_S + 120, "all", 600, OF_CLOUDFLARE);
  world_free (w);
}

/* Nothing listens there: the same. */
static void
test_unreachable (void)
{
  World *w = world_new (stun, TRUE, 1000);

  expect (w, 0, "", 0, "all", 600, OF_CLOUDFLARE);
  g_socket_service_stop (w->cf.service);
  g_socket_listener_close (G_SOCKET_LISTENER (w->cf.service));
  expect (w, 0, "", 1100, "all", 100, OF_CLOUDFLARE);
  expect (w, 0, "", LIFE_S, "all", 600, "stun:a stun:b");
  world_free (w);
}

/* Never longer than the operator said, and never longer than the credential lives. */
static void
test_ttl (void)
{
  RelayIceSettings s = turn;
  World *w;

  s.turn_ttl = "30";
  w = world_new (s, TRUE, 1000);
  expect (w, 0, "", 0, "all", 30, OF_CLOUDFLARE);
  g_atomic_int_set (&w->cf.working, FALSE);
  expect (w, 0, "", 600, "all", 30, OF_CLOUDFLARE);
  expect (w, 0, "", 601, "all", 29, OF_CLOUDFLARE);
  expect (w, 0, "", 629, "all", 1, OF_CLOUDFLARE);
  expect (w, 0, "", 630, "all", 30, OF_TURN);
  world_free (w);
}

/* STUN servers are left out where there are TURN servers. Alone they stay: what to make of them is up to the client. */
static void
test_mode_relay (void)
{
  const RelayIceSettings nothing = { 0 };
  const struct
  {
    RelayIceSettings settings;
    gboolean cloudflare;
    const gchar *all, *relay;
  } table[] = {
    {turn, TRUE, OF_CLOUDFLARE, "turn:cf turns:cf"},
    {turn, FALSE, OF_TURN, "turn:t?transport=udp turn:t?transport=tcp"},
    {stun, FALSE, "stun:a stun:b", "stun:a stun:b"},
    {nothing, FALSE, "", ""},
  };

  for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
    World *w = world_new (table[i].settings, table[i].cloudflare, 1000);

    expect (w, 0, "", 0, "all", 600, table[i].all);
    expect (w, 0, "mode=relay", 0, "relay", 600, table[i].relay);
    expect (w, 0, "x=1&mode=relay", 0, "relay", 600, table[i].relay);
    expect (w, 0, "mode=all", 0, "all", 600, table[i].all);
    world_free (w);
  }
}

/* One account at its limit says nothing about another. */
static void
test_limit_of_an_account (void)
{
  World *w = world_new (turn, FALSE, 3);
  json_t *answer;

  for (guint i = 0; i < 3; i++)
    expect (w, 0, "", 0, "all", 600, OF_TURN);
  for (guint i = 0; i < 5; i++) {
    g_assert_cmpuint (request (w, 0, "", 0, &answer), ==, 429);
    g_assert_null (json_object_get (answer, "ice_servers"));
    json_decref (answer);
  }
  for (guint i = 0; i < 3; i++)
    expect (w, 1, "", 0, "all", 600, OF_TURN);
  g_assert_cmpuint (request (w, 1, "", 0, &answer), ==, 429);
  json_decref (answer);
  /* three a minute */
  expect (w, 0, "", 21, "all", 600, OF_TURN);
  g_assert_cmpuint (request (w, 0, "", 21, &answer), ==, 429);
  json_decref (answer);
  world_free (w);
}

int
main (int argc, char **argv)
{
  GMainLoop *loop = g_main_loop_new (NULL, FALSE);
  GThread *thread;
  int result;

  g_test_init (&argc, &argv, NULL);
  /* each fetch that fails is a warning */
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  dao_crypto_init ();
  thread = g_thread_new ("cloudflare", cloudflare_run, loop);
  g_test_add_func ("/ice-config/stale", test_stale);
  g_test_add_func ("/ice-config/unreachable", test_unreachable);
  g_test_add_func ("/ice-config/ttl", test_ttl);
  g_test_add_func ("/ice-config/mode-relay", test_mode_relay);
  g_test_add_func ("/ice-config/limit-of-an-account",
      test_limit_of_an_account);
  result = g_test_run ();
  g_main_loop_quit (loop);
  g_thread_join (thread);
  g_main_loop_unref (loop);
  return result;
}
