/* gst-dao: the vectors of http_ws_transcript
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A recorded conversation of two clients with a relay, step by step (protocol.md c, d, e). At each step libdao makes
 * what it would send itself and compares, and opens or parses what it would receive. What
 * steps teach (accounts, keys, challenges, conversation ids) is kept for those that follow.
 */
#include "vectors-transcript.h"
#include "dao-account.h"
#include "dao-encoding.h"
#include "dao-envelope.h"
#include "dao-ice-config.h"
#include "dao-json.h"
#include "dao-relay-body.h"
#include "dao-relay-client.h"

#include <sodium.h>
#include <string.h>

typedef struct
{
  DaoIdentity *identity;
  DaoContacts *contacts;
  gchar *alias;                 /* NULL until registered */
  gchar *uuid;
  gchar *nickname;
  /* A frame passes here twice, on its way up and down. */
  DaoReplayGuard *guard_up;
  DaoReplayGuard *guard_down;
} Party;

static struct
{
  json_t *file;                 /* the transcript this is about */
  gint64 next_step;
  GPtrArray *parties;           /* Party* */
  GHashTable *pow;              /* challenge -> json_t answer, not used yet */
  GHashTable *auth;             /* challenge -> uuid, not used yet */
  GHashTable *requested;        /* accept path of a friendship -> conversation id, "" before */
  GHashTable *in_flight;        /* upstream frame, without `from` -> 1 */
} run;

/* --- parties --- */

static void
party_free (gpointer data)
{
  Party *party = data;

  dao_contacts_free (party->contacts);
  dao_identity_unref (party->identity);
  dao_replay_guard_free (party->guard_up);
  dao_replay_guard_free (party->guard_down);
  g_free (party->alias);
  g_free (party->uuid);
  g_free (party->nickname);
  g_free (party);
}

static void
add_party (const gchar * mnemonic)
{
  DaoIdentity *identity = dao_identity_new_from_mnemonic (mnemonic, NULL);
  Party *party;

  if (identity == NULL)
    return;
  party = g_new0 (Party, 1);
  party->identity = identity;
  party->contacts = dao_contacts_load (NULL, identity, NULL);
  party->guard_up = dao_replay_guard_new ();
  party->guard_down = dao_replay_guard_new ();
  g_ptr_array_add (run.parties, party);
}

/* The accounts are given by their phrases, somewhere in the words around the cases: whatever 12 words in a row are a
 * valid phrase is one. */
static void
read_phrases (void)
{
  g_autofree gchar *text = NULL;
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  g_auto (GStrv) parts = NULL;
  json_t *head = json_copy (dao_vector_file);
  guint i;

  json_object_del (head, "cases");
  text = dao_json_canonical (head, NULL);
  json_decref (head);
  parts = g_strsplit_set (text ? text : "", " \"',.;:()=[]{}\\", -1);
  for (i = 0; parts[i] != NULL; i++) {
    if (*parts[i] != '\0')
      g_ptr_array_add (words, parts[i]);
  }
  for (i = 0; i + 12 <= words->len; i++) {
    g_autoptr (GString) phrase = g_string_new (words->pdata[i]);
    guint k;

    for (k = 1; k < 12; k++)
      g_string_append_printf (phrase, " %s", (gchar *) words->pdata[i + k]);
    add_party (phrase->str);
  }
}

static void
begin (void)
{
  if (run.parties != NULL) {
    g_ptr_array_unref (run.parties);
    g_hash_table_unref (run.pow);
    g_hash_table_unref (run.auth);
    g_hash_table_unref (run.requested);
    g_hash_table_unref (run.in_flight);
  }
  memset (&run, 0, sizeof (run));
  run.file = dao_vector_file;
  run.parties = g_ptr_array_new_with_free_func (party_free);
  run.pow = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      (GDestroyNotify) json_decref);
  run.auth = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  run.requested = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      g_free);
  run.in_flight = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  read_phrases ();
}

typedef enum { BY_ALIAS, BY_UUID, BY_KEY } PartyBy;

static Party *
find_party (PartyBy by, const gchar * value)
{
  guint i;

  for (i = 0; i < run.parties->len; i++) {
    Party *party = g_ptr_array_index (run.parties, i);
    g_autofree gchar *key =
        dao_base64_encode (dao_identity_get_ed25519_public (party->identity),
        32);
    const gchar *own = by == BY_ALIAS ? party->alias :
        by == BY_UUID ? party->uuid : key;

    if (value != NULL && g_strcmp0 (own, value) == 0)
      return party;
  }
  return NULL;
}

