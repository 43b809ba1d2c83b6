/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The elements that daocallsrc puts between raw and encoded media
 */
#pragma once

#include <gst/gst.h>
#include "dao-frame.h"
#include "gstdaosdp.h"

G_BEGIN_DECLS

/* Raw media in, encoded out: ghost pads "sink" and "src". (transfer floating) */
GstElement *gst_dao_call_branch_new_encoder (GstDaoCodec codec,
    GError ** error);
/* Encoded silence or a black picture from nothing: ghost pad "src". (transfer floating) */
GstElement *gst_dao_call_branch_new_generator (GstDaoCodec codec,
    GError ** error);
/* Encoded media in, raw out. (transfer floating) */
GstElement *gst_dao_call_branch_new_decoder (GstDaoCodec codec,
    GError ** error);

/**
 * gst_dao_call_branch_set_size:
 * @branch: of gst_dao_call_branch_new_encoder() or _new_generator(), video
 * @caps: video caps of what comes in, raw or encoded
 *
 * Keeps a raw picture within 720p and its shape. What is encoded has the size that
 * it has: a black picture in its place takes that.
 */
void gst_dao_call_branch_set_size (GstElement * branch, GstCaps * caps);
/* While @black, every picture is replaced by a black one. Any thread. */
void gst_dao_call_branch_set_black (GstElement * encoder, gboolean black);

/* Adds @branch to @bin and starts it. FALSE: it does not start. (@branch: transfer floating) */
gboolean gst_dao_call_branch_add (GstBin * bin, GstElement * branch);
/* Stops and removes it, clears the pointer. */
void gst_dao_call_branch_remove (GstBin * bin, GstElement ** branch);

/* Is @object in an encoder or generator, and of which medium? Needs no lock of its user. */
gboolean gst_dao_call_branch_is_local (GstObject * object, DaoMedia * media);

/* NONE if @caps have another or no media type of ours first */
GstDaoCodec gst_dao_call_branch_codec_of_caps (GstCaps * caps);

G_END_DECLS
