/* gst-dao: how long TURN credentials of Cloudflare are kept, with a clock of our own
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "relay-cloudflare.h"

#include <string.h>

#define NOW 1800000000
#define GOOD "{\"iceServers\":[{\"urls\":[\"stun:s\"]},{\"urls\":\"turn:t\"," \
    "\"username\":\"u\",\"credential\":\"c\"}]}"
#define NEWER "{\"iceServers\":{\"urls\":[\"turns:n\"]," \
    "\"username\":\"u\",\"credential\":\"c\"}}"
#define TTL 600
/* asked for with the life of an answer, nine minutes of cache and a minute more */
#define WHOLE_TTL 1200

static gboolean
take (RelayCloudflare * cf, guint status, const gchar * body, gint64 now_s)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = relay_cloudflare_take (cf, status, body, strlen (body),
      now_s, now_s, &error);

  g_assert_true (ok || !status || error->domain == RELAY_CLOUDFLARE_ERROR);
  return ok;
}

static gint64
left (RelayCloudflare * cf, gint64 now_s)
{
  gint64 left_s = 0;

  return relay_cloudflare_servers (cf, now_s, &left_s) ? left_s : 0;
}

static void
test_request (void)
{
  RelayCloudflare *cf = relay_cloudflare_new (TTL);
  g_autofree gchar *body = relay_cloudflare_request_body (cf);

  g_assert_cmpstr (body, ==, "{\"ttl\":1200}");
  g_assert_true (relay_cloudflare_wants (cf, NOW));
  g_assert_cmpint (left (cf, NOW), ==, 0);
  relay_cloudflare_free (cf);
}

/* Nine minutes nobody asks again, and an answer given then has its whole life before it. */
static void
test_fresh (void)
{
  RelayCloudflare *cf = relay_cloudflare_new (TTL);

  g_assert_true (take (cf, 201, GOOD, NOW));
  g_assert_false (relay_cloudflare_wants (cf, NOW));
  g_assert_false (relay_cloudflare_wants (cf, NOW + 539));
  g_assert_cmpint (left (cf, NOW + 539), >=, TTL);
  g_assert_true (relay_cloudflare_wants (cf, NOW + 540));
  g_assert_true (take (cf, 200, NEWER, NOW + 540));
  g_assert_false (relay_cloudflare_wants (cf, NOW + 541));
  g_assert_cmpint (left (cf, NOW + 540), ==, WHOLE_TTL);
  relay_cloudflare_free (cf);
}

static void
test_stale_is_used_while_valid (void)
{
  RelayCloudflare *cf = relay_cloudflare_new (TTL);

  g_assert_true (take (cf, 201, GOOD, NOW));
  g_assert_false (take (cf, 500, "", NOW + 540));
  g_assert_cmpint (left (cf, NOW + 540), ==, WHOLE_TTL - 540);
  g_assert_cmpint (left (cf, NOW + WHOLE_TTL - 1), ==, 1);
  relay_cloudflare_free (cf);
}

static void
test_guard_expired_is_not_used (void)
{
  RelayCloudflare *cf = relay_cloudflare_new (TTL);

  g_assert_true (take (cf, 201, GOOD, NOW));
  g_assert_cmpint (left (cf, NOW + WHOLE_TTL), ==, 0);
  g_assert_cmpint (left (cf, NOW + 10 * WHOLE_TTL), ==, 0);
  relay_cloudflare_free (cf);
}

/* Life counts from when it was asked for, however long the answer took. */
static void
test_slow_answer (void)
{
  RelayCloudflare *cf = relay_cloudflare_new (TTL);

  g_assert_true (relay_cloudflare_take (cf, 201, GOOD, strlen (GOOD), NOW - 3,
          NOW, NULL));
  g_assert_cmpint (left (cf, NOW), ==, WHOLE_TTL - 3);
  relay_cloudflare_free (cf);
}

static void
test_retry_after_failure (void)
{
  RelayCloudflare *cf = relay_cloudflare_new (TTL);

  g_assert_false (take (cf, 0, "", NOW));
  g_assert_false (relay_cloudflare_wants (cf, NOW));
  g_assert_false (relay_cloudflare_wants (cf, NOW + 9));
  g_assert_true (relay_cloudflare_wants (cf, NOW + 10));
  g_assert_true (take (cf, 201, GOOD, NOW + 10));
  g_assert_false (relay_cloudflare_wants (cf, NOW + 11));
  relay_cloudflare_free (cf);
}

static void
test_clock_set_back (void)
{
  RelayCloudflare *cf = relay_cloudflare_new (TTL);

  g_assert_true (take (cf, 201, GOOD, NOW));
  g_assert_true (relay_cloudflare_wants (cf, NOW - 86400));
  g_assert_cmpint (left (cf, NOW - 86400), ==, 0);
  g_assert_false (take (cf, 500, "", NOW));
  g_assert_true (relay_cloudflare_wants (cf, NOW - 86400));
  relay_cloudflare_free (cf);
}

