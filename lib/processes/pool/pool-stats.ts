/**
 * What a pool has done so far.
 */
import type { RecordableHistogram } from 'node:perf_hooks';
import { builtin } from '../../internal/builtin.js';
import { Outcome, type OutcomeMessage } from './outcome-message.js';
import type { PoolJob } from './pool-job.js';

/** A distribution of times, in milliseconds. */
export interface TimeHistogram {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly stddev: number;
  /** The time that half of all, 90 % and 99 % did not exceed. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** One worker of a pool. */
export interface WorkerStats {
  readonly pid: number;
  readonly name: string;
  /** Is it ready for work, or still starting? */
  readonly ready: boolean;
  /** Jobs that it has done: single tasks, or chunks of a map. */
  readonly jobs: number;
  /** Milliseconds that it worked on them. */
  readonly busy: number;
}

/** What a pool has done and holds now. A job is what goes to a worker at once: a single task, or a chunk of a map. */
export interface PoolStats {
  /** Workers that live, spare ones included. */
  readonly workers: readonly WorkerStats[];
  /** Jobs that no worker has begun. */
  readonly queued: number;
  /** Jobs that some worker is working on. */
  readonly running: number;
  /** Jobs that were done. */
  readonly completed: number;
  /** Jobs that failed as a whole: a task that threw, a worker that died, a time limit. */
  readonly failed: number;
  /** Workers that were started so far. */
  readonly started: number;
  /** Time from the call until a worker began. */
  readonly waitTime: TimeHistogram;
  /** Time from then until the job was done. */
  readonly runTime: TimeHistogram;
}

const NANOSECONDS = 1e6;

/** Counts and times of one worker. */
export interface WorkerCounters {
  jobs: number;
  busy: number;
}

/** Counts for all jobs of a pool. */
export class PoolCounters {
  completed = 0;
  failed = 0;
  readonly #waitTime = builtin.perfHooks.createHistogram();
  readonly #runTime = builtin.perfHooks.createHistogram();
  readonly #workers = new Map<number, WorkerCounters>();

  record({ kind, worker, begun, took }: OutcomeMessage, { submitted }: PoolJob): void {
    if (kind === Outcome.failed) this.failed += 1;
    else this.completed += 1;
    // A histogram takes whole numbers from 1.
    this.#waitTime.record(Math.max(1, Math.round((begun - submitted) * NANOSECONDS)));
    this.#runTime.record(Math.max(1, Math.round(took * NANOSECONDS)));
    const counters = this.worker(worker);
    counters.jobs += 1;
    counters.busy += took;
  }

  worker(number: number): WorkerCounters {
    let counters = this.#workers.get(number);
    if (counters === undefined) this.#workers.set(number, (counters = { jobs: 0, busy: 0 }));
    return counters;
  }

  forget(number: number): void {
    this.#workers.delete(number);
  }

  histograms(): Pick<PoolStats, 'waitTime' | 'runTime'> {
    return { waitTime: timesOf(this.#waitTime), runTime: timesOf(this.#runTime) };
  }
}

function timesOf(histogram: RecordableHistogram): TimeHistogram {
  const { count } = histogram;
  if (count === 0) return { count, min: 0, max: 0, mean: 0, stddev: 0, p50: 0, p90: 0, p99: 0 };
  const { min, max, mean, stddev } = histogram;
  const at = (percentile: number): number => histogram.percentile(percentile) / NANOSECONDS;
  return {
    count,
    min: min / NANOSECONDS,
    max: max / NANOSECONDS,
    mean: mean / NANOSECONDS,
    stddev: stddev / NANOSECONDS,
    p50: at(50),
    p90: at(90),
    p99: at(99),
  };
}
