/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * ICE restart (RFC 8445, 9): webrtcbin has none, so it is done at the agent (webrtcbin.md, 1), which keeps its sockets.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaoleg-private.h"

#include <string.h>

#define GST_CAT_DEFAULT gst_dao_leg_debug

/* An offer comes that much later than the first check from the addresses it is about; relays are not slower. */
#define EARLY_CHECK_US (5 * G_USEC_PER_SEC)

static void
on_new_address (GstDaoLeg * leg, gint value, gchar * text,
    GstWebRTCSessionDescription * unused)
{
  leg->new_address_us = g_get_monotonic_time ();
}

/* On the agent's thread */
static void
post_new_address (NiceAgent * agent, NiceCandidate * candidate, GstDaoLeg * leg)
{
  gst_dao_leg_event_post (gst_dao_leg_event_new (leg, on_new_address));
}

void
gst_dao_leg_watch_addresses (GstDaoLeg * leg)
{
  NiceAgent *agent = gst_dao_leg_get_agent (leg);

  if (agent)
    gst_dao_leg_connect (leg, agent, "new-remote-candidate-full",
        G_CALLBACK (post_new_address));
  g_clear_object (&agent);
}

void
gst_dao_leg_unwatch_addresses (GstDaoLeg * leg)
{
  NiceAgent *agent = gst_dao_leg_get_agent (leg);

  if (agent)
    g_signal_handlers_disconnect_by_data (agent, leg);
  g_clear_object (&agent);
}

static void
forget_old_credentials (GstDaoLeg * leg)
{
  g_clear_pointer (&leg->old_ufrag, g_free);
  g_clear_pointer (&leg->old_pwd, g_free);
}

void
gst_dao_leg_restart_agent (GstDaoLeg * leg)
{
  NiceAgent *agent = gst_dao_leg_get_agent (leg);

  GST_INFO_OBJECT (leg->bin, "restarting ICE");
  forget_old_credentials (leg);
  if (agent) {
    nice_agent_get_local_credentials (agent, GST_DAO_NICE_STREAM,
        &leg->old_ufrag, &leg->old_pwd);
    nice_agent_restart (agent);
  }
  leg->restarting = TRUE;
  /* The old path may still bring packets, but webrtcbin lets none through until the checks are done. */
  leg->peer_connected = leg->reported_connected = FALSE;
  g_clear_object (&agent);
}

/* libwebrtc checks from its new addresses as soon as it has them, with our credentials of before. Pairs that were
 * answered then are selected and never replaced: our sockets, and so our addresses, stay the same. If we changed our
 * credentials now, its checks would be refused from here on, and where we have one address, no path would be left. */
static gboolean
was_checked_early (GstDaoLeg * leg)
{
  return !leg->offerer && leg->old_ufrag && leg->new_address_us
      && g_get_monotonic_time () - leg->new_address_us < EARLY_CHECK_US;
}

gchar *
gst_dao_leg_write_credentials (GstDaoLeg * leg, const gchar * sdp)
{
  NiceAgent *agent = gst_dao_leg_get_agent (leg);
  gchar *ufrag = NULL, *pwd = NULL;
  gchar **lines = g_strsplit (sdp, "\r\n", -1);
  gchar *written;
  guint i;

  if (agent && was_checked_early (leg)) {
    GST_INFO_OBJECT (leg->bin, "the peer has pairs with our credentials: they stay");
    nice_agent_set_local_credentials (agent, GST_DAO_NICE_STREAM,
        leg->old_ufrag, leg->old_pwd);
  }
  forget_old_credentials (leg);
  if (agent && nice_agent_get_local_credentials (agent, GST_DAO_NICE_STREAM,
          &ufrag, &pwd))
    for (i = 0; lines[i]; i++) {
      gboolean is_ufrag = g_str_has_prefix (lines[i], "a=ice-ufrag:");

      if (!is_ufrag && !g_str_has_prefix (lines[i], "a=ice-pwd:"))
        continue;
      g_free (lines[i]);
      lines[i] = g_strconcat (is_ufrag ? "a=ice-ufrag:" : "a=ice-pwd:",
          is_ufrag ? ufrag : pwd, NULL);
    }
  written = g_strjoinv ("\r\n", lines);
  g_strfreev (lines);
  g_free (ufrag);
  g_free (pwd);
  g_clear_object (&agent);
  return written;
}

void
gst_dao_leg_send_candidates_again (GstDaoLeg * leg)
{
  NiceAgent *agent = gst_dao_leg_get_agent (leg);
  GSList *list = agent ? nice_agent_get_local_candidates (agent,
      GST_DAO_NICE_STREAM, NICE_COMPONENT_TYPE_RTP) : NULL;
  GSList *l;

  for (l = list; l; l = l->next) {
    gchar *text = nice_agent_generate_local_candidate_sdp (agent, l->data);

    gst_dao_leg_on_candidate (leg, 0, text, NULL);
    g_free (text);
  }
  g_slist_free_full (list, (GDestroyNotify) nice_candidate_free);
  g_clear_object (&agent);
}
