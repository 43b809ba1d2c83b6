/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaocallmedia.h"
#include "gstdaocallbranch.h"
#include "gstdaomediain.h"
#include "gstdaosignaling.h"
#include "dao-call.h"

/* protocol.md, f: media acquisition timeout */
#define MEDIA_TIMEOUT (6 * GST_SECOND)
/* Streams of one file do not end in the same moment: no black frame for the rest. */
#define FILL_DELAY (2 * GST_SECOND)

static const gchar *const media_names[] = { "audio", "video" };
static const gchar *const target_names[] = { "audio_sink", "video_sink" };

struct _GstDaoCallMedia
{
  GstElement *bin;
  GstElement *signaling;
  GstDaoMediaIn *in[2];         /* by DaoMedia */
  GstPad *targets[2];           /* daosignaling's sink pads, while a run is on */
  GstDaoCodec preferred;

  /* under the object lock of the bin */
  gboolean video_muted;
  GstClockID watch;
  gboolean watch_frames;
  GstClockID fill;
};

/* --- local media that fails --- */

static gboolean
is_in_call (GstDaoCallMedia * media)
{
  gint state;

  g_object_get (media->signaling, "call-state", &state, NULL);
  return state == DAO_CALL_CALLING || state == DAO_CALL_CONNECTING
      || state == DAO_CALL_CONNECTED;
}

/* On a thread of its own: who sends an event waits for the element's state changes. */
static void
end_call (GstElement * signaling, gpointer unused)
{
  gst_element_send_event (signaling,
      gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM,
          gst_structure_new_empty (GST_DAO_EVENT_LOCAL_MEDIA_FAILED)));
}

#define POST(code_domain, code, reason, text, debug) \
  GST_ELEMENT_ERROR_WITH_DETAILS (media->bin, code_domain, code, text, debug, \
      ("media-error", G_TYPE_STRING, reason, "media", G_TYPE_STRING, name, \
          NULL))

static void
on_failed (DaoMedia which, GstDaoMediaInFailure failure, const gchar * debug,
    gpointer user_data)
{
  GstDaoCallMedia *media = user_data;
  const gchar *name = media_names[which];

  switch (failure) {
    case GST_DAO_MEDIA_IN_PERMISSION:
      /* It counts when there is a call (check_media). */
      if (!is_in_call (media))
        return;
      POST (RESOURCE, OPEN_READ, "permission",
          ("The local %s ended before its first frame: the device is not "
              "permitted, in use or gone", name), (NULL));
      break;
    case GST_DAO_MEDIA_IN_TIMEOUT:
      POST (RESOURCE, READ, "timeout", ("The local %s gave nothing within %d s",
              name, (gint) (MEDIA_TIMEOUT / GST_SECOND)), (NULL));
      break;
    case GST_DAO_MEDIA_IN_FORMAT:
      POST (STREAM, FORMAT, "format",
          ("The local %s cannot be sent in this format", name),
          ("%s", debug ? debug : "-"));
      break;
    case GST_DAO_MEDIA_IN_PLUGIN:
      GST_ELEMENT_ERROR (media->bin, CORE, MISSING_PLUGIN,
          ("No %s can be sent: %s", name, debug ? debug : "-"), (NULL));
      break;
  }
  gst_element_call_async (media->signaling, end_call, NULL, NULL);
}

gboolean
gst_dao_call_media_handle_error (GstDaoCallMedia * media,
    GstMessage * message)
{
  GError *error = NULL;
  gchar *debug = NULL, *text;
  DaoMedia which;

  if (!gst_dao_call_branch_is_local (GST_MESSAGE_SRC (message), &which))
    return FALSE;
  gst_message_parse_error (message, &error, &debug);
  text = g_strdup_printf ("%s: %s (%s)", GST_MESSAGE_SRC_NAME (message),
      error->message, debug ? debug : "-");
  on_failed (which, GST_DAO_MEDIA_IN_FORMAT, text, media);
  g_free (text);
  g_free (debug);
  g_error_free (error);
  return TRUE;
}

/* --- local media that does not come --- */

typedef struct
{
  GstElement *bin;
  GstDaoCallMedia *media;
} Watch;

static void
watch_free (gpointer data)
{
  Watch *watch = data;

  gst_object_unref (watch->bin);
  g_free (watch);
}

static gboolean
on_watch (GstClock * clock, GstClockTime time, GstClockID id,
    gpointer user_data)
{
  Watch *watch = user_data;
  GstDaoCallMedia *media = watch->media;
  gboolean frames, mine;
  guint i;

  GST_OBJECT_LOCK (media->bin);
  mine = media->watch == id;
  frames = media->watch_frames;
  GST_OBJECT_UNLOCK (media->bin);
  for (i = 0; mine && i < 2; i++)
    if (gst_dao_media_in_is_silent (media->in[i], !frames))
      on_failed (i, GST_DAO_MEDIA_IN_TIMEOUT, NULL, media);
  return TRUE;
}

