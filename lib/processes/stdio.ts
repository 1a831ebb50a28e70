/**
 * The standard streams of a child: what the `stdio` option may say.
 */
import { inspect } from 'node:util';
import { argumentTypeError } from '../errors.js';

/** One stream: this process's own, none, a pipe to this process, or the descriptor of an open file. */
export type StdioKind = 'inherit' | 'ignore' | 'pipe' | number;

/** All three alike, or standard input, output and error one by one. */
export type StdioOptions = StdioKind | readonly [StdioKind, StdioKind, StdioKind];

/** As in Python, a child writes where its parent does and reads nothing. */
const BY_DEFAULT = ['ignore', 'inherit', 'inherit'] as const;

/** @throws TypeError (ERR_MULTIPROC_ARGUMENT). */
export function parseStdio(stdio: unknown): readonly [StdioKind, StdioKind, StdioKind] {
  if (stdio === undefined || stdio === null) return BY_DEFAULT;
  const kinds: readonly unknown[] = Array.isArray(stdio) ? stdio : [stdio, stdio, stdio];
  if (kinds.length !== 3 || !kinds.every(isStdioKind)) {
    throw argumentTypeError(
      `Cannot make Process: stdio must be 'inherit', 'ignore', 'pipe' or a descriptor, or three of them, received ${inspect(stdio)}`,
    );
  }
  const [input, output, error] = kinds as readonly [StdioKind, StdioKind, StdioKind];
  return [input, output, error];
}

function isStdioKind(kind: unknown): kind is StdioKind {
  if (typeof kind === 'number') return Number.isInteger(kind) && kind >= 0 && kind < 2 ** 31;
  return kind === 'inherit' || kind === 'ignore' || kind === 'pipe';
}
