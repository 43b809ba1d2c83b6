/* gst-dao: decrypts encoded frames
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "gstdaoe2ee.h"

G_BEGIN_DECLS

#define GST_TYPE_DAO_E2EE_DEC (gst_dao_e2ee_dec_get_type ())
G_DECLARE_FINAL_TYPE (GstDaoE2eeDec, gst_dao_e2ee_dec, GST, DAO_E2EE_DEC,
    GstDaoE2ee)

GST_ELEMENT_REGISTER_DECLARE (daoe2eedec);

G_END_DECLS
