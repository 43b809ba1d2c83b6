// gst-dao: what the browser tests share: relay, accounts, Chromium, pipelines, and a report in TAP
//
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Run through meson, which names the programs: DAO_RELAY, DAO_IDENTITY_PROGRAM, CALL_CONSOLE.
'use strict';

const assert = require('assert');
const { execFile, spawn } = require('child_process');
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');
const readline = require('readline');

const CHROMIUM = '/usr/bin/chromium';
const CHROMIUM_FLAGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--autoplay-policy=no-user-gesture-required',
  '--disable-features=WebRtcHideLocalIpsWithMdns'];
const PATIENCE_MS = 30000;      // of any single wait: only a test that fails gets there
// Small enough for a busy machine; the SDK's own 720p30 is what dao-call.js has by itself.
const CAPTURE = {
  video: { width: 320, height: 240, frameRate: 15 },
  // An echo canceller takes the fake microphone's beep for an echo of our tone.
  audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
};
const MNEMONIC = 'legal winner thank year wave sausage worth useful legal winner thank yellow';

function deadline (promise, what, ms = PATIENCE_MS) {
  let timer;
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what()}: not within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const run = (program, args) => new Promise((resolve, reject) => {
  execFile(program, args, (error, stdout, stderr) => error ? reject(new Error(`${program} ${args.join(' ')}: ${stderr}`)) : resolve(stdout));
});

// --- pipelines ---

