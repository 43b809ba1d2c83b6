/* gst-dao: tests of frame types and the gate of daoe2eedec
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "daoe2ee-util.h"

#include <sodium.h>

/* --- frame types --- */

static void
set_v1 (GstHarness * enc, GstHarness * dec, const gchar * hex)
{
  gst_util_set_object_arg (G_OBJECT (enc->element), "format", "v1");
  gst_util_set_object_arg (G_OBJECT (dec->element), "format", "v1");
  g_object_set (enc->element, "key-material", hex, NULL);
  g_object_set (dec->element, "key-material", hex, NULL);
}

/* The flag byte follows DELTA_UNIT in v1, for VP8 only; the receiver sets DELTA_UNIT from the frame. */
GST_START_TEST (test_delta_unit_vp8)
{
  guint v1;

  for (v1 = 0; v1 < 2; v1++) {
    g_autofree gchar *hex = new_hex ();
    GstHarness *enc = new_enc (v1 ? NULL : hex, VP8_CAPS);
    GstHarness *dec = new_dec (v1 ? NULL : hex, CIPHER_VP8);
    guint i;

    if (v1)
      set_v1 (enc, dec, hex);
    for (i = 0; i < 6; i++) {
      gboolean key = i % 3 == 0;
      GstBuffer *out = encrypt (enc, key ? vp8_key (320, 240)
          : vp8_delta ());
      guint8 flags;

      gst_buffer_extract (out, 0, &flags, 1);
      fail_unless_equals_int (flags, v1 && !key);
      fail_unless_equals_int (GST_BUFFER_FLAG_IS_SET (out,
              GST_BUFFER_FLAG_DELTA_UNIT), !key);

      /* what the network says about it does not count */
      out = gst_buffer_make_writable (out);
      if (key)
        GST_BUFFER_FLAG_SET (out, GST_BUFFER_FLAG_DELTA_UNIT);
      else
        GST_BUFFER_FLAG_UNSET (out, GST_BUFFER_FLAG_DELTA_UNIT);
      push_ok (dec, out);
      out = gst_harness_pull (dec);
      fail_unless_equals_int (GST_BUFFER_FLAG_IS_SET (out,
              GST_BUFFER_FLAG_DELTA_UNIT), !key);
      gst_buffer_unref (out);
    }
    gst_harness_teardown (enc);
    gst_harness_teardown (dec);
  }
}

GST_END_TEST;

/* DELTA_UNIT means nothing in the v1 flags of other codecs. */
GST_START_TEST (test_flag_is_vp8_only)
{
  g_autofree gchar *hex = new_hex ();
  GstHarness *enc = new_enc (NULL, OPUS_CAPS);
  GstHarness *dec = new_dec (NULL, CIPHER_OPUS);
  GstBuffer *frame = opus_frame (1);
  guint8 flags;

  set_v1 (enc, dec, hex);
  GST_BUFFER_FLAG_SET (frame, GST_BUFFER_FLAG_DELTA_UNIT);
  frame = encrypt (enc, frame);
  gst_buffer_extract (frame, 0, &flags, 1);
  fail_unless_equals_int (flags, 0);
  push_ok (dec, frame);
  frame = gst_harness_pull (dec);
  fail_if (GST_BUFFER_FLAG_IS_SET (frame, GST_BUFFER_FLAG_DELTA_UNIT));
  gst_buffer_unref (frame);
  gst_harness_teardown (enc);
  gst_harness_teardown (dec);
}

GST_END_TEST;

/* A VP8 delta frame into a receiver of VP9: its flag is none of VP9's. */
GST_START_TEST (test_flag_refused_on_vp9)
{
  g_autofree gchar *hex = new_hex ();
  GstHarness *enc = new_enc (NULL, VP8_CAPS);
  GstHarness *dec = new_dec (NULL, CIPHER_VP9);

  set_v1 (enc, dec, hex);
  push_ok (dec, encrypt (enc, vp8_delta ()));
  fail_unless_equals_uint64 (stat_of (dec, "dropped-flags"), 1);
  gst_harness_teardown (enc);
  gst_harness_teardown (dec);
}

GST_END_TEST;

