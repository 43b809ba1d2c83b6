/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaocallprops.h"

GType
gst_dao_e2ee_policy_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    {DAO_E2EE_AUTO, "Encrypt frames when the peer can", "auto"},
    {DAO_E2EE_REQUIRED, "Refuse calls without frame encryption", "required"},
    {DAO_E2EE_OFF, "Never encrypt frames (DTLS-SRTP only)", "off"},
    {0, NULL, NULL}
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstDaoE2eePolicy",
            values));
  return type;
}

GType
gst_dao_min_trust_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    {DAO_TRUST_UNVERIFIED, "Any contact whose keys did not change", "any"},
    {DAO_TRUST_VERIFIED, "Contacts whose safety code was compared",
        "verified"},
    {0, NULL, NULL}
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstDaoMinTrust",
            values));
  return type;
}

GType
gst_dao_video_codec_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    {GST_DAO_VIDEO_CODEC_VP8, "VP8", "vp8"},
    {GST_DAO_VIDEO_CODEC_VP9, "VP9", "vp9"},
    {0, NULL, NULL}
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstDaoVideoCodec",
            values));
  return type;
}

GType
gst_dao_call_state_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    {DAO_CALL_IDLE, "No call", "idle"},
    {DAO_CALL_CALLING, "Waiting for the peer's answer", "calling"},
    {DAO_CALL_RINGING, "The peer waits for our answer", "ringing"},
    {DAO_CALL_CONNECTING, "Answered, media path being set up", "connecting"},
    {DAO_CALL_CONNECTED, "Media flows", "connected"},
    {DAO_CALL_HANGUP, "Hung up by either side", "hangup"},
    {DAO_CALL_REJECTED, "Rejected by either side", "rejected"},
    {DAO_CALL_ENDED, "Ended by a timer or an error", "ended"},
    {0, NULL, NULL}
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstDaoCallState",
            values));
  return type;
}

static void
install_settings (GObjectClass * klass)
{
  const GParamFlags rw = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  const GParamFlags ready = rw | GST_PARAM_MUTABLE_READY;
  const GParamFlags live = rw | GST_PARAM_MUTABLE_PLAYING;

  g_object_class_install_property (klass, GST_DAO_CALL_PROP_RELAY,
      g_param_spec_string ("relay", "Relay",
          "Base URL of the relay server (NULL = the identity file's)", NULL,
          ready));
  g_object_class_install_property (klass, GST_DAO_CALL_PROP_IDENTITY,
      g_param_spec_string ("identity", "Identity",
          "Path of the identity file (NULL = $DAO_IDENTITY, then "
          "$XDG_CONFIG_HOME/dao/identity.json)", NULL, ready));
  g_object_class_install_property (klass, GST_DAO_CALL_PROP_PEER,
      g_param_spec_string ("peer", "Peer",
          "Alias to call when the element starts to play "
          "(NULL = wait for a call)", NULL, ready));
  g_object_class_install_property (klass, GST_DAO_CALL_PROP_AUTO_ANSWER,
      g_param_spec_boolean ("auto-answer", "Auto answer",
          "Answer calls of allowed contacts without asking", FALSE, live));
  g_object_class_install_property (klass, GST_DAO_CALL_PROP_ALLOW,
      g_param_spec_string ("allow", "Allow",
          "Aliases that may be auto-answered, separated by commas "
          "(NULL = every local contact)", NULL, live));
  g_object_class_install_property (klass, GST_DAO_CALL_PROP_ALWAYS_RELAY,
      g_param_spec_boolean ("always-relay", "Always relay",
          "Send and receive media through a TURN server only", FALSE, ready));
  g_object_class_install_property (klass, GST_DAO_CALL_PROP_CA_FILE,
      g_param_spec_string ("ca-file", "CA file",
          "PEM file of certificate authorities to trust besides the system's "
          "for TURN servers over TLS", NULL, ready));
  g_object_class_install_property (klass, GST_DAO_CALL_PROP_E2EE,
      g_param_spec_enum ("e2ee", "End-to-end encryption",
          "Whether frames are encrypted end to end",
          gst_dao_e2ee_policy_get_type (), DAO_E2EE_AUTO, ready));
  g_object_class_install_property (klass, GST_DAO_CALL_PROP_MIN_TRUST,
      g_param_spec_enum ("min-trust", "Minimum trust",
          "Trust a contact needs to call or to be called",
          gst_dao_min_trust_get_type (), DAO_TRUST_UNVERIFIED, ready));
  g_object_class_install_property (klass, GST_DAO_CALL_PROP_MUTE_AUDIO,
      g_param_spec_boolean ("mute-audio", "Mute audio",
          "Send silence instead of the local audio", FALSE, live));
  g_object_class_install_property (klass, GST_DAO_CALL_PROP_MUTE_VIDEO,
      g_param_spec_boolean ("mute-video", "Mute video",
          "Send a black picture instead of the local video", FALSE, live));
  g_object_class_install_property (klass, GST_DAO_CALL_PROP_LATENCY,
      g_param_spec_uint ("latency", "Latency",
          "Jitter buffer of received media in ms", 0, 10000,
          GST_DAO_DEFAULT_LATENCY_MS, ready));
  g_object_class_install_property (klass, GST_DAO_CALL_PROP_VIDEO_CODEC,
      g_param_spec_enum ("video-codec", "Video codec",
          "Video codec to offer; an answer takes VP8 or VP9 as offered",
          gst_dao_video_codec_get_type (), GST_DAO_VIDEO_CODEC_VP8, ready));
}

