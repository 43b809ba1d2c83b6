/* gst-dao: VP8 and VP9 payload descriptors
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The PictureID of what we send always has 15 bits: a 7-bit one wraps every four
 * seconds, and browsers freeze at the wrap. */
#define GST_DAO_RTP_PICTURE_ID_MASK 0x7fff

/* bytes in front of every packet that we send */
#define GST_DAO_RTP_VP8_DESCRIPTOR_SIZE 4
#define GST_DAO_RTP_VP9_DESCRIPTOR_SIZE 3

/**
 * GstDaoRtpDescriptor:
 * @size: bytes that the descriptor takes in front of the frame's data
 * @start: the packet begins a frame (VP8: S and partition 0; VP9: B)
 * @end: the packet ends a frame (VP9: E; VP8 says so by the RTP marker only)
 * @delta: the frame depends on others (VP9 only; VP8 keeps it in the payload)
 * @has_picture_id: @picture_id and @picture_id_mask are set
 * @picture_id: the PictureID
 * @picture_id_mask: 0x7f or 0x7fff
 */
typedef struct
{
  gsize size;
  gboolean start;
  gboolean end;
  gboolean delta;
  gboolean has_picture_id;
  guint picture_id;
  guint picture_id_mask;
} GstDaoRtpDescriptor;

gboolean gst_dao_rtp_vp8_descriptor_parse (const guint8 * data, gsize size,
    GstDaoRtpDescriptor * descriptor);
gboolean gst_dao_rtp_vp9_descriptor_parse (const guint8 * data, gsize size,
    GstDaoRtpDescriptor * descriptor);

void gst_dao_rtp_vp8_descriptor_write (guint8 * data, gboolean first,
    guint picture_id);
void gst_dao_rtp_vp9_descriptor_write (guint8 * data, gboolean first,
    gboolean last, gboolean delta, guint picture_id);

G_END_DECLS
