/* gst-dao: the demo's picture, which says which frame of which sequence it is
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define TEST_PICTURE_WIDTH 640
#define TEST_PICTURE_HEIGHT 360
#define TEST_PICTURE_FPS 30
#define TEST_PICTURE_MARKER_TOP (TEST_PICTURE_HEIGHT - 64)      /* the first line of the marker */
#define TEST_PICTURE_SIZE (TEST_PICTURE_WIDTH * TEST_PICTURE_HEIGHT * 3 / 2)

/* The picture above the marker in little: mean luma of 20x18 pixels a cell. */
#define TEST_PICTURE_THUMB_COLUMNS 32
#define TEST_PICTURE_THUMB_ROWS 16
#define TEST_PICTURE_THUMB_SIZE (TEST_PICTURE_THUMB_COLUMNS * TEST_PICTURE_THUMB_ROWS)

/**
 * test_picture_draw:
 * @i420: TEST_PICTURE_SIZE bytes, planes without padding
 * @sequence: which of the 256 patterns
 * @number: the frame's number, which the marker repeats
 */
void test_picture_draw (guint8 * i420, guint8 sequence, guint16 number);

/**
 * test_picture_read:
 * @luma: a plane of TEST_PICTURE_WIDTH x TEST_PICTURE_HEIGHT
 * @stride: bytes a line
 *
 * Returns: FALSE when there is no marker, or one that contradicts itself
 */
gboolean test_picture_read (const guint8 * luma, gsize stride,
    guint8 * sequence, guint16 * number);

/* Writes TEST_PICTURE_THUMB_SIZE bytes. */
void test_picture_thumb (const guint8 * luma, gsize stride, guint8 * thumb);

G_END_DECLS
