/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaomediasink.h"

#include <gst/app/gstappsrc.h>
#include <gst/video/video.h>

#define CIPHERTEXT "application/x-dao-e2ee"

/* One Opus frame of 20 ms of silence, mono, CELT fullband (RFC 6716, 3.1) */
static const guint8 opus_silence[] = { 0xf8, 0xff, 0xfe };

struct _GstDaoMediaSink
{
  GstPad parent;

  DaoMedia media;
  GstDaoMediaSinkEos eos_func;
  gpointer user_data;
  GstSegment segment;           /* streaming thread */

  /* under the object lock */
  guint run;
  GstElement *appsrc;
  GstDaoCodec codec;            /* agreed with the peer; NONE before */
  gboolean need_key;
  gboolean muted;
  gboolean held;                /* the peer does not want it for now */
  gboolean ciphertext;          /* by the caps: frames come encrypted by somebody else */
  gboolean eos;
  gboolean over;                /* the run is: nothing is taken any more */
};

G_DEFINE_FINAL_TYPE (GstDaoMediaSink, gst_dao_media_sink, GST_TYPE_PAD);

static GstDaoCodec
codec_of (const GstStructure * s)
{
  static const GstDaoCodec codecs[] = { GST_DAO_CODEC_OPUS,
    GST_DAO_CODEC_VP8, GST_DAO_CODEC_VP9
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (codecs); i++) {
    if (gst_structure_has_name (s, gst_dao_codec_media_type (codecs[i])))
      return codecs[i];
    if (gst_structure_has_name (s, CIPHERTEXT)
        && g_strcmp0 (gst_structure_get_string (s, "encoding-name"),
            gst_dao_codec_encoding_name (codecs[i])) == 0)
      return codecs[i];
  }
  return GST_DAO_CODEC_NONE;
}

void
gst_dao_media_describe_any (DaoMedia media, GstDaoLocalMedia * local)
{
  local->ciphertext = FALSE;
  local->codecs = media == DAO_MEDIA_AUDIO ? GST_DAO_CODEC_OPUS :
      GST_DAO_CODEC_VP8 | GST_DAO_CODEC_VP9;
}

void
gst_dao_media_sink_describe (GstDaoMediaSink * sink, GstDaoLocalMedia * local)
{
  GstCaps *caps = gst_pad_get_current_caps (GST_PAD (sink));
  guint i;

  if (!caps)
    caps = gst_pad_peer_query_caps (GST_PAD (sink), NULL);
  local->codecs = 0;
  local->ciphertext = FALSE;
  for (i = 0; !gst_caps_is_any (caps) && i < gst_caps_get_size (caps); i++) {
    const GstStructure *s = gst_caps_get_structure (caps, i);

    local->codecs |= codec_of (s);
    local->ciphertext |= gst_structure_has_name (s, CIPHERTEXT);
  }
  gst_caps_unref (caps);
  if (local->codecs == 0)
    gst_dao_media_describe_any (sink->media, local);
}

GstCaps *
gst_dao_media_default_caps (GstDaoCodec codec)
{
  if (codec == GST_DAO_CODEC_OPUS)
    return gst_caps_new_simple ("audio/x-opus", "rate", G_TYPE_INT, 48000,
        "channels", G_TYPE_INT, 2, "channel-mapping-family", G_TYPE_INT, 0,
        NULL);
  return gst_caps_new_empty_simple (gst_dao_codec_media_type (codec));
}

GstCaps *
gst_dao_media_sink_get_frame_caps (GstDaoMediaSink * sink, GstDaoCodec codec)
{
  GstCaps *caps = gst_pad_get_current_caps (GST_PAD (sink));

  if (caps && codec_of (gst_caps_get_structure (caps, 0)) == codec)
    return caps;
  gst_clear_caps (&caps);
  return gst_dao_media_default_caps (codec);
}

void
gst_dao_media_sink_begin_run (GstDaoMediaSink * sink, guint run)
{
  GstElement *old;

  GST_OBJECT_LOCK (sink);
  old = g_steal_pointer (&sink->appsrc);
  sink->codec = GST_DAO_CODEC_NONE;
  sink->held = sink->over = FALSE;
  sink->run = run;
  GST_OBJECT_UNLOCK (sink);
  gst_clear_object (&old);
}

void
gst_dao_media_sink_end_run (GstDaoMediaSink * sink)
{
  GST_OBJECT_LOCK (sink);
  sink->over = TRUE;
  GST_OBJECT_UNLOCK (sink);
}

