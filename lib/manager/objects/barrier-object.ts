/**
 * A barrier in the server.
 */
import { inspect } from 'node:util';
import { argumentRangeError, BrokenBarrierError } from '../../errors.js';
import type { Call } from '../call.js';
import type { Client } from '../client-record.js';
import { Withdrawn } from '../withdrawal.js';
import type { ServerObject } from './server-object.js';

interface Arrived {
  readonly client: Client;
  release(place: number): void;
  fail(error: Error): void;
}

/** Calls that go on together. Who gives up, or ends, breaks it for all. */
export class BarrierObject implements ServerObject {
  static readonly exposed = ['wait', 'reset', 'abort', 'parties', 'nWaiting', 'broken'];
  readonly #parties: number;
  readonly #timeout: number;
  #arrived: Arrived[] = [];
  #broken = false;

  /** @param timeout of calls that have none of their own, in milliseconds. @throws RangeError (ERR_MULTIPROC_ARGUMENT). */
  constructor(parties: unknown, timeout: number) {
    if (!Number.isInteger(parties) || (parties as number) < 1)
      throw argumentRangeError(
        `Cannot make a barrier: parties must be a whole number from 1, received ${inspect(parties)}`,
      );
    this.#parties = parties as number;
    this.#timeout = timeout;
  }

  wait(call: Call): number | Promise<number> {
    if (this.#broken) throw brokenError();
    const place = this.#parties - 1 - this.#arrived.length;
    if (place === 0) {
      const arrived = this.#arrived;
      this.#arrived = [];
      arrived.forEach((each, number) => {
        each.release(this.#parties - 1 - number);
      });
      return 0;
    }
    const timeout = call.timeout === Infinity ? this.#timeout : call.timeout;
    if (!(timeout > 0)) {
      this.#break();
      throw brokenError();
    }
    return new Promise((resolve, reject) => {
      const timer =
        timeout < 2 ** 31
          ? setTimeout(() => {
              this.#break();
            }, timeout)
          : undefined;
      const leave = (): void => {
        clearTimeout(timer);
        call.withdrawal = undefined;
      };
      const arrived: Arrived = {
        client: call.client,
        release: (number) => {
          leave();
          resolve(number);
        },
        fail: (error) => {
          leave();
          reject(error);
        },
      };
      this.#arrived.push(arrived);
      call.withdrawal = () => {
        this.#arrived = this.#arrived.filter((each) => each !== arrived);
        arrived.fail(new Withdrawn());
        this.#break();
      };
    });
  }

  /** Empty again; whoever waits is told that it is broken. */
  reset(): void {
    this.#break();
    this.#broken = false;
  }

  abort(): void {
    this.#break();
  }

  parties(): number {
    return this.#parties;
  }

  nWaiting(): number {
    return this.#arrived.length;
  }

  broken(): boolean {
    return this.#broken;
  }

  text(): string {
    return `<barrier, parties=${this.#parties}, waiting=${this.#arrived.length}${this.#broken ? ', broken' : ''}>`;
  }

  #break(): void {
    this.#broken = true;
    const arrived = this.#arrived;
    this.#arrived = [];
    for (const each of arrived) each.fail(brokenError());
  }
}

function brokenError(): BrokenBarrierError {
  return new BrokenBarrierError('Cannot wait for the barrier: it is broken');
}
