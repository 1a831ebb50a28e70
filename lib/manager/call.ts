/**
 * Call: one operation that a client has asked for, as the object that performs it sees it.
 */
import type { Client } from './client-record.js';

/** A call under way. */
export class Call {
  readonly client: Client;
  /** Milliseconds that it may wait; not above 0: not at all. */
  readonly timeout: number;
  #withdraw: (() => void) | undefined;
  #isWithdrawn = false;

  constructor(client: Client, timeout: number) {
    this.client = client;
    this.timeout = timeout;
  }

  /** What takes it back while it waits; `undefined`: it does not wait any more. */
  set withdrawal(withdraw: (() => void) | undefined) {
    this.#withdraw = withdraw;
  }

  get isWithdrawn(): boolean {
    return this.#isWithdrawn;
  }

  /** The client has called it off, or has gone. Does nothing to what does not wait. */
  withdraw(): void {
    this.#isWithdrawn = true;
    this.#withdraw?.();
    this.#withdraw = undefined;
  }
}
