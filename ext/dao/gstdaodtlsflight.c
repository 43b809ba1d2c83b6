/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaodtlsflight.h"

/* A round trip within one continent: mostly the answer is there before. */
#define FIRST_REPEAT_US (100 * G_TIME_SPAN_MILLISECOND)
/* At 100, 300, 700, 1500 and 3100 ms, by when OpenSSL has taken over */
#define MAX_REPEATS 5
/* The packets of a flight leave at once; what comes later is another, or the same from OpenSSL's own timer. */
#define SAME_FLIGHT_US (30 * G_TIME_SPAN_MILLISECOND)
/* The largest flight is certificate, key exchange, verify and finished: 4 packets. */
#define MAX_PACKETS 16
/* No packet of DTLS is larger than what a path carries. */
#define MAX_PACKET_SIZE 2048

struct _GstDaoDtlsFlight
{
  gint refs;

  GMutex lock;
  GPtrArray *packets;           /* GBytes */
  gint64 sent_us;               /* the last of them */
  gint64 due_us;
  guint repeats;
  gboolean answered;            /* something came since */
  gboolean over;
};

GstDaoDtlsFlight *
gst_dao_dtls_flight_new (void)
{
  GstDaoDtlsFlight *flight = g_new0 (GstDaoDtlsFlight, 1);

  flight->refs = 1;
  g_mutex_init (&flight->lock);
  flight->packets =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  return flight;
}

static GstDaoDtlsFlight *
flight_ref (GstDaoDtlsFlight * flight)
{
  g_atomic_int_inc (&flight->refs);
  return flight;
}

void
gst_dao_dtls_flight_unref (GstDaoDtlsFlight * flight)
{
  if (!g_atomic_int_dec_and_test (&flight->refs))
    return;
  g_ptr_array_unref (flight->packets);
  g_mutex_clear (&flight->lock);
  g_free (flight);
}

/* RFC 7983, 7; of DTLS the records of a handshake: change_cipher_spec and handshake, but no alert (RFC 6347, 4.1) */
static gboolean
is_handshake (guint8 first)
{
  return first == 20 || first == 22;
}

static gboolean
is_media (guint8 first)
{
  return first >= 128 && first <= 191;
}

void
gst_dao_dtls_flight_sent (GstDaoDtlsFlight * flight, GstBuffer * packet,
    gint64 now_us)
{
  gsize size = gst_buffer_get_size (packet);
  guint8 first, *copy;

  if (gst_buffer_extract (packet, 0, &first, 1) != 1 || !is_handshake (first))
    return;
  g_mutex_lock (&flight->lock);
  if (flight->packets->len == 0 || flight->answered
      || now_us - flight->sent_us > SAME_FLIGHT_US) {
    g_ptr_array_set_size (flight->packets, 0);
    flight->answered = FALSE;
    flight->repeats = 0;
    flight->due_us = now_us + FIRST_REPEAT_US;
  }
  if (!flight->over && flight->packets->len < MAX_PACKETS
      && size <= MAX_PACKET_SIZE) {
    copy = g_malloc (size);
    gst_buffer_extract (packet, 0, copy, size);
    g_ptr_array_add (flight->packets, g_bytes_new_take (copy, size));
  }
  flight->sent_us = now_us;
  g_mutex_unlock (&flight->lock);
}

void
gst_dao_dtls_flight_received (GstDaoDtlsFlight * flight, GstBuffer * packet)
{
  guint8 first;

  if (gst_buffer_extract (packet, 0, &first, 1) != 1)
    return;
  g_mutex_lock (&flight->lock);
  if (is_handshake (first))
    flight->answered = TRUE;
  else if (is_media (first) && flight->packets->len > 0)
    flight->over = TRUE;
  g_mutex_unlock (&flight->lock);
}

GPtrArray *
gst_dao_dtls_flight_get_due (GstDaoDtlsFlight * flight, gint64 now_us)
{
  GPtrArray *due = NULL;
  guint i;

  g_mutex_lock (&flight->lock);
  if (!flight->over && flight->packets->len > 0
      && flight->repeats < MAX_REPEATS && now_us >= flight->due_us) {
    due = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
    for (i = 0; i < flight->packets->len; i++)
      g_ptr_array_add (due, g_bytes_ref (g_ptr_array_index (flight->packets,
                  i)));
    flight->repeats++;
    flight->due_us = now_us + (FIRST_REPEAT_US << flight->repeats);
  }
  g_mutex_unlock (&flight->lock);
  return due;
}

gboolean
gst_dao_dtls_flight_is_over (GstDaoDtlsFlight * flight)
{
  gboolean over;

  g_mutex_lock (&flight->lock);
  over = flight->over;
  g_mutex_unlock (&flight->lock);
  return over;
}

/* --- the packets of a webrtcbin --- */

typedef void (*PacketFunc) (GstDaoDtlsFlight * flight, GstBuffer * packet);

static void
sent_now (GstDaoDtlsFlight * flight, GstBuffer * packet)
{
  gst_dao_dtls_flight_sent (flight, packet, g_get_monotonic_time ());
}

static GstPadProbeReturn
each_packet (GstDaoDtlsFlight * flight, GstPadProbeInfo * info,
    PacketFunc func)
{
  GstBufferList *list;
  guint i;

  /* After the handshake the stream of media costs nothing here. */
  if (gst_dao_dtls_flight_is_over (flight))
    return GST_PAD_PROBE_REMOVE;
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    func (flight, GST_PAD_PROBE_INFO_BUFFER (info));
  } else {
    list = GST_PAD_PROBE_INFO_BUFFER_LIST (info);
    for (i = 0; i < gst_buffer_list_length (list); i++)
      func (flight, gst_buffer_list_get (list, i));
  }
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
on_sent (GstPad * pad, GstPadProbeInfo * info, gpointer flight)
{
  return each_packet (flight, info, sent_now);
}

static GstPadProbeReturn
on_received (GstPad * pad, GstPadProbeInfo * info, gpointer flight)
{
  return each_packet (flight, info, gst_dao_dtls_flight_received);
}

static void
on_deep_element_added (GstBin * bin, GstBin * sub_bin, GstElement * element,
    gpointer flight)
{
  GstElementFactory *factory = gst_element_get_factory (element);
  const gchar *name = factory ? GST_OBJECT_NAME (factory) : "";
  gboolean source = g_str_equal (name, "nicesrc");
  GstPad *pad;

  if (!source && !g_str_equal (name, "nicesink"))
    return;
  pad = gst_element_get_static_pad (element, source ? "src" : "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER |
      GST_PAD_PROBE_TYPE_BUFFER_LIST, source ? on_received : on_sent,
      flight_ref (flight), (GDestroyNotify) gst_dao_dtls_flight_unref);
  gst_object_unref (pad);
}

static void
flight_unref_closure (gpointer flight, GClosure * closure)
{
  gst_dao_dtls_flight_unref (flight);
}

void
gst_dao_dtls_flight_watch (GstDaoDtlsFlight * flight, GstBin * webrtc)
{
  g_signal_connect_data (webrtc, "deep-element-added",
      G_CALLBACK (on_deep_element_added), flight_ref (flight),
      flight_unref_closure, 0);
}
