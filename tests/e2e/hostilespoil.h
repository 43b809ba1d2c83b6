/* gst-dao: garbage on the connection of a hostile peer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "hostilepeer.h"

G_BEGIN_DECLS

typedef enum
{
  HOSTILE_SPOIL_RTP = 1 << 0,   /* in front of SRTP: other payload types, SSRCs, headers, garbage as frames */
  HOSTILE_SPOIL_RTCP = 1 << 1,  /* in front of SRTCP: random reports, with lengths that lie */
  HOSTILE_SPOIL_SOCKET = 1 << 2,        /* datagrams that look like STUN, DTLS, RTP, or nothing; changed ones */
} HostileSpoilKinds;

typedef struct _HostileSpoil HostileSpoil;

/* After hostile_start_media(), before the first description. Random by @seed; does nothing yet. */
HostileSpoil *hostile_spoil_new (HostilePeer * peer, guint32 seed);
/* From now on; may be called again. */
void hostile_spoil_set (HostileSpoil * spoil, guint kinds);
/* After hostile_stop_media() */
void hostile_spoil_free (HostileSpoil * spoil);

G_END_DECLS
