/* gst-dao: the typed fields of a signal
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-json.h"
#include "dao-signal.h"

#include <string.h>

#define HEAD(type) "{\"type\":\"" type "\",\"from\":\"alice\"," \
    "\"to\":\"bob\",\"call_id\":\"c1\""
#define KEY "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
#define OK (-1)

static DaoSignal *
parse (const gchar * text, GError ** error)
{
  json_t *inner = dao_json_parse (text, strlen (text), NULL);
  DaoSignal *signal;

  g_assert_nonnull (inner);
  signal = dao_signal_from_json (inner, error);
  json_decref (inner);
  return signal;
}

typedef struct
{
  const gchar *text;
  gint code;
} Case;

static void
run_cases (const Case * cases, guint count)
{
  guint i;

  for (i = 0; i < count; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (DaoSignal) signal = parse (cases[i].text, &error);

    g_test_message ("%s", cases[i].text);
    if (cases[i].code == OK)
      g_assert_no_error (error);
    else
      g_assert_error (error, DAO_SIGNAL_ERROR, cases[i].code);
    g_assert_cmpint (signal != NULL, ==, cases[i].code == OK);
  }
}

static void
test_fields (void)
{
  static const Case cases[] = {
    {HEAD ("call_offer") ",\"sdp\":\"v=0\"}", OK},
    {HEAD ("call_offer") ",\"sdp\":\"v=0\",\"sdp_type\":\"offer\"}", OK},
    {HEAD ("call_offer") ",\"sdp\":\"v=0\",\"sdp_type\":\"answer\"}",
        DAO_SIGNAL_ERROR_FIELD},
    {HEAD ("call_offer") ",\"sdp\":\"v=0\",\"sdp_type\":1}",
        DAO_SIGNAL_ERROR_FIELD},
    {HEAD ("call_offer") "}", DAO_SIGNAL_ERROR_FIELD},
    {HEAD ("call_offer") ",\"sdp\":\"\"}", DAO_SIGNAL_ERROR_FIELD},
    {HEAD ("call_answer") ",\"sdp\":7}", DAO_SIGNAL_ERROR_FIELD},
    {HEAD ("call_answer") ",\"sdp\":null}", DAO_SIGNAL_ERROR_FIELD},
    {HEAD ("call_hangup") "}", OK},
    {HEAD ("call_reject") ",\"reason\":\"busy\"}", OK},
    {HEAD ("call_invite") ",\"mode\":\"video\"}", OK},
    {HEAD ("call_invite") ",\"mode\":7}", OK},
    {HEAD ("call_renegotiate") ",\"want\":\"restart\"}", OK},
    {HEAD ("call_renegotiate") ",\"want\":\"money\"}",
        DAO_SIGNAL_ERROR_FIELD},
    {HEAD ("call_renegotiate") "}", DAO_SIGNAL_ERROR_FIELD},
    {HEAD ("call_transfer") "}", DAO_SIGNAL_ERROR_FIELD},
    {"{\"type\":\"call_hangup\",\"call_id\":\"c1\"}", DAO_SIGNAL_ERROR_FIELD},
    {"{\"type\":\"call_hangup\",\"from\":\"alice\"}", DAO_SIGNAL_ERROR_FIELD},
    {"{\"type\":\"call_hangup\",\"from\":\"\",\"call_id\":\"c\"}",
        DAO_SIGNAL_ERROR_FIELD},
    {"{\"from\":\"alice\",\"call_id\":\"c1\"}", DAO_SIGNAL_ERROR_FIELD},
    {"[]", DAO_SIGNAL_ERROR_FIELD},
    {HEAD ("call_hangup") ",\"ext\":1,\"leg\":2,\"gen\":3}", OK},
    {HEAD ("call_hangup") ",\"ext\":\"1\"}", DAO_SIGNAL_ERROR_FIELD},
    {HEAD ("call_hangup") ",\"leg\":-1}", DAO_SIGNAL_ERROR_FIELD},
    {HEAD ("call_hangup") ",\"gen\":1.5}", DAO_SIGNAL_ERROR_FIELD},
    {HEAD ("call_hangup") ",\"gen\":65536}", DAO_SIGNAL_ERROR_LIMIT},
  };

  run_cases (cases, G_N_ELEMENTS (cases));
}

/* guard: what announces frame encryption badly is never taken for a peer without it */
static void
test_guard_e2ee_malformed (void)
{
  static const Case cases[] = {
    {HEAD ("call_hangup") ",\"e2ee\":1,\"e2ee_pub\":\"" KEY "\"}", OK},
    {HEAD ("call_hangup") ",\"e2ee\":1}", DAO_SIGNAL_ERROR_E2EE},
    {HEAD ("call_hangup") ",\"e2ee_pub\":\"" KEY "\"}",
        DAO_SIGNAL_ERROR_E2EE},
    {HEAD ("call_hangup") ",\"e2ee\":0,\"e2ee_pub\":\"" KEY "\"}",
        DAO_SIGNAL_ERROR_E2EE},
    {HEAD ("call_hangup") ",\"e2ee\":2,\"e2ee_pub\":\"" KEY "\"}",
        DAO_SIGNAL_ERROR_E2EE},
    {HEAD ("call_hangup") ",\"e2ee\":1.0,\"e2ee_pub\":\"" KEY "\"}",
        DAO_SIGNAL_ERROR_E2EE},
    {HEAD ("call_hangup") ",\"e2ee\":true,\"e2ee_pub\":\"" KEY "\"}",
        DAO_SIGNAL_ERROR_E2EE},
    {HEAD ("call_hangup") ",\"e2ee\":null,\"e2ee_pub\":null}",
        DAO_SIGNAL_ERROR_E2EE},
    {HEAD ("call_hangup") ",\"e2ee\":\"1\",\"e2ee_pub\":\"" KEY "\"}",
        DAO_SIGNAL_ERROR_E2EE},
    {HEAD ("call_hangup") ",\"e2ee\":1,\"e2ee_pub\":5}",
        DAO_SIGNAL_ERROR_E2EE},
    {HEAD ("call_hangup") ",\"e2ee\":1,\"e2ee_pub\":\"\"}",
        DAO_SIGNAL_ERROR_E2EE},
    {HEAD ("call_hangup") ",\"e2ee\":1,\"e2ee_pub\":\"AQID\"}",
        DAO_SIGNAL_ERROR_E2EE},
    {HEAD ("call_hangup") ",\"e2ee\":1,\"e2ee_pub\":\"" KEY "\\n\"}",
        DAO_SIGNAL_ERROR_E2EE},
    {HEAD ("call_hangup") ",\"e2ee\":1,\"e2ee_pub\":"
        "\"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyB=\"}",
        DAO_SIGNAL_ERROR_E2EE},
    {HEAD ("call_hangup") ",\"e2ee\":1,\"e2ee_pub\":"
        "\"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAh\"}",
        DAO_SIGNAL_ERROR_E2EE},
  };

  run_cases (cases, G_N_ELEMENTS (cases));
}

