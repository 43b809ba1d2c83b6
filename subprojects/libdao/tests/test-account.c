/* gst-dao: tests of the account: which slot gets which signal
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * protocol.md e.7 and the design's "account". Two accounts of one process talk over the stand-in relay, and frames are
 * made by hand where a peer has to misbehave.
 */
#include "dao-account-private.h"
#include "dao-encoding.h"
#include "dao-relay-private.h"
#include "standin-relay.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALL_1 "11111111-1111-4111-8111-111111111111"
#define CALL_2 "22222222-2222-4222-8222-222222222222"
#define CALL_3 "33333333-3333-4333-8333-333333333333"

typedef struct
{
  DaoIdentity *identity;
  gchar *path;
} Person;

/* Alice is under test, bob and carol are her contacts. */
typedef struct
{
  gchar *dir;
  Standin *standin;
  Person alice, bob, carol;
  DaoAccount *account;
  gint64 now_ms;
} Fixture;

/* What one slot heard. */
typedef struct
{
  DaoAccountSlot *slot;
  GPtrArray *signals;           /* DaoSignal* */
  guint online, offline, failed;
  GError *why;
  gboolean hang_up;             /* unbind inside the callback */
  gboolean close;               /* remove the slot and close the account inside the callback */
} Ear;

static void
hear (DaoAccountSlot * slot, const DaoSignal * signal, gpointer user_data)
{
  Ear *ear = user_data;

  g_ptr_array_add (ear->signals, dao_signal_copy (signal));
  if (ear->hang_up)
    dao_account_slot_bind (slot, NULL, NULL);
  if (ear->close) {
    DaoAccount *account = dao_account_slot_get_account (slot);

    ear->slot = NULL;
    dao_account_remove_slot (slot);
    dao_account_close (account);
  }
}

static void
hear_online (DaoAccountSlot * slot, gboolean online, const GError * why,
    gpointer user_data)
{
  Ear *ear = user_data;

  ear->online += online ? 1 : 0;
  ear->offline += online ? 0 : 1;
}

static void
hear_failed (DaoAccountSlot * slot, const GError * why, gpointer user_data)
{
  Ear *ear = user_data;

  ear->failed++;
  g_clear_error (&ear->why);
  ear->why = g_error_copy (why);
}

static const DaoAccountCallbacks callbacks = { hear, hear_online, hear_failed };

static Ear *
ear_new (DaoAccount * account)
{
  Ear *ear = g_new0 (Ear, 1);

  ear->signals = g_ptr_array_new_with_free_func (
      (GDestroyNotify) dao_signal_free);
  ear->slot = dao_account_add_slot (account, &callbacks, ear);
  return ear;
}

static void
ear_free (Ear * ear)
{
  if (ear->slot != NULL)
    dao_account_remove_slot (ear->slot);
  g_ptr_array_unref (ear->signals);
  g_clear_error (&ear->why);
  g_free (ear);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Ear, ear_free)

static const DaoSignal *
heard (Ear * ear, guint i)
{
  g_assert_cmpuint (i, <, ear->signals->len);
  return g_ptr_array_index (ear->signals, i);
}

/* --- people --- */

static void
make_person (Fixture * f, Person * person, const gchar * alias)
{
  gchar *mnemonic = dao_identity_generate_mnemonic ();
  g_autofree gchar *name = g_strconcat (alias, ".json", NULL);
  g_autoptr (GError) error = NULL;

  person->identity = dao_identity_new_from_mnemonic (mnemonic, &error);
  g_assert_no_error (error);
  dao_identity_free_mnemonic (mnemonic);
  person->path = g_build_filename (f->dir, name, NULL);
  dao_identity_set_alias (person->identity, alias);
  dao_identity_set_uuid (person->identity, standin_add_user (f->standin,
          alias, dao_identity_get_ed25519_public (person->identity),
          dao_identity_get_x25519_public (person->identity)));
  dao_identity_set_relay (person->identity, f->standin->url);
  dao_identity_save (person->identity, person->path, FALSE, &error);
  g_assert_no_error (error);
}

static void
pin (Person * own, Person * other)
{
  g_autofree gchar *path = dao_account_contacts_path (own->path);
  g_autoptr (GError) error = NULL;
  g_autoptr (DaoContacts) contacts = NULL;

  contacts = dao_contacts_load (path, own->identity, &error);
  g_assert_no_error (error);
  dao_contacts_pin (contacts, dao_identity_get_alias (other->identity), NULL,
      dao_identity_get_ed25519_public (other->identity),
      dao_identity_get_x25519_public (other->identity), NULL, &error);
  g_assert_no_error (error);
  dao_contacts_save (contacts, &error);
  g_assert_no_error (error);
}

static void
hurry (DaoAccount * account)
{
  DaoRelayTiming *timing =
      dao_relay_client_get_timing (dao_account_get_client (account));

  timing->backoff_unit_ms = 2;
  timing->goaway_ms = 1;
}

static gint64
test_clock (gpointer user_data)
{
  return ((Fixture *) user_data)->now_ms;
}

static void
open_account (Fixture * f)
{
  g_autoptr (GError) error = NULL;

  f->account = dao_account_open (f->alice.path, NULL, &error);
  g_assert_no_error (error);
  hurry (f->account);
  dao_account_set_clock (f->account, test_clock, f);
  standin_wait_until (dao_account_is_online (f->account));
}

static void
close_account (Fixture * f)
{
  dao_account_close (f->account);
  f->account = NULL;
  g_assert_true (dao_relay_drain (5000));
  standin_wait_until (!standin_is_connected (f->standin, "alice"));
}

static void
set_up_people (Fixture * f, gconstpointer data)
{
  f->now_ms = g_get_real_time () / 1000;
  f->dir = g_dir_make_tmp ("dao-account-XXXXXX", NULL);
  f->standin = standin_new ();
  make_person (f, &f->alice, "alice");
  make_person (f, &f->bob, "bob");
  make_person (f, &f->carol, "carol");
  standin_befriend (f->standin, "bob", "alice", "conv-bob");
  standin_befriend (f->standin, "carol", "alice", "conv-carol");
  pin (&f->alice, &f->bob);
  pin (&f->alice, &f->carol);
}

