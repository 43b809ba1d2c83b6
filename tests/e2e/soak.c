/* gst-dao: many calls in one process, ended at random moments in every way there is
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 *   soak [CALLS [SEED]]
 *
 * CALLS is also taken from DAO_SOAK_CALLS. Nothing may grow: file descriptors,
 * threads, and memory in use by not more than a limit a call. Nothing may hang,
 * and nothing may be left in a state from which the next call does not work:
 * every eighth call is an undisturbed one.
 */
#include "callfixture.h"
#include "knowncriticals.h"
#include "usage.h"

#include <stdlib.h>
#include <string.h>

/* From the start of a call to beyond the moment when it is connected */
#define MAX_DELAY_MS 700
/* No call and no state change of one takes that long: it hangs. */
#define HANG_S 60
/* Pools, caches and registries are filled by then. */
#define SETTLED_CALLS 100
/* What is kept of a call for good, such as the hashes of its keys, is far less. */
#define MAX_BYTES_A_CALL (20 * 1024)
/* In fewer calls than this what settles late counts, too; a peer connection that
 * leaks is several times as much. */
#define MIN_MEASURED_CALLS 100
#define MAX_BYTES_A_CALL_SHORT (64 * 1024)

#define AUDIO_IN "audiotestsrc is-live=true ! opusenc ! c.audio_sink "
#define VIDEO_IN "videotestsrc is-live=true ! " \
    "video/x-raw,width=160,height=120,framerate=10/1 ! vp8enc deadline=1 " \
    "cpu-used=8 ! c.video_sink "
#define RAW_IN "audiotestsrc is-live=true ! c.audio_sink " \
    "videotestsrc is-live=true ! " \
    "video/x-raw,width=160,height=120,framerate=10/1 ! c.video_sink "
#define SINKS " c.audio_src ! fakesink async=false sync=false " \
    "c.video_src ! fakesink async=false sync=false "

typedef enum
{
  GOOD,                         /* connected, then hung up */
  CALLER_HANGUP, CALLEE_HANGUP, BOTH_HANGUP,
  CALLER_EOS, CALLEE_EOS,
  CALLER_READY, CALLEE_READY, BOTH_READY,
  CALLER_NULL, CALLEE_NULL, BOTH_NULL,
  CALLER_GONE, CALLEE_GONE,     /* NULL and the last reference dropped */
  REJECTED,
  HANGUP_AND_NULL,              /* one hangs up while the other goes to NULL */
  N_WAYS
} Way;

static const gchar *const way_names[] = { "good", "caller hangs up",
  "callee hangs up", "both hang up", "EOS at the caller", "EOS at the callee",
  "caller to READY", "callee to READY", "both to READY", "caller to NULL",
  "callee to NULL", "both to NULL", "caller disposed", "callee disposed",
  "rejected", "hangup and NULL at once"
};

static const gchar *const elements[] = {
  "daosignaling name=c identity=%s %s " SINKS AUDIO_IN,
  "daosignaling name=c identity=%s %s " SINKS AUDIO_IN VIDEO_IN,
  "daocallsrc name=c identity=%s %s " SINKS RAW_IN,
};

typedef struct
{
  CallFixture *fixture;
  GRand *rand;
  GstElement *ends[2];          /* caller, callee; NULL: to be made */
  guint call;
  Way way;
  gint progress;                /* atomic: calls begun, for the watchdog */
  gint done;                    /* atomic */
} Soak;

/* --- one call --- */

static GstElement *
make_end (Soak * soak, guint which)
{
  guint kind = g_rand_int_range (soak->rand, 0, 6);
  gchar *options = which == 0 ? g_strdup_printf ("peer=%s",
      soak->fixture->alias[1]) : g_strdup ("");
  gchar *text;
  GstElement *end;

  /* audio is the cheapest, and most calls are short of media anyway */
  kind = kind < 4 ? 0 : kind - 3;
  text = g_strdup_printf (elements[kind], soak->fixture->identity[which],
      options);
  end = call_parse ("%s", text);
  g_free (text);
  g_free (options);
  return end;
}

