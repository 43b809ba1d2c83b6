/* gst-dao: tests of the relay client (protocol.md c, d, h)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-encoding.h"
#include "dao-envelope.h"
#include "dao-relay-private.h"
#include "standin-relay.h"

#include <string.h>

#define MNEMONIC "legal winner thank year wave sausage worth useful legal " \
    "winner thank yellow"

typedef struct
{
  Standin *standin;
  DaoIdentity *identity;
  DaoRelayClient *client;
  guint online, offline, failed;
  GError *why;                  /* of the last offline or failed */
  GPtrArray *frames;
  /* the last one-shot call */
  gboolean done;
  json_t *answer;
  GError *error;
} Fixture;

static void
on_online (DaoRelayClient * client, Fixture * f)
{
  f->online++;
}

static void
on_offline (DaoRelayClient * client, GError * why, Fixture * f)
{
  f->offline++;
  g_clear_error (&f->why);
  f->why = g_error_copy (why);
}

static void
on_failed (DaoRelayClient * client, GError * why, Fixture * f)
{
  f->failed++;
  g_clear_error (&f->why);
  f->why = g_error_copy (why);
}

static void
on_frame (DaoRelayClient * client, GBytes * frame, Fixture * f)
{
  g_ptr_array_add (f->frames, g_strndup (g_bytes_get_data (frame, NULL),
          g_bytes_get_size (frame)));
}

static void
make_client (Fixture * f)
{
  g_autoptr (GError) error = NULL;
  DaoRelayTiming *timing;

  f->client = dao_relay_client_new (f->standin->url, f->identity, &error);
  g_assert_no_error (error);
  /* Delays of a few ms; what depends on long ones sets them itself. */
  timing = dao_relay_client_get_timing (f->client);
  timing->backoff_unit_ms = 2;
  timing->goaway_ms = 1;
  g_signal_connect (f->client, "online", G_CALLBACK (on_online), f);
  g_signal_connect (f->client, "offline", G_CALLBACK (on_offline), f);
  g_signal_connect (f->client, "failed", G_CALLBACK (on_failed), f);
  g_signal_connect (f->client, "frame", G_CALLBACK (on_frame), f);
}

/* Registered, not connected. */
static void
set_up (Fixture * f, gconstpointer data)
{
  const gchar *uuid;

  f->standin = standin_new ();
  f->frames = g_ptr_array_new_with_free_func (g_free);
  f->identity = dao_identity_new_from_mnemonic (MNEMONIC, NULL);
  uuid = standin_add_user (f->standin, "alice",
      dao_identity_get_ed25519_public (f->identity),
      dao_identity_get_x25519_public (f->identity));
  dao_identity_set_uuid (f->identity, uuid);
  dao_identity_set_alias (f->identity, "alice");
  make_client (f);
}

static void
set_up_new (Fixture * f, gconstpointer data)
{
  f->standin = standin_new ();
  f->frames = g_ptr_array_new_with_free_func (g_free);
  f->identity = dao_identity_new_from_mnemonic (MNEMONIC, NULL);
  make_client (f);
}

static void
tear_down (Fixture * f, gconstpointer data)
{
  g_signal_handlers_disconnect_by_data (f->client, f);
  dao_relay_client_disconnect (f->client);
  g_assert_true (dao_relay_drain (5000));
  standin_settle ();
  g_assert_finalize_object (f->client);
  dao_identity_unref (f->identity);
  standin_free (f->standin);
  standin_settle ();
  g_ptr_array_unref (f->frames);
  g_clear_error (&f->why);
  g_clear_error (&f->error);
  g_clear_pointer (&f->answer, json_decref);
}

static void
go_online (Fixture * f)
{
  guint before = f->online;

  dao_relay_client_connect (f->client);
  standin_wait_until (f->online > before);
}

static void
on_call (GObject * source, GAsyncResult * result, gpointer user_data)
{
  Fixture *f = user_data;

  f->answer = dao_relay_client_call_finish (f->client, result, &f->error);
  f->done = TRUE;
}

static void
call (Fixture * f, const gchar * method, const gchar * path)
{
  f->done = FALSE;
  g_clear_error (&f->error);
  g_clear_pointer (&f->answer, json_decref);
  dao_relay_client_call_async (f->client, method, path, NULL, NULL, on_call, f);
  standin_wait_until (f->done);
}

static void
on_registered (GObject * source, GAsyncResult * result, gpointer user_data)
{
  Fixture *f = user_data;

  dao_relay_client_register_finish (f->client, result, &f->error);
  f->done = TRUE;
}

static void
do_register (Fixture * f)
{
  f->done = FALSE;
  g_clear_error (&f->error);
  dao_relay_client_register_async (f->client, "Alice", NULL, on_registered, f);
  standin_wait_until (f->done);
}

/* --- URLs --- */

static gboolean
url_is_accepted (const gchar * url)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *checked = dao_relay_url_check (url, &error);

  if (checked == NULL)
    g_assert_error (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_URL);
  return checked != NULL;
}

static void
test_urls (void)
{
  g_autofree gchar *plain = dao_relay_url_check ("https://r.example/", NULL);
  g_autofree gchar *path = dao_relay_url_check ("https://r.example/a/", NULL);

  g_assert_cmpstr (plain, ==, "https://r.example");
  g_assert_cmpstr (path, ==, "https://r.example/a");
  g_assert_false (url_is_accepted ("ftp://r.example"));
  g_assert_false (url_is_accepted ("wss://r.example"));
  g_assert_false (url_is_accepted ("r.example"));
  g_assert_false (url_is_accepted (""));
  g_assert_false (url_is_accepted ("https://"));
  g_assert_false (url_is_accepted ("https://user:pass@r.example"));
  g_assert_false (url_is_accepted ("https://r.example/?token=x"));
  g_assert_false (url_is_accepted ("https://r.example/#x"));
}

