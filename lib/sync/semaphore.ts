/**
 * Semaphore and BoundedSemaphore: a number of permits.
 */
import { TimeoutError } from '../errors.js';
import { registerKind } from '../internal/handle.js';
import { warnOfOwnLock } from '../internal/importing.js';
import { call, Kind, native, Status } from '../internal/native.js';
import {
  type Attachment,
  attachCore,
  checkCreateOptions,
  checkInteger,
  Core,
  type CreateOptions,
  describe,
  Opened,
  openByName,
  openOrCreate,
} from '../internal/shared-object.js';
import { statusError } from '../internal/status-error.js';
import { type Attempt, rejected, SLICE } from '../internal/wait.js';
import { parseWait, type WaitOptions } from '../internal/wait-options.js';
import { Hold } from './hold.js';
import { Acquirable } from './sync-object.js';

/** Most permits that a semaphore can have. */
const LARGEST_VALUE = 2 ** 31 - 1;

type SemaphoreKind = 'semaphore' | 'boundedsemaphore';

abstract class SemaphoreBase extends Acquirable {
  readonly #attachment: Attachment;

  constructor(ref: number, kind: SemaphoreKind) {
    const attachment = attachCore(ref, (known) => new Core(known, kind));
    super(attachment);
    this.#attachment = attachment;
  }

  /**
   * Takes one permit without blocking the thread. Those of this thread who wait are served in order.
   *
   * A permit belongs to nobody: what a process that dies had taken stays taken.
   *
   * @param options how long to wait; default: for ever.
   * @returns true when taken, false when the time was over.
   * @throws ClosedError (ERR_MULTIPROC_CLOSED); CorruptSegmentError (ERR_MULTIPROC_CORRUPT_SEGMENT); `signal.reason`.
   */
  override acquire(options?: WaitOptions | null): Promise<boolean> {
    try {
      return this.#attachment.core.main.wait(this, parseWait(options), this.#attempt(), (status) =>
        this.#acquired(status),
      );
    } catch (error) {
      return rejected(error);
    }
  }

  /** The same, blocking the thread. Overtakes tasks of this thread that wait with `await`. */
  override acquireSync(options?: WaitOptions | null): boolean {
    const { core, ref } = this.#attachment;
    if (options === undefined) {
      const status = native.semaphoreAcquire(ref, SLICE);
      if (status !== Status.Again) return this.#acquired(status);
    }
    return this.#acquired(core.main.waitSync(this.#attempt(), parseWait(options).timeout));
  }

  /**
   * Gives `n` permits back, or new ones; any process may. Never waits.
   *
   * @param n default 1.
   * @throws OverReleaseError (ERR_MULTIPROC_OVER_RELEASE) beyond the largest value, with nothing given back; TypeError, RangeError
   *   (ERR_MULTIPROC_ARGUMENT) when `n` is not an integer from 1; ClosedError (ERR_MULTIPROC_CLOSED).
   */
  release(n = 1): void {
    if (n !== 1) checkInteger(n, 1, LARGEST_VALUE, 'n', `release ${this.constructor.name}`);
    const { core, ref } = this.#attachment;
    const status = native.semaphoreRelease(ref, n);
    if (status < 0) throw this.#releaseError(status, n);
    core.main.nudge();
  }

  /** Permits that are free at this moment. Never waits. @throws ClosedError (ERR_MULTIPROC_CLOSED). */
  getValue(): number {
    const value = native.semaphoreValue(this.#attachment.ref);
    if (value < 0) throw statusError(value, `look at ${this.constructor.name}`);
    return value;
  }

  /** Is no permit free at this moment? Never waits. @throws ClosedError (ERR_MULTIPROC_CLOSED). */
  locked(): boolean {
    return this.getValue() === 0;
  }

  /**
   * Takes one permit for the length of a block: `using hold = await semaphore.hold()`.
   *
   * @throws TimeoutError (ERR_MULTIPROC_TIMEOUT) when the time was over; otherwise as {@link acquire}.
   */
  override hold(options?: WaitOptions | null): Promise<Hold> {
    try {
      return this.#attachment.core.main.wait(this, parseWait(options), this.#attempt(), (status) => this.#held(status));
    } catch (error) {
      return rejected(error);
    }
  }

  /** The same, blocking the thread. */
  override holdSync(options?: WaitOptions | null): Hold {
    return this.#held(this.#attachment.core.main.waitSync(this.#attempt(), parseWait(options).timeout));
  }

  /** Value and largest value at creation. */
  protected limits(): { readonly value: number; readonly max: number } {
    native.parameters(this.#attachment.ref);
    const [value = 0, max = 0] = native.out;
    return { value, max };
  }

  #attempt(): Attempt {
    const attachment = this.#attachment;
    return (waitMs) => native.semaphoreAcquire(attachment.ref, waitMs);
  }

  #acquired(status: number): boolean {
    if (status >= 0) return true;
    if (status === Status.Again) return false;
    throw statusError(status, `acquire ${this.constructor.name}`);
  }

  #held(status: number): Hold {
    const { core } = this.#attachment;
    const { name } = this.constructor;
    if (!this.#acquired(status)) throw new TimeoutError(`Cannot acquire ${name}: the time was over`);
    core.retain();
    return new Hold(false, () => {
      const released = native.semaphoreRelease(core.ref, 1);
      core.main.nudge();
      core.release();
      // Closed: the environment is ending, and has let go of everything.
      if (released < 0 && released !== Status.Closed) throw statusError(released, `release ${name}`);
    });
  }

  #releaseError(status: number, n: number): Error {
    const { name } = this.constructor;
    if (status !== Status.OverRelease) return statusError(status, `release ${name}`);
    return statusError(status, `release ${name}`, `${n} more would exceed its largest value ${this.limits().max}`);
  }
}

