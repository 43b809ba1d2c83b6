/* gst-dao: dao-identity against a running relay
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Outputs and exit codes of docs/dao-identity.md.
 */
#include "dao-identity.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define PHRASE "legal winner thank year wave sausage worth useful legal " \
    "winner thank yellow"

typedef struct
{
  gchar *dir;
  gchar *url;
  GSubprocess *relay;
  gint code;                    /* of the last run */
  gchar *out;
  gchar *err;
} Fixture;

/* Runs dao-identity with the words of @line; {a}, {b}, ... are files of those names in the directory. */
static void
run (Fixture * f, const gchar * format, ...)
{
  g_autofree gchar *line = NULL;
  g_auto (GStrv) words = NULL;
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  va_list args;
  guint i;

  va_start (args, format);
  line = g_strdup_vprintf (format, args);
  va_end (args);
  words = g_strsplit (line, " ", -1);
  g_ptr_array_add (argv, (gpointer) g_getenv ("DAO_IDENTITY_PROGRAM"));
  for (i = 0; words[i] != NULL; i++)
    g_ptr_array_add (argv, words[i]);
  g_ptr_array_add (argv, NULL);

  launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE |
      G_SUBPROCESS_FLAGS_STDERR_PIPE | G_SUBPROCESS_FLAGS_STDIN_PIPE);
  g_subprocess_launcher_set_cwd (launcher, f->dir);
  process = g_subprocess_launcher_spawnv (launcher,
      (const gchar * const *) argv->pdata, &error);
  g_assert_no_error (error);
  g_clear_pointer (&f->out, g_free);
  g_clear_pointer (&f->err, g_free);
  g_subprocess_communicate_utf8 (process, "0000\n", NULL, &f->out, &f->err,
      &error);
  g_assert_no_error (error);
  f->code = g_subprocess_get_exit_status (process);
}

/* The last run ended like this; what fails prints nothing on stdout and one line on stderr. */
static void
expect (Fixture * f, ExitCode code)
{
  if (f->code != (gint) code)
    g_test_message ("%s%s", f->out, f->err);
  g_assert_cmpint (f->code, ==, code);
  if (code != EXIT_OK) {
    g_assert_cmpstr (f->out, ==, "");
    g_assert_true (g_str_has_prefix (f->err, "dao-identity: ")
        || g_str_has_prefix (f->err, "Safety code"));
  }
}

/* Member @name of the line of the last run whose event is @event; NULL if there is none. (transfer full) */
static json_t *
line_of (Fixture * f, const gchar * event)
{
  g_auto (GStrv) lines = g_strsplit (f->out, "\n", -1);
  guint i;

  for (i = 0; lines[i] != NULL && *lines[i] != '\0'; i++) {
    json_t *line = json_loads (lines[i], JSON_REJECT_DUPLICATES, NULL);

    g_assert_nonnull (line);
    if (g_strcmp0 (json_string_value (json_object_get (line, "event")),
            event) == 0)
      return line;
    json_decref (line);
  }
  return NULL;
}

static gchar *
text_of (Fixture * f, const gchar * event, const gchar * name)
{
  json_t *line = line_of (f, event);
  gchar *text;

  g_assert_nonnull (line);
  text = g_strdup (json_string_value (json_object_get (line, name)));
  json_decref (line);
  return text;
}

static void
expect_text (Fixture * f, const gchar * event, const gchar * name,
    const gchar * want)
{
  g_autofree gchar *text = text_of (f, event, name);

  g_assert_cmpstr (text, ==, want);
}

static void
expect_flag (Fixture * f, const gchar * event, const gchar * name,
    gboolean want)
{
  json_t *line = line_of (f, event);

  g_assert_nonnull (line);
  g_assert_cmpint (json_is_true (json_object_get (line, name)), ==, want);
  json_decref (line);
}

static void
set_up (Fixture * f, gconstpointer data)
{
  g_autofree gchar *db = NULL, *line = NULL;
  g_autoptr (GDataInputStream) stream = NULL;
  g_autoptr (GError) error = NULL;

  f->dir = g_dir_make_tmp ("dao-identity-XXXXXX", NULL);
  db = g_build_filename (f->dir, "relay.db", NULL);
  f->relay = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error,
      g_getenv ("DAO_RELAY"), "--listen", "127.0.0.1:0", "--db", db, NULL);
  g_assert_no_error (error);
  stream = g_data_input_stream_new (g_subprocess_get_stdout_pipe (f->relay));
  line = g_data_input_stream_read_line (stream, NULL, NULL, NULL);
  g_assert_nonnull (line);
  g_assert_nonnull (strstr (line, "http://"));
  f->url = g_strdup (strstr (line, "http://"));
}