static void
test_guard_no_plain_http_to_public_hosts (void)
{
  g_assert_true (url_is_accepted ("http://127.0.0.1:8080"));
  g_assert_true (url_is_accepted ("http://localhost:8080"));
  g_assert_true (url_is_accepted ("http://[::1]:8080"));
  g_assert_true (url_is_accepted ("http://10.1.2.3"));
  g_assert_true (url_is_accepted ("http://172.16.0.1"));
  g_assert_true (url_is_accepted ("http://192.168.1.1"));
  g_assert_true (url_is_accepted ("http://169.254.1.1"));
  g_assert_true (url_is_accepted ("http://[fd00::1]"));
  g_assert_true (url_is_accepted ("http://[fe80::1]"));
  g_assert_false (url_is_accepted ("http://172.32.0.1"));
  g_assert_false (url_is_accepted ("http://8.8.8.8"));
  g_assert_false (url_is_accepted ("http://[2001:db8::1]"));
  g_assert_false (url_is_accepted ("http://relay.example"));
  g_assert_false (url_is_accepted ("http://localhost.example"));
  g_assert_false (url_is_accepted ("http://127.0.0.1.example"));
}

static void
test_backoff (void)
{
  g_assert_cmpuint (dao_relay_backoff_ms (0, 1.0), ==, 1000);
  g_assert_cmpuint (dao_relay_backoff_ms (1, 1.0), ==, 2000);
  g_assert_cmpuint (dao_relay_backoff_ms (4, 1.0), ==, 16000);
  g_assert_cmpuint (dao_relay_backoff_ms (5, 1.0), ==, 30000);
  g_assert_cmpuint (dao_relay_backoff_ms (63, 1.0), ==, 30000);
  g_assert_cmpuint (dao_relay_backoff_ms (G_MAXUINT, 0.7), ==, 21000);
  g_assert_cmpuint (dao_relay_backoff_ms (0, 0.7), ==, 700);
}

/* --- registration --- */

static void
test_register (Fixture * f, gconstpointer data)
{
  do_register (f);
  g_assert_no_error (f->error);
  g_assert_cmpstr (dao_identity_get_alias (f->identity), ==, "u10000001");
  g_assert_nonnull (dao_identity_get_uuid (f->identity));
  g_assert_cmpstr (dao_identity_get_relay (f->identity), ==, f->standin->url);
  g_assert_cmpstr (dao_identity_get_nickname (f->identity), ==, "Alice");
}

static void
test_register_twice (Fixture * f, gconstpointer data)
{
  g_autofree gchar *uuid = NULL;

  do_register (f);
  g_assert_no_error (f->error);
  uuid = g_strdup (dao_identity_get_uuid (f->identity));
  dao_identity_set_uuid (f->identity, NULL);
  dao_identity_set_alias (f->identity, NULL);
  /* 409, with the names in its body */
  do_register (f);
  g_assert_no_error (f->error);
  g_assert_cmpstr (dao_identity_get_uuid (f->identity), ==, uuid);
  g_assert_cmpstr (dao_identity_get_alias (f->identity), ==, "u10000001");
}

/* protocol.md c, "409 handling": the identity's own names win over the body's. */
static void
test_register_conflict_keeps_local_names (Fixture * f, gconstpointer data)
{
  g_autofree gchar *uuid = g_strdup (dao_identity_get_uuid (f->identity));

  standin_override (f->standin, "POST /api/v1/register", 1, 409,
      "{\"uuid\":\"11111111-1111-1111-1111-111111111111\","
      "\"alias_id\":\"mallory\"}");
  do_register (f);
  g_assert_no_error (f->error);
  g_assert_cmpstr (dao_identity_get_uuid (f->identity), ==, uuid);
  g_assert_cmpstr (dao_identity_get_alias (f->identity), ==, "alice");
}

static void
test_register_errors (Fixture * f, gconstpointer data)
{
  static const struct
  {
    const gchar *endpoint;
    guint status;
    const gchar *body;
    gint code;
  } cases[] = {
    {"pow/challenge", 200, "{}", DAO_RELAY_ERROR_ANSWER},
    {"pow/challenge", 200, "[", DAO_RELAY_ERROR_ANSWER},
    {"pow/challenge", 200, "{\"challenge_string\":\"x\",\"difficulty\":-1}",
        DAO_RELAY_ERROR_ANSWER},
    {"pow/challenge", 200, "{\"challenge_string\":\"x\",\"difficulty\":99}",
        DAO_RELAY_ERROR_ANSWER},
    {"pow/challenge", 200, "{\"challenge_string\":\"x\",\"difficulty\":\"3\"}",
        DAO_RELAY_ERROR_ANSWER},
    {"pow/challenge", 500, "oops", DAO_RELAY_ERROR_HTTP},
    {"register", 429, "{\"error\":\"slow down\"}", DAO_RELAY_ERROR_HTTP},
    {"register", 201, NULL, DAO_RELAY_ERROR_ANSWER},
    {"register", 201, "{\"uuid\":\"x\",\"alias_id\":\"abc\"}",
        DAO_RELAY_ERROR_ANSWER},
    {"register", 201, "{\"uuid\":\"11111111-1111-1111-1111-111111111111\","
        "\"alias_id\":\"../etc\"}", DAO_RELAY_ERROR_ANSWER},
    {"register", 409, "{\"error\":\"exists\"}", DAO_RELAY_ERROR_EXISTS},
    {"register", 302, NULL, DAO_RELAY_ERROR_HTTP},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *name = g_strconcat ("POST /api/v1/", cases[i].endpoint,
        NULL);

    standin_override (f->standin, name, 1, cases[i].status, cases[i].body);
    do_register (f);
    g_assert_error (f->error, DAO_RELAY_ERROR, cases[i].code);
    g_assert_null (dao_identity_get_uuid (f->identity));
  }
}

/* --- login --- */

static void
test_token_is_reused (Fixture * f, gconstpointer data)
{
  call (f, "GET", "/api/v1/friends");
  g_assert_no_error (f->error);
  g_assert_true (json_is_array (f->answer));
  call (f, "GET", "/api/v1/friends");
  go_online (f);
  standin_close_socket (f->standin, "alice");
  standin_wait_until (f->online == 2);
  g_assert_cmpuint (standin_count (f->standin, "POST /api/v1/auth/verify"), ==,
      1);
}

