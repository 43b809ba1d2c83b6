/* gst-dao: candidates that overtook their offer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * protocol.md e.7: frames are sent asynchronously, so a candidate can arrive first. They
 * are kept per (peer, call_id), with small caps, until the call is there.
 */
#pragma once

#include "dao-signal.h"

G_BEGIN_DECLS

/* A browser has some 10 to 20 candidates; the same cap as for a call (DAO_CALL_MAX_CANDIDATES). */
#define DAO_EARLY_ICE_MAX_CANDIDATES 64
#define DAO_EARLY_ICE_MAX_CALLS_PER_PEER 4
/* Peers are pinned contacts, so this bounds what all of them together can hold. */
#define DAO_EARLY_ICE_MAX_CALLS 256
/* The offer was sent before them; what has not come by then was lost. */
#define DAO_EARLY_ICE_MEMORY_MS 10000

typedef struct _DaoEarlyIce DaoEarlyIce;

DaoEarlyIce *dao_early_ice_new (void);
void dao_early_ice_free (DaoEarlyIce * early);

/* Takes @signal. FALSE if a cap was reached and it was dropped. */
gboolean dao_early_ice_push (DaoEarlyIce * early, DaoSignal * signal,
    gint64 now_ms);
/* Returns: (transfer full) (nullable): GPtrArray of DaoSignal* in order of arrival */
GPtrArray *dao_early_ice_take (DaoEarlyIce * early, const gchar * peer,
    const gchar * call_id, gint64 now_ms);

G_END_DECLS
