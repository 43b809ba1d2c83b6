/* gst-dao: a relay that misbehaves
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "lyingrelay-private.h"
#include "dao-identity.h"
#include "dao-json.h"

#define PATIENCE_US (15 * G_TIME_SPAN_SECOND)

const gchar *
lying_relay_member (json_t * object, const gchar * name)
{
  const gchar *text = dao_json_get_string (object, name);

  return text ? text : "";
}

/* --- the record and the lies --- */

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_free (entry->what);
  g_free (entry->from);
  g_free (entry->text);
  g_free (entry);
}

static void
told_free (gpointer data)
{
  Told *told = data;

  g_free ((gchar *) told->lie.what);
  g_free ((gchar *) told->lie.from);
  g_free ((gchar *) told->lie.text);
  g_free (told);
}

void
lying_relay_write_down (LyingRelay * relay, const gchar * what, const gchar * from,
    const gchar * text)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->what = g_strdup (what);
  entry->from = g_strdup (from);
  entry->text = g_strdup (text);
  entry->us = g_get_monotonic_time ();
  g_mutex_lock (&relay->lock);
  g_ptr_array_add (relay->record, entry);
  g_cond_broadcast (&relay->changed);
  g_mutex_unlock (&relay->lock);
}

static gboolean
is_about (const gchar * lie_what, const gchar * lie_from, const gchar * what,
    const gchar * from)
{
  return g_str_has_prefix (what, lie_what) && (!lie_from
      || g_strcmp0 (lie_from, from) == 0);
}

/* (transfer none) (nullable) */
const Lie *
lying_relay_find_lie (LyingRelay * relay, const gchar * what, const gchar * from)
{
  Told *found = NULL;
  GList *l;

  g_mutex_lock (&relay->lock);
  for (l = relay->lies.head; l && !found; l = l->next) {
    Told *told = l->data;
    guint n;

    if (!is_about (told->lie.what, told->lie.from, what, from))
      continue;
    n = told->met++;
    if (n >= told->lie.skip && (told->lie.times == 0
            || n < told->lie.skip + told->lie.times))
      found = told;
  }
  g_mutex_unlock (&relay->lock);
  return found ? &found->lie : NULL;
}

/* --- what it is told, from the thread of the test --- */

typedef struct
{
  LyingRelay *relay;
  void (*func) (LyingRelay * relay, const gchar * alias, const gchar * text);
  const gchar *alias, *text;
  gboolean done;
} Order;

static gboolean
on_order (gpointer user_data)
{
  Order *order = user_data;
  LyingRelay *relay = order->relay;

  order->func (relay, order->alias, order->text);
  g_mutex_lock (&relay->lock);
  order->done = TRUE;
  g_cond_broadcast (&relay->changed);
  g_mutex_unlock (&relay->lock);
  return G_SOURCE_REMOVE;
}

/* Returns when it is done. */
static void
give_order (LyingRelay * relay, void (*func) (LyingRelay *, const gchar *,
        const gchar *), const gchar * alias, const gchar * text)
{
  Order order = { relay, func, alias, text, FALSE };
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_order, &order, NULL);
  g_source_attach (source, relay->context);
  g_source_unref (source);
  g_mutex_lock (&relay->lock);
  while (!order.done)
    g_cond_wait (&relay->changed, &relay->lock);
  g_mutex_unlock (&relay->lock);
}

void
lying_relay_tell (LyingRelay * relay, const Lie * lie)
{
  Told *told = g_new0 (Told, 1);

  told->lie = *lie;
  told->lie.what = g_strdup (lie->what);
  told->lie.from = g_strdup (lie->from);
  told->lie.text = g_strdup (lie->text);
  g_mutex_lock (&relay->lock);
  g_queue_push_head (&relay->lies, told);
  g_ptr_array_add (relay->all_lies, told);
  g_mutex_unlock (&relay->lock);
}

void
lying_relay_be_honest (LyingRelay * relay)
{
  g_mutex_lock (&relay->lock);
  g_queue_clear (&relay->lies);
  g_mutex_unlock (&relay->lock);
}

static void
release (LyingRelay * relay, const gchar * last_first, const gchar * unused)
{
  Held *held;

  while ((held = last_first ? g_queue_pop_tail (&relay->held) :
          g_queue_pop_head (&relay->held)))
    lying_relay_go_on (held);
}

void
lying_relay_release (LyingRelay * relay, gboolean last_first)
{
  give_order (relay, release, last_first ? "" : NULL, NULL);
}

