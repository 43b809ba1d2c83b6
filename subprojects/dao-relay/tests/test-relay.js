// gst-dao: dao-relay as its clients meet it
//
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// node test-relay.js [PATTERN]; DAO_RELAY is the program. TAP on stdout.
'use strict';

const assert = require('assert');
const http = require('http');
const { Relay, Account, Socket, WebSocket, request, raw, solve, deadline } = require('./relay-client.js');

const tests = [];
const test = (name, func) => tests.push({ name, func });
const EASY = ['--pow-difficulty', '1', '--max-registrations', '0', '--max-requests', '0'];

async function withRelay (args, options, func) {
  const relay = await Relay.start(args, options);
  try {
    await func(relay);
  } catch (e) {
    relay.child.kill('SIGKILL');
    e.message += '\n' + relay.stderr;
    throw e;
  }
  return relay.stop();
}

const two = async relay => [await Account.online(relay, 'Alice'), await Account.online(relay, 'Bob')];
const offer = (to, more = {}) => ({ type: 'call_offer', to, call_id: 'c1', crypto_v: 2, payload: 'AAAA', ...more });

// --- frames ---

test('frames: forwarded as received but for from', () => withRelay(EASY, {}, async relay => {
  const [a, b] = await two(relay);
  const text = `{ "type":"call_ice", "payload":"A\\u0041/é" ,"x":{"from":"u1"},"from":"${a.alias}","call_id":"c","to":"${b.alias}"}`;
  a.socket.send(text);
  assert.strictEqual(await b.socket.text(), text);
  a.socket.send(`{"type":"call_ice","call_id":"c","to":"${b.alias}"}`);
  assert.strictEqual(await b.socket.text(), `{"from":"${a.alias}","type":"call_ice","call_id":"c","to":"${b.alias}"}`);
}));

test('guard: a spoofed from is overwritten, whatever it is', () => withRelay(EASY, {}, async relay => {
  const [a, b] = await two(relay);
  for (const from of [b.alias, 'u99999999', '', 7, null, { a: ['}'] }, [1]]) {
    a.socket.send(offer(b.alias, { from }));
    assert.strictEqual((await b.socket.json()).from, a.alias);
  }
}));

test('guard: a frame with from twice or in disguise goes nowhere', () => withRelay(EASY, {}, async relay => {
  const [a, b] = await two(relay);
  const rest = `"type":"call_ice","call_id":"c","to":"${b.alias}"`;
  for (const more of ['"from":"x","from":"y"', '"from":"x","fr\\u006fm":"y"', '"\\u0066rom":"y"', `"to":"${a.alias}"`, '"type":"x"', '"call_id":"d"']) {
    a.socket.send(`{${rest},${more}}`);
  }
  await a.socket.fence();
  assert.deepStrictEqual(await b.socket.fence(), []);
}));

test('guard: without call_id, or with an empty one, it is dropped', () => withRelay(EASY, {}, async relay => {
  const [a, b] = await two(relay);
  for (const callId of [undefined, '', null, 5]) a.socket.send(offer(b.alias, { call_id: callId }));
  await a.socket.fence();
  assert.deepStrictEqual(await b.socket.fence(), []);
}));

test('frames: an offline or unknown target is silently nothing', () => withRelay(EASY, {}, async relay => {
  const [a, b] = await two(relay);
  await b.socket.close();
  for (const to of [b.alias, 'u99999999', '', 'Alice; DROP', 7]) a.socket.send(offer(to));
  assert.deepStrictEqual(await a.socket.fence(), []);
  b.socket = await b.connect();
  assert.deepStrictEqual(await b.socket.fence(), []);
}));

test('frames: other types are ignored, ping is answered', () => withRelay(EASY, {}, async relay => {
  const [a, b] = await two(relay);
  for (const type of ['msg', 'sync', 'goaway', 'callx', 'friend_accepted', '']) a.socket.send(offer(b.alias, { type }));
  assert.deepStrictEqual(await a.socket.fence(), []);
  assert.deepStrictEqual(await b.socket.fence(), []);
}));

