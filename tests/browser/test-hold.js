// gst-dao: hold, ICE restart and other offers of a browser in the middle of a call
//
// SPDX-License-Identifier: LGPL-2.1-or-later
'use strict';

const { main, until, assert, media, isGreen, isLoud, isRed, connect } = require('./bed.js');

async function prepare (bed) {
  await bed.account('alice', 'browser');
}

const setDirections = (page, directions) => page.evaluate(d => phone.call.setDirections(d), directions);
const answered = page => page.evaluate(() => Object.fromEntries(phone.call.pc.getTransceivers().map(t => [t.receiver.track.kind, t.currentDirection])));

main('hold', prepare, {
  async x (bed) {
    const { page, pipeline } = await connect(bed, true, true);
    await setDirections(page, { video: 'inactive', audio: 'inactive' });
    for (let i = 0; i < 20; i++) {
      const m = pipeline.mark();
      await new Promise(r => setTimeout(r, 1000));
      console.log('#', i, await page.evaluate(() => phone.call.state), pipeline.since(m, 'picture').length, JSON.stringify(pipeline.since(m,'dao-call-state')), JSON.stringify(pipeline.since(m, 'dao-call-stats')));
    }
    await setDirections(page, { video: 'sendrecv', audio: 'sendrecv' });
      await page.evaluate(() => phone.hangup());
      await pipeline.ended('remote-hangup');
  },
});
