// gst-dao: ice-config with a stand-in for Cloudflare Realtime TURN
//
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// node test-ice.js [PATTERN]; DAO_RELAY is the program. TAP on stdout.
'use strict';

const assert = require('assert');
const fs = require('fs');
const http = require('http');
const https = require('https');
const os = require('os');
const path = require('path');
const { execFileSync } = require('child_process');
const { Relay, Account, raw, deadline } = require('./relay-client.js');

const tests = [];
const test = (name, func) => tests.push({ name, func });
const EASY = ['--pow-difficulty', '1', '--max-registrations', '0', '--max-requests', '0'];
const KEY = 'd1d0b0e5c9a84f0fa3f6c8a1f5a2e777';
const TOKEN = 'geheim-7f3c9a1e5b';

// What developers.cloudflare.com shows for both calls.
const GOOD = {
  iceServers: [
    { urls: ['stun:stun.cloudflare.com:3478', 'stun:stun.cloudflare.com:53'] },
    {
      urls: ['turn:turn.cloudflare.com:3478?transport=udp', 'turn:turn.cloudflare.com:53?transport=udp', 'turn:turn.cloudflare.com:3478?transport=tcp',
        'turn:turn.cloudflare.com:80?transport=tcp', 'turns:turn.cloudflare.com:5349?transport=tcp', 'turns:turn.cloudflare.com:443?transport=tcp'],
      username: 'bc91b63e2b5d759f8eb9f3b58062439e0a0e15893d76317d833265ad08d6631099ce7c7087caabb31ad3e1c386424e3e',
      credential: 'ebd71f1d3edbc2b0edae3cd5a6d82284aeb5c3b8fdaa9b8e3bf9cec683e0d45fe9f5b44e5145db3300f06c250a15b4a0'
    }
  ]
};
const OLDER = { iceServers: { urls: GOOD.iceServers[0].urls.concat(GOOD.iceServers[1].urls), username: 'u1', credential: 'c1' } };

const answer = (status, body) => (req, res) => {
  res.writeHead(status, { 'content-type': 'application/json' });
  res.end(typeof body === 'string' ? body : JSON.stringify(body));
};

// A server that answers with `behave` and notes what it was asked.
async function standIn (behave, tls) {
  const s = { asked: [], sockets: new Set(), behave };
  const handler = (req, res) => {
    let text = '';
    req.on('data', d => { text += d; });
    req.on('end', () => {
      s.asked.push({ method: req.method, url: req.url, authorization: req.headers.authorization, type: req.headers['content-type'], body: text });
      s.behave(req, res);
    });
  };
  s.server = tls ? https.createServer(tls, handler) : http.createServer(handler);
  s.server.on('connection', c => { s.sockets.add(c); c.on('close', () => s.sockets.delete(c)); });
  await new Promise(resolve => s.server.listen(0, '127.0.0.1', resolve));
  s.url = `${tls ? 'https' : 'http'}://127.0.0.1:${s.server.address().port}`;
  s.close = () => { for (const c of s.sockets) c.destroy(); s.server.close(); };
  return s;
}

// The relay with this stand-in, and an account; nothing secret may be in what the relay printed.
async function withCloudflare (behave, func, { env = {}, args = EASY, tls } = {}) {
  const cf = await standIn(behave, tls);
  const relay = await Relay.start(args, { env: { CF_TURN_KEY_ID: KEY, CF_TURN_API_TOKEN: TOKEN, CF_TURN_BASE_URL: cf.url, ...env } });
  try {
    const a = new Account(relay);
    await a.register();
    await a.login();
    await func(a, cf, relay);
    await relay.stop();
    for (const secret of [TOKEN, GOOD.iceServers[1].credential, KEY]) assert(!(relay.stderr + relay.stdout).includes(secret), relay.stderr);
  } catch (e) {
    relay.child.kill('SIGKILL');
    e.message += '\n' + relay.stderr;
    throw e;
  } finally {
    cf.close();
  }
}

