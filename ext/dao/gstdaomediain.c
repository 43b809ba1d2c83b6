/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 *   sink pad -> entry -> [encoder] -> target      encoded or raw media
 *                       generator -> target      none, ended, not yet there, or
 *                                                muted and encoded
 *
 * Raw video meets its encoder before the call, but the target only once the call
 * is connected: until then either codec can be agreed on. Encoded media is
 * linked at once, so that daosignaling offers its codec and no other.
 *
 * Media that is not live is held before its target until the call is connected.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaomediain.h"
#include "gstdaocallbranch.h"
#include "gstdaomediahold.h"

#include <gst/video/video.h>

typedef enum
{
  TAIL_NONE,                    /* not known yet what will come */
  TAIL_ENCODED,
  TAIL_RAW,
} Tail;

struct _GstDaoMediaIn
{
  GstBin *bin;
  DaoMedia media;
  GstDaoMediaInCallbacks callbacks;
  gpointer user_data;

  /* Guards all below. Held while elements are built, never while data or an event
   * is pushed, and not taken by what these elements push. */
  GMutex lock;
  GstPad *pad;                  /* of the bin, while requested */
  GstElement *entry;
  GstPad *target;
  GstDaoCodec preferred;
  GstElement *generator;
  GstElement *encoder;
  Tail tail;
  GstDaoCodec codec;            /* of tail */
  GstCaps *raw;                 /* of what comes, TAIL_RAW */
  gboolean open;
  gboolean muted;
  gboolean eos;
  gboolean seen_caps;
  GstDaoMediaHold *hold;        /* of entry */

  /* atomic, for each buffer */
  gint flowing;                 /* frames are let through */
  gint need_key;                /* delta frames are not */
  gint frames;                  /* saturates at 1 */
  gint over;                    /* the run is */
  gint failed;                  /* the application was told */
};

/* --- linking --- */

static void
unlink_target (GstDaoMediaIn * in)
{
  GstPad *peer = in->target ? gst_pad_get_peer (in->target) : NULL;

  if (!peer)
    return;
  gst_pad_unlink (peer, in->target);
  gst_object_unref (peer);
}

static gboolean
link_target (GstDaoMediaIn * in, GstElement * element)
{
  GstPad *src = gst_element_get_static_pad (element, "src");
  gboolean linked;

  if (gst_pad_is_linked (src)) {
    gst_object_unref (src);
    return TRUE;
  }
  unlink_target (in);
  linked = GST_PAD_LINK_SUCCESSFUL (gst_pad_link_full (src, in->target,
          GST_PAD_LINK_CHECK_NOTHING));
  gst_object_unref (src);
  return linked;
}

/* The codec of the call, NONE before there is one */
static GstDaoCodec
get_agreed (GstDaoMediaIn * in)
{
  GstCaps *caps = gst_pad_query_caps (in->target, NULL);
  GstDaoCodec codec = GST_DAO_CODEC_NONE;
  guint i, n = 0;

  for (i = 0; !gst_caps_is_any (caps) && i < gst_caps_get_size (caps); i++) {
    GstCaps *one = gst_caps_copy_nth (caps, i);
    GstDaoCodec c = gst_dao_call_branch_codec_of_caps (one);

    gst_caps_unref (one);
    if (c != GST_DAO_CODEC_NONE) {
      codec = c;
      n++;
    }
  }
  gst_caps_unref (caps);
  return n == 1 ? codec : GST_DAO_CODEC_NONE;
}

/* Once a run: a source whose caps were refused ends in the same moment. */
static void
fail (GstDaoMediaIn * in, GstDaoMediaInFailure failure, GError ** error)
{
  if (g_atomic_int_compare_and_exchange (&in->failed, FALSE, TRUE))
    in->callbacks.failed (in->media, failure,
        error && *error ? (*error)->message : NULL, in->user_data);
  if (error)
    g_clear_error (error);
}

/* --- what stands in; with the lock --- */

static void
remove_generator (GstDaoMediaIn * in)
{
  gst_dao_call_branch_remove (in->bin, &in->generator);
}

