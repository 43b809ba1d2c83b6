/* gst-dao: the life of one 1:1 call, without I/O
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Events and the time go in, actions come out: after each event the driver
 * takes actions with dao_call_pop_action() until there is none, and calls
 * dao_call_advance() when dao_call_get_deadline() has passed.
 */
#pragma once

#include "dao-call-keys.h"
#include "dao-contacts.h"
#include "dao-signal.h"

G_BEGIN_DECLS

/* protocol.md f; ms */
#define DAO_CALL_ANSWER_TIMEOUT_MS 15000        /* caller: offer sent -> answer */
#define DAO_CALL_RING_TIMEOUT_MS 60000          /* callee: h.31 asks for a cap of at least 45 s */
#define DAO_CALL_CONNECT_TIMEOUT_MS 30000       /* answer -> connected: webrtcbin never gives up by itself */
#define DAO_CALL_DISCONNECTED_MS 8000
#define DAO_CALL_MEDIA_TIMEOUT_MS 15000
#define DAO_CALL_SILENCE_RESTART_MS 5500        /* early ICE restart on silence of the transport */
#define DAO_CALL_RESTART_TIMEOUT_MS 15000
#define DAO_CALL_MAX_RESTARTS 1
#define DAO_CALL_MAX_CANDIDATES 64              /* buffered per (peer, call_id) */

typedef enum
{
  DAO_CALL_IDLE,
  DAO_CALL_CALLING,
  DAO_CALL_RINGING,
  DAO_CALL_CONNECTING,
  DAO_CALL_CONNECTED,
  DAO_CALL_HANGUP,
  DAO_CALL_REJECTED,
  DAO_CALL_ENDED,
} DaoCallState;

const gchar *dao_call_state_to_string (DaoCallState state);
gboolean dao_call_state_is_terminal (DaoCallState state);

/* Why a call is over (or an operation failed); the reasons of messages and exit codes. */
typedef enum
{
  DAO_CALL_REASON_NONE,
  DAO_CALL_REASON_LOCAL_HANGUP,
  DAO_CALL_REASON_REMOTE_HANGUP,
  DAO_CALL_REASON_LOCAL_REJECT,
  DAO_CALL_REASON_DECLINED,
  DAO_CALL_REASON_BUSY,
  DAO_CALL_REASON_NO_ANSWER,
  DAO_CALL_REASON_RING_TIMEOUT,
  DAO_CALL_REASON_CONNECT_TIMEOUT,
  DAO_CALL_REASON_DISCONNECTED,
  DAO_CALL_REASON_MEDIA_TIMEOUT,
  DAO_CALL_REASON_ICE_FAILED,
  DAO_CALL_REASON_FINGERPRINT,          /* DTLS certificate is not the signed one */
  DAO_CALL_REASON_BAD_SDP,
  DAO_CALL_REASON_E2EE_REQUIRED,
  DAO_CALL_REASON_E2EE_DOWNGRADE,
  DAO_CALL_REASON_UNKNOWN_CONTACT,
  DAO_CALL_REASON_CONTACT_CHANGED,
  DAO_CALL_REASON_UNVERIFIED,           /* min-trust=verified */
  DAO_CALL_REASON_GLARE,                /* our call gave way to the peer's */
  DAO_CALL_REASON_LOCAL_MEDIA,          /* camera, microphone: driver says so */
  DAO_CALL_REASON_SIGNALING,            /* relay unreachable or login refused */
  DAO_CALL_REASON_INTERNAL,
  DAO_CALL_REASON_REMOTE_FAILED,        /* hangup or reject with reason "failed" */
} DaoCallReason;

const gchar *dao_call_reason_to_string (DaoCallReason reason);  /* "local-hangup", "no-answer", ... */
/* A sentence for people: what happened and what to do */
const gchar *dao_call_reason_to_text (DaoCallReason reason);

typedef enum { DAO_E2EE_AUTO, DAO_E2EE_REQUIRED, DAO_E2EE_OFF } DaoE2eePolicy;

