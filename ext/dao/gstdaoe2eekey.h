/* gst-dao: key material from a property or a file
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

#include "dao-frame.h"

G_BEGIN_DECLS

/* 88 hex digits. @material: DAO_FRAME_MATERIAL_SIZE bytes; the error never repeats the text. */
gboolean gst_dao_e2ee_key_from_hex (const gchar * hex, guint8 * material,
    GError ** error);

/**
 * gst_dao_e2ee_key_from_file:
 * @location: a regular file that nobody but its owner may read or write: 44
 *   raw bytes, or 88 hex digits and white space
 *
 * Returns: FALSE with a GFileError or DAO_FRAME_ERROR_MATERIAL
 */
gboolean gst_dao_e2ee_key_from_file (const gchar * location,
    guint8 * material, GError ** error);

G_END_DECLS