/* guard: an announcement must name whom it is for */
static void
test_guard_e2ee_needs_to (void)
{
  static const Case cases[] = {
    {"{\"type\":\"call_hangup\",\"from\":\"alice\",\"call_id\":\"c\","
        "\"e2ee\":1,\"e2ee_pub\":\"" KEY "\"}", DAO_SIGNAL_ERROR_E2EE},
    {"{\"type\":\"call_hangup\",\"from\":\"alice\",\"call_id\":\"c\"}", OK},
  };

  run_cases (cases, G_N_ELEMENTS (cases));
}

/* guard: nothing a peer sends is longer than its limit */
static void
test_guard_oversize (void)
{
  static const struct
  {
    const gchar *name;
    guint limit;
  } cases[] = {
    {"from", DAO_SIGNAL_MAX_ID}, {"to", DAO_SIGNAL_MAX_ID},
    {"call_id", DAO_SIGNAL_MAX_ID}, {"sdp", DAO_SIGNAL_MAX_SDP},
    {"candidate", DAO_SIGNAL_MAX_CANDIDATE},
  };
  guint i, over;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    for (over = 0; over < 2; over++) {
      g_autofree gchar *value = g_strnfill (cases[i].limit + over, 'a');
      json_t *inner = json_pack ("{s:s,s:s,s:s,s:s,s:s}", "type",
          g_str_equal (cases[i].name, "candidate") ? "call_ice" :
          "call_offer", "from", "alice", "call_id", "c", "sdp", "v", "to",
          "bob");
      g_autoptr (GError) error = NULL;
      g_autoptr (DaoSignal) signal = NULL;

      json_object_set_new (inner, cases[i].name, json_string (value));
      signal = dao_signal_from_json (inner, &error);
      g_assert_cmpint (signal != NULL, ==, !over);
      if (over)
        g_assert_error (error, DAO_SIGNAL_ERROR, DAO_SIGNAL_ERROR_LIMIT);
      json_decref (inner);
    }
  }
}

