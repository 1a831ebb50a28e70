/**
 * What can be waited for together with others: see `wait()`.
 */
import type { Core, SharedObject } from './shared-object.js';
import type { Attempt } from './wait.js';

/** How to look whether a shared object has come to what one waits for; nothing is taken by looking. */
export interface Waitable {
  readonly core: Core;
  /** `Status.Again` while it has not. */
  readonly attempt: Attempt;
}

/** A method of those objects, for `wait()` only. Throws as their waiting operations do. */
export const waitable: unique symbol = Symbol('waitable');

/** An object that has it. */
export interface HasWaitable extends SharedObject {
  /** @internal */
  [waitable](): Waitable;
}

export function hasWaitable(object: object): object is HasWaitable {
  return waitable in object;
}

/** What the event loop of this thread learns by itself: how to look at it, and how to be told. */
export interface Observed {
  isReady(): boolean;
  /** Calls `notify` when there may be something new, or with why it cannot tell, until the signal aborts. */
  subscribe(notify: (failed?: { readonly error: unknown }) => void, signal: AbortSignal): void;
}

/** A method of objects that are {@link Observed}, for `wait()` only. Throws as their waiting operations do. */
export const observed: unique symbol = Symbol('observed');

/** An object that has it: a connection to another machine, and what accepts those. */
export interface HasObserved {
  /** @internal */
  [observed](): Observed;
}

export function hasObserved(object: object): object is HasObserved {
  return observed in object;
}
