/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Why a STUN or TURN server gave nothing (RFC 8489, 8656)
 *
 * libnice does not tell. So a server that gave no candidate is asked once more, by a client of ours, when the agent
 * has asked all of them: a call that uses its servers pays nothing for this.
 */
#pragma once

#include <gio/gio.h>
#include <stun/usages/turn.h>

G_BEGIN_DECLS

/* USERNAME, REALM and NONCE are 513, 763 and 763 bytes at most, and the rest is small (RFC 8489, 14). */
#define GST_DAO_STUN_MAX_MESSAGE 4096

typedef enum
{
  GST_DAO_STUN_UNRELATED,       /* no answer to this request */
  GST_DAO_STUN_AGAIN,           /* there is another request to be sent */
  GST_DAO_STUN_WORKS,
  GST_DAO_STUN_REFUSED,         /* with an error code */
  GST_DAO_STUN_INVALID          /* an answer that no such server gives */
} GstDaoStunVerdict;

/* One Binding, or one Allocate with what the long-term credential needs */
typedef struct
{
  const gchar *username, *password;     /* NULL: Binding */
  StunAgent agent;
  StunMessage challenge;        /* answer to the first Allocate */
  guint8 request[GST_DAO_STUN_MAX_MESSAGE], kept[GST_DAO_STUN_MAX_MESSAGE];
  gboolean challenged;
  gint code;                    /* of the error; 0 = none */
} GstDaoStunTry;

/* @username, @password: (nullable): of TURN, and must live as long as @stun_try */
void gst_dao_stun_try_init (GstDaoStunTry * stun_try, const gchar * username,
    const gchar * password);
/* Writes the next request into stun_try->request. Returns: its length; 0 when the credential does not fit into one */
gsize gst_dao_stun_try_write (GstDaoStunTry * stun_try);
/* A Refresh that gives the allocation back, the same way */
gsize gst_dao_stun_try_write_release (GstDaoStunTry * stun_try);
/* @data: a whole message, or anything else */
GstDaoStunVerdict gst_dao_stun_try_read (GstDaoStunTry * stun_try,
    const guint8 * data, gsize length);

/* Returns: (transfer full): the reason of a refusal, to be read after "it" */
gchar *gst_dao_stun_reason (gint code);

/**
 * gst_dao_turn_probe:
 * @address: HOST, HOST:PORT, [V6] or [V6]:PORT; without a port, 3478
 * @username, @password: (nullable): of TURN; without them it is asked as a STUN server
 * @gave: (nullable) (element-type GInetAddress): servers that gave something: not asked
 * @cancellable: ends it: the server did not answer then
 *
 * Blocks.
 *
 * Returns: (transfer full) (nullable): why the server is of no use, to be read after its name and
 *   "gave no address: "; NULL when it is. Never has a credential in it
 */
gchar *gst_dao_turn_probe (const gchar * address, gboolean tcp,
    const gchar * username, const gchar * password, GPtrArray * gave,
    GCancellable * cancellable);

G_END_DECLS
