/**
 * What runs in the workers of a pool.
 */
import type { Claimed, Unreadable } from '../../channels/incoming.js';
import { FrameQueue } from '../../channels/frame-queue.js';
import type { Job } from '../../channels/job.js';
import type { JoinableQueue } from '../../channels/joinable-queue.js';
import type { Queue } from '../../channels/queue.js';
import { ShutDownError } from '../../errors.js';
import { attach } from '../../internal/handle.js';
import { type AnyFunction, loadTask, type TaskReference } from '../../internal/task-reference.js';
import { isTurnDue } from '../../internal/turn.js';
import { importGuarded } from '../import-guard.js';
import { task } from '../task.js';
import { now } from '../../internal/clock.js';
import { givesList, type JobMessage, jobDecoder } from './job-message.js';
import { JobTable, type JobTableMemory } from './job-table.js';
import { laneOfSeat } from './lane.js';
import { Reporter } from './reporter.js';
import { failedOutcome, type JobOutcome, runJob } from './run-job.js';

/** A place at work, which exactly one worker has at a time: the jobs in its own queue are for whoever has it. */
export interface Seat {
  readonly index: number;
  /** Handle of its queue, which the pool's process keeps open. */
  readonly jobs: string;
}

/** What every worker of a pool is given. */
export interface WorkerSetup {
  readonly seats: JoinableQueue<Seat>;
  readonly jobs: Queue;
  readonly outcomes: Queue;
  readonly table: JobTableMemory;
  readonly initializer: TaskReference | null;
  readonly maxTasks: number;
  /** Bytes. */
  readonly maxMemory: number;
  readonly concurrency: number;
}

/** What one worker is given: its number in the job table, the pool's setup, and the arguments of the initializer. */
export type WorkerArguments = readonly [number, WorkerSetup, readonly unknown[]];

/** The target of the workers' processes. */
export const workerTask = task(
  'multiproc:pool',
  async function work(worker: number, setup: WorkerSetup, initargs: readonly unknown[]): Promise<void> {
    // What the interrupt key ends is for the pool's process to say: to it the signal goes as well.
    process.on('SIGINT', () => undefined);
    if (setup.initializer !== null) {
      const initialize = await loadTask(setup.initializer);
      await initialize(...(initargs as never[]));
    }
    await new Worker(worker, setup).work();
    process.exit();
  },
);

/** Functions that were used before, by their address. */
const known = new Map<string, AnyFunction>();

async function load(address: string): Promise<AnyFunction> {
  const [module = '', name] = address.split('\n');
  const fn = await importGuarded(module, () => loadTask({ module, name }));
  known.set(address, fn);
  return fn;
}

const decoder = jobDecoder((address) => known.has(address));

class Worker {
  readonly #number: number;
  readonly #setup: WorkerSetup;
  readonly #table: JobTable;
  readonly #reporter: Reporter;
  readonly #jobs: FrameQueue<JobMessage>;
  /** The jobs of its seat, which only it takes. */
  #own: FrameQueue<JobMessage> | undefined;
  #watchesOwn = false;
  /** How many jobs are being worked on. */
  #running = 0;
  #tasksLeft: number;
  /** Ends the rest. */
  #wake: () => void = () => undefined;

  constructor(worker: number, setup: WorkerSetup) {
    this.#number = worker;
    this.#setup = setup;
    this.#table = new JobTable(setup.table);
    this.#reporter = new Reporter(setup.outcomes, worker);
    this.#jobs = new FrameQueue(setup.jobs, decoder);
    this.#tasksLeft = setup.maxTasks;
  }

