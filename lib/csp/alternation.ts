/**
 * Alternation: PyCSP's low-level form of a selection.
 */
import { inspect } from 'node:util';
import { argumentTypeError } from '../errors.js';
import { ChannelEnd, type ReadEnd, type WriteEnd } from './channel-end.js';
import { type Action, checkGuard, type Guard, InputGuard, OutputGuard, SkipGuard, TimeoutGuard } from './guards.js';
import { choose, chooseAndAct, type Selected } from './select.js';

/** What a choice stands for: an end to read from; an end to write to and a value; a guard. */
// oxlint-disable-next-line typescript/no-explicit-any -- a selection mixes channels of any values
export type Choice = ReadEnd<any> | readonly [WriteEnd<any>, unknown] | Guard;

/** Choices, each with its action: as a guard, as a pair, or in a Map. */
export type Choices = Guard | readonly [Choice, (Action | null)?] | ReadonlyMap<Choice, Action | null | undefined>;

/**
 * A choice that can be made again and again, in the order of its guards, as by `PriSelect`.
 *
 * ```js
 * const choice = new Alternation([[cin, (value) => { console.log(value); }], [[cout, 42]], [new TimeoutGuard(100)]]);
 * await choice.execute();
 * ```
 */
export class Alternation {
  readonly #guards: readonly Guard[];

  /** @throws TypeError (ERR_MULTIPROC_ARGUMENT). */
  constructor(choices: Iterable<Choices>) {
    if (typeof choices !== 'object' || !(Symbol.iterator in choices))
      throw argumentTypeError(`Cannot make Alternation: a list is needed, received ${inspect(choices, { depth: 0 })}`);
    this.#guards = [...choices].flatMap(guardsOf);
    if (this.#guards.length === 0) throw argumentTypeError('Cannot make Alternation: at least one guard is needed');
  }

  /** Communicates, and runs the action of what was chosen. @throws as `PriSelect`. */
  execute(): Promise<Selected> {
    return chooseAndAct(this.#guards);
  }

  /** Communicates, and leaves the action to the caller. @throws as `PriSelect`. */
  select(): Promise<Selected> {
    return choose(this.#guards);
  }
}

/** The same as `new Alternation(choices)`. */
export function alt(choices: Iterable<Choices>): Alternation {
  return new Alternation(choices);
}

function guardsOf(choices: Choices): Guard[] {
  if (choices instanceof Map)
    return [...(choices as ReadonlyMap<Choice, Action>)].map(([choice, action]) => guardOf(choice, action));
  if (Array.isArray(choices)) {
    const [choice, action] = choices as readonly [Choice, Action?];
    return [guardOf(choice, action)];
  }
  return [checkGuard(choices)];
}

function guardOf(choice: Choice, action: Action | null | undefined): Guard {
  if (Array.isArray(choice)) {
    const [end, message] = choice as readonly [WriteEnd, unknown];
    return new OutputGuard(end, message, action);
  }
  if (ChannelEnd.attachmentOf(choice) !== undefined) return new InputGuard(choice as ReadEnd, action);
  const guard = checkGuard(choice);
  if (action === undefined || action === null) return guard;
  if (guard instanceof SkipGuard) return new SkipGuard(action);
  if (guard instanceof TimeoutGuard) return new TimeoutGuard(guard.timeout, action);
  return guard instanceof InputGuard
    ? new InputGuard(guard.end as ReadEnd, action)
    : new OutputGuard(guard.end as WriteEnd, guard.message as unknown, action);
}
