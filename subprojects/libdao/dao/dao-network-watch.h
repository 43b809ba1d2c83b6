/* gst-dao: tells when the network of this host changes
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From the kernel (rtnetlink(7)), in the main context that is asked for. GNetworkMonitor is one for the whole process: it
 * tells whoever made it first, in a context that may never run, and may ask other programs by D-Bus.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* @more: there is a route, or a link runs, that was not there before; else an address is gone */
typedef void (*DaoNetworkFunc) (gboolean more, gpointer user_data);

/**
 * dao_network_watch_new:
 *
 * Calls @func once for changes that come together.
 *
 * Returns: (transfer full) (nullable): to be destroyed and unreffed; NULL where there is no such socket
 */
GSource *dao_network_watch_new (GMainContext * context, DaoNetworkFunc func,
    gpointer user_data);

/* Is the address that it comes from not one of this host any more? */
gboolean dao_network_lost_address (GSocketConnection * connection);

G_END_DECLS
