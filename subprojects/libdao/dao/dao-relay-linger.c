/* gst-dao: a WebSocket on its way out
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What was queued on it (a hangup, say) still goes out.
 */
#include "dao-relay-private.h"

/* How long a closed socket may still flush and wait for the relay's close frame. */
#define LINGER_MS 2000

typedef struct
{
  SoupWebsocketConnection *ws;
  GSource *timeout;
} Linger;

static void
linger_end (Linger * linger)
{
  g_signal_handlers_disconnect_by_data (linger->ws, linger);
  g_source_destroy (linger->timeout);
  g_source_unref (linger->timeout);
  g_object_unref (linger->ws);
  g_free (linger);
  dao_relay_n_pending--;
}

static gboolean
on_linger_timeout (gpointer user_data)
{
  linger_end (user_data);
  return G_SOURCE_REMOVE;
}

static void
on_linger_closed (SoupWebsocketConnection * ws, gpointer user_data)
{
  linger_end (user_data);
}

/*
 * @ws: (transfer full): sends what is queued and a close frame with @code, then lets go
 */
void
dao_relay_linger (SoupWebsocketConnection * ws, gushort code,
    GMainContext * context)
{
  Linger *linger;

  if (soup_websocket_connection_get_state (ws) == SOUP_WEBSOCKET_STATE_CLOSED) {
    g_object_unref (ws);
    return;
  }
  linger = g_new0 (Linger, 1);
  linger->ws = ws;
  dao_relay_n_pending++;
  g_signal_connect (ws, "closed", G_CALLBACK (on_linger_closed), linger);
  linger->timeout = g_timeout_source_new (LINGER_MS);
  g_source_set_callback (linger->timeout, on_linger_timeout, linger, NULL);
  g_source_attach (linger->timeout, context);
  if (soup_websocket_connection_get_state (ws) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_close (ws, code, NULL);
}

static gboolean
on_drain_timeout (gpointer expired)
{
  *(gboolean *) expired = TRUE;
  return G_SOURCE_REMOVE;
}

gboolean
dao_relay_drain (guint timeout_ms)
{
  GMainContext *context = g_main_context_ref_thread_default ();
  GSource *timeout = g_timeout_source_new (timeout_ms);
  gboolean expired = FALSE;

  g_source_set_callback (timeout, on_drain_timeout, &expired, NULL);
  g_source_attach (timeout, context);
  while (dao_relay_n_pending > 0 && !expired)
    g_main_context_iteration (context, TRUE);
  g_source_destroy (timeout);
  g_source_unref (timeout);
  g_main_context_unref (context);
  return dao_relay_n_pending == 0;
}
