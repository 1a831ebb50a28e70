/**
 * SocketConnection: a connection to another process, perhaps on another machine, over a socket.
 */
import type { Socket } from 'node:net';
import { inspect } from 'node:util';
import {
  type BytesLike,
  checkMaxLength,
  copied,
  asBuffer,
  longest,
  partOf,
  type RecvBytesOptions,
  refuse,
} from '../channels/bytes.js';
import { CorruptSegmentError, EOFError, NotTransferableError, TimeoutError } from '../errors.js';
import { Decoder } from '../internal/codec/codec.js';
import { registerClass } from '../internal/codec/registered-classes.js';
import { closedError } from '../internal/status-error.js';
import { rejected } from '../internal/wait.js';
import { type Observed, observed } from '../internal/waitable.js';
import { parseWait, type WaitOptions } from '../internal/wait-options.js';
import { type Address, addressOf, addressText } from './address.js';
import { FrameKind, FrameReader } from './frames.js';
import { Line } from './trial-line.js';
import { broken, OutgoingFrames } from './outgoing-frames.js';

/** So many bytes of messages are received before somebody asks for them; the rest stays with the kernel, and the sender waits. */
const HIGH_WATER = 1_048_576;
/** What a message that waits takes besides its bytes. */
const OVERHEAD = 64;
/** Milliseconds that what was sent may take to leave after `close()`. */
const GRACE = 10_000;

const decoder = new Decoder();

/** A message that has come. */
interface Arrived {
  readonly kind: number;
  readonly bytes: Buffer;
  /** What is in it, when somebody has looked at it and left it. */
  readonly decoded: { readonly value: unknown } | undefined;
}

/**
 * A connection over a socket, made by {@link Client} and {@link Listener.accept}. It has the awaiting methods of {@link Connection}; there is nobody to share it with: it belongs to the thread that has it.
 *
 * - **Messages** keep their boundaries and their order. What `send` takes is copied at the call and arrives as in a {@link Queue}; shared objects arrive live on the same machine, and are NotFoundError
 *   on another one.
 * - **Room**: a sender waits when the other side does not receive; neither side keeps more than about 1 MiB of messages, or one longer message.
 * - **The end**: when the other side has closed, ended or died, `recv` throws EOFError once everything was received, and `send` BrokenPipeError. A machine that vanishes without a word is found out by the
 *   system, after minutes.
 * - An open connection does not keep the program from ending; a promise that is pending does.
 *
 * ```js
 * const connection = await Client({ host: '127.0.0.1', port: 6000 }, { authkey });
 * await connection.send({ n: 1 });
 * const answer = await connection.recv({ timeout: 5_000 });
 * connection.close();
 * ```
 */
export class SocketConnection<Receives = unknown, Sends = Receives> implements AsyncIterable<Receives>, Disposable {
  readonly #socket: Socket;
  readonly #outgoing: OutgoingFrames;
  readonly #reader: FrameReader;
  readonly #line: Line;
  readonly #arrived: Arrived[] = [];
  readonly #watchers = new Set<() => void>();
  readonly #remoteAddress: Address | null;
  #arrivedBytes = 0;
  /** Why nothing more comes. */
  #end: (() => Error) | undefined;
  #closed = false;

