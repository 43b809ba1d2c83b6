/* gst-dao: tests of frame senders and receivers
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The formats are proved by the vectors; here is what no vector can say: that
 * nothing ever repeats, that limits hold, that bad input is harmless.
 */
#include "dao-call-keys.h"

#include <sodium.h>
#include <string.h>

#define PAYLOAD 40
#define FRAME (PAYLOAD + DAO_FRAME_OVERHEAD)

static void
random_material (guint8 * material)
{
  randombytes_buf (material, DAO_FRAME_MATERIAL_SIZE);
}

static DaoFrameSender *
new_sdk_sender (guint8 * material)
{
  g_autoptr (GError) error = NULL;
  DaoFrameSender *sender;

  random_material (material);
  sender = dao_frame_sender_new_sdk (material, &error);
  g_assert_no_error (error);
  return sender;
}

static void
seal_ok (DaoFrameSender * sender, gboolean delta, guint8 * frame)
{
  guint8 payload[PAYLOAD];

  memset (payload, 0x5a, sizeof (payload));
  g_assert_cmpint (dao_frame_sender_seal (sender, delta, payload, PAYLOAD,
          frame, NULL), ==, DAO_FRAME_OK);
}

static guint64
counter_of (const guint8 * frame)
{
  guint64 counter;

  memcpy (&counter, frame, sizeof (counter));
  return GUINT64_FROM_BE (counter);
}

/* --- no (key, IV) pair ever again --- */

static void
assert_new_pair (GHashTable * pairs, const guint8 * material, guint64 counter)
{
  guint8 pair[DAO_FRAME_MATERIAL_SIZE];
  guint i;

  /* 32 bytes key, then the IV that the header stands for */
  memcpy (pair, material, sizeof (pair));
  for (i = 0; i < 8; i++)
    pair[32 + i] ^= (counter >> (8 * i)) & 0xff;
  g_assert_true (g_hash_table_add (pairs, g_bytes_new (pair, sizeof (pair))));
}

/* Over both roles, both media and several epochs. A counter that stands still, an epoch that keeps its key, a label
 * that is missing from the key schedule: each makes a pair appear twice. */
static void
test_pairs_unique (void)
{
  g_autoptr (GHashTable) pairs = g_hash_table_new_full (g_bytes_hash,
      g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);
  guint8 secret[32], material[DAO_FRAME_MATERIAL_SIZE], frame[FRAME];
  guint role, media, i;

  randombytes_buf (secret, sizeof (secret));
  for (role = 0; role < 2; role++) {
    for (media = 0; media < 2; media++) {
      g_autoptr (DaoFrameSender) sender = dao_frame_sender_new_v1 (secret,
          role, media);
      guint32 last_epoch = 0;

      dao_frame_sender_set_limits (sender, 50, DAO_FRAME_MAX_BYTES);
      for (i = 0; i < 250; i++) {
        guint64 counter;

        seal_ok (sender, i % 3 == 0, frame);
        counter = counter_of (frame);
        g_assert_cmpuint (counter & G_MAXUINT32, ==, i);
        last_epoch = counter >> 32 & 0xffffff;
        dao_call_keys_derive_material (secret, role, media, last_epoch,
            material);
        assert_new_pair (pairs, material, counter);
      }
      g_assert_cmpuint (last_epoch, ==, 6);     /* 40 frames each */
    }
  }
  g_assert_cmpuint (g_hash_table_size (pairs), ==, 1000);
}

/* The header might lie: the same clear frame never gives the same ciphertext. */
static void
test_ciphertext_unique (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_bytes_hash,
      g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);
  guint8 material[DAO_FRAME_MATERIAL_SIZE], frame[FRAME];
  g_autoptr (DaoFrameSender) sender = new_sdk_sender (material);
  guint i;

  for (i = 0; i < 500; i++) {
    seal_ok (sender, FALSE, frame);
    g_assert_cmpuint (counter_of (frame), ==, i);
    g_assert_true (g_hash_table_add (seen, g_bytes_new (frame + 8,
                FRAME - 8)));
  }
}

static gpointer
seal_many (gpointer data)
{
  GArray *counters = g_array_new (FALSE, FALSE, sizeof (guint64));
  guint8 frame[FRAME];
  guint i;

  for (i = 0; i < 2000; i++) {
    guint64 counter;

    seal_ok (data, FALSE, frame);
    counter = counter_of (frame);
    g_array_append_val (counters, counter);
  }
  return counters;
}

