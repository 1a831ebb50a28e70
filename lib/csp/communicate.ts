/**
 * The one course of all reads, writes and selections, blocking or not: it says what it must wait for, and whoever runs it waits.
 */
import type { ChannelCore } from './channel-core.js';
import { type Communication, type Outcome, Selection } from './selection.js';

/** What must be waited for. */
export type Request =
  | {
      readonly what: 'section';
      readonly channel: ChannelCore;
      /** It is committed: neither the time nor a signal ends this wait. */
      readonly isStubborn: boolean;
    }
  | {
      readonly what: 'change';
      readonly selection: Selection;
      readonly channels: readonly ChannelCore[];
      readonly communications: readonly Communication[];
    };

/** Why a wait ended otherwise than by what was waited for. */
export interface Interruption {
  readonly reason: unknown;
}

/** Resumed with `undefined` when what it waited for is there. */
export type Course<T> = Generator<Request, T, Interruption | undefined>;

/**
 * Takes part in exactly one of the communications: the first that is possible, in their order; else, if it may wait, the first that becomes
 * possible.
 *
 * @param isBlocking whether the thread is blocked meanwhile.
 * @returns `undefined` when none was possible and it may not wait.
 * @throws RetireError, PoisonError; the reason of an interruption. Nothing was communicated then.
 */
export function* communicate(
  communications: readonly Communication[],
  mayWait: boolean,
  isBlocking = false,
): Course<Outcome | undefined> {
  let selection = new Selection(isBlocking);
  const channels = [...new Set(communications.map(({ channel }) => channel))];
  // Whoever closes its ends meanwhile interrupts it, and must not take the channel away before it has withdrawn.
  for (const channel of channels) channel.retain();
  try {
    // With one channel alone, what was not there cannot have come before the offer is made.
    let outcome = yield* look(communications, selection, mayWait && communications.length === 1);
    if (!mayWait) return outcome;
    for (;;) {
      if (outcome !== undefined) return outcome;
      outcome = yield* lookUntilSure(communications, selection);
      if (outcome !== undefined) return outcome;
      if (selection.chosen < 0) {
        const interruption = yield { what: 'change', selection, channels, communications };
        if (interruption !== undefined && selection.giveUp()) throw interruption.reason;
      }
      if (selection.chosen < 0) {
        // Whatever woke it may concern any of them.
        selection.isUnsure = true;
        continue;
      }
      outcome = yield* collect(communications, selection);
      if (outcome !== undefined) continue;
      // The writer has died before its value was there. As long as it counted, others have dropped what was offered here besides.
      selection.withdraw();
      selection = new Selection(isBlocking);
    }
  } finally {
    selection.withdraw();
    for (const { parcel } of communications) parcel?.drop();
    for (const channel of channels) channel.release();
  }
}

/** Looks, and makes its offers, until nobody can have been overlooked. */
function* lookUntilSure(communications: readonly Communication[], selection: Selection): Course<Outcome | undefined> {
  for (;;) {
    const isComplete = communications.every((_, index) => selection.hasPosted(index));
    if (selection.chosen >= 0 || (isComplete && !selection.isUnsure)) return undefined;
    selection.isUnsure = false;
    selection.setCrowded(undefined);
    const outcome = yield* look(communications, selection, true);
    // The way on begins with somebody else then.
    if (outcome !== undefined || selection.crowded !== undefined) return outcome;
  }
}

/** Looks at each once, in order, and makes an offer where nobody is and none was made. */
function* look(
  communications: readonly Communication[],
  selection: Selection,
  post: boolean,
): Course<Outcome | undefined> {
  for (const [index, { channel, parcel }] of communications.entries()) {
    const interruption = yield { what: 'section', channel, isStubborn: false };
    if (interruption !== undefined) {
      if (selection.giveUp()) throw interruption.reason;
      return undefined;
    }
    try {
      if (selection.chosen >= 0) return undefined;
      const outcome = channel.attempt(index, parcel, selection);
      if (outcome !== undefined) return outcome;
      if (selection.chosen >= 0) return undefined;
      if (post && !selection.hasPosted(index) && selection.crowded !== channel) channel.post(index, parcel, selection);
    } finally {
      channel.exit();
    }
  }
  return undefined;
}

/** What somebody else has committed the selection to; `undefined` if it came to nothing. */
function* collect(communications: readonly Communication[], selection: Selection): Course<Outcome | undefined> {
  const { chosen } = selection;
  const communication = communications[chosen];
  const posted = selection.offerAt(chosen);
  if (communication === undefined || posted === undefined) return undefined;
  if (communication.parcel !== null) return { chosen, claim: null };
  const { channel } = communication;
  yield { what: 'section', channel, isStubborn: true };
  try {
    const claim = channel.collect(posted.offer, posted.generation);
    return claim === undefined ? undefined : { chosen, claim };
  } finally {
    channel.exit();
  }
}
