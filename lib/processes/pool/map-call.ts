/**
 * MapCall: one task for each item of a list, in chunks.
 */
import { Payload } from '../../channels/outgoing.js';
import { callBack } from './callbacks.js';
import type { Progress } from './call-options.js';
import { ignoreAbort, listenToAbort } from '../../internal/abort-listeners.js';
import { now } from '../../internal/clock.js';
import type { Dispatcher } from './dispatcher.js';
import { type CallHead, givesList, type Mode } from './job-message.js';
import { packed } from './numbers.js';
import { type Call, type ItemFailure, PoolJob } from './pool-job.js';
import type { CallPlan, Sink } from './single-call.js';

/** A plan with what only lists have. */
export interface MapPlan extends CallPlan {
  /** How the task is called for a chunk, and for a single item. */
  readonly mode: Mode;
  readonly singleMode: Mode;
  readonly chunksize: number;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

/** Waits for all of its jobs, also when one has failed; then gives the values in order, or the error that came first. */
export class MapCall implements Call {
  readonly head: CallHead;
  readonly lane: number;
  readonly timeout: number;
  readonly retries: number;
  readonly #dispatcher: Dispatcher;
  readonly #plan: MapPlan;
  readonly #sink: Sink<unknown[]>;
  readonly #values: unknown[];
  #done = 0;
  #failure: { readonly error: unknown } | undefined;

  /** @throws NotTransferableError; no job is left then. */
  constructor(dispatcher: Dispatcher, plan: MapPlan, items: readonly unknown[], sink: Sink<unknown[]>) {
    this.head = plan.head;
    this.lane = plan.lane;
    this.timeout = plan.timeout;
    this.retries = plan.retries;
    this.#dispatcher = dispatcher;
    this.#plan = plan;
    this.#sink = sink;
    this.#values = new Array<unknown>(items.length);
    if (plan.chunksize === 1) {
      this.#submit(items.every(isPrimitive) ? items : encodeAll(items));
    } else {
      const chunks = chunksOf(items, plan.chunksize);
      this.#submit(chunks.every(hasPrimitives) ? chunks : encodeAll(chunks));
    }
    listenToAbort(plan.signal, this.#onAbort);
    // Reading the items has run code of the program.
    if (plan.signal?.aborted === true) this.#onAbort();
  }

  /** Gives it up; nobody is told. */
  cancel(): void {
    this.#leave();
    this.#dispatcher.cancelAll(this, true);
  }

  finish(job: PoolJob, payload: unknown, failures: readonly ItemFailure[]): void {
    if (givesList(job.mode)) {
      const values = payload as ArrayLike<unknown>;
      for (let index = 0; index < job.count; index += 1) this.#values[job.first + index] = values[index];
    } else {
      this.#values[job.first] = payload;
    }
    const [first] = failures;
    if (first !== undefined) this.#failure ??= { error: first[1] };
    this.#jobOver(job);
  }

  fail(job: PoolJob, error: unknown): void {
    this.#failure ??= { error };
    this.#jobOver(job);
  }

  #submit(chunks: readonly unknown[]): void {
    const submitted = now();
    const { mode, singleMode, chunksize } = this.#plan;
    for (const [index, chunk] of chunks.entries()) {
      const first = index * chunksize;
      const count = Math.min(chunksize, this.#values.length - first);
      try {
        this.#dispatcher.submit(new PoolJob(this, chunksize === 1 ? singleMode : mode, first, count, submitted), chunk);
      } catch (error) {
        this.#dispatcher.cancelAll(this, true);
        for (const rest of chunks.slice(index + 1)) if (rest instanceof Payload) rest.drop();
        throw error;
      }
    }
  }

  #jobOver(job: PoolJob): void {
    this.#done += job.count;
    callBack(this.#plan.onProgress, { done: this.#done, total: this.#values.length });
    if (this.#done < this.#values.length) return;
    this.#leave();
    if (this.#failure === undefined) this.#sink.resolve(this.#values);
    else this.#sink.reject(this.#failure.error);
  }

  readonly #onAbort = (): void => {
    this.cancel();
    this.#sink.reject(this.#plan.signal?.reason);
  };

  #leave(): void {
    ignoreAbort(this.#plan.signal, this.#onAbort);
  }
}

function chunksOf(items: readonly unknown[], size: number): ArrayLike<unknown>[] {
  const chunks: ArrayLike<unknown>[] = [];
  for (let first = 0; first < items.length; first += size) chunks.push(packed(items.slice(first, first + size)));
  return chunks;
}

/** Such values can travel, that much is certain at a glance. */
function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol');
}

function hasPrimitives(chunk: ArrayLike<unknown>): boolean {
  return !Array.isArray(chunk) || chunk.every(isPrimitive);
}

/** All of them before the first one is sent: an item that cannot travel is an error of the call, which then has done nothing. */
function encodeAll(chunks: readonly unknown[]): Payload[] {
  const payloads: Payload[] = [];
  try {
    for (const chunk of chunks) payloads.push(new Payload(chunk));
    return payloads;
  } catch (error) {
    for (const payload of payloads) payload.drop();
    throw error;
  }
}
