/* gst-dao: what the relay reads of a WebSocket frame
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* An alias is [a-z0-9_]{3,32} (protocol.md a.3). */
#define RELAY_ALIAS_MIN 3
#define RELAY_ALIAS_MAX 32

/* Nesting of a frame. Envelopes are flat; a little room for fields to come. */
#define RELAY_ROUTE_MAX_DEPTH 16

typedef enum
{
  RELAY_ROUTE_INVALID,          /* no JSON object, or one that two parsers could read differently */
  RELAY_ROUTE_OTHER,            /* not for the relay: ignored */
  RELAY_ROUTE_PING,
  RELAY_ROUTE_NOWHERE,          /* call_* without call_id or without a usable `to`: dropped */
  RELAY_ROUTE_CALL,
} RelayRouteKind;

/**
 * RelayRoute:
 * @to: the recipient's alias
 * @cut: offset of the first byte of the frame that @insert replaces
 * @cut_length: how many bytes it replaces (0 = pure insertion)
 *
 * How to forward a frame: frame[0, cut) + insert + frame[cut + cut_length, end).
 */
typedef struct
{
  RelayRouteKind kind;
  gchar to[RELAY_ALIAS_MAX + 1];
  gsize cut;
  gsize cut_length;
  gchar insert[RELAY_ALIAS_MAX + 16];
  gsize insert_length;
} RelayRoute;

/* TRUE for a well-formed alias of @length bytes. */
gboolean relay_alias_is_valid (const gchar * alias, gsize length);

/**
 * relay_route_parse:
 * @frame: @length bytes, need not end with NUL
 * @from: the authenticated sender's alias
 *
 * Pure: no allocation, no state (protocol.md c.2, rule 3). The whole frame is checked to be one strict JSON object in
 * UTF-8, so that no receiver is handed something its parser or its WebSocket stack would choke on; `payload` is never
 * looked into. A member that decides the routing and appears twice, or a member name with an escape in it, makes the frame
 * invalid: a receiver must not find another `from` than the one written here.
 */
void relay_route_parse (const gchar * frame, gsize length, const gchar * from,
    RelayRoute * route);

/* Bytes that relay_route_write() writes; @length is the frame's. */
gsize relay_route_length (const RelayRoute * route, gsize length);
void relay_route_write (const RelayRoute * route, const gchar * frame,
    gsize length, guint8 * out);

G_END_DECLS
