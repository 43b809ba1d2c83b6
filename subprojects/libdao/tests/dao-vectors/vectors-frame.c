/* gst-dao: vectors of the group "frame" (protocol.md g)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "vectors-frame.h"

#include "dao-encoding.h"

#include <sodium.h>
#include <string.h>

/* --- frame_encrypt --- */

/* The IV by its definition; the cipher's own is not visible from outside, but the frame proves it equal. */
static gboolean
same_iv (json_t * case_, const guint8 * material, guint64 counter,
    GString * why)
{
  guint8 iv[12];
  guint i;

  memcpy (iv, material + 32, sizeof (iv));
  for (i = 0; i < 8; i++)
    iv[i] ^= (counter >> (8 * i)) & 0xff;
  return dao_vector_same_hex (case_, "iv_hex", iv, sizeof (iv), why);
}

static gboolean
run_frame_encrypt (json_t * case_, GString * why)
{
  g_autoptr (GByteArray) material =
      dao_vector_need_hex (case_, "key_material_hex", why);
  g_autoptr (GByteArray) payload = need_payload (case_, why);
  g_autoptr (GByteArray) frame = NULL;
  g_autoptr (DaoFrameReceiver) receiver = NULL;
  g_autofree guint8 *back = NULL;
  DaoFrameSender *sender;
  guint64 counter;
  gboolean ok;

  if (material == NULL || payload == NULL
      || !need_counter (case_, "counter", &counter, why))
    return FALSE;
  if (material->len < DAO_FRAME_MATERIAL_SIZE) {
    g_string_append (why, "key_material_hex: less than 44 bytes; ");
    return FALSE;
  }
  if ((sender = sdk_sender (material->data, why)) == NULL)
    return FALSE;
  dao_frame_sender_set_counter (sender, counter);
  frame = seal (sender, FALSE, payload->data, payload->len, why);
  if (frame == NULL)
    return FALSE;

  ok = same_frame (case_, frame->data, frame->len, why);
  ok &= same_iv (case_, material->data, counter, why);
  if (json_object_get (case_, "payload_hex"))
    ok &= dao_vector_same_hex (case_, "payload_hex", payload->data,
        payload->len, why);

  /* and back */
  receiver = dao_frame_receiver_new_sdk (material->data);
  back = g_malloc (payload->len + 1);
  ok &= dao_vector_same_string ("open",
      dao_frame_result_to_string (dao_frame_receiver_open (receiver, 0,
              frame->data, frame->len, back)), "accept", why);
  return ok && dao_vector_same_bytes ("opened", back, payload->len,
      payload->data, payload->len, why);
}

/* --- frame_decrypt --- */

/* The file lists what the SDK does. A hardened receiver differs in two ways: the SDK burns the counter of a forged
 * frame, so it drops the genuine one after it and we do not; and it has no numeric window, so it takes an unseen
 * counter at or below max - 2048 and we do not. */
typedef struct
{
  DaoFrameReceiver *receiver;
  GHashTable *forged;           /* counters of frames that did not verify */
  gboolean any;
  guint64 max;                  /* accepted counter */
} Decrypt;

static gboolean
run_decrypt_step (Decrypt * decrypt, json_t * want, GByteArray * frame,
    GString * why)
{
  g_autofree guint8 *out = g_malloc (frame->len + 1);
  guint64 counter = header_counter (frame);
  DaoFrameResult result = dao_frame_receiver_open (decrypt->receiver, 0,
      frame->data, frame->len, out);
  g_autofree gchar *got = NULL;

  if (result == DAO_FRAME_AUTH)
    g_hash_table_add (decrypt->forged, g_memdup2 (&counter,
            sizeof (counter)));
  if (result == DAO_FRAME_REPLAY && json_is_string (want)
      && counter < decrypt->max && decrypt->max - counter >= 2048)
    return TRUE;
  if (result == DAO_FRAME_OK) {
    got = dao_hex_encode (out, frame->len - DAO_FRAME_OVERHEAD);
    decrypt->max = decrypt->any ? MAX (decrypt->max, counter) : counter;
    decrypt->any = TRUE;
    if (json_is_null (want)
        && g_hash_table_contains (decrypt->forged, &counter))
      return TRUE;
  }
  return dao_vector_same_string ("payload", got, json_string_value (want),
      why);
}