static Party *
need_party (PartyBy by, const gchar * value, GString * why)
{
  Party *party = find_party (by, value);

  if (party == NULL)
    g_string_append_printf (why, "no account %s is known at this step",
        value ? value : "(none)");
  return party;
}

/* --- comparing --- */

static gboolean
fail (GString * why, const gchar * what)
{
  g_string_append (why, what);
  return FALSE;
}

/* Takes @ours. The order of members means nothing on the wire. */
static gboolean
same_body (json_t * ours, json_t * theirs, GString * why)
{
  g_autofree gchar *got = dao_json_canonical (ours, NULL);
  g_autofree gchar *want = theirs ? dao_json_canonical (theirs, NULL) : NULL;

  json_decref (ours);
  return dao_vector_same_string ("req_body", got, want, why);
}

static gboolean
same_path (gchar * ours, const gchar * theirs, GString * why)
{
  gboolean same = dao_vector_same_string ("path", ours, theirs, why);

  g_free (ours);
  return same;
}

/* --- HTTP --- */

typedef struct
{
  const gchar *path;
  json_t *headers;
  json_t *request;              /* NULL = no body */
  gint64 status;
  json_t *answer;
  const gchar *answer_text;
} Exchange;

static gboolean
check_pow_challenge (Exchange * x, GString * why)
{
  const gchar *challenge = dao_json_get_string (x->answer, "challenge_string");
  gint64 difficulty;

  if (!same_body (json_object (), x->request, why))
    return FALSE;
  if (challenge == NULL || !dao_json_get_int (x->answer, "difficulty",
          &difficulty) || difficulty < 0 || difficulty > 64)
    return fail (why, "no challenge in the answer");
  g_hash_table_replace (run.pow, g_strdup (challenge), json_incref (x->answer));
  return TRUE;
}

/* One of the challenges that are open is solved by this, and our solver finds the same number. */
static gboolean
check_pow_nonce (const gchar * nonce, GString * why)
{
  GHashTableIter iter;
  gpointer challenge, answer;

  if (nonce == NULL)
    return fail (why, "no pow_nonce");
  g_hash_table_iter_init (&iter, run.pow);
  while (g_hash_table_iter_next (&iter, &challenge, &answer)) {
    g_autofree gchar *solved = NULL;
    gint64 difficulty = 0;

    dao_json_get_int (answer, "difficulty", &difficulty);
    if (!dao_pow_check (challenge, (guint) difficulty, nonce))
      continue;
    solved = dao_pow_solve (challenge, (guint) difficulty, NULL, NULL);
    g_hash_table_iter_remove (&iter);
    return dao_vector_same_string ("pow_nonce", solved, nonce, why);
  }
  return fail (why, "pow_nonce solves none of the challenges given out");
}

static gboolean
check_register (Exchange * x, GString * why)
{
  const gchar *nickname = dao_json_get_string (x->request, "nickname");
  const gchar *nonce = dao_json_get_string (x->request, "pow_nonce");
  const gchar *uuid = dao_json_get_string (x->answer, "uuid");
  const gchar *alias = dao_json_get_string (x->answer, "alias_id");
  Party *party = need_party (BY_KEY, dao_json_get_string (x->request,
          "ed25519_public_key"), why);

  if (party == NULL || !check_pow_nonce (nonce, why))
    return FALSE;
  if (nickname == NULL)
    return fail (why, "no nickname");
  if (!same_body (dao_relay_body_register (party->identity, nickname, nonce),
          x->request, why))
    return FALSE;
  if (x->status != 200 && x->status != 201 && x->status != 409)
    return fail (why, "neither 200, 201 nor 409");
  if (uuid == NULL || !g_uuid_string_is_valid (uuid)
      || !dao_alias_is_valid (alias))
    return fail (why, "no uuid and alias_id in the answer");
  if (party->uuid != NULL)
    return x->status == 409 && dao_vector_same_string ("uuid", uuid,
        party->uuid, why) && dao_vector_same_string ("alias_id", alias,
        party->alias, why);
  party->uuid = g_strdup (uuid);
  party->alias = g_strdup (alias);
  party->nickname = g_strdup (nickname);
  dao_identity_set_uuid (party->identity, uuid);
  dao_identity_set_alias (party->identity, alias);
  return TRUE;
}