void
gst_dao_media_sink_set_sender (GstDaoMediaSink * sink, guint run,
    GstDaoCodec codec, GstElement * appsrc)
{
  GstElement *old;
  GstPad *pad = GST_PAD (sink);

  GST_OBJECT_LOCK (sink);
  if (sink->run != run) {
    GST_OBJECT_UNLOCK (sink);
    return;
  }
  old = sink->appsrc;
  sink->appsrc = appsrc ? gst_object_ref (appsrc) : NULL;
  sink->codec = codec;
  sink->need_key = sink->media == DAO_MEDIA_VIDEO;
  sink->held = FALSE;
  GST_OBJECT_UNLOCK (sink);
  gst_clear_object (&old);
  if (!appsrc)
    return;
  gst_pad_push_event (pad, gst_event_new_reconfigure ());
  gst_dao_media_sink_resume (sink);
}

void
gst_dao_media_sink_resume (GstDaoMediaSink * sink)
{
  if (sink->media != DAO_MEDIA_VIDEO)
    return;
  GST_OBJECT_LOCK (sink);
  sink->need_key = TRUE;
  GST_OBJECT_UNLOCK (sink);
  gst_pad_push_event (GST_PAD (sink),
      gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE, TRUE,
          0));
}

void
gst_dao_media_sink_set_held (GstDaoMediaSink * sink, gboolean held)
{
  gboolean resumed;

  GST_OBJECT_LOCK (sink);
  resumed = sink->held && !held;
  sink->held = held;
  GST_OBJECT_UNLOCK (sink);
  if (resumed)
    gst_dao_media_sink_resume (sink);
}

void
gst_dao_media_sink_set_muted (GstDaoMediaSink * sink, gboolean muted)
{
  gboolean resumed;

  GST_OBJECT_LOCK (sink);
  resumed = sink->muted && !muted;
  sink->muted = muted;
  GST_OBJECT_UNLOCK (sink);
  if (resumed)
    gst_dao_media_sink_resume (sink);
}

gboolean
gst_dao_media_sink_is_eos (GstDaoMediaSink * sink)
{
  gboolean eos;

  GST_OBJECT_LOCK (sink);
  eos = sink->eos;
  GST_OBJECT_UNLOCK (sink);
  return eos;
}

/* (transfer full): the appsrc if this buffer is to be sent, else @flow is the answer to it */
static GstElement *
get_sender (GstDaoMediaSink * sink, GstBuffer * buffer, gboolean * muted,
    GstFlowReturn * flow)
{
  GstElement *appsrc = NULL;
  gboolean delta = GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);

  GST_OBJECT_LOCK (sink);
  *muted = sink->muted;
  *flow = sink->over ? GST_FLOW_EOS : GST_FLOW_OK;
  /* A muted picture is made by the encoder's side; here frames can only stop. So does sound that is
   * encrypted: silence of ours among it would be in clear. */
  if (sink->appsrc && !sink->over && !sink->held && !(sink->need_key && delta)
      && !(sink->muted && (sink->media == DAO_MEDIA_VIDEO
              || sink->ciphertext))) {
    sink->need_key = FALSE;
    appsrc = gst_object_ref (sink->appsrc);
  }
  GST_OBJECT_UNLOCK (sink);
  return appsrc;
}

