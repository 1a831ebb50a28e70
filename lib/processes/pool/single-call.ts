/**
 * SingleCall: one task with its arguments, as `apply` makes it.
 */
import { ignoreAbort, listenToAbort } from '../../internal/abort-listeners.js';
import { now } from '../../internal/clock.js';
import type { CallSettings } from './call-options.js';
import type { Dispatcher } from './dispatcher.js';
import { type CallHead, Mode } from './job-message.js';
import { type Call, PoolJob } from './pool-job.js';

/** Who waits for a call. */
export interface Sink<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** What every kind of call is made from. */
export interface CallPlan extends Omit<CallSettings, 'key'> {
  readonly head: CallHead;
  readonly lane: number;
}

/** One job. */
export class SingleCall implements Call {
  readonly head: CallHead;
  readonly lane: number;
  readonly timeout: number;
  readonly retries: number;
  readonly #dispatcher: Dispatcher;
  readonly #sink: Sink<unknown>;
  readonly #job: PoolJob;
  readonly #signal: AbortSignal | undefined;

  /** @throws NotTransferableError. */
  constructor(dispatcher: Dispatcher, plan: CallPlan, args: readonly unknown[], sink: Sink<unknown>) {
    this.head = plan.head;
    this.lane = plan.lane;
    this.timeout = plan.timeout;
    this.retries = plan.retries;
    this.#dispatcher = dispatcher;
    this.#sink = sink;
    this.#signal = plan.signal;
    // A single argument travels as it is: most values are encoded faster than a list of them.
    const isOne = args.length === 1;
    this.#job = new PoolJob(this, isOne ? Mode.one : Mode.apply, 0, 1, now());
    dispatcher.submit(this.#job, isOne ? args[0] : args);
    listenToAbort(this.#signal, this.#onAbort);
    // Copying the arguments may have run code of the program.
    if (this.#signal?.aborted === true) this.#onAbort();
  }

  /** Gives it up; nobody is told. */
  cancel(): void {
    this.#leave();
    this.#dispatcher.cancel(this.#job, true);
  }

  finish(_job: PoolJob, payload: unknown): void {
    this.#leave();
    this.#sink.resolve(payload);
  }

  fail(_job: PoolJob, error: unknown): void {
    this.#leave();
    this.#sink.reject(error);
  }

  readonly #onAbort = (): void => {
    this.cancel();
    this.#sink.reject(this.#signal?.reason);
  };

  #leave(): void {
    ignoreAbort(this.#signal, this.#onAbort);
  }
}
