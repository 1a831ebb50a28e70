/**
 * Job: a message of a JoinableQueue that comes back when whoever took it dies.
 */
import { ClosedError } from '../errors.js';
import { native } from '../internal/native.js';
import { statusError } from '../internal/status-error.js';
import type { Claimed } from './incoming.js';
import type { QueueCore } from './queue-core.js';

/**
 * A task that was taken and is not yet done. When the process dies, or the queue is closed, before `done()`, somebody else
 * takes it: a task can be worked on twice, it cannot be lost.
 *
 * @typeParam T what the task is.
 */
export class Job<T = unknown> implements Disposable {
  /** The message. */
  readonly value: T;
  /** Which delivery of the message this is, from 1; more than 1 when those who took it before died or gave it back. */
  readonly attempts: number;
  readonly #core: QueueCore;
  readonly #position: number;
  #open = true;

  /** @internal */
  constructor(core: QueueCore, claimed: Claimed) {
    this.value = claimed.value as T;
    this.attempts = claimed.attempts;
    this.#core = core;
    this.#position = claimed.position;
    core.retain();
  }

  /**
   * The work is done: the message is consumed and counts as `taskDone()`.
   *
   * @throws ClosedError (ERR_MULTIPROC_CLOSED) when it was done or given back before.
   */
  done(): void {
    const core = this.#end('finish Job');
    const status = native.ringRelease(core.ref, this.#position);
    const counted = status < 0 ? status : native.ringTaskDone(core.ref);
    core.release();
    if (counted < 0) throw statusError(counted, 'finish Job');
    core.space.nudge();
    core.join.nudge();
  }

  /**
   * Gives the message back, in its old place: somebody takes it next.
   *
   * @throws ClosedError (ERR_MULTIPROC_CLOSED) when it was done or given back before.
   */
  requeue(): void {
    const core = this.#end('requeue Job');
    const status = native.ringRequeue(core.ref, this.#position);
    core.release();
    if (status < 0) throw statusError(status, 'requeue Job');
    core.main.nudge();
  }

  /** Gives the message back unless it is done: what `using job = …` does when the work throws. */
  [Symbol.dispose](): void {
    if (this.#open) this.requeue();
  }

  #end(action: string): QueueCore {
    if (!this.#open) throw new ClosedError(`Cannot ${action}: it is over`);
    this.#open = false;
    return this.#core;
  }
}
