/**
 * A condition and the lock that belongs to it, before there is a facade.
 */
import { inspect } from 'node:util';
import { argumentTypeError } from '../errors.js';
import { parseDescription } from '../internal/description.js';
import { attach } from '../internal/handle.js';
import { call, Kind, native } from '../internal/native.js';
import {
  type Attachment,
  attachCore,
  attachmentOf,
  checkCreateOptions,
  Core,
  type CreateOptions,
} from '../internal/shared-object.js';
import { attachDescribedLock } from './described-lock.js';
import { Lock } from './lock.js';
import { RLock } from './rlock.js';

/** Options of a {@link Condition}. */
export interface ConditionOptions extends CreateOptions {
  /** The lock that protects what is waited for; default: a new RLock. */
  readonly lock?: Lock | RLock | undefined;
}

/**
 * In-process state of a condition: the lock that belongs to it, by a facade of its own, since the user may close the lock
 * that was given. It lives as long as the condition is in use here, in transit included.
 */
export class ConditionCore extends Core {
  readonly lock: Lock | RLock;

  constructor(ref: number, lock: Lock | RLock) {
    super(ref, 'condition');
    this.lock = lock;
  }

  protected override leave(): void {
    super.leave();
    this.lock.close();
  }
}

/** Makes a condition, with a lock of its own unless one is given. */
export function createCondition(source: Lock | RLock | ConditionOptions | undefined): Attachment<ConditionCore> {
  // Any shared object, not only a lock: what is none is refused below.
  const isObject = typeof source === 'object' && attachmentOf(source) !== undefined;
  const options = (isObject ? { lock: source } : (source ?? {})) as ConditionOptions;
  const { name, maxParticipants } = checkCreateOptions(options, 'create Condition');
  const lock = ownLock(options.lock);
  try {
    const meta = JSON.stringify({ lock: lock.handle });
    const ref = call(() => native.create(Kind.condition, name, 0, 0, 0, meta, maxParticipants, null));
    return attachCore(ref, (known) => new ConditionCore(known, lock));
  } catch (error) {
    lock.close();
    throw error;
  }
}

/** Adopts a ref that `open` or `attach` gave, with the lock that belongs to it. */
export function openCondition(ref: number): Attachment<ConditionCore> {
  return attachCore(ref, (known) => {
    const { lock } = parseDescription(
      call(() => native.meta(known)),
      'Condition',
    );
    return new ConditionCore(known, attachDescribedLock(lock, 'Condition'));
  });
}

function ownLock(given: unknown): Lock | RLock {
  if (given === undefined) return new RLock();
  if (!(given instanceof Lock || given instanceof RLock)) {
    throw argumentTypeError(`Cannot create Condition: lock must be a Lock or an RLock, received ${inspect(given)}`);
  }
  attachmentOf(given)?.assertOpen('use the lock of Condition');
  return attach<Lock | RLock>(given);
}
