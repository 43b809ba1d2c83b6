/* gst-dao: who is it: challenges, tokens, tickets, proof of work
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "relay-auth.h"

#include "dao-encoding.h"
#include "dao-relay-client.h"

#include <sodium.h>
#include <string.h>

#define TOKEN_BYTES 32
#define TICKET_BYTES 24
#define POW_BYTES 16

/* A login challenge before it is written as hex. */
typedef struct
{
  guint8 random[16];
  guint8 expires[8];            /* big-endian Unix seconds */
  guint8 mac[16];
} Challenge;

#define CHALLENGE_DIGITS (2 * sizeof (Challenge))

typedef struct
{
  gint64 account;
  gchar uuid[RELAY_UUID_LENGTH + 1];
  gchar alias[RELAY_ALIAS_MAX + 1];
  guint8 token_hash[RELAY_TOKEN_HASH_SIZE];
  gint64 expires_s;
} Ticket;

typedef struct
{
  gchar *text;
  gint64 expires_s;
} Pow;

struct _RelayAuth
{
  guint8 key[crypto_auth_KEYBYTES];     /* of this process: a restart voids challenges */
  GHashTable *used;             /* challenge text -> gint64* expiry */
  GHashTable *tickets;          /* text -> Ticket */
  GHashTable *pows;             /* ip -> GQueue of Pow, newest at the head */
  guint n_pows;
};

static void
pow_free (gpointer data)
{
  Pow *pow = data;

  g_free (pow->text);
  g_free (pow);
}

static void
pow_queue_free (gpointer data)
{
  g_queue_free_full (data, pow_free);
}

static void
ticket_free (gpointer data)
{
  sodium_memzero (data, sizeof (Ticket));
  g_free (data);
}

RelayAuth *
relay_auth_new (void)
{
  RelayAuth *auth = g_new0 (RelayAuth, 1);

  randombytes_buf (auth->key, sizeof auth->key);
  auth->used = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  auth->tickets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      ticket_free);
  auth->pows = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      pow_queue_free);
  return auth;
}

void
relay_auth_free (RelayAuth * auth)
{
  if (!auth)
    return;
  g_hash_table_unref (auth->used);
  g_hash_table_unref (auth->tickets);
  g_hash_table_unref (auth->pows);
  sodium_memzero (auth->key, sizeof auth->key);
  g_free (auth);
}

