/* gst-dao: runs the protocol's test vectors
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * dao-vectors DIR: exit status 0 only if every case of every *.json in DIR passed and
 * none of the files was unknown; 1 if not; 2 for a wrong command line.
 */
#include "dao-vectors.h"
#include "dao-encoding.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const DaoVectorHandler *const groups[] = {
  dao_vectors_core, dao_vectors_frame, dao_vectors_call, dao_vectors_relay,
};

json_t *dao_vector_file;

const gchar *
dao_vector_need_string (json_t * object, const gchar * name, GString * why)
{
  const gchar *value = json_string_value (json_object_get (object, name));

  if (value == NULL)
    g_string_append_printf (why, "%s: string missing; ", name);
  return value;
}

gboolean
dao_vector_need_int (json_t * object, const gchar * name, gint64 * value,
    GString * why)
{
  json_t *member = json_object_get (object, name);

  if (!json_is_integer (member)) {
    g_string_append_printf (why, "%s: integer missing; ", name);
    return FALSE;
  }
  *value = json_integer_value (member);
  return TRUE;
}

gboolean
dao_vector_need_bool (json_t * object, const gchar * name, gboolean * value,
    GString * why)
{
  json_t *member = json_object_get (object, name);

  if (!json_is_boolean (member)) {
    g_string_append_printf (why, "%s: boolean missing; ", name);
    return FALSE;
  }
  *value = json_is_true (member);
  return TRUE;
}

json_t *
dao_vector_need_array (json_t * object, const gchar * name, GString * why)
{
  json_t *member = json_object_get (object, name);

  if (!json_is_array (member)) {
    g_string_append_printf (why, "%s: array missing; ", name);
    return NULL;
  }
  return member;
}

json_t *
dao_vector_need_object (json_t * object, const gchar * name, GString * why)
{
  json_t *member = json_object_get (object, name);

  if (!json_is_object (member)) {
    g_string_append_printf (why, "%s: object missing; ", name);
    return NULL;
  }
  return member;
}

GByteArray *
dao_vector_need_hex (json_t * object, const gchar * name, GString * why)
{
  const gchar *hex = dao_vector_need_string (object, name, why);
  GByteArray *bytes;

  if (hex == NULL)
    return NULL;
  bytes = g_byte_array_new ();
  g_byte_array_set_size (bytes, strlen (hex) / 2);
  if (!dao_hex_decode (hex, bytes->data, bytes->len)) {
    g_string_append_printf (why, "%s: no hex; ", name);
    g_byte_array_unref (bytes);
    return NULL;
  }
  return bytes;
}

gboolean
dao_vector_need_hex_exact (json_t * object, const gchar * name, guint8 * data,
    gsize length, GString * why)
{
  const gchar *hex = dao_vector_need_string (object, name, why);

  if (hex == NULL)
    return FALSE;
  if (!dao_hex_decode (hex, data, length)) {
    g_string_append_printf (why, "%s: not %" G_GSIZE_FORMAT " bytes of hex; ",
        name, length);
    return FALSE;
  }
  return TRUE;
}

gboolean
dao_vector_same_string (const gchar * what, const gchar * got,
    const gchar * want, GString * why)
{
  if (g_strcmp0 (got, want) == 0)
    return TRUE;
  g_string_append_printf (why, "%s: got %s, want %s; ", what,
      got ? got : "(nothing)", want ? want : "(nothing)");
  return FALSE;
}

gboolean
dao_vector_same_bytes (const gchar * what, const guint8 * got,
    gsize got_length, const guint8 * want, gsize want_length, GString * why)
{
  g_autofree gchar *got_hex = dao_hex_encode (got, got_length);
  g_autofree gchar *want_hex = dao_hex_encode (want, want_length);

  return dao_vector_same_string (what, got_hex, want_hex, why);
}

