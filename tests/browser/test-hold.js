// gst-dao: hold and ICE restart, offered by a browser in the middle of a call
//
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// As the SDK's peer would: a changed direction, and another call_offer of the same call_id. Who called makes a difference
// to us (to SDP, DTLS roles, and who may offer), so everything is done both ways round.
'use strict';

const { main, assert, bySound, connect, checkMedia, until } = require('./bed.js');

async function prepare (bed) {
  await bed.account('alice', 'browser');
  await bed.account('bob', 'second');
}

// The offer is answered, and legally: what the browser wants is what it has.
async function offer (page, directions) {
  await page.evaluate(d => phone.call.setDirections(d), directions);
  const has = await page.evaluate(() => Object.fromEntries(phone.call.pc.getTransceivers().map(t => [t.receiver.track.kind, t.currentDirection])));
  for (const [kind, direction] of Object.entries(directions)) assert.strictEqual(has[kind], direction);
}

// What came at both ends between two moments; the medium that goes on is the clock. What was under way comes first.
async function flow (page, pipeline, clock) {
  await clock(page, pipeline);
  const after = pipeline.mark(), before = await page.evaluate(() => phone.call.stats());
  await clock(page, pipeline);
  const now = await page.evaluate(() => phone.call.stats());
  return {
    toBrowser: { video: now.framesDecoded - before.framesDecoded, audio: now.audioEnergy - before.audioEnergy },
    toPipeline: { video: pipeline.since(after, 'picture').length, audio: pipeline.since(after, 'level').length },
  };
}

// 10 pictures more in both directions
async function byPicture (page, pipeline) {
  const after = pipeline.mark(), { framesDecoded } = await page.evaluate(() => phone.call.stats());
  let pictures = 0;
  await pipeline.message('picture', () => ++pictures > 10, { after });
  await until(page, before => phone.call.stats().then(s => s.framesDecoded > before + 10), framesDecoded);
}

// Each direction of `medium`, and back; `clock` runs on the other medium.
async function walk ({ page, pipeline }, medium, clock) {
  for (const direction of ['sendonly', 'recvonly', 'inactive']) {
    await offer(page, { [medium]: direction });
    const { toBrowser, toPipeline } = await flow(page, pipeline, clock);
    assert.strictEqual(toBrowser[medium] > 0, direction === 'recvonly', `${direction}: to the browser came ${toBrowser[medium]}`);
    assert.strictEqual(toPipeline[medium] > 0, direction === 'sendonly', `${direction}: to the pipeline came ${toPipeline[medium]}`);
    await offer(page, { [medium]: 'sendrecv' });
    await checkMedia(pipeline, page);
  }
}

// A browser throws away what it does not want, so this asks us: not a packet leaves for a peer on hold.
async function quiet ({ page, pipeline }) {
  const stats = () => pipeline.message('dao-call-stats', undefined, { after: pipeline.mark() });
  await offer(page, { audio: 'inactive', video: 'inactive' });
  await stats();                // what was under way
  const before = await stats(), now = await stats();
  assert.strictEqual(now['packets-sent'], before['packets-sent']);
  await offer(page, { audio: 'sendrecv', video: 'sendrecv' });
  await checkMedia(pipeline, page);
}

// With frame encryption: keys and counters go on over it, so no frame is taken for old or forged afterwards.
async function walkEncrypted (call) {
  await walk(call, 'video', bySound);
  await quiet(call);
  const counts = await call.page.evaluate(() => phone.call.frames());
  for (const medium of ['audio', 'video']) assert.ok(counts[`receive ${medium} verified`] > 0, JSON.stringify(counts));
  const known = /^send \w+( no-key)?$|^receive \w+ (verified|key|delta)$/;
  assert.deepStrictEqual(Object.keys(counts).filter(name => !known.test(name)), []);
  const { e2ee } = await call.pipeline.message('dao-call-state', f => f.state === 'connected' && f.e2ee);
  assert.ok(e2ee);
}

