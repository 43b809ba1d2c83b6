/* gst-dao: the certificate guard: fingerprints, certificates, and a gate for packets
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The elements of a transport are stand-ins under the names the guard looks for.
 */
#include "gstdaofingerprint.h"

#include <string.h>

/* Self-signed, made for this test; the fingerprints are what openssl x509 -fingerprint says. */
static const gchar pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBeTCCAR+gAwIBAgIUKPCF+gTt9r5CpHMRjFAgkeM4ig0wCgYIKoZIzj0EAwIw\n"
    "ETEPMA0GA1UEAwwGV2ViUlRDMCAXDTI2MTEyMDEzMjExMloYDzIxMjYxMDI3MTMy\n"
    "MTEyWjARMQ8wDQYDVQQDDAZXZWJSVEMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n"
    "AAQXI+MsIIyvjZb0AU71YUH19/SAoLQvexZ4Y4zDzvG+ixMDvzbB8zTiKoCeJRvI\n"
    "mCD9wTXNpyA8R9dnGuojn/V/o1MwUTAdBgNVHQ4EFgQUQkRRrKaRkC4BAkzNspu0\n"
    "lM5T51QwHwYDVR0jBBgwFoAUQkRRrKaRkC4BAkzNspu0lM5T51QwDwYDVR0TAQH/\n"
    "BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEA9fpX4cyKQev5/cvVe0sKXI/cBRhc\n"
    "G5OjgemjnwNeUC8CICnzEjHM2M4/GW3+QjGqjtSmc/CQsseF8ugYCzmYbmqA\n"
    "-----END CERTIFICATE-----\n";
static const gchar other_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBeTCCAR+gAwIBAgIUE7BLkyHS3upEcmvG0Eaic5fHif0wCgYIKoZIzj0EAwIw\n"
    "ETEPMA0GA1UEAwwGV2ViUlRDMCAXDTI2MTEyMDEzMjExMloYDzIxMjYxMDI3MTMy\n"
    "MTEyWjARMQ8wDQYDVQQDDAZXZWJSVEMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n"
    "AASoLJ0iXMFf3Vgrz0To/+mvK6BFUJi1lutacrV1N+LwmdZIlbInJAGnnvVWl+rG\n"
    "xMCYLHSufFtVGUIm8gwdu4tfo1MwUTAdBgNVHQ4EFgQUyp7vQK21lLsCERTQJMaD\n"
    "PvCEpg4wHwYDVR0jBBgwFoAUyp7vQK21lLsCERTQJMaDPvCEpg4wDwYDVR0TAQH/\n"
    "BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiBxegXW9jOlxq298ode20toYNrHBYkn\n"
    "ubIqE+geOVqOFAIhAJkCIdLa+UZ+Cn3/APM8ObgAvMAIAbNmgZ94PoD26L2P\n"
    "-----END CERTIFICATE-----\n";

#define SHA256 \
    "03:9C:E3:AA:39:05:69:8D:03:89:6B:9A:69:A1:C4:20:" \
    "A0:AB:6B:13:F3:0F:C8:6A:95:7D:C5:82:09:04:50:05"
#define SHA384 \
    "77:35:0A:D4:88:1B:E8:B5:6D:3C:5A:3A:DD:FF:A5:14:" \
    "81:1D:85:1D:85:3A:F9:FF:65:3F:93:04:C4:29:3D:FC:" \
    "C3:47:F2:7B:3E:3E:8E:7B:58:54:2D:0B:9C:99:67:A8"
#define SHA512 \
    "EA:29:F5:0B:8E:47:E5:04:65:DE:21:40:42:1B:07:43:" \
    "0E:33:89:9C:C0:23:23:60:56:23:DC:94:98:AD:DA:C2:" \
    "D0:CB:90:5D:9A:76:55:D7:4E:04:BE:B6:01:F0:29:04:" \
    "B1:F8:D3:0C:A4:BF:88:B5:90:71:69:5C:D0:29:1C:4C"

/* --- reading --- */

