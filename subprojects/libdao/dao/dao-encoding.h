/* gst-dao: hex and strict base64
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

gchar *dao_hex_encode (const guint8 * data, gsize length);      /* lower case, (transfer full) */
/* Exactly @length bytes from 2 * @length digits of either case, else FALSE. */
gboolean dao_hex_decode (const gchar * hex, guint8 * data, gsize length);
/* Standard alphabet, padded, no line breaks, zero trailing bits; NULL if not. (transfer full) */
guint8 *dao_base64_decode (const gchar * text, gsize * length);
gboolean dao_base64_decode_exact (const gchar * text, guint8 * data,
    gsize length);
gchar *dao_base64_encode (const guint8 * data, gsize length);

/* HKDF-SHA256 (RFC 5869), composed from libsodium's HMAC: 1.0.18 has no HKDF. */
void dao_hkdf_extract (const guint8 * salt, gsize salt_length,
    const guint8 * ikm, gsize ikm_length, guint8 * prk32);
void dao_hkdf_expand (const guint8 * prk32, const guint8 * info,
    gsize info_length, guint8 * okm, gsize okm_length);

/* AES-256-GCM with a 12-byte IV and no AAD, of OpenSSL: for envelopes. Out: length + 16, length - 16. */
gboolean dao_aes_gcm_seal (const guint8 * key32, const guint8 * iv12,
    const guint8 * plain, gsize length, guint8 * out);
gboolean dao_aes_gcm_open (const guint8 * key32, const guint8 * iv12,
    const guint8 * sealed, gsize length, guint8 * out);

G_END_DECLS
