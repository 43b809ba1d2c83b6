/* gst-dao: what the files of dao-call share
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "dao-call.h"
#include "dao-negotiation.h"

G_BEGIN_DECLS

#define DAO_CALL_ANNOUNCED_EXT 1        /* version of the design's signaling extension */
/* Peers drop what is older (protocol.md e.5 step 8), so we do not send it. */
#define DAO_CALL_SIGNAL_LIFE_MS 60000
/* From start until the offer is on the wire: media, ICE servers, relay. */
#define DAO_CALL_OFFER_TIMEOUT_MS 60000
/* Frames that wait while offline, candidates apart: an offer or answer, an end, a few rejects. */
#define DAO_CALL_MAX_OUTBOX 32
#define DAO_CALL_MAX_ENDED 64   /* ids remembered here; the account remembers for 5 minutes */
/* A host with many addresses has some tens; webrtcbin queues without limit (webrtcbin.md, 4). */
#define DAO_CALL_MAX_CANDIDATES_TOTAL 256
/* What a new leg says: its description, and as many candidates as a peer keeps before it has applied that. */
#define DAO_CALL_MAX_OPEN_LEG (1 + DAO_CALL_MAX_CANDIDATES)
/* Copies of it that a peer gets by its own doing: a leg has 8 s, and a request each 2 s is obeyed. */
#define DAO_CALL_MAX_LEG_REPEATS 4
#define DAO_CALL_MAX_REQUESTS 8 /* call_renegotiate frames obeyed */
#define DAO_CALL_REQUEST_INTERVAL_MS 2000
/* A call of hours renews its TURN credentials again and again. So these two and the offers
 * (DAO_NEGOTIATION_MAX_OFFERS) are counted down again: each 10 s by one exchange, that is one request, one offer and
 * the candidates of a host. The shortest credentials that the relay hands out ask for one each 5 s, for
 * 5 minutes; those of 30 s, for ever. */
#define DAO_CALL_ALLOWANCE_MS 10000
#define DAO_CALL_ALLOWANCE_CANDIDATES 32

typedef enum
{
  DAO_CALL_TIMER_OFFER,
  DAO_CALL_TIMER_ANSWER,
  DAO_CALL_TIMER_RING,
  DAO_CALL_TIMER_CONNECT,
  DAO_CALL_TIMER_SILENCE,
  DAO_CALL_TIMER_DISCONNECTED,
  DAO_CALL_TIMER_RESTART,
  DAO_CALL_TIMER_MEDIA,
  DAO_CALL_TIMER_RENEGOTIATION,
  DAO_CALL_N_TIMERS
} DaoCallTimer;

typedef struct
{
  gchar *own_alias;
  guint8 own_ed25519[32];
  DaoE2eePolicy e2ee;
  DaoTrust min_trust;
  gboolean auto_answer;
  gchar **allow;
} DaoCallSettings;

/* A signal and when it came. */
typedef struct
{
  DaoSignal *signal;
  gint64 at_ms;
} DaoCallEntry;

struct _DaoCall
{
  DaoCallSettings settings;
  DaoCallSettings *next_settings;
  gchar *next_id;

  DaoCallState state;
  DaoCallReason reason;
  DaoRole role;
  gchar *id;
  gchar *peer;
  gboolean audio;
  gboolean video;
  gboolean verified;
  gboolean downgraded;

  /* what is needed of the contact */
  gboolean e2ee_seen;
  guint8 peer_ed25519[32];
  guint8 *session_key;          /* 32 bytes in locked memory */

  /* what each side announced with its first offer or answer; never changes in a call */
  DaoCallKeys *keys;
  gboolean own_e2ee;
  guint8 own_pub[32];
  gboolean peer_e2ee;
  guint8 peer_pub[32];

  DaoNegotiation negotiation;
  gboolean consent;             /* callee: answered; caller: from the start */
  gboolean offer_left;          /* caller: the first offer went to the relay */
  gchar *offer_sdp;             /* ringing: what will be answered */

  gboolean remote_applied;
  gboolean local_ready;         /* the local description of this exchange went out */
  GQueue remote_candidates;     /* DaoSignal* */
  GQueue local_candidates;      /* DaoSignal* */
  guint candidates_total;
  GHashTable *heard;            /* candidates of new legs, as text: a copy is not added again */
  GQueue early;                 /* DaoCallEntry*: candidates that overtook their offer */

  /* the offer of a contact that calls again; rings when the end of the old call is told */
  DaoCallEntry *recall;
  DaoContact recall_contact;
  guint8 *recall_key;           /* its session key, 32 bytes in locked memory */

  /* a new leg, from its description until it is connected */
  gboolean leg_is_open;
  GQueue open_leg;              /* DaoSignal*: our description (an offer until it is answered), candidates */
  guint leg_repeats;

  gboolean ever_connected;
  gboolean restarting;
  guint restarts;
  guint requests;
  gint64 allowed_ms;            /* up to when requests, offers and candidates were counted down; 0 = not yet */
  gint64 last_request_ms[3];    /* restart, video, leg; 0 = never */
  gint64 timers[DAO_CALL_N_TIMERS];     /* -1 = off */

  gboolean online;
  GQueue outbox;                /* DaoCallEntry* */
  GQueue actions;               /* DaoCallAction* */
  GQueue ended;                 /* gchar* "peer\ncall_id", oldest first */
  guint64 ignored;
};

