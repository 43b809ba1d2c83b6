/* gst-dao: strict parsing and canonical writing
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-json.h"

#include <string.h>

static gchar *
canonical_of (const gchar * text)
{
  json_t *value = dao_json_parse (text, strlen (text), NULL);
  gchar *canonical = value ? dao_json_canonical (value, NULL) : NULL;

  json_decref (value);
  return canonical;
}

/* What lenient parsers take (protocol.md, implementer hazards) */
static void
test_refused (void)
{
  static const gchar *const bad[] = {
    "", " ", "{", "}", "[1,]", "{\"a\":1,}", "{a:1}", "{'a':1}", "[01]",
    "[0x1]", "[+1]", "[.5]", "[1.]", "[1e]", "[NaN]", "[Infinity]", "[-]",
    "[1] x", "[1][2]", "// c\n[1]", "/* c */[1]", "var x = {};", "[\"\\x41\"]",
    "[\"\\u12\"]", "[\"\\ud800\"]", "[\"\\udc00\"]", "[\"\\ud800\\u0041\"]",
    "[\"\\udc00\\ud800\"]", "[\"a\tb\"]", "[\"a\nb\"]", "[\"\\u0000\"]",
    "{\"\\u0000\":1}", "[\"\xff\"]", "[\"\xc0\x80\"]", "[\"\xed\xa0\x80\"]",
    "[\"\xf4\x90\x80\x80\"]", "[\"\xe2\x82\"]", "{\"a\":1,\"a\":1}",
    "{\"a\":1,\"\\u0061\":2}", "[{\"x\":{\"b\":1,\"b\":2}}]", "[1e400]",
    "[-1e400]", "[tru]", "[True]", "\xef\xbb\xbf[1]", "[1", "\"", "[\"a]",
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_test_message ("case %u", i);
    g_assert_null (dao_json_parse (bad[i], strlen (bad[i]), &error));
    g_assert_error (error, DAO_JSON_ERROR, DAO_JSON_ERROR_SYNTAX);
  }
  g_assert_null (dao_json_parse ("[1\0]", 4, NULL));    /* a raw NUL */
  g_assert_null (dao_json_parse ("[\"\0\"]", 5, NULL));
}

static void
test_limits (void)
{
  static const gchar brackets[] =
      "[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"]";
  g_autoptr (GError) error = NULL;
  g_autofree gchar *long_text = g_malloc (DAO_JSON_MAX_LENGTH + 1);
  GString *deep = g_string_new (NULL);
  json_t *value;
  guint i;

  for (i = 0; i < DAO_JSON_MAX_DEPTH; i++)
    g_string_append_c (deep, '[');
  for (i = 0; i < DAO_JSON_MAX_DEPTH; i++)
    g_string_append_c (deep, ']');
  value = dao_json_parse (deep->str, deep->len, NULL);
  g_assert_nonnull (value);
  json_decref (value);
  g_string_prepend_c (deep, '[');
  g_string_append_c (deep, ']');
  g_assert_null (dao_json_parse (deep->str, deep->len, &error));
  g_assert_error (error, DAO_JSON_ERROR, DAO_JSON_ERROR_LIMIT);
  g_clear_error (&error);
  g_string_free (deep, TRUE);

  /* brackets in strings do not count */
  value = dao_json_parse (brackets, strlen (brackets), NULL);
  g_assert_nonnull (value);
  json_decref (value);

  memset (long_text, ' ', DAO_JSON_MAX_LENGTH + 1);
  g_assert_null (dao_json_parse (long_text, DAO_JSON_MAX_LENGTH + 1, &error));
  g_assert_error (error, DAO_JSON_ERROR, DAO_JSON_ERROR_LIMIT);
}

