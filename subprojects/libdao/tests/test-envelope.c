/* gst-dao: sealing, opening, and every check in between
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * alice sends to bob; each test takes one thing that the relay or a peer can do wrong.
 */
#include "dao-encoding.h"
#include "dao-envelope.h"
#include "dao-json.h"

#include <sodium.h>
#include <string.h>

#define NOW G_GINT64_CONSTANT (1745671234567)

typedef struct
{
  guint8 public_key[32];
  guint8 secret[64];
  guint8 session_key[32];
  DaoContacts *contacts;        /* of bob */
  DaoReplayGuard *guard;
} Fixture;

static void
set_up (Fixture * f, gconstpointer data)
{
  crypto_sign_keypair (f->public_key, f->secret);
  randombytes_buf (f->session_key, 32);
  f->contacts = dao_contacts_load (NULL, NULL, NULL);
  f->guard = dao_replay_guard_new ();
  dao_contacts_add_for_test (f->contacts, "alice", f->public_key,
      f->session_key);
}

static void
tear_down (Fixture * f, gconstpointer data)
{
  dao_contacts_free (f->contacts);
  dao_replay_guard_free (f->guard);
}

static json_t *
offer (void)
{
  return json_pack ("{s:s,s:s,s:s,s:s,s:s,s:s}", "type", "call_offer", "from",
      "alice", "to", "bob", "call_id", "c1", "sdp", "v=0\r\n", "sdp_type",
      "offer");
}

/* Seals @inner (taken over) as alice at @ts. */
static gchar *
seal (Fixture * f, json_t * inner, gint64 ts, const guint8 * sig_nonce)
{
  g_autoptr (GError) error = NULL;
  gchar *frame;

  frame = dao_envelope_seal (inner, "bob", f->secret, f->session_key, ts,
      sig_nonce, NULL, &error);
  g_assert_no_error (error);
  json_decref (inner);
  return frame;
}

/* A frame around any text, signed or not. */
static gchar *
wrap (Fixture * f, const gchar * plain, gsize length)
{
  g_autofree guint8 *sealed = g_malloc (12 + length + 16);
  g_autofree gchar *payload = NULL;

  randombytes_buf (sealed, 12);
  g_assert_true (dao_aes_gcm_seal (f->session_key, sealed,
          (const guint8 *) plain, length, sealed + 12));
  payload = dao_base64_encode (sealed, 12 + length + 16);
  return g_strdup_printf ("{\"type\":\"call_offer\",\"from\":\"alice\","
      "\"to\":\"bob\",\"call_id\":\"c1\",\"crypto_v\":2,\"payload\":\"%s\"}",
      payload);
}

/* The frame with another value for one clear field; NULL removes it. */
static gchar *
with_field (const gchar * frame, const gchar * name, json_t * value)
{
  json_t *root = dao_json_parse (frame, strlen (frame), NULL);
  gchar *text;

  if (value != NULL)
    json_object_set_new (root, name, value);
  else
    json_object_del (root, name);
  text = json_dumps (root, JSON_COMPACT);
  json_decref (root);
  return text;
}

#define ACCEPTED (-1)

static void
assert_open_at (Fixture * f, const gchar * frame, gint64 now_ms, gint code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DaoSignal) signal = NULL;

  signal = dao_envelope_open (frame, strlen (frame), "bob", f->contacts,
      f->guard, now_ms, &error);
  if (code == ACCEPTED) {
    g_assert_no_error (error);
    g_assert_nonnull (signal);
  } else {
    g_assert_null (signal);
    g_assert_error (error, DAO_ENVELOPE_ERROR, code);
  }
}

static void
assert_open (Fixture * f, const gchar * frame, gint code)
{
  assert_open_at (f, frame, NOW, code);
}

static void
test_round_trip (Fixture * f, gconstpointer data)
{
  g_autofree gchar *frame = seal (f, offer (), NOW, NULL);
  g_autoptr (DaoSignal) signal = NULL;

  signal = dao_envelope_open (frame, strlen (frame), "bob", f->contacts,
      f->guard, NOW + 10, NULL);
  g_assert_nonnull (signal);
  g_assert_cmpint (signal->type, ==, DAO_SIGNAL_OFFER);
  g_assert_cmpstr (signal->from, ==, "alice");
  g_assert_cmpstr (signal->to, ==, "bob");
  g_assert_cmpstr (signal->call_id, ==, "c1");
  g_assert_cmpstr (signal->sdp, ==, "v=0\r\n");
  g_assert_cmpuint (strlen (signal->nonce), ==, 32);
}