static void
test_parse (void)
{
  static const struct
  {
    const gchar *value;
    gboolean ok;
  } table[] = {
    {"sha-256 " SHA256, TRUE},
    {"SHA-256 " SHA256, TRUE},
    {"sha-384 " SHA384, TRUE},
    {"sha-512 " SHA512, TRUE},
    {"sha-256", FALSE},
    {"sha-256 ", FALSE},
    {"", FALSE},
    {" sha-256 " SHA256, FALSE},
    {"sha-256  " SHA256, FALSE},
    {"sha-256 " SHA256 ":00", FALSE},
    {"sha-256 " SHA256 " ", FALSE},
    {"sha-256 " SHA384, FALSE},
    {"sha-384 " SHA256, FALSE},
    {"sha-2567 " SHA256, FALSE},
    {"sha-224 " SHA256, FALSE},
    {"sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB",
        FALSE},
    {"md5 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B", FALSE},
    {"sha-256 G" SHA256, FALSE},
    {"sha-256 AB-CD", FALSE},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (table); i++) {
    GstDaoFingerprint fingerprint;

    g_test_message ("'%s'", table[i].value);
    g_assert_cmpint (gst_dao_fingerprint_parse (table[i].value, &fingerprint),
        ==, table[i].ok);
  }
}

static void
parse (const gchar * value, GstDaoFingerprint * fingerprint)
{
  g_assert_true (gst_dao_fingerprint_parse (value, fingerprint));
}

static void
test_equal (void)
{
  gchar *lower = g_ascii_strdown ("SHA-256 " SHA256, -1);
  GstDaoFingerprint a, b;

  parse ("sha-256 " SHA256, &a);
  parse (lower, &b);
  g_assert_true (gst_dao_fingerprint_equal (&a, &b));
  b.digest[31] ^= 1;
  g_assert_false (gst_dao_fingerprint_equal (&a, &b));
  parse ("sha-384 " SHA384, &b);
  g_assert_false (gst_dao_fingerprint_equal (&a, &b));
  g_free (lower);
}

static void
test_matches_pem (void)
{
  static const gchar *const values[] = { "sha-256 " SHA256,
    "sha-384 " SHA384, "sha-512 " SHA512
  };
  GstDaoFingerprint fingerprint;
  gchar *text;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (values); i++) {
    parse (values[i], &fingerprint);
    g_assert_true (gst_dao_fingerprint_matches_pem (&fingerprint, pem));
    g_assert_false (gst_dao_fingerprint_matches_pem (&fingerprint, other_pem));
    fingerprint.digest[fingerprint.length - 1] ^= 1;
    g_assert_false (gst_dao_fingerprint_matches_pem (&fingerprint, pem));
  }
  parse (values[0], &fingerprint);
  g_assert_false (gst_dao_fingerprint_matches_pem (&fingerprint, ""));
  g_assert_false (gst_dao_fingerprint_matches_pem (&fingerprint,
          "-----BEGIN CERTIFICATE----------END CERTIFICATE-----"));
  g_assert_false (gst_dao_fingerprint_matches_pem (&fingerprint,
          "-----BEGIN CERTIFICATE-----AAAA"));
  /* Which of two would have been used is not known here. */
  text = g_strconcat (pem, other_pem, NULL);
  g_assert_false (gst_dao_fingerprint_matches_pem (&fingerprint, text));
  g_free (text);
}

/* --- stand-ins for a transport --- */

typedef struct
{
  GstElement parent;
  gchar *peer_pem;
} Stand;

typedef struct
{
  GstElementClass parent_class;
} StandClass;

static GType stand_get_type (void);
G_DEFINE_TYPE (Stand, stand, GST_TYPE_ELEMENT);

static void
stand_set_property (GObject * object, guint id, const GValue * value,
    GParamSpec * pspec)
{
  g_free (((Stand *) object)->peer_pem);
  ((Stand *) object)->peer_pem = g_value_dup_string (value);
}

static void
stand_get_property (GObject * object, guint id, GValue * value,
    GParamSpec * pspec)
{
  g_value_set_string (value, ((Stand *) object)->peer_pem);
}

static void
stand_finalize (GObject * object)
{
  g_free (((Stand *) object)->peer_pem);
  G_OBJECT_CLASS (stand_parent_class)->finalize (object);
}

static void
stand_class_init (StandClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = stand_set_property;
  object_class->get_property = stand_get_property;
  object_class->finalize = stand_finalize;
  g_object_class_install_property (object_class, 1,
      g_param_spec_string ("peer-pem", "", "", NULL, G_PARAM_READWRITE));
}

