/* gst-dao: the identity file and its lock
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A JSON object, mode 0600: version 1, mnemonic, x25519_index, and as known alias, uuid, relay, nickname.
 * The JSON library copies what it reads and writes in ordinary memory, so the phrase is cut
 * out of the text before parsing and put into the text after printing.
 */
#include "dao-identity-private.h"
#include "dao-file.h"
#include "dao-json.h"
#include "dao-secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* A phrase, a URL and three names */
#define MAX_FILE (64 * 1024)
#define MAX_STRING 2048
#define FILE_VERSION 1
/* Stands for the phrase in what the JSON library sees. */
#define BLANK 'x'

static void
set_file_error (GError ** error, GError * file_error)
{
  DaoIdentityError code = DAO_IDENTITY_ERROR_FILE;

  if (g_error_matches (file_error, DAO_FILE_ERROR, DAO_FILE_ERROR_MODE))
    code = DAO_IDENTITY_ERROR_MODE;
  else if (g_error_matches (file_error, DAO_FILE_ERROR, DAO_FILE_ERROR_EXISTS))
    code = DAO_IDENTITY_ERROR_EXISTS;
  else if (g_error_matches (file_error, DAO_FILE_ERROR, DAO_FILE_ERROR_LIMIT))
    code = DAO_IDENTITY_ERROR_FORMAT;
  g_set_error_literal (error, DAO_IDENTITY_ERROR, code, file_error->message);
  g_error_free (file_error);
}

static gboolean
set_format_error (GError ** error, const gchar * path, const gchar * what)
{
  g_set_error (error, DAO_IDENTITY_ERROR, DAO_IDENTITY_ERROR_FORMAT,
      "%s: %s", path, what);
  return FALSE;
}

/* The value of "mnemonic": between the quotes, in @text; NULL if there is none. */
static gchar *
find_phrase (gchar * text, gsize * length)
{
  static const gchar name[] = "\"mnemonic\"";
  gchar *at = strstr (text, name);
  gchar *end;

  if (at == NULL)
    return NULL;
  at += sizeof name - 1;
  at += strspn (at, " \t\r\n");
  if (*at++ != ':')
    return NULL;
  at += strspn (at, " \t\r\n");
  if (*at++ != '"')
    return NULL;
  end = strchr (at, '"');
  if (end == NULL)
    return NULL;
  *length = end - at;
  return at;
}

/* Moves the phrase from @text to @phrase, leaving blanks. */
static gboolean
cut_phrase (gchar * text, gchar * phrase)
{
  gsize length, i;
  gchar *at = find_phrase (text, &length);

  if (at == NULL || length >= DAO_MNEMONIC_SIZE)
    return FALSE;
  /* The parser will see only blanks: what no string of JSON may have (RFC 8259, 7) is refused here. */
  for (i = 0; i < length; i++)
    if (g_ascii_iscntrl (at[i]))
      return FALSE;
  memcpy (phrase, at, length);
  phrase[length] = '\0';
  memset (at, BLANK, length);
  return TRUE;
}

/* What was cut must have been the member of the object, not text in another string. */
static gboolean
phrase_was_member (json_t * root, const gchar * phrase)
{
  const gchar *blanks = dao_json_get_string (root, "mnemonic");
  gsize i;

  if (blanks == NULL || strlen (blanks) != strlen (phrase))
    return FALSE;
  for (i = 0; blanks[i] != '\0'; i++)
    if (blanks[i] != BLANK)
      return FALSE;
  return TRUE;
}

static gboolean
load_string (json_t * root, const gchar * name, gchar ** member)
{
  json_t *value = json_object_get (root, name);

  if (value == NULL)
    return TRUE;
  if (!json_is_string (value) || json_string_length (value) > MAX_STRING)
    return FALSE;
  *member = g_strdup (json_string_value (value));
  return TRUE;
}

static gboolean
load_members (DaoIdentity * identity, json_t * root)
{
  gint64 index;

  if (!dao_json_get_int (root, "x25519_index", &index) || index < 0
      || index > 1)
    return FALSE;
  identity->x25519_index = index;
  return load_string (root, "alias", &identity->alias)
      && load_string (root, "uuid", &identity->uuid)
      && load_string (root, "relay", &identity->relay)
      && load_string (root, "nickname", &identity->nickname)
      && (identity->alias == NULL || dao_alias_is_valid (identity->alias));
}