/**
 * A number of permits that any process may take and give.
 *
 * ```ts
 * const slots = new Semaphore(4);
 * await slots.run(async () => { … });   // at most four at a time, over all processes
 * ```
 */
export class Semaphore extends SemaphoreBase {
  /**
   * Makes a semaphore.
   *
   * @param value permits that are free at first, an integer from 0; default 1.
   * @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT); ExistsError (ERR_MULTIPROC_EXISTS) if the name is taken; NoSpaceError
   *   (ERR_MULTIPROC_NO_SPACE).
   */
  constructor(value?: number, options?: CreateOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source: number | Opened = 1, options?: CreateOptions) {
    super(source instanceof Opened ? source.ref : create('semaphore', source, LARGEST_VALUE, options), 'semaphore');
  }

  /** Opens a named semaphore. @throws NotFoundError (ERR_MULTIPROC_NOT_FOUND). */
  static open(name: string): Semaphore {
    return new Semaphore(openByName('semaphore', name));
  }

  /** Opens a named semaphore, or makes it when there is none. */
  static openOrCreate(name: string, options?: Omit<CreateOptions, 'name'> & { readonly value?: number }): Semaphore {
    return openOrCreate(
      () => Semaphore.open(name),
      () => new Semaphore(options?.value, { ...options, name }),
    );
  }

  /** @internal */
  override [describe](): string {
    return `<Semaphore(value=${this.getValue()})>`;
  }
}

/** A {@link Semaphore} that refuses to have more permits than it began with. */
export class BoundedSemaphore extends SemaphoreBase {
  /**
   * Makes a semaphore.
   *
   * @param value permits that are free at first, and at most; an integer from 0; default 1.
   * @throws as {@link Semaphore}.
   */
  constructor(value?: number, options?: CreateOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source: number | Opened = 1, options?: CreateOptions) {
    super(
      source instanceof Opened ? source.ref : create('boundedsemaphore', source, source, options),
      'boundedsemaphore',
    );
  }

  /** Opens a named semaphore. @throws NotFoundError (ERR_MULTIPROC_NOT_FOUND). */
  static open(name: string): BoundedSemaphore {
    return new BoundedSemaphore(openByName('boundedsemaphore', name));
  }

  /** Opens a named semaphore, or makes it when there is none. */
  static openOrCreate(
    name: string,
    options?: Omit<CreateOptions, 'name'> & { readonly value?: number },
  ): BoundedSemaphore {
    return openOrCreate(
      () => BoundedSemaphore.open(name),
      () => new BoundedSemaphore(options?.value, { ...options, name }),
    );
  }

  /** @internal */
  override [describe](): string {
    return `<BoundedSemaphore(value=${this.getValue()}, maxvalue=${this.limits().max})>`;
  }
}

function create(kind: SemaphoreKind, value: unknown, max: number, options: CreateOptions | undefined): number {
  const action = kind === 'semaphore' ? 'create Semaphore' : 'create BoundedSemaphore';
  const checked = checkInteger(value, 0, LARGEST_VALUE, 'value', action);
  const { name, maxParticipants } = checkCreateOptions(options, action);
  if (name === null) warnOfOwnLock();
  return call(() => native.create(Kind[kind], name, checked, max, 0, null, maxParticipants, null));
}

registerKind('semaphore', (opened) => new Semaphore(opened));
registerKind('boundedsemaphore', (opened) => new BoundedSemaphore(opened));
