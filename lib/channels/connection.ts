/**
 * Connection: one end of a pipe.
 */
import { BrokenPipeError, DirectionError, EOFError, type MultiprocError, TimeoutError } from '../errors.js';
import { registerCompositeKind } from '../internal/handle.js';
import { call, native, Status } from '../internal/native.js';
import { type Attachment, describe, Facade } from '../internal/shared-object.js';
import { statusError } from '../internal/status-error.js';
import { rejected } from '../internal/wait.js';
import { waitable, type Waitable } from '../internal/waitable.js';
import { notAtAll, parseWait, type WaitOptions } from '../internal/wait-options.js';
import {
  asBuffer,
  type BytesLike,
  checkMaxLength,
  copied,
  longest,
  partOf,
  type RecvBytesOptions,
  refuse,
} from './bytes.js';
import { ConnectionAttachment, type ConnectionRings, openRings } from './connection-core.js';
import type { Claimed } from './incoming.js';
import type { QueueCore } from './queue-core.js';
import { Receiver } from './receiver.js';
import { Sender, type SenderWords } from './sender.js';

/** Milliseconds for which a dead receiver may go unnoticed by who sends. */
const LOOK_INTERVAL = 10;

const sendWords: SenderWords = {
  action: 'send',
  failure(status, text, facts) {
    if (status === Status.Again)
      return new TimeoutError(`Cannot send: the pipe is full and the time was over${text}`, facts);
    if (status === Status.ShutDown) return new BrokenPipeError('Cannot send: nobody is left who could receive');
    return undefined;
  },
};

function receiveFailure(status: number): MultiprocError {
  if (status === Status.Again) return new TimeoutError('Cannot receive: nothing came within the time');
  if (status === Status.ShutDown) return new EOFError('Cannot receive: nobody is left who could send');
  return statusError(status, 'receive');
}

/**
 * One end of a pipe, made by {@link Pipe}.
 *
 * - **Messages** keep their boundaries and their order, whatever their size; empty ones exist. What `send` takes is copied at the call, and
 *   arrives as in a {@link Queue}.
 * - **Sharing**: any number of threads of any processes may use the same end at the same time. Each message goes to one of them.
 * - **The end**: when the last user of the other end has closed it, ended or died, `recv` throws EOFError once everything was received, and
 *   `send` BrokenPipeError at once. A message that carries an end counts as a user until it was received or its sender has gone.
 * - **Death** in the middle of a `send`: nobody sees the message. In the middle of a `recv`: another user of the end receives it.
 *
 * ```js
 * const [here, there] = Pipe();
 * child.send({ there });                // there: attach(message.there)
 * await here.send({ n: 1 });
 * const answer = await here.recv({ timeout: 5_000 });
 * ```
 *
 * @typeParam Receives what comes in.
 * @typeParam Sends what goes out.
 */
export class Connection<Receives = unknown, Sends = Receives> extends Facade implements AsyncIterable<Receives> {
  readonly #at: ConnectionAttachment;
  readonly #sender: Sender | null;
  readonly #receiver: Receiver | null;

  /** @internal */
  constructor(rings: ConnectionRings) {
    const attachment = new ConnectionAttachment(rings);
    super(attachment);
    this.#at = attachment;
    this.#sender = rings.sending === null ? null : new Sender(this, rings.sending, sendWords);
    this.#receiver = rings.receiving === null ? null : new Receiver(this, rings.receiving, receiveFailure);
  }

  /** Can it receive? */
  get readable(): boolean {
    return this.#receiver !== null;
  }

  /** Can it send? */
  get writable(): boolean {
    return this.#sender !== null;
  }

  /**
   * Sends a value, waiting for room without blocking the thread.
   *
   * The value is copied before this returns; a promise that is rejected has sent nothing.
   *
   * @param options how long to wait for room; default: for ever.
   * @throws BrokenPipeError (ERR_MULTIPROC_BROKEN_PIPE) when nobody is left at the other end; DirectionError (ERR_MULTIPROC_DIRECTION) for an end
   *   that only receives; NotTransferableError; TimeoutError; ClosedError; NoSpaceError for a long message that does not fit into
   *   `/dev/shm`; `signal.reason`.
   */
  send(value: Sends, options?: WaitOptions | null): Promise<void> {
    try {
      return this.#sending().put(value, options);
    } catch (error) {
      return rejected(error);
    }
  }

