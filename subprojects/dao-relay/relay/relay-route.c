/* gst-dao: what the relay reads of a WebSocket frame
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A scanner, not a parser: it walks once over the frame and remembers where
 * the few routing members are. RFC 8259 is checked to the letter.
 */
#include "relay-route.h"

#include <string.h>

typedef struct
{
  const gchar *p;
  const gchar *end;
  guint64 high;                 /* 0x80 set somewhere: a byte that is not ASCII was seen */
} Scan;

typedef struct
{
  const gchar *start;           /* after the opening quote */
  gsize length;
  gboolean escaped;
} Text;

#define ONES G_GUINT64_CONSTANT (0x0101010101010101)
#define HIGHS G_GUINT64_CONSTANT (0x8080808080808080)

gboolean
relay_alias_is_valid (const gchar * alias, gsize length)
{
  if (length < RELAY_ALIAS_MIN || length > RELAY_ALIAS_MAX)
    return FALSE;
  for (gsize i = 0; i < length; i++) {
    if (!g_ascii_islower (alias[i]) && !g_ascii_isdigit (alias[i])
        && alias[i] != '_')
      return FALSE;
  }
  return TRUE;
}

static inline guint64
zero_bytes (guint64 x)
{
  return (x - ONES) & ~x & HIGHS;
}

/* Stops at the first quote, backslash or control character. Nearly all of a frame is its payload, so this reads eight
 * bytes at a time; false alarms of the bit tricks only cost a slower step. */
static void
skip_plain (Scan * s)
{
  guint64 x, stop;

  while (s->end - s->p >= 8) {
    memcpy (&x, s->p, 8);
    stop = zero_bytes (x ^ (ONES * '"')) | zero_bytes (x ^ (ONES * '\\'))
        | ((x - ONES * 0x20) & ~x & HIGHS);
    if (stop)
      break;
    s->high |= x & HIGHS;
    s->p += 8;
  }
  while (s->p < s->end && *s->p != '"' && *s->p != '\\'
      && (guchar) * s->p >= 0x20) {
    s->high |= (guchar) * s->p & 0x80;
    s->p++;
  }
}

static gboolean
skip_escape (Scan * s)
{
  if (s->end - s->p < 2)
    return FALSE;
  s->p++;
  if (*s->p == 'u') {
    if (s->end - s->p < 5)
      return FALSE;
    for (gint i = 1; i <= 4; i++) {
      if (!g_ascii_isxdigit (s->p[i]))
        return FALSE;
    }
    s->p += 5;
    return TRUE;
  }
  if (*s->p == '\0' || !strchr ("\"\\/bfnrt", *s->p))
    return FALSE;
  s->p++;
  return TRUE;
}

static gboolean
skip_string (Scan * s, Text * text)
{
  if (s->p >= s->end || *s->p != '"')
    return FALSE;
  text->start = ++s->p;
  text->escaped = FALSE;
  for (;;) {
    skip_plain (s);
    if (s->p >= s->end)
      return FALSE;
    if (*s->p == '"')
      break;
    if (*s->p != '\\' || !skip_escape (s))
      return FALSE;
    text->escaped = TRUE;
  }
  text->length = s->p - text->start;
  s->p++;
  return TRUE;
}

static void
skip_space (Scan * s)
{
  while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n'
          || *s->p == '\r'))
    s->p++;
}

static gboolean
skip_char (Scan * s, gchar c)
{
  if (s->p >= s->end || *s->p != c)
    return FALSE;
  s->p++;
  return TRUE;
}

static gboolean
skip_word (Scan * s, const gchar * word)
{
  gsize length = strlen (word);

  if ((gsize) (s->end - s->p) < length || memcmp (s->p, word, length) != 0)
    return FALSE;
  s->p += length;
  return TRUE;
}

static gboolean
skip_digits (Scan * s)
{
  const gchar *start = s->p;

  while (s->p < s->end && g_ascii_isdigit (*s->p))
    s->p++;
  return s->p > start;
}

static gboolean
skip_number (Scan * s)
{
  skip_char (s, '-');
  if (!skip_char (s, '0') && !skip_digits (s))
    return FALSE;
  if (skip_char (s, '.') && !skip_digits (s))
    return FALSE;
  if (skip_char (s, 'e') || skip_char (s, 'E')) {
    if (!skip_char (s, '+'))
      skip_char (s, '-');
    return skip_digits (s);
  }
  return TRUE;
}

static gboolean skip_value (Scan * s, guint depth);

static gboolean
skip_container (Scan * s, guint depth, gchar close)
{
  Text name;

  if (depth >= RELAY_ROUTE_MAX_DEPTH)
    return FALSE;
  s->p++;
  skip_space (s);
  if (skip_char (s, close))
    return TRUE;
  do {
    skip_space (s);
    if (close == '}') {
      if (!skip_string (s, &name))
        return FALSE;
      skip_space (s);
      if (!skip_char (s, ':'))
        return FALSE;
      skip_space (s);
    }
    if (!skip_value (s, depth + 1))
      return FALSE;
    skip_space (s);
  } while (skip_char (s, ','));
  return skip_char (s, close);
}

