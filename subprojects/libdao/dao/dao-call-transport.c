/* gst-dao: timers of a call and what its peer connection reports
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * protocol.md f; webrtcbin.md 1 and 5.
 */
#include "dao-call-private.h"

void
dao_call_set_timer (DaoCall * call, DaoCallTimer timer, gint64 due_ms)
{
  call->timers[timer] = due_ms;
}

void
dao_call_clear_timer (DaoCall * call, DaoCallTimer timer)
{
  call->timers[timer] = -1;
}

void
dao_call_clear_timers (DaoCall * call)
{
  for (guint i = 0; i < DAO_CALL_N_TIMERS; i++)
    call->timers[i] = -1;
}

gboolean
dao_call_timer_runs (DaoCall * call, DaoCallTimer timer)
{
  return call->timers[timer] >= 0;
}

/* The timer that is due next; -1 = none. Equal times go in the order of the enum. */
static gint
next_timer (DaoCall * call)
{
  gint next = -1;

  for (guint i = 0; i < DAO_CALL_N_TIMERS; i++)
    if (call->timers[i] >= 0 && (next < 0
            || call->timers[i] < call->timers[next]))
      next = i;
  return next;
}

gint64
dao_call_get_deadline (DaoCall * call)
{
  gint timer = next_timer (call);

  return timer < 0 ? -1 : call->timers[timer];
}

static void
time_out (DaoCall * call, DaoCallReason reason, gint64 now_ms)
{
  dao_call_finish (call, DAO_CALL_ENDED, reason, TRUE,
      dao_call_reason_to_text (reason), now_ms);
}

static void
fire (DaoCall * call, DaoCallTimer timer, gint64 now_ms)
{
  switch (timer) {
    case DAO_CALL_TIMER_OFFER:
      time_out (call, call->online ? DAO_CALL_REASON_INTERNAL :
          DAO_CALL_REASON_SIGNALING, now_ms);
      break;
    case DAO_CALL_TIMER_ANSWER:
      time_out (call, DAO_CALL_REASON_NO_ANSWER, now_ms);
      break;
    case DAO_CALL_TIMER_RING:
      /* a missed call is no error */
      dao_call_finish (call, DAO_CALL_ENDED, DAO_CALL_REASON_RING_TIMEOUT,
          TRUE, NULL, now_ms);
      break;
    case DAO_CALL_TIMER_CONNECT:
      time_out (call, DAO_CALL_REASON_CONNECT_TIMEOUT, now_ms);
      break;
    case DAO_CALL_TIMER_SILENCE:
      /* without a restart left, the 8 s go on */
      dao_call_restart (call, now_ms);
      break;
    case DAO_CALL_TIMER_DISCONNECTED:
      time_out (call, DAO_CALL_REASON_DISCONNECTED, now_ms);
      break;
    case DAO_CALL_TIMER_RESTART:
      time_out (call, DAO_CALL_REASON_ICE_FAILED, now_ms);
      break;
    case DAO_CALL_TIMER_MEDIA:
      time_out (call, DAO_CALL_REASON_MEDIA_TIMEOUT, now_ms);
      break;
    case DAO_CALL_TIMER_RENEGOTIATION:
      dao_call_push_error (call, DAO_CALL_REASON_NO_ANSWER,
          "The other side did not answer the change of the call.");
      dao_call_abandon_exchange (call, now_ms);
      break;
    case DAO_CALL_N_TIMERS:
      break;
  }
}

void
dao_call_advance (DaoCall * call, gint64 now_ms)
{
  gint timer;

  while ((timer = next_timer (call)) >= 0 && call->timers[timer] <= now_ms) {
    dao_call_clear_timer (call, timer);
    fire (call, timer, now_ms);
  }
}

/* --- restart --- */

void
dao_call_offer_if_due (DaoCall * call, gint64 now_ms)
{
  DaoCallAction *action;
  guint wants;

  if (!dao_negotiation_next_offer (&call->negotiation, &wants))
    return;
  dao_call_begin_exchange (call, call->negotiation.makes_leg);
  if (wants & DAO_NEGOTIATION_WANT_VIDEO)
    call->video = TRUE;
  action = dao_call_push (call, DAO_CALL_ACTION_CREATE_OFFER);
  action->restart = (wants & DAO_NEGOTIATION_WANT_RESTART) != 0;
  action->video = call->video;
  action->leg = call->negotiation.leg;
}

