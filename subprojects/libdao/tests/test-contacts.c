/* gst-dao: who may call whom
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-contacts.h"
#include "dao-encoding.h"
#include "dao-mnemonic.h"

#include <glib/gstdio.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

typedef struct
{
  guint8 ed25519[32];
  guint8 x25519[32];
  guint8 x25519_private[32];
} Keys;

typedef struct
{
  DaoIdentity *own;
  DaoContacts *contacts;
  Keys alice;                   /* whom we know */
  Keys mallory;                 /* what the relay would rather have */
  gchar *dir;
  gchar *path;
} Fixture;

static void
make_keys (Keys * keys)
{
  guint8 secret[64];

  crypto_sign_keypair (keys->ed25519, secret);
  randombytes_buf (keys->x25519_private, 32);
  crypto_scalarmult_base (keys->x25519, keys->x25519_private);
}

static void
set_up (Fixture * f, gconstpointer data)
{
  gchar *phrase = dao_identity_generate_mnemonic ();

  f->own = dao_identity_new_from_mnemonic (phrase, NULL);
  dao_identity_free_mnemonic (phrase);
  dao_identity_set_alias (f->own, "u10000001");
  f->dir = g_dir_make_tmp ("dao-contacts-XXXXXX", NULL);
  f->path = g_build_filename (f->dir, "id.contacts.json", NULL);
  f->contacts = dao_contacts_load (f->path, f->own, NULL);
  g_assert_nonnull (f->contacts);
  make_keys (&f->alice);
  make_keys (&f->mallory);
}

static void
tear_down (Fixture * f, gconstpointer data)
{
  dao_contacts_free (f->contacts);
  dao_identity_unref (f->own);
  g_remove (f->path);
  g_rmdir (f->dir);
  g_free (f->dir);
  g_free (f->path);
}

static gboolean
pin (Fixture * f, const gchar * alias, const Keys * keys, GError ** error)
{
  return dao_contacts_pin (f->contacts, alias, "Alice", keys->ed25519,
      keys->x25519, "conv-1", error);
}

static gboolean
observe (Fixture * f, const gchar * alias, const Keys * keys,
    const gchar * conversation, GError ** error)
{
  return dao_contacts_observe (f->contacts, alias, "Relay says",
      keys->ed25519, keys->x25519, conversation, error);
}

static void
assert_callable (Fixture * f, const gchar * alias, gint code)
{
  g_autoptr (GError) error = NULL;
  const DaoContact *contact;

  contact = dao_contacts_get_callable (f->contacts, alias,
      DAO_TRUST_UNVERIFIED, &error);
  if (code < 0) {
    g_assert_no_error (error);
    g_assert_cmpstr (contact->alias, ==, alias);
  } else {
    g_assert_null (contact);
    g_assert_error (error, DAO_CONTACTS_ERROR, code);
  }
}

#define YES (-1)

static void
test_pinned_is_callable (Fixture * f, gconstpointer data)
{
  const DaoContact *contact;
  guint8 theirs[32];

  assert_callable (f, "alice", DAO_CONTACTS_ERROR_UNKNOWN);
  g_assert_true (pin (f, "alice", &f->alice, NULL));
  assert_callable (f, "alice", YES);
  contact = dao_contacts_lookup (f->contacts, "alice");
  g_assert_cmpint (contact->trust, ==, DAO_TRUST_UNVERIFIED);
  /* both ends derive the same key */
  g_assert_true (dao_session_key_derive (f->alice.x25519_private,
          dao_identity_get_x25519_public (f->own), "conv-1", theirs, NULL));
  g_assert_cmpmem (contact->session_key, 32, theirs, 32);
}

/* The relay has our other X25519 key registered: sessions follow. */
static void
test_sessions_follow_our_key (Fixture * f, gconstpointer data)
{
  static const guint32 path[] = { 44, 1, 0, 0, 0 };
  guint8 seed[DAO_MNEMONIC_SEED], other[32], theirs[32];
  DaoChainNode node;
  guint i;

  g_assert_true (pin (f, "alice", &f->alice, NULL));
  dao_mnemonic_seed (dao_identity_get_mnemonic (f->own), seed);
  dao_chain_master (seed, &node);
  for (i = 0; i < G_N_ELEMENTS (path); i++)
    dao_chain_child (&node, path[i], &node);
  crypto_scalarmult_base (other, node.il);
  g_assert_true (dao_identity_select_x25519 (f->own, other, NULL));
  g_assert_true (dao_contacts_update_sessions (f->contacts, NULL));
  g_assert_true (dao_session_key_derive (f->alice.x25519_private, other,
          "conv-1", theirs, NULL));
  g_assert_cmpmem (dao_contacts_lookup (f->contacts, "alice")->session_key,
      32, theirs, 32);
}

