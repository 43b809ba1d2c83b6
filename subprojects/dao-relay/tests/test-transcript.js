// gst-dao: the recorded conversation of two unmodified SDK clients, replayed
//
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// node test-transcript.js [http_ws_transcript.json]; DAO_RELAY is the program.
// Every request goes out as recorded but for what the relay itself hands out
// (uuid, alias, challenge, token, ticket, ids), and every answer must have the
// recorded status and the recorded shape.
'use strict';

const assert = require('assert');
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { Relay, Socket, request, solve } = require('./relay-client.js');

const file = process.argv[2] || path.join(__dirname, '../../libdao/tests/vectors/http_ws_transcript.json');
const { cases, description } = JSON.parse(fs.readFileSync(file));

// protocol.md a.1 and a.2: the Ed25519 key of the phrases that the recording names
function signer (phrase) {
  const hmac = (key, data) => crypto.createHmac('sha512', key).update(data).digest();
  let node = hmac('ed25519 seed', crypto.pbkdf2Sync(phrase, 'mnemonic', 2048, 64, 'sha512'));
  for (const index of [44, 0, 0, 0, 0]) {
    const be = Buffer.alloc(4);
    be.writeUInt32BE((index | 0x80000000) >>> 0);
    node = hmac(node.subarray(32), Buffer.concat([Buffer.from([0]), node.subarray(0, 32), be]));
  }
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), node.subarray(0, 32)]);
  const key = crypto.createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return text => crypto.sign(null, Buffer.from(text), key).toString('base64');
}

const phrases = [...description.matchAll(/"((?:[a-z]+ ){11}[a-z]+)"/g)].map(m => m[1]);
const pending = [];             // recorded frames of the relay that must arrive: [alias, text, step]
const accounts = new Map();     // recorded uuid -> {sign, token, socket}
const renamed = new Map();      // recorded text -> what our relay said instead

const rename = text => text === null || text === undefined ? undefined :
  [...renamed].reduce((t, [from, to]) => t.split(from).join(to), text);

function sameShape (got, recorded, where) {
  assert.strictEqual(Array.isArray(got), Array.isArray(recorded), where);
  assert.strictEqual(got === null ? 'null' : typeof got, recorded === null ? 'null' : typeof recorded, where);
  if (Array.isArray(recorded)) {
    assert.strictEqual(got.length, recorded.length, where);
    recorded.forEach((r, i) => sameShape(got[i], r, `${where}[${i}]`));
  } else if (typeof recorded === 'object') {
    assert.deepStrictEqual(Object.keys(got).sort(), Object.keys(recorded).sort(), where);
    for (const k of Object.keys(recorded)) sameShape(got[k], recorded[k], `${where}.${k}`);
  }
}

// Learn what our relay calls what the recording names otherwise.
function learn (got, recorded) {
  const body = JSON.parse(recorded);
  for (const name of ['uuid', 'alias_id', 'challenge', 'conversation_id']) {
    if (typeof body[name] === 'string' && body[name] && body[name] !== got[name]) renamed.set(body[name], got[name]);
  }
}

(async () => {
  const relay = await Relay.start(['--pow-difficulty', '3'], { env: { STUN_URLS: 'stun:127.0.0.1:3478' } });
  let pow = null;
  let current = null;           // whose turn it is: the account of the last register or login
  const inbox = new Map();      // recorded alias -> socket
  const who = new Map();        // recorded alias -> account
  let http = 0;
  let frames = 0;

  for (const step of cases) {
    const where = `step ${step.step}`;
    if (step.kind === 'http') {
      let body = rename(step.req_body);
      if (step.path.endsWith('/register')) {
        const parsed = JSON.parse(body);
        parsed.pow_nonce = solve(pow.challenge_string, pow.difficulty);
        body = JSON.stringify(parsed);
      } else if (step.path.endsWith('/auth/verify')) {
        const recorded = JSON.parse(step.req_body);
        current = accounts.get(recorded.user_uuid);
        const parsed = JSON.parse(body);
        parsed.signature = current.sign(parsed.challenge);
        body = JSON.stringify(parsed);
      }
      const token = step.req_headers.authorization ? speaker(step).token : undefined;
      const r = await request(relay, step.method, rename(step.path), { body, token });
      assert.strictEqual(r.status, step.status, `${where}: ${r.text}`);
      sameShape(r.body, JSON.parse(step.resp_body), where);
      learn(r.body, step.resp_body);
      if (step.path.endsWith('/pow/challenge')) pow = r.body;
      if (step.path.endsWith('/register') && step.status === 201) {
        const recorded = JSON.parse(step.resp_body);
        const account = { sign: signer(phrases[accounts.size]), alias: recorded.alias_id, uuid: recorded.uuid };
        accounts.set(recorded.uuid, account);
        who.set(recorded.alias_id, account);
      }
      if (step.path.endsWith('/auth/verify')) current.token = r.body.token;
      if (step.path.endsWith('/ws/ticket')) renamed.set('<ticket>', r.body.ticket);
      http++;
    } else if (step.kind === 'ws-open') {
      const account = accounts.get(/user_uuid=([^&]*)/.exec(step.path)[1]);
      account.socket = await Socket.open(relay, rename(step.path));
      inbox.set(account.alias, account.socket);
    } else {
      const [from, to] = step.dir.split('->');
      const text = rename(step.frame);
      if (to === 'relay') inbox.get(from).send(text);
      else pending.push([to, text, where]);
      frames++;
    }
    // what the relay sends is recorded before the answer to the request that caused it
    if (step.kind === 'http' || step.kind === 'ws') {
      const next = cases[step.step + 1];
      const waits = next && next.kind === 'http' && step.kind === 'ws' && step.dir.startsWith('relay') && /friend_/.test(step.frame);
      while (!waits && pending.length) {
        const [to, text, at] = pending.shift();
        assert.deepStrictEqual(JSON.parse(await inbox.get(to).text()), JSON.parse(text), at);
      }
    }
  }
  for (const socket of inbox.values()) assert.deepStrictEqual(await socket.fence(), []);
  await relay.stop();
  console.log(`ok: ${http} requests and ${frames} frames as recorded`);
  process.exit(0);

  // The recording does not say whose token it is; the steps do.
  function speaker (step) {
    const [alice, bob] = [...who.values()];
    const bobs = [16, 22, 24, 25, 32];
    return bobs.includes(step.step) ? bob : alice;
  }
})().catch(e => { console.log(`not ok: ${e.stack}`); process.exit(1); });
