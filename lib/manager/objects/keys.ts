/**
 * What dicts and sets are indexed by.
 */
import { inspect } from 'node:util';
import { argumentTypeError } from '../../errors.js';
import type { ManagedKey } from '../interfaces.js';

/** @throws TypeError (ERR_MULTIPROC_ARGUMENT) for an object, which no other object is equal to. */
export function checkKey(key: unknown): ManagedKey {
  if (key === null || ['string', 'number', 'bigint', 'boolean'].includes(typeof key)) return key as ManagedKey;
  throw argumentTypeError(
    `Cannot use ${inspect(key, { depth: 0 })} as a key: it must be a text, a number, a boolean or null`,
  );
}
