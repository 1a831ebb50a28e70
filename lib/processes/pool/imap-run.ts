/**
 * ImapRun: reads the input of an imap as its values are taken.
 */
import { inspect } from 'node:util';
import { TimeoutError } from '../../errors.js';
import { ignoreAbort, listenToAbort } from '../../internal/abort-listeners.js';
import { Latch } from '../../internal/latch.js';
import { parseWait, type WaitOptions } from '../../internal/wait-options.js';
import { callBack } from './callbacks.js';
import type { Progress } from './call-options.js';
import { now } from '../../internal/clock.js';
import type { Dispatcher } from './dispatcher.js';
import { isThenable } from './items.js';
import { type CallHead, givesList, Mode } from './job-message.js';
import { packed } from './numbers.js';
import { type Call, type ItemFailure, PoolJob } from './pool-job.js';
import type { CallPlan } from './single-call.js';

/** A plan with what only these have. */
export interface ImapPlan extends CallPlan {
  readonly chunksize: number;
  readonly bufferSize: number;
  /** Do values come in the order of their items? */
  readonly ordered: boolean;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

/** What came of one item. */
type Result<T> = { readonly value: T } | { readonly error: unknown };

/** The work behind an iterator. */
export class ImapRun<T> implements Call {
  readonly head: CallHead;
  readonly lane: number;
  readonly timeout: number;
  readonly retries: number;
  readonly #dispatcher: Dispatcher;
  readonly #plan: ImapPlan;
  readonly #input: Iterator<unknown> | AsyncIterator<unknown>;
  readonly #onOver: () => void;
  /** Jobs that are under way. */
  #jobs = 0;
  /** Results by the place of their item, or, unordered, of their arrival. */
  readonly #results = new Map<number, Result<T>>();
  /** Items read; results put into the map; results given. */
  #read = 0;
  #arrived = 0;
  #given = 0;
  #chunk: unknown[] = [];
  #reading = false;
  #inputOver = false;
  #stopped = false;
  #eager = false;
  /** Opens when the next result is there or there are no more. */
  #changed = new Latch();
  readonly #waiting = new Set<object>();

  /** @param onOver called when nothing will be sent any more, and everything that was is done. */
  constructor(
    dispatcher: Dispatcher,
    plan: ImapPlan,
    input: Iterator<unknown> | AsyncIterator<unknown>,
    onOver: () => void,
  ) {
    this.head = plan.head;
    this.lane = plan.lane;
    this.timeout = plan.timeout;
    this.retries = plan.retries;
    this.#dispatcher = dispatcher;
    this.#plan = plan;
    this.#input = input;
    this.#onOver = onOver;
    listenToAbort(plan.signal, this.#onAbort);
  }

  /** Reads the input to its end without waiting for anybody to take the values. */
  readAll(): void {
    this.#eager = true;
    this.#readAhead();
  }

  /** Begins, or goes on, to read. */
  start(): void {
    this.#readAhead();
  }

  /** @param iterator which must not be forgotten while somebody waits for what it gives. */
  async next(options: WaitOptions | null | undefined, iterator: object): Promise<IteratorResult<T, undefined>> {
    const { timeout, signal } = parseWait(options);
    const deadline = now() + timeout;
    for (;;) {
      const result = this.#results.get(this.#given);
      if (result !== undefined) return this.#give(result);
      if (this.#over) return { value: undefined, done: true };
      const waiting = { iterator };
      this.#waiting.add(waiting);
      const inTime = await this.#changed.wait({ timeout: deadline - now(), signal }).finally(() => {
        this.#waiting.delete(waiting);
      });
      if (!inTime) throw new TimeoutError('Cannot get the next value: it was not there when the time was over');
    }
  }

  /** Is the next item of the input on its way, which needs the event loop? */
  get isReading(): boolean {
    return this.#reading;
  }

  /** Nothing more can be done: what is not there fails, and if nothing is left that could, the next item of the input does. */
  abort(error: () => unknown): void {
    if (this.#stopped) return;
    const hadInput = !this.#inputOver;
    const unsent = this.#chunk.length;
    this.#endInput();
    this.#chunk = [];
    const jobs = this.#dispatcher.cancelAll(this, true);
    for (const job of jobs) this.fail(job, error());
    for (let index = this.#read - unsent; index < this.#read; index += 1) this.#arrive(index, { error: error() });
    if (hadInput && jobs.length === 0 && unsent === 0) {
      this.#read += 1;
      this.#arrive(this.#read - 1, { error: error() });
    }
    this.#checkOver();
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#endInput();
    this.#dispatcher.cancelAll(this, false);
    this.#jobs = 0;
    this.#results.clear();
    this.#changed.open();
    this.#checkOver();
  }

  finish(job: PoolJob, payload: unknown, failures: readonly ItemFailure[]): void {
    if (givesList(job.mode)) this.#arriveAll(job, payload as ArrayLike<T>, failures);
    else this.#arrive(job.first, { value: payload as T });
    this.#jobOver();
  }

  fail(job: PoolJob, error: unknown): void {
    for (let index = 0; index < job.count; index += 1) this.#arrive(job.first + index, { error });
    this.#jobOver();
  }

  #arriveAll(job: PoolJob, values: ArrayLike<T>, failures: readonly ItemFailure[]): void {
    const failed = new Map(failures);
    for (let index = 0; index < job.count; index += 1) {
      const error = failed.get(index);
      this.#arrive(job.first + index, error === undefined ? { value: values[index] as T } : { error });
    }
  }

  /** Will nothing more come? */
  get #over(): boolean {
    return this.#stopped || (this.#inputOver && this.#given === this.#read);
  }

