/* gst-dao: a relay that repeats, relabels and loses frames
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "lyingstage.h"
#include "accountwatch.h"

#include <string.h>

/* --- replays --- */

/* Every frame of a call comes twice. */
static void
test_replay_at_once (void)
{
  Stage *s = stage_new (2);

  stage_tell (s, (Lie) {LIE_REPEAT, "call_"});
  stage_call (s);
  stage_hang_up (s);
  stage_wait_dropped (s->bob, DAO_ENVELOPE_ERROR_REPLAY,
      lying_relay_count (s->relay, "call_", stage_name_of (s, 0)));
  stage_wait_dropped (s->alice, DAO_ENVELOPE_ERROR_REPLAY,
      lying_relay_count (s->relay, "call_", stage_name_of (s, 1)));
  stage_free (s);
}

/* What @from said in the calls so far, once more; returns how much that was. */
static guint
replay_all (Stage * s, guint from, guint to, guint n)
{
  guint i;

  for (i = 0; i < n; i++) {
    gchar *text = lying_relay_get (s->relay, "call_", stage_name_of (s, from), i);

    lying_relay_inject (s->relay, stage_name_of (s, to), text);
    g_free (text);
  }
  return n;
}

/* The whole last call, in the middle of the next one */
static void
test_replay_a_call_later (void)
{
  Stage *s = stage_new (2);
  guint hers, his;

  stage_call (s);
  stage_hang_up (s);
  hers = lying_relay_count (s->relay, "call_", stage_name_of (s, 0));
  his = lying_relay_count (s->relay, "call_", stage_name_of (s, 1));
  stage_call_again (s);
  replay_all (s, 0, 1, hers);
  replay_all (s, 1, 0, his);
  stage_wait_dropped (s->bob, DAO_ENVELOPE_ERROR_REPLAY, hers);
  stage_wait_dropped (s->alice, DAO_ENVELOPE_ERROR_REPLAY, his);
  stage_expect_more (s);
  stage_hang_up (s);
  stage_free (s);
}

/* Bob's program is started anew: the memory of nonces is gone, that of calls is not. */
static void
test_replay_after_restart (void)
{
  Stage *s = stage_new (2);
  guint hers, webrtcbins;

  stage_call (s);
  stage_hang_up (s);
  hers = lying_relay_count (s->relay, "call_", stage_name_of (s, 0));
  stage_leave (&s->bob);
  stage_enter_bob (s, "");
  call_end_play_online (s->bob);
  replay_all (s, 0, 1, hers);
  while (account_watch_unrouted (s->bob->alias) < hers)
    g_usleep (5000);
  stage_observe ();
  g_assert_false (call_end_has_state (s->bob, "ringing"));
  webrtcbins = g_atomic_int_get (&s->bob->webrtcbins);
  g_assert_cmpuint (webrtcbins, ==, 0);
  /* and the next call is one */
  call_end_play_again (s->alice);
  stage_expect_talk (s);
  stage_hang_up (s);
  stage_free (s);
}

/* --- other labels --- */

typedef struct
{
  const gchar *path, *what;
  guint from;                   /* who says it */
  const gchar *members;         /* {0}, {1}, {2}: the aliases */
  guint to;                     /* who hears it */
  DaoEnvelopeError why;
  gboolean goes_on;
} Relabel;

static const Relabel relabels[] = {
  {"/lying-relay/relabel/answer-to-hangup", "call_answer", 1,
      "{\"type\":\"call_hangup\"}", 0, DAO_ENVELOPE_ERROR_TYPE_MISMATCH, FALSE},
  {"/lying-relay/relabel/answer-to-reject", "call_answer", 1,
      "{\"type\":\"call_reject\"}", 0, DAO_ENVELOPE_ERROR_TYPE_MISMATCH, FALSE},
  {"/lying-relay/relabel/candidate-to-reject", "call_ice", 1,
      "{\"type\":\"call_reject\"}", 0, DAO_ENVELOPE_ERROR_TYPE_MISMATCH, TRUE},
  {"/lying-relay/relabel/candidate-to-hangup", "call_ice", 0,
      "{\"type\":\"call_hangup\"}", 1, DAO_ENVELOPE_ERROR_TYPE_MISMATCH, TRUE},
  {"/lying-relay/relabel/offer-of-another-call", "call_offer", 0,
      "{\"call_id\":\"11111111-2222-4333-8444-555555555555\"}", 1,
      DAO_ENVELOPE_ERROR_CALL_ID, FALSE},
  {"/lying-relay/relabel/answer-of-another-call", "call_answer", 1,
      "{\"call_id\":\"11111111-2222-4333-8444-555555555555\"}", 0,
      DAO_ENVELOPE_ERROR_CALL_ID, FALSE},
  {"/lying-relay/relabel/from-a-third", "call_offer", 0,
      "{\"from\":\"{2}\"}", 1, DAO_ENVELOPE_ERROR_DECRYPT, FALSE},
  {"/lying-relay/relabel/to-a-third", "call_offer", 0,
      "{\"to\":\"{2}\"}", 2, DAO_ENVELOPE_ERROR_DECRYPT, FALSE},
  {"/lying-relay/relabel/back-to-its-sender", "call_offer", 0,
      "{\"to\":\"{0}\",\"from\":\"{1}\"}", 0,
      DAO_ENVELOPE_ERROR_SIGNATURE, FALSE},
};