/* In a change of legs two elements hold the receiver: the new one, still without caps, changes nothing for the old one. */
GST_START_TEST (test_second_holder_of_receiver)
{
  guint8 secret[32];
  DaoFrameSender *sender;
  DaoFrameReceiver *receiver;
  GstHarness *enc = new_enc (NULL, VP8_CAPS);
  GstHarness *dec = new_dec (NULL, CIPHER_VP8);
  GstElement *next = gst_element_factory_make ("daoe2eedec", NULL);

  randombytes_buf (secret, sizeof (secret));
  sender = dao_frame_sender_new_v1 (secret, DAO_ROLE_CALLER, DAO_MEDIA_VIDEO);
  receiver = dao_frame_receiver_new_v1 (secret, DAO_ROLE_CALLER,
      DAO_MEDIA_VIDEO);
  g_object_set (enc->element, "keys", sender, NULL);
  g_object_set (dec->element, "keys", receiver, NULL);
  push_ok (dec, encrypt (enc, vp8_key (320, 240)));
  gst_buffer_unref (gst_harness_pull (dec));

  g_object_set (next, "keys", receiver, NULL);
  fail_unless_equals_int (gst_element_set_state (next, GST_STATE_PAUSED),
      GST_STATE_CHANGE_SUCCESS);
  push_ok (dec, encrypt (enc, vp8_delta ()));
  fail_unless_equals_uint64 (stat_of (dec, "dropped-flags"), 0);
  gst_buffer_unref (gst_harness_pull (dec));

  gst_element_set_state (next, GST_STATE_NULL);
  gst_object_unref (next);
  gst_harness_teardown (enc);
  gst_harness_teardown (dec);
  g_object_unref (sender);
  g_object_unref (receiver);
}

GST_END_TEST;

/* VP9 bitstream specification 6.2, written bit by bit */
typedef struct
{
  guint8 data[32];
  guint bits;
} BitWriter;

static void
put (BitWriter * writer, guint value, guint count)
{
  for (; count > 0; count--, writer->bits++)
    if (value >> (count - 1) & 1)
      writer->data[writer->bits / 8] |= 0x80 >> writer->bits % 8;
}

static GstBuffer *
vp9_frame (guint profile, gboolean show_existing, gboolean key, guint width,
    guint height, gboolean rgb)
{
  BitWriter w = { {0,}, 0 };

  put (&w, 2, 2);
  put (&w, profile & 1, 1);
  put (&w, profile >> 1, 1);
  if (profile == 3)
    put (&w, 0, 1);
  put (&w, show_existing, 1);
  if (show_existing) {
    put (&w, 3, 3);
    return gst_buffer_new_memdup (w.data, 2);
  }
  put (&w, !key, 1);
  put (&w, 1, 1);               /* show_frame */
  put (&w, 0, 1);               /* error_resilient_mode */
  if (key) {
    put (&w, 0x498342, 24);
    if (profile >= 2)
      put (&w, 1, 1);           /* 12 bits */
    put (&w, rgb ? 7 : 2, 3);
    if (!rgb)
      put (&w, 1, 1);
    if (profile & 1)
      put (&w, rgb ? 0 : 4, rgb ? 1 : 3);
    put (&w, width - 1, 16);
    put (&w, height - 1, 16);
  }
  return gst_buffer_new_memdup (w.data, sizeof (w.data));
}

static void
assert_size (GstHarness * h, gint width, gint height)
{
  GstCaps *caps = gst_pad_get_current_caps (h->sinkpad);
  GstStructure *s = gst_caps_get_structure (caps, 0);
  gint value;

  fail_unless (gst_structure_get_int (s, "width", &value));
  fail_unless_equals_int (value, width);
  fail_unless (gst_structure_get_int (s, "height", &value));
  fail_unless_equals_int (value, height);
  gst_caps_unref (caps);
}

GST_START_TEST (test_delta_unit_vp9)
{
  guint profile, rgb;

  for (profile = 0; profile < 4; profile++) {
    for (rgb = 0; rgb < (profile & 1 ? 2 : 1); rgb++) {
      g_autofree gchar *hex = new_hex ();
      GstHarness *enc = new_enc (hex, VP9_CAPS);
      GstHarness *dec = new_dec (hex, CIPHER_VP9);
      guint width = 641 + profile, i;

      for (i = 0; i < 3; i++) { /* key, delta, show_existing_frame */
        GstBuffer *out = encrypt (enc, vp9_frame (profile, i == 2, i == 0,
                width, 65536, rgb));

        push_ok (dec, out);
        out = gst_harness_try_pull (dec);
        fail_unless (out != NULL);
        fail_unless_equals_int (GST_BUFFER_FLAG_IS_SET (out,
                GST_BUFFER_FLAG_DELTA_UNIT), i > 0);
        gst_buffer_unref (out);
      }
      assert_size (dec, width, 65536);
      gst_harness_teardown (enc);
      gst_harness_teardown (dec);
    }
  }
}

