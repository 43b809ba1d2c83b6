/* gst-dao: encryption of encoded media frames, formats "sdk" and "v1"
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#define DAO_FRAME_ERROR (dao_frame_error_quark ())
GQuark dao_frame_error_quark (void);

typedef enum
{
  DAO_FRAME_ERROR_MATERIAL,     /* not 44 bytes, or a file others can read */
  DAO_FRAME_ERROR_REUSED,       /* an encryptor of this process used this material before */
  DAO_FRAME_ERROR_CLAIMED,      /* the sender handle already has its one user */
} DaoFrameError;

#define DAO_FRAME_MATERIAL_SIZE 44      /* 32 bytes key, 12 bytes base IV */
#define DAO_FRAME_HEADER_SIZE 8
#define DAO_FRAME_TAG_SIZE 16
#define DAO_FRAME_OVERHEAD (DAO_FRAME_HEADER_SIZE + DAO_FRAME_TAG_SIZE)
#define DAO_FRAME_MAX_FRAMES (1u << 24)
#define DAO_FRAME_MAX_BYTES (G_GUINT64_CONSTANT (1) << 34)

typedef enum { DAO_FRAME_FORMAT_SDK, DAO_FRAME_FORMAT_V1 } DaoFrameFormat;
typedef enum { DAO_MEDIA_AUDIO, DAO_MEDIA_VIDEO } DaoMedia;
typedef enum { DAO_ROLE_CALLER, DAO_ROLE_CALLEE } DaoRole;

typedef enum
{
  DAO_FRAME_OK,
  DAO_FRAME_LIMIT,              /* sender: rekey limit reached, frame not sent */
  DAO_FRAME_FAILED,             /* sender: cipher failure */
  DAO_FRAME_SHORT,              /* receiver: reasons of vectors/v1_receive.json */
  DAO_FRAME_FLAGS,
  DAO_FRAME_EPOCH_AHEAD,
  DAO_FRAME_EPOCH_OLD,
  DAO_FRAME_REPLAY,
  DAO_FRAME_AUTH,
} DaoFrameResult;

const gchar *dao_frame_result_to_string (DaoFrameResult result);        /* "accept", "replay", ... */

/* --- sender: one track in one direction of one call. Thread-safe. --- */

#define DAO_TYPE_FRAME_SENDER (dao_frame_sender_get_type ())
G_DECLARE_FINAL_TYPE (DaoFrameSender, dao_frame_sender, DAO, FRAME_SENDER,
    GObject)

/* SDK format with fixed material. REUSED if any sender of the process had it before. */
DaoFrameSender *dao_frame_sender_new_sdk (const guint8 * material,
    GError ** error);
/* v1 format; @secret is the 32-byte call secret, copied into locked memory.
 * A second sender of the process with the same secret, role and medium fails to seal (DAO_FRAME_FAILED). */
DaoFrameSender *dao_frame_sender_new_v1 (const guint8 * secret, DaoRole role,
    DaoMedia media);
/* v1 framing with fixed material (`format=v1` with key-material): epoch stays 0, limits drop. */
DaoFrameSender *dao_frame_sender_new_v1_material (const guint8 * material,
    GError ** error);

DaoFrameFormat dao_frame_sender_get_format (DaoFrameSender * sender);
/* Once in the life of the handle; CLAIMED afterwards. */
gboolean dao_frame_sender_claim (DaoFrameSender * sender, GError ** error);
/* 1 .. the maximum above */
void dao_frame_sender_set_limits (DaoFrameSender * sender, guint64 frames,
    guint64 bytes);

/**
 * dao_frame_sender_seal:
 * @delta: set flag bit 0 (VP8 delta frames in v1; the SDK format ignores it)
 * @out: @length + DAO_FRAME_OVERHEAD bytes; must not overlap @in, but
 *   @out + DAO_FRAME_HEADER_SIZE == @in (in place) is allowed
 * @rekey_needed: (out) (optional): TRUE once, when 80 % is reached and the
 *   handle cannot go to the next epoch by itself
 *
 * Returns: DAO_FRAME_OK, _LIMIT or _FAILED
 */
DaoFrameResult dao_frame_sender_seal (DaoFrameSender * sender, gboolean delta,
    const guint8 * in, gsize length, guint8 * out, gboolean * rekey_needed);

/* Next counter fields, for tests and stats. */
void dao_frame_sender_get_position (DaoFrameSender * sender, guint32 * epoch,
    guint64 * n, guint64 * epoch_bytes);

/* Tests only: the counter of an SDK sender (vectors with injected counters). */
void dao_frame_sender_set_counter (DaoFrameSender * sender, guint64 counter);
/* Tests only: the next (epoch, n) of a v1 sender that has a call secret. */
void dao_frame_sender_set_position (DaoFrameSender * sender, guint32 epoch,
    guint32 n);

/* --- receiver: the other end of one track. Thread-safe. --- */

#define DAO_TYPE_FRAME_RECEIVER (dao_frame_receiver_get_type ())
G_DECLARE_FINAL_TYPE (DaoFrameReceiver, dao_frame_receiver, DAO,
    FRAME_RECEIVER, GObject)

DaoFrameReceiver *dao_frame_receiver_new_sdk (const guint8 * material);
/* @sender_role: the role of the peer that encrypts */
DaoFrameReceiver *dao_frame_receiver_new_v1 (const guint8 * secret,
    DaoRole sender_role, DaoMedia media);
DaoFrameReceiver *dao_frame_receiver_new_v1_material (const guint8 *
    material);
DaoFrameFormat dao_frame_receiver_get_format (DaoFrameReceiver * receiver);
/* VP8 may carry flag bit 0; anything else may not. Default FALSE. */
void dao_frame_receiver_set_vp8 (DaoFrameReceiver * receiver, gboolean vp8);

/**
 * dao_frame_receiver_open:
 * @now_ms: monotonic, for the 5 s of superseded epochs
 * @out: @length - DAO_FRAME_OVERHEAD bytes (at least 1 allocated); may be
 *   @frame + DAO_FRAME_HEADER_SIZE (in place)
 *
 * Order and reasons: vectors/v1_receive.json and frame_replay.json (expected_hardened).
 */
DaoFrameResult dao_frame_receiver_open (DaoFrameReceiver * receiver,
    gint64 now_ms, const guint8 * frame, gsize length, guint8 * out);

/* Number of frames that verified; growth of it is "inbound media" in an encrypted call. */
guint64 dao_frame_receiver_get_verified (DaoFrameReceiver * receiver);

G_END_DECLS
