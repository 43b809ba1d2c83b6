/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaosdp.h"
#include "dao-signal.h"

#include <gst/sdp/sdp.h>
#include <string.h>

/* RFC 8285: one-byte header extensions, the only ones the payloaders write */
#define MAX_EXTMAP_ID 14
/* Lines of all sections; a browser with every codec writes about 300. */
#define MAX_ATTRIBUTES 2000

G_DEFINE_QUARK (gst-dao-sdp-error-quark, gst_dao_sdp_error)

#define FAIL(code, ...) G_STMT_START { \
  g_set_error (error, GST_DAO_SDP_ERROR, GST_DAO_SDP_ERROR_##code, __VA_ARGS__); \
  return FALSE; \
} G_STMT_END

static const struct
{
  GstDaoCodec codec;
  DaoMedia media;
  const gchar *rtpmap;          /* name/clock[/channels], RFC 7587, 7741, 9628 */
  const gchar *encoding_name;
  const gchar *media_type;
} codec_table[] = {
  {GST_DAO_CODEC_OPUS, DAO_MEDIA_AUDIO, "opus/48000/2", "OPUS",
      "audio/x-opus"},
  {GST_DAO_CODEC_VP8, DAO_MEDIA_VIDEO, "VP8/90000", "VP8", "video/x-vp8"},
  {GST_DAO_CODEC_VP9, DAO_MEDIA_VIDEO, "VP9/90000", "VP9", "video/x-vp9"},
};

const gchar *
gst_dao_codec_encoding_name (GstDaoCodec codec)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (codec_table); i++)
    if (codec_table[i].codec == codec)
      return codec_table[i].encoding_name;
  return NULL;
}

const gchar *
gst_dao_codec_media_type (GstDaoCodec codec)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (codec_table); i++)
    if (codec_table[i].codec == codec)
      return codec_table[i].media_type;
  return NULL;
}

const gchar *
gst_dao_codec_rtpmap (GstDaoCodec codec)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (codec_table); i++)
    if (codec_table[i].codec == codec)
      return codec_table[i].rtpmap;
  return NULL;
}

const GstDaoSdpMedia *
gst_dao_sdp_find (const GstDaoSdp * sdp, DaoMedia media)
{
  guint i;

  for (i = 0; i < sdp->n_media; i++)
    if (sdp->media[i].media == media)
      return &sdp->media[i];
  return NULL;
}

/* --- small readers --- */

/* NULL is no number: what is left of an empty attribute. */
static gboolean
parse_uint (const gchar * text, guint64 max, guint64 * value)
{
  return text && g_ascii_string_to_unsigned (text, 10, 0, max, value, NULL);
}

/* "PT rest": the payload type, and where the rest begins */
static gboolean
parse_pt (const gchar * text, gint * pt, const gchar ** rest)
{
  gchar *end;
  guint64 value;

  if (!g_ascii_isdigit (*text))
    return FALSE;
  value = g_ascii_strtoull (text, &end, 10);
  if (value > 127 || (*end != ' ' && *end != '\0'))
    return FALSE;
  *pt = value;
  *rest = *end ? end + 1 : end;
  return TRUE;
}

static gboolean
is_token (const gchar * text, gsize min, gsize max)
{
  gsize i, n = strlen (text);

  for (i = 0; i < n; i++)
    if (!g_ascii_isalnum (text[i]) && !strchr ("+/-_.", text[i]))
      return FALSE;
  return n >= min && n <= max;
}

static gboolean
has_pt (const GstSDPMedia * m, gint pt)
{
  guint i;

  for (i = 0; i < gst_sdp_media_formats_len (m); i++) {
    guint64 value;

    if (parse_uint (gst_sdp_media_get_format (m, i), 127, &value)
        && (gint) value == pt)
      return TRUE;
  }
  return FALSE;
}

/* The value of `a=name:PT value` */
static const gchar *
find_pt_attribute (const GstSDPMedia * m, const gchar * name, gint pt)
{
  const gchar *value, *rest;
  gint found;
  guint i;

  for (i = 0; (value = gst_sdp_media_get_attribute_val_n (m, name, i)); i++)
    if (parse_pt (value, &found, &rest) && found == pt)
      return rest;
  return NULL;
}

