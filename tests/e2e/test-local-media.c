/* gst-dao: whole calls in which the caller's camera or microphone fails. Nobody is left in a call without a picture:
 * the caller has an ERROR with the code of the failure, and both ends have the end of the call.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "callfixture.h"

#include <gst/app/gstappsrc.h>
#include <string.h>

#define MICROPHONE "audiotestsrc is-live=true ! c.audio_sink "
/* A camera in the hand of the test */
#define CAMERA "appsrc name=camera is-live=true format=time "

typedef struct
{
  CallFixture *fixture;
  GstElement *callee, *caller;
  GstAppSrc *camera;
} Call;

/* @camera: the rest of the line behind the camera */
static Call *
call_new (const gchar * callee, const gchar * camera)
{
  Call *call = g_new0 (Call, 1);
  CallFixture *f = call_fixture_new (2);

  call->fixture = f;
  call->callee = call_parse ("daocallsrc name=c identity=%s %s " MICROPHONE
      "c.audio_src ! fakesink async=false c.video_src ! fakesink async=false",
      f->identity[1], callee);
  call->caller = call_parse ("daocallsrc name=c identity=%s peer=%s "
      MICROPHONE CAMERA "%s", f->identity[0], f->alias[1], camera);
  call->camera = GST_APP_SRC (gst_bin_get_by_name (GST_BIN (call->caller),
          "camera"));
  gst_element_set_state (call->callee, GST_STATE_PLAYING);
  call_wait_online (call->callee, 10);
  return call;
}

static void
call_free (Call * call)
{
  gst_object_unref (call->camera);
  call_stop (call->caller);
  call_stop (call->callee);
  call_fixture_free (call->fixture);
  g_free (call);
}

/* The ERROR of daocallsrc; that of the source itself is passed over. */
static void
assert_error (Call * call, GQuark domain, gint code, const gchar * what)
{
  GstBus *bus = gst_element_get_bus (call->caller);
  GstElement *c = gst_bin_get_by_name (GST_BIN (call->caller), "c");
  GstMessage *message = NULL;
  const GstStructure *details;
  GError *error;

  do {
    gst_clear_message (&message);
    message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
        GST_MESSAGE_ERROR);
    g_assert_nonnull (message);
  } while (GST_MESSAGE_SRC (message) != GST_OBJECT (c));
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, domain, code);
  gst_message_parse_error_details (message, &details);
  g_assert_cmpstr (gst_structure_get_string (details, "media-error"), ==,
      what);
  g_assert_cmpstr (gst_structure_get_string (details, "media"), ==, "video");
  g_error_free (error);
  gst_message_unref (message);
  gst_object_unref (c);
  gst_object_unref (bus);
}

/* It was a call with video to its end. */
static void
assert_ended (GstElement * pipeline, const gchar * reason)
{
  GstMessage *ended = call_wait_message (pipeline, "dao-call-ended", 10);
  const GstStructure *s = gst_message_get_structure (ended);
  gboolean video = FALSE;

  g_assert_cmpstr (gst_structure_get_string (s, "reason"), ==, reason);
  g_assert_cmpstr (gst_structure_get_string (s, "state"), ==,
      g_str_equal (reason, "local-media") ? "ended" : "hangup");
  g_assert_true (gst_structure_get_boolean (s, "is-video", &video));
  g_assert_true (video);
  gst_message_unref (ended);
  call_wait_eos (pipeline, 10);
}

static gboolean
was_connected (GstElement * pipeline)
{
  GstElement *c = gst_bin_get_by_name (GST_BIN (pipeline), "c");
  guint64 duration;

  g_object_get (c, "duration", &duration, NULL);
  gst_object_unref (c);
  return duration > 0;
}

/* What a camera does that may not be used: it says so, and its stream is over. */
static void
refuse (GstAppSrc * camera)
{
  GST_ELEMENT_ERROR (camera, RESOURCE, OPEN_READ, ("Not permitted"), (NULL));
  gst_app_src_end_of_stream (camera);
}

/* It rings at the other side when the camera fails. */
static void
test_permission (void)
{
  Call *call = call_new ("", "! video/x-raw ! c.video_sink");

  gst_element_set_state (call->caller, GST_STATE_PLAYING);
  gst_message_unref (call_wait_message (call->callee, "dao-incoming-call",
          10));
  refuse (call->camera);
  assert_error (call, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ,
      "permission");
  assert_ended (call->caller, "local-media");
  assert_ended (call->callee, "remote-failed");
  g_assert_false (was_connected (call->callee));
  call_free (call);
}

/* Before the account is online: the other side never hears of the call. */
static void
test_permission_before_the_call (void)
{
  Call *call = call_new ("auto-answer=true", "! video/x-raw ! c.video_sink");
  GstElement *c = gst_bin_get_by_name (GST_BIN (call->callee), "c");
  gchar *id;

  gst_element_set_state (call->caller, GST_STATE_PAUSED);
  refuse (call->camera);
  gst_element_set_state (call->caller, GST_STATE_PLAYING);
  assert_error (call, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ,
      "permission");
  call_wait_eos (call->caller, 10);
  g_object_get (c, "call-id", &id, NULL);
  g_assert_null (id);
  gst_object_unref (c);
  call_free (call);
}

static void
test_timeout (void)
{
  Call *call = call_new ("auto-answer=true", "! video/x-raw ! c.video_sink");

  gst_element_set_state (call->caller, GST_STATE_PLAYING);
  assert_error (call, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ, "timeout");
  assert_ended (call->caller, "local-media");
  assert_ended (call->callee, "remote-failed");
  call_free (call);
}

static void
push_frame (GstAppSrc * camera, const gchar * media_type)
{
  GstCaps *caps = gst_caps_new_simple (media_type, "width", G_TYPE_INT, 320,
      "height", G_TYPE_INT, 240, NULL);
  GstBuffer *frame = gst_buffer_new_memdup ("not looked at", 13);
  GstSample *sample = gst_sample_new (frame, caps, NULL, NULL);

  GST_BUFFER_PTS (frame) = 0;
  gst_app_src_push_sample (camera, sample);
  gst_sample_unref (sample);
  gst_buffer_unref (frame);
  gst_caps_unref (caps);
}

/* A camera that encodes, and turns to another codec than that of the call */
static void
test_format (void)
{
  Call *call = call_new ("auto-answer=true", "caps=video/x-vp8 "
      "! c.video_sink");

  gst_element_set_state (call->caller, GST_STATE_PLAYING);
  push_frame (call->camera, "video/x-vp8");
  gst_message_unref (call_wait_state (call->caller, "connected", 20));
  push_frame (call->camera, "video/x-vp9");
  assert_error (call, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "format");
  assert_ended (call->caller, "local-media");
  assert_ended (call->callee, "remote-failed");
  call_free (call);
}

int
main (int argc, char **argv)
{
  call_test_init (&argc, &argv);
  g_test_add_func ("/local-media/permission", test_permission);
  g_test_add_func ("/local-media/permission-before-the-call",
      test_permission_before_the_call);
  g_test_add_func ("/local-media/timeout", test_timeout);
  g_test_add_func ("/local-media/format", test_format);
  return g_test_run ();
}
