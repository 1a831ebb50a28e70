/**
 * Queue: messages between processes, any number of producers and consumers.
 */
import { inspect } from 'node:util';
import { argumentTypeError, ShutDownError, StateError } from '../errors.js';
import { call, native } from '../internal/native.js';
import { type Attachment, Opened, openOrCreate } from '../internal/shared-object.js';
import { statusError } from '../internal/status-error.js';
import { rejected } from '../internal/wait.js';
import type { WaitOptions } from '../internal/wait-options.js';
import {
  attachQueue,
  createQueue,
  openQueue,
  QueueFacade,
  type QueueOptions,
  type QueueStats,
  registerQueueClass,
} from './queue-facade.js';
import type { QueueCore } from './queue-core.js';
import { RawAccess } from './raw-access.js';
import type { Message, Slot } from './raw-messages.js';
import { Receiver } from './receiver.js';
import { Sender } from './sender.js';

/** Options of `shutdown()`. */
export interface ShutdownOptions {
  /** Also drops the messages that are waiting. Default `false`. */
  readonly immediate?: boolean | undefined;
}

/**
 * A bounded queue of messages in shared memory.
 *
 * - **Order**: first in, first out, for the messages of each producer.
 * - **Delivery**: a put is visible to all processes when it returns, and stays when its process ends. Each message is got by exactly
 *   one consumer.
 * - **Death** of a process in the middle of a put: nobody sees the message. In the middle of a get: somebody else gets it. Nobody
 *   is blocked in either case. A stopped process keeps only the room that it is using.
 * - **Values** are copied at the call and arrive as structured clone would make them; shared objects arrive live, errors as errors.
 *   What cannot travel is refused by the call that puts it. A shared object in a message stays alive until the message has been got or
 *   the process that put it ends.
 * - **Waiting**: `put` and `get` wait without blocking the thread, `putSync` and `getSync` block it, `putNowait` and `getNowait` never
 *   wait. Calls of one thread are served in order.
 *
 * ```js
 * const queue = new Queue({ maxsize: 100 });
 * child.send({ queue });                 // there: attach(message.queue)
 * await queue.put({ id: 1 });
 * for await (const item of queue) …      // until shutdown()
 * ```
 *
 * @typeParam T what the messages are.
 */
export class Queue<T = unknown> extends QueueFacade implements AsyncIterable<T> {
  readonly #at: Attachment<QueueCore>;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  #raw: RawAccess | undefined;

  /**
   * Makes a queue.
   *
   * @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT); ExistsError when the name is taken; NoSpaceError.
   */
  constructor(options?: QueueOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source?: QueueOptions | Opened) {
    const attachment = attachQueue(source instanceof Opened ? source : createQueue('Queue', source));
    super(attachment);
    this.#at = attachment;
    this.#sender = new Sender(this, attachment);
    this.#receiver = new Receiver(this, attachment);
  }

  /**
   * Opens the queue of that name.
   *
   * @throws NotFoundError (ERR_MULTIPROC_NOT_FOUND) when there is none; KindError when it is no Queue; VersionError, CorruptSegmentError.
   */
  static open<T = unknown>(name: string): Queue<T> {
    return openQueue(Queue<T>, name);
  }

  /** Opens the queue of that name, or makes it; `options` then count. Two processes may do so at once. */
  static openOrCreate<T = unknown>(name: string, options?: Omit<QueueOptions, 'name'>): Queue<T> {
    return openOrCreate(
      () => Queue.open<T>(name),
      () => new Queue<T>({ ...options, name }),
    );
  }

  /** How many messages may wait at most; 0: as many as fit into `capacity`. */
  get maxsize(): number {
    return this.#at.core.maxsize;
  }

  /** Bytes of memory for messages. */
  get capacity(): number {
    return this.#at.core.capacity;
  }

  /**
   * Puts a message, waiting for room without blocking the thread.
   *
   * The value is copied before this returns. Once the promise is resolved, all processes see the message; a promise that is
   * rejected has put nothing.
   *
   * @param options how long to wait for room; default: for ever.
   * @throws Full (ERR_MULTIPROC_FULL) when the time is over, with the `pid` of a process that holds room without going on;
   *   NotTransferableError for a value that cannot travel; ShutDownError; ClosedError; NoSpaceError when a long message does not
   *   fit into `/dev/shm`; `signal.reason`.
   */
  put(value: T, options?: WaitOptions | null): Promise<void> {
    return this.#sender.put(value, options);
  }

  /** As {@link put}, blocking the thread. Promises of this thread that wait for room already go first. */
  putSync(value: T, options?: WaitOptions | null): void {
    this.#sender.putSync(value, options);
  }

  /** As {@link put}, without waiting: Full at once when there is no room. */
  putNowait(value: T): void {
    this.#sender.putNowait(value);
  }

  /**
   * Puts messages in order, waiting for room as often as needed. All values are copied before this returns.
   *
   * @param values taken one by one: when one cannot travel, or the time is over, those before it have been put.
   * @throws as {@link put}; the error's `count` tells how many have been put.
   */
  putMany(values: Iterable<T>, options?: WaitOptions | null): Promise<void> {
    return this.#sender.putMany(values, options);
  }

  /** As {@link putMany}, blocking the thread; each value is copied when its turn comes. */
  putManySync(values: Iterable<T>, options?: WaitOptions | null): void {
    this.#sender.putManySync(values, options);
  }

  /**
   * Gets the next message, waiting for one without blocking the thread. A waiting `get` keeps the program running.
   *
   * @param options how long to wait; default: for ever.
   * @throws Empty (ERR_MULTIPROC_EMPTY) when the time is over; ShutDownError after `shutdown()`, once no message is left;
   *   ClosedError; NotFoundError for a message with a shared object that is gone, or with an instance of a class that is not
   *   registered: the message is then consumed; `signal.reason`, and then no message was consumed.
   */
  get(options?: WaitOptions | null): Promise<T> {
    return this.#receiver.get(options) as Promise<T>;
  }

