/* gst-dao: the relay is away in the middle of a call, and comes back
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Media does not need the relay: whatever becomes of signaling, it goes on without a gap. What is to be
 * said waits while it means something, and nothing is said twice. (protocol.md d)
 */
#include "lyingstage.h"
#include "accountwatch.h"
#include "dao-relay-private.h"

#include <jansson.h>
#include <string.h>

#define TICKET "POST /api/v1/ws/ticket"
#define LOGIN "POST /api/v1/auth/verify"

/* A second of the protocol in 50 ms */
static const DaoRelayTiming quick = {
  .backoff_unit_ms = 50,.goaway_ms = 25,.replaced_cooldown_ms = 1500,
  .revoked_window_ms = 30000,.ping_ms = 1000,.request_ms = 1500
};

/* A frame of sound comes every 20 ms, later when the machine is busy. What waits for the relay waits for a second and more. */
#define MAX_GAP_MS 300

static Stage *
talking_stage (void)
{
  Stage *s;

  account_watch_set_timing (&quick);
  s = stage_new (2);
  stage_call (s);
  return s;
}

static void
free_stage (Stage * s)
{
  stage_free (s);
  account_watch_set_timing (NULL);
}

/* Of each frame there is one. */
static void
assert_nothing_twice (Stage * s)
{
  GHashTable *seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      NULL);
  guint account, i;

  for (account = 0; account < 2; account++) {
    const gchar *name = stage_name_of (s, account);
    guint n = lying_relay_count (s->relay, "call_", name);

    for (i = 0; i < n; i++) {
      gchar *text = lying_relay_get (s->relay, "call_", name, i);
      json_t *frame = json_loads (text, 0, NULL);
      const gchar *payload =
          json_string_value (json_object_get (frame, "payload"));

      g_assert_nonnull (payload);
      g_assert_true (g_hash_table_add (seen, g_strdup (payload)));
      json_decref (frame);
      g_free (text);
    }
  }
  g_hash_table_unref (seen);
}

/* Sound came all the time, at both ends, and still comes. */
static void
assert_no_gap (Stage * s)
{
  CallEnd *ends[] = { s->alice, s->bob };
  guint i;

  stage_expect_more (s);
  for (i = 0; i < 2; i++)
    g_assert_cmpint (g_atomic_int_get (&ends[i]->widest_ms), <=, MAX_GAP_MS);
}

static void
wait_back (Stage * s)
{
  call_end_wait_online (s->alice, FALSE);
  call_end_wait_online (s->alice, TRUE);
}

/* The call went on, can be ended by a word, and none was said twice. */
static void
finish (Stage * s)
{
  assert_no_gap (s);
  stage_hang_up (s);
  assert_nothing_twice (s);
  free_stage (s);
}

/* --- away and back --- */

static void
test_connection_cut (void)
{
  Stage *s = talking_stage ();

  lying_relay_cut (s->relay, stage_name_of (s, 0));
  wait_back (s);
  finish (s);
}

/* Nothing is refused, nothing is answered: as when a cable is pulled. A minute of the protocol is 3 s here. */
static void
test_network_gone (void)
{
  Stage *s = talking_stage ();

  lying_relay_freeze (s->relay);
  call_end_wait_online (s->alice, FALSE);
  call_end_wait_online (s->bob, FALSE);
  g_usleep (3 * G_USEC_PER_SEC);
  lying_relay_thaw (s->relay);
  call_end_wait_online (s->alice, TRUE);
  call_end_wait_online (s->bob, TRUE);
  finish (s);
}

/* 2, 4, 8, 16 and, for that is the limit, 30 times the unit, each times 0.7 to 1 */
static void
test_back_off (void)
{
  Stage *s = talking_stage ();
  const gchar *alice = stage_name_of (s, 0);
  guint first = lying_relay_count (s->relay, TICKET, alice), i;

  stage_tell (s, (Lie) {LIE_ANSWER, TICKET, alice, .times = 5, .status = 503});
  lying_relay_cut (s->relay, alice);
  wait_back (s);
  for (i = 1; i <= 5; i++) {
    gint64 wait_us = lying_relay_time (s->relay, TICKET, alice, first + i)
        - lying_relay_time (s->relay, TICKET, alice, first + i - 1);
    gint64 unit_us = quick.backoff_unit_ms * 1000LL * MIN (1 << i, 30);

    g_test_message ("%u: %" G_GINT64_FORMAT " us", i, wait_us);
    g_assert_cmpint (wait_us, >=, unit_us * 7 / 10);
    /* and what a request takes on a loaded machine */
    g_assert_cmpint (wait_us, <, unit_us + 500 * 1000);
  }
  finish (s);
}

