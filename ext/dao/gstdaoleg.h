/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One peer connection of a call: a webrtcbin with its guards and tracks
 *
 * Everything but the reference counting happens on the signaling thread; all
 * callbacks come there.
 */
#pragma once

#include "gstdaofingerprint.h"
#include "gstdaomediasrc.h"
#include "gstdaosdp.h"
#include "dao-call.h"
#include "dao-ice-config.h"

G_BEGIN_DECLS

typedef struct _GstDaoLeg GstDaoLeg;

typedef struct
{
  /* our offer or answer, as it goes on the wire */
  void (*local_description) (GstDaoLeg * leg, const gchar * sdp,
      gpointer user_data);
  void (*remote_applied) (GstDaoLeg * leg, gpointer user_data);
  void (*candidate) (GstDaoLeg * leg, const gchar * candidate,
      const gchar * mid, gint mline_index, gpointer user_data);
  void (*transport) (GstDaoLeg * leg, DaoTransportEvent event,
      gpointer user_data);
  /* the call cannot go on */
  void (*failed) (GstDaoLeg * leg, DaoCallReason reason, const gchar * text,
      gpointer user_data);
  /* a server that cannot be used; the call goes on */
  void (*warning) (GstDaoLeg * leg, const gchar * text, gpointer user_data);
} GstDaoLegCallbacks;

typedef struct
{
  guint latency_ms;
  gboolean relay_only;
  const DaoIceConfig *ice;      /* nullable */
  const gchar *ca_file;         /* nullable: trusted besides the system's, for turns: servers */
  guint codecs;                 /* bits of GstDaoCodec we can send */
  GstDaoCodec prefer;           /* video codec to offer, or to take of several offered */
  GstDaoMediaSrc *src[2];       /* by DaoMedia: where received frames go */
  guint run;                    /* of src[] */
  gboolean ciphertext_in[2];    /* local frames are ciphertext already */
  gboolean ciphertext_out[2];   /* received frames are wanted as ciphertext */
} GstDaoLegConfig;

/* @parent: gets the leg's elements as one locked child bin */
GstDaoLeg *gst_dao_leg_new (GstBin * parent, const GstDaoLegConfig * config,
    const GstDaoLegCallbacks * callbacks, gpointer user_data,
    GError ** error);

/* @restart: with new ICE credentials, on a leg that was connected. @video: adds a section where there is none. */
void gst_dao_leg_create_offer (GstDaoLeg * leg, gboolean restart,
    gboolean video);
void gst_dao_leg_create_answer (GstDaoLeg * leg, const gchar * offer);
void gst_dao_leg_apply_answer (GstDaoLeg * leg, const gchar * answer);
void gst_dao_leg_add_candidate (GstDaoLeg * leg, const gchar * candidate,
    const gchar * mid, gint mline_index);

/* Before any media flows. NULL = no frame encryption. The handles must stay valid as long as the leg. */
void gst_dao_leg_set_keys (GstDaoLeg * leg, DaoCallKeys * keys);

/**
 * gst_dao_leg_start_sender:
 * @caps: of the encoded frames that will come
 * @force_key: (nullable): sink pad of the element, gets key requests of the peer
 *
 * Returns: (transfer full): the appsrc for the frames of @media; NULL without @error
 * when the peer does not take this medium
 */
GstElement *gst_dao_leg_start_sender (GstDaoLeg * leg, DaoMedia media,
    GstCaps * caps, GstPad * force_key, GError ** error);

/* Once the senders have started */
void gst_dao_leg_distribute_latency (GstDaoLeg * leg);

/**
 * gst_dao_leg_move_encryptor:
 *
 * @to sends @media with the encryptor that @from used, whose counters go on. Nothing must be
 * pushed into the appsrc of @from any more.
 */
void gst_dao_leg_move_encryptor (GstDaoLeg * from, GstDaoLeg * to,
    DaoMedia media);

/* The codec agreed for @media, NONE before the answer or when refused */
GstDaoCodec gst_dao_leg_get_codec (GstDaoLeg * leg, DaoMedia media);
/* By the direction in its last description (hold: FALSE): will the peer take, or send, this medium? */
gboolean gst_dao_leg_peer_receives (GstDaoLeg * leg, DaoMedia media);
gboolean gst_dao_leg_peer_sends (GstDaoLeg * leg, DaoMedia media);
/* Asks the peer for a key frame; any thread. */
void gst_dao_leg_request_key (GstDaoLeg * leg);
/* Leaves its graph in GST_DEBUG_DUMP_DOT_DIR, without properties: they have secrets. */
void gst_dao_leg_dump (GstDaoLeg * leg);
void gst_dao_leg_get_counts (GstDaoLeg * leg, GstDaoTransportCounts * counts);
/* Is the address that the call uses not one of this host any more, but another one is there? */
gboolean gst_dao_leg_lost_address (GstDaoLeg * leg);
/* The last step of setting up that was reached, as in the log; "" before the first */
const gchar *gst_dao_leg_get_step (GstDaoLeg * leg);
/* "relay" in either selected candidate */
gboolean gst_dao_leg_is_relayed (GstDaoLeg * leg);
/* It uses a relay address of ours, and is older than its TURN credentials should become
 * (dao_ice_config_get_renewal_us()). */
gboolean gst_dao_leg_credentials_end (GstDaoLeg * leg);

/**
 * gst_dao_leg_close:
 *
 * No callback comes afterwards, no packet passes. The elements go to NULL on a worker;
 * drops the caller's reference.
 */
void gst_dao_leg_close (GstDaoLeg * leg);

/* Makes the process's DTLS certificate ahead of the first call (100 to 350 ms). May block: on a worker. */
void gst_dao_leg_warm_up (void);

G_END_DECLS
