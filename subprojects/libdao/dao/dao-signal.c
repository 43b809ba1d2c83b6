/* gst-dao: one verified call signal, as typed fields
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-signal.h"
#include "dao-encoding.h"
#include "dao-json.h"

#include <math.h>
#include <string.h>

/* An m-line index beyond this is no index. */
#define MAX_MLINE 255

G_DEFINE_QUARK (dao-signal-error-quark, dao_signal_error)

static const gchar *const type_names[] = {
  [DAO_SIGNAL_OFFER] = "call_offer",
  [DAO_SIGNAL_ANSWER] = "call_answer",
  [DAO_SIGNAL_ICE] = "call_ice",
  [DAO_SIGNAL_HANGUP] = "call_hangup",
  [DAO_SIGNAL_REJECT] = "call_reject",
  [DAO_SIGNAL_INVITE] = "call_invite",
  [DAO_SIGNAL_RENEGOTIATE] = "call_renegotiate",
};

const gchar *
dao_signal_type_to_string (DaoSignalType type)
{
  g_return_val_if_fail ((guint) type < G_N_ELEMENTS (type_names), NULL);
  return type_names[type];
}

gboolean
dao_signal_type_from_string (const gchar * name, DaoSignalType * type)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (type_names); i++) {
    if (g_strcmp0 (name, type_names[i]) == 0) {
      *type = i;
      return TRUE;
    }
  }
  return FALSE;
}

DaoSignal *
dao_signal_new (DaoSignalType type, const gchar * from, const gchar * to,
    const gchar * call_id)
{
  DaoSignal *signal = g_new0 (DaoSignal, 1);

  signal->type = type;
  signal->from = g_strdup (from);
  signal->to = g_strdup (to);
  signal->call_id = g_strdup (call_id);
  signal->sdp_mline_index = -1;
  return signal;
}

DaoSignal *
dao_signal_copy (const DaoSignal * signal)
{
  DaoSignal *copy = g_memdup2 (signal, sizeof *signal);

  copy->from = g_strdup (signal->from);
  copy->to = g_strdup (signal->to);
  copy->call_id = g_strdup (signal->call_id);
  copy->nonce = g_strdup (signal->nonce);
  copy->sdp = g_strdup (signal->sdp);
  copy->mode = g_strdup (signal->mode);
  copy->candidate = g_strdup (signal->candidate);
  copy->sdp_mid = g_strdup (signal->sdp_mid);
  copy->reason = g_strdup (signal->reason);
  copy->want = g_strdup (signal->want);
  return copy;
}

void
dao_signal_free (DaoSignal * signal)
{
  if (signal == NULL)
    return;
  g_free (signal->from);
  g_free (signal->to);
  g_free (signal->call_id);
  g_free (signal->nonce);
  g_free (signal->sdp);
  g_free (signal->mode);
  g_free (signal->candidate);
  g_free (signal->sdp_mid);
  g_free (signal->reason);
  g_free (signal->want);
  g_free (signal);
}

/* --- reading --- */

static gboolean
fail (GError ** error, DaoSignalError code, const gchar * name,
    const gchar * what)
{
  g_set_error (error, DAO_SIGNAL_ERROR, code, "`%s` %s", name, what);
  return FALSE;
}

/* An absent member is fine and gives NULL. */
static gboolean
take_string (json_t * object, const gchar * name, gsize max, gchar ** value,
    GError ** error)
{
  json_t *member = json_object_get (object, name);

  if (member == NULL)
    return TRUE;
  if (!json_is_string (member))
    return fail (error, DAO_SIGNAL_ERROR_FIELD, name, "is no string");
  if (json_string_length (member) > max)
    return fail (error, DAO_SIGNAL_ERROR_LIMIT, name, "is too long");
  *value = g_strdup (json_string_value (member));
  return TRUE;
}

static gboolean
need_string (json_t * object, const gchar * name, gsize max, gchar ** value,
    GError ** error)
{
  if (!take_string (object, name, max, value, error))
    return FALSE;
  if (*value == NULL || **value == '\0')
    return fail (error, DAO_SIGNAL_ERROR_FIELD, name, "is missing");
  return TRUE;
}

static gboolean
take_count (json_t * object, const gchar * name, guint * value,
    GError ** error)
{
  gint64 number;

  if (json_object_get (object, name) == NULL)
    return TRUE;
  if (!dao_json_get_int (object, name, &number) || number < 0)
    return fail (error, DAO_SIGNAL_ERROR_FIELD, name, "is no count");
  if (number > DAO_SIGNAL_MAX_COUNT)
    return fail (error, DAO_SIGNAL_ERROR_LIMIT, name, "is too large");
  *value = number;
  return TRUE;
}

/* Frame encryption is announced exactly as we do it or not at all: whatever
 * cannot be read must never look like a peer without it. */
