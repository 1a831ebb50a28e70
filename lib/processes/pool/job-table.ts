/**
 * JobTable: who works on what, in memory that all processes of a pool see.
 *
 * Each job that is on its way has a slot, and its message names the slot with the slot's generation. A worker may begin only by turning the
 * slot's word from "queued" into its own number, and whoever takes the job back does so by raising the generation: of the two exactly
 * one succeeds. So a job that was cancelled is never begun, one that was begun is never begun again, and what a dead worker was
 * working on can be read here.
 *
 * In the same way one of the two says the last word about a job that was begun: its worker, when it has finished, or who ends the worker for
 * it. So no worker is ended for a job that it has left behind, while it works on another one.
 */
import { SharedArray } from '../../memory/array.js';

/** Jobs on their way at most; more wait in the pool's process. */
const SLOTS = 4096;
const WORKER_MASK = (1 << 10) - 1;
/** Nobody can finish or condemn the job any more. */
const DECIDED = 1 << 10;
const STATE_BITS = 11;
/** The state of a slot whose job no worker has begun; other states are workers' numbers, with or without `DECIDED`. */
const QUEUED = 0;
/** Workers' numbers are 1 to this. They and the pool's process must find room among the participants of a queue. */
export const MOST_WORKERS = WORKER_MASK - 1;
const GENERATIONS = 2 ** (32 - STATE_BITS);

/** The memory, to be handed to workers. */
export interface JobTableMemory {
  readonly words: SharedArray<'I'>;
  /**
   * When the current item of a job with a time limit was begun, by the clock of the library. Negative: when the worker began to prepare for the job, of which
   * nothing has run yet; that is also said of jobs without a limit, if their function has to be imported.
   */
  readonly begun: SharedArray<'d'>;
}

function wordOf(generation: number, state: number): number {
  return ((generation << STATE_BITS) | state) >>> 0;
}

/** The workers' side. */
export class JobTable {
  readonly #words: Uint32Array;
  readonly #begun: Float64Array;

  constructor({ words, begun }: JobTableMemory) {
    this.#words = words.getObj();
    this.#begun = begun.getObj();
  }

  /** The job is this worker's now; false when it was taken back. */
  begin(slot: number, generation: number, worker: number): boolean {
    const queued = wordOf(generation, QUEUED);
    return Atomics.compareExchange(this.#words, slot, queued, wordOf(generation, worker)) === queued;
  }

  /** The worker has done the job; false when it is to be ended for it. */
  finish(slot: number, generation: number, worker: number): boolean {
    const begun = wordOf(generation, worker);
    return Atomics.compareExchange(this.#words, slot, begun, (begun | DECIDED) >>> 0) === begun;
  }

  /** Its arguments, or its function, are not here yet. */
  prepare(slot: number, now: number): void {
    this.#begun[slot] = -now;
  }

  /** Its next item begins. */
  mark(slot: number, now: number): void {
    this.#begun[slot] = now;
  }
}

/** The side of the pool's own process, which gives the slots away. */
export class JobSlots {
  readonly memory: JobTableMemory;
  readonly #words: Uint32Array;
  readonly #begun: Float64Array;
  readonly #free: number[] = [];
  readonly #generations = new Uint32Array(SLOTS);

  constructor() {
    this.memory = {
      words: new SharedArray('I', SLOTS, { lock: false }),
      begun: new SharedArray('d', SLOTS, { lock: false }),
    };
    this.#words = this.memory.words.getObj();
    this.#begun = this.memory.begun.getObj();
    for (let slot = SLOTS - 1; slot >= 0; slot -= 1) this.#free.push(slot);
  }

  /** Is no job on its way? */
  get areFree(): boolean {
    return this.#free.length === SLOTS;
  }

  /** A slot, queued; `undefined` when all are in use. */
  take(): number | undefined {
    const slot = this.#free.pop();
    if (slot !== undefined) Atomics.store(this.#words, slot, wordOf(this.generation(slot), QUEUED));
    return slot;
  }

  /** Which use of the slot this is. */
  generation(slot: number): number {
    return this.#generations[slot] ?? 0;
  }

  /** The worker that has begun the job, or 0. */
  worker(slot: number): number {
    return Atomics.load(this.#words, slot) & WORKER_MASK;
  }

  /** When the job's current item, or what comes before the first one, was begun; 0: not yet, or it has no limit. */
  begun(slot: number): number {
    return Math.abs(this.#begun[slot] ?? 0);
  }

  /** Has any of the job run, as far as its worker has said? */
  hasBegun(slot: number): boolean {
    return (this.#begun[slot] ?? 0) >= 0;
  }

  /** Takes the job back. False when a worker has begun it: then it is to be ended otherwise. */
  withdraw(slot: number): boolean {
    const queued = wordOf(this.generation(slot), QUEUED);
    const next = (this.generation(slot) + 1) % GENERATIONS;
    if (Atomics.compareExchange(this.#words, slot, queued, wordOf(next, QUEUED)) !== queued) return false;
    this.release(slot);
    return true;
  }

  /** Its worker is to be ended for it. False when it has finished: then it may be working on another one. */
  condemn(slot: number): boolean {
    const begun = wordOf(this.generation(slot), this.worker(slot));
    return Atomics.compareExchange(this.#words, slot, begun, (begun | DECIDED) >>> 0) === begun;
  }

  /** The job is over. Whatever still refers to this use of the slot has no effect any more. */
  release(slot: number): void {
    const generation = (this.generation(slot) + 1) % GENERATIONS;
    this.#generations[slot] = generation;
    Atomics.store(this.#words, slot, wordOf(generation, QUEUED));
    this.#begun[slot] = 0;
    this.#free.push(slot);
  }

  close(): void {
    this.memory.words.close();
    this.memory.begun.close();
  }
}
