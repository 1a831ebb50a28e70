/**
 * A condition in the server.
 */
import type { Call } from '../call.js';
import type { Client } from '../client-record.js';
import { NOT_NOW, WaitingRoom } from '../waiting-room.js';
import type { LockObject } from './lock-object.js';
import type { ServerObject } from './server-object.js';

/** Waiting for a notification, with the lock released meanwhile. */
export class ConditionObject implements ServerObject {
  static readonly exposed = ['acquire', 'release', 'locked', 'wait', 'notify', 'notifyAll'];
  readonly #lock: LockObject;
  readonly #room = new WaitingRoom();
  /** Notifications that are being handed out. */
  #permits = 0;

  constructor(lock: LockObject) {
    this.#lock = lock;
  }

  acquire(call: Call): ReturnType<LockObject['acquire']> {
    return this.#lock.acquire(call);
  }

  release(call: Call): void {
    this.#lock.release(call);
  }

  locked(): boolean {
    return this.#lock.locked();
  }

  async wait(call: Call): Promise<boolean> {
    this.#lock.assertOwner(call.client);
    // First in line, then the lock is released: whoever gets it can notify this one.
    const notified = this.#room.wait<boolean>(
      call,
      () => {
        if (this.#permits === 0) return NOT_NOW;
        this.#permits -= 1;
        return true;
      },
      () => false,
    );
    const depth = this.#lock.releaseAll(call);
    try {
      return await notified;
    } finally {
      await this.#lock.reacquire(call.client, depth);
    }
  }

  notify({ client }: Call, n = 1): void {
    this.#lock.assertOwner(client);
    this.#permits = n;
    this.#room.serve();
    // Those that nobody waited for are not kept.
    this.#permits = 0;
  }

  notifyAll(call: Call): void {
    this.notify(call, Infinity);
  }

  clientEnded(client: Client): void {
    this.#lock.clientEnded(client);
  }

  text(): string {
    return `<${this.#lock.text().slice(1, -1)}, waiters=${this.#room.size}>`;
  }
}
