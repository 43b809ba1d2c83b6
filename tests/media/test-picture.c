/* gst-dao: the demo's picture, which says which frame of which sequence it is
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The two lowest rows of 32x32 blocks are the marker, white = 1:
 *
 *   upper row:  0 1  sequence (8 bits, high first)  its complement (8 bits)  1 0
 *   lower row:  1 0  frame number (16 bits, high first)  even parity  odd parity
 *
 * Blocks of this size survive VP8 at any rate a call uses. Above them waves run
 * through the picture and a bright box circles in it; both depend on the sequence.
 */
#include "test-picture.h"

#include <math.h>
#include <string.h>

#define BLOCK 32
#define BLOCKS (TEST_PICTURE_WIDTH / BLOCK)
#define NUMBER_ROW (TEST_PICTURE_HEIGHT - BLOCK)
#define SEQUENCE_ROW TEST_PICTURE_MARKER_TOP
#define WHITE 235
#define BLACK 16
/* Black and white of a marker are at least this far apart after any sane encoding. */
#define MIN_CONTRAST 100
#define BOX 96

static guint
parity (guint16 number)
{
  guint ones = 0;

  for (; number != 0; number >>= 1)
    ones += number & 1;
  return ones & 1;
}

static void
sequence_bits (guint8 sequence, guint8 * bits)
{
  bits[0] = 0;
  bits[1] = 1;
  for (guint i = 0; i < 8; i++) {
    bits[2 + i] = (sequence >> (7 - i)) & 1;
    bits[10 + i] = !bits[2 + i];
  }
  bits[18] = 1;
  bits[19] = 0;
}

static void
number_bits (guint16 number, guint8 * bits)
{
  bits[0] = 1;
  bits[1] = 0;
  for (guint i = 0; i < 16; i++)
    bits[2 + i] = (number >> (15 - i)) & 1;
  bits[18] = parity (number);
  bits[19] = !bits[18];
}

static void
draw_row (guint8 * luma, guint top, const guint8 * bits)
{
  for (guint y = top; y < top + BLOCK; y++)
    for (guint b = 0; b < BLOCKS; b++)
      memset (luma + y * TEST_PICTURE_WIDTH + b * BLOCK,
          bits[b] ? WHITE : BLACK, BLOCK);
}

static void
draw_waves (guint8 * luma, guint8 sequence, guint16 number)
{
  /* One period of a wave in 256 steps, computed once. */
  static guint8 wave[256];
  guint dx = 1 + sequence % 3;
  guint dy = 1 + (sequence / 3) % 3;

  if (wave[0] == 0)
    for (guint i = 0; i < 256; i++)
      wave[i] = 110 + lrint (60 * sin (i * 2 * G_PI / 256));

  for (guint y = 0; y < SEQUENCE_ROW; y++)
    for (guint x = 0; x < TEST_PICTURE_WIDTH; x++)
      luma[y * TEST_PICTURE_WIDTH + x] =
          wave[(x * dx + y * dy + number * 2 + sequence * 37) & 255];
}

static void
draw_box (guint8 * luma, guint8 sequence, guint16 number)
{
  gdouble angle = number * 2 * G_PI / 90 + sequence;
  guint left = lrint ((TEST_PICTURE_WIDTH - BOX) * (1 + cos (angle)) / 2);
  guint top = lrint ((SEQUENCE_ROW - BOX) * (1 + sin (angle)) / 2);

  for (guint y = top; y < top + BOX; y++)
    memset (luma + y * TEST_PICTURE_WIDTH + left, WHITE, BOX);
}

void
test_picture_draw (guint8 * i420, guint8 sequence, guint16 number)
{
  const gsize luma_size = TEST_PICTURE_WIDTH * TEST_PICTURE_HEIGHT;
  guint8 bits[BLOCKS];

  draw_waves (i420, sequence, number);
  draw_box (i420, sequence, number);
  sequence_bits (sequence, bits);
  draw_row (i420, SEQUENCE_ROW, bits);
  number_bits (number, bits);
  draw_row (i420, NUMBER_ROW, bits);
  memset (i420 + luma_size, 96 + sequence % 64, luma_size / 4);
  memset (i420 + luma_size + luma_size / 4, 160 - sequence % 64,
      luma_size / 4);
}

/* The mean of the middle of a block: its rim blurs into the neighbours. */
static guint
block_mean (const guint8 * luma, gsize stride, guint block, guint top)
{
  const guint rim = BLOCK / 4;
  guint sum = 0;

  for (guint y = top + rim; y < top + BLOCK - rim; y++)
    for (guint x = block * BLOCK + rim; x < (block + 1) * BLOCK - rim; x++)
      sum += luma[y * stride + x];
  return sum / ((BLOCK - 2 * rim) * (BLOCK - 2 * rim));
}

/* @white and @black are the blocks that are so in every marker of this row. */
static gboolean
read_row (const guint8 * luma, gsize stride, guint top, guint white,
    guint black, guint8 * bits)
{
  guint high = block_mean (luma, stride, white, top);
  guint low = block_mean (luma, stride, black, top);

  if (high < low + MIN_CONTRAST)
    return FALSE;
  for (guint b = 0; b < BLOCKS; b++)
    bits[b] = block_mean (luma, stride, b, top) > (high + low) / 2;
  return TRUE;
}

static guint
bits_to_uint (const guint8 * bits, guint count)
{
  guint value = 0;

  for (guint i = 0; i < count; i++)
    value = value << 1 | bits[i];
  return value;
}

gboolean
test_picture_read (const guint8 * luma, gsize stride, guint8 * sequence,
    guint16 * number)
{
  guint8 found[BLOCKS], expected[BLOCKS];

  if (!read_row (luma, stride, SEQUENCE_ROW, 1, 0, found))
    return FALSE;
  *sequence = bits_to_uint (found + 2, 8);
  sequence_bits (*sequence, expected);
  if (memcmp (found, expected, BLOCKS) != 0)
    return FALSE;

  if (!read_row (luma, stride, NUMBER_ROW, 0, 1, found))
    return FALSE;
  *number = bits_to_uint (found + 2, 16);
  number_bits (*number, expected);
  return memcmp (found, expected, BLOCKS) == 0;
}

void
test_picture_thumb (const guint8 * luma, gsize stride, guint8 * thumb)
{
  const guint width = TEST_PICTURE_WIDTH / TEST_PICTURE_THUMB_COLUMNS;
  const guint height = SEQUENCE_ROW / TEST_PICTURE_THUMB_ROWS;

  for (guint row = 0; row < TEST_PICTURE_THUMB_ROWS; row++)
    for (guint column = 0; column < TEST_PICTURE_THUMB_COLUMNS; column++) {
      guint sum = 0;

      for (guint y = row * height; y < (row + 1) * height; y++)
        for (guint x = column * width; x < (column + 1) * width; x++)
          sum += luma[y * stride + x];
      thumb[row * TEST_PICTURE_THUMB_COLUMNS + column] =
          sum / (width * height);
    }
}
