/**
 * How long a line of waiters polls before it parks, learnt from how its waits went.
 */

/** Milliseconds of polling at most: some times what parking and being woken costs. */
const LONGEST = 0.3;
/** Milliseconds. A parked wait as short as this, being woken included, may be one for which polling would have been enough. */
const SHORT = 1;
/** Milliseconds without polling after one poll in vain, at least and at most. */
const LEAST_PAUSE = 0.5;
const MOST_PAUSE = 8;

/**
 * Polls as long as that answers in time. Polling in vain costs a processor that the process waited for may need, so one vain poll stops it for a pause, which doubles with each
 * vain poll and halves with each good one; then it is tried again after a short wait. So vain polls take a twenty-fifth of the time in the end, however long that goes on, and an exchange that was only interrupted, as
 * by a processor that was taken away, is a hot one again after a moment.
 */
export class PollBudget {
  #polls = true;
  #pause = LEAST_PAUSE;
  #pauseEnd = 0;

  /** Milliseconds that the next wait may poll; 0 = park at once. */
  get budget(): number {
    return this.#polls ? LONGEST : 0;
  }

  /** Learns from a wait that ended with success. Both are times of the clock, in milliseconds. */
  learn(begin: number, end: number): void {
    const waited = end - begin;
    if (!this.#polls) {
      this.#polls = waited <= SHORT && end >= this.#pauseEnd;
    } else if (waited <= LONGEST) {
      this.#pause = Math.max(this.#pause / 2, LEAST_PAUSE);
    } else {
      this.#polls = false;
      this.#pauseEnd = end + this.#pause;
      this.#pause = Math.min(this.#pause * 2, MOST_PAUSE);
    }
  }
}
