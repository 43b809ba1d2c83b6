// gst-dao: a browser and a pipeline call each other through the real relay
//
// SPDX-License-Identifier: LGPL-2.1-or-later
'use strict';

const { main, until, assert, media, checkMedia, isGreen, isLoud } = require('./bed.js');

async function prepare (bed) {
  bed.alice = await bed.account('alice', 'browser', 'second');
  bed.bob = await bed.account('bob', 'second');
}

// alice's pipeline, online
async function alice (bed, properties, ...parts) {
  const pipeline = bed.call('alice', properties, ...parts);
  await pipeline.online();
  return pipeline;
}

main('calls', prepare, {
  async 'browser-calls-audio' (bed) {
    const pipeline = await alice(bed, 'auto-answer=true', media.tone, media.hear);
    const page = await bed.online('browser');
    await page.evaluate(to => phone.place(to, false), bed.alice);
    await checkMedia(pipeline, page, false);
    const { 'is-video': isVideo, e2ee } = await pipeline.state('connected');
    assert.ok(!isVideo && !e2ee);
    await page.evaluate(() => phone.hangup());
    await pipeline.ended('remote-hangup');
  },

  async 'browser-calls-audio-and-video' (bed) {
    const pipeline = await alice(bed, 'auto-answer=true', media.tone, media.red, media.hear, media.see);
    const page = await bed.online('browser');
    await page.evaluate(to => phone.place(to, true), bed.alice);
    await checkMedia(pipeline, page, true);
    pipeline.command('hangup');
    await until(page, () => phone.call.state === 'hangup');
    await pipeline.ended('local-hangup');
  },

  async 'pipeline-calls-audio-and-video' (bed) {
    const page = await bed.online('browser');
    const pipeline = await alice(bed, `peer=${bed.known.browser.alias}`, media.tone, media.red, media.hear, media.see);
    await until(page, () => phone.call?.state === 'ringing' && phone.call.video);
    await page.evaluate(() => phone.answer());
    await checkMedia(pipeline, page, true);
    await page.evaluate(() => phone.hangup());
    await pipeline.ended('remote-hangup');
  },

  async 'pipeline-calls-audio' (bed) {
    const page = await bed.online('browser');
    const pipeline = await alice(bed, `peer=${bed.known.browser.alias}`, media.tone, media.hear);
    await until(page, () => phone.call?.state === 'ringing');
    await page.evaluate(() => phone.answer());
    await checkMedia(pipeline, page, false);
    pipeline.command('eos');
    await until(page, () => phone.call.state === 'hangup');
    await pipeline.ended('local-hangup');
  },

  // What the browser sent is in the file as it came: there is no encoder on the way, and no frame is missing.
  async 'recorded' (bed) {
    const pipeline = await alice(bed, 'auto-answer=true', media.record(bed.path('call.mkv')));
    const page = await bed.online('browser');
    await page.evaluate(to => phone.place(to, true), bed.alice);
    await pipeline.state('connected');
    await until(page, () => phone.call.stats().then(s => s.framesSent > 30));
    const { framesSent, audioSent } = await page.evaluate(() => phone.call.stats());
    await page.evaluate(() => phone.hangup());
    await pipeline.ended('remote-hangup');

    const file = bed.pipeline(`filesrc location=${bed.path('call.mkv')} ! matroskademux name=d d.video_0 ! queue ! vp9dec ! ` +
      'videoconvert ! video/x-raw,format=RGB ! fakesink name=picture sync=false ' +
      'd.audio_0 ! queue ! opusdec ! audioconvert ! level interval=20000000 ! fakesink sync=false');
    await file.message('eos');
    const pictures = file.since(0, 'picture'), levels = file.since(0, 'level');
    // What was under way when the browser hung up is lost.
    assert.ok(pictures.length > framesSent - 8, `${pictures.length} pictures of ${framesSent}`);
    assert.ok(pictures.every(isGreen));
    assert.ok(levels.length > audioSent - 40, `${levels.length} x 20 ms of sound of ${audioSent}`);
    assert.ok(levels.some(isLoud));
  },

  async 'page-closes' (bed) {
    const pipeline = await alice(bed, 'auto-answer=true', media.tone, media.hear);
    const page = await bed.online('browser');
    await page.evaluate(to => phone.place(to, false), bed.alice);
    await checkMedia(pipeline, page, false);
    const began = Date.now();
    await page.close();
    await pipeline.ended('disconnected');
    assert.ok(Date.now() - began < 5000, 'DTLS was closed; nothing had to run out');
  },

  // Nothing says goodbye: the 8 s without any packet
  async 'page-crashes' (bed) {
    const pipeline = await alice(bed, 'auto-answer=true', media.tone, media.hear);
    const page = await bed.online('browser');
    await page.evaluate(to => phone.place(to, false), bed.alice);
    await checkMedia(pipeline, page, false);
    page.goto('chrome://crash').catch(() => {});
    await pipeline.ended('disconnected');
  },

  async 'pipeline-rejects' (bed) {
    const pipeline = await alice(bed, '', media.tone);
    const page = await bed.online('browser');
    await page.evaluate(to => phone.place(to, true), bed.alice);
    const { 'is-video': isVideo } = await pipeline.message('dao-incoming-call', f => f.peer === bed.known.browser.alias);
    assert.ok(isVideo);
    pipeline.command('reject');
    await until(page, () => phone.call.state === 'rejected' && phone.call.reason === 'declined');
    await pipeline.ended('local-reject');
  },

  async 'browser-rejects' (bed) {
    const page = await bed.online('browser');
    const pipeline = await alice(bed, '', media.tone);
    pipeline.command(`call ${bed.known.browser.alias} false`);
    await until(page, () => phone.call?.state === 'ringing');
    await page.evaluate(() => phone.reject());
    await pipeline.ended('declined');
  },

  // The second caller is told, and the call goes on.
  async 'busy' (bed) {
    const pipeline = await alice(bed, 'auto-answer=true', media.tone, media.hear);
    const page = await bed.online('browser'), second = await bed.online('second');
    await page.evaluate(to => phone.place(to, false), bed.alice);
    await checkMedia(pipeline, page, false);
    await second.evaluate(to => phone.place(to, false), bed.alice);
    await until(second, () => phone.call.state === 'rejected' && phone.call.reason === 'busy');
    await pipeline.message('level', isLoud, { after: pipeline.mark() });
    assert.strictEqual(await page.evaluate(() => phone.call.state), 'connected');
    await page.evaluate(() => phone.hangup());
    await pipeline.ended('remote-hangup');
  },

  // 15 s, whoever calls; both at once
  async 'no-answer' (bed) {
    const page = await bed.online('browser'), second = await bed.online('second');
    const rings = await alice(bed, '', media.tone);
    const calls = bed.call('bob', '', media.tone);
    await calls.online();
    await page.evaluate(to => phone.place(to, false), bed.alice);
    calls.command(`call ${bed.known.second.alias} false`);
    await until(second, () => phone.call?.state === 'ringing');
    await until(page, () => phone.call.state === 'ended' && phone.call.reason === 'no answer');
    await rings.ended('remote-hangup');
    await calls.ended('no-answer');
    await until(second, () => phone.call.state === 'hangup');
  },
});
