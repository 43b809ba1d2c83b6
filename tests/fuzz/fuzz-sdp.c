/* gst-dao: fuzzes the SDP guard
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What passes is written anew from the model, and that text says the same to the
 * guard, has nothing of the peer's but what the model holds, and can be read by GStreamer.
 */
#include "fuzz.h"
#include "gstdaosdp.h"

#include <gst/sdp/sdp.h>
#include <string.h>

#define ALL (GST_DAO_CODEC_OPUS | GST_DAO_CODEC_VP8 | GST_DAO_CODEC_VP9)
/* The longest line of a written SDP holds an ufrag or pwd; nothing else is that long. */
#define MAX_LINE (GST_DAO_SDP_MAX_ICE + 32)

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  /* no plugin is needed */
  g_setenv ("GST_REGISTRY_DISABLE", "yes", TRUE);
  gst_init (NULL, NULL);
  fuzz_init ();
  return 0;
}

static void
check_media (const GstDaoSdpMedia * a, const GstDaoSdpMedia * b)
{
  g_assert_cmpint (a->media, ==, b->media);
  g_assert_cmpstr (a->mid, ==, b->mid);
  g_assert_cmpint (a->accepted, ==, b->accepted);
  if (!a->accepted)
    return;
  /* the direction stays with us: webrtcbin is always told sendrecv */
  g_assert_true (b->sends && b->receives);
  g_assert_cmpint (a->codec, ==, b->codec);
  g_assert_cmpint (a->pt, ==, b->pt);
  g_assert_cmpint (a->rtx_pt, ==, b->rtx_pt);
  g_assert_cmpint (a->twcc_id, ==, b->twcc_id);
  g_assert_cmpuint (a->ssrc, ==, b->ssrc);
  g_assert_cmpuint (a->rtx_ssrc, ==, b->rtx_ssrc);
}

static void
check_same (const GstDaoSdp * a, const GstDaoSdp * b)
{
  g_assert_cmpuint (a->session_id, ==, b->session_id);
  g_assert_cmpuint (a->session_version, ==, b->session_version);
  g_assert_cmpuint (a->n_media, ==, b->n_media);
  for (guint i = 0; i < a->n_media; i++)
    check_media (&a->media[i], &b->media[i]);
  g_assert_true (gst_dao_fingerprint_equal (&a->fingerprint,
          &b->fingerprint));
  g_assert_cmpstr (a->ufrag, ==, b->ufrag);
  g_assert_cmpstr (a->pwd, ==, b->pwd);
  g_assert_cmpint (a->setup, ==, b->setup);
}

static void
check_lines (const gchar * text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\r\n", -1);

  for (guint i = 0; lines[i] != NULL && lines[i + 1] != NULL; i++) {
    g_assert_cmpuint (strlen (lines[i]), <=, MAX_LINE);
    g_assert_true (g_ascii_islower (lines[i][0]) && lines[i][1] == '=');
    for (const gchar * p = lines[i]; *p != '\0'; p++)
      g_assert_true (g_ascii_isprint (*p));
    g_assert_false (g_str_has_prefix (lines[i], "a=candidate"));
  }
}

/* ice-char of RFC 8839, token of RFC 8866: nothing that ends a field of a line */
static void
check_token (const gchar * text, const gchar * others)
{
  for (; *text != '\0'; text++)
    g_assert_true (g_ascii_isalnum (*text) || strchr (others, *text));
}

static void
check_tokens (const GstDaoSdp * sdp)
{
  check_token (sdp->ufrag, "+/-_.");
  check_token (sdp->pwd, "+/-_.");
  for (guint i = 0; i < sdp->n_media; i++)
    check_token (sdp->media[i].mid, "!#$%&'*+-./^_`{|}~");
}

static void
check_written (const GstDaoSdp * sdp)
{
  g_autofree gchar *text = gst_dao_sdp_to_text (sdp);
  GstSDPMessage *message = NULL;
  g_autoptr (GError) error = NULL;
  GstDaoSdp again;

  check_lines (text);
  g_assert_cmpint (gst_sdp_message_new_from_text (text, &message), ==,
      GST_SDP_OK);
  g_assert_cmpuint (gst_sdp_message_medias_len (message), ==, sdp->n_media);
  gst_sdp_message_free (message);
  gst_dao_sdp_parse (text, sdp->is_offer, ALL, GST_DAO_CODEC_VP8, &again,
      &error);
  g_assert_no_error (error);
  check_same (sdp, &again);
  g_assert_true (gst_dao_sdp_check_next (sdp, &again, NULL));
}

static gboolean
parse (const gchar * text, gboolean is_offer, guint codecs,
    GstDaoCodec prefer, GstDaoSdp * sdp)
{
  GError *error = NULL;
  gboolean ok = gst_dao_sdp_parse (text, is_offer, codecs, prefer, sdp,
      &error);

  g_assert_true (ok == (error == NULL));
  g_clear_error (&error);
  for (guint i = 0; ok && i < sdp->n_media; i++)
    if (sdp->media[i].accepted)
      g_assert_true (sdp->media[i].codec & codecs);
  if (ok) {
    check_tokens (sdp);
    check_written (sdp);
  }
  return ok;
}

static void
check_stripped (const gchar * text)
{
  g_autofree gchar *stripped = gst_dao_sdp_strip_candidates (text);

  g_assert_null (strstr (stripped, "\na=candidate:"));
  g_assert_false (g_str_has_prefix (stripped, "a=candidate:"));
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  g_autofree gchar *text = g_strndup ((const gchar *) data, size);
  GstDaoSdp offer, answer, narrow;

  if (parse (text, TRUE, ALL, GST_DAO_CODEC_VP8, &offer)
      && parse (text, FALSE, ALL, GST_DAO_CODEC_VP9, &answer))
    gst_dao_sdp_check_answer (&offer, &answer, NULL);
  parse (text, TRUE, GST_DAO_CODEC_OPUS | GST_DAO_CODEC_VP9,
      GST_DAO_CODEC_VP9, &narrow);
  check_stripped (text);
  return 0;
}
