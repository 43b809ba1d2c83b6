/* gst-dao: one connection: HTTP requests, then perhaps a WebSocket
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Each connection has a RelayConnection as its opaque user data, from accept
 * to LWS_CALLBACK_WSI_DESTROY.
 */
#include "relay-connection.h"

#include "relay-api-private.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <string.h>

/* One write to the socket: what is queued for a reader goes out in pieces of this size, or of one longer frame. */
#define MAX_WRITE 65536

struct _RelayConnection
{
  RelayShared *shared;
  gchar ip[RELAY_IP_SIZE];      /* of the TCP peer, as limits count it */

  /* the request being read */
  gchar client_ip[RELAY_IP_SIZE];       /* behind a trusted proxy the one it names */
  const gchar *method;
  gchar path[RELAY_MAX_PATH];
  gchar query[RELAY_MAX_QUERY];
  gchar authorization[RELAY_MAX_AUTHORIZATION];
  GString *body;
  struct lws *waiting;          /* whose request is not answered yet: in shared->waiting */

  /* the WebSocket */
  gboolean admitted;            /* its ticket was good */
  RelayAccount account;
  guint8 token_hash[RELAY_TOKEN_HASH_SIZE];
  RelaySocket *socket;
  struct lws *wsi;
  gboolean awake;               /* in shared->awake */
  GString *message;             /* the pieces of a message that came in several */
};

static const struct
{
  enum lws_token_indexes token;
  const gchar *name;
} methods[] = {
  {WSI_TOKEN_GET_URI, "GET"},
  {WSI_TOKEN_POST_URI, "POST"},
  {WSI_TOKEN_PUT_URI, "PUT"},
  {WSI_TOKEN_OPTIONS_URI, "OPTIONS"},
};

void
relay_ip_key (const gchar * ip, gchar * key)
{
  struct in6_addr address;
  gchar text[INET6_ADDRSTRLEN];

  g_strlcpy (key, ip, RELAY_IP_SIZE);
  if (inet_pton (AF_INET6, ip, &address) != 1)
    return;
  if (IN6_IS_ADDR_V4MAPPED (&address)) {
    inet_ntop (AF_INET, address.s6_addr + 12, key, RELAY_IP_SIZE);
    return;
  }
  /* one household or machine has a whole /64 */
  memset (address.s6_addr + 8, 0, 8);
  inet_ntop (AF_INET6, &address, text, sizeof text);
  g_snprintf (key, RELAY_IP_SIZE, "%s/64", text);
}

RelayConnection *
relay_connection_new (RelayShared * shared, const gchar * ip)
{
  RelayConnection *c = g_new0 (RelayConnection, 1);

  c->shared = shared;
  relay_ip_key (ip, c->ip);
  shared->n_connections++;
  return c;
}

static void
drop_string (GString ** string)
{
  if (*string)
    g_string_free (*string, TRUE);
  *string = NULL;
}

void
relay_connection_free (RelayConnection * c)
{
  if (c->socket)
    relay_hub_detach (c->socket);
  drop_string (&c->body);
  drop_string (&c->message);
  if (c->awake)
    g_ptr_array_remove_fast (c->shared->awake, c);
  if (c->waiting)
    g_ptr_array_remove_fast (c->shared->waiting, c);
  sodium_memzero (c->authorization, sizeof c->authorization);
  c->shared->n_connections--;
  g_free (c);
}

static gint64
now_us (RelayConnection * c)
{
  return (gint64) uv_now (c->shared->loop) * 1000;
}

static gint64
now_s (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

/* --- answers --- */

static const gchar *
reason_phrase (guint status)
{
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 204:
      return "No Content";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    default:
      return status < 500 ? "Refused" : "Error";
  }
}

/* Writes the whole answer at once; libwebsockets keeps what does not fit. Any origin may read it: access is by token, there
 * are no cookies. Returns what a callback returns. */
static gint
respond (RelayConnection * c, struct lws *wsi, const RelayResponse * response,
    gboolean and_close)
{
  g_autoptr (GString) out = g_string_sized_new (512);
  gsize length;
  gint written;

  g_string_set_size (out, LWS_PRE);
  g_string_append_printf (out, "HTTP/1.1 %u %s\r\n"
      "access-control-allow-origin: *\r\n"
      "access-control-allow-headers: Authorization, Content-Type\r\n"
      "access-control-allow-methods: GET, POST, PUT, OPTIONS\r\n"
      "access-control-max-age: 86400\r\n"
      "cache-control: no-store\r\n"
      "x-content-type-options: nosniff\r\n", response->status,
      reason_phrase (response->status));
  if (and_close)
    g_string_append (out, "connection: close\r\n");
  if (response->body)
    g_string_append_printf (out, "content-type: application/json\r\n"
        "content-length: %" G_GSIZE_FORMAT "\r\n\r\n%s",
        strlen (response->body), response->body);
  else
    g_string_append (out, "\r\n");
  length = out->len - LWS_PRE;
  written = lws_write (wsi, (guchar *) out->str + LWS_PRE, length,
      LWS_WRITE_HTTP_FINAL);
  sodium_memzero (out->str, out->len);  /* may hold a token or ticket */
  if (written < (gint) length || and_close)
    return -1;
  return lws_http_transaction_completed (wsi) ? -1 : 0;
}

