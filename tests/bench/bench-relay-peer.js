// gst-dao: the least a relay does, on Node's ws: what dao-relay is measured against
//
// SPDX-License-Identifier: LGPL-2.1-or-later
'use strict';

const { WebSocket } = require(process.env.DAO_RELAY_CLIENT);
const Server = WebSocket.Server;

const online = new Map();
const server = new Server({ host: '127.0.0.1', port: 0, perMessageDeflate: false },
  () => console.log(`listening on http://127.0.0.1:${server.address().port}`));

server.on('connection', (socket, request) => {
  const alias = new URL(request.url, 'http://x').searchParams.get('alias');
  online.set(alias, socket);
  socket.on('message', data => {
    const frame = JSON.parse(data);
    const to = online.get(frame.to);
    if (!to) return;
    frame.from = alias;
    to.send(JSON.stringify(frame));
  });
  socket.on('close', () => online.delete(alias));
  socket.on('error', () => {});
});
process.on('SIGTERM', () => process.exit(0));
