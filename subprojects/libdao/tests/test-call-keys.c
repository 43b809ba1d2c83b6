/* gst-dao: tests of the key agreement of a call
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Values are proved by the vectors (v1_key_schedule); here is the behaviour.
 */
#include "dao-call-keys.h"

#include <sodium.h>
#include <string.h>

typedef struct
{
  guint8 caller_ed[32];
  guint8 callee_ed[32];
  guint8 session_key[32];
  DaoCallTranscript transcript;
} Call;

static void
call_init (Call * call)
{
  randombytes_buf (call->caller_ed, 32);
  randombytes_buf (call->callee_ed, 32);
  randombytes_buf (call->session_key, 32);
  call->transcript.call_id = "76886726-0999-41aa-adde-19b38a01f57a";
  call->transcript.caller_alias = "u10000001";
  call->transcript.callee_alias = "u10000002";
  call->transcript.caller_ed25519 = call->caller_ed;
  call->transcript.callee_ed25519 = call->callee_ed;
  call->transcript.session_key = call->session_key;
}

/* Agrees both ends, each by its own idea of the transcript. */
static void
agree_both (const DaoCallTranscript * a, const DaoCallTranscript * b,
    DaoCallKeys ** caller, DaoCallKeys ** callee)
{
  g_autoptr (GError) error = NULL;
  guint8 public[32];

  *caller = dao_call_keys_new (DAO_ROLE_CALLER);
  *callee = dao_call_keys_new (DAO_ROLE_CALLEE);
  memcpy (public, dao_call_keys_get_public (*caller), 32);
  g_assert_true (dao_call_keys_agree (*caller, a,
          dao_call_keys_get_public (*callee), &error));
  g_assert_no_error (error);
  g_assert_true (dao_call_keys_agree (*callee, b, public, &error));
  g_assert_no_error (error);
}

static gboolean
same_secret (DaoCallKeys * a, DaoCallKeys * b)
{
  guint8 secret_a[32], secret_b[32];

  g_assert_true (dao_call_keys_peek_secret (a, secret_a));
  g_assert_true (dao_call_keys_peek_secret (b, secret_b));
  return memcmp (secret_a, secret_b, 32) == 0;
}

static void
test_both_ends (void)
{
  g_autoptr (DaoCallKeys) caller = NULL, callee = NULL;
  Call call;
  guint media;

  call_init (&call);
  agree_both (&call.transcript, &call.transcript, &caller, &callee);
  g_assert_true (same_secret (caller, callee));
  g_assert_true (dao_call_keys_is_agreed (caller));

  for (media = 0; media < 2; media++) {
    guint8 in[5] = "hello", frame[5 + DAO_FRAME_OVERHEAD], out[5];
    DaoCallKeys *ends[2] = { caller, callee };
    guint i;

    for (i = 0; i < 2; i++) {
      g_assert_cmpint (dao_frame_sender_seal (dao_call_keys_get_sender (ends
                  [i], media), FALSE, in, 5, frame, NULL), ==, DAO_FRAME_OK);
      /* not by ourselves: a reflected frame is no frame of the peer */
      g_assert_cmpint (dao_frame_receiver_open (dao_call_keys_get_receiver
              (ends[i], media), 0, frame, sizeof (frame), out), !=,
          DAO_FRAME_OK);
      g_assert_cmpint (dao_frame_receiver_open (dao_call_keys_get_receiver
              (ends[1 - i], media), 0, frame, sizeof (frame), out), ==,
          DAO_FRAME_OK);
      g_assert_cmpmem (out, 5, in, 5);
    }
  }
}

/* Whatever the two ends do not agree on gives them different secrets. */
static void
test_transcript_binds (void)
{
  guint field;

  for (field = 0; field <= 6; field++) {
    g_autoptr (DaoCallKeys) caller = NULL, callee = NULL;
    guint8 other[32];
    DaoCallTranscript changed;
    Call call;

    call_init (&call);
    randombytes_buf (other, 32);
    changed = call.transcript;
    switch (field) {
      case 1:
        changed.call_id = "76886726-0999-41aa-adde-19b38a01f57b";
        break;
      case 2:
        changed.caller_alias = "u10000003";
        break;
      case 3:
        changed.callee_alias = "u10000003";
        break;
      case 4:
        changed.caller_ed25519 = other;
        break;
      case 5:
        changed.callee_ed25519 = other;
        break;
      case 6:
        changed.session_key = other;
        break;
      default:
        break;
    }
    agree_both (&call.transcript, &changed, &caller, &callee);
    g_assert_cmpint (same_secret (caller, callee), ==, field == 0);
  }
}

/* lp() keeps fields apart: "ab" + "c" is not "a" + "bc". */
static void
test_fields_do_not_run_together (void)
{
  g_autoptr (DaoCallKeys) caller = NULL, callee = NULL;
  DaoCallTranscript moved;
  Call call;

  call_init (&call);
  moved = call.transcript;
  call.transcript.caller_alias = "ab";
  call.transcript.callee_alias = "c";
  moved.caller_alias = "a";
  moved.callee_alias = "bc";
  agree_both (&call.transcript, &moved, &caller, &callee);
  g_assert_false (same_secret (caller, callee));
}

