/**
 * A clock that stands still while the whole machine does: a virtual machine is not always run by its host, and then
 * nothing that a test gave some seconds goes on.
 */
import { Worker } from 'node:worker_threads';

/** Milliseconds between two ticks, and what the clock goes on by for each at most. */
const TICK = 5;
const MOST_AHEAD = 20;

/** Milliseconds counted up to the last tick, and when that was. */
const page = new Float64Array(new SharedArrayBuffer(2 * Float64Array.BYTES_PER_ELEMENT));
page[1] = performance.timeOrigin + performance.now();

const ticker = `
  const { workerData: page } = require('node:worker_threads');
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    Atomics.wait(never, 0, 0, ${TICK});
    const now = performance.timeOrigin + performance.now();
    page[0] += Math.min(now - page[1], ${MOST_AHEAD});
    page[1] = now;
  }`;
new Worker(ticker, { eval: true, workerData: page, execArgv: [], stdout: true, stderr: true }).unref();

/** Milliseconds, from any start, without the times in which not even another thread of this process ran. */
export function machineNow(): number {
  const [counted = 0, last = 0] = page;
  const ahead = performance.timeOrigin + performance.now() - last;
  return counted + Math.min(Math.max(ahead, 0), MOST_AHEAD);
}
