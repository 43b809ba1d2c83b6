/* gst-dao: one account at one relay
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The object, its registration and the ICE configuration; protocol.md c.
 */
#include "dao-relay-private.h"
#include "dao-json.h"
#include "dao-relay-body.h"

#include <string.h>

/* Requests of one account that run beside each other. */
#define MAX_CONNECTIONS 4
/* protocol.md c: a difficulty above what SHA-256 has can only be an error. */
#define MAX_DIFFICULTY 64

G_DEFINE_QUARK (dao-relay-error-quark, dao_relay_error)
G_DEFINE_TYPE (DaoRelayClient, dao_relay_client, G_TYPE_OBJECT)

guint dao_relay_signals[DAO_RELAY_N_SIGNALS];

static void
dao_relay_client_finalize (GObject * object)
{
  DaoRelayClient *client = DAO_RELAY_CLIENT (object);

  g_clear_pointer (&client->socket, dao_relay_socket_free);
  dao_relay_forget_token (client);
  dao_ice_config_free (client->ice_config[0]);
  dao_ice_config_free (client->ice_config[1]);
  g_clear_object (&client->session);
  g_clear_pointer (&client->identity, dao_identity_unref);
  g_clear_pointer (&client->context, g_main_context_unref);
  g_free (client->url);
  G_OBJECT_CLASS (dao_relay_client_parent_class)->finalize (object);
}

