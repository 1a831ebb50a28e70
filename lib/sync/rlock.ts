/**
 * RLock: a lock that its owner may acquire again.
 */
import { DeadlockError, TimeoutError } from '../errors.js';
import { registerKind } from '../internal/handle.js';
import { warnOfOwnLock } from '../internal/importing.js';
import { call, Kind, LockState, native, Status } from '../internal/native.js';
import { processName } from '../internal/process-name.js';
import {
  type Attachment,
  attachCore,
  checkCreateOptions,
  type CreateOptions,
  describe,
  Opened,
  openByName,
  openOrCreate,
} from '../internal/shared-object.js';
import { statusError } from '../internal/status-error.js';
import { resolved } from '../internal/turn.js';
import { rejected, SLICE } from '../internal/wait.js';
import { parseWait, type Wait, type WaitOptions } from '../internal/wait-options.js';
import { Hold } from './hold.js';
import { RLockCore } from './rlock-core.js';
import { callInFrame, currentFrame, innermostFrame } from './run-frame.js';
import { Acquirable, checkCallback } from './sync-object.js';

/**
 * A lock that belongs to a thread, which may acquire it several times and must release it as often.
 *
 * - **Owner**: the thread. Only it can release. `acquire()` and `hold()` re-enter whenever the thread owns the lock, so they do not
 *   keep two asynchronous tasks of one thread apart, just as Python's do not within a thread.
 * - **Tasks of one thread** are kept apart by `run()`: while its callback is running, other tasks wait; the callback itself, and
 *   what it calls or awaits, may acquire, hold and run again.
 * - **Death of the owner**: the lock is handed on, whatever its depth, and the next owner is told
 *   (`Hold.ownerDied`, {@link RLock.ownerDied}).
 */
export class RLock extends Acquirable {
  readonly #attachment: Attachment<RLockCore>;

  /**
   * Makes a lock.
   *
   * @throws ExistsError (ERR_MULTIPROC_EXISTS) if the name is taken; NoSpaceError (ERR_MULTIPROC_NO_SPACE).
   */
  constructor(options?: CreateOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source?: CreateOptions | Opened) {
    const ref = source instanceof Opened ? source.ref : create(source);
    const attachment = attachCore(ref, (known) => new RLockCore(known));
    super(attachment);
    this.#attachment = attachment;
  }

  /** Opens a named lock. @throws NotFoundError (ERR_MULTIPROC_NOT_FOUND). */
  static open(name: string): RLock {
    return new RLock(openByName('rlock', name));
  }

  /** Opens a named lock, or makes it when there is none. */
  static openOrCreate(name: string, options?: Omit<CreateOptions, 'name'>): RLock {
    return openOrCreate(
      () => RLock.open(name),
      () => new RLock({ ...options, name }),
    );
  }

  /**
   * Acquires the lock, once more if the thread owns it, without blocking the thread.
   *
   * @param options how long to wait; default: for ever.
   * @returns true when acquired, false when the time was over.
   * @throws ClosedError (ERR_MULTIPROC_CLOSED); CorruptSegmentError (ERR_MULTIPROC_CORRUPT_SEGMENT); `signal.reason`.
   */
  acquire(options?: WaitOptions | null): Promise<boolean> {
    try {
      return this.#wait(parseWait(options), (status) => this.#attachment.core.acquired(status));
    } catch (error) {
      return rejected(error);
    }
  }