static void
test_without_conversation (Fixture * f, gconstpointer data)
{
  g_assert_true (dao_contacts_pin (f->contacts, "alice", NULL,
          f->alice.ed25519, f->alice.x25519, NULL, NULL));
  assert_callable (f, "alice", DAO_CONTACTS_ERROR_UNKNOWN);
  g_assert_true (observe (f, "alice", &f->alice, "", NULL));
  assert_callable (f, "alice", DAO_CONTACTS_ERROR_UNKNOWN);
  g_assert_true (observe (f, "alice", &f->alice, "conv-1", NULL));
  assert_callable (f, "alice", YES);
}

/* guard: the relay's list alone lets nobody call */
static void
test_guard_observed_is_pending (Fixture * f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (observe (f, "alice", &f->alice, "conv-1", NULL));
  g_assert_false (dao_contacts_lookup (f->contacts, "alice")->pinned);
  assert_callable (f, "alice", DAO_CONTACTS_ERROR_UNKNOWN);
  g_assert_false (dao_contacts_set_verified (f->contacts, "alice", TRUE,
          &error));
  g_assert_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_UNKNOWN);
  /* never pinned, so other keys are just other keys */
  g_assert_true (observe (f, "alice", &f->mallory, "conv-1", NULL));
  g_assert_cmpint (dao_contacts_lookup (f->contacts, "alice")->trust, ==,
      DAO_TRUST_UNVERIFIED);
  g_assert_true (pin (f, "alice", &f->alice, NULL));
  assert_callable (f, "alice", YES);
}

/* guard: a change of either key blocks the contact and replaces nothing */
static void
test_guard_changed_key (Fixture * f, gconstpointer data)
{
  Keys changed;
  guint which;

  for (which = 0; which < 2; which++) {
    const DaoContact *contact;
    guint8 session[32];

    g_assert_true (pin (f, "alice", &f->alice, NULL));
    g_assert_true (dao_contacts_set_verified (f->contacts, "alice", TRUE,
            NULL));
    contact = dao_contacts_lookup (f->contacts, "alice");
    memcpy (session, contact->session_key, 32);
    changed = f->alice;
    if (which == 0)
      memcpy (changed.ed25519, f->mallory.ed25519, 32);
    else
      memcpy (changed.x25519, f->mallory.x25519, 32);
    g_assert_true (observe (f, "alice", &changed, "conv-1", NULL));
    assert_callable (f, "alice", DAO_CONTACTS_ERROR_CHANGED);
    contact = dao_contacts_lookup (f->contacts, "alice");
    g_assert_cmpmem (contact->ed25519_public, 32, f->alice.ed25519, 32);
    g_assert_cmpmem (contact->x25519_public, 32, f->alice.x25519, 32);
    g_assert_cmpmem (contact->session_key, 32, session, 32);
    /* back to the old keys: still blocked, and verifying does not unblock */
    g_assert_true (observe (f, "alice", &f->alice, "conv-1", NULL));
    assert_callable (f, "alice", DAO_CONTACTS_ERROR_CHANGED);
    g_assert_false (dao_contacts_set_verified (f->contacts, "alice", TRUE,
            NULL));
    /* only a local accept does, and trust starts anew */
    g_assert_true (pin (f, "alice", &changed, NULL));
    assert_callable (f, "alice", YES);
    contact = dao_contacts_lookup (f->contacts, "alice");
    g_assert_cmpint (contact->trust, ==, DAO_TRUST_UNVERIFIED);
  }
}

static void
test_verified (Fixture * f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (pin (f, "alice", &f->alice, NULL));
  g_assert_null (dao_contacts_get_callable (f->contacts, "alice",
          DAO_TRUST_VERIFIED, &error));
  g_assert_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_UNVERIFIED);
  g_assert_true (dao_contacts_set_verified (f->contacts, "alice", TRUE, NULL));
  g_assert_nonnull (dao_contacts_get_callable (f->contacts, "alice",
          DAO_TRUST_VERIFIED, NULL));
  /* the same keys again: what was compared stays compared */
  g_assert_true (pin (f, "alice", &f->alice, NULL));
  g_assert_cmpint (dao_contacts_lookup (f->contacts, "alice")->trust, ==,
      DAO_TRUST_VERIFIED);
  g_assert_true (pin (f, "alice", &f->mallory, NULL));
  g_assert_cmpint (dao_contacts_lookup (f->contacts, "alice")->trust, ==,
      DAO_TRUST_UNVERIFIED);
}

