/* gst-dao: sees every frame that the process encrypts
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-frame-private.h"
#include "seal-watch.h"

#include <dlfcn.h>
#include <string.h>

#define KEY_SIZE 32
#define IV_SIZE (DAO_FRAME_MATERIAL_SIZE - KEY_SIZE)

static GMutex lock;
static GHashTable *materials;   /* of a DaoFrameCipher: GBytes */
static GHashTable *epochs;      /* set of materials that sealed */
static GHashTable *pairs;       /* set of key and IV */
static guint64 frames, repeats;

static void
ensure_tables (void)
{
  if (materials)
    return;
  materials = g_hash_table_new_full (NULL, NULL, NULL,
      (GDestroyNotify) g_bytes_unref);
  epochs = g_hash_table_new_full (g_bytes_hash, g_bytes_equal,
      (GDestroyNotify) g_bytes_unref, NULL);
  pairs = g_hash_table_new_full (g_bytes_hash, g_bytes_equal,
      (GDestroyNotify) g_bytes_unref, NULL);
}

/* --- in the place of libdao's --- */

DaoFrameCipher *
dao_frame_cipher_new (const guint8 * material, gboolean encrypt)
{
  DaoFrameCipher *(*real) (const guint8 *, gboolean) =
      dlsym (RTLD_NEXT, "dao_frame_cipher_new");
  DaoFrameCipher *cipher = real (material, encrypt);

  g_mutex_lock (&lock);
  ensure_tables ();
  g_hash_table_insert (materials, cipher, g_bytes_new (material,
          DAO_FRAME_MATERIAL_SIZE));
  g_mutex_unlock (&lock);
  return cipher;
}

gboolean
dao_frame_cipher_seal (DaoFrameCipher * cipher, guint64 counter,
    const guint8 * in, gsize length, guint8 * out)
{
  gboolean (*real) (DaoFrameCipher *, guint64, const guint8 *, gsize,
      guint8 *) = dlsym (RTLD_NEXT, "dao_frame_cipher_seal");
  guint8 pair[DAO_FRAME_MATERIAL_SIZE];
  GBytes *material;
  guint i;

  g_mutex_lock (&lock);
  material = g_hash_table_lookup (materials, cipher);
  g_hash_table_add (epochs, g_bytes_ref (material));
  /* protocol.md g: the counter, little-endian, over the start of the base IV */
  memcpy (pair, g_bytes_get_data (material, NULL), sizeof (pair));
  for (i = 0; i < 8; i++)
    pair[KEY_SIZE + i] ^= (counter >> (8 * i)) & 0xff;
  if (!g_hash_table_add (pairs, g_bytes_new (pair, sizeof (pair))))
    repeats++;
  frames++;
  g_mutex_unlock (&lock);
  return real (cipher, counter, in, length, out);
}

/* --- what was seen --- */

void
seal_watch_reset (void)
{
  g_mutex_lock (&lock);
  ensure_tables ();
  g_hash_table_remove_all (epochs);
  g_hash_table_remove_all (pairs);
  frames = repeats = 0;
  g_mutex_unlock (&lock);
}

static guint64
get (const guint64 * value)
{
  guint64 now;

  g_mutex_lock (&lock);
  now = *value;
  g_mutex_unlock (&lock);
  return now;
}

guint64
seal_watch_frames (void)
{
  return get (&frames);
}

guint64
seal_watch_repeats (void)
{
  return get (&repeats);
}

guint64
seal_watch_epochs (void)
{
  guint64 n;

  g_mutex_lock (&lock);
  n = epochs ? g_hash_table_size (epochs) : 0;
  g_mutex_unlock (&lock);
  return n;
}

GPtrArray *
seal_watch_keys (void)
{
  GPtrArray *keys = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer material;

  g_mutex_lock (&lock);
  g_hash_table_iter_init (&iter, epochs);
  while (g_hash_table_iter_next (&iter, &material, NULL)) {
    const guint8 *key = g_bytes_get_data (material, NULL);
    GString *hex = g_string_new (NULL);
    guint i;

    for (i = 0; i < KEY_SIZE; i++)
      g_string_append_printf (hex, "%02x", key[i]);
    g_ptr_array_add (keys, g_string_free (hex, FALSE));
  }
  g_mutex_unlock (&lock);
  return keys;
}
