/* gst-dao: who is it: challenges, tokens, tickets, proof of work
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every time is handed in (Unix seconds), so that a test can make it pass.
 */
#pragma once

#include "relay-store.h"

G_BEGIN_DECLS

#define RELAY_CHALLENGE_TTL_S 300       /* a login on a slow phone with a prompt in between */
#define RELAY_POW_TTL_S 300             /* 10 million hashes on a slow phone */
#define RELAY_TICKET_TTL_S 30           /* protocol.md d */
#define RELAY_TOKEN_TTL_S 86400         /* the expires_in of protocol.md c */

#define RELAY_POW_PER_IP 128    /* devices behind one address that register within 5 minutes */
#define RELAY_MAX_POWS 262144   /* of all addresses: about 50 MB */
#define RELAY_MAX_USED_CHALLENGES 262144        /* logins within 5 minutes; then logins wait */

typedef struct _RelayAuth RelayAuth;

RelayAuth *relay_auth_new (void);
void relay_auth_free (RelayAuth * auth);

/* --- login (protocol.md c, 3 and 4) --- */

/* 80 hex digits: random bytes and expiry with a MAC over them and the account. Nothing is stored, so that nobody
 * can push out somebody else's challenge by asking for many. (transfer full) */
gchar *relay_auth_challenge_new (RelayAuth * auth, const gchar * uuid,
    gint64 now_s);
/* Is it ours, for this account, not expired, not used, and signed by @ed25519? Using it up is part of it. */
gboolean relay_auth_challenge_check (RelayAuth * auth, const gchar * uuid,
    const gchar * challenge, const gchar * signature, const gchar * ed25519,
    gint64 now_s);

/* A token for @account, the only valid one from now on. Only its hash is stored. (transfer full), NULL with @error */
gchar *relay_auth_token_new (RelayStore * store, gint64 account,
    gint64 now_s, GError ** error);
gboolean relay_auth_token_hash (const gchar * token, guint8 * hash);

/* --- WebSocket tickets (protocol.md d); their number is bounded by the caller's rate limit times 30 s --- */
gchar *relay_auth_ticket_new (RelayAuth * auth, const RelayAccount * account,
    const guint8 * token_hash, gint64 now_s);
/* Takes the ticket out, whatever comes of it; TRUE if it was valid for @uuid. @account gets id, uuid and alias. */
gboolean relay_auth_ticket_take (RelayAuth * auth, const gchar * ticket,
    const gchar * uuid, gint64 now_s, RelayAccount * account,
    guint8 * token_hash);

/* --- proof of work (protocol.md c, 1 and 2), bound to the address that asked --- */
gchar *relay_auth_pow_new (RelayAuth * auth, const gchar * ip, gint64 now_s);
/* Uses up the challenge that @nonce solves. */
gboolean relay_auth_pow_take (RelayAuth * auth, const gchar * ip,
    const gchar * nonce, guint difficulty, gint64 now_s);

/* Forgets what has expired. */
void relay_auth_sweep (RelayAuth * auth, gint64 now_s);

/* @bytes random bytes as URL-safe base64 without padding. (transfer full) */
gchar *relay_random_text (gsize bytes);
/* RFC 9562 version 4, lower case. (transfer full) */
gchar *relay_uuid_new (void);

G_END_DECLS
