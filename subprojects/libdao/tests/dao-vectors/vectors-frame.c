/* gst-dao: vectors of the group "frame"
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * protocol.md g and the design's "Frame encryption of a call, version 1".
 */
#include "dao-vectors.h"
#include "dao-call-keys.h"
#include "dao-encoding.h"

#include <sodium.h>
#include <string.h>

/* The most a case may ask for; far above what the files have. */
#define MAX_PAYLOAD (1 << 20)
#define MAX_FRAMES 100000

/* --- senders: one a key, or the registry of used material refuses the second --- */

static DaoFrameSender *
cached_sender (const gchar * id, DaoFrameSender * made)
{
  static GHashTable *senders;

  if (senders == NULL)
    senders = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
        g_object_unref);
  if (made != NULL)
    g_hash_table_insert (senders, g_strdup (id), made);
  return g_hash_table_lookup (senders, id);
}

static DaoFrameSender *
sdk_sender (const guint8 * material, GString * why)
{
  g_autofree gchar *id = dao_hex_encode (material, DAO_FRAME_MATERIAL_SIZE);
  DaoFrameSender *sender = cached_sender (id, NULL);
  g_autoptr (GError) error = NULL;

  if (sender == NULL) {
    sender = dao_frame_sender_new_sdk (material, &error);
    if (sender == NULL) {
      g_string_append (why, error->message);
      return NULL;
    }
    cached_sender (id, sender);
  }
  /* Vectors come back to counters and send more than a call would. */
  dao_frame_sender_set_limits (sender, DAO_FRAME_MAX_FRAMES,
      DAO_FRAME_MAX_BYTES);
  return sender;
}

static DaoFrameSender *
v1_sender (const guint8 * secret, DaoRole role, DaoMedia media)
{
  g_autofree gchar *hex = dao_hex_encode (secret, 32);
  g_autofree gchar *id = g_strdup_printf ("%s-%d-%d", hex, role, media);
  DaoFrameSender *sender = cached_sender (id, NULL);

  return sender ? sender
      : cached_sender (id, dao_frame_sender_new_v1 (secret, role, media));
}

/* --- members that several files have --- */

static gboolean
need_counter (json_t * object, const gchar * name, guint64 * counter,
    GString * why)
{
  const gchar *text = dao_vector_need_string (object, name, why);

  if (text == NULL)
    return FALSE;
  if (g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, counter, NULL))
    return TRUE;
  g_string_append_printf (why, "%s: not a 64-bit number; ", name);
  return FALSE;
}

static gboolean
need_uint (json_t * object, const gchar * name, gint64 max, gint64 * value,
    GString * why)
{
  if (!dao_vector_need_int (object, name, value, why))
    return FALSE;
  if (*value >= 0 && *value <= max)
    return TRUE;
  g_string_append_printf (why, "%s: out of range; ", name);
  return FALSE;
}

static gboolean
need_role (json_t * object, const gchar * name, DaoRole * role,
    GString * why)
{
  const gchar *text = dao_vector_need_string (object, name, why);

  *role = g_strcmp0 (text, "callee") == 0 ? DAO_ROLE_CALLEE : DAO_ROLE_CALLER;
  if (*role == DAO_ROLE_CALLEE || g_strcmp0 (text, "caller") == 0)
    return TRUE;
  g_string_append_printf (why, "%s: neither caller nor callee; ", name);
  return FALSE;
}

static gboolean
need_media (json_t * object, const gchar * name, DaoMedia * media,
    GString * why)
{
  const gchar *text = dao_vector_need_string (object, name, why);

  *media = g_strcmp0 (text, "video") == 0 ? DAO_MEDIA_VIDEO : DAO_MEDIA_AUDIO;
  if (*media == DAO_MEDIA_VIDEO || g_strcmp0 (text, "audio") == 0)
    return TRUE;
  g_string_append_printf (why, "%s: neither audio nor video; ", name);
  return FALSE;
}

