/* gst-dao: fuzzes what the first bytes of an encoded frame say
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "fuzz.h"
#include "gstdaoframeinfo.h"

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_init ();
  return 0;
}

static void
check (GstDaoE2eeCodec codec, const guint8 * data, gsize size, guint max)
{
  GstDaoFrameInfo info;

  if (!gst_dao_frame_info_parse (codec, data, size, &info))
    return;
  g_assert_cmpuint (info.width, <=, max);
  g_assert_cmpuint (info.height, <=, max);
  if (!info.key) {
    g_assert_cmpuint (info.width, ==, 0);
    g_assert_cmpuint (info.height, ==, 0);
  }
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  /* 14 bits in VP8, 16 bits and one in VP9 */
  check (GST_DAO_E2EE_CODEC_VP8, data, size, 16383);
  check (GST_DAO_E2EE_CODEC_VP9, data, size, 65536);
  return 0;
}
