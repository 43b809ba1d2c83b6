/* gst-dao: one account's keys
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-identity-private.h"
#include "dao-encoding.h"
#include "dao-secret.h"

#include <sodium.h>
#include <string.h>

/* protocol.md a.2: what new accounts use */
#define DEFAULT_X25519_INDEX 1

G_DEFINE_QUARK (dao-identity-error-quark, dao_identity_error)

gchar *
dao_identity_generate_mnemonic (void)
{
  gchar *phrase = dao_secret_new (DAO_MNEMONIC_SIZE);
  guint8 entropy[DAO_MNEMONIC_ENTROPY];

  randombytes_buf (entropy, sizeof entropy);
  dao_mnemonic_from_entropy (entropy, phrase);
  sodium_memzero (entropy, sizeof entropy);
  return phrase;
}

void
dao_identity_free_mnemonic (gchar * mnemonic)
{
  dao_secret_free (mnemonic);
}

/* The key at m / 44' / purpose' / 0' / 0' / last' */
static void
derive_key (const guint8 * seed, guint32 purpose, guint32 last, guint8 * key32)
{
  const guint32 path[] = { 44, purpose, 0, 0, last };
  DaoChainNode node;
  guint i;

  dao_chain_master (seed, &node);
  for (i = 0; i < G_N_ELEMENTS (path); i++)
    dao_chain_child (&node, path[i], &node);
  memcpy (key32, node.il, sizeof node.il);
  sodium_memzero (&node, sizeof node);
}

static void
derive_keys (DaoIdentity * identity)
{
  DaoIdentitySecrets *secrets = identity->secrets;
  guint8 seed[DAO_MNEMONIC_SEED], key[32];
  guint i;

  dao_mnemonic_seed (secrets->mnemonic, seed);
  derive_key (seed, 0, 0, key);
  crypto_sign_seed_keypair (identity->ed25519_public,
      secrets->ed25519_secret, key);
  for (i = 0; i < 2; i++) {
    derive_key (seed, 1, i, secrets->x25519_private[i]);
    crypto_scalarmult_base (identity->x25519_public[i],
        secrets->x25519_private[i]);
  }
  sodium_memzero (key, sizeof key);
  sodium_memzero (seed, sizeof seed);
}

DaoIdentity *
dao_identity_new_from_mnemonic (const gchar * mnemonic, GError ** error)
{
  DaoIdentity *identity;
  DaoIdentitySecrets *secrets;

  g_return_val_if_fail (mnemonic != NULL, NULL);
  secrets = dao_secret_new (sizeof *secrets);
  if (!dao_mnemonic_normalise (mnemonic, secrets->mnemonic, NULL)) {
    dao_secret_free (secrets);
    g_set_error_literal (error, DAO_IDENTITY_ERROR,
        DAO_IDENTITY_ERROR_MNEMONIC,
        "not a phrase of 12 English BIP-39 words with a right checksum");
    return NULL;
  }
  identity = g_new0 (DaoIdentity, 1);
  g_atomic_ref_count_init (&identity->refs);
  identity->secrets = secrets;
  identity->x25519_index = DEFAULT_X25519_INDEX;
  derive_keys (identity);
  return identity;
}

gchar *
dao_identity_default_path (void)
{
  const gchar *path = g_getenv ("DAO_IDENTITY");

  if (path != NULL && *path != '\0')
    return g_strdup (path);
  return g_build_filename (g_get_user_config_dir (), "dao", "identity.json",
      NULL);
}

DaoIdentity *
dao_identity_ref (DaoIdentity * identity)
{
  g_atomic_ref_count_inc (&identity->refs);
  return identity;
}

void
dao_identity_unref (DaoIdentity * identity)
{
  if (!g_atomic_ref_count_dec (&identity->refs))
    return;
  dao_secret_free (identity->secrets);
  g_free (identity->alias);
  g_free (identity->uuid);
  g_free (identity->relay);
  g_free (identity->nickname);
  g_free (identity);
}

