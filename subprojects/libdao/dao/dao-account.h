/* gst-dao: one logged-in identity and the calls it serves
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lives on one GMainContext (the signaling thread); every function but
 * dao_account_ref/unref is called there and every callback comes there.
 */
#pragma once

#include "dao-contacts.h"
#include "dao-envelope.h"
#include "dao-relay-client.h"

G_BEGIN_DECLS

typedef struct _DaoAccount DaoAccount;
/* A place for one call at a time (one element). */
typedef struct _DaoAccountSlot DaoAccountSlot;

typedef struct
{
  /* A verified signal for this slot: of its (peer, call_id), or a new offer (or invite) while it waits. */
  void (*signal) (DaoAccountSlot * slot, const DaoSignal * signal,
      gpointer user_data);
  void (*online) (DaoAccountSlot * slot, gboolean online, const GError * why,
      gpointer user_data);
  /* login refused, replaced by another device, ...: no more attempts */
  void (*failed) (DaoAccountSlot * slot, const GError * why,
      gpointer user_data);
} DaoAccountCallbacks;

/**
 * dao_account_open:
 * @identity_path: the identity file; locked for this process
 * @relay: (nullable): overrides the file's relay
 *
 * The same path gives the same account within the process (then @relay must be equal too). Starts to
 * connect in the thread-default context of the caller. The last
 * dao_account_close() closes the socket and releases the lock.
 *
 * Returns: (transfer full): the account, or NULL with @error
 */
DaoAccount *dao_account_open (const gchar * identity_path,
    const gchar * relay, GError ** error);
void dao_account_close (DaoAccount * account);

DaoIdentity *dao_account_get_identity (DaoAccount * account);
DaoContacts *dao_account_get_contacts (DaoAccount * account);
DaoRelayClient *dao_account_get_client (DaoAccount * account);
const gchar *dao_account_get_alias (DaoAccount * account);
gboolean dao_account_is_online (DaoAccount * account);

DaoAccountSlot *dao_account_add_slot (DaoAccount * account,
    const DaoAccountCallbacks * callbacks, gpointer user_data);
void dao_account_remove_slot (DaoAccountSlot * slot);
DaoAccount *dao_account_slot_get_account (DaoAccountSlot * slot);

/* Waiting slots get new offers, the longest-waiting first. With none waiting the peer gets call_reject "busy". */
void dao_account_slot_set_waiting (DaoAccountSlot * slot, gboolean waiting);
/* The call this slot is in; NULL, NULL = none. The account drops frames for calls that no slot has, and
 * never revives a call_id that was bound and released (ended), for 5 minutes and across restarts. */
void dao_account_slot_bind (DaoAccountSlot * slot, const gchar * peer,
    const gchar * call_id);

/**
 * dao_account_send:
 *
 * Seals for the contact signal->to and sends now. Fails (nothing sent) when offline
 * or when the contact is not pinned.
 */
gboolean dao_account_send (DaoAccount * account, const DaoSignal * signal,
    GError ** error);

/* Glare: the peer we are calling calls us; the slot that is calling it gets that offer by `signal` too. */

/* Frames dropped since the start, by envelope error code and routing: GstStructure-free stats for tests and logs. */
guint64 dao_account_get_dropped (DaoAccount * account, DaoEnvelopeError why);
guint64 dao_account_get_unrouted (DaoAccount * account);

G_END_DECLS
