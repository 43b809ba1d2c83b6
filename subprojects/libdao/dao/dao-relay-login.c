/* gst-dao: login, and requests that need one
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * protocol.md c, "Auth" and "JWT/session facts": a successful login revokes the
 * account's older tokens, so a token is used until the relay refuses it, and one login
 * serves everybody who waits for it.
 */
#include "dao-relay-private.h"
#include "dao-encoding.h"
#include "dao-json.h"
#include "dao-relay-body.h"

#include <sodium.h>
#include <string.h>

/* A JWT with a few claims has 300 bytes; headers of 8 KB pass every proxy. */
#define MAX_TOKEN 4096

void
dao_relay_wipe (gchar ** text)
{
  if (*text == NULL)
    return;
  sodium_memzero (*text, strlen (*text));
  g_clear_pointer (text, g_free);
}

void
dao_relay_wipe_json (json_t * object, const gchar * name)
{
  json_t *member = json_object_get (object, name);

  if (json_is_string (member))
    sodium_memzero ((gchar *) json_string_value (member),
        json_string_length (member));
}

void
dao_relay_forget_token (DaoRelayClient * client)
{
  dao_relay_wipe (&client->token);
}

/* protocol.md a.3: 36 characters, hex digits of either case */
gboolean
dao_relay_uuid_is_valid (const gchar * uuid)
{
  guint i;

  if (uuid == NULL || strlen (uuid) != 36)
    return FALSE;
  for (i = 0; i < 36; i++) {
    gboolean dash = i == 8 || i == 13 || i == 18 || i == 23;

    if (dash ? uuid[i] != '-' : !g_ascii_isxdigit (uuid[i]))
      return FALSE;
  }
  return TRUE;
}

/* --- the login: challenge, verify, own account --- */

static void
login_end (DaoRelayClient * client, const GError * error)
{
  GQueue waiters = client->login_waiters;
  GTask *task;

  g_queue_init (&client->login_waiters);
  if (error == NULL)
    g_signal_emit (client, dao_relay_signals[DAO_RELAY_SIGNAL_LOGGED_IN], 0);
  while ((task = g_queue_pop_head (&waiters)) != NULL) {
    if (error != NULL)
      g_task_return_error (task, g_error_copy (error));
    else
      g_task_return_boolean (task, TRUE);
    g_object_unref (task);
  }
}

static void
login_fail (DaoRelayClient * client, GError * error)
{
  login_end (client, error);
  g_error_free (error);
}

/* A refusal is final for this attempt; "too many requests" and trouble inside the relay are not refusals. */
static GError *
login_error (DaoRelayAnswer * answer)
{
  GError *error = dao_relay_answer_to_error (answer);

  if (answer->status >= 400 && answer->status < 500
      && answer->status != 408 && answer->status != 429) {
    error->code = DAO_RELAY_ERROR_AUTH;
    g_prefix_error (&error, "The relay refuses the login: ");
  }
  return error;
}

/* protocol.md a.2 and a.3: which of the two X25519 keys is registered, and an alias that may have changed. */
static gboolean
adopt_own_account (DaoRelayClient * client, json_t * user, GError ** error)
{
  const gchar *alias = dao_json_get_string (user, "alias_id");
  const gchar *key = dao_json_get_string (user, "x25519_public_key");
  const gchar *signing = dao_json_get_string (user, "ed25519_public_key");
  guint8 x25519[32], ed25519[32];

  if (!dao_alias_is_valid (alias) || key == NULL || signing == NULL
      || !dao_base64_decode_exact (key, x25519, 32)
      || !dao_base64_decode_exact (signing, ed25519, 32)) {
    g_set_error_literal (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_ANSWER,
        "The relay's entry of our own account is malformed");
    return FALSE;
  }
  if (memcmp (ed25519, dao_identity_get_ed25519_public (client->identity),
          32) != 0) {
    g_set_error (error, DAO_IDENTITY_ERROR, DAO_IDENTITY_ERROR_KEY,
        "At the relay the alias %s belongs to another identity", alias);
    return FALSE;
  }
  if (!dao_identity_select_x25519 (client->identity, x25519, error))
    return FALSE;
  if (g_strcmp0 (alias, dao_identity_get_alias (client->identity)) != 0)
    dao_identity_set_alias (client->identity, alias);
  return TRUE;
}

