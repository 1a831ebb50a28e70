/**
 * ChannelLine: those in this thread who wait for something to happen in one channel.
 */
import { now } from '../internal/clock.js';
import { WaitQueue } from '../internal/native.js';
import { enter, leave, nudge, type Parkable } from '../internal/parking.js';
import { PollBudget } from '../internal/poll-budget.js';

/** Somebody who waits, in one channel or several. */
export interface Waiter {
  /** Looks; true if it waits no more, and then it has left its lines. */
  look(): boolean;
  /** Ends its wait. */
  interrupt(reason: unknown): void;
}

/** Unlike a `WaitLine`, whose waiters all wait for the same: here everybody is looked after by itself. */
export class ChannelLine implements Parkable {
  readonly ref: number;
  /** Which a ring that is not counted has no other use for. */
  readonly queue = WaitQueue.join;
  readonly #polling = new PollBudget();
  readonly #waiters = new Map<Waiter, number>();

  constructor(ref: number) {
    this.ref = ref;
  }

  get budget(): number {
    return this.#polling.budget;
  }

  get pending(): number {
    return this.#waiters.size;
  }

  add(waiter: Waiter): void {
    this.#waiters.set(waiter, now());
    if (this.#waiters.size === 1) enter(this);
  }

  /** @param served it got what it waited for. */
  remove(waiter: Waiter, served: boolean): void {
    const since = this.#waiters.get(waiter);
    if (since === undefined) return;
    this.#waiters.delete(waiter);
    if (served) this.#polling.learn(since, now());
    if (this.#waiters.size === 0) leave(this);
  }

  serve(): void {
    for (const waiter of [...this.#waiters.keys()]) waiter.look();
  }

  fail(error: () => Error): void {
    for (const waiter of [...this.#waiters.keys()]) waiter.interrupt(error());
  }

  /** This thread itself did something that may have ended a wait. */
  nudge(): void {
    if (this.#waiters.size > 0) nudge(this);
  }
}
