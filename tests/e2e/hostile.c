/* gst-dao: thousands of random sequences of a peer with valid keys that does everything wrong
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 *   hostile [SEQUENCES [FIRST-SEED]]
 *
 * SEQUENCES is also taken from DAO_HOSTILE_SEQUENCES. A sequence follows from its seed; the last one named is the
 * one that failed, and `hostile 1 SEED` runs it alone and tells each step. One element lives through all of
 * them, as caller and as callee. It must not crash, hang, leak, or send or play anything that nobody agreed to, and it
 * must still be able to have a real call.
 */
#include "accountclock.h"
#include "daosdp-text.h"
#include "hostilesteps.h"
#include "knowncriticals.h"
#include "usage.h"

#include <stdlib.h>
#include <string.h>

/* One in so many sequences begins with a real connection. */
#define REAL_ONE_IN 12
#define MAX_STEPS 20
/* No sequence takes that long: it hangs. */
#define HANG_S 60
/* Signals are remembered for 5 minutes; nothing of a sequence is left in the next one. */
#define BETWEEN_MS (10 * 60 * 1000)
#define SETTLED_SEQUENCES 200
#define MAX_BYTES_A_SEQUENCE (20 * 1024)
/* In fewer than this what settles late counts, too. */
#define MIN_MEASURED 500
#define MAX_BYTES_A_SEQUENCE_SHORT (64 * 1024)

/* The order is that of the claims in docs/security.md. */
static void
check (Hostile * h)
{
  Victim *v = h->v;

  if (!h->agreed) {
    g_assert_cmpint (g_atomic_int_get (&v->webrtcbins), ==, 0);
    g_assert_cmpint (g_atomic_int_get (&v->ciphers), ==, 0);
    g_assert_cmpint (g_atomic_int_get (&v->sent[0]), ==, 0);
    victim_assert_no_media (v);
  }
  if (!h->agreed_video)
    g_assert_cmpint (g_atomic_int_get (&v->sent[1]), ==, 0);
  if (h->required) {
    /* nobody here has the keys of a call */
    g_assert_cmpint (g_atomic_int_get (&v->clear_tracks), ==, 0);
    g_assert_cmpint (g_atomic_int_get (&v->frames[0]), ==, 0);
    g_assert_cmpint (g_atomic_int_get (&v->frames[1]), ==, 0);
  }
}

/* --- a sequence --- */

static void
begin (Hostile * h)
{
  static const gchar *const e2ee[] = { "auto", "required", "off" };
  guint policy = hostile_pick (h, 3), i;
  gboolean automatic = hostile_pick (h, 4) == 0, others = hostile_pick (h, 3) == 0;

  account_clock_stop (account_clock_now () + BETWEEN_MS);
  h->caller = hostile_pick (h, 3) == 0;
  h->required = policy == 1;
  h->auto_answer[0] = automatic && !others;
  h->auto_answer[1] = automatic;
  h->agreed = h->agreed_video = h->caller;
  h->rings_video = FALSE;
  g_clear_pointer (&h->state, g_free);
  g_clear_pointer (&h->reason, g_free);
  h->sent = g_ptr_array_new_with_free_func (g_free);
  h->descriptions = g_ptr_array_new_with_free_func (g_free);
  h->ids = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (h->descriptions, g_strdup (chromium_offer));
  g_ptr_array_add (h->descriptions, g_strndup (chromium_offer,
          strstr (chromium_offer, "m=video") - chromium_offer));
  g_ptr_array_add (h->descriptions, g_strdup (firefox_answer));
  for (i = 0; i < 2; i++) {
    h->now = h->peers[i];
    h->now->skew_ms = 0;
    hostile_step_new_call (h);
    hostile_step_encryption (h);
  }
  g_object_set (h->v->call, "peer", h->caller ? h->fixture->alias[1] : NULL,
      "auto-answer", automatic, "allow", others ? h->fixture->alias[2] : NULL,
      "mute-audio", FALSE, "mute-video", FALSE, NULL);
  gst_util_set_object_arg (G_OBJECT (h->v->call), "e2ee", e2ee[policy]);
  if (h->verbose)
    g_print ("# %s, e2ee=%s, auto-answer=%d of %s\n", h->caller ? "caller" :
        "callee", e2ee[policy], automatic, others ? "one" : "all");
  victim_play_again (h->v);
  /* Until now the signaling thread may have been at work on the last sequence. */
  victim_reset_counts (h->v);
}

static void
wait_for_state (Hostile * h, const gchar * state)
{
  gint64 deadline = g_get_monotonic_time () + 15 * G_TIME_SPAN_SECOND;

  while (g_strcmp0 (h->state, state) != 0) {
    if (g_get_monotonic_time () > deadline)
      g_error ("seed %u: not %s but %s (%s)", h->seed, state, h->state,
          h->reason);
    hostile_look (h, 5);
  }
}

/* A call as it should be; what comes then is not. */
static void
connect_really (Hostile * h)
{
  HostilePeer *peer = h->now = h->peers[0];
  gchar *sdp;

  if (h->required || peer->e2ee) {
    peer->e2ee = TRUE;
    memset (peer->e2ee_pub, 9, 32);
  }
  hostile_start_media (peer);
  h->spoil = hostile_spoil_new (peer, h->seed);
  if (h->caller) {
    gchar *offer = victim_take_offer (h->v);

    sdp = hostile_create_answer (peer, offer);
    hostile_send_answer (peer, sdp);
    g_free (offer);
  } else {
    DaoSignal *answer;

    sdp = hostile_create_offer (peer);
    hostile_send_offer (peer, sdp);
    h->agreed = h->agreed_video = TRUE;
    if (!h->auto_answer[0]) {
      wait_for_state (h, "ringing");
      victim_act (h->v, "answer");
    }
    answer = hostile_wait (peer, DAO_SIGNAL_ANSWER);
    hostile_apply_answer (peer, answer->sdp);
    dao_signal_free (answer);
  }
  g_ptr_array_add (h->descriptions, sdp);
  wait_for_state (h, "connected");
  h->connected++;
}

