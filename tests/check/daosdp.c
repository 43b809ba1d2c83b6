/* gst-dao: the SDP guard, attack by attack
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An attack is a good description with one text replaced.
 */
#include "gstdaosdp.h"
#include "daosdp-text.h"

#include "dao-signal.h"
#include <gst/sdp/sdp.h>
#include <string.h>

/* instead of an error code */
#define ACCEPTED -9

#define ALL (GST_DAO_CODEC_OPUS | GST_DAO_CODEC_VP8 | GST_DAO_CODEC_VP9)

static gchar *
replace (const gchar * text, const gchar * from, const gchar * to)
{
  gchar **parts = g_strsplit (text, from, -1);
  gchar *result;

  /* An attack that changes nothing would test nothing. */
  g_assert_cmpuint (g_strv_length (parts), >, 1);
  result = g_strjoinv (to, parts);
  g_strfreev (parts);
  return result;
}

static void
parse_ok (const gchar * text, gboolean is_offer, GstDaoSdp * sdp)
{
  GError *error = NULL;

  gst_dao_sdp_parse (text, is_offer, ALL, GST_DAO_CODEC_VP8, sdp, &error);
  g_assert_no_error (error);
}

static void
refuse (const gchar * text, gboolean is_offer, guint codecs, gint code)
{
  GstDaoSdp sdp;
  GError *error = NULL;

  g_assert_false (gst_dao_sdp_parse (text, is_offer, codecs,
          GST_DAO_CODEC_VP8, &sdp, &error));
  g_assert_error (error, GST_DAO_SDP_ERROR, code);
  g_test_message ("%s", error->message);
  g_error_free (error);
}

/* --- what good ends write --- */

static void
assert_media (const GstDaoSdpMedia * m, DaoMedia media, const gchar * mid,
    GstDaoCodec codec, gint pt, gint rtx_pt, gint twcc_id)
{
  g_assert_cmpint (m->media, ==, media);
  g_assert_cmpstr (m->mid, ==, mid);
  g_assert_true (m->accepted && m->sends && m->receives);
  g_assert_cmpint (m->codec, ==, codec);
  g_assert_cmpint (m->pt, ==, pt);
  g_assert_cmpint (m->rtx_pt, ==, rtx_pt);
  g_assert_cmpint (m->twcc_id, ==, twcc_id);
}

static void
test_chromium_offer (void)
{
  GstDaoSdp sdp;
  GError *error = NULL;

  parse_ok (chromium_offer, TRUE, &sdp);
  g_assert_cmpuint (sdp.n_media, ==, 2);
  assert_media (&sdp.media[0], DAO_MEDIA_AUDIO, "0", GST_DAO_CODEC_OPUS, 111,
      -1, 3);
  assert_media (&sdp.media[1], DAO_MEDIA_VIDEO, "1", GST_DAO_CODEC_VP8, 96, 97,
      3);
  g_assert_cmpuint (sdp.media[0].ssrc, ==, 3570614608);
  g_assert_cmpuint (sdp.media[1].ssrc, ==, 2231627014);
  g_assert_cmpuint (sdp.media[1].rtx_ssrc, ==, 632943048);
  g_assert_cmpstr (sdp.ufrag, ==, "SecretUf");
  g_assert_cmpint (sdp.setup, ==, GST_DAO_SETUP_ACTPASS);
  g_assert_cmphex (sdp.fingerprint.digest[0], ==, 0xab);

  gst_dao_sdp_parse (chromium_offer, TRUE, ALL, GST_DAO_CODEC_VP9, &sdp,
      &error);
  g_assert_no_error (error);
  assert_media (&sdp.media[1], DAO_MEDIA_VIDEO, "1", GST_DAO_CODEC_VP9, 98, 99,
      3);
}

static void
test_firefox (void)
{
  GstDaoSdp offer, answer;
  GError *error = NULL;

  parse_ok (firefox_offer, TRUE, &offer);
  assert_media (&offer.media[0], DAO_MEDIA_AUDIO, "0", GST_DAO_CODEC_OPUS,
      109, -1, 0);
  /* Port 0 of a bundle-only section is no refusal. */
  assert_media (&offer.media[1], DAO_MEDIA_VIDEO, "1", GST_DAO_CODEC_VP8, 120,
      124, 0);

  parse_ok (chromium_offer, TRUE, &offer);
  parse_ok (firefox_answer, FALSE, &answer);
  gst_dao_sdp_check_answer (&offer, &answer, &error);
  g_assert_no_error (error);
  g_assert_cmphex (answer.fingerprint.digest[0], ==, 0x0b);
}

