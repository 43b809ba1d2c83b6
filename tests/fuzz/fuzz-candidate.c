/* gst-dao: fuzzes candidates of peers, and of our own agent
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A rebuilt line is eight plain fields with an address literal, and stays as it is
 * when it is rebuilt again. What leaves us tells no address of ours beside a relay's.
 */
#include "fuzz.h"
#include "gstdaoice.h"

#include <gio/gio.h>
#include <string.h>

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_init ();
  return 0;
}

static void
check_rebuilt (const gchar * line)
{
  g_auto (GStrv) fields = g_strsplit (line, " ", -1);
  g_autofree gchar *again = gst_dao_ice_rebuild_candidate (line);

  g_assert_cmpstr (line, ==, again);
  g_assert_cmpuint (g_strv_length (fields), ==, 8);
  g_assert_true (g_hostname_is_ip_address (fields[4]));
  for (const gchar * p = line; *p != '\0'; p++)
    g_assert_true (g_ascii_isprint (*p));
}

static void
check_filtered (const gchar * line, gboolean relay_only)
{
  g_auto (GStrv) fields = g_strsplit (line, " ", -1);
  gboolean relay = g_str_equal (fields[7], "relay");

  g_assert_true (relay || !relay_only);
  for (guint i = 8; relay && fields[i] != NULL && fields[i + 1] != NULL;
      i += 2)
    if (g_str_equal (fields[i], "raddr"))
      g_assert_true (g_str_equal (fields[i + 1], "0.0.0.0")
          || g_str_equal (fields[i + 1], "::"));
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  g_autofree gchar *text = g_strndup ((const gchar *) data, size);
  g_autofree gchar *rebuilt = gst_dao_ice_rebuild_candidate (text);

  if (rebuilt != NULL)
    check_rebuilt (rebuilt);
  for (guint relay_only = 0; relay_only < 2; relay_only++) {
    g_autofree gchar *filtered = gst_dao_ice_filter_local (text, relay_only);

    if (filtered != NULL)
      check_filtered (filtered, relay_only);
  }
  return 0;
}
