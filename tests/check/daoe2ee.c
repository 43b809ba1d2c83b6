/* gst-dao: tests of frames through daoe2eeenc and daoe2eedec
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "daoe2ee-util.h"

#include "dao-encoding.h"

/* --- the wire --- */

/* frame_encrypt.json, ctr-0 and ctr-1 */
GST_START_TEST (test_vectors)
{
  static const gchar material[] =
      "930d06ca74eb1ebe5157a3148b4b0233ec68a4a2378f660c109eee1b2181ad22"
      "59ad64da125c54dc45bb19c7";
  static const gchar *const frames[] = {
    "00000000000000001e8ae9845a49b2a19a952f97d7039825937044a786f7c09113"
        "5374a14ca514b57a",
    "0000000000000001b252d836993b83602e9f44630e4065822daab3c6e203b64287"
        "f9ea5f9350ead4b6"
  };
  GstHarness *enc = new_enc (material, OPUS_CAPS);
  GstHarness *dec = new_dec (material, CIPHER_OPUS);
  guint8 payload[17], frame[41];
  GstBuffer *clear, *out, *back;
  guint i;

  for (i = 0; i < sizeof (payload); i++)
    payload[i] = i * 7;
  clear = gst_buffer_new_memdup (payload, sizeof (payload));
  for (i = 0; i < G_N_ELEMENTS (frames); i++) {
    out = encrypt (enc, gst_buffer_copy_deep (clear));
    fail_unless (dao_hex_decode (frames[i], frame, sizeof (frame)));
    fail_unless_equals_int (gst_buffer_get_size (out), sizeof (frame));
    fail_unless_equals_int (gst_buffer_memcmp (out, 0, frame, sizeof (frame)),
        0);
    push_ok (dec, out);
    back = gst_harness_try_pull (dec);
    assert_buffer (back, clear);
    gst_buffer_unref (back);
  }
  gst_buffer_unref (clear);
  gst_harness_teardown (enc);
  gst_harness_teardown (dec);
}

GST_END_TEST;

/* Metadata and frames, whoever else holds the buffer and of how many memories it is. */
GST_START_TEST (test_round_trip_any_buffer)
{
  g_autofree gchar *hex = new_hex ();
  GstHarness *enc = new_enc (hex, OPUS_CAPS);
  GstHarness *dec = new_dec (hex, CIPHER_OPUS);
  guint i;

  for (i = 0; i < 8; i++) {
    GstBuffer *clear = with_pts (opus_frame (i), i * 20 * GST_MSECOND);
    GstBuffer *expected, *out, *held = NULL, *back;

    GST_BUFFER_OFFSET (clear) = 77;
    if (i & 1)
      clear = with_pts (gst_buffer_append (clear, opus_frame (i + 100)),
          i * 20 * GST_MSECOND);
    expected = gst_buffer_copy_deep (clear);
    if (i & 2)
      held = gst_buffer_ref (clear);
    out = encrypt (enc, clear);
    if (held != NULL) {
      assert_buffer (held, expected);
      gst_buffer_unref (held);
    }

    held = NULL;
    if (i & 4) {
      GstBuffer *whole = out;
      gsize size = gst_buffer_get_size (whole);

      held = gst_buffer_ref (whole);
      out = gst_buffer_append (gst_buffer_copy_region (whole,
              GST_BUFFER_COPY_ALL, 0, 11), gst_buffer_copy_region (whole,
              GST_BUFFER_COPY_ALL, 11, size - 11));
      out = with_pts (out, i * 20 * GST_MSECOND);
      gst_buffer_unref (whole);
    } else if (i & 2) {
      held = gst_buffer_ref (out);
    }
    {
      GstBuffer *before = held ? gst_buffer_copy_deep (held) : NULL;

      push_ok (dec, out);
      back = gst_harness_try_pull (dec);
      assert_buffer (back, expected);
      if (held != NULL) {
        /* what someone else holds is still the ciphertext */
        assert_buffer (held, before);
        gst_buffer_unref (before);
        gst_buffer_unref (held);
      }
    }
    fail_unless_equals_uint64 (GST_BUFFER_PTS (back), i * 20 * GST_MSECOND);
    fail_unless_equals_uint64 (GST_BUFFER_DURATION (back), 20 * GST_MSECOND);
    gst_buffer_unref (back);
    gst_buffer_unref (expected);
  }
  fail_unless_equals_uint64 (stat_of (dec, "frames"), 8);
  fail_unless_equals_uint64 (stat_of (dec, "bytes"),
      stat_of (enc, "bytes"));
  gst_harness_teardown (enc);
  gst_harness_teardown (dec);
}

GST_END_TEST;

GST_START_TEST (test_empty_frame)
{
  g_autofree gchar *hex = new_hex ();
  GstHarness *enc = new_enc (hex, OPUS_CAPS);
  GstHarness *dec = new_dec (hex, CIPHER_OPUS);
  GstBuffer *out = encrypt (enc, gst_buffer_new ());
  guint i;

  fail_unless_equals_int (gst_buffer_get_size (out), DAO_FRAME_OVERHEAD);
  for (i = 0; i < 2; i++) {     /* in place; then a replay that is held */
    push_ok (dec, i == 0 ? gst_buffer_copy_deep (out)
        : gst_buffer_ref (out));
  }
  gst_buffer_unref (out);
  out = gst_harness_try_pull (dec);
  fail_unless_equals_int (gst_buffer_get_size (out), 0);
  gst_buffer_unref (out);
  out = encrypt (enc, gst_buffer_new ());
  push_ok (dec, gst_buffer_ref (out));  /* not writable: the copy */
  gst_buffer_unref (out);
  out = gst_harness_try_pull (dec);
  fail_unless_equals_int (gst_buffer_get_size (out), 0);
  gst_buffer_unref (out);
  gst_harness_teardown (enc);
  gst_harness_teardown (dec);
}

