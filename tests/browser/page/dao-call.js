// gst-dao: 1:1 calls of a browser, as the TypeScript SDK places and answers them
//
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// By itself a peer without our extensions. With {ext: true} it sends `to`, `ext`, `leg` and `gen`, with {e2ee: true} it
// encrypts frames (docs/protocol-extensions.md).
import { candidateOf, fromBase64 } from './dao-protocol.js';
import { agree, Ephemeral } from './dao-frames.js';

const MEDIA_MS = 6000;                  // getUserMedia
const ANSWER_MS = 15000;
const DISCONNECTED_MS = 8000;
const SILENCE_MS = 15000;
const MAX_VIDEO_BITRATE = 1500000;
export const CAPTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
const OVER = ['hangup', 'rejected', 'ended'];

const hasVideo = sdp => /^m=video /m.test(sdp);

async function capture (audio, video) {
  let timer;
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`getUserMedia timeout after ${MEDIA_MS}ms`)), MEDIA_MS);
  });
  return Promise.race([navigator.mediaDevices.getUserMedia({ audio, video }), late])
    .finally(() => clearTimeout(timer));
}

// One call, from its first signal to its end
class Call {
  constructor (phone, peer, id, role) {
    Object.assign(this, { phone, peer, id, role, state: 'idle', reason: null, early: [], gen: 1, senders: new Set() });
    this.peerHasExt = false;
    this.remote = new MediaStream();
    this.timers = {};
  }

  get over () { return OVER.includes(this.state); }

  become (state, reason = null) {
    if (this.over) return;
    this.state = state;
    this.reason = reason;
    if (this.over) this.close();
    this.phone.onchange(this);
  }

  close () {
    for (const timer of Object.values(this.timers)) clearTimeout(timer);
    for (const track of this.local?.getTracks() ?? []) track.stop();
    this.pc?.close();
    this.worker?.terminate();
  }

  send (type, fields = {}) {
    const ours = this.phone.ext ? { to: this.peer, ext: 1 } : {};
    return this.phone.account.send(this.peer, { type, call_id: this.id, ...ours, ...fields });
  }

  end (state, reason, signal = 'call_hangup') {
    if (this.over) return;
    this.send(signal);
    this.become(state, reason);
  }

  // --- the peer connection ---

  async open (video) {
    this.video = video;
    const config = await this.phone.account.api('GET', '/calls/ice-config');
    this.pc = new RTCPeerConnection({ iceServers: config.ice_servers, iceTransportPolicy: config.ice_transport_policy ?? 'all' });
    if (this.phone.e2ee) {
      this.worker = new Worker('dao-frame-worker.js', { type: 'module' });
      this.ephemeral = await Ephemeral.create();
    }
    this.pc.onicecandidate = ({ candidate }) => {
      if (candidate?.candidate) this.send('call_ice', { candidate: candidate.toJSON(), ...this.counters() });
    };
    this.pc.ontrack = ({ track, receiver }) => {
      this.transform(receiver, 'receive', track.kind);
      this.remote.addTrack(track);
      this.phone.onremote(this);
    };
    this.pc.onconnectionstatechange = () => this.onConnection(this.pc.connectionState);
  }

  counters () { return this.phone.ext ? { leg: 0, gen: this.gen } : {}; }

  // A transform that is set later than its track begins is not used (for a receiver) or lets the first frames out clear.
  transform (end, direction, media) {
    if (this.worker && !end.transform)
      end.transform = new RTCRtpScriptTransform(this.worker, { direction, media });
  }

  addTracks (stream) {
    for (const track of stream.getTracks()) {
      const sender = this.pc.addTrack(track, this.local);
      this.transform(sender, 'send', track.kind);
      const { receiver } = this.pc.getTransceivers().find(t => t.sender === sender);
      this.transform(receiver, 'receive', track.kind);
    }
  }

  async captureLocal (video) {
    this.local = await capture(this.phone.audio, video && this.phone.video);
    this.addTracks(this.local);
    this.phone.onlocal(this);
  }

  onConnection (state) {
    this.connection = state;
    if (state === 'connecting' && this.state === 'connected') this.become('connecting');
    if (state === 'connected') {
      clearTimeout(this.timers.disconnected);
      this.limitVideo();
      this.watchSilence();
      this.become('connected');
    } else if (state === 'disconnected') {
      this.timers.disconnected = setTimeout(() => this.end('ended', 'disconnected'), DISCONNECTED_MS);
    } else if (state === 'failed') {
      this.end('ended', 'ice-failed');
    }
  }

  async limitVideo () {
    for (const sender of this.pc.getSenders().filter(s => s.track?.kind === 'video')) {
      const parameters = sender.getParameters();
      for (const encoding of parameters.encodings) encoding.maxBitrate = MAX_VIDEO_BITRATE;
      parameters.degradationPreference = 'maintain-framerate';
      await sender.setParameters(parameters).catch(() => {});
    }
  }

