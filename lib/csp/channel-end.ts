/**
 * The ends of channels, through which processes communicate.
 */
import { inspect } from 'node:util';
import { argumentTypeError, PoisonError, RetireError, TimeoutError } from '../errors.js';
import { registerCompositeKind } from '../internal/handle.js';
import { adoptFacade, closeFacade, type SharedObject } from '../internal/shared-object.js';
import { rejected } from '../internal/wait.js';
import { parseWait, type WaitOptions } from '../internal/wait-options.js';
import type { ChannelCore } from './channel-core.js';
import { communicate, type Course } from './communicate.js';
import { EndAttachment } from './end-core.js';
import { attachChannel } from './open-channel.js';
import { Parcel } from './parcel.js';
import { runCourse, runCourseSync } from './run-course.js';

/** Makes functions that are objects of a class, with its private fields. */
// oxlint-disable-next-line typescript/no-extraneous-class -- what it constructs is what matters
class Callable {
  constructor(call: (...args: never[]) => unknown) {
    Object.defineProperty(call, 'name', { value: new.target.name });
    return Object.setPrototypeOf(call, new.target.prototype) as Callable;
  }
}

/**
 * What both kinds of ends have in common. Ends can be called, `cin()` and `cout(value)`, and they travel wherever shared objects do; what
 * arrives is one more end. The engine's structured clone refuses functions: through `postMessage` send `end.handle`, for `attach()`.
 */
export abstract class ChannelEnd extends Callable implements SharedObject {
  readonly handle: string;
  readonly #at: EndAttachment;

