/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One medium of one peer connection: the elements between encoded frames and
 * webrtcbin, with or without frame encryption
 */
#pragma once

#include <gst/gst.h>
#include "gstdaomediasrc.h"
#include "gstdaosdp.h"

G_BEGIN_DECLS

/**
 * gst_dao_send_track_describe:
 * @bin: holds @webrtc, both at least in PAUSED
 * @mline: index of the section, or -1 for the next one
 * @media: kind, codec, payload type and header extension ids to send with
 *
 * Requests webrtcbin's sink pad and gives it caps, so that descriptions can be
 * made before any media flows.
 *
 * Returns: (transfer none): the filter in front of webrtcbin, or NULL
 */
GstElement *gst_dao_send_track_describe (GstBin * bin, GstElement * webrtc,
    gint mline, const GstDaoSdpMedia * media, GError ** error);

/* Encryption of a track. Neither sender/receiver nor ciphertext: DTLS-SRTP only. */
typedef struct
{
  GObject *keys;                /* DaoFrameSender or DaoFrameReceiver, or NULL */
  gboolean ciphertext;          /* frames are encrypted by or for somebody else; passed as they are */
} GstDaoTrackCipher;

/**
 * gst_dao_send_track_start:
 * @filter: of gst_dao_send_track_describe()
 * @encryptor: (inout): (transfer full) an encryptor of another connection that goes on here, or NULL; then
 *   (transfer none) the one in @bin, NULL without @cipher->keys
 * @force_key: (nullable): gets GstForceKeyUnit events of the peer, from any thread
 *
 * Returns: (transfer full): the appsrc that takes encoded frames with running time, or NULL
 */
GstElement *gst_dao_send_track_start (GstBin * bin, GstElement * filter,
    const GstDaoSdpMedia * media, const GstDaoTrackCipher * cipher,
    GstCaps * frame_caps, GstPad * force_key, GstElement ** encryptor,
    GError ** error);

/**
 * gst_dao_send_track_take_encryptor:
 * @encryptor: as gst_dao_send_track_start() gave it
 *
 * Stops what feeds it and takes it out of its bin, running.
 *
 * Returns: (transfer full): @encryptor
 */
GstElement *gst_dao_send_track_take_encryptor (GstElement * encryptor);

/**
 * gst_dao_receive_track_start:
 * @pad: a source pad of webrtcbin that has just appeared
 * @run: of @src that the peer connection belongs to
 *
 * Links depayloader and decryptor behind @pad and feeds @src. On failure the
 * caller must link something else: an unlinked pad stops the bundle.
 *
 * Returns: (transfer full): the pad that takes upstream events (key requests), or NULL
 */
GstPad *gst_dao_receive_track_start (GstBin * bin, GstPad * pad,
    GstDaoCodec codec, const GstDaoTrackCipher * cipher,
    GstDaoMediaSrc * src, guint run, GError ** error);

G_END_DECLS
