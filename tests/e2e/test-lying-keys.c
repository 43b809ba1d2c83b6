/* gst-dao: a relay that lies about who is who
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "keyswap.h"
#include "accountwatch.h"

static void
test_honest (void)
{
  Stage *s = stage_new (2);

  stage_call (s);
  stage_hang_up (s);
  stage_call_again (s);
  stage_hang_up (s);
  stage_free (s);
}

/* --- other keys --- */

/* The first key is taken on trust: with another one she reaches nobody, and the codes tell. */
static void
test_keys_before_accept (void)
{
  Stage *s = stage_new (2);
  KeySwap *swap = swap_new (stage_name_of (s, 1));
  gchar *hers, *his;

  stage_leave (&s->alice);
  forget_contacts (s, 0);
  lie_about_friends (s, 0, swap);
  accept_shown (s, 0, 1);
  hers = safety_code (s, 0, 1);
  his = safety_code (s, 1, 0);
  g_assert_cmpstr (hers, !=, his);
  account_watch_set_rate (FAST);
  stage_enter_alice (s, "");
  call_end_play_online (s->bob);
  call_end_play (s->alice);
  stage_expect_failure (s, "no-answer");
  g_assert_false (call_end_has_state (s->bob, "ringing"));
  stage_wait_dropped (s->bob, DAO_ENVELOPE_ERROR_DECRYPT,
      lying_relay_count (s->relay, "call_", stage_name_of (s, 0)));
  g_free (hers);
  g_free (his);
  swap_free (swap);
  stage_free (s);
}

/* Bob's calls are declined, without ringing. */
static void
expect_bob_is_declined (Stage * s)
{
  stage_leave (&s->alice);
  stage_leave (&s->bob);
  s->alice = call_end_new (s->f, 0, "relay=%s auto-answer=true",
      lying_relay_url (s->relay));
  s->bob = call_end_new (s->f, 1, "relay=%s peer=%s",
      lying_relay_url (s->relay), stage_name_of (s, 0));
  call_end_play_online (s->alice);
  call_end_play (s->bob);
  call_end_wait_end (s->bob, "declined", stage_name_of (s, 0));
  g_assert_false (call_end_has_state (s->alice, "ringing"));
  call_end_assert_no_media (s->alice);
}

/* An accepted contact has other keys: no call with it, in neither direction, and no word leaves. */
static void
refuse_swapped (Stage * s, KeySwap * swap)
{
  lie_about_friends (s, 0, swap);
  call_end_play_online (s->bob);
  call_end_play (s->alice);
  stage_expect_failure (s, "contact-changed");
  g_assert_cmpuint (lying_relay_count (s->relay, "call_", NULL), ==, 0);
  expect_bob_is_declined (s);
  swap_free (swap);
  stage_free (s);
}

static void
test_keys_after_accept (void)
{
  Stage *s = stage_new (2);

  refuse_swapped (s, swap_new (stage_name_of (s, 1)));
}

static void
test_keys_of_ourselves (void)
{
  Stage *s = stage_new (2);

  refuse_swapped (s, swap_to (s, stage_name_of (s, 1), 0));
}

static void
test_keys_of_another_contact (void)
{
  Stage *s = stage_new (3);

  refuse_swapped (s, swap_to (s, stage_name_of (s, 1), 2));
}

/* The call goes on, can be hung up, and was the last one. */
static void
test_keys_in_a_call (void)
{
  Stage *s = stage_new (2);
  KeySwap *swap = swap_new (stage_name_of (s, 1));
  guint asked;

  stage_call (s);
  lie_about_friends (s, 0, swap);
  asked = lying_relay_count (s->relay, FRIENDS, stage_name_of (s, 0));
  lying_relay_inject (s->relay, stage_name_of (s, 0),
      "{\"type\":\"friend_accepted\"}");
  g_free (lying_relay_get (s->relay, FRIENDS, stage_name_of (s, 0), asked));
  stage_expect_more (s);
  stage_hang_up (s);
  call_end_play_again (s->alice);
  call_end_wait_end (s->alice, "contact-changed", stage_name_of (s, 1));
  swap_free (swap);
  stage_free (s);
}