static gchar *
fill_in (Stage * s, const gchar * members)
{
  GString *text = g_string_new (members);
  guint i;

  for (i = 0; i < s->f->n_accounts; i++) {
    gchar *place = g_strdup_printf ("{%u}", i);

    g_string_replace (text, place, stage_name_of (s, i), 0);
    g_free (place);
  }
  return g_string_free (text, FALSE);
}

static void
test_relabel (gconstpointer data)
{
  const Relabel *r = data;
  Stage *s = stage_new (3);
  gchar *members = fill_in (s, r->members);
  CallEnd *carol = call_end_new (s->f, 2, "relay=%s auto-answer=true",
      lying_relay_url (s->relay));
  CallEnd *ends[] = { s->alice, s->bob, carol };

  stage_tell (s, (Lie) {
      LIE_RELABEL, r->what, stage_name_of (s, r->from), .times = 1, .text =
      members});
  call_end_play_online (carol);
  call_end_play_online (s->bob);
  if (!r->goes_on)
    account_watch_set_rate (FAST);
  call_end_play (s->alice);
  if (r->goes_on) {
    stage_expect_talk (s);
    stage_hang_up (s);
  } else {
    stage_expect_failure (s, "no-answer");
  }
  stage_wait_dropped (ends[r->to], r->why, 1);
  g_assert_false (call_end_has_state (carol, "ringing"));
  call_end_assert_no_media (carol);
  call_end_free (carol);
  g_free (members);
  stage_free (s);
}

/* --- what gets lost --- */

static void
test_drop_offer (void)
{
  Stage *s = stage_new (2);

  account_watch_set_rate (FAST);
  stage_tell (s, (Lie) {LIE_DROP, "call_offer", .times = 1});
  call_end_play_online (s->bob);
  call_end_play (s->alice);
  stage_expect_failure (s, "no-answer");
  g_assert_false (call_end_has_state (s->bob, "ringing"));
  /* and the next call is one */
  account_watch_set_rate (1);
  call_end_play_again (s->alice);
  stage_expect_talk (s);
  stage_hang_up (s);
  stage_free (s);
}

static void
test_drop_answer (void)
{
  Stage *s = stage_new (2);

  account_watch_set_rate (FAST);
  stage_tell (s, (Lie) {LIE_DROP, "call_answer", .times = 1});
  call_end_play_online (s->bob);
  call_end_play (s->alice);
  stage_expect_failure (s, "no-answer");
  call_end_wait_end (s->bob, "remote-hangup", stage_name_of (s, 0));
  stage_free (s);
}

/* The first candidate of either side; the others do. */
static void
test_drop_a_candidate (void)
{
  Stage *s = stage_new (2);

  stage_tell (s, (Lie) {LIE_DROP, "call_ice", stage_name_of (s, 0), .times = 1});
  stage_tell (s, (Lie) {LIE_DROP, "call_ice", stage_name_of (s, 1), .times = 1});
  stage_call (s);
  stage_hang_up (s);
  stage_free (s);
}

static void
test_drop_all_candidates (void)
{
  Stage *s = stage_new (2);

  account_watch_set_rate (FAST);
  stage_tell (s, (Lie) {LIE_DROP, "call_ice"});
  stage_tell (s, (Lie) {LIE_DROP, "call_hangup"});    /* each by its own clock */
  call_end_play_online (s->bob);
  call_end_play (s->alice);
  stage_expect_failure (s, "connect-timeout");
  call_end_wait_end (s->bob, "connect-timeout", stage_name_of (s, 0));
  stage_free (s);
}

/* Bob misses the media instead. */
static void
test_drop_hangup (void)
{
  Stage *s = stage_new (2);

  stage_tell (s, (Lie) {LIE_DROP, "call_hangup"});
  stage_call (s);
  account_watch_set_rate (FAST);
  call_end_act (s->alice, "hangup");
  call_end_wait_end (s->alice, "local-hangup", stage_name_of (s, 1));
  call_end_wait_lost (s->bob, stage_name_of (s, 0));
  stage_free (s);
}

static void
test_drop_reject (void)
{
  Stage *s = stage_new (2);

  account_watch_set_rate (FAST);
  stage_leave (&s->bob);
  s->bob = call_end_new (s->f, 1, "relay=%s", lying_relay_url (s->relay));
  stage_tell (s, (Lie) {LIE_DROP, "call_reject"});
  call_end_play_online (s->bob);
  call_end_play (s->alice);
  call_end_wait_state (s->bob, "ringing");
  call_end_act (s->bob, "reject");
  call_end_wait_end (s->bob, "local-reject", stage_name_of (s, 0));
  stage_expect_failure (s, "no-answer");
  stage_free (s);
}