/* payload byte i = (i * mul + add) & 0xff */
static GByteArray *
need_payload (json_t * case_, GString * why)
{
  gint64 length, mul, add, i;
  json_t *gen = dao_vector_need_object (case_, "payload_gen", why);
  GByteArray *payload;

  if (gen == NULL || !need_uint (case_, "payload_len", MAX_PAYLOAD, &length,
          why) || !need_uint (gen, "mul", 255, &mul, why)
      || !need_uint (gen, "add", 255, &add, why))
    return NULL;

  payload = g_byte_array_sized_new (length);
  g_byte_array_set_size (payload, length);
  for (i = 0; i < length; i++)
    payload->data[i] = (i * mul + add) & 0xff;
  return payload;
}

/* frame_len, frame_sha256, and what there is of frame_hex, frame_head_hex, frame_tail_hex */
static gboolean
same_frame (json_t * case_, const guint8 * frame, gsize length, GString * why)
{
  gint64 want_length;
  guint8 hash[crypto_hash_sha256_BYTES];
  const gchar *part;
  gboolean ok = TRUE;

  if (!dao_vector_need_int (case_, "frame_len", &want_length, why))
    return FALSE;
  ok &= dao_vector_same_int ("frame_len", length, want_length, why);
  crypto_hash_sha256 (hash, frame, length);
  ok &= dao_vector_same_hex (case_, "frame_sha256", hash, sizeof (hash), why);

  if (json_object_get (case_, "frame_hex"))
    ok &= dao_vector_same_hex (case_, "frame_hex", frame, length, why);
  part = json_string_value (json_object_get (case_, "frame_head_hex"));
  if (part != NULL)
    ok &= dao_vector_same_hex (case_, "frame_head_hex", frame,
        MIN (strlen (part) / 2, length), why);
  part = json_string_value (json_object_get (case_, "frame_tail_hex"));
  if (part != NULL) {
    gsize size = MIN (strlen (part) / 2, length);

    ok &= dao_vector_same_hex (case_, "frame_tail_hex", frame + length - size,
        size, why);
  }
  return ok;
}

static GByteArray *
seal (DaoFrameSender * sender, gboolean delta, const guint8 * payload,
    gsize length, GString * why)
{
  GByteArray *frame = g_byte_array_new ();
  DaoFrameResult result;

  g_byte_array_set_size (frame, length + DAO_FRAME_OVERHEAD);
  result = dao_frame_sender_seal (sender, delta, payload, length, frame->data,
      NULL);
  if (result == DAO_FRAME_OK)
    return frame;
  g_string_append_printf (why, "seal: %s; ",
      dao_frame_result_to_string (result));
  g_byte_array_unref (frame);
  return NULL;
}

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

static guint64
header_counter (const GByteArray * frame)
{
  guint64 counter = 0;

  if (frame->len > 0)           /* an empty array has no data */
    memcpy (&counter, frame->data, MIN (frame->len, sizeof (counter)));
  return GUINT64_FROM_BE (counter);
}

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

/* --- v1_key_schedule --- */

typedef struct
{
  const gchar *alias;
  guint8 ed25519[32];
  guint8 e2ee_private[32];
  gboolean has_private;
  guint8 e2ee_public[32];
} Party;

static gboolean
need_party (json_t * case_, const gchar * name, Party * party, GString * why)
{
  json_t *object = dao_vector_need_object (case_, name, why);

  if (object == NULL)
    return FALSE;
  party->alias = dao_vector_need_string (object, "alias", why);
  party->has_private =
      json_is_string (json_object_get (object, "e2ee_private_hex"));
  return party->alias != NULL
      && dao_vector_need_hex_exact (object, "ed25519_public_hex",
      party->ed25519, 32, why)
      && dao_vector_need_hex_exact (object, "e2ee_public_hex",
      party->e2ee_public, 32, why)
      && (!party->has_private
      || dao_vector_need_hex_exact (object, "e2ee_private_hex",
          party->e2ee_private, 32, why));
}