/* Session level counts for every section (RFC 8866, 5.13). */
static const gchar *
get_attribute (const GstSDPMessage * message, const GstSDPMedia * m,
    const gchar * name)
{
  const gchar *value = gst_sdp_media_get_attribute_val (m, name);

  return value ? value : gst_sdp_message_get_attribute_val (message, name);
}

/* --- one section --- */

static gboolean
codec_fits (const GstSDPMedia * m, guint entry, gint pt)
{
  const gchar *fmtp, *profile;

  if (!has_pt (m, pt))
    return FALSE;
  if (codec_table[entry].codec != GST_DAO_CODEC_VP9)
    return TRUE;
  /* profile 0 is what we encode; no profile-id means 0 */
  fmtp = find_pt_attribute (m, "fmtp", pt);
  profile = fmtp ? strstr (fmtp, "profile-id=") : NULL;
  if (!profile)
    return TRUE;
  profile += strlen ("profile-id=");
  return profile[0] == '0' && !g_ascii_isalnum (profile[1]);
}

static void
choose_codec (const GstSDPMedia * m, guint codecs, GstDaoCodec prefer,
    GstDaoSdpMedia * out)
{
  const gchar *value, *rest;
  gint pt;
  guint i, entry;

  for (i = 0; (value = gst_sdp_media_get_attribute_val_n (m, "rtpmap", i));
      i++) {
    if (!parse_pt (value, &pt, &rest))
      continue;
    for (entry = 0; entry < G_N_ELEMENTS (codec_table); entry++) {
      GstDaoCodec codec = codec_table[entry].codec;

      if (codec_table[entry].media != out->media || !(codecs & codec)
          || g_ascii_strcasecmp (rest, codec_table[entry].rtpmap)
          || !codec_fits (m, entry, pt))
        continue;
      if (out->codec == GST_DAO_CODEC_NONE
          || (codec == prefer && out->codec != prefer)) {
        out->codec = codec;
        out->pt = pt;
      }
    }
  }
}

static void
find_rtx (const GstSDPMedia * m, GstDaoSdpMedia * out)
{
  const gchar *value, *rest, *fmtp;
  gchar *apt = g_strdup_printf ("apt=%d", out->pt);
  gint pt;
  guint i;

  out->rtx_pt = -1;
  for (i = 0; (value = gst_sdp_media_get_attribute_val_n (m, "rtpmap", i));
      i++) {
    if (!parse_pt (value, &pt, &rest) || g_ascii_strcasecmp (rest, "rtx/90000")
        || pt == out->pt || !has_pt (m, pt))
      continue;
    fmtp = find_pt_attribute (m, "fmtp", pt);
    if (fmtp && g_str_has_prefix (fmtp, apt)
        && !g_ascii_isdigit (fmtp[strlen (apt)]))
      out->rtx_pt = pt;
  }
  g_free (apt);
}

static void
find_twcc (const GstSDPMedia * m, GstDaoSdpMedia * out)
{
  const gchar *value;
  guint i;

  for (i = 0; (value = gst_sdp_media_get_attribute_val_n (m, "extmap", i));
      i++) {
    gchar **parts = g_strsplit (value, " ", 3);
    guint64 id;

    if (parts[0] && parts[1] && g_str_equal (parts[1], GST_DAO_TWCC_URI)
        && parse_uint (parts[0], MAX_EXTMAP_ID, &id) && id > 0)
      out->twcc_id = id;
    g_strfreev (parts);
  }
}