static DaoIdentity *
parse (const gchar * path, gchar * text, gsize length, gchar * phrase,
    GError ** error)
{
  DaoIdentity *identity = NULL;
  json_t *root = NULL;
  gint64 version;

  if (cut_phrase (text, phrase))
    root = dao_json_parse (text, length, NULL);
  if (!json_is_object (root) || !phrase_was_member (root, phrase)
      || !dao_json_get_int (root, "version", &version)
      || version != FILE_VERSION) {
    set_format_error (error, path, "is no identity file");
    goto out;
  }
  identity = dao_identity_new_from_mnemonic (phrase, error);
  if (identity != NULL && !load_members (identity, root)) {
    set_format_error (error, path, "has a malformed member");
    g_clear_pointer (&identity, dao_identity_unref);
  }
out:
  json_decref (root);
  return identity;
}

DaoIdentity *
dao_identity_load (const gchar * path, GError ** error)
{
  GError *file_error = NULL;
  DaoIdentity *identity;
  gchar *text, *phrase;
  gsize length;

  text = dao_file_read_private (path, MAX_FILE, &length, &file_error);
  if (text == NULL) {
    set_file_error (error, file_error);
    return NULL;
  }
  phrase = dao_secret_new (DAO_MNEMONIC_SIZE);
  identity = parse (path, text, length, phrase, error);
  dao_secret_free (phrase);
  dao_secret_free (text);
  return identity;
}

static void
add_string (json_t * root, const gchar * name, const gchar * value)
{
  if (value != NULL)
    json_object_set_new (root, name, json_string (value));
}

/* The file's text with blanks for the phrase */
static gchar *
print_blanked (DaoIdentity * identity)
{
  gchar blanks[DAO_MNEMONIC_SIZE] = { 0 };
  json_t *root = json_object ();
  gchar *text;

  memset (blanks, BLANK, strlen (identity->secrets->mnemonic));
  json_object_set_new (root, "version", json_integer (FILE_VERSION));
  json_object_set_new (root, "mnemonic", json_string (blanks));
  json_object_set_new (root, "x25519_index",
      json_integer (identity->x25519_index));
  add_string (root, "alias", identity->alias);
  add_string (root, "uuid", identity->uuid);
  add_string (root, "relay", identity->relay);
  add_string (root, "nickname", identity->nickname);
  text = json_dumps (root, JSON_INDENT (2));
  json_decref (root);
  return text;
}

static gboolean
is_storable (const gchar * value)
{
  return value == NULL || (strlen (value) <= MAX_STRING
      && g_utf8_validate (value, -1, NULL));
}

/* What a relay answered may be in here; what could not be loaded again is not written. */
static gboolean
can_be_loaded_again (DaoIdentity * identity)
{
  return (identity->alias == NULL || dao_alias_is_valid (identity->alias))
      && is_storable (identity->uuid) && is_storable (identity->relay)
      && is_storable (identity->nickname);
}

gboolean
dao_identity_save (DaoIdentity * identity, const gchar * path,
    gboolean overwrite, GError ** error)
{
  GError *file_error = NULL;
  gchar *blanked, *text, *at;
  gsize length, size;
  gboolean ok;

  if (!can_be_loaded_again (identity))
    return set_format_error (error, path,
        "alias, uuid, relay or nickname is malformed or too long");
  blanked = print_blanked (identity);
  size = strlen (blanked);
  text = dao_secret_new (size + 2);
  memcpy (text, blanked, size);
  /* The first "mnemonic" is the member: it is printed before any free text. */
  at = find_phrase (text, &length);
  memcpy (at, identity->secrets->mnemonic, length);
  text[size] = '\n';
  ok = dao_file_write_private (path, text, size + 1, overwrite, &file_error);
  dao_secret_free (text);
  free (blanked);
  if (!ok)
    set_file_error (error, file_error);
  return ok;
}

int
dao_identity_lock (const gchar * path, GError ** error)
{
  g_autofree gchar *lock = g_strconcat (path, ".lock", NULL);
  gint fd;

  fd = open (lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
  if (fd < 0) {
    g_set_error (error, DAO_IDENTITY_ERROR, DAO_IDENTITY_ERROR_FILE, "%s: %s",
        lock, g_strerror (errno));
    return -1;
  }
  if (flock (fd, LOCK_EX | LOCK_NB) < 0) {
    gint code = errno == EWOULDBLOCK ? DAO_IDENTITY_ERROR_IN_USE :
        DAO_IDENTITY_ERROR_FILE;

    g_set_error (error, DAO_IDENTITY_ERROR, code,
        code == DAO_IDENTITY_ERROR_IN_USE ?
        "%s: another process uses this account" : "%s: cannot be locked",
        path);
    close (fd);
    return -1;
  }
  return fd;
}
