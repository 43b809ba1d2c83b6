/* gst-dao: a relay that shows other keys than there are, and the files of contacts that remember the true ones
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "lyingstage.h"
#include "dao-contacts.h"
#include "dao-identity.h"

G_BEGIN_DECLS

/* What the relay says of an alias */
typedef struct
{
  gchar *alias;                 /* of the entry; NULL or not there = one more */
  gchar *ed25519, *x25519;      /* base64 */
} KeySwap;

/* Keys that nobody here has */
KeySwap *swap_new (const gchar * alias);
KeySwap *swap_to_identity (const gchar * alias, DaoIdentity * identity);
/* Those of an account of the stage */
KeySwap *swap_to (Stage * s, const gchar * alias, guint account);
void swap_free (KeySwap * swap);
/* A LieEdit of one user's entry; @swap: KeySwap */
void swap_keys (json_t * user, gpointer swap);
/* From now on the friends list for account @to says so. */
void lie_about_friends (Stage * s, guint to, KeySwap * swap);

/* (transfer full): the file of contacts of an account that no element has open */
DaoContacts *load_contacts (Stage * s, guint account);
void forget_contacts (Stage * s, guint account);
/* Opens the account, so that what the relay shows is in its file, and accepts that, as dao-identity does. */
void accept_shown (Stage * s, guint account, guint peer);
/* (transfer full) */
gchar *safety_code (Stage * s, guint account, guint peer);

G_END_DECLS
