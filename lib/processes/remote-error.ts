/**
 * Errors on their way from one process to another: what they say travels beside them, since they themselves may not be able to.
 */
import { inspect } from 'node:util';
import { RemoteError } from '../errors.js';

/** What an error says. */
export interface ErrorTexts {
  readonly text: string;
  readonly stack: string;
}

/** Anything may be thrown, with any properties. */
export function textsOf(error: unknown): ErrorTexts {
  try {
    if (!(error instanceof Error)) return { text: `What was thrown is no error: ${inspect(error)}`, stack: '' };
    return { text: `${error.name}: ${error.message}`, stack: error.stack ?? '' };
  } catch {
    return { text: 'What was thrown cannot be read', stack: '' };
  }
}

/** What is known of an error when it has not arrived itself. */
export function errorOfTexts({ text, stack }: ErrorTexts): Error {
  return new RemoteError(text, { remoteStack: stack });
}

/**
 * An error as it came from another process.
 *
 * @param before what takes the place of what is no error, and has it as its cause.
 */
export function remoteError(thrown: unknown, before: Error): Error {
  if (!(thrown instanceof Error)) {
    before.cause = thrown;
    return before;
  }
  Object.defineProperty(thrown, 'remoteStack', {
    value: thrown.stack ?? '',
    enumerable: false,
    configurable: true,
    writable: true,
  });
  return thrown;
}
