/* gst-dao: a recorded call, read and decoded as a whole for comparison
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "test-picture.h"

#include <gst/gst.h>

G_BEGIN_DECLS

#define MEDIA_FILE_RATE 8000    /* of the decoded sound: speech needs no more */

typedef struct
{
  GstClockTime pts;
  gboolean marked;              /* a whole marker was found */
  guint8 sequence;
  guint16 number;
  guint8 thumb[TEST_PICTURE_THUMB_SIZE];
} MediaFrame;

typedef struct
{
  GstClockTime duration;        /* of the container: 0 when the file was not finished */
  GArray *frames;               /* MediaFrame, in the file's order */
  GArray *samples;              /* gfloat, mono; [0] is at time 0, silence where nothing was */
  GstClockTime audio_start;
  GstClockTime audio_end;
  GHashTable *encoded_video;    /* SHA-256 of each encoded frame (gchar*) -> itself */
  GHashTable *encoded_audio;
  guint n_encoded_video;
  guint n_encoded_audio;
} MediaFile;

/**
 * media_file_read:
 *
 * Reads a Matroska file with one VP8 and one Opus track; anything else in it,
 * a missing track or a decoding error is an error.
 *
 * Returns: (transfer full): the file, or NULL with @error
 */
MediaFile *media_file_read (const gchar * path, GError ** error);
void media_file_free (MediaFile * file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaFile, media_file_free)

/* From the first to the end of the last picture, or sound. */
GstClockTime media_file_video_length (const MediaFile * file);
GstClockTime media_file_audio_length (const MediaFile * file);

G_END_DECLS