/* Decoders and recorders of the peer would rather not see another size. */
static void
set_generator_size (GstDaoMediaIn * in)
{
  GstPad *src = in->entry ? gst_element_get_static_pad (in->entry, "src") :
      NULL;
  GstCaps *caps = src ? gst_pad_get_current_caps (src) : NULL;

  if (caps && in->media == DAO_MEDIA_VIDEO)
    gst_dao_call_branch_set_size (in->generator, caps);
  gst_clear_caps (&caps);
  gst_clear_object (&src);
}

static gboolean
add_generator (GstDaoMediaIn * in, GError ** error)
{
  GstDaoCodec codec = in->media == DAO_MEDIA_AUDIO ? GST_DAO_CODEC_OPUS :
      get_agreed (in);

  if (in->generator)
    return TRUE;
  if (codec == GST_DAO_CODEC_NONE)
    codec = in->preferred;
  in->generator = gst_dao_call_branch_new_generator (codec, error);
  if (!in->generator)
    return FALSE;
  set_generator_size (in);
  gst_bin_add (in->bin, in->generator);
  link_target (in, in->generator);
  gst_element_sync_state_with_parent (in->generator);
  return TRUE;
}

/* --- the local stream; with the lock --- */

static void
remove_tail (GstDaoMediaIn * in)
{
  GstPad *src;

  g_atomic_int_set (&in->flowing, FALSE);
  in->tail = TAIL_NONE;
  in->codec = GST_DAO_CODEC_NONE;
  gst_clear_caps (&in->raw);
  if (in->encoder) {
    gst_dao_call_branch_remove (in->bin, &in->encoder);
  } else if (in->entry) {
    src = gst_element_get_static_pad (in->entry, "src");
    if (in->target && gst_pad_is_linked (src))
      gst_pad_unlink (src, in->target);
    gst_object_unref (src);
  }
}

static gboolean
add_encoder (GstDaoMediaIn * in, GstDaoCodec codec, GError ** error)
{
  in->encoder = gst_dao_call_branch_new_encoder (codec, error);
  if (!in->encoder)
    return FALSE;
  in->codec = codec;
  gst_dao_call_branch_set_size (in->encoder, in->raw);
  gst_dao_call_branch_set_black (in->encoder, in->muted);
  gst_dao_call_branch_add (in->bin, in->encoder);
  gst_element_link_pads_full (in->entry, "src", in->encoder, "sink",
      GST_PAD_LINK_CHECK_NOTHING);
  return TRUE;
}

/* Frames that come encoded cannot be made black: others go in their place. */
static gboolean
is_covered (GstDaoMediaIn * in)
{
  return in->muted && in->media == DAO_MEDIA_VIDEO
      && in->tail == TAIL_ENCODED;
}

/* Lets frames through to the target if there is a call for them. */
static gboolean
start_flow (GstDaoMediaIn * in, GstDaoMediaInFailure * failure,
    GError ** error)
{
  GstDaoCodec agreed = get_agreed (in);

  if (in->tail == TAIL_NONE || !in->open || in->eos)
    return TRUE;
  if (agreed != GST_DAO_CODEC_NONE && agreed != in->codec) {
    *failure = GST_DAO_MEDIA_IN_FORMAT;
    if (in->tail == TAIL_ENCODED) {
      g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
          "the call has %s, the local media is %s",
          gst_dao_codec_media_type (agreed),
          gst_dao_codec_media_type (in->codec));
      return FALSE;
    }
    *failure = GST_DAO_MEDIA_IN_PLUGIN;
    gst_dao_call_branch_remove (in->bin, &in->encoder);
    if (!add_encoder (in, agreed, error))
      return FALSE;
  }
  if (is_covered (in)) {
    gst_dao_media_hold_release (in->hold);
    return add_generator (in, error);
  }
  remove_generator (in);
  link_target (in, in->encoder ? in->encoder : in->entry);
  /* The key frame before was dropped, and the next may be far. */
  if (in->tail == TAIL_ENCODED && in->media == DAO_MEDIA_VIDEO
      && !g_atomic_int_get (&in->flowing))
    g_atomic_int_set (&in->need_key, TRUE);
  g_atomic_int_set (&in->flowing, TRUE);
  gst_dao_media_hold_release (in->hold);
  return TRUE;
}

