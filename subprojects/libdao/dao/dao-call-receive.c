/* gst-dao: what a call does with the signals of peers
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * protocol.md e.7, column [R]. What does not belong to the call, or not to
 * its state, is ignored and counted.
 */
#include "dao-call-private.h"

#include <sodium.h>
#include <string.h>

static void
ignore (DaoCall * call, const DaoSignal * signal, const gchar * why)
{
  call->ignored++;
  g_debug ("ignored %s of %s: %s", dao_signal_type_to_string (signal->type),
      signal->from, why);
}

static gboolean
is_current (DaoCall * call, const DaoSignal * signal)
{
  return dao_call_is_active (call)
      && g_strcmp0 (signal->from, call->peer) == 0
      && g_strcmp0 (signal->call_id, call->id) == 0;
}

/* The envelope checks this as well; here a call does not depend on it. */
static gboolean
is_for_us (DaoCall * call, const DaoSignal * signal)
{
  if (signal->to == NULL)
    return !signal->e2ee;
  return g_strcmp0 (signal->to, call->settings.own_alias) == 0;
}

static gboolean
has_sdp (const DaoSignal * signal)
{
  return signal->sdp != NULL && *signal->sdp != '\0';
}

/* A call_reject to one whose call we do not take; our own call is not touched. */
static void
turn_away (DaoCall * call, const DaoSignal * offer, const gchar * reason,
    gint64 now_ms)
{
  DaoSignal *signal = dao_signal_new (DAO_SIGNAL_REJECT,
      call->settings.own_alias, offer->from, offer->call_id);

  signal->ext = DAO_CALL_ANNOUNCED_EXT;
  signal->reason = g_strdup (reason);
  dao_call_send (call, signal, now_ms);
}

static void
end_downgraded (DaoCall * call, gint64 now_ms)
{
  dao_call_finish (call, DAO_CALL_ENDED, DAO_CALL_REASON_E2EE_DOWNGRADE, TRUE,
      dao_call_reason_to_text (DAO_CALL_REASON_E2EE_DOWNGRADE), now_ms);
}

/* The contact may not call any more, in the middle of a call. */
static void
end_refused (DaoCall * call, DaoCallReason refusal, gint64 now_ms)
{
  dao_call_finish (call, DAO_CALL_ENDED, refusal, TRUE,
      dao_call_reason_to_text (refusal), now_ms);
}

/* --- offers --- */

static gboolean
may_auto_answer (DaoCall * call)
{
  const DaoCallSettings *settings = &call->settings;

  if (!settings->auto_answer)
    return FALSE;
  if (settings->min_trust == DAO_TRUST_VERIFIED && !call->verified)
    return FALSE;
  return settings->allow == NULL || settings->allow[0] == NULL
      || g_strv_contains ((const gchar * const *) settings->allow, call->peer);
}

static void
ring (DaoCall * call, const DaoSignal * signal, const DaoContact * contact,
    DaoCallReason why, gint64 now_ms)
{
  dao_call_begin (call, DAO_ROLE_CALLEE, signal->from, signal->call_id,
      contact);
  call->negotiation.ext = signal->ext > 0;
  dao_negotiation_remote_offer (&call->negotiation, signal->leg, signal->gen,
      signal->sdp);
  dao_call_e2ee_remember (call, signal);
  call->offer_sdp = g_strdup (signal->sdp);
  call->audio = TRUE;
  call->video = dao_sdp_is_video (signal->sdp);
  dao_call_take_early (call, now_ms);
  dao_call_set_timer (call, DAO_CALL_TIMER_RING,
      now_ms + DAO_CALL_RING_TIMEOUT_MS);

  dao_call_push (call, DAO_CALL_ACTION_INCOMING)->video = call->video;
  dao_call_change_state (call, DAO_CALL_RINGING, why);
  if (may_auto_answer (call))
    dao_call_accept (call, now_ms);
}

/* Our own call gives way: it is gone without an end that the application would see. */
static void
abandon_own_call (DaoCall * call)
{
  dao_call_drop_media_actions (call);
  dao_call_prune_outbox (call, FALSE);
  dao_call_remember_ended (call, call->peer, call->id);
  dao_call_wipe (call);
  dao_call_push (call, DAO_CALL_ACTION_CLOSE);
  call->state = DAO_CALL_IDLE;
}

