/**
 * Lock: mutual exclusion between processes, threads and asynchronous tasks.
 */
import { TimeoutError } from '../errors.js';
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
import { type Attempt, rejected, SLICE } from '../internal/wait.js';
import { forEver, parseWait, type WaitOptions } from '../internal/wait-options.js';
import { Hold } from './hold.js';
import { MonitorCore, resuming, type Suspended } from './monitor.js';
import { Acquirable } from './sync-object.js';

interface SuspendedLock extends Suspended {
  readonly hold: 0 | 1;
}

class LockCore extends MonitorCore<SuspendedLock> {
  /** Did the last acquisition of this thread find a dead owner? */
  ownerDied = false;

  readonly #words: Int32Array;
  readonly #word: number;
  readonly #count: number;
  readonly #mine: number;

  constructor(ref: number) {
    super(ref, 'lock');
    this.#words = native.lockWords(ref);
    // As integers: an index that is kept as a double is converted at every use, which took as long as the atomic operation.
    this.#word = (native.out[0] as number) | 0;
    this.#count = (native.out[1] as number) | 0;
    this.#mine = (native.out[2] as number) | 0;
  }

  /**
   * Takes the lock if it is simply free, without entering native code, which costs more than the atomic operation. A lock that is
   * held, that others wait for, or whose owner died, is native code's.
   */
  takeFree(): boolean {
    if (Atomics.compareExchange(this.#words, this.#word, 0, this.#mine) !== 0) return false;
    // Statistics, written by the owner alone; the high half follows when the low one has gone round.
    const count = ((this.#words[this.#count] as number) + 1) | 0;
    this.#words[this.#count] = count;
    if (count === 0) this.#words[this.#count + 1] = (this.#words[this.#count + 1] as number) + 1;
    this.ownerDied = false;
    return true;
  }

  /** Releases what this thread took by acquire if nobody waits for it. False: that is native code's. */
  giveBack(): boolean {
    return Atomics.compareExchange(this.#words, this.#word, this.#mine, 0) === this.#mine;
  }

  owned(): boolean {
    return native.lockState(this.ref) === LockState.Mine;
  }

  suspend(): SuspendedLock {
    native.lockState(this.ref);
    const hold = native.out[1] === 1 ? 1 : 0;
    const status = native.lockRelease(this.ref, hold);
    if (status < 0) throw statusError(status, 'release Lock');
    this.main.nudge();
    return { depth: 1, hold };
  }

  async resume({ hold }: SuspendedLock): Promise<void> {
    const attempt: Attempt = (waitMs) => native.lockAcquire(this.ref, hold, 0, waitMs);
    await this.main.wait(resuming, forEver, attempt, (status) => this.acquired(status));
  }

  resumeSync({ hold }: SuspendedLock): void {
    this.acquired(this.main.waitSync((waitMs) => native.lockAcquire(this.ref, hold, 1, waitMs), Infinity));
  }

  /** @returns whether it was acquired; false when the time was over. */
  acquired(status: number): boolean {
    if (status >= 0) {
      this.ownerDied = status === 1;
      return true;
    }
    if (status === Status.Again) return false;
    throw statusError(status, 'acquire Lock');
  }

  /** Releases what hold() or run() took. */
  releaseHold(): void {
    const status = native.lockRelease(this.ref, 1);
    this.main.nudge();
    this.release();
    // Closed: the environment is ending, and has let go of everything.
    if (status < 0 && status !== Status.Closed) throw statusError(status, 'release Lock');
  }
}

/**
 * A lock that is either free or held by one owner, in any process.
 *
 * - **Owner** is the thread that acquired it, but as in Python any process may `release()` it. What `hold()` or `run()` took can
 *   only be released through them.
 * - **Tasks of one thread** exclude each other like processes do; those who wait with `await` are served in order.
 * - **Death of the owner**: the lock is handed on, and the next owner is told (`Hold.ownerDied`, {@link Lock.ownerDied}).
 *   A stopped owner is not a dead one: it keeps the lock.
 * - **Nesting**: a task that awaits the lock inside its own `run()` waits for ever; only a blocking wait can be seen to be hopeless
 *   (DeadlockError). RLock's `run()` nests.
 * - **close()** while it is held by `acquire()` leaves it held: whoever it was handed to releases it, or the end of this thread does.
 * - **Fairness**: none between processes; a running one may overtake a sleeping one.
 *
 * ```ts
 * const lock = new Lock();
 * await lock.run(async () => { … });      // or: using hold = lock.holdSync();
 * child.send({ lock });                   // there: attach(message.lock)
 * ```
 */
export class Lock extends Acquirable {
  readonly #attachment: Attachment<LockCore>;

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
    const attachment = attachCore(ref, (known) => new LockCore(known));
    super(attachment);
    this.#attachment = attachment;
  }

  /** Opens a named lock. @throws NotFoundError (ERR_MULTIPROC_NOT_FOUND). */
  static open(name: string): Lock {
    return new Lock(openByName('lock', name));
  }

  /** Opens a named lock, or makes it when there is none. */
  static openOrCreate(name: string, options?: Omit<CreateOptions, 'name'>): Lock {
    return openOrCreate(
      () => Lock.open(name),
      () => new Lock({ ...options, name }),
    );
  }

  /**
   * Acquires the lock without blocking the thread.
   *
   * @param options how long to wait; default: for ever.
   * @returns true when acquired, false when the time was over.
   * @throws ClosedError (ERR_MULTIPROC_CLOSED); CorruptSegmentError (ERR_MULTIPROC_CORRUPT_SEGMENT); `signal.reason`.
   */
  acquire(options?: WaitOptions | null): Promise<boolean> {
    const { core, ref } = this.#attachment;
    try {
      const wait = parseWait(options);
      if (core.main.pending === 0) {
        const status = native.lockAcquire(ref, 0, 0, 0);
        if (status !== Status.Again) return resolved(core.acquired(status));
      }
      return core.main.wait(this, wait, this.#attempt(0, 0), (status) => core.acquired(status));
    } catch (error) {
      return rejected(error);
    }
  }

  /**
   * Acquires the lock, blocking the thread. Overtakes tasks of this thread that wait with `await`.
   *
   * @returns true when acquired, false when the time was over.
   * @throws DeadlockError (ERR_MULTIPROC_DEADLOCK) when it would wait for ever for what this thread itself holds through
   *   `hold()` or `run()`; otherwise as {@link acquire}.
   */
  acquireSync(options?: WaitOptions | null): boolean {
    const { core, ref } = this.#attachment;
    if (options === undefined) {
      if (ref >= 0 && core.takeFree()) return true;
      const status = native.lockAcquire(ref, 0, 1, SLICE);
      if (status >= 0) {
        core.ownerDied = status === 1;
        return true;
      }
      if (status !== Status.Again) return core.acquired(status);
    }
    const { timeout } = parseWait(options);
    return core.acquired(core.main.waitSync(this.#attempt(0, timeout === Infinity ? 1 : 0), timeout));
  }

  /**
   * Releases the lock; any process may. Never waits.
   *
   * @throws OverReleaseError (ERR_MULTIPROC_OVER_RELEASE) if it is free; OwnerError (ERR_MULTIPROC_OWNER) if it was taken through
   *   `hold()` or `run()`; ClosedError (ERR_MULTIPROC_CLOSED).
   */
  release(): void {
    const { core, ref } = this.#attachment;
    if (ref < 0 || !core.giveBack()) {
      const status = native.lockRelease(ref, 0);
      if (status < 0) throw releaseError(status);
    }
    core.main.nudge();
  }

  /** Is it held by anybody at this moment? Never waits. An owner that died counts for up to 250 ms. */
  locked(): boolean {
    const { core, ref } = this.#attachment;
    let state = native.lockState(ref);
    if (state === LockState.HeldElsewhere && core.main.lookForDead()) state = native.lockState(ref);
    if (state < 0) throw statusError(state, 'look at Lock');
    return state !== LockState.Free;
  }

  /**
   * True while this thread holds the lock and the owner before it died holding it: what the lock protects may be half
   * changed.
   */
  get ownerDied(): boolean {
    const { core, ref } = this.#attachment;
    return core.ownerDied && native.lockState(ref) === LockState.Mine;
  }

  /**
   * Acquires the lock for the length of a block: `using hold = await lock.hold()`.
   *
   * @throws TimeoutError (ERR_MULTIPROC_TIMEOUT) when the time was over; otherwise as {@link acquire}.
   */
  hold(options?: WaitOptions | null): Promise<Hold> {
    const { core } = this.#attachment;
    try {
      return core.main.wait(this, parseWait(options), this.#attempt(1, 0), (status) => this.#held(status));
    } catch (error) {
      return rejected(error);
    }
  }

  /**
   * The same, blocking the thread: `using hold = lock.holdSync()`.
   *
   * @throws as {@link hold} and {@link acquireSync}.
   */
  holdSync(options?: WaitOptions | null): Hold {
    const { core } = this.#attachment;
    const { timeout } = parseWait(options);
    return this.#held(core.main.waitSync(this.#attempt(1, timeout === Infinity ? 1 : 0), timeout));
  }

  /** @internal */
  override [describe](): string {
    const state = native.lockState(this.#attachment.ref);
    const pid = native.out[0] ?? 0;
    if (state < 0) throw statusError(state, 'look at Lock');
    if (state === LockState.Free) return '<Lock(owner=None)>';
    return state === LockState.Mine ? `<Lock(owner=${processName()})>` : `<Lock(owner=SomeOtherProcess pid=${pid})>`;
  }

  #attempt(hold: 0 | 1, endless: 0 | 1): Attempt {
    const attachment = this.#attachment;
    return (waitMs) => native.lockAcquire(attachment.ref, hold, endless, waitMs);
  }

  #held(status: number): Hold {
    const { core } = this.#attachment;
    if (!core.acquired(status)) throw new TimeoutError('Cannot acquire Lock: the time was over');
    core.retain();
    return new Hold(status === 1, () => {
      core.releaseHold();
    });
  }
}

function create(options: CreateOptions | undefined): number {
  const { name, maxParticipants } = checkCreateOptions(options, 'create Lock');
  if (name === null) warnOfOwnLock();
  return call(() => native.create(Kind.lock, name, 0, 0, 0, null, maxParticipants, null));
}

function releaseError(status: number): Error {
  if (status === Status.OverRelease) return statusError(status, 'release Lock', 'it is not held');
  if (status === Status.NotOwner) {
    return statusError(status, 'release Lock', 'it was taken through hold() or run(), which alone can release it');
  }
  return statusError(status, 'release Lock');
}

registerKind('lock', (opened) => new Lock(opened));