static gboolean
check_materials (json_t * wants, const guint8 * secret, GString * why)
{
  json_t *want;
  gsize i;

  json_array_foreach (wants, i, want) {
    DaoRole role;
    DaoMedia media;
    gint64 epoch;
    guint8 material[DAO_FRAME_MATERIAL_SIZE];

    if (!need_role (want, "role", &role, why)
        || !need_media (want, "media", &media, why)
        || !need_uint (want, "epoch", 0xffffff, &epoch, why))
      return FALSE;
    dao_call_keys_derive_material (secret, role, media, epoch, material);
    if (!dao_vector_same_hex (want, "hex", material, sizeof (material), why))
      return FALSE;
  }
  return TRUE;
}

/* What one side computes. */
static gboolean
check_side (json_t * case_, DaoRole role, const Party * own,
    const Party * peer, const DaoCallTranscript * transcript, GString * why)
{
  g_autoptr (DaoCallKeys) keys = dao_call_keys_new_with_private (role,
      own->e2ee_private);
  g_autoptr (GError) error = NULL;
  const gchar *refused =
      json_string_value (json_object_get (case_, "error"));
  gboolean agreed;
  guint8 secret[32];
  json_t *materials;

  if (!dao_vector_same_bytes ("e2ee_public", dao_call_keys_get_public (keys),
          32, own->e2ee_public, 32, why))
    return FALSE;
  agreed = dao_call_keys_agree (keys, transcript, peer->e2ee_public, &error);
  if (refused != NULL) {
    gboolean low_order = g_error_matches (error, DAO_CALL_KEYS_ERROR,
        DAO_CALL_KEYS_ERROR_LOW_ORDER);

    return dao_vector_same_string ("error", agreed ? "none"
        : low_order ? "low-order" : error->message, refused, why);
  }
  if (!agreed) {
    g_string_append_printf (why, "agree: %s; ", error->message);
    return FALSE;
  }
  if (!dao_call_keys_peek_secret (keys, secret)
      || !dao_vector_same_hex (case_, "secret_hex", secret, 32, why))
    return FALSE;
  materials = dao_vector_need_array (case_, "key_material", why);
  return materials != NULL && check_materials (materials, secret, why);
}

/* shared_hex and salt_hex are steps inside; here they are followed by themselves. */
static gboolean
check_steps (json_t * case_, const DaoCallTranscript * transcript,
    const Party * caller, const Party * callee, GString * why)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  const gchar *fields[] = { transcript->call_id, transcript->caller_alias,
    transcript->callee_alias
  };
  guint8 shared[32], salt[crypto_hash_sha256_BYTES];
  guint i;

  if (crypto_scalarmult (shared, caller->e2ee_private,
          callee->e2ee_public) != 0)
    return FALSE;
  g_byte_array_append (bytes, (const guint8 *) "dao-e2ee-v1", 12);
  for (i = 0; i < G_N_ELEMENTS (fields); i++) {
    guint16 length = GUINT16_TO_BE (strlen (fields[i]));

    g_byte_array_append (bytes, (const guint8 *) &length, 2);
    g_byte_array_append (bytes, (const guint8 *) fields[i],
        strlen (fields[i]));
  }
  g_byte_array_append (bytes, caller->ed25519, 32);
  g_byte_array_append (bytes, callee->ed25519, 32);
  g_byte_array_append (bytes, caller->e2ee_public, 32);
  g_byte_array_append (bytes, callee->e2ee_public, 32);
  crypto_hash_sha256 (salt, bytes->data, bytes->len);
  return dao_vector_same_hex (case_, "shared_hex", shared, 32, why)
      && dao_vector_same_hex (case_, "salt_hex", salt, 32, why);
}

