/* gst-dao: SDP that a hostile peer makes of good SDP
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* (transfer full): @sdp after up to four random changes; ASCII. As likely as not it is still valid. */
gchar *hostile_change_sdp (GRand * rand, const gchar * sdp);
/* (transfer full): a candidate line, good or not; ASCII */
gchar *hostile_random_candidate (GRand * rand);
/* (transfer full): up to @max printable characters */
gchar *hostile_random_text (GRand * rand, guint max);

G_END_DECLS
