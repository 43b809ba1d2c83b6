/* gst-dao: strict JSON in, canonical JSON out
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>
#include <jansson.h>

G_BEGIN_DECLS

#define DAO_JSON_ERROR (dao_json_error_quark ())
GQuark dao_json_error_quark (void);

typedef enum
{
  DAO_JSON_ERROR_SYNTAX,        /* also duplicate keys, bad UTF-8, lone surrogates, NUL in strings */
  DAO_JSON_ERROR_LIMIT,         /* too long or too deep */
  DAO_JSON_ERROR_VALUE,         /* cannot be written canonically (NaN, ...) */
} DaoJsonError;

/* The largest text from outside is a friends list of the relay; call frames have a limit of their own. */
#define DAO_JSON_MAX_LENGTH (4 * 1024 * 1024)
/* A signal nests 2 levels, the relay's answers 4. */
#define DAO_JSON_MAX_DEPTH 32
/* A signal has about 20 values; printing a real exactly is slow, so they are counted. */
#define DAO_JSON_MAX_CANONICAL_VALUES 4096

/**
 * dao_json_parse:
 * @text: (array length=length): UTF-8, need not end in NUL
 *
 * RFC 8259 and no more: any value, no duplicate keys, no NUL and no lone surrogates in strings,
 * no number beyond a double. Integers are 64-bit; in a text that has a longer one, that one is a
 * real and every real that is an exact integer below 2^53 an integer.
 *
 * Returns: (transfer full): the value, or NULL with @error, whose message never quotes the text
 */
json_t *dao_json_parse (const gchar * text, gsize length, GError ** error);

/**
 * dao_json_canonical:
 *
 * protocol.md e.4, the recursive rule: keys in the order of UTF-16 code units at every
 * depth, no white space, strings and numbers as JavaScript writes them.
 *
 * Returns: (transfer full): NUL-terminated UTF-8, or NULL with @error
 */
gchar *dao_json_canonical (json_t * value, GError ** error);

/* Members or NULL/default when absent or of another type. */
const gchar *dao_json_get_string (json_t * object, const gchar * name);
gboolean dao_json_get_int (json_t * object, const gchar * name, gint64 * value);

G_END_DECLS
