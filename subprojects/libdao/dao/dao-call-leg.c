/* gst-dao: the exchange of a new leg, kept and said again
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A new leg is for an address that changed: one side comes back from being away, and the other may be away still. The
 * relay keeps nothing for who is not there. A copy has the `leg` and `gen` of the original and is sealed anew, with
 * its own `_ts` and `_nonce`, so that nobody takes it for a replay.
 */
#include "dao-call-private.h"

void
dao_call_begin_exchange (DaoCall * call, gboolean new_leg)
{
  dao_call_close_leg (call);
  call->local_ready = FALSE;
  call->leg_is_open = new_leg && call->negotiation.ext;
}

void
dao_call_close_leg (DaoCall * call)
{
  call->leg_is_open = FALSE;
  call->leg_repeats = 0;
  g_queue_clear_full (&call->open_leg, (GDestroyNotify) dao_signal_free);
}

void
dao_call_say (DaoCall * call, DaoSignal * signal, gint64 now_ms)
{
  gboolean kept = call->leg_is_open
      && g_queue_get_length (&call->open_leg) < DAO_CALL_MAX_OPEN_LEG;

  if (kept)
    g_queue_push_tail (&call->open_leg, dao_signal_copy (signal));
  /* What is kept leaves when the relay is back; once is enough. */
  if (kept && !call->online)
    dao_signal_free (signal);
  else
    dao_call_send (call, signal, now_ms);
}

void
dao_call_say_leg_again (DaoCall * call, gint64 now_ms)
{
  if (!call->online)
    return;
  for (GList * l = call->open_leg.head; l != NULL; l = l->next)
    dao_call_send (call, dao_signal_copy (l->data), now_ms);
}

static void
peer_is_back (DaoCall * call, gint64 now_ms)
{
  /* empty: the description is on its way */
  if (g_queue_is_empty (&call->open_leg)
      || call->leg_repeats >= DAO_CALL_MAX_LEG_REPEATS)
    return;
  call->leg_repeats++;
  dao_call_say_leg_again (call, now_ms);
}

gboolean
dao_call_offer_leg_again (DaoCall * call, gint64 now_ms)
{
  if (!call->leg_is_open
      || call->negotiation.state != DAO_NEGOTIATION_HAVE_LOCAL_OFFER)
    return FALSE;
  peer_is_back (call, now_ms);
  return TRUE;
}

gboolean
dao_call_answer_leg_again (DaoCall * call, const DaoSignal * offer,
    gint64 now_ms)
{
  if (!call->leg_is_open || call->role != DAO_ROLE_CALLEE
      || offer->leg != call->negotiation.leg
      || offer->gen != call->negotiation.gen)
    return FALSE;
  peer_is_back (call, now_ms);
  return TRUE;
}

void
dao_call_leg_is_answered (DaoCall * call)
{
  if (call->leg_is_open)
    dao_signal_free (g_queue_pop_head (&call->open_leg));
}

void
dao_call_leg_is_connected (DaoCall * call)
{
  /* Before it is described, this is the leg that it is to take over from. */
  if (call->leg_is_open && call->local_ready)
    dao_call_close_leg (call);
}

gboolean
dao_call_heard_before (DaoCall * call, const DaoSignal * candidate)
{
  /* The first leg is never said again. */
  if (candidate->leg == 0)
    return FALSE;
  if (g_hash_table_size (call->heard) >= DAO_CALL_MAX_CANDIDATES_TOTAL)
    g_hash_table_remove_all (call->heard);
  return !g_hash_table_add (call->heard, g_strdup_printf ("%u %u %d %s %s",
          candidate->leg, candidate->gen, candidate->sdp_mline_index,
          candidate->sdp_mid ? candidate->sdp_mid : "", candidate->candidate));
}
