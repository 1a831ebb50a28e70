/**
 * Proxies of queues.
 */
import { ShutDownError } from '../../errors.js';
import { notAtAll, type WaitOptions } from '../../internal/wait-options.js';
import type { ManagedJob, ManagedJoinableQueue, ManagedQueue } from '../interfaces.js';
import type { TakenItem } from '../objects/joinable-queue-object.js';
import { BaseProxy } from './proxy.js';
import { registerProxy } from './revive.js';

/**
 * A queue in a manager. A plain `Queue` of the library does the same on one machine, and many times as fast.
 *
 * What a client got and had not seen yet when it died is lost; with `take()` of a `JoinableQueue` it is not.
 *
 * ```ts
 * await using manager = await Manager();
 * const queue = await manager.Queue();
 * await queue.put('A');
 * console.log(await queue.get()); // A
 * ```
 */
export class QueueProxy<T = unknown> extends BaseProxy implements ManagedQueue<T> {
  put(item: T, options?: WaitOptions | null): Promise<void> {
    return this.ask('put', [item], options);
  }

  putNowait(item: T): Promise<void> {
    return this.ask('put', [item], notAtAll);
  }

  get(options?: WaitOptions | null): Promise<T> {
    return this.ask('get', [], options);
  }

  getNowait(): Promise<T> {
    return this.ask('get', [], notAtAll);
  }

  async putMany(items: Iterable<T>, options?: WaitOptions | null): Promise<number> {
    return this.ask('putMany', [[...items]], options);
  }

  getMany(max?: number, options?: WaitOptions | null): Promise<T[]> {
    return this.ask('getMany', max === undefined ? [] : [max], options);
  }

  qsize(): Promise<number> {
    return this.ask('qsize');
  }

  empty(): Promise<boolean> {
    return this.ask('empty');
  }

  full(): Promise<boolean> {
    return this.ask('full');
  }

  shutdown(options?: { readonly immediate?: boolean | undefined }): Promise<void> {
    return this.ask('shutdown', [options?.immediate === true]);
  }

  /** Gets until the queue is shut down and empty. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      let item: T;
      try {
        item = await this.get();
      } catch (error) {
        if (error instanceof ShutDownError) return;
        throw error;
      }
      yield item;
    }
  }
}

/** A claimed item. */
class JobProxy<T> implements ManagedJob<T> {
  readonly value: T;
  readonly attempts: number;
  readonly #queue: BaseProxy;
  readonly #claim: number;

  constructor(queue: BaseProxy, { claim, value, attempts }: TakenItem) {
    this.value = value as T;
    this.attempts = attempts;
    this.#queue = queue;
    this.#claim = claim;
  }

  async done(): Promise<void> {
    await this.#queue.callMethod('done', [this.#claim]);
  }

  async requeue(): Promise<void> {
    await this.#queue.callMethod('requeue', [this.#claim]);
  }
}

/**
 * A queue in a manager that knows what is unfinished. What a client took and did not finish before its end is taken by another one.
 *
 * ```ts
 * await using manager = await Manager();
 * const queue = await manager.JoinableQueue();
 * await queue.put('work');
 * const job = await queue.take();
 * await job.done();
 * await queue.join();
 * ```
 */
export class JoinableQueueProxy<T = unknown> extends QueueProxy<T> implements ManagedJoinableQueue<T> {
  async take(options?: WaitOptions | null): Promise<ManagedJob<T>> {
    return new JobProxy<T>(this, await this.ask('take', [], options));
  }

  taskDone(): Promise<void> {
    return this.ask('taskDone');
  }

  join(options?: WaitOptions | null): Promise<boolean> {
    return this.ask('join', [], options);
  }

  unfinished(): Promise<number> {
    return this.ask('unfinished');
  }
}

registerProxy('Queue', QueueProxy);
registerProxy('JoinableQueue', JoinableQueueProxy);