static gboolean
run_v1_key_schedule (json_t * case_, GString * why)
{
  DaoCallTranscript transcript = { NULL, };
  Party caller, callee;
  guint8 session_key[32];
  gboolean refused = json_object_get (case_, "error") != NULL;

  transcript.call_id = dao_vector_need_string (case_, "call_id", why);
  if (transcript.call_id == NULL
      || !need_party (case_, "caller", &caller, why)
      || !need_party (case_, "callee", &callee, why)
      || !dao_vector_need_hex_exact (case_, "session_key_hex", session_key,
          32, why))
    return FALSE;
  transcript.caller_alias = caller.alias;
  transcript.callee_alias = callee.alias;
  transcript.caller_ed25519 = caller.ed25519;
  transcript.callee_ed25519 = callee.ed25519;
  transcript.session_key = session_key;

  if (!caller.has_private && !callee.has_private) {
    g_string_append (why, "no side has a private key; ");
    return FALSE;
  }
  if (!refused && !(caller.has_private && callee.has_private)) {
    g_string_append (why, "e2ee_private_hex: missing; ");
    return FALSE;
  }
  if (!refused && !check_steps (case_, &transcript, &caller, &callee, why))
    return FALSE;
  return (!caller.has_private || check_side (case_, DAO_ROLE_CALLER, &caller,
          &callee, &transcript, why))
      && (!callee.has_private || check_side (case_, DAO_ROLE_CALLEE, &callee,
          &caller, &transcript, why));
}

/* --- v1_frames, v1_receive, v1_send --- */

typedef struct
{
  guint8 secret[32];
  DaoRole role;
  DaoMedia media;
} Track;

static gboolean
need_track (json_t * case_, Track * track, GString * why)
{
  return dao_vector_need_hex_exact (case_, "secret_hex", track->secret, 32,
      why) && need_role (case_, "role", &track->role, why)
      && need_media (case_, "media", &track->media, why);
}

/* The genuine frame of (epoch, n, flags). Flags a sender never sets are made from the key itself. */
static GByteArray *
make_v1_frame (const Track * track, guint32 epoch, guint32 n, guint8 flags,
    const guint8 * payload, gsize length, GString * why)
{
  DaoFrameSender *sender;
  guint8 material[DAO_FRAME_MATERIAL_SIZE], iv[12];
  guint64 counter;
  GByteArray *frame;
  guint i;

  if (flags <= 1) {
    sender = v1_sender (track->secret, track->role, track->media);
    dao_frame_sender_set_limits (sender, DAO_FRAME_MAX_FRAMES,
        DAO_FRAME_MAX_BYTES);
    dao_frame_sender_set_position (sender, epoch, n);
    return seal (sender, flags == 1, payload, length, why);
  }

  dao_call_keys_derive_material (track->secret, track->role, track->media,
      epoch, material);
  counter = ((guint64) flags << 56) | ((guint64) epoch << 32) | n;
  memcpy (iv, material + 32, sizeof (iv));
  for (i = 0; i < 8; i++)
    iv[i] ^= (counter >> (8 * i)) & 0xff;
  frame = g_byte_array_new ();
  g_byte_array_set_size (frame, length + DAO_FRAME_OVERHEAD);
  counter = GUINT64_TO_BE (counter);
  memcpy (frame->data, &counter, sizeof (counter));
  if (!dao_aes_gcm_seal (material, iv, payload, length, frame->data + 8))
    g_string_append (why, "dao_aes_gcm_seal; ");
  return frame;
}

static gboolean
need_position (json_t * object, gint64 * epoch, gint64 * n, gint64 * flags,
    GString * why)
{
  return need_uint (object, "epoch", 0xffffff, epoch, why)
      && need_uint (object, "n", G_MAXUINT32, n, why)
      && need_uint (object, "flags", 0xff, flags, why);
}

static gboolean
run_v1_frames (json_t * case_, GString * why)
{
  Track track;
  gint64 epoch, n, flags;
  g_autoptr (GByteArray) payload = need_payload (case_, why);
  g_autoptr (GByteArray) frame = NULL;

  if (payload == NULL || !need_track (case_, &track, why)
      || !need_position (case_, &epoch, &n, &flags, why))
    return FALSE;
  frame = make_v1_frame (&track, epoch, n, flags, payload->data, payload->len,
      why);
  return frame != NULL
      && dao_vector_same_hex (case_, "counter_hex", frame->data, 8, why)
      && same_frame (case_, frame->data, frame->len, why);
}

