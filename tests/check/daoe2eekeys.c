/* gst-dao: tests of keys of daoe2eeenc and daoe2eedec, and their limits
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "daoe2ee-util.h"

#include <glib/gstdio.h>
#include <sodium.h>
#include <sys/stat.h>

/* --- keys --- */

GST_START_TEST (test_no_key_no_output)
{
  GstHarness *enc = new_enc (NULL, VP8_CAPS);
  GstHarness *dec = new_dec (NULL, CIPHER_OPUS);
  g_autofree gchar *hex = new_hex ();
  guint i;

  for (i = 0; i < 5; i++) {
    push_ok (enc, vp8_key (320, 240));
    push_ok (dec, opus_frame (i));
  }
  fail_unless (gst_harness_try_pull (enc) == NULL);
  fail_unless (gst_harness_try_pull (dec) == NULL);
  fail_unless_equals_uint64 (stat_of (enc, "dropped"), 5);
  fail_unless_equals_uint64 (stat_of (enc, "dropped-no-key"), 5);
  fail_unless_equals_uint64 (stat_of (dec, "dropped-no-key"), 5);

  /* a key that comes later is used from the next frame on, and a key frame asked for */
  g_object_set (enc->element, "key-material", hex, NULL);
  fail_unless_equals_int (key_requests (enc), 0);
  gst_buffer_unref (encrypt (enc, vp8_delta ()));
  fail_unless_equals_int (key_requests (enc), 1);

  /* and taken away again */
  g_object_set (enc->element, "key-material", NULL, NULL);
  push_ok (enc, vp8_key (320, 240));
  fail_unless (gst_harness_try_pull (enc) == NULL);
  gst_harness_teardown (enc);
  gst_harness_teardown (dec);
}

GST_END_TEST;

GST_START_TEST (test_same_key_twice_refused)
{
  g_autofree gchar *hex = new_hex ();
  GstHarness *first = new_enc (hex, OPUS_CAPS);
  GstHarness *second;
  GstBus *bus;

  gst_buffer_unref (encrypt (first, opus_frame (1)));
  gst_harness_teardown (first);

  second = new_enc (hex, OPUS_CAPS);
  bus = watch (second);
  fail_unless_equals_int (gst_harness_push (second, opus_frame (2)),
      GST_FLOW_ERROR);
  assert_error (bus, GST_RESOURCE_ERROR_BUSY);
  fail_unless_equals_int (gst_harness_push (second, opus_frame (3)),
      GST_FLOW_ERROR);
  fail_unless (gst_harness_try_pull (second) == NULL);
  unwatch (second, bus);
  gst_harness_teardown (second);
}

GST_END_TEST;

/* Setting the material in use again would start over at counter 0. */
GST_START_TEST (test_same_key_again_refused)
{
  g_autofree gchar *hex = new_hex ();
  GstHarness *enc = new_enc (hex, OPUS_CAPS);
  GstBus *bus = watch (enc);

  gst_buffer_unref (encrypt (enc, opus_frame (1)));
  g_object_set (enc->element, "key-material", hex, NULL);
  fail_unless_equals_int (gst_harness_push (enc, opus_frame (2)),
      GST_FLOW_ERROR);
  assert_error (bus, GST_RESOURCE_ERROR_BUSY);
  fail_unless (gst_harness_try_pull (enc) == NULL);
  unwatch (enc, bus);
  gst_harness_teardown (enc);
}

GST_END_TEST;

