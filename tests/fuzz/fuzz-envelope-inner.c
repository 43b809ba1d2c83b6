/* gst-dao: fuzzes what is inside of a call frame
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The input is the plaintext of a contact that has all keys and means no good: once
 * encrypted as it is, once (where it is an object) signed first. What we sealed must
 * verify, whatever it says.
 */
#include "dao-encoding.h"
#include "dao-envelope.h"
#include "dao-json.h"
#include "dao-secret.h"
#include "fuzz.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define OWN "bob"
#define NOW_MS G_GINT64_CONSTANT (1745671234667)

static DaoContacts *contacts;
static guint8 ed25519_secret[crypto_sign_SECRETKEYBYTES];
static const guint8 session_key[32] = "the session key of a fuzzed call";
static const guint8 iv[12] = "unimportant";
static const guint8 nonce[16] = "0123456789abcde";

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  guint8 seed[crypto_sign_SEEDBYTES] = { 1 };
  guint8 ed25519_public[crypto_sign_PUBLICKEYBYTES];

  fuzz_init ();
  dao_crypto_init ();
  crypto_sign_seed_keypair (ed25519_public, ed25519_secret, seed);
  contacts = dao_contacts_load (NULL, NULL, NULL);
  dao_contacts_add_for_test (contacts, "alice", ed25519_public, session_key);
  return 0;
}

static DaoSignal *
open_frame (const gchar * frame, GError ** error)
{
  g_autoptr (DaoReplayGuard) guard = dao_replay_guard_new ();

  return dao_envelope_open (frame, strlen (frame), OWN, contacts, guard,
      NOW_MS, error);
}

/* The frame around @plain as it is. */
static gchar *
wrap (const gchar * type, const gchar * call_id, const guint8 * plain,
    gsize length)
{
  g_autofree guint8 *sealed = g_malloc (12 + length + 16);
  g_autofree gchar *payload = NULL;
  json_t *frame;
  gchar *text;

  memcpy (sealed, iv, 12);
  g_assert_true (dao_aes_gcm_seal (session_key, iv, plain, length,
          sealed + 12));
  payload = dao_base64_encode (sealed, 12 + length + 16);
  frame = json_pack ("{s:s,s:s,s:s,s:s,s:i,s:s}", "type", type, "to", OWN,
      "from", "alice", "call_id", call_id, "crypto_v", 2, "payload", payload);
  text = json_dumps (frame, JSON_COMPACT);
  json_decref (frame);
  return text;
}

static void
check_unsigned (const guint8 * data, gsize size)
{
  g_autoptr (GError) error = NULL;
  gchar *frame = wrap ("call_offer", "c", data, size);

  /* nobody can sign without the key, and no input has its signature */
  g_assert_null (open_frame (frame, &error));
  g_assert_true (error->domain == DAO_ENVELOPE_ERROR);
  g_assert_true (error->code != DAO_ENVELOPE_ERROR_DECRYPT);
  free (frame);
}

/* dao_envelope_sign() signs anything; dao_envelope_seal() would refuse what no honest peer sends. */
static gchar *
sign (json_t * inner)
{
  const gchar *type = dao_json_get_string (inner, "type");
  const gchar *call_id = dao_json_get_string (inner, "call_id");
  json_t *fields = dao_envelope_sign (inner, ed25519_secret, NOW_MS, nonce,
      NULL, NULL);
  g_autofree gchar *plain = fields ? dao_json_canonical (fields, NULL) : NULL;

  json_decref (fields);
  return plain ? wrap (type ? type : "call_offer", call_id ? call_id : "c",
      (const guint8 *) plain, strlen (plain)) : NULL;
}

static void
check_signed (json_t * inner)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DaoSignal) signal = NULL;
  gchar *frame = sign (inner);

  if (frame == NULL)
    return;
  signal = open_frame (frame, &error);
  if (signal != NULL) {
    g_assert_cmpstr (signal->from, ==, "alice");
    g_assert_true (signal->to == NULL || g_str_equal (signal->to, OWN));
  } else if (error->domain != DAO_SIGNAL_ERROR) {
    g_assert_true (error->domain == DAO_ENVELOPE_ERROR);
    /* it may name another sender, recipient or type; that it verifies is on us */
    g_assert_true (error->code < DAO_ENVELOPE_ERROR_DECRYPT
        || error->code > DAO_ENVELOPE_ERROR_SIGNATURE);
  }
  free (frame);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  json_t *inner = dao_json_parse ((const gchar *) data, size, NULL);

  check_unsigned (data, size);
  if (json_is_object (inner))
    check_signed (inner);
  json_decref (inner);
  return 0;
}
