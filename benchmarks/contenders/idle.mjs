// @ts-check
/**
 * A process that waits for a message: by this library's `await get()` or `getSync()`, or for `process.send`. Its parent
 * reads the CPU time of all its threads from /proc before and after, so that the figure holds nothing but the wait.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { nowNs } from '../harness/clock.mjs';
import { printReport } from '../harness/report.mjs';

const MESSAGE = Buffer.from('wake up');

/** @param {number | undefined} pid */
function cpuNs(pid) {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks)
    .map((task) => Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ', 1)[0]))
    .reduce((sum, time) => sum + time, 0);
}

/** @param {{ style: string, count: number, settle: number }} spec */
async function conduct(spec) {
  const queue = spec.style === 'process.send' ? null : await makeQueue();
  const child = fork(fileURLToPath(import.meta.url), {
    env: { ...process.env, BENCH_ROLE: JSON.stringify({ style: spec.style, handle: queue?.handle }) },
  });
  await once(child, 'message');
  // Long enough for the end of start-up: compilation threads, garbage collection, the polling after the last activity.
  await delay(spec.settle);
  const start = nowNs();
  const before = cpuNs(child.pid);
  await delay(spec.count);
  const used = cpuNs(child.pid) - before;
  const elapsedNs = nowNs() - start;
  const exit = once(child, 'exit');
  if (queue === null) child.send('wake up');
  else queue.putSync(MESSAGE);
  const [code] = await exit;
  queue?.close();
  if (code !== 0) throw new Error(`Cannot accept sample: the waiting process ended with ${code}`);
  printReport({ elapsedNs, count: spec.count, metrics: { cpu: (100 * used) / elapsedNs } });
}

async function makeQueue() {
  const { Queue } = await import('../harness/multiproc.mjs');
  return new Queue({ codec: 'raw' });
}

/** @param {{ style: string, handle: string }} role */
async function wait({ style, handle }) {
  /** @param {Uint8Array | string} message */
  const leave = (message) => process.exit(Buffer.from(message).equals(MESSAGE) ? 0 : 1);
  if (style === 'process.send') {
    process.once('message', (message) => leave(/** @type {string} */ (message)));
    process.send?.('ready');
    return;
  }
  const { attach } = await import('../harness/multiproc.mjs');
  const queue = /** @type {import('../../dist/index.js').Queue<any>} */ (attach(handle));
  if (style === 'sync') {
    process.send?.('ready', undefined, undefined, () => leave(queue.getSync()));
  } else {
    const message = queue.get();
    process.send?.('ready');
    leave(await message);
  }
}

const role = JSON.parse(process.env['BENCH_ROLE'] ?? 'null');
if (role) await wait(role);
else await conduct(JSON.parse(process.argv[2] ?? ''));
