/* gst-dao: one end of a whole call, with the media that passes it counted
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "callend.h"

#include <string.h>

#define PATIENCE_US (20 * G_TIME_SPAN_SECOND)

/* --- what passes --- */

/* RFC 7983: the first byte of RTP and RTCP */
static gboolean
count_buffer (GstBuffer ** buffer, guint i, gpointer counter)
{
  guint8 first;

  if (gst_buffer_extract (*buffer, 0, &first, 1) == 1 && first >= 128
      && first <= 191)
    g_atomic_int_inc ((gint *) counter);
  return TRUE;
}

static void
count_rtp (GstPadProbeInfo * info, gint * counter)
{
  GstBuffer *buffer;

  if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
    gst_buffer_list_foreach (GST_PAD_PROBE_INFO_BUFFER_LIST (info),
        count_buffer, counter);
  } else {
    buffer = GST_PAD_PROBE_INFO_BUFFER (info);
    count_buffer (&buffer, 0, counter);
  }
}

static GstPadProbeReturn
on_rtp_in (GstPad * pad, GstPadProbeInfo * info, gpointer end)
{
  count_rtp (info, &((CallEnd *) end)->rtp_in);
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
on_rtp_out (GstPad * pad, GstPadProbeInfo * info, gpointer end)
{
  count_rtp (info, &((CallEnd *) end)->rtp_out);
  return GST_PAD_PROBE_OK;
}

/* A peer connection is taken down after the element is in NULL: its probes keep what they count in. */
static void
on_element (GstBin * bin, GstBin * sub_bin, GstElement * element,
    CallEnd * end)
{
  GstElementFactory *factory = gst_element_get_factory (element);
  const gchar *name = factory ? GST_OBJECT_NAME (factory) : "";
  gboolean in = g_str_equal (name, "nicesrc");
  GstPad *pad;

  if (g_str_equal (name, "webrtcbin"))
    g_atomic_int_inc (&end->webrtcbins);
  if (!in && !g_str_equal (name, "nicesink"))
    return;
  pad = gst_element_get_static_pad (element, in ? "src" : "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER |
      GST_PAD_PROBE_TYPE_BUFFER_LIST, in ? on_rtp_in : on_rtp_out,
      g_atomic_rc_box_acquire (end), g_atomic_rc_box_release);
  gst_object_unref (pad);
}

static GstPadProbeReturn
on_frame (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  CallEnd *end = user_data;
  GstClockTime pts = GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info));

  if (g_atomic_int_get (&end->frames) > 0) {
    GstClockTimeDiff gap = GST_CLOCK_DIFF (end->last, pts) / GST_MSECOND;

    if (gap > g_atomic_int_get (&end->widest_ms))
      g_atomic_int_set (&end->widest_ms, gap);
  }
  end->last = pts;
  g_atomic_int_inc (&end->frames);
  return GST_PAD_PROBE_OK;
}

/* --- life --- */

