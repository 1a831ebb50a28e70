// @ts-check
/** Round trips over a Unix domain socket with length-prefixed msgpackr frames. */
import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';

import { Packr } from 'msgpackr';

import { FrameReader, frame } from '../harness/frames.mjs';
import { roundtripContender } from '../harness/roundtrip.mjs';

const packr = new Packr();

await roundtripContender(import.meta, {
  unit: 'process',

  open: ({ scratch }) => ({ ticket: join(scratch, 'echo.sock'), close() {} }),

  async ask(_spec, { ticket }) {
    const socket = createConnection(ticket);
    await once(socket, 'connect');
    /** @type {(answer: Uint8Array) => void} */
    let answered = () => {};
    const reader = new FrameReader((body) => answered(packr.unpack(body)));
    socket.on('data', (chunk) => reader.push(/** @type {Buffer} */ (chunk)));
    return {
      ping: (message) =>
        new Promise((resolve) => {
          answered = resolve;
          socket.write(frame(packr.pack(message)));
        }),
    };
  },

  async answer(_spec, ticket) {
    const server = createServer((socket) => {
      const reader = new FrameReader((body) => socket.write(frame(packr.pack(packr.unpack(body)))));
      socket.on('data', (chunk) => reader.push(/** @type {Buffer} */ (chunk)));
    });
    server.listen(ticket);
    await once(server, 'listening');
    return () => {};
  },
});