  /** @internal */
  constructor(channel: ChannelCore, isWriter: boolean, call: (...args: never[]) => unknown) {
    super(call);
    this.#at = new EndAttachment(channel, isWriter);
    this.handle = this.#at.core.handle;
    // The brand check of other facades does not know functions.
    adoptFacade(this, this.#at);
  }

  /** @internal The attachment of an end; `undefined` for anything else. */
  static attachmentOf(object: unknown): EndAttachment | undefined {
    return typeof object === 'function' && #at in object ? object.#at : undefined;
  }

  /** @internal */
  get channel(): ChannelCore {
    return this.#at.channel;
  }

  /** True after `retire()` or `close()`, and when it was given to a process of `process()`. */
  get closed(): boolean {
    return this.#at.closed;
  }

  /** Lets go of the end: as {@link retire}, but later uses throw ClosedError. */
  close(): void {
    closeFacade(this, this.#at);
  }

  /**
   * Leaves the channel; retiring again does nothing. When the last reader has left, writers get a RetireError at once, and buffered values are lost; when the last writer
   * has, readers first get what is buffered. What waits through this end, and later uses of it, get a RetireError.
   */
  retire(): void {
    if (this.#at.closed) return;
    this.#at.closeBecause(
      () => new RetireError(`Cannot ${this.#at.isWriter ? 'write' : 'read'}: this end of the channel has retired`),
    );
  }

  /**
   * Ends the channel for all, at once; poisoning again does nothing. Whoever waits in it, and every later use, gets a PoisonError. What a writer
   * poisons can still be read as far as it was buffered.
   */
  poison(): void {
    if (!this.#at.closed) this.#at.channel.poison(this.#at.isWriter);
  }

  /** Removes the channel's name. @returns false if it had none. @throws ClosedError. */
  abstract unlink(): boolean;

  [Symbol.dispose](): void {
    this.close();
  }

  /** So that it arrives as `{ handle }` where JSON is sent. */
  toJSON(): { handle: string } {
    return { handle: this.handle };
  }

  override toString(): string {
    const at = ChannelEnd.attachmentOf(this);
    const name = this.constructor.name;
    return at?.closed === false ? `<${name}>` : `<${name} closed>`;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/** @throws RetireError, ClosedError when it was closed. */
export function usable(end: ChannelEnd): EndAttachment {
  const at = ChannelEnd.attachmentOf(end) as EndAttachment;
  const { failure } = at;
  if (failure !== undefined) throw failure;
  return at;
}

function* reading<T>({ channel }: EndAttachment, mayWait: boolean, isBlocking: boolean): Course<T> {
  const outcome = yield* communicate([{ channel, parcel: null }], mayWait, isBlocking);
  if (outcome === undefined) throw readTimeout();
  // Outside of everything: making the value may run code of the program.
  return outcome.claim?.open() as T;
}

function* writing({ channel }: EndAttachment, parcel: Parcel, mayWait: boolean, isBlocking: boolean): Course<void> {
  const outcome = yield* communicate([{ channel, parcel }], mayWait, isBlocking);
  if (outcome === undefined) throw writeTimeout();
}

function readTimeout(): Error {
  return new TimeoutError('Cannot read: nobody has written within the time');
}

function writeTimeout(): Error {
  return new TimeoutError('Cannot write: nobody has read within the time');
}

/**
 * An end of a channel to read from; made by `channel.reader()`.
 *
 * ```js
 * const cin = channel.reader();
 * const value = await cin.read();          // or cin()
 * for await (const each of cin) use(each); // until all writers have retired
 * ```
 */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- that it can be called, a class cannot say
export class ReadEnd<T = unknown> extends ChannelEnd implements AsyncIterable<T> {
  /** @internal */
  constructor(channel: ChannelCore) {
    super(channel, false, (options?: WaitOptions | null) => this.read(options));
  }

  /**
   * Reads a value, waiting for a writer without blocking the thread. The value is this reader's alone.
   *
   * @param options how long to wait; default: for ever.
   * @throws RetireError (ERR_MULTIPROC_RETIRE), PoisonError (ERR_MULTIPROC_POISON) when the channel has ended; TimeoutError (ERR_MULTIPROC_TIMEOUT);
   *   ClosedError; what making the value throws, which is then lost; `signal.reason`, and nothing was read then.
   */
  read(options?: WaitOptions | null): Promise<T> {
    try {
      const wait = parseWait(options);
      const course = reading<T>(usable(this), wait.timeout > 0, false);
      // Keeps the end, which would retire if it were forgotten.
      return runCourse(course, wait, readTimeout, (waiter) => usable(this).watch(waiter));
    } catch (error) {
      return rejected(error);
    }
  }

  /** As {@link read}, blocking the thread. */
  readSync(options?: WaitOptions | null): T {
    const wait = parseWait(options);
    return runCourseSync(reading<T>(usable(this), wait.timeout > 0, true), wait, readTimeout);
  }

  /** Values as they come, until the channel has retired. @throws PoisonError; else as {@link read}. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      let value: T;
      try {
        value = await this.read();
      } catch (error) {
        if (error instanceof RetireError) return;
        throw error;
      }
      yield value;
    }
  }

  override unlink(): boolean {
    return usable(this).channel.unlink();
  }
}

/** Calling it reads. */

export interface ReadEnd<T = unknown> {
  // oxlint-disable-next-line typescript/prefer-function-type -- it is merged with the class
  (options?: WaitOptions | null): Promise<T>;
}

/**
 * An end of a channel to write to; made by `channel.writer()`.
 *
 * ```js
 * const cout = channel.writer();
 * await cout.write({ n: 1 });              // or cout({ n: 1 })
 * cout.retire();
 * ```
 */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- that it can be called, a class cannot say
export class WriteEnd<T = unknown> extends ChannelEnd {
  /** @internal */
  constructor(channel: ChannelCore) {
    super(channel, true, (value: T, options?: WaitOptions | null) => this.write(value, options));
  }

  /**
   * Writes a value, waiting without blocking the thread until a reader has taken it, or until there is room in the buffer. The value is copied before
   * this returns. When it rejects, nobody gets the value.
   *
   * @param options how long to wait; default: for ever.
   * @throws RetireError (ERR_MULTIPROC_RETIRE), PoisonError (ERR_MULTIPROC_POISON) when the channel has ended; NotTransferableError; TimeoutError
   *   (ERR_MULTIPROC_TIMEOUT); ClosedError; NoSpaceError; `signal.reason`.
   */
  write(value: T, options?: WaitOptions | null): Promise<void> {
    try {
      const wait = parseWait(options);
      const course = writing(usable(this), new Parcel(value), wait.timeout > 0, false);
      return runCourse(course, wait, writeTimeout, (waiter) => usable(this).watch(waiter));
    } catch (error) {
      return rejected(error);
    }
  }

  /** As {@link write}, blocking the thread. */
  writeSync(value: T, options?: WaitOptions | null): void {
    const wait = parseWait(options);
    const at = usable(this);
    runCourseSync(writing(at, new Parcel(value), wait.timeout > 0, true), wait, writeTimeout);
  }

  override unlink(): boolean {
    return usable(this).channel.unlink();
  }
}

/** Calling it writes. */

export interface WriteEnd<T = unknown> {
  // oxlint-disable-next-line typescript/prefer-function-type -- it is merged with the class
  (value: T, options?: WaitOptions | null): Promise<void>;
}

function endsOf(ends: readonly unknown[], action: string): ChannelEnd[] {
  for (const end of ends) {
    if (ChannelEnd.attachmentOf(end) === undefined)
      throw argumentTypeError(
        `Cannot ${action}: an end of a channel is needed, received ${inspect(end, { depth: 0 })}`,
      );
  }
  return ends as ChannelEnd[];
}

/** Calls `retire()` of each. @throws TypeError (ERR_MULTIPROC_ARGUMENT) for anything else than ends, before anything is retired. */
export function retire(...ends: readonly ChannelEnd[]): void {
  for (const end of endsOf(ends, 'retire')) end.retire();
}

/** Calls `poison()` of each. @throws TypeError (ERR_MULTIPROC_ARGUMENT) for anything else than ends, before anything is poisoned. */
export function poison(...ends: readonly ChannelEnd[]): void {
  for (const end of endsOf(ends, 'poison')) end.poison();
}

/** Is it how a channel tells that it has ended? */
export function isChannelEnd(error: unknown): error is RetireError | PoisonError {
  return error instanceof RetireError || error instanceof PoisonError;
}

registerCompositeKind('reader', (address) => new ReadEnd(attachChannel(address)));
registerCompositeKind('writer', (address) => new WriteEnd(attachChannel(address)));
