/* gst-dao: fuzzes the reading of the relay's ICE servers, up to webrtcbin's URLs
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "fuzz.h"
#include "gstdaoice.h"

#include <string.h>

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_init ();
  return 0;
}

/* What libnice gets must be one URL: no blank, no line end, one separator before the host. */
static void
check_url (const gchar * url, gboolean is_turn)
{
  const gchar *at = strchr (url, '@');

  for (const gchar * p = url; *p != '\0'; p++)
    g_assert_true (g_ascii_isgraph (*p));
  g_assert_true (is_turn == (at != NULL));
  g_assert_true (at == NULL || strchr (at + 1, '@') == NULL);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DaoIceConfig) config = dao_ice_config_parse ((const gchar *) data,
      size, &error);
  g_autoptr (DaoIceConfig) copy = NULL;

  g_assert_true ((config != NULL) == (error == NULL));
  if (config == NULL)
    return 0;
  g_assert_cmpuint (config->servers->len, <=, DAO_ICE_CONFIG_MAX_SERVERS);
  g_assert_cmpint (dao_ice_config_cache_seconds (config->ttl_s), >=, 0);
  copy = dao_ice_config_copy (config);
  for (guint i = 0; i < copy->servers->len; i++) {
    const DaoIceServer *server = g_ptr_array_index (copy->servers, i);
    g_autoptr (GError) refusal = NULL;
    gboolean is_turn = FALSE;
    g_autofree gchar *url = gst_dao_ice_map_url (server, &is_turn, &refusal);

    g_assert_true ((url != NULL) == (refusal == NULL));
    if (url != NULL)
      check_url (url, is_turn);
  }
  return 0;
}
