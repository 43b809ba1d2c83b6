/* gst-dao: names and sentences for the states and reasons of a call
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dao-call.h"

static const gchar *const state_names[] = {
  [DAO_CALL_IDLE] = "idle",
  [DAO_CALL_CALLING] = "calling",
  [DAO_CALL_RINGING] = "ringing",
  [DAO_CALL_CONNECTING] = "connecting",
  [DAO_CALL_CONNECTED] = "connected",
  [DAO_CALL_HANGUP] = "hangup",
  [DAO_CALL_REJECTED] = "rejected",
  [DAO_CALL_ENDED] = "ended",
};

static const struct
{
  const gchar *name;
  const gchar *text;
} reasons[] = {
  [DAO_CALL_REASON_NONE] = {"none", "No reason."},
  [DAO_CALL_REASON_LOCAL_HANGUP] = {"local-hangup", "You hung up."},
  [DAO_CALL_REASON_REMOTE_HANGUP] = {"remote-hangup", "The other side hung up."},
  [DAO_CALL_REASON_LOCAL_REJECT] = {"local-reject", "You declined the call."},
  [DAO_CALL_REASON_DECLINED] = {"declined", "The other side declined the call."},
  [DAO_CALL_REASON_BUSY] = {"busy",
      "The other side is in another call. Try again later."},
  [DAO_CALL_REASON_NO_ANSWER] = {"no-answer",
      "No answer within 15 seconds. Is the other side online?"},
  [DAO_CALL_REASON_RING_TIMEOUT] = {"ring-timeout",
      "The call rang and was not answered."},
  [DAO_CALL_REASON_CONNECT_TIMEOUT] = {"connect-timeout",
      "The call was answered, but no media path was found within 30 seconds. "
        "A firewall may block UDP: try always-relay."},
  [DAO_CALL_REASON_DISCONNECTED] = {"disconnected",
      "The connection to the other side was lost."},
  [DAO_CALL_REASON_MEDIA_TIMEOUT] = {"media-timeout",
      "Nothing was received for 15 seconds."},
  [DAO_CALL_REASON_ICE_FAILED] = {"ice-failed",
      "The media path failed and could not be restored."},
  [DAO_CALL_REASON_FINGERPRINT] = {"fingerprint",
      "The media connection does not belong to the person who was called: its "
        "certificate is not the signed one. Someone may be listening; the call "
        "was closed before any media flowed."},
  [DAO_CALL_REASON_BAD_SDP] = {"bad-sdp",
      "The other side sent a session description that is not safe to use."},
  [DAO_CALL_REASON_E2EE_REQUIRED] = {"e2ee-required",
      "Frame encryption is required, and one side does not have it or has it "
        "off."},
  [DAO_CALL_REASON_E2EE_DOWNGRADE] = {"e2ee-downgrade",
      "The other side dropped or changed the frame encryption it announced."},
  [DAO_CALL_REASON_UNKNOWN_CONTACT] = {"unknown-contact",
      "Not a contact of yours: add or accept it first."},
  [DAO_CALL_REASON_CONTACT_CHANGED] = {"contact-changed",
      "The keys of this contact changed. Compare the safety code, then accept "
        "the contact again."},
  [DAO_CALL_REASON_UNVERIFIED] = {"unverified",
      "This contact is not verified, and only verified contacts are allowed: "
        "compare the safety code first."},
  [DAO_CALL_REASON_GLARE] = {"glare",
      "Both sides called at the same time; the other side's call goes on."},
  [DAO_CALL_REASON_LOCAL_MEDIA] = {"local-media",
      "Camera or microphone failed."},
  [DAO_CALL_REASON_SIGNALING] = {"signaling",
      "The relay cannot be reached or refused the login."},
  [DAO_CALL_REASON_INTERNAL] = {"internal", "The call failed on this side."},
  [DAO_CALL_REASON_REMOTE_FAILED] = {"remote-failed",
      "The call failed on the other side."},
};

const gchar *
dao_call_state_to_string (DaoCallState state)
{
  g_return_val_if_fail ((guint) state < G_N_ELEMENTS (state_names), "idle");
  return state_names[state];
}

gboolean
dao_call_state_is_terminal (DaoCallState state)
{
  return state == DAO_CALL_HANGUP || state == DAO_CALL_REJECTED
      || state == DAO_CALL_ENDED;
}

const gchar *
dao_call_reason_to_string (DaoCallReason reason)
{
  g_return_val_if_fail ((guint) reason < G_N_ELEMENTS (reasons), "none");
  return reasons[reason].name;
}

const gchar *
dao_call_reason_to_text (DaoCallReason reason)
{
  g_return_val_if_fail ((guint) reason < G_N_ELEMENTS (reasons), "");
  return reasons[reason].text;
}