/* Each answer and each frame is late. */
static void
test_slow_relay (void)
{
  DaoRelayTiming patient = quick;
  Stage *s;

  patient.request_ms = 10000;
  account_watch_set_timing (&patient);
  s = stage_new (2);
  stage_tell (s, (Lie) {LIE_DELAY, "GET /api", .ms = 400});
  stage_tell (s, (Lie) {LIE_DELAY, "POST ", .ms = 400});
  stage_tell (s, (Lie) {LIE_DELAY, "call_", .ms = 400});
  stage_call (s);
  finish (s);
}

/* --- tickets and tokens --- */

/* The handshake is refused: the next one has a ticket of its own. */
static void
test_ticket_expired (void)
{
  Stage *s = talking_stage ();
  const gchar *alice = stage_name_of (s, 0);
  guint tickets = lying_relay_count (s->relay, TICKET, alice);
  guint logins = lying_relay_count (s->relay, LOGIN, alice);

  stage_tell (s, (Lie) {
      LIE_ANSWER, "GET /ws", alice, .times = 2, .status = 401});
  lying_relay_cut (s->relay, alice);
  wait_back (s);
  g_assert_cmpuint (lying_relay_count (s->relay, TICKET, alice), ==,
      tickets + 3);
  g_assert_cmpuint (lying_relay_count (s->relay, LOGIN, alice), ==, logins);
  finish (s);
}

/* The token is no good any more: one login, and on. */
static void
test_token_revoked (void)
{
  Stage *s = talking_stage ();
  const gchar *alice = stage_name_of (s, 0);
  guint logins = lying_relay_count (s->relay, LOGIN, alice);

  stage_tell (s, (Lie) {LIE_ANSWER, TICKET, alice, .times = 1, .status = 401});
  lying_relay_cut (s->relay, alice);
  wait_back (s);
  g_assert_cmpuint (lying_relay_count (s->relay, LOGIN, alice), ==,
      logins + 1);
  finish (s);
}

/* Every login is refused: after three it is enough. The call goes on and is ended here; the other side misses the media. */
static void
test_login_refused (void)
{
  Stage *s = talking_stage ();
  const gchar *alice = stage_name_of (s, 0);
  guint logins = lying_relay_count (s->relay, LOGIN, alice);

  stage_tell (s, (Lie) {LIE_ANSWER, TICKET, alice, .status = 401});
  stage_tell (s, (Lie) {LIE_ANSWER, LOGIN, alice, .status = 401});
  lying_relay_cut (s->relay, alice);
  call_end_wait_warning (s->alice, "401");
  assert_no_gap (s);
  g_assert_cmpuint (lying_relay_count (s->relay, LOGIN, alice), <=,
      logins + DAO_RELAY_MAX_LOGINS);
  account_watch_set_rate (FAST);
  call_end_act (s->alice, "hangup");
  call_end_wait_end (s->alice, "local-hangup", stage_name_of (s, 1));
  call_end_wait_lost (s->bob, alice);
  assert_nothing_twice (s);
  free_stage (s);
}

/* --- goaway --- */

static void
test_goaway_and_back (gconstpointer reason)
{
  Stage *s = talking_stage ();
  const gchar *alice = stage_name_of (s, 0);
  guint logins = lying_relay_count (s->relay, LOGIN, alice);
  gboolean revoked = g_str_equal (reason, "jwt_revoked");

  lying_relay_goaway (s->relay, alice, reason);
  wait_back (s);
  g_assert_cmpuint (lying_relay_count (s->relay, LOGIN, alice), ==,
      logins + (revoked ? 1 : 0));
  finish (s);
}

/* Somebody else is there: @n times the same reason, and the last is final. Media goes on all the same. */
static void
goaway_for_good (const gchar * reason, guint n, const gchar * text)
{
  Stage *s = talking_stage ();
  const gchar *alice = stage_name_of (s, 0);
  guint tickets, i;

  for (i = 1; i < n; i++) {
    lying_relay_goaway (s->relay, alice, reason);
    wait_back (s);
  }
  tickets = lying_relay_count (s->relay, TICKET, alice);
  lying_relay_goaway (s->relay, alice, reason);
  call_end_wait_warning (s->alice, text);
  assert_no_gap (s);
  stage_observe ();
  g_assert_cmpuint (lying_relay_count (s->relay, TICKET, alice), ==, tickets);
  g_assert_false (lying_relay_is_connected (s->relay, alice));
  assert_nothing_twice (s);
  free_stage (s);
}

