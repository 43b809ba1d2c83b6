/* gst-dao: SDP that a hostile peer makes of good SDP
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "hostilesdp.h"

#include <string.h>

/* Lines with a meaning, in the wrong place or with the wrong value */
static const gchar *const lines[] = {
  "m=video 9 UDP/TLS/RTP/SAVPF 96", "m=audio 0 UDP/TLS/RTP/SAVPF 111",
  "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "m=audio 9 RTP/AVP 0",
  "a=sctp-port:5000", "a=setup:active", "a=setup:passive", "a=setup:holdconn",
  "a=mid:0", "a=mid:1", "a=mid:", "a=mid:audio0", "a=group:BUNDLE",
  "a=group:BUNDLE 0 0 1 1", "a=group:BUNDLE 1 0", "a=inactive", "a=recvonly",
  "a=sendonly", "a=ice-lite", "a=ice-ufrag:x", "a=ice-pwd:short",
  "a=ice-ufrag:abcdefgh", "a=ice-pwd:abcdefghijklmnopqrstuvwx",
  "a=ice-options:renomination", "a=end-of-candidates", "a=bundle-only",
  "a=fingerprint:sha-256 00", "a=fingerprint:sha-1 00:11",
  "a=fingerprint:sha-512 AB", "a=fingerprint:md5 00",
  "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA", "a=rtcp-mux-only",
  "a=rtpmap:96 VP8/90000", "a=rtpmap:96 H264/90000", "a=rtpmap:111 opus/1/1",
  "a=rtpmap:255 VP8/90000", "a=rtpmap:-1 VP8/90000", "a=fmtp:97 apt=97",
  "a=fmtp:97 apt=99999999999", "a=rtcp-fb:* nack", "a=extmap:0 x",
  "a=extmap:15 urn:ietf:params:rtp-hdrext:sdes:mid", "a=ssrc:0 cname:x",
  "a=ssrc:99999999999 cname:x", "a=ssrc-group:FID 1", "a=rid:a send",
  "a=simulcast:send a;b", "a=candidate:1 1 UDP 1 127.0.0.1 9 typ host",
  "a=candidate:1 1 udp 1 127.0.0.1", "c=IN IP6 ::1", "c=IN IP4 224.0.0.1",
  "b=AS:0", "b=AS:99999999999999999999", "k=clear:x", "t=1 1", "z=1 2",
  "s=", "o=", "v=1", "=", "a=", "x", "",
};

gchar *
hostile_random_text (GRand * rand, guint max)
{
  guint i, n = g_rand_int_range (rand, 0, max + 1);
  gchar *text = g_malloc (n + 1);

  for (i = 0; i < n; i++)
    text[i] = g_rand_int_range (rand, ' ', '~' + 1);
  text[n] = '\0';
  return text;
}

static guint
pick_line (GRand * rand, GPtrArray * all)
{
  return g_rand_int_range (rand, 0, all->len);
}

static void
replace (GPtrArray * all, guint i, gchar * line)
{
  g_free (all->pdata[i]);
  all->pdata[i] = line;
}

/* Some number of the line becomes another. */
static gchar *
change_number (GRand * rand, const gchar * line)
{
  static const gchar *const numbers[] = { "0", "-1", "1", "255", "65536",
    "4294967296", "99999999999999999999", "1e12", "0x10", ""
  };
  gsize start = strcspn (line, "0123456789");
  gsize length = strspn (line + start, "0123456789");

  return g_strdup_printf ("%.*s%s%s", (gint) start, line,
      numbers[g_rand_int_range (rand, 0, G_N_ELEMENTS (numbers))],
      line + start + length);
}

static void
change_once (GRand * rand, GPtrArray * all)
{
  guint i = pick_line (rand, all), k = pick_line (rand, all);
  gchar *line = all->pdata[i];

  switch (g_rand_int_range (rand, 0, 9)) {
    case 0:
      if (all->len > 1)
        g_ptr_array_remove_index (all, i);
      break;
    case 1:
      g_ptr_array_insert (all, k, g_strdup (line));
      break;
    case 2:
      all->pdata[i] = all->pdata[k];
      all->pdata[k] = line;
      break;
    case 3:
    case 4:
      g_ptr_array_insert (all, i, g_strdup (lines[g_rand_int_range (rand, 0,
                      G_N_ELEMENTS (lines))]));
      break;
    case 5:
      replace (all, i, change_number (rand, line));
      break;
    case 6:
      if (*line)
        line[g_rand_int_range (rand, 0, strlen (line))] =
            g_rand_int_range (rand, ' ', '~' + 1);
      break;
    case 7:                    /* the end is missing */
      g_ptr_array_set_size (all, i + 1);
      break;
    default:                   /* as long as a frame may carry, or longer than we take */
      {
        guint n = 1 << g_rand_int_range (rand, 4, 17);
        gchar *fill = g_strnfill (n, 'x');

        replace (all, i, g_strconcat (line, fill, NULL));
        g_free (fill);
      }
  }
}

gchar *
hostile_change_sdp (GRand * rand, const gchar * sdp)
{
  GPtrArray *all = g_ptr_array_new_with_free_func (g_free);
  gchar **split = g_strsplit (sdp, "\r\n", -1), *text;
  gint i, n = g_rand_int_range (rand, 0, 5);

  for (i = 0; split[i]; i++)
    g_ptr_array_add (all, split[i]);
  g_free (split);
  for (i = 0; i < n; i++)
    change_once (rand, all);
  g_ptr_array_add (all, NULL);
  text = g_strjoinv ("\r\n", (gchar **) all->pdata);
  g_ptr_array_unref (all);
  return text;
}

gchar *
hostile_random_candidate (GRand * rand)
{
  static const gchar *const candidates[] = {
    "candidate:1 1 UDP 2122260223 127.0.0.1 40000 typ host",
    "candidate:1 1 UDP 2122260223 127.0.0.1 9 typ host",
    "candidate:2 1 UDP 1686052607 192.0.2.1 3478 typ srflx raddr 0.0.0.0 "
        "rport 0", "candidate:3 1 UDP 1 192.0.2.2 9 typ relay raddr "
        "127.0.0.1 rport 9", "candidate:1 1 UDP 1 ::1 40000 typ host",
    "candidate:1 1 TCP 1 127.0.0.1 9 typ host tcptype active",
    "candidate:1 2 UDP 1 127.0.0.1 40001 typ host",
    "candidate:1 1 UDP 1 abc.local 40000 typ host",
    "candidate:1 1 UDP 4294967296 127.0.0.1 70000 typ host",
    "candidate:1 1 UDP 1 224.0.0.1 5353 typ host",
    "candidate:1 1 UDP 1 255.255.255.255 9 typ host",
    "candidate:1 1 UDP 1 0.0.0.0 0 typ host", "candidate:", "", "end",
  };
  const gchar *line =
      candidates[g_rand_int_range (rand, 0, G_N_ELEMENTS (candidates))];
  gchar *text, *tail;

  switch (g_rand_int_range (rand, 0, 4)) {
    case 0:
      return change_number (rand, line);
    case 1:
      tail = hostile_random_text (rand, 2000);
      text = g_strconcat (line, " ", tail, NULL);
      g_free (tail);
      return text;
    default:
      return g_strdup (line);
  }
}
