/**
 * Guards: what a selection chooses from.
 */
import { inspect } from 'node:util';
import { argumentTypeError } from '../errors.js';
import { parseTimeout } from '../internal/wait-options.js';
import { ChannelEnd, ReadEnd, WriteEnd } from './channel-end.js';

/** Called when its guard was chosen; what it returns is awaited. `value` is what was read. */
export type Action<T = unknown> = (value: T) => unknown;

/** Any guard. */
// oxlint-disable-next-line typescript/no-explicit-any -- a selection mixes channels of any values
export type Guard = InputGuard<any> | OutputGuard<any> | SkipGuard | TimeoutGuard;

function checkAction(action: unknown, guard: string): void {
  if (action !== undefined && action !== null && typeof action !== 'function')
    throw argumentTypeError(
      `Cannot make ${guard}: the action must be a function, received ${inspect(action, { depth: 0 })}`,
    );
}

function checkEnd(end: unknown, isWriter: boolean, guard: string): void {
  if (ChannelEnd.attachmentOf(end)?.isWriter === isWriter) return;
  const wanted = isWriter ? 'an end to write to' : 'an end to read from';
  throw argumentTypeError(`Cannot make ${guard}: ${wanted} is needed, received ${inspect(end, { depth: 0 })}`);
}

/** Ready when a value can be read. */
export class InputGuard<T = unknown> {
  readonly end: ReadEnd<T>;
  readonly action: Action<T> | undefined;

  /** @throws TypeError (ERR_MULTIPROC_ARGUMENT). */
  constructor(end: ReadEnd<T>, action?: Action<T> | null) {
    checkEnd(end, false, 'InputGuard');
    checkAction(action, 'InputGuard');
    this.end = end;
    this.action = action ?? undefined;
  }
}

/** Ready when a reader takes the value, or the buffer has room for it. */
export class OutputGuard<T = unknown> {
  readonly end: WriteEnd<T>;
  /** What is written if it is chosen; copied when the selection begins. */
  readonly message: T;
  readonly action: Action<undefined> | undefined;

  /** @throws TypeError (ERR_MULTIPROC_ARGUMENT). */
  constructor(end: WriteEnd<T>, message: T, action?: Action<undefined> | null) {
    checkEnd(end, true, 'OutputGuard');
    checkAction(action, 'OutputGuard');
    this.end = end;
    this.message = message;
    this.action = action ?? undefined;
  }
}

/** Always ready. Of no use but as the last one, in {@link PriSelect}. */
export class SkipGuard {
  readonly action: Action<undefined> | undefined;

  /** @throws TypeError (ERR_MULTIPROC_ARGUMENT). */
  constructor(action?: Action<undefined> | null) {
    checkAction(action, 'SkipGuard');
    this.action = action ?? undefined;
  }
}

/** Ready when the selection has waited for so long. */
export class TimeoutGuard {
  /** Milliseconds. */
  readonly timeout: number;
  readonly action: Action<undefined> | undefined;

  /** @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT). */
  constructor(timeout: number, action?: Action<undefined> | null) {
    this.timeout = parseTimeout(timeout);
    checkAction(action, 'TimeoutGuard');
    this.action = action ?? undefined;
  }
}

/** @throws TypeError (ERR_MULTIPROC_ARGUMENT). */
export function checkGuard(guard: unknown): Guard {
  if (
    guard instanceof InputGuard ||
    guard instanceof OutputGuard ||
    guard instanceof SkipGuard ||
    guard instanceof TimeoutGuard
  )
    return guard;
  throw argumentTypeError(`Cannot select: a guard is needed, received ${inspect(guard, { depth: 0 })}`);
}