/* --- recall --- */

void
dao_call_forget_recall (DaoCall * call)
{
  g_clear_pointer (&call->recall, dao_call_entry_free);
  sodium_memzero (call->recall_key, 32);
}

/* Kept until the driver has taken the end of the old call: its record is made of what dao_call_get_* say then. */
static void
keep_recall (DaoCall * call, const DaoSignal * signal,
    const DaoContact * contact, gint64 now_ms)
{
  call->recall = g_new0 (DaoCallEntry, 1);
  call->recall->signal = dao_signal_copy (signal);
  call->recall->at_ms = now_ms;
  call->recall_contact = (DaoContact) {
  .trust = contact->trust,.e2ee_seen = contact->e2ee_seen};
  memcpy (call->recall_contact.ed25519_public, contact->ed25519_public, 32);
  memcpy (call->recall_key, contact->session_key, 32);
  call->recall_contact.session_key = call->recall_key;
}

gboolean
dao_call_ring_recall (DaoCall * call)
{
  DaoCallEntry *recall = g_steal_pointer (&call->recall);

  if (recall == NULL)
    return FALSE;
  if (!dao_call_is_active (call))
    ring (call, recall->signal, &call->recall_contact, DAO_CALL_REASON_NONE,
        recall->at_ms);
  dao_call_entry_free (recall);
  dao_call_forget_recall (call);
  return TRUE;
}

/* The same contact, another call_id. */
static void
receive_second_offer (DaoCall * call, const DaoSignal * signal,
    const DaoContact * contact, gint64 now_ms)
{
  if (call->state != DAO_CALL_CALLING) {
    /* Recall (field.md S10): it would not call if it still had the old call. */
    dao_call_finish (call, DAO_CALL_ENDED, DAO_CALL_REASON_REMOTE_HANGUP,
        FALSE, NULL, now_ms);
    keep_recall (call, signal, contact, now_ms);
  } else if (g_strcmp0 (call->settings.own_alias, signal->from) < 0) {
    /* Glare: both sides come to the same end without another frame. */
    dao_call_remember_ended (call, signal->from, signal->call_id);
    ignore (call, signal, "glare, our call stands");
  } else {
    abandon_own_call (call);
    ring (call, signal, contact, DAO_CALL_REASON_GLARE, now_ms);
  }
}

static void
receive_new_offer (DaoCall * call, const DaoSignal * signal,
    const DaoContact * contact, DaoCallReason refusal, gint64 now_ms)
{
  DaoCallReason reason;

  /* the newest offer counts */
  dao_call_forget_recall (call);
  if (dao_call_is_ended_id (call, signal->from, signal->call_id)) {
    ignore (call, signal, "ended call");
    return;
  }
  if (contact == NULL) {
    if (refusal == DAO_CALL_REASON_CONTACT_CHANGED
        || refusal == DAO_CALL_REASON_UNVERIFIED) {
      dao_call_push_error (call, refusal, dao_call_reason_to_text (refusal));
      turn_away (call, signal, "declined", now_ms);
    } else {
      ignore (call, signal, "not a contact");
    }
    return;
  }
  if (dao_call_is_active (call) && g_strcmp0 (signal->from, call->peer) != 0) {
    turn_away (call, signal, "busy", now_ms);
    return;
  }
  if (!dao_call_e2ee_allows (call, signal->e2ee, contact->e2ee_seen, &reason)) {
    dao_call_push_error (call, reason, dao_call_reason_to_text (reason));
    turn_away (call, signal, "e2ee-required", now_ms);
    return;
  }
  if (dao_call_is_active (call))
    receive_second_offer (call, signal, contact, now_ms);
  else
    ring (call, signal, contact, DAO_CALL_REASON_NONE, now_ms);
}

