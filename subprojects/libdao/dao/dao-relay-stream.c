/* gst-dao: the connection a WebSocket runs on, with bounds
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One GIOStream and its two halves. The one that writes has the account of what waits to be sent; the one
 * that reads adds the answers to pings.
 */
#include "dao-relay-stream.h"
#include "dao-envelope.h"
#include "dao-relay-client.h"
#include "dao-websocket-limit.h"

/* Read in one turn of the main loop: the largest message. */
#define MAX_TURN DAO_ENVELOPE_MAX_FRAME

/* --- out --- */

#define OUTPUT_TYPE (output_get_type ())
G_DECLARE_FINAL_TYPE (Output, output, DAO_RELAY, OUTPUT, GFilterOutputStream)

struct _Output
{
  GFilterOutputStream parent;
  /* Bytes of frames handed to libsoup and not yet taken by the connection. libsoup's own pings and its close
   * frame are not counted before, only after; that is a few bytes in our disfavour every 25 s. */
  gsize unsent;
};

static void output_pollable_init (GPollableOutputStreamInterface * iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (Output, output, G_TYPE_FILTER_OUTPUT_STREAM,
    G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_OUTPUT_STREAM, output_pollable_init))

static gboolean
output_reserve (Output * self, gsize bytes, GError ** error)
{
  if (bytes > DAO_RELAY_MAX_UNSENT - self->unsent) {
    g_set_error_literal (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_LIMIT,
        "The relay does not read what it is sent");
    return FALSE;
  }
  self->unsent += bytes;
  return TRUE;
}

static GPollableOutputStream *
output_base (gpointer self)
{
  return
      G_POLLABLE_OUTPUT_STREAM (g_filter_output_stream_get_base_stream (self));
}

static gssize
output_write_nonblocking (GPollableOutputStream * stream, const void *buffer,
    gsize count, GError ** error)
{
  Output *self = DAO_RELAY_OUTPUT (stream);
  gssize n;

  n = g_pollable_output_stream_write_nonblocking (output_base (stream), buffer,
      count, NULL, error);
  if (n > 0)
    self->unsent -= MIN (self->unsent, (gsize) n);
  return n;
}

static gboolean
output_is_writable (GPollableOutputStream * stream)
{
  return g_pollable_output_stream_is_writable (output_base (stream));
}

static GSource *
output_create_source (GPollableOutputStream * stream,
    GCancellable * cancellable)
{
  g_autoptr (GSource) base = NULL;

  base = g_pollable_output_stream_create_source (output_base (stream),
      cancellable);
  return g_pollable_source_new_full (stream, base, cancellable);
}

static void
output_pollable_init (GPollableOutputStreamInterface * iface)
{
  iface->is_writable = output_is_writable;
  iface->create_source = output_create_source;
  iface->write_nonblocking = output_write_nonblocking;
}

static void
output_class_init (OutputClass * klass)
{
}

static void
output_init (Output * self)
{
}

/* --- in --- */

#define INPUT_TYPE (input_get_type ())
G_DECLARE_FINAL_TYPE (Input, input, DAO_RELAY, INPUT, GFilterInputStream)

struct _Input
{
  GFilterInputStream parent;
  DaoWebsocketLimit limit;
  Output *output;
  gsize turn;                   /* read since the main loop had its turn */
};

static void input_pollable_init (GPollableInputStreamInterface * iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (Input, input, G_TYPE_FILTER_INPUT_STREAM,
    G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM, input_pollable_init))

static GPollableInputStream *
input_base (gpointer self)
{
  return G_POLLABLE_INPUT_STREAM (g_filter_input_stream_get_base_stream (self));
}

static gssize
input_read_nonblocking (GPollableInputStream * stream, void *buffer,
    gsize count, GError ** error)
{
  Input *self = DAO_RELAY_INPUT (stream);
  gsize pongs = 0;
  gssize n;

  if (self->turn >= MAX_TURN) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK,
        "It is the main loop's turn");
    return -1;
  }
  n = g_pollable_input_stream_read_nonblocking (input_base (self), buffer,
      count, NULL, error);
  if (n <= 0)
    return n;
  self->turn += n;
  if (!dao_websocket_limit_take (&self->limit, buffer, n, &pongs, error)
      || !output_reserve (self->output, pongs, error))
    return -1;
  return n;
}

static gboolean
input_is_readable (GPollableInputStream * stream)
{
  return g_pollable_input_stream_is_readable (input_base (stream));
}