/* After start_flow(), without the lock */
static void
request_key (GstDaoMediaIn * in)
{
  GstPad *sink = NULL;

  if (!g_atomic_int_get (&in->need_key))
    return;
  g_mutex_lock (&in->lock);
  if (in->entry)
    sink = gst_element_get_static_pad (in->entry, "sink");
  g_mutex_unlock (&in->lock);
  if (sink)
    gst_pad_push_event (sink,
        gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE,
            TRUE, 0));
  gst_clear_object (&sink);
}

static gboolean
set_encoded (GstDaoMediaIn * in, GstDaoCodec codec)
{
  if (in->tail == TAIL_ENCODED && in->codec == codec)
    return TRUE;
  remove_tail (in);
  in->tail = TAIL_ENCODED;
  in->codec = codec;
  /* While silence is sent the stream waits for its first caps. */
  return in->generator != NULL || link_target (in, in->entry);
}

static gboolean
set_raw (GstDaoMediaIn * in, GstCaps * caps, GError ** error)
{
  GstDaoCodec codec = in->media == DAO_MEDIA_AUDIO ? GST_DAO_CODEC_OPUS :
      in->preferred;

  gst_caps_replace (&in->raw, caps);
  if (in->tail == TAIL_RAW) {
    gst_dao_call_branch_set_size (in->encoder, caps);
    return TRUE;
  }
  remove_tail (in);
  gst_caps_replace (&in->raw, caps);
  if (!add_encoder (in, codec, error))
    return FALSE;
  in->tail = TAIL_RAW;
  /* There is only one audio codec to agree on. */
  if (in->media == DAO_MEDIA_AUDIO && !in->generator)
    link_target (in, in->encoder);
  return TRUE;
}

/* --- entry, on the streaming thread --- */

static GstPadProbeReturn
on_caps (GstDaoMediaIn * in, GstCaps * caps)
{
  GstDaoCodec codec = gst_dao_call_branch_codec_of_caps (caps);
  GstDaoMediaInFailure failure = GST_DAO_MEDIA_IN_PLUGIN;
  GError *error = NULL;
  gboolean ok = TRUE;

  g_mutex_lock (&in->lock);
  in->seen_caps = TRUE;
  if (in->target) {
    ok = codec != GST_DAO_CODEC_NONE ? set_encoded (in, codec) :
        set_raw (in, caps, &error);
    ok = ok && start_flow (in, &failure, &error);
  }
  g_mutex_unlock (&in->lock);
  if (!ok)
    fail (in, failure, &error);
  else
    request_key (in);
  return ok ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
}

static void
on_eos (GstDaoMediaIn * in)
{
  GstDaoCodec agreed;
  gboolean early, refused;

  g_mutex_lock (&in->lock);
  in->eos = TRUE;
  early = !in->seen_caps && !g_atomic_int_get (&in->frames);
  /* An encoder that cannot make the codec of the call ends here, also if its
   * caps came before there was a call. */
  agreed = in->target ? get_agreed (in) : GST_DAO_CODEC_NONE;
  refused = in->tail == TAIL_ENCODED && agreed != GST_DAO_CODEC_NONE
      && agreed != in->codec;
  g_atomic_int_set (&in->flowing, FALSE);
  g_mutex_unlock (&in->lock);
  if (early || refused)
    fail (in, refused ? GST_DAO_MEDIA_IN_FORMAT : GST_DAO_MEDIA_IN_PERMISSION,
        NULL);
  in->callbacks.eos (in->media, in->user_data);
}

static GstPadProbeReturn
refuse (GstPadProbeInfo * info)
{
  gst_buffer_unref (GST_PAD_PROBE_INFO_BUFFER (info));
  GST_PAD_PROBE_INFO_DATA (info) = NULL;
  GST_PAD_PROBE_INFO_FLOW_RETURN (info) = GST_FLOW_EOS;
  return GST_PAD_PROBE_HANDLED;
}

