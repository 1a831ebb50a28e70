/**
 * Job: a message of a JoinableQueue that comes back when whoever took it dies.
 */
import { native } from '../internal/native.js';
import { Claim } from './claim.js';
import type { Claimed } from './incoming.js';
import type { QueueCore } from './queue-core.js';

/**
 * A task that was taken and is not yet done. When the process dies, or forgets it, before `done()`, somebody else
 * takes it: a task can be worked on twice, it cannot be lost.
 *
 * @typeParam T what the task is.
 */
export class Job<T = unknown> implements Disposable {
  /** The message. */
  readonly value: T;
  /** Which delivery of the message this is, from 1; more than 1 when those who took it before died or gave it back. */
  readonly attempts: number;
  readonly #claim: Claim;

  /** @internal */
  constructor(core: QueueCore, claimed: Claimed) {
    this.value = claimed.value as T;
    this.attempts = claimed.attempts;
    this.#claim = new Claim(this, core, claimed.position, giveBack);
  }

  /**
   * The work is done: the message is consumed and counts as `taskDone()`.
   *
   * @throws ClosedError (ERR_MULTIPROC_CLOSED) when it was done or given back before.
   */
  done(): void {
    this.#claim.end(finish, 'finish Job');
  }

  /**
   * Gives the message back, in its old place: somebody takes it next.
   *
   * @throws ClosedError (ERR_MULTIPROC_CLOSED) when it was done or given back before.
   */
  requeue(): void {
    this.#claim.end(giveBack, 'requeue Job');
  }

  /** Gives the message back unless it is done: what `using job = …` does when the work throws. */
  [Symbol.dispose](): void {
    if (this.#claim.open) this.requeue();
  }
}

function giveBack(ref: number, position: number): number {
  return native.ringRequeue(ref, position);
}

function finish(ref: number, position: number): number {
  return native.ringReleaseDone(ref, position);
}