static void
drain (GstElement * end)
{
  GstBus *bus = gst_element_get_bus (end);

  gst_bus_set_flushing (bus, TRUE);
  gst_bus_set_flushing (bus, FALSE);
  gst_object_unref (bus);
}

static void
on_incoming (GstElement * call, const gchar * peer, gboolean is_video,
    gpointer user_data)
{
  gboolean ok;

  g_signal_emit_by_name (call, "reject", &ok);
}

static void
set_up (Soak * soak)
{
  guint i;

  for (i = 0; i < 2; i++) {
    gboolean fresh = soak->ends[i] == NULL;
    GstElement *call;

    if (fresh)
      soak->ends[i] = make_end (soak, i);
    call = gst_bin_get_by_name (GST_BIN (soak->ends[i]), "c");
    drain (soak->ends[i]);
    if (i == 1) {
      g_object_set (call, "auto-answer", soak->way != REJECTED, NULL);
      if (soak->way == REJECTED)
        g_signal_connect (call, "incoming-call", G_CALLBACK (on_incoming),
            NULL);
    }
    gst_object_unref (call);
  }
  gst_element_set_state (soak->ends[1], GST_STATE_PLAYING);
  /* A callee that is not online yet is one more moment of set-up; mostly it is. */
  if (soak->way == GOOD || g_rand_int_range (soak->rand, 0, 5) > 0)
    call_wait_online (soak->ends[1], 20);
  gst_element_set_state (soak->ends[0], GST_STATE_PLAYING);
}

static void
act (GstElement * end, const gchar * action)
{
  GstElement *call = gst_bin_get_by_name (GST_BIN (end), "c");
  gboolean ok;

  g_signal_emit_by_name (call, action, &ok);
  gst_object_unref (call);
}

static gpointer
to_null (gpointer end)
{
  gst_element_set_state (end, GST_STATE_NULL);
  return NULL;
}

static void
drop_end (GstElement ** end)
{
  gst_element_set_state (*end, GST_STATE_NULL);
  gst_object_unref (*end);
  *end = NULL;
}

static void
end_call (Soak * soak)
{
  GstElement *caller = soak->ends[0], *callee = soak->ends[1];
  GThread *thread;

  switch (soak->way) {
    case GOOD:
    case CALLER_HANGUP:
      act (caller, "hangup");
      break;
    case CALLEE_HANGUP:
      act (callee, "hangup");
      break;
    case BOTH_HANGUP:
      act (caller, "hangup");
      act (callee, "hangup");
      break;
    case CALLER_EOS:
      gst_element_send_event (caller, gst_event_new_eos ());
      break;
    case CALLEE_EOS:
      gst_element_send_event (callee, gst_event_new_eos ());
      break;
    case CALLER_READY:
    case BOTH_READY:
      gst_element_set_state (caller, GST_STATE_READY);
      if (soak->way == CALLER_READY)
        break;
      /* fall through */
    case CALLEE_READY:
      gst_element_set_state (callee, GST_STATE_READY);
      break;
    case CALLER_NULL:
      to_null (caller);
      break;
    case CALLEE_NULL:
      to_null (callee);
      break;
    case BOTH_NULL:
      thread = g_thread_new ("null", to_null, caller);
      to_null (callee);
      g_thread_join (thread);
      break;
    case CALLER_GONE:
      drop_end (&soak->ends[0]);
      break;
    case CALLEE_GONE:
      drop_end (&soak->ends[1]);
      break;
    case HANGUP_AND_NULL:
      thread = g_thread_new ("null", to_null, callee);
      act (caller, "hangup");
      g_thread_join (thread);
      break;
    default:
      break;
  }
}

static void
finish (Soak * soak)
{
  guint i;

  if (soak->way == GOOD) {
    call_wait_eos (soak->ends[0], 20);
    call_wait_eos (soak->ends[1], 20);
  } else {
    g_usleep (g_rand_int_range (soak->rand, 0, 100) * 1000);
  }
  for (i = 0; i < 2; i++) {
    if (!soak->ends[i])
      continue;
    /* A rejecting callee is not asked to answer again. */
    if (soak->way == REJECTED || g_rand_int_range (soak->rand, 0, 8) == 0)
      drop_end (&soak->ends[i]);
    else
      gst_element_set_state (soak->ends[i], GST_STATE_READY);
  }
}

