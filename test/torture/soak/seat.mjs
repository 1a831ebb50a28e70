// @ts-check
// A place in the soak, and the process that sits there now.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Row, read } from './ledger.mjs';

const file = fileURLToPath(new URL('actor.mjs', import.meta.url));
/** Fewer threads to start and end: an actor has little to compile and to collect. */
const flags = ['--v8-pool-size=0'];

export class Seat {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  child;
  pid = 0;
  incarnation = 0;
  /** Sent SIGKILL. */
  dying = false;
  stopped = false;
  stderr = '';
  /** What the watchdog last saw. */
  seen = { beats: -1, at: 0, queued: 0, stoppedMs: 0 };

  /** @param {number} index @param {{ role: 'producer' | 'consumer' | 'locker', queue: number }} plan @param {Int32Array} row */
  constructor(index, { role, queue }, row) {
    this.index = index;
    this.role = role;
    this.queue = queue;
    this.row = row;
  }

  get occupied() {
    return this.child !== undefined;
  }

  /** Whether the process has attached everything and begun to work. */
  get working() {
    return this.occupied && read(this.row, Row.incarnation) === this.incarnation;
  }

  /** @param {number} incarnation @param {number} seed @param {object} shared @param {(code: number | null, signal: string | null) => void} ended */
  start(incarnation, seed, shared, ended) {
    const { role, queue, index: seat } = this;
    this.row.fill(0);
    Object.assign(this, { incarnation, dying: false, stopped: false, stderr: '' });
    this.seen = { beats: -1, at: 0, queued: 0, stoppedMs: 0 };
    const configuration = JSON.stringify({ role, queue, seat, incarnation, seed, ...shared });
    const child = spawn(process.execPath, [...flags, file, configuration], { stdio: ['ignore', 'ignore', 'pipe'] });
    if (child.pid === undefined) throw new Error('Cannot start an actor');
    this.child = child;
    this.pid = child.pid;
    child.stderr.on('data', (data) => (this.stderr += data));
    child.once('close', (code, signal) => {
      this.child = undefined;
      ended(code, signal);
    });
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    this.child?.kill(signal);
  }

  /** Milliseconds for which its main thread was ready to run and got no processor. */
  queuedMs() {
    return Number(this.about('schedstat').split(' ')[1] ?? 0) / 1e6;
  }

  /** What the kernel says. @param {string} what */
  about(what) {
    try {
      return readFileSync(`/proc/${this.pid}/${what}`, 'utf8').trim();
    } catch {
      return '';
    }
  }

  toString() {
    const state = /^State:\s*(.*)$/m.exec(this.about('status'))?.[1] ?? 'no process';
    return `seat ${this.index} ${this.role} ${this.queue}: ${this.incarnation} pid ${this.pid} ${state}, waits in ${this.about('wchan')}, row ${this.row.join(' ')}`;
  }
}