static void
test_one_login_serves_all (Fixture * f, gconstpointer data)
{
  guint i;

  dao_relay_client_connect (f->client);
  for (i = 0; i < 4; i++) {
    f->done = FALSE;
    g_clear_pointer (&f->answer, json_decref);
    call (f, "GET", "/api/v1/friends");
    g_assert_no_error (f->error);
  }
  standin_wait_until (f->online == 1);
  g_assert_cmpuint (standin_count (f->standin, "POST /api/v1/auth/challenge"),
      ==, 1);
}

static void
test_401_logs_in_again (Fixture * f, gconstpointer data)
{
  call (f, "GET", "/api/v1/friends");
  standin_revoke_tokens (f->standin);
  call (f, "GET", "/api/v1/friends");
  g_assert_no_error (f->error);
  g_assert_cmpuint (standin_count (f->standin, "POST /api/v1/auth/verify"), ==,
      2);
}

static void
test_401_for_ever_is_an_error (Fixture * f, gconstpointer data)
{
  standin_override (f->standin, "GET /api/v1/friends", 0, 401, NULL);
  call (f, "GET", "/api/v1/friends");
  g_assert_error (f->error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_AUTH);
  g_assert_cmpuint (standin_count (f->standin, "GET /api/v1/friends"), ==, 2);
}

/* A 403 or a 500 is not a reason to log in, which would revoke the account's other tokens. */
static void
test_other_statuses_do_not_log_in (Fixture * f, gconstpointer data)
{
  standin_override (f->standin, "GET /api/v1/friends", 1, 403,
      "{\"error\":\"no\\u001b[31m way\"}");
  call (f, "GET", "/api/v1/friends");
  g_assert_error (f->error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_HTTP);
  g_assert_cmpuint (dao_relay_error_get_status (f->error), ==, 403);
  g_assert_cmpstr (f->error->message, ==, "HTTP 403: no?[31m way");
  standin_override (f->standin, "GET /api/v1/friends", 1, 500, "<html>");
  call (f, "GET", "/api/v1/friends");
  g_assert_cmpuint (dao_relay_error_get_status (f->error), ==, 500);
  g_assert_cmpuint (standin_count (f->standin, "POST /api/v1/auth/verify"), ==,
      1);
}

static void
test_refused_login_fails_after_three (Fixture * f, gconstpointer data)
{
  standin_override (f->standin, "POST /api/v1/auth/verify", 0, 401,
      "{\"error\":\"no\"}");
  dao_relay_client_connect (f->client);
  standin_wait_until (f->failed == 1);
  g_assert_error (f->why, DAO_RELAY_ERROR, DAO_RELAY_ERROR_AUTH);
  g_assert_cmpuint (standin_count (f->standin, "POST /api/v1/auth/verify"), ==,
      DAO_RELAY_MAX_LOGINS);
  g_assert_cmpuint (f->offline, ==, 2);
  standin_settle ();
  /* Only a new connect tries again. */
  standin_restore (f->standin, "POST /api/v1/auth/verify");
  go_online (f);
}

static void
test_busy_relay_is_not_a_refusal (Fixture * f, gconstpointer data)
{
  standin_override (f->standin, "POST /api/v1/auth/challenge", 5, 429, NULL);
  go_online (f);
  g_assert_cmpuint (f->failed, ==, 0);
  g_assert_cmpuint (f->offline, ==, 5);
  g_assert_error (f->why, DAO_RELAY_ERROR, DAO_RELAY_ERROR_HTTP);
}

/* The relay must not get a call signal signed as a login challenge. */
static void
test_guard_signing_oracle (Fixture * f, gconstpointer data)
{
  g_autofree gchar *longer = g_strnfill (513, 'a');

  f->standin->challenge = g_strdup ("{\"_nonce\":\"0123\",\"type\":"
      "\"call_hangup\"}");
  dao_relay_client_connect (f->client);
  standin_wait_until (f->failed == 1);
  g_assert_cmpuint (standin_count (f->standin, "POST /api/v1/auth/verify"), ==,
      0);

  g_free (f->standin->challenge);
  f->standin->challenge = g_strdup (longer);
  dao_relay_client_connect (f->client);
  standin_wait_until (f->failed == 2);
  g_assert_cmpuint (standin_count (f->standin, "POST /api/v1/auth/verify"), ==,
      0);
}

static void
test_malformed_login_answers (Fixture * f, gconstpointer data)
{
  static const gchar *bad[] = { "[]", "null", "{}", "{\"token\":1}",
    "{\"token\":\"\"}", "{\"token\":\"a b\"}", "{\"token\":\"a\\r\\nX: y\"}",
    "{\"token\":\"a\",\"token\":\"b\"}", "nonsense", NULL
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (bad); i++) {
    standin_override (f->standin, "POST /api/v1/auth/verify", 1, 200, bad[i]);
    call (f, "GET", "/api/v1/friends");
    g_assert_error (f->error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_ANSWER);
  }
  standin_override (f->standin, "POST /api/v1/auth/challenge", 1, 200,
      "{\"challenge\":7}");
  call (f, "GET", "/api/v1/friends");
  g_assert_error (f->error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_ANSWER);
}

/* protocol.md a.2: an account made on a phone has the other derivation registered. */
static void
test_registered_x25519_key_is_selected (Fixture * f, gconstpointer data)
{
  guint8 phone[32];

  g_assert_true (dao_base64_decode_exact
      ("P7voaIu353uMNM3fqRatp3Te7WKJHKCUfucZPJdh+GY=", phone, 32));
  g_assert_cmpmem (dao_identity_get_x25519_public (f->identity), 1, "\x16", 1);
  standin_set_key (f->standin, "alice", "x25519_public_key", phone);
  call (f, "GET", "/api/v1/friends");
  g_assert_no_error (f->error);
  g_assert_cmpmem (dao_identity_get_x25519_public (f->identity), 32, phone, 32);
}

