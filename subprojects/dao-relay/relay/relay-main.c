/* gst-dao: dao-relay, the program
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "relay-server.h"

#include <glib.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>

typedef struct
{
  gchar *listen_on;
  gchar *db;
  gboolean trust_proxy;
  gboolean token_in_url;
  gint pow_difficulty;
  gint max_registrations;       /* this and the next three: -1 = the default */
  gint max_requests;
  gint max_connects;
  gint max_frames;
  gint idle_timeout;
  gint revoked_grace;
} Settings;

static uv_signal_t signals[2];

static gboolean
parse_arguments (Settings * s, int argc, char **argv, GError ** error)
{
  const GOptionEntry entries[] = {
    {"listen", 0, 0, G_OPTION_ARG_STRING, &s->listen_on,
        "Address to listen on; port 0 picks one", "HOST:PORT"},
    {"db", 0, 0, G_OPTION_ARG_FILENAME, &s->db,
        "SQLite file with accounts and friendships", "FILE"},
    {"trust-proxy", 0, 0, G_OPTION_ARG_NONE, &s->trust_proxy,
        "Take client addresses from X-Forwarded-For", NULL},
    {"allow-token-in-url", 0, 0, G_OPTION_ARG_NONE, &s->token_in_url,
        "Accept /ws?token= of old clients besides tickets", NULL},
    {"pow-difficulty", 0, 0, G_OPTION_ARG_INT, &s->pow_difficulty,
        "Proof of work of a registration in hex digits, 1 to 5 (4)", "N"},
    {"max-registrations", 0, 0, G_OPTION_ARG_INT, &s->max_registrations,
        "Registrations an hour and address (10); 0 = no limit", "N"},
    {"max-requests", 0, 0, G_OPTION_ARG_INT, &s->max_requests,
        "Requests a minute and account (240), challenges a minute and address (120); 0 = no limit", "N"},
    {"max-connects", 0, 0, G_OPTION_ARG_INT, &s->max_connects,
        "Connections an address may open at once (4096); 0 = no limit", "N"},
    {"max-frames", 0, 0, G_OPTION_ARG_INT, &s->max_frames,
        "Call frames a second and account (20, in bursts of 400); 0 = no limit", "N"},
    {"idle-timeout", 0, 0, G_OPTION_ARG_INT, &s->idle_timeout,
        "Seconds of silence before a WebSocket is closed (120)", "S"},
    {"revoked-grace", 0, 0, G_OPTION_ARG_INT, &s->revoked_grace,
        "Seconds a WebSocket outlives its revoked token (10)", "S"},
    {NULL}
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, "A blind relay for calls: it carries "
      "sealed signaling between accounts and cannot read it.");
  g_option_context_set_description (context, "Environment: "
      "CF_TURN_KEY_ID and CF_TURN_API_TOKEN, TURN_HOST and TURN_SECRET, or "
      "STUN_URLS: the ICE servers of calls.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (argc > 1 || !s->listen_on || !s->db || s->pow_difficulty < 1
      || s->pow_difficulty > 5 || s->max_registrations < -1
      || s->max_requests < -1 || s->max_connects < -1 || s->max_frames < -1
      || s->idle_timeout < 1 || s->revoked_grace < 0) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        argc > 1 ? "unexpected argument" : !s->listen_on || !s->db ?
        "--listen HOST:PORT and --db FILE are needed" : "value out of range");
    return FALSE;
  }
  return TRUE;
}

