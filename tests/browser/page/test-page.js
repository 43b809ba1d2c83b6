// gst-dao: the page that the tests steer: a phone, and what of a call can be seen and heard
//
// SPDX-License-Identifier: LGPL-2.1-or-later
import * as protocol from './dao-protocol.js';
import * as frames from './dao-frames.js';
import { Phone } from './dao-call.js';

const remote = document.getElementById('remote');
const local = document.getElementById('local');
const canvas = new OffscreenCanvas(16, 16);
const context = canvas.getContext('2d', { willReadFrequently: true });

// The account is registered at the first time; afterwards `known` is what that gave.
async function start (url, mnemonic, known, options) {
  const account = new protocol.Account(url, await protocol.Identity.fromMnemonic(mnemonic));
  Object.assign(account, known);
  if (!known) await account.register('browser');
  await account.login();
  const phone = new Phone(account, options);
  phone.states = [];
  phone.heard = [];
  account.onsignal = (signal, from) => { phone.heard.push(signal.type); return phone.receive(signal, from); };
  phone.onchange = call => phone.states.push(call.state);
  // Once: an element that gets its stream again plays nothing of it before the first picture of each video track.
  phone.onremote = call => { if (remote.srcObject !== call.remote) remote.srcObject = call.remote; };
  phone.onlocal = call => { local.srcObject = call.local; };
  window.phone = phone;
  return { uuid: account.uuid, alias: account.alias };
}

// The mean colour of the picture that came: [red, green, blue], or null
function picture () {
  if (remote.readyState < 2 || !remote.videoWidth) return null;
  context.drawImage(remote, 0, 0, 16, 16);
  const { data } = context.getImageData(0, 0, 16, 16);
  const sums = [0, 0, 0];
  for (let i = 0; i < data.length; i++) if (i % 4 < 3) sums[i % 4] += data[i];
  return sums.map(sum => Math.round(sum / 256));
}

// Who closes the page hangs up; a signal would take too long to seal, closing DTLS does not.
window.addEventListener('pagehide', () => window.phone?.call?.close());

Object.assign(window, { protocol, frames, start, picture });
window.ready = true;