static void
find_ssrcs (const GstSDPMedia * m, GstDaoSdpMedia * out)
{
  const gchar *fid = gst_sdp_media_get_attribute_val (m, "ssrc-group");
  const gchar *value = gst_sdp_media_get_attribute_val (m, "ssrc");
  guint64 ssrc;

  if (fid && g_str_has_prefix (fid, "FID ")) {
    gchar **parts = g_strsplit (fid, " ", 4);

    if (parts[1] && parts[2] && !parts[3]
        && parse_uint (parts[1], G_MAXUINT32, &ssrc)) {
      out->ssrc = ssrc;
      if (parse_uint (parts[2], G_MAXUINT32, &ssrc))
        out->rtx_ssrc = ssrc;
    }
    g_strfreev (parts);
  } else if (value) {
    gchar **parts = g_strsplit (value, " ", 2);

    if (parse_uint (parts[0], G_MAXUINT32, &ssrc))
      out->ssrc = ssrc;
    g_strfreev (parts);
  }
}

static void
parse_direction (const GstSDPMessage * message, const GstSDPMedia * m,
    GstDaoSdpMedia * out)
{
  static const struct
  {
    const gchar *name;
    gboolean sends, receives;
  } directions[] = {
    {"sendrecv", TRUE, TRUE}, {"sendonly", TRUE, FALSE},
    {"recvonly", FALSE, TRUE}, {"inactive", FALSE, FALSE},
  };
  guint i;

  out->sends = out->receives = TRUE;
  for (i = 0; i < G_N_ELEMENTS (directions); i++)
    if (get_attribute (message, m, directions[i].name)) {
      out->sends = directions[i].sends;
      out->receives = directions[i].receives;
    }
}

static gboolean
parse_section (const GstSDPMessage * message, const GstSDPMedia * m,
    gboolean is_offer, guint codecs, GstDaoCodec prefer, GstDaoSdpMedia * out,
    GError ** error)
{
  const gchar *kind = gst_sdp_media_get_media (m);
  const gchar *mid = gst_sdp_media_get_attribute_val (m, "mid");

  if (g_strcmp0 (kind, "audio") == 0)
    out->media = DAO_MEDIA_AUDIO;
  else if (g_strcmp0 (kind, "video") == 0)
    out->media = DAO_MEDIA_VIDEO;
  else
    FAIL (MEDIA, "a section is neither audio nor video");
  if (g_strcmp0 (gst_sdp_media_get_proto (m), "UDP/TLS/RTP/SAVPF"))
    FAIL (SECURITY, "the %s section is not UDP/TLS/RTP/SAVPF", kind);
  if (!mid || !is_token (mid, 1, GST_DAO_SDP_MAX_MID))
    FAIL (SYNTAX, "the %s section has no usable mid", kind);
  g_strlcpy (out->mid, mid, sizeof (out->mid));
  /* RFC 9143, 6: port 0 of a bundle-only section in an offer is no refusal */
  out->accepted = gst_sdp_media_get_port (m) != 0
      || (is_offer && gst_sdp_media_get_attribute_val (m, "bundle-only"));

  choose_codec (m, codecs, prefer, out);
  if (out->codec == GST_DAO_CODEC_NONE) {
    if (out->accepted)
      FAIL (CODEC, "the %s section has no codec we can use (%s)", kind,
          out->media == DAO_MEDIA_AUDIO ? "Opus" : "VP8, VP9 profile 0");
    out->rtx_pt = -1;
    return TRUE;
  }
  if (out->accepted && !gst_sdp_media_get_attribute_val (m, "rtcp-mux"))
    FAIL (MEDIA, "the %s section has no rtcp-mux", kind);
  if (out->media == DAO_MEDIA_VIDEO)
    find_rtx (m, out);
  else
    out->rtx_pt = -1;
  find_twcc (m, out);
  find_ssrcs (m, out);
  parse_direction (message, m, out);
  return TRUE;
}

/* --- what all accepted sections share --- */

static gboolean
parse_credentials (const GstSDPMessage * message, const GstSDPMedia * m,
    GstDaoSdp * sdp, gboolean first, GError ** error)
{
  const gchar *ufrag = get_attribute (message, m, "ice-ufrag");
  const gchar *pwd = get_attribute (message, m, "ice-pwd");

  if (!ufrag || !is_token (ufrag, 4, GST_DAO_SDP_MAX_ICE)
      || !pwd || !is_token (pwd, 22, GST_DAO_SDP_MAX_ICE))
    FAIL (SECURITY, "ICE credentials are missing or malformed");
  if (!first && (strcmp (sdp->ufrag, ufrag) || strcmp (sdp->pwd, pwd)))
    FAIL (SECURITY, "ICE credentials differ between sections");
  g_strlcpy (sdp->ufrag, ufrag, sizeof (sdp->ufrag));
  g_strlcpy (sdp->pwd, pwd, sizeof (sdp->pwd));
  return TRUE;
}

