/* gst-dao: what whole-call tests share
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "callfixture.h"
#include "dao-account.h"
#include "dao-encoding.h"
#include "dao-json.h"
#include "knowncriticals.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

/* --- relay --- */

/* The relay must not outlive a test that aborts: it holds the test's output open. */
static void
die_with_parent (gpointer unused)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static void
start_relay (CallFixture * fixture)
{
  GSubprocessLauncher *launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  const gchar *program = g_getenv ("DAO_RELAY");
  gchar *db = call_fixture_path (fixture, "relay.db");
  GError *error = NULL;
  GDataInputStream *lines;
  gchar *line;

  if (!program)
    g_error ("DAO_RELAY is not set: run this through meson");
  g_subprocess_launcher_set_child_setup (launcher, die_with_parent, NULL,
      NULL);
  fixture->relay = g_subprocess_launcher_spawn (launcher, &error, program,
      "--listen", "127.0.0.1:0", "--db", db, "--pow-difficulty", "1",
      "--max-registrations", "0", "--max-requests", "0", "--max-frames", "0",
      NULL);
  g_assert_no_error (error);
  g_object_unref (launcher);
  lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe
      (fixture->relay));
  line = g_data_input_stream_read_line (lines, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (line);
  g_assert_nonnull (strstr (line, "http://"));
  fixture->url = g_strdup (strstr (line, "http://"));
  g_strchomp (fixture->url);
  g_free (line);
  g_free (db);
  g_object_unref (lines);
}

/* --- accounts --- */

typedef struct
{
  DaoIdentity *identity;
  DaoRelayClient *client;
} Person;