static void
test_threads_share_no_counter (void)
{
  guint8 secret[32];
  g_autoptr (DaoFrameSender) sender = NULL;
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_int64_hash,
      g_int64_equal, g_free, NULL);
  GThread *threads[3];
  guint i, j;

  randombytes_buf (secret, sizeof (secret));
  sender = dao_frame_sender_new_v1 (secret, DAO_ROLE_CALLER, DAO_MEDIA_VIDEO);
  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("seal", seal_many, sender);
  for (i = 0; i < G_N_ELEMENTS (threads); i++) {
    GArray *counters = g_thread_join (threads[i]);

    for (j = 0; j < counters->len; j++)
      g_assert_true (g_hash_table_add (seen, g_memdup2 (&g_array_index
                  (counters, guint64, j), sizeof (guint64))));
    g_array_unref (counters);
  }
  g_assert_cmpuint (g_hash_table_size (seen), ==, 6000);
}

/* --- one encryptor a key --- */

static void
test_material_once (void)
{
  guint8 material[DAO_FRAME_MATERIAL_SIZE];
  DaoFrameSender *first = new_sdk_sender (material);
  g_autoptr (GError) error = NULL;

  g_assert_null (dao_frame_sender_new_sdk (material, &error));
  g_assert_error (error, DAO_FRAME_ERROR, DAO_FRAME_ERROR_REUSED);
  g_clear_error (&error);

  /* not when the first is gone, nor in the other format */
  g_object_unref (first);
  g_assert_null (dao_frame_sender_new_v1_material (material, &error));
  g_assert_error (error, DAO_FRAME_ERROR, DAO_FRAME_ERROR_REUSED);

  /* receivers may */
  g_object_unref (dao_frame_receiver_new_sdk (material));
  g_object_unref (dao_frame_receiver_new_sdk (material));
}

static void
test_call_secret_once (void)
{
  guint8 secret[32], frame[FRAME], payload[PAYLOAD] = { 0, };
  g_autoptr (DaoFrameSender) first = NULL, second = NULL, other = NULL;

  randombytes_buf (secret, sizeof (secret));
  first = dao_frame_sender_new_v1 (secret, DAO_ROLE_CALLER, DAO_MEDIA_AUDIO);
  second = dao_frame_sender_new_v1 (secret, DAO_ROLE_CALLER, DAO_MEDIA_AUDIO);
  other = dao_frame_sender_new_v1 (secret, DAO_ROLE_CALLER, DAO_MEDIA_VIDEO);
  seal_ok (first, FALSE, frame);
  seal_ok (other, FALSE, frame);
  g_assert_cmpint (dao_frame_sender_seal (second, FALSE, payload, PAYLOAD,
          frame, NULL), ==, DAO_FRAME_FAILED);
  seal_ok (first, FALSE, frame);
}

static void
test_claim_once (void)
{
  guint8 material[DAO_FRAME_MATERIAL_SIZE];
  g_autoptr (DaoFrameSender) sender = new_sdk_sender (material);
  g_autoptr (GError) error = NULL;

  g_assert_true (dao_frame_sender_claim (sender, &error));
  g_assert_no_error (error);
  g_assert_false (dao_frame_sender_claim (sender, &error));
  g_assert_error (error, DAO_FRAME_ERROR, DAO_FRAME_ERROR_CLAIMED);
}

/* --- limits --- */

static void
test_fixed_material_limits (gconstpointer data)
{
  gboolean v1 = GPOINTER_TO_INT (data);
  guint8 material[DAO_FRAME_MATERIAL_SIZE], out[FRAME];
  guint8 payload[PAYLOAD] = { 0, };
  g_autoptr (DaoFrameSender) sender = NULL;
  guint i;

  random_material (material);
  sender = v1 ? dao_frame_sender_new_v1_material (material, NULL)
      : dao_frame_sender_new_sdk (material, NULL);
  dao_frame_sender_set_limits (sender, 20, DAO_FRAME_MAX_BYTES);
  for (i = 0; i < 25; i++) {
    gboolean needed;

    memset (out, 0xee, sizeof (out));
    g_assert_cmpint (dao_frame_sender_seal (sender, FALSE, payload, PAYLOAD,
            out, &needed), ==, i < 20 ? DAO_FRAME_OK : DAO_FRAME_LIMIT);
    g_assert_cmpint (needed, ==, i == 16);
    /* at the limit nothing is written, clear or not */
    if (i >= 20)
      g_assert_true (out[0] == 0xee && out[8] == 0xee);
    else
      g_assert_cmpuint (counter_of (out), ==, i);       /* epoch 0 for good */
  }
}

