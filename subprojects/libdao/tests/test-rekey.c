/* gst-dao: epochs over a bad network, on a simulated clock
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A call's four tracks (both directions, audio and video) over a network that
 * loses, delays and reorders, straight from senders to receivers, without the
 * jitter buffer that a real call has in between. What arrives must open, in every
 * epoch; and no (key, IV) may ever be used twice.
 */
#include "dao-call-keys.h"
#include "dao-frame-private.h"
#include "seal-watch.h"

#include <sodium.h>
#include <string.h>

#define TRACKS 4                /* 2 * role + media */
#define PAYLOAD 24
#define FRAME (PAYLOAD + DAO_FRAME_OVERHEAD)
#define DELAY_MS 200
/* +-: up to 3 frames of audio overtake one */
#define JITTER_MS 30

/* The two things that keep a receiver from following (dao-frame-receiver.c) */
#define MAX_EPOCHS_AHEAD 256
#define OLD_EPOCH_MS 5000

static const gint64 intervals_ms[] = { 20, 33 };        /* by DaoMedia */

typedef struct
{
  gint64 due;
  guint track;
  guint8 frame[FRAME];
} Packet;

typedef struct
{
  DaoFrameSender *senders[TRACKS];
  DaoFrameReceiver *receivers[TRACKS];
  GSequence *network;
  GRand *rand;
  guint loss;                   /* % */
  gboolean cut;
  gint64 now_ms;
  gint64 next_ms[TRACKS];
  guint64 sent, lost, opened;
  guint64 results[DAO_FRAME_AUTH + 1];
} Sim;

static Sim *
sim_new (guint loss, guint64 limit)
{
  Sim *sim = g_new0 (Sim, 1);
  guint8 secret[32];
  guint i;

  randombytes_buf (secret, sizeof (secret));
  for (i = 0; i < TRACKS; i++) {
    sim->senders[i] = dao_frame_sender_new_v1 (secret, i / 2, i % 2);
    sim->receivers[i] = dao_frame_receiver_new_v1 (secret, i / 2, i % 2);
    dao_frame_sender_set_limits (sim->senders[i], limit, DAO_FRAME_MAX_BYTES);
    dao_frame_receiver_set_vp8 (sim->receivers[i], i % 2 == DAO_MEDIA_VIDEO);
  }
  sim->network = g_sequence_new (g_free);
  sim->rand = g_rand_new_with_seed (4711);
  sim->loss = loss;
  return sim;
}

static void
sim_free (Sim * sim)
{
  guint i;

  for (i = 0; i < TRACKS; i++) {
    g_object_unref (sim->senders[i]);
    g_object_unref (sim->receivers[i]);
  }
  g_sequence_free (sim->network);
  g_rand_free (sim->rand);
  g_free (sim);
}

static gint
by_time (gconstpointer a, gconstpointer b, gpointer unused)
{
  gint64 difference = ((const Packet *) a)->due - ((const Packet *) b)->due;

  return difference < 0 ? -1 : difference > 0;
}

static void
send_frame (Sim * sim, guint track)
{
  guint8 payload[PAYLOAD];
  Packet *packet = g_new (Packet, 1);

  memset (payload, track, sizeof (payload));
  packet->track = track;
  g_assert_cmpint (dao_frame_sender_seal (sim->senders[track],
          track % 2 == DAO_MEDIA_VIDEO && sim->sent % 7 != 0, payload,
          PAYLOAD, packet->frame, NULL), ==, DAO_FRAME_OK);
  sim->sent++;
  if (sim->cut || (guint) g_rand_int_range (sim->rand, 0, 100) < sim->loss) {
    sim->lost++;
    g_free (packet);
    return;
  }
  packet->due = sim->now_ms + DELAY_MS + g_rand_int_range (sim->rand,
      -JITTER_MS, JITTER_MS + 1);
  g_sequence_insert_sorted (sim->network, packet, by_time, NULL);
}

