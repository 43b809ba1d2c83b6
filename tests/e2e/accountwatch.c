/* gst-dao: time and counters of the accounts behind the elements of this process
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "accountwatch.h"
#include "dao-account-private.h"

#include <dlfcn.h>
#include <gst/gst.h>

static GMutex lock;
static GCond answered;
static GHashTable *skews;       /* alias -> ms */
static GHashTable *accounts;    /* alias -> DaoAccount: the one that asked for the time last */
static DaoRelayTiming timing;
static gboolean has_timing;
static guint rate = 1;
static gint64 base_us, base_ms; /* when the rate was set, and what time it was then */

static void
ensure_tables (void)
{
  if (skews)
    return;
  skews = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  accounts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

/* The plugin is not among what this program is linked with. */
static gpointer
plugin_symbol (const gchar * name)
{
  GstPlugin *plugin = gst_registry_find_plugin (gst_registry_get (), "dao");
  gpointer module = dlopen (gst_plugin_get_filename (plugin),
      RTLD_LAZY | RTLD_NOLOAD);
  gpointer symbol = dlsym (module, name);

  g_assert_nonnull (symbol);
  dlclose (module);
  gst_object_unref (plugin);
  return symbol;
}

/* --- in the place of libdao's and the plugin's --- */

gint64
dao_account_now (DaoAccount * account)
{
  gint64 (*real) (DaoAccount *) = dlsym (RTLD_NEXT, "dao_account_now");
  gint64 now_ms = real (account), *skew;
  const gchar *alias = dao_identity_get_alias (account->identity);

  g_mutex_lock (&lock);
  ensure_tables ();
  if (alias) {
    g_hash_table_replace (accounts, g_strdup (alias), account);
    skew = g_hash_table_lookup (skews, alias);
    now_ms += skew ? *skew : 0;
  }
  g_mutex_unlock (&lock);
  return now_ms;
}

DaoRelayClient *
dao_relay_client_new (const gchar * url, DaoIdentity * identity,
    GError ** error)
{
  DaoRelayClient *(*real) (const gchar *, DaoIdentity *, GError **) =
      dlsym (RTLD_NEXT, "dao_relay_client_new");
  DaoRelayClient *client = real (url, identity, error);

  g_mutex_lock (&lock);
  if (client && has_timing)
    *dao_relay_client_get_timing (client) = timing;
  g_mutex_unlock (&lock);
  return client;
}

gint64 gst_dao_session_now_ms (void);
GSource *gst_dao_thread_add_timeout (guint interval_ms, GSourceFunc func,
    gpointer data);

static gint64
now_with_lock (void)
{
  gint64 now = g_get_monotonic_time ();

  return base_us == 0 ? now / 1000 : base_ms + (now - base_us) * rate / 1000;
}

gint64
gst_dao_session_now_ms (void)
{
  gint64 now_ms;

  g_mutex_lock (&lock);
  now_ms = now_with_lock ();
  g_mutex_unlock (&lock);
  return now_ms;
}

GSource *
gst_dao_thread_add_timeout (guint interval_ms, GSourceFunc func,
    gpointer data)
{
  GSource *(*real) (guint, GSourceFunc, gpointer) =
      plugin_symbol ("gst_dao_thread_add_timeout");
  guint divisor;

  g_mutex_lock (&lock);
  divisor = rate;
  g_mutex_unlock (&lock);
  /* rounded up: a timer that is early would only be set again */
  return real ((interval_ms + divisor - 1) / divisor, func, data);
}

/* --- what a test sets --- */

void
account_watch_set_rate (guint new_rate)
{
  g_mutex_lock (&lock);
  base_ms = now_with_lock ();
  base_us = g_get_monotonic_time ();
  rate = new_rate;
  g_mutex_unlock (&lock);
}

void
account_watch_set_skew (const gchar * alias, gint64 ms)
{
  gint64 *skew = g_new (gint64, 1);

  *skew = ms;
  g_mutex_lock (&lock);
  ensure_tables ();
  g_hash_table_replace (skews, g_strdup (alias), skew);
  g_mutex_unlock (&lock);
}

void
account_watch_set_timing (const DaoRelayTiming * new_timing)
{
  g_mutex_lock (&lock);
  has_timing = new_timing != NULL;
  if (new_timing)
    timing = *new_timing;
  g_mutex_unlock (&lock);
}

/* --- what a test asks; accounts live on the signaling thread --- */

typedef struct
{
  const gchar *alias;
  gint why;                     /* -1 = unrouted */
  guint64 count;
  gboolean done;
} Question;

static void
answer (gpointer data, gpointer unused)
{
  Question *question = data;
  DaoAccount *account;

  g_mutex_lock (&lock);
  account = accounts ? g_hash_table_lookup (accounts, question->alias) : NULL;
  if (account)
    question->count = question->why < 0 ? dao_account_get_unrouted (account) :
        dao_account_get_dropped (account, question->why);
  question->done = TRUE;
  g_cond_signal (&answered);
  g_mutex_unlock (&lock);
}

static guint64
ask (const gchar * alias, gint why)
{
  void (*post) (GFunc, gpointer, GDestroyNotify) =
      plugin_symbol ("gst_dao_thread_post");
  Question question = { alias, why, 0, FALSE };

  post (answer, &question, NULL);
  g_mutex_lock (&lock);
  while (!question.done)
    g_cond_wait (&answered, &lock);
  g_mutex_unlock (&lock);
  return question.count;
}

guint64
account_watch_dropped (const gchar * alias, DaoEnvelopeError why)
{
  return ask (alias, why);
}

guint64
account_watch_unrouted (const gchar * alias)
{
  return ask (alias, -1);
}