static void
test_canonical_value_limit (void)
{
  g_autoptr (GError) error = NULL;
  json_t *array = json_array ();
  guint i;

  for (i = 0; i < DAO_JSON_MAX_CANONICAL_VALUES; i++)
    json_array_append_new (array, json_integer (i));
  g_assert_null (dao_json_canonical (array, &error));
  g_assert_error (error, DAO_JSON_ERROR, DAO_JSON_ERROR_LIMIT);
  json_array_remove (array, 0);
  g_free (dao_json_canonical (array, NULL));
  json_decref (array);
  g_clear_error (&error);
  g_assert_null (dao_json_canonical (NULL, &error));
  g_assert_error (error, DAO_JSON_ERROR, DAO_JSON_ERROR_VALUE);
}

/* The error text must not carry what was parsed into logs. */
/* The writer recurses; what the parser did not bound (an object made here) it must bound itself. */
static void
test_guard_canonical_depth (void)
{
  json_t *value = json_integer (1);
  guint depth;

  for (depth = 0; depth <= DAO_JSON_MAX_DEPTH + 1; depth++) {
    g_autoptr (GError) error = NULL;
    g_autofree gchar *text = dao_json_canonical (value, &error);

    g_assert_true ((text != NULL) == (depth <= DAO_JSON_MAX_DEPTH));
    if (text == NULL)
      g_assert_error (error, DAO_JSON_ERROR, DAO_JSON_ERROR_LIMIT);
    value = depth % 2 ? json_pack ("[o]", value) : json_pack ("{s:o}", "a",
        value);
  }
  json_decref (value);
}

static void
test_error_does_not_quote (void)
{
  static const gchar text[] = "{\"sdp\":\"hush\", hush}";
  g_autoptr (GError) error = NULL;

  g_assert_null (dao_json_parse (text, strlen (text), &error));
  g_assert_null (strstr (error->message, "hush"));
}

/* Right column: what String (x) gives in JavaScript */
static void
test_numbers (void)
{
  static const struct
  {
    const gchar *in, *out;
  } cases[] = {
    {"0", "0"}, {"-0", "0"}, {"-0.0", "0"}, {"1.0", "1"}, {"-1", "-1"},
    {"1e3", "1000"}, {"100E-2", "1"}, {"9007199254740991", "9007199254740991"},
    {"9007199254740993", "9007199254740992"},
    {"9223372036854775807", "9223372036854776000"},
    {"-9223372036854775808", "-9223372036854776000"},
    {"18446744073709551616", "18446744073709552000"},
    {"100000000000000000000", "100000000000000000000"},
    {"999999999999999900000", "999999999999999900000"},
    {"1e21", "1e+21"}, {"1.5e300", "1.5e+300"}, {"0.000001", "0.000001"},
    {"0.0000001", "1e-7"}, {"1.25e-7", "1.25e-7"}, {"123.456", "123.456"},
    {"0.1", "0.1"}, {"0.30000000000000004", "0.30000000000000004"},
    {"5e-324", "5e-324"}, {"2.2250738585072014e-308",
        "2.2250738585072014e-308"},
    {"1.7976931348623157e308", "1.7976931348623157e+308"},
    /* powers of two: the nearest 16 digits do not read back, the next do */
    {"5.684341886080801486968994140625e-14", "5.684341886080802e-14"},
    {"2e-320", "2e-320"}, {"123456789012345680000", "123456789012345680000"},
    {"9.5e-7", "9.5e-7"}, {"4.35", "4.35"}, {"1e23", "1e+23"},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *text = g_strdup_printf ("[%s]", cases[i].in);
    g_autofree gchar *want = g_strdup_printf ("[%s]", cases[i].out);
    g_autofree gchar *got = canonical_of (text);

    g_assert_cmpstr (got, ==, want);
  }
}

