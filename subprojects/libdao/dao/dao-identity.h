/* gst-dao: one account's keys
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A login challenge of the relay is some 64 characters; a signal to be signed starts with '{'. */
#define DAO_IDENTITY_MAX_CHALLENGE 512

#define DAO_IDENTITY_ERROR (dao_identity_error_quark ())
GQuark dao_identity_error_quark (void);

typedef enum
{
  DAO_IDENTITY_ERROR_MNEMONIC,  /* not 12 words of the list, or a bad checksum */
  DAO_IDENTITY_ERROR_FILE,      /* cannot be read or written */
  DAO_IDENTITY_ERROR_FORMAT,    /* read, but not an identity file */
  DAO_IDENTITY_ERROR_MODE,      /* readable by others */
  DAO_IDENTITY_ERROR_EXISTS,    /* new: will not overwrite */
  DAO_IDENTITY_ERROR_IN_USE,    /* another process holds the account's lock */
  DAO_IDENTITY_ERROR_KEY,       /* the registered X25519 key is neither of ours */
  DAO_IDENTITY_ERROR_CHALLENGE, /* a login challenge that could be something else; not signed */
} DaoIdentityError;

/* Refcounted; keys live in locked memory and are wiped with the last reference. */
typedef struct _DaoIdentity DaoIdentity;

/* Twelve new words, (transfer full); free with dao_identity_free_mnemonic, which wipes. */
gchar *dao_identity_generate_mnemonic (void);
void dao_identity_free_mnemonic (gchar * mnemonic);

/* protocol.md a: 12 words, trimmed and collapsed, checksum enforced */
DaoIdentity *dao_identity_new_from_mnemonic (const gchar * mnemonic,
    GError ** error);

/**
 * dao_identity_default_path:
 *
 * Returns: (transfer full): DAO_IDENTITY, else
 * $XDG_CONFIG_HOME/dao/identity.json
 */
gchar *dao_identity_default_path (void);

/**
 * dao_identity_load:
 *
 * Reads what dao_identity_save() wrote. The file must be a regular file of ours with no
 * permission for group and others (MODE); the phrase never is in memory that can be swapped out.
 *
 * Returns: (transfer full): the identity, or NULL with FILE, MODE, FORMAT or MNEMONIC
 */
DaoIdentity *dao_identity_load (const gchar * path, GError ** error);
/* Mode 0600, atomic replace. @overwrite FALSE fails with EXISTS. FORMAT when a name could not be loaded again. */
gboolean dao_identity_save (DaoIdentity * identity, const gchar * path,
    gboolean overwrite, GError ** error);

/**
 * dao_identity_lock:
 *
 * One process an account: an advisory lock beside the identity file.
 *
 * Returns: a file descriptor to close (which unlocks), or -1 with IN_USE
 */
int dao_identity_lock (const gchar * path, GError ** error);

DaoIdentity *dao_identity_ref (DaoIdentity * identity);
void dao_identity_unref (DaoIdentity * identity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DaoIdentity, dao_identity_unref)

const guint8 *dao_identity_get_ed25519_public (DaoIdentity * identity); /* 32 bytes */
const guint8 *dao_identity_get_ed25519_secret (DaoIdentity * identity); /* 64 bytes, libsodium form */
const guint8 *dao_identity_get_x25519_public (DaoIdentity * identity);  /* 32 bytes */
const guint8 *dao_identity_get_x25519_private (DaoIdentity * identity); /* 32 bytes */

/* The phrase, for showing it once to its owner; in locked memory of the identity. */
const gchar *dao_identity_get_mnemonic (DaoIdentity * identity);

/* protocol.md a.2: picks the derivation whose public key is registered; KEY if neither */
gboolean dao_identity_select_x25519 (DaoIdentity * identity,
    const guint8 * registered_public, GError ** error);

/* Set by registration and login; NULL before. */
const gchar *dao_identity_get_alias (DaoIdentity * identity);
const gchar *dao_identity_get_uuid (DaoIdentity * identity);
const gchar *dao_identity_get_relay (DaoIdentity * identity);
const gchar *dao_identity_get_nickname (DaoIdentity * identity);
void dao_identity_set_alias (DaoIdentity * identity, const gchar * alias);
void dao_identity_set_uuid (DaoIdentity * identity, const gchar * uuid);
void dao_identity_set_relay (DaoIdentity * identity, const gchar * url);
void dao_identity_set_nickname (DaoIdentity * identity, const gchar * name);

/* Ed25519, 64 bytes to @signature */
void dao_identity_sign (DaoIdentity * identity, const guint8 * data,
    gsize length, guint8 * signature);
/* protocol.md c, auth. NULL with an error for a challenge that starts with '{' or is
 * longer than 512 bytes: the relay must not get signals signed. (transfer full) base64 */
gchar *dao_identity_sign_challenge (DaoIdentity * identity,
    const gchar * challenge, GError ** error);
/* The same with a bare key: 64 bytes, libsodium form */
gchar *dao_challenge_sign (const guint8 * ed25519_secret,
    const gchar * challenge, GError ** error);

/* protocol.md a.3 [R]: 3 to 32 of a-z, 0-9 and '_'. NULL is no alias. */
gboolean dao_alias_is_valid (const gchar * alias);

G_END_DECLS