  /**
   * The same, blocking the thread.
   *
   * @throws DeadlockError (ERR_MULTIPROC_DEADLOCK) when it would wait for ever for a `run()` of another task of this thread, which
   *   cannot go on while the thread is blocked; otherwise as {@link acquire}.
   */
  acquireSync(options?: WaitOptions | null): boolean {
    const { core, ref } = this.#attachment;
    if (options === undefined && core.run === null) {
      const status = native.rlockAcquire(ref, SLICE);
      if (status !== Status.Again) return core.acquired(status);
    }
    return core.acquired(this.#waitSync(parseWait(options)));
  }

  /**
   * Undoes one `acquire()`; the last one frees the lock. Never waits.
   *
   * @throws OwnerError (ERR_MULTIPROC_OWNER) if this thread does not own it, or has taken it through `hold()` or `run()` only;
   *   OverReleaseError (ERR_MULTIPROC_OVER_RELEASE) if it is free; ClosedError (ERR_MULTIPROC_CLOSED).
   */
  release(): void {
    this.#attachment.core.releasePlain(this.#attachment.ref);
  }

  /** Is it held by anybody at this moment? Never waits. An owner that died counts for up to 250 ms. */
  locked(): boolean {
    const { core, ref } = this.#attachment;
    let state = native.rlockState(ref);
    if (state === LockState.HeldElsewhere && core.main.lookForDead()) state = native.rlockState(ref);
    if (state < 0) throw statusError(state, 'look at RLock');
    return state !== LockState.Free;
  }

  /**
   * True while this thread holds the lock and the owner before it died holding it: what the lock protects may be half
   * changed.
   */
  get ownerDied(): boolean {
    const { core, ref } = this.#attachment;
    return core.ownerDied && native.rlockState(ref) === LockState.Mine;
  }

  /**
   * Acquires the lock for the length of a block: `using hold = await lock.hold()`.
   *
   * @throws TimeoutError (ERR_MULTIPROC_TIMEOUT) when the time was over; otherwise as {@link acquire}.
   */
  hold(options?: WaitOptions | null): Promise<Hold> {
    try {
      return this.#wait(parseWait(options), (status) => this.#held(status));
    } catch (error) {
      return rejected(error);
    }
  }

  /**
   * The same, blocking the thread.
   *
   * @throws as {@link hold} and {@link acquireSync}.
   */
  holdSync(options?: WaitOptions | null): Hold {
    return this.#held(this.#waitSync(parseWait(options)));
  }

  /**
   * Runs `fn` while holding the lock, apart from all other tasks of this thread, and releases when it has returned, resolved, thrown
   * or rejected. Inside, the same lock can be acquired again.
   *
   * @returns what `fn` returned or resolved to.
   * @throws as {@link hold} and as `fn`.
   */
  override async run<T>(fn: (hold: Hold) => T | PromiseLike<T>, options?: WaitOptions | null): Promise<T> {
    checkCallback(fn, 'run RLock');
    const { core } = this.#attachment;
    // The wait may end in another flow's time, so what this flow is in is noted now.
    const own = currentFrame(core);
    const outer = innermostFrame();
    const { hold, frame } = await this.#wait(parseWait(options), (status) => {
      this.#assertAcquired(status);
      const entered = core.enterRun(own, outer);
      const release = (): void => {
        core.leaveRun(entered);
      };
      return { hold: new Hold(core.ownerDied, release), frame: entered };
    });
    try {
      return await (frame === own ? fn(hold) : callInFrame(frame, () => fn(hold)));
    } finally {
      hold.release();
    }
  }

  /** @internal */
  override [describe](): string {
    const state = native.rlockState(this.#attachment.ref);
    const [pid = 0, depth = 0] = native.out;
    if (state < 0) throw statusError(state, 'look at RLock');
    if (state === LockState.Free) return '<RLock(None, 0)>';
    return state === LockState.Mine
      ? `<RLock(${processName()}, ${depth})>`
      : `<RLock(SomeOtherProcess pid=${pid}, ${depth})>`;
  }

  #wait<T>(wait: Wait, settle: (status: number) => T): Promise<T> {
    const attachment = this.#attachment;
    const { core } = attachment;
    const frame = currentFrame(core);
    // Inside a run() nobody can be ahead: those in line wait for that very run() to end.
    if (frame !== null && core.run === frame) {
      return resolved(settle(native.rlockAcquire(attachment.ref, 0)));
    }
    return core.main.wait(this, wait, (waitMs) => core.attempt(attachment.ref, frame, waitMs), settle);
  }

  #waitSync({ timeout }: Wait): number {
    const { core, ref } = this.#attachment;
    if (ref >= 0 && core.blocked(currentFrame(core))) {
      if (timeout === Infinity) {
        throw new DeadlockError(
          'Cannot acquire RLock: a run() of another task of this thread holds it, and could never end',
        );
      }
      sleepSync(timeout);
      return Status.Again;
    }
    return core.main.waitSync((waitMs) => native.rlockAcquire(ref, waitMs), timeout);
  }

  #held(status: number): Hold {
    const { core } = this.#attachment;
    this.#assertAcquired(status);
    core.beginHold();
    return new Hold(core.ownerDied, () => {
      core.endHold();
    });
  }

  #assertAcquired(status: number): void {
    if (!this.#attachment.core.acquired(status)) throw new TimeoutError('Cannot acquire RLock: the time was over');
  }
}

/** What holds the lock cannot run before this thread does, so there is nothing to watch meanwhile. */
function sleepSync(timeout: number): void {
  if (timeout > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, timeout);
}

function create(options: CreateOptions | undefined): number {
  const { name, maxParticipants } = checkCreateOptions(options, 'create RLock');
  if (name === null) warnOfOwnLock();
  return call(() => native.create(Kind.rlock, name, 0, 0, 0, null, maxParticipants, null));
}

registerKind('rlock', (opened) => new RLock(opened));