static void
on_own_account (GObject * source, GAsyncResult * result, gpointer user_data)
{
  DaoRelayClient *client = DAO_RELAY_CLIENT (source);
  g_autoptr (DaoRelayAnswer) answer = NULL;
  GError *error = NULL;

  answer = dao_relay_http_finish (client, result, &error);
  if (answer == NULL) {
    dao_relay_forget_token (client);
    login_fail (client, error);
    return;
  }
  if (!dao_relay_answer_is_success (answer)) {
    /* A relay may keep this from us; then the derivation in the identity file stands. */
    g_message ("The relay does not show our own account (HTTP %u)",
        answer->status);
    login_end (client, NULL);
    return;
  }
  if (!adopt_own_account (client, answer->json, &error)) {
    dao_relay_forget_token (client);
    login_fail (client, error);
    return;
  }
  login_end (client, NULL);
}

static void
look_up_own_account (DaoRelayClient * client)
{
  const gchar *alias = dao_identity_get_alias (client->identity);
  g_autofree gchar *path = NULL;

  if (alias == NULL) {
    login_end (client, NULL);
    return;
  }
  path = dao_relay_path_user (alias);
  dao_relay_http_async (client, "GET", path, NULL, client->token, NULL,
      on_own_account, NULL);
}

/* It goes into a header: visible ASCII without spaces only. */
static gboolean
token_is_valid (const gchar * token)
{
  const gchar *p;

  if (token == NULL || *token == '\0' || strlen (token) > MAX_TOKEN)
    return FALSE;
  for (p = token; *p != '\0'; p++) {
    if (!g_ascii_isgraph (*p))
      return FALSE;
  }
  return TRUE;
}

static void
on_verified (GObject * source, GAsyncResult * result, gpointer user_data)
{
  DaoRelayClient *client = DAO_RELAY_CLIENT (source);
  g_autoptr (DaoRelayAnswer) answer = NULL;
  const gchar *token;
  GError *error = NULL;

  answer = dao_relay_http_finish (client, result, &error);
  if (answer == NULL) {
    login_fail (client, error);
    return;
  }
  if (!dao_relay_answer_is_success (answer)) {
    login_fail (client, login_error (answer));
    return;
  }
  token = dao_json_get_string (answer->json, "token");
  if (!token_is_valid (token)) {
    dao_relay_wipe_json (answer->json, "token");
    login_fail (client, g_error_new_literal (DAO_RELAY_ERROR,
            DAO_RELAY_ERROR_ANSWER, "The relay's login answer has no token"));
    return;
  }
  dao_relay_forget_token (client);
  client->token = g_strdup (token);
  client->token_serial++;
  dao_relay_wipe_json (answer->json, "token");
  look_up_own_account (client);
}

static void
on_challenge (GObject * source, GAsyncResult * result, gpointer user_data)
{
  DaoRelayClient *client = DAO_RELAY_CLIENT (source);
  g_autoptr (DaoRelayAnswer) answer = NULL;
  g_autofree gchar *signature = NULL;
  const gchar *challenge;
  GError *error = NULL;
  json_t *body;

  answer = dao_relay_http_finish (client, result, &error);
  if (answer == NULL) {
    login_fail (client, error);
    return;
  }
  if (!dao_relay_answer_is_success (answer)) {
    login_fail (client, login_error (answer));
    return;
  }
  challenge = dao_json_get_string (answer->json, "challenge");
  if (challenge == NULL || *challenge == '\0') {
    login_fail (client, g_error_new_literal (DAO_RELAY_ERROR,
            DAO_RELAY_ERROR_ANSWER, "The relay's login has no challenge"));
    return;
  }
  /* Refuses what could be a signal: the relay must not get signals signed (design, extensions). */
  signature = dao_identity_sign_challenge (client->identity, challenge, &error);
  if (signature == NULL) {
    login_fail (client, error);
    return;
  }
  body = dao_relay_body_auth_verify (dao_identity_get_uuid (client->identity),
      challenge, signature);
  dao_relay_http_async (client, "POST", DAO_PATH_AUTH_VERIFY, body, NULL, NULL,
      on_verified, NULL);
  json_decref (body);
}

