/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaosignaling-private.h"
#include "gstdaomessages.h"

#define GST_CAT_DEFAULT gst_dao_signaling_debug

GstDaoMediaSink *
gst_dao_signaling_get_sink (GstDaoSignaling * self, DaoMedia media)
{
  GstDaoMediaSink *sink;

  GST_OBJECT_LOCK (self);
  sink = self->sinks[media] ? gst_object_ref (self->sinks[media]) : NULL;
  GST_OBJECT_UNLOCK (self);
  return sink;
}

void
gst_dao_signaling_begin_run (GstDaoSignaling * self)
{
  guint run, i;

  GST_OBJECT_LOCK (self);
  self->over = FALSE;
  run = self->run;
  for (i = 0; i < 2; i++)
    if (self->sinks[i])
      gst_dao_media_sink_begin_run (self->sinks[i], run);
  GST_OBJECT_UNLOCK (self);
  for (i = 0; i < 2; i++)
    gst_dao_media_src_begin_run (self->src[i], run);
}

/* Object lock held */
static void
end_run (GstDaoSignaling * self)
{
  guint i;

  self->over = TRUE;
  for (i = 0; i < 2; i++)
    if (self->sinks[i])
      gst_dao_media_sink_end_run (self->sinks[i]);
}

/* A request for a thread of its own: EOS may wait for what is downstream, so
 * each stream has one, or a muxer's full queue of one would keep the other's. */
typedef struct
{
  DaoMedia media;
  guint run;
  gboolean last;                /* the run is over with it */
} Ending;

static void
end_stream (GstElement * element, gpointer user_data)
{
  GstDaoSignaling *self = GST_DAO_SIGNALING (element);
  Ending *ending = user_data;
  gboolean current, over;

  GST_OBJECT_LOCK (self);
  current = self->run == ending->run;
  GST_OBJECT_UNLOCK (self);
  if (!current)
    return;
  /* What flowed is not missing: the peer may send it again. */
  if (ending->last
      || gst_dao_media_src_get_buffers (self->src[ending->media]) == 0)
    gst_dao_media_src_eos (self->src[ending->media], ending->last);
  GST_OBJECT_LOCK (self);
  over = ending->last && self->run == ending->run && --self->ending == 0;
  GST_OBJECT_UNLOCK (self);
  if (!over)
    return;
  GST_INFO_OBJECT (self, "the run is over");
  gst_element_post_message (element, gst_message_new_eos (GST_OBJECT (self)));
}

static void
end_stream_async (GstDaoSignaling * self, DaoMedia media, guint run,
    gboolean last)
{
  Ending *ending = g_new0 (Ending, 1);

  ending->media = media;
  ending->last = last;
  ending->run = run;
  gst_element_call_async (GST_ELEMENT (self), end_stream, ending, g_free);
}

static void
on_missing (guint run, DaoMedia media, gpointer user_data)
{
  end_stream_async (user_data, media, run, FALSE);
}

static void
on_finished (guint run, gpointer user_data)
{
  GstDaoSignaling *self = user_data;
  gboolean playing;

  GST_OBJECT_LOCK (self);
  /* The next run may have begun before its request arrived at the session. */
  playing = self->playing && self->run == run;
  if (playing) {
    self->playing = FALSE;
    self->ending = 2;
    end_run (self);
  }
  GST_OBJECT_UNLOCK (self);
  if (!playing)
    return;
  end_stream_async (self, DAO_MEDIA_AUDIO, run, TRUE);
  end_stream_async (self, DAO_MEDIA_VIDEO, run, TRUE);
}

/* Not when the application has ended the run meanwhile: an ERROR would be taken for
 * one of the next. */
static gboolean
is_playing (GstDaoSignaling * self, guint run)
{
  gboolean playing;

  GST_OBJECT_LOCK (self);
  playing = self->playing && self->run == run;
  GST_OBJECT_UNLOCK (self);
  return playing;
}

static void
update_state (GstDaoSignaling * self, const GstDaoSessionState * state)
{
  GST_OBJECT_LOCK (self);
  self->state = state->state;
  /* The record of a call holds nothing of the one before. */
  if (state->state == DAO_CALL_CALLING || state->state == DAO_CALL_RINGING)
    g_clear_pointer (&self->stats, gst_structure_free);
  g_free (self->call_id);
  self->call_id = g_strdup (state->call_id);
  g_free (self->remote_alias);
  self->remote_alias = g_strdup (state->peer);
  self->is_video = state->is_video;
  self->duration = state->duration;
  self->connected_at = state->state == DAO_CALL_CONNECTED ?
      gst_util_get_timestamp () - state->duration : GST_CLOCK_TIME_NONE;
  GST_OBJECT_UNLOCK (self);
}

static void
on_state (const GstDaoSessionState * state, gpointer user_data)
{
  static const gchar *const properties[] = { "call-id", "remote-alias",
    "is-video", "duration", "call-state"
  };
  GstDaoSignaling *self = user_data;
  guint i;

  update_state (self, state);
  if (!gst_dao_signaling_begin_telling (self))
    return;
  for (i = 0; i < G_N_ELEMENTS (properties); i++)
    g_object_notify (G_OBJECT (self), properties[i]);
  gst_dao_post_state (GST_ELEMENT (self), state);

  /* A muxer waits for every pad: what will not come must say so. */
  if (state->state == DAO_CALL_CONNECTED && !state->is_video)
    end_stream_async (self, DAO_MEDIA_VIDEO, state->run, FALSE);
  if (dao_call_state_is_terminal (state->state)) {
    gst_dao_post_ended (GST_ELEMENT (self), state, self->stats);
    if (gst_dao_end_is_error (state) && is_playing (self, state->run))
      gst_dao_post_end_error (GST_ELEMENT (self), state);
  }
  gst_dao_signaling_end_telling (self);
}

