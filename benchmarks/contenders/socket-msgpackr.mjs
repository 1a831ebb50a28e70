// @ts-check
/** A Unix domain socket with length-prefixed msgpackr frames: what a careful user writes without a library. */
import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';

import { Packr } from 'msgpackr';

import { FrameReader, frame } from '../harness/frames.mjs';
import { streamContender } from '../harness/stream.mjs';

/** Messages that share one `writev`; a lone message still leaves at the end of the turn. */
const CORK_EVERY = 64;

await streamContender(import.meta, {
  unit: 'process',

  open: (spec) => ({ ticket: () => spec.scratch, end() {}, close() {} }),

  async producer({ spec, ticket }) {
    const sockets = await Promise.all(
      Array.from({ length: spec.consumers }, async (_, index) => {
        const socket = createConnection(join(ticket, `${index}.sock`));
        await once(socket, 'connect');
        return socket;
      }),
    );
    // One direction of one connection: a record's shape travels once (for bytes, which have none, it changes nothing).
    const packr = new Packr({ sequential: true });
    const calls = Math.ceil(spec.count / spec.batch);
    return async (source) => {
      for (const socket of sockets) socket.cork();
      for (let i = 0; i < calls; i++) {
        const socket = /** @type {import('node:net').Socket} */ (sockets[i % sockets.length]);
        const { batch } = spec;
        const message = batch > 1 ? source.nextBatch(Math.min(batch, spec.count - i * batch)) : source.next();
        const roomLeft = socket.write(frame(packr.pack(message)));
        if (!roomLeft || i % (CORK_EVERY * sockets.length) === 0) {
          for (const one of sockets) one.uncork();
          if (socket.writableNeedDrain) await once(socket, 'drain');
          for (const one of sockets) one.cork();
        }
      }
      for (const socket of sockets) {
        socket.uncork();
        socket.end();
      }
    };
  },

  async consumer({ spec, index, ticket }) {
    const packr = new Packr({ sequential: true });
    const server = createServer();
    server.listen(join(ticket, `${index}.sock`));
    await once(server, 'listening');
    /** @type {(socket: import('node:net').Socket) => void} */
    let accept = () => {};
    /** @type {import('node:net').Socket[]} */
    const early = [];
    server.on('connection', (socket) => early.push(socket) && accept(socket));
    return (tally) =>
      new Promise((resolve, reject) => {
        let open = spec.producers;
        accept = (socket) => {
          const reader = new FrameReader((bytes) => {
            const message = packr.unpack(bytes);
            if (!(spec.batch > 1 ? tally.takeAll(message) : tally.take(message))) resolve();
          });
          socket.on('data', (chunk) => {
            try {
              reader.push(/** @type {Buffer} */ (chunk));
            } catch (error) {
              reject(error);
            }
          });
          socket.on('end', () => {
            if (--open === 0) resolve();
          });
        };
        for (const socket of early) accept(socket);
      });
  },
});