void
lying_relay_inject (LyingRelay * relay, const gchar * alias,
    const gchar * text)
{
  give_order (relay, lying_relay_send_down, alias, text);
}

void
lying_relay_goaway (LyingRelay * relay, const gchar * alias,
    const gchar * reason)
{
  gchar *text = g_strdup_printf ("{\"type\":\"goaway\",\"payload\":"
      "{\"reason\":\"%s\"}}", reason);

  lying_relay_inject (relay, alias, text);
  g_free (text);
}

static void
cut (LyingRelay * relay, const gchar * alias, const gchar * unused)
{
  GList *lines = g_hash_table_get_values (relay->lines), *l;

  for (l = lines; l; l = l->next)
    if (!alias || g_strcmp0 (alias, ((Line *) l->data)->alias) == 0)
      lying_relay_line_end (l->data);
  g_list_free (lines);
}

void
lying_relay_cut (LyingRelay * relay, const gchar * alias)
{
  give_order (relay, cut, alias, NULL);
}

/* --- the network is gone --- */

static gboolean
stand_still (gpointer user_data)
{
  LyingRelay *relay = user_data;

  g_mutex_lock (&relay->lock);
  while (relay->frozen)
    g_cond_wait (&relay->changed, &relay->lock);
  g_mutex_unlock (&relay->lock);
  return G_SOURCE_REMOVE;
}

static void
freeze (LyingRelay * relay, const gchar * alias, const gchar * unused)
{
  /* RFC 6455, 5.5.1: close, code 1001 */
  static const guint8 close[] = { 0x88, 0x02, 0x03, 0xe9 };
  Line *line = alias ? g_hash_table_lookup (relay->lines, alias) : NULL;
  GSource *source = g_idle_source_new ();

  if (line)
    g_output_stream_write_all (g_io_stream_get_output_stream
        (soup_websocket_connection_get_io_stream (line->client)), close,
        sizeof (close), NULL, NULL, NULL);
  g_mutex_lock (&relay->lock);
  relay->frozen = TRUE;
  g_mutex_unlock (&relay->lock);
  g_source_set_priority (source, G_PRIORITY_HIGH);
  g_source_set_callback (source, stand_still, relay, NULL);
  g_source_attach (source, relay->context);
  g_source_unref (source);
}

void
lying_relay_freeze (LyingRelay * relay)
{
  give_order (relay, freeze, NULL, NULL);
}

void
lying_relay_freeze_closing (LyingRelay * relay, const gchar * alias)
{
  give_order (relay, freeze, alias, NULL);
}

void
lying_relay_thaw (LyingRelay * relay)
{
  g_mutex_lock (&relay->lock);
  relay->frozen = FALSE;
  g_cond_broadcast (&relay->changed);
  g_mutex_unlock (&relay->lock);
}

/* --- looking at the record --- */

/* Call with the lock. (nullable): the @n-th; *count = how many there are */
static Entry *
find_entry (LyingRelay * relay, const gchar * what, const gchar * from,
    guint n, guint * count)
{
  Entry *found = NULL;
  guint i;

  *count = 0;
  for (i = 0; i < relay->record->len; i++) {
    Entry *entry = g_ptr_array_index (relay->record, i);

    if (is_about (what, from, entry->what, entry->from)
        && (*count)++ == n)
      found = entry;
  }
  return found;
}

guint
lying_relay_count (LyingRelay * relay, const gchar * what,
    const gchar * from)
{
  guint count;

  g_mutex_lock (&relay->lock);
  find_entry (relay, what, from, 0, &count);
  g_mutex_unlock (&relay->lock);
  return count;
}

/* Returns with the lock held. */
static Entry *
wait_entry (LyingRelay * relay, const gchar * what, const gchar * from,
    guint n)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_US;
  Entry *entry;
  guint count;

  g_mutex_lock (&relay->lock);
  while (!(entry = find_entry (relay, what, from, n, &count)))
    if (!g_cond_wait_until (&relay->changed, &relay->lock, deadline))
      g_error ("%u of '%s' of %s came, not %u", count, what,
          from ? from : "all", n + 1);
  return entry;
}

gchar *
lying_relay_get (LyingRelay * relay, const gchar * what, const gchar * from,
    guint n)
{
  gchar *text = g_strdup (wait_entry (relay, what, from, n)->text);

  g_mutex_unlock (&relay->lock);
  return text;
}