/* 0 is no "without limit" */
static void
test_limits_are_clamped (void)
{
  static const guint64 limits[][2] = { {0, DAO_FRAME_MAX_BYTES},
  {DAO_FRAME_MAX_FRAMES, 0}
  };
  guint8 frame[FRAME], payload[PAYLOAD] = { 0, };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (limits); i++) {
    guint8 material[DAO_FRAME_MATERIAL_SIZE];
    g_autoptr (DaoFrameSender) sender = new_sdk_sender (material);

    dao_frame_sender_set_limits (sender, limits[i][0], limits[i][1]);
    seal_ok (sender, FALSE, frame);
    g_assert_cmpint (dao_frame_sender_seal (sender, FALSE, payload, PAYLOAD,
            frame, NULL), ==, DAO_FRAME_LIMIT);
  }
}

/* n and the epoch end; they never wrap. */
static void
test_counters_end (void)
{
  guint8 secret[32], material[DAO_FRAME_MATERIAL_SIZE], frame[FRAME];
  guint8 payload[PAYLOAD] = { 0, };
  g_autoptr (DaoFrameSender) v1 = NULL, sdk = new_sdk_sender (material);
  guint i;

  randombytes_buf (secret, sizeof (secret));
  v1 = dao_frame_sender_new_v1 (secret, DAO_ROLE_CALLER, DAO_MEDIA_VIDEO);
  dao_frame_sender_set_position (v1, 7, G_MAXUINT32);
  seal_ok (v1, TRUE, frame);
  g_assert_cmphex (counter_of (frame), ==, 0x01000007ffffffff);
  for (i = 0; i < 2; i++)
    g_assert_cmpint (dao_frame_sender_seal (v1, FALSE, payload, PAYLOAD,
            frame, NULL), ==, DAO_FRAME_LIMIT);

  dao_frame_sender_set_position (v1, 0xffffff, 10);
  dao_frame_sender_set_limits (v1, 5, DAO_FRAME_MAX_BYTES);
  for (i = 0; i < 8; i++)
    g_assert_cmpint (dao_frame_sender_seal (v1, FALSE, payload, PAYLOAD,
            frame, NULL), ==, i < 4 ? DAO_FRAME_OK : DAO_FRAME_LIMIT);

  dao_frame_sender_set_counter (sdk, G_MAXUINT64);
  seal_ok (sdk, FALSE, frame);
  g_assert_cmpint (dao_frame_sender_seal (sdk, FALSE, payload, PAYLOAD, frame,
          NULL), ==, DAO_FRAME_LIMIT);
}

static void
test_too_long (void)
{
  guint8 material[DAO_FRAME_MATERIAL_SIZE], out[FRAME], in[1] = { 0 };
  g_autoptr (DaoFrameSender) sender = new_sdk_sender (material);
  g_autoptr (DaoFrameReceiver) receiver =
      dao_frame_receiver_new_sdk (material);

  /* lengths beyond what OpenSSL takes are refused before anything is read */
  g_assert_cmpint (dao_frame_sender_seal (sender, FALSE, in, (gsize) 1 << 33,
          out, NULL), ==, DAO_FRAME_FAILED);
  seal_ok (sender, FALSE, out);
  g_assert_cmpint (dao_frame_receiver_open (receiver, 0, out,
          ((gsize) 1 << 33) + PAYLOAD, out), ==, DAO_FRAME_AUTH);
}

/* --- in place, flags --- */

static void
test_in_place (void)
{
  guint8 material[DAO_FRAME_MATERIAL_SIZE], frame[FRAME], clear[PAYLOAD];
  g_autoptr (DaoFrameSender) sender = new_sdk_sender (material);
  g_autoptr (DaoFrameReceiver) receiver =
      dao_frame_receiver_new_sdk (material);

  randombytes_buf (clear, PAYLOAD);
  memcpy (frame + 8, clear, PAYLOAD);
  g_assert_cmpint (dao_frame_sender_seal (sender, FALSE, frame + 8, PAYLOAD,
          frame, NULL), ==, DAO_FRAME_OK);
  g_assert_cmpint (memcmp (frame + 8, clear, PAYLOAD), !=, 0);
  g_assert_cmpint (dao_frame_receiver_open (receiver, 0, frame, FRAME,
          frame + 8), ==, DAO_FRAME_OK);
  g_assert_cmpmem (frame + 8, PAYLOAD, clear, PAYLOAD);
}

