/* gst-dao: offers and answers of one call; walks the table of docs/call-states.md
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * "## negotiation: STATE" starts a table, "| event | what |" is a cell; what a
 * table does not name is refused there and changes nothing.
 *
 * test-negotiation PAGE | --print
 */
#include "../dao/dao-negotiation.h"

#include <string.h>

#define SDP "v=0\r\na=ice-ufrag:one\r\n"
#define SDP_RESTART "v=0\r\na=ice-ufrag:two\r\n"

/* --- states --- */

static void
new_caller (DaoNegotiation * n)
{
  dao_negotiation_init (n, DAO_ROLE_CALLER);
}

static void
new_callee (DaoNegotiation * n)
{
  dao_negotiation_init (n, DAO_ROLE_CALLEE);
  n->ext = TRUE;
}

static void
first_asked (DaoNegotiation * n)
{
  new_caller (n);
  dao_negotiation_first_offer (n);
}

static void
first_sent (DaoNegotiation * n)
{
  gboolean is_offer;

  first_asked (n);
  g_assert_true (dao_negotiation_local_description (n, &is_offer));
  g_assert_true (is_offer);
}

static void
stable_caller (DaoNegotiation * n)
{
  first_sent (n);
  dao_negotiation_remote_answer (n);
  dao_negotiation_remote_description (n, SDP);
  n->ext = TRUE;
}

static void
stable_caller_old (DaoNegotiation * n)
{
  stable_caller (n);
  n->ext = FALSE;
}

static void
again_sent (DaoNegotiation * n)
{
  gboolean is_offer;
  guint wants;

  stable_caller (n);
  g_assert_true (dao_negotiation_request (n, DAO_NEGOTIATION_WANT_LEG));
  g_assert_true (dao_negotiation_next_offer (n, &wants));
  g_assert_true (dao_negotiation_local_description (n, &is_offer));
}

static void
again_abandoned (DaoNegotiation * n)
{
  again_sent (n);
  dao_negotiation_abandon (n);
}

static void
ringing (DaoNegotiation * n)
{
  new_callee (n);
  g_assert_cmpint (dao_negotiation_remote_offer (n, 0, 1, SDP), ==,
      DAO_NEGOTIATION_ACCEPT);
}

static void
answering (DaoNegotiation * n)
{
  ringing (n);
  dao_negotiation_begin_answer (n);
  dao_negotiation_remote_description (n, SDP);
}

static void
stable_callee (DaoNegotiation * n)
{
  gboolean is_offer;

  answering (n);
  g_assert_true (dao_negotiation_local_description (n, &is_offer));
  g_assert_false (is_offer);
}

static void
callee_abandoned (DaoNegotiation * n)
{
  stable_callee (n);
  g_assert_cmpint (dao_negotiation_remote_offer (n, 1, 2, SDP), ==,
      DAO_NEGOTIATION_ACCEPT);
  dao_negotiation_begin_answer (n);
  dao_negotiation_remote_description (n, SDP);
  dao_negotiation_abandon (n);
}

static void
stable_callee_old (DaoNegotiation * n)
{
  stable_callee (n);
  n->ext = FALSE;
}

static void
answering_old (DaoNegotiation * n)
{
  answering (n);
  n->ext = FALSE;
}

static void
restart_waits_old (DaoNegotiation * n)
{
  answering_old (n);
  g_assert_cmpint (dao_negotiation_remote_offer (n, 0, 0, SDP_RESTART), ==,
      DAO_NEGOTIATION_QUEUED);
}

static const struct
{
  const gchar *name;
  void (*enter) (DaoNegotiation * n);
} states[] = {
  {"nothing yet, caller", new_caller},
  {"nothing yet, callee", new_callee},
  {"have-local-offer, first, being made", first_asked},
  {"have-local-offer, first", first_sent},
  {"have-remote-offer, ringing", ringing},
  {"have-remote-offer, being answered", answering},
  {"have-remote-offer, being answered, peer without ext", answering_old},
  {"have-remote-offer, being answered, peer without ext, another offer waits", restart_waits_old},
  {"stable, caller", stable_caller},
  {"stable, caller, peer without ext", stable_caller_old},
  {"stable, callee", stable_callee},
  {"stable, callee, peer without ext", stable_callee_old},
  {"have-local-offer, later, new leg", again_sent},
  {"stable, caller, new leg given up", again_abandoned},
  {"stable, callee, new leg given up", callee_abandoned},
};

