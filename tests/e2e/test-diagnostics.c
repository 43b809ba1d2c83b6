/* gst-dao: what is left behind for whoever asks why a call failed
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "callfixture.h"
#include "dao-call-keys.h"
#include "dao-frame-private.h"
#include "seal-watch.h"

#include <glib/gstdio.h>
#include <string.h>

#define MEDIA "audiotestsrc is-live=true ! opusenc ! c.audio_sink " \
    "videotestsrc is-live=true ! video/x-raw,width=160,height=120," \
    "framerate=10/1 ! vp8enc deadline=1 ! c.video_sink "
#define SINKS " c.audio_src ! fakesink async=false sync=false " \
    "c.video_src ! fakesink async=false sync=false "

typedef struct
{
  GMutex lock;
  GString *lines;               /* of the categories of calls */
} Log;

static void
on_log (GstDebugCategory * category, GstDebugLevel level, const gchar * file,
    const gchar * function, gint line, GObject * object,
    GstDebugMessage * message, gpointer user_data)
{
  Log *log = user_data;

  if (!g_str_has_prefix (gst_debug_category_get_name (category), "dao"))
    return;
  g_mutex_lock (&log->lock);
  g_string_append_printf (log->lines, "%s: %s\n",
      gst_debug_category_get_name (category), gst_debug_message_get (message));
  g_mutex_unlock (&log->lock);
}

static void
log_begin (Log * log, GstDebugLevel level)
{
  log->lines = g_string_new (NULL);
  g_mutex_init (&log->lock);
  gst_debug_set_active (TRUE);
  gst_debug_set_default_threshold (level);
  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_add_log_function (on_log, log, NULL);
}

static void
log_end (void)
{
  gst_debug_set_default_threshold (GST_LEVEL_NONE);
  gst_debug_remove_log_function (on_log);
}

static void
log_clear (Log * log)
{
  g_string_free (log->lines, TRUE);
  g_mutex_clear (&log->lock);
}

static void
assert_logged (Log * log, const gchar * line)
{
  g_mutex_lock (&log->lock);
  if (!strstr (log->lines->str, line))
    g_error ("the log has no '%s'", line);
  g_mutex_unlock (&log->lock);
}

static void
log_wait (Log * log, const gchar * line)
{
  gint64 deadline = g_get_monotonic_time () + 20 * G_TIME_SPAN_SECOND;
  gboolean found = FALSE;

  while (!found && g_get_monotonic_time () < deadline) {
    g_usleep (10000);
    g_mutex_lock (&log->lock);
    found = strstr (log->lines->str, line) != NULL;
    g_mutex_unlock (&log->lock);
  }
  assert_logged (log, line);
}

/* As hex, as GStreamer prints a buffer: no key of a frame, in either case */
static void
assert_no_key (const gchar * text, const gchar * where)
{
  gchar *lower = g_ascii_strdown (text, -1);
  GPtrArray *keys = seal_watch_keys ();
  guint i;

  g_assert_cmpuint (keys->len, >=, 4);
  for (i = 0; i < keys->len; i++)
    if (strstr (lower, g_ptr_array_index (keys, i)))
      g_error ("a key of a frame is in %s", where);
  g_ptr_array_unref (keys);
  g_free (lower);
}

static void
check_graph (GstElement * pipeline)
{
  gchar *dot = gst_debug_bin_to_dot_data (GST_BIN (pipeline),
      GST_DEBUG_GRAPH_SHOW_ALL);

  g_assert_nonnull (strstr (dot, "webrtcbin"));
  g_assert_nonnull (strstr (dot, "daoe2eeenc"));
  assert_no_key (dot, "the graph");
  g_free (dot);
}

/* Numbered steps of both roles, every part by its own category, and no key in any of
 * it, nor in a graph with all that GStreamer can show. */
static void
test_steps_in_log (void)
{
  static const gchar *const steps[] = {
    "daoleg: offering, step 1: ", "daoleg: offering, step 2: offer made",
    "daoleg: offering, step 3: own offer is set",
    "daoleg: offering, step 4: answer received",
    "daoleg: offering, step 5: answer applied",
    "daoleg: offering, step 6: connected",
    "daoleg: answering, step 1: offer received",
    "daoleg: answering, step 2: offer applied",
    "daoleg: answering, step 3: tracks described",
    "daoleg: answering, step 4: answer made",
    "daoleg: answering, step 5: own answer is set",
    "daoleg: answering, step 6: connected",
    "daoleg: own candidates are complete",
    "daosession: call ", "daofingerprint: ", "daosignaling: ",
    "daoe2ee: has a key",
  };
  CallFixture *f = call_fixture_new (2);
  Log log;
  GstElement *callee, *caller, *call;
  gboolean ok;
  guint i;

  seal_watch_reset ();
  log_begin (&log, GST_LEVEL_LOG);
  callee = call_parse ("daosignaling name=c identity=%s auto-answer=true "
      SINKS MEDIA, f->identity[1]);
  caller = call_parse ("daosignaling name=c identity=%s peer=%s " SINKS MEDIA,
      f->identity[0], f->alias[1]);
  gst_element_set_state (callee, GST_STATE_PLAYING);
  call_wait_online (callee, 10);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  gst_message_unref (call_wait_state (caller, "connected", 30));
  gst_message_unref (call_wait_state (callee, "connected", 30));
  gst_message_unref (call_wait_message (callee, "dao-call-stats", 10));
  gst_message_unref (call_wait_message (caller, "dao-call-stats", 10));
  check_graph (caller);
  check_graph (callee);
  call = gst_bin_get_by_name (GST_BIN (caller), "c");
  g_signal_emit_by_name (call, "hangup", &ok);
  gst_object_unref (call);
  call_wait_eos (callee, 20);
  call_stop (caller);
  call_stop (callee);
  log_end ();
  for (i = 0; i < G_N_ELEMENTS (steps); i++)
    assert_logged (&log, steps[i]);
  assert_no_key (log.lines->str, "the log");
  log_clear (&log);
  call_fixture_free (f);
}