static void
test_guard_unknown_x25519_key (Fixture * f, gconstpointer data)
{
  standin_set_key (f->standin, "alice", "x25519_public_key",
      (const guint8 *) "an X25519 key that is not ours..");
  dao_relay_client_connect (f->client);
  standin_wait_until (f->failed == 1);
  g_assert_error (f->why, DAO_IDENTITY_ERROR, DAO_IDENTITY_ERROR_KEY);
}

static void
test_alias_is_refreshed (Fixture * f, gconstpointer data)
{
  dao_identity_set_alias (f->identity, "old_name");
  standin_add_user (f->standin, "old_name",
      dao_identity_get_ed25519_public (f->identity),
      dao_identity_get_x25519_public (f->identity));
  {
    g_autofree gchar *ed25519 =
        g_base64_encode (dao_identity_get_ed25519_public (f->identity), 32);
    g_autofree gchar *x25519 =
        g_base64_encode (dao_identity_get_x25519_public (f->identity), 32);
    g_autofree gchar *body = g_strdup_printf ("{\"alias_id\":\"888\","
        "\"nickname\":\"n\",\"ed25519_public_key\":\"%s\","
        "\"x25519_public_key\":\"%s\"}", ed25519, x25519);

    standin_override (f->standin, "GET /api/v1/users/old_name", 1, 200, body);
  }
  call (f, "GET", "/api/v1/friends");
  g_assert_no_error (f->error);
  g_assert_cmpstr (dao_identity_get_alias (f->identity), ==, "888");
}

/* The relay says our alias is somebody else's: peers would pin those keys. */
static void
test_guard_alias_of_another_identity (Fixture * f, gconstpointer data)
{
  standin_set_key (f->standin, "alice", "ed25519_public_key",
      (const guint8 *) "somebody else's key, 32 bytes...");
  standin_override (f->standin, "POST /api/v1/auth/verify", 0, 200,
      "{\"token\":\"t\"}");
  f->standin->challenge = g_strdup ("c");
  g_hash_table_insert (f->standin->tokens, g_strdup ("t"),
      g_strdup (dao_identity_get_uuid (f->identity)));
  dao_relay_client_connect (f->client);
  standin_wait_until (f->failed == 1);
  g_assert_error (f->why, DAO_IDENTITY_ERROR, DAO_IDENTITY_ERROR_KEY);
}

static void
test_unregistered (Fixture * f, gconstpointer data)
{
  dao_relay_client_connect (f->client);
  g_assert_cmpuint (f->failed, ==, 0);  /* not from inside */
  standin_wait_until (f->failed == 1);
  g_assert_error (f->why, DAO_RELAY_ERROR, DAO_RELAY_ERROR_AUTH);
}

/* --- what requests look like --- */

static void
test_guard_no_token_in_urls (Fixture * f, gconstpointer data)
{
  guint i;

  go_online (f);
  standin_close_socket (f->standin, "alice");
  standin_wait_until (f->online == 2);
  g_assert_cmpuint (f->standin->urls->len, >, 4);
  for (i = 0; i < f->standin->urls->len; i++) {
    const gchar *url = g_ptr_array_index (f->standin->urls, i);

    g_assert_null (strstr (url, f->client->token));
    g_assert_null (strstr (url, "token="));
  }
}

static void
test_guard_redirects_are_not_followed (Fixture * f, gconstpointer data)
{
  standin_override (f->standin, "GET /api/v1/friends", 1, 307, NULL);
  call (f, "GET", "/api/v1/friends");
  g_assert_cmpuint (dao_relay_error_get_status (f->error), ==, 307);
  g_assert_cmpuint (standin_count (f->standin,
          "GET /api/v1/calls/ice-config"), ==, 0);
}

static void
test_guard_huge_answer (Fixture * f, gconstpointer data)
{
  g_autofree gchar *body = g_strnfill (1100 * 1024, ' ');

  body[0] = '[';
  body[1100 * 1024 - 1] = ']';
  standin_override (f->standin, "GET /api/v1/friends", 1, 200, body);
  call (f, "GET", "/api/v1/friends");
  g_assert_error (f->error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_LIMIT);
}

static void
test_unreachable (Fixture * f, gconstpointer data)
{
  soup_server_disconnect (f->standin->server);
  call (f, "GET", "/api/v1/friends");
  g_assert_error (f->error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_UNREACHABLE);
}

static void
on_stall (SoupServer * server, SoupServerMessage * message, const char *path,
    GHashTable * query, gpointer user_data)
{
  SoupServerMessage **stalled = user_data;

  soup_server_message_pause (message);
  *stalled = g_object_ref (message);
}

static void
test_request_deadline (Fixture * f, gconstpointer data)
{
  SoupServerMessage *stalled = NULL;

  call (f, "GET", "/api/v1/friends");
  soup_server_add_handler (f->standin->server, "/api/v1/stall", on_stall,
      &stalled, NULL);
  dao_relay_client_get_timing (f->client)->request_ms = 50;
  call (f, "GET", "/api/v1/stall");
  g_assert_error (f->error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_UNREACHABLE);
  if (stalled != NULL) {
    soup_server_message_set_status (stalled, 200, NULL);
    soup_server_message_unpause (stalled);
    g_object_unref (stalled);
  }
}