typedef struct
{
  const gchar *own_alias;
  const guint8 *own_ed25519;    /* 32 bytes */
  DaoE2eePolicy e2ee;
  DaoTrust min_trust;           /* UNVERIFIED = any */
  gboolean auto_answer;
  const gchar *const *allow;    /* NULL or empty: every local contact may be auto-answered */
} DaoCallConfig;                /* copied by dao_call_new */

/* What the peer connection reports. */
typedef enum
{
  DAO_TRANSPORT_CONNECTING,
  DAO_TRANSPORT_CONNECTED,      /* ICE, DTLS and the fingerprint check are through */
  DAO_TRANSPORT_DISCONNECTED,   /* no packet for a while */
  DAO_TRANSPORT_FAILED,
  DAO_TRANSPORT_CLOSED,         /* peer closed DTLS */
  DAO_TRANSPORT_BAD_FINGERPRINT,
} DaoTransportEvent;

typedef enum
{
  DAO_CALL_ACTION_STATE,        /* .state, .reason: changed, tell the application */
  DAO_CALL_ACTION_INCOMING,     /* .video: ring (once a call); after it auto-answer follows by itself if allowed */
  DAO_CALL_ACTION_CREATE_OFFER, /* make (.leg is new) or reuse the peer connection, offer, give it to dao_call_set_local_description(); .restart = with new ICE credentials */
  DAO_CALL_ACTION_CREATE_ANSWER,/* .sdp is the offer. Consent is given: apply it, attach local media, answer as above; .restart, .leg likewise */
  DAO_CALL_ACTION_APPLY_ANSWER, /* .sdp */
  DAO_CALL_ACTION_ADD_CANDIDATE,/* .signal: candidate, sdp_mid, sdp_mline_index; only after the remote description was handed out */
  DAO_CALL_ACTION_SEND,         /* .signal: seal for the peer and send */
  DAO_CALL_ACTION_KEYS,         /* frame keys are agreed (dao_call_get_keys), or .video unused and keys NULL = media is DTLS-SRTP only; comes before any media may flow */
  DAO_CALL_ACTION_ERROR,        /* .reason, .text: for the application; the call may go on (e.g. answer while answering) */
  DAO_CALL_ACTION_CLOSE,        /* tear the peer connection down; comes right before the terminal STATE */
} DaoCallActionType;

typedef struct
{
  DaoCallActionType type;
  DaoCallState state;
  DaoCallReason reason;
  gboolean video;
  gboolean restart;
  guint leg;
  gchar *sdp;
  gchar *text;
  DaoSignal *signal;
} DaoCallAction;

void dao_call_action_free (DaoCallAction * action);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DaoCallAction, dao_call_action_free)

typedef struct _DaoCall DaoCall;

/* All now_ms are one monotonic clock of the driver. Not thread-safe. */
DaoCall *dao_call_new (const DaoCallConfig * config);
void dao_call_free (DaoCall * call);    /* wipes keys */
/* New values apply to the next call. */
void dao_call_set_config (DaoCall * call, const DaoCallConfig * config);

/* --- local actions. FALSE when not allowed in this state: nothing changes. docs/call-states.md has
 * every function in every state. --- */

/* From idle or terminal. @contact: what dao_contacts_get_callable gave, or NULL with
 * @refusal: the call then ends at once with an ERROR action and that reason. */
gboolean dao_call_start (DaoCall * call, const gchar * peer,
    const DaoContact * contact, DaoCallReason refusal, gboolean audio,
    gboolean video, gint64 now_ms);
/* Ringing only; a second one while answering is an ERROR action and harmless. */
gboolean dao_call_answer (DaoCall * call, gint64 now_ms);
gboolean dao_call_reject (DaoCall * call, gint64 now_ms);
gboolean dao_call_hangup (DaoCall * call, gint64 now_ms);
/* Driver: the call cannot go on (local media, webrtcbin error, bad answer, ...). Sends hangup with "failed". */
void dao_call_fail (DaoCall * call, DaoCallReason reason, const gchar * text,
    gint64 now_ms);