  // 15 s in which nothing came; on hold nothing is expected
  watchSilence () {
    clearInterval(this.timers.silence);
    let last = -1, at = performance.now();
    this.timers.silence = setInterval(async () => {
      const expected = this.pc.getTransceivers().some(t => /recv/.test(t.currentDirection));
      const now = (await this.stats()).bytesReceived;
      if (now !== last || !expected) at = performance.now();
      last = now;
      if (performance.now() - at > SILENCE_MS) this.end('ended', 'media-timeout');
    }, 1000);
  }

  // --- offers and answers ---

  descriptionFields () {
    const e2ee = this.ephemeral ? { e2ee: 1, e2ee_pub: this.ephemeral.text } : {};
    return { sdp: this.pc.localDescription.sdp, sdp_type: this.pc.localDescription.type, ...this.counters(), ...e2ee };
  }

  async place (video) {
    this.become('calling');
    await this.open(video);
    await this.captureLocal(video);
    await this.offer();
    this.timers.answer = setTimeout(() => this.end('ended', 'no answer'), ANSWER_MS);
  }

  async offer (options = {}) {
    await this.pc.setLocalDescription(await this.pc.createOffer(options));
    await this.send('call_offer', this.descriptionFields());
  }

  // Resolves when the answer is applied
  async offerAgain (options) {
    this.gen++;
    await this.offer(options);
    await new Promise((resolve, reject) => {
      this.onanswered = resolve;
      this.onrefused = reject;
      this.timers.answer = setTimeout(() => reject(new Error('no answer to the offer')), ANSWER_MS);
    });
  }

  async ring (signal) {
    this.gen = signal.gen ?? 1;
    this.peerHasExt = signal.ext === 1;
    this.peerE2ee = signal.e2ee_pub;
    await this.open(hasVideo(signal.sdp));
    // The offer first: tracks that are added then take its sections.
    await this.applyRemote('offer', signal.sdp);
    this.become('ringing');
  }

  async answer () {
    if (this.state !== 'ringing' || this.answering) return;
    this.answering = true;
    await this.captureLocal(this.video);
    await this.agreeOnKeys();
    await this.sendAnswer();
    this.become('connecting');
  }

  async sendAnswer () {
    await this.pc.setLocalDescription(await this.pc.createAnswer());
    await this.send('call_answer', this.descriptionFields());
  }

  async applyRemote (type, sdp) {
    await this.pc.setRemoteDescription({ type, sdp });
    for (const { sender, receiver } of this.pc.getTransceivers()) {
      this.transform(sender, 'send', receiver.track.kind);
      this.transform(receiver, 'receive', receiver.track.kind);
    }
    for (const candidate of this.early.splice(0)) await this.pc.addIceCandidate(candidate);
  }

  async onAnswer (signal) {
    clearTimeout(this.timers.answer);
    if (this.state === 'calling') {
      this.peerHasExt = signal.ext === 1;
      this.peerE2ee = signal.e2ee_pub;
      await this.agreeOnKeys();
      this.become('connecting');
    }
    await this.applyRemote('answer', signal.sdp).catch(error => {
      this.onrefused?.(error);
      throw error;
    });
    this.onanswered?.();
  }

  // Only with `ext`: others take a second offer for a second call
  async onOfferAgain (signal) {
    this.gen = signal.gen;
    await this.applyRemote('offer', signal.sdp);
    if (hasVideo(signal.sdp) && !this.video) await this.addVideoTrack();
    await this.sendAnswer();
  }

  async onCandidate (signal) {
    const candidate = candidateOf(signal);
    if (this.pc?.remoteDescription) await this.pc.addIceCandidate(candidate);
    else this.early.push(candidate);
  }

  async agreeOnKeys () {
    if (!this.ephemeral) return;
    if (!this.peerE2ee) throw new Error('the other side does not encrypt frames');
    const { account } = this.phone;
    const friend = account.friends.get(this.peer);
    const us = { alias: account.alias, ed25519: account.identity.ed25519, e2eePub: this.ephemeral.publicKey };
    const them = { alias: this.peer, ed25519: friend.ed25519, e2eePub: fromBase64(this.peerE2ee) };
    const [caller, callee] = this.role === 'caller' ? [us, them] : [them, us];
    const secret = await agree(this.id, caller, callee, this.ephemeral.privateKey, them.e2eePub, friend.session);
    this.worker.postMessage({ keys: { secret, role: this.role, peerRole: this.role === 'caller' ? 'callee' : 'caller' } });
  }

  // --- within the call ---