static void
test_delta_flag (void)
{
  guint8 secret[32], material[DAO_FRAME_MATERIAL_SIZE];
  guint8 frame[FRAME], out[PAYLOAD];
  g_autoptr (DaoFrameSender) v1 = NULL, sdk = new_sdk_sender (material);
  g_autoptr (DaoFrameReceiver) receiver = NULL;

  randombytes_buf (secret, sizeof (secret));
  v1 = dao_frame_sender_new_v1 (secret, DAO_ROLE_CALLEE, DAO_MEDIA_VIDEO);
  receiver = dao_frame_receiver_new_v1 (secret, DAO_ROLE_CALLEE,
      DAO_MEDIA_VIDEO);
  seal_ok (v1, TRUE, frame);
  g_assert_cmphex (frame[0], ==, 1);
  g_assert_cmpint (dao_frame_receiver_open (receiver, 0, frame, FRAME, out),
      ==, DAO_FRAME_FLAGS);
  dao_frame_receiver_set_vp8 (receiver, TRUE);
  g_assert_cmpint (dao_frame_receiver_open (receiver, 0, frame, FRAME, out),
      ==, DAO_FRAME_OK);

  /* the SDK's counter has no flags */
  seal_ok (sdk, TRUE, frame);
  g_assert_cmphex (frame[0], ==, 0);
}

/* --- receiver --- */

/* A frame of a direction or medium cannot be sent back or crossed over. */
static void
test_reflected (void)
{
  guint8 secret[32], frame[FRAME], out[PAYLOAD];
  g_autoptr (DaoFrameSender) sender = NULL;
  guint role, media;

  randombytes_buf (secret, sizeof (secret));
  sender = dao_frame_sender_new_v1 (secret, DAO_ROLE_CALLER, DAO_MEDIA_AUDIO);
  seal_ok (sender, FALSE, frame);
  for (role = 0; role < 2; role++) {
    for (media = 0; media < 2; media++) {
      g_autoptr (DaoFrameReceiver) receiver =
          dao_frame_receiver_new_v1 (secret, role, media);
      gboolean right = role == DAO_ROLE_CALLER && media == DAO_MEDIA_AUDIO;

      g_assert_cmpint (dao_frame_receiver_open (receiver, 0, frame, FRAME,
              out), ==, right ? DAO_FRAME_OK : DAO_FRAME_AUTH);
      g_assert_cmpuint (dao_frame_receiver_get_verified (receiver), ==,
          right ? 1 : 0);
    }
  }
}

/* Every bit of a frame is protected; nothing but the genuine frame counts as verified. */
static void
test_every_bit (void)
{
  guint8 secret[32], frame[FRAME], out[PAYLOAD];
  g_autoptr (DaoFrameSender) sender = NULL;
  g_autoptr (DaoFrameReceiver) receiver = NULL;
  guint bit;

  randombytes_buf (secret, sizeof (secret));
  sender = dao_frame_sender_new_v1 (secret, DAO_ROLE_CALLER, DAO_MEDIA_VIDEO);
  receiver = dao_frame_receiver_new_v1 (secret, DAO_ROLE_CALLER,
      DAO_MEDIA_VIDEO);
  dao_frame_receiver_set_vp8 (receiver, TRUE);
  seal_ok (sender, FALSE, frame);
  for (bit = 0; bit < FRAME * 8; bit++) {
    frame[bit / 8] ^= 1 << bit % 8;
    g_assert_cmpint (dao_frame_receiver_open (receiver, 0, frame, FRAME, out),
        !=, DAO_FRAME_OK);
    frame[bit / 8] ^= 1 << bit % 8;
  }
  g_assert_cmpuint (dao_frame_receiver_get_verified (receiver), ==, 0);
  g_assert_cmpint (dao_frame_receiver_open (receiver, 0, frame, FRAME, out),
      ==, DAO_FRAME_OK);
  g_assert_cmpuint (dao_frame_receiver_get_verified (receiver), ==, 1);
}