static void
test_own_offer (void)
{
  GstDaoSdp sdp;
  GError *error = NULL;

  parse_ok (own_offer, TRUE, &sdp);
  assert_media (&sdp.media[1], DAO_MEDIA_VIDEO, "video1", GST_DAO_CODEC_VP8,
      96, 97, 0);
  gst_dao_sdp_check_own (&sdp, &error);
  g_assert_no_error (error);
  sdp.media[1].receives = FALSE;
  g_assert_false (gst_dao_sdp_check_own (&sdp, &error));
  g_assert_error (error, GST_DAO_SDP_ERROR, GST_DAO_SDP_ERROR_MEDIA);
  g_error_free (error);
}

static void
test_rejected_video (void)
{
  gchar *bundle = replace (firefox_answer, "BUNDLE 0 1", "BUNDLE 0");
  gchar *text = replace (bundle, "m=video 9", "m=video 0");
  GstDaoSdp offer, answer;
  GError *error = NULL;
  gchar *rebuilt;

  parse_ok (chromium_offer, TRUE, &offer);
  parse_ok (text, FALSE, &answer);
  g_assert_false (answer.media[1].accepted);
  gst_dao_sdp_check_answer (&offer, &answer, &error);
  g_assert_no_error (error);
  rebuilt = gst_dao_sdp_to_text (&answer);
  g_assert_nonnull (strstr (rebuilt, "a=group:BUNDLE 0\r\n"));
  g_assert_nonnull (strstr (rebuilt, "m=video 0 "));
  g_free (rebuilt);
  g_free (bundle);
  g_free (text);
}

/* --- one bad description --- */

typedef struct
{
  const gchar *name;
  const gchar *from, *to;
  gint code;
} Attack;

