/* gst-dao: one HTTPS request, beside the loop
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>
#include <uv.h>

G_BEGIN_DECLS

/* Of connection and answer together: somebody's call waits for it. */
#define RELAY_FETCH_TIMEOUT_MS 3000

typedef struct _RelayFetch RelayFetch;

/**
 * RelayFetchFunc:
 * @status: of HTTP, 0 if there was no whole answer
 * @error: (nullable): why not; never quotes what was sent or received
 */
typedef void (*RelayFetchFunc) (guint status, const gchar * body,
    gsize length, const gchar * error, gpointer user_data);

/**
 * relay_fetch_post:
 * @url: https:, or http: where the caller has made sure that this is safe
 * @bearer: sent in the Authorization header; wiped afterwards
 * @ca_file: (nullable): PEM file of authorities in place of the system's
 * @max_length: an answer that is longer is none
 *
 * Posts JSON on a thread of libuv's pool. Certificate and host name are checked, redirects are not
 * followed. @done is called once, on the loop.
 *
 * Returns: valid until @done was called
 */
RelayFetch *relay_fetch_post (uv_loop_t * loop, const gchar * url,
    const gchar * bearer, const gchar * json, const gchar * ca_file,
    gsize max_length, RelayFetchFunc done, gpointer user_data);

/* Ends it soon; @done is still called. */
void relay_fetch_cancel (RelayFetch * fetch);

G_END_DECLS
