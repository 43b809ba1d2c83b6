/* gst-dao: the listening socket
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Our own instead of libwebsockets', for the backlog, for accepting a storm in
 * one go, and for turning addresses away before anything is allocated.
 */
#pragma once

#include <glib.h>
#include <uv.h>

G_BEGIN_DECLS

typedef struct _RelayListener RelayListener;

/* @fd is the callback's; @ip is the bare address. */
typedef void (*RelayAcceptFunc) (gint fd, const gchar * ip,
    gpointer user_data);

RelayListener *relay_listener_new (uv_loop_t * loop, const gchar * listen_on,
    gint backlog, RelayAcceptFunc func, gpointer user_data, GError ** error);
const gchar *relay_listener_get_url (RelayListener * listener);
/* Closes; frees itself when the loop is done with its handles. */
void relay_listener_close (RelayListener * listener);

G_END_DECLS
