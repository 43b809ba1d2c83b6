/* gst-dao: RTP depayloader for encrypted frames
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gst/rtp/gstrtpbasedepayload.h>

G_BEGIN_DECLS

#define GST_TYPE_DAO_RTP_DEPAY (gst_dao_rtp_depay_get_type ())
G_DECLARE_FINAL_TYPE (GstDaoRtpDepay, gst_dao_rtp_depay, GST, DAO_RTP_DEPAY,
    GstRTPBaseDepayload)

GST_ELEMENT_REGISTER_DECLARE (rtpdaodepay)

G_END_DECLS