static void
test_guard_bad_answers_change_nothing (void)
{
  static const gchar *bad[] = { "", "null", "[]", "{}", "garbage",
    "{\"iceServers\":[]}", "{\"iceServers\":null}", "{\"iceServers\":\"x\"}",
    "{\"iceServers\":[{\"urls\":[\"stun:s\"]}]}",       /* no TURN */
    "{\"iceServers\":[{\"urls\":[\"turn:t\"]}]}",
    "{\"iceServers\":[{\"urls\":[\"turn:t\"],\"username\":\"u\"}]}",
    "{\"iceServers\":[{\"urls\":[\"turn:t\"],\"username\":1,\"credential\":\"c\"}]}",
    "{\"iceServers\":[{\"urls\":[\"turn:t\"],\"username\":\"\",\"credential\":\"c\"}]}",
    "{\"iceServers\":[{\"urls\":[\"turn:t x\"],\"username\":\"u\",\"credential\":\"c\"}]}",
    "{\"iceServers\":[{\"urls\":[\"turn:t\\u0000\"],\"username\":\"u\",\"credential\":\"c\"}]}",
    "{\"iceServers\":[{\"urls\":[\"turn:t\\\"\"],\"username\":\"u\",\"credential\":\"c\"}]}",
    "{\"iceServers\":[{\"urls\":[1],\"username\":\"u\",\"credential\":\"c\"}]}",
    "{\"iceServers\":[{\"urls\":[],\"username\":\"u\",\"credential\":\"c\"}]}",
    "{\"iceServers\":[{\"username\":\"u\",\"credential\":\"c\"}]}",
    "{\"iceServers\":[{\"urls\":[\"turn:t\",\"http://x\"],\"username\":\"u\",\"credential\":\"c\"}]}",
    "{\"iceServers\":[7]}", GOOD "x",
    "{\"iceServers\":{\"urls\":[\"turn:t\"],\"username\":\"u\",\"credential\":\"c\"},\"iceServers\":[]}",
  };
  RelayCloudflare *cf = relay_cloudflare_new (TTL);
  gint64 left_s;
  json_t *kept;

  g_assert_true (take (cf, 201, GOOD, NOW));
  kept = relay_cloudflare_servers (cf, NOW, &left_s);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_test_message ("%s", bad[i]);
    g_assert_false (take (cf, 200, bad[i], NOW + 1));
    g_assert_true (relay_cloudflare_servers (cf, NOW + 1, &left_s) == kept);
  }
  g_assert_false (take (cf, 302, GOOD, NOW + 1));
  relay_cloudflare_free (cf);
}

static void
test_limits (void)
{
  RelayCloudflare *cf = relay_cloudflare_new (TTL);
  g_autofree gchar *host = g_strnfill (600, 'x');
  g_autofree gchar *blanks = g_strnfill (RELAY_CLOUDFLARE_MAX_BODY, ' ');
  g_autofree gchar *huge = g_strconcat (GOOD, blanks, NULL);
  g_autofree gchar *longer = g_strdup_printf ("{\"iceServers\":{\"urls\":"
      "\"turn:%s\",\"username\":\"u\",\"credential\":\"c\"}}", host);
  g_autoptr (GString) many = g_string_new ("{\"iceServers\":{\"urls\":[");

  for (guint i = 0; i <= RELAY_CLOUDFLARE_MAX_URLS; i++)
    g_string_append (many, i ? ",\"turn:t\"" : "\"turn:t\"");
  g_string_append (many, "],\"username\":\"u\",\"credential\":\"c\"}}");
  g_assert_false (take (cf, 200, huge, NOW));
  g_assert_false (take (cf, 200, longer, NOW));
  g_assert_false (take (cf, 200, many->str, NOW));
  relay_cloudflare_free (cf);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cloudflare/request", test_request);
  g_test_add_func ("/cloudflare/fresh", test_fresh);
  g_test_add_func ("/cloudflare/stale-is-used-while-valid",
      test_stale_is_used_while_valid);
  g_test_add_func ("/cloudflare/guard-expired-is-not-used",
      test_guard_expired_is_not_used);
  g_test_add_func ("/cloudflare/slow-answer", test_slow_answer);
  g_test_add_func ("/cloudflare/retry-after-failure",
      test_retry_after_failure);
  g_test_add_func ("/cloudflare/clock-set-back", test_clock_set_back);
  g_test_add_func ("/cloudflare/guard-bad-answers-change-nothing",
      test_guard_bad_answers_change_nothing);
  g_test_add_func ("/cloudflare/limits", test_limits);
  return g_test_run ();
}
