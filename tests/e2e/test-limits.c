/* gst-dao: a daosignaling where something runs out, or fails beside the call
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Account 0 is the element, account 1 its peer. The relay is libdao's stand-in, which gives any answer and says any
 * goaway. Relay and peer live on the main thread: pump() is what makes them live.
 */
#include "hostilepeer.h"
#include "dao-account.h"
#include "daosdp-text.h"
#include "standin-relay.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PATIENCE_US (20 * G_TIME_SPAN_SECOND)
/* How long what must not happen gets to happen */
#define OBSERVE_MS 1000

typedef struct
{
  Standin *relay;
  CallFixture accounts;         /* paths, aliases and the URL; the relay in it is none */
  HostilePeer *peer;
  GstElement *pipeline;
  GstElement *call;
  GQueue messages;              /* GstMessage* */
  /* atomic */
  gint webrtcbins, jitterbuffers;
  gint rtp_out;                 /* to the network */
  gint frames;                  /* at the audio source pad */
} Bed;

/* --- accounts --- */

static void
add_account (Bed * bed, guint i, const gchar * alias)
{
  gchar *mnemonic = dao_identity_generate_mnemonic ();
  DaoIdentity *identity = dao_identity_new_from_mnemonic (mnemonic, NULL);
  gchar *file = g_strconcat (alias, ".json", NULL);
  GError *error = NULL;

  dao_identity_set_alias (identity, alias);
  dao_identity_set_uuid (identity, standin_add_user (bed->relay, alias,
          dao_identity_get_ed25519_public (identity),
          dao_identity_get_x25519_public (identity)));
  dao_identity_set_relay (identity, bed->relay->url);
  bed->accounts.identity[i] = call_fixture_path (&bed->accounts, file);
  bed->accounts.alias[i] = g_strdup (alias);
  dao_identity_save (identity, bed->accounts.identity[i], FALSE, &error);
  g_assert_no_error (error);
  dao_identity_unref (identity);
  dao_identity_free_mnemonic (mnemonic);
  g_free (file);
}

/* The local decision of account @i: the other one is a contact. */
static void
pin (Bed * bed, guint i)
{
  gchar *path = dao_account_contacts_path (bed->accounts.identity[i]);
  DaoIdentity *own = dao_identity_load (bed->accounts.identity[i], NULL);
  DaoIdentity *other = dao_identity_load (bed->accounts.identity[1 - i], NULL);
  DaoContacts *contacts = dao_contacts_load (path, own, NULL);
  GError *error = NULL;

  dao_contacts_pin (contacts, bed->accounts.alias[1 - i], NULL,
      dao_identity_get_ed25519_public (other),
      dao_identity_get_x25519_public (other), "conv_1", &error);
  g_assert_no_error (error);
  dao_contacts_save (contacts, &error);
  g_assert_no_error (error);
  dao_contacts_free (contacts);
  dao_identity_unref (other);
  dao_identity_unref (own);
  g_free (path);
}

/* --- the element --- */

static GstPadProbeReturn
count_rtp (GstPad * pad, GstPadProbeInfo * info, gpointer counter)
{
  g_atomic_int_add ((gint *) counter, hostile_count_rtp (info, -1));
  return GST_PAD_PROBE_OK;
}

static void
on_element (GstBin * bin, GstBin * sub_bin, GstElement * element, Bed * bed)
{
  GstElementFactory *factory = gst_element_get_factory (element);
  const gchar *name = factory ? GST_OBJECT_NAME (factory) : "";

  if (g_str_equal (name, "webrtcbin"))
    g_atomic_int_inc (&bed->webrtcbins);
  else if (g_str_equal (name, "rtpjitterbuffer"))
    g_atomic_int_inc (&bed->jitterbuffers);
  else if (g_str_equal (name, "nicesink")) {
    GstPad *pad = gst_element_get_static_pad (element, "sink");

    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER |
        GST_PAD_PROBE_TYPE_BUFFER_LIST, count_rtp, &bed->rtp_out, NULL);
    gst_object_unref (pad);
  }
}