static void
deliver (Sim * sim)
{
  GSequenceIter *iter;

  while (!g_sequence_iter_is_end (iter =
          g_sequence_get_begin_iter (sim->network))) {
    Packet *packet = g_sequence_get (iter);
    guint8 out[PAYLOAD];
    DaoFrameResult result;

    if (packet->due > sim->now_ms)
      return;
    result = dao_frame_receiver_open (sim->receivers[packet->track],
        sim->now_ms, packet->frame, FRAME, out);
    sim->results[result]++;
    if (result == DAO_FRAME_OK)
      g_assert_cmpuint (out[0], ==, packet->track);
    g_sequence_remove (iter);
  }
}

static void
sim_run (Sim * sim, gint64 ms)
{
  gint64 end = sim->now_ms + ms;
  guint i;

  for (; sim->now_ms < end; sim->now_ms++) {
    for (i = 0; i < TRACKS; i++)
      if (sim->now_ms >= sim->next_ms[i]) {
        send_frame (sim, i);
        sim->next_ms[i] += intervals_ms[i % 2];
      }
    deliver (sim);
  }
}

static guint32
epoch_of (Sim * sim, guint track)
{
  guint32 epoch;

  dao_frame_sender_get_position (sim->senders[track], &epoch, NULL, NULL);
  return epoch;
}

/* Everything that was not lost on the way opened. */
static void
assert_nothing_lost_by_key (Sim * sim)
{
  guint result;

  for (result = 0; result < G_N_ELEMENTS (sim->results); result++)
    if (result != DAO_FRAME_OK && sim->results[result] > 0)
      g_error ("%" G_GUINT64_FORMAT " frames dropped: %s",
          sim->results[result], dao_frame_result_to_string (result));
  g_assert_cmpuint (sim->results[DAO_FRAME_OK] + sim->lost
      + g_sequence_get_length (sim->network), ==, sim->sent);
}

static void
assert_no_pair_twice (Sim * sim)
{
  g_assert_cmpuint (seal_watch_frames (), ==, sim->sent);
  g_assert_cmpuint (seal_watch_repeats (), ==, 0);
}

/* --- */

typedef struct
{
  guint loss;
  guint64 limit;
} Case;

static void
test_loss (gconstpointer data)
{
  const Case *c = data;
  Sim *sim;

  seal_watch_reset ();
  sim = sim_new (c->loss, c->limit);
  sim_run (sim, 60 * 1000);
  g_test_message ("%" G_GUINT64_FORMAT " frames, %" G_GUINT64_FORMAT " lost, %"
      G_GUINT64_FORMAT " epochs", sim->sent, sim->lost, seal_watch_epochs ());
  g_assert_cmpuint (seal_watch_epochs (), >, 2000);
  g_assert_true ((sim->lost > 0) == (c->loss > 0));
  assert_no_pair_twice (sim);
  assert_nothing_lost_by_key (sim);
  sim_free (sim);
}

/* @data: epochs that pass while nothing arrives */
static void
test_outage (gconstpointer data)
{
  guint epochs = GPOINTER_TO_UINT (data);
  Sim *sim;
  guint32 before;

  seal_watch_reset ();
  sim = sim_new (2, 1);         /* an epoch a frame */
  sim_run (sim, 2000);
  /* what is on the way still arrives */
  sim->cut = TRUE;
  before = epoch_of (sim, 0);
  while (epoch_of (sim, 0) - before < epochs)
    sim_run (sim, 1);
  sim->cut = FALSE;
  sim->loss = 0;
  sim_run (sim, 10000);
  assert_no_pair_twice (sim);
  assert_nothing_lost_by_key (sim);
  sim_free (sim);
}

