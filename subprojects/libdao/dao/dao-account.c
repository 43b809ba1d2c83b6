/* gst-dao: one logged-in identity
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One process an account (a lock on the identity file), one object an account and process (a
 * registry): two elements with the same identity share one connection, as the relay allows
 * only one.
 */
#include "dao-account-private.h"
#include "dao-json.h"
#include "dao-relay-private.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Guards the table and the `opens` of its accounts. */
static GMutex registry_lock;
static GHashTable *registry;

static gint64
wall_clock (gpointer user_data)
{
  return g_get_real_time () / 1000;
}

gint64
dao_account_now (DaoAccount * account)
{
  return account->clock (account->clock_data);
}

void
dao_account_set_clock (DaoAccount * account, DaoAccountClock clock,
    gpointer user_data)
{
  account->clock = clock;
  account->clock_data = user_data;
}

DaoAccount *
dao_account_ref (DaoAccount * account)
{
  account->refs++;
  return account;
}

void
dao_account_unref (DaoAccount * account)
{
  if (--account->refs > 0)
    return;
  if (account->client != NULL) {
    g_signal_handlers_disconnect_by_data (account->client, account);
    g_object_unref (account->client);
  }
  g_ptr_array_unref (account->slots);
  g_clear_pointer (&account->early, dao_early_ice_free);
  g_clear_pointer (&account->journal, dao_journal_free);
  g_clear_pointer (&account->guard, dao_replay_guard_free);
  g_clear_pointer (&account->contacts, dao_contacts_free);
  g_clear_pointer (&account->identity, dao_identity_unref);
  if (account->lock_fd >= 0)
    close (account->lock_fd);
  g_clear_error (&account->failure);
  g_main_context_unref (account->context);
  g_free (account->login_alias);
  g_free (account->path);
  g_free (account);
}

/* --- files --- */

static gchar *
sibling_path (const gchar * identity_path, const gchar * what)
{
  gsize length = strlen (identity_path);

  if (g_str_has_suffix (identity_path, ".json"))
    length -= strlen (".json");
  return g_strdup_printf ("%.*s.%s.json", (gint) length, identity_path, what);
}

gchar *
dao_account_contacts_path (const gchar * identity_path)
{
  return sibling_path (identity_path, "contacts");
}

static gboolean
load_contacts (DaoAccount * account, GError ** error)
{
  g_autofree gchar *path = dao_account_contacts_path (account->path);
  DaoContacts *contacts = dao_contacts_load (path, account->identity, error);

  if (contacts == NULL)
    return FALSE;
  g_clear_pointer (&account->contacts, dao_contacts_free);
  account->contacts = contacts;
  return TRUE;
}

/* --- frames --- */

static void
count_dropped (DaoAccount * account, const GError * why)
{
  if (why->domain == DAO_ENVELOPE_ERROR && why->code >= 0
      && why->code < DAO_ACCOUNT_N_DROPPED)
    account->dropped[why->code]++;
  else
    account->dropped[DAO_ENVELOPE_ERROR_JSON]++;
  if (g_error_matches (why, DAO_ENVELOPE_ERROR, DAO_ENVELOPE_ERROR_TIME)
      && !account->skew_logged) {
    account->skew_logged = TRUE;
    g_message ("A call signal is more than a minute old or early: is the clock "
        "of this machine, or of the peer's, right?");
  }
}

static void
on_call_frame (DaoAccount * account, const gchar * text, gsize length)
{
  g_autoptr (DaoSignal) signal = NULL;
  g_autoptr (GError) error = NULL;

  signal = dao_envelope_open (text, length, dao_account_get_alias (account),
      account->contacts, account->guard, dao_account_now (account), &error);
  if (signal == NULL)
    count_dropped (account, error);
  else
    dao_account_route (account, signal);
}

static void
on_frame (DaoRelayClient * client, GBytes * frame, gpointer user_data)
{
  DaoAccount *account = dao_account_ref (user_data);
  gsize length;
  const gchar *text = g_bytes_get_data (frame, &length);
  json_t *root = dao_json_parse (text, length, NULL);
  const gchar *type = dao_json_get_string (root, "type");

  if (type == NULL) {
    account->dropped[DAO_ENVELOPE_ERROR_TYPE]++;
  } else if (g_str_has_prefix (type, "call_")) {
    on_call_frame (account, text, length);
  } else if (g_str_equal (type, "friend_accepted")) {
    dao_account_refresh_friends (account);
  }
  if (root != NULL)
    json_decref (root);
  dao_account_unref (account);
}

/* --- the connection --- */

/* The login may have found that the alias changed, or that the relay has our other X25519 key; with that
 * all session keys are others. */