static void
set_up (Fixture * f, gconstpointer data)
{
  set_up_people (f, data);
  open_account (f);
}

static void
person_clear (Person * person)
{
  dao_identity_unref (person->identity);
  g_free (person->path);
}

static void
tear_down (Fixture * f, gconstpointer data)
{
  const gchar *name;
  GDir *dir;

  if (f->account != NULL)
    close_account (f);
  person_clear (&f->alice);
  person_clear (&f->bob);
  person_clear (&f->carol);
  standin_free (f->standin);
  standin_settle ();
  dir = g_dir_open (f->dir, 0, NULL);
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree gchar *path = g_build_filename (f->dir, name, NULL);

    g_unlink (path);
  }
  g_dir_close (dir);
  g_rmdir (f->dir);
  g_free (f->dir);
}

/* --- frames to alice --- */

static DaoSignal *
make_signal (DaoSignalType type, Person * from, const gchar * call_id)
{
  DaoSignal *signal = dao_signal_new (type,
      dao_identity_get_alias (from->identity), "alice", call_id);

  signal->ext = 1;
  if (type == DAO_SIGNAL_OFFER || type == DAO_SIGNAL_ANSWER)
    signal->sdp = g_strdup ("v=0\r\n");
  if (type == DAO_SIGNAL_ICE) {
    signal->candidate = g_strdup ("candidate:1 1 udp 1 127.0.0.1 9 typ host");
    signal->sdp_mid = g_strdup ("0");
    signal->sdp_mline_index = 0;
  }
  return signal;
}

/* (transfer full): @from's frame, as the relay would deliver it */
static gchar *
seal (Fixture * f, Person * from, const DaoSignal * signal)
{
  g_autofree gchar *conversation = g_strconcat ("conv-",
      dao_identity_get_alias (from->identity), NULL);
  json_t *inner = dao_signal_to_json (signal);
  guint8 key[32];
  g_autoptr (GError) error = NULL;
  gchar *text;

  dao_session_key_derive (dao_identity_get_x25519_private (from->identity),
      dao_identity_get_x25519_public (f->alice.identity), conversation, key,
      &error);
  g_assert_no_error (error);
  text = dao_envelope_seal (inner, signal->to,
      dao_identity_get_ed25519_secret (from->identity), key, f->now_ms, NULL,
      NULL, &error);
  g_assert_no_error (error);
  json_decref (inner);
  return text;
}

/* Delivered when all that was pushed before has been handled: frames keep their order. */
static void
push (Fixture * f, const gchar * frame)
{
  guint64 before = dao_account_get_dropped (f->account,
      DAO_ENVELOPE_ERROR_TYPE);

  standin_push (f->standin, "alice", frame);
  standin_push (f->standin, "alice", "{\"type\":\"call_marker\"}");
  standin_wait_until (dao_account_get_dropped (f->account,
          DAO_ENVELOPE_ERROR_TYPE) > before);
}

static void
send_signal (Fixture * f, DaoSignalType type, Person * from,
    const gchar * call_id)
{
  g_autoptr (DaoSignal) signal = make_signal (type, from, call_id);
  g_autofree gchar *frame = seal (f, from, signal);

  push (f, frame);
}

/* The call_reject frames alice sent to @peer, opened. */
static DaoSignal *
last_reject (Fixture * f, Person * peer)
{
  json_t *frame = standin_last_frame (f->standin, "call_reject");
  g_autofree gchar *text = NULL;
  g_autoptr (DaoContacts) contacts = NULL;
  g_autoptr (GError) error = NULL;
  DaoReplayGuard *guard;
  DaoSignal *signal;
  g_autofree gchar *conversation = g_strconcat ("conv-",
      dao_identity_get_alias (peer->identity), NULL);
  char *dump;

  g_assert_nonnull (frame);
  dump = json_dumps (frame, JSON_COMPACT);
  json_decref (frame);
  contacts = dao_contacts_load (NULL, peer->identity, NULL);
  dao_contacts_pin (contacts, "alice", NULL,
      dao_identity_get_ed25519_public (f->alice.identity),
      dao_identity_get_x25519_public (f->alice.identity), conversation, NULL);
  guard = dao_replay_guard_new ();
  signal = dao_envelope_open (dump, strlen (dump),
      dao_identity_get_alias (peer->identity), contacts, guard, f->now_ms,
      &error);
  g_assert_no_error (error);
  dao_replay_guard_free (guard);
  free (dump);
  return signal;
}

/* --- routing --- */

static void
test_longest_waiting (Fixture * f, gconstpointer data)
{
  g_autoptr (Ear) first = ear_new (f->account);
  g_autoptr (Ear) second = ear_new (f->account);

  /* Not in the order of adding. */
  dao_account_slot_set_waiting (second->slot, TRUE);
  dao_account_slot_set_waiting (first->slot, TRUE);
  dao_account_slot_set_waiting (second->slot, TRUE);
  send_signal (f, DAO_SIGNAL_OFFER, &f->bob, CALL_1);
  g_assert_cmpuint (second->signals->len, ==, 1);
  g_assert_cmpuint (first->signals->len, ==, 0);
  g_assert_cmpstr (heard (second, 0)->call_id, ==, CALL_1);
  g_assert_cmpstr (heard (second, 0)->from, ==, "bob");

  send_signal (f, DAO_SIGNAL_OFFER, &f->carol, CALL_2);
  g_assert_cmpuint (first->signals->len, ==, 1);
  /* And what follows goes to its own call. */
  send_signal (f, DAO_SIGNAL_ICE, &f->bob, CALL_1);
  send_signal (f, DAO_SIGNAL_HANGUP, &f->carol, CALL_2);
  g_assert_cmpuint (second->signals->len, ==, 2);
  g_assert_cmpint (heard (second, 1)->type, ==, DAO_SIGNAL_ICE);
  g_assert_cmpint (heard (first, 1)->type, ==, DAO_SIGNAL_HANGUP);
  g_assert_cmpuint (dao_account_get_unrouted (f->account), ==, 0);
}

