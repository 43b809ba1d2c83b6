/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaoleg-private.h"
#include "gstdaoice.h"

#include <nice/interfaces.h>
#include <string.h>

#define GST_CAT_DEFAULT gst_dao_leg_debug

NiceAgent *
gst_dao_leg_get_agent (GstDaoLeg * leg)
{
  GObject *ice = NULL;
  NiceAgent *agent = NULL;

  g_object_get (leg->webrtc, "ice-agent", &ice, NULL);
  if (ice)
    g_object_get (ice, "agent", &agent, NULL);
  g_clear_object (&ice);
  return agent;
}

/* (transfer full) (nullable): of ours, the one that the selected pair sends from; NULL if that is not known */
static gchar *
get_local_address (GstDaoLeg * leg)
{
  NiceAgent *agent = gst_dao_leg_get_agent (leg);
  gchar text[NICE_ADDRESS_STRING_LEN];
  NiceCandidate *local, *remote;
  gchar *address = NULL;

  if (agent && nice_agent_get_selected_pair (agent, GST_DAO_NICE_STREAM,
          NICE_COMPONENT_TYPE_RTP, &local, &remote)) {
    nice_address_to_string (&local->base_addr, text);
    /* The base of a relay candidate is the server's address. */
    if (local->type != NICE_CANDIDATE_TYPE_RELAYED)
      address = g_strdup (text);
  }
  g_clear_object (&agent);
  return address;
}

/* Link-local IPv6 addresses come with and without their zone. */
static gint
compare_addresses (gconstpointer a, gconstpointer b)
{
  gsize length = strcspn (a, "%");

  return length == strcspn (b, "%") && strncmp (a, b, length) == 0 ? 0 : 1;
}

/* While there is no address at all there is nothing to move to. Through a TURN server it is one of those that there
 * were at the beginning: when none of them is left, ours is not. */
gboolean
gst_dao_leg_lost_address (GstDaoLeg * leg)
{
  gchar *used = get_local_address (leg);
  GList *now = nice_interfaces_get_local_ips (FALSE), *l;
  gboolean lost = now != NULL;

  if (used)
    lost = lost && !g_list_find_custom (now, used, compare_addresses)
        && !g_str_has_prefix (used, "127.") && !g_str_equal (used, "::1");
  else
    for (l = leg->addresses; l; l = l->next)
      lost = lost && !g_list_find_custom (now, l->data, compare_addresses);
  lost = lost && (used || leg->addresses);
  g_list_free_full (now, g_free);
  g_free (used);
  return lost;
}

/* TURN credentials end with their ttl, and libnice cannot renew them. The peer's are its own matter. */
gboolean
gst_dao_leg_credentials_end (GstDaoLeg * leg)
{
  NiceAgent *agent = g_get_monotonic_time () >= leg->renewal_us ?
      gst_dao_leg_get_agent (leg) : NULL;
  NiceCandidate *local, *remote;
  gboolean end = agent && nice_agent_get_selected_pair (agent,
      GST_DAO_NICE_STREAM, NICE_COMPONENT_TYPE_RTP, &local, &remote)
      && local->type == NICE_CANDIDATE_TYPE_RELAYED;

  g_clear_object (&agent);
  return end;
}

void
gst_dao_leg_log_pair (GstDaoLeg * leg)
{
  static const gchar *const types[] =
      {[NICE_CANDIDATE_TYPE_HOST] = "host",
    [NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE] = "srflx",
    [NICE_CANDIDATE_TYPE_PEER_REFLEXIVE] = "prflx",
    [NICE_CANDIDATE_TYPE_RELAYED] = "relay"
  };
  NiceAgent *agent = gst_dao_leg_get_agent (leg);
  NiceCandidate *local, *remote;

  if (agent && nice_agent_get_selected_pair (agent, GST_DAO_NICE_STREAM,
          NICE_COMPONENT_TYPE_RTP, &local, &remote))
    GST_INFO_OBJECT (leg->bin, "selected pair: local %s, remote %s",
        types[local->type], types[remote->type]);
  g_clear_object (&agent);
}

