/**
 * AsyncResult: what `applyAsync`, `mapAsync` and `starmapAsync` give.
 */
import { StateError, TimeoutError } from '../../errors.js';
import { Latch } from '../../internal/latch.js';
import { rejected } from '../../internal/wait.js';
import { forEver, parseWait, type WaitOptions } from '../../internal/wait-options.js';

/** What a result needs of its pool. */
export interface ResultSource {
  /** Gives up what the result is made of, with the error that it then has. */
  cancel(reason: unknown): void;
  /** Blocks the thread until `isDone`, for at most `timeout` milliseconds. */
  drive(isDone: () => boolean, timeout: number): void;
}

/**
 * The result of a call that is worked on by a pool. Can be awaited; a failure that nobody looks at disturbs nobody.
 *
 * ```ts
 * const result = pool.applyAsync(fibonacci, [30]);
 * console.log(result.ready(), await result.get({ timeout: 5000 }));
 * ```
 */
export class AsyncResult<T = unknown> implements PromiseLike<T> {
  readonly #settled = new Latch();
  readonly #source: ResultSource;
  #value: T | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** @internal */
  constructor(source: ResultSource) {
    this.#source = source;
  }

  /** @internal */
  resolve(value: T): void {
    if (this.#settled.isOpen) return;
    this.#value = value;
    this.#settled.open();
  }

  /** @internal */
  reject(error: unknown): void {
    if (this.#settled.isOpen) return;
    this.#failure = { error };
    this.#settled.open();
  }

  /**
   * Waits for the value, without blocking the thread. Can be called again, and gives the same.
   *
   * @throws what the task threw, with its stack there as `remoteStack`; WorkerDiedError (ERR_MULTIPROC_WORKER_DIED); TerminatedError
   *   (ERR_MULTIPROC_TERMINATED) when the pool was; TimeoutError (ERR_MULTIPROC_TIMEOUT) when the time was over, which changes nothing;
   *   `signal.reason`, likewise.
   */
  get(options?: WaitOptions | null): Promise<T> {
    try {
      const wait = parseWait(options);
      return this.#settled.wait(wait).then(() => this.#outcome());
    } catch (error) {
      return rejected(error);
    }
  }

  /** As {@link get}, blocking the thread. */
  getSync(options?: WaitOptions | null): T {
    this.waitSync(options);
    return this.#outcome();
  }

  /** Waits until there is a value or an error, without blocking the thread. @returns whether there is. */
  wait(options?: WaitOptions | null): Promise<boolean> {
    try {
      return this.#settled.wait(parseWait(options));
    } catch (error) {
      return rejected(error);
    }
  }

  /** As {@link wait}, blocking the thread. */
  waitSync(options?: WaitOptions | null): boolean {
    this.#source.drive(() => this.#settled.isOpen, parseWait(options).timeout);
    return this.#settled.isOpen;
  }

  /** Is there a value or an error? */
  ready(): boolean {
    return this.#settled.isOpen;
  }

  /** Is there a value? @throws StateError (ERR_MULTIPROC_STATE) while it is not {@link ready}. */
  successful(): boolean {
    if (!this.#settled.isOpen) throw new StateError('Cannot tell whether AsyncResult is successful: it is not ready');
    return this.#failure === undefined;
  }

  /**
   * Gives the call up: what no worker has begun is not begun, and a worker that is working on it is ended and replaced.
   *
   * @param reason the error of `get()` from now on; default: an `AbortError`.
   * @returns false when it was ready before.
   */
  cancel(reason: unknown = new DOMException('The task was cancelled', 'AbortError')): boolean {
    if (this.#settled.isOpen) return false;
    this.#source.cancel(reason);
    this.reject(reason);
    return true;
  }

  /** As that of a promise. */
  then<V = T, R = never>(
    onValue?: ((value: T) => V | PromiseLike<V>) | null,
    onError?: ((error: unknown) => R | PromiseLike<R>) | null,
  ): Promise<V | R> {
    return this.#settled
      .wait(forEver)
      .then(() => this.#outcome())
      .then(onValue, onError);
  }

  #outcome(): T {
    if (!this.#settled.isOpen)
      throw new TimeoutError('Cannot get AsyncResult: it was not ready when the time was over');
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#value as T;
  }
}
