/* gst-dao: time and counters of the accounts behind the elements of this process
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A program that has accountwatch.c among its sources, and is linked with export_dynamic, takes the place of the
 * functions of libdao and of the plugin that ask for the time: minutes of the protocol pass in seconds.
 */
#pragma once

#include "dao-envelope.h"
#include "dao-relay-private.h"

G_BEGIN_DECLS

/* The clock of calls runs @rate times as fast from now on (1 = as it should). A timer that runs already
 * keeps its time until the call is looked at again, every half second of an old clock. */
void account_watch_set_rate (guint rate);
/* The wall clock of @alias is early by @ms from now on. */
void account_watch_set_skew (const gchar * alias, gint64 ms);
/* What relay clients that are made from now on have; NULL: their own */
void account_watch_set_timing (const DaoRelayTiming * timing);

/* How many frames the account has dropped since it was opened; @alias must have received some. */
guint64 account_watch_dropped (const gchar * alias, DaoEnvelopeError why);
/* ... and how many were verified, but of no call it has */
guint64 account_watch_unrouted (const gchar * alias);

G_END_DECLS
