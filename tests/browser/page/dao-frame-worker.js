// gst-dao: the worker between a browser's codecs and its RTP: encrypts and decrypts frames
//
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Without keys every frame is dropped: nothing goes out clear, and nothing clear comes in.
import { Receiver, Sender } from './dao-frames.js';

let keys = null;                // {secret, role, peerRole}: of this call, see agree()
const tracks = new Map();       // "send audio", ...: a counter outlives the transform that uses it
const counts = {};

function count (name) { counts[name] = (counts[name] ?? 0) + 1; }

function trackOf (direction, media, isVp8) {
  const name = `${direction} ${media}`;
  if (!tracks.has(name) && keys)
    tracks.set(name, direction === 'send' ? new Sender(keys.secret, keys.role, media)
      : new Receiver(keys.secret, keys.peerRole, media, isVp8));
  return tracks.get(name);
}

async function transform (direction, media, frame) {
  const isVp8 = frame.getMetadata().mimeType?.toLowerCase() === 'video/vp8';
  const track = trackOf(direction, media, isVp8);
  if (!track) {
    count(`${direction} ${media} no-key`);
    return false;
  }
  if (direction === 'send') {
    frame.data = (await track.seal(new Uint8Array(frame.data), isVp8 && frame.type === 'delta' ? 1 : 0)).buffer;
    count(`${direction} ${media}`);
    return true;
  }
  const { payload, dropped } = await track.open(new Uint8Array(frame.data));
  count(`${direction} ${media} ${dropped ?? 'verified'}`);
  if (frame.type) count(`${direction} ${media} ${frame.type}`);
  if (payload) frame.data = payload.buffer;
  return !dropped;
}

onrtctransform = ({ transformer }) => {
  const { direction, media } = transformer.options;
  transformer.readable.pipeThrough(new TransformStream({
    async transform (frame, controller) {
      if (await transform(direction, media, frame)) controller.enqueue(frame);
    }
  })).pipeTo(transformer.writable);
};

onmessage = ({ data }) => {
  if (data.keys) keys = data.keys;
  if (data.ask) postMessage(counts);
};