static void
test_candidates (void)
{
  static const struct
  {
    const gchar *field;
    const gchar *candidate;     /* NULL = refused */
    const gchar *mid;
    gint mline;
  } cases[] = {
    {"\"candidate\":{\"candidate\":\"x\",\"sdpMid\":\"0\","
          "\"sdpMLineIndex\":1}", "x", "0", 1},
    {"\"candidate\":{\"candidate\":\"x\",\"sdpMid\":\"\","
          "\"sdpMLineIndex\":0.0}", "x", NULL, 0},
    {"\"candidate\":{\"candidate\":\"\",\"sdpMid\":null,"
          "\"sdpMLineIndex\":null}", "", NULL, -1},
    {"\"candidate\":{\"candidate\":\"x\",\"sdpMLineIndex\":-1}", "x", NULL,
        -1},
    {"\"candidate\":{\"candidate\":\"x\",\"sdpMLineIndex\":1e300}", "x", NULL,
        -1},
    {"\"candidate\":{\"candidate\":\"x\",\"sdpMLineIndex\":0.5}", "x", NULL,
        -1},
    {"\"candidate\":{\"candidate\":\"x\",\"sdpMLineIndex\":\"1\"}", "x", NULL,
        -1},
    {"\"candidate\":\"x\",\"sdp_mid\":\"audio\",\"sdp_mline\":2", "x",
        "audio", 2},
    {"\"candidate\":\"x\",\"sdpMid\":\"0\"", "x", NULL, -1},
    {"\"candidate\":{\"sdpMid\":\"0\"}", NULL, NULL, 0},
    {"\"candidate\":[\"x\"]", NULL, NULL, 0},
    {"\"candidate\":\"x\\r\\na=ice-lite\"", NULL, NULL, 0},
    {"\"candidate\":{\"candidate\":\"x\\n\"}", NULL, NULL, 0},
    {"\"candidate\":\"x\",\"sdp_mid\":\"0\\n\"", NULL, NULL, 0},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *text = g_strconcat (HEAD ("call_ice") ",",
        cases[i].field, "}", NULL);
    g_autoptr (DaoSignal) signal = parse (text, NULL);

    g_test_message ("%s", text);
    if (cases[i].candidate == NULL) {
      g_assert_null (signal);
      continue;
    }
    g_assert_nonnull (signal);
    g_assert_cmpstr (signal->candidate, ==, cases[i].candidate);
    g_assert_cmpstr (signal->sdp_mid, ==, cases[i].mid);
    g_assert_cmpint (signal->sdp_mline_index, ==, cases[i].mline);
  }
}

