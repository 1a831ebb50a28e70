/**
 * Crew: the workers of a pool. Replaces those that die; gives up when they die before they are ready.
 */
import { StateError, WorkerDiedError } from '../../errors.js';
import { now } from '../../internal/clock.js';
import type { ProcessSettings } from '../process-options.js';
import { Process } from '../process.js';
import { MOST_WORKERS } from './job-table.js';
import type { PoolCounters, WorkerStats } from './pool-stats.js';
import { type WorkerArguments, workerTask } from './pool-worker.js';

/** Milliseconds that a worker has to end by itself before it is killed. */
const GRACE = 1000;
/** So many workers in a row that end before they are ready make it pointless to start more. */
const MOST_FAILED_STARTS = 3;
/** Milliseconds after which a worker that could not be started is tried again. */
const RETRY = 1000;

/** How workers are started. */
export interface CrewPlan {
  /** How many there are at a time, spare ones included. */
  readonly size: number;
  readonly settings: Pick<ProcessSettings, 'env' | 'execArgv' | 'cwd' | 'maxMemory' | 'startMethod'>;
  /** What a worker with this number is given. */
  readonly args: (worker: number) => WorkerArguments;
  /** Modules that its arguments need. */
  readonly preload: readonly string[];
}

/** What it tells. */
export interface CrewEvents {
  /** A worker has ended, whatever it was doing. Called before it is replaced. */
  died(worker: number, error: () => WorkerDiedError): void;
  /** No workers can be had. */
  failed(error: () => Error): void;
  /** The last one has ended, and none will follow. */
  gone(): void;
}

interface Worker {
  readonly number: number;
  readonly process: Process;
  ready: boolean;
  ended: boolean;
  /** When it is killed, because it has not ended by itself; by `now()`. */
  killAt: number;
}

/** Starts, replaces and ends workers. */
export class Crew {
  readonly #plan: CrewPlan;
  readonly #events: CrewEvents;
  readonly #counters: PoolCounters;
  readonly #workers = new Map<number, Worker>();
  #started = 0;
  #failedStarts = 0;
  /** Are those that end replaced? */
  #replacing = true;

  /** @throws as `Process.start`; no worker is left then. */
  constructor(plan: CrewPlan, events: CrewEvents, counters: PoolCounters) {
    this.#plan = plan;
    this.#events = events;
    this.#counters = counters;
    try {
      while (this.#workers.size < plan.size) this.#start();
    } catch (error) {
      this.#replacing = false;
      for (const { process } of this.#workers.values()) process.kill();
      for (const { process } of this.#workers.values()) process.joinSync();
      throw error;
    }
  }

  /** How many were started so far. */
  get started(): number {
    return this.#started;
  }

  /** A worker says that it is ready. */
  ready(number: number): void {
    const worker = this.#workers.get(number);
    if (worker === undefined) return;
    worker.ready = true;
    this.#failedStarts = 0;
  }

  /** Ends one worker; another one takes its place. */
  end(number: number): void {
    const worker = this.#workers.get(number);
    if (worker !== undefined) endSoon(worker);
  }

  /** From now on none is replaced. */
  stopReplacing(): void {
    this.#replacing = false;
  }

  /** Ends all. */
  terminate(): void {
    this.#replacing = false;
    for (const worker of this.#workers.values()) endSoon(worker);
  }

  /** Waits for the end of all. */
  async join(): Promise<void> {
    while (this.#workers.size > 0) {
      await Promise.all([...this.#workers.values()].map(({ process }) => process.join()));
      this.look();
    }
  }

  /** Waits for the end of one, blocking the thread for at most so long. @returns whether others are left. */
  joinOneSync(waitMs: number): boolean {
    // One that has ended may still be here: its end is what the caller is being told of.
    const living = (): Worker[] => [...this.#workers.values()].filter(({ ended }) => !ended);
    living()[0]?.process.joinSync({ timeout: waitMs });
    this.look();
    return living().length > 0;
  }

  /** Finds out who has ended, and kills those whose time is over: what timers would do. */
  look(): void {
    for (const worker of [...this.#workers.values()]) {
      if (worker.process.exitCode !== null) this.#ended(worker);
      else if (now() >= worker.killAt) worker.process.kill();
    }
  }

  stats(): WorkerStats[] {
    return [...this.#workers.values()].map(({ number, process, ready }) => ({
      pid: process.pid ?? 0,
      name: process.name,
      ready,
      ...this.#counters.worker(number),
    }));
  }

  #start(): void {
    const number = this.#freeNumber();
    this.#started += 1;
    const process = new Process<readonly unknown[]>({
      ...this.#plan.settings,
      target: workerTask as (...args: readonly unknown[]) => unknown,
      args: this.#plan.args(number),
      preload: this.#plan.preload,
      name: `PoolWorker-${this.#started}`,
      daemon: true,
    });
    process.start();
    const worker: Worker = { number, process, ready: false, ended: false, killAt: Infinity };
    this.#workers.set(number, worker);
    void process.sentinel.then(() => {
      this.#ended(worker);
    });
  }

  /** The numbers of the living; a number is used again when nothing refers to it any more. */
  #freeNumber(): number {
    for (let number = 1; number <= MOST_WORKERS; number += 1) if (!this.#workers.has(number)) return number;
    throw new StateError(`Cannot start worker: there are ${MOST_WORKERS}`);
  }

  #ended(worker: Worker): void {
    if (worker.ended) return;
    worker.ended = true;
    const error = (): WorkerDiedError => diedError(worker.process);
    // Also makes known what it still said.
    this.#events.died(worker.number, error);
    this.#workers.delete(worker.number);
    this.#counters.forget(worker.number);
    if (!worker.ready) this.#failedStarts += 1;
    if (this.#replacing) this.#replace(error);
    if (this.#workers.size === 0) this.#events.gone();
  }

  #replace(error: () => Error): void {
    if (this.#failedStarts >= MOST_FAILED_STARTS) {
      this.#replacing = false;
      this.#events.failed(error);
      return;
    }
    try {
      while (this.#workers.size < this.#plan.size) this.#start();
    } catch (cause) {
      // With the others the work goes on meanwhile.
      if (this.#workers.size > 0) {
        this.#retry(error);
        return;
      }
      this.#replacing = false;
      this.#events.failed(() => new StateError('Cannot start worker: the system refuses', { cause }));
    }
  }

  #retry(error: () => Error): void {
    setTimeout(() => {
      if (this.#replacing && this.#workers.size > 0) this.#replace(error);
    }, RETRY).unref();
  }
}

function endSoon(worker: Worker): void {
  if (worker.killAt !== Infinity) return;
  const { process } = worker;
  worker.killAt = now() + GRACE;
  process.terminate();
  setTimeout(() => {
    if (!worker.ended) process.kill();
  }, GRACE).unref();
}

function diedError({ pid, exitCode, signalCode, error }: Process): WorkerDiedError {
  const how = signalCode === null ? `exited with code ${exitCode}` : `was ended by ${signalCode}`;
  const why = error === null ? '' : `: ${error.message}`;
  return new WorkerDiedError(`Cannot finish task: its worker, process ${pid}, ${how}${why}`, {
    exitCode,
    signalCode,
    ...(error === null ? {} : { cause: error }),
  });
}
