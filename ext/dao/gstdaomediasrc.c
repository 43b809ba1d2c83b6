/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaomediasrc.h"

struct _GstDaoMediaSrc
{
  gint refs;
  GstPad *pad;
  DaoMedia media;
  gchar *stream_id;

  /* One peer connection may take over while the last frames of another are still
   * on their way: held while something is pushed. */
  GMutex stream_lock;

  GMutex lock;
  guint run;
  gboolean started;
  gboolean segment_sent;
  gboolean eos;
  gboolean over;                /* the EOS was that of the run, or stands for another reason */
  gboolean flowing;
  gboolean revived;
  GstCaps *caps;                /* of the frames that come now */
  guint64 buffers;
};

GstDaoMediaSrc *
gst_dao_media_src_new (GstPad * pad, DaoMedia media)
{
  GstDaoMediaSrc *src = g_new0 (GstDaoMediaSrc, 1);

  src->refs = 1;
  src->pad = gst_object_ref (pad);
  src->media = media;
  src->stream_id = g_strdup_printf ("dao-%08x-%s", g_random_int (),
      media == DAO_MEDIA_AUDIO ? "audio" : "video");
  g_mutex_init (&src->lock);
  g_mutex_init (&src->stream_lock);
  return src;
}

GstDaoMediaSrc *
gst_dao_media_src_ref (GstDaoMediaSrc * src)
{
  g_atomic_int_inc (&src->refs);
  return src;
}

void
gst_dao_media_src_unref (GstDaoMediaSrc * src)
{
  if (!g_atomic_int_dec_and_test (&src->refs))
    return;
  gst_object_unref (src->pad);
  gst_clear_caps (&src->caps);
  g_free (src->stream_id);
  g_mutex_clear (&src->lock);
  g_mutex_clear (&src->stream_lock);
  g_free (src);
}

DaoMedia
gst_dao_media_src_get_media (GstDaoMediaSrc * src)
{
  return src->media;
}

void
gst_dao_media_src_begin_run (GstDaoMediaSrc * src, guint run)
{
  g_mutex_lock (&src->lock);
  src->run = run;
  src->started = src->segment_sent = src->eos = src->flowing = FALSE;
  src->over = src->revived = FALSE;
  gst_clear_caps (&src->caps);
  src->buffers = 0;
  g_mutex_unlock (&src->lock);
}

/* TRUE once, when *flag was FALSE and the stream may still flow */
static gboolean
take_turn (GstDaoMediaSrc * src, gboolean * flag)
{
  gboolean turn;

  g_mutex_lock (&src->lock);
  turn = !*flag;
  *flag = TRUE;
  g_mutex_unlock (&src->lock);
  return turn;
}

static void
ensure_started (GstDaoMediaSrc * src)
{
  if (take_turn (src, &src->started))
    gst_pad_push_event (src->pad, gst_event_new_stream_start (src->stream_id));
}

/* Also a muxer of which only one pad is used has begun when it had its EOS. */
static gboolean
joins_streams (GstElement * element)
{
  GList *l = GST_IS_BIN (element) ? NULL :
      gst_element_class_get_pad_template_list (GST_ELEMENT_GET_CLASS (element));
  gboolean joins = FALSE;

  for (; l && !joins; l = l->next)
    joins = GST_PAD_TEMPLATE_DIRECTION (l->data) == GST_PAD_SINK
        && GST_PAD_TEMPLATE_PRESENCE (l->data) == GST_PAD_REQUEST;
  if (!joins && !GST_IS_BIN (element)) {
    GST_OBJECT_LOCK (element);
    joins = element->numsinkpads > 1;
    GST_OBJECT_UNLOCK (element);
  }
  return joins;
}

static gboolean ends_in_sinks (GstPad * pad);

