/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaoptfilter.h"

struct _GstDaoPtFilter
{
  gint refs;
  GMutex lock;
  guint64 allowed[2];           /* bit mask of the 128 payload types */
  guint64 dropped;
};

static GstDaoPtFilter *
filter_ref (GstDaoPtFilter * filter)
{
  g_atomic_int_inc (&filter->refs);
  return filter;
}

void
gst_dao_pt_filter_unref (GstDaoPtFilter * filter)
{
  if (!g_atomic_int_dec_and_test (&filter->refs))
    return;
  g_mutex_clear (&filter->lock);
  g_free (filter);
}

/* RFC 3550, 5.1. Only a mixer names contributing sources, and in a call of two there is none; rtpsession makes an object
 * of each that it is told of. */
#define CSRC_COUNT 0x0f

static gboolean
is_allowed (GstDaoPtFilter * filter, GstBuffer * buffer)
{
  guint8 header[2];
  gboolean ok = FALSE;

  g_mutex_lock (&filter->lock);
  if (gst_buffer_extract (buffer, 0, header, 2) == 2) {
    guint pt = header[1] & 0x7f;

    ok = (header[0] & CSRC_COUNT) == 0
        && (filter->allowed[pt / 64] >> (pt % 64)) & 1;
  }
  filter->dropped += !ok;
  g_mutex_unlock (&filter->lock);
  return ok;
}

static gboolean
filter_list_item (GstBuffer ** buffer, guint index, gpointer user_data)
{
  if (!is_allowed (user_data, *buffer))
    gst_clear_buffer (buffer);
  return TRUE;
}

static GstPadProbeReturn
on_rtp (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
    GstBufferList *list =
        gst_buffer_list_make_writable (GST_PAD_PROBE_INFO_BUFFER_LIST (info));

    gst_buffer_list_foreach (list, filter_list_item, user_data);
    GST_PAD_PROBE_INFO_DATA (info) = list;
    return gst_buffer_list_length (list) ? GST_PAD_PROBE_OK :
        GST_PAD_PROBE_DROP;
  }
  return is_allowed (user_data, GST_PAD_PROBE_INFO_BUFFER (info)) ?
      GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
}

static void
on_pad_added (GstElement * rtpbin, GstPad * pad, gpointer user_data)
{
  if (GST_PAD_IS_SINK (pad)
      && g_str_has_prefix (GST_OBJECT_NAME (pad), "recv_rtp_sink_"))
    gst_pad_add_probe (pad,
        GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, on_rtp,
        filter_ref (user_data), (GDestroyNotify) gst_dao_pt_filter_unref);
}

static void
unref_closure (gpointer data, GClosure * closure)
{
  gst_dao_pt_filter_unref (data);
}

GstDaoPtFilter *
gst_dao_pt_filter_new (GstElement * rtpbin)
{
  GstDaoPtFilter *filter = g_new0 (GstDaoPtFilter, 1);

  filter->refs = 1;
  g_mutex_init (&filter->lock);
  g_signal_connect_data (rtpbin, "pad-added", G_CALLBACK (on_pad_added),
      filter_ref (filter), unref_closure, 0);
  return filter;
}

void
gst_dao_pt_filter_allow (GstDaoPtFilter * filter, guint pt)
{
  g_mutex_lock (&filter->lock);
  if (pt < 128)
    filter->allowed[pt / 64] |= G_GUINT64_CONSTANT (1) << (pt % 64);
  g_mutex_unlock (&filter->lock);
}

guint64
gst_dao_pt_filter_get_dropped (GstDaoPtFilter * filter)
{
  guint64 dropped;

  g_mutex_lock (&filter->lock);
  dropped = filter->dropped;
  g_mutex_unlock (&filter->lock);
  return dropped;
}