static const Attack offer_attacks[] = {
  {"no-sdp", "v=0\r\n", "w=0\r\n", GST_DAO_SDP_ERROR_SYNTAX},
  {"origin-text", "o=- 4611731400430051336 2", "o=- id 2",
      GST_DAO_SDP_ERROR_SYNTAX},
  {"origin-overflow", "o=- 4611731400430051336", "o=- 99999999999999999999999",
      GST_DAO_SDP_ERROR_SYNTAX},
  {"duplicate-mids", "a=mid:1", "a=mid:0", GST_DAO_SDP_ERROR_MEDIA},
  {"missing-mid", "a=mid:1\r\n", "", GST_DAO_SDP_ERROR_SYNTAX},
  {"empty-mid", "a=mid:1", "a=mid:", GST_DAO_SDP_ERROR_SYNTAX},
  {"mid-with-space", "a=mid:1", "a=mid:1 0", GST_DAO_SDP_ERROR_SYNTAX},
  {"long-mid", "a=mid:1", "a=mid:123456789012345678901234567890123",
      GST_DAO_SDP_ERROR_SYNTAX},
  {"control-character-mid", "a=mid:1", "a=mid:1\a", GST_DAO_SDP_ERROR_SYNTAX},
  {"control-character-ufrag", "SecretUf", "Secr\033Uf",
      GST_DAO_SDP_ERROR_SECURITY},
  {"invalid-utf8", "FreeTextName", "\xff\xfe", GST_DAO_SDP_ERROR_SYNTAX},
  {"sha-1", "sha-256 " FP_A, "sha-1 " SHA1, GST_DAO_SDP_ERROR_SECURITY},
  {"md5", "sha-256 " FP_A, "md5 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49",
      GST_DAO_SDP_ERROR_SECURITY},
  {"sha-1-beside", "a=setup", "a=fingerprint:sha-1 " SHA1 "\r\na=setup",
      GST_DAO_SDP_ERROR_SECURITY},
  {"missing-fingerprint", "a=fingerprint:sha-256 " FP_A "\r\n", "",
      GST_DAO_SDP_ERROR_SECURITY},
  {"fingerprint-only-in-video",
      "a=fingerprint:sha-256 " FP_A "\r\na=setup:actpass\r\na=mid:0",
      "a=setup:actpass\r\na=mid:0", GST_DAO_SDP_ERROR_SECURITY},
  {"fingerprint-only-in-audio",
      "a=fingerprint:sha-256 " FP_A "\r\na=setup:actpass\r\na=mid:1",
      "a=setup:actpass\r\na=mid:1", GST_DAO_SDP_ERROR_SECURITY},
  {"fingerprints-differ",
      FP_A "\r\na=setup:actpass\r\na=mid:1",
      FP_B "\r\na=setup:actpass\r\na=mid:1", GST_DAO_SDP_ERROR_SECURITY},
  {"session-fingerprint-differs", "a=group",
      "a=fingerprint:sha-256 " FP_B "\r\na=group",
      GST_DAO_SDP_ERROR_SECURITY},
  {"second-fingerprint", "a=setup:actpass\r\na=mid:1",
      "a=fingerprint:sha-256 " FP_B "\r\na=setup:actpass\r\na=mid:1",
      GST_DAO_SDP_ERROR_SECURITY},
  {"ufrags-differ", "a=fingerprint:sha-256 " FP_A
      "\r\na=setup:actpass\r\na=mid:1",
      "a=ice-ufrag:Other123\r\na=fingerprint:sha-256 " FP_A
      "\r\na=setup:actpass\r\na=mid:1", ACCEPTED},
  {"no-ufrag", "a=ice-ufrag:SecretUf\r\n", "", GST_DAO_SDP_ERROR_SECURITY},
  {"short-pwd", "asd88fgpdd777uzjYhagZgSecretPw", "short",
      GST_DAO_SDP_ERROR_SECURITY},
  {"pwd-with-newline", "asd88fgpdd777uzjYhagZgSecretPw",
      "asd88fgpdd777uzj YhagZgSecretPw", GST_DAO_SDP_ERROR_SECURITY},
  {"no-bundle", "a=group:BUNDLE 0 1\r\n", "", GST_DAO_SDP_ERROR_MEDIA},
  {"half-bundle", "BUNDLE 0 1", "BUNDLE 0", GST_DAO_SDP_ERROR_MEDIA},
  {"bundle-of-strangers", "BUNDLE 0 1", "BUNDLE 0 2",
      GST_DAO_SDP_ERROR_MEDIA},
  {"bundle-with-more", "BUNDLE 0 1", "BUNDLE 0 1 2",
      GST_DAO_SDP_ERROR_MEDIA},
  {"bundle-repeats", "BUNDLE 0 1", "BUNDLE 0 0", GST_DAO_SDP_ERROR_MEDIA},
  {"two-bundles", "a=group:BUNDLE 0 1",
      "a=group:BUNDLE 0\r\na=group:BUNDLE 1", GST_DAO_SDP_ERROR_MEDIA},
  {"no-setup", "a=setup:actpass\r\n", "", GST_DAO_SDP_ERROR_SECURITY},
  {"bad-setup", "a=setup:actpass", "a=setup:holdconn",
      GST_DAO_SDP_ERROR_SECURITY},
  {"setups-differ", "a=setup:actpass\r\na=mid:1", "a=setup:active\r\na=mid:1",
      GST_DAO_SDP_ERROR_SECURITY},
  {"no-rtcp-mux", "a=rtcp-mux\r\n", "", GST_DAO_SDP_ERROR_MEDIA},
  {"clear-rtp", "UDP/TLS/RTP/SAVPF", "RTP/AVP", GST_DAO_SDP_ERROR_SECURITY},
  {"sdes", "UDP/TLS/RTP/SAVPF", "RTP/SAVPF", GST_DAO_SDP_ERROR_SECURITY},
  {"data-channel", "m=video 9 UDP/TLS/RTP/SAVPF 96",
      "m=application 9 UDP/DTLS/SCTP 96", GST_DAO_SDP_ERROR_MEDIA},
  {"second-video", "m=audio 9 UDP/TLS/RTP/SAVPF 111",
      "m=video 9 UDP/TLS/RTP/SAVPF 120\r\na=rtpmap:120 VP8/90000\r\n"
      "a=x", GST_DAO_SDP_ERROR_MEDIA},
  {"no-opus", "opus/48000/2", "PCMA/8000", GST_DAO_SDP_ERROR_CODEC},
  {"opus-mono-clock", "opus/48000/2", "opus/16000", GST_DAO_SDP_ERROR_CODEC},
  {"opus-not-listed", "SAVPF 111 63", "SAVPF 63", GST_DAO_SDP_ERROR_CODEC},
  {"payload-type-128", "111", "211", GST_DAO_SDP_ERROR_CODEC},
  {"one-payload-type", "111", "96", GST_DAO_SDP_ERROR_MEDIA},
  {"audio-is-rtx", "111", "97", GST_DAO_SDP_ERROR_MEDIA},
  {"one-ssrc", "3570614608", "2231627014", GST_DAO_SDP_ERROR_MEDIA},
  {"audio-ssrc-is-rtx", "3570614608", "632943048", GST_DAO_SDP_ERROR_MEDIA},
};