void
dao_call_enter_restart (DaoCall * call, gint64 now_ms)
{
  call->restarting = TRUE;
  dao_call_clear_timer (call, DAO_CALL_TIMER_SILENCE);
  dao_call_clear_timer (call, DAO_CALL_TIMER_MEDIA);
  if (!dao_call_timer_runs (call, DAO_CALL_TIMER_RESTART))
    dao_call_set_timer (call, DAO_CALL_TIMER_RESTART,
        now_ms + DAO_CALL_RESTART_TIMEOUT_MS);
  if (call->state == DAO_CALL_CONNECTED)
    dao_call_change_state (call, DAO_CALL_CONNECTING, DAO_CALL_REASON_NONE);
}

/* The peer takes part in the restart: from now on the 15 s count, not the 8 s. Until
 * then a dead peer must not live on because we try to reach it. */
void
dao_call_restart_heard (DaoCall * call)
{
  if (call->restarting)
    dao_call_clear_timer (call, DAO_CALL_TIMER_DISCONNECTED);
}

gboolean
dao_call_restart (DaoCall * call, gint64 now_ms)
{
  if (!call->ever_connected || call->restarts >= DAO_CALL_MAX_RESTARTS)
    return FALSE;

  if (call->role == DAO_ROLE_CALLER) {
    if (!dao_negotiation_request (&call->negotiation,
            DAO_NEGOTIATION_WANT_RESTART))
      return FALSE;
  } else if (call->negotiation.ext) {
    DaoSignal *signal = dao_call_new_signal (call, DAO_SIGNAL_RENEGOTIATE);

    signal->want = g_strdup ("restart");
    dao_call_send (call, signal, now_ms);
  }
  /* else: a caller without `ext` restarts by itself or not at all */
  call->restarts++;
  dao_call_enter_restart (call, now_ms);
  dao_call_offer_if_due (call, now_ms);
  return TRUE;
}

/* --- descriptions --- */

static void
sent_offer (DaoCall * call, gint64 now_ms)
{
  /* The first one has its own clock, a restart too. */
  if (call->negotiation.established && !call->restarting)
    dao_call_set_timer (call, DAO_CALL_TIMER_RENEGOTIATION,
        now_ms + DAO_CALL_ANSWER_TIMEOUT_MS);
}

static void
sent_answer (DaoCall * call, gint64 now_ms)
{
  if (call->state == DAO_CALL_RINGING) {
    dao_call_set_timer (call, DAO_CALL_TIMER_CONNECT,
        now_ms + DAO_CALL_CONNECT_TIMEOUT_MS);
    dao_call_change_state (call, DAO_CALL_CONNECTING, DAO_CALL_REASON_NONE);
  }
  dao_call_next_exchange (call, now_ms);
}

void
dao_call_set_local_description (DaoCall * call, const gchar * sdp,
    gint64 now_ms)
{
  DaoSignal *signal;
  gboolean is_offer;

  if (!dao_call_is_active (call) || sdp == NULL
      || !dao_negotiation_local_description (&call->negotiation, &is_offer)) {
    call->ignored++;
    return;
  }
  signal = dao_call_new_signal (call, is_offer ? DAO_SIGNAL_OFFER :
      DAO_SIGNAL_ANSWER);
  signal->sdp = g_strdup (sdp);
  signal->leg = call->negotiation.leg;
  signal->gen = call->negotiation.gen;
  dao_call_e2ee_fill (call, signal);
  dao_call_say (call, signal, now_ms);
  call->local_ready = TRUE;
  dao_call_flush_local_candidates (call, now_ms);
  if (is_offer)
    sent_offer (call, now_ms);
  else
    sent_answer (call, now_ms);
}

void
dao_call_remote_description_applied (DaoCall * call, gint64 now_ms)
{
  if (!dao_call_is_active (call) || call->negotiation.remote_gen == 0) {
    call->ignored++;
    return;
  }
  call->remote_applied = TRUE;
  dao_call_flush_remote_candidates (call);
}

/* --- transport --- */