gchar *
relay_random_text (gsize bytes)
{
  guint8 data[64];
  gchar text[96];

  g_return_val_if_fail (bytes <= sizeof data, NULL);
  randombytes_buf (data, bytes);
  sodium_bin2base64 (text, sizeof text, data, bytes,
      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  sodium_memzero (data, sizeof data);
  return g_strdup (text);
}

gchar *
relay_uuid_new (void)
{
  guint8 b[16];
  g_autofree gchar *hex = NULL;

  randombytes_buf (b, sizeof b);
  b[6] = (b[6] & 0x0f) | 0x40;
  b[8] = (b[8] & 0x3f) | 0x80;
  hex = dao_hex_encode (b, sizeof b);
  return g_strdup_printf ("%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
      hex + 16, hex + 20);
}

static void
challenge_mac (RelayAuth * auth, const Challenge * challenge,
    const gchar * uuid, guint8 * mac16)
{
  crypto_auth_hmacsha512256_state state;
  guint8 mac[crypto_auth_hmacsha512256_BYTES];

  crypto_auth_hmacsha512256_init (&state, auth->key, sizeof auth->key);
  crypto_auth_hmacsha512256_update (&state, challenge->random,
      sizeof challenge->random + sizeof challenge->expires);
  crypto_auth_hmacsha512256_update (&state, (const guint8 *) uuid,
      strlen (uuid));
  crypto_auth_hmacsha512256_final (&state, mac);
  memcpy (mac16, mac, 16);
}

gchar *
relay_auth_challenge_new (RelayAuth * auth, const gchar * uuid, gint64 now_s)
{
  Challenge challenge;
  guint64 expires = GUINT64_TO_BE (now_s + RELAY_CHALLENGE_TTL_S);

  randombytes_buf (challenge.random, sizeof challenge.random);
  memcpy (challenge.expires, &expires, sizeof expires);
  challenge_mac (auth, &challenge, uuid, challenge.mac);
  return dao_hex_encode ((const guint8 *) &challenge, sizeof challenge);
}

static gboolean
challenge_is_ours (RelayAuth * auth, const gchar * uuid, const gchar * text,
    gint64 now_s, gint64 * expires_s)
{
  Challenge challenge;
  guint8 mac[16];
  guint64 expires;

  if (strlen (text) != CHALLENGE_DIGITS
      || !dao_hex_decode (text, (guint8 *) & challenge, sizeof challenge))
    return FALSE;
  challenge_mac (auth, &challenge, uuid, mac);
  if (sodium_memcmp (mac, challenge.mac, sizeof mac) != 0)
    return FALSE;
  memcpy (&expires, challenge.expires, sizeof expires);
  *expires_s = (gint64) GUINT64_FROM_BE (expires);
  return now_s < *expires_s;
}

gboolean
relay_auth_challenge_check (RelayAuth * auth, const gchar * uuid,
    const gchar * challenge, const gchar * signature, const gchar * ed25519,
    gint64 now_s)
{
  guint8 sig[crypto_sign_BYTES], key[crypto_sign_PUBLICKEYBYTES];
  gint64 expires_s;
  g_autofree gchar *used = NULL;

  if (!challenge_is_ours (auth, uuid, challenge, now_s, &expires_s))
    return FALSE;
  /* upper and lower case digits are the same challenge */
  used = g_ascii_strdown (challenge, -1);
  if (g_hash_table_contains (auth->used, used)
      || g_hash_table_size (auth->used) >= RELAY_MAX_USED_CHALLENGES)
    return FALSE;
  if (!dao_base64_decode_exact (signature, sig, sizeof sig)
      || !dao_base64_decode_exact (ed25519, key, sizeof key))
    return FALSE;
  if (crypto_sign_verify_detached (sig, (const guint8 *) challenge,
          strlen (challenge), key) != 0)
    return FALSE;
  g_hash_table_insert (auth->used, g_steal_pointer (&used),
      g_memdup2 (&expires_s, sizeof expires_s));
  return TRUE;
}

gboolean
relay_auth_token_hash (const gchar * token, guint8 * hash)
{
  gsize length = strlen (token);

  if (length == 0 || length > 128)
    return FALSE;
  crypto_hash_sha256 (hash, (const guint8 *) token, length);
  return TRUE;
}

gchar *
relay_auth_token_new (RelayStore * store, gint64 account, gint64 now_s,
    GError ** error)
{
  g_autofree gchar *token = relay_random_text (TOKEN_BYTES);
  guint8 hash[RELAY_TOKEN_HASH_SIZE];

  relay_auth_token_hash (token, hash);
  if (!store->set_token (store, account, hash, now_s + RELAY_TOKEN_TTL_S,
          error))
    return NULL;
  return g_steal_pointer (&token);
}

gchar *
relay_auth_ticket_new (RelayAuth * auth, const RelayAccount * account,
    const guint8 * token_hash, gint64 now_s)
{
  Ticket *ticket = g_new0 (Ticket, 1);
  gchar *text = relay_random_text (TICKET_BYTES);

  ticket->account = account->id;
  g_strlcpy (ticket->uuid, account->uuid, sizeof ticket->uuid);
  g_strlcpy (ticket->alias, account->alias, sizeof ticket->alias);
  memcpy (ticket->token_hash, token_hash, RELAY_TOKEN_HASH_SIZE);
  ticket->expires_s = now_s + RELAY_TICKET_TTL_S;
  g_hash_table_insert (auth->tickets, g_strdup (text), ticket);
  return text;
}

gboolean
relay_auth_ticket_take (RelayAuth * auth, const gchar * text,
    const gchar * uuid, gint64 now_s, RelayAccount * account,
    guint8 * token_hash)
{
  Ticket *ticket;
  gpointer key, value;
  gboolean valid;

  if (!g_hash_table_steal_extended (auth->tickets, text, &key, &value))
    return FALSE;
  g_free (key);
  ticket = value;
  valid = now_s < ticket->expires_s
      && g_ascii_strcasecmp (uuid, ticket->uuid) == 0;
  if (valid) {
    account->id = ticket->account;
    g_strlcpy (account->uuid, ticket->uuid, sizeof account->uuid);
    g_strlcpy (account->alias, ticket->alias, sizeof account->alias);
    memcpy (token_hash, ticket->token_hash, RELAY_TOKEN_HASH_SIZE);
  }
  ticket_free (ticket);
  return valid;
}

gchar *
relay_auth_pow_new (RelayAuth * auth, const gchar * ip, gint64 now_s)
{
  GQueue *queue = g_hash_table_lookup (auth->pows, ip);
  Pow *pow;
  guint8 random[POW_BYTES];

  if (auth->n_pows >= RELAY_MAX_POWS)
    return NULL;
  if (!queue) {
    queue = g_queue_new ();
    g_hash_table_insert (auth->pows, g_strdup (ip), queue);
  }
  if (g_queue_get_length (queue) >= RELAY_POW_PER_IP) {
    pow_free (g_queue_pop_tail (queue));
    auth->n_pows--;
  }
  pow = g_new0 (Pow, 1);
  randombytes_buf (random, sizeof random);
  pow->text = dao_hex_encode (random, sizeof random);
  pow->expires_s = now_s + RELAY_POW_TTL_S;
  g_queue_push_head (queue, pow);
  auth->n_pows++;
  return g_strdup (pow->text);
}

gboolean
relay_auth_pow_take (RelayAuth * auth, const gchar * ip, const gchar * nonce,
    guint difficulty, gint64 now_s)
{
  GQueue *queue = g_hash_table_lookup (auth->pows, ip);

  if (!queue)
    return FALSE;
  for (GList * l = queue->head; l; l = l->next) {
    Pow *pow = l->data;

    if (now_s < pow->expires_s && dao_pow_check (pow->text, difficulty, nonce)) {
      pow_free (pow);
      g_queue_delete_link (queue, l);
      auth->n_pows--;
      if (g_queue_is_empty (queue))
        g_hash_table_remove (auth->pows, ip);
      return TRUE;
    }
  }
  return FALSE;
}

static gboolean
used_is_over (gpointer key, gpointer value, gpointer now_s)
{
  return *(gint64 *) value <= *(gint64 *) now_s;
}

static gboolean
ticket_is_over (gpointer key, gpointer value, gpointer now_s)
{
  return ((Ticket *) value)->expires_s <= *(gint64 *) now_s;
}

static void
sweep_pows (RelayAuth * auth, gint64 now_s)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, auth->pows);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    GQueue *queue = value;

    while (queue->tail && ((Pow *) queue->tail->data)->expires_s <= now_s) {
      pow_free (g_queue_pop_tail (queue));
      auth->n_pows--;
    }
    if (g_queue_is_empty (queue))
      g_hash_table_iter_remove (&iter);
  }
}

void
relay_auth_sweep (RelayAuth * auth, gint64 now_s)
{
  g_hash_table_foreach_remove (auth->used, used_is_over, &now_s);
  g_hash_table_foreach_remove (auth->tickets, ticket_is_over, &now_s);
  sweep_pows (auth, now_s);
}
