/**
 * Pool: worker processes that tasks are given to.
 */
import { inspect } from 'node:util';
import { NotTransferableError, StateError } from '../../errors.js';
import { registerClass } from '../../internal/codec/registered-classes.js';
import type { TaskReference } from '../../internal/task-reference.js';
import { AsyncResult } from './async-result.js';
import type { ApplyOptions, ImapOptions, MapOptions } from './call-options.js';
import { ImapIterator } from './imap-iterator.js';
import type { MapCall } from './map-call.js';
import { Mode } from './job-message.js';
import { PoolCore, type PoolTask } from './pool-core.js';
import { parsePoolOptions, type PoolOptions } from './pool-options.js';
import type { PoolStats } from './pool-stats.js';
import type { SingleCall, Sink } from './single-call.js';

/**
 * Worker processes that tasks are given to.
 *
 * ```ts
 * const square = task(import.meta, function square(x: number) { return x * x; });
 * if (isMainProcess) {
 *   await using pool = new Pool(4);
 *   console.log(await pool.map(square, [1, 2, 3])); // [1, 4, 9]
 * }
 * ```
 *
 * Tasks go to whichever worker is free. What they are called with and what they give is copied, shared objects stay shared. A task that
 * throws fails with that error, with its stack there as `remoteStack`; a worker that dies, or ends itself, fails the job that it was working on, with
 * WorkerDiedError, and is replaced; nothing else is disturbed. Several tasks go to a worker as one job in `map` and its relatives: such a
 * chunk is done by one worker, and fails as a whole when that dies.
 *
 * Workers are daemons: they end with this process, however that ends, and a pool that nobody closed does not keep the program from
 * ending. One that is forgotten is closed. `await using` terminates the pool, as `with` does in Python.
 */
export class Pool {
  readonly #core: PoolCore;

