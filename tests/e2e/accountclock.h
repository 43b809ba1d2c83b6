/* gst-dao: a hand on the accounts that elements of this process open: their clock, and what reached them
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Takes the place of functions of libdao, so the program needs export_dynamic.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Stops the wall clock of all accounts there: ms since the epoch. Not before the first call. */
void account_clock_stop (gint64 ms);
/* What they see, but for a skew; the real time before account_clock_stop(). ms */
gint64 account_clock_now (void);
/* The clock of the account with this identity file is wrong by @ms from now on. */
void account_clock_set_skew (const gchar * identity_path, gint64 ms);

/* Looks for a frame that contains @text; what one sender sent before it has then been dealt with. */
void account_clock_expect_frame (const gchar * text);
gboolean account_clock_frame_arrived (void);

G_END_DECLS