static gint
respond_error (RelayConnection * c, struct lws *wsi, guint status,
    const gchar * message)
{
  RelayResponse response = { 0 };
  gint result;

  relay_response_error (&response, status, message);
  result = respond (c, wsi, &response, TRUE);
  relay_response_clear (&response);
  return result;
}

/* --- requests --- */

/* A header that is missing is "". FALSE if it is too long. */
static gboolean
copy_header (struct lws *wsi, enum lws_token_indexes token, gchar * out,
    gint size)
{
  out[0] = '\0';
  if (lws_hdr_total_length (wsi, token) == 0)
    return TRUE;
  return lws_hdr_copy (wsi, out, size, token) >= 0;
}

/* libwebsockets has cut the query at each "&". */
static gboolean
copy_query (struct lws *wsi, gchar * out, gsize size)
{
  gsize used = 0;
  gint n;

  out[0] = '\0';
  for (gint i = 0; (n = lws_hdr_fragment_length (wsi, WSI_TOKEN_HTTP_URI_ARGS,
              i)) > 0; i++) {
    if (i > 0 && used + 1 < size)
      out[used++] = '&';
    if (lws_hdr_copy_fragment (wsi, out + used, (int) (size - used),
            WSI_TOKEN_HTTP_URI_ARGS, i) < 0)
      return FALSE;
    used += n;
  }
  return TRUE;
}

/* The last address of X-Forwarded-For is the one our proxy saw; those before it are the client's own words. */
static void
find_client_ip (RelayConnection * c, struct lws *wsi)
{
  gchar header[512];
  const gchar *last;
  gchar *ip;
  struct in6_addr address;

  g_strlcpy (c->client_ip, c->ip, sizeof c->client_ip);
  if (!c->shared->options.trust_proxy
      || !copy_header (wsi, WSI_TOKEN_X_FORWARDED_FOR, header, sizeof header))
    return;
  last = strrchr (header, ',');
  ip = g_strdup (last ? last + 1 : header);
  g_strstrip (ip);
  if (inet_pton (AF_INET, ip, &address) == 1
      || inet_pton (AF_INET6, ip, &address) == 1)
    relay_ip_key (ip, c->client_ip);
  g_free (ip);
}

static gboolean
read_head (RelayConnection * c, struct lws *wsi)
{
  find_client_ip (c, wsi);
  c->method = NULL;
  for (gsize i = 0; i < G_N_ELEMENTS (methods) && !c->method; i++) {
    if (lws_hdr_total_length (wsi, methods[i].token) == 0)
      continue;
    c->method = methods[i].name;
    if (!copy_header (wsi, methods[i].token, c->path, sizeof c->path))
      return FALSE;
  }
  return c->method && copy_query (wsi, c->query, sizeof c->query)
      && copy_header (wsi, WSI_TOKEN_HTTP_AUTHORIZATION,
      c->authorization, sizeof c->authorization);
}

/* The answer comes with relay_shared_resume(). */
static gint
wait_for_ice (RelayConnection * c, struct lws *wsi)
{
  c->waiting = wsi;
  g_ptr_array_add (c->shared->waiting, c);
  return 0;
}

void
relay_shared_resume (RelayShared * shared)
{
  for (guint i = 0; i < shared->waiting->len; i++)
    lws_callback_on_writable (((RelayConnection *)
            shared->waiting->pdata[i])->waiting);
}

static gint
handle_request (RelayConnection * c, struct lws *wsi, gboolean and_close)
{
  const RelayRequest request = {
    .method = c->method,
    .path = c->path,
    .query = c->query,
    .authorization = *c->authorization ? c->authorization : NULL,
    .ip = c->client_ip,
    .body = c->body ? c->body->str : "",
    .body_length = c->body ? c->body->len : 0,
    .now_s = now_s (),
    .now_us = now_us (c),
    .resumed = c->waiting != NULL,
  };
  RelayResponse response = { 0 };
  gint result;

  if (c->waiting)
    g_ptr_array_remove_fast (c->shared->waiting, c);
  c->waiting = NULL;
  relay_api_handle (c->shared->api, &request, &response);
  if (response.status == 0)
    return wait_for_ice (c, wsi);
  drop_string (&c->body);
  sodium_memzero (c->authorization, sizeof c->authorization);
  result = respond (c, wsi, &response, and_close);
  relay_response_clear (&response);
  return result;
}

