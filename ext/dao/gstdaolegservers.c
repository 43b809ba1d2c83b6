/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The STUN and TURN servers of a peer connection, and what is told of those that are of no use
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaoleg-private.h"
#include "gstdaoice.h"
#include "gstdaothread.h"
#include "gstdaoturnprobe.h"

#include <nice/interfaces.h>
#include <string.h>

#define GST_CAT_DEFAULT gst_dao_leg_debug

gboolean
gst_dao_leg_has_turn (GstDaoLeg * leg)
{
  guint i;

  for (i = 0; leg->servers && i < leg->servers->len; i++)
    if (((GstDaoIceServer *) leg->servers->pdata[i])->turn)
      return TRUE;
  return FALSE;
}

/* The end of it when only TURN may be used and none is @left, else a warning */
static void
tell (GstDaoLeg * leg, gboolean left, const gchar * why)
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

/* --- TLS refuses a server --- */

/* @port: of its forwarder */
static void
on_turn_refused (GstDaoLeg * leg, gint port, gchar * reason,
    GstWebRTCSessionDescription * unused)
{
  guint i;

  for (i = 0; i < leg->servers->len; i++) {
    GstDaoIceServer *server = leg->servers->pdata[i];
    gchar *text;

    if (server->forwarder != (guint) port || server->told)
      continue;
    server->told = TRUE;
    leg->n_turn--;
    text = g_strdup_printf ("TURN server '%s' cannot be used: %s",
        server->url, reason);
    tell (leg, leg->n_turn > 0, text);
    g_free (text);
    return;
  }
}

/* On the forwarder's thread */
static void
post_turn_refused (guint port, const gchar * reason, gpointer user_data)
{
  GstDaoLegEvent *event = gst_dao_leg_event_new (user_data, on_turn_refused);

  event->value = port;
  event->text = g_strdup (reason);
  gst_dao_leg_event_post (event);
}

/* --- who gave nothing --- */

/* What all of the servers that are asked again have for it, together. A name that is not resolved, say. */
#define PROBE_MS 2500

/* One round of asking; the servers are not changed meanwhile, but for what is told of them. */
typedef struct Probes
{
  GstDaoLeg *leg;
  GPtrArray *servers;           /* of GstDaoIceServer */
  GPtrArray *gave;              /* GInetAddress of servers that gave something */
  GCancellable *cancellable;
  struct ProbeOne
  {
    struct Probes *probes;
    const GstDaoIceServer *server;      /* NULL = not asked */
    GThread *thread;
    gchar *reason;
  } one[DAO_ICE_CONFIG_MAX_SERVERS];
} Probes;

static void
probes_free (gpointer data)
{
  Probes *probes = data;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (probes->one); i++)
    g_free (probes->one[i].reason);
  g_ptr_array_unref (probes->servers);
  g_ptr_array_unref (probes->gave);
  g_object_unref (probes->cancellable);
  gst_dao_leg_unref (probes->leg);
  g_free (probes);
}

/* --- asking --- */

static gpointer
probe_one (gpointer data)
{
  struct ProbeOne *one = data;
  const GstDaoIceServer *server = one->server;

  one->reason = gst_dao_turn_probe (server->address, server->tcp,
      server->username, server->credential,
      server->forwarder ? NULL : one->probes->gave, one->probes->cancellable);
  return NULL;
}

static void tell_probed (gpointer data, gpointer user_data);

/* On a worker */
static void
probe_all (gpointer data, gpointer user_data)
{
  Probes *probes = data;
  guint i;

  for (i = 0; i < probes->servers->len; i++)
    if (probes->one[i].server)
      probes->one[i].thread = g_thread_new ("dao-turn-probe", probe_one,
          &probes->one[i]);
  for (i = 0; i < probes->servers->len; i++)
    if (probes->one[i].thread)
      g_thread_join (probes->one[i].thread);
  gst_dao_thread_post (tell_probed, probes, probes_free);
}

static gboolean
on_probe_deadline (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_REMOVE;
}