/* --- events --- */

static const gchar *const verdicts[] = { "accept", "queued", "stale", "-" };
static const gchar *const state_names[] =
    { "stable", "have-local-offer", "have-remote-offer" };

static const gchar *
offer (DaoNegotiation * n, gint leg, gint gen)
{
  return verdicts[dao_negotiation_remote_offer (n, n->leg + leg,
          n->gen + gen, SDP)];
}

static const gchar *
answer (DaoNegotiation * n, gboolean ext, guint leg, guint gen)
{
  DaoNegotiationVerdict verdict = dao_negotiation_check_answer (n, ext, leg,
      gen);

  if (verdict == DAO_NEGOTIATION_ACCEPT)
    dao_negotiation_remote_answer (n);
  return verdicts[verdict];
}

static const gchar *
offer_next (DaoNegotiation * n)
{
  return offer (n, 0, 1);
}

static const gchar *
offer_next_leg (DaoNegotiation * n)
{
  return offer (n, 1, 1);
}

static const gchar *
offer_repeated (DaoNegotiation * n)
{
  return offer (n, 0, 0);
}

static const gchar *
answer_matching (DaoNegotiation * n)
{
  return answer (n, TRUE, n->leg, n->gen);
}

static const gchar *
answer_old (DaoNegotiation * n)
{
  return answer (n, TRUE, n->leg, n->gen - 1);
}

static const gchar *
answer_other_leg (DaoNegotiation * n)
{
  return answer (n, TRUE, n->leg + 1, n->gen);
}

static const gchar *
answer_without_ext (DaoNegotiation * n)
{
  return answer (n, FALSE, 0, 0);
}

static const gchar *
want (DaoNegotiation * n, guint wanted)
{
  guint leg = n->leg;
  guint wants = 0;

  if (!dao_negotiation_request (n, wanted))
    return "-";
  if (dao_negotiation_next_offer (n, &wants))
    return n->leg == leg ? "offer" : "offer of a new leg";
  return n->wants == 0 ? "done already" : "queued";
}

static const gchar *
want_restart (DaoNegotiation * n)
{
  return want (n, DAO_NEGOTIATION_WANT_RESTART);
}

static const gchar *
want_leg (DaoNegotiation * n)
{
  return want (n, DAO_NEGOTIATION_WANT_LEG);
}

static const gchar *
give_up (DaoNegotiation * n)
{
  dao_negotiation_abandon (n);
  return n->abandoned ? "the next offer is of a new leg" : "-";
}

static const gchar *
local_description (DaoNegotiation * n)
{
  gboolean is_offer;

  if (!dao_negotiation_local_description (n, &is_offer))
    return "-";
  return is_offer ? "send offer" : "send answer";
}

static const gchar *
candidate_current (DaoNegotiation * n)
{
  return verdicts[dao_negotiation_candidate (n, 1, n->remote_leg,
          n->remote_gen)];
}

static const gchar *
candidate_next (DaoNegotiation * n)
{
  return verdicts[dao_negotiation_candidate (n, 1, n->remote_leg,
          n->remote_gen + 1)];
}

static const gchar *
candidate_before (DaoNegotiation * n)
{
  if (n->remote_gen == 0)
    return "-";
  return verdicts[dao_negotiation_candidate (n, 1, n->remote_leg,
          n->ice_gen - 1)];
}

static const gchar *
candidate_without_ext (DaoNegotiation * n)
{
  return verdicts[dao_negotiation_candidate (n, 0, 0, 0)];
}