static gboolean
check_auth_challenge (Exchange * x, GString * why)
{
  const gchar *challenge = dao_json_get_string (x->answer, "challenge");
  Party *party = need_party (BY_UUID, dao_json_get_string (x->request,
          "user_uuid"), why);

  if (party == NULL)
    return FALSE;
  if (challenge == NULL)
    return fail (why, "no challenge in the answer");
  g_hash_table_replace (run.auth, g_strdup (challenge),
      g_strdup (party->uuid));
  return same_body (dao_relay_body_auth_challenge (party->uuid), x->request,
      why);
}

static gboolean
check_auth_verify (Exchange * x, GString * why)
{
  const gchar *challenge = dao_json_get_string (x->request, "challenge");
  g_autofree gchar *signature = NULL;
  g_autoptr (GError) error = NULL;
  Party *party = need_party (BY_UUID, dao_json_get_string (x->request,
          "user_uuid"), why);

  if (party == NULL || challenge == NULL)
    return fail (why, "no challenge");
  if (!dao_vector_same_string ("account of the challenge",
          g_hash_table_lookup (run.auth, challenge), party->uuid, why))
    return FALSE;
  signature = dao_identity_sign_challenge (party->identity, challenge, &error);
  if (signature == NULL)
    return fail (why, error->message);
  if (!same_body (dao_relay_body_auth_verify (party->uuid, challenge,
              signature), x->request, why))
    return FALSE;
  g_hash_table_remove (run.auth, challenge);
  return dao_json_get_string (x->answer, "token") != NULL
      || fail (why, "no token in the answer");
}

static gboolean
same_key (json_t * object, const gchar * name, const guint8 * key,
    GString * why)
{
  g_autofree gchar *want = dao_base64_encode (key, 32);

  return dao_vector_same_string (name, dao_json_get_string (object, name),
      want, why);
}

/* A users or friends entry says of a party what it registered. */
static gboolean
check_profile (json_t * entry, GString * why)
{
  Party *party = need_party (BY_ALIAS, dao_json_get_string (entry,
          "alias_id"), why);

  return party != NULL
      && same_key (entry, "ed25519_public_key",
      dao_identity_get_ed25519_public (party->identity), why)
      && same_key (entry, "x25519_public_key",
      dao_identity_get_x25519_public (party->identity), why)
      && dao_vector_same_string ("nickname", dao_json_get_string (entry,
          "nickname"), party->nickname, why);
}

static gboolean
check_user (Exchange * x, GString * why)
{
  const gchar *alias = dao_json_get_string (x->answer, "alias_id");

  return check_profile (x->answer, why)
      && same_path (dao_relay_path_user (alias), x->path, why);
}

static gboolean
check_ticket (Exchange * x, GString * why)
{
  if (dao_json_get_string (x->answer, "ticket") == NULL)
    return fail (why, "no ticket in the answer");
  return same_body (json_object (), x->request, why);
}

static gboolean
check_friend_request (Exchange * x, GString * why)
{
  Party *party = need_party (BY_ALIAS, dao_json_get_string (x->request,
          "to_alias_id"), why);

  return party != NULL
      && same_body (dao_relay_body_friend_request (party->alias), x->request,
      why);
}

/* Whoever is not in the list may be its owner; the others learn from it as an account does. */
static gboolean
show_friends (json_t * list, GString * why)
{
  g_autoptr (GError) error = NULL;
  guint i;
  gsize k;
  json_t *entry;

  for (i = 0; i < run.parties->len; i++) {
    Party *party = g_ptr_array_index (run.parties, i);
    gboolean listed = FALSE;

    json_array_foreach (list, k, entry)
        listed |= g_strcmp0 (dao_json_get_string (entry, "alias_id"),
        party->alias) == 0;
    if (!listed && !dao_account_observe_friends (party->contacts, list,
            &error))
      return fail (why, error->message);
  }
  return TRUE;
}

/* Once there is a conversation id it stays what it is. */
static gboolean
check_conversation (gint64 friendship_id, const gchar * conversation,
    GString * why)
{
  g_autofree gchar *path = dao_relay_path_accept (friendship_id);
  const gchar *known = g_hash_table_lookup (run.requested, path);

  if (known != NULL && *known != '\0')
    return dao_vector_same_string ("conversation_id", conversation, known,
        why);
  g_hash_table_replace (run.requested, g_steal_pointer (&path),
      g_strdup (conversation));
  return TRUE;
}

