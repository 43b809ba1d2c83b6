/* gst-dao: the signaling thread and its workers
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gstdaothread.h"

#include <stdlib.h>

/* Longer than an exit takes that does not wait */
#define JOB_MS 300

static void
slow_job (gpointer data, gpointer unused)
{
  g_usleep (JOB_MS * 1000);
  g_print ("the job is done\n");
}

static void
late_post (gpointer data, gpointer unused)
{
  g_print ("the post has run\n");
  gst_dao_thread_run_worker (slow_job, NULL);
}

/* A peer connection that is taken down when the program ends: what was posted has run, and the worker has finished. */
static void
test_exit_waits (void)
{
  if (g_test_subprocess ()) {
    gst_dao_thread_post (late_post, NULL, NULL);
    exit (0);
  }
  g_test_trap_subprocess (NULL, 10 * G_USEC_PER_SEC, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stdout ("*the post has run*the job is done*");
}

static void
hang (gpointer data, gpointer unused)
{
  g_usleep (60 * G_USEC_PER_SEC);
}

/* ... but a program ends. */
static void
test_exit_waits_not_for_ever (void)
{
  if (g_test_subprocess ()) {
    gst_dao_thread_context ();
    gst_dao_thread_run_worker (hang, NULL);
    exit (0);
  }
  g_test_trap_subprocess (NULL, 10 * G_USEC_PER_SEC, 0);
  g_test_trap_assert_passed ();
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/thread/exit-waits", test_exit_waits);
  g_test_add_func ("/thread/exit-waits-not-for-ever",
      test_exit_waits_not_for_ever);
  return g_test_run ();
}
