/**
 * The lock that belongs to another object, as that one's description names it.
 */
import { CorruptSegmentError, MultiprocError } from '../errors.js';
import { attach } from '../internal/handle.js';
import { Lock } from './lock.js';
import { RLock } from './rlock.js';

/**
 * Attaches it.
 *
 * @param what of which kind of object, for the message.
 * @throws CorruptSegmentError if the description names no lock; otherwise as `attach`.
 */
export function attachDescribedLock(handle: unknown, what: string): Lock | RLock {
  let cause: unknown;
  try {
    const lock = attach(handle as string);
    if (typeof handle === 'string' && (lock instanceof Lock || lock instanceof RLock)) return lock;
    lock.close();
  } catch (error) {
    // What is no handle is a TypeError for a caller who passed it; nobody did.
    if (error instanceof MultiprocError) throw error;
    cause = error;
  }
  throw new CorruptSegmentError(`Cannot open ${what}: its description names no lock`, { cause });
}
