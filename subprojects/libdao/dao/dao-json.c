/* gst-dao: strict JSON in, canonical JSON out
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* From here on not every integer is a double (2^53). */
#define EXACT_INTEGER G_GINT64_CONSTANT (9007199254740992)

G_DEFINE_QUARK (dao-json-error-quark, dao_json_error)

/* Counts brackets outside of strings, so that no recursion of any parser is
 * deeper than we allow. Wrong nesting is left for the parser to find. */
static gboolean
depth_is_allowed (const gchar * text, gsize length)
{
  gboolean in_string = FALSE;
  guint depth = 0;
  gsize i;

  for (i = 0; i < length; i++) {
    gchar c = text[i];

    if (in_string) {
      if (c == '\\')
        i++;
      else if (c == '"')
        in_string = FALSE;
    } else if (c == '"') {
      in_string = TRUE;
    } else if (c == '{' || c == '[') {
      if (++depth > DAO_JSON_MAX_DEPTH)
        return FALSE;
    } else if ((c == '}' || c == ']') && depth > 0) {
      depth--;
    }
  }
  return TRUE;
}

/* A real that is an exact integer, as an integer; else NULL. */
static json_t *
integer_of_real (json_t * value)
{
  gdouble real;

  if (!json_is_real (value))
    return NULL;
  real = json_real_value (value);
  if (real != floor (real) || fabs (real) >= (gdouble) EXACT_INTEGER)
    return NULL;
  return json_integer ((json_int_t) real);
}

/* After a parse with integers as reals: back to what a plain parse gives
 * wherever that loses nothing. */
static void
restore_integers (json_t * value)
{
  json_t *member, *integer;
  const char *key;
  size_t i;

  if (json_is_object (value)) {
    json_object_foreach (value, key, member) {
      if ((integer = integer_of_real (member)) != NULL)
        json_object_set_new (value, key, integer);
      else
        restore_integers (member);
    }
  } else if (json_is_array (value)) {
    json_array_foreach (value, i, member) {
      if ((integer = integer_of_real (member)) != NULL)
        json_array_set_new (value, i, integer);
      else
        restore_integers (member);
    }
  }
}

json_t *
dao_json_parse (const gchar * text, gsize length, GError ** error)
{
  const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
  json_error_t problem;
  json_t *value;

  if (length == 0)
    text = "";                  /* GBytes gives NULL for nothing */
  if (length > DAO_JSON_MAX_LENGTH) {
    g_set_error_literal (error, DAO_JSON_ERROR, DAO_JSON_ERROR_LIMIT,
        "JSON text is too long");
    return NULL;
  }
  if (!depth_is_allowed (text, length)) {
    g_set_error_literal (error, DAO_JSON_ERROR, DAO_JSON_ERROR_LIMIT,
        "JSON text is nested too deeply");
    return NULL;
  }
  /* jansson 2.14 passes over a NUL that follows a number. */
  if (memchr (text, '\0', length) != NULL) {
    g_set_error_literal (error, DAO_JSON_ERROR, DAO_JSON_ERROR_SYNTAX,
        "not strict JSON: a NUL");
    return NULL;
  }
  value = json_loadb (text, length, flags, &problem);
  /* An integer beyond 64 bits is a valid number: a double, as in JavaScript. */
  if (value == NULL
      && json_error_code (&problem) == json_error_numeric_overflow) {
    value = json_loadb (text, length, flags | JSON_DECODE_INT_AS_REAL,
        &problem);
    restore_integers (value);
  }
  if (value == NULL)
    /* The position only: jansson's text quotes the input, which may be secret. */
    g_set_error (error, DAO_JSON_ERROR, DAO_JSON_ERROR_SYNTAX,
        "not strict JSON, at byte %d", problem.position);
  return value;
}

/* --- canonical writer (protocol.md e.4) --- */

typedef struct
{
  GString *out;
  guint depth;
  guint values;
} Writer;

static gboolean write_value (Writer * writer, json_t * value, GError ** error);