  async work(): Promise<void> {
    await this.#reporter.ready();
    const seat = await this.#takeSeat();
    if (seat === undefined) return;
    this.#reporter.seat = seat.value.index;
    this.#own = new FrameQueue(attach<Queue>(seat.value.jobs), decoder);
    while (this.#tasksLeft > 0) {
      const claimed = this.#running < this.#setup.concurrency ? this.#take() : undefined;
      if (claimed !== undefined) this.#use(claimed.queue, claimed.job);
      else if (this.#jobs.over && this.#own.over) break;
      else await this.#rest();
      if (isTurnDue()) await new Promise(setImmediate);
    }
    while (this.#running > 0) await this.#rest();
    await this.#reporter.delivered();
    // The seat is given back by the end of the process: nobody else may take its jobs while something may still go on here.
  }

  /** There is one when somebody's has become free; none when the pool is closed. */
  async #takeSeat(): Promise<Job<Seat> | undefined> {
    try {
      return await this.#setup.seats.take();
    } catch (error) {
      if (error instanceof ShutDownError) return undefined;
      throw error;
    }
  }

  #take(): { queue: FrameQueue<JobMessage>; job: Claimed<JobMessage> | Unreadable } | undefined {
    for (const queue of [this.#own, this.#jobs]) {
      const job = queue?.tryTake();
      if (queue !== undefined && job !== undefined) return { queue, job };
    }
    return undefined;
  }

  /** Until there may be something to take, or a job is done. */
  async #rest(): Promise<void> {
    const canTake = this.#tasksLeft > 0 && this.#running < this.#setup.concurrency;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (!canTake) return;
      if (!this.#jobs.over) this.#jobs.ready().then(resolve, resolve);
      this.#watchOwn();
    });
    // Who is busy must not be the one who is woken.
    this.#jobs.interrupt();
  }

  /** Nobody else waits for these, so it can go on while a job runs. */
  #watchOwn(): void {
    const own = this.#own;
    if (own === undefined || own.over || this.#watchesOwn) return;
    this.#watchesOwn = true;
    const changed = (): void => {
      this.#watchesOwn = false;
      this.#wake();
    };
    own.ready().then(changed, changed);
  }

  #use(queue: FrameQueue<JobMessage>, job: Claimed<JobMessage> | Unreadable): void {
    const release = (): void => {
      queue.release(job.position);
    };
    if ('error' in job) this.#go(this.#refuse(queue, job, release));
    else this.#begin(job.value, release);
  }

  /** It might be that others can read it. But whoever takes it and cannot must not keep all others from their work. */
  async #refuse(queue: FrameQueue<JobMessage>, { position, error }: Unreadable, release: () => void): Promise<void> {
    const lane = queue === this.#own ? laneOfSeat(this.#reporter.seat) : 0;
    await this.#reporter.unreadable(lane, position, error);
    // Only now: until the pool knows, the message must come back if this process dies.
    release();
  }

  #begin(message: JobMessage, release: () => void): void {
    if (!this.#table.begin(message.slot, message.generation, this.#number)) {
      // It was taken back, or begun by somebody who died of it.
      release();
      return;
    }
    this.#tasksLeft -= 1;
    const working = this.#workOn(message, release);
    if (working !== undefined) this.#go(working);
  }

  #go(working: Promise<void>): void {
    this.#running += 1;
    // Nobody catches what goes wrong here: an outcome that cannot be reported must not be waited for, so the worker dies of it.
    void working.then(() => {
      this.#running -= 1;
      this.#wake();
    });
  }

  #workOn(message: JobMessage, release: () => void): Promise<void> | undefined {
    const fn = known.get(message.address);
    // Importing the module, and what runs while arguments are decoded, may hang too.
    if (fn === undefined || message.timed) this.#table.prepare(message.slot, now());
    if (fn === undefined) return this.#loadAndRun(message, release);
    return this.#run(fn, message, release);
  }

  async #loadAndRun(message: JobMessage, release: () => void): Promise<void> {
    let fn: AnyFunction;
    try {
      fn = await load(message.address);
    } catch (error) {
      release();
      await this.#report(message, now(), failedOutcome(error));
      return;
    }
    await this.#run(fn, message, release, true);
  }

  /** @param prepared was it said that it has not begun? */
  #run(fn: AnyFunction, message: JobMessage, release: () => void, prepared = message.timed): Promise<void> | undefined {
    const begun = now();
    let payload: unknown;
    try {
      payload = message.payload();
    } catch (error) {
      release();
      return this.#report(message, begun, failedOutcome(error));
    }
    // The job is this worker's by now, as the table says: what is left in the queue is only room.
    release();
    const { slot, timed } = message;
    const onItem = (): void => {
      this.#table.mark(slot, now());
    };
    if (prepared) onItem();
    const outcome = runJob(fn, message.mode, payload, timed ? onItem : undefined);
    return outcome instanceof Promise
      ? outcome.then((value) => this.#report(message, begun, value))
      : this.#report(message, begun, outcome);
  }

  #report(message: JobMessage, begun: number, outcome: JobOutcome): Promise<void> | undefined {
    const { slot, generation, mode } = message;
    if (!this.#table.finish(slot, generation, this.#number)) {
      // Nobody waits for the outcome, and the signal that ends this process is on its way.
      this.#tasksLeft = 0;
      return undefined;
    }
    const took = now() - begun;
    const sent = this.#reporter.report({ slot, generation, begun, took }, outcome, givesList(mode));
    if (this.#setup.maxMemory !== Infinity && process.memoryUsage.rss() > this.#setup.maxMemory) this.#tasksLeft = 0;
    return sent;
  }
}