static void
adopt_login (DaoAccount * account)
{
  g_autoptr (GError) error = NULL;
  gboolean new_key = memcmp (account->login_key,
      dao_identity_get_x25519_public (account->identity), 32) != 0;

  /* A relay that lies: with it our own alias would be that of a contact, and the file of contacts be refused for ever. */
  if (account->login_alias && dao_contacts_lookup (account->contacts,
          dao_account_get_alias (account))) {
    g_message ("The relay says that our alias is now that of a contact: it stays");
    dao_identity_set_alias (account->identity, account->login_alias);
  }
  if (!new_key && g_strcmp0 (account->login_alias,
          dao_account_get_alias (account)) == 0)
    return;
  if (!dao_identity_save (account->identity, account->path, TRUE, &error)) {
    g_message ("The identity file was not updated: %s", error->message);
    g_clear_error (&error);
  }
  if (new_key && !load_contacts (account, &error))
    g_message ("The contacts were not loaded again: %s", error->message);
}

static void
remember_login (DaoAccount * account)
{
  g_free (account->login_alias);
  account->login_alias = g_strdup (dao_account_get_alias (account));
  memcpy (account->login_key,
      dao_identity_get_x25519_public (account->identity), 32);
}

/* Also in the middle of a connection, when a request found that the token is not valid any more. */
static void
on_logged_in (DaoRelayClient * client, gpointer user_data)
{
  DaoAccount *account = user_data;

  adopt_login (account);
  remember_login (account);
}

static void
on_online (DaoRelayClient * client, gpointer user_data)
{
  dao_account_refresh_friends (user_data);
}

void
dao_account_went_online (DaoAccount * account)
{
  if (account->online || !dao_relay_client_is_online (account->client))
    return;
  account->online = TRUE;
  dao_account_notify_online (account, TRUE, NULL);
}

static void
on_offline (DaoRelayClient * client, GError * why, gpointer user_data)
{
  DaoAccount *account = dao_account_ref (user_data);

  account->online = FALSE;
  dao_account_notify_online (account, FALSE, why);
  dao_account_unref (account);
}

static void
on_failed (DaoRelayClient * client, GError * why, gpointer user_data)
{
  DaoAccount *account = dao_account_ref (user_data);

  account->online = FALSE;
  g_clear_error (&account->failure);
  account->failure = g_error_copy (why);
  dao_account_notify_failed (account, why);
  dao_account_unref (account);
}

/* --- open and close --- */

static gboolean
load (DaoAccount * account, const gchar * relay, GError ** error)
{
  g_autofree gchar *journal = sibling_path (account->path, "journal");

  account->lock_fd = dao_identity_lock (account->path, error);
  if (account->lock_fd < 0)
    return FALSE;
  account->identity = dao_identity_load (account->path, error);
  if (account->identity == NULL || !load_contacts (account, error))
    return FALSE;
  account->journal = dao_journal_load (journal, dao_account_now (account),
      error);
  if (account->journal == NULL)
    return FALSE;
  account->client = dao_relay_client_new (relay != NULL ? relay :
      dao_identity_get_relay (account->identity), account->identity, error);
  if (account->client == NULL)
    return FALSE;
  remember_login (account);
  return TRUE;
}

static DaoAccount *
account_new (const gchar * path, const gchar * relay, GError ** error)
{
  DaoAccount *account = g_new0 (DaoAccount, 1);

  account->refs = 1;
  account->lock_fd = -1;
  account->path = g_strdup (path);
  account->context = g_main_context_ref_thread_default ();
  account->clock = wall_clock;
  account->slots = g_ptr_array_new ();
  account->guard = dao_replay_guard_new ();
  account->early = dao_early_ice_new ();
  if (!load (account, relay, error)) {
    dao_account_unref (account);
    return NULL;
  }
  g_signal_connect (account->client, "logged-in", G_CALLBACK (on_logged_in),
      account);
  g_signal_connect (account->client, "online", G_CALLBACK (on_online),
      account);
  g_signal_connect (account->client, "offline", G_CALLBACK (on_offline),
      account);
  g_signal_connect (account->client, "failed", G_CALLBACK (on_failed),
      account);
  g_signal_connect (account->client, "frame", G_CALLBACK (on_frame), account);
  return account;
}

/* Whether another user of the account asks for the same thing as the first. */
static gboolean
is_shareable (DaoAccount * account, const gchar * relay, GError ** error)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  g_autofree gchar *url = NULL;

  if (context != account->context) {
    g_set_error (error, DAO_IDENTITY_ERROR, DAO_IDENTITY_ERROR_IN_USE,
        "%s is in use by another thread of this process", account->path);
    return FALSE;
  }
  if (relay == NULL)
    return TRUE;
  url = dao_relay_url_check (relay, error);
  if (url == NULL)
    return FALSE;
  if (strcmp (url, dao_relay_client_get_url (account->client)) == 0)
    return TRUE;
  g_set_error (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_URL,
      "%s is connected to %s already", account->path,
      dao_relay_client_get_url (account->client));
  return FALSE;
}

static DaoAccount *
open_locked (const gchar * path, const gchar * relay, GError ** error)
{
  DaoAccount *account;

  if (registry == NULL)
    registry = g_hash_table_new (g_str_hash, g_str_equal);
  account = g_hash_table_lookup (registry, path);
  if (account != NULL) {
    if (!is_shareable (account, relay, error))
      return NULL;
    account->opens++;
    return account;
  }
  account = account_new (path, relay, error);
  if (account == NULL)
    return NULL;
  account->opens = 1;
  g_hash_table_insert (registry, account->path, account);
  return account;
}

