/* gst-dao: the codecs of a call, in clear and encrypted caps
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaoe2eecodec.h"

static const struct
{
  GstDaoE2eeCodec codec;
  const gchar *clear;
  const gchar *media;
  const gchar *encoding_name;
} codecs[] = {
  {GST_DAO_E2EE_CODEC_VP8, "video/x-vp8", "video", "VP8"},
  {GST_DAO_E2EE_CODEC_VP9, "video/x-vp9", "video", "VP9"},
  {GST_DAO_E2EE_CODEC_OPUS, "audio/x-opus", "audio", "OPUS"},
};

GstCaps *
gst_dao_e2ee_codec_new_clear_caps (GstDaoE2eeCodec codec)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (codecs); i++)
    if (codecs[i].codec == codec)
      return gst_caps_new_empty_simple (codecs[i].clear);
  return NULL;
}

GstCaps *
gst_dao_e2ee_codec_new_cipher_caps (GstDaoE2eeCodec codec)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (codecs); i++)
    if (codecs[i].codec == codec)
      return gst_caps_new_simple (GST_DAO_E2EE_CIPHER_NAME, "media",
          G_TYPE_STRING, codecs[i].media, "encoding-name", G_TYPE_STRING,
          codecs[i].encoding_name, NULL);
  return NULL;
}

GstDaoE2eeCodec
gst_dao_e2ee_codec_from_caps (GstCaps * caps)
{
  GstStructure *structure = gst_caps_get_structure (caps, 0);
  const gchar *name = gst_structure_get_name (structure);
  const gchar *encoding_name = gst_structure_get_string (structure,
      "encoding-name");
  gboolean cipher = g_str_equal (name, GST_DAO_E2EE_CIPHER_NAME);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (codecs); i++)
    if (cipher ? g_strcmp0 (encoding_name, codecs[i].encoding_name) == 0
        : g_str_equal (name, codecs[i].clear))
      return codecs[i].codec;
  return GST_DAO_E2EE_CODEC_NONE;
}

GstCaps *
gst_dao_e2ee_codec_map_caps (GstCaps * peer)
{
  GstCaps *result = gst_caps_new_empty ();
  guint i;

  for (i = 0; i < G_N_ELEMENTS (codecs); i++) {
    GstCaps *clear = gst_dao_e2ee_codec_new_clear_caps (codecs[i].codec);
    GstCaps *cipher = gst_dao_e2ee_codec_new_cipher_caps (codecs[i].codec);

    if (gst_caps_can_intersect (peer, clear)) {
      gst_caps_append (result, cipher);
      gst_caps_unref (clear);
    } else if (gst_caps_can_intersect (peer, cipher)) {
      gst_caps_append (result, clear);
      gst_caps_unref (cipher);
    } else {
      gst_caps_unref (clear);
      gst_caps_unref (cipher);
    }
  }
  return result;
}
