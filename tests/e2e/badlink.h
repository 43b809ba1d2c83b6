/* gst-dao: a bad network inside the process, for the media of whole calls
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Not the bed of tests/net: what uses this runs under AddressSanitizer, needs no namespaces, looks into the elements of
 * both ends while the link is bad (the epochs and counters of test-rekey), and must not lose ICE and DTLS with the media.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Behind DTLS-SRTP, so that packets are lost as on a real path: retransmission works.
 * DTLS and ICE are left alone. */
typedef struct _BadLink BadLink;

BadLink *bad_link_new (void);
/* Once the pipelines it was attached to are in NULL; peer connections may still be taken down, and send nothing. */
void bad_link_free (BadLink * link);

/* What @pipeline sends from now on; peer connections that appear later, too */
void bad_link_attach (BadLink * link, GstElement * pipeline);

/* Any time: loss in percent; delay with jitter around it, which reorders */
void bad_link_set (BadLink * link, guint loss, guint delay_ms,
    guint jitter_ms);

G_END_DECLS