static gboolean
passes (GstDaoMediaIn * in, GstBuffer * frame)
{
  if (!g_atomic_int_get (&in->flowing))
    return FALSE;
  if (G_LIKELY (!g_atomic_int_get (&in->need_key)))
    return TRUE;
  if (GST_BUFFER_FLAG_IS_SET (frame, GST_BUFFER_FLAG_DELTA_UNIT))
    return FALSE;
  g_atomic_int_set (&in->need_key, FALSE);
  return TRUE;
}

static GstPadProbeReturn
on_entry (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstDaoMediaIn *in = user_data;

  if (!(GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM)) {
    g_atomic_int_set (&in->frames, 1);
    if (g_atomic_int_get (&in->over))
      return refuse (info);
    return passes (in, GST_PAD_PROBE_INFO_BUFFER (info)) ? GST_PAD_PROBE_OK :
        GST_PAD_PROBE_DROP;
  }

  switch (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info))) {
    case GST_EVENT_EOS:
      on_eos (in);
      /* silence goes on in its place (gst_dao_media_in_fill) */
      return GST_PAD_PROBE_DROP;
    case GST_EVENT_STREAM_START:
      g_mutex_lock (&in->lock);
      in->eos = FALSE;
      g_mutex_unlock (&in->lock);
      return GST_PAD_PROBE_OK;
    default:
      return GST_PAD_PROBE_OK;
  }
}

/* In front of the entry, which would refuse caps that what is behind it now does not take, and nobody would know why. */
static GstPadProbeReturn
on_entry_caps (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  GstCaps *caps;

  if (GST_EVENT_TYPE (event) != GST_EVENT_CAPS)
    return GST_PAD_PROBE_OK;
  gst_event_parse_caps (event, &caps);
  return on_caps (user_data, caps);
}

/* --- the pad --- */

/* Whatever stands behind it at the moment: this is what may come. */
static gboolean
query_pad (GstPad * pad, GstObject * parent, GstQuery * query)
{
  GstCaps *caps, *filter, *result;

  if (GST_QUERY_TYPE (query) != GST_QUERY_CAPS
      && GST_QUERY_TYPE (query) != GST_QUERY_ACCEPT_CAPS)
    return gst_pad_query_default (pad, parent, query);
  caps = gst_pad_get_pad_template_caps (pad);
  if (GST_QUERY_TYPE (query) == GST_QUERY_ACCEPT_CAPS) {
    gst_query_parse_accept_caps (query, &result);
    gst_query_set_accept_caps_result (query, gst_caps_is_subset (result,
            caps));
    gst_caps_unref (caps);
    return TRUE;
  }
  gst_query_parse_caps (query, &filter);
  result = filter ? gst_caps_intersect_full (filter, caps,
      GST_CAPS_INTERSECT_FIRST) : gst_caps_ref (caps);
  gst_query_set_caps_result (query, result);
  gst_caps_unref (result);
  gst_caps_unref (caps);
  return TRUE;
}

GstPad *
gst_dao_media_in_request_pad (GstDaoMediaIn * in, GstPadTemplate * templ)
{
  GstElement *entry = gst_element_factory_make ("identity", NULL);
  GstPad *sink, *src;

  if (in->pad || !entry) {
    gst_clear_object (&entry);
    return NULL;
  }
  g_object_set (entry, "silent", TRUE, NULL);
  gst_dao_call_branch_add (in->bin, entry);
  sink = gst_element_get_static_pad (entry, "sink");
  src = gst_element_get_static_pad (entry, "src");
  gst_pad_add_probe (src, GST_PAD_PROBE_TYPE_BUFFER |
      GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_entry, in, NULL);
  gst_pad_add_probe (sink, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_entry_caps,
      in, NULL);
  g_mutex_lock (&in->lock);
  in->entry = entry;
  in->hold = gst_dao_media_hold_new (in->bin, entry);
  in->pad = gst_ghost_pad_new_from_template (GST_PAD_TEMPLATE_NAME_TEMPLATE
      (templ), sink, templ);
  in->eos = in->seen_caps = FALSE;
  in->frames = 0;
  gst_pad_set_query_function (in->pad, query_pad);
  g_mutex_unlock (&in->lock);
  gst_object_unref (sink);
  gst_object_unref (src);
  return in->pad;
}

