/* gst-dao: frame encryption keys of one call, version 1
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "dao-frame.h"

G_BEGIN_DECLS

#define DAO_CALL_KEYS_ERROR (dao_call_keys_error_quark ())
GQuark dao_call_keys_error_quark (void);

typedef enum
{
  DAO_CALL_KEYS_ERROR_LOW_ORDER,        /* all-zero shared secret */
  DAO_CALL_KEYS_ERROR_FIELD,            /* an alias or call_id that does not fit the transcript */
  DAO_CALL_KEYS_ERROR_USED,             /* agreed, or tried to, before */
} DaoCallKeysError;

/* What both ends must agree on (design, "Frame encryption of a call"). */
typedef struct
{
  const gchar *call_id;
  const gchar *caller_alias;
  const gchar *callee_alias;
  const guint8 *caller_ed25519; /* 32 bytes each */
  const guint8 *callee_ed25519;
  const guint8 *session_key;
} DaoCallTranscript;

typedef struct _DaoCallKeys DaoCallKeys;

/* Makes the fresh ephemeral of our side. The caller makes it with the call_id, the callee at accept. */
DaoCallKeys *dao_call_keys_new (DaoRole own_role);
/* Tests only: with a given X25519 private key (32 bytes). */
DaoCallKeys *dao_call_keys_new_with_private (DaoRole own_role,
    const guint8 * x25519_private);
void dao_call_keys_free (DaoCallKeys * keys);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DaoCallKeys, dao_call_keys_free)

const guint8 *dao_call_keys_get_public (DaoCallKeys * keys);    /* 32 bytes, our e2ee_pub */

/**
 * dao_call_keys_agree:
 * @peer_public: 32 bytes, the peer's e2ee_pub
 *
 * Once a call: computes the secret and the four track handles, wipes the
 * ephemeral private key (also when the peer's key is refused).
 */
gboolean dao_call_keys_agree (DaoCallKeys * keys,
    const DaoCallTranscript * transcript, const guint8 * peer_public,
    GError ** error);
gboolean dao_call_keys_is_agreed (DaoCallKeys * keys);

/* (transfer none); NULL before agreement. The same handle for the whole life of the call. */
DaoFrameSender *dao_call_keys_get_sender (DaoCallKeys * keys, DaoMedia media);
DaoFrameReceiver *dao_call_keys_get_receiver (DaoCallKeys * keys,
    DaoMedia media);

/* For vectors: 32-byte secret and 44-byte material. FALSE before agreement. */
gboolean dao_call_keys_peek_secret (DaoCallKeys * keys, guint8 * secret);
void dao_call_keys_derive_material (const guint8 * secret, DaoRole role,
    DaoMedia media, guint32 epoch, guint8 * material);

G_END_DECLS