/* Pads that change meanwhile are no answer: FALSE then. */
static gboolean
links_end_in_sinks (GstPad * sink)
{
  GstIterator *it = gst_pad_iterate_internal_links (sink);
  GstIteratorResult result = GST_ITERATOR_DONE;
  GValue item = G_VALUE_INIT;
  gboolean end = TRUE;

  while (it && end
      && (result = gst_iterator_next (it, &item)) == GST_ITERATOR_OK) {
    end = ends_in_sinks (g_value_get_object (&item));
    g_value_reset (&item);
  }
  if (G_IS_VALUE (&item))
    g_value_unset (&item);
  g_clear_pointer (&it, gst_iterator_free);
  return end && result == GST_ITERATOR_DONE;
}

/* Do all ways from @pad end without meeting a muxer or mixer? */
static gboolean
ends_in_sinks (GstPad * pad)
{
  GstPad *peer = gst_pad_get_peer (pad);
  GstElement *element = peer ? gst_pad_get_parent_element (peer) : NULL;
  gboolean end = !peer || ((!element || !joins_streams (element))
      && links_end_in_sinks (peer));

  gst_clear_object (&element);
  gst_clear_object (&peer);
  return end;
}

/* After an EOS for a medium that was taken for missing. A sink takes nothing more but a flush, which empties a file: only
 * where nothing came before. A muxer has begun without this medium: another stream is an error to it, which would cost
 * the recording, and a flush would make it wait for what it cannot take. */
static gboolean
revive (GstDaoMediaSrc * src)
{
  gboolean possible = gst_dao_media_src_get_buffers (src) == 0
      && ends_in_sinks (src->pad);

  g_mutex_lock (&src->lock);
  if (possible) {
    src->started = src->segment_sent = src->eos = src->flowing = FALSE;
    src->revived = TRUE;
  } else {
    GST_INFO_OBJECT (src->pad, "what comes after EOS cannot be joined");
    src->over = TRUE;
  }
  g_mutex_unlock (&src->lock);
  if (possible) {
    gst_pad_push_event (src->pad, gst_event_new_flush_start ());
    gst_pad_push_event (src->pad, gst_event_new_flush_stop (FALSE));
  }
  return possible;
}

/* With the stream lock: may data of @run flow? A medium that was taken for missing and
 * comes after all is a new stream on the pad. */
static gboolean
begin (GstDaoMediaSrc * src, guint run)
{
  GstCaps *caps = NULL;
  gboolean over, late;

  g_mutex_lock (&src->lock);
  over = src->over || src->run != run;
  late = src->eos && !over;
  if (late && src->caps)
    caps = gst_caps_ref (src->caps);
  g_mutex_unlock (&src->lock);
  if (over || (late && !revive (src))) {
    gst_clear_caps (&caps);
    return FALSE;
  }
  ensure_started (src);
  if (caps)
    gst_pad_push_event (src->pad, gst_event_new_caps (caps));
  gst_clear_caps (&caps);
  return TRUE;
}

static void
ensure_segment (GstDaoMediaSrc * src)
{
  GstSegment segment;

  ensure_started (src);
  if (!take_turn (src, &src->segment_sent))
    return;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (src->pad, gst_event_new_segment (&segment));
}

void
gst_dao_media_src_set_caps (GstDaoMediaSrc * src, guint run, GstCaps * caps)
{
  gboolean later;

  g_mutex_lock (&src->lock);
  if (src->run == run)
    gst_caps_replace (&src->caps, caps);
  later = src->eos || src->run != run;
  g_mutex_unlock (&src->lock);
  if (later)
    return;
  g_mutex_lock (&src->stream_lock);
  ensure_started (src);
  gst_pad_push_event (src->pad, gst_event_new_caps (caps));
  g_mutex_unlock (&src->stream_lock);
}

/* The peer connection keeps the base time it was made with; the element's is
 * another one after a pause. */