static void
test_cancelled_call (Fixture * f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  call (f, "GET", "/api/v1/friends");
  g_clear_pointer (&f->answer, json_decref);
  f->done = FALSE;
  dao_relay_client_call_async (f->client, "GET", "/api/v1/friends", NULL,
      cancellable, on_call, f);
  g_cancellable_cancel (cancellable);
  standin_wait_until (f->done);
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* --- the WebSocket --- */

static void
test_ticket_before_every_connect (Fixture * f, gconstpointer data)
{
  guint i;

  go_online (f);
  for (i = 2; i <= 4; i++) {
    standin_close_socket (f->standin, "alice");
    standin_wait_until (f->online == i);
  }
  g_assert_cmpuint (standin_count (f->standin, "POST /api/v1/ws/ticket"), ==,
      4);
  /* None was used twice, and those with `+`, `/`, `=` and `&` arrived whole. */
  g_assert_cmpuint (f->standin->n_bad_tickets, ==, 0);
  g_assert_cmpuint (f->standin->n_deflate, ==, 0);
}

static void
test_malformed_tickets (Fixture * f, gconstpointer data)
{
  standin_override (f->standin, "POST /api/v1/ws/ticket", 1, 200,
      "{\"ticket\":\"\"}");
  dao_relay_client_connect (f->client);
  standin_wait_until (f->offline == 1);
  g_assert_error (f->why, DAO_RELAY_ERROR, DAO_RELAY_ERROR_ANSWER);
  standin_override (f->standin, "POST /api/v1/ws/ticket", 1, 200,
      "{\"ticket\":\"wrong\"}");
  standin_wait_until (f->offline == 2);
  g_assert_error (f->why, DAO_RELAY_ERROR, DAO_RELAY_ERROR_HTTP);
  g_assert_cmpuint (dao_relay_error_get_status (f->why), ==, 401);
  standin_wait_until (f->online == 1);
}

static void
test_frames_both_ways (Fixture * f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  json_t *frame;

  go_online (f);
  g_assert_true (dao_relay_client_is_online (f->client));
  g_assert_true (dao_relay_client_send (f->client,
          "{\"type\":\"call_hangup\",\"call_id\":\"x\"}", &error));
  standin_wait_until (standin_count_frames (f->standin, "call_hangup") == 1);
  frame = standin_last_frame (f->standin, "call_hangup");
  g_assert_cmpstr (json_string_value (json_object_get (frame, "call_id")), ==,
      "x");
  json_decref (frame);

  /* Noise is dropped; the rest arrives in order. */
  standin_push (f->standin, "alice", "{\"type\":\"pong\"}");
  standin_push (f->standin, "alice", "{\"type\":\"ping\"}");
  standin_push (f->standin, "alice", "not json");
  standin_push (f->standin, "alice", "[1]");
  standin_push (f->standin, "alice", "{\"type\":7}");
  standin_push (f->standin, "alice", "{\"type\":\"a\",\"type\":\"b\"}");
  standin_push (f->standin, "alice", "{\"type\":\"msg\"}");
  standin_push (f->standin, "alice", "{\"type\":\"call_offer\"}");
  standin_wait_until (f->frames->len == 2);
  g_assert_cmpstr (g_ptr_array_index (f->frames, 0), ==, "{\"type\":\"msg\"}");
  g_assert_cmpstr (g_ptr_array_index (f->frames, 1), ==,
      "{\"type\":\"call_offer\"}");
}

static void
test_send_limits (Fixture * f, gconstpointer data)
{
  g_autofree gchar *text = g_strnfill (DAO_ENVELOPE_MAX_FRAME + 1, 'a');
  g_autoptr (GError) offline = NULL;
  g_autoptr (GError) limit = NULL;

  g_assert_false (dao_relay_client_send (f->client, "{}", &offline));
  g_assert_error (offline, DAO_RELAY_ERROR, DAO_RELAY_ERROR_OFFLINE);
  go_online (f);
  g_assert_false (dao_relay_client_send (f->client, text, &limit));
  g_assert_error (limit, DAO_RELAY_ERROR, DAO_RELAY_ERROR_LIMIT);
}

static void
test_guard_oversized_frame (Fixture * f, gconstpointer data)
{
  g_autofree gchar *filler = g_strnfill (DAO_ENVELOPE_MAX_FRAME - 26, 'a');
  g_autofree gchar *fits = g_strdup_printf ("{\"type\":\"msg\",\"x\":\"%s\"}",
      filler);
  g_autofree gchar *over = g_strdup_printf ("{\"type\":\"msg\",\"x\":\"%saaaa"
      "aaaaaa\"}", filler);

  go_online (f);
  standin_push (f->standin, "alice", fits);
  standin_wait_until (f->frames->len == 1);
  standin_push (f->standin, "alice", over);
  standin_wait_until (f->offline == 1);
  g_assert_cmpuint (f->frames->len, ==, 1);
  standin_wait_until (f->online == 2);
}

static void
test_ping (Fixture * f, gconstpointer data)
{
  /* A slow machine must not take two and a half of it for silence. */
  dao_relay_client_get_timing (f->client)->ping_ms = 100;
  go_online (f);
  standin_wait_until (standin_count_frames (f->standin, "ping") >= 5);
  g_assert_cmpuint (f->offline, ==, 0);
  g_assert_cmpuint (f->frames->len, ==, 0);
}

static void
test_silent_relay_is_left (Fixture * f, gconstpointer data)
{
  f->standin->silent = TRUE;
  dao_relay_client_get_timing (f->client)->ping_ms = 5;
  go_online (f);
  standin_wait_until (f->offline == 1);
  g_assert_error (f->why, DAO_RELAY_ERROR, DAO_RELAY_ERROR_UNREACHABLE);
}

static void
test_disconnect_stops (Fixture * f, gconstpointer data)
{
  go_online (f);
  g_assert_true (dao_relay_client_send (f->client,
          "{\"type\":\"call_hangup\"}", NULL));
  dao_relay_client_disconnect (f->client);
  g_assert_false (dao_relay_client_is_online (f->client));
  g_assert_true (dao_relay_drain (5000));
  /* What was queued went out first, and nothing came back. */
  standin_wait_until (!standin_is_connected (f->standin, "alice"));
  g_assert_cmpuint (standin_count_frames (f->standin, "call_hangup"), ==, 1);
  g_assert_cmpuint (f->offline + f->failed, ==, 0);
  g_assert_cmpuint (f->standin->n_opened, ==, 1);
  go_online (f);
}

static void
test_disconnect_during_attempts (Fixture * f, gconstpointer data)
{
  guint i;

  for (i = 0; i < 12; i++) {
    guint steps = i;

    dao_relay_client_connect (f->client);
    while (steps-- > 0)
      g_main_context_iteration (NULL, FALSE);
    dao_relay_client_disconnect (f->client);
  }
  g_assert_true (dao_relay_drain (5000));
  standin_settle ();
  g_assert_cmpuint (f->failed, ==, 0);
  f->online = 0;
  go_online (f);
  g_assert_cmpuint (f->online, ==, 1);
}

static void
test_backoff_grows_and_resets (Fixture * f, gconstpointer data)
{
  gint64 start;

  /* 4, 8, 16 x [0.7, 1) ms at least, whatever the load of the machine */
  dao_relay_client_get_timing (f->client)->backoff_unit_ms = 4;
  standin_override (f->standin, "POST /api/v1/ws/ticket", 3, 503, NULL);
  start = g_get_monotonic_time ();
  go_online (f);
  g_assert_cmpuint (f->offline, ==, 3);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 18 * 1000);
  /* After an open one the first delay is the shortest again. */
  dao_relay_client_get_timing (f->client)->backoff_unit_ms = 1000 * 1000;
  standin_close_socket (f->standin, "alice");
  standin_wait_until (f->offline == 4);
  dao_relay_client_disconnect (f->client);
}