static void
on_frame (GstElement * sink, GstBuffer * buffer, GstPad * pad, gint * n)
{
  g_atomic_int_inc (n);
}

static void
pump (Bed * bed)
{
  GstBus *bus = gst_element_get_bus (bed->pipeline);
  GstMessage *message;

  hostile_pump (bed->peer, 10);
  while ((message = gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT |
              GST_MESSAGE_WARNING | GST_MESSAGE_ERROR)))
    g_queue_push_tail (&bed->messages, message);
  gst_object_unref (bus);
}

static gchar *
message_text (GstMessage * message)
{
  GError *error = NULL;
  gchar *text;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ELEMENT)
    return gst_structure_to_string (gst_message_get_structure (message));
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  else
    gst_message_parse_warning (message, &error, NULL);
  text = g_strdup (error->message);
  g_error_free (error);
  return text;
}

/* Drops messages until one of @type that says @text; an ERROR that is not waited for is fatal. */
static void
wait_message (Bed * bed, GstMessageType type, const gchar * text)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_US;
  gboolean found = FALSE;

  while (!found) {
    GstMessage *message = g_queue_pop_head (&bed->messages);
    gchar *said = message ? message_text (message) : NULL;

    if (g_get_monotonic_time () > deadline)
      g_error ("nothing says '%s'", text);
    found = message && GST_MESSAGE_TYPE (message) == type
        && strstr (said, text);
    if (message && !found && GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
      g_error ("'%s' instead of '%s'", said, text);
    if (message)
      g_test_message ("%s", said);
    else
      pump (bed);
    g_clear_pointer (&message, gst_message_unref);
    g_free (said);
  }
}

static void
wait_state (Bed * bed, const gchar * state)
{
  gchar *text = g_strdup_printf ("dao-call-state, state=(string)%s", state);

  wait_message (bed, GST_MESSAGE_ELEMENT, text);
  g_free (text);
}

static void
wait_online (Bed * bed)
{
  wait_message (bed, GST_MESSAGE_ELEMENT, "online=(boolean)true");
}

static void
wait_count (Bed * bed, gint * counter, gint n)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_US;

  while (g_atomic_int_get (counter) < n) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    pump (bed);
  }
}

static void
observe (Bed * bed)
{
  gint64 end = g_get_monotonic_time () + OBSERVE_MS * 1000;

  while (g_get_monotonic_time () < end)
    pump (bed);
}

#define LOCAL_AUDIO "audiotestsrc is-live=true ! opusenc ! c.audio_sink "
#define REMOTE_AUDIO "c.audio_src ! fakesink name=a async=false sync=false " \
    "signal-handoffs=true "
/* Frames that stay encrypted, as a recording at rest has them */
#define REMOTE_CIPHERTEXT "c.audio_src ! application/x-dao-e2ee ! " \
    "fakesink name=a async=false sync=false signal-handoffs=true "

/* The peer is online; the element is in READY. */
static Bed *
bed_new (const gchar * options, const gchar * media)
{
  Bed *bed = g_new0 (Bed, 1);
  GError *error = NULL;
  GstElement *sink;

  bed->relay = standin_new ();
  bed->accounts.url = g_strdup (bed->relay->url);
  bed->accounts.dir = g_dir_make_tmp ("dao-limits-XXXXXX", &error);
  g_assert_no_error (error);
  bed->accounts.n_accounts = 2;
  add_account (bed, 0, "alice");
  add_account (bed, 1, "mallory");
  standin_befriend (bed->relay, "alice", "mallory", "conv_1");
  pin (bed, 0);
  pin (bed, 1);
  bed->peer = hostile_new (&bed->accounts, 1, 0);
  bed->pipeline = call_parse ("daosignaling name=c identity=%s %s %s",
      bed->accounts.identity[0], options, media);
  bed->call = gst_bin_get_by_name (GST_BIN (bed->pipeline), "c");
  g_signal_connect (bed->pipeline, "deep-element-added",
      G_CALLBACK (on_element), bed);
  sink = gst_bin_get_by_name (GST_BIN (bed->pipeline), "a");
  g_signal_connect (sink, "handoff", G_CALLBACK (on_frame), &bed->frames);
  gst_object_unref (sink);
  gst_element_set_state (bed->pipeline, GST_STATE_READY);
  return bed;
}

