/* gst-dao: makes the demo's media: speech and a moving, numbered picture
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 *   make-media --speech speech.wav --seconds 10 media.mkv
 *
 * The speech is any 16-bit mono WAV file (espeak-ng makes one), cut or repeated to
 * the wanted length. --black, --marker-only and --silent make files that a comparison
 * must refuse.
 */
#include "test-picture.h"

#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <string.h>

/* A key frame every half second: a receiver that misses the first one has the next soon. */
#define PIPELINE \
  "appsrc name=video format=time caps=video/x-raw,format=I420,width=640,height=360,framerate=30/1 " \
  "! vp8enc deadline=1 cpu-used=8 threads=2 target-bitrate=700000 end-usage=cbr " \
  "keyframe-max-dist=15 error-resilient=default ! queue ! mux. " \
  "appsrc name=audio format=time caps=audio/x-raw,format=S16LE,layout=interleaved,channels=1,rate=%u " \
  "! audioconvert ! audioresample ! audio/x-raw,rate=48000,channels=2 " \
  "! opusenc bitrate=64000 ! queue ! mux. " \
  "matroskamux name=mux ! filesink name=file"

typedef struct
{
  guint seconds;
  guint8 sequence;
  gboolean black;
  gboolean marker_only;
  gboolean silent;

  gchar *wav;
  const gint16 *samples;
  gsize n_samples;
  guint rate;

  guint frame;                  /* next video frame */
  guint64 sample;               /* next audio sample */
} Maker;

static guint32
le32 (const gchar * bytes)
{
  guint32 value;

  memcpy (&value, bytes, 4);
  return GUINT32_FROM_LE (value);
}

static guint16
le16 (const gchar * bytes)
{
  guint16 value;

  memcpy (&value, bytes, 2);
  return GUINT16_FROM_LE (value);
}

/* Finds `fmt ` and `data`; a length of a WAV written to a pipe may reach beyond the file. */
static gboolean
maker_load_speech (Maker * self, const gchar * path, GError ** error)
{
  gsize length, at = 12;
  gboolean usable = FALSE;

  if (!g_file_get_contents (path, &self->wav, &length, error))
    return FALSE;
  while (at + 8 <= length && !(usable && self->samples)) {
    const gchar *chunk = self->wav + at;
    gsize size = MIN (le32 (chunk + 4), length - at - 8);

    if (memcmp (chunk, "fmt ", 4) == 0 && size >= 16) {
      usable = le16 (chunk + 8) == 1 && le16 (chunk + 10) == 1
          && le16 (chunk + 22) == 16;
      self->rate = le32 (chunk + 12);
    } else if (memcmp (chunk, "data", 4) == 0) {
      self->samples = (const gint16 *) (chunk + 8);
      self->n_samples = size / 2;
    }
    at += 8 + size + (size & 1);
  }
  if (!usable || self->n_samples == 0) {
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
        "%s: not a 16-bit mono WAV file with sound in it", path);
    return FALSE;
  }
  return TRUE;
}

static void
need_video (GstAppSrc * src, guint length, Maker * self)
{
  GstBuffer *buffer;
  GstMapInfo map;

  if (self->frame == self->seconds * TEST_PICTURE_FPS) {
    gst_app_src_end_of_stream (src);
    return;
  }
  buffer = gst_buffer_new_allocate (NULL, TEST_PICTURE_SIZE, NULL);
  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  test_picture_draw (map.data, self->sequence, self->frame);
  if (self->black)
    memset (map.data, 16, TEST_PICTURE_WIDTH * TEST_PICTURE_HEIGHT);
  else if (self->marker_only)
    memset (map.data, 16, TEST_PICTURE_WIDTH * TEST_PICTURE_MARKER_TOP);
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (self->frame, GST_SECOND,
      TEST_PICTURE_FPS);
  GST_BUFFER_DURATION (buffer) = GST_SECOND / TEST_PICTURE_FPS;
  self->frame++;
  gst_app_src_push_buffer (src, buffer);
}