static void
test_busy (Fixture * f, gconstpointer data)
{
  g_autoptr (Ear) ear = ear_new (f->account);
  g_autoptr (DaoSignal) reject = NULL;

  dao_account_slot_set_waiting (ear->slot, TRUE);
  send_signal (f, DAO_SIGNAL_OFFER, &f->bob, CALL_1);
  send_signal (f, DAO_SIGNAL_OFFER, &f->carol, CALL_2);
  g_assert_cmpuint (ear->signals->len, ==, 1);
  standin_wait_until (standin_count_frames (f->standin, "call_reject") == 1);
  reject = last_reject (f, &f->carol);
  g_assert_cmpstr (reject->call_id, ==, CALL_2);
  g_assert_cmpstr (reject->reason, ==, "busy");
  g_assert_cmpstr (reject->to, ==, "carol");
  /* The same call again is known: no second answer, and it does not ring later. */
  dao_account_slot_set_waiting (ear->slot, TRUE);
  send_signal (f, DAO_SIGNAL_OFFER, &f->carol, CALL_2);
  g_assert_cmpuint (ear->signals->len, ==, 1);
  g_assert_cmpuint (standin_count_frames (f->standin, "call_reject"), ==, 1);
}

static void
test_nobody_waits (Fixture * f, gconstpointer data)
{
  g_autoptr (Ear) ear = ear_new (f->account);

  send_signal (f, DAO_SIGNAL_OFFER, &f->bob, CALL_1);
  g_assert_cmpuint (ear->signals->len, ==, 0);
  standin_wait_until (standin_count_frames (f->standin, "call_reject") == 1);
}

static void
test_glare (Fixture * f, gconstpointer data)
{
  g_autoptr (Ear) caller = ear_new (f->account);
  g_autoptr (Ear) waiting = ear_new (f->account);

  dao_account_slot_set_waiting (waiting->slot, TRUE);
  dao_account_slot_bind (caller->slot, "bob", CALL_1);
  send_signal (f, DAO_SIGNAL_ICE, &f->bob, CALL_2);
  send_signal (f, DAO_SIGNAL_OFFER, &f->bob, CALL_2);
  g_assert_cmpuint (waiting->signals->len, ==, 0);
  g_assert_cmpuint (caller->signals->len, ==, 1);
  g_assert_cmpstr (heard (caller, 0)->call_id, ==, CALL_2);
  send_signal (f, DAO_SIGNAL_ICE, &f->bob, CALL_2);
  g_assert_cmpuint (caller->signals->len, ==, 1);
  /* Our call gives way: what came for the other is handed over then, but not from inside bind. */
  dao_account_slot_bind (caller->slot, "bob", CALL_2);
  g_assert_cmpuint (caller->signals->len, ==, 1);
  standin_wait_until (caller->signals->len == 3);
  g_assert_cmpint (heard (caller, 2)->type, ==, DAO_SIGNAL_ICE);
  /* The abandoned call is over. */
  send_signal (f, DAO_SIGNAL_ANSWER, &f->bob, CALL_1);
  g_assert_cmpuint (caller->signals->len, ==, 3);
  g_assert_cmpuint (standin_count_frames (f->standin, "call_reject"), ==, 0);
}

static void
test_early_candidates (Fixture * f, gconstpointer data)
{
  g_autoptr (Ear) ear = ear_new (f->account);

  dao_account_slot_set_waiting (ear->slot, TRUE);
  send_signal (f, DAO_SIGNAL_ICE, &f->bob, CALL_1);
  send_signal (f, DAO_SIGNAL_ICE, &f->bob, CALL_1);
  send_signal (f, DAO_SIGNAL_ICE, &f->carol, CALL_1);
  g_assert_cmpuint (ear->signals->len, ==, 0);
  send_signal (f, DAO_SIGNAL_OFFER, &f->bob, CALL_1);
  /* The offer first, and nobody else's. */
  g_assert_cmpuint (ear->signals->len, ==, 3);
  g_assert_cmpint (heard (ear, 0)->type, ==, DAO_SIGNAL_OFFER);
  g_assert_cmpint (heard (ear, 1)->type, ==, DAO_SIGNAL_ICE);
  g_assert_cmpint (heard (ear, 2)->type, ==, DAO_SIGNAL_ICE);
  g_assert_cmpstr (heard (ear, 2)->from, ==, "bob");
}

static void
test_early_candidates_expire (Fixture * f, gconstpointer data)
{
  g_autoptr (Ear) ear = ear_new (f->account);

  dao_account_slot_set_waiting (ear->slot, TRUE);
  send_signal (f, DAO_SIGNAL_ICE, &f->bob, CALL_1);
  f->now_ms += DAO_EARLY_ICE_MEMORY_MS + 1;
  send_signal (f, DAO_SIGNAL_OFFER, &f->bob, CALL_1);
  g_assert_cmpuint (ear->signals->len, ==, 1);
}