  /**
   * Starts the workers; does not wait until they are ready.
   *
   * @param options how many workers, or more options.
   * @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT); NotTransferableError (ERR_MULTIPROC_NOT_TRANSFERABLE) for an initializer without an
   *   address or arguments that cannot travel; NoSpaceError; otherwise as `Process.start`. No process is left then.
   */
  constructor(options?: number | PoolOptions | null) {
    this.#core = new PoolCore(parsePoolOptions(options));
    forgotten.register(this, this.#core);
  }

  /**
   * Calls a task and waits for its value, without blocking the thread.
   *
   * @param args what it is called with. Copied now.
   * @throws what the task throws; NotTransferableError (ERR_MULTIPROC_NOT_TRANSFERABLE) for a function without an address, an argument or a value that
   *   cannot travel; WorkerDiedError (ERR_MULTIPROC_WORKER_DIED); TimeoutError (ERR_MULTIPROC_TIMEOUT) when the task took too long;
   *   `signal.reason`; TerminatedError (ERR_MULTIPROC_TERMINATED); StateError (ERR_MULTIPROC_STATE) when the pool was closed before; TypeError, RangeError
   *   (ERR_MULTIPROC_ARGUMENT).
   */
  apply<A extends readonly unknown[], R>(
    task: (...args: [...A]) => R,
    args?: NoInfer<A>,
    options?: ApplyOptions<Awaited<R>> & { readonly kwargs?: null | undefined },
  ): Promise<Awaited<R>>;
  apply<R>(
    task: (...args: never[]) => R,
    args: readonly unknown[],
    options: ApplyOptions<Awaited<R>> & { readonly kwargs: object },
  ): Promise<Awaited<R>>;
  apply<R = unknown>(task: TaskReference, args?: readonly unknown[], options?: ApplyOptions<R>): Promise<R>;
  apply(task: PoolTask, args?: readonly unknown[], options?: ApplyOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#core.apply('apply', task, args, options, { resolve, reject });
    });
  }

  /** As {@link apply}, blocking the thread. */
  applySync<A extends readonly unknown[], R>(
    task: (...args: [...A]) => R,
    args?: NoInfer<A>,
    options?: ApplyOptions<Awaited<R>> & { readonly kwargs?: null | undefined },
  ): Awaited<R>;
  applySync<R>(
    task: (...args: never[]) => R,
    args: readonly unknown[],
    options: ApplyOptions<Awaited<R>> & { readonly kwargs: object },
  ): Awaited<R>;
  applySync<R = unknown>(task: TaskReference, args?: readonly unknown[], options?: ApplyOptions<R>): R;
  applySync(task: PoolTask, args?: readonly unknown[], options?: ApplyOptions): unknown {
    return this.applyAsync(task as TaskReference, args, options).getSync();
  }

  /**
   * As {@link apply}, and gives an object that can be asked how far it is. Errors of the call itself are thrown by it, what becomes of the task later is
   * the object's.
   */
  applyAsync<A extends readonly unknown[], R>(
    task: (...args: [...A]) => R,
    args?: NoInfer<A>,
    options?: ApplyOptions<Awaited<R>> & { readonly kwargs?: null | undefined },
  ): AsyncResult<Awaited<R>>;
  applyAsync<R>(
    task: (...args: never[]) => R,
    args: readonly unknown[],
    options: ApplyOptions<Awaited<R>> & { readonly kwargs: object },
  ): AsyncResult<Awaited<R>>;
  applyAsync<R = unknown>(task: TaskReference, args?: readonly unknown[], options?: ApplyOptions<R>): AsyncResult<R>;
  applyAsync(task: PoolTask, args?: readonly unknown[], options?: ApplyOptions): AsyncResult {
    return this.#asyncResult((result) => this.#core.apply('apply', task, args, options, result));
  }

  /**
   * Calls a task with each item of a list, in chunks, and waits for all values, which come in the order of the items.
   *
   * @param items any iterable; read, and copied, now. Use `imap` for what is long, or gives promises.
   * @throws as {@link apply}; when tasks fail, what failed first, but only after all others are done.
   */
  map<I, R>(task: (item: I) => R, items: Iterable<NoInfer<I>>, options?: MapOptions<Awaited<R>>): Promise<Awaited<R>[]>;
  map<R = unknown>(task: TaskReference, items: Iterable<unknown>, options?: MapOptions<R>): Promise<R[]>;
  map(task: PoolTask, items: Iterable<unknown>, options?: MapOptions): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      this.#core.map('map', Mode.map, task, items, options, { resolve, reject });
    });
  }

  /** As {@link map}, blocking the thread. */
  mapSync<I, R>(task: (item: I) => R, items: Iterable<NoInfer<I>>, options?: MapOptions<Awaited<R>>): Awaited<R>[];
  mapSync<R = unknown>(task: TaskReference, items: Iterable<unknown>, options?: MapOptions<R>): R[];
  mapSync(task: PoolTask, items: Iterable<unknown>, options?: MapOptions): unknown[] {
    return this.mapAsync(task as TaskReference, items, options).getSync();
  }

  /** As {@link map}, and gives an object that can be asked how far it is. */
  mapAsync<I, R>(
    task: (item: I) => R,
    items: Iterable<NoInfer<I>>,
    options?: MapOptions<Awaited<R>>,
  ): AsyncResult<Awaited<R>[]>;
  mapAsync<R = unknown>(task: TaskReference, items: Iterable<unknown>, options?: MapOptions<R>): AsyncResult<R[]>;
  mapAsync(task: PoolTask, items: Iterable<unknown>, options?: MapOptions): AsyncResult<unknown[]> {
    return this.#asyncResult((result: Sink<unknown[]>) =>
      this.#core.map('map', Mode.map, task, items, options, result),
    );
  }

  /** As {@link map}, where each item is the list of the arguments of one call. */
  starmap<A extends readonly unknown[], R>(
    task: (...args: [...A]) => R,
    items: Iterable<NoInfer<A>>,
    options?: MapOptions<Awaited<R>>,
  ): Promise<Awaited<R>[]>;
  starmap<R = unknown>(task: TaskReference, items: Iterable<readonly unknown[]>, options?: MapOptions<R>): Promise<R[]>;
  starmap(task: PoolTask, items: Iterable<readonly unknown[]>, options?: MapOptions): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      this.#core.map('starmap', Mode.starmap, task, items, options, { resolve, reject });
    });
  }

  /** As {@link starmap}, blocking the thread. */
  starmapSync<A extends readonly unknown[], R>(
    task: (...args: [...A]) => R,
    items: Iterable<NoInfer<A>>,
    options?: MapOptions<Awaited<R>>,
  ): Awaited<R>[];
  starmapSync<R = unknown>(task: TaskReference, items: Iterable<readonly unknown[]>, options?: MapOptions<R>): R[];
  starmapSync(task: PoolTask, items: Iterable<readonly unknown[]>, options?: MapOptions): unknown[] {
    return this.starmapAsync(task as TaskReference, items, options).getSync();
  }

  /** As {@link starmap}, and gives an object that can be asked how far it is. */
  starmapAsync<A extends readonly unknown[], R>(
    task: (...args: [...A]) => R,
    items: Iterable<NoInfer<A>>,
    options?: MapOptions<Awaited<R>>,
  ): AsyncResult<Awaited<R>[]>;
  starmapAsync<R = unknown>(
    task: TaskReference,
    items: Iterable<readonly unknown[]>,
    options?: MapOptions<R>,
  ): AsyncResult<R[]>;
  starmapAsync(task: PoolTask, items: Iterable<readonly unknown[]>, options?: MapOptions): AsyncResult<unknown[]> {
    return this.#asyncResult((result: Sink<unknown[]>) =>
      this.#core.map('starmap', Mode.starmap, task, items, options, result),
    );
  }

  /**
   * Calls a task with each item of a list, of any length, and gives the values one by one, in the order of the items. The input is read only so far as
   * `bufferSize` says.
   *
   * @param items any iterable or asynchronous iterable.
   * @throws StateError, TypeError, RangeError. An item that cannot travel, a task that throws, a worker that dies: `next()` throws in their place, and goes
   *   on; likewise for what the input itself throws, which is the end of it.
   */
  imap<I, R>(
    task: (item: I) => R,
    items: Iterable<NoInfer<I>> | AsyncIterable<NoInfer<I>>,
    options?: ImapOptions,
  ): ImapIterator<Awaited<R>>;
  imap<R = unknown>(
    task: TaskReference,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options?: ImapOptions,
  ): ImapIterator<R>;
  imap(task: PoolTask, items: Iterable<unknown> | AsyncIterable<unknown>, options?: ImapOptions): ImapIterator {
    return new ImapIterator(this.#core.imap('imap', true, task, items, options));
  }

  /** As {@link imap}; the values come as they are there. */
  imapUnordered<I, R>(
    task: (item: I) => R,
    items: Iterable<NoInfer<I>> | AsyncIterable<NoInfer<I>>,
    options?: ImapOptions,
  ): ImapIterator<Awaited<R>>;
  imapUnordered<R = unknown>(
    task: TaskReference,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options?: ImapOptions,
  ): ImapIterator<R>;
  imapUnordered(
    task: PoolTask,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options?: ImapOptions,
  ): ImapIterator {
    return new ImapIterator(this.#core.imap('imapUnordered', false, task, items, options));
  }

  /** No more calls: the workers end when what was called is done. Does nothing when called again. */
  close(): void {
    this.#core.close();
  }

  /**
   * Ends the workers, whatever they are doing: with SIGTERM, and after a second with SIGKILL. What is pending fails with TerminatedError now.
   *
   * @returns a promise that resolves when they have ended.
   */
  terminate(): Promise<void> {
    return this.#core.terminate();
  }

  /**
   * Waits until all workers have ended, without blocking the thread.
   *
   * @throws StateError (ERR_MULTIPROC_STATE) unless the pool was closed or terminated before.
   */
  join(): Promise<void> {
    return this.#core.join();
  }

  /** As {@link join}, blocking the thread. */
  joinSync(): void {
    this.#core.joinSync();
  }

  /** {@link close} and {@link join} in one. */
  closeAndJoin(): Promise<void> {
    this.close();
    return this.join();
  }

  /** As {@link terminate}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate();
  }

  /** What the pool has done and holds now. */
  stats(): PoolStats {
    return this.#core.stats();
  }

  /** Such as `<Pool processes=4 running>`. */
  toString(): string {
    return `<Pool processes=${this.#core.processes} ${this.#core.state}>`;
  }

  /** @internal */
  [inspect.custom](): string {
    return this.toString();
  }

  static {
    registerClass('multiproc.Pool', Pool, {
      toData() {
        throw new NotTransferableError('Cannot send a value: a Pool, which only its own process can use', { path: '' });
      },
      fromData() {
        throw new StateError('Cannot receive a Pool');
      },
    });
  }

  #asyncResult<T>(begin: (result: AsyncResult<T>) => SingleCall | MapCall | undefined): AsyncResult<T> {
    let call: SingleCall | MapCall | undefined = undefined;
    const result: AsyncResult<T> = new AsyncResult<T>({
      cancel: () => {
        call?.cancel();
      },
      drive: (isDone, timeout) => {
        this.#core.drive(isDone, timeout);
      },
    });
    call = begin(result);
    return result;
  }
}

/** Nobody can make calls any more: what was called is done, then the workers end. */
const forgotten = new FinalizationRegistry<PoolCore>((core) => {
  core.forget();
});
