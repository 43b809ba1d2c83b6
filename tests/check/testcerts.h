/* gst-dao: certificates for tests of TLS, made on the spot
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * test_certs_write:
 *
 * Writes PEM files into the directory @dir: ca.pem, an authority, and of servers NAME.pem and NAME.key:
 *
 *   good      from ca, for localhost, 127.0.0.1 and ::1
 *   other     from ca, for other.example
 *   expired   from ca, like good, valid until yesterday
 *   future    from ca, like good, valid from tomorrow
 *   stranger  like good, but from an authority nobody knows
 */
void test_certs_write (const gchar * dir);

/* Removes them. */
void test_certs_remove (const gchar * dir);

G_END_DECLS
