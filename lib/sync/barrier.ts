/**
 * Barrier: a fixed number of parties that go on only together.
 */
import { StateError, TimeoutError } from '../errors.js';
import { now } from '../internal/clock.js';
import { registerKind } from '../internal/handle.js';
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
import { loadTask, loadTaskSync, type TaskReference } from '../internal/task-reference.js';
import { rejected } from '../internal/wait.js';
import { parseTimeout, parseWait, type Wait, type WaitOptions } from '../internal/wait-options.js';
import { type DescribedAction, describeAction, findAction, readAction } from './barrier-action.js';
import { SyncObject } from './sync-object.js';

/** Options of a {@link Barrier}. */
export interface BarrierOptions extends CreateOptions {
  /**
   * Runs once per round, in the party that arrives last, before the others are released: a `task()`, or the `{ module, name }` of
   * one. A plain function does for a barrier that is used by this process only.
   */
  readonly action?: (() => unknown) | TaskReference | undefined;
  /** Milliseconds that `wait()` waits by default; absent: for ever. */
  readonly timeout?: number | null | undefined;
}

const LARGEST = 2 ** 31 - 1;

class BarrierCore extends Core {
  /** A plain function, which only the environment that made the barrier can run. */
  localAction: (() => unknown) | undefined;
  readonly action: DescribedAction;

  constructor(ref: number) {
    super(ref, 'barrier');
    this.action = readAction(call(() => native.meta(ref)));
  }
}

/** A party's arrival, as native code gave it. */
interface Arrival {
  readonly last: boolean;
  readonly index: number;
  readonly round: number;
}

/**
 * A point that `parties` threads, in any processes, pass only together; again and again.
 *
 * It breaks, for everybody, when a party gives up (timeout, abort), when a waiting party dies, when the action fails, and at `abort()`; then
 * every `wait()` fails with BrokenBarrierError until `reset()`.
 */
export class Barrier extends SyncObject {
  readonly #attachment: Attachment<BarrierCore>;
  readonly #parties: number;
  readonly #timeout: number;

  /**
   * Makes a barrier.
   *
   * @param parties how many must arrive, an integer from 1.
   * @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT); ExistsError (ERR_MULTIPROC_EXISTS) if the name is taken; NoSpaceError
   *   (ERR_MULTIPROC_NO_SPACE).
   */
  constructor(parties: number, options?: BarrierOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source: number | Opened, options?: BarrierOptions) {
    const ref = source instanceof Opened ? source.ref : create(source, options);
    const attachment = attachCore(ref, (known) => new BarrierCore(known));
    super(attachment);
    this.#attachment = attachment;
    native.parameters(attachment.ref);
    const [parties = 0, timeout = -1] = native.out;
    this.#parties = parties;
    this.#timeout = timeout < 0 ? Infinity : timeout;
    if (attachment.core.action === 'local' && typeof options?.action === 'function') {
      attachment.core.localAction = options.action;
    }
  }

  /** Opens a named barrier. @throws NotFoundError (ERR_MULTIPROC_NOT_FOUND). */
  static open(name: string): Barrier {
    return new Barrier(openByName('barrier', name));
  }

  /** Opens a named barrier, or makes it when there is none. */
  static openOrCreate(name: string, parties: number, options?: Omit<BarrierOptions, 'name'>): Barrier {
    return openOrCreate(
      () => Barrier.open(name),
      () => new Barrier(parties, { ...options, name }),
    );
  }

  /** How many must arrive. */
  get parties(): number {
    return this.#parties;
  }

  /** How many are waiting at this moment. Never waits. @throws ClosedError (ERR_MULTIPROC_CLOSED). */
  get nWaiting(): number {
    this.#state();
    return native.out[0] ?? 0;
  }

  /** Is it broken at this moment? Never waits. @throws ClosedError (ERR_MULTIPROC_CLOSED). */
  get broken(): boolean {
    return this.#state() === 1;
  }

  /**
   * Arrives, and waits without blocking the thread until all have arrived.
   *
   * The last to arrive runs the action; that time does not count for its own timeout.
   *
   * @param options how long to wait; default: the barrier's `timeout`.
   * @returns this party's index in the round, 0 to `parties - 1`, each once.
   * @throws BrokenBarrierError (ERR_MULTIPROC_BROKEN_BARRIER), also when the own time was over, which breaks the barrier for all;
   *   TimeoutError (ERR_MULTIPROC_TIMEOUT) when it could not even arrive, since the round before was still running its action;
   *   what the action threw; NotTransferableError (ERR_MULTIPROC_NOT_TRANSFERABLE) when the action is a plain function of another
   *   process; `signal.reason`, after breaking the barrier; ClosedError (ERR_MULTIPROC_CLOSED), likewise.
   */
  wait(options?: WaitOptions | null): Promise<number> {
    try {
      return this.#wait(this.#parseWait(options));
    } catch (error) {
      return rejected(error);
    }
  }

  /**
   * The same, blocking the thread. An action must then be synchronous, and if it is a task of a module that this process has not
   * imported yet, that module must not use `await` at its top level.
   *
   * @throws as {@link wait}; StateError (ERR_MULTIPROC_STATE) when the action returned a promise; the barrier is broken then.
   */
  waitSync(options?: WaitOptions | null): number {
    const { timeout } = this.#parseWait(options);
    const { core } = this.#attachment;
    const { ref } = core;
    this.#attachment.assertOpen('wait for Barrier');
    this.#findDead();
    const deadline = now() + timeout;
    const arrival = arrived(core.main.waitSync((waitMs) => native.barrierArrive(ref, waitMs), timeout));
    if (arrival.last) {
      this.#runActionSync();
      return finish(core, arrival);
    }
    const { round } = arrival;
    const status = core.main.waitSync((waitMs) => native.barrierWait(ref, round, waitMs), deadline - now());
    return passed(core, arrival, status);
  }

