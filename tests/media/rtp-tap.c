/* gst-dao: looks at every RTP packet a call hands to webrtcbin, before SRTP
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "rtp-tap.h"

#include <gst/rtp/rtp.h>
#include <string.h>

/* A run of 31 clear bytes holds an aligned block of 16; a false alarm has a chance of 2^-128 a place. */
#define BLOCK 16
#define COUNTER_SIZE 8          /* in front of each encrypted frame: flags, epoch, n */
#define OVERHEAD 24             /* counter and tag */

typedef struct
{
  const gchar *name;
  guint n_in;                   /* encoded frames that went in */
  guint n_traceable;            /* of them, long enough for a block */
  guint n_packets;
  guint n_clear;                /* packets with a block of a clear frame */
  guint n_frames;               /* frames that began on the wire */
  guint n_bad_counter;          /* of them, without the counter that was due */
  guint n_unparsed;             /* packets that are not RTP as we send it */
  guint64 next_n;
} Track;

struct _RtpTap
{
  GMutex lock;
  GHashTable *blocks;
  Track audio;
  Track video;
};

static guint
block_hash (gconstpointer key)
{
  guint64 halves[2];

  memcpy (halves, key, BLOCK);
  halves[0] ^= halves[1] * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  return (guint) (halves[0] ^ (halves[0] >> 32));
}

static gboolean
block_equal (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, BLOCK) == 0;
}

/* --- what goes in --- */

static GstPadProbeReturn
frame_seen (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  RtpTap *self = user_data;
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  const gchar *name = caps == NULL ? "" :
      gst_structure_get_name (gst_caps_get_structure (caps, 0));
  gboolean video = g_str_equal (name, "video/x-vp8");
  Track *track = video ? &self->video : &self->audio;
  GstMapInfo map;

  if (!video && !g_str_equal (name, "audio/x-opus"))
    return GST_PAD_PROBE_OK;    /* raw media never reaches RTP as it is */
  if (!gst_buffer_map (GST_PAD_PROBE_INFO_BUFFER (info), &map, GST_MAP_READ))
    return GST_PAD_PROBE_OK;
  g_mutex_lock (&self->lock);
  track->n_in++;
  if (map.size >= 2 * BLOCK)
    track->n_traceable++;
  for (gsize at = 0; at + BLOCK <= map.size; at += BLOCK)
    g_hash_table_add (self->blocks, g_memdup2 (map.data + at, BLOCK));
  g_mutex_unlock (&self->lock);
  gst_buffer_unmap (GST_PAD_PROBE_INFO_BUFFER (info), &map);
  return GST_PAD_PROBE_OK;
}

void
rtp_tap_watch_frames (RtpTap * self, GstPad * pad)
{
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, frame_seen, self, NULL);
}

/* --- what comes out --- */

static gboolean
holds_clear_block (RtpTap * self, const guint8 * data, gsize size)
{
  for (gsize at = 0; at + BLOCK <= size; at++)
    if (g_hash_table_contains (self->blocks, data + at))
      return TRUE;
  return FALSE;
}

/* RFC 7741, 4.2: the length of the VP8 payload descriptor, 0 when it is cut off. */
static gsize
vp8_descriptor (const guint8 * data, gsize size, gboolean * first)
{
  gsize length = 1;
  guint8 extension;

  if (size < 4)
    return 0;
  *first = (data[0] & 0x17) == 0x10;    /* S set, partition 0 */
  if (!(data[0] & 0x80))
    return length;
  extension = data[1];
  length++;
  if (extension & 0x80)         /* I: PictureID of 7 or 15 bits */
    length += data[2] & 0x80 ? 2 : 1;
  if (extension & 0x40)         /* L */
    length++;
  if (extension & 0x30)         /* T, K */
    length++;
  return length < size ? length : 0;
}

static void
check_counter (Track * track, gboolean video, const guint8 * data, gsize size)
{
  guint64 counter = size >= COUNTER_SIZE ? GST_READ_UINT64_BE (data) : 0;
  guint flags = counter >> 56;
  guint32 n = counter;

  track->n_frames++;
  /* The epoch stays 0: no test call lasts for 2^24 frames. */
  if (size < COUNTER_SIZE || flags > (video ? 1 : 0)
      || (counter >> 32 & 0xffffff) != 0 || n != track->next_n)
    track->n_bad_counter++;
  track->next_n = (guint64) n + 1;
}

