/* gst-dao: load for a relay: as many WebSocket frames as it forwards
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * bench-relay-load PORT SECONDS WINDOW, and on stdin a line "ALIAS TARGET" a
 * connection: the alias it logs in as and the path of its WebSocket. Each
 * connection keeps WINDOW frames on their way to another one; what arrives is
 * counted. Every frame lies about its sender, and the first that arrives
 * everywhere must tell the truth. Prints frames per second.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define FRAME 1200              /* bytes of a message */
#define WIRE (FRAME + 8)        /* with header and mask */
#define MAX_CONNECTIONS 1000
#define MAX_WINDOW 64

typedef struct
{
  int fd;
  char alias[40];
  char block[MAX_WINDOW * WIRE];        /* the same frame over and over: any length can be sent from it */
  size_t phase, to_send;
  size_t skip;                  /* bytes of an arriving frame still to come */
  unsigned char head[4];
  unsigned head_length;
  char first[FRAME + 64];       /* the first message, to look at */
  size_t first_length;
  int seen;
} Connection;

static Connection connections[MAX_CONNECTIONS];
static int n_connections;
static int poll_fd;
static unsigned long long received;

static void
fail (const char *what)
{
  fprintf (stderr, "bench-relay-load: %s: %s\n", what, strerror (errno));
  exit (1);
}

static double
now (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static void
build_block (Connection * c, const char *to, int window)
{
  static const unsigned char mask[4] = { 0x5a, 0xc3, 0x11, 0x97 };
  char text[FRAME + 1];
  int n = snprintf (text, sizeof text, "{\"type\":\"call_ice\",\"to\":\"%s\","
      "\"call_id\":\"2923c05e-f0ec-4429-a825-c0ee3b8f7fdd\","
      "\"from\":\"u00000000\",\"crypto_v\":2,\"payload\":\"", to);

  memset (text + n, 'A', FRAME - n);
  memcpy (text + FRAME - 2, "\"}", 2);
  for (int w = 0; w < window; w++) {
    unsigned char *out = (unsigned char *) c->block + w * WIRE;

    out[0] = 0x81;
    out[1] = 0x80 | 126;
    out[2] = FRAME >> 8;
    out[3] = FRAME & 0xff;
    memcpy (out + 4, mask, 4);
    for (int i = 0; i < FRAME; i++)
      out[8 + i] = text[i] ^ mask[i & 3];
  }
}

static void
open_connection (Connection * c, int port, const char *target)
{
  struct sockaddr_in address = {.sin_family = AF_INET,.sin_port =
        htons (port),.sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  char text[2048];
  int one = 1, n;
  size_t got = 0;

  c->fd = socket (AF_INET, SOCK_STREAM, 0);
  if (connect (c->fd, (struct sockaddr *) &address, sizeof address) < 0)
    fail ("connect");
  setsockopt (c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  n = snprintf (text, sizeof text, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", target);
  if (write (c->fd, text, n) != n)
    fail ("write");
  do {
    if (read (c->fd, text + got, 1) != 1)
      fail ("handshake");
    got++;
  } while (got < 4 || (memcmp (text + got - 4, "\r\n\r\n", 4) != 0
          && got < sizeof text));
  if (memcmp (text, "HTTP/1.1 101", 12) != 0)
    fail ("no upgrade");
  fcntl (c->fd, F_SETFL, O_NONBLOCK);
}

static void
flush_connection (Connection * c, size_t block)
{
  while (c->to_send > 0) {
    size_t length = block - c->phase;
    ssize_t n;

    if (length > c->to_send)
      length = c->to_send;
    n = send (c->fd, c->block + c->phase, length, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      return;                   /* edge-triggered: it will be told when there is room */
    if (n <= 0)
      fail ("send");
    c->phase = (c->phase + n) % block;
    c->to_send -= n;
  }
}

static void
look_at_first (Connection * c, const Connection * sender)
{
  char expected[64];

  snprintf (expected, sizeof expected, "\"from\":\"%s\"", sender->alias);
  c->first[c->first_length] = '\0';
  if (!strstr (c->first, expected)) {
    fprintf (stderr, "bench-relay-load: wrong sender: %.120s\n", c->first);
    exit (1);
  }
  c->seen = 1;
}

/* Counts the frames that end in @data. */
static unsigned
count_frames (Connection * c, const char *data, size_t length,
    const Connection * sender)
{
  unsigned frames = 0;

  while (length > 0) {
    if (c->skip == 0) {
      c->head[c->head_length++] = *data++;
      length--;
      if (c->head_length < 4)
        continue;
      if (c->head[0] != 0x81 || c->head[1] != 126)
        fail ("unexpected frame");
      c->skip = c->head[2] << 8 | c->head[3];
      c->head_length = 0;
    } else {
      size_t n = length < c->skip ? length : c->skip;

      if (!c->seen && c->first_length + n < sizeof c->first) {
        memcpy (c->first + c->first_length, data, n);
        c->first_length += n;
      }
      data += n;
      length -= n;
      c->skip -= n;
      if (c->skip == 0) {
        frames++;
        if (!c->seen)
          look_at_first (c, sender);
      }
    }
  }
  return frames;
}

static void
on_event (int i, unsigned events, size_t block)
{
  static char buffer[1 << 18];
  Connection *c = &connections[i];
  Connection *sender =
      &connections[(i + n_connections - n_connections / 2) % n_connections];
  ssize_t n;
  unsigned frames = 0;

  if (events & EPOLLOUT)
    flush_connection (c, block);
  if (!(events & EPOLLIN))
    return;
  while ((n = read (c->fd, buffer, sizeof buffer)) > 0) {
    frames += count_frames (c, buffer, n, sender);
    if ((size_t) n < sizeof buffer)
      break;
  }
  if (n == 0 || (n < 0 && errno != EAGAIN))
    fail ("connection lost");
  received += frames;
  sender->to_send += frames * (size_t) WIRE;
  flush_connection (sender, block);
}

static void
run_for (double seconds, size_t block)
{
  struct epoll_event events[256];
  double end = now () + seconds;

  while (now () < end) {
    int n = epoll_wait (poll_fd, events, 256, 100);

    for (int i = 0; i < n; i++)
      on_event ((int) events[i].data.u32, events[i].events, block);
  }
}

int
main (int argc, char **argv)
{
  int port, window;
  static char targets[MAX_CONNECTIONS][600];
  double seconds, start;

  if (argc != 4)
    return 2;
  port = atoi (argv[1]);
  seconds = atof (argv[2]);
  window = atoi (argv[3]);
  if (window < 1 || window > MAX_WINDOW)
    return 2;
  while (n_connections < MAX_CONNECTIONS
      && scanf ("%39s %599s", connections[n_connections].alias,
          targets[n_connections]) == 2)
    n_connections++;
  poll_fd = epoll_create1 (0);
  for (int i = 0; i < n_connections; i++) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET,
      .data.u32 = (uint32_t) i
    };

    open_connection (&connections[i], port, targets[i]);
    build_block (&connections[i],
        connections[(i + n_connections / 2) % n_connections].alias, window);
    epoll_ctl (poll_fd, EPOLL_CTL_ADD, connections[i].fd, &event);
  }
  for (int i = 0; i < n_connections; i++) {
    connections[i].to_send = (size_t) window *WIRE;
    flush_connection (&connections[i], (size_t) window * WIRE);
  }
  run_for (0.5, (size_t) window * WIRE);        /* warm */
  received = 0;
  start = now ();
  run_for (seconds, (size_t) window * WIRE);
  printf ("%.0f\n", received / (now () - start));
  return 0;
}