static void
test_early_candidate_caps (void)
{
  DaoEarlyIce *early = dao_early_ice_new ();
  GPtrArray *signals;
  guint i;

  for (i = 0; i < DAO_EARLY_ICE_MAX_CANDIDATES + 5; i++)
    g_assert_cmpint (dao_early_ice_push (early,
            dao_signal_new (DAO_SIGNAL_ICE, "bob", "alice", CALL_1), 0), ==,
        i < DAO_EARLY_ICE_MAX_CANDIDATES);
  for (i = 0; i < DAO_EARLY_ICE_MAX_CALLS_PER_PEER + 3; i++) {
    g_autofree gchar *id = g_strdup_printf ("call-%u", i);

    g_assert_cmpint (dao_early_ice_push (early,
            dao_signal_new (DAO_SIGNAL_ICE, "bob", "alice", id), 0), ==,
        i < DAO_EARLY_ICE_MAX_CALLS_PER_PEER - 1);
  }
  /* Another peer is not touched by that. */
  g_assert_true (dao_early_ice_push (early,
          dao_signal_new (DAO_SIGNAL_ICE, "carol", "alice", CALL_1), 0));
  signals = dao_early_ice_take (early, "bob", CALL_1, 0);
  g_assert_cmpuint (signals->len, ==, DAO_EARLY_ICE_MAX_CANDIDATES);
  g_ptr_array_unref (signals);
  g_assert_null (dao_early_ice_take (early, "bob", CALL_1, 0));
  dao_early_ice_free (early);
}

/* A hangup that overtook its offer: the late offer must not ring, its candidates are forgotten. */
static void
test_hangup_before_offer (Fixture * f, gconstpointer data)
{
  g_autoptr (Ear) ear = ear_new (f->account);

  dao_account_slot_set_waiting (ear->slot, TRUE);
  send_signal (f, DAO_SIGNAL_ICE, &f->bob, CALL_1);
  send_signal (f, DAO_SIGNAL_HANGUP, &f->bob, CALL_1);
  send_signal (f, DAO_SIGNAL_OFFER, &f->bob, CALL_1);
  g_assert_cmpuint (ear->signals->len, ==, 0);
  g_assert_cmpuint (standin_count_frames (f->standin, "call_reject"), ==, 0);
  /* Another peer's call of the same name is another call. */
  send_signal (f, DAO_SIGNAL_OFFER, &f->carol, CALL_1);
  g_assert_cmpuint (ear->signals->len, ==, 1);
}

static void
test_guard_peer_and_call_id_must_match (Fixture * f, gconstpointer data)
{
  g_autoptr (Ear) ear = ear_new (f->account);

  dao_account_slot_bind (ear->slot, "bob", CALL_1);
  send_signal (f, DAO_SIGNAL_HANGUP, &f->carol, CALL_1);
  send_signal (f, DAO_SIGNAL_ANSWER, &f->carol, CALL_1);
  send_signal (f, DAO_SIGNAL_ANSWER, &f->bob, CALL_2);
  send_signal (f, DAO_SIGNAL_HANGUP, &f->bob, CALL_2);
  g_assert_cmpuint (ear->signals->len, ==, 0);
  g_assert_cmpuint (dao_account_get_unrouted (f->account), ==, 4);
}

static void
test_invite (Fixture * f, gconstpointer data)
{
  g_autoptr (Ear) ear = ear_new (f->account);

  dao_account_slot_set_waiting (ear->slot, TRUE);
  send_signal (f, DAO_SIGNAL_INVITE, &f->bob, CALL_1);
  g_assert_cmpuint (ear->signals->len, ==, 1);
  /* It takes no place: the offer, or another peer's, is welcome. */
  send_signal (f, DAO_SIGNAL_OFFER, &f->bob, CALL_1);
  g_assert_cmpuint (ear->signals->len, ==, 2);
  send_signal (f, DAO_SIGNAL_INVITE, &f->carol, CALL_2);
  g_assert_cmpuint (ear->signals->len, ==, 2);
}

static void
test_released_inside_the_callback (Fixture * f, gconstpointer data)
{
  g_autoptr (Ear) ear = ear_new (f->account);

  ear->hang_up = TRUE;
  dao_account_slot_set_waiting (ear->slot, TRUE);
  send_signal (f, DAO_SIGNAL_ICE, &f->bob, CALL_1);
  send_signal (f, DAO_SIGNAL_OFFER, &f->bob, CALL_1);
  g_assert_cmpuint (ear->signals->len, ==, 1);
  send_signal (f, DAO_SIGNAL_ICE, &f->bob, CALL_1);
  g_assert_cmpuint (ear->signals->len, ==, 1);
}

static void
test_closed_inside_the_callback (Fixture * f, gconstpointer data)
{
  g_autoptr (Ear) ear = ear_new (f->account);
  g_autoptr (DaoSignal) offer = make_signal (DAO_SIGNAL_OFFER, &f->bob, CALL_1);
  g_autofree gchar *frame = seal (f, &f->bob, offer);

  ear->close = TRUE;
  dao_account_slot_set_waiting (ear->slot, TRUE);
  standin_push (f->standin, "alice", frame);
  standin_wait_until (ear->signals->len == 1);
  f->account = NULL;
  g_assert_true (dao_relay_drain (5000));
}

/* --- who may be heard at all --- */

static void
test_guard_unknown_contact (Fixture * f, gconstpointer data)
{
  g_autoptr (Ear) ear = ear_new (f->account);
  Person mallory = { NULL, NULL };

  make_person (f, &mallory, "mallory");
  dao_account_slot_set_waiting (ear->slot, TRUE);
  send_signal (f, DAO_SIGNAL_OFFER, &mallory, CALL_1);
  g_assert_cmpuint (ear->signals->len, ==, 0);
  g_assert_cmpuint (dao_account_get_dropped (f->account,
          DAO_ENVELOPE_ERROR_UNKNOWN_PEER), ==, 1);
  g_assert_cmpuint (standin_count_frames (f->standin, "call_reject"), ==, 0);
  person_clear (&mallory);
}

/* The envelope opens nothing of a stranger; what it would open is not handed on either. */
static void
test_guard_stranger_is_not_routed (Fixture * f, gconstpointer data)
{
  g_autoptr (Ear) ear = ear_new (f->account);
  g_autoptr (DaoSignal) offer = dao_signal_new (DAO_SIGNAL_OFFER, "mallory",
      "alice", CALL_1);

  offer->sdp = g_strdup ("v=0\r\n");
  dao_account_slot_set_waiting (ear->slot, TRUE);
  dao_account_route (f->account, offer);
  g_assert_cmpuint (ear->signals->len, ==, 0);
  g_assert_cmpuint (dao_account_get_unrouted (f->account), ==, 1);
}

