/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The last flight of our DTLS handshake, sent again before OpenSSL would
 *
 * OpenSSL waits 1 s before it repeats a flight, then 2, 4 and 8 (RFC 6347, 4.2.4.1), and the last flight of a server it repeats
 * only when the client asks again: at 5 % loss one end of a call was up to 7 s later than the other. That section lets
 * applications for which time matters wait less. GStreamer gives no way to tell OpenSSL so, but the packets pass here.
 * A packet that did arrive is dropped by the receiver's replay check (4.1.2.6).
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _GstDaoDtlsFlight GstDaoDtlsFlight;

/* Pure logic: what passes and the time go in. Safe to use from several threads. Refcounted: probes hold references. */
GstDaoDtlsFlight *gst_dao_dtls_flight_new (void);
void gst_dao_dtls_flight_unref (GstDaoDtlsFlight * flight);

/* A packet passes, of whatever kind. @now_us: of g_get_monotonic_time() */
void gst_dao_dtls_flight_sent (GstDaoDtlsFlight * flight, GstBuffer * packet,
    gint64 now_us);
void gst_dao_dtls_flight_received (GstDaoDtlsFlight * flight,
    GstBuffer * packet);

/* (transfer full) (nullable) (element-type GBytes): what is to be sent again now, in its order */
GPtrArray *gst_dao_dtls_flight_get_due (GstDaoDtlsFlight * flight,
    gint64 now_us);
/* Media came: the other side has finished, and nothing is ever due again. */
gboolean gst_dao_dtls_flight_is_over (GstDaoDtlsFlight * flight);

/* Follows what the nicesrc and nicesink that @webrtc makes hand on. @webrtc: without transports yet */
void gst_dao_dtls_flight_watch (GstDaoDtlsFlight * flight, GstBin * webrtc);

G_END_DECLS
