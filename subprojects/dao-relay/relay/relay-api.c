/* gst-dao: the relay's HTTP API
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "relay-api-private.h"

#include "dao-encoding.h"
#include "dao-json.h"

#include <sodium.h>
#include <string.h>

const RelayApiLimits relay_api_default_limits = {
  .registrations = {10, 10. / 3600},
  .login_failures = {30, 0.5},
  .challenges = {120, 2},
  .friend_requests = {30, 30. / 3600},
  .requests = {120, 4},
  .pow_difficulty = 4,
};

RelayApi *
relay_api_new (const RelayApiLimits * limits, RelayStore * store,
    RelayAuth * auth, RelayIce * ice, RelayHub * hub)
{
  RelayApi *api = g_new0 (RelayApi, 1);

  api->pow_difficulty = limits->pow_difficulty;
  api->store = store;
  api->auth = auth;
  api->ice = ice;
  api->hub = hub;
  api->registrations = relay_limiter_new (limits->registrations,
      RELAY_MAX_LIMIT_KEYS);
  api->login_failures = relay_limiter_new (limits->login_failures,
      RELAY_MAX_LIMIT_KEYS);
  api->challenges = relay_limiter_new (limits->challenges,
      RELAY_MAX_LIMIT_KEYS);
  api->friend_requests = relay_limiter_new (limits->friend_requests,
      RELAY_MAX_LIMIT_KEYS);
  api->requests = relay_limiter_new (limits->requests, RELAY_MAX_LIMIT_KEYS);
  return api;
}

void
relay_api_free (RelayApi * api)
{
  if (!api)
    return;
  relay_limiter_free (api->registrations);
  relay_limiter_free (api->login_failures);
  relay_limiter_free (api->challenges);
  relay_limiter_free (api->friend_requests);
  relay_limiter_free (api->requests);
  g_free (api);
}

/* --- answers --- */

void
relay_response_clear (RelayResponse * response)
{
  if (response->body)
    sodium_memzero (response->body, strlen (response->body));
  g_clear_pointer (&response->body, g_free);
}

void
relay_response_json (RelayResponse * response, guint status, json_t * body)
{
  gchar *text = json_dumps (body, JSON_COMPACT);

  json_decref (body);
  relay_response_clear (response);
  response->status = status;
  response->body = g_strdup (text);
  if (text)
    sodium_memzero (text, strlen (text));       /* may hold a token */
  free (text);
}

void
relay_response_error (RelayResponse * response, guint status,
    const gchar * message)
{
  relay_response_json (response, status, json_pack ("{s:s}", "error",
          message));
}

void
relay_response_store_failed (RelayResponse * response, GError * error)
{
  g_warning ("%s", error->message);
  relay_response_error (response, 500, "internal error");
}

/* --- what comes in --- */

/* The body as an object, or a 400. */
json_t *
relay_request_object (const RelayRequest * request, RelayResponse * response)
{
  json_t *body = dao_json_parse (request->body, request->body_length, NULL);

  if (json_is_object (body))
    return body;
  json_decref (body);
  relay_response_error (response, 400, "the body is not a JSON object");
  return NULL;
}

/* Base64 of exactly 32 bytes, as it is kept and handed out. */
static gboolean
is_key (const gchar * text)
{
  guint8 key[32];

  return text && strlen (text) == RELAY_KEY_TEXT_LENGTH
      && dao_base64_decode_exact (text, key, sizeof key);
}

static gboolean
is_nickname (const gchar * text)
{
  if (g_utf8_strlen (text, -1) > RELAY_MAX_NICKNAME)
    return FALSE;
  for (; *text; text = g_utf8_next_char (text)) {
    if (g_unichar_iscntrl (g_utf8_get_char (text)))
      return FALSE;
  }
  return TRUE;
}

/* RFC 3339, UTC. (transfer full) */
gchar *
relay_time_text (gint64 unix_s)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (unix_s);

  return g_date_time_format (time, "%Y-%m-%dT%H:%M:%SZ");
}

/* --- 1 and 2: registration --- */

