/* gst-dao: fuzzes the payload descriptors of VP8 and VP9
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "fuzz.h"
#include "gst/daortp/gstdaortpdescriptor.h"

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_init ();
  return 0;
}

static void
check (const GstDaoRtpDescriptor * d, gsize size)
{
  g_assert_cmpuint (d->size, >, 0);
  g_assert_cmpuint (d->size, <=, size);
  if (d->has_picture_id) {
    g_assert_true (d->picture_id_mask == 0x7f || d->picture_id_mask == 0x7fff);
    g_assert_cmpuint (d->picture_id, <=, d->picture_id_mask);
  }
}

/* What we write is read as it was meant. */
static void
check_written (gboolean first, gboolean last, gboolean delta, guint id)
{
  guint8 vp8[GST_DAO_RTP_VP8_DESCRIPTOR_SIZE];
  guint8 vp9[GST_DAO_RTP_VP9_DESCRIPTOR_SIZE];
  GstDaoRtpDescriptor d;

  gst_dao_rtp_vp8_descriptor_write (vp8, first, id);
  g_assert_true (gst_dao_rtp_vp8_descriptor_parse (vp8, sizeof vp8, &d));
  g_assert_cmpuint (d.size, ==, sizeof vp8);
  g_assert_cmpint (d.start, ==, first);
  g_assert_cmpuint (d.picture_id, ==, id & GST_DAO_RTP_PICTURE_ID_MASK);
  gst_dao_rtp_vp9_descriptor_write (vp9, first, last, delta, id);
  g_assert_true (gst_dao_rtp_vp9_descriptor_parse (vp9, sizeof vp9, &d));
  g_assert_cmpuint (d.size, ==, sizeof vp9);
  g_assert_cmpint (d.start, ==, first);
  g_assert_cmpint (d.end, ==, last);
  g_assert_cmpint (d.delta, ==, delta);
  g_assert_cmpuint (d.picture_id, ==, id & GST_DAO_RTP_PICTURE_ID_MASK);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  GstDaoRtpDescriptor descriptor;

  if (gst_dao_rtp_vp8_descriptor_parse (data, size, &descriptor)) {
    check (&descriptor, size);
    check_written (descriptor.start, descriptor.end, descriptor.delta,
        descriptor.picture_id);
  }
  if (gst_dao_rtp_vp9_descriptor_parse (data, size, &descriptor)) {
    check (&descriptor, size);
    check_written (descriptor.start, descriptor.end, descriptor.delta,
        descriptor.picture_id);
  }
  return 0;
}