static void
test_offer_attack (gconstpointer data)
{
  const Attack *attack = data;
  gchar *text = replace (chromium_offer, attack->from, attack->to);

  if (attack->code == ACCEPTED) {
    GstDaoSdp sdp;

    /* a second line of one name: the first counts, for us and so for webrtcbin */
    parse_ok (text, TRUE, &sdp);
    g_assert_cmpstr (sdp.ufrag, ==, "SecretUf");
  } else {
    refuse (text, TRUE, ALL, attack->code);
  }
  g_free (text);
}

/* The same with video first: order must not matter. */
static void
test_rtx_is_audio (void)
{
  const gchar *video = strstr (chromium_offer, "m=video");
  const gchar *audio = strstr (chromium_offer, "m=audio");
  gchar *head = g_strndup (chromium_offer, audio - chromium_offer);
  gchar *middle = g_strndup (audio, video - audio);
  gchar *text = g_strconcat (head, video, middle, NULL);
  gchar *attack = replace (text, "111", "97");
  GstDaoSdp sdp;

  parse_ok (text, TRUE, &sdp);
  refuse (attack, TRUE, ALL, GST_DAO_SDP_ERROR_MEDIA);
  g_free (head);
  g_free (middle);
  g_free (text);
  g_free (attack);
}

static void
test_credentials_differ (void)
{
  const gchar *video = strstr (chromium_offer, "m=video");
  gchar *head = g_strndup (chromium_offer, video - chromium_offer);
  gchar *ufrag = replace (video, "SecretUf", "OtherUf1");
  gchar *pwd = replace (video, "SecretPw", "OtherPw1");
  gchar *text = g_strconcat (head, ufrag, NULL);

  refuse (text, TRUE, ALL, GST_DAO_SDP_ERROR_SECURITY);
  g_free (text);
  text = g_strconcat (head, pwd, NULL);
  refuse (text, TRUE, ALL, GST_DAO_SDP_ERROR_SECURITY);
  g_free (text);
  g_free (head);
  g_free (ufrag);
  g_free (pwd);
}

static void
test_h264_only (void)
{
  gchar *vp8 = replace (chromium_offer, "VP8/90000", "H264/90000");
  gchar *text = replace (vp8, "VP9/90000", "AV1/90000");

  refuse (text, TRUE, ALL, GST_DAO_SDP_ERROR_CODEC);
  /* and what the local side cannot do is as good as not offered */
  refuse (chromium_offer, TRUE, GST_DAO_CODEC_OPUS, GST_DAO_SDP_ERROR_CODEC);
  refuse (chromium_offer, TRUE, GST_DAO_CODEC_VP8, GST_DAO_SDP_ERROR_CODEC);
  g_free (vp8);
  g_free (text);
}

static void
test_vp9_profiles (void)
{
  static const gchar *const bad[] = { "profile-id=2", "profile-id=01",
    "x=1;profile-id=3"
  };
  gchar *vp9 = replace (firefox_offer, "VP8/90000", "H264/90000");
  guint i;

  for (i = 0; i < G_N_ELEMENTS (bad); i++) {
    gchar *line = g_strdup_printf ("a=fmtp:121 %s\r\na=fmtp:125", bad[i]);
    gchar *text = replace (vp9, "a=fmtp:125", line);

    refuse (text, TRUE, ALL, GST_DAO_SDP_ERROR_CODEC);
    g_free (line);
    g_free (text);
  }
  g_free (vp9);
}

