import { CorruptSegmentError } from '../../errors.js';
import { Tag } from './tags.js';

const float64 = new Float64Array(1);
const bigint64 = new BigInt64Array(float64.buffer);
const scalar = new Uint8Array(float64.buffer);

// Short texts repeat from message to message (keys, words of an enumeration), and finding one costs less than making it.
const CACHED_TEXT = 24;
const CACHE_SIZE = 1024;

const nothing = Buffer.alloc(0);

/** The error for bytes that no encoder can have written. */
export function corruptMessage(reason: string): CorruptSegmentError {
  return new CorruptSegmentError(`Cannot decode a message: ${reason}`);
}

/** Reads scalars and text, never beyond `end`. */
export class ByteReader {
  bytes: Buffer = nothing;
  position = 0;
  end = 0;
  #source: Uint8Array = nothing;
  readonly #texts: string[] = new Array<string>(CACHE_SIZE).fill('');

  protected open(source: Uint8Array, start: number, end: number): void {
    // Messages come from the same slab again and again; making a Buffer of it each time would cost more than reading.
    if (source !== this.#source) {
      this.bytes = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
      this.#source = source;
    }
    if (!(start >= 0 && start <= end && end <= source.length)) {
      throw corruptMessage(`its bounds ${start} to ${end} are outside of ${source.length} bytes`);
    }
    this.position = start;
    this.end = end;
  }

  /** Drops the memory that was read from. */
  protected release(): void {
    this.bytes = nothing;
    this.#source = nothing;
  }

  readByte(): number {
    if (this.position >= this.end) throw corruptMessage('it is truncated');
    return this.bytes[this.position++] as number;
  }

  readVarint(): number {
    let byte = this.readByte();
    let value = byte & 0x7f;
    let factor = 128;
    while (byte >= 0x80) {
      byte = this.readByte();
      value += (byte & 0x7f) * factor;
      factor *= 128;
      if (value > Number.MAX_SAFE_INTEGER) throw corruptMessage('a length is out of range');
    }
    return value;
  }

  /** A count of things that take at least `size` bytes each. Bounds every loop and allocation by the message. */
  readCount(size: number): number {
    const count = this.readVarint();
    if (count * size > this.end - this.position) throw corruptMessage('it is truncated');
    return count;
  }

  /** Steps over `count` bytes and gives the position where they begin. */
  skip(count: number): number {
    const start = this.position;
    if (count > this.end - start) throw corruptMessage('it is truncated');
    this.position = start + count;
    return start;
  }

  readInt32(): number {
    const start = this.skip(4);
    const bytes = this.bytes;
    return (
      (bytes[start] as number) |
      ((bytes[start + 1] as number) << 8) |
      ((bytes[start + 2] as number) << 16) |
      ((bytes[start + 3] as number) << 24)
    );
  }

  readDouble(): number {
    this.#readScalar();
    return float64[0] as number;
  }

  readBigint64(): bigint {
    this.#readScalar();
    return bigint64[0] as bigint;
  }

  readBigint(): bigint {
    const sign = this.readByte();
    const digits = this.readString();
    if (!/^[0-9a-f]+$/.test(digits)) throw corruptMessage('a bigint has wrong digits');
    const magnitude = BigInt(`0x${digits}`);
    return sign === 1 ? -magnitude : magnitude;
  }

  #readScalar(): void {
    const start = this.skip(8);
    const bytes = this.bytes;
    scalar[0] = bytes[start] as number;
    scalar[1] = bytes[start + 1] as number;
    scalar[2] = bytes[start + 2] as number;
    scalar[3] = bytes[start + 3] as number;
    scalar[4] = bytes[start + 4] as number;
    scalar[5] = bytes[start + 5] as number;
    scalar[6] = bytes[start + 6] as number;
    scalar[7] = bytes[start + 7] as number;
  }

  /** Text with its tag, where nothing but text can be. */
  readString(): string {
    const tag = this.readByte();
    if (tag !== Tag.ASCII && tag !== Tag.UTF8 && tag !== Tag.UTF16) throw corruptMessage(`tag ${tag} is not text`);
    return this.readText(tag);
  }

  readText(tag: number): string {
    const length = this.readCount(1);
    const start = this.skip(length);
    if (tag === Tag.ASCII) {
      return length <= CACHED_TEXT
        ? this.#cachedText(start, length)
        : this.bytes.toString('latin1', start, this.position);
    }
    return this.bytes.toString(tag === Tag.UTF8 ? 'utf8' : 'utf16le', start, this.position);
  }

  #cachedText(start: number, length: number): string {
    const bytes = this.bytes;
    let hash = length;
    for (let index = start; index < start + length; index++)
      hash = (Math.imul(hash, 31) + (bytes[index] as number)) | 0;
    const slot = (hash ^ (hash >>> 15)) & (CACHE_SIZE - 1);
    const cached = this.#texts[slot] as string;
    if (cached.length === length) {
      let index = 0;
      while (index < length && cached.charCodeAt(index) === bytes[start + index]) index++;
      if (index === length) return cached;
    }
    const text = bytes.toString('latin1', start, start + length);
    this.#texts[slot] = text;
    return text;
  }
}