static gboolean
take_e2ee (DaoSignal * signal, json_t * inner, GError ** error)
{
  json_t *e2ee = json_object_get (inner, "e2ee");
  json_t *key = json_object_get (inner, "e2ee_pub");

  if (e2ee == NULL && key == NULL)
    return TRUE;
  if (!json_is_integer (e2ee) || json_integer_value (e2ee) != 1)
    return fail (error, DAO_SIGNAL_ERROR_E2EE, "e2ee", "is not 1");
  if (!dao_base64_decode_exact (json_string_value (key), signal->e2ee_pub,
          sizeof signal->e2ee_pub))
    return fail (error, DAO_SIGNAL_ERROR_E2EE, "e2ee_pub",
        "is no base64 of 32 bytes");
  if (signal->to == NULL)
    return fail (error, DAO_SIGNAL_ERROR_E2EE, "to",
        "must be in a signal with `e2ee`");
  signal->e2ee = TRUE;
  return TRUE;
}

static gboolean
take_sdp (DaoSignal * signal, json_t * inner, const gchar * kind,
    GError ** error)
{
  json_t *sdp_type = json_object_get (inner, "sdp_type");

  if (!need_string (inner, "sdp", DAO_SIGNAL_MAX_SDP, &signal->sdp, error))
    return FALSE;
  if (sdp_type != NULL
      && g_strcmp0 (json_string_value (sdp_type), kind) != 0)
    return fail (error, DAO_SIGNAL_ERROR_FIELD, "sdp_type",
        "does not fit the type");
  return TRUE;
}

static gboolean
take_mode (DaoSignal * signal, json_t * inner)
{
  const gchar *mode = dao_json_get_string (inner, "mode");

  if (g_strcmp0 (mode, "audio") == 0 || g_strcmp0 (mode, "video") == 0)
    signal->mode = g_strdup (mode);
  return TRUE;
}

static gboolean
has_control_characters (const gchar * text)
{
  for (; *text != '\0'; text++)
    if (g_ascii_iscntrl (*text))
      return TRUE;
  return FALSE;
}

/* The Android sample app sends the index as a double. -1 = look it up from the mid. */
static gint
mline_of (json_t * value)
{
  gdouble number;

  if (!json_is_number (value))
    return -1;
  number = json_number_value (value);
  if (number != floor (number) || number < 0 || number > MAX_MLINE)
    return -1;
  return (gint) number;
}

/* protocol.md e.6: {candidate: {candidate, sdpMid, sdpMLineIndex}} or flat
 * {candidate, sdp_mid, sdp_mline} */
static gboolean
take_candidate (DaoSignal * signal, json_t * inner, GError ** error)
{
  json_t *form = json_object_get (inner, "candidate");
  gboolean object = json_is_object (form);
  json_t *holder = object ? form : inner;
  json_t *mid = json_object_get (holder, object ? "sdpMid" : "sdp_mid");
  json_t *mline = json_object_get (holder,
      object ? "sdpMLineIndex" : "sdp_mline");

  if (!take_string (holder, "candidate", DAO_SIGNAL_MAX_CANDIDATE,
          &signal->candidate, error))
    return FALSE;
  if (signal->candidate == NULL)
    return fail (error, DAO_SIGNAL_ERROR_FIELD, "candidate", "is missing");
  /* It becomes a line of SDP; a line break in it would be a second line. */
  if (has_control_characters (signal->candidate))
    return fail (error, DAO_SIGNAL_ERROR_FIELD, "candidate",
        "has control characters");
  if (json_is_string (mid) && json_string_length (mid) > 0) {
    if (json_string_length (mid) > DAO_SIGNAL_MAX_ID)
      return fail (error, DAO_SIGNAL_ERROR_LIMIT, "sdpMid", "is too long");
    if (has_control_characters (json_string_value (mid)))
      return fail (error, DAO_SIGNAL_ERROR_FIELD, "sdpMid",
          "has control characters");
    signal->sdp_mid = g_strdup (json_string_value (mid));
  }
  signal->sdp_mline_index = mline_of (mline);
  return TRUE;
}

/* A hangup must end a call whatever its reason says, so an odd one is no error. */
static gboolean
take_reason (DaoSignal * signal, json_t * inner)
{
  const gchar *reason = dao_json_get_string (inner, "reason");
  gsize length;

  if (reason == NULL)
    return TRUE;
  length = strspn (reason, "abcdefghijklmnopqrstuvwxyz0123456789-");
  if (reason[length] == '\0' && length > 0 && length <= DAO_SIGNAL_MAX_ID)
    signal->reason = g_strdup (reason);
  return TRUE;
}

static gboolean
take_want (DaoSignal * signal, json_t * inner, GError ** error)
{
  static const gchar *const known[] = { "restart", "video", "leg", NULL };
  const gchar *want = dao_json_get_string (inner, "want");

  if (want == NULL || !g_strv_contains (known, want))
    return fail (error, DAO_SIGNAL_ERROR_FIELD, "want", "is unknown");
  signal->want = g_strdup (want);
  return TRUE;
}

