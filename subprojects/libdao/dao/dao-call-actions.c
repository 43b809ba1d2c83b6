/* gst-dao: what a call asks of its driver: actions, outbox, candidates
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-call-private.h"

#include <string.h>

void
dao_call_action_free (DaoCallAction * action)
{
  if (action == NULL)
    return;
  g_free (action->sdp);
  g_free (action->text);
  dao_signal_free (action->signal);
  g_free (action);
}

void
dao_call_entry_free (DaoCallEntry * entry)
{
  dao_signal_free (entry->signal);
  g_free (entry);
}

DaoCallAction *
dao_call_push (DaoCall * call, DaoCallActionType type)
{
  DaoCallAction *action = g_new0 (DaoCallAction, 1);

  action->type = type;
  g_queue_push_tail (&call->actions, action);
  return action;
}

DaoCallAction *
dao_call_pop_action (DaoCall * call)
{
  DaoCallAction *action = g_queue_pop_head (&call->actions);

  if (action != NULL)
    return action;
  /* The end of a call is told. */
  if (dao_call_state_is_terminal (call->state))
    g_clear_pointer (&call->keys, dao_call_keys_free);
  if (dao_call_ring_recall (call))
    action = g_queue_pop_head (&call->actions);
  return action;
}

void
dao_call_push_error (DaoCall * call, DaoCallReason reason, const gchar * text)
{
  DaoCallAction *action = dao_call_push (call, DAO_CALL_ACTION_ERROR);

  action->reason = reason;
  action->text = g_strdup (text);
}

static gboolean
is_media_action (const DaoCallAction * action)
{
  switch (action->type) {
    case DAO_CALL_ACTION_CREATE_OFFER:
    case DAO_CALL_ACTION_CREATE_ANSWER:
    case DAO_CALL_ACTION_APPLY_ANSWER:
    case DAO_CALL_ACTION_ADD_CANDIDATE:
    case DAO_CALL_ACTION_KEYS:
      return TRUE;
    default:
      return FALSE;
  }
}

void
dao_call_drop_media_actions (DaoCall * call)
{
  GList *l = call->actions.head;

  while (l != NULL) {
    GList *next = l->next;

    if (is_media_action (l->data)) {
      dao_call_action_free (l->data);
      g_queue_delete_link (&call->actions, l);
    }
    l = next;
  }
}

DaoSignal *
dao_call_new_signal (DaoCall * call, DaoSignalType type)
{
  DaoSignal *signal = dao_signal_new (type, call->settings.own_alias,
      call->peer, call->id);

  signal->ext = DAO_CALL_ANNOUNCED_EXT;
  return signal;
}

/* --- outbox --- */

static gboolean
is_end (const DaoSignal * signal)
{
  return signal->type == DAO_SIGNAL_HANGUP
      || signal->type == DAO_SIGNAL_REJECT;
}

static gboolean
is_of_call (DaoCall * call, const DaoSignal * signal)
{
  return g_strcmp0 (signal->to, call->peer) == 0
      && g_strcmp0 (signal->call_id, call->id) == 0;
}

static void
emit_signal (DaoCall * call, DaoSignal * signal, gint64 now_ms)
{
  /* The peer's 15 s begin when it can know of the call (protocol.md f). */
  if (signal->type == DAO_SIGNAL_OFFER && call->state == DAO_CALL_CALLING
      && is_of_call (call, signal)) {
    call->offer_left = TRUE;
    dao_call_clear_timer (call, DAO_CALL_TIMER_OFFER);
    dao_call_set_timer (call, DAO_CALL_TIMER_ANSWER,
        now_ms + DAO_CALL_ANSWER_TIMEOUT_MS);
  }
  dao_call_push (call, DAO_CALL_ACTION_SEND)->signal = signal;
}

/* Drops the oldest frame of the kind (candidate or not) when that kind is full. */
static void
make_room (DaoCall * call, gboolean candidate)
{
  guint limit = candidate ? DAO_CALL_MAX_CANDIDATES : DAO_CALL_MAX_OUTBOX;
  GList *oldest = NULL;
  guint n = 0;

  for (GList * l = call->outbox.tail; l != NULL; l = l->prev) {
    DaoCallEntry *entry = l->data;

    if ((entry->signal->type == DAO_SIGNAL_ICE) == candidate) {
      oldest = l;
      n++;
    }
  }
  if (n < limit)
    return;
  dao_call_entry_free (oldest->data);
  g_queue_delete_link (&call->outbox, oldest);
}

void
dao_call_send (DaoCall * call, DaoSignal * signal, gint64 now_ms)
{
  DaoCallEntry *entry;

  if (call->online) {
    emit_signal (call, signal, now_ms);
    return;
  }
  make_room (call, signal->type == DAO_SIGNAL_ICE);
  entry = g_new0 (DaoCallEntry, 1);
  entry->signal = signal;
  entry->at_ms = now_ms;
  g_queue_push_tail (&call->outbox, entry);
}

void
dao_call_prune_outbox (DaoCall * call, gboolean keep_end)
{
  GList *l = call->outbox.head;

  while (l != NULL) {
    GList *next = l->next;
    DaoCallEntry *entry = l->data;

    if (is_of_call (call, entry->signal)
        && !(keep_end && is_end (entry->signal))) {
      dao_call_entry_free (entry);
      g_queue_delete_link (&call->outbox, l);
    }
    l = next;
  }
}