/* A wish for video: the call stays what it was. */
static void
test_drop_renegotiate (void)
{
  Stage *s = stage_new (2);

  stage_tell (s, (Lie) {LIE_DROP, "call_renegotiate"});
  stage_call (s);
  call_end_act (s->bob, "add-video");
  g_free (lying_relay_get (s->relay, "call_renegotiate", stage_name_of (s, 1), 0));
  stage_expect_more (s);
  g_assert_cmpuint (lying_relay_count (s->relay, "call_offer", NULL), ==, 1);
  stage_hang_up (s);
  stage_free (s);
}

/* Both call at the same time: the offers cross, and it is one call, of the lower alias (field.md, S10). The other end
 * rings; only Bob answers by himself. */
static void
test_glare (void)
{
  Stage *s = stage_new (2);
  gchar *hers, *his;
  gboolean placed;

  stage_tell (s, (Lie) {LIE_HOLD, "call_offer"});
  call_end_play_online (s->bob);
  g_signal_emit_by_name (s->bob->call, "call", stage_name_of (s, 0), TRUE,
      FALSE, &placed);
  g_assert_true (placed);
  call_end_play (s->alice);
  g_free (lying_relay_get (s->relay, "call_offer", stage_name_of (s, 0), 0));
  g_free (lying_relay_get (s->relay, "call_offer", stage_name_of (s, 1), 0));
  lying_relay_be_honest (s->relay);
  lying_relay_release (s->relay, FALSE);
  if (strcmp (stage_name_of (s, 0), stage_name_of (s, 1)) > 0) {
    gst_structure_free (call_end_wait (s->alice, "dao-call-state", "reason", "glare"));
    call_end_act (s->alice, "answer");
  }
  stage_expect_talk (s);
  g_object_get (s->alice->call, "call-id", &hers, NULL);
  g_object_get (s->bob->call, "call-id", &his, NULL);
  g_assert_cmpstr (hers, ==, his);
  g_free (hers);
  g_free (his);
  stage_hang_up (s);
  stage_free (s);
}

#define CAMERA "videotestsrc is-live=true ! vp8enc deadline=1 ! c.video_sink "

static GstPadProbeReturn
count_frame (GstPad * pad, GstPadProbeInfo * info, gpointer frames)
{
  g_atomic_int_inc ((gint *) frames);
  return GST_PAD_PROBE_OK;
}

/* Bob wanted to show himself and nothing came of it. Later Alice adds her video: that must not switch on his camera. */
static void
test_guard_late_video_is_no_consent (void)
{
  Stage *s = stage_new (2);
  gint his = 0;
  GstPad *pad;

  stage_leave (&s->bob);
  stage_enter_bob (s, CAMERA);
  stage_call (s);
  pad = gst_element_get_static_pad (s->alice->call, "video_src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, count_frame, &his, NULL);
  gst_object_unref (pad);

  stage_tell (s, (Lie) {LIE_DROP, "call_renegotiate"});
  account_watch_set_rate (FAST);
  call_end_act (s->bob, "add-video");
  call_end_wait_warning (s->bob, "did not take the video");
  account_watch_set_rate (1);
  lying_relay_be_honest (s->relay);
  call_end_act (s->alice, "add-video");
  gst_structure_free (call_end_wait (s->bob, "dao-call-state", "is-video", "true"));
  call_end_wait_more (&s->bob->frames, 50);
  g_assert_cmpint (g_atomic_int_get (&his), ==, 0);
  call_end_act (s->bob, "add-video");
  call_end_wait_more (&his, 1);
  stage_hang_up (s);
  stage_free (s);
}

#define ADD(name, func) g_test_add_func ("/lying-relay/" name, func)

int
main (int argc, char **argv)
{
  guint i;

  call_test_init (&argc, &argv);
  ADD ("replay/at-once", test_replay_at_once);
  ADD ("replay/a-call-later", test_replay_a_call_later);
  ADD ("replay/after-restart", test_replay_after_restart);
  for (i = 0; i < G_N_ELEMENTS (relabels); i++)
    g_test_add_data_func (relabels[i].path, &relabels[i], test_relabel);
  ADD ("hold/S10-glare", test_glare);
  ADD ("drop/offer", test_drop_offer);
  ADD ("drop/answer", test_drop_answer);
  ADD ("drop/a-candidate", test_drop_a_candidate);
  ADD ("drop/all-candidates", test_drop_all_candidates);
  ADD ("drop/hangup", test_drop_hangup);
  ADD ("drop/reject", test_drop_reject);
  ADD ("drop/renegotiate", test_drop_renegotiate);
  ADD ("drop/guard-late-video-is-no-consent", test_guard_late_video_is_no_consent);
  return g_test_run ();
}
