/**
 * Who is to be told when a signal aborts.
 *
 * A signal may call off any number of operations at the same time, and Node takes more than ten listeners for a leak: so each signal has one of ours.
 */

interface Listeners {
  readonly told: Set<() => void>;
  readonly onAbort: () => void;
}

const listened = new WeakMap<AbortSignal, Listeners>();

/** Has `tell` called when the signal aborts, in the order of these calls; at most once. */
export function listenToAbort(signal: AbortSignal | undefined, tell: () => void): void {
  if (signal === undefined) return;
  let listeners = listened.get(signal);
  if (listeners === undefined) {
    const told = new Set<() => void>();
    const onAbort = (): void => {
      for (const each of [...told]) if (told.delete(each)) each();
    };
    listeners = { told, onAbort };
    listened.set(signal, listeners);
  }
  if (listeners.told.size === 0) signal.addEventListener('abort', listeners.onAbort);
  listeners.told.add(tell);
}

/** Takes that back. */
export function ignoreAbort(signal: AbortSignal | undefined, tell: () => void): void {
  if (signal === undefined) return;
  const listeners = listened.get(signal);
  if (listeners?.told.delete(tell) === true && listeners.told.size === 0)
    signal.removeEventListener('abort', listeners.onAbort);
}
