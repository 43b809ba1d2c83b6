/* gst-dao: somebody with keys of his own whom the relay puts between Alice and Bob
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "impostor.h"
#include "dao-json.h"
#include "daosdp-text.h"

#include <string.h>

/* Him as one of the two sees him: with the name of the other */
typedef struct
{
  Impostor *impostor;
  const gchar *from, *to;       /* whose frames he gets, and for whom */
  DaoContacts *contacts;        /* of his: both */
  DaoReplayGuard *guard;
  KeySwap *swap;
} Side;

struct _Impostor
{
  Stage *s;
  DaoIdentity *identity;
  Side side[2];                 /* by the account whose frames he gets */
  gint read, made_up;           /* atomic */
};

static DaoIdentity *
someone (void)
{
  gchar *phrase = dao_identity_generate_mnemonic ();
  DaoIdentity *identity = dao_identity_new_from_mnemonic (phrase, NULL);

  dao_identity_free_mnemonic (phrase);
  return identity;
}

/* Both as they know themselves, with the conversation that their files name */
static DaoContacts *
know_both (Impostor * impostor)
{
  DaoContacts *contacts = dao_contacts_load (NULL, impostor->identity, NULL);
  guint i;

  for (i = 0; i < 2; i++) {
    DaoContacts *theirs = load_contacts (impostor->s, !i);
    const DaoContact *c = dao_contacts_lookup (theirs, stage_name_of (impostor->s, i));
    GError *error = NULL;

    dao_contacts_pin (contacts, c->alias, NULL, c->ed25519_public,
        c->x25519_public, c->conversation_id, &error);
    g_assert_no_error (error);
    dao_contacts_free (theirs);
  }
  return contacts;
}

Impostor *
impostor_new (Stage * s)
{
  Impostor *impostor = g_new0 (Impostor, 1);
  guint i;

  impostor->s = s;
  impostor->identity = someone ();
  for (i = 0; i < 2; i++) {
    Side *side = &impostor->side[i];

    side->impostor = impostor;
    side->from = stage_name_of (s, i);
    side->to = stage_name_of (s, !i);
    side->contacts = know_both (impostor);
    side->guard = dao_replay_guard_new ();
    side->swap = swap_to_identity (side->to, impostor->identity);
  }
  return impostor;
}

/* After the stage: its relay uses what is here. */
void
impostor_free (Impostor * impostor)
{
  guint i;

  for (i = 0; i < 2; i++) {
    dao_contacts_free (impostor->side[i].contacts);
    dao_replay_guard_free (impostor->side[i].guard);
    swap_free (impostor->side[i].swap);
  }
  dao_identity_unref (impostor->identity);
  g_free (impostor);
}

/* --- frames --- */

/* Of the type and the call that the outside names, with what an attacker would like to say */
static json_t *
make_up (const Side * side, const gchar * frame)
{
  json_t *outer = json_loads (frame, 0, NULL);
  const gchar *type = dao_json_get_string (outer, "type");
  json_t *inner = json_pack ("{s:s, s:s, s:s, s:s}", "type", type, "from",
      side->from, "to", side->to, "call_id",
      dao_json_get_string (outer, "call_id"));

  if (g_str_equal (type, "call_offer") || g_str_equal (type, "call_answer"))
    json_object_set_new (inner, "sdp", json_string (chromium_offer));
  if (g_str_equal (type, "call_ice"))
    json_object_set_new (inner, "candidate",
        json_string ("candidate:1 1 UDP 2122260223 127.0.0.1 9 typ host"));
  json_decref (outer);
  return inner;
}

static gchar *
seal_anew (const gchar * frame, gpointer user_data)
{
  Side *side = user_data;
  gint64 now_ms = g_get_real_time () / 1000;
  json_t *inner = dao_envelope_verify (frame, strlen (frame), side->to,
      side->contacts, side->guard, now_ms, NULL);
  GError *error = NULL;
  gchar *sealed;

  g_atomic_int_inc (inner ? &side->impostor->read : &side->impostor->made_up);
  if (!inner)
    inner = make_up (side, frame);
  json_object_del (inner, "_ts");
  json_object_del (inner, "_nonce");
  json_object_del (inner, "_sig");
  sealed = dao_envelope_seal (inner, side->to,
      dao_identity_get_ed25519_secret (side->impostor->identity),
      dao_contacts_lookup (side->contacts, side->to)->session_key, now_ms,
      NULL, NULL, &error);
  g_assert_no_error (error);
  json_decref (inner);
  return sealed;
}

/* --- what he does --- */

void
impostor_show_keys (Impostor * impostor, guint to)
{
  lie_about_friends (impostor->s, to, impostor->side[to].swap);
}

void
impostor_take_over (Impostor * impostor, guint from, const gchar * what)
{
  stage_tell (impostor->s, (Lie) {
      LIE_REWRITE, what, stage_name_of (impostor->s, from), .rewrite =
      seal_anew, .user_data = &impostor->side[from]});
}

guint
impostor_read (Impostor * impostor)
{
  return g_atomic_int_get (&impostor->read);
}

guint
impostor_made_up (Impostor * impostor)
{
  return g_atomic_int_get (&impostor->made_up);
}
