/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaothread.h"
#include "dao-relay-client.h"

#include <stdlib.h>

/* Several calls may be torn down at once; each worker waits for threads of
 * webrtcbin, not for the CPU. */
#define MAX_WORKERS 8

/* How long a program's exit may wait for the last frames. */
#define DRAIN_MS 1000

typedef struct
{
  GFunc func;
  gpointer data;
  GDestroyNotify destroy;
} Post;

static GMainLoop *the_loop;
static GThread *the_thread;
static GMutex drained_lock;     /* for the following */
static GCond drained_cond;
static gboolean drained;        /* the thread is at its end */
static guint n_jobs;            /* of workers, not yet done */

static gpointer
run_loop (gpointer context)
{
  g_main_context_push_thread_default (context);
  g_main_loop_run (the_loop);
  dao_relay_drain (DRAIN_MS);
  g_main_context_pop_thread_default (context);
  g_mutex_lock (&drained_lock);
  drained = TRUE;
  g_cond_signal (&drained_cond);
  g_mutex_unlock (&drained_lock);
  return NULL;
}

static gboolean
quit_loop (gpointer unused)
{
  g_main_loop_quit (the_loop);
  return G_SOURCE_REMOVE;
}

/* A program may exit right after it set its pipeline to NULL: the hangup that was posted then still goes
 * out, and the peer connection is taken down and its TURN allocations given back. */
static void
drain_at_exit (void)
{
  gint64 deadline = g_get_monotonic_time () + 2 * DRAIN_MS * 1000;
  GSource *source = g_idle_source_new ();
  gboolean done;

  /* after what was posted before */
  g_source_set_priority (source, G_PRIORITY_LOW);
  g_source_set_callback (source, quit_loop, NULL, NULL);
  g_source_attach (source, g_main_loop_get_context (the_loop));
  g_source_unref (source);
  g_mutex_lock (&drained_lock);
  while (!(drained && n_jobs == 0) && g_cond_wait_until (&drained_cond,
          &drained_lock, deadline));
  done = drained;
  g_mutex_unlock (&drained_lock);
  if (done)
    g_thread_join (the_thread);
}

GMainContext *
gst_dao_thread_context (void)
{
  static gsize context = 0;

  if (g_once_init_enter (&context)) {
    GMainContext *made = g_main_context_new ();

    the_loop = g_main_loop_new (made, FALSE);
    the_thread = g_thread_new ("dao-signaling", run_loop, made);
    atexit (drain_at_exit);
    g_once_init_leave (&context, (gsize) made);
  }
  return (GMainContext *) context;
}

gboolean
gst_dao_thread_is_current (void)
{
  return g_main_context_is_owner (gst_dao_thread_context ());
}

static gboolean
dispatch_post (gpointer data)
{
  Post *post = data;

  post->func (post->data, NULL);
  return G_SOURCE_REMOVE;
}

static void
post_free (gpointer data)
{
  Post *post = data;

  if (post->destroy)
    post->destroy (post->data);
  g_free (post);
}

void
gst_dao_thread_post (GFunc func, gpointer data, GDestroyNotify destroy)
{
  GSource *source = g_idle_source_new ();
  Post *post = g_new0 (Post, 1);

  post->func = func;
  post->data = data;
  post->destroy = destroy;
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, dispatch_post, post, post_free);
  g_source_attach (source, gst_dao_thread_context ());
  g_source_unref (source);
}

GSource *
gst_dao_thread_add_timeout (guint interval_ms, GSourceFunc func,
    gpointer data)
{
  GSource *source = g_timeout_source_new (interval_ms);

  g_source_set_callback (source, func, data, NULL);
  g_source_attach (source, gst_dao_thread_context ());
  return source;
}

void
gst_dao_clear_source (GSource ** source)
{
  if (*source)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

typedef struct
{
  GFunc func;
  gpointer data;
} Job;

static void
run_job (gpointer data, gpointer user_data)
{
  Job *job = data;

  job->func (job->data, NULL);
  g_free (job);
  g_mutex_lock (&drained_lock);
  n_jobs--;
  g_cond_signal (&drained_cond);
  g_mutex_unlock (&drained_lock);
}

void
gst_dao_thread_run_worker (GFunc func, gpointer data)
{
  static gsize pool = 0;
  Job *job = g_new0 (Job, 1);

  if (g_once_init_enter (&pool))
    g_once_init_leave (&pool, (gsize) g_thread_pool_new (run_job, NULL,
            MAX_WORKERS, FALSE, NULL));
  job->func = func;
  job->data = data;
  g_mutex_lock (&drained_lock);
  n_jobs++;
  g_mutex_unlock (&drained_lock);
  g_thread_pool_push ((GThreadPool *) pool, job, NULL);
}
