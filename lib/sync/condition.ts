/**
 * Condition: waiting, inside a lock, for somebody to say that something changed.
 */
import { OwnerError } from '../errors.js';
import { now } from '../internal/clock.js';
import { attach, registerKind } from '../internal/handle.js';
import { native, Status } from '../internal/native.js';
import {
  type Attachment,
  attachmentOf,
  checkInteger,
  type Core,
  describe,
  Opened,
  openByName,
  openOrCreate,
} from '../internal/shared-object.js';
import { prepare, unprepare } from '../internal/parking.js';
import { statusError } from '../internal/status-error.js';
import { type Attempt, rejected } from '../internal/wait.js';
import { parseWait, type Wait, type WaitOptions } from '../internal/wait-options.js';
import { type ConditionCore, type ConditionOptions, createCondition, openCondition } from './condition-core.js';
import { type Hold } from './hold.js';
import { type Lock } from './lock.js';
import { MonitorCore, type Suspended } from './monitor.js';
import { type RLock } from './rlock.js';
import { Acquirable, checkCallback, refusePromise } from './sync-object.js';

/** Everybody. */
const ALL = 2 ** 31 - 1;

/**
 * A condition variable with its lock: `wait()` gives the lock up, waits for a notification, and takes the lock back.
 *
 * - **Owner**: `wait`, `notify` and `notifyAll` need the lock; the lock's methods are here too.
 * - **Death**: a waiter that dies is forgotten; `notify` never waits for those it wakes, so no death can block it. The lock behaves as it
 *   does by itself.
 * - **Order**: first come, first notified within a process; between processes in no particular order.
 * - Asynchronous tasks of one thread that each need the lock for themselves should use `run()`, or a condition with a {@link Lock}.
 *
 * ```ts
 * await condition.run(() => condition.waitFor(() => items.value > 0));
 * condition.runSync(() => { items.value += 1; condition.notify(); });
 * ```
 */
export class Condition extends Acquirable {
  readonly #attachment: Attachment<ConditionCore>;
  /** The lock by a facade of this condition's own, once used: what waits for it through this condition ends when this one closes. */
  #ownLock: Lock | RLock | undefined;

  /**
   * Makes a condition.
   *
   * @param source the lock, or options; default: a new RLock.
   * @throws TypeError (ERR_MULTIPROC_ARGUMENT); ExistsError (ERR_MULTIPROC_EXISTS) if the name is taken; NoSpaceError
   *   (ERR_MULTIPROC_NO_SPACE); ClosedError (ERR_MULTIPROC_CLOSED) for a lock that was closed.
   */
  constructor(source?: Lock | RLock | ConditionOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source?: Lock | RLock | ConditionOptions | Opened) {
    const attachment = source instanceof Opened ? openCondition(source.ref) : createCondition(source);
    super(attachment);
    this.#attachment = attachment;
  }

  /** Opens a named condition, with its lock. @throws NotFoundError (ERR_MULTIPROC_NOT_FOUND). */
  static open(name: string): Condition {
    return new Condition(openByName('condition', name));
  }

  /** Opens a named condition, or makes it when there is none. */
  static openOrCreate(name: string, options?: Omit<ConditionOptions, 'name'>): Condition {
    return openOrCreate(
      () => Condition.open(name),
      () => new Condition({ ...options, name }),
    );
  }

  /** Acquires the lock; see the lock's `acquire`. */
  override acquire(options?: WaitOptions | null): Promise<boolean> {
    try {
      return this.#lock.acquire(options);
    } catch (error) {
      return rejected(error);
    }
  }

  /** The same, blocking the thread. */
  override acquireSync(options?: WaitOptions | null): boolean {
    return this.#lock.acquireSync(options);
  }

  /** Releases the lock; see the lock's `release`. */
  release(): void {
    this.#lock.release();
  }

  /** Is the lock held by anybody at this moment? */
  locked(): boolean {
    return this.#lock.locked();
  }

  /** Takes the lock for the length of a block; see the lock's `hold`. */
  override hold(options?: WaitOptions | null): Promise<Hold> {
    try {
      return this.#lock.hold(options);
    } catch (error) {
      return rejected(error);
    }
  }

  /** The same, blocking the thread. */
  override holdSync(options?: WaitOptions | null): Hold {
    return this.#lock.holdSync(options);
  }

  /** Runs `fn` while holding the lock; see the lock's `run`. */
  override async run<T>(fn: (hold: Hold) => T | PromiseLike<T>, options?: WaitOptions | null): Promise<T> {
    return this.#lock.run(fn, options);
  }

  /** The same, blocking the thread while it waits. */
  override runSync<T>(fn: (hold: Hold) => T, options?: WaitOptions | null): T {
    return this.#lock.runSync(fn, options);
  }

  /**
   * Gives the lock up, waits for a notification, and takes the lock back, without blocking the thread.
   *
   * However the wait ends, the lock is held again, at the same depth, when the promise settles; taking it back may last
   * longer than the timeout.
   *
   * @param options how long to wait for the notification; default: for ever.
   * @returns true when notified, false when the time was over.
   * @throws OwnerError (ERR_MULTIPROC_OWNER) when this thread does not hold the lock; ClosedError (ERR_MULTIPROC_CLOSED);
   *   `signal.reason`.
   */
  async wait(options?: WaitOptions | null): Promise<boolean> {
    const wait = parseWait(options);
    const lock = this.#monitor('wait for');
    const { core } = this.#attachment;
    core.retain();
    lock.retain();
    try {
      // Before the lock is given up: who cannot wait for it any more could not take it back.
      prepare(lock.ref);
      try {
        const suspended = this.#begin(lock);
        try {
          return await this.#notified(wait);
        } finally {
          await lock.resume(suspended);
        }
      } finally {
        unprepare(lock.ref);
      }
    } finally {
      lock.release();
      core.release();
    }
  }

