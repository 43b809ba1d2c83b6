/* gst-dao: fuzzes what the relay reads of a WebSocket frame, against another JSON parser
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is forwarded comes from who sent it and goes where the receiver's parser reads
 * that it goes; and what is well-formed is forwarded.
 */
#include "fuzz.h"
#include "relay-route.h"

#include <jansson.h>
#include <string.h>

#define SENDER "alice"

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_init ();
  return 0;
}

static const gchar *
member (json_t * object, const gchar * name)
{
  return json_string_value (json_object_get (object, name));
}

/* No receiver may find another of these members than the one that was looked at. */
static void
check_unique (const gchar * text, gsize length)
{
  static const gchar *const names[] = { "'\"type\"'", "'\"to\"'",
    "'\"from\"'", "'\"call_id\"'"
  };
  json_error_t error;
  json_t *object = json_loadb (text, length, JSON_REJECT_DUPLICATES |
      JSON_ALLOW_NUL, &error);
  const gchar *nested = memchr (text, '{', length);

  nested = memchr (nested + 1, '{', length - (nested + 1 - text));
  /* jansson tells the name, but not how deep it stands */
  if (object == NULL && nested == NULL
      && json_error_code (&error) == json_error_duplicate_key)
    for (guint i = 0; i < G_N_ELEMENTS (names); i++)
      g_assert_null (strstr (error.text, names[i]));
  json_decref (object);
}

static void
check_forwarded (const gchar * frame, gsize length, const RelayRoute * route)
{
  gsize out_length = relay_route_length (route, length);
  guint8 *out = malloc (out_length);
  json_error_t error;
  json_t *object;

  relay_route_write (route, frame, length, out);
  check_unique ((const gchar *) out, out_length);
  object = json_loadb ((const gchar *) out, out_length, JSON_ALLOW_NUL,
      &error);
  if (object == NULL) {
    /* what our parser has no room for, but others may have: 1e999 and half a surrogate pair */
    g_assert_true (json_error_code (&error) == json_error_numeric_overflow
        || g_strstr_len (frame, length, "\\u") != NULL);
  } else {
    g_assert_true (json_is_object (object));
    g_assert_cmpstr (member (object, "from"), ==, SENDER);
    g_assert_cmpstr (member (object, "to"), ==, route->to);
    g_assert_true (g_str_has_prefix (member (object, "type"), "call_"));
    g_assert_true (json_string_length (json_object_get (object,
                "call_id")) > 0);
  }
  json_decref (object);
  free (out);
}

/* Nothing that a strict parser and a simple look at the text finds good may be refused. */
static gboolean
is_plain_call (const gchar * frame, gsize length)
{
  json_t *object;
  gsize nested = 0;
  gboolean plain;

  for (gsize i = 0; i < length; i++) {
    nested += frame[i] == '{' || frame[i] == '[';
    /* escapes are not simple, and jansson passes over a NUL that follows a number */
    if (frame[i] == '\\' || frame[i] == '\0')
      return FALSE;
  }
  object = json_loadb (frame, length, JSON_REJECT_DUPLICATES, NULL);
  plain = nested <= RELAY_ROUTE_MAX_DEPTH && json_is_object (object)
      && member (object, "type") != NULL
      && g_str_has_prefix (member (object, "type"), "call_")
      && json_string_length (json_object_get (object, "call_id")) > 0
      && member (object, "to") != NULL
      && relay_alias_is_valid (member (object, "to"),
      json_string_length (json_object_get (object, "to")));
  json_decref (object);
  return plain;
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  const gchar *frame = (const gchar *) data;
  RelayRoute route;

  relay_route_parse (frame, size, SENDER, &route);
  if (route.kind == RELAY_ROUTE_CALL)
    check_forwarded (frame, size, &route);
  else
    g_assert_false (is_plain_call (frame, size));
  return 0;
}