  /** As {@link send}, blocking the thread. */
  sendSync(value: Sends, options?: WaitOptions | null): void {
    this.#sending().putSync(value, options);
  }

  /**
   * Receives the next message, waiting for it without blocking the thread.
   *
   * @param options how long to wait; default: for ever.
   * @throws EOFError (ERR_MULTIPROC_EOF) when everything was received and nobody is left at the other end; DirectionError
   *   (ERR_MULTIPROC_DIRECTION) for an end that only sends; TimeoutError (ERR_MULTIPROC_TIMEOUT); ClosedError; NotFoundError as with
   *   `Queue.get`; `signal.reason`, and then no message was consumed.
   */
  recv(options?: WaitOptions | null): Promise<Receives> {
    try {
      return this.#receiving().get(options) as Promise<Receives>;
    } catch (error) {
      return rejected(error);
    }
  }

  /** As {@link recv}, blocking the thread. */
  recvSync(options?: WaitOptions | null): Receives {
    return this.#receiving().getSync(options) as Receives;
  }

  /**
   * Would `recv` have something to say at once: a message, or that there will be none? The answer comes at once and is no
   * promise.
   *
   * @throws DirectionError (ERR_MULTIPROC_DIRECTION); ClosedError.
   */
  poll(): boolean;
  /**
   * The same, waiting for it without blocking the thread.
   *
   * @param options how long to wait for something to receive; `{}` or null: for ever.
   * @returns false when the time is over first.
   * @throws DirectionError (ERR_MULTIPROC_DIRECTION); ClosedError; `signal.reason`.
   */
  poll(options: WaitOptions | null): Promise<boolean>;
  poll(options?: WaitOptions | null): boolean | Promise<boolean> {
    if (options === undefined) return this.pollSync(notAtAll);
    try {
      const { core } = this.#readableRing();
      return core.main.wait(this, parseWait(options), this.#attemptPoll, polled);
    } catch (error) {
      return rejected(error);
    }
  }

  /** As {@link poll}, blocking the thread; without options for ever. */
  pollSync(options?: WaitOptions | null): boolean {
    const { core } = this.#readableRing();
    return polled(core.main.waitSync(this.#attemptPoll, parseWait(options).timeout, true));
  }

  /**
   * Sends bytes as one message, which `recvBytes` or `recv` receives as a Buffer.
   *
   * @param bytes what is sent, or of which a part is.
   * @param offset where the part begins, in bytes; default 0.
   * @param size how many bytes; default: to the end.
   * @param options how long to wait for room; default: for ever.
   * @throws TypeError for what is not bytes, RangeError (ERR_MULTIPROC_ARGUMENT) for a part that is not inside; else as {@link send}.
   */
  sendBytes(bytes: BytesLike, offset?: number, size?: number, options?: WaitOptions | null): Promise<void> {
    try {
      return this.#sending().put(partOf(bytes, offset, size), options);
    } catch (error) {
      return rejected(error);
    }
  }

  /** As {@link sendBytes}, blocking the thread. */
  sendBytesSync(bytes: BytesLike, offset?: number, size?: number, options?: WaitOptions | null): void {
    this.#sending().putSync(partOf(bytes, offset, size), options);
  }

  /**
   * Receives a message of bytes.
   *
   * @param options the longest message that is accepted, and how long to wait.
   * @throws LengthError (ERR_MULTIPROC_LENGTH) when the message is longer, StateError (ERR_MULTIPROC_STATE) when it is not bytes: it
   *   stays where it is, to be received another way; else as {@link recv}.
   */
  async recvBytes(options?: RecvBytesOptions | null): Promise<Buffer> {
    const maxLength = checkMaxLength(options);
    return this.#receiving().take((claimed) => this.#accept(claimed, maxLength), options);
  }

  /** As {@link recvBytes}, blocking the thread. */
  recvBytesSync(options?: RecvBytesOptions | null): Buffer {
    const maxLength = checkMaxLength(options);
    return this.#receiving().takeSync((claimed) => this.#accept(claimed, maxLength), options);
  }

  /**
   * Receives a message of bytes into memory of the caller.
   *
   * @param target where the bytes go.
   * @param offset where in `target`, in bytes; default 0.
   * @param options how long to wait; default: for ever.
   * @returns how many bytes came.
   * @throws BufferTooShort (ERR_MULTIPROC_BUFFER_TOO_SHORT) when they do not fit, with all of them as `data`; TypeError, RangeError
   *   (ERR_MULTIPROC_ARGUMENT); else as {@link recvBytes}.
   */
  async recvBytesInto(target: BytesLike, offset?: number, options?: WaitOptions | null): Promise<number> {
    const room = partOf(target, offset, undefined);
    return this.#receiving().take((claimed) => copied(this.#accept(claimed, longest), room), options);
  }

  /** As {@link recvBytesInto}, blocking the thread. */
  recvBytesIntoSync(target: BytesLike, offset?: number, options?: WaitOptions | null): number {
    const room = partOf(target, offset, undefined);
    return this.#receiving().takeSync((claimed) => copied(this.#accept(claimed, longest), room), options);
  }

  /** Messages as they come, until the other end is gone and everything was received. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Receives, void, undefined> {
    for (;;) {
      let value: Receives;
      try {
        value = await this.recv();
      } catch (error) {
        if (error instanceof EOFError) return;
        throw error;
      }
      yield value;
    }
  }

  /** Nobody can attach this end by its handle any more; who has it keeps it. @returns false if that was so before. @throws ClosedError. */
  override unlink(): boolean {
    this.#at.assertOpen('unlink Connection');
    const rings = [this.#at.receiving, this.#at.sending].filter((ring) => ring !== null);
    return rings.map(({ ref }) => call(() => native.unlink(ref))).includes(true);
  }

  /** @internal */
  override [describe](): string {
    const directions = [...(this.readable ? ['readable'] : []), ...(this.writable ? ['writable'] : [])];
    return `<Connection ${directions.join(' ')}>`;
  }

  /** @internal A message, or that there will be none. */
  [waitable](): Waitable {
    const { core } = this.#readableRing();
    return { core, attempt: this.#attemptPoll };
  }

  readonly #attemptPoll = (waitMs: number): number => native.ringPoll(this.#at.receiving?.ref ?? -1, waitMs);

  #sending(): Sender {
    this.#at.assertOpen('send');
    if (this.#sender === null) throw new DirectionError('Cannot send: this end of the pipe only receives');
    // As long as there is room nothing else would tell that everybody at the other end has died.
    this.#at.sending?.core.space.lookForDead(LOOK_INTERVAL);
    return this.#sender;
  }

  #receiving(): Receiver {
    this.#readableRing();
    return this.#receiver as Receiver;
  }

  #readableRing(): Attachment<QueueCore> {
    this.#at.assertOpen('receive');
    if (this.#at.receiving === null) throw new DirectionError('Cannot receive: this end of the pipe only sends');
    return this.#at.receiving;
  }

  /** Consumes a claimed message of bytes; one that is not accepted goes back to its place. */
  #accept({ value, position }: Claimed, maxLength: number): Buffer {
    const { ref, core } = this.#readableRing();
    const refusal = refuse(value, maxLength);
    if (refusal !== undefined) {
      native.ringRequeue(ref, position);
      core.main.nudge();
      throw refusal;
    }
    native.ringRelease(ref, position);
    core.space.nudge();
    return Buffer.isBuffer(value) ? value : asBuffer(value);
  }
}

function polled(status: number): boolean {
  if (status === 0 || status === Status.ShutDown) return true;
  if (status === Status.Again) return false;
  throw statusError(status, 'poll');
}

registerCompositeKind('connection', (address) => new Connection(openRings(address)));
