/* gst-dao: frame encryption keys of one call, version 1
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Design, "Frame encryption of a call, version 1".
 */
#include "dao-call-keys.h"
#include "dao-encoding.h"
#include "dao-frame-private.h"
#include "dao-secret.h"

#include <sodium.h>
#include <string.h>

#define KEY_SIZE 32
#define MEDIA_COUNT 2

static const gchar SALT_LABEL[] = "dao-e2ee-v1";        /* hashed with its NUL */
static const gchar FRAME_LABEL[] = "dao-frame-v1";      /* likewise */

struct _DaoCallKeys
{
  DaoRole role;
  guint8 *private_key;          /* locked memory; NULL once used */
  guint8 public_key[KEY_SIZE];
  guint8 *secret;               /* locked memory; NULL before agreement */
  DaoFrameSender *senders[MEDIA_COUNT];
  DaoFrameReceiver *receivers[MEDIA_COUNT];
};

GQuark
dao_call_keys_error_quark (void)
{
  return g_quark_from_static_string ("dao-call-keys-error-quark");
}

static DaoCallKeys *
keys_take_private (DaoRole own_role, guint8 * private_key)
{
  DaoCallKeys *keys = g_new0 (DaoCallKeys, 1);

  keys->role = own_role;
  keys->private_key = private_key;
  crypto_scalarmult_base (keys->public_key, private_key);
  return keys;
}

DaoCallKeys *
dao_call_keys_new (DaoRole own_role)
{
  guint8 *private_key = dao_secret_new (KEY_SIZE);

  randombytes_buf (private_key, KEY_SIZE);
  return keys_take_private (own_role, private_key);
}

DaoCallKeys *
dao_call_keys_new_with_private (DaoRole own_role,
    const guint8 * x25519_private)
{
  g_return_val_if_fail (x25519_private != NULL, NULL);

  return keys_take_private (own_role, dao_secret_dup (x25519_private,
          KEY_SIZE));
}

void
dao_call_keys_free (DaoCallKeys * keys)
{
  guint i;

  if (keys == NULL)
    return;
  for (i = 0; i < MEDIA_COUNT; i++) {
    g_clear_object (&keys->senders[i]);
    g_clear_object (&keys->receivers[i]);
  }
  dao_secret_free (keys->private_key);
  dao_secret_free (keys->secret);
  g_free (keys);
}

const guint8 *
dao_call_keys_get_public (DaoCallKeys * keys)
{
  g_return_val_if_fail (keys != NULL, NULL);

  return keys->public_key;
}

/* --- the salt: what both ends must agree on --- */

static gboolean
field_fits (const gchar * name, const gchar * value, GError ** error)
{
  gsize length = value != NULL ? strlen (value) : 0;

  if (length > 0 && length <= G_MAXUINT16)
    return TRUE;
  g_set_error (error, DAO_CALL_KEYS_ERROR, DAO_CALL_KEYS_ERROR_FIELD,
      "The %s has %" G_GSIZE_FORMAT " bytes; 1 to 65535 fit the transcript",
      name, length);
  return FALSE;
}

static void
hash_lp (crypto_hash_sha256_state * state, const gchar * value)
{
  gsize length = strlen (value);
  guint8 prefix[2] = { length >> 8, length & 0xff };

  crypto_hash_sha256_update (state, prefix, sizeof (prefix));
  crypto_hash_sha256_update (state, (const guint8 *) value, length);
}

static void
make_salt (const DaoCallTranscript * transcript, const guint8 * caller_pub,
    const guint8 * callee_pub, guint8 * salt)
{
  crypto_hash_sha256_state state;

  crypto_hash_sha256_init (&state);
  crypto_hash_sha256_update (&state, (const guint8 *) SALT_LABEL,
      sizeof (SALT_LABEL));
  hash_lp (&state, transcript->call_id);
  hash_lp (&state, transcript->caller_alias);
  hash_lp (&state, transcript->callee_alias);
  crypto_hash_sha256_update (&state, transcript->caller_ed25519, KEY_SIZE);
  crypto_hash_sha256_update (&state, transcript->callee_ed25519, KEY_SIZE);
  crypto_hash_sha256_update (&state, caller_pub, KEY_SIZE);
  crypto_hash_sha256_update (&state, callee_pub, KEY_SIZE);
  crypto_hash_sha256_final (&state, salt);
}

/* --- agreement --- */