static gboolean
take_fingerprint (GstDaoSdp * sdp, const gchar * value, gboolean * found,
    GError ** error)
{
  GstDaoFingerprint fingerprint;

  if (!gst_dao_fingerprint_parse (value, &fingerprint))
    FAIL (SECURITY, "a fingerprint is malformed or weaker than sha-256");
  if (*found && !gst_dao_fingerprint_equal (&sdp->fingerprint, &fingerprint))
    FAIL (SECURITY, "the fingerprints of the description differ");
  sdp->fingerprint = fingerprint;
  *found = TRUE;
  return TRUE;
}

static gboolean
parse_fingerprints (const GstSDPMessage * message, GstDaoSdp * sdp,
    GError ** error)
{
  gboolean found = FALSE, session_level = FALSE;
  const gchar *value;
  guint i, n;

  for (n = 0; (value = gst_sdp_message_get_attribute_val_n (message,
              "fingerprint", n)); n++) {
    if (!take_fingerprint (sdp, value, &found, error))
      return FALSE;
    session_level = TRUE;
  }
  for (i = 0; i < gst_sdp_message_medias_len (message); i++) {
    const GstSDPMedia *m = gst_sdp_message_get_media (message, i);

    if (!sdp->media[i].accepted)
      continue;
    for (n = 0; (value = gst_sdp_media_get_attribute_val_n (m, "fingerprint",
                n)); n++)
      if (!take_fingerprint (sdp, value, &found, error))
        return FALSE;
    if (n == 0 && !session_level)
      FAIL (SECURITY, "a section has no fingerprint");
  }
  return TRUE;
}

static gboolean
parse_setup (const GstSDPMessage * message, const GstSDPMedia * m,
    GstDaoSdp * sdp, gboolean first, GError ** error)
{
  const gchar *value = get_attribute (message, m, "setup");
  GstDaoSetup setup;

  if (g_strcmp0 (value, "actpass") == 0 && sdp->is_offer)
    setup = GST_DAO_SETUP_ACTPASS;
  else if (g_strcmp0 (value, "active") == 0)
    setup = GST_DAO_SETUP_ACTIVE;
  else if (g_strcmp0 (value, "passive") == 0)
    setup = GST_DAO_SETUP_PASSIVE;
  else
    FAIL (SECURITY, "a=setup is missing or wrong");
  if (!first && setup != sdp->setup)
    FAIL (SECURITY, "a=setup differs between sections");
  sdp->setup = setup;
  return TRUE;
}

/* One BUNDLE group of exactly the accepted sections (webrtcbin.md, 11) */
static gboolean
check_bundle (const GstSDPMessage * message, const GstDaoSdp * sdp,
    GError ** error)
{
  const gchar *group = gst_sdp_message_get_attribute_val (message, "group");
  gchar **mids;
  guint i, accepted = 0, n;
  gboolean ok = TRUE;

  if (gst_sdp_message_get_attribute_val_n (message, "group", 1)
      || !group || !g_str_has_prefix (group, "BUNDLE "))
    FAIL (MEDIA, "the description has not one BUNDLE group");
  mids = g_strsplit (group + strlen ("BUNDLE "), " ", GST_DAO_SDP_MAX_MEDIA + 2);
  n = g_strv_length (mids);
  for (i = 0; i < sdp->n_media; i++)
    if (sdp->media[i].accepted) {
      accepted++;
      ok &= g_strv_contains ((const gchar * const *) mids, sdp->media[i].mid);
    }
  g_strfreev (mids);
  if (!ok || n != accepted)
    FAIL (MEDIA, "the BUNDLE group is not the accepted sections");
  return TRUE;
}

