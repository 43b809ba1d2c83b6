/* gst-dao: tells when the network of this host changes
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-network-watch.h"

#include <errno.h>
#include <glib-unix.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel fills pages; a message that is longer is cut, and then not looked at. */
#define MAX_MESSAGES 16384

typedef struct
{
  int fd;
  GHashTable *down;             /* numbers of links that do not run */
  DaoNetworkFunc func;
  gpointer user_data;
} Watch;

static void
watch_free (gpointer data)
{
  Watch *watch = data;

  close (watch->fd);
  g_hash_table_unref (watch->down);
  g_free (watch);
}

/* A new address comes with the route to its network. */
static gboolean
is_new_route (struct nlmsghdr *header)
{
  const struct rtmsg *route = NLMSG_DATA (header);

  return header->nlmsg_len >= NLMSG_LENGTH (sizeof *route)
      && route->rtm_table == RT_TABLE_MAIN && route->rtm_type == RTN_UNICAST;
}

/* A cable may be pulled and put back, and address and routes stay. */
static gboolean
runs_again (Watch * watch, struct nlmsghdr *header)
{
  const struct ifinfomsg *link = NLMSG_DATA (header);

  if (header->nlmsg_len < NLMSG_LENGTH (sizeof *link))
    return FALSE;
  if (link->ifi_flags & IFF_RUNNING)
    return g_hash_table_remove (watch->down, GINT_TO_POINTER (link->ifi_index));
  g_hash_table_add (watch->down, GINT_TO_POINTER (link->ifi_index));
  return FALSE;
}

static void
read_messages (Watch * watch, struct nlmsghdr *header, guint size,
    gboolean * more, gboolean * less)
{
  for (; NLMSG_OK (header, size); header = NLMSG_NEXT (header, size)) {
    if (header->nlmsg_type == RTM_NEWROUTE)
      *more |= is_new_route (header);
    else if (header->nlmsg_type == RTM_NEWLINK)
      *more |= runs_again (watch, header);
    else if (header->nlmsg_type == RTM_DELADDR)
      *less = TRUE;
  }
}

static gboolean
on_readable (gint fd, GIOCondition condition, gpointer user_data)
{
  Watch *watch = user_data;
  struct nlmsghdr messages[MAX_MESSAGES / sizeof (struct nlmsghdr)];
  gboolean more = FALSE, less = FALSE;
  gssize size;

  while ((size = recv (fd, messages, sizeof messages, MSG_DONTWAIT)) > 0)
    read_messages (watch, messages, (guint) size, &more, &less);
  /* More came than the socket holds: some of it may be what we wait for. */
  if (size < 0 && errno == ENOBUFS)
    more = TRUE;
  if (more || less)
    watch->func (more, watch->user_data);
  return G_SOURCE_CONTINUE;
}

GSource *
dao_network_watch_new (GMainContext * context, DaoNetworkFunc func,
    gpointer user_data)
{
  struct sockaddr_nl address = {.nl_family = AF_NETLINK,
    .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR
        | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE
  };
  int fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  GSource *source;
  Watch *watch;

  if (fd < 0)
    return NULL;
  if (bind (fd, (struct sockaddr *) &address, sizeof address) != 0) {
    close (fd);
    return NULL;
  }
  watch = g_new0 (Watch, 1);
  watch->fd = fd;
  watch->down = g_hash_table_new (NULL, NULL);
  watch->func = func;
  watch->user_data = user_data;
  source = g_unix_fd_source_new (fd, G_IO_IN);
  g_source_set_callback (source, G_SOURCE_FUNC (on_readable), watch,
      watch_free);
  g_source_attach (source, context);
  return source;
}

/* Only an address of this host can be bound to. */
gboolean
dao_network_lost_address (GSocketConnection * connection)
{
  g_autoptr (GSocketAddress) local =
      g_socket_connection_get_local_address (connection, NULL);
  union
  {
    struct sockaddr any;
    struct sockaddr_in ip;
    struct sockaddr_in6 ip6;
  } address;
  gboolean lost;
  int fd;

  if (local == NULL || !g_socket_address_to_native (local, &address,
          sizeof address, NULL))
    return FALSE;
  if (address.any.sa_family == AF_INET6)
    address.ip6.sin6_port = 0;
  else
    address.ip.sin_port = 0;
  fd = socket (address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return FALSE;
  lost = bind (fd, &address.any, g_socket_address_get_native_size (local)) != 0
      && errno == EADDRNOTAVAIL;
  close (fd);
  return lost;
}