static GstFlowReturn
swallow (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static GstFlowReturn
swallow_list (GstPad * pad, GstObject * parent, GstBufferList * list)
{
  gst_buffer_list_unref (list);
  return GST_FLOW_OK;
}

static gboolean
swallow_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  gst_event_unref (event);
  return TRUE;
}

static void
stand_init (Stand * stand)
{
  GstPad *sink = gst_pad_new ("sink", GST_PAD_SINK);

  gst_pad_set_chain_function (sink, swallow);
  gst_pad_set_chain_list_function (sink, swallow_list);
  gst_pad_set_event_function (sink, swallow_event);
  gst_element_add_pad (GST_ELEMENT (stand), sink);
  gst_element_add_pad (GST_ELEMENT (stand), gst_pad_new ("src", GST_PAD_SRC));
}

/* One type a factory: the factory of an element is found by its type. */
#define DEFINE_STAND(Name, name) \
  typedef Stand Name; \
  typedef StandClass Name##Class; \
  static GType name##_get_type (void); \
  G_DEFINE_TYPE (Name, name, stand_get_type ()) \
  static void name##_class_init (Name##Class * klass) \
  { \
    gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), \
        #Name, "Fake", "Stands in for it", "gst-dao"); \
  } \
  static void name##_init (Name * stand) { }

DEFINE_STAND (FakeNiceSrc, fake_nice_src)
DEFINE_STAND (FakeNiceSink, fake_nice_sink)
DEFINE_STAND (FakeDtlsDec, fake_dtls_dec)

typedef struct
{
  GstElement *bin;
  GstDaoFingerprintGuard *guard;
  GstElement *src, *sink, *dec;
  GstPad *received;             /* where nicesrc's packets arrive */
  GstPad *sent;                 /* what feeds nicesink */
  guint n_received;
  guint verdicts, matches;
} Transport;