/* The relay's friends list alone makes nobody a contact who may call. */
static void
test_guard_friend_of_the_relay_only (Fixture * f, gconstpointer data)
{
  g_autoptr (Ear) ear = ear_new (f->account);
  Person mallory = { NULL, NULL };
  const DaoContact *contact;

  make_person (f, &mallory, "mallory");
  standin_befriend (f->standin, "mallory", "alice", "conv-mallory");
  standin_push (f->standin, "alice", "{\"type\":\"friend_accepted\"}");
  standin_wait_until (dao_contacts_lookup (dao_account_get_contacts
          (f->account), "mallory") != NULL);
  contact = dao_contacts_lookup (dao_account_get_contacts (f->account),
      "mallory");
  g_assert_false (contact->pinned);
  dao_account_slot_set_waiting (ear->slot, TRUE);
  send_signal (f, DAO_SIGNAL_OFFER, &mallory, CALL_1);
  g_assert_cmpuint (ear->signals->len, ==, 0);
  person_clear (&mallory);
}

static void
test_guard_wrong_from (Fixture * f, gconstpointer data)
{
  g_autoptr (Ear) ear = ear_new (f->account);
  g_autoptr (DaoSignal) offer = make_signal (DAO_SIGNAL_OFFER, &f->bob, CALL_1);
  g_autofree gchar *frame = seal (f, &f->bob, offer);
  g_auto (GStrv) parts = g_strsplit (frame, "\"bob\"", 2);
  g_autofree gchar *relabelled = g_strjoinv ("\"carol\"", parts);

  dao_account_slot_set_waiting (ear->slot, TRUE);
  g_assert_cmpstr (frame, !=, relabelled);
  push (f, relabelled);
  g_assert_cmpuint (ear->signals->len, ==, 0);
  g_assert_cmpuint (dao_account_get_dropped (f->account,
          DAO_ENVELOPE_ERROR_DECRYPT), ==, 1);
}

static void
test_guard_replayed_frame (Fixture * f, gconstpointer data)
{
  g_autoptr (Ear) ear = ear_new (f->account);
  g_autoptr (DaoSignal) offer = make_signal (DAO_SIGNAL_OFFER, &f->bob, CALL_1);
  g_autofree gchar *frame = seal (f, &f->bob, offer);

  dao_account_slot_set_waiting (ear->slot, TRUE);
  push (f, frame);
  push (f, frame);
  g_assert_cmpuint (ear->signals->len, ==, 1);
  g_assert_cmpuint (dao_account_get_dropped (f->account,
          DAO_ENVELOPE_ERROR_REPLAY), ==, 1);
}

static void
test_guard_changed_contact_cannot_be_called (Fixture * f, gconstpointer data)
{
  g_autoptr (DaoSignal) offer = dao_signal_new (DAO_SIGNAL_OFFER, "alice",
      "bob", CALL_1);
  g_autoptr (DaoSignal) hangup = dao_signal_new (DAO_SIGNAL_HANGUP, "alice",
      "bob", CALL_1);
  g_autoptr (GError) error = NULL;

  offer->sdp = g_strdup ("v=0\r\n");
  g_assert_true (dao_account_send (f->account, offer, &error));
  standin_set_key (f->standin, "bob", "x25519_public_key",
      dao_identity_get_x25519_public (f->carol.identity));
  standin_set_key (f->standin, "bob", "ed25519_public_key",
      dao_identity_get_x25519_public (f->carol.identity));
  standin_push (f->standin, "alice", "{\"type\":\"friend_accepted\"}");
  standin_wait_until (dao_contacts_lookup (dao_account_get_contacts
          (f->account), "bob")->trust == DAO_TRUST_CHANGED);
  g_assert_false (dao_account_send (f->account, offer, &error));
  g_assert_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_CHANGED);
  /* A call that was on is still hung up, sealed for the pinned key. */
  g_clear_error (&error);
  g_assert_true (dao_account_send (f->account, hangup, &error));
}

static void
test_send_errors (Fixture * f, gconstpointer data)
{
  g_autoptr (DaoSignal) stranger = dao_signal_new (DAO_SIGNAL_HANGUP, "alice",
      "nobody", CALL_1);
  g_autoptr (DaoSignal) self = dao_signal_new (DAO_SIGNAL_OFFER, "alice",
      "alice", CALL_1);
  g_autoptr (DaoSignal) offline = dao_signal_new (DAO_SIGNAL_HANGUP, "alice",
      "bob", CALL_1);
  g_autoptr (GError) error = NULL;

  g_assert_false (dao_account_send (f->account, stranger, &error));
  g_assert_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_UNKNOWN);
  g_clear_error (&error);
  g_assert_false (dao_account_send (f->account, self, &error));
  g_assert_error (error, DAO_CONTACTS_ERROR, DAO_CONTACTS_ERROR_SELF);
  g_clear_error (&error);
  dao_relay_client_disconnect (dao_account_get_client (f->account));
  g_assert_false (dao_account_send (f->account, offline, &error));
  g_assert_error (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_OFFLINE);
}

/* --- calls that are over --- */

