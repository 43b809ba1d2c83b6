/* gst-dao: plays a file into a call and watches what leaves
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 *   play-call 'daocallsrc name=c peer=... filesrc ! matroskademux name=d
 *       d.video_0 ! queue ! clocksync ! c.video_sink
 *       d.audio_0 ! queue ! clocksync ! c.audio_sink'
 *
 * What gst-launch-1.0 does with the same line, but for three things: the media waits
 * in front of each clocksync until the call is connected, so that nothing of it is
 * lost; when all of it was sent the call is hung up; and a tap looks at each RTP packet.
 */
#include "rtp-tap.h"

#include <glib-unix.h>
#include <stdlib.h>

/* The last frames are still in the peer's jitter buffer (200 ms) when the file is at its end. */
#define DRAIN_MS 500
/* The state is told a moment before frames are sent: one that comes in between is lost, and a lost key frame
 * costs all pictures up to the next one. */
#define SETTLE_MS 200
/* Login, ringing, 15 s for an answer and the connection; then the media's own length. */
#define CONNECT_LIMIT_S 60

typedef struct
{
  GMainLoop *loop;
  GstElement *pipeline;
  GstElement *call;
  GPtrArray *gates;             /* GstPad: in front of each clocksync */
  GArray *probes;               /* gulong: what holds them */
  guint limit_s;
  guint deadline;
  gint n_playing;               /* streams not yet at their end; atomic */
  gboolean connected;
  gboolean e2ee;
  gchar *reason;                /* of the call's end */
  gboolean failed;
} Player;

static void
player_fail (Player * self, const gchar * text)
{
  g_print ("FAIL %s\n", text);
  self->failed = TRUE;
  g_main_loop_quit (self->loop);
}

static gboolean
hang_up (gpointer user_data)
{
  Player *self = user_data;

  gboolean done = FALSE;

  g_signal_emit_by_name (self->call, "hangup", &done);
  return G_SOURCE_REMOVE;
}

static gboolean
interrupted (gpointer user_data)
{
  player_fail (user_data, "interrupted");
  return G_SOURCE_CONTINUE;
}

static gboolean
took_too_long (gpointer user_data)
{
  Player *self = user_data;

  self->deadline = 0;
  player_fail (self, self->connected ? "the call does not end" :
      "the call does not connect");
  return G_SOURCE_REMOVE;
}

static void
set_deadline (Player * self, guint s)
{
  if (self->deadline != 0)
    g_source_remove (self->deadline);
  self->deadline = g_timeout_add_seconds (s, took_too_long, self);
}

/* --- media --- */

static GstPadProbeReturn
hold (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
end_seen (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  Player *self = user_data;

  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) != GST_EVENT_EOS)
    return GST_PAD_PROBE_OK;
  if (g_atomic_int_dec_and_test (&self->n_playing))
    g_timeout_add (DRAIN_MS, hang_up, self);
  /* The call goes on until we hang up. */
  return GST_PAD_PROBE_DROP;
}

static void
add_gate (Player * self, RtpTap * tap, GstElement * clocksync)
{
  g_autoptr (GstPad) sink = gst_element_get_static_pad (clocksync, "sink");
  g_autoptr (GstPad) src = gst_element_get_static_pad (clocksync, "src");
  GstPad *gate = gst_pad_get_peer (sink);
  gulong probe = gst_pad_add_probe (gate,
      GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER, hold, NULL, NULL);

  g_ptr_array_add (self->gates, gate);
  g_array_append_val (self->probes, probe);
  gst_pad_add_probe (src, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, end_seen, self,
      NULL);
  rtp_tap_watch_frames (tap, src);
  self->n_playing++;
}

static void
add_gates (Player * self, RtpTap * tap)
{
  GstIterator *iterator =
      gst_bin_iterate_all_by_element_factory_name (GST_BIN (self->pipeline),
      "clocksync");
  GValue value = G_VALUE_INIT;

  while (gst_iterator_next (iterator, &value) == GST_ITERATOR_OK) {
    add_gate (self, tap, g_value_get_object (&value));
    g_value_reset (&value);
  }
  gst_iterator_free (iterator);
}

/* The media begins now: its time 0 is the pipeline's running time. */
static gboolean
open_gates (gpointer user_data)
{
  Player *self = user_data;
  g_autoptr (GstClock) clock = gst_pipeline_get_clock (GST_PIPELINE
      (self->pipeline));
  GstClockTime now = gst_clock_get_time (clock)
      - gst_element_get_base_time (self->pipeline);

  for (guint i = 0; i < self->gates->len; i++) {
    GstPad *gate = g_ptr_array_index (self->gates, i);

    gst_pad_set_offset (gate, now);
    gst_pad_remove_probe (gate, g_array_index (self->probes, gulong, i));
  }
  return G_SOURCE_REMOVE;
}

