/**
 * Lane: one of a pool's queues of jobs, and those that have no room in it yet.
 */
import type { FrameQueue } from '../../channels/frame-queue.js';
import type { PoolJob } from './pool-job.js';

/** Drop the part of a list that has been read when it is at least so long. */
const COMPACT_AT = 1024;

/** First in, first out. */
export class Lane {
  readonly queue: FrameQueue;
  /** The job that waits for room in the queue, which none may pass, and what calls that off. */
  #blocker: { readonly job: PoolJob; readonly callOff: () => void } | undefined;
  #waiting: PoolJob[] = [];
  #next = 0;

  constructor(queue: FrameQueue) {
    this.queue = queue;
  }

  get blocker(): PoolJob | undefined {
    return this.#blocker?.job;
  }

  /** A job was sent, and waits for room. */
  block(job: PoolJob, callOff: () => void): void {
    this.#blocker = { job, callOff };
  }

  /** It is in the queue, or never will be. */
  unblock(): void {
    this.#blocker = undefined;
  }

  /** It does not wait any longer. */
  callOff(): void {
    this.#blocker?.callOff();
    this.#blocker = undefined;
  }

  /** How many wait in this process, for others that were sent before. */
  get size(): number {
    return this.#waiting.length - this.#next;
  }

  /** Those that wait, the first one first. */
  waiting(): PoolJob[] {
    return this.#waiting.slice(this.#next);
  }

  push(job: PoolJob): void {
    this.#waiting.push(job);
  }

  first(): PoolJob | undefined {
    return this.#waiting[this.#next];
  }

  shift(): void {
    this.#next += 1;
    if (this.#next < COMPACT_AT || this.#next * 2 < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#next);
    this.#next = 0;
  }

  clear(): void {
    this.#waiting = [];
    this.#next = 0;
  }
}

/** Which lane leads to whoever has a seat; 0 leads to all. */
export function laneOfSeat(index: number): number {
  return 1 + index;
}
