/* gst-dao: SDP as other ends write it
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#define FP_A "AB:10:C2:3D:E4:55:6F:77:88:99:AA:BB:CC:DD:EE:FF:" \
    "00:11:22:33:44:55:66:77:88:99:AB:BC:CD:DE:EF:F0"
#define FP_B "0B:10:C2:3D:E4:55:6F:77:88:99:AA:BB:CC:DD:EE:FF:" \
    "00:11:22:33:44:55:66:77:88:99:AB:BC:CD:DE:EF:F0"
#define SHA1 "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB"

/* What Chromium writes in every section of an offer */
#define CHROMIUM_TRANSPORT \
    "c=IN IP4 203.0.113.7\r\n" \
    "a=rtcp:9 IN IP4 0.0.0.0\r\n" \
    "a=candidate:1467250027 1 udp 2122260223 192.168.7.21 46243 typ host " \
    "generation 0 network-id 1\r\n" \
    "a=ice-ufrag:SecretUf\r\n" \
    "a=ice-pwd:asd88fgpdd777uzjYhagZgSecretPw\r\n" \
    "a=ice-options:trickle\r\n" \
    "a=fingerprint:sha-256 " FP_A "\r\n" \
    "a=setup:actpass\r\n"

static const char chromium_offer[] = "v=0\r\n"
    "o=- 4611731400430051336 2 IN IP4 127.0.0.1\r\n"
    "s=FreeTextName\r\n"
    "t=0 0\r\n"
    "a=group:BUNDLE 0 1\r\n"
    "a=extmap-allow-mixed\r\n"
    "a=msid-semantic: WMS FreeTextStream\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n"
    CHROMIUM_TRANSPORT
    "a=mid:0\r\n"
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
    "a=extmap:3 http://www.ietf.org/id/"
    "draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
    "a=sendrecv\r\n"
    "a=msid:FreeTextStream FreeTextTrack\r\n"
    "a=rtcp-mux\r\n"
    "a=rtpmap:111 opus/48000/2\r\n"
    "a=rtcp-fb:111 transport-cc\r\n"
    "a=fmtp:111 minptime=10;useinbandfec=1\r\n"
    "a=rtpmap:63 red/48000/2\r\n"
    "a=fmtp:63 111/111\r\n"
    "a=rtpmap:9 G722/8000\r\n"
    "a=rtpmap:0 PCMU/8000\r\n"
    "a=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:13 CN/8000\r\n"
    "a=rtpmap:110 telephone-event/48000\r\n"
    "a=rtpmap:126 telephone-event/8000\r\n"
    "a=ssrc:3570614608 cname:FreeTextCname\r\n"
    "a=ssrc:3570614608 msid:FreeTextStream FreeTextTrack\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 98 99 100 101 45 46\r\n"
    CHROMIUM_TRANSPORT
    "a=mid:1\r\n"
    "a=extmap:3 http://www.ietf.org/id/"
    "draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
    "a=sendrecv\r\n"
    "a=msid:FreeTextStream FreeTextTrackV\r\n"
    "a=rtcp-mux\r\n"
    "a=rtcp-rsize\r\n"
    "a=rtpmap:96 VP8/90000\r\n"
    "a=rtcp-fb:96 goog-remb\r\n"
    "a=rtcp-fb:96 nack\r\n"
    "a=rtcp-fb:96 nack pli\r\n"
    "a=rtpmap:97 rtx/90000\r\n"
    "a=fmtp:97 apt=96\r\n"
    "a=rtpmap:102 H264/90000\r\n"
    "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;"
    "profile-level-id=42001f\r\n"
    "a=rtpmap:103 rtx/90000\r\n"
    "a=fmtp:103 apt=102\r\n"
    "a=rtpmap:98 VP9/90000\r\n"
    "a=fmtp:98 profile-id=0\r\n"
    "a=rtpmap:99 rtx/90000\r\n"
    "a=fmtp:99 apt=98\r\n"
    "a=rtpmap:100 VP9/90000\r\n"
    "a=fmtp:100 profile-id=2\r\n"
    "a=rtpmap:101 rtx/90000\r\n"
    "a=fmtp:101 apt=100\r\n"
    "a=rtpmap:45 AV1/90000\r\n"
    "a=rtpmap:46 rtx/90000\r\n"
    "a=fmtp:46 apt=45\r\n"
    "a=ssrc-group:FID 2231627014 632943048\r\n"
    "a=ssrc:2231627014 cname:FreeTextCname\r\n"
    "a=ssrc:632943048 cname:FreeTextCname\r\n";

/* Firefox answers it: session-level fingerprint, identifiers of its own */
#define FIREFOX_TRANSPORT \
    "c=IN IP4 0.0.0.0\r\n" \
    "a=sendrecv\r\n" \
    "a=ice-pwd:fd1ed30e3d7c0ba1f9bf8a9f7e7a6a6a\r\n" \
    "a=ice-ufrag:7a2b8c91\r\n"

