/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaocallbranch.h"

#include <gst/video/video.h>

/* 720p30 at 1.5 Mbit/s: protocol.md, f. In landscape; portrait swaps the two. */
#define MAX_LONG_SIDE 1280
#define MAX_SHORT_SIDE 720
#define MAX_RATE "30"

/* media.md, 2: real time, a key frame every two seconds because browsers do not see
 * the loss of encrypted VP8 frames, and no flood of key frames on request. */
#define VPX_SETTINGS " name=encoder deadline=1 cpu-used=8 lag-in-frames=0 " \
    "error-resilient=default min-force-key-unit-interval=500000000 "
#define VIDEO_SETTINGS VPX_SETTINGS "end-usage=cbr target-bitrate=1500000 " \
    "keyframe-max-dist=60"
/* Key frames make the stream of two frames a second quick to join. */
#define BLACK_SETTINGS VPX_SETTINGS "target-bitrate=30000 keyframe-max-dist=4"

#define RAW_AUDIO "audioconvert ! audioresample ! " \
    "audio/x-raw,rate=48000,channels=[1,2] ! opusenc"
/* The queue keeps a slow encoder from holding up the camera: old pictures go. */
#define RAW_VIDEO "queue leaky=downstream max-size-buffers=3 max-size-bytes=0 " \
    "max-size-time=0 ! videorate max-rate=" MAX_RATE " drop-only=true ! " \
    "videoconvert ! videoscale ! capsfilter name=size ! "
#define SILENCE "audiotestsrc is-live=true wave=silence samplesperbuffer=960 ! " \
    "audio/x-raw,rate=48000,channels=1 ! opusenc bitrate=16000"
/* Peers count 15 s without media as the end of a call: 2 frames a second are plenty, here and behind the curtain. */
#define BLACK_INTERVAL (GST_SECOND / 2)
#define BLACK "videotestsrc is-live=true pattern=black ! " \
    "video/x-raw,framerate=2/1 ! " \
    "capsfilter name=size caps=video/x-raw,width=320,height=180 ! "

#define BLACK_KEY "gst-dao-black"
#define LOCAL_KEY "gst-dao-local"       /* 1 + DaoMedia */

typedef struct
{
  gint black;                   /* atomic */
  GstVideoInfo info;            /* of what comes; streaming thread */
  GstBuffer *picture;           /* black, of that size; streaming thread */
  GstClockTime last;            /* when such a one was let out; streaming thread */
} Curtain;

static GstElement *
parse (const gchar * description, GError ** error)
{
  GError *local = NULL;
  GstElement *bin = gst_parse_bin_from_description (description, TRUE, &local);

  /* A missing element gives a bin and an error: the bin is of no use. */
  if (local) {
    if (bin)
      gst_object_unref (gst_object_ref_sink (bin));
    g_propagate_error (error, local);
    return NULL;
  }
  return bin;
}

/* --- a black picture in the place of the local one --- */

static void
curtain_free (gpointer data)
{
  Curtain *curtain = data;

  gst_clear_buffer (&curtain->picture);
  g_free (curtain);
}

static GstBuffer *
make_black (const GstVideoInfo * info)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, info->size, NULL);
  GstVideoFrame frame;
  gint plane, row;

  if (!gst_video_frame_map (&frame, info, buffer, GST_MAP_WRITE)) {
    gst_buffer_unref (buffer);
    return NULL;
  }
  /* I420: luma 16, chroma 128 */
  for (plane = 0; plane < (gint) GST_VIDEO_FRAME_N_PLANES (&frame); plane++) {
    guint8 *data = GST_VIDEO_FRAME_PLANE_DATA (&frame, plane);

    for (row = 0; row < GST_VIDEO_FRAME_COMP_HEIGHT (&frame, plane); row++)
      memset (data + row * GST_VIDEO_FRAME_PLANE_STRIDE (&frame, plane),
          plane == 0 ? 16 : 128, GST_VIDEO_FRAME_COMP_WIDTH (&frame, plane));
  }
  gst_video_frame_unmap (&frame);
  return buffer;
}

/* The first one comes at once, the next when it is time. */
static gboolean
is_black_due (Curtain * curtain, GstClockTime time)
{
  if (GST_CLOCK_TIME_IS_VALID (curtain->last) && GST_CLOCK_TIME_IS_VALID (time)
      && time >= curtain->last && time - curtain->last < BLACK_INTERVAL)
    return FALSE;
  curtain->last = time;
  return TRUE;
}

static GstPadProbeReturn
draw_curtain (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  Curtain *curtain = user_data;
  GstBuffer *picture, *black;
  GstCaps *caps;

  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) {
    GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);

    if (GST_EVENT_TYPE (event) != GST_EVENT_CAPS)
      return GST_PAD_PROBE_OK;
    gst_event_parse_caps (event, &caps);
    gst_clear_buffer (&curtain->picture);
    if (!gst_video_info_from_caps (&curtain->info, caps))
      gst_video_info_init (&curtain->info);
    return GST_PAD_PROBE_OK;
  }

  if (!g_atomic_int_get (&curtain->black) || curtain->info.size == 0) {
    curtain->last = GST_CLOCK_TIME_NONE;
    return GST_PAD_PROBE_OK;
  }
  picture = GST_PAD_PROBE_INFO_BUFFER (info);
  if (!curtain->picture)
    curtain->picture = make_black (&curtain->info);
  if (!curtain->picture || !is_black_due (curtain, GST_BUFFER_PTS (picture)))
    return GST_PAD_PROBE_DROP;
  black = gst_buffer_copy (curtain->picture);
  gst_buffer_copy_into (black, picture, GST_BUFFER_COPY_TIMESTAMPS |
      GST_BUFFER_COPY_FLAGS, 0, -1);
  gst_buffer_unref (picture);
  GST_PAD_PROBE_INFO_DATA (info) = black;
  return GST_PAD_PROBE_OK;
}

