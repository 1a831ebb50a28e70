/**
 * Waiting for a state that another process brings about, without guessing how long that takes.
 */
import { setImmediate } from 'node:timers/promises';
import { machineNow } from './machine-clock.js';
import { slowness } from './slowness.js';

/** Milliseconds after which a state is never going to come. */
const WATCHDOG = 20_000 * slowness;

/** Resolves when `condition` holds; rejects, saying `what` did not come, when it never does. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = machineNow() + WATCHDOG;
  while (!(await condition())) {
    if (machineNow() > deadline) throw new Error(`Gave up after ${WATCHDOG} ms: ${what}`);
    await setImmediate();
  }
}