const guint8 *
dao_identity_get_ed25519_public (DaoIdentity * identity)
{
  return identity->ed25519_public;
}

const guint8 *
dao_identity_get_ed25519_secret (DaoIdentity * identity)
{
  return identity->secrets->ed25519_secret;
}

const guint8 *
dao_identity_get_x25519_public (DaoIdentity * identity)
{
  return identity->x25519_public[identity->x25519_index];
}

const guint8 *
dao_identity_get_x25519_private (DaoIdentity * identity)
{
  return identity->secrets->x25519_private[identity->x25519_index];
}

const gchar *
dao_identity_get_mnemonic (DaoIdentity * identity)
{
  return identity->secrets->mnemonic;
}

gboolean
dao_identity_select_x25519 (DaoIdentity * identity,
    const guint8 * registered_public, GError ** error)
{
  guint i;

  for (i = 0; i < 2; i++) {
    if (memcmp (identity->x25519_public[i], registered_public, 32) == 0) {
      identity->x25519_index = i;
      return TRUE;
    }
  }
  g_set_error_literal (error, DAO_IDENTITY_ERROR, DAO_IDENTITY_ERROR_KEY,
      "the X25519 key registered for this account is not ours");
  return FALSE;
}

const gchar *
dao_identity_get_alias (DaoIdentity * identity)
{
  return identity->alias;
}

const gchar *
dao_identity_get_uuid (DaoIdentity * identity)
{
  return identity->uuid;
}

const gchar *
dao_identity_get_relay (DaoIdentity * identity)
{
  return identity->relay;
}

const gchar *
dao_identity_get_nickname (DaoIdentity * identity)
{
  return identity->nickname;
}

static void
replace_string (gchar ** member, const gchar * value)
{
  gchar *old = *member;

  *member = g_strdup (value);   /* before the old one goes: they may be the same */
  g_free (old);
}

void
dao_identity_set_alias (DaoIdentity * identity, const gchar * alias)
{
  replace_string (&identity->alias, alias);
}

void
dao_identity_set_uuid (DaoIdentity * identity, const gchar * uuid)
{
  replace_string (&identity->uuid, uuid);
}

void
dao_identity_set_relay (DaoIdentity * identity, const gchar * url)
{
  replace_string (&identity->relay, url);
}

void
dao_identity_set_nickname (DaoIdentity * identity, const gchar * name)
{
  replace_string (&identity->nickname, name);
}

void
dao_identity_sign (DaoIdentity * identity, const guint8 * data, gsize length,
    guint8 * signature)
{
  crypto_sign_detached (signature, NULL, data, length,
      identity->secrets->ed25519_secret);
}

gchar *
dao_challenge_sign (const guint8 * ed25519_secret, const gchar * challenge,
    GError ** error)
{
  guint8 signature[crypto_sign_BYTES];
  gsize length = strlen (challenge);

  /* What is signed for a call is a JSON object; a relay that could get one
   * signed as a "challenge" could call in our name. */
  if (length == 0 || length > DAO_IDENTITY_MAX_CHALLENGE
      || challenge[0] == '{') {
    g_set_error_literal (error, DAO_IDENTITY_ERROR,
        DAO_IDENTITY_ERROR_CHALLENGE,
        "the relay's login challenge is not one we sign");
    return NULL;
  }
  crypto_sign_detached (signature, NULL, (const guint8 *) challenge, length,
      ed25519_secret);
  return dao_base64_encode (signature, sizeof signature);
}

gchar *
dao_identity_sign_challenge (DaoIdentity * identity, const gchar * challenge,
    GError ** error)
{
  return dao_challenge_sign (identity->secrets->ed25519_secret, challenge,
      error);
}

gboolean
dao_alias_is_valid (const gchar * alias)
{
  gsize length;

  if (alias == NULL)
    return FALSE;
  length = strspn (alias, "abcdefghijklmnopqrstuvwxyz0123456789_");
  return alias[length] == '\0' && length >= 3 && length <= 32;
}
