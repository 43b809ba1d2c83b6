/* dao-identity: one account from the command line
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * JSON lines on stdout, diagnostics on stderr, an exit code for each kind of outcome: see
 * docs/dao-identity.md. A phrase is never taken from the command line, where others could read
 * it, and shown only when asked for.
 */
#include "dao-identity.h"
#include "dao-encoding.h"
#include "dao-file.h"
#include "dao-secret.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A phrase of 12 words has at most 107 characters. */
#define MAX_MNEMONIC_FILE 1024
#define MAX_CODE 256

G_DEFINE_QUARK (tool-error-quark, tool_error)

void
print_line (json_t * line)
{
  char *text = json_dumps (line, JSON_COMPACT | JSON_ENSURE_ASCII);

  puts (text);
  fflush (stdout);
  free (text);
  json_decref (line);
}

/* --- exit codes --- */

static ExitCode
relay_exit_code (const GError * error)
{
  guint status = dao_relay_error_get_status (error);

  if (status == 404)
    return EXIT_UNKNOWN;
  if (status >= 400 && status < 500)
    return EXIT_REFUSED;
  switch (error->code) {
    case DAO_RELAY_ERROR_AUTH:
    case DAO_RELAY_ERROR_EXISTS:
    case DAO_RELAY_ERROR_POW:
      return EXIT_REFUSED;
    default:
      return EXIT_RELAY;
  }
}

static ExitCode
identity_exit_code (const GError * error)
{
  switch (error->code) {
    case DAO_IDENTITY_ERROR_MNEMONIC:
      return EXIT_MNEMONIC;
    case DAO_IDENTITY_ERROR_EXISTS:
      return EXIT_EXISTS;
    case DAO_IDENTITY_ERROR_IN_USE:
      return EXIT_IN_USE;
    case DAO_IDENTITY_ERROR_KEY:
      return EXIT_KEYS;
    default:
      return EXIT_FILE;
  }
}

static ExitCode
contacts_exit_code (const GError * error)
{
  switch (error->code) {
    case DAO_CONTACTS_ERROR_UNKNOWN:
      return EXIT_UNKNOWN;
    case DAO_CONTACTS_ERROR_FILE:
      return EXIT_FILE;
    case DAO_CONTACTS_ERROR_LIMIT:
      return EXIT_FAILED;
    default:
      return EXIT_KEYS;
  }
}

static ExitCode
tool_exit_code (const GError * error)
{
  switch (error->code) {
    case TOOL_ERROR_UNKNOWN:
      return EXIT_UNKNOWN;
    case TOOL_ERROR_CODE:
      return EXIT_CODE;
    default:
      return EXIT_USAGE;
  }
}

static ExitCode
exit_code (const GError * error)
{
  if (error->domain == DAO_RELAY_ERROR)
    return relay_exit_code (error);
  if (error->domain == DAO_IDENTITY_ERROR)
    return identity_exit_code (error);
  if (error->domain == DAO_CONTACTS_ERROR)
    return contacts_exit_code (error);
  if (error->domain == TOOL_ERROR)
    return tool_exit_code (error);
  if (error->domain == DAO_FILE_ERROR)
    return error->code == DAO_FILE_ERROR_EXISTS ? EXIT_EXISTS : EXIT_FILE;
  return EXIT_FAILED;
}

/* --- new --- */

/* Copies the file's one line without what surrounds it. */
static gchar *
read_mnemonic (const gchar * path, GError ** error)
{
  gsize length;
  gchar *text = dao_file_read_private (path, MAX_MNEMONIC_FILE, &length,
      error);

  if (text != NULL)
    text[length] = '\0';
  return text;
}

static DaoIdentity *
restore_identity (Options * options, GError ** error)
{
  gchar *mnemonic = read_mnemonic (options->from_mnemonic_file, error);
  DaoIdentity *identity;

  if (mnemonic == NULL)
    return NULL;
  identity = dao_identity_new_from_mnemonic (mnemonic, error);
  dao_secret_free (mnemonic);
  return identity;
}

