/* gst-dao: candidates that overtook their offer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-early-ice.h"

#include <string.h>

typedef struct
{
  gchar *peer;
  gchar *call_id;
  gint64 since_ms;
  GPtrArray *signals;
} Buffer;

struct _DaoEarlyIce
{
  GPtrArray *buffers;           /* Buffer*, oldest first */
};

static void
buffer_free (Buffer * buffer)
{
  g_free (buffer->peer);
  g_free (buffer->call_id);
  if (buffer->signals != NULL)
    g_ptr_array_unref (buffer->signals);
  g_free (buffer);
}

DaoEarlyIce *
dao_early_ice_new (void)
{
  DaoEarlyIce *early = g_new0 (DaoEarlyIce, 1);

  early->buffers = g_ptr_array_new_with_free_func (
      (GDestroyNotify) buffer_free);
  return early;
}

void
dao_early_ice_free (DaoEarlyIce * early)
{
  g_ptr_array_unref (early->buffers);
  g_free (early);
}

static void
expire (DaoEarlyIce * early, gint64 now_ms)
{
  guint i = 0;

  while (i < early->buffers->len) {
    const Buffer *buffer = g_ptr_array_index (early->buffers, i);

    if (ABS (now_ms - buffer->since_ms) > DAO_EARLY_ICE_MEMORY_MS)
      g_ptr_array_remove_index (early->buffers, i);
    else
      i++;
  }
}

static gboolean
find (DaoEarlyIce * early, const gchar * peer, const gchar * call_id,
    guint * index, guint * n_of_peer)
{
  guint i;

  *n_of_peer = 0;
  for (i = 0; i < early->buffers->len; i++) {
    const Buffer *buffer = g_ptr_array_index (early->buffers, i);

    if (strcmp (buffer->peer, peer) != 0)
      continue;
    (*n_of_peer)++;
    if (strcmp (buffer->call_id, call_id) == 0) {
      *index = i;
      return TRUE;
    }
  }
  return FALSE;
}

static Buffer *
buffer_for (DaoEarlyIce * early, const DaoSignal * signal, gint64 now_ms)
{
  guint index, n_of_peer;
  Buffer *buffer;

  if (find (early, signal->from, signal->call_id, &index, &n_of_peer))
    return g_ptr_array_index (early->buffers, index);
  if (n_of_peer >= DAO_EARLY_ICE_MAX_CALLS_PER_PEER
      || early->buffers->len >= DAO_EARLY_ICE_MAX_CALLS)
    return NULL;
  buffer = g_new0 (Buffer, 1);
  buffer->peer = g_strdup (signal->from);
  buffer->call_id = g_strdup (signal->call_id);
  buffer->since_ms = now_ms;
  buffer->signals = g_ptr_array_new_with_free_func (
      (GDestroyNotify) dao_signal_free);
  g_ptr_array_add (early->buffers, buffer);
  return buffer;
}

gboolean
dao_early_ice_push (DaoEarlyIce * early, DaoSignal * signal, gint64 now_ms)
{
  Buffer *buffer;

  expire (early, now_ms);
  buffer = buffer_for (early, signal, now_ms);
  if (buffer == NULL || buffer->signals->len >= DAO_EARLY_ICE_MAX_CANDIDATES) {
    dao_signal_free (signal);
    return FALSE;
  }
  g_ptr_array_add (buffer->signals, signal);
  return TRUE;
}

GPtrArray *
dao_early_ice_take (DaoEarlyIce * early, const gchar * peer,
    const gchar * call_id, gint64 now_ms)
{
  guint index, n_of_peer;
  GPtrArray *signals;
  Buffer *buffer;

  expire (early, now_ms);
  if (!find (early, peer, call_id, &index, &n_of_peer))
    return NULL;
  buffer = g_ptr_array_index (early->buffers, index);
  signals = g_steal_pointer (&buffer->signals);
  g_ptr_array_remove_index (early->buffers, index);
  return signals;
}