const config = async (a, query = '') => {
  const r = await a.request('GET', '/calls/ice-config' + query);
  assert.strictEqual(r.status, 200);
  assert(!r.text.includes(TOKEN));
  for (const s of r.body.ice_servers) assert(Array.isArray(s.urls));
  return r.body;
};
const EMPTY = { ttl: 600, ice_transport_policy: 'all', ice_servers: [] };
const TURN = { TURN_HOST: 'turn.example', TURN_SECRET: 'turn-secret' };

test('cloudflare: one request serves all for nine minutes', () => withCloudflare(answer(201, GOOD), async (a, cf) => {
  assert.strictEqual(cf.asked.length, 0);
  const answers = await Promise.all([...Array(20)].map(() => config(a)));
  for (const r of answers) assert.deepStrictEqual(r, { ttl: 600, ice_transport_policy: 'all', ice_servers: GOOD.iceServers });
  await config(a);
  assert.deepStrictEqual(cf.asked, [{
    method: 'POST', url: `/v1/turn/keys/${KEY}/credentials/generate-ice-servers`, authorization: `Bearer ${TOKEN}`, type: 'application/json', body: '{"ttl":1200}'
  }]);
}));

test('cloudflare: mode=relay gets TURN servers only', () => withCloudflare(answer(201, GOOD), async a => {
  const r = await config(a, '?mode=relay');
  assert.deepStrictEqual(r, { ttl: 600, ice_transport_policy: 'relay', ice_servers: [GOOD.iceServers[1]] });
}));

test('cloudflare: the older call, with one object', () => withCloudflare((req, res) => answer(...(req.url.endsWith('/generate') ? [201, OLDER] : [404, {}]))(req, res), async (a, cf) => {
  assert.deepStrictEqual((await config(a)).ice_servers, [OLDER.iceServers]);
  assert.deepStrictEqual(cf.asked.map(q => q.url.split('/').pop()), ['generate-ice-servers', 'generate']);
}));

test('cloudflare: urls as strings become arrays', () => withCloudflare(answer(200, { iceServers: [{ urls: 'turns:a.example:443', username: 'u', credential: 'c' }] }), async a => {
  assert.deepStrictEqual((await config(a)).ice_servers, [{ urls: ['turns:a.example:443'], username: 'u', credential: 'c' }]);
}));

test('cloudflare: a failure falls through, to TURN, STUN or nothing, and is not asked again at once', async () => {
  const huge = JSON.stringify({ iceServers: [GOOD.iceServers[1], { urls: ['stun:' + 'x'.repeat(70000)] }] });
  const bad = [answer(500, 'oops'), answer(401, { error: TOKEN }), answer(201, 'garbage'), answer(201, ''), answer(201, '{"iceServers":[]}'), answer(201, huge),
    answer(201, { iceServers: [{ urls: ['turn:a'], username: 'u' }] }), answer(201, { iceServers: [{ urls: ['turn:a\r\nb'], username: 'u', credential: 'c' }] }),
    answer(201, { iceServers: [...GOOD.iceServers, { urls: ['http://evil.example'] }] }), (req, res) => res.destroy(),
    (req, res) => { res.writeHead(302, { location: '/elsewhere' }); res.end(); },
    (req, res) => { res.writeHead(201, { 'content-length': 5000 }); res.write('{"iceServers":'); res.destroy(); }];
  for (const behave of bad) {
    await withCloudflare(behave, async (a, cf) => {
      const r = await config(a);
      assert.deepStrictEqual(r.ice_servers[1].urls, ['turn:turn.example?transport=udp', 'turn:turn.example?transport=tcp']);
      await config(a);
      assert.strictEqual(cf.asked.length, 1);
    }, { env: TURN });
  }
  await withCloudflare(bad[0], async a => assert.deepStrictEqual((await config(a)).ice_servers, [{ urls: ['stun:s.example'] }]), { env: { STUN_URLS: 'stun:s.example' } });
  await withCloudflare(bad[0], async a => assert.deepStrictEqual(await config(a), EMPTY));
});