  #give(result: Result<T>): IteratorResult<T, undefined> {
    this.#results.delete(this.#given);
    this.#given += 1;
    this.#readAhead();
    if (!this.#results.has(this.#given) && !this.#over && this.#changed.isOpen) this.#changed = new Latch();
    if ('error' in result) throw result.error;
    return { value: result.value, done: false };
  }

  #arrive(place: number, result: Result<T>): void {
    if (this.#stopped) return;
    this.#results.set(this.#plan.ordered ? place : this.#arrived, result);
    this.#arrived += 1;
    if (this.#results.has(this.#given)) this.#changed.open();
  }

  #jobOver(): void {
    this.#jobs -= 1;
    callBack(this.#plan.onProgress, { done: this.#arrived, total: this.#inputOver ? this.#read : null });
    if (this.#eager) this.#readAhead();
    this.#checkOver();
  }

  #checkOver(): void {
    if (!this.#inputOver || this.#jobs > 0) return;
    ignoreAbort(this.#plan.signal, this.#onAbort);
    this.#onOver();
  }

  /** May more be read? */
  get #mayRead(): boolean {
    return this.#read - (this.#eager ? this.#arrived : this.#given) < this.#plan.bufferSize;
  }

  /** Reads as far as allowed. */
  #readAhead(): void {
    while (!this.#reading && !this.#inputOver && this.#mayRead) {
      try {
        const step = this.#input.next();
        if (isThenable(step)) {
          this.#reading = true;
          step.then(this.#onStep, this.#onInputError);
        } else {
          this.#step(step);
        }
      } catch (error) {
        this.#inputFailed(error);
      }
    }
  }

  readonly #onStep = (step: unknown): void => {
    this.#reading = false;
    if (this.#inputOver) return;
    try {
      this.#step(step);
    } catch (error) {
      this.#inputFailed(error);
    }
    this.#readAhead();
  };

  readonly #onInputError = (error: unknown): void => {
    this.#reading = false;
    this.#inputFailed(error);
  };

  #step(step: unknown): void {
    // As a loop would say.
    if (typeof step !== 'object' || step === null)
      throw new TypeError(`Iterator result ${inspect(step)} is not an object`);
    const { value, done } = step as IteratorResult<unknown, unknown>;
    if (done === true) {
      this.#inputOver = true;
      this.#sendChunk();
      if (this.#given === this.#read) this.#changed.open();
      this.#checkOver();
      return;
    }
    this.#chunk.push(value);
    this.#read += 1;
    if (this.#chunk.length === this.#plan.chunksize) this.#sendChunk();
  }

  /** The input's own error takes the place of its next item, and is the last one. */
  #inputFailed(error: unknown): void {
    if (this.#inputOver) return;
    this.#sendChunk();
    this.#inputOver = true;
    this.#read += 1;
    this.#arrive(this.#read - 1, { error });
    this.#checkOver();
  }

  #sendChunk(): void {
    const chunk = this.#chunk;
    if (chunk.length === 0) return;
    this.#chunk = [];
    const first = this.#read - chunk.length;
    try {
      this.#submit(chunk, first);
    } catch (error) {
      if (chunk.length === 1) this.#arrive(first, { error });
      // One of them cannot travel: the others can.
      else for (const [index, item] of chunk.entries()) this.#submitAlone(item, first + index);
    }
  }

  #submitAlone(item: unknown, place: number): void {
    try {
      this.#submit([item], place);
    } catch (error) {
      this.#arrive(place, { error });
    }
  }

  #submit(chunk: readonly unknown[], first: number): void {
    const isOne = chunk.length === 1;
    const job = new PoolJob(this, isOne ? Mode.one : Mode.map, first, chunk.length, now());
    this.#dispatcher.submit(job, isOne ? chunk[0] : packed(chunk));
    this.#jobs += 1;
  }

  readonly #onAbort = (): void => {
    this.abort(() => this.#plan.signal?.reason);
  };

  #endInput(): void {
    ignoreAbort(this.#plan.signal, this.#onAbort);
    if (this.#inputOver) return;
    this.#inputOver = true;
    try {
      const ending: unknown = this.#input.return?.();
      if (ending instanceof Promise) ending.catch(() => undefined);
    } catch {
      // Nobody asked for more of it.
    }
  }
}
