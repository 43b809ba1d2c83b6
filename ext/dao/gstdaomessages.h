/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element messages of a call
 */
#pragma once

#include "gstdaosession.h"

G_BEGIN_DECLS

/* `dao-account`: alias, online, reason (when offline): when it changes, and when a run begins */
void gst_dao_post_account (GstElement * element, const gchar * alias,
    gboolean online, const gchar * why);
/* `dao-incoming-call`: peer, is-video */
void gst_dao_post_incoming (GstElement * element, const gchar * peer,
    gboolean is_video);
/* `dao-call-state`: state, reason, call-id, peer, is-video, e2ee, downgraded, verified, relayed, duration */
void gst_dao_post_state (GstElement * element,
    const GstDaoSessionState * state);
/* `dao-call-stats`: the fields of the `stats` property */
void gst_dao_post_stats (GstElement * element, const GstStructure * stats);
/* `dao-call-ended`, the call record: the fields of dao-call-state, ended-at (UTC), bytes-sent, bytes-received */
void gst_dao_post_ended (GstElement * element,
    const GstDaoSessionState * state, const GstStructure * stats);

/* Does the end of a call that the pipeline string asked for count as an error? */
gboolean gst_dao_end_is_error (const GstDaoSessionState * state);
/* ERROR: what happened, to whom, what to do */
void gst_dao_post_end_error (GstElement * element,
    const GstDaoSessionState * state);

G_END_DECLS