test('frames: malformed JSON and invalid UTF-8 reach nobody and hurt nobody', () => withRelay(EASY, {}, async relay => {
  const [a, b] = await two(relay);
  const bad = ['', '{', '[]', 'null', '{"type":"call_x"', '{"type":"call_x",}', '\u0000', '{"a":01}', '"', '{"type":"call_offer"}x', '['.repeat(100000)];
  for (const text of bad) a.socket.send(text);
  // an unpaired continuation byte inside a frame that is otherwise right
  const frame = Buffer.from(JSON.stringify(offer(b.alias, { payload: 'XX' })));
  frame[frame.indexOf('XX')] = 0x80;
  a.socket.ws.send(frame, { binary: false });
  await a.socket.fence();
  assert.deepStrictEqual(await b.socket.fence(), []);
}));

test('guard: a frame over 256 KiB closes the socket with 1009', () => withRelay(EASY, {}, async relay => {
  const [a, b] = await two(relay);
  const most = 256 * 1024 - JSON.stringify(offer(b.alias, { payload: '' })).length;
  a.socket.send(offer(b.alias, { payload: 'A'.repeat(most) }));
  assert.strictEqual((await b.socket.json()).payload.length, most);
  a.socket.send(offer(b.alias, { payload: 'A'.repeat(most + 1) }));
  assert.strictEqual(await deadline(a.socket.closed, 'close'), 1009);
  assert.deepStrictEqual(await b.socket.fence(), []);
}));

test('guard: a message that never ends closes the socket with 1009', () => withRelay(EASY, {}, async relay => {
  const [a, b] = await two(relay);
  for (let i = 0; i < 257; i++) a.socket.ws.send('x'.repeat(1024), { fin: false });
  assert.strictEqual(await deadline(a.socket.closed, 'close'), 1009);
  assert.deepStrictEqual(await b.socket.fence(), []);
}));

test('frames: fragments are put together, binary frames are refused', () => withRelay(EASY, {}, async relay => {
  const [a, b] = await two(relay);
  const text = JSON.stringify(offer(b.alias, { payload: 'B'.repeat(20000) }));
  for (let i = 0; i < text.length; i += 700) a.socket.ws.send(text.slice(i, i + 700), { fin: i + 700 >= text.length });
  assert.strictEqual((await b.socket.json()).payload.length, 20000);
  a.socket.ws.send(Buffer.from(text));
  assert.notStrictEqual(await deadline(a.socket.closed, 'close'), 1000);
  assert.deepStrictEqual(await b.socket.fence(), []);
}));

test('guard: frames over the rate are dropped, a flood is cut off', () => withRelay([...EASY, '--max-frames', '1'], {}, async relay => {
  const [a, b] = await two(relay);
  for (let i = 0; i < 60; i++) a.socket.send(offer(b.alias, { call_id: String(i) }));
  for (let i = 0; i < 2500; i++) a.socket.send({ type: 'ping' });
  // cut with unread frames behind it, TCP may lose the close frame
  assert([1006, 1008].includes(await deadline(a.socket.closed, 'close')));
  const got = (await b.socket.fence()).length;
  assert(got >= 20 && got < 30, `${got} of 60 went through`);
}));

test('guard: a slow reader is cut off, others are not held up', () => withRelay([...EASY, '--max-frames', '0'], {}, async relay => {
  const [a, b] = await two(relay);
  const c = await Account.online(relay, 'Carol');
  b.socket.ws._socket.pause();
  // kernel buffers take some megabytes, the relay one more
  for (let i = 0; i < 200; i++) {
    for (let k = 0; k < 4; k++) a.socket.send(offer(b.alias, { payload: 'S'.repeat(60000) }));
    a.socket.send(offer(c.alias));
    assert.strictEqual((await c.socket.json()).from, a.alias);
  }
  b.socket.ws._socket.resume();
  assert.strictEqual(await deadline(b.socket.closed, 'close'), 1006);
  assert(b.socket.received.length < 800);
}));

// Pongs go out between frames: within one they would be taken for its payload.
test('frames: long ones arrive whole while pings are answered', () => withRelay([...EASY, '--max-frames', '0'], {}, async relay => {
  const [a, b] = await two(relay);
  const timer = setInterval(() => { for (let i = 0; i < 20; i++) b.socket.ws.ping(); }, 1);
  try {
    for (let i = 0; i < 200; i++) {
      const payload = String(i % 10).repeat(200000);
      a.socket.send(offer(b.alias, { payload }));
      assert.strictEqual((await b.socket.json()).payload, payload);
    }
  } finally {
    clearInterval(timer);
  }
}));

