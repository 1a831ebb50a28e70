/**
 * What the synchronisation classes have in common: statistics, and the block forms of those that are acquired.
 */
import { inspect } from 'node:util';
import { argumentTypeError, StateError } from '../errors.js';
import { call, native } from '../internal/native.js';
import { type Attachment, Facade } from '../internal/shared-object.js';
import { type WaitOptions } from '../internal/wait-options.js';
import { type Hold } from './hold.js';

/** Counters of a lock, semaphore, condition, event or barrier, over all processes since it was made. */
export interface SyncStats {
  /**
   * Lock, RLock: acquisitions. Semaphore: permits taken. Condition: waits. Event: sets. Barrier: rounds released.
   */
  readonly acquired: number;
  /** Acquisitions that had to wait. */
  readonly contended: number;
  /** Owners that died while holding it. */
  readonly ownerDeaths: number;
  /** Threads waiting right now. */
  readonly waiters: number;
  /** Process id of the owner as that process sees it, or `null`. */
  readonly ownerPid: number | null;
}

/** Base class of the synchronisation objects. */
export abstract class SyncObject extends Facade {
  readonly #attachment: Attachment;

  constructor(attachment: Attachment) {
    super(attachment);
    this.#attachment = attachment;
  }

  /**
   * Counters, the same from every process. Never waits.
   *
   * @throws ClosedError (ERR_MULTIPROC_CLOSED).
   */
  stats(): SyncStats {
    this.#attachment.assertOpen(`read stats of ${this.constructor.name}`);
    const { acquired, contended, ownerDeaths, waiters, ownerPid } = call(() => native.stats(this.#attachment.ref));
    return { acquired, contended, ownerDeaths, waiters, ownerPid: ownerPid === 0 ? null : ownerPid };
  }
}

const atOnce = { timeout: 0 };

/** Base class of what can be acquired and released. */
export abstract class Acquirable extends SyncObject {
  /** Acquires; see the class. @returns false when the time was over. */
  abstract acquire(options?: WaitOptions | null): Promise<boolean>;
  /** The same, blocking the thread. */
  abstract acquireSync(options?: WaitOptions | null): boolean;

  /** The same, without waiting. @returns false at once when it is not free. @throws as {@link acquireSync}. */
  tryAcquire(): boolean {
    return this.acquireSync(atOnce);
  }

  /** Takes it for the length of a block: `using hold = await x.hold()`. Rejects with TimeoutError when the time is over. */
  abstract hold(options?: WaitOptions | null): Promise<Hold>;
  /** The same, blocking the thread. */
  abstract holdSync(options?: WaitOptions | null): Hold;

  /**
   * Runs `fn` while holding, and releases when it has returned, resolved, thrown or rejected.
   *
   * @returns what `fn` returned or resolved to.
   * @throws as {@link hold} and as `fn`.
   */
  async run<T>(fn: (hold: Hold) => T | PromiseLike<T>, options?: WaitOptions | null): Promise<T> {
    checkCallback(fn, `run ${this.constructor.name}`);
    const hold = await this.hold(options);
    try {
      return await fn(hold);
    } finally {
      hold.release();
    }
  }

  /**
   * The same, blocking the thread while it waits. `fn` must not be asynchronous.
   *
   * @throws as {@link holdSync} and as `fn`; StateError (ERR_MULTIPROC_STATE) when `fn` returned a promise, which would have run on
   *   without protection.
   */
  runSync<T>(fn: (hold: Hold) => T, options?: WaitOptions | null): T {
    checkCallback(fn, `run ${this.constructor.name}`);
    const hold = this.holdSync(options);
    try {
      return refusePromise(fn(hold), 'run an asynchronous function in runSync()', 'run()');
    } finally {
      hold.release();
    }
  }
}

/** Before anything is waited for. @throws TypeError when `fn` is no function. */
export function checkCallback(fn: unknown, action: string): void {
  if (typeof fn !== 'function')
    throw argumentTypeError(`Cannot ${action}: expected a function, received ${inspect(fn, { depth: 0 })}`);
}

/** @throws StateError when `value` is a promise. */
export function refusePromise<T>(value: T, action: string, instead: string): T {
  if (typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function') {
    throw new StateError(`Cannot ${action}: it returned a promise, use ${instead}`);
  }
  return value;
}