static void
test_every_length (void)
{
  guint8 material[DAO_FRAME_MATERIAL_SIZE], frame[FRAME];
  g_autoptr (DaoFrameSender) sender = new_sdk_sender (material);
  g_autoptr (DaoFrameReceiver) receiver =
      dao_frame_receiver_new_sdk (material);
  gsize length;

  seal_ok (sender, FALSE, frame);
  for (length = 0; length < FRAME; length++) {
    /* exactly as much memory as there is frame: ASan sees a byte too far */
    guint8 *cut = g_memdup2 (frame, length);
    guint8 *out = g_malloc (MAX (length, DAO_FRAME_OVERHEAD + 1)
        - DAO_FRAME_OVERHEAD);

    g_assert_cmpint (dao_frame_receiver_open (receiver, 0, cut, length, out),
        ==, length < DAO_FRAME_OVERHEAD ? DAO_FRAME_SHORT : DAO_FRAME_AUTH);
    g_free (out);
    g_free (cut);
  }
}

static void
test_random_input (void)
{
  guint8 secret[32], frame[FRAME], out[FRAME];
  g_autoptr (DaoFrameReceiver) receiver = NULL;
  guint i;

  randombytes_buf (secret, sizeof (secret));
  receiver = dao_frame_receiver_new_v1 (secret, DAO_ROLE_CALLER,
      DAO_MEDIA_VIDEO);
  for (i = 0; i < 5000; i++) {
    gsize length = g_random_int_range (0, FRAME + 1);

    randombytes_buf (frame, sizeof (frame));
    if (i % 2) {
      frame[0] = frame[1] = frame[2] = 0;       /* near enough to be tried */
    }
    g_assert_cmpint (dao_frame_receiver_open (receiver, i, frame, length,
            out), !=, DAO_FRAME_OK);
  }
  g_assert_cmpuint (dao_frame_receiver_get_verified (receiver), ==, 0);
}

/* The window against a model: a set of what was seen, and the maximum. */
static void
test_window_model (void)
{
  guint8 material[DAO_FRAME_MATERIAL_SIZE], frame[FRAME], out[PAYLOAD];
  g_autoptr (DaoFrameSender) sender = new_sdk_sender (material);
  g_autoptr (DaoFrameReceiver) receiver =
      dao_frame_receiver_new_sdk (material);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_int64_hash,
      g_int64_equal, g_free, NULL);
  g_autoptr (GRand) random = g_rand_new_with_seed (42);
  guint64 max = 0;
  gboolean any = FALSE;
  guint i, accepted = 0;

  for (i = 0; i < 20000; i++) {
    gint32 step = g_rand_int_range (random, -2300, 30);
    guint64 n;
    gboolean expected;

    if (i % 1000 == 999)
      step = g_rand_int_range (random, 1900, 5000);
    else if (i % 3)
      step = g_rand_int_range (random, -20, 4);
    n = step < 0 && (guint64) -step > max ? 0 : max + step;
    expected = !any || (!g_hash_table_contains (seen, &n)
        && (n > max || max - n < 2048));

    dao_frame_sender_set_counter (sender, n);
    dao_frame_sender_set_limits (sender, DAO_FRAME_MAX_FRAMES,
        DAO_FRAME_MAX_BYTES);
    seal_ok (sender, FALSE, frame);
    g_assert_cmpint (dao_frame_receiver_open (receiver, 0, frame, FRAME, out),
        ==, expected ? DAO_FRAME_OK : DAO_FRAME_REPLAY);
    if (expected) {
      g_hash_table_add (seen, g_memdup2 (&n, sizeof (n)));
      max = any ? MAX (max, n) : n;
      any = TRUE;
      accepted++;
    }
  }
  g_assert_cmpuint (accepted, >, 2000);
  g_assert_cmpuint (dao_frame_receiver_get_verified (receiver), ==, accepted);
}

/* What the sender does by itself, the receiver follows. */
static void
test_epochs_follow (void)
{
  guint8 secret[32], frame[FRAME], late[FRAME], out[PAYLOAD];
  g_autoptr (DaoFrameSender) sender = NULL;
  g_autoptr (DaoFrameReceiver) receiver = NULL;
  gint64 now = 1000000;
  guint i;

  randombytes_buf (secret, sizeof (secret));
  sender = dao_frame_sender_new_v1 (secret, DAO_ROLE_CALLEE, DAO_MEDIA_AUDIO);
  receiver = dao_frame_receiver_new_v1 (secret, DAO_ROLE_CALLEE,
      DAO_MEDIA_AUDIO);
  dao_frame_sender_set_limits (sender, 10, DAO_FRAME_MAX_BYTES);
  for (i = 0; i < 400; i++, now += 20) {
    seal_ok (sender, FALSE, frame);
    g_assert_cmpuint (counter_of (frame) >> 32, ==, i / 8);
    if (i % 8 == 7) {
      memcpy (late, frame, FRAME);      /* the last of its epoch comes after the next one has begun */
      continue;
    }
    g_assert_cmpint (dao_frame_receiver_open (receiver, now, frame, FRAME,
            out), ==, DAO_FRAME_OK);
    if (i % 8 == 3 && i > 8)
      g_assert_cmpint (dao_frame_receiver_open (receiver, now, late, FRAME,
              out), ==, DAO_FRAME_OK);
  }
}

