/* gst-dao: fuzzes the relay's hub with what two clients send
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One line a step. 'a' or 'b' and a text: alice or bob sends it. 'A' or 'B': they take
 * what came. 't' and digits: seconds pass. 'r': alice logs in anew, 'c': and connects anew.
 * What comes out is whole WebSocket frames of JSON, and no call frame names a false sender.
 */
#include "fuzz.h"
#include "relay-hub.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MAX_STEPS 256

static const RelayAccount accounts[2] = {
  {1, "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "alice"},
  {2, "0284f9ef-0279-4643-9424-d230fcd5080d", "bob"},
};

typedef struct
{
  RelayHub *hub;
  gint64 now_us;
  RelaySocket *sockets[2];
  gboolean gone[2];             /* cut off, or told to close */
  gboolean sent[2][2];          /* [from][to]: since [to] took what came */
  guint8 token[RELAY_TOKEN_HASH_SIZE];
} World;

static void
wake (gpointer transport)
{
}

/* As the server does it: not at once, but no frame comes any more. */
static void
cut (gpointer transport)
{
  *(gboolean *) transport = TRUE;
}

static const RelayTransportOps ops = { wake, cut };

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_init ();
  return 0;
}

static void
check_message (World * world, guint who, const gchar * text, gsize length)
{
  json_t *object = json_loadb (text, length, JSON_ALLOW_NUL, NULL);
  const gchar *type = json_string_value (json_object_get (object, "type"));
  const gchar *from = json_string_value (json_object_get (object, "from"));

  if (object == NULL) {
    /* see fuzz-relay-route.c; it has a sender all the same */
    g_assert_nonnull (g_strstr_len (text, length, "\"from\""));
    return;
  }
  g_assert_nonnull (type);
  if (g_str_has_prefix (type, "call_"))
    g_assert_true ((world->sent[0][who]
            && g_strcmp0 (from, accounts[0].alias) == 0)
        || (world->sent[1][who]
            && g_strcmp0 (from, accounts[1].alias) == 0));
  json_decref (object);
}

/* RFC 6455, 5.2: what a server sends, unmasked and in one piece */
static gsize
check_frame (World * world, guint who, const guint8 * data, gsize length)
{
  gsize size, head = 2;

  g_assert_cmpuint (length, >=, 2);
  g_assert_true (data[0] == 0x81 || data[0] == 0x88);
  size = data[1];
  g_assert_cmpuint (size, <=, 127);
  if (size >= 126) {
    guint bytes = size == 126 ? 2 : 8;

    g_assert_cmpuint (length, >=, 2 + bytes);
    for (size = 0; head < 2 + bytes; head++)
      size = size << 8 | data[head];
  }
  g_assert_cmpuint (length - head, >=, size);
  if (data[0] == 0x81)
    check_message (world, who, (const gchar *) data + head, size);
  return head + size;
}

static void
take (World * world, guint who)
{
  const guint8 *data;
  gsize length, at = 0;

  if (world->sockets[who] == NULL)
    return;
  length = relay_socket_peek (world->sockets[who], &data);
  g_assert_cmpuint (length, <=, RELAY_MAX_QUEUE);
  while (at < length)
    at += check_frame (world, who, data + at, length - at);
  relay_socket_consume (world->sockets[who], length, world->now_us);
  world->sent[0][who] = world->sent[1][who] = FALSE;
}

static void
leave (World * world, guint who)
{
  if (world->sockets[who] != NULL)
    relay_hub_detach (world->sockets[who]);
  world->sockets[who] = NULL;
}

static void
join (World * world, guint who)
{
  leave (world, who);
  world->gone[who] = FALSE;
  world->sockets[who] = relay_hub_attach (world->hub, &accounts[who],
      world->token, &world->gone[who], world->now_us);
}

static void
step (World * world, const gchar * line)
{
  guint who = line[0] == 'b' || line[0] == 'B';

  switch (line[0]) {
    case 'a':
    case 'b':
      world->sent[who][0] = world->sent[who][1] = TRUE;
      if (world->sockets[who] != NULL && !world->gone[who]
          && !relay_socket_receive (world->sockets[who], line + 1,
              strlen (line + 1), world->now_us))
        leave (world, who);
      break;
    case 'A':
    case 'B':
      take (world, who);
      break;
    case 't':
      world->now_us += (atoi (line + 1) & 0xff) * G_USEC_PER_SEC;
      relay_hub_sweep (world->hub, world->now_us);
      break;
    case 'r':
      world->token[0]++;
      relay_hub_revoke (world->hub, accounts[0].id, world->token,
          world->now_us);
      break;
    case 'c':
      join (world, 0);
      break;
    default:
      break;
  }
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  FuzzReader reader = { data, size };
  World world = {.now_us = G_USEC_PER_SEC };
  gchar *line;

  world.hub = relay_hub_new (&relay_hub_default_limits, &ops);
  join (&world, 0);
  join (&world, 1);
  for (guint i = 0; i < MAX_STEPS && (line = fuzz_line (&reader)) != NULL; i++) {
    step (&world, line);
    g_free (line);
  }
  take (&world, 0);
  take (&world, 1);
  relay_hub_shutdown (world.hub, world.now_us);
  leave (&world, 0);
  leave (&world, 1);
  g_assert_cmpuint (relay_hub_n_sockets (world.hub), ==, 0);
  relay_hub_free (world.hub);
  return 0;
}
