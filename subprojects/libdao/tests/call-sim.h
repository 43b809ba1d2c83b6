/* gst-dao: a simulated driver for tests of dao-call
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Own alias is "bob" unless said otherwise; the clock is a number. Actions are
 * written down as lines, and descriptions are made at once unless @manual.
 */
#pragma once

#include "dao-call.h"

G_BEGIN_DECLS

typedef struct
{
  DaoCall *call;
  gint64 now;
  gboolean manual;              /* the test gives the descriptions */
  gboolean without_ext;         /* peers know none of our extensions */
  GPtrArray *lines;             /* what happened since sim_expect() looked */
  GQueue sent;                  /* DaoSignal*, all of them, oldest first */
  DaoContact *contacts[3];      /* "alice", "carol", "dave" */

  /* what must hold in any sequence; sim_run() checks it */
  gboolean auto_consent;        /* the test's settings allow auto-answer */
  gboolean consent;
  gboolean has_pc;
  GHashTable *rung;             /* peers and call_ids that rang */
} Sim;

Sim *sim_new (DaoE2eePolicy e2ee);
Sim *sim_new_full (const gchar * own_alias, const DaoCallConfig * config);
void sim_free (Sim * sim);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Sim, sim_free)

DaoContact *sim_contact (Sim * sim, const gchar * alias);

/* Takes all actions: notes them and does what a driver does. */
void sim_run (Sim * sim);
/* Exactly these lines since the last call. */
void sim_expect (Sim * sim, ...) G_GNUC_NULL_TERMINATED;
void sim_forget (Sim * sim);
gchar *sim_take_lines (Sim * sim, const gchar * separator);
/* The last signal of @type that was sent; NULL = none */
const DaoSignal *sim_last_sent (Sim * sim, DaoSignalType type);
guint sim_count_sent (Sim * sim, DaoSignalType type);

gboolean sim_start (Sim * sim, const gchar * peer, const gchar * id,
    gboolean video);
gboolean sim_answer (Sim * sim);
gboolean sim_hangup (Sim * sim);
void sim_transport (Sim * sim, DaoTransportEvent event);
void sim_online (Sim * sim, gboolean online);
void sim_describe (Sim * sim, const gchar * sdp);
void sim_candidate (Sim * sim, const gchar * candidate);
/* Time passes, in the steps of the deadlines. */
void sim_advance (Sim * sim, gint64 ms);

/* A signal for sim_receive, to be filled; ext is 1 and `to` is us, unless peers are without. */
DaoSignal *sim_signal (Sim * sim, DaoSignalType type, const gchar * from,
    const gchar * id);
void sim_receive (Sim * sim, DaoSignal * signal);       /* (transfer full) */
void sim_receive_refused (Sim * sim, DaoSignal * signal,
    DaoCallReason refusal);

/* Shorthands of the above; leg 0, no frame encryption. */
void sim_offer (Sim * sim, const gchar * from, const gchar * id, guint gen);
void sim_answered (Sim * sim, const gchar * from, const gchar * id, guint gen);
void sim_end (Sim * sim, DaoSignalType type, const gchar * from,
    const gchar * id, const gchar * reason);
void sim_ice (Sim * sim, const gchar * from, const gchar * id,
    const gchar * candidate, guint gen);

/* To connected: as caller of "alice" (call_id "OUT1"), or called by her ("IN1"). */
void sim_connect_caller (Sim * sim);
void sim_connect_callee (Sim * sim);

#define SIM_SDP "v=0\r\ns=-\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:one\r\n"
#define SIM_SDP_RESTART "v=0\r\ns=-\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:two\r\n"
#define SIM_SDP_VIDEO SIM_SDP "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=ice-ufrag:one\r\n"

#define sim_assert_state(sim, want) \
  g_assert_cmpstr (dao_call_state_to_string (dao_call_get_state ((sim)->call)), ==, \
      dao_call_state_to_string (want))
#define sim_assert_reason(sim, want) \
  g_assert_cmpstr (dao_call_reason_to_string (dao_call_get_reason ((sim)->call)), ==, \
      dao_call_reason_to_string (want))

G_END_DECLS
