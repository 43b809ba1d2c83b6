/* gst-dao: what a test process uses, and what must not grow
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint fds, threads;
  gint64 bytes, rss;            /* in use (0 under a sanitizer), resident */
} Usage;

void usage_measure (Usage * usage);
/* A line of TAP comment; @what: "call 12" */
void usage_print (const Usage * usage, const gchar * what);
/* Workers close peer connections, and TCP and the relay take their time, too: measures until there are no more descriptors and
 * threads than in @limit, for 15 s at most; without @limit after 3 s. */
void usage_settle (Usage * usage, const Usage * limit);

G_END_DECLS
