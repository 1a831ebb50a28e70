/**
 * Messages on their way into a socket.
 */
import type { Socket } from 'node:net';
import { BrokenPipeError, LengthError, TimeoutError } from '../errors.js';
import { Encoder, type Encoded } from '../internal/codec/codec.js';
import { now } from '../internal/clock.js';
import { Latch } from '../internal/latch.js';
import { Luggage } from '../internal/transit.js';
import type { Wait } from '../internal/wait-options.js';
import { FrameKind, HEAD, writeHead } from './frames.js';
import { Line } from './trial-line.js';

/** So many bytes may wait here for room in the kernel before the next message has to wait, too. */
const HIGH_WATER = 65_536;

const encoder = new Encoder();

/** A message that the socket has been given, and whether the kernel has it. */
interface Flight {
  readonly over: Latch;
  error: Error | undefined;
}

/** A message as it will be written. */
interface Frame {
  readonly bytes: Buffer;
  /** What it refers to, kept alive until the receiver says that it has it. */
  readonly luggage: Luggage | null;
}

/** The sending side of a connection. */
export class OutgoingFrames {
  readonly #socket: Socket;
  readonly #maxMessage: number;
  readonly #onActivity: () => void;
  readonly #line: Line;
  /** Of messages that were sent and not received yet, in order. */
  readonly #inTransit: Luggage[] = [];
  #received = 0;
  #flights = 0;
  /** Why nothing can be sent any more. */
  #failure: (() => Error) | undefined;

  /** @param onActivity called when something begins or ceases to be under way. */
  constructor(socket: Socket, maxMessage: number, onActivity: () => void) {
    this.#socket = socket;
    this.#maxMessage = maxMessage;
    this.#onActivity = onActivity;
    this.#line = new Line(onActivity);
    socket.on('drain', () => {
      this.#tellReceived();
      this.#line.serve();
    });
  }

  /** Is something under way? */
  get isActive(): boolean {
    return this.#line.pending > 0 || this.#flights > 0;
  }

  /** Are there messages with shared objects that the other side has not received? */
  get isAwaited(): boolean {
    return this.#inTransit.length > 0;
  }

  /** @throws NotTransferableError, LengthError; rejects with BrokenPipeError, TimeoutError, and what `fail` says. */
  async send(value: unknown, wait: Wait): Promise<void> {
    const frame = this.#encode(value);
    const deadline = now() + wait.timeout;
    let flight: Flight;
    try {
      flight = await this.#line.wait(wait, () => this.#tryPass(frame), late);
    } catch (error) {
      frame.luggage?.release();
      throw error;
    }
    try {
      await flight.over.wait({ timeout: deadline - now(), signal: wait.signal });
    } catch {
      // It cannot be called off any more: its first bytes may have arrived.
    }
    if (flight.error !== undefined) throw flight.error;
  }

  /** The other side has received so many of the messages with shared objects. */
  acknowledge(count: number): void {
    for (const luggage of this.#inTransit.splice(0, count)) luggage.release();
  }

  /** The other side is to know that one more of its messages with shared objects was received. */
  confirm(): void {
    this.#received += 1;
    this.#tellReceived();
  }

  /** Nothing more is sent: what waits is rejected, each with an error of its own. */
  fail(error: () => Error): void {
    this.#failure ??= error;
    this.#line.fail(this.#failure);
  }

  /** The socket has gone, and with it what was in transit. */
  drop(): void {
    this.acknowledge(Infinity);
  }

  #encode(value: unknown): Frame {
    const headLength = encoder.encode(value);
    const { body, handles }: Encoded = encoder;
    const length = headLength + (body?.length ?? 0);
    if (length > this.#maxMessage)
      throw new LengthError(`Cannot send: the message has ${length} bytes, ${this.#maxMessage} are allowed`);
    const bytes = Buffer.allocUnsafe(HEAD + length);
    writeHead(bytes, handles === null ? FrameKind.message : FrameKind.withHandles, length);
    bytes.set(encoder.scratch.subarray(0, headLength), HEAD);
    if (body !== null) bytes.set(body, HEAD + headLength);
    return { bytes, luggage: handles === null ? null : new Luggage(handles) };
  }

  #tryPass({ bytes, luggage }: Frame): { readonly value: Flight } | undefined {
    if (this.#failure !== undefined) throw this.#failure();
    if (this.#socket.writableLength >= HIGH_WATER) return undefined;
    if (luggage !== null) this.#inTransit.push(luggage);
    const flight: Flight = { over: new Latch(), error: undefined };
    this.#flights += 1;
    this.#onActivity();
    this.#socket.write(bytes, (error) => {
      this.#flights -= 1;
      if (error !== undefined && error !== null) flight.error = broken(error);
      flight.over.open();
      this.#onActivity();
      this.#line.serve();
    });
    return { value: flight };
  }

  /** Not while the other side reads nothing: then the count grows, and no memory. */
  #tellReceived(): void {
    const socket = this.#socket;
    if (this.#received === 0 || socket.writableLength >= HIGH_WATER || !socket.writable) return;
    const frame = Buffer.alloc(HEAD + 4);
    writeHead(frame, FrameKind.received, 4);
    frame.writeUInt32BE(this.#received, HEAD);
    this.#received = 0;
    socket.write(frame);
  }
}

/** The error of a send that has met the end of the connection. */
export function broken(cause: unknown): BrokenPipeError {
  return new BrokenPipeError('Cannot send: the other side has closed the connection, or is gone', { cause });
}

function late(): never {
  throw new TimeoutError('Cannot send: the other side does not receive, and the time was over');
}
