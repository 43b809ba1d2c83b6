/* gst-dao: the vectors of signed signals, which fill a file of their own
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "dao-vectors.h"

G_BEGIN_DECLS

gboolean dao_vector_run_signed_signal (json_t * case_, GString * why);
gboolean dao_vector_run_envelope (json_t * case_, GString * why);
gboolean dao_vector_run_envelope_verdict (json_t * case_, GString * why);

G_END_DECLS
