// @ts-check
/** What pools work on: the same for all of them. A module that each of them can find functions in. */

/** How many workers each pool has. */
export const WORKERS = 2;

/** @param {number} x */
export function square(x) {
  return x * x;
}

/** For pools without a map: a part of the list in one call. @param {number[]} list */
export function squares(list) {
  return list.map(square);
}

/** @template T @param {T} value @returns {T} */
export function echo(value) {
  return value;
}

/** What a sum over the squares of 0 to count − 1 must be. @param {number} count */
export function sumOfSquares(count) {
  return ((count - 1) * count * (2 * count - 1)) / 6;
}
