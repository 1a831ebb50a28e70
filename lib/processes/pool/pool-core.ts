/**
 * PoolCore: what a pool consists of, and what its methods do.
 */
import { inspect } from 'node:util';
import { decoder } from '../../channels/incoming.js';
import { JoinableQueue } from '../../channels/joinable-queue.js';
import { Payload } from '../../channels/outgoing.js';
import { Queue } from '../../channels/queue.js';
import { argumentTypeError, StateError, TerminatedError, WorkerDiedError } from '../../errors.js';
import { now } from '../../internal/clock.js';
import { native } from '../../internal/native.js';
import { attachmentOf } from '../../internal/shared-object.js';
import { addressToSend, type AnyFunction, type TaskReference } from '../../internal/task-reference.js';
import { callBack } from './callbacks.js';
import { CallHeads } from './call-heads.js';
import {
  type ApplyOptions,
  checkCallback,
  checkCount,
  type ImapOptions,
  type MapOptions,
  optionsObject,
  parseCallOptions,
} from './call-options.js';
import { Crew } from './crew.js';
import { Dispatcher } from './dispatcher.js';
import { ImapRun } from './imap-run.js';
import { argumentLists, iteratorOf, listOf } from './items.js';
import { Mode } from './job-message.js';
import { laneOfSeat } from './lane.js';
import { MapCall } from './map-call.js';
import type { PoolPlan } from './pool-options.js';
import type { PoolStats } from './pool-stats.js';
import type { Seat } from './pool-worker.js';
import { type CallPlan, type Sink, SingleCall } from './single-call.js';

/** Bytes for jobs, and for outcomes, that are on their way; longer messages travel in memory of their own. */
const CAPACITY = 512 * 1024;
/** The same for the jobs of one worker. */
const SEAT_CAPACITY = 64 * 1024;
/** For each seat, which is a message that is never consumed. */
const SEAT_ROOM = 256;
/** Milliseconds for which a thread that joins blocks before it looks what there is to do. */
const SLICE = 50;
/** Default of `bufferSize`, unless chunks are large. */
const LEAST_BUFFER = 128;
/** Chunks for each worker by default: so many that one which takes long does not keep the others waiting. */
const CHUNKS_PER_WORKER = 4;

/** A function that workers can find: made by `task()`, or where to find it. */
export type PoolTask = AnyFunction | TaskReference;

/** The pool behind the user's object. */
export class PoolCore {
  readonly #plan: PoolPlan;
  readonly #seats: JoinableQueue<Seat>;
  /** For everybody's jobs, and then those of each seat. */
  readonly #queues: readonly Queue[];
  readonly #outcomes: Queue;
  readonly #dispatcher: Dispatcher;
  readonly #crew: Crew;
  readonly #heads = new CallHeads();
  /** Inputs that are not yet at their end. */
  readonly #runs = new Set<ImapRun<unknown>>();
  #state: 'running' | 'closing' | 'terminated' = 'running';
  /** Why there are no workers. */
  #failure: (() => Error) | null = null;

