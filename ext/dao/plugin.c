/* gst-dao: plugin `dao`
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/gst.h>

#include "gstdaocallsrc.h"
#include "gstdaoe2eedec.h"
#include "gstdaoe2eeenc.h"
#include "gstdaosignaling.h"

static gboolean
plugin_init (GstPlugin * plugin)
{
  gboolean ok = FALSE;

  ok |= GST_ELEMENT_REGISTER (daocallsrc, plugin);
  ok |= GST_ELEMENT_REGISTER (daoe2eedec, plugin);
  ok |= GST_ELEMENT_REGISTER (daoe2eeenc, plugin);
  ok |= GST_ELEMENT_REGISTER (daosignaling, plugin);
  return ok;
}

#define PACKAGE "gst-dao"
GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, dao,
    "End-to-end encrypted calls", plugin_init, PACKAGE_VERSION, "LGPL",
    "gst-dao", "Unknown package origin")
