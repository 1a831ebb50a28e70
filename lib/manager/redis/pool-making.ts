/**
 * The options of pools in Redis, checked.
 */
import { inspect } from 'node:util';
import { argumentRangeError, argumentTypeError } from '../../errors.js';
import { checkInteger } from '../../internal/shared-object.js';
import type { ScriptArgument } from './script.js';

/** Options of `manager.Pool()` of a manager in Redis. */
export interface RedisPoolOptions {
  /** Whose workers do its tasks: those that were started with `--pool` and this name, 1 to 64 of `A-Z a-z 0-9 . _ -`. Default: `default`, as theirs. Pools of one name are apart but for their workers. */
  readonly name?: string | undefined;
  /** How many workers may die with a job until it fails; default 3. */
  readonly attempts?: number | undefined;
  /** Milliseconds for which the engine keeps results of `applyAsync`, received or not; default 3,600,000, an hour. */
  readonly keepResults?: number | undefined;
  /** What the build of the task modules is called, such as a commit; workers say it with `--build`. Default: the bytes of a module say which build it is, whatever it imports. */
  readonly build?: string | undefined;
}

/** Whose workers a pool has that says nothing. */
export const DEFAULT_CREW = 'default';
const DEFAULT_ATTEMPTS = 3;
const DEFAULT_SPAN = 3_600_000;

/** @throws RangeError (ERR_MULTIPROC_ARGUMENT) for what is no name of a pool. */
export function checkCrew(name: unknown, action: string): string {
  if (typeof name === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(name)) return name;
  throw argumentRangeError(
    `Cannot ${action}: a pool's name must be 1 to 64 of A-Z a-z 0-9 . _ -, received ${inspect(name)}`,
  );
}

/** As the engine keeps them. @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT). */
export function parseRedisPool(source: number | RedisPoolOptions | null | undefined): ScriptArgument[] {
  const action = 'make Pool';
  if (typeof source === 'number') checkInteger(source, 1, 2 ** 31, 'processes', action);
  const options = typeof source === 'number' ? {} : (source ?? {});
  if (typeof options !== 'object')
    throw argumentTypeError(`Cannot ${action}: options must be an object, received ${inspect(source)}`);
  const { name = DEFAULT_CREW, attempts = DEFAULT_ATTEMPTS, keepResults = DEFAULT_SPAN, build = '' } = options;
  if (typeof build !== 'string')
    throw argumentTypeError(`Cannot ${action}: build must be a text, received ${inspect(build)}`);
  return [
    checkCrew(name, action),
    checkInteger(attempts, 1, 2 ** 31, 'attempts', action),
    checkInteger(keepResults, 1, 2 ** 48, 'keepResults', action),
    build,
  ];
}
