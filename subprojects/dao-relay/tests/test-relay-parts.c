/* gst-dao: parts of the relay where time is logic
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "relay-auth.h"
#include "relay-hub.h"
#include "relay-ice.h"

#include <sodium.h>
#include <string.h>

#define NOW 1800000000
#define S G_USEC_PER_SEC

static const RelayAccount alice = { 1, "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
  "alice"
};

static const RelayAccount bob = { 2, "0284f9ef-0279-4643-9424-d230fcd5080d",
  "bob"
};

static const guint8 token_1[RELAY_TOKEN_HASH_SIZE] = { 1 };
static const guint8 token_2[RELAY_TOKEN_HASH_SIZE] = { 2 };

static void
test_ticket_expires (void)
{
  RelayAuth *auth = relay_auth_new ();

  for (gint age = RELAY_TICKET_TTL_S - 1; age <= RELAY_TICKET_TTL_S; age++) {
    g_autofree gchar *ticket = relay_auth_ticket_new (auth, &alice, token_1,
        NOW);
    RelayAccount account = { 0 };
    guint8 hash[RELAY_TOKEN_HASH_SIZE];

    g_assert_cmpint (relay_auth_ticket_take (auth, ticket, alice.uuid,
            NOW + age, &account, hash), ==, age < RELAY_TICKET_TTL_S);
    g_assert_false (relay_auth_ticket_take (auth, ticket, alice.uuid, NOW,
            &account, hash));
  }
  relay_auth_free (auth);
}

static void
test_challenge_expires (void)
{
  RelayAuth *auth = relay_auth_new (), *other = relay_auth_new ();
  guint8 key[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
  guint8 signature[crypto_sign_BYTES];
  g_autofree gchar *challenge = relay_auth_challenge_new (auth, alice.uuid,
      NOW);
  g_autofree gchar *key_text = NULL;
  g_autofree gchar *text = NULL;

  crypto_sign_keypair (key, secret);
  crypto_sign_detached (signature, NULL, (guint8 *) challenge,
      strlen (challenge), secret);
  key_text = g_base64_encode (key, sizeof key);
  text = g_base64_encode (signature, sizeof signature);
#define CHECK(auth, uuid, now) \
  relay_auth_challenge_check (auth, uuid, challenge, text, key_text, now)
  g_assert_false (CHECK (auth, alice.uuid, NOW + RELAY_CHALLENGE_TTL_S));
  g_assert_false (CHECK (auth, bob.uuid, NOW));
  g_assert_false (CHECK (other, alice.uuid, NOW));
  g_assert_true (CHECK (auth, alice.uuid, NOW + RELAY_CHALLENGE_TTL_S - 1));
  g_assert_false (CHECK (auth, alice.uuid, NOW));
  /* what was used is forgotten only when it has expired anyway */
  relay_auth_sweep (auth, NOW + RELAY_CHALLENGE_TTL_S - 1);
  g_assert_false (CHECK (auth, alice.uuid, NOW + RELAY_CHALLENGE_TTL_S - 1));
  relay_auth_free (auth);
  relay_auth_free (other);
}

static gchar *
solve (const gchar * challenge)
{
  for (guint i = 0;; i++) {
    g_autofree gchar *text = g_strdup_printf ("%s%u", challenge, i);
    g_autofree gchar *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256,
        text, -1);

    if (g_str_has_prefix (sum, "000"))
      return g_strdup_printf ("%u", i);
  }
}

static void
test_pow_expires (void)
{
  RelayAuth *auth = relay_auth_new ();
  g_autofree gchar *challenge = relay_auth_pow_new (auth, "192.0.2.1", NOW);
  g_autofree gchar *nonce = solve (challenge);

  g_assert_false (relay_auth_pow_take (auth, "192.0.2.1", nonce, 3,
          NOW + RELAY_POW_TTL_S));
  g_assert_false (relay_auth_pow_take (auth, "192.0.2.2", nonce, 3, NOW));
  g_assert_true (relay_auth_pow_take (auth, "192.0.2.1", nonce, 3, NOW));
  g_assert_false (relay_auth_pow_take (auth, "192.0.2.1", nonce, 3, NOW));
  for (guint i = 0; i < 2 * RELAY_POW_PER_IP; i++)
    g_free (relay_auth_pow_new (auth, "192.0.2.1", NOW));
  relay_auth_sweep (auth, NOW + RELAY_POW_TTL_S);
  relay_auth_free (auth);
}

