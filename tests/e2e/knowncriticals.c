/* gst-dao: critical warnings of GStreamer 1.22 about itself
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "knowncriticals.h"

#include <glib.h>
#include <string.h>
#include <sys/prctl.h>

/* Two races, each seen once in some thousand calls that end while the peer still sends. Neither touches memory that is
 * gone. Thread names are cut to 15 characters. */
static const struct
{
  const gchar *thread, *text;
} known[] = {
  /* rtpsession.c, rtp_session_on_timeout(): it unlocks inside a walk through its sources; a packet of a new source is
   * added meanwhile, and the walk ends. */
  {"rtpsession-rtcp",
      "g_hash_table_foreach: assertion 'version == hash_table->version' failed"},
  /* gstsrtpdec.c, gst_srtp_dec_push_early_events(): the first RTCP packet while the pads are being stopped; there is no
   * stream-start event any more to take a name from. */
  {"nicesrc",
      "gst_pad_create_stream_id_internal: assertion 'parent->numsinkpads <= 1' failed"},
  {"nicesrc", "gst_event_new_stream_start: assertion 'stream_id != NULL' failed"},
  {"nicesrc", "gst_pad_push_event: assertion 'GST_IS_EVENT (event)' failed"},
};

static GLogLevelFlags fatal;

static gboolean
is_known (const gchar * text)
{
  gchar thread[16] = "";
  guint i;

  prctl (PR_GET_NAME, thread);
  for (i = 0; i < G_N_ELEMENTS (known); i++)
    if (g_str_has_prefix (thread, known[i].thread)
        && g_str_equal (text, known[i].text))
      return TRUE;
  return FALSE;
}

static void
on_log (const gchar * domain, GLogLevelFlags level, const gchar * text,
    gpointer unused)
{
  if (level & fatal && is_known (text)) {
    g_print ("# known critical: %s\n", text);
    return;
  }
  g_log_default_handler (domain, level, text, NULL);
  if (level & fatal)
    G_BREAKPOINT ();
}

void
known_criticals_allow (void)
{
  /* What G_DEBUG asked for would end the process after any handler. */
  fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK) & G_LOG_LEVEL_MASK;
  g_log_set_default_handler (on_log, NULL);
}
