import { inspect } from 'node:util';

import { NotTransferableError } from '../../errors.js';

/** A step from a value to a part of it: an array index, a property key, the value of a Map's key, or other words. */
export type PathStep = string | number | { readonly words: string } | { readonly mapKey: unknown };

// A longer way to a value is cut off in messages.
const SHOWN_STEPS = 32;

/** The error for a part of a value that cannot travel; the way to it is the first `depth` steps of `path` after one unused. */
export function refusal(what: string, path: readonly PathStep[], depth: number): NotTransferableError {
  const shown = path.slice(1, Math.min(depth, SHOWN_STEPS) + 1).map(stepText);
  const text = shown.join('') + (depth > SHOWN_STEPS ? '…' : '');
  return new NotTransferableError(`Cannot send a value: ${what}${text === '' ? '' : ` at ${text}`}`, { path: text });
}

function stepText(step: PathStep): string {
  if (typeof step === 'number') return `[${step}]`;
  if (typeof step === 'object') {
    return 'words' in step ? `.${step.words}` : `.get(${inspect(step.mapKey, { depth: 0 })})`;
  }
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
}

/** What a function or symbol is called in that error. */
export function describeRefused(value: unknown): string {
  if (typeof value === 'symbol') return String(value);
  const name: unknown = (value as { readonly name: unknown }).name;
  return `a function (${typeof name === 'string' && name !== '' ? name : 'anonymous'})`;
}
