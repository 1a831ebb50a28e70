// @ts-check
/**
 * One message there and one back, again and again: the conductor asks, a process (or thread) of its own answers. Every
 * round is timed; `pause` milliseconds before each let both sides come to rest first.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

import { nowNs } from './clock.mjs';
import { Source, Tally } from './payload.mjs';
import { printReport } from './report.mjs';

/**
 * @typedef {object} RoundtripSpec
 * @property {'bytes'} kind
 * @property {number} size
 * @property {1} producers
 * @property {1} consumers
 * @property {number} count timed rounds
 * @property {number} warmup rounds before them
 * @property {number} pause milliseconds of rest before each timed round
 * @property {number} batch
 * @property {number} capacity
 * @property {string} style
 * @property {string} scratch
 */

/**
 * @typedef {object} Far what the asking side can reach of the answering one
 * @property {import('node:child_process').ChildProcess | Worker} unit
 * @property {any} ticket
 */

/**
 * @typedef {object} RoundtripContender
 * @property {'process' | 'thread'} unit
 * @property {(spec: RoundtripSpec) => { ticket: any, transfer?: any[], close(): void }} open
 * @property {(spec: RoundtripSpec, far: Far) =>
 *   | { pingSync(message: Buffer): Uint8Array }
 *   | { ping(message: Buffer): Promise<Uint8Array> }
 *   | Promise<{ ping(message: Buffer): Promise<Uint8Array> }>} ask
 * @property {(spec: RoundtripSpec, ticket: any) => (() => void) | Promise<() => void>} answer
 *   connects, and returns what answers `warmup + count` rounds, or starts to
 */

/** @param {RoundtripSpec} spec @param {number[]} times */
function report(spec, times) {
  const elapsedNs = times.reduce((sum, time) => sum + time, 0);
  times.sort((a, b) => a - b);
  /** @param {number} share */
  const quantile = (share) =>
    /** @type {number} */ (times[Math.min(times.length - 1, Math.floor(times.length * share))]);
  printReport({
    elapsedNs,
    count: spec.count,
    metrics: { median: quantile(0.5), p99: quantile(0.99), mean: elapsedNs / times.length },
  });
}

/** @param {RoundtripSpec} spec @param {(message: Buffer) => Uint8Array} pingSync */
function timeSync(spec, pingSync) {
  const source = new Source(spec, 0);
  const tally = new Tally({ ...spec, count: spec.warmup + spec.count });
  const rest = new Int32Array(new SharedArrayBuffer(4));
  const times = [];
  for (let i = -spec.warmup; i < spec.count; i++) {
    if (i >= 0 && spec.pause > 0) Atomics.wait(rest, 0, 0, spec.pause);
    const message = source.nextBytes();
    const start = nowNs();
    const answer = pingSync(message);
    const end = nowNs();
    tally.takeBytes(answer);
    if (i >= 0) times.push(end - start);
  }
  return times;
}

/** @param {RoundtripSpec} spec @param {(message: Buffer) => Promise<Uint8Array>} ping */
async function timeAsync(spec, ping) {
  const source = new Source(spec, 0);
  const tally = new Tally({ ...spec, count: spec.warmup + spec.count });
  const times = [];
  for (let i = -spec.warmup; i < spec.count; i++) {
    if (i >= 0 && spec.pause > 0) await delay(spec.pause);
    const message = source.nextBytes();
    const start = nowNs();
    const answer = await ping(message);
    const end = nowNs();
    tally.takeBytes(answer);
    if (i >= 0) times.push(end - start);
  }
  return times;
}

/** @param {RoundtripContender} contender @param {string} script */
async function conduct(contender, script) {
  /** @type {RoundtripSpec} */
  const spec = JSON.parse(process.argv[2] ?? '');
  const { ticket, transfer, close } = contender.open(spec);
  const benchRole = { spec, ticket };
  const unit =
    contender.unit === 'process'
      ? fork(script, {
          env: { ...process.env, BENCH_ROLE: JSON.stringify(benchRole) },
          serialization: spec.style === 'advanced' ? 'advanced' : 'json',
        })
      : new Worker(script, { workerData: { benchRole }, transferList: transfer ?? [] });
  unit.on('exit', (/** @type {number} */ code) => {
    if (code !== 0) process.exit(1);
  });
  await once(unit, 'message');
  const asking = await contender.ask(spec, { unit, ticket });
  const times = 'pingSync' in asking ? timeSync(spec, asking.pingSync) : await timeAsync(spec, asking.ping);
  report(spec, times);
  close();
  const gone = once(unit, 'exit');
  if (unit instanceof Worker) unit.postMessage('leave');
  else unit.send('leave');
  await gone;
  process.exit(0);
}

/** @param {RoundtripContender} contender @param {{ spec: RoundtripSpec, ticket: any }} role */
async function participate(contender, { spec, ticket }) {
  const port = isMainThread ? process : /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
  port.on('message', (/** @type {any} */ message) => {
    if (message === 'leave') process.exit(0);
  });
  if (isMainThread) process.on('disconnect', () => process.exit(1));
  const run = await contender.answer(spec, ticket);
  if (isMainThread) {
    process.send?.('ready', undefined, undefined, run);
  } else {
    parentPort?.postMessage('ready');
    run();
  }
}

/** The whole main program of a round-trip contender. @param {ImportMeta} meta @param {RoundtripContender} contender */
export async function roundtripContender(meta, contender) {
  /** @type {{ spec: RoundtripSpec, ticket: any } | undefined} */
  const role = isMainThread ? JSON.parse(process.env['BENCH_ROLE'] ?? 'null') : workerData.benchRole;
  if (role) await participate(contender, role);
  else await conduct(contender, fileURLToPath(meta.url));
}
