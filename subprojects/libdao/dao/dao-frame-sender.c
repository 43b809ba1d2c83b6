/* gst-dao: the encrypting end of one track
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Formats: protocol.md g (sdk), design "Frame encryption of a call" (v1).
 */
#include "dao-call-keys.h"
#include "dao-frame-private.h"
#include "dao-secret.h"

#include <sodium.h>

#define SECRET_SIZE 32

struct _DaoFrameSender
{
  GObject parent;

  GMutex lock;
  DaoFrameFormat format;
  DaoRole role;
  DaoMedia media;
  guint8 *secret;               /* locked memory; NULL: fixed material, no epochs */
  DaoFrameCipher *cipher;       /* of `epoch`; NULL before the first frame of it */
  guint64 owner;                /* in the registry of used material */
  gboolean claimed;

  guint64 max_frames;
  guint64 max_bytes;

  guint32 epoch;                /* v1 */
  guint64 n;                    /* next: v1 32 bits, sdk 64 bits */
  gboolean exhausted;           /* no n or no epoch is left */
  guint64 frames;               /* since the epoch began */
  guint64 bytes;                /* likewise, ciphertext and tag */
  gboolean rekey_signalled;
};

G_DEFINE_TYPE (DaoFrameSender, dao_frame_sender, G_TYPE_OBJECT);

static void
dao_frame_sender_finalize (GObject * object)
{
  DaoFrameSender *self = DAO_FRAME_SENDER (object);

  dao_frame_cipher_free (self->cipher);
  dao_secret_free (self->secret);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (dao_frame_sender_parent_class)->finalize (object);
}

static void
dao_frame_sender_class_init (DaoFrameSenderClass * klass)
{
  G_OBJECT_CLASS (klass)->finalize = dao_frame_sender_finalize;
}

static void
dao_frame_sender_init (DaoFrameSender * self)
{
  g_mutex_init (&self->lock);
  self->owner = dao_frame_registry_new_owner ();
  self->max_frames = DAO_FRAME_MAX_FRAMES;
  self->max_bytes = DAO_FRAME_MAX_BYTES;
}

static DaoFrameSender *
new_with_material (const guint8 * material, DaoFrameFormat format,
    GError ** error)
{
  DaoFrameSender *self = g_object_new (DAO_TYPE_FRAME_SENDER, NULL);

  self->format = format;
  if (!dao_frame_registry_claim (material, self->owner)) {
    g_set_error_literal (error, DAO_FRAME_ERROR, DAO_FRAME_ERROR_REUSED,
        "This key material has already been used to encrypt; "
        "using it again would repeat IVs");
    g_object_unref (self);
    return NULL;
  }
  self->cipher = dao_frame_cipher_new (material, TRUE);
  if (self->cipher == NULL) {
    g_set_error_literal (error, DAO_FRAME_ERROR, DAO_FRAME_ERROR_MATERIAL,
        "OpenSSL cannot set up AES-256-GCM");
    g_object_unref (self);
    return NULL;
  }
  return self;
}

DaoFrameSender *
dao_frame_sender_new_sdk (const guint8 * material, GError ** error)
{
  g_return_val_if_fail (material != NULL, NULL);

  return new_with_material (material, DAO_FRAME_FORMAT_SDK, error);
}

DaoFrameSender *
dao_frame_sender_new_v1_material (const guint8 * material, GError ** error)
{
  g_return_val_if_fail (material != NULL, NULL);

  return new_with_material (material, DAO_FRAME_FORMAT_V1, error);
}

DaoFrameSender *
dao_frame_sender_new_v1 (const guint8 * secret, DaoRole role, DaoMedia media)
{
  DaoFrameSender *self;

  g_return_val_if_fail (secret != NULL, NULL);

  self = g_object_new (DAO_TYPE_FRAME_SENDER, NULL);
  self->format = DAO_FRAME_FORMAT_V1;
  self->role = role;
  self->media = media;
  self->secret = dao_secret_dup (secret, SECRET_SIZE);
  return self;
}

DaoFrameFormat
dao_frame_sender_get_format (DaoFrameSender * self)
{
  g_return_val_if_fail (DAO_IS_FRAME_SENDER (self), DAO_FRAME_FORMAT_SDK);

  return self->format;
}

gboolean
dao_frame_sender_claim (DaoFrameSender * self, GError ** error)
{
  gboolean first;

  g_return_val_if_fail (DAO_IS_FRAME_SENDER (self), FALSE);

  g_mutex_lock (&self->lock);
  first = !self->claimed;
  self->claimed = TRUE;
  g_mutex_unlock (&self->lock);

  if (!first)
    g_set_error_literal (error, DAO_FRAME_ERROR, DAO_FRAME_ERROR_CLAIMED,
        "These keys already belong to another encryptor");
  return first;
}

void
dao_frame_sender_set_limits (DaoFrameSender * self, guint64 frames,
    guint64 bytes)
{
  g_return_if_fail (DAO_IS_FRAME_SENDER (self));

  g_mutex_lock (&self->lock);
  self->max_frames = CLAMP (frames, 1, DAO_FRAME_MAX_FRAMES);
  self->max_bytes = CLAMP (bytes, 1, DAO_FRAME_MAX_BYTES);
  g_mutex_unlock (&self->lock);
}

