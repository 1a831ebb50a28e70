/**
 * Waiting: the one implementation behind every operation that can wait, blocking or not.
 *
 * An operation is an **attempt**: a function that tries once, waits natively for at most the milliseconds given, and
 * returns a native status. `Status.Again` means "not now"; everything else ends the wait.
 */
import { ignoreAbort, listenToAbort } from './abort-listeners.js';
import { now } from './clock.js';
import { native, Status } from './native.js';
import { enter, leave, nudge, type Parkable } from './parking.js';
import { resolved } from './turn.js';
import { PollBudget } from './poll-budget.js';
import { type Wait } from './wait-options.js';

/** Tries once. `waitMs` 0: without waiting; else the thread may block that long. */
export type Attempt = (waitMs: number) => number;

/** The user's object that a wait was started through. */
export interface Closable {
  readonly closed: boolean;
}

/** Milliseconds that a thread blocks in native code before it looks for dead processes. */
export const SLICE = 250;

const chores: (() => void)[] = [];

/** Has `chore` done whenever a thread that blocks comes up for air: its timers do not fire meanwhile. */
export function doBetweenSlices(chore: () => void): void {
  chores.push(chore);
}

/** What a blocked thread does between two slices: what its event loop would have done. */
export function doChores(): void {
  for (const chore of chores) chore();
}

/** Longest delay that Node's timers take; longer ones fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;
/**
 * The line of those in this thread who wait for one wait queue of one shared object: first come, first served.
 *
 * When the first in line cannot go on, those behind cannot either: all attempts of a line must have that property.
 */
export class WaitLine implements Parkable {
  readonly ref: number;
  readonly queue: number;
  readonly #polling = new PollBudget();
  // A line exists for every object and is rarely used.
  #entries: Set<Entry> | undefined;
  #serving = false;
  /** When this line last looked for dead processes, by `now()`. */
  #looked = 0;

  constructor(ref: number, queue: number) {
    this.ref = ref;
    this.queue = queue;
  }

  /** How many promises are pending. */
  get pending(): number {
    return this.#entries === undefined ? 0 : this.#entries.size;
  }

  get budget(): number {
    return this.#polling.budget;
  }