gboolean
dao_vector_same_int (const gchar * what, gint64 got, gint64 want,
    GString * why)
{
  if (got == want)
    return TRUE;
  g_string_append_printf (why, "%s: got %" G_GINT64_FORMAT ", want %"
      G_GINT64_FORMAT "; ", what, got, want);
  return FALSE;
}

gboolean
dao_vector_same_hex (json_t * object, const gchar * name, const guint8 * got,
    gsize length, GString * why)
{
  const gchar *want = dao_vector_need_string (object, name, why);
  g_autofree gchar *got_hex = dao_hex_encode (got, length);

  return want != NULL && dao_vector_same_string (name, got_hex, want, why);
}

static DaoVectorRun
find_handler (const gchar * file)
{
  gsize stem = strlen (file) - strlen (".json");
  guint g, i;

  for (g = 0; g < G_N_ELEMENTS (groups); g++)
    for (i = 0; groups[g][i].stem != NULL; i++)
      if (strlen (groups[g][i].stem) == stem
          && strncmp (groups[g][i].stem, file, stem) == 0)
        return groups[g][i].run;
  return NULL;
}

static gboolean
run_case (const gchar * file, gsize number, json_t * case_, DaoVectorRun run)
{
  g_autoptr (GString) why = g_string_new (NULL);
  const gchar *name = json_string_value (json_object_get (case_, "name"));
  gboolean ok = FALSE;

  if (!json_is_object (case_))
    g_string_append (why, "case is no object");
  else if (run == NULL)
    g_string_append (why, "nothing here knows this kind of file");
  else
    /* A note of a missing member is a failure whatever the handler returned. */
    ok = run (case_, why) && why->len == 0;
  if (!ok)
    printf ("%s: FAIL case %" G_GSIZE_FORMAT " (%s): %s\n", file, number,
        name ? name : "no name", why->len > 0 ? why->str : "failed");
  return ok;
}

static gboolean
run_file (const gchar * dir, const gchar * file)
{
  g_autofree gchar *path = g_build_filename (dir, file, NULL);
  DaoVectorRun run = find_handler (file);
  gsize i, passed = 0, count;
  json_error_t problem;
  json_t *root, *cases;
  gboolean ok;

  root = json_load_file (path, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
      &problem);
  cases = json_object_get (root, "cases");
  if (!json_is_array (cases) || json_array_size (cases) == 0) {
    printf ("%s: FAIL: %s\n%s: 0 cases, 0 passed\n", file,
        root ? "has no cases" : problem.text, file);
    json_decref (root);
    return FALSE;
  }
  count = json_array_size (cases);
  dao_vector_file = root;
  for (i = 0; i < count; i++)
    passed += run_case (file, i, json_array_get (cases, i), run) ? 1 : 0;
  printf ("%s: %" G_GSIZE_FORMAT " cases, %" G_GSIZE_FORMAT " passed\n", file,
      count, passed);
  dao_vector_file = NULL;
  ok = run != NULL && passed == count;
  json_decref (root);
  return ok;
}

static gint
by_name (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar * const *) a, *(const gchar * const *) b);
}

int
main (int argc, char **argv)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = NULL;
  const gchar *name;
  gboolean ok = TRUE;
  guint i;

  if (argc != 2) {
    fprintf (stderr, "usage: dao-vectors DIR\n");
    return 2;
  }
  if (sodium_init () < 0)
    return 2;
  dir = g_dir_open (argv[1], 0, &error);
  if (dir == NULL) {
    fprintf (stderr, "dao-vectors: %s\n", error->message);
    return 2;
  }
  while ((name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (name, ".json"))
      g_ptr_array_add (files, g_strdup (name));
  g_ptr_array_sort (files, by_name);
  for (i = 0; i < files->len; i++)
    ok = run_file (argv[1], g_ptr_array_index (files, i)) && ok;
  if (files->len == 0) {
    fprintf (stderr, "dao-vectors: no *.json in %s\n", argv[1]);
    return 1;
  }
  return ok ? 0 : 1;
}