  /** As {@link get}, blocking the thread. Promises of this thread that wait for messages already go first. */
  getSync(options?: WaitOptions | null): T {
    return this.#receiver.getSync(options) as T;
  }

  /** As {@link get}, without waiting: Empty at once when there is no message. */
  getNowait(): T {
    return this.#receiver.getNowait() as T;
  }

  /**
   * Gets at least one message, waiting for that one only, and whatever else is there.
   *
   * @param max how many at most; default 4,096.
   * @throws as {@link get}. When a message behind the first cannot be decoded, those before it are returned, and the next get
   *   throws its error.
   */
  getMany(max?: number, options?: WaitOptions | null): Promise<T[]> {
    return this.#receiver.getMany(max, options) as Promise<T[]>;
  }

  /** As {@link getMany}, blocking the thread. */
  getManySync(max?: number, options?: WaitOptions | null): T[] {
    return this.#receiver.getManySync(max, options) as T[];
  }

  /** Whether `putNowait` of a short message would fail. @throws ClosedError (ERR_MULTIPROC_CLOSED). */
  full(): boolean {
    const answer = native.ringFull(this.#at.ref);
    if (answer < 0) throw statusError(answer, `look into ${this.constructor.name}`);
    return answer === 1;
  }

  /**
   * Shuts the queue down for all processes: nobody can put any more, and a get that finds no message left throws ShutDownError, also
   * those that are waiting. Doing it again changes nothing, except that `immediate` still drops what is waiting.
   *
   * @throws ClosedError (ERR_MULTIPROC_CLOSED).
   */
  shutdown(options?: ShutdownOptions | null): void {
    const immediate = checkImmediate(options);
    const { ref, core } = this.#at;
    const status = native.ringShutDown(ref, immediate ? 1 : 0);
    if (status < 0) throw statusError(status, `shut down ${this.constructor.name}`);
    core.nudge();
  }

  /** Counters, over all processes. @throws ClosedError (ERR_MULTIPROC_CLOSED). */
  stats(): QueueStats {
    this.#at.assertOpen(`read stats of ${this.constructor.name}`);
    const { ref, core } = this.#at;
    const { puts, gets, bytesUsed, spills, damaged, waiters, busyPids, participants } = call(() => native.stats(ref));
    const { maxsize, capacity } = core;
    const size = this.qsize();
    return { puts, gets, size, maxsize, capacity, bytesUsed, spills, damaged, waiters, busyPids, participants };
  }

  /** There is nothing to wait for: what was put is there. Exists because Python's queue has it, where it follows `close()`. */
  joinThread(): void {
    // put() itself has written to shared memory.
  }

  /** The same in the form of a promise, which is resolved. */
  flush(): Promise<void> {
    return Promise.resolve();
  }

  /** There is nothing to cancel. Exists because Python's queue has it. */
  cancelJoinThread(): void {
    // There is no thread.
  }

  /**
   * Messages as they come, until the queue is shut down and no message is left. Several loops, in any processes, share them.
   * Leaving the loop loses no message.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      let value: T;
      try {
        value = await this.get();
      } catch (error) {
        if (error instanceof ShutDownError) return;
        throw error;
      }
      yield value;
    }
  }

  /**
   * Claims room for a message of `bytes` bytes, to write it where it will be read. Only for `codec: 'raw'`.
   *
   * @param bytes at most a quarter of the queue's capacity.
   * @throws StateError (ERR_MULTIPROC_STATE) for another codec; RangeError (ERR_MULTIPROC_ARGUMENT) for a bad length; Full;
   *   ShutDownError; ClosedError; `signal.reason`.
   */
  reserve(bytes: number, options?: WaitOptions | null): Promise<Slot> {
    try {
      return this.#rawAccess('reserve room').reserve(bytes, options);
    } catch (error) {
      return rejected(error);
    }
  }

  /** As {@link reserve}, blocking the thread. */
  reserveSync(bytes: number, options?: WaitOptions | null): Slot {
    return this.#rawAccess('reserve room').reserveSync(bytes, options);
  }

  /**
   * Receives a message in the queue's own memory. Only for `codec: 'raw'`.
   *
   * @throws StateError (ERR_MULTIPROC_STATE) for another codec; else as {@link get}.
   */
  receive(options?: WaitOptions | null): Promise<Message> {
    try {
      return this.#rawAccess('receive a message').receive(options);
    } catch (error) {
      return rejected(error);
    }
  }

  /** As {@link receive}, blocking the thread. */
  receiveSync(options?: WaitOptions | null): Message {
    return this.#rawAccess('receive a message').receiveSync(options);
  }

  #rawAccess(action: string): RawAccess {
    this.#at.assertOpen(`${action} in Queue`);
    if (this.#at.core.meta.codec !== 'raw') {
      throw new StateError(`Cannot ${action} in Queue: it was made with codec 'structured', not 'raw'`);
    }
    return (this.#raw ??= new RawAccess(this, this.#at));
  }
}

function checkImmediate(options: unknown): boolean {
  if (options === undefined || options === null) return false;
  const given: { immediate?: unknown } = typeof options === 'object' ? options : { immediate: options };
  const { immediate = false } = given;
  if (typeof immediate !== 'boolean') {
    throw argumentTypeError(`Cannot shut down Queue: immediate must be true or false, received ${inspect(immediate)}`);
  }
  return immediate;
}

registerQueueClass('Queue', (opened) => new Queue(opened));
