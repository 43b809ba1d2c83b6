/* gst-dao: the phrase, the keys, the identity file and its lock
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-encoding.h"
#include "dao-identity.h"
#include "dao-mnemonic.h"
#include "dao-wordlist.h"

#include <glib/gstdio.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PHRASE "legal winner thank year wave sausage worth useful legal " \
    "winner thank yellow"

typedef struct
{
  gchar *dir;
  gchar *path;
} Fixture;

static void
set_up (Fixture * f, gconstpointer data)
{
  f->dir = g_dir_make_tmp ("dao-identity-XXXXXX", NULL);
  f->path = g_build_filename (f->dir, "id.json", NULL);
}

static void
tear_down (Fixture * f, gconstpointer data)
{
  GDir *dir = g_dir_open (f->dir, 0, NULL);
  const gchar *name;

  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree gchar *path = g_build_filename (f->dir, name, NULL);

    g_remove (path);
  }
  g_dir_close (dir);
  g_rmdir (f->dir);
  g_free (f->dir);
  g_free (f->path);
}

static DaoIdentity *
save_sample (Fixture * f)
{
  DaoIdentity *identity = dao_identity_new_from_mnemonic (PHRASE, NULL);
  g_autoptr (GError) error = NULL;

  dao_identity_set_alias (identity, "u10000001");
  dao_identity_set_uuid (identity, "3f2504e0-4f89-41d3-9a0c-0305e82c3301");
  dao_identity_set_relay (identity, "http://127.0.0.1:8080");
  dao_identity_set_nickname (identity, "Bot \"mnemonic\":\"zoo\" \xe4\xbc\x9a");
  dao_identity_save (identity, f->path, FALSE, &error);
  g_assert_no_error (error);
  return identity;
}

static void
write_text (Fixture * f, const gchar * text, gint mode)
{
  g_assert_true (g_file_set_contents (f->path, text, -1, NULL));
  g_assert_cmpint (g_chmod (f->path, mode), ==, 0);
}

static void
assert_load_fails (Fixture * f, DaoIdentityError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (dao_identity_load (f->path, &error));
  g_assert_error (error, DAO_IDENTITY_ERROR, (gint) code);
  g_assert_null (strstr (error->message, "sausage"));   /* never the phrase */
}

static void
test_wordlist_is_official (void)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  guint i;

  for (i = 0; i < DAO_WORDLIST_SIZE; i++) {
    g_checksum_update (sum, (const guchar *) dao_wordlist[i], -1);
    g_checksum_update (sum, (const guchar *) "\n", 1);
  }
  g_assert_cmpstr (g_checksum_get_string (sum), ==,
      "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda");
}

static void
test_phrases (void)
{
  static const struct
  {
    const gchar *phrase;
    gboolean ok;
  } cases[] = {
    {PHRASE, TRUE}, {"  " PHRASE "\t\n", TRUE},
    {"legal  winner\nthank\tyear wave sausage worth useful legal winner "
          "thank yellow", TRUE},
    {"", FALSE}, {" ", FALSE}, {"legal", FALSE}, {PHRASE " legal", FALSE},
    {"Legal winner thank year wave sausage worth useful legal winner thank "
          "yellow", FALSE},
    {"legal winner thank year wave sausage worth useful legal winner thank "
          "thank", FALSE},      /* checksum */
    {"lega winner thank year wave sausage worth useful legal winner thank "
          "yellow", FALSE},
    {"legals winner thank year wave sausage worth useful legal winner thank "
          "yellow", FALSE},
    {"legal,winner,thank,year,wave,sausage,worth,useful,legal,winner,thank,"
          "yellow", FALSE},
    {"\xc3\xa9t\xc3\xa9 winner thank year wave sausage worth useful legal "
          "winner thank yellow", FALSE},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (DaoIdentity) identity =
        dao_identity_new_from_mnemonic (cases[i].phrase, &error);

    g_assert_cmpint (identity != NULL, ==, cases[i].ok);
    if (cases[i].ok)
      g_assert_cmpstr (dao_identity_get_mnemonic (identity), ==, PHRASE);
    else
      g_assert_error (error, DAO_IDENTITY_ERROR, DAO_IDENTITY_ERROR_MNEMONIC);
  }
}

static void
test_every_word_is_found (void)
{
  guint i;

  /* entropy of one repeated 11-bit value: each word of the list, in many places */
  for (i = 0; i < DAO_WORDLIST_SIZE; i++) {
    guint8 entropy[DAO_MNEMONIC_ENTROPY], back[DAO_MNEMONIC_ENTROPY];
    gchar phrase[DAO_MNEMONIC_SIZE], normalised[DAO_MNEMONIC_SIZE];
    guint bit;

    memset (entropy, 0, sizeof entropy);
    for (bit = 0; bit < 8 * sizeof entropy; bit++)
      if (i >> (10 - bit % 11) & 1)
        entropy[bit / 8] |= 0x80 >> (bit % 8);
    dao_mnemonic_from_entropy (entropy, phrase);
    g_assert_true (g_str_has_prefix (phrase, dao_wordlist[i]));
    g_assert_true (dao_mnemonic_normalise (phrase, normalised, back));
    g_assert_cmpmem (back, sizeof back, entropy, sizeof entropy);
  }
}

