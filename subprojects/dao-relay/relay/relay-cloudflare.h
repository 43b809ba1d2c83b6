/* gst-dao: TURN credentials of Cloudflare Realtime, kept for all accounts
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * No network and no clock here: what was fetched and the time are handed in.
 */
#pragma once

#include <glib.h>
#include <jansson.h>

G_BEGIN_DECLS

#define RELAY_CLOUDFLARE_ERROR (relay_cloudflare_error_quark ())
GQuark relay_cloudflare_error_quark (void);
typedef enum { RELAY_CLOUDFLARE_ERROR_STATUS, RELAY_CLOUDFLARE_ERROR_FORMAT } RelayCloudflareError;

/* Fresh for 9 minutes (protocol.md c.1); what is older is used only when nothing newer can be had. */
#define RELAY_CLOUDFLARE_FRESH_S 540
/* A minute beyond freshness and the life of an answer, so that each fresh answer has its whole life before it. */
#define RELAY_CLOUDFLARE_SPARE_S 60
/* After a failure the next request may try again; until then each is answered at once. */
#define RELAY_CLOUDFLARE_RETRY_S 10
/* 1 KiB are usual. */
#define RELAY_CLOUDFLARE_MAX_BODY (64 * 1024)
/* Clients keep 8 servers. */
#define RELAY_CLOUDFLARE_MAX_URLS 16

typedef struct _RelayCloudflare RelayCloudflare;

/**
 * relay_cloudflare_new:
 * @answer_ttl_s: life of what clients are given, seconds
 *
 * Credentials are asked for with @answer_ttl_s + 600 s of life.
 */
RelayCloudflare *relay_cloudflare_new (gint64 answer_ttl_s);
void relay_cloudflare_free (RelayCloudflare * cloudflare);

/* The JSON of a request: {"ttl":N}. (transfer full) */
gchar *relay_cloudflare_request_body (RelayCloudflare * cloudflare);

/* Is it time to ask: nothing fresh, and no failure just now? */
gboolean relay_cloudflare_wants (RelayCloudflare * cloudflare, gint64 now_s);

/**
 * relay_cloudflare_take:
 * @status: of HTTP; 0 when there was no answer, and then @error must be set already and is only noted
 * @asked_s: when it was asked for: its life begins there
 *
 * `iceServers` as the array of generate-ice-servers or the object of the older generate. An answer that is not
 * wholly understood is refused and what was kept stays.
 *
 * Returns: FALSE with %RELAY_CLOUDFLARE_ERROR, whose message never quotes the answer
 */
gboolean relay_cloudflare_take (RelayCloudflare * cloudflare, guint status,
    const gchar * body, gsize length, gint64 asked_s, gint64 now_s,
    GError ** error);

/**
 * relay_cloudflare_servers:
 * @left_s: (out): how long the credential is still good
 *
 * Returns: (transfer none) (nullable): array of {urls: [], username, credential} that is still valid
 */
json_t *relay_cloudflare_servers (RelayCloudflare * cloudflare, gint64 now_s,
    gint64 * left_s);

G_END_DECLS
