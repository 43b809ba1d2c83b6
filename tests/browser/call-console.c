/* gst-dao: one pipeline that a test steers line by line
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 *   call-console 'daocallsrc name=c ...'
 *
 * Prints each element message, and warnings, errors and EOS, as one line: a serialized GstStructure. Reads commands:
 *
 *   answer | reject | hangup | add-video     action signals of the element c
 *   call ALIAS true|false                    with video or without
 *   set ELEMENT PROPERTY VALUE
 *   loss PERCENT                             of what leaves from now on
 *   eos                                      like Ctrl-C of gst-launch-1.0 -e
 *
 * A fakesink named picture gets RGB and makes messages of the same name: the mean colour, red, green and blue of 255.
 */
#include "badlink.h"
#include "knowncriticals.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct
{
  GMainLoop *loop;
  GstElement *pipeline;
  BadLink *link;
  gboolean failed;
} Console;

static void
print_structure (const GstStructure * structure)
{
  gchar *text = gst_structure_to_string (structure);

  g_print ("%s\n", text);
  g_free (text);
}

static void
print_text (const gchar * name, const gchar * text)
{
  GstStructure *structure = gst_structure_new (name, "text", G_TYPE_STRING,
      text, NULL);

  print_structure (structure);
  gst_structure_free (structure);
}

static gboolean
on_message (GstBus * bus, GstMessage * message, gpointer user_data)
{
  Console *console = user_data;
  GError *error = NULL;
  gchar *debug = NULL;

  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ELEMENT:
      print_structure (gst_message_get_structure (message));
      break;
    case GST_MESSAGE_WARNING:
      gst_message_parse_warning (message, &error, &debug);
      print_text ("warning", error->message);
      break;
    case GST_MESSAGE_ERROR:
      gst_message_parse_error (message, &error, &debug);
      print_text ("error", error->message);
      console->failed = TRUE;
      g_main_loop_quit (console->loop);
      break;
    case GST_MESSAGE_EOS:
      print_text ("eos", "");
      g_main_loop_quit (console->loop);
      break;
    default:
      break;
  }
  g_clear_error (&error);
  g_free (debug);
  return G_SOURCE_CONTINUE;
}

static void
on_picture (GstElement * sink, GstBuffer * buffer, GstPad * pad, gpointer unused)
{
  guint64 sums[3] = { 0, };
  GstMapInfo map;
  gsize i, n;

  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return;
  /* A width that is a multiple of 4 has no padding. */
  n = map.size / 3;
  for (i = 0; i < 3 * n; i++)
    sums[i % 3] += map.data[i];
  gst_buffer_unmap (buffer, &map);
  gst_element_post_message (sink, gst_message_new_element (GST_OBJECT (sink),
          gst_structure_new ("picture",
              "red", G_TYPE_INT, (gint) (sums[0] / n),
              "green", G_TYPE_INT, (gint) (sums[1] / n),
              "blue", G_TYPE_INT, (gint) (sums[2] / n), NULL)));
}

static void
watch_picture (GstElement * pipeline)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "picture");

  if (!sink)
    return;
  g_object_set (sink, "signal-handoffs", TRUE, NULL);
  g_signal_connect (sink, "handoff", G_CALLBACK (on_picture), NULL);
  gst_object_unref (sink);
}

static gboolean
set_property (Console * console, gchar ** words)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (console->pipeline),
      words[1]);

  if (!element)
    return FALSE;
  gst_util_set_object_arg (G_OBJECT (element), words[2], words[3]);
  gst_object_unref (element);
  return TRUE;
}

static gboolean
place_call (Console * console, gchar ** words)
{
  GstElement *call = gst_bin_get_by_name (GST_BIN (console->pipeline), "c");
  gboolean done;

  g_signal_emit_by_name (call, "call", words[1], TRUE,
      g_str_equal (words[2], "true"), &done);
  gst_object_unref (call);
  return TRUE;
}

static gboolean
emit_action (Console * console, const gchar * action)
{
  GstElement *call = gst_bin_get_by_name (GST_BIN (console->pipeline), "c");
  gboolean known = call && g_signal_lookup (action, G_OBJECT_TYPE (call));
  gboolean done;

  if (known)
    g_signal_emit_by_name (call, action, &done);
  gst_clear_object (&call);
  return known;
}

static gboolean
run_command (Console * console, const gchar * line)
{
  gchar **words = g_strsplit (line, " ", 4);
  guint n = g_strv_length (words);
  gboolean ok = TRUE;

  if (n == 4 && g_str_equal (words[0], "set"))
    ok = set_property (console, words);
  else if (n == 3 && g_str_equal (words[0], "call"))
    ok = place_call (console, words);
  else if (n == 2 && g_str_equal (words[0], "loss"))
    bad_link_set (console->link, atoi (words[1]), 0, 0);
  else if (n == 1 && g_str_equal (words[0], "eos"))
    gst_element_send_event (console->pipeline, gst_event_new_eos ());
  else
    ok = n == 1 && emit_action (console, words[0]);
  g_strfreev (words);
  return ok;
}

static gboolean
on_input (GIOChannel * input, GIOCondition condition, gpointer user_data)
{
  Console *console = user_data;
  gchar *line = NULL;

  /* The test is gone, or done with us. */
  if (g_io_channel_read_line (input, &line, NULL, NULL, NULL) !=
      G_IO_STATUS_NORMAL) {
    g_main_loop_quit (console->loop);
    return G_SOURCE_REMOVE;
  }
  if (!run_command (console, g_strchomp (line)))
    print_text ("unknown-command", line);
  g_free (line);
  return G_SOURCE_CONTINUE;
}

int
main (int argc, char **argv)
{
  Console console = { 0, };
  GError *error = NULL;
  GIOChannel *input;
  GstBus *bus;

  gst_init (&argc, &argv);
  known_criticals_allow ();
  if (argc != 2) {
    g_printerr ("usage: call-console PIPELINE\n");
    return 2;
  }
  setvbuf (stdout, NULL, _IOLBF, 0);
  console.pipeline = gst_parse_launch_full (argv[1], NULL,
      GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (!console.pipeline) {
    g_printerr ("call-console: %s\n", error->message);
    return 2;
  }
  watch_picture (console.pipeline);
  console.loop = g_main_loop_new (NULL, FALSE);
  console.link = bad_link_new ();
  bad_link_attach (console.link, console.pipeline);
  input = g_io_channel_unix_new (STDIN_FILENO);
  g_io_add_watch (input, G_IO_IN | G_IO_HUP, on_input, &console);
  bus = gst_element_get_bus (console.pipeline);
  gst_bus_add_watch (bus, on_message, &console);

  gst_element_set_state (console.pipeline, GST_STATE_PLAYING);
  g_main_loop_run (console.loop);
  gst_element_set_state (console.pipeline, GST_STATE_NULL);

  gst_bus_remove_watch (bus);
  gst_object_unref (bus);
  gst_object_unref (console.pipeline);
  bad_link_free (console.link);
  g_io_channel_unref (input);
  g_main_loop_unref (console.loop);
  return console.failed ? 1 : 0;
}