static json_t *
key_line (const gchar * event, Options * options, DaoIdentity * identity)
{
  g_autofree gchar *ed25519 =
      dao_base64_encode (dao_identity_get_ed25519_public (identity), 32);
  g_autofree gchar *x25519 =
      dao_base64_encode (dao_identity_get_x25519_public (identity), 32);

  return json_pack ("{s:s, s:s, s:s?, s:s?, s:s?, s:s?, s:s, s:s}", "event",
      event, "identity", options->path, "alias",
      dao_identity_get_alias (identity), "uuid",
      dao_identity_get_uuid (identity), "relay",
      dao_identity_get_relay (identity), "nickname",
      dao_identity_get_nickname (identity), "ed25519_public_key", ed25519,
      "x25519_public_key", x25519);
}

static gboolean
save_new (Options * options, DaoIdentity * identity, const gchar * mnemonic,
    GError ** error)
{
  json_t *line;

  dao_identity_set_relay (identity, options->relay);
  dao_identity_set_nickname (identity, options->nickname);
  if (!dao_identity_save (identity, options->path, FALSE, error))
    return FALSE;
  if (options->mnemonic_file != NULL && mnemonic != NULL
      && !dao_file_write_private (options->mnemonic_file, mnemonic,
          strlen (mnemonic), FALSE, error))
    return FALSE;
  line = key_line ("created", options, identity);
  if (options->show_mnemonic && mnemonic != NULL)
    json_object_set_new (line, "mnemonic", json_string (mnemonic));
  print_line (line);
  return TRUE;
}

static gboolean
command_new (Options * options, GError ** error)
{
  DaoIdentity *identity;
  gchar *mnemonic = NULL;
  gboolean ok;

  if (options->from_mnemonic_file != NULL) {
    identity = restore_identity (options, error);
  } else {
    mnemonic = dao_identity_generate_mnemonic ();
    identity = dao_identity_new_from_mnemonic (mnemonic, error);
  }
  ok = identity != NULL && save_new (options, identity, mnemonic, error);
  g_clear_pointer (&identity, dao_identity_unref);
  g_clear_pointer (&mnemonic, dao_identity_free_mnemonic);
  return ok;
}

/* --- commands on what is here --- */

static const gchar *
trust_name (DaoTrust trust)
{
  switch (trust) {
    case DAO_TRUST_VERIFIED:
      return "verified";
    case DAO_TRUST_CHANGED:
      return "changed";
    default:
      return "unverified";
  }
}

json_t *
contact_line (const gchar * event, Session * session,
    const DaoContact * contact)
{
  g_autofree gchar *code = dao_contacts_safety_code (session->contacts,
      contact->alias, NULL);

  return json_pack ("{s:s, s:s, s:s, s:s, s:b, s:b, s:s?}", "event", event,
      "alias", contact->alias, "nickname",
      contact->nickname ? contact->nickname : "", "trust",
      trust_name (contact->trust), "pinned", contact->pinned, "callable",
      dao_contacts_get_callable (session->contacts, contact->alias,
          DAO_TRUST_UNVERIFIED, NULL) != NULL, "safety_code", code);
}

gboolean
session_save (Session * session, GError ** error)
{
  return dao_contacts_save (session->contacts, error);
}

static gboolean
command_show (Session * session, const gchar * alias, GError ** error)
{
  print_line (key_line ("identity", session->options, session->identity));
  return TRUE;
}

static const DaoContact *
need_contact (Session * session, const gchar * alias, GError ** error)
{
  const DaoContact *contact = dao_contacts_lookup (session->contacts, alias);

  if (contact == NULL)
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_UNKNOWN,
        "There is no contact %s; add it or accept its request first", alias);
  return contact;
}

static gboolean
command_safety_code (Session * session, const gchar * alias, GError ** error)
{
  const DaoContact *contact = need_contact (session, alias, error);
  g_autofree gchar *code = NULL;

  if (contact == NULL)
    return FALSE;
  code = dao_contacts_safety_code (session->contacts, alias, error);
  if (code == NULL)
    return FALSE;
  print_line (json_pack ("{s:s, s:s, s:s, s:s}", "event", "safety-code",
          "alias", alias, "safety_code", code, "trust",
          trust_name (contact->trust)));
  return TRUE;
}

