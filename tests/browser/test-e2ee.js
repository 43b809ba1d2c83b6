// gst-dao: calls with a browser that encrypts frames (RTCRtpScriptTransform, format v1)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
'use strict';

const { main, assert, media, isGreen, isLoud, connect, until } = require('./bed.js');

async function prepare (bed) { await bed.account('alice', 'browser'); }

const options = { e2ee: true };
const properties = 'e2ee=required';

// What the page's worker did with each frame: all were sealed or verified, none dropped for another reason.
async function checkFrames ({ page, pipeline }) {
  const { e2ee, downgraded } = await pipeline.message('dao-call-state', f => f.state === 'connected' && f.e2ee);
  assert.ok(e2ee && !downgraded);
  const counts = await page.evaluate(() => phone.call.frames());
  for (const medium of ['audio', 'video'])
    for (const done of [`send ${medium}`, `receive ${medium} verified`])
      assert.ok(counts[done] > 0, `${done}: ${JSON.stringify(counts)}`);
  const known = /^send \w+( no-key)?$|^receive \w+ (verified|key|delta)$/;
  assert.deepStrictEqual(Object.keys(counts).filter(name => !known.test(name)), []);
}

const tests = {};
for (const browserCalls of [true, false]) {
  tests[browserCalls ? 'browser-calls' : 'pipeline-calls'] = async bed => {
    const call = await connect(bed, browserCalls, true, { options, properties });
    await checkFrames(call);
    await call.page.evaluate(() => phone.hangup());
    await call.pipeline.ended('remote-hangup');
  };
}

tests['recorded'] = async bed => {
  const file = bed.path('e2ee.mkv');
  const page = await bed.online('browser', options);
  const pipeline = bed.call('alice', `auto-answer=true ${properties}`, media.record(file));
  await pipeline.online();
  await page.evaluate(to => phone.place(to, true), bed.aliases.alice);
  await pipeline.state('connected');
  await until(page, () => phone.call.stats().then(s => s.framesSent > 30));
  await page.evaluate(() => phone.hangup());
  await pipeline.ended('remote-hangup');
  const player = bed.pipeline(`filesrc location=${file} ! matroskademux name=d d.video_0 ! queue ! vp9dec ! videoconvert ! ` +
    'video/x-raw,format=RGB ! fakesink name=picture sync=false d.audio_0 ! queue ! opusdec ! audioconvert ! level interval=20000000 ! fakesink sync=false');
  await player.message('eos');
  const pictures = player.since(0, 'picture');
  assert.ok(pictures.length > 20 && pictures.every(isGreen), `${pictures.length} pictures`);
  assert.ok(player.since(0, 'level').some(isLoud));
};

// Without frame encryption there is no call, whoever calls.
tests['required-and-missing'] = async bed => {
  const page = await bed.online('browser');
  const called = bed.call('alice', `auto-answer=true ${properties}`, media.tone);
  await called.online();
  await page.evaluate(to => phone.place(to, false), bed.aliases.alice);
  await until(page, () => phone.call.state === 'rejected' && phone.call.reason === 'e2ee-required');
  assert.strictEqual((await called.message('warning')).text.length > 0, true);
  called.command(`call ${bed.known.browser.alias} false`);
  await until(page, () => phone.call?.state === 'ringing');
  await page.evaluate(() => phone.answer());
  await called.ended('e2ee-required');
  await until(page, () => phone.call.state === 'hangup');
};

main('e2ee', prepare, tests);