/* Consent was given before: an exchange within the call. */
static void
answer_again (DaoCall * call, const gchar * sdp, gint64 now_ms)
{
  DaoCallAction *action;
  guint old_leg = call->negotiation.remote_leg;

  dao_negotiation_begin_answer (&call->negotiation);
  action = dao_call_push (call, DAO_CALL_ACTION_CREATE_ANSWER);
  action->restart = dao_negotiation_remote_description (&call->negotiation,
      sdp);
  action->leg = call->negotiation.leg;
  call->video = call->video || dao_sdp_is_video (sdp);
  action->video = call->video;
  action->sdp = g_strdup (sdp);
  call->remote_applied = FALSE;
  dao_call_begin_exchange (call, action->leg != old_leg);
  if (!call->ever_connected || !(action->restart || action->leg != old_leg))
    return;
  /* The caller saw the loss first, or alone. */
  if (action->restart)
    call->restarts = MAX (call->restarts, 1);
  if (dao_call_timer_runs (call, DAO_CALL_TIMER_DISCONNECTED))
    dao_call_enter_restart (call, now_ms);
  else if (call->state == DAO_CALL_CONNECTED)
    dao_call_set_timer (call, DAO_CALL_TIMER_MEDIA,
        now_ms + DAO_CALL_MEDIA_TIMEOUT_MS);
  dao_call_restart_heard (call);
}

void
dao_call_next_exchange (DaoCall * call, gint64 now_ms)
{
  gchar *sdp;

  if (dao_negotiation_next_remote (&call->negotiation, &sdp)) {
    answer_again (call, sdp, now_ms);
    g_free (sdp);
  }
  dao_call_offer_if_due (call, now_ms);
}

void
dao_call_abandon_exchange (DaoCall * call, gint64 now_ms)
{
  dao_call_clear_timer (call, DAO_CALL_TIMER_RENEGOTIATION);
  dao_negotiation_abandon (&call->negotiation);
  dao_call_close_leg (call);
  g_queue_clear_full (&call->local_candidates,
      (GDestroyNotify) dao_signal_free);
  dao_call_next_exchange (call, now_ms);
}

static void
receive_offer_again (DaoCall * call, const DaoSignal * signal, gint64 now_ms)
{
  DaoNegotiationVerdict verdict;

  if (call->state == DAO_CALL_CALLING) {
    ignore (call, signal, "an offer for our own offer");
    return;
  }
  if (dao_call_answer_leg_again (call, signal, now_ms))
    return;
  verdict = dao_negotiation_remote_offer (&call->negotiation, signal->leg,
      signal->gen, signal->sdp);
  if (verdict == DAO_NEGOTIATION_WRONG || verdict == DAO_NEGOTIATION_STALE) {
    ignore (call, signal, "not its turn, or old");
    return;
  }
  if (!dao_call_e2ee_repeats (call, signal)) {
    end_downgraded (call, now_ms);
    return;
  }
  if (verdict == DAO_NEGOTIATION_QUEUED)
    return;
  if (call->state == DAO_CALL_RINGING) {
    /* Fresher SDP for the same ring; nothing starts (field.md S1). */
    g_free (call->offer_sdp);
    call->offer_sdp = g_strdup (signal->sdp);
    call->video = dao_sdp_is_video (signal->sdp);
    return;
  }
  answer_again (call, signal->sdp, now_ms);
}

static void
receive_offer (DaoCall * call, const DaoSignal * signal,
    const DaoContact * contact, DaoCallReason refusal, gint64 now_ms)
{
  if (!has_sdp (signal))
    ignore (call, signal, "no SDP");
  else if (!is_current (call, signal))
    receive_new_offer (call, signal, contact, refusal, now_ms);
  else if (contact == NULL)
    end_refused (call, refusal, now_ms);
  else
    receive_offer_again (call, signal, now_ms);
}

/* --- answers --- */

/* The first answer fixes what the whole call has of encryption. FALSE: over. */
static gboolean
settle_as_caller (DaoCall * call, const DaoSignal * signal, gint64 now_ms)
{
  DaoCallReason reason;

  if (!dao_call_e2ee_allows (call, signal->e2ee, call->e2ee_seen, &reason)) {
    dao_call_finish (call, DAO_CALL_ENDED, reason, TRUE,
        dao_call_reason_to_text (reason), now_ms);
    return FALSE;
  }
  dao_call_e2ee_remember (call, signal);
  if (!dao_call_e2ee_settle (call)) {
    end_downgraded (call, now_ms);
    return FALSE;
  }
  return TRUE;
}