static void
start_probes (GstDaoLeg * leg, Probes * probes)
{
  leg->probe_deadline = gst_dao_thread_add_timeout (PROBE_MS,
      on_probe_deadline, probes->cancellable);
  leg->probing = g_object_ref (probes->cancellable);
  gst_dao_thread_run_worker (probe_all, probes);
}

void
gst_dao_leg_end_probes (GstDaoLeg * leg)
{
  gst_dao_clear_source (&leg->probe_deadline);
  if (leg->probing)
    g_cancellable_cancel (leg->probing);
  g_clear_object (&leg->probing);
}

/* --- whom to ask --- */

static GSList *
get_candidates (GstDaoLeg * leg)
{
  NiceAgent *agent = gst_dao_leg_get_agent (leg);
  GSList *list = agent ? nice_agent_get_local_candidates (agent,
      GST_DAO_NICE_STREAM, NICE_COMPONENT_TYPE_RTP) : NULL;

  g_clear_object (&agent);
  return list;
}

static gboolean
has_candidate (GSList * candidates, NiceCandidateType type)
{
  GSList *l;

  for (l = candidates; l; l = l->next)
    if (((NiceCandidate *) l->data)->type == type)
      return TRUE;
  return FALSE;
}

/* The host that all TURN servers are of, by whatever transport; NULL when they are of several */
static const gchar *
get_only_host (GPtrArray * servers)
{
  const gchar *host = NULL;
  guint i;

  for (i = 0; i < servers->len; i++) {
    GstDaoIceServer *server = servers->pdata[i];

    if (server->turn && host && !g_str_equal (host, server->host))
      return NULL;
    if (server->turn)
      host = server->host;
  }
  return host;
}

/* Of which host this relay candidate is. libnice does not tell, but with one host it is clear, and most servers relay
 * from the address at which they listen. A server that cannot be told from its address is asked, and found to work. */
static void
note_giver (GPtrArray * servers, const NiceCandidate * candidate,
    GHashTable * hosts, GPtrArray * gave)
{
  const gchar *only = get_only_host (servers);
  gchar ip[NICE_ADDRESS_STRING_LEN];

  if (only) {
    g_hash_table_add (hosts, g_strdup (only));
    return;
  }
  nice_address_to_string (&candidate->addr, ip);
  g_hash_table_add (hosts, strchr (ip, ':') ? g_strconcat ("[", ip, "]",
          NULL) : g_strdup (ip));
  g_ptr_array_add (gave, g_inet_address_new_from_string (ip));
}

/* STUN has nothing to tell where there is no address translation; where another told our address it told the
 * same, and one that media goes through needs no other. */
static gboolean
should_ask (GstDaoLeg * leg, const GstDaoIceServer * server,
    GHashTable * hosts, gboolean reflexive)
{
  if (server->told || g_hash_table_contains (hosts, server->host))
    return FALSE;
  return server->turn || (!reflexive && !leg->config.relay_only);
}

/* (transfer full): with whom to ask in it; NULL = all of them gave something */
static Probes *
choose_whom_to_ask (GstDaoLeg * leg, GSList * candidates)
{
  Probes *probes = g_new0 (Probes, 1);
  GHashTable *hosts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      NULL);
  gboolean reflexive = has_candidate (candidates,
      NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE), any = FALSE;
  GSList *l;
  guint i;

  probes->leg = gst_dao_leg_ref (leg);
  probes->servers = g_ptr_array_ref (leg->servers);
  probes->gave = g_ptr_array_new_with_free_func (g_object_unref);
  probes->cancellable = g_cancellable_new ();
  for (l = candidates; l; l = l->next)
    if (((NiceCandidate *) l->data)->type == NICE_CANDIDATE_TYPE_RELAYED)
      note_giver (leg->servers, l->data, hosts, probes->gave);
  for (i = 0; i < leg->servers->len; i++) {
    GstDaoIceServer *server = leg->servers->pdata[i];

    probes->one[i].probes = probes;
    if (should_ask (leg, server, hosts, reflexive))
      probes->one[i].server = server;
    any |= probes->one[i].server != NULL;
  }
  g_hash_table_unref (hosts);
  if (!any)
    g_clear_pointer (&probes, probes_free);
  return probes;
}

