/* gst-dao: runs the protocol's test vectors
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * dao-vectors DIR runs every case of every *.json in DIR. A file's stem
 * ("pow" of pow.json) picks its handler; the handlers come from four groups,
 * one source file a group. Everything is driven by the file: no counts and no
 * names of cases are known here, so other files of the same schema run too.
 */
#pragma once

#include <glib.h>
#include <jansson.h>

G_BEGIN_DECLS

/**
 * DaoVectorRun:
 * @case_: one element of the file's `cases`, an object
 * @why: on failure, what differs (one line)
 *
 * Must check every member that the schema gives; a member that the case needs
 * and lacks is a failure (see the dao_vector_need_* functions).
 *
 * Returns: TRUE if the case passed
 */
typedef gboolean (*DaoVectorRun) (json_t * case_, GString * why);

typedef struct
{
  const gchar *stem;            /* file name without ".json" */
  DaoVectorRun run;
} DaoVectorHandler;

/* Each ends with { NULL, NULL }. */
extern const DaoVectorHandler dao_vectors_core[];
extern const DaoVectorHandler dao_vectors_frame[];
extern const DaoVectorHandler dao_vectors_call[];
extern const DaoVectorHandler dao_vectors_relay[];

/* The file that is being run: a transcript names its accounts in `description`. */
extern json_t *dao_vector_file;

/* Members of a case. NULL or FALSE appends to @why that the member is missing or malformed. */
const gchar *dao_vector_need_string (json_t * object, const gchar * name,
    GString * why);
gboolean dao_vector_need_int (json_t * object, const gchar * name,
    gint64 * value, GString * why);
gboolean dao_vector_need_bool (json_t * object, const gchar * name,
    gboolean * value, GString * why);
json_t *dao_vector_need_array (json_t * object, const gchar * name,
    GString * why);
json_t *dao_vector_need_object (json_t * object, const gchar * name,
    GString * why);
/* Hex of any length; (transfer full). */
GByteArray *dao_vector_need_hex (json_t * object, const gchar * name,
    GString * why);
/* Hex of exactly @length bytes. */
gboolean dao_vector_need_hex_exact (json_t * object, const gchar * name,
    guint8 * data, gsize length, GString * why);

/* Compare; on a difference append "@what: got ..., want ..." to @why. */
gboolean dao_vector_same_string (const gchar * what, const gchar * got,
    const gchar * want, GString * why);
gboolean dao_vector_same_bytes (const gchar * what, const guint8 * got,
    gsize got_length, const guint8 * want, gsize want_length, GString * why);
gboolean dao_vector_same_int (const gchar * what, gint64 got, gint64 want,
    GString * why);
/* Member @name is the hex of these bytes. */
gboolean dao_vector_same_hex (json_t * object, const gchar * name,
    const guint8 * got, gsize length, GString * why);

G_END_DECLS
