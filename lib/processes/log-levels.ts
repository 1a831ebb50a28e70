/**
 * Levels of log messages: Python's numbers and names.
 */
import { inspect } from 'node:util';
import { argumentRangeError, argumentTypeError } from '../errors.js';

const LEVELS: Readonly<Record<LogLevelName, number>> = {
  NOTSET: 0,
  SUBDEBUG: 5,
  DEBUG: 10,
  INFO: 20,
  SUBWARNING: 25,
  WARNING: 30,
  ERROR: 40,
  CRITICAL: 50,
};

/** The name of a level: `NOTSET` 0, `SUBDEBUG` 5, `DEBUG` 10, `INFO` 20, `SUBWARNING` 25, `WARNING` 30, `ERROR` 40, `CRITICAL` 50. */
export type LogLevelName = 'NOTSET' | 'SUBDEBUG' | 'DEBUG' | 'INFO' | 'SUBWARNING' | 'WARNING' | 'ERROR' | 'CRITICAL';

/** A level: its name, or any integer from 0 on. */
export type LogLevel = number | LogLevelName;

const names = new Map<number, string>(Object.entries(LEVELS).map(([name, level]) => [level, name]));

/** Such as `INFO`, and `Level 21`. */
export function nameOfLevel(level: number): string {
  return names.get(level) ?? `Level ${level}`;
}

/** @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT). */
export function parseLevel(level: unknown): number {
  if (typeof level === 'number' && Number.isInteger(level) && level >= 0) return level;
  if (typeof level === 'string' && Object.hasOwn(LEVELS, level)) return LEVELS[level as LogLevelName];
  const reason = `Cannot log: a level is an integer from 0 on or one of ${[...names.values()].join(', ')}, received ${inspect(level)}`;
  throw typeof level === 'number' || typeof level === 'string' ? argumentRangeError(reason) : argumentTypeError(reason);
}
