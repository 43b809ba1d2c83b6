/* gst-dao: a bad network inside the process
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A probe in front of each nicesink takes packets away; a thread gives them to it
 * later.
 */
#include "badlink.h"

typedef struct
{
  gint64 due;
  GstPad *pad;
  GstBuffer *buffer;
} Packet;

struct _BadLink
{
  GMutex lock;
  GCond changed;
  GSequence *packets;           /* by due */
  guint loss, delay_ms, jitter_ms;
  gboolean stopping;
  GThread *thread;
  gint refs;                    /* atomic: probes hold references */
};

static void
bad_link_unref (gpointer data)
{
  BadLink *link = data;

  if (!g_atomic_int_dec_and_test (&link->refs))
    return;
  g_sequence_free (link->packets);
  g_cond_clear (&link->changed);
  g_mutex_clear (&link->lock);
  g_free (link);
}

static void
packet_free (gpointer data)
{
  Packet *packet = data;

  gst_buffer_unref (packet->buffer);
  gst_object_unref (packet->pad);
  g_free (packet);
}

static gint
by_time (gconstpointer a, gconstpointer b, gpointer unused)
{
  gint64 difference = ((const Packet *) a)->due - ((const Packet *) b)->due;

  return difference < 0 ? -1 : difference > 0;
}

/* With the lock. (transfer full) (nullable): NULL when there is no more to do */
static Packet *
wait_for_packet (BadLink * link)
{
  while (!link->stopping) {
    GSequenceIter *first = g_sequence_get_begin_iter (link->packets);
    Packet *packet, *copy;

    if (g_sequence_iter_is_end (first)) {
      g_cond_wait (&link->changed, &link->lock);
      continue;
    }
    packet = g_sequence_get (first);
    if (packet->due > g_get_monotonic_time ()) {
      g_cond_wait_until (&link->changed, &link->lock, packet->due);
      continue;
    }
    copy = g_new (Packet, 1);
    *copy = *packet;
    gst_object_ref (copy->pad);
    gst_buffer_ref (copy->buffer);
    g_sequence_remove (first);
    return copy;
  }
  return NULL;
}

static gpointer
run (gpointer data)
{
  BadLink *link = data;
  Packet *packet;

  g_mutex_lock (&link->lock);
  while ((packet = wait_for_packet (link))) {
    g_mutex_unlock (&link->lock);
    /* A peer connection that is gone refuses it. */
    gst_pad_chain (packet->pad, gst_buffer_ref (packet->buffer));
    packet_free (packet);
    g_mutex_lock (&link->lock);
  }
  g_mutex_unlock (&link->lock);
  return NULL;
}

/* RFC 7983: 128 to 191 is RTP and RTCP */
static gboolean
is_media (GstBuffer * buffer)
{
  guint8 first = 0;

  gst_buffer_extract (buffer, 0, &first, 1);
  return first >= 128 && first <= 191;
}

/* With the lock; takes over @buffer */
static void
take (BadLink * link, GstPad * pad, GstBuffer * buffer)
{
  Packet *packet;
  gint64 delay;

  if ((guint) g_random_int_range (0, 100) < link->loss) {
    gst_buffer_unref (buffer);
    return;
  }
  delay = (gint64) link->delay_ms + g_random_int_range (-(gint)
      link->jitter_ms, (gint) link->jitter_ms + 1);
  packet = g_new (Packet, 1);
  packet->pad = gst_object_ref (pad);
  packet->buffer = buffer;
  packet->due = g_get_monotonic_time () + MAX (delay, 0) * 1000;
  g_sequence_insert_sorted (link->packets, packet, by_time, NULL);
  g_cond_signal (&link->changed);
}

static GstPadProbeReturn
on_packet (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  BadLink *link = user_data;
  guint i;

  if (g_thread_self () == link->thread)
    return GST_PAD_PROBE_OK;
  g_mutex_lock (&link->lock);
  if (link->stopping) {
    g_mutex_unlock (&link->lock);
    return GST_PAD_PROBE_DROP;
  }
  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
    GstBufferList *list = GST_PAD_PROBE_INFO_BUFFER_LIST (info);

    for (i = 0; i < gst_buffer_list_length (list); i++)
      take (link, pad, gst_buffer_ref (gst_buffer_list_get (list, i)));
  } else if (is_media (GST_PAD_PROBE_INFO_BUFFER (info))) {
    take (link, pad, gst_buffer_ref (GST_PAD_PROBE_INFO_BUFFER (info)));
  } else {
    g_mutex_unlock (&link->lock);
    return GST_PAD_PROBE_OK;
  }
  g_mutex_unlock (&link->lock);
  return GST_PAD_PROBE_DROP;
}

static void
on_element (GstBin * bin, GstBin * sub_bin, GstElement * element,
    BadLink * link)
{
  GstElementFactory *factory = gst_element_get_factory (element);
  GstPad *pad;

  if (!factory || !g_str_equal (GST_OBJECT_NAME (factory), "nicesink"))
    return;
  pad = gst_element_get_static_pad (element, "sink");
  g_atomic_int_inc (&link->refs);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER |
      GST_PAD_PROBE_TYPE_BUFFER_LIST, on_packet, link, bad_link_unref);
  gst_object_unref (pad);
}

void
bad_link_attach (BadLink * link, GstElement * pipeline)
{
  g_signal_connect (pipeline, "deep-element-added", G_CALLBACK (on_element),
      link);
}

void
bad_link_set (BadLink * link, guint loss, guint delay_ms, guint jitter_ms)
{
  g_mutex_lock (&link->lock);
  link->loss = loss;
  link->delay_ms = delay_ms;
  link->jitter_ms = jitter_ms;
  g_mutex_unlock (&link->lock);
}

BadLink *
bad_link_new (void)
{
  BadLink *link = g_new0 (BadLink, 1);

  link->refs = 1;
  g_mutex_init (&link->lock);
  g_cond_init (&link->changed);
  link->packets = g_sequence_new (packet_free);
  link->thread = g_thread_new ("bad-link", run, link);
  return link;
}

void
bad_link_free (BadLink * link)
{
  g_mutex_lock (&link->lock);
  link->stopping = TRUE;
  g_cond_signal (&link->changed);
  g_mutex_unlock (&link->lock);
  g_thread_join (link->thread);
  bad_link_unref (link);
}
