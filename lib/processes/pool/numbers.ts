/**
 * Lists of numbers travel as the memory of a typed array, many times faster than one by one.
 */

/** From so many numbers on it pays. */
const MANY = 16;

/** Is the number what an element of an Int32Array gives back? −0 is not. */
function isInt32(value: number): boolean {
  return (value | 0) === value && (value !== 0 || 1 / value > 0);
}

/** A list of this module's own, so without holes and other properties; as it is unless it holds many numbers and nothing else. */
export function packed(list: readonly unknown[]): ArrayLike<unknown> {
  const { length } = list;
  if (length < MANY) return list;
  let integers = true;
  for (let index = 0; index < length; index += 1) {
    const value = list[index];
    if (typeof value !== 'number') return list;
    integers &&= isInt32(value);
  }
  const numbers = integers ? new Int32Array(length) : new Float64Array(length);
  for (let index = 0; index < length; index += 1) numbers[index] = list[index] as number;
  return numbers;
}
