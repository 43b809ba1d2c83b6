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

/* Returns: (transfer full): the value, or NULL with @error */
json_t *dao_json_parse (const gchar * text, gsize length, GError ** error);

/* protocol.md e.4, the recursive rule. Returns: (transfer full), NUL-terminated UTF-8 */
gchar *dao_json_canonical (json_t * value, GError ** error);

/* Members or NULL/default when absent or of another type. */
const gchar *dao_json_get_string (json_t * object, const gchar * name);
gboolean dao_json_get_int (json_t * object, const gchar * name, gint64 * value);

G_END_DECLS
