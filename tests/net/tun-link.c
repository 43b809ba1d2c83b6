/* gst-dao: a bad network link between two network namespaces, for tests
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 *   tun-link NETNS-A DEVICE-A NETNS-B DEVICE-B [--delay MS] [--jitter MS] [--loss PERCENT]
 *       [--reorder PERCENT] [--seed N]
 *
 * Makes a tun device in each namespace (/run/netns/NAME), prints "ready" once both are there,
 * and forwards packets between them; addresses and routes are the caller's business. Delay,
 * jitter and loss are those of one direction, independent in each. It obeys lines on stdin:
 *
 *   cut             every packet is lost from now on, also those on their way
 *   restore         the end of that
 *   delay MS, jitter MS, loss PERCENT, reorder PERCENT
 *                   for the packets that come from now on
 *
 * and answers each with "ok" or "error". It ends when stdin does, and then says what it did.
 * The seed makes the same decisions for the same packets.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The largest packet of an interface with an MTU of 1500, with room. */
#define MAX_PACKET 2048
/* 100 Mbit/s of 1500-byte packets for a second: more than that is no link but a leak. */
#define MAX_QUEUED 10000

typedef struct
{
  gint64 due_us;
  gsize size;
  guint8 data[];
} Packet;

typedef struct
{
  int from, to;                 /* tun devices */
  GQueue queue;                 /* Packet, by due_us */
  gint64 last_due_us;           /* of those that keep their order */
  guint64 forwarded, lost;
} Direction;

typedef struct
{
  Direction directions[2];
  gdouble delay_ms, jitter_ms, loss, reorder;
  gboolean cut;
  GRand *rand;
} Link;

static G_GNUC_NORETURN void
die (const gchar * what, const gchar * name)
{
  fprintf (stderr, "tun-link: %s %s: %s\n", what, name, g_strerror (errno));
  exit (1);
}

static int
open_tun (const gchar * netns, const gchar * device)
{
  g_autofree gchar *path = g_build_filename ("/run/netns", netns, NULL);
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI };
  int ns = open (path, O_RDONLY | O_CLOEXEC);
  int tun;

  if (ns < 0 || setns (ns, CLONE_NEWNET) != 0)
    die ("namespace", netns);
  close (ns);
  tun = open ("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  g_strlcpy (request.ifr_name, device, sizeof (request.ifr_name));
  if (tun < 0 || ioctl (tun, TUNSETIFF, &request) != 0)
    die ("tun device", device);
  return tun;
}

/* --- packets --- */

static gboolean
happens (Link * link, gdouble percent)
{
  return g_rand_double_range (link->rand, 0, 100) < percent;
}

/* Jitter makes a packet wait for those before it, as a queue on the way does. One that is
 * reordered comes later than its turn, and the next ones do not wait for it. */
static gint64
due_time (Link * link, Direction * direction, gint64 now_us)
{
  gdouble ms = link->delay_ms +
      link->jitter_ms * g_rand_double_range (link->rand, -1, 1);
  gint64 due = now_us + (gint64) (MAX (ms, 0) * 1000);

  if (happens (link, link->reorder))
    return due + (gint64) (MAX (link->jitter_ms, 1) * 2000);
  direction->last_due_us = MAX (due, direction->last_due_us);
  return direction->last_due_us;
}

static void
enqueue (Direction * direction, Packet * packet)
{
  GList *before = direction->queue.tail;

  while (before && ((Packet *) before->data)->due_us > packet->due_us)
    before = before->prev;
  if (before)
    g_queue_insert_after (&direction->queue, before, packet);
  else
    g_queue_push_head (&direction->queue, packet);
}

static void
receive (Link * link, Direction * direction)
{
  guint8 data[MAX_PACKET];
  gssize size;

  while ((size = read (direction->from, data, sizeof (data))) > 0) {
    Packet *packet;

    if (link->cut || happens (link, link->loss)
        || direction->queue.length >= MAX_QUEUED) {
      direction->lost++;
      continue;
    }
    packet = g_malloc (sizeof (Packet) + size);
    packet->size = size;
    memcpy (packet->data, data, size);
    packet->due_us = due_time (link, direction, g_get_monotonic_time ());
    enqueue (direction, packet);
  }
}

static void
forward_due (Direction * direction)
{
  gint64 now_us = g_get_monotonic_time ();
  Packet *packet;

  while ((packet = g_queue_peek_head (&direction->queue))
      && packet->due_us <= now_us) {
    g_queue_pop_head (&direction->queue);
    /* A full device loses the packet, as a full interface does. */
    if (write (direction->to, packet->data, packet->size) >= 0)
      direction->forwarded++;
    else
      direction->lost++;
    g_free (packet);
  }
}

static void
drop_queued (Direction * direction)
{
  direction->lost += direction->queue.length;
  g_queue_clear_full (&direction->queue, g_free);
}

