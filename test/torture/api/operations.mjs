// @ts-check
// Every operation of the public API in which a process is killed: on what, and what it does. Victims and bystanders run
// the same functions, on the same objects.

import {
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  JoinableQueue,
  Lock,
  Queue,
  RLock,
  Semaphore,
  SharedMemory,
  ShutDownError,
  Value,
} from 'multiproc';

/** @typedef {import('./ledger.mjs').Ledger} Ledger */
/** @typedef {{ [name: string]: any }} Things shared objects by name; of any class, since the operations know which */
/**
 * @typedef {object} Stage
 * @property {Things} things
 * @property {Ledger} ledger
 * @property {string} name that only this trial uses, in front of all names of segments
 * @property {() => void} point where the victim may be killed too: between two calls
 * @property {boolean} [victim] this process is the one that is killed
 */
/**
 * @typedef {object} Operation
 * @property {keyof typeof makers} on
 * @property {(stage: Stage) => void | Promise<void>} act what the victim is killed in
 * @property {(stage: Stage) => void | Promise<void>} [prepare] what the victim does before
 * @property {number} [inHand] how many messages the victim may have taken without having noted it
 * @property {boolean} [ends] nobody can use the things afterwards: no bystanders but those that it lets go
 * @property {number} [unmarked] how many tasks the victim may have got and not marked as done
 * @property {boolean} [dropped] what was in the queue may be gone
 */

const CAPACITY = 65_536;
/** Time enough for everything that does not hang. */
export const PATIENCE = { timeout: 20_000 };

/** What is made before each trial, and put into what holds messages. */
export const makers = {
  queue: () => ({ queue: new Queue({ capacity: CAPACITY }) }),
  jobs: () => ({ queue: new JoinableQueue({ capacity: CAPACITY }) }),
  raw: () => ({ queue: new Queue({ capacity: CAPACITY, codec: 'raw' }) }),
  lock: () => ({ lock: new Lock() }),
  rlock: () => ({ lock: new RLock() }),
  semaphore: () => ({ semaphore: new Semaphore(4) }),
  bounded: () => ({ semaphore: new BoundedSemaphore(4) }),
  condition: () => ({ condition: new Condition() }),
  event: () => ({ event: new Event() }),
  barrier: () => ({ barrier: new Barrier(2) }),
  value: () => ({ value: new Value('i', 0) }),
  passing: () => ({ queue: new Queue({ capacity: CAPACITY }), lock: new Lock(), value: new Value('i', 7) }),
  nothing: () => ({}),
};

/** @param {Stage} stage @param {number} id @param {number} more bytes */
function message({ things }, id, more = 0) {
  if (things['queue'].constructor !== Queue || !isRaw(things['queue'])) return { id, text: 'x'.repeat(more) };
  const bytes = Buffer.alloc(8 + more);
  bytes.writeInt32LE(id);
  return bytes;
}

const raws = new WeakSet();
/** Says that a queue takes bytes only; a queue does not tell. @param {object} queue */
export function markRaw(queue) {
  raws.add(queue);
}
/** @param {object} queue */
const isRaw = (queue) => raws.has(queue);

/** What was received, in the form of the ledger. @param {any} value */
export function read(value) {
  return Buffer.isBuffer(value) ? { id: value.readInt32LE() } : /** @type {{ id: number }} */ (value);
}

/** @param {Stage} stage @param {number} [more] bytes */
export function putOne(stage, more = 0) {
  const ids = stage.ledger.begin(1);
  stage.things['queue'].putSync(message(stage, ids[0] ?? 0, more), PATIENCE);
  stage.ledger.end(ids);
}

/** @param {Stage} stage */
export function getOne({ things, ledger, point }) {
  const got = read(things['queue'].getSync(PATIENCE));
  point();
  ledger.got([got]);
}

