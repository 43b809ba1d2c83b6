/* gst-dao: garbage on the connection of a hostile peer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What goes through SRTP must still parse as RTP or RTCP, or libsrtp would not protect it.
 */
#include "hostilespoil.h"

#include <string.h>

#define ONE_IN 4
#define MAX_PACKET 1300
#define RTP_HEADER 12

struct _HostileSpoil
{
  GMutex lock;                  /* of rand */
  GRand *rand;
  gint kinds;                   /* atomic */
};

typedef GBytes *(*Change) (GRand * rand, const guint8 * data, gsize size);

static void
fill (GRand * rand, guint8 * data, gsize size)
{
  gsize i;

  for (i = 0; i < size; i++)
    data[i] = g_rand_int (rand);
}

static GBytes *
change_rtp (GRand * rand, const guint8 * data, gsize size)
{
  guint8 *out = g_malloc0 (MAX_PACKET);
  gsize n = MIN (size, MAX_PACKET);

  memcpy (out, data, n);
  switch (g_rand_int_range (rand, 0, 9)) {
    case 0:                    /* a frame of garbage */
      fill (rand, out + RTP_HEADER, n - RTP_HEADER);
      break;
    case 1:
      out[1] = g_rand_int (rand);
      break;
    case 2:
      fill (rand, out + 8, 4);
      break;
    case 3:
      fill (rand, out + 2, 2);
      break;
    case 4:
      fill (rand, out + 4, 4);
      break;
    case 5:                    /* nearly nothing */
      n = RTP_HEADER + g_rand_int_range (rand, 0, 4);
      break;
    case 6:
      n = MAX_PACKET;
      fill (rand, out + RTP_HEADER, n - RTP_HEADER);
      break;
    case 7:                    /* padding */
      out[0] |= 0x20;
      out[n - 1] = g_rand_int_range (rand, 1, MAX (2, n - RTP_HEADER));
      break;
    default:                   /* a header extension of one word, of any kind */
      out[0] |= 0x10;
      n = MAX (n, RTP_HEADER + 8);
      fill (rand, out + RTP_HEADER, 8);
      out[RTP_HEADER + 2] = 0;
      out[RTP_HEADER + 3] = 1;
      break;
  }
  return g_bytes_new_take (out, n);
}

static GBytes *
change_rtcp (GRand * rand, const guint8 * data, gsize size)
{
  guint words = g_rand_int_range (rand, 1, 40), n = 4 * (words + 1);
  guint8 *out = g_malloc (n);

  fill (rand, out, n);
  out[0] = 0x80 | (out[0] & 0x3f);
  out[1] = g_rand_int_range (rand, 192, 224);
  out[2] = 0;
  out[3] = g_rand_boolean (rand) ? words : (guint) g_rand_int_range (rand, 0,
      256);
  return g_bytes_new_take (out, n);
}

static GBytes *
change_datagram (GRand * rand, const guint8 * data, gsize size)
{
  /* the first byte says what it is (RFC 7983): STUN, DTLS, TURN channel, RTP, none */
  static const guint8 first[] = { 0, 1, 20, 21, 22, 23, 64, 128, 144, 255 };
  gsize n = g_rand_int_range (rand, 1, MAX_PACKET);
  guint8 *out;

  if (g_rand_boolean (rand)) {
    out = g_memdup2 (data, size);
    out[g_rand_int_range (rand, 0, size)] ^= 1 << g_rand_int_range (rand, 0,
        8);
    return g_bytes_new_take (out, size);
  }
  out = g_malloc (n);
  fill (rand, out, n);
  out[0] = first[g_rand_int_range (rand, 0, G_N_ELEMENTS (first))];
  return g_bytes_new_take (out, n);
}

/* (transfer full) */
static GstBuffer *
change_buffer (HostileSpoil * spoil, GstBuffer * buffer, gsize least,
    Change change)
{
  GstMapInfo map;
  GstBuffer *changed = NULL;
  GBytes *bytes;

  g_mutex_lock (&spoil->lock);
  if (g_rand_int_range (spoil->rand, 0, ONE_IN) == 0
      && gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    if (map.size > least) {
      bytes = change (spoil->rand, map.data, map.size);
      changed = gst_buffer_new_wrapped_bytes (bytes);
      g_bytes_unref (bytes);
      gst_buffer_copy_into (changed, buffer, GST_BUFFER_COPY_TIMESTAMPS |
          GST_BUFFER_COPY_FLAGS, 0, -1);
    }
    gst_buffer_unmap (buffer, &map);
  }
  g_mutex_unlock (&spoil->lock);
  return changed ? changed : gst_buffer_ref (buffer);
}

