/* gst-dao: what daoe2eeenc and daoe2eedec cost a frame
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Floor: the element `identity`, and behind it what no cipher element can do
 * without: one EVP call with a new IV, a new buffer, two maps, a copy of the
 * metadata. Both are driven by pads of our own, in turns in one process, and
 * the medians are compared, so that a busy machine slows both.
 *
 * A ratio above LIMIT is a failure.
 */
#include <gst/gst.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "dao-encoding.h"
#include "dao-frame.h"

#define LIMIT 1.25
#define ROUNDS 101
#define FRAMES 400              /* a round: fresh buffers are made before the clock starts */

typedef struct
{
  const gchar *name;
  GstElement *element;
  GstPad *src;                  /* feeds the element */
  GstPad *sink;                 /* takes from it */
  GstElement *maker;            /* dec: the encryptor that makes its frames */
  GstPad *maker_src;
  GstPad *maker_sink;
  gboolean opens;               /* the floor of the decryptor */
  gdouble nanoseconds[ROUNDS];
} Path;

static EVP_CIPHER_CTX *floor_context;
static EVP_CIPHER_CTX *floor_maker;     /* seals what the floor opens */
static guint64 floor_counter;
static gboolean floor_encrypts;
static GstBuffer *made[FRAMES]; /* by the encryptor, for the decryptor */
static guint made_count;

/* --- what is behind the floor's identity --- */

static void
floor_start (EVP_CIPHER_CTX * context, guint64 count)
{
  guint64 counter = GUINT64_TO_LE (count);
  guint8 iv[12];

  memset (iv, 0x5a, sizeof (iv));
  memcpy (iv, &counter, sizeof (counter));
  EVP_CipherInit_ex (context, NULL, NULL, NULL, iv, -1);
}

static void
floor_seal (EVP_CIPHER_CTX * context, const guint8 * in, gsize size,
    guint8 * out)
{
  int written, rest;

  EVP_EncryptUpdate (context, out + 8, &written, in, size);
  EVP_EncryptFinal_ex (context, out + 8 + written, &rest);
  EVP_CIPHER_CTX_ctrl (context, EVP_CTRL_AEAD_GET_TAG, 16, out + 8 + size);
}

static void
floor_open (EVP_CIPHER_CTX * context, guint8 * in, gsize size, guint8 * out)
{
  int written, rest;

  EVP_CIPHER_CTX_ctrl (context, EVP_CTRL_AEAD_SET_TAG, 16, in + size - 16);
  EVP_DecryptUpdate (context, out, &written, in + 8,
      size - DAO_FRAME_OVERHEAD);
  if (EVP_DecryptFinal_ex (context, out + written, &rest) != 1)
    g_error ("the floor does not verify");
}

static GstFlowReturn
floor_chain (GstPad * pad, GstObject * parent, GstBuffer * frame)
{
  GstMapInfo in, out;
  GstBuffer *result;

  gst_buffer_map (frame, &in, GST_MAP_READ);
  result = gst_buffer_new_allocate (NULL, in.size + DAO_FRAME_OVERHEAD, NULL);
  gst_buffer_map (result, &out, GST_MAP_WRITE);
  floor_start (floor_context, floor_counter++);
  if (floor_encrypts)
    floor_seal (floor_context, in.data, in.size, out.data);
  else
    floor_open (floor_context, in.data, in.size, out.data);
  gst_buffer_unmap (result, &out);
  gst_buffer_unmap (frame, &in);
  gst_buffer_copy_into (result, frame, GST_BUFFER_COPY_METADATA, 0, -1);
  gst_buffer_unref (frame);
  gst_buffer_unref (result);
  return GST_FLOW_OK;
}

static GstFlowReturn
drop_chain (GstPad * pad, GstObject * parent, GstBuffer * frame)
{
  gst_buffer_unref (frame);
  return GST_FLOW_OK;
}

static GstFlowReturn
keep_chain (GstPad * pad, GstObject * parent, GstBuffer * frame)
{
  g_assert (made_count < FRAMES);
  made[made_count++] = frame;
  return GST_FLOW_OK;
}