/* Bundled sections share one RTP session: its payload types and SSRCs tell them apart. */
static gboolean
share_pt (const GstDaoSdpMedia * a, const GstDaoSdpMedia * b)
{
  return a->pt == b->pt || a->pt == b->rtx_pt || a->rtx_pt == b->pt;
}

static gboolean
share_ssrc (const GstDaoSdpMedia * a, const GstDaoSdpMedia * b)
{
  return (a->ssrc && (a->ssrc == b->ssrc || a->ssrc == b->rtx_ssrc))
      || (a->rtx_ssrc && a->rtx_ssrc == b->ssrc);
}

static gboolean
check_distinct (const GstDaoSdp * sdp, GError ** error)
{
  const GstDaoSdpMedia *a = &sdp->media[0], *b = &sdp->media[1];

  if (sdp->n_media < 2)
    return TRUE;
  if (a->media == b->media)
    FAIL (MEDIA, "two sections of one kind");
  if (g_str_equal (a->mid, b->mid))
    FAIL (MEDIA, "two sections with one mid");
  if (a->accepted && b->accepted && share_pt (a, b))
    FAIL (MEDIA, "two sections with one payload type");
  if (a->accepted && b->accepted && share_ssrc (a, b))
    FAIL (MEDIA, "two sections with one SSRC");
  return TRUE;
}

static gboolean
parse_message (const GstSDPMessage * message, guint codecs,
    GstDaoCodec prefer, GstDaoSdp * sdp, GError ** error)
{
  const GstSDPOrigin *origin = gst_sdp_message_get_origin (message);
  gboolean first = TRUE;
  guint i, n_attributes = gst_sdp_message_attributes_len (message);

  sdp->n_media = gst_sdp_message_medias_len (message);
  if (sdp->n_media < 1 || sdp->n_media > GST_DAO_SDP_MAX_MEDIA)
    FAIL (MEDIA, "%u sections; one audio and at most one video are served",
        sdp->n_media);
  for (i = 0; i < sdp->n_media; i++)
    n_attributes +=
        gst_sdp_media_attributes_len (gst_sdp_message_get_media (message, i));
  if (n_attributes > MAX_ATTRIBUTES)
    FAIL (LIMIT, "more than %d lines", MAX_ATTRIBUTES);
  if (!parse_uint (origin->sess_id, G_MAXUINT64, &sdp->session_id)
      || !parse_uint (origin->sess_version, G_MAXUINT64,
          &sdp->session_version))
    FAIL (SYNTAX, "the o= line is malformed");

  for (i = 0; i < sdp->n_media; i++)
    if (!parse_section (message, gst_sdp_message_get_media (message, i),
            sdp->is_offer, codecs, prefer, &sdp->media[i], error))
      return FALSE;
  for (i = 0; i < sdp->n_media; i++) {
    const GstSDPMedia *m = gst_sdp_message_get_media (message, i);

    if (!sdp->media[i].accepted)
      continue;
    if (!parse_credentials (message, m, sdp, first, error)
        || !parse_setup (message, m, sdp, first, error))
      return FALSE;
    first = FALSE;
  }
  if (first)
    FAIL (MEDIA, "no section is accepted");
  return parse_fingerprints (message, sdp, error)
      && check_bundle (message, sdp, error) && check_distinct (sdp, error);
}

gboolean
gst_dao_sdp_parse (const gchar * text, gboolean is_offer, guint codecs,
    GstDaoCodec prefer, GstDaoSdp * sdp, GError ** error)
{
  GstSDPMessage *message = NULL;
  gsize length = strlen (text);
  gboolean ok;

  memset (sdp, 0, sizeof (*sdp));
  sdp->is_offer = is_offer;
  if (length > DAO_SIGNAL_MAX_SDP)
    FAIL (LIMIT, "the SDP has %" G_GSIZE_FORMAT " bytes", length);
  if (!g_utf8_validate (text, length, NULL) || !g_str_has_prefix (text, "v=0"))
    FAIL (SYNTAX, "this is no SDP");
  if (gst_sdp_message_new_from_text (text, &message) != GST_SDP_OK)
    FAIL (SYNTAX, "the SDP cannot be parsed");
  ok = parse_message (message, codecs, prefer, sdp, error);
  gst_sdp_message_free (message);
  return ok;
}

