/* gst-dao: memory for keys
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-secret.h"

#include <sodium.h>
#include <string.h>

void
dao_crypto_init (void)
{
  static gsize once = 0;

  if (g_once_init_enter (&once)) {
    if (sodium_init () < 0)
      g_error ("libsodium does not start: no source of randomness");
    g_once_init_leave (&once, 1);
  }
}

gpointer
dao_secret_new (gsize length)
{
  gpointer secret;

  dao_crypto_init ();
  secret = sodium_malloc (length);
  if (secret == NULL)
    g_error ("no memory for a key of %" G_GSIZE_FORMAT " bytes", length);
  memset (secret, 0, length);
  return secret;
}

gpointer
dao_secret_dup (gconstpointer data, gsize length)
{
  gpointer secret = dao_secret_new (length);

  memcpy (secret, data, length);
  return secret;
}

void
dao_secret_free (gpointer secret)
{
  sodium_free (secret);
}