static void
take_result (GObject * source, GAsyncResult * result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static GAsyncResult *
wait_result (GAsyncResult ** result)
{
  while (!*result)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

static json_t *
call_relay (Person * person, const gchar * method, const gchar * path,
    json_t * body)
{
  GAsyncResult *result = NULL;
  GError *error = NULL;
  json_t *answer;

  dao_relay_client_call_async (person->client, method, path, body, NULL,
      take_result, &result);
  answer = dao_relay_client_call_finish (person->client,
      wait_result (&result), &error);
  g_assert_no_error (error);
  g_object_unref (result);
  json_decref (body);
  return answer;
}

static void
register_person (CallFixture * fixture, Person * person, guint i)
{
  gchar *mnemonic = dao_identity_generate_mnemonic ();
  gchar *name = g_strdup_printf ("person%u", i);
  gchar *file = g_strdup_printf ("person%u.json", i);
  GAsyncResult *result = NULL;
  GError *error = NULL;

  person->identity = dao_identity_new_from_mnemonic (mnemonic, &error);
  g_assert_no_error (error);
  dao_identity_free_mnemonic (mnemonic);
  person->client = dao_relay_client_new (fixture->url, person->identity,
      &error);
  g_assert_no_error (error);
  dao_relay_client_register_async (person->client, name, NULL, take_result,
      &result);
  dao_relay_client_register_finish (person->client, wait_result (&result),
      &error);
  g_assert_no_error (error);
  g_object_unref (result);
  fixture->identity[i] = call_fixture_path (fixture, file);
  fixture->alias[i] = g_strdup (dao_identity_get_alias (person->identity));
  dao_identity_save (person->identity, fixture->identity[i], FALSE, &error);
  g_assert_no_error (error);
  g_free (name);
  g_free (file);
}

static void
befriend (CallFixture * fixture, Person * a, Person * b)
{
  json_t *list, *entry;
  gsize i;

  json_decref (call_relay (a, "POST", "/api/v1/friends/request",
          json_pack ("{s:s}", "to_alias_id",
              dao_identity_get_alias (b->identity))));
  list = call_relay (b, "GET", "/api/v1/friends", NULL);
  json_array_foreach (list, i, entry) {
    gint64 id;

    if (g_strcmp0 (dao_json_get_string (entry, "status"), "pending"))
      continue;
    g_assert_true (dao_json_get_int (entry, "friendship_id", &id));
    gchar *path = g_strdup_printf ("/api/v1/friends/%" G_GINT64_FORMAT
        "/accept", id);

    json_decref (call_relay (b, "PUT", path, NULL));
    g_free (path);
  }
  json_decref (list);
}

/* The local decision: all friends are pinned. */
static void
pin_friends (CallFixture * fixture, Person * person, guint i)
{
  gchar *path = dao_account_contacts_path (fixture->identity[i]);
  json_t *list = call_relay (person, "GET", "/api/v1/friends", NULL);
  DaoContacts *contacts;
  GError *error = NULL;
  json_t *entry;
  gsize n;

  contacts = dao_contacts_load (path, person->identity, &error);
  g_assert_no_error (error);
  json_array_foreach (list, n, entry) {
    guint8 ed25519[32], x25519[32];

    g_assert_true (dao_base64_decode_exact (dao_json_get_string (entry,
                "ed25519_public_key"), ed25519, 32));
    g_assert_true (dao_base64_decode_exact (dao_json_get_string (entry,
                "x25519_public_key"), x25519, 32));
    dao_contacts_pin (contacts, dao_json_get_string (entry, "alias_id"),
        NULL, ed25519, x25519, dao_json_get_string (entry,
            "conversation_id"), &error);
    g_assert_no_error (error);
  }
  dao_contacts_save (contacts, &error);
  g_assert_no_error (error);
  dao_contacts_free (contacts);
  json_decref (list);
  g_free (path);
}

void
call_test_init (int *argc, char ***argv)
{
  gst_init (argc, argv);
  g_test_init (argc, argv, NULL);
  known_criticals_allow ();
}

CallFixture *
call_fixture_new (guint n_accounts)
{
  CallFixture *fixture = g_new0 (CallFixture, 1);
  Person people[CALL_FIXTURE_MAX_ACCOUNTS];
  GError *error = NULL;
  guint i, k;

  g_assert_cmpuint (n_accounts, <=, CALL_FIXTURE_MAX_ACCOUNTS);
  fixture->dir = g_dir_make_tmp ("dao-call-XXXXXX", &error);
  g_assert_no_error (error);
  start_relay (fixture);
  for (i = 0; i < n_accounts; i++)
    register_person (fixture, &people[i], i);
  fixture->n_accounts = n_accounts;
  for (i = 0; i < n_accounts; i++)
    for (k = i + 1; k < n_accounts; k++)
      befriend (fixture, &people[i], &people[k]);
  for (i = 0; i < n_accounts; i++)
    pin_friends (fixture, &people[i], i);
  for (i = 0; i < n_accounts; i++) {
    g_object_unref (people[i].client);
    dao_identity_unref (people[i].identity);
  }
  return fixture;
}

void
call_fixture_free (CallFixture * fixture)
{
  GDir *dir = g_dir_open (fixture->dir, 0, NULL);
  const gchar *name;
  guint i;

  g_subprocess_force_exit (fixture->relay);
  g_subprocess_wait (fixture->relay, NULL, NULL);
  g_object_unref (fixture->relay);
  while (dir && (name = g_dir_read_name (dir))) {
    gchar *path = call_fixture_path (fixture, name);

    g_unlink (path);
    g_free (path);
  }
  g_dir_close (dir);
  g_rmdir (fixture->dir);
  for (i = 0; i < fixture->n_accounts; i++) {
    g_free (fixture->identity[i]);
    g_free (fixture->alias[i]);
  }
  g_free (fixture->url);
  g_free (fixture->dir);
  g_free (fixture);
}

gchar *
call_fixture_path (CallFixture * fixture, const gchar * name)
{
  return g_build_filename (fixture->dir, name, NULL);
}

/* --- pipelines --- */

GstElement *
call_parse (const gchar * format, ...)
{
  GError *error = NULL;
  GstElement *pipeline;
  va_list args;
  gchar *text;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  pipeline = gst_parse_launch_full (text, NULL, GST_PARSE_FLAG_FATAL_ERRORS,
      &error);
  if (error)
    g_error ("'%s': %s", text, error->message);
  g_free (text);
  return pipeline;
}

static void
fail_on (GstElement * pipeline, GstMessage * message, const gchar * wanted)
{
  GError *error = NULL;
  gchar *debug = NULL;

  if (!message)
    g_error ("%s: no '%s' in time", GST_OBJECT_NAME (pipeline), wanted);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
    g_error ("%s: EOS instead of '%s'", GST_OBJECT_NAME (pipeline), wanted);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &error, &debug);
    g_error ("%s: '%s' (%s) instead of '%s'", GST_OBJECT_NAME (pipeline),
        error->message, debug, wanted);
  }
}

/* @matches: (nullable) */
static GstMessage *
wait_element_message (GstElement * pipeline, const gchar * name,
    const gchar * state, guint seconds)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  gint64 deadline = g_get_monotonic_time () + seconds * G_USEC_PER_SEC;
  GstMessage *message;

  while (TRUE) {
    gint64 left = MAX (deadline - g_get_monotonic_time (), 0);
    const GstStructure *s;

    message = gst_bus_timed_pop_filtered (bus, left * GST_USECOND,
        GST_MESSAGE_ELEMENT | GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_on (pipeline, message, state ? state : name);
    s = gst_message_get_structure (message);
    if (gst_structure_has_name (s, name) && (!state
            || g_strcmp0 (gst_structure_get_string (s, "state"), state) == 0))
      break;
    gst_message_unref (message);
  }
  if (g_test_verbose ()) {
    gchar *text = gst_structure_to_string (gst_message_get_structure
        (message));

    g_test_message ("%s: %s", GST_OBJECT_NAME (pipeline), text);
    g_free (text);
  }
  gst_object_unref (bus);
  return message;
}

