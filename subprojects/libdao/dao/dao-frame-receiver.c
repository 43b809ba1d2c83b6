/* gst-dao: the decrypting end of one track
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Stricter than the SDK's worker (protocol.md g.1, hazard 29): a counter is
 * recorded only after the tag verified, and old unseen counters do not stay
 * acceptable for ever.
 */
#include "dao-call-keys.h"
#include "dao-frame-private.h"
#include "dao-secret.h"

#include <sodium.h>
#include <string.h>

#define SECRET_SIZE 32

/* Counters at or below max - WINDOW are dropped; a frame a counter, so about 40 s of audio. */
#define WINDOW 2048
#define WINDOW_WORDS (WINDOW / 64)

/* How far ahead a frame may call for an epoch: what a forged header can make us derive stays one key a frame. */
#define MAX_EPOCHS_AHEAD 256
/* Reordered frames of superseded epochs: this many epochs, for this long. */
#define OLD_EPOCHS 4
#define OLD_EPOCH_MS 5000
#define SLOTS (OLD_EPOCHS + 1)

typedef struct
{
  gboolean any;
  guint64 max;
  guint64 seen[WINDOW_WORDS];   /* a ring: bit n % WINDOW, for n in max - WINDOW + 1 .. max */
} ReplayWindow;

typedef struct
{
  guint32 epoch;
  DaoFrameCipher *cipher;       /* NULL: empty */
} EpochKey;

struct _DaoFrameReceiver
{
  GObject parent;

  GMutex lock;
  DaoFrameFormat format;
  DaoRole role;
  DaoMedia media;
  guint8 *secret;               /* locked memory; NULL: fixed material */
  DaoFrameCipher *fixed;
  gboolean vp8;

  guint32 current;              /* epoch */
  EpochKey keys[SLOTS];         /* current and the ones before it, at epoch % SLOTS */
  EpochKey ahead;               /* the last future epoch asked for: not adopted, nothing depends on it */
  gint64 superseded[OLD_EPOCHS];        /* when epoch current - 1 - i was */

  ReplayWindow window;
  guint64 verified;
};

G_DEFINE_TYPE (DaoFrameReceiver, dao_frame_receiver, G_TYPE_OBJECT);

/* --- replay window --- */

static gboolean
window_accepts (const ReplayWindow * window, guint64 n)
{
  if (!window->any || n > window->max)
    return TRUE;
  if (window->max - n >= WINDOW)
    return FALSE;
  return (window->seen[n % WINDOW / 64] >> (n % 64) & 1) == 0;
}

static void
window_record (ReplayWindow * window, guint64 n)
{
  guint64 i;

  if (!window->any || (n > window->max && n - window->max >= WINDOW)) {
    memset (window->seen, 0, sizeof (window->seen));
    window->max = n;
    window->any = TRUE;
  }
  /* The places of max + 1 .. n held counters that are now too old. */
  for (i = window->max; i < n; i++)
    window->seen[(i + 1) % WINDOW / 64] &=
        ~(G_GUINT64_CONSTANT (1) << ((i + 1) % 64));
  window->max = MAX (window->max, n);
  window->seen[n % WINDOW / 64] |= G_GUINT64_CONSTANT (1) << (n % 64);
}

/* --- life --- */

static void
epoch_key_clear (EpochKey * key)
{
  g_clear_pointer (&key->cipher, dao_frame_cipher_free);
}

static void
dao_frame_receiver_finalize (GObject * object)
{
  DaoFrameReceiver *self = DAO_FRAME_RECEIVER (object);
  guint i;

  for (i = 0; i < SLOTS; i++)
    epoch_key_clear (&self->keys[i]);
  epoch_key_clear (&self->ahead);
  dao_frame_cipher_free (self->fixed);
  dao_secret_free (self->secret);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (dao_frame_receiver_parent_class)->finalize (object);
}

static void
dao_frame_receiver_class_init (DaoFrameReceiverClass * klass)
{
  G_OBJECT_CLASS (klass)->finalize = dao_frame_receiver_finalize;
}

static void
dao_frame_receiver_init (DaoFrameReceiver * self)
{
  g_mutex_init (&self->lock);
}

static DaoFrameReceiver *
new_with_material (const guint8 * material, DaoFrameFormat format)
{
  DaoFrameReceiver *self = g_object_new (DAO_TYPE_FRAME_RECEIVER, NULL);

  self->format = format;
  self->fixed = dao_frame_cipher_new (material, FALSE);
  return self;
}

DaoFrameReceiver *
dao_frame_receiver_new_sdk (const guint8 * material)
{
  g_return_val_if_fail (material != NULL, NULL);

  return new_with_material (material, DAO_FRAME_FORMAT_SDK);
}

DaoFrameReceiver *
dao_frame_receiver_new_v1_material (const guint8 * material)
{
  g_return_val_if_fail (material != NULL, NULL);

  return new_with_material (material, DAO_FRAME_FORMAT_V1);
}

DaoFrameReceiver *
dao_frame_receiver_new_v1 (const guint8 * secret, DaoRole sender_role,
    DaoMedia media)
{
  DaoFrameReceiver *self;

  g_return_val_if_fail (secret != NULL, NULL);

  self = g_object_new (DAO_TYPE_FRAME_RECEIVER, NULL);
  self->format = DAO_FRAME_FORMAT_V1;
  self->role = sender_role;
  self->media = media;
  self->secret = dao_secret_dup (secret, SECRET_SIZE);
  return self;
}

DaoFrameFormat
dao_frame_receiver_get_format (DaoFrameReceiver * self)
{
  g_return_val_if_fail (DAO_IS_FRAME_RECEIVER (self), DAO_FRAME_FORMAT_SDK);

  return self->format;
}

