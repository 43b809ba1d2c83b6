/* gst-dao: files that only their owner may read
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define DAO_FILE_ERROR (dao_file_error_quark ())
GQuark dao_file_error_quark (void);

typedef enum
{
  DAO_FILE_ERROR_MISSING,       /* there is no such file */
  DAO_FILE_ERROR_MODE,          /* others may read or write it, it is not ours, or it is no plain file */
  DAO_FILE_ERROR_LIMIT,         /* larger than allowed */
  DAO_FILE_ERROR_EXISTS,        /* would overwrite */
  DAO_FILE_ERROR_IO,
} DaoFileError;

/**
 * dao_file_read_private:
 * @max: refuse files longer than this, bytes
 * @length: (out): bytes read
 *
 * Reads a regular file that is ours, has no permission bit for group or others and
 * is not a symbolic link.
 *
 * Returns: (transfer full): the bytes and a NUL in locked memory, dao_secret_free(); or NULL
 */
gchar *dao_file_read_private (const gchar * path, gsize max, gsize * length,
    GError ** error);

/**
 * dao_file_write_private:
 * @overwrite: FALSE = fail with EXISTS rather than replace
 *
 * Mode 0600; a reader sees the old or the new file, never a part, also after
 * a crash. Makes the directory (mode 0700) if it is missing.
 */
gboolean dao_file_write_private (const gchar * path, gconstpointer data,
    gsize length, gboolean overwrite, GError ** error);

G_END_DECLS
