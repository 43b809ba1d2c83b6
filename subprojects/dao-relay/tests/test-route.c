/* gst-dao: what the relay reads of a frame, as a table
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "relay-route.h"

#include <string.h>

#define TO "\"to\":\"bob\""
#define ID "\"call_id\":\"c\""
#define TYPE "\"type\":\"call_x\""
#define HEAD TYPE "," ID "," TO

typedef struct
{
  const gchar *frame;
  RelayRouteKind kind;
  const gchar *forwarded;       /* of a call */
} Case;

static const Case cases[] = {
  /* from: replaced, inserted, whatever it was */
  {"{" HEAD ",\"from\":\"mallory\"}", RELAY_ROUTE_CALL,
      "{" HEAD ",\"from\":\"alice\"}"},
  {"{\"from\":\"alice\"," HEAD "}", RELAY_ROUTE_CALL,
      "{\"from\":\"alice\"," HEAD "}"},
  {"{" HEAD "}", RELAY_ROUTE_CALL, "{\"from\":\"alice\"," HEAD "}"},
  {" {\n" HEAD "}\r\n\t ", RELAY_ROUTE_CALL,
      " {\"from\":\"alice\",\n" HEAD "}\r\n\t "},
  {"{\"from\":null," HEAD "}", RELAY_ROUTE_CALL,
      "{\"from\":\"alice\"," HEAD "}"},
  {"{\"from\":{\"from\":[\"}\"]}," HEAD "}", RELAY_ROUTE_CALL,
      "{\"from\":\"alice\"," HEAD "}"},
  {"{\"from\" : -1.5e+3 ," HEAD "}", RELAY_ROUTE_CALL,
      "{\"from\" : \"alice\" ," HEAD "}"},
  {"{\"from\":\"\\\"\\\\\"," HEAD "}", RELAY_ROUTE_CALL,
      "{\"from\":\"alice\"," HEAD "}"},
  {"{\"x\":{\"from\":\"y\",\"to\":\"z\"}," HEAD "}", RELAY_ROUTE_CALL,
      "{\"from\":\"alice\",\"x\":{\"from\":\"y\",\"to\":\"z\"}," HEAD "}"},
  {"{\"payload\":\"\\u0041\xc3\xa9\"," HEAD "}", RELAY_ROUTE_CALL,
      "{\"from\":\"alice\",\"payload\":\"\\u0041\xc3\xa9\"," HEAD "}"},
  /* what two parsers could read differently */
  {"{\"from\":\"a\"," HEAD ",\"from\":\"b\"}", RELAY_ROUTE_INVALID},
  {"{\"fr\\u006fm\":\"b\"," HEAD "}", RELAY_ROUTE_INVALID},
  {"{\"from\":\"a\",\"\\u0066rom\":\"b\"," HEAD "}", RELAY_ROUTE_INVALID},
  {"{" HEAD "," TO "}", RELAY_ROUTE_INVALID},
  {"{" HEAD "," ID "}", RELAY_ROUTE_INVALID},
  {"{" HEAD "," TYPE "}", RELAY_ROUTE_INVALID},
  {"{" HEAD ",\"payload\":1,\"payload\":2}", RELAY_ROUTE_INVALID},
  /* no strict JSON */
  {"", RELAY_ROUTE_INVALID}, {"{", RELAY_ROUTE_INVALID},
  {"[]", RELAY_ROUTE_INVALID}, {"{" HEAD, RELAY_ROUTE_INVALID},
  {"{" HEAD ",}", RELAY_ROUTE_INVALID}, {"{," HEAD "}", RELAY_ROUTE_INVALID},
  {"{" HEAD "}x", RELAY_ROUTE_INVALID}, {"{" HEAD "}{}", RELAY_ROUTE_INVALID},
  {"{" HEAD " \"a\":1}", RELAY_ROUTE_INVALID},
  {"{" HEAD ",\"a\":01}", RELAY_ROUTE_INVALID},
  {"{" HEAD ",\"a\":.5}", RELAY_ROUTE_INVALID},
  {"{" HEAD ",\"a\":1.}", RELAY_ROUTE_INVALID},
  {"{" HEAD ",\"a\":1e}", RELAY_ROUTE_INVALID},
  {"{" HEAD ",\"a\":-}", RELAY_ROUTE_INVALID},
  {"{" HEAD ",\"a\":tru}", RELAY_ROUTE_INVALID},
  {"{" HEAD ",\"a\":NaN}", RELAY_ROUTE_INVALID},
  {"{" HEAD ",\"a\":'x'}", RELAY_ROUTE_INVALID},
  {"{" HEAD ",\"a\":\"\\x\"}", RELAY_ROUTE_INVALID},
  {"{" HEAD ",\"a\":\"\\u12g4\"}", RELAY_ROUTE_INVALID},
  {"{" HEAD ",\"a\":\"\n\"}", RELAY_ROUTE_INVALID},
  {"{" HEAD ",\"a\":\"0123456789\x1f\"}", RELAY_ROUTE_INVALID},
  {"{" HEAD ",\"a\":[1,]}", RELAY_ROUTE_INVALID},
  {"{" HEAD ",\"a\":[1}", RELAY_ROUTE_INVALID},
  {"{" HEAD ",\"a\":{1:2}}", RELAY_ROUTE_INVALID},
  {"\xef\xbb\xbf{" HEAD "}", RELAY_ROUTE_INVALID},
  /* no UTF-8: a receiver's WebSocket stack would close over it */
  {"{" HEAD ",\"payload\":\"\x80\"}", RELAY_ROUTE_INVALID},
  {"{" HEAD ",\"payload\":\"01234567\xed\xa0\x80\"}", RELAY_ROUTE_INVALID},
  {"{" HEAD ",\"payload\":\"\xc0\xaf\"}", RELAY_ROUTE_INVALID},
  /* nowhere to go */
  {"{" TYPE "," TO "}", RELAY_ROUTE_NOWHERE},
  {"{" TYPE "," TO ",\"call_id\":\"\"}", RELAY_ROUTE_NOWHERE},
  {"{" TYPE "," TO ",\"call_id\":7}", RELAY_ROUTE_NOWHERE},
  {"{" TYPE "," ID "}", RELAY_ROUTE_NOWHERE},
  {"{" TYPE "," ID ",\"to\":\"\"}", RELAY_ROUTE_NOWHERE},
  {"{" TYPE "," ID ",\"to\":\"BOB\"}", RELAY_ROUTE_NOWHERE},
  {"{" TYPE "," ID ",\"to\":\"b\\u006fb\"}", RELAY_ROUTE_NOWHERE},
  {"{" TYPE "," ID ",\"to\":\"abcdefghijklmnopqrstuvwxyz0123456\"}",
      RELAY_ROUTE_NOWHERE},
  {"{" TYPE "," ID ",\"to\":[\"bob\"]}", RELAY_ROUTE_NOWHERE},
  /* others */
  {"{\"type\":\"ping\"}", RELAY_ROUTE_PING},
  {"{\"type\":\"ping\",\"crypto_v\":1}", RELAY_ROUTE_PING},
  {"{}", RELAY_ROUTE_OTHER}, {"{\"type\":\"msg\"," ID "," TO "}",
      RELAY_ROUTE_OTHER},
  {"{\"type\":\"call\"," ID "," TO "}", RELAY_ROUTE_OTHER},
  {"{\"type\":\"c\\u0061ll_x\"," ID "," TO "}", RELAY_ROUTE_OTHER},
  {"{\"type\":[\"call_x\"]," ID "," TO "}", RELAY_ROUTE_OTHER},
};

