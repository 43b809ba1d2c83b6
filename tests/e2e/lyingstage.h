/* gst-dao: Alice and Bob, with a relay between them that may lie
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Alice (account 0) calls Bob (1); Carol (2), if there is one, is a friend of both. Whatever the relay does, a call goes on
 * with whom it is said to be with, or it ends with a reason, and nobody else hears a word.
 */
#pragma once

#include "callend.h"
#include "lyingrelay.h"
#include "dao-envelope.h"

G_BEGIN_DECLS

/* protocol.md f in a second instead of 15: account_watch_set_rate() */
#define FAST 15

#define FRIENDS "GET /api/v1/friends"
#define ICE_CONFIG "GET /api/v1/calls/ice-config"

typedef struct
{
  CallFixture *f;
  LyingRelay *relay;
  CallEnd *alice, *bob;
} Stage;

/* Both are there and do not play yet: Alice will call Bob, who answers by himself. */
Stage *stage_new (guint n_accounts);
void stage_free (Stage * s);
const gchar *stage_name_of (Stage * s, guint account);
/* Their elements, anew; @options are more properties */
void stage_enter_alice (Stage * s, const gchar * options);
void stage_enter_bob (Stage * s, const gchar * options);
void stage_leave (CallEnd ** end);
void stage_tell (Stage * s, Lie lie);

/* Until each hears the other */
void stage_call (Stage * s);
/* The next call of the same two */
void stage_call_again (Stage * s);
void stage_hang_up (Stage * s);

/* Each hears the other. */
void stage_expect_talk (Stage * s);
/* The call goes on. */
void stage_expect_more (Stage * s);
/* Alice's call came to nothing, for that reason; nobody was heard. */
void stage_expect_failure (Stage * s, const gchar * reason);
/* In the end @end has dropped @n frames for that reason: they come on the thread of the relay. */
void stage_wait_dropped (CallEnd * end, DaoEnvelopeError why, guint64 n);
void stage_observe (void);

G_END_DECLS