static void
test_guard_ended_call_is_not_revived (Fixture * f, gconstpointer data)
{
  g_autoptr (Ear) ear = ear_new (f->account);

  dao_account_slot_set_waiting (ear->slot, TRUE);
  send_signal (f, DAO_SIGNAL_OFFER, &f->bob, CALL_1);
  dao_account_slot_set_waiting (ear->slot, TRUE);
  /* A new, validly signed offer of the call that is over. */
  send_signal (f, DAO_SIGNAL_OFFER, &f->bob, CALL_1);
  g_assert_cmpuint (ear->signals->len, ==, 1);
  /* One of ours that is over cannot be called back by either. */
  dao_account_slot_bind (ear->slot, "carol", CALL_2);
  dao_account_slot_set_waiting (ear->slot, TRUE);
  send_signal (f, DAO_SIGNAL_OFFER, &f->carol, CALL_2);
  g_assert_cmpuint (ear->signals->len, ==, 1);
  g_assert_cmpuint (standin_count_frames (f->standin, "call_reject"), ==, 0);
  send_signal (f, DAO_SIGNAL_OFFER, &f->bob, CALL_3);
  g_assert_cmpuint (ear->signals->len, ==, 2);
}

static void
test_guard_ended_call_is_not_revived_after_restart (Fixture * f,
    gconstpointer data)
{
  g_autoptr (DaoSignal) offer = make_signal (DAO_SIGNAL_OFFER, &f->bob, CALL_1);
  g_autofree gchar *frame = seal (f, &f->bob, offer);
  g_autoptr (Ear) ear = ear_new (f->account);
  g_autofree gchar *journal = g_build_filename (f->dir, "alice.journal.json",
      NULL);
  GStatBuf st;

  dao_account_slot_set_waiting (ear->slot, TRUE);
  push (f, frame);
  g_assert_cmpuint (ear->signals->len, ==, 1);
  g_clear_pointer (&ear, ear_free);
  close_account (f);
  g_assert_cmpint (g_stat (journal, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 0777, ==, 0600);

  /* The replay guard is a new one, the signature is still good; only the journal knows. */
  open_account (f);
  ear = ear_new (f->account);
  dao_account_slot_set_waiting (ear->slot, TRUE);
  push (f, frame);
  g_assert_cmpuint (ear->signals->len, ==, 0);
  g_assert_cmpuint (dao_account_get_unrouted (f->account), ==, 1);
}

static void
test_journal_forgets (Fixture * f, gconstpointer data)
{
  g_autofree gchar *path = g_build_filename (f->dir, "j.json", NULL);
  g_autoptr (DaoJournal) journal = dao_journal_load (path, 1000, NULL);
  g_autoptr (DaoJournal) again = NULL;

  dao_journal_add (journal, "bob", CALL_1, "nonce", 1000);
  g_assert_true (dao_journal_knows (journal, "bob", CALL_1,
          1000 + DAO_JOURNAL_MEMORY_MS));
  g_assert_true (dao_journal_knows_nonce (journal, "bob", "nonce", 1000));
  g_assert_false (dao_journal_knows_nonce (journal, "carol", "nonce", 1000));
  g_assert_false (dao_journal_knows (journal, "carol", CALL_1, 1000));
  g_assert_false (dao_journal_knows (journal, "bob", CALL_1,
          1001 + DAO_JOURNAL_MEMORY_MS));
  again = dao_journal_load (path, 2000, NULL);
  g_assert_true (dao_journal_knows_nonce (again, "bob", "nonce", 2000));
}

static void
test_journal_caps (void)
{
  g_autoptr (DaoJournal) journal = dao_journal_load (NULL, 0, NULL);
  guint i;

  dao_journal_add (journal, "carol", CALL_1, NULL, 0);
  for (i = 0; i < DAO_JOURNAL_MAX_PER_PEER + 1; i++) {
    g_autofree gchar *id = g_strdup_printf ("call-%u", i);

    dao_journal_add (journal, "bob", id, NULL, i);
  }
  g_assert_false (dao_journal_knows (journal, "bob", "call-0", 300));
  g_assert_true (dao_journal_knows (journal, "bob", "call-1", 300));
  g_assert_true (dao_journal_knows (journal, "carol", CALL_1, 300));
}

static void
test_guard_damaged_journal (Fixture * f, gconstpointer data)
{
  static const gchar *bad[] = { "", "{", "[]", "{\"version\":2,\"calls\":[]}",
    "{\"version\":1,\"calls\":[{\"peer\":1}]}", "{\"version\":1}"
  };
  g_autofree gchar *path = g_build_filename (f->dir, "j.json", NULL);
  g_autoptr (GError) error = NULL;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_file_set_contents_full (path, bad[i], -1, G_FILE_SET_CONTENTS_NONE, 0600,
        NULL);
    g_assert_null (dao_journal_load (path, 0, &error));
    g_assert_nonnull (error);
    g_clear_error (&error);
  }
  g_file_set_contents_full (path, "{\"version\":1,\"calls\":[]}", -1,
      G_FILE_SET_CONTENTS_NONE, 0644, NULL);
  g_chmod (path, 0644);
  g_assert_null (dao_journal_load (path, 0, &error));
  g_assert_nonnull (error);
}

/* --- one account --- */

static void
test_same_object (Fixture * f, gconstpointer data)
{
  g_autofree gchar *other_name = g_build_filename (f->dir, ".", "alice.json",
      NULL);
  g_autoptr (GError) error = NULL;
  DaoAccount *again = dao_account_open (other_name, f->standin->url, &error);

  g_assert_no_error (error);
  g_assert_true (again == f->account);
  g_assert_null (dao_account_open (f->alice.path, "https://other.example",
          &error));
  g_assert_error (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_URL);
  dao_account_close (again);
  standin_settle ();
  g_assert_true (dao_account_is_online (f->account));
  g_assert_cmpuint (f->standin->n_opened, ==, 1);
}

static gpointer
open_in_thread (gpointer data)
{
  GMainContext *context = g_main_context_new ();
  GError *error = NULL;

  g_main_context_push_thread_default (context);
  g_assert_null (dao_account_open (data, NULL, &error));
  g_main_context_pop_thread_default (context);
  g_main_context_unref (context);
  return error;
}

static void
test_other_thread_is_refused (Fixture * f, gconstpointer data)
{
  GThread *thread = g_thread_new ("other", open_in_thread, f->alice.path);
  g_autoptr (GError) error = g_thread_join (thread);

  g_assert_error (error, DAO_IDENTITY_ERROR, DAO_IDENTITY_ERROR_IN_USE);
}

