/**
 * The getting side of a queue.
 */
import { inspect } from 'node:util';
import { argumentRangeError, argumentTypeError, Empty, type MultiprocError } from '../errors.js';
import { GetMode, Status } from '../internal/native.js';
import type { Attachment, SharedObject } from '../internal/shared-object.js';
import { statusError } from '../internal/status-error.js';
import { resolved } from '../internal/turn.js';
import { rejected, SLICE } from '../internal/wait.js';
import { notAtAll, parseWait, type WaitOptions } from '../internal/wait-options.js';
import { type Claimed, getMessage, takeClaimed, takeValue } from './incoming.js';
import type { CodecName } from './codec-name.js';
import type { QueueCore } from './queue-core.js';

/** So many messages make a batch when the caller sets no limit: producers could keep it going for ever. */
const largestBatch = 4096;

/** How a class that receives speaks of its failures. */
export type ReceiverFailure = (status: number) => MultiprocError;

function queueFailure(status: number): MultiprocError {
  return status === Status.Again
    ? new Empty('Cannot get from Queue: it is empty')
    : statusError(status, 'get from Queue');
}

/** The getting side of a ring. */
export class Receiver {
  readonly #owner: SharedObject;
  readonly #at: Attachment<QueueCore>;
  readonly #codec: CodecName;
  /** Why a message in the middle of a batch could not be decoded; the next get throws it. */
  #postponed: { readonly error: unknown } | null = null;
  readonly #failure: ReceiverFailure;

  constructor(owner: SharedObject, attachment: Attachment<QueueCore>, failure: ReceiverFailure = queueFailure) {
    this.#owner = owner;
    this.#at = attachment;
    this.#codec = attachment.core.meta.codec;
    this.#failure = failure;
  }

  get(options: WaitOptions | null | undefined): Promise<unknown> {
    try {
      const wait = parseWait(options);
      this.#throwPostponed();
      const { core, ref } = this.#at;
      if (core.main.pending === 0) {
        const length = getMessage(ref, GetMode.copy, 0);
        if (length >= 0) return resolved(this.#take(ref, length));
      }
      return core.main.wait(this.#owner, wait, this.#attempt, (status) => this.#settle(status));
    } catch (error) {
      return rejected(error);
    }
  }

  getSync(options: WaitOptions | null | undefined): unknown {
    const { core, ref } = this.#at;
    if (this.#postponed === null && options === undefined && core.main.pending === 0 && core.space.pending === 0) {
      const length = getMessage(ref, GetMode.copy, SLICE);
      if (length >= 0) return this.#take(ref, length);
      if (length !== Status.Again) throw this.#failure(length);
    }
    const { timeout } = parseWait(options);
    this.#throwPostponed();
    return this.#settle(core.main.waitSync(this.#attempt, timeout, true));
  }

  getNowait(): unknown {
    return this.getSync(notAtAll);
  }

  getMany(max: number | undefined, options: WaitOptions | null | undefined): Promise<unknown[]> {
    try {
      const limit = checkMax(max);
      const wait = parseWait(options);
      this.#throwPostponed();
      return this.#at.core.main.wait(this.#owner, wait, this.#attempt, (status) => this.#settleMany(status, limit));
    } catch (error) {
      return rejected(error);
    }
  }

  getManySync(max: number | undefined, options: WaitOptions | null | undefined): unknown[] {
    const limit = checkMax(max);
    const { timeout } = parseWait(options);
    this.#throwPostponed();
    return this.#settleMany(this.#at.core.main.waitSync(this.#attempt, timeout, true), limit);
  }

  /** @param adopt takes the claim over, at once: nobody else would end it. */
  take<T>(adopt: (claimed: Claimed) => T, options: WaitOptions | null | undefined): Promise<T> {
    try {
      const wait = parseWait(options);
      this.#throwPostponed();
      return this.#at.core.main.wait(this.#owner, wait, this.#attemptTake, (status) => this.#settleTake(status, adopt));
    } catch (error) {
      return rejected(error);
    }
  }

  takeSync<T>(adopt: (claimed: Claimed) => T, options: WaitOptions | null | undefined): T {
    const { timeout } = parseWait(options);
    this.#throwPostponed();
    return this.#settleTake(this.#at.core.main.waitSync(this.#attemptTake, timeout, true), adopt);
  }

  readonly #attempt = (waitMs: number): number => this.#tryGet(GetMode.copy, waitMs);

  readonly #attemptTake = (waitMs: number): number => this.#tryGet(GetMode.take, waitMs);

  #tryGet(mode: number, waitMs: number): number {
    const { core, ref } = this.#at;
    // What this thread blocks for may be what a promise of its own is waiting to put.
    if (waitMs > 0 && core.space.pending > 0) core.space.serve();
    return getMessage(ref, mode, waitMs);
  }

  #settle(status: number): unknown {
    if (status < 0) throw this.#failure(status);
    return this.#take(this.#at.ref, status);
  }

  #settleMany(status: number, limit: number): unknown[] {
    const values = [this.#settle(status)];
    while (values.length < limit) {
      const { ref } = this.#at;
      const length = getMessage(ref, GetMode.copy, 0);
      // Whatever there is to say about the queue, the next get will say it.
      if (length < 0) break;
      try {
        values.push(this.#take(ref, length));
      } catch (error) {
        this.#postponed = { error };
        break;
      }
    }
    return values;
  }

  #settleTake<T>(status: number, adopt: (claimed: Claimed) => T): T {
    if (status < 0) throw this.#failure(status);
    return adopt(takeClaimed(this.#at.ref, status, this.#codec));
  }

  #take(ref: number, length: number): unknown {
    const value = takeValue(ref, length, this.#codec);
    this.#at.core.space.nudge();
    return value;
  }

  #throwPostponed(): void {
    if (this.#postponed === null) return;
    const { error } = this.#postponed;
    this.#postponed = null;
    throw error;
  }
}

function checkMax(max: unknown): number {
  if (max === undefined || max === null || max === Infinity) return largestBatch;
  if (typeof max !== 'number')
    throw argumentTypeError(`Cannot get from Queue: max must be a number, received ${inspect(max)}`);
  if (!Number.isInteger(max) || max < 1)
    throw argumentRangeError(`Cannot get from Queue: max must be a positive integer, received ${max}`);
  return max;
}