/* A forged future epoch changes nothing, however often and however far. */
static void
test_forged_epoch_not_adopted (void)
{
  guint8 secret[32], frame[FRAME], forged[FRAME], out[PAYLOAD];
  g_autoptr (DaoFrameSender) sender = NULL;
  g_autoptr (DaoFrameReceiver) receiver = NULL;
  guint i;

  randombytes_buf (secret, sizeof (secret));
  sender = dao_frame_sender_new_v1 (secret, DAO_ROLE_CALLER, DAO_MEDIA_AUDIO);
  receiver = dao_frame_receiver_new_v1 (secret, DAO_ROLE_CALLER,
      DAO_MEDIA_AUDIO);
  for (i = 0; i < 300; i++) {
    seal_ok (sender, FALSE, frame);
    memcpy (forged, frame, FRAME);
    forged[2] = i >> 8;
    forged[3] = (i & 0xff) | 1;
    g_assert_cmpint (dao_frame_receiver_open (receiver, i, forged, FRAME,
            out), ==, i < 256 ? DAO_FRAME_AUTH : DAO_FRAME_EPOCH_AHEAD);
    g_assert_cmpint (dao_frame_receiver_open (receiver, i, frame, FRAME, out),
        ==, DAO_FRAME_OK);
  }
}

static void
test_fixed_v1_has_no_epochs (void)
{
  guint8 material[DAO_FRAME_MATERIAL_SIZE], frame[FRAME], out[PAYLOAD];
  g_autoptr (DaoFrameSender) sender = NULL;
  g_autoptr (DaoFrameReceiver) receiver = NULL;

  random_material (material);
  sender = dao_frame_sender_new_v1_material (material, NULL);
  receiver = dao_frame_receiver_new_v1_material (material);
  seal_ok (sender, FALSE, frame);
  frame[3] = 1;
  g_assert_cmpint (dao_frame_receiver_open (receiver, 0, frame, FRAME, out),
      ==, DAO_FRAME_EPOCH_AHEAD);
  frame[3] = 0;
  g_assert_cmpint (dao_frame_receiver_open (receiver, 0, frame, FRAME, out),
      ==, DAO_FRAME_OK);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (sodium_init () < 0)
    return 1;
  g_test_add_func ("/frame/pairs-unique", test_pairs_unique);
  g_test_add_func ("/frame/ciphertext-unique", test_ciphertext_unique);
  g_test_add_func ("/frame/threads-share-no-counter",
      test_threads_share_no_counter);
  g_test_add_func ("/frame/material-once", test_material_once);
  g_test_add_func ("/frame/call-secret-once", test_call_secret_once);
  g_test_add_func ("/frame/claim-once", test_claim_once);
  g_test_add_data_func ("/frame/limits/sdk", GINT_TO_POINTER (FALSE),
      test_fixed_material_limits);
  g_test_add_data_func ("/frame/limits/v1-material", GINT_TO_POINTER (TRUE),
      test_fixed_material_limits);
  g_test_add_func ("/frame/limits/clamped", test_limits_are_clamped);
  g_test_add_func ("/frame/counters-end", test_counters_end);
  g_test_add_func ("/frame/too-long", test_too_long);
  g_test_add_func ("/frame/in-place", test_in_place);
  g_test_add_func ("/frame/delta-flag", test_delta_flag);
  g_test_add_func ("/frame/reflected", test_reflected);
  g_test_add_func ("/frame/every-bit", test_every_bit);
  g_test_add_func ("/frame/every-length", test_every_length);
  g_test_add_func ("/frame/random-input", test_random_input);
  g_test_add_func ("/frame/window-model", test_window_model);
  g_test_add_func ("/frame/epochs-follow", test_epochs_follow);
  g_test_add_func ("/frame/forged-epoch-not-adopted",
      test_forged_epoch_not_adopted);
  g_test_add_func ("/frame/fixed-v1-has-no-epochs",
      test_fixed_v1_has_no_epochs);
  return g_test_run ();
}
