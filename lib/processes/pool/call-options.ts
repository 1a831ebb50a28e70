/**
 * The options of a pool's calls, checked.
 */
import { inspect } from 'node:util';
import { argumentRangeError, argumentTypeError } from '../../errors.js';

/** How far a call has come. */
export interface Progress {
  /** Items that are done, failed ones included. */
  readonly done: number;
  /** All items; `null` when that is not known yet. */
  readonly total: number | null;
}

/** What every call takes. */
export interface CallOptions {
  /**
   * Milliseconds that the task may take for each item, from the moment when a worker begins it. Then the item fails with TimeoutError, and the worker is
   * ended and replaced. Default: the pool's `taskTimeout`, or none.
   */
  readonly timeout?: number | undefined;
  /** Gives the call up: what has not begun is not begun, workers that are working on it are ended and replaced. */
  readonly signal?: AbortSignal | null | undefined;
  /** How often a task is begun again when its worker dies; default 0: it fails. */
  readonly retries?: number | null | undefined;
  /** Calls with the same key go to the same worker, as long as that lives. */
  readonly key?: string | number | null | undefined;
}

/** Options of `apply` and `applyAsync`. */
export interface ApplyOptions<T = unknown> extends CallOptions {
  /** Named arguments, as one object behind the others. */
  readonly kwargs?: object | null | undefined;
  /** Called with the value, before whoever waits for it goes on. What it throws is an uncaught exception. */
  readonly callback?: ((value: T) => void) | null | undefined;
  /** Called with the error. */
  readonly errorCallback?: ((error: unknown) => void) | null | undefined;
}

/** Options of `map`, `starmap` and their asynchronous forms. */
export interface MapOptions<T = unknown> extends CallOptions {
  /** Items that go to a worker at once, and fail together when it dies. Default: such that each worker gets four times. */
  readonly chunksize?: number | null | undefined;
  readonly onProgress?: ((progress: Progress) => void) | null | undefined;
  /** Called with the list of values. */
  readonly callback?: ((values: T[]) => void) | null | undefined;
  readonly errorCallback?: ((error: unknown) => void) | null | undefined;
}

/** Options of `imap` and `imapUnordered`. */
export interface ImapOptions extends CallOptions {
  /** Items that go to a worker at once; default 1. */
  readonly chunksize?: number | null | undefined;
  /**
   * How many items of the input may be read beyond those whose value was received; at least `chunksize`. Default: 128, or twice what one
   * chunk for each worker takes.
   */
  readonly bufferSize?: number | null | undefined;
  readonly onProgress?: ((progress: Progress) => void) | null | undefined;
}

/** The checked form of what every call takes. */
export interface CallSettings {
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
  readonly retries: number;
  readonly key: string | number | undefined;
}

/** @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT). */
export function parseCallOptions(options: unknown, action: string, taskTimeout: number): CallSettings {
  const given = optionsObject(options, action) as CallOptions;
  const { retries } = given;
  const timeout = given.timeout as number | null | undefined;
  const signal = given.signal ?? undefined;
  const key = given.key ?? undefined;
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw argumentTypeError(`Cannot ${action}: signal must be an AbortSignal, received ${inspect(signal)}`);
  if (key !== undefined && typeof key !== 'string' && typeof key !== 'number')
    throw argumentTypeError(`Cannot ${action}: key must be a text or a number, received ${inspect(key)}`);
  return {
    timeout: timeout === undefined ? taskTimeout : timeout === null ? Infinity : checkTime(timeout, 'timeout', action),
    signal,
    retries: checkCount(retries ?? 0, 0, 'retries', action),
    key,
  };
}

/** Options as an object, whatever was given. @throws TypeError (ERR_MULTIPROC_ARGUMENT). */
export function optionsObject(options: unknown, action: string): Readonly<Record<string, unknown>> {
  if (options === undefined || options === null) return {};
  if (typeof options === 'object') return options as Readonly<Record<string, unknown>>;
  throw argumentTypeError(`Cannot ${action}: options must be an object, received ${inspect(options)}`);
}

/** @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT) unless it is a whole number from `least`. */
export function checkCount(count: unknown, least: number, what: string, action: string): number {
  if (typeof count !== 'number')
    throw argumentTypeError(`Cannot ${action}: ${what} must be a number, received ${inspect(count)}`);
  if (!Number.isSafeInteger(count) || count < least)
    throw argumentRangeError(`Cannot ${action}: ${what} must be a whole number from ${least}, received ${count}`);
  return count;
}

/** @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT) unless it is a time above 0. */
export function checkTime(time: unknown, what: string, action: string): number {
  if (typeof time !== 'number')
    throw argumentTypeError(`Cannot ${action}: ${what} must be a number of milliseconds, received ${inspect(time)}`);
  if (!(time > 0)) throw argumentRangeError(`Cannot ${action}: ${what} must be above 0, received ${time}`);
  return time;
}

/** @throws TypeError (ERR_MULTIPROC_ARGUMENT) unless it is a function or absent. */
export function checkCallback<F>(callback: F | null | undefined, what: string, action: string): F | undefined {
  if (callback === undefined || callback === null) return undefined;
  if (typeof callback === 'function') return callback;
  throw argumentTypeError(`Cannot ${action}: ${what} must be a function, received ${inspect(callback)}`);
}
