// gst-dao: the DaoMessage call protocol for a browser: identity, relay, signed and sealed signals
//
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Behaves as the TypeScript SDK does, with WebCrypto only. What docs/protocol-extensions.md adds is in the fields that a
// caller of seal() gives; nothing here sends them by itself.

// --- bytes and text ---

export const utf8 = text => new TextEncoder().encode(text);
export const toHex = bytes => Array.from(bytes, b => b.toString(16).padStart(2, '0')).join('');
export const fromHex = text => Uint8Array.from(text.match(/../g) ?? [], pair => parseInt(pair, 16));
export const toBase64 = bytes => btoa(Array.from(bytes, b => String.fromCharCode(b)).join(''));
export const random = length => crypto.getRandomValues(new Uint8Array(length));

// Only the canonical form; atob() takes others, too
export function fromBase64 (text) {
  const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  if (toBase64(bytes) !== text) throw new Error('this is no base64');
  return bytes;
}

export function concat (...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export const sha256 = async bytes => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));

// What is signed: keys sorted at every depth, no white space
export function canonical (value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.keys(value).sort().filter(key => value[key] !== undefined);
  return `{${members.map(key => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`;
}

// --- identity ---

// A PKCS #8 structure around 32 bytes (RFC 8410, 7)
const pkcs8 = (oid, bytes) => concat(fromHex(`302e020100300506032b65${oid}04220420`), bytes);
export const publicOf = async key => fromBase64((await crypto.subtle.exportKey('jwk', key)).x
  .replaceAll('-', '+').replaceAll('_', '/').padEnd(44, '='));

async function hmacSha512 (key, data) {
  const hmac = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-512' }, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', hmac, data));
}

// All indexes are hardened, whatever the path's notation says.
async function deriveKey (seed, path) {
  let node = await hmacSha512(utf8('ed25519 seed'), seed);
  for (const index of path) {
    const data = concat(Uint8Array.of(0), node.slice(0, 32), new Uint8Array(4));
    new DataView(data.buffer).setUint32(33, (index | 0x80000000) >>> 0);
    node = await hmacSha512(node.slice(32), data);
  }
  return node.slice(0, 32);
}

export const x25519Private = bytes => crypto.subtle.importKey('pkcs8', pkcs8('6e', bytes), 'X25519', true, ['deriveBits']);

export async function x25519 (privateKey, publicBytes) {
  const key = await crypto.subtle.importKey('raw', publicBytes, 'X25519', false, []);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: 'X25519', public: key }, privateKey, 256));
}

export class Identity {
  // BIP-39 without a passphrase; the words are not checked
  static async fromMnemonic (words) {
    const password = await crypto.subtle.importKey('raw', utf8(words.normalize('NFKD')), 'PBKDF2', false, ['deriveBits']);
    const seed = new Uint8Array(await crypto.subtle.deriveBits(
      { name: 'PBKDF2', hash: 'SHA-512', salt: utf8('mnemonic'), iterations: 2048 }, password, 512));
    return Identity.fromKeys(await deriveKey(seed, [44, 0, 0, 0, 0]), await deriveKey(seed, [44, 1, 0, 0, 1]));
  }

  static async fromKeys (ed25519, x25519) {
    const identity = new Identity();
    identity.signing = await crypto.subtle.importKey('pkcs8', pkcs8('70', ed25519), 'Ed25519', true, ['sign']);
    identity.agreeing = await x25519Private(x25519);
    identity.ed25519 = await publicOf(identity.signing);
    identity.x25519 = await publicOf(identity.agreeing);
    return identity;
  }

  async sign (text) {
    return new Uint8Array(await crypto.subtle.sign('Ed25519', this.signing, utf8(text)));
  }

  // 32 bytes, of one friendship
  async sessionKey (friendX25519, conversationId) {
    const shared = await crypto.subtle.importKey('raw', await x25519(this.agreeing, friendX25519), 'HKDF', false, ['deriveBits']);
    return new Uint8Array(await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256',
      salt: await sha256(utf8(conversationId)), info: utf8('securechat-session-v1') }, shared, 256));
  }
}

// --- signals ---

const WINDOW_MS = 60000;
const TYPES = new Set(['call_offer', 'call_answer', 'call_ice', 'call_hangup', 'call_reject', 'call_invite', 'call_renegotiate']);
const aes = (key, usage) => crypto.subtle.importKey('raw', key, 'AES-GCM', false, [usage]);

export async function sign (identity, fields, now = Date.now(), nonce = toHex(random(16))) {
  const signal = { ...fields, _ts: now, _nonce: nonce };
  return { ...signal, _sig: toHex(await identity.sign(canonical(signal))) };
}

// The frame for the relay: `fields` has type, call_id and from, and what the type needs
export async function seal (identity, session, to, fields) {
  const iv = random(12);
  const text = utf8(canonical(await sign(identity, fields)));
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, await aes(session, 'encrypt'), text));
  return { type: fields.type, to, call_id: fields.call_id, from: fields.from, crypto_v: 2, payload: toBase64(concat(iv, sealed)) };
}

