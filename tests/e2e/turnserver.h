/* gst-dao: the real coturn on loopback, for whole calls through it
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define TURN_SERVER_SECRET "a-secret-of-this-test"

typedef struct
{
  GSubprocess *process;
  gchar *dir;                   /* its files, removed with it */
  guint16 port;                 /* of TLS: nothing else listens */
} TurnServer;

/**
 * turn_server_new:
 * @certificate, @key: PEM files
 *
 * Listens for TURN over TLS only, on 127.0.0.1, when it returns.
 */
TurnServer *turn_server_new (const gchar * certificate, const gchar * key);
/* How many allocations it has granted so far */
guint turn_server_count_allocations (TurnServer * server);
/* How many were given back: refreshed with a lifetime of 0 */
guint turn_server_count_releases (TurnServer * server);
void turn_server_free (TurnServer * server);

G_END_DECLS