static void
apply_answer (DaoCall * call, const DaoSignal * signal)
{
  DaoCallAction *action = dao_call_push (call, DAO_CALL_ACTION_APPLY_ANSWER);

  dao_negotiation_remote_answer (&call->negotiation);
  dao_call_leg_is_answered (call);
  dao_negotiation_remote_description (&call->negotiation, signal->sdp);
  action->sdp = g_strdup (signal->sdp);
  action->leg = call->negotiation.leg;
  call->remote_applied = FALSE;
  dao_call_restart_heard (call);
}

static void
receive_first_answer (DaoCall * call, const DaoSignal * signal, gint64 now_ms)
{
  if (!settle_as_caller (call, signal, now_ms))
    return;
  call->negotiation.ext = signal->ext > 0;
  dao_call_clear_timer (call, DAO_CALL_TIMER_ANSWER);
  dao_call_set_timer (call, DAO_CALL_TIMER_CONNECT,
      now_ms + DAO_CALL_CONNECT_TIMEOUT_MS);
  apply_answer (call, signal);
  dao_call_change_state (call, DAO_CALL_CONNECTING, DAO_CALL_REASON_NONE);
}

static void
receive_answer (DaoCall * call, const DaoSignal * signal,
    const DaoContact * contact, DaoCallReason refusal, gint64 now_ms)
{
  /* a callee has no offer that left */
  if (!is_current (call, signal) || !call->offer_left || !has_sdp (signal)
      || dao_negotiation_check_answer (&call->negotiation, signal->ext > 0,
          signal->leg, signal->gen) != DAO_NEGOTIATION_ACCEPT) {
    ignore (call, signal, "no such offer is open");
    return;
  }
  if (contact == NULL) {
    end_refused (call, refusal, now_ms);
  } else if (call->state == DAO_CALL_CALLING) {
    receive_first_answer (call, signal, now_ms);
  } else if (!dao_call_e2ee_repeats (call, signal)) {
    end_downgraded (call, now_ms);
  } else {
    dao_call_clear_timer (call, DAO_CALL_TIMER_RENEGOTIATION);
    apply_answer (call, signal);
    dao_call_offer_if_due (call, now_ms);
  }
}

/* --- the rest --- */

static void
receive_candidate (DaoCall * call, const DaoSignal * signal,
    const DaoContact * contact, gint64 now_ms)
{
  if (contact == NULL)
    ignore (call, signal, "not a contact");
  else if (is_current (call, signal))
    dao_call_add_remote_candidate (call, signal);
  else if (dao_call_is_ended_id (call, signal->from, signal->call_id))
    ignore (call, signal, "ended call");
  else
    dao_call_keep_early (call, signal, now_ms);
}

static DaoCallReason
reason_of_reject (const gchar * reason)
{
  if (g_strcmp0 (reason, "busy") == 0)
    return DAO_CALL_REASON_BUSY;
  if (g_strcmp0 (reason, "timeout") == 0)
    return DAO_CALL_REASON_NO_ANSWER;
  if (g_strcmp0 (reason, "e2ee-required") == 0)
    return DAO_CALL_REASON_E2EE_REQUIRED;
  if (g_strcmp0 (reason, "failed") == 0)
    return DAO_CALL_REASON_REMOTE_FAILED;
  return DAO_CALL_REASON_DECLINED;
}

static DaoCallReason
reason_of_hangup (DaoCall * call, const gchar * reason)
{
  if (g_strcmp0 (reason, "e2ee-required") == 0)
    return DAO_CALL_REASON_E2EE_REQUIRED;
  if (g_strcmp0 (reason, "failed") == 0)
    return DAO_CALL_REASON_REMOTE_FAILED;
  /* The caller's 15 s are over while we ring: a missed call. */
  if (call->state == DAO_CALL_RINGING && g_strcmp0 (reason, "timeout") == 0)
    return DAO_CALL_REASON_RING_TIMEOUT;
  return DAO_CALL_REASON_REMOTE_HANGUP;
}

