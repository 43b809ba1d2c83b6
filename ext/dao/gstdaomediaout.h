/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Received media of one kind: from daosignaling to a source pad of daocallsrc,
 * decoded if what is downstream wants it so
 */
#pragma once

#include <gst/gst.h>
#include "dao-frame.h"

G_BEGIN_DECLS

typedef struct _GstDaoMediaOut GstDaoMediaOut;

/**
 * gst_dao_media_out_new:
 * @bin: gets the decoder and is to get the pad; outlives the object
 * @templ: (transfer none): of the pad
 */
GstDaoMediaOut *gst_dao_media_out_new (GstBin * bin, DaoMedia media,
    GstPadTemplate * templ);
/* (transfer none): the ghost pad that media leaves by, floating until @bin has it */
GstPad *gst_dao_media_out_get_pad (GstDaoMediaOut * out);
void gst_dao_media_out_free (GstDaoMediaOut * out);

/* (nullable) @source: daosignaling's pad of this medium */
void gst_dao_media_out_set_source (GstDaoMediaOut * out, GstPad * source);
/* A run is over and nothing flows: the next one may choose anew. */
void gst_dao_media_out_reset (GstDaoMediaOut * out);

G_END_DECLS
