/* gst-dao: what whole-call tests share: a relay on loopback, registered accounts
 * that are friends, and waiting for bus messages
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

G_BEGIN_DECLS

#define CALL_FIXTURE_MAX_ACCOUNTS 8

typedef struct
{
  gchar *dir;                   /* temporary; removed with the fixture */
  GSubprocess *relay;
  gchar *url;
  guint n_accounts;
  gchar *identity[CALL_FIXTURE_MAX_ACCOUNTS];   /* paths */
  gchar *alias[CALL_FIXTURE_MAX_ACCOUNTS];
} CallFixture;

/* GStreamer's and GLib's test set-up; critical warnings are fatal, but for those of knowncriticals.h */
void call_test_init (int *argc, char ***argv);

/* Starts dao-relay (DAO_RELAY names the program) and registers @n_accounts, all friends of each other. */
CallFixture *call_fixture_new (guint n_accounts);
void call_fixture_free (CallFixture * fixture);
gchar *call_fixture_path (CallFixture * fixture, const gchar * name);

/* gst_parse_launch with printf, errors are fatal */
GstElement *call_parse (const gchar * format, ...) G_GNUC_PRINTF (1, 2);

/**
 * call_wait_state:
 *
 * Waits for `dao-call-state` with that state. Fails the test on an ERROR message, EOS or after @seconds.
 *
 * Returns: (transfer full): the message
 */
GstMessage *call_wait_state (GstElement * pipeline, const gchar * state,
    guint seconds);
/* Waits for the element message @name */
GstMessage *call_wait_message (GstElement * pipeline, const gchar * name,
    guint seconds);
/* Waits until the account of the element "c" can be called. */
void call_wait_online (GstElement * pipeline, guint seconds);
void call_wait_eos (GstElement * pipeline, guint seconds);
/* Waits for an ERROR and gives its text and debug string (transfer full) */
gchar *call_wait_error (GstElement * pipeline, guint seconds);
/* To NULL, and the reference dropped */
void call_stop (GstElement * pipeline);

guint call_count_threads (void);
/* Of all elements in @pipeline, however deep */
guint call_count_pads (GstElement * pipeline);
guint call_count_fds (void);

/* Decodes @path (GstDiscoverer-free): number of frames, duration; either may be 0 */
void call_probe_file (const gchar * path, guint * video_frames,
    guint * audio_frames, GstClockTime * duration, gchar ** video_caps);

G_END_DECLS
