// A peer over WebSocket, in the same mesh as mesh.py:
//
//   node mesh.mjs DATABASE PORT [ws://HOST:PORT ...]    a mesh: every peer names the others
//   node mesh.mjs DATABASE 0 ws://HOST:PORT/spoke       a spoke of one of them, its hub
//
// A mesh sends each patch once over each connection. What a spoke sends goes on to everybody, and
// what others send goes on to the spokes. What is lost comes by itself: whoever hears a ping asks
// for what it lacks. Needs `npm install better-sqlite3@12 ws`.

import { WebSocket, WebSocketServer } from 'ws';

import { Replica, frames, log } from './replica.mjs';

const POLL_MS = 100;
const PING_MS = 1000;
const RECONNECT_MS = 1000;
const MAX_BYTES = 64 * 1024 * 1024;

const [path, port, ...addresses] = process.argv.slice(2);
if (port === undefined) {
  log('usage: node mesh.mjs DATABASE PORT [ws://HOST:PORT ...]');
  process.exit(2);
}

const replica = new Replica(path);
const connections = new Map();  // socket -> {name, toSpoke}
let stopping = false;

function talk(socket, name, toSpoke) {
  connections.set(socket, { name, toSpoke });
  socket.send(replica.ping());
  socket.on('message', (data, isBinary) => {
    const text = isBinary ? data.toString('latin1') : data.toString();
    const [count, answers] = replica.receive(text);
    for (const frame of frames(answers)) socket.send(frame);
    if (count === 0) return;
    for (const [other, { toSpoke: isSpoke }] of connections)
      if (other !== socket && (toSpoke || isSpoke)) other.send(text);
    tell();
  });
  socket.on('close', () => connections.delete(socket));
  socket.on('error', (error) => log(`${name}: ${error.message}`));
}

function connect(address) {
  if (stopping) return;
  const socket = new WebSocket(address, { maxPayload: MAX_BYTES });
  socket.on('open', () => talk(socket, address, false));
  socket.on('error', () => {});  // close comes next
  socket.on('close', () => setTimeout(connect, RECONNECT_MS, address));
}

function broadcast(text) {
  for (const socket of connections.keys())
    if (socket.readyState === WebSocket.OPEN) socket.send(text);
}

function tell() {
  replica.status([...connections.values()].map((c) => c.name).sort().join(', '));
}

let server = null;
if (Number(port) > 0) {
  server = new WebSocketServer({ host: '127.0.0.1', port: Number(port), maxPayload: MAX_BYTES });
  server.on('connection', (socket, request) =>
    talk(socket, `${request.socket.remoteAddress}:${request.socket.remotePort}`,
         request.url.endsWith('/spoke')));
}
addresses.forEach(connect);

const pushing = setInterval(() => {
  for (const frame of frames(replica.fresh())) broadcast(frame);
}, POLL_MS);
const pinging = setInterval(() => {
  broadcast(replica.ping());
  tell();
}, PING_MS);

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    clearInterval(pushing);
    clearInterval(pinging);
    for (const socket of connections.keys()) socket.terminate();
    server?.close();
    replica.close();
    process.exit(0);
  });
}