void
gst_dao_leg_on_gathered (GstDaoLeg * leg, gint value, gchar * unused_text,
    GstWebRTCSessionDescription * unused)
{
  GSList *candidates;
  Probes *probes;

  GST_INFO_OBJECT (leg->bin, "own candidates are complete");
  set_patience (leg, REQUEST_MS);
  if (leg->probed)
    return;
  leg->probed = TRUE;
  candidates = get_candidates (leg);
  probes = choose_whom_to_ask (leg, candidates);
  g_slist_free_full (candidates, (GDestroyNotify) nice_candidate_free);
  if (probes)
    start_probes (leg, probes);
  else
    gst_dao_turn_tls_stop_listening (leg->turn_tls);
}

/* --- what they said --- */

static void
add_reason (GString * text, const GstDaoIceServer * server,
    const gchar * reason)
{
  g_string_append_printf (text, "%s'%s': %s", text->len ? "; " : "",
      server->url, reason);
}

static void
tell_probed (gpointer data, gpointer user_data)
{
  Probes *probes = data;
  GstDaoLeg *leg = probes->leg;
  GString *reasons = g_string_new (NULL);
  GSList *candidates;
  gboolean relayed;
  gchar *text;
  guint i;

  if (leg->closed) {
    g_string_free (reasons, TRUE);
    return;
  }
  gst_dao_leg_end_probes (leg);
  gst_dao_turn_tls_stop_listening (leg->turn_tls);
  candidates = get_candidates (leg);
  relayed = leg->n_turn == 0
      || has_candidate (candidates, NICE_CANDIDATE_TYPE_RELAYED);
  g_slist_free_full (candidates, (GDestroyNotify) nice_candidate_free);
  for (i = 0; i < leg->servers->len; i++) {
    GstDaoIceServer *server = leg->servers->pdata[i];
    const gchar *reason = probes->one[i].reason;

    if (!probes->one[i].server || server->told)
      continue;
    if (!reason && !relayed && server->turn)
      reason = "it answered too late";
    if (reason)
      add_reason (reasons, server, reason);
    server->told = reason != NULL;
  }
  text = g_strconcat (relayed ? "Servers that gave no address: " :
      "No TURN server gave a relay address: ", reasons->str, NULL);
  if (reasons->len > 0)
    tell (leg, relayed, text);
  g_free (text);
  g_string_free (reasons, TRUE);
}

/* --- setting them --- */

gboolean
gst_dao_leg_configure_ice (GstDaoLeg * leg, const GstDaoLegConfig * config,
    GError ** error)
{
  GPtrArray *skipped = g_ptr_array_new_with_free_func ((GDestroyNotify)
      g_error_free);
  gboolean ok, tcp = FALSE;
  guint i;

  leg->turn_tls = gst_dao_turn_tls_new (config->ca_file, post_turn_refused,
      gst_dao_leg_ref (leg), (GDestroyNotify) gst_dao_leg_unref);
  leg->addresses = nice_interfaces_get_local_ips (FALSE);
  leg->renewal_us = config->ice ?
      dao_ice_config_get_renewal_us (config->ice) : G_MAXINT64;
  ok = gst_dao_ice_configure (leg->webrtc, config->ice, config->relay_only,
      leg->turn_tls, leg->servers, skipped, error);
  for (i = 0; i < skipped->len; i++)
    leg->callbacks.warning (leg, ((GError *) g_ptr_array_index (skipped,
                i))->message, leg->user_data);
  g_ptr_array_unref (skipped);
  for (i = 0; i < leg->servers->len; i++) {
    GstDaoIceServer *server = leg->servers->pdata[i];

    leg->n_turn += server->turn;
    tcp |= server->tcp;
  }
  if (tcp)
    set_patience (leg, TCP_REQUEST_MS);
  return ok;
}
