/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The fingerprint guard: no RTP or RTCP before the peer's DTLS certificate
 * equals the one in the signed SDP
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Longest hash we accept: sha-512 */
#define GST_DAO_FINGERPRINT_MAX 64

typedef struct
{
  GChecksumType type;           /* SHA256, SHA384 or SHA512 */
  guint8 digest[GST_DAO_FINGERPRINT_MAX];
  gsize length;
} GstDaoFingerprint;

/**
 * gst_dao_fingerprint_parse:
 * @value: value of an a=fingerprint line (RFC 8122), e.g. "sha-256 AB:CD:..."
 *
 * Weaker hashes than sha-256 are refused. Hex digits of either case.
 */
gboolean gst_dao_fingerprint_parse (const gchar * value,
    GstDaoFingerprint * fingerprint);
gboolean gst_dao_fingerprint_equal (const GstDaoFingerprint * a,
    const GstDaoFingerprint * b);
/* Whether @pem is one certificate with that fingerprint */
gboolean gst_dao_fingerprint_matches_pem (const GstDaoFingerprint *
    fingerprint, const gchar * pem);

typedef struct _GstDaoFingerprintGuard GstDaoFingerprintGuard;

/* Called from a streaming thread when the certificate was seen, and again for a later wrong one; must only post:
 * a lock of the guard is held, so that none is called after gst_dao_fingerprint_guard_close(). */
typedef void (*GstDaoFingerprintVerdict) (GstDaoFingerprintGuard * guard,
    gboolean matches, gpointer user_data);

/**
 * gst_dao_fingerprint_guard_new:
 * @webrtc: a webrtcbin without transports yet (in NULL or READY state)
 * @user_data: must stay valid until @webrtc is in NULL, which ends its threads
 *
 * Watches every ICE and DTLS element that @webrtc makes. Refcounted: probes hold references.
 */
GstDaoFingerprintGuard *gst_dao_fingerprint_guard_new (GstBin * webrtc,
    GstDaoFingerprintVerdict verdict, gpointer user_data);
/* Stops the verdict callback and closes the gate for good. */
void gst_dao_fingerprint_guard_close (GstDaoFingerprintGuard * guard);
void gst_dao_fingerprint_guard_unref (GstDaoFingerprintGuard * guard);

/* Before the remote description is set. Without it no certificate matches. */
void gst_dao_fingerprint_guard_expect (GstDaoFingerprintGuard * guard,
    const GstDaoFingerprint * fingerprint);

typedef struct
{
  guint64 packets_received;     /* of any kind but STUN, which libnice keeps */
  guint64 rtp_received;         /* RTP that was let through; RTCP counts only as a packet and bytes */
  guint64 rtp_sent;
  guint64 bytes_received;       /* let through */
  guint64 bytes_sent;
  guint64 blocked;              /* RTP and RTCP before the certificate was right */
  gint64 last_received_us;      /* g_get_monotonic_time, 0 = never */
} GstDaoTransportCounts;

void gst_dao_fingerprint_guard_get_counts (GstDaoFingerprintGuard * guard,
    GstDaoTransportCounts * counts);

G_END_DECLS
