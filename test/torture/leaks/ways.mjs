// @ts-check
// The ways in which objects come and go. Each makes some objects of one kind and leaves nothing of them.
import { attach, Queue } from 'multiproc';

/** @typedef {import('./kinds.mjs').Maker} Maker */

/** Objects that are open at the same time, at most. */
const BATCH = 50;

/** @type {Queue<{ object: import('multiproc').SharedObject }> | undefined} */
let carrier;

/** Makes what the ways themselves need, which is no leak. */
export function prepareWays() {
  carrier = new Queue();
}

let nextName = 0;

/**
 * `share` is the part of the asked-for number that a way makes: the first two are what programs do most.
 *
 * @type {Readonly<Record<string, { share: number, once: (make: Maker) => void }>>}
 */
export const ways = {
  'close()': { share: 1, once: (make) => make().close() },
  using: { share: 0.5, once: (make) => make()[Symbol.dispose]() },
  forgotten: { share: 0.1, once: (make) => void make() },
  attached: {
    share: 0.1,
    once: (make) => {
      const object = make();
      const again = attach(object.handle);
      object.close();
      again.close();
    },
  },
  named: {
    share: 0.1,
    once: (make) => {
      nextName += 1;
      make({ name: `leaks-${process.pid}-${nextName}` }).close();
    },
  },
  unlinked: {
    share: 0.1,
    once: (make) => {
      nextName += 1;
      const object = make({ name: `leaks-${process.pid}-${nextName}` });
      object.unlink();
      object.close();
    },
  },
  received: {
    share: 0.1,
    once: (make) => {
      const queue = /** @type {NonNullable<typeof carrier>} */ (carrier);
      const object = make();
      queue.putSync({ object });
      object.close();
      queue.getSync().object.close();
    },
  },
  unread: {
    share: 0.02,
    once: (make) => {
      const queue = new Queue();
      const object = make();
      queue.putSync({ object });
      object.close();
      queue.close();
    },
  },
};

/**
 * @param {(make: Maker) => void} once
 * @param {Maker} make
 * @param {number} count
 * @param {() => Promise<void>} rest called after each batch, so that what was forgotten can be collected
 */
export async function makeMany(once, make, count, rest) {
  for (let made = 0; made < count; made++) {
    once(make);
    if (made % BATCH === BATCH - 1) await rest();
  }
  return count;
}
