/**
 * The putting side of a queue.
 */
import { inspect } from 'node:util';
import { argumentTypeError, type ErrorDetails, Full, MultiprocError } from '../errors.js';
import { now } from '../internal/clock.js';
import { Status } from '../internal/native.js';
import type { Attachment, SharedObject } from '../internal/shared-object.js';
import { statusError } from '../internal/status-error.js';
import { isTurnDue } from '../internal/turn.js';
import { rejected, SLICE } from '../internal/wait.js';
import { forEver, notAtAll, parseWait, type Wait, type WaitOptions } from '../internal/wait-options.js';
import { KeptMessage, keepAlive, type MessageEncoder, messageEncoder, putEncoded } from './outgoing.js';
import type { QueueCore } from './queue-core.js';

const done = Promise.resolve();

/** After a put that need not wait. */
function finished(): Promise<void> {
  return isTurnDue() ? new Promise((resolve) => setImmediate(resolve)) : done;
}

/** How a class that sends speaks of its failures. */
export interface SenderWords {
  /** Completes "Cannot …". */
  readonly action: string;
  /** The error for `Status.Again` or `Status.ShutDown`; `undefined`: the general one. `text` and `facts` say who is in the way. */
  failure(status: number, text: string, facts: ErrorDetails): MultiprocError | undefined;
}

const queueWords: SenderWords = {
  action: 'put into Queue',
  failure: (status, text, facts) =>
    status === Status.Again ? new Full(`Cannot put into Queue: it is full${text}`, facts) : undefined,
};

/** The putting side of a ring. */
export class Sender {
  readonly #owner: SharedObject;
  readonly #at: Attachment<QueueCore>;
  readonly #encoder: MessageEncoder;
  readonly #words: SenderWords;

  constructor(
    owner: SharedObject,
    attachment: Attachment<QueueCore>,
    words: SenderWords = queueWords,
    encoder: MessageEncoder = messageEncoder(attachment.core.meta.codec),
  ) {
    this.#owner = owner;
    this.#at = attachment;
    this.#encoder = encoder;
    this.#words = words;
  }

  put(value: unknown, options: WaitOptions | null | undefined): Promise<void> {
    try {
      const wait = parseWait(options);
      const headLength = this.#encode(value);
      const status = this.#tryPut(headLength);
      if (status === 0) return finished();
      if (status !== Status.Again || wait.timeout <= 0) throw this.#failure(status, false);
      return this.#waitFor([new KeptMessage(this.#encoder, headLength)], wait, undefined);
    } catch (error) {
      return rejected(error);
    }
  }

