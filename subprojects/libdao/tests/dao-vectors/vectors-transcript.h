/* gst-dao: the vectors of http_ws_transcript
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "dao-vectors.h"

G_BEGIN_DECLS

gboolean dao_vectors_run_transcript (json_t * case_, GString * why);

G_END_DECLS
