/* gst-dao: BIP-39 phrases and the key chain below them
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-mnemonic.h"
#include "dao-wordlist.h"

#include <sodium.h>
#include <string.h>

#define ITERATIONS 2048
#define BITS_A_WORD 11
#define HARDENED 0x80000000u

/* Index of the word, or -1 */
static gint
find_word (const gchar * word, gsize length)
{
  gint low = 0, high = DAO_WORDLIST_SIZE - 1;

  while (low <= high) {
    gint middle = (low + high) / 2;
    gint order = strncmp (word, dao_wordlist[middle], length);

    if (order == 0 && dao_wordlist[middle][length] != '\0')
      order = -1;               /* a prefix sorts before the longer word */
    if (order == 0)
      return middle;
    if (order < 0)
      high = middle - 1;
    else
      low = middle + 1;
  }
  return -1;
}

/* The 4 checksum bits of 128 bits of entropy */
static guint8
checksum (const guint8 * entropy)
{
  guint8 hash[crypto_hash_sha256_BYTES];
  guint8 bits;

  crypto_hash_sha256 (hash, entropy, DAO_MNEMONIC_ENTROPY);
  bits = hash[0] >> 4;
  sodium_memzero (hash, sizeof hash);
  return bits;
}

gboolean
dao_mnemonic_normalise (const gchar * phrase, gchar * normalised,
    guint8 * entropy)
{
  /* 132 bits: the entropy and, in the upper half of the last byte, the checksum */
  guint8 bits[DAO_MNEMONIC_ENTROPY + 1] = { 0 };
  gchar *out = normalised;
  guint words = 0;
  gboolean ok = FALSE;

  while (TRUE) {
    gsize length;
    gint index;
    guint bit;

    while (g_ascii_isspace (*phrase))
      phrase++;
    if (*phrase == '\0')
      break;
    for (length = 0; phrase[length] && !g_ascii_isspace (phrase[length]);)
      length++;
    /* No word has more than 8 letters; this also bounds what is copied. */
    if (++words > DAO_MNEMONIC_WORDS || length > 8
        || (index = find_word (phrase, length)) < 0)
      goto out;
    for (bit = 0; bit < BITS_A_WORD; bit++) {
      guint at = (words - 1) * BITS_A_WORD + bit;

      if (index & (1 << (BITS_A_WORD - 1 - bit)))
        bits[at / 8] |= 0x80 >> (at % 8);
    }
    if (words > 1)
      *out++ = ' ';
    memcpy (out, phrase, length);
    out += length;
    phrase += length;
  }
  *out = '\0';
  ok = words == DAO_MNEMONIC_WORDS
      && bits[DAO_MNEMONIC_ENTROPY] >> 4 == checksum (bits);
  if (ok && entropy != NULL)
    memcpy (entropy, bits, DAO_MNEMONIC_ENTROPY);
out:
  sodium_memzero (bits, sizeof bits);
  if (!ok)
    sodium_memzero (normalised, DAO_MNEMONIC_SIZE);
  return ok;
}

void
dao_mnemonic_from_entropy (const guint8 * entropy, gchar * phrase)
{
  guint8 bits[DAO_MNEMONIC_ENTROPY + 1];
  guint word, bit;
  gchar *out = phrase;

  memcpy (bits, entropy, DAO_MNEMONIC_ENTROPY);
  bits[DAO_MNEMONIC_ENTROPY] = (guint8) (checksum (entropy) << 4);
  for (word = 0; word < DAO_MNEMONIC_WORDS; word++) {
    guint index = 0;

    for (bit = 0; bit < BITS_A_WORD; bit++) {
      guint at = word * BITS_A_WORD + bit;

      index = index << 1 | ((bits[at / 8] >> (7 - at % 8)) & 1);
    }
    if (word > 0)
      *out++ = ' ';
    out = g_stpcpy (out, dao_wordlist[index]);
  }
  sodium_memzero (bits, sizeof bits);
}

static void
hmac_sha512 (const guint8 * key, gsize key_length, const guint8 * data,
    gsize length, guint8 * out)
{
  crypto_auth_hmacsha512_state state;

  crypto_auth_hmacsha512_init (&state, key, key_length);
  crypto_auth_hmacsha512_update (&state, data, length);
  crypto_auth_hmacsha512_final (&state, out);
  sodium_memzero (&state, sizeof state);
}

void
dao_mnemonic_seed (const gchar * phrase, guint8 * seed)
{
  static const guint8 salt_and_block[] = "mnemonic\0\0\0\1";  /* RFC 8018, 5.2: salt || be32 (1) */
  crypto_auth_hmacsha512_state keyed, state;
  guint8 u[DAO_MNEMONIC_SEED];
  guint i, j;

  /* One block of output; the keyed state is the same in every round. */
  crypto_auth_hmacsha512_init (&keyed, (const guint8 *) phrase,
      strlen (phrase));
  for (i = 0; i < ITERATIONS; i++) {
    state = keyed;
    if (i == 0)
      crypto_auth_hmacsha512_update (&state, salt_and_block,
          sizeof salt_and_block - 1);
    else
      crypto_auth_hmacsha512_update (&state, u, sizeof u);
    crypto_auth_hmacsha512_final (&state, u);
    if (i == 0)
      memcpy (seed, u, sizeof u);
    else
      for (j = 0; j < sizeof u; j++)
        seed[j] ^= u[j];
  }
  sodium_memzero (&keyed, sizeof keyed);
  sodium_memzero (&state, sizeof state);
  sodium_memzero (u, sizeof u);
}

static void
set_node (DaoChainNode * node, guint8 * mac64)
{
  memcpy (node->il, mac64, 32);
  memcpy (node->ir, mac64 + 32, 32);
  sodium_memzero (mac64, 64);
}

void
dao_chain_master (const guint8 * seed, DaoChainNode * node)
{
  static const gchar key[] = "ed25519 seed";
  guint8 mac[64];

  hmac_sha512 ((const guint8 *) key, sizeof key - 1, seed, DAO_MNEMONIC_SEED,
      mac);
  set_node (node, mac);
}

void
dao_chain_child (const DaoChainNode * node, guint32 index,
    DaoChainNode * child)
{
  guint8 data[1 + 32 + 4] = { 0 };
  guint8 mac[64];
  guint32 hardened = GUINT32_TO_BE (index | HARDENED);

  memcpy (data + 1, node->il, 32);
  memcpy (data + 33, &hardened, 4);
  hmac_sha512 (node->ir, 32, data, sizeof data, mac);
  set_node (child, mac);
  sodium_memzero (data, sizeof data);
}
