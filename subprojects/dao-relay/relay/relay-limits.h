/* gst-dao: token buckets
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Times are microseconds of any monotonic clock, always handed in. */
typedef struct
{
  gdouble burst;                /* how much at once; 0 = no limit */
  gdouble per_second;           /* how fast it comes back */
} RelayRate;

typedef struct
{
  gint64 at_us;                 /* 0 = never used: full */
  gdouble tokens;
} RelayBucket;

/* Takes @cost or, if there is not that much, nothing. */
gboolean relay_bucket_take (RelayBucket * bucket, const RelayRate * rate,
    gint64 now_us, gdouble cost);

/* Buckets by key, at most @max_keys of them: under a flood of keys the ones used longest ago are forgotten (which lets their
 * owners start anew: a bound on memory matters more). */
typedef struct _RelayLimiter RelayLimiter;

RelayLimiter *relay_limiter_new (RelayRate rate, guint max_keys);
void relay_limiter_free (RelayLimiter * limiter);
gboolean relay_limiter_take (RelayLimiter * limiter, const gchar * key,
    gint64 now_us);
/* Would relay_limiter_take() succeed? */
gboolean relay_limiter_allows (RelayLimiter * limiter, const gchar * key,
    gint64 now_us);
guint relay_limiter_size (RelayLimiter * limiter);

G_END_DECLS
