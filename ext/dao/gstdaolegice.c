/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaoleg-private.h"
#include "gstdaoice.h"

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

gchar *
gst_dao_leg_get_local_address (GstDaoLeg * leg)
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

/* --- servers --- */

/* The end of it when only TURN may be used and none is @left, else a warning */
static void
tell_no_turn (GstDaoLeg * leg, gboolean left, const gchar * why)
{
  if (leg->config.relay_only && !left && !leg->peer_connected) {
    gst_dao_leg_fail (leg, DAO_CALL_REASON_ICE_FAILED,
        "media may go through a TURN server only, and there is none left: %s",
        why);
  } else {
    GST_WARNING_OBJECT (leg->bin, "%s", why);
    leg->callbacks.warning (leg, why, leg->user_data);
  }
}

static void
on_turn_refused (GstDaoLeg * leg, gint value, gchar * text,
    GstWebRTCSessionDescription * unused)
{
  leg->n_turn--;
  tell_no_turn (leg, leg->n_turn > 0, text);
}

/* On the forwarder's thread */
static void
post_turn_refused (const gchar * text, gpointer user_data)
{
  GstDaoLegEvent *event = gst_dao_leg_event_new (user_data, on_turn_refused);

  event->text = g_strdup (text);
  gst_dao_leg_event_post (event);
}

/* (transfer full) (nullable) */
static gchar *
list_turn_urls (const DaoIceConfig * config)
{
  GString *list = g_string_new (NULL);
  guint i;

  for (i = 0; config && i < config->servers->len; i++) {
    const DaoIceServer *server = g_ptr_array_index (config->servers, i);

    if (g_str_has_prefix (server->url, "turn"))
      g_string_append_printf (list, "%s%s", list->len ? ", " : "",
          server->url);
  }
  return g_string_free (list, list->len == 0);
}

static gboolean
has_relay_candidate (GstDaoLeg * leg)
{
  NiceAgent *agent = gst_dao_leg_get_agent (leg);
  GSList *list = agent ? nice_agent_get_local_candidates (agent,
      GST_DAO_NICE_STREAM, NICE_COMPONENT_TYPE_RTP) : NULL;
  gboolean relay = FALSE;
  GSList *l;

  for (l = list; l; l = l->next)
    relay |= ((NiceCandidate *) l->data)->type == NICE_CANDIDATE_TYPE_RELAYED;
  g_slist_free_full (list, (GDestroyNotify) nice_candidate_free);
  g_clear_object (&agent);
  return relay;
}

/* libnice sends a request to a server three times and gives up after four times this. The 2 s of its default are not
 * enough for a TURN server over TLS that is far away: two handshakes come before the first answer, in all four
 * round trips, and the certificate is checked. Checks of pairs have their own clock. */
#define REQUEST_MS 500
#define TCP_REQUEST_MS 1000

static void
set_patience (GstDaoLeg * leg, guint request_ms)
{
  NiceAgent *agent = gst_dao_leg_get_agent (leg);

  if (agent)
    g_object_set (agent, "stun-initial-timeout", request_ms, NULL);
  g_clear_object (&agent);
}

/* libnice does not tell why: what is known is that no answer was of use. */
void
gst_dao_leg_on_gathered (GstDaoLeg * leg, gint value, gchar * unused_text,
    GstWebRTCSessionDescription * unused)
{
  gchar *text;

  GST_INFO_OBJECT (leg->bin, "own candidates are complete");
  set_patience (leg, REQUEST_MS);
  if (leg->n_turn == 0 || has_relay_candidate (leg))
    return;
  text = g_strdup_printf ("No TURN server gave a relay address (%s): it was "
      "not reached, or refused the credential", leg->turn_urls);
  tell_no_turn (leg, FALSE, text);
  g_free (text);
}

gboolean
gst_dao_leg_configure_ice (GstDaoLeg * leg, const GstDaoLegConfig * config,
    GError ** error)
{
  GPtrArray *skipped = g_ptr_array_new_with_free_func ((GDestroyNotify)
      g_error_free);
  gboolean ok;
  guint i;

  leg->turn_tls = gst_dao_turn_tls_new (config->ca_file, post_turn_refused,
      gst_dao_leg_ref (leg), (GDestroyNotify) gst_dao_leg_unref);
  leg->turn_urls = list_turn_urls (config->ice);
  leg->renewal_us = config->ice ?
      dao_ice_config_get_renewal_us (config->ice) : G_MAXINT64;
  ok = gst_dao_ice_configure (leg->webrtc, config->ice, config->relay_only,
      leg->turn_tls, &leg->n_turn, skipped, error);
  for (i = 0; i < skipped->len; i++)
    leg->callbacks.warning (leg, ((GError *) g_ptr_array_index (skipped,
                i))->message, leg->user_data);
  g_ptr_array_unref (skipped);
  if (leg->turn_urls && (strstr (leg->turn_urls, "turns:")
          || strstr (leg->turn_urls, "transport=tcp")))
    set_patience (leg, TCP_REQUEST_MS);
  return ok;
}

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
