/* gst-dao: slots, and which of them gets a signal
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * protocol.md e.7 and the design's "account". Everything that comes here is verified; what is left to decide
 * is whose it is. Handlers may remove slots and close the account, so each
 * delivery holds references and nothing is touched after it without looking again.
 */
#include "dao-account-private.h"

#include <string.h>

static DaoAccountSlot *
slot_ref (DaoAccountSlot * slot)
{
  slot->refs++;
  return slot;
}

static void
slot_unref (DaoAccountSlot * slot)
{
  if (--slot->refs > 0)
    return;
  g_free (slot->peer);
  g_free (slot->call_id);
  dao_account_unref (slot->account);
  g_free (slot);
}

static gboolean
slot_is_bound_to (DaoAccountSlot * slot, const gchar * peer,
    const gchar * call_id)
{
  return !slot->removed && g_strcmp0 (slot->peer, peer) == 0
      && g_strcmp0 (slot->call_id, call_id) == 0;
}

static void
deliver (DaoAccountSlot * slot, const DaoSignal * signal)
{
  if (!slot->removed && slot->callbacks.signal != NULL)
    slot->callbacks.signal (slot, signal, slot->user_data);
}

/* --- candidates that came before their offer --- */

static void
forget_early (DaoAccount * account, const gchar * peer, const gchar * call_id)
{
  GPtrArray *signals = dao_early_ice_take (account->early, peer, call_id,
      dao_account_now (account));

  if (signals != NULL)
    g_ptr_array_unref (signals);
}

/* Call with a reference on @slot. */
static void
flush_early (DaoAccountSlot * slot)
{
  g_autofree gchar *peer = g_strdup (slot->peer);
  g_autofree gchar *call_id = g_strdup (slot->call_id);
  GPtrArray *signals;
  guint i;

  if (slot->removed || peer == NULL)
    return;
  signals = dao_early_ice_take (slot->account->early, peer, call_id,
      dao_account_now (slot->account));
  if (signals == NULL)
    return;
  for (i = 0; i < signals->len; i++) {
    if (slot_is_bound_to (slot, peer, call_id))
      deliver (slot, g_ptr_array_index (signals, i));
  }
  g_ptr_array_unref (signals);
}

static void
clear_flush (DaoAccountSlot * slot)
{
  if (slot->flush == NULL)
    return;
  g_source_destroy (slot->flush);
  g_clear_pointer (&slot->flush, g_source_unref);
}

static gboolean
on_flush (gpointer user_data)
{
  DaoAccountSlot *slot = slot_ref (user_data);

  clear_flush (slot);
  flush_early (slot);
  slot_unref (slot);
  return G_SOURCE_REMOVE;
}

/* dao_account_slot_bind() must not call back, so this waits for the main context. */
static void
schedule_flush (DaoAccountSlot * slot)
{
  clear_flush (slot);
  slot->flush = g_idle_source_new ();
  g_source_set_priority (slot->flush, G_PRIORITY_DEFAULT);
  g_source_set_callback (slot->flush, on_flush, slot, NULL);
  g_source_attach (slot->flush, slot->account->context);
}

/* --- binding --- */

static void
set_binding (DaoAccountSlot * slot, const gchar * peer, const gchar * call_id)
{
  gchar *new_peer = g_strdup (peer), *new_call_id = g_strdup (call_id);

  g_free (slot->peer);
  g_free (slot->call_id);
  slot->peer = new_peer;
  slot->call_id = new_call_id;
}

/* The call is over: its id is dead from now on. */
static void
release (DaoAccountSlot * slot)
{
  DaoAccount *account = slot->account;

  clear_flush (slot);
  if (slot->peer == NULL)
    return;
  forget_early (account, slot->peer, slot->call_id);
  dao_journal_add (account->journal, slot->peer, slot->call_id, NULL,
      dao_account_now (account));
  set_binding (slot, NULL, NULL);
}

void
dao_account_slot_bind (DaoAccountSlot * slot, const gchar * peer,
    const gchar * call_id)
{
  g_return_if_fail (slot != NULL && (peer == NULL) == (call_id == NULL));

  if (slot->removed || (g_strcmp0 (slot->peer, peer) == 0
          && g_strcmp0 (slot->call_id, call_id) == 0))
    return;
  release (slot);
  if (peer == NULL)
    return;
  slot->waiting = 0;
  set_binding (slot, peer, call_id);
  schedule_flush (slot);
}