static const struct
{
  const gchar *name;
  const gchar *(*fire) (DaoNegotiation * n);
} events[] = {
  {"offer, next gen", offer_next},
  {"offer, next gen, next leg", offer_next_leg},
  {"offer, same gen", offer_repeated},
  {"answer, same gen", answer_matching},
  {"answer, old gen", answer_old},
  {"answer, other leg", answer_other_leg},
  {"answer, without ext", answer_without_ext},
  {"we want a restart", want_restart},
  {"we want a new leg", want_leg},
  {"given up", give_up},
  {"local description", local_description},
  {"candidate, current gen", candidate_current},
  {"candidate, next gen", candidate_next},
  {"candidate, of before the ICE credentials", candidate_before},
  {"candidate, without ext", candidate_without_ext},
};

/* --- cells --- */

static gchar *
make_cell (guint state, guint event)
{
  DaoNegotiation n;
  const gchar *result;
  gchar *cell;
  DaoNegotiationState before;

  states[state].enter (&n);
  before = n.state;
  result = events[event].fire (&n);
  if (n.state == before)
    cell = g_strdup (result);
  else
    cell = g_strdup_printf ("%s; %s", result, state_names[n.state]);
  dao_negotiation_clear (&n);
  return cell;
}

static void
print_cells (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (states); s++) {
    g_print ("\n## negotiation: %s\n\n| event | what happens |\n|---|---|\n",
        states[s].name);
    for (guint e = 0; e < G_N_ELEMENTS (events); e++) {
      g_autofree gchar *cell = make_cell (s, e);

      if (!g_str_equal (cell, "-"))
        g_print ("| %s | %s |\n", events[e].name, cell);
    }
  }
}

/* The rows of one table; "" = there is no such table. */
static gchar *
read_table (const gchar * page, const gchar * state)
{
  g_autofree gchar *title = g_strdup_printf ("\n## negotiation: %s\n", state);
  const gchar *begin = strstr (page, title);
  const gchar *end;

  if (begin == NULL)
    return g_strdup ("");
  begin += strlen (title);
  end = strstr (begin, "\n## ");
  return end ? g_strndup (begin, end - begin + 1) : g_strdup (begin);
}

static void
test_every_cell (gconstpointer path)
{
  g_autofree gchar *page = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &page, NULL, &error);
  g_assert_no_error (error);
  for (guint s = 0; s < G_N_ELEMENTS (states); s++) {
    g_autofree gchar *table = read_table (page, states[s].name);
    GString *want = g_string_new ("\n| event | what happens |\n|---|---|\n");

    for (guint e = 0; e < G_N_ELEMENTS (events); e++) {
      g_autofree gchar *cell = make_cell (s, e);

      if (!g_str_equal (cell, "-"))
        g_string_append_printf (want, "| %s | %s |\n", events[e].name, cell);
    }
    g_assert_cmpstr (g_strchomp (table), ==, g_strchomp (want->str));
    g_string_free (want, TRUE);
  }
}

/* --- what a table does not show --- */

static void
test_wants_are_merged (void)
{
  DaoNegotiation n;
  guint wants;

  again_sent (&n);
  g_assert_true (dao_negotiation_request (&n, DAO_NEGOTIATION_WANT_VIDEO));
  g_assert_true (dao_negotiation_request (&n, DAO_NEGOTIATION_WANT_RESTART));
  g_assert_false (dao_negotiation_next_offer (&n, &wants));
  dao_negotiation_remote_answer (&n);
  g_assert_true (dao_negotiation_next_offer (&n, &wants));
  g_assert_cmpuint (wants, ==,
      DAO_NEGOTIATION_WANT_VIDEO | DAO_NEGOTIATION_WANT_RESTART);
  g_assert_cmpuint (n.leg, ==, 1);
  g_assert_cmpuint (n.gen, ==, 3);
  g_assert_false (dao_negotiation_next_offer (&n, &wants));
  dao_negotiation_clear (&n);
}

/* A new peer connection gathers anew: nothing to restart. */
static void
test_new_leg_needs_no_restart (void)
{
  DaoNegotiation n;
  guint wants;

  stable_caller (&n);
  dao_negotiation_request (&n, DAO_NEGOTIATION_WANT_RESTART |
      DAO_NEGOTIATION_WANT_LEG);
  g_assert_true (dao_negotiation_next_offer (&n, &wants));
  g_assert_cmpuint (wants, ==, DAO_NEGOTIATION_WANT_LEG);
  dao_negotiation_clear (&n);
}

