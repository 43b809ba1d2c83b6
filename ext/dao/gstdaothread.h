/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The one thread on which all signaling of the process runs
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* The context of the signaling thread, started on first use; lives as long as the process. */
GMainContext *gst_dao_thread_context (void);
gboolean gst_dao_thread_is_current (void);

/**
 * gst_dao_thread_post:
 * @func: runs once on the signaling thread, in the order of posting
 * @data: (transfer full): freed with @destroy after @func, or if it never runs
 *
 * Never blocks, may be called from any thread and with no lock held.
 */
void gst_dao_thread_post (GFunc func, gpointer data, GDestroyNotify destroy);

/**
 * gst_dao_thread_add_timeout:
 *
 * Calls @func on the signaling thread every @interval_ms until it returns
 * FALSE. Signaling thread only.
 *
 * Returns: (transfer full): the source; g_source_destroy() cancels it
 */
GSource *gst_dao_thread_add_timeout (guint interval_ms, GSourceFunc func,
    gpointer data);
/* Cancels and forgets @source, if there is one. */
void gst_dao_clear_source (GSource ** source);

/**
 * gst_dao_thread_run_worker:
 *
 * Runs @func on a pool thread: for what may block (webrtcbin going to NULL,
 * making the DTLS certificate).
 */
void gst_dao_thread_run_worker (GFunc func, gpointer data);

G_END_DECLS