/* --- the network changes --- */

static void
test_network_back_ends_the_backoff (Fixture * f, gconstpointer data)
{
  DaoRelayTiming *timing = dao_relay_client_get_timing (f->client);

  /* An hour */
  timing->backoff_unit_ms = 3600 * 1000;
  timing->settle_ms = 1;
  standin_override (f->standin, "POST /api/v1/ws/ticket", 2, 503, NULL);
  dao_relay_client_connect (f->client);
  standin_wait_until (f->offline == 1);
  dao_relay_socket_network_changed (TRUE, f->client->socket);
  standin_wait_until (f->offline == 2);
  /* Several at once, as routes come: one attempt */
  dao_relay_socket_network_changed (TRUE, f->client->socket);
  dao_relay_socket_network_changed (TRUE, f->client->socket);
  standin_wait_until (f->online == 1);
  g_assert_cmpuint (standin_count (f->standin, "POST /api/v1/ws/ticket"), ==,
      3);
}

/* The login that hangs in the old network serves nobody. */
static void
test_network_change_aborts_requests (Fixture * f, gconstpointer data)
{
  SoupServerMessage *stalled = NULL;

  call (f, "GET", "/api/v1/friends");
  soup_server_add_handler (f->standin->server, "/api/v1/stall", on_stall,
      &stalled, NULL);
  f->done = FALSE;
  g_clear_pointer (&f->answer, json_decref);
  dao_relay_client_call_async (f->client, "GET", "/api/v1/stall", NULL, NULL,
      on_call, f);
  standin_wait_until (stalled != NULL);
  dao_relay_client_get_timing (f->client)->settle_ms = 1;
  dao_relay_socket_network_changed (TRUE, f->client->socket);
  standin_wait_until (f->done);
  g_assert_error (f->error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_UNREACHABLE);
  standin_wait_until (f->online == 1);
  soup_server_message_set_status (stalled, 200, NULL);
  soup_server_message_unpause (stalled);
  g_object_unref (stalled);
}

static gboolean
on_time (gpointer reached)
{
  *(gboolean *) reached = TRUE;
  return G_SOURCE_REMOVE;
}

static void
test_network_change_probes_the_relay (Fixture * f, gconstpointer data)
{
  DaoRelayTiming *timing = dao_relay_client_get_timing (f->client);
  gboolean reached = FALSE;

  timing->probe_ms = 50;
  timing->settle_ms = 1;
  go_online (f);
  dao_relay_socket_network_changed (TRUE, f->client->socket);
  standin_push (f->standin, "alice", "{\"type\":\"pong\"}");
  g_timeout_add (200, on_time, &reached);
  standin_wait_until (reached);
  g_assert_cmpuint (f->offline, ==, 0);
  /* The keepalive of a second is too late for this. */
  dao_relay_socket_network_changed (TRUE, f->client->socket);
  standin_wait_until (f->online == 2);
  g_assert_cmpuint (f->offline, ==, 1);
  g_assert_error (f->why, DAO_RELAY_ERROR, DAO_RELAY_ERROR_UNREACHABLE);
}

/* Fewer addresses, but not the one of the connection */
static void
test_other_address_gone (Fixture * f, gconstpointer data)
{
  dao_relay_client_get_timing (f->client)->probe_ms = 1;
  go_online (f);
  dao_relay_socket_network_changed (FALSE, f->client->socket);
  call (f, "GET", "/api/v1/friends");
  g_assert_no_error (f->error);
  g_assert_cmpuint (f->offline, ==, 0);
}

static void
goaway (Fixture * f, const gchar * frame)
{
  standin_push (f->standin, "alice", frame);
}

static void
test_goaway_shutdown (Fixture * f, gconstpointer data)
{
  /* Not the back-off: that would take hours here. */
  dao_relay_client_get_timing (f->client)->backoff_unit_ms = 1000 * 1000;
  go_online (f);
  goaway (f, "{\"type\":\"goaway\",\"reason\":\"server_shutdown\"}");
  standin_wait_until (f->online == 2);
  g_assert_error (f->why, DAO_RELAY_ERROR, DAO_RELAY_ERROR_GOAWAY);
  goaway (f, "{\"type\":\"goaway\",\"payload\":{\"reason\":"
      "\"network_reset\"}}");
  standin_wait_until (f->online == 3);
  g_assert_cmpuint (f->failed, ==, 0);
  g_assert_cmpuint (f->frames->len, ==, 0);
}

static void
test_goaway_nested_wins (Fixture * f, gconstpointer data)
{
  go_online (f);
  goaway (f, "{\"type\":\"goaway\",\"reason\":\"banned\",\"payload\":"
      "{\"reason\":\"server_shutdown\"}}");
  standin_wait_until (f->online == 2);
  g_assert_cmpuint (f->failed, ==, 0);
}

static void
test_goaway_replaced (Fixture * f, gconstpointer data)
{
  go_online (f);
  goaway (f, "{\"type\":\"goaway\",\"reason\":\"new_device_login\"}");
  standin_wait_until (f->online == 2);
  g_assert_error (f->why, DAO_RELAY_ERROR, DAO_RELAY_ERROR_REPLACED);
  goaway (f, "{\"type\":\"goaway\",\"reason\":\"new_device_login\"}");
  standin_wait_until (f->failed == 1);
  g_assert_error (f->why, DAO_RELAY_ERROR, DAO_RELAY_ERROR_REPLACED);
  g_assert_cmpuint (f->standin->n_opened, ==, 2);
}

