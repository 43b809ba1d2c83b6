/* gst-dao: what the relay remembers
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Accounts, friendships and login tokens; nothing of a call. The relay knows
 * its storage only through this table of functions.
 */
#pragma once

#include "relay-route.h"

#include <glib.h>

G_BEGIN_DECLS

#define RELAY_STORE_ERROR (relay_store_error_quark ())
GQuark relay_store_error_quark (void);

typedef enum
{
  RELAY_STORE_ERROR_FAILED,     /* disk, lock, corruption */
  RELAY_STORE_ERROR_EXISTS,     /* unique value taken: alias, uuid or Ed25519 key */
  RELAY_STORE_ERROR_NOT_FOUND,
  RELAY_STORE_ERROR_LIMIT,
} RelayStoreError;

#define RELAY_UUID_LENGTH 36
#define RELAY_KEY_TEXT_LENGTH 44        /* base64 of 32 bytes */
#define RELAY_TOKEN_HASH_SIZE 32

typedef struct
{
  gint64 id;
  gchar uuid[RELAY_UUID_LENGTH + 1];
  gchar alias[RELAY_ALIAS_MAX + 1];
  gchar ed25519[RELAY_KEY_TEXT_LENGTH + 1];
  gchar x25519[RELAY_KEY_TEXT_LENGTH + 1];
  gchar *nickname;
} RelayAccount;

typedef enum
{ RELAY_PENDING, RELAY_ACCEPTED, RELAY_REJECTED } RelayFriendStatus;

typedef struct
{
  gint64 id;
  gint64 requester;             /* account ids */
  gint64 recipient;
  RelayFriendStatus status;
  gchar *conversation_id;       /* "" until accepted */
  gint64 created_s;             /* Unix time */
} RelayFriendship;

void relay_account_clear (RelayAccount * account);
void relay_friendship_clear (RelayFriendship * friendship);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RelayAccount, relay_account_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RelayFriendship, relay_friendship_clear)

typedef enum
{ RELAY_BY_UUID, RELAY_BY_ALIAS, RELAY_BY_KEY } RelayAccountKey;

typedef struct _RelayStore RelayStore;

typedef void (*RelayFriendFunc) (const RelayFriendship * friendship,
    const RelayAccount * peer, gpointer user_data);

struct _RelayStore
{
  void (*free) (RelayStore * store);

  /* Fills account->id. EXISTS if uuid, alias or Ed25519 key is taken. */
  gboolean (*add_account) (RelayStore * store, RelayAccount * account,
      GError ** error);
  gboolean (*find_account) (RelayStore * store, RelayAccountKey key,
      const gchar * value, RelayAccount * account, GError ** error);

  /* The account's only token from now on: an older one is gone. */
  gboolean (*set_token) (RelayStore * store, gint64 account,
      const guint8 * hash, gint64 expires_s, GError ** error);
  gboolean (*find_token) (RelayStore * store, const guint8 * hash,
      gint64 now_s, RelayAccount * account, GError ** error);

  /* The friendship of two accounts, whoever asked. */
  gboolean (*find_friendship) (RelayStore * store, gint64 a, gint64 b,
      RelayFriendship * friendship, GError ** error);
  gboolean (*get_friendship) (RelayStore * store, gint64 id,
      RelayFriendship * friendship, GError ** error);
  /* Adds when id is 0, else writes all of it back. */
  gboolean (*put_friendship) (RelayStore * store,
      RelayFriendship * friendship, GError ** error);
  gboolean (*each_friendship) (RelayStore * store, gint64 account,
      RelayFriendFunc func, gpointer user_data, GError ** error);
  gboolean (*count_friendships) (RelayStore * store, gint64 account,
      gint64 * count, GError ** error);
};

/* The embedded store: one SQLite file (":memory:" for tests), write-ahead log. */
RelayStore *relay_store_sqlite_open (const gchar * file, GError ** error);
void relay_store_free (RelayStore * store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RelayStore, relay_store_free)

G_END_DECLS