void
dao_call_set_online (DaoCall * call, gboolean online, gint64 now_ms)
{
  DaoCallEntry *entry;
  gboolean back = online && !call->online;

  call->online = online;
  while (online && (entry = g_queue_pop_head (&call->outbox)) != NULL) {
    if (now_ms - entry->at_ms <= DAO_CALL_SIGNAL_LIFE_MS)
      emit_signal (call, g_steal_pointer (&entry->signal), now_ms);
    dao_call_entry_free (entry);
  }
  /* The last frames before the connection was lost may have been lost with it. */
  if (back)
    dao_call_say_leg_again (call, now_ms);
}

/* --- candidates --- */

/* webrtcbin takes any other text for the end of candidates (webrtcbin.md, 4). */
static gboolean
is_candidate (const gchar * text)
{
  return text != NULL && (*text == '\0' || g_str_has_prefix (text,
          "candidate:") || g_str_has_prefix (text, "a=candidate:"));
}

void
dao_call_local_candidate (DaoCall * call, const gchar * candidate,
    const gchar * sdp_mid, gint sdp_mline_index, gint64 now_ms)
{
  DaoSignal *signal;

  if (!dao_call_is_active (call) || !call->consent || candidate == NULL) {
    call->ignored++;
    return;
  }
  if (g_queue_get_length (&call->local_candidates) >= DAO_CALL_MAX_CANDIDATES)
    return;

  signal = dao_call_new_signal (call, DAO_SIGNAL_ICE);
  signal->candidate = g_strdup (candidate);
  signal->sdp_mid = g_strdup (sdp_mid);
  signal->sdp_mline_index = sdp_mline_index;
  g_queue_push_tail (&call->local_candidates, signal);
  dao_call_flush_local_candidates (call, now_ms);
}

void
dao_call_flush_local_candidates (DaoCall * call, gint64 now_ms)
{
  DaoSignal *signal;

  if (!call->local_ready)
    return;
  while ((signal = g_queue_pop_head (&call->local_candidates)) != NULL) {
    signal->leg = call->negotiation.leg;
    signal->gen = call->negotiation.gen;
    dao_call_say (call, signal, now_ms);
  }
}

static void
emit_remote_candidate (DaoCall * call, DaoSignal * signal)
{
  dao_call_push (call, DAO_CALL_ACTION_ADD_CANDIDATE)->signal = signal;
}

void
dao_call_add_remote_candidate (DaoCall * call, const DaoSignal * signal)
{
  DaoNegotiationVerdict verdict = dao_negotiation_candidate
      (&call->negotiation, signal->ext, signal->leg, signal->gen);
  gboolean now = verdict == DAO_NEGOTIATION_ACCEPT && call->remote_applied;

  if (!is_candidate (signal->candidate)
      || verdict == DAO_NEGOTIATION_STALE
      || call->candidates_total >= DAO_CALL_MAX_CANDIDATES_TOTAL
      || (!now && g_queue_get_length (&call->remote_candidates) >=
          DAO_CALL_MAX_CANDIDATES) || dao_call_heard_before (call, signal)) {
    call->ignored++;
    return;
  }
  call->candidates_total++;
  if (now)
    emit_remote_candidate (call, dao_signal_copy (signal));
  else
    g_queue_push_tail (&call->remote_candidates, dao_signal_copy (signal));
}

void
dao_call_flush_remote_candidates (DaoCall * call)
{
  guint n = g_queue_get_length (&call->remote_candidates);

  while (n-- > 0) {
    DaoSignal *signal = g_queue_pop_head (&call->remote_candidates);

    switch (dao_negotiation_candidate (&call->negotiation, signal->ext,
            signal->leg, signal->gen)) {
      case DAO_NEGOTIATION_ACCEPT:
        emit_remote_candidate (call, signal);
        break;
      case DAO_NEGOTIATION_QUEUED:
        g_queue_push_tail (&call->remote_candidates, signal);
        break;
      default:
        call->ignored++;
        dao_signal_free (signal);
        break;
    }
  }
}

static void
drop_old_early (DaoCall * call, gint64 now_ms)
{
  DaoCallEntry *entry;

  while ((entry = g_queue_peek_head (&call->early)) != NULL
      && now_ms - entry->at_ms > DAO_CALL_SIGNAL_LIFE_MS)
    dao_call_entry_free (g_queue_pop_head (&call->early));
}

void
dao_call_keep_early (DaoCall * call, const DaoSignal * signal, gint64 now_ms)
{
  DaoCallEntry *entry;

  drop_old_early (call, now_ms);
  if (!is_candidate (signal->candidate)
      || g_queue_get_length (&call->early) >= DAO_CALL_MAX_CANDIDATES) {
    call->ignored++;
    return;
  }
  entry = g_new0 (DaoCallEntry, 1);
  entry->signal = dao_signal_copy (signal);
  entry->at_ms = now_ms;
  g_queue_push_tail (&call->early, entry);
}

void
dao_call_take_early (DaoCall * call, gint64 now_ms)
{
  DaoCallEntry *entry;

  drop_old_early (call, now_ms);
  while ((entry = g_queue_pop_head (&call->early)) != NULL) {
    if (g_strcmp0 (entry->signal->from, call->peer) == 0
        && g_strcmp0 (entry->signal->call_id, call->id) == 0)
      dao_call_add_remote_candidate (call, entry->signal);
    dao_call_entry_free (entry);
  }
}