/* A friend whom nobody here accepted, under a name of its own */
static void
refuse_new_friend (Stage * s, KeySwap * swap)
{
  lie_about_friends (s, 0, swap);
  stage_leave (&s->alice);
  s->alice = call_end_new (s->f, 0, "relay=%s peer=mallory",
      lying_relay_url (s->relay));
  call_end_play (s->alice);
  call_end_wait_end (s->alice, "unknown-contact", "mallory");
  g_assert_cmpuint (lying_relay_count (s->relay, "call_", NULL), ==, 0);
  swap_free (swap);
  stage_free (s);
}

static void
test_friend_unasked (void)
{
  refuse_new_friend (stage_new (2), swap_new ("mallory"));
}

static void
test_friend_with_our_keys (void)
{
  Stage *s = stage_new (2);

  refuse_new_friend (s, swap_to (s, "mallory", 0));
}

static void
test_friend_with_keys_of_a_contact (void)
{
  Stage *s = stage_new (2);

  refuse_new_friend (s, swap_to (s, "mallory", 1));
}

/* At the login the relay says that our alias has other keys than we. */
static void
test_own_account_has_other_keys (void)
{
  Stage *s = stage_new (2);
  KeySwap *swap = swap_new (NULL);

  stage_tell (s, (Lie) {
      LIE_EDIT, "GET /api/v1/users/", stage_name_of (s, 0), .edit =
      swap_keys, .user_data = swap});
  call_end_play (s->alice);
  call_end_wait_error (s->alice, "belongs to another identity");
  g_assert_cmpuint (lying_relay_count (s->relay, "GET /ws", NULL), ==, 0);
  swap_free (swap);
  stage_free (s);
}

/* --- other names --- */

static void
rename_user (json_t * user, gpointer alias)
{
  json_object_set_new (user, "alias_id", json_string (alias));
}

static void
lie_about_name (Stage * s, guint account, const gchar * alias)
{
  stage_tell (s, (Lie) {
      LIE_EDIT, "GET /api/v1/users/", stage_name_of (s, account), .edit =
      rename_user, .user_data = (gpointer) alias});
}

/* Bob is told that he is somebody else, and gets what was signed for him under his own name: keys and
 * signature fit, only the signed `to` does not. */
static void
test_signed_to (void)
{
  Stage *s = stage_new (2);

  account_watch_set_rate (FAST);
  lie_about_name (s, 1, "mallory");
  call_end_play_online (s->bob);
  call_end_play (s->alice);
  stage_expect_failure (s, "no-answer");
  g_assert_false (call_end_has_state (s->bob, "ringing"));
  s->bob->alias = "mallory";
  stage_wait_dropped (s->bob, DAO_ENVELOPE_ERROR_TO,
      lying_relay_count (s->relay, "call_", stage_name_of (s, 0)));
  stage_free (s);
}

/* Bob's file has an older alias of his: he learns the new one at the login, and is called by it. */
static void
test_renamed_at_login (void)
{
  Stage *s = stage_new (2);
  DaoIdentity *bob = dao_identity_load (s->f->identity[1], NULL);
  KeySwap *keys = swap_to (s, stage_name_of (s, 1), 1);
  gchar *user = g_strdup_printf ("{\"alias_id\":\"%s\","
      "\"ed25519_public_key\":\"%s\",\"x25519_public_key\":\"%s\"}",
      stage_name_of (s, 1), keys->ed25519, keys->x25519);
  GError *error = NULL;

  stage_leave (&s->bob);
  dao_identity_set_alias (bob, "older");
  dao_identity_save (bob, s->f->identity[1], TRUE, &error);
  g_assert_no_error (error);
  stage_tell (s, (Lie) {
      LIE_ANSWER, "GET /api/v1/users/older", .status = 200, .text = user});
  stage_enter_bob (s, "");
  stage_call (s);
  stage_hang_up (s);
  dao_identity_unref (bob);
  swap_free (keys);
  g_free (user);
  stage_free (s);
}

