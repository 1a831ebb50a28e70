/**
 * SimpleQueue: put and get, nothing else.
 */
import { type Attachment, Opened, openOrCreate } from '../internal/shared-object.js';
import type { WaitOptions } from '../internal/wait-options.js';
import type { QueueCore } from './queue-core.js';
import {
  attachQueue,
  createQueue,
  openQueue,
  QueueFacade,
  type QueueOptions,
  registerQueueClass,
} from './queue-facade.js';
import { Receiver } from './receiver.js';
import { Sender } from './sender.js';

/**
 * A queue with the few operations of Python's SimpleQueue; all that is said of {@link Queue} holds.
 *
 * @typeParam T what the messages are.
 */
export class SimpleQueue<T = unknown> extends QueueFacade {
  readonly #sender: Sender;
  readonly #receiver: Receiver;

  /**
   * Makes a queue.
   *
   * @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT); ExistsError when the name is taken; NoSpaceError.
   */
  constructor(options?: Omit<QueueOptions, 'maxsize'>);
  /** @internal */
  constructor(opened: Opened);
  constructor(source?: QueueOptions | Opened) {
    const attachment: Attachment<QueueCore> = attachQueue(
      source instanceof Opened ? source : createQueue('SimpleQueue', source),
    );
    super(attachment);
    this.#sender = new Sender(this, attachment);
    this.#receiver = new Receiver(this, attachment);
  }

  /** As `Queue.open`. */
  static open<T = unknown>(name: string): SimpleQueue<T> {
    return openQueue(SimpleQueue<T>, name);
  }

  /** As `Queue.openOrCreate`. */
  static openOrCreate<T = unknown>(name: string, options?: Omit<QueueOptions, 'name' | 'maxsize'>): SimpleQueue<T> {
    return openOrCreate(
      () => SimpleQueue.open<T>(name),
      () => new SimpleQueue<T>({ ...options, name }),
    );
  }

  /** As `Queue.put`: waits for room without blocking the thread. */
  put(value: T, options?: WaitOptions | null): Promise<void> {
    return this.#sender.put(value, options);
  }

  /** As `Queue.putSync`. */
  putSync(value: T, options?: WaitOptions | null): void {
    this.#sender.putSync(value, options);
  }

  /** As `Queue.get`: waits for a message without blocking the thread. */
  get(options?: WaitOptions | null): Promise<T> {
    return this.#receiver.get(options) as Promise<T>;
  }

  /** As `Queue.getSync`. */
  getSync(options?: WaitOptions | null): T {
    return this.#receiver.getSync(options) as T;
  }
}

registerQueueClass('SimpleQueue', (opened) => new SimpleQueue(opened));
