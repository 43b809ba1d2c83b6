/* gst-dao: what a test process uses, and what must not grow
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "usage.h"
#include "callfixture.h"

#include <malloc.h>
#include <string.h>

#define SETTLE_US (15 * G_USEC_PER_SEC)
#define FIRST_SETTLE_US (3 * G_USEC_PER_SEC)

static gint64
read_rss (void)
{
  gchar *text = NULL;
  gint64 pages = 0;

  if (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL))
    pages = g_ascii_strtoll (strchr (text, ' '), NULL, 10);
  g_free (text);
  return pages * 4096;
}

void
usage_measure (Usage * usage)
{
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
  struct mallinfo2 info;

  malloc_trim (0);
  info = mallinfo2 ();
  usage->bytes = info.uordblks + info.hblkhd;
#else
  usage->bytes = 0;             /* the sanitizer's own business */
#endif
  usage->rss = read_rss ();
  usage->fds = call_count_fds ();
  usage->threads = call_count_threads ();
}

void
usage_print (const Usage * usage, const gchar * what)
{
  g_print ("# %s: %u fds, %u threads, %.2f MB in use, %.1f MB resident\n",
      what, usage->fds, usage->threads, usage->bytes / 1e6, usage->rss / 1e6);
}

void
usage_settle (Usage * usage, const Usage * limit)
{
  gint64 deadline = g_get_monotonic_time () +
      (limit ? SETTLE_US : FIRST_SETTLE_US);

  do {
    g_usleep (G_USEC_PER_SEC);
    g_thread_pool_stop_unused_threads ();
    usage_measure (usage);
  } while (g_get_monotonic_time () < deadline && (!limit
          || usage->fds > limit->fds || usage->threads > limit->threads));
}