/* Copies to the heap without a terminator, so that a read past the end is seen. */
static RelayRouteKind
parse (const gchar * frame, gsize length, RelayRoute * route)
{
  g_autofree gchar *copy = g_memdup2 (frame, length);

  relay_route_parse (copy, length, "alice", route);
  return route->kind;
}

static void
test_table (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    const Case *c = &cases[i];
    gsize length = strlen (c->frame);
    RelayRoute route;

    if (parse (c->frame, length, &route) != c->kind)
      g_error ("%s: kind %d, not %d", c->frame, route.kind, c->kind);
    if (c->kind == RELAY_ROUTE_CALL) {
      gsize n = relay_route_length (&route, length);
      g_autofree gchar *out = g_malloc0 (n + 1);

      relay_route_write (&route, c->frame, length, (guint8 *) out);
      g_assert_cmpstr (out, ==, c->forwarded);
      g_assert_cmpuint (n, ==, strlen (c->forwarded));
      g_assert_cmpstr (route.to, ==, "bob");
    }
  }
}

static void
test_depth (void)
{
  for (guint depth = 1; depth < 40; depth++) {
    g_autoptr (GString) text = g_string_new ("{" HEAD ",\"a\":");
    RelayRoute route;

    for (guint i = 0; i < depth; i++)
      g_string_append_c (text, '[');
    for (guint i = 0; i < depth; i++)
      g_string_append_c (text, ']');
    g_string_append_c (text, '}');
    g_assert_cmpint (parse (text->str, text->len, &route), ==,
        depth < RELAY_ROUTE_MAX_DEPTH ? RELAY_ROUTE_CALL : RELAY_ROUTE_INVALID);
  }
}

/* Every prefix and every single changed byte of a frame: never a crash, never a foreign from. */
static void
test_mutations (void)
{
  const gchar frame[] = "{\"type\":\"call_offer\",\"to\":\"bob\",\"from\":"
      "\"mallory\",\"call_id\":\"c\",\"x\":[1.5e-3,null,{\"y\":\"\\u00e9\"}]}";
  gsize length = strlen (frame);
  RelayRoute route;

  for (gsize n = 0; n < length; n++)
    g_assert_cmpint (parse (frame, n, &route), ==, RELAY_ROUTE_INVALID);
  for (gsize at = 0; at < length; at++) {
    for (guint byte = 0; byte < 256; byte++) {
      g_autofree gchar *changed = g_strdup (frame);
      g_autofree gchar *out = NULL;
      gsize n;

      changed[at] = byte;
      if (parse (changed, length, &route) != RELAY_ROUTE_CALL)
        continue;
      n = relay_route_length (&route, length);
      out = g_malloc0 (n + 1);
      relay_route_write (&route, changed, length, (guint8 *) out);
      g_assert_nonnull (strstr (out, "\"from\":\"alice\""));
      g_assert_true (g_utf8_validate_len (out, n, NULL));
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/route/table", test_table);
  g_test_add_func ("/route/depth", test_depth);
  g_test_add_func ("/route/mutations", test_mutations);
  return g_test_run ();
}