/* Nonces are fresh, so nothing of two equal signals is equal. */
static void
test_nonces_are_fresh (Fixture * f, gconstpointer data)
{
  g_autofree gchar *one = seal (f, offer (), NOW, NULL);
  g_autofree gchar *two = seal (f, offer (), NOW, NULL);

  g_assert_cmpstr (one, !=, two);
  assert_open (f, one, ACCEPTED);
  assert_open (f, two, ACCEPTED);
}

static void
test_guard_clock_skew (Fixture * f, gconstpointer data)
{
  static const struct
  {
    gint64 skew;
    gint code;
  } cases[] = {
    {-59000, ACCEPTED}, {59000, ACCEPTED}, {-60000, ACCEPTED},
    {60000, ACCEPTED}, {-60001, DAO_ENVELOPE_ERROR_TIME},
    {60001, DAO_ENVELOPE_ERROR_TIME}, {-61000, DAO_ENVELOPE_ERROR_TIME},
    {61000, DAO_ENVELOPE_ERROR_TIME},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *frame = seal (f, offer (), NOW, NULL);

    assert_open_at (f, frame, NOW + cases[i].skew, cases[i].code);
  }
}

/* The extremes of _ts must not wrap round into the window. */
static void
test_guard_clock_extremes (Fixture * f, gconstpointer data)
{
  g_autofree gchar *low = seal (f, offer (), -G_GINT64_CONSTANT (9223372036854774784), NULL);
  g_autofree gchar *high = seal (f, offer (), G_GINT64_CONSTANT (9223372036854774784), NULL);

  assert_open (f, low, DAO_ENVELOPE_ERROR_TIME);
  assert_open (f, high, DAO_ENVELOPE_ERROR_TIME);
}

static void
test_guard_replay (Fixture * f, gconstpointer data)
{
  g_autofree gchar *frame = seal (f, offer (), NOW, NULL);

  assert_open (f, frame, ACCEPTED);
  assert_open (f, frame, DAO_ENVELOPE_ERROR_REPLAY);
  assert_open_at (f, frame, NOW + 60000, DAO_ENVELOPE_ERROR_REPLAY);
  assert_open_at (f, frame, NOW + 60001, DAO_ENVELOPE_ERROR_TIME);
}

static void
test_guard_nonce_reuse (Fixture * f, gconstpointer data)
{
  static const guint8 nonce[16] = { 0xab };
  json_t *hangup = json_pack ("{s:s,s:s,s:s,s:s}", "type", "call_hangup",
      "from", "alice", "to", "bob", "call_id", "c1");
  g_autofree gchar *one = seal (f, offer (), NOW, nonce);
  g_autofree gchar *two = seal (f, hangup, NOW, nonce);

  assert_open (f, one, ACCEPTED);
  assert_open (f, two, DAO_ENVELOPE_ERROR_REPLAY);
  /* known before any signature is looked at: e.5 step 9 is before 10 */
  {
    g_autofree gchar *plain = g_strdup_printf ("{\"_nonce\":"
        "\"ab000000000000000000000000000000\",\"_sig\":\"%0128d\","
        "\"_ts\":%" G_GINT64_FORMAT "}", 0, NOW);
    g_autofree gchar *unsigned_ = wrap (f, plain, strlen (plain));

    assert_open (f, unsigned_, DAO_ENVELOPE_ERROR_REPLAY);
  }
}

/* Two peers may use the same nonce: one cannot burn the other's. */
static void
test_nonces_are_per_peer (Fixture * f, gconstpointer data)
{
  static const gchar nonce[] = "000102030405060708090a0b0c0d0e0f";

  g_assert_true (dao_replay_guard_record (f->guard, "alice", nonce, NOW));
  g_assert_false (dao_replay_guard_seen (f->guard, "carol", nonce, NOW));
  g_assert_true (dao_replay_guard_seen (f->guard, "alice",
          "000102030405060708090A0B0C0D0E0F", NOW));
}