static void
change_info (HostileSpoil * spoil, GstPadProbeInfo * info, gsize least,
    Change change)
{
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
    GstBufferList *old = GST_PAD_PROBE_INFO_BUFFER_LIST (info);
    GstBufferList *list = gst_buffer_list_new ();
    guint i;

    for (i = 0; i < gst_buffer_list_length (old); i++)
      gst_buffer_list_add (list, change_buffer (spoil,
              gst_buffer_list_get (old, i), least, change));
    gst_buffer_list_unref (old);
    GST_PAD_PROBE_INFO_DATA (info) = list;
  } else {
    GstBuffer *old = GST_PAD_PROBE_INFO_BUFFER (info);

    GST_PAD_PROBE_INFO_DATA (info) = change_buffer (spoil, old, least, change);
    gst_buffer_unref (old);
  }
}

static GstPadProbeReturn
on_rtp (GstPad * pad, GstPadProbeInfo * info, gpointer data)
{
  HostileSpoil *spoil = data;

  if (g_atomic_int_get (&spoil->kinds) & HOSTILE_SPOIL_RTP)
    change_info (spoil, info, RTP_HEADER + 8, change_rtp);
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
on_rtcp (GstPad * pad, GstPadProbeInfo * info, gpointer data)
{
  HostileSpoil *spoil = data;

  if (g_atomic_int_get (&spoil->kinds) & HOSTILE_SPOIL_RTCP)
    change_info (spoil, info, 0, change_rtcp);
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
on_datagram (GstPad * pad, GstPadProbeInfo * info, gpointer data)
{
  HostileSpoil *spoil = data;

  if (g_atomic_int_get (&spoil->kinds) & HOSTILE_SPOIL_SOCKET)
    change_info (spoil, info, 0, change_datagram);
  return GST_PAD_PROBE_OK;
}

static void
watch (GstPad * pad, GstPadProbeCallback callback, HostileSpoil * spoil)
{
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER |
      GST_PAD_PROBE_TYPE_BUFFER_LIST, callback, spoil, NULL);
}

static void
on_srtp_pad (GstElement * srtpenc, GstPad * pad, HostileSpoil * spoil)
{
  if (g_str_has_prefix (GST_OBJECT_NAME (pad), "rtp_sink"))
    watch (pad, on_rtp, spoil);
  else if (g_str_has_prefix (GST_OBJECT_NAME (pad), "rtcp_sink"))
    watch (pad, on_rtcp, spoil);
}

static void
on_element (GstBin * bin, GstBin * sub_bin, GstElement * element,
    HostileSpoil * spoil)
{
  GstElementFactory *factory = gst_element_get_factory (element);
  const gchar *name = factory ? GST_OBJECT_NAME (factory) : "";

  if (g_str_equal (name, "srtpenc")) {
    g_signal_connect (element, "pad-added", G_CALLBACK (on_srtp_pad), spoil);
  } else if (g_str_equal (name, "nicesink")) {
    GstPad *pad = gst_element_get_static_pad (element, "sink");

    watch (pad, on_datagram, spoil);
    gst_object_unref (pad);
  }
}

HostileSpoil *
hostile_spoil_new (HostilePeer * peer, guint32 seed)
{
  HostileSpoil *spoil = g_new0 (HostileSpoil, 1);

  g_mutex_init (&spoil->lock);
  spoil->rand = g_rand_new_with_seed (seed);
  g_signal_connect (peer->pipeline, "deep-element-added",
      G_CALLBACK (on_element), spoil);
  return spoil;
}

void
hostile_spoil_set (HostileSpoil * spoil, guint kinds)
{
  g_atomic_int_set (&spoil->kinds, kinds);
}

void
hostile_spoil_free (HostileSpoil * spoil)
{
  g_rand_free (spoil->rand);
  g_mutex_clear (&spoil->lock);
  g_free (spoil);
}
