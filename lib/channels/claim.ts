/**
 * A message that this thread has claimed, to write it or to read it.
 */
import { ClosedError } from '../errors.js';
import { statusError } from '../internal/status-error.js';
import type { QueueCore } from './queue-core.js';

type End = (ref: number, position: number) => number;

/** What can still be done with the claim, apart from the user's object, which may be forgotten. */
class Hold {
  readonly core: QueueCore;
  readonly position: number;
  open = true;

  constructor(core: QueueCore, position: number) {
    this.core = core;
    this.position = position;
    // The user may close the queue first.
    core.retain();
  }

  end(operation: End): number {
    this.open = false;
    const status = operation(this.core.ref, this.position);
    this.core.release();
    this.core.nudge();
    return status;
  }
}

/** A claim that nobody ends would hold back everything behind it for good. */
const forgotten = new FinalizationRegistry<{ hold: Hold; giveUp: End }>(({ hold, giveUp }) => {
  hold.end(giveUp);
});

/** Belongs to one object of the user's, and ends once. */
export class Claim {
  readonly #hold: Hold;

  /** @param giveUp what to do when `owner` is forgotten. */
  constructor(owner: object, core: QueueCore, position: number, giveUp: End) {
    const hold = new Hold(core, position);
    this.#hold = hold;
    forgotten.register(owner, { hold, giveUp }, this);
  }

  get open(): boolean {
    return this.#hold.open;
  }

  /** @throws ClosedError when it has ended. */
  assertOpen(action: string): void {
    if (!this.#hold.open) throw new ClosedError(`Cannot ${action}: it is over`);
  }

  /** Ends it by a native operation. @throws ClosedError when it has ended; the operation's error. */
  end(operation: End, action: string): void {
    this.assertOpen(action);
    forgotten.unregister(this);
    const status = this.#hold.end(operation);
    if (status < 0) throw statusError(status, action);
  }
}
