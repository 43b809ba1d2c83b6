/* gst-dao: what the fuzz targets share
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "fuzz.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static gchar *file_path;

static void
drop_message (const gchar * domain, GLogLevelFlags level,
    const gchar * message, gpointer user_data)
{
  if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING))
    g_log_default_handler (domain, level, message, NULL);
}

void
fuzz_init (void)
{
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL
      | G_LOG_LEVEL_WARNING);
  g_log_set_default_handler (drop_message, NULL);
}

guint8
fuzz_u8 (FuzzReader * reader)
{
  if (reader->size == 0)
    return 0;
  reader->size--;
  return *reader->data++;
}

guint16
fuzz_u16 (FuzzReader * reader)
{
  guint16 high = fuzz_u8 (reader);

  return high << 8 | fuzz_u8 (reader);
}

guint32
fuzz_u32 (FuzzReader * reader)
{
  guint32 high = fuzz_u16 (reader);

  return high << 16 | fuzz_u16 (reader);
}

guint8 *
fuzz_bytes (FuzzReader * reader, gsize size, gsize * length)
{
  guint8 *bytes;

  *length = MIN (size, reader->size);
  bytes = malloc (*length);
  if (*length > 0)
    memcpy (bytes, reader->data, *length);
  reader->data += *length;
  reader->size -= *length;
  return bytes;
}

gchar *
fuzz_line (FuzzReader * reader)
{
  const guint8 *end;
  gchar *line;
  gsize length;

  if (reader->size == 0)
    return NULL;
  end = memchr (reader->data, '\n', reader->size);
  length = end != NULL ? (gsize) (end - reader->data) : reader->size;
  line = g_strndup ((const gchar *) reader->data, length);
  length += end != NULL;
  reader->data += length;
  reader->size -= length;
  return line;
}

static void
remove_file (void)
{
  unlink (file_path);
  g_free (file_path);
}

const gchar *
fuzz_private_file (const guint8 * data, gsize size)
{
  gint fd;

  if (file_path == NULL) {
    /* memory, where there is such a directory: millions of files are no good for a disk */
    const gchar *dir = g_file_test ("/dev/shm", G_FILE_TEST_IS_DIR) ?
        "/dev/shm" : g_get_tmp_dir ();

    file_path = g_strdup_printf ("%s/dao-fuzz-%d", dir, (gint) getpid ());
    atexit (remove_file);
  }
  fd = open (file_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, data, size), ==, (gssize) size);
  close (fd);
  return file_path;
}

const gchar *
fuzz_path (void)
{
  return file_path;
}
