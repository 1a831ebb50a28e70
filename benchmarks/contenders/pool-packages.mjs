// @ts-check
/** Pools: those that npm has. None has a map, so a call for each item, as their users write it; or, by hand, one for each of eight parts. */
import { fileURLToPath } from 'node:url';

import { conductPool } from '../harness/pool.mjs';
import { WORKERS } from './pool-work.mjs';

/** Calls under way at a time where the question is how many pass. */
const WINDOW = 128;
const PARTS_PER_WORKER = 4;

const filename = fileURLToPath(new URL('./pool-work.mjs', import.meta.url));

/** @typedef {(name: string, argument: unknown) => PromiseLike<any>} Call */

/** @type {Record<string, () => Promise<{ call: Call, end: () => PromiseLike<unknown> }>>} */
const makers = {
  async piscina() {
    const { Piscina } = await import('piscina');
    const pool = new Piscina({ filename, minThreads: WORKERS, maxThreads: WORKERS });
    return { call: (name, argument) => pool.run(argument, { name }), end: () => pool.destroy() };
  },
  async 'tinypool-threads'() {
    return tinypool('worker_threads');
  },
  async 'tinypool-processes'() {
    return tinypool('child_process');
  },
  async 'workerpool-processes'() {
    const workerpool = await import('workerpool');
    const script = fileURLToPath(new URL('./pool-workerpool-worker.mjs', import.meta.url));
    const pool = workerpool.default.pool(script, { workerType: 'process', minWorkers: WORKERS, maxWorkers: WORKERS });
    return {
      call: async (name, argument) => pool.exec(name, [argument]),
      end: async () => pool.terminate(true),
    };
  },
};

/** @param {'worker_threads' | 'child_process'} runtime */
async function tinypool(runtime) {
  const { Tinypool } = await import('tinypool');
  const pool = new Tinypool({ filename, runtime, minThreads: WORKERS, maxThreads: WORKERS });
  return {
    /** @type {Call} */ call: (name, argument) => pool.run(argument, { name }),
    end: () => pool.destroy(),
  };
}

/** @param {Call} call @param {number[]} items */
async function* windowed(call, items) {
  /** @type {unknown[]} */
  const done = [];
  let failure;
  let next = 0;
  let given = 0;
  let wake = () => {};
  const submit = () => {
    call('square', items[next++]).then(
      (value) => {
        done.push(value);
        if (next < items.length) submit();
        wake();
      },
      (error) => {
        failure = error;
        wake();
      },
    );
  };
  while (next < Math.min(WINDOW, items.length)) submit();
  while (given < items.length) {
    if (failure !== undefined) throw failure;
    if (done.length === 0) await new Promise((resolve) => (wake = () => resolve(undefined)));
    for (const value of done.splice(0)) {
      given += 1;
      yield value;
    }
  }
}

const { pool: name, byHand } = JSON.parse(process.argv[2] ?? '');
const { call, end } = await /** @type {NonNullable<typeof makers[string]>} */ (makers[name])();

/** @param {number[]} items */
async function inParts(items) {
  const size = Math.ceil(items.length / (PARTS_PER_WORKER * WORKERS));
  const parts = [];
  for (let at = 0; at < items.length; at += size) parts.push(call('squares', items.slice(at, at + size)));
  return (await Promise.all(parts)).flat();
}

await conductPool({
  map: byHand ? inParts : (items) => Promise.all(items.map((item) => call('square', item))),
  tiny: (items) => windowed(call, items),
  echo: (value) => call('echo', value),
  end,
});
