/* gst-dao: what the first bytes of an encoded frame say
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaoframeinfo.h"

/* --- VP8: 3 bytes frame tag; in key frames a start code and the size follow --- */

#define VP8_TAG_SIZE 3
#define VP8_KEY_HEADER_SIZE 10
#define VP8_DIMENSION_MASK 0x3fff       /* the two bits above are a scaling hint */

static gboolean
parse_vp8 (const guint8 * data, gsize size, GstDaoFrameInfo * info)
{
  if (size < VP8_TAG_SIZE)
    return FALSE;
  info->key = (data[0] & 1) == 0;
  if (!info->key)
    return TRUE;

  if (size < VP8_KEY_HEADER_SIZE || data[3] != 0x9d || data[4] != 0x01
      || data[5] != 0x2a)
    return FALSE;
  info->width = GST_READ_UINT16_LE (data + 6) & VP8_DIMENSION_MASK;
  info->height = GST_READ_UINT16_LE (data + 8) & VP8_DIMENSION_MASK;
  return info->width > 0 && info->height > 0;
}

/* --- VP9 --- */

#define VP9_FRAME_MARKER 2
#define VP9_SYNC_CODE 0x498342
#define VP9_COLOR_SPACE_RGB 7

typedef struct
{
  const guint8 *data;
  gsize bits;
  gsize position;
  gboolean overrun;
} BitReader;

static guint
read_bits (BitReader * reader, guint count)
{
  guint value = 0;

  for (; count > 0; count--) {
    guint bit = 0;

    if (reader->position < reader->bits)
      bit = reader->data[reader->position / 8] >> (7 -
          reader->position % 8) & 1;
    else
      reader->overrun = TRUE;
    reader->position++;
    value = value << 1 | bit;
  }
  return value;
}

static void
skip_vp9_color_config (BitReader * reader, guint profile)
{
  gboolean odd_profile = profile == 1 || profile == 3;

  if (profile >= 2)
    read_bits (reader, 1);      /* ten_or_twelve_bit */
  if (read_bits (reader, 3) != VP9_COLOR_SPACE_RGB) {
    read_bits (reader, 1);      /* color_range */
    if (odd_profile)
      read_bits (reader, 3);    /* subsampling_x, subsampling_y, reserved */
  } else if (odd_profile) {
    read_bits (reader, 1);      /* reserved */
  }
}

static gboolean
parse_vp9 (const guint8 * data, gsize size, GstDaoFrameInfo * info)
{
  BitReader reader = { data, size * 8, 0, FALSE };
  guint profile;

  if (size == 0 || read_bits (&reader, 2) != VP9_FRAME_MARKER)
    return FALSE;
  profile = read_bits (&reader, 1);
  profile |= read_bits (&reader, 1) << 1;
  if (profile == 3)
    read_bits (&reader, 1);     /* reserved */
  if (read_bits (&reader, 1))   /* show_existing_frame */
    return TRUE;
  if (read_bits (&reader, 1)) { /* frame_type: not a key frame */
    return !reader.overrun;
  }

  read_bits (&reader, 2);       /* show_frame, error_resilient_mode */
  if (read_bits (&reader, 24) != VP9_SYNC_CODE)
    return FALSE;
  skip_vp9_color_config (&reader, profile);
  info->key = TRUE;
  info->width = read_bits (&reader, 16) + 1;
  info->height = read_bits (&reader, 16) + 1;
  return !reader.overrun;
}

gboolean
gst_dao_frame_info_parse (GstDaoE2eeCodec codec, const guint8 * data, gsize size,
    GstDaoFrameInfo * info)
{
  info->key = FALSE;
  info->width = 0;
  info->height = 0;
  switch (codec) {
    case GST_DAO_E2EE_CODEC_VP8:
      return parse_vp8 (data, size, info);
    case GST_DAO_E2EE_CODEC_VP9:
      return parse_vp9 (data, size, info);
    default:
      return FALSE;
  }
}
