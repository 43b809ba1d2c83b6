/* gst-dao: one logged-in identity and the calls it serves
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lives on one GMainContext (the signaling thread): every function is called there and
 * every callback comes there, always from the main context and never from inside one of these
 * functions. A callback may call any of them, also dao_account_remove_slot() of its own slot and
 * dao_account_close().
 *
 * Beside the identity file NAME.json it keeps NAME.contacts.json and NAME.journal.json.
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
  /* TRUE: connected and the friends list is loaded. FALSE with @why: it closed, or another attempt
   * to connect failed; the next one follows by itself. */
  void (*online) (DaoAccountSlot * slot, gboolean online, const GError * why,
      gpointer user_data);
  /* login refused, replaced by another device, ...: no more attempts until the account is opened again */
  void (*failed) (DaoAccountSlot * slot, const GError * why,
      gpointer user_data);
} DaoAccountCallbacks;

/**
 * dao_account_open:
 * @identity_path: the identity file; locked for this process
 * @relay: (nullable): overrides the file's relay
 *
 * The same path gives the same account within the process (then @relay must be equal too, and the
 * context the same). Starts to connect in the thread-default context of the caller; an account that had failed
 * tries again. The last dao_account_close() closes the socket and releases the lock; what was
 * sent before is still on its way out then, see dao_relay_drain().
 *
 * Returns: (transfer full): the account, or NULL with @error: DAO_IDENTITY_ERROR (IN_USE: another
 *   process has it, or another thread of this one), DAO_CONTACTS_ERROR, DAO_FILE_ERROR, DAO_RELAY_ERROR_URL
 */
DaoAccount *dao_account_open (const gchar * identity_path,
    const gchar * relay, GError ** error);
void dao_account_close (DaoAccount * account);

DaoIdentity *dao_account_get_identity (DaoAccount * account);
/* Ask each time: the first login may replace the object. */
DaoContacts *dao_account_get_contacts (DaoAccount * account);
DaoRelayClient *dao_account_get_client (DaoAccount * account);
const gchar *dao_account_get_alias (DaoAccount * account);
gboolean dao_account_is_online (DaoAccount * account);

DaoAccountSlot *dao_account_add_slot (DaoAccount * account,
    const DaoAccountCallbacks * callbacks, gpointer user_data);
void dao_account_remove_slot (DaoAccountSlot * slot);
DaoAccount *dao_account_slot_get_account (DaoAccountSlot * slot);

/* Waiting slots get new offers, the longest-waiting first. With none waiting the peer gets call_reject "busy".
 * A slot is waiting, bound or neither: it stops waiting when it gets an offer (which binds it to that call) or is
 * bound, and setting it waiting releases the call it was bound to. */
void dao_account_slot_set_waiting (DaoAccountSlot * slot, gboolean waiting);
/* The call this slot is in; NULL, NULL = none. The account drops frames for calls that no slot has, and
 * never revives a call_id that was bound and released (ended), for 5 minutes and across restarts. */
void dao_account_slot_bind (DaoAccountSlot * slot, const gchar * peer,
    const gchar * call_id);

/**
 * dao_account_send:
 *
 * Seals for the contact signal->to and sends now. Fails (nothing sent) when offline
 * (DAO_RELAY_ERROR_OFFLINE), when the contact is not pinned, and for offers and answers when
 * its keys changed (DAO_CONTACTS_ERROR), and when signal->from is not our alias any more (DAO_ENVELOPE_ERROR_FROM).
 */
gboolean dao_account_send (DaoAccount * account, const DaoSignal * signal,
    GError ** error);

/* Glare: the peer we are calling calls us; the slot that is calling it gets that offer by `signal` too. */

/* Frames dropped since the start, by envelope error code and routing: GstStructure-free stats for tests and logs. */
guint64 dao_account_get_dropped (DaoAccount * account, DaoEnvelopeError why);
guint64 dao_account_get_unrouted (DaoAccount * account);

/* (transfer full): NAME.contacts.json for NAME.json */
gchar *dao_account_contacts_path (const gchar * identity_path);
/* Shows a GET /friends answer (protocol.md c, 6) to the contacts: dao_contacts_observe for each entry that is
 * accepted or that we know. FALSE if it is no friends list; bad entries are passed over. */
gboolean dao_account_observe_friends (DaoContacts * contacts, json_t * friends,
    GError ** error);

G_END_DECLS