static gchar *
nth_nonce (guint n)
{
  return g_strdup_printf ("%032x", n);
}

/* Full: unexpired nonces stay, new frames of that peer are dropped. */
static void
test_guard_replay_memory_is_never_flushed (Fixture * f, gconstpointer data)
{
  g_autofree gchar *first = nth_nonce (0);
  g_autofree gchar *frame = NULL;
  guint i;

  for (i = 0; i < DAO_REPLAY_MAX_PER_PEER; i++) {
    g_autofree gchar *nonce = nth_nonce (i);

    g_assert_true (dao_replay_guard_record (f->guard, "alice", nonce, NOW));
  }
  frame = seal (f, offer (), NOW, NULL);
  assert_open (f, frame, DAO_ENVELOPE_ERROR_REPLAY);
  g_assert_true (dao_replay_guard_seen (f->guard, "alice", first, NOW));
  /* no one else suffers, and time heals */
  g_assert_true (dao_replay_guard_record (f->guard, "carol", first, NOW));
  g_assert_true (dao_replay_guard_seen (f->guard, "alice", first,
          NOW + DAO_REPLAY_MEMORY_MS));
  g_assert_false (dao_replay_guard_seen (f->guard, "alice", first,
          NOW + DAO_REPLAY_MEMORY_MS + 1));
  g_assert_true (dao_replay_guard_record (f->guard, "alice", first,
          NOW + DAO_REPLAY_MEMORY_MS + 1));
}

static void
test_guard_replay_memory_total (Fixture * f, gconstpointer data)
{
  guint i;

  for (i = 0; i < DAO_REPLAY_MAX; i++) {
    g_autofree gchar *peer = g_strdup_printf ("peer%u",
        i / DAO_REPLAY_MAX_PER_PEER);
    g_autofree gchar *nonce = nth_nonce (i);

    g_assert_true (dao_replay_guard_record (f->guard, peer, nonce, NOW));
  }
  g_assert_false (dao_replay_guard_record (f->guard, "someone", "00", NOW));
}

static void
test_guard_bad_signature_burns_no_nonce (Fixture * f, gconstpointer data)
{
  static const guint8 nonce[16] = { 0xcd };
  guint8 other_public[32], other_secret[64], right[64];
  g_autofree gchar *forged = NULL;
  g_autofree gchar *genuine = NULL;

  memcpy (right, f->secret, 64);
  crypto_sign_keypair (other_public, other_secret);
  memcpy (f->secret, other_secret, 64);
  forged = seal (f, offer (), NOW, nonce);
  memcpy (f->secret, right, 64);
  genuine = seal (f, offer (), NOW, nonce);
  assert_open (f, forged, DAO_ENVELOPE_ERROR_SIGNATURE);
  assert_open (f, genuine, ACCEPTED);
}

static void
test_guard_field_changed_after_signing (Fixture * f, gconstpointer data)
{
  static const guint8 nonce[16] = { 1 };
  json_t *fields = offer ();
  json_t *inner = dao_envelope_sign (fields, f->secret, NOW, nonce, NULL,
      NULL);
  g_autofree gchar *plain = NULL;
  g_autofree gchar *frame = NULL;

  json_object_set_new (inner, "sdp", json_string ("v=1\r\n"));
  plain = dao_json_canonical (inner, NULL);
  frame = wrap (f, plain, strlen (plain));
  assert_open (f, frame, DAO_ENVELOPE_ERROR_SIGNATURE);
  json_decref (inner);
  json_decref (fields);
}

/* The signed sender is bob's other friend: alice cannot speak for him. */
static void
test_guard_wrong_from (Fixture * f, gconstpointer data)
{
  json_t *inner = offer ();
  g_autofree gchar *frame = NULL;
  g_autofree gchar *swapped = NULL;

  json_object_set_new (inner, "from", json_string ("carol"));
  frame = seal (f, inner, NOW, NULL);
  swapped = with_field (frame, "from", json_string ("alice"));
  assert_open (f, swapped, DAO_ENVELOPE_ERROR_FROM);
}