static void
receive_end (DaoCall * call, const DaoSignal * signal, gint64 now_ms)
{
  if (!is_current (call, signal))
    ignore (call, signal, "not of this call");
  else if (signal->type == DAO_SIGNAL_REJECT)
    dao_call_finish (call, DAO_CALL_REJECTED,
        reason_of_reject (signal->reason), FALSE, NULL, now_ms);
  else
    dao_call_finish (call, DAO_CALL_HANGUP,
        reason_of_hangup (call, signal->reason), FALSE, NULL, now_ms);
}

/* A restart and a new leg at the same time are for two reasons: silence, and another address. */
static gboolean
asks_again_too_soon (DaoCall * call, const gchar * want, gint64 now_ms)
{
  static const gchar *const wants[] = { "restart", "video", "leg" };

  for (guint i = 0; i < G_N_ELEMENTS (wants); i++) {
    gint64 last = call->last_request_ms[i];

    if (g_strcmp0 (want, wants[i]) != 0)
      continue;
    if (last != 0 && now_ms - last < DAO_CALL_REQUEST_INTERVAL_MS)
      return TRUE;
    call->last_request_ms[i] = now_ms;
    return FALSE;
  }
  return TRUE;
}

/* The callee asks the caller for an offer; few, and not fast one after another. */
static void
receive_renegotiate (DaoCall * call, const DaoSignal * signal,
    const DaoContact * contact, gint64 now_ms)
{
  gboolean done;

  if (!is_current (call, signal) || contact == NULL
      || call->role != DAO_ROLE_CALLER || !call->negotiation.established
      || !call->negotiation.ext || call->requests >= DAO_CALL_MAX_REQUESTS
      || asks_again_too_soon (call, signal->want, now_ms)) {
    ignore (call, signal, "may not ask for an offer now");
    return;
  }
  call->requests++;
  done = dao_call_offer_leg_again (call, now_ms);
  if (g_strcmp0 (signal->want, "restart") != 0 || !call->restarting)
    done |= dao_call_renegotiate (call, signal->want, now_ms);
  if (!done)
    ignore (call, signal, "nothing to be done");
}

static void
count_down (guint * counter, guint64 by)
{
  *counter -= MIN (*counter, by);
}

/* What a peer may ask of us grows with the length of a call. */
static void
grant_allowance (DaoCall * call, gint64 now_ms)
{
  guint64 n;

  if (call->allowed_ms == 0)
    call->allowed_ms = now_ms;
  n = (now_ms - call->allowed_ms) / DAO_CALL_ALLOWANCE_MS;
  call->allowed_ms += n * DAO_CALL_ALLOWANCE_MS;
  count_down (&call->requests, n);
  count_down (&call->negotiation.offers_received, n);
  count_down (&call->candidates_total, n * DAO_CALL_ALLOWANCE_CANDIDATES);
}

void
dao_call_receive (DaoCall * call, const DaoSignal * signal,
    const DaoContact * contact, DaoCallReason refusal, gint64 now_ms)
{
  if (signal->from == NULL || signal->call_id == NULL
      || !is_for_us (call, signal)) {
    call->ignored++;
    return;
  }
  if (!dao_call_vet_contact (call, contact, &refusal))
    contact = NULL;
  grant_allowance (call, now_ms);

  switch (signal->type) {
    case DAO_SIGNAL_OFFER:
      receive_offer (call, signal, contact, refusal, now_ms);
      break;
    case DAO_SIGNAL_ANSWER:
      receive_answer (call, signal, contact, refusal, now_ms);
      break;
    case DAO_SIGNAL_ICE:
      receive_candidate (call, signal, contact, now_ms);
      break;
    case DAO_SIGNAL_HANGUP:
    case DAO_SIGNAL_REJECT:
      receive_end (call, signal, now_ms);
      break;
    case DAO_SIGNAL_RENEGOTIATE:
      receive_renegotiate (call, signal, contact, now_ms);
      break;
    case DAO_SIGNAL_INVITE:
      /* Android sends it beside the offer (protocol.md h.32); the offer rings. */
      ignore (call, signal, "the offer follows");
      break;
  }
}
