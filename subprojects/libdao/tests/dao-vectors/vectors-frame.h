/* gst-dao: what the vectors of both frame formats need
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "dao-vectors.h"
#include "dao-call-keys.h"

G_BEGIN_DECLS

/* The most a case may ask for; far above what the files have. */
#define MAX_PAYLOAD (1 << 20)
#define MAX_FRAMES 100000

DaoFrameSender *sdk_sender (const guint8 * material, GString * why);
DaoFrameSender *v1_sender (const guint8 * secret, DaoRole role, DaoMedia media);
gboolean need_counter (json_t * object, const gchar * name, guint64 * counter, GString * why);
gboolean need_uint (json_t * object, const gchar * name, gint64 max, gint64 * value, GString * why);
gboolean need_role (json_t * object, const gchar * name, DaoRole * role, GString * why);
gboolean need_media (json_t * object, const gchar * name, DaoMedia * media, GString * why);
GByteArray *need_payload (json_t * case_, GString * why);
gboolean same_frame (json_t * case_, const guint8 * frame, gsize length, GString * why);
GByteArray *seal (DaoFrameSender * sender, gboolean delta, const guint8 * payload, gsize length, GString * why);
guint64 header_counter (const GByteArray * frame);

gboolean run_v1_key_schedule (json_t * case_, GString * why);
gboolean run_v1_frames (json_t * case_, GString * why);
gboolean run_v1_receive (json_t * case_, GString * why);
gboolean run_v1_send (json_t * case_, GString * why);

G_END_DECLS
