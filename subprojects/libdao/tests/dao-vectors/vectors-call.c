/* gst-dao: vectors of the group "call"
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-vectors.h"

const DaoVectorHandler dao_vectors_call[] = {
  {NULL, NULL},
};
