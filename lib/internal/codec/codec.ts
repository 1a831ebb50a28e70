/**
 * Values to bytes and back, between processes of one machine. What travels keeps its meaning as in structured clone;
 * beyond that, Buffers stay Buffers, errors keep class, code and properties, shared objects arrive live, and instances
 * of registered classes keep their class.
 */
import { sharedObjects, type HandleSource } from './shared-objects.js';
import { wholeBody } from './special-writer.js';
import { BODY_HEAD, Tag } from './tags.js';
import { ValueReader } from './value-reader.js';
import { ValueWriter } from './value-writer.js';

/** A binary value of so many bytes is not copied by the encoder when it is the whole message. */
export const BODY_THRESHOLD = 2048;

/** What {@link Encoder.encode} leaves behind besides the bytes in the scratch. */
export interface Encoded {
  /** The rest of the message, to be sent after the scratch; `null` when the scratch has all of it. */
  readonly body: Uint8Array | null;
  /** The shared objects in the message, to be kept alive until it has arrived; `null` when there are none. */
  readonly handles: readonly HandleSource[] | null;
}

/**
 * Encodes one message at a time into a memory of its own.
 *
 * Code of the program that runs meanwhile (getters, proxies, `toData`) may use the same encoder again: the inner
 * message goes into another memory, and `onScratch` tells of every change.
 */
export class Encoder implements Encoded {
  body: Uint8Array | null = null;
  handles: readonly HandleSource[] | null = null;
  #scratch: Uint8Array;
  #idle: ValueWriter | null = new ValueWriter();
  readonly #onScratch: (scratch: Uint8Array) => void;

  /** @param onScratch Called, before `encode` returns, whenever the message is in another memory than the last one. */
  constructor(onScratch: (scratch: Uint8Array) => void = () => undefined) {
    this.#onScratch = onScratch;
    this.#scratch = (this.#idle as ValueWriter).bytes;
  }

  /** Where the last message begins. */
  get scratch(): Uint8Array {
    return this.#scratch;
  }

  /**
   * Writes `value` into the scratch and gives the number of bytes there; see `body` for the rest of the message. All
   * three are valid until the next call.
   *
   * @throws NotTransferableError (`ERR_MULTIPROC_NOT_TRANSFERABLE`), with the path, for a value with a part that cannot
   * travel; and whatever a getter, proxy or `toData` throws. The message is then to be forgotten as a whole.
   */
  encode(value: unknown): number {
    const writer = this.#idle ?? new ValueWriter();
    this.#idle = null;
    try {
      this.body = null;
      this.handles = null;
      if (typeof value === 'object' && value !== null && this.#encodeBody(writer, value)) return BODY_HEAD;
      const length = writer.writeMessage(value);
      this.body = null;
      this.handles = writer.handles;
      return length;
    } finally {
      this.#idle = writer;
      if (writer.bytes !== this.#scratch) {
        this.#scratch = writer.bytes;
        this.#onScratch(writer.bytes);
      }
    }
  }

  #encodeBody(writer: ValueWriter, value: object): boolean {
    const buffer = ArrayBuffer.isView(value) ? value.buffer : value;
    // Also false for a detached one, whose views throw when they are asked for their length.
    if (!(buffer instanceof ArrayBuffer) || buffer.byteLength < BODY_THRESHOLD) return false;
    if (sharedObjects.describe(value) !== undefined) return false;
    const whole = wholeBody(value);
    if (whole === undefined || whole.bytes.length < BODY_THRESHOLD) return false;
    writer.bytes.fill(0, 0, BODY_HEAD);
    writer.bytes[0] = Tag.BODY;
    writer.bytes[1] = whole.type;
    this.body = whole.bytes;
    return true;
  }
}

/** Decodes messages; what it makes shares no memory with the message, except as said at `decode`. */
export class Decoder {
  #idle: ValueReader | null = new ValueReader();

  /**
   * Decodes the message in `bytes` from `start` up to `end`.
   *
   * @param owned The caller gives the memory away: a Buffer or typed array that is the whole message is then a view of
   * it instead of a copy, if its alignment permits.
   * @throws CorruptSegmentError (`ERR_MULTIPROC_CORRUPT_SEGMENT`) for bytes that no encoder wrote.
   * @throws NotFoundError (`ERR_MULTIPROC_NOT_FOUND`) for an instance of a class that is not registered here; and
   * whatever reviving a shared object or `fromData` throws.
   */
  decode(bytes: Uint8Array, start: number, end: number, owned: boolean): unknown {
    const reader = this.#idle ?? new ValueReader();
    this.#idle = null;
    try {
      return reader.readMessage(bytes, start, end, owned);
    } finally {
      this.#idle = reader;
    }
  }
}
