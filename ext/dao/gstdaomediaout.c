/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What leaves is chosen when the first caps come and somebody is linked: the
 * frames as they are if the caps downstream name their codec, else decoded ones.
 * Until then nothing is linked inside, and daosignaling drops.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaomediaout.h"
#include "gstdaocallbranch.h"

struct _GstDaoMediaOut
{
  GstBin *bin;
  DaoMedia media;
  GstPad *pad;
  GstPad *source;
  gulong probe;

  /* only touched on the streaming thread of source, or when nothing streams */
  GstDaoCodec decoding;         /* NONE: nothing chosen, or frames pass as they are */
  gboolean chosen;
  GstElement *decoder;
};

static void
set_target (GstDaoMediaOut * out, GstPad * target)
{
  gst_ghost_pad_set_target (GST_GHOST_PAD (out->pad), target);
}

static void
remove_decoder (GstDaoMediaOut * out)
{
  set_target (out, NULL);
  gst_dao_call_branch_remove (out->bin, &out->decoder);
  out->decoding = GST_DAO_CODEC_NONE;
}

/* Do the caps downstream name this codec? ANY names nothing. */
static gboolean
takes_encoded (GstDaoMediaOut * out, GstDaoCodec codec)
{
  GstCaps *caps = gst_pad_peer_query_caps (out->pad, NULL);
  gboolean takes = FALSE;
  guint i;

  for (i = 0; !gst_caps_is_any (caps) && i < gst_caps_get_size (caps); i++)
    takes |= gst_structure_has_name (gst_caps_get_structure (caps, i),
        gst_dao_codec_media_type (codec));
  gst_caps_unref (caps);
  return takes;
}

static void
add_decoder (GstDaoMediaOut * out, GstDaoCodec codec)
{
  GError *error = NULL;
  GstElement *decoder = gst_dao_call_branch_new_decoder (codec, &error);
  GstPad *sink, *src;

  if (!decoder) {
    GST_ELEMENT_ERROR (out->bin, CORE, MISSING_PLUGIN,
        ("Received media cannot be decoded: %s", error->message), (NULL));
    g_error_free (error);
    return;
  }
  out->decoder = decoder;
  out->decoding = codec;
  gst_dao_call_branch_add (out->bin, decoder);
  sink = gst_element_get_static_pad (decoder, "sink");
  src = gst_element_get_static_pad (decoder, "src");
  gst_pad_link_full (out->source, sink, GST_PAD_LINK_CHECK_NOTHING);
  set_target (out, src);
  gst_object_unref (sink);
  gst_object_unref (src);
}

static void
choose (GstDaoMediaOut * out, GstCaps * caps)
{
  GstDaoCodec codec = gst_dao_call_branch_codec_of_caps (caps);

  if (codec == GST_DAO_CODEC_NONE || !gst_pad_is_linked (out->pad))
    return;
  if (!out->chosen) {
    out->chosen = TRUE;
    if (takes_encoded (out, codec)) {
      set_target (out, out->source);
    } else {
      set_target (out, NULL);
      add_decoder (out, codec);
    }
    GST_INFO_OBJECT (out->pad, "gives %s", out->decoder ? "raw media" :
        "encoded frames");
  } else if (out->decoding != GST_DAO_CODEC_NONE && out->decoding != codec) {
    /* a new peer connection with another codec */
    remove_decoder (out);
    add_decoder (out, codec);
  }
}

static void
on_caps (GstDaoMediaOut * out)
{
  GstCaps *caps = gst_pad_get_current_caps (out->source);

  if (!caps)
    return;
  choose (out, caps);
  gst_caps_unref (caps);
}

static GstPadProbeReturn
on_data (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstDaoMediaOut *out = user_data;
  GstEvent *event;
  GstCaps *caps;

  if (!(GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM)) {
    /* linked in the middle of the call */
    if (G_UNLIKELY (!out->chosen))
      on_caps (out);
    return GST_PAD_PROBE_OK;
  }

  event = GST_PAD_PROBE_INFO_EVENT (info);
  if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS) {
    gst_event_parse_caps (event, &caps);
    choose (out, caps);
  } else if (GST_EVENT_TYPE (event) == GST_EVENT_EOS && !out->chosen
      && gst_pad_is_linked (out->pad)) {
    /* Nothing came: a muxer has to hear that. It is no choice: video that is added to an audio call comes after it. */
    set_target (out, out->source);
  }
  return GST_PAD_PROBE_OK;
}

void
gst_dao_media_out_set_source (GstDaoMediaOut * out, GstPad * source)
{
  if (out->source) {
    gst_dao_media_out_reset (out);
    gst_pad_remove_probe (out->source, out->probe);
    gst_clear_object (&out->source);
  }
  if (source) {
    out->source = gst_object_ref (source);
    out->probe = gst_pad_add_probe (source, GST_PAD_PROBE_TYPE_BUFFER |
        GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_data, out, NULL);
  }
}

void
gst_dao_media_out_reset (GstDaoMediaOut * out)
{
  remove_decoder (out);
  out->chosen = FALSE;
}

/* Before it is chosen what leaves by the pad, it could be all of the template, and the latency is that of a call. */
static gboolean
pad_query (GstPad * pad, GstObject * parent, GstQuery * query)
{
  GstPad *target = gst_ghost_pad_get_target (GST_GHOST_PAD (pad));
  GstCaps *filter, *caps, *result;

  if (target) {
    gst_object_unref (target);
    return gst_pad_query_default (pad, parent, query);
  }
  if (GST_QUERY_TYPE (query) == GST_QUERY_LATENCY)
    return gst_element_query (GST_ELEMENT (parent), query);
  if (GST_QUERY_TYPE (query) != GST_QUERY_CAPS)
    return gst_pad_query_default (pad, parent, query);
  gst_query_parse_caps (query, &filter);
  caps = gst_pad_get_pad_template_caps (pad);
  result = filter ? gst_caps_intersect_full (filter, caps,
      GST_CAPS_INTERSECT_FIRST) : gst_caps_ref (caps);
  gst_query_set_caps_result (query, result);
  gst_caps_unref (result);
  gst_caps_unref (caps);
  return TRUE;
}

GstDaoMediaOut *
gst_dao_media_out_new (GstBin * bin, DaoMedia media, GstPadTemplate * templ)
{
  GstDaoMediaOut *out = g_new0 (GstDaoMediaOut, 1);

  out->bin = bin;
  out->media = media;
  out->pad =
      gst_ghost_pad_new_no_target_from_template
      (GST_PAD_TEMPLATE_NAME_TEMPLATE (templ), templ);
  gst_pad_set_query_function (out->pad, pad_query);
  return out;
}

GstPad *
gst_dao_media_out_get_pad (GstDaoMediaOut * out)
{
  return out->pad;
}

void
gst_dao_media_out_free (GstDaoMediaOut * out)
{
  gst_dao_media_out_set_source (out, NULL);
  g_free (out);
}
