/* gst-dao: what the vectors of both frame formats need
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "vectors-frame.h"

#include "dao-encoding.h"

#include <sodium.h>
#include <string.h>

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

DaoFrameSender *
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

DaoFrameSender *
v1_sender (const guint8 * secret, DaoRole role, DaoMedia media)
{
  g_autofree gchar *hex = dao_hex_encode (secret, 32);
  g_autofree gchar *id = g_strdup_printf ("%s-%d-%d", hex, role, media);
  DaoFrameSender *sender = cached_sender (id, NULL);

  return sender ? sender
      : cached_sender (id, dao_frame_sender_new_v1 (secret, role, media));
}

/* --- members that several files have --- */

gboolean
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

gboolean
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

gboolean
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

gboolean
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
GByteArray *
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
gboolean
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

GByteArray *
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

guint64
header_counter (const GByteArray * frame)
{
  guint64 counter = 0;

  if (frame->len > 0)           /* an empty array has no data */
    memcpy (&counter, frame->data, MIN (frame->len, sizeof (counter)));
  return GUINT64_FROM_BE (counter);
}
