/* gst-dao: critical warnings of GStreamer 1.22 about itself
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef KNOWNCRITICALS_H
#define KNOWNCRITICALS_H

/**
 * known_criticals_allow:
 *
 * With G_DEBUG=fatal-criticals: every critical warning is still fatal, but for those of GStreamer's own threads that
 * knowncriticals.c lists and explains. They are printed.
 */
void known_criticals_allow (void);

#endif