static gboolean
check_friends (Exchange * x, GString * why)
{
  json_t *entry;
  gsize i;

  if (!json_is_array (x->answer))
    return fail (why, "the friends list is no array");
  json_array_foreach (x->answer, i, entry) {
    const gchar *status = dao_json_get_string (entry, "status");
    const gchar *conversation = dao_json_get_string (entry, "conversation_id");
    gboolean accepted = g_strcmp0 (status, "accepted") == 0;
    gint64 id;

    if (!check_profile (entry, why))
      return FALSE;
    if (!dao_json_get_int (entry, "friendship_id", &id) || status == NULL)
      return fail (why, "a friends entry without friendship_id or status");
    if (accepted != (conversation != NULL && *conversation != '\0'))
      return fail (why, "conversation_id and status do not agree");
    if (!check_conversation (id, conversation ? conversation : "", why))
      return FALSE;
  }
  return show_friends (x->answer, why);
}

static gboolean
check_accept (Exchange * x, GString * why)
{
  const gchar *id = dao_json_get_string (x->answer, "conversation_id");

  if (!g_hash_table_contains (run.requested, x->path))
    return fail (why, "accepts a friendship that no list has shown");
  if (x->request != NULL)
    return fail (why, "accept has a body");
  if (id == NULL || *id == '\0')
    return fail (why, "no conversation_id in the answer");
  g_hash_table_replace (run.requested, g_strdup (x->path), g_strdup (id));
  return TRUE;
}

static gboolean
check_ice_config (Exchange * x, GString * why)
{
  gboolean relay_only = g_str_has_suffix (x->path, "mode=relay");
  g_autoptr (DaoIceConfig) config = NULL;
  g_autoptr (GError) error = NULL;

  if (!same_path (dao_relay_path_ice_config (relay_only), x->path, why))
    return FALSE;
  config = dao_ice_config_parse (x->answer_text, strlen (x->answer_text),
      &error);
  if (config == NULL)
    return fail (why, error->message);
  if (relay_only && !config->relay_only)
    return fail (why, "mode=relay is answered by another policy");
  return TRUE;
}

typedef gboolean (*Check) (Exchange * x, GString * why);

static const struct
{
  const gchar *method;
  const gchar *path;
  gboolean prefix;
  gboolean needs_token;
  gboolean may_fail;            /* an answer that is no 2xx is the check's business */
  Check check;
} checks[] = {
  {"POST", DAO_PATH_POW_CHALLENGE, FALSE, FALSE, FALSE, check_pow_challenge},
  {"POST", DAO_PATH_REGISTER, FALSE, FALSE, TRUE, check_register},
  {"POST", DAO_PATH_AUTH_CHALLENGE, FALSE, FALSE, FALSE, check_auth_challenge},
  {"POST", DAO_PATH_AUTH_VERIFY, FALSE, FALSE, FALSE, check_auth_verify},
  {"POST", DAO_PATH_WS_TICKET, FALSE, TRUE, FALSE, check_ticket},
  {"POST", DAO_PATH_FRIEND_REQUEST, FALSE, TRUE, FALSE, check_friend_request},
  {"GET", DAO_PATH_FRIENDS, FALSE, TRUE, FALSE, check_friends},
  {"PUT", DAO_PATH_FRIENDS "/", TRUE, TRUE, FALSE, check_accept},
  {"GET", "/api/v1/users/", TRUE, TRUE, FALSE, check_user},
  {"GET", DAO_PATH_ICE_CONFIG, TRUE, TRUE, FALSE, check_ice_config},
};

/* What our requests carry as well: JSON is declared, and a token where the protocol wants one. */
static gboolean
check_headers (Exchange * x, const gchar * body, gboolean needs_token,
    GString * why)
{
  const gchar *type = dao_json_get_string (x->headers, "content-type");
  const gchar *length = dao_json_get_string (x->headers, "content-length");
  const gchar *token = dao_json_get_string (x->headers, "authorization");

  if (needs_token && (token == NULL || !g_str_has_prefix (token, "Bearer ")))
    return fail (why, "no bearer token");
  if (body == NULL)
    return TRUE;
  if (!dao_vector_same_string ("content-type", type, "application/json", why))
    return FALSE;
  return length == NULL
      || dao_vector_same_int ("content-length", strlen (body),
      g_ascii_strtoll (length, NULL, 10), why);
}