static void
test_goaway_replaced_after_cooldown (Fixture * f, gconstpointer data)
{
  dao_relay_client_get_timing (f->client)->replaced_cooldown_ms = 0;
  go_online (f);
  goaway (f, "{\"type\":\"goaway\",\"reason\":\"new_device_login\"}");
  standin_wait_until (f->online == 2);
  goaway (f, "{\"type\":\"goaway\",\"reason\":\"new_device_login\"}");
  standin_wait_until (f->online == 3);
  g_assert_cmpuint (f->failed, ==, 0);
}

static void
test_goaway_revoked (Fixture * f, gconstpointer data)
{
  guint i;

  go_online (f);
  for (i = 2; i <= 4; i++) {
    goaway (f, "{\"type\":\"goaway\",\"payload\":{\"reason\":"
        "\"jwt_revoked\"}}");
    standin_wait_until (f->online == i);
    g_assert_cmpuint (standin_count (f->standin, "POST /api/v1/auth/verify"),
        ==, i);
  }
  goaway (f, "{\"type\":\"goaway\",\"payload\":{\"reason\":"
      "\"jwt_revoked\"}}");
  standin_wait_until (f->failed == 1);
  g_assert_error (f->why, DAO_RELAY_ERROR, DAO_RELAY_ERROR_AUTH);
}

static void
test_goaway_other (Fixture * f, gconstpointer data)
{
  go_online (f);
  goaway (f, "{\"type\":\"goaway\",\"reason\":\"banned\\n\"}");
  standin_wait_until (f->failed == 1);
  g_assert_error (f->why, DAO_RELAY_ERROR, DAO_RELAY_ERROR_GOAWAY);
  g_assert_nonnull (strstr (f->why->message, "banned?"));
}

/* A handler may drop the connection it is told about. */
static void
on_frame_disconnect (DaoRelayClient * client, GBytes * frame, Fixture * f)
{
  dao_relay_client_disconnect (client);
}

static void
test_disconnect_inside_a_handler (Fixture * f, gconstpointer data)
{
  g_signal_connect (f->client, "frame", G_CALLBACK (on_frame_disconnect), f);
  go_online (f);
  standin_push (f->standin, "alice", "{\"type\":\"msg\"}");
  standin_push (f->standin, "alice", "{\"type\":\"msg\"}");
  standin_wait_until (f->frames->len == 1);
  g_assert_true (dao_relay_drain (5000));
  g_assert_cmpuint (f->frames->len, ==, 1);
}

/* --- ICE configuration --- */

static void
on_ice (GObject * source, GAsyncResult * result, gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (DaoIceConfig) config = NULL;

  config = dao_relay_client_ice_config_finish (f->client, result, &f->error);
  f->done = TRUE;
  g_clear_pointer (&f->answer, json_decref);
  if (config != NULL)
    f->answer = json_pack ("{s:b, s:i, s:I}", "relay_only",
        config->relay_only, "servers", (int) config->servers->len, "asked_us",
        (json_int_t) config->asked_us);
}

static void
get_young_ice (Fixture * f, gboolean relay_only, gint64 max_age_s)
{
  f->done = FALSE;
  g_clear_error (&f->error);
  dao_relay_client_ice_config_async (f->client, relay_only, max_age_s, NULL,
      on_ice, f);
  standin_wait_until (f->done);
}

static void
get_ice (Fixture * f, gboolean relay_only)
{
  get_young_ice (f, relay_only, DAO_ICE_CONFIG_ANY_AGE);
}

static void
assert_asked (Fixture * f, guint times)
{
  g_assert_cmpuint (standin_count (f->standin,
          "GET /api/v1/calls/ice-config"), ==, times);
}

/* So many seconds pass for what is in the cache. */
static void
age (Fixture * f, gint64 seconds)
{
  f->client->ice_config[0]->asked_us -= seconds * G_USEC_PER_SEC;
}

static void
test_ice_config_cache (Fixture * f, gconstpointer data)
{
  get_ice (f, FALSE);
  g_assert_no_error (f->error);
  g_assert_true (json_is_false (json_object_get (f->answer, "relay_only")));
  get_ice (f, FALSE);
  g_assert_cmpuint (standin_count (f->standin,
          "GET /api/v1/calls/ice-config"), ==, 1);
  get_ice (f, TRUE);
  g_assert_cmpuint (standin_count (f->standin,
          "GET /api/v1/calls/ice-config"), ==, 2);
  /* We asked for relay only; a relay that says "all" does not change that. */
  g_assert_true (json_is_true (json_object_get (f->answer, "relay_only")));
  g_assert_nonnull (strstr (g_ptr_array_index (f->standin->urls,
              f->standin->urls->len - 1), "ice-config?mode=relay"));
}

static void
test_ice_config_without_ttl (Fixture * f, gconstpointer data)
{
  g_free (f->standin->ice_config);
  f->standin->ice_config = g_strdup ("{\"ice_servers\":[]}");
  get_ice (f, FALSE);
  get_ice (f, FALSE);
  g_assert_cmpuint (standin_count (f->standin,
          "GET /api/v1/calls/ice-config"), ==, 2);
}

/* A call that begins with a cached one must know how old its credentials are. */
static void
test_ice_config_from_cache_has_its_age (Fixture * f, gconstpointer data)
{
  gint64 before = g_get_monotonic_time (), asked_us;

  get_ice (f, FALSE);
  asked_us = json_integer_value (json_object_get (f->answer, "asked_us"));
  g_assert_cmpint (asked_us, >=, before);
  g_assert_cmpint (asked_us, <=, g_get_monotonic_time ());
  age (f, 100);
  get_ice (f, FALSE);
  assert_asked (f, 1);
  g_assert_cmpint (json_integer_value (json_object_get (f->answer,
              "asked_us")), ==, asked_us - 100 * G_USEC_PER_SEC);
}

