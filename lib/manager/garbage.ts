/**
 * Proxies in the server that nothing refers to any more, such as those in an item that was popped: the collector finds them, but only when it
 * runs, and in a process with little to do that may be never.
 */
import { builtin } from '../internal/builtin.js';
import { now } from '../internal/clock.js';

/** The collector may take such a part of a processor's time. */
const SHARE = 1 / 50;
/** Milliseconds between its runs at least. */
const LEAST_INTERVAL = 1000;

let collect: (() => void) | undefined;
let notBefore = 0;

function exposed(): () => void {
  builtin.v8.setFlagsFromString('--expose-gc');
  return builtin.vm.runInNewContext('gc') as () => void;
}

/** Runs the collector, unless it has just run. What it finds is let go of soon after. @returns whether it has run. */
export function collectGarbage(): boolean {
  if (now() < notBefore) return false;
  collect ??= exposed();
  // Not the time that went by: where many want a processor, that is mostly time in which nothing was collected.
  const before = process.cpuUsage();
  collect();
  const { user, system } = process.cpuUsage(before);
  notBefore = now() + Math.max(LEAST_INTERVAL, (user + system) / 1000 / SHARE);
  return true;
}
