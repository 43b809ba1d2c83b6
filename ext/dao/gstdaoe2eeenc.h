/* gst-dao: encrypts encoded frames
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "gstdaoe2ee.h"

G_BEGIN_DECLS

#define GST_TYPE_DAO_E2EE_ENC (gst_dao_e2ee_enc_get_type ())
G_DECLARE_FINAL_TYPE (GstDaoE2eeEnc, gst_dao_e2ee_enc, GST, DAO_E2EE_ENC,
    GstDaoE2ee)

GST_ELEMENT_REGISTER_DECLARE (daoe2eeenc);

G_END_DECLS