void
gst_dao_media_in_release_pad (GstDaoMediaIn * in)
{
  GError *error = NULL;
  gboolean ok;

  g_mutex_lock (&in->lock);
  remove_tail (in);
  in->pad = NULL;
  gst_dao_call_branch_remove (in->bin, &in->entry);
  g_clear_pointer (&in->hold, gst_dao_media_hold_free);
  ok = !in->open || add_generator (in, &error);
  g_mutex_unlock (&in->lock);
  if (!ok)
    fail (in, GST_DAO_MEDIA_IN_PLUGIN, &error);
}

gboolean
gst_dao_media_in_is_linked (GstDaoMediaIn * in)
{
  gboolean linked;

  g_mutex_lock (&in->lock);
  linked = in->pad && gst_pad_is_linked (in->pad);
  g_mutex_unlock (&in->lock);
  return linked;
}

/* --- the run --- */

/* Encoded media shows before the first caps: only its codec may be offered. */
static void
link_encoded (GstDaoMediaIn * in)
{
  GstCaps *caps = gst_pad_peer_query_caps (in->pad, NULL);
  GstDaoCodec codec = gst_dao_call_branch_codec_of_caps (caps);
  guint i;

  for (i = 1; codec != GST_DAO_CODEC_NONE && i < gst_caps_get_size (caps); i++)
    if (!gst_structure_has_name (gst_caps_get_structure (caps, i),
            gst_dao_codec_media_type (codec)))
      codec = GST_DAO_CODEC_NONE;
  gst_caps_unref (caps);
  if (codec != GST_DAO_CODEC_NONE)
    set_encoded (in, codec);
}

void
gst_dao_media_in_prepare (GstDaoMediaIn * in, GstPad * target,
    GstDaoCodec preferred)
{
  g_mutex_lock (&in->lock);
  if (in->target) {
    remove_generator (in);
    remove_tail (in);
    in->open = FALSE;
    gst_clear_object (&in->target);
  }
  in->preferred = preferred;
  in->eos = in->seen_caps = FALSE;
  in->frames = 0;
  in->failed = FALSE;
  g_atomic_int_set (&in->need_key, FALSE);
  if (target) {
    in->target = gst_object_ref (target);
    if (in->pad && gst_pad_is_linked (in->pad))
      link_encoded (in);
    if (in->hold && !g_atomic_int_get (&in->over))
      gst_dao_media_hold_begin (in->hold);
  }
  g_mutex_unlock (&in->lock);
}

/* Video that the peer added and we did not yet has no codec that we could send. */
static gboolean
may_open (GstDaoMediaIn * in)
{
  return in->media == DAO_MEDIA_AUDIO
      || get_agreed (in) != GST_DAO_CODEC_NONE;
}

void
gst_dao_media_in_open (GstDaoMediaIn * in)
{
  GstDaoMediaInFailure failure = GST_DAO_MEDIA_IN_PLUGIN;
  GError *error = NULL;
  gboolean ok = TRUE;

  g_mutex_lock (&in->lock);
  if (in->target && !in->open && may_open (in)) {
    in->open = TRUE;
    ok = start_flow (in, &failure, &error);
    if (ok && !g_atomic_int_get (&in->flowing)
        && !(in->pad && gst_pad_is_linked (in->pad) && !in->eos))
      ok = add_generator (in, &error);
  }
  g_mutex_unlock (&in->lock);
  if (!ok)
    fail (in, failure, &error);
  else
    request_key (in);
}

void
gst_dao_media_in_fill (GstDaoMediaIn * in)
{
  GError *error = NULL;
  gboolean ok = TRUE;

  g_mutex_lock (&in->lock);
  if (in->open && in->eos)
    ok = add_generator (in, &error);
  g_mutex_unlock (&in->lock);
  if (!ok)
    fail (in, GST_DAO_MEDIA_IN_PLUGIN, &error);
}

void
gst_dao_media_in_close (GstDaoMediaIn * in)
{
  g_mutex_lock (&in->lock);
  in->open = FALSE;
  g_atomic_int_set (&in->flowing, FALSE);
  remove_generator (in);
  g_mutex_unlock (&in->lock);
}

