/**
 * Runs a course: with promises, or blocking the thread.
 */
import { ignoreAbort, listenToAbort } from '../internal/abort-listeners.js';
import { now } from '../internal/clock.js';
import { native, WaitQueue } from '../internal/native.js';
import { resolved } from '../internal/turn.js';
import { doChores, rejected, SLICE } from '../internal/wait.js';
import type { Wait } from '../internal/wait-options.js';
import type { ChannelCore } from './channel-core.js';
import type { Waiter } from './channel-line.js';
import type { Course, Interruption, Request } from './communicate.js';

/** Tries to enter a section that is busy just now; a section takes a microsecond. */
const TRIES = 30;
/** Milliseconds for which a blocked thread watches before it sleeps. */
const WATCH = 0.05;
/** Longest that somebody waits without looking at the channel itself: a death may have left something there. */
const LOOK = 0.8 * SLICE;

type ChangeRequest = Extract<Request, { readonly what: 'change' }>;
type Result<T> = IteratorResult<Request, T>;

/** What a wait is called off with by itself. */
export type OnTime = () => Error;

/**
 * Runs it without blocking the thread.
 *
 * @param onTime what the course is interrupted with when the time is over.
 */
export function runCourse<T>(
  course: Course<T>,
  wait: Wait,
  onTime: OnTime,
  watch?: (waiter: Waiter) => () => void,
): Promise<T> {
  try {
    const result = runOn(course, course.next());
    return result.done === true ? resolved(result.value) : goOn(course, result, wait, onTime, watch);
  } catch (error) {
    return rejected(error);
  }
}

/** Runs it as far as it gets without waiting. */
function runOn<T>(course: Course<T>, from: Result<T>): Result<T> {
  let result = from;
  while (result.done !== true && result.value.what === 'section' && mayEnter(result.value.channel))
    result = course.next();
  return result;
}

/** Not before those of this thread who have waited for it: what they write came first. */
function mayEnter(channel: ChannelCore): boolean {
  return channel.sectionsAwaited === 0 && tryEnter(channel);
}

function tryEnter(channel: ChannelCore): boolean {
  for (let tries = 0; tries < TRIES; tries += 1) if (channel.tryEnter()) return true;
  return false;
}

async function goOn<T>(
  course: Course<T>,
  from: IteratorYieldResult<Request>,
  { timeout, signal }: Wait,
  onTime: OnTime,
  watch: ((waiter: Waiter) => () => void) | undefined,
): Promise<T> {
  const deadline = now() + timeout;
  let result: Result<T> = from;
  while (result.done !== true) {
    const request: Request = result.value;
    const limits = { deadline, signal, onTime, watch };
    const interruption: Interruption | undefined =
      request.what === 'section' ? await section(request, limits) : await new Change(request, limits).ended;
    // In the same breath as the section itself: another task of this thread may have used the lock in between.
    if (request.what === 'section' && interruption === undefined) request.channel.enterOwned();
    result = runOn(course, course.next(interruption));
  }
  return result.value;
}

interface Limits {
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
  readonly onTime: OnTime;
  readonly watch: ((waiter: Waiter) => () => void) | undefined;
}

/** Waits for the lock. */
async function section(
  { channel, isStubborn }: Extract<Request, { readonly what: 'section' }>,
  { deadline, signal, onTime }: Limits,
): Promise<Interruption | undefined> {
  channel.sectionsAwaited += 1;
  const options = isStubborn ? undefined : { timeout: deadline === Infinity ? undefined : deadline - now(), signal };
  try {
    if (!(await channel.lock.acquire(options))) return { reason: onTime() };
  } catch (reason) {
    return { reason };
  } finally {
    channel.sectionsAwaited -= 1;
  }
  return undefined;
}

/** Waits until a selection is taken, or a channel of it has ended or asks for another look. */
class Change implements Waiter {
  readonly ended: Promise<Interruption | undefined>;
  readonly #request: ChangeRequest;
  readonly #since = now();
  readonly #limits: Limits;
  readonly #onAbort = (): void => {
    this.interrupt(this.#limits.signal?.reason);
  };
  readonly #unwatch: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #resolve: ((interruption: Interruption | undefined) => void) | undefined;