static void
test_guard_wrong_to (Fixture * f, gconstpointer data)
{
  static const guint8 nonce[16] = { 1 }, nonce2[16] = { 2 };
  json_t *fields = offer (), *inner;
  g_autofree gchar *plain = NULL;
  g_autofree gchar *frame = NULL;

  json_object_set_new (fields, "to", json_string ("carol"));
  inner = dao_envelope_sign (fields, f->secret, NOW, nonce, NULL, NULL);
  plain = dao_json_canonical (inner, NULL);
  frame = wrap (f, plain, strlen (plain));
  assert_open (f, frame, DAO_ENVELOPE_ERROR_TO);
  json_decref (inner);
  g_free (plain);
  g_free (frame);

  json_object_set_new (fields, "to", json_null ());
  inner = dao_envelope_sign (fields, f->secret, NOW, nonce2, NULL, NULL);
  plain = dao_json_canonical (inner, NULL);
  frame = wrap (f, plain, strlen (plain));
  assert_open (f, frame, DAO_ENVELOPE_ERROR_TO);
  json_decref (inner);
  json_decref (fields);
}

/* Old peers do not sign `to`. */
static void
test_absent_to_is_accepted (Fixture * f, gconstpointer data)
{
  json_t *inner = offer ();
  g_autofree gchar *frame = NULL;

  json_object_del (inner, "to");
  frame = seal (f, inner, NOW, NULL);
  assert_open (f, frame, ACCEPTED);
}

static void
test_guard_wrong_call_id (Fixture * f, gconstpointer data)
{
  g_autofree gchar *frame = seal (f, offer (), NOW, NULL);
  g_autofree gchar *swapped = with_field (frame, "call_id",
      json_string ("c2"));

  assert_open (f, swapped, DAO_ENVELOPE_ERROR_CALL_ID);
  /* it was genuine, so its nonce is used up */
  assert_open (f, frame, DAO_ENVELOPE_ERROR_REPLAY);
}

static void
test_guard_type_mismatch (Fixture * f, gconstpointer data)
{
  g_autofree gchar *frame = seal (f, offer (), NOW, NULL);
  g_autofree gchar *swapped = with_field (frame, "type",
      json_string ("call_hangup"));

  assert_open (f, swapped, DAO_ENVELOPE_ERROR_TYPE_MISMATCH);
}

static void
test_guard_unknown_contact (Fixture * f, gconstpointer data)
{
  g_autofree gchar *frame = seal (f, offer (), NOW, NULL);
  g_autofree gchar *stranger = with_field (frame, "from",
      json_string ("mallory"));

  assert_open (f, stranger, DAO_ENVELOPE_ERROR_UNKNOWN_PEER);
  dao_contacts_add_for_test (f->contacts, "alice", NULL, f->session_key);
  assert_open (f, frame, DAO_ENVELOPE_ERROR_UNKNOWN_PEER);
}

/* bob with an identity, and alice as the relay's list names her */
static DaoContacts *
real_contacts (Fixture * f, gboolean accepted, guint8 * x25519_private)
{
  gchar *phrase = dao_identity_generate_mnemonic ();
  g_autoptr (DaoIdentity) bob = dao_identity_new_from_mnemonic (phrase, NULL);
  DaoContacts *contacts = dao_contacts_load (NULL, bob, NULL);
  guint8 x25519_public[32];

  dao_identity_free_mnemonic (phrase);
  randombytes_buf (x25519_private, 32);
  crypto_scalarmult_base (x25519_public, x25519_private);
  if (accepted)
    g_assert_true (dao_contacts_pin (contacts, "alice", NULL, f->public_key,
            x25519_public, "conv", NULL));
  else
    g_assert_true (dao_contacts_observe (contacts, "alice", NULL,
            f->public_key, x25519_public, "conv", NULL));
  g_assert_true (dao_session_key_derive (x25519_private,
          dao_identity_get_x25519_public (bob), "conv", f->session_key, NULL));
  return contacts;
}

static void
test_guard_pending_contact (Fixture * f, gconstpointer data)
{
  guint8 x25519_private[32];
  g_autofree gchar *frame = NULL;

  dao_contacts_free (f->contacts);
  f->contacts = real_contacts (f, FALSE, x25519_private);
  frame = seal (f, offer (), NOW, NULL);
  assert_open (f, frame, DAO_ENVELOPE_ERROR_UNKNOWN_PEER);
}