/* In the middle of a call Alice is told that she is somebody else: what is left to say cannot be said, the
 * call ends on both sides all the same. */
static void
test_renamed_in_a_call (void)
{
  Stage *s = stage_new (2);

  stage_call (s);
  lie_about_name (s, 0, "mallory");
  lying_relay_goaway (s->relay, stage_name_of (s, 0), "jwt_revoked");
  call_end_wait_online (s->alice, FALSE);
  call_end_wait_online (s->alice, TRUE);
  stage_expect_more (s);
  account_watch_set_rate (FAST);
  call_end_act (s->alice, "hangup");
  call_end_wait_end (s->alice, "local-hangup", stage_name_of (s, 1));
  call_end_wait_lost (s->bob, stage_name_of (s, 0));
  g_assert_cmpuint (lying_relay_count (s->relay, "call_hangup",
          stage_name_of (s, 0)), ==, 0);
  stage_free (s);
}

/* In a call Alice is told that she is Bob. That is not believed: it would make her file of contacts one of nobody. */
static void
test_guard_renamed_as_a_contact (void)
{
  Stage *s = stage_new (2);
  DaoIdentity *alice;

  stage_call (s);
  lie_about_name (s, 0, stage_name_of (s, 1));
  lying_relay_goaway (s->relay, stage_name_of (s, 0), "jwt_revoked");
  call_end_wait_online (s->alice, FALSE);
  call_end_wait_online (s->alice, TRUE);
  stage_expect_more (s);
  stage_hang_up (s);
  stage_leave (&s->alice);
  alice = dao_identity_load (s->f->identity[0], NULL);
  g_assert_cmpstr (dao_identity_get_alias (alice), ==, stage_name_of (s, 0));
  dao_identity_unref (alice);
  stage_free (s);
}

/* --- what it would like to have signed --- */

static void
test_signing_oracle (gconstpointer challenge)
{
  Stage *s = stage_new (2);
  json_t *body = json_pack ("{s:s}", "challenge", challenge);
  gchar *text = json_dumps (body, 0);

  stage_tell (s, (Lie) {
      LIE_ANSWER, "POST /api/v1/auth/challenge", .status = 200, .text =
      text});
  call_end_play (s->alice);
  call_end_wait_error (s->alice, "No call is possible");
  stage_observe ();
  g_assert_cmpuint (lying_relay_count (s->relay, "POST /api/v1/auth/verify",
          NULL), ==, 0);
  free (text);
  json_decref (body);
  stage_free (s);
}

#define ADD(name, func) g_test_add_func ("/lying-relay/" name, func)

int
main (int argc, char **argv)
{
  call_test_init (&argc, &argv);
  ADD ("honest", test_honest);
  ADD ("keys/before-accept", test_keys_before_accept);
  ADD ("keys/after-accept", test_keys_after_accept);
  ADD ("keys/in-a-call", test_keys_in_a_call);
  ADD ("keys/our-own", test_keys_of_ourselves);
  ADD ("keys/of-another-contact", test_keys_of_another_contact);
  ADD ("keys/our-account-has-others", test_own_account_has_other_keys);
  ADD ("friend/unasked", test_friend_unasked);
  ADD ("friend/with-our-keys", test_friend_with_our_keys);
  ADD ("friend/with-keys-of-a-contact", test_friend_with_keys_of_a_contact);
  ADD ("renamed/signed-to", test_signed_to);
  ADD ("renamed/at-login", test_renamed_at_login);
  ADD ("renamed/in-a-call", test_renamed_in_a_call);
  ADD ("renamed/guard-as-a-contact", test_guard_renamed_as_a_contact);
  g_test_add_data_func ("/lying-relay/oracle/hangup",
      "{\"_nonce\":\"00112233445566778899aabbccddeeff\",\"_ts\":1,"
      "\"call_id\":\"x\",\"from\":\"alice\",\"to\":\"bob\","
      "\"type\":\"call_hangup\"}", test_signing_oracle);
  return g_test_run ();
}