/** What is done as the owner. @param {Stage} stage @param {boolean} ownerDied */
export function inside({ ledger, point, victim = false }, ownerDied) {
  if (victim) ledger.own(true);
  point();
  ledger.enter(ownerDied);
  point();
  ledger.leave();
  point();
  if (victim) ledger.own(false);
}

/** @type {Record<string, Operation>} */
export const operations = {
  putSync: { on: 'queue', act: (stage) => putOne(stage) },
  put: {
    on: 'queue',
    async act(stage) {
      const ids = stage.ledger.begin(1);
      await stage.things['queue'].put(message(stage, ids[0] ?? 0), PATIENCE);
      stage.ledger.end(ids);
    },
  },
  putMany: {
    on: 'queue',
    async act(stage) {
      const ids = stage.ledger.begin(3);
      await stage.things['queue'].putMany(ids.map((id) => message(stage, id)));
      stage.ledger.end(ids);
    },
  },
  'put spilled': { on: 'queue', act: (stage) => putOne(stage, 1 << 20) },
  'put a shared object': {
    on: 'passing',
    act({ things, ledger }) {
      const { queue, lock, value } = things;
      const ids = ledger.begin(1);
      queue.putSync({ id: ids[0], lock, value }, PATIENCE);
      ledger.end(ids);
    },
  },
  'get a shared object': {
    on: 'passing',
    prepare({ things, ledger }) {
      const { queue, lock, value } = things;
      const ids = ledger.begin(1);
      queue.putSync({ id: ids[0], lock, value }, PATIENCE);
      ledger.end(ids);
    },
    act: getOne,
    inHand: 1,
  },
  getSync: { on: 'queue', prepare: (stage) => putOne(stage), act: getOne, inHand: 1 },
  get: {
    on: 'queue',
    prepare: (stage) => putOne(stage),
    async act({ things, ledger }) {
      ledger.got([read(await things['queue'].get(PATIENCE))]);
    },
    inHand: 1,
  },
  'get that waits': {
    on: 'queue',
    async act(stage) {
      const { things, ledger } = stage;
      const got = things['queue'].get(PATIENCE);
      putOne(stage);
      ledger.got([read(await got)]);
    },
    inHand: 1,
  },
  getMany: {
    on: 'queue',
    prepare(stage) {
      for (let i = 0; i < 3; i++) putOne(stage);
    },
    async act({ things, ledger }) {
      ledger.got((await things['queue'].getMany(3, PATIENCE)).map(read));
    },
    inHand: 3,
  },
  'get spilled': { on: 'queue', prepare: (stage) => putOne(stage, 1 << 20), act: getOne, inHand: 1 },
  'take and done': {
    on: 'jobs',
    prepare: (stage) => putOne(stage),
    act({ things, ledger }) {
      const job = things['queue'].takeSync(PATIENCE);
      job.done();
      ledger.got([read(job.value)]);
    },
    inHand: 1,
  },
  taskDone: {
    on: 'jobs',
    prepare(stage) {
      putOne(stage);
      getOne(stage);
    },
    act: ({ things }) => things['queue'].taskDone(),
    unmarked: 1,
  },
  join: {
    on: 'jobs',
    async act(stage) {
      const { things } = stage;
      putOne(stage);
      getOne(stage);
      const joined = things['queue'].join(PATIENCE);
      things['queue'].taskDone();
      await joined;
    },
    inHand: 1,
    unmarked: 1,
    ends: true,
  },
  'reserve and commit': {
    on: 'raw',
    act(stage) {
      const slot = stage.things['queue'].reserveSync(100, PATIENCE);
      const ids = stage.ledger.begin(1);
      slot.bytes.writeInt32LE(ids[0] ?? 0);
      slot.commit(40);
      stage.ledger.end(ids);
    },
  },
  'reserve and abort': { on: 'raw', act: ({ things }) => things['queue'].reserveSync(100, PATIENCE).abort() },
  'receive and release': {
    on: 'raw',
    prepare: (stage) => putOne(stage),
    act({ things, ledger }) {
      const received = things['queue'].receiveSync(PATIENCE);
      const taken = read(Buffer.from(received.bytes));
      received.release();
      ledger.got([taken]);
    },
    inHand: 1,
  },
  'close a queue': { on: 'queue', prepare: (stage) => putOne(stage), act: ({ things }) => things['queue'].close() },
  shutdown: {
    on: 'queue',
    prepare: (stage) => putOne(stage),
    act: ({ things }) => things['queue'].shutdown(),
    ends: true,
  },
  'shutdown immediate': {
    on: 'queue',
    prepare: (stage) => putOne(stage),
    act: ({ things }) => things['queue'].shutdown({ immediate: true }),
    ends: true,
    dropped: true,
  },
  'create, open and unlink a queue': {
    on: 'nothing',
    act({ name }) {
      const made = new Queue({ name: `${name}.queue`, capacity: CAPACITY });
      const opened = Queue.open(`${name}.queue`);
      opened.putSync('x');
      made.unlink();
      made.close();
      opened.close();
    },
  },
  Lock: {
    on: 'lock',
    act(stage) {
      const { lock } = stage.things;
      lock.acquireSync();
      inside(stage, lock.ownerDied);
      lock.release();
    },
  },
  'Lock, asynchronously': {
    on: 'lock',
    async act(stage) {
      const { lock } = stage.things;
      await lock.acquire();
      inside(stage, lock.ownerDied);
      lock.release();
    },
  },
  'Lock.hold': {
    on: 'lock',
    async act(stage) {
      const hold = await stage.things['lock'].hold();
      inside(stage, hold.ownerDied);
      hold.release();
    },
  },
  RLock: {
    on: 'rlock',
    act(stage) {
      const { lock } = stage.things;
      lock.acquireSync();
      lock.acquireSync();
      inside(stage, lock.ownerDied);
      lock.release();
      lock.release();
    },
  },
  'RLock, asynchronously': {
    on: 'rlock',
    async act(stage) {
      const { lock } = stage.things;
      await lock.acquire();
      inside(stage, lock.ownerDied);
      lock.release();
    },
  },
  Semaphore: {
    on: 'semaphore',
    act({ things, point }) {
      things['semaphore'].acquireSync();
      point();
      things['semaphore'].release();
    },
  },
  BoundedSemaphore: {
    on: 'bounded',
    async act({ things }) {
      await things['semaphore'].acquire();
      things['semaphore'].release();
    },
  },
  'Condition.notify': {
    on: 'condition',
    act({ things }) {
      things['condition'].acquireSync();
      things['condition'].notifyAll();
      things['condition'].release();
    },
  },
  'Condition.wait': {
    on: 'condition',
    act({ things }) {
      things['condition'].acquireSync();
      things['condition'].waitSync({ timeout: 5 });
      things['condition'].release();
    },
  },
  Event: {
    on: 'event',
    async act({ things }) {
      const { event } = things;
      const waited = event.wait(PATIENCE);
      event.set();
      event.waitSync(PATIENCE);
      await waited;
      event.clear();
    },
    ends: true,
  },
  Barrier: {
    on: 'barrier',
    async act({ things }) {
      await Promise.all([things['barrier'].wait(PATIENCE), things['barrier'].wait(PATIENCE)]);
    },
    ends: true,
  },
  'Value.update': {
    on: 'value',
    act({ things, point }) {
      things['value'].updateSync((/** @type {number} */ v) => {
        point();
        return v + 1;
      });
    },
  },
  'SharedMemory, created and unlinked': {
    on: 'nothing',
    act({ name }) {
      const made = SharedMemory.create({ name: `${name}.memory`, size: 100_000 });
      const opened = SharedMemory.open(`${name}.memory`);
      opened.buffer[0] = 1;
      opened.unlink();
      opened.close();
      made.close();
    },
  },
};

/** Whether a queue says that it was shut down. @param {unknown} error */
export const isShutDown = (error) => error instanceof ShutDownError;