static GstClockTime
to_running_time (GstDaoMediaSrc * src, const GstSegment * segment,
    GstClockTime base_time, GstClockTime time)
{
  GstElement *parent;
  GstClockTimeDiff offset;

  if (!GST_CLOCK_TIME_IS_VALID (time) || segment->format != GST_FORMAT_TIME)
    return time;
  time = gst_segment_to_running_time (segment, GST_FORMAT_TIME, time);
  parent = gst_pad_get_parent_element (src->pad);
  if (!parent || !GST_CLOCK_TIME_IS_VALID (time))
    return time;
  offset = GST_CLOCK_DIFF (gst_element_get_base_time (parent), base_time);
  gst_object_unref (parent);
  return offset < 0 && time < (GstClockTime) - offset ? 0 : time + offset;
}

GstFlowReturn
gst_dao_media_src_push (GstDaoMediaSrc * src, guint run,
    const GstSegment * segment, GstClockTime base_time, GstBuffer * buffer)
{
  GstFlowReturn ret;
  gboolean first, revived;

  g_mutex_lock (&src->stream_lock);
  if (!begin (src, run)) {
    g_mutex_unlock (&src->stream_lock);
    gst_buffer_unref (buffer);
    return GST_FLOW_OK;
  }
  ensure_segment (src);
  g_mutex_lock (&src->lock);
  first = !src->flowing;
  src->flowing = TRUE;
  revived = src->revived;
  src->buffers++;
  g_mutex_unlock (&src->lock);

  buffer = gst_buffer_make_writable (buffer);
  GST_BUFFER_PTS (buffer) = to_running_time (src, segment, base_time,
      GST_BUFFER_PTS (buffer));
  GST_BUFFER_DTS (buffer) = GST_CLOCK_TIME_NONE;
  if (first)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  ret = gst_pad_push (src->pad, buffer);
  g_mutex_unlock (&src->stream_lock);
  /* An unlinked or finished branch, or one that cannot take a stream after EOS, must not stop the other medium (one
   * NOT_LINKED kills a whole bundle in webrtcbin). */
  if (ret == GST_FLOW_NOT_LINKED || ret == GST_FLOW_EOS
      || (ret < GST_FLOW_EOS && revived))
    return GST_FLOW_OK;
  return ret;
}

void
gst_dao_media_src_gap (GstDaoMediaSrc * src, guint run,
    const GstSegment * segment, GstClockTime base_time, GstEvent * gap)
{
  GstClockTime time, duration;
  gboolean flows;

  g_mutex_lock (&src->lock);
  /* Before the first buffer there is no stream to have a gap in. */
  flows = !src->eos && src->buffers > 0 && src->run == run;
  g_mutex_unlock (&src->lock);
  if (!flows)
    return;
  gst_event_parse_gap (gap, &time, &duration);
  time = to_running_time (src, segment, base_time, time);
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return;
  g_mutex_lock (&src->stream_lock);
  gst_pad_push_event (src->pad, gst_event_new_gap (time, duration));
  g_mutex_unlock (&src->stream_lock);
}

void
gst_dao_media_src_eos (GstDaoMediaSrc * src, gboolean over)
{
  g_mutex_lock (&src->lock);
  src->over |= over;
  g_mutex_unlock (&src->lock);
  g_mutex_lock (&src->stream_lock);
  ensure_started (src);
  if (take_turn (src, &src->eos))
    gst_pad_push_event (src->pad, gst_event_new_eos ());
  g_mutex_unlock (&src->stream_lock);
}

gboolean
gst_dao_media_src_is_eos (GstDaoMediaSrc * src)
{
  gboolean eos;

  g_mutex_lock (&src->lock);
  eos = src->eos;
  g_mutex_unlock (&src->lock);
  return eos;
}

guint64
gst_dao_media_src_get_buffers (GstDaoMediaSrc * src)
{
  guint64 buffers;

  g_mutex_lock (&src->lock);
  buffers = src->buffers;
  g_mutex_unlock (&src->lock);
  return buffers;
}
