/**
 * Selections: one of several communications.
 */
import { argumentRangeError, argumentTypeError } from '../errors.js';
import { rejected } from '../internal/wait.js';
import type { ChannelEnd } from './channel-end.js';
import { usable } from './channel-end.js';
import { communicate, type Course } from './communicate.js';
import { checkGuard, type Guard, InputGuard, OutputGuard, SkipGuard, TimeoutGuard } from './guards.js';
import { MOST_GUARDS } from './offer-table.js';
import { Parcel } from './parcel.js';
import { runCourse } from './run-course.js';
import type { Communication } from './selection.js';

/** What was chosen. */
export interface Selected {
  readonly guard: Guard;
  /** The end that was used; `undefined` for a {@link SkipGuard} or {@link TimeoutGuard}. */
  readonly end: ChannelEnd | undefined;
  /** What was read; else `undefined`. */
  readonly value: unknown;
}

/** Why a selection that may wait no longer was interrupted. */
const timeIsOver = new Error('The time of a selection is over');

/** @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT). */
function checkGuards(guards: readonly unknown[]): Guard[] {
  if (guards.length === 0) throw argumentTypeError('Cannot select: at least one guard is needed');
  if (guards.length > MOST_GUARDS)
    throw argumentRangeError(`Cannot select: ${MOST_GUARDS} guards are allowed, received ${guards.length}`);
  return guards.map(checkGuard);
}

type Communicating = InputGuard | OutputGuard;

function isCommunicating(guard: Guard): guard is Communicating {
  return guard instanceof InputGuard || guard instanceof OutputGuard;
}

/** The earliest of the timeouts. */
function firstTimeout(guards: readonly Guard[]): TimeoutGuard | undefined {
  return guards
    .filter((guard) => guard instanceof TimeoutGuard)
    .reduce<TimeoutGuard | undefined>(
      (first, guard) => (first === undefined || guard.timeout < first.timeout ? guard : first),
      undefined,
    );
}

function* selecting(
  guards: readonly Communicating[],
  otherwise: Guard | undefined,
  mayWait: boolean,
): Course<Selected> {
  const communications: Communication[] = [];
  try {
    for (const guard of guards) {
      const { channel } = usable(guard.end);
      communications.push({ channel, parcel: guard instanceof OutputGuard ? new Parcel(guard.message) : null });
    }
  } catch (error) {
    for (const { parcel } of communications) parcel?.drop();
    throw error;
  }
  try {
    const outcome = yield* communicate(communications, mayWait);
    const guard = outcome === undefined ? undefined : guards[outcome.chosen];
    if (guard !== undefined) return { guard, end: guard.end, value: outcome?.claim?.open() };
  } catch (error) {
    if (error !== timeIsOver) throw error;
  }
  return { guard: otherwise as Guard, end: undefined, value: undefined };
}

/** Selects among guards in this order, without running an action. */
export function choose(guards: readonly Guard[]): Promise<Selected> {
  try {
    const skip = guards.findIndex((guard) => guard instanceof SkipGuard);
    // What comes behind one that is always ready never comes into question.
    const considered = skip < 0 ? guards : guards.slice(0, skip);
    const timeout = skip < 0 ? firstTimeout(considered) : undefined;
    const communicating = considered.filter(isCommunicating);
    const limit = timeout?.timeout ?? Infinity;
    const mayWait = skip < 0 && limit > 0;
    const course = selecting(communicating, skip < 0 ? timeout : guards[skip], mayWait);
    return runCourse(
      course,
      { timeout: limit, signal: undefined },
      () => timeIsOver,
      (waiter) => {
        const unwatch = communicating.map(({ end }) => usable(end as ChannelEnd).watch(waiter));
        return () => {
          for (const stop of unwatch) stop();
        };
      },
    );
  } catch (error) {
    return rejected(error);
  }
}

/** Selects, then runs the action of what was chosen. */
export async function chooseAndAct(guards: readonly Guard[]): Promise<Selected> {
  const selected = await choose(guards);
  await selected.guard.action?.(selected.value as undefined);
  return selected;
}

function isLast(guard: Guard): boolean {
  return !isCommunicating(guard);
}

/** Those that communicate, in their order, before those that do not. */
function communicatingFirst(guards: readonly Guard[]): Guard[] {
  return [
    ...guards.filter(isCommunicating),
    ...guards.filter((guard) => guard instanceof TimeoutGuard),
    ...guards.filter((guard) => guard instanceof SkipGuard),
  ];
}

/**
 * Takes part in exactly one of the communications, and then runs the action of its guard. What is ready is preferred to a timeout or skip, in whatever order they
 * are given. Both sides of a channel may select.
 *
 * @returns what was chosen.
 * @throws RetireError, PoisonError when the channel of any guard has ended, unless another one is committed; TypeError (ERR_MULTIPROC_ARGUMENT);
 *   ClosedError; NotTransferableError; what the action throws.
 */
export async function AltSelect(...guards: readonly Guard[]): Promise<Selected> {
  return chooseAndAct(communicatingFirst(checkGuards(guards)));
}

/**
 * As {@link AltSelect}, with strict priority: of those that are ready when it begins, the first one is chosen. What stands behind a {@link SkipGuard} is never
 * chosen.
 */
export async function PriSelect(...guards: readonly Guard[]): Promise<Selected> {
  return chooseAndAct(checkGuards(guards));
}

/** A selection that remembers what it chose. */
export type FairSelector = (...guards: readonly Guard[]) => Promise<Selected>;

/**
 * Makes a selection of its own history, to be used again and again: of those that are ready, it prefers the end that it has chosen least often. Timeouts and
 * skips come last.
 */
export function fair(): FairSelector {
  const chosen = new WeakMap<ChannelEnd, number>();
  const timesOf = (guard: Guard): number => ('end' in guard ? (chosen.get(guard.end as ChannelEnd) ?? 0) : Infinity);
  return async (...guards) => {
    const checked = communicatingFirst(checkGuards(guards));
    const inOrder = checked.filter(isCommunicating).sort((a, b) => timesOf(a) - timesOf(b));
    const selected = await choose([...inOrder, ...checked.filter(isLast)]);
    if (selected.end !== undefined) chosen.set(selected.end, timesOf(selected.guard) + 1);
    await selected.guard.action?.(selected.value as undefined);
    return selected;
  };
}

/** As {@link AltSelect}, preferring ends that it has chosen less often in this thread; {@link fair} makes one with a history of its own. */
export const FairSelect: FairSelector = fair();