void
gst_dao_media_in_set_over (GstDaoMediaIn * in, gboolean over)
{
  g_mutex_lock (&in->lock);
  g_atomic_int_set (&in->over, over);
  /* What was held for a call that never came has its answer now. */
  if (over && in->hold)
    gst_dao_media_hold_drop (in->hold);
  g_mutex_unlock (&in->lock);
}

/* Runs when no frame is on its way through the entry, so that its link can go. */
static GstPadProbeReturn
cover (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstDaoMediaIn *in = user_data;
  GError *error = NULL;

  g_mutex_lock (&in->lock);
  if (is_covered (in) && in->open && !add_generator (in, &error)) {
    /* Nothing is shown all the same: the frames have stopped. */
    GST_WARNING_OBJECT (in->bin, "no black picture: %s", error->message);
    g_error_free (error);
  }
  g_mutex_unlock (&in->lock);
  return GST_PAD_PROBE_REMOVE;
}

/* With the lock */
static void
uncover (GstDaoMediaIn * in)
{
  GstDaoMediaInFailure failure;
  GError *error = NULL;

  if (!start_flow (in, &failure, &error)) {
    GST_WARNING_OBJECT (in->bin, "%s", error->message);
    g_error_free (error);
  }
}

void
gst_dao_media_in_set_muted (GstDaoMediaIn * in, gboolean muted)
{
  GstPad *src = NULL;
  gboolean changed;

  g_mutex_lock (&in->lock);
  changed = in->muted != muted;
  in->muted = muted;
  if (in->encoder)
    gst_dao_call_branch_set_black (in->encoder, muted);
  if (changed && in->media == DAO_MEDIA_VIDEO && in->tail == TAIL_ENCODED
      && in->open && !in->eos && in->entry) {
    if (muted) {
      g_atomic_int_set (&in->flowing, FALSE);
      src = gst_element_get_static_pad (in->entry, "src");
    } else {
      uncover (in);
    }
  }
  g_mutex_unlock (&in->lock);
  if (src)
    gst_pad_add_probe (src, GST_PAD_PROBE_TYPE_IDLE, cover, in, NULL);
  gst_clear_object (&src);
  request_key (in);
}

gboolean
gst_dao_media_in_is_eos (GstDaoMediaIn * in)
{
  gboolean eos;

  g_mutex_lock (&in->lock);
  eos = in->eos;
  g_mutex_unlock (&in->lock);
  return eos;
}

gboolean
gst_dao_media_in_has_failed (GstDaoMediaIn * in)
{
  gboolean failed;

  g_mutex_lock (&in->lock);
  failed = in->pad && gst_pad_is_linked (in->pad) && in->eos
      && !in->seen_caps && !g_atomic_int_get (&in->frames);
  g_mutex_unlock (&in->lock);
  return failed;
}

gboolean
gst_dao_media_in_is_silent (GstDaoMediaIn * in, gboolean caps)
{
  gboolean silent;

  g_mutex_lock (&in->lock);
  silent = in->pad && gst_pad_is_linked (in->pad) && !in->eos
      && !g_atomic_int_get (&in->frames) && !(caps && in->seen_caps);
  g_mutex_unlock (&in->lock);
  return silent;
}

GstDaoMediaIn *
gst_dao_media_in_new (GstBin * bin, DaoMedia media,
    const GstDaoMediaInCallbacks * callbacks, gpointer user_data)
{
  GstDaoMediaIn *in = g_new0 (GstDaoMediaIn, 1);

  in->bin = bin;
  in->media = media;
  in->callbacks = *callbacks;
  in->user_data = user_data;
  in->preferred = GST_DAO_CODEC_VP8;
  g_mutex_init (&in->lock);
  return in;
}

void
gst_dao_media_in_free (GstDaoMediaIn * in)
{
  gst_dao_media_in_prepare (in, NULL, GST_DAO_CODEC_VP8);
  g_clear_pointer (&in->hold, gst_dao_media_hold_free);
  g_mutex_clear (&in->lock);
  g_free (in);
}