static GstBuffer *
silence (GstBuffer * buffer)
{
  GstBuffer *silent = gst_buffer_new_memdup (opus_silence,
      sizeof (opus_silence));

  gst_buffer_copy_into (silent, buffer, GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
  gst_buffer_unref (buffer);
  return silent;
}

static GstFlowReturn
chain (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  GstDaoMediaSink *sink = GST_DAO_MEDIA_SINK (pad);
  gboolean muted;
  GstFlowReturn flow;
  GstElement *appsrc = get_sender (sink, buffer, &muted, &flow);
  GstClockTime time = GST_BUFFER_PTS_IS_VALID (buffer) ?
      GST_BUFFER_PTS (buffer) : GST_BUFFER_DTS (buffer);

  if (!appsrc) {
    gst_buffer_unref (buffer);
    return flow;
  }
  if (muted)
    buffer = silence (buffer);
  buffer = gst_buffer_make_writable (buffer);
  if (sink->segment.format == GST_FORMAT_TIME && GST_CLOCK_TIME_IS_VALID (time))
    time = gst_segment_to_running_time (&sink->segment, GST_FORMAT_TIME, time);
  GST_BUFFER_PTS (buffer) = time;
  GST_BUFFER_DTS (buffer) = GST_CLOCK_TIME_NONE;
  /* The appsrc belongs to a peer connection: that it is going away is no error here. */
  gst_app_src_push_buffer (GST_APP_SRC (appsrc), buffer);
  gst_object_unref (appsrc);
  return GST_FLOW_OK;
}

static gboolean
event_caps (GstDaoMediaSink * sink, GstCaps * caps)
{
  const GstStructure *s = gst_caps_get_structure (caps, 0);
  GstDaoCodec codec = codec_of (s);
  GstElement *appsrc = NULL;
  gboolean ok;

  GST_OBJECT_LOCK (sink);
  sink->ciphertext = gst_structure_has_name (s, CIPHERTEXT);
  ok = sink->codec == GST_DAO_CODEC_NONE || sink->codec == codec;
  if (ok && sink->appsrc)
    appsrc = gst_object_ref (sink->appsrc);
  GST_OBJECT_UNLOCK (sink);
  if (appsrc)
    gst_app_src_set_caps (GST_APP_SRC (appsrc), caps);
  gst_clear_object (&appsrc);
  return ok;
}

static void
set_eos (GstDaoMediaSink * sink, gboolean eos)
{
  GST_OBJECT_LOCK (sink);
  sink->eos = eos;
  GST_OBJECT_UNLOCK (sink);
  if (eos)
    sink->eos_func (sink, sink->user_data);
}

static gboolean
event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  GstDaoMediaSink *sink = GST_DAO_MEDIA_SINK (pad);
  gboolean ok = TRUE;
  GstCaps *caps;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      ok = event_caps (sink, caps);
      break;
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment (event, &sink->segment);
      break;
    case GST_EVENT_EOS:
      set_eos (sink, TRUE);
      break;
    case GST_EVENT_STREAM_START:
    case GST_EVENT_FLUSH_STOP:
      set_eos (sink, FALSE);
      break;
    default:
      break;
  }
  gst_event_unref (event);
  return ok;
}

static GstCaps *
query_caps (GstDaoMediaSink * sink, GstCaps * filter)
{
  GstCaps *caps = gst_pad_get_pad_template_caps (GST_PAD (sink));
  GstDaoCodec codec;
  GstCaps *agreed, *result;

  GST_OBJECT_LOCK (sink);
  codec = sink->codec;
  GST_OBJECT_UNLOCK (sink);
  if (codec != GST_DAO_CODEC_NONE) {
    agreed = gst_caps_new_empty_simple (gst_dao_codec_media_type (codec));
    gst_caps_append (agreed, gst_caps_new_simple (CIPHERTEXT,
            "encoding-name", G_TYPE_STRING,
            gst_dao_codec_encoding_name (codec), NULL));
    gst_caps_take (&caps, gst_caps_intersect (agreed, caps));
    gst_caps_unref (agreed);
  }
  if (!filter)
    return caps;
  result = gst_caps_intersect_full (filter, caps, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref (caps);
  return result;
}

static gboolean
query (GstPad * pad, GstObject * parent, GstQuery * query)
{
  GstCaps *filter, *caps;

  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_CAPS:
      gst_query_parse_caps (query, &filter);
      caps = query_caps (GST_DAO_MEDIA_SINK (pad), filter);
      gst_query_set_caps_result (query, caps);
      gst_caps_unref (caps);
      return TRUE;
    case GST_QUERY_ALLOCATION:
      return FALSE;
    default:
      return gst_pad_query_default (pad, parent, query);
  }
}

static void
gst_dao_media_sink_dispose (GObject * object)
{
  gst_clear_object (&GST_DAO_MEDIA_SINK (object)->appsrc);
  G_OBJECT_CLASS (gst_dao_media_sink_parent_class)->dispose (object);
}

static void
gst_dao_media_sink_class_init (GstDaoMediaSinkClass * klass)
{
  G_OBJECT_CLASS (klass)->dispose = gst_dao_media_sink_dispose;
}

static void
gst_dao_media_sink_init (GstDaoMediaSink * sink)
{
  gst_segment_init (&sink->segment, GST_FORMAT_UNDEFINED);
}

GstDaoMediaSink *
gst_dao_media_sink_new (GstPadTemplate * templ, DaoMedia media,
    GstDaoMediaSinkEos eos, gpointer user_data)
{
  GstDaoMediaSink *sink = g_object_new (GST_TYPE_DAO_MEDIA_SINK, "name",
      GST_PAD_TEMPLATE_NAME_TEMPLATE (templ), "direction", GST_PAD_SINK,
      "template", templ, NULL);

  sink->media = media;
  sink->eos_func = eos;
  sink->user_data = user_data;
  gst_pad_set_chain_function (GST_PAD (sink), chain);
  gst_pad_set_event_function (GST_PAD (sink), event);
  gst_pad_set_query_function (GST_PAD (sink), query);
  return sink;
}
