/**
 * An event in the server.
 */
import type { Call } from '../call.js';
import { NOT_NOW, WaitingRoom } from '../waiting-room.js';
import type { ServerObject } from './server-object.js';

/** A flag that can be waited for. */
export class EventObject implements ServerObject {
  static readonly exposed = ['isSet', 'set', 'clear', 'wait'];
  #isSet = false;
  readonly #room = new WaitingRoom();

  isSet(): boolean {
    return this.#isSet;
  }

  /** Whoever waits has seen it, whatever follows. */
  set(): void {
    this.#isSet = true;
    this.#room.serve();
  }

  clear(): void {
    this.#isSet = false;
  }

  wait(call: Call): boolean | Promise<boolean> {
    return this.#room.wait<boolean>(
      call,
      () => this.#isSet || NOT_NOW,
      () => false,
    );
  }

  text(): string {
    return this.#isSet ? '<set>' : '<unset>';
  }
}
