/* gst-dao: token buckets
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "relay-limits.h"

struct _RelayLimiter
{
  RelayRate rate;
  guint max_keys;
  /* Two generations: what was not used while the young one filled up is forgotten. */
  GHashTable *young;
  GHashTable *old;
};

static gdouble
bucket_level (const RelayBucket * bucket, const RelayRate * rate, gint64 now_us)
{
  if (bucket->at_us == 0)
    return rate->burst;
  return MIN (rate->burst, bucket->tokens
      + MAX (0, now_us - bucket->at_us) * 1e-6 * rate->per_second);
}

gboolean
relay_bucket_take (RelayBucket * bucket, const RelayRate * rate, gint64 now_us,
    gdouble cost)
{
  gdouble level;

  if (rate->burst <= 0)
    return TRUE;
  level = bucket_level (bucket, rate, now_us);
  bucket->at_us = MAX (now_us, 1);
  bucket->tokens = level;
  if (level < cost)
    return FALSE;
  bucket->tokens -= cost;
  return TRUE;
}

static GHashTable *
table_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

RelayLimiter *
relay_limiter_new (RelayRate rate, guint max_keys)
{
  RelayLimiter *limiter = g_new0 (RelayLimiter, 1);

  limiter->rate = rate;
  limiter->max_keys = MAX (max_keys, 2);
  limiter->young = table_new ();
  limiter->old = table_new ();
  return limiter;
}

void
relay_limiter_free (RelayLimiter * limiter)
{
  if (!limiter)
    return;
  g_hash_table_unref (limiter->young);
  g_hash_table_unref (limiter->old);
  g_free (limiter);
}

static RelayBucket *
find (RelayLimiter * limiter, const gchar * key)
{
  RelayBucket *bucket = g_hash_table_lookup (limiter->young, key);

  return bucket ? bucket : g_hash_table_lookup (limiter->old, key);
}

gboolean
relay_limiter_take (RelayLimiter * limiter, const gchar * key, gint64 now_us)
{
  RelayBucket *bucket, *known;

  if (limiter->rate.burst <= 0)
    return TRUE;
  bucket = g_hash_table_lookup (limiter->young, key);
  if (!bucket) {
    known = g_hash_table_lookup (limiter->old, key);
    bucket = known ? g_memdup2 (known, sizeof *known) : g_new0 (RelayBucket, 1);
    g_hash_table_remove (limiter->old, key);
    if (g_hash_table_size (limiter->young) >= limiter->max_keys / 2) {
      g_hash_table_unref (limiter->old);
      limiter->old = limiter->young;
      limiter->young = table_new ();
    }
    g_hash_table_insert (limiter->young, g_strdup (key), bucket);
  }
  return relay_bucket_take (bucket, &limiter->rate, now_us, 1);
}

gboolean
relay_limiter_allows (RelayLimiter * limiter, const gchar * key, gint64 now_us)
{
  RelayBucket *bucket = find (limiter, key);

  if (limiter->rate.burst <= 0 || !bucket)
    return TRUE;
  return bucket_level (bucket, &limiter->rate, now_us) >= 1;
}

guint
relay_limiter_size (RelayLimiter * limiter)
{
  return g_hash_table_size (limiter->young) + g_hash_table_size (limiter->old);
}
