/* gst-dao: what the files of the account share
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 *   dao-account.c           open, close, the registry, the connection, sending
 *   dao-account-friends.c   the relay's friends list
 *   dao-account-routing.c   slots, and which of them gets a signal
 */
#pragma once

#include "dao-account.h"
#include "dao-early-ice.h"
#include "dao-journal.h"

G_BEGIN_DECLS

/* The last of DaoEnvelopeError */
#define DAO_ACCOUNT_N_DROPPED (DAO_ENVELOPE_ERROR_TYPE_MISMATCH + 1)

/* Wall clock, ms since the epoch */
typedef gint64 (*DaoAccountClock) (gpointer user_data);

struct _DaoAccount
{
  gint opens;                   /* under the registry's lock; 0 = closed */
  guint refs;                   /* of the memory: opens, slots, requests under way */
  GMainContext *context;
  gchar *path;
  int lock_fd;

  DaoIdentity *identity;
  DaoContacts *contacts;
  DaoRelayClient *client;
  DaoReplayGuard *guard;
  DaoJournal *journal;
  DaoEarlyIce *early;
  DaoAccountClock clock;
  gpointer clock_data;
  gchar *login_alias;           /* alias and X25519 key as the files have them */
  guint8 login_key[32];

  GPtrArray *slots;             /* DaoAccountSlot*, one reference each */
  guint64 waiting_serial;
  gboolean online;
  GError *failure;              /* why the client gave up */
  gboolean refreshing;          /* a GET /friends is under way */
  gboolean refresh_again;
  gboolean skew_logged;

  guint64 dropped[DAO_ACCOUNT_N_DROPPED];
  guint64 unrouted;
};

struct _DaoAccountSlot
{
  guint refs;
  DaoAccount *account;          /* a reference */
  gboolean removed;
  DaoAccountCallbacks callbacks;
  gpointer user_data;
  guint64 waiting;              /* place in the queue, 0 = not waiting */
  gchar *peer;                  /* the call it is bound to */
  gchar *call_id;
  GSource *flush;               /* candidates that came before the call */
};

DaoAccount *dao_account_ref (DaoAccount * account);
void dao_account_unref (DaoAccount * account);
gint64 dao_account_now (DaoAccount * account);
/* Tests; from the start of the account on. */
void dao_account_set_clock (DaoAccount * account, DaoAccountClock clock,
    gpointer user_data);

/* --- dao-account-routing.c --- */
void dao_account_route (DaoAccount * account, DaoSignal * signal);
void dao_account_notify_online (DaoAccount * account, gboolean online,
    const GError * why);
void dao_account_notify_failed (DaoAccount * account, const GError * why);

/* --- dao-account-friends.c --- */
/* Fetches the friends list; then the account is online. */
void dao_account_refresh_friends (DaoAccount * account);
void dao_account_went_online (DaoAccount * account);

G_END_DECLS
