/**
 * The line of those in this thread who wait for something that the event loop brings: first come, first served.
 */
import { ignoreAbort, listenToAbort } from '../internal/abort-listeners.js';
import { now } from '../internal/clock.js';
import { rejected } from '../internal/wait.js';
import type { Wait } from '../internal/wait-options.js';

/** Tries once: what it came to, or `undefined` for "not now". What it throws is the end of the wait, too. */
export type Trial<T> = () => { readonly value: T } | undefined;

/** Longest delay that Node's timers take; longer ones fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

interface Entry {
  /** False when the wait must go on. */
  try(): boolean;
  fail(reason: unknown): void;
}

/** When the first in line cannot go on, those behind cannot either. */
export class Line {
  readonly #entries = new Set<Entry>();
  readonly #onChange: () => void;
  #serving = false;

  /** @param onChange called when the line has become empty, or is so no more. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** How many promises are pending. */
  get pending(): number {
    return this.#entries.size;
  }

  /**
   * Waits for a trial to succeed.
   *
   * @param late what to say when the time is over; may throw.
   * @returns a promise that rejects with `signal.reason` when aborted; the trial has not succeeded then.
   */
  wait<T>(wait: Wait, trial: Trial<T>, late: () => T): Promise<T> {
    try {
      this.serve();
      const done = this.#entries.size === 0 ? trial() : undefined;
      if (done !== undefined) return Promise.resolve(done.value);
      if (wait.timeout <= 0) return Promise.resolve(late());
    } catch (error) {
      return rejected(error);
    }
    return new Promise((resolve, reject) => {
      this.#enter(wait, trial, late, resolve, reject);
    });
  }

  /** Tries for those who wait, in order, until one cannot go on. */
  serve(): void {
    if (this.#serving) return;
    this.#serving = true;
    try {
      for (const entry of this.#entries) {
        if (!entry.try()) break;
      }
    } finally {
      this.#serving = false;
    }
  }

  /** Rejects all that is pending, each with an error of its own. */
  fail(error: () => unknown): void {
    for (const entry of this.#entries) entry.fail(error());
  }

  #enter<T>(
    { timeout, signal }: Wait,
    trial: Trial<T>,
    late: () => T,
    resolve: (value: T) => void,
    reject: (reason: unknown) => void,
  ): void {
    const deadline = now() + timeout;
    let timer: NodeJS.Timeout | undefined;
    const leave = (): void => {
      clearTimeout(timer);
      ignoreAbort(signal, abort);
      if (this.#entries.delete(entry) && this.#entries.size === 0) this.#onChange();
    };
    const entry: Entry = {
      try() {
        let done: ReturnType<Trial<T>>;
        try {
          done = trial();
        } catch (error) {
          this.fail(error);
          return true;
        }
        if (done === undefined) return false;
        leave();
        resolve(done.value);
        return true;
      },
      fail(reason) {
        leave();
        reject(reason);
      },
    };
    const abort = (): void => {
      entry.fail(signal?.reason);
    };
    const tick = (): void => {
      const left = deadline - now();
      // Timers may fire early by a part of a millisecond.
      if (left > 0) {
        timer = setTimeout(tick, Math.min(Math.ceil(left), LONGEST_TIMER));
        return;
      }
      leave();
      try {
        resolve(late());
      } catch (error) {
        reject(error);
      }
    };
    this.#entries.add(entry);
    if (this.#entries.size === 1) this.#onChange();
    listenToAbort(signal, abort);
    if (timeout !== Infinity) tick();
  }
}
