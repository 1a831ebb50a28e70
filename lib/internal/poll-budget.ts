/**
 * How long a line of waiters polls before it parks, learnt from how its waits went.
 */

/** Milliseconds of polling at most: some times what parking and being woken costs. */
const LONGEST = 0.3;
/** Fewest and most short waits in a row, spent parked, after which polling is tried again. */
const LEAST_PATIENCE = 2;
const MOST_PATIENCE = 1024;

/**
 * Polls as long as that answers in time. Polling in vain costs a processor that the process waited for may need, so one vain poll stops
 * it, and it is tried again only after a number of waits that were short enough; that number doubles with each vain poll.
 */
export class PollBudget {
  #polls = true;
  #patience = LEAST_PATIENCE;
  #shortWaits = 0;

  /** Milliseconds that the next wait may poll; 0 = park at once. */
  get budget(): number {
    return this.#polls ? LONGEST : 0;
  }

  /** Learns from a wait that ended with success. @param waited milliseconds. */
  learn(waited: number): void {
    const short = waited <= LONGEST;
    if (this.#polls) {
      this.#polls = short;
      this.#shortWaits = 0;
      this.#patience = short
        ? Math.max(this.#patience / 2, LEAST_PATIENCE)
        : Math.min(this.#patience * 2, MOST_PATIENCE);
      return;
    }
    this.#shortWaits = short ? this.#shortWaits + 1 : 0;
    this.#polls = this.#shortWaits >= this.#patience;
  }
}