static void
test_generated_phrases_differ (void)
{
  gchar *a = dao_identity_generate_mnemonic ();
  gchar *b = dao_identity_generate_mnemonic ();
  g_autoptr (DaoIdentity) identity = dao_identity_new_from_mnemonic (a, NULL);

  g_assert_nonnull (identity);
  g_assert_cmpstr (a, !=, b);
  dao_identity_free_mnemonic (a);
  dao_identity_free_mnemonic (b);
}

static void
test_select_x25519 (void)
{
  g_autoptr (DaoIdentity) identity =
      dao_identity_new_from_mnemonic ("abandon abandon abandon abandon abandon "
      "abandon abandon abandon abandon abandon abandon about", NULL);
  g_autoptr (GError) error = NULL;
  guint8 android[32], ts[32], other[32] = { 9 };

  dao_base64_decode_exact ("NJiwxcmC9F8mDvwpB5BKRkxowvlTRypDqFrNCtPulgM=", ts,
      32);
  dao_base64_decode_exact ("HtcoihL/U1dFOOfemNR09M6heXApXdtjG2UeM5UemBc=",
      android, 32);
  g_assert_cmpmem (dao_identity_get_x25519_public (identity), 32, ts, 32);
  g_assert_true (dao_identity_select_x25519 (identity, android, NULL));
  g_assert_cmpmem (dao_identity_get_x25519_public (identity), 32, android, 32);
  g_assert_false (dao_identity_select_x25519 (identity, other, &error));
  g_assert_error (error, DAO_IDENTITY_ERROR, DAO_IDENTITY_ERROR_KEY);
  g_assert_cmpmem (dao_identity_get_x25519_public (identity), 32, android, 32);
}