DaoAccount *
dao_account_open (const gchar * identity_path, const gchar * relay,
    GError ** error)
{
  char *real;
  g_autofree gchar *path = NULL;
  DaoAccount *account;

  g_return_val_if_fail (identity_path != NULL, NULL);

  /* Two names of one file are one account. A file that is not there is reported by loading it. */
  real = realpath (identity_path, NULL);
  path = real != NULL ? g_strdup (real)
      : g_canonicalize_filename (identity_path, NULL);
  free (real);

  g_mutex_lock (&registry_lock);
  account = open_locked (path, relay, error);
  g_mutex_unlock (&registry_lock);
  if (account == NULL)
    return NULL;
  g_clear_error (&account->failure);
  /* Does nothing while it is connected or trying. */
  dao_relay_client_connect (account->client);
  return account;
}

void
dao_account_close (DaoAccount * account)
{
  gboolean last;

  g_return_if_fail (account != NULL);

  g_mutex_lock (&registry_lock);
  last = --account->opens == 0;
  if (last)
    g_hash_table_remove (registry, account->path);
  g_mutex_unlock (&registry_lock);
  if (!last)
    return;

  account->online = FALSE;
  g_signal_handlers_disconnect_by_data (account->client, account);
  dao_relay_client_disconnect (account->client);
  close (account->lock_fd);
  account->lock_fd = -1;
  dao_account_unref (account);
}

/* --- what is so --- */

DaoIdentity *
dao_account_get_identity (DaoAccount * account)
{
  g_return_val_if_fail (account != NULL, NULL);
  return account->identity;
}

DaoContacts *
dao_account_get_contacts (DaoAccount * account)
{
  g_return_val_if_fail (account != NULL, NULL);
  return account->contacts;
}

DaoRelayClient *
dao_account_get_client (DaoAccount * account)
{
  g_return_val_if_fail (account != NULL, NULL);
  return account->client;
}

const gchar *
dao_account_get_alias (DaoAccount * account)
{
  g_return_val_if_fail (account != NULL, NULL);
  return dao_identity_get_alias (account->identity);
}

gboolean
dao_account_is_online (DaoAccount * account)
{
  g_return_val_if_fail (account != NULL, FALSE);
  return account->online;
}

guint64
dao_account_get_dropped (DaoAccount * account, DaoEnvelopeError why)
{
  g_return_val_if_fail (account != NULL && why < DAO_ACCOUNT_N_DROPPED, 0);
  return account->dropped[why];
}

guint64
dao_account_get_unrouted (DaoAccount * account)
{
  g_return_val_if_fail (account != NULL, 0);
  return account->unrouted;
}

/* --- sending --- */

/* Who gets what: a call may be set up only with a contact whose keys stand; ending one is
 * allowed with whoever is pinned, sealed for the pinned keys. */
static const DaoContact *
recipient (DaoAccount * account, const DaoSignal * signal, GError ** error)
{
  const DaoContact *contact;

  if (signal->to == NULL) {
    g_set_error_literal (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_UNKNOWN,
        "A signal without a recipient");
    return NULL;
  }
  if (signal->type != DAO_SIGNAL_HANGUP && signal->type != DAO_SIGNAL_REJECT)
    return dao_contacts_get_callable (account->contacts, signal->to,
        DAO_TRUST_UNVERIFIED, error);
  contact = dao_contacts_lookup (account->contacts, signal->to);
  if (contact != NULL && contact->pinned && contact->session_key != NULL)
    return contact;
  g_set_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_UNKNOWN,
      "%s is no contact that was accepted here", signal->to);
  return NULL;
}

gboolean
dao_account_send (DaoAccount * account, const DaoSignal * signal,
    GError ** error)
{
  const DaoContact *contact;
  g_autofree gchar *frame = NULL;
  json_t *inner;

  g_return_val_if_fail (account != NULL && signal != NULL, FALSE);

  /* A login may have changed our alias since the call began; nobody would believe what its old one says. */
  if (g_strcmp0 (signal->from, dao_account_get_alias (account)) != 0) {
    g_set_error (error, DAO_ENVELOPE_ERROR, DAO_ENVELOPE_ERROR_FROM,
        "The relay calls us %s now, not %s", dao_account_get_alias (account),
        signal->from);
    return FALSE;
  }
  contact = recipient (account, signal, error);
  if (contact == NULL)
    return FALSE;
  if (!dao_relay_client_is_online (account->client)) {
    g_set_error_literal (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_OFFLINE,
        "Not connected to the relay");
    return FALSE;
  }
  inner = dao_signal_to_json (signal);
  frame = dao_envelope_seal (inner, signal->to,
      dao_identity_get_ed25519_secret (account->identity),
      contact->session_key, dao_account_now (account), NULL, NULL, error);
  json_decref (inner);
  return frame != NULL
      && dao_relay_client_send (account->client, frame, error);
}