static void
apply_settings (const Settings * s, RelayApiLimits * api, RelayHubLimits * hub,
    RelayServerOptions * server)
{
  *api = relay_api_default_limits;
  *hub = relay_hub_default_limits;
  *server = (RelayServerOptions) {
  s->trust_proxy, s->token_in_url, RELAY_CONNECTS_DEFAULT};
  api->pow_difficulty = s->pow_difficulty;
  if (s->max_registrations >= 0)
    api->registrations = (RelayRate) { s->max_registrations,
          s->max_registrations / 3600. };
  if (s->max_requests >= 0) {
    api->requests = (RelayRate) { s->max_requests, s->max_requests / 60. };
    api->challenges = api->requests;
  }
  if (s->max_connects >= 0)
    server->connects.burst = s->max_connects;
  if (s->max_frames >= 0) {
    gdouble factor = s->max_frames / hub->frames.per_second;

    hub->frames = (RelayRate) { hub->frames.burst * factor, s->max_frames };
    hub->bytes.burst *= factor;
    hub->bytes.per_second *= factor;
  }
  hub->idle_us = s->idle_timeout * G_USEC_PER_SEC;
  hub->revoked_grace_us = s->revoked_grace * G_USEC_PER_SEC;
}

static void
on_signal (uv_signal_t * handle, int number)
{
  relay_server_shutdown (handle->data);
  /* the handlers stay until the loop is about to end: a second Ctrl-C must not cut goaways short */
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    uv_unref ((uv_handle_t *) & signals[i]);
}

static void
close_handle (uv_handle_t * handle, void *data)
{
  if (!uv_is_closing (handle))
    uv_close (handle, NULL);
}

static int
serve (const Settings * settings, RelayServer * server, uv_loop_t * loop)
{
  const gint numbers[] = { SIGTERM, SIGINT };

  for (guint i = 0; i < G_N_ELEMENTS (signals); i++) {
    uv_signal_init (loop, &signals[i]);
    signals[i].data = server;
    uv_signal_start (&signals[i], on_signal, numbers[i]);
  }
  g_print ("listening on %s\n", relay_server_get_url (server));
  fflush (stdout);
  uv_run (loop, UV_RUN_DEFAULT);
  uv_walk (loop, close_handle, NULL);
  uv_run (loop, UV_RUN_DEFAULT);
  relay_server_free (server);
  return EXIT_SUCCESS;
}

static int
run (const Settings * settings, RelayStore * store, RelayIce * ice,
    uv_loop_t * loop, GError ** error)
{
  RelayApiLimits api_limits;
  RelayHubLimits hub_limits;
  RelayServerOptions options;
  RelayAuth *auth = relay_auth_new ();
  RelayHub *hub;
  RelayApi *api;
  RelayServer *server;
  int status = EXIT_FAILURE;

  apply_settings (settings, &api_limits, &hub_limits, &options);
  hub = relay_hub_new (&hub_limits, &relay_server_transport);
  api = relay_api_new (&api_limits, store, auth, ice, hub);
  server = relay_server_new (loop, settings->listen_on, &options, api, auth,
      store, hub, error);
  if (server)
    status = serve (settings, server, loop);
  relay_api_free (api);
  relay_hub_free (hub);
  relay_auth_free (auth);
  return status;
}

int
main (int argc, char **argv)
{
  Settings settings = {.pow_difficulty = 4,.max_registrations = -1,
    .max_requests = -1,.max_connects = -1,.max_frames = -1,
    .idle_timeout = 120,.revoked_grace = 10
  };
  g_autoptr (GError) error = NULL;
  RelayStore *store = NULL;
  RelayIce *ice = NULL;
  RelayIceSettings ice_settings;
  uv_loop_t loop;
  int status = EXIT_FAILURE;

  signal (SIGPIPE, SIG_IGN);
  umask (077);                  /* the database is nobody else's */
  if (sodium_init () < 0)
    return EXIT_FAILURE;
  uv_loop_init (&loop);
  relay_ice_settings_from_environment (&ice_settings);
  if (parse_arguments (&settings, argc, argv, &error)
      && (ice = relay_ice_new (&ice_settings, &error))
      && (store = relay_store_sqlite_open (settings.db, &error)))
    status = run (&settings, store, ice, &loop, &error);
  if (error)
    g_printerr ("dao-relay: %s\n", error->message);
  uv_loop_close (&loop);
  relay_ice_free (ice);
  relay_store_free (store);
  g_free (settings.listen_on);
  g_free (settings.db);
  return status;
}
