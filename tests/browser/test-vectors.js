// gst-dao: the page's protocol against the test cases of the real SDK and of our extension, in the browser itself
//
// SPDX-License-Identifier: LGPL-2.1-or-later
'use strict';

const { main, assert } = require('./bed.js');
const fs = require('fs');
const path = require('path');

const vectors = name => JSON.parse(fs.readFileSync(path.join(__dirname, '../../subprojects/libdao/tests/vectors', `${name}.json`))).cases;

// Runs `check` on each case in the page; it gives the list of what differs.
function inPage (name, check, wanted = () => true) {
  return async bed => {
    const page = await bed.browser.newPage();
    await page.goto(bed.origin);
    await page.waitForFunction(() => window.ready);
    const cases = vectors(name).filter(wanted);
    assert.ok(cases.length > 0);
    const differences = await page.evaluate(async ([cases, body]) => {
      const check = (0, eval)(`(${body})`);
      const all = [];
      for (const one of cases) {
        const differs = await check(one).catch(error => String(error));
        if (differs) all.push(`${one.name}: ${differs}`);
      }
      return all;
    }, [cases, String(check)]);
    assert.deepStrictEqual(differences, []);
  };
}

main('protocol', async () => {}, {
  identity: inPage('identity', async one => {
    const identity = await protocol.Identity.fromMnemonic(one.mnemonic);
    return protocol.toHex(identity.ed25519) !== one.ed25519_public_hex || protocol.toHex(identity.x25519) !== one.x25519_public_hex
      ? `${protocol.toHex(identity.ed25519)} ${protocol.toHex(identity.x25519)}` : null;
  }, one => one.valid_ts),

  session: inPage('session', async one => {
    const identity = await protocol.Identity.fromKeys(new Uint8Array(32), protocol.fromHex(one.a_private_hex));
    const key = await identity.sessionKey(protocol.fromHex(one.b_public_hex), one.conversation_id).catch(() => null);
    if (one.expect !== 'ok') return key && 'a low-order key was taken';
    return key && protocol.toHex(key) === one.session_key_hex ? null : `${key && protocol.toHex(key)}`;
  }, one => one.expect !== 'ok' || one.session_key_hex),

  'canonical-json': inPage('canonical_json', async one => {
    const text = protocol.canonical(JSON.parse(one.input_json));
    return text === one.canonical ? null : text;
  }, one => !one.may_reject),

  signatures: inPage('signed_signals', async one => {
    const identity = await protocol.Identity.fromKeys(protocol.fromHex(one.ed25519_private_hex), new Uint8Array(32));
    const signed = await protocol.sign(identity, JSON.parse(one.payload_json), one.now_ms, one.nonce_hex);
    return signed._sig === one.sig_hex ? null : signed._sig;
  }),

  verdicts: inPage('envelope_verdicts', async one => {
    const friends = new Map(one.peers.filter(peer => peer.session_key_hex && peer.ed25519_public_hex).map(peer => [peer.alias,
      { session: protocol.fromHex(peer.session_key_hex), ed25519: protocol.fromHex(peer.ed25519_public_hex) }]));
    const opener = new protocol.Opener(friends);
    const found = [];
    for (const step of one.steps) {
      let frame = step.frame;
      try { frame = JSON.parse(step.frame); } catch (error) { frame = {}; }
      found.push(await opener.open(frame, step.now_ms) ? 'accept' : 'drop');
    }
    const fits = one.expected.every((verdict, i) => verdict === 'either' || verdict === found[i]);
    return fits ? null : `${found}, not ${one.expected} (${one.strict_reason})`;
    // JSON.parse takes the last of two members of a name, and so does the SDK.
  }, one => one.name !== 'plaintext-duplicate-key'),

  candidates: inPage('candidate_normalise', async one => {
    const { candidate, sdpMid, sdpMLineIndex } = protocol.candidateOf(one.signed_fields) ?? {};
    const wanted = one.normalised;
    return wanted && (candidate !== wanted.candidate || (sdpMid ?? null) !== wanted.sdp_mid || (sdpMLineIndex ?? null) !== wanted.sdp_mline_index)
      ? JSON.stringify({ candidate, sdpMid, sdpMLineIndex }) : null;
  }),

  'key-schedule': inPage('v1_key_schedule', async one => {
    const side = peer => ({ alias: peer.alias, ed25519: protocol.fromHex(peer.ed25519_public_hex), e2eePub: protocol.fromHex(peer.e2ee_public_hex) });
    const secret = await frames.agree(one.call_id, side(one.caller), side(one.callee),
      await protocol.x25519Private(protocol.fromHex(one.caller.e2ee_private_hex)), protocol.fromHex(one.callee.e2ee_public_hex),
      protocol.fromHex(one.session_key_hex)).catch(() => null);
    if (!secret || !one.secret_hex) return secret || one.secret_hex ? 'a low-order key' : null;
    for (const { role, media, epoch, hex } of one.key_material)
      if (protocol.toHex(await frames.material(secret, role, media, epoch)) !== hex) return `${role} ${media} ${epoch}`;
    return null;
  }),

  frames: inPage('v1_frames', async one => {
    const sender = new frames.Sender(await frames.secretOf(protocol.fromHex(one.secret_hex)), one.role, one.media);
    Object.assign(sender, { epoch: one.epoch, n: one.n });
    const payload = Uint8Array.from({ length: one.payload_len }, (x, i) => (i * one.payload_gen.mul + one.payload_gen.add) & 255);
    const frame = await sender.seal(payload, one.flags);
    return protocol.toHex(await protocol.sha256(frame)) === one.frame_sha256 ? null : protocol.toHex(frame.slice(0, 40));
  }),

  receiver: inPage('v1_receive', async one => {
    const secret = await frames.secretOf(protocol.fromHex(one.secret_hex));
    const receiver = new frames.Receiver(secret, one.role, one.media, one.encoding_name === 'VP8');
    for (const [i, step] of one.steps.entries()) {
      const sender = Object.assign(new frames.Sender(secret, one.role, one.media), { epoch: step.epoch, n: step.n });
      let frame = await sender.seal(Uint8Array.of(1, 2, 3, 4), step.flags);
      if (step.tamper === 'short') frame = frame.slice(0, 23);
      if (step.tamper === 'tag') frame[frame.length - 1] ^= 1;
      const { dropped } = await receiver.open(frame, step.at_ms);
      if ((dropped ?? 'accept') !== step.expected) return `step ${i}: ${dropped ?? 'accept'}, not ${step.expected}`;
    }
    return null;
  }),

  sender: inPage('v1_send', async one => {
    const secret = await frames.secretOf(new Uint8Array(32));
    const sender = new frames.Sender(secret, 'caller', 'video', one.rekey_frames, one.rekey_bytes);
    const found = [];
    for (const size of one.payload_sizes) {
      const view = new DataView((await sender.seal(new Uint8Array(size))).buffer);
      found.push([view.getUint32(0) & 0xffffff, view.getUint32(4)]);
    }
    return JSON.stringify(found) === JSON.stringify(one.expected_epoch_n) ? null : JSON.stringify(found);
  }),
});
