/**
 * Messages on a stream of bytes: each has a head of five bytes, its kind and its length, big end first.
 */
import { CorruptSegmentError, LengthError } from '../errors.js';

/** What a frame is. */
export const FrameKind = {
  /** A value. */
  message: 0,
  /** A value that refers to shared objects: whoever has received it says so. */
  withHandles: 1,
  /** So many of those were received: four bytes. */
  received: 2,
} as const;

/** Bytes of a head. */
export const HEAD = 5;
/** Longest body that a head can speak of. */
export const LONGEST_BODY = 2 ** 32 - 1;

/** From so many bytes on a body has memory of its own, which its receiver may keep. */
const LARGE = 4096;

/** Writes a head at the beginning of the bytes. */
export function writeHead(frame: Buffer, kind: number, length: number): void {
  frame.writeUInt8(kind, 0);
  frame.writeUInt32BE(length, 1);
}

/** Cuts a stream into frames. */
export class FrameReader {
  readonly #maxMessage: number;
  readonly #onFrame: (kind: number, body: Buffer) => void;
  readonly #head = Buffer.alloc(HEAD);
  #headFilled = 0;
  /** What the head announced, as far as it has come. */
  #body: Buffer | undefined;
  #filled = 0;

  constructor(maxMessage: number, onFrame: (kind: number, body: Buffer) => void) {
    this.#maxMessage = maxMessage;
    this.#onFrame = onFrame;
  }

  /** Is something there of a frame that is not there as a whole? */
  get isMidway(): boolean {
    return this.#headFilled > 0;
  }

  /** @throws LengthError, CorruptSegmentError for a head that is not accepted: nothing behind it can be read. */
  feed(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length || this.#filled === this.#body?.length) {
      if (this.#body === undefined) at += this.#readHead(chunk, at);
      else at += this.#readBody(this.#body, chunk, at);
    }
  }

  #readHead(chunk: Buffer, at: number): number {
    const count = chunk.copy(this.#head, this.#headFilled, at);
    this.#headFilled += count;
    if (this.#headFilled === HEAD) {
      const length = this.#checkHead();
      this.#body = length < LARGE ? Buffer.allocUnsafe(length) : Buffer.allocUnsafeSlow(length);
      this.#filled = 0;
    }
    return count;
  }

  #checkHead(): number {
    const kind = this.#head.readUInt8(0);
    const length = this.#head.readUInt32BE(1);
    if (kind > FrameKind.received || (kind === FrameKind.received && length !== 4))
      throw new CorruptSegmentError('Cannot receive: what came is no message of this library');
    if (length > this.#maxMessage)
      throw new LengthError(`Cannot receive: the message has ${length} bytes, ${this.#maxMessage} are allowed`);
    return length;
  }

  #readBody(body: Buffer, chunk: Buffer, at: number): number {
    const count = chunk.copy(body, this.#filled, at);
    this.#filled += count;
    if (this.#filled === body.length) {
      this.#body = undefined;
      this.#headFilled = 0;
      this.#onFrame(this.#head.readUInt8(0), body);
    }
    return count;
  }
}