static void
pow_challenge (RelayApi * api, const RelayRequest * request,
    RelayResponse * response)
{
  g_autofree gchar *challenge = NULL;

  if (!relay_limiter_take (api->challenges, request->ip, request->now_us)
      || !(challenge = relay_auth_pow_new (api->auth, request->ip,
              request->now_s))) {
    relay_response_error (response, 429, "too many challenges");
    return;
  }
  relay_response_json (response, 200, json_pack ("{s:s,s:i,s:i}",
          "challenge_string", challenge, "difficulty",
          (int) api->pow_difficulty, "expires_in", RELAY_POW_TTL_S));
}

static void
answer_exists (RelayResponse * response, const RelayAccount * account)
{
  relay_response_json (response, 409, json_pack ("{s:s,s:s,s:s}", "error",
          "exists", "uuid", account->uuid, "alias_id", account->alias));
}

static void
create_account (RelayApi * api, RelayAccount * account,
    RelayResponse * response)
{
  /* 100 million aliases: a collision is rare, eight in a row means something else is wrong */
  for (gint attempt = 0; attempt < 8; attempt++) {
    g_autoptr (GError) error = NULL;
    g_autofree gchar *uuid = relay_uuid_new ();

    g_strlcpy (account->uuid, uuid, sizeof account->uuid);
    g_snprintf (account->alias, sizeof account->alias, "u%08u",
        randombytes_uniform (100000000));
    if (api->store->add_account (api->store, account, &error)) {
      relay_response_json (response, 201, json_pack ("{s:s,s:s}", "uuid",
              account->uuid, "alias_id", account->alias));
      return;
    }
    if (!g_error_matches (error, RELAY_STORE_ERROR, RELAY_STORE_ERROR_EXISTS)) {
      relay_response_store_failed (response, error);
      return;
    }
  }
  relay_response_error (response, 500, "internal error");
}

static void
register_account (RelayApi * api, const RelayRequest * request,
    json_t * body, RelayResponse * response)
{
  const gchar *ed25519 = dao_json_get_string (body, "ed25519_public_key");
  const gchar *x25519 = dao_json_get_string (body, "x25519_public_key");
  const gchar *nickname = dao_json_get_string (body, "nickname");
  const gchar *nonce = dao_json_get_string (body, "pow_nonce");
  g_auto (RelayAccount) account = { 0 };
  g_auto (RelayAccount) known = { 0 };
  gboolean exists;

  if (!is_key (ed25519) || !is_key (x25519)
      || !is_nickname (nickname ? nickname : "")) {
    relay_response_error (response, 400, "bad key or nickname");
    return;
  }
  exists = api->store->find_account (api->store, RELAY_BY_KEY, ed25519,
      &known, NULL);
  /* Logging in by phrase ends in a 409 and is no registration. */
  if (!exists && !relay_limiter_allows (api->registrations, request->ip,
          request->now_us)) {
    relay_response_error (response, 429, "too many registrations");
    return;
  }
  if (!nonce || !relay_auth_pow_take (api->auth, request->ip, nonce,
          api->pow_difficulty, request->now_s)) {
    relay_response_error (response, 400, "proof of work missing or wrong");
    return;
  }
  if (exists) {
    answer_exists (response, &known);
    return;
  }
  relay_limiter_take (api->registrations, request->ip, request->now_us);
  g_strlcpy (account.ed25519, ed25519, sizeof account.ed25519);
  g_strlcpy (account.x25519, x25519, sizeof account.x25519);
  account.nickname = g_strdup (nickname ? nickname : "");
  create_account (api, &account, response);
}

/* --- 3 and 4: login --- */

static void
auth_challenge (RelayApi * api, const RelayRequest * request, json_t * body,
    RelayResponse * response)
{
  const gchar *given = dao_json_get_string (body, "user_uuid");
  g_autofree gchar *uuid = given ? g_ascii_strdown (given, -1) : NULL;
  g_autofree gchar *challenge = NULL;
  g_autofree gchar *expires = NULL;
  g_auto (RelayAccount) account = { 0 };

  if (!uuid || !g_uuid_string_is_valid (uuid)) {
    relay_response_error (response, 400, "user_uuid is not a UUID");
    return;
  }
  if (!api->store->find_account (api->store, RELAY_BY_UUID, uuid, &account,
          NULL)) {
    relay_response_error (response, 404, "no such user");
    return;
  }
  challenge = relay_auth_challenge_new (api->auth, account.uuid,
      request->now_s);
  expires = relay_time_text (request->now_s + RELAY_CHALLENGE_TTL_S);
  relay_response_json (response, 200, json_pack ("{s:s,s:s}", "challenge",
          challenge, "expires_at", expires));
}