static void
write_string (GString * out, const gchar * text, gsize length)
{
  gsize i;

  g_string_append_c (out, '"');
  for (i = 0; i < length; i++) {
    guchar c = text[i];

    switch (c) {
      case '"':
        g_string_append (out, "\\\"");
        break;
      case '\\':
        g_string_append (out, "\\\\");
        break;
      case '\b':
        g_string_append (out, "\\b");
        break;
      case '\t':
        g_string_append (out, "\\t");
        break;
      case '\n':
        g_string_append (out, "\\n");
        break;
      case '\f':
        g_string_append (out, "\\f");
        break;
      case '\r':
        g_string_append (out, "\\r");
        break;
      default:
        if (c < 0x20)
          g_string_append_printf (out, "\\u%04x", c);
        else
          g_string_append_c (out, c);
    }
  }
  g_string_append_c (out, '"');
}

/* The next decimal of the same length, away from zero. */
static void
increment_digits (gchar * digits, gint * exponent)
{
  gint i = strlen (digits) - 1;

  while (i >= 0 && digits[i] == '9')
    digits[i--] = '0';
  if (i >= 0) {
    digits[i]++;
  } else {
    digits[0] = '1';
    (*exponent)++;
  }
}

static gboolean
digits_are (const gchar * digits, gint exponent, gdouble value)
{
  gchar text[40];

  g_snprintf (text, sizeof text, "%c.%se%d", digits[0],
      digits[1] ? digits + 1 : "0", exponent);
  return g_ascii_strtod (text, NULL) == value;
}

/* @count significant digits of @value > 0 without the point, and the exponent
 * of the first. FALSE when they do not read back as @value. */
static gboolean
try_digits (gdouble value, gint count, gchar * digits, gint * exponent)
{
  gchar format[8], text[40];
  gchar *e;

  g_snprintf (format, sizeof format, "%%.%de", count - 1);
  g_ascii_formatd (text, sizeof text, format, value);
  e = strchr (text, 'e');
  *exponent = atoi (e + 1);
  digits[0] = text[0];
  memcpy (digits + 1, text + 2, count - 1);
  digits[count] = '\0';
  if (digits_are (digits, *exponent, value))
    return TRUE;
  /* At a power of two the doubles above are twice as far apart as those
   * below, so the second-nearest decimal, upwards, may read back when the nearest does not. */
  increment_digits (digits, exponent);
  return digits_are (digits, *exponent, value);
}

/* The fewest digits that read back as @value > 0 (ECMA-262, Number::toString). */
static void
shortest_digits (gdouble value, gchar * digits, gint * exponent)
{
  /* Any 15 digits survive a normal double, so fewer would show as trailing
   * zeros here; subnormals have less precision and need the whole search. */
  gint count = value >= G_MINDOUBLE ? 15 : 1;
  gsize length;

  while (!try_digits (value, count, digits, exponent) && count < 17)
    count++;
  length = strlen (digits);
  while (length > 1 && digits[length - 1] == '0')
    digits[--length] = '\0';
}

static void
write_number (GString * out, gdouble value)
{
  gchar digits[24];
  gint length, exponent, point;

  if (value == 0) {
    g_string_append_c (out, '0');       /* also -0 */
    return;
  }
  if (value < 0)
    g_string_append_c (out, '-');
  shortest_digits (fabs (value), digits, &exponent);
  length = strlen (digits);
  point = exponent + 1;         /* digits before the decimal point */
  if (point >= length && point <= 21) {
    g_string_append (out, digits);
    while (length++ < point)
      g_string_append_c (out, '0');
  } else if (point > 0 && point <= 21) {
    g_string_append_len (out, digits, point);
    g_string_append_c (out, '.');
    g_string_append (out, digits + point);
  } else if (point > -6 && point <= 0) {
    g_string_append (out, "0.");
    while (point++ < 0)
      g_string_append_c (out, '0');
    g_string_append (out, digits);
  } else {
    g_string_append_c (out, digits[0]);
    if (length > 1)
      g_string_append_printf (out, ".%s", digits + 1);
    g_string_append_printf (out, "e%+d", exponent);
  }
}

/* A code point so placed that order is that of UTF-16 code units: astral ones
 * (surrogates D800..DFFF) come before U+E000..U+FFFF. */
static guint32
utf16_rank (gunichar c)
{
  if (c >= 0x10000)
    return 0xd800 + (c - 0x10000);
  if (c >= 0xe000)
    return c + 0x100000;
  return c;
}

