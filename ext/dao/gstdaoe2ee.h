/* gst-dao: what daoe2eeenc and daoe2eedec share: caps, keys, pads, statistics
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gst/gst.h>

#include "dao-frame.h"
#include "gstdaoe2eecodec.h"

G_BEGIN_DECLS

#define GST_TYPE_DAO_E2EE_FORMAT (gst_dao_e2ee_format_get_type ())
GType gst_dao_e2ee_format_get_type (void);

#define GST_TYPE_DAO_E2EE (gst_dao_e2ee_get_type ())
G_DECLARE_DERIVABLE_TYPE (GstDaoE2ee, gst_dao_e2ee, GST, DAO_E2EE,
    GstElement)

struct _GstDaoE2eeClass
{
  GstElementClass parent_class;

  /* A handle of fixed material (DAO_FRAME_MATERIAL_SIZE bytes). */
  GObject *(*new_handle) (GstDaoE2ee * self, const guint8 * material,
      DaoFrameFormat format, GError ** error);
  /* Takes possession of a handle, made by new_handle or set by `keys`; refuses by @error. */
  gboolean (*take_handle) (GstDaoE2ee * self, GObject * handle,
      GError ** error);
  DaoFrameFormat (*get_format) (GObject * handle);

  /* Fixed caps of the sink pad and what is in them: push ours, or FALSE. */
  gboolean (*set_caps) (GstDaoE2ee * self, GstCaps * caps,
      GstDaoE2eeCodec codec);
  /* (transfer full) @frame. There is a codec and a key: in the streaming thread. */
  GstFlowReturn (*process) (GstDaoE2ee * self, GstBuffer * frame);
  /* (nullable) every serialized or flush event but CAPS */
  gboolean (*sink_event) (GstDaoE2ee * self, GstEvent * event);
  /* (nullable) adds to the statistics; the object lock is held */
  void (*fill_stats) (GstDaoE2ee * self, GstStructure * stats);
  /* (nullable) READY -> PAUSED */
  void (*start) (GstDaoE2ee * self);
};

GstPad *gst_dao_e2ee_get_sinkpad (GstDaoE2ee * self);
GstPad *gst_dao_e2ee_get_srcpad (GstDaoE2ee * self);
/* In the streaming thread. */
GstDaoE2eeCodec gst_dao_e2ee_get_codec (GstDaoE2ee * self);
GObject *gst_dao_e2ee_get_handle (GstDaoE2ee * self);

/* For class_init: the property `keys`, of a type of its own in each element. */
GParamSpec *gst_dao_e2ee_keys_param_spec (GType type);
/* The setter behind it. */
void gst_dao_e2ee_set_keys (GstDaoE2ee * self, GObject * handle);

/* Adds to frames and bytes. The object lock is held. */
void gst_dao_e2ee_count_frame (GstDaoE2ee * self, gsize payload);
/* Adds to dropped, and to @why, which is a field of the element or NULL. Locks. */
void gst_dao_e2ee_count_drop (GstDaoE2ee * self, guint64 * why);

/* Whether there was a drop since the last call. Streaming thread. */
gboolean gst_dao_e2ee_take_gap (GstDaoE2ee * self);

/* The one ERROR of a cipher that must not go on: frames get GST_FLOW_ERROR until there is another key. */
GstFlowReturn gst_dao_e2ee_fail (GstDaoE2ee * self, const GError * error);

G_END_DECLS