static void
test_file_round_trip (Fixture * f, gconstpointer data)
{
  g_autoptr (DaoIdentity) saved = save_sample (f);
  g_autoptr (DaoIdentity) loaded = NULL;
  g_autoptr (GError) error = NULL;
  struct stat st;

  g_assert_cmpint (stat (f->path, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 07777, ==, 0600);
  loaded = dao_identity_load (f->path, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (dao_identity_get_ed25519_secret (loaded), 64,
      dao_identity_get_ed25519_secret (saved), 64);
  g_assert_cmpmem (dao_identity_get_x25519_private (loaded), 32,
      dao_identity_get_x25519_private (saved), 32);
  g_assert_cmpstr (dao_identity_get_alias (loaded), ==, "u10000001");
  g_assert_cmpstr (dao_identity_get_uuid (loaded), ==,
      "3f2504e0-4f89-41d3-9a0c-0305e82c3301");
  g_assert_cmpstr (dao_identity_get_relay (loaded), ==,
      "http://127.0.0.1:8080");
  g_assert_cmpstr (dao_identity_get_nickname (loaded), ==,
      dao_identity_get_nickname (saved));
}

static void
test_file_remembers_x25519 (Fixture * f, gconstpointer data)
{
  g_autoptr (DaoIdentity) saved = save_sample (f);
  g_autoptr (DaoIdentity) loaded = NULL;
  guint8 seed[DAO_MNEMONIC_SEED], registered[32];
  const guint32 path[] = { 44, 1, 0, 0, 0 };
  DaoChainNode node;
  guint i;

  dao_mnemonic_seed (PHRASE, seed);
  dao_chain_master (seed, &node);
  for (i = 0; i < 5; i++)
    dao_chain_child (&node, path[i], &node);
  crypto_scalarmult_base (registered, node.il);
  g_assert_true (dao_identity_select_x25519 (saved, registered, NULL));
  g_assert_true (dao_identity_save (saved, f->path, TRUE, NULL));
  loaded = dao_identity_load (f->path, NULL);
  g_assert_cmpmem (dao_identity_get_x25519_public (loaded), 32, registered,
      32);
}

static void
test_new_does_not_overwrite (Fixture * f, gconstpointer data)
{
  g_autoptr (DaoIdentity) saved = save_sample (f);
  g_autofree gchar *before = NULL;
  g_autofree gchar *after = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (f->path, &before, NULL, NULL);
  dao_identity_set_alias (saved, "u99999999");
  g_assert_false (dao_identity_save (saved, f->path, FALSE, &error));
  g_assert_error (error, DAO_IDENTITY_ERROR, DAO_IDENTITY_ERROR_EXISTS);
  g_file_get_contents (f->path, &after, NULL, NULL);
  g_assert_cmpstr (before, ==, after);
  g_assert_true (dao_identity_save (saved, f->path, TRUE, NULL));
}

/* What a relay may have answered must not make the file unreadable. */
static void
test_unloadable_is_not_saved (Fixture * f, gconstpointer data)
{
  g_autoptr (DaoIdentity) identity = save_sample (f);
  g_autofree gchar *longer = g_strnfill (2049, 'n');
  const gchar *const names[] = { longer, "\xff" };
  guint i;

  for (i = 0; i < 3; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (DaoIdentity) loaded = NULL;

    if (i < 2)
      dao_identity_set_nickname (identity, names[i]);
    else
      dao_identity_set_nickname (identity, NULL);
    dao_identity_set_alias (identity, i < 2 ? "u10000001" : "No Alias");
    g_assert_false (dao_identity_save (identity, f->path, TRUE, &error));
    g_assert_error (error, DAO_IDENTITY_ERROR, DAO_IDENTITY_ERROR_FORMAT);
    loaded = dao_identity_load (f->path, NULL);
    g_assert_nonnull (loaded);
  }
}

/* guard: a file that others can read is not used */
static void
test_guard_mode_0644 (Fixture * f, gconstpointer data)
{
  static const gint modes[] = { 0644, 0640, 0604, 0660, 0620, 0601 };
  g_autoptr (DaoIdentity) saved = save_sample (f);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (modes); i++) {
    g_chmod (f->path, modes[i]);
    assert_load_fails (f, DAO_IDENTITY_ERROR_MODE);
  }
  g_chmod (f->path, 0400);
  dao_identity_unref (dao_identity_load (f->path, NULL));
}

static void
test_guard_no_symlink_no_fifo (Fixture * f, gconstpointer data)
{
  g_autofree gchar *target = g_build_filename (f->dir, "target", NULL);
  g_autoptr (DaoIdentity) saved = save_sample (f);

  g_assert_cmpint (g_rename (f->path, target), ==, 0);
  g_assert_cmpint (symlink (target, f->path), ==, 0);
  assert_load_fails (f, DAO_IDENTITY_ERROR_MODE);
  g_remove (f->path);
  g_assert_cmpint (mkfifo (f->path, 0600), ==, 0);
  assert_load_fails (f, DAO_IDENTITY_ERROR_MODE);
  g_remove (f->path);
  assert_load_fails (f, DAO_IDENTITY_ERROR_FILE);       /* none at all */
}

static void
test_malformed_files (Fixture * f, gconstpointer data)
{
  static const gchar *const bad[] = {
    "", "{}", "[]", "null", "{\"version\":1}", "\"mnemonic\":\"a\"",
    "{\"version\":1,\"mnemonic\":7,\"x25519_index\":1}",
    "{\"version\":1,\"mnemonic\":\"" PHRASE "\"}",
    "{\"version\":2,\"mnemonic\":\"" PHRASE "\",\"x25519_index\":1}",
    "{\"version\":1,\"mnemonic\":\"" PHRASE "\",\"x25519_index\":2}",
    "{\"version\":1,\"mnemonic\":\"" PHRASE "\",\"x25519_index\":1,"
        "\"alias\":5}",
    "{\"version\":1,\"mnemonic\":\"" PHRASE "\",\"x25519_index\":1,"
        "\"alias\":\"Not An Alias\"}",
    "{\"version\":1,\"mnemonic\":\"" PHRASE "\",\"x25519_index\":1",
    "{\"version\":1,\"x\":{\"mnemonic\":\"" PHRASE "\"},\"x25519_index\":1}",
    "{\"version\":1,\"mnemonic\":\"" PHRASE "\",\"mnemonic\":\"" PHRASE
        "\",\"x25519_index\":1}",
    "{\"version\":1,\"mnemonic\":\"" PHRASE,
    "{\"version\":1,\"mnemonic\":\"\f" PHRASE "\",\"x25519_index\":1}",
    "{\"version\":1,\"mnemonic\":\"" PHRASE " " PHRASE "\"}",
  };
  g_autofree gchar *spaces = g_strnfill (70 * 1024, ' ');
  g_autofree gchar *huge = g_strconcat ("{\"version\":1,\"mnemonic\":\""
      PHRASE "\",\"x25519_index\":1}", spaces, NULL);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_test_message ("file %u", i);
    write_text (f, bad[i], 0600);
    assert_load_fails (f, DAO_IDENTITY_ERROR_FORMAT);
  }
  write_text (f, huge, 0600);   /* right but for its size */
  assert_load_fails (f, DAO_IDENTITY_ERROR_FORMAT);
  write_text (f, "{\"version\":1,\"mnemonic\":\"zoo sausage\","
      "\"x25519_index\":1}", 0600);
  assert_load_fails (f, DAO_IDENTITY_ERROR_MNEMONIC);
}

