/**
 * The lock that a Value or an Array brings along.
 */
import { inspect } from 'node:util';
import { argumentTypeError, ClosedError, StateError } from '../errors.js';
import { attach } from '../internal/handle.js';
import { attachDescribedLock } from '../sync/described-lock.js';
import { Lock } from '../sync/lock.js';
import { RLock } from '../sync/rlock.js';

/**
 * The lock of a Value or Array: `true` (the default) makes a new RLock, `false` none, and an existing Lock or RLock
 * can guard several objects at once. Single reads, writes and atomic operations never take it.
 */
export type LockOption = boolean | Lock | RLock;

/** A lock together with what keeps it alive for as long as the object that it guards is open. */
export class MemoryLock {
  readonly #given: Lock | RLock;
  /** Our own attachment: the user may close the lock that was passed in. */
  readonly #kept: Lock | RLock;

  private constructor(given: Lock | RLock, kept: Lock | RLock) {
    this.#given = given;
    this.#kept = kept;
  }

  /** Checks the option, without making anything yet. */
  static check(option: unknown, action: string): LockOption {
    if (option === undefined || option === null) return true;
    if (typeof option === 'boolean') return option;
    if (option instanceof Lock || option instanceof RLock) {
      if (option.closed) throw new ClosedError(`Cannot ${action}: the lock is closed`);
      return option;
    }
    throw argumentTypeError(
      `Cannot ${action}: lock must be true, false, a Lock or an RLock, received ${inspect(option, { depth: 0 })}`,
    );
  }

  static create(option: LockOption): MemoryLock | null {
    if (option === false) return null;
    if (option !== true) return new MemoryLock(option, attach(option));
    const lock = new RLock();
    return new MemoryLock(lock, lock);
  }

  /** @throws CorruptSegmentError if it is not the handle of a lock. */
  static revive(handle: unknown, what: string): MemoryLock {
    const lock = attachDescribedLock(handle, what);
    return new MemoryLock(lock, lock);
  }

  get lock(): Lock | RLock {
    return this.#given.closed ? this.#kept : this.#given;
  }

  close(): void {
    this.#kept.close();
  }
}

/** @throws StateError when the object was made without a lock. */
export function requireLock(guard: MemoryLock | null, action: string): Lock | RLock {
  if (guard === null) throw new StateError(`Cannot ${action}: it was made with lock: false`);
  return guard.lock;
}