  constructor(request: ChangeRequest, limits: Limits) {
    this.#request = request;
    this.#limits = limits;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    const { signal } = limits;
    if (signal?.aborted === true) {
      this.#onAbort();
      return;
    }
    listenToAbort(signal, this.#onAbort);
    this.#unwatch = limits.watch?.(this);
    if (limits.deadline !== Infinity) this.#startTimer();
    for (const { line } of request.channels) {
      // Entering a line can be the end of the wait already.
      if (this.#resolve !== undefined) line.add(this);
    }
    // It may have come to pass before there was anybody in the lines to be told.
    this.look();
  }

  look(): boolean {
    if (this.#resolve === undefined) return true;
    if (!hasChanged(this.#request, this.#since)) return false;
    this.#end(undefined, true);
    return true;
  }

  interrupt(reason: unknown): void {
    this.#end({ reason }, false);
  }

  #startTimer(): void {
    const left = Math.min(Math.max(Math.ceil(this.#limits.deadline - now()), 0), 2 ** 31 - 1);
    this.#timer = setTimeout(() => {
      if (now() < this.#limits.deadline) this.#startTimer();
      else this.interrupt(this.#limits.onTime());
    }, left);
  }

  #end(interruption: Interruption | undefined, isServed: boolean): void {
    const resolve = this.#resolve;
    if (resolve === undefined) return;
    this.#resolve = undefined;
    clearTimeout(this.#timer);
    ignoreAbort(this.#limits.signal, this.#onAbort);
    this.#unwatch?.();
    for (const { line } of this.#request.channels) line.remove(this, isServed);
    resolve(interruption);
  }
}

function hasChanged({ selection, communications }: ChangeRequest, since: number): boolean {
  if (selection.chosen >= 0 || selection.takePoke() || now() - since > LOOK) return true;
  if (selection.crowded?.mayHaveRoomFor(selection) === true) return true;
  return communications.some(({ channel, parcel }) => channel.failure(parcel !== null) !== undefined);
}

/** Runs it, blocking the thread. */
export function runCourseSync<T>(course: Course<T>, { timeout }: Wait, onTime: OnTime): T {
  const deadline = now() + timeout;
  let result = course.next();
  while (result.done !== true) {
    const request = result.value;
    const interruption =
      request.what === 'section' ? sectionSync(request, deadline, onTime) : changeSync(request, deadline, onTime);
    result = course.next(interruption);
  }
  return result.value;
}

function sectionSync(
  { channel, isStubborn }: Extract<Request, { readonly what: 'section' }>,
  deadline: number,
  onTime: OnTime,
): Interruption | undefined {
  if (tryEnter(channel)) return undefined;
  const timeout = isStubborn || deadline === Infinity ? undefined : deadline - now();
  if (!channel.lock.acquireSync({ timeout })) return { reason: onTime() };
  channel.enterOwned();
  return undefined;
}

function changeSync(request: ChangeRequest, deadline: number, onTime: OnTime): Interruption | undefined {
  const since = now();
  for (;;) {
    if (watched(request, since)) return undefined;
    const left = deadline - now();
    if (left <= 0) return { reason: onTime() };
    sleep(request, since, Math.min(left, SLICE));
    if (now() - since < SLICE) continue;
    for (const { ref } of request.channels) native.reap(ref);
    doChores();
  }
}

/** On one processor whoever is waited for cannot run meanwhile. */
function watched(request: ChangeRequest, since: number): boolean {
  const end = native.usableCpus > 1 ? now() + WATCH : 0;
  do {
    if (hasChanged(request, since)) return true;
  } while (now() < end);
  return false;
}

function sleep(request: ChangeRequest, since: number, waitMs: number): void {
  const refs = request.channels.map(({ ref }) => ref);
  const bells = refs.map((ref) => native.bell(ref));
  for (const ref of refs) native.arm(ref, WaitQueue.join);
  if (!hasChanged(request, since)) native.sleepOn(refs, bells, [], waitMs);
  for (const { ref, line } of request.channels) {
    // Promises of this thread that wait there share the registration.
    if (line.pending > 0) {
      native.arm(ref, WaitQueue.join);
      line.nudge();
    } else {
      native.disarm(ref, WaitQueue.join);
    }
  }
}
