/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Addresses of the peer that can wait
 *
 * libnice, where it controls (the offerer), nominates a pair when one of two hosts is valid, or two of any
 * kind, or none is left to be checked. Behind NATs there is one that is valid after a round trip, the server-reflexive,
 * and a host's private address that nobody answers at: its three checks take 2 s to fail, and the call waited
 * for that. So the private address is given to the agent only when the others had their time.
 *
 * Where it is reachable nothing waits: behind one NAT the server-reflexive addresses are equal, and that ends the hold;
 * through a VPN the peer's own check comes from that address, and makes it known to the agent. With TURN there is
 * a second valid pair, and no reason to wait.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaoleg-private.h"
#include "gstdaothread.h"

#include <string.h>

#define GST_CAT_DEFAULT gst_dao_leg_debug

/* The peer's server-reflexive address comes a round trip after its host's, and its check fails after 2 s. A host
 * that joins before makes all of them wait once more. */
#define HOLD_MS 2500

typedef struct
{
  gint mline;
  gchar *line;
} Held;

static void
held_free (gpointer data)
{
  Held *held = data;

  g_free (held->line);
  g_free (held);
}

static gboolean
is_carrier_grade (const NiceAddress * address)
{
  /* 100.64.0.0/10 (RFC 6598) is no less private than 10.0.0.0/8. */
  return nice_address_ip_version (address) == 4
      && (ntohl (address->s.ip4.sin_addr.s_addr) & 0xffc00000) == 0x64400000;
}

static gboolean
is_private (const NiceAddress * address)
{
  return nice_address_is_private (address) || is_carrier_grade (address);
}

/* @line as gst_dao_ice_rebuild_candidate() writes it: its address, if it is of that type */
static gboolean
read_address (const gchar * line, const gchar * type, NiceAddress * address)
{
  gchar **f = g_strsplit (line, " ", -1);
  gboolean ok = g_strv_length (f) == 8 && g_str_equal (f[7], type)
      && nice_address_set_from_string (address, f[4]);

  g_strfreev (f);
  return ok;
}

/* Do we know how others see us, and (with @address) is it from there? */
static gboolean
has_public_address (GstDaoLeg * leg, const NiceAddress * address)
{
  NiceAgent *agent = gst_dao_leg_get_agent (leg);
  GSList *list = agent ? nice_agent_get_local_candidates (agent,
      GST_DAO_NICE_STREAM, NICE_COMPONENT_TYPE_RTP) : NULL;
  gboolean has = FALSE;
  GSList *l;

  for (l = list; l; l = l->next) {
    const NiceCandidate *c = l->data;

    has |= (c->type == NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE
        || !is_private (&c->addr))
        && (!address || nice_address_equal_no_port (&c->addr, address));
  }
  g_slist_free_full (list, (GDestroyNotify) nice_candidate_free);
  g_clear_object (&agent);
  return has;
}

static gboolean
on_hold_over (gpointer data)
{
  GstDaoLeg *leg = data;
  guint i;

  for (i = 0; leg->held && i < leg->held->len; i++) {
    const Held *held = g_ptr_array_index (leg->held, i);

    g_signal_emit_by_name (leg->webrtc, "add-ice-candidate", held->mline,
        held->line);
  }
  gst_dao_leg_end_hold (leg);
  leg->hold_over = TRUE;
  return G_SOURCE_REMOVE;
}

gboolean
gst_dao_leg_hold_candidate (GstDaoLeg * leg, gint mline, const gchar * line)
{
  NiceAddress address;
  Held *held;

  if (!leg->offerer || gst_dao_leg_has_turn (leg) || leg->hold_over)
    return FALSE;
  if (read_address (line, "srflx", &address)
      && has_public_address (leg, &address))
    on_hold_over (leg);
  if (!read_address (line, "host", &address) || !is_private (&address)
      || !has_public_address (leg, NULL))
    return FALSE;
  GST_DEBUG_OBJECT (leg->bin, "a private address of the peer waits");
  held = g_new0 (Held, 1);
  held->mline = mline;
  held->line = g_strdup (line);
  if (!leg->held)
    leg->held = g_ptr_array_new_with_free_func (held_free);
  g_ptr_array_add (leg->held, held);
  if (!leg->hold)
    leg->hold = gst_dao_thread_add_timeout (HOLD_MS, on_hold_over, leg);
  return TRUE;
}

void
gst_dao_leg_end_hold (GstDaoLeg * leg)
{
  if (leg->hold)
    g_source_destroy (leg->hold);
  g_clear_pointer (&leg->hold, g_source_unref);
  g_clear_pointer (&leg->held, g_ptr_array_unref);
}
