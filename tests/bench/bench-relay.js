// gst-dao: frames a second of dao-relay on one core, against Node's ws in the same run
//
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// DAO_RELAY, DAO_RELAY_LOAD: the programs. The relay has core 0, the load core 1.
// 100 connections, frames of 1,200 bytes; limits and ownership checks are on in
// dao-relay (the frame limit raised so far that it does not bite). Fails below 2.
'use strict';

const path = require('path');
const { spawn, spawnSync } = require('child_process');
process.env.DAO_RELAY_CLIENT = path.join(__dirname, '../../subprojects/dao-relay/tests/relay-client.js');
const { Relay, Account, deadline } = require(process.env.DAO_RELAY_CLIENT);

const CONNECTIONS = 100;
const SECONDS = 3;
const ROUNDS = 2;
const WINDOWS = [1, 8];        // frames on their way from each connection: one by one, and in bursts
const TARGET = 2;

function pin (pid, core) {
  spawnSync('taskset', ['-a', '-c', '-p', String(core), String(pid)]);
}

function load (port, lines, window) {
  return new Promise((resolve, reject) => {
    const child = spawn('taskset', ['-c', '1', process.env.DAO_RELAY_LOAD, String(port), String(SECONDS), String(window)], { stdio: ['pipe', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', d => { out += d; });
    child.on('exit', code => code === 0 ? resolve(Number(out)) : reject(new Error('the load failed')));
    child.stdin.end(lines.join('\n') + '\n');
  });
}

async function startPeer () {
  const child = spawn(process.execPath, [path.join(__dirname, 'bench-relay-peer.js')]);
  const port = await deadline(new Promise(resolve => child.stdout.on('data', d => resolve(Number(/:(\d+)\n/.exec(d)[1])))), 'peer');
  return { child, port };
}

(async () => {
  const relay = await Relay.start(['--pow-difficulty', '1', '--max-registrations', '0', '--max-requests', '0', '--max-frames', '1000000']);
  const peer = await startPeer();
  const accounts = [];
  for (let i = 0; i < CONNECTIONS; i++) {
    const a = new Account(relay);
    await a.register();
    await a.login();
    accounts.push(a);
  }
  pin(relay.child.pid, 0);
  pin(peer.child.pid, 0);
  let worst = Infinity;
  for (const window of WINDOWS) {
    let ours = 0;
    let theirs = 0;
    for (let i = 0; i < ROUNDS; i++) {
      const lines = [];
      for (const a of accounts) lines.push(`${a.alias} /ws?user_uuid=${a.uuid}&ticket=${await a.ticket()}`);
      ours = Math.max(ours, await load(relay.port, lines, window));
      theirs = Math.max(theirs, await load(peer.port, accounts.map(a => `${a.alias} /ws?alias=${a.alias}`), window));
    }
    worst = Math.min(worst, ours / theirs);
    console.log(`${CONNECTIONS} connections, ${window} frame(s) each under way: dao-relay ${ours}/s, Node ws ${theirs}/s, ratio ${(ours / theirs).toFixed(2)}`);
  }
  console.log(`worst ratio ${worst.toFixed(2)} (target ${TARGET})`);
  peer.child.kill();
  await relay.stop();
  process.exit(worst >= TARGET ? 0 : 1);
})().catch(e => { console.log(e.stack); process.exit(1); });