  /**
   * Empties the barrier and mends it. Parties that wait at this moment get BrokenBarrierError. Never waits.
   *
   * @throws ClosedError (ERR_MULTIPROC_CLOSED).
   */
  reset(): void {
    this.#change(native.barrierReset(this.#attachment.ref), 'reset Barrier');
  }

  /** Breaks the barrier until `reset()`. Never waits. @throws ClosedError (ERR_MULTIPROC_CLOSED). */
  abort(): void {
    this.#change(native.barrierAbort(this.#attachment.ref), 'abort Barrier');
  }

  /** @internal */
  override [describe](): string {
    return this.broken ? '<Barrier broken>' : `<Barrier waiters=${this.nWaiting}/${this.#parties}>`;
  }

  #parseWait(options: WaitOptions | null | undefined): Wait {
    const wait = parseWait(options);
    return options?.timeout === undefined || options.timeout === null ? { ...wait, timeout: this.#timeout } : wait;
  }

  /** Those who wait look for each other; whoever completes the round must not count the dead. */
  #findDead(): void {
    const { ref } = this.#attachment;
    if (native.barrierState(ref) === 0 && native.out[0] === this.#parties - 1 && this.#parties > 1) native.reap(ref);
  }

  #state(): number {
    const state = native.barrierState(this.#attachment.ref);
    if (state < 0) throw statusError(state, 'look at Barrier');
    return state;
  }

  #change(status: number, action: string): void {
    if (status < 0) throw statusError(status, action);
    this.#attachment.core.main.nudge();
  }

  async #wait(wait: Wait): Promise<number> {
    const { core, ref } = this.#attachment;
    const deadline = now() + wait.timeout;
    core.retain();
    try {
      this.#findDead();
      // Arriving does not queue behind those who have arrived: they wait for this very thing.
      const status = native.barrierArrive(ref, 0);
      if (status !== Status.Again) return await this.#arrive(status, wait);
      return await core.main.wait(
        this,
        wait,
        (waitMs) => native.barrierArrive(ref, waitMs),
        (ended) => this.#arrive(ended, { ...wait, timeout: deadline - now() }),
      );
    } finally {
      core.release();
    }
  }

  /** Goes on in the same breath as the arrival, so that nothing can come between the two. */
  #arrive(status: number, wait: Wait): Promise<number> {
    const arrival = arrived(status);
    return arrival.last ? this.#finish(arrival) : this.#pass(arrival, wait);
  }

  async #finish(arrival: Arrival): Promise<number> {
    await this.#runAction();
    return finish(this.#attachment.core, arrival);
  }

  async #pass(arrival: Arrival, wait: Wait): Promise<number> {
    const { core } = this.#attachment;
    const { round } = arrival;
    let status: number;
    try {
      status = await core.main.wait(
        this,
        wait,
        (waitMs) => native.barrierWait(core.ref, round, waitMs),
        (ended) => ended,
      );
    } catch (error) {
      // Whoever leaves takes the round with him, unless it was complete already: then the wait has succeeded.
      const broken = native.barrierBreak(core.ref, round);
      core.main.nudge();
      if (broken !== 0) throw error;
      status = 0;
    }
    return passed(core, arrival, status);
  }

  async #runAction(): Promise<void> {
    try {
      const action = await findAction(this.#attachment.core, loadTask);
      await action();
    } catch (error) {
      this.#fail();
      throw error;
    }
  }

  #runActionSync(): void {
    try {
      const action = findAction(this.#attachment.core, loadTaskSync);
      const result = action();
      if (result instanceof Promise) {
        // It goes on unobserved; its failure must not end the process.
        result.catch(() => undefined);
        throw new StateError('Cannot wait for Barrier: its action is asynchronous, use wait()');
      }
    } catch (error) {
      this.#fail();
      throw error;
    }
  }

  #fail(): void {
    native.barrierAbort(this.#attachment.core.ref);
    this.#attachment.core.main.nudge();
  }
}

function arrived(status: number): Arrival {
  if (status === Status.Again) {
    throw new TimeoutError(
      'Cannot wait for Barrier: the round before was still running its action when the time was over',
    );
  }
  if (status < 0) throw statusError(status, 'wait for Barrier');
  const [index = 0, round = 0] = native.out;
  return { last: status === 1, index, round };
}

function finish(core: Core, { index, round }: Arrival): number {
  const status = native.barrierFinish(core.ref, round);
  core.main.nudge();
  if (status < 0) throw statusError(status, 'wait for Barrier');
  return index;
}

function passed(core: Core, { index, round }: Arrival, waited: number): number {
  let status = waited;
  if (status === Status.Again) {
    status = native.barrierBreak(core.ref, round);
    core.main.nudge();
    if (status === Status.Broken)
      throw statusError(status, 'wait for Barrier', 'the time was over, so the barrier is broken');
  }
  if (status < 0) throw statusError(status, 'wait for Barrier');
  return index;
}

function create(parties: unknown, options: BarrierOptions | undefined): number {
  const checked = checkInteger(parties, 1, LARGEST, 'parties', 'create Barrier');
  const { name, maxParticipants } = checkCreateOptions(options, 'create Barrier');
  const timeout = parseTimeout(options?.timeout);
  const defaultTimeout = timeout === Infinity ? -1 : Math.max(0, timeout);
  return call(() =>
    native.create(
      Kind.barrier,
      name,
      checked,
      defaultTimeout,
      0,
      describeAction(options?.action),
      maxParticipants,
      null,
    ),
  );
}

registerKind('barrier', (opened) => new Barrier(opened));