/* --- set up --- */

static void
attach (GstElement * element, GstPad ** src, GstPad ** sink,
    GstPadChainFunction chain, const gchar * caps_string)
{
  GstPad *element_sink = gst_element_get_static_pad (element, "sink");
  GstPad *element_src = gst_element_get_static_pad (element, "src");
  GstCaps *caps = gst_caps_from_string (caps_string);
  GstSegment segment;

  *src = gst_pad_new ("src", GST_PAD_SRC);
  *sink = gst_pad_new ("sink", GST_PAD_SINK);
  gst_pad_set_chain_function (*sink, chain);
  g_assert (gst_pad_link (*src, element_sink) == GST_PAD_LINK_OK);
  g_assert (gst_pad_link (element_src, *sink) == GST_PAD_LINK_OK);
  gst_pad_set_active (*src, TRUE);
  gst_pad_set_active (*sink, TRUE);
  g_assert (gst_element_set_state (element, GST_STATE_PLAYING)
      != GST_STATE_CHANGE_FAILURE);

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (*src, gst_event_new_stream_start ("bench"));
  g_assert (gst_pad_push_event (*src, gst_event_new_caps (caps)));
  gst_pad_push_event (*src, gst_event_new_segment (&segment));
  gst_caps_unref (caps);
  gst_object_unref (element_sink);
  gst_object_unref (element_src);
}

static void
detach (GstElement * element, GstPad * src, GstPad * sink)
{
  gst_element_set_state (element, GST_STATE_NULL);
  gst_pad_set_active (src, FALSE);
  gst_pad_set_active (sink, FALSE);
  gst_object_unref (src);
  gst_object_unref (sink);
  gst_object_unref (element);
}

static GstElement *
make_element (const gchar * name, const gchar * key)
{
  GstElement *element = gst_element_factory_make (name, NULL);

  if (element == NULL)
    g_error ("no element %s", name);
  gst_object_ref_sink (element);
  if (key != NULL)
    g_object_set (element, "key-material", key, NULL);
  return element;
}

#define OPUS "audio/x-opus, rate=48000, channels=2"
#define CIPHER "application/x-dao-e2ee, media=audio, encoding-name=OPUS"

static gchar *
new_key (void)
{
  guint8 material[DAO_FRAME_MATERIAL_SIZE];

  randombytes_buf (material, sizeof (material));
  return dao_hex_encode (material, sizeof (material));
}

/* --- rounds --- */

static void
fill (GstBuffer ** frames, gsize size)
{
  guint i;

  for (i = 0; i < FRAMES; i++) {
    frames[i] = gst_buffer_new_allocate (NULL, size, NULL);
    gst_buffer_memset (frames[i], 0, i, size);
    GST_BUFFER_PTS (frames[i]) = i * 20 * GST_MSECOND;
    GST_BUFFER_DURATION (frames[i]) = 20 * GST_MSECOND;
  }
}

/* What the floor will open, in the order it counts. */
static void
seal_for_floor (GstBuffer ** frames)
{
  guint i;

  for (i = 0; i < FRAMES; i++) {
    GstMapInfo map;

    gst_buffer_map (frames[i], &map, GST_MAP_READWRITE);
    floor_start (floor_maker, floor_counter + i);
    floor_seal (floor_maker, map.data + 8, map.size - DAO_FRAME_OVERHEAD,
        map.data);
    gst_buffer_unmap (frames[i], &map);
  }
}

static void
run_round (Path * path, gsize size, guint round)
{
  GstBuffer *frames[FRAMES];
  GstClockTime start;
  guint i;

  fill (frames, size);
  if (path->maker != NULL) {
    made_count = 0;
    for (i = 0; i < FRAMES; i++)
      gst_pad_push (path->maker_src, frames[i]);
    g_assert (made_count == FRAMES);
    memcpy (frames, made, sizeof (frames));
  } else if (path->opens) {
    seal_for_floor (frames);
  }

  start = gst_util_get_timestamp ();
  for (i = 0; i < FRAMES; i++)
    gst_pad_push (path->src, frames[i]);
  path->nanoseconds[round] =
      (gdouble) (gst_util_get_timestamp () - start) / FRAMES;
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  gdouble difference = *(const gdouble *) a - *(const gdouble *) b;

  return difference < 0 ? -1 : difference > 0;
}