static void
transport_connected (DaoCall * call, gint64 now_ms)
{
  dao_call_leg_is_connected (call);
  dao_call_clear_timer (call, DAO_CALL_TIMER_SILENCE);
  dao_call_clear_timer (call, DAO_CALL_TIMER_DISCONNECTED);
  if (call->state == DAO_CALL_CONNECTED)
    return;

  call->ever_connected = TRUE;
  call->restarting = FALSE;
  dao_call_clear_timer (call, DAO_CALL_TIMER_CONNECT);
  dao_call_clear_timer (call, DAO_CALL_TIMER_RESTART);
  dao_call_set_timer (call, DAO_CALL_TIMER_MEDIA,
      now_ms + DAO_CALL_MEDIA_TIMEOUT_MS);
  dao_call_change_state (call, DAO_CALL_CONNECTED, DAO_CALL_REASON_NONE);
}

/* The peer connection works on it: the 8 s stop, but it has to be back within those of a restart. */
static void
transport_connecting (DaoCall * call, gint64 now_ms)
{
  dao_call_clear_timer (call, DAO_CALL_TIMER_SILENCE);
  /* Our own restart makes it "connecting", too: that says nothing of the peer. */
  if (!call->restarting)
    dao_call_clear_timer (call, DAO_CALL_TIMER_DISCONNECTED);
  if (call->state == DAO_CALL_CONNECTED)
    dao_call_enter_restart (call, now_ms);
}

static void
transport_disconnected (DaoCall * call, gint64 now_ms)
{
  /* A restart has its own clock; a second report does not start the first anew. */
  if (call->restarting || dao_call_timer_runs (call,
          DAO_CALL_TIMER_DISCONNECTED))
    return;
  dao_call_set_timer (call, DAO_CALL_TIMER_DISCONNECTED,
      now_ms + DAO_CALL_DISCONNECTED_MS);
  if (call->ever_connected && call->negotiation.ext
      && call->restarts < DAO_CALL_MAX_RESTARTS)
    dao_call_set_timer (call, DAO_CALL_TIMER_SILENCE,
        now_ms + DAO_CALL_SILENCE_RESTART_MS);
}

static void
transport_failed (DaoCall * call, gint64 now_ms)
{
  /* Late candidates still connect (webrtcbin.md, 5): the connect timer decides. */
  if (!call->ever_connected)
    return;
  /* Checks fail after 7 s, and the path may be back later: the 15 s of the restart decide. */
  if (call->restarting)
    return;
  if (!dao_call_restart (call, now_ms))
    time_out (call, DAO_CALL_REASON_ICE_FAILED, now_ms);
}

void
dao_call_transport (DaoCall * call, DaoTransportEvent event, gint64 now_ms)
{
  /* Whatever the state, no call goes on with someone else's certificate. */
  if (event == DAO_TRANSPORT_BAD_FINGERPRINT && dao_call_is_active (call)) {
    time_out (call, DAO_CALL_REASON_FINGERPRINT, now_ms);
    return;
  }
  if (call->state != DAO_CALL_CONNECTING && call->state != DAO_CALL_CONNECTED) {
    call->ignored++;
    return;
  }
  switch (event) {
    case DAO_TRANSPORT_CONNECTING:
      transport_connecting (call, now_ms);
      break;
    case DAO_TRANSPORT_CONNECTED:
      transport_connected (call, now_ms);
      break;
    case DAO_TRANSPORT_DISCONNECTED:
      transport_disconnected (call, now_ms);
      break;
    case DAO_TRANSPORT_FAILED:
      transport_failed (call, now_ms);
      break;
    case DAO_TRANSPORT_CLOSED:
      /* The peer is gone: nobody is there to be told. */
      dao_call_finish (call, DAO_CALL_ENDED, DAO_CALL_REASON_DISCONNECTED,
          FALSE, NULL, now_ms);
      break;
    case DAO_TRANSPORT_BAD_FINGERPRINT:
      break;
  }
}

void
dao_call_media_received (DaoCall * call, gint64 now_ms)
{
  if (call->state == DAO_CALL_CONNECTED)
    dao_call_set_timer (call, DAO_CALL_TIMER_MEDIA,
        now_ms + DAO_CALL_MEDIA_TIMEOUT_MS);
}
