/* gst-dao: AES-256-GCM over media frames, and the registry of used keys
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * OpenSSL instead of libsodium: libsodium's AES-GCM exists only on x86 with
 * AES-NI and is half as fast on video frames.
 */
#include "dao-frame-private.h"
#include "dao-secret.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

#define KEY_SIZE 32
#define IV_SIZE 12
/* The counter is XORed into this many bytes of the base IV. */
#define IV_COUNTER_SIZE 8

G_STATIC_ASSERT (KEY_SIZE + IV_SIZE == DAO_FRAME_MATERIAL_SIZE);

struct _DaoFrameCipher
{
  EVP_CIPHER_CTX *context;
  gboolean encrypt;
  guint8 base_iv[IV_SIZE];
};

GQuark
dao_frame_error_quark (void)
{
  return g_quark_from_static_string ("dao-frame-error-quark");
}

const gchar *
dao_frame_result_to_string (DaoFrameResult result)
{
  switch (result) {
    case DAO_FRAME_OK:
      return "accept";
    case DAO_FRAME_LIMIT:
      return "limit";
    case DAO_FRAME_FAILED:
      return "failed";
    case DAO_FRAME_SHORT:
      return "short";
    case DAO_FRAME_FLAGS:
      return "flags";
    case DAO_FRAME_EPOCH_AHEAD:
      return "epoch-ahead";
    case DAO_FRAME_EPOCH_OLD:
      return "epoch-old";
    case DAO_FRAME_REPLAY:
      return "replay";
    case DAO_FRAME_AUTH:
      return "auth";
  }
  return "unknown";
}

DaoFrameCipher *
dao_frame_cipher_new (const guint8 * material, gboolean encrypt)
{
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new ();
  DaoFrameCipher *cipher;

  if (context == NULL)
    return NULL;
  /* The default IV length of GCM is the 12 bytes we need. */
  if (EVP_CipherInit_ex (context, EVP_aes_256_gcm (), NULL, material, NULL,
          encrypt ? 1 : 0) != 1) {
    EVP_CIPHER_CTX_free (context);
    return NULL;
  }

  cipher = g_new (DaoFrameCipher, 1);
  cipher->context = context;
  cipher->encrypt = encrypt;
  memcpy (cipher->base_iv, material + KEY_SIZE, IV_SIZE);
  return cipher;
}

void
dao_frame_cipher_free (DaoFrameCipher * cipher)
{
  if (cipher == NULL)
    return;
  /* OpenSSL wipes its key schedule here. */
  EVP_CIPHER_CTX_free (cipher->context);
  sodium_memzero (cipher, sizeof (*cipher));
  g_free (cipher);
}

/* Key and cipher stay, the IV is new: little-endian counter XOR base IV */
static gboolean
set_iv (DaoFrameCipher * cipher, guint64 counter)
{
  guint8 iv[IV_SIZE];
  guint64 head;

  memcpy (iv, cipher->base_iv, IV_SIZE);
  memcpy (&head, iv, IV_COUNTER_SIZE);
  head ^= GUINT64_TO_LE (counter);
  memcpy (iv, &head, IV_COUNTER_SIZE);
  return EVP_CipherInit_ex (cipher->context, NULL, NULL, NULL, iv, -1) == 1;
}

guint64
dao_frame_header_counter (const guint8 * frame)
{
  guint64 counter;

  memcpy (&counter, frame, DAO_FRAME_HEADER_SIZE);
  return GUINT64_FROM_BE (counter);
}

gboolean
dao_frame_cipher_seal (DaoFrameCipher * cipher, guint64 counter,
    const guint8 * in, gsize length, guint8 * out)
{
  guint64 header = GUINT64_TO_BE (counter);
  guint8 *body = out + DAO_FRAME_HEADER_SIZE;
  int written = 0, rest = 0;

  g_assert (cipher->encrypt);
  if (length > DAO_FRAME_MAX_LENGTH || !set_iv (cipher, counter))
    return FALSE;

  if (length > 0 && EVP_EncryptUpdate (cipher->context, body, &written, in,
          (int) length) != 1)
    return FALSE;
  if (EVP_EncryptFinal_ex (cipher->context, body + written, &rest) != 1)
    return FALSE;
  if (EVP_CIPHER_CTX_ctrl (cipher->context, EVP_CTRL_AEAD_GET_TAG,
          DAO_FRAME_TAG_SIZE, body + length) != 1)
    return FALSE;
  memcpy (out, &header, DAO_FRAME_HEADER_SIZE);
  return TRUE;
}

gboolean
dao_frame_cipher_open (DaoFrameCipher * cipher, const guint8 * frame,
    gsize length, guint8 * out)
{
  const guint8 *body = frame + DAO_FRAME_HEADER_SIZE;
  gsize plain = length - DAO_FRAME_OVERHEAD;
  int written = 0, rest = 0;
  guint8 tag[DAO_FRAME_TAG_SIZE];
  guint8 none;

  g_assert (!cipher->encrypt && length >= DAO_FRAME_OVERHEAD);
  if (plain > DAO_FRAME_MAX_LENGTH
      || !set_iv (cipher, dao_frame_header_counter (frame)))
    return FALSE;

  memcpy (tag, body + plain, DAO_FRAME_TAG_SIZE);
  if (EVP_CIPHER_CTX_ctrl (cipher->context, EVP_CTRL_AEAD_SET_TAG,
          DAO_FRAME_TAG_SIZE, tag) != 1)
    return FALSE;
  if (plain > 0 && EVP_DecryptUpdate (cipher->context, out, &written, body,
          (int) plain) != 1)
    return FALSE;
  /* GCM gives no bytes here, it only compares the tag. */
  return EVP_DecryptFinal_ex (cipher->context, &none, &rest) == 1;
}

/* --- registry --- */

static GMutex registry_lock;
static GHashTable *registry;    /* keyed hash of the material -> owner */
static guint64 last_owner;
static guint8 registry_key[crypto_generichash_KEYBYTES];

#define HASH_SIZE 32

static guint
hash_hash (gconstpointer data)
{
  guint value;

  memcpy (&value, data, sizeof (value));
  return value;
}

static gboolean
hash_equal (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, HASH_SIZE) == 0;
}

guint64
dao_frame_registry_new_owner (void)
{
  guint64 owner;

  g_mutex_lock (&registry_lock);
  owner = ++last_owner;
  g_mutex_unlock (&registry_lock);
  return owner;
}

gboolean
dao_frame_registry_claim (const guint8 * material, guint64 owner)
{
  guint8 hash[HASH_SIZE];
  guint64 *known;
  gboolean ours;

  dao_crypto_init ();
  g_mutex_lock (&registry_lock);
  if (registry == NULL) {
    registry = g_hash_table_new_full (hash_hash, hash_equal, g_free, g_free);
    randombytes_buf (registry_key, sizeof (registry_key));
  }
  crypto_generichash (hash, sizeof (hash), material, DAO_FRAME_MATERIAL_SIZE,
      registry_key, sizeof (registry_key));
  known = g_hash_table_lookup (registry, hash);
  ours = known == NULL || *known == owner;
  if (known == NULL)
    g_hash_table_insert (registry, g_memdup2 (hash, sizeof (hash)),
        g_memdup2 (&owner, sizeof (owner)));
  g_mutex_unlock (&registry_lock);
  return ours;
}
