/* gst-dao: the offers and answers of one call, without I/O
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-negotiation.h"

#include <string.h>

void
dao_negotiation_init (DaoNegotiation * self, DaoRole role)
{
  memset (self, 0, sizeof *self);
  self->role = role;
}

void
dao_negotiation_clear (DaoNegotiation * self)
{
  g_free (self->remote_ufrag);
  g_free (self->queued_sdp);
  memset (self, 0, sizeof *self);
}

static void
enter (DaoNegotiation * self, DaoNegotiationState state)
{
  self->state = state;
  self->handed_out = FALSE;
}

void
dao_negotiation_first_offer (DaoNegotiation * self)
{
  self->leg = 0;
  self->gen = 1;
  enter (self, DAO_NEGOTIATION_HAVE_LOCAL_OFFER);
}

gboolean
dao_negotiation_request (DaoNegotiation * self, guint wants)
{
  if (self->role != DAO_ROLE_CALLER || !self->established || wants == 0)
    return FALSE;
  /* Both sides want a new leg at the same time: the one that is being made is it. */
  if (self->state == DAO_NEGOTIATION_HAVE_LOCAL_OFFER && self->makes_leg)
    wants &= ~DAO_NEGOTIATION_WANT_LEG;
  self->wants |= wants;
  return TRUE;
}

gboolean
dao_negotiation_next_offer (DaoNegotiation * self, guint * wants)
{
  if (self->wants == 0 || self->state != DAO_NEGOTIATION_STABLE)
    return FALSE;

  *wants = self->wants | (self->abandoned ? DAO_NEGOTIATION_WANT_LEG : 0);
  self->wants = 0;
  self->abandoned = FALSE;
  /* A new peer connection has new ICE credentials anyway. */
  if (*wants & DAO_NEGOTIATION_WANT_LEG) {
    *wants &= ~DAO_NEGOTIATION_WANT_RESTART;
    self->leg++;
  }
  self->makes_leg = (*wants & DAO_NEGOTIATION_WANT_LEG) != 0;
  self->gen++;
  enter (self, DAO_NEGOTIATION_HAVE_LOCAL_OFFER);
  return TRUE;
}

void
dao_negotiation_abandon (DaoNegotiation * self)
{
  if (!self->established || !self->ext)
    return;
  self->abandoned = TRUE;
  enter (self, DAO_NEGOTIATION_STABLE);
}

gboolean
dao_negotiation_local_description (DaoNegotiation * self, gboolean * is_offer)
{
  switch (self->state) {
    case DAO_NEGOTIATION_HAVE_LOCAL_OFFER:
      if (self->handed_out)
        return FALSE;
      self->handed_out = TRUE;
      *is_offer = TRUE;
      return TRUE;
    case DAO_NEGOTIATION_HAVE_REMOTE_OFFER:
      if (!self->handed_out)
        return FALSE;
      self->established = TRUE;
      enter (self, DAO_NEGOTIATION_STABLE);
      *is_offer = FALSE;
      return TRUE;
    case DAO_NEGOTIATION_STABLE:
      break;
  }
  return FALSE;
}

/* Without `ext` the peer does not count; then we count its offers for it. */
static void
number_offer (DaoNegotiation * self, guint * leg, guint * gen)
{
  if (!self->ext) {
    *leg = self->leg;
    *gen = self->gen + 1;
  }
}

static DaoNegotiationVerdict
queue_offer (DaoNegotiation * self, guint leg, guint gen, const gchar * sdp)
{
  if (self->queued_sdp != NULL && self->ext && gen <= self->queued_gen)
    return DAO_NEGOTIATION_STALE;
  g_free (self->queued_sdp);
  self->queued_sdp = g_strdup (sdp);
  self->queued_leg = leg;
  self->queued_gen = gen;
  return DAO_NEGOTIATION_QUEUED;
}

static void
open_remote_offer (DaoNegotiation * self, guint leg, guint gen)
{
  self->leg = leg;
  self->gen = gen;
  enter (self, DAO_NEGOTIATION_HAVE_REMOTE_OFFER);
}

