// @ts-check
// The processes of a trial, each under a watchdog.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Milliseconds after which a process is taken to hang. */
const WATCHDOG = 60_000;

/** A process that waits for an order; with `addon`, one that can be killed at a point. */
export class Actor {
  #stderr = '';

  /** @param {'victim' | 'bystander'} role @param {string} [addon] */
  constructor(role, addon) {
    this.role = role;
    this.process = fork(fileURLToPath(new URL(`${role}.mjs`, import.meta.url)), [], {
      env: addon === undefined ? process.env : { ...process.env, MULTIPROC_NATIVE_PATH: addon },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
    });
    this.process.stderr?.on('data', (data) => (this.#stderr += data));
    this.ended = once(this.process, 'close');
    /** @type {any} */
    this.last = undefined;
    this.process.on('message', (message) => (this.last = message));
  }

  get pid() {
    return this.process.pid ?? 0;
  }

  /** @param {import('node:child_process').Serializable} order */
  send(order) {
    this.process.send(order);
  }

  /** What it says next. @returns {Promise<any>} */
  async message() {
    const [what] = await this.#within(Promise.race([once(this.process, 'message'), this.ended.then(() => [])]));
    if (what === undefined) throw new Error(`The ${this.role} ended: ${this.#stderr}`);
    return what;
  }

  /** How it ends. @returns {Promise<'killed' | 'survived'>} */
  async end() {
    const [code, signal] = await this.#within(this.ended);
    if (signal === 'SIGKILL') return 'killed';
    if (code !== 0) throw new Error(`The ${this.role} ended with ${code ?? signal}: ${this.#stderr}`);
    return 'survived';
  }

  async kill() {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill('SIGKILL');
    await this.ended;
  }

  /** @template T @param {Promise<T>} promise @returns {Promise<T>} */
  async #within(promise) {
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`The ${this.role} hangs: ${this.#stderr}`)), WATCHDOG);
    });
    try {
      return await Promise.race([promise, /** @type {Promise<never>} */ (late)]);
    } finally {
      clearTimeout(timer);
    }
  }
}