static void
test_newest_offer_waits (void)
{
  DaoNegotiation n;
  gboolean is_offer;
  gchar *sdp = NULL;

  answering (&n);
  g_assert_cmpint (dao_negotiation_remote_offer (&n, 0, 2, "two"), ==,
      DAO_NEGOTIATION_QUEUED);
  g_assert_cmpint (dao_negotiation_remote_offer (&n, 0, 4, "four"), ==,
      DAO_NEGOTIATION_QUEUED);
  g_assert_cmpint (dao_negotiation_remote_offer (&n, 0, 3, "three"), ==,
      DAO_NEGOTIATION_STALE);
  g_assert_false (dao_negotiation_next_remote (&n, &sdp));
  g_assert_true (dao_negotiation_local_description (&n, &is_offer));
  g_assert_true (dao_negotiation_next_remote (&n, &sdp));
  g_assert_cmpstr (sdp, ==, "four");
  g_assert_cmpuint (n.gen, ==, 4);
  g_assert_false (dao_negotiation_next_remote (&n, &sdp));
  g_free (sdp);
  dao_negotiation_clear (&n);
}

static void
test_offers_are_counted (void)
{
  DaoNegotiation n;
  guint accepted = 0;

  ringing (&n);
  for (guint gen = 2; gen < 1000; gen++)
    accepted += dao_negotiation_remote_offer (&n, 0, gen, SDP) ==
        DAO_NEGOTIATION_ACCEPT;
  g_assert_cmpuint (accepted, ==, DAO_NEGOTIATION_MAX_OFFERS - 1);
  dao_negotiation_clear (&n);
}

static void
test_restart_is_seen (void)
{
  DaoNegotiation n;

  stable_callee (&n);
  dao_negotiation_remote_offer (&n, 0, 2, SDP);
  g_assert_false (dao_negotiation_remote_description (&n, SDP));
  g_assert_cmpuint (n.ice_gen, ==, 1);
  dao_negotiation_remote_offer (&n, 0, 3, SDP_RESTART);
  g_assert_true (dao_negotiation_remote_description (&n, SDP_RESTART));
  g_assert_cmpuint (n.ice_gen, ==, 3);
  g_assert_cmpint (dao_negotiation_candidate (&n, 1, 0, 2), ==,
      DAO_NEGOTIATION_STALE);
  /* a peer that does not number its candidates */
  g_assert_cmpint (dao_negotiation_candidate (&n, 0, 0, 0), ==,
      DAO_NEGOTIATION_ACCEPT);
  dao_negotiation_clear (&n);
}

static void
test_ufrag_at_any_line (void)
{
  DaoNegotiation n;

  stable_callee (&n);
  g_assert_false (dao_negotiation_remote_description (&n,
          "v=0\na=x:a=ice-ufrag:two\na=ice-ufrag:one"));
  g_assert_true (dao_negotiation_remote_description (&n, "v=0\r\n"));
  g_assert_true (dao_negotiation_remote_description (&n,
          "a=ice-ufrag:three\n"));
  g_assert_false (dao_negotiation_remote_description (&n,
          "a=ice-ufrag:three\r\n"));
  dao_negotiation_clear (&n);
}

int
main (int argc, char **argv)
{
  if (argc == 2 && g_str_equal (argv[1], "--print")) {
    print_cells ();
    return 0;
  }
  g_test_init (&argc, &argv, NULL);
  g_assert_cmpint (argc, ==, 2);
  g_test_add_data_func ("/negotiation/every-cell", argv[1], test_every_cell);
#define ADD(name) g_test_add_func ("/negotiation/" #name, test_##name)
  ADD (wants_are_merged);
  ADD (new_leg_needs_no_restart);
  ADD (newest_offer_waits);
  ADD (offers_are_counted);
  ADD (restart_is_seen);
  ADD (ufrag_at_any_line);
  return g_test_run ();
}