/* The maxima are far below what a multiplication by 8 could overflow. */
static gboolean
over_80_percent (DaoFrameSender * self)
{
  return self->frames >= self->max_frames * 8 / 10
      || self->bytes >= self->max_bytes * 8 / 10;
}

static gboolean
over_limit (DaoFrameSender * self)
{
  return self->frames >= self->max_frames || self->bytes >= self->max_bytes;
}

static void
start_epoch (DaoFrameSender * self, guint32 epoch)
{
  self->epoch = epoch;
  self->frames = 0;
  self->bytes = 0;
  g_clear_pointer (&self->cipher, dao_frame_cipher_free);
}

/* v1 with a call secret: the key of the current epoch, made when it is first needed */
static gboolean
ensure_cipher (DaoFrameSender * self)
{
  guint8 material[DAO_FRAME_MATERIAL_SIZE];

  if (self->cipher != NULL)
    return TRUE;

  dao_call_keys_derive_material (self->secret, self->role, self->media,
      self->epoch, material);
  if (dao_frame_registry_claim (material, self->owner))
    self->cipher = dao_frame_cipher_new (material, TRUE);
  sodium_memzero (material, sizeof (material));
  return self->cipher != NULL;
}

/* Before a frame: next epoch, a request for new keys, or an end (vectors/v1_send, frame_rekey) */
static DaoFrameResult
check_limits (DaoFrameSender * self, gboolean * rekey_needed)
{
  if (self->exhausted)
    return DAO_FRAME_LIMIT;

  if (over_80_percent (self)) {
    if (self->secret != NULL) {
      if (self->epoch == DAO_FRAME_MAX_EPOCH) {
        self->exhausted = TRUE;
        return DAO_FRAME_LIMIT;
      }
      start_epoch (self, self->epoch + 1);
      return DAO_FRAME_OK;
    }
    if (!self->rekey_signalled) {
      self->rekey_signalled = TRUE;
      *rekey_needed = TRUE;
    }
  }
  return over_limit (self) ? DAO_FRAME_LIMIT : DAO_FRAME_OK;
}

/* Each counter is given out once, also when the frame then fails. */
static guint64
take_counter (DaoFrameSender * self, gboolean delta)
{
  guint64 n = self->n++;
  guint64 last = self->format == DAO_FRAME_FORMAT_V1 ? G_MAXUINT32
      : G_MAXUINT64;

  if (n == last)
    self->exhausted = TRUE;
  if (self->format == DAO_FRAME_FORMAT_SDK)
    return n;
  return dao_frame_counter (delta ? DAO_FRAME_FLAG_DELTA : 0, self->epoch,
      (guint32) n);
}

DaoFrameResult
dao_frame_sender_seal (DaoFrameSender * self, gboolean delta,
    const guint8 * in, gsize length, guint8 * out, gboolean * rekey_needed)
{
  DaoFrameResult result;
  gboolean needed = FALSE;

  g_return_val_if_fail (DAO_IS_FRAME_SENDER (self), DAO_FRAME_FAILED);
  g_return_val_if_fail (out != NULL && (in != NULL || length == 0),
      DAO_FRAME_FAILED);

  g_mutex_lock (&self->lock);
  result = check_limits (self, &needed);
  if (result == DAO_FRAME_OK) {
    if (ensure_cipher (self) && dao_frame_cipher_seal (self->cipher,
            take_counter (self, delta), in, length, out)) {
      self->frames++;
      self->bytes += length + DAO_FRAME_TAG_SIZE;
    } else {
      result = DAO_FRAME_FAILED;
    }
  }
  g_mutex_unlock (&self->lock);

  if (rekey_needed != NULL)
    *rekey_needed = needed;
  return result;
}

void
dao_frame_sender_get_position (DaoFrameSender * self, guint32 * epoch,
    guint64 * n, guint64 * epoch_bytes)
{
  g_return_if_fail (DAO_IS_FRAME_SENDER (self));

  g_mutex_lock (&self->lock);
  if (epoch != NULL)
    *epoch = self->epoch;
  if (n != NULL)
    *n = self->n;
  if (epoch_bytes != NULL)
    *epoch_bytes = self->bytes;
  g_mutex_unlock (&self->lock);
}

void
dao_frame_sender_set_counter (DaoFrameSender * self, guint64 counter)
{
  g_return_if_fail (DAO_IS_FRAME_SENDER (self));
  g_return_if_fail (self->format == DAO_FRAME_FORMAT_SDK);

  g_mutex_lock (&self->lock);
  self->n = counter;
  self->exhausted = FALSE;
  g_mutex_unlock (&self->lock);
}

void
dao_frame_sender_set_position (DaoFrameSender * self, guint32 epoch,
    guint32 n)
{
  g_return_if_fail (DAO_IS_FRAME_SENDER (self));
  g_return_if_fail (self->secret != NULL && epoch <= DAO_FRAME_MAX_EPOCH);

  g_mutex_lock (&self->lock);
  start_epoch (self, epoch);
  self->n = n;
  self->exhausted = FALSE;
  g_mutex_unlock (&self->lock);
}