static GstFlowReturn
count (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  ++*(guint *) gst_pad_get_element_private (pad);
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static void
on_verdict (GstDaoFingerprintGuard * guard, gboolean matches, gpointer data)
{
  Transport *t = data;

  t->verdicts++;
  t->matches += matches;
}

static void
start (GstPad * pad, GstPad * peer)
{
  GstSegment segment;

  gst_pad_set_active (pad, TRUE);
  gst_pad_set_active (peer, TRUE);
  g_assert_cmpint (gst_pad_link (pad, peer), ==, GST_PAD_LINK_OK);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (pad, gst_event_new_stream_start ("t"));
  gst_pad_push_event (pad, gst_event_new_segment (&segment));
}

/* As webrtcbin does it: a sub-bin comes with its elements. */
static void
add_transport (Transport * t)
{
  GstElement *sub = gst_bin_new (NULL);
  GstPad *pad;

  t->src = gst_element_factory_make ("nicesrc", NULL);
  t->sink = gst_element_factory_make ("nicesink", NULL);
  t->dec = gst_element_factory_make ("dtlsdec", NULL);
  g_assert_true (G_OBJECT_TYPE (t->src) == fake_nice_src_get_type ());
  gst_bin_add_many (GST_BIN (sub), t->src, t->dec, NULL);
  gst_bin_add (GST_BIN (t->bin), sub);
  gst_bin_add (GST_BIN (t->bin), t->sink);

  t->received = gst_object_ref_sink (gst_pad_new ("in", GST_PAD_SINK));
  gst_pad_set_element_private (t->received, &t->n_received);
  gst_pad_set_chain_function (t->received, count);
  pad = gst_element_get_static_pad (t->src, "src");
  start (pad, t->received);
  gst_object_unref (pad);

  t->sent = gst_object_ref_sink (gst_pad_new ("out", GST_PAD_SRC));
  pad = gst_element_get_static_pad (t->sink, "sink");
  start (t->sent, pad);
  gst_object_unref (pad);
}

static void
set_up (Transport * t, const gchar * expected)
{
  GstDaoFingerprint fingerprint;

  memset (t, 0, sizeof (*t));
  t->bin = gst_object_ref_sink (gst_bin_new (NULL));
  t->guard = gst_dao_fingerprint_guard_new (GST_BIN (t->bin), on_verdict, t);
  if (expected) {
    parse (expected, &fingerprint);
    gst_dao_fingerprint_guard_expect (t->guard, &fingerprint);
  }
  add_transport (t);
}

static void
tear_down (Transport * t)
{
  gst_dao_fingerprint_guard_close (t->guard);
  gst_dao_fingerprint_guard_unref (t->guard);
  gst_pad_set_active (t->sent, FALSE);
  gst_object_unref (t->sent);
  gst_object_unref (t->received);
  gst_object_unref (t->bin);
}

static GstBuffer *
packet (guint8 first)
{
  guint8 data[12] = { first, };

  return gst_buffer_new_memdup (data, sizeof (data));
}

/* Whether a packet with this first byte comes through */
static gboolean
receives (Transport * t, guint8 first)
{
  guint before = t->n_received;
  GstPad *pad = gst_element_get_static_pad (t->src, "src");

  g_assert_cmpint (gst_pad_push (pad, packet (first)), ==, GST_FLOW_OK);
  gst_object_unref (pad);
  return t->n_received > before;
}

static gboolean
sends (Transport * t, guint8 first)
{
  GstDaoTransportCounts before, after;

  gst_dao_fingerprint_guard_get_counts (t->guard, &before);
  g_assert_cmpint (gst_pad_push (t->sent, packet (first)), ==, GST_FLOW_OK);
  gst_dao_fingerprint_guard_get_counts (t->guard, &after);
  return after.bytes_sent > before.bytes_sent;
}

static void
show (Transport * t, const gchar * certificate)
{
  g_object_set (t->dec, "peer-pem", certificate, NULL);
}

/* RFC 7983: STUN 0-3, DTLS 20-63, TURN 64-79, RTP and RTCP 128-191 */
static void
assert_gate (Transport * t, gboolean rtp, gboolean other)
{
  static const guint8 others[] = { 0, 3, 20, 22, 63, 64, 79, 127, 192, 255 };
  static const guint8 rtps[] = { 128, 129, 144, 191 };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (others); i++) {
    g_assert_cmpint (receives (t, others[i]), ==, other);
    g_assert_cmpint (sends (t, others[i]), ==, other);
  }
  for (i = 0; i < G_N_ELEMENTS (rtps); i++) {
    g_assert_cmpint (receives (t, rtps[i]), ==, rtp);
    g_assert_cmpint (sends (t, rtps[i]), ==, rtp);
  }
}

/* --- the gate --- */

static void
test_right_certificate (void)
{
  GstDaoTransportCounts counts;
  Transport t;

  set_up (&t, "sha-256 " SHA256);
  assert_gate (&t, FALSE, TRUE);
  gst_dao_fingerprint_guard_get_counts (t.guard, &counts);
  g_assert_cmpuint (counts.rtp_received + counts.rtp_sent, ==, 0);
  g_assert_cmpuint (counts.blocked, ==, 8);
  show (&t, pem);
  assert_gate (&t, TRUE, TRUE);
  g_assert_cmpuint (t.verdicts, ==, 1);
  g_assert_cmpuint (t.matches, ==, 1);
  gst_dao_fingerprint_guard_get_counts (t.guard, &counts);
  g_assert_cmpuint (counts.rtp_received, ==, 4);
  g_assert_cmpuint (counts.rtp_sent, ==, 4);
  g_assert_cmpuint (counts.blocked, ==, 8);
  tear_down (&t);
}

static void
test_wrong_certificate (void)
{
  Transport t;

  set_up (&t, "sha-256 " SHA256);
  show (&t, other_pem);
  g_assert_cmpuint (t.verdicts, ==, 1);
  g_assert_cmpuint (t.matches, ==, 0);
  /* also for DTLS: the handshake shall not end */
  assert_gate (&t, FALSE, FALSE);
  /* and for good */
  show (&t, pem);
  assert_gate (&t, FALSE, FALSE);
  tear_down (&t);
}

static void
test_no_certificate_expected (void)
{
  Transport t;

  set_up (&t, NULL);
  show (&t, pem);
  assert_gate (&t, FALSE, FALSE);
  g_assert_cmpuint (t.matches, ==, 0);
  tear_down (&t);
  set_up (&t, "sha-256 " SHA256);
  show (&t, NULL);
  assert_gate (&t, FALSE, FALSE);
  tear_down (&t);
}

