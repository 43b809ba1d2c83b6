/* gst-dao: the English word list of BIP-39
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define DAO_WORDLIST_SIZE 2048

/* Sorted, so that a word can be found by bisection. */
extern const gchar *const dao_wordlist[DAO_WORDLIST_SIZE];

G_END_DECLS
