// @ts-check
/**
 * shared-memory-disruptor: fixed records in a POSIX shared-memory ring, one producer, one consumer, both spinning, by
 * its synchronous calls. Its consumer takes whatever has accumulated in one call, which is its own way of reading.
 */
import { unlink } from 'node:fs/promises';
import { basename } from 'node:path';

import disruptor from 'shared-memory-disruptor';

import { streamContender } from '../harness/stream.mjs';

const { Disruptor } = disruptor;

/** @param {import('../harness/payload.mjs').StreamSpec} spec @param {number} consumer @param {boolean} init */
function connect(spec, consumer, init) {
  const records = Math.floor(spec.capacity / spec.size);
  return new Disruptor(`/${basename(spec.scratch)}`, records, spec.size, 1, consumer, init, true);
}

await streamContender(import.meta, {
  unit: 'process',

  open(spec) {
    connect(spec, -1, true).release();
    return {
      ticket: () => null,
      end() {},
      close: () => unlink(`/dev/shm/${basename(spec.scratch)}`),
    };
  },

  async producer({ spec }) {
    const ring = connect(spec, -1, false);
    return (source) => {
      for (let i = 0; i < spec.count; i++) {
        const record = ring.produceClaimSync();
        source.nextBytes().copy(record);
        ring.produceCommitSync();
      }
    };
  },

  async consumer({ spec }) {
    const ring = connect(spec, 0, false);
    const { size } = spec;
    return (tally) => {
      for (;;) {
        const parts = ring.consumeNewSync();
        for (const part of parts) {
          for (let at = 0; at < part.length; at += size) {
            if (!tally.takeRecord(part, at)) {
              ring.consumeCommit();
              return;
            }
          }
        }
        ring.consumeCommit();
      }
    };
  },
});
