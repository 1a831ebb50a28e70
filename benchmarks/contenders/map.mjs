// @ts-check
/**
 * A map that two processes use at once: this library's, an lmdb database, or a Map in a third process behind process.send.
 * Each does one operation at a time; values are small objects.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { nowNs } from '../harness/clock.mjs';
import { printReport } from '../harness/report.mjs';

const USERS = 2;
const KEYS = 1000;
/** Long enough for the optimising compiler. */
const WARM_UP_NS = 300e6;

/**
 * @typedef {{ id: number, name: string, visits: number }} Item
 * @typedef {{ operation: 'get' | 'set' | 'update', style: 'shared' | 'lmdb' | 'send', count: number, scratch: string }} Spec
 * @typedef {object} Store
 * @property {(key: string) => Item | undefined | Promise<Item | undefined>} get
 * @property {(key: string, item: Item) => void | Promise<void>} set
 * @property {(key: string) => void | Promise<void>} visit one visit more, atomically
 */

const keys = Array.from({ length: KEYS }, (_, id) => `item:${id}`);
const keyOf = (/** @type {number} */ i) => /** @type {string} */ (keys[i % KEYS]);
const itemOf = (/** @type {number} */ id) => ({ id, name: `the name of item ${id}`, visits: 0 });
const visited = (/** @type {Item | undefined} */ item) => ({
  .../** @type {Item} */ (item),
  visits: (item?.visits ?? 0) + 1,
});

/** Opens the store that the conductor has made. @type {Record<string, (ticket: string) => Promise<Store>>} */
const stores = {
  async shared(handle) {
    const { attach } = await import('../harness/multiproc.mjs');
    const map = /** @type {import('../harness/multiproc.mjs').SharedMap<Item>} */ (attach(handle));
    return {
      get: (key) => map.get(key),
      set: (key, item) => void map.set(key, item),
      visit: (key) => void map.update(key, visited),
    };
  },

  async lmdb(path) {
    const database = await openDatabase(path);
    return {
      get: (key) => database.get(key),
      set: (key, item) => void database.putSync(key, item),
      visit: (key) => database.transactionSync(() => void database.putSync(key, visited(database.get(key)))),
    };
  },

  async send() {
    /** @type {((answer: any) => void)[]} */
    const waiting = [];
    process.on('message', (answer) => waiting.shift()?.(answer));
    /** @param {any[]} request @returns {Promise<any>} */
    const ask = (...request) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        process.send?.(request);
      });
    return {
      get: async (key) => (await ask('get', key))?.item,
      set: (key, item) => ask('set', key, item),
      visit: (key) => ask('visit', key),
    };
  },
};

/** Without waiting for the disk, as shared memory does not either. @param {string} path */
async function openDatabase(path) {
  const { open } = await import('lmdb');
  return open({ path, noSync: true });
}

/** What answers the users of a Map in this process. */
function serve() {
  /** @type {Map<string, Item>} */
  const map = new Map();
  return {
    map,
    /** @param {[string, string, Item]} request */
    answer([what, key, item]) {
      if (what === 'get') return { item: map.get(key) };
      map.set(key, what === 'set' ? item : visited(map.get(key)));
      return {};
    },
  };
}