static void
test_token_expires (void)
{
  RelayStore *store = relay_store_sqlite_open (":memory:", NULL);
  RelayAccount account = alice;
  g_auto (RelayAccount) found = { 0 };
  g_autofree gchar *first = NULL;
  g_autofree gchar *second = NULL;
  guint8 hash_1[RELAY_TOKEN_HASH_SIZE], hash_2[RELAY_TOKEN_HASH_SIZE];

  g_assert_true (store->add_account (store, &account, NULL));
  first = relay_auth_token_new (store, account.id, NOW, NULL);
  second = relay_auth_token_new (store, account.id, NOW, NULL);
  relay_auth_token_hash (first, hash_1);
  relay_auth_token_hash (second, hash_2);
  g_assert_false (store->find_token (store, hash_1, NOW, &found, NULL));
  g_assert_false (store->find_token (store, hash_2, NOW + RELAY_TOKEN_TTL_S,
          &found, NULL));
  g_assert_true (store->find_token (store, hash_2, NOW + RELAY_TOKEN_TTL_S - 1,
          &found, NULL));
  g_assert_cmpstr (found.alias, ==, "alice");
  relay_store_free (store);
}

static void
test_bucket (void)
{
  RelayRate rate = { 10, 10. / 3600 };
  RelayLimiter *limiter = relay_limiter_new (rate, 8);

  for (guint i = 0; i < 10; i++)
    g_assert_true (relay_limiter_take (limiter, "a", 1));
  g_assert_false (relay_limiter_take (limiter, "a", 1));
  g_assert_false (relay_limiter_take (limiter, "a", 359 * S));
  g_assert_true (relay_limiter_allows (limiter, "a", 361 * S));
  g_assert_true (relay_limiter_take (limiter, "a", 361 * S));
  g_assert_false (relay_limiter_take (limiter, "a", 361 * S));
  for (guint i = 0; i < 1000; i++) {
    g_autofree gchar *key = g_strdup_printf ("k%u", i);

    relay_limiter_take (limiter, key, 361 * S);
    g_assert_cmpuint (relay_limiter_size (limiter), <=, 8);
  }
  relay_limiter_free (limiter);
}

/* --- the hub, with a transport that only counts --- */

typedef struct
{
  guint woken, killed;
} Transport;

static void
wake (gpointer transport)
{
  ((Transport *) transport)->woken++;
}

static void
kill_it (gpointer transport)
{
  ((Transport *) transport)->killed++;
}

static const RelayTransportOps ops = { wake, kill_it };

static gboolean
queue_contains (RelaySocket * socket, const gchar * text)
{
  const guint8 *data;
  gsize length = relay_socket_peek (socket, &data);

  return g_strstr_len ((const gchar *) data, length, text) != NULL;
}

static void
test_hub_idle (void)
{
  RelayHub *hub = relay_hub_new (&relay_hub_default_limits, &ops);
  Transport t = { 0 };
  RelaySocket *socket = relay_hub_attach (hub, &alice, token_1, &t, 1);

  relay_hub_sweep (hub, 90 * S);
  g_assert_false (relay_socket_is_closing (socket));
  relay_socket_receive (socket, "{}", 2, 100 * S);
  relay_hub_sweep (hub, 219 * S);
  g_assert_false (relay_socket_is_closing (socket));
  relay_hub_sweep (hub, 221 * S);
  g_assert_true (relay_socket_is_closing (socket));
  g_assert_cmpuint (t.killed, ==, 0);
  relay_hub_sweep (hub, 227 * S);       /* it does not answer the close frame */
  g_assert_cmpuint (t.killed, ==, 1);
  relay_hub_detach (socket);
  relay_hub_free (hub);
}

