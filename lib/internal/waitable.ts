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
