/**
 * JoinableQueue: a queue of tasks that somebody can wait for.
 */
import { TimeoutError } from '../errors.js';
import { native, Status } from '../internal/native.js';
import { type Attachment, attachmentOf, Opened, openOrCreate } from '../internal/shared-object.js';
import { statusError } from '../internal/status-error.js';
import { rejected } from '../internal/wait.js';
import { parseWait, type WaitOptions } from '../internal/wait-options.js';
import type { Claimed } from './incoming.js';
import { Job } from './job.js';
import { Queue } from './queue.js';
import type { QueueCore } from './queue-core.js';
import { createQueue, openQueue, type QueueOptions, registerQueueClass } from './queue-facade.js';
import { Receiver } from './receiver.js';

/**
 * A {@link Queue} that counts what is unfinished: every message put, minus every `taskDone()`.
 *
 * With `get`, a task is lost when the process dies between `get` and `taskDone`, and stays unfinished. With `take`, it is delivered
 * again to somebody else.
 *
 * @typeParam T what the tasks are.
 */
export class JoinableQueue<T = unknown> extends Queue<T> {
  readonly #at: Attachment<QueueCore>;
  readonly #receiver: Receiver;

  /**
   * Makes a queue.
   *
   * @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT); ExistsError when the name is taken; NoSpaceError.
   */
  constructor(options?: QueueOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source?: QueueOptions | Opened) {
    super(source instanceof Opened ? source : createQueue('JoinableQueue', source));
    this.#at = attachmentOf(this) as Attachment<QueueCore>;
    this.#receiver = new Receiver(this, this.#at);
  }

  /** As `Queue.open`. */
  static override open<T = unknown>(name: string): JoinableQueue<T> {
    return openQueue(JoinableQueue<T>, name);
  }

  /** As `Queue.openOrCreate`. */
  static override openOrCreate<T = unknown>(name: string, options?: Omit<QueueOptions, 'name'>): JoinableQueue<T> {
    return openOrCreate(
      () => JoinableQueue.open<T>(name),
      () => new JoinableQueue<T>({ ...options, name }),
    );
  }

  /** How many tasks are not done yet. @throws ClosedError (ERR_MULTIPROC_CLOSED). */
  get unfinished(): number {
    const unfinished = native.ringUnfinished(this.#at.ref);
    if (unfinished < 0) throw statusError(unfinished, 'count the tasks of JoinableQueue');
    return unfinished;
  }

  /**
   * Says that one task, which was got with `get`, is done.
   *
   * @throws OverReleaseError (ERR_MULTIPROC_OVER_RELEASE) when called more often than tasks were put; ClosedError.
   */
  taskDone(): void {
    const status = native.ringTaskDone(this.#at.ref);
    if (status < 0)
      throw statusError(status, 'mark a task of JoinableQueue as done', 'more tasks were marked than were put');
    this.#at.core.join.nudge();
  }

  /**
   * Waits until all tasks are done, without blocking the thread.
   *
   * @throws TimeoutError (ERR_MULTIPROC_TIMEOUT); ClosedError; `signal.reason`.
   */
  join(options?: WaitOptions | null): Promise<void> {
    try {
      return this.#at.core.join.wait(this, parseWait(options), this.#attempt, joined);
    } catch (error) {
      return rejected(error);
    }
  }

  /** As {@link join}, blocking the thread. */
  joinSync(options?: WaitOptions | null): void {
    joined(this.#at.core.join.waitSync(this.#attempt, parseWait(options).timeout));
  }

  /**
   * Takes the next task so that it is not lost when this process dies: call `done()` on the result.
   *
   * A task keeps its room in the queue until it is done, and so do those behind it. After `shutdown()`, tasks that other threads
   * have taken keep this waiting, since their death would bring them back; those of the same thread do not.
   *
   * @throws as `get`; a task that cannot be decoded counts as done.
   */
  take(options?: WaitOptions | null): Promise<Job<T>> {
    return this.#receiver.take(this.#adopt, options);
  }

  /** As {@link take}, blocking the thread. */
  takeSync(options?: WaitOptions | null): Job<T> {
    return this.#receiver.takeSync(this.#adopt, options);
  }

  readonly #adopt = (claimed: Claimed): Job<T> => new Job<T>(this.#at.core, claimed);

  readonly #attempt = (waitMs: number): number => native.ringJoin(this.#at.ref, waitMs);
}

function joined(status: number): void {
  if (status === Status.Again)
    throw new TimeoutError('Cannot join JoinableQueue: tasks were unfinished when the time was over');
  if (status < 0) throw statusError(status, 'join JoinableQueue');
}

registerQueueClass('JoinableQueue', (opened) => new JoinableQueue(opened));