static void
test_hub_revoked (void)
{
  RelayHub *hub = relay_hub_new (&relay_hub_default_limits, &ops);
  Transport t = { 0 };
  RelaySocket *socket = relay_hub_attach (hub, &alice, token_1, &t, 1);

  relay_hub_revoke (hub, alice.id, token_1, S);
  relay_hub_sweep (hub, 60 * S);
  g_assert_false (relay_socket_is_closing (socket));
  relay_hub_revoke (hub, alice.id, token_2, 60 * S);
  relay_hub_sweep (hub, 70 * S);
  g_assert_false (relay_socket_is_closing (socket));
  relay_hub_sweep (hub, 71 * S);
  g_assert_true (queue_contains (socket, "jwt_revoked"));
  relay_hub_detach (socket);
  relay_hub_free (hub);
}

static void
test_hub_stalled (void)
{
  static const gchar frame[] =
      "{\"type\":\"call_x\",\"call_id\":\"c\",\"to\":\"bob\"}";
  RelayHub *hub = relay_hub_new (&relay_hub_default_limits, &ops);
  Transport ta = { 0 }, tb = { 0 };
  RelaySocket *a = relay_hub_attach (hub, &alice, token_1, &ta, 1);
  RelaySocket *b = relay_hub_attach (hub, &bob, token_1, &tb, 1);

  relay_socket_receive (a, frame, strlen (frame), 10 * S);
  g_assert_true (queue_contains (b, "\"from\":\"alice\""));
  relay_hub_sweep (hub, 40 * S);
  g_assert_cmpuint (tb.killed, ==, 0);
  relay_hub_sweep (hub, 41 * S);
  g_assert_cmpuint (tb.killed, ==, 1);
  relay_hub_detach (a);
  relay_hub_detach (b);
  relay_hub_free (hub);
}

/* A queue is bounded in bytes, and its reader cut off when it is full. */
static void
test_hub_queue_full (void)
{
  RelayHubLimits limits = relay_hub_default_limits;
  g_autofree gchar *filler = g_strnfill (100000, 'x');
  g_autofree gchar *frame = g_strdup_printf ("{\"type\":\"call_x\","
      "\"call_id\":\"c\",\"to\":\"bob\",\"payload\":\"%s\"}", filler);
  RelayHub *hub = relay_hub_new (&limits, &ops);
  Transport ta = { 0 }, tb = { 0 };
  RelaySocket *a = relay_hub_attach (hub, &alice, token_1, &ta, 1);
  RelaySocket *b = relay_hub_attach (hub, &bob, token_1, &tb, 1);
  const guint8 *data;
  guint n = 0;

  while (!tb.killed && n < 100) {
    g_assert_cmpuint (relay_socket_peek (b, &data), <=, RELAY_MAX_QUEUE);
    relay_socket_receive (a, frame, strlen (frame), 1);
    n++;
  }
  g_assert_cmpuint (n, ==, 11);
  g_assert_cmpuint (relay_socket_peek (b, &data), ==, 0);
  relay_hub_detach (a);
  relay_hub_detach (b);
  relay_hub_free (hub);
}

/* What is written at once ends where a frame ends: with headers of 2, 4 and 10 bytes. */
static void
test_hub_whole_frames (void)
{
  static const gsize payloads[] = { 10, 10, 1000, 70000, 10, 10 };
  const guint8 *data;
  RelayHub *hub = relay_hub_new (&relay_hub_default_limits, &ops);
  Transport ta = { 0 }, tb = { 0 };
  RelaySocket *a = relay_hub_attach (hub, &alice, token_1, &ta, 1);
  RelaySocket *b = relay_hub_attach (hub, &bob, token_1, &tb, 1);
  gsize ends[G_N_ELEMENTS (payloads) + 1] = { 0 }, start = 0;
  guint sent = 0;

  g_assert_cmpuint (relay_socket_peek_frames (b, 1, &data), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (payloads); i++) {
    g_autofree gchar *filler = g_strnfill (payloads[i], 'x');
    g_autofree gchar *frame = g_strdup_printf ("{\"type\":\"call_x\","
        "\"call_id\":\"c\",\"to\":\"bob\",\"payload\":\"%s\"}", filler);

    relay_socket_receive (a, frame, strlen (frame), 1);
    ends[i + 1] = relay_socket_peek (b, &data);
  }
  for (guint max = 1; max < 80000; max = max * 3 / 2 + 1) {
    gsize length = relay_socket_peek_frames (b, max, &data);
    guint i = 1;

    while (i < G_N_ELEMENTS (payloads) && ends[i + 1] <= max)
      i++;
    g_assert_cmpuint (length, ==, ends[i]);
  }
  while (start < ends[G_N_ELEMENTS (payloads)]) {
    gsize length = relay_socket_peek_frames (b, 65536, &data);

    start += length;
    relay_socket_consume (b, length, 1);
    while (ends[sent] < start)
      sent++;
    g_assert_cmpuint (ends[sent], ==, start);
  }
  relay_hub_detach (a);
  relay_hub_detach (b);
  relay_hub_free (hub);
}