static const char firefox_answer[] = "v=0\r\n"
    "o=mozilla...THIS_IS_SDPARTA-99.0 4730346853170138158 0 IN IP4 0.0.0.0\r\n"
    "s=-\r\n"
    "t=0 0\r\n"
    "a=fingerprint:sha-256 " FP_B "\r\n"
    "a=group:BUNDLE 0 1\r\n"
    "a=ice-options:trickle\r\n"
    "a=msid-semantic:WMS *\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
    FIREFOX_TRANSPORT
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
    "a=fmtp:111 maxplaybackrate=48000;stereo=1;useinbandfec=1\r\n"
    "a=mid:0\r\n"
    "a=msid:{FreeText-1} {FreeText-2}\r\n"
    "a=rtcp-mux\r\n"
    "a=rtpmap:111 opus/48000/2\r\n"
    "a=setup:active\r\n"
    "a=ssrc:1936871134 cname:{FreeText-3}\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n"
    FIREFOX_TRANSPORT
    "a=fmtp:96 max-fs=12288;max-fr=60\r\n"
    "a=fmtp:97 apt=96\r\n"
    "a=mid:1\r\n"
    "a=msid:{FreeText-1} {FreeText-4}\r\n"
    "a=rtcp-fb:96 nack\r\n"
    "a=rtcp-fb:96 nack pli\r\n"
    "a=rtcp-fb:96 ccm fir\r\n"
    "a=rtcp-mux\r\n"
    "a=rtpmap:96 VP8/90000\r\n"
    "a=rtpmap:97 rtx/90000\r\n"
    "a=setup:active\r\n"
    "a=ssrc:2512867512 cname:{FreeText-3}\r\n";

/* Firefox offers: mids are numbers, all sections but the first are not bundle-only with "balanced" */
static const char firefox_offer[] = "v=0\r\n"
    "o=mozilla...THIS_IS_SDPARTA-128.0 1122334455667788 0 IN IP4 0.0.0.0\r\n"
    "s=-\r\n"
    "t=0 0\r\n"
    "a=sendrecv\r\n"
    "a=fingerprint:sha-256 " FP_B "\r\n"
    "a=group:BUNDLE 0 1\r\n"
    "a=ice-options:trickle\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101\r\n"
    FIREFOX_TRANSPORT
    "a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1\r\n"
    "a=fmtp:101 0-15\r\n"
    "a=mid:0\r\n"
    "a=rtcp-mux\r\n"
    "a=rtpmap:109 opus/48000/2\r\n"
    "a=rtpmap:9 G722/8000/1\r\n"
    "a=rtpmap:101 telephone-event/8000/1\r\n"
    "a=setup:actpass\r\n"
    "m=video 0 UDP/TLS/RTP/SAVPF 120 124 121 125\r\n"
    FIREFOX_TRANSPORT
    "a=bundle-only\r\n"
    "a=fmtp:124 apt=120\r\n"
    "a=fmtp:125 apt=121\r\n"
    "a=mid:1\r\n"
    "a=rtcp-mux\r\n"
    "a=rtpmap:120 VP8/90000\r\n"
    "a=rtpmap:124 rtx/90000\r\n"
    "a=rtpmap:121 VP9/90000\r\n"
    "a=rtpmap:125 rtx/90000\r\n"
    "a=setup:actpass\r\n";

/* webrtcbin 1.22 as daosignaling drives it */
static const char own_offer[] = "v=0\r\n"
    "o=- 2345678901234567 0 IN IP4 0.0.0.0\r\n"
    "s=-\r\n"
    "t=0 0\r\n"
    "a=ice-options:trickle\r\n"
    "a=group:BUNDLE audio0 video1\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
    "c=IN IP4 0.0.0.0\r\n"
    "a=setup:actpass\r\n"
    "a=ice-ufrag:Xy0z+/AbCdEfGhIj\r\n"
    "a=ice-pwd:0123456789abcdefghijkl\r\n"
    "a=rtcp-mux\r\n"
    "a=rtcp-rsize\r\n"
    "a=sendrecv\r\n"
    "a=rtpmap:111 OPUS/48000/2\r\n"
    "a=rtcp-fb:111 transport-cc\r\n"
    "a=ssrc:724512845 msid:user12@host-1 webrtctransceiver0\r\n"
    "a=ssrc:724512845 cname:user12@host-1\r\n"
    "a=mid:audio0\r\n"
    "a=fingerprint:sha-256 " FP_A "\r\n"
    "m=video 0 UDP/TLS/RTP/SAVPF 96 97\r\n"
    "c=IN IP4 0.0.0.0\r\n"
    "a=setup:actpass\r\n"
    "a=ice-ufrag:Xy0z+/AbCdEfGhIj\r\n"
    "a=ice-pwd:0123456789abcdefghijkl\r\n"
    "a=bundle-only\r\n"
    "a=rtcp-mux\r\n"
    "a=rtcp-rsize\r\n"
    "a=sendrecv\r\n"
    "a=rtpmap:96 VP8/90000\r\n"
    "a=rtcp-fb:96 nack\r\n"
    "a=rtcp-fb:96 nack pli\r\n"
    "a=rtpmap:97 rtx/90000\r\n"
    "a=fmtp:97 apt=96\r\n"
    "a=ssrc-group:FID 1001 1002\r\n"
    "a=ssrc:1001 cname:user12@host-1\r\n"
    "a=ssrc:1002 cname:user12@host-1\r\n"
    "a=mid:video1\r\n"
    "a=fingerprint:sha-256 " FP_A "\r\n";