static gchar *
many_lines (const gchar * base, const gchar * line, guint n)
{
  GString *text = g_string_new (base);

  while (n--)
    g_string_append (text, line);
  return g_string_free (text, FALSE);
}

static void
test_limits (void)
{
  gchar *text;

  text = many_lines (chromium_offer, "m=audio 9 x 0\r\n", 1000);
  refuse (text, TRUE, ALL, GST_DAO_SDP_ERROR_MEDIA);
  g_free (text);
  text = many_lines (chromium_offer, "a=x:yyyyyyyyyy\r\n", 2500);
  refuse (text, TRUE, ALL, GST_DAO_SDP_ERROR_LIMIT);
  g_free (text);
  /* few lines, but long ones */
  text = many_lines (chromium_offer, "0123456789abcdef", 65536);
  g_assert_cmpuint (strlen (text), >, 1024 * 1024);
  refuse (text, TRUE, ALL, GST_DAO_SDP_ERROR_LIMIT);
  g_free (text);
  refuse ("v=0\r\n", TRUE, ALL, GST_DAO_SDP_ERROR_MEDIA);
  refuse ("", TRUE, ALL, GST_DAO_SDP_ERROR_SYNTAX);
}

/* What is cut off, wherever, is refused or a shorter description, never a crash. */
static void
test_cut_off (void)
{
  gsize i;

  for (i = 0; i < strlen (chromium_offer); i++) {
    gchar *text = g_strndup (chromium_offer, i);
    GstDaoSdp sdp;
    GError *error = NULL;

    if (gst_dao_sdp_parse (text, TRUE, ALL, GST_DAO_CODEC_VP8, &sdp, &error))
      g_free (gst_dao_sdp_to_text (&sdp));
    g_clear_error (&error);
    g_free (text);
  }
}

/* --- an answer against its offer --- */

static const Attack answer_attacks[] = {
  {"swapped-mids", "a=mid:", "a=mid:x", -1},
  {"actpass", "a=setup:active", "a=setup:actpass",
      GST_DAO_SDP_ERROR_SECURITY},
  {"payload-type-changed", "96", "104", GST_DAO_SDP_ERROR_MISMATCH},
  {"audio-payload-type-changed", "111", "109", GST_DAO_SDP_ERROR_MISMATCH},
  {"rtx-changed", "97", "105", GST_DAO_SDP_ERROR_MISMATCH},
  {"codec-not-offered", "VP8/90000", "VP9/90000",
      GST_DAO_SDP_ERROR_MISMATCH},
  {"all-rejected", " 9 UDP", " 0 UDP", GST_DAO_SDP_ERROR_MEDIA},
  {"relabelled", "video 9", "audio 9", GST_DAO_SDP_ERROR_CODEC},
};

static void
refuse_answer (const gchar * text, gint code)
{
  GstDaoSdp offer, answer;
  GError *error = NULL;

  parse_ok (chromium_offer, TRUE, &offer);
  g_assert_false (gst_dao_sdp_parse (text, FALSE, ALL, GST_DAO_CODEC_VP8,
          &answer, &error)
      && gst_dao_sdp_check_answer (&offer, &answer, &error));
  g_assert_error (error, GST_DAO_SDP_ERROR, code);
  g_test_message ("%s", error->message);
  g_error_free (error);
}

static void
test_answer_attack (gconstpointer data)
{
  const Attack *attack = data;
  gchar *text = replace (firefox_answer, attack->from, attack->to);

  if (attack->code == -1) {
    gchar *first = replace (text, "a=mid:x0", "a=mid:1");
    gchar *both = replace (first, "a=mid:x1", "a=mid:0");

    refuse_answer (both, GST_DAO_SDP_ERROR_MISMATCH);
    g_free (first);
    g_free (both);
  } else {
    refuse_answer (text, attack->code);
  }
  g_free (text);
}

static gchar *
reorder (const gchar * text)
{
  const gchar *video = strstr (text, "m=video");
  const gchar *audio = strstr (text, "m=audio");

  return g_strdup_printf ("%.*s%s%.*s", (gint) (audio - text), text, video,
      (gint) (video - audio), audio);
}