static gboolean
check_exchange (json_t * case_, Exchange * x, const gchar * method,
    const gchar * body, GString * why)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (checks); i++) {
    if (!g_str_equal (method, checks[i].method) || (checks[i].prefix ?
            !g_str_has_prefix (x->path, checks[i].path) :
            !g_str_equal (x->path, checks[i].path)))
      continue;
    if (!checks[i].may_fail && (x->status < 200 || x->status > 299))
      return fail (why, "not a success");
    return check_headers (x, body, checks[i].needs_token, why)
        && checks[i].check (x, why);
  }
  g_string_append_printf (why, "no request of ours: %s %s", method, x->path);
  return FALSE;
}

static gboolean
parse_text (json_t * case_, const gchar * name, const gchar ** text,
    json_t ** value, GString * why)
{
  json_t *member = json_object_get (case_, name);
  g_autoptr (GError) error = NULL;

  *text = json_string_value (member);
  *value = NULL;
  if (member == NULL || (*text == NULL && !json_is_null (member)))
    return fail (why, "req_body or resp_body is missing");
  if (*text == NULL || **text == '\0')
    return TRUE;
  *value = dao_json_parse (*text, strlen (*text), &error);
  return *value != NULL || fail (why, error->message);
}

static gboolean
run_http (json_t * case_, GString * why)
{
  const gchar *method = dao_vector_need_string (case_, "method", why);
  const gchar *body;
  Exchange x = { 0, };
  gboolean ok;

  x.path = dao_vector_need_string (case_, "path", why);
  x.headers = dao_vector_need_object (case_, "req_headers", why);
  if (method == NULL || x.path == NULL || x.headers == NULL
      || !dao_vector_need_int (case_, "status", &x.status, why))
    return FALSE;
  ok = parse_text (case_, "req_body", &body, &x.request, why)
      && parse_text (case_, "resp_body", &x.answer_text, &x.answer, why)
      && check_exchange (case_, &x, method, body, why);
  json_decref (x.request);
  json_decref (x.answer);
  return ok;
}

/* --- WebSocket --- */

/* Ours would escape the placeholder's brackets, so the ticket is compared decoded. */
static gboolean
run_ws_open (json_t * case_, GString * why)
{
  const gchar *path = dao_vector_need_string (case_, "path", why);
  const gchar *query = path ? strchr (path, '?') : NULL;
  g_autoptr (GHashTable) params = NULL;
  g_autofree gchar *plain = NULL, *ours = NULL, *got = NULL;
  const gchar *ticket;
  Party *party;

  if (query == NULL)
    return fail (why, "no query");
  if (!json_is_null (json_object_get (case_, "protocol")))
    return fail (why, "we ask for no subprotocol");
  params = g_uri_parse_params (query + 1, -1, "&", 0, NULL);
  ticket = params ? g_hash_table_lookup (params, "ticket") : NULL;
  party = need_party (BY_UUID, params ? g_hash_table_lookup (params,
          "user_uuid") : NULL, why);
  if (party == NULL)
    return FALSE;
  if (ticket == NULL || *ticket == '\0')
    return fail (why, "no ticket");
  plain = g_uri_unescape_string (path, NULL);
  ours = dao_relay_path_socket (party->uuid, ticket);
  got = g_uri_unescape_string (ours, NULL);
  return dao_vector_same_string ("path", got, plain, why);
}

/* protocol.md e.4: up to 1.0.19 a signature covered of nested objects only the members whose names
 * occur at the top level too. Such candidates are dropped by a strict client, but they are what
 * the recorded client really signed. */
static json_t *
legacy_view (json_t * inner)
{
  json_t *view = json_object (), *value, *nested;
  const char *name, *key;

  json_object_foreach (inner, name, value) {
    if (g_str_equal (name, "_sig"))
      continue;
    if (!json_is_object (value)) {
      json_object_set (view, name, value);
      continue;
    }
    nested = json_object ();
    json_object_foreach (value, key, value) {
      if (json_object_get (inner, key) != NULL)
        json_object_set (nested, key, value);
    }
    json_object_set_new (view, name, nested);
  }
  return view;
}

