/* gst-dao: fuzzes the reading of a verified signal
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What was read is written and read again without a change.
 */
#include "dao-json.h"
#include "dao-signal.h"
#include "fuzz.h"

#include <string.h>

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_init ();
  return 0;
}

static void
check_limits (const DaoSignal * signal)
{
  g_assert_nonnull (signal->from);
  g_assert_nonnull (signal->call_id);
  g_assert_cmpuint (strlen (signal->call_id), <=, DAO_SIGNAL_MAX_ID);
  if (signal->sdp != NULL) {
    g_assert_cmpuint (strlen (signal->sdp), <=, DAO_SIGNAL_MAX_SDP);
    dao_sdp_is_video (signal->sdp);
  }
  if (signal->candidate != NULL)
    g_assert_cmpuint (strlen (signal->candidate), <=,
        DAO_SIGNAL_MAX_CANDIDATE);
  g_assert_cmpuint (signal->leg, <=, DAO_SIGNAL_MAX_COUNT);
  g_assert_cmpuint (signal->gen, <=, DAO_SIGNAL_MAX_COUNT);
  g_assert_cmpint (signal->sdp_mline_index, >=, -1);
  if (signal->e2ee)
    g_assert_nonnull (signal->to);
}

/* In other signals leg and gen mean nothing, and are not written. */
static gboolean
is_counted (const DaoSignal * signal)
{
  return signal->ext > 0 && (signal->type == DAO_SIGNAL_OFFER
      || signal->type == DAO_SIGNAL_ANSWER || signal->type == DAO_SIGNAL_ICE);
}

static void
check_same (const DaoSignal * a, const DaoSignal * b)
{
  g_assert_cmpint (a->type, ==, b->type);
  g_assert_cmpstr (a->from, ==, b->from);
  g_assert_cmpstr (a->to, ==, b->to);
  g_assert_cmpstr (a->call_id, ==, b->call_id);
  g_assert_cmpstr (a->sdp, ==, b->sdp);
  g_assert_cmpstr (a->mode, ==, b->mode);
  g_assert_cmpstr (a->candidate, ==, b->candidate);
  g_assert_cmpstr (a->sdp_mid, ==, b->sdp_mid);
  g_assert_cmpint (a->sdp_mline_index, ==, b->sdp_mline_index);
  g_assert_cmpuint (a->ext, ==, b->ext);
  g_assert_cmpint (a->e2ee, ==, b->e2ee);
  g_assert_cmpmem (a->e2ee_pub, 32, b->e2ee_pub, 32);
  if (is_counted (a)) {
    g_assert_cmpuint (a->leg, ==, b->leg);
    g_assert_cmpuint (a->gen, ==, b->gen);
  }
  g_assert_cmpstr (a->reason, ==, b->reason);
  g_assert_cmpstr (a->want, ==, b->want);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  json_t *inner = dao_json_parse ((const gchar *) data, size, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (DaoSignal) signal = NULL;

  if (!json_is_object (inner)) {
    json_decref (inner);
    return 0;
  }
  signal = dao_signal_from_json (inner, &error);
  g_assert_true ((signal != NULL) == (error == NULL));
  if (signal != NULL) {
    json_t *written = dao_signal_to_json (signal);
    g_autoptr (DaoSignal) again = dao_signal_from_json (written, &error);
    g_autoptr (DaoSignal) copy = dao_signal_copy (signal);

    check_limits (signal);
    g_assert_no_error (error);
    check_same (signal, again);
    check_same (signal, copy);
    json_decref (written);
  }
  json_decref (inner);
  return 0;
}