test('guard: an endless answer is cut off', () => withCloudflare((req, res) => {
  const more = () => { while (!res.destroyed && res.write(Buffer.alloc(65536, ' '))); };
  res.writeHead(201);
  res.on('drain', more);
  more();
}, async (a, cf, relay) => {
  assert.deepStrictEqual(await config(a), EMPTY);
  assert(/the answer is too long/.test(relay.stderr), relay.stderr);
}));

test('cloudflare: one that does not answer is given up within seconds, and others are served meanwhile', () => withCloudflare(() => {}, async (a, cf) => {
  const began = Date.now();
  const waiting = config(a);
  while (cf.asked.length === 0) await new Promise(resolve => setImmediate(resolve));
  assert.deepStrictEqual((await a.request('GET', '/friends')).body, []);
  assert(Date.now() - began < 2500);
  assert.deepStrictEqual(await waiting, EMPTY);
  assert(Date.now() - began < 6000);
}));

test('cloudflare: clients that leave while waiting, and SIGTERM, end cleanly', () => withCloudflare(() => {}, async (a, cf, relay) => {
  const gone = http.request({ host: '127.0.0.1', port: relay.port, path: '/api/v1/calls/ice-config', headers: { authorization: `Bearer ${a.token}` } });
  gone.on('error', () => {});
  gone.end();
  while (cf.asked.length === 0) await new Promise(resolve => setImmediate(resolve));
  gone.destroy();
  config(a).catch(() => {});
  await a.request('GET', '/friends');
  const began = Date.now();
  await relay.stop({ keep: true });
  assert(Date.now() - began < 2900);
}));

test('cloudflare: a request behind one that waits gets its own answer', () => withCloudflare((req, res) => setTimeout(() => answer(201, GOOD)(req, res), 300), async (a, cf, relay) => {
  const head = `HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${a.token}\r\n\r\n`;
  const both = await raw(relay, `GET /api/v1/calls/ice-config ${head}GET /api/v1/users/nobody ${head}`, /no such user/);
  assert(both.indexOf('turn.cloudflare.com') > 0 && both.indexOf('turn.cloudflare.com') < both.indexOf('no such user'), both);
}));

test('cloudflare: a waiting request counts once against the limit of its account', () => withCloudflare(answer(201, GOOD), async a => {
  const codes = [];
  for (let i = 0; i < 4; i++) codes.push((await a.request('GET', '/calls/ice-config')).status);
  assert.deepStrictEqual(codes, [200, 200, 200, 429]);
}, { args: ['--pow-difficulty', '1', '--max-registrations', '0', '--max-requests', '3'] }));

// --- TLS ---

function certificate (name) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'dao-ice-'));
  const file = f => path.join(dir, f);
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=stand-in',
    '-addext', `subjectAltName=${name}`, '-keyout', file('key.pem'), '-out', file('cert.pem')], { stdio: 'ignore' });
  return { key: fs.readFileSync(file('key.pem')), cert: fs.readFileSync(file('cert.pem')), ca: file('cert.pem'), remove: () => fs.rmSync(dir, { recursive: true }) };
}

test('cloudflare: over HTTPS', async () => {
  const tls = certificate('IP:127.0.0.1');
  await withCloudflare(answer(201, GOOD), async a => assert.deepStrictEqual((await config(a)).ice_servers, GOOD.iceServers), { tls, env: { CF_TURN_CA_FILE: tls.ca } });
  tls.remove();
});

