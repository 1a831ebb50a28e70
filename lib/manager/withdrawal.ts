/**
 * Calls that are called off while they wait.
 */
import { TimeoutError } from '../errors.js';
import type { Call } from './call.js';

/** The error of a call that was called off; its client knows why. */
export class Withdrawn extends Error {
  constructor() {
    super('The call was called off');
  }
}

/** Aborts when the call is called off. */
export function withdrawalSignal(call: Call): AbortSignal {
  const controller = new AbortController();
  call.withdrawal = () => {
    controller.abort(new Withdrawn());
  };
  return controller.signal;
}

/** Longest delay of a timer, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * What the promise gives, unless the call is called off or its time is over first; then nobody looks at the promise any more.
 *
 * @throws TimeoutError.
 */
export function orWithdrawn<T>(call: Call, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer =
      call.timeout <= LONGEST_TIMER
        ? setTimeout(() => {
            reject(new TimeoutError('Cannot wait for the method: it did not end in time'));
          }, call.timeout)
        : undefined;
    call.withdrawal = () => {
      reject(new Withdrawn());
    };
    promise.then(resolve, reject).finally(() => {
      clearTimeout(timer);
    });
  });
}
