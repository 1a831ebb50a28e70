/**
 * How long to wait: the options that every waiting operation takes, checked in one place.
 */
import { inspect } from 'node:util';
import { argumentRangeError, argumentTypeError } from '../errors.js';

/** How long an operation may wait, and what may call it off. */
export interface WaitOptions {
  /**
   * Milliseconds to wait at most. Absent, `null` or `Infinity`: for ever. Zero or less: do not wait at all.
   */
  readonly timeout?: number | null | undefined;
  /** `false`: do not wait at all, whatever `timeout` says; default `true`. Python's word for it. */
  readonly block?: boolean | null | undefined;
  /**
   * Calls the wait off: the promise rejects with `signal.reason`, and nothing was consumed. The form that blocks the
   * thread looks at it once, before it waits.
   */
  readonly signal?: AbortSignal | null | undefined;
}

/** Checked options. */
export interface Wait {
  /** Milliseconds; `Infinity` = for ever, `<= 0` = do not wait. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
}

/** Without options: for ever, not to be called off. */
export const forEver: Wait = { timeout: Infinity, signal: undefined };
/** Never waits. */
export const notAtAll: Wait = { timeout: 0, signal: undefined };

/**
 * Checks options.
 *
 * @throws TypeError or RangeError (ERR_MULTIPROC_ARGUMENT) when they are malformed; `signal.reason` when already aborted.
 */
export function parseWait(options: WaitOptions | null | undefined): Wait {
  if (options === undefined || options === null) return forEver;
  if (typeof options !== 'object') {
    throw argumentTypeError(
      `Cannot wait: options must be an object such as { timeout: 500 }, received ${inspect(options)}`,
    );
  }
  const longest = parseTimeout(options.timeout);
  const timeout = parseBlock(options.block) ? longest : 0;
  const signal = options.signal ?? undefined;
  if (signal === undefined) return timeout === Infinity ? forEver : { timeout, signal };
  if (!(signal instanceof AbortSignal)) {
    throw argumentTypeError(`Cannot wait: signal must be an AbortSignal, received ${inspect(signal)}`);
  }
  signal.throwIfAborted();
  return { timeout, signal };
}

function parseBlock(block: unknown): boolean {
  if (block === undefined || block === null) return true;
  if (typeof block !== 'boolean') {
    throw argumentTypeError(`Cannot wait: block must be true or false, received ${inspect(block)}`);
  }
  return block;
}

/** Checks one `timeout`; `Infinity` stands for absent. */
export function parseTimeout(timeout: unknown): number {
  if (timeout === undefined || timeout === null) return Infinity;
  if (typeof timeout !== 'number') {
    throw argumentTypeError(`Cannot wait: timeout must be a number of milliseconds, received ${inspect(timeout)}`);
  }
  if (Number.isNaN(timeout)) {
    throw argumentRangeError('Cannot wait: timeout must be a number of milliseconds, received NaN');
  }
  return timeout;
}
