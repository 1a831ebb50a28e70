// @ts-check
// Fixtures in processes of their own, for the long forms: each under a watchdog that ends it with a report.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Ended
 * @property {number | null} code
 * @property {NodeJS.Signals | null} signal
 * @property {any} message the last one it sent, or undefined
 * @property {string} stderr
 * @property {string | null} stuck what was seen when the watchdog had to end it
 */

/**
 * Starts `test/fixtures/<fixture>`.
 *
 * @param {string} fixture
 * @param {readonly (string | number)[]} args
 * @param {{ watchdog: number, within?: readonly string[] }} options milliseconds that it may live; a command that starts it
 * @returns {{ child: import('node:child_process').ChildProcess, ended: Promise<Ended> }}
 */
export function start(fixture, args, { watchdog, within = [] }) {
  const file = fileURLToPath(new URL(`../fixtures/${fixture}`, import.meta.url));
  const child = fork(file, args.map(String), {
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    execPath: within[0] ?? process.execPath,
    execArgv: within.length === 0 ? [] : [...within.slice(1), process.execPath],
  });
  return { child, ended: watch(child, watchdog) };
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {number} watchdog
 * @returns {Promise<Ended>}
 */
async function watch(child, watchdog) {
  /** @type {any} */
  let message;
  let stderr = '';
  /** @type {string | null} */
  let stuck = null;
  child.on('message', (received) => (message = received));
  child.stderr?.on('data', (text) => (stderr += text));
  const timer = setTimeout(() => {
    stuck = report(child.pid);
    child.kill('SIGKILL');
  }, watchdog);
  const [code, signal] = await once(child, 'close');
  clearTimeout(timer);
  return { code, signal, message, stderr, stuck };
}

/** @param {number | undefined} pid */
function report(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n');
    const facts = status.filter((line) => /^(State|Threads)/.test(line)).join(', ');
    return `it did not end in time: ${facts}, waits in ${readFileSync(`/proc/${pid}/wchan`, 'utf8')}`;
  } catch (error) {
    return String(error);
  }
}

/**
 * Numbers from 0 to below 1 that follow from the seed (mulberry32).
 *
 * @param {number} seed
 * @returns {() => number}
 */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
