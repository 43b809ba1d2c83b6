/* gst-dao: one HTTPS request, beside the loop
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "relay-fetch.h"

#include <curl/curl.h>
#include <sodium.h>
#include <string.h>

struct _RelayFetch
{
  uv_work_t work;
  gchar *url, *authorization, *json, *ca_file;
  gsize max_length;
  RelayFetchFunc done;
  gpointer user_data;
  gint cancelled;               /* atomic */

  /* of the worker, then of @done */
  GString *body;
  glong status;
  CURLcode result;
};

static gsize
on_body (gchar * data, gsize size, gsize n, gpointer user_data)
{
  RelayFetch *fetch = user_data;

  if (fetch->body->len + size * n > fetch->max_length)
    return 0;                   /* CURLE_WRITE_ERROR */
  g_string_append_len (fetch->body, data, size * n);
  return size * n;
}

static int
on_progress (gpointer user_data, curl_off_t a, curl_off_t b, curl_off_t c,
    curl_off_t d)
{
  return g_atomic_int_get (&((RelayFetch *) user_data)->cancelled);
}

static void
set_options (RelayFetch * fetch, CURL * curl, struct curl_slist *headers)
{
  curl_easy_setopt (curl, CURLOPT_URL, fetch->url);
  curl_easy_setopt (curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt (curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt (curl, CURLOPT_POSTFIELDS, fetch->json);
  curl_easy_setopt (curl, CURLOPT_TIMEOUT_MS, (long) RELAY_FETCH_TIMEOUT_MS);
  curl_easy_setopt (curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt (curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt (curl, CURLOPT_WRITEDATA, fetch);
  curl_easy_setopt (curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt (curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt (curl, CURLOPT_XFERINFODATA, fetch);
  /* the defaults, said aloud: a token is sent */
  curl_easy_setopt (curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt (curl, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt (curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt (curl, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
  if (fetch->ca_file)
    curl_easy_setopt (curl, CURLOPT_CAINFO, fetch->ca_file);
}

static void
work (uv_work_t * request)
{
  RelayFetch *fetch = request->data;
  CURL *curl = curl_easy_init ();
  struct curl_slist *headers = NULL;

  fetch->result = CURLE_FAILED_INIT;
  if (!curl)
    return;
  headers = curl_slist_append (headers, "Content-Type: application/json");
  headers = curl_slist_append (headers, fetch->authorization);
  set_options (fetch, curl, headers);
  fetch->result = curl_easy_perform (curl);
  curl_easy_getinfo (curl, CURLINFO_RESPONSE_CODE, &fetch->status);
  for (struct curl_slist * h = headers; h; h = h->next)
    sodium_memzero (h->data, strlen (h->data));
  curl_slist_free_all (headers);
  curl_easy_cleanup (curl);
}

static const gchar *
reason (RelayFetch * fetch)
{
  if (fetch->result == CURLE_OK)
    return NULL;
  return fetch->result == CURLE_WRITE_ERROR ? "the answer is too long" :
      curl_easy_strerror (fetch->result);
}

static void
after (uv_work_t * request, int status)
{
  RelayFetch *fetch = request->data;

  if (status < 0)               /* the worker never ran */
    fetch->result = CURLE_ABORTED_BY_CALLBACK;
  fetch->done (fetch->result == CURLE_OK ? fetch->status : 0,
      fetch->body->str, fetch->body->len, reason (fetch), fetch->user_data);
  sodium_memzero (fetch->authorization, strlen (fetch->authorization));
  sodium_memzero (fetch->body->str, fetch->body->len);
  g_string_free (fetch->body, TRUE);
  g_free (fetch->url);
  g_free (fetch->authorization);
  g_free (fetch->json);
  g_free (fetch->ca_file);
  g_free (fetch);
}

RelayFetch *
relay_fetch_post (uv_loop_t * loop, const gchar * url, const gchar * bearer,
    const gchar * json, const gchar * ca_file, gsize max_length,
    RelayFetchFunc done, gpointer user_data)
{
  static gsize init = 0;
  RelayFetch *fetch = g_new0 (RelayFetch, 1);

  if (g_once_init_enter (&init)) {
    curl_global_init (CURL_GLOBAL_DEFAULT);
    g_once_init_leave (&init, 1);
  }
  fetch->work.data = fetch;
  fetch->url = g_strdup (url);
  fetch->authorization = g_strconcat ("Authorization: Bearer ", bearer, NULL);
  fetch->json = g_strdup (json);
  fetch->ca_file = g_strdup (ca_file);
  fetch->max_length = max_length;
  fetch->done = done;
  fetch->user_data = user_data;
  /* up to its whole length at once: no copy with the credential is left behind */
  fetch->body = g_string_sized_new (max_length);
  uv_queue_work (loop, &fetch->work, work, after);
  return fetch;
}

void
relay_fetch_cancel (RelayFetch * fetch)
{
  g_atomic_int_set (&fetch->cancelled, TRUE);
  uv_cancel ((uv_req_t *) & fetch->work);
}