/* A second handshake with another certificate */
static void
test_certificate_changes (void)
{
  Transport t;

  set_up (&t, "sha-256 " SHA256);
  show (&t, pem);
  show (&t, pem);
  g_assert_cmpuint (t.verdicts, ==, 1);
  assert_gate (&t, TRUE, TRUE);
  show (&t, other_pem);
  g_assert_cmpuint (t.verdicts, ==, 2);
  g_assert_cmpuint (t.matches, ==, 1);
  assert_gate (&t, FALSE, FALSE);
  tear_down (&t);
}

static void
remove_pads (Transport * t)
{
  gst_pad_set_active (t->sent, FALSE);
  gst_object_unref (t->sent);
  gst_object_unref (t->received);
}

/* A second transport of the same peer connection */
static void
test_second_transport (void)
{
  Transport t, first;

  set_up (&t, "sha-256 " SHA256);
  show (&t, pem);
  first = t;
  add_transport (&t);
  assert_gate (&t, TRUE, TRUE);
  show (&t, other_pem);
  assert_gate (&t, FALSE, FALSE);
  assert_gate (&first, FALSE, FALSE);
  remove_pads (&first);
  tear_down (&t);
}

/* A guard that is closed tells nobody, and its elements are shut. */
static void
test_closed (void)
{
  Transport t;

  set_up (&t, "sha-256 " SHA256);
  gst_dao_fingerprint_guard_close (t.guard);
  show (&t, pem);
  g_assert_cmpuint (t.verdicts, ==, 0);
  assert_gate (&t, FALSE, FALSE);
  tear_down (&t);
}

static void
test_buffer_lists (void)
{
  static const guint8 firsts[] = { 22, 128, 0, 144, 191 };
  GstBufferList *list = gst_buffer_list_new ();
  GstBufferList *held;
  GstDaoTransportCounts counts;
  Transport t;
  GstPad *pad;
  guint i;

  set_up (&t, "sha-256 " SHA256);
  pad = gst_element_get_static_pad (t.src, "src");
  for (i = 0; i < G_N_ELEMENTS (firsts); i++)
    gst_buffer_list_add (list, packet (firsts[i]));
  held = gst_buffer_list_ref (list);
  gst_pad_push_list (pad, gst_buffer_list_ref (list));
  g_assert_cmpuint (t.n_received, ==, 2);
  /* Somebody else's list stays as it is. */
  g_assert_cmpuint (gst_buffer_list_length (held), ==, 5);
  gst_buffer_list_unref (held);
  gst_pad_push_list (t.sent, list);
  gst_dao_fingerprint_guard_get_counts (t.guard, &counts);
  g_assert_cmpuint (counts.rtp_sent, ==, 0);
  g_assert_cmpuint (counts.bytes_sent, ==, 24);
  g_assert_cmpuint (counts.blocked, ==, 6);

  /* a list of nothing but RTP, an empty packet */
  list = gst_buffer_list_new ();
  gst_buffer_list_add (list, packet (128));
  gst_pad_push_list (pad, list);
  gst_pad_push (pad, gst_buffer_new ());
  g_assert_cmpuint (t.n_received, ==, 3);
  gst_object_unref (pad);
  tear_down (&t);
}

/* A peer that only reports, and one whose reports never end, sends no media: the rule of 15 s counts packets of
 * RTP. RFC 5761, 4: packet types of RTCP are 192 to 223 where RTP has marker and payload type. */
static void
test_guard_rtcp_is_no_media (void)
{
  GstDaoTransportCounts counts;
  GstBufferList *list;
  Transport t;
  GstPad *pad;
  guint type;

  set_up (&t, "sha-256 " SHA256);
  show (&t, pem);
  pad = gst_element_get_static_pad (t.src, "src");
  for (type = 0; type < 256; type++) {
    GstBuffer *buffer = packet (128);

    gst_buffer_memset (buffer, 1, type, 1);
    gst_pad_push (pad, gst_buffer_ref (buffer));
    list = gst_buffer_list_new ();
    gst_buffer_list_add (list, gst_buffer_ref (buffer));
    gst_pad_push_list (pad, list);
    gst_pad_push (t.sent, buffer);
  }
  g_assert_cmpint (t.n_received, ==, 2 * 256);
  gst_dao_fingerprint_guard_get_counts (t.guard, &counts);
  g_assert_cmpuint (counts.packets_received, ==, 2 * 256);
  g_assert_cmpuint (counts.rtp_received, ==, 2 * (256 - 32));
  g_assert_cmpuint (counts.rtp_sent, ==, 256 - 32);
  gst_object_unref (pad);
  tear_down (&t);
}