static gboolean
run_frame_decrypt (json_t * case_, GString * why)
{
  json_t *frames = dao_vector_need_array (case_, "frames_hex", why);
  json_t *wants = dao_vector_need_array (case_, "expected_payload_hex", why);
  g_autoptr (GByteArray) material = NULL;
  g_autoptr (DaoFrameReceiver) receiver = NULL;
  g_autoptr (GHashTable) forged = g_hash_table_new_full (g_int64_hash,
      g_int64_equal, g_free, NULL);
  Decrypt decrypt = { NULL, forged, FALSE, 0 };
  gsize i;

  if (frames == NULL || wants == NULL
      || json_array_size (frames) != json_array_size (wants))
    return FALSE;
  if (!json_is_null (json_object_get (case_, "key_material_hex"))) {
    material = dao_vector_need_hex (case_, "key_material_hex", why);
    if (material == NULL)
      return FALSE;
    if (material->len >= DAO_FRAME_MATERIAL_SIZE)
      receiver = dao_frame_receiver_new_sdk (material->data);
  }
  decrypt.receiver = receiver;

  for (i = 0; i < json_array_size (frames); i++) {
    const gchar *hex = json_string_value (json_array_get (frames, i));
    json_t *want = json_array_get (wants, i);
    g_autoptr (GByteArray) frame = g_byte_array_new ();

    if (hex == NULL || !(json_is_null (want) || json_is_string (want)))
      return FALSE;
    g_byte_array_set_size (frame, strlen (hex) / 2);
    if (!dao_hex_decode (hex, frame->data, frame->len))
      return FALSE;
    if (receiver == NULL) {
      /* No key: there is nothing that could open a frame. */
      if (!json_is_null (want)) {
        g_string_append (why, "a payload without a key; ");
        return FALSE;
      }
    } else if (!run_decrypt_step (&decrypt, want, frame, why)) {
      return FALSE;
    }
  }
  return TRUE;
}

/* --- frame_replay --- */

typedef struct
{
  DaoFrameSender *sender;
  DaoFrameReceiver *receiver;
  const guint8 *material;
  GByteArray *payload;
  GArray *runs;                 /* of Run: accepted or dropped so many in a row */
  guint fed;
  GString *why;
} Replay;

typedef struct
{
  gboolean accepted;
  gint64 count;
} Run;

static gboolean
replay_feed (Replay * replay, const gchar * op, guint64 counter)
{
  g_autoptr (GByteArray) frame = NULL;
  g_autofree guint8 *out = g_malloc (replay->payload->len + 1);
  Run *last = replay->runs->len > 0 ? &g_array_index (replay->runs, Run,
      replay->runs->len - 1) : NULL;
  Run run = { FALSE, 1 };

  if (++replay->fed > MAX_FRAMES) {
    g_string_append (replay->why, "too many frames; ");
    return FALSE;
  }
  dao_frame_sender_set_counter (replay->sender, counter);
  frame = seal (replay->sender, FALSE, replay->payload->data,
      replay->payload->len, replay->why);
  if (frame == NULL)
    return FALSE;
  if (g_str_has_prefix (op, "tamper"))
    frame->data[frame->len - 1] ^= 1;
  else if (g_str_equal (op, "short"))
    g_byte_array_set_size (frame, DAO_FRAME_OVERHEAD - 1);

  run.accepted = dao_frame_receiver_open (replay->receiver, 0, frame->data,
      frame->len, out) == DAO_FRAME_OK;
  if (last != NULL && last->accepted == run.accepted)
    last->count++;
  else
    g_array_append_val (replay->runs, run);
  return TRUE;
}

static gboolean
replay_op (Replay * replay, json_t * op)
{
  const gchar *name = dao_vector_need_string (op, "op", replay->why);
  guint64 from, to;

  if (name == NULL)
    return FALSE;
  if (g_str_equal (name, "reinit")) {
    g_object_unref (replay->receiver);
    replay->receiver = dao_frame_receiver_new_sdk (replay->material);
    return TRUE;
  }
  if (g_str_equal (name, "frame") || g_str_equal (name, "tamper")
      || g_str_equal (name, "short"))
    return need_counter (op, "counter", &from, replay->why)
        && replay_feed (replay, name, from);

  if (!g_str_equal (name, "range") && !g_str_equal (name, "range-down")
      && !g_str_equal (name, "tamper-range")) {
    g_string_append_printf (replay->why, "unknown op %s; ", name);
    return FALSE;
  }
  if (!need_counter (op, "from", &from, replay->why)
      || !need_counter (op, "to", &to, replay->why))
    return FALSE;
  while (replay_feed (replay, name, from)) {
    if (from == to)
      return TRUE;
    from += g_str_equal (name, "range-down") ? -1 : 1;
  }
  return FALSE;
}

static gboolean
replay_compare (Replay * replay, json_t * wants)
{
  gsize i;

  if (!dao_vector_same_int ("runs", replay->runs->len,
          json_array_size (wants), replay->why))
    return FALSE;
  for (i = 0; i < replay->runs->len; i++) {
    Run *run = &g_array_index (replay->runs, Run, i);
    json_t *want = json_array_get (wants, i);

    if (!dao_vector_same_string ("run", run->accepted ? "accept" : "drop",
            json_string_value (json_array_get (want, 0)), replay->why)
        || !dao_vector_same_int ("run of", run->count,
            json_integer_value (json_array_get (want, 1)), replay->why))
      return FALSE;
  }
  return TRUE;
}