static void
stop_timer (GstDaoCallMedia * media, GstClockID * timer)
{
  GstClockID id;

  GST_OBJECT_LOCK (media->bin);
  id = g_steal_pointer (timer);
  GST_OBJECT_UNLOCK (media->bin);
  if (!id)
    return;
  gst_clock_id_unschedule (id);
  gst_clock_id_unref (id);
}

/* The media lives as long as the bin, and the clock holds the bin. */
static void
start_timer (GstDaoCallMedia * media, GstClockID * timer, GstClockTime delay,
    GstClockCallback callback)
{
  GstClock *clock = gst_element_get_clock (media->bin);
  Watch *watch = g_new0 (Watch, 1);
  GstClockID id;

  stop_timer (media, timer);
  if (!clock)
    clock = gst_system_clock_obtain ();
  watch->bin = gst_object_ref (media->bin);
  watch->media = media;
  id = gst_clock_new_single_shot_id (clock, gst_clock_get_time (clock) + delay);
  GST_OBJECT_LOCK (media->bin);
  *timer = gst_clock_id_ref (id);
  GST_OBJECT_UNLOCK (media->bin);
  gst_clock_id_wait_async (id, callback, watch, watch_free);
  gst_clock_id_unref (id);
  gst_object_unref (clock);
}

void
gst_dao_call_media_stop_watch (GstDaoCallMedia * media)
{
  stop_timer (media, &media->watch);
  stop_timer (media, &media->fill);
}

/* Before the call is connected, caps are enough: a file may wait for its listener. */
static void
start_watch (GstDaoCallMedia * media, gboolean frames)
{
  GST_OBJECT_LOCK (media->bin);
  media->watch_frames = frames;
  GST_OBJECT_UNLOCK (media->bin);
  start_timer (media, &media->watch, MEDIA_TIMEOUT, on_watch);
}

/* --- the state of the call --- */

static void
update_mute (GstDaoCallMedia * media)
{
  gboolean muted;

  GST_OBJECT_LOCK (media->bin);
  muted = media->video_muted;
  GST_OBJECT_UNLOCK (media->bin);
  gst_dao_media_in_set_muted (media->in[DAO_MEDIA_VIDEO], muted);
}

void
gst_dao_call_media_set_video_muted (GstDaoCallMedia * media, gboolean muted)
{
  GST_OBJECT_LOCK (media->bin);
  media->video_muted = muted;
  GST_OBJECT_UNLOCK (media->bin);
  update_mute (media);
}

/* On threads of their own: elements are made and stopped. */
static void
open_media (GstElement * bin, gpointer user_data)
{
  GstDaoCallMedia *media = user_data;
  gboolean video;

  g_object_get (media->signaling, "is-video", &video, NULL);
  gst_dao_media_in_open (media->in[DAO_MEDIA_AUDIO]);
  if (video)
    gst_dao_media_in_open (media->in[DAO_MEDIA_VIDEO]);
  update_mute (media);
}

static void
close_media (GstElement * bin, gpointer user_data)
{
  GstDaoCallMedia *media = user_data;

  gst_dao_media_in_close (media->in[DAO_MEDIA_AUDIO]);
  gst_dao_media_in_close (media->in[DAO_MEDIA_VIDEO]);
}

/* What failed before there was a call, while the account was not online yet say, makes no call of silence and black. */
static void
check_media (GstDaoCallMedia * media)
{
  gboolean video;

  g_object_get (media->signaling, "is-video", &video, NULL);
  if (gst_dao_media_in_has_failed (media->in[DAO_MEDIA_AUDIO]))
    on_failed (DAO_MEDIA_AUDIO, GST_DAO_MEDIA_IN_PERMISSION, NULL, media);
  else if (video && gst_dao_media_in_has_failed (media->in[DAO_MEDIA_VIDEO]))
    on_failed (DAO_MEDIA_VIDEO, GST_DAO_MEDIA_IN_PERMISSION, NULL, media);
}

void
gst_dao_call_media_update (GstDaoCallMedia * media)
{
  gint state;

  g_object_get (media->signaling, "call-state", &state, NULL);
  if (state == DAO_CALL_CALLING || state == DAO_CALL_CONNECTING) {
    check_media (media);
    start_watch (media, FALSE);
  } else if (state == DAO_CALL_CONNECTED) {
    start_watch (media, TRUE);
    gst_element_call_async (media->bin, open_media, media, NULL);
  } else if (dao_call_state_is_terminal (state)) {
    gst_dao_call_media_stop_watch (media);
    gst_element_call_async (media->bin, close_media, media, NULL);
  }
}

