// @ts-check
/**
 * Starts processes one after the other, and says how long it takes from the call to the first statement of the module that the child runs:
 * an ES module or CommonJS, by this library's Process or by child_process.fork. The child writes the time of its first statement to its standard
 * output.
 */
import { fork } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { nowNs } from '../harness/clock.mjs';
import { printReport } from '../harness/report.mjs';

const STDIO = /** @type {const} */ (['ignore', 'pipe', 'inherit']);

/** @param {string} by @param {URL} module @returns {Promise<() => Promise<{ output: string, code: number | null }>>} */
async function starter(by, module) {
  if (by === 'fork') {
    return async () => {
      const child = fork(fileURLToPath(module), { stdio: [...STDIO, 'ipc'] });
      const end = new Promise((resolve) => child.once('exit', resolve));
      return { output: await text(/** @type {import('node:stream').Readable} */ (child.stdout)), code: await end };
    };
  }
  const { Process } = await import('../harness/multiproc.mjs');
  return async () => {
    const child = new Process({ target: { module: module.href }, stdio: STDIO });
    child.start();
    const output = await text(/** @type {import('node:stream').Readable} */ (child.stdout));
    return { output, code: await child.join() };
  };
}

/** @param {{ by: string, module: string, count: number }} spec */
async function run({ by, module, count }) {
  const start = await starter(by, new URL(module, import.meta.url));
  const times = [];
  const begin = nowNs();
  for (let i = 0; i < count; i++) {
    const before = nowNs();
    const { output, code } = await start();
    const time = Number(output) - before;
    if (code !== 0 || !(time > 0)) throw new Error(`Cannot accept sample: ${code}, ${JSON.stringify(output)}`);
    times.push(time);
  }
  times.sort((a, b) => a - b);
  const median = times[times.length >> 1] ?? NaN;
  printReport({ elapsedNs: nowNs() - begin, count, metrics: { median, least: times[0] ?? NaN } });
}

await run(JSON.parse(process.argv[2] ?? ''));