GST_END_TEST;

/* Verified, but no frame of the codec: the peer's fault, and no reason to crash. */
GST_START_TEST (test_malformed_video)
{
  g_autofree gchar *hex8 = new_hex (), *hex9 = new_hex ();
  GstHarness *enc8 = new_enc (hex8, VP8_CAPS), *enc9 = new_enc (hex9,
      VP9_CAPS);
  GstHarness *dec8 = new_dec (hex8, CIPHER_VP8), *dec9 = new_dec (hex9,
      CIPHER_VP9);
  GstBuffer *key8 = vp8_key (320, 240);
  GstBuffer *key9 = vp9_frame (3, FALSE, TRUE, 320, 240, FALSE);
  guint i;

  /* cut at each place before the size is complete; 8 is VP8's empty width */
  for (i = 0; i < 10; i++)
    push_ok (dec8, encrypt (enc8, gst_buffer_copy_region (key8,
                GST_BUFFER_COPY_ALL, 0, i)));
  push_ok (dec8, encrypt (enc8, vp8_key (0, 240)));
  push_ok (dec8, encrypt (enc8, vp8_key (320, 0)));
  push_ok (dec8, encrypt (enc8, gst_buffer_new_memdup
          ("\x10\x02\x00\x9d\x01\x2b\x40\x01\xf0\x00", 10)));
  fail_unless_equals_uint64 (stat_of (dec8, "dropped-malformed"), 13);

  for (i = 0; i < 9; i++)
    push_ok (dec9, encrypt (enc9, gst_buffer_copy_region (key9,
                GST_BUFFER_COPY_ALL, 0, i)));
  push_ok (dec9, encrypt (enc9, gst_buffer_new_memdup ("\x00\x49", 2)));
  push_ok (dec9, encrypt (enc9, gst_buffer_new_memdup
          ("\x80\x49\x83\x43\x00\x00\x00\x00\x00\x00", 10)));
  fail_unless_equals_uint64 (stat_of (dec9, "dropped-malformed"), 11);

  fail_unless (gst_harness_try_pull (dec8) == NULL);
  fail_unless (gst_harness_try_pull (dec9) == NULL);
  gst_buffer_unref (key8);
  gst_buffer_unref (key9);
  gst_harness_teardown (enc8);
  gst_harness_teardown (enc9);
  gst_harness_teardown (dec8);
  gst_harness_teardown (dec9);
}

GST_END_TEST;

/* Any bytes, from a peer with the right key. */
GST_START_TEST (test_random_video)
{
  static const gchar *const clear[] = { VP8_CAPS, VP9_CAPS };
  static const gchar *const cipher[] = { CIPHER_VP8, CIPHER_VP9 };
  guint codec, i;

  for (codec = 0; codec < 2; codec++) {
    g_autofree gchar *hex = new_hex ();
    GstHarness *enc = new_enc (hex, clear[codec]);
    GstHarness *dec = new_dec (hex, cipher[codec]);
    GstBuffer *out;

    for (i = 0; i < 2000; i++) {
      guint8 bytes[24];
      gsize size = g_random_int_range (1, sizeof (bytes) + 1);

      randombytes_buf (bytes, sizeof (bytes));
      if (codec == 1)           /* mostly past the frame marker */
        bytes[0] = 0x80 | (bytes[0] & 0x3f);
      push_ok (dec, encrypt (enc, gst_buffer_new_memdup (bytes, size)));
      while ((out = gst_harness_try_pull (dec)) != NULL)
        gst_buffer_unref (out);
    }
    fail_unless_equals_uint64 (stat_of (dec, "frames"), 2000);
    fail_unless (stat_of (dec, "dropped-malformed") > 0);
    gst_harness_teardown (enc);
    gst_harness_teardown (dec);
  }
}

GST_END_TEST;

/* --- the gate --- */

static GstBuffer *
discont (GstBuffer * buffer)
{
  buffer = gst_buffer_make_writable (buffer);
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  return buffer;
}