static void
hang_curtain (GstElement * bin)
{
  GstElement *encoder = gst_bin_get_by_name (GST_BIN (bin), "encoder");
  GstPad *pad = gst_element_get_static_pad (encoder, "sink");
  Curtain *curtain = g_new0 (Curtain, 1);

  gst_video_info_init (&curtain->info);
  curtain->last = GST_CLOCK_TIME_NONE;
  g_object_set_data (G_OBJECT (bin), BLACK_KEY, curtain);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER |
      GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, draw_curtain, curtain,
      curtain_free);
  gst_object_unref (pad);
  gst_object_unref (encoder);
}

void
gst_dao_call_branch_set_black (GstElement * encoder, gboolean black)
{
  Curtain *curtain = g_object_get_data (G_OBJECT (encoder), BLACK_KEY);

  if (curtain)
    g_atomic_int_set (&curtain->black, black);
}

/* --- making the branches --- */

static GstElement *
parse_local (DaoMedia media, const gchar * description, GError ** error)
{
  GstElement *bin = parse (description, error);

  if (bin)
    g_object_set_data (G_OBJECT (bin), LOCAL_KEY,
        GUINT_TO_POINTER (1 + media));
  return bin;
}

gboolean
gst_dao_call_branch_is_local (GstObject * object, DaoMedia * media)
{
  GstObject *parent;
  guint mark = 0;

  for (object = gst_object_ref (object); object && !mark; object = parent) {
    mark = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (object), LOCAL_KEY));
    parent = gst_object_get_parent (object);
    gst_object_unref (object);
  }
  gst_clear_object (&object);
  if (mark)
    *media = mark - 1;
  return mark != 0;
}

GstElement *
gst_dao_call_branch_new_encoder (GstDaoCodec codec, GError ** error)
{
  GstElement *bin;

  if (codec == GST_DAO_CODEC_OPUS)
    return parse_local (DAO_MEDIA_AUDIO, RAW_AUDIO, error);
  bin = parse_local (DAO_MEDIA_VIDEO, codec == GST_DAO_CODEC_VP9 ?
      RAW_VIDEO "vp9enc" VIDEO_SETTINGS " row-mt=true" :
      RAW_VIDEO "vp8enc" VIDEO_SETTINGS, error);
  if (bin)
    hang_curtain (bin);
  return bin;
}

GstElement *
gst_dao_call_branch_new_generator (GstDaoCodec codec, GError ** error)
{
  if (codec == GST_DAO_CODEC_OPUS)
    return parse_local (DAO_MEDIA_AUDIO, SILENCE, error);
  return parse_local (DAO_MEDIA_VIDEO, codec == GST_DAO_CODEC_VP9 ?
      BLACK "vp9enc" BLACK_SETTINGS : BLACK "vp8enc" BLACK_SETTINGS, error);
}

GstElement *
gst_dao_call_branch_new_decoder (GstDaoCodec codec, GError ** error)
{
  if (codec == GST_DAO_CODEC_OPUS)
    return parse ("opusdec plc=true", error);
  return parse (codec == GST_DAO_CODEC_VP9 ? "vp9dec" : "vp8dec", error);
}

static gint
even (gdouble value)
{
  return MAX (2, ((gint) (value + 0.5)) & ~1);
}

void
gst_dao_call_branch_set_size (GstElement * branch, GstCaps * caps)
{
  GstElement *filter = gst_bin_get_by_name (GST_BIN (branch), "size");
  GstVideoInfo info;

  if (!filter)
    return;
  if (gst_video_info_from_caps (&info, caps)) {
    gdouble width = (gdouble) info.width * info.par_n / info.par_d;
    gdouble height = info.height;
    gdouble scale = MIN (MAX_LONG_SIDE / MAX (width, height),
        MAX_SHORT_SIDE / MIN (width, height));
    GstCaps *size;

    if (GST_VIDEO_INFO_FORMAT (&info) != GST_VIDEO_FORMAT_ENCODED && scale < 1) {
      width *= scale;
      height *= scale;
    }
    size = gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING, "I420",
        "width", G_TYPE_INT, even (width), "height", G_TYPE_INT,
        even (height), "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, NULL);
    g_object_set (filter, "caps", size, NULL);
    gst_caps_unref (size);
  }
  gst_object_unref (filter);
}

gboolean
gst_dao_call_branch_add (GstBin * bin, GstElement * branch)
{
  gst_bin_add (bin, branch);
  return gst_element_sync_state_with_parent (branch);
}

void
gst_dao_call_branch_remove (GstBin * bin, GstElement ** branch)
{
  if (!*branch)
    return;
  gst_element_set_locked_state (*branch, TRUE);
  gst_element_set_state (*branch, GST_STATE_NULL);
  gst_bin_remove (bin, *branch);
  *branch = NULL;
}

GstDaoCodec
gst_dao_call_branch_codec_of_caps (GstCaps * caps)
{
  static const GstDaoCodec codecs[] =
      { GST_DAO_CODEC_OPUS, GST_DAO_CODEC_VP8, GST_DAO_CODEC_VP9 };
  guint i;

  if (gst_caps_is_any (caps) || gst_caps_is_empty (caps))
    return GST_DAO_CODEC_NONE;
  for (i = 0; i < G_N_ELEMENTS (codecs); i++)
    if (gst_structure_has_name (gst_caps_get_structure (caps, 0),
            gst_dao_codec_media_type (codecs[i])))
      return codecs[i];
  return GST_DAO_CODEC_NONE;
}