  // Hold and back: `directions` is {audio: 'sendonly', ...}
  async setDirections (directions) {
    for (const transceiver of this.pc.getTransceivers())
      transceiver.direction = directions[transceiver.receiver.track.kind] ?? transceiver.direction;
    await this.offerAgain();
  }

  async addVideoTrack () {
    const stream = await navigator.mediaDevices.getUserMedia({ video: this.phone.video });
    this.video = true;
    this.local.addTrack(stream.getVideoTracks()[0]);
    this.addTracks(stream);
    this.phone.onlocal(this);
  }

  async addVideo () {
    await this.addVideoTrack();
    await this.offerAgain();
    await this.limitVideo();
  }

  restartIce () { return this.offerAgain({ iceRestart: true }); }

  async onRenegotiate ({ want }) {
    if (this.role !== 'caller' || !this.phone.ext) return;
    if (want === 'video' && !this.video) await this.addVideo();
    else if (want === 'restart') await this.restartIce();
  }

  // --- what flows ---

  async stats () {
    const sum = { bytesReceived: 0, audioEnergy: 0, framesDecoded: 0, keyFramesDecoded: 0, framesSent: 0, audioSent: 0,
      pairs: 0, plis: 0, nacks: 0, lost: 0, retransmitted: 0 };
    for (const r of (await this.pc.getStats()).values()) {
      if (r.type === 'inbound-rtp') {
        sum.bytesReceived += r.bytesReceived;
        sum.lost += r.packetsLost;
        sum.retransmitted += r.retransmittedPacketsReceived ?? 0;
        if (r.kind === 'audio') sum.audioEnergy = r.totalAudioEnergy ?? 0;
        else Object.assign(sum, { framesDecoded: r.framesDecoded ?? 0, keyFramesDecoded: r.keyFramesDecoded ?? 0, plis: r.pliCount, nacks: r.nackCount });
      } else if (r.type === 'outbound-rtp') {
        if (r.kind === 'audio') sum.audioSent = r.packetsSent;
        else sum.framesSent = r.framesSent ?? 0;
      } else if (r.type === 'candidate-pair' && r.nominated) {
        sum.pairs++;
      }
    }
    return sum;
  }

  // What the worker did with frames, by direction, medium and reason
  frames () {
    return new Promise(resolve => {
      this.worker.onmessage = ({ data }) => resolve(data);
      this.worker.postMessage({ ask: true });
    });
  }
}

// Calls of one account. One at a time; others are told that it is busy.
export class Phone {
  constructor (account, { ext = false, e2ee = false, audio = true, video = CAPTURE } = {}) {
    Object.assign(this, { account, ext: ext || e2ee, e2ee, audio, video, call: null, early: new Map() });
    this.onchange = this.onremote = this.onlocal = this.onincoming = () => {};
    account.onsignal = (signal, from) => this.receive(signal, from);
  }

  async place (peer, video) {
    this.call = new Call(this, peer, crypto.randomUUID(), 'caller');
    await this.call.place(video);
  }

  answer () { return this.call.answer(); }
  reject () { this.call.end('rejected', 'local', 'call_reject'); }
  hangup () { this.call.end('hangup', 'local'); }

  async receive (signal, from) {
    if (signal.to !== undefined && signal.to !== this.account.alias) return;
    const call = this.call;
    const current = call && !call.over && call.peer === from && call.id === signal.call_id;
    if (signal.type === 'call_ice' && !current) this.keepEarly(signal);
    else if (signal.type === 'call_offer' && !current) await this.receiveOffer(signal, from);
    else if (current) await this.dispatch(call, signal);
  }

  async dispatch (call, signal) {
    switch (signal.type) {
      case 'call_offer':
        if (this.ext && call.peerHasExt) await call.onOfferAgain(signal);
        break;
      case 'call_answer': await call.onAnswer(signal); break;
      case 'call_ice': await call.onCandidate(signal); break;
      case 'call_hangup': call.become('hangup', signal.reason ?? 'remote'); break;
      case 'call_reject': call.become('rejected', signal.reason ?? 'remote'); break;
      // Not awaited: the answer to the offer that it makes is a signal, too.
      case 'call_renegotiate': call.onRenegotiate(signal).catch(error => console.error(signal.type, String(error))); break;
    }
  }

  // ICE can overtake its offer.
  keepEarly (signal) {
    const kept = this.early.get(signal.call_id) ?? [];
    if (kept.length < 64) this.early.set(signal.call_id, [...kept, candidateOf(signal)]);
  }

  async receiveOffer (signal, from) {
    if (this.call && !this.call.over) {
      this.account.send(from, { type: 'call_reject', call_id: signal.call_id });
      return;
    }
    this.call = new Call(this, from, signal.call_id, 'callee');
    this.call.early = this.early.get(signal.call_id) ?? [];
    this.early.clear();
    await this.call.ring(signal);
    this.onincoming(this.call);
  }
}
