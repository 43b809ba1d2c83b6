/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SDP as text: the model written for webrtcbin, and our own SDP for the wire
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaosdp.h"

#include <string.h>

static void
write_ssrcs (GString * out, const GstDaoSdpMedia * m)
{
  const gchar *name = m->media == DAO_MEDIA_AUDIO ? "audio" : "video";

  if (m->ssrc == 0)
    return;
  if (m->rtx_ssrc)
    g_string_append_printf (out, "a=ssrc-group:FID %u %u\r\n", m->ssrc,
        m->rtx_ssrc);
  g_string_append_printf (out, "a=ssrc:%u cname:peer\r\n"
      "a=ssrc:%u msid:peer %s\r\n", m->ssrc, m->ssrc, name);
  if (m->rtx_ssrc)
    g_string_append_printf (out, "a=ssrc:%u cname:peer\r\n"
        "a=ssrc:%u msid:peer %s\r\n", m->rtx_ssrc, m->rtx_ssrc, name);
}

static void
write_codec (GString * out, const GstDaoSdpMedia * m)
{
  if (m->codec != GST_DAO_CODEC_NONE)
    g_string_append_printf (out, "a=rtpmap:%d %s\r\n", m->pt,
        gst_dao_codec_rtpmap (m->codec));
  if (m->media == DAO_MEDIA_VIDEO)
    g_string_append_printf (out, "a=rtcp-fb:%d nack pli\r\n"
        "a=rtcp-fb:%d ccm fir\r\n", m->pt, m->pt);
  if (m->rtx_pt != -1)
    g_string_append_printf (out, "a=rtcp-fb:%d nack\r\n"
        "a=rtpmap:%d rtx/90000\r\na=fmtp:%d apt=%d\r\n", m->pt, m->rtx_pt,
        m->rtx_pt, m->pt);
  if (m->twcc_id)
    g_string_append_printf (out, "a=rtcp-fb:%d transport-cc\r\n"
        "a=extmap:%d " GST_DAO_TWCC_URI "\r\n", m->pt, m->twcc_id);
}

static void
write_fingerprint (GString * out, const GstDaoFingerprint * fingerprint)
{
  gsize i;

  g_string_append_printf (out, "a=fingerprint:%s ",
      fingerprint->type == G_CHECKSUM_SHA256 ? "sha-256" :
      fingerprint->type == G_CHECKSUM_SHA384 ? "sha-384" : "sha-512");
  for (i = 0; i < fingerprint->length; i++)
    g_string_append_printf (out, "%s%02X", i ? ":" : "",
        fingerprint->digest[i]);
  g_string_append (out, "\r\n");
}

static void
write_section (GString * out, const GstDaoSdp * sdp, const GstDaoSdpMedia * m)
{
  static const gchar *const setups[] = { "actpass", "active", "passive" };
  const gchar *kind = m->media == DAO_MEDIA_AUDIO ? "audio" : "video";

  if (!m->accepted) {
    g_string_append_printf (out, "m=%s 0 UDP/TLS/RTP/SAVPF %d\r\n"
        "c=IN IP4 0.0.0.0\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=setup:%s\r\n"
        "a=mid:%s\r\na=inactive\r\n", kind, m->pt, sdp->ufrag, sdp->pwd,
        setups[sdp->setup], m->mid);
    /* webrtcbin wants it of every section, also of one that is not there */
    write_fingerprint (out, &sdp->fingerprint);
    return;
  }
  g_string_append_printf (out, "m=%s 9 UDP/TLS/RTP/SAVPF %d", kind, m->pt);
  if (m->rtx_pt != -1)
    g_string_append_printf (out, " %d", m->rtx_pt);
  g_string_append_printf (out, "\r\nc=IN IP4 0.0.0.0\r\n"
      "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=setup:%s\r\na=mid:%s\r\n"
      "a=sendrecv\r\na=rtcp-mux\r\na=rtcp-rsize\r\n", sdp->ufrag, sdp->pwd,
      setups[sdp->setup], m->mid);
  write_fingerprint (out, &sdp->fingerprint);
  write_codec (out, m);
  write_ssrcs (out, m);
}

gchar *
gst_dao_sdp_to_text (const GstDaoSdp * sdp)
{
  GString *out = g_string_new (NULL);
  guint i;

  g_string_append_printf (out, "v=0\r\no=- %" G_GUINT64_FORMAT " %"
      G_GUINT64_FORMAT " IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
      "a=ice-options:trickle\r\na=group:BUNDLE", sdp->session_id,
      sdp->session_version);
  for (i = 0; i < sdp->n_media; i++)
    if (sdp->media[i].accepted)
      g_string_append_printf (out, " %s", sdp->media[i].mid);
  g_string_append (out, "\r\n");
  for (i = 0; i < sdp->n_media; i++)
    write_section (out, sdp, &sdp->media[i]);
  return g_string_free (out, FALSE);
}

gchar *
gst_dao_sdp_strip_candidates (const gchar * text)
{
  GString *out = g_string_new (NULL);
  gchar **lines = g_strsplit (text, "\n", -1);
  guint i;

  for (i = 0; lines[i]; i++) {
    g_strchomp (lines[i]);
    if (*lines[i] && !g_str_has_prefix (lines[i], "a=candidate:")
        && !g_str_has_prefix (lines[i], "a=end-of-candidates"))
      g_string_append_printf (out, "%s\r\n", lines[i]);
  }
  g_strfreev (lines);
  return g_string_free (out, FALSE);
}

static const gchar *
answer_direction (const GstDaoSdpMedia * offered)
{
  if (offered->sends)
    return offered->receives ? "a=sendrecv" : "a=recvonly";
  return offered->receives ? "a=sendonly" : "a=inactive";
}

gchar *
gst_dao_sdp_answer_directions (const gchar * text, const GstDaoSdp * offer)
{
  gchar **lines = g_strsplit (text, "\r\n", -1);
  gchar *answer;
  gint section = -1;
  guint i;

  for (i = 0; lines[i]; i++) {
    section += g_str_has_prefix (lines[i], "m=");
    if (g_str_equal (lines[i], "a=sendrecv") && section >= 0
        && section < (gint) offer->n_media) {
      g_free (lines[i]);
      lines[i] = g_strdup (answer_direction (&offer->media[section]));
    }
  }
  answer = g_strjoinv ("\r\n", lines);
  g_strfreev (lines);
  return answer;
}
