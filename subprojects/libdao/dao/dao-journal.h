/* gst-dao: calls that must not come back to life
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Remembers for 5 minutes, across restarts of the process, which offers were accepted and which
 * call_ids are over (design, "Contract: our extensions"). The replay guard of the
 * envelopes is in memory only; a signed frame stays valid for a minute.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* protocol.md f, "signal window / nonce memory" */
#define DAO_JOURNAL_MEMORY_MS (5 * 60 * 1000)
/* Calls of one peer that are kept; the oldest goes first. A frame is valid for 60 s, so
 * a peer would have to place more calls than this within a minute to revive one. */
#define DAO_JOURNAL_MAX_PER_PEER 256
#define DAO_JOURNAL_MAX 4096

typedef struct _DaoJournal DaoJournal;

/**
 * dao_journal_load:
 * @path: (nullable): mode 0600; NULL = in memory only
 * @now_ms: wall clock
 *
 * A file that does not exist is an empty journal. One that cannot be read (damaged, or
 * others can read it) is an error: starting without it would let old offers ring.
 */
DaoJournal *dao_journal_load (const gchar * path, gint64 now_ms,
    GError ** error);
void dao_journal_free (DaoJournal * journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DaoJournal, dao_journal_free)

/**
 * dao_journal_add:
 * @nonce: (nullable): `_nonce` of the accepted offer; NULL when the call is over
 *
 * Writes the file at once; a failure to write is logged, the memory stays right.
 */
void dao_journal_add (DaoJournal * journal, const gchar * peer,
    const gchar * call_id, const gchar * nonce, gint64 now_ms);
/* The same of a call that we never had, without writing: a peer that sends hangups must not
 * keep our disk busy. The next dao_journal_add() writes it. */
void dao_journal_note (DaoJournal * journal, const gchar * peer,
    const gchar * call_id, gint64 now_ms);

/* Whether an offer of that call was accepted before, or the call is over. */
gboolean dao_journal_knows (DaoJournal * journal, const gchar * peer,
    const gchar * call_id, gint64 now_ms);
/* Whether an offer with this nonce was accepted before. */
gboolean dao_journal_knows_nonce (DaoJournal * journal, const gchar * peer,
    const gchar * nonce, gint64 now_ms);

G_END_DECLS
