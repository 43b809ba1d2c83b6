// gst-dao: a small client of the relay, for its tests and benchmark
//
// SPDX-License-Identifier: LGPL-2.1-or-later
'use strict';

const crypto = require('crypto');
const http = require('http');
const net = require('net');
const { spawn } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');

// Debian's node-ws; NODE_PATH is not set for us
function loadWs () {
  try {
    return require('ws');
  } catch (e) {
    return require('/usr/share/nodejs/ws');
  }
}
const WebSocket = loadWs();

const DEADLINE_MS = 30000;      // of any single wait: only a test that fails gets there

function deadline (promise, what) {
  let timer;
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${DEADLINE_MS} ms`)), DEADLINE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// A running dao-relay with a database of its own.
class Relay {
  static async start (args = [], { env = {}, db = null } = {}) {
    const relay = new Relay();
    relay.dir = db ? null : fs.mkdtempSync(path.join(os.tmpdir(), 'dao-relay-'));
    relay.db = db || path.join(relay.dir, 'relay.db');
    relay.stderr = '';
    relay.stdout = '';
    relay.child = spawn(process.env.DAO_RELAY,
      ['--listen', '127.0.0.1:0', '--db', relay.db, ...args],
      { env: { ...process.env, TURN_HOST: '', TURN_SECRET: '', TURN_TTL: '', STUN_URLS: '', CF_TURN_KEY_ID: '', CF_TURN_API_TOKEN: '', ...env } });
    relay.exited = new Promise(resolve => relay.child.on('exit', (code, signal) => resolve({ code, signal })));
    relay.child.stderr.on('data', d => { relay.stderr += d; });
    const ready = new Promise((resolve, reject) => {
      relay.child.stdout.on('data', d => {
        relay.stdout += d;
        const m = /^listening on (http:\/\/(.*):(\d+))$/m.exec(relay.stdout);
        if (m) resolve(m);
      });
      relay.exited.then(() => reject(new Error('dao-relay ended: ' + relay.stderr)));
    });
    const m = await deadline(ready, 'line "listening on"');
    relay.url = m[1];
    relay.port = Number(m[3]);
    return relay;
  }

  // SIGTERM must end it with status 0, and with nothing to complain about.
  async stop ({ keep = false } = {}) {
    this.child.kill('SIGTERM');
    const end = await deadline(this.exited, 'end of dao-relay');
    if (!keep && this.dir) fs.rmSync(this.dir, { recursive: true });
    if (end.code !== 0) throw new Error(`dao-relay ended with ${JSON.stringify(end)}: ${this.stderr}`);
    return end;
  }
}

// One HTTP request: {status, headers, body (parsed or null), text}.
function request (relay, method, target, { body, token, headers = {}, localAddress, agent } = {}) {
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const all = { ...headers };
  if (token) all.authorization = `Bearer ${token}`;
  if (text !== undefined) {
    all['content-type'] = 'application/json';
    all['content-length'] = Buffer.byteLength(text);
  } else if (method === 'PUT' || method === 'POST') {
    all['content-length'] = 0;
  }
  return deadline(new Promise((resolve, reject) => {
    const r = http.request({ host: '127.0.0.1', port: relay.port, method, path: target, headers: all, localAddress, agent }, res => {
      let data = '';
      res.setEncoding('utf8');
      res.on('data', d => { data += d; });
      res.on('end', () => {
        let parsed = null;
        try { parsed = data ? JSON.parse(data) : null; } catch (e) { /* the test sees null */ }
        resolve({ status: res.statusCode, headers: res.headers, body: parsed, text: data });
      });
    });
    r.on('error', reject);
    r.end(text);
  }), `answer to ${method} ${target}`);
}

// Raw bytes to the relay; all it answers until it closes or `until` matches.
function raw (relay, bytes, until) {
  return deadline(new Promise((resolve) => {
    let data = '';
    const s = net.connect(relay.port, '127.0.0.1', () => s.write(bytes));
    s.on('data', d => { data += d.toString('latin1'); if (until && until.test(data)) { s.destroy(); resolve(data); } });
    s.on('error', () => resolve(data));
    s.on('close', () => resolve(data));
  }), 'answer to raw bytes');
}

function solve (challenge, difficulty) {
  for (let i = 0; i < 10000000; i++) {
    if (crypto.createHash('sha256').update(challenge + i).digest('hex').startsWith('0'.repeat(difficulty))) return String(i);
  }
  throw new Error('no solution');
}

const rawKey = key => Buffer.from(key.export({ format: 'jwk' }).x, 'base64url').toString('base64');

// An account of the relay.
class Account {
  constructor (relay, nickname = 'Someone') {
    this.relay = relay;
    this.nickname = nickname;
    const ed = crypto.generateKeyPairSync('ed25519');
    this.privateKey = ed.privateKey;
    this.ed25519 = rawKey(ed.publicKey);
    this.x25519 = rawKey(crypto.generateKeyPairSync('x25519').publicKey);
  }

  request (method, target, options = {}) {
    return request(this.relay, method, '/api/v1' + target, { token: this.token, localAddress: this.localAddress, agent: this.agent, ...options });
  }

  async registration () {
    const pow = (await this.request('POST', '/pow/challenge', { body: {} })).body;
    return { ed25519_public_key: this.ed25519, x25519_public_key: this.x25519, nickname: this.nickname, pow_nonce: solve(pow.challenge_string, pow.difficulty) };
  }

  async register () {
    const r = await this.request('POST', '/register', { body: await this.registration() });
    if (r.body && r.body.uuid) {
      this.uuid = r.body.uuid;
      this.alias = r.body.alias_id;
    }
    return r;
  }

  sign (text) {
    return crypto.sign(null, Buffer.from(text, 'utf8'), this.privateKey).toString('base64');
  }

  async login () {
    const c = await this.request('POST', '/auth/challenge', { body: { user_uuid: this.uuid } });
    const v = await this.request('POST', '/auth/verify', { body: { user_uuid: this.uuid, challenge: c.body.challenge, signature: this.sign(c.body.challenge) } });
    this.token = v.body.token;
    return v;
  }

  async ticket () {
    return (await this.request('POST', '/ws/ticket', { body: {} })).body.ticket;
  }

  async connect (options = {}) {
    return Socket.open(this.relay, `/ws?user_uuid=${this.uuid}&ticket=${await this.ticket()}`, options);
  }

  static async online (relay, nickname) {
    const account = new Account(relay, nickname);
    const r = await account.register();
    if (r.status !== 201) throw new Error(`register: ${r.status} ${r.text}`);
    await account.login();
    account.socket = await account.connect();
    return account;
  }
}

// A WebSocket with a queue of what it received.
class Socket {
  static open (relay, target, options = {}) {
    return deadline(new Promise((resolve, reject) => {
      const socket = new Socket();
      socket.ws = new WebSocket(`ws://127.0.0.1:${relay.port}${target}`, { perMessageDeflate: false, ...options });
      socket.received = [];
      socket.waiting = null;
      socket.ws.on('message', data => {
        socket.received.push(data.toString());
        if (socket.waiting) socket.waiting();
      });
      socket.closed = new Promise(done => socket.ws.on('close', code => { socket.isClosed = true; if (socket.waiting) socket.waiting(); done(code); }));
      socket.ws.on('open', () => resolve(socket));
      socket.ws.on('unexpected-response', (req, res) => { res.resume(); reject(Object.assign(new Error('refused: ' + res.statusCode), { status: res.statusCode })); });
      socket.ws.on('error', reject);
    }), 'WebSocket');
  }

  send (message) {
    this.ws.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  async text () {
    while (this.received.length === 0) {
      if (this.isClosed) throw new Error('closed');
      await deadline(new Promise(resolve => { this.waiting = resolve; }), 'frame');
      this.waiting = null;
    }
    return this.received.shift();
  }

  async json () {
    return JSON.parse(await this.text());
  }

  // All that came before the answer to a ping sent now: a fence, so that "nothing came" can be said without waiting.
  async fence () {
    const before = [];
    this.send({ type: 'ping' });
    for (;;) {
      const text = await this.text();
      if (text === '{"type":"pong"}') return before;
      before.push(text);
    }
  }

  async close () {
    this.ws.close();
    await deadline(this.closed, 'close');
  }
}

module.exports = { Relay, Account, Socket, WebSocket, request, raw, solve, deadline };
