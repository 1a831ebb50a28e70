/**
 * What a worker does with one job.
 */
import type { AnyFunction } from '../../internal/task-reference.js';
import { textsOf } from '../remote-error.js';
import { packed } from './numbers.js';
import { isThenable } from './items.js';
import { givesList, Mode } from './job-message.js';
import { type Failure, type Mixed, Outcome } from './outcome-message.js';

/** Kind and payload of an outcome. */
export interface JobOutcome {
  readonly kind: number;
  readonly payload: unknown;
}

export function failureOf(error: unknown): Failure {
  return { error, ...textsOf(error) };
}

export function failedOutcome(error: unknown): JobOutcome {
  return { kind: Outcome.failed, payload: failureOf(error) };
}

/**
 * Runs a function for a job; gives a promise only if the function does.
 *
 * @param onItem called before each item.
 */
export function runJob(
  fn: AnyFunction,
  mode: Mode,
  payload: unknown,
  onItem: (() => void) | undefined,
): JobOutcome | Promise<JobOutcome> {
  const items = payload as ArrayLike<never>;
  if (!givesList(mode)) {
    onItem?.();
    return runOnce(fn, mode === Mode.one ? [payload as never] : (payload as readonly never[]));
  }
  return mode === Mode.map
    ? new ItemRun(items, (item) => fn(item), onItem).go()
    : new ItemRun(items, (item) => fn(...(item as Iterable<never>)), onItem).go();
}

function runOnce(fn: AnyFunction, args: readonly never[]): JobOutcome | Promise<JobOutcome> {
  try {
    const value = fn(...args);
    if (isThenable(value)) return awaited(value);
    return { kind: Outcome.done, payload: value };
  } catch (error) {
    return failedOutcome(error);
  }
}

async function awaited(value: PromiseLike<unknown>): Promise<JobOutcome> {
  try {
    return { kind: Outcome.done, payload: await value };
  } catch (error) {
    return failedOutcome(error);
  }
}

/** The items of a map's job, one after the other: what one throws does not keep the others from being done. */
class ItemRun {
  readonly #items: ArrayLike<never>;
  readonly #call: (item: never) => unknown;
  readonly #onItem: (() => void) | undefined;
  readonly #values: unknown[] = [];
  readonly #failures: [number, Failure][] = [];

  constructor(items: ArrayLike<never>, call: (item: never) => unknown, onItem: (() => void) | undefined) {
    this.#items = items;
    this.#call = call;
    this.#onItem = onItem;
  }

  go(): JobOutcome | Promise<JobOutcome> {
    const waiting = this.#goOn();
    return waiting === undefined ? this.#outcome() : this.#finish(waiting);
  }

  /** Runs until an item gives a promise. */
  #goOn(): PromiseLike<unknown> | undefined {
    const items = this.#items;
    for (let index = this.#values.length; index < items.length; index += 1) {
      try {
        this.#onItem?.();
        const value = this.#call(items[index] as never);
        if (isThenable(value)) return value;
        this.#values.push(value);
      } catch (error) {
        this.#fail(error);
      }
    }
    return undefined;
  }

  async #finish(first: PromiseLike<unknown>): Promise<JobOutcome> {
    for (let waiting: PromiseLike<unknown> | undefined = first; waiting !== undefined; waiting = this.#goOn()) {
      try {
        this.#values.push(await waiting);
      } catch (error) {
        this.#fail(error);
      }
    }
    return this.#outcome();
  }

  #fail(error: unknown): void {
    this.#failures.push([this.#values.length, failureOf(error)]);
    this.#values.push(undefined);
  }

  #outcome(): JobOutcome {
    if (this.#failures.length === 0) return { kind: Outcome.done, payload: packed(this.#values) };
    return { kind: Outcome.mixed, payload: { values: this.#values, failures: this.#failures } satisfies Mixed };
  }
}