GST_END_TEST;

/* --- what does not verify --- */

GST_START_TEST (test_wrong_key)
{
  g_autofree gchar *hex = new_hex (), *wrong = new_hex ();
  GstHarness *enc = new_enc (hex, OPUS_CAPS);
  GstHarness *dec = new_dec (wrong, CIPHER_OPUS);
  guint64 last;
  guint i;

  for (i = 0; i < 5; i++)
    push_ok (dec, encrypt (enc, opus_frame (i)));
  fail_unless (gst_harness_try_pull (dec) == NULL);
  fail_unless_equals_uint64 (stat_of (dec, "dropped"), 5);
  fail_unless_equals_uint64 (stat_of (dec, "dropped-auth"), 5);
  fail_unless_equals_uint64 (stat_of (dec, "frames"), 0);
  g_object_get (dec->element, "last-authenticated", &last, NULL);
  fail_unless_equals_uint64 (last, GST_CLOCK_TIME_NONE);

  g_object_set (dec->element, "key-material", hex, NULL);
  push_ok (dec, encrypt (enc, opus_frame (9)));
  gst_buffer_unref (gst_harness_pull (dec));
  g_object_get (dec->element, "last-authenticated", &last, NULL);
  fail_unless (last != GST_CLOCK_TIME_NONE);
  gst_harness_teardown (enc);
  gst_harness_teardown (dec);
}

GST_END_TEST;

GST_START_TEST (test_truncated_extended_tampered)
{
  g_autofree gchar *hex = new_hex ();
  GstHarness *enc = new_enc (hex, OPUS_CAPS);
  GstHarness *dec = new_dec (hex, CIPHER_OPUS);
  GstBuffer *out = encrypt (enc, opus_frame (1));
  gsize size = gst_buffer_get_size (out), i;

  for (i = 0; i < size; i++)
    push_ok (dec, gst_buffer_copy_region (out, GST_BUFFER_COPY_ALL
            | GST_BUFFER_COPY_DEEP, 0, i));
  fail_unless_equals_uint64 (stat_of (dec, "dropped-short"),
      DAO_FRAME_OVERHEAD);
  fail_unless_equals_uint64 (stat_of (dec, "dropped-auth"),
      size - DAO_FRAME_OVERHEAD);

  push_ok (dec, gst_buffer_append (gst_buffer_copy_deep (out),
          gst_buffer_new_memdup ("x", 1)));
  for (i = 0; i < size; i++) {
    GstBuffer *bad = gst_buffer_copy_deep (out);
    guint8 byte;

    gst_buffer_extract (bad, i, &byte, 1);
    byte ^= 0x10;
    gst_buffer_fill (bad, i, &byte, 1);
    push_ok (dec, bad);
  }
  fail_unless (gst_harness_try_pull (dec) == NULL);

  /* none of that spoiled the genuine frame */
  push_ok (dec, out);
  gst_buffer_unref (gst_harness_pull (dec));
  gst_harness_teardown (enc);
  gst_harness_teardown (dec);
}

GST_END_TEST;

GST_START_TEST (test_clear_frames_do_not_pass)
{
  g_autofree gchar *hex = new_hex ();
  GstHarness *dec = new_dec (hex, CIPHER_VP8);
  guint i;

  for (i = 0; i < 10; i++) {
    GstBuffer *clear = gst_buffer_append (vp8_key (320, 240), opus_frame (i));

    push_ok (dec, clear);
  }
  fail_unless (gst_harness_try_pull (dec) == NULL);
  fail_unless_equals_uint64 (stat_of (dec, "dropped-auth"), 10);
  gst_harness_teardown (dec);
}

GST_END_TEST;

GST_START_TEST (test_reordered_and_replayed)
{
  static const guint order[] = { 3, 1, 2, 0, 4 };
  g_autofree gchar *hex = new_hex ();
  GstHarness *enc = new_enc (hex, OPUS_CAPS);
  GstHarness *dec = new_dec (hex, CIPHER_OPUS);
  GstBuffer *frames[5];
  guint i;

  for (i = 0; i < 5; i++)
    frames[i] = encrypt (enc, opus_frame (i));
  for (i = 0; i < 5; i++) {
    GstBuffer *expected = opus_frame (order[i]), *back;

    push_ok (dec, gst_buffer_copy_deep (frames[order[i]]));
    back = gst_harness_try_pull (dec);
    assert_buffer (back, expected);
    gst_buffer_unref (back);
    gst_buffer_unref (expected);
  }
  for (i = 0; i < 5; i++)
    push_ok (dec, frames[i]);
  fail_unless (gst_harness_try_pull (dec) == NULL);
  fail_unless_equals_uint64 (stat_of (dec, "dropped-replay"), 5);
  fail_unless_equals_uint64 (stat_of (dec, "frames"), 5);
  gst_harness_teardown (enc);
  gst_harness_teardown (dec);
}

GST_END_TEST;

static Suite *
daoe2ee_suite (void)
{
  Suite *suite = suite_create ("daoe2ee");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_vectors);
  tcase_add_test (tc, test_round_trip_any_buffer);
  tcase_add_test (tc, test_empty_frame);
  tcase_add_test (tc, test_wrong_key);
  tcase_add_test (tc, test_truncated_extended_tampered);
  tcase_add_test (tc, test_clear_frames_do_not_pass);
  tcase_add_test (tc, test_reordered_and_replayed);
  return suite;
}

GST_CHECK_MAIN (daoe2ee);