static void
play (Bed * bed)
{
  gst_element_set_state (bed->pipeline, GST_STATE_PLAYING);
}

static void
bed_free (Bed * bed)
{
  GDir *dir = g_dir_open (bed->accounts.dir, 0, NULL);
  const gchar *name;
  guint i;

  gst_object_unref (bed->call);
  call_stop (bed->pipeline);
  hostile_free (bed->peer);
  /* The element's account says goodbye on a thread of its own. */
  for (i = 0; i < 200 && standin_is_connected (bed->relay, "alice"); i++) {
    g_usleep (10 * 1000);
    standin_settle ();
  }
  g_queue_clear_full (&bed->messages, (GDestroyNotify) gst_message_unref);
  standin_free (bed->relay);
  standin_settle ();
  while ((name = g_dir_read_name (dir))) {
    gchar *path = call_fixture_path (&bed->accounts, name);

    g_unlink (path);
    g_free (path);
  }
  g_dir_close (dir);
  g_rmdir (bed->accounts.dir);
  for (i = 0; i < bed->accounts.n_accounts; i++) {
    g_free (bed->accounts.identity[i]);
    g_free (bed->accounts.alias[i]);
  }
  g_free (bed->accounts.url);
  g_free (bed->accounts.dir);
  g_free (bed);
}

/* The peer calls with media of its own, the element answers by itself. */
static void
connect_call (Bed * bed)
{
  DaoSignal *answer;
  gchar *offer;

  hostile_start_media (bed->peer);
  offer = hostile_create_offer (bed->peer);
  hostile_send_offer (bed->peer, offer);
  answer = hostile_wait (bed->peer, DAO_SIGNAL_ANSWER);
  hostile_apply_answer (bed->peer, answer->sdp);
  wait_state (bed, "connected");
  dao_signal_free (answer);
  g_free (offer);
}

/* --- streams --- */

/* Every run of 8 packets is a stream of its own: rtpsession wants two in a row before it believes in one. */
#define RUN 8
#define AUDIO_PT 111

static GstPadProbeReturn
invent_ssrc (GstPad * pad, GstPadProbeInfo * info, gpointer counter)
{
  GstBuffer *buffer = gst_buffer_make_writable (GST_PAD_PROBE_INFO_BUFFER
      (info));
  guint8 type = 0;

  GST_PAD_PROBE_INFO_DATA (info) = buffer;
  gst_buffer_extract (buffer, 1, &type, 1);
  if ((type & 0x7f) == AUDIO_PT) {
    guint32 ssrc = GUINT32_TO_BE (0x5000 +
        g_atomic_int_add ((gint *) counter, 1) / RUN);

    gst_buffer_fill (buffer, 8, &ssrc, 4);
  }
  return GST_PAD_PROBE_OK;
}

static void
invent_ssrcs (HostilePeer * peer, gint * counter)
{
  GstElement *rtpbin = gst_bin_get_by_name (GST_BIN (peer->webrtc), "rtpbin");
  GstPad *pad = gst_element_get_static_pad (rtpbin, "send_rtp_src_0");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, invent_ssrc, counter,
      NULL);
  gst_object_unref (pad);
  gst_object_unref (rtpbin);
}

static void
test_guard_number_of_streams (void)
{
  Bed *bed = bed_new ("auto-answer=true", LOCAL_AUDIO REMOTE_AUDIO);
  gint invented = 0;

  play (bed);
  wait_online (bed);
  connect_call (bed);
  wait_count (bed, &bed->frames, 10);
  invent_ssrcs (bed->peer, &invented);
  wait_count (bed, &invented, 12 * RUN);
  g_assert_cmpint (g_atomic_int_get (&bed->jitterbuffers), <=, 4);
  g_assert_cmpint (g_atomic_int_get (&bed->jitterbuffers), >=, 2);
  hostile_send_end (bed->peer, NULL);
  wait_state (bed, "hangup");
  bed_free (bed);
}

