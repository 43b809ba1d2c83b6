/* gst-dao: the plugin of the RTP elements
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gstdaortpdepay.h"
#include "gstdaortppay.h"

static gboolean
plugin_init (GstPlugin * plugin)
{
  gboolean registered = FALSE;

  registered |= GST_ELEMENT_REGISTER (rtpdaopay, plugin);
  registered |= GST_ELEMENT_REGISTER (rtpdaodepay, plugin);
  return registered;
}

#define PACKAGE "gst-dao"
GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, daortp,
    "RTP for end-to-end encrypted frames", plugin_init, PACKAGE_VERSION,
    "LGPL", "gst-dao", "Unknown package origin")
