/* gst-dao: what the two files of the contacts share
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "dao-contacts.h"

G_BEGIN_DECLS

struct _DaoContacts
{
  gchar *path;                  /* NULL = in memory only */
  DaoIdentity *identity;
  GHashTable *by_alias;         /* alias of the contact -> DaoContact */
};

DaoContact *dao_contact_new (const gchar * alias);
void dao_contact_free (DaoContact * contact);
/* Derives the session key again from keys and conversation id. */
gboolean dao_contact_update_session (DaoContacts * contacts,
    DaoContact * contact, GError ** error);
/* The checks of every key that comes in; @pinned_only: do not compare with pending contacts. */
gboolean dao_contacts_check_keys (DaoContacts * contacts, const gchar * alias,
    const guint8 * ed25519_public, const guint8 * x25519_public,
    gboolean pinned_only, GError ** error);
gboolean dao_contacts_check_names (const gchar * alias, const gchar * nickname,
    const gchar * conversation_id, GError ** error);

G_END_DECLS
