/* gst-dao: one verified call signal, as typed fields
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>
#include <jansson.h>

G_BEGIN_DECLS

#define DAO_SIGNAL_ERROR (dao_signal_error_quark ())
GQuark dao_signal_error_quark (void);

typedef enum
{
  DAO_SIGNAL_ERROR_FIELD,       /* a field is missing or has the wrong type */
  DAO_SIGNAL_ERROR_LIMIT,       /* a field is longer than we accept */
  DAO_SIGNAL_ERROR_E2EE,        /* `e2ee` or `e2ee_pub` is malformed */
} DaoSignalError;

/* Limits of what a peer may send us; an SDP of a browser with every codec is about 10 KB. */
#define DAO_SIGNAL_MAX_SDP (64 * 1024)
#define DAO_SIGNAL_MAX_CANDIDATE 1024
#define DAO_SIGNAL_MAX_ID 64
/* legs and offers of one call; far more than the limits of a call allow */
#define DAO_SIGNAL_MAX_COUNT 65535

typedef enum
{
  DAO_SIGNAL_OFFER,
  DAO_SIGNAL_ANSWER,
  DAO_SIGNAL_ICE,
  DAO_SIGNAL_HANGUP,
  DAO_SIGNAL_REJECT,
  DAO_SIGNAL_INVITE,
  DAO_SIGNAL_RENEGOTIATE,
} DaoSignalType;

/**
 * DaoSignal:
 *
 * The fields of a signal (protocol.md e.2 and the design's extensions). Strings
 * are owned by the struct and NULL when absent. Plain data: the members are
 * public, the struct is made and freed by the functions below.
 */
typedef struct
{
  DaoSignalType type;
  gchar *from;                  /* sender alias */
  gchar *to;                    /* recipient alias; NULL from peers without `ext` */
  gchar *call_id;
  gchar *nonce;                 /* `_nonce` of a received signal, 32 hex digits; NULL in one to be sent */

  gchar *sdp;                   /* offer, answer */
  gchar *mode;                  /* "audio" or "video" (Android), else NULL */

  gchar *candidate;             /* ice: "candidate:..." ; "" = end of candidates */
  gchar *sdp_mid;               /* ice: NULL when absent */
  gint sdp_mline_index;         /* ice: -1 when absent */

  guint ext;                    /* 0 = peer does not know our extensions */
  gboolean e2ee;                /* frame encryption announced; then e2ee_pub is set */
  guint8 e2ee_pub[32];
  guint leg;
  guint gen;
  gchar *reason;                /* hangup, reject: busy, declined, timeout, e2ee-required, failed; NULL */
  gchar *want;                  /* renegotiate: "restart", "video", "leg" */
} DaoSignal;

const gchar *dao_signal_type_to_string (DaoSignalType type);
/* FALSE when @name is no call signal we know */
gboolean dao_signal_type_from_string (const gchar * name, DaoSignalType * type);

DaoSignal *dao_signal_new (DaoSignalType type, const gchar * from,
    const gchar * to, const gchar * call_id);
DaoSignal *dao_signal_copy (const DaoSignal * signal);
void dao_signal_free (DaoSignal * signal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DaoSignal, dao_signal_free)

/**
 * dao_signal_from_json:
 * @inner: (transfer none): the verified inner object (protocol.md e.2)
 *
 * Both candidate forms of protocol.md e.6 map to the same triple; an empty sdpMid and an
 * index that is no small integer count as absent. A malformed `e2ee` or `e2ee_pub` is an error, never
 * "absent", and so is `e2ee` in a signal without `to`. An unknown `mode` or `reason` is ignored.
 *
 * Returns: (transfer full): the signal, or NULL with @error
 */
DaoSignal *dao_signal_from_json (json_t * inner, GError ** error);

/**
 * dao_signal_to_json:
 *
 * Returns: (transfer full): the inner object without `_ts`, `_nonce`, `_sig`
 */
json_t *dao_signal_to_json (const DaoSignal * signal);

/* protocol.md f, 1.0.12: a line starts with "m=video " (a port-0 line counts) */
gboolean dao_sdp_is_video (const gchar * sdp);

G_END_DECLS