/** @param {Spec} spec */
async function conduct(spec) {
  const server = serve();
  let ticket = join(spec.scratch, 'map');
  /** @type {{ fill(): void, visits(): number, close(): unknown }} */
  let made;
  const total = (/** @type {Iterable<Item>} */ items) => [...items].reduce((sum, { visits }) => sum + visits, 0);
  if (spec.style === 'shared') {
    const { SharedMap } = await import('../harness/multiproc.mjs');
    const map = /** @type {import('../harness/multiproc.mjs').SharedMap<Item>} */ (
      new SharedMap({ capacity: KEYS, bytes: KEYS * 200 })
    );
    ticket = map.handle;
    made = {
      fill: () => keys.forEach((key, id) => map.set(key, itemOf(id))),
      visits: () => total(map.values()),
      close: () => map.close(),
    };
  } else if (spec.style === 'lmdb') {
    const database = await openDatabase(ticket);
    made = {
      fill: () => keys.forEach((key, id) => database.putSync(key, itemOf(id))),
      visits: () => total(keys.map((key) => database.get(key))),
      close: () => database.close(),
    };
  } else {
    made = {
      fill: () => keys.forEach((key, id) => server.map.set(key, itemOf(id))),
      visits: () => total(server.map.values()),
      close: () => {},
    };
  }
  made.fill();
  /** @type {number[]} */
  const elapsed = [];
  let ready = 0;
  const users = Array.from({ length: USERS }, () => {
    const user = fork(new URL(import.meta.url), {
      env: { ...process.env, BENCH_ROLE: JSON.stringify({ spec, ticket }) },
    });
    user.on('exit', (code) => {
      if (code !== 0) process.exit(1);
    });
    user.on('message', (message) => {
      if (message === 'ready') ready += 1;
      else if (typeof message === 'number') elapsed.push(message);
      else user.send(server.answer(/** @type {any} */ (message)));
      if (message === 'ready' || typeof message === 'number') user.emit('progress');
    });
    return user;
  });
  const progress = () => Promise.race(users.map((user) => once(user, 'progress')));
  // Not before all are warm does anybody's clock run.
  while (ready < USERS) await progress();
  const visitsBefore = made.visits();
  for (const user of users) user.send('go');
  while (elapsed.length < USERS) await progress();
  const visits = made.visits() - visitsBefore;
  const wanted = spec.operation === 'update' ? USERS * spec.count : 0;
  if (spec.operation !== 'set' && visits !== wanted)
    throw new Error(`Cannot accept sample: ${visits} visits, not ${wanted}`);
  const gone = users.map((user) => once(user, 'exit'));
  for (const user of users) user.disconnect();
  await Promise.all(gone);
  await made.close();
  const mean = elapsed.reduce((sum, one) => sum + one, 0) / USERS;
  printReport({ elapsedNs: Math.max(...elapsed), count: spec.count, metrics: { perOperation: mean / spec.count } });
}

/** @param {{ spec: Spec, ticket: string }} role */
async function participate({ spec, ticket }) {
  const store = await /** @type {any} */ (stores[spec.style])(ticket);
  const asynchronous = spec.style === 'send';
  const operations = {
    /** @param {number} i */
    get: (i) => store.get(keyOf(i)),
    /** @param {number} i */
    set: (i) => store.set(keyOf(i), itemOf(i % KEYS)),
    /** @param {number} i */
    update: (i) => store.visit(keyOf(i)),
  };
  const operate = operations[spec.operation];
  /** @param {number} count */
  const timed = async (count) => {
    const start = nowNs();
    let last;
    // Keys in an order that is not that of the memory.
    if (asynchronous) for (let i = 0; i < count; i++) last = await operate(i * 7919);
    else for (let i = 0; i < count; i++) last = operate(i * 7919);
    const elapsed = nowNs() - start;
    if (spec.operation === 'get' && last?.id !== ((count - 1) * 7919) % KEYS)
      throw new Error('Cannot accept sample: wrong value');
    return elapsed;
  };
  for (let warm = 0; warm < WARM_UP_NS;) warm += await timed(2000);
  process.on('disconnect', () => process.exit(0));
  const go = new Promise((resolve) => {
    const listen = (/** @type {unknown} */ message) => {
      if (message !== 'go') return;
      process.off('message', listen);
      resolve(undefined);
    };
    process.on('message', listen);
  });
  process.send?.('ready');
  await go;
  process.send?.(await timed(spec.count));
}

const role = JSON.parse(process.env['BENCH_ROLE'] ?? 'null');
if (role) await participate(role);
else await conduct(JSON.parse(process.argv[2] ?? ''));
