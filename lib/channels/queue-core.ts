/**
 * What this environment knows about one queue, whichever of the queue classes it belongs to.
 */
import { CorruptSegmentError } from '../errors.js';
import { parseDescription } from '../internal/description.js';
import { call, native, WaitQueue } from '../internal/native.js';
import { Core, type SharedObject } from '../internal/shared-object.js';
import { releaseConsumed } from '../internal/transit.js';
import { WaitLine } from '../internal/wait.js';
import { type CodecName, isCodecName } from './codec-name.js';

/** Names of the classes that a queue's handle can become. */
export type QueueClass = 'Queue' | 'SimpleQueue' | 'JoinableQueue' | 'Connection' | 'Channel';

/** Kept with each queue as JSON. */
export interface QueueMeta {
  readonly class: QueueClass;
  readonly codec: CodecName;
}

/** @throws CorruptSegmentError. */
export function readMeta(ref: number): QueueMeta {
  const { class: name, codec } = parseDescription(native.meta(ref), 'queue');
  if (isQueueClass(name) && isCodecName(codec)) return { class: name, codec };
  throw new CorruptSegmentError('Cannot open queue: it is of an unknown class or codec');
}

function isQueueClass(name: unknown): name is QueueClass {
  return typeof name === 'string' && Object.hasOwn(queueClasses, name);
}

const queueClasses: Readonly<Record<QueueClass, true>> = {
  Queue: true,
  SimpleQueue: true,
  JoinableQueue: true,
  Connection: true,
  Channel: true,
};

/** Waiting for messages is the main line. */
export class QueueCore extends Core {
  /** Who waits for room. */
  readonly space: WaitLine;
  /** Who waits until all tasks are done. */
  readonly join: WaitLine;
  readonly meta: QueueMeta;
  readonly capacity: number;
  readonly maxsize: number;

  constructor(ref: number) {
    super(ref, 'queue');
    this.meta = readMeta(ref);
    this.space = new WaitLine(ref, WaitQueue.space);
    this.join = new WaitLine(ref, WaitQueue.join);
    native.parameters(ref);
    const [capacity = 0, maxsize = 0] = native.out;
    this.capacity = capacity;
    this.maxsize = maxsize;
  }

  #memory: ArrayBuffer | undefined;

  /** The memory in which all messages of the ring lie. */
  ringMemory(): ArrayBuffer {
    return (this.#memory ??= call(() => native.ringBuffer(this.ref)));
  }

  /** Something happened that any of those who wait in this thread may be waiting for. */
  nudge(): void {
    this.main.nudge();
    this.space.nudge();
    this.join.nudge();
  }

  override abandon(facade: SharedObject, error: () => Error): void {
    super.abandon(facade, error);
    this.space.abandon(facade, error);
    this.join.abandon(facade, error);
    // What arrived should be gone when its queue is, and not some time later.
    releaseConsumed();
  }

  /**
   * Names the processes that are in the middle of a put or a get: when one of them is stopped, what it has claimed cannot
   * be used by others. Only worth saying after a wait; at any one moment somebody is always busy.
   *
   * @returns the end of a message, and the details of a Full.
   */
  whoIsBusy(waited: boolean): { text: string; facts: { pid?: number } } {
    const pids = waited ? native.stats(this.ref).busyPids.filter((pid) => pid !== process.pid) : [];
    const [pid] = pids;
    if (pid === undefined) return { text: '', facts: {} };
    const who = pids.length === 1 ? `process ${pid} is` : `processes ${pids.join(', ')} are`;
    return { text: `; ${who} in the middle of a put or get`, facts: { pid } };
  }
}
