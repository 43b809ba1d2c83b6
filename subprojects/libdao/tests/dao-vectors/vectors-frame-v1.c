/* gst-dao: vectors of frame encryption, version 1
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "vectors-frame.h"

#include "dao-encoding.h"

#include <sodium.h>
#include <string.h>

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

gboolean
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

gboolean
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

gboolean
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

gboolean
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
