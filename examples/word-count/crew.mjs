// @ts-check
// The worker processes, which do the same job over either transport.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */

const WORKER_FILE = fileURLToPath(new URL('worker.mjs', import.meta.url));

export class Crew {
  /** @type {readonly ChildProcess[]} */
  workers;
  /** Aborted, with an error that says why, when a worker ends before it was told to. */
  signal;
  #failure = new AbortController();
  /** @type {Promise<unknown>[]} */
  #exits;
  #ending = false;

  /** @param {number} size */
  constructor(size) {
    this.signal = this.#failure.signal;
    this.workers = Array.from({ length: size }, () => fork(WORKER_FILE, { serialization: 'advanced' }));
    this.#exits = this.workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
    for (const [index, worker] of this.workers.entries()) {
      worker.once('exit', (code, by) => {
        this.#fail(`worker ${index + 1} ended with ${by ?? `exit code ${code}`}`);
      });
      worker.on('error', (error) => {
        this.#fail(`worker ${index + 1} is out of reach: ${error.message}`);
      });
    }
  }

  /** Resolves when all workers have loaded what they need. */
  async ready() {
    await Promise.all(this.workers.map((worker) => once(worker, 'message', { signal: this.signal })));
  }

  /** Lets the workers end the normal way. */
  async end() {
    this.#ending = true;
    for (const worker of this.workers) if (worker.connected) worker.disconnect();
    await Promise.all(this.#exits);
  }

  /** Ends the workers wherever they are; shared memory cannot be damaged by that. */
  async kill() {
    this.#ending = true;
    for (const worker of this.workers) worker.kill('SIGKILL');
    await Promise.all(this.#exits);
  }

  /** @param {string} reason */
  #fail(reason) {
    if (!this.#ending) this.#failure.abort(new Error(`Cannot count: ${reason}`));
  }
}
