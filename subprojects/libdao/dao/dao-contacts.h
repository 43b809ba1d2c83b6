/* gst-dao: pinned contacts of one identity
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>
#include "dao-identity.h"

G_BEGIN_DECLS

/* A friends list is kept in memory and compared key by key. */
#define DAO_CONTACTS_MAX 4096
/* Bytes of a nickname or a conversation id */
#define DAO_CONTACTS_MAX_NAME 256

#define DAO_CONTACTS_ERROR (dao_contacts_error_quark ())
GQuark dao_contacts_error_quark (void);

typedef enum
{
  DAO_CONTACTS_ERROR_UNKNOWN,   /* no such contact, or not accepted locally */
  DAO_CONTACTS_ERROR_CHANGED,   /* its keys changed: accept it again */
  DAO_CONTACTS_ERROR_SELF,      /* our own alias or our own keys */
  DAO_CONTACTS_ERROR_DUPLICATE, /* the keys of another contact */
  DAO_CONTACTS_ERROR_KEY,       /* malformed or low-order key */
  DAO_CONTACTS_ERROR_FILE,
  DAO_CONTACTS_ERROR_LIMIT,     /* too many contacts, or a name that is too long */
  DAO_CONTACTS_ERROR_UNVERIFIED,        /* min_trust is verified and the contact is not */
} DaoContactsError;

typedef enum
{
  DAO_TRUST_UNVERIFIED,
  DAO_TRUST_VERIFIED,           /* the user compared the safety code */
  DAO_TRUST_CHANGED,            /* the relay shows other keys: calls are refused */
} DaoTrust;

/* One contact; owned by its DaoContacts, valid until that changes it. */
typedef struct
{
  gchar *alias;
  gchar *nickname;
  gchar *conversation_id;       /* NULL until the friendship is accepted */
  guint8 ed25519_public[32];
  guint8 x25519_public[32];
  guint8 *session_key;          /* 32 bytes in locked memory; NULL without conversation id */
  DaoTrust trust;
  gboolean pinned;              /* accepted or added locally; only then may it call or be called */
  gboolean e2ee_seen;           /* frame encryption was used with it before */
} DaoContact;

typedef struct _DaoContacts DaoContacts;

/**
 * dao_contacts_load:
 * @path: (nullable): the contacts file (mode 0600); NULL = in memory only
 * @identity: (transfer none) (nullable): referenced by the contacts; NULL only in tests
 *
 * A file that does not exist is an empty list.
 */
DaoContacts *dao_contacts_load (const gchar * path, DaoIdentity * identity,
    GError ** error);
/* atomic replace, mode 0600 */
gboolean dao_contacts_save (DaoContacts * contacts, GError ** error);
void dao_contacts_free (DaoContacts * contacts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DaoContacts, dao_contacts_free)

const DaoContact *dao_contacts_lookup (DaoContacts * contacts,
    const gchar * alias);
/* (transfer full): GPtrArray of const DaoContact*, sorted by alias */
GPtrArray *dao_contacts_list (DaoContacts * contacts);

/**
 * dao_contacts_get_callable:
 * @min_trust: DAO_TRUST_UNVERIFIED ("any") or DAO_TRUST_VERIFIED
 *
 * The one place that decides whether calls with @alias are allowed.
 */
const DaoContact *dao_contacts_get_callable (DaoContacts * contacts,
    const gchar * alias, DaoTrust min_trust, GError ** error);

/**
 * dao_contacts_update_sessions:
 *
 * Derives all session keys again: after dao_identity_select_x25519() chose the other of our keys.
 */
gboolean dao_contacts_update_sessions (DaoContacts * contacts,
    GError ** error);

/**
 * dao_contacts_pin:
 *
 * Pins both keys by a local decision (add, accept, accept again after a change).
 * Trust becomes unverified unless the very same keys were pinned before and did
 * not change; a NULL conversation id or nickname keeps the one there is. Fails with SELF, DUPLICATE, KEY or LIMIT
 * and then changes nothing. In memory only: save afterwards.
 */
gboolean dao_contacts_pin (DaoContacts * contacts, const gchar * alias,
    const gchar * nickname, const guint8 * ed25519_public,
    const guint8 * x25519_public, const gchar * conversation_id,
    GError ** error);

/**
 * dao_contacts_observe:
 *
 * What the relay's friends list says: a contact we do not know becomes
 * pending (not pinned), a missing conversation id is filled in, other keys make a
 * pinned contact DAO_TRUST_CHANGED; the pinned keys are never replaced.
 */
gboolean dao_contacts_observe (DaoContacts * contacts, const gchar * alias,
    const gchar * nickname, const guint8 * ed25519_public,
    const guint8 * x25519_public, const gchar * conversation_id,
    GError ** error);

/* Fails for a contact that is not pinned (UNKNOWN) or whose keys changed (CHANGED). */
gboolean dao_contacts_set_verified (DaoContacts * contacts,
    const gchar * alias, gboolean verified, GError ** error);
gboolean dao_contacts_set_e2ee_seen (DaoContacts * contacts,
    const gchar * alias, GError ** error);

/* protocol.md b: 60 hex digits in groups of 4 with a space between, (transfer full) */
gchar *dao_contacts_safety_code (DaoContacts * contacts, const gchar * alias,
    GError ** error);

/* protocol.md b. Writes 32 bytes; FALSE for a low-order peer key. */
gboolean dao_session_key_derive (const guint8 * x25519_private,
    const guint8 * x25519_public, const gchar * conversation_id,
    guint8 * session_key, GError ** error);
/* The same of any two X25519 public keys, in either order; 32 bytes each, (transfer full). */
gchar *dao_safety_code (const guint8 * x25519_a, const guint8 * x25519_b);

/**
 * dao_contacts_add_for_test:
 * @ed25519_public: (nullable): NULL = a contact without a signing key
 *
 * Tests and vectors only: a pinned contact with a given session key, without any check.
 */
void dao_contacts_add_for_test (DaoContacts * contacts, const gchar * alias,
    const guint8 * ed25519_public, const guint8 * session_key);

G_END_DECLS
