/**
 * Crew: the workers of a pool. Replaces those that die, as long as that makes sense.
 */
import { StateError, WorkerDiedError } from '../../errors.js';
import { now } from '../../internal/clock.js';
import type { ProcessSettings } from '../process-options.js';
import { Process } from '../process.js';
import { MOST_WORKERS } from './job-table.js';
import type { PoolCounters, WorkerStats } from './pool-stats.js';
import { StartLimit } from './start-limit.js';
import { type WorkerArguments, workerTask } from './pool-worker.js';

/** Milliseconds that a worker has to end by itself before it is killed. */
const GRACE = 1000;
/** Milliseconds after which a worker that could not be started is tried again. */
const RETRY = 1000;
/** Longest delay that Node's timers take; longer ones fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** How workers are started. */
export interface CrewPlan {
  /** How many there are at a time, spare ones included. */
  readonly size: number;
  readonly settings: Pick<ProcessSettings, 'env' | 'execArgv' | 'cwd' | 'maxMemory' | 'startMethod'>;
  /** What a worker with this number is given. */
  readonly args: (worker: number) => WorkerArguments;
  /** Modules that its arguments need. */
  readonly preload: readonly string[];
  /** Milliseconds until it must be ready; `Infinity`: any time. */
  readonly startTimeout: number;
}

/** What it tells. */
export interface CrewEvents {
  /** A worker has ended, by itself or by {@link Crew.end}. Called before it is replaced. @returns whether it was working. */
  died(worker: number, error: () => WorkerDiedError, wasEnded: boolean): boolean;
  /** No workers can be had, for this reason. */
  failed(reason: string, error: () => Error): void;
  /** The last one has ended, and none will follow. */
  gone(): void;
}

interface Worker {
  readonly number: number;
  readonly process: Process;
  /** When it became ready for work, by `now()`. */
  readyAt: number | undefined;
  /** When it is ended unless it is ready; by `now()`. */
  readonly startUntil: number;
  /** Why it was ended, to be told to those whose jobs fail by that. */
  endedFor: string | undefined;
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
  readonly #starts: StartLimit;
  #started = 0;
  /** Are those that end replaced? */
  #replacing = true;
  /** When those that are missing are started, by `now()`. */
  #fillAt = Infinity;
  #fillTimer: NodeJS.Timeout | undefined;
  #gone = false;

  /** @throws as `Process.start`; no worker is left then. */
  constructor(plan: CrewPlan, events: CrewEvents, counters: PoolCounters) {
    this.#plan = plan;
    this.#events = events;
    this.#counters = counters;
    this.#starts = new StartLimit(plan.size);
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
    worker.readyAt = now();
    this.#starts.ready();
  }

  /** Ends one worker; another one takes its place. @param why completes "its worker … was ended". */
  end(number: number, why: string): void {
    const worker = this.#workers.get(number);
    if (worker === undefined) return;
    worker.endedFor ??= why;
    endSoon(worker);
  }

  /** From now on none is replaced. */
  stopReplacing(): void {
    this.#replacing = false;
    this.#checkGone();
  }