static void
need_audio (GstAppSrc * src, guint length, Maker * self)
{
  guint64 left = (guint64) self->seconds * self->rate - self->sample;
  guint n = MIN (left, self->rate / 50);
  GstBuffer *buffer;
  GstMapInfo map;

  if (n == 0) {
    gst_app_src_end_of_stream (src);
    return;
  }
  buffer = gst_buffer_new_allocate (NULL, n * 2, NULL);
  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (guint i = 0; i < n; i++)
    ((gint16 *) map.data)[i] = self->silent ? 0 :
        self->samples[(self->sample + i) % self->n_samples];
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (self->sample, GST_SECOND,
      self->rate);
  GST_BUFFER_DURATION (buffer) = gst_util_uint64_scale (n, GST_SECOND,
      self->rate);
  self->sample += n;
  gst_app_src_push_buffer (src, buffer);
}

static gboolean
maker_run (Maker * self, const gchar * path, GError ** error)
{
  g_autofree gchar *description = g_strdup_printf (PIPELINE, self->rate);
  g_autoptr (GstElement) pipeline = gst_parse_launch (description, error);
  g_autoptr (GstElement) video = NULL;
  g_autoptr (GstElement) audio = NULL;
  g_autoptr (GstElement) file = NULL;
  g_autoptr (GstBus) bus = NULL;
  g_autoptr (GstMessage) message = NULL;

  if (pipeline == NULL)
    return FALSE;
  video = gst_bin_get_by_name (GST_BIN (pipeline), "video");
  audio = gst_bin_get_by_name (GST_BIN (pipeline), "audio");
  file = gst_bin_get_by_name (GST_BIN (pipeline), "file");
  g_object_set (file, "location", path, NULL);
  g_signal_connect (video, "need-data", G_CALLBACK (need_video), self);
  g_signal_connect (audio, "need-data", G_CALLBACK (need_audio), self);

  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE,
      GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
    return TRUE;
  gst_message_parse_error (message, error, NULL);
  return FALSE;
}

int
main (int argc, char **argv)
{
  Maker self = { 0, };
  gint seconds = 10, sequence = 7;
  g_autofree gchar *speech = NULL;
  GOptionEntry entries[] = {
    {"speech", 0, 0, G_OPTION_ARG_FILENAME, &speech, "16-bit mono WAV file",
        "FILE"},
    {"seconds", 0, 0, G_OPTION_ARG_INT, &seconds, "length, 1 to 1800 (10)",
        "N"},
    {"sequence", 0, 0, G_OPTION_ARG_INT, &sequence,
        "which pattern, 0 to 255 (7)", "N"},
    {"black", 0, 0, G_OPTION_ARG_NONE, &self.black, "a black picture", NULL},
    {"marker-only", 0, 0, G_OPTION_ARG_NONE, &self.marker_only,
        "a black picture with its marker", NULL},
    {"silent", 0, 0, G_OPTION_ARG_NONE, &self.silent, "no sound", NULL},
    {NULL}
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("OUTPUT.mkv");
  g_autoptr (GError) error = NULL;
  gboolean ok;

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  ok = g_option_context_parse (context, &argc, &argv, &error);
  if (ok && (argc != 2 || speech == NULL || seconds < 1 || seconds > 1800
          || sequence < 0 || sequence > 255)) {
    g_printerr ("usage: make-media --speech FILE.wav [--seconds 1..1800] "
        "[--sequence 0..255] [--black | --marker-only] [--silent] OUTPUT.mkv\n");
    return 2;
  }
  self.seconds = seconds;
  self.sequence = sequence;
  ok = ok && maker_load_speech (&self, speech, &error)
      && maker_run (&self, argv[1], &error);
  if (!ok)
    g_printerr ("make-media: %s\n", error->message);
  g_free (self.wav);
  return ok ? 0 : 1;
}
