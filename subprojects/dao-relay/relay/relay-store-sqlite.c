/* gst-dao: the relay's store in one SQLite file
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every statement is prepared once and bound, never composed of text.
 * WAL with synchronous=NORMAL: a crash of the machine can lose the last
 * moments, a crash of the relay loses nothing.
 */
#include "relay-store.h"

#include <sqlite3.h>
#include <string.h>

G_DEFINE_QUARK (relay-store-error-quark, relay_store_error)

/* Another process (a backup, the sqlite3 shell) may hold the lock for a moment. */
#define BUSY_TIMEOUT_MS 2000

static const gchar schema[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
    "CREATE TABLE IF NOT EXISTS accounts (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " uuid TEXT NOT NULL UNIQUE, alias TEXT NOT NULL UNIQUE, ed25519 TEXT NOT NULL UNIQUE,"
    " x25519 TEXT NOT NULL, nickname TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS tokens (account INTEGER PRIMARY KEY REFERENCES accounts,"
    " hash BLOB NOT NULL UNIQUE, expires INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS friendships (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " requester INTEGER NOT NULL REFERENCES accounts, recipient INTEGER NOT NULL REFERENCES accounts,"
    " status INTEGER NOT NULL, conversation TEXT NOT NULL, created INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX IF NOT EXISTS friendship_pair ON friendships"
    " (min(requester, recipient), max(requester, recipient));"
    "CREATE INDEX IF NOT EXISTS friendship_requester ON friendships (requester);"
    "CREATE INDEX IF NOT EXISTS friendship_recipient ON friendships (recipient);";

#define ACCOUNT "a.id, a.uuid, a.alias, a.ed25519, a.x25519, a.nickname"
#define FRIENDSHIP "f.id, f.requester, f.recipient, f.status, f.conversation, f.created"

enum
{
  ADD_ACCOUNT, BY_UUID, BY_ALIAS, BY_KEY, SET_TOKEN, FIND_TOKEN, FIND_PAIR,
  GET_FRIENDSHIP, ADD_FRIENDSHIP, UPDATE_FRIENDSHIP, LIST_FRIENDSHIPS,
  COUNT_FRIENDSHIPS, N_STATEMENTS
};

static const gchar *const statements[N_STATEMENTS] = {
  [ADD_ACCOUNT] = "INSERT INTO accounts (uuid, alias, ed25519, x25519, nickname)"
      " VALUES (?1, ?2, ?3, ?4, ?5)",
  [BY_UUID] = "SELECT " ACCOUNT " FROM accounts a WHERE a.uuid = ?1",
  [BY_ALIAS] = "SELECT " ACCOUNT " FROM accounts a WHERE a.alias = ?1",
  [BY_KEY] = "SELECT " ACCOUNT " FROM accounts a WHERE a.ed25519 = ?1",
  [SET_TOKEN] = "INSERT OR REPLACE INTO tokens (account, hash, expires)"
      " VALUES (?1, ?2, ?3)",
  [FIND_TOKEN] = "SELECT " ACCOUNT " FROM tokens t JOIN accounts a"
      " ON a.id = t.account WHERE t.hash = ?1 AND t.expires > ?2",
  [FIND_PAIR] = "SELECT " FRIENDSHIP " FROM friendships f"
      " WHERE min(requester, recipient) = min(?1, ?2)"
      " AND max(requester, recipient) = max(?1, ?2)",
  [GET_FRIENDSHIP] = "SELECT " FRIENDSHIP " FROM friendships f WHERE f.id = ?1",
  [ADD_FRIENDSHIP] = "INSERT INTO friendships"
      " (requester, recipient, status, conversation, created)"
      " VALUES (?1, ?2, ?3, ?4, ?5)",
  [UPDATE_FRIENDSHIP] = "UPDATE friendships SET requester = ?1, recipient = ?2,"
      " status = ?3, conversation = ?4, created = ?5 WHERE id = ?6",
  [LIST_FRIENDSHIPS] = "SELECT " FRIENDSHIP ", " ACCOUNT " FROM friendships f"
      " JOIN accounts a ON a.id = CASE f.requester WHEN ?1 THEN f.recipient"
      " ELSE f.requester END WHERE f.requester = ?1 OR f.recipient = ?1"
      " ORDER BY f.id",
  [COUNT_FRIENDSHIPS] = "SELECT count(*) FROM friendships"
      " WHERE requester = ?1 OR recipient = ?1",
};

typedef struct
{
  RelayStore parent;
  sqlite3 *db;
  sqlite3_stmt *statements[N_STATEMENTS];
} SqliteStore;

void
relay_account_clear (RelayAccount * account)
{
  g_clear_pointer (&account->nickname, g_free);
}

void
relay_friendship_clear (RelayFriendship * friendship)
{
  g_clear_pointer (&friendship->conversation_id, g_free);
}

void
relay_store_free (RelayStore * store)
{
  if (store)
    store->free (store);
}

static gboolean
fail (SqliteStore * self, GError ** error)
{
  gboolean exists = sqlite3_errcode (self->db) == SQLITE_CONSTRAINT;

  g_set_error (error, RELAY_STORE_ERROR,
      exists ? RELAY_STORE_ERROR_EXISTS : RELAY_STORE_ERROR_FAILED,
      "store: %s", sqlite3_errmsg (self->db));
  return FALSE;
}

/* Runs a statement that returns nothing. */
static gboolean
run (SqliteStore * self, sqlite3_stmt * statement, GError ** error)
{
  gboolean ok = sqlite3_step (statement) == SQLITE_DONE || fail (self, error);

  sqlite3_reset (statement);
  sqlite3_clear_bindings (statement);
  return ok;
}

/* One row or NOT_FOUND; the caller reads it and calls done(). */
static gboolean
first_row (SqliteStore * self, sqlite3_stmt * statement, GError ** error)
{
  gint result = sqlite3_step (statement);

  if (result == SQLITE_ROW)
    return TRUE;
  if (result == SQLITE_DONE)
    g_set_error_literal (error, RELAY_STORE_ERROR, RELAY_STORE_ERROR_NOT_FOUND,
        "store: not found");
  else
    fail (self, error);
  sqlite3_reset (statement);
  sqlite3_clear_bindings (statement);
  return FALSE;
}

static void
done (sqlite3_stmt * statement)
{
  sqlite3_reset (statement);
  sqlite3_clear_bindings (statement);
}

static const gchar *
column_text (sqlite3_stmt * statement, gint column)
{
  const gchar *text = (const gchar *) sqlite3_column_text (statement, column);

  return text ? text : "";
}

static void
read_account (sqlite3_stmt * s, gint column, RelayAccount * account)
{
  account->id = sqlite3_column_int64 (s, column);
  g_strlcpy (account->uuid, column_text (s, column + 1), sizeof account->uuid);
  g_strlcpy (account->alias, column_text (s, column + 2),
      sizeof account->alias);
  g_strlcpy (account->ed25519, column_text (s, column + 3),
      sizeof account->ed25519);
  g_strlcpy (account->x25519, column_text (s, column + 4),
      sizeof account->x25519);
  account->nickname = g_strdup (column_text (s, column + 5));
}

static void
read_friendship (sqlite3_stmt * s, RelayFriendship * friendship)
{
  friendship->id = sqlite3_column_int64 (s, 0);
  friendship->requester = sqlite3_column_int64 (s, 1);
  friendship->recipient = sqlite3_column_int64 (s, 2);
  friendship->status = sqlite3_column_int (s, 3);
  friendship->conversation_id = g_strdup (column_text (s, 4));
  friendship->created_s = sqlite3_column_int64 (s, 5);
}

static void
bind_text (sqlite3_stmt * s, gint index, const gchar * text)
{
  sqlite3_bind_text (s, index, text, -1, SQLITE_TRANSIENT);
}

static gboolean
add_account (RelayStore * store, RelayAccount * account, GError ** error)
{
  SqliteStore *self = (SqliteStore *) store;
  sqlite3_stmt *s = self->statements[ADD_ACCOUNT];

  bind_text (s, 1, account->uuid);
  bind_text (s, 2, account->alias);
  bind_text (s, 3, account->ed25519);
  bind_text (s, 4, account->x25519);
  bind_text (s, 5, account->nickname ? account->nickname : "");
  if (!run (self, s, error))
    return FALSE;
  account->id = sqlite3_last_insert_rowid (self->db);
  return TRUE;
}

static gboolean
find_account (RelayStore * store, RelayAccountKey key, const gchar * value,
    RelayAccount * account, GError ** error)
{
  SqliteStore *self = (SqliteStore *) store;
  sqlite3_stmt *s = self->statements[BY_UUID + key];

  bind_text (s, 1, value);
  if (!first_row (self, s, error))
    return FALSE;
  read_account (s, 0, account);
  done (s);
  return TRUE;
}

static gboolean
set_token (RelayStore * store, gint64 account, const guint8 * hash,
    gint64 expires_s, GError ** error)
{
  SqliteStore *self = (SqliteStore *) store;
  sqlite3_stmt *s = self->statements[SET_TOKEN];

  sqlite3_bind_int64 (s, 1, account);
  sqlite3_bind_blob (s, 2, hash, RELAY_TOKEN_HASH_SIZE, SQLITE_TRANSIENT);
  sqlite3_bind_int64 (s, 3, expires_s);
  return run (self, s, error);
}

static gboolean
find_token (RelayStore * store, const guint8 * hash, gint64 now_s,
    RelayAccount * account, GError ** error)
{
  SqliteStore *self = (SqliteStore *) store;
  sqlite3_stmt *s = self->statements[FIND_TOKEN];

  sqlite3_bind_blob (s, 1, hash, RELAY_TOKEN_HASH_SIZE, SQLITE_TRANSIENT);
  sqlite3_bind_int64 (s, 2, now_s);
  if (!first_row (self, s, error))
    return FALSE;
  read_account (s, 0, account);
  done (s);
  return TRUE;
}

static gboolean
find_friendship (RelayStore * store, gint64 a, gint64 b,
    RelayFriendship * friendship, GError ** error)
{
  SqliteStore *self = (SqliteStore *) store;
  sqlite3_stmt *s = self->statements[FIND_PAIR];

  sqlite3_bind_int64 (s, 1, a);
  sqlite3_bind_int64 (s, 2, b);
  if (!first_row (self, s, error))
    return FALSE;
  read_friendship (s, friendship);
  done (s);
  return TRUE;
}

static gboolean
get_friendship (RelayStore * store, gint64 id, RelayFriendship * friendship,
    GError ** error)
{
  SqliteStore *self = (SqliteStore *) store;
  sqlite3_stmt *s = self->statements[GET_FRIENDSHIP];

  sqlite3_bind_int64 (s, 1, id);
  if (!first_row (self, s, error))
    return FALSE;
  read_friendship (s, friendship);
  done (s);
  return TRUE;
}

static gboolean
put_friendship (RelayStore * store, RelayFriendship * friendship,
    GError ** error)
{
  SqliteStore *self = (SqliteStore *) store;
  gboolean add = friendship->id == 0;
  sqlite3_stmt *s =
      self->statements[add ? ADD_FRIENDSHIP : UPDATE_FRIENDSHIP];

  sqlite3_bind_int64 (s, 1, friendship->requester);
  sqlite3_bind_int64 (s, 2, friendship->recipient);
  sqlite3_bind_int (s, 3, friendship->status);
  bind_text (s, 4, friendship->conversation_id ?
      friendship->conversation_id : "");
  sqlite3_bind_int64 (s, 5, friendship->created_s);
  if (!add)
    sqlite3_bind_int64 (s, 6, friendship->id);
  if (!run (self, s, error))
    return FALSE;
  if (add)
    friendship->id = sqlite3_last_insert_rowid (self->db);
  return TRUE;
}

static gboolean
each_friendship (RelayStore * store, gint64 account, RelayFriendFunc func,
    gpointer user_data, GError ** error)
{
  SqliteStore *self = (SqliteStore *) store;
  sqlite3_stmt *s = self->statements[LIST_FRIENDSHIPS];
  gboolean ok;
  gint result;

  sqlite3_bind_int64 (s, 1, account);
  while ((result = sqlite3_step (s)) == SQLITE_ROW) {
    g_auto (RelayFriendship) friendship = { 0 };
    g_auto (RelayAccount) peer = { 0 };

    read_friendship (s, &friendship);
    read_account (s, 6, &peer);
    func (&friendship, &peer, user_data);
  }
  ok = result == SQLITE_DONE || fail (self, error);
  done (s);
  return ok;
}

static gboolean
count_friendships (RelayStore * store, gint64 account, gint64 * count,
    GError ** error)
{
  SqliteStore *self = (SqliteStore *) store;
  sqlite3_stmt *s = self->statements[COUNT_FRIENDSHIPS];

  sqlite3_bind_int64 (s, 1, account);
  if (!first_row (self, s, error))
    return FALSE;
  *count = sqlite3_column_int64 (s, 0);
  done (s);
  return TRUE;
}

static void
sqlite_store_free (RelayStore * store)
{
  SqliteStore *self = (SqliteStore *) store;

  for (gint i = 0; i < N_STATEMENTS; i++)
    sqlite3_finalize (self->statements[i]);
  sqlite3_close (self->db);
  g_free (self);
}

RelayStore *
relay_store_sqlite_open (const gchar * file, GError ** error)
{
  SqliteStore *self = g_new0 (SqliteStore, 1);

  self->parent = (RelayStore) {
  sqlite_store_free, add_account, find_account, set_token, find_token,
        find_friendship, get_friendship, put_friendship, each_friendship,
        count_friendships};
  if (sqlite3_open_v2 (file, &self->db,
          SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
    goto failed;
  sqlite3_busy_timeout (self->db, BUSY_TIMEOUT_MS);
  if (sqlite3_exec (self->db, schema, NULL, NULL, NULL) != SQLITE_OK)
    goto failed;
  for (gint i = 0; i < N_STATEMENTS; i++) {
    if (sqlite3_prepare_v3 (self->db, statements[i], -1,
            SQLITE_PREPARE_PERSISTENT, &self->statements[i], NULL) != SQLITE_OK)
      goto failed;
  }
  return &self->parent;

failed:
  fail (self, error);
  g_prefix_error (error, "%s: ", file);
  sqlite_store_free (&self->parent);
  return NULL;
}