/* Of 600 s it is asked for anew after 540; if that fails, the old one serves to its end and no longer. */
static void
test_ice_config_renewal (Fixture * f, gconstpointer data)
{
  get_ice (f, FALSE);
  age (f, 539);
  get_ice (f, FALSE);
  assert_asked (f, 1);
  age (f, 1);
  get_ice (f, FALSE);
  g_assert_no_error (f->error);
  assert_asked (f, 2);
  standin_override (f->standin, "GET /api/v1/calls/ice-config", 2, 503, NULL);
  age (f, 590);
  get_ice (f, FALSE);
  g_assert_no_error (f->error);
  assert_asked (f, 3);
  g_assert_cmpint (json_integer_value (json_object_get (f->answer,
              "servers")), ==, 1);
  age (f, 10);
  get_ice (f, FALSE);
  assert_asked (f, 4);
  g_assert_cmpuint (dao_relay_error_get_status (f->error), ==, 503);
}

/* Who wants a young one does not get it from the cache, and makes it young for everybody. */
static void
test_ice_config_max_age (Fixture * f, gconstpointer data)
{
  get_ice (f, FALSE);
  age (f, 10);
  get_young_ice (f, FALSE, 20);
  assert_asked (f, 1);
  get_young_ice (f, FALSE, 5);
  assert_asked (f, 2);
  get_young_ice (f, FALSE, 5);
  assert_asked (f, 2);
  /* It is no reason to be without any. */
  standin_override (f->standin, "GET /api/v1/calls/ice-config", 1, 503, NULL);
  age (f, 10);
  get_young_ice (f, FALSE, 5);
  g_assert_no_error (f->error);
  assert_asked (f, 3);
}

static void
test_ice_config_malformed (Fixture * f, gconstpointer data)
{
  g_free (f->standin->ice_config);
  f->standin->ice_config = g_strdup ("[]");
  get_ice (f, FALSE);
  g_assert_error (f->error, DAO_ICE_CONFIG_ERROR, DAO_ICE_CONFIG_ERROR_FORMAT);
}

#define ADD(name, func) \
  g_test_add ("/relay-client/" name, Fixture, NULL, set_up, func, tear_down)
#define ADD_NEW(name, func) \
  g_test_add ("/relay-client/" name, Fixture, NULL, set_up_new, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/relay-client/urls", test_urls);
  g_test_add_func ("/relay-client/guard-no-plain-http-to-public-hosts",
      test_guard_no_plain_http_to_public_hosts);
  g_test_add_func ("/relay-client/backoff", test_backoff);
  ADD_NEW ("register", test_register);
  ADD_NEW ("register-twice", test_register_twice);
  ADD ("register-conflict-keeps-local-names",
      test_register_conflict_keeps_local_names);
  ADD_NEW ("register-errors", test_register_errors);
  ADD ("token-is-reused", test_token_is_reused);
  ADD ("one-login-serves-all", test_one_login_serves_all);
  ADD ("401-logs-in-again", test_401_logs_in_again);
  ADD ("401-for-ever-is-an-error", test_401_for_ever_is_an_error);
  ADD ("other-statuses-do-not-log-in", test_other_statuses_do_not_log_in);
  ADD ("refused-login-fails-after-three", test_refused_login_fails_after_three);
  ADD ("busy-relay-is-not-a-refusal", test_busy_relay_is_not_a_refusal);
  ADD ("guard-signing-oracle", test_guard_signing_oracle);
  ADD ("malformed-login-answers", test_malformed_login_answers);
  ADD ("registered-x25519-key-is-selected",
      test_registered_x25519_key_is_selected);
  ADD ("guard-unknown-x25519-key", test_guard_unknown_x25519_key);
  ADD ("alias-is-refreshed", test_alias_is_refreshed);
  ADD ("guard-alias-of-another-identity", test_guard_alias_of_another_identity);
  ADD_NEW ("unregistered", test_unregistered);
  ADD ("guard-no-token-in-urls", test_guard_no_token_in_urls);
  ADD ("guard-redirects-are-not-followed",
      test_guard_redirects_are_not_followed);
  ADD ("guard-huge-answer", test_guard_huge_answer);
  ADD ("unreachable", test_unreachable);
  ADD ("request-deadline", test_request_deadline);
  ADD ("cancelled-call", test_cancelled_call);
  ADD ("ticket-before-every-connect", test_ticket_before_every_connect);
  ADD ("malformed-tickets", test_malformed_tickets);
  ADD ("frames-both-ways", test_frames_both_ways);
  ADD ("send-limits", test_send_limits);
  ADD ("guard-oversized-frame", test_guard_oversized_frame);
  ADD ("ping", test_ping);
  ADD ("silent-relay-is-left", test_silent_relay_is_left);
  ADD ("disconnect-stops", test_disconnect_stops);
  ADD ("disconnect-during-attempts", test_disconnect_during_attempts);
  ADD ("backoff-grows-and-resets", test_backoff_grows_and_resets);
  ADD ("network-back-ends-the-back-off", test_network_back_ends_the_backoff);
  ADD ("network-change-aborts-requests", test_network_change_aborts_requests);
  ADD ("network-change-probes-the-relay", test_network_change_probes_the_relay);
  ADD ("other-address-gone", test_other_address_gone);
  ADD ("goaway-shutdown", test_goaway_shutdown);
  ADD ("goaway-nested-wins", test_goaway_nested_wins);
  ADD ("goaway-replaced", test_goaway_replaced);
  ADD ("goaway-replaced-after-cooldown", test_goaway_replaced_after_cooldown);
  ADD ("goaway-revoked", test_goaway_revoked);
  ADD ("goaway-other", test_goaway_other);
  ADD ("disconnect-inside-a-handler", test_disconnect_inside_a_handler);
  ADD ("ice-config-cache", test_ice_config_cache);
  ADD ("ice-config-without-ttl", test_ice_config_without_ttl);
  ADD ("ice-config-max-age", test_ice_config_max_age);
  ADD ("ice-config-from-cache-has-its-age",
      test_ice_config_from_cache_has_its_age);
  ADD ("ice-config-renewal", test_ice_config_renewal);
  ADD ("ice-config-malformed", test_ice_config_malformed);
  return g_test_run ();
}