  /**
   * The same, blocking the thread.
   *
   * @throws as {@link wait}.
   */
  waitSync(options?: WaitOptions | null): boolean {
    const { timeout } = parseWait(options);
    const lock = this.#monitor('wait for');
    const { core } = this.#attachment;
    const suspended = this.#begin(lock);
    try {
      const status = core.main.waitSync(this.#attempt(), timeout);
      if (status !== Status.Again) return taken(status);
      return native.conditionLeave(core.ref) === 1;
    } finally {
      lock.resumeSync(suspended);
    }
  }

  /**
   * Waits until `predicate` holds: looks at it first, and again, with the lock held, after each notification.
   *
   * @param predicate may be asynchronous.
   * @param options how long to wait in all; default: for ever.
   * @returns the last value of the predicate: true-like, or what it was when the time was over.
   * @throws as {@link wait}, and as `predicate`.
   */
  async waitFor<T>(predicate: () => T | PromiseLike<T>, options?: WaitOptions | null): Promise<T> {
    checkCallback(predicate, 'wait for Condition');
    const { timeout, signal } = parseWait(options);
    const deadline = now() + timeout;
    this.#monitor('wait for');
    for (;;) {
      const value = await predicate();
      const remaining = deadline - now();
      if (value || remaining <= 0) return value;
      await this.wait({ timeout: remaining, signal });
    }
  }

  /**
   * The same, blocking the thread; `predicate` must not be asynchronous.
   *
   * @throws as {@link waitFor}; StateError (ERR_MULTIPROC_STATE) when `predicate` returned a promise.
   */
  waitForSync<T>(predicate: () => T, options?: WaitOptions | null): T {
    checkCallback(predicate, 'wait for Condition');
    const { timeout } = parseWait(options);
    const deadline = now() + timeout;
    this.#monitor('wait for');
    for (;;) {
      const value = refusePromise(predicate(), 'wait for an asynchronous predicate in waitForSync()', 'waitFor()');
      const remaining = deadline - now();
      if (value || remaining <= 0) return value;
      this.waitSync({ timeout: remaining });
    }
  }

  /**
   * Wakes up to `n` of those who wait. They go on when they get the lock. Never waits.
   *
   * @param n an integer from 1; default 1.
   * @throws OwnerError (ERR_MULTIPROC_OWNER) when this thread does not hold the lock; TypeError, RangeError (ERR_MULTIPROC_ARGUMENT);
   *   ClosedError (ERR_MULTIPROC_CLOSED).
   */
  notify(n = 1): void {
    checkInteger(n, 1, ALL, 'n', 'notify Condition');
    this.#monitor('notify');
    const { core, ref } = this.#attachment;
    const status = native.conditionNotify(ref, n);
    if (status < 0) throw statusError(status, 'notify Condition');
    core.main.nudge();
  }

  /** Wakes all who wait. @throws as {@link notify}. */
  notifyAll(): void {
    this.notify(ALL);
  }

  override close(): void {
    super.close();
    this.#ownLock?.close();
  }

  /** @internal */
  override [describe](): string {
    const waiters = native.conditionWaiters(this.#attachment.ref);
    if (waiters < 0) throw statusError(waiters, 'look at Condition');
    return `<Condition(${this.#lock.toString()}, ${waiters})>`;
  }

  /** @throws ClosedError when closed. */
  get #lock(): Lock | RLock {
    this.#attachment.assertOpen('use the lock of Condition');
    return (this.#ownLock ??= attach<Lock | RLock>(this.#attachment.core.lock.handle));
  }

  /** The lock's in-process state. @throws unless this thread holds the lock. */
  #monitor(action: string): MonitorCore {
    this.#attachment.assertOpen(`${action} Condition`);
    const core: Core | undefined = attachmentOf(this.#lock)?.core;
    if (!isMonitor(core) || !core.owned()) {
      throw new OwnerError(`Cannot ${action} Condition: this thread does not hold its lock`);
    }
    return core;
  }

  /** Registers as a waiter, and only then gives up the lock: a notification between the two would be lost. */
  #begin(lock: MonitorCore): Suspended {
    const { ref } = this.#attachment;
    const status = native.conditionEnter(ref);
    if (status < 0) throw statusError(status, 'wait for Condition');
    try {
      return lock.suspend();
    } catch (error) {
      native.conditionLeave(ref);
      throw error;
    }
  }

  #attempt(): Attempt {
    const attachment = this.#attachment;
    return (waitMs) => native.conditionTake(attachment.ref, waitMs);
  }

  async #notified(wait: Wait): Promise<boolean> {
    const { core } = this.#attachment;
    let status: number;
    try {
      status = await core.main.wait(this, wait, this.#attempt(), (ended) => ended);
    } catch (error) {
      // A notification that came all the same must not be lost: then the wait has succeeded.
      if (native.conditionLeave(core.ref) === 1) return true;
      throw error;
    }
    if (status !== Status.Again) return taken(status);
    return native.conditionLeave(core.ref) === 1;
  }
}

function isMonitor(core: Core | undefined): core is MonitorCore {
  return core instanceof MonitorCore;
}

function taken(status: number): true {
  if (status < 0) throw statusError(status, 'wait for Condition');
  return true;
}

registerKind('condition', (opened) => new Condition(opened));
