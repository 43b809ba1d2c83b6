/* gst-dao: RTP payloader for encrypted frames
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gst/rtp/gstrtpbasepayload.h>

G_BEGIN_DECLS

#define GST_TYPE_DAO_RTP_PAY (gst_dao_rtp_pay_get_type ())
G_DECLARE_FINAL_TYPE (GstDaoRtpPay, gst_dao_rtp_pay, GST, DAO_RTP_PAY,
    GstRTPBasePayload)

GST_ELEMENT_REGISTER_DECLARE (rtpdaopay)

G_END_DECLS