static void
test_fresh_each_call (void)
{
  g_autoptr (DaoCallKeys) a = dao_call_keys_new (DAO_ROLE_CALLER);
  g_autoptr (DaoCallKeys) b = dao_call_keys_new (DAO_ROLE_CALLER);

  g_assert_cmpint (memcmp (dao_call_keys_get_public (a),
          dao_call_keys_get_public (b), 32), !=, 0);
}

static void
test_low_order (void)
{
  static const guint8 points[][32] = { {0}, {1} };
  Call call;
  guint i;

  call_init (&call);
  for (i = 0; i < G_N_ELEMENTS (points); i++) {
    g_autoptr (DaoCallKeys) keys = dao_call_keys_new (DAO_ROLE_CALLER);
    g_autoptr (GError) error = NULL;

    g_assert_false (dao_call_keys_agree (keys, &call.transcript, points[i],
            &error));
    g_assert_error (error, DAO_CALL_KEYS_ERROR,
        DAO_CALL_KEYS_ERROR_LOW_ORDER);
    g_assert_false (dao_call_keys_is_agreed (keys));
    g_assert_null (dao_call_keys_get_sender (keys, DAO_MEDIA_AUDIO));
  }
}

/* The first answer fixes the secret. */
static void
test_agree_once (void)
{
  g_autoptr (DaoCallKeys) caller = NULL, callee = NULL;
  g_autoptr (DaoCallKeys) third = dao_call_keys_new (DAO_ROLE_CALLEE);
  g_autoptr (GError) error = NULL;
  DaoFrameSender *sender;
  guint8 before[32], after[32];
  Call call;

  call_init (&call);
  agree_both (&call.transcript, &call.transcript, &caller, &callee);
  sender = dao_call_keys_get_sender (caller, DAO_MEDIA_AUDIO);
  g_assert_true (dao_call_keys_peek_secret (caller, before));
  g_assert_false (dao_call_keys_agree (caller, &call.transcript,
          dao_call_keys_get_public (third), &error));
  g_assert_error (error, DAO_CALL_KEYS_ERROR, DAO_CALL_KEYS_ERROR_USED);
  g_assert_true (dao_call_keys_peek_secret (caller, after));
  g_assert_cmpmem (before, 32, after, 32);
  g_assert_true (dao_call_keys_get_sender (caller, DAO_MEDIA_AUDIO)
      == sender);
}

static void
test_fields_that_do_not_fit (void)
{
  g_autofree gchar *longest = g_strnfill (G_MAXUINT16, 'a');
  g_autofree gchar *too_long = g_strnfill (G_MAXUINT16 + 1, 'a');
  const gchar *bad[] = { NULL, "", too_long };
  g_autoptr (DaoCallKeys) keys = dao_call_keys_new (DAO_ROLE_CALLER);
  g_autoptr (DaoCallKeys) peer = dao_call_keys_new (DAO_ROLE_CALLEE);
  g_autoptr (GError) error = NULL;
  Call call;
  guint i;

  call_init (&call);
  for (i = 0; i < 3 * G_N_ELEMENTS (bad); i++) {
    DaoCallTranscript transcript = call.transcript;
    const gchar **fields[] = { &transcript.call_id, &transcript.caller_alias,
      &transcript.callee_alias
    };

    *fields[i / G_N_ELEMENTS (bad)] = bad[i % G_N_ELEMENTS (bad)];
    g_assert_false (dao_call_keys_agree (keys, &transcript,
            dao_call_keys_get_public (peer), &error));
    g_assert_error (error, DAO_CALL_KEYS_ERROR, DAO_CALL_KEYS_ERROR_FIELD);
    g_clear_error (&error);
  }

  /* nothing was used up by that */
  call.transcript.caller_alias = longest;
  g_assert_true (dao_call_keys_agree (keys, &call.transcript,
          dao_call_keys_get_public (peer), &error));
  g_assert_no_error (error);
}

/* Handles outlive the call's keys: pads may still hold them. */
static void
test_handles_outlive (void)
{
  g_autoptr (DaoCallKeys) callee = NULL;
  DaoCallKeys *caller;
  g_autoptr (DaoFrameSender) sender = NULL;
  guint8 in[1] = { 0 }, frame[1 + DAO_FRAME_OVERHEAD];
  Call call;

  call_init (&call);
  agree_both (&call.transcript, &call.transcript, &caller, &callee);
  sender = g_object_ref (dao_call_keys_get_sender (caller, DAO_MEDIA_VIDEO));
  dao_call_keys_free (caller);
  g_assert_cmpint (dao_frame_sender_seal (sender, FALSE, in, 1, frame, NULL),
      ==, DAO_FRAME_OK);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (sodium_init () < 0)
    return 1;
  g_test_add_func ("/call-keys/both-ends", test_both_ends);
  g_test_add_func ("/call-keys/transcript-binds", test_transcript_binds);
  g_test_add_func ("/call-keys/fields-do-not-run-together",
      test_fields_do_not_run_together);
  g_test_add_func ("/call-keys/fresh-each-call", test_fresh_each_call);
  g_test_add_func ("/call-keys/low-order", test_low_order);
  g_test_add_func ("/call-keys/agree-once", test_agree_once);
  g_test_add_func ("/call-keys/fields-that-do-not-fit",
      test_fields_that_do_not_fit);
  g_test_add_func ("/call-keys/handles-outlive", test_handles_outlive);
  return g_test_run ();
}