void
dao_frame_receiver_set_vp8 (DaoFrameReceiver * self, gboolean vp8)
{
  g_return_if_fail (DAO_IS_FRAME_RECEIVER (self));

  g_mutex_lock (&self->lock);
  self->vp8 = vp8;
  g_mutex_unlock (&self->lock);
}

guint64
dao_frame_receiver_get_verified (DaoFrameReceiver * self)
{
  guint64 verified;

  g_return_val_if_fail (DAO_IS_FRAME_RECEIVER (self), 0);

  g_mutex_lock (&self->lock);
  verified = self->verified;
  g_mutex_unlock (&self->lock);
  return verified;
}

/* --- epochs --- */

/* Superseded keys are of no more use after their time: wipe them. */
static void
forget_old_keys (DaoFrameReceiver * self, gint64 now_ms)
{
  guint i;

  for (i = 0; i < SLOTS; i++) {
    EpochKey *key = &self->keys[i];
    guint32 age = self->current - key->epoch;

    if (key->cipher == NULL || age == 0)
      continue;
    if (age > OLD_EPOCHS || now_ms - self->superseded[age - 1] > OLD_EPOCH_MS)
      epoch_key_clear (key);
  }
}

static DaoFrameResult
check_epoch (DaoFrameReceiver * self, guint32 epoch, gint64 now_ms)
{
  guint32 age;

  if (self->secret == NULL)     /* fixed material is epoch 0 for good */
    return epoch == 0 ? DAO_FRAME_OK : DAO_FRAME_EPOCH_AHEAD;
  if (epoch >= self->current)
    return epoch - self->current > MAX_EPOCHS_AHEAD ? DAO_FRAME_EPOCH_AHEAD
        : DAO_FRAME_OK;

  age = self->current - epoch;
  if (age > OLD_EPOCHS || now_ms - self->superseded[age - 1] > OLD_EPOCH_MS)
    return DAO_FRAME_EPOCH_OLD;
  return DAO_FRAME_OK;
}

static DaoFrameCipher *
get_cipher (DaoFrameReceiver * self, guint32 epoch)
{
  guint8 material[DAO_FRAME_MATERIAL_SIZE];
  EpochKey *key;

  if (self->secret == NULL)
    return self->fixed;

  key = epoch > self->current ? &self->ahead : &self->keys[epoch % SLOTS];
  if (key->cipher != NULL && key->epoch == epoch)
    return key->cipher;

  epoch_key_clear (key);
  dao_call_keys_derive_material (self->secret, self->role, self->media, epoch,
      material);
  key->epoch = epoch;
  key->cipher = dao_frame_cipher_new (material, FALSE);
  sodium_memzero (material, sizeof (material));
  return key->cipher;
}

/* A frame of the future epoch `ahead` verified. */
static void
adopt_ahead (DaoFrameReceiver * self, gint64 now_ms)
{
  guint32 step = self->ahead.epoch - self->current;
  gint64 times[OLD_EPOCHS];
  guint i;
  EpochKey *key;

  /* Those from current on are superseded now, the earlier ones were before. */
  for (i = 0; i < OLD_EPOCHS; i++)
    times[i] = i < step ? now_ms : self->superseded[i - step];
  memcpy (self->superseded, times, sizeof (times));

  self->current = self->ahead.epoch;
  key = &self->keys[self->current % SLOTS];
  epoch_key_clear (key);
  *key = self->ahead;
  self->ahead.cipher = NULL;
}

/* --- frames --- */

static DaoFrameResult
open_locked (DaoFrameReceiver * self, gint64 now_ms, const guint8 * frame,
    gsize length, guint8 * out)
{
  gboolean v1 = self->format == DAO_FRAME_FORMAT_V1;
  guint64 counter, n;
  guint32 epoch = 0;
  DaoFrameCipher *cipher;

  if (length < DAO_FRAME_OVERHEAD)
    return DAO_FRAME_SHORT;
  counter = n = dao_frame_header_counter (frame);

  if (v1) {
    guint8 flags = counter >> 56;
    guint8 allowed = self->vp8 ? DAO_FRAME_FLAG_DELTA : 0;
    DaoFrameResult result;

    n = (guint32) counter;
    epoch = (counter >> 32) & DAO_FRAME_MAX_EPOCH;
    if (flags & ~allowed)
      return DAO_FRAME_FLAGS;
    result = check_epoch (self, epoch, now_ms);
    if (result != DAO_FRAME_OK)
      return result;
  }
  if (!window_accepts (&self->window, n))
    return DAO_FRAME_REPLAY;

  cipher = get_cipher (self, epoch);
  if (cipher == NULL || !dao_frame_cipher_open (cipher, frame, length, out))
    return DAO_FRAME_AUTH;

  /* Only now is the header known to be the peer's. */
  window_record (&self->window, n);
  self->verified++;
  if (v1 && epoch > self->current)
    adopt_ahead (self, now_ms);
  return DAO_FRAME_OK;
}

DaoFrameResult
dao_frame_receiver_open (DaoFrameReceiver * self, gint64 now_ms,
    const guint8 * frame, gsize length, guint8 * out)
{
  DaoFrameResult result;

  g_return_val_if_fail (DAO_IS_FRAME_RECEIVER (self), DAO_FRAME_AUTH);
  g_return_val_if_fail (out != NULL && (frame != NULL || length == 0),
      DAO_FRAME_AUTH);

  g_mutex_lock (&self->lock);
  if (self->secret != NULL)
    forget_old_keys (self, now_ms);
  result = open_locked (self, now_ms, frame, length, out);
  g_mutex_unlock (&self->lock);
  return result;
}