test('guard: the token is not sent to a server without a good certificate', async () => {
  const tls = certificate('IP:127.0.0.1');
  const other = certificate('IP:127.0.0.2');
  for (const [t, env] of [[tls, {}], [other, { CF_TURN_CA_FILE: other.ca }]]) {
    await withCloudflare(answer(201, GOOD), async (a, cf, relay) => {
      assert.deepStrictEqual(await config(a), EMPTY);
      assert.deepStrictEqual(cf.asked, []);
      assert(/Cloudflare gave no TURN credentials: .*(certificate|SSL)/.test(relay.stderr), relay.stderr);
    }, { tls: t, env });
  }
  tls.remove();
  other.remove();
});

// --- settings ---

test('guard: the token goes in clear text to this host only', async () => {
  for (const url of ['http://10.0.0.1', 'http://rtc.live.cloudflare.com', 'ftp://127.0.0.1', 'x', 'https://', 'http://127.0.0.1.evil.example', 'https://u:p@h', 'https://h/?q']) {
    await assert.rejects(Relay.start([], { env: { CF_TURN_KEY_ID: KEY, CF_TURN_API_TOKEN: TOKEN, CF_TURN_BASE_URL: url } }),
      e => /dao-relay: CF_TURN_BASE_URL/.test(e.message) && !e.message.includes(TOKEN), url);
  }
});

test('settings: half or malformed ones are refused', async () => {
  for (const env of [{ CF_TURN_KEY_ID: KEY }, { CF_TURN_API_TOKEN: TOKEN }, { CF_TURN_KEY_ID: 'a/../b', CF_TURN_API_TOKEN: TOKEN }, { CF_TURN_KEY_ID: KEY, CF_TURN_API_TOKEN: TOKEN + '\r\nx: y' },
    { TURN_HOST: 'a', TURN_SECRET: '' }, { TURN_TTL: '5' }, { TURN_TTL: 'x' }]) {
    await assert.rejects(Relay.start([], { env }), e => /dao-relay: /.test(e.message) && !e.message.includes(TOKEN));
  }
});

test('turn: hosts, ports and URLs side by side, and their life', async () => {
  const relay = await Relay.start(EASY, { env: { TURN_HOST: 'a.example, [2001:db8::1]:443 turns:a.example:443?transport=tcp,turn:c.example?transport=tcp', TURN_SECRET: 's', TURN_TTL: '30' } });
  const a = new Account(relay);
  await a.register();
  await a.login();
  const r = await config(a);
  assert.strictEqual(r.ttl, 30);
  assert.deepStrictEqual(r.ice_servers.map(s => s.urls), [['stun:a.example'], ['stun:[2001:db8::1]:443'], ['turn:a.example?transport=udp', 'turn:a.example?transport=tcp',
    'turn:[2001:db8::1]:443?transport=udp', 'turn:[2001:db8::1]:443?transport=tcp', 'turns:a.example:443?transport=tcp', 'turn:c.example?transport=tcp']]);
  assert(Math.abs(Number(r.ice_servers[2].username.split(':')[0]) - Date.now() / 1000 - 30) < 20);
  await relay.stop();
  for (const host of ['a b!', 'turn:a?transport=tls', 'turns:a?transport=udp', 'turn:a:0', 'a:99999', 'turn:u@a', 'http://a', '[::1', 'a,b,c,d,e']) {
    await assert.rejects(Relay.start([], { env: { TURN_HOST: host, TURN_SECRET: 's' } }), e => /TURN_HOST/.test(e.message), host);
  }
});

(async () => {
  const chosen = tests.filter(t => !process.argv[2] || t.name.includes(process.argv[2]));
  let failed = 0;
  console.log(`1..${chosen.length}`);
  for (const [i, { name, func }] of chosen.entries()) {
    try {
      await deadline(func(), `end of "${name}"`);
      console.log(`ok ${i + 1} ${name}`);
    } catch (e) {
      failed++;
      console.log(`not ok ${i + 1} ${name}\n# ${String(e.stack).replace(/\n/g, '\n# ')}`);
    }
  }
  process.exit(failed ? 1 : 0);
})();