/* The limits are the account's, not the connection's. */
static void
test_hub_reconnect (void)
{
  RelayHub *hub = relay_hub_new (&relay_hub_default_limits, &ops);
  Transport t = { 0 };
  const guint8 *data;

  for (guint round = 0; round < 3; round++) {
    gint64 now_us = round < 2 ? S : 100 * S;
    RelaySocket *socket;

    relay_hub_sweep (hub, now_us);
    socket = relay_hub_attach (hub, &alice, token_1, &t, now_us);
    for (guint i = 0; i < 400; i++)
      relay_socket_receive (socket, "{\"type\":\"ping\"}", 15, now_us);
    g_assert_cmpint (relay_socket_peek (socket, &data) > 0, ==, round != 1);
    relay_hub_detach (socket);
  }
  relay_hub_free (hub);
}

static void
test_hub_frame_size (void)
{
  RelayHub *hub = relay_hub_new (&relay_hub_default_limits, &ops);
  Transport t = { 0 };
  RelaySocket *socket = relay_hub_attach (hub, &alice, token_1, &t, 1);
  g_autofree gchar *frame = g_strnfill (RELAY_MAX_FRAME + 1, ' ');

  g_assert_true (relay_socket_receive (socket, frame, RELAY_MAX_FRAME, 1));
  g_assert_false (relay_socket_receive (socket, frame, RELAY_MAX_FRAME + 1, 1));
  g_assert_cmpuint (relay_socket_close_code (socket), ==, RELAY_CLOSE_TOO_BIG);
  relay_hub_detach (socket);
  relay_hub_free (hub);
}

static void
test_ice (void)
{
  g_autoptr (GError) error = NULL;
  const RelayIceSettings good = {.turn_host = "[2001:db8::1]:3478",
    .turn_secret = "turn-secret"
  };
  RelayIce *ice = relay_ice_new (&good, NULL);
  json_t *config = relay_ice_config (ice, "u10000001", TRUE,
      1800000600 - RELAY_ICE_TTL_S);
  json_t *server = json_array_get (json_object_get (config, "ice_servers"), 0);

  g_assert_cmpstr (json_string_value (json_object_get (server, "credential")),
      ==, "wBdGpItT1CEglyuciHBkg+nYJQ4=");
  json_decref (config);
  relay_ice_free (ice);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (sodium_init () < 0)
    return 1;
  g_test_add_func ("/auth/ticket-expires", test_ticket_expires);
  g_test_add_func ("/auth/challenge-expires", test_challenge_expires);
  g_test_add_func ("/auth/pow-expires", test_pow_expires);
  g_test_add_func ("/auth/token-expires", test_token_expires);
  g_test_add_func ("/limits/bucket", test_bucket);
  g_test_add_func ("/hub/idle", test_hub_idle);
  g_test_add_func ("/hub/revoked", test_hub_revoked);
  g_test_add_func ("/hub/stalled", test_hub_stalled);
  g_test_add_func ("/hub/queue-full", test_hub_queue_full);
  g_test_add_func ("/hub/whole-frames", test_hub_whole_frames);
  g_test_add_func ("/hub/frame-size", test_hub_frame_size);
  g_test_add_func ("/hub/reconnect", test_hub_reconnect);
  g_test_add_func ("/ice/credential", test_ice);
  return g_test_run ();
}