/* dao-call.c */
void dao_call_begin (DaoCall * call, DaoRole role, const gchar * peer,
    const gchar * id, const DaoContact * contact);
void dao_call_wipe (DaoCall * call);
void dao_call_change_state (DaoCall * call, DaoCallState state,
    DaoCallReason reason);
/* Over: @notify tells the peer, @text (nullable) makes an ERROR action of the reason */
void dao_call_finish (DaoCall * call, DaoCallState state,
    DaoCallReason reason, gboolean notify, const gchar * text, gint64 now_ms);
gboolean dao_call_is_active (DaoCall * call);
void dao_call_remember_ended (DaoCall * call, const gchar * peer,
    const gchar * id);
gboolean dao_call_is_ended_id (DaoCall * call, const gchar * peer,
    const gchar * id);
/* Is @contact one to call or be called by? FALSE sets @refusal. */
gboolean dao_call_vet_contact (DaoCall * call, const DaoContact * contact,
    DaoCallReason * refusal);
void dao_call_accept (DaoCall * call, gint64 now_ms);

/* dao-call-receive.c */
/* TRUE: a contact that called again rings now */
gboolean dao_call_ring_recall (DaoCall * call);
void dao_call_forget_recall (DaoCall * call);
/* What waited for the end of an exchange is due. */
void dao_call_next_exchange (DaoCall * call, gint64 now_ms);
/* The open one came to nothing. */
void dao_call_abandon_exchange (DaoCall * call, gint64 now_ms);

/* dao-call-actions.c */
DaoCallAction *dao_call_push (DaoCall * call, DaoCallActionType type);
void dao_call_push_error (DaoCall * call, DaoCallReason reason,
    const gchar * text);
/* After the end nothing may be made or applied any more. */
void dao_call_drop_media_actions (DaoCall * call);
DaoSignal *dao_call_new_signal (DaoCall * call, DaoSignalType type);
/* (transfer full) @signal: now, or when the relay is back */
void dao_call_send (DaoCall * call, DaoSignal * signal, gint64 now_ms);
/* Of (peer, call_id) only an end of the call may still leave. */
void dao_call_prune_outbox (DaoCall * call, gboolean keep_end);
void dao_call_flush_local_candidates (DaoCall * call, gint64 now_ms);
void dao_call_add_remote_candidate (DaoCall * call, const DaoSignal * signal);
void dao_call_flush_remote_candidates (DaoCall * call);
void dao_call_keep_early (DaoCall * call, const DaoSignal * signal,
    gint64 now_ms);
void dao_call_take_early (DaoCall * call, gint64 now_ms);
void dao_call_entry_free (DaoCallEntry * entry);

/* dao-call-e2ee.c */
/* FALSE: the call with what the peer announced is refused for @reason */
gboolean dao_call_e2ee_allows (DaoCall * call, gboolean peer_e2ee,
    gboolean e2ee_seen, DaoCallReason * reason);
void dao_call_e2ee_remember (DaoCall * call, const DaoSignal * signal);
gboolean dao_call_e2ee_repeats (DaoCall * call, const DaoSignal * signal);
void dao_call_e2ee_announce (DaoCall * call);
/* Agrees where both announced, emits KEYS. FALSE: no usable key of the peer. */
gboolean dao_call_e2ee_settle (DaoCall * call);
void dao_call_e2ee_fill (DaoCall * call, DaoSignal * signal);

/* dao-call-leg.c */
/* A local description is asked for, of a new leg or not. */
void dao_call_begin_exchange (DaoCall * call, gboolean new_leg);
void dao_call_close_leg (DaoCall * call);
/* (transfer full) @signal: dao_call_send() of a description or candidate, which is kept while its leg is open */
void dao_call_say (DaoCall * call, DaoSignal * signal, gint64 now_ms);
/* We are back. */
void dao_call_say_leg_again (DaoCall * call, gint64 now_ms);
/* The peer asks for an offer, so it was away. TRUE: one of a leg is open, and was said again. */
gboolean dao_call_offer_leg_again (DaoCall * call, gint64 now_ms);
/* TRUE: @offer is the one of the open leg again, and gets the same answer. */
gboolean dao_call_answer_leg_again (DaoCall * call, const DaoSignal * offer,
    gint64 now_ms);
void dao_call_leg_is_answered (DaoCall * call);
void dao_call_leg_is_connected (DaoCall * call);
/* Remembers @candidate. TRUE: it was there. */
gboolean dao_call_heard_before (DaoCall * call, const DaoSignal * candidate);

/* dao-call-transport.c */
void dao_call_set_timer (DaoCall * call, DaoCallTimer timer, gint64 due_ms);
void dao_call_clear_timer (DaoCall * call, DaoCallTimer timer);
void dao_call_clear_timers (DaoCall * call);
gboolean dao_call_timer_runs (DaoCall * call, DaoCallTimer timer);
/* One ICE restart a call: offer it, ask for it, or wait for it. */
gboolean dao_call_restart (DaoCall * call, gint64 now_ms);
void dao_call_restart_heard (DaoCall * call);
void dao_call_enter_restart (DaoCall * call, gint64 now_ms);
void dao_call_offer_if_due (DaoCall * call, gint64 now_ms);

G_END_DECLS