static gdouble
median (Path * path)
{
  qsort (path->nanoseconds, ROUNDS, sizeof (gdouble), compare);
  return path->nanoseconds[ROUNDS / 2];
}

static void
assert_all_went_through (GstElement * element)
{
  GstStructure *stats;
  guint64 frames, dropped;

  g_object_get (element, "stats", &stats, NULL);
  gst_structure_get (stats, "frames", G_TYPE_UINT64, &frames, "dropped",
      G_TYPE_UINT64, &dropped, NULL);
  g_assert (frames == (ROUNDS + 1) * FRAMES && dropped == 0);
  gst_structure_free (stats);
}

static gboolean
bench (gboolean encrypt, gsize size)
{
  g_autofree gchar *key = new_key ();
  guint8 floor_key[32] = { 1, };
  Path ours = { encrypt ? "daoe2eeenc" : "daoe2eedec", }, floor = { "floor", };
  gdouble ours_ns, floor_ns;
  guint round;

  floor_encrypts = encrypt;
  floor_context = EVP_CIPHER_CTX_new ();
  EVP_CipherInit_ex (floor_context, EVP_aes_256_gcm (), NULL, floor_key, NULL,
      encrypt);
  floor_maker = EVP_CIPHER_CTX_new ();
  EVP_CipherInit_ex (floor_maker, EVP_aes_256_gcm (), NULL, floor_key, NULL,
      TRUE);
  floor.opens = !encrypt;

  floor.element = make_element ("identity", NULL);
  attach (floor.element, &floor.src, &floor.sink, floor_chain,
      encrypt ? OPUS : CIPHER);
  ours.element = make_element (ours.name, key);
  attach (ours.element, &ours.src, &ours.sink, drop_chain,
      encrypt ? OPUS : CIPHER);
  if (!encrypt) {
    ours.maker = make_element ("daoe2eeenc", key);
    attach (ours.maker, &ours.maker_src, &ours.maker_sink, keep_chain, OPUS);
  }

  /* the first round of each warms up and is written over */
  run_round (&floor, encrypt ? size : size + DAO_FRAME_OVERHEAD, 0);
  run_round (&ours, size, 0);
  for (round = 0; round < ROUNDS; round++) {
    run_round (&floor, encrypt ? size : size + DAO_FRAME_OVERHEAD, round);
    run_round (&ours, size, round);
  }
  assert_all_went_through (ours.element);

  ours_ns = median (&ours);
  floor_ns = median (&floor);
  printf ("%s %5" G_GSIZE_FORMAT " bytes: %7.0f ns a frame, floor %7.0f ns, "
      "ratio %.2f (limit %.2f)\n", ours.name, size, ours_ns, floor_ns,
      ours_ns / floor_ns, LIMIT);

  detach (floor.element, floor.src, floor.sink);
  detach (ours.element, ours.src, ours.sink);
  if (ours.maker != NULL)
    detach (ours.maker, ours.maker_src, ours.maker_sink);
  EVP_CIPHER_CTX_free (floor_context);
  EVP_CIPHER_CTX_free (floor_maker);
  return ours_ns / floor_ns <= LIMIT;
}

int
main (int argc, char **argv)
{
  static const gsize sizes[] = { 160, 1200, 6000 };
  gboolean ok = TRUE;
  guint i;

  gst_init (&argc, &argv);
  if (sodium_init () < 0)
    return 1;
  for (i = 0; i < G_N_ELEMENTS (sizes); i++)
    ok &= bench (TRUE, sizes[i]);
  for (i = 0; i < G_N_ELEMENTS (sizes); i++)
    ok &= bench (FALSE, sizes[i]);
  return ok ? 0 : 1;
}