static gboolean
on_fill (GstClock * clock, GstClockTime time, GstClockID id,
    gpointer user_data)
{
  Watch *watch = user_data;

  gst_dao_media_in_fill (watch->media->in[DAO_MEDIA_AUDIO]);
  gst_dao_media_in_fill (watch->media->in[DAO_MEDIA_VIDEO]);
  return TRUE;
}

/* When all local media has ended there is nothing more to say. */
static void
on_eos (DaoMedia which, gpointer user_data)
{
  GstDaoCallMedia *media = user_data;
  guint i;

  for (i = 0; i < 2; i++)
    if (gst_dao_media_in_is_linked (media->in[i])
        && !gst_dao_media_in_is_eos (media->in[i])) {
      start_timer (media, &media->fill, FILL_DELAY, on_fill);
      return;
    }
  gst_element_send_event (media->signaling, gst_event_new_eos ());
}

/* --- runs --- */

/* daosignaling asks for other caps when a codec is agreed on. For video that can be long after the call was
 * connected: when we add ours. */
static GstPadProbeReturn
on_target_event (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstDaoCallMedia *media = user_data;
  gint state;

  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) !=
      GST_EVENT_RECONFIGURE)
    return GST_PAD_PROBE_OK;
  g_object_get (media->signaling, "call-state", &state, NULL);
  if (state == DAO_CALL_CONNECTED)
    gst_element_call_async (media->bin, open_media, media, NULL);
  return GST_PAD_PROBE_OK;
}

static void
request_target (GstDaoCallMedia * media, DaoMedia which)
{
  if (media->targets[which])
    return;
  media->targets[which] =
      gst_element_request_pad_simple (media->signaling, target_names[which]);
  gst_pad_add_probe (media->targets[which], GST_PAD_PROBE_TYPE_EVENT_UPSTREAM,
      on_target_event, media, NULL);
  gst_dao_media_in_prepare (media->in[which], media->targets[which],
      media->preferred);
}

static void
set_over (GstDaoCallMedia * media, gboolean over)
{
  gst_dao_media_in_set_over (media->in[DAO_MEDIA_AUDIO], over);
  gst_dao_media_in_set_over (media->in[DAO_MEDIA_VIDEO], over);
}

/* daosignaling offers video if its video pad is there. */
void
gst_dao_call_media_start_run (GstDaoCallMedia * media, gboolean video,
    GstDaoVideoCodec codec)
{
  media->preferred = codec == GST_DAO_VIDEO_CODEC_VP9 ? GST_DAO_CODEC_VP9 :
      GST_DAO_CODEC_VP8;
  set_over (media, FALSE);
  request_target (media, DAO_MEDIA_AUDIO);
  if (video)
    request_target (media, DAO_MEDIA_VIDEO);
  update_mute (media);
}

void
gst_dao_call_media_want_video (GstDaoCallMedia * media)
{
  if (media->targets[DAO_MEDIA_AUDIO])
    request_target (media, DAO_MEDIA_VIDEO);
}

void
gst_dao_call_media_finish_run (GstDaoCallMedia * media)
{
  set_over (media, TRUE);
}

void
gst_dao_call_media_end_run (GstDaoCallMedia * media)
{
  guint i;

  for (i = 0; i < 2; i++) {
    GstPad *target = g_steal_pointer (&media->targets[i]);

    gst_dao_media_in_prepare (media->in[i], NULL, media->preferred);
    if (target) {
      gst_element_release_request_pad (media->signaling, target);
      gst_object_unref (target);
    }
  }
}

/* --- pads --- */

GstPad *
gst_dao_call_media_request_pad (GstDaoCallMedia * media, DaoMedia which,
    GstPadTemplate * templ)
{
  return gst_dao_media_in_request_pad (media->in[which], templ);
}

void
gst_dao_call_media_release_pad (GstDaoCallMedia * media, DaoMedia which)
{
  gst_dao_media_in_release_pad (media->in[which]);
}

gboolean
gst_dao_call_media_is_linked (GstDaoCallMedia * media, DaoMedia which)
{
  return gst_dao_media_in_is_linked (media->in[which]);
}

GstDaoCallMedia *
gst_dao_call_media_new (GstBin * bin, GstElement * signaling)
{
  static const GstDaoMediaInCallbacks callbacks = { on_failed, on_eos };
  GstDaoCallMedia *media = g_new0 (GstDaoCallMedia, 1);
  guint i;

  media->bin = GST_ELEMENT (bin);
  media->signaling = signaling;
  for (i = 0; i < 2; i++)
    media->in[i] = gst_dao_media_in_new (bin, i, &callbacks, media);
  return media;
}

void
gst_dao_call_media_free (GstDaoCallMedia * media)
{
  guint i;

  for (i = 0; i < 2; i++)
    gst_dao_media_in_free (media->in[i]);
  g_free (media);
}