static void
install_state (GObjectClass * klass)
{
  const GParamFlags ro = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  g_object_class_install_property (klass, GST_DAO_CALL_PROP_CALL_STATE,
      g_param_spec_enum ("call-state", "Call state", "State of the call",
          gst_dao_call_state_get_type (), DAO_CALL_IDLE, ro));
  g_object_class_install_property (klass, GST_DAO_CALL_PROP_CALL_ID,
      g_param_spec_string ("call-id", "Call ID",
          "Identifier of the current or last call", NULL, ro));
  g_object_class_install_property (klass, GST_DAO_CALL_PROP_REMOTE_ALIAS,
      g_param_spec_string ("remote-alias", "Remote alias",
          "Alias of the other side of the current or last call", NULL, ro));
  g_object_class_install_property (klass, GST_DAO_CALL_PROP_IS_VIDEO,
      g_param_spec_boolean ("is-video", "Is video",
          "Whether the call has video", FALSE, ro));
  g_object_class_install_property (klass, GST_DAO_CALL_PROP_DURATION,
      g_param_spec_uint64 ("duration", "Duration",
          "Time since the call connected in ns; of the last call when over",
          0, G_MAXUINT64, 0, ro));
  g_object_class_install_property (klass, GST_DAO_CALL_PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Statistics of the call, with W3C names where they exist",
          GST_TYPE_STRUCTURE, ro));
}

static void
install_signals (GType type, const GstDaoCallMethods * methods,
    guint * signals)
{
  const GSignalFlags action = G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION;

  signals[GST_DAO_CALL_SIGNAL_CALL] =
      g_signal_new_class_handler ("call", type, action,
      G_CALLBACK (methods->call), NULL, NULL, NULL, G_TYPE_BOOLEAN, 3,
      G_TYPE_STRING, G_TYPE_BOOLEAN, G_TYPE_BOOLEAN);
  signals[GST_DAO_CALL_SIGNAL_ANSWER] =
      g_signal_new_class_handler ("answer", type, action,
      G_CALLBACK (methods->answer), NULL, NULL, NULL, G_TYPE_BOOLEAN, 0);
  signals[GST_DAO_CALL_SIGNAL_REJECT] =
      g_signal_new_class_handler ("reject", type, action,
      G_CALLBACK (methods->reject), NULL, NULL, NULL, G_TYPE_BOOLEAN, 0);
  signals[GST_DAO_CALL_SIGNAL_HANGUP] =
      g_signal_new_class_handler ("hangup", type, action,
      G_CALLBACK (methods->hangup), NULL, NULL, NULL, G_TYPE_BOOLEAN, 0);
  signals[GST_DAO_CALL_SIGNAL_ADD_VIDEO] =
      g_signal_new_class_handler ("add-video", type, action,
      G_CALLBACK (methods->add_video), NULL, NULL, NULL, G_TYPE_BOOLEAN, 0);
  signals[GST_DAO_CALL_SIGNAL_INCOMING] =
      g_signal_new ("incoming-call", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
      NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_BOOLEAN);
}

void
gst_dao_call_props_install (GObjectClass * klass,
    const GstDaoCallMethods * methods, guint * signals)
{
  install_settings (klass);
  install_state (klass);
  install_signals (G_TYPE_FROM_CLASS (klass), methods, signals);
}

void
gst_dao_call_settings_init (GstDaoCallSettings * settings)
{
  memset (settings, 0, sizeof (*settings));
  settings->latency = GST_DAO_DEFAULT_LATENCY_MS;
}

void
gst_dao_call_settings_clear (GstDaoCallSettings * settings)
{
  g_clear_pointer (&settings->relay, g_free);
  g_clear_pointer (&settings->identity, g_free);
  g_clear_pointer (&settings->peer, g_free);
  g_clear_pointer (&settings->ca_file, g_free);
  g_clear_pointer (&settings->allow, g_strfreev);
}

void
gst_dao_call_settings_copy (GstDaoCallSettings * dest,
    const GstDaoCallSettings * src)
{
  gst_dao_call_settings_clear (dest);
  *dest = *src;
  dest->relay = g_strdup (src->relay);
  dest->identity = g_strdup (src->identity);
  dest->peer = g_strdup (src->peer);
  dest->ca_file = g_strdup (src->ca_file);
  dest->allow = g_strdupv (src->allow);
}

