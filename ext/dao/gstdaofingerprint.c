/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * webrtcbin 1.22 compares fingerprints of SDP lines with each other, never with
 * the certificate. So this watches the elements it makes: nicesrc and nicesink
 * get probes that stop RTP and RTCP (first byte 128 to 191, RFC 7983) in both
 * directions, and the certificate that dtlsdec reports inside the handshake,
 * before SRTP keys exist, opens them. A wrong one closes them for everything.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaofingerprint.h"

#include <string.h>

/* Audio, video, its retransmissions and the sender of RTCP are 4; a peer may begin some anew. srtpdec keeps keys and
 * replay lists for every SSRC it sees, before it has verified a packet of it, and forgets none. */
#define MAX_SSRCS 32

GST_DEBUG_CATEGORY_STATIC (gst_dao_fingerprint_debug);
#define GST_CAT_DEFAULT gst_dao_fingerprint_debug

enum
{ GATE_HANDSHAKE, GATE_OPEN, GATE_SHUT };

struct _GstDaoFingerprintGuard
{
  gint refs;
  gint gate;                    /* atomic */

  GMutex lock;
  gboolean expected_set;
  gboolean told;
  GstDaoFingerprint expected;
  GstDaoFingerprintVerdict verdict;
  gpointer user_data;

  GstBin *webrtc;               /* not owned; NULL when closed */
  gulong added_id;
  GstDaoTransportCounts counts;
  guint32 ssrcs[MAX_SSRCS];     /* received, in the byte order of the network */
  guint n_ssrcs;
};

static const struct
{
  const gchar *name;
  GChecksumType type;
} hashes[] = {
  {"sha-256", G_CHECKSUM_SHA256},
  {"sha-384", G_CHECKSUM_SHA384},
  {"sha-512", G_CHECKSUM_SHA512},
};

static gboolean
parse_digest (const gchar * hex, guint8 * digest, gsize length)
{
  gsize i;

  for (i = 0; i < length; i++, hex += 3) {
    gint high = g_ascii_xdigit_value (hex[0]), low;

    if (high < 0 || (low = g_ascii_xdigit_value (hex[1])) < 0)
      return FALSE;
    if (hex[2] != (i + 1 < length ? ':' : '\0'))
      return FALSE;
    digest[i] = high << 4 | low;
  }
  return TRUE;
}

gboolean
gst_dao_fingerprint_parse (const gchar * value,
    GstDaoFingerprint * fingerprint)
{
  guint i;

  memset (fingerprint, 0, sizeof (*fingerprint));
  for (i = 0; i < G_N_ELEMENTS (hashes); i++) {
    gsize n = strlen (hashes[i].name);

    if (g_ascii_strncasecmp (value, hashes[i].name, n) || value[n] != ' ')
      continue;
    fingerprint->type = hashes[i].type;
    fingerprint->length = g_checksum_type_get_length (hashes[i].type);
    return parse_digest (value + n + 1, fingerprint->digest,
        fingerprint->length);
  }
  return FALSE;
}

gboolean
gst_dao_fingerprint_equal (const GstDaoFingerprint * a,
    const GstDaoFingerprint * b)
{
  return a->type == b->type && a->length == b->length
      && memcmp (a->digest, b->digest, a->length) == 0;
}

static guint8 *
pem_to_der (const gchar * pem, gsize * length)
{
  static const gchar begin[] = "-----BEGIN CERTIFICATE-----";
  const gchar *start = strstr (pem, begin), *end;
  gchar *body;
  guint8 *der;

  if (!start)
    return NULL;
  start += strlen (begin);
  end = strstr (start, "-----END CERTIFICATE-----");
  if (!end || strstr (end, begin))
    return NULL;
  body = g_strndup (start, end - start);
  der = g_base64_decode (body, length);
  g_free (body);
  return der;
}

gboolean
gst_dao_fingerprint_matches_pem (const GstDaoFingerprint * fingerprint,
    const gchar * pem)
{
  gsize der_length = 0, length = GST_DAO_FINGERPRINT_MAX;
  guint8 digest[GST_DAO_FINGERPRINT_MAX];
  guint8 *der = pem_to_der (pem, &der_length);
  GChecksum *checksum;

  if (!der || der_length == 0) {
    g_free (der);
    return FALSE;
  }
  checksum = g_checksum_new (fingerprint->type);
  g_checksum_update (checksum, der, der_length);
  g_checksum_get_digest (checksum, digest, &length);
  g_checksum_free (checksum);
  g_free (der);
  return length == fingerprint->length
      && memcmp (digest, fingerprint->digest, length) == 0;
}