void
dao_account_slot_set_waiting (DaoAccountSlot * slot, gboolean waiting)
{
  g_return_if_fail (slot != NULL);

  if (slot->removed)
    return;
  if (!waiting) {
    slot->waiting = 0;
    return;
  }
  release (slot);
  /* Setting it again does not cost the place in the queue. */
  if (slot->waiting == 0)
    slot->waiting = ++slot->account->waiting_serial;
}

DaoAccountSlot *
dao_account_add_slot (DaoAccount * account,
    const DaoAccountCallbacks * callbacks, gpointer user_data)
{
  DaoAccountSlot *slot;

  g_return_val_if_fail (account != NULL && callbacks != NULL, NULL);

  slot = g_new0 (DaoAccountSlot, 1);
  slot->refs = 1;
  slot->account = dao_account_ref (account);
  slot->callbacks = *callbacks;
  slot->user_data = user_data;
  g_ptr_array_add (account->slots, slot);
  return slot;
}

void
dao_account_remove_slot (DaoAccountSlot * slot)
{
  g_return_if_fail (slot != NULL && !slot->removed);

  release (slot);
  slot->removed = TRUE;
  slot->waiting = 0;
  g_ptr_array_remove (slot->account->slots, slot);
  slot_unref (slot);
}

DaoAccount *
dao_account_slot_get_account (DaoAccountSlot * slot)
{
  g_return_val_if_fail (slot != NULL, NULL);
  return slot->account;
}

/* --- finding the slot --- */

static DaoAccountSlot *
find_bound (DaoAccount * account, const gchar * peer, const gchar * call_id)
{
  guint i;

  for (i = 0; i < account->slots->len; i++) {
    DaoAccountSlot *slot = g_ptr_array_index (account->slots, i);

    if (slot->peer != NULL && strcmp (slot->peer, peer) == 0
        && (call_id == NULL || strcmp (slot->call_id, call_id) == 0))
      return slot;
  }
  return NULL;
}

static DaoAccountSlot *
find_longest_waiting (DaoAccount * account)
{
  DaoAccountSlot *first = NULL;
  guint i;

  for (i = 0; i < account->slots->len; i++) {
    DaoAccountSlot *slot = g_ptr_array_index (account->slots, i);

    if (slot->waiting != 0 && (first == NULL || slot->waiting < first->waiting))
      first = slot;
  }
  return first;
}

/* --- routing --- */

/* An answer only to whom we would talk to anyway. */
static void
reject_busy (DaoAccount * account, const DaoSignal * offer)
{
  g_autoptr (DaoSignal) reject = NULL;
  g_autoptr (GError) error = NULL;

  if (dao_contacts_get_callable (account->contacts, offer->from,
          DAO_TRUST_UNVERIFIED, NULL) == NULL)
    return;
  reject = dao_signal_new (DAO_SIGNAL_REJECT, dao_account_get_alias (account),
      offer->from, offer->call_id);
  reject->ext = 1;
  reject->reason = g_strdup ("busy");
  if (!dao_account_send (account, reject, &error))
    g_message ("Could not say that we are busy: %s", error->message);
}

static void
route_offer (DaoAccount * account, DaoSignal * offer)
{
  gint64 now = dao_account_now (account);
  DaoAccountSlot *slot;

  if (dao_journal_knows (account->journal, offer->from, offer->call_id, now)
      || dao_journal_knows_nonce (account->journal, offer->from, offer->nonce,
          now)) {
    account->unrouted++;
    forget_early (account, offer->from, offer->call_id);
    return;
  }
  /* Written before anybody hears of it: a crash from here on must not make it ring again. */
  dao_journal_add (account->journal, offer->from, offer->call_id,
      offer->nonce, now);

  /* Glare: the call we have with this peer decides (protocol.md e.7). */
  slot = find_bound (account, offer->from, NULL);
  if (slot == NULL) {
    slot = find_longest_waiting (account);
    if (slot == NULL) {
      forget_early (account, offer->from, offer->call_id);
      reject_busy (account, offer);
      return;
    }
    slot->waiting = 0;
    set_binding (slot, offer->from, offer->call_id);
  }
  slot_ref (slot);
  deliver (slot, offer);
  if (slot_is_bound_to (slot, offer->from, offer->call_id))
    flush_early (slot);
  slot_unref (slot);
}