static gboolean
skip_value (Scan * s, guint depth)
{
  Text text;

  if (s->p >= s->end)
    return FALSE;
  switch (*s->p) {
    case '"':
      return skip_string (s, &text);
    case '{':
      return skip_container (s, depth, '}');
    case '[':
      return skip_container (s, depth, ']');
    case 't':
      return skip_word (s, "true");
    case 'f':
      return skip_word (s, "false");
    case 'n':
      return skip_word (s, "null");
    default:
      return skip_number (s);
  }
}

/* The members a receiver acts on. Twice the same one: which of them counts differs from parser to parser. */
enum
{ TYPE, TO, FROM, CALL_ID, CRYPTO_V, PAYLOAD, N_MEMBERS };

static const gchar *const member_names[N_MEMBERS] =
    { "type", "to", "from", "call_id", "crypto_v", "payload" };

typedef struct
{
  gboolean present;
  gboolean is_string;
  Text text;                    /* if a string */
  const gchar *value;           /* with quotes */
  gsize value_length;
} Member;

static gint
member_index (const Text * name)
{
  for (gint i = 0; i < N_MEMBERS; i++) {
    if (strlen (member_names[i]) == name->length
        && memcmp (member_names[i], name->start, name->length) == 0)
      return i;
  }
  return -1;
}

static gboolean
scan_member (Scan * s, Member * members)
{
  Text name;
  Member *member, ignored = { 0 };
  gint i;

  skip_space (s);
  /* "fr\u006fm" is "from" to every receiver; no client writes names so */
  if (!skip_string (s, &name) || name.escaped)
    return FALSE;
  skip_space (s);
  if (!skip_char (s, ':'))
    return FALSE;
  skip_space (s);
  i = member_index (&name);
  member = i < 0 ? &ignored : &members[i];
  if (i >= 0 && member->present)
    return FALSE;
  member->present = TRUE;
  member->value = s->p;
  member->is_string = s->p < s->end && *s->p == '"';
  if (member->is_string ? !skip_string (s, &member->text) : !skip_value (s, 1))
    return FALSE;
  member->value_length = s->p - member->value;
  skip_space (s);
  return TRUE;
}

static gboolean
scan_frame (Scan * s, Member * members, const gchar ** body)
{
  const gchar *frame = s->p;

  skip_space (s);
  if (!skip_char (s, '{'))
    return FALSE;
  *body = s->p;
  skip_space (s);
  if (!skip_char (s, '}')) {
    do {
      if (!scan_member (s, members))
        return FALSE;
    } while (skip_char (s, ','));
    if (!skip_char (s, '}'))
      return FALSE;
  }
  skip_space (s);
  if (s->p != s->end)
    return FALSE;
  return !s->high || g_utf8_validate_len (frame, s->end - frame, NULL);
}

static gboolean
text_is (const Member * member, const gchar * text, gboolean prefix)
{
  gsize length = strlen (text);

  return member->is_string && !member->text.escaped
      && (prefix ? member->text.length >= length :
      member->text.length == length)
      && memcmp (member->text.start, text, length) == 0;
}

void
relay_route_parse (const gchar * frame, gsize length, const gchar * from,
    RelayRoute * route)
{
  Scan s = { frame, frame + length, 0 };
  Member members[N_MEMBERS] = { {0} };
  const Member *to = &members[TO], *old = &members[FROM];
  const gchar *body;

  route->kind = RELAY_ROUTE_INVALID;
  if (!scan_frame (&s, members, &body))
    return;
  /* an escaped type could still spell call_... to the receiver, but it goes nowhere from here */
  if (text_is (&members[TYPE], "ping", FALSE)) {
    route->kind = RELAY_ROUTE_PING;
    return;
  }
  if (!text_is (&members[TYPE], "call_", TRUE)) {
    route->kind = RELAY_ROUTE_OTHER;
    return;
  }
  route->kind = RELAY_ROUTE_NOWHERE;
  if (!members[CALL_ID].is_string || members[CALL_ID].text.length == 0)
    return;
  if (!to->is_string || !relay_alias_is_valid (to->text.start, to->text.length))
    return;

  memcpy (route->to, to->text.start, to->text.length);
  route->to[to->text.length] = '\0';
  if (old->present) {
    route->cut = old->value - frame;
    route->cut_length = old->value_length;
    route->insert_length = g_snprintf (route->insert, sizeof route->insert,
        "\"%.*s\"", RELAY_ALIAS_MAX, from);
  } else {
    route->cut = body - frame;
    route->cut_length = 0;
    route->insert_length = g_snprintf (route->insert, sizeof route->insert,
        "\"from\":\"%.*s\",", RELAY_ALIAS_MAX, from);
  }
  route->kind = RELAY_ROUTE_CALL;
}

gsize
relay_route_length (const RelayRoute * route, gsize length)
{
  return length - route->cut_length + route->insert_length;
}

void
relay_route_write (const RelayRoute * route, const gchar * frame, gsize length,
    guint8 * out)
{
  gsize rest = route->cut + route->cut_length;

  memcpy (out, frame, route->cut);
  memcpy (out + route->cut, route->insert, route->insert_length);
  memcpy (out + route->cut + route->insert_length, frame + rest, length - rest);
}
