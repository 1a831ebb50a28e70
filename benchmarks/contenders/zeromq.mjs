// @ts-check
/** ZeroMQ PUSH/PULL over `ipc://`, one PULL socket per consumer; objects travel packed by msgpackr. */
import { Packr } from 'msgpackr';
import { Pull, Push } from 'zeromq';

import { streamContender } from '../harness/stream.mjs';

/** @param {string} scratch @param {number} index */
function address(scratch, index) {
  return `ipc://${scratch}/${index}.ipc`;
}

await streamContender(import.meta, {
  unit: 'process',

  open: (spec) => ({ ticket: () => spec.scratch, end() {}, close() {} }),

  async producer({ spec, ticket }) {
    const sockets = Array.from({ length: spec.consumers }, (_, index) => {
      const socket = new Push({ linger: -1 });
      socket.connect(address(ticket, index));
      return socket;
    });
    const packr = new Packr({ sequential: true });
    // Beyond ZeroMQ's copy threshold (128 bytes) the socket keeps a reference, so each message needs its own memory.
    const own = spec.size > 128;
    return async (source) => {
      const calls = Math.ceil(spec.count / spec.batch);
      for (let i = 0; i < calls; i++) {
        const { batch } = spec;
        const message =
          batch > 1
            ? packr.pack(source.nextBatch(Math.min(batch, spec.count - i * batch)))
            : spec.kind === 'object'
              ? packr.pack(source.nextItem())
              : own
                ? source.nextOwnBytes()
                : source.nextBytes();
        await /** @type {Push} */ (sockets[i % sockets.length]).send(message);
      }
      if (spec.consumers > 1) for (const socket of sockets) await socket.send('end');
    };
  },

  async consumer({ spec, index, ticket }) {
    const socket = new Pull();
    await socket.bind(address(ticket, index));
    const packr = new Packr({ sequential: true });
    return async (tally) => {
      let ends = 0;
      for await (const [bytes] of socket) {
        if (bytes === undefined) throw new Error('Cannot accept message: it has no frame');
        if (bytes.length === 3) {
          if (++ends === spec.producers) return;
        } else if (
          !(spec.batch > 1
            ? tally.takeAll(packr.unpack(bytes))
            : tally.take(spec.kind === 'object' ? packr.unpack(bytes) : bytes))
        ) {
          return;
        }
      }
    };
  },
});
