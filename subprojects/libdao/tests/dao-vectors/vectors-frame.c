/* gst-dao: vectors of the group "frame"
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-vectors.h"

const DaoVectorHandler dao_vectors_frame[] = {
  {NULL, NULL},
};
