/**
 * What the queue classes have in common: how they are made, opened and looked at.
 */
import { inspect } from 'node:util';
import { KindError, StateError } from '../errors.js';
import { registerKind } from '../internal/handle.js';
import { call, native } from '../internal/native.js';
import { loadRest } from '../internal/rest.js';
import {
  type Attachment,
  attachCore,
  checkCreateOptions,
  checkInteger,
  type CreateOptions,
  describe,
  Facade,
  Opened,
  openByName,
  type SharedObject,
} from '../internal/shared-object.js';
import { statusError } from '../internal/status-error.js';
import { waitable, type Waitable } from '../internal/waitable.js';
import { checkCodec, type CodecName } from './codec-name.js';
import { type QueueClass, QueueCore, type QueueMeta } from './queue-core.js';

/** Options of `new Queue()` and its relatives. */
export interface QueueOptions extends CreateOptions {
  /** How many messages may wait at most; 0, the default, or less: as many as fit. */
  readonly maxsize?: number | undefined;
  /**
   * Bytes of memory for messages: 1 to 1 GiB, rounded up to a power of two, at least 65,536. Default: 256 KiB, or more when `maxsize`
   * needs it for messages of 128 bytes, up to 64 MiB. Messages longer than a quarter of it travel in memory of their own.
   */
  readonly capacity?: number | undefined;
  /**
   * `'structured'`, the default: any value that can travel. `'raw'`: bytes only, which are received as Buffers; and `reserve()`
   * and `receive()` work without copying.
   */
  readonly codec?: CodecName | undefined;
}

/** What a queue has done so far and holds now, over all processes. */
export interface QueueStats {
  /** Messages put. */
  readonly puts: number;
  /** Messages got. */
  readonly gets: number;
  /** Messages waiting. */
  readonly size: number;
  /** Most messages that may wait; 0: as many as fit. */
  readonly maxsize: number;
  /** Bytes of memory for messages. */
  readonly capacity: number;
  /** Bytes of it in use. */
  readonly bytesUsed: number;
  /** Messages that travelled in memory of their own, being too long for the queue's. */
  readonly spills: number;
  /** Messages of that kind that were dropped, since their memory was gone or damaged: each was a CorruptSegmentError of one get. */
  readonly damaged: number;
  /** Threads waiting for messages or for room right now. */
  readonly waiters: number;
  /** Process ids of those in the middle of a put or a get right now; one that is stopped there keeps what it has claimed. */
  readonly busyPids: readonly number[];
  /** Threads, over all processes, that have the queue open. */
  readonly participants: number;
}

const defaultCapacity = 256 * 1024;
const largestDefaultCapacity = 64 * 1024 * 1024;
const largestCapacity = 1024 * 1024 * 1024;
/** What a message of 128 bytes may take in the ring. */
const ringBytesPerMessage = 192;
const largestMaxsize = 2 ** 31 - 1;

/** Creates a queue for a class. */
export function createQueue(className: QueueClass, options: QueueOptions | null | undefined): Opened {
  const action = `create ${className}`;
  const { name, maxParticipants } = checkCreateOptions(options, action);
  const codec = checkCodec(options?.codec, action);
  const maxsize = Math.max(0, checkInteger(options?.maxsize ?? 0, -largestMaxsize, largestMaxsize, 'maxsize', action));
  const wanted = Math.min(Math.max(defaultCapacity, maxsize * ringBytesPerMessage), largestDefaultCapacity);
  const capacity = checkInteger(options?.capacity ?? wanted, 1, largestCapacity, 'capacity', action);
  const meta = JSON.stringify({ class: className, codec } satisfies QueueMeta);
  return new Opened(
    call(() => native.createQueue(name, capacity, maxsize, className === 'JoinableQueue', meta, maxParticipants)),
  );
}

/** Attaches a queue that native code has just created, opened or attached. */
export function attachQueue({ ref }: Opened): Attachment<QueueCore> {
  return attachCore(ref, (fresh) => new QueueCore(fresh));
}

const revivers = new Map<QueueClass, (opened: Opened) => SharedObject>();

/** Says how queues made by a class come back from their handles and names. */
export function registerQueueClass(className: QueueClass, revive: (opened: Opened) => SharedObject): void {
  revivers.set(className, revive);
}

function reviveQueue(opened: Opened): SharedObject {
  const attachment = attachQueue(opened);
  const className = attachment.core.meta.class;
  if (!revivers.has(className)) loadRest();
  const revive = revivers.get(className);
  if (revive === undefined) {
    attachment.close();
    throw new StateError(`Cannot attach: the class ${className} is not loaded`);
  }
  // The constructor attaches for itself; both counts are of this environment.
  native.retain(opened.ref);
  try {
    return revive(opened);
  } finally {
    attachment.close();
  }
}

/** Opens a queue by name as an object of the class that made it, which must be the one that is asked for. */
export function openQueue<T extends SharedObject>(
  Class: (abstract new (...args: never[]) => T) & { readonly name: string },
  name: string,
): T {
  const facade = reviveQueue(openByName('queue', name));
  if (facade instanceof Class) return facade;
  facade.close();
  throw new KindError(`Cannot open ${Class.name}: ${inspect(name)} is a ${facade.constructor.name}`);
}

/** Base class of the queue classes. */
export abstract class QueueFacade extends Facade {
  readonly #at: Attachment<QueueCore>;

  /** @internal */
  constructor(attachment: Attachment<QueueCore>) {
    super(attachment);
    this.#at = attachment;
  }

  /**
   * How many messages are waiting: exact at some moment between call and return.
   *
   * @throws ClosedError (ERR_MULTIPROC_CLOSED).
   */
  qsize(): number {
    const size = native.ringSize(this.#at.ref);
    if (size < 0) throw statusError(size, `read the size of ${this.constructor.name}`);
    return size;
  }

  /** Whether no message is waiting. Exact: what was put is seen at once. @throws ClosedError (ERR_MULTIPROC_CLOSED). */
  empty(): boolean {
    const answer = native.ringEmpty(this.#at.ref);
    if (answer < 0) throw statusError(answer, `look into ${this.constructor.name}`);
    return answer === 1;
  }

  /** @internal A message, or that there will be none. */
  [waitable](): Waitable {
    this.#at.assertOpen(`wait for ${this.constructor.name}`);
    const { ref, core } = this.#at;
    return { core, attempt: (waitMs) => native.ringPoll(ref, waitMs) };
  }

  override [describe](): string {
    const { maxsize } = this.#at.core;
    return `<${this.constructor.name} size=${this.qsize()}${maxsize === 0 ? '' : ` maxsize=${maxsize}`}>`;
  }
}

registerKind('queue', reviveQueue);