/* A lock of another process; a child is one. */
static void
test_guard_lock_in_use (Fixture * f, gconstpointer data)
{
  int ready[2], done[2], status;
  g_autoptr (GError) error = NULL;
  gchar byte = 0;
  pid_t child;

  g_assert_cmpint (pipe (ready), ==, 0);
  g_assert_cmpint (pipe (done), ==, 0);
  child = fork ();
  if (child == 0) {
    int fd = dao_identity_lock (f->alice.path, NULL);

    /* So that it ends when the test does, however that comes. */
    close (done[1]);
    if (write (ready[1], fd >= 0 ? "y" : "n", 1) == 1)
      while (read (done[0], &byte, 1) < 0 && errno == EINTR);
    _exit (0);
  }
  g_assert_cmpint (read (ready[0], &byte, 1), ==, 1);
  g_assert_cmpint (byte, ==, 'y');
  g_assert_null (dao_account_open (f->alice.path, NULL, &error));
  g_assert_error (error, DAO_IDENTITY_ERROR, DAO_IDENTITY_ERROR_IN_USE);
  g_assert_cmpint (write (done[1], "x", 1), ==, 1);
  waitpid (child, &status, 0);
  close (ready[0]);
  close (ready[1]);
  close (done[0]);
  close (done[1]);
  open_account (f);
}

