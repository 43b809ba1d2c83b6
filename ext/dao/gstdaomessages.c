/* GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdaomessages.h"

static void
post (GstElement * element, GstStructure * structure)
{
  gst_element_post_message (element,
      gst_message_new_element (GST_OBJECT (element), structure));
}

void
gst_dao_post_account (GstElement * element, const gchar * alias,
    gboolean online, const gchar * why)
{
  post (element, gst_structure_new ("dao-account",
          "alias", G_TYPE_STRING, alias,
          "online", G_TYPE_BOOLEAN, online,
          "reason", G_TYPE_STRING, why, NULL));
}

void
gst_dao_post_incoming (GstElement * element, const gchar * peer,
    gboolean is_video)
{
  post (element, gst_structure_new ("dao-incoming-call",
          "peer", G_TYPE_STRING, peer,
          "is-video", G_TYPE_BOOLEAN, is_video, NULL));
}

static GstStructure *
state_structure (const gchar * name, const GstDaoSessionState * state)
{
  return gst_structure_new (name,
      "state", G_TYPE_STRING, dao_call_state_to_string (state->state),
      "reason", G_TYPE_STRING, dao_call_reason_to_string (state->reason),
      "call-id", G_TYPE_STRING, state->call_id,
      "peer", G_TYPE_STRING, state->peer,
      "is-video", G_TYPE_BOOLEAN, state->is_video,
      "e2ee", G_TYPE_BOOLEAN, state->e2ee,
      "downgraded", G_TYPE_BOOLEAN, state->downgraded,
      "verified", G_TYPE_BOOLEAN, state->verified,
      "relayed", G_TYPE_BOOLEAN, state->relayed,
      "duration", G_TYPE_UINT64, state->duration, NULL);
}

void
gst_dao_post_state (GstElement * element, const GstDaoSessionState * state)
{
  post (element, state_structure ("dao-call-state", state));
}

void
gst_dao_post_stats (GstElement * element, const GstStructure * stats)
{
  GstStructure *structure = gst_structure_copy (stats);

  gst_structure_set_name (structure, "dao-call-stats");
  post (element, structure);
}

void
gst_dao_post_ended (GstElement * element, const GstDaoSessionState * state,
    const GstStructure * stats)
{
  static const gchar *const copied[] = { "bytes-sent", "bytes-received" };
  GstStructure *structure = state_structure ("dao-call-ended", state);
  GDateTime *now = g_date_time_new_now_utc ();
  gchar *text = g_date_time_format_iso8601 (now);
  guint i;

  gst_structure_set (structure, "ended-at", G_TYPE_STRING, text, NULL);
  for (i = 0; i < G_N_ELEMENTS (copied); i++) {
    guint64 value = 0;

    if (stats)
      gst_structure_get_uint64 (stats, copied[i], &value);
    gst_structure_set (structure, copied[i], G_TYPE_UINT64, value, NULL);
  }
  g_free (text);
  g_date_time_unref (now);
  post (element, structure);
}

gboolean
gst_dao_end_is_error (const GstDaoSessionState * state)
{
  /* Media that failed here has posted an ERROR that says how. */
  if (!state->one_shot || state->reason == DAO_CALL_REASON_LOCAL_HANGUP
      || state->reason == DAO_CALL_REASON_LOCAL_MEDIA)
    return FALSE;
  if (state->reason == DAO_CALL_REASON_FINGERPRINT
      || state->reason == DAO_CALL_REASON_E2EE_DOWNGRADE)
    return TRUE;
  /* A call that was connected and then lost is over, with its recording. */
  return state->duration == 0;
}

void
gst_dao_post_end_error (GstElement * element,
    const GstDaoSessionState * state)
{
  const gchar *peer = state->peer ? state->peer : "nobody";
  const gchar *what = dao_call_reason_to_text (state->reason);
  gchar *debug = g_strdup_printf ("%s: %s (last step: %s)",
      dao_call_reason_to_string (state->reason),
      state->text ? state->text : "-",
      state->step && *state->step ? state->step : "none");

  switch (state->reason) {
    case DAO_CALL_REASON_UNKNOWN_CONTACT:
    case DAO_CALL_REASON_CONTACT_CHANGED:
    case DAO_CALL_REASON_UNVERIFIED:
    case DAO_CALL_REASON_E2EE_REQUIRED:
    case DAO_CALL_REASON_E2EE_DOWNGRADE:
    case DAO_CALL_REASON_FINGERPRINT:
      GST_ELEMENT_ERROR (element, RESOURCE, NOT_AUTHORIZED,
          ("Call with %s: %s", peer, what), ("%s", debug));
      break;
    case DAO_CALL_REASON_BUSY:
      GST_ELEMENT_ERROR (element, RESOURCE, BUSY,
          ("Call with %s: %s", peer, what), ("%s", debug));
      break;
    default:
      GST_ELEMENT_ERROR (element, RESOURCE, FAILED,
          ("Call with %s: %s", peer, what), ("%s", debug));
  }
  g_free (debug);
}
