/* gst-dao: a relay that does not answer, or with what nobody said
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "lyingstage.h"
#include "accountwatch.h"
#include "dao-relay-private.h"

#include <sodium.h>

/* --- requests that are never answered --- */

static const DaoRelayTiming impatient = {
  .backoff_unit_ms = 100,.goaway_ms = 50,.replaced_cooldown_ms = 3000,
  .revoked_window_ms = 60000,.ping_ms = 25000,.request_ms = 500
};

static void
test_drop_request (gconstpointer what)
{
  CallFixture *f = call_fixture_new (2);
  Stage *s = g_new0 (Stage, 1);

  account_watch_set_timing (&impatient);
  s->f = f;
  s->relay = lying_relay_new (f);
  stage_enter_alice (s, "");
  stage_enter_bob (s, "");
  stage_tell (s, (Lie) {LIE_DROP, what, .times = 2});
  call_end_play_online (s->bob);
  call_end_play (s->alice);
  stage_expect_talk (s);
  stage_hang_up (s);
  stage_free (s);
}

/* --- what nobody said --- */

/* A frame of the right shape, from @from, sealed by nobody */
static gchar *
forge (Stage * s, const gchar * type, const gchar * call_id, guint from,
    gsize payload)
{
  guint8 *noise = g_malloc (payload);
  gchar *base64, *text;

  randombytes_buf (noise, payload);
  base64 = g_base64_encode (noise, payload);
  text = g_strdup_printf ("{\"type\":\"%s\",\"from\":\"%s\","
      "\"to\":\"%s\",\"call_id\":\"%s\",\"crypto_v\":2,"
      "\"payload\":\"%s\"}", type, stage_name_of (s, from), stage_name_of (s, !from),
      call_id, base64);
  g_free (base64);
  g_free (noise);
  return text;
}

static void
inject_both (Stage * s, const gchar * text)
{
  lying_relay_inject (s->relay, stage_name_of (s, 0), text);
  lying_relay_inject (s->relay, stage_name_of (s, 1), text);
}

static void
test_inject_garbage (void)
{
  static const gchar *const garbage[] = {
    "", " ", "{", "[]", "null", "0", "\"call_offer\"", "{}",
    "{\"type\":null}", "{\"type\":7}", "{\"type\":[\"call_hangup\"]}",
    "{\"type\":\"call_hangup\"}", "{\"type\":\"call_\"}",
    "{\"type\":\"call_hangup\",\"type\":\"ping\"}",
    "{\"type\":\"goaway?\"}", "{\"type\":\"friend_accepted\",\"x\":{}}",
    "{\"type\":\"call_offer\",\"from\":{},\"call_id\":[],\"payload\":1}",
  };
  Stage *s = stage_new (2);
  GString *deep = g_string_new (NULL);
  guint i;

  stage_call (s);
  for (i = 0; i < G_N_ELEMENTS (garbage); i++)
    inject_both (s, garbage[i]);
  for (i = 0; i < 50000; i++)
    g_string_append_c (deep, '[');
  inject_both (s, deep->str);
  stage_expect_more (s);
  stage_hang_up (s);
  g_string_free (deep, TRUE);
  stage_free (s);
}

/* Of the right shape and the right call, but for the seal */
static void
test_inject_forged (void)
{
  static const gchar *const types[] = { "call_offer", "call_answer",
    "call_ice", "call_hangup", "call_reject", "call_renegotiate",
    "call_invite"
  };
  Stage *s = stage_new (2);
  gchar *call_id;
  guint i;

  stage_call (s);
  g_object_get (s->alice->call, "call-id", &call_id, NULL);
  for (i = 0; i < G_N_ELEMENTS (types); i++) {
    gchar *hers = forge (s, types[i], call_id, 0, 300);
    gchar *his = forge (s, types[i], call_id, 1, 300);

    lying_relay_inject (s->relay, stage_name_of (s, 1), hers);
    lying_relay_inject (s->relay, stage_name_of (s, 0), his);
    g_free (hers);
    g_free (his);
  }
  stage_wait_dropped (s->alice, DAO_ENVELOPE_ERROR_DECRYPT, G_N_ELEMENTS (types));
  stage_wait_dropped (s->bob, DAO_ENVELOPE_ERROR_DECRYPT, G_N_ELEMENTS (types));
  stage_expect_more (s);
  stage_hang_up (s);
  g_free (call_id);
  stage_free (s);
}

