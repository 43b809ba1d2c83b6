/* gst-dao: looks at every RTP packet a call hands to webrtcbin, before SRTP
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * It knows nothing of the call's keys. From the encoded frames that went into the
 * element it remembers every aligned block of 16 bytes; a packet that holds one of
 * them at any place carries clear media.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _RtpTap RtpTap;

/* The tap of all webrtcbin elements that will be in @pipeline, which must be gone before the tap is. */
RtpTap *rtp_tap_new (GstBin * pipeline);
void rtp_tap_free (RtpTap * tap);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RtpTap, rtp_tap_free)

/* @pad: carries encoded frames that will be sent. */
void rtp_tap_watch_frames (RtpTap * tap, GstPad * pad);

/**
 * rtp_tap_report:
 *
 * Prints what was seen, "ok" or "FAIL" in front of each line.
 *
 * Returns: TRUE when audio and video were sent, no packet held a byte block of a clear frame, and
 *   each frame on the wire began with the next counter of its track
 */
gboolean rtp_tap_report (RtpTap * tap);

G_END_DECLS
