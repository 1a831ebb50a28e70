// @ts-check
// Uses the same objects as a victim, again and again, until the ledger says stop; then the next ones.

import { attach, Value } from 'multiproc';
import { Ledger } from './ledger.mjs';
import { getOne, inside, markRaw, operations, PATIENCE, putOne } from './operations.mjs';

/** @typedef {import('./operations.mjs').Stage} Stage */
/** @typedef {{ index: number, what: string, name: string, handles: { [name: string]: string }, ledger: string }} Order */

/** @type {Record<string, (stage: Stage) => void>} what is done beside a victim, by what it has */
const rounds = {
  queue(stage) {
    putOne(stage);
    getOne(stage);
  },
  raw(stage) {
    putOne(stage);
    getOne(stage);
  },
  passing(stage) {
    putOne(stage);
    getOne(stage);
  },
  jobs(stage) {
    putOne(stage);
    const job = stage.things['queue'].takeSync(PATIENCE);
    job.done();
    stage.ledger.got([job.value]);
  },
  lock: exclude,
  rlock: exclude,
  semaphore: permit,
  bounded: permit,
  condition({ things }) {
    if (!things['condition'].acquireSync(PATIENCE)) throw new Error('The lock of the condition is not handed on');
    things['condition'].notify();
    things['condition'].release();
  },
  value: ({ things }) => void things['value'].updateSync((/** @type {number} */ v) => v + 1, PATIENCE),
  nothing: () => new Value('i', 1).close(),
};

/** @param {Stage} stage */
function exclude(stage) {
  const { lock } = stage.things;
  if (!lock.acquireSync(PATIENCE)) throw new Error('The lock is not handed on');
  inside(stage, lock.ownerDied);
  lock.release();
}

/** @param {Stage} stage */
function permit({ things }) {
  if (!things['semaphore'].acquireSync(PATIENCE)) throw new Error('There is no permit left');
  things['semaphore'].release();
}

/** Nobody wakes who waits here. */
const nobody = new Int32Array(new SharedArrayBuffer(4));

process.on('message', (/** @type {Order} */ { index, what, name, handles, ledger }) => {
  const things = Object.fromEntries(Object.entries(handles).map(([key, handle]) => [key, attach(handle)]));
  const on = operations[what]?.on ?? '';
  const round = rounds[on];
  if (round === undefined) throw new Error(`Nothing to do beside ${what}`);
  if (on === 'raw' && things['queue'] !== undefined) markRaw(things['queue']);
  const cells = /** @type {any} */ (attach(ledger));
  const stage = { things, name, ledger: new Ledger(cells), point: () => undefined };
  // The ledger has room for so many messages. Ever slower, so that they are still at it when the victim comes to its point.
  for (let i = 0; i < 400 && !stage.ledger.stopped; i++) {
    round(stage);
    stage.ledger.round(index);
    Atomics.wait(nobody, 0, 0, i / 50);
  }
  for (const thing of [...Object.values(things), cells]) thing.close();
  process.send?.('done');
});
process.send?.('ready');