static gchar *dot_dir;

/* (transfer full): one of the graphs of calls that failed; @n of them there were, none is left */
static gchar *
take_graphs (guint * n)
{
  GDir *dir = g_dir_open (dot_dir, 0, NULL);
  gchar *content = NULL;
  const gchar *name;

  *n = 0;
  while ((name = g_dir_read_name (dir))) {
    gchar *path = g_build_filename (dot_dir, name, NULL);

    if (strstr (name, "daoleg-failed")) {
      g_clear_pointer (&content, g_free);
      g_file_get_contents (path, &content, NULL, NULL);
      ++*n;
    }
    g_remove (path);
    g_free (path);
  }
  g_dir_close (dir);
  return content;
}

/* A call that nobody takes says where it stopped, and leaves its graph. */
static void
test_last_step_in_error (void)
{
  CallFixture *f = call_fixture_new (2);
  GstElement *caller = call_parse ("daosignaling name=c identity=%s peer=%s "
      SINKS "audiotestsrc is-live=true ! opusenc ! c.audio_sink",
      f->identity[0], f->alias[1]);
  gchar *text, *graph;
  guint n;

  gst_element_set_state (caller, GST_STATE_PLAYING);
  text = call_wait_error (caller, 25);
  g_test_message ("%s", text);
  g_assert_nonnull (strstr (text, "no-answer"));
  g_assert_nonnull (strstr (text,
          "(last step: offering, step 3: own offer is set)"));
  g_free (text);
  graph = take_graphs (&n);
  g_assert_cmpuint (n, ==, 1);
  g_assert_nonnull (strstr (graph, "GstWebRTCBin"));
  g_free (graph);
  call_stop (caller);
  call_fixture_free (f);
}

static GstPadProbeReturn
drop (GstPad * pad, GstPadProbeInfo * info, gpointer unused)
{
  return GST_PAD_PROBE_DROP;
}

static void
go_deaf (GstBin * bin, GstBin * sub_bin, GstElement * element, gpointer unused)
{
  GstElementFactory *factory = gst_element_get_factory (element);
  GstPad *pad;

  if (!factory || !g_str_equal (GST_OBJECT_NAME (factory), "nicesrc"))
    return;
  pad = gst_element_get_static_pad (element, "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER |
      GST_PAD_PROBE_TYPE_BUFFER_LIST, drop, NULL, NULL);
  gst_object_unref (pad);
}

/* The callee hears nothing of DTLS: when it is over, the log of each end says how far it came. */
static void
test_last_step_of_both (void)
{
  CallFixture *f = call_fixture_new (2);
  GstElement *caller = call_parse ("daosignaling name=c identity=%s peer=%s "
      SINKS "audiotestsrc is-live=true ! opusenc ! c.audio_sink",
      f->identity[0], f->alias[1]);
  GstElement *callee = call_parse ("daosignaling name=c identity=%s "
      "auto-answer=true " SINKS "audiotestsrc is-live=true ! opusenc ! "
      "c.audio_sink", f->identity[1]);
  Log log;

  log_begin (&log, GST_LEVEL_INFO);
  g_signal_connect (callee, "deep-element-added", G_CALLBACK (go_deaf), NULL);
  gst_element_set_state (callee, GST_STATE_PLAYING);
  call_wait_online (callee, 10);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  log_wait (&log, "offering, step 5: answer applied");
  log_wait (&log, "answering, step 5: own answer is set");
  gst_element_send_event (caller, gst_event_new_eos ());
  gst_message_unref (call_wait_message (caller, "dao-call-ended", 20));
  gst_message_unref (call_wait_message (callee, "dao-call-ended", 20));
  call_stop (caller);
  call_stop (callee);
  log_end ();
  assert_logged (&log, "last step: offering, step 5: answer applied");
  assert_logged (&log, "last step: answering, step 5: own answer is set");
  log_clear (&log);
  call_fixture_free (f);
}

int
main (int argc, char **argv)
{
  gint failed;

  dot_dir = g_dir_make_tmp ("dao-dot-XXXXXX", NULL);
  g_setenv ("GST_DEBUG_DUMP_DOT_DIR", dot_dir, TRUE);
  call_test_init (&argc, &argv);
  g_test_add_func ("/diagnostics/steps-in-log", test_steps_in_log);
  g_test_add_func ("/diagnostics/last-step-in-error",
      test_last_step_in_error);
  g_test_add_func ("/diagnostics/last-step-of-both", test_last_step_of_both);
  failed = g_test_run ();
  g_rmdir (dot_dir);
  g_free (dot_dir);
  return failed;
}
