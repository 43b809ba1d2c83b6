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

static void
check_unsigned (const guint8 * data, gsize size)
{
  g_autofree guint8 *sealed = g_malloc (12 + size + 16);
  g_autofree gchar *payload = NULL;
  g_autofree gchar *frame = NULL;
  g_autoptr (GError) error = NULL;

  memcpy (sealed, iv, 12);
  g_assert_true (dao_aes_gcm_seal (session_key, iv, data, size, sealed + 12));
  payload = dao_base64_encode (sealed, 12 + size + 16);
  frame = g_strdup_printf ("{\"type\":\"call_offer\",\"to\":\"bob\","
      "\"from\":\"alice\",\"call_id\":\"c\",\"crypto_v\":2,"
      "\"payload\":\"%s\"}", payload);
  /* nobody can sign without the key, and no input has its signature */
  g_assert_null (open_frame (frame, &error));
  g_assert_true (error->domain == DAO_ENVELOPE_ERROR);
  g_assert_true (error->code != DAO_ENVELOPE_ERROR_DECRYPT);
}

static void
check_signed (json_t * inner)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DaoSignal) signal = NULL;
  g_autofree gchar *frame = dao_envelope_seal (inner, OWN, ed25519_secret,
      session_key, NOW_MS, nonce, iv, NULL);

  if (frame == NULL)
    return;
  signal = open_frame (frame, &error);
  if (signal != NULL) {
    g_assert_cmpstr (signal->from, ==, "alice");
    g_assert_true (signal->to == NULL || g_str_equal (signal->to, OWN));
  }
  if (signal != NULL || error->domain == DAO_SIGNAL_ERROR)
    return;
  g_assert_true (error->domain == DAO_ENVELOPE_ERROR);
  /* the input may name another sender, recipient or type, or be too long; that it verifies is on us */
  g_assert_true (error->code < DAO_ENVELOPE_ERROR_DECRYPT
      || error->code > DAO_ENVELOPE_ERROR_SIGNATURE
      || strlen (frame) > DAO_ENVELOPE_MAX_FRAME);
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
