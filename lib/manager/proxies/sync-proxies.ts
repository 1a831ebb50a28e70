/**
 * Proxies of what processes synchronise with.
 */
import { TimeoutError } from '../../errors.js';
import { now } from '../../internal/clock.js';
import { parseWait, type WaitOptions } from '../../internal/wait-options.js';
import type {
  ManagedBarrier,
  ManagedCondition,
  ManagedEvent,
  ManagedHold,
  ManagedLock,
  ManagedSemaphore,
} from '../interfaces.js';
import type { Acquired } from '../objects/lock-object.js';
import { BaseProxy } from './proxy.js';
import { registerProxy } from './revive.js';

/** A lock that is held. */
class HoldProxy implements ManagedHold {
  readonly ownerDied: boolean;
  #lock: LockProxy | undefined;

  constructor(lock: LockProxy, ownerDied: boolean) {
    this.#lock = lock;
    this.ownerDied = ownerDied;
  }

  async release(): Promise<void> {
    const lock = this.#lock;
    this.#lock = undefined;
    await lock?.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

/**
 * A lock in a manager: `Lock`, which anybody may release, and `RLock`, which its owner, a thread, may take again and nobody else release. What a client
 * held when it died is free at once, and the next owner is told.
 *
 * ```ts
 * await using manager = await Manager();
 * const lock = await manager.Lock();
 * await lock.run(async () => {
 *   // alone
 * });
 * ```
 */
export class LockProxy extends BaseProxy implements ManagedLock {
  async acquire(options?: WaitOptions | null): Promise<boolean> {
    return (await this.ask<Acquired | null>('acquire', [], options)) !== null;
  }

  release(): Promise<void> {
    return this.ask('release');
  }

  locked(): Promise<boolean> {
    return this.ask('locked');
  }

  async hold(options?: WaitOptions | null): Promise<ManagedHold> {
    const acquired = await this.ask<Acquired | null>('acquire', [], options);
    if (acquired === null) throw new TimeoutError('Cannot acquire the lock: it was not free within the time');
    return new HoldProxy(this, acquired.ownerDied);
  }

  async run<R>(fn: () => R | Promise<R>, options?: WaitOptions | null): Promise<R> {
    const hold = await this.hold(options);
    try {
      return await fn();
    } finally {
      await hold.release();
    }
  }
}

/**
 * A semaphore in a manager. Permits that a client took and did not give back come back when it ends.
 *
 * ```ts
 * await using manager = await Manager();
 * const semaphore = await manager.Semaphore(2);
 * await semaphore.run(() => console.log('one of two'));
 * ```
 */
export class SemaphoreProxy extends BaseProxy implements ManagedSemaphore {
  acquire(options?: WaitOptions | null): Promise<boolean> {
    return this.ask('acquire', [], options);
  }

  release(n?: number): Promise<void> {
    return this.ask('release', n === undefined ? [] : [n]);
  }

  getValue(): Promise<number> {
    return this.ask('getValue');
  }

  async run<R>(fn: () => R | Promise<R>, options?: WaitOptions | null): Promise<R> {
    if (!(await this.acquire(options)))
      throw new TimeoutError('Cannot acquire the semaphore: no permit was free within the time');
    try {
      return await fn();
    } finally {
      await this.release();
    }
  }
}

/**
 * A condition in a manager, with the methods of its lock.
 *
 * ```ts
 * await using manager = await Manager();
 * const condition = await manager.Condition();
 * await condition.run(() => condition.notifyAll());
 * ```
 */
export class ConditionProxy extends LockProxy implements ManagedCondition {
  wait(options?: WaitOptions | null): Promise<boolean> {
    return this.ask('wait', [], options);
  }

  async waitFor(predicate: () => unknown, options?: WaitOptions | null): Promise<boolean> {
    const { timeout, signal } = parseWait(options);
    const deadline = now() + timeout;
    for (;;) {
      if (await predicate()) return true;
      const left = deadline - now();
      if (left <= 0) return false;
      await this.wait({ timeout: left, signal: signal ?? null });
    }
  }

  notify(n?: number): Promise<void> {
    return this.ask('notify', n === undefined ? [] : [n]);
  }

  notifyAll(): Promise<void> {
    return this.ask('notifyAll');
  }
}

/**
 * An event in a manager.
 *
 * ```ts
 * await using manager = await Manager();
 * const event = await manager.Event();
 * await event.set();
 * console.log(await event.wait()); // true
 * ```
 */
export class EventProxy extends BaseProxy implements ManagedEvent {
  isSet(): Promise<boolean> {
    return this.ask('isSet');
  }

  set(): Promise<void> {
    return this.ask('set');
  }

  clear(): Promise<void> {
    return this.ask('clear');
  }

  wait(options?: WaitOptions | null): Promise<boolean> {
    return this.ask('wait', [], options);
  }
}

/**
 * A barrier in a manager. Who gives up waiting, or dies, breaks it for all.
 *
 * ```ts
 * await using manager = await Manager();
 * const barrier = await manager.Barrier(1);
 * console.log(await barrier.wait()); // 0
 * ```
 */
export class BarrierProxy extends BaseProxy implements ManagedBarrier {
  wait(options?: WaitOptions | null): Promise<number> {
    return this.ask('wait', [], options);
  }

  reset(): Promise<void> {
    return this.ask('reset');
  }

  abort(): Promise<void> {
    return this.ask('abort');
  }

  parties(): Promise<number> {
    return this.ask('parties');
  }

  nWaiting(): Promise<number> {
    return this.ask('nWaiting');
  }

  broken(): Promise<boolean> {
    return this.ask('broken');
  }
}

registerProxy('Lock', LockProxy);
registerProxy('RLock', LockProxy);
registerProxy('Semaphore', SemaphoreProxy);
registerProxy('BoundedSemaphore', SemaphoreProxy);
registerProxy('Condition', ConditionProxy);
registerProxy('Event', EventProxy);
registerProxy('Barrier', BarrierProxy);