/* Reordered frames from before an outage are late, but not too late. */
static void
test_late_frames (void)
{
  guint8 secret[32], out[PAYLOAD], payload[PAYLOAD] = { 0, };
  guint8 frames[8][FRAME];
  DaoFrameSender *sender;
  DaoFrameReceiver *receiver;
  guint i;

  randombytes_buf (secret, sizeof (secret));
  sender = dao_frame_sender_new_v1 (secret, DAO_ROLE_CALLER, DAO_MEDIA_AUDIO);
  receiver = dao_frame_receiver_new_v1 (secret, DAO_ROLE_CALLER,
      DAO_MEDIA_AUDIO);
  dao_frame_sender_set_limits (sender, 1, DAO_FRAME_MAX_BYTES);
  for (i = 0; i < G_N_ELEMENTS (frames); i++)
    dao_frame_sender_seal (sender, FALSE, payload, PAYLOAD, frames[i], NULL);
  for (i = 0; i < 2; i++)
    g_assert_cmpint (dao_frame_receiver_open (receiver, 0, frames[i], FRAME,
            out), ==, DAO_FRAME_OK);
  g_assert_cmpint (dao_frame_receiver_open (receiver, 10, frames[7], FRAME,
          out), ==, DAO_FRAME_OK);
  /* 4 epochs back, for 5 s; not 5 */
  g_assert_cmpint (dao_frame_receiver_open (receiver, 10, frames[2], FRAME,
          out), ==, DAO_FRAME_EPOCH_OLD);
  g_assert_cmpint (dao_frame_receiver_open (receiver, 10 + OLD_EPOCH_MS,
          frames[3], FRAME, out), ==, DAO_FRAME_OK);
  g_assert_cmpint (dao_frame_receiver_open (receiver, 11 + OLD_EPOCH_MS,
          frames[6], FRAME, out), ==, DAO_FRAME_EPOCH_OLD);
  g_object_unref (sender);
  g_object_unref (receiver);
}

/* Further ahead than a receiver follows: it says so with every frame, keeps what it
 * has, and the call ends for want of media. An honest peer never gets there: 256
 * epochs are months, and the call ends after 15 s without media. */
static void
test_too_far_ahead (void)
{
  guint8 secret[32], out[PAYLOAD], payload[PAYLOAD] = { 0, };
  guint8 first[FRAME], frame[FRAME];
  DaoFrameSender *sender;
  DaoFrameReceiver *receiver;
  guint i;

  randombytes_buf (secret, sizeof (secret));
  sender = dao_frame_sender_new_v1 (secret, DAO_ROLE_CALLER, DAO_MEDIA_AUDIO);
  receiver = dao_frame_receiver_new_v1 (secret, DAO_ROLE_CALLER,
      DAO_MEDIA_AUDIO);
  dao_frame_sender_seal (sender, FALSE, payload, PAYLOAD, first, NULL);
  dao_frame_sender_set_position (sender, MAX_EPOCHS_AHEAD + 1, 100);
  for (i = 0; i < 1000; i++) {
    dao_frame_sender_seal (sender, FALSE, payload, PAYLOAD, frame, NULL);
    g_assert_cmpint (dao_frame_receiver_open (receiver, i * 20, frame, FRAME,
            out), ==, DAO_FRAME_EPOCH_AHEAD);
  }
  g_assert_cmpuint (dao_frame_receiver_get_verified (receiver), ==, 0);
  g_assert_cmpint (dao_frame_receiver_open (receiver, 20000, first, FRAME,
          out), ==, DAO_FRAME_OK);
  /* one less is followed */
  dao_frame_sender_set_position (sender, MAX_EPOCHS_AHEAD, 2000);
  dao_frame_sender_seal (sender, FALSE, payload, PAYLOAD, frame, NULL);
  g_assert_cmpint (dao_frame_receiver_open (receiver, 20000, frame, FRAME,
          out), ==, DAO_FRAME_OK);
  g_object_unref (sender);
  g_object_unref (receiver);
}

int
main (int argc, char **argv)
{
  /* 4 frames an epoch, and an epoch a frame */
  static const Case cases[] = { {0, 5}, {2, 5}, {5, 5}, {0, 1}, {2, 1}, {5, 1} };
  static const guint outages[] = { 3, 4, 5, 17, 100, 200, 244 };
  guint i;

  g_test_init (&argc, &argv, NULL);
  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    gchar *name = g_strdup_printf ("/rekey/loss-%u/limit-%u", cases[i].loss,
        (guint) cases[i].limit);

    g_test_add_data_func (name, &cases[i], test_loss);
    g_free (name);
  }
  for (i = 0; i < G_N_ELEMENTS (outages); i++) {
    gchar *name = g_strdup_printf ("/rekey/outage-%u", outages[i]);

    g_test_add_data_func (name, GUINT_TO_POINTER (outages[i]), test_outage);
    g_free (name);
  }
  g_test_add_func ("/rekey/late-frames", test_late_frames);
  g_test_add_func ("/rekey/too-far-ahead", test_too_far_ahead);
  return g_test_run ();
}
