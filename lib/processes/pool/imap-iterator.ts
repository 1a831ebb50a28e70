/**
 * ImapIterator: the values of a task for items that are read as the values are taken.
 */
import type { WaitOptions } from '../../internal/wait-options.js';
import type { ImapRun } from './imap-run.js';

/**
 * What `imap` and `imapUnordered` give: an asynchronous iterator. An item that failed throws in its place, and further calls of `next()`
 * give the others; in a `for await` it ends the loop.
 *
 * ```ts
 * for await (const page of pool.imapUnordered(fetchPage, addresses)) console.log(page.length);
 * ```
 *
 * @typeParam T what the task gives.
 */
export class ImapIterator<T = unknown> implements AsyncIterableIterator<T, undefined, WaitOptions | null | undefined> {
  readonly #run: ImapRun<T>;

  /** @internal */
  constructor(run: ImapRun<T>) {
    this.#run = run;
    forgotten.register(this, run);
  }

  /**
   * The next value.
   *
   * @throws what the task threw for its item; WorkerDiedError (ERR_MULTIPROC_WORKER_DIED); TerminatedError (ERR_MULTIPROC_TERMINATED); TimeoutError
   *   (ERR_MULTIPROC_TIMEOUT) when the time was over: the value is not lost, the next call gives it; `signal.reason`, likewise.
   */
  next(options?: WaitOptions | null): Promise<IteratorResult<T, undefined>> {
    return this.#run.next(options, this);
  }

  /** Reads no further input, and gives up what was not begun. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.#run.stop();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** Nobody will read what is still to come. */
const forgotten = new FinalizationRegistry<{ stop(): void }>((run) => {
  run.stop();
});