DaoNegotiationVerdict
dao_negotiation_remote_offer (DaoNegotiation * self, guint leg, guint gen,
    const gchar * sdp)
{
  gboolean first = self->role == DAO_ROLE_CALLEE && self->gen == 0;

  /* Towards peers with `ext` only the caller offers; others may, once the call stands. */
  if (self->role == DAO_ROLE_CALLER && (self->ext || !self->established))
    return DAO_NEGOTIATION_WRONG;
  /* No rollback (webrtcbin.md, 2): our own open offer stands. */
  if (self->state == DAO_NEGOTIATION_HAVE_LOCAL_OFFER)
    return DAO_NEGOTIATION_WRONG;
  if (self->offers_received >= DAO_NEGOTIATION_MAX_OFFERS)
    return DAO_NEGOTIATION_WRONG;
  if (self->ext && !first && (leg < self->leg || gen <= self->gen))
    return DAO_NEGOTIATION_STALE;

  self->offers_received++;
  number_offer (self, &leg, &gen);
  if (self->state == DAO_NEGOTIATION_HAVE_REMOTE_OFFER && self->handed_out)
    return queue_offer (self, leg, gen, sdp);
  open_remote_offer (self, leg, gen);
  return DAO_NEGOTIATION_ACCEPT;
}

void
dao_negotiation_begin_answer (DaoNegotiation * self)
{
  g_return_if_fail (self->state == DAO_NEGOTIATION_HAVE_REMOTE_OFFER);
  self->handed_out = TRUE;
}

gboolean
dao_negotiation_next_remote (DaoNegotiation * self, gchar ** sdp)
{
  if (self->queued_sdp == NULL || self->state != DAO_NEGOTIATION_STABLE)
    return FALSE;
  *sdp = g_steal_pointer (&self->queued_sdp);
  open_remote_offer (self, self->queued_leg, self->queued_gen);
  return TRUE;
}

DaoNegotiationVerdict
dao_negotiation_check_answer (DaoNegotiation * self, gboolean ext, guint leg,
    guint gen)
{
  if (self->state != DAO_NEGOTIATION_HAVE_LOCAL_OFFER || !self->handed_out)
    return DAO_NEGOTIATION_WRONG;
  if ((ext || self->ext) && (leg != self->leg || gen != self->gen))
    return DAO_NEGOTIATION_STALE;
  return DAO_NEGOTIATION_ACCEPT;
}

void
dao_negotiation_remote_answer (DaoNegotiation * self)
{
  g_return_if_fail (self->state == DAO_NEGOTIATION_HAVE_LOCAL_OFFER);
  self->established = TRUE;
  enter (self, DAO_NEGOTIATION_STABLE);
}

/* RFC 8839, 5.4: the first a=ice-ufrag; bundled sections all have the same. */
static gchar *
first_ufrag (const gchar * sdp)
{
  static const gchar name[] = "a=ice-ufrag:";
  const gchar *at = sdp;

  while (at != NULL) {
    if (g_str_has_prefix (at, name)) {
      at += strlen (name);
      return g_strndup (at, strcspn (at, "\r\n"));
    }
    at = strchr (at, '\n');
    if (at != NULL)
      at++;
  }
  return NULL;
}

gboolean
dao_negotiation_remote_description (DaoNegotiation * self, const gchar * sdp)
{
  gchar *ufrag = first_ufrag (sdp);
  gboolean first = self->remote_gen == 0;
  gboolean new_leg = !first && self->leg != self->remote_leg;
  gboolean restart = !first && !new_leg
      && g_strcmp0 (ufrag, self->remote_ufrag) != 0;

  if (first || new_leg || restart)
    self->ice_gen = self->gen;
  self->remote_leg = self->leg;
  self->remote_gen = self->gen;
  g_free (self->remote_ufrag);
  self->remote_ufrag = ufrag;
  return restart;
}

DaoNegotiationVerdict
dao_negotiation_candidate (DaoNegotiation * self, guint ext, guint leg,
    guint gen)
{
  if (self->remote_gen == 0)
    return DAO_NEGOTIATION_QUEUED;
  /* What it belongs to is not said: it may be to the offer that waits, and a restart forgets all that came before. */
  if (!ext)
    return self->queued_sdp != NULL ? DAO_NEGOTIATION_QUEUED :
        DAO_NEGOTIATION_ACCEPT;
  if (leg < self->remote_leg || gen < self->ice_gen)
    return DAO_NEGOTIATION_STALE;
  if (leg > self->remote_leg || gen > self->remote_gen)
    return DAO_NEGOTIATION_QUEUED;
  return DAO_NEGOTIATION_ACCEPT;
}
