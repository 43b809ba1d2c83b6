/* gst-dao: BIP-39 phrases and the key chain below them
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define DAO_MNEMONIC_WORDS 12
#define DAO_MNEMONIC_ENTROPY 16 /* bytes */
#define DAO_MNEMONIC_SEED 64    /* bytes */
/* 12 words of at most 8 letters and 11 spaces, with the NUL */
#define DAO_MNEMONIC_SIZE 108

/**
 * dao_mnemonic_normalise:
 * @normalised: (out): DAO_MNEMONIC_SIZE bytes, the words with single spaces
 * @entropy: (out) (nullable): DAO_MNEMONIC_ENTROPY bytes
 *
 * protocol.md a.1 [R]: trims and collapses white space, changes no case, wants exactly 12
 * words of the list and the right checksum.
 */
gboolean dao_mnemonic_normalise (const gchar * phrase, gchar * normalised,
    guint8 * entropy);

/* The phrase of these DAO_MNEMONIC_ENTROPY bytes, DAO_MNEMONIC_SIZE bytes to @phrase */
void dao_mnemonic_from_entropy (const guint8 * entropy, gchar * phrase);

/* PBKDF2-HMAC-SHA512, salt "mnemonic", 2048 iterations, over the phrase as it is; DAO_MNEMONIC_SEED bytes */
void dao_mnemonic_seed (const gchar * phrase, guint8 * seed);

/* One node of the chain of protocol.md a.2. */
typedef struct
{
  guint8 il[32];                /* the key */
  guint8 ir[32];                /* the chain code */
} DaoChainNode;

void dao_chain_master (const guint8 * seed, DaoChainNode * node);
/* @index without the hardened bit, which is always set; @node and @child may be the same */
void dao_chain_child (const DaoChainNode * node, guint32 index,
    DaoChainNode * child);

G_END_DECLS