/* guard: the relay does not change which conversation's key is used */
static void
test_guard_conversation_is_kept (Fixture * f, gconstpointer data)
{
  g_assert_true (pin (f, "alice", &f->alice, NULL));
  g_assert_true (observe (f, "alice", &f->alice, "conv-2", NULL));
  g_assert_cmpstr (dao_contacts_lookup (f->contacts,
          "alice")->conversation_id, ==, "conv-1");
}

/* guard: our own keys and our own alias are nobody else */
static void
test_guard_self (Fixture * f, gconstpointer data)
{
  Keys own = f->alice;
  g_autoptr (GError) error = NULL;

  memcpy (own.ed25519, dao_identity_get_ed25519_public (f->own), 32);
  g_assert_false (pin (f, "alice", &own, &error));
  g_assert_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_SELF);
  g_clear_error (&error);
  own = f->alice;
  memcpy (own.x25519, dao_identity_get_x25519_public (f->own), 32);
  g_assert_false (observe (f, "alice", &own, "c", &error));
  g_assert_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_SELF);
  g_clear_error (&error);
  g_assert_false (pin (f, "u10000001", &f->alice, &error));
  g_assert_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_SELF);
  assert_callable (f, "u10000001", DAO_CONTACTS_ERROR_SELF);
  g_assert_null (dao_contacts_lookup (f->contacts, "alice"));
}

/* guard: one key, one contact */
static void
test_guard_duplicate_keys (Fixture * f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Keys half = f->mallory;

  g_assert_true (pin (f, "alice", &f->alice, NULL));
  g_assert_false (pin (f, "mallory", &f->alice, &error));
  g_assert_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_DUPLICATE);
  g_clear_error (&error);
  memcpy (half.x25519, f->alice.x25519, 32);
  g_assert_false (pin (f, "mallory", &half, NULL));
  half = f->mallory;
  memcpy (half.ed25519, f->alice.ed25519, 32);
  g_assert_false (observe (f, "mallory", &half, "c", &error));
  g_assert_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_DUPLICATE);
  g_assert_null (dao_contacts_lookup (f->contacts, "mallory"));
}

/* A pending squatter does not keep us from accepting whom we mean. */
static void
test_pin_evicts_pending_rival (Fixture * f, gconstpointer data)
{
  g_assert_true (observe (f, "mallory", &f->alice, "c", NULL));
  g_assert_true (pin (f, "alice", &f->alice, NULL));
  g_assert_null (dao_contacts_lookup (f->contacts, "mallory"));
  assert_callable (f, "alice", YES);
}

/* guard: keys that give everybody the same secret */
static void
test_guard_low_order_keys (Fixture * f, gconstpointer data)
{
  static const gchar *const points[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (points); i++) {
    g_autoptr (GError) error = NULL;
    guint8 session[32];
    Keys bad = f->alice;

    g_assert_true (dao_hex_decode (points[i], bad.x25519, 32));
    g_assert_false (pin (f, "alice", &bad, &error));
    g_assert_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_KEY);
    g_clear_error (&error);
    g_assert_false (dao_session_key_derive (f->alice.x25519_private,
            bad.x25519, "c", session, &error));
    g_assert_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_KEY);
    g_clear_error (&error);
    bad = f->alice;
    g_assert_true (dao_hex_decode (points[i], bad.ed25519, 32));
    g_assert_false (pin (f, "alice", &bad, &error));
    g_assert_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_KEY);
  }
}

static void
test_limits (Fixture * f, gconstpointer data)
{
  g_autofree gchar *fits = g_strnfill (DAO_CONTACTS_MAX_NAME, 'n');
  g_autofree gchar *longer = g_strnfill (DAO_CONTACTS_MAX_NAME + 1, 'n');
  g_autoptr (GError) error = NULL;

  g_assert_false (dao_contacts_pin (f->contacts, "alice", longer,
          f->alice.ed25519, f->alice.x25519, "c", &error));
  g_assert_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_LIMIT);
  g_assert_false (observe (f, "alice", &f->alice, longer, NULL));
  g_assert_false (observe (f, "../alice", &f->alice, "c", NULL));
  g_assert_true (dao_contacts_pin (f->contacts, "alice", fits,
          f->alice.ed25519, f->alice.x25519, fits, NULL));
}

