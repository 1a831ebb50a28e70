/**
 * Where pending promises wait: a short hot phase, polled from the event loop, then parked with the native waiter thread.
 *
 * Polling answers within microseconds and costs a processor; parking answers within some tens of microseconds and
 * costs nothing. So a line polls for the budget it has earned (see {@link Parkable.budget}) and then parks.
 */
import { now } from './clock.js';
import { native } from './native.js';
import { statusError } from './status-error.js';

/** Somebody who waits for one wait queue of one shared object. */
export interface Parkable {
  readonly ref: number;
  /** A `WaitQueue` number. */
  readonly queue: number;
  /** Milliseconds of polling that are worth it, judged by how long earlier waits took. */
  readonly budget: number;
  /** Tries the operations of all who wait, in order. Calls {@link leave} when nobody is left. */
  serve(): void;
  /** Ends the operations of all who wait, each with an error of its own: there is no way to wait. */
  fail(error: () => Error): void;
}

// On one processor a poller only keeps the process it waits for from running.
const mayPoll = native.usableCpus > 1;

/** Lines that poll, with the time when they park instead. */
const polling = new Map<Parkable, number>();
const parked = new Set<Parkable>();
// A try costs some tens of nanoseconds and a turn of the event loop a microsecond: more tries to a turn see an answer sooner.
const TRIES = 4;
let pollScheduled = false;
let callbackSet = false;

/** Starts to wait. The caller has tried the operation and failed. */
export function enter(line: Parkable): void {
  if (mayPoll && line.budget > 0) poll(line, line.budget);
  else park(line);
}

/** Nobody waits there any more. A wake that came meanwhile is passed on to the next process. */
export function leave(line: Parkable): void {
  if (polling.delete(line) || !parked.delete(line)) return;
  native.disarm(line.ref, line.queue);
  native.unpark(line.ref);
  if (parked.size === 0) native.setRef(false);
}

/** Tries the line soon, from the event loop: this process itself did something that may have ended the wait. */
export function nudge(line: Parkable): void {
  nudged.add(line);
  schedule();
}

const nudged = new Set<Parkable>();

function poll(line: Parkable, budget: number): void {
  polling.set(line, now() + budget);
  schedule();
}

function schedule(): void {
  if (pollScheduled) return;
  pollScheduled = true;
  setImmediate(pollOnce);
}

function pollOnce(): void {
  pollScheduled = false;
  if (nudged.size > 0) {
    const lines = [...nudged];
    nudged.clear();
    for (const line of lines) line.serve();
  }
  if (polling.size === 0) return;
  const time = now();
  for (const [line, until] of polling) {
    for (let tries = 0; tries < TRIES && polling.has(line); tries++) line.serve();
    if (time >= until && polling.delete(line)) park(line);
  }
  if (polling.size > 0) schedule();
}

/**
 * Makes sure that a line of this object can be parked later, when it would be too late for an error; {@link unprepare}
 * takes it back.
 *
 * @throws SystemError (ERR_MULTIPROC_SYSTEM) when no thread can be had that would watch.
 */
export function prepare(ref: number): void {
  const status = watch(ref);
  if (status < 0) throw statusError(status, 'wait');
}

export function unprepare(ref: number): void {
  native.unpark(ref);
}

function watch(ref: number): number {
  if (!callbackSet) {
    native.setWakeCallback(wake);
    callbackSet = true;
  }
  return native.park(ref);
}

function park(line: Parkable): void {
  native.arm(line.ref, line.queue);
  const status = watch(line.ref);
  if (status < 0) {
    const [errno = 0] = native.out;
    native.disarm(line.ref, line.queue);
    line.fail(() => {
      native.out[0] = errno;
      return statusError(status, 'wait');
    });
    return;
  }
  if (parked.size === 0) native.setRef(true);
  parked.add(line);
  // Only an attempt made after arming is safe from a change that came just before it and rang nobody.
  line.serve();
}

function wake(slice: boolean): void {
  if (slice) {
    for (const ref of new Set([...parked].map((line) => line.ref))) native.reap(ref);
  }
  for (const line of [...parked]) {
    // Ringing takes the registration away; who stays needs a new one, and needs it before looking again.
    if (!parked.has(line)) continue;
    native.arm(line.ref, line.queue);
    line.serve();
  }
}
