/* gst-dao: fuzzes the strict parser and the canonical writer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What was parsed and can be written, parses again to the same value and is written
 * the same again: else a signature made by one end would not verify at the other.
 */
#include "dao-json.h"
#include "fuzz.h"

#include <string.h>

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_init ();
  return 0;
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  g_autofree gchar *text = NULL;
  g_autofree gchar *again = NULL;
  GError *error = NULL;
  json_t *value = dao_json_parse ((const gchar *) data, size, &error);
  json_t *second;

  g_assert_true ((value != NULL) == (error == NULL));
  g_clear_error (&error);
  if (value == NULL)
    return 0;
  text = dao_json_canonical (value, &error);
  g_assert_true ((text != NULL) == (error == NULL));
  g_clear_error (&error);
  if (text != NULL) {
    g_assert_true (g_utf8_validate (text, -1, NULL));
    second = dao_json_parse (text, strlen (text), &error);
    g_assert_no_error (error);
    again = dao_json_canonical (second, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (text, ==, again);
    json_decref (second);
  }
  json_decref (value);
  return 0;
}