/* Gets a new token. Calls that come while a login is under way share it. */
void
dao_relay_login_async (DaoRelayClient * client, GAsyncReadyCallback callback,
    gpointer user_data)
{
  GTask *task = g_task_new (client, NULL, callback, user_data);
  const gchar *uuid = dao_identity_get_uuid (client->identity);
  gboolean first = g_queue_is_empty (&client->login_waiters);
  json_t *body;

  g_task_set_source_tag (task, dao_relay_login_async);
  if (uuid == NULL) {
    g_task_return_new_error (task, DAO_RELAY_ERROR, DAO_RELAY_ERROR_AUTH,
        "This identity is not registered");
    g_object_unref (task);
    return;
  }
  g_queue_push_tail (&client->login_waiters, task);
  if (!first)
    return;
  body = dao_relay_body_auth_challenge (uuid);
  dao_relay_http_async (client, "POST", DAO_PATH_AUTH_CHALLENGE, body, NULL,
      NULL, on_challenge, NULL);
  json_decref (body);
}

gboolean
dao_relay_login_finish (DaoRelayClient * client, GAsyncResult * result,
    GError ** error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- a request with a token --- */

typedef struct
{
  gchar *method;
  gchar *path;
  json_t *body;
  guint64 token_serial;         /* the token it was sent with */
  gboolean retried;             /* the one repetition after a 401 is used up */
} Call;

static void
call_free (Call * call)
{
  g_free (call->method);
  g_free (call->path);
  json_decref (call->body);
  g_free (call);
}

static void call_step (GTask * task);

static void
on_call_login (GObject * source, GAsyncResult * result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (!dao_relay_login_finish (DAO_RELAY_CLIENT (source), result, &error)) {
    g_task_return_error (task, error);
    return;
  }
  if (!g_task_return_error_if_cancelled (task))
    call_step (g_steal_pointer (&task));
}

static void
on_call_answer (GObject * source, GAsyncResult * result, gpointer user_data)
{
  DaoRelayClient *client = DAO_RELAY_CLIENT (source);
  g_autoptr (GTask) task = user_data;
  g_autoptr (DaoRelayAnswer) answer = NULL;
  Call *call = g_task_get_task_data (task);
  GError *error = NULL;

  answer = dao_relay_http_finish (client, result, &error);
  if (answer == NULL) {
    g_task_return_error (task, error);
  } else if (answer->status == 401 && !call->retried) {
    call->retried = TRUE;
    /* Another request may have logged in again meanwhile; that token is to be tried, not revoked. */
    if (call->token_serial == client->token_serial)
      dao_relay_forget_token (client);
    call_step (g_steal_pointer (&task));
  } else if (answer->status == 401) {
    g_task_return_new_error (task, DAO_RELAY_ERROR, DAO_RELAY_ERROR_AUTH,
        "The relay refuses a token that it just gave out");
  } else if (!dao_relay_answer_is_success (answer)) {
    g_task_return_error (task, dao_relay_answer_to_error (answer));
  } else {
    g_task_return_pointer (task, json_incref (answer->json),
        (GDestroyNotify) json_decref);
  }
}

/* Takes the reference of @task. */
static void
call_step (GTask * task)
{
  DaoRelayClient *client = g_task_get_source_object (task);
  Call *call = g_task_get_task_data (task);

  if (client->token == NULL) {
    dao_relay_login_async (client, on_call_login, task);
    return;
  }
  call->token_serial = client->token_serial;
  dao_relay_http_async (client, call->method, call->path, call->body,
      client->token, g_task_get_cancellable (task), on_call_answer, task);
}

void
dao_relay_client_call_async (DaoRelayClient * client, const gchar * method,
    const gchar * path, json_t * body, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task;
  Call *call;

  g_return_if_fail (DAO_IS_RELAY_CLIENT (client));
  g_return_if_fail (method != NULL && path != NULL);

  task = g_task_new (client, cancellable, callback, user_data);
  g_task_set_source_tag (task, dao_relay_client_call_async);
  g_task_set_check_cancellable (task, FALSE);
  call = g_new0 (Call, 1);
  call->method = g_strdup (method);
  call->path = g_strdup (path);
  call->body = json_incref (body);
  g_task_set_task_data (task, call, (GDestroyNotify) call_free);
  call_step (task);
}

json_t *
dao_relay_client_call_finish (DaoRelayClient * client, GAsyncResult * result,
    GError ** error)
{
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