/* A frame that is too large closes the connection; the next one comes by itself, the call does not notice. */
static void
test_inject_huge (void)
{
  CallFixture *f;
  Stage *s = stage_new (2);
  gchar *huge = forge (s, "call_ice", "x", 1, DAO_ENVELOPE_MAX_FRAME);

  f = s->f;
  stage_call (s);
  lying_relay_inject (s->relay, f->alias[0], huge);
  call_end_wait_online (s->alice, FALSE);
  call_end_wait_online (s->alice, TRUE);
  stage_expect_more (s);
  stage_hang_up (s);
  g_free (huge);
  stage_free (s);
}

/* News of friends by the hundred: they are asked for one after another, not a hundred times. */
static void
test_inject_friends_flood (void)
{
  Stage *s = stage_new (2);
  guint i;

  stage_call (s);
  for (i = 0; i < 200; i++)
    lying_relay_inject (s->relay, stage_name_of (s, 0),
        "{\"type\":\"friend_accepted\"}");
  stage_expect_more (s);
  g_assert_cmpuint (lying_relay_count (s->relay, FRIENDS, stage_name_of (s, 0)), <,
      150);
  stage_hang_up (s);
  stage_free (s);
}

/* --- ICE servers --- */

#define SERVER(url) "{\"urls\":[\"" url "\"],\"username\":\"u\",\"credential\":\"c\"}"
#define CONFIG(servers) "{\"ttl\":600,\"ice_transport_policy\":\"all\"," \
    "\"ice_servers\":[" servers "]}"
#define WITH_TTL(ttl) "{\"ttl\":" ttl ",\"ice_servers\":[]}"

typedef struct
{
  const gchar *path, *answer;
  const gchar *warning;         /* what Alice is told; NULL = nothing */
} IceCase;

/* The call goes on. */
static const IceCase harmless[] = {
  /* documentation addresses of RFC 5737 and 3849: nobody */
  {"third-party-hosts", CONFIG (SERVER ("turn:192.0.2.1:3478") ","
          SERVER ("turn:[2001:db8::1]?transport=tcp") ","
          SERVER ("stun:198.51.100.7") "," SERVER ("turns:203.0.113.9"))},
  {"ourselves", CONFIG (SERVER ("turn:127.0.0.1:1") ","
          SERVER ("stun:127.0.0.1:22"))},
  {"malformed-urls", CONFIG (SERVER ("turn:") "," SERVER ("turn://x") ","
          SERVER ("turn:a@b:1") "," SERVER ("turn:h:99999") ","
          SERVER ("turn:h?transport=tls") "," SERVER ("stun:h/../x") ","
          SERVER ("turn:[::1") "," SERVER ("http://h/") "," SERVER ("") ","
          SERVER ("turn:h?transport=udp&x=y")), "is no ICE server URL"},
  {"odd-credentials", "{\"ttl\":600,\"ice_servers\":[{\"urls\":"
        "\"turn:192.0.2.1\",\"username\":\"1:a@b/c?d#e&f=%00 \u00e9\u20ac\","
        "\"credential\":\"+/=:@%\\\"\\\\ \u00fc\"}]}"},
  {"no-credentials", "{\"ttl\":600,\"ice_servers\":[{\"urls\":"
        "\"turn:192.0.2.1\"},{\"urls\":[]},{\"urls\":\"turn:192.0.2.2\","
        "\"username\":null,\"credential\":null}]}"},
  {"ttl/zero", WITH_TTL ("0")},
  {"ttl/negative", WITH_TTL ("-600")},
  {"ttl/huge", WITH_TTL ("9223372036854775807")},
  {"ttl/huger", WITH_TTL ("1e300")},
  {"ttl/fraction", WITH_TTL ("0.5")},
  {"ttl/text", WITH_TTL ("\"soon\"")},
  {"ttl/other-types", WITH_TTL ("[{}]")},
  {"no-json", "<html>", "gave no ICE servers"},
};

/* No call with that: it ends before anything is sent. */
static const IceCase refused[] = {
  {"unknown-policy", "{\"ttl\":600,\"ice_transport_policy\":\"any\","
        "\"ice_servers\":[]}", "Unknown ice_transport_policy"},
  {"policy-of-another-type", "{\"ttl\":600,\"ice_transport_policy\":[\"all\"],"
        "\"ice_servers\":[]}", "Unknown ice_transport_policy"},
  {"empty", "", "No `ice_servers`"},
  {"servers-of-another-type", "{\"ttl\":600,\"ice_servers\":\"x\"}",
      "No `ice_servers`"},
  {"urls-of-another-type", CONFIG ("{\"urls\":7}"), "without `urls`"},
  {"url-of-another-type", CONFIG ("{\"urls\":[{}]}"), "is no string"},
  {"credential-of-another-type", CONFIG ("{\"urls\":\"turn:h\","
          "\"username\":\"u\",\"credential\":7}"), "is not a string"},
  {"control-character", CONFIG ("{\"urls\":\"turn:h\","
          "\"username\":\"u\\r\\n\",\"credential\":\"c\"}"),
      "control character"},
  {"only-relay-and-none", "{\"ttl\":600,\"ice_transport_policy\":\"relay\","
        "\"ice_servers\":[]}", "TURN server"},
};