static GstDaoFingerprintGuard *
guard_ref (GstDaoFingerprintGuard * guard)
{
  g_atomic_int_inc (&guard->refs);
  return guard;
}

void
gst_dao_fingerprint_guard_unref (GstDaoFingerprintGuard * guard)
{
  if (!g_atomic_int_dec_and_test (&guard->refs))
    return;
  g_mutex_clear (&guard->lock);
  g_free (guard);
}

static void
guard_unref_closure (gpointer data, GClosure * closure)
{
  gst_dao_fingerprint_guard_unref (data);
}

/* RTP and RTCP share the range, also when encrypted: RFC 7983, section 7 */
static gboolean
is_rtp (GstBuffer * buffer)
{
  guint8 first;

  return gst_buffer_extract (buffer, 0, &first, 1) == 1
      && first >= 128 && first <= 191;
}

/* RFC 5761, 4: RTCP packet types where RTP has marker and payload type */
static gboolean
is_rtcp (GstBuffer * buffer)
{
  guint8 type;

  return gst_buffer_extract (buffer, 1, &type, 1) == 1
      && type >= 192 && type <= 223;
}

/* Of an SSRC we know, or one of the first few. RFC 3550: at byte 8 of RTP (5.1), at byte 4 of RTCP (6.4), in clear in
 * SRTP, too. */
static gboolean
ssrc_is_allowed (GstDaoFingerprintGuard * guard, GstBuffer * buffer)
{
  guint32 ssrc;
  guint i;

  if (gst_buffer_extract (buffer, is_rtcp (buffer) ? 4 : 8, &ssrc, 4) != 4)
    return FALSE;
  for (i = 0; i < guard->n_ssrcs; i++)
    if (guard->ssrcs[i] == ssrc)
      return TRUE;
  if (guard->n_ssrcs == MAX_SSRCS)
    return FALSE;
  guard->ssrcs[guard->n_ssrcs++] = ssrc;
  return TRUE;
}

static gboolean
may_pass (GstDaoFingerprintGuard * guard, GstBuffer * buffer, gboolean in)
{
  gint gate = g_atomic_int_get (&guard->gate);
  gboolean rtp = is_rtp (buffer);
  gboolean pass = rtp ? gate == GATE_OPEN : gate != GATE_SHUT;
  gsize size = gst_buffer_get_size (buffer);

  g_mutex_lock (&guard->lock);
  if (pass && rtp && in)
    pass = ssrc_is_allowed (guard, buffer);
  if (in) {
    guard->counts.packets_received++;
    guard->counts.last_received_us = g_get_monotonic_time ();
  }
  if (!pass)
    guard->counts.blocked += rtp;
  else if (in) {
    guard->counts.rtp_received += rtp && !is_rtcp (buffer);
    guard->counts.bytes_received += size;
  } else {
    guard->counts.rtp_sent += rtp && !is_rtcp (buffer);
    guard->counts.bytes_sent += size;
  }
  g_mutex_unlock (&guard->lock);
  return pass;
}

typedef struct
{
  GstDaoFingerprintGuard *guard;
  gboolean in;
} ListFilter;

static gboolean
filter_list_item (GstBuffer ** buffer, guint index, gpointer user_data)
{
  ListFilter *filter = user_data;

  if (!may_pass (filter->guard, *buffer, filter->in))
    gst_clear_buffer (buffer);
  return TRUE;
}

static GstPadProbeReturn
filter_packets (GstDaoFingerprintGuard * guard, GstPadProbeInfo * info,
    gboolean in)
{
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
    GstBufferList *list =
        gst_buffer_list_make_writable (GST_PAD_PROBE_INFO_BUFFER_LIST (info));
    ListFilter filter = { guard, in };

    gst_buffer_list_foreach (list, filter_list_item, &filter);
    GST_PAD_PROBE_INFO_DATA (info) = list;
    return gst_buffer_list_length (list) ? GST_PAD_PROBE_OK :
        GST_PAD_PROBE_DROP;
  }
  return may_pass (guard, GST_PAD_PROBE_INFO_BUFFER (info), in) ?
      GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
}

static GstPadProbeReturn
on_received (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  return filter_packets (user_data, info, TRUE);
}

static GstPadProbeReturn
on_sent (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  return filter_packets (user_data, info, FALSE);
}

