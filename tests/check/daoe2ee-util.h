/* gst-dao: helpers of the tests of daoe2eeenc and daoe2eedec
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>

#include "dao-frame.h"

#define VP8_CAPS "video/x-vp8, width=(int)320, height=(int)240"
#define VP9_CAPS "video/x-vp9"
#define OPUS_CAPS "audio/x-opus, rate=(int)48000, channels=(int)2, " \
    "channel-mapping-family=(int)0"
#define CIPHER_VP8 "application/x-dao-e2ee, media=(string)video, " \
    "encoding-name=(string)VP8"
#define CIPHER_VP9 "application/x-dao-e2ee, media=(string)video, " \
    "encoding-name=(string)VP9"
#define CIPHER_OPUS "application/x-dao-e2ee, media=(string)audio, " \
    "encoding-name=(string)OPUS"

/* Frames that look like the codec's. */
GstBuffer *vp8_key (guint width, guint height);
GstBuffer *vp8_delta (void);
GstBuffer *opus_frame (guint8 value);
GstBuffer *with_pts (GstBuffer * buffer, GstClockTime pts);
gchar *new_hex (void);
GstHarness *new_enc (const gchar * hex, const gchar * caps);
GstHarness *new_dec (const gchar * hex, const gchar * caps);
GstBus *watch (GstHarness * h);
void unwatch (GstHarness * h, GstBus * bus);
void assert_error (GstBus * bus, gint code);
guint64 stat_of (GstHarness * h, const gchar * name);
void assert_buffer (GstBuffer * buffer, GstBuffer * expected);
GstBuffer *encrypt (GstHarness * enc, GstBuffer * clear);
void push_ok (GstHarness * h, GstBuffer * buffer);
guint key_requests (GstHarness * h);
