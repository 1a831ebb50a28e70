/**
 * Turns of the event loop: promises that are resolved at once, one after the other, would never let it turn.
 *
 * An operation that need not wait resolves in the same turn, which is fast; a loop of such operations would hold up timers,
 * signals and input for as long as it lasts. So once in a while one of them resolves in the next turn.
 */
import { now } from './clock.js';

/** Milliseconds for which a turn may be prolonged. */
const longestTurn = 5;
/** Look at the clock once in so many operations: looking costs about as much as a short operation. */
const operationsPerLook = 16;

let operations = 0;
let lastTurn = 0;

/** Whether it is time to let the event loop turn. */
export function isTurnDue(): boolean {
  operations += 1;
  if (operations % operationsPerLook !== 0) return false;
  const time = now();
  if (time - lastTurn < longestTurn) return false;
  lastTurn = time;
  return true;
}

/** A promise for `value`: resolved already, or, when it is time for that, in the next turn of the event loop. */
export function resolved<T>(value: T): Promise<T> {
  if (!isTurnDue()) return Promise.resolve(value);
  return new Promise((resolve) => {
    setImmediate(resolve, value);
  });
}