GstMessage *
call_wait_state (GstElement * pipeline, const gchar * state, guint seconds)
{
  return wait_element_message (pipeline, "dao-call-state", state, seconds);
}

GstMessage *
call_wait_message (GstElement * pipeline, const gchar * name, guint seconds)
{
  return wait_element_message (pipeline, name, NULL, seconds);
}

void
call_wait_online (GstElement * pipeline, guint seconds)
{
  gboolean online = FALSE;

  while (!online) {
    GstMessage *message = call_wait_message (pipeline, "dao-account", seconds);

    gst_structure_get_boolean (gst_message_get_structure (message), "online",
        &online);
    gst_message_unref (message);
  }
}

void
call_wait_eos (GstElement * pipeline, guint seconds)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message = gst_bus_timed_pop_filtered (bus,
      seconds * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);

  if (!message || GST_MESSAGE_TYPE (message) != GST_MESSAGE_EOS)
    fail_on (pipeline, message, "EOS");
  gst_message_unref (message);
  gst_object_unref (bus);
}

gchar *
call_wait_error (GstElement * pipeline, guint seconds)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message = gst_bus_timed_pop_filtered (bus,
      seconds * GST_SECOND, GST_MESSAGE_ERROR);
  GError *error = NULL;
  gchar *debug = NULL, *text;

  if (!message)
    g_error ("%s: no error in time", GST_OBJECT_NAME (pipeline));
  gst_message_parse_error (message, &error, &debug);
  text = g_strdup_printf ("%s | %s", error->message, debug);
  g_error_free (error);
  g_free (debug);
  gst_message_unref (message);
  gst_object_unref (bus);
  return text;
}

void
call_stop (GstElement * pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

/* --- what is left over --- */

static guint
count_entries (const gchar * path)
{
  GDir *dir = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir))
    n++;
  g_dir_close (dir);
  return n;
}

guint
call_count_threads (void)
{
  return count_entries ("/proc/self/task");
}

static void
add_pads (const GValue * item, gpointer n)
{
  GstElement *element = g_value_get_object (item);

  GST_OBJECT_LOCK (element);
  *(guint *) n += element->numpads;
  GST_OBJECT_UNLOCK (element);
}

guint
call_count_pads (GstElement * pipeline)
{
  GstIterator *it = gst_bin_iterate_recurse (GST_BIN (pipeline));
  guint n = 0;

  while (gst_iterator_foreach (it, add_pads, &n) == GST_ITERATOR_RESYNC) {
    gst_iterator_resync (it);
    n = 0;
  }
  gst_iterator_free (it);
  return n;
}

guint
call_count_fds (void)
{
  return count_entries ("/proc/self/fd");
}

/* --- files --- */

static void
count_frame (GstElement * sink, GstBuffer * buffer, GstPad * pad, guint * n)
{
  ++*n;
}

void
call_probe_file (const gchar * path, guint * video_frames,
    guint * audio_frames, GstClockTime * duration, gchar ** video_caps)
{
  GstElement *pipeline = call_parse ("filesrc location=%s ! matroskademux "
      "name=d  d.video_0 ! queue ! vp8dec ! fakesink name=v sync=false "
      "signal-handoffs=true  d.audio_0 ! queue ! opusdec ! fakesink name=a "
      "sync=false signal-handoffs=true", path);
  GstElement *v = gst_bin_get_by_name (GST_BIN (pipeline), "v");
  GstElement *a = gst_bin_get_by_name (GST_BIN (pipeline), "a");
  GstPad *pad = gst_element_get_static_pad (v, "sink");
  gint64 length = 0;

  *video_frames = *audio_frames = 0;
  g_signal_connect (v, "handoff", G_CALLBACK (count_frame), video_frames);
  g_signal_connect (a, "handoff", G_CALLBACK (count_frame), audio_frames);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  call_wait_eos (pipeline, 60);
  gst_element_query_duration (pipeline, GST_FORMAT_TIME, &length);
  *duration = length;
  if (video_caps) {
    GstCaps *caps = gst_pad_get_current_caps (pad);

    *video_caps = caps ? gst_caps_to_string (caps) : NULL;
    gst_clear_caps (&caps);
  }
  gst_object_unref (pad);
  gst_object_unref (v);
  gst_object_unref (a);
  call_stop (pipeline);
}
