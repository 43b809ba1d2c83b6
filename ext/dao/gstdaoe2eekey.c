/* gst-dao: key material from a property or a file
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaoe2eekey.h"

#include "dao-encoding.h"
#include "dao-secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX_SIZE (2 * DAO_FRAME_MATERIAL_SIZE)
/* Hex and generous white space; a longer file is no key. */
#define MAX_FILE_SIZE 256

gboolean
gst_dao_e2ee_key_from_hex (const gchar * hex, guint8 * material,
    GError ** error)
{
  if (strlen (hex) == HEX_SIZE
      && dao_hex_decode (hex, material, DAO_FRAME_MATERIAL_SIZE))
    return TRUE;
  g_set_error (error, DAO_FRAME_ERROR, DAO_FRAME_ERROR_MATERIAL,
      "Key material must be %d hex digits (%d bytes)", HEX_SIZE,
      DAO_FRAME_MATERIAL_SIZE);
  return FALSE;
}

static gboolean
check_mode (int fd, const gchar * location, GError ** error)
{
  struct stat status;

  if (fstat (fd, &status) != 0) {
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
        "Cannot examine key file %s: %s", location, g_strerror (errno));
    return FALSE;
  }
  if (!S_ISREG (status.st_mode)) {
    g_set_error (error, DAO_FRAME_ERROR, DAO_FRAME_ERROR_MATERIAL,
        "Key file %s is not a regular file", location);
    return FALSE;
  }
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    g_set_error (error, DAO_FRAME_ERROR, DAO_FRAME_ERROR_MATERIAL,
        "Others may read or write key file %s; its mode must be 0600",
        location);
    return FALSE;
  }
  return TRUE;
}

/* Returns: bytes read, at most MAX_FILE_SIZE; -1 with @error */
static gssize
read_all (int fd, const gchar * location, gchar * text, GError ** error)
{
  gsize length = 0;

  while (length < MAX_FILE_SIZE) {
    gssize got = read (fd, text + length, MAX_FILE_SIZE - length);

    if (got == 0)
      break;
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0) {
      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
          "Cannot read key file %s: %s", location, g_strerror (errno));
      return -1;
    }
    length += got;
  }
  return length;
}

static gboolean
parse (const gchar * location, gchar * text, gsize length, guint8 * material,
    GError ** error)
{
  if (length == DAO_FRAME_MATERIAL_SIZE) {
    memcpy (material, text, DAO_FRAME_MATERIAL_SIZE);
    return TRUE;
  }
  text[length] = '\0';
  g_strstrip (text);
  if (gst_dao_e2ee_key_from_hex (text, material, NULL))
    return TRUE;
  g_set_error (error, DAO_FRAME_ERROR, DAO_FRAME_ERROR_MATERIAL,
      "Key file %s has neither %d bytes nor %d hex digits", location,
      DAO_FRAME_MATERIAL_SIZE, HEX_SIZE);
  return FALSE;
}

gboolean
gst_dao_e2ee_key_from_file (const gchar * location, guint8 * material,
    GError ** error)
{
  gchar *text;
  gssize length = -1;
  gboolean ok = FALSE;
  /* O_NONBLOCK: a FIFO must not hang us before its type is checked. */
  int fd = open (location, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

  if (fd < 0) {
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
        "Cannot open key file %s: %s", location, g_strerror (errno));
    return FALSE;
  }
  text = dao_secret_new (MAX_FILE_SIZE + 1);
  if (check_mode (fd, location, error))
    length = read_all (fd, location, text, error);
  if (length >= 0)
    ok = parse (location, text, length, material, error);
  dao_secret_free (text);
  close (fd);
  return ok;
}
