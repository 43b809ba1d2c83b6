/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaomediahold.h"

struct _GstDaoMediaHold
{
  GstBin *bin;
  GstElement *entry;
  GstPad *src;                  /* of entry */
  gulong probe;                 /* 0 = nothing is held */
  gint live;                    /* atomic: known to be live */
};

static gboolean
is_live (GstDaoMediaHold * hold)
{
  GstPad *sink = gst_element_get_static_pad (hold->entry, "sink");
  GstQuery *query = gst_query_new_latency ();
  gboolean live = FALSE;

  if (gst_pad_peer_query (sink, query))
    gst_query_parse_latency (query, &live, NULL, NULL);
  gst_query_unref (query);
  gst_object_unref (sink);
  return live;
}

/* Stays blocked at the first frame; a flush gets through. */
static GstPadProbeReturn
hold_frame (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstDaoMediaHold *hold = user_data;

  if (!g_atomic_int_get (&hold->live) && is_live (hold))
    g_atomic_int_set (&hold->live, TRUE);
  return g_atomic_int_get (&hold->live) ? GST_PAD_PROBE_PASS :
      GST_PAD_PROBE_OK;
}

static void
set_pace (GstDaoMediaHold * hold, gboolean paced, gint64 offset)
{
  g_object_set (hold->entry, "sync", paced, "ts-offset", offset, NULL);
  gst_pad_set_offset (hold->src, offset);
}

void
gst_dao_media_hold_begin (GstDaoMediaHold * hold)
{
  set_pace (hold, FALSE, 0);
  g_atomic_int_set (&hold->live, FALSE);
  if (!hold->probe)
    hold->probe = gst_pad_add_probe (hold->src, GST_PAD_PROBE_TYPE_BLOCK
        | GST_PAD_PROBE_TYPE_BUFFER, hold_frame, hold, NULL);
}

void
gst_dao_media_hold_release (GstDaoMediaHold * hold)
{
  GstClock *clock = gst_element_get_clock (GST_ELEMENT (hold->bin));

  if (hold->probe && gst_pad_is_blocking (hold->src) && clock)
    set_pace (hold, TRUE, gst_clock_get_time (clock)
        - gst_element_get_base_time (GST_ELEMENT (hold->bin)));
  gst_dao_media_hold_drop (hold);
  gst_clear_object (&clock);
}

void
gst_dao_media_hold_drop (GstDaoMediaHold * hold)
{
  if (hold->probe)
    gst_pad_remove_probe (hold->src, hold->probe);
  hold->probe = 0;
}

GstDaoMediaHold *
gst_dao_media_hold_new (GstBin * bin, GstElement * entry)
{
  GstDaoMediaHold *hold = g_new0 (GstDaoMediaHold, 1);

  hold->bin = bin;
  hold->entry = gst_object_ref (entry);
  hold->src = gst_element_get_static_pad (entry, "src");
  return hold;
}

void
gst_dao_media_hold_free (GstDaoMediaHold * hold)
{
  gst_dao_media_hold_drop (hold);
  gst_object_unref (hold->src);
  gst_object_unref (hold->entry);
  g_free (hold);
}
