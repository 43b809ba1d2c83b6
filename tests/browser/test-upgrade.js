// gst-dao: an audio call with a browser becomes a video call
//
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A browser as the SDK makes it has no `ext`: it offers a video track in another call_offer of the same call_id, and takes
// such an offer of ours for a new call. So it can add video, and we cannot. Browsers with `ext` can be asked.
'use strict';

const { main, assert, media, isGreen, isLoud, connect, checkMedia, bySound, until } = require('./bed.js');

const MISSING_NS = 6e9;         // of a call: by then a medium that did not come had its EOS

async function prepare (bed) { await bed.account('alice', 'browser'); }

// An audio call of a pipeline that has a camera
const audioCall = (bed, browserCalls, options) => connect(bed, browserCalls, false,
  { options, parts: [media.tone, media.hear, media.red, media.see] });

// In the time of a few beeps nothing of our camera comes.
async function checkCameraIsOff ({ page, pipeline }) {
  for (let i = 0; i < 2; i++) await bySound(page, pipeline);
  const { framesDecoded } = await page.evaluate(() => phone.call.stats());
  assert.strictEqual(framesDecoded, 0, 'our camera was switched on from afar');
}

const isVideoCall = f => f.state === 'connected' && f['is-video'];

// The browser's picture is here, and ours is not there until we say so.
async function browserAdds (call) {
  const { page, pipeline } = call;
  await page.evaluate(() => phone.call.addVideo());
  await pipeline.message('dao-call-state', isVideoCall);
  await pipeline.message('picture', isGreen);
  await checkCameraIsOff(call);
  pipeline.command('add-video');
  await checkMedia(pipeline, page);
}

async function refusedThenOffered (call) {
  const { page, pipeline } = call;
  const heard = await page.evaluate(() => phone.heard.length);
  pipeline.command('add-video');
  await pipeline.message('warning', f => /only it can add video/.test(f.text));
  await checkCameraIsOff(call);
  assert.deepStrictEqual(await page.evaluate(n => phone.heard.slice(n).filter(type => type !== 'call_ice'), heard), []);
  assert.deepStrictEqual(pipeline.since(0, 'dao-call-state').filter(isVideoCall), []);
  // What was refused is not remembered: the browser's video does not switch on ours.
  await browserAdds(call);
}

async function later (call) {
  await call.pipeline.message('dao-call-stats', f => f.duration > MISSING_NS);
  await browserAdds(call);
}

// Who did not ask sees the picture of who did. The page adds its own camera when it is asked for an offer, or gets one.
async function pipelineAsks ({ page, pipeline }) {
  pipeline.command('add-video');
  await pipeline.message('dao-call-state', isVideoCall);
  await checkMedia(pipeline, page);
}

async function hangUp ({ page, pipeline }) {
  await page.evaluate(() => phone.hangup());
  await pipeline.ended('remote-hangup');
}

const tests = {};
for (const browserCalls of [true, false]) {
  const during = (options, body) => async bed => {
    const call = await audioCall(bed, browserCalls, options);
    await body(call);
    await hangUp(call);
  };
  const who = browserCalls ? 'browser-called' : 'pipeline-called';
  tests[`${who}/asked-by-pipeline-then-offered`] = during({}, refusedThenOffered);
  tests[`${who}/offered-late`] = during({}, later);
  tests[`${who}/ext-asked-by-pipeline`] = during({ ext: true }, pipelineAsks);
  tests[`${who}/e2ee-asked-by-pipeline`] = during({ e2ee: true }, pipelineAsks);
}

// The muxer has begun without video, and cannot take it: the file is one of the whole sound.
tests['recorded'] = async bed => {
  const file = bed.path('upgrade.mkv');
  const page = await bed.online('browser');
  const pipeline = bed.call('alice', 'auto-answer=true', media.tone, media.record(file));
  await pipeline.online();
  await page.evaluate(to => phone.place(to, false), bed.aliases.alice);
  await pipeline.message('dao-call-stats', f => f.duration > MISSING_NS);
  await page.evaluate(() => phone.call.addVideo());
  await until(page, () => phone.call.stats().then(s => s.framesSent > 30));
  const { audioSent } = await page.evaluate(() => phone.call.stats());
  await page.evaluate(() => phone.hangup());
  await pipeline.ended('remote-hangup');

  const player = bed.pipeline(`filesrc location=${file} ! matroskademux ! opusdec ! audioconvert ! level interval=20000000 ! fakesink sync=false`);
  await player.message('eos');
  const levels = player.since(0, 'level');
  assert.ok(levels.length > audioSent - 40, `${levels.length} x 20 ms of sound of ${audioSent}`);
  assert.ok(levels.slice(-100).some(isLoud));
};

main('upgrade', prepare, tests);