/* --- the call --- */

static void
call_state (Player * self, const GstStructure * structure)
{
  const gchar *state = gst_structure_get_string (structure, "state");

  gst_structure_get_boolean (structure, "e2ee", &self->e2ee);
  if (g_strcmp0 (state, "connected") == 0 && !self->connected) {
    self->connected = TRUE;
    set_deadline (self, self->limit_s);
    g_timeout_add (SETTLE_MS, open_gates, self);
  }
}

static gboolean
on_message (GstBus * bus, GstMessage * message, gpointer user_data)
{
  Player *self = user_data;
  const GstStructure *structure = gst_message_get_structure (message);
  g_autoptr (GError) error = NULL;

  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ELEMENT:
      if (gst_structure_has_name (structure, "dao-call-state")) {
        call_state (self, structure);
      } else if (gst_structure_has_name (structure, "dao-call-ended")) {
        call_state (self, structure);
        g_free (self->reason);
        self->reason =
            g_strdup (gst_structure_get_string (structure, "reason"));
      }
      break;
    case GST_MESSAGE_ERROR:
      gst_message_parse_error (message, &error, NULL);
      player_fail (self, error->message);
      break;
    case GST_MESSAGE_EOS:
      g_main_loop_quit (self->loop);
      break;
    default:
      break;
  }
  return G_SOURCE_CONTINUE;
}

static void
player_run (Player * self)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (self->pipeline);
  guint interrupt = g_unix_signal_add (SIGINT, interrupted, self);
  guint terminate = g_unix_signal_add (SIGTERM, interrupted, self);

  self->loop = g_main_loop_new (NULL, FALSE);
  gst_bus_add_watch (bus, on_message, self);
  set_deadline (self, CONNECT_LIMIT_S);
  gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
  g_main_loop_run (self->loop);
  gst_element_set_state (self->pipeline, GST_STATE_NULL);

  gst_bus_remove_watch (bus);
  if (self->deadline != 0)
    g_source_remove (self->deadline);
  g_source_remove (interrupt);
  g_source_remove (terminate);
  g_main_loop_unref (self->loop);
}

static gboolean
player_report (Player * self, RtpTap * tap)
{
  gboolean ended = g_strcmp0 (self->reason, "local-hangup") == 0;
  gboolean sealed;

  g_print ("%s call: %s, ended by %s\n",
      self->connected && ended ? "ok  " : "FAIL",
      self->connected ? "connected" : "not connected",
      self->reason != NULL ? self->reason : "nothing");
  g_print ("%s frame encryption: the element says e2ee=%s\n",
      self->e2ee ? "ok  " : "FAIL", self->e2ee ? "true" : "false");
  sealed = rtp_tap_report (tap);
  return self->connected && ended && self->e2ee && sealed && !self->failed;
}

int
main (int argc, char **argv)
{
  Player self = {.limit_s = 60 };
  GOptionEntry entries[] = {
    {"limit", 0, 0, G_OPTION_ARG_INT, &self.limit_s,
        "seconds after which a connected call must be over (60)", "N"},
    {NULL}
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("PIPELINE");
  g_autoptr (GError) error = NULL;
  g_autoptr (RtpTap) tap = NULL;
  gboolean ok;

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 2) {
    g_printerr ("usage: play-call [--limit SECONDS] 'PIPELINE'\n");
    return 2;
  }
  self.pipeline = gst_parse_launch (argv[1], &error);
  if (self.pipeline != NULL)
    self.call = gst_bin_get_by_name (GST_BIN (self.pipeline), "c");
  if (error != NULL || self.call == NULL) {
    g_printerr ("play-call: %s\n", error != NULL ? error->message :
        "the pipeline has no element named c");
    return 2;
  }
  self.gates = g_ptr_array_new_with_free_func (gst_object_unref);
  self.probes = g_array_new (FALSE, FALSE, sizeof (gulong));
  tap = rtp_tap_new (GST_BIN (self.pipeline));
  add_gates (&self, tap);
  player_run (&self);
  ok = player_report (&self, tap);

  g_ptr_array_unref (self.gates);
  g_array_unref (self.probes);
  g_free (self.reason);
  gst_object_unref (self.call);
  gst_object_unref (self.pipeline);
  return ok ? 0 : 1;
}