// Verifies what comes from friends; a frame that fails is null.
export class Opener {
  constructor (friends) {
    this.friends = friends;                             // Map: alias -> {session, ed25519}
    this.nonces = new Set();
  }

  async open (frame, now = Date.now()) {
    const friend = this.friends.get(frame.from);
    try {
      if (!friend || !TYPES.has(frame.type) || (frame.crypto_v ?? 2) !== 2) return null;
      const sealed = fromBase64(frame.payload);
      const text = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: sealed.slice(0, 12) }, await aes(friend.session, 'decrypt'), sealed.slice(12));
      const { _sig, ...signal } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
      if (!/^[0-9a-f]{128}$/.test(_sig) || !Number.isInteger(signal._ts) || !/^[0-9a-f]{32}$/.test(signal._nonce)) return null;
      if (Math.abs(now - signal._ts) > WINDOW_MS || this.nonces.has(frame.from + signal._nonce)) return null;
      const key = await crypto.subtle.importKey('raw', friend.ed25519, 'Ed25519', false, ['verify']);
      if (!await crypto.subtle.verify('Ed25519', key, fromHex(_sig), utf8(canonical(signal)))) return null;
      this.nonces.add(frame.from + signal._nonce);
      const bound = signal.from === frame.from && signal.type === frame.type && signal.call_id && signal.call_id === frame.call_id;
      return bound ? signal : null;
    } catch (error) {
      return null;
    }
  }
}

// The two forms in which clients write a candidate, as RTCIceCandidate wants it
export function candidateOf (signal) {
  if (typeof signal.candidate === 'string')
    return { candidate: signal.candidate, sdpMid: signal.sdp_mid ?? null, sdpMLineIndex: signal.sdp_mline ?? null };
  return signal.candidate;
}

// --- the relay ---

const PING_MS = 25000;

export async function solveWork (challenge, difficulty) {
  for (let i = 0; ; i++)
    if (toHex(await sha256(utf8(challenge + i))).startsWith('0'.repeat(difficulty || 4))) return String(i);
}

// An account of the relay: `onsignal(signal, from)` gets what was verified
export class Account {
  constructor (url, identity) {
    this.url = url;
    this.identity = identity;
    this.friends = new Map();
    this.opener = new Opener(this.friends);
    this.onsignal = () => {};
    this.order = Promise.resolve();
  }

  async api (method, path, body) {
    const headers = {};
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    const response = await fetch(`${this.url}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status}: ${text}`);
    return text ? JSON.parse(text) : null;
  }

  async register (nickname) {
    const { challenge_string: challenge, difficulty } = await this.api('POST', '/pow/challenge', {});
    const account = await this.api('POST', '/register', {
      ed25519_public_key: toBase64(this.identity.ed25519), x25519_public_key: toBase64(this.identity.x25519),
      nickname, pow_nonce: await solveWork(challenge, difficulty) });
    this.uuid = account.uuid;
    this.alias = account.alias_id;
  }

  async login () {
    const { challenge } = await this.api('POST', '/auth/challenge', { user_uuid: this.uuid });
    const signature = toBase64(await this.identity.sign(challenge));
    this.token = (await this.api('POST', '/auth/verify', { user_uuid: this.uuid, challenge, signature })).token;
  }

  async loadFriends () {
    for (const friend of await this.api('GET', '/friends') ?? [])
      if (friend.status === 'accepted')
        this.friends.set(friend.alias_id, { ed25519: fromBase64(friend.ed25519_public_key),
          session: await this.identity.sessionKey(fromBase64(friend.x25519_public_key), friend.conversation_id) });
  }

  async connect () {
    await this.loadFriends();
    const { ticket } = await this.api('POST', '/ws/ticket', {});
    this.socket = new WebSocket(`${this.url.replace(/^http/, 'ws')}/ws?user_uuid=${this.uuid}&ticket=${ticket}`);
    this.socket.onmessage = event => this.receive(JSON.parse(event.data));
    await new Promise((resolve, reject) => { this.socket.onopen = resolve; this.socket.onerror = reject; });
    setInterval(() => this.socket.send('{"type":"ping"}'), PING_MS);
  }

  // Verifying takes turns of the event loop: one after the other, so that signals stay in order.
  receive (frame) {
    if (!String(frame.type).startsWith('call_')) return;
    this.order = this.order.then(async () => {
      const signal = await this.opener.open(frame);
      if (signal) await this.onsignal(signal, frame.from);
    }).catch(error => console.error(frame.type, String(error)));
  }

  send (to, fields) {
    this.sending = (this.sending ?? Promise.resolve()).then(async () => {
      const friend = this.friends.get(to);
      this.socket.send(JSON.stringify(await seal(this.identity, friend.session, to, { ...fields, from: this.alias })));
    });
    return this.sending;
  }
}
