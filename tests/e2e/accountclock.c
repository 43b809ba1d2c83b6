/* gst-dao: a hand on the accounts that elements of this process open
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "accountclock.h"
#include "dao-account-private.h"

#include <dlfcn.h>

static GMutex lock;
static gint64 stopped_ms;       /* 0: runs */
static GHashTable *skews;       /* path of an identity file: ms, as pointer */
static gchar *expected;
static gboolean arrived;

static gint64
now (void)
{
  return stopped_ms ? stopped_ms : g_get_real_time () / 1000;
}

void
account_clock_stop (gint64 ms)
{
  g_mutex_lock (&lock);
  stopped_ms = ms;
  g_mutex_unlock (&lock);
}

gint64
account_clock_now (void)
{
  gint64 ms;

  g_mutex_lock (&lock);
  ms = now ();
  g_mutex_unlock (&lock);
  return ms;
}

void
account_clock_set_skew (const gchar * identity_path, gint64 ms)
{
  g_mutex_lock (&lock);
  if (!skews)
    skews = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_insert (skews, g_canonicalize_filename (identity_path, NULL),
      GSIZE_TO_POINTER ((gsize) ms));
  g_mutex_unlock (&lock);
}

static gint64
clock_of (gpointer account)
{
  const gchar *path = ((DaoAccount *) account)->path;
  gint64 ms;

  g_mutex_lock (&lock);
  ms = now ();
  if (skews)
    ms += (gssize) GPOINTER_TO_SIZE (g_hash_table_lookup (skews, path));
  g_mutex_unlock (&lock);
  return ms;
}

void
account_clock_expect_frame (const gchar * text)
{
  g_mutex_lock (&lock);
  g_free (expected);
  expected = g_strdup (text);
  arrived = FALSE;
  g_mutex_unlock (&lock);
}

gboolean
account_clock_frame_arrived (void)
{
  gboolean yes;

  g_mutex_lock (&lock);
  yes = arrived;
  g_mutex_unlock (&lock);
  return yes;
}

/* --- in the place of libdao's --- */

DaoAccount *
dao_account_open (const gchar * identity_path, const gchar * relay,
    GError ** error)
{
  DaoAccount *(*real) (const gchar *, const gchar *, GError **) =
      dlsym (RTLD_NEXT, "dao_account_open");
  DaoAccount *account = real (identity_path, relay, error);

  if (account)
    dao_account_set_clock (account, clock_of, account);
  return account;
}

DaoSignal *
dao_envelope_open (const gchar * frame, gsize length,
    const gchar * own_alias, DaoContacts * contacts, DaoReplayGuard * guard,
    gint64 now_ms, GError ** error)
{
  DaoSignal *(*real) (const gchar *, gsize, const gchar *, DaoContacts *,
      DaoReplayGuard *, gint64, GError **) =
      dlsym (RTLD_NEXT, "dao_envelope_open");

  g_mutex_lock (&lock);
  if (expected && g_strstr_len (frame, length, expected))
    arrived = TRUE;
  g_mutex_unlock (&lock);
  return real (frame, length, own_alias, contacts, guard, now_ms, error);
}
