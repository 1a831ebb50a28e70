/**
 * Latch: something that happens once, for those in this thread who wait for it.
 */
import { ignoreAbort, listenToAbort } from './abort-listeners.js';
import { now } from './clock.js';
import type { Wait } from './wait-options.js';

/** Longest delay that Node's timers take; longer ones fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Closed at first; opens once and stays open. */
export class Latch {
  #open = false;
  readonly #waiting = new Set<() => void>();

  get isOpen(): boolean {
    return this.#open;
  }

  /** How many promises are pending. */
  get pending(): number {
    return this.#waiting.size;
  }

  open(): void {
    this.#open = true;
    for (const waiter of [...this.#waiting]) waiter();
  }

  /**
   * Waits without blocking the thread.
   *
   * @returns whether it was open in time; rejects with `signal.reason` when aborted first.
   */
  wait({ timeout, signal }: Wait): Promise<boolean> {
    if (this.#open || timeout <= 0) return Promise.resolve(this.#open);
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const deadline = now() + timeout;
      let timer: NodeJS.Timeout | undefined;
      const leave = (): void => {
        clearTimeout(timer);
        ignoreAbort(signal, abort);
        this.#waiting.delete(done);
      };
      const done = (): void => {
        leave();
        resolve(this.#open);
      };
      const abort = (): void => {
        leave();
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- an abort's reason can be anything
        reject(signal?.reason);
      };
      const tick = (): void => {
        const left = deadline - now();
        // Timers may fire early by a part of a millisecond.
        if (left <= 0) done();
        else timer = setTimeout(tick, Math.min(Math.ceil(left), LONGEST_TIMER));
      };
      this.#waiting.add(done);
      listenToAbort(signal, abort);
      if (timeout !== Infinity) tick();
    });
  }
}
