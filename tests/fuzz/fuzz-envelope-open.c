/* gst-dao: fuzzes the opening of call frames, as the relay hands them over
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keys and clock are those of vectors/envelope_verdicts.json, so that its frames open.
 */
#include "dao-encoding.h"
#include "dao-envelope.h"
#include "dao-secret.h"
#include "fuzz.h"

#define OWN "u10000009"
#define NOW_MS G_GINT64_CONSTANT (1745671234667)

static DaoContacts *contacts;

static void
add_peer (const gchar * alias, const gchar * ed25519_hex,
    const gchar * session_hex)
{
  guint8 ed25519[32], session[32];

  g_assert_true (dao_hex_decode (ed25519_hex, ed25519, 32));
  g_assert_true (dao_hex_decode (session_hex, session, 32));
  dao_contacts_add_for_test (contacts, alias, ed25519, session);
}

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_init ();
  dao_crypto_init ();
  contacts = dao_contacts_load (NULL, NULL, NULL);
  add_peer ("u10000002",
      "75e9d404b55c283d665ab6d9ef6dce43a0081e585df9715a7c70c8c40d773866",
      "620269dfafb82a6b1c42ed44aca38cfb8d903dc22f73a9a457f3a8aad178c2df");
  add_peer ("u10000003",
      "153c26cc233c53e7d2abe55e0a6043684eda5f2d0946888769139952899c00f3",
      "716cae644dd098ee1565d7b9a15bc0d7dee7e7ebf5e66d41caf1f16a1ac8dee5");
  return 0;
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  g_autoptr (DaoReplayGuard) guard = dao_replay_guard_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (DaoSignal) signal = NULL;
  g_autoptr (DaoSignal) again = NULL;
  const gchar *frame = (const gchar *) data;

  signal = dao_envelope_open (frame, size, OWN, contacts, guard, NOW_MS,
      &error);
  g_assert_true ((signal != NULL) == (error == NULL));
  if (signal == NULL)
    return 0;
  g_assert_true (dao_contacts_lookup (contacts, signal->from) != NULL);
  g_assert_true (signal->to == NULL || g_str_equal (signal->to, OWN));
  again = dao_envelope_open (frame, size, OWN, contacts, guard, NOW_MS, &error);
  g_assert_error (error, DAO_ENVELOPE_ERROR, DAO_ENVELOPE_ERROR_REPLAY);
  g_assert_null (again);
  return 0;
}
