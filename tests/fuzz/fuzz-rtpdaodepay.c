/* gst-dao: fuzzes the depayloader, packet after packet
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The first byte is the codec. Then packets: a byte of flags (below), a length of two bytes, the payload.
 */
#include "fuzz.h"
#include "gst/daortp/gstdaortpdepay.h"

#include <gst/check/gstharness.h>
#include <gst/rtp/rtp.h>

enum
{
  MARKER = 1 << 0,
  GAP = 1 << 1,                 /* packets are missing before it: their number follows */
  NEW_TIME = 1 << 2,            /* another timestamp than the packet before */
  DISCONT = 1 << 3,
  EVENT = 1 << 4,               /* no packet: an event */
  RAW = 1 << 5,                 /* the payload is the whole packet, header and all */
  PADDING = 1 << 6,
};

#define MAX_PACKETS 512
#define MAX_PAYLOAD 1500

typedef struct
{
  GstHarness *harness;
  guint16 seq;
  guint32 time;
  gsize in, out;                /* bytes */
} Depay;

static const gchar *const caps[] = {
  "application/x-rtp,media=video,clock-rate=90000,encoding-name=VP8",
  "application/x-rtp,media=video,clock-rate=90000,encoding-name=VP9",
  "application/x-rtp,media=audio,clock-rate=48000,encoding-name=OPUS",
};

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  /* no plugin of the system is needed */
  g_setenv ("GST_REGISTRY_DISABLE", "yes", TRUE);
  g_setenv ("GST_REGISTRY_UPDATE", "no", TRUE);
  gst_init (NULL, NULL);
  fuzz_init ();
  g_assert_true (GST_ELEMENT_REGISTER (rtpdaodepay, NULL));
  return 0;
}

static GstBuffer *
take_packet (Depay * depay, FuzzReader * reader, guint8 flags)
{
  gsize length;
  guint8 *payload = fuzz_bytes (reader, fuzz_u16 (reader) % MAX_PAYLOAD,
      &length);
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  GstBuffer *buffer;

  depay->in += length;
  if (flags & RAW)
    return gst_buffer_new_wrapped_full (0, payload, length, 0, length, payload,
        free);
  buffer = gst_rtp_buffer_new_allocate (length, flags & PADDING ? 4 : 0, 0);
  gst_rtp_buffer_map (buffer, GST_MAP_WRITE, &rtp);
  if (length > 0)
    memcpy (gst_rtp_buffer_get_payload (&rtp), payload, length);
  gst_rtp_buffer_set_seq (&rtp, depay->seq++);
  gst_rtp_buffer_set_timestamp (&rtp, depay->time);
  gst_rtp_buffer_set_marker (&rtp, flags & MARKER);
  gst_rtp_buffer_set_payload_type (&rtp, 96);
  gst_rtp_buffer_set_ssrc (&rtp, 1);
  gst_rtp_buffer_unmap (&rtp);
  free (payload);
  GST_BUFFER_PTS (buffer) = depay->time * (guint64) 1000;
  if (flags & DISCONT)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  return buffer;
}

static void
push_event (Depay * depay, guint8 what)
{
  GstHarness *h = depay->harness;

  switch (what % 5) {
    case 0:
      gst_harness_push_event (h, gst_event_new_flush_start ());
      gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
      gst_harness_set_src_caps_str (h, caps[what % 3]);
      break;
    case 1:
      gst_harness_push_event (h, gst_event_new_gap (0, GST_SECOND));
      break;
    default:
      gst_harness_set_src_caps_str (h, caps[what % 3]);
      break;
  }
}

static void
take_output (Depay * depay)
{
  GstBuffer *frame;

  while ((frame = gst_harness_try_pull (depay->harness)) != NULL) {
    g_assert_cmpuint (gst_buffer_get_size (frame), >, 0);
    depay->out += gst_buffer_get_size (frame);
    gst_buffer_unref (frame);
  }
  g_assert_cmpuint (depay->out, <=, depay->in);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  FuzzReader reader = { data, size };
  Depay depay = {.harness = gst_harness_new ("rtpdaodepay") };

  gst_harness_set_src_caps_str (depay.harness, caps[fuzz_u8 (&reader) % 3]);
  for (guint i = 0; i < MAX_PACKETS && reader.size > 0; i++) {
    guint8 flags = fuzz_u8 (&reader);

    if (flags & GAP)
      depay.seq += fuzz_u8 (&reader);
    if (flags & NEW_TIME)
      depay.time += 3000;
    if (flags & EVENT)
      push_event (&depay, fuzz_u8 (&reader));
    else
      gst_harness_push (depay.harness, take_packet (&depay, &reader, flags));
    take_output (&depay);
  }
  gst_harness_push_event (depay.harness, gst_event_new_eos ());
  take_output (&depay);
  gst_harness_teardown (depay.harness);
  return 0;
}