/* Whoever waits has given the main loop its turn. */
static GSource *
input_create_source (GPollableInputStream * stream, GCancellable * cancellable)
{
  g_autoptr (GSource) base = NULL;

  DAO_RELAY_INPUT (stream)->turn = 0;
  base = g_pollable_input_stream_create_source (input_base (stream),
      cancellable);
  return g_pollable_source_new_full (stream, base, cancellable);
}

static void
input_pollable_init (GPollableInputStreamInterface * iface)
{
  iface->is_readable = input_is_readable;
  iface->create_source = input_create_source;
  iface->read_nonblocking = input_read_nonblocking;
}

/* What is not polled would go by uncounted. */
static gssize
input_read (GInputStream * stream, void *buffer, gsize count,
    GCancellable * cancellable, GError ** error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
      "Only for polling");
  return -1;
}

static void
input_finalize (GObject * object)
{
  g_object_unref (DAO_RELAY_INPUT (object)->output);
  G_OBJECT_CLASS (input_parent_class)->finalize (object);
}

static void
input_class_init (InputClass * klass)
{
  G_OBJECT_CLASS (klass)->finalize = input_finalize;
  G_INPUT_STREAM_CLASS (klass)->read_fn = input_read;
}

static void
input_init (Input * self)
{
  dao_websocket_limit_init (&self->limit, DAO_ENVELOPE_MAX_FRAME);
}

/* --- both --- */

struct _DaoRelayStream
{
  GIOStream parent;
  GIOStream *base;
  Input *input;
  Output *output;
};

G_DEFINE_FINAL_TYPE (DaoRelayStream, dao_relay_stream, G_TYPE_IO_STREAM)

static GInputStream *
get_input_stream (GIOStream * stream)
{
  return G_INPUT_STREAM (DAO_RELAY_STREAM (stream)->input);
}

static GOutputStream *
get_output_stream (GIOStream * stream)
{
  return G_OUTPUT_STREAM (DAO_RELAY_STREAM (stream)->output);
}

static gboolean
close_now (GIOStream * stream, GCancellable * cancellable, GError ** error)
{
  return g_io_stream_close (DAO_RELAY_STREAM (stream)->base, cancellable,
      error);
}

static void
on_base_closed (GObject * base, GAsyncResult * result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (g_io_stream_close_finish (G_IO_STREAM (base), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
close_async (GIOStream * stream, int priority, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  g_io_stream_close_async (DAO_RELAY_STREAM (stream)->base, priority,
      cancellable, on_base_closed, g_task_new (stream, cancellable, callback,
          user_data));
}

static gboolean
close_finish (GIOStream * stream, GAsyncResult * result, GError ** error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* GIOStream closes what is still open in its dispose(). */
static void
dao_relay_stream_finalize (GObject * object)
{
  DaoRelayStream *self = DAO_RELAY_STREAM (object);

  g_object_unref (self->input);
  g_object_unref (self->output);
  g_object_unref (self->base);
  G_OBJECT_CLASS (dao_relay_stream_parent_class)->finalize (object);
}

static void
dao_relay_stream_class_init (DaoRelayStreamClass * klass)
{
  GIOStreamClass *stream_class = G_IO_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = dao_relay_stream_finalize;
  stream_class->get_input_stream = get_input_stream;
  stream_class->get_output_stream = get_output_stream;
  stream_class->close_fn = close_now;
  stream_class->close_async = close_async;
  stream_class->close_finish = close_finish;
}

static void
dao_relay_stream_init (DaoRelayStream * self)
{
}

GIOStream *
dao_relay_stream_new (GIOStream * base)
{
  DaoRelayStream *self = g_object_new (DAO_TYPE_RELAY_STREAM, NULL);

  self->base = g_object_ref (base);
  self->output = g_object_new (OUTPUT_TYPE, "base-stream",
      g_io_stream_get_output_stream (base), "close-base-stream", FALSE, NULL);
  self->input = g_object_new (INPUT_TYPE, "base-stream",
      g_io_stream_get_input_stream (base), "close-base-stream", FALSE, NULL);
  self->input->output = g_object_ref (self->output);
  return G_IO_STREAM (self);
}

gboolean
dao_relay_stream_reserve (DaoRelayStream * stream, gsize length,
    GError ** error)
{
  return output_reserve (stream->output,
      length + DAO_WEBSOCKET_MAX_HEADER + sizeof (guint32), error);
}

GIOStream *
dao_relay_stream_get_base (DaoRelayStream * stream)
{
  return stream->base;
}