static void
test_file_round_trip (Fixture * f, gconstpointer data)
{
  g_autoptr (GPtrArray) list = NULL;
  const DaoContact *contact;
  struct stat st;

  g_assert_true (pin (f, "zoe", &f->mallory, NULL));
  g_assert_true (pin (f, "alice", &f->alice, NULL));
  g_assert_true (dao_contacts_set_verified (f->contacts, "alice", TRUE, NULL));
  g_assert_true (dao_contacts_set_e2ee_seen (f->contacts, "alice", NULL));
  g_assert_true (observe (f, "zoe", &f->alice, "c", NULL));     /* changed */
  g_assert_true (dao_contacts_save (f->contacts, NULL));
  g_assert_cmpint (stat (f->path, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 07777, ==, 0600);

  dao_contacts_free (f->contacts);
  f->contacts = dao_contacts_load (f->path, f->own, NULL);
  list = dao_contacts_list (f->contacts);
  g_assert_cmpuint (list->len, ==, 2);
  contact = g_ptr_array_index (list, 0);
  g_assert_cmpstr (contact->alias, ==, "alice");
  g_assert_cmpstr (contact->nickname, ==, "Alice");
  g_assert_cmpint (contact->trust, ==, DAO_TRUST_VERIFIED);
  g_assert_true (contact->pinned);
  g_assert_true (contact->e2ee_seen);
  assert_callable (f, "alice", YES);
  assert_callable (f, "zoe", DAO_CONTACTS_ERROR_CHANGED);
}

static void
test_bad_files (Fixture * f, gconstpointer data)
{
  static const gchar *const bad[] = {
    "", "[]", "{}", "{\"version\":1}", "{\"version\":9,\"contacts\":[]}",
    "{\"version\":1,\"contacts\":[5]}", "{\"version\":1,\"contacts\":[{}]}",
    "{\"version\":1,\"contacts\":[{\"alias\":\"alice\",\"trust\":\"verified\","
        "\"pinned\":true,\"e2ee_seen\":false,\"ed25519_public_key\":\"AA==\","
        "\"x25519_public_key\":\"AA==\"}]}",
  };
  guint i;

  for (i = 0; i <= G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    gboolean mode_only = i == G_N_ELEMENTS (bad);

    g_assert_true (g_file_set_contents (f->path, mode_only ?
            "{\"version\":1,\"contacts\":[]}" : bad[i], -1, NULL));
    g_chmod (f->path, mode_only ? 0644 : 0600);
    g_assert_null (dao_contacts_load (f->path, f->own, &error));
    g_assert_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_FILE);
  }
}

static void
test_safety_code (Fixture * f, gconstpointer data)
{
  const guint8 *own = dao_identity_get_x25519_public (f->own);
  g_autofree gchar *ours = NULL;
  g_autofree gchar *theirs = dao_safety_code (f->alice.x25519, own);

  g_assert_null (dao_contacts_safety_code (f->contacts, "alice", NULL));
  g_assert_true (pin (f, "alice", &f->alice, NULL));
  ours = dao_contacts_safety_code (f->contacts, "alice", NULL);
  g_assert_cmpstr (ours, ==, theirs);
  g_assert_cmpuint (strlen (ours), ==, 60 + 14);
}

#define TEST(name, func) \
  g_test_add ("/contacts/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  TEST ("pinned-is-callable", test_pinned_is_callable);
  TEST ("sessions-follow-our-key", test_sessions_follow_our_key);
  TEST ("without-conversation", test_without_conversation);
  TEST ("guard-observed-is-pending", test_guard_observed_is_pending);
  TEST ("guard-changed-key", test_guard_changed_key);
  TEST ("verified", test_verified);
  TEST ("guard-conversation-is-kept", test_guard_conversation_is_kept);
  TEST ("guard-self", test_guard_self);
  TEST ("guard-duplicate-keys", test_guard_duplicate_keys);
  TEST ("pin-evicts-pending-rival", test_pin_evicts_pending_rival);
  TEST ("guard-low-order-keys", test_guard_low_order_keys);
  TEST ("limits", test_limits);
  TEST ("file-round-trip", test_file_round_trip);
  TEST ("bad-files", test_bad_files);
  TEST ("safety-code", test_safety_code);
  return g_test_run ();
}