/* @want: "video" adds video, "leg" makes a new peer connection, "restart" restarts ICE: the caller offers
 * it, the callee asks for it. Only towards peers with `ext`. */
gboolean dao_call_renegotiate (DaoCall * call, const gchar * want,
    gint64 now_ms);

/**
 * dao_call_abandon_leg:
 * @leg: number of the newest peer connection; of an older one, nothing happens
 *
 * The driver has given it up before it was connected (there is no way for it, or the other side does not answer), and
 * goes on with the one before.
 */
void dao_call_abandon_leg (DaoCall * call, guint leg, gint64 now_ms);

/* --- events --- */

/**
 * dao_call_receive:
 * @contact: the callable contact of signal->from, or NULL with @refusal (an
 *   offer is then answered by reject without ringing where the contact is known, else dropped)
 *
 * Every verified signal that the account routed here. protocol.md e.7, column [R]. An offer that is
 * refused (contact, frame encryption policy) leaves the state as it was: a driver that
 * waits for calls goes on waiting.
 */
void dao_call_receive (DaoCall * call, const DaoSignal * signal,
    const DaoContact * contact, DaoCallReason refusal, gint64 now_ms);
/* Offer or answer that CREATE_OFFER / CREATE_ANSWER asked for; @sdp is what goes on the wire. */
void dao_call_set_local_description (DaoCall * call, const gchar * sdp,
    gint64 now_ms);
/* The remote description of the last APPLY_ANSWER / CREATE_ANSWER is set: candidates may be added. */
void dao_call_remote_description_applied (DaoCall * call, gint64 now_ms);
/* A local candidate: sent at once, or after the description it belongs to. It is marked with the current
 * leg: of a peer connection that a new leg replaces, give none any more. */
void dao_call_local_candidate (DaoCall * call, const gchar * candidate,
    const gchar * sdp_mid, gint sdp_mline_index, gint64 now_ms);
void dao_call_transport (DaoCall * call, DaoTransportEvent event,
    gint64 now_ms);
/* Inbound media grew (authenticated frames in an encrypted call, else RTP). */
void dao_call_media_received (DaoCall * call, gint64 now_ms);
/* The relay connection came or went: while offline SEND actions wait in the outbox (bounded; none older
 * than 60 s leaves). Starts online. */
void dao_call_set_online (DaoCall * call, gboolean online, gint64 now_ms);

/* --- time and actions --- */
gint64 dao_call_get_deadline (DaoCall * call);  /* ms, -1 = none */
void dao_call_advance (DaoCall * call, gint64 now_ms);
DaoCallAction *dao_call_pop_action (DaoCall * call);    /* (transfer full), NULL = none */

/* --- what is so --- */
DaoCallState dao_call_get_state (DaoCall * call);
DaoCallReason dao_call_get_reason (DaoCall * call);
DaoRole dao_call_get_role (DaoCall * call);
const gchar *dao_call_get_id (DaoCall * call);  /* NULL in idle */
const gchar *dao_call_get_peer (DaoCall * call);        /* NULL in idle */
gboolean dao_call_is_video (DaoCall * call);
gboolean dao_call_wants_audio (DaoCall * call);
/* Does it know our extensions (docs/protocol-extensions.md)? FALSE before its first offer or answer. */
gboolean dao_call_peer_has_ext (DaoCall * call);
gboolean dao_call_is_verified (DaoCall * call); /* the contact's trust when the call began */
gboolean dao_call_is_downgraded (DaoCall * call);       /* contact did e2ee before, this call does not */
/* (transfer none), NULL = no frame encryption, or not agreed yet. When the call ends they stay until its
 * last action is taken (pop_action returned NULL), then they are wiped. */
DaoCallKeys *dao_call_get_keys (DaoCall * call);

/* Signals and reports that did not belong to the call or to its state, since dao_call_new(). */
guint64 dao_call_get_ignored (DaoCall * call);

/* Tests: the next call_id (else a random UUIDv4). */
void dao_call_set_next_id (DaoCall * call, const gchar * call_id);

G_END_DECLS
