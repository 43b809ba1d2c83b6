/* gst-dao: what the fuzz targets share
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A target is one file fuzz-NAME.c with LLVMFuzzerTestOneInput(): libFuzzer calls it
 * with what it makes up, replay.c with what is in corpus/NAME. A target keeps nothing
 * from one input to the next, and breaks off (g_assert) where a property does not hold.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

int LLVMFuzzerInitialize (int *argc, char ***argv);
int LLVMFuzzerTestOneInput (const guint8 * data, gsize size);

/* Warnings and criticals are findings, debug output is none. */
void fuzz_init (void);

/* An input read as a row of fields. Behind its end everything is zero. */
typedef struct
{
  const guint8 *data;
  gsize size;
} FuzzReader;

guint8 fuzz_u8 (FuzzReader * reader);
guint16 fuzz_u16 (FuzzReader * reader);
guint32 fuzz_u32 (FuzzReader * reader);
/* At most @size bytes in memory of just that size: a sanitizer sees a read behind it. (transfer full) */
guint8 *fuzz_bytes (FuzzReader * reader, gsize size, gsize * length);
/* The next line without its end, as a string; it ends at a NUL, too. NULL = no more. (transfer full) */
gchar *fuzz_line (FuzzReader * reader);

/* A file of mode 0600 with that content; its path stays the same for the process, and both go with it. */
const gchar *fuzz_private_file (const guint8 * data, gsize size);
const gchar *fuzz_path (void);  /* of that file */

G_END_DECLS