static gboolean
login_is_good (RelayApi * api, const RelayRequest * request, json_t * body,
    RelayAccount * account)
{
  const gchar *given = dao_json_get_string (body, "user_uuid");
  const gchar *challenge = dao_json_get_string (body, "challenge");
  const gchar *signature = dao_json_get_string (body, "signature");
  g_autofree gchar *uuid = given ? g_ascii_strdown (given, -1) : NULL;

  return uuid && challenge && signature
      && api->store->find_account (api->store, RELAY_BY_UUID, uuid, account,
      NULL)
      && relay_auth_challenge_check (api->auth, account->uuid, challenge,
      signature, account->ed25519, request->now_s);
}

static void
auth_verify (RelayApi * api, const RelayRequest * request, json_t * body,
    RelayResponse * response)
{
  g_auto (RelayAccount) account = { 0 };
  g_autofree gchar *token = NULL;
  g_autoptr (GError) error = NULL;
  guint8 hash[RELAY_TOKEN_HASH_SIZE];

  if (!relay_limiter_allows (api->login_failures, request->ip,
          request->now_us)) {
    relay_response_error (response, 429, "too many failed logins");
    return;
  }
  if (!login_is_good (api, request, body, &account)) {
    relay_limiter_take (api->login_failures, request->ip, request->now_us);
    relay_response_error (response, 401, "login refused");
    return;
  }
  token = relay_auth_token_new (api->store, account.id, request->now_s,
      &error);
  if (!token) {
    relay_response_store_failed (response, error);
    return;
  }
  relay_auth_token_hash (token, hash);
  relay_hub_revoke (api->hub, account.id, hash, request->now_us);
  relay_response_json (response, 200, json_pack ("{s:s,s:i}", "token", token,
          "expires_in", RELAY_TOKEN_TTL_S));
  sodium_memzero (token, strlen (token));
}

/* --- what needs a token --- */

gboolean
relay_api_authenticate (RelayApi * api, const gchar * authorization,
    gint64 now_s, RelayAccount * account, guint8 * hash)
{
  const gchar *token;

  if (!authorization || g_ascii_strncasecmp (authorization, "Bearer ", 7) != 0)
    return FALSE;
  for (token = authorization + 7; *token == ' '; token++);
  return relay_auth_token_hash (token, hash)
      && api->store->find_token (api->store, hash, now_s, account, NULL);
}

static void
ws_ticket (RelayApi * api, const RelayCall * call, RelayResponse * response)
{
  g_autofree gchar *ticket = relay_auth_ticket_new (api->auth, &call->account,
      call->token_hash, call->request->now_s);

  relay_response_json (response, 200, json_pack ("{s:s}", "ticket", ticket));
}

static void
look_up_user (RelayApi * api, const RelayCall * call, RelayResponse * response)
{
  g_auto (RelayAccount) user = { 0 };

  if (!relay_alias_is_valid (call->argument, strlen (call->argument))
      || !api->store->find_account (api->store, RELAY_BY_ALIAS,
          call->argument, &user, NULL)) {
    relay_response_error (response, 404, "no such user");
    return;
  }
  relay_response_json (response, 200, json_pack ("{s:s,s:s,s:s,s:s}",
          "alias_id", user.alias, "nickname", user.nickname,
          "x25519_public_key", user.x25519, "ed25519_public_key",
          user.ed25519));
}

static void
ice_config (RelayApi * api, const RelayCall * call, RelayResponse * response)
{
  g_auto (GStrv) parts = g_strsplit (call->request->query, "&", 32);
  gboolean relay_only = g_strv_contains ((const gchar * const *) parts,
      "mode=relay");

  if (!call->request->resumed
      && relay_ice_must_wait (api->ice, call->request->now_s))
    return;
  relay_response_json (response, 200, relay_ice_config (api->ice,
          call->account.alias, relay_only, call->request->now_s));
}