static gboolean
legacy_signature_is_good (json_t * inner, const guint8 * public)
{
  json_t *view = legacy_view (inner);
  g_autofree gchar *text = dao_json_canonical (view, NULL);
  const gchar *hex = dao_json_get_string (inner, "_sig");
  guint8 signature[64];

  json_decref (view);
  return text != NULL && hex != NULL
      && dao_hex_decode (hex, signature, sizeof (signature))
      && crypto_sign_verify_detached (signature, (const guint8 *) text,
      strlen (text), public) == 0;
}

/* (transfer full): what is sealed in @frame */
static json_t *
decrypt (json_t * frame, const guint8 * session_key, GString * why)
{
  const gchar *payload = dao_json_get_string (frame, "payload");
  g_autofree guint8 *sealed = NULL, *plain = NULL;
  gsize length;
  json_t *inner = NULL;

  sealed = payload ? dao_base64_decode (payload, &length) : NULL;
  if (sealed == NULL || length < 12 + 16) {
    g_string_append (why, "the payload is malformed");
    return NULL;
  }
  plain = g_malloc0 (length);
  if (dao_aes_gcm_open (session_key, sealed, sealed + 12, length - 12, plain))
    inner = dao_json_parse ((const gchar *) plain, length - 12 - 16, NULL);
  if (inner == NULL)
    g_string_append (why, "the payload cannot be decrypted and parsed");
  return inner;
}

/* The signature libdao makes of the same fields is the one that was sent, byte by byte; for a candidate signed in the old
 * way that cannot be. */
static gboolean
check_resealed (json_t * inner, Party * sender, const guint8 * session_key,
    const gchar * to, GString * why)
{
  const gchar *want = dao_json_get_string (inner, "_sig");
  g_autofree gchar *text = NULL;
  g_autoptr (GError) error = NULL;
  json_t *fields = json_deep_copy (inner), *frame, *again;
  guint8 nonce[16];
  gint64 ts;
  gboolean ok;

  if (want == NULL || !dao_json_get_int (inner, "_ts", &ts)
      || !dao_json_get_string (inner, "_nonce")
      || !dao_hex_decode (dao_json_get_string (inner, "_nonce"), nonce, 16)) {
    json_decref (fields);
    return fail (why, "_sig, _ts or _nonce is malformed");
  }
  json_object_del (fields, "_sig");
  json_object_del (fields, "_ts");
  json_object_del (fields, "_nonce");
  text = dao_envelope_seal (fields, to,
      dao_identity_get_ed25519_secret (sender->identity), session_key, ts,
      nonce, NULL, &error);
  json_decref (fields);
  if (text == NULL)
    return fail (why, error->message);
  frame = dao_json_parse (text, strlen (text), NULL);
  again = decrypt (frame, session_key, why);
  json_decref (frame);
  ok = again != NULL && dao_vector_same_string ("_sig",
      dao_json_get_string (again, "_sig"), want, why);
  json_decref (again);
  return ok;
}

/* Opens @frame as its recipient's account would. */
static gboolean
check_call_frame (json_t * frame, const gchar * text, gboolean down,
    GString * why)
{
  Party *sender = need_party (BY_ALIAS, dao_json_get_string (frame, "from"),
      why);
  Party *recipient = need_party (BY_ALIAS, dao_json_get_string (frame, "to"),
      why);
  const DaoContact *contact;
  g_autoptr (DaoSignal) signal = NULL;
  g_autoptr (GError) error = NULL;
  json_t *inner;
  gint64 ts = 0;
  gboolean ok = FALSE;

  if (sender == NULL || recipient == NULL)
    return FALSE;
  /* Pinned as by an accept here; the conversation id is from the friends list. */
  dao_contacts_pin (recipient->contacts, sender->alias, sender->nickname,
      dao_identity_get_ed25519_public (sender->identity),
      dao_identity_get_x25519_public (sender->identity), NULL, NULL);
  contact = dao_contacts_get_callable (recipient->contacts, sender->alias,
      DAO_TRUST_UNVERIFIED, &error);
  if (contact == NULL)
    return fail (why, error->message);
  inner = decrypt (frame, contact->session_key, why);
  if (inner == NULL)
    return FALSE;
  dao_json_get_int (inner, "_ts", &ts);
  signal = dao_envelope_open (text, strlen (text), recipient->alias,
      recipient->contacts, down ? recipient->guard_down : recipient->guard_up,
      ts, &error);
  if (signal != NULL)
    ok = dao_vector_same_string ("call_id", signal->call_id,
        dao_json_get_string (frame, "call_id"), why)
        && check_resealed (inner, sender, contact->session_key,
        recipient->alias, why);
  else if (g_error_matches (error, DAO_ENVELOPE_ERROR,
          DAO_ENVELOPE_ERROR_SIGNATURE)
      && json_is_object (json_object_get (inner, "candidate")))
    ok = legacy_signature_is_good (inner,
        dao_identity_get_ed25519_public (sender->identity))
        || fail (why, "neither the recursive nor the old signature is good");
  else
    g_string_append (why, error->message);
  json_decref (inner);
  return ok;
}