/* The relay's new keys open nothing; the pinned ones still say who it was, and calls are refused elsewhere. */
static void
test_guard_changed_contact (Fixture * f, gconstpointer data)
{
  guint8 x25519_private[32], new_public[32], new_secret[64], x25519[32];
  g_autofree gchar *genuine = NULL;
  g_autofree gchar *forged = NULL;

  dao_contacts_free (f->contacts);
  f->contacts = real_contacts (f, TRUE, x25519_private);
  crypto_sign_keypair (new_public, new_secret);
  crypto_scalarmult_base (x25519, x25519_private);
  g_assert_true (dao_contacts_observe (f->contacts, "alice", NULL, new_public,
          x25519, "conv", NULL));
  genuine = seal (f, offer (), NOW, NULL);
  memcpy (f->secret, new_secret, 64);
  forged = seal (f, offer (), NOW, NULL);
  assert_open (f, forged, DAO_ENVELOPE_ERROR_SIGNATURE);
  assert_open (f, genuine, ACCEPTED);
  g_assert_null (dao_contacts_get_callable (f->contacts, "alice",
          DAO_TRUST_UNVERIFIED, NULL));
}

static void
test_guard_oversize_frame (Fixture * f, gconstpointer data)
{
  g_autofree gchar *frame = seal (f, offer (), NOW, NULL);
  gsize length = strlen (frame);
  g_autofree gchar *padded = g_strnfill (DAO_ENVELOPE_MAX_FRAME + 1, ' ');
  g_autoptr (GError) error = NULL;
  g_autoptr (DaoSignal) signal = NULL;

  memcpy (padded, frame, length);
  g_assert_null (dao_envelope_open (padded, DAO_ENVELOPE_MAX_FRAME + 1, "bob",
          f->contacts, f->guard, NOW, &error));
  g_assert_error (error, DAO_ENVELOPE_ERROR, DAO_ENVELOPE_ERROR_HEADER);
  signal = dao_envelope_open (padded, DAO_ENVELOPE_MAX_FRAME, "bob",
      f->contacts, f->guard, NOW, NULL);
  g_assert_nonnull (signal);
}

static void
test_headers (Fixture * f, gconstpointer data)
{
  struct
  {
    const gchar *name;
    json_t *value;
    gint code;
  } cases[] = {
    {"type", json_string ("call_dance"), DAO_ENVELOPE_ERROR_TYPE},
    {"type", json_integer (1), DAO_ENVELOPE_ERROR_TYPE},
    {"type", NULL, DAO_ENVELOPE_ERROR_TYPE},
    {"from", NULL, DAO_ENVELOPE_ERROR_HEADER},
    {"from", json_string (""), DAO_ENVELOPE_ERROR_HEADER},
    {"crypto_v", json_integer (1), DAO_ENVELOPE_ERROR_HEADER},
    {"crypto_v", json_string ("2"), DAO_ENVELOPE_ERROR_HEADER},
    {"crypto_v", json_null (), DAO_ENVELOPE_ERROR_HEADER},
    {"call_id", json_string (""), DAO_ENVELOPE_ERROR_HEADER},
    {"call_id", json_integer (5), DAO_ENVELOPE_ERROR_HEADER},
    {"payload", json_string (""), DAO_ENVELOPE_ERROR_PAYLOAD},
    {"payload", json_object (), DAO_ENVELOPE_ERROR_PAYLOAD},
    {"payload", json_string ("AAAA"), DAO_ENVELOPE_ERROR_PAYLOAD},
    {"payload", json_string ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="),
        DAO_ENVELOPE_ERROR_DECRYPT},
  };
  g_autofree gchar *frame = seal (f, offer (), NOW, NULL);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *changed = with_field (frame, cases[i].name,
        cases[i].value);

    assert_open (f, changed, cases[i].code);
  }
  assert_open (f, "", DAO_ENVELOPE_ERROR_HEADER);
  assert_open (f, "[]", DAO_ENVELOPE_ERROR_HEADER);
  assert_open (f, "null", DAO_ENVELOPE_ERROR_HEADER);
}