// --- sockets ---

test('guard: a ticket is good once, for its user', () => withRelay(EASY, {}, async relay => {
  const [a, b] = await two(relay);
  const refused = target => assert.rejects(Socket.open(relay, target), { status: 401 });
  const ticket = await a.ticket();
  assert.match(ticket, /^[A-Za-z0-9_-]{20,}$/);
  const s = await Socket.open(relay, `/ws?user_uuid=${a.uuid}&ticket=${ticket}`);
  await refused(`/ws?user_uuid=${a.uuid}&ticket=${ticket}`);
  await refused(`/ws?user_uuid=${b.uuid}&ticket=${await a.ticket()}`);
  const burnt = await a.ticket();
  await refused(`/ws?user_uuid=${b.uuid}&ticket=${burnt}`);
  await refused(`/ws?user_uuid=${a.uuid}&ticket=${burnt}`);
  await refused(`/ws?user_uuid=${a.uuid}`);
  await refused(`/ws?ticket=${await a.ticket()}`);
  await refused(`/ws?user_uuid=${a.uuid}&token=${a.token}`);
  await refused('/ws');
  await assert.rejects(Socket.open(relay, `/other?user_uuid=${a.uuid}&ticket=${await a.ticket()}`), { status: 404 });
  await s.close();
}));

test('sockets: --allow-token-in-url takes tokens', () => withRelay([...EASY, '--allow-token-in-url'], {}, async relay => {
  const a = await Account.online(relay);
  const s = await Socket.open(relay, `/ws?user_uuid=${a.uuid}&token=${a.token}`);
  assert.deepStrictEqual(await s.fence(), []);
  await assert.rejects(Socket.open(relay, `/ws?user_uuid=${a.uuid}&token=x`), { status: 401 });
  await assert.rejects(Socket.open(relay, `/ws?user_uuid=${'0'.repeat(36)}&token=${a.token}`), { status: 401 });
}));

test('sockets: a second device evicts the first with goaway new_device_login', () => withRelay(EASY, {}, async relay => {
  const [a, b] = await two(relay);
  const first = a.socket;
  await a.login();
  const second = await a.connect();
  assert.deepStrictEqual(await first.json(), { type: 'goaway', reason: 'new_device_login', payload: { reason: 'new_device_login' } });
  await deadline(first.closed, 'close');
  b.socket.send(offer(a.alias));
  assert.strictEqual((await second.json()).from, b.alias);
}));

test('sockets: a reconnect with the same token gets no goaway', () => withRelay(EASY, {}, async relay => {
  const [a, b] = await two(relay);
  const first = a.socket;
  const second = await a.connect();
  await deadline(first.closed, 'close');
  assert.deepStrictEqual(first.received, []);
  b.socket.send(offer(a.alias));
  assert.strictEqual((await second.json()).from, b.alias);
}));

test('guard: a new login revokes the old token, then its socket', () => withRelay([...EASY, '--revoked-grace', '0'], {}, async relay => {
  const a = await Account.online(relay);
  const old = a.token;
  await a.login();
  assert.strictEqual((await a.request('GET', '/friends', { token: old })).status, 401);
  assert.strictEqual((await a.request('GET', '/friends')).status, 200);
  assert.deepStrictEqual(await a.socket.json(), { type: 'goaway', reason: 'jwt_revoked', payload: { reason: 'jwt_revoked' } });
  await deadline(a.socket.closed, 'close');
}));

test('sockets: silence closes, a ping keeps open', () => withRelay([...EASY, '--idle-timeout', '2'], {}, async relay => {
  const [a, b] = await two(relay);
  const timer = setInterval(() => a.socket.send({ type: 'ping' }), 300);
  await deadline(b.socket.closed, 'close');
  clearInterval(timer);
  assert.strictEqual(a.socket.isClosed, undefined);
}));

test('sockets: SIGTERM says goaway server_shutdown', async () => {
  const relay = await Relay.start(EASY);
  const [a, b] = await two(relay);
  const stopped = relay.stop();
  for (const s of [a.socket, b.socket]) {
    assert.deepStrictEqual(await s.json(), { type: 'goaway', reason: 'server_shutdown', payload: { reason: 'server_shutdown' } });
    assert.strictEqual(await deadline(s.closed, 'close'), 1001);
  }
  await stopped;
});

