/* gst-dao: sees every frame that the process encrypts
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A program that has seal-watch.c among its sources, and is linked with
 * export_dynamic, takes the place of two functions of libdao: it is told the key
 * and the IV of each frame, whoever encrypts it, and hands it on.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

void seal_watch_reset (void);
guint64 seal_watch_frames (void);
/* Distinct (key, base IV): epochs of all tracks and directions */
guint64 seal_watch_epochs (void);
/* Frames whose (key, IV) an earlier frame had: the end of GCM */
guint64 seal_watch_repeats (void);
/* (transfer full): the key of each epoch, in hex */
GPtrArray *seal_watch_keys (void);

G_END_DECLS
