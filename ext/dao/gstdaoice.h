/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * ICE of one webrtcbin: servers, the agent's settings, and which candidates
 * may pass in either direction
 */
#pragma once

#include <gst/gst.h>
#include "dao-ice-config.h"
#include "gstdaoturntls.h"

G_BEGIN_DECLS

#define GST_DAO_ICE_ERROR (gst_dao_ice_error_quark ())
GQuark gst_dao_ice_error_quark (void);
typedef enum { GST_DAO_ICE_ERROR_URL, GST_DAO_ICE_ERROR_UNSUPPORTED, GST_DAO_ICE_ERROR_NO_RELAY } GstDaoIceError;

/* A server that webrtcbin was given */
typedef struct
{
  gchar *url;                   /* as the relay named it */
  gboolean turn, tcp;
  gchar *host;                  /* without the port */
  gchar *address;               /* HOST, or HOST:PORT, that the agent is told */
  guint forwarder;              /* port of it on loopback: @address is there; 0 = none */
  gchar *username, *credential; /* of TURN */
  gboolean told;                /* that it is of no use; for the owner */
} GstDaoIceServer;

void gst_dao_ice_server_free (GstDaoIceServer * server);        /* wipes the credential */

/**
 * gst_dao_ice_configure:
 * @webrtc: a webrtcbin before its first description
 * @config: (nullable): servers of the relay
 * @relay_only: only relay candidates are gathered and used
 * @tls: (nullable): carries turns: servers; without it they are skipped
 * @used: (element-type GstDaoIceServer) gets the servers that are used, one of STUN at most; must free them
 * @skipped: (element-type GError) (transfer none): gets one error a server that cannot be used
 *
 * Also switches UPnP and ICE-TCP off and connection checks as keepalives on
 * (webrtcbin.md, "Traps"). On a host without any other address, loopback is used.
 *
 * Returns: FALSE with NO_RELAY when @relay_only and no TURN server could be used
 */
gboolean gst_dao_ice_configure (GstElement * webrtc,
    const DaoIceConfig * config, gboolean relay_only, GstDaoTurnTls * tls,
    GPtrArray * used, GPtrArray * skipped, GError ** error);

/**
 * gst_dao_ice_map_url:
 *
 * stun: and turn: (UDP, or TCP with ?transport=tcp). TLS is none of libnice's: a turns: server goes through a
 * forwarder (gst_dao_ice_configure()), and nothing here speaks stuns: or TLS over UDP (DTLS).
 *
 * Returns: (transfer full): webrtcbin's form of an ICE server URL (RFC 7064, 7065), credentials percent-encoded;
 *   NULL with an error that names the URL and the reason, never the credential
 */
gchar *gst_dao_ice_map_url (const DaoIceServer * server, gboolean * is_turn,
    GError ** error);

/**
 * gst_dao_ice_rebuild_candidate:
 *
 * A peer's candidate line (RFC 8839, 5.1) as it may be given to webrtcbin: UDP, component 1 (RTCP is
 * always multiplexed), a unicast address literal (names, so also mDNS ones, are never resolved), and
 * nothing of what may follow the type.
 *
 * Returns: (transfer full) (nullable): the line, written anew; NULL when it must be ignored
 */
gchar *gst_dao_ice_rebuild_candidate (const gchar * candidate);

/**
 * gst_dao_ice_filter_local:
 *
 * Returns: (transfer full) (nullable): our candidate as it may be sent; NULL when it must
 * not. A relay candidate's raddr would tell our own address and is always blanked.
 */
gchar *gst_dao_ice_filter_local (const gchar * candidate,
    gboolean relay_only);

G_END_DECLS
