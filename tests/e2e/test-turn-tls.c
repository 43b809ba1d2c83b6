/* gst-dao: whole calls through the real coturn, over TLS and nothing else
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "callfixture.h"
#include "lyingrelay.h"
#include "testcerts.h"
#include "turnserver.h"

#include <glib/gstdio.h>
#define GST_USE_UNSTABLE_API
#include <gst/webrtc/webrtc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MEDIA "audiotestsrc is-live=true ! opusenc ! c.audio_sink " \
    "videotestsrc is-live=true ! " \
    "video/x-raw,width=320,height=240,framerate=15/1 ! vp8enc deadline=1 " \
    "cpu-used=8 keyframe-max-dist=30 ! c.video_sink " \
    " c.audio_src ! fakesink async=false sync=false " \
    "c.video_src ! fakesink async=false sync=false "

typedef struct
{
  gchar *certs, *ca_file;
  TurnServer *turn;
  CallFixture *call;
} World;

/* A relay that names one server: coturn with this certificate (see test_certs_write()), at 127.0.0.1 */
static void
world_init (World * w, const gchar * certificate)
{
  gchar *pem, *key, *url;

  w->certs = g_dir_make_tmp ("dao-certs-XXXXXX", NULL);
  test_certs_write (w->certs);
  w->ca_file = g_build_filename (w->certs, "ca.pem", NULL);
  pem = g_strdup_printf ("%s/%s.pem", w->certs, certificate);
  key = g_strdup_printf ("%s/%s.key", w->certs, certificate);
  w->turn = turn_server_new (pem, key);
  url = g_strdup_printf ("turns:127.0.0.1:%u", w->turn->port);
  g_setenv ("TURN_HOST", url, TRUE);
  g_setenv ("TURN_SECRET", TURN_SERVER_SECRET, TRUE);
  w->call = call_fixture_new (2);
  g_free (pem);
  g_free (key);
  g_free (url);
}

static void
world_clear (World * w)
{
  call_fixture_free (w->call);
  turn_server_free (w->turn);
  test_certs_remove (w->certs);
  g_rmdir (w->certs);
  g_free (w->certs);
  g_free (w->ca_file);
}

static GstElement *
make_end (World * w, guint account, const gchar * options)
{
  return call_parse ("daosignaling name=c identity=%s always-relay=true "
      "ca-file=%s %s " MEDIA, w->call->identity[account], w->ca_file,
      options);
}

static void
assert_relayed (GstElement * pipeline)
{
  GstMessage *message = call_wait_state (pipeline, "connected", 30);
  gboolean relayed = FALSE;

  gst_structure_get_boolean (gst_message_get_structure (message), "relayed",
      &relayed);
  g_assert_true (relayed);
  gst_message_unref (message);
}

static void
assert_media (GstElement * pipeline)
{
  GstElement *call = gst_bin_get_by_name (GST_BIN (pipeline), "c");
  GstStructure *stats = NULL;
  guint64 audio = 0, video = 0;

  gst_message_unref (call_wait_message (pipeline, "dao-call-stats", 5));
  gst_message_unref (call_wait_message (pipeline, "dao-call-stats", 5));
  g_object_get (call, "stats", &stats, NULL);
  gst_structure_get_uint64 (stats, "frames-received-audio", &audio);
  gst_structure_get_uint64 (stats, "frames-received-video", &video);
  gst_structure_free (stats);
  gst_object_unref (call);
  g_test_message ("%" G_GUINT64_FORMAT " audio and %" G_GUINT64_FORMAT
      " video frames", audio, video);
  g_assert_cmpuint (audio, >, 50);
  g_assert_cmpuint (video, >, 15);
}

static guint
count_listeners (void)
{
  GDir *fds = g_dir_open ("/proc/self/fd", 0, NULL);
  const gchar *name;
  guint n = 0;

  while ((name = g_dir_read_name (fds))) {
    gint listens = 0;
    socklen_t size = sizeof listens;

    n += getsockopt (atoi (name), SOL_SOCKET, SO_ACCEPTCONN, &listens,
        &size) == 0 && listens;
  }
  g_dir_close (fds);
  return n;
}

/* A call that has its connections takes no other. */
static void
wait_for_no_listener (void)
{
  gint64 deadline = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;

  while (count_listeners () > 0 && g_get_monotonic_time () < deadline)
    g_usleep (20000);
  g_assert_cmpuint (count_listeners (), ==, 0);
}

