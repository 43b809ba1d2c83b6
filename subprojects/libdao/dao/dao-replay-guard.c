/* gst-dao: the memory of used signal nonces
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-envelope.h"

#include <string.h>

typedef struct
{
  gchar *key;                   /* peer, a space (in no alias), nonce in lower case */
  gchar *peer;
  gint64 expires_ms;
} Entry;

struct _DaoReplayGuard
{
  GHashTable *entries;          /* key -> Entry */
  GHashTable *peers;            /* peer -> count, as pointer */
  GQueue order;                 /* Entry, oldest first */
};

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_free (entry->key);
  g_free (entry->peer);
  g_free (entry);
}

DaoReplayGuard *
dao_replay_guard_new (void)
{
  DaoReplayGuard *guard = g_new0 (DaoReplayGuard, 1);

  guard->entries = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
      entry_free);
  guard->peers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_queue_init (&guard->order);
  return guard;
}

void
dao_replay_guard_free (DaoReplayGuard * guard)
{
  if (guard == NULL)
    return;
  g_queue_clear (&guard->order);
  g_hash_table_unref (guard->entries);
  g_hash_table_unref (guard->peers);
  g_free (guard);
}

static guint
peer_count (DaoReplayGuard * guard, const gchar * peer)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (guard->peers, peer));
}

static void
set_peer_count (DaoReplayGuard * guard, const gchar * peer, guint count)
{
  if (count == 0)
    g_hash_table_remove (guard->peers, peer);
  else
    g_hash_table_replace (guard->peers, g_strdup (peer),
        GUINT_TO_POINTER (count));
}

/* Should the clock have been set back, what is behind the oldest entry waits
 * for it: remembered too long, never too short. */
static void
forget_expired (DaoReplayGuard * guard, gint64 now_ms)
{
  Entry *entry;

  while ((entry = g_queue_peek_head (&guard->order)) != NULL
      && entry->expires_ms < now_ms) {
    g_queue_pop_head (&guard->order);
    set_peer_count (guard, entry->peer, peer_count (guard, entry->peer) - 1);
    g_hash_table_remove (guard->entries, entry->key);
  }
}

static gchar *
make_key (const gchar * peer, const gchar * nonce)
{
  g_autofree gchar *lower = g_ascii_strdown (nonce, -1);

  return g_strconcat (peer, " ", lower, NULL);
}

gboolean
dao_replay_guard_seen (DaoReplayGuard * guard, const gchar * peer,
    const gchar * nonce, gint64 now_ms)
{
  g_autofree gchar *key = make_key (peer, nonce);

  forget_expired (guard, now_ms);
  return g_hash_table_contains (guard->entries, key);
}

gboolean
dao_replay_guard_record (DaoReplayGuard * guard, const gchar * peer,
    const gchar * nonce, gint64 now_ms)
{
  Entry *entry;

  if (dao_replay_guard_seen (guard, peer, nonce, now_ms)
      || peer_count (guard, peer) >= DAO_REPLAY_MAX_PER_PEER
      || g_hash_table_size (guard->entries) >= DAO_REPLAY_MAX)
    return FALSE;
  entry = g_new0 (Entry, 1);
  entry->key = make_key (peer, nonce);
  entry->peer = g_strdup (peer);
  entry->expires_ms = now_ms + DAO_REPLAY_MEMORY_MS;
  g_hash_table_insert (guard->entries, entry->key, entry);
  g_queue_push_tail (&guard->order, entry);
  set_peer_count (guard, peer, peer_count (guard, peer) + 1);
  return TRUE;
}