  /** Call after this thread itself did what the line waits for; costs nothing when nobody waits. */
  nudge(): void {
    if (this.#entries !== undefined && this.#entries.size > 0) nudge(this);
  }

  /** Tries the operations of those who wait, in order, until one cannot go on. */
  serve(): void {
    if (this.#serving || this.#entries === undefined) return;
    this.#serving = true;
    try {
      for (const entry of this.#entries) {
        if (!entry.try(0)) break;
      }
    } finally {
      this.#serving = false;
    }
  }

  /**
   * Blocks the thread until the attempt succeeds or fails, or the time is over.
   *
   * @param timeout milliseconds; `Infinity` = for ever; `<= 0` = one attempt without waiting.
   * @param ordered serve the promises that are pending already first. For queues, whose order must hold; a lock must not do
   *   that, since the promise's owner could not release it while this thread is blocked.
   * @returns the status; `Status.Again` when the time was over.
   */
  waitSync(attempt: Attempt, timeout: number, ordered = false): number {
    // The first look at the clock takes Node 2 ms, which children would wait for when they read what is there already.
    const timed = timeout > 0 && timeout !== Infinity;
    const deadline = timed ? now() + timeout : Infinity;
    let remaining = timeout;
    for (;;) {
      const waitMs = remaining > SLICE ? SLICE : remaining > 0 ? remaining : 0;
      const first = ordered ? this.#first() : undefined;
      let served = false;
      if (first === undefined) {
        const status = attempt(waitMs);
        if (status !== Status.Again) return status;
      } else {
        served = first.try(waitMs);
      }
      if (timed) remaining = deadline - now();
      if (served) continue;
      if (remaining <= 0) return first === undefined && this.lookForDead() ? attempt(0) : Status.Again;
      this.#looked = now();
      native.reap(this.ref);
      doChores();
    }
  }

  /**
   * Waits without blocking the thread.
   *
   * @param owner the user's object: kept alive while the wait is pending; see {@link abandon}.
   * @param settle makes the result from the status that ended the wait, in the same breath as the attempt, so that native
   *   secondary results are still there; `Status.Again` when the time was over. May throw: the promise rejects.
   * @returns a promise that rejects with `signal.reason` when aborted; the attempt then has not succeeded.
   */
  wait<T>(owner: Closable, wait: Wait, attempt: Attempt, settle: (status: number) => T): Promise<T> {
    if (this.pending > 0) this.serve();
    try {
      let status = owner.closed ? Status.Closed : this.pending > 0 ? Status.Again : attempt(0);
      if (status === Status.Again && wait.timeout <= 0 && this.pending === 0 && this.lookForDead()) status = attempt(0);
      if (status !== Status.Again || wait.timeout <= 0) return resolved(settle(status));
    } catch (error) {
      return rejected(error);
    }
    return new Promise<T>((resolve, reject) => {
      const entry = new Entry(
        this,
        owner,
        wait,
        attempt,
        (status) => {
          resolve(settle(status));
        },
        reject,
      );
      const entries = (this.#entries ??= new Set());
      entries.add(entry);
      if (entries.size === 1) enter(this);
    });
  }

  /** Rejects everything that is pending, each with an error of its own. */
  fail(error: () => Error): void {
    if (this.#entries === undefined) return;
    for (const entry of this.#entries) entry.fail(error());
  }

  /** Rejects what was started through `owner` and is still pending, each with an error of its own. */
  abandon(owner: Closable, error: () => Error): void {
    if (this.#entries === undefined) return;
    for (const entry of this.#entries) {
      if (entry.owner === owner) entry.fail(error());
    }
  }

  /** Takes an entry out; for {@link Entry} only. */
  remove(entry: Entry, since: number, served: boolean): void {
    if (this.#entries === undefined || !this.#entries.delete(entry)) return;
    if (served) this.#polling.learn(since, now());
    if (this.#entries.size === 0) leave(this);
  }

  /**
   * Looks for dead processes, unless it did so lately: for programs that wait for shorter times than a slice, or not at all, again and again.
   * @param interval milliseconds between two looks.
   * @returns whether it did: then another attempt is due.
   */
  lookForDead(interval: number = SLICE): boolean {
    const time = now();
    if (time - this.#looked < interval) return false;
    this.#looked = time;
    native.reap(this.ref);
    return true;
  }

  #first(): Entry | undefined {
    if (this.#entries === undefined || this.#entries.size === 0) return undefined;
    return this.#entries.values().next().value;
  }
}

/** One pending promise. */
class Entry {
  readonly owner: Closable;
  readonly #line: WaitLine;
  readonly #attempt: Attempt;
  readonly #settle: (status: number) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #since = now();
  readonly #deadline: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(
    line: WaitLine,
    owner: Closable,
    wait: Wait,
    attempt: Attempt,
    settle: (status: number) => void,
    reject: (reason: unknown) => void,
  ) {
    this.owner = owner;
    this.#line = line;
    this.#attempt = attempt;
    this.#settle = settle;
    this.#reject = reject;
    this.#deadline = this.#since + wait.timeout;
    this.#signal = wait.signal;
    if (wait.signal !== undefined) {
      const { signal } = wait;
      this.#onAbort = () => {
        this.fail(signal.reason);
      };
      listenToAbort(signal, this.#onAbort);
    }
    if (this.#deadline !== Infinity) this.#startTimer(wait.timeout);
  }

  /** Tries once; false when the wait must go on. */
  try(waitMs: number): boolean {
    let status: number;
    try {
      status = this.#attempt(waitMs);
    } catch (error) {
      this.fail(error);
      return true;
    }
    if (status === Status.Again) return false;
    this.#finish(status, true);
    return true;
  }

  /** Ends the wait with an error. */
  fail(reason: unknown): void {
    this.#leave(false);
    this.#reject(reason);
  }

  #finish(status: number, served: boolean): void {
    // Out of the line first: what settling runs (a class reviving itself) may use the same object.
    this.#leave(served);
    try {
      this.#settle(status);
    } catch (error) {
      this.#reject(error);
    }
  }

  #leave(served: boolean): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    if (this.#onAbort !== undefined) ignoreAbort(this.#signal, this.#onAbort);
    this.#line.remove(this, this.#since, served);
  }

  #startTimer(remaining: number): void {
    this.#timer = setTimeout(
      () => {
        this.#onTimer();
      },
      Math.min(Math.ceil(remaining), LONGEST_TIMER),
    );
  }

  #onTimer(): void {
    // Timers have a granularity of a millisecond and may fire early by a part of it.
    const remaining = this.#deadline - now();
    if (remaining > 0) {
      this.#startTimer(remaining);
      return;
    }
    this.#timer = undefined;
    this.#line.serve();
    if (!this.#ended) this.#finish(Status.Again, false);
  }
}

/** A promise that rejects with whatever was thrown. */
export function rejected(reason: unknown): Promise<never> {
  return new Promise((_resolve, reject) => {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- an abort's reason can be anything
    reject(reason);
  });
}
