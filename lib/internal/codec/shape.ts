import { isDeepStrictEqual } from 'node:util';

// Up to here the keys of an array are listed to see whether it is dense; that makes a string per element.
const FEW_ELEMENTS = 64;

/** Whether two values are objects with the same keys in the same order. */
export function haveSameKeys(first: unknown, last: unknown): boolean {
  if (typeof first !== 'object' || first === null || typeof last !== 'object' || last === null) return false;
  return !Array.isArray(first) && isDeepStrictEqual(Object.keys(first), Object.keys(last));
}

/** Whether an array has all its elements and no other enumerable property. */
export function isDense(array: readonly unknown[]): boolean {
  const length = array.length;
  if (length <= FEW_ELEMENTS) {
    const keys = Object.keys(array);
    // Indexes come first and in order, so the last key tells about all of them.
    return keys.length === length && (length === 0 || keys[length - 1] === String(length - 1));
  }
  // A hole looks like `undefined` here, and a long run of them ends the search at once. The concatenation has the same
  // elements and none of the other properties.
  return !array.includes(undefined) && isDeepStrictEqual(array, ([] as unknown[]).concat(array));
}
