/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * dao://ALIAS?audio=..&video=..&codec=..
 */
#pragma once

#include "gstdaocallprops.h"

G_BEGIN_DECLS

typedef struct
{
  gchar *alias;
  gboolean audio;               /* FALSE: send silence */
  gint video;                   /* TRUE, FALSE, or -1 where the URI does not say */
  gint codec;                   /* GstDaoVideoCodec, or -1 */
  gchar *relay;                 /* must be that of the identity file */
} GstDaoCallUri;

/**
 * gst_dao_call_uri_parse:
 *
 * A URI comes from anywhere, so it may say whom to call and with what, and nothing
 * else: unknown keys, `identity` among them, are errors.
 *
 * Returns: (transfer full): or NULL with a GST_URI_ERROR
 */
GstDaoCallUri *gst_dao_call_uri_parse (const gchar * text, GError ** error);
void gst_dao_call_uri_free (GstDaoCallUri * uri);
/* (transfer full) */
gchar *gst_dao_call_uri_to_string (const GstDaoCallUri * uri);

/* Is @relay the one that the identity file at @path names? False if it cannot be read. */
gboolean gst_dao_call_uri_check_relay (const gchar * relay,
    const gchar * path, GError ** error);

G_END_DECLS
