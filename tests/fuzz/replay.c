/* gst-dao: runs a fuzz target on files, without a fuzzer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Usage: replay-NAME DIRECTORY. Every file of it is an input: the seeds of the fuzzer, and
 * all that it ever found (found-*). Each also comes cut short, which is what a parser
 * gets wrong first; but not cover-*, which the fuzzer made of others. Any compiler will do.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

/* So many lengths of one input; a short one comes in all its lengths. */
#define CUTS 64

static void
run (const gchar * data, gsize size)
{
  guint8 *copy = malloc (size);        /* of just that size, for AddressSanitizer */

  if (size > 0)
    memcpy (copy, data, size);
  LLVMFuzzerTestOneInput (copy, size);
  free (copy);
}

static void
replay_file (gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *data = NULL;
  g_autofree gchar *name = g_path_get_basename (user_data);
  gsize size, step;

  g_file_get_contents (user_data, &data, &size, &error);
  g_assert_no_error (error);
  step = size / CUTS + 1;
  run (data, size);
  if (g_str_has_prefix (name, "cover-"))
    return;
  for (gsize cut = 0; cut < size; cut += step)
    run (data, cut);
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar * const *) a, *(const gchar * const *) b);
}

static GPtrArray *
list_files (const gchar * directory)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (directory, 0, &error);
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  const gchar *name;

  g_assert_no_error (error);
  while ((name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare);
  g_assert_cmpuint (names->len, >, 0);
  return names;
}

int
main (int argc, char **argv)
{
  g_autoptr (GPtrArray) names = NULL;

  g_test_init (&argc, &argv, NULL);
  LLVMFuzzerInitialize (&argc, &argv);
  g_assert_cmpint (argc, ==, 2);
  names = list_files (argv[1]);
  for (guint i = 0; i < names->len; i++) {
    g_autofree gchar *test = g_strconcat ("/replay/", names->pdata[i], NULL);

    g_test_add_data_func_full (test, g_build_filename (argv[1],
            names->pdata[i], NULL), replay_file, g_free);
  }
  return g_test_run ();
}