/* Each double reads back as itself and a second round changes nothing. */
static void
test_numbers_round_trip (void)
{
  guint i;

  for (i = 0; i < 20000; i++) {
    union
    {
      guint64 bits;
      gdouble value;
    } number;
    g_autofree gchar *first = NULL;
    json_t *array;

    number.bits = (guint64) g_test_rand_int () << 32
        | (guint32) g_test_rand_int ();
    array = json_pack ("[f]", number.value);
    if (array == NULL)
      continue;                 /* NaN and infinity are no JSON values */
    first = dao_json_canonical (array, NULL);
    json_decref (array);
    g_assert_true (g_ascii_strtod (first + 1, NULL) == number.value);
  }
}

/* A long integer must not change the type of the others. */
static void
test_long_integer_keeps_types (void)
{
  static const gchar text[] =
      "{\"a\":[1,2.5],\"_ts\":1745671234567,\"b\":123456789012345678901234}";
  json_t *value = dao_json_parse (text, strlen (text), NULL);
  gint64 ts = 0;

  g_assert_true (dao_json_get_int (value, "_ts", &ts));
  g_assert_cmpint (ts, ==, 1745671234567);
  g_assert_true (json_is_real (json_object_get (value, "b")));
  g_assert_true (json_is_integer (json_array_get (json_object_get (value, "a"),
              0)));
  g_assert_false (dao_json_get_int (value, "b", &ts));
  g_assert_false (dao_json_get_int (value, "none", &ts));
  json_decref (value);
}

static void
test_keys_by_utf16 (void)
{
  /* U+FF01 and U+E000 come after the astral U+1F600; a prefix comes first */
  g_autofree gchar *got = canonical_of ("{\"\xef\xbc\x81\":1,"
      "\"\xf0\x9f\x98\x80\":2,\"\xee\x80\x80\":3,\"\xc3\xa9\":4,\"z\":5,"
      "\"za\":6,\"\":7,\"\xf0\x9f\x98\x81\":8,\"\xef\xbc\x82\":9}");

  g_assert_cmpstr (got, ==, "{\"\":7,\"z\":5,\"za\":6,\"\xc3\xa9\":4,"
      "\"\xf0\x9f\x98\x80\":2,\"\xf0\x9f\x98\x81\":8,\"\xee\x80\x80\":3,"
      "\"\xef\xbc\x81\":1,\"\xef\xbc\x82\":9}");
}

/* Any bytes: no crash, and what parses is stable in its canonical form. */
static void
test_fuzz (void)
{
  static const gchar seed[] =
      "{\"_ts\":1745671234567,\"c\":{\"k\":[1,-2.5e3,\"\\ud83d\\ude00\"]},"
      "\"t\":\"\\\"\\\\x\",\"z\":[true,null]}";
  guint round, i;

  for (round = 0; round < 20000; round++) {
    gchar text[sizeof seed];
    gsize length = g_test_rand_int_range (1, sizeof seed);
    json_t *value;

    memcpy (text, seed, sizeof seed);
    for (i = 0; i < round % 4; i++)
      text[g_test_rand_int_range (0, sizeof seed - 1)] =
          g_test_rand_int_range (0, 256);
    value = dao_json_parse (text, round % 3 ? sizeof seed - 1 : length, NULL);
    if (value != NULL) {
      g_autofree gchar *first = dao_json_canonical (value, NULL);
      g_autofree gchar *second = canonical_of (first);

      g_assert_cmpstr (first, ==, second);
      json_decref (value);
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json/refused", test_refused);
  g_test_add_func ("/json/limits", test_limits);
  g_test_add_func ("/json/canonical-value-limit", test_canonical_value_limit);
  g_test_add_func ("/json/guard-canonical-depth", test_guard_canonical_depth);
  g_test_add_func ("/json/error-does-not-quote", test_error_does_not_quote);
  g_test_add_func ("/json/numbers", test_numbers);
  g_test_add_func ("/json/numbers-round-trip", test_numbers_round_trip);
  g_test_add_func ("/json/long-integer-keeps-types",
      test_long_integer_keeps_types);
  g_test_add_func ("/json/keys-by-utf16", test_keys_by_utf16);
  g_test_add_func ("/json/fuzz", test_fuzz);
  return g_test_run ();
}