static gchar *
frame_id (json_t * frame)
{
  json_t *copy = json_copy (frame);
  gchar *id;

  json_object_del (copy, "from");
  id = dao_json_canonical (copy, NULL);
  json_decref (copy);
  return id;
}

/* A relay hands on what it got, and says itself who it is from. */
static gboolean
check_frame (json_t * frame, const gchar * text, Party * party, gboolean down,
    GString * why)
{
  /* protocol.md d: what else shares the socket */
  static const gchar *const others[] = { "ack", "channel_post", "delivered",
    "friend_accepted", "friend_request", "friend_verified", "goaway",
    "message", "msg", "payment_confirmed", "ping", "pong", "read", "retract",
    "status_change", "sync", "sync_batch", "typing", NULL
  };
  const gchar *type = dao_json_get_string (frame, "type");
  g_autofree gchar *id = NULL;

  if (type == NULL)
    return fail (why, "a frame without a type");
  if (!g_str_has_prefix (type, "call_")) {
    if (!g_strv_contains (others, type))
      return fail (why, "a frame of a type that no one knows");
    /* The other users of the socket: of those that a relay sends we look at who it is about. */
    return !g_str_has_prefix (type, "friend_")
        || need_party (BY_ALIAS, dao_json_get_string (frame, "from"),
        why) != NULL;
  }
  if (!dao_vector_same_string (down ? "to" : "from", dao_json_get_string (frame,
              down ? "to" : "from"), party->alias, why))
    return FALSE;
  id = frame_id (frame);
  if (down && !g_hash_table_remove (run.in_flight, id))
    return fail (why, "the relay delivers what nobody sent");
  if (!down)
    g_hash_table_replace (run.in_flight, g_strdup (id), NULL);
  return check_call_frame (frame, text, down, why);
}

static gboolean
run_ws (json_t * case_, GString * why)
{
  const gchar *dir = dao_vector_need_string (case_, "dir", why);
  const gchar *text = dao_vector_need_string (case_, "frame", why);
  g_auto (GStrv) ends = dir ? g_strsplit (dir, "->", 2) : NULL;
  g_autoptr (GError) error = NULL;
  gboolean down, ok;
  json_t *frame;
  Party *party;

  if (dir == NULL || text == NULL)
    return FALSE;
  if (g_strv_length (ends) != 2)
    return fail (why, "dir has no direction");
  down = g_str_equal (ends[0], "relay");
  if (!down && !g_str_equal (ends[1], "relay"))
    return fail (why, "dir does not name the relay");
  party = need_party (BY_ALIAS, ends[down ? 1 : 0], why);
  frame = party ? dao_json_parse (text, strlen (text), &error) : NULL;
  if (frame == NULL)
    return fail (why, error ? error->message : "");
  ok = check_frame (frame, text, party, down, why);
  json_decref (frame);
  return ok;
}

gboolean
dao_vectors_run_transcript (json_t * case_, GString * why)
{
  const gchar *kind = dao_vector_need_string (case_, "kind", why);
  gint64 step;

  if (kind == NULL || !dao_vector_need_int (case_, "step", &step, why))
    return FALSE;
  if (run.file != dao_vector_file || run.parties == NULL || step == 0)
    begin ();
  if (step < run.next_step)
    return fail (why, "steps are out of order");
  run.next_step = step + 1;
  if (g_str_equal (kind, "http"))
    return run_http (case_, why);
  if (g_str_equal (kind, "ws-open"))
    return run_ws_open (case_, why);
  if (g_str_equal (kind, "ws"))
    return run_ws (case_, why);
  return fail (why, "unknown kind");
}
