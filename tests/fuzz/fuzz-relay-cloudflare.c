/* gst-dao: fuzzes what a TURN provider answers the relay
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is taken can be handed out: our own client understands it. What is refused leaves what was there.
 */
#include "dao-ice-config.h"
#include "fuzz.h"
#include "relay-cloudflare.h"

#include <jansson.h>
#include <string.h>

#define NOW_S G_GINT64_CONSTANT (1800000000)

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_init ();
  return 0;
}

static void
check_handed_out (json_t * servers)
{
  json_t *root = json_pack ("{s:i,s:s,s:O}", "ttl", 600,
      "ice_transport_policy", "all", "ice_servers", servers);
  g_autoptr (GError) error = NULL;
  g_autoptr (DaoIceConfig) config = dao_ice_config_from_json (root, &error);
  json_t *server;
  gsize i;

  g_assert_no_error (error);
  g_assert_cmpuint (config->servers->len, >, 0);
  json_array_foreach (servers, i, server)
      g_assert_true (json_is_array (json_object_get (server, "urls")));
  json_decref (root);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  static const gchar good[] = "{\"iceServers\":{\"urls\":\"turn:good.example\","
      "\"username\":\"u\",\"credential\":\"c\"}}";
  RelayCloudflare *cloudflare = relay_cloudflare_new (600);
  g_autoptr (GError) error = NULL;
  gboolean taken;
  gint64 left_s;

  g_assert_true (relay_cloudflare_take (cloudflare, 200, good, strlen (good),
          NOW_S, NOW_S, NULL));
  taken = relay_cloudflare_take (cloudflare, 201, (const gchar *) data, size,
      NOW_S + 1, NOW_S + 2, &error);
  g_assert_true (taken == (error == NULL));
  check_handed_out (relay_cloudflare_servers (cloudflare, NOW_S + 3, &left_s));
  g_assert_cmpint (left_s, >, 0);
  relay_cloudflare_free (cloudflare);
  return 0;
}