static gint
compare_keys (gconstpointer a, gconstpointer b)
{
  const gchar *x = *(const gchar * const *) a;
  const gchar *y = *(const gchar * const *) b;

  while (*x != '\0' && *x == *y) {
    x++;
    y++;
  }
  /* Back to the start of the character in which they differ. */
  while ((*x & 0xc0) == 0x80 || (*y & 0xc0) == 0x80) {
    x--;
    y--;
  }
  if (*x == '\0' || *y == '\0')
    return (*x != '\0') - (*y != '\0');
  {
    guint32 rank_x = utf16_rank (g_utf8_get_char (x));
    guint32 rank_y = utf16_rank (g_utf8_get_char (y));

    return (rank_x > rank_y) - (rank_x < rank_y);
  }
}

static gboolean
write_object (Writer * writer, json_t * object, GError ** error)
{
  g_autoptr (GPtrArray) keys = g_ptr_array_new ();
  const char *key;
  json_t *member;
  guint i;

  json_object_foreach (object, key, member)
      g_ptr_array_add (keys, (gpointer) key);
  g_ptr_array_sort (keys, compare_keys);
  g_string_append_c (writer->out, '{');
  for (i = 0; i < keys->len; i++) {
    key = g_ptr_array_index (keys, i);
    if (i > 0)
      g_string_append_c (writer->out, ',');
    write_string (writer->out, key, strlen (key));
    g_string_append_c (writer->out, ':');
    if (!write_value (writer, json_object_get (object, key), error))
      return FALSE;
  }
  g_string_append_c (writer->out, '}');
  return TRUE;
}

static gboolean
write_array (Writer * writer, json_t * array, GError ** error)
{
  json_t *member;
  size_t i;

  g_string_append_c (writer->out, '[');
  json_array_foreach (array, i, member) {
    if (i > 0)
      g_string_append_c (writer->out, ',');
    if (!write_value (writer, member, error))
      return FALSE;
  }
  g_string_append_c (writer->out, ']');
  return TRUE;
}

static gboolean
write_value (Writer * writer, json_t * value, GError ** error)
{
  gboolean ok = TRUE;

  if (++writer->values > DAO_JSON_MAX_CANONICAL_VALUES
      || ++writer->depth > DAO_JSON_MAX_DEPTH + 1) {
    g_set_error_literal (error, DAO_JSON_ERROR, DAO_JSON_ERROR_LIMIT,
        "too many or too deeply nested values to sign");
    return FALSE;
  }
  switch (json_typeof (value)) {
    case JSON_OBJECT:
      ok = write_object (writer, value, error);
      break;
    case JSON_ARRAY:
      ok = write_array (writer, value, error);
      break;
    case JSON_STRING:
      write_string (writer->out, json_string_value (value),
          json_string_length (value));
      break;
    case JSON_INTEGER:
    case JSON_REAL:
      /* Values are doubles first, as in JavaScript: 9007199254740993 is ...992 */
      write_number (writer->out, json_number_value (value));
      break;
    case JSON_TRUE:
      g_string_append (writer->out, "true");
      break;
    case JSON_FALSE:
      g_string_append (writer->out, "false");
      break;
    case JSON_NULL:
      g_string_append (writer->out, "null");
      break;
  }
  writer->depth--;
  return ok;
}

gchar *
dao_json_canonical (json_t * value, GError ** error)
{
  Writer writer = { NULL, 0, 0 };

  if (value == NULL) {
    g_set_error_literal (error, DAO_JSON_ERROR, DAO_JSON_ERROR_VALUE,
        "no value to sign");
    return NULL;
  }
  writer.out = g_string_new (NULL);
  if (!write_value (&writer, value, error)) {
    g_string_free (writer.out, TRUE);
    return NULL;
  }
  return g_string_free (writer.out, FALSE);
}

const gchar *
dao_json_get_string (json_t * object, const gchar * name)
{
  return json_string_value (json_object_get (object, name));
}

gboolean
dao_json_get_int (json_t * object, const gchar * name, gint64 * value)
{
  json_t *member = json_object_get (object, name);

  if (!json_is_integer (member))
    return FALSE;
  *value = json_integer_value (member);
  return TRUE;
}