static void
take_string (gchar ** member, const GValue * value)
{
  const gchar *text = g_value_get_string (value);

  g_free (*member);
  /* "" from a pipeline string means the same as not set */
  *member = text && *text ? g_strdup (text) : NULL;
}

/* A string, because launch lines cannot set lists. A list without any alias in it, say
 * "," from a script, allows nobody; only an empty string is "not set". */
static void
take_list (gchar *** member, const GValue * value)
{
  const gchar *text = g_value_get_string (value);
  guint i;

  g_strfreev (*member);
  *member = text && *text ? g_strsplit (text, ",", -1) : NULL;
  for (i = 0; *member && (*member)[i]; i++)
    g_strstrip ((*member)[i]);
}

gboolean
gst_dao_call_settings_set (GstDaoCallSettings * settings, guint prop_id,
    const GValue * value)
{
  switch (prop_id) {
    case GST_DAO_CALL_PROP_RELAY:
      take_string (&settings->relay, value);
      return TRUE;
    case GST_DAO_CALL_PROP_IDENTITY:
      take_string (&settings->identity, value);
      return TRUE;
    case GST_DAO_CALL_PROP_PEER:
      take_string (&settings->peer, value);
      return TRUE;
    case GST_DAO_CALL_PROP_AUTO_ANSWER:
      settings->auto_answer = g_value_get_boolean (value);
      return TRUE;
    case GST_DAO_CALL_PROP_ALLOW:
      take_list (&settings->allow, value);
      return TRUE;
    case GST_DAO_CALL_PROP_ALWAYS_RELAY:
      settings->always_relay = g_value_get_boolean (value);
      return TRUE;
    case GST_DAO_CALL_PROP_CA_FILE:
      take_string (&settings->ca_file, value);
      return TRUE;
    case GST_DAO_CALL_PROP_E2EE:
      settings->e2ee = g_value_get_enum (value);
      return TRUE;
    case GST_DAO_CALL_PROP_MIN_TRUST:
      settings->min_trust = g_value_get_enum (value);
      return TRUE;
    case GST_DAO_CALL_PROP_MUTE_AUDIO:
      settings->mute_audio = g_value_get_boolean (value);
      return TRUE;
    case GST_DAO_CALL_PROP_MUTE_VIDEO:
      settings->mute_video = g_value_get_boolean (value);
      return TRUE;
    case GST_DAO_CALL_PROP_LATENCY:
      settings->latency = g_value_get_uint (value);
      return TRUE;
    case GST_DAO_CALL_PROP_VIDEO_CODEC:
      settings->video_codec = g_value_get_enum (value);
      return TRUE;
    default:
      return FALSE;
  }
}

gboolean
gst_dao_call_settings_get (const GstDaoCallSettings * settings,
    guint prop_id, GValue * value)
{
  switch (prop_id) {
    case GST_DAO_CALL_PROP_RELAY:
      g_value_set_string (value, settings->relay);
      return TRUE;
    case GST_DAO_CALL_PROP_IDENTITY:
      g_value_set_string (value, settings->identity);
      return TRUE;
    case GST_DAO_CALL_PROP_PEER:
      g_value_set_string (value, settings->peer);
      return TRUE;
    case GST_DAO_CALL_PROP_AUTO_ANSWER:
      g_value_set_boolean (value, settings->auto_answer);
      return TRUE;
    case GST_DAO_CALL_PROP_ALLOW:
      g_value_take_string (value, settings->allow ?
          g_strjoinv (",", settings->allow) : NULL);
      return TRUE;
    case GST_DAO_CALL_PROP_ALWAYS_RELAY:
      g_value_set_boolean (value, settings->always_relay);
      return TRUE;
    case GST_DAO_CALL_PROP_CA_FILE:
      g_value_set_string (value, settings->ca_file);
      return TRUE;
    case GST_DAO_CALL_PROP_E2EE:
      g_value_set_enum (value, settings->e2ee);
      return TRUE;
    case GST_DAO_CALL_PROP_MIN_TRUST:
      g_value_set_enum (value, settings->min_trust);
      return TRUE;
    case GST_DAO_CALL_PROP_MUTE_AUDIO:
      g_value_set_boolean (value, settings->mute_audio);
      return TRUE;
    case GST_DAO_CALL_PROP_MUTE_VIDEO:
      g_value_set_boolean (value, settings->mute_video);
      return TRUE;
    case GST_DAO_CALL_PROP_LATENCY:
      g_value_set_uint (value, settings->latency);
      return TRUE;
    case GST_DAO_CALL_PROP_VIDEO_CODEC:
      g_value_set_enum (value, settings->video_codec);
      return TRUE;
    default:
      return FALSE;
  }
}

gchar *
gst_dao_call_settings_identity_path (const GstDaoCallSettings * settings)
{
  if (settings->identity)
    return g_strdup (settings->identity);
  return dao_identity_default_path ();
}