static void
on_online (const gchar * alias, gboolean online, const gchar * why,
    gpointer user_data)
{
  gst_dao_post_account (user_data, alias, online, why);
}

static void
on_incoming (const gchar * peer, gboolean video, gpointer user_data)
{
  if (!gst_dao_signaling_begin_telling (user_data))
    return;
  gst_dao_post_incoming (user_data, peer, video);
  g_signal_emit (user_data, gst_dao_signaling_signals[GST_DAO_CALL_SIGNAL_INCOMING], 0, peer,
      video);
  gst_dao_signaling_end_telling (user_data);
}

static void
on_warning (DaoCallReason reason, const gchar * text, gpointer user_data)
{
  GST_ELEMENT_WARNING (user_data, RESOURCE, FAILED, ("%s", text), ("%s",
          dao_call_reason_to_string (reason)));
}

static void
on_failed (DaoCallReason reason, const gchar * text, gpointer user_data)
{
  GST_ELEMENT_ERROR (user_data, RESOURCE, OPEN_READ_WRITE,
      ("No call is possible: %s", text), ("%s",
          dao_call_reason_to_string (reason)));
}

static void
describe_local (DaoMedia media, GstDaoLocalMedia * local, gpointer user_data)
{
  GstDaoMediaSink *sink = gst_dao_signaling_get_sink (user_data, media);

  if (sink)
    gst_dao_media_sink_describe (sink, local);
  else
    gst_dao_media_describe_any (media, local);
  gst_clear_object (&sink);
}

static gboolean
wants_ciphertext (DaoMedia media, gpointer user_data)
{
  GstDaoSignaling *self = user_data;
  GstCaps *caps = gst_pad_peer_query_caps (self->src_pads[media], NULL);
  gboolean wants = FALSE;

  if (!gst_caps_is_any (caps) && !gst_caps_is_empty (caps))
    wants = gst_structure_has_name (gst_caps_get_structure (caps, 0),
        "application/x-dao-e2ee");
  gst_caps_unref (caps);
  return wants;
}

static GstCaps *
get_frame_caps (DaoMedia media, GstDaoCodec codec, gpointer user_data)
{
  GstDaoMediaSink *sink = gst_dao_signaling_get_sink (user_data, media);
  GstCaps *caps = sink ? gst_dao_media_sink_get_frame_caps (sink, codec) :
      gst_dao_media_default_caps (codec);

  gst_clear_object (&sink);
  return caps;
}

static GstPad *
get_force_key_pad (DaoMedia media, gpointer user_data)
{
  GstDaoMediaSink *sink = gst_dao_signaling_get_sink (user_data, media);

  return sink ? GST_PAD (sink) : NULL;
}

static void
on_sender (guint run, DaoMedia media, GstDaoCodec codec,
    GstElement * appsrc, gpointer user_data)
{
  GstDaoMediaSink *sink = gst_dao_signaling_get_sink (user_data, media);

  if (sink)
    gst_dao_media_sink_set_sender (sink, run, codec, appsrc);
  gst_clear_object (&sink);
}

static void
on_resume (DaoMedia media, gpointer user_data)
{
  GstDaoMediaSink *sink = gst_dao_signaling_get_sink (user_data, media);

  if (sink)
    gst_dao_media_sink_resume (sink);
  gst_clear_object (&sink);
}

static void
on_hold (DaoMedia media, gboolean held, gpointer user_data)
{
  GstDaoMediaSink *sink = gst_dao_signaling_get_sink (user_data, media);

  if (sink)
    gst_dao_media_sink_set_held (sink, held);
  gst_clear_object (&sink);
}

static void
on_stats (GstStructure * stats, gpointer user_data)
{
  GstDaoSignaling *self = user_data;
  GstStructure *old;

  GST_OBJECT_LOCK (self);
  old = self->stats;
  self->stats = gst_structure_copy (stats);
  GST_OBJECT_UNLOCK (self);
  g_clear_pointer (&old, gst_structure_free);
  if (gst_dao_signaling_begin_telling (self)) {
    gst_dao_post_stats (GST_ELEMENT (self), stats);
    g_object_notify (G_OBJECT (self), "stats");
    gst_dao_signaling_end_telling (self);
  }
  gst_structure_free (stats);
}

const GstDaoSessionCallbacks gst_dao_signaling_callbacks = {
  .state = on_state,
  .online = on_online,
  .incoming = on_incoming,
  .warning = on_warning,
  .failed = on_failed,
  .finished = on_finished,
  .describe_local = describe_local,
  .wants_ciphertext = wants_ciphertext,
  .frame_caps = get_frame_caps,
  .force_key_pad = get_force_key_pad,
  .sender = on_sender,
  .missing = on_missing,
  .resume = on_resume,
  .hold = on_hold,
  .stats = on_stats,
};
