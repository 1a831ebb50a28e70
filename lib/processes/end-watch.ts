/**
 * How the event loop learns of the end of other processes.
 */
import { native } from '../internal/native.js';

const listeners = new Set<() => void>();
let watching = false;
let keptAlive = 0;

function notify(): void {
  for (const listener of [...listeners]) listener();
}

/** Calls `listener` whenever some process has ended; which one, it must find out. */
export function watchEnds(listener: () => void): void {
  if (!watching) native.setProcessCallback(notify);
  watching = true;
  listeners.add(listener);
}

export function unwatchEnds(listener: () => void): void {
  listeners.delete(listener);
}

/** One more, or one less, for whom the event loop must go on. */
export function keepLoopAlive(on: boolean): void {
  keptAlive += on ? 1 : -1;
  native.setProcessRef(keptAlive > 0);
}