/* --- dispatch --- */

typedef void (*OpenFunc) (RelayApi * api, const RelayRequest * request,
    json_t * body, RelayResponse * response);
typedef void (*UserFunc) (RelayApi * api, const RelayCall * call,
    RelayResponse * response);

typedef struct
{
  const gchar *method;
  const gchar *path;            /* "*" stands for one segment: the call's argument */
  OpenFunc open;                /* before login, with a JSON object as body */
  UserFunc user;                /* with a token */
} Endpoint;

static const Endpoint endpoints[] = {
  {"POST", "/register", register_account, NULL},
  {"POST", "/auth/challenge", auth_challenge, NULL},
  {"POST", "/auth/verify", auth_verify, NULL},
  {"POST", "/ws/ticket", NULL, ws_ticket},
  {"GET", "/friends", NULL, relay_friends_list},
  {"POST", "/friends/request", NULL, relay_friends_request},
  {"PUT", "/friends/*/accept", NULL, relay_friends_accept},
  {"POST", "/friends/*/reject", NULL, relay_friends_reject},
  {"GET", "/users/*", NULL, look_up_user},
  {"GET", "/calls/ice-config", NULL, ice_config},
};

/* Does @path fit @pattern? @argument (RELAY_MAX_ARGUMENT) gets the segment at the "*". */
static gboolean
path_matches (const gchar * pattern, const gchar * path, gchar * argument)
{
  const gchar *star = strchr (pattern, '*');
  gsize before = star ? (gsize) (star - pattern) : 0;
  gsize length;

  argument[0] = '\0';
  if (!star)
    return strcmp (pattern, path) == 0;
  if (strncmp (pattern, path, before) != 0)
    return FALSE;
  length = strcspn (path + before, "/");
  if (length == 0 || length >= RELAY_MAX_ARGUMENT
      || strcmp (star + 1, path + before + length) != 0)
    return FALSE;
  memcpy (argument, path + before, length);
  argument[length] = '\0';
  return TRUE;
}

static void
call_user (RelayApi * api, const Endpoint * endpoint, RelayCall * call,
    RelayResponse * response)
{
  const RelayRequest *request = call->request;

  if (!relay_api_authenticate (api, request->authorization, request->now_s,
          &call->account, call->token_hash))
    relay_response_error (response, 401, "token missing, expired or revoked");
  else if (!request->resumed && !relay_limiter_take (api->requests,
          call->account.alias, request->now_us))
    relay_response_error (response, 429, "too many requests");
  else
    endpoint->user (api, call, response);
  relay_account_clear (&call->account);
}

static void
call_open (RelayApi * api, const Endpoint * endpoint,
    const RelayRequest * request, RelayResponse * response)
{
  json_t *body = relay_request_object (request, response);

  if (body)
    endpoint->open (api, request, body, response);
  json_decref (body);
}

void
relay_api_handle (RelayApi * api, const RelayRequest * request,
    RelayResponse * response)
{
  const gchar *path = request->path;
  gboolean known = FALSE;

  *response = (RelayResponse) { 0 };
  if (!g_str_has_prefix (path, "/api/v1/")) {
    relay_response_error (response, 404, "not found");
    return;
  }
  path += strlen ("/api/v1");
  if (strcmp (path, "/pow/challenge") == 0 && (strcmp (request->method, "POST")
          == 0 || strcmp (request->method, "GET") == 0)) {
    pow_challenge (api, request, response);     /* any body or none, and GET: iOS */
    return;
  }
  for (gsize i = 0; i < G_N_ELEMENTS (endpoints); i++) {
    const Endpoint *endpoint = &endpoints[i];
    RelayCall call = {.request = request };

    if (!path_matches (endpoint->path, path, call.argument))
      continue;
    known = TRUE;
    if (strcmp (endpoint->method, request->method) != 0)
      continue;
    if (endpoint->open)
      call_open (api, endpoint, request, response);
    else
      call_user (api, endpoint, &call, response);
    return;
  }
  relay_response_error (response, known ? 405 : 404,
      known ? "method not allowed" : "not found");
}