/* Both ends give their allocations back, on workers. */
static void
wait_for_releases (World * w)
{
  guint n = turn_server_count_allocations (w->turn);
  gint64 deadline = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;

  g_assert_cmpuint (n, >=, 2);
  while (turn_server_count_releases (w->turn) < n
      && g_get_monotonic_time () < deadline)
    g_usleep (20000);
  g_assert_cmpuint (turn_server_count_releases (w->turn), ==, n);
}

static void
test_call (void)
{
  GstElement *callee, *caller;
  gchar *peer;
  World w;

  world_init (&w, "good");
  peer = g_strdup_printf ("peer=%s", w.call->alias[1]);
  callee = make_end (&w, 1, "auto-answer=true");
  caller = make_end (&w, 0, peer);
  gst_element_set_state (callee, GST_STATE_PLAYING);
  call_wait_online (callee, 10);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  assert_relayed (caller);
  assert_relayed (callee);
  wait_for_no_listener ();
  assert_media (caller);
  assert_media (callee);
  gst_element_send_event (caller, gst_event_new_eos ());
  call_wait_eos (caller, 10);
  call_wait_eos (callee, 10);
  call_stop (caller);
  call_stop (callee);
  wait_for_releases (&w);
  world_clear (&w);
  g_free (peer);
}

/* --- the policy that the relay names --- */

/* Renewed after two seconds */
#define SHORT_TTL_S 4

typedef struct
{
  GPtrArray *webrtcbins;
  GMutex lock;
} Policies;

static void
note_webrtcbin (GstBin * pipeline, GstBin * bin, GstElement * element,
    Policies * p)
{
  if (!g_str_has_prefix (GST_OBJECT_NAME (element), "webrtcbin"))
    return;
  g_mutex_lock (&p->lock);
  g_ptr_array_add (p->webrtcbins, gst_object_ref (element));
  g_mutex_unlock (&p->lock);
}

/* @n peer connections are there, and all of them take relay candidates only. */
static void
assert_relay_only (Policies * p, guint n)
{
  gint64 deadline = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  guint there = 0, i;

  while (there < n && g_get_monotonic_time () < deadline) {
    g_usleep (20000);
    g_mutex_lock (&p->lock);
    there = p->webrtcbins->len;
    g_mutex_unlock (&p->lock);
  }
  g_assert_cmpuint (there, >=, n);
  for (i = 0; i < there; i++) {
    GstWebRTCICETransportPolicy policy;

    g_object_get (p->webrtcbins->pdata[i], "ice-transport-policy", &policy,
        NULL);
    g_assert_cmpint (policy, ==, GST_WEBRTC_ICE_TRANSPORT_POLICY_RELAY);
  }
}

/* On the relay's thread */
static void
say_policy (json_t * answer, gpointer strict)
{
  json_object_set_new (answer, "ttl", json_integer (SHORT_TTL_S));
  json_object_set_new (answer, "ice_transport_policy",
      json_string (g_atomic_int_get ((gint *) strict) ? "relay" : "all"));
}

/* Nobody set always-relay: the relay says so when the call begins, and takes it back in the middle of it. What began
 * behind TURN servers stays there, also over the connections that renewed credentials need. */
static void
test_guard_policy_of_the_answer (void)
{
  Policies policies[2] = { {g_ptr_array_new_with_free_func (gst_object_unref)},
  {g_ptr_array_new_with_free_func (gst_object_unref)}
  };
  GstElement *ends[2];
  LyingRelay *relay;
  gint strict = TRUE;
  gchar *options;
  World w;
  guint i;

  world_init (&w, "good");
  relay = lying_relay_new (w.call);
  lying_relay_tell (relay, &(Lie) {
      LIE_EDIT, "GET /api/v1/calls/ice-config", .edit = say_policy,
      .user_data = &strict});
  for (i = 0; i < 2; i++) {
    options = i == 0 ? g_strdup_printf ("relay=%s peer=%s always-relay=false",
        lying_relay_url (relay), w.call->alias[1]) :
        g_strdup_printf ("relay=%s auto-answer=true always-relay=false",
        lying_relay_url (relay));
    ends[i] = make_end (&w, i, options);
    g_signal_connect (ends[i], "deep-element-added",
        G_CALLBACK (note_webrtcbin), &policies[i]);
    g_free (options);
  }
  gst_element_set_state (ends[1], GST_STATE_PLAYING);
  call_wait_online (ends[1], 10);
  gst_element_set_state (ends[0], GST_STATE_PLAYING);
  assert_relayed (ends[0]);
  assert_relayed (ends[1]);
  assert_relay_only (&policies[0], 1);
  assert_relay_only (&policies[1], 1);
  g_atomic_int_set (&strict, FALSE);
  assert_relay_only (&policies[0], 2);
  assert_relay_only (&policies[1], 2);
  assert_media (ends[0]);
  assert_media (ends[1]);
  gst_element_send_event (ends[0], gst_event_new_eos ());
  call_wait_eos (ends[0], 10);
  call_wait_eos (ends[1], 10);
  for (i = 0; i < 2; i++) {
    g_ptr_array_unref (policies[i].webrtcbins);
    call_stop (ends[i]);
  }
  lying_relay_free (relay);
  world_clear (&w);
}

