/* gst-dao: ephemeral TURN credentials from a shared secret
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-turn-rest.h"
#include "dao-encoding.h"

#include <string.h>

gchar *
dao_turn_rest_username (gint64 expiry, const gchar * user)
{
  return g_strdup_printf ("%" G_GINT64_FORMAT ":%s", expiry, user);
}

gchar *
dao_turn_rest_credential (const gchar * secret, const gchar * username)
{
  GHmac *hmac = g_hmac_new (G_CHECKSUM_SHA1, (const guchar *) secret,
      strlen (secret));
  guint8 digest[20];
  gsize length = sizeof digest;

  g_hmac_update (hmac, (const guchar *) username, -1);
  g_hmac_get_digest (hmac, digest, &length);
  g_hmac_unref (hmac);
  return dao_base64_encode (digest, length);
}
