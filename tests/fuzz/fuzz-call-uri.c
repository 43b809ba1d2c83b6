/* gst-dao: fuzzes dao:// URIs, which come from anywhere
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What was parsed is written, and parses to the same call.
 */
#include "dao-identity.h"
#include "fuzz.h"
#include "gstdaocalluri.h"

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  /* no plugin is needed */
  g_setenv ("GST_REGISTRY_DISABLE", "yes", TRUE);
  gst_init (NULL, NULL);
  fuzz_init ();
  return 0;
}

static void
check_written (const GstDaoCallUri * uri)
{
  g_autofree gchar *text = gst_dao_call_uri_to_string (uri);
  g_autoptr (GError) error = NULL;
  GstDaoCallUri *again = gst_dao_call_uri_parse (text, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (uri->alias, ==, again->alias);
  g_assert_cmpint (uri->audio, ==, again->audio);
  g_assert_cmpint (uri->video, ==, again->video);
  g_assert_cmpint (uri->codec, ==, again->codec);
  g_assert_cmpstr (uri->relay, ==, again->relay);
  gst_dao_call_uri_free (again);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  g_autofree gchar *text = g_strndup ((const gchar *) data, size);
  g_autoptr (GError) error = NULL;
  GstDaoCallUri *uri = gst_dao_call_uri_parse (text, &error);

  g_assert_true ((uri != NULL) == (error == NULL));
  if (uri == NULL)
    return 0;
  g_assert_true (dao_alias_is_valid (uri->alias));
  check_written (uri);
  gst_dao_call_uri_free (uri);
  return 0;
}
