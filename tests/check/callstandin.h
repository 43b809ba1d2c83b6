/* gst-dao: an element in the place of daosignaling, which the test drives
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gst/gst.h>

#include "dao-call.h"
#include "dao-frame.h"

G_BEGIN_DECLS

/* Every daocallsrc made after this has a stand-in inside. */
void call_standin_register (void);

/* (transfer none): the stand-in in @callsrc */
GstElement *call_standin_get (GstElement * callsrc);

/* What a call does; sets the property and tells */
void call_standin_set_state (GstElement * standin, DaoCallState state);
void call_standin_set_video (GstElement * standin, gboolean is_video);
/* From now on the call has this codec and no other: "video/x-vp8", ... */
void call_standin_agree (GstElement * standin, const gchar * media_type);

/* Received frames. (@buffer: transfer full) */
void call_standin_set_caps (GstElement * standin, DaoMedia media,
    const gchar * caps);
GstFlowReturn call_standin_push (GstElement * standin, DaoMedia media,
    GstBuffer * buffer);
/* The end of a call: EOS on the pads, then the message */
void call_standin_end (GstElement * standin);

/* What was sent to it: waits for the next frame. (transfer full) */
GstBuffer *call_standin_pull (GstElement * standin, DaoMedia media);
/* All frames so far, without waiting */
guint call_standin_count (GstElement * standin, DaoMedia media);
/* Forgets the frames so far. */
void call_standin_clear (GstElement * standin);
/* (transfer full) (nullable): of the sink pad */
GstCaps *call_standin_get_caps (GstElement * standin, DaoMedia media);
gboolean call_standin_has_sink (GstElement * standin, DaoMedia media);

/* Actions and events, in order, as "call(bob,1,0) hangup eos "; (transfer none) */
const gchar *call_standin_get_log (GstElement * standin);
/* Waits until the log contains @text. */
void call_standin_wait_log (GstElement * standin, const gchar * text);

G_END_DECLS