gboolean
gst_dao_leg_is_relayed (GstDaoLeg * leg)
{
  NiceAgent *agent = gst_dao_leg_get_agent (leg);
  NiceCandidate *local, *remote;
  gboolean relayed = FALSE;

  /* libnice numbers streams from 1, and BUNDLE leaves just one */
  if (agent && nice_agent_get_selected_pair (agent, 1, 1, &local, &remote))
    relayed = local->type == NICE_CANDIDATE_TYPE_RELAYED
        || remote->type == NICE_CANDIDATE_TYPE_RELAYED;
  g_clear_object (&agent);
  return relayed;
}

/* --- the end --- */

/* A server that is gone must not hold a worker for long: two tries over UDP and one over TCP. */
#define RELEASE_TRY_MS 300
#define RELEASE_TRIES 2
#define RELEASE_TCP_MS 1000
/* Longer than libnice takes then; beyond it, the agent stays behind. */
#define RELEASE_MAX_MS 10000

static void
on_released (GObject * agent, GAsyncResult * result, gpointer user_data)
{
  g_atomic_int_set ((gint *) user_data, TRUE);
}

static gboolean
on_release_deadline (gpointer user_data)
{
  *(gint *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

/* libnice answers in the context that is the thread's default: here one of our own. */
static void
close_agent (GstDaoLeg * leg, NiceAgent * agent)
{
  GMainContext *context = g_main_context_new ();
  GSource *deadline = g_timeout_source_new (RELEASE_MAX_MS);
  gint *released = g_new0 (gint, 1), late = FALSE;

  g_object_set (agent, "stun-initial-timeout", RELEASE_TRY_MS,
      "stun-max-retransmissions", RELEASE_TRIES, "stun-reliable-timeout",
      RELEASE_TCP_MS, NULL);
  g_source_set_callback (deadline, on_release_deadline, &late, NULL);
  g_source_attach (deadline, context);
  g_main_context_push_thread_default (context);
  nice_agent_close_async (agent, on_released, released);
  while (!g_atomic_int_get (released) && !late)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  if (g_atomic_int_get (released))
    g_free (released);
  else
    GST_WARNING_OBJECT (leg->bin, "the agent does not end");
  g_source_destroy (deadline);
  g_source_unref (deadline);
  g_main_context_unref (context);
}

void
gst_dao_leg_release_relays (GstDaoLeg * leg)
{
  NiceAgent *agent = leg->n_turn > 0 ? gst_dao_leg_get_agent (leg) : NULL;

  if (agent)
    close_agent (leg, agent);
  g_clear_object (&agent);
  g_clear_pointer (&leg->turn_tls, gst_dao_turn_tls_close);
}

/* --- candidates --- */

void
gst_dao_leg_on_candidate (GstDaoLeg * leg, gint mline, gchar * text,
    GstWebRTCSessionDescription * unused)
{
  const gchar *line = g_str_has_prefix (text, "a=") ? text + 2 : text;
  gchar *filtered =
      gst_dao_ice_filter_local (line, leg->config.relay_only);

  if (filtered && mline >= 0 && mline < (gint) leg->local.n_media)
    leg->callbacks.candidate (leg, filtered, leg->local.media[mline].mid,
        mline, leg->user_data);
  g_free (filtered);
}

void
gst_dao_leg_add_candidate (GstDaoLeg * leg, const gchar * candidate,
    const gchar * mid, gint mline_index)
{
  guint i;
  gint mline = mline_index;
  gchar *line = gst_dao_ice_rebuild_candidate (candidate);

  for (i = 0; mid && i < leg->remote.n_media; i++)
    if (g_str_equal (leg->remote.media[i].mid, mid))
      mline = i;
  /* End of candidates ("") changes nothing for us: our own timers decide. */
  if (!line || mline < 0 || mline >= (gint) leg->remote.n_media
      || !leg->remote.media[mline].accepted)
    GST_DEBUG_OBJECT (leg->bin, "candidate ignored: %s", candidate);
  else if (!gst_dao_leg_hold_candidate (leg, mline, line))
    g_signal_emit_by_name (leg->webrtc, "add-ice-candidate", mline, line);
  g_free (line);
}