static void
look_at_payload (RtpTap * self, gboolean video, const guint8 * data,
    gsize size)
{
  Track *track = video ? &self->video : &self->audio;
  gsize descriptor = 0;
  gboolean first = TRUE;

  track->n_packets++;
  if (video)
    descriptor = vp8_descriptor (data, size, &first);
  if (video ? descriptor == 0 : size <= OVERHEAD)
    track->n_unparsed++;
  else if (first)
    check_counter (track, video, data + descriptor, size - descriptor);
  if (holds_clear_block (self, data, size))
    track->n_clear++;
}

static void
look_at_packet (RtpTap * self, GstPad * pad, GstBuffer * buffer)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  const gchar *media = caps == NULL ? NULL :
      gst_structure_get_string (gst_caps_get_structure (caps, 0), "media");
  gboolean video = g_strcmp0 (media, "video") == 0;
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;

  g_mutex_lock (&self->lock);
  if (gst_rtp_buffer_map (buffer, GST_MAP_READ, &rtp)) {
    look_at_payload (self, video, gst_rtp_buffer_get_payload (&rtp),
        gst_rtp_buffer_get_payload_len (&rtp));
    gst_rtp_buffer_unmap (&rtp);
  } else {
    self->audio.n_unparsed++;
  }
  g_mutex_unlock (&self->lock);
}

static GstPadProbeReturn
rtp_seen (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
    GstBufferList *list = GST_PAD_PROBE_INFO_BUFFER_LIST (info);

    for (guint i = 0; i < gst_buffer_list_length (list); i++)
      look_at_packet (user_data, pad, gst_buffer_list_get (list, i));
  } else {
    look_at_packet (user_data, pad, GST_PAD_PROBE_INFO_BUFFER (info));
  }
  return GST_PAD_PROBE_OK;
}

static void
webrtc_pad_added (GstElement * webrtc, GstPad * pad, RtpTap * self)
{
  if (GST_PAD_IS_SINK (pad))
    gst_pad_add_probe (pad,
        GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, rtp_seen,
        self, NULL);
}

/* A webrtcbin is made for each call, after the pipeline has started. */
static void
element_added (GstBin * pipeline, GstBin * bin, GstElement * element,
    RtpTap * self)
{
  GstElementFactory *factory = gst_element_get_factory (element);

  if (factory != NULL && g_str_equal (GST_OBJECT_NAME (factory), "webrtcbin"))
    g_signal_connect (element, "pad-added", G_CALLBACK (webrtc_pad_added),
        self);
}

/* --- life --- */

RtpTap *
rtp_tap_new (GstBin * pipeline)
{
  RtpTap *self = g_new0 (RtpTap, 1);

  g_mutex_init (&self->lock);
  self->blocks = g_hash_table_new_full (block_hash, block_equal, g_free,
      NULL);
  self->audio.name = "audio";
  self->video.name = "video";
  g_signal_connect (pipeline, "deep-element-added",
      G_CALLBACK (element_added), self);
  return self;
}

void
rtp_tap_free (RtpTap * self)
{
  g_hash_table_unref (self->blocks);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static gboolean
report_track (const Track * track)
{
  gboolean seen = track->n_traceable > 0 && track->n_packets > 0
      && track->n_unparsed == 0;
  gboolean sealed = track->n_clear == 0;
  gboolean counted = track->n_frames > 0 && track->n_bad_counter == 0;

  g_print ("%s %s: %u encoded frames went in, %u RTP packets came out "
      "(%u not understood)\n", seen ? "ok  " : "FAIL", track->name,
      track->n_in, track->n_packets, track->n_unparsed);
  g_print ("%s %s: %u RTP packets hold bytes of a clear frame\n",
      sealed ? "ok  " : "FAIL", track->name, track->n_clear);
  g_print ("%s %s: %u of %u frames on the wire begin with the next counter\n",
      counted ? "ok  " : "FAIL", track->name,
      track->n_frames - track->n_bad_counter, track->n_frames);
  return seen && sealed && counted;
}

gboolean
rtp_tap_report (RtpTap * self)
{
  gboolean audio, video;

  g_mutex_lock (&self->lock);
  audio = report_track (&self->audio);
  video = report_track (&self->video);
  g_mutex_unlock (&self->lock);
  return audio && video;
}