static void
dao_relay_client_class_init (DaoRelayClientClass * klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = dao_relay_client_finalize;

  dao_relay_signals[DAO_RELAY_SIGNAL_LOGGED_IN] =
      g_signal_new ("logged-in", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
      G_TYPE_NONE, 0);
  dao_relay_signals[DAO_RELAY_SIGNAL_ONLINE] = g_signal_new ("online", type,
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  dao_relay_signals[DAO_RELAY_SIGNAL_OFFLINE] = g_signal_new ("offline", type,
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
  dao_relay_signals[DAO_RELAY_SIGNAL_FAILED] = g_signal_new ("failed", type,
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
  dao_relay_signals[DAO_RELAY_SIGNAL_FRAME] = g_signal_new ("frame", type,
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_BYTES);
}

static void
dao_relay_client_init (DaoRelayClient * client)
{
  client->context = g_main_context_ref_thread_default ();
  g_queue_init (&client->login_waiters);
  g_queue_init (&client->requests);
  client->timing = (DaoRelayTiming) {
    .backoff_unit_ms = 1000,
    .goaway_ms = 500,
    .replaced_cooldown_ms = 30000,
    .revoked_window_ms = 600000,
    .ping_ms = 25000,
    .request_ms = 30000,
    .settle_ms = 100,
    .probe_ms = 3000,
  };
  client->session = soup_session_new_with_options ("timeout", DAO_RELAY_IO_TIMEOUT_S,
      "idle-timeout", 60, "max-conns-per-host", MAX_CONNECTIONS,
      "user-agent", DAO_RELAY_USER_AGENT, NULL);
  client->socket = dao_relay_socket_new (client);
}

DaoRelayClient *
dao_relay_client_new (const gchar * url, DaoIdentity * identity,
    GError ** error)
{
  DaoRelayClient *client;
  gchar *checked;

  g_return_val_if_fail (identity != NULL, NULL);

  if (url == NULL) {
    g_set_error_literal (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_URL,
        "No relay: neither given nor named by the identity file");
    return NULL;
  }
  checked = dao_relay_url_check (url, error);
  if (checked == NULL)
    return NULL;
  client = g_object_new (DAO_TYPE_RELAY_CLIENT, NULL);
  client->url = checked;
  client->identity = dao_identity_ref (identity);
  return client;
}

const gchar *
dao_relay_client_get_url (DaoRelayClient * client)
{
  g_return_val_if_fail (DAO_IS_RELAY_CLIENT (client), NULL);
  return client->url;
}

DaoRelayTiming *
dao_relay_client_get_timing (DaoRelayClient * client)
{
  return &client->timing;
}

/* --- the WebSocket: see dao-relay-socket.c --- */

void
dao_relay_client_connect (DaoRelayClient * client)
{
  g_return_if_fail (DAO_IS_RELAY_CLIENT (client));
  dao_relay_socket_start (client->socket);
}

void
dao_relay_client_disconnect (DaoRelayClient * client)
{
  g_return_if_fail (DAO_IS_RELAY_CLIENT (client));
  dao_relay_socket_stop (client->socket);
}

gboolean
dao_relay_client_is_online (DaoRelayClient * client)
{
  g_return_val_if_fail (DAO_IS_RELAY_CLIENT (client), FALSE);
  return dao_relay_socket_is_open (client->socket);
}

gboolean
dao_relay_client_send (DaoRelayClient * client, const gchar * text,
    GError ** error)
{
  g_return_val_if_fail (DAO_IS_RELAY_CLIENT (client), FALSE);
  return dao_relay_socket_send (client->socket, text, error);
}

/* --- register: challenge, proof of work on a worker, account --- */

typedef struct
{
  gchar *nickname;
  gchar *challenge;
  guint difficulty;
} Registration;

static void
registration_free (Registration * registration)
{
  g_free (registration->nickname);
  g_free (registration->challenge);
  g_free (registration);
}

static Registration *
registration_copy (const Registration * registration)
{
  Registration *copy = g_new0 (Registration, 1);

  copy->nickname = g_strdup (registration->nickname);
  copy->challenge = g_strdup (registration->challenge);
  copy->difficulty = registration->difficulty;
  return copy;
}

/* protocol.md c, "409 handling": what the identity already knows wins over the relay's word. */
static gboolean
adopt_registration (DaoRelayClient * client, json_t * answer, GError ** error)
{
  const gchar *uuid = dao_json_get_string (answer, "uuid");
  const gchar *alias = dao_json_get_string (answer, "alias_id");

  if (dao_identity_get_uuid (client->identity) == NULL
      || dao_identity_get_alias (client->identity) == NULL) {
    if (!dao_relay_uuid_is_valid (uuid) || !dao_alias_is_valid (alias)) {
      g_set_error_literal (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_ANSWER,
          "The relay's registration has no valid uuid and alias_id");
      return FALSE;
    }
    dao_identity_set_uuid (client->identity, uuid);
    dao_identity_set_alias (client->identity, alias);
  }
  dao_identity_set_relay (client->identity, client->url);
  return TRUE;
}

static void
on_registered (GObject * source, GAsyncResult * result, gpointer user_data)
{
  DaoRelayClient *client = DAO_RELAY_CLIENT (source);
  g_autoptr (GTask) task = user_data;
  Registration *registration = g_task_get_task_data (task);
  g_autoptr (DaoRelayAnswer) answer = NULL;
  GError *error = NULL;

  answer = dao_relay_http_finish (client, result, &error);
  if (answer == NULL) {
    g_task_return_error (task, error);
    return;
  }
  if (!dao_relay_answer_is_success (answer) && answer->status != 409) {
    g_task_return_error (task, dao_relay_answer_to_error (answer));
    return;
  }
  if (!adopt_registration (client, answer->json, &error)) {
    /* A 409 that does not say whose key it is leaves us without an account. */
    if (answer->status == 409)
      error->code = DAO_RELAY_ERROR_EXISTS;
    g_task_return_error (task, error);
    return;
  }
  dao_identity_set_nickname (client->identity, registration->nickname);
  g_task_return_boolean (task, TRUE);
}

static void
post_registration (GTask * task, const gchar * nonce)
{
  DaoRelayClient *client = g_task_get_source_object (task);
  Registration *registration = g_task_get_task_data (task);
  json_t *body = dao_relay_body_register (client->identity,
      registration->nickname, nonce);

  dao_relay_http_async (client, "POST", DAO_PATH_REGISTER, body, NULL,
      g_task_get_cancellable (task), on_registered, g_object_ref (task));
  json_decref (body);
}

static void
solve_in_thread (GTask * worker, gpointer source, gpointer task_data,
    GCancellable * cancellable)
{
  Registration *registration = task_data;
  GError *error = NULL;
  gchar *nonce;

  nonce = dao_pow_solve (registration->challenge, registration->difficulty,
      cancellable, &error);
  if (nonce == NULL)
    g_task_return_error (worker, error);
  else
    g_task_return_pointer (worker, nonce, g_free);
}

static void
on_solved (GObject * source, GAsyncResult * result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autofree gchar *nonce = NULL;
  GError *error = NULL;

  nonce = g_task_propagate_pointer (G_TASK (result), &error);
  if (nonce == NULL)
    g_task_return_error (task, error);
  else
    post_registration (task, nonce);
}

static gboolean
read_pow_challenge (Registration * registration, json_t * answer,
    GError ** error)
{
  const gchar *challenge = dao_json_get_string (answer, "challenge_string");
  json_t *member = json_object_get (answer, "difficulty");
  gint64 difficulty = 0;

  /* protocol.md c: a falsy difficulty means the default */
  if (challenge == NULL || (member != NULL && !json_is_null (member)
          && !dao_json_get_int (answer, "difficulty", &difficulty))
      || difficulty < 0 || difficulty > MAX_DIFFICULTY) {
    g_set_error_literal (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_ANSWER,
        "The relay's proof-of-work challenge is malformed");
    return FALSE;
  }
  registration->challenge = g_strdup (challenge);
  registration->difficulty = (guint) difficulty;
  return TRUE;
}

static void
on_pow_challenge (GObject * source, GAsyncResult * result, gpointer user_data)
{
  DaoRelayClient *client = DAO_RELAY_CLIENT (source);
  g_autoptr (GTask) task = user_data;
  Registration *registration = g_task_get_task_data (task);
  g_autoptr (DaoRelayAnswer) answer = NULL;
  g_autoptr (GTask) worker = NULL;
  GError *error = NULL;

  answer = dao_relay_http_finish (client, result, &error);
  if (answer != NULL && !dao_relay_answer_is_success (answer))
    error = dao_relay_answer_to_error (answer);
  if (error != NULL
      || !read_pow_challenge (registration, answer->json, &error)) {
    g_task_return_error (task, error);
    return;
  }
  /* It has no source object and data of its own: the thread may be the last to let go of it, and
   * the client must not be finalized there. */
  worker = g_task_new (NULL, g_task_get_cancellable (task), on_solved,
      g_object_ref (task));
  g_task_set_task_data (worker, registration_copy (registration),
      (GDestroyNotify) registration_free);
  g_task_run_in_thread (worker, solve_in_thread);
}

/**
 * dao_relay_client_register_async:
 * @nickname: shown to others, not unique
 *
 * protocol.md c, 1 and 2. On success alias, uuid, relay and nickname of the identity are set (not
 * saved). Errors: %DAO_RELAY_ERROR_POW, %DAO_RELAY_ERROR_HTTP, %DAO_RELAY_ERROR_ANSWER,
 * %DAO_RELAY_ERROR_EXISTS (409 without the account's names), %DAO_RELAY_ERROR_UNREACHABLE.
 */
void
dao_relay_client_register_async (DaoRelayClient * client,
    const gchar * nickname, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  Registration *registration;
  json_t *body;
  GTask *task;

  g_return_if_fail (DAO_IS_RELAY_CLIENT (client));
  g_return_if_fail (nickname != NULL);

  task = g_task_new (client, cancellable, callback, user_data);
  g_task_set_source_tag (task, dao_relay_client_register_async);
  g_task_set_check_cancellable (task, FALSE);
  if (!g_utf8_validate (nickname, -1, NULL)) {
    g_task_return_new_error (task, DAO_RELAY_ERROR, DAO_RELAY_ERROR_ANSWER,
        "The nickname is not UTF-8");
    g_object_unref (task);
    return;
  }
  registration = g_new0 (Registration, 1);
  registration->nickname = g_strdup (nickname);
  g_task_set_task_data (task, registration,
      (GDestroyNotify) registration_free);
  body = json_object ();
  dao_relay_http_async (client, "POST", DAO_PATH_POW_CHALLENGE, body, NULL,
      cancellable, on_pow_challenge, task);
  json_decref (body);
}

gboolean
dao_relay_client_register_finish (DaoRelayClient * client,
    GAsyncResult * result, GError ** error)
{
  g_return_val_if_fail (g_task_is_valid (result, client), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- ICE configuration --- */

typedef struct
{
  gboolean relay_only;
  gint64 asked_us;
} IceRequest;

static void
cache_ice_config (DaoRelayClient * client, gboolean relay_only,
    const DaoIceConfig * config)
{
  g_clear_pointer (&client->ice_config[relay_only], dao_ice_config_free);
  if (config->ttl_s > 0)
    client->ice_config[relay_only] = dao_ice_config_copy (config);
}

static void
return_cached_ice_config (DaoRelayClient * client, GTask * task,
    gboolean relay_only)
{
  g_task_return_pointer (task,
      dao_ice_config_copy (client->ice_config[relay_only]),
      (GDestroyNotify) dao_ice_config_free);
}

static gboolean
is_young (const DaoIceConfig * config, gint64 max_age_s, gint64 now_us)
{
  return now_us < dao_ice_config_get_renewal_us (config)
      && (now_us - config->asked_us) / G_USEC_PER_SEC < max_age_s;
}

/* In whatever form the servers came; the parser bounds the depth. */
static void
wipe_ice_answer (json_t * answer)
{
  const char *key;
  json_t *entry;
  gsize i;

  dao_relay_wipe_json (answer, "credential");
  dao_relay_wipe_json (answer, "password");
  json_array_foreach (answer, i, entry)
      wipe_ice_answer (entry);
  json_object_foreach (answer, key, entry)
      wipe_ice_answer (entry);
}

static void
on_ice_config (GObject * source, GAsyncResult * result, gpointer user_data)
{
  DaoRelayClient *client = DAO_RELAY_CLIENT (source);
  g_autoptr (GTask) task = user_data;
  const IceRequest *request = g_task_get_task_data (task);
  const DaoIceConfig *old = client->ice_config[request->relay_only];
  DaoIceConfig *config;
  GError *error = NULL;
  json_t *answer;

  answer = dao_relay_client_call_finish (client, result, &error);
  config = answer ? dao_ice_config_from_json (answer, &error) : NULL;
  wipe_ice_answer (answer);
  json_decref (answer);
  if (config == NULL) {
    /* It was asked for anew before its end: when there is no answer, it still serves. */
    if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
        && old != NULL
        && g_get_monotonic_time () < dao_ice_config_get_end_us (old)) {
      return_cached_ice_config (client, task, request->relay_only);
      g_error_free (error);
    } else {
      g_task_return_error (task, error);
    }
    return;
  }
  /* The stricter of what was asked for and what the relay says (protocol.md c.1). */
  config->relay_only |= request->relay_only;
  config->asked_us = request->asked_us;
  cache_ice_config (client, request->relay_only, config);
  g_task_return_pointer (task, config, (GDestroyNotify) dao_ice_config_free);
}

void
dao_relay_client_ice_config_async (DaoRelayClient * client,
    gboolean relay_only, gint64 max_age_s, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  g_autofree gchar *path = NULL;
  IceRequest *request;
  GTask *task;

  g_return_if_fail (DAO_IS_RELAY_CLIENT (client));

  task = g_task_new (client, cancellable, callback, user_data);
  g_task_set_source_tag (task, dao_relay_client_ice_config_async);
  request = g_new0 (IceRequest, 1);
  request->relay_only = relay_only ? 1 : 0;
  request->asked_us = g_get_monotonic_time ();
  g_task_set_task_data (task, request, g_free);
  if (client->ice_config[request->relay_only] != NULL
      && is_young (client->ice_config[request->relay_only], max_age_s,
          request->asked_us)) {
    return_cached_ice_config (client, task, request->relay_only);
    g_object_unref (task);
    return;
  }
  path = dao_relay_path_ice_config (relay_only);
  dao_relay_client_call_async (client, "GET", path, NULL, cancellable,
      on_ice_config, task);
}

DaoIceConfig *
dao_relay_client_ice_config_finish (DaoRelayClient * client,
    GAsyncResult * result, GError ** error)
{
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
