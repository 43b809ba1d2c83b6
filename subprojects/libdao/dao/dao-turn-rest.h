/* gst-dao: ephemeral TURN credentials from a shared secret
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The convention of coturn's use-auth-secret (protocol.md c.1): "<unix expiry, s>:<user>". (transfer full) */
gchar *dao_turn_rest_username (gint64 expiry, const gchar * user);

/* base64 (HMAC-SHA1 (secret, username)). (transfer full) */
gchar *dao_turn_rest_credential (const gchar * secret, const gchar * username);

G_END_DECLS
