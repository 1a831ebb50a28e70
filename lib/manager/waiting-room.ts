/**
 * WaitingRoom: calls that wait for something in the server, first come, first served.
 */
import type { Call } from './call.js';
import { Withdrawn } from './withdrawal.js';

/** What an attempt gives that has to wait. */
export const NOT_NOW: unique symbol = Symbol('not now');

interface Waiting {
  /** Settles it if it can be. @returns whether it was. */
  attempt(): boolean;
}

/** Longest delay of a timer, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Those who wait for the same. An attempt must either change nothing and give {@link NOT_NOW}, or be the operation itself. */
export class WaitingRoom {
  readonly #waiting = new Set<Waiting>();

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Does it now, or when it can be done and all before have been served.
   *
   * @param overdue what the call gives when its time is over.
   */
  wait<R>(call: Call, attempt: () => R | typeof NOT_NOW, overdue: () => R): R | Promise<R> {
    if (this.#waiting.size === 0) {
      const result = attempt();
      if (result !== NOT_NOW) return result;
    }
    if (!(call.timeout > 0)) return overdue();
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const leave = (): void => {
        clearTimeout(timer);
        call.withdrawal = undefined;
        this.#waiting.delete(waiting);
      };
      const settle = (give: () => R): void => {
        leave();
        try {
          resolve(give());
        } catch (error) {
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- as it was thrown
          reject(error);
        }
      };
      const waiting: Waiting = {
        attempt: () => {
          let result: R | typeof NOT_NOW;
          try {
            result = attempt();
          } catch (error) {
            leave();
            // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- as it was thrown
            reject(error);
            return true;
          }
          if (result === NOT_NOW) return false;
          leave();
          resolve(result);
          return true;
        },
      };
      this.#waiting.add(waiting);
      call.withdrawal = () => {
        settle(() => {
          throw new Withdrawn();
        });
        this.serve();
      };
      if (call.timeout <= LONGEST_TIMER)
        timer = setTimeout(() => {
          settle(overdue);
          this.serve();
        }, call.timeout);
    });
  }

  /** Serves those who wait, in order, until one has to go on waiting. */
  serve(most = Infinity): number {
    let served = 0;
    for (const waiting of this.#waiting) {
      if (served === most || !waiting.attempt()) break;
      served += 1;
    }
    return served;
  }
}
