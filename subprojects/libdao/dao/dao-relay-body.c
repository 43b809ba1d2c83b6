/* gst-dao: what our requests look like
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-relay-body.h"
#include "dao-encoding.h"

gchar *
dao_relay_path_user (const gchar * alias)
{
  g_autofree gchar *escaped = g_uri_escape_string (alias, NULL, FALSE);

  return g_strconcat ("/api/v1/users/", escaped, NULL);
}

gchar *
dao_relay_path_accept (gint64 friendship_id)
{
  return g_strdup_printf (DAO_PATH_FRIENDS "/%" G_GINT64_FORMAT "/accept",
      friendship_id);
}

gchar *
dao_relay_path_ice_config (gboolean relay_only)
{
  return g_strconcat (DAO_PATH_ICE_CONFIG, relay_only ? "?mode=relay" : NULL,
      NULL);
}

gchar *
dao_relay_path_socket (const gchar * uuid, const gchar * ticket)
{
  g_autofree gchar *escaped_uuid = g_uri_escape_string (uuid, NULL, FALSE);
  g_autofree gchar *escaped_ticket = g_uri_escape_string (ticket, NULL, FALSE);

  return g_strconcat ("/ws?user_uuid=", escaped_uuid, "&ticket=",
      escaped_ticket, NULL);
}

json_t *
dao_relay_body_register (DaoIdentity * identity, const gchar * nickname,
    const gchar * pow_nonce)
{
  g_autofree gchar *ed25519 =
      dao_base64_encode (dao_identity_get_ed25519_public (identity), 32);
  g_autofree gchar *x25519 =
      dao_base64_encode (dao_identity_get_x25519_public (identity), 32);

  return json_pack ("{s:s, s:s, s:s, s:s}", "ed25519_public_key", ed25519,
      "x25519_public_key", x25519, "nickname", nickname, "pow_nonce",
      pow_nonce);
}

json_t *
dao_relay_body_auth_challenge (const gchar * uuid)
{
  return json_pack ("{s:s}", "user_uuid", uuid);
}

json_t *
dao_relay_body_auth_verify (const gchar * uuid, const gchar * challenge,
    const gchar * signature)
{
  return json_pack ("{s:s, s:s, s:s}", "user_uuid", uuid, "challenge",
      challenge, "signature", signature);
}

json_t *
dao_relay_body_friend_request (const gchar * alias)
{
  return json_pack ("{s:s}", "to_alias_id", alias);
}