/* Spaces and case are how people write it down. */
static gchar *
plain_code (const gchar * code)
{
  GString *plain = g_string_new (NULL);

  for (; *code != '\0'; code++) {
    if (!g_ascii_isspace (*code))
      g_string_append_c (plain, g_ascii_tolower (*code));
  }
  return g_string_free (plain, FALSE);
}

static gchar *
ask_for_code (const gchar * alias)
{
  gchar line[MAX_CODE];

  fprintf (stderr, "Safety code that %s reads to you: ", alias);
  return fgets (line, sizeof (line), stdin) != NULL ? g_strdup (line)
      : g_strdup ("");
}

static gboolean
command_verify (Session * session, const gchar * alias, GError ** error)
{
  g_autofree gchar *code = NULL, *given = NULL, *want = NULL, *got = NULL;

  if (need_contact (session, alias, error) == NULL)
    return FALSE;
  code = dao_contacts_safety_code (session->contacts, alias, error);
  if (code == NULL)
    return FALSE;
  given = session->options->code != NULL ? g_strdup (session->options->code)
      : ask_for_code (alias);
  want = plain_code (code);
  got = plain_code (given);
  if (strcmp (want, got) != 0) {
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_CODE,
        "This is not the safety code with %s: somebody may be in between",
        alias);
    return FALSE;
  }
  if (!dao_contacts_set_verified (session->contacts, alias, TRUE, error)
      || !session_save (session, error))
    return FALSE;
  print_line (contact_line ("verified", session,
          dao_contacts_lookup (session->contacts, alias)));
  return TRUE;
}

/* --- running one command --- */

typedef gboolean (*Run) (Session * session, const gchar * alias,
    GError ** error);

static const struct
{
  const gchar *name;
  gboolean needs_alias;
  gboolean needs_relay;
  gboolean needs_lock;          /* logs in or writes: not beside another process */
  Run run;
} commands[] = {
  {"register", FALSE, TRUE, TRUE, command_register},
  {"show", FALSE, FALSE, FALSE, command_show},
  {"add", TRUE, TRUE, TRUE, command_add},
  {"accept", TRUE, TRUE, TRUE, command_accept},
  {"list", FALSE, TRUE, TRUE, command_list},
  {"safety-code", TRUE, FALSE, FALSE, command_safety_code},
  {"verify", TRUE, FALSE, TRUE, command_verify},
};

static gboolean
session_open (Session * session, gboolean lock, GError ** error)
{
  g_autofree gchar *path =
      dao_account_contacts_path (session->options->path);

  if (lock) {
    session->lock_fd = dao_identity_lock (session->options->path, error);
    if (session->lock_fd < 0)
      return FALSE;
  }
  session->identity = dao_identity_load (session->options->path, error);
  if (session->identity == NULL)
    return FALSE;
  session->contacts = dao_contacts_load (path, session->identity, error);
  return session->contacts != NULL;
}

static void
session_close (Session * session)
{
  g_clear_object (&session->client);
  dao_relay_drain (1000);
  g_clear_pointer (&session->contacts, dao_contacts_free);
  g_clear_pointer (&session->identity, dao_identity_unref);
  if (session->lock_fd >= 0)
    close (session->lock_fd);
}

/* A login may have shown that the relay has our other X25519 key; then the file says so from now on. */
static gboolean
keep_login (Session * session, GError ** error)
{
  return session->client == NULL
      || dao_identity_get_alias (session->identity) == NULL
      || dao_identity_save (session->identity, session->options->path, TRUE,
      error);
}

static gboolean
run_command (guint index, Options * options, const gchar * alias,
    GError ** error)
{
  Session session = { options, -1, NULL, NULL, NULL };
  gboolean online = commands[index].needs_relay && !options->offline;
  gboolean ok;

  ok = session_open (&session, commands[index].needs_lock, error)
      && (!online || session_connect (&session, error))
      && commands[index].run (&session, alias, error)
      && keep_login (&session, error);
  session_close (&session);
  return ok;
}