static void
assert_settles (guint (*count) (void), guint limit)
{
  gint64 deadline = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;

  while (count () > limit && g_get_monotonic_time () < deadline)
    g_usleep (20000);
  g_assert_cmpuint (count (), <=, limit);
}

/* Nobody takes the allocations back: the call ends all the same, and nothing of it stays. */
static void
test_server_vanishes (void)
{
  GstElement *callee, *caller;
  guint fds, threads;
  gchar *peer;
  World w;

  world_init (&w, "good");
  fds = call_count_fds ();
  threads = call_count_threads ();
  peer = g_strdup_printf ("peer=%s", w.call->alias[1]);
  callee = make_end (&w, 1, "auto-answer=true");
  caller = make_end (&w, 0, peer);
  gst_element_set_state (callee, GST_STATE_PLAYING);
  call_wait_online (callee, 10);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  assert_relayed (caller);
  assert_relayed (callee);
  g_subprocess_force_exit (w.turn->process);
  gst_element_send_event (caller, gst_event_new_eos ());
  call_wait_eos (caller, 10);
  call_wait_eos (callee, 10);
  call_stop (caller);
  call_stop (callee);
  /* pools of GLib and GStreamer keep a few */
  assert_settles (call_count_fds, fds + 4);
  assert_settles (call_count_threads, threads + 8);
  world_clear (&w);
  g_free (peer);
}

/* No way is left for a caller that trusts nothing the server shows: it says so at once, and coturn hears no
 * STUN at all. */
static void
expect_refusal (const gchar * certificate, const gchar * options,
    const gchar * reason)
{
  GstElement *callee, *caller;
  gchar *all, *text, *name;
  World w;

  world_init (&w, certificate);
  all = g_strdup_printf ("peer=%s %s", w.call->alias[1], options);
  callee = make_end (&w, 1, "");
  caller = make_end (&w, 0, all);
  gst_element_set_state (callee, GST_STATE_PLAYING);
  call_wait_online (callee, 10);
  gst_element_set_state (caller, GST_STATE_PLAYING);
  text = call_wait_error (caller, 10);
  g_test_message ("%s", text);
  name = g_strdup_printf ("'turns:127.0.0.1:%u'", w.turn->port);
  g_assert_nonnull (strstr (text, name));
  g_assert_nonnull (strstr (text, reason));
  g_assert_null (strstr (text, TURN_SERVER_SECRET));
  g_assert_cmpuint (turn_server_count_allocations (w.turn), ==, 0);
  call_stop (caller);
  call_stop (callee);
  world_clear (&w);
  g_free (all);
  g_free (text);
  g_free (name);
}

static void
test_guard_bad_certificates (void)
{
  expect_refusal ("stranger", "", "not from a trusted authority");
  expect_refusal ("other", "", "for another host");
  expect_refusal ("expired", "", "has expired");
}

static void
test_guard_system_trust_only (void)
{
  expect_refusal ("good", "ca-file=\"\"", "not from a trusted authority");
}

int
main (int argc, char **argv)
{
  call_test_init (&argc, &argv);
  g_test_add_func ("/turn-tls/call", test_call);
  g_test_add_func ("/turn-tls/guard-policy-of-the-answer",
      test_guard_policy_of_the_answer);
  g_test_add_func ("/turn-tls/server-vanishes", test_server_vanishes);
  g_test_add_func ("/turn-tls/guard-bad-certificates",
      test_guard_bad_certificates);
  g_test_add_func ("/turn-tls/guard-system-trust-only",
      test_guard_system_trust_only);
  return g_test_run ();
}