test('sockets: a storm of 2000 connects is served', () => withRelay(EASY, {}, async relay => {
  const n = 2000;
  const agent = new http.Agent({ keepAlive: true });
  const targets = [];
  for (let i = 0; i < n; i++) {
    const a = Object.assign(new Account(relay), { agent });
    // one after the other: an address has one proof of work at a time
    await a.register();
    await a.login();
    targets.push(`/ws?user_uuid=${a.uuid}&ticket=${await a.ticket()}`);
  }
  agent.destroy();
  const start = process.hrtime.bigint();
  const up = (await Promise.allSettled(targets.map(target => Socket.open(relay, target)))).filter(r => r.status === 'fulfilled');
  console.log(`# ${up.length} of ${n} up in ${Number((process.hrtime.bigint() - start) / 1000000n)} ms`);
  assert.strictEqual(up.length, n);
  for (const { value } of up) assert.deepStrictEqual(await value.fence(), []);
}));

// --- HTTP ---

test('register: 201, 409 with uuid and alias, 400', () => withRelay(['--max-registrations', '0'], {}, async relay => {
  const a = new Account(relay, 'Zoë');
  const pow = (await a.request('POST', '/pow/challenge')).body;
  assert.deepStrictEqual(Object.keys(pow), ['challenge_string', 'difficulty', 'expires_in']);
  assert.strictEqual(pow.difficulty, 4);
  const r = await a.register();
  assert.strictEqual(r.status, 201);
  assert.match(r.body.uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.match(r.body.alias_id, /^u[0-9]{8}$/);
  const again = await a.register();
  assert.strictEqual(again.status, 409);
  assert.deepStrictEqual(again.body, { error: 'exists', uuid: r.body.uuid, alias_id: r.body.alias_id });
  const good = await new Account(relay).registration();
  for (const bad of [{ ed25519_public_key: 'AAAA' }, { x25519_public_key: good.x25519_public_key.slice(0, -1) + '!' }, { ed25519_public_key: 5 },
    { nickname: 'x'.repeat(65) }, { nickname: 'a\nb' }]) {
    assert.strictEqual((await request(relay, 'POST', '/api/v1/register', { body: { ...good, ...bad } })).status, 400);
  }
  assert.strictEqual((await request(relay, 'POST', '/api/v1/register', { body: good })).status, 201);
}));

test('guard: proof of work is needed, used once, and bound to the address', () => withRelay(['--pow-difficulty', '3'], {}, async relay => {
  const register = async (options, change = {}) => {
    const a = new Account(relay);
    return (await request(relay, 'POST', '/api/v1/register', { body: { ed25519_public_key: a.ed25519, x25519_public_key: a.x25519, nickname: '', ...change }, ...options })).status;
  };
  const challenge = async options => {
    const c = (await request(relay, 'POST', '/api/v1/pow/challenge', { body: {}, ...options })).body;
    return { pow_nonce: solve(c.challenge_string, c.difficulty) };
  };
  assert.strictEqual(await register({}), 400);
  assert.strictEqual(await register({}, { pow_nonce: '0' }), 400);
  const solved = await challenge({});
  assert.strictEqual(await register({ localAddress: '127.0.0.2' }, solved), 400);
  assert.strictEqual(await register({}, solved), 201);
  assert.strictEqual(await register({}, solved), 400);
}));

test('guard: the eleventh registration of an address in an hour is 429', () => withRelay(['--pow-difficulty', '1'], {}, async relay => {
  for (let i = 0; i < 10; i++) assert.strictEqual((await new Account(relay).register()).status, 201);
  assert.strictEqual((await new Account(relay).register()).status, 429);
  const elsewhere = new Account(relay);
  elsewhere.localAddress = '127.0.0.3';
  assert.strictEqual((await elsewhere.register()).status, 201);
  // X-Forwarded-For is anybody's word
  const b = new Account(relay);
  const r = await b.request('POST', '/register', { body: await b.registration(), headers: { 'x-forwarded-for': '192.0.2.1' } });
  assert.strictEqual(r.status, 429);
}));

test('register: --trust-proxy counts the address the proxy names', () => withRelay(['--pow-difficulty', '1', '--max-registrations', '1', '--trust-proxy'], {}, async relay => {
  const register = async forwarded => {
    const a = new Account(relay);
    const headers = { 'x-forwarded-for': forwarded };
    const c = (await a.request('POST', '/pow/challenge', { body: {}, headers })).body;
    return (await a.request('POST', '/register', { body: { ed25519_public_key: a.ed25519, x25519_public_key: a.x25519, nickname: '', pow_nonce: solve(c.challenge_string, 1) }, headers })).status;
  };
  assert.strictEqual(await register('192.0.2.1'), 201);
  assert.strictEqual(await register('198.51.100.7, 192.0.2.1'), 429);
  assert.strictEqual(await register('192.0.2.2'), 201);
}));

test('login: challenge, verify, and what is refused', () => withRelay(EASY, {}, async relay => {
  const [a, b] = await two(relay);
  const c = (await a.request('POST', '/auth/challenge', { body: { user_uuid: a.uuid.toUpperCase() } })).body;
  assert(c.challenge.length <= 512 && !c.challenge.startsWith('{'));
  assert.match(c.expires_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const verify = (body) => a.request('POST', '/auth/verify', { body });
  const good = { user_uuid: a.uuid, challenge: c.challenge, signature: a.sign(c.challenge) };
  assert.strictEqual((await verify({ ...good, signature: b.sign(c.challenge) })).status, 401);
  assert.strictEqual((await verify({ ...good, user_uuid: b.uuid, signature: b.sign(c.challenge) })).status, 401);
  assert.strictEqual((await verify({ ...good, challenge: 'mine', signature: a.sign('mine') })).status, 401);
  assert.strictEqual((await verify({ ...good, signature: 'AAAA' })).status, 401);
  assert.strictEqual((await verify({})).status, 401);
  const v = await verify(good);
  assert.strictEqual(v.status, 200);
  assert.match(v.body.token, /^[A-Za-z0-9_-]{40,}$/);
  assert.strictEqual(v.body.expires_in, 86400);
  assert.strictEqual((await verify(good)).status, 401, 'a challenge is used once');
  assert.strictEqual((await a.request('POST', '/auth/challenge', { body: { user_uuid: 'x' } })).status, 400);
  assert.strictEqual((await a.request('POST', '/auth/challenge', { body: { user_uuid: '00000000-0000-4000-8000-000000000000' } })).status, 404);
}));

test('guard: failed logins of an address are limited', () => withRelay(EASY, {}, async relay => {
  const a = await Account.online(relay);
  let last;
  for (let i = 0; i < 40; i++) last = await a.request('POST', '/auth/verify', { body: { user_uuid: a.uuid, challenge: 'x', signature: 'y' } });
  assert.strictEqual(last.status, 429);
}));

test('friends: request, list, accept, and who may', () => withRelay(EASY, {}, async relay => {
  const [a, b] = await two(relay);
  const c = await Account.online(relay, 'Carol');
  const r = await a.request('POST', '/friends/request', { body: { to_alias_id: b.alias } });
  assert.strictEqual(r.status, 200);
  const id = r.body.friendship_id;
  assert.deepStrictEqual(await b.socket.json(), { type: 'friend_request', from: a.alias });
  const again = await a.request('POST', '/friends/request', { body: { to_alias_id: b.alias } });
  assert.deepStrictEqual(again.body, { friendship_id: id });
  assert.deepStrictEqual(await b.socket.fence(), [], 'asked once');
  assert.strictEqual((await a.request('PUT', `/friends/${id}/accept`)).status, 403, 'not the one who asked');
  assert.strictEqual((await c.request('PUT', `/friends/${id}/accept`)).status, 404, 'not a stranger');
  assert.strictEqual((await c.request('POST', `/friends/${id}/reject`, { body: {} })).status, 404);
  for (const bad of ['0', '-1', '999', 'x', '1e3', '99999999999999999999']) assert.strictEqual((await b.request('PUT', `/friends/${bad}/accept`)).status, 404);
  assert.deepStrictEqual((await c.request('GET', '/friends')).body, []);
  const accepted = await b.request('PUT', `/friends/${id}/accept`);
  assert.strictEqual(accepted.status, 200);
  assert.match(accepted.body.conversation_id, /^conv_/);
  assert.deepStrictEqual(await a.socket.json(), { type: 'friend_accepted', from: b.alias });
  const list = (await a.request('GET', '/friends')).body;
  assert.deepStrictEqual(list, [{ friendship_id: id, alias_id: b.alias, nickname: 'Bob', status: 'accepted', direction: 'sent',
    conversation_id: accepted.body.conversation_id, x25519_public_key: b.x25519, ed25519_public_key: b.ed25519, created_at: list[0].created_at }]);
  assert.match(list[0].created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.deepStrictEqual((await b.request('PUT', `/friends/${id}/accept`)).body, accepted.body, 'the conversation stays');
  assert.strictEqual((await b.request('POST', `/friends/${id}/reject`, { body: {} })).status, 409);
  const bad = [[{ to_alias_id: a.alias }, 400], [{ to_alias_id: 'u00000000x' }, 404], [{ to_alias_id: 'A' }, 400], [{}, 400], ['[]', 400], ['{', 400]];
  for (const [body, status] of bad) assert.strictEqual((await a.request('POST', '/friends/request', { body })).status, status);
}));

test('friends: a rejection stands until the one who rejected asks', () => withRelay(EASY, {}, async relay => {
  const [a, b] = await two(relay);
  const ask = async (x, y) => (await x.request('POST', '/friends/request', { body: { to_alias_id: y.alias } })).body.friendship_id;
  const id = await ask(a, b);
  assert.strictEqual((await b.request('POST', `/friends/${id}/reject`, { body: {} })).status, 200);
  assert.deepStrictEqual(await a.socket.fence(), [], 'the requester is not notified');
  assert.strictEqual(await ask(a, b), id);
  assert.strictEqual((await b.request('GET', '/friends')).body[0].status, 'rejected');
  assert.strictEqual(await ask(b, a), id);
  const entry = (await a.request('GET', '/friends')).body[0];
  assert.strictEqual(entry.status, 'pending');
  assert.strictEqual(entry.direction, 'received');
  assert.strictEqual((await a.request('PUT', `/friends/${id}/accept`)).status, 200);
}));

test('guard: friend requests are limited', () => withRelay(EASY, {}, async relay => {
  const a = await Account.online(relay);
  let last;
  for (let i = 0; i < 31; i++) last = await a.request('POST', '/friends/request', { body: { to_alias_id: 'u1234' } });
  assert.strictEqual(last.status, 429);
}));

test('guard: requests of an account are limited', () => withRelay(['--pow-difficulty', '1'], {}, async relay => {
  const a = await Account.online(relay);
  const all = await Promise.all(Array.from({ length: 200 }, () => a.request('GET', '/users/u1234')));
  assert(all.some(r => r.status === 429) && all.some(r => r.status === 404));
}));

test('users: look-up by alias', () => withRelay(EASY, {}, async relay => {
  const [a, b] = await two(relay);
  assert.deepStrictEqual((await a.request('GET', `/users/${b.alias}`)).body,
    { alias_id: b.alias, nickname: 'Bob', x25519_public_key: b.x25519, ed25519_public_key: b.ed25519 });
  assert.deepStrictEqual((await a.request('GET', `/users/%75${b.alias.slice(1)}`)).status, 200);
  for (const alias of ['u00', 'X', '%00', '..%2f', 'x'.repeat(70), '%ff', `${b.alias}/x`]) assert.strictEqual((await a.request('GET', `/users/${alias}`)).status, 404);
}));

test('guard: nothing without a token', () => withRelay(EASY, {}, async relay => {
  for (const [method, target] of [['POST', '/ws/ticket'], ['GET', '/friends'], ['POST', '/friends/request'], ['PUT', '/friends/1/accept'],
    ['POST', '/friends/1/reject'], ['GET', '/users/u1'], ['GET', '/calls/ice-config']]) {
    for (const authorization of [undefined, 'Bearer', 'Bearer x', 'Basic eDp4', `Bearer ${'x'.repeat(200)}`]) {
      const r = await request(relay, method, '/api/v1' + target, { headers: authorization ? { authorization } : {} });
      assert.strictEqual(r.status, 401, `${method} ${target}`);
      assert.strictEqual(typeof r.body.error, 'string');
    }
  }
}));

test('ice-config: TURN with a temporary credential', () => withRelay(EASY, { env: { TURN_HOST: 'turn.example:3478', TURN_SECRET: 'turn-secret' } }, async relay => {
  const a = await Account.online(relay);
  const crypto = require('crypto');
  for (const mode of ['', '?mode=relay']) {
    const r = (await a.request('GET', `/calls/ice-config${mode}`)).body;
    assert.strictEqual(r.ttl, 600);
    assert.strictEqual(r.ice_transport_policy, mode ? 'relay' : 'all');
    for (const s of r.ice_servers) assert(Array.isArray(s.urls));
    const turn = r.ice_servers[r.ice_servers.length - 1];
    assert.deepStrictEqual(turn.urls, ['turn:turn.example:3478?transport=udp', 'turn:turn.example:3478?transport=tcp']);
    const [expiry, user] = turn.username.split(':');
    assert.strictEqual(user, a.alias);
    assert(Math.abs(Number(expiry) - Date.now() / 1000 - 600) < 30);
    assert.strictEqual(turn.credential, crypto.createHmac('sha1', 'turn-secret').update(turn.username).digest('base64'));
  }
}));

test('ice-config: STUN_URLS, or nothing', async () => {
  await withRelay(EASY, { env: { STUN_URLS: 'stun:127.0.0.1:3478, stun:b.example' } }, async relay => {
    const a = await Account.online(relay);
    assert.deepStrictEqual((await a.request('GET', '/calls/ice-config')).body,
      { ttl: 600, ice_transport_policy: 'all', ice_servers: [{ urls: ['stun:127.0.0.1:3478'] }, { urls: ['stun:b.example'] }] });
  });
  await withRelay(EASY, {}, async relay => {
    const a = await Account.online(relay);
    assert.deepStrictEqual((await a.request('GET', '/calls/ice-config')).body, { ttl: 600, ice_transport_policy: 'all', ice_servers: [] });
  });
});

test('options: what is wrong is refused', async () => {
  for (const [args, env] of [[['--redis', 'redis://x'], {}], [['--pow-difficulty', '9'], {}], [['x'], {}], [[], { TURN_HOST: 'a' }], [[], { TURN_SECRET: 'geheim' }],
    [[], { STUN_URLS: 'http://x' }], [['--listen', 'x'], {}], [['--db', '/nonexistent/x'], {}]]) {
    await assert.rejects(Relay.start(args, { env }), e => /dao-relay: /.test(e.message) && !/geheim/.test(e.message));
  }
});

test('cors: preflight and answers', () => withRelay(EASY, {}, async relay => {
  const r = await request(relay, 'OPTIONS', '/api/v1/friends/1/accept', { headers: { origin: 'https://app.example', 'access-control-request-method': 'PUT', 'access-control-request-headers': 'authorization,content-type' } });
  assert.strictEqual(r.status, 204);
  const list = name => r.headers[name].toLowerCase().split(/, */);
  assert(list('access-control-allow-headers').includes('authorization') && list('access-control-allow-headers').includes('content-type'));
  assert(['get', 'post', 'put'].every(m => list('access-control-allow-methods').includes(m)));
  for (const target of ['/api/v1/friends', '/nothing', '/api/v1/pow/challenge']) assert.strictEqual((await request(relay, 'GET', target)).headers['access-control-allow-origin'], '*');
}));

test('http: bodies that are none, too large or too many', () => withRelay(EASY, {}, async relay => {
  for (const body of ['', '[]', '"x"', '{"user_uuid":', '{"a":1,"a":2}', '\u0000', '['.repeat(10000)]) {
    const r = await request(relay, 'POST', '/api/v1/auth/challenge', { body });
    assert.strictEqual(r.status, 400);
    assert.strictEqual(typeof r.body.error, 'string');
  }
  assert.strictEqual((await request(relay, 'POST', '/api/v1/register', { body: 'x'.repeat(16385) })).status, 413);
  assert.match(await raw(relay, 'POST /api/v1/register HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'), /^HTTP\/1.1 411/);
  assert.match(await raw(relay, 'POST /api/v1/register HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n'), /^HTTP\/1.1 411/);
  assert.match(await raw(relay, 'POST /api/v1/pow/challenge HTTP/1.1\r\nHost: x\r\n\r\n'), /^HTTP\/1.1 200/);
}));

test('http: malformed requests do not hurt', () => withRelay(EASY, {}, async relay => {
  const a = await Account.online(relay);
  const long = 'x'.repeat(9000);
  for (const bytes of ['\r\n\r\n', 'GET\r\n\r\n', `GET /${long} HTTP/1.1\r\nHost: x\r\n\r\n`, `GET / HTTP/1.1\r\nAuthorization: ${long}\r\n\r\n`,
    `GET /api/v1/friends?${'a=b&'.repeat(200)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', 'DELETE /api/v1/friends HTTP/1.1\r\nHost: x\r\n\r\n', 'HEAD / HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n',
    'GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00', Buffer.alloc(5000, 0xff)]) {
    // what does not close by itself is closed by us: only that the relay lives on matters
    await Promise.race([raw(relay, bytes), new Promise(resolve => setTimeout(resolve, 200))]);
    assert.deepStrictEqual(await a.socket.fence(), []);
  }
}));

test('http: one connection serves request after request', () => withRelay(EASY, {}, async relay => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set();
  agent.on('free', socket => ports.add(socket.localPort));
  for (const [method, target, status] of [['GET', '/friends', 401], ['PUT', '/friends/1/accept', 401], ['POST', '/pow/challenge', 200], ['OPTIONS', '/friends', 204],
    ['POST', '/friends/1/reject', 401], ['GET', '/nothing', 404], ['PUT', '/friends', 405], ['GET', '/friends', 401]]) {
    assert.strictEqual((await request(relay, method, '/api/v1' + target, { agent })).status, status, target);
  }
  assert.strictEqual(ports.size, 1);
  agent.destroy();
}));

test('websocket: protocol errors close only the one who made them', () => withRelay(EASY, {}, async relay => {
  const [a, b] = await two(relay);
  const s = a.socket.ws._socket;
  for (const bytes of [[0x81, 0x02, 0x7b, 0x7d], [0xc1, 0x80, 0, 0, 0, 0], [0x83, 0x80, 0, 0, 0, 0], [0x80, 0x80, 0, 0, 0, 0], [0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
    [0x89, 0xfe, 0x10, 0x00, 0, 0, 0, 0]]) {
    const c = await Account.online(relay);
    c.socket.ws.on('error', () => {});
    c.socket.ws._socket.write(Buffer.from(bytes));
    c.socket.ws._socket.end();
    await deadline(c.socket.closed, 'close');
  }
  assert(s);
  a.socket.send(offer(b.alias));
  assert.strictEqual((await b.socket.json()).from, a.alias);
}));

test('store: accounts, tokens and friendships survive a restart', async () => {
  const fs = require('fs');
  const first = await Relay.start(EASY);
  const [a, b] = await two(first);
  const id = (await a.request('POST', '/friends/request', { body: { to_alias_id: b.alias } })).body.friendship_id;
  const conversation = (await b.request('PUT', `/friends/${id}/accept`)).body.conversation_id;
  await first.stop({ keep: true });
  await withRelay(EASY, { db: first.db }, async relay => {
    a.relay = b.relay = relay;
    assert.strictEqual((await a.request('GET', '/friends')).body[0].conversation_id, conversation);
    await b.login();
    assert.strictEqual((await b.request('GET', '/friends')).body[0].alias_id, a.alias);
    const s = await a.connect();
    assert.deepStrictEqual(await s.fence(), []);
  });
  fs.rmSync(first.dir, { recursive: true });
});

test('guard: logs name no token, ticket or key', () => withRelay(EASY, { env: { TURN_HOST: 't.example', TURN_SECRET: 'turn-secret' } }, async relay => {
  const [a, b] = await two(relay);
  const ticket = await a.ticket();
  const s = await Socket.open(relay, `/ws?user_uuid=${a.uuid}&ticket=${ticket}`);
  s.send(offer(b.alias, { payload: 'SECRETPAYLOAD' }));
  await b.socket.json();
  for (const secret of [a.token, ticket, 'turn-secret', 'SECRETPAYLOAD']) assert(!(relay.stderr + relay.stdout).includes(secret));
}));

(async () => {
  const chosen = tests.filter(t => !process.argv[2] || t.name.includes(process.argv[2]));
  let failed = 0;
  console.log(`1..${chosen.length}`);
  for (const [i, t] of chosen.entries()) {
    try {
      await t.func();
      console.log(`ok ${i + 1} - ${t.name}`);
    } catch (e) {
      failed++;
      console.log(`not ok ${i + 1} - ${t.name}\n# ${e.message.trim().replace(/\n/g, '\n# ')}\n# ${(/test-relay.js:\d+/.exec(e.stack) || [''])[0]}`);
    }
  }
  process.exit(failed ? 1 : 0);
})();