static void
one_call (Soak * soak)
{
  soak->way = soak->call % 8 == 7 ? GOOD : g_rand_int_range (soak->rand, 1,
      N_WAYS);
  g_atomic_int_inc (&soak->progress);
  g_print ("# call %u: %s\n", soak->call, way_names[soak->way]);
  set_up (soak);
  if (soak->way == GOOD) {
    gst_message_unref (call_wait_state (soak->ends[0], "connected", 20));
    gst_message_unref (call_wait_state (soak->ends[1], "connected", 20));
  } else {
    g_usleep (g_rand_int_range (soak->rand, 0, MAX_DELAY_MS) * 1000);
  }
  end_call (soak);
  finish (soak);
  soak->call++;
}

/* --- all of them --- */

static gpointer
watch (gpointer data)
{
  Soak *soak = data;
  gint last = -1, same = 0;

  while (!g_atomic_int_get (&soak->done)) {
    gint now = g_atomic_int_get (&soak->progress);

    same = now == last ? same + 1 : 0;
    last = now;
    if (same >= HANG_S * 10)
      g_error ("call %u hangs: %s", soak->call, way_names[soak->way]);
    g_usleep (G_USEC_PER_SEC / 10);
  }
  return NULL;
}

static void
settle (Soak * soak, Usage * usage, const Usage * limit)
{
  guint i;

  for (i = 0; i < 2; i++)
    if (soak->ends[i])
      drop_end (&soak->ends[i]);
  usage_settle (usage, limit);
}

static void
report (Soak * soak, const Usage * usage)
{
  gchar *what = g_strdup_printf ("call %u", soak->call);

  usage_print (usage, what);
  g_free (what);
}

static void
run (Soak * soak, guint calls)
{
  guint settled = MIN (SETTLED_CALLS, calls / 2), measured;
  Usage before, now;

  while (soak->call < settled)
    one_call (soak);
  settle (soak, &before, NULL);
  report (soak, &before);
  while (soak->call < calls) {
    one_call (soak);
    if (soak->call % 100 == 0) {
      usage_measure (&now);
      report (soak, &now);
    }
  }
  settle (soak, &now, &before);
  report (soak, &now);
  g_assert_cmpuint (now.fds, <=, before.fds);
  g_assert_cmpuint (now.threads, <=, before.threads);
  measured = calls - settled;
  g_print ("# %.1f KB in use and %.1f KB resident more a call\n",
      (now.bytes - before.bytes) / 1024. / measured,
      (now.rss - before.rss) / 1024. / measured);
  if (before.bytes > 0)
    g_assert_cmpint ((now.bytes - before.bytes) / measured, <,
        measured >= MIN_MEASURED_CALLS ? MAX_BYTES_A_CALL :
        MAX_BYTES_A_CALL_SHORT);
}

int
main (int argc, char **argv)
{
  Soak soak = { NULL, };
  const gchar *wanted = g_getenv ("DAO_SOAK_CALLS");
  guint calls, seed;
  GThread *watchdog;

  gst_init (&argc, &argv);
  known_criticals_allow ();
  if (argc > 1 && !wanted)
    wanted = argv[1];
  calls = wanted ? atoi (wanted) : 60;
  seed = argc > 2 ? (guint) atoi (argv[2]) : g_random_int ();
  g_print ("# %u calls, seed %u\n", calls, seed);
  soak.rand = g_rand_new_with_seed (seed);
  soak.fixture = call_fixture_new (2);
  watchdog = g_thread_new ("watchdog", watch, &soak);
  run (&soak, calls);
  g_atomic_int_set (&soak.done, TRUE);
  g_thread_join (watchdog);
  call_fixture_free (soak.fixture);
  g_rand_free (soak.rand);
  g_print ("ok 1 %u calls\n1..1\n", calls);
  return 0;
}
