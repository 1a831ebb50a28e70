/**
 * Locks in the server.
 */
import { OverReleaseError, OwnerError } from '../../errors.js';
import { Call } from '../call.js';
import type { Client } from '../client-record.js';
import { NOT_NOW, WaitingRoom } from '../waiting-room.js';
import type { ServerObject } from './server-object.js';

/** What `acquire` tells the proxy: `null`: the time was over. */
export interface Acquired {
  /** Who had it before died with it. */
  readonly ownerDied: boolean;
}

/** What a condition needs of its lock. */
export interface ConditionLock extends ServerObject {
  /** Gives it up, however often it was taken. @returns how often. @throws OwnerError. */
  releaseAll(call: Call): number;
  /** Takes it so often again, whatever time that takes. */
  reacquire(client: Client, depth: number): Promise<void>;
  isOwnedBy(client: Client): boolean;
}

/** A lock that belongs to a client, once or several times. */
export class LockObject implements ConditionLock {
  static readonly exposed = ['acquire', 'release', 'locked'];
  #owner: Client | undefined;
  #depth = 0;
  #ownerDied = false;
  readonly #room = new WaitingRoom();
  /** May its owner take it again, and nobody else release it? */
  readonly #reentrant: boolean;

  constructor(reentrant: boolean) {
    this.#reentrant = reentrant;
  }

  acquire(call: Call): Acquired | null | Promise<Acquired | null> {
    if (this.#reentrant && this.#owner === call.client) {
      this.#depth += 1;
      return { ownerDied: false };
    }
    return this.#room.wait<Acquired | null>(
      call,
      () => this.#take(call.client, 1),
      () => null,
    );
  }

  release(call: Call): void {
    if (this.#owner === undefined) throw new OverReleaseError('Cannot release the lock: it is free');
    if (this.#reentrant && this.#owner !== call.client)
      throw new OwnerError('Cannot release the lock: another client owns it');
    this.#depth -= 1;
    if (this.#depth > 0) return;
    this.#owner = undefined;
    this.#room.serve();
  }

  locked(): boolean {
    return this.#owner !== undefined;
  }

  releaseAll(call: Call): number {
    this.assertOwner(call.client);
    const depth = this.#depth;
    this.#owner = undefined;
    this.#depth = 0;
    this.#room.serve();
    return depth;
  }

  async reacquire(client: Client, depth: number): Promise<void> {
    await this.#room.wait(
      new Call(client, Infinity),
      () => (client.lines === 0 ? { ownerDied: false } : this.#take(client, depth)),
      () => null,
    );
  }

  isOwnedBy(client: Client): boolean {
    return this.#owner === client;
  }

  /** @throws OwnerError. */
  assertOwner(client: Client): void {
    if (this.#owner !== client) throw new OwnerError('Cannot use the condition: its lock must be owned');
  }

  clientEnded(client: Client): void {
    if (this.#owner === client) {
      this.#owner = undefined;
      this.#depth = 0;
      this.#ownerDied = true;
    }
    this.#room.serve();
  }

  text(): string {
    return this.#owner === undefined ? '<unlocked>' : `<locked, owner=${this.#owner.pid}>`;
  }

  #take(client: Client, depth: number): Acquired | typeof NOT_NOW {
    if (this.#owner !== undefined) return NOT_NOW;
    const ownerDied = this.#ownerDied;
    this.#owner = client;
    this.#depth = depth;
    this.#ownerDied = false;
    return { ownerDied };
  }
}