async function hangUp ({ page, pipeline }) {
  await page.evaluate(() => phone.hangup());
  await pipeline.ended('remote-hangup');
}

// Longer than 15 s nothing comes, and nobody ends the call for it.
async function rest ({ page, pipeline }, direction) {
  await offer(page, { audio: direction, video: direction });
  const { duration } = await pipeline.message('dao-call-stats', undefined, { after: pipeline.mark() });
  const after = pipeline.mark();
  await pipeline.message('dao-call-stats', f => f.duration > duration + 17e9, { after });
  assert.deepStrictEqual(pipeline.since(after, 'dao-call-state'), []);
  assert.strictEqual(await page.evaluate(() => phone.call.state), 'connected');
  assert.ok(pipeline.since(after, 'level').length === 0, 'media of a peer on hold');
  await offer(page, { audio: 'sendrecv', video: 'sendrecv' });
  await checkMedia(pipeline, page);
}

const remoteUfrag = page => page.evaluate(() => /a=ice-ufrag:(\S+)/.exec(phone.call.pc.currentRemoteDescription.sdp)[1]);

async function checkRestarted ({ page, pipeline }) {
  await until(page, () => phone.call.pc.iceConnectionState === 'connected' || phone.call.pc.iceConnectionState === 'completed');
  await flow(page, pipeline, bySound);
  await checkMedia(pipeline, page);
}

async function restart (call) {
  for (let i = 0; i < 2; i++) {
    await call.page.evaluate(() => phone.call.restartIce());
    await checkRestarted(call);
  }
}

// A browser checks from its new addresses before we have its offer, here always. The pair that we answer is selected, and
// has our credentials of before: it never lets go of it, and if they changed, no other would come up.
async function restartBehindSlowRelay (call) {
  const before = await remoteUfrag(call.page);
  await call.page.evaluate(async () => {
    const { call } = phone, { send } = call;
    const isChecked = async () => {
      const ufrag = /a=ice-ufrag:(\S+)/.exec(call.pc.localDescription.sdp)[1];
      const stats = await call.pc.getStats();
      return [...stats.values()].some(r => r.type === 'candidate-pair' && r.responsesReceived > 0
        && stats.get(r.localCandidateId)?.usernameFragment === ufrag);
    };
    const checked = async () => { while (!await isChecked()) await new Promise(resolve => setTimeout(resolve, 20)); };
    let first;
    call.send = async (...signal) => {
      first ??= checked();
      await first;
      return send.apply(call, signal);
    };
    await call.restartIce();
    delete call.send;
  });
  await checkRestarted(call);
  assert.strictEqual(await remoteUfrag(call.page), before);
}

const tests = {};
for (const browserCalls of [true, false]) {
  const who = browserCalls ? 'browser-called' : 'pipeline-called';
  const during = (video, body, how) => async bed => {
    const call = await connect(bed, browserCalls, video, how);
    await body(call);
    await hangUp(call);
  };
  tests[`${who}/hold-video`] = during(true, call => walk(call, 'video', bySound));
  // Who encrypts has `ext`, and with that only who called may offer.
  if (browserCalls) tests[`${who}/hold-encrypted`] = during(true, walkEncrypted, { options: { e2ee: true }, properties: 'e2ee=required' });
  else tests[`${who}/hold-sends-nothing`] = during(true, quiet);
  tests[`${who}/hold-audio`] = during(true, call => walk(call, 'audio', byPicture));
  tests[`${who}/ice-restart`] = during(true, restart);
  tests[`${who}/ice-restart-behind-slow-relay`] = during(true, restartBehindSlowRelay);
}

tests['hold-longer-than-the-watchdog'] = async bed => {
  const first = await connect(bed, true, true);
  const second = await connect(bed, false, true, { browser: 'second', account: 'bob' });
  await Promise.all([rest(first, 'inactive'), rest(second, 'recvonly')]);
  await hangUp(first);
  await hangUp(second);
};

main('hold', prepare, tests);
