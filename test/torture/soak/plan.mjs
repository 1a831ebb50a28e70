// @ts-check
// Who sits where, and what they share.

import {
  Array as SharedArray,
  Barrier,
  Condition,
  JoinableQueue,
  Lock,
  Queue,
  RLock,
  Semaphore,
  Value,
} from 'multiproc';

/** Numbers of the queues, and how many messages each may hold. */
export const Queues = { plain: 0, raw: 1, tasks: 2 };
export const MAXSIZE = 64;
export const PERMITS = 2;
export const PARTIES = 2;
/** Messages longer than a quarter of it spill. */
const CAPACITY = 1024 * 1024;

/** The role of each seat. @type {readonly { role: 'producer' | 'consumer' | 'locker', queue: number }[]} */
export const seats = [
  ...Object.values(Queues).flatMap((queue) => [
    { role: /** @type {const} */ ('producer'), queue },
    { role: /** @type {const} */ ('producer'), queue },
    { role: /** @type {const} */ ('consumer'), queue },
    { role: /** @type {const} */ ('consumer'), queue },
  ]),
  ...Array.from({ length: 4 }, () => ({ role: /** @type {const} */ ('locker'), queue: -1 })),
];

/** Makes everything that the actors share, but the ledger. */
export function createObjects() {
  const conditionLock = new Lock();
  return {
    plain: new Queue({ maxsize: MAXSIZE, capacity: CAPACITY }),
    raw: new Queue({ maxsize: MAXSIZE, capacity: CAPACITY, codec: 'raw' }),
    tasks: new JoinableQueue({ maxsize: MAXSIZE, capacity: CAPACITY }),
    lock: new Lock(),
    rlock: new RLock(),
    conditionLock,
    condition: new Condition(conditionLock),
    semaphore: new Semaphore(PERMITS),
    barrier: new Barrier(PARTIES),
    value: new Value('q', 0),
    cells: new SharedArray('i', 16),
  };
}

/** @typedef {ReturnType<typeof createObjects>} Objects */
