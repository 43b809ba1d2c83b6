/* gst-dao: tests of the proof of work (protocol.md c, "PoW")
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-relay-client.h"

static void
test_smallest_nonce (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *nonce = dao_pow_solve ("challenge-xyz", 2, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (nonce, ==, "103");
  g_assert_true (dao_pow_check ("challenge-xyz", 2, nonce));
}

static void
test_odd_number_of_digits (void)
{
  g_autofree gchar *nonce = dao_pow_solve ("5f2e9c0a7b", 3, NULL, NULL);

  g_assert_cmpstr (nonce, ==, "9247");
  g_assert_true (dao_pow_check ("5f2e9c0a7b", 1, nonce));
  g_assert_false (dao_pow_check ("5f2e9c0a7b", 4, nonce));
}

static void
test_zero_means_four (void)
{
  g_assert_true (dao_pow_check ("zero-difficulty-means-4", 0, "146935"));
  g_assert_true (dao_pow_check ("zero-difficulty-means-4", 4, "146935"));
  g_assert_false (dao_pow_check ("zero-difficulty-means-4", 0, "0"));
}

static void
test_check_wants_plain_decimals (void)
{
  static const gchar *bad[] = { "", "0103", "+103", " 103", "103 ", "0x67",
    "-103", "103a", "99999999", "1e2"
  };
  guint i;

  g_assert_true (dao_pow_check ("challenge-xyz", 2, "103"));
  g_assert_false (dao_pow_check ("challenge-xyz", 2, "104"));
  g_assert_false (dao_pow_check ("challenge-xyz", 2, NULL));
  for (i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (dao_pow_check ("challenge-xyz", 2, bad[i]));
}

static void
test_impossible_difficulty (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (dao_pow_solve ("x", 65, NULL, &error));
  g_assert_error (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_POW);
  g_assert_false (dao_pow_check ("x", 65, "1"));
}

/* The whole range is searched, and then it is over. */
static void
test_gives_up_at_the_limit (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (dao_pow_solve ("no-such-nonce", 20, NULL, &error));
  g_assert_error (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_POW);
}

static void
test_cancelled (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_null (dao_pow_solve ("x", 20, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pow/smallest-nonce", test_smallest_nonce);
  g_test_add_func ("/pow/odd-number-of-digits", test_odd_number_of_digits);
  g_test_add_func ("/pow/zero-means-four", test_zero_means_four);
  g_test_add_func ("/pow/check-wants-plain-decimals",
      test_check_wants_plain_decimals);
  g_test_add_func ("/pow/impossible-difficulty", test_impossible_difficulty);
  g_test_add_func ("/pow/gives-up-at-the-limit", test_gives_up_at_the_limit);
  g_test_add_func ("/pow/cancelled", test_cancelled);
  return g_test_run ();
}