/* Deltas wait for a key frame at the start and after a loss; requests come every 500 ms until it is there. */
GST_START_TEST (test_gate)
{
  g_autofree gchar *hex = new_hex ();
  GstHarness *enc = new_enc (hex, VP8_CAPS);
  GstHarness *dec = new_dec (hex, CIPHER_VP8);
  GstBuffer *out;
  guint i, requests = 0;

  gst_harness_use_testclock (dec);
  /* 30 frames a second for two seconds */
  for (i = 0; i < 60; i++) {
    gst_harness_set_time (dec, i * GST_SECOND / 30);
    push_ok (dec, encrypt (enc, vp8_delta ()));
    requests += key_requests (dec);
  }
  fail_unless (gst_harness_try_pull (dec) == NULL);
  fail_unless_equals_int (requests, 4);
  fail_unless_equals_uint64 (stat_of (dec, "dropped-gated"), 60);
  fail_unless_equals_uint64 (stat_of (dec, "frames"), 60);      /* they verified */

  /* the key frame opens it; something is missing before it */
  push_ok (dec, encrypt (enc, vp8_key (320, 240)));
  out = gst_harness_pull (dec);
  fail_unless (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_DISCONT));
  gst_buffer_unref (out);
  push_ok (dec, encrypt (enc, vp8_delta ()));
  out = gst_harness_pull (dec);
  fail_if (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_DISCONT));
  gst_buffer_unref (out);
  fail_unless_equals_int (key_requests (dec), 0);

  /* a loss closes it */
  push_ok (dec, discont (encrypt (enc, vp8_delta ())));
  push_ok (dec, encrypt (enc, vp8_delta ()));
  fail_unless (gst_harness_try_pull (dec) == NULL);
  fail_unless_equals_int (key_requests (dec), 1);

  /* a loss before a key frame costs nothing */
  push_ok (dec, discont (encrypt (enc, vp8_key (320, 240))));
  gst_buffer_unref (gst_harness_pull (dec));
  fail_unless_equals_int (key_requests (dec), 0);
  gst_harness_teardown (enc);
  gst_harness_teardown (dec);
}

GST_END_TEST;

GST_START_TEST (test_gate_off)
{
  g_autofree gchar *hex = new_hex ();
  GstHarness *enc = new_enc (hex, VP8_CAPS);
  GstHarness *dec = new_dec (hex, CIPHER_VP8);
  GstBuffer *out;

  g_object_set (dec->element, "gate", FALSE, NULL);
  push_ok (dec, encrypt (enc, vp8_delta ()));
  out = gst_harness_try_pull (dec);
  fail_unless (out != NULL);
  fail_unless (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_DELTA_UNIT));
  gst_buffer_unref (out);
  fail_unless_equals_int (key_requests (dec), 1);       /* it is still needed */

  push_ok (dec, encrypt (enc, vp8_key (320, 240)));
  gst_buffer_unref (gst_harness_pull (dec));
  assert_size (dec, 320, 240);
  gst_harness_teardown (enc);
  gst_harness_teardown (dec);
}

GST_END_TEST;

/* Forged frames must not make the peer send key frames. */
GST_START_TEST (test_no_request_on_auth_failure)
{
  g_autofree gchar *hex = new_hex ();
  GstHarness *enc = new_enc (hex, VP8_CAPS);
  GstHarness *dec = new_dec (hex, CIPHER_VP8);
  guint i;

  push_ok (dec, encrypt (enc, vp8_key (320, 240)));
  gst_buffer_unref (gst_harness_pull (dec));
  key_requests (dec);
  for (i = 0; i < 20; i++)
    push_ok (dec, opus_frame (0xff));
  fail_unless_equals_int (key_requests (dec), 0);
  fail_unless_equals_uint64 (stat_of (dec, "dropped-auth"), 20);
  push_ok (dec, encrypt (enc, vp8_delta ()));
  gst_buffer_unref (gst_harness_pull (dec));
  gst_harness_teardown (enc);
  gst_harness_teardown (dec);
}

GST_END_TEST;

static Suite *
daoe2eevideo_suite (void)
{
  Suite *suite = suite_create ("daoe2eevideo");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_delta_unit_vp8);
  tcase_add_test (tc, test_flag_is_vp8_only);
  tcase_add_test (tc, test_flag_refused_on_vp9);
  tcase_add_test (tc, test_second_holder_of_receiver);
  tcase_add_test (tc, test_delta_unit_vp9);
  tcase_add_test (tc, test_malformed_video);
  tcase_add_test (tc, test_random_video);
  tcase_add_test (tc, test_gate);
  tcase_add_test (tc, test_gate_off);
  tcase_add_test (tc, test_no_request_on_auth_failure);
  return suite;
}

GST_CHECK_MAIN (daoe2eevideo);