static gboolean
run_frame_replay (json_t * case_, GString * why)
{
  guint8 material[DAO_FRAME_MATERIAL_SIZE];
  gint64 payload_length;
  json_t *ops = dao_vector_need_array (case_, "ops", why);
  json_t *wants = dao_vector_need_array (case_, "expected_hardened", why);
  Replay replay = { NULL, };
  gboolean ok = TRUE;
  gsize i;

  if (ops == NULL || wants == NULL
      || !dao_vector_need_hex_exact (case_, "key_material_hex", material,
          sizeof (material), why)
      || !need_uint (case_, "payload_len", MAX_PAYLOAD, &payload_length, why))
    return FALSE;
  replay.sender = sdk_sender (material, why);
  if (replay.sender == NULL)
    return FALSE;
  replay.receiver = dao_frame_receiver_new_sdk (material);
  replay.material = material;
  replay.payload = g_byte_array_new ();
  g_byte_array_set_size (replay.payload, payload_length);
  if (payload_length > 0)
    memset (replay.payload->data, 0, payload_length);
  replay.runs = g_array_new (FALSE, FALSE, sizeof (Run));
  replay.why = why;

  for (i = 0; ok && i < json_array_size (ops); i++)
    ok = replay_op (&replay, json_array_get (ops, i));
  ok = ok && replay_compare (&replay, wants);

  g_array_unref (replay.runs);
  g_byte_array_unref (replay.payload);
  g_object_unref (replay.receiver);
  return ok;
}

/* --- frame_rekey --- */

static gboolean
run_frame_rekey (json_t * case_, GString * why)
{
  gint64 max_frames, max_bytes, length, offered, emitted, last, i;
  gint64 got_emitted = 0, got_last = -1;
  gboolean contiguous, got_contiguous = TRUE, ok;
  json_t *wants = dao_vector_need_array (case_,
      "rekey_needed_before_frame_index", why);
  guint8 material[DAO_FRAME_MATERIAL_SIZE];
  g_autoptr (DaoFrameSender) sender = NULL;
  g_autofree guint8 *payload = NULL, *out = NULL;
  gsize signals = 0;

  if (wants == NULL
      || !need_uint (case_, "rekey_frame_threshold", DAO_FRAME_MAX_FRAMES,
          &max_frames, why)
      || !need_uint (case_, "rekey_byte_threshold", DAO_FRAME_MAX_BYTES,
          &max_bytes, why)
      || !need_uint (case_, "payload_len", MAX_PAYLOAD, &length, why)
      || !need_uint (case_, "frames_offered", MAX_FRAMES, &offered, why)
      || !dao_vector_need_int (case_, "frames_emitted", &emitted, why)
      || !dao_vector_need_int (case_, "last_emitted_index", &last, why)
      || !dao_vector_need_bool (case_, "counters_emitted_contiguous",
          &contiguous, why))
    return FALSE;

  /* any key; a fresh one each, for a sender counts from 0 */
  randombytes_buf (material, sizeof (material));
  sender = dao_frame_sender_new_sdk (material, NULL);
  dao_frame_sender_set_limits (sender, max_frames, max_bytes);
  payload = g_malloc0 (length + 1);
  out = g_malloc (length + DAO_FRAME_OVERHEAD);

  for (i = 0; i < offered; i++) {
    gboolean needed;
    guint64 counter;

    if (dao_frame_sender_seal (sender, FALSE, payload, length, out,
            &needed) == DAO_FRAME_OK) {
      memcpy (&counter, out, sizeof (counter));
      got_contiguous &= GUINT64_FROM_BE (counter) == (guint64) got_emitted;
      got_emitted++;
      got_last = i;
    }
    if (needed && !dao_vector_same_int ("rekey_needed_before_frame_index", i,
            json_is_integer (json_array_get (wants, signals))
            ? json_integer_value (json_array_get (wants, signals)) : -1, why))
      return FALSE;
    signals += needed;
  }

  ok = dao_vector_same_int ("rekey requests", signals, json_array_size (wants),
      why);
  ok &= dao_vector_same_int ("frames_emitted", got_emitted, emitted, why);
  ok &= dao_vector_same_int ("last_emitted_index", got_last, last, why);
  ok &= dao_vector_same_int ("counters_emitted_contiguous", got_contiguous,
      contiguous, why);
  return ok;
}

const DaoVectorHandler dao_vectors_frame[] = {
  {"frame_encrypt", run_frame_encrypt},
  {"frame_decrypt", run_frame_decrypt},
  {"frame_replay", run_frame_replay},
  {"frame_rekey", run_frame_rekey},
  {"v1_key_schedule", run_v1_key_schedule},
  {"v1_frames", run_v1_frames},
  {"v1_receive", run_v1_receive},
  {"v1_send", run_v1_send},
  {NULL, NULL},
};
