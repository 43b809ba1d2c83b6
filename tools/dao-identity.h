/* dao-identity: one account from the command line
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 *   dao-identity.c        options, output, exit codes, commands on local files
 *   dao-identity-relay.c  commands that talk to the relay
 */
#pragma once

#include "dao-account.h"

G_BEGIN_DECLS

/* docs/dao-identity.md */
typedef enum
{
  EXIT_OK = 0,
  EXIT_FAILED = 1,              /* anything without a number of its own */
  EXIT_USAGE = 2,
  EXIT_FILE = 3,                /* a file is missing, damaged, or open to others */
  EXIT_EXISTS = 4,              /* new: there is an identity already */
  EXIT_IN_USE = 5,              /* another process uses the account */
  EXIT_MNEMONIC = 6,            /* not a valid phrase */
  EXIT_RELAY = 7,               /* unreachable, or an answer we cannot use */
  EXIT_REFUSED = 8,             /* the relay refuses the login or the request */
  EXIT_UNKNOWN = 9,             /* no such user, contact or friend request */
  EXIT_KEYS = 10,               /* keys that must not be pinned, or that changed */
  EXIT_CODE = 11,               /* the safety code is another one */
} ExitCode;

typedef struct
{
  gchar *path;                  /* of the identity */
  gchar *relay;                 /* NULL = the identity file's */
  gchar *nickname;
  gchar *code;
  gchar *from_mnemonic_file;
  gchar *mnemonic_file;
  gboolean show_mnemonic;
  gboolean offline;
} Options;

/* An identity, locked for this process, with its contacts. */
typedef struct
{
  Options *options;
  int lock_fd;
  DaoIdentity *identity;
  DaoContacts *contacts;
  DaoRelayClient *client;       /* NULL until session_connect() */
} Session;

/* A line of JSON on stdout; takes @line. */
void print_line (json_t * line);
json_t *contact_line (const gchar * event, Session * session,
    const DaoContact * contact);
gboolean session_save (Session * session, GError ** error);

gboolean session_connect (Session * session, GError ** error);
gboolean command_register (Session * session, const gchar * alias,
    GError ** error);
gboolean command_add (Session * session, const gchar * alias, GError ** error);
gboolean command_accept (Session * session, const gchar * alias,
    GError ** error);
gboolean command_list (Session * session, const gchar * alias,
    GError ** error);

#define TOOL_ERROR (tool_error_quark ())
GQuark tool_error_quark (void);
typedef enum { TOOL_ERROR_UNKNOWN, TOOL_ERROR_CODE, TOOL_ERROR_USAGE } ToolError;

G_END_DECLS