static void
add_probe (GstDaoFingerprintGuard * guard, GstElement * element,
    const gchar * pad_name, GstPadProbeCallback callback)
{
  GstPad *pad = gst_element_get_static_pad (element, pad_name);

  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, callback,
      guard_ref (guard), (GDestroyNotify) gst_dao_fingerprint_guard_unref);
  gst_object_unref (pad);
}

/* Inside the handshake, on the streaming thread of nicesrc. */
static void
on_peer_pem (GObject * dtlsdec, GParamSpec * pspec, gpointer user_data)
{
  GstDaoFingerprintGuard *guard = user_data;
  gboolean matches;
  gchar *pem = NULL;

  g_object_get (dtlsdec, "peer-pem", &pem, NULL);
  g_mutex_lock (&guard->lock);
  matches = pem && guard->expected_set
      && gst_dao_fingerprint_matches_pem (&guard->expected, pem);
  /* Once shut it stays shut; one wrong certificate on any transport is enough. */
  if (!matches)
    g_atomic_int_set (&guard->gate, GATE_SHUT);
  else
    g_atomic_int_compare_and_exchange (&guard->gate, GATE_HANDSHAKE,
        GATE_OPEN);
  /* Under the lock: once the guard is closed, none runs any more. */
  if (guard->verdict && !(guard->told && matches))
    guard->verdict (guard, matches, guard->user_data);
  guard->told = TRUE;
  g_mutex_unlock (&guard->lock);

  GST_INFO_OBJECT (dtlsdec, "certificate of the peer %s the signed fingerprint",
      matches ? "equals" : "DIFFERS FROM");
  g_free (pem);
}

static void
on_deep_element_added (GstBin * bin, GstBin * sub_bin, GstElement * element,
    gpointer user_data)
{
  GstDaoFingerprintGuard *guard = user_data;
  GstElementFactory *factory = gst_element_get_factory (element);
  const gchar *name = factory ? GST_OBJECT_NAME (factory) : "";

  if (g_str_equal (name, "nicesrc"))
    add_probe (guard, element, "src", on_received);
  else if (g_str_equal (name, "nicesink"))
    add_probe (guard, element, "sink", on_sent);
  else if (g_str_equal (name, "dtlsdec"))
    g_signal_connect_data (element, "notify::peer-pem",
        G_CALLBACK (on_peer_pem), guard_ref (guard), guard_unref_closure, 0);
}

GstDaoFingerprintGuard *
gst_dao_fingerprint_guard_new (GstBin * webrtc,
    GstDaoFingerprintVerdict verdict, gpointer user_data)
{
  static gsize debug_init = 0;
  GstDaoFingerprintGuard *guard = g_new0 (GstDaoFingerprintGuard, 1);

  if (g_once_init_enter (&debug_init)) {
    GST_DEBUG_CATEGORY_INIT (gst_dao_fingerprint_debug, "daofingerprint", 0,
        "DTLS certificate against signed SDP");
    g_once_init_leave (&debug_init, 1);
  }
  guard->refs = 1;
  guard->gate = GATE_HANDSHAKE;
  g_mutex_init (&guard->lock);
  guard->verdict = verdict;
  guard->user_data = user_data;
  guard->webrtc = webrtc;
  guard->added_id = g_signal_connect_data (webrtc, "deep-element-added",
      G_CALLBACK (on_deep_element_added), guard_ref (guard),
      guard_unref_closure, 0);
  return guard;
}

void
gst_dao_fingerprint_guard_close (GstDaoFingerprintGuard * guard)
{
  g_atomic_int_set (&guard->gate, GATE_SHUT);
  g_mutex_lock (&guard->lock);
  guard->verdict = NULL;
  g_mutex_unlock (&guard->lock);
  if (guard->webrtc)
    g_signal_handler_disconnect (guard->webrtc, guard->added_id);
  guard->webrtc = NULL;
}

void
gst_dao_fingerprint_guard_expect (GstDaoFingerprintGuard * guard,
    const GstDaoFingerprint * fingerprint)
{
  g_mutex_lock (&guard->lock);
  guard->expected = *fingerprint;
  guard->expected_set = TRUE;
  g_mutex_unlock (&guard->lock);
}

void
gst_dao_fingerprint_guard_get_counts (GstDaoFingerprintGuard * guard,
    GstDaoTransportCounts * counts)
{
  g_mutex_lock (&guard->lock);
  *counts = guard->counts;
  g_mutex_unlock (&guard->lock);
}
