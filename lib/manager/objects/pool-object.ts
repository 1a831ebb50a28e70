/**
 * A pool in the server.
 */
import { inspect } from 'node:util';
import type { TaskReference } from '../../internal/task-reference.js';
import type { AsyncResult } from '../../processes/pool/async-result.js';
import { Pool } from '../../processes/pool/pool.js';
import type { Call } from '../call.js';
import { orWithdrawn, withdrawalSignal } from '../withdrawal.js';
import type { ServerObject } from './server-object.js';

interface MapSettings {
  readonly chunksize?: number;
}

/** Workers that the server has started. */
export class PoolObject implements ServerObject {
  static readonly exposed = ['apply', 'applyAsync', 'map', 'starmap', 'close', 'terminate', 'join'];
  readonly #pool: Pool;
  #unfinished = 0;

  /** @throws as `new Pool`. */
  constructor(processes?: number) {
    this.#pool = new Pool(processes);
  }

  apply(call: Call, task: TaskReference, args: readonly unknown[]): Promise<unknown> {
    const { timeout } = call;
    const signal = withdrawalSignal(call);
    return this.#pool.apply(task, args, timeout === Infinity ? { signal } : { signal, timeout });
  }

  applyAsync(_call: Call, task: TaskReference, args: readonly unknown[]): AsyncResultObject {
    const result = this.#pool.applyAsync(task, args);
    this.#unfinished += 1;
    const finished = (): void => {
      this.#unfinished -= 1;
    };
    // Whoever asks is told.
    result.get().then(finished, finished);
    return new AsyncResultObject(result);
  }

  map(call: Call, task: TaskReference, items: readonly unknown[], settings: MapSettings): Promise<unknown[]> {
    return this.#pool.map(task, items, { ...settings, signal: withdrawalSignal(call) });
  }

  starmap(
    call: Call,
    task: TaskReference,
    items: readonly (readonly unknown[])[],
    settings: MapSettings,
  ): Promise<unknown[]> {
    return this.#pool.starmap(task, items, { ...settings, signal: withdrawalSignal(call) });
  }

  close(): void {
    this.#pool.close();
  }

  async terminate(): Promise<void> {
    await this.#pool.terminate();
  }

  join(call: Call): Promise<void> {
    return orWithdrawn(
      call,
      this.#pool.join().then(() => undefined),
    );
  }

  /** What was submitted by `applyAsync` is worked off before the workers end: there may be those who wait for the results. */
  async dispose(): Promise<void> {
    if (this.#unfinished > 0) {
      this.#pool.close();
      await this.#pool.join();
    }
    await this.#pool.terminate();
  }

  text(): string {
    return inspect(this.#pool);
  }
}

/** What becomes of one task. */
export class AsyncResultObject implements ServerObject {
  static readonly exposed = ['get', 'wait', 'ready', 'successful'];
  readonly #result: AsyncResult;

  constructor(result: AsyncResult) {
    this.#result = result;
  }

  get(call: Call): Promise<unknown> {
    return this.#result.get({ timeout: call.timeout, signal: withdrawalSignal(call) });
  }

  wait(call: Call): Promise<boolean> {
    return this.#result.wait({ timeout: call.timeout, signal: withdrawalSignal(call) });
  }

  ready(): boolean {
    return this.#result.ready();
  }

  successful(): boolean {
    return this.#result.successful();
  }

  text(): string {
    return inspect(this.#result);
  }
}
