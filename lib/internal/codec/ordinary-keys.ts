import { isWellFormed } from './scratch.js';

// Programs send objects of the same few kinds over and over, so the key that stands at some place of a value is usually
// the one that stood there in an earlier one.
const REMEMBERED = 256;
const remembered = new Array<string>(REMEMBERED).fill('');

/**
 * Whether msgpackr gives a key back.
 *
 * @param place How many keys of the same value came before.
 */
export function isOrdinaryKey(key: string, place: number): boolean {
  const index = place % REMEMBERED;
  if (remembered[index] === key) return true;
  // The first is renamed by msgpackr for safety, and it keeps notes under the second.
  if (key === '__proto__' || key === '__keys__' || !isWellFormed(key)) return false;
  remembered[index] = key;
  return true;
}