  /**
   * @internal
   * @param socket after the handshake, paused.
   */
  constructor(socket: Socket, maxMessage: number, remoteAddress: Address | null) {
    this.#socket = socket;
    this.#remoteAddress = remoteAddress;
    const keepAlive = (): void => {
      this.#keepLoopAlive();
    };
    this.#line = new Line(keepAlive);
    this.#outgoing = new OutgoingFrames(socket, maxMessage, keepAlive);
    this.#reader = new FrameReader(maxMessage, (kind, bytes) => {
      this.#arrive(kind, bytes);
    });
    socket.unref();
    socket.on('data', (chunk: Buffer) => {
      this.#feed(chunk);
    });
    socket.on('end', () => {
      this.#finish(endOf(this.#reader.isMidway));
    });
    socket.on('close', () => {
      this.#finish(endOf(this.#reader.isMidway, socket.errored ?? undefined));
      this.#outgoing.drop();
    });
    socket.resume();
  }

  /** Has {@link close} been called? */
  get closed(): boolean {
    return this.#closed;
  }

  /** Who is at the other end; `null` for a client of a Unix socket. */
  get remoteAddress(): Address | null {
    return this.#remoteAddress;
  }

  /**
   * Sends a value. Resolves when the kernel has all of it.
   *
   * The value is copied before this returns; a promise that is rejected by the time or the signal has sent nothing. When a part of the message may have gone by then, the promise resolves instead: the rest
   * follows by itself.
   *
   * @param options how long to wait for room; default: for ever.
   * @throws BrokenPipeError (ERR_MULTIPROC_BROKEN_PIPE) when the other side is gone; NotTransferableError; LengthError (ERR_MULTIPROC_LENGTH) beyond
   *   `maxMessage`; TimeoutError (ERR_MULTIPROC_TIMEOUT); ClosedError; `signal.reason`.
   */
  send(value: Sends, options?: WaitOptions | null): Promise<void> {
    return this.#send(() => value, options);
  }

  /**
   * Receives the next message.
   *
   * @param options how long to wait; default: for ever.
   * @throws EOFError (ERR_MULTIPROC_EOF) when everything was received and the other side is gone; TimeoutError (ERR_MULTIPROC_TIMEOUT); ClosedError;
   *   NotFoundError as with `Queue.get`; CorruptSegmentError or LengthError for what is no message, or a longer one than `maxMessage`, which is the end of the connection; `signal.reason`, and then no message was consumed.
   */
  recv(options?: WaitOptions | null): Promise<Receives> {
    return this.#take((value) => value as Receives, options);
  }

  /** Would `recv` have something to say at once, as far as the event loop has read: a message, or that there will be none? @throws ClosedError. */
  poll(): boolean;
  /**
   * The same, waiting for it.
   *
   * @param options how long to wait for something to receive; `{}` or null: for ever.
   * @returns false when the time is over first.
   * @throws ClosedError; `signal.reason`.
   */
  poll(options: WaitOptions | null): Promise<boolean>;
  poll(options?: WaitOptions | null): boolean | Promise<boolean> {
    if (options === undefined) {
      this.#assertOpen('receive');
      return this.#isReady();
    }
    try {
      this.#assertOpen('receive');
      const trial = (): { readonly value: boolean } | undefined => (this.#isReady() ? { value: true } : undefined);
      return this.#line.wait(parseWait(options), trial, () => false);
    } catch (error) {
      return rejected(error);
    }
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
    return this.#send(() => partOf(bytes, offset, size), options);
  }

  /**
   * Receives a message of bytes.
   *
   * @param options the longest message that is accepted, and how long to wait.
   * @throws LengthError (ERR_MULTIPROC_LENGTH) when the message is longer, StateError (ERR_MULTIPROC_STATE) when it is not bytes: it
   *   stays where it is, to be received another way; else as {@link recv}.
   */
  async recvBytes(options?: RecvBytesOptions | null): Promise<Buffer> {
    return this.#takeBytes(checkMaxLength(options), options);
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
    return copied(await this.#takeBytes(longest, options), room);
  }

  /** Messages as they come, until the other side is gone and everything was received. */
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

  /**
   * Closes the connection. What was sent still has ten seconds to leave; what has come and was not received is dropped; what is pending rejects with ClosedError. Closing twice does nothing.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const error = (): Error => closedError('use SocketConnection');
    this.#outgoing.fail(error);
    this.#line.fail(error);
    this.#arrived.length = 0;
    this.#tellWatchers();
    const socket = this.#socket;
    if (socket.destroyed) return;
    // To be read until the other side closes, too: data that nobody has read would make the kernel throw away what we have sent.
    socket.end();
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), GRACE).unref();
    socket.once('close', () => {
      clearTimeout(timer);
    });
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Such as `<SocketConnection 127.0.0.1:6000>`. */
  toString(): string {
    return `<SocketConnection ${addressText(this.#remoteAddress)}${this.#closed ? ' closed' : ''}>`;
  }

  /** @internal */
  [inspect.custom](): string {
    return this.toString();
  }

  /** @internal A message, or that there will be none. */
  [observed](): Observed {
    this.#assertOpen('receive');
    return {
      isReady: () => {
        this.#assertOpen('receive');
        return this.#isReady();
      },
      subscribe: (notify, signal) => {
        const changed = (): void => {
          notify();
        };
        this.#watchers.add(changed);
        this.#keepLoopAlive();
        signal.addEventListener('abort', () => {
          this.#watchers.delete(changed);
          this.#keepLoopAlive();
        });
      },
    };
  }

  #send(value: () => unknown, options: WaitOptions | null | undefined): Promise<void> {
    try {
      this.#assertOpen('send');
      const wait = parseWait(options);
      return this.#outgoing.send(value(), wait);
    } catch (error) {
      return rejected(error);
    }
  }

  #takeBytes(maxLength: number, options: WaitOptions | null | undefined): Promise<Buffer> {
    const accept = (value: unknown): Buffer => {
      const refusal = refuse(value, maxLength);
      if (refusal !== undefined) throw refusal;
      return asBuffer(value);
    };
    return this.#take(accept, options);
  }

  /** @param accept what the caller gets of a message; when it throws, the message stays. */
  #take<T>(accept: (value: unknown) => T, options: WaitOptions | null | undefined): Promise<T> {
    try {
      this.#assertOpen('receive');
      return this.#line.wait(parseWait(options), () => this.#tryTake(accept), late);
    } catch (error) {
      return rejected(error);
    }
  }

  #tryTake<T>(accept: (value: unknown) => T): { readonly value: T } | undefined {
    const first = this.#arrived[0];
    if (first === undefined) {
      if (this.#end !== undefined) throw this.#end();
      return undefined;
    }
    // Out of the line first: a class that revives itself may receive, too.
    this.#arrived.shift();
    const value = this.#decode(first);
    let accepted: T;
    try {
      accepted = accept(value);
    } catch (error) {
      this.#arrived.unshift({ ...first, decoded: { value } });
      throw error;
    }
    this.#consume(first);
    return { value: accepted };
  }

  #decode(arrived: Arrived): unknown {
    if (arrived.decoded !== undefined) return arrived.decoded.value;
    const { bytes } = arrived;
    try {
      return decoder.decode(bytes, 0, bytes.length, bytes.length === bytes.buffer.byteLength);
    } catch (error) {
      this.#consume(arrived);
      // Whoever sends what no encoder of ours has written can say nothing else that makes sense.
      if (error instanceof CorruptSegmentError) this.#break(error);
      throw error;
    } finally {
      if (arrived.kind === FrameKind.withHandles) this.#outgoing.confirm();
    }
  }

  /** Its room is free. */
  #consume(arrived: Arrived): void {
    this.#arrivedBytes -= arrived.bytes.length + OVERHEAD;
    if (this.#arrivedBytes < HIGH_WATER) this.#socket.resume();
  }

  #feed(chunk: Buffer): void {
    try {
      this.#reader.feed(chunk);
    } catch (error) {
      this.#break(error as Error);
      return;
    }
    this.#line.serve();
    // Whoever was waiting may have taken it all.
    if (this.#arrivedBytes >= HIGH_WATER && !this.#closed) this.#socket.pause();
    this.#tellWatchers();
  }

  #arrive(kind: number, bytes: Buffer): void {
    if (kind === FrameKind.received) {
      this.#outgoing.acknowledge(bytes.readUInt32BE(0));
    } else if (!this.#closed) {
      this.#arrived.push({ kind, bytes, decoded: undefined });
      this.#arrivedBytes += bytes.length + OVERHEAD;
    }
  }

  /** What came makes no sense: this is the end of this connection, and of nothing else. */
  #break(error: Error): void {
    this.#finish(() => error);
    this.#socket.destroy();
  }

  /** Nothing more comes. */
  #finish(end: () => Error): void {
    this.#end ??= end;
    const known = this.#end;
    this.#outgoing.fail(() => broken(known()));
    this.#line.serve();
    this.#tellWatchers();
  }

  #tellWatchers(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  #isReady(): boolean {
    return this.#arrived.length > 0 || this.#end !== undefined;
  }

  #keepLoopAlive(): void {
    if (this.#line.pending > 0 || this.#watchers.size > 0 || this.#outgoing.isActive) this.#socket.ref();
    else this.#socket.unref();
  }

  #assertOpen(action: string): void {
    if (this.#closed) throw closedError(action);
  }
}

function endOf(isMidway: boolean, cause?: Error): () => Error {
  const text = isMidway
    ? 'the other side went away in the middle of a message'
    : 'the other side has closed the connection';
  return () => new EOFError(`Cannot receive: ${text}`, { cause });
}

function late(): never {
  throw new TimeoutError('Cannot receive: nothing came within the time');
}

/** The remote address of a socket. */
export function remoteAddressOf(socket: Socket): Address | null {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return null;
  return addressOf({ address: remoteAddress, port: remotePort, family: socket.remoteFamily ?? '' });
}

registerClass('multiproc.SocketConnection', SocketConnection, {
  toData(): never {
    throw new NotTransferableError('Cannot send a value: a SocketConnection belongs to its process', { path: '' });
  },
  fromData: (): never => {
    throw new CorruptSegmentError('Cannot receive a SocketConnection: it belongs to its process');
  },
});
