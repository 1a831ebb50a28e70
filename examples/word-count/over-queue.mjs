// @ts-check
// The job over multiproc: every file is a message of one queue, counts come back through a second one, and totals are in
// shared memory.

import { Lock, Queue, SharedArray, Value } from 'multiproc';
import { Result } from './result.mjs';

/** @typedef {import('./crew.mjs').Crew} Crew */
/** @typedef {import('./word-table.mjs').Part} Part */

/** Bytes of files on their way. */
const CAPACITY = 8 * 1024 * 1024;

/**
 * @param {Crew} crew
 * @param {readonly Buffer[]} texts
 * @param {boolean} counting false: the files are handed out only
 * @param {(readBytes: () => number) => () => void} showProgress
 */
export async function countOverQueue({ workers, signal }, texts, counting, showProgress) {
  const start = performance.now();
  const files = new Queue({ codec: 'raw', capacity: CAPACITY });
  /** @type {Queue<Part | null>} */
  const results = new Queue();
  const words = new Value('Q');
  // Files, bytes and words of each worker.
  const work = new SharedArray('d', workers.length * 3);
  const lock = new Lock();
  const shared = { files, results, words, work: work.handle, lock };
  const hideProgress = showProgress(() => workers.reduce((sum, _, row) => sum + (work[row * 3 + 1] ?? 0), 0));
  try {
    for (const [row, worker] of workers.entries()) worker.send({ job: 'queue', counting, row, shared });
    for (const text of texts) await files.put(text, { signal });
    files.shutdown();

    const result = new Result();
    for (let busy = workers.length; busy > 0;) {
      const part = await results.get({ signal });
      if (part === null) busy -= 1;
      else result.merge(part);
    }
    lock.runSync(() => {
      result.workers = workers.map((_, row) => totalsOf(work.slice(row * 3, row * 3 + 3)));
      if (BigInt(result.totals.words) !== words.value) {
        throw new Error(`Cannot count: the workers' words make ${result.totals.words}, the total is ${words.value}`);
      }
    });
    result.messages += texts.length;
    result.seconds = (performance.now() - start) / 1000;
    return result;
  } finally {
    hideProgress();
    for (const object of [files, results, words, work, lock]) object.close();
  }
}

/** @param {Float64Array} row */
function totalsOf([files = 0, bytes = 0, words = 0]) {
  return { files, bytes, words };
}