  /** Ends all. */
  terminate(): void {
    this.#replacing = false;
    for (const worker of this.#workers.values()) endSoon(worker);
    this.#checkGone();
  }

  /** Waits for the end of all, and of those that are still to be started. */
  async join(): Promise<void> {
    while (!this.#gone) {
      const ends = [...this.#workers.values()].map(({ process }) => process.join());
      if (ends.length > 0) await Promise.all(ends);
      else await new Promise((resolve) => setTimeout(resolve, this.#fillAt - now()));
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

  /** Finds out who has ended, ends those whose time is over, and starts those whose time has come: what timers would do. */
  look(): void {
    for (const worker of [...this.#workers.values()]) {
      if (worker.process.exitCode !== null) this.#ended(worker);
      else if (now() >= worker.killAt) worker.process.kill();
      else this.#checkStart(worker);
    }
    if (now() >= this.#fillAt) this.#fill();
  }

  stats(): WorkerStats[] {
    return [...this.#workers.values()].map(({ number, process, readyAt }) => ({
      pid: process.pid ?? 0,
      name: process.name,
      ready: readyAt !== undefined,
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
    const { startTimeout } = this.#plan;
    const worker: Worker = {
      number,
      process,
      readyAt: undefined,
      startUntil: now() + startTimeout,
      endedFor: undefined,
      ended: false,
      killAt: Infinity,
    };
    this.#workers.set(number, worker);
    void process.sentinel.then(() => {
      this.#ended(worker);
    });
    if (startTimeout !== Infinity) this.#watchStart(worker);
  }

  #watchStart(worker: Worker): void {
    const left = Math.ceil(worker.startUntil - now());
    setTimeout(
      () => {
        this.#checkStart(worker);
        if (worker.readyAt === undefined && !worker.ended && now() < worker.startUntil) this.#watchStart(worker);
      },
      Math.min(left, LONGEST_TIMER),
    ).unref();
  }

  #checkStart(worker: Worker): void {
    if (worker.readyAt !== undefined || worker.ended || now() < worker.startUntil) return;
    this.end(worker.number, `since it was not ready within ${this.#plan.startTimeout} ms`);
  }

  /** The numbers of the living; a number is used again when nothing refers to it any more. */
  #freeNumber(): number {
    for (let number = 1; number <= MOST_WORKERS; number += 1) if (!this.#workers.has(number)) return number;
    throw new StateError(`Cannot start worker: there are ${MOST_WORKERS}`);
  }

  #ended(worker: Worker): void {
    if (worker.ended) return;
    worker.ended = true;
    const error = (): WorkerDiedError => diedError(worker);
    // Also makes known what it still said.
    const wasWorking = this.#events.died(worker.number, error, worker.endedFor !== undefined);
    if (this.#replacing) {
      const { readyAt, endedFor, process } = worker;
      this.#starts.ended({
        // Who is not ready in time was ended from here, and failed by itself.
        signalCode: endedFor === undefined ? process.signalCode : null,
        lasted: readyAt === undefined ? undefined : now() - readyAt,
        worked: wasWorking || this.#counters.worker(worker.number).jobs > 0,
      });
    }
    this.#workers.delete(worker.number);
    this.#counters.forget(worker.number);
    if (this.#replacing) this.#replace(error);
    this.#checkGone();
  }

  #replace(error: () => Error): void {
    const { reason, delay } = this.#starts;
    if (reason !== undefined) this.#giveUp(reason, error);
    else if (delay > 0) this.#fillSoon(delay);
    else this.#fill();
  }

  #fill(): void {
    this.#fillAt = Infinity;
    clearTimeout(this.#fillTimer);
    if (!this.#replacing) return;
    try {
      while (this.#workers.size < this.#plan.size) this.#start();
    } catch (cause) {
      // With the others the work goes on meanwhile.
      if (this.#workers.size > 0) this.#fillSoon(RETRY);
      else this.#giveUp('the system refuses to start workers', () => cause as Error);
    }
  }

  #fillSoon(delay: number): void {
    this.#fillAt = now() + delay;
    clearTimeout(this.#fillTimer);
    this.#fillTimer = setTimeout(() => {
      const left = this.#fillAt - now();
      if (left > 0) this.#fillSoon(left);
      else this.#fill();
    }, Math.ceil(delay)).unref();
  }

  #giveUp(reason: string, error: () => Error): void {
    this.#replacing = false;
    this.#events.failed(reason, error);
  }

  #checkGone(): void {
    if (this.#gone || this.#replacing || this.#workers.size > 0) return;
    this.#gone = true;
    this.#events.gone();
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

function diedError({ process: { pid, exitCode, signalCode, error }, endedFor }: Worker): WorkerDiedError {
  const how = signalCode === null ? `exited with code ${exitCode}` : `was ended by ${signalCode}`;
  const ending = endedFor === undefined ? how : `was ended ${endedFor}`;
  const why = error === null ? '' : `: ${error.message}`;
  return new WorkerDiedError(`Cannot finish task: its worker, process ${pid}, ${ending}${why}`, {
    exitCode,
    signalCode,
    ...(error === null ? {} : { cause: error }),
  });
}
