/* gst-dao: a recorded call, read and decoded as a whole for comparison
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "media-file.h"

#include <gst/app/gstappsink.h>
#include <gst/video/video.h>
#include <string.h>

/* Half an hour: more is not a test recording but a mistake in a timestamp. */
#define MAX_SECONDS 1800
/* Timestamps of sound wander a little in a call; a longer step is a gap. */
#define MAX_SOUND_DRIFT (40 * GST_MSECOND)
/* A file on disk is read in less, or something hangs. */
#define READ_TIMEOUT (120 * GST_SECOND)

typedef struct
{
  MediaFile *file;
  GstElement *pipeline;
} Reader;

static void
reader_fail (Reader * self, const gchar * text)
{
  GST_ELEMENT_ERROR (self->pipeline, STREAM, FORMAT, ("%s", text), (NULL));
}

static GstPadProbeReturn
encoded_seen (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  Reader *self = user_data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  gboolean video = g_str_has_prefix (GST_PAD_NAME (pad), "video");
  GstMapInfo map;
  gchar *hash;

  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return GST_PAD_PROBE_OK;
  hash = g_compute_checksum_for_data (G_CHECKSUM_SHA256, map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  if (video)
    self->file->n_encoded_video++;
  else
    self->file->n_encoded_audio++;
  g_hash_table_add (video ? self->file->encoded_video : self->file->
      encoded_audio, hash);
  return GST_PAD_PROBE_OK;
}

static void
add_branch (Reader * self, GstPad * pad, const gchar * description)
{
  g_autoptr (GError) error = NULL;
  GstElement *branch = gst_parse_bin_from_description (description, TRUE,
      &error);
  g_autoptr (GstPad) sink = NULL;

  if (branch == NULL) {
    reader_fail (self, error->message);
    return;
  }
  gst_bin_add (GST_BIN (self->pipeline), branch);
  sink = gst_element_get_static_pad (branch, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, encoded_seen, self,
      NULL);
  gst_pad_link (pad, sink);
  gst_element_sync_state_with_parent (branch);
}

static GstFlowReturn
new_picture (GstAppSink * sink, gpointer user_data)
{
  Reader *self = user_data;
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);
  MediaFrame found = { 0, };
  GstVideoFrame frame;
  GstVideoInfo info;

  if (sample == NULL)
    return GST_FLOW_EOS;
  gst_video_info_from_caps (&info, gst_sample_get_caps (sample));
  if (GST_VIDEO_INFO_WIDTH (&info) != TEST_PICTURE_WIDTH
      || GST_VIDEO_INFO_HEIGHT (&info) != TEST_PICTURE_HEIGHT) {
    reader_fail (self, "the picture has another size");
    return GST_FLOW_ERROR;
  }
  if (self->file->frames->len > MAX_SECONDS * TEST_PICTURE_FPS
      || !gst_video_frame_map (&frame, &info, gst_sample_get_buffer (sample),
          GST_MAP_READ)) {
    reader_fail (self, "a picture cannot be read");
    return GST_FLOW_ERROR;
  }
  found.pts = gst_segment_to_stream_time (gst_sample_get_segment (sample),
      GST_FORMAT_TIME, GST_BUFFER_PTS (gst_sample_get_buffer (sample)));
  found.marked = test_picture_read (GST_VIDEO_FRAME_PLANE_DATA (&frame, 0),
      GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0), &found.sequence,
      &found.number);
  test_picture_thumb (GST_VIDEO_FRAME_PLANE_DATA (&frame, 0),
      GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0), found.thumb);
  gst_video_frame_unmap (&frame);
  g_array_append_val (self->file->frames, found);
  return GST_FLOW_OK;
}

/* Puts the samples where their timestamp says; small steps are joined. */
static gboolean
place_sound (MediaFile * file, GstClockTime pts, const gfloat * samples,
    gsize n)
{
  GstClockTime end = gst_util_uint64_scale (file->samples->len, GST_SECOND,
      MEDIA_FILE_RATE);
  gsize at;

  if (!GST_CLOCK_TIME_IS_VALID (pts) || pts > MAX_SECONDS * GST_SECOND)
    return FALSE;
  if (!GST_CLOCK_TIME_IS_VALID (file->audio_start))
    file->audio_start = pts;
  if (pts > end + MAX_SOUND_DRIFT || file->samples->len == 0) {
    at = gst_util_uint64_scale_round (pts, MEDIA_FILE_RATE, GST_SECOND);
    g_array_set_size (file->samples, at);
  }
  g_array_append_vals (file->samples, samples, n);
  file->audio_end = pts + gst_util_uint64_scale (n, GST_SECOND,
      MEDIA_FILE_RATE);
  return TRUE;
}