/* Until the next packet is due; NULL = for ever. */
static struct timespec *
time_to_wait (Link * link, struct timespec *wait)
{
  gint64 due_us = G_MAXINT64, left_us;

  for (guint i = 0; i < 2; i++) {
    Packet *packet = g_queue_peek_head (&link->directions[i].queue);

    if (packet)
      due_us = MIN (due_us, packet->due_us);
  }
  if (due_us == G_MAXINT64)
    return NULL;
  left_us = MAX (due_us - g_get_monotonic_time (), 0);
  wait->tv_sec = left_us / G_USEC_PER_SEC;
  wait->tv_nsec = left_us % G_USEC_PER_SEC * 1000;
  return wait;
}

/* --- control --- */

static gboolean
obey (Link * link, const gchar * line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  const struct
  {
    const gchar *name;
    gdouble *value;
  } values[] = {
    {"delay", &link->delay_ms}, {"jitter", &link->jitter_ms},
    {"loss", &link->loss}, {"reorder", &link->reorder},
  };

  if (g_str_equal (line, "cut") || g_str_equal (line, "restore")) {
    link->cut = g_str_equal (line, "cut");
    for (guint i = 0; link->cut && i < 2; i++)
      drop_queued (&link->directions[i]);
    return TRUE;
  }
  for (guint i = 0; g_strv_length (words) == 2 && i < G_N_ELEMENTS (values);
      i++) {
    gchar *end;
    gdouble value = g_ascii_strtod (words[1], &end);

    if (g_str_equal (words[0], values[i].name) && end != words[1] && !*end
        && value >= 0) {
      *values[i].value = value;
      return TRUE;
    }
  }
  return FALSE;
}

/* FALSE at the end of stdin. */
static gboolean
read_commands (Link * link, GString * pending)
{
  gchar data[256];
  gssize size = read (STDIN_FILENO, data, sizeof (data));
  gchar *end;

  if (size <= 0)
    return FALSE;
  g_string_append_len (pending, data, size);
  while ((end = strchr (pending->str, '\n'))) {
    *end = '\0';
    puts (obey (link, pending->str) ? "ok" : "error");
    g_string_erase (pending, 0, end - pending->str + 1);
  }
  return TRUE;
}

static void
run (Link * link)
{
  g_autoptr (GString) pending = g_string_new (NULL);
  gboolean go_on = TRUE;

  while (go_on) {
    struct pollfd fds[] = {
      {STDIN_FILENO, POLLIN}, {link->directions[0].from, POLLIN},
      {link->directions[1].from, POLLIN},
    };
    struct timespec wait;

    if (ppoll (fds, G_N_ELEMENTS (fds), time_to_wait (link, &wait), NULL) < 0)
      die ("poll", "devices");
    for (guint i = 0; i < 2; i++) {
      receive (link, &link->directions[i]);
      forward_due (&link->directions[i]);
    }
    if (fds[0].revents)
      go_on = read_commands (link, pending);
  }
}

int
main (int argc, char **argv)
{
  Link link = { 0, };
  gint seed = 1;
  GOptionEntry entries[] = {
    {"delay", 0, 0, G_OPTION_ARG_DOUBLE, &link.delay_ms, "one way", "MS"},
    {"jitter", 0, 0, G_OPTION_ARG_DOUBLE, &link.jitter_ms, "+-", "MS"},
    {"loss", 0, 0, G_OPTION_ARG_DOUBLE, &link.loss, "lost packets", "%"},
    {"reorder", 0, 0, G_OPTION_ARG_DOUBLE, &link.reorder, "late packets", "%"},
    {"seed", 0, 0, G_OPTION_ARG_INT, &seed, "of all decisions", "N"},
    {NULL}
  };
  g_autoptr (GOptionContext) context =
      g_option_context_new ("NETNS-A DEVICE-A NETNS-B DEVICE-B");

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, NULL) || argc != 5) {
    fprintf (stderr, "usage: tun-link NETNS-A DEVICE-A NETNS-B DEVICE-B "
        "[--delay MS] [--jitter MS] [--loss %%] [--reorder %%] [--seed N]\n");
    return 2;
  }
  setvbuf (stdout, NULL, _IOLBF, 0);
  link.rand = g_rand_new_with_seed (seed);
  link.directions[0].from = link.directions[1].to = open_tun (argv[1], argv[2]);
  link.directions[1].from = link.directions[0].to = open_tun (argv[3], argv[4]);
  puts ("ready");
  run (&link);
  for (guint i = 0; i < 2; i++) {
    drop_queued (&link.directions[i]);
    printf ("%s: %" G_GUINT64_FORMAT " packets forwarded, %" G_GUINT64_FORMAT
        " lost\n", argv[1 + 2 * i], link.directions[i].forwarded,
        link.directions[i].lost);
  }
  g_rand_free (link.rand);
  return 0;
}
