/* gst-dao: a relay that shows other keys than there are
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "keyswap.h"
#include "dao-account.h"

#include <glib/gstdio.h>
#include <sodium.h>
#include <string.h>

static gchar *
encode (const guint8 * key)
{
  return g_base64_encode (key, 32);
}

KeySwap *
swap_new (const gchar * alias)
{
  KeySwap *swap = g_new0 (KeySwap, 1);
  guint8 public[32], secret[64];

  swap->alias = g_strdup (alias);
  crypto_sign_keypair (public, secret);
  swap->ed25519 = encode (public);
  randombytes_buf (secret, 32);
  crypto_scalarmult_base (public, secret);
  swap->x25519 = encode (public);
  return swap;
}

KeySwap *
swap_to_identity (const gchar * alias, DaoIdentity * identity)
{
  KeySwap *swap = g_new0 (KeySwap, 1);

  swap->alias = g_strdup (alias);
  swap->ed25519 = encode (dao_identity_get_ed25519_public (identity));
  swap->x25519 = encode (dao_identity_get_x25519_public (identity));
  return swap;
}

KeySwap *
swap_to (Stage * s, const gchar * alias, guint account)
{
  DaoIdentity *identity = dao_identity_load (s->f->identity[account], NULL);
  KeySwap *swap = swap_to_identity (alias, identity);

  dao_identity_unref (identity);
  return swap;
}

void
swap_free (KeySwap * swap)
{
  g_free (swap->alias);
  g_free (swap->ed25519);
  g_free (swap->x25519);
  g_free (swap);
}

void
swap_keys (json_t * user, gpointer user_data)
{
  KeySwap *swap = user_data;

  json_object_set_new (user, "ed25519_public_key",
      json_string (swap->ed25519));
  json_object_set_new (user, "x25519_public_key",
      json_string (swap->x25519));
}

/* The entry of that alias, or one more that is accepted */
static void
swap_friend (json_t * friends, gpointer user_data)
{
  KeySwap *swap = user_data;
  gboolean found = FALSE;
  json_t *entry;
  gsize i;

  json_array_foreach (friends, i, entry) {
    if (g_strcmp0 (swap->alias, json_string_value (json_object_get (entry,
                    "alias_id"))) != 0)
      continue;
    swap_keys (entry, swap);
    found = TRUE;
  }
  if (found)
    return;
  entry = json_deep_copy (json_array_get (friends, 0));
  json_object_set_new (entry, "alias_id", json_string (swap->alias));
  swap_keys (entry, swap);
  json_array_append_new (friends, entry);
}

void
lie_about_friends (Stage * s, guint to, KeySwap * swap)
{
  stage_tell (s, (Lie) {
      LIE_EDIT, FRIENDS, stage_name_of (s, to), .edit = swap_friend, .user_data =
      swap});
}

/* --- files of contacts --- */

DaoContacts *
load_contacts (Stage * s, guint account)
{
  gchar *path = dao_account_contacts_path (s->f->identity[account]);
  DaoIdentity *identity = dao_identity_load (s->f->identity[account], NULL);
  GError *error = NULL;
  DaoContacts *contacts = dao_contacts_load (path, identity, &error);

  g_assert_no_error (error);
  dao_identity_unref (identity);
  g_free (path);
  return contacts;
}

void
forget_contacts (Stage * s, guint account)
{
  gchar *path = dao_account_contacts_path (s->f->identity[account]);

  g_assert_cmpint (g_unlink (path), ==, 0);
  g_free (path);
}

static void
look_at_friends (Stage * s, guint account)
{
  CallEnd *end = call_end_new (s->f, account, "relay=%s",
      lying_relay_url (s->relay));

  call_end_play_online (end);
  call_end_free (end);
}

static void
accept (Stage * s, guint account, guint peer)
{
  DaoContacts *contacts = load_contacts (s, account);
  const DaoContact *shown = dao_contacts_lookup (contacts, stage_name_of (s, peer));
  guint8 ed25519[32], x25519[32];
  GError *error = NULL;

  g_assert_nonnull (shown);
  g_assert_false (shown->pinned);
  memcpy (ed25519, shown->ed25519_public, 32);
  memcpy (x25519, shown->x25519_public, 32);
  dao_contacts_pin (contacts, stage_name_of (s, peer), NULL, ed25519, x25519,
      shown->conversation_id, &error);
  g_assert_no_error (error);
  dao_contacts_save (contacts, &error);
  g_assert_no_error (error);
  dao_contacts_free (contacts);
}

void
accept_shown (Stage * s, guint account, guint peer)
{
  look_at_friends (s, account);
  accept (s, account, peer);
}

gchar *
safety_code (Stage * s, guint account, guint peer)
{
  DaoContacts *contacts = load_contacts (s, account);
  gchar *code = dao_contacts_safety_code (contacts, stage_name_of (s, peer), NULL);

  dao_contacts_free (contacts);
  return code;
}
