// gst-dao: frame encryption of a call, version 1 (docs/protocol-extensions.md, 5 to 8)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
import { concat, publicOf, random, sha256, toBase64, utf8, x25519, x25519Private } from './dao-protocol.js';

export const REKEY_FRAMES = 2 ** 24;
export const REKEY_BYTES = 2 ** 34;
const MAX_AHEAD = 256;
const MAX_BEHIND = 4;
const OLD_MS = 5000;
const REPLAY = 2048;

const be16 = n => Uint8Array.of(n >> 8, n & 255);
const be32 = n => Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n);
const lp = text => concat(be16(utf8(text).length), utf8(text));

// --- keys of a call ---

export class Ephemeral {
  static async create () {
    const ephemeral = new Ephemeral();
    ephemeral.privateKey = await x25519Private(random(32));
    ephemeral.publicKey = await publicOf(ephemeral.privateKey);
    return ephemeral;
  }

  get text () { return toBase64(this.publicKey); }
}

// HKDF of RFC 5869 in its two steps, because what the first gives is what the call keeps
const hmacKey = bytes => crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
const hmac = async (key, bytes) => new Uint8Array(await crypto.subtle.sign('HMAC', key, bytes));

// A key that cannot be read out again, of the 32 bytes of a call's secret
export const secretOf = hmacKey;

// Who calls and who is called: {alias, ed25519, e2eePub}. Gives the call's secret.
export async function agree (callId, caller, callee, privateKey, peerPublic, sessionKey) {
  const salt = await sha256(concat(utf8('dao-e2ee-v1'), Uint8Array.of(0), lp(callId), lp(caller.alias), lp(callee.alias),
    caller.ed25519, callee.ed25519, caller.e2eePub, callee.e2eePub));
  const shared = await x25519(privateKey, peerPublic);          // refuses an all-zero result
  return secretOf(await hmac(await hmacKey(salt), concat(shared, sessionKey)));
}

// 44 bytes: the key and the base IV of one direction, medium and epoch
export async function material (secret, role, media, epoch) {
  const zero = Uint8Array.of(0);
  const info = concat(utf8('dao-frame-v1'), zero, utf8(role), zero, utf8(media), zero, be32(epoch));
  const first = await hmac(secret, concat(info, Uint8Array.of(1)));
  const second = await hmac(secret, concat(first, info, Uint8Array.of(2)));
  return concat(first, second).slice(0, 44);
}

async function epochKey (secret, role, media, epoch, usage) {
  const bytes = await material(secret, role, media, epoch);
  const key = await crypto.subtle.importKey('raw', bytes.slice(0, 32), 'AES-GCM', false, [usage]);
  return { key, base: bytes.slice(32) };
}

// The base IV with its first eight bytes XORed with the counter, whose own order is the other one
function ivOf (base, header) {
  const iv = base.slice();
  for (let i = 0; i < 8; i++) iv[i] ^= header[7 - i];
  return iv;
}

// --- one track ---

export class Sender {
  constructor (secret, role, media, rekeyFrames = REKEY_FRAMES, rekeyBytes = REKEY_BYTES) {
    Object.assign(this, { secret, role, media, rekeyFrames, rekeyBytes, epoch: 0, n: 0, frames: 0, bytes: 0 });
  }

  // `flags`: 1 for a VP8 delta frame
  async seal (payload, flags = 0) {
    if (this.frames >= Math.floor(this.rekeyFrames * 8 / 10) || this.bytes >= Math.floor(this.rekeyBytes * 8 / 10)) {
      this.epoch++;
      this.frames = this.bytes = 0;
      this.current = null;
    }
    this.current ??= epochKey(this.secret, this.role, this.media, this.epoch, 'encrypt');
    const header = concat(be32(flags << 24 | this.epoch), be32(this.n++));
    const { key, base } = await this.current;
    const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv: ivOf(base, header) }, key, payload));
    this.frames++;
    this.bytes += sealed.length;
    return concat(header, sealed);
  }
}

export class Receiver {
  constructor (secret, role, media, isVp8) {
    Object.assign(this, { secret, role, media, isVp8, epoch: 0, highest: -1 });
    this.seen = new Set();
    this.keys = new Map();
    this.superseded = new Map();                        // epoch -> when
  }

  // Why a frame is dropped before it is decrypted; null if it is not
  refuses (frame, now) {
    if (frame.length < 24) return 'short';
    const view = new DataView(frame.buffer, frame.byteOffset);
    const flags = view.getUint8(0), epoch = view.getUint32(0) & 0xffffff, n = view.getUint32(4);
    if (flags & ~1 || (flags && !this.isVp8)) return 'flags';
    if (epoch > this.epoch + MAX_AHEAD) return 'epoch-ahead';
    if (epoch < this.epoch - MAX_BEHIND) return 'epoch-old';
    if (epoch < this.epoch && now - (this.superseded.get(epoch) ?? -Infinity) > OLD_MS) return 'epoch-old';
    if (this.seen.has(n) || n <= this.highest - REPLAY) return 'replay';
    return null;
  }

  // {payload} or {dropped: reason}
  async open (frame, now = performance.now()) {
    const dropped = this.refuses(frame, now);
    if (dropped) return { dropped };
    const view = new DataView(frame.buffer, frame.byteOffset);
    const epoch = view.getUint32(0) & 0xffffff, n = view.getUint32(4);
    const known = this.keys.get(epoch) ?? await epochKey(this.secret, this.role, this.media, epoch, 'decrypt');
    let payload;
    try {
      payload = new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv: ivOf(known.base, frame.subarray(0, 8)) }, known.key, frame.subarray(8)));
    } catch (error) {
      return { dropped: 'auth' };
    }
    this.record(epoch, n, known, now);
    return { payload };
  }

  record (epoch, n, known, now) {
    this.keys.set(epoch, known);
    if (epoch > this.epoch) {
      for (let old = Math.max(0, epoch - MAX_BEHIND); old < epoch; old++)
        if (!this.superseded.has(old)) this.superseded.set(old, now);
      for (const old of this.keys.keys()) if (old < epoch - MAX_BEHIND) this.keys.delete(old);
      this.epoch = epoch;
    }
    this.seen.add(n);
    if (n > this.highest) {
      for (let old = this.highest - REPLAY; old <= n - REPLAY && old <= this.highest; old++) this.seen.delete(old);
      this.highest = n;
    }
  }
}