static void
test_open_errors (Fixture * f, gconstpointer data)
{
  g_autofree gchar *missing = g_build_filename (f->dir, "nobody.json", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (dao_account_open (missing, NULL, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  g_assert_null (dao_account_open (f->alice.path, "http://relay.example",
          &error));
  g_assert_error (error, DAO_RELAY_ERROR, DAO_RELAY_ERROR_URL);
  /* Nothing was left locked. */
  open_account (f);
}

static void
test_connection_news (Fixture * f, gconstpointer data)
{
  g_autoptr (Ear) ear = ear_new (f->account);
  DaoAccount *again;

  standin_close_socket (f->standin, "alice");
  standin_wait_until (ear->online == 1);
  g_assert_cmpuint (ear->offline, ==, 1);
  standin_push (f->standin, "alice",
      "{\"type\":\"goaway\",\"reason\":\"banned\"}");
  standin_wait_until (ear->failed == 1);
  g_assert_error (ear->why, DAO_RELAY_ERROR, DAO_RELAY_ERROR_GOAWAY);
  g_assert_false (dao_account_is_online (f->account));
  /* Opened again it tries again. */
  again = dao_account_open (f->alice.path, NULL, NULL);
  standin_wait_until (ear->online == 2);
  dao_account_close (again);
}

/* Without a friends list the pinned contacts still work. */
static void
test_friends_list_fails (Fixture * f, gconstpointer data)
{
  standin_override (f->standin, "GET /api/v1/friends", 1, 500, NULL);
  open_account (f);
  g_assert_true (dao_account_is_online (f->account));
}

static void
test_friends_list_noise (Fixture * f, gconstpointer data)
{
  static const gchar *bad[] = { "null", "{}", "[1,null,[],{}]",
    "[{\"alias_id\":\"../x\",\"status\":\"accepted\",\"ed25519_public_key\":"
        "\"AAAA\",\"x25519_public_key\":\"AAAA\"}]"
  };
  guint i, before = 0;

  for (i = 0; i < G_N_ELEMENTS (bad); i++) {
    standin_override (f->standin, "GET /api/v1/friends", 1, 200, bad[i]);
    before = standin_count (f->standin, "GET /api/v1/friends");
    standin_push (f->standin, "alice", "{\"type\":\"friend_accepted\"}");
    standin_wait_until (standin_count (f->standin, "GET /api/v1/friends") >
        before && !f->account->refreshing);
  }
  g_assert_true (dao_account_is_online (f->account));
}

/* The account was made on a phone: login finds the other key, and session keys follow. */
static void
test_x25519_selected_at_login (Fixture * f, gconstpointer data)
{
  g_autoptr (DaoIdentity) saved = NULL;
  g_autoptr (GError) error = NULL;
  guint8 before[32], other[32];
  const DaoContact *contact;
  gchar *text = NULL, *digit;

  memcpy (before, dao_identity_get_x25519_public (f->alice.identity), 32);
  /* The file with the other index: what a phone would have. */
  g_assert_true (g_file_get_contents (f->alice.path, &text, NULL, NULL));
  digit = strstr (text, "\"x25519_index\":");
  g_assert_nonnull (digit);
  digit = strpbrk (digit + strlen ("\"x25519_index\":"), "01");
  g_assert_cmpint (*digit, ==, '1');
  *digit = '0';
  g_assert_true (g_file_set_contents_full (f->alice.path, text, -1,
          G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  g_free (text);
  saved = dao_identity_load (f->alice.path, &error);
  g_assert_no_error (error);
  memcpy (other, dao_identity_get_x25519_public (saved), 32);
  g_assert_cmpint (memcmp (before, other, 32), !=, 0);

  open_account (f);
  g_assert_cmpmem (dao_identity_get_x25519_public (dao_account_get_identity
          (f->account)), 32, before, 32);
  contact = dao_contacts_get_callable (dao_account_get_contacts (f->account),
      "bob", DAO_TRUST_UNVERIFIED, &error);
  g_assert_no_error (error);
  g_assert_true (contact->pinned);
  {
    g_autoptr (Ear) ear = ear_new (f->account);

    dao_account_slot_set_waiting (ear->slot, TRUE);
    send_signal (f, DAO_SIGNAL_OFFER, &f->bob, CALL_1);
    g_assert_cmpuint (ear->signals->len, ==, 1);
  }
}

/* The relay tells alice another alias when she logs in, in the middle of a connection. */
static void
rename_alice (Fixture * f, const gchar * alias)
{
  g_autofree gchar *ed25519 = dao_base64_encode (dao_identity_get_ed25519_public
      (f->alice.identity), 32);
  g_autofree gchar *x25519 = dao_base64_encode (dao_identity_get_x25519_public
      (f->alice.identity), 32);
  g_autofree gchar *user = g_strdup_printf ("{\"alias_id\":\"%s\","
      "\"ed25519_public_key\":\"%s\",\"x25519_public_key\":\"%s\"}",
      alias, ed25519, x25519);
  guint logins = standin_count (f->standin, "POST /api/v1/auth/verify");

  standin_override (f->standin, "GET /api/v1/users/alice", 1, 200, user);
  standin_revoke_tokens (f->standin);
  standin_push (f->standin, "alice", "{\"type\":\"friend_accepted\"}");
  standin_wait_until (standin_count (f->standin, "POST /api/v1/auth/verify") >
      logins && !f->account->refreshing);
  g_assert_cmpuint (f->standin->n_opened, ==, 1);
}

static void
test_renamed_while_connected (Fixture * f, gconstpointer data)
{
  g_autoptr (DaoIdentity) saved = NULL;

  rename_alice (f, "alicia");
  g_assert_cmpstr (dao_account_get_alias (f->account), ==, "alicia");
  saved = dao_identity_load (f->alice.path, NULL);
  g_assert_cmpstr (dao_identity_get_alias (saved), ==, "alicia");
}

/* With a contact's alias as our own the file of contacts would be refused for ever. */
static void
test_guard_renamed_as_a_contact (Fixture * f, gconstpointer data)
{
  rename_alice (f, "bob");
  g_assert_cmpstr (dao_account_get_alias (f->account), ==, "alice");
}

/* --- two accounts in one process --- */

static void
test_two_accounts (Fixture * f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Ear) alice = ear_new (f->account);
  g_autoptr (Ear) bob = NULL;
  g_autoptr (DaoSignal) offer = dao_signal_new (DAO_SIGNAL_OFFER, "bob",
      "alice", CALL_1);
  g_autoptr (DaoSignal) answer = dao_signal_new (DAO_SIGNAL_ANSWER, "alice",
      "bob", CALL_1);
  DaoAccount *account;

  pin (&f->bob, &f->alice);
  account = dao_account_open (f->bob.path, NULL, &error);
  g_assert_no_error (error);
  dao_account_set_clock (account, test_clock, f);
  standin_wait_until (dao_account_is_online (account));
  bob = ear_new (account);
  dao_account_slot_bind (bob->slot, "alice", CALL_1);
  dao_account_slot_set_waiting (alice->slot, TRUE);
  offer->sdp = g_strdup ("v=0\r\n");
  g_assert_true (dao_account_send (account, offer, &error));
  standin_wait_until (alice->signals->len == 1);
  answer->sdp = g_strdup ("v=0\r\n");
  g_assert_true (dao_account_send (f->account, answer, &error));
  standin_wait_until (bob->signals->len == 1);
  g_assert_cmpint (heard (bob, 0)->type, ==, DAO_SIGNAL_ANSWER);
  g_clear_pointer (&bob, ear_free);
  dao_account_close (account);
}

#define ADD(name, func) \
  g_test_add ("/account/" name, Fixture, NULL, set_up, func, tear_down)
#define ADD_CLOSED(name, func) \
  g_test_add ("/account/" name, Fixture, NULL, set_up_people, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("longest-waiting", test_longest_waiting);
  ADD ("busy", test_busy);
  ADD ("nobody-waits", test_nobody_waits);
  ADD ("glare", test_glare);
  ADD ("early-candidates", test_early_candidates);
  ADD ("early-candidates-expire", test_early_candidates_expire);
  g_test_add_func ("/account/early-candidate-caps", test_early_candidate_caps);
  ADD ("hangup-before-offer", test_hangup_before_offer);
  ADD ("guard-peer-and-call-id-must-match",
      test_guard_peer_and_call_id_must_match);
  ADD ("invite", test_invite);
  ADD ("released-inside-the-callback", test_released_inside_the_callback);
  ADD ("closed-inside-the-callback", test_closed_inside_the_callback);
  ADD ("guard-unknown-contact", test_guard_unknown_contact);
  ADD ("guard-stranger-is-not-routed", test_guard_stranger_is_not_routed);
  ADD ("guard-friend-of-the-relay-only", test_guard_friend_of_the_relay_only);
  ADD ("guard-wrong-from", test_guard_wrong_from);
  ADD ("guard-replayed-frame", test_guard_replayed_frame);
  ADD ("guard-changed-contact-cannot-be-called",
      test_guard_changed_contact_cannot_be_called);
  ADD ("send-errors", test_send_errors);
  ADD ("guard-ended-call-is-not-revived", test_guard_ended_call_is_not_revived);
  ADD ("guard-ended-call-is-not-revived-after-restart",
      test_guard_ended_call_is_not_revived_after_restart);
  ADD_CLOSED ("journal-forgets", test_journal_forgets);
  g_test_add_func ("/account/journal-caps", test_journal_caps);
  ADD_CLOSED ("guard-damaged-journal", test_guard_damaged_journal);
  ADD ("same-object", test_same_object);
  ADD ("other-thread-is-refused", test_other_thread_is_refused);
  ADD_CLOSED ("guard-lock-in-use", test_guard_lock_in_use);
  ADD_CLOSED ("open-errors", test_open_errors);
  ADD ("connection-news", test_connection_news);
  ADD_CLOSED ("friends-list-fails", test_friends_list_fails);
  ADD ("friends-list-noise", test_friends_list_noise);
  ADD_CLOSED ("x25519-selected-at-login", test_x25519_selected_at_login);
  ADD ("renamed-while-connected", test_renamed_while_connected);
  ADD ("guard-renamed-as-a-contact", test_guard_renamed_as_a_contact);
  ADD ("two-accounts", test_two_accounts);
  return g_test_run ();
}