  putSync(value: unknown, options: WaitOptions | null | undefined): void {
    const encoder = this.#encoder;
    const { core } = this.#at;
    if (options === undefined && core.space.pending === 0 && core.main.pending === 0) {
      const headLength = encoder.encode(value);
      // Read only now: encoding may run code of the program, which may close the queue.
      const status = putEncoded(this.#at.ref, encoder, headLength, SLICE);
      if (status === 0) {
        if (encoder.handles !== null) keepAlive(core, encoder);
        core.main.nudge();
        return;
      }
      this.#finishSync(status, headLength, forEver, undefined);
      return;
    }
    const wait = parseWait(options);
    const headLength = this.#encode(value);
    const status = this.#tryPut(headLength);
    if (status !== 0) this.#finishSync(status, headLength, wait, undefined);
  }

  putNowait(value: unknown): void {
    this.putSync(value, notAtAll);
  }

  /** Puts without waiting. False, and no error, when there is no room. */
  tryPut(value: unknown): boolean {
    const status = this.#tryPut(this.#encode(value));
    if (status !== 0 && status !== Status.Again) throw this.#failure(status, false);
    return status === 0;
  }

  /**
   * Puts the value now, or when there is room: its copy waits for that. While it waits, `servePuts` of a thread that blocks can put it too.
   *
   * @param settled called once it is put, or with the error for which it cannot be: in the same breath, since a promise is heard of only by a thread whose
   *   event loop turns. Not called when it was put at once, or called off.
   * @returns `undefined` when it was put; else what calls it off.
   */
  putWhenRoom(value: unknown, settled: (error?: unknown) => void): (() => void) | undefined {
    const { core } = this.#at;
    const headLength = this.#encode(value);
    const status = this.#tryPut(headLength);
    if (status === 0) return undefined;
    if (status !== Status.Again) throw this.#failure(status, false);
    const message = new KeptMessage(this.#encoder, headLength);
    const calling = new AbortController();
    const outcome: { over: boolean; error: unknown } = { over: false, error: undefined };
    let tell = (): void => undefined;
    const end = (reason: unknown): void => {
      outcome.over = true;
      outcome.error = reason;
      if (reason === undefined) core.main.nudge();
      else message.drop();
      tell();
    };
    core.space
      .wait(
        this.#owner,
        { timeout: Infinity, signal: calling.signal },
        (waitMs) => message.put(core, waitMs),
        (result) => {
          end(result === 0 ? undefined : this.#failure(result, true));
        },
      )
      // Called off, or the queue was closed.
      .catch(end);
    // Room has come in this very moment.
    if (outcome.over) {
      if (outcome.error === undefined) return undefined;
      throw outcome.error as Error;
    }
    tell = () => {
      if (!calling.signal.aborted) settled(outcome.error);
    };
    return () => {
      calling.abort();
    };
  }

  putMany(values: Iterable<unknown>, options: WaitOptions | null | undefined): Promise<void> {
    let count = 0;
    const kept: KeptMessage[] = [];
    try {
      checkIterable(values);
      const wait = parseWait(options);
      for (const value of values) {
        const headLength = this.#encode(value);
        const status = kept.length === 0 ? this.#tryPut(headLength) : Status.Again;
        if (status === 0) {
          count += 1;
          continue;
        }
        if (status !== Status.Again || wait.timeout <= 0) throw this.#failure(status, false, count);
        // Values are copied at the call: those that have no room yet too.
        kept.push(new KeptMessage(this.#encoder, headLength));
      }
      return kept.length === 0 ? finished() : this.#waitFor(kept, wait, count);
    } catch (error) {
      for (const message of kept) message.drop();
      return rejected(withCount(error, count));
    }
  }

  putManySync(values: Iterable<unknown>, options: WaitOptions | null | undefined): void {
    checkIterable(values);
    const wait = parseWait(options);
    const deadline = now() + wait.timeout;
    let count = 0;
    try {
      for (const value of values) {
        const headLength = this.#encode(value);
        const status = this.#tryPut(headLength);
        if (status !== 0) this.#finishSync(status, headLength, { ...wait, timeout: deadline - now() }, count);
        count += 1;
      }
    } catch (error) {
      throw withCount(error, count);
    }
  }

  /** Encodes after a look at whether the queue is still open: what cannot be sent must not be the error then. */
  #encode(value: unknown): number {
    this.#at.assertOpen(this.#words.action);
    return this.#encoder.encode(value);
  }

  /** One attempt, which others that wait already do not allow. */
  #tryPut(headLength: number): number {
    const { core, ref } = this.#at;
    if (core.space.pending > 0) {
      core.space.serve();
      if (core.space.pending > 0) return Status.Again;
    }
    const status = putEncoded(ref, this.#encoder, headLength, 0);
    if (status === 0) {
      keepAlive(core, this.#encoder);
      core.main.nudge();
    }
    return status;
  }

  /** Waits with what the encoder holds, which nothing replaces while the thread is blocked. */
  #finishSync(failed: number, headLength: number, wait: Wait, count: number | undefined): void {
    const { core, ref } = this.#at;
    let status = failed;
    if (status === Status.Again && wait.timeout > 0) {
      if (core.main.pending > 0) {
        status = this.#feedAndPut(new KeptMessage(this.#encoder, headLength), wait.timeout);
        if (status === 0) return;
      } else {
        status = core.space.waitSync(
          (waitMs) => putEncoded(ref, this.#encoder, headLength, waitMs),
          wait.timeout,
          true,
        );
      }
    }
    if (status !== 0) throw this.#failure(status, wait.timeout > 0, count);
    keepAlive(core, this.#encoder);
    core.main.nudge();
  }

  /** The room that this thread blocks for may be what promises of its own are waiting to take. */
  #feedAndPut(message: KeptMessage, timeout: number): number {
    const { core } = this.#at;
    const status = core.space.waitSync(
      (waitMs) => {
        core.main.serve();
        return message.put(core, waitMs);
      },
      timeout,
      true,
    );
    if (status === 0) core.main.nudge();
    else message.drop();
    return status;
  }

  /** @param count how many messages of a batch were put before these; `undefined` for a single one. */
  #waitFor(messages: readonly KeptMessage[], wait: Wait, count: number | undefined): Promise<void> {
    const { core } = this.#at;
    let next = 0;
    const attempt = (waitMs: number): number => {
      for (let message = messages[next]; message !== undefined; message = messages[next]) {
        const status = message.put(core, waitMs);
        if (status !== 0) return status;
        next += 1;
        core.main.nudge();
      }
      return 0;
    };
    const settle = (status: number): void => {
      if (status !== 0) throw this.#failure(status, true, count === undefined ? undefined : count + next);
    };
    const result = core.space.wait(this.#owner, wait, attempt, settle);
    if (count === undefined && !messages.some((message) => message.hasLuggage)) return result;
    return result.catch((error: unknown) => {
      for (const message of messages.slice(next)) message.drop();
      throw count === undefined ? error : withCount(error, count + next);
    });
  }

  #failure(status: number, waited: boolean, count?: number): MultiprocError {
    const busy = status === Status.Again ? this.#at.core.whoIsBusy(waited) : { text: '', facts: {} };
    const facts = count === undefined ? busy.facts : { ...busy.facts, count };
    return this.#words.failure(status, busy.text, facts) ?? statusError(status, this.#words.action);
  }
}

function checkIterable(values: unknown): void {
  if (typeof values !== 'object' || values === null || !(Symbol.iterator in values)) {
    throw argumentTypeError(
      `Cannot put into Queue: expected a list of items, received ${inspect(values, { depth: 0 })}`,
    );
  }
}

/** Says on our own errors how many items of the batch were put. */
function withCount(error: unknown, count: number): unknown {
  return error instanceof MultiprocError ? Object.assign(error, { count }) : error;
}