static GstFlowReturn
new_sound (GstAppSink * sink, gpointer user_data)
{
  Reader *self = user_data;
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);
  GstBuffer *buffer;
  GstMapInfo map;
  gboolean ok;

  if (sample == NULL)
    return GST_FLOW_EOS;
  buffer = gst_sample_get_buffer (sample);
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return GST_FLOW_ERROR;
  ok = place_sound (self->file,
      gst_segment_to_stream_time (gst_sample_get_segment (sample),
          GST_FORMAT_TIME, GST_BUFFER_PTS (buffer)),
      (const gfloat *) map.data, map.size / sizeof (gfloat));
  gst_buffer_unmap (buffer, &map);
  if (!ok)
    reader_fail (self, "sound without a sane timestamp");
  return ok ? GST_FLOW_OK : GST_FLOW_ERROR;
}

static void
pad_added (GstElement * demux, GstPad * pad, Reader * self)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  const gchar *name = caps != NULL && gst_caps_get_size (caps) > 0 ?
      gst_structure_get_name (gst_caps_get_structure (caps, 0)) : "nothing";
  g_autoptr (GstElement) sink = NULL;
  GstAppSinkCallbacks callbacks = { NULL, };
  gint64 duration = 0;

  /* Asked here it is what the header says; at the end of a file without it the demuxer would count. */
  if (gst_element_query_duration (demux, GST_FORMAT_TIME, &duration)
      && duration > 0)
    self->file->duration = duration;
  if (g_str_equal (name, "video/x-vp8")) {
    add_branch (self, pad, "queue ! vp8dec ! videoconvert "
        "! video/x-raw,format=I420 ! appsink name=pictures sync=false");
    sink = gst_bin_get_by_name (GST_BIN (self->pipeline), "pictures");
    callbacks.new_sample = new_picture;
  } else if (g_str_equal (name, "audio/x-opus")) {
    add_branch (self, pad, "queue ! opusdec ! audioconvert ! audioresample "
        "! audio/x-raw,format=F32LE,channels=1,rate=8000 "
        "! appsink name=sound sync=false");
    sink = gst_bin_get_by_name (GST_BIN (self->pipeline), "sound");
    callbacks.new_sample = new_sound;
  } else {
    g_autofree gchar *text =
        g_strdup_printf ("a track is %s: only VP8 and Opus are expected",
        name);
    reader_fail (self, text);
  }
  if (sink != NULL)
    gst_app_sink_set_callbacks (GST_APP_SINK (sink), &callbacks, self, NULL);
}

static gboolean
wait_for_end (GstElement * pipeline, GError ** error)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus,
      READ_TIMEOUT, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);

  if (message == NULL) {
    g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED,
        "reading the file takes too long");
    return FALSE;
  }
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, error, NULL);
    return FALSE;
  }
  return TRUE;
}

MediaFile *
media_file_read (const gchar * path, GError ** error)
{
  g_autoptr (MediaFile) file = g_new0 (MediaFile, 1);
  Reader reader = { file, gst_pipeline_new (NULL) };
  GstElement *source = gst_element_factory_make ("filesrc", NULL);
  GstElement *demux = gst_element_factory_make ("matroskademux", NULL);
  gboolean ok;

  file->frames = g_array_new (FALSE, TRUE, sizeof (MediaFrame));
  file->samples = g_array_new (FALSE, TRUE, sizeof (gfloat));
  file->audio_start = GST_CLOCK_TIME_NONE;
  file->encoded_video = g_hash_table_new_full (g_str_hash, g_str_equal,
      g_free, NULL);
  file->encoded_audio = g_hash_table_new_full (g_str_hash, g_str_equal,
      g_free, NULL);

  g_object_set (source, "location", path, NULL);
  gst_bin_add_many (GST_BIN (reader.pipeline), source, demux, NULL);
  gst_element_link (source, demux);
  g_signal_connect (demux, "pad-added", G_CALLBACK (pad_added), &reader);
  gst_element_set_state (reader.pipeline, GST_STATE_PLAYING);
  ok = wait_for_end (reader.pipeline, error);
  gst_element_set_state (reader.pipeline, GST_STATE_NULL);
  gst_object_unref (reader.pipeline);

  if (ok && (file->frames->len == 0 || file->samples->len == 0)) {
    g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED,
        "%u pictures and %u samples of sound in it: both are needed",
        file->frames->len, file->samples->len);
    ok = FALSE;
  }
  return ok ? g_steal_pointer (&file) : NULL;
}

void
media_file_free (MediaFile * file)
{
  if (file == NULL)
    return;
  g_array_unref (file->frames);
  g_array_unref (file->samples);
  g_hash_table_unref (file->encoded_video);
  g_hash_table_unref (file->encoded_audio);
  g_free (file);
}

GstClockTime
media_file_video_length (const MediaFile * file)
{
  const MediaFrame *first = &g_array_index (file->frames, MediaFrame, 0);
  const MediaFrame *last = &g_array_index (file->frames, MediaFrame,
      file->frames->len - 1);

  return last->pts > first->pts ?
      last->pts - first->pts + GST_SECOND / TEST_PICTURE_FPS : 0;
}

GstClockTime
media_file_audio_length (const MediaFile * file)
{
  return file->audio_end > file->audio_start ?
      file->audio_end - file->audio_start : 0;
}
