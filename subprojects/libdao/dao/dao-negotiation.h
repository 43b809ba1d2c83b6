/* gst-dao: the offers and answers of one call, without I/O
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Private to dao-call. One exchange at a time; towards peers that announced
 * `ext`, leg and generation say which exchange a frame belongs to, and after
 * the first answer only the caller offers (docs/call-states.md).
 */
#pragma once

#include "dao-frame.h"

G_BEGIN_DECLS

typedef enum
{
  DAO_NEGOTIATION_STABLE,
  DAO_NEGOTIATION_HAVE_LOCAL_OFFER,
  DAO_NEGOTIATION_HAVE_REMOTE_OFFER,
} DaoNegotiationState;

typedef enum
{
  DAO_NEGOTIATION_ACCEPT,
  DAO_NEGOTIATION_QUEUED,       /* right, but not now: kept (offer), or to be kept by the caller (candidate) */
  DAO_NEGOTIATION_STALE,        /* of an earlier leg or generation */
  DAO_NEGOTIATION_WRONG,        /* not its turn: no offer is open, or not the side that offers */
} DaoNegotiationVerdict;

typedef enum
{
  DAO_NEGOTIATION_WANT_RESTART = 1 << 0,
  DAO_NEGOTIATION_WANT_VIDEO = 1 << 1,
  DAO_NEGOTIATION_WANT_LEG = 1 << 2,
} DaoNegotiationWants;

/* A browser renegotiates a few times in a call; more is a peer that keeps us busy. The count goes down with the time
 * (DAO_CALL_ALLOWANCE_MS). */
#define DAO_NEGOTIATION_MAX_OFFERS 64

typedef struct
{
  DaoRole role;
  DaoNegotiationState state;
  gboolean established;         /* the first answer is through */
  gboolean ext;                 /* the peer knows leg, gen and call_renegotiate */
  gboolean handed_out;          /* local offer: went to the wire; remote offer: is being answered */
  gboolean makes_leg;           /* the newest local offer is for a new peer connection */
  gboolean abandoned;           /* the newest exchange came to nothing */
  guint leg;                    /* of the newest offer, either way */
  guint gen;                    /* counts offers; 0 = none yet */
  guint offers_received;
  guint wants;                  /* what the next local offer shall do */
  guint remote_leg;             /* of the newest remote description */
  guint remote_gen;
  guint ice_gen;                /* first generation with the peer's current ICE credentials */
  gchar *remote_ufrag;
  gchar *queued_sdp;            /* an offer that came while another was being answered */
  guint queued_leg;
  guint queued_gen;
} DaoNegotiation;

void dao_negotiation_init (DaoNegotiation * self, DaoRole role);
void dao_negotiation_clear (DaoNegotiation * self);

/* The caller's first offer: leg 0, generation 1. */
void dao_negotiation_first_offer (DaoNegotiation * self);

/* Queues @wants for a later offer. FALSE: this side does not offer, or nothing is established. */
gboolean dao_negotiation_request (DaoNegotiation * self, guint wants);
/* TRUE: an offer that does @wants is due now and the state is have-local-offer. */
gboolean dao_negotiation_next_offer (DaoNegotiation * self, guint * wants);

/**
 * dao_negotiation_abandon:
 *
 * The open exchange, or the peer connection that the last one made, came to nothing. Nothing is
 * open any more. A peer connection cannot take back an offer (webrtcbin.md, 2), so the next offer makes a new one.
 * Towards peers without `ext`, which know no second one, nothing changes.
 */
void dao_negotiation_abandon (DaoNegotiation * self);

/**
 * dao_negotiation_local_description:
 *
 * The driver made the description that was asked for.
 *
 * Returns: FALSE when none was asked for; else @is_offer says which one it is
 */
gboolean dao_negotiation_local_description (DaoNegotiation * self,
    gboolean * is_offer);

/**
 * dao_negotiation_remote_offer:
 *
 * ACCEPT: the state is have-remote-offer with this offer. QUEUED: kept until
 * dao_negotiation_next_remote().
 */
DaoNegotiationVerdict dao_negotiation_remote_offer (DaoNegotiation * self,
    guint leg, guint gen, const gchar * sdp);
/* The open remote offer is now being answered; later ones queue. */
void dao_negotiation_begin_answer (DaoNegotiation * self);
/* TRUE: a queued offer is now open; @sdp (transfer full) */
gboolean dao_negotiation_next_remote (DaoNegotiation * self, gchar ** sdp);

/* Would an answer be right now? Changes nothing. */
DaoNegotiationVerdict dao_negotiation_check_answer (DaoNegotiation * self,
    gboolean ext, guint leg, guint gen);
/* Takes the answer that was checked. */
void dao_negotiation_remote_answer (DaoNegotiation * self);

/* TRUE: @sdp (handed out now) has other ICE credentials than the one before it, that is, ICE restarts. */
gboolean dao_negotiation_remote_description (DaoNegotiation * self,
    const gchar * sdp);

/* ACCEPT: for the current remote description; QUEUED: for one that is yet to come. */
DaoNegotiationVerdict dao_negotiation_candidate (DaoNegotiation * self,
    guint ext, guint leg, guint gen);

G_END_DECLS