/* guard: one process an account */
static void
test_guard_lock (Fixture * f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gint first, again;

  first = dao_identity_lock (f->path, NULL);
  g_assert_cmpint (first, >=, 0);
  g_assert_cmpint (dao_identity_lock (f->path, &error), ==, -1);
  g_assert_error (error, DAO_IDENTITY_ERROR, DAO_IDENTITY_ERROR_IN_USE);
  close (first);
  again = dao_identity_lock (f->path, NULL);
  g_assert_cmpint (again, >=, 0);
  close (again);
}

/* guard: a relay that asks for a signature over a signal gets none */
static void
test_guard_challenge_oracle (void)
{
  g_autoptr (DaoIdentity) identity =
      dao_identity_new_from_mnemonic (PHRASE, NULL);
  g_autofree gchar *longest = g_strnfill (512, 'a');
  g_autofree gchar *too_long = g_strnfill (513, 'a');
  const gchar *const refused[] = {
    "{", "{\"_nonce\":\"00\",\"type\":\"call_offer\"}", too_long, "",
  };
  const gchar *const fine[] = { "0123abcd", longest, " {", "[1]" };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (refused); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (dao_identity_sign_challenge (identity, refused[i],
            &error));
    g_assert_error (error, DAO_IDENTITY_ERROR, DAO_IDENTITY_ERROR_CHALLENGE);
  }
  for (i = 0; i < G_N_ELEMENTS (fine); i++) {
    g_autofree gchar *text = dao_identity_sign_challenge (identity, fine[i],
        NULL);
    guint8 signature[64];

    g_assert_true (dao_base64_decode_exact (text, signature, 64));
    g_assert_cmpint (crypto_sign_verify_detached (signature,
            (const guint8 *) fine[i], strlen (fine[i]),
            dao_identity_get_ed25519_public (identity)), ==, 0);
  }
}

static void
test_default_path (void)
{
  g_autofree gchar *path = NULL;

  g_setenv ("DAO_IDENTITY", "/somewhere/bot.json", TRUE);
  path = dao_identity_default_path ();
  g_assert_cmpstr (path, ==, "/somewhere/bot.json");
  g_free (path);
  g_unsetenv ("DAO_IDENTITY");
  path = dao_identity_default_path ();
  g_assert_true (g_str_has_suffix (path, "/dao/identity.json"));
}

static void
test_aliases (void)
{
  g_assert_true (dao_alias_is_valid ("888"));
  g_assert_true (dao_alias_is_valid ("u1234_ab"));
  g_assert_true (dao_alias_is_valid ("abcdefghijklmnopqrstuvwxyz012345"));
  g_assert_false (dao_alias_is_valid ("abcdefghijklmnopqrstuvwxyz0123456"));
  g_assert_false (dao_alias_is_valid ("ab"));
  g_assert_false (dao_alias_is_valid (""));
  g_assert_false (dao_alias_is_valid (NULL));
  g_assert_false (dao_alias_is_valid ("Abc"));
  g_assert_false (dao_alias_is_valid ("a/../b"));
  g_assert_false (dao_alias_is_valid ("abc\n"));
}

#define FILE_TEST(name, func) \
  g_test_add ("/identity/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/identity/wordlist-is-official", test_wordlist_is_official);
  g_test_add_func ("/identity/phrases", test_phrases);
  g_test_add_func ("/identity/every-word-is-found", test_every_word_is_found);
  g_test_add_func ("/identity/generated-phrases-differ",
      test_generated_phrases_differ);
  g_test_add_func ("/identity/select-x25519", test_select_x25519);
  FILE_TEST ("file-round-trip", test_file_round_trip);
  FILE_TEST ("file-remembers-x25519", test_file_remembers_x25519);
  FILE_TEST ("new-does-not-overwrite", test_new_does_not_overwrite);
  FILE_TEST ("unloadable-is-not-saved", test_unloadable_is_not_saved);
  FILE_TEST ("guard-mode-0644", test_guard_mode_0644);
  FILE_TEST ("guard-no-symlink-no-fifo", test_guard_no_symlink_no_fifo);
  FILE_TEST ("malformed-files", test_malformed_files);
  FILE_TEST ("guard-lock", test_guard_lock);
  g_test_add_func ("/identity/guard-challenge-oracle",
      test_guard_challenge_oracle);
  g_test_add_func ("/identity/default-path", test_default_path);
  g_test_add_func ("/identity/aliases", test_aliases);
  return g_test_run ();
}
