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
  /** The last job put is waiting for room: none may pass it. */
  blocked = false;
  #waiting: PoolJob[] = [];
  #next = 0;

  constructor(queue: FrameQueue) {
    this.queue = queue;
  }

  /** How many wait in this process. */
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