/* A valid frame whose payload has two padding characters at its end */
static gchar *
seal_padded (Fixture * f, gchar ** payload)
{
  GString *sdp = g_string_new ("v=0");

  while (TRUE) {
    json_t *fields = offer (), *root;
    gchar *frame;

    g_string_append (sdp, "\r\n");
    json_object_set_new (fields, "sdp", json_string (sdp->str));
    frame = seal (f, fields, NOW, NULL);
    root = dao_json_parse (frame, strlen (frame), NULL);
    *payload = g_strdup (dao_json_get_string (root, "payload"));
    json_decref (root);
    if (g_str_has_suffix (*payload, "==")) {
      g_string_free (sdp, TRUE);
      return frame;
    }
    g_free (*payload);
    g_free (frame);
  }
}

/* protocol.md e.5, 3, and h.20: the same bytes in any other writing are another frame, and none of ours. */
static void
test_guard_payload_base64 (Fixture * f, gconstpointer data)
{
  g_autofree gchar *payload = NULL;
  g_autofree gchar *frame = seal_padded (f, &payload);
  gsize length = strlen (payload);
  g_autofree gchar *bits = g_strdup (payload);
  gchar *others[] = {
    g_strconcat (payload, "\n", NULL), g_strconcat (" ", payload, NULL),
    g_strdup_printf ("%.4s\r\n%s", payload, payload + 4),
    g_strndup (payload, length - 1), g_strndup (payload, length - 2),
    g_strconcat (payload, "=", NULL), g_strconcat (payload, "====", NULL),
    g_strconcat (payload, "AAAA", NULL), g_strdelimit (g_strdup_printf
        ("+%s", payload), "+", '-'), g_steal_pointer (&bits),
  };
  guint i;

  /* Of the last digit only the two upper bits count: 'A', 'Q', 'g' or 'w'. */
  others[G_N_ELEMENTS (others) - 1][length - 3]++;
  for (i = 0; i < G_N_ELEMENTS (others); i++) {
    g_autofree gchar *changed = with_field (frame, "payload",
        json_string (others[i]));

    assert_open (f, changed, DAO_ENVELOPE_ERROR_PAYLOAD);
    g_free (others[i]);
  }
  assert_open (f, frame, ACCEPTED);
}

static void
test_inner_is_strict (Fixture * f, gconstpointer data)
{
  static const gchar *const bad[] = {
    "", "null", "[]", "7", "{", "{\"a\":1,\"a\":1}", "{\"a\":\"\xff\"}",
    "{\"a\":\"\\u0000\"}", "{\"a\":\"\\ud800\"}", "{} x",
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autofree gchar *frame = wrap (f, bad[i], strlen (bad[i]));

    assert_open (f, frame, DAO_ENVELOPE_ERROR_JSON);
  }
}

/* A verified signal with fields that we do not accept is an error of the signal. */
static void
test_verified_but_unusable (Fixture * f, gconstpointer data)
{
  json_t *inner = offer ();
  g_autoptr (GError) error = NULL;
  g_autofree gchar *frame = NULL;

  json_object_set_new (inner, "e2ee", json_integer (1));
  frame = seal (f, inner, NOW, NULL);
  g_assert_null (dao_envelope_open (frame, strlen (frame), "bob", f->contacts,
          f->guard, NOW, &error));
  g_assert_error (error, DAO_SIGNAL_ERROR, DAO_SIGNAL_ERROR_E2EE);
}

/* guard: nothing is sealed without a key, for someone else, or without its bindings */
static void
test_guard_seal_refuses (Fixture * f, gconstpointer data)
{
  g_autofree gchar *huge = g_strnfill (DAO_ENVELOPE_MAX_FRAME, 'x');
  g_autoptr (GError) error = NULL;
  json_t *inner = offer ();

  g_assert_null (dao_envelope_seal (inner, "bob", f->secret, NULL, NOW, NULL,
          NULL, &error));
  g_assert_error (error, DAO_ENVELOPE_ERROR, DAO_ENVELOPE_ERROR_UNKNOWN_PEER);
  g_clear_error (&error);
  g_assert_null (dao_envelope_seal (inner, "carol", f->secret, f->session_key,
          NOW, NULL, NULL, &error));
  g_assert_error (error, DAO_ENVELOPE_ERROR, DAO_ENVELOPE_ERROR_TO);
  g_clear_error (&error);
  json_object_del (inner, "call_id");
  g_assert_null (dao_envelope_seal (inner, "bob", f->secret, f->session_key,
          NOW, NULL, NULL, &error));
  g_assert_error (error, DAO_ENVELOPE_ERROR, DAO_ENVELOPE_ERROR_HEADER);
  g_clear_error (&error);
  json_object_set_new (inner, "call_id", json_string ("c1"));
  json_object_set_new (inner, "sdp", json_string (huge));
  g_assert_null (dao_envelope_seal (inner, "bob", f->secret, f->session_key,
          NOW, NULL, NULL, &error));
  g_assert_error (error, DAO_ENVELOPE_ERROR, DAO_ENVELOPE_ERROR_PAYLOAD);
  json_decref (inner);
}