static void
tear_down (Fixture * f, gconstpointer data)
{
  const gchar *name;
  GDir *dir;

  g_subprocess_send_signal (f->relay, SIGTERM);
  g_subprocess_wait (f->relay, NULL, NULL);
  g_object_unref (f->relay);
  dir = g_dir_open (f->dir, 0, NULL);
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree gchar *path = g_build_filename (f->dir, name, NULL);

    g_unlink (path);
  }
  g_dir_close (dir);
  g_rmdir (f->dir);
  g_free (f->dir);
  g_free (f->url);
  g_free (f->out);
  g_free (f->err);
}

static gchar *
make_account (Fixture * f, const gchar * name)
{
  run (f, "new -i %s.json -r %s -n %s", name, f->url, name);
  expect (f, EXIT_OK);
  run (f, "register -i %s.json", name);
  expect (f, EXIT_OK);
  return text_of (f, "registered", "alias");
}

static void
write_phrase (Fixture * f, const gchar * name, const gchar * phrase, int mode)
{
  g_autofree gchar *path = g_build_filename (f->dir, name, NULL);

  g_assert_true (g_file_set_contents (path, phrase, -1, NULL));
  g_assert_cmpint (g_chmod (path, mode), ==, 0);
}

/* --- new --- */

static void
test_new (Fixture * f, gconstpointer data)
{
  g_autofree gchar *path = g_build_filename (f->dir, "a.json", NULL);
  g_autofree gchar *phrase = NULL;
  GStatBuf st;

  run (f, "new -i a.json");
  expect (f, EXIT_OK);
  g_assert_null (strstr (f->out, "mnemonic"));
  g_assert_cmpint (g_stat (path, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 0777, ==, 0600);
  run (f, "new -i a.json");
  expect (f, EXIT_EXISTS);

  run (f, "new -i b.json --show-mnemonic");
  expect (f, EXIT_OK);
  phrase = text_of (f, "created", "mnemonic");
  g_assert_cmpuint (strlen (phrase), >, 11 + 12 * 3 - 1);
}

static void
test_restore (Fixture * f, gconstpointer data)
{
  write_phrase (f, "good", PHRASE "\n", 0600);
  write_phrase (f, "open", PHRASE "\n", 0644);
  write_phrase (f, "bad", "legal winner", 0600);
  run (f, "new -i a.json --from-mnemonic-file good");
  expect (f, EXIT_OK);
  expect_text (f, "created", "x25519_public_key",
      "FiGds2DEbjzX1yhur92gPrkj6RNwH4fR9YIqJyeGLH8=");
  run (f, "new -i b.json --from-mnemonic-file open");
  expect (f, EXIT_FILE);
  run (f, "new -i b.json --from-mnemonic-file bad");
  expect (f, EXIT_MNEMONIC);
  run (f, "new -i b.json --from-mnemonic-file missing");
  expect (f, EXIT_FILE);
}

static void
test_mnemonic_file (Fixture * f, gconstpointer data)
{
  g_autofree gchar *key = NULL;

  run (f, "new -i a.json --mnemonic-file words");
  expect (f, EXIT_OK);
  key = text_of (f, "created", "ed25519_public_key");
  run (f, "new -i b.json --from-mnemonic-file words");
  expect (f, EXIT_OK);
  expect_text (f, "created", "ed25519_public_key", key);
}

/* --- with a relay --- */

static void
test_register (Fixture * f, gconstpointer data)
{
  g_autofree gchar *alias = make_account (f, "a");

  run (f, "show -i a.json");
  expect (f, EXIT_OK);
  expect_text (f, "identity", "alias", alias);
  expect_text (f, "identity", "relay", f->url);
  /* Again, and from the phrase alone: the same account. */
  run (f, "register -i a.json");
  expect (f, EXIT_OK);
  expect_text (f, "registered", "alias", alias);
}

static void
test_friendship (Fixture * f, gconstpointer data)
{
  g_autofree gchar *a = make_account (f, "a"), *b = make_account (f, "b");
  g_autofree gchar *code_a = NULL, *code_b = NULL;

  run (f, "add -i a.json %s", b);
  expect (f, EXIT_OK);
  expect_flag (f, "added", "pinned", TRUE);
  expect_flag (f, "added", "callable", FALSE);
  run (f, "accept -i a.json %s", b);
  expect (f, EXIT_UNKNOWN);

  run (f, "list -i b.json");
  expect_text (f, "request", "alias", a);
  g_assert_null (line_of (f, "contact"));
  run (f, "accept -i b.json %s", a);
  expect (f, EXIT_OK);
  expect_flag (f, "accepted", "callable", TRUE);
  run (f, "list -i b.json --offline");
  expect_text (f, "contact", "alias", a);

  run (f, "list -i a.json");
  expect_flag (f, "contact", "callable", TRUE);
  expect_text (f, "contact", "trust", "unverified");

  run (f, "safety-code -i a.json %s", b);
  code_a = text_of (f, "safety-code", "safety_code");
  run (f, "safety-code -i b.json %s", a);
  code_b = text_of (f, "safety-code", "safety_code");
  g_assert_cmpstr (code_a, ==, code_b);
  g_assert_cmpuint (strlen (code_a), ==, 60 + 14);
}

/* Trust comes from the other side's code and from nothing else. */
static void
test_guard_verify_needs_the_code (Fixture * f, gconstpointer data)
{
  g_autofree gchar *a = make_account (f, "a"), *b = make_account (f, "b");
  g_autofree gchar *code = NULL;
  g_auto (GStrv) groups = NULL;

  run (f, "add -i a.json %s", b);
  run (f, "safety-code -i a.json %s", b);
  code = text_of (f, "safety-code", "safety_code");
  groups = g_strsplit (code, " ", -1);
  g_free (code);
  code = g_strjoinv ("", groups);
  run (f, "verify -i a.json %s --code 0000", b);
  expect (f, EXIT_CODE);
  run (f, "verify -i a.json %s --code=", b);
  expect (f, EXIT_CODE);
  /* From stdin, where the test says 0000. */
  run (f, "verify -i a.json %s", b);
  expect (f, EXIT_CODE);
  run (f, "list -i a.json --offline");
  expect_text (f, "contact", "trust", "unverified");
  run (f, "verify -i a.json %s --code %s", b, code);
  expect (f, EXIT_OK);
  expect_text (f, "verified", "trust", "verified");
}

static void
test_errors (Fixture * f, gconstpointer data)
{
  g_autofree gchar *a = make_account (f, "a");
  g_autofree gchar *path = g_build_filename (f->dir, "a.json", NULL);
  int lock;

  run (f, "add -i a.json nobody_at_all");
  expect (f, EXIT_UNKNOWN);
  run (f, "add -i a.json %s", a);
  expect (f, EXIT_KEYS);
  run (f, "safety-code -i a.json nobody_at_all");
  expect (f, EXIT_UNKNOWN);
  run (f, "show -i missing.json");
  expect (f, EXIT_FILE);
  run (f, "list -i a.json -r http://127.0.0.1:1");
  expect (f, EXIT_RELAY);
  run (f, "list -i a.json -r http://relay.example");
  expect (f, EXIT_RELAY);
  run (f, "new -i unregistered.json -r %s", f->url);
  run (f, "list -i unregistered.json");
  expect (f, EXIT_REFUSED);
  lock = dao_identity_lock (path, NULL);
  g_assert_cmpint (lock, >=, 0);
  run (f, "list -i a.json");
  expect (f, EXIT_IN_USE);
  /* Looking does not need the account for itself. */
  run (f, "show -i a.json");
  expect (f, EXIT_OK);
  close (lock);
}

static void
test_usage (Fixture * f, gconstpointer data)
{
  static const gchar *bad[] = { "frobnicate", "add", "add a.b", "show abc",
    "new abc", "add abc def", "--no-such-option", "show --offline"
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (bad); i++) {
    run (f, "%s", bad[i]);
    expect (f, EXIT_USAGE);
  }
}

#define ADD(name, func) \
  g_test_add ("/dao-identity/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("new", test_new);
  ADD ("restore", test_restore);
  ADD ("mnemonic-file", test_mnemonic_file);
  ADD ("register", test_register);
  ADD ("friendship", test_friendship);
  ADD ("guard-verify-needs-the-code", test_guard_verify_needs_the_code);
  ADD ("errors", test_errors);
  ADD ("usage", test_usage);
  return g_test_run ();
}
