/**
 * The options of a Pool, checked.
 */
import { inspect } from 'node:util';
import { argumentRangeError, argumentTypeError } from '../../errors.js';
import { type AnyFunction, taskReferenceOf, type TaskReference } from '../../internal/task-reference.js';
import { usableCpuCount } from '../cpu-count.js';
import { checkCount, checkTime, optionsObject } from './call-options.js';
import { MOST_WORKERS } from './job-table.js';
import type { ProcessSettings } from '../process-options.js';

/** Options of `new Pool()`. */
export interface PoolOptions extends Pick<ProcessSettings, 'env' | 'execArgv' | 'cwd' | 'maxMemory' | 'startMethod'> {
  /** How many workers work at a time, 1 to 1,022; default: `usableCpuCount()`. */
  readonly processes?: number | null | undefined;
  /** Called in each worker before it does anything else; its promise is awaited. A task, or where to find one. */
  readonly initializer?: AnyFunction | TaskReference | null | undefined;
  /** What the initializer is called with. Copied now. */
  readonly initargs?: readonly unknown[] | undefined;
  /** After so many jobs (single tasks, or chunks of a map) a worker ends and is replaced; default: never. */
  readonly maxTasksPerChild?: number | null | undefined;
  /** A worker whose resident memory is larger than so many bytes after a job ends and is replaced; default: any size. */
  readonly maxMemoryPerChild?: number | null | undefined;
  /** Milliseconds that a task may take, unless a call says otherwise; default: any time. */
  readonly taskTimeout?: number | null | undefined;
  /**
   * Milliseconds that a worker may take from its start until it is ready for work: to import the initializer's module, and for the initializer. Then it is
   * ended, which counts as a start that has failed. Default: any time.
   */
  readonly startTimeout?: number | null | undefined;
  /**
   * How many tasks a worker may be working on at a time, which is of use to those that wait for something; default 1. A process ends as a whole: when one
   * of them is cancelled, or takes too long, the others of that worker that were begun are begun again if their `retries` allow it, and fail with
   * WorkerDiedError otherwise.
   */
  readonly concurrency?: number | undefined;
  /** Workers that are started beforehand, to take the place of one that ends without delay; default 0. */
  readonly spares?: number | undefined;
}

/** The checked form. */
export interface PoolPlan {
  readonly processes: number;
  readonly initializer: AnyFunction | TaskReference | null;
  readonly initargs: readonly unknown[];
  readonly maxTasks: number;
  readonly maxMemory: number;
  readonly taskTimeout: number;
  readonly startTimeout: number;
  readonly concurrency: number;
  readonly spares: number;
  readonly settings: Pick<ProcessSettings, 'env' | 'execArgv' | 'cwd' | 'maxMemory' | 'startMethod'>;
}

const ACTION = 'make Pool';

/** @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT). */
export function parsePoolOptions(source: unknown): PoolPlan {
  const options = (typeof source === 'number' ? { processes: source } : optionsObject(source, ACTION)) as PoolOptions;
  const {
    processes,
    initializer = null,
    initargs = [],
    spares = 0,
    env,
    execArgv,
    cwd,
    maxMemory,
    startMethod,
  } = options;
  if (!Array.isArray(initargs))
    throw argumentTypeError(`Cannot ${ACTION}: initargs must be an array, received ${inspect(initargs)}`);
  if (initializer !== null && typeof initializer !== 'function' && taskReferenceOf(initializer) === undefined)
    throw argumentTypeError(
      `Cannot ${ACTION}: initializer must be a task or { module, name }, received ${inspect(initializer)}`,
    );
  const plan: PoolPlan = {
    processes: checkCount(processes ?? Math.min(usableCpuCount(), MOST_WORKERS), 1, 'processes', ACTION),
    initializer,
    initargs: [...(initargs as unknown[])],
    maxTasks: limit(options.maxTasksPerChild, 'maxTasksPerChild'),
    maxMemory: limit(options.maxMemoryPerChild, 'maxMemoryPerChild'),
    taskTimeout: timeLimit(options.taskTimeout, 'taskTimeout'),
    startTimeout: timeLimit(options.startTimeout, 'startTimeout'),
    concurrency: checkCount(options.concurrency ?? 1, 1, 'concurrency', ACTION),
    spares: checkCount(spares, 0, 'spares', ACTION),
    settings: { env, execArgv, cwd, maxMemory, startMethod },
  };
  if (plan.processes + plan.spares > MOST_WORKERS)
    throw argumentRangeError(`Cannot ${ACTION}: there can be ${MOST_WORKERS} workers, spare ones included`);
  return plan;
}

function limit(value: number | null | undefined, what: string): number {
  return value === undefined || value === null ? Infinity : checkCount(value, 1, what, ACTION);
}

function timeLimit(value: number | null | undefined, what: string): number {
  return value === undefined || value === null ? Infinity : checkTime(value, what, ACTION);
}