static void
make_handles (DaoCallKeys * keys)
{
  DaoRole peer = keys->role == DAO_ROLE_CALLER ? DAO_ROLE_CALLEE
      : DAO_ROLE_CALLER;
  guint media;

  for (media = 0; media < MEDIA_COUNT; media++) {
    keys->senders[media] = dao_frame_sender_new_v1 (keys->secret, keys->role,
        media);
    keys->receivers[media] = dao_frame_receiver_new_v1 (keys->secret, peer,
        media);
  }
}

gboolean
dao_call_keys_agree (DaoCallKeys * keys, const DaoCallTranscript * transcript,
    const guint8 * peer_public, GError ** error)
{
  gboolean caller;
  guint8 salt[crypto_hash_sha256_BYTES];
  guint8 *ikm;
  gboolean ok;

  g_return_val_if_fail (keys != NULL && transcript != NULL
      && peer_public != NULL, FALSE);

  if (keys->private_key == NULL) {
    g_set_error_literal (error, DAO_CALL_KEYS_ERROR,
        DAO_CALL_KEYS_ERROR_USED, "The ephemeral key of this call is used up");
    return FALSE;
  }
  if (!field_fits ("call_id", transcript->call_id, error)
      || !field_fits ("caller's alias", transcript->caller_alias, error)
      || !field_fits ("callee's alias", transcript->callee_alias, error))
    return FALSE;

  caller = keys->role == DAO_ROLE_CALLER;
  make_salt (transcript, caller ? keys->public_key : peer_public,
      caller ? peer_public : keys->public_key, salt);

  /* shared secret || session key */
  ikm = dao_secret_new (2 * KEY_SIZE);
  /* libsodium refuses an all-zero result itself */
  ok = crypto_scalarmult (ikm, keys->private_key, peer_public) == 0;
  g_clear_pointer (&keys->private_key, dao_secret_free);
  if (ok) {
    memcpy (ikm + KEY_SIZE, transcript->session_key, KEY_SIZE);
    keys->secret = dao_secret_new (KEY_SIZE);
    dao_hkdf_extract (salt, sizeof (salt), ikm, 2 * KEY_SIZE, keys->secret);
    make_handles (keys);
  } else {
    g_set_error_literal (error, DAO_CALL_KEYS_ERROR,
        DAO_CALL_KEYS_ERROR_LOW_ORDER,
        "The peer's ephemeral key has a low order");
  }
  dao_secret_free (ikm);
  return ok;
}

gboolean
dao_call_keys_is_agreed (DaoCallKeys * keys)
{
  g_return_val_if_fail (keys != NULL, FALSE);

  return keys->secret != NULL;
}

DaoFrameSender *
dao_call_keys_get_sender (DaoCallKeys * keys, DaoMedia media)
{
  g_return_val_if_fail (keys != NULL && media < MEDIA_COUNT, NULL);

  return keys->senders[media];
}

DaoFrameReceiver *
dao_call_keys_get_receiver (DaoCallKeys * keys, DaoMedia media)
{
  g_return_val_if_fail (keys != NULL && media < MEDIA_COUNT, NULL);

  return keys->receivers[media];
}

gboolean
dao_call_keys_peek_secret (DaoCallKeys * keys, guint8 * secret)
{
  g_return_val_if_fail (keys != NULL && secret != NULL, FALSE);

  if (keys->secret == NULL)
    return FALSE;
  memcpy (secret, keys->secret, KEY_SIZE);
  return TRUE;
}

/* "dao-frame-v1" 00 "caller"|"callee" 00 "audio"|"video" 00 be32 (epoch) */
void
dao_call_keys_derive_material (const guint8 * secret, DaoRole role,
    DaoMedia media, guint32 epoch, guint8 * material)
{
  const gchar *role_name = role == DAO_ROLE_CALLER ? "caller" : "callee";
  const gchar *media_name = media == DAO_MEDIA_AUDIO ? "audio" : "video";
  guint32 be_epoch = GUINT32_TO_BE (epoch);
  guint8 info[sizeof (FRAME_LABEL) + 7 + 6 + sizeof (be_epoch)];
  guint8 *p = info;

  p = (guint8 *) memcpy (p, FRAME_LABEL, sizeof (FRAME_LABEL))
      + sizeof (FRAME_LABEL);
  p = (guint8 *) memcpy (p, role_name, 7) + 7;
  p = (guint8 *) memcpy (p, media_name, 6) + 6;
  memcpy (p, &be_epoch, sizeof (be_epoch));
  dao_hkdf_expand (secret, info, sizeof (info), material,
      DAO_FRAME_MATERIAL_SIZE);
}