static void
test_ice_harmless (gconstpointer data)
{
  const IceCase *c = data;
  Stage *s = stage_new (2);
  GstStructure *state;

  stage_tell (s, (Lie) {
      LIE_ANSWER, ICE_CONFIG, .status = 200, .text = c->answer});
  call_end_play_online (s->bob);
  call_end_play (s->alice);
  if (c->warning)
    call_end_wait_warning (s->alice, c->warning);
  state = call_end_wait (s->alice, "dao-call-state", "e2ee", "true");
  g_assert_cmpstr (gst_structure_get_string (state, "peer"), ==,
      stage_name_of (s, 1));
  /* and not by way of those servers */
  gst_structure_free (state);
  call_end_wait_talk (s->bob, stage_name_of (s, 0));
  stage_hang_up (s);
  stage_free (s);
}

static void
test_ice_refused (gconstpointer data)
{
  const IceCase *c = data;
  Stage *s = stage_new (2);

  stage_tell (s, (Lie) {
      LIE_ANSWER, ICE_CONFIG, .status = 200, .text = c->answer});
  call_end_play_online (s->bob);
  call_end_play (s->alice);
  call_end_wait_error (s->alice, c->warning);
  call_end_assert_no_media (s->alice);
  g_assert_cmpuint (lying_relay_count (s->relay, "call_", NULL), ==, 0);
  stage_free (s);
}

/* A list of @n servers, as text */
static gchar *
many_servers (guint n)
{
  GString *text = g_string_new (NULL);
  guint i;

  for (i = 0; i < n; i++)
    g_string_append_printf (text, "%s" SERVER ("turn:192.0.2.%u"),
        i ? "," : "", i);
  g_string_prepend (text, "{\"ttl\":600,\"ice_servers\":[");
  g_string_append (text, "]}");
  return g_string_free (text, FALSE);
}

static void
test_ice_many (void)
{
  gchar *answer = many_servers (60);
  IceCase c = { NULL, answer, NULL };

  test_ice_harmless (&c);
  g_free (answer);
}

static void
test_ice_too_many (void)
{
  gchar *answer = many_servers (100);
  IceCase c = { NULL, answer, "Too many ICE servers" };

  test_ice_refused (&c);
  g_free (answer);
}

/* More than an answer may have */
static void
test_ice_too_long (void)
{
  gchar *answer = many_servers (40000);
  IceCase c = { NULL, answer, "gave no ICE servers" };

  test_ice_harmless (&c);
  g_free (answer);
}

#define ADD(name, func) g_test_add_func ("/lying-relay/" name, func)

static void
add_ice_cases (const IceCase * cases, guint n, GTestDataFunc func)
{
  guint i;

  for (i = 0; i < n; i++) {
    gchar *path = g_strconcat ("/lying-relay/ice/", cases[i].path, NULL);

    g_test_add_data_func (path, &cases[i], func);
    g_free (path);
  }
}

int
main (int argc, char **argv)
{
  call_test_init (&argc, &argv);
  g_test_add_data_func ("/lying-relay/drop/challenge",
      "POST /api/v1/auth/challenge", test_drop_request);
  g_test_add_data_func ("/lying-relay/drop/ticket", "POST /api/v1/ws/ticket",
      test_drop_request);
  g_test_add_data_func ("/lying-relay/drop/friends", FRIENDS,
      test_drop_request);
  g_test_add_data_func ("/lying-relay/drop/ice-config", ICE_CONFIG,
      test_drop_request);
  ADD ("inject/garbage", test_inject_garbage);
  ADD ("inject/forged", test_inject_forged);
  ADD ("inject/huge", test_inject_huge);
  ADD ("inject/friends-flood", test_inject_friends_flood);
  add_ice_cases (harmless, G_N_ELEMENTS (harmless), test_ice_harmless);
  add_ice_cases (refused, G_N_ELEMENTS (refused), test_ice_refused);
  ADD ("ice/many", test_ice_many);
  ADD ("ice/too-many", test_ice_too_many);
  ADD ("ice/too-long", test_ice_too_long);
  return g_test_run ();
}
