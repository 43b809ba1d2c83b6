/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What daosignaling and daocallsrc show alike: properties and signals of a call
 */
#pragma once

#include <gst/gst.h>
#include "dao-call.h"

G_BEGIN_DECLS

#define GST_DAO_DEFAULT_LATENCY_MS 200

typedef enum
{
  GST_DAO_VIDEO_CODEC_VP8,
  GST_DAO_VIDEO_CODEC_VP9,
} GstDaoVideoCodec;

GType gst_dao_e2ee_policy_get_type (void);
GType gst_dao_min_trust_get_type (void);
GType gst_dao_video_codec_get_type (void);
GType gst_dao_call_state_get_type (void);

/**
 * GstDaoCallSettings:
 *
 * The writable properties. Strings are owned by the struct.
 */
typedef struct
{
  gchar *relay;
  gchar *identity;
  gchar *peer;
  gboolean auto_answer;
  gchar **allow;
  gboolean always_relay;
  gchar *ca_file;
  DaoE2eePolicy e2ee;
  DaoTrust min_trust;
  gboolean mute_audio;
  gboolean mute_video;
  guint latency;
  GstDaoVideoCodec video_codec;
} GstDaoCallSettings;

enum
{
  GST_DAO_CALL_PROP_0,
  GST_DAO_CALL_PROP_RELAY,
  GST_DAO_CALL_PROP_IDENTITY,
  GST_DAO_CALL_PROP_PEER,
  GST_DAO_CALL_PROP_AUTO_ANSWER,
  GST_DAO_CALL_PROP_ALLOW,
  GST_DAO_CALL_PROP_ALWAYS_RELAY,
  GST_DAO_CALL_PROP_CA_FILE,
  GST_DAO_CALL_PROP_E2EE,
  GST_DAO_CALL_PROP_MIN_TRUST,
  GST_DAO_CALL_PROP_MUTE_AUDIO,
  GST_DAO_CALL_PROP_MUTE_VIDEO,
  GST_DAO_CALL_PROP_LATENCY,
  GST_DAO_CALL_PROP_VIDEO_CODEC,
  /* read-only, with notify */
  GST_DAO_CALL_PROP_CALL_STATE,
  GST_DAO_CALL_PROP_CALL_ID,
  GST_DAO_CALL_PROP_REMOTE_ALIAS,
  GST_DAO_CALL_PROP_IS_VIDEO,
  GST_DAO_CALL_PROP_DURATION,
  GST_DAO_CALL_PROP_STATS,
  GST_DAO_CALL_PROP_LAST,       /* first id an element may use for its own */
};

enum
{
  GST_DAO_CALL_SIGNAL_CALL,     /* action: call (alias, audio, video) -> gboolean */
  GST_DAO_CALL_SIGNAL_ANSWER,   /* action: answer () -> gboolean */
  GST_DAO_CALL_SIGNAL_REJECT,   /* action: reject () -> gboolean */
  GST_DAO_CALL_SIGNAL_HANGUP,   /* action: hangup () -> gboolean */
  GST_DAO_CALL_SIGNAL_ADD_VIDEO,        /* action: add-video () -> gboolean: an audio call gets video */
  GST_DAO_CALL_SIGNAL_INCOMING, /* incoming-call (alias, is_video) */
  GST_DAO_CALL_N_SIGNALS,
};

/* Class methods that the action signals call; each returns at once. */
typedef struct
{
  gboolean (*call) (GstElement * element, const gchar * alias, gboolean audio,
      gboolean video);
  gboolean (*answer) (GstElement * element);
  gboolean (*reject) (GstElement * element);
  gboolean (*hangup) (GstElement * element);
  gboolean (*add_video) (GstElement * element);
} GstDaoCallMethods;

/**
 * gst_dao_call_props_install:
 * @signals: (out) (array fixed-size=6): ids of the signals, by GST_DAO_CALL_SIGNAL_*
 *
 * Installs the properties (ids GST_DAO_CALL_PROP_*) and the signals on @klass.
 */
void gst_dao_call_props_install (GObjectClass * klass,
    const GstDaoCallMethods * methods, guint * signals);

void gst_dao_call_settings_init (GstDaoCallSettings * settings);
void gst_dao_call_settings_clear (GstDaoCallSettings * settings);
/* FALSE when @prop_id is none of the writable ones. The caller holds its own lock. */
gboolean gst_dao_call_settings_set (GstDaoCallSettings * settings,
    guint prop_id, const GValue * value);
gboolean gst_dao_call_settings_get (const GstDaoCallSettings * settings,
    guint prop_id, GValue * value);
/* Deep copy into an initialized @dest */
void gst_dao_call_settings_copy (GstDaoCallSettings * dest,
    const GstDaoCallSettings * src);

/* The `identity` that is in force: the property, DAO_IDENTITY, or the default. (transfer full) */
gchar *gst_dao_call_settings_identity_path (const GstDaoCallSettings *
    settings);

G_END_DECLS
