/* gst-dao: VP8 and VP9 payload descriptors
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Only the descriptor in front of the payload is read or written. The payload
 * is ciphertext; nothing in it means anything here.
 */
#include "gstdaortpdescriptor.h"

/* RFC 7741 section 4.2 */
#define VP8_X 0x80
#define VP8_S 0x10
#define VP8_PARTITION_MASK 0x07
#define VP8_X_I 0x80
#define VP8_X_L 0x40
#define VP8_X_T 0x20
#define VP8_X_K 0x10

/* RFC 9628 section 4.2 */
#define VP9_I 0x80
#define VP9_P 0x40
#define VP9_L 0x20
#define VP9_F 0x10
#define VP9_B 0x08
#define VP9_E 0x04
#define VP9_V 0x02
#define VP9_L_D 0x01
#define VP9_P_DIFF_N 0x01
#define VP9_SS_Y 0x10
#define VP9_SS_G 0x08
#define VP9_MAX_P_DIFF 3

#define PICTURE_ID_M 0x80       /* the PictureID goes on in the next byte */

/* A cursor that cannot leave the packet. */
typedef struct
{
  const guint8 *data;
  gsize size;
  gsize pos;
} Reader;

static gboolean
reader_get (Reader * reader, guint8 * byte)
{
  if (reader->pos >= reader->size)
    return FALSE;

  *byte = reader->data[reader->pos++];
  return TRUE;
}

static gboolean
reader_skip (Reader * reader, gsize count)
{
  if (count > reader->size - reader->pos)
    return FALSE;

  reader->pos += count;
  return TRUE;
}

static gboolean
read_picture_id (Reader * reader, GstDaoRtpDescriptor * descriptor)
{
  guint8 high, low;

  if (!reader_get (reader, &high))
    return FALSE;

  descriptor->has_picture_id = TRUE;
  if (!(high & PICTURE_ID_M)) {
    descriptor->picture_id = high;
    descriptor->picture_id_mask = 0x7f;
    return TRUE;
  }

  if (!reader_get (reader, &low))
    return FALSE;
  descriptor->picture_id = (high & 0x7f) << 8 | low;
  descriptor->picture_id_mask = 0x7fff;
  return TRUE;
}

/**
 * gst_dao_rtp_vp8_descriptor_parse:
 * @data: the RTP payload
 * @size: its length in bytes, without RTP padding
 * @descriptor: (out): what it says
 *
 * Reads the descriptor of RFC 7741 section 4.2. TL0PICIDX, TID and KEYIDX are
 * stepped over: they only tell which frames may be dropped.
 *
 * Returns: %FALSE if the descriptor does not fit into the payload.
 */
gboolean
gst_dao_rtp_vp8_descriptor_parse (const guint8 * data, gsize size,
    GstDaoRtpDescriptor * descriptor)
{
  Reader reader = { data, size, 0 };
  guint8 first, extension = 0;

  *descriptor = (GstDaoRtpDescriptor) { 0, };

  if (!reader_get (&reader, &first))
    return FALSE;
  if ((first & VP8_X) && !reader_get (&reader, &extension))
    return FALSE;
  if ((extension & VP8_X_I) && !read_picture_id (&reader, descriptor))
    return FALSE;
  if ((extension & VP8_X_L) && !reader_skip (&reader, 1))
    return FALSE;
  /* TID and KEYIDX share one byte */
  if ((extension & (VP8_X_T | VP8_X_K)) && !reader_skip (&reader, 1))
    return FALSE;

  descriptor->start = (first & VP8_S) && !(first & VP8_PARTITION_MASK);
  descriptor->size = reader.pos;
  return TRUE;
}

static gboolean
skip_vp9_references (Reader * reader)
{
  guint i;

  for (i = 0; i < VP9_MAX_P_DIFF; i++) {
    guint8 p_diff;

    if (!reader_get (reader, &p_diff))
      return FALSE;
    if (!(p_diff & VP9_P_DIFF_N))
      return TRUE;
  }

  return FALSE;
}

