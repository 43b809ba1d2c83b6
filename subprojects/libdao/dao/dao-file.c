/* gst-dao: files that only their owner may read
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-file.h"
#include "dao-secret.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

G_DEFINE_QUARK (dao-file-error-quark, dao_file_error)

static gboolean
fail (GError ** error, DaoFileError code, const gchar * path,
    const gchar * what)
{
  g_set_error (error, DAO_FILE_ERROR, code, "%s: %s", path, what);
  return FALSE;
}

static gboolean
fail_errno (GError ** error, const gchar * path)
{
  return fail (error, errno == ENOENT ? DAO_FILE_ERROR_MISSING :
      errno == EEXIST ? DAO_FILE_ERROR_EXISTS :
      errno == ELOOP ? DAO_FILE_ERROR_MODE : DAO_FILE_ERROR_IO, path,
      g_strerror (errno));
}

static gboolean
check_private (gint fd, const gchar * path, gsize max, gsize * size,
    GError ** error)
{
  struct stat st;

  if (fstat (fd, &st) < 0)
    return fail_errno (error, path);
  if (!S_ISREG (st.st_mode))
    return fail (error, DAO_FILE_ERROR_MODE, path, "is no regular file");
  if (st.st_uid != geteuid ())
    return fail (error, DAO_FILE_ERROR_MODE, path, "belongs to another user");
  if ((st.st_mode & 077) != 0)
    return fail (error, DAO_FILE_ERROR_MODE, path,
        "can be read by others; make it mode 0600");
  if ((guint64) st.st_size > max)
    return fail (error, DAO_FILE_ERROR_LIMIT, path, "is too large");
  *size = st.st_size;
  return TRUE;
}

gchar *
dao_file_read_private (const gchar * path, gsize max, gsize * length,
    GError ** error)
{
  gchar *data = NULL;
  gsize size = 0, done = 0;
  gssize n = 1;
  gint fd;

  /* O_NONBLOCK: opening a FIFO must not wait; for a regular file it means nothing */
  fd = open (path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) {
    fail_errno (error, path);
    return NULL;
  }
  if (!check_private (fd, path, max, &size, error))
    goto out;
  data = dao_secret_new (size + 1);
  while (done < size && n != 0) {
    n = read (fd, data + done, size - done);
    if (n < 0 && errno != EINTR) {
      fail_errno (error, path);
      dao_secret_free (data);
      data = NULL;
      goto out;
    }
    if (n > 0)
      done += n;
  }
  *length = done;
out:
  close (fd);
  return data;
}

static gboolean
write_all (gint fd, const gchar * data, gsize length)
{
  while (length > 0) {
    gssize n = write (fd, data, length);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return FALSE;
    data += n;
    length -= n;
  }
  return fsync (fd) == 0;
}

/* The name is durable only when the directory is on disk too. */
static void
sync_directory (const gchar * directory)
{
  gint fd = open (directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd >= 0) {
    fsync (fd);
    close (fd);
  }
}

gboolean
dao_file_write_private (const gchar * path, gconstpointer data, gsize length,
    gboolean overwrite, GError ** error)
{
  g_autofree gchar *directory = g_path_get_dirname (path);
  g_autofree gchar *temporary = g_strconcat (path, ".XXXXXX", NULL);
  gboolean ok;
  gint fd;

  if (g_mkdir_with_parents (directory, 0700) < 0)
    return fail_errno (error, directory);
  fd = g_mkstemp_full (temporary, O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail_errno (error, temporary);
  ok = write_all (fd, data, length);
  if (!ok)
    fail_errno (error, temporary);
  close (fd);
  if (ok) {
    /* link() fails where the name exists, rename() replaces: both at once */
    ok = overwrite ? rename (temporary, path) == 0 :
        link (temporary, path) == 0;
    if (!ok)
      fail_errno (error, path);
  }
  if (!ok || !overwrite)
    unlink (temporary);
  if (ok)
    sync_directory (directory);
  return ok;
}
