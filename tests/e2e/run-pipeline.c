/* gst-dao: plays one pipeline string until EOS, an error or SIGINT (like gst-launch-1.0 -e)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "knowncriticals.h"

#include <glib-unix.h>
#include <gst/gst.h>

static gboolean
on_interrupt (gpointer pipeline)
{
  gst_element_send_event (pipeline, gst_event_new_eos ());
  return G_SOURCE_CONTINUE;
}

static gboolean
on_message (GstBus * bus, GstMessage * message, gpointer loop)
{
  GError *error = NULL;
  gchar *debug = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &error, &debug);
    g_printerr ("%s (%s)\n", error->message, debug);
    g_error_free (error);
    g_free (debug);
  } else if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_EOS) {
    return G_SOURCE_CONTINUE;
  }
  g_main_loop_quit (loop);
  return G_SOURCE_CONTINUE;
}

int
main (int argc, char **argv)
{
  GMainLoop *loop = g_main_loop_new (NULL, FALSE);
  GError *error = NULL;
  GstElement *pipeline;
  GstBus *bus;

  gst_init (&argc, &argv);
  known_criticals_allow ();
  pipeline = gst_parse_launch_full (argv[1], NULL, GST_PARSE_FLAG_FATAL_ERRORS,
      &error);
  if (!pipeline) {
    g_printerr ("%s\n", error->message);
    return 1;
  }
  bus = gst_element_get_bus (pipeline);
  gst_bus_add_watch (bus, on_message, loop);
  g_unix_signal_add (SIGINT, on_interrupt, pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_main_loop_run (loop);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_bus_remove_watch (bus);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
  g_main_loop_unref (loop);
  return 0;
}