/* An odd reason must not keep a hangup from ending the call. */
static void
test_reasons (void)
{
  g_autofree gchar *longest = g_strnfill (65, 'a');
  const gchar *const odd[] = { "", "Busy", "a b", "x\\n", longest };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (odd); i++) {
    g_autofree gchar *text = g_strdup_printf (HEAD ("call_hangup")
        ",\"reason\":\"%s\"}", odd[i]);
    g_autoptr (DaoSignal) signal = parse (text, NULL);

    g_assert_nonnull (signal);
    g_assert_null (signal->reason);
  }
}

static DaoSignal *
full_signal (DaoSignalType type)
{
  DaoSignal *signal = dao_signal_new (type, "alice", "bob", "c1");

  signal->ext = 1;
  signal->leg = 1;
  signal->gen = 4;
  if (type == DAO_SIGNAL_OFFER || type == DAO_SIGNAL_ANSWER) {
    signal->sdp = g_strdup ("v=0\r\n");
    signal->e2ee = TRUE;
    memset (signal->e2ee_pub, 7, sizeof signal->e2ee_pub);
  }
  if (type == DAO_SIGNAL_ICE) {
    signal->candidate = g_strdup ("candidate:1");
    signal->sdp_mid = g_strdup ("0");
    signal->sdp_mline_index = 0;
  }
  if (type == DAO_SIGNAL_HANGUP || type == DAO_SIGNAL_REJECT)
    signal->reason = g_strdup ("busy");
  if (type == DAO_SIGNAL_INVITE)
    signal->mode = g_strdup ("audio");
  if (type == DAO_SIGNAL_RENEGOTIATE)
    signal->want = g_strdup ("leg");
  return signal;
}

static void
test_round_trip (void)
{
  guint type;

  for (type = DAO_SIGNAL_OFFER; type <= DAO_SIGNAL_RENEGOTIATE; type++) {
    g_autoptr (DaoSignal) signal = full_signal (type);
    g_autoptr (DaoSignal) copy = dao_signal_copy (signal);
    g_autoptr (DaoSignal) back = NULL;
    json_t *inner = dao_signal_to_json (copy), *again;

    back = dao_signal_from_json (inner, NULL);
    g_assert_nonnull (back);
    g_assert_cmpint (back->type, ==, (gint) type);
    g_assert_cmpstr (back->to, ==, "bob");
    g_assert_cmpint (back->e2ee, ==, signal->e2ee);
    g_assert_cmpmem (back->e2ee_pub, 32, signal->e2ee_pub, 32);
    again = dao_signal_to_json (back);
    g_assert_true (json_equal (inner, again));
    json_decref (inner);
    json_decref (again);
  }
}

/* Peers without `ext` get exactly the frames of protocol.md e.2, but for `to`. */
static void
test_plain_peer_gets_plain_fields (void)
{
  g_autoptr (DaoSignal) signal = dao_signal_new (DAO_SIGNAL_OFFER, "alice",
      "bob", "c1");
  g_autofree gchar *text = NULL;
  json_t *inner;

  signal->sdp = g_strdup ("v=0");
  inner = dao_signal_to_json (signal);
  text = dao_json_canonical (inner, NULL);
  json_decref (inner);
  g_assert_cmpstr (text, ==, "{\"call_id\":\"c1\",\"from\":\"alice\","
      "\"sdp\":\"v=0\",\"sdp_type\":\"offer\",\"to\":\"bob\","
      "\"type\":\"call_offer\"}");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signal/fields", test_fields);
  g_test_add_func ("/signal/guard-e2ee-malformed", test_guard_e2ee_malformed);
  g_test_add_func ("/signal/guard-e2ee-needs-to", test_guard_e2ee_needs_to);
  g_test_add_func ("/signal/guard-oversize", test_guard_oversize);
  g_test_add_func ("/signal/candidates", test_candidates);
  g_test_add_func ("/signal/reasons", test_reasons);
  g_test_add_func ("/signal/round-trip", test_round_trip);
  g_test_add_func ("/signal/plain-peer-gets-plain-fields",
      test_plain_peer_gets_plain_fields);
  return g_test_run ();
}