/* --- one description against another --- */

static gboolean
check_same_sections (const GstDaoSdp * a, const GstDaoSdp * b,
    GError ** error)
{
  guint i;

  if (b->n_media < a->n_media)
    FAIL (MISMATCH, "sections were removed");
  for (i = 0; i < a->n_media; i++)
    if (a->media[i].media != b->media[i].media
        || strcmp (a->media[i].mid, b->media[i].mid))
      FAIL (MISMATCH, "sections were reordered or relabelled");
  return TRUE;
}

gboolean
gst_dao_sdp_check_answer (const GstDaoSdp * offer, const GstDaoSdp * answer,
    GError ** error)
{
  guint i;

  if (offer->n_media != answer->n_media)
    FAIL (MISMATCH, "the answer has %u sections, the offer %u",
        answer->n_media, offer->n_media);
  if (!check_same_sections (offer, answer, error))
    return FALSE;
  for (i = 0; i < offer->n_media; i++) {
    const GstDaoSdpMedia *o = &offer->media[i], *a = &answer->media[i];

    if (!a->accepted)
      continue;
    if (!o->accepted || a->codec != o->codec || a->pt != o->pt)
      FAIL (MISMATCH, "the answer takes what was not offered");
    if (a->rtx_pt != -1 && a->rtx_pt != o->rtx_pt)
      FAIL (MISMATCH, "the answer changes the retransmission payload type");
  }
  if (answer->setup == GST_DAO_SETUP_ACTPASS
      || (offer->setup != GST_DAO_SETUP_ACTPASS
          && offer->setup == answer->setup))
    FAIL (SECURITY, "the answer's a=setup does not fit the offer");
  return TRUE;
}

gboolean
gst_dao_sdp_check_next (const GstDaoSdp * previous, const GstDaoSdp * next,
    GError ** error)
{
  guint i;

  if (!check_same_sections (previous, next, error))
    return FALSE;
  for (i = 0; i < previous->n_media; i++) {
    const GstDaoSdpMedia *p = &previous->media[i], *n = &next->media[i];

    if (p->accepted != n->accepted)
      FAIL (MISMATCH, "a section was switched on or off");
    if (p->accepted && (p->codec != n->codec || p->pt != n->pt
            || p->rtx_pt != n->rtx_pt))
      FAIL (MISMATCH, "payload types changed");
  }
  if (!gst_dao_fingerprint_equal (&previous->fingerprint, &next->fingerprint))
    FAIL (SECURITY, "the fingerprint changed within a peer connection");
  /* RFC 8842, 5.5: only an offer leaves the DTLS roles open again */
  if (next->setup != previous->setup && next->setup != GST_DAO_SETUP_ACTPASS
      && previous->setup != GST_DAO_SETUP_ACTPASS)
    FAIL (SECURITY, "a=setup changed within a peer connection");
  return TRUE;
}

void
gst_dao_sdp_keep_setup (GstDaoSdp * offer, const GstDaoSdp * previous,
    const GstDaoSdp * own)
{
  if (offer->setup != GST_DAO_SETUP_ACTPASS)
    return;
  if (previous->setup != GST_DAO_SETUP_ACTPASS)
    offer->setup = previous->setup;
  else
    offer->setup = own->setup == GST_DAO_SETUP_ACTIVE ?
        GST_DAO_SETUP_PASSIVE : GST_DAO_SETUP_ACTIVE;
}

gboolean
gst_dao_sdp_check_own (const GstDaoSdp * sdp, GError ** error)
{
  guint i;

  for (i = 0; i < sdp->n_media; i++)
    if (sdp->media[i].accepted
        && !(sdp->media[i].sends && sdp->media[i].receives))
      FAIL (MEDIA, "our %s section is not sendrecv",
          sdp->media[i].media == DAO_MEDIA_AUDIO ? "audio" : "video");
  return TRUE;
}
