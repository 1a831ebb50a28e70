/**
 * The items that a pool's methods are given, and what may be a promise.
 */
import { inspect } from 'node:util';
import { argumentTypeError } from '../../errors.js';

/** @throws TypeError (ERR_MULTIPROC_ARGUMENT) for what is no list; whatever iterating throws. */
export function listOf(items: unknown, action: string): unknown[] {
  if (isIterable(items)) return Array.from(items);
  throw notIterable(items, action);
}

/** An iterator of a list, or of what gives promises. @throws TypeError (ERR_MULTIPROC_ARGUMENT). */
export function iteratorOf(items: unknown, action: string): Iterator<unknown> | AsyncIterator<unknown> {
  if (typeof items === 'object' && items !== null && Symbol.asyncIterator in items)
    return (items as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  if (isIterable(items)) return items[Symbol.iterator]();
  throw notIterable(items, action);
}

/** What a starmap calls its task with: each item must be a list. @throws TypeError (ERR_MULTIPROC_ARGUMENT). */
export function argumentLists(items: readonly unknown[], action: string): unknown[][] {
  return items.map((item, index) => {
    if (isIterable(item) && typeof item !== 'string') return Array.from(item);
    throw argumentTypeError(`Cannot ${action}: item ${index} must be a list of arguments, received ${inspect(item)}`);
  });
}

/** Is it a promise, of whatever kind? */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { readonly then?: unknown }).then === 'function'
  );
}

function isIterable(items: unknown): items is Iterable<unknown> {
  return typeof items === 'string' || (typeof items === 'object' && items !== null && Symbol.iterator in items);
}

function notIterable(items: unknown, action: string): TypeError {
  return argumentTypeError(`Cannot ${action}: a list of items is needed, received ${inspect(items, { depth: 0 })}`);
}