static GstBuffer *
packet_of (guint8 type, guint32 ssrc)
{
  GstBuffer *buffer = packet (128);
  guint32 big_endian = GUINT32_TO_BE (ssrc);

  gst_buffer_memset (buffer, 1, type, 1);
  gst_buffer_fill (buffer, type == 200 ? 4 : 8, &big_endian, 4);
  return buffer;
}

/* Each SSRC is keys and a replay list in srtpdec, before a packet of it is verified. */
static void
test_guard_number_of_ssrcs (void)
{
  GstDaoTransportCounts counts;
  Transport t;
  GstPad *pad;
  guint ssrc;

  set_up (&t, "sha-256 " SHA256);
  pad = gst_element_get_static_pad (t.src, "src");
  /* Those of packets that are stopped anyway do not count. */
  for (ssrc = 0; ssrc < 100; ssrc++)
    gst_pad_push (pad, packet_of (111, 0x1000 + ssrc));
  show (&t, pem);
  for (ssrc = 0; ssrc < 1000; ssrc++) {
    gst_pad_push (pad, packet_of (111, 0x2000 + ssrc / 2));
    gst_pad_push (pad, packet_of (200, 0x8000 + ssrc / 2));
  }
  g_assert_cmpuint (t.n_received, ==, 2 * 32);
  gst_dao_fingerprint_guard_get_counts (t.guard, &counts);
  g_assert_cmpuint (counts.blocked, ==, 100 + 2000 - 2 * 32);
  /* Those that were there first go on; what has no SSRC is none of it, and what we send is our own affair. */
  gst_pad_push (pad, packet_of (111, 0x2000));
  gst_pad_push (pad, packet_of (200, 0x8000));
  g_assert_cmpuint (t.n_received, ==, 2 * 33);
  gst_pad_push (pad, gst_buffer_new_memdup ("\x80\x6f\0\0\0\0\0\0\0\0\x20",
          11));
  g_assert_cmpuint (t.n_received, ==, 2 * 33);
  for (ssrc = 0; ssrc < 100; ssrc++)
    gst_pad_push (t.sent, packet_of (111, ssrc));
  gst_dao_fingerprint_guard_get_counts (t.guard, &counts);
  g_assert_cmpuint (counts.rtp_sent, ==, 100);
  gst_object_unref (pad);
  tear_down (&t);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  gst_element_register (NULL, "nicesrc", GST_RANK_NONE,
      fake_nice_src_get_type ());
  gst_element_register (NULL, "nicesink", GST_RANK_NONE,
      fake_nice_sink_get_type ());
  gst_element_register (NULL, "dtlsdec", GST_RANK_NONE,
      fake_dtls_dec_get_type ());
  g_test_add_func ("/fingerprint/parse", test_parse);
  g_test_add_func ("/fingerprint/equal", test_equal);
  g_test_add_func ("/fingerprint/matches-pem", test_matches_pem);
  g_test_add_func ("/fingerprint/right-certificate", test_right_certificate);
  g_test_add_func ("/fingerprint/wrong-certificate", test_wrong_certificate);
  g_test_add_func ("/fingerprint/no-certificate-expected",
      test_no_certificate_expected);
  g_test_add_func ("/fingerprint/certificate-changes",
      test_certificate_changes);
  g_test_add_func ("/fingerprint/second-transport", test_second_transport);
  g_test_add_func ("/fingerprint/closed", test_closed);
  g_test_add_func ("/fingerprint/buffer-lists", test_buffer_lists);
  g_test_add_func ("/fingerprint/guard-rtcp-is-no-media",
      test_guard_rtcp_is_no_media);
  g_test_add_func ("/fingerprint/guard-number-of-ssrcs",
      test_guard_number_of_ssrcs);
  return g_test_run ();
}
