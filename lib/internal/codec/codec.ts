/**
 * Values to bytes and back, between processes of one machine. What travels keeps its meaning as in structured clone;
 * beyond that, Buffers stay Buffers, errors keep class, code and properties, shared objects arrive live, and instances
 * of registered classes keep their class.
 *
 * Scalars and bytes are written here, plain data by msgpackr, everything else by the engine.
 */
import { BODY_HEAD, readBody, wholeBody, writeBodyHead } from './body.js';
import { readClone, writeClone } from './clone.js';
import { corruptMessage } from './corrupt.js';
import { packPlain, unpackPlain } from './plain.js';
import { readScalar } from './scalar-reader.js';
import { Scratch } from './scratch.js';
import { sharedObjects, type HandleSource } from './shared-objects.js';
import { Snapshot } from './snapshot.js';
import { Tag } from './tags.js';

/** So many bytes are not copied by the encoder: what a library wrote, or a binary value that is the whole message. */
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
 * Code of the program that runs meanwhile (getters, proxies, `toData`) may use the same encoder again: nothing is kept
 * here before it has run.
 */
export class Encoder implements Encoded {
  body: Uint8Array | null = null;
  handles: readonly HandleSource[] | null = null;
  readonly #scratch = new Scratch();
  #told: Uint8Array = this.#scratch.bytes;
  readonly #onScratch: (scratch: Uint8Array) => void;

  /** @param onScratch Called, before `encode` returns, whenever the message is in another memory than the last one. */
  constructor(onScratch: (scratch: Uint8Array) => void = () => undefined) {
    this.#onScratch = onScratch;
  }

  /** Where the last message begins. */
  get scratch(): Uint8Array {
    return this.#told;
  }

  /**
   * Writes `value` into the scratch and gives the number of bytes there; see `body` for the rest of the message. All
   * three are valid until the next call.
   *
   * @throws NotTransferableError (`ERR_MULTIPROC_NOT_TRANSFERABLE`), with the path, for a value with a part that cannot
   * travel; and whatever a getter, proxy or `toData` throws. The message is then to be forgotten as a whole.
   */
  encode(value: unknown): number {
    this.body = null;
    this.handles = null;
    const length = this.#encode(value);
    this.#tell();
    return length;
  }

  /**
   * Puts `prefix` before the message that was just encoded, of which `length` bytes are in the scratch: for those who write a head of their
   * own. Gives the number of bytes there now.
   */
  prepend(prefix: Uint8Array, length: number): number {
    const before = this.#scratch.bytes;
    const bytes = this.#scratch.reserve(prefix.length + length);
    before.copy(bytes, prefix.length, 0, length);
    bytes.set(prefix);
    this.#tell();
    return prefix.length + length;
  }

  #tell(): void {
    const scratch = this.#scratch.bytes;
    if (scratch === this.#told) return;
    this.#told = scratch;
    this.#onScratch(scratch);
  }

  #encode(value: unknown): number {
    const scratch = this.#scratch;
    switch (typeof value) {
      case 'string':
        return scratch.writeText(value);
      case 'number':
        return scratch.writeNumber(value);
      case 'boolean':
        return scratch.writeTag(value ? Tag.TRUE : Tag.FALSE);
      case 'undefined':
        return scratch.writeTag(Tag.UNDEFINED);
      case 'bigint':
        return BigInt.asIntN(64, value) === value ? scratch.writeBigint64(value) : this.#encodeAny(value);
      case 'object':
        return value === null ? scratch.writeTag(Tag.NULL) : this.#encodeObject(value);
      default:
        return this.#encodeAny(value);
    }
  }

  #encodeObject(value: object): number {
    const whole = wholeBody(value);
    if (whole !== undefined && sharedObjects.describe(value) === undefined)
      return this.#encodeBody(whole.type, whole.bytes);
    return this.#encodeAny(value);
  }

  #encodeBody(type: number, bytes: Uint8Array): number {
    const inScratch = bytes.length < BODY_THRESHOLD;
    const scratch = this.#scratch.reserve(inScratch ? BODY_HEAD + bytes.length : BODY_HEAD);
    writeBodyHead(scratch, type);
    this.body = inScratch ? null : bytes;
    if (inScratch) scratch.set(bytes, BODY_HEAD);
    return inScratch ? BODY_HEAD + bytes.length : BODY_HEAD;
  }

  #encodeAny(value: unknown): number {
    const snapshot = new Snapshot(value);
    if (snapshot.isPlain) {
      const message = packPlain(snapshot);
      return this.#keep(message, message.start, message.end);
    }
    const message = writeClone(snapshot);
    const length = this.#keep(message, 0, message.length);
    this.handles = snapshot.handles;
    return length;
  }

  /** Takes a whole message that a library wrote. */
  #keep(message: Buffer, start: number, end: number): number {
    const length = end - start;
    // What a getter that encoded meanwhile has left here goes, too.
    this.handles = null;
    if (length >= BODY_THRESHOLD) {
      this.body = message.subarray(start, end);
      return 0;
    }
    this.body = null;
    message.copy(this.#scratch.reserve(length), 0, start, end);
    return length;
  }
}

/** Decodes messages; what it makes shares no memory with the message, except as said at `decode`. */
export class Decoder {
  /**
   * Decodes the message in `bytes` from `start` up to `end`.
   *
   * @param owned The caller gives the memory away: a Buffer or typed array that is the whole message is then a view of
   * it instead of a copy, if its alignment permits.
   * @throws CorruptSegmentError (`ERR_MULTIPROC_CORRUPT_SEGMENT`) for bytes that no encoder wrote.
   * @throws VersionError (`ERR_MULTIPROC_VERSION`) for a value that an engine newer than this one wrote.
   * @throws NotFoundError (`ERR_MULTIPROC_NOT_FOUND`) for an instance of a class that is not registered here; and
   * whatever reviving a shared object or `fromData` throws.
   */
  decode(bytes: Uint8Array, start: number, end: number, owned: boolean): unknown {
    if (!(start >= 0 && start < end && end <= bytes.length)) {
      throw corruptMessage(`its bounds ${start} to ${end} are empty or outside of ${bytes.length} bytes`);
    }
    const tag = bytes[start];
    switch (tag) {
      case Tag.PLAIN:
        return unpackPlain(bytes, start + 1, end);
      case Tag.BODY:
        return readBody(bytes, start, end, owned);
      case Tag.CLONE:
      case Tag.RESTORED:
        return readClone(bytes, start, end);
      default:
        return readScalar(bytes, start, end);
    }
  }
}