/* --- frames that are to stay encrypted --- */

/* Downstream wants ciphertext, and the peer sends clear media. */
static void
test_guard_clear_media_is_no_ciphertext (gconstpointer direction)
{
  gboolean caller = GPOINTER_TO_INT (direction);
  Bed *bed = bed_new (caller ? "peer=mallory" : "auto-answer=true",
      LOCAL_AUDIO REMOTE_CIPHERTEXT);
  gchar *sdp;

  play (bed);
  hostile_start_media (bed->peer);
  if (caller) {
    DaoSignal *offer = hostile_wait (bed->peer, DAO_SIGNAL_OFFER);

    g_free (bed->peer->call_id);
    bed->peer->call_id = g_strdup (offer->call_id);
    sdp = hostile_create_answer (bed->peer, offer->sdp);
    hostile_send_answer (bed->peer, sdp);
    dao_signal_free (offer);
  } else {
    wait_online (bed);
    sdp = hostile_create_offer (bed->peer);
    hostile_send_offer (bed->peer, sdp);
  }
  wait_message (bed, GST_MESSAGE_ELEMENT, "reason=(string)e2ee-required");
  observe (bed);
  g_assert_cmpint (g_atomic_int_get (&bed->frames), ==, 0);
  g_assert_cmpint (g_atomic_int_get (&bed->rtp_out), ==, 0);
  g_free (sdp);
  bed_free (bed);
}

/* --- ICE configuration --- */

static const gchar bad_policy[] = "{\"ttl\":600,\"ice_servers\":[],"
    "\"ice_transport_policy\":\"relay-tls\"}";

static void
assert_no_connection (Bed * bed)
{
  observe (bed);
  g_assert_cmpint (g_atomic_int_get (&bed->webrtcbins), ==, 0);
  while (!g_queue_is_empty (&bed->peer->received)) {
    DaoSignal *signal = g_queue_pop_head (&bed->peer->received);

    g_assert_cmpint (signal->type, !=, DAO_SIGNAL_OFFER);
    g_assert_cmpint (signal->type, !=, DAO_SIGNAL_ANSWER);
    dao_signal_free (signal);
  }
}

static void
test_guard_policy_caller (void)
{
  Bed *bed = bed_new ("peer=mallory", LOCAL_AUDIO REMOTE_AUDIO);

  g_free (bed->relay->ice_config);
  bed->relay->ice_config = g_strdup (bad_policy);
  play (bed);
  wait_message (bed, GST_MESSAGE_ELEMENT, "reason=(string)signaling");
  wait_message (bed, GST_MESSAGE_ERROR, "Call with mallory");
  assert_no_connection (bed);
  bed_free (bed);
}

static void
test_guard_policy_callee (void)
{
  Bed *bed = bed_new ("auto-answer=true", LOCAL_AUDIO REMOTE_AUDIO);

  g_free (bed->relay->ice_config);
  bed->relay->ice_config = g_strdup (bad_policy);
  play (bed);
  wait_online (bed);
  hostile_send_offer (bed->peer, chromium_offer);
  wait_message (bed, GST_MESSAGE_ELEMENT, "reason=(string)signaling");
  assert_no_connection (bed);
  bed_free (bed);
}

/* --- file descriptors --- */

/* GLib aborts the process when a thread of libnice gets none. */
static void
test_guard_file_descriptors (void)
{
  Bed *bed = bed_new ("auto-answer=true", LOCAL_AUDIO REMOTE_AUDIO);
  struct rlimit before, low;
  int lowest;

  play (bed);
  wait_online (bed);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &before), ==, 0);
  lowest = dup (STDERR_FILENO);
  close (lowest);
  low = before;
  low.rlim_cur = lowest + 16;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &low), ==, 0);
  hostile_send_offer (bed->peer, chromium_offer);
  wait_message (bed, GST_MESSAGE_WARNING, "too many files open");
  wait_message (bed, GST_MESSAGE_ELEMENT, "dao-call-ended");
  assert_no_connection (bed);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &before), ==, 0);
  bed_free (bed);
}