static gchar *
drop_video (const gchar * text)
{
  gchar *bundle = replace (text, "BUNDLE 0 1", "BUNDLE 0");
  gchar *video = strstr (bundle, "m=video");

  *video = '\0';
  return bundle;
}

static void
test_answer_sections (void)
{
  gchar *reordered = reorder (firefox_answer);
  gchar *fewer = drop_video (firefox_answer);
  gchar *audio_offer = drop_video (chromium_offer);
  GstDaoSdp offer, answer;
  GError *error = NULL;

  refuse_answer (reordered, GST_DAO_SDP_ERROR_MISMATCH);
  refuse_answer (fewer, GST_DAO_SDP_ERROR_MISMATCH);
  parse_ok (audio_offer, TRUE, &offer);
  parse_ok (firefox_answer, FALSE, &answer);
  g_assert_false (gst_dao_sdp_check_answer (&offer, &answer, &error));
  g_assert_error (error, GST_DAO_SDP_ERROR, GST_DAO_SDP_ERROR_MISMATCH);
  g_clear_error (&error);
  g_free (audio_offer);
  g_free (reordered);
  g_free (fewer);
}

/* A rejected section cannot come back to life in the answer; roles must differ. */
static void
test_answer_roles (void)
{
  GstDaoSdp offer, answer;
  GError *error = NULL;

  parse_ok (chromium_offer, TRUE, &offer);
  parse_ok (firefox_answer, FALSE, &answer);
  offer.media[1].accepted = FALSE;
  g_assert_false (gst_dao_sdp_check_answer (&offer, &answer, &error));
  g_assert_error (error, GST_DAO_SDP_ERROR, GST_DAO_SDP_ERROR_MISMATCH);
  g_clear_error (&error);
  offer.media[1].accepted = TRUE;
  offer.setup = GST_DAO_SETUP_ACTIVE;
  g_assert_false (gst_dao_sdp_check_answer (&offer, &answer, &error));
  g_assert_error (error, GST_DAO_SDP_ERROR, GST_DAO_SDP_ERROR_SECURITY);
  g_clear_error (&error);
}

/* --- a description against the one before it --- */

static const Attack next_attacks[] = {
  {"swapped-mids", "a=mid:", "a=mid:x", -1},
  {"relabelled", "a=mid:1", "a=mid:2", -2},
  {"payload-type-changed", "96", "104", GST_DAO_SDP_ERROR_MISMATCH},
  {"audio-payload-type-changed", "111", "112", GST_DAO_SDP_ERROR_MISMATCH},
  {"rtx-changed", "97", "105", GST_DAO_SDP_ERROR_MISMATCH},
  {"rtx-dropped", "apt=96", "apt=95", GST_DAO_SDP_ERROR_MISMATCH},
  {"codec-changed", "VP8/90000", "H264/90000", GST_DAO_SDP_ERROR_MISMATCH},
  {"video-switched-off", "m=video 9", "m=video 0", -3},
  {"fingerprint-changed", FP_A, FP_B, GST_DAO_SDP_ERROR_SECURITY},
};

static void
refuse_next (const gchar * text, gint code)
{
  GstDaoSdp previous, next;
  GError *error = NULL;

  parse_ok (chromium_offer, TRUE, &previous);
  parse_ok (text, TRUE, &next);
  g_assert_false (gst_dao_sdp_check_next (&previous, &next, &error));
  g_assert_error (error, GST_DAO_SDP_ERROR, code);
  g_test_message ("%s", error->message);
  g_error_free (error);
}

static void
test_next_attack (gconstpointer data)
{
  const Attack *attack = data;
  gchar *text = replace (chromium_offer, attack->from, attack->to);
  gchar *first = NULL, *both = NULL;

  switch (attack->code) {
    case -1:
      first = replace (text, "a=mid:x0", "a=mid:1");
      both = replace (first, "a=mid:x1", "a=mid:0");
      break;
    case -2:
      both = replace (text, "BUNDLE 0 1", "BUNDLE 0 2");
      break;
    case -3:
      both = replace (text, "BUNDLE 0 1", "BUNDLE 0");
      break;
    default:
      break;
  }
  refuse_next (both ? both : text, attack->code < 0 ?
      GST_DAO_SDP_ERROR_MISMATCH : attack->code);
  g_free (first);
  g_free (both);
  g_free (text);
}

