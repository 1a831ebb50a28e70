/**
 * What names an engine and what is in it, checked.
 */
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { argumentRangeError, argumentTypeError } from '../../errors.js';
import { checkInteger } from '../../internal/shared-object.js';

/** Milliseconds. */
export const DEFAULT_LEASE = 10_000;
const SHORTEST_LEASE = 500;
const LONGEST_LEASE = 86_400_000;

/** What nobody can choose as a name begins with this: such a namespace goes when nobody uses it. */
const ANONYMOUS = '~';

/** A namespace that nobody else has. */
export function newNamespace(): string {
  return `${ANONYMOUS}${randomBytes(9).toString('base64url')}`;
}

/** Does a prefix belong to a namespace without a name of its own? */
export function isAnonymous(prefix: string): boolean {
  return prefix.startsWith(`multiproc:{${ANONYMOUS}`);
}

/** What the keys of a namespace begin with; the braces keep them in one slot of a cluster. @throws RangeError (ERR_MULTIPROC_ARGUMENT). */
export function prefixOf(namespace: unknown, action: string): string {
  if (typeof namespace !== 'string' || !/^~?[A-Za-z0-9._-]{1,64}$/.test(namespace))
    throw argumentRangeError(
      `Cannot ${action}: namespace must be 1 to 64 of A-Z a-z 0-9 . _ -, received ${inspect(namespace)}`,
    );
  return `multiproc:{${namespace}}:`;
}

/** @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT). */
export function checkEngine(engine: unknown, lease: unknown, action: string): string {
  if (typeof engine !== 'string' || !/^rediss?:\/\//.test(engine) || !URL.canParse(engine))
    throw argumentTypeError(`Cannot ${action}: engine must be a URL such as redis://localhost:6379`);
  checkInteger(lease, SHORTEST_LEASE, LONGEST_LEASE, 'lease', action);
  return engine;
}