/* Only a hint that an offer follows: takes no place, binds nothing. */
static void
route_invite (DaoAccount * account, DaoSignal * invite)
{
  DaoAccountSlot *slot = find_longest_waiting (account);

  if (slot == NULL || find_bound (account, invite->from, NULL) != NULL
      || dao_journal_knows (account->journal, invite->from, invite->call_id,
          dao_account_now (account))) {
    account->unrouted++;
    return;
  }
  slot_ref (slot);
  deliver (slot, invite);
  slot_unref (slot);
}

/* Of a call that no slot has. */
static void
route_unbound (DaoAccount * account, DaoSignal * signal)
{
  gint64 now = dao_account_now (account);
  gboolean known = dao_journal_knows (account->journal, signal->from,
      signal->call_id, now);

  switch (signal->type) {
    case DAO_SIGNAL_OFFER:
      route_offer (account, signal);
      break;
    case DAO_SIGNAL_INVITE:
      route_invite (account, signal);
      break;
    case DAO_SIGNAL_ICE:
      /* Known and unbound: over, or of a glare whose loser may still bind it. */
      if (known && find_bound (account, signal->from, NULL) == NULL)
        account->unrouted++;
      else if (!dao_early_ice_push (account->early, dao_signal_copy (signal),
              now))
        account->unrouted++;
      break;
    case DAO_SIGNAL_HANGUP:
      /* It may have overtaken its offer, which must not ring any more. */
      forget_early (account, signal->from, signal->call_id);
      if (!known)
        dao_journal_note (account->journal, signal->from, signal->call_id,
            now);
      account->unrouted++;
      break;
    default:
      account->unrouted++;
      break;
  }
}

/* @signal: (transfer none): verified by dao_envelope_open() */
void
dao_account_route (DaoAccount * account, DaoSignal * signal)
{
  const DaoContact *contact = dao_contacts_lookup (account->contacts,
      signal->from);
  DaoAccountSlot *slot;

  if (contact == NULL || !contact->pinned) {
    account->unrouted++;
    return;
  }
  slot = find_bound (account, signal->from, signal->call_id);
  if (slot == NULL) {
    route_unbound (account, signal);
    return;
  }
  slot_ref (slot);
  deliver (slot, signal);
  if (slot_is_bound_to (slot, signal->from, signal->call_id))
    flush_early (slot);
  slot_unref (slot);
}

/* --- the connection's news --- */

typedef void (*Tell) (DaoAccountSlot * slot, gboolean online,
    const GError * why);

static void
tell_online (DaoAccountSlot * slot, gboolean online, const GError * why)
{
  if (slot->callbacks.online != NULL)
    slot->callbacks.online (slot, online, why, slot->user_data);
}

static void
tell_failed (DaoAccountSlot * slot, gboolean online, const GError * why)
{
  if (slot->callbacks.failed != NULL)
    slot->callbacks.failed (slot, why, slot->user_data);
}

static void
tell_all (DaoAccount * account, Tell tell, gboolean online, const GError * why)
{
  g_autoptr (GPtrArray) slots = g_ptr_array_new ();
  guint i;

  for (i = 0; i < account->slots->len; i++)
    g_ptr_array_add (slots, slot_ref (g_ptr_array_index (account->slots, i)));
  for (i = 0; i < slots->len; i++) {
    DaoAccountSlot *slot = g_ptr_array_index (slots, i);

    if (!slot->removed)
      tell (slot, online, why);
    slot_unref (slot);
  }
}

void
dao_account_notify_online (DaoAccount * account, gboolean online,
    const GError * why)
{
  tell_all (account, tell_online, online, why);
}

void
dao_account_notify_failed (DaoAccount * account, const GError * why)
{
  tell_all (account, tell_failed, FALSE, why);
}
