/* gst-dao: memory for keys
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* sodium_init(), once and from any thread; aborts if it fails. */
void dao_crypto_init (void);

/* Zeroed, locked memory with guard pages, never NULL; free with dao_secret_free(), which wipes. */
gpointer dao_secret_new (gsize length);
gpointer dao_secret_dup (gconstpointer data, gsize length);
void dao_secret_free (gpointer secret); /* NULL is allowed */

G_END_DECLS
