/* gst-dao: fuzzes the journal of calls
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A journal that loads takes one more call, is written, and knows that call when it loads again.
 */
#include "dao-journal.h"
#include "dao-secret.h"
#include "fuzz.h"

#define NOW_MS G_GINT64_CONSTANT (1745671234667)

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_init ();
  dao_crypto_init ();
  return 0;
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  const gchar *path = fuzz_private_file (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (DaoJournal) journal = dao_journal_load (path, NOW_MS, &error);
  g_autoptr (DaoJournal) again = NULL;
  gboolean old;

  g_assert_true ((journal != NULL) == (error == NULL));
  if (journal == NULL)
    return 0;
  old = dao_journal_knows (journal, "alice", "IN1", NOW_MS);
  dao_journal_add (journal, "alice", "OUT1", "nonce", NOW_MS);
  again = dao_journal_load (path, NOW_MS, &error);
  g_assert_no_error (error);
  g_assert_true (dao_journal_knows (again, "alice", "OUT1", NOW_MS));
  g_assert_true (dao_journal_knows_nonce (again, "alice", "nonce", NOW_MS));
  g_assert_false (dao_journal_knows (again, "alice", "OUT1",
          NOW_MS + DAO_JOURNAL_MEMORY_MS + 1));
  /* only room for one more of the same peer lets go of a call that is not over its time */
  if (old && !dao_journal_knows (again, "alice", "IN1", NOW_MS))
    g_assert_cmpuint (size, >, DAO_JOURNAL_MAX_PER_PEER);
  return 0;
}
