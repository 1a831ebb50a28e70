/**
 * Semaphores in the server.
 */
import { inspect } from 'node:util';
import { argumentRangeError, OverReleaseError } from '../../errors.js';
import type { Call } from '../call.js';
import type { Client } from '../client-record.js';
import { NOT_NOW, WaitingRoom } from '../waiting-room.js';
import type { ServerObject } from './server-object.js';

/** Permits. Those that a client took, and neither it nor another one gave back, come back when it ends. */
export class SemaphoreObject implements ServerObject {
  static readonly exposed = ['acquire', 'release', 'getValue'];
  #value: number;
  readonly #most: number;
  readonly #taken = new Map<Client, number>();
  readonly #room = new WaitingRoom();

  /** @throws RangeError (ERR_MULTIPROC_ARGUMENT). */
  constructor(value: unknown, bounded: boolean) {
    this.#value = checkCount(value, 0);
    this.#most = bounded ? this.#value : Number.MAX_SAFE_INTEGER;
  }

  acquire(call: Call): boolean | Promise<boolean> {
    return this.#room.wait<boolean>(
      call,
      () => {
        if (this.#value === 0) return NOT_NOW;
        this.#value -= 1;
        this.#taken.set(call.client, (this.#taken.get(call.client) ?? 0) + 1);
        return true;
      },
      () => false,
    );
  }

  release({ client }: Call, n = 1): void {
    checkCount(n, 1);
    if (this.#value + n > this.#most)
      throw new OverReleaseError('Cannot release the semaphore: more was released than acquired');
    this.#value += n;
    let left = this.#giveBack(client, n);
    // Who releases what it did not take does it for another one: those who took first.
    for (const other of this.#taken.keys()) {
      if (left === 0) break;
      left = this.#giveBack(other, left);
    }
    this.#room.serve();
  }

  getValue(): number {
    return this.#value;
  }

  clientEnded(client: Client): void {
    const taken = this.#taken.get(client) ?? 0;
    this.#taken.delete(client);
    this.#value = Math.min(this.#value + taken, this.#most);
    this.#room.serve();
  }

  text(): string {
    return `<semaphore, value=${this.#value}>`;
  }

  /** Permits that the client has no more. @returns how many of them it did not have. */
  #giveBack(client: Client, n: number): number {
    const left = (this.#taken.get(client) ?? 0) - n;
    if (left > 0) this.#taken.set(client, left);
    else this.#taken.delete(client);
    return Math.max(-left, 0);
  }
}

function checkCount(value: unknown, least: number): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) < 2 ** 31) return value as number;
  throw argumentRangeError(
    `Cannot use a semaphore: a whole number from ${least} is needed, received ${inspect(value)}`,
  );
}
