/**
 * Event: a flag to wait for.
 */
import { registerKind } from '../internal/handle.js';
import { call, Kind, native, Status } from '../internal/native.js';
import {
  type Attachment,
  attachCore,
  checkCreateOptions,
  Core,
  type CreateOptions,
  describe,
  Opened,
  openByName,
  openOrCreate,
} from '../internal/shared-object.js';
import { statusError } from '../internal/status-error.js';
import { type Attempt, rejected } from '../internal/wait.js';
import { waitable, type Waitable } from '../internal/waitable.js';
import { parseWait, type WaitOptions } from '../internal/wait-options.js';
import { SyncObject } from './sync-object.js';

/**
 * A flag that processes can wait for. Nobody owns it, so no death can block it.
 *
 * A `set()` wakes everybody who waits at that moment, even when `clear()` follows at once.
 */
export class Event extends SyncObject {
  readonly #attachment: Attachment;

  /**
   * Makes an event, not set.
   *
   * @throws ExistsError (ERR_MULTIPROC_EXISTS) if the name is taken; NoSpaceError (ERR_MULTIPROC_NO_SPACE).
   */
  constructor(options?: CreateOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source?: CreateOptions | Opened) {
    const ref = source instanceof Opened ? source.ref : create(source);
    const attachment = attachCore(ref, (known) => new Core(known, 'event'));
    super(attachment);
    this.#attachment = attachment;
  }

  /** Opens a named event. @throws NotFoundError (ERR_MULTIPROC_NOT_FOUND). */
  static open(name: string): Event {
    return new Event(openByName('event', name));
  }

  /** Opens a named event, or makes it when there is none. */
  static openOrCreate(name: string, options?: Omit<CreateOptions, 'name'>): Event {
    return openOrCreate(
      () => Event.open(name),
      () => new Event({ ...options, name }),
    );
  }

  /** Is it set at this moment? Never waits. @throws ClosedError (ERR_MULTIPROC_CLOSED). */
  isSet(): boolean {
    return checked(native.eventIsSet(this.#attachment.ref), 'look at Event') === 1;
  }

  /** Sets it and wakes all who wait. Never waits for them. @throws ClosedError (ERR_MULTIPROC_CLOSED). */
  set(): void {
    checked(native.eventSet(this.#attachment.ref), 'set Event');
    this.#attachment.core.main.nudge();
  }

  /** Clears it. Never waits. @throws ClosedError (ERR_MULTIPROC_CLOSED). */
  clear(): void {
    checked(native.eventClear(this.#attachment.ref), 'clear Event');
  }

  /**
   * Waits until it is set, without blocking the thread.
   *
   * @param options how long to wait; default: for ever.
   * @returns true when it is set or was set meanwhile, false when the time was over.
   * @throws ClosedError (ERR_MULTIPROC_CLOSED); `signal.reason`.
   */
  wait(options?: WaitOptions | null): Promise<boolean> {
    try {
      return this.#attachment.core.main.wait(this, parseWait(options), this.#attempt(), outcome);
    } catch (error) {
      return rejected(error);
    }
  }

  /** The same, blocking the thread. */
  waitSync(options?: WaitOptions | null): boolean {
    return outcome(this.#attachment.core.main.waitSync(this.#attempt(), parseWait(options).timeout));
  }

  /** @internal That it is set. */
  [waitable](): Waitable {
    this.#attachment.assertOpen('wait for Event');
    return { core: this.#attachment.core, attempt: this.#attempt() };
  }

  /** @internal */
  override [describe](): string {
    return this.isSet() ? '<Event set>' : '<Event unset>';
  }

  #attempt(): Attempt {
    const attachment = this.#attachment;
    // Taken now, so that a set() and clear() that both come before the first look are noticed.
    const epoch = native.eventEpoch(attachment.ref);
    return (waitMs) => native.eventWait(attachment.ref, epoch, waitMs);
  }
}

function outcome(status: number): boolean {
  return status !== Status.Again && checked(status, 'wait for Event') >= 0;
}

function checked(status: number, action: string): number {
  if (status < 0) throw statusError(status, action);
  return status;
}

function create(options: CreateOptions | undefined): number {
  const { name, maxParticipants } = checkCreateOptions(options, 'create Event');
  return call(() => native.create(Kind.event, name, 0, 0, 0, null, maxParticipants, null));
}

registerKind('event', (opened) => new Event(opened));