static void
test_replaced_twice (void)
{
  goaway_for_good ("new_device_login", 2, "Another device logged in");
}

/* protocol.md c: at most three times */
static void
test_revoked_four_times (void)
{
  goaway_for_good ("jwt_revoked", 4, "revoked the login");
}

static void
test_goaway_unknown (void)
{
  goaway_for_good ("tea_break", 1, "tea_break");
}

/* --- what is said while it is away --- */

/* Alice hangs up while nothing can be said: Bob hears it once the relay is back. */
static void
test_hangup_waits (void)
{
  Stage *s = talking_stage ();

  lying_relay_freeze (s->relay);
  call_end_wait_online (s->alice, FALSE);
  call_end_act (s->alice, "hangup");
  call_end_wait_end (s->alice, "local-hangup", stage_name_of (s, 1));
  lying_relay_thaw (s->relay);
  call_end_wait_end (s->bob, "remote-hangup", stage_name_of (s, 0));
  g_assert_cmpuint (lying_relay_count (s->relay, "call_hangup",
          stage_name_of (s, 0)), ==, 1);
  assert_nothing_twice (s);
  free_stage (s);
}

/* After a minute it means nothing any more: it would be dropped as old, and is not sent. */
static void
test_stale_hangup_is_not_sent (void)
{
  Stage *s = talking_stage ();

  lying_relay_freeze (s->relay);
  call_end_wait_online (s->alice, FALSE);
  account_watch_set_rate (FAST);
  call_end_act (s->alice, "hangup");
  call_end_wait_end (s->alice, "local-hangup", stage_name_of (s, 1));
  call_end_wait_lost (s->bob, stage_name_of (s, 0));
  g_usleep ((60 / FAST + 1) * G_USEC_PER_SEC);
  lying_relay_thaw (s->relay);
  call_end_wait_online (s->alice, TRUE);
  stage_observe ();
  g_assert_cmpuint (lying_relay_count (s->relay, "call_hangup", NULL), ==, 0);
  free_stage (s);
}

/* A wish for video waits, too: the offer goes out afterwards, once. */
static void
test_offer_waits (void)
{
  Stage *s = talking_stage ();
  const gchar *alice = stage_name_of (s, 0);

  lying_relay_freeze (s->relay);
  call_end_wait_online (s->alice, FALSE);
  call_end_act (s->alice, "add-video");
  stage_observe ();
  g_assert_cmpuint (lying_relay_count (s->relay, "call_offer", alice), ==, 1);
  lying_relay_thaw (s->relay);
  g_free (lying_relay_get (s->relay, "call_answer", stage_name_of (s, 1), 1));
  g_assert_cmpuint (lying_relay_count (s->relay, "call_offer", alice), ==, 2);
  finish (s);
}

/* A call that is placed while the relay is away begins when it is there. */
static void
test_call_waits (void)
{
  Stage *s;

  account_watch_set_timing (&quick);
  s = stage_new (2);
  call_end_play_online (s->bob);
  stage_tell (s, (Lie) {
      LIE_ANSWER, TICKET, stage_name_of (s, 0), .times = 4, .status = 503});
  call_end_play (s->alice);
  stage_expect_talk (s);
  finish (s);
}

#define ADD(name, func) g_test_add_func ("/relay-away/" name, func)

int
main (int argc, char **argv)
{
  static const gchar *const passing[] = { "server_shutdown", "network_reset",
    "new_device_login", "jwt_revoked"
  };
  guint i;

  call_test_init (&argc, &argv);
  ADD ("connection-cut", test_connection_cut);
  ADD ("network-gone", test_network_gone);
  ADD ("back-off", test_back_off);
  ADD ("slow", test_slow_relay);
  ADD ("ticket-expired", test_ticket_expired);
  ADD ("token-revoked", test_token_revoked);
  ADD ("login-refused", test_login_refused);
  for (i = 0; i < G_N_ELEMENTS (passing); i++) {
    gchar *path = g_strconcat ("/relay-away/goaway/", passing[i], NULL);

    g_test_add_data_func (path, passing[i], test_goaway_and_back);
    g_free (path);
  }
  ADD ("goaway/new_device_login-twice", test_replaced_twice);
  ADD ("goaway/jwt_revoked-four-times", test_revoked_four_times);
  ADD ("goaway/unknown", test_goaway_unknown);
  ADD ("hangup-waits", test_hangup_waits);
  ADD ("stale-hangup-is-not-sent", test_stale_hangup_is_not_sent);
  ADD ("offer-waits", test_offer_waits);
  ADD ("call-waits", test_call_waits);
  return g_test_run ();
}