/* Damaged frames and damaged insides: an error each time, never a crash. */
static void
test_fuzz (Fixture * f, gconstpointer data)
{
  static const guint8 nonce[16] = { 7 };
  json_t *fields = offer ();
  json_t *inner = dao_envelope_sign (fields, f->secret, NOW, nonce, NULL,
      NULL);
  g_autofree gchar *plain = dao_json_canonical (inner, NULL);
  gsize length = strlen (plain);
  guint round, i;

  for (round = 0; round < 5000; round++) {
    g_autofree gchar *damaged = g_memdup2 (plain, length + 1);
    g_autofree gchar *frame = NULL;
    g_autoptr (DaoSignal) signal = NULL;
    g_autoptr (GError) error = NULL;
    gboolean inside = round % 2;

    if (inside)
      for (i = 0; i <= round % 3; i++)
        damaged[g_test_rand_int_range (0, length)] ^=
            1 << g_test_rand_int_range (0, 8);
    frame = wrap (f, damaged, length);
    if (!inside)
      frame[g_test_rand_int_range (0, strlen (frame))] ^=
          1 << g_test_rand_int_range (0, 8);
    signal = dao_envelope_open (frame, strlen (frame), "bob", f->contacts,
        f->guard, NOW, &error);
    g_assert_true ((signal == NULL) == (error != NULL));
  }
  json_decref (inner);
  json_decref (fields);
}

#define TEST(name, func) \
  g_test_add ("/envelope/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  TEST ("round-trip", test_round_trip);
  TEST ("nonces-are-fresh", test_nonces_are_fresh);
  TEST ("guard-clock-skew", test_guard_clock_skew);
  TEST ("guard-clock-extremes", test_guard_clock_extremes);
  TEST ("guard-replay", test_guard_replay);
  TEST ("guard-nonce-reuse", test_guard_nonce_reuse);
  TEST ("nonces-are-per-peer", test_nonces_are_per_peer);
  TEST ("guard-replay-memory-is-never-flushed",
      test_guard_replay_memory_is_never_flushed);
  TEST ("guard-replay-memory-total", test_guard_replay_memory_total);
  TEST ("guard-bad-signature-burns-no-nonce",
      test_guard_bad_signature_burns_no_nonce);
  TEST ("guard-field-changed-after-signing",
      test_guard_field_changed_after_signing);
  TEST ("guard-wrong-from", test_guard_wrong_from);
  TEST ("guard-wrong-to", test_guard_wrong_to);
  TEST ("absent-to-is-accepted", test_absent_to_is_accepted);
  TEST ("guard-wrong-call-id", test_guard_wrong_call_id);
  TEST ("guard-type-mismatch", test_guard_type_mismatch);
  TEST ("guard-unknown-contact", test_guard_unknown_contact);
  TEST ("guard-pending-contact", test_guard_pending_contact);
  TEST ("guard-changed-contact", test_guard_changed_contact);
  TEST ("guard-oversize-frame", test_guard_oversize_frame);
  TEST ("headers", test_headers);
  TEST ("guard-payload-base64", test_guard_payload_base64);
  TEST ("inner-is-strict", test_inner_is_strict);
  TEST ("verified-but-unusable", test_verified_but_unusable);
  TEST ("guard-seal-refuses", test_guard_seal_refuses);
  TEST ("fuzz", test_fuzz);
  return g_test_run ();
}