/* -1: none, -2: not a number or too large to be one */
static gint64
content_length (struct lws *wsi)
{
  gchar text[24];
  guint64 length;

  if (lws_hdr_total_length (wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) == 0)
    return -1;
  if (!copy_header (wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof text)
      || !g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT32, &length, NULL))
    return -2;
  return (gint64) length;
}

static gint
on_request (RelayConnection * c, struct lws *wsi)
{
  const RelayResponse no_content = {.status = 204 };
  gint64 length = content_length (wsi);

  drop_string (&c->body);
  if (!read_head (c, wsi))
    return respond_error (c, wsi, 400, "bad request");
  if (length == -2
      || lws_hdr_total_length (wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0)
    return respond_error (c, wsi, 411, "a plain content-length is needed");
  if (length > RELAY_MAX_BODY)
    return respond_error (c, wsi, 413, "body too large");
  if (strcmp (c->method, "OPTIONS") == 0)
    return respond (c, wsi, &no_content, length > 0);
  if (strcmp (c->method, "GET") == 0)
    return length > 0 ? respond_error (c, wsi, 400, "GET with a body") :
        handle_request (c, wsi, FALSE);
  /* Without a content-length libwebsockets takes all that follows as the body, so this connection ends here. */
  if (length == -1)
    return handle_request (c, wsi, TRUE);
  /* And it calls back for an empty body of a POST, but not of a PUT. */
  if (length == 0 && strcmp (c->method, "PUT") == 0)
    return handle_request (c, wsi, FALSE);
  return 0;
}

static gint
on_body (RelayConnection * c, struct lws *wsi, const gchar * data,
    gsize length)
{
  if (length == 0)
    return 0;
  if (!c->body)
    c->body = g_string_sized_new (length);
  if (c->body->len + length > RELAY_MAX_BODY)
    return -1;
  g_string_append_len (c->body, data, length);
  return 0;
}

/* --- the WebSocket's way in --- */

/* The value of @name in a query; (transfer full), NULL if it is not there. */
static gchar *
query_value (const gchar * query, const gchar * name)
{
  g_auto (GStrv) parts = g_strsplit (query, "&", 32);
  gsize length = strlen (name);

  for (gchar ** part = parts; *part; part++) {
    if (strncmp (*part, name, length) == 0 && (*part)[length] == '=')
      return g_strdup (*part + length + 1);
  }
  return NULL;
}

static gboolean
admit_by_token (RelayConnection * c, const gchar * uuid)
{
  g_autofree gchar *token = query_value (c->query, "token");

  if (!c->shared->options.token_in_url || !token
      || !relay_auth_token_hash (token, c->token_hash)
      || !c->shared->store->find_token (c->shared->store, c->token_hash,
          now_s (), &c->account, NULL))
    return FALSE;
  relay_account_clear (&c->account);
  return g_ascii_strcasecmp (uuid, c->account.uuid) == 0;
}

static gboolean
admit (RelayConnection * c)
{
  g_autofree gchar *uuid = query_value (c->query, "user_uuid");
  g_autofree gchar *ticket = query_value (c->query, "ticket");

  if (!uuid)
    return FALSE;
  if (ticket)
    return relay_auth_ticket_take (c->shared->auth, ticket, uuid, now_s (),
        &c->account, c->token_hash);
  return admit_by_token (c, uuid);
}

/* 0: go on, 1: answered, -1: hang up */
static gint
on_upgrade (RelayConnection * c, struct lws *wsi, const gchar * protocol)
{
  if (!read_head (c, wsi) || g_ascii_strcasecmp (protocol, "websocket") != 0)
    return respond_error (c, wsi, 400, "bad upgrade");
  if (strcmp (c->path, "/ws") != 0)
    return respond_error (c, wsi, 404, "not found");
  c->admitted = admit (c);
  sodium_memzero (c->query, sizeof c->query);
  if (!c->admitted)
    return respond_error (c, wsi, 401, "ticket missing, expired or used");
  return 0;
}

static gint
on_established (RelayConnection * c, struct lws *wsi)
{
  if (!c->admitted)
    return -1;
  c->wsi = wsi;
  c->socket = relay_hub_attach (c->shared->hub, &c->account, c->token_hash,
      wsi, now_us (c));
  return 0;
}

/* --- the WebSocket --- */

static gint
close_with (struct lws *wsi, guint code)
{
  lws_close_reason (wsi, code, NULL, 0);
  return -1;
}

static gint
on_message (RelayConnection * c, struct lws *wsi, const gchar * text,
    gsize length)
{
  if (!relay_socket_receive (c->socket, text, length, now_us (c)))
    return close_with (wsi, relay_socket_close_code (c->socket));
  return 0;
}

static gint
on_receive (RelayConnection * c, struct lws *wsi, const gchar * data,
    gsize length)
{
  gboolean last = lws_is_final_fragment (wsi);
  gint result;

  if (!c->socket)
    return -1;
  if (lws_frame_is_binary (wsi))
    return close_with (wsi, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE);
  if (last && !c->message)
    return on_message (c, wsi, data, length);
  if (!c->message)
    c->message = g_string_sized_new (2 * length);
  if (c->message->len + length > RELAY_MAX_FRAME)
    return close_with (wsi, RELAY_CLOSE_TOO_BIG);
  g_string_append_len (c->message, data, length);
  if (!last)
    return 0;
  result = on_message (c, wsi, c->message->str, c->message->len);
  drop_string (&c->message);
  return result;
}

/* The hub has framed what it queued, so many messages go out in one write: for a WebSocket, LWS_WRITE_RAW is bytes as they are.
 * Between two writes libwebsockets may answer a ping: none may end within a frame. It keeps what the socket does not
 * take, and writes that first. */
static gint
on_writable (RelayConnection * c, struct lws *wsi)
{
  const guint8 *data;
  gsize waiting, length;

  if (!c->socket)
    return -1;
  waiting = relay_socket_peek (c->socket, &data);
  length = relay_socket_peek_frames (c->socket, MAX_WRITE, &data);
  if (length > 0) {
    if (lws_write (wsi, (guchar *) data, length, LWS_WRITE_RAW) < (gint) length)
      return -1;
    relay_socket_consume (c->socket, length, now_us (c));
  }
  if (waiting > length)
    lws_callback_on_writable (wsi);
  return 0;
}

void
relay_wsi_kill (struct lws *wsi)
{
  lws_set_timeout (wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
  lws_cancel_service (lws_get_context (wsi));   /* so that the timeout is looked at now */
}

void
relay_connection_wake (RelayConnection * c)
{
  if (c->awake)
    return;
  c->awake = TRUE;
  g_ptr_array_add (c->shared->awake, c);
}

void
relay_shared_flush (RelayShared * shared)
{
  GPtrArray *awake = shared->awake;

  while (awake->len > 0) {
    RelayConnection *c = g_ptr_array_steal_index_fast (awake, awake->len - 1);

    c->awake = FALSE;
    if (!c->socket)
      continue;
    /* the rest of an earlier write goes first */
    if (lws_partial_buffered (c->wsi))
      lws_callback_on_writable (c->wsi);
    else if (on_writable (c, c->wsi) < 0)
      relay_wsi_kill (c->wsi);
  }
}

gint
relay_connection_callback (struct lws *wsi, enum lws_callback_reasons reason,
    void *user, void *in, size_t length)
{
  RelayConnection *c = wsi ? lws_get_opaque_user_data (wsi) : NULL;

  if (!c)
    return 0;                   /* of the context, or before the connection is ours */
  switch (reason) {
    case LWS_CALLBACK_HTTP:
      return on_request (c, wsi);
    case LWS_CALLBACK_HTTP_BODY:
      return on_body (c, wsi, in, length);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
      return handle_request (c, wsi, FALSE);
    case LWS_CALLBACK_HTTP_WRITEABLE:
      return c->waiting ? handle_request (c, wsi, FALSE) : 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
      return on_upgrade (c, wsi, in);
    case LWS_CALLBACK_ESTABLISHED:
      return on_established (c, wsi);
    case LWS_CALLBACK_RECEIVE:
      return on_receive (c, wsi, in, length);
    case LWS_CALLBACK_SERVER_WRITEABLE:
      return on_writable (c, wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
      /* the answer to our close frame needs none */
      return c->socket && relay_socket_is_closing (c->socket) ? -1 : 0;
    case LWS_CALLBACK_CLOSED:
      if (c->socket)
        relay_hub_detach (c->socket);
      c->socket = NULL;
      return 0;
    case LWS_CALLBACK_WSI_DESTROY:
      lws_set_opaque_user_data (wsi, NULL);
      relay_connection_free (c);
      return 0;
    default:
      return 0;
  }
}