static gboolean
take_own_fields (DaoSignal * signal, json_t * inner, GError ** error)
{
  switch (signal->type) {
    case DAO_SIGNAL_OFFER:
      return take_sdp (signal, inner, "offer", error)
          && take_mode (signal, inner);
    case DAO_SIGNAL_ANSWER:
      return take_sdp (signal, inner, "answer", error);
    case DAO_SIGNAL_ICE:
      return take_candidate (signal, inner, error);
    case DAO_SIGNAL_HANGUP:
    case DAO_SIGNAL_REJECT:
      return take_reason (signal, inner);
    case DAO_SIGNAL_INVITE:
      return take_mode (signal, inner);
    case DAO_SIGNAL_RENEGOTIATE:
      return take_want (signal, inner, error);
  }
  return FALSE;
}

DaoSignal *
dao_signal_from_json (json_t * inner, GError ** error)
{
  DaoSignal *signal;
  DaoSignalType type;

  if (!dao_signal_type_from_string (dao_json_get_string (inner, "type"),
          &type)) {
    fail (error, DAO_SIGNAL_ERROR_FIELD, "type", "is unknown");
    return NULL;
  }
  signal = dao_signal_new (type, NULL, NULL, NULL);
  if (need_string (inner, "from", DAO_SIGNAL_MAX_ID, &signal->from, error)
      && take_string (inner, "to", DAO_SIGNAL_MAX_ID, &signal->to, error)
      && need_string (inner, "call_id", DAO_SIGNAL_MAX_ID, &signal->call_id,
          error)
      && take_string (inner, "_nonce", DAO_SIGNAL_MAX_ID, &signal->nonce,
          error)
      && take_count (inner, "ext", &signal->ext, error)
      && take_count (inner, "leg", &signal->leg, error)
      && take_count (inner, "gen", &signal->gen, error)
      && take_e2ee (signal, inner, error)
      && take_own_fields (signal, inner, error))
    return signal;
  dao_signal_free (signal);
  return NULL;
}

/* --- writing --- */

static void
put_string (json_t * object, const gchar * name, const gchar * value)
{
  if (value != NULL)
    json_object_set_new (object, name, json_string (value));
}

/* Old peers get the frames they know: nothing of the extensions unless they are in use. */
static void
put_extensions (json_t * inner, const DaoSignal * signal)
{
  gboolean counted = signal->type == DAO_SIGNAL_OFFER
      || signal->type == DAO_SIGNAL_ANSWER || signal->type == DAO_SIGNAL_ICE;

  if (signal->e2ee) {
    g_autofree gchar *key = dao_base64_encode (signal->e2ee_pub,
        sizeof signal->e2ee_pub);

    json_object_set_new (inner, "e2ee", json_integer (1));
    json_object_set_new (inner, "e2ee_pub", json_string (key));
  }
  if (signal->ext == 0)
    return;
  json_object_set_new (inner, "ext", json_integer (signal->ext));
  if (counted) {
    json_object_set_new (inner, "leg", json_integer (signal->leg));
    json_object_set_new (inner, "gen", json_integer (signal->gen));
  }
}

/* The object form of protocol.md e.6 [R], without usernameFragment */
static json_t *
candidate_to_json (const DaoSignal * signal)
{
  json_t *candidate = json_object ();

  put_string (candidate, "candidate",
      signal->candidate ? signal->candidate : "");
  json_object_set_new (candidate, "sdpMid",
      signal->sdp_mid ? json_string (signal->sdp_mid) : json_null ());
  json_object_set_new (candidate, "sdpMLineIndex",
      signal->sdp_mline_index >= 0 ? json_integer (signal->sdp_mline_index) :
      json_null ());
  return candidate;
}

json_t *
dao_signal_to_json (const DaoSignal * signal)
{
  json_t *inner = json_object ();

  put_string (inner, "type", dao_signal_type_to_string (signal->type));
  put_string (inner, "from", signal->from);
  put_string (inner, "to", signal->to);
  put_string (inner, "call_id", signal->call_id);
  put_string (inner, "sdp", signal->sdp);
  if (signal->type == DAO_SIGNAL_OFFER)
    put_string (inner, "sdp_type", "offer");
  if (signal->type == DAO_SIGNAL_ANSWER)
    put_string (inner, "sdp_type", "answer");
  if (signal->type == DAO_SIGNAL_ICE)
    json_object_set_new (inner, "candidate", candidate_to_json (signal));
  put_string (inner, "mode", signal->mode);
  put_string (inner, "reason", signal->reason);
  put_string (inner, "want", signal->want);
  put_extensions (inner, signal);
  return inner;
}

gboolean
dao_sdp_is_video (const gchar * sdp)
{
  static const gchar line[] = "m=video ";
  const gchar *at;

  if (sdp == NULL)
    return FALSE;
  for (at = strstr (sdp, line); at != NULL; at = strstr (at + 1, line))
    if (at == sdp || at[-1] == '\n' || at[-1] == '\r')
      return TRUE;
  return FALSE;
}