static gboolean
usage_error (GError ** error, const gchar * text)
{
  g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE, "%s (see --help)", text);
  return FALSE;
}

static gboolean
dispatch (Options * options, gint argc, gchar ** argv, GError ** error)
{
  const gchar *alias = argc > 2 ? argv[2] : NULL;
  guint i;

  if (argc < 2)
    return usage_error (error, "No command");
  if (g_str_equal (argv[1], "new"))
    return argc == 2 ? command_new (options, error) :
        usage_error (error, "`new` takes no argument");
  for (i = 0; i < G_N_ELEMENTS (commands); i++) {
    if (!g_str_equal (argv[1], commands[i].name))
      continue;
    if (argc != (commands[i].needs_alias ? 3 : 2))
      return usage_error (error, commands[i].needs_alias ?
          "This command takes one ALIAS" : "This command takes no ALIAS");
    if (alias != NULL && !dao_alias_is_valid (alias))
      return usage_error (error, "This is not an alias");
    if (options->offline && !g_str_equal (argv[1], "list"))
      return usage_error (error, "--offline is for `list`");
    return run_command (i, options, alias, error);
  }
  return usage_error (error, "Unknown command");
}

static gboolean
parse_options (Options * options, gint * argc, gchar *** argv, GError ** error)
{
  GOptionEntry entries[] = {
    {"identity", 'i', 0, G_OPTION_ARG_FILENAME, &options->path,
        "Identity file (default: DAO_IDENTITY, then the user's)", "PATH"},
    {"relay", 'r', 0, G_OPTION_ARG_STRING, &options->relay,
        "Relay (default: the identity file's)", "URL"},
    {"nickname", 'n', 0, G_OPTION_ARG_STRING, &options->nickname,
        "new, register: the name shown to others", "NAME"},
    {"from-mnemonic-file", 0, 0, G_OPTION_ARG_FILENAME,
          &options->from_mnemonic_file,
        "new: restore from the 12 words in this file (mode 0600)", "FILE"},
    {"mnemonic-file", 0, 0, G_OPTION_ARG_FILENAME, &options->mnemonic_file,
        "new: also write the 12 words to this new file", "FILE"},
    {"show-mnemonic", 0, 0, G_OPTION_ARG_NONE, &options->show_mnemonic,
        "new: also print the 12 words", NULL},
    {"code", 0, 0, G_OPTION_ARG_STRING, &options->code,
        "verify: the other side's safety code (default: asked for)", "CODE"},
    {"offline", 0, 0, G_OPTION_ARG_NONE, &options->offline,
        "list: only what is known here", NULL},
    {NULL}
  };
  g_autoptr (GOptionContext) context =
      g_option_context_new ("new|register|show|add ALIAS|accept ALIAS|list|"
      "safety-code ALIAS|verify ALIAS");

  g_option_context_add_main_entries (context, entries, NULL);
  if (g_option_context_parse (context, argc, argv, error)) {
    if (options->path == NULL)
      options->path = dao_identity_default_path ();
    return TRUE;
  }
  return FALSE;
}

static void
options_clear (Options * options)
{
  g_free (options->path);
  g_free (options->relay);
  g_free (options->nickname);
  g_free (options->code);
  g_free (options->from_mnemonic_file);
  g_free (options->mnemonic_file);
}


int
main (int argc, char **argv)
{
  Options options = { NULL, };
  g_autoptr (GError) error = NULL;
  ExitCode code = EXIT_OK;

  setlocale (LC_ALL, "");
  g_log_writer_default_set_use_stderr (TRUE);
  if (!parse_options (&options, &argc, &argv, &error)) {
    fprintf (stderr, "dao-identity: %s\n", error->message);
    code = EXIT_USAGE;
  } else if (!dispatch (&options, argc, argv, &error)) {
    fprintf (stderr, "dao-identity: %s\n", error->message);
    code = exit_code (error);
  }
  options_clear (&options);
  return code;
}
