/* gst-dao: calls that must not come back to life
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The file is {"version": 1, "calls": [{peer, call_id, nonce?, at}]}, `at` in ms of the wall
 * clock. The list is short and kept oldest first, so it is searched from end to end.
 */
#include "dao-journal.h"
#include "dao-file.h"
#include "dao-json.h"
#include "dao-secret.h"

#include <string.h>

/* DAO_JOURNAL_MAX entries of an alias, a UUID, a nonce and a time */
#define MAX_FILE (2 * 1024 * 1024)

typedef struct
{
  gchar *peer;
  gchar *call_id;
  gchar *nonce;
  gint64 at_ms;
} Entry;

struct _DaoJournal
{
  gchar *path;
  GPtrArray *entries;           /* Entry*, oldest first */
};

static void
entry_free (Entry * entry)
{
  g_free (entry->peer);
  g_free (entry->call_id);
  g_free (entry->nonce);
  g_free (entry);
}

static void
append (DaoJournal * journal, const gchar * peer, const gchar * call_id,
    const gchar * nonce, gint64 at_ms)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->peer = g_strdup (peer);
  entry->call_id = g_strdup (call_id);
  entry->nonce = g_strdup (nonce);
  entry->at_ms = at_ms;
  g_ptr_array_add (journal->entries, entry);
}

/* Also when the wall clock was set back: forgetting too early is worse than too late, but an
 * entry from the far future must not stay for ever. */
static gboolean
is_expired (const Entry * entry, gint64 now_ms)
{
  return now_ms - entry->at_ms > DAO_JOURNAL_MEMORY_MS
      || entry->at_ms - now_ms > DAO_JOURNAL_MEMORY_MS;
}

static void
expire (DaoJournal * journal, gint64 now_ms)
{
  guint i = 0;

  while (i < journal->entries->len) {
    if (is_expired (g_ptr_array_index (journal->entries, i), now_ms))
      g_ptr_array_remove_index (journal->entries, i);
    else
      i++;
  }
}

static void
make_room (DaoJournal * journal, const gchar * peer)
{
  guint i, count = 0, oldest = 0;

  for (i = journal->entries->len; i-- > 0;) {
    const Entry *entry = g_ptr_array_index (journal->entries, i);

    if (strcmp (entry->peer, peer) == 0) {
      count++;
      oldest = i;
    }
  }
  if (count >= DAO_JOURNAL_MAX_PER_PEER)
    g_ptr_array_remove_index (journal->entries, oldest);
  else if (journal->entries->len >= DAO_JOURNAL_MAX)
    g_ptr_array_remove_index (journal->entries, 0);
}

static gchar *
serialise (DaoJournal * journal, GError ** error)
{
  json_t *root = json_pack ("{s:i, s:[]}", "version", 1, "calls");
  json_t *calls = json_object_get (root, "calls");
  gchar *text;
  guint i;

  for (i = 0; i < journal->entries->len; i++) {
    const Entry *entry = g_ptr_array_index (journal->entries, i);

    json_array_append_new (calls, json_pack ("{s:s, s:s, s:s*, s:I}", "peer",
            entry->peer, "call_id", entry->call_id, "nonce", entry->nonce,
            "at", (json_int_t) entry->at_ms));
  }
  text = dao_json_canonical (root, error);
  json_decref (root);
  return text;
}

static void
save (DaoJournal * journal)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = NULL;

  if (journal->path == NULL)
    return;
  text = serialise (journal, &error);
  if (text == NULL || !dao_file_write_private (journal->path, text,
          strlen (text), TRUE, &error))
    g_message ("Cannot keep the journal of calls: %s", error->message);
}

static gboolean
parse_entry (DaoJournal * journal, json_t * value)
{
  const gchar *peer = dao_json_get_string (value, "peer");
  const gchar *call_id = dao_json_get_string (value, "call_id");
  gint64 at_ms;

  if (peer == NULL || call_id == NULL
      || !dao_json_get_int (value, "at", &at_ms) || at_ms < 0)
    return FALSE;
  append (journal, peer, call_id, dao_json_get_string (value, "nonce"), at_ms);
  return TRUE;
}