/* --- actions at the wrong time --- */

static void
test_guard_call_outside_of_a_run (void)
{
  Bed *bed = bed_new ("", LOCAL_AUDIO REMOTE_AUDIO);
  gboolean ok = FALSE;

  g_signal_emit_by_name (bed->call, "call", "mallory", TRUE, FALSE, &ok);
  g_assert_true (ok);
  wait_message (bed, GST_MESSAGE_WARNING, "'call' means nothing");
  assert_no_connection (bed);
  /* It has left nothing behind: the same is a call in a run. */
  play (bed);
  wait_online (bed);
  g_signal_emit_by_name (bed->call, "call", "mallory", TRUE, FALSE, &ok);
  dao_signal_free (hostile_wait (bed->peer, DAO_SIGNAL_OFFER));
  bed_free (bed);
  /* Without a session there is nobody to ask. */
  bed = bed_new ("", LOCAL_AUDIO REMOTE_AUDIO);
  gst_element_set_state (bed->pipeline, GST_STATE_NULL);
  g_signal_emit_by_name (bed->call, "call", "mallory", TRUE, FALSE, &ok);
  g_assert_false (ok);
  bed_free (bed);
}

/* --- an account that fails for good --- */

static void
send_away (Bed * bed)
{
  standin_push (bed->relay, "alice",
      "{\"type\":\"goaway\",\"reason\":\"banned\"}");
}

static void
test_account_fails_in_a_call (void)
{
  Bed *bed = bed_new ("auto-answer=true", LOCAL_AUDIO REMOTE_AUDIO);
  gint frames;

  play (bed);
  wait_online (bed);
  connect_call (bed);
  wait_count (bed, &bed->frames, 10);
  send_away (bed);
  wait_message (bed, GST_MESSAGE_WARNING, "banned");
  g_assert_false (standin_is_connected (bed->relay, "alice"));
  frames = g_atomic_int_get (&bed->frames);
  wait_count (bed, &bed->frames, frames + 50);
  bed_free (bed);
}

static void
test_account_fails_while_calling (void)
{
  Bed *bed = bed_new ("peer=mallory", LOCAL_AUDIO REMOTE_AUDIO);

  play (bed);
  dao_signal_free (hostile_wait (bed->peer, DAO_SIGNAL_OFFER));
  send_away (bed);
  wait_message (bed, GST_MESSAGE_ERROR, "banned");
  /* The next run asks the relay again. */
  gst_element_set_state (bed->pipeline, GST_STATE_READY);
  g_queue_clear_full (&bed->messages, (GDestroyNotify) gst_message_unref);
  play (bed);
  dao_signal_free (hostile_wait (bed->peer, DAO_SIGNAL_OFFER));
  bed_free (bed);
}

int
main (int argc, char **argv)
{
  call_test_init (&argc, &argv);
  g_test_add_func ("/limits/guard-number-of-streams",
      test_guard_number_of_streams);
  g_test_add_data_func ("/limits/guard-clear-media-is-no-ciphertext/caller",
      GINT_TO_POINTER (TRUE), test_guard_clear_media_is_no_ciphertext);
  g_test_add_data_func ("/limits/guard-clear-media-is-no-ciphertext/callee",
      GINT_TO_POINTER (FALSE), test_guard_clear_media_is_no_ciphertext);
  g_test_add_func ("/limits/guard-unknown-ice-policy/caller",
      test_guard_policy_caller);
  g_test_add_func ("/limits/guard-unknown-ice-policy/callee",
      test_guard_policy_callee);
  g_test_add_func ("/limits/guard-file-descriptors",
      test_guard_file_descriptors);
  g_test_add_func ("/limits/guard-call-outside-of-a-run",
      test_guard_call_outside_of_a_run);
  g_test_add_func ("/limits/account-fails/in-a-call",
      test_account_fails_in_a_call);
  g_test_add_func ("/limits/account-fails/while-calling",
      test_account_fails_while_calling);
  return g_test_run ();
}
