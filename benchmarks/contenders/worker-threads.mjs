// @ts-check
/** `postMessage` between worker threads: one process, structured clone, a channel per producer and consumer pair. */
import { MessageChannel } from 'node:worker_threads';

import { streamContender } from '../harness/stream.mjs';

/** `postMessage` knows no backpressure; the receiver acknowledges every so many calls and the sender stays this close. */
const ACK_EVERY = 256;
const WINDOW_BYTES = 16 << 20;

/** @param {import('../harness/payload.mjs').StreamSpec} spec */
function ackInterval(spec) {
  return Math.max(1, Math.min(ACK_EVERY, Math.floor(WINDOW_BYTES / (spec.size * spec.batch))));
}

await streamContender(import.meta, {
  unit: 'thread',

  open(spec) {
    const channels = Array.from({ length: spec.producers }, () =>
      Array.from({ length: spec.consumers }, () => new MessageChannel()),
    );
    return {
      ticket: (role, index) =>
        role === 'producer'
          ? channels[index]?.map((channel) => channel.port1)
          : channels.map((row) => row[index]?.port2),
      transfer: (ports) => ports,
      end() {},
      close() {},
    };
  },

  async producer({ spec, ticket }) {
    /** @type {import('node:worker_threads').MessagePort[]} */
    const ports = ticket;
    const interval = ackInterval(spec);
    const calls = Math.ceil(spec.count / spec.batch);
    let acknowledged = 0;
    /** @type {(() => void) | undefined} */
    let wake;
    for (const port of ports) {
      port.on('message', () => {
        acknowledged += interval;
        wake?.();
      });
    }
    return async (source) => {
      for (let i = 0; i < calls; i++) {
        while (i - acknowledged >= 2 * interval * ports.length) {
          await new Promise((resolve) => {
            wake = () => resolve(undefined);
          });
        }
        const port = /** @type {import('node:worker_threads').MessagePort} */ (ports[i % ports.length]);
        const { batch } = spec;
        port.postMessage(batch > 1 ? source.nextBatch(Math.min(batch, spec.count - i * batch)) : source.next());
      }
      if (spec.consumers > 1) for (const port of ports) port.postMessage('end');
    };
  },

  async consumer({ spec, ticket }) {
    /** @type {import('node:worker_threads').MessagePort[]} */
    const ports = ticket;
    const interval = ackInterval(spec);
    return (tally) =>
      new Promise((resolve, reject) => {
        let ends = 0;
        for (const port of ports) {
          let calls = 0;
          port.on('message', (message) => {
            try {
              if (message === 'end') {
                if (++ends === ports.length) resolve();
                return;
              }
              if (++calls % interval === 0) port.postMessage('ack');
              if (!(spec.batch > 1 ? tally.takeAll(message) : tally.take(message))) resolve();
            } catch (error) {
              reject(error);
            }
          });
        }
      });
  },
});
