/* gst-dao: what the two files of the identity share
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "dao-identity.h"
#include "dao-mnemonic.h"

G_BEGIN_DECLS

/* One locked allocation for all that is secret */
typedef struct
{
  gchar mnemonic[DAO_MNEMONIC_SIZE];
  guint8 ed25519_secret[64];
  guint8 x25519_private[2][32]; /* by the last index of the path, protocol.md a.2 */
} DaoIdentitySecrets;

struct _DaoIdentity
{
  gatomicrefcount refs;
  DaoIdentitySecrets *secrets;
  guint8 ed25519_public[32];
  guint8 x25519_public[2][32];
  guint x25519_index;           /* 0 or 1: the one in use */
  gchar *alias;
  gchar *uuid;
  gchar *relay;
  gchar *nickname;
};

G_END_DECLS