static gboolean
run_receive_step (const Track * track, DaoFrameReceiver * receiver,
    json_t * step, GString * why)
{
  static const guint8 payload[] = { 1, 2, 3, 4 };
  const gchar *want = dao_vector_need_string (step, "expected", why);
  const gchar *tamper = json_string_value (json_object_get (step, "tamper"));
  g_autoptr (GByteArray) frame = NULL;
  guint8 out[sizeof (payload)] = { 0, };
  gint64 at_ms, epoch, n, flags;
  DaoFrameResult result;

  if (want == NULL || !dao_vector_need_int (step, "at_ms", &at_ms, why)
      || !need_position (step, &epoch, &n, &flags, why))
    return FALSE;
  frame = make_v1_frame (track, epoch, n, flags, payload, sizeof (payload),
      why);
  if (frame == NULL)
    return FALSE;
  if (g_strcmp0 (tamper, "tag") == 0) {
    frame->data[frame->len - 1] ^= 1;
  } else if (g_strcmp0 (tamper, "short") == 0) {
    g_byte_array_set_size (frame, DAO_FRAME_OVERHEAD - 1);
  } else if (tamper != NULL) {
    g_string_append_printf (why, "unknown tamper %s; ", tamper);
    return FALSE;
  }

  result = dao_frame_receiver_open (receiver, at_ms, frame->data, frame->len,
      out);
  if (!dao_vector_same_string ("result", dao_frame_result_to_string (result),
          want, why))
    return FALSE;
  return result != DAO_FRAME_OK || dao_vector_same_bytes ("payload", out,
      sizeof (out), payload, sizeof (payload), why);
}

static gboolean
run_v1_receive (json_t * case_, GString * why)
{
  Track track;
  const gchar *codec = dao_vector_need_string (case_, "encoding_name", why);
  json_t *steps = dao_vector_need_array (case_, "steps", why);
  g_autoptr (DaoFrameReceiver) receiver = NULL;
  json_t *step;
  gsize i;

  if (codec == NULL || steps == NULL || !need_track (case_, &track, why))
    return FALSE;
  receiver = dao_frame_receiver_new_v1 (track.secret, track.role,
      track.media);
  dao_frame_receiver_set_vp8 (receiver, g_str_equal (codec, "VP8"));
  json_array_foreach (steps, i, step) {
    if (!run_receive_step (&track, receiver, step, why)) {
      g_string_append_printf (why, "(step %" G_GSIZE_FORMAT ") ", i);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
run_v1_send (json_t * case_, GString * why)
{
  gint64 max_frames, max_bytes;
  json_t *sizes = dao_vector_need_array (case_, "payload_sizes", why);
  json_t *wants = dao_vector_need_array (case_, "expected_epoch_n", why);
  g_autoptr (DaoFrameSender) sender = NULL;
  g_autofree guint8 *payload = g_malloc0 (MAX_PAYLOAD);
  guint8 secret[32];
  json_t *size, *want;
  gsize i;

  if (sizes == NULL || wants == NULL
      || !need_uint (case_, "rekey_frames", DAO_FRAME_MAX_FRAMES, &max_frames,
          why)
      || !need_uint (case_, "rekey_bytes", DAO_FRAME_MAX_BYTES, &max_bytes,
          why)
      || !dao_vector_same_int ("frames", json_array_size (sizes),
          json_array_size (wants), why))
    return FALSE;

  randombytes_buf (secret, sizeof (secret));
  sender = dao_frame_sender_new_v1 (secret, DAO_ROLE_CALLER, DAO_MEDIA_VIDEO);
  dao_frame_sender_set_limits (sender, max_frames, max_bytes);
  json_array_foreach (sizes, i, size) {
    gint64 length = json_integer_value (size);
    g_autoptr (GByteArray) frame = NULL;
    guint64 counter;

    if (!json_is_integer (size) || length < 0 || length > MAX_PAYLOAD)
      return FALSE;
    frame = seal (sender, FALSE, payload, length, why);
    if (frame == NULL)
      return FALSE;
    counter = header_counter (frame);
    want = json_array_get (wants, i);
    if (!dao_vector_same_int ("epoch", counter >> 32,
            json_integer_value (json_array_get (want, 0)), why)
        || !dao_vector_same_int ("n", counter & G_MAXUINT32,
            json_integer_value (json_array_get (want, 1)), why))
      return FALSE;
  }
  return TRUE;
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