static void
test_next_sections (void)
{
  gchar *reordered = reorder (chromium_offer);
  gchar *fewer = drop_video (chromium_offer);
  GstDaoSdp previous, next;
  GError *error = NULL;

  refuse_next (reordered, GST_DAO_SDP_ERROR_MISMATCH);
  refuse_next (fewer, GST_DAO_SDP_ERROR_MISMATCH);
  /* video added: an upgrade */
  parse_ok (fewer, TRUE, &previous);
  parse_ok (chromium_offer, TRUE, &next);
  gst_dao_sdp_check_next (&previous, &next, &error);
  g_assert_no_error (error);
  g_free (reordered);
  g_free (fewer);
}

static void
test_next_restart_and_roles (void)
{
  gchar *restart = replace (chromium_offer, "SecretUf", "Restarted");
  GstDaoSdp previous, next;
  GError *error = NULL;

  parse_ok (chromium_offer, TRUE, &previous);
  parse_ok (restart, TRUE, &next);
  gst_dao_sdp_check_next (&previous, &next, &error);
  g_assert_no_error (error);
  previous.setup = GST_DAO_SETUP_ACTIVE;
  gst_dao_sdp_check_next (&previous, &next, &error);
  g_assert_no_error (error);
  next.setup = GST_DAO_SETUP_PASSIVE;
  g_assert_false (gst_dao_sdp_check_next (&previous, &next, &error));
  g_assert_error (error, GST_DAO_SDP_ERROR, GST_DAO_SDP_ERROR_SECURITY);
  g_clear_error (&error);
  g_free (restart);
}

/* The roles of the first exchange stay, whoever offers next; browsers refuse an answer that turns them round. */
static void
test_next_keeps_roles (void)
{
  GstDaoSdp offer, answer, own_offer, next;

  parse_ok (chromium_offer, TRUE, &next);
  parse_ok (chromium_offer, TRUE, &own_offer);
  parse_ok (firefox_answer, FALSE, &answer);
  answer.setup = GST_DAO_SETUP_ACTIVE;
  /* we offered, the peer answered `active` */
  gst_dao_sdp_keep_setup (&next, &answer, &own_offer);
  g_assert_cmpint (next.setup, ==, GST_DAO_SETUP_ACTIVE);
  /* the peer offered, we answered `active` or `passive` */
  parse_ok (chromium_offer, TRUE, &offer);
  next.setup = GST_DAO_SETUP_ACTPASS;
  gst_dao_sdp_keep_setup (&next, &offer, &answer);
  g_assert_cmpint (next.setup, ==, GST_DAO_SETUP_PASSIVE);
  answer.setup = GST_DAO_SETUP_PASSIVE;
  next.setup = GST_DAO_SETUP_ACTPASS;
  gst_dao_sdp_keep_setup (&next, &offer, &answer);
  g_assert_cmpint (next.setup, ==, GST_DAO_SETUP_ACTIVE);
  /* an offer that says it itself */
  next.setup = GST_DAO_SETUP_PASSIVE;
  gst_dao_sdp_keep_setup (&next, &offer, &answer);
  g_assert_cmpint (next.setup, ==, GST_DAO_SETUP_PASSIVE);
}

/* --- what is written --- */

static void
assert_without (const gchar * text, const gchar * what)
{
  if (strstr (text, what))
    g_error ("'%s' of the peer is in\n%s", what, text);
}

/* Nothing of the peer's but numbers, tokens and the fingerprint reaches webrtcbin. */
static void
test_rebuilt_text (void)
{
  static const gchar *const texts[] = { chromium_offer, firefox_offer,
    own_offer, firefox_answer
  };
  static const gchar *const strangers[] = { "FreeText", "candidate", "msid-",
    "203.0.113.7", "192.168", "H264", "AV1", "G722", "telephone", "mozilla",
    "host-1", "useinbandfec", "goog-remb", "audio-level", "bundle-only",
    "extmap-allow"
  };
  guint i, k;

  for (i = 0; i < G_N_ELEMENTS (texts); i++) {
    gboolean is_offer = texts[i] != firefox_answer;
    GstDaoSdp sdp, again;
    gchar *text, *text_again;

    parse_ok (texts[i], is_offer, &sdp);
    text = gst_dao_sdp_to_text (&sdp);
    for (k = 0; k < G_N_ELEMENTS (strangers); k++)
      assert_without (text, strangers[k]);
    /* and says the same */
    parse_ok (text, is_offer, &again);
    text_again = gst_dao_sdp_to_text (&again);
    g_assert_cmpstr (text, ==, text_again);
    g_free (text);
    g_free (text_again);
  }
}

