/* gst-dao: fuzzes the relay's HTTP API
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Two lines a request: who ('a', 'b', 'c': with that one's token; '!': with what follows as the header; else without), method,
 * path and query; and the body. In the body @P is a solved proof of work, @C a challenge of alice's and @S her signature of it.
 * Every answer is JSON with a status that the API knows; 500 is none of them.
 */
#include "fuzz.h"
#include "relay-api.h"

#include "dao-encoding.h"
#include "dao-secret.h"

#include <jansson.h>
#include <sodium.h>
#include <string.h>

#define NOW_S G_GINT64_CONSTANT (1800000000)
#define IP "192.0.2.1"
#define MAX_REQUESTS 32

typedef struct
{
  RelayStore *store;
  RelayAuth *auth;
  RelayIce *ice;
  RelayHub *hub;
  RelayApi *api;
  gchar *tokens[3];
  gchar *uuid;                  /* alice's */
} World;

static guint8 ed25519_public[crypto_sign_PUBLICKEYBYTES];
static guint8 ed25519_secret[crypto_sign_SECRETKEYBYTES];

static void
ignore (gpointer transport)
{
}

static const RelayTransportOps ops = { ignore, ignore };

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  guint8 seed[crypto_sign_SEEDBYTES] = { 1 };

  fuzz_init ();
  dao_crypto_init ();
  crypto_sign_seed_keypair (ed25519_public, ed25519_secret, seed);
  return 0;
}

static void
add_account (World * world, guint i)
{
  static const gchar *const aliases[] = { "alice", "bob", "carol" };
  static const gchar *const uuids[] = { "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "0284f9ef-0279-4643-9424-d230fcd5080d",
    "6fa459ea-ee8a-4ca4-894e-db77e160355e"
  };
  RelayAccount account = { 0 };
  guint8 key[32] = { i + 1 };
  g_autofree gchar *ed25519 = dao_base64_encode (i == 0 ? ed25519_public : key,
      32);
  g_autofree gchar *x25519 = dao_base64_encode (key, 32);

  g_strlcpy (account.alias, aliases[i], sizeof account.alias);
  g_strlcpy (account.uuid, uuids[i], sizeof account.uuid);
  g_strlcpy (account.ed25519, ed25519, sizeof account.ed25519);
  g_strlcpy (account.x25519, x25519, sizeof account.x25519);
  account.nickname = g_strdup (aliases[i]);
  g_assert_true (world->store->add_account (world->store, &account, NULL));
  world->tokens[i] = relay_auth_token_new (world->store, account.id, NOW_S,
      NULL);
  relay_account_clear (&account);
}

static void
world_init (World * world)
{
  const RelayIceSettings ice = {.turn_host = "turn.example",.turn_secret = "s" };
  RelayApiLimits limits = relay_api_default_limits;

  limits.pow_difficulty = 1;
  world->store = relay_store_sqlite_open (":memory:", NULL);
  world->auth = relay_auth_new ();
  world->ice = relay_ice_new (&ice, NULL);
  world->hub = relay_hub_new (&relay_hub_default_limits, &ops);
  world->api = relay_api_new (&limits, world->store, world->auth, world->ice,
      world->hub);
  world->uuid = g_strdup ("3f2504e0-4f89-41d3-9a0c-0305e82c3301");
  for (guint i = 0; i < 3; i++)
    add_account (world, i);
}

static void
world_clear (World * world)
{
  relay_api_free (world->api);
  relay_hub_free (world->hub);
  relay_ice_free (world->ice);
  relay_auth_free (world->auth);
  relay_store_free (world->store);
  for (guint i = 0; i < 3; i++)
    g_free (world->tokens[i]);
  g_free (world->uuid);
}

static gchar *
solve (World * world)
{
  g_autofree gchar *challenge = relay_auth_pow_new (world->auth, IP, NOW_S);

  for (guint i = 0; challenge != NULL; i++) {
    g_autofree gchar *text = g_strdup_printf ("%s%u", challenge, i);
    g_autofree gchar *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256,
        text, -1);

    if (sum[0] == '0')
      return g_strdup_printf ("%u", i);
  }
  return g_strdup ("");
}

static void
replace (GString * body, const gchar * mark, const gchar * text)
{
  /* once: an input of nothing but marks must not become megabytes */
  g_string_replace (body, mark, text, 1);
}

static gchar *
fill (World * world, const gchar * line)
{
  GString *body = g_string_new (line);
  guint8 signature[crypto_sign_BYTES];

  if (strstr (line, "@P")) {
    g_autofree gchar *nonce = solve (world);

    replace (body, "@P", nonce);
  }
  if (strstr (line, "@C")) {
    g_autofree gchar *challenge = relay_auth_challenge_new (world->auth,
        world->uuid, NOW_S);
    g_autofree gchar *text = NULL;

    crypto_sign_detached (signature, NULL, (guint8 *) challenge,
        strlen (challenge), ed25519_secret);
    text = dao_base64_encode (signature, sizeof signature);
    replace (body, "@C", challenge);
    replace (body, "@S", text);
  }
  return g_string_free (body, FALSE);
}

static void
check_response (const RelayResponse * response)
{
  static const guint known[] = { 200, 201, 400, 401, 403, 404, 405, 409, 429 };
  json_t *body;
  gboolean found = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    found |= response->status == known[i];
  if (!found)
    g_error ("status %u", response->status);
  g_assert_nonnull (response->body);
  body = json_loads (response->body, 0, NULL);
  g_assert_true (json_is_object (body) || json_is_array (body));
  json_decref (body);
}

static void
send_request (World * world, const gchar * head, const gchar * body)
{
  g_auto (GStrv) words = g_strsplit (head + (*head != '\0'), " ", 3);
  guint n = g_strv_length (words);
  guint who = *head >= 'a' && *head <= 'c' ? *head - 'a' : 3;
  g_autofree gchar *bearer = who < 3 ?
      g_strconcat ("Bearer ", world->tokens[who], NULL) : NULL;
  RelayRequest request = {.method = n > 0 ? words[0] : "",.path =
        n > 1 ? words[1] : "",.query = n > 2 ? words[2] : "",.ip = IP,.body =
        body,.body_length = strlen (body),.now_s = NOW_S,.now_us =
        G_USEC_PER_SEC
  };
  RelayResponse response;

  request.authorization = *head == '!' ? request.query : bearer;
  relay_api_handle (world->api, &request, &response);
  check_response (&response);
  relay_response_clear (&response);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  FuzzReader reader = { data, size };
  World world = { 0 };
  gchar *line;

  world_init (&world);
  for (guint i = 0; i < MAX_REQUESTS && (line = fuzz_line (&reader)); i++) {
    g_autofree gchar *second = fuzz_line (&reader);
    g_autofree gchar *body = fill (&world, second ? second : "");

    /* the server hands over paths and headers that are UTF-8 */
    if (g_utf8_validate (line, -1, NULL) && strlen (body) <= RELAY_MAX_BODY)
      send_request (&world, line, body);
    g_free (line);
  }
  relay_auth_sweep (world.auth, NOW_S);
  world_clear (&world);
  return 0;
}
