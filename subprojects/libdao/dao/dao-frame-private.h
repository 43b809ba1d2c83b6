/* gst-dao: what frame senders and receivers share
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "dao-frame.h"

G_BEGIN_DECLS

/* The counter of the v1 format: flags (8) | epoch (24) | n (32). */
#define DAO_FRAME_FLAG_DELTA 1
#define DAO_FRAME_MAX_EPOCH ((1u << 24) - 1)

/* EVP takes lengths as int, and no encoder makes frames of this size. */
#define DAO_FRAME_MAX_LENGTH ((gsize) 1 << 28)

static inline guint64
dao_frame_counter (guint8 flags, guint32 epoch, guint32 n)
{
  return ((guint64) flags << 56) | ((guint64) epoch << 32) | n;
}

/* One key and base IV: AES-256-GCM with the key schedule done once. Not thread-safe; use one for sealing or for opening. */
typedef struct _DaoFrameCipher DaoFrameCipher;

/* NULL when OpenSSL has no AES-256-GCM or no memory; @material has DAO_FRAME_MATERIAL_SIZE bytes */
DaoFrameCipher *dao_frame_cipher_new (const guint8 * material,
    gboolean encrypt);
void dao_frame_cipher_free (DaoFrameCipher * cipher);

/* protocol.md g.1: 8-byte header, ciphertext, tag; in place as dao_frame_sender_seal() says */
gboolean dao_frame_cipher_seal (DaoFrameCipher * cipher, guint64 counter,
    const guint8 * in, gsize length, guint8 * out);
/* @frame is the whole frame of at least DAO_FRAME_OVERHEAD bytes; FALSE when the tag is not right */
gboolean dao_frame_cipher_open (DaoFrameCipher * cipher,
    const guint8 * frame, gsize length, guint8 * out);
guint64 dao_frame_header_counter (const guint8 * frame);

/**
 * dao_frame_registry_claim:
 * @material: DAO_FRAME_MATERIAL_SIZE bytes
 * @owner: the sender, as a number that no other sender of the process has
 *
 * Remembers, as long as the process lives, that @owner encrypts with
 * @material. Two encryptors with one material both start at counter 0 and so
 * repeat (key, IV) pairs, which is the end of GCM. What is kept is a keyed hash.
 *
 * Returns: FALSE when another owner has it
 */
gboolean dao_frame_registry_claim (const guint8 * material, guint64 owner);
guint64 dao_frame_registry_new_owner (void);

G_END_DECLS