static gboolean
parse (DaoJournal * journal, json_t * root)
{
  json_t *calls = json_object_get (root, "calls"), *value;
  gint64 version;
  gsize i;

  if (!dao_json_get_int (root, "version", &version) || version != 1
      || !json_is_array (calls) || json_array_size (calls) > DAO_JOURNAL_MAX)
    return FALSE;
  json_array_foreach (calls, i, value) {
    if (!parse_entry (journal, value))
      return FALSE;
  }
  return TRUE;
}

static gboolean
read_file (DaoJournal * journal, GError ** error)
{
  g_autoptr (GError) detail = NULL;
  gchar *text;
  gsize length;
  json_t *root;
  gboolean ok;

  text = dao_file_read_private (journal->path, MAX_FILE, &length, &detail);
  if (text == NULL) {
    if (g_error_matches (detail, DAO_FILE_ERROR, DAO_FILE_ERROR_MISSING))
      return TRUE;
    g_propagate_error (error, g_steal_pointer (&detail));
    return FALSE;
  }
  root = dao_json_parse (text, length, NULL);
  dao_secret_free (text);
  ok = root != NULL && parse (journal, root);
  if (root != NULL)
    json_decref (root);
  if (!ok)
    g_set_error (error, DAO_FILE_ERROR, DAO_FILE_ERROR_IO,
        "%s: is damaged; remove it when no call is 5 minutes old",
        journal->path);
  return ok;
}

DaoJournal *
dao_journal_load (const gchar * path, gint64 now_ms, GError ** error)
{
  DaoJournal *journal = g_new0 (DaoJournal, 1);

  journal->path = g_strdup (path);
  journal->entries = g_ptr_array_new_with_free_func (
      (GDestroyNotify) entry_free);
  if (path != NULL && !read_file (journal, error)) {
    dao_journal_free (journal);
    return NULL;
  }
  expire (journal, now_ms);
  return journal;
}

void
dao_journal_free (DaoJournal * journal)
{
  if (journal == NULL)
    return;
  g_ptr_array_unref (journal->entries);
  g_free (journal->path);
  g_free (journal);
}

static void
remember (DaoJournal * journal, const gchar * peer, const gchar * call_id,
    const gchar * nonce, gint64 now_ms)
{
  expire (journal, now_ms);
  make_room (journal, peer);
  append (journal, peer, call_id, nonce, now_ms);
}

void
dao_journal_add (DaoJournal * journal, const gchar * peer,
    const gchar * call_id, const gchar * nonce, gint64 now_ms)
{
  remember (journal, peer, call_id, nonce, now_ms);
  save (journal);
}

void
dao_journal_note (DaoJournal * journal, const gchar * peer,
    const gchar * call_id, gint64 now_ms)
{
  remember (journal, peer, call_id, NULL, now_ms);
}

gboolean
dao_journal_knows (DaoJournal * journal, const gchar * peer,
    const gchar * call_id, gint64 now_ms)
{
  guint i;

  for (i = 0; i < journal->entries->len; i++) {
    const Entry *entry = g_ptr_array_index (journal->entries, i);

    if (strcmp (entry->peer, peer) == 0
        && strcmp (entry->call_id, call_id) == 0
        && !is_expired (entry, now_ms))
      return TRUE;
  }
  return FALSE;
}

gboolean
dao_journal_knows_nonce (DaoJournal * journal, const gchar * peer,
    const gchar * nonce, gint64 now_ms)
{
  guint i;

  for (i = 0; i < journal->entries->len; i++) {
    const Entry *entry = g_ptr_array_index (journal->entries, i);

    if (strcmp (entry->peer, peer) == 0 && g_strcmp0 (entry->nonce, nonce) == 0
        && !is_expired (entry, now_ms))
      return TRUE;
  }
  return FALSE;
}
