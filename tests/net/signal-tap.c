/* gst-dao: prints what a peer tells in its signals, for tests
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * To be preloaded (LD_PRELOAD) into a program with daocallsrc. The relay sees sealed
 * frames only, and the logs of libnice only what was left of a candidate after our own
 * checks: this is each description and candidate as the peer sent it, one line a signal,
 * "SIGNAL-TAP " in front.
 */
#define _GNU_SOURCE
#include "dao-call.h"

#include <dlfcn.h>

void
dao_call_receive (DaoCall * call, const DaoSignal * signal,
    const DaoContact * contact, DaoCallReason refusal, gint64 now_ms)
{
  /* Not RTLD_NEXT: the plugin loads its library in a scope of its own. */
  void *libdao = dlopen ("libdao.so.0", RTLD_LAZY | RTLD_NOLOAD);
  void (*receive) (DaoCall *, const DaoSignal *, const DaoContact *,
      DaoCallReason, gint64);
  g_autofree gchar *sdp = NULL;

  if (signal->sdp)
    sdp = g_strdelimit (g_strdup (signal->sdp), "\r\n", '|');
  if (sdp || signal->candidate)
    g_print ("SIGNAL-TAP %s\n", sdp ? sdp : signal->candidate);

  *(void **) &receive = libdao ? dlsym (libdao, "dao_call_receive") : NULL;
  if (!receive)
    g_error ("SIGNAL-TAP: libdao's dao_call_receive is not there");
  receive (call, signal, contact, refusal, now_ms);
}