static void
end (Hostile * h)
{
  guint i;

  hostile_finish (h);
  check (h);
  if (hostile_pick (h, 3) == 0)
    victim_act (h->v, "hangup");
  gst_element_set_state (h->v->pipeline, GST_STATE_READY);
  check (h);
  hostile_stop_media (h->peers[0]);
  g_clear_pointer (&h->spoil, hostile_spoil_free);
  for (i = 0; i < 2; i++) {
    g_queue_clear_full (&h->peers[i]->early, (GDestroyNotify) dao_signal_free);
    g_queue_clear_full (&h->peers[i]->received,
        (GDestroyNotify) dao_signal_free);
  }
  g_clear_pointer (&h->sent, g_ptr_array_unref);
  g_clear_pointer (&h->descriptions, g_ptr_array_unref);
  g_clear_pointer (&h->ids, g_ptr_array_unref);
}

static void
sequence (Hostile * h, guint32 seed)
{
  guint n;

  g_print ("# seed %u\n", seed);
  h->seed = seed;
  h->rand = g_rand_new_with_seed (seed);
  g_atomic_int_inc (&h->progress);
  begin (h);
  if (hostile_pick (h, REAL_ONE_IN) == 0)
    connect_really (h);
  for (n = hostile_pick (h, MAX_STEPS) + 1; n > 0; n--) {
    hostile_step (h);
    hostile_look (h, hostile_pick (h, 2) ? 0 : hostile_pick (h, 4));
    check (h);
  }
  end (h);
  g_rand_free (h->rand);
  h->done++;
}

/* --- all of them --- */

static gpointer
watch (gpointer data)
{
  Hostile *h = data;
  gint last = -1, same = 0;

  while (!g_atomic_int_get (&h->over)) {
    gint now = g_atomic_int_get (&h->progress);

    same = now == last ? same + 1 : 0;
    last = now;
    if (same >= HANG_S * 10)
      g_error ("seed %u hangs", h->seed);
    g_usleep (G_USEC_PER_SEC / 10);
  }
  return NULL;
}

static void
report (Hostile * h, const Usage * usage)
{
  gchar *what = g_strdup_printf ("%u sequences, %u of them connected",
      h->done, h->connected);

  usage_print (usage, what);
  g_free (what);
}

/* With the next element begins what is measured. */
static void
settle (Hostile * h, Usage * usage, const Usage * limit)
{
  victim_renew (h->v);
  usage_settle (usage, limit);
  report (h, usage);
}

static void
run (Hostile * h, guint sequences, guint32 first)
{
  guint settled = MIN (SETTLED_SEQUENCES, sequences / 2), measured, i;
  Usage before, now;

  for (i = 0; i < sequences; i++) {
    if (i == settled)
      settle (h, &before, NULL);
    sequence (h, first + i);
    if (h->done % 500 == 0) {
      usage_measure (&now);
      report (h, &now);
    }
  }
  settle (h, &now, &before);
  measured = sequences - settled;
  g_print ("# %.1f KB in use and %.1f KB resident more a sequence\n",
      (now.bytes - before.bytes) / 1024. / measured,
      (now.rss - before.rss) / 1024. / measured);
  if (sequences == 1)
    return;
  g_assert_cmpuint (now.fds, <=, before.fds);
  g_assert_cmpuint (now.threads, <=, before.threads);
  if (before.bytes > 0)
    g_assert_cmpint ((now.bytes - before.bytes) / measured, <,
        measured >= MIN_MEASURED ? MAX_BYTES_A_SEQUENCE :
        MAX_BYTES_A_SEQUENCE_SHORT);
}

int
main (int argc, char **argv)
{
  const gchar *wanted = g_getenv ("DAO_HOSTILE_SEQUENCES");
  Hostile h = { NULL, };
  guint sequences;
  guint32 first;
  GThread *watchdog;

  gst_init (&argc, &argv);
  known_criticals_allow ();
  if (argc > 1 && !wanted)
    wanted = argv[1];
  sequences = wanted ? atoi (wanted) : 100;
  first = argc > 2 ? (guint32) atoi (argv[2]) : 1;
  h.verbose = sequences == 1 || g_getenv ("DAO_HOSTILE_VERBOSE");
  account_clock_stop (account_clock_now ());
  h.fixture = call_fixture_new (3);
  h.v = victim_new (h.fixture, "");
  h.peers[0] = h.v->peer;
  h.peers[1] = hostile_new (h.fixture, 2, 0);
  victim_play (h.v);
  call_wait_online (h.v->pipeline, 10);
  watchdog = g_thread_new ("watchdog", watch, &h);
  run (&h, sequences, first);
  g_atomic_int_set (&h.over, TRUE);
  g_thread_join (watchdog);
  hostile_free (h.peers[1]);
  victim_free (h.v);
  g_free (h.state);
  g_free (h.reason);
  g_print ("ok 1 %u sequences\n1..1\n", sequences);
  return 0;
}