static void
test_strip_candidates (void)
{
  gchar *text = many_lines (own_offer,
      "a=candidate:1 1 UDP 2015363327 192.168.7.21 40000 typ host\r\n", 3);
  gchar *wire;

  wire = gst_dao_sdp_strip_candidates (text);
  g_assert_cmpstr (wire, ==, own_offer);
  g_free (wire);
  g_free (text);
}

/* Attributes without a value, at every place where one is read */
static void
test_empty_attributes (void)
{
  static const gchar *const names[] = { "ssrc-group", "ssrc", "rtpmap",
    "fmtp", "extmap", "mid", "group", "fingerprint", "setup", "ice-ufrag",
    "ice-pwd"
  };
  guint i, k;

  for (i = 0; i < G_N_ELEMENTS (names); i++)
    for (k = 0; k < 3; k++) {
      static const gchar *const values[] = { ":", "", ": " };
      gchar *from = g_strdup_printf ("a=%s:", names[i]);
      gchar *to = g_strdup_printf ("a=%s%s\r\na=%s:", names[i], values[k],
          names[i]);
      gchar *text = replace (chromium_offer, from, to);
      GstDaoSdp sdp;
      GError *error = NULL;

      if (gst_dao_sdp_parse (text, TRUE, ALL, GST_DAO_CODEC_VP8, &sdp, &error))
        g_free (gst_dao_sdp_to_text (&sdp));
      g_clear_error (&error);
      g_free (from);
      g_free (to);
      g_free (text);
    }
}

static void
add_attacks (const gchar * prefix, const Attack * attacks, guint n,
    GTestDataFunc func)
{
  guint i;

  for (i = 0; i < n; i++) {
    gchar *path = g_strdup_printf ("/sdp/%s/%s", prefix, attacks[i].name);

    g_test_add_data_func (path, &attacks[i], func);
    g_free (path);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sdp/chromium-offer", test_chromium_offer);
  g_test_add_func ("/sdp/firefox", test_firefox);
  g_test_add_func ("/sdp/own-offer", test_own_offer);
  g_test_add_func ("/sdp/rejected-video", test_rejected_video);
  add_attacks ("offer", offer_attacks, G_N_ELEMENTS (offer_attacks),
      test_offer_attack);
  g_test_add_func ("/sdp/offer/rtx-is-audio", test_rtx_is_audio);
  g_test_add_func ("/sdp/offer/credentials-differ", test_credentials_differ);
  g_test_add_func ("/sdp/offer/h264-only", test_h264_only);
  g_test_add_func ("/sdp/offer/vp9-profiles", test_vp9_profiles);
  g_test_add_func ("/sdp/offer/limits", test_limits);
  g_test_add_func ("/sdp/offer/empty-attributes", test_empty_attributes);
  g_test_add_func ("/sdp/offer/cut-off", test_cut_off);
  add_attacks ("answer", answer_attacks, G_N_ELEMENTS (answer_attacks),
      test_answer_attack);
  g_test_add_func ("/sdp/answer/sections", test_answer_sections);
  g_test_add_func ("/sdp/answer/roles", test_answer_roles);
  add_attacks ("next", next_attacks, G_N_ELEMENTS (next_attacks),
      test_next_attack);
  g_test_add_func ("/sdp/next/sections", test_next_sections);
  g_test_add_func ("/sdp/next/restart-and-roles", test_next_restart_and_roles);
  g_test_add_func ("/sdp/next/keeps-roles", test_next_keeps_roles);
  g_test_add_func ("/sdp/rebuilt-text", test_rebuilt_text);
  g_test_add_func ("/sdp/strip-candidates", test_strip_candidates);
  return g_test_run ();
}
