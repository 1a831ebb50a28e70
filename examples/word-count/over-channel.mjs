// @ts-check
// The same job over process.send() with advanced serialization, which carries bytes as they are.

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
 * @param {(readBytes: () => number) => () => void} showProgress
 */
export async function countOverChannel({ workers, signal }, texts, showProgress) {
  const start = performance.now();
  const result = new Result();
  let bytes = 0;
  const hideProgress = showProgress(() => bytes);
  try {
    const left = texts.values();
    await Promise.all(
      workers.map(async (worker) => {
        const report = receiveCounts(worker, signal, result);
        worker.send({ job: 'channel' });
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
 * @param {ChildProcess} worker
 * @param {AbortSignal} signal
 * @param {Result} result
 * @returns {Promise<import('./result.mjs').Totals>}
 */
function receiveCounts(worker, signal, result) {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    worker.on('message', function receive(/** @type {any} */ message) {
      if (message.totals === undefined) {
        result.merge(message);
      } else {
        worker.off('message', receive);
        resolve(message.totals);
      }
    });
  });
}