static gboolean
skip_vp9_scalability_structure (Reader * reader)
{
  guint8 first, n_pictures = 0;
  guint i;

  if (!reader_get (reader, &first))
    return FALSE;
  /* width and height of each of the N_S + 1 spatial layers */
  if ((first & VP9_SS_Y) && !reader_skip (reader, ((first >> 5) + 1) * 4))
    return FALSE;
  if ((first & VP9_SS_G) && !reader_get (reader, &n_pictures))
    return FALSE;

  for (i = 0; i < n_pictures; i++) {
    guint8 picture;

    if (!reader_get (reader, &picture))
      return FALSE;
    if (!reader_skip (reader, (picture >> 2) & 3))
      return FALSE;
  }

  return TRUE;
}

/**
 * gst_dao_rtp_vp9_descriptor_parse:
 * @data: the RTP payload
 * @size: its length in bytes, without RTP padding
 * @descriptor: (out): what it says
 *
 * Reads the descriptor of RFC 9628 section 4.2, flexible and non-flexible mode,
 * with layer indices, references and scalability structure.
 *
 * Returns: %FALSE if the descriptor does not fit into the payload or breaks the
 *     rules of the RFC.
 */
gboolean
gst_dao_rtp_vp9_descriptor_parse (const guint8 * data, gsize size,
    GstDaoRtpDescriptor * descriptor)
{
  Reader reader = { data, size, 0 };
  guint8 first, layers = 0;

  *descriptor = (GstDaoRtpDescriptor) { 0, };

  if (!reader_get (&reader, &first))
    return FALSE;
  /* flexible mode names references by PictureID, so it must have one */
  if ((first & VP9_F) && !(first & VP9_I))
    return FALSE;
  if ((first & VP9_I) && !read_picture_id (&reader, descriptor))
    return FALSE;
  if (first & VP9_L) {
    if (!reader_get (&reader, &layers))
      return FALSE;
    if (!(first & VP9_F) && !reader_skip (&reader, 1))  /* TL0PICIDX */
      return FALSE;
  }
  if ((first & VP9_F) && (first & VP9_P) && !skip_vp9_references (&reader))
    return FALSE;
  if ((first & VP9_V) && !skip_vp9_scalability_structure (&reader))
    return FALSE;

  descriptor->start = (first & VP9_B) != 0;
  descriptor->end = (first & VP9_E) != 0;
  /* D: an upper spatial layer that needs the layer below in the same picture */
  descriptor->delta = (first & VP9_P) || (layers & VP9_L_D);
  descriptor->size = reader.pos;
  return TRUE;
}

static void
write_picture_id (guint8 * data, guint picture_id)
{
  data[0] = PICTURE_ID_M | ((picture_id >> 8) & 0x7f);
  data[1] = picture_id & 0xff;
}

/**
 * gst_dao_rtp_vp8_descriptor_write:
 * @data: room for %GST_DAO_RTP_VP8_DESCRIPTOR_SIZE bytes
 * @first: this packet begins the frame
 * @picture_id: the frame's PictureID, 15 bits
 *
 * Writes what browsers themselves send: X, S on the first packet only,
 * partition 0, I and a 15-bit PictureID.
 */
void
gst_dao_rtp_vp8_descriptor_write (guint8 * data, gboolean first,
    guint picture_id)
{
  data[0] = VP8_X | (first ? VP8_S : 0);
  data[1] = VP8_X_I;
  write_picture_id (data + 2, picture_id);
}

/**
 * gst_dao_rtp_vp9_descriptor_write:
 * @data: room for %GST_DAO_RTP_VP9_DESCRIPTOR_SIZE bytes
 * @first: this packet begins the frame
 * @last: this packet ends the frame
 * @delta: the frame depends on others
 * @picture_id: the frame's PictureID, 15 bits
 *
 * Writes the non-flexible form without layers: I, P, B, E and the PictureID.
 */
void
gst_dao_rtp_vp9_descriptor_write (guint8 * data, gboolean first, gboolean last,
    gboolean delta, guint picture_id)
{
  data[0] = VP9_I | (delta ? VP9_P : 0) | (first ? VP9_B : 0) |
      (last ? VP9_E : 0);
  write_picture_id (data + 1, picture_id);
}
