// @ts-check
/** This library's Queue; `style` chooses the interface: sync, async, or reserve (zero-copy). */
import { Queue, attach } from '../harness/multiproc.mjs';
import { Source } from '../harness/payload.mjs';
import { streamContender } from '../harness/stream.mjs';

/** @param {string} handle */
function connect(handle) {
  return /** @type {Queue<any>} */ (attach(handle));
}

await streamContender(import.meta, {
  unit: 'process',

  open(spec) {
    const queue = new Queue({ capacity: spec.capacity, codec: spec.kind === 'bytes' ? 'raw' : 'structured' });
    return {
      ticket: () => queue.handle,
      async end() {
        const marker = new Source(spec, 0).end();
        for (let i = 0; i < spec.consumers; i++) await queue.put(marker);
      },
      close: () => queue.close(),
    };
  },

  async producer({ spec, ticket }) {
    const queue = connect(ticket);
    const { count, batch, size, style } = spec;
    return async (source) => {
      if (batch > 1) {
        for (let left = count; left > 0; left -= batch) {
          const messages = source.nextBatch(Math.min(batch, left));
          if (style === 'async') await queue.putMany(messages);
          else queue.putManySync(messages);
        }
      } else if (style === 'reserve') {
        for (let i = 0; i < count; i++) {
          const slot = queue.reserveSync(size);
          slot.bytes.set(source.nextBytes());
          slot.commit();
        }
      } else if (style === 'async') {
        for (let i = 0; i < count; i++) await queue.put(source.next());
      } else {
        for (let i = 0; i < count; i++) queue.putSync(source.next());
      }
    };
  },

  async consumer({ spec, ticket }) {
    const queue = connect(ticket);
    const { batch, style } = spec;
    return async (tally) => {
      if (batch > 1) {
        for (;;) {
          const messages = style === 'async' ? await queue.getMany(batch) : queue.getManySync(batch);
          if (!tally.takeAll(messages)) return;
        }
      } else if (style === 'reserve') {
        for (;;) {
          const message = queue.receiveSync();
          const more = tally.takeBytes(message.bytes);
          message.release();
          if (!more) return;
        }
      } else if (style === 'async') {
        while (tally.take(await queue.get()));
      } else {
        while (tally.take(queue.getSync()));
      }
    };
  },
});
