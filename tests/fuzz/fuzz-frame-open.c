/* gst-dao: fuzzes the decrypting end of a track
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The first byte is the kind of receiver. Then steps: noise, genuine frames of any
 * counter, genuine frames with one byte changed, and time. Only genuine frames open,
 * each once, and the next one in order always does.
 */
#include "dao-call-keys.h"
#include "dao-frame-private.h"
#include "dao-secret.h"
#include "fuzz.h"

#include <string.h>

#define MAX_STEPS 256

typedef struct
{
  DaoFrameReceiver *receiver;
  DaoFrameFormat format;
  gboolean call;                /* keys of a call: epochs */
  guint8 flags;                 /* that are allowed */
  gint64 now_ms;
  guint32 epoch;                /* of the next genuine frame */
  guint64 n;
  guint32 current;              /* the latest epoch of which a frame opened */
  guint64 max;                  /* the highest n that did */
  GHashTable *opened;           /* every n that did, plus one */
} Track;

static const guint8 secret[32] = "the secret of a fuzzed call ....";
static const guint8 fixed[DAO_FRAME_MATERIAL_SIZE] = "fixed material";

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_init ();
  dao_crypto_init ();
  return 0;
}

static void
track_init (Track * track, guint8 kind)
{
  track->opened = g_hash_table_new (NULL, NULL);
  track->format = kind % 3 == 0 ? DAO_FRAME_FORMAT_SDK : DAO_FRAME_FORMAT_V1;
  track->call = kind % 3 == 2;
  if (track->call)
    track->receiver = dao_frame_receiver_new_v1 (secret, DAO_ROLE_CALLER,
        DAO_MEDIA_VIDEO);
  else if (track->format == DAO_FRAME_FORMAT_V1)
    track->receiver = dao_frame_receiver_new_v1_material (fixed);
  else
    track->receiver = dao_frame_receiver_new_sdk (fixed);
  track->flags = kind & 0x80 ? DAO_FRAME_FLAG_DELTA : 0;
  dao_frame_receiver_set_vp8 (track->receiver, kind & 0x80);
}

static guint8 *
seal (Track * track, guint8 flags, const guint8 * payload, gsize length)
{
  guint8 material[DAO_FRAME_MATERIAL_SIZE];
  guint8 *frame = malloc (length + DAO_FRAME_OVERHEAD);
  guint64 counter = track->n;
  DaoFrameCipher *cipher;

  memcpy (material, fixed, sizeof material);
  if (track->call)
    dao_call_keys_derive_material (secret, DAO_ROLE_CALLER, DAO_MEDIA_VIDEO,
        track->epoch, material);
  if (track->format == DAO_FRAME_FORMAT_V1)
    counter = dao_frame_counter (flags, track->epoch, track->n);
  cipher = dao_frame_cipher_new (material, TRUE);
  g_assert_true (dao_frame_cipher_seal (cipher, counter, payload, length,
          frame));
  dao_frame_cipher_free (cipher);
  return frame;
}

static DaoFrameResult
open_frame (Track * track, const guint8 * frame, gsize length, guint8 ** out)
{
  *out = malloc (length > DAO_FRAME_OVERHEAD ? length - DAO_FRAME_OVERHEAD : 1);
  return dao_frame_receiver_open (track->receiver, track->now_ms, frame,
      length, *out);
}

static void
check_result (Track * track, guint8 flags, DaoFrameResult result)
{
  gboolean in_order = track->n > track->max && flags == 0
      && track->epoch == track->current;

  if (in_order)
    g_assert_cmpint (result, ==, DAO_FRAME_OK);
  if (result != DAO_FRAME_OK)
    return;
  g_assert_true (g_hash_table_add (track->opened,
          GSIZE_TO_POINTER (track->n + 1)));
  if (track->format == DAO_FRAME_FORMAT_V1) {
    g_assert_cmpuint (flags & ~track->flags, ==, 0);
    g_assert_cmpuint (track->epoch, <=, track->current + 256);
    g_assert_cmpuint (track->epoch + 4, >=, track->current);
  }
  g_assert_cmpuint (track->n + 2048, >, track->max);
  track->current = MAX (track->current, track->epoch);
  track->max = MAX (track->max, track->n);
}

static void
genuine (Track * track, FuzzReader * reader, gboolean tamper)
{
  guint8 flags = fuzz_u8 (reader);
  guint8 *payload, *frame, *out;
  gsize length, at;
  guint8 change;
  DaoFrameResult result;

  /* near the frame before, or anywhere */
  track->epoch += (gint16) fuzz_u16 (reader);
  track->epoch &= track->call ? DAO_FRAME_MAX_EPOCH : 0;
  track->n = (guint32) (track->n + (gint32) fuzz_u32 (reader));
  if (track->format == DAO_FRAME_FORMAT_SDK)
    flags = 0;
  payload = fuzz_bytes (reader, fuzz_u8 (reader), &length);
  frame = seal (track, flags, payload, length);
  at = fuzz_u8 (reader) % (length + DAO_FRAME_OVERHEAD);
  change = tamper ? fuzz_u8 (reader) : 0;
  frame[at] ^= change;
  result = open_frame (track, frame, length + DAO_FRAME_OVERHEAD, &out);
  if (change != 0)
    g_assert_cmpint (result, !=, DAO_FRAME_OK);
  else
    check_result (track, flags, result);
  if (result == DAO_FRAME_OK && length > 0)
    g_assert_cmpint (memcmp (out, payload, length), ==, 0);
  free (payload);
  free (frame);
  free (out);
}

static void
noise (Track * track, FuzzReader * reader)
{
  gsize length;
  guint8 *frame = fuzz_bytes (reader, fuzz_u8 (reader), &length);
  guint8 *out;

  g_assert_cmpint (open_frame (track, frame, length, &out), !=, DAO_FRAME_OK);
  free (frame);
  free (out);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  FuzzReader reader = { data, size };
  Track track = { 0 };

  track_init (&track, fuzz_u8 (&reader));
  for (guint i = 0; i < MAX_STEPS && reader.size > 0; i++) {
    switch (fuzz_u8 (&reader) % 4) {
      case 0:
        noise (&track, &reader);
        break;
      case 1:
        genuine (&track, &reader, FALSE);
        break;
      case 2:
        genuine (&track, &reader, TRUE);
        break;
      case 3:
        track.now_ms += fuzz_u16 (&reader);
        break;
    }
  }
  g_assert_cmpuint (dao_frame_receiver_get_verified (track.receiver), ==,
      g_hash_table_size (track.opened));
  g_hash_table_unref (track.opened);
  g_object_unref (track.receiver);
  return 0;
}