CallEnd *
call_end_new (CallFixture * fixture, guint account, const gchar * options,
    ...)
{
  CallEnd *end = g_atomic_rc_box_new0 (CallEnd);
  GstPad *pad;
  va_list args;
  gchar *text;

  va_start (args, options);
  text = g_strdup_vprintf (options, args);
  va_end (args);
  end->fixture = fixture;
  end->alias = fixture->alias[account];
  end->pipeline = call_parse ("daosignaling name=c identity=%s %s "
      "audiotestsrc is-live=true ! opusenc ! c.audio_sink",
      fixture->identity[account], text);
  end->call = gst_bin_get_by_name (GST_BIN (end->pipeline), "c");
  g_signal_connect (end->pipeline, "deep-element-added",
      G_CALLBACK (on_element), end);
  pad = gst_element_get_static_pad (end->call, "audio_src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_frame, end, NULL);
  gst_object_unref (pad);
  g_free (text);
  return end;
}

void
call_end_free (CallEnd * end)
{
  gst_object_unref (end->call);
  call_stop (end->pipeline);
  g_queue_clear_full (&end->messages, (GDestroyNotify) gst_message_unref);
  g_atomic_rc_box_release (end);
}

void
call_end_play (CallEnd * end)
{
  gst_element_set_state (end->pipeline, GST_STATE_PLAYING);
}

void
call_end_play_online (CallEnd * end)
{
  call_end_play (end);
  call_end_wait_online (end, TRUE);
}

void
call_end_play_again (CallEnd * end)
{
  gst_element_set_state (end->pipeline, GST_STATE_READY);
  g_queue_clear_full (&end->messages, (GDestroyNotify) gst_message_unref);
  call_end_play (end);
}

void
call_end_act (CallEnd * end, const gchar * action)
{
  gboolean ok = FALSE;

  g_signal_emit_by_name (end->call, action, &ok);
  g_assert_true (ok);
}

/* --- waiting --- */

/* (transfer full) (nullable): the next message, of those that were kept first */
static GstMessage *
next_message (CallEnd * end, gint64 deadline)
{
  GstBus *bus;
  GstMessage *message = g_queue_pop_head (&end->messages);

  if (message)
    return message;
  bus = gst_element_get_bus (end->pipeline);
  message = gst_bus_timed_pop_filtered (bus,
      MAX (deadline - g_get_monotonic_time (), 0) * GST_USECOND,
      GST_MESSAGE_ELEMENT | GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
  gst_object_unref (bus);
  return message;
}

static gboolean
is_it (const GstStructure * s, const gchar * name, const gchar * field,
    const gchar * value)
{
  gchar *text;
  gboolean same;

  if (!s || !gst_structure_has_name (s, name))
    return FALSE;
  if (!field)
    return TRUE;
  if (!gst_structure_has_field (s, field))
    return FALSE;
  text = gst_value_serialize (gst_structure_get_value (s, field));
  same = g_strcmp0 (text, value) == 0;
  g_free (text);
  return same;
}

static void
say (CallEnd * end, GstMessage * message)
{
  const GstStructure *s = gst_message_get_structure (message);
  gchar *text;

  if (!g_test_verbose () || !s)
    return;
  text = gst_structure_to_string (s);
  g_test_message ("%s: %s", end->alias, text);
  g_free (text);
}

GstStructure *
call_end_wait (CallEnd * end, const gchar * name, const gchar * field,
    const gchar * value)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_US;
  GstStructure *found = NULL;
  GstMessage *message;

  while (!found && (message = next_message (end, deadline))) {
    const GstStructure *s = gst_message_get_structure (message);

    say (end, message);
    if (is_it (s, name, field, value))
      found = gst_structure_copy (s);
    gst_message_unref (message);
  }
  if (!found)
    g_error ("%s: no %s (%s) in time", end->alias, name,
        value ? value : "any");
  return found;
}

void
call_end_wait_state (CallEnd * end, const gchar * state)
{
  gst_structure_free (call_end_wait (end, "dao-call-state", "state", state));
}

void
call_end_wait_online (CallEnd * end, gboolean online)
{
  gst_structure_free (call_end_wait (end, "dao-account", "online",
          online ? "true" : "false"));
}

void
call_end_wait_end (CallEnd * end, const gchar * reason, const gchar * peer)
{
  GstStructure *s = call_end_wait (end, "dao-call-ended", NULL, NULL);

  g_assert_cmpstr (gst_structure_get_string (s, "reason"), ==, reason);
  g_assert_cmpstr (gst_structure_get_string (s, "peer"), ==, peer);
  gst_structure_free (s);
}

void
call_end_wait_lost (CallEnd * end, const gchar * peer)
{
  GstStructure *s = call_end_wait (end, "dao-call-ended", NULL, NULL);
  const gchar *reason = gst_structure_get_string (s, "reason");

  g_assert_true (g_str_equal (reason, "disconnected")
      || g_str_equal (reason, "media-timeout"));
  g_assert_cmpstr (gst_structure_get_string (s, "peer"), ==, peer);
  gst_structure_free (s);
}

static void
wait_text (CallEnd * end, const gchar * name, const gchar * text)
{
  gboolean found = FALSE;

  while (!found) {
    GstStructure *s = call_end_wait (end, name, NULL, NULL);
    const gchar *debug = gst_structure_get_string (s, "debug");
    GError *error = NULL;

    gst_structure_get (s, "gerror", G_TYPE_ERROR, &error, NULL);
    g_test_message ("%s | %s", error->message, debug);
    found = strstr (error->message, text) || (debug && strstr (debug, text));
    g_error_free (error);
    gst_structure_free (s);
  }
}

void
call_end_wait_error (CallEnd * end, const gchar * text)
{
  wait_text (end, "GstMessageError", text);
}

void
call_end_wait_warning (CallEnd * end, const gchar * text)
{
  wait_text (end, "GstMessageWarning", text);
}

void
call_end_wait_talk (CallEnd * end, const gchar * peer)
{
  GstStructure *s = call_end_wait (end, "dao-call-state", "e2ee", "true");

  g_assert_cmpstr (gst_structure_get_string (s, "state"), ==, "connected");
  g_assert_cmpstr (gst_structure_get_string (s, "peer"), ==, peer);
  gst_structure_free (s);
}

void
call_end_wait_more (gint * counter, gint n)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_US;
  gint start = g_atomic_int_get (counter);

  while (g_atomic_int_get (counter) < start + n) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (5000);
  }
}

/* --- what did not happen --- */

gboolean
call_end_has_state (CallEnd * end, const gchar * state)
{
  GstBus *bus = gst_element_get_bus (end->pipeline);
  GstMessage *message;
  gboolean found = FALSE;
  GList *l;

  while ((message = gst_bus_pop_filtered (bus,
              GST_MESSAGE_ELEMENT | GST_MESSAGE_WARNING | GST_MESSAGE_ERROR)))
    g_queue_push_tail (&end->messages, message);
  gst_object_unref (bus);
  for (l = end->messages.head; l; l = l->next)
    found |= is_it (gst_message_get_structure (l->data), "dao-call-state",
        "state", state);
  return found;
}

void
call_end_assert_no_media (CallEnd * end)
{
  g_assert_cmpint (g_atomic_int_get (&end->rtp_in), ==, 0);
  g_assert_cmpint (g_atomic_int_get (&end->rtp_out), ==, 0);
  g_assert_cmpint (g_atomic_int_get (&end->frames), ==, 0);
}