// A line of call-console: {name, fields}; numbers, booleans and texts become those of JavaScript
function parseMessage (line) {
  const fields = {};
  for (const [, name, type, text] of line.matchAll(/([\w-]+)=\(([\w:]+)\)("(?:[^"\\]|\\.)*"|<[^>]*>|\{[^}]*\}|[^,;]*)/g)) {
    const plain = text.replace(/^"|"$/g, '').replace(/\\(.)/g, '$1');
    const list = /^[<{]/.test(text) && text.slice(1, -1).replace(/\(\w+\)/g, '').split(',').map(Number);
    fields[name] = list || (type === 'string' || type === 'char' ? plain : type === 'boolean' ? plain === 'true' : Number(plain));
  }
  return { name: /^[\w-]+/.exec(line)?.[0], fields };
}

// A running call-console
class Pipeline {
  constructor (description) {
    this.messages = [];
    this.wakers = new Set();
    this.stderr = '';
    this.child = spawn(process.env.CALL_CONSOLE, [description], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.on('error', error => { this.status = String(error); });
    this.child.stderr.on('data', data => { this.stderr += data; });
    this.child.stdin.on('error', () => {});
    readline.createInterface({ input: this.child.stdout }).on('line', line => {
      this.messages.push(parseMessage(line));
      for (const wake of this.wakers) wake();
    });
    this.exited = new Promise(resolve => this.child.on('close', (code, signal) => {
      this.status = signal ?? code;
      for (const wake of this.wakers) wake();
      resolve(this.status);
    }));
  }

  command (line) { this.child.stdin.write(line + '\n'); }

  // The first message after `mark` (or ever) for which it holds; what the pipeline said last is in the error.
  async message (name, holds = () => true, { after = 0, ms } = {}) {
    let next = after;
    const look = () => {
      for (; next < this.messages.length; next++) {
        const { name: found, fields } = this.messages[next];
        if (found === name && holds(fields)) return fields;
      }
      if (this.status !== undefined) throw new Error(`no ${name}: the pipeline ended with ${this.status}\n${this.tail()}`);
      return null;
    };
    let wake;
    const found = new Promise((resolve, reject) => {
      wake = () => {
        try {
          const fields = look();
          if (fields) resolve(fields);
        } catch (error) {
          reject(error);
        }
      };
      this.wakers.add(wake);
      wake();
    });
    return deadline(found, () => `${name} (${holds})\n${this.tail()}`, ms).finally(() => this.wakers.delete(wake));
  }

  mark () { return this.messages.length; }
  since (mark, name) { return this.messages.slice(mark).filter(m => m.name === name).map(m => m.fields); }

  tail () {
    const last = this.messages.filter(m => !['level', 'GstVideoAnalyse'].includes(m.name)).slice(-12);
    return [...last.map(m => `${m.name} ${JSON.stringify(m.fields)}`), this.stderr.slice(-6000)].join('\n');
  }

  state (state, options) { return this.message('dao-call-state', f => f.state === state, options); }
  online () { return this.message('dao-account', f => f.online); }

  // The call is over and so is the program, with nothing to complain about (leaks are, too).
  async ended (reason) {
    const { reason: found } = await this.message('dao-call-ended');
    assert.strictEqual(found, reason);
    const status = await deadline(this.exited, () => 'the end of the pipeline');
    assert.strictEqual(status, 0, this.tail());
  }

  kill () { if (this.status === undefined) this.child.kill('SIGKILL'); }
}

// --- the bed ---

class Bed {
  static async start () {
    const bed = new Bed();
    bed.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'dao-browser-'));
    bed.pipelines = [];
    bed.known = {};             // of browser accounts, by name
    bed.aliases = {};           // of pipeline accounts
    await bed.startRelay();
    await bed.startSite();
    await bed.startBrowser();
    return bed;
  }

  async startRelay () {
    this.relay = spawn(process.env.DAO_RELAY, ['--listen', '127.0.0.1:0', '--db', path.join(this.dir, 'relay.db'),
      '--pow-difficulty', '1', '--max-registrations', '0', '--max-requests', '0', '--max-frames', '0'],
      { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = readline.createInterface({ input: this.relay.stdout });
    this.url = await deadline(new Promise(resolve => lines.on('line', line => {
      const match = /^listening on (http:.*)$/.exec(line);
      if (match) resolve(match[1]);
    })), () => 'the relay');
  }

  // The page, on loopback
  async startSite () {
    const types = { '.html': 'text/html', '.js': 'text/javascript' };
    this.site = http.createServer((request, response) => {
      const name = request.url === '/' ? 'index.html' : path.basename(request.url);
      const file = path.join(__dirname, 'page', name);
      if (!fs.existsSync(file)) return response.writeHead(404).end();
      response.writeHead(200, { 'content-type': types[path.extname(name)], 'cache-control': 'no-store' });
      fs.createReadStream(file).pipe(response);
    });
    await new Promise(resolve => this.site.listen(0, '127.0.0.1', resolve));
    this.origin = `http://127.0.0.1:${this.site.address().port}`;
  }

  async startBrowser () {
    const { chromium } = loadPlaywright();
    if (!fs.existsSync(CHROMIUM)) throw new Error(`${CHROMIUM} is missing: tools/install-dependencies --tests installs it`);
    // An empty profile of its own, removed with the directory
    this.browser = await chromium.launchPersistentContext(path.join(this.dir, 'profile'),
      { executablePath: CHROMIUM, ignoreDefaultArgs: true, args: [...CHROMIUM_FLAGS, '--remote-debugging-pipe',
        `--user-data-dir=${path.join(this.dir, 'profile')}`, 'about:blank'] });
  }

  async stop () {
    for (const pipeline of this.pipelines) pipeline.kill();
    await this.browser?.close();
    this.site?.close();
    this.relay?.kill();
    fs.rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
  }

  path (name) { return path.join(this.dir, name); }
  identity (name, ...args) { return run(process.env.DAO_IDENTITY_PROGRAM, ['--identity', this.path(`${name}.json`), ...args]); }

  // An account for pipelines, a friend of the browser accounts named
  async account (name, ...browsers) {
    await this.identity(name, 'new', '--relay', this.url, '--nickname', name);
    await this.identity(name, 'register');
    const { alias } = JSON.parse((await this.identity(name, 'show')).split('\n')[0]);
    for (const browser of browsers) {
      const page = await this.open(browser);
      await page.evaluate(to => phone.account.api('POST', '/friends/request', { to_alias_id: to }), alias);
      await this.identity(name, 'accept', this.known[browser].alias);
      await page.close();
    }
    this.aliases[name] = alias;
    return alias;
  }

  // A new page in which that account is logged in, online once connect() was called
  async open (name, options = {}) {
    const page = await this.browser.newPage();
    page.complaints = [];
    page.on('console', message => page.complaints.push(message.text()));
    page.on('pageerror', error => page.complaints.push(String(error)));
    await page.goto(this.origin);
    await page.waitForFunction(() => window.ready);
    const words = name === 'browser' ? MNEMONIC : `${MNEMONIC} ${name}`;
    this.known[name] = await page.evaluate(([url, words, known, options]) => start(url, words, known, options),
      [this.url, words, this.known[name], { ...CAPTURE, ...options }]);
    return page;
  }

  async online (name, options) {
    const page = await this.open(name, options);
    await page.evaluate(() => phone.account.connect());
    return page;
  }

  // daocallsrc with the account `name`
  call (name, properties, ...parts) {
    return this.pipeline(`daocallsrc name=c identity=${this.path(`${name}.json`)} ${properties} ${parts.join(' ')}`);
  }

  pipeline (description) {
    const pipeline = new Pipeline(description);
    this.pipelines.push(pipeline);
    return pipeline;
  }
}

function loadPlaywright () {
  try {
    return require('playwright-core');
  } catch (error) {
    throw new Error('playwright-core is missing: tools/install-dependencies --tests installs it (npm ci in tests/browser)');
  }
}

// Until `holds` is true in the page, of which it may be an async function; else the error has what the page complained of.
async function until (page, holds, argument, ms = PATIENCE_MS) {
  const found = await page.evaluate(async ([body, argument, ms]) => {
    const holds = (0, eval)(`(${body})`);
    for (const end = performance.now() + ms; performance.now() < end;) {
      if (await holds(argument)) return true;
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    return false;
  }, [String(holds), argument, ms]);
  if (found) return;
  const now = await page.evaluate(async () => `${phone.states} (${phone.call?.reason}) ${JSON.stringify(await phone.call?.stats())} ${picture()}`).catch(String);
  throw new Error(`${holds} ${argument ?? ''}: not so; ${now}; ${page.complaints.join('; ')}`);
}

// Parts of a pipeline around the element c
const media = {
  red: 'videotestsrc is-live=true pattern=red ! video/x-raw,width=320,height=240,framerate=15/1 ! c.video_sink',
  tone: 'audiotestsrc is-live=true ! c.audio_sink',
  record: file => `c.video_src ! queue ! mux. c.audio_src ! queue ! matroskamux name=mux ! filesink location=${file}`,
  see: 'c.video_src ! queue ! videoconvert ! video/x-raw,format=RGB ! fakesink name=picture sync=false async=false',
  hear: 'c.audio_src ! queue ! audioconvert ! level interval=100000000 ! fakesink sync=false async=false',
};

// What Chromium's fake devices give: a green picture with something that moves in it, and a beep each second
const isGreen = f => f.green > f.red + 60 && f.green > f.blue + 60;
const isLoud = f => f.rms[0] > -40;
// What `media.red` looks like in the page
const isRed = () => { const [r, g, b] = picture() ?? []; return r > 180 && g < 60 && b < 60; };

// A pipeline and the browser in a call of which both directions were seen and heard
async function connect (bed, browserCalls, video, { browser = 'browser', account = 'alice', options, properties = '', parts } = {}) {
  const page = await bed.online(browser, options);
  parts ??= video ? [media.tone, media.hear, media.red, media.see] : [media.tone, media.hear];
  const pipeline = bed.call(account, `auto-answer=true ${properties}`, ...parts);
  await pipeline.online();
  if (browserCalls) {
    await page.evaluate(([to, video]) => phone.place(to, video), [bed.aliases[account], video]);
  } else {
    pipeline.command(`call ${bed.known[browser].alias} ${video}`);
    await until(page, video => phone.call?.state === 'ringing' && phone.call.video === video, video);
    await page.evaluate(() => phone.answer());
  }
  await checkMedia(pipeline, page, video);
  return { page, pipeline };
}

// From now on: both directions, by content
async function checkMedia (pipeline, page, video = true) {
  const after = pipeline.mark();
  await until(page, () => phone.call.state === 'connected');
  await pipeline.state('connected');
  const { audioEnergy, framesDecoded } = await page.evaluate(() => phone.call.stats());
  await until(page, before => phone.call.stats().then(s => s.audioEnergy > before + 0.01), audioEnergy);
  await pipeline.message('level', isLoud, { after });
  if (!video) return;
  await until(page, before => phone.call.stats().then(s => s.framesDecoded > before + 5), framesDecoded);
  await until(page, isRed);
  await pipeline.message('picture', isGreen, { after });
}

// Sound in both directions: the beep of each second, and as much of the tone
async function bySound (page, pipeline) {
  const after = pipeline.mark(), { audioEnergy } = await page.evaluate(() => phone.call.stats());
  await pipeline.message('level', isLoud, { after });
  await until(page, before => phone.call.stats().then(s => s.audioEnergy > before + 0.3), audioEnergy);
}

// --- TAP ---

// Runs `tests` ({name: async function (bed)}), one after the other, on one bed; `prepare` makes its accounts.
async function main (suite, prepare, tests) {
  const wanted = Object.entries(tests).filter(([name]) => !process.argv[2] || name.includes(process.argv[2]));
  let failed = 0, count = 0, bed;
  console.log(`1..${wanted.length}`);
  try {
    bed = await Bed.start();
    await prepare(bed);
  } catch (error) {
    console.log(`Bail out! ${String(error.message).split('\n')[0]}`);
    await bed?.stop();
    process.exit(1);
  }
  for (const [name, test] of wanted) {
    const began = Date.now();
    try {
      await test(bed);
      console.log(`ok ${++count} - /browser/${suite}/${name} # ${Date.now() - began} ms`);
    } catch (error) {
      failed++;
      console.log(`not ok ${++count} - /browser/${suite}/${name}`);
      console.log(String(error.stack).replace(/^/gm, '# '));
    }
    for (const page of bed.browser.pages().slice(1)) await page.close();
    for (const pipeline of bed.pipelines.splice(0)) pipeline.kill();
  }
  await bed.stop();
  process.exit(failed ? 1 : 0);
}

module.exports = { Bed, main, until, assert, media, isGreen, isLoud, isRed, connect, checkMedia, bySound };