/* READY and back keeps key and counter. */
GST_START_TEST (test_counter_survives_ready)
{
  g_autofree gchar *hex = new_hex ();
  GstHarness *enc = new_enc (hex, OPUS_CAPS);
  GstHarness *dec = new_dec (hex, CIPHER_OPUS);
  guint8 header[8];
  GstBuffer *out;
  guint i;

  for (i = 0; i < 3; i++) {
    out = encrypt (enc, opus_frame (i));
    gst_buffer_extract (out, 0, header, sizeof (header));
    fail_unless_equals_int (header[7], i);
    push_ok (dec, out);
    gst_buffer_unref (gst_harness_pull (dec));

    gst_element_set_state (enc->element, GST_STATE_READY);
    fail_unless_equals_int (gst_element_set_state (enc->element,
            GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
    gst_harness_push_event (enc, gst_event_new_stream_start ("again"));
    gst_harness_set_src_caps_str (enc, OPUS_CAPS);
  }
  gst_harness_teardown (enc);
  gst_harness_teardown (dec);
}

GST_END_TEST;

GST_START_TEST (test_bad_key_material)
{
  static const gchar *const bad[] = { "", "00", "zz",
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
        "20212223242526272829 a2b",
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
        "202122232425262728292a2b00"
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (bad); i++) {
    GstElement *enc = gst_element_factory_make ("daoe2eeenc", NULL);
    GstBus *bus = gst_bus_new ();

    gst_element_set_bus (enc, bus);
    g_object_set (enc, "key-material", bad[i], NULL);
    fail_unless_equals_int (gst_element_set_state (enc, GST_STATE_PAUSED),
        GST_STATE_CHANGE_FAILURE);
    assert_error (bus, GST_RESOURCE_ERROR_SETTINGS);
    gst_element_set_state (enc, GST_STATE_NULL);
    gst_element_set_bus (enc, NULL);
    gst_object_unref (bus);
    gst_object_unref (enc);
  }
}

GST_END_TEST;

static void
try_key_file (const gchar * path, const gchar * content, gssize length,
    gint mode, gint error_code)
{
  GstElement *dec = gst_element_factory_make ("daoe2eedec", NULL);
  GstBus *bus = gst_bus_new ();
  GstStateChangeReturn ret;

  if (content != NULL) {
    fail_unless (g_file_set_contents (path, content, length, NULL));
    fail_unless_equals_int (g_chmod (path, mode), 0);
  }
  gst_element_set_bus (dec, bus);
  g_object_set (dec, "key-location", path, NULL);
  ret = gst_element_set_state (dec, GST_STATE_PAUSED);
  if (error_code == 0) {
    fail_unless_equals_int (ret, GST_STATE_CHANGE_SUCCESS);
  } else {
    fail_unless_equals_int (ret, GST_STATE_CHANGE_FAILURE);
    assert_error (bus, error_code);
  }
  gst_element_set_state (dec, GST_STATE_NULL);
  gst_element_set_bus (dec, NULL);
  gst_object_unref (bus);
  gst_object_unref (dec);
}

GST_START_TEST (test_key_file)
{
  g_autofree gchar *dir = g_dir_make_tmp ("daoe2ee-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (dir, "key", NULL);
  g_autofree gchar *fifo = g_build_filename (dir, "fifo", NULL);
  g_autofree gchar *hex = new_hex ();
  g_autofree gchar *line = g_strconcat (hex, "\n", NULL);
  g_autofree gchar *longer = g_strnfill (5000, 'a');

  try_key_file (path, NULL, 0, 0, GST_RESOURCE_ERROR_NOT_FOUND);
  try_key_file (path, hex, -1, 0600, 0);
  try_key_file (path, line, -1, 0600, 0);
  try_key_file (path, line, -1, 0400, 0);
  try_key_file (path, hex, DAO_FRAME_MATERIAL_SIZE, 0600, 0);   /* any 44 bytes */
  /* nobody else may read or write it */
  try_key_file (path, line, -1, 0640, GST_RESOURCE_ERROR_SETTINGS);
  try_key_file (path, line, -1, 0604, GST_RESOURCE_ERROR_SETTINGS);
  try_key_file (path, line, -1, 0620, GST_RESOURCE_ERROR_SETTINGS);
  try_key_file (path, "", 0, 0600, GST_RESOURCE_ERROR_SETTINGS);
  try_key_file (path, hex, 43, 0600, GST_RESOURCE_ERROR_SETTINGS);
  try_key_file (path, hex, 87, 0600, GST_RESOURCE_ERROR_SETTINGS);
  try_key_file (path, longer, -1, 0600, GST_RESOURCE_ERROR_SETTINGS);
  try_key_file (dir, NULL, 0, 0, GST_RESOURCE_ERROR_SETTINGS);
  /* nobody writes to it: reading must not wait */
  fail_unless_equals_int (mkfifo (fifo, 0600), 0);
  try_key_file (fifo, NULL, 0, 0, GST_RESOURCE_ERROR_SETTINGS);

  g_unlink (path);
  g_unlink (fifo);
  g_rmdir (dir);
}

GST_END_TEST;

/* The handle of a call: v1 by itself, and one encryptor only. */
GST_START_TEST (test_keys_claimed_once)
{
  guint8 secret[32], header[8];
  DaoFrameSender *sender;
  DaoFrameReceiver *receiver;
  GstHarness *enc = new_enc (NULL, OPUS_CAPS), *other;
  GstHarness *dec = new_dec (NULL, CIPHER_OPUS);
  GstBuffer *out;
  GstBus *bus;
  gint format;
  guint i;

  randombytes_buf (secret, sizeof (secret));
  sender = dao_frame_sender_new_v1 (secret, DAO_ROLE_CALLER, DAO_MEDIA_AUDIO);
  receiver = dao_frame_receiver_new_v1 (secret, DAO_ROLE_CALLER,
      DAO_MEDIA_AUDIO);
  g_object_set (enc->element, "keys", sender, NULL);
  g_object_set (dec->element, "keys", receiver, NULL);
  for (i = 0; i < 3; i++) {
    out = encrypt (enc, opus_frame (i));
    gst_buffer_extract (out, 0, header, sizeof (header));
    fail_unless_equals_int (header[7], i);
    push_ok (dec, out);
    gst_buffer_unref (gst_harness_pull (dec));
    g_object_set (enc->element, "keys", sender, NULL);  /* the same once more is nothing new */
  }
  g_object_get (enc->element, "format", &format, NULL);
  fail_unless_equals_int (format, DAO_FRAME_FORMAT_V1);
  fail_unless_equals_uint64 (dao_frame_receiver_get_verified (receiver), 3);

  other = new_enc (NULL, OPUS_CAPS);
  bus = watch (other);
  g_object_set (other->element, "keys", sender, NULL);
  fail_unless_equals_int (gst_harness_push (other, opus_frame (9)),
      GST_FLOW_ERROR);
  assert_error (bus, GST_RESOURCE_ERROR_BUSY);
  fail_unless (gst_harness_try_pull (other) == NULL);
  unwatch (other, bus);

  gst_harness_teardown (other);
  gst_harness_teardown (enc);
  gst_harness_teardown (dec);
  g_object_unref (sender);
  g_object_unref (receiver);
}

GST_END_TEST;

/* No property gives a key back, and neither a dot graph nor a message has one. */
GST_START_TEST (test_keys_do_not_show)
{
  static const gchar *const names[] = { "daoe2eeenc", "daoe2eedec" };
  g_autofree gchar *hex = new_hex ();
  guint i, j;

  for (i = 0; i < G_N_ELEMENTS (names); i++) {
    GstElement *bin = gst_bin_new (NULL);
    GstElement *element = gst_element_factory_make (names[i], NULL);
    guint count;
    GParamSpec **specs = g_object_class_list_properties
        (G_OBJECT_GET_CLASS (element), &count);
    gchar *dot;

    gst_bin_add (GST_BIN (bin), element);
    g_object_set (element, "key-material", hex, NULL);
    fail_unless_equals_int (gst_element_set_state (bin, GST_STATE_PAUSED),
        GST_STATE_CHANGE_SUCCESS);
    fail_if (g_object_class_find_property (G_OBJECT_GET_CLASS (element),
            "key-material")->flags & G_PARAM_READABLE);
    fail_if (g_object_class_find_property (G_OBJECT_GET_CLASS (element),
            "keys")->flags & G_PARAM_READABLE);
    for (j = 0; j < count; j++) {
      GValue value = G_VALUE_INIT;
      gchar *text;

      if (!(specs[j]->flags & G_PARAM_READABLE))
        continue;
      g_value_init (&value, specs[j]->value_type);
      g_object_get_property (G_OBJECT (element), specs[j]->name, &value);
      text = g_strdup_value_contents (&value);
      fail_if (strstr (text, hex) != NULL);
      g_free (text);
      g_value_unset (&value);
    }
    g_free (specs);

    dot = gst_debug_bin_to_dot_data (GST_BIN (bin), GST_DEBUG_GRAPH_SHOW_ALL);
    fail_unless (strstr (dot, names[i]) != NULL);
    fail_if (strstr (dot, hex) != NULL);
    g_free (dot);
    gst_element_set_state (bin, GST_STATE_NULL);
    gst_object_unref (bin);
  }
}

GST_END_TEST;

static GString *logged;

static void
collect_log (GstDebugCategory * category, GstDebugLevel level,
    const gchar * file, const gchar * function, gint line, GObject * object,
    GstDebugMessage * message, gpointer user_data)
{
  static GMutex lock;

  g_mutex_lock (&lock);
  g_string_append (logged, gst_debug_message_get (message));
  g_mutex_unlock (&lock);
}

/* Not even at the highest debug level of our categories. */
GST_START_TEST (test_keys_are_not_logged)
{
  g_autofree gchar *hex = new_hex ();
  GstHarness *enc, *dec, *again;

  logged = g_string_new (NULL);
  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_add_log_function (collect_log, NULL, NULL);
  gst_debug_set_threshold_from_string ("*dao*:9", TRUE);

  enc = new_enc (hex, OPUS_CAPS);
  dec = new_dec (hex, CIPHER_OPUS);
  push_ok (dec, encrypt (enc, opus_frame (1)));
  gst_buffer_unref (gst_harness_pull (dec));
  again = new_enc (hex, OPUS_CAPS);
  gst_harness_push (again, opus_frame (2));
  gst_harness_teardown (enc);
  gst_harness_teardown (dec);
  gst_harness_teardown (again);

  gst_debug_set_threshold_from_string ("", TRUE);
  gst_debug_remove_log_function (collect_log);
  gst_debug_add_log_function (gst_debug_log_default, NULL, NULL);
  fail_unless (logged->len > 0);
  fail_if (strstr (logged->str, hex) != NULL);
  hex[20] = '\0';
  fail_if (strstr (logged->str, hex) != NULL);
  g_string_free (logged, TRUE);
}

GST_END_TEST;

/* --- limits --- */

static guint
rekey_messages (GstBus * bus)
{
  GstMessage *message;
  guint count = 0;

  while ((message = gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT))) {
    guint64 value;

    if (gst_message_has_name (message, "dao-rekey-needed")) {
      fail_unless (gst_structure_get_uint64 (gst_message_get_structure
              (message), "frames", &value));
      fail_unless (gst_structure_get_uint64 (gst_message_get_structure
              (message), "bytes", &value));
      count++;
    }
    gst_message_unref (message);
  }
  return count;
}

GST_START_TEST (test_limits)
{
  g_autofree gchar *hex = new_hex (), *next = new_hex ();
  GstHarness *enc = new_enc (hex, OPUS_CAPS);
  GstBus *bus = watch (enc);
  guint i;

  g_object_set (enc->element, "rekey-frames", (guint64) 10, NULL);
  for (i = 0; i < 12; i++) {
    GstBuffer *out;

    push_ok (enc, opus_frame (i));
    fail_unless_equals_int (rekey_messages (bus), i == 8);      /* 80 % */
    out = gst_harness_try_pull (enc);
    fail_unless_equals_int (out != NULL, i < 10);       /* 100 % */
    gst_clear_buffer (&out);
  }
  fail_unless_equals_uint64 (stat_of (enc, "dropped-limit"), 2);

  /* a new key is a new beginning, while playing */
  g_object_set (enc->element, "key-material", next, NULL);
  gst_buffer_unref (encrypt (enc, opus_frame (1)));
  unwatch (enc, bus);
  gst_harness_teardown (enc);
}

GST_END_TEST;

GST_START_TEST (test_limit_bytes)
{
  g_autofree gchar *hex = new_hex ();
  GstHarness *enc = new_enc (hex, OPUS_CAPS);
  GstBus *bus = watch (enc);
  guint i;

  /* ciphertext and tag of ten frames */
  g_object_set (enc->element, "rekey-bytes", (guint64) 10 * (160 + 16), NULL);
  for (i = 0; i < 12; i++) {
    GstBuffer *out;

    push_ok (enc, opus_frame (i));
    fail_unless_equals_int (rekey_messages (bus), i == 8);
    out = gst_harness_try_pull (enc);
    fail_unless_equals_int (out != NULL, i < 10);
    gst_clear_buffer (&out);
  }
  unwatch (enc, bus);
  gst_harness_teardown (enc);
}

GST_END_TEST;

GST_START_TEST (test_limit_properties)
{
  GstElement *enc = gst_element_factory_make ("daoe2eeenc", NULL);
  guint64 frames, bytes;

  g_object_get (enc, "rekey-frames", &frames, "rekey-bytes", &bytes, NULL);
  fail_unless_equals_uint64 (frames, 1 << 24);
  fail_unless_equals_uint64 (bytes, G_GUINT64_CONSTANT (1) << 34);
  fail_unless_equals_uint64 (G_PARAM_SPEC_UINT64 (g_object_class_find_property
          (G_OBJECT_GET_CLASS (enc), "rekey-frames"))->maximum, 1 << 24);
  fail_unless_equals_uint64 (G_PARAM_SPEC_UINT64 (g_object_class_find_property
          (G_OBJECT_GET_CLASS (enc), "rekey-bytes"))->maximum,
      G_GUINT64_CONSTANT (1) << 34);
  gst_object_unref (enc);
}

GST_END_TEST;

/* Keys of a call go on by themselves: no message, no drop. */
GST_START_TEST (test_limits_of_call_keys)
{
  guint8 secret[32];
  DaoFrameSender *sender;
  DaoFrameReceiver *receiver;
  GstHarness *enc = new_enc (NULL, OPUS_CAPS);
  GstHarness *dec = new_dec (NULL, CIPHER_OPUS);
  GstBus *bus = watch (enc);
  guint i;

  randombytes_buf (secret, sizeof (secret));
  sender = dao_frame_sender_new_v1 (secret, DAO_ROLE_CALLEE, DAO_MEDIA_AUDIO);
  receiver = dao_frame_receiver_new_v1 (secret, DAO_ROLE_CALLEE,
      DAO_MEDIA_AUDIO);
  g_object_set (enc->element, "keys", sender, "rekey-frames", (guint64) 10,
      NULL);
  g_object_set (dec->element, "keys", receiver, NULL);
  for (i = 0; i < 50; i++) {
    push_ok (dec, encrypt (enc, opus_frame (i)));
    gst_buffer_unref (gst_harness_pull (dec));
  }
  fail_unless_equals_int (rekey_messages (bus), 0);
  fail_unless_equals_uint64 (stat_of (dec, "frames"), 50);
  unwatch (enc, bus);
  gst_harness_teardown (enc);
  gst_harness_teardown (dec);
  g_object_unref (sender);
  g_object_unref (receiver);
}

GST_END_TEST;

static Suite *
daoe2eekeys_suite (void)
{
  Suite *suite = suite_create ("daoe2eekeys");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_no_key_no_output);
  tcase_add_test (tc, test_same_key_twice_refused);
  tcase_add_test (tc, test_same_key_again_refused);
  tcase_add_test (tc, test_counter_survives_ready);
  tcase_add_test (tc, test_bad_key_material);
  tcase_add_test (tc, test_key_file);
  tcase_add_test (tc, test_keys_claimed_once);
  tcase_add_test (tc, test_keys_do_not_show);
  tcase_add_test (tc, test_keys_are_not_logged);
  tcase_add_test (tc, test_limits);
  tcase_add_test (tc, test_limit_bytes);
  tcase_add_test (tc, test_limit_properties);
  tcase_add_test (tc, test_limits_of_call_keys);
  return suite;
}

GST_CHECK_MAIN (daoe2eekeys);