  /** @throws as the constructor of Pool; no process is left then. */
  constructor(plan: PoolPlan) {
    this.#plan = plan;
    const { processes, spares, initializer, maxTasks, maxMemory, concurrency, startTimeout, settings } = this.#plan;
    const reference = initializer === null ? null : addressToSend(initializer, 'make Pool');
    const initargs = copyOf(this.#plan.initargs);
    // Those that end and those that take their places may overlap.
    const maxParticipants = Math.min(1023, 2 * (processes + spares) + 16);
    const { queues, outcomes, seats } = makeQueues(processes, maxParticipants);
    this.#queues = queues;
    this.#outcomes = outcomes;
    this.#seats = seats;
    this.#dispatcher = new Dispatcher(
      this.#queues,
      this.#outcomes,
      {
        ready: (worker) => {
          this.#crew.ready(worker);
        },
        end: (worker) => {
          this.#crew.end(worker, 'for another of its tasks, which was cancelled or took too long');
        },
        idle: () => {
          this.#shutDownIfDone();
        },
      },
      { stay: maxTasks === Infinity && maxMemory === Infinity, share: concurrency > 1 },
    );
    const [jobs = this.#outcomes, ...seatQueues] = this.#queues;
    const setup = {
      seats: this.#seats,
      jobs,
      outcomes: this.#outcomes,
      table: this.#dispatcher.slots.memory,
      initializer: reference,
      maxTasks,
      maxMemory,
      concurrency,
    };
    try {
      for (const [index, queue] of seatQueues.entries()) this.#seats.putNowait({ index, jobs: queue.handle });
      this.#crew = new Crew(
        {
          size: processes + spares,
          settings,
          args: (worker) => [worker, setup, initargs],
          preload: reference === null ? [] : [reference.module],
          startTimeout,
        },
        {
          died: (worker, error, wasEnded) => {
            const wasWorking = this.#dispatcher.workerDied(worker, error, wasEnded);
            // So that a spare worker need not find out by itself.
            native.reap(attachmentOf(this.#seats)?.ref ?? -1);
            return wasWorking;
          },
          failed: (reason, error) => {
            this.#fail(reason, error);
          },
          gone: () => {
            this.#release();
          },
        },
        this.#dispatcher.counters,
      );
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  /** How it is, in a word. */
  get state(): string {
    return this.#failure === null ? this.#state : 'failed';
  }

  get processes(): number {
    return this.#plan.processes;
  }

  apply(
    action: string,
    task: PoolTask,
    args: readonly unknown[] = [],
    options: ApplyOptions | undefined,
    sink: Sink<unknown>,
  ): SingleCall {
    const plan = this.#callPlan(action, task, options);
    const { kwargs } = optionsObject(options, action);
    if (!Array.isArray(args))
      throw argumentTypeError(`Cannot ${action}: args must be an array, received ${inspect(args)}`);
    if (typeof kwargs !== 'object' && kwargs !== undefined)
      throw argumentTypeError(`Cannot ${action}: kwargs must be an object, received ${inspect(kwargs)}`);
    const all = kwargs === undefined || kwargs === null ? (args as unknown[]) : [...(args as unknown[]), kwargs];
    return new SingleCall(this.#dispatcher, plan, all, withCallbacks(sink, options, action));
  }

  map(
    action: string,
    mode: typeof Mode.map | typeof Mode.starmap,
    task: PoolTask,
    source: Iterable<unknown>,
    options: MapOptions | undefined,
    sink: Sink<unknown[]>,
  ): MapCall | undefined {
    const plan = this.#callPlan(action, task, options);
    const { chunksize, onProgress } = optionsObject(options, action) as MapOptions;
    const list = listOf(source, action);
    const items = mode === Mode.starmap ? argumentLists(list, action) : list;
    const wanted = Math.max(1, Math.ceil(items.length / (CHUNKS_PER_WORKER * this.#plan.processes)));
    const settings = {
      ...plan,
      mode,
      singleMode: mode === Mode.starmap ? Mode.apply : Mode.one,
      chunksize: checkCount(chunksize ?? wanted, 1, 'chunksize', action),
      onProgress: checkCallback(onProgress, 'onProgress', action),
    };
    const told = withCallbacks(sink, options, action);
    if (items.length > 0) return new MapCall(this.#dispatcher, settings, items, told);
    told.resolve([]);
    return undefined;
  }

  imap(
    action: string,
    ordered: boolean,
    task: PoolTask,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options: ImapOptions | undefined,
  ): ImapRun<unknown> {
    const plan = this.#callPlan(action, task, options);
    const given = optionsObject(options, action) as ImapOptions;
    const chunksize = checkCount(given.chunksize ?? 1, 1, 'chunksize', action);
    const wanted = Math.max(LEAST_BUFFER, 2 * chunksize * this.#plan.processes);
    const bufferSize = Math.max(chunksize, checkCount(given.bufferSize ?? wanted, 1, 'bufferSize', action));
    const onProgress = checkCallback(given.onProgress, 'onProgress', action);
    const run: ImapRun<unknown> = new ImapRun<unknown>(
      this.#dispatcher,
      { ...plan, chunksize, bufferSize, ordered, onProgress },
      iteratorOf(items, action),
      () => {
        this.#runs.delete(run);
        this.#shutDownIfDone();
      },
    );
    this.#runs.add(run);
    run.start();
    return run;
  }

  /** @throws unless calls may be made, with these options. */
  #callPlan(action: string, task: PoolTask, options: unknown): CallPlan {
    if (this.#failure !== null) throw this.#failure();
    if (this.#state !== 'running')
      throw new StateError(
        `Cannot ${action}: the pool was ${this.#state === 'closing' ? 'closed' : 'terminated'} before`,
      );
    const { timeout, signal, retries, key } = parseCallOptions(options, action, this.#plan.taskTimeout);
    signal?.throwIfAborted();
    const head = this.#heads.headFor(task, timeout !== Infinity, action);
    return {
      head,
      timeout,
      signal,
      retries,
      lane: key === undefined ? 0 : laneOfSeat(hashOf(key) % this.#plan.processes),
    };
  }

  /** Does what the event loop would do, blocking the thread, until `isDone` or the time is over. */
  drive(isDone: () => boolean, timeout: number): void {
    const deadline = now() + timeout;
    this.#dispatcher.drain();
    for (let left = timeout; !isDone() && left > 0; left = deadline - now()) {
      this.#dispatcher.driveSync(left);
      this.#crew.look();
    }
  }

  #shutDownIfDone(): void {
    if (this.#state !== 'closing' || this.#dispatcher.pending > 0 || this.#runs.size > 0) return;
    this.#crew.stopReplacing();
    if (this.#seats.closed) return;
    for (const queue of this.#queues) queue.shutdown();
    // Spare workers wait for seats, which the others have to their end.
    this.#seats.shutdown({ immediate: true });
  }

  #fail(reason: string, error: () => Error): void {
    this.#failure = () => {
      const cause = error();
      return new WorkerDiedError(`Cannot use Pool: ${reason}; ${cause.message}`, { cause });
    };
    this.#failAll(this.#failure);
    // Those that work would not be given anything any more.
    this.#crew.terminate();
  }

  #failAll(error: () => Error): void {
    for (const run of [...this.#runs]) run.abort(error);
    this.#dispatcher.failAll(error);
  }

  /** No worker is left, and none will follow. */
  #release(): void {
    for (const queue of [...this.#queues, this.#outcomes, this.#seats]) queue.close();
    this.#dispatcher.close();
  }

  close(): void {
    if (this.#state !== 'running') return;
    this.#state = 'closing';
    for (const run of [...this.#runs]) run.readAll();
    this.#shutDownIfDone();
  }

  /** As {@link close}; the input of an imap that somebody still reads from is not read to its end at once. */
  forget(): void {
    if (this.#state === 'running') this.#state = 'closing';
    this.#shutDownIfDone();
  }

  terminate(): Promise<void> {
    this.#state = 'terminated';
    this.#crew.terminate();
    this.#failAll(() => new TerminatedError('Cannot finish task: the pool was terminated before its value was there'));
    return this.#crew.join();
  }

  /** @throws StateError. */
  async join(): Promise<void> {
    this.#assertOver();
    this.#dispatcher.receiveToEnd();
    await this.#crew.join();
  }

  /** @throws StateError. */
  joinSync(): void {
    this.#assertOver();
    this.drive(() => this.#dispatcher.pending === 0 && !this.#hasInput(), Infinity);
    while (this.#crew.joinOneSync(SLICE)) this.#dispatcher.drain();
  }

  /** @throws StateError when it is not for a blocked thread to read. */
  #hasInput(): boolean {
    for (const run of this.#runs) {
      if (run.isReading)
        throw new StateError(
          'Cannot join Pool: the input of an imap gives promises, which a blocked thread cannot await',
        );
    }
    return this.#runs.size > 0;
  }

  stats(): PoolStats {
    this.#dispatcher.drain();
    const { counters } = this.#dispatcher;
    return {
      workers: this.#crew.stats(),
      ...this.#dispatcher.count(),
      completed: counters.completed,
      failed: counters.failed,
      started: this.#crew.started,
      ...counters.histograms(),
    };
  }

  #assertOver(): void {
    if (this.#state === 'running') throw new StateError('Cannot join Pool: close or terminate it first');
  }
}

/** @throws NoSpaceError; none is left then. */
function makeQueues(
  processes: number,
  maxParticipants: number,
): { queues: Queue[]; outcomes: Queue; seats: JoinableQueue<Seat> } {
  const made: Queue[] = [];
  const keep = <Q extends Queue>(queue: Q): Q => {
    made.push(queue);
    return queue;
  };
  const make = (capacity: number): Queue => keep(new Queue({ codec: 'raw', capacity, maxParticipants }));
  try {
    return {
      queues: [make(CAPACITY), ...Array.from({ length: processes }, () => make(SEAT_CAPACITY))],
      outcomes: make(CAPACITY),
      seats: keep(new JoinableQueue<Seat>({ capacity: SEAT_CAPACITY + processes * SEAT_ROOM, maxParticipants })),
    };
  } catch (error) {
    for (const queue of made) queue.close();
    throw error;
  }
}

/** A copy as it would arrive. @throws NotTransferableError. */
function copyOf(values: readonly unknown[]): readonly unknown[] {
  const payload = new Payload(values);
  try {
    return decoder.decode(payload.body, 0, payload.body.length, false) as unknown[];
  } finally {
    payload.drop();
  }
}

function withCallbacks<T>(sink: Sink<T>, options: ApplyOptions<T> | undefined, action: string): Sink<T> {
  const callback = checkCallback(options?.callback, 'callback', action);
  const errorCallback = checkCallback(options?.errorCallback, 'errorCallback', action);
  if (callback === undefined && errorCallback === undefined) return sink;
  return {
    resolve(value) {
      callBack(callback, value);
      sink.resolve(value);
    },
    reject(error) {
      callBack(errorCallback, error);
      sink.reject(error);
    },
  };
}

/** FNV-1a over the code units. */
function hashOf(key: string | number): number {
  let hash = 0x811c9dc5;
  const text = `${typeof key}:${key}`;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
