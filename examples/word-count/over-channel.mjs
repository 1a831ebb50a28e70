// @ts-check
// The same job over process.send() with advanced serialization, which carries bytes as they are.

import { on } from 'node:events';
import { Result } from './result.mjs';

/** @typedef {import('./crew.mjs').Crew} Crew */
/** @typedef {import('node:child_process').ChildProcess} ChildProcess */

/**
 * Files on their way to each worker: enough to keep its channel full, so few that a slow worker does not collect files
 * that another could count.
 */
const WINDOW = 8;

/**
 * @param {Crew} crew
 * @param {readonly Buffer[]} texts
 * @param {boolean} counting false: the files are handed out only
 * @param {(readBytes: () => number) => () => void} showProgress
 */
export async function countOverChannel({ workers, signal }, texts, counting, showProgress) {
  const start = performance.now();
  const result = new Result();
  let bytes = 0;
  const hideProgress = showProgress(() => bytes);
  try {
    const left = texts.values();
    await Promise.all(
      workers.map(async (worker) => {
        const report = receiveCounts(worker, signal, result);
        worker.send({ job: 'channel', counting });
        const feed = async () => {
          for (const text of left) {
            await send(worker, text);
            bytes += text.length;
          }
        };
        await Promise.all(Array.from({ length: WINDOW }, feed));
        await send(worker, { job: 'end' });
        result.workers.push(await report);
      }),
    );
    result.messages += texts.length;
    result.seconds = (performance.now() - start) / 1000;
    return result;
  } finally {
    hideProgress();
  }
}

/**
 * Resolves when the channel has taken the message.
 *
 * @param {ChildProcess} worker
 * @param {import('node:child_process').Serializable} message
 */
function send(worker, message) {
  return new Promise((resolve, reject) => {
    worker.send(message, (error) => {
      if (error === null) resolve(undefined);
      else reject(error);
    });
  });
}

/**
 * Merges what the worker counted, up to its totals.
 *
 * @param {ChildProcess} worker
 * @param {AbortSignal} signal
 * @param {Result} result
 * @returns {Promise<import('./result.mjs').Totals>}
 */
async function receiveCounts(worker, signal, result) {
  for await (const [message] of on(worker, 'message', { signal })) {
    if (message.totals !== undefined) return message.totals;
    result.merge(message);
  }
  throw signal.reason;
}