gint64
lying_relay_time (LyingRelay * relay, const gchar * what, const gchar * from,
    guint n)
{
  gint64 us = wait_entry (relay, what, from, n)->us;

  g_mutex_unlock (&relay->lock);
  return us;
}

gboolean
lying_relay_is_connected (LyingRelay * relay, const gchar * alias)
{
  gboolean connected;

  g_mutex_lock (&relay->lock);
  connected = g_hash_table_contains (relay->lines, alias);
  g_mutex_unlock (&relay->lock);
  return connected;
}

/* --- life --- */

static void
listen_on_loopback (LyingRelay * relay)
{
  GError *error = NULL;
  GSList *uris;

  relay->server = soup_server_new (NULL, NULL);
  relay->session = soup_session_new ();
  soup_server_add_early_handler (relay->server, "/ws", lying_relay_on_handshake, relay,
      NULL);
  soup_server_add_websocket_handler (relay->server, "/ws", NULL, NULL,
      lying_relay_on_websocket, relay, NULL);
  soup_server_add_handler (relay->server, "/api", lying_relay_on_request, relay, NULL);
  soup_server_listen_local (relay->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY,
      &error);
  g_assert_no_error (error);
  uris = soup_server_get_uris (relay->server);
  relay->url = g_strdup_printf ("http://127.0.0.1:%d",
      g_uri_get_port (uris->data));
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
}

static gpointer
run (gpointer user_data)
{
  LyingRelay *relay = user_data;

  g_main_context_push_thread_default (relay->context);
  listen_on_loopback (relay);
  g_main_loop_run (relay->loop);

  cut (relay, NULL, NULL);
  soup_server_disconnect (relay->server);
  soup_session_abort (relay->session);
  g_queue_clear_full (&relay->held, lying_relay_held_free);
  while (g_main_context_iteration (relay->context, FALSE));
  g_object_unref (relay->server);
  g_object_unref (relay->session);
  g_main_context_pop_thread_default (relay->context);
  return NULL;
}

static void
nothing (LyingRelay * relay, const gchar * alias, const gchar * text)
{
}

static void
quit (LyingRelay * relay, const gchar * alias, const gchar * text)
{
  g_main_loop_quit (relay->loop);
}

static void
learn_accounts (LyingRelay * relay, CallFixture * fixture)
{
  guint i;

  for (i = 0; i < fixture->n_accounts; i++) {
    GError *error = NULL;
    DaoIdentity *identity = dao_identity_load (fixture->identity[i], &error);

    g_assert_no_error (error);
    g_hash_table_insert (relay->aliases,
        g_strdup (dao_identity_get_uuid (identity)),
        g_strdup (fixture->alias[i]));
    dao_identity_unref (identity);
  }
}

LyingRelay *
lying_relay_new (CallFixture * fixture)
{
  LyingRelay *relay = g_new0 (LyingRelay, 1);

  relay->upstream = g_strdup (fixture->url);
  relay->aliases = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      g_free);
  relay->tokens = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      g_free);
  relay->lines = g_hash_table_new (g_str_hash, g_str_equal);
  relay->record = g_ptr_array_new_with_free_func (entry_free);
  relay->all_lies = g_ptr_array_new_with_free_func (told_free);
  relay->all_lines = g_ptr_array_new_with_free_func (lying_relay_line_free);
  learn_accounts (relay, fixture);
  relay->context = g_main_context_new ();
  relay->loop = g_main_loop_new (relay->context, FALSE);
  relay->thread = g_thread_new ("lying-relay", run, relay);
  /* Once it takes orders, it listens. */
  give_order (relay, nothing, NULL, NULL);
  return relay;
}

void
lying_relay_free (LyingRelay * relay)
{
  lying_relay_thaw (relay);
  give_order (relay, quit, NULL, NULL);
  g_thread_join (relay->thread);
  g_main_loop_unref (relay->loop);
  g_main_context_unref (relay->context);
  g_queue_clear (&relay->lies);
  g_ptr_array_unref (relay->all_lies);
  g_ptr_array_unref (relay->all_lines);
  g_ptr_array_unref (relay->record);
  g_hash_table_unref (relay->lines);
  g_hash_table_unref (relay->tokens);
  g_hash_table_unref (relay->aliases);
  g_free (relay->url);
  g_free (relay->upstream);
  g_free (relay);
}

const gchar *
lying_relay_url (LyingRelay * relay)
{
  return relay->url;
}
