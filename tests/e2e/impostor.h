/* gst-dao: somebody with keys of his own whom the relay puts between Alice and Bob
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Everything of his is genuine but for who he is: he opens what is sealed for him, and signs and seals it anew for
 * whom it was for. What he cannot open, he makes up.
 */
#pragma once

#include "keyswap.h"

G_BEGIN_DECLS

typedef struct _Impostor Impostor;

/* He knows who is who, and does nothing yet. */
Impostor *impostor_new (Stage * s);
void impostor_free (Impostor * impostor);

/* Account @to is shown his keys as those of the other one. */
void impostor_show_keys (Impostor * impostor, guint to);
/* What account @from sends of a call goes through his hands: all of it, or frames of type @what. */
void impostor_take_over (Impostor * impostor, guint from, const gchar * what);
/* How many frames he could read, and how many he made up */
guint impostor_read (Impostor * impostor);
guint impostor_made_up (Impostor * impostor);

G_END_DECLS
